use smpp::command_status::CommandStatus;
use smpp::frame::CommandId;

use super::session::{Job, JobKind, Phase, Session, Turn};
use super::{OUT_MAX, Smsc};

/// How long a delivery waits that was refused for the moment, in wall time.
const RETRY_US: u64 = 1_000_000;

/// How often a delivery is sent at most; then it counts as refused, so that none goes round for ever.
const TRIES_MAX: u8 = 20;

impl Smsc {
    /// Puts the receipts of an accepted message where they will be sent from.
    pub(super) fn schedule_receipts(&mut self, turn: &mut Turn<'_>, row: u32, delay_us: u64, intermediate: bool) {
        let Some(due) = self.ledger.row(row).map(|row| row.due) else {
            return;
        };
        let job = |kind| Job {
            kind,
            row,
            sequence: 0,
            tries: 0,
        };
        let due_us = turn.now_us + delay_us;
        if intermediate {
            self.post(turn, turn.now_us + delay_us / 2, job(JobKind::Enroute));
        }
        for _ in 0..due {
            self.post(turn, due_us, job(JobKind::Receipt));
        }
    }

    /// To this session if it receives, else to another one of the account, else to the account's backlog.
    pub(super) fn post(&mut self, turn: &mut Turn<'_>, due_us: u64, job: Job) {
        if turn.session.receiving().is_none() {
            let Some((account, _)) = turn.session.bound() else {
                return;
            };
            return self.post_to_account(account, due_us, job);
        }
        if due_us <= turn.now_us {
            turn.session.ready.push_back(job);
        } else {
            turn.session.schedule.push(due_us, job);
        }
    }

    /// To a receiving session of the account, in turns, else to its backlog.
    pub(super) fn post_to_account(&mut self, place: usize, due_us: u64, job: Job) {
        let account = &mut self.accounts[place];
        let count = account.sessions.len();
        for _ in 0..count {
            account.turn = (account.turn + 1) % count;
            let session = self.sessions.get_mut(&account.sessions[account.turn]);
            if let Some(session) = session.filter(|session| session.receiving() == Some(place)) {
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
        if turn.session.receiving().is_some() {
            for (due_us, job) in self.accounts[place].backlog.drain() {
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
        let Some(account) = turn.session.receiving() else {
            return;
        };
        if self.accounts[account].is_mute() {
            return;
        }
        while turn.session.unacked.len() < self.scenario.receipt_window && turn.out.len() < OUT_MAX {
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
            turn.session.unacked.insert(sequence, job);
        }
    }

    /// Whether nothing is to be delivered any more: the ledger has dropped the row, or the message was cancelled or
    /// replaced in the meantime.
    fn is_void(&self, job: Job) -> bool {
        let row = || self.ledger.row(job.row);
        match job.kind {
            JobKind::Receipt => row().is_none_or(|row| job.tries == 0 && !row.is_receipt_valid()),
            JobKind::Enroute => row().is_none_or(|row| row.is_deleted()),
            JobKind::Inbound => false,
            JobKind::Answer | JobKind::DataAnswer | JobKind::MultiAnswer | JobKind::Reply | JobKind::Script => true,
        }
    }

    fn record_sent(&mut self, job: Job, now_us: u64) {
        match job.kind {
            JobKind::Receipt => self.ledger.receipt_sent(job.row, job.tries > 0, now_us),
            JobKind::Inbound => self.inbound_sent(job, now_us),
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
                JobKind::Receipt => self.ledger.receipt_acked(job.row, turn.now_us),
                JobKind::Inbound => self.inbound_done(job, true),
                JobKind::Enroute
                | JobKind::Answer
                | JobKind::DataAnswer
                | JobKind::MultiAnswer
                | JobKind::Reply
                | JobKind::Script => {}
            }
        } else if is_temporary(status) && job.tries < TRIES_MAX && matches!(turn.session.phase, Phase::Bound { .. }) {
            turn.session.schedule.push(turn.now_us + RETRY_US, job);
        } else if job.kind == JobKind::Receipt {
            self.ledger.receipt_refused(job.row);
        } else if job.kind == JobKind::Inbound {
            self.inbound_done(job, false);
        }
    }
}

/// What a client says that it may take later (3.4, 5.1.3).
fn is_temporary(status: CommandStatus) -> bool {
    let temporary = [
        CommandStatus::ESME_RX_T_APPN,
        CommandStatus::ESME_RTHROTTLED,
        CommandStatus::ESME_RMSGQFUL,
        CommandStatus::ESME_RSYSERR,
    ];
    temporary.contains(&status)
}
