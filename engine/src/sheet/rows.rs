//! One row, as every form of file has it.

/// The longest row, in octets: every column of a contact filled to its end, and room.
pub(crate) const ROW_OCTETS_MAX: usize = 256 << 10;

/// The cells of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    /// Where it stands in the file, from 1.
    pub(crate) line: u64,
    text: &'a str,
    /// Where each cell ends in the text.
    ends: &'a [usize],
    /// The cell that a quote opens and none closes, from 0; the cells are those of that line then.
    pub(super) unclosed: Option<usize>,
}

impl<'a> Cells<'a> {
    pub(super) fn new(line: u64, text: &'a str, ends: &'a [usize]) -> Self {
        let unclosed = None;
        Self {
            line,
            text,
            ends,
            unclosed,
        }
    }

    /// The same, of a line in which a quote opens that cell and nothing closes it.
    pub(super) fn not_closed(self, cell: usize) -> Self {
        Self {
            unclosed: Some(cell),
            ..self
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let text = self.text;
        // What is no boundary of letters is none of ours.
        starts
            .zip(self.ends)
            .map(move |(start, end)| text.get(start..*end).unwrap_or_default())
    }

    /// Of all cells together.
    pub(crate) fn octets(self) -> usize {
        self.text.len()
    }

    pub(super) fn len(self) -> usize {
        self.ends.len()
    }

    /// A copy that can be kept.
    pub(super) fn kept(self) -> Kept {
        Kept {
            line: self.line,
            text: self.text.to_owned(),
            ends: self.ends.to_vec(),
            unclosed: self.unclosed,
        }
    }
}

/// A row that is kept, or made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) line: u64,
    text: String,
    ends: Vec<usize>,
    unclosed: Option<usize>,
}

impl Kept {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    pub(super) fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    pub(super) fn octets(&self) -> usize {
        self.text.len()
    }

    pub(super) fn cells(&self) -> Cells<'_> {
        Cells {
            unclosed: self.unclosed,
            ..Cells::new(self.line, &self.text, &self.ends)
        }
    }
}
