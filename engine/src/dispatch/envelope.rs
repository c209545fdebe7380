//! A leased message → its submit_sm's.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use smpp::frame::{Address, Sm, Tlvs, put_tlv, tag};
use smpp::segment::{self, Carriage, ESM_CLASS_UDHI};
use smpp::text::Encoding;
use smpp::time::{TIME_OCTETS, absolute, relative};

use crate::bind::{Flight, Lease, Segments};
use crate::campaign::{Gates, Order};
use crate::compose::{Sender, compose};
use crate::config::{self, TimeForm};
use crate::domain::{Mark, Message, Parameters, Purpose, Recipient, UnixMicros};
use crate::store::LeasedMessage;

/// Asks for a receipt, whatever the outcome (3.4, 5.2.17).
const RECEIPT_WANTED: u8 = 1;

/// Octets of the longest digits with what stands before them.
const DIGITS_MAX: usize = 24;

/// Why a message is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsealed {
    /// It cannot be put into its segments: its campaign is not what it was when it was queued.
    Uncomposable,
    /// It is not worth sending any more.
    Expired,
    /// Its sender or its number has had enough for so long.
    Early(Duration),
    /// The engine ends, and too few replicas have its lease.
    Unkept,
}

/// What was made of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Composed {
    pub(super) encoding: Encoding,
    /// Its segments that are to be submitted.
    pub(super) segments: u8,
}

/// What a message is made of.
struct Letter<'a> {
    sender: &'a Sender,
    recipient: Recipient,
    segments: &'a segment::Segments,
    /// The priority_flag.
    priority: u8,
    parameters: &'a Parameters,
    /// How long it is still worth sending, in seconds.
    valid_s: Option<u64>,
    now: UnixMicros,
}

/// Appends the PDUs of a leased message to the batch: all of its segments, or those that its SMSC does not have yet.
///
/// # Errors
/// Why there are none: see [`Unsealed`].
pub(super) fn seal(
    smsc: &config::Smsc,
    (order, now, gates): (&Order, UnixMicros, &Gates),
    (leased, lease): (&LeasedMessage, &Arc<Lease>),
    batch: &mut Segments,
) -> Result<Composed, Unsealed> {
    let (message, _) = Message::unpack(leased.recipient, &leased.message).map_err(|_| Unsealed::Uncomposable)?;
    // Whole seconds are what an SMSC can be told.
    let left = order.expires_at(&leased.variables).map(|at| at.since(now).as_secs());
    if left == Some(0) {
        return Err(Unsealed::Expired);
    }
    let text = order
        .text_of(message.id, &leased.variables)
        .ok_or(Unsealed::Uncomposable)?;
    let sender = order.sender(&leased.variables).ok_or(Unsealed::Uncomposable)?;
    // Messages to one person that come together differ in it; the same message has the same whenever it is composed.
    let reference = (message.id.0 ^ message.id.0 >> 24) as u16;
    let parameters = order.parameters(&leased.variables).ok_or(Unsealed::Uncomposable)?;
    let encoding = order.encoding(&leased.variables);
    let segments = compose(&text, encoding, reference, &smsc.envelope).map_err(|_| Unsealed::Uncomposable)?;
    let traces = message.traces();
    let is_open = |part: usize| {
        traces
            .as_ref()
            .is_none_or(|traces| traces.segments.get(part).is_some_and(|trace| trace.mark == Mark::Open))
    };
    if traces
        .as_ref()
        .is_some_and(|traces| traces.segments.len() != segments.len())
    {
        return Err(Unsealed::Uncomposable);
    }
    let flight = Arc::new(Flight {
        message: leased.message.clone(),
        record: leased.record.clone(),
        id: message.id,
        recipient: message.recipient,
        segments: u8::try_from(segments.len()).map_err(|_| Unsealed::Uncomposable)?,
        submitted: (0..segments.len()).filter(|part| is_open(*part)).count() as u8,
        sender: replies_to(&sender),
        lease: lease.clone(),
    });
    let letter = Letter {
        sender: &sender,
        recipient: flight.recipient,
        segments: &segments,
        priority: smsc.envelope.priority_flag(order.purpose),
        parameters: &parameters,
        valid_s: valid_s(
            smsc,
            left,
            gates.ends(message.gate).map(|ends| ends.since(now).as_secs()),
        ),
        now,
    };
    each_submit(smsc, &letter, is_open, |part, sm| {
        sm.encode_submit(&mut batch.bytes, 0);
        batch.index.push((flight.clone(), part, batch.bytes.len()));
    });
    Ok(Composed {
        encoding: segments.encoding(),
        segments: flight.submitted,
    })
}

