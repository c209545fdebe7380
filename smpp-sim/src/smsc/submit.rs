use std::time::Duration;

use bytes::BytesMut;
use kit::clock::micros;
use smpp::command_status::CommandStatus;
use smpp::frame::{CommandId, Sm, SmResp, Tlvs, encode_sm_resp, put_tlv, tag};
use smpp::segment::ESM_CLASS_UDHI;

use super::deliver::Receipts;
use super::job::{Job, JobKind};
use super::lifetime::{BadTime, Lifetime};
use super::session::{End, Holding, Request, Session, Turn};
use super::{Smsc, empty_response, strict};
use crate::ledger::{Arrival, Decision, IdOf, Row, write_id};
use crate::model::{Answer, Beyond, Injected, Outcome};
use crate::outcome::Concatenation;
use crate::random::{Draw, Subject};

/// An answer that lets its receipt pass first waits so long, in wall time.
const RECEIPT_FIRST_US: u64 = 50_000;

/// Service types that are told apart: a row of the ledger names its own in 8 bits. The standard has eight (3.4, 5.2.11).
const SERVICES_MAX: usize = 254;

/// What destination addresses may have: 20 digits (3.4, 4.4.1).
const DIGITS_MAX: usize = 20;

/// Why a submit is refused before an outcome is dealt: it does not count as an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Address,
    Window,
    Rate,
    Burst,
    List,
    Schedule,
    Expiry,
    Strict,
}

/// Which destination of a submit_multi a submit is about; of any other submit, the only one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    pub(super) of_multi: u8,
    /// A distribution list: there are none here.
    pub(super) list: bool,
}

/// A submit that has been read: what the ledger keeps of it, and what only its deal asks for.
struct Submission<'a> {
    arrival: Arrival<'a>,
    concatenation: Option<Concatenation>,
    lifetime: Lifetime,
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
        Outcome::refusal("refused_list", CommandStatus::ESME_RINVDLNAME),
        Outcome::refusal("refused_schedule", CommandStatus::ESME_RINVSCHED),
        Outcome::refusal("refused_expiry", CommandStatus::ESME_RINVEXPIRY),
        Outcome::refusal("refused_strict", CommandStatus::ESME_RSUBMITFAIL),
    ]
}

