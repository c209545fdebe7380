//! The SMSC's rules, without a socket and without a clock: octets and times come in, octets and a plan go out.

mod account;
mod bind;
mod cancel;
mod control;
mod clockface;
mod conversation;
mod deliver;
mod find;
mod faults;
mod inbound;
mod job;
mod mangle;
mod meter;
mod lifetime;
mod multi;
mod phases;
mod query;
mod replace;
mod receipt;
mod schedule;
mod strict;
mod session;
mod submit;
mod trouble;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use kit::clock::micros;
use rustc_hash::FxHashMap;
use smpp::command_status::CommandStatus;
use smpp::frame::{BadOperation, CommandId, Operation, Pdu, Raw, Tlvs, encode_empty, split};
use tokio::sync::Notify;

use crate::ledger::Ledger;
use crate::model::{InboundRule, Outcome, Scenario};
use crate::number::Numbers;
use crate::outcome::Dealer;

use account::Account;
use job::JobKind;
use meter::Meter;
use receipt::Scratch;
use session::{Phase, Request, Session, Turn};

use find::Index;
use inbound::Ring;
pub use inbound::{InboundOrder, InboundView, NoInbound};
use phases::Clockwork;
pub use phases::{NoSuchPhase, PhaseView};
pub use session::SessionView;
pub(crate) use session::{End, Plan};

/// Connections at one time, bound or not: far more than any client of one aggregator opens.
const SESSIONS_MAX: usize = 4096;

/// Connections that are not bound yet: with a kilobyte or two each they cannot hurt, and the bind timer ends them.
const UNBOUND_MAX: usize = 1024;

/// Octets written in one turn before the socket is asked to take them: about a thousand receipts.
const OUT_MAX: usize = 256 << 10;

/// Outcomes of all scenarios since the last reset: a row of the ledger names its outcome in 16 bits.
const OUTCOMES_MAX: usize = 65_000;

/// Message ids begin with the milliseconds of the start, and leave room for a million a millisecond: a simulator that
/// is killed and started again repeats none.
const IDS_PER_MS: u64 = 1_000_000;

/// While the ledger's file is behind, sessions look so often whether they may read again.
const FILE_PATIENCE_US: u64 = 5_000;

/// Everything that the sessions share.
#[derive(Debug)]
pub(crate) struct Smsc {
    /// What was asked for.
    base: Arc<Scenario>,
    /// What is obeyed now: the same, or one of its phases.
    scenario: Arc<Scenario>,
    clockwork: Clockwork,
    /// Where the outcomes of each phase begin.
    phases_from: Vec<usize>,
    /// Tells who listens that the phase or the scenario has changed.
    doors: Arc<Notify>,
    /// Connections and binds since the phase began: what faults count by.
    connections: u64,
    binds: u64,
    /// The refusals, then the outcomes of every scenario so far: rows keep pointing at what they were dealt.
    outcomes: Vec<Outcome>,
    /// Where the outcomes of the present scenario begin.
    first_outcome: usize,
    dealer: Dealer,
    numbers: Numbers,
    ledger: Ledger,
    accounts: Vec<Account>,
    names: Vec<String>,
    sessions: FxHashMap<u32, Box<Session>>,
    last_session: u32,
    unbound: usize,
    inbound: Ring,
    /// The rules of every scenario so far, as the outcomes.
    rules: Vec<InboundRule>,
    first_rule: usize,
    /// Whether the present scenario has any rule that replies.
    converses: bool,
    /// How often scripts were to begin anew.
    scripts: u32,
    index: Index,
    /// Service types that were met.
    services: Vec<Box<[u8]>>,
    /// What all accounts were let through in the last second, if the scenario limits that.
    meter: Meter,
    scratch: Scratch,
}

/// A scenario could not be switched to: the ledger has met too many outcomes, or rules for inbound messages, already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger has met {OUTCOMES_MAX} outcomes or inbound rules: reset it first")]
pub struct TooManyOutcomes;

