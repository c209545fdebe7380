use smpp::command_status::CommandStatus;
use smpp::text::Alphabet;

use super::extras::Extras;
use super::texts::Text;
use crate::model::{Injected, Stat};
use crate::number::Number;
use crate::version::Version;

/// Not answered, or never final.
const NEVER: u32 = u32::MAX;

/// One submit. 96 bytes: a million of them are what anybody has room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) received_at_us: u64,
    /// When the last receipt went out; 0: it has not gone out.
    pub(super) sent_at_us: u64,
    /// When the last receipt was acknowledged; 0: it was not.
    pub(super) acked_at_us: u64,
    /// What the message's id is written from.
    pub(crate) id: u64,
    pub(crate) recipient: Number,
    pub(crate) source: Number,
    pub(crate) text: Text,
    pub(crate) status: CommandStatus,
    /// µs from the submit to its answer, capped at 71 minutes.
    answered_after_us: u32,
    pub(crate) session: u32,
    pub(crate) outcome: u16,
    pub(crate) account: u16,
    pub(crate) attempt: u16,
    /// TON and NPI of the source, then of the recipient.
    pub(crate) ton_npi: [u8; 4],
    pub(crate) part: u8,
    pub(crate) total: u8,
    pub(crate) accepted: bool,
    pub(crate) stat: Option<Stat>,
    /// Final receipts: to be sent, sent, acknowledged, refused for good.
    pub(crate) due: u8,
    pub(crate) sent: u8,
    pub(crate) acked: u8,
    pub(super) refused: u8,
    pub(super) stage: Stage,
    /// The fault that its answer was made with.
    pub(crate) injected: Option<Injected>,
    /// ms from the submit to the final state, for whoever asks.
    pub(super) final_after_ms: u32,
    /// `registered_delivery`, version, whether it was deleted, whether it expires, and its account's alphabet, in one octet.
    marks: u8,
    /// Which service_type: a place in the SMSC's list.
    pub(crate) service: u8,
    /// Which destination of its submit_multi, from 0; 0 in all other rows.
    pub(crate) of_multi: u8,
    /// How often replace_sm gave it another text.
    pub(crate) replaced: u8,
}

/// The bits of a row's marks: 0 and 1, 2 and 3, 4, 5, 6 and 7.
const WISH: u8 = 3;
const VERSION_BITS: u8 = 2;
const DELETED: u8 = 1 << 4;
const EXPIRES: u8 = 1 << 5;
const ALPHABET_BITS: u8 = 6;

/// How far a row is on its way out of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its answer is still to be written.
    AnswerDue,
    /// It was answered, or never will be.
    AnswerDone,
    /// It is finished, and is in the file.
    Filed,
}

/// What is known of a submit when it comes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) now_us: u64,
    pub(crate) account: u16,
    pub(crate) session: u32,
    pub(crate) source: Number,
    pub(crate) recipient: Number,
    pub(crate) ton_npi: [u8; 4],
    /// Part and total.
    pub(crate) place: (u8, u8),
    pub(crate) data_coding: u8,
    /// As it came, with its user data header.
    pub(crate) text: &'a [u8],
    /// Whether it has one.
    pub(crate) udhi: bool,
    pub(crate) registered_delivery: u8,
    pub(crate) service: u8,
    pub(crate) of_multi: u8,
    pub(crate) version: Version,
    /// How its account writes data_coding 0.
    pub(crate) alphabet: Alphabet,
    pub(crate) extras: Extras<'a>,
}

/// What was decided about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    /// What its id is written from; `None`: the next one since the start.
    pub(crate) id: Option<u64>,
    pub(crate) outcome: u16,
    pub(crate) attempt: u16,
    pub(crate) accepted: bool,
    /// What it is answered with.
    pub(crate) status: CommandStatus,
    /// Whether it is answered at all.
    pub(crate) answered: bool,
    pub(crate) stat: Option<Stat>,
    pub(crate) due: u8,
    pub(crate) injected: Option<Injected>,
    /// When it comes to its final state, in µs from now; `None`: never.
    pub(crate) final_after_us: Option<u64>,
    /// Whether that is the end of its validity.
    pub(crate) expires: bool,
}

