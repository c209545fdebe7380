//! Template and recipient → text → segments. Pure.

mod advertising;
mod analysis;
mod categories;
mod clause;
mod fold;
mod generic;
mod links;
mod likeness;
mod lookalike;
mod sender;
mod asking;
mod template;
mod wording;

pub(crate) use advertising::{Written, advertising, masked, recurring};
pub(crate) use analysis::{ANALYSED_MAX, Analysis, analyse};
pub(crate) use asking::asks_in_vain;
pub(crate) use categories::{Category, Words};
pub(crate) use fold::{fold, fold_value};
pub(crate) use links::{TARGET_MAX, check as check_links, domain, first_domain, longest as longest_link, short_link};
pub(crate) use lookalike::{ProtectedNames, is_seen};
pub(crate) use sender::{OwnedSenders, Sender};
pub(crate) use template::{Template, find_column, first_field, is_link, nearest_column};
pub(crate) use wording::{Shortened, Wording, check_characters, is_unnamed};

use smpp::choice;
use smpp::segment::{self, Format, Segments};
use smpp::text::EncodingPolicy;

use crate::config::Envelope;

/// A rendered text that would take more segments than a concatenation header can count
/// ([`smpp::segment::SEGMENTS_MAX`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text would take more than {} segments", segment::SEGMENTS_MAX)]
pub(crate) struct TooManySegments;

/// The segments of a rendered text for an SMSC. `reference` marks the parts of one message for the handset (3GPP TS 23.040,
/// 9.2.3.24.1); neighbouring messages to one recipient should differ in it.
///
/// # Errors
/// [`TooManySegments`].
pub(crate) fn compose(
    rendered: &str,
    policy: EncodingPolicy,
    reference: u16,
    envelope: &Envelope,
) -> Result<Segments, TooManySegments> {
    let (text, encoding, shift) = choice::choose(rendered, policy, &envelope.shift_tables, envelope.format);
    segment::segment_as(&text, (encoding, shift), reference, envelope.format).ok_or(TooManySegments)
}

/// The segments that a price is made of. Builds nothing. They are those of an SMSC that deviates in nothing (a header with
/// 8 bits of reference, no tables of languages): a price depends on text and terms alone, whichever route the message takes.
///
/// # Errors
/// [`TooManySegments`].
pub(crate) fn priced_segments(rendered: &str, policy: EncodingPolicy) -> Result<u8, TooManySegments> {
    let (text, encoding, _) = choice::choose(rendered, policy, &[], Format::default());
    let segments = segment::count(&text, encoding).ok_or(TooManySegments)?;
    u8::try_from(segments).map_err(|_| TooManySegments)
}

/// Whether a text shows nothing: spaces, and signs that take no place.
pub(crate) fn is_blank(text: &str) -> bool {
    const UNSEEN: [char; 9] = [
        '\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{2060}', '\u{feff}', '\u{fe0f}',
    ];
    text.chars()
        .all(|sign| sign.is_whitespace() || sign.is_control() || UNSEEN.contains(&sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priced_are_the_segments_that_are_sent() {
        let (policy, usual) = (EncodingPolicy::GsmTransliterate, Envelope::default());
        for (text, wanted) in [
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(459), 3),
            ("a".repeat(460), 4),
            ("l’été".repeat(32), 1),
            ("\u{1f382}".repeat(36), 2),
        ] {
            assert_eq!(priced_segments(&text, policy), Ok(wanted));
            assert_eq!(compose(&text, policy, 7, &usual).unwrap().len(), wanted as usize);
        }
        assert_eq!(priced_segments(&"a".repeat(40_000), policy), Err(TooManySegments));
        assert_eq!(compose(&"a".repeat(40_000), policy, 1, &usual), Err(TooManySegments));
    }
}
