use super::meter::Meter;
use super::schedule::Schedule;
use crate::model::{Account, HangupBegin, Throttle};

/// One system_id while the simulator runs.
#[derive(Debug)]
pub(super) struct LiveAccount {
    pub(super) rights: Account,
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
    /// Which beginning of the scripts it has had.
    pub(super) scripted: u32,
    pub(super) progress: Vec<Progress>,
}

impl LiveAccount {
    pub(super) fn new(rights: Account) -> Self {
        let mut account = Self {
            rights,
            sessions: Vec::new(),
            backlog: Schedule::default(),
            submits: 0,
            counted: 0,
            next_hangup: u64::MAX,
            meter: Meter::default(),
            turn: 0,
            scripted: 0,
            progress: Vec::new(),
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

    /// Whether the account's rate, its session's and the rate of all have room for one more now; takes it of all three.
    pub(super) fn take_permit(&mut self, now_us: u64, session: &mut Meter, total: Option<(&mut Meter, u32)>) -> bool {
        let rights = &self.rights;
        if rights.rate.is_none() && rights.rate_per_session.is_none() && total.is_none() {
            return true;
        }
        let own = rights
            .rate
            .map(|rate| (&mut self.meter, (rate + rights.burst) as usize));
        let session = rights.rate_per_session.map(|rate| (session, rate as usize));
        let total = total.map(|(meter, rate)| (meter, rate as usize));
        let mut meters = [own, session, total];
        let room = meters
            .iter_mut()
            .flatten()
            .all(|(meter, limit)| meter.has_room(now_us, *limit));
        if room {
            for (meter, _) in meters.into_iter().flatten() {
                meter.count(now_us);
            }
        }
        room
    }

    /// The burst of refusals that this submit falls into.
    pub(super) fn throttled(&mut self) -> Option<Throttle> {
        let throttle = self.rights.faults.throttle?;
        let place = self.counted % (throttle.every.saturating_add(throttle.burst));
        self.counted += 1;
        (place >= throttle.every).then_some(throttle)
    }

    /// Whether it may still bind under the present scenario.
    pub(super) fn is_known(&self) -> bool {
        !self.rights.binds.is_empty()
    }
}

/// How far a script is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) rule: u32,
    pub(super) began_us: u64,
    pub(super) sent: u64,
}
