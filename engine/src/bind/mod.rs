//! Keeps each SMSC's binds up, and drives `smpp::session` over TCP.
//!
//! It knows sockets and nothing of stores: submissions come in with a place in a window, answers and deliveries go out
//! as values in a bounded channel.

mod binds;
mod content;
mod keeper;
mod account;
mod budget;
mod connect;
mod opening;
mod handshake;
mod tls;
mod transport;
mod driver;
mod surroundings;
mod lone;
mod life;
mod board;
mod trace;
mod masked;
mod flight;
mod slots;
mod seat;
mod silence;
mod elastic;
mod pace;
mod stall;
mod wire;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use compact_str::CompactString;
use smpp::command_status::CommandStatus;
use smpp::part::Part;
use smpp::session::Ack;
use tokio::sync::mpsc;

pub(crate) use binds::{Binds, Kept};
pub(crate) use board::{BindStatus, Board};
pub(crate) use flight::{Flight, Lease, Segments};
pub(crate) use life::Stop;
pub(crate) use lone::{Ending, Lone, News, NoSession, Parcel};
pub(crate) use pace::{Bound, Pace, Wait};
pub(crate) use seat::{Company, Granted, Group, Seats, Wish};
pub(crate) use slots::{Pool, Slots};
pub(crate) use trace::{Listening, Traces};
pub(crate) use wire::{Heard, Hold, Wire};

use crate::domain::SmscId;

/// Batches of events that may wait for the engine; a session whose batches do not fit keeps them, and stops reading
/// when it has kept enough.
pub(crate) const EVENTS_MAX: usize = 256;

/// What the SMSC said to one segment, or did not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It took the segment, under that id (which may be empty).
    Accepted(Vec<u8>),
    /// It refused it.
    Refused(CommandStatus),
    /// It was written and not answered, in time or ever.
    Lost,
    /// Its octets surely never reached the SMSC whole.
    Unsent,
    /// It was not sent, and will not be: its time is over.
    Expired,
    /// It was not sent: its sender or its number has had enough for so long.
    Early(Duration),
}

/// What became of one segment.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The message that it belongs to.
    pub(crate) flight: Arc<Flight>,
    /// Which segment, from 0.
    pub(crate) part: u8,
    /// The SMSC's word.
    pub(crate) reply: Reply,
    /// It had been reported as lost before.
    pub(crate) late: bool,
    /// From the hand-over to the answer.
    pub(crate) after: Duration,
}

impl Answer {
    /// Of a segment that was not handed to a session, or that nobody answered.
    pub(crate) fn unheard(flight: Arc<Flight>, part: u8, reply: Reply) -> Self {
        Self {
            flight,
            part,
            reply,
            late: false,
            after: Duration::ZERO,
        }
    }
}

/// A deliver_sm or data_sm, read as far as it has to be.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) content: Content,
    /// What to acknowledge, and to whom.
    pub(crate) ack: Ack,
    pub(crate) at: Instant,
    /// The session that waits for it.
    pub(crate) session: mpsc::Sender<Vec<(Ack, CommandStatus)>>,
}

/// What a delivery carries.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A receipt.
    Receipt(Box<ReceiptNews>),
    /// A message from a handset.
    Inbound(InboundNews),
}

/// A receipt, owned: what `smpp::receipt` found, without what nobody reads. Its words are short: they need no memory of their own.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptNews {
    /// The source address, when it is a number: whom the receipt is about, as a rule.
    pub(crate) recipient: Option<u64>,
    /// The destination address, when it is a number: whom it is about at SMSCs that turn them round.
    pub(crate) other: Option<u64>,
    /// The source address where it is not a number.
    pub(crate) source: String,
    /// The destination address where it is not a number.
    pub(crate) destination: String,
    /// The id in `receipted_message_id`.
    pub(crate) tlv_id: Option<CompactString>,
    /// The id in the text.
    pub(crate) text_id: Option<CompactString>,
    /// How it ended, or how far it is.
    pub(crate) stat: smpp::receipt::Stat,
    /// `stat:` of the text, where it is not just the name of `stat`.
    pub(crate) stat_text: Option<CompactString>,
    /// The TLV `message_state`.
    pub(crate) message_state: Option<u8>,
    /// The code of the TLV `network_error_code`.
    pub(crate) network_error_code: Option<u16>,
    /// Nothing more will come, as far as the standard goes.
    pub(crate) final_: bool,
    /// How many segments it counts and speaks for.
    pub(crate) segments: u8,
    /// The vendor's error code.
    pub(crate) err: Option<CompactString>,
    /// `submit date:` of the text.
    pub(crate) submit_date: Option<CompactString>,
    /// `text:` of the text, the beginning of the message.
    pub(crate) text: Option<CompactString>,
}

/// An inbound message, owned.
#[derive(Clone, Debug)]
pub(crate) struct InboundNews {
    /// From whom, when the source address is a number.
    pub(crate) from: Option<u64>,
    /// Source and destination address, and the text, as they came.
    pub(crate) source: String,
    /// See `source`.
    pub(crate) destination: String,
    /// See `source`.
    pub(crate) text: String,
    /// Which part of a longer message it is.
    pub(crate) part: Option<InboundPart>,
}

/// A part of an inbound message, as it came: characters may be split between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InboundPart {
    pub(crate) part: Part,
    pub(crate) data_coding: u8,
    pub(crate) octets: Vec<u8>,
}

impl InboundPart {
    /// As it is kept until the others are there: data_coding and octets.
    pub(crate) fn pack(&self) -> Vec<u8> {
        [&[self.data_coding], &self.octets[..]].concat()
    }

    /// data_coding and octets of a kept part.
    pub(crate) fn unpack(packed: &[u8]) -> Option<(u8, &[u8])> {
        packed.split_first().map(|(coding, octets)| (*coding, octets))
    }
}

/// What a session has to say at once.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) smsc: SmscId,
    /// Answers, in the order in which they came.
    pub(crate) answers: Vec<Answer>,
    /// Deliveries, in the order in which they came.
    pub(crate) deliveries: Vec<Delivery>,
}

impl Events {
    /// Nothing to say yet.
    pub(crate) fn none(smsc: SmscId) -> Self {
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
