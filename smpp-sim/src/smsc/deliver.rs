//! Deliveries: to which session they go, when they are sent, and what becomes of those that are not acknowledged.

use kit::clock::micros;
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, CommandId};

use super::job::{Job, JobKind};
use super::session::{BindState, Session, Turn};
use super::timing::Receipts;
use super::{OUT_MAX, Smsc};
use crate::model::{InboundSessions, Route};

impl Smsc {
    /// Puts the receipts of a message where they will be sent from.
    pub(super) fn schedule_receipts(&mut self, turn: &mut Turn<'_>, row: u32, receipts: Receipts) {
        let Some(due) = self.records.ledger.row(row).map(|row| row.due) else {
            return;
        };
        let job = |kind| Job {
            kind,
            row,
            sequence: 0,
            tries: 0,
        };
        let mut due_us = receipts.final_us(turn.now_us);
        if receipts.intermediate {
            let due_us = turn.now_us + receipts.delay_us / 2;
            self.post_by(turn, due_us, job(JobKind::Enroute), receipts.route);
        }
        for _ in 0..due {
            self.post_by(turn, due_us, job(JobKind::Receipt), receipts.route);
            due_us += receipts.copies_delay_us;
        }
    }

    /// To this session if it receives, else to another one of the account, else to the account's backlog.
    pub(super) fn post(&mut self, turn: &mut Turn<'_>, due_us: u64, job: Job) {
        self.post_by(turn, due_us, job, Route::Same);
    }

    fn post_by(&mut self, turn: &mut Turn<'_>, due_us: u64, job: Job, route: Route) {
        let Some((account, kind)) = turn.session.bound() else {
            return;
        };
        let here = turn.session.receiving().is_some();
        let stays = match route {
            Route::Same => here,
            // This session is not among those that are looked through while it has its turn.
            Route::Other => here && !self.has_receiver(account),
            Route::Receiver => here && kind == BindKind::Receiver,
        };
        if !stays {
            return self.post_to_account(account, due_us, job);
        }
        if due_us <= turn.now_us {
            turn.session.ready.push_back(job);
        } else {
            turn.session.schedule.push(due_us, job);
        }
    }

    /// Whether another session of the account receives.
    pub(super) fn has_receiver(&self, account: usize) -> bool {
        let mut sessions = self.accounts[account].sessions.iter();
        sessions.any(|id| {
            let session = self.sessions.get(*id);
            session.is_some_and(|session| session.receiving() == Some(account))
        })
    }

    /// Whether only a session that is bound as a receiver takes it.
    fn wants_receiver(&self, job: Job) -> bool {
        match job.kind {
            JobKind::Receipt | JobKind::Enroute => {
                let row = self.records.ledger.row(job.row);
                let plan = row.and_then(|row| self.records.receipt(row));
                plan.is_some_and(|plan| plan.route == Route::Receiver)
            }
            JobKind::Inbound
            | JobKind::Answer
            | JobKind::DataAnswer
            | JobKind::MultiAnswer
            | JobKind::Reply
            | JobKind::Script => false,
        }
    }

    /// Whether its session is that of the other segments of its message.
    fn stays_together(&self, job: Job) -> bool {
        job.kind == JobKind::Inbound && self.inbox.sessions(job.row) == InboundSessions::One
    }

    /// To a receiving session of the account, else to its backlog: in turns, or by the number of the message, which is the
    /// same for all of its segments.
    pub(super) fn post_to_account(&mut self, place: usize, due_us: u64, job: Job) {
        let wants_receiver = self.wants_receiver(job);
        let together = self.stays_together(job);
        let account = &mut self.accounts[place];
        let count = account.sessions.len();
        let first = if together { job.row as usize } else { account.turn + 1 };
        for step in 0..count {
            let at = (first + step) % count;
            if !together {
                account.turn = at;
            }
            let session = self.sessions.get_mut(account.sessions[at]);
            let fits = |session: &&mut Session| {
                session.receiving() == Some(place) && (!wants_receiver || session.receives_only())
            };
            if let Some(session) = session.filter(fits) {
                session.schedule.push(due_us, job);
                session.wake.notify_one();
                return;
            }
        }
        account.backlog.push(due_us, job);
    }

    /// A session that receives takes over what waited for one. Not in the same octets as the answer to its bind: some
    /// clients are not ready for that.
    pub(super) fn adopt_backlog(&mut self, place: usize, turn: &mut Turn<'_>) {
        if turn.session.receiving().is_none() {
            return;
        }
        for (due_us, job) in self.accounts[place].backlog.drain() {
            if self.wants_receiver(job) && !turn.session.receives_only() {
                self.accounts[place].backlog.push(due_us, job);
            } else {
                turn.session.schedule.push(due_us.max(turn.now_us + 1), job);
            }
        }
    }

