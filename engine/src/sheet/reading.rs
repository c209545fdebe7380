//! A file → its columns, then its rows, one after the other.

use std::ops::ControlFlow;

use super::columns::{Column, Field, Settled, as_attribute, recognised, says_appointment, says_mobile};
use super::contact::Contact;
use super::delimited::Delimited;
use super::encoding::Encoding;
use super::heads::{HEADS_WITHIN, heads};
use super::row::{self, Manners, RowFault, is_day_to_come, is_number, looks_like_number};
use super::rows::{Cells, Kept};
use super::spool::{Form, Spool};
use super::{SheetFault, workbook};
use crate::fault::{FieldFault, FieldProblem, SheetProblem};

/// The most rows of a file: what a sheet of Excel has.
pub(crate) const ROWS_MAX: u64 = 1_048_576;

/// The rows that are looked at to tell the columns.
const HEAD_ROWS: usize = 20;

/// What the name of a column without one begins with.
const UNNAMED: &str = "Colonne";

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// `None`: a workbook.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) delimiter: Option<u8>,
    /// The line of the row that has names, and no contact; what stands above it is left out.
    pub(crate) header: Option<u64>,
    /// What each column is called in the file.
    pub(crate) names: Vec<String>,
    /// What each holds.
    pub(crate) columns: Vec<Column>,
}

/// A row, and what it says.
pub(crate) struct RowRead<'a> {
    pub(crate) cells: Cells<'a>,
    pub(crate) contact: Result<Contact, RowFault>,
}

/// Takes the rows of a file.
pub(crate) trait Taker {
    /// Before all rows.
    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()>;

    fn row(&mut self, row: RowRead<'_>) -> ControlFlow<()>;
}

/// How a file is to be read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// What its columns are, if that was told.
    pub(crate) columns: Option<Vec<Column>>,
    pub(crate) manners: Manners,
    pub(crate) rows_max: u64,
}

impl Reading {
    /// Reads the file to its end, or until `taker` breaks off.
    ///
    /// # Errors
    /// See [`SheetFault`]; `taker` may have had rows before. [`SheetFault::Stopped`]: it has broken off.
    pub(crate) fn read(&self, spool: Spool, taker: &mut dyn Taker) -> Result<(), SheetFault> {
        let mut course = Course {
            reading: self,
            taker,
            head: Vec::new(),
            mapping: Mapping {
                encoding: None,
                delimiter: None,
                header: None,
                names: Vec::new(),
                columns: Vec::new(),
            },
            begun: false,
            rows: 0,
        };
        match spool.form {
            Form::Workbook => workbook::each_row(spool.file, &mut |cells| course.take(cells))?,
            Form::Text(encoding) => {
                let mut text = Delimited::new(encoding.decoded(spool.file))?;
                course.mapping.encoding = Some(encoding);
                course.mapping.delimiter = Some(text.delimiter);
                while let Some(cells) = text.next()? {
                    course.take(cells)?;
                }
            }
        }
        course.finish()
    }
}

/// One file on its way.
struct Course<'r> {
    reading: &'r Reading,
    taker: &'r mut dyn Taker,
    /// The first rows, until they are enough to tell the columns.
    head: Vec<Kept>,
    mapping: Mapping,
    begun: bool,
    rows: u64,
}

impl Course<'_> {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), SheetFault> {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        if self.begun {
            return self.hand_on(cells);
        }
        self.head.push(cells.kept());
        if self.head.len() < HEAD_ROWS {
            return Ok(());
        }
        self.begin()
    }

    fn finish(mut self) -> Result<(), SheetFault> {
        if self.begun {
            return Ok(());
        }
        if self.head.is_empty() {
            return Err(SheetFault::Empty);
        }
        self.begin()
    }

    /// Tells the columns and hands the first rows on.
    fn begin(&mut self) -> Result<(), SheetFault> {
        let head = std::mem::take(&mut self.head);
        let above = tell(&head, self.reading, &mut self.mapping).map_err(SheetFault::Columns)?;
        self.begun = true;
        if self.taker.mapping(&self.mapping).is_break() {
            return Err(SheetFault::Stopped);
        }
        for row in head.iter().skip(above) {
            self.hand_on(row.cells())?;
        }
        Ok(())
    }

    fn hand_on(&mut self, cells: Cells<'_>) -> Result<(), SheetFault> {
        self.rows += 1;
        if self.rows > self.reading.rows_max {
            let max = self.reading.rows_max;
            return Err(SheetFault::TooManyRows { max });
        }
        let contact = match cells.unclosed {
            None => row::read(cells.iter(), &self.mapping.columns, &self.reading.manners),
            Some(column) => Err(RowFault::unclosed(cells, column)),
        };
        match self.taker.row(RowRead { cells, contact }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(SheetFault::Stopped),
        }
    }
}

