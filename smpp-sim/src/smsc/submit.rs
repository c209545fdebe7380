use smpp::command_status::CommandStatus;
use smpp::frame::{CommandId, Sm, encode_sm_resp, tag};
use smpp::segment::ESM_CLASS_UDHI;

use super::deliver::Receipts;
use super::ids::{IdOf, write_id};
use super::injected::Injected;
use super::session::{End, Holding, Job, JobKind, Request, Session, Turn};
use super::{Smsc, empty_response};
use crate::ledger::{Arrival, Decision};
use crate::outcome::{Answer, Concatenation, Outcome};
use crate::random::{Draw, Subject};
use crate::scenario::BeyondWindow;

/// An answer that lets its receipt pass first waits so long, in wall time.
const RECEIPT_FIRST_US: u64 = 50_000;

/// What destination addresses may have: 20 digits (3.4, 4.4.1).
const DIGITS_MAX: usize = 20;

/// Why a submit is refused before an outcome is dealt: it does not count as an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Address,
    Window,
    Rate,
    Burst,
}

/// What is said to one message.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    status: CommandStatus,
    accepted: bool,
    answered: bool,
    injected: Option<Injected>,
}

/// The refusals as outcomes, at the places that [`Refusal`] numbers.
pub(super) fn refusals() -> Vec<Outcome> {
    vec![
        Outcome::refusal("refused_address", CommandStatus::ESME_RINVDSTADR),
        Outcome::refusal("refused_window", CommandStatus::ESME_RTHROTTLED),
        Outcome::refusal("refused_rate", CommandStatus::ESME_RTHROTTLED),
        Outcome::refusal("refused_burst", CommandStatus::ESME_RTHROTTLED),
    ]
}

