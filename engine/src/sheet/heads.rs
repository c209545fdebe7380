//! Which of a file's first rows has the names of its columns: people write what a list is above them, and leave lines free.

use super::columns::{Column, is_of_field, recognised};
use super::row::{Manners, is_number, looks_like_number};
use super::rows::Kept;

/// The rows among which the names are looked for, blank ones not counted: what the list is, of when, by whom, and room.
pub(super) const HEADS_WITHIN: usize = 6;

/// The position of the row that has the names, among the first rows; `None`: there is none.
///
/// A row that has a number is a contact, and so is what stands below it. Of the rows above, it is the one that names a column of
/// numbers, then the one that names the most columns, then the first.
pub(super) fn heads(head: &[Kept], told: Option<&[Column]>, manners: &Manners) -> Option<usize> {
    let has_number = |row: &Kept| row.cells().iter().any(|cell| looks_like_number(cell, manners));
    let above: Vec<&Kept> = head
        .iter()
        .take(HEADS_WITHIN)
        .take_while(|row| !has_number(row))
        .collect();
    // max_by_key has the last of equals.
    let rows = || above.iter().enumerate().rev();
    let named = rows().filter_map(|(at, row)| Some((Names::of(row).rank(at)?, at)));
    if let Some((_, at)) = named.max_by_key(|(rank, _)| *rank) {
        return Some(at);
    }
    // Who tells the columns may call them in a language that nobody here reads.
    let told = told?;
    let foreign = rows().filter(|(_, row)| names_numbers(row, told));
    foreign.max_by_key(|(_, row)| Names::of(row).cells).map(|(at, _)| at)
}

/// How a row could be the names of columns.
struct Names {
    /// Cells in which something stands, and those of them that name a field.
    cells: usize,
    fields: usize,
    /// One of these is a column of numbers.
    of_numbers: bool,
}

impl Names {
    fn of(row: &Kept) -> Self {
        let cells = || row.cells().iter().filter(|cell| !cell.trim().is_empty());
        Self {
            cells: cells().count(),
            fields: cells().filter(|cell| is_of_field(cell)).count(),
            of_numbers: cells().any(|cell| recognised(cell).is_ok_and(|column| is_number(&column))),
        }
    }

    /// What goes first is greater. `None`: these are no names. Where names are expected, one that is known is enough; below that
    /// row, it could be the practice of somebody without a number, and all of them are, or two.
    fn rank(&self, at: usize) -> Option<(bool, usize)> {
        let enough = match at {
            0 => self.fields > 0,
            _ => self.fields > 1 || (self.fields > 0 && self.fields == self.cells),
        };
        enough.then_some((self.of_numbers, self.fields))
    }
}

/// Whether what stands in the columns of numbers are words.
fn names_numbers(row: &Kept, told: &[Column]) -> bool {
    let mut words = row.cells().iter().zip(told).filter(|(_, column)| is_number(column));
    let are_words =
        |(cell, _): (&str, &Column)| !cell.trim().is_empty() && !cell.contains(|letter: char| letter.is_ascii_digit());
    words.next().is_some_and(are_words) && words.all(are_words)
}
