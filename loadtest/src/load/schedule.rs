//! What is due, what waits, and when it is over: one for all sessions of a run.

use super::arrivals::Arrivals;

/// When a run has sent enough, in whatever comes first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Messages of the measured time and the warm-up together.
    pub(crate) count: u64,
    /// From the beginning, warm-up included.
    pub(crate) length_us: u64,
    /// Messages that may be due and wait for a window; beyond, the oldest are given up.
    pub(crate) backlog_max: u64,
}

/// A message that may be written now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Its number in the run, from 0.
    pub(crate) number: u64,
    /// When it was due, in µs from the beginning; in a closed model, the moment at which it is taken.
    pub(crate) due_us: u64,
}

/// Closed: as many as the windows let through. Open: as the arrivals say, whatever the windows do.
#[derive(Debug)]
enum Model {
    Closed {
        taken: u64,
    },
    /// Two walks along the same arrivals: what lies between them is the backlog, and needs no memory.
    Open {
        due: Arrivals,
        taken: Arrivals,
    },
}

/// The load of one run.
#[derive(Debug)]
pub(crate) struct Schedule {
    model: Model,
    limits: Limits,
    dropped: u64,
    ended: bool,
}

impl Schedule {
    /// As many as the windows let through.
    pub(crate) fn closed(limits: Limits) -> Self {
        Self::new(Model::Closed { taken: 0 }, limits)
    }

    /// As the arrivals say.
    pub(crate) fn open(arrivals: Arrivals, limits: Limits) -> Self {
        let due = arrivals.clone();
        Self::new(Model::Open { due, taken: arrivals }, limits)
    }

    fn new(model: Model, limits: Limits) -> Self {
        Self {
            model,
            limits,
            dropped: 0,
            ended: false,
        }
    }

    /// Lets time pass: `offer` is called with the due moment of every message that became due. Gives up what is too much.
    pub(crate) fn pass(&mut self, now_us: u64, mut offer: impl FnMut(u64)) {
        let limits = self.limits;
        let Model::Open { due, taken } = &mut self.model else {
            return;
        };
        while !self.ended && due.next_us() <= now_us && due.next_us() < limits.length_us && due.number() < limits.count
        {
            offer(due.next_us());
            due.advance();
        }
        while due.number() - taken.number() > limits.backlog_max {
            taken.advance();
            self.dropped += 1;
        }
    }

    /// The next message to write; `None`: nothing is due now.
    pub(crate) fn take(&mut self, now_us: u64) -> Option<Taken> {
        if self.ended {
            return None;
        }
        match &mut self.model {
            Model::Closed { taken } => {
                let number = *taken;
                let open = number < self.limits.count && now_us < self.limits.length_us;
                *taken += u64::from(open);
                open.then_some(Taken { number, due_us: now_us })
            }
            Model::Open { due, taken } => {
                let waiting = taken.number() < due.number();
                let next = Taken {
                    number: taken.number(),
                    due_us: taken.next_us(),
                };
                waiting.then(|| taken.advance()).map(|()| next)
            }
        }
    }

    /// Due messages that nobody has taken yet.
    pub(crate) fn backlog(&self) -> u64 {
        match &self.model {
            Model::Open { due, taken } if !self.ended => due.number() - taken.number(),
            Model::Open { .. } | Model::Closed { .. } => 0,
        }
    }

    /// When the next message becomes due; `None`: no moment is known, either because it is over or because it depends on windows.
    pub(crate) fn next_due_us(&self) -> Option<u64> {
        match &self.model {
            Model::Closed { .. } => None,
            Model::Open { due, .. } => {
                let more = !self.ended && due.number() < self.limits.count && due.next_us() < self.limits.length_us;
                more.then(|| due.next_us())
            }
        }
    }

    /// Whether nothing will be taken any more.
    pub(crate) fn is_over(&self, now_us: u64) -> bool {
        let past = self.ended || now_us >= self.limits.length_us;
        match &self.model {
            Model::Closed { taken } => past || *taken >= self.limits.count,
            Model::Open { .. } => self.ended || (self.next_due_us().is_none() && self.backlog() == 0),
        }
    }

    /// Nothing more is taken from now on: what still waits is given up.
    pub(crate) fn end(&mut self) {
        if !self.ended {
            self.dropped += self.backlog();
            self.ended = true;
        }
    }

    /// How much of it is done after `sent` messages, from 0 to 1: by its count or by its time, whichever is further.
    pub(crate) fn share(&self, sent: u64, now_us: u64) -> f64 {
        let of_count = sent as f64 / self.limits.count.max(1) as f64;
        let of_time = now_us as f64 / self.limits.length_us.max(1) as f64;
        of_count.max(of_time).min(1.0)
    }

    /// Messages given up because too many waited.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Until when the model has said what is due: the moment of the next message, or the end of the run. `None`: it depends
    /// on windows, nothing follows, or somebody ended the run.
    pub(crate) fn known_until_us(&self) -> Option<u64> {
        match &self.model {
            Model::Open { due, .. } if !self.ended && due.next_us() < u64::MAX => {
                Some(due.next_us().min(self.limits.length_us))
            }
            Model::Open { .. } | Model::Closed { .. } => None,
        }
    }

    /// Whether arrivals do not wait for windows.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.model, Model::Open { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Rate, Shape};

    const LIMITS: Limits = Limits {
        count: 1_000,
        length_us: 10_000_000,
        backlog_max: 100,
    };

    fn open(rate: f64) -> Schedule {
        Schedule::open(Arrivals::even(Shape::constant(Rate(rate))), LIMITS)
    }

    #[test]
    fn what_is_due_keeps_its_moment_while_it_waits() {
        let mut schedule = open(10.0);
        let mut offered = Vec::new();
        schedule.pass(250_000, |at| offered.push(at));
        assert_eq!(offered, [0, 100_000, 200_000]);
        assert_eq!(schedule.backlog(), 3);
        assert_eq!(schedule.take(260_000), Some(Taken { number: 0, due_us: 0 }));
        assert_eq!(
            schedule.take(260_000),
            Some(Taken {
                number: 1,
                due_us: 100_000
            })
        );
        assert_eq!(schedule.next_due_us(), Some(300_000));
    }

    #[test]
    fn beyond_the_bound_the_oldest_are_given_up_and_counted() {
        let mut schedule = open(1_000.0);
        schedule.pass(499_000, |_| {});
        assert_eq!((schedule.backlog(), schedule.dropped()), (100, 400));
        assert_eq!(
            schedule.take(499_000),
            Some(Taken {
                number: 400,
                due_us: 400_000
            })
        );
    }

    #[test]
    fn it_is_over_when_the_count_or_the_time_is() {
        let mut schedule = open(1_000.0);
        let mut taken = 0;
        for now_us in (0..2_000_000).step_by(10_000) {
            schedule.pass(now_us, |_| {});
            while schedule.take(now_us).is_some() {
                taken += 1;
            }
        }
        assert_eq!(taken, 1_000);
        assert!(schedule.is_over(2_000_000));

        let mut schedule = Schedule::closed(LIMITS);
        assert!(schedule.take(9_999_999).is_some());
        assert_eq!(schedule.take(10_000_000), None);
        assert!(schedule.is_over(10_000_000));
        schedule.end();
        assert!(schedule.is_over(0) && schedule.take(0).is_none());
    }
}
