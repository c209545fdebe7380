//! Submits: refused, or dealt an outcome and written down; the answer and the receipts follow.

use std::time::Duration;

use kit::clock::micros;
use smpp::command_status::CommandStatus;
use smpp::frame::{CommandId, Sm};
use smpp::segment::ESM_CLASS_UDHI;

use super::fields::{concatenation, lifetime};
use super::lifetime::Lifetime;
use super::refusal::{Refusal, is_destination, refusal_of};
use super::session::{End, Request, Turn};
use super::timing::Receipts;
use super::{Smsc, empty_response, strict};
use crate::ledger::{Arrival, Decision, Extras};
use crate::model::Beyond;
use crate::outcome::Concatenation;
use crate::random::{Draw, Subject};

/// An answer that lets its receipt pass first waits so long, in wall time.
const RECEIPT_FIRST_US: u64 = 50_000;

/// Which destination of a submit_multi a submit is about; of any other submit, the only one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Addressee {
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

/// What becomes of a submit.
struct Deal {
    decision: Decision,
    /// How late its answer is, in scaled µs.
    answer_us: u64,
    /// The receipts that it gets, if any are wanted.
    receipts: Option<Receipts>,
}

impl Smsc {
    /// A submit_sm or data_sm: refused, or dealt an outcome, written down, and answered as the outcome says.
    pub(super) fn submit(&mut self, turn: &mut Turn<'_>, request: Request, sm: &Sm<'_>) {
        if turn.session.transmitting().is_none() {
            return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS);
        }
        if self.records.is_full() {
            self.records.ledger.counters.unrecorded += 1;
            return empty_response(turn, request, CommandStatus::ESME_RMSGQFUL);
        }
        self.submit_one(turn, request, (sm, Addressee::default()));
        self.hang_up_if_full(turn);
    }

    /// A message to one destination, on a session that may submit.
    pub(super) fn submit_one(&mut self, turn: &mut Turn<'_>, request: Request, (sm, addressee): (&Sm<'_>, Addressee)) {
        let Some(account) = turn.session.transmitting() else {
            return;
        };
        if self.records.ledger.counters.submits >= self.course.until_submits() {
            self.pass_phases(turn.now_us);
        }
        self.faults_by_count(turn, account);
        let concatenation = concatenation(sm);
        let place = concatenation.map_or((1, 1), |of| (of.part, of.total));
        let lifetime = lifetime(sm, turn.now_us);
        let refusal = match lifetime {
            Ok(_) => self.refusal(turn, account, (sm, addressee, request.command)),
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
            source: self.records.numbers.number(sm.source.digits),
            recipient: self.records.numbers.number(sm.destination.digits),
            ton_npi: [sm.source.ton, sm.source.npi, sm.destination.ton, sm.destination.npi],
            place,
            data_coding: sm.data_coding,
            text: sm.text(),
            udhi: sm.esm_class & ESM_CLASS_UDHI != 0,
            registered_delivery: sm.registered_delivery,
            service: self.records.service(sm.service_type),
            of_multi: addressee.of_multi,
            version: turn.session.version,
            alphabet: self.accounts[account].rights.alphabet,
            extras: Extras {
                service_type: sm.service_type,
                priority_flag: sm.priority_flag,
                schedule_delivery_time: sm.schedule_delivery_time,
                validity_period: sm.validity_period,
                tlvs: sm.tlvs.0,
            },
        };
        let submission = Submission {
            arrival,
            concatenation,
            lifetime: lifetime.unwrap_or_default(),
        };
        let row = self.records.ledger.next_place() as u32;
        match refusal {
            None => self.deal(turn, request, &submission, 0),
            Some((_, Beyond::Late)) => {
                let beyond_us = micros(self.accounts[account].rights.late_by);
                self.deal(turn, request, &submission, beyond_us);
            }
            Some((refusal, beyond)) => self.refuse(turn, request, &submission.arrival, (refusal, beyond)),
        }
        if self.conversations.anyone_replies() {
            self.hear(turn, row, sm);
        }
        if !replaced.is_empty() {
            self.take_place(turn, row, &replaced);
        }
    }

    /// Why this submit is not simply taken, and what it gets.
    fn refusal(
        &mut self,
        turn: &mut Turn<'_>,
        place: usize,
        (sm, addressee, command): (&Sm<'_>, Addressee, CommandId),
    ) -> Option<(Refusal, Beyond)> {
        let account = &mut self.accounts[place];
        if account.rights.strict && !account.is_mute() {
            let forbidden = strict::forbidden(sm, command, turn.session.version);
            if let Some(status) = forbidden {
                return Some((Refusal::Strict, Beyond::Refused(status)));
            }
        }
        if addressee.list {
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
        let total = self.course.scenario.max_tps.map(|rate| (&mut self.traffic.meter, rate));
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
        let row = self.records.ledger.push(arrival, decision);
        if status.is_some() {
            return self.answer(turn, request.job(row), 0);
        }
        self.records.ledger.counters.lost += 1;
        if beyond == Beyond::Close {
            turn.session.end = Some(End::Close);
        }
    }

    /// Deals an outcome to a submit, and does what it says.
    fn deal(&mut self, turn: &mut Turn<'_>, request: Request, submission: &Submission<'_>, beyond_us: u64) {
        let deal = self.decide(turn.now_us, submission, beyond_us);
        let row = self.records.ledger.push(&submission.arrival, deal.decision);
        if let Some(multi) = self.multi.as_mut().filter(|_| deal.decision.accepted) {
            multi.id = Some(self.records.ledger.id(row));
        }
        if !deal.decision.answered {
            // Takes no place in the window: the client will give up on it, and nobody here would notice.
            self.records.ledger.counters.lost += u64::from(!deal.decision.accepted);
        } else {
            self.hold_or_answer(turn, request.job(row), deal.answer_us);
        }
        if let Some(receipts) = deal.receipts {
            self.schedule_receipts(turn, row, receipts);
        }
    }

    /// What becomes of a submit: the outcome that it is dealt, and what faults make of it.
    fn decide(&mut self, now_us: u64, submission: &Submission<'_>, beyond_us: u64) -> Deal {
        let (arrival, concatenation) = (&submission.arrival, submission.concatenation);
        let dealt = self.dealer.deal(
            &self.records.numbers,
            (arrival.source, arrival.recipient),
            concatenation,
        );
        let place = self.course.first_outcome + dealt.outcome;
        debug_assert!(u16::try_from(place).is_ok(), "rows name outcomes by 16 bits");
        let outcome = &self.records.outcomes[place];
        let subject = Subject {
            seed: self.course.scenario.seed,
            recipient: self.records.numbers.identity(arrival.recipient),
            attempt: dealt.attempt,
            part: arrival.place.0,
        };
        let account = &self.accounts[usize::from(arrival.account)];
        let (faults, number) = (&account.rights.faults, account.submits);
        let verdict = account.verdict(outcome.answer, &subject);
        let accepted = verdict.accepted;
        // One that is refused by its outcome, and not by a fault, may have a receipt all the same.
        let receipted = accepted || (verdict.answered && !outcome.accepts());
        let plan = outcome.receipt.as_ref().filter(|_| receipted);
        let twice = u8::from(faults.receipt_twice.meets(&subject, Draw::ReceiptTwice, number));
        let first =
            plan.is_some_and(|plan| plan.first || faults.receipt_first.meets(&subject, Draw::ReceiptFirst, number));
        let drawn_us = self
            .course
            .scenario
            .scaled_us(&outcome.answer_delay, subject.draw(Draw::AnswerDelay));
        let answer_us = drawn_us + beyond_us + self.late_us(account.late_by(verdict.injected));
        let (scheduled_us, valid_us) = self.scaled_lifetime(submission.lifetime, accepted);
        let of = |plan| {
            Receipts::of(plan, &self.course.scenario, &subject, (first, drawn_us)).within(scheduled_us, valid_us)
        };
        let receipts = plan.map(|plan| (plan, of(plan)));
        let after_us = receipts.map_or(valid_us, |(_, receipts)| Some(receipts.final_us(now_us) - now_us));
        let expires = receipts.map_or(valid_us.is_some(), |(_, receipts)| receipts.expires());
        let wanted = receipts.filter(|(plan, receipts)| {
            plan.is_for(receipts.stat(plan.stat), arrival.registered_delivery, arrival.place)
        });
        let first = first && wanted.is_some();
        let answer_us = if first {
            answer_us.max(RECEIPT_FIRST_US)
        } else {
            answer_us
        };
        let decision = Decision {
            id: self
                .multi
                .as_ref()
                .and_then(|multi| multi.id)
                .or_else(|| self.course.scenario.seeded_id(&subject)),
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
        Deal {
            decision,
            answer_us,
            receipts: wanted.map(|(_, receipts)| receipts),
        }
    }

    /// What a fault adds to an answer's delay, scaled; for most answers nothing.
    fn late_us(&self, by: Duration) -> u64 {
        if by.is_zero() {
            0
        } else {
            self.course.scenario.scaled(by)
        }
    }

    /// When a message may be delivered and until when, in scaled µs from its submit.
    fn scaled_lifetime(&self, lifetime: Lifetime, accepted: bool) -> (u64, Option<u64>) {
        let Lifetime { scheduled_us, valid_us } = lifetime;
        if scheduled_us == 0 && valid_us.is_none() {
            return (0, None);
        }
        let scaled = |us| self.course.scenario.scaled(Duration::from_micros(us));
        (scaled(scheduled_us), valid_us.filter(|_| accepted).map(scaled))
    }
}
