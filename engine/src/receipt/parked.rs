//! Receipts that wait in the store for the answer to their message.

use serde::{Deserialize, Serialize};
use smpp::receipt::Stat;

use crate::bind::ReceiptNews;
use crate::domain::SmscId;

/// A parked receipt, as it is kept: `length(2)` and JSON, one behind the other for one recipient.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parked {
    smsc: u16,
    /// When it came, µs since 1970.
    pub at: u64,
    stat: String,
    err: Option<String>,
    tlv_id: Option<Vec<u8>>,
    text_id: Option<Vec<u8>>,
}

impl Parked {
    /// Packs a receipt; `None` when it is longer than any receipt is.
    pub fn pack(news: &ReceiptNews, smsc: SmscId, at: u64) -> Option<Vec<u8>> {
        let parked = Self {
            smsc: smsc.0,
            at,
            stat: news.stat.name().to_owned(),
            err: news.err.clone(),
            tlv_id: news.tlv_id.clone(),
            text_id: news.text_id.clone(),
        };
        let json = serde_json::to_vec(&parked).ok()?;
        let length = u16::try_from(json.len()).ok()?;
        Some([&length.to_be_bytes()[..], &json].concat())
    }

    /// The receipts of one recipient, each with its packed form; what cannot be read is left out.
    pub fn split(packed: &[u8]) -> impl Iterator<Item = (Self, &[u8])> {
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

    /// Which SMSC sent it.
    pub fn smsc(&self) -> SmscId {
        SmscId(self.smsc)
    }

    /// The receipt again.
    pub fn news(&self, recipient: u64) -> ReceiptNews {
        let stat = Stat::from_text(self.stat.as_bytes());
        ReceiptNews {
            recipient: Some(recipient),
            tlv_id: self.tlv_id.clone(),
            text_id: self.text_id.clone(),
            stat,
            final_: true,
            err: self.err.clone(),
        }
    }
}
