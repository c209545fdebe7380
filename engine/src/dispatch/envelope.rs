//! A leased message → its submit_sm's.

use std::sync::Arc;

use bytes::BytesMut;
use smpp::frame::{Address, Sm};
use smpp::segment::{self, ESM_CLASS_UDHI};
use smpp::text::EncodingPolicy;

use crate::bind::{Flight, Lease, Segments};
use crate::campaign::Order;
use crate::compose::{Sender, compose};
use crate::config;
use crate::domain::{Mark, Message, Recipient};
use crate::store::LeasedMessage;

/// Asks for a receipt, whatever the outcome (3.4, 5.2.17).
const RECEIPT_WANTED: u8 = 1;

/// A message that cannot be put into its segments: its campaign is not what it was when it was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uncomposable;

/// Appends the PDUs of a leased message to the batch: all of its segments, or those that its SMSC does not have yet.
pub(super) fn seal(
    smsc: &config::Smsc,
    order: &Order,
    (leased, lease): (&LeasedMessage, &Arc<Lease>),
    batch: &mut Segments,
) -> Result<(), Uncomposable> {
    let (message, _) = Message::unpack(leased.recipient, &leased.message).map_err(|_| Uncomposable)?;
    let text = order.text(&leased.variables).ok_or(Uncomposable)?;
    let sender = order.sender(&leased.variables).ok_or(Uncomposable)?;
    // Messages to one person that come together differ in it; the same message has the same whenever it is composed.
    let reference = (message.id.0 ^ message.id.0 >> 24) as u8;
    let segments = compose(&text, EncodingPolicy::GsmTransliterate, reference).map_err(|_| Uncomposable)?;
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
        return Err(Uncomposable);
    }
    let flight = Arc::new(Flight {
        message: leased.message.clone(),
        record: leased.record.clone(),
        id: message.id,
        recipient: message.recipient,
        segments: u8::try_from(segments.len()).map_err(|_| Uncomposable)?,
        submitted: (0..segments.len()).filter(|part| is_open(*part)).count() as u8,
        sender: replies_to(&sender),
        lease: lease.clone(),
    });
    push(smsc, &sender, (&segments, &is_open), (&flight, batch));
    Ok(())
}

/// The flight of a message that cannot be composed.
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

fn push(
    smsc: &config::Smsc,
    sender: &Sender,
    (segments, is_open): (&segment::Segments, &impl Fn(usize) -> bool),
    (flight, batch): (&Arc<Flight>, &mut Segments),
) {
    each_submit(smsc, sender, (flight.recipient, segments), |part, sm| {
        if is_open(usize::from(part)) {
            sm.encode_submit(&mut batch.bytes, 0);
            batch.index.push((flight.clone(), part, batch.bytes.len()));
        }
    });
}

/// The encoded submit_sm's of a message that is nobody's, each by itself.
pub(crate) fn submissions(
    smsc: &config::Smsc,
    sender: &Sender,
    recipient: Recipient,
    segments: &segment::Segments,
) -> Vec<BytesMut> {
    let mut encoded = Vec::with_capacity(segments.len());
    each_submit(smsc, sender, (recipient, segments), |_, sm| {
        let mut bytes = BytesMut::new();
        sm.encode_submit(&mut bytes, 0);
        encoded.push(bytes);
    });
    encoded
}

/// Each submit_sm of a message, as its SMSC wants it, with the number of its segment.
fn each_submit(
    smsc: &config::Smsc,
    sender: &Sender,
    (recipient, segments): (Recipient, &segment::Segments),
    mut each: impl FnMut(u8, &Sm<'_>),
) {
    let mut digits = [0; 20];
    let mut sm = Sm {
        source: Address {
            ton: smsc.source_ton.unwrap_or(sender.ton),
            npi: smsc.source_npi.unwrap_or(sender.npi),
            digits: sender.address.as_bytes(),
        },
        destination: Address {
            ton: smsc.dest_ton,
            npi: smsc.dest_npi,
            digits: decimal(recipient.0, &mut digits),
        },
        esm_class: if segments.udhi() { ESM_CLASS_UDHI } else { 0 },
        data_coding: segments.encoding().data_coding(),
        ..Sm::default()
    };
    for (part, short_message) in (0u8..).zip(segments.iter()) {
        let asks = smsc.long_receipts.asks(usize::from(part), segments.len());
        sm.registered_delivery = if asks { RECEIPT_WANTED } else { 0 };
        sm.short_message = short_message;
        each(part, &sm);
    }
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    while at > 0 && (number > 0 || at == digits.len()) {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    &digits[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 33_612_345_678, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }
}
