//! A leased message → its submit_sm's.

use std::sync::Arc;

use smpp::frame::{Address, Sm};
use smpp::segment::ESM_CLASS_UDHI;
use smpp::text::EncodingPolicy;

use crate::bind::{Flight, Segments};
use crate::campaign::Order;
use crate::compose::{Sender, compose};
use crate::config;
use crate::domain::{Entry, Message};
use crate::store::CampaignKind;

/// Ask for a receipt, whatever the outcome (3.4, 5.2.17).
const RECEIPT_WANTED: u8 = 1;

/// A message that cannot be put into its segments: its campaign is not what it was when it was enqueued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uncomposable;

/// Appends the message's PDUs to the batch.
pub(super) fn seal(
    smsc: &config::Smsc,
    order: &Order,
    flight: &Arc<Flight>,
    batch: &mut Segments,
) -> Result<(), Uncomposable> {
    let message = Message::unpack(&flight.message).ok_or(Uncomposable)?;
    let values: Vec<&str> = Entry::variables(message.entry.body).collect();
    let mut text = String::with_capacity(200);
    match order.kind {
        CampaignKind::Audience => {
            order.template.render(&values, &mut text);
            push(smsc, &order.sender, &text, (flight, batch))
        }
        CampaignKind::Direct => {
            let [sender, direct, ..] = values.as_slice() else {
                return Err(Uncomposable);
            };
            let sender = Sender::parse(sender).map_err(|_| Uncomposable)?;
            push(smsc, &sender, direct, (flight, batch))
        }
    }
}

/// When the message came into its queue, µs since 1970: at its campaign's launch, or when the API took it.
pub(super) fn queued_at_us(order: &Order, flight: &Flight) -> u64 {
    let direct = || {
        let message = Message::unpack(&flight.message)?;
        Entry::variables(message.entry.body).nth(2)?.parse().ok()
    };
    match order.kind {
        CampaignKind::Audience => order.launched_at_us,
        CampaignKind::Direct => direct().unwrap_or(flight.leased_at),
    }
}

fn push(
    smsc: &config::Smsc,
    sender: &Sender,
    text: &str,
    (flight, batch): (&Arc<Flight>, &mut Segments),
) -> Result<(), Uncomposable> {
    // Messages to one person that come together differ in it; the same message has the same whenever it is composed.
    let reference = (flight.id.0 ^ flight.id.0 >> 24) as u8;
    let segments = compose(text, EncodingPolicy::GsmTransliterate, reference).map_err(|_| Uncomposable)?;
    if segments.len() != usize::from(flight.segments) {
        return Err(Uncomposable);
    }
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
            digits: decimal(flight.recipient.0, &mut digits),
        },
        esm_class: if segments.udhi() { ESM_CLASS_UDHI } else { 0 },
        registered_delivery: RECEIPT_WANTED,
        data_coding: segments.encoding().data_coding(),
        ..Sm::default()
    };
    for (part, short_message) in (0u8..).zip(segments.iter()) {
        sm.short_message = short_message;
        sm.encode_submit(&mut batch.bytes, 0);
        batch.index.push((flight.clone(), part, batch.bytes.len()));
    }
    Ok(())
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
