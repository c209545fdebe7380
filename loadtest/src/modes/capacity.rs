//! `loadtest capacity`: one run after the other, each at another rate, until the highest that holds is known.

use anyhow::Result;
use kit::clock::micros;

use super::doubt;
use crate::cli::{Asked, CapacityArguments};
use crate::esme::{self, Book, Observer, Rules};
use crate::failure::{Failure, INTERRUPTED, MISSED};
use crate::load::{Arrivals, Limits, Rate, Schedule, Search, Shape};
use crate::progress::Progress;
use crate::results::{Capacity, Results, Step};
use crate::{clock, machine, report};

/// Of each step, this part comes before it as warm-up.
const WARM_UP: f64 = 0.2;

/// Written less than this share of what was offered, a rate was not reached.
const ACHIEVED: f64 = 0.98;

/// Refused more than this share, a rate is too much.
const REFUSED_MAX: f64 = 0.01;

/// A step that is so far behind its load, beyond its limit, will not come back: it ends.
const BEHIND_S: f64 = 2.0;

/// Searches and reports; the exit code.
///
/// # Errors
/// [`Failure`], or a report that cannot be written.
pub(crate) fn run(asked: &Asked, arguments: &CapacityArguments) -> Result<u8> {
    arguments.check().map_err(Failure::Usage)?;
    let started_at = clock::date_and_time();
    let mut found = Found::default();
    let mut search = Search::new(arguments.start.0, arguments.up_to.0, arguments.precision);
    while let Some(rate) = search.next()
        && !found.ended()
    {
        let held = found.step(arguments, rate)? || (!found.interrupted && found.step(arguments, rate)?);
        search.tell(rate, held);
    }
    let per_second = search.held().unwrap_or(0.0);
    let limited_by = found.limited_by(search.met_a_limit());
    let mut results = found.best.or(found.last).unwrap_or_default();
    results.capacity = Some(Capacity {
        per_second,
        p99_limit_ms: arguments.p99.as_secs_f64() * 1e3,
        limited_by,
        steps: found.steps,
    });
    machine::head(&mut results, &asked.mode, arguments.seed, asked.configuration.clone());
    results.started_at = started_at;
    doubt::look(&mut results);
    report::write(&results, &arguments.outputs)?;
    Ok(match (found.interrupted, per_second > 0.0) {
        (true, _) => INTERRUPTED,
        (false, true) => 0,
        (false, false) => MISSED,
    })
}

/// What the tries have found.
#[derive(Default)]
struct Found {
    steps: Vec<Step>,
    /// The run at the highest rate that held.
    best: Option<Results>,
    last: Option<Results>,
    interrupted: bool,
    /// The last rate was too much, and the generator may have been why.
    saturated: Option<String>,
}

impl Found {
    /// Nothing more is found out: somebody interrupts, or the last rate was too much, perhaps for this program.
    fn ended(&self) -> bool {
        self.interrupted || self.saturated.is_some()
    }

    /// Tries a rate: whether it held.
    fn step(&mut self, arguments: &CapacityArguments, rate: f64) -> Result<bool> {
        let (results, interrupted) = load(arguments, rate)?;
        self.interrupted = interrupted;
        if interrupted {
            self.last = Some(results);
            return Ok(false);
        }
        let too_much = too_much(&results, arguments.p99.as_secs_f64() * 1e3);
        self.steps.push(Step {
            per_second: rate,
            p99_ms: p99_ms(&results),
            too_much: too_much
                .as_ref()
                .map(|too_much| too_much.why.clone())
                .unwrap_or_default(),
        });
        let Some(too_much) = too_much else {
            self.saturated = None;
            self.best = Some(results);
            return Ok(true);
        };
        let ours = results.saturation.first().filter(|_| too_much.may_be_ours);
        self.saturated = ours.cloned();
        self.last = Some(results);
        Ok(false)
    }

    fn limited_by(&self, met_a_limit: bool) -> String {
        let last = self.steps.iter().rev().find(|step| !step.too_much.is_empty());
        match (&self.saturated, last) {
            _ if self.interrupted => "the search was interrupted: the target may take more".to_owned(),
            (Some(reason), _) => format!("this program may have been the limit, the target may take more: {reason}"),
            (None, Some(step)) if met_a_limit => format!("at {}/s, {}", step.per_second, step.too_much),
            (None, _) => "nothing up to the highest rate that was to be tried: the target may take more".to_owned(),
        }
    }
}

