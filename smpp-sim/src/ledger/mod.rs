//! Everything that the simulator saw and did, one row for every submit, in memory and in order of arrival.

mod line;
mod rates;
mod texts;
mod totals;
#[cfg(test)]
mod tests;

use smpp::command_status::CommandStatus;

use crate::number::Number;
use crate::outcome::Stat;
use crate::scenario::LedgerLimits;

pub(crate) use line::Page;
pub use line::{Filter, Line};
pub use rates::AccountRate;
pub use totals::Totals;
pub(crate) use totals::{Counters, Names};

pub(crate) use texts::Text;
use texts::Texts;

/// Rows in one block: growing never copies what is there.
const BLOCK_ROWS: usize = 1 << 16;

/// Not answered.
const NEVER: u32 = u32::MAX;

/// One submit. 88 octets: ten million of them are what a machine of a test has room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) received_at_us: u64,
    /// When the last receipt went out; 0: none did.
    pub(crate) sent_at_us: u64,
    /// When the last receipt was acknowledged; 0: none was.
    pub(crate) acked_at_us: u64,
    pub(crate) recipient: Number,
    pub(crate) source: Number,
    pub(crate) text: Text,
    pub(crate) status: CommandStatus,
    /// µs from the submit to its answer, capped at 71 minutes.
    answered_after_us: u32,
    pub(crate) session: u32,
    pub(crate) outcome: u16,
    pub(crate) account: u16,
    pub(crate) attempt: u16,
    /// TON and NPI of the source, then of the recipient.
    pub(crate) plans: [u8; 4],
    pub(crate) part: u8,
    pub(crate) total: u8,
    pub(crate) accepted: bool,
    pub(crate) stat: Option<Stat>,
    /// Final receipts: to be sent, sent, acknowledged.
    pub(crate) due: u8,
    pub(crate) sent: u8,
    pub(crate) acked: u8,
}

/// What is known of a submit when it comes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) now_us: u64,
    pub(crate) account: u16,
    pub(crate) session: u32,
    pub(crate) source: Number,
    pub(crate) recipient: Number,
    pub(crate) plans: [u8; 4],
    /// Part and total.
    pub(crate) place: (u8, u8),
    pub(crate) data_coding: u8,
    pub(crate) text: &'a [u8],
}

/// What was decided about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    pub(crate) outcome: u16,
    pub(crate) attempt: u16,
    pub(crate) accepted: bool,
    /// What it is answered with, if it is.
    pub(crate) status: CommandStatus,
    pub(crate) stat: Option<Stat>,
    pub(crate) due: u8,
}

/// The rows, and counters that always agree with them.
#[derive(Debug)]
pub(crate) struct Ledger {
    blocks: Vec<Vec<Row>>,
    texts: Texts,
    limits: LedgerLimits,
    first_id: u64,
    pub(crate) counters: Counters,
}

impl Ledger {
    /// An empty one, whose first row has that message id.
    pub(crate) fn new(limits: LedgerLimits, first_id: u64) -> Self {
        let texts = Texts::new(limits.text_bytes_max);
        Self {
            blocks: Vec::new(),
            texts,
            limits,
            first_id,
            counters: Counters::default(),
        }
    }

    /// Rows so far.
    pub(crate) fn len(&self) -> usize {
        let full = self.blocks.len().saturating_sub(1) * BLOCK_ROWS;
        full + self.blocks.last().map_or(0, Vec::len)
    }

