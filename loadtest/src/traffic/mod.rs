//! What is sent: to whom, from whom, which text. All of message n is a pure function of the plan, the seed and n.
//!
//! Start reading at [`Traffic`]: it takes the recipient from [`Numbers`], the text from [`Mix`], or both from a [`Recording`].

mod numbers;
mod mix;
mod sender;
mod record;

pub(crate) use mix::{Kind, Mix, Part};
pub(crate) use numbers::Numbers;
pub(crate) use record::Recording;
pub(crate) use sender::Sender;

use bytes::BytesMut;
use smpp::address::Address;
use smpp::frame::Sm;

use crate::random::Draws;

/// Where messages come from.
#[derive(Debug)]
enum Source {
    /// Made up: numbers, senders in turn, texts by weight.
    Plan {
        numbers: Numbers,
        senders: Vec<Sender>,
        mix: Mix,
        draws: Draws,
    },
    /// One after the other as somebody recorded them.
    Recording(Recording),
}

/// The plan of all messages.
#[derive(Debug)]
pub(crate) struct Traffic {
    source: Source,
    registered_delivery: u8,
}

impl Traffic {
    /// Messages to `numbers`, from `senders` in turn, with texts of `mix`; each asks for a receipt.
    pub(crate) fn new(numbers: Numbers, senders: Vec<Sender>, mix: Mix, seed: u64) -> Self {
        Self {
            source: Source::Plan {
                numbers,
                senders,
                mix,
                draws: Draws::new(seed, "mix"),
            },
            registered_delivery: 1,
        }
    }

    /// Recorded messages; each asks for a receipt.
    pub(crate) fn recorded(recording: Recording) -> Self {
        Self {
            source: Source::Recording(recording),
            registered_delivery: 1,
        }
    }

    /// The same with another `registered_delivery` (3.4, 5.2.17).
    pub(crate) fn registered_delivery(self, registered_delivery: u8) -> Self {
        Self {
            registered_delivery,
            ..self
        }
    }

    /// Whether every accepted submit_sm is to get a receipt: 1 in the lowest two bits. 2 asks for failures only.
    pub(crate) fn wants_receipts(&self) -> bool {
        self.registered_delivery & 0b11 == 1
    }

    /// How many submit_sm message `number` takes.
    pub(crate) fn parts(&self, number: u64) -> usize {
        match &self.source {
            Source::Plan { mix, draws, .. } => mix.parts(draws.bits(number)),
            Source::Recording(recording) => recording.text(number).len(),
        }
    }

    /// Writes one submit_sm of message `number`; `part` counts from 0. Its sequence number is left at 0.
    pub(crate) fn encode(&self, number: u64, part: usize, out: &mut BytesMut) {
        let (mut digits, mut room) = ([0; 20], [0; 255]);
        match &self.source {
            Source::Plan {
                numbers,
                senders,
                mix,
                draws,
            } => {
                let sender = &senders[(number % senders.len() as u64) as usize];
                let addresses = (sender.address(), numbers.address(number, &mut digits));
                let part = mix.part((draws.bits(number), number), part, &mut room);
                self.write(addresses, &part, out);
            }
            Source::Recording(recording) => {
                let addresses = (recording.sender(number), recording.recipient(number, &mut digits));
                let part = mix::part_of(recording.text(number), (number, part), &mut room);
                self.write(addresses, &part, out);
            }
        }
    }

    fn write(&self, (source, destination): (Address<'_>, Address<'_>), part: &Part<'_>, out: &mut BytesMut) {
        let sm = Sm {
            source,
            destination,
            esm_class: part.esm_class,
            registered_delivery: self.registered_delivery,
            data_coding: part.data_coding,
            short_message: part.octets,
            ..Sm::default()
        };
        sm.encode_submit(out, 0);
    }
}
