use super::Ledger;
use super::row::{Row, final_after_ms};
use crate::model::Stat;

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
    /// The message is deleted from now on, and gets `due` receipts about that.
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
        // A replace_sm has no esm_class: its text has no header (3.4, 4.10.1).
        let mut text = self.texts.keep((new.text, false), old.text.data_coding);
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

    /// The validity that a message came with, or that replace_sm gave it; `None`: neither.
    pub(super) fn validity(&self, place: u64) -> Option<String> {
        let came_with = || self.extras.get(&place).map(|extras| &extras.validity_period);
        let octets = self
            .validities
            .get(&place)
            .or_else(|| came_with().filter(|time| !time.is_empty()))?;
        Some(String::from_utf8_lossy(octets).into_owned())
    }
}
