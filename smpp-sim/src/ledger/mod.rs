//! Everything that the simulator saw and did, one row for every submit, in order of arrival: in a ring of memory whose
//! oldest finished rows make room, with totals that stay exact, and in a file for whoever wants all of it. Begin with
//! [`Ledger::push`] and [`Row`]; `line` and `messages` are what is shown of rows, `totals` counts them.

mod amend;
mod extras;
mod file;
mod ids;
mod line;
mod messages;
mod rates;
mod row;
mod texts;
mod totals;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::FxHashMap;

use crate::model::{Keep, LedgerLimits};

pub(crate) use amend::Replacement;
pub(crate) use extras::Extras;
use extras::KeptExtras;
pub(crate) use ids::{IdOf, write_id};
pub(crate) use line::Page;
pub use line::{Filter, Line};
pub use messages::{Message, Segment};
pub(crate) use messages::{MessageFilter, Walk};
pub use rates::AccountRate;
use rates::Rates;
use row::Stage;
pub(crate) use row::{Arrival, Decision, Row};
pub use totals::Totals;
pub(crate) use totals::{Counters, Names};

use texts::Texts;

/// Rows in one block: growing never copies what is there, and the ring drops a whole block at once.
const BLOCK_ROWS: u64 = 1 << 12;

/// Finished rows that may wait for the file: beyond, no session is read until it has caught up.
const UNFILED_MAX: usize = 200_000;

/// The rows, and counters that always agree with them.
#[derive(Debug)]
pub(crate) struct Ledger {
    blocks: VecDeque<Block>,
    /// Place of the first row in the blocks.
    first: u64,
    /// Place of the row that comes next.
    next: u64,
    /// Rows that were not finished when the ring came round to them.
    late: BTreeMap<u64, Row>,
    texts: Texts,
    limits: LedgerLimits,
    first_id: u64,
    /// What replace_sm said, of the few rows that it was about.
    validities: FxHashMap<u64, Box<[u8]>>,
    /// What submits had beside their text, of those that had anything.
    extras: BTreeMap<u64, KeptExtras>,
    /// Of the rows that the ring has dropped.
    rates: Rates,
    /// Finished rows that are to go to the file; `None`: there is no file.
    unfiled: Option<VecDeque<u64>>,
    pub(crate) counters: Counters,
}

#[derive(Debug)]
struct Block {
    rows: Vec<Row>,
    /// Where its texts begin, see [`Texts::mark`].
    texts_from: u64,
}

impl Ledger {
    /// An empty one. Ids that are counted begin with `first_id`; `filed` says that finished rows are fetched for a file.
    pub(crate) fn new(limits: LedgerLimits, first_id: u64, filed: bool) -> Self {
        Self {
            blocks: VecDeque::new(),
            first: 0,
            next: 0,
            late: BTreeMap::new(),
            texts: Texts::new(limits.text_bytes_max, limits.keep == Keep::Ring),
            limits,
            first_id,
            validities: FxHashMap::default(),
            extras: BTreeMap::new(),
            rates: Rates::default(),
            unfiled: filed.then(VecDeque::new),
            counters: Counters::default(),
        }
    }

    /// Whether finished rows are fetched for a file.
    pub(crate) fn is_filed(&self) -> bool {
        self.unfiled.is_some()
    }

    /// Whether there is no room for another row: the memory is full, or too much waits for its receipts.
    pub(crate) fn is_full(&self) -> bool {
        match self.limits.keep {
            Keep::All => self.next >= self.limits.rows_max as u64,
            Keep::Ring => self.late.len() >= self.limits.pending_max,
        }
    }

    /// Whether the file must catch up first.
    pub(crate) fn is_behind(&self) -> bool {
        self.unfiled.as_ref().is_some_and(|rows| rows.len() >= UNFILED_MAX)
    }

    pub(crate) fn set_limits(&mut self, limits: LedgerLimits) {
        self.limits = limits;
        self.texts.set_limit(limits.text_bytes_max, limits.keep == Keep::Ring);
    }