impl Smsc {
    /// A submit_sm or data_sm: refused, or dealt an outcome, written down, and answered as the outcome says.
    pub(super) fn submit(&mut self, turn: &mut Turn<'_>, request: Request, sm: &Sm<'_>) {
        let account = match turn.session.bound() {
            Some((account, kind)) if kind.transmits() => account,
            Some(_) | None => return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS),
        };
        if self.ledger.is_full() || self.numbers.is_full() {
            self.ledger.counters.unrecorded += 1;
            return empty_response(turn, request, CommandStatus::ESME_RMSGQFUL);
        }
        if self.ledger.counters.submits >= self.clockwork.until_submits {
            self.pass_phases(turn.now_us);
        }
        self.faults_by_count(turn, account);
        let (text, concatenation) = text_and_concatenation(sm);
        let arrival = Arrival {
            now_us: turn.now_us,
            account: account as u16,
            session: turn.session.id,
            source: self.numbers.number(sm.source.digits),
            recipient: self.numbers.number(sm.destination.digits),
            plans: [sm.source.ton, sm.source.npi, sm.destination.ton, sm.destination.npi],
            place: concatenation.map_or((1, 1), |of| (of.part, of.total)),
            data_coding: sm.data_coding,
            text,
        };
        match self.refusal(turn, account, sm) {
            Some((refusal, status)) => self.refuse(turn, request, &arrival, (refusal, status)),
            None => self.deal(turn, request, &arrival, (concatenation, sm.registered_delivery)),
        }
        let full = turn.session.holding.as_ref().is_some_and(Holding::is_full);
        if full {
            self.hang_up(turn);
        }
    }

    fn refusal(&mut self, turn: &Turn<'_>, place: usize, sm: &Sm<'_>) -> Option<(Refusal, CommandStatus)> {
        let account = &mut self.accounts[place];
        if !is_destination(sm.destination.digits) {
            return Some((Refusal::Address, CommandStatus::ESME_RINVDSTADR));
        }
        if turn.session.unanswered + turn.session.this_turn >= account.rights.window {
            let status = match account.rights.beyond_window {
                BeyondWindow::Throttled | BeyondWindow::Close => CommandStatus::ESME_RTHROTTLED,
                BeyondWindow::QueueFull => CommandStatus::ESME_RMSGQFUL,
            };
            return Some((Refusal::Window, status));
        }
        if account.is_mute() {
            return None;
        }
        if !account.take_permit(turn.now_us) {
            return Some((Refusal::Rate, CommandStatus::ESME_RTHROTTLED));
        }
        account.throttled().map(|throttle| (Refusal::Burst, throttle.status))
    }

    fn refuse(
        &mut self,
        turn: &mut Turn<'_>,
        request: Request,
        arrival: &Arrival<'_>,
        (refusal, status): (Refusal, CommandStatus),
    ) {
        let beyond = self.accounts[usize::from(arrival.account)].rights.beyond_window;
        let closes = refusal == Refusal::Window && beyond == BeyondWindow::Close;
        let decision = Decision {
            id: Some(0),
            outcome: refusal as u16,
            attempt: 0,
            accepted: false,
            status,
            answered: !closes,
            stat: None,
            due: 0,
            injected: None,
        };
        let row = self.ledger.push(arrival, decision);
        if closes {
            self.ledger.counters.lost += 1;
            turn.session.end = Some(End::Close);
            return;
        }
        self.answer(turn, request.job(row), 0);
    }

    fn deal(
        &mut self,
        turn: &mut Turn<'_>,
        request: Request,
        arrival: &Arrival<'_>,
        (concatenation, registered_delivery): (Option<Concatenation>, u8),
    ) {
        let dealt = self
            .dealer
            .deal(&self.numbers, (arrival.source, arrival.recipient), concatenation);
        let place = self.first_outcome + dealt.outcome;
        let outcome = &self.outcomes[place];
        let subject = Subject {
            seed: self.scenario.seed,
            recipient: self.numbers.identity(arrival.recipient),
            attempt: dealt.attempt,
            part: arrival.place.0,
        };
        let place_of_account = usize::from(arrival.account);
        let account = &self.accounts[place_of_account];
        let (faults, number) = (&account.rights.faults, account.submits);
        let verdict = self.verdict(place_of_account, outcome.answer, &subject);
        let accepted = verdict.accepted;
        // One that is refused by its outcome, and not by a fault, may have a receipt all the same.
        let receipted = accepted || (verdict.answered && !outcome.accepts());
        let plan = outcome
            .receipt
            .as_ref()
            .filter(|plan| receipted && plan.is_for(registered_delivery, arrival.place));
        let twice = u8::from(faults.receipt_twice.meets(&subject, Draw::ReceiptTwice, number));
        let first =
            plan.is_some_and(|plan| plan.first || faults.receipt_first.meets(&subject, Draw::ReceiptFirst, number));
        let drawn_us = self
            .scenario
            .scaled_us(&outcome.answer_delay, subject.draw(Draw::AnswerDelay));
        let answer_us = drawn_us + self.late_us(place_of_account, verdict.injected);
        let decision = Decision {
            id: self.scenario.seeded_id(&subject),
            outcome: place as u16,
            attempt: dealt.attempt,
            accepted,
            status: verdict.status,
            answered: verdict.answered,
            stat: plan.map(|plan| plan.stat),
            due: plan.map_or(0, |plan| plan.copies.max(1 + twice)),
            injected: verdict.injected,
        };
        let receipts = plan.map(|plan| Receipts::of(plan, &self.scenario, &subject, (first, drawn_us)));
        let row = self.ledger.push(arrival, decision);
        if !verdict.answered {
            // Takes no place in the window: the client will give up on it, and nobody here would notice.
            self.ledger.counters.lost += u64::from(!accepted);
        } else {
            let answer_us = if first {
                answer_us.max(RECEIPT_FIRST_US)
            } else {
                answer_us
            };
            self.hold_or_answer(turn, request.job(row), answer_us);
        }
        if let Some(receipts) = receipts {
            self.schedule_receipts(turn, row, receipts);
        }
    }

    /// What is said to a message that was dealt an outcome, faults considered.
    fn verdict(&self, place: usize, answer: Answer, subject: &Subject) -> Verdict {
        let account = &self.accounts[place];
        let (faults, number) = (&account.rights.faults, account.submits);
        let silent = |accepted, injected| Verdict {
            status: CommandStatus::ESME_ROK,
            accepted,
            answered: false,
            injected,
        };
        if account.is_mute() {
            return silent(false, None);
        }
        if faults.lost.meets(subject, Draw::Lost, number) {
            return silent(false, Some(Injected::Lost));
        }
        let status = match answer {
            Answer::Silence { accepted } => return silent(accepted, None),
            Answer::Status(status) => status,
        };
        let answered = |status, accepted, injected| Verdict {
            status,
            accepted,
            answered: injected != Some(Injected::NoAnswer),
            injected,
        };
        if status != CommandStatus::ESME_ROK {
            return answered(status, false, None);
        }
        match self.refusing_status(place, subject) {
            Some(status) => answered(status, false, Some(Injected::Refused)),
            None => answered(status, true, self.answer_fault(place, subject)),
        }
    }

    fn hold_or_answer(&mut self, turn: &mut Turn<'_>, job: Job, delay_us: u64) {
        let now_us = turn.now_us;
        let Some(holding) = &mut turn.session.holding else {
            return self.answer(turn, job, delay_us);
        };
        holding.held.push(job);
        holding.last_us = now_us;
        turn.session.unanswered += 1;
    }

    /// Answers now, or puts the answer off.
    fn answer(&mut self, turn: &mut Turn<'_>, job: Job, delay_us: u64) {
        if delay_us == 0 {
            turn.session.this_turn += 1;
            self.write_answer(turn, job);
        } else {
            turn.session.unanswered += 1;
            turn.session.schedule.push(turn.now_us + delay_us, job);
        }
    }

    /// An answer that was put off is due.
    pub(super) fn late_answer(&mut self, turn: &mut Turn<'_>, job: Job) {
        turn.session.unanswered = turn.session.unanswered.saturating_sub(1);
        self.write_answer(turn, job);
    }

    fn write_answer(&mut self, turn: &mut Turn<'_>, job: Job) {
        let Some(row) = self.ledger.row(job.row) else { return };
        let command = match job.kind {
            JobKind::DataAnswer => CommandId::DATA_SM_RESP,
            JobKind::Answer | JobKind::Enroute | JobKind::Receipt | JobKind::Inbound => CommandId::SUBMIT_SM_RESP,
        };
        let id = &mut self.scratch.id;
        id.clear();
        if row.accepted {
            let format = &self.outcomes[usize::from(row.outcome)].message_id;
            let of = IdOf::row(row, job.row, &self.numbers);
            write_id(&format.answer, &of, id);
        }
        let answer = (command, row.status, job.sequence);
        match row.injected {
            None => encode_sm_resp(turn.out, answer, id),
            Some(fault) => fault.write(turn.out, answer, id),
        }
        self.ledger.answered(job.row, turn.now_us);
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
                self.ledger.never_answered(job.row);
            }
        }
        turn.session.end = Some(if holding.hangup.reset { End::Reset } else { End::Close });
    }

    /// A session's answers end with it.
    pub(super) fn drop_answers(&mut self, session: &mut Session) {
        let held = session.holding.take().map(|holding| holding.held).unwrap_or_default();
        let late = session.schedule.jobs().filter(|job| job.kind.is_answer());
        for job in held.iter().chain(late) {
            self.ledger.never_answered(job.row);
        }
    }
}

