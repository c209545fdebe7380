//! What receivers are told, what they may choose of it, and how it reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::{
    ENDED, Ending, JournalEvent, MessageId, Partition, Reason, Recipient, State, Status, TenantId, UnixMicros,
};

/// What an endpoint may ask for: a type of events, all of one kind, or all.
pub(crate) const FILTERS: [&str; 48] = [
    "*",
    "message.*",
    "message.transmitted",
    "message.delivered",
    "message.failed",
    "message.recredited",
    "message.received",
    "contact.*",
    "contact.opted_out",
    "contact.opted_in",
    "campaign.*",
    "campaign.scheduled",
    "campaign.in_review",
    "campaign.started",
    "campaign.blocked",
    "campaign.paused",
    "campaign.resumed",
    "campaign.completed",
    "campaign.canceled",
    "automation.*",
    "automation.blocked",
    "conversation.*",
    "conversation.waiting",
    "appointment.*",
    "appointment.reply",
    "link.*",
    "link.clicked",
    "offer.*",
    "offer.taken",
    "offer.ended",
    "slot.*",
    "slot.freed",
    "slot.taken",
    "slot.ended",
    "survey.*",
    "survey.answered",
    "survey.alert",
    "text.*",
    "text.flagged",
    "text.decided",
    "traffic.*",
    "traffic.flagged",
    "traffic.decided",
    "import.*",
    "import.completed",
    "import.failed",
    "balance.*",
    "balance.low",
];

/// The type of what tests an endpoint, which no filter leaves out.
pub(super) const TEST: &str = "webhook.test";

/// The type of what says that an automation was held up.
pub(super) const HELD_UP: &str = "automation.blocked";

/// The type of what says what somebody answers to an appointment.
pub(super) const ANSWERED: &str = "appointment.reply";

/// The type of what says that a conversation waits for people.
pub(super) const WAITS: &str = "conversation.waiting";

/// The type of what says that somebody has followed their link.
pub(super) const CLICKED: &str = "link.clicked";

/// The types of what says that somebody has a place of an offer, and that it is over.
pub(super) const OFFER_TAKEN: &str = "offer.taken";
pub(super) const OFFER_ENDED: &str = "offer.ended";

/// The types of what says that a time became free, that somebody has it, and that it is offered no more.
pub(super) const SLOT_FREED: &str = "slot.freed";
pub(super) const SLOT_TAKEN: &str = "slot.taken";
pub(super) const SLOT_ENDED: &str = "slot.ended";

/// The type of what says that somebody has advertising again.
pub(super) const OPTED_IN: &str = "contact.opted_in";

/// The types of what says that a file was read to its end, and that it was not.
pub(super) const IMPORTED: &str = "import.completed";
pub(super) const NOT_IMPORTED: &str = "import.failed";

/// The type of what says that somebody has answered a question.
pub(super) const SURVEY_ANSWERED: &str = "survey.answered";

/// The type of what says that somebody is not content.
pub(super) const NOT_CONTENT: &str = "survey.alert";

/// The types of what says that a text is to be looked at, and that it was.
pub(super) const FLAGGED: &str = "text.flagged";
pub(super) const DECIDED: &str = "text.decided";

/// The same of unusual traffic.
pub(super) const TRAFFIC_FLAGGED: &str = "traffic.flagged";
pub(super) const TRAFFIC_DECIDED: &str = "traffic.decided";

/// The type of what says that few credits are left.
pub(super) const LOW: &str = "balance.low";

/// The type of what has several events of messages.
const BATCH: &str = "message.batch";

/// The letter of a message that an SMSC took; it has not ended.
const TAKEN: u8 = b'+';

/// Whether filters let a type of events through.
pub(super) fn passes(filters: &[String], kind: &str) -> bool {
    filters.iter().any(|filter| match filter.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => filter == kind,
    })
}

/// What happened to a message, or to some that ended together: as it waits to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Packed", into = "Packed")]
pub(super) struct MessageNews {
    /// Milliseconds since 1970, by the database's clock.
    at: i64,
    first: MessageId,
    /// This one, and those behind it in its partition.
    pub(super) count: u32,
    what: What,
    segments: u8,
    credits: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Taken,
    Ended { ending: Ending, reason: Reason, code: u16 },
}

/// As it is stored: time, id, count, letter, reason, code, segments, credits.
#[derive(Serialize, Deserialize)]
struct Packed(i64, u64, u32, u8, u8, u16, u8, u8);

impl From<MessageNews> for Packed {
    fn from(news: MessageNews) -> Self {
        let (letter, reason, code) = match news.what {
            What::Taken => (TAKEN, Reason::None, 0),
            What::Ended { ending, reason, code } => (ending.letter(), reason, code),
        };
        Self(
            news.at,
            news.first.0,
            news.count,
            letter,
            reason as u8,
            code,
            news.segments,
            news.credits,
        )
    }
}

impl From<Packed> for MessageNews {
    fn from(Packed(at, first, count, letter, reason, code, segments, credits): Packed) -> Self {
        let reason = Reason::from_octet(reason);
        let what = Ending::from_letter(letter).map_or(What::Taken, |ending| What::Ended { ending, reason, code });
        Self {
            at,
            first: MessageId(first),
            count,
            what,
            segments,
            credits,
        }
    }
}