    /// Whether there is no room for another row.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.limits.rows_max
    }

    pub(crate) fn set_limits(&mut self, limits: LedgerLimits) {
        self.limits = limits;
        self.texts.set_limit(limits.text_bytes_max);
    }

    /// Writes a row; its place. The caller asks [`Ledger::is_full`] first.
    pub(crate) fn push(&mut self, arrival: &Arrival<'_>, decision: Decision) -> u32 {
        let place = self.len();
        if place.is_multiple_of(BLOCK_ROWS) {
            self.blocks.push(Vec::with_capacity(BLOCK_ROWS));
        }
        let row = Row {
            received_at_us: arrival.now_us,
            sent_at_us: 0,
            acked_at_us: 0,
            recipient: arrival.recipient,
            source: arrival.source,
            text: self.texts.keep(arrival.text, arrival.data_coding),
            status: decision.status,
            answered_after_us: NEVER,
            session: arrival.session,
            outcome: decision.outcome,
            account: arrival.account,
            attempt: decision.attempt,
            plans: arrival.plans,
            part: arrival.place.0,
            total: arrival.place.1,
            accepted: decision.accepted,
            stat: decision.stat,
            due: decision.due,
            sent: 0,
            acked: 0,
        };
        self.counters.submitted(&row);
        if let Some(block) = self.blocks.last_mut() {
            block.push(row);
        }
        place as u32
    }

    /// The row at that place.
    pub(crate) fn row(&self, place: u32) -> Option<&Row> {
        self.blocks
            .get(place as usize / BLOCK_ROWS)?
            .get(place as usize % BLOCK_ROWS)
    }

    fn row_mut(&mut self, place: u32) -> Option<&mut Row> {
        self.blocks
            .get_mut(place as usize / BLOCK_ROWS)?
            .get_mut(place as usize % BLOCK_ROWS)
    }

    /// The number that the message's id is written from.
    pub(crate) fn id(&self, place: u32) -> u64 {
        self.first_id + u64::from(place)
    }

    /// The place of a message id, if it is one of this ledger.
    pub(crate) fn place(&self, id: u64) -> Option<u32> {
        let place = id
            .checked_sub(self.first_id)
            .filter(|&place| place < self.len() as u64)?;
        u32::try_from(place).ok()
    }

    /// The octets of a text; `None` when there was no room to keep it.
    pub(crate) fn text(&self, row: &Row) -> Option<&[u8]> {
        self.texts.get(row.text)
    }

    /// The answer went out.
    pub(crate) fn answered(&mut self, place: u32, now_us: u64) {
        let Some(row) = self.row_mut(place) else { return };
        let after = now_us.saturating_sub(row.received_at_us);
        row.answered_after_us = u32::try_from(after).unwrap_or(NEVER - 1).min(NEVER - 1);
        let status = row.status;
        self.counters.answered(status);
    }

    /// A receipt went out: the first time, or again.
    pub(crate) fn receipt_sent(&mut self, place: u32, again: bool, now_us: u64) {
        let Some(row) = self.row_mut(place) else { return };
        row.sent_at_us = now_us;
        if again {
            self.counters.receipts_resent += 1;
        } else {
            row.sent = row.sent.saturating_add(1);
            self.counters.receipts_sent += 1;
        }
    }

    /// A receipt was acknowledged with `ESME_ROK`.
    pub(crate) fn receipt_acked(&mut self, place: u32, now_us: u64) {
        let Some(row) = self.row_mut(place) else { return };
        row.acked_at_us = now_us;
        row.acked = row.acked.saturating_add(1);
        let stat = row.stat;
        self.counters.receipt_acked(stat);
    }

    fn rows_from(&self, from: usize) -> impl Iterator<Item = (usize, &Row)> {
        (from..self.len()).map_while(|place| self.row(place as u32).map(|row| (place, row)))
    }

    /// Per account, how fast it submitted.
    pub(crate) fn rates(&self, accounts: &[String]) -> Vec<AccountRate> {
        rates::rates(
            self.rows_from(0).map(|(_, row)| (row.account, row.received_at_us)),
            accounts,
        )
    }
}

impl Row {
    /// When it was answered.
    pub(crate) fn answered_at_us(&self) -> Option<u64> {
        (self.answered_after_us != NEVER).then(|| self.received_at_us + u64::from(self.answered_after_us))
    }
}
