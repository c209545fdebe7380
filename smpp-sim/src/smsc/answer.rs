//! Answers to submits: written at once, put off, collected before a hang-up, or never.

use bytes::BytesMut;
use smpp::command_status::CommandStatus;
use smpp::frame::{CommandId, SmResp, Tlvs, encode_sm_resp, put_tlv, tag};

use super::Smsc;
use super::job::{Job, JobKind};
use super::session::{End, Holding, Session, Turn};

impl Smsc {
    pub(super) fn hold_or_answer(&mut self, turn: &mut Turn<'_>, job: Job, delay_us: u64) {
        if job.kind == JobKind::MultiAnswer && self.collect(delay_us) {
            return;
        }
        let now_us = turn.now_us;
        let Some(holding) = &mut turn.session.holding else {
            return self.answer(turn, job, delay_us);
        };
        holding.held.push(job);
        holding.last_us = now_us;
        turn.session.owe_answer();
    }

    /// Answers now, or puts the answer off.
    pub(super) fn answer(&mut self, turn: &mut Turn<'_>, job: Job, delay_us: u64) {
        if job.kind == JobKind::MultiAnswer && self.collect(delay_us) {
            return;
        }
        if delay_us == 0 {
            turn.session.this_turn += 1;
            self.write_answer(turn, job);
        } else {
            turn.session.owe_answer();
            turn.session.schedule.push(turn.now_us + delay_us, job);
        }
    }

    /// An answer that was put off is due.
    pub(super) fn late_answer(&mut self, turn: &mut Turn<'_>, job: Job) {
        turn.session.pay_answer();
        self.write_answer(turn, job);
    }

    fn write_answer(&mut self, turn: &mut Turn<'_>, job: Job) {
        let Some(&row) = self.records.ledger.row(job.row) else {
            return;
        };
        let command = match job.kind {
            JobKind::MultiAnswer => return self.write_multi_answer(turn, job),
            JobKind::DataAnswer => CommandId::DATA_SM_RESP,
            JobKind::Answer
            | JobKind::Enroute
            | JobKind::Receipt
            | JobKind::Inbound
            | JobKind::Reply
            | JobKind::Script => CommandId::SUBMIT_SM_RESP,
        };
        if row.accepted {
            self.records.write_id(&row, job.row, &mut self.writer.id);
        } else {
            self.writer.id.clear();
        }
        let answer = (command, row.status, job.sequence);
        match row.injected {
            None if turn.session.congestion => self.write_congested(turn, answer),
            None => encode_sm_resp(turn.out, answer, &self.writer.id),
            Some(fault) => fault.write(turn.out, answer, &self.writer.id),
        }
        self.records.ledger.answered(job.row, turn.now_us);
    }

    /// An answer that says, in a hundredth, how much of its window the session has used (5.0, 4.8.4.18).
    fn write_congested(&mut self, turn: &mut Turn<'_>, answer: (CommandId, CommandStatus, u32)) {
        let session = &turn.session;
        let window = session
            .bound()
            .map_or(1, |(account, _)| self.accounts[account].rights.window);
        let used = u64::from(session.unanswered + session.this_turn) * 100 / u64::from(window.max(1));
        let mut tlvs = BytesMut::new();
        put_tlv(&mut tlvs, tag::CONGESTION_STATE, &[used.min(99) as u8]);
        let response = SmResp {
            message_id: &self.writer.id,
            tlvs: Tlvs(&tlvs),
        };
        response.encode(turn.out, answer);
    }

    pub(super) fn hang_up_if_full(&mut self, turn: &mut Turn<'_>) {
        let full = turn.session.holding.as_ref().is_some_and(Holding::is_full);
        if full {
            self.hang_up(turn);
        }
    }

    /// Ends a session that has collected enough.
    pub(super) fn hang_up(&mut self, turn: &mut Turn<'_>) {
        let Some(holding) = turn.session.holding.take() else {
            return;
        };
        for job in holding.held {
            if holding.hangup.answered {
                self.late_answer(turn, job);
            } else {
                self.never_answered(job);
            }
        }
        turn.session.end = Some(if holding.hangup.reset { End::Reset } else { End::Close });
    }

    /// A session's answers end with it.
    pub(super) fn drop_answers(&mut self, session: &mut Session) {
        let held = session.holding.take().map(|holding| holding.held).unwrap_or_default();
        let late = session.schedule.jobs().filter(|job| job.kind.is_answer());
        for job in held.iter().chain(late) {
            self.never_answered(*job);
        }
    }

    pub(super) fn never_answered(&mut self, job: Job) {
        if job.kind != JobKind::MultiAnswer {
            return self.records.ledger.never_answered(job.row);
        }
        for place in self.records.destinations_of(job.row) {
            self.records.ledger.never_answered(place);
        }
    }
}
