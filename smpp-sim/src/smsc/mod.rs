//! The SMSC's rules, without a socket and without a clock: octets and times come in, octets go out, and what to do next.
//! Begin with [`Smsc::turn`], which is one turn of a session; `submit` follows a message in, `deliver` its receipts out.

mod job;
mod schedule;
mod meter;
mod clockface;
mod lifetime;
mod fields;
mod strict;
mod refusal;
mod trouble;
mod mangle;
mod timing;
mod session;
mod sessions;
mod account;
mod accounts;
mod verdict;
mod traffic;
mod course;
mod records;
mod conversations;
mod inbox;
mod bind;
mod faults;
mod submit;
mod multi;
mod answer;
mod deliver;
mod receipt;
mod query;
mod cancel;
mod replace;
mod conversation;
mod order;
mod control;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use kit::clock::micros;
use smpp::command_status::CommandStatus;
use smpp::frame::{BadOperation, CommandId, Operation, Pdu, Raw, Tlvs, encode_empty, split};
use tokio::sync::Notify;

use crate::model::Scenario;
use crate::outcome::Dealer;

use accounts::Accounts;
use conversations::Conversations;
use course::Course;
use inbox::Inbox;
use job::{Job, JobKind};
use multi::Multi;
use receipt::Writer;
use records::Records;
use session::{BindState, Request, Session, Turn};
use sessions::Sessions;
use traffic::Traffic;

pub use control::TooManyOutcomes;
pub use course::{NoSuchPhase, PhaseView};
pub use inbox::{InboundView, NoInbound};
pub use order::InboundOrder;
pub use session::SessionView;
pub(crate) use session::{End, NextStep};

/// Octets written in one turn before the socket is asked to take them: about a thousand receipts.
const OUT_MAX: usize = 256 << 10;

/// While the ledger's file is behind, sessions look this often whether they may read again.
const FILE_PATIENCE_US: u64 = 5_000;

/// Everything that the sessions share.
#[derive(Debug)]
pub(crate) struct Smsc {
    /// Which scenario is obeyed.
    course: Course,
    /// What becomes of the next message.
    dealer: Dealer,
    /// What is known of the messages so far.
    records: Records,
    accounts: Accounts,
    sessions: Sessions,
    traffic: Traffic,
    /// Who writes to the clients, and what they wrote.
    conversations: Conversations,
    inbox: Inbox,
    /// The submit_multi that is being read.
    multi: Option<Multi>,
    // Buffers that are used again.
    writer: Writer,
    due_jobs: VecDeque<Job>,
}

impl Smsc {
    pub(crate) fn new(scenario: Arc<Scenario>, now_us: u64) -> Self {
        let mut smsc = Self {
            course: Course::new(Arc::clone(&scenario)),
            dealer: Dealer::new(Arc::clone(&scenario)),
            records: Records::new(&scenario, now_us),
            accounts: Accounts::default(),
            sessions: Sessions::default(),
            traffic: Traffic::default(),
            conversations: Conversations::default(),
            inbox: Inbox::default(),
            multi: None,
            writer: Writer::default(),
            due_jobs: VecDeque::new(),
        };
        smsc.begin(scenario, now_us);
        smsc
    }

    /// A connection came in: its session's number; `None` when there are too many.
    pub(crate) fn open(&mut self, peer: SocketAddr, wake: Arc<Notify>, now_us: u64) -> Option<u32> {
        let mut session = self.sessions.open(peer, wake, now_us)?;
        self.traffic.meet_connection(&mut session, &self.course.scenario);
        let id = session.id;
        self.sessions.put_back(session);
        Some(id)
    }

