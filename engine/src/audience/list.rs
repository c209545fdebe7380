//! A list of numbers as people paste it: `+33612345678; 06 87 65 43 21, …`, piece by piece.

use super::number::NUMBER_OCTETS_MAX;

/// One number of a list, not yet looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// As it stands in the list, without spaces around it; cut after some more than a number can have.
    pub(crate) text: &'a str,
    /// Where it begins, in octets from the beginning of the list.
    pub(crate) offset: u64,
}

/// Cuts a list into its numbers. Between two numbers stand `,`, `;`, `|`, a tab, a new line or just a space; spaces
/// within a number are understood, since no number begins before the one ahead has its digits.
#[derive(Debug, Default)]
pub(crate) struct NumberList {
    /// The number that is being read; its capacity is all the memory that a list of any length takes.
    token: String,
    token_offset: u64,
    /// Octets read so far.
    offset: u64,
    digits: usize,
    after_space: bool,
}

impl NumberList {
    /// A list of which nothing has been read.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Reads the next piece of the list, which may end anywhere, and hands on the numbers that end in it.
    ///
    /// # Errors
    /// Whatever `take` answers with; the list is then of no more use.
    pub(crate) fn feed<E>(&mut self, piece: &str, mut take: impl FnMut(Token<'_>) -> Result<(), E>) -> Result<(), E> {
        for character in piece.chars() {
            match character {
                ',' | ';' | '|' | '\t' | '\n' | '\r' => self.end(&mut take)?,
                space if space.is_whitespace() => self.after_space = true,
                other => {
                    if self.after_space && self.begins_another(other) {
                        self.end(&mut take)?;
                    }
                    self.push(other);
                }
            }
            self.offset += character.len_utf8() as u64;
        }
        Ok(())
    }

    /// Ends the list: hands on its last number.
    ///
    /// # Errors
    /// As [`NumberList::feed`].
    pub(crate) fn finish<E>(mut self, mut take: impl FnMut(Token<'_>) -> Result<(), E>) -> Result<(), E> {
        self.end(&mut take)
    }

    /// Whether what comes after a space is another number, rather than the next digits of this one.
    fn begins_another(&self, character: char) -> bool {
        let complete = match self.token.as_bytes() {
            // +33 6 12 34 56 78: eleven; longer ones are only cut when a `+` or `0` could not belong to them.
            [b'+', ..] => 11,
            [b'0', b'0', ..] => 13,
            [b'0', ..] => 10,
            _ => 9,
        };
        character == '+' || self.digits >= complete
    }

    fn push(&mut self, character: char) {
        if self.token.is_empty() {
            self.token_offset = self.offset;
        } else if self.after_space {
            self.token.push(' ');
        }
        self.after_space = false;
        self.digits += usize::from(character.is_ascii_digit());
        // One more than a number can have: enough to see that it is not one.
        if self.token.len() <= NUMBER_OCTETS_MAX {
            self.token.push(character);
        }
    }

    fn end<E>(&mut self, take: &mut impl FnMut(Token<'_>) -> Result<(), E>) -> Result<(), E> {
        let taken = match self.token.is_empty() {
            true => Ok(()),
            false => take(Token {
                text: &self.token,
                offset: self.token_offset,
            }),
        };
        self.token.clear();
        self.digits = 0;
        self.after_space = false;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(pieces: &[&str]) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        let mut take = |token: Token<'_>| -> Result<(), ()> {
            found.push((token.text.to_owned(), token.offset));
            Ok(())
        };
        let mut list = NumberList::new();
        for piece in pieces {
            list.feed(piece, &mut take).unwrap();
        }
        list.finish(&mut take).unwrap();
        found
    }

    fn texts(list: &str) -> Vec<String> {
        tokens(&[list]).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn every_separator_separates() {
        let list = "+33612345678;+33687654321,\n0612345678\t0687654321 | 612345678\r\n\r\n,;";
        assert_eq!(
            texts(list),
            ["+33612345678", "+33687654321", "0612345678", "0687654321", "612345678"]
        );
        assert_eq!(texts(" \n"), Vec::<String>::new());
    }

    #[test]
    fn spaces_within_a_number_belong_to_it() {
        assert_eq!(
            texts("06 12 34 56 78 06 87 65 43 21"),
            ["06 12 34 56 78", "06 87 65 43 21"]
        );
        assert_eq!(texts("0612345678 0687654321"), ["0612345678", "0687654321"]);
        assert_eq!(
            texts("+33 6 12 34 56 07 +33 (0)6 87 65 43 01"),
            ["+33 6 12 34 56 07", "+33 (0)6 87 65 43 01"]
        );
        assert_eq!(
            texts("0033 6 12 34 56 07 0033 6 12 34 56 08"),
            ["0033 6 12 34 56 07", "0033 6 12 34 56 08"]
        );
        assert_eq!(texts("+32470123456 +12015550123"), ["+32470123456", "+12015550123"]);
        assert_eq!(texts("Martin; Zoé D"), ["Martin", "Zoé D"]);
    }

    #[test]
    fn offsets_are_those_of_the_whole_list_wherever_it_is_cut() {
        let list = "é;0612345678 ; 06 87";
        let whole = tokens(&[list]);
        assert_eq!(
            whole,
            [
                ("é".to_owned(), 0),
                ("0612345678".to_owned(), 3),
                ("06 87".to_owned(), 16)
            ]
        );
        for cut in (0..list.len()).filter(|cut| list.is_char_boundary(*cut)) {
            assert_eq!(tokens(&[&list[..cut], &list[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_list_of_any_length_takes_little_memory() {
        let found = tokens(&["1"; 100_000]);
        assert_eq!(found.len(), 1);
        assert!(found[0].0.len() <= NUMBER_OCTETS_MAX + 2);
    }

    #[test]
    fn the_taker_may_stop() {
        assert_eq!(NumberList::new().feed("1,2,3", |token| Err(token.offset)), Err(0));
    }
}
