use std::collections::VecDeque;

use super::schedule::Schedule;
use crate::scenario::{Account as Rights, HangupBegin, Throttle};

const SECOND_US: u64 = 1_000_000;

/// One system_id while the simulator runs.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) rights: Rights,
    /// Its bound sessions, in order of binding.
    pub(super) sessions: Vec<u32>,
    /// Deliveries that no session can take now.
    pub(super) backlog: Schedule,
    /// Submits since the start, the reset or the scenario's switch: what faults count by.
    pub(super) submits: u64,
    /// Submits that came as far as the throttling burst.
    counted: u64,
    /// Which submit makes a session hang up next.
    pub(super) next_hangup: u64,
    meter: Meter,
    /// Takes turns among receiving sessions.
    pub(super) turn: usize,
}

impl Account {
    pub(super) fn new(rights: Rights) -> Self {
        let mut account = Self {
            rights,
            sessions: Vec::new(),
            backlog: Schedule::default(),
            submits: 0,
            counted: 0,
            next_hangup: u64::MAX,
            meter: Meter::default(),
            turn: 0,
        };
        account.restart_faults();
        account
    }

    /// Counts faults from here on.
    pub(super) fn restart_faults(&mut self) {
        (self.submits, self.counted) = (0, 0);
        self.next_hangup = match self.rights.faults.close.map(|hangup| hangup.begin) {
            Some(HangupBegin::Submits(after)) => after,
            Some(HangupBegin::Pdus(_) | HangupBegin::Time(_)) | None => u64::MAX,
        };
    }

    /// Whether nothing is answered any more.
    pub(super) fn is_mute(&self) -> bool {
        self.rights.faults.mute.is_some_and(|after| self.submits >= after)
    }

    /// Whether the rate has room for one more now; takes the room.
    pub(super) fn take_permit(&mut self, now_us: u64) -> bool {
        let Some(rate) = self.rights.rate else { return true };
        self.meter.take(now_us, (rate + self.rights.burst) as usize)
    }

    /// The burst of refusals that this submit falls into.
    pub(super) fn throttled(&mut self) -> Option<Throttle> {
        let throttle = self.rights.faults.throttle?;
        let place = self.counted % (throttle.every.saturating_add(throttle.burst));
        self.counted += 1;
        (place >= throttle.every).then_some(throttle)
    }
}

/// Counts exactly what was let through in the last second: no burst can hide between two counters.
#[derive(Debug, Default)]
struct Meter {
    times: VecDeque<u64>,
}

impl Meter {
    fn take(&mut self, now_us: u64, limit: usize) -> bool {
        while self.times.front().is_some_and(|&first| first + SECOND_US <= now_us) {
            self.times.pop_front();
        }
        let room = self.times.len() < limit;
        if room {
            self.times.push_back(now_us);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_lets_no_window_of_a_second_hold_more() {
        let mut meter = Meter::default();
        let taken = |meter: &mut Meter, at| (0..10).filter(|_| meter.take(at, 5)).count();
        assert_eq!(taken(&mut meter, 900_000), 5);
        assert_eq!(taken(&mut meter, 1_100_000), 0);
        assert_eq!(taken(&mut meter, 1_900_000), 5);
    }
}
