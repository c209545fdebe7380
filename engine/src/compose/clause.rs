//! Where a text says how to write STOP. Pure.

use super::template::said_to_all;
use crate::domain::NUMBER_MARK;

/// What may stand between STOP and the number: "STOP par SMS au 36180", "STOP to 36180".
const BETWEEN: [&str; 9] = ["SMS", "PAR", "AU", "A", "À", "TO", "BY", "VIA", "PUB"];

/// What makes something else of a STOP behind it: "sans stop".
const BEFORE: [&str; 3] = ["SANS", "NON", "NO"];

/// The text with the number in the place of each mark; in small letters, it is one where it stands by itself.
pub(super) fn with_number(text: &str, number: &str) -> String {
    let text = text.replace(NUMBER_MARK, number);
    // Words, each with the sign behind it.
    let pieces = text.split_inclusive(|letter: char| !letter.is_alphanumeric());
    let numbered = |piece: &str| {
        let word = piece.trim_end_matches(|letter: char| !letter.is_alphanumeric());
        match word.eq_ignore_ascii_case(NUMBER_MARK) {
            true => format!("{number}{}", &piece[word.len()..]),
            false => piece.to_owned(),
        }
    };
    pieces.map(numbered).collect()
}

/// Whether whoever reads the text reads how to write STOP, whatever stands in its merge fields.
pub(super) fn is_said(text: &str, number: &str) -> bool {
    let text = said_to_all(text).to_uppercase();
    let words: Vec<&str> = words(&text).collect();
    // Of an international one the words are its digits.
    let number = number.trim_start_matches('+');
    let together = format!("STOP{number}");
    words.iter().enumerate().any(|(at, word)| {
        let is_other = at > 0 && BEFORE.contains(&words[at - 1]);
        let behind = words[at + 1..].iter().find(|word| !BETWEEN.contains(word));
        *word == together || *word == "STOP" && !is_other && behind.is_some_and(|behind| *behind == number)
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty())
}
