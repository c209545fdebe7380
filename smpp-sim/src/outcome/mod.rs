//! What becomes of a message: the answer to its submit and the receipts that follow, decided by (seed, recipient,
//! attempt) and by nothing else.

mod attempts;
mod dealer;
mod deck;
mod dialect;
mod id_format;
mod magic;
mod receipt_plan;
mod template;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use smpp::command_status::CommandStatus;

use crate::delay::Delay;

pub(crate) use dealer::{Concatenation, Dealer};
pub use dialect::{Addresses, Dialect, ErrStyle, Parameter};
pub(crate) use id_format::ID_FORMATS;
pub use id_format::{Base, IdFormat, IdShape};
pub(crate) use magic::outcomes as magic_outcomes;
pub use magic::{MagicNumber, TABLE as MAGIC_NUMBERS};
pub(crate) use receipt_plan::COPIES_MAX;
pub use receipt_plan::{ReceiptPlan, Redelivery, Route, Segments};
pub(crate) use template::TEMPLATE_MAX;
pub use template::{DateFormat, DatePart, Piece, Template};

/// One named thing that can become of a message.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How ledger and metrics call it.
    pub name: String,
    /// What the submit is answered with.
    pub answer: Answer,
    /// How late the answer is.
    pub answer_delay: Delay,
    /// What its ids look like.
    pub message_id: Arc<IdFormat>,
    /// The receipt of an accepted message, and of a rejected one that gets one all the same; `None`: none, ever.
    pub receipt: Option<ReceiptPlan>,
    /// It holds for so many attempts of a recipient only, and then the outcome of that place in the list does.
    pub then: Option<(u16, usize)>,
}

impl Outcome {
    /// Accepted at once and delivered: what a healthy SMSC does with everything.
    pub fn delivered(defaults: &Defaults) -> Self {
        Self {
            name: "delivered".to_owned(),
            answer: Answer::Status(CommandStatus::ESME_ROK),
            answer_delay: defaults.answer_delay.clone(),
            message_id: Arc::clone(&defaults.message_id),
            receipt: Some(defaults.receipt.clone()),
            then: None,
        }
    }

    /// A submit that is refused before an outcome is dealt.
    pub(crate) fn refusal(name: &str, status: CommandStatus) -> Self {
        let name = name.to_owned();
        Self {
            name,
            answer: Answer::Status(status),
            receipt: None,
            ..Self::delivered(&Defaults::default())
        }
    }

    /// Whether the SMSC takes the message, whatever it says about it.
    pub fn accepts(&self) -> bool {
        match self.answer {
            Answer::Status(status) => status == CommandStatus::ESME_ROK,
            Answer::Silence { accepted } => accepted,
        }
    }
}

/// What an outcome does that says nothing else: `[answer]` and `[receipt]` of a scenario.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// How late answers are.
    pub answer_delay: Delay,
    /// What ids look like.
    pub message_id: Arc<IdFormat>,
    /// The receipt of a delivered message.
    pub receipt: ReceiptPlan,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            answer_delay: Delay::NONE,
            message_id: Arc::default(),
            receipt: ReceiptPlan::default(),
        }
    }
}

/// What a submit is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// That status; `ESME_ROK` accepts the message.
    Status(CommandStatus),
    /// Nothing, ever.
    Silence {
        /// Whether the message is taken all the same, and gets its receipt.
        accepted: bool,
    },
}

/// The state of a message in a receipt (3.4, 5.2.28 and appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stat {
    /// On its way.
    Enroute = 1,
    /// On the handset.
    Delivrd = 2,
    /// Its validity ended first.
    Expired = 3,
    /// Deleted by somebody.
    Deleted = 4,
    /// Not deliverable.
    Undeliv = 5,
    /// Read by the operator's staff, says the standard; accepted, mean carriers.
    Acceptd = 6,
    /// Nobody knows.
    Unknown = 7,
    /// Refused.
    Rejectd = 8,
}

impl Stat {
    /// All of them, in the order of their numbers from 1.
    pub const ALL: [Self; 8] = [
        Self::Enroute,
        Self::Delivrd,
        Self::Expired,
        Self::Deleted,
        Self::Undeliv,
        Self::Acceptd,
        Self::Unknown,
        Self::Rejectd,
    ];

    /// Its name in the text of a receipt.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enroute => "ENROUTE",
            Self::Delivrd => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliv => "UNDELIV",
            Self::Acceptd => "ACCEPTD",
            Self::Unknown => "UNKNOWN",
            Self::Rejectd => "REJECTD",
        }
    }

    /// Whether the client asked for this receipt (3.4, 5.2.17; 3 is SMPP 5.0's "success only").
    pub(crate) fn is_wanted(self, registered_delivery: u8) -> bool {
        match registered_delivery & 3 {
            0 => false,
            1 => true,
            2 => self.is_failure(),
            _ => !self.is_failure(),
        }
    }

    /// Whether it is a failure, for a client that wants to hear of failures only (3.4, 5.2.17).
    pub fn is_failure(self) -> bool {
        match self {
            Self::Enroute | Self::Delivrd | Self::Acceptd => false,
            Self::Expired | Self::Deleted | Self::Undeliv | Self::Unknown | Self::Rejectd => true,
        }
    }
}

/// Where a receipt says what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In the text (3.4, appendix B).
    Text,
    /// In optional parameters (3.4, 5.3.2.12, 5.3.2.31, 5.3.2.35).
    Tlv,
    /// In both.
    Both,
}

impl Form {
    /// Names in a scenario.
    pub const NAMES: &[(&str, Self)] = &[("text", Self::Text), ("tlv", Self::Tlv), ("both", Self::Both)];

    /// Whether there is a text.
    pub fn has_text(self) -> bool {
        matches!(self, Self::Text | Self::Both)
    }

    /// Whether there are optional parameters.
    pub fn has_tlvs(self) -> bool {
        matches!(self, Self::Tlv | Self::Both)
    }
}
