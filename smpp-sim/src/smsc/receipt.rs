//! Receipts, written as their dialects say.

use bytes::{BufMut, BytesMut};
use smpp::address::Address;
use smpp::frame::{Sm, Tlvs, put_tlv, tag};
use smpp::segment::ESM_CLASS_UDHI;

use super::Smsc;
use super::clockface::Clockface;
use super::job::{Job, JobKind};
use super::session::Turn;
use crate::ledger::{IdOf, Row, write_id};
use crate::model::{
    Addresses, Base, Dialect, IdFormat, IdShape, Parameter, Piece, ReceiptPlan, ReceiptedSegments, Stat,
};
use crate::number::write_decimal;

/// `network_error_code` of a GSM network (3.4, 5.3.2.31).
const NETWORK_GSM: u8 = 3;

/// The most octets of a text in `short_message` (3.4, 5.2.21); longer ones go into `message_payload`.
const SHORT_MESSAGE_MAX: usize = 254;

/// How many octets a truncated parameter claims more than it has.
const TRUNCATED_BY: u16 = 8;

/// Buffers that are used again for every PDU.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) id: Vec<u8>,
    text: Vec<u8>,
    tlvs: BytesMut,
    source: Vec<u8>,
    destination: Vec<u8>,
    submitted: Clockface,
    done: Clockface,
}

/// What one receipt says.
#[derive(Clone, Copy)]
struct Said<'a> {
    plan: &'a ReceiptPlan,
    ids: &'a IdFormat,
    of: IdOf<'a>,
    stat: Stat,
    row: &'a Row,
    /// When it was submitted and when it is done, by the SMSC's clock.
    dates: [u64; 2],
    message: Option<&'a [u8]>,
    /// 3.3 knows neither optional parameters nor data_sm.
    tlvs_taken: bool,
}

impl Smsc {
    /// Writes the deliver_sm or data_sm of a job.
    pub(super) fn write_delivery(&mut self, turn: &mut Turn<'_>, job: Job, sequence: u32) {
        match job.kind {
            JobKind::Inbound => self.inbox.write(turn, job, sequence),
            JobKind::Receipt | JobKind::Enroute => self.write_receipt(turn, job, sequence),
            JobKind::Answer | JobKind::DataAnswer | JobKind::MultiAnswer | JobKind::Reply | JobKind::Script => {}
        }
    }

    fn write_receipt(&mut self, turn: &mut Turn<'_>, job: Job, sequence: u32) {
        let Some(row) = self.records.ledger.row(job.row) else {
            return;
        };
        let outcome = self.records.outcome(row);
        let Some(plan) = &outcome.receipt else { return };
        let dialect = &*plan.dialect;
        let (stat, esm_class) = match job.kind {
            JobKind::Enroute => (
                plan.intermediate.unwrap_or(Stat::Enroute),
                dialect.intermediate_esm_class,
            ),
            JobKind::Receipt
            | JobKind::Inbound
            | JobKind::Answer
            | JobKind::DataAnswer
            | JobKind::MultiAnswer
            | JobKind::Reply
            | JobKind::Script => (row.stat.unwrap_or(plan.stat), dialect.esm_class),
        };
        let skew_us = self.accounts[usize::from(row.account)].rights.faults.clock_skew_us;
        let said = Said {
            plan,
            ids: &outcome.message_id,
            of: IdOf::row(row, job.row, &self.records.numbers),
            stat,
            row,
            dates: [row.received_at_us, turn.now_us].map(|at_us| at_us.saturating_add_signed(skew_us)),
            message: self.records.ledger.text(row),
            tlvs_taken: turn.session.version.has_tlvs(),
        };
        let writer = &mut self.writer;
        writer.write_body(&said);
        writer.write_addresses(&said);
        let [source_ton, source_npi, ton, npi] = row.ton_npi;
        let header = if dialect.header.is_empty() { 0 } else { ESM_CLASS_UDHI };
        let recipient = Address {
            ton,
            npi,
            digits: &writer.destination,
        };
        let sender = Address {
            ton: source_ton,
            npi: source_npi,
            digits: &writer.source,
        };
        let (source, destination) = match dialect.addresses {
            Addresses::Usual | Addresses::Plus | Addresses::Zeros => (recipient, sender),
            Addresses::Swapped => (sender, recipient),
            Addresses::Missing => (Address::default(), Address::default()),
        };
        let receipt = Sm {
            source,
            destination,
            esm_class: esm_class | header,
            data_coding: dialect.data_coding,
            short_message: &writer.text,
            tlvs: Tlvs(&writer.tlvs),
            ..Sm::default()
        };
        if dialect.data_sm && said.tlvs_taken {
            receipt.encode_data(turn.out, sequence);
        } else {
            receipt.encode_deliver(turn.out, sequence);
        }
    }
}

