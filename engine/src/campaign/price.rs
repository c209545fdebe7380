//! What each recipient's message takes, in segments and so in credits. Pure.

use smpp::segment::SEGMENTS_MAX;
use smpp::text::EncodingPolicy;

use crate::compose::{Template, TooManySegments, credits};
use crate::domain::variables;
use crate::fault::{FieldFault, FieldProblem};

/// Characters of the parts of a concatenated GSM text (3GPP TS 23.040, 9.2.3.24.1): the most that any text can have.
const PART_CHARACTERS: usize = 153;

/// Prices the messages of one campaign.
pub(super) struct Price<'t> {
    template: &'t Template,
    policy: EncodingPolicy,
    /// The price of all, if all get the same text.
    constant: Option<Result<u8, TooManySegments>>,
    text: String,
}

impl<'t> Price<'t> {
    pub(super) fn new(template: &'t Template, policy: EncodingPolicy) -> Self {
        let mut price = Self {
            template,
            policy,
            constant: None,
            text: String::new(),
        };
        if template.is_constant() {
            price.constant = Some(price.render(&[]));
        }
        price
    }

    /// The price of all, if all get the same text.
    pub(super) fn constant(&self) -> Option<Result<u8, TooManySegments>> {
        self.constant
    }

    /// The segments of the text for a recipient with these packed variables.
    ///
    /// # Errors
    /// [`TooManySegments`].
    pub(super) fn of(&mut self, variables: &[u8]) -> Result<u8, TooManySegments> {
        match self.constant {
            Some(price) => price,
            None => self.render(variables),
        }
    }

    fn render(&mut self, variables: &[u8]) -> Result<u8, TooManySegments> {
        let values: Vec<&str> = self::variables(variables).collect();
        self.text.clear();
        self.template.render(&values, &mut self.text);
        of_text(&self.text, self.policy)
    }
}

/// The segments of a text.
///
/// # Errors
/// [`TooManySegments`].
pub(super) fn of_text(text: &str, policy: EncodingPolicy) -> Result<u8, TooManySegments> {
    let segments = credits(text, policy)?;
    u8::try_from(segments).map_err(|_| TooManySegments)
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
    use crate::domain::push_variable;

    const POLICY: EncodingPolicy = EncodingPolicy::GsmTransliterate;

    fn variables(values: &[&str]) -> Vec<u8> {
        let mut packed = Vec::new();
        values.iter().for_each(|value| push_variable(&mut packed, value));
        packed
    }

    #[test]
    fn each_recipient_has_a_price_of_their_own() {
        let template = Template::parse("[Nom]", &["Nom"]).unwrap();
        let mut price = Price::new(&template, POLICY);
        assert_eq!(price.constant(), None);
        for (name, segments) in [("Zoé".to_owned(), 1), ("a".repeat(161), 2), ("\u{1f382}".repeat(36), 2)] {
            assert_eq!(price.of(&variables(&[&name])), Ok(segments));
        }
        assert_eq!(price.of(&[]), Ok(1), "an empty text is sent as one");
    }

    #[test]
    fn a_price_follows_the_policy() {
        let text = "à bientôt ".repeat(8);
        for (policy, segments) in [
            (EncodingPolicy::GsmTransliterate, 1),
            (EncodingPolicy::Auto, 2),
            (EncodingPolicy::Ucs2, 2),
        ] {
            assert_eq!(of_text(&text, policy), Ok(segments), "{policy}");
        }
    }

    #[test]
    fn a_text_without_fields_is_priced_once() {
        let template = Template::parse(&"a".repeat(200), &["Nom"]).unwrap();
        let mut price = Price::new(&template, POLICY);
        assert_eq!((price.constant(), price.of(&variables(&["x"]))), (Some(Ok(2)), Ok(2)));
    }

    #[test]
    fn a_text_of_too_many_segments_has_no_price() {
        let template = Template::parse(&"[Nom]".repeat(90), &["Nom"]).unwrap();
        let mut price = Price::new(&template, POLICY);
        assert_eq!(price.of(&variables(&["a".repeat(500).as_str()])), Err(TooManySegments));
        assert_eq!(price.characters(), 45_000);
    }
}
