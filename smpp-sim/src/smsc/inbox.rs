use std::collections::VecDeque;

use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use smpp::address::{Address, npi, ton};
use smpp::frame::{Sm, Tlvs, put_tlv, tag};
use smpp::segment::{ESM_CLASS_UDHI, Segments, segment};
use smpp::text::encode;

use super::job::Job;
use super::session::Turn;
use crate::model::{InboundForm, InboundSegments, InboundSessions};

/// Inbound messages that are remembered: of the oldest that are done with, nothing is kept beyond, so that a storm of
/// millions takes no more memory (some 30 MB) than its last hundred thousand.
const INBOUND_MAX: usize = 100_000;

/// The longest sender that a telephone number may be taken for: E.164 has 15 digits.
const E164_DIGITS: usize = 15;

/// Shorter numbers are short codes.
const SHORT_CODE_DIGITS: usize = 8;

/// Octets of a concatenation header, which SAR parameters replace.
const HEADER_OCTETS: usize = 6;

/// The longest `short_message` with a header of one's own (3.4, 5.2.22).
const SHORT_MESSAGE_MAX: usize = 254;

/// An ordinary message from a person to a client.
#[derive(Debug)]
struct Inbound {
    account: usize,
    from: Party,
    to: Party,
    text: String,
    body: Body,
    form: InboundForm,
    /// When it was sent first; 0: it has not been sent yet.
    at_us: u64,
    sent: u64,
    acked: u64,
    /// Deliveries that are neither acknowledged nor refused.
    left: u32,
}

/// An address and, if it is known, its type of number and numbering plan.
type Party = (String, Option<[u8; 2]>);

#[derive(Debug)]
enum Body {
    Segments(Segments),
    /// With a header of one's own.
    Headed {
        data_coding: u8,
        octets: Vec<u8>,
    },
}

impl Inbound {
    fn deliveries(&self) -> u32 {
        match (&self.body, self.form.segments) {
            (Body::Headed { .. }, _) | (Body::Segments(_), InboundSegments::Payload) => 1,
            (Body::Segments(segments), InboundSegments::Udh | InboundSegments::Sar) => segments.len() as u32,
        }
    }
}

/// What a new inbound message is made of.
pub(super) struct NewInbound {
    pub(super) account: usize,
    pub(super) from: Party,
    pub(super) to: Party,
    pub(super) text: String,
    pub(super) form: InboundForm,
    /// A user data header of one's own, without its length; empty: it has no header.
    pub(super) header: Vec<u8>,
}

/// The last inbound messages, each with its number since the start or the reset.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    first: u32,
    messages: VecDeque<Inbound>,
}

impl Inbox {
    fn get_mut(&mut self, place: u32) -> Option<&mut Inbound> {
        self.messages.get_mut(place.wrapping_sub(self.first) as usize)
    }

    fn get(&self, place: u32) -> Option<&Inbound> {
        self.messages.get(place.wrapping_sub(self.first) as usize)
    }

