//! submit_sm, deliver_sm and their responses: the hot path, so by hand, borrowed and without allocation. data_sm, which has
//! the same fields, goes through rusmpp's types (`strict`) where these take it.

mod strict;

use bytes::{BufMut, BytesMut};

use super::{CommandId, HEADER_LENGTH, Malformed, Tlvs, tag};
use crate::address::Address;
use crate::command_status::CommandStatus;
use crate::frame::strict::put;

/// The most octets that `sm_length` can say; longer texts go into `message_payload` (3.4, 4.4.1).
pub(super) const SHORT_MESSAGE_MAX: usize = 255;

/// submit_sm and deliver_sm have the same fields, and data_sm a part of them (3.4, 4.4.1, 4.6.1, 4.7.1): one type for
/// the three, both ways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the standard's own fields, in its order")]
pub struct Sm<'a> {
    pub service_type: &'a [u8],
    pub source: Address<'a>,
    pub destination: Address<'a>,
    pub esm_class: u8,
    pub protocol_id: u8,
    pub priority_flag: u8,
    pub schedule_delivery_time: &'a [u8],
    pub validity_period: &'a [u8],
    pub registered_delivery: u8,
    pub replace_if_present: u8,
    pub data_coding: u8,
    pub sm_default_msg_id: u8,
    pub short_message: &'a [u8],
    pub tlvs: Tlvs<'a>,
}

impl<'a> Sm<'a> {
    /// The text's octets, wherever they are: `message_payload` if there is one, else `short_message`.
    pub fn text(&self) -> &'a [u8] {
        if self.short_message.is_empty() {
            return self.tlvs.get(tag::MESSAGE_PAYLOAD).unwrap_or_default();
        }
        self.short_message
    }

    /// Writes a submit_sm. `short_message` is cut at 255 octets; longer ones belong into `message_payload`.
    pub fn encode_submit(&self, out: &mut BytesMut, sequence: u32) {
        self.encode(out, CommandId::SUBMIT_SM, sequence);
    }

    /// Writes a deliver_sm.
    pub fn encode_deliver(&self, out: &mut BytesMut, sequence: u32) {
        self.encode(out, CommandId::DELIVER_SM, sequence);
    }

    /// Writes a data_sm: `short_message` and what goes with it are left out. By hand where rusmpp refuses it: its addresses
    /// end at 20 octets, the standard's at 64 (3.4, 4.7.1).
    pub fn encode_data(&self, out: &mut BytesMut, sequence: u32) {
        let Ok(body) = self.strict_data() else {
            return self.encode(out, CommandId::DATA_SM, sequence);
        };
        let start = begin(out, CommandId::DATA_SM, CommandStatus::ESME_ROK, sequence);
        put(out, &body);
        out.put_slice(self.tlvs.0);
        end(out, start);
    }

    fn encode(&self, out: &mut BytesMut, command: CommandId, sequence: u32) {
        let start = begin(out, command, CommandStatus::ESME_ROK, sequence);
        put_c_string(out, self.service_type);
        put_address(out, &self.source);
        put_address(out, &self.destination);
        out.put_u8(self.esm_class);
        if command == CommandId::DATA_SM {
            out.put_slice(&[self.registered_delivery, self.data_coding]);
        } else {
            self.put_tail(out);
        }
        out.put_slice(self.tlvs.0);
        end(out, start);
    }

    /// From `protocol_id` to the text: the same in submit_sm, deliver_sm and submit_multi.
    pub(super) fn put_tail(&self, out: &mut BytesMut) {
        out.put_slice(&[self.protocol_id, self.priority_flag]);
        put_c_string(out, self.schedule_delivery_time);
        put_c_string(out, self.validity_period);
        let tail = [
            self.registered_delivery,
            self.replace_if_present,
            self.data_coding,
            self.sm_default_msg_id,
        ];
        out.put_slice(&tail);
        put_short_message(out, self.short_message);
    }

    pub(super) fn decode(command: CommandId, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields { command, rest: body };
        let mut sm = Self {
            service_type: fields.c_string("service_type")?,
            source: fields.address("source_addr")?,
            destination: fields.address("destination_addr")?,
            esm_class: fields.octet("esm_class")?,
            ..Self::default()
        };
        if command == CommandId::DATA_SM {
            sm.registered_delivery = fields.octet("registered_delivery")?;
            sm.data_coding = fields.octet("data_coding")?;
        } else {
            sm.take_tail(&mut fields)?;
        }
        sm.tlvs = Tlvs(fields.rest);
        Ok(sm)
    }

    /// From `protocol_id` to the text.
    pub(super) fn take_tail(&mut self, fields: &mut Fields<'a>) -> Result<(), Malformed> {
        self.protocol_id = fields.octet("protocol_id")?;
        self.priority_flag = fields.octet("priority_flag")?;
        self.schedule_delivery_time = fields.c_string("schedule_delivery_time")?;
        self.validity_period = fields.c_string("validity_period")?;
        self.registered_delivery = fields.octet("registered_delivery")?;
        self.replace_if_present = fields.octet("replace_if_present_flag")?;
        self.data_coding = fields.octet("data_coding")?;
        self.sm_default_msg_id = fields.octet("sm_default_msg_id")?;
        self.short_message = fields.short_message()?;
        Ok(())
    }
}

