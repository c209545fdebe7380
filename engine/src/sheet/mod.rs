//! Files of contacts: texts with delimiters and workbooks, read as people and spreadsheets write them, and written so that
//! these read them again. Pure but for the temporary file that a body is kept in: no store, no HTTP, no clock.
//!
//! Memory: one row of at most 256 KiB, the first 20 rows, and the texts that the sheets of a workbook share (64 MiB).

mod cell;
mod columns;
mod contact;
mod customs;
mod dates;
mod delimited;
mod delimiter;
mod encoding;
mod export;
mod heads;
mod reading;
mod row;
mod rows;
mod spool;
mod workbook;
#[cfg(test)]
mod tests;

use std::io;

use crate::fault::{FieldFault, SheetProblem, WorkbookFlaw};

pub(crate) use columns::{COLUMNS_MAX, Column};
pub(crate) use contact::{Consent, Contact, Kind, Phone};
pub(crate) use export::{Dialect, ErrorList, Export, Table, Written};
pub(crate) use reading::{Mapping, ROWS_MAX, Reading, RowRead, Taker};
pub(crate) use row::{Manners, RowFault};
pub(crate) use rows::Cells;
pub(crate) use spool::{Form, Spool};

/// Why a file cannot be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SheetFault {
    /// The body, or the file that it is kept in.
    #[error("the file could not be read")]
    Io(#[from] io::Error),
    #[error("a workbook of more than {max} octets")]
    WorkbookTooLarge { max: u64 },
    #[error("a workbook that unpacks to more than {max} octets")]
    WorkbookUnpacksTooLarge { max: u64 },
    /// XLS, or a workbook with a password.
    #[error("a workbook of Excel 97, or with a password")]
    OldWorkbook,
    #[error("no workbook: {0:?}")]
    BrokenWorkbook(WorkbookFlaw),
    #[error("line {line} has more than {max} octets")]
    RowTooLong { line: u64, max: usize },
    #[error("line {line} has more than {max} columns")]
    TooManyColumns { line: u64, max: usize },
    #[error("more than {max} rows")]
    TooManyRows { max: u64 },
    /// Nothing but blank lines.
    #[error("no rows")]
    Empty,
    /// What is wrong with the columns, by their positions.
    #[error("the columns cannot be told")]
    Columns(Vec<FieldFault>),
    /// Whoever takes the rows wants no more.
    #[error("the reading was stopped")]
    Stopped,
}

impl From<WorkbookFlaw> for SheetFault {
    fn from(flaw: WorkbookFlaw) -> Self {
        Self::BrokenWorkbook(flaw)
    }
}

impl SheetFault {
    /// No workbook, as the library that reads them says.
    fn broken(error: impl std::error::Error) -> Self {
        Self::BrokenWorkbook(WorkbookFlaw::Other(error.to_string()))
    }

    /// The same, for whoever has sent the file; `None`: it is not the file's fault.
    pub(crate) fn problem(&self) -> Option<SheetProblem> {
        let problem = match self {
            Self::Io(_) | Self::Columns(_) | Self::Stopped => return None,
            Self::WorkbookTooLarge { max } | Self::WorkbookUnpacksTooLarge { max } => {
                SheetProblem::WorkbookTooLarge { max: *max }
            }
            Self::OldWorkbook => SheetProblem::OldWorkbook,
            Self::BrokenWorkbook(flaw) => SheetProblem::BrokenWorkbook(flaw.clone()),
            Self::RowTooLong { line, max } => SheetProblem::RowTooLong { line: *line, max: *max },
            Self::TooManyColumns { line, max } => SheetProblem::TooManyColumns { line: *line, max: *max },
            Self::TooManyRows { max } => SheetProblem::TooManyRows { max: *max },
            Self::Empty => SheetProblem::EmptyFile,
        };
        Some(problem)
    }
}