impl Row {
    pub(super) fn new(arrival: &Arrival<'_>, decision: Decision, (id, text): (u64, Text)) -> Self {
        Self {
            received_at_us: arrival.now_us,
            sent_at_us: 0,
            acked_at_us: 0,
            id,
            recipient: arrival.recipient,
            source: arrival.source,
            text,
            status: decision.status,
            answered_after_us: NEVER,
            session: arrival.session,
            outcome: decision.outcome,
            account: arrival.account,
            attempt: decision.attempt,
            ton_npi: arrival.ton_npi,
            part: arrival.place.0,
            total: arrival.place.1,
            accepted: decision.accepted,
            stat: decision.stat,
            due: decision.due,
            sent: 0,
            acked: 0,
            refused: 0,
            stage: if decision.answered {
                Stage::AnswerDue
            } else {
                Stage::AnswerDone
            },
            injected: decision.injected,
            final_after_ms: final_after_ms(decision.final_after_us),
            marks: arrival.registered_delivery & WISH
                | (arrival.version as u8) << VERSION_BITS
                | if decision.expires { EXPIRES } else { 0 }
                | (arrival.alphabet as u8) << ALPHABET_BITS,
            service: arrival.service,
            of_multi: arrival.of_multi,
            replaced: 0,
        }
    }

    /// Which receipts the client wants (3.4, 5.2.17).
    pub(crate) fn registered_delivery(&self) -> u8 {
        self.marks & WISH
    }

    pub(super) fn set_registered_delivery(&mut self, registered_delivery: u8) {
        self.marks = self.marks & !WISH | registered_delivery & WISH;
    }

    /// Of the session that it came on: 3.3 has short ids.
    pub(crate) fn version(&self) -> Version {
        match self.marks >> VERSION_BITS & 3 {
            0 => Version::V33,
            1 => Version::V34,
            _ => Version::V50,
        }
    }

    /// How its account writes data_coding 0.
    pub(crate) fn alphabet(&self) -> Alphabet {
        let place = usize::from(self.marks >> ALPHABET_BITS);
        Alphabet::NAMES
            .get(place)
            .map_or(Alphabet::default(), |(_, alphabet)| *alphabet)
    }

    /// Whether cancel_sm, or a later submit_sm in its place, deleted it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.marks & DELETED != 0
    }

    /// Whether its final state is the end of its validity.
    pub(crate) fn expires(&self) -> bool {
        self.marks & EXPIRES != 0
    }

    pub(super) fn set_deleted(&mut self) {
        self.marks |= DELETED;
    }

    pub(super) fn answer(&mut self, now_us: u64) {
        let after = now_us.saturating_sub(self.received_at_us);
        self.answered_after_us = u32::try_from(after).unwrap_or(NEVER - 1).min(NEVER - 1);
        self.close_answer();
    }

    /// No answer is due any more.
    pub(super) fn close_answer(&mut self) {
        if self.stage == Stage::AnswerDue {
            self.stage = Stage::AnswerDone;
        }
    }

    /// When it was answered.
    pub(super) fn answered_at_us(&self) -> Option<u64> {
        (self.answered_after_us != NEVER).then(|| self.received_at_us + u64::from(self.answered_after_us))
    }

    /// Whether nothing more will happen to it.
    pub(super) fn is_finished(&self) -> bool {
        self.stage != Stage::AnswerDue && self.acked.saturating_add(self.refused) >= self.due
    }

    /// When it comes, or came, to its final state; `None`: never.
    pub(crate) fn final_at_us(&self) -> Option<u64> {
        (self.final_after_ms != NEVER).then(|| self.received_at_us + u64::from(self.final_after_ms) * 1000)
    }

    /// Whether it has come to its final state.
    pub(crate) fn is_final(&self, now_us: u64) -> bool {
        self.is_deleted() || self.final_at_us().is_some_and(|at| at <= now_us)
    }

    /// Whether a receipt that was scheduled, and never sent, is still to be sent: one from before a cancel_sm or
    /// replace_sm may be void.
    pub(crate) fn is_receipt_valid(&self) -> bool {
        let amended = self.is_deleted() || self.replaced > 0;
        !amended || self.sent < self.due
    }
}

/// µs as a row keeps them: in ms, capped at 49 days.
pub(super) fn final_after_ms(us: Option<u64>) -> u32 {
    us.map_or(NEVER, |us| {
        u32::try_from(us.div_ceil(1000)).unwrap_or(NEVER - 1).min(NEVER - 1)
    })
}
