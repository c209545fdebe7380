//! XLSX → rows.

use std::fs::File;
use std::io::{BufReader, Seek};

use calamine::{Data, DataRef, Reader, Xlsx};

use super::SheetFault;
use super::columns::COLUMNS_MAX;
use super::customs;
use super::rows::{Cells, Kept, ROW_OCTETS_MAX};
use crate::fault::WorkbookFlaw;

/// Hands the rows of the first sheet that has any to `take`, until that breaks off.
///
/// # Errors
/// It is no workbook, or larger than allowed; or what `take` says.
pub(super) fn each_row(
    mut file: File,
    take: &mut dyn FnMut(Cells<'_>) -> Result<(), SheetFault>,
) -> Result<(), SheetFault> {
    customs::check(&mut file)?;
    file.rewind()?;
    let mut workbook: Xlsx<_> = Xlsx::new(BufReader::new(file)).map_err(SheetFault::broken)?;
    for sheet in workbook.sheet_names() {
        let mut sheet = match workbook.worksheet_cells_reader(&sheet) {
            Ok(sheet) => sheet,
            // A chart on a page of its own.
            Err(calamine::XlsxError::NotAWorksheet(_)) => continue,
            Err(error) => return Err(SheetFault::broken(error)),
        };
        let mut row = Row::default();
        while let Some(cell) = sheet.next_cell().map_err(SheetFault::broken)? {
            let (line, column) = cell.get_position();
            if row.cells.line != u64::from(line) + 1 {
                row.hand_on(take)?;
                row.begin(u64::from(line) + 1)?;
            }
            row.put(column as usize, &written(cell.get_value()))?;
        }
        row.hand_on(take)?;
        if row.any {
            return Ok(());
        }
    }
    Ok(())
}

/// The row that is being gathered.
#[derive(Default)]
struct Row {
    cells: Kept,
    /// A row was handed on.
    any: bool,
}

impl Row {
    fn begin(&mut self, line: u64) -> Result<(), SheetFault> {
        if line <= self.cells.line {
            return Err(WorkbookFlaw::NoOrder.into());
        }
        self.cells.clear();
        self.cells.line = line;
        Ok(())
    }

    fn put(&mut self, column: usize, text: &str) -> Result<(), SheetFault> {
        let line = self.cells.line;
        if column >= COLUMNS_MAX {
            // Formats reach to the last column of a sheet.
            let max = COLUMNS_MAX;
            return if text.is_empty() {
                Ok(())
            } else {
                Err(SheetFault::TooManyColumns { line, max })
            };
        }
        let known = self.cells.cells().len();
        if column < known {
            return Err(WorkbookFlaw::NoOrder.into());
        }
        (known..column).for_each(|_| self.cells.push(""));
        self.cells.push(text);
        if self.cells.octets() > ROW_OCTETS_MAX {
            return Err(SheetFault::RowTooLong {
                line,
                max: ROW_OCTETS_MAX,
            });
        }
        Ok(())
    }

    fn hand_on(&mut self, take: &mut dyn FnMut(Cells<'_>) -> Result<(), SheetFault>) -> Result<(), SheetFault> {
        let cells = self.cells.cells();
        if cells.iter().all(str::is_empty) {
            return Ok(());
        }
        self.any = true;
        take(cells)
    }
}

/// A cell as a text file would have it.
fn written(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::DateTime(date) if date.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
            }
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(_)
        | DataRef::Float(_)
        | DataRef::String(_)
        | DataRef::Bool(_)
        | DataRef::DateTime(_)
        | DataRef::DateTimeIso(_)
        | DataRef::DurationIso(_)
        | DataRef::Error(_)
        | DataRef::Empty => Data::from(cell.clone()).to_string(),
    }
}
