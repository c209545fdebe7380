use rustc_hash::FxHashMap;

/// More entries than this beyond the rows that there are, and those of dropped rows are swept out.
const SWEEP: usize = 65_536;

/// Places by message id, made when somebody first asks for one and then brought up to date with every question: who
/// never asks pays nothing.
#[derive(Debug, Default)]
pub(super) struct Index {
    places: FxHashMap<u64, u64>,
    /// Rows before this place were seen.
    until: u64,
}

impl Index {
    /// Takes in the rows since the last time: `rows` gives those from a place on.
    pub(super) fn catch_up<I: Iterator<Item = (u64, u64)>>(&mut self, next: u64, rows: impl Fn(u64) -> I) {
        if self.until < next {
            self.places.extend(rows(self.until));
            self.until = next;
        }
    }

    /// Drops the places that `is_there` no longer knows, when there are many more than `rows`.
    pub(super) fn sweep(&mut self, rows: usize, is_there: impl Fn(u64) -> bool) {
        if self.places.len() > rows.saturating_mul(2) + SWEEP {
            self.places.retain(|_, &mut place| is_there(place));
        }
    }

    pub(super) fn get(&self, id: u64) -> Option<u64> {
        self.places.get(&id).copied()
    }
}
