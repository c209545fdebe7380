//! What each recipient's message takes in segments, and costs in credits. Pure.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

use super::texts::Texts;
use crate::compose::{TooManySegments, check_links, is_blank, priced_segments};
use crate::domain::{Recipient, Terms, variables};
use crate::fault::{FieldFault, FieldProblem};
use smpp::segment::SEGMENTS_MAX;

/// Characters of the parts of a concatenated GSM text (3GPP TS 23.040, 9.2.3.24.1): the most that any text can have.
const PART_CHARACTERS: usize = 153;

/// What a message takes, and costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) segments: u8,
    pub(super) credits: u8,
}

/// Prices the messages of one campaign.
pub(super) struct Price<'t> {
    texts: &'t Texts,
    terms: &'t Terms,
    /// Where links may lead: where the tenant's may, and its short ones.
    link_domains: Vec<String>,
    /// The price of all, if all get the same text.
    constant: Option<Result<Cost, TooManySegments>>,
    text: String,
}

impl<'t> Price<'t> {
    pub(super) fn new(texts: &'t Texts, terms: &'t Terms) -> Self {
        let mut price = Self {
            texts,
            terms,
            link_domains: link_domains(texts, terms),
            constant: None,
            text: String::new(),
        };
        if texts.is_constant() {
            price.constant = Some(price.render(&[]));
        }
        price
    }

    /// The price of all, if all get the same text, and it does not matter where.
    pub(super) fn constant(&self) -> Option<Result<Cost, TooManySegments>> {
        self.constant.filter(|_| self.terms.prefix_prices.is_empty())
    }

    /// Whether all get the same text.
    pub(super) const fn is_of_one_text(&self) -> bool {
        self.constant.is_some()
    }

    /// The price of the text for a recipient with these packed variables.
    ///
    /// # Errors
    /// [`TooManySegments`].
    pub(super) fn of(&mut self, (recipient, variables): (Recipient, &[u8])) -> Result<Cost, TooManySegments> {
        let usual = match self.constant {
            Some(price) => price,
            None => self.render(variables),
        };
        there(usual?, recipient, self.terms)
    }

    /// The same, and whether the links of that recipient's text lead where they may: those of a text that everybody gets were looked at
    /// when it was given.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn of_recipient(&mut self, of: (Recipient, &[u8])) -> Result<Cost, FieldFault> {
        let cost = self.of(of);
        if self.constant.is_some() {
            return cost.map_err(|_| too_long(self.characters()));
        }
        // The text may be as it should: what is filled in is this recipient's.
        let whose = |problem| FieldFault::of_value("/audience", of.0.to_string(), problem);
        let cost = cost.map_err(|_| whose(too_long(self.characters()).problem))?;
        if is_blank(&self.text) {
            return Err(whose(FieldProblem::Empty));
        }
        check_links(&self.text, &self.link_domains).map_err(whose)?;
        Ok(cost)
    }

    /// The text that was priced last, as a number.
    pub(super) fn digest(&self) -> u64 {
        FxBuildHasher.hash_one(self.text.as_str())
    }

    fn render(&mut self, variables: &[u8]) -> Result<Cost, TooManySegments> {
        let values: Vec<&str> = self::variables(variables).collect();
        self.text.clear();
        self.texts.render(&values, &mut self.text);
        of_text(&self.text, self.terms)
    }
}

fn link_domains(texts: &Texts, terms: &Terms) -> Vec<String> {
    let mut domains = terms.link_domains.clone();
    if let Some(short) = texts.link_domain().filter(|_| !domains.is_empty()) {
        domains.push(short.to_owned());
    }
    domains
}

/// The price of a text.
///
/// # Errors
/// [`TooManySegments`].
pub(super) fn of_text(text: &str, terms: &Terms) -> Result<Cost, TooManySegments> {
    let segments = priced_segments(text, terms.encoding)?;
    let credits = match terms.is_free {
        true => 0,
        false => terms.tariff.credits(text.chars().count(), segments),
    };
    Ok(Cost { segments, credits })
}

/// What a message with that price costs at that number.
///
/// # Errors
/// [`TooManySegments`]: more credits than any message may.
pub(super) fn there(usual: Cost, recipient: Recipient, terms: &Terms) -> Result<Cost, TooManySegments> {
    let credits = usual.credits.checked_mul(terms.prefix_prices.times(recipient));
    Ok(Cost {
        credits: credits.ok_or(TooManySegments)?,
        ..usual
    })
}

/// The fault of a text that takes too many segments for some recipient.
pub(crate) fn too_long(characters: usize) -> FieldFault {
    FieldFault::new(
        "/text",
        FieldProblem::TooLong {
            max: SEGMENTS_MAX * PART_CHARACTERS,
            given: characters,
        },
    )
}

