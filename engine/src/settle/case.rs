//! What is settled: an answer, or a receipt that looks for its message.

use std::sync::Arc;

use bytes::Bytes;

use crate::bind::{Flight, ReceiptNews, Reply};
use crate::domain::{Note, Recipient, SmscId, Transition};
use crate::encryption::TextKey;
use crate::receipt::{Parked, Unmatched};
use crate::store::ParkedOf;

/// One of them.
pub(super) enum Case {
    /// A message's answer.
    Answer(Answered),
    /// A receipt.
    Receipt(Question),
}

impl Case {
    /// Whose record is asked.
    pub(super) fn recipient(&self) -> Recipient {
        match self {
            Self::Answer(answered) => answered.flight.recipient,
            Self::Receipt(question) => question.at,
        }
    }

    /// The record as it was last seen, where that is known.
    pub(super) fn known(&self) -> Option<Bytes> {
        match self {
            Self::Answer(answered) => {
                let record = &answered.flight.record;
                let current = answered.made.is_some() && !answered.read && !record.is_empty();
                current.then(|| record.clone())
            }
            Self::Receipt(question) => question.known.clone(),
        }
    }
}

/// An answered message.
pub(super) struct Answered {
    pub(super) smsc: SmscId,
    /// Held until the answer is stored: its lease lives as long.
    pub(super) flight: Arc<Flight>,
    pub(super) replies: Vec<(u8, Reply)>,
    /// What it makes of the message as it was leased; `None`: it came late, and the message is in doubt by now.
    pub(super) made: Option<Box<(Transition, Note)>>,
    /// The record has changed since the lease: it is read.
    pub(super) read: bool,
}

/// Where a receipt's message is looked for, the likeliest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At its source address.
    Source,
    /// At its destination address: some SMSCs turn them round.
    Destination,
    /// Among the recent ids.
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

/// Whose record is asked when a receipt's source is no number: none. Numbers do not begin with 0.
const NOBODY: Recipient = Recipient(0);

/// A receipt whose message is looked for.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) smsc: SmscId,
    pub(super) news: Box<ReceiptNews>,
    /// Whose record is asked now, and why there.
    pub(super) at: Recipient,
    pub(super) place: Place,
    /// The best reason so far for which it was not matched.
    pub(super) unmatched: Unmatched,
    /// The record as this process saw it last.
    pub(super) known: Option<Bytes>,
    /// It was parked before, there and in this form.
    pub(super) parked: Option<ParkedOf>,
    /// Somebody asked for it to be tried again: it may be about a message in doubt although that is not plausible.
    pub(super) insisted: bool,
}

impl Question {
    /// A receipt as it came.
    pub(super) fn new(smsc: SmscId, news: Box<ReceiptNews>) -> Self {
        Self {
            smsc,
            at: news.recipient.map_or(NOBODY, Recipient),
            news,
            place: Place::Source,
            unmatched: Unmatched::NoAddress,
            known: None,
            parked: None,
            insisted: false,
        }
    }

    /// One that was parked under that key: where it waited for an answer, it is asked there first.
    pub(super) fn parked(key: Recipient, (parked, packed): (&Parked, &[u8]), text_key: &TextKey) -> Self {
        let early = parked.reason == Unmatched::Early;
        let mut question = Self {
            parked: Some((key, packed.to_vec())),
            insisted: !early,
            ..Self::new(parked.smsc(), Box::new(parked.news(text_key.own())))
        };
        if early && question.at != key {
            let turned = question.news.other == Some(key.0);
            question.place = if turned { Place::Destination } else { Place::Whereabouts };
            question.at = key;
        }
        question
    }

    /// Whether there is a recipient whose record may be asked.
    pub(super) fn has_place(&self) -> bool {
        self.at != NOBODY
    }

    /// The key under which it is parked: the recipient whose answer it waits for, or the number that it names.
    pub(super) fn parking(&self) -> Recipient {
        if self.unmatched == Unmatched::Early {
            return self.at;
        }
        let number = self.news.recipient.or(self.news.other).map(Recipient);
        number.unwrap_or_else(|| Parked::key_of(self.smsc, &self.news))
    }
}