/// submit_sm_resp, deliver_sm_resp, data_sm_resp. An error response may come without a body, and then has no id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SmResp<'a> {
    /// The SMSC's id of the message: an opaque string of any length; empty in deliver_sm_resp.
    pub message_id: &'a [u8],
    /// Optional parameters, which 3.4 allows in data_sm_resp and 5.0 everywhere.
    pub tlvs: Tlvs<'a>,
}

impl<'a> SmResp<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Self {
        match body.iter().position(|&octet| octet == 0) {
            Some(end) => Self {
                message_id: &body[..end],
                tlvs: Tlvs(&body[end + 1..]),
            },
            // Without its NUL: all that is there is the id.
            None => Self {
                message_id: body,
                tlvs: Tlvs::default(),
            },
        }
    }

    /// Writes the response of that command. A submit_sm_resp that says an error has no body (3.4, 4.4.2); the others
    /// keep their (empty) id.
    pub fn encode(&self, out: &mut BytesMut, (command, status, sequence): (CommandId, CommandStatus, u32)) {
        let start = begin(out, command, status, sequence);
        if command != CommandId::SUBMIT_SM_RESP || status == CommandStatus::ESME_ROK {
            let data = (command == CommandId::DATA_SM_RESP).then(|| self.strict_data());
            match data {
                Some(Ok(body)) => put(out, &body),
                Some(Err(_)) | None => put_c_string(out, self.message_id),
            }
            out.put_slice(self.tlvs.0);
        }
        end(out, start);
    }
}

/// Writes submit_sm_resp, deliver_sm_resp or data_sm_resp without optional parameters, see [`SmResp::encode`].
pub fn encode_sm_resp(out: &mut BytesMut, header: (CommandId, CommandStatus, u32), message_id: &[u8]) {
    let tlvs = Tlvs::default();
    SmResp { message_id, tlvs }.encode(out, header);
}

pub(super) fn begin(out: &mut BytesMut, command: CommandId, status: CommandStatus, sequence: u32) -> usize {
    let start = out.len();
    out.reserve(256);
    out.put_u32(0);
    out.put_u32(command.0);
    out.put_u32(status.0);
    out.put_u32(sequence);
    start
}

pub(super) fn end(out: &mut BytesMut, start: usize) {
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    debug_assert!(length as usize >= HEADER_LENGTH);
}

/// A C-string ends at its first NUL, so one inside cannot be sent: what follows it is left out.
pub(super) fn put_c_string(out: &mut BytesMut, octets: &[u8]) {
    let until = octets.iter().position(|&octet| octet == 0).unwrap_or(octets.len());
    out.put_slice(&octets[..until]);
    out.put_u8(0);
}

pub(super) fn put_address(out: &mut BytesMut, address: &Address<'_>) {
    out.put_u8(address.ton);
    out.put_u8(address.npi);
    put_c_string(out, address.digits);
}

/// `sm_length` and the text, cut at what the length can say.
pub(super) fn put_short_message(out: &mut BytesMut, text: &[u8]) {
    let text = &text[..text.len().min(SHORT_MESSAGE_MAX)];
    out.put_u8(text.len() as u8);
    out.put_slice(text);
}

/// Reads the mandatory fields of one body, in order.
pub(super) struct Fields<'a> {
    pub(super) command: CommandId,
    pub(super) rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn octet(&mut self, field: &'static str) -> Result<u8, Malformed> {
        self.octets(1, field).map(|octets| octets[0])
    }

    pub(super) fn octets(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (octets, rest) = self.rest.split_at_checked(count).ok_or(Malformed {
            command: self.command,
            field,
        })?;
        self.rest = rest;
        Ok(octets)
    }

    /// Up to the NUL, however far that is: the standard's limits are the sender's to keep, and several do not.
    pub(super) fn c_string(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let end = self.rest.iter().position(|&octet| octet == 0);
        let end = end.ok_or(Malformed {
            command: self.command,
            field,
        })?;
        let octets = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(octets)
    }

    /// `sm_length` and the text.
    pub(super) fn short_message(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.octet("sm_length")?;
        self.octets(usize::from(length), "short_message")
    }

    pub(super) fn address(&mut self, field: &'static str) -> Result<Address<'a>, Malformed> {
        Ok(Address {
            ton: self.octet(field)?,
            npi: self.octet(field)?,
            digits: self.c_string(field)?,
        })
    }
}