impl Writer {
    fn write_addresses(&mut self, said: &Said<'_>) {
        self.source.clear();
        self.destination.clear();
        let before = said.plan.dialect.addresses.before_recipient();
        self.destination.extend_from_slice(before);
        said.of.numbers.write(said.row.source, &mut self.source);
        said.of.numbers.write(said.row.recipient, &mut self.destination);
    }

    /// The text, in `text` or in `message_payload`, and the optional parameters.
    fn write_body(&mut self, said: &Said<'_>) {
        let (plan, dialect) = (said.plan, &*said.plan.dialect);
        self.text.clear();
        self.tlvs.clear();
        if plan.form.has_text() || !said.tlvs_taken {
            self.text.extend_from_slice(&dialect.header);
            for piece in &dialect.text.0 {
                self.write_piece(piece, said);
            }
            if dialect.utf16 {
                widen(&mut self.text, dialect.header.len());
            }
            let payload = dialect.payload || dialect.data_sm || self.text.len() > SHORT_MESSAGE_MAX;
            if payload && said.tlvs_taken {
                put_tlv(&mut self.tlvs, tag::MESSAGE_PAYLOAD, &self.text);
                self.text.clear();
            }
        }
        if plan.form.has_tlvs() && said.tlvs_taken {
            for parameter in &dialect.tlvs {
                self.write_parameter(parameter, said);
            }
        }
    }

    fn write_piece(&mut self, piece: &Piece, said: &Said<'_>) {
        let (plan, dialect) = (said.plan, &*said.plan.dialect);
        let out = &mut self.text;
        let counted = match plan.segments {
            ReceiptedSegments::Aggregate => said.row.total,
            ReceiptedSegments::Each | ReceiptedSegments::First | ReceiptedSegments::Last => 1,
        };
        match piece {
            Piece::Octets(octets) => {
                // What separated the id that was left out from what follows it.
                let first = out.is_empty() && said.id(&said.ids.text).is_none();
                let octets = octets.strip_prefix(b" ").filter(|_| first).unwrap_or(octets);
                out.extend_from_slice(octets);
            }
            Piece::Id => match said.id(&said.ids.text) {
                Some(shape) => write_id(shape, &said.of, out),
                None => leave_key_out(out),
            },
            Piece::Sub => write_digits(u16::from(counted), 3, out),
            Piece::Dlvrd => {
                let delivered = if said.stat == Stat::Delivrd { counted } else { 0 };
                write_digits(u16::from(delivered), 3, out);
            }
            Piece::Submit(format) => {
                self.submitted.write(format, (said.dates[0], dialect.submit_shift), out);
            }
            Piece::Done(format) => self.done.write(format, (said.dates[1], dialect.done_shift), out),
            Piece::Stat => out.extend_from_slice(dialect.stat(said.stat).as_bytes()),
            Piece::Err => write_err(dialect, said.err(), out),
            Piece::Text => {
                let shown = said.shown();
                out.extend_from_slice(&shown[..shown.len().min(usize::from(dialect.text_octets))]);
            }
        }
    }