/// What the columns are called, and what they hold. Returns how many of the first rows are no contacts: the names, and what stands
/// above them.
fn tell(head: &[Kept], reading: &Reading, mapping: &mut Mapping) -> Result<usize, Vec<FieldFault>> {
    let manners = &reading.manners;
    let found = heads(head, reading.columns.as_deref(), manners);
    let named = found.and_then(|at| head.get(at));
    mapping.header = named.map(|row| row.line);
    let width = head.iter().map(|row| row.cells().len()).max().unwrap_or_default();
    mapping.names = names(named, width);
    mapping.columns = match &reading.columns {
        Some(told) => as_told(told, width)?,
        None if named.is_some() => {
            let rows = head.get(found.map_or(0, |at| at + 1)..).unwrap_or_default();
            by_names(&mapping.names, (rows, manners))?
        }
        None => by_contents(head, &mapping.names, manners)?,
    };
    if mapping.columns.iter().any(is_number) {
        return Ok(found.map_or(0, |at| at + 1));
    }
    let pointer = if reading.columns.is_some() { "?columns" } else { "" };
    let problem = SheetProblem::NoNumberColumn {
        heads: mapping.header,
        within: HEADS_WITHIN,
    };
    Err(vec![FieldFault::new(pointer, problem.into())])
}

fn names(named: Option<&Kept>, width: usize) -> Vec<String> {
    let numbered = |at: usize| format!("{UNNAMED} {}", at + 1);
    let Some(named) = named else {
        return (0..width).map(numbered).collect();
    };
    // Without a name, a column is not read: what is under it may be notes.
    let names = named.cells().iter().map(|name| super::cell::trimmed(name).to_owned());
    names
        .chain(std::iter::repeat_n(String::new(), width))
        .take(width)
        .collect()
}

fn as_told(told: &[Column], width: usize) -> Result<Vec<Column>, Vec<FieldFault>> {
    if told.len() > width {
        let problem = FieldProblem::TooMany { max: width };
        return Err(vec![FieldFault::new("?columns", problem)]);
    }
    let rest = std::iter::repeat_n(Column::Ignored, width - told.len());
    Ok(told.iter().cloned().chain(rest).collect())
}

fn by_names(names: &[String], (rows, manners): (&[Kept], &Manners)) -> Result<Vec<Column>, Vec<FieldFault>> {
    let mut settled = Settled::default();
    let mut faults = Vec::new();
    // A list of the appointments of tomorrow says nothing of the last visit.
    let cells_at = |at: usize| rows.iter().filter_map(move |row| row.cells().iter().nth(at));
    let is_to_come = |(at, name): (usize, &String)| {
        let is_visit = recognised(name) == Ok(Column::Field(Field::LastVisit));
        is_visit && says_appointment(name) && cells_at(at).any(|cell| is_day_to_come(cell, manners))
    };
    let are_to_come = names.iter().enumerate().any(is_to_come);
    let number = Column::Field(Field::Number);
    let of_mobiles = |name: &String| says_mobile(name) && recognised(name).as_ref() == Ok(&number);
    let has_mobiles = names.iter().any(of_mobiles);
    for (at, name) in names.iter().enumerate() {
        // Beside a column of mobiles, one of whatever numbers does not come first by standing before it.
        let column = match recognised(name) {
            Ok(column) if has_mobiles && column == number && !says_mobile(name) => {
                Ok(Column::Field(Field::OtherNumbers))
            }
            Ok(Column::Field(Field::LastVisit | Field::LastVisitPractice)) if are_to_come && says_appointment(name) => {
                as_attribute(name)
            }
            recognised => recognised,
        };
        let added = column.and_then(|column| settled.add(column, name));
        if let Err(problem) = added {
            faults.push(FieldFault::new(format!("?columns/{at}"), problem));
        }
    }
    if faults.is_empty() {
        Ok(settled.columns())
    } else {
        Err(faults)
    }
}

/// Without names: the column with the most numbers is the number, and the others are attributes.
fn by_contents(head: &[Kept], names: &[String], manners: &Manners) -> Result<Vec<Column>, Vec<FieldFault>> {
    let count = |at: usize| {
        let cells = head.iter().filter_map(|row| row.cells().iter().nth(at));
        cells.filter(|cell| looks_like_number(cell, manners)).count()
    };
    // Of equals, the first.
    let number = (0..names.len())
        .rev()
        .map(|at| (count(at), at))
        .max_by_key(|(count, _)| *count);
    let number = number.filter(|(count, _)| *count > 0).map(|(_, at)| at);
    let mut settled = Settled::default();
    for (at, name) in names.iter().enumerate() {
        let column = if Some(at) == number {
            Column::Field(Field::Number)
        } else {
            Column::Attribute(name.clone())
        };
        let added = settled.add(column, name);
        added.map_err(|problem| vec![FieldFault::new(format!("?columns/{at}"), problem)])?;
    }
    Ok(settled.columns())
}