impl Smsc {
    pub(crate) fn new(scenario: Arc<Scenario>, now_us: u64) -> Self {
        let filed = scenario.ledger_file.is_some();
        let mut smsc = Self {
            base: Arc::clone(&scenario),
            clockwork: Clockwork::stopped(),
            phases_from: Vec::new(),
            doors: Arc::default(),
            connections: 0,
            binds: 0,
            outcomes: submit::refusals(),
            first_outcome: 0,
            dealer: Dealer::new(Arc::clone(&scenario)),
            numbers: Numbers::default(),
            ledger: Ledger::new(scenario.ledger, now_us / 1000 * IDS_PER_MS, filed),
            accounts: Vec::new(),
            names: Vec::new(),
            sessions: FxHashMap::default(),
            last_session: 0,
            unbound: 0,
            inbound: Ring::default(),
            rules: Vec::new(),
            first_rule: 0,
            converses: false,
            scripts: 0,
            index: Index::default(),
            services: Vec::new(),
            meter: Meter::default(),
            scratch: Scratch::default(),
            scenario,
        };
        smsc.begin(now_us);
        smsc.take_rules();
        smsc
    }

    /// The scenario as it was given, phases and all.
    pub(crate) fn base(&self) -> &Arc<Scenario> {
        &self.base
    }

    /// Told when who listens has to look at the phase again.
    pub(crate) fn doors(&self) -> Arc<Notify> {
        Arc::clone(&self.doors)
    }

    /// When time ends the phase, µs since 1970; `u64::MAX`: never.
    pub(crate) fn phase_until_us(&self) -> u64 {
        self.clockwork.until_us
    }

    /// A connection came in: its session's number; `None` when there are too many.
    pub(crate) fn open(&mut self, peer: SocketAddr, wake: Arc<Notify>, now_us: u64) -> Option<u32> {
        if self.sessions.len() >= SESSIONS_MAX || self.unbound >= UNBOUND_MAX {
            return None;
        }
        self.last_session += 1;
        self.unbound += 1;
        let mut session = Session::new(self.last_session, peer, wake, now_us);
        self.meet_connection(&mut session);
        self.sessions.insert(self.last_session, Box::new(session));
        Some(self.last_session)
    }

    /// A session's turn: reads what has come, does what is due, writes to `out`. `fresh` says that octets have come
    /// since the last turn.
    pub(crate) fn turn(&mut self, id: u32, (bytes, fresh): (&[u8], bool), now_us: u64, out: &mut BytesMut) -> Plan {
        // Taken out while it is its turn, so that it may reach for the others.
        let Some(mut session) = self.sessions.remove(&id) else {
            return Plan {
                consumed: 0,
                wake_us: u64::MAX,
                reading: false,
                end: Some(End::Close),
                writing: None,
            };
        };
        if now_us >= self.clockwork.until_us {
            self.pass_phases(now_us);
        }
        if fresh {
            session.heard_us = now_us;
            session.asked_us = session.asked_us.filter(|_| session.trouble.link_deaf);
        }
        if session.paused_until_us <= now_us {
            session.paused_until_us = 0;
        }
        let mut turn = Turn {
            session: &mut session,
            now_us,
            out,
        };
        if turn.session.trouble.deaf {
            return self.deaf_turn(session, bytes.len());
        }
        let consumed = self.read(&mut turn, bytes);
        if !turn.session.trouble.deaf {
            self.timers(&mut turn);
            self.troubles(&mut turn);
        }
        Self::unbind_if_wanted(&mut turn);
        self.due(&mut turn);
        session.this_turn = 0;
        let behind = self.ledger.is_behind();
        let crowded = out.len() >= OUT_MAX && !session.ready.is_empty();
        let plan = Plan {
            consumed,
            // More is ready than one write should hold: come back as soon as it is written.
            wake_us: if crowded {
                now_us
            } else if behind {
                now_us + FILE_PATIENCE_US
            } else {
                session.wake_us(&self.scenario.timers)
            },
            reading: session.paused_until_us == 0 && !behind,
            end: session.end,
            writing: self.writing(&session),
        };
        self.sessions.insert(id, session);
        plan
    }

