//! Text with delimiters → rows: whatever comes, no more than one row is kept of it, and what is read at a time.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::SheetFault;
use super::columns::COLUMNS_MAX;
use super::delimiter::sniff;
use super::rows::{Cells, ROW_OCTETS_MAX};

/// How much is read at a time, and how much the delimiter is told from, in octets.
const READ_OCTETS: usize = 64 << 10;

/// The most ends of lines in one cell: what a person writes into one has fewer, and more are those of other people's rows.
const QUOTED_LINES_MAX: u64 = 20;

/// Rows of a text in UTF-8.
pub(super) struct Delimited<R> {
    text: R,
    csv: Reader,
    pub(super) delimiter: u8,
    /// What was read, and how much of it is behind us.
    input: Vec<u8>,
    filled: usize,
    at: usize,
    /// Where the row begins in it.
    row: usize,
    lines: Lines,
    /// The row that is being read: its cells, and where each ends.
    output: Box<[u8]>,
    ends: Box<[usize]>,
}

impl<R: Read> Delimited<R> {
    /// # Errors
    /// `text` cannot be read.
    pub(super) fn new(mut text: R) -> io::Result<Self> {
        let mut input = vec![0; READ_OCTETS];
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
            row: at,
            lines,
            output: vec![0; ROW_OCTETS_MAX].into_boxed_slice(),
            ends: vec![0; COLUMNS_MAX].into_boxed_slice(),
        })
    }

    /// The next row that is not blank. Where a quote is not closed, that is the line in which it stands, and the next row the next
    /// line: a quote that somebody typed swallows nobody.
    ///
    /// # Errors
    /// The text cannot be read, or a row is longer than what is kept of one.
    pub(super) fn next(&mut self) -> Result<Option<Cells<'_>>, SheetFault> {
        self.pass_line_ends()?;
        self.row = self.at;
        let begun = self.lines;
        let mut quotes = Quotes::default();
        let line = self.lines.number();
        let (mut octets, mut cells) = (0, 0);
        loop {
            let input = &self.input[self.at..self.filled];
            let (result, read, written, ended) =
                self.csv
                    .read_record(input, &mut self.output[octets..], &mut self.ends[cells..]);
            self.lines.pass(&input[..read]);
            quotes.pass(&input[..read], self.delimiter);
            self.at += read;
            octets += written;
            cells += ended;
            let is_whole = matches!(result, ReadRecordResult::Record);
            if quotes.is_stray() || (is_whole && quotes.quoted) {
                return self.line_as_it_is(begun, quotes.cell).map(Some);
            }
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
                // At the end of the text, the parser wants to be told so by an empty input.
                ReadRecordResult::InputEmpty => {
                    self.refill()?;
                }
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

    /// The line in which the row begins, by its delimiters alone; reading goes on behind it.
    fn line_as_it_is(&mut self, begun: Lines, unclosed: usize) -> Result<Cells<'_>, SheetFault> {
        self.csv.reset();
        self.lines = begun;
        let line = begun.number();
        let rest = &self.input[self.row..self.filled];
        let length = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n'));
        let text = &rest[..length.unwrap_or(rest.len())];
        if text.len() > ROW_OCTETS_MAX {
            let max = ROW_OCTETS_MAX;
            return Err(SheetFault::RowTooLong { line, max });
        }
        self.at = self.row + text.len();
        self.lines.pass(text);
        let (mut octets, mut cells) = (0, 0);
        for cell in text.split(|octet| *octet == self.delimiter) {
            if cells == COLUMNS_MAX {
                return Err(SheetFault::TooManyColumns { line, max: COLUMNS_MAX });
            }
            self.output[octets..octets + cell.len()].copy_from_slice(cell);
            octets += cell.len();
            self.ends[cells] = octets;
            cells += 1;
        }
        let text = std::str::from_utf8(&self.output[..octets]).map_err(io::Error::other)?;
        Ok(Cells::new(line, text, &self.ends[..cells]).not_closed(unclosed))
    }

    /// Passes blank lines, and what is left of a line's end, so that a row is known by its line.
    fn pass_line_ends(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.input[self.at..self.filled];
            let ends = rest.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
            self.lines.pass(&rest[..ends]);
            self.at += ends;
            self.row = self.at;
            if self.at < self.filled || self.refill()? == 0 {
                return Ok(());
            }
        }
    }

    /// Reads on, and keeps the row that is being read: at most what fits one, twice where every second octet is a quote.
    fn refill(&mut self) -> io::Result<usize> {
        self.input.copy_within(self.row..self.filled, 0);
        self.at -= self.row;
        self.filled -= self.row;
        self.row = 0;
        if self.filled == self.input.len() {
            self.input.resize(self.filled + READ_OCTETS, 0);
        }
        let read = self.text.read(&mut self.input[self.filled..])?;
        self.filled += read;
        Ok(read)
    }
}

