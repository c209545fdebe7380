//! One recipient as it was given, and the columns that its variables are kept in.

use std::fmt;

use crate::domain::{ContactId, Fitted, Lengths};

/// The most columns of one campaign: a text of 480 characters has no room for more.
pub(crate) const COLUMNS_MAX: usize = 32;

/// The longest name of a column, in characters.
pub(crate) const COLUMN_NAME_MAX: usize = 64;

/// The longest value of a variable, in characters: longer than any text that it could stand in.
pub(crate) const VALUE_MAX: usize = 500;

/// The names of a campaign's variables, in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns(Vec<String>);

impl Columns {
    /// Columns of these names.
    pub(super) fn of(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Their names; a column's number is its position here.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// The number of a column, which is made if there is room. `hint`: where it probably is, since rows are alike.
    pub(super) fn place(&mut self, name: &str, hint: usize) -> Option<usize> {
        if self.0.get(hint).is_some_and(|column| column == name) {
            return Some(hint);
        }
        if let Some(column) = self.0.iter().position(|column| column == name) {
            return Some(column);
        }
        if self.0.len() == COLUMNS_MAX {
            return None;
        }
        self.0.push(name.to_owned());
        Some(self.0.len() - 1)
    }
}

/// Where in the request a recipient stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The so-manieth element of `audience.recipients`, from 0.
    Recipient(u64),
    /// At that octet of the text `audience.numbers`.
    Number(u64),
    /// It is a contact.
    Contact(ContactId),
    /// Among the numbers that were pasted.
    Pasted,
    /// Somewhere among the recipients of the request.
    Audience,
}

impl fmt::Display for Place {
    /// A JSON pointer (RFC 6901); for a list of numbers with `#` and the octet after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipient(index) => write!(f, "/audience/recipients/{index}/to"),
            Self::Number(offset) => write!(f, "/audience/numbers#{offset}"),
            Self::Contact(id) => write!(f, "{id}"),
            Self::Pasted => f.write_str("/audience/numbers"),
            Self::Audience => f.write_str("/audience"),
        }
    }
}

/// One recipient as it was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// Where it stands.
    pub(crate) place: Place,
    /// The number, not yet looked at.
    pub(crate) to: &'a str,
    pub(crate) values: Values<'a>,
}

/// The variables of one recipient: texts by the number of their column. Columns without a value are left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    text: &'a str,
    cells: &'a [Cell],
}

impl<'a> Values<'a> {
    /// No variables.
    pub(crate) const NONE: Values<'static> = Values { text: "", cells: &[] };

    /// Those that a buffer has.
    pub(crate) fn of(buffer: &'a ValueBuffer) -> Self {
        Self {
            text: &buffer.text,
            cells: &buffer.cells,
        }
    }

    /// Column and value of each, in the order given.
    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = (usize, &'a str)> {
        self.cells
            .iter()
            .map(move |cell| (cell.column, &self.text[cell.start..cell.end]))
    }
}

/// The row that is being read. It is used again and again, so that a million rows take the memory of one.
#[derive(Debug, Default)]
pub(super) struct RowBuffer {
    to: String,
    to_given: bool,
    values: ValueBuffer,
}

/// Variables by the number of their column, of one row after the other.
#[derive(Debug, Default)]
pub(crate) struct ValueBuffer {
    text: String,
    cells: Vec<Cell>,
}

impl ValueBuffer {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
    }

    /// Takes values by their columns in place of what it has, as long as they may be.
    pub(crate) fn fill<V: AsRef<str>>(&mut self, given: impl Iterator<Item = (usize, V)>, lengths: &Lengths) -> Fit {
        self.clear();
        let mut fit = Fit::Whole;
        for (column, value) in given {
            match lengths.fit(column, value.as_ref()) {
                Fitted::AsItIs("") | Fitted::Cut("") => {}
                Fitted::AsItIs(value) => self.push(column, value),
                Fitted::Cut(value) => {
                    self.push(column, value);
                    fit = fit.max(Fit::Shortened);
                }
                Fitted::TooLong => fit = Fit::TooLong,
            }
        }
        fit
    }

    pub(crate) fn push(&mut self, column: usize, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.cells.push(Cell {
            column,
            start,
            end: self.text.len(),
        });
    }
}

/// What has become of the values of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    Whole,
    /// One was cut.
    Shortened,
    /// One is longer than whoever gets something may have.
    TooLong,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    column: usize,
    start: usize,
    end: usize,
}

impl RowBuffer {
    pub(super) fn clear(&mut self) {
        self.to_given = false;
        self.values.clear();
    }

    pub(super) fn set_to(&mut self, to: &str) {
        self.to.clear();
        self.to.push_str(to);
        self.to_given = true;
    }

    /// The row, if it has a number.
    pub(super) fn row(&self, place: Place) -> Option<Row<'_>> {
        self.to_given.then(|| Row {
            place,
            to: &self.to,
            values: Values::of(&self.values),
        })
    }

    /// Where the next variable's column probably is.
    pub(super) fn hint(&self) -> usize {
        self.values.cells.last().map_or(0, |cell| cell.column + 1)
    }

    pub(super) fn has(&self, column: usize) -> bool {
        self.values.cells.iter().any(|cell| cell.column == column)
    }

    pub(super) fn push(&mut self, column: usize, value: &str) {
        self.values.push(column, value);
    }
}

/// Takes the rows of an audience, one by one.
pub(crate) trait RowSink {
    /// Takes one row.
    ///
    /// # Errors
    /// [`SinkFull`]: no more rows are wanted, and the reading stops.
    fn row(&mut self, row: Row<'_>) -> Result<(), SinkFull>;
}

/// Why no more rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SinkFull {
    /// The campaign has as many recipients as it may.
    #[error("more than {max} recipients")]
    TooMany {
        /// How many it may have.
        max: u32,
    },
    /// Whoever takes the rows is gone, and knows why.
    #[error("the recipients are no longer taken")]
    Closed,
}
