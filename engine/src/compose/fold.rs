//! When are two names of a field the same to a person?

/// A name without what people leave out: case, accents, spaces, hyphens, underscores and apostrophes.
/// `Prénom`, `prenom` and `PRENOM` are one name, `last_name` and `Last Name` another.
pub(crate) fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => folded.push('a'),
            'ç' => folded.push('c'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ñ' => folded.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' => folded.push('o'),
            'ù' | 'ú' | 'û' | 'ü' => folded.push('u'),
            'ý' | 'ÿ' => folded.push('y'),
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            // Accents that stand apart from their letter, as macOS writes them.
            '\u{300}'..='\u{36f}' => {}
            '_' | '-' | '\'' | '’' => {}
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
