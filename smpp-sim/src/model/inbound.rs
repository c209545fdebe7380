use std::time::Duration;

use kit::random::unit;
use regex::Regex;
use smpp::text::{Encoding, EncodingPolicy, choose};
use strum::{IntoStaticStr, VariantArray};

use crate::delay::Delay;

const SECOND_US: u64 = 1_000_000;

/// One `[[inbound]]`: what people write to the clients, by themselves or in reply.
#[derive(Clone, Debug)]
pub struct InboundRule {
    /// What totals and metrics call it.
    pub name: String,
    /// When they do.
    pub trigger: Trigger,
    /// What they write; the second is where the weight of a text ends, the weights of those before it included.
    pub(crate) texts: Vec<(String, f64)>,
    /// To whom; `None`: to the sender of what they reply to.
    pub to: Option<String>,
    /// Of which account alone the rule is; `None`: of every one.
    pub account: Option<String>,
    /// How it is written.
    pub form: InboundForm,
}

impl InboundRule {
    /// How it replies, if it does.
    pub(crate) fn reply(&self) -> Option<&Reply> {
        match &self.trigger {
            Trigger::Reply(reply) => Some(reply),
            Trigger::Script(_) => None,
        }
    }

    /// Which of its texts 64 random bits choose, by weight.
    pub(crate) fn text_for(&self, bits: u64) -> usize {
        let total = self.texts.last().map_or(0.0, |(_, until)| *until);
        let point = unit(bits) * total;
        let place = self.texts.partition_point(|(_, until)| *until <= point);
        place.min(self.texts.len().saturating_sub(1))
    }
}

/// When people write.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// By themselves, at times that are known beforehand.
    Script(Script),
    /// In reply to a message that has reached them.
    Reply(Reply),
}

/// Messages at times that are known beforehand.
#[derive(Clone, Debug)]
pub struct Script {
    /// How long after the account's first receiving session was bound.
    pub at: Duration,
    /// Who writes: the number, or the first of `senders` numbers.
    pub from: String,
    /// How many numbers write in turns.
    pub senders: u64,
    /// How many messages.
    pub repeat: u64,
    /// How many a second, in wall time; `None`: all at once.
    pub rate: Option<u32>,
}

impl Script {
    /// How many messages are due so long after the first.
    pub(crate) fn due(&self, after_us: u64) -> u64 {
        let Some(rate) = self.rate else { return self.repeat };
        let more = u128::from(after_us) * u128::from(rate) / u128::from(SECOND_US);
        self.repeat.min(more as u64 + 1)
    }

    /// When the n-th message is due, in µs after the first; n from 0.
    pub(crate) fn time_of(&self, n: u64) -> u64 {
        let second = u128::from(SECOND_US);
        self.rate
            .map_or(0, |rate| (u128::from(n) * second).div_ceil(u128::from(rate)) as u64)
    }
}

/// Messages that answer messages.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What the text must match; `None`: any does.
    pub on: Option<Regex>,
    /// Whether its texts quote the message: `$1` is what the first group of `on` has found. Only where there is `on`.
    pub quotes: bool,
    /// What the sender of the message must match; `None`: any does.
    pub sender: Option<Regex>,
    /// What the number of the person must match; `None`: any does.
    pub person: Option<Regex>,
    /// The share of people who ever reply by this rule.
    pub share: f64,
    /// How often one person replies by it; `None`: always.
    pub times: Option<u16>,
    /// The share of messages that are replied to.
    pub probability: f64,
    /// How long after the message has reached them.
    pub delay: Delay,
}

/// How an inbound message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboundForm {
    /// In which alphabet.
    pub encoding: InboundEncoding,
    /// How a text is cut that is too long for one message.
    pub segments: InboundSegments,
    /// Over which sessions its segments come.
    pub sessions: InboundSessions,
}

/// The alphabet of an inbound message.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum InboundEncoding {
    /// GSM 03.38 if it can write the text, else UCS-2.
    #[default]
    Auto,
    /// GSM 03.38.
    Gsm7,
    /// ISO 8859-1.
    Latin1,
    /// UCS-2.
    Ucs2,
}

impl InboundEncoding {
    /// The encoding that a text gets.
    pub(crate) fn of(self, text: &str) -> Encoding {
        match self {
            Self::Auto => choose(text, EncodingPolicy::Auto).1,
            Self::Gsm7 => Encoding::Gsm7,
            Self::Latin1 => Encoding::Latin1,
            Self::Ucs2 => Encoding::Ucs2,
        }
    }
}

/// How the parts of a long inbound message say that they belong together.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum InboundSegments {
    /// By a user data header (3GPP TS 23.040, 9.2.3.24.1).
    #[default]
    Udh,
    /// By SAR parameters (3.4, 5.3.2.22 to 24).
    Sar,
    /// They are one, in message_payload (3.4, 5.3.2.32).
    Payload,
}

/// Over which sessions of an account the parts of a long inbound message come.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum InboundSessions {
    /// All over the same one: a client that puts parts together in each session gets whole messages.
    #[default]
    One,
    /// Over all that receive, in turns.
    Turns,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_keeps_its_rate() {
        let mut script = Script {
            at: Duration::from_secs(1),
            from: "336".to_owned(),
            senders: 1,
            repeat: 1000,
            rate: Some(300),
        };
        assert_eq!(
            (script.due(0), script.due(1_000_000), script.due(10_000_000)),
            (1, 301, 1000)
        );
        for n in 0..1000 {
            assert!(script.due(script.time_of(n)) > n, "the {n}th is due at its time");
        }
        script.rate = None;
        assert_eq!((script.due(0), script.time_of(999)), (1000, 0));
    }
}