impl Price<'_> {
    /// How long the text was that was priced last, in characters.
    pub(super) fn characters(&self) -> usize {
        self.text.chars().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::Template;
    use crate::domain::{EncodingPolicy, Tariff, push_variable};

    const ZOE: Recipient = Recipient(33_612_345_678);

    /// A credit a segment.
    const fn each(segments: u8) -> Cost {
        Cost {
            segments,
            credits: segments,
        }
    }

    fn encoded(encoding: EncodingPolicy) -> Terms {
        Terms {
            encoding,
            ..Terms::default()
        }
    }

    fn variables(values: &[&str]) -> Vec<u8> {
        let mut packed = Vec::new();
        values.iter().for_each(|value| push_variable(&mut packed, value));
        packed
    }

    #[test]
    fn a_sandbox_sends_as_many_segments_and_pays_nothing() {
        let free = Terms {
            is_free: true,
            ..Terms::default()
        };
        let two = Cost {
            segments: 2,
            credits: 0,
        };
        assert_eq!(of_text(&"a".repeat(161), &free), Ok(two));
    }

    #[test]
    fn each_recipient_has_a_price_of_their_own() {
        let texts = Texts::one(Template::parse("[Nom]", &["Nom"]).unwrap());
        let terms = Terms::default();
        let mut price = Price::new(&texts, &terms);
        assert_eq!(price.constant(), None);
        for (name, segments) in [("Zoé".to_owned(), 1), ("a".repeat(161), 2), ("\u{1f382}".repeat(36), 2)] {
            assert_eq!(price.of((ZOE, &variables(&[&name]))), Ok(each(segments)));
        }
        assert_eq!(price.of((ZOE, &[])), Ok(each(1)), "an empty text is sent as one");
    }

    #[test]
    fn a_price_follows_the_policy() {
        let text = "à bientôt ".repeat(8);
        for (policy, segments) in [
            (EncodingPolicy::GsmTransliterate, 1),
            (EncodingPolicy::Auto, 2),
            (EncodingPolicy::Ucs2, 2),
        ] {
            assert_eq!(of_text(&text, &encoded(policy)), Ok(each(segments)), "{policy}");
        }
    }

    #[test]
    fn a_flat_tariff_is_told_from_the_network() {
        let terms = Terms {
            tariff: Tariff::Flat160,
            ..Terms::default()
        };
        let texts = Texts::one(Template::parse("[Nom]", &["Nom"]).unwrap());
        let mut price = Price::new(&texts, &terms);
        for (characters, segments, credits) in [(160, 1, 1), (161, 2, 2), (320, 3, 2), (480, 4, 3)] {
            let name = "a".repeat(characters);
            assert_eq!(price.of((ZOE, &variables(&[&name]))), Ok(Cost { segments, credits }));
        }
    }

    #[test]
    fn a_number_may_cost_more_than_another() {
        let terms = Terms {
            prefix_prices: "+262 3".parse().unwrap(),
            ..Terms::default()
        };
        let texts = Texts::one(Template::parse(&"a".repeat(161), &["Nom"]).unwrap());
        let mut price = Price::new(&texts, &terms);
        assert_eq!(price.constant(), None);
        let far = Cost {
            segments: 2,
            credits: 6,
        };
        assert_eq!(
            (price.of((ZOE, &[])), price.of((Recipient(262_692_123_456), &[]))),
            (Ok(each(2)), Ok(far))
        );
        let dear = Cost {
            segments: 90,
            credits: 90,
        };
        assert_eq!(there(dear, Recipient(262_692_123_456), &terms), Err(TooManySegments));
    }

    #[test]
    fn a_text_without_fields_is_priced_once() {
        let terms = Terms::default();
        let texts = Texts::one(Template::parse(&"a".repeat(200), &["Nom"]).unwrap());
        let mut price = Price::new(&texts, &terms);
        assert_eq!(
            (price.constant(), price.of((ZOE, &variables(&["x"])))),
            (Some(Ok(each(2))), Ok(each(2)))
        );
    }

    #[test]
    fn a_text_of_too_many_segments_has_no_price() {
        let terms = Terms::default();
        let texts = Texts::one(Template::parse(&"[Nom]".repeat(90), &["Nom"]).unwrap());
        let mut price = Price::new(&texts, &terms);
        assert_eq!(
            price.of((ZOE, &variables(&["a".repeat(500).as_str()]))),
            Err(TooManySegments)
        );
        assert_eq!(price.characters(), 45_000);
    }
}
