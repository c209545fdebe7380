use serde::{Deserialize, Serialize};
use smpp::address::{Address, npi, ton};
use smpp::frame::Sm;
use smpp::segment::{ESM_CLASS_UDHI, Segments, segment};
use smpp::text::{EncodingPolicy, choose};

use super::Smsc;
use super::session::{Job, JobKind, Turn};

/// Inbound messages that are remembered; a million conversations are no test any more.
const INBOUND_MAX: usize = 1_000_000;

/// The longest sender that a telephone number may be taken for: E.164 has 15 digits.
const E164_DIGITS: usize = 15;

/// Shorter numbers are short codes.
const SHORT_CODE_DIGITS: usize = 8;

/// An ordinary message from a person to a client.
#[derive(Debug)]
pub(super) struct Inbound {
    account: usize,
    from: String,
    to: String,
    text: String,
    segments: Segments,
    at_us: u64,
    sent: u64,
    acked: u64,
}

/// One inbound message as `GET /inbound` shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InboundView {
    /// The account that gets it.
    pub account: String,
    /// Source address.
    pub from: String,
    /// Destination address.
    pub to: String,
    /// The text.
    pub text: String,
    /// When it was written, µs since 1970.
    pub at_us: u64,
    /// Into how many segments it was cut.
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
    /// The text takes over 255 segments.
    #[error("the text takes over 255 segments")]
    TooLong,
    /// The list is full.
    #[error("there are {INBOUND_MAX} inbound messages already: reset first")]
    Full,
}

impl Smsc {
    /// Sends an inbound message to an account: the named one, or the only one. Its place in the list.
    pub(crate) fn inbound(
        &mut self,
        (from, to): (&str, &str),
        text: &str,
        account: Option<&str>,
        now_us: u64,
    ) -> Result<usize, NoInbound> {
        let place = match account {
            Some(name) => self.names.iter().position(|known| known == name),
            None => (self.names.len() == 1).then_some(0),
        };
        let account = place.ok_or(NoInbound::Account)?;
        if self.inbound.len() >= INBOUND_MAX {
            return Err(NoInbound::Full);
        }
        let place = self.inbound.len();
        let (chosen, encoding) = choose(text, EncodingPolicy::Auto);
        let segments = segment(&chosen, encoding, place as u8).ok_or(NoInbound::TooLong)?;
        for sequence in 0..segments.len() as u32 {
            self.post_to_account(
                account,
                now_us,
                Job {
                    kind: JobKind::Inbound,
                    row: place as u32,
                    sequence,
                    tries: 0,
                },
            );
        }
        let (from, to, text) = (from.to_owned(), to.to_owned(), text.to_owned());
        self.inbound.push(Inbound {
            account,
            from,
            to,
            text,
            segments,
            at_us: now_us,
            sent: 0,
            acked: 0,
        });
        Ok(place)
    }

    pub(super) fn write_inbound(&mut self, turn: &mut Turn<'_>, job: Job, sequence: u32) {
        let Some(inbound) = self.inbound.get(job.row as usize) else {
            return;
        };
        let message = Sm {
            source: address(&inbound.from),
            destination: address(&inbound.to),
            esm_class: if inbound.segments.udhi() { ESM_CLASS_UDHI } else { 0 },
            data_coding: inbound.segments.encoding().data_coding(),
            short_message: inbound.segments.get(job.sequence as usize).unwrap_or_default(),
            ..Sm::default()
        };
        message.encode_deliver(turn.out, sequence);
    }

    pub(super) fn inbound_sent(&mut self, job: Job) {
        if let Some(inbound) = self.inbound.get_mut(job.row as usize) {
            inbound.sent += 1;
            self.ledger.counters.inbound_sent += u64::from(job.tries == 0);
        }
    }

    pub(super) fn inbound_acked(&mut self, job: Job) {
        if let Some(inbound) = self.inbound.get_mut(job.row as usize) {
            inbound.acked += 1;
            self.ledger.counters.inbound_acked += 1;
        }
    }

    /// All inbound messages, in order.
    pub(crate) fn inbound_views(&self) -> Vec<InboundView> {
        let view = |inbound: &Inbound| InboundView {
            account: self.names[inbound.account].clone(),
            from: inbound.from.clone(),
            to: inbound.to.clone(),
            text: inbound.text.clone(),
            at_us: inbound.at_us,
            segments: inbound.segments.len(),
            sent: inbound.sent,
            acked: inbound.acked,
        };
        self.inbound.iter().map(view).collect()
    }
}

/// The address with the type that carriers give its kind: short codes, names, telephone numbers.
fn address(text: &str) -> Address<'_> {
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