fn is_destination(digits: &[u8]) -> bool {
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// The text without its user data header, and which segment of which message it is: by the header (3GPP TS 23.040,
/// 9.2.3.24.1 and .8) or by SAR parameters (3.4, 5.3.2.22 to 24).
fn text_and_concatenation<'a>(sm: &Sm<'a>) -> (&'a [u8], Option<Concatenation>) {
    let text = sm.text();
    if sm.esm_class & ESM_CLASS_UDHI != 0 {
        let length = text.first().map_or(0, |&length| usize::from(length) + 1);
        let Some((header, rest)) = text.split_at_checked(length) else {
            return (text, None);
        };
        return (rest, elements(header.get(1..).unwrap_or_default()));
    }
    if sm.tlvs.0.is_empty() {
        return (text, None);
    }
    let number = |tag| {
        Some(
            sm.tlvs
                .get(tag)?
                .iter()
                .fold(0u16, |number, &octet| number << 8 | u16::from(octet)),
        )
    };
    let concatenation = || {
        let (total, part) = (number(tag::SAR_TOTAL_SEGMENTS)?, number(tag::SAR_SEGMENT_SEQNUM)?);
        Some(Concatenation {
            reference: number(tag::SAR_MSG_REF_NUM)?,
            total: total as u8,
            part: part as u8,
        })
    };
    (text, concatenation())
}

/// The concatenation among the elements of a user data header.
fn elements(mut header: &[u8]) -> Option<Concatenation> {
    while let [id, length, rest @ ..] = header {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        match (*id, value) {
            (0x00, &[reference, total, part]) => {
                return Some(Concatenation {
                    reference: u16::from(reference),
                    total,
                    part,
                });
            }
            (0x08, &[high, low, total, part]) => {
                return Some(Concatenation {
                    reference: u16::from_be_bytes([high, low]),
                    total,
                    part,
                });
            }
            _ => header = after,
        }
    }
    None
}
