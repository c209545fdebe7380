//! XLSX → rows.

use std::fs::File;
use std::io::{BufReader, Seek};

use calamine::{Data, DataRef, Reader, Xlsx};
use jiff::civil::{DateTime, Time};

use super::SheetFault;
use super::columns::COLUMNS_MAX;
use super::customs;
use super::dates::french_day;
use super::rows::{Cells, Kept, ROW_OCTETS_MAX};
use crate::fault::WorkbookFlaw;

/// A length is in days.
const DAY_SECONDS: f64 = 86_400.0;

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

/// A cell as a French spreadsheet shows it, and as the text file has it that is saved of it.
fn written(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::DateTime(date) if date.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            let time = clock(hour.into(), minute, second);
            if date.as_f64() < 1.0 {
                // A time of day alone.
                return time;
            }
            let day = format!("{day:02}/{month:02}/{year:04}");
            match (hour, minute, second) {
                (0, 0, 0) => day,
                (1.., ..) | (_, 1.., _) | (.., 1..) => format!("{day} {time}"),
            }
        }
        // So much time, which may be more than a day.
        DataRef::DateTime(length) => {
            let seconds = (length.as_f64() * DAY_SECONDS).round().max(0.0) as u64;
            clock(seconds / 3_600, (seconds / 60 % 60) as u8, (seconds % 60) as u8)
        }
        DataRef::DateTimeIso(text) => iso(text),
        DataRef::Float(number) => decimal(*number),
        DataRef::Bool(true) => "VRAI".to_owned(),
        DataRef::Bool(false) => "FAUX".to_owned(),
        // A formula that has come to nothing.
        DataRef::Error(_) => String::new(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(_) | DataRef::String(_) | DataRef::DurationIso(_) | DataRef::Empty => {
            Data::from(cell.clone()).to_string()
        }
    }
}

/// `HH:MM`, with the seconds if there are any.
fn clock(hour: u64, minute: u8, second: u8) -> String {
    match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    }
}

/// A day, a time or both in ISO 8601, as some programs write them.
fn iso(text: &str) -> String {
    let shown = |time: Time| {
        clock(
            time.hour().unsigned_abs().into(),
            time.minute().unsigned_abs(),
            time.second().unsigned_abs(),
        )
    };
    if let Ok(at) = text.trim_end_matches('Z').parse::<DateTime>() {
        let day = french_day(at.date());
        return match at.time() == Time::midnight() {
            true => day,
            false => format!("{day} {}", shown(at.time())),
        };
    }
    text.parse::<Time>().map_or_else(|_| text.to_owned(), shown)
}

/// As many digits as a spreadsheet has, with a comma.
fn decimal(number: f64) -> String {
    let rounded = format!("{number:.14e}").parse().unwrap_or(number);
    rounded.to_string().replace('.', ",")
}

#[cfg(test)]
mod tests {
    use calamine::{CellErrorType, ExcelDateTime, ExcelDateTimeType};

    use super::*;

    #[test]
    fn a_cell_is_what_a_french_spreadsheet_shows() {
        let at = |value| DataRef::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false));
        let long = |value| DataRef::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::TimeDelta, false));
        for (cell, shown) in [
            (at(0.378_472_222_222_222), "09:05"),
            (at(0.0), "00:00"),
            (at(29_679.0), "03/04/1981"),
            (at(46_360.378_472_222_2), "04/12/2026 09:05"),
            (at(46_360.378_819_444_4), "04/12/2026 09:05:30"),
            (long(1.104_166_666_666_67), "26:30"),
            (
                DataRef::DateTimeIso("2026-12-04T09:05:00".to_owned()),
                "04/12/2026 09:05",
            ),
            (DataRef::DateTimeIso("2026-12-04".to_owned()), "04/12/2026"),
            (DataRef::DateTimeIso("09:05:00".to_owned()), "09:05"),
            (DataRef::DateTimeIso("bientôt".to_owned()), "bientôt"),
            (DataRef::Float(55.5), "55,5"),
            (DataRef::Float(0.1 + 0.2), "0,3"),
            (DataRef::Float(-3.0), "-3"),
            (DataRef::Float(33_612_345_678.0), "33612345678"),
            (DataRef::Int(7), "7"),
            (DataRef::Bool(true), "VRAI"),
            (DataRef::Bool(false), "FAUX"),
            (DataRef::Error(CellErrorType::NA), ""),
            (DataRef::SharedString("Zoé"), "Zoé"),
            (DataRef::Empty, ""),
        ] {
            assert_eq!(written(&cell), shown, "{cell:?}");
        }
    }
}
