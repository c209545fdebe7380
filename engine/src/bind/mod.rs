//! Keeps each SMSC's binds up, and drives `smpp::session` over TCP.
//!
//! It knows sockets and nothing of stores: submissions come in with a place in a window, answers and deliveries go out
//! as values in a bounded channel.

mod driver;
mod flight;
mod keeper;
mod slots;
mod stall;
mod wire;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use smpp::command_status::CommandStatus;
use smpp::session::Ack;
use tokio::sync::mpsc;

pub use flight::{Flight, Lease, Segments};
pub use keeper::{BindStatus, Binds, Board, Stop, start};
pub use slots::{Pool, Slots};
pub use wire::{Departure, Wire};

use crate::domain::SmscId;

/// Batches of events that may wait for the engine; a session whose batches do not fit keeps them, and stops reading
/// when it has kept enough.
pub const EVENTS_MAX: usize = 256;

/// What the SMSC said to one segment, or did not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It took the segment, under that id (which may be empty).
    Accepted(Vec<u8>),
    /// It refused it.
    Refused(CommandStatus),
    /// It was written and not answered, in time or ever.
    Lost,
    /// Its octets surely never reached the SMSC whole.
    Unsent,
}

/// What became of one segment.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The message that it belongs to.
    pub flight: Arc<Flight>,
    /// Which segment, from 0.
    pub part: u8,
    /// The SMSC's word.
    pub reply: Reply,
    /// It had been reported as lost before.
    pub late: bool,
    /// From the hand-over to the answer.
    pub after: Duration,
}

/// A deliver_sm or data_sm, read as far as it has to be.
#[derive(Debug)]
pub struct Delivery {
    /// What it is.
    pub content: Content,
    /// What to acknowledge, and to whom.
    pub ack: Ack,
    /// When it came.
    pub at: Instant,
    /// The session that waits for it.
    pub session: mpsc::Sender<Vec<(Ack, CommandStatus)>>,
}

/// What a delivery carries.
#[derive(Clone, Debug)]
pub enum Content {
    /// A receipt.
    Receipt(ReceiptNews),
    /// A message from a handset.
    Inbound(InboundNews),
}

/// A receipt, owned: what `smpp::receipt` found, without what nobody reads.
#[derive(Clone, Debug)]
pub struct ReceiptNews {
    /// The source address, when it is a number: whom the receipt is about, as a rule.
    pub recipient: Option<u64>,
    /// The destination address, when it is a number: whom it is about at SMSCs that turn them round.
    pub other: Option<u64>,
    /// The source address where it is no number.
    pub source: String,
    /// The destination address where it is no number.
    pub destination: String,
    /// The id in `receipted_message_id`.
    pub tlv_id: Option<Vec<u8>>,
    /// The id in the text.
    pub text_id: Option<Vec<u8>>,
    /// How it ended, or how far it is.
    pub stat: smpp::receipt::Stat,
    /// Nothing more will come.
    pub final_: bool,
    /// The vendor's error code.
    pub err: Option<String>,
    /// `submit date:` of the text.
    pub submit_date: Option<String>,
    /// `text:` of the text, the beginning of the message.
    pub text: Option<String>,
}

/// An inbound message, owned.
#[derive(Clone, Debug)]
pub struct InboundNews {
    /// From whom, when the source address is a number.
    pub from: Option<u64>,
    /// Source and destination address, and the text, as they came.
    pub source: String,
    /// See `source`.
    pub destination: String,
    /// See `source`.
    pub text: String,
}

/// What a session has to say at once.
#[derive(Debug)]
pub struct Events {
    /// Which SMSC.
    pub smsc: SmscId,
    /// Answers, in the order in which they came.
    pub answers: Vec<Answer>,
    /// Deliveries, in the order in which they came.
    pub deliveries: Vec<Delivery>,
}

impl Events {
    /// Nothing to say yet.
    pub fn none(smsc: SmscId) -> Self {
        Self {
            smsc,
            answers: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.deliveries.is_empty()
    }
}