    fn write_parameter(&mut self, parameter: &Parameter, said: &Said<'_>) {
        let out = &mut self.tlvs;
        match parameter {
            Parameter::MessageId | Parameter::MessageIdBare => {
                let Some(shape) = said.id(&said.ids.tlv) else { return };
                self.id.clear();
                write_id(shape, &said.of, &mut self.id);
                if *parameter == Parameter::MessageId {
                    self.id.push(0); // a C-string (3.4, 5.3.2.12)
                }
                put_tlv(out, tag::RECEIPTED_MESSAGE_ID, &self.id);
            }
            Parameter::State => put_tlv(out, tag::MESSAGE_STATE, &[said.plan.dialect.state(said.stat)]),
            Parameter::NetworkError => {
                let [high, low] = said.err().to_be_bytes();
                put_tlv(out, tag::NETWORK_ERROR_CODE, &[NETWORK_GSM, high, low]);
            }
            Parameter::NetworkErrorText => {
                self.id.clear();
                write_digits(said.err() % 1000, 3, &mut self.id);
                put_tlv(out, tag::NETWORK_ERROR_CODE, &self.id);
            }
            Parameter::Vendor(tag, value) => put_tlv(out, *tag, value),
            Parameter::Truncated => {
                out.put_u16(tag::USER_MESSAGE_REFERENCE);
                out.put_u16(TRUNCATED_BY);
                out.put_u8(0);
            }
        }
    }
}

impl<'a> Said<'a> {
    /// The shape, if there is an id at all.
    fn id(&self, shape: &'a IdShape) -> Option<&'a IdShape> {
        let there = self.plan.with_id && shape.base != Base::Absent;
        there.then(|| self.of.shape(self.ids, shape))
    }

    /// An intermediate receipt knows of no error yet.
    fn err(&self) -> u16 {
        if self.stat == self.plan.stat { self.plan.err } else { 0 }
    }

    /// Of the message only what is the same in every alphabet: a receipt has no data_coding of its own.
    fn shown(&self) -> &'a [u8] {
        let plain = |text: &&[u8]| text.iter().all(|octet| (b' '..=b'z').contains(octet));
        let text = self.message.filter(|_| self.row.text.data_coding == 0);
        text.filter(plain).unwrap_or_default()
    }
}

/// There is no id: takes back the `id:` that was written before it, and the space before that.
fn leave_key_out(out: &mut Vec<u8>) {
    let key = out.iter().rposition(|octet| octet.is_ascii_whitespace());
    out.truncate(key.unwrap_or(0));
}

fn write_err(dialect: &Dialect, err: u16, out: &mut Vec<u8>) {
    let style = &dialect.err;
    if let Some(word) = style.word(err) {
        out.extend_from_slice(word.as_bytes());
    } else if style.hex {
        let text = format!("{err:0width$X}", width = usize::from(style.digits));
        out.extend_from_slice(text.as_bytes());
    } else {
        write_digits(err, style.digits, out);
    }
}

/// Leading zeros make up for missing digits.
fn write_digits(number: u16, digits: u8, out: &mut Vec<u8>) {
    for place in (1..u32::from(digits)).rev() {
        if number < 10u16.pow(place) {
            out.push(b'0');
        } else {
            break;
        }
    }
    write_decimal(u64::from(number), out);
}

/// Two octets for every one from there on: UTF-16, big endian, of ISO 8859-1.
fn widen(text: &mut Vec<u8>, from: usize) {
    let narrow = text.split_off(from);
    text.extend(narrow.into_iter().flat_map(|octet| [0, octet]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_filled_up_and_never_cut() {
        let written = |number, digits| {
            let mut out = Vec::new();
            write_digits(number, digits, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            [written(27, 3), written(0, 1), written(7, 4), written(1234, 3)],
            ["027", "0", "0007", "1234"]
        );
    }
}
