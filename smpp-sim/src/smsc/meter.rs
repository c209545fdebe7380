use std::collections::VecDeque;

const SECOND_US: u64 = 1_000_000;

/// Counts exactly what was let through in the last second: no burst can hide between two counters.
#[derive(Debug, Default)]
pub(super) struct Meter {
    times: VecDeque<u64>,
}

impl Meter {
    /// Whether one more may pass now.
    pub(super) fn has_room(&mut self, now_us: u64, limit: usize) -> bool {
        while self.times.front().is_some_and(|&first| first + SECOND_US <= now_us) {
            self.times.pop_front();
        }
        self.times.len() < limit
    }

    /// One more has passed.
    pub(super) fn count(&mut self, now_us: u64) {
        self.times.push_back(now_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_lets_no_window_of_a_second_hold_more() {
        let mut meter = Meter::default();
        let take = |meter: &mut Meter, at| {
            let room = meter.has_room(at, 5);
            if room {
                meter.count(at);
            }
            room
        };
        let taken = |meter: &mut Meter, at| (0..10).filter(|_| take(meter, at)).count();
        assert_eq!(taken(&mut meter, 900_000), 5);
        assert_eq!(taken(&mut meter, 1_100_000), 0);
        assert_eq!(taken(&mut meter, 1_900_000), 5);
    }
}
