//! What a text takes, for whoever is writing it.

use serde::Serialize;
use smpp::choice;
use smpp::segment::{self, Format, Measure};
use smpp::text::{Culprit, Encoding, EncodingPolicy, culprits};

use super::TooManySegments;

/// The longest text that is looked at, in characters: one that is too long to be sent is shown by how much.
pub(crate) const ANALYSED_MAX: usize = 4_800;

/// A rendered text as it is sent over an SMSC that deviates in nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Analysis {
    /// As it reaches the phone.
    pub(crate) sent: String,
    pub(crate) encoding: Encoding,
    pub(crate) measure: Measure,
    /// What GSM 03.38 lacks.
    pub(crate) offending: Vec<Offending>,
}

/// A character that GSM 03.38 lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Offending {
    pub(crate) character: char,
    /// Its place in the rendered text, in characters from 0.
    pub(crate) position: usize,
    /// What is sent in its place, under a policy that exchanges characters.
    pub(crate) becomes: Option<&'static str>,
}

/// Analyses a rendered text.
///
/// # Errors
/// [`TooManySegments`].
pub(crate) fn analyse(rendered: &str, policy: EncodingPolicy) -> Result<Analysis, TooManySegments> {
    let (sent, encoding, _) = choice::choose(rendered, policy, &[], Format::default());
    let measure = segment::measure(&sent, encoding).ok_or(TooManySegments)?;
    let offending = |culprit: Culprit| Offending {
        character: culprit.character,
        position: culprit.position,
        becomes: culprit
            .counterpart
            .filter(|_| policy == EncodingPolicy::GsmTransliterate),
    };
    Ok(Analysis {
        encoding,
        measure,
        offending: culprits(rendered).map(offending).collect(),
        sent: sent.into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_what_it_takes_and_why() {
        let policy = EncodingPolicy::GsmTransliterate;
        let typed = analyse("l’été, 5 €", policy).unwrap();
        assert_eq!((typed.sent.as_str(), typed.encoding), ("l'été, 5 €", Encoding::Gsm7));
        let measure = |units, segments, free| Measure { units, segments, free };
        assert_eq!(typed.measure, measure(11, 1, 149));
        let offending = |becomes| Offending {
            character: '’',
            position: 1,
            becomes,
        };
        assert_eq!(typed.offending, [offending(Some("'"))]);
        let unchanged = analyse("l’été", EncodingPolicy::Auto).unwrap();
        assert_eq!(unchanged.offending, [offending(None)]);
        let cake = analyse(&"\u{1f382}".repeat(36), policy).unwrap();
        assert_eq!((cake.encoding, cake.measure), (Encoding::Ucs2, measure(72, 2, 61)));
        assert_eq!((cake.offending.len(), cake.offending[35].becomes), (36, None));
        assert_eq!(analyse(&"a".repeat(40_000), policy), Err(TooManySegments));
    }
}
