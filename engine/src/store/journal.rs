//! The journal: what happened to messages, read from a position on, and the books that follow it.

use redis::Value;

use super::scripts::Name;
use super::{Counters, Store, StoreError, array, bytes, bytes_or_none, integer};
use crate::domain::{CampaignId, Partition, ResultSlot};

/// Entries of the journal that are read at once: each is one script call, of up to 500 messages.
const READ_MAX: usize = 200;

/// One entry: the events of one script call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JournalEntry {
    /// Its position.
    pub(crate) id: String,
    /// Its events, packed; see [`crate::domain::events`].
    pub(crate) events: Vec<u8>,
}

impl JournalEntry {
    /// When it was written, seconds since 1970 by the server's clock.
    pub(crate) fn at(&self) -> u32 {
        let milliseconds = self.id.split('-').next().and_then(|text| text.parse::<u64>().ok());
        (milliseconds.unwrap_or(0) / 1_000) as u32
    }
}

/// What the journal says of one campaign, to be applied.
#[derive(Clone, Debug, Default)]
pub(crate) struct CampaignChanges {
    /// Counters and by how much.
    pub(crate) counters: Vec<(u8, i32)>,
    /// Results in the order of their positions.
    pub(crate) results: Vec<(u32, ResultSlot)>,
}

/// What came of applying.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It is done: each campaign's counters in this partition now, in the order in which they were given.
    Done(Vec<Counters>),
    /// Somebody else did it: the books are there.
    Elsewhere(String),
}

/// Positions between two results that are written together: beyond, what lies between costs more than a call.
const GAP_MAX: u32 = 500;

impl Store {
    /// The entries behind `after`; from the beginning when that is empty.
    pub(crate) async fn journal(&self, partition: Partition, after: &str) -> Result<Vec<JournalEntry>, StoreError> {
        let from = if after.is_empty() {
            "-".to_owned()
        } else {
            format!("({after}")
        };
        let mut range = redis::cmd("XRANGE");
        range
            .arg(format!("{}jr", self.base(partition)))
            .arg(from)
            .arg("+")
            .arg("COUNT")
            .arg(READ_MAX);
        let mut replies = self.run(&self.books, vec![range]).await?;
        array(replies.pop().unwrap_or_default())?
            .into_iter()
            .map(entry)
            .collect()
    }

    /// Where the books are in a partition's journal.
    pub(crate) async fn books_position(&self, partition: Partition) -> Result<String, StoreError> {
        let mut get = redis::cmd("HGET");
        get.arg(format!("{}pos", self.base(partition))).arg("books");
        let mut replies = self.run(&self.books, vec![get]).await?;
        text(replies.pop().unwrap_or_default())
    }

    /// Applies changes to results and counters, and moves the books from one position to another, once. What they have then
    /// leaves the journal: nobody else reads it.
    pub(crate) async fn apply(
        &self,
        partition: Partition,
        (from, to): (&str, &str),
        changes: &[(CampaignId, CampaignChanges)],
    ) -> Result<Applied, StoreError> {
        let mut call = self.script(Name::Apply, &[self.base(partition)]);
        call.arg(from).arg(to).arg(to);
        let mut parts = Vec::with_capacity(changes.len());
        for (at, (campaign, changes)) in changes.iter().enumerate() {
            for part in split(changes) {
                call.arg(campaign.0)
                    .arg(pack_counters(part.0))
                    .arg(pack_results(part.1));
                parts.push(at);
            }
        }
        let mut replies = self.run(&self.books, vec![call]).await?;
        let mut values = array(replies.pop().unwrap_or_default())?.into_iter();
        if integer(&values.next().unwrap_or_default())? == 0 {
            return Ok(Applied::Elsewhere(text(values.next().unwrap_or_default())?));
        }
        let mut counters = vec![Counters::default(); changes.len()];
        for (at, value) in parts.into_iter().zip(values) {
            // Of a campaign in several parts the last one has all.
            counters[at] = Counters::unpack(&bytes(value)?);
        }
        Ok(Applied::Done(counters))
    }
}

/// Counters and how much each grows, and results by position.
type Part<'a> = (&'a [(u8, i32)], &'a [(u32, ResultSlot)]);

/// A campaign's counters with its first stretch of results, then its other stretches: one script argument each.
fn split(changes: &CampaignChanges) -> Vec<Part<'_>> {
    let near = |pair: &[(u32, ResultSlot)]| pair[1].0 - pair[0].0 <= GAP_MAX;
    let mut stretches: Vec<&[(u32, ResultSlot)]> = Vec::new();
    let mut start = 0;
    for at in 1..changes.results.len() {
        if !near(&changes.results[at - 1..=at]) {
            stretches.push(&changes.results[start..at]);
            start = at;
        }
    }
    stretches.push(&changes.results[start..]);
    let counters = std::iter::once(&changes.counters[..]).chain(std::iter::repeat(&[][..]));
    counters.zip(stretches).collect()
}

fn pack_counters(counters: &[(u8, i32)]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(counters.len() * 5);
    for (counter, by) in counters {
        packed.push(*counter);
        packed.extend_from_slice(&by.to_be_bytes());
    }
    packed
}

fn pack_results(results: &[(u32, ResultSlot)]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(results.len() * 12);
    for (position, slot) in results {
        packed.extend_from_slice(&position.to_be_bytes());
        packed.extend_from_slice(&slot.pack());
    }
    packed
}

fn entry(value: Value) -> Result<JournalEntry, StoreError> {
    let mut parts = array(value)?.into_iter();
    let id = text(parts.next().unwrap_or_default())?;
    let mut fields = array(parts.next().unwrap_or_default())?.into_iter();
    let form = bytes(fields.next().unwrap_or_default())?;
    if form != b"1" {
        return Err(StoreError::Corrupt(
            "a journal entry of a form that this version does not know",
        ));
    }
    let events = bytes(fields.next().unwrap_or_default())?;
    Ok(JournalEntry { id, events })
}

fn text(value: Value) -> Result<String, StoreError> {
    String::from_utf8(bytes_or_none(value)?).map_err(|_| StoreError::Corrupt("a position of the journal"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Ending, Reason};

    #[test]
    fn results_that_lie_far_apart_are_written_by_themselves() {
        let slot = ResultSlot {
            ending: Ending::Canceled,
            reason: Reason::Stopped,
            code: 0,
            at: 1,
        };
        let changes = CampaignChanges {
            counters: vec![(4, 3)],
            results: vec![(1, slot), (2, slot), (900, slot)],
        };
        let parts = split(&changes);
        assert_eq!(parts.len(), 2);
        assert_eq!(
            (parts[0].0.len(), parts[0].1.len(), parts[1].0.len(), parts[1].1.len()),
            (1, 2, 0, 1)
        );
        assert_eq!(split(&CampaignChanges::default()).len(), 1);
    }
}
