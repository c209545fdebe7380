//! One cell: what people and spreadsheets put around a text, taken off and put on again.
//!
//! [`guarded`] and [`bare`] are each other's inverse for every text: what is written down comes back to the letter.

use std::borrow::Cow;

/// Before this, a spreadsheet takes a cell for a formula, or for what ends another cell.
const DANGEROUS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What a spreadsheet is told by that a cell is text.
const TEXT_MARK: char = '\'';

/// Between the texts of one cell that holds several.
const SEPARATORS: [char; 4] = ['|', ';', ',', '\n'];

/// Between what a number is for and the number.
pub(super) const LABEL_END: char = ':';

/// The text that is meant: without the spaces around it, `="…"`, or the apostrophe that makes a cell text. What follows
/// such an apostrophe is taken to the letter.
pub(super) fn bare(cell: &str) -> Cow<'_, str> {
    let text = trimmed(cell);
    if let Some(text) = text.strip_prefix(TEXT_MARK) {
        // Spaces behind it are a part of the text, and those before it are not.
        let spaces = cell.len() - cell.trim_start_matches(blank).len();
        return Cow::Borrowed(cell.get(spaces + TEXT_MARK.len_utf8()..).unwrap_or(text));
    }
    match text.strip_prefix("=\"").and_then(|text| text.strip_suffix('"')) {
        Some(text) if text.contains('"') => Cow::Owned(text.replace("\"\"", "\"")),
        Some(text) => Cow::Borrowed(text),
        None => Cow::Borrowed(text),
    }
}

/// The cell that no spreadsheet takes for anything but `text`.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(DANGEROUS) || bare(text) != text {
        Cow::Owned(format!("{TEXT_MARK}{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Without the spaces around it, among them those that do not break and those that show nothing.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(blank)
}

fn blank(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{200B}' | '\u{FEFF}' | '\u{2060}')
}

/// A letter that no text of a contact has.
pub(super) fn forbidden(letter: char) -> bool {
    letter.is_control() && !BLANKS.contains(&letter)
}

/// Control characters that texts of a contact may have.
pub(super) const BLANKS: [char; 3] = ['\t', '\n', '\r'];

/// The texts of a cell that holds several: `a | b`, `a, b`, `"a, b" | c`.
pub(super) fn split(cell: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = trimmed(cell);
    while !rest.is_empty() {
        let (text, behind) = match rest.strip_prefix('"').and_then(quoted) {
            Some((text, behind)) => (text, behind),
            None => {
                let (text, behind) = rest.split_once(SEPARATORS).unwrap_or((rest, ""));
                (trimmed(text).to_owned(), behind)
            }
        };
        if !text.is_empty() {
            texts.push(text);
        }
        rest = behind.trim_start_matches(blank);
    }
    texts
}

/// A text up to its closing quote, and what is behind its separator; `None`: it does not end as one.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut from = 0;
    loop {
        let at = from + rest[from..].find('"')?;
        let behind = &rest[at + 1..];
        if behind.starts_with('"') {
            from = at + 2;
            continue;
        }
        let text = rest[..at].replace("\"\"", "\"");
        let behind = behind.trim_start_matches(|letter| blank(letter) && letter != '\n');
        if behind.is_empty() {
            return Some((text, behind));
        }
        return behind.strip_prefix(SEPARATORS).map(|behind| (text, behind));
    }
}

/// The cell that [`split`] makes these texts of.
pub(super) fn joined<T: AsRef<str>>(texts: &[T]) -> String {
    let mut cell = String::new();
    for text in texts {
        let text = text.as_ref();
        if !cell.is_empty() {
            cell.push_str(" | ");
        }
        if text.contains(SEPARATORS) || text.starts_with('"') || trimmed(text) != text {
            cell.push('"');
            cell.push_str(&text.replace('"', "\"\""));
            cell.push('"');
        } else {
            cell.push_str(text);
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_a_text_is_taken_off() {
        for (cell, text) in [
            (" Zoé\u{a0}", "Zoé"),
            ("\u{202f}06 12\u{202f}", "06 12"),
            ("=\"0612345678\"", "0612345678"),
            ("=\"a\"\"b\"", "a\"b"),
            ("'0612345678", "0612345678"),
            ("'=1+1", "=1+1"),
            ("' a ", " a "),
            ("''a", "'a"),
            ("l'été", "l'été"),
            ("'", ""),
            ("=1+1", "=1+1"),
            ("", ""),
        ] {
            assert_eq!(bare(cell), text, "{cell}");
        }
    }

    #[test]
    fn a_formula_is_kept_from_being_one() {
        for (text, cell) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+33612345678", "'+33612345678"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("'x", "''x"),
            ("x=1", "x=1"),
        ] {
            assert_eq!(guarded(text), cell);
        }
    }

    #[test]
    fn several_texts_share_a_cell() {
        for (cell, texts) in [
            ("Pau | Tarbes", vec!["Pau", "Tarbes"]),
            ("Pau, Tarbes;Dax\nOrthez", vec!["Pau", "Tarbes", "Dax", "Orthez"]),
            ("\"Pau, centre\" | Tarbes", vec!["Pau, centre", "Tarbes"]),
            ("\"a\"\"b\",c", vec!["a\"b", "c"]),
            ("\"a\" b, c", vec!["\"a\" b", "c"]),
            ("\"a, b", vec!["\"a", "b"]),
            (" , ;", vec![]),
        ] {
            assert_eq!(split(cell), texts, "{cell}");
        }
    }

    proptest::proptest! {
        #![proptest_config(crate::test_cases(1_000))]

        #[test]
        fn every_text_comes_back(text in "[-'=+@\"\t\r\n a\u{a0}é;,|]{0,8}") {
            let cell = guarded(&text).into_owned();
            proptest::prop_assert_eq!(bare(&cell), text.as_str());
        }

        #[test]
        fn every_list_comes_back(texts in proptest::collection::vec("[\" a\u{a0}é;,|\n']{1,6}", 0..5)) {
            proptest::prop_assert_eq!(split(&bare(&guarded(&joined(&texts)))), texts);
        }
    }
}
