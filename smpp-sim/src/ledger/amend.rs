use super::row::NEVER;
use super::{Ledger, Row};
use crate::outcome::Stat;

/// Replacements that are remembered beside their rows. Beyond, a row still counts how often it was replaced, and has its
/// new text.
const VALIDITIES_MAX: usize = 1_000_000;

/// What replace_sm changes of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacement<'a> {
    pub(crate) text: &'a [u8],
    /// As it came; empty: the SMSC's own.
    pub(crate) validity_period: &'a [u8],
    pub(crate) registered_delivery: u8,
    /// Final receipts from now on.
    pub(crate) due: u8,
    pub(crate) stat: Option<Stat>,
}

impl Ledger {
    /// The message is deleted from now on, and gets so many receipts about that.
    pub(crate) fn delete(&mut self, place: u32, now_us: u64, due: u8) {
        let change = |row: &mut Row| {
            row.set_deleted();
            let after_ms = now_us.saturating_sub(row.received_at_us) / 1000;
            row.final_after_ms = final_after_ms(Some(after_ms * 1000));
            row.stat = (due > 0).then_some(Stat::Deleted);
            std::mem::replace(&mut row.due, due)
        };
        if let Some(before) = self.change(place, change) {
            self.counters.cancelled += 1;
            self.counters.due_changed(before, due);
        }
    }

    /// The message has another text, validity and wish for a receipt from now on.
    pub(crate) fn replace(&mut self, place: u32, new: Replacement<'_>) {
        let (Some(number), Some(&old)) = (self.absolute(place), self.row(place)) else {
            return;
        };
        let mut text = self.texts.keep(new.text, old.text.data_coding);
        if number < self.first {
            // The row has left the ring, and its texts are where they stay.
            self.texts.drop_aside(old.text);
            text = self.texts.put_aside(text);
        }
        if self.validities.len() < VALIDITIES_MAX || self.validities.contains_key(&number) {
            self.validities.insert(number, new.validity_period.into());
        }
        let change = |row: &mut Row| {
            row.text = text;
            row.replaced = row.replaced.saturating_add(1);
            row.set_registered_delivery(new.registered_delivery);
            row.stat = new.stat;
            std::mem::replace(&mut row.due, new.due)
        };
        if let Some(before) = self.change(place, change) {
            self.counters.replaced += 1;
            self.counters.due_changed(before, new.due);
        }
    }

    /// The validity that replace_sm gave to a message; `None`: it was never replaced.
    pub(super) fn validity(&self, place: u64) -> Option<String> {
        let octets = self.validities.get(&place)?;
        Some(String::from_utf8_lossy(octets).into_owned())
    }
}

impl Row {
    /// When it comes, or came, to its final state; `None`: never.
    pub(crate) fn final_at_us(&self) -> Option<u64> {
        (self.final_after_ms != NEVER).then(|| self.received_at_us + u64::from(self.final_after_ms) * 1000)
    }

    /// Whether it has come to its final state.
    pub(crate) fn is_final(&self, now_us: u64) -> bool {
        self.is_deleted() || self.final_at_us().is_some_and(|at| at <= now_us)
    }

    /// Whether a receipt that was scheduled, and never sent, is still to be sent: one from before a cancel_sm or
    /// replace_sm may be void.
    pub(crate) fn is_receipt_valid(&self) -> bool {
        let amended = self.is_deleted() || self.replaced > 0;
        !amended || self.sent < self.due
    }
}

/// µs as a row keeps them: in ms, capped at 49 days.
pub(super) fn final_after_ms(us: Option<u64>) -> u32 {
    us.map_or(NEVER, |us| {
        u32::try_from(us.div_ceil(1000)).unwrap_or(NEVER - 1).min(NEVER - 1)
    })
}
