//! Text with delimiters → rows, in buffers of fixed lengths: whatever comes, no more than these is kept of it.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::SheetFault;
use super::columns::COLUMNS_MAX;
use super::delimiter::sniff;
use super::rows::{Cells, ROW_OCTETS_MAX};

/// How much is read at a time, and how much the delimiter is told from, in octets.
const READ_OCTETS: usize = 64 << 10;

/// Rows of a text in UTF-8.
pub(super) struct Delimited<R> {
    text: R,
    csv: Reader,
    pub(super) delimiter: u8,
    /// What was read, and how much of it is behind us.
    input: Box<[u8]>,
    filled: usize,
    at: usize,
    lines: Lines,
    /// The row that is being read: its cells, and where each ends.
    output: Box<[u8]>,
    ends: Box<[usize]>,
}

impl<R: Read> Delimited<R> {
    /// # Errors
    /// `text` cannot be read.
    pub(super) fn new(mut text: R) -> io::Result<Self> {
        let mut input = vec![0; READ_OCTETS].into_boxed_slice();
        let mut filled = 0;
        // A delimiter is told from more than what a socket has at once.
        while filled < input.len() {
            match text.read(&mut input[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        let (delimiter, at) = sniff(&input[..filled]);
        let mut lines = Lines::default();
        lines.pass(&input[..at]);
        Ok(Self {
            text,
            csv: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            input,
            filled,
            at,
            lines,
            output: vec![0; ROW_OCTETS_MAX].into_boxed_slice(),
            ends: vec![0; COLUMNS_MAX].into_boxed_slice(),
        })
    }

    /// The next row that is not blank.
    ///
    /// # Errors
    /// The text cannot be read, or a row is longer than what is kept of one.
    pub(super) fn next(&mut self) -> Result<Option<Cells<'_>>, SheetFault> {
        self.pass_line_ends()?;
        let line = self.lines.number();
        let (mut octets, mut cells) = (0, 0);
        loop {
            let input = &self.input[self.at..self.filled];
            let (result, read, written, ended) =
                self.csv
                    .read_record(input, &mut self.output[octets..], &mut self.ends[cells..]);
            self.lines.pass(&input[..read]);
            self.at += read;
            octets += written;
            cells += ended;
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
                // At the end of the text, the parser wants to be told so by an empty input.
                ReadRecordResult::InputEmpty => self.refill()?,
                ReadRecordResult::OutputFull => {
                    let max = ROW_OCTETS_MAX;
                    return Err(SheetFault::RowTooLong { line, max });
                }
                ReadRecordResult::OutputEndsFull => return Err(SheetFault::TooManyColumns { line, max: COLUMNS_MAX }),
            }
        }
        let text = std::str::from_utf8(&self.output[..octets]).map_err(io::Error::other)?;
        Ok(Some(Cells::new(line, text, &self.ends[..cells])))
    }

    /// Passes blank lines, and what is left of a line's end, so that a row is known by its line.
    fn pass_line_ends(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.input[self.at..self.filled];
            let ends = rest.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
            self.lines.pass(&rest[..ends]);
            self.at += ends;
            if self.at < self.filled {
                return Ok(());
            }
            self.refill()?;
            if self.filled == 0 {
                return Ok(());
            }
        }
    }

    /// All of the input is behind us: reads on.
    fn refill(&mut self) -> io::Result<()> {
        self.at = 0;
        self.filled = self.text.read(&mut self.input)?;
        Ok(())
    }
}

/// Counts lines that end with LF, CR or both.
#[derive(Default)]
struct Lines {
    ended: u64,
    after_return: bool,
}

impl Lines {
    fn pass(&mut self, octets: &[u8]) {
        for octet in octets {
            match octet {
                b'\r' => self.ended += 1,
                b'\n' if !self.after_return => self.ended += 1,
                _ => {}
            }
            self.after_return = *octet == b'\r';
        }
    }

    /// Of the line that comes next, from 1.
    fn number(&self) -> u64 {
        self.ended + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few octets at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(self.1).min(buffer.len());
            let (drop, rest) = self.0.split_at(length);
            buffer[..length].copy_from_slice(drop);
            self.0 = rest;
            Ok(length)
        }
    }

    fn rows(text: &str, drop: usize) -> Result<Vec<(u64, Vec<String>)>, SheetFault> {
        let mut delimited = Delimited::new(Drops(text.as_bytes(), drop)).unwrap();
        let mut rows = Vec::new();
        while let Some(cells) = delimited.next()? {
            rows.push((cells.line, cells.iter().map(str::to_owned).collect()));
        }
        Ok(rows)
    }

    #[test]
    fn rows_are_known_by_their_lines_however_these_end() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a;b", "", "\"c", "c\";d", "é;", "f", ""].join(end);
            let expected = [
                (1, vec!["a".to_owned(), "b".to_owned()]),
                (3, vec![format!("c{end}c"), "d".to_owned()]),
                (5, vec!["é".to_owned(), String::new()]),
                (6, vec!["f".to_owned()]),
            ];
            for drop in [1, 2, 3, 1_000] {
                assert_eq!(rows(&text, drop).unwrap(), expected, "{end:?} by {drop}");
            }
        }
        assert_eq!(rows("", 1).unwrap(), []);
        assert_eq!(rows("\r\n\r\n", 1).unwrap(), []);
        assert_eq!(
            rows("sep=,\r\na;b,c", 1).unwrap(),
            [(2, vec!["a;b".to_owned(), "c".to_owned()])]
        );
    }

    #[test]
    fn a_row_without_end_is_not_gathered() {
        let endless = |octet: u8| {
            let mut delimited = Delimited::new(io::repeat(octet).take(1 << 30)).unwrap();
            let fault = delimited.next().map(|_| ()).unwrap_err();
            (fault, delimited.text.limit())
        };
        let (fault, left) = endless(b'x');
        assert!(matches!(fault, SheetFault::RowTooLong { line: 1, .. }), "{fault:?}");
        assert!(left > (1 << 30) - (1 << 20));
        let (fault, left) = endless(b';');
        assert!(matches!(fault, SheetFault::TooManyColumns { line: 1, .. }), "{fault:?}");
        assert!(left > (1 << 30) - (1 << 20));
        let unclosed = format!("a;b\n\"{}", "c;d\n".repeat(100_000));
        assert!(matches!(
            rows(&unclosed, 1 << 20),
            Err(SheetFault::RowTooLong { line: 2, .. })
        ));
    }
}