impl Smsc {
    /// A submit_sm or data_sm: refused, or dealt an outcome, written down, and answered as the outcome says.
    pub(super) fn submit(&mut self, turn: &mut Turn<'_>, request: Request, sm: &Sm<'_>) {
        if turn.session.transmitting().is_none() {
            return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS);
        }
        if self.ledger.is_full() || self.numbers.is_full() {
            self.ledger.counters.unrecorded += 1;
            return empty_response(turn, request, CommandStatus::ESME_RMSGQFUL);
        }
        self.submit_one(turn, request, (sm, Part::default()));
        self.hang_up_if_full(turn);
    }

    /// A message to one destination, on a session that may submit.
    pub(super) fn submit_one(&mut self, turn: &mut Turn<'_>, request: Request, (sm, part): (&Sm<'_>, Part)) {
        let Some(account) = turn.session.transmitting() else {
            return;
        };
        if self.ledger.counters.submits >= self.clockwork.until_submits {
            self.pass_phases(turn.now_us);
        }
        self.faults_by_count(turn, account);
        let concatenation = concatenation(sm);
        let place = concatenation.map_or((1, 1), |of| (of.part, of.total));
        let lifetime = lifetime(sm, turn.now_us);
        let refusal = match lifetime {
            Ok(_) => self.refusal(turn, account, (sm, part, request.command)),
            Err(bad) => Some(refusal_of(bad)),
        };
        let replaced = if sm.replace_if_present == 0 || refusal.is_some() {
            Vec::new() // allocates nothing
        } else {
            self.replaceable(account, sm, (turn.now_us, place.0))
        };
        let arrival = Arrival {
            now_us: turn.now_us,
            account: account as u16,
            session: turn.session.id,
            source: self.numbers.number(sm.source.digits),
            recipient: self.numbers.number(sm.destination.digits),
            plans: [sm.source.ton, sm.source.npi, sm.destination.ton, sm.destination.npi],
            place,
            data_coding: sm.data_coding,
            text: sm.text(),
            udhi: sm.esm_class & ESM_CLASS_UDHI != 0,
            registered_delivery: sm.registered_delivery,
            service: self.service(sm.service_type),
            of_multi: part.of_multi,
            version: turn.session.version,
        };
        let submission = Submission {
            arrival,
            concatenation,
            lifetime: lifetime.unwrap_or_default(),
        };
        let row = self.ledger.next_place() as u32;
        match refusal {
            None => self.deal(turn, request, &submission, 0),
            Some((_, Beyond::Late)) => {
                let beyond_us = micros(self.accounts[account].rights.late_by);
                self.deal(turn, request, &submission, beyond_us);
            }
            Some((refusal, beyond)) => self.refuse(turn, request, &submission.arrival, (refusal, beyond)),
        }
        if self.converses {
            self.hear(turn, row, bare(sm));
        }
        if !replaced.is_empty() {
            self.take_place(turn, row, &replaced);
        }
    }

    pub(super) fn hang_up_if_full(&mut self, turn: &mut Turn<'_>) {
        let full = turn.session.holding.as_ref().is_some_and(Holding::is_full);
        if full {
            self.hang_up(turn);
        }
    }

    /// Why this submit is not simply taken, and what it gets.
    fn refusal(
        &mut self,
        turn: &mut Turn<'_>,
        place: usize,
        (sm, part, command): (&Sm<'_>, Part, CommandId),
    ) -> Option<(Refusal, Beyond)> {
        let account = &mut self.accounts[place];
        if account.rights.strict && !account.is_mute() {
            let forbidden = strict::forbidden(sm, command, turn.session.version);
            if let Some(status) = forbidden {
                return Some((Refusal::Strict, Beyond::Refused(status)));
            }
        }
        if part.list {
            return Some((Refusal::List, Beyond::Refused(CommandStatus::ESME_RINVDLNAME)));
        }
        if !is_destination(sm.destination.digits) {
            return Some((Refusal::Address, Beyond::Refused(CommandStatus::ESME_RINVDSTADR)));
        }
        if turn.session.unanswered + turn.session.this_turn >= account.rights.window {
            return Some((Refusal::Window, account.rights.beyond_window));
        }
        if account.is_mute() {
            return None;
        }
        let total = self.scenario.max_tps.map(|rate| (&mut self.meter, rate));
        if !account.take_permit(turn.now_us, &mut turn.session.meter, total) {
            return Some((Refusal::Rate, account.rights.beyond_rate));
        }
        let throttle = account.throttled()?;
        Some((Refusal::Burst, Beyond::Refused(throttle.status)))
    }

    fn refuse(
        &mut self,
        turn: &mut Turn<'_>,
        request: Request,
        arrival: &Arrival<'_>,
        (refusal, beyond): (Refusal, Beyond),
    ) {
        let status = match beyond {
            Beyond::Refused(status) => Some(status),
            Beyond::Late | Beyond::Silence | Beyond::Close => None,
        };
        let decision = Decision {
            id: Some(0),
            outcome: refusal as u16,
            attempt: 0,
            accepted: false,
            status: status.unwrap_or(CommandStatus::ESME_ROK),
            answered: status.is_some(),
            stat: None,
            due: 0,
            injected: None,
            final_after_us: None,
            expires: false,
        };
        let row = self.ledger.push(arrival, decision);
        if status.is_some() {
            return self.answer(turn, request.job(row), 0);
        }
        self.ledger.counters.lost += 1;
        if beyond == Beyond::Close {
            turn.session.end = Some(End::Close);
        }
    }

    fn deal(&mut self, turn: &mut Turn<'_>, request: Request, submission: &Submission<'_>, beyond_us: u64) {
        let (arrival, concatenation) = (&submission.arrival, submission.concatenation);
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
        let plan = outcome.receipt.as_ref().filter(|_| receipted);
        let twice = u8::from(faults.receipt_twice.meets(&subject, Draw::ReceiptTwice, number));
        let first =
            plan.is_some_and(|plan| plan.first || faults.receipt_first.meets(&subject, Draw::ReceiptFirst, number));
        let drawn_us = self
            .scenario
            .scaled_us(&outcome.answer_delay, subject.draw(Draw::AnswerDelay));
        let answer_us = drawn_us + beyond_us + self.late_us(place_of_account, verdict.injected);
        let (scheduled_us, valid_us) = self.scaled_lifetime(submission.lifetime, accepted);
        let of = |plan| Receipts::of(plan, &self.scenario, &subject, (first, drawn_us)).within(scheduled_us, valid_us);
        let receipts = plan.map(|plan| (plan, of(plan)));
        let after_us = receipts.map_or(valid_us, |(_, receipts)| {
            Some(receipts.final_us(turn.now_us) - turn.now_us)
        });
        let expires = receipts.map_or(valid_us.is_some(), |(_, receipts)| receipts.expires());
        let wanted = receipts.filter(|(plan, receipts)| {
            plan.is_for(receipts.stat(plan.stat), arrival.registered_delivery, arrival.place)
        });
        let first = first && wanted.is_some();
        let decision = Decision {
            id: self.scratch.multi_id.or_else(|| self.scenario.seeded_id(&subject)),
            outcome: place as u16,
            attempt: dealt.attempt,
            accepted,
            status: verdict.status,
            answered: verdict.answered,
            stat: wanted.map(|(plan, receipts)| receipts.stat(plan.stat)),
            due: wanted.map_or(0, |(plan, _)| plan.copies.max(1 + twice)),
            injected: verdict.injected,
            final_after_us: after_us.filter(|_| accepted),
            expires,
        };
        let wanted = wanted.map(|(_, receipts)| receipts);
        let row = self.ledger.push(arrival, decision);
        if accepted && self.scratch.delays.is_some() {
            self.scratch.multi_id = Some(self.ledger.id(row));
        }
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
        if let Some(receipts) = wanted {
            self.schedule_receipts(turn, row, receipts);
        }
    }

    /// When a message may be delivered and until when, in scaled µs from its submit.
    fn scaled_lifetime(&self, lifetime: Lifetime, accepted: bool) -> (u64, Option<u64>) {
        let Lifetime { scheduled_us, valid_us } = lifetime;
        if scheduled_us == 0 && valid_us.is_none() {
            return (0, None);
        }
        let scaled = |us| self.scenario.scaled(Duration::from_micros(us));
        (scaled(scheduled_us), valid_us.filter(|_| accepted).map(scaled))
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
        turn.session.unanswered += 1;
    }

    /// Answers now, or puts the answer off.
    fn answer(&mut self, turn: &mut Turn<'_>, job: Job, delay_us: u64) {
        if job.kind == JobKind::MultiAnswer && self.collect(delay_us) {
            return;
        }
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
        let Some(&row) = self.ledger.row(job.row) else { return };
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
        self.scratch.id.clear();
        if row.accepted {
            self.write_id(&row, job.row);
        }
        let answer = (command, row.status, job.sequence);
        match row.injected {
            None if turn.session.congestion => self.write_congested(turn, answer),
            None => encode_sm_resp(turn.out, answer, &self.scratch.id),
            Some(fault) => fault.write(turn.out, answer, &self.scratch.id),
        }
        self.ledger.answered(job.row, turn.now_us);
    }

    /// Appends the id of the message at that place to `scratch.id`, as its answer names it.
    pub(super) fn write_id(&mut self, row: &Row, place: u32) {
        let format = &self.outcomes[usize::from(row.outcome)].message_id;
        let of = IdOf::row(row, place, &self.numbers);
        write_id(of.shape(format, &format.answer), &of, &mut self.scratch.id);
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
            message_id: &self.scratch.id,
            tlvs: Tlvs(&tlvs),
        };
        response.encode(turn.out, answer);
    }

    /// The number of a service_type: 0 for none, 255 for all beyond the first 254 that the simulator meets.
    pub(super) fn service(&mut self, service_type: &[u8]) -> u8 {
        if service_type.is_empty() {
            return 0;
        }
        let known = self.services.iter().position(|known| &**known == service_type);
        let place = known.unwrap_or(self.services.len());
        if known.is_none() && place < SERVICES_MAX {
            self.services.push(service_type.into());
        }
        place.min(SERVICES_MAX) as u8 + 1
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
            return self.ledger.never_answered(job.row);
        }
        for place in self.destinations_of(job.row) {
            self.ledger.never_answered(place);
        }
    }
}

