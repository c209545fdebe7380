//! What is settled: an answer, or a receipt that looks for its message. Each stands with its question and its reply in one
//! [`Case`].

use std::sync::Arc;

use crate::bind::{Flight, ReceiptNews, Reply};
use crate::domain::{Recipient, SmscId, Status, Step};
use crate::receipt::Unmatched;
use crate::store::{self, ParkedOf};

pub(super) type Case = store::Case<Of>;

/// From what a case comes.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are answers and receipts: a box would be an allocation for each"
)]
pub(super) enum Of {
    /// A message's answer.
    Answer(Answered),
    /// A receipt that the store is to match.
    Receipt(Question),
    /// Receipts that were matched here, all of one message: what they make of it is one move.
    Matched(Matched),
}

/// Receipts of one message.
pub(super) struct Matched {
    pub(super) questions: Vec<Question>,
    /// When the message was taken, µs since 1970.
    pub(super) taken_at: u64,
}

/// An answered message.
pub(super) struct Answered {
    pub(super) smsc: SmscId,
    /// Held until the answer is stored: its lease lives as long.
    pub(super) flight: Arc<Flight>,
    pub(super) replies: Vec<(u8, Reply)>,
    pub(super) news: News,
}

/// What the counters of the process note when an answer is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It was taken.
    Taken,
    /// It ended so.
    Ended(Status),
    /// It is in doubt.
    Doubted,
    /// It waits to be sent again, or nothing that is counted.
    Nothing,
}

impl News {
    pub(super) fn of(step: Step) -> Self {
        match step {
            Step::Accept => Self::Taken,
            Step::Reject(status) | Step::Settle(status) | Step::Expire(status) => Self::Ended(status),
            Step::Doubt => Self::Doubted,
            Step::Lease
            | Step::Wait
            | Step::Skip
            | Step::Defer
            | Step::Learn
            | Step::Cancel
            | Step::Abandon
            | Step::Reroute => Self::Nothing,
        }
    }
}

/// Where a receipt's message is looked for, the likeliest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At its source address.
    Source,
    /// At its destination address: some SMSCs turn them round.
    Destination,
    /// Among the ids of late.
    Whereabouts,
    /// In the index by id.
    Index,
}

impl Place {
    /// How an SMSC is described whose receipts are found there.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Source => "the recipient is the source address",
            Self::Destination => "the recipient is the destination address",
            Self::Whereabouts | Self::Index => "no address is the recipient's number",
        }
    }
}

/// A receipt whose message is looked for.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) smsc: SmscId,
    pub(super) news: ReceiptNews,
    /// Whose record is asked now, and why there.
    pub(super) at: Recipient,
    pub(super) place: Place,
    /// The best reason so far for which it was not matched.
    pub(super) unmatched: Unmatched,
    /// It was parked before, there and in this form.
    pub(super) parked: Option<ParkedOf>,
    /// Somebody asked for it to be tried again: it may be about a message in doubt although that is not plausible.
    pub(super) insisted: bool,
}

impl Question {
    /// A receipt as it came.
    pub(super) fn new(smsc: SmscId, news: ReceiptNews) -> Self {
        Self {
            smsc,
            at: Recipient(news.recipient.unwrap_or(0)),
            news,
            place: Place::Source,
            unmatched: Unmatched::NoAddress,
            parked: None,
            insisted: false,
        }
    }

    /// The key under which it is parked.
    pub(super) fn parking(&self) -> Recipient {
        let number = self.news.recipient.or(self.news.other).map(Recipient);
        number.unwrap_or_else(|| crate::receipt::Parked::key_of(self.smsc, &self.news))
    }
}
