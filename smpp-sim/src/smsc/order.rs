//! Inbound messages that somebody orders by hand.

use serde::Deserialize;

use super::Smsc;
use super::inbox::{NewInbound, NoInbound};
use super::job::{Job, JobKind};
use crate::model::{InboundEncoding, InboundForm, InboundSegments, InboundSessions};

/// An inbound message that somebody orders by hand.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundOrder {
    /// Source address, 1 to 20 characters.
    pub from: String,
    /// Destination address, 1 to 20 characters.
    pub to: String,
    /// The text, at most 255 segments in its encoding.
    pub text: String,
    /// Which account gets it; `None`: the only one that has bound.
    pub account: Option<String>,
    /// In which alphabet.
    #[serde(default)]
    pub encoding: InboundEncoding,
    /// How a long text is cut.
    #[serde(default)]
    pub segments: InboundSegments,
    /// Over which sessions its segments come.
    #[serde(default)]
    pub sessions: InboundSessions,
    /// A user data header of one's own, in hexadecimal digits, without its length: `0504158A158A` for port 5514. The text
    /// must then fit one message.
    pub udh: Option<String>,
}

impl Smsc {
    /// Sends an inbound message to an account: the named one, or the only one. Its number.
    pub(crate) fn inbound(&mut self, order: &InboundOrder, now_us: u64) -> Result<usize, NoInbound> {
        let place = match &order.account {
            Some(name) => self.accounts.place(name),
            None => (self.accounts.names().len() == 1).then_some(0),
        };
        let account = place.ok_or(NoInbound::Account)?;
        let header = match &order.udh {
            Some(digits) => unhex(digits).ok_or(NoInbound::Header)?,
            None => Vec::new(),
        };
        let (place, deliveries) = self.inbox.remember(NewInbound {
            account,
            from: (order.from.clone(), None),
            to: (order.to.clone(), None),
            text: order.text.clone(),
            form: InboundForm {
                encoding: order.encoding,
                segments: order.segments,
                sessions: order.sessions,
            },
            header,
        })?;
        for sequence in 0..deliveries {
            let job = Job {
                kind: JobKind::Inbound,
                row: place,
                sequence,
                tries: 0,
            };
            self.post_to_account(account, now_us, job);
        }
        Ok(place as usize)
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect()
}