    /// What a session had still to deliver, the unacknowledged first, goes to others. Answers end with their session.
    pub(super) fn hand_over(&mut self, place: usize, session: &mut Session, now_us: u64) {
        let mut unacked: Vec<_> = session.unacked.drain().collect();
        unacked.sort_unstable_by_key(|&(sequence, _)| sequence);
        for job in unacked.into_iter().map(|(_, job)| job).chain(session.ready.drain(..)) {
            self.post_to_account(place, now_us, job);
        }
        for (due_us, job) in session.schedule.drain().filter(|(_, job)| !job.kind.is_answer()) {
            self.post_to_account(place, due_us, job);
        }
    }

    /// Sends what is ready, as far as the window and one write go.
    pub(super) fn deliver(&mut self, turn: &mut Turn<'_>) {
        self.give_up_waiting(turn);
        let Some(account) = turn.session.receiving() else {
            return;
        };
        if self.accounts[account].is_mute() {
            return;
        }
        while turn.session.unacked.len() < self.course.scenario.receipt_window && turn.out.len() < OUT_MAX {
            let Some(mut job) = turn.session.ready.pop_front() else {
                return;
            };
            if self.is_void(job) {
                continue;
            }
            let sequence = turn.session.next_sequence();
            self.write_delivery(turn, job, sequence);
            self.record_sent(job, turn.now_us);
            job.tries = job.tries.saturating_add(1);
            let other = turn.session.unacked.insert(sequence, job);
            debug_assert!(other.is_none(), "two deliveries wait under one sequence number");
            if let Some(patience) = self.course.scenario.redelivery.unanswered {
                let until_us = turn.now_us + self.course.scenario.scaled(patience);
                turn.session.patience.push_back((until_us, sequence));
            }
        }
    }

    /// What was delivered and not answered in time is delivered again.
    fn give_up_waiting(&mut self, turn: &mut Turn<'_>) {
        while let Some(&(until_us, sequence)) = turn.session.patience.front() {
            let answered = !turn.session.unacked.contains_key(&sequence);
            if until_us > turn.now_us && !answered {
                return;
            }
            turn.session.patience.pop_front();
            let Some(job) = turn.session.unacked.remove(&sequence) else {
                continue;
            };
            if job.tries < self.course.scenario.redelivery.times {
                turn.session.ready.push_back(job);
            } else {
                self.given_up(job);
            }
        }
    }

    fn given_up(&mut self, job: Job) {
        if job.kind == JobKind::Receipt {
            self.records.ledger.receipt_refused(job.row);
        } else if job.kind == JobKind::Inbound {
            self.inbox.done(job, false);
        }
    }

    /// Whether nothing is to be delivered any more: the ledger has dropped the row, or the message was cancelled or
    /// replaced in the meantime.
    fn is_void(&self, job: Job) -> bool {
        let row = || self.records.ledger.row(job.row);
        match job.kind {
            JobKind::Receipt => row().is_none_or(|row| job.tries == 0 && !row.is_receipt_valid()),
            JobKind::Enroute => row().is_none_or(|row| row.is_deleted()),
            JobKind::Inbound => false,
            JobKind::Answer | JobKind::DataAnswer | JobKind::MultiAnswer | JobKind::Reply | JobKind::Script => true,
        }
    }

    fn record_sent(&mut self, job: Job, now_us: u64) {
        match job.kind {
            JobKind::Receipt => self.records.ledger.receipt_sent(job.row, job.tries > 0, now_us),
            JobKind::Inbound => {
                let first = self.inbox.sent(job, now_us);
                self.records.ledger.counters.inbound_sent += u64::from(first);
            }
            JobKind::Enroute
            | JobKind::Answer
            | JobKind::DataAnswer
            | JobKind::MultiAnswer
            | JobKind::Reply
            | JobKind::Script => {}
        }
    }

    /// A deliver_sm_resp, or a generic_nack for a deliver_sm: acknowledged, to be sent again, or refused for good.
    pub(super) fn acknowledged(
        &mut self,
        turn: &mut Turn<'_>,
        sequence: u32,
        (command, status): (CommandId, CommandStatus),
    ) {
        let Some(job) = turn.session.unacked.remove(&sequence) else {
            return;
        };
        if status == CommandStatus::ESME_ROK && command != CommandId::GENERIC_NACK {
            match job.kind {
                JobKind::Receipt => self.records.ledger.receipt_acked(job.row, turn.now_us),
                JobKind::Inbound => {
                    let acked = self.inbox.done(job, true);
                    self.records.ledger.counters.inbound_acked += u64::from(acked);
                }
                JobKind::Enroute
                | JobKind::Answer
                | JobKind::DataAnswer
                | JobKind::MultiAnswer
                | JobKind::Reply
                | JobKind::Script => {}
            }
            return;
        }
        let policy = &self.course.scenario.redelivery;
        let again = policy.temporary.contains(&status) && job.tries < policy.times;
        if again && matches!(turn.session.state, BindState::Bound { .. }) {
            turn.session.schedule.push(turn.now_us + micros(policy.refused), job);
        } else {
            self.given_up(job);
        }
    }
}