/// Follows the quotes of one row, as the parser of the rows takes them.
#[derive(Default)]
struct Quotes {
    /// Of the cell that is being read, from 0.
    cell: usize,
    /// Within quotes.
    quoted: bool,
    /// Behind the first octet of the cell.
    begun: bool,
    /// Behind a quote that closes, or is the first of two that stand for one.
    closed: bool,
    /// A cell of several lines whose closing quote something follows: that quote was meant to open another cell.
    torn: bool,
    /// Of the lines that end within quotes.
    lines: Lines,
    /// The lines that had ended when the cell began.
    before: u64,
}

impl Quotes {
    fn pass(&mut self, octets: &[u8], delimiter: u8) {
        for octet in octets {
            if self.torn {
                return;
            }
            let ends = *octet == delimiter || matches!(octet, b'\r' | b'\n');
            match *octet {
                b'"' if self.quoted => (self.quoted, self.closed) = (false, true),
                b'"' if !self.begun || self.closed => (self.quoted, self.closed) = (true, false),
                _ if self.quoted => self.lines.pass(&[*octet]),
                _ if ends => {
                    self.cell += 1;
                    (self.begun, self.closed, self.before) = (false, false, self.lines.ended);
                    continue;
                }
                _ => {
                    self.torn = self.closed && self.lines.ended > self.before;
                    self.closed = false;
                }
            }
            self.begun = true;
        }
    }

    fn is_stray(&self) -> bool {
        self.torn || self.lines.ended - self.before > QUOTED_LINES_MAX
    }
}

/// Counts lines that end with LF, CR or both.
#[derive(Clone, Copy, Default)]
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
    const fn number(self) -> u64 {
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
    }

    #[test]
    fn a_quote_that_is_not_closed_swallows_nobody() {
        let plain = |at: u64| (at, vec![format!("n{at}"), format!("06{at}")]);
        for (mended, text) in [
            // Never closed; closed by another stray quote, far away and near; in the last line, with an end and without.
            (vec![3], "\"n3;063\n".to_owned()),
            (vec![3, 700], "\"n3;063\n".to_owned()),
            (vec![3, 7], "\"n3;063\n".to_owned()),
            (vec![1_000], "\"n1000;061000\n".to_owned()),
            (vec![1_000], "\"n1000;061000".to_owned()),
        ] {
            let mut lines: Vec<String> = (1..=1_000).map(|at| format!("n{at};06{at}\n")).collect();
            for at in &mended {
                lines[at - 1] = format!("\"n{at};06{at}\n");
            }
            if !text.ends_with('\n') {
                lines[999].clone_from(&text);
            }
            for drop in [1, 1_000] {
                let found = rows(&lines.concat(), drop).unwrap();
                assert_eq!(found.len(), 1_000, "{mended:?}");
                for (at, row) in (1..).zip(&found) {
                    let (line, mut cells) = plain(at);
                    let signs = usize::from(mended.contains(&(at as usize)));
                    cells[0].insert_str(0, &"\"".repeat(signs));
                    assert_eq!(*row, (line, cells), "{mended:?} by {drop}");
                }
            }
        }
        let several = format!("a;\"{}\";c\nd", "line\r\n".repeat(20));
        assert_eq!(
            rows(&several, 7).unwrap()[0].1.len(),
            3,
            "what people write stays in one cell"
        );
        assert_eq!(rows("\"a\"\"\nb\"\"\";c", 1).unwrap()[0].1, ["a\"\nb\"", "c"]);
        assert_eq!(
            rows("\"a\" b;c\nd", 1).unwrap()[0].1,
            ["a b", "c"],
            "as people have it in one line"
        );
    }

    #[test]
    fn a_row_that_is_quoted_to_its_end_says_which_cell_is_not_closed() {
        let mut delimited = Delimited::new("a;b;\"c;d\ne".as_bytes()).unwrap();
        assert_eq!(delimited.next().unwrap().unwrap().unclosed, Some(2));
        assert_eq!(delimited.next().unwrap().unwrap().unclosed, None);
        assert!(delimited.next().unwrap().is_none());
    }
}
