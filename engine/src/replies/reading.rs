//! How what people type is read: by its words, whatever their case, accents and signs, and with small mistakes. Pure.

use strsim::damerau_levenshtein;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// More words than a rule has: what follows is not looked at.
const WORDS_MAX: usize = 40;

/// How sure a reading is, in percent.
pub(crate) type Confidence = u8;

/// From here on a reading is acted upon; below it is shown to people.
pub(crate) const SURE: Confidence = 80;

/// What a mistake takes.
const MISTAKE: Confidence = 15;

/// So many letters are a long word.
const LONG: usize = 7;

/// What words behind the first take.
const MORE_WORDS: Confidence = 5;

/// The words of a text, in capitals and without accents; signs and emoji are none.
pub(crate) fn words(text: &str) -> Vec<String> {
    let folded: String = text
        .nfkd()
        .filter(|character| !is_combining_mark(*character))
        .flat_map(char::to_uppercase)
        .collect();
    folded
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .map(str::to_owned)
        .collect()
}

/// How sure it is that a text says nothing but these words.
pub(super) fn says(text: &[String], wanted: &[String]) -> Option<Confidence> {
    if text.len() != wanted.len() || wanted.is_empty() {
        return None;
    }
    let mistakes: Option<usize> = text
        .iter()
        .zip(wanted)
        .map(|(given, wanted)| mistakes(given, wanted))
        .sum();
    confidence(mistakes?)
}

/// How sure it is that a text begins with these words.
pub(super) fn begins(text: &[String], wanted: &[String]) -> Option<Confidence> {
    let first = text.get(..wanted.len())?;
    let sure = says(first, wanted)?;
    Some(if text.len() > wanted.len() {
        sure - MORE_WORDS
    } else {
        sure
    })
}

/// Whether a long word is another with one mistake in it. In a shorter one a letter makes another word of it: "sur" is not "sure".
pub(super) fn slips(given: &str, wanted: &str) -> bool {
    wanted.chars().count() >= LONG && damerau_levenshtein(given, wanted) == 1
}

fn confidence(mistakes: usize) -> Option<Confidence> {
    let lost = u8::try_from(mistakes).ok()?.checked_mul(MISTAKE)?;
    100_u8.checked_sub(lost).filter(|sure| *sure >= SURE / 2)
}

/// How many mistakes make one word of the other; `None`: too many for one of that length. A short word is another word at once, and a
/// number another number.
fn mistakes(given: &str, wanted: &str) -> Option<usize> {
    if given == wanted {
        return Some(0);
    }
    let allowed = match wanted.chars().count() {
        _ if wanted.chars().any(|character| character.is_ascii_digit()) => 0,
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    Some(damerau_levenshtein(given, wanted)).filter(|mistakes| *mistakes <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(text: &str, wanted: &str) -> Option<Confidence> {
        begins(&words(text), &words(wanted))
    }

    #[test]
    fn case_accents_signs_and_emoji_make_no_difference() {
        for text in [
            "horaires",
            "HORAIRES !",
            " « Horaires » ",
            "Horaires 🙂",
            "ＨＯＲＡＩＲＥＳ",
            "horaires…",
        ] {
            assert_eq!(sure(text, "Horaires"), Some(100), "{text}");
        }
        assert_eq!(sure("rendez-vous", "Rendez vous"), Some(100));
        assert_eq!(sure("Horaires d'ouverture svp", "horaires"), Some(95));
    }

    #[test]
    fn a_mistake_is_forgiven_in_a_word_that_is_long_enough() {
        assert_eq!(sure("horiares", "horaires"), Some(85));
        assert_eq!(sure("horrairez", "horaires"), Some(70), "two are not sure");
        assert_eq!(sure("horaire du cabinet", "horaires"), Some(80));
        for (text, wanted) in [
            ("ouf", "oui"),
            ("10", "1"),
            ("rdv1", "rdv2"),
            ("bonjour", "horaires"),
            ("", "oui"),
            ("oui", ""),
        ] {
            assert_eq!(sure(text, wanted), None, "{text}");
        }
    }
}