    /// What comes is taken and forgotten; only what ends every connection ends this one.
    fn deaf_turn(&mut self, session: Box<Session>, octets: usize) -> Plan {
        let end = session.end;
        self.sessions.insert(session.id, session);
        Plan {
            consumed: octets,
            wake_us: u64::MAX,
            reading: true,
            end,
            writing: None,
        }
    }

    /// A connection has ended: what was still to be delivered goes to another session, or waits.
    pub(crate) fn close(&mut self, id: u32, now_us: u64) {
        let Some(mut session) = self.sessions.remove(&id) else {
            return;
        };
        match session.bound() {
            Some((account, _)) => {
                self.accounts[account].sessions.retain(|&other| other != id);
                self.drop_answers(&mut session);
                self.hand_over(account, &mut session, now_us);
            }
            None => self.unbound -= 1,
        }
    }

    fn read(&mut self, turn: &mut Turn<'_>, bytes: &[u8]) -> usize {
        let mut consumed = 0;
        while turn.session.end.is_none() && turn.session.paused_until_us == 0 && !turn.session.trouble.deaf {
            match split(&bytes[consumed..], turn.session.length_max()) {
                Ok(Some(raw)) => {
                    consumed += raw.header.length as usize;
                    if !self.ends_with_pdu(turn) {
                        self.pdu(turn, &raw);
                    }
                }
                Ok(None) => break,
                Err(bad) => {
                    nack(turn, CommandStatus::ESME_RINVCMDLEN, bad.sequence);
                    turn.session.end = Some(End::Drain);
                }
            }
        }
        let incomplete = consumed < bytes.len() && turn.session.paused_until_us == 0;
        // A PDU has so long from its first octet, however slowly the others drip.
        let since = turn
            .session
            .incomplete_us
            .filter(|_| consumed == 0)
            .unwrap_or(turn.now_us);
        turn.session.incomplete_us = incomplete.then_some(since);
        consumed
    }

    fn pdu(&mut self, turn: &mut Turn<'_>, raw: &Raw<'_>) {
        let (command, sequence) = (raw.header.command_id, raw.header.sequence);
        let request = Request { command, sequence };
        let mute = turn
            .session
            .bound()
            .is_some_and(|(account, _)| self.accounts[account].is_mute());
        match raw.decode() {
            Ok(Pdu::DataSm(_)) if !turn.session.version.has_tlvs() && !mute => {
                nack(turn, CommandStatus::ESME_RINVCMDID, sequence);
            }
            Ok(Pdu::SubmitSm(mut sm) | Pdu::DataSm(mut sm)) => {
                if !turn.session.version.has_tlvs() {
                    sm.tlvs = Tlvs::default();
                }
                self.submit(turn, request, &sm);
            }
            Ok(Pdu::DeliverSmResp(_) | Pdu::DataSmResp(_) | Pdu::GenericNack) => {
                self.acknowledged(turn, sequence, (command, raw.header.command_status));
            }
            Ok(Pdu::UnbindResp) => {
                if let Phase::Unbinding { .. } = turn.session.phase {
                    turn.session.end = Some(End::Close);
                }
            }
            Ok(Pdu::EnquireLinkResp | Pdu::BindResp(_) | Pdu::SubmitSmResp(_)) => {}
            Ok(_) | Err(_) if mute || command.is_response() => {}
            Err(_) => nack(turn, CommandStatus::ESME_RINVCMDLEN, sequence),
            Ok(Pdu::Bind(bind)) => self.meet_bind(turn, (request, raw), &bind),
            Ok(Pdu::EnquireLink) if self.faults_of(turn.session).link_unanswered => {}
            Ok(Pdu::Unbind) if self.faults_of(turn.session).unbind_unanswered => {}
            Ok(Pdu::EnquireLink) => empty_response(turn, request, CommandStatus::ESME_ROK),
            Ok(Pdu::Unbind) => Self::unbind(turn, request),
            Ok(Pdu::DeliverSm(_)) => empty_response(turn, request, CommandStatus::ESME_RINVCMDID),
            Ok(Pdu::Other) => self.operation(turn, request, raw),
        }
    }

