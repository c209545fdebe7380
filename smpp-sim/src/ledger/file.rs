use super::Ledger;
use super::line::Line;
use super::row::{Row, Stage};
use super::totals::Names;
use crate::number::Numbers;

impl Ledger {
    /// The next finished rows for the file, at most `most`; they count as written.
    pub(crate) fn finished_lines(&mut self, most: usize, (names, numbers): (&Names<'_>, &Numbers)) -> Vec<Line> {
        let Some(unfiled) = &mut self.unfiled else {
            return Vec::new();
        };
        let places: Vec<u64> = unfiled.drain(..unfiled.len().min(most)).collect();
        self.filed_lines(&places, names, numbers)
    }

    /// The next rows that are not finished, at the end of all.
    pub(crate) fn unfinished_lines(&mut self, most: usize, (names, numbers): (&Names<'_>, &Numbers)) -> Vec<Line> {
        let open = |(place, row): (u64, &Row)| (row.stage != Stage::Filed).then_some(place);
        let places: Vec<u64> = self.rows_from(0).filter_map(open).take(most).collect();
        self.filed_lines(&places, names, numbers)
    }

    fn filed_lines(&mut self, places: &[u64], names: &Names<'_>, numbers: &Numbers) -> Vec<Line> {
        let mut lines = Vec::with_capacity(places.len());
        for &place in places {
            if let Some(row) = self.row_at(place) {
                lines.extend(self.line((place, row), names, numbers));
            }
            if let Some(row) = self.row_mut(place) {
                row.stage = Stage::Filed;
            }
            self.let_go(place);
        }
        lines
    }

    /// The file cannot be written: rows are finished without it.
    pub(crate) fn give_up_file(&mut self) {
        self.unfiled = None;
        self.late.retain(|_, row| !row.is_finished());
    }
}
