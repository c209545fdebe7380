//! Where the scenario's faults meet sessions, binds and answers. Messages without one pass a comparison or two.

use smpp::frame::{Bind, BindResp, Raw, encode_bind_resp, split};

use super::Smsc;
use super::session::{End, Holding, Request, Session, Turn};
use super::trouble::NEVER;
use crate::model::{BindTrouble, Hangup, HangupBegin, Misbehaviour, Writing};

impl Smsc {
    /// The faults of the session's account; before the bind, the scenario's.
    pub(super) fn faults_of(&self, session: &Session) -> &Misbehaviour {
        match session.bound() {
            Some((account, _)) => &self.accounts[account].rights.faults,
            None => &self.course.scenario.faults,
        }
    }

    pub(super) fn writing(&self, session: &Session) -> Option<Writing> {
        self.faults_of(session).write
    }

    /// A bind: met by a fault, or by the account's rules.
    pub(super) fn meet_bind(&mut self, turn: &mut Turn<'_>, (request, raw): (Request, &Raw<'_>), bind: &Bind<'_>) {
        if turn.session.trouble.late_bind.is_some() {
            return;
        }
        let name = String::from_utf8_lossy(bind.system_id);
        let rights = self.course.scenario.rights(&name);
        let fault = rights.map_or(self.course.scenario.faults.bind, |rights| rights.faults.bind);
        let met = self.traffic.meet_bind(fault, &self.course.scenario);
        let unbound = turn.session.bound().is_none();
        match met.map(|fault| fault.what).filter(|_| unbound) {
            None => self.bind_now(turn, request, bind),
            Some(BindTrouble::Refuse(status)) => {
                let refused = (status, request.sequence);
                encode_bind_resp(turn.out, bind.kind, refused, &BindResp::default());
                turn.session.end = Some(End::Close);
            }
            Some(BindTrouble::Silence) => turn.session.trouble.deaf = true,
            Some(BindTrouble::Delay(delay)) => {
                let at_us = turn.now_us + self.course.scenario.scaled(delay);
                turn.session.trouble.late_bind = Some((at_us, whole(raw)));
            }
        }
    }

    /// A bind, and what begins with it.
    fn bind_now(&mut self, turn: &mut Turn<'_>, request: Request, bind: &Bind<'_>) {
        let before = turn.session.bound();
        self.bind(turn, request, bind);
        let Some((account, _)) = turn.session.bound().filter(|_| before.is_none()) else {
            return;
        };
        let faults = &self.accounts[account].rights.faults;
        let after = |duration| turn.now_us + self.course.scenario.scaled(duration).max(1);
        let trouble = &mut turn.session.trouble;
        trouble.link_deaf = faults.link_deaf;
        trouble.unbind_at_us = faults.unbind_every.map_or(NEVER, after);
        match faults.close.map(|close| close.begin) {
            Some(HangupBegin::Time(time)) => trouble.hang_up_at_us = after(time),
            Some(HangupBegin::Pdus(pdus)) => trouble.pdus_max = pdus,
            Some(HangupBegin::Submits(_)) | None => {}
        }
    }

    /// Counts a PDU that was read; true if the session ends with it before it is looked at.
    pub(super) fn ends_with_pdu(&mut self, turn: &mut Turn<'_>) -> bool {
        let trouble = &mut turn.session.trouble;
        trouble.pdus += 1;
        if trouble.pdus < trouble.pdus_max {
            return false;
        }
        trouble.pdus_max = NEVER;
        let Some(close) = self.faults_of(turn.session).close else {
            return false;
        };
        turn.session.end = Some(if close.reset { End::Reset } else { End::Close });
        !close.answered
    }

    /// Does what a session's faults have due.
    pub(super) fn troubles(&mut self, turn: &mut Turn<'_>) {
        let now_us = turn.now_us;
        let late_bind = &mut turn.session.trouble.late_bind;
        if let Some((_, octets)) = late_bind.take_if(|(at_us, _)| *at_us <= now_us) {
            self.late_bind(turn, &octets);
        }
        if turn.session.trouble.unbind_at_us <= now_us {
            turn.session.trouble.unbind_at_us = NEVER;
            turn.session.unbind_wanted = true;
        }
        if turn.session.trouble.hang_up_at_us <= now_us {
            turn.session.trouble.hang_up_at_us = NEVER;
            if let Some(hangup) = self.faults_of(turn.session).close {
                self.begin_hangup(turn, hangup);
            }
        }
    }

    fn late_bind(&mut self, turn: &mut Turn<'_>, octets: &[u8]) {
        let Ok(Some(raw)) = split(octets, octets.len()) else {
            return;
        };
        if let Ok(smpp::frame::Pdu::Bind(bind)) = raw.decode() {
            let (command, sequence) = (raw.header.command_id, raw.header.sequence);
            self.bind_now(turn, Request { command, sequence }, &bind);
        }
    }

    fn begin_hangup(&mut self, turn: &mut Turn<'_>, hangup: Hangup) {
        if turn.session.holding.is_none() {
            turn.session.holding = Some(Holding {
                hangup,
                held: Vec::new(),
                last_us: turn.now_us,
            });
        }
        // There is nobody to wait for.
        if hangup.holding <= 1 {
            self.hang_up(turn);
        }
    }

    /// Counts a submit, and begins the faults that begin with the n-th of an account.
    pub(super) fn faults_by_count(&mut self, turn: &mut Turn<'_>, place: usize) {
        let account = &mut self.accounts[place];
        account.submits += 1;
        let faults = &account.rights.faults;
        if let Some(stop) = faults.stop_reading
            && (account.submits == stop.after || (stop.repeat && account.submits.is_multiple_of(stop.after)))
        {
            turn.session.paused_until_us = turn.now_us + self.course.scenario.scaled(stop.duration);
        }
        if let Some(hangup) = faults.close
            && account.submits >= account.next_hangup
            && turn.session.holding.is_none()
        {
            account.next_hangup = match hangup.begin {
                HangupBegin::Submits(after) if hangup.repeat => account.next_hangup.saturating_add(after),
                HangupBegin::Submits(_) | HangupBegin::Pdus(_) | HangupBegin::Time(_) => NEVER,
            };
            turn.session.holding = Some(Holding {
                hangup,
                held: Vec::new(),
                last_us: turn.now_us,
            });
        }
    }
}

/// A PDU's octets, header and body.
fn whole(raw: &Raw<'_>) -> Box<[u8]> {
    let header = &raw.header;
    let fields = [
        header.length,
        header.command_id.0,
        header.command_status.0,
        header.sequence,
    ];
    let mut octets: Vec<u8> = fields.into_iter().flat_map(u32::to_be_bytes).collect();
    octets.extend_from_slice(raw.body);
    octets.into()
}