    /// A request about earlier messages, or one that nobody serves: that is answered with its own response, if it has one
    /// (3.4, 4.3).
    fn operation(&mut self, turn: &mut Turn<'_>, request: Request, raw: &Raw<'_>) {
        match raw.operation() {
            Some(Ok(Operation::Query(query))) => self.query(turn, request, &query),
            Some(Ok(Operation::Cancel(cancel))) => self.cancel(turn, request, &cancel),
            Some(Ok(Operation::Replace(replace))) => self.replace(turn, request, &replace),
            Some(Ok(Operation::SubmitMulti(multi))) => self.submit_multi(turn, request, &multi),
            Some(Err(BadOperation::DestinationFlag(_))) => {
                empty_response(turn, request, CommandStatus::ESME_RINVDESTFLAG);
            }
            Some(Err(BadOperation::Malformed(_))) => nack(turn, CommandStatus::ESME_RINVCMDLEN, request.sequence),
            None if request.command.has_response() => empty_response(turn, request, CommandStatus::ESME_RINVCMDID),
            None => nack(turn, CommandStatus::ESME_RINVCMDID, request.sequence),
        }
    }

    fn unbind(turn: &mut Turn<'_>, request: Request) {
        if turn.session.bound().is_none() {
            return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS);
        }
        empty_response(turn, request, CommandStatus::ESME_ROK);
        turn.session.end = Some(End::Close);
    }

    /// Ends what is overdue, and asks an idle peer whether it is there.
    fn timers(&mut self, turn: &mut Turn<'_>) {
        let (timers, now_us) = (self.scenario.timers, turn.now_us);
        let session = &mut *turn.session;
        let passed = |since: u64, duration| now_us >= since + micros(duration);
        let overdue = match session.phase {
            Phase::Open => passed(session.opened_us, timers.bind),
            Phase::Unbinding { since_us, .. } => passed(since_us, timers.unbind),
            Phase::Bound { .. } => session
                .asked_us
                .is_some_and(|asked| passed(asked, timers.enquire_link_answer)),
        };
        if overdue || session.incomplete_us.is_some_and(|since| passed(since, timers.read)) {
            session.end.get_or_insert(End::Close);
        }
        if session
            .holding
            .as_ref()
            .is_some_and(|holding| holding.deadline_us() <= now_us)
        {
            self.hang_up(turn);
        }
        let idle = turn.session.asked_us.is_none() && passed(turn.session.heard_us, timers.enquire_link);
        let mute = turn
            .session
            .bound()
            .is_some_and(|(account, _)| self.accounts[account].is_mute());
        if let (Phase::Bound { .. }, true, false) = (turn.session.phase, idle, mute) {
            let sequence = turn.session.next_sequence();
            encode_empty(turn.out, CommandId::ENQUIRE_LINK, CommandStatus::ESME_ROK, sequence);
            turn.session.asked_us = Some(now_us);
        } else if idle {
            turn.session.heard_us = now_us;
        }
    }

    /// Writes late answers, and as many deliveries as the window takes.
    fn due(&mut self, turn: &mut Turn<'_>) {
        self.begin_scripts(turn);
        let session = &mut *turn.session;
        if session.schedule.next_us().is_some_and(|due| due <= turn.now_us) {
            let mut jobs = std::mem::take(&mut self.scratch.jobs);
            session.schedule.take_due(turn.now_us, &mut jobs);
            for job in jobs.drain(..) {
                match job.kind {
                    JobKind::Answer | JobKind::DataAnswer | JobKind::MultiAnswer => self.late_answer(turn, job),
                    JobKind::Enroute | JobKind::Receipt | JobKind::Inbound => turn.session.ready.push_back(job),
                    JobKind::Reply => self.speak(turn, job),
                    JobKind::Script => self.act(turn, job),
                }
            }
            self.scratch.jobs = jobs;
        }
        self.deliver(turn);
    }
}

fn nack(turn: &mut Turn<'_>, status: CommandStatus, sequence: u32) {
    encode_empty(turn.out, CommandId::GENERIC_NACK, status, sequence);
}

fn empty_response(turn: &mut Turn<'_>, request: Request, status: CommandStatus) {
    encode_empty(turn.out, request.command.response(), status, request.sequence);
}