/// Whom an event of the journal is about.
pub(super) const fn tenant_of(event: &JournalEvent) -> TenantId {
    match event {
        JournalEvent::Moved { tenant, .. } | JournalEvent::Range { tenant, .. } => *tenant,
    }
}

impl MessageNews {
    /// What an event of the journal is to a receiver; `None`: nothing, since no status was reached.
    pub(super) fn of(event: &JournalEvent, at: i64, (partition, partitions): (Partition, u16)) -> Option<Self> {
        match *event {
            JournalEvent::Moved {
                from,
                to,
                id,
                segments,
                credits,
                result,
                ..
            } => {
                let letter = |state: State| state.letter();
                let taken = Some(to) == letter(State::Enroute) && from != to;
                let what = match result.filter(|_| to == ENDED) {
                    Some(result) => What::ended(result.ending, result.reason, result.code),
                    None if taken => What::Taken,
                    None => return None,
                };
                let is_free = result.is_some_and(|result| to == ENDED && !result.ending.is_billed());
                Some(Self {
                    at,
                    first: id,
                    count: 1,
                    what,
                    segments,
                    credits: if is_free { 0 } else { credits },
                })
            }
            JournalEvent::Range {
                result,
                campaign,
                position,
                count,
                ..
            } => Some(Self {
                at,
                first: MessageId::new(campaign, partition, partitions, position),
                count,
                what: What::ended(result.ending, result.reason, result.code),
                segments: 0,
                credits: 0,
            }),
        }
    }

    /// The type of the event.
    pub(super) const fn kind(&self) -> &'static str {
        match self.what {
            What::Taken => "message.transmitted",
            What::Ended { ending, .. } => match ending {
                Ending::Status { status, .. } => match status {
                    Status::Delivered => "message.delivered",
                    Status::Transmitted => "message.transmitted",
                    Status::Recredited => "message.recredited",
                    Status::TransmissionFailed | Status::ReceptionError | Status::UnknownNumber | Status::NotRouted => {
                        "message.failed"
                    }
                },
                Ending::Canceled | Ending::Skipped => "message.failed",
            },
        }
    }

    /// The first `count` of them, and the others.
    pub(super) fn split(self, count: u32, partitions: u16) -> (Self, Option<Self>) {
        if self.count <= count {
            return (self, None);
        }
        let first = Self { count, ..self };
        let rest = Self {
            count: self.count - count,
            first: MessageId(self.first.0 + u64::from(count) * u64::from(partitions)),
            ..self
        };
        (first, Some(rest))
    }

    /// The messages that it is about.
    pub(super) fn messages(&self, partitions: u16) -> impl Iterator<Item = MessageId> + use<> {
        let (first, step) = (self.first.0, u64::from(partitions));
        (0..u64::from(self.count)).map(move |index| MessageId(first + index * step))
    }

    /// What is told of one of them. Numbers only grow: a message is taken by an SMSC once, 1, and ends once, 2.
    pub(super) fn told(&self, message: MessageId, to: Option<Recipient>) -> Value {
        let (status, sequence) = match self.what {
            What::Taken => (Status::Transmitted.code(), 1),
            What::Ended { ending, .. } => (ending.word(), 2),
        };
        let mut data = json!({
            "id": message.to_string(),
            "campaign": message.campaign().to_string(),
            "status": status,
            "sequence": sequence,
            "credits": self.credits,
        });
        if let Some(to) = to {
            data["to"] = to.to_string().into();
        }
        if let What::Ended { reason, code, .. } = self.what {
            if reason != Reason::None {
                data["reason"] = reason.code().into();
            }
            if code > 0 {
                data["code"] = code.into();
            }
        }
        if self.segments > 1 {
            data["segments"] = self.segments.into();
        }
        event(self.kind(), self.at, &data)
    }

    /// Octets of each event that is told of it, at most.
    pub(super) fn octets(&self) -> usize {
        // The longest number that there is.
        let told = self.told(self.first, Some(Recipient(999_999_999_999_999)));
        told.to_string().len() + 1
    }
}

impl What {
    const fn ended(ending: Ending, reason: Reason, code: u16) -> Self {
        Self::Ended { ending, reason, code }
    }
}

/// Somebody has followed their link for the first time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Clicked {
    message: u64,
    /// In milliseconds.
    at: i64,
}

impl Clicked {
    pub(super) const fn new(message: MessageId, at: UnixMicros) -> Self {
        Self {
            message: message.0,
            at: (at.0 / 1_000).cast_signed(),
        }
    }

    pub(super) const fn message(self) -> MessageId {
        MessageId(self.message)
    }

    pub(super) fn told(self, to: Option<Recipient>) -> Value {
        let id = self.message();
        let mut data = json!({ "id": id.to_string(), "campaign": id.campaign().to_string() });
        if let Some(to) = to {
            data["to"] = to.to_string().into();
        }
        event(CLICKED, self.at, &data)
    }
}

/// Events of messages and their links, as one.
pub(super) fn batch(events: Vec<Value>, at: i64) -> Value {
    event(BATCH, at, &json!({ "events": events }))
}

/// An event: `at` in milliseconds since 1970.
pub(super) fn event(kind: &str, at: i64, data: &Value) -> Value {
    let timestamp = Timestamp::from_millisecond(at).map(|at| format!("{at:.3}"));
    json!({ "type": kind, "timestamp": timestamp.unwrap_or_default(), "data": data })
}
