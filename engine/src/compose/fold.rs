//! When are two names of a field the same to a person?

use unicode_normalization::UnicodeNormalization;

/// A name without what people leave out: case, accents, spaces, hyphens, underscores and apostrophes.
/// `Prénom`, `prenom` and `PRENOM` are one name, `last_name` and `Last Name` another.
pub(crate) fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase).nfd() {
        match letter {
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            '_' | '-' | '\'' | '’' => {}
            // What accents have become: marks behind their letter, as macOS writes them anyway.
            '\u{300}'..='\u{36f}' => {}
            space if space.is_whitespace() => {}
            plain => folded.push(plain),
        }
    }
    folded
}

/// A value of such a field, as [`fold`] has it; but a hyphen before a digit stays: `-3` is not `3`, and `1-2` is not `12`.
pub(crate) fn fold_value(value: &str) -> String {
    let mut folded = String::with_capacity(value.len());
    let mut parts = value.split('-').peekable();
    while let Some(part) = parts.next() {
        folded += &fold(part);
        let stays = |next: &&str| next.starts_with(|first: char| first.is_ascii_digit());
        if parts.peek().is_some_and(stays) {
            folded.push('-');
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_what_words_do_without() {
        assert_eq!(fold_value("Saint-Étienne"), fold_value("saint etienne"));
        for (one, other) in [("-3", "3"), ("1-2", "12"), ("2026-01-02", "20260102")] {
            assert_ne!(fold_value(one), fold_value(other));
        }
        assert_eq!(fold_value("12 000"), "12000");
        assert_eq!(fold_value("--3-"), "-3");
    }

    #[test]
    fn what_people_take_for_one_name_is_one() {
        for name in ["Prénom", "prenom", " PRÉNOM ", "Pre\u{301}nom", "pré-nom"] {
            assert_eq!(fold(name), "prenom");
        }
        assert_eq!(fold("last_name"), fold("Last Name"));
        assert_eq!(fold("N° de sœur"), "n°desoeur");
    }
}