/// How long an SMSC may go on trying: as long as it is worth it, and within the hours.
fn valid_s(smsc: &config::Smsc, left: Option<u64>, hours: Option<u64>) -> Option<u64> {
    let asked = left.or(smsc.envelope.validity_default.map(|validity| validity.as_secs()));
    asked.into_iter().chain(hours).min()
}

/// The flight of a message that is not sent.
pub(super) fn unsealed(leased: &LeasedMessage, lease: &Arc<Lease>) -> Option<Flight> {
    let (message, _) = Message::unpack(leased.recipient, &leased.message).ok()?;
    let traces = message.traces();
    let open = traces
        .as_ref()
        .map(|traces| traces.segments.iter().filter(|trace| trace.mark == Mark::Open).count());
    Some(Flight {
        message: leased.message.clone(),
        record: leased.record.clone(),
        id: message.id,
        recipient: message.recipient,
        segments: traces
            .as_ref()
            .map_or(message.segments.max(1), |traces| traces.segments.len() as u8),
        submitted: open.map_or(message.segments.max(1), |open| open as u8),
        sender: 0,
        lease: lease.clone(),
    })
}

/// The number that replies go to; 0 when the sender is not a number.
fn replies_to(sender: &Sender) -> u64 {
    sender.address.parse().unwrap_or(0)
}

/// The encoded submit_sm's of a message that is nobody's, each by itself.
pub(crate) fn submissions(
    smsc: &config::Smsc,
    sender: &Sender,
    (recipient, segments): (Recipient, &segment::Segments),
    now: UnixMicros,
) -> Vec<BytesMut> {
    let letter = Letter {
        sender,
        recipient,
        segments,
        priority: smsc.envelope.priority_flag(Purpose::Transactional),
        parameters: &Parameters::default(),
        valid_s: smsc.envelope.validity_default.map(|validity| validity.as_secs()),
        now,
    };
    let mut encoded = Vec::with_capacity(segments.len());
    each_submit(
        smsc,
        &letter,
        |_| true,
        |_, sm| {
            let mut bytes = BytesMut::new();
            sm.encode_submit(&mut bytes, 0);
            encoded.push(bytes);
        },
    );
    encoded
}