/// When it may be delivered, and until when: for most messages at once, and for ever.
fn lifetime(sm: &Sm<'_>, now_us: u64) -> Result<Lifetime, BadTime> {
    if sm.schedule_delivery_time.is_empty() && sm.validity_period.is_empty() {
        return Ok(Lifetime::default());
    }
    Lifetime::read((sm.schedule_delivery_time, sm.validity_period), now_us)
}

fn refusal_of(bad: BadTime) -> (Refusal, Beyond) {
    match bad {
        BadTime::Schedule => (Refusal::Schedule, Beyond::Refused(CommandStatus::ESME_RINVSCHED)),
        BadTime::Validity => (Refusal::Expiry, Beyond::Refused(CommandStatus::ESME_RINVEXPIRY)),
    }
}

fn is_destination(digits: &[u8]) -> bool {
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// The text without its user data header.
fn bare<'a>(sm: &Sm<'a>) -> &'a [u8] {
    let text = sm.text();
    let header = match (sm.esm_class & ESM_CLASS_UDHI, text.first()) {
        (0, _) | (_, None) => 0,
        (_, Some(&length)) => usize::from(length) + 1,
    };
    text.get(header..).unwrap_or(text)
}

/// Which segment of which message it is: by the user data header (3GPP TS 23.040, 9.2.3.24.1 and .8) or by SAR
/// parameters (3.4, 5.3.2.22 to 24).
fn concatenation(sm: &Sm<'_>) -> Option<Concatenation> {
    if sm.esm_class & ESM_CLASS_UDHI != 0 {
        let (&length, rest) = sm.text().split_first()?;
        return elements(rest.get(..usize::from(length))?);
    }
    if sm.tlvs.0.is_empty() {
        return None;
    }
    let number = |tag| {
        Some(
            sm.tlvs
                .get(tag)?
                .iter()
                .fold(0u16, |number, &octet| number << 8 | u16::from(octet)),
        )
    };
    let (total, part) = (number(tag::SAR_TOTAL_SEGMENTS)?, number(tag::SAR_SEGMENT_SEQNUM)?);
    Some(Concatenation {
        reference: number(tag::SAR_MSG_REF_NUM)?,
        total: total as u8,
        part: part as u8,
    })
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
