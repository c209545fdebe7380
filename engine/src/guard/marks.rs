//! How full Redis may be before less is asked of it.

use crate::store::Memory;

/// A mark is left again this many percent below it: at the mark itself it would be passed with every message.
const HYSTERESIS: u64 = 5;

/// The two marks of `[redis]`, in percent of `maxmemory`, and which of them is passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    intake: Mark,
    leases: Mark,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    percent: u64,
    passed: bool,
}

impl Marks {
    /// Neither is passed yet.
    pub(crate) fn new(intake: u32, leases: u32) -> Self {
        let mark = |percent: u32| Mark {
            percent: percent.into(),
            passed: false,
        };
        Self {
            intake: mark(intake),
            leases: mark(leases),
        }
    }

    /// Whether the first and the second are passed now.
    pub(crate) fn look(&mut self, memory: Memory) -> (bool, bool) {
        (self.intake.look(memory), self.leases.look(memory))
    }
}

impl Mark {
    fn look(&mut self, memory: Memory) -> bool {
        let from = if self.passed {
            self.percent.saturating_sub(HYSTERESIS)
        } else {
            self.percent
        };
        let used = u128::from(memory.used) * 100;
        self.passed = memory.max > 0 && used >= u128::from(memory.max) * u128::from(from);
        self.passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_passed_upwards_and_left_five_percent_below() {
        let mut marks = Marks::new(85, 93);
        let mut look = |used| marks.look(Memory { used, max: 1_000 });
        assert_eq!(look(849), (false, false));
        assert_eq!(look(850), (true, false));
        assert_eq!(look(801), (true, false));
        assert_eq!(look(930), (true, true));
        assert_eq!(look(881), (true, true));
        assert_eq!(look(879), (true, false));
        assert_eq!(look(799), (false, false));
        assert_eq!(look(u64::MAX), (true, true));
    }

    #[test]
    fn without_maxmemory_there_is_no_mark() {
        let mut marks = Marks::new(85, 93);
        assert_eq!(marks.look(Memory { used: u64::MAX, max: 0 }), (false, false));
    }
}
