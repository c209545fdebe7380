//! Bytes ⇄ PDUs.
//!
//! A PDU is first cut out of the stream by its `command_length` ([`split`]) and only then decoded ([`Raw::decode`]),
//! so that one that cannot be understood costs the session nothing but itself. The published rusmpp codec decodes from
//! the whole read buffer, so that a short or overlong body takes bytes of its neighbour: that is worked around here,
//! in this module alone.
//!
//! The PDUs of the hot path (submit_sm, deliver_sm and their responses) have a codec of their own in `sm`, borrowed, without
//! allocation, and lenient where carriers are careless. All others go through rusmpp's types (`strict`): what these refuse is
//! not written, but for a few things that carriers hand out and want back (long passwords and ids); what they refuse is
//! read leniently by hand.

mod command_id;
mod sm;
mod tlv;
mod session_pdus;
mod operations;
mod strict;
#[cfg(test)]
mod tests;

pub use command_id::CommandId;
pub use operations::{
    BadOperation, CancelSm, DESTINATIONS_MAX, Destination, Destinations, Operation, QuerySm, QuerySmResp, ReplaceSm,
    SubmitMulti, SubmitMultiResp, Unsuccess,
};
pub use session_pdus::{Bind, BindKind, BindResp, encode_bind, encode_bind_resp, encode_empty};
pub use sm::{Sm, SmResp, encode_sm_resp};
pub use strict::Unencodable;
pub use tlv::{Tlvs, put_tlv, tag};

pub use crate::address::Address;
use crate::command_status::CommandStatus;

/// Octets of a PDU's header: length, id, status, sequence (3.4, 3.2).
pub const HEADER_LENGTH: usize = 16;

/// The longest PDU that is taken: a 64 KiB `message_payload` with every other field at its longest, and some air.
pub const PDU_LENGTH_MAX: usize = 70_000;

/// The four header fields that every PDU begins with (3.4, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Octets of the whole PDU, this header included.
    pub length: u32,
    /// Which request or response it is.
    pub command_id: CommandId,
    /// What became of the request; 0 in requests.
    pub command_status: CommandStatus,
    /// Pairs a response with its request: 1 to 0x7FFFFFFF, but any value is taken from a peer.
    pub sequence: u32,
}

/// One PDU cut out of the stream, its body not yet looked at.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// Its header.
    pub header: Header,
    /// What follows the header: `header.length - 16` octets.
    pub body: &'a [u8],
}

/// A `command_length` that cannot be right: under 16 or over the limit. Where the next PDU begins is lost with it, so
/// answer generic_nack with `ESME_RINVCMDLEN` and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("command_length {length} is not between {HEADER_LENGTH} and {limit}")]
pub struct BadLength {
    /// What the header says.
    pub length: u32,
    /// The longest that is taken here.
    pub limit: usize,
    /// The sequence number to answer with; 0 when it has not arrived.
    pub sequence: u32,
}

/// A body that does not hold what its command must hold. The stream is still in step: answer and go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{command} cannot be decoded: {field} is cut off or out of range")]
pub struct Malformed {
    /// Which command it was.
    pub command: CommandId,
    /// The first field that could not be read.
    pub field: &'static str,
}

/// Cuts the PDU at the front of `buffer`; `None` while it is incomplete. It took `header.length` octets.
pub fn split(buffer: &[u8], length_max: usize) -> Result<Option<Raw<'_>>, BadLength> {
    let Some(length) = word(buffer, 0) else { return Ok(None) };
    if (length as usize) < HEADER_LENGTH || length as usize > length_max {
        let sequence = word(buffer, 12).unwrap_or(0);
        return Err(BadLength {
            length,
            limit: length_max,
            sequence,
        });
    }
    let Some(pdu) = buffer.get(..length as usize) else {
        return Ok(None);
    };
    let field = |at| word(pdu, at).unwrap_or(0);
    let header = Header {
        length,
        command_id: CommandId(field(4)),
        command_status: CommandStatus(field(8)),
        sequence: field(12),
    };
    Ok(Some(Raw {
        header,
        body: &pdu[HEADER_LENGTH..],
    }))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)
        .map(|octets| u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]]))
}

/// A decoded PDU, borrowing from the bytes that it came in.
#[derive(Clone, Debug)]
pub enum Pdu<'a> {
    /// bind_receiver, bind_transmitter or bind_transceiver (3.4, 4.1).
    Bind(Bind<'a>),
    /// The answer to one of them.
    BindResp(BindResp<'a>),
    /// unbind (3.4, 4.2).
    Unbind,
    /// unbind_resp.
    UnbindResp,
    /// enquire_link (3.4, 4.11).
    EnquireLink,
    /// enquire_link_resp.
    EnquireLinkResp,
    /// generic_nack (3.4, 4.3).
    GenericNack,
    /// submit_sm (3.4, 4.4).
    SubmitSm(Sm<'a>),
    /// submit_sm_resp.
    SubmitSmResp(SmResp<'a>),
    /// deliver_sm (3.4, 4.6): a receipt or an inbound message.
    DeliverSm(Sm<'a>),
    /// deliver_sm_resp.
    DeliverSmResp(SmResp<'a>),
    /// data_sm (3.4, 4.7).
    DataSm(Sm<'a>),
    /// data_sm_resp.
    DataSmResp(SmResp<'a>),
    /// Any other command: [`Raw::operation`] reads those about messages that were submitted before, and submit_multi;
    /// for what else there is, the header says which.
    Other,
}

impl<'a> Raw<'a> {
    /// Reads the body. What carriers are known to get wrong is survived: unknown TLVs are kept raw, a truncated
    /// trailing TLV is dropped, over-long C-strings are taken as they are, an error response may lack its body.
    pub fn decode(&self) -> Result<Pdu<'a>, Malformed> {
        let command = self.header.command_id;
        Ok(match command {
            CommandId::SUBMIT_SM => Pdu::SubmitSm(Sm::decode(command, self.body)?),
            CommandId::DELIVER_SM => Pdu::DeliverSm(Sm::decode(command, self.body)?),
            CommandId::DATA_SM => {
                let strict = Sm::data_strictly(self.body);
                Pdu::DataSm(strict.map_or_else(|| Sm::decode(command, self.body), Ok)?)
            }
            CommandId::SUBMIT_SM_RESP => Pdu::SubmitSmResp(SmResp::decode(self.body)),
            CommandId::DELIVER_SM_RESP => Pdu::DeliverSmResp(SmResp::decode(self.body)),
            CommandId::DATA_SM_RESP => {
                let strict = SmResp::data_strictly(self.body);
                Pdu::DataSmResp(strict.unwrap_or_else(|| SmResp::decode(self.body)))
            }
            CommandId::ENQUIRE_LINK => Pdu::EnquireLink,
            CommandId::ENQUIRE_LINK_RESP => Pdu::EnquireLinkResp,
            CommandId::UNBIND => Pdu::Unbind,
            CommandId::UNBIND_RESP => Pdu::UnbindResp,
            CommandId::GENERIC_NACK => Pdu::GenericNack,
            CommandId::BIND_RECEIVER | CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER => {
                Pdu::Bind(Bind::decode(command, self.body)?)
            }
            CommandId::BIND_RECEIVER_RESP | CommandId::BIND_TRANSMITTER_RESP | CommandId::BIND_TRANSCEIVER_RESP => {
                Pdu::BindResp(BindResp::decode(self.body))
            }
            CommandId(_) => Pdu::Other,
        })
    }
}