/// Sends at that rate for a step; the results, and whether a signal ended it.
fn load(arguments: &CapacityArguments, rate: f64) -> Result<(Results, bool)> {
    let traffic = arguments.traffic.traffic(arguments.seed).map_err(Failure::Usage)?;
    let warm_up_us = micros(arguments.step.mul_f64(WARM_UP));
    let rules = Rules {
        warm_up_us,
        drain_us: micros(arguments.drain),
        outstanding_max: arguments.traffic.outstanding_max as usize,
        receipts: arguments.target.gets_receipts(&traffic),
    };
    let limits = Limits {
        count: u64::MAX,
        length_us: warm_up_us + micros(arguments.step),
        backlog_max: u64::MAX,
    };
    let schedule = Schedule::open(Arrivals::even(Shape::constant(Rate(rate))), limits);
    let mut watch = Watch {
        progress: Progress::new(arguments.outputs.quiet),
        backlog_max: (rate * (arguments.p99.as_secs_f64() + BEHIND_S)) as u64,
    };
    let plan = arguments.target.plan(traffic).map_err(Failure::Usage)?;
    watch.progress.say(&format!("trying {rate}/s"));
    let mut outcome = esme::run(plan, (schedule, rules), &mut watch)?;
    watch.progress.finish();
    let interrupted = outcome.pulse.signals > 0;
    Ok((esme::results(&mut outcome, warm_up_us), interrupted))
}

fn p99_ms(results: &Results) -> f64 {
    results
        .latencies
        .get("submit")
        .map_or(0.0, |submit| submit.corrected.p99)
}

/// Why a rate is too much.
#[derive(Debug, PartialEq)]
struct TooMuch {
    why: String,
    /// Whether a generator that cannot keep up would look the same.
    may_be_ours: bool,
}

/// Why the rate of that run is too much; `None`: it held.
fn too_much(results: &Results, p99_limit_ms: f64) -> Option<TooMuch> {
    let counts = &results.counts;
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    let refused = share(counts.refused, counts.answered);
    let taken = share(counts.submitted, counts.offered);
    let p99_ms = p99_ms(results);
    let because = |why, may_be_ours| Some(TooMuch { why, may_be_ours });
    if counts.disconnects > 0 {
        return because(format!("{} sessions ended", counts.disconnects), false);
    }
    if counts.unanswered > 0 {
        return because(format!("{} submits had no answer", counts.unanswered), false);
    }
    if refused > REFUSED_MAX {
        return because(format!("{:.1} % were refused", refused * 100.0), false);
    }
    if taken < ACHIEVED {
        return because(format!("only {:.1} % of it were taken", taken * 100.0), true);
    }
    if p99_ms > p99_limit_ms {
        return because(format!("99 % took up to {p99_ms:.1} ms"), true);
    }
    None
}

/// Progress, and the end of a step that has fallen behind.
struct Watch {
    progress: Progress,
    backlog_max: u64,
}

impl Observer for Watch {
    fn look(&mut self, book: &Book, now_us: u64) -> bool {
        self.progress.show(book, now_us);
        let (_, backlog, _) = book.waiting();
        backlog <= self.backlog_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Counts, Distribution, Latency};

    fn why(change: fn(&mut Counts), p99: f64) -> Option<TooMuch> {
        let mut results = Results {
            counts: Counts {
                offered: 1_000,
                submitted: 1_000,
                answered: 1_000,
                ..Counts::default()
            },
            ..Results::default()
        };
        change(&mut results.counts);
        let corrected = Distribution {
            p99,
            ..Distribution::default()
        };
        let submit = Latency {
            corrected,
            ..Latency::default()
        };
        results.latencies.insert("submit".to_owned(), submit);
        too_much(&results, 100.0)
    }

    #[test]
    fn a_rate_is_too_much_for_a_reason() {
        assert_eq!(why(|_| {}, 100.0), None);
        assert_eq!(why(|counts| counts.refused = 10, 1.0), None);
        let reasons = [
            (why(|_| {}, 100.1), "99 % took up to 100.1 ms", true),
            (why(|counts| counts.refused = 11, 1.0), "1.1 % were refused", false),
            (
                why(|counts| counts.unanswered = 1, 1.0),
                "1 submits had no answer",
                false,
            ),
            (why(|counts| counts.disconnects = 2, 1.0), "2 sessions ended", false),
            (
                why(|counts| counts.submitted = 979, 1.0),
                "only 97.9 % of it were taken",
                true,
            ),
        ];
        for (is, expected, may_be_ours) in reasons {
            let why = expected.to_owned();
            assert_eq!(is, Some(TooMuch { why, may_be_ours }));
        }
    }
}