    /// A session's turn: reads what has come, does what is due, writes to `out`. `fresh` says that octets have come
    /// since the last turn.
    pub(crate) fn turn(&mut self, id: u32, (bytes, fresh): (&[u8], bool), now_us: u64, out: &mut BytesMut) -> NextStep {
        // Taken out while it is its turn, so that it may reach for the others.
        let Some(mut session) = self.sessions.take(id) else {
            return NextStep {
                consumed: 0,
                wake_us: u64::MAX,
                reading: false,
                end: Some(End::Close),
                writing: None,
            };
        };
        if now_us >= self.course.until_us() {
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
        debug_assert!(consumed <= bytes.len(), "more was used up than had come");
        session.this_turn = 0;
        let behind = self.records.ledger.is_behind();
        let crowded = out.len() >= OUT_MAX && !session.ready.is_empty();
        let next = NextStep {
            consumed,
            // More is ready than one write should hold: come back as soon as it is written.
            wake_us: if crowded {
                now_us
            } else if behind {
                now_us + FILE_PATIENCE_US
            } else {
                session.wake_us(&self.course.scenario.timers)
            },
            reading: session.paused_until_us == 0 && !behind,
            end: session.end,
            writing: self.writing(&session),
        };
        self.sessions.put_back(session);
        next
    }

    /// What comes is taken and forgotten; only what ends every connection ends this one.
    fn deaf_turn(&mut self, session: Box<Session>, octets: usize) -> NextStep {
        let end = session.end;
        self.sessions.put_back(session);
        NextStep {
            consumed: octets,
            wake_us: u64::MAX,
            reading: true,
            end,
            writing: None,
        }
    }

    /// A connection has ended: what was still to be delivered goes to another session, or waits.
    pub(crate) fn close(&mut self, id: u32, now_us: u64) {
        let Some(mut session) = self.sessions.take(id) else {
            return;
        };
        match session.bound() {
            Some((account, _)) => {
                let sessions = &mut self.accounts[account].sessions;
                debug_assert!(sessions.contains(&id), "a bound session that its account does not know");
                sessions.retain(|&other| other != id);
                self.drop_answers(&mut session);
                self.hand_over(account, &mut session, now_us);
            }
            None => self.sessions.one_gone_unbound(),
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
        let mute = self.accounts.is_mute(turn.session);
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
                if let BindState::Unbinding { .. } = turn.session.state {
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

    /// Sends the unbind that was asked for.
    fn unbind_if_wanted(turn: &mut Turn<'_>) {
        if let BindState::Bound { account, kind } = turn.session.state
            && turn.session.unbind_wanted
        {
            let sequence = turn.session.next_sequence();
            encode_empty(turn.out, CommandId::UNBIND, CommandStatus::ESME_ROK, sequence);
            turn.session.state = BindState::Unbinding {
                account,
                kind,
                since_us: turn.now_us,
            };
        }
    }

    /// Ends what is overdue, and asks an idle peer whether it is there.
    fn timers(&mut self, turn: &mut Turn<'_>) {
        let (timers, now_us) = (self.course.scenario.timers, turn.now_us);
        let session = &mut *turn.session;
        let passed = |since: u64, duration| now_us >= since + micros(duration);
        let overdue = match session.state {
            BindState::Open => passed(session.opened_us, timers.bind),
            BindState::Unbinding { since_us, .. } => passed(since_us, timers.unbind),
            BindState::Bound { .. } => session
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
        let mute = self.accounts.is_mute(turn.session);
        if let (BindState::Bound { .. }, true, false) = (turn.session.state, idle, mute) {
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
            let mut jobs = std::mem::take(&mut self.due_jobs);
            session.schedule.take_due(turn.now_us, &mut jobs);
            for job in jobs.drain(..) {
                match job.kind {
                    JobKind::Answer | JobKind::DataAnswer | JobKind::MultiAnswer => self.late_answer(turn, job),
                    JobKind::Enroute | JobKind::Receipt | JobKind::Inbound => turn.session.ready.push_back(job),
                    JobKind::Reply => self.speak(turn, job),
                    JobKind::Script => self.act(turn, job),
                }
            }
            self.due_jobs = jobs;
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