    /// The id that would be counted next.
    pub(crate) fn next_id(&self) -> u64 {
        self.first_id.wrapping_add(self.next)
    }

    /// The place of the row that comes next, counted from the first row ever.
    pub(crate) fn next_place(&self) -> u64 {
        self.next
    }

    /// Writes a row; its place. The caller asks [`Ledger::is_full`] first.
    pub(crate) fn push(&mut self, arrival: &Arrival<'_>, decision: Decision) -> u32 {
        let place = self.next;
        if place.is_multiple_of(BLOCK_ROWS) {
            self.grow();
        }
        let id = decision.id.unwrap_or_else(|| self.next_id());
        let text = self.texts.keep((arrival.text, arrival.udhi), arrival.data_coding);
        let row = Row::new(arrival, decision, (id, text));
        self.counters.submitted(&row);
        self.keep_extras(place, &arrival.extras);
        if let Some(block) = self.blocks.back_mut() {
            debug_assert_eq!(
                block.rows.len() as u64,
                place % BLOCK_ROWS,
                "a row would be found at another place"
            );
            block.rows.push(row);
        }
        self.next += 1;
        // Rows are named by 32 bits: no two that are in memory may share a name.
        debug_assert!(self.next - self.first <= u64::from(u32::MAX));
        if row.is_finished() {
            self.finished(place);
        }
        place as u32
    }

    /// One block more; the oldest make room for it, so that never less than `rows_max` rows are there.
    fn grow(&mut self) {
        let rows_max = (self.limits.rows_max as u64).next_multiple_of(BLOCK_ROWS) + BLOCK_ROWS;
        let mut spare = None;
        while self.limits.keep == Keep::Ring && self.next - self.first >= rows_max {
            spare = self.drop_block();
        }
        self.blocks.push_back(Block {
            rows: spare.unwrap_or_else(|| Vec::with_capacity(BLOCK_ROWS as usize)),
            texts_from: self.texts.mark(),
        });
    }

    /// Drops the oldest block but for its rows that are not finished; gives back its memory.
    fn drop_block(&mut self) -> Option<Vec<Row>> {
        let mut block = self.blocks.pop_front()?;
        for (place, mut row) in (self.first..).zip(block.rows.drain(..)) {
            self.rates.count(row.account, row.received_at_us);
            if !self.is_done_with(&row) {
                row.text = self.texts.put_aside(row.text);
                self.late.insert(place, row);
            }
        }
        self.first += BLOCK_ROWS;
        self.forget_extras();
        if let Some(oldest) = self.blocks.front() {
            self.texts.release(oldest.texts_from);
        }
        Some(block.rows)
    }

    /// Whether nobody will ask for the row again.
    fn is_done_with(&self, row: &Row) -> bool {
        row.is_finished() && (row.stage == Stage::Filed || self.unfiled.is_none())
    }

    /// A row's place counted from the first row ever. Places are handed out in 32 bits, which go round: the row that is
    /// meant is the last one that had it.
    fn absolute(&self, place: u32) -> Option<u64> {
        let back = u64::from((self.next as u32).wrapping_sub(place));
        self.next.checked_sub(back).filter(|_| back > 0)
    }

    /// The row at that place.
    pub(crate) fn row(&self, place: u32) -> Option<&Row> {
        self.row_at(self.absolute(place)?)
    }

    fn row_at(&self, place: u64) -> Option<&Row> {
        let Some(offset) = place.checked_sub(self.first) else {
            return self.late.get(&place);
        };
        let block = self.blocks.get((offset / BLOCK_ROWS) as usize)?;
        block.rows.get((offset % BLOCK_ROWS) as usize)
    }

    fn row_mut(&mut self, place: u64) -> Option<&mut Row> {
        let Some(offset) = place.checked_sub(self.first) else {
            return self.late.get_mut(&place);
        };
        let block = self.blocks.get_mut((offset / BLOCK_ROWS) as usize)?;
        block.rows.get_mut((offset % BLOCK_ROWS) as usize)
    }

