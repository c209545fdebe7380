//! Thresholds while a run goes on and when it is over.

use kit::clock::micros;

use crate::cli::JudgeArguments;
use crate::esme::{self, Book};
use crate::failure::{DOUBTFUL, INTERRUPTED, MISSED};
use crate::results::{Results, Verdict};

/// Looks at thresholds in the middle of a run.
pub(crate) struct Judge {
    arguments: JudgeArguments,
    warm_up_us: u64,
    /// What ended the run.
    pub(crate) broken: Vec<Verdict>,
}

impl Judge {
    /// The thresholds of a run with that warm-up.
    pub(crate) fn new(arguments: &JudgeArguments, warm_up_us: u64) -> Self {
        Self {
            arguments: arguments.clone(),
            warm_up_us,
            broken: Vec::new(),
        }
    }

    /// Whether the run may go on.
    pub(crate) fn allows(&mut self, book: &Book, now_us: u64) -> bool {
        if !self.arguments.abort_on_fail || now_us < self.warm_up_us + micros(self.arguments.grace) {
            return true;
        }
        let thresholds = self
            .arguments
            .threshold
            .iter()
            .filter(|threshold| threshold.is_for_the_middle());
        let thresholds: Vec<_> = thresholds.collect();
        let mut so_far = esme::snapshot(book, self.warm_up_us);
        if thresholds.iter().any(|threshold| threshold.needs_latencies()) {
            so_far.latencies = esme::latencies(book);
        }
        let verdicts = thresholds.into_iter().map(|threshold| threshold.judge(&so_far));
        self.broken = verdicts.filter(|verdict| !verdict.held).collect();
        self.broken.is_empty()
    }
}

/// What came of every threshold; those that ended the run are judged by what they were ended for.
pub(crate) fn verdicts(arguments: &JudgeArguments, results: &Results, broken: &[Verdict]) -> Vec<Verdict> {
    let judge = |threshold: &crate::threshold::Threshold| {
        let verdict = threshold.judge(results);
        match broken.iter().find(|broken| broken.threshold == verdict.threshold) {
            Some(broken) => Verdict {
                aborted: true,
                ..broken.clone()
            },
            None => verdict,
        }
    };
    arguments.threshold.iter().map(judge).collect()
}

/// A signal says more than a threshold, since the run is not what was asked for; a threshold more than a doubt.
pub(crate) fn exit_code(interrupted: bool, results: &Results) -> u8 {
    if interrupted {
        INTERRUPTED
    } else if results.thresholds.iter().any(|verdict| !verdict.held) {
        MISSED
    } else if results.doubts.is_empty() {
        0
    } else {
        DOUBTFUL
    }
}
