//! Receipts: which message one is about. Decides; carries nothing out.
//!
//! The recipient comes first: an address of the receipt finds the recipient's record, and among the one to three messages
//! in it the ids decide under every equality that carriers are known for (`smpp::receipt::relation`).

mod matching;
mod parked;
mod replay;
mod search;
mod whereabouts;

pub(crate) use matching::{Found, find, is_plausible};
pub(crate) use parked::{Parked, Unmatched};
pub(crate) use replay::{ParkedView, Replay, ReplayFault};
pub(crate) use search::recipients_with;
pub(crate) use whereabouts::Whereabouts;

use smpp::receipt::index_forms;

use crate::bind::ReceiptNews;

/// The fewest digits of a number that is looked for in its other base. Shorter ones are counted, and among them one number's
/// digits are another's in the other base: 10 and A.
const OTHER_BASE_DIGITS_MIN: usize = 7;

/// Under which forms the message of an id is looked for where nothing but the id is known, the surest first.
pub(crate) fn forms(id: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = index_forms(id);
    let shortest = forms.iter().map(Vec::len).min().unwrap_or_default();
    if shortest < OTHER_BASE_DIGITS_MIN {
        forms.truncate(1);
    }
    forms
}

impl ReceiptNews {
    /// The ids that it names, the surest first, without empty ones.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &[u8]> {
        [&self.tlv_id, &self.text_id]
            .into_iter()
            .flatten()
            .map(|id| id.as_bytes())
            .filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
pub(crate) mod tests;
