//! What a text takes, for whoever is writing it.

use smpp::choice;
use smpp::segment::{self, Format, Measure};
use smpp::text::{Culprit, Encoding, EncodingPolicy, culprits};

use super::{TooManySegments, credits};

/// A rendered text as it is sent over an SMSC that deviates in nothing, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Analysis {
    /// As it reaches the phone.
    pub(crate) sent: String,
    pub(crate) encoding: Encoding,
    pub(crate) measure: Measure,
    pub(crate) credits: u32,
    /// What GSM 03.38 lacks, by its place in the rendered text.
    pub(crate) culprits: Vec<Culprit>,
}

/// Analyses a rendered text.
///
/// # Errors
/// [`TooManySegments`].
pub(crate) fn analyse(rendered: &str, policy: EncodingPolicy) -> Result<Analysis, TooManySegments> {
    let (sent, encoding, _) = choice::choose(rendered, policy, &[], Format::default());
    let measure = segment::measure(&sent, encoding).ok_or(TooManySegments)?;
    Ok(Analysis {
        encoding,
        measure,
        credits: credits(rendered, policy)?,
        culprits: culprits(rendered).collect(),
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
        assert_eq!((typed.measure, typed.credits), (measure(11, 1, 149), 1));
        let culprit = typed.culprits[0];
        assert_eq!(
            (culprit.character, culprit.position, culprit.counterpart),
            ('’', 1, Some("'"))
        );
        let cake = analyse(&"\u{1f382}".repeat(36), policy).unwrap();
        assert_eq!((cake.encoding, cake.measure), (Encoding::Ucs2, measure(72, 2, 61)));
        assert_eq!((cake.culprits.len(), cake.culprits[35].counterpart), (36, None));
        assert_eq!(analyse(&"a".repeat(40_000), policy), Err(TooManySegments));
    }
}
