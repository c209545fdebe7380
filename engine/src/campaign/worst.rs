//! What an audience could take at most: each field of the text as long as it may be. Pure.

use std::collections::HashMap;

use super::price::{Cost, of_text};
use super::texts::Texts;
use crate::compose::{TooManySegments, priced_segments};
use crate::domain::{Length, Lengths, Longer, Terms};

/// Characters beyond which a text of 16 bits each takes two segments, and none of seven does.
const WIDE: usize = 71;

/// What stands where a value is shorter than it may be.
const USUAL: char = 'x';

/// The longest values that were seen of each column, and of what stands for empty ones.
pub(super) struct Worst {
    lengths: Lengths,
    /// By their number.
    columns: Vec<Column>,
    /// Whether a character needs 16 bits, as its texts are encoded.
    wide: HashMap<char, bool>,
    terms: Terms,
}

#[derive(Clone, Default)]
struct Column {
    characters: usize,
    /// What stands for an empty value.
    fallback: usize,
    /// One that needs 16 bits, if a value had any.
    wide: Option<char>,
}

impl Worst {
    pub(super) fn new((texts, columns): (&Texts, usize), lengths: Lengths, terms: Terms) -> Self {
        let mut worst = Self {
            lengths,
            columns: vec![Column::default(); columns],
            wide: HashMap::new(),
            terms,
        };
        for (column, fallback) in texts.fields() {
            worst.see_value(column, fallback);
            if let Some(column) = worst.columns.get_mut(column) {
                column.fallback = column.fallback.max(fallback.chars().count());
            }
        }
        worst
    }

    /// Values of one recipient, by their columns.
    pub(super) fn see(&mut self, values: &[&str]) {
        for (column, value) in values.iter().enumerate() {
            self.see_value(column, value.trim());
        }
    }

    fn see_value(&mut self, at: usize, value: &str) {
        let Some(column) = self.columns.get(at) else { return };
        let mut needs = column.wide;
        if needs.is_none() && !value.is_ascii() {
            needs = value.chars().find(|sign| self.is_wide(*sign));
        }
        let column = &mut self.columns[at];
        column.characters = column.characters.max(value.chars().count());
        column.wide = needs;
    }

    fn is_wide(&mut self, sign: char) -> bool {
        let encoding = self.terms.encoding;
        let takes_two = || priced_segments(&sign.to_string().repeat(WIDE), encoding) != Ok(1);
        !sign.is_ascii() && *self.wide.entry(sign).or_insert_with(takes_two)
    }

    /// What a message of that variant takes at most; 0: the campaign's own text.
    ///
    /// # Errors
    /// [`TooManySegments`].
    pub(super) fn of_variant(&self, texts: &Texts, variant: usize) -> Result<Cost, TooManySegments> {
        let longest = self.columns.iter().enumerate().map(|(at, column)| {
            let characters = column.most(self.lengths.of(at));
            let filled = USUAL
                .to_string()
                .repeat(characters.saturating_sub(usize::from(column.wide.is_some())));
            column
                .wide
                .into_iter()
                .chain(filled.chars())
                .take(characters)
                .collect::<String>()
        });
        let mut values: Vec<String> = longest.collect();
        values.push(variant.to_string());
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let mut text = String::new();
        texts.render(&values, &mut text);
        of_text(&text, &self.terms)
    }
}

impl Column {
    /// How many characters stand for its field at most.
    fn most(&self, length: Option<Length>) -> usize {
        match length {
            None => self.characters,
            Some(Length {
                max,
                longer: Longer::Send,
                ..
            }) => self.characters.max(max),
            Some(Length {
                max,
                longer: Longer::Truncate | Longer::Skip,
                ..
            }) => max.max(self.fallback),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::Template;
    use crate::domain::EncodingPolicy;

    fn worst(text: &str, lengths: Vec<Length>, encoding: EncodingPolicy) -> (Worst, Texts) {
        let texts = Texts::one(Template::parse(text, &["Nom", "Ville"]).unwrap());
        let terms = Terms {
            encoding,
            ..Terms::default()
        };
        (Worst::new((&texts, 2), Lengths::of_columns(lengths), terms), texts)
    }

    fn segments(worst: &Worst, texts: &Texts) -> u8 {
        worst.of_variant(texts, 0).unwrap().segments
    }

    const fn to(max: usize, longer: Longer) -> Length {
        Length { column: 0, max, longer }
    }

    #[test]
    fn each_field_is_as_long_as_it_may_be() {
        let text = format!("{}[Nom|cher patient]", "a".repeat(140));
        let gsm = EncodingPolicy::GsmTransliterate;
        for (lengths, name, wanted) in [
            (vec![], "Zoé", 1),
            (vec![], "Marie-Antoinette de Rohan", 2),
            (vec![to(20, Longer::Truncate)], "Marie-Antoinette de Rohan", 1),
            (vec![to(21, Longer::Truncate)], "Zoé", 2),
            (vec![to(20, Longer::Send)], "Zoé", 1),
            (vec![to(20, Longer::Send)], "Marie-Antoinette de Rohan", 2),
            (vec![to(1, Longer::Skip)], "Zoé", 1),
        ] {
            let (mut worst, texts) = worst(&text, lengths.clone(), gsm);
            worst.see(&[name, "Lyon"]);
            assert_eq!(segments(&worst, &texts), wanted, "{name} {lengths:?}");
        }
        let text = format!("{}[Nom|cher patient]", "a".repeat(150));
        let (worst, texts) = worst(&text, vec![to(1, Longer::Skip)], gsm);
        assert_eq!(segments(&worst, &texts), 2, "what stands for an empty value is longer");
    }

    #[test]
    fn one_sign_of_16_bits_makes_all_of_them_so() {
        let text = format!("{}[Nom]", "a".repeat(60));
        for (policy, name, wanted) in [
            (EncodingPolicy::Auto, "Zoe", 1),
            (EncodingPolicy::Auto, "Zoé", 1),
            (EncodingPolicy::Auto, "Anaïs", 2),
            (EncodingPolicy::GsmTransliterate, "Anaïs", 1),
        ] {
            let (mut worst, texts) = worst(&text, vec![to(12, Longer::Truncate)], policy);
            worst.see(&[name]);
            assert_eq!(segments(&worst, &texts), wanted, "{name} {policy}");
        }
    }
}