/// Each open submit_sm of a message, as its SMSC wants it, with the number of its segment.
fn each_submit(
    smsc: &config::Smsc,
    letter: &Letter<'_>,
    is_open: impl Fn(usize) -> bool,
    mut each: impl FnMut(u8, &Sm<'_>),
) {
    let (envelope, segments, sender) = (&smsc.envelope, letter.segments, letter.sender);
    let (ton, npi) = envelope.source(sender.ton).unwrap_or((sender.ton, sender.npi));
    let own = letter.parameters;
    let schedule_delivery = own.schedule_delivery.or(envelope.schedule_delivery);
    let time = |seconds| time(envelope.validity, letter.now, seconds);
    let (validity_period, schedule) = (
        letter.valid_s.and_then(time),
        schedule_delivery.and_then(|after| time(after.as_secs())),
    );
    let mut digits = [0; DIGITS_MAX];
    let mut sm = Sm {
        service_type: own.service_type.as_ref().unwrap_or(&envelope.service_type).as_bytes(),
        source: Address {
            ton: smsc.source_ton.unwrap_or(ton),
            npi: smsc.source_npi.unwrap_or(npi),
            digits: sender.address.as_bytes(),
        },
        destination: Address {
            ton: smsc.dest_ton,
            npi: smsc.dest_npi,
            digits: decimal(envelope.dest_prefix, letter.recipient.0, &mut digits),
        },
        esm_class: if segments.udhi() { ESM_CLASS_UDHI } else { 0 },
        priority_flag: letter.priority,
        schedule_delivery_time: schedule.as_ref().map_or(&[], |time| time),
        validity_period: validity_period.as_ref().map_or(&[], |time| time),
        data_coding: segments.data_coding(),
        ..Sm::default()
    };
    // Only for what is in more than the text: nothing is allocated for most messages.
    let mut parameters = BytesMut::new();
    let tlvs = if own.tlvs.is_empty() || !smsc.interface_version.has_parameters() {
        Cow::Borrowed(&envelope.tlvs)
    } else {
        Cow::Owned(own.tlvs.with(&envelope.tlvs))
    };
    let tlvs = tlvs.octets();
    for (part, octets) in (0u8..).zip(segments.iter()) {
        if !is_open(usize::from(part)) {
            continue;
        }
        let asks = smsc.long_receipts.asks(usize::from(part), segments.len());
        sm.registered_delivery = if asks { RECEIPT_WANTED } else { 0 };
        sm.short_message = octets;
        parameters.clear();
        match segments.carriage() {
            Carriage::Plain | Carriage::Header => {}
            Carriage::Sar(reference) => {
                put_tlv(&mut parameters, tag::SAR_MSG_REF_NUM, &reference.to_be_bytes());
                put_tlv(&mut parameters, tag::SAR_TOTAL_SEGMENTS, &[segments.len() as u8]);
                put_tlv(&mut parameters, tag::SAR_SEGMENT_SEQNUM, &[part + 1]);
            }
            Carriage::Payload => {
                put_tlv(&mut parameters, tag::MESSAGE_PAYLOAD, octets);
                sm.short_message = &[];
            }
        }
        let own_only = parameters.is_empty();
        if !own_only {
            parameters.extend_from_slice(tlvs);
        }
        let sm = Sm {
            tlvs: Tlvs(if own_only { tlvs } else { &parameters }),
            ..sm.clone()
        };
        each(part, &sm);
    }
}

/// So many seconds from now on, as the SMSC takes times.
fn time(form: TimeForm, now: UnixMicros, seconds: u64) -> Option<[u8; TIME_OCTETS]> {
    match form {
        TimeForm::Relative => Some(relative(seconds)),
        TimeForm::Absolute => Some(absolute(now.seconds() + seconds)),
        TimeForm::None => None,
    }
}

/// A number in digits, behind its prefix.
fn decimal<'d>(prefix: &str, mut number: u64, digits: &'d mut [u8; DIGITS_MAX]) -> &'d [u8] {
    let mut at = digits.len();
    while at > 0 && (number > 0 || at == digits.len()) {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    for octet in prefix.bytes().rev() {
        at -= 1;
        digits[at] = octet;
    }
    &digits[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_smsc_gives_up_at_the_end_of_the_hours_or_before() {
        let mut smsc = config::Smsc::new("north", "127.0.0.1:2775", "campanile");
        assert_eq!(valid_s(&smsc, None, None), None);
        assert_eq!(valid_s(&smsc, None, Some(300)), Some(300));
        assert_eq!(valid_s(&smsc, Some(60), Some(300)), Some(60));
        smsc.envelope.validity_default = Some(Duration::from_secs(3_600));
        assert_eq!(valid_s(&smsc, None, Some(300)), Some(300));
        assert_eq!(valid_s(&smsc, Some(7_200), None), Some(7_200));
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 33_612_345_678, u64::MAX] {
            assert_eq!(decimal("", number, &mut [0; DIGITS_MAX]), number.to_string().as_bytes());
            let prefixed = format!("00{number}");
            assert_eq!(decimal("00", number, &mut [0; DIGITS_MAX]), prefixed.as_bytes());
        }
    }
}
