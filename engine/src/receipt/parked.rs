//! Receipts that are kept in the store since they match no message (yet): nothing that was acknowledged is lost.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use smpp::receipt::Stat;

use crate::bind::ReceiptNews;
use crate::domain::{Recipient, SmscId, UnixMicros, digest};
use crate::encryption::ContentKey;

/// Why a receipt was parked: the labels of a metric, and the word in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Unmatched {
    /// A message to that recipient has no answer yet: its id may come.
    Early,
    /// No message has that id.
    UnknownId,
    /// Several messages are as likely.
    Ambiguous,
    /// A message in doubt might be meant, and what the receipt says speaks against it.
    Implausible,
    /// It has no address and no id that anybody knows.
    NoAddress,
    /// The messages that it may be about changed again and again while it was matched.
    Contended,
}

impl Unmatched {
    pub(crate) const fn label(self) -> &'static str {
        self.into_str()
    }
}

/// A parked receipt, as it is kept: `length(2)` and JSON, one behind the other for one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Parked {
    smsc: u16,
    /// When it came.
    pub(crate) at: UnixMicros,
    /// Why it was parked.
    pub(crate) reason: Unmatched,
    source: String,
    destination: String,
    stat: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stat_text: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_state: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network_error_code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    segments: Option<u8>,
    err: Option<CompactString>,
    tlv_id: Option<Vec<u8>>,
    text_id: Option<Vec<u8>>,
    submit_date: Option<CompactString>,
    /// Of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<CompactString>,
    /// What it quotes of the text, encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quoted: Option<String>,
}

impl Parked {
    /// Packs a receipt, what it quotes of its message encrypted; `None` when it is longer than any receipt is.
    pub(crate) fn pack(
        (news, key): (&ReceiptNews, &ContentKey),
        smsc: SmscId,
        reason: Unmatched,
        at: UnixMicros,
    ) -> Option<Vec<u8>> {
        let parked = Self {
            smsc: smsc.0,
            at,
            reason,
            source: address(news.recipient, &news.source),
            destination: address(news.other, &news.destination),
            stat: news.stat.name().to_owned(),
            stat_text: news.stat_text.clone(),
            message_state: news.message_state,
            network_error_code: news.network_error_code,
            segments: (news.segments > 1).then_some(news.segments),
            err: news.err.clone(),
            tlv_id: octets(&news.tlv_id),
            text_id: octets(&news.text_id),
            submit_date: news.submit_date.clone(),
            text: None,
            quoted: match &news.text {
                Some(text) => Some(key.encrypt_text(text).ok()?),
                None => None,
            },
        };
        let json = serde_json::to_vec(&parked).ok()?;
        let length = u16::try_from(json.len()).ok()?;
        Some([&length.to_be_bytes()[..], &json].concat())
    }

    /// The receipts of one key, each with its packed form; what cannot be read is left out.
    pub(crate) fn split(packed: &[u8]) -> impl Iterator<Item = (Self, &[u8])> {
        let mut rest = packed;
        std::iter::from_fn(move || {
            let (head, tail) = rest.split_at_checked(2)?;
            let length = usize::from(u16::from_be_bytes([head[0], head[1]]));
            let json = tail.get(..length)?;
            let one = &rest[..length + 2];
            rest = &tail[length..];
            Some((serde_json::from_slice(json).ok()?, one))
        })
    }

    /// The key under which a receipt is parked that has no address which is a number: one that no number has.
    pub(crate) fn key_of(smsc: SmscId, news: &ReceiptNews) -> Recipient {
        const NO_NUMBER: u64 = 1 << 63;
        let id = news.ids().next().unwrap_or_default();
        let octets = digest(smsc, id);
        Recipient(NO_NUMBER | u64::from(u32::from_be_bytes(octets)))
    }

    /// Which SMSC sent it.
    pub(crate) fn smsc(&self) -> SmscId {
        SmscId(self.smsc)
    }

    /// The SMSC's id of the message, as text, where it names one.
    pub(crate) fn smsc_message_id(&self) -> Option<String> {
        let id = self.tlv_id.as_ref().or(self.text_id.as_ref())?;
        Some(String::from_utf8_lossy(id).into_owned())
    }

    /// Addresses as they came, `stat` and `err`.
    pub(crate) fn says(&self) -> (&str, &str, &str, Option<&str>) {
        (&self.source, &self.destination, &self.stat, self.err.as_deref())
    }

    /// The receipt again.
    pub(crate) fn news(&self, key: &ContentKey) -> ReceiptNews {
        let quoted = self.quoted.as_ref().and_then(|sealed| key.decrypt_text(sealed).ok());
        let words = |address: &String| {
            if number(address).is_some() {
                String::new()
            } else {
                address.clone()
            }
        };
        ReceiptNews {
            recipient: number(&self.source),
            other: number(&self.destination),
            source: words(&self.source),
            destination: words(&self.destination),
            tlv_id: self.tlv_id.as_deref().map(CompactString::from_utf8_lossy),
            text_id: self.text_id.as_deref().map(CompactString::from_utf8_lossy),
            stat: Stat::from_text(self.stat.as_bytes()),
            stat_text: self.stat_text.clone(),
            message_state: self.message_state,
            network_error_code: self.network_error_code,
            final_: true,
            segments: self.segments.unwrap_or(1),
            err: self.err.clone(),
            submit_date: self.submit_date.clone(),
            text: quoted.map(CompactString::from).or_else(|| self.text.clone()),
        }
    }
}

/// An id as it is kept.
fn octets(id: &Option<CompactString>) -> Option<Vec<u8>> {
    id.as_ref().map(|id| id.as_bytes().to_vec())
}

fn address(number: Option<u64>, words: &str) -> String {
    number.map_or_else(|| words.to_owned(), |number| number.to_string())
}

/// An address as an international number.
fn number(address: &str) -> Option<u64> {
    let digits = address.trim_start_matches('+').trim_start_matches("00");
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}
