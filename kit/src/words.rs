//! "Did you mean …?": the word that was probably meant.

/// Longer words are not compared: the work would grow with the square of what a stranger sends.
const LETTERS_MAX: usize = 64;

/// For each this many letters, a word may be one edit further away.
const LETTERS_PER_EDIT: usize = 4;

/// The word among `allowed` that `word` was probably meant to be: the same letters in another case, or a few edits away
/// (a letter inserted, left out, replaced, or swapped with its neighbour). Of several that are equally near, the first.
pub fn nearest<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = comparable(word);
    let edits_max = 1 + word.chars().count() / LETTERS_PER_EDIT;
    allowed
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, &comparable(candidate)), candidate))
        .filter(|(edits, candidate)| *edits <= edits_max && *edits < candidate.chars().count())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

fn comparable(word: &str) -> String {
    word.to_lowercase().chars().take(LETTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_guessed_and_another_word_is_not() {
        let keys = ["window", "sessions", "rate", "to"];
        assert_eq!(nearest("windwo", keys), Some("window"));
        assert_eq!(nearest("WINDOW", keys), Some("window"));
        assert_eq!(nearest("session", keys), Some("sessions"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("x", keys), None, "a letter is not a misspelt two-letter word");
        assert_eq!(nearest("", keys), None);
    }

    #[test]
    fn longer_words_may_be_further_away() {
        assert_eq!(nearest("raet", ["rate"]), Some("rate"));
        assert_eq!(nearest("reat", ["rate"]), Some("rate"));
        assert_eq!(nearest("tear", ["rate"]), None);
        assert_eq!(
            nearest("enquire_lnik_intreval", ["enquire_link_interval"]),
            Some("enquire_link_interval")
        );
        assert_eq!(nearest(&"a".repeat(1_000_000), ["rate"]), None);
    }
}
