//! What an SMSC answered within the last second: pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The resolution of the last second.
const STEP: Duration = Duration::from_millis(50);

/// So many new messages say more than those that were refused before.
const ENOUGH: usize = 3;

/// Segments by what became of them: of new messages, and of those that were refused before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) new: Outcome,
    pub(super) again: Outcome,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) accepted: usize,
    pub(super) refused: usize,
}

impl Counts {
    /// One that was refused as too fast.
    pub(super) fn refused(again: bool) -> Self {
        let (mut counts, one) = (
            Self::default(),
            Outcome {
                accepted: 0,
                refused: 1,
            },
        );
        *if again { &mut counts.again } else { &mut counts.new } = one;
        counts
    }

    /// So many that were taken, some of which had been refused before.
    pub(super) fn accepted(count: usize, again: usize) -> Self {
        let taken = |accepted| Outcome { accepted, refused: 0 };
        Self {
            new: taken(count.saturating_sub(again)),
            again: taken(again),
        }
    }

    pub(super) fn all_accepted(self) -> usize {
        self.new.accepted + self.again.accepted
    }

    fn all_refused(self) -> usize {
        self.new.refused + self.again.refused
    }

    fn change(&mut self, other: Self, change: impl Fn(&mut usize, usize)) {
        change(&mut self.new.accepted, other.new.accepted);
        change(&mut self.new.refused, other.new.refused);
        change(&mut self.again.accepted, other.again.accepted);
        change(&mut self.again.refused, other.again.refused);
    }
}

/// Answers within the last second.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    steps: VecDeque<(Instant, Counts)>,
    sum: Counts,
}

impl Tally {
    /// Adds some, and forgets those before the last second.
    pub(super) fn add(&mut self, counts: Counts, now: Instant) {
        let over = |at: Instant| now.saturating_duration_since(at) >= Duration::from_secs(1);
        while let Some((_, old)) = self.steps.pop_front_if(|(at, ..)| over(*at)) {
            self.sum.change(old, |sum, old| *sum -= old);
        }
        let add = |sum: &mut usize, more| *sum += more;
        match self.steps.back_mut() {
            Some(step) if now.saturating_duration_since(step.0) < STEP => step.1.change(counts, add),
            _ => self.steps.push_back((now, counts)),
        }
        self.sum.change(counts, add);
    }

    pub(super) fn accepted(&self) -> usize {
        self.sum.all_accepted()
    }

    pub(super) fn refused(&self) -> usize {
        self.sum.all_refused()
    }

    /// Refused of all.
    pub(super) fn share(&self) -> f64 {
        self.refused() as f64 / (self.accepted() + self.refused()) as f64
    }

    /// Accepted within the last `time`.
    pub(super) fn accepted_within(&self, time: Duration, now: Instant) -> usize {
        let within = |at: &Instant| now.saturating_duration_since(*at) < time;
        let steps = self.steps.iter().filter(|(at, ..)| within(at));
        steps.map(|(_, counts)| counts.all_accepted()).sum()
    }

    /// Whether only messages are refused that were refused before, all of them, while new ones are taken: that is about these
    /// messages, and not about the pace.
    pub(super) fn is_about_messages(&self) -> bool {
        self.sum.new.refused == 0 && self.sum.new.accepted >= ENOUGH && self.sum.again.accepted == 0
    }
}
