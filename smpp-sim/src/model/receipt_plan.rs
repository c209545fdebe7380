use std::sync::Arc;
use std::time::Duration;

use smpp::command_status::CommandStatus;
use strum::{IntoStaticStr, VariantArray};

use super::dialect::Dialect;
use super::stat::Stat;
use crate::delay::Delay;

/// The most copies of one receipt: enough to show any client that it must not count them.
pub(crate) const COPIES_MAX: u8 = 5;

/// The receipts of one message: what they say, when they come, and on which session.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiptPlan {
    /// The final state.
    pub stat: Stat,
    /// The network's error, 0 to 9999.
    pub err: u16,
    /// When it comes.
    pub delay: Delay,
    /// Where it says what it says.
    pub form: Form,
    /// Whether it names the message at all.
    pub with_id: bool,
    /// Whether it comes before the answer.
    pub first: bool,
    /// The state of a receipt that comes half-way before it, if there is one.
    pub intermediate: Option<Stat>,
    /// How often it comes, 1 to 5.
    pub copies: u8,
    /// How much later every copy is than the one before it.
    pub copies_delay: Delay,
    /// The share (0 to 1) that is overtaken by others, and how much later it comes.
    pub late: Option<(f64, Delay)>,
    /// Receipts are released together: each waits for the next whole multiple of it (scaled) since 1970.
    pub release_every: Option<Duration>,
    /// Which segments of a concatenated message get one.
    pub segments: ReceiptedSegments,
    /// Where it goes.
    pub route: Route,
    /// Whether it comes to those who asked for none.
    pub unrequested: bool,
    /// How it is written.
    pub dialect: Arc<Dialect>,
}

impl Default for ReceiptPlan {
    fn default() -> Self {
        Self {
            stat: Stat::Delivrd,
            err: 0,
            delay: Delay::NONE,
            form: Form::Both,
            with_id: true,
            first: false,
            intermediate: None,
            copies: 1,
            copies_delay: Delay::NONE,
            late: None,
            release_every: None,
            segments: ReceiptedSegments::Each,
            route: Route::Same,
            unrequested: false,
            dialect: Arc::default(),
        }
    }
}

impl ReceiptPlan {
    /// Whether a submit that comes to that state gets it: by its `registered_delivery`, and by which segment of how many
    /// it is.
    pub(crate) fn is_for(&self, stat: Stat, registered_delivery: u8, (part, total): (u8, u8)) -> bool {
        let wanted = stat.is_wanted(registered_delivery);
        let gets = match self.segments {
            ReceiptedSegments::Each => true,
            ReceiptedSegments::First | ReceiptedSegments::Aggregate => part <= 1,
            ReceiptedSegments::Last => part == total,
        };
        (wanted || self.unrequested) && gets
    }
}

/// Where a receipt says what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Form {
    /// In the text (3.4, appendix B).
    Text,
    /// In optional parameters (3.4, 5.3.2.12, 5.3.2.31, 5.3.2.35).
    Tlv,
    /// In the text and in optional parameters.
    Both,
}

impl Form {
    /// Whether there is a text.
    pub fn has_text(self) -> bool {
        matches!(self, Self::Text | Self::Both)
    }

    /// Whether there are optional parameters.
    pub fn has_tlvs(self) -> bool {
        matches!(self, Self::Tlv | Self::Both)
    }
}

/// Which segments of a concatenated message get a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ReceiptedSegments {
    /// Every segment.
    Each,
    /// The first one.
    First,
    /// The last one.
    Last,
    /// The first one, and its `sub` and `dlvrd` count all of them.
    Aggregate,
}

/// On which of an account's sessions a receipt goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Route {
    /// The one that submitted, while it receives; else another.
    Same,
    /// Another one that receives, while there is one.
    Other,
    /// One that is bound as a receiver and as nothing else; it waits until there is one.
    Receiver,
}

/// What the SMSC does about deliveries that are not acknowledged with `ESME_ROK`.
#[derive(Clone, Debug, PartialEq)]
pub struct Redelivery {
    /// A delivery without any answer is sent again after that, in scaled time; `None`: not before its session has ended.
    pub unanswered: Option<Duration>,
    /// One that was refused for the moment is sent again after that, in wall time.
    pub refused: Duration,
    /// How often one is sent at most; then it counts as refused, so that none goes round for ever.
    pub times: u8,
    /// Which refusals are for the moment.
    pub temporary: Vec<CommandStatus>,
}

impl Default for Redelivery {
    /// The errors are those by which a client says that it may take it later (3.4, 5.1.3).
    fn default() -> Self {
        Self {
            unanswered: None,
            refused: Duration::from_secs(1),
            times: 20,
            temporary: vec![
                CommandStatus::ESME_RX_T_APPN,
                CommandStatus::ESME_RTHROTTLED,
                CommandStatus::ESME_RMSGQFUL,
                CommandStatus::ESME_RSYSERR,
            ],
        }
    }
}