    /// Forgets the oldest if there are too many; false when a client has not taken it yet.
    fn make_room(&mut self) -> bool {
        if self.messages.len() < INBOUND_MAX {
            return true;
        }
        let done = self.messages.front().is_some_and(|oldest| oldest.left == 0);
        if done {
            self.messages.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        done
    }

    /// The number of the next one.
    fn next(&self) -> u32 {
        self.first.wrapping_add(self.messages.len() as u32)
    }

    /// Over which sessions the deliveries of that message go.
    pub(super) fn sessions(&self, place: u32) -> InboundSessions {
        self.get(place)
            .map_or_else(InboundSessions::default, |inbound| inbound.form.sessions)
    }

    /// Writes an inbound message down: its number, and how many deliveries it takes.
    pub(super) fn remember(&mut self, new: NewInbound) -> Result<(u32, u32), NoInbound> {
        if !self.make_room() {
            return Err(NoInbound::Full);
        }
        let place = self.next();
        let encoding = new.form.encoding.of(&new.text);
        let body = if new.header.is_empty() {
            Body::Segments(segment(&new.text, encoding, place as u8).ok_or(NoInbound::Text)?)
        } else {
            let text = encode(&new.text, encoding).ok_or(NoInbound::Text)?;
            let length = u8::try_from(new.header.len()).map_err(|_| NoInbound::Header)?;
            let octets = [&[length][..], &new.header, &text].concat();
            if octets.len() > SHORT_MESSAGE_MAX {
                return Err(NoInbound::Header);
            }
            let data_coding = encoding.data_coding();
            Body::Headed { data_coding, octets }
        };
        let mut inbound = Inbound {
            account: new.account,
            from: new.from,
            to: new.to,
            text: new.text,
            body,
            form: new.form,
            at_us: 0,
            sent: 0,
            acked: 0,
            left: 0,
        };
        inbound.left = inbound.deliveries();
        let deliveries = inbound.left;
        self.messages.push_back(inbound);
        Ok((place, deliveries))
    }

    /// One deliver_sm of an inbound message. To 3.3, which has no optional parameters, long ones go with headers, and
    /// those of message_payload are cut.
    pub(super) fn write(&self, turn: &mut Turn<'_>, job: Job, sequence: u32) {
        let Some(inbound) = self.get(job.row) else {
            return;
        };
        let mut message = Sm {
            source: address(&inbound.from),
            destination: address(&inbound.to),
            ..Sm::default()
        };
        let segments = match &inbound.body {
            Body::Segments(segments) => segments,
            Body::Headed { data_coding, octets } => {
                message.esm_class = ESM_CLASS_UDHI;
                message.data_coding = *data_coding;
                message.short_message = octets;
                return message.encode_deliver(turn.out, sequence);
            }
        };
        message.data_coding = segments.encoding().data_coding();
        let part = segments.get(job.sequence as usize).unwrap_or_default();
        let bare = |part: &'_ [u8]| part.len() - if segments.udhi() { HEADER_OCTETS } else { 0 };
        let mut tlvs = BytesMut::new();
        let whole: Vec<u8>;
        match inbound.form.segments {
            InboundSegments::Payload => {
                whole = segments
                    .iter()
                    .flat_map(|part| &part[part.len() - bare(part)..])
                    .copied()
                    .collect();
                if turn.session.version.has_tlvs() {
                    put_tlv(&mut tlvs, tag::MESSAGE_PAYLOAD, &whole);
                } else {
                    message.short_message = &whole;
                }
            }
            InboundSegments::Sar if segments.udhi() && turn.session.version.has_tlvs() => {
                put_tlv(&mut tlvs, tag::SAR_MSG_REF_NUM, &(job.row as u16).to_be_bytes());
                put_tlv(&mut tlvs, tag::SAR_TOTAL_SEGMENTS, &[segments.len() as u8]);
                put_tlv(&mut tlvs, tag::SAR_SEGMENT_SEQNUM, &[job.sequence as u8 + 1]);
                message.short_message = &part[part.len() - bare(part)..];
            }
            InboundSegments::Udh | InboundSegments::Sar => {
                message.esm_class = if segments.udhi() { ESM_CLASS_UDHI } else { 0 };
                message.short_message = part;
            }
        }
        message.tlvs = Tlvs(&tlvs);
        message.encode_deliver(turn.out, sequence);
    }

    /// A delivery went out; whether for the first time.
    pub(super) fn sent(&mut self, job: Job, now_us: u64) -> bool {
        let Some(inbound) = self.get_mut(job.row) else {
            return false;
        };
        inbound.sent += 1;
        if inbound.at_us == 0 {
            inbound.at_us = now_us;
        }
        job.tries == 0
    }

    /// A delivery was acknowledged, or refused for good; whether it counts as acknowledged.
    pub(super) fn done(&mut self, job: Job, acked: bool) -> bool {
        let Some(inbound) = self.get_mut(job.row) else {
            return false;
        };
        assert!(
            inbound.left > 0,
            "an inbound message has more deliveries done than it has"
        );
        inbound.left -= 1;
        inbound.acked += u64::from(acked);
        acked
    }

    /// Those that are remembered, in order; `accounts` are the names by place.
    pub(super) fn views(&self, accounts: &[String]) -> Vec<InboundView> {
        let view = |(at, inbound): (usize, &Inbound)| InboundView {
            place: self.first.wrapping_add(at as u32),
            account: accounts[inbound.account].clone(),
            from: inbound.from.0.clone(),
            to: inbound.to.0.clone(),
            text: inbound.text.clone(),
            at_us: inbound.at_us,
            segments: inbound.deliveries() as usize,
            sent: inbound.sent,
            acked: inbound.acked,
        };
        self.messages.iter().enumerate().map(view).collect()
    }
}

/// One inbound message as `GET /inbound` shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InboundView {
    /// Its number since the start or the last reset, from 0.
    pub place: u32,
    /// The account that gets it.
    pub account: String,
    /// Source address.
    pub from: String,
    /// Destination address.
    pub to: String,
    /// The text.
    pub text: String,
    /// When it was sent first, µs since 1970; 0: it has not been sent yet.
    pub at_us: u64,
    /// How many deliver_sm it was cut into.
    pub segments: usize,
    /// How many of them were sent, repetitions included.
    pub sent: u64,
    /// How many were acknowledged.
    pub acked: u64,
}

/// Why an inbound message cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInbound {
    /// No account of that name has bound yet.
    #[error("no account of that name has bound since the start; name one that has")]
    Account,
    /// The text takes over 255 segments, or the encoding lacks one of its characters.
    #[error("the text takes over 255 segments, or has a character that the encoding lacks")]
    Text,
    /// The header is no header.
    #[error("an even number of hexadecimal digits, and with the text at most 253 bytes")]
    Header,
    /// The list is full.
    #[error("{INBOUND_MAX} inbound messages wait for clients that do not acknowledge them: reset, or bind a receiver")]
    Full,
}

/// The address with its type, or with the one that carriers give its kind: short codes, names, telephone numbers.
fn address((text, plan): &Party) -> Address<'_> {
    if let Some([ton, npi]) = *plan {
        let digits = text.as_bytes();
        return Address { ton, npi, digits };
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    let numeric = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if numeric && digits.len() < SHORT_CODE_DIGITS {
        return Address {
            ton: ton::NETWORK_SPECIFIC,
            npi: npi::UNKNOWN,
            digits: text.as_bytes(),
        };
    }
    if numeric && digits.len() <= E164_DIGITS {
        return Address::international(digits.as_bytes());
    }
    Address {
        ton: ton::ALPHANUMERIC,
        npi: npi::UNKNOWN,
        digits: text.as_bytes(),
    }
}
