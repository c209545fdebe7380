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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_take_for_one_name_is_one() {
        for name in ["Prénom", "prenom", " PRÉNOM ", "Pre\u{301}nom", "pré-nom"] {
            assert_eq!(fold(name), "prenom");
        }
        assert_eq!(fold("last_name"), fold("Last Name"));
        assert_eq!(fold("N° de sœur"), "n°desoeur");
    }
}
