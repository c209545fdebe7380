//! Receipts: which message one is about. Decides; carries nothing out.
//!
//! The recipient comes first: an address of the receipt finds the recipient's record, and among the one to three messages
//! in it the ids decide under every equality that carriers are known for (`smpp::receipt::relation`).

mod matching;
mod parked;
mod replay;
mod whereabouts;

pub(crate) use matching::{Found, find, is_plausible};
pub(crate) use parked::{Parked, Unmatched};
pub(crate) use replay::{ParkedView, Replay, ReplayFault};
pub(crate) use whereabouts::Whereabouts;

use crate::bind::ReceiptNews;

impl ReceiptNews {
    /// The ids that it names, the surest first, without empty ones.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &[u8]> {
        [&self.tlv_id, &self.text_id]
            .into_iter()
            .flatten()
            .map(Vec::as_slice)
            .filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
pub(crate) mod tests;