    /// The number that the message's id is written from.
    pub(crate) fn id(&self, place: u32) -> u64 {
        self.row(place).map_or(0, |row| row.id)
    }

    /// The octets of a text without its header; `None` when there was no room to keep it.
    pub(crate) fn text(&self, row: &Row) -> Option<&[u8]> {
        self.texts.get(row.text).map(|(_, text)| text)
    }

    /// A text as its recipient reads it; `None` as in [`Ledger::text`].
    pub(super) fn decoded(&self, row: &Row) -> Option<String> {
        let (header, text) = self.texts.get(row.text)?;
        let elements = header.get(1..).unwrap_or_default();
        Some(smpp::text::read((elements, text), row.text.data_coding, row.alphabet()))
    }

    /// The user data header of a text, empty when it has none; `None` as in [`Ledger::text`].
    pub(crate) fn header(&self, row: &Row) -> Option<&[u8]> {
        self.texts.get(row.text).map(|(header, _)| header)
    }

    /// The answer went out.
    pub(crate) fn answered(&mut self, place: u32, now_us: u64) {
        let change = |row: &mut Row| {
            row.answer(now_us);
            row.status
        };
        if let Some(status) = self.change(place, change) {
            self.counters.answered(status);
        }
    }

    /// The answer will never go out: its session is gone.
    pub(crate) fn never_answered(&mut self, place: u32) {
        self.change(place, Row::close_answer);
    }

    /// A receipt went out: the first time, or again.
    pub(crate) fn receipt_sent(&mut self, place: u32, again: bool, now_us: u64) {
        let change = |row: &mut Row| {
            row.sent_at_us = now_us;
            row.sent = row.sent.saturating_add(u8::from(!again));
        };
        if self.change(place, change).is_some() {
            self.counters.receipts_resent += u64::from(again);
            self.counters.receipts_sent += u64::from(!again);
        }
    }

    /// A receipt was acknowledged with `ESME_ROK`.
    pub(crate) fn receipt_acked(&mut self, place: u32, now_us: u64) {
        let change = |row: &mut Row| {
            row.acked_at_us = now_us;
            row.acked = row.acked.saturating_add(1);
            row.stat
        };
        if let Some(stat) = self.change(place, change) {
            self.counters.receipt_acked(stat);
        }
    }

    /// A receipt was refused, and is not sent again.
    pub(crate) fn receipt_refused(&mut self, place: u32) {
        self.counters.receipts_refused += 1;
        self.change(place, |row| row.refused = row.refused.saturating_add(1));
    }

    /// Changes a row, and lets go of it if it is finished by that.
    fn change<T>(&mut self, place: u32, change: impl FnOnce(&mut Row) -> T) -> Option<T> {
        let place = self.absolute(place)?;
        let row = self.row_mut(place)?;
        let before = row.is_finished();
        let result = change(row);
        if !before && row.is_finished() {
            self.finished(place);
        }
        Some(result)
    }

    fn finished(&mut self, place: u64) {
        match &mut self.unfiled {
            Some(unfiled) => unfiled.push_back(place),
            None if place < self.first => self.let_go(place),
            None => {}
        }
    }

    /// Drops a row that has left the ring.
    fn let_go(&mut self, place: u64) {
        if let Some(row) = self.late.remove(&place) {
            self.texts.drop_aside(row.text);
        }
    }

    /// Rows from that place on, without those that the ring has dropped.
    pub(crate) fn rows_from(&self, from: u64) -> impl Iterator<Item = (u64, &Row)> {
        let late = self.late.range(from..).map(|(&place, row)| (place, row));
        let ring = (from.max(self.first)..self.next).map_while(|place| self.row_at(place).map(|row| (place, row)));
        late.chain(ring)
    }

    /// Per account, how fast it submitted, from the first row on.
    pub(crate) fn rates(&self, accounts: &[String]) -> Vec<AccountRate> {
        let mut rates = self.rates.clone();
        for (_, row) in self.rows_from(self.first) {
            rates.count(row.account, row.received_at_us);
        }
        rates.of(accounts)
    }
}
