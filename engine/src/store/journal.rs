//! The journal: what happened to messages, read from a position on, and the books that follow it.

use redis::Value;

use super::counters::COUNTERS_LENGTH;
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
    /// It is done.
    Done,
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
        let stretches: Vec<Stretch<'_>> = changes.iter().flat_map(|(id, changes)| split(*id, changes)).collect();
        let (ids, ranges): (Vec<_>, Vec<_>) = changes
            .iter()
            .map(|(id, _)| (*id, (0, COUNTERS_LENGTH)))
            .chain(stretches.iter().map(|stretch| (stretch.campaign, stretch.range())))
            .unzip();
        let get = |(id, (from, length)): (&CampaignId, &(usize, usize))| {
            let mut get = redis::cmd("GETRANGE");
            get.arg(self.results_key(partition, *id))
                .arg(*from)
                .arg(from + length - 1);
            get
        };
        let stored = self
            .run(&self.books, ids.iter().zip(&ranges).map(get).collect())
            .await?;
        let mut stored = stored.into_iter().map(bytes);
        let mut call = self.script(Name::Apply, &[self.base(partition)]);
        call.arg(from).arg(to).arg(to);
        for (id, changes) in changes {
            let header = stored.next().unwrap_or(Ok(Vec::new()))?;
            if header.is_empty() {
                call.arg(id.0).arg("").arg("");
            }
            let mut counters = Counters::unpack(&header);
            counters.grow(&changes.counters);
            call.arg(id.0).arg(0).arg(&counters.pack()[..]);
        }
        for stretch in &stretches {
            let (from, length) = stretch.range();
            let mut octets = stored.next().unwrap_or(Ok(Vec::new()))?;
            // Behind the end of what is stored there are zeros.
            octets.resize(length, 0);
            stretch.write(&mut octets);
            call.arg(stretch.campaign.0).arg(from).arg(octets);
        }
        let mut replies = self.run(&self.books, vec![call]).await?;
        let mut values = array(replies.pop().unwrap_or_default())?.into_iter();
        match integer(&values.next().unwrap_or_default())? {
            0 => Ok(Applied::Elsewhere(text(values.next().unwrap_or_default())?)),
            _ => Ok(Applied::Done),
        }
    }
}

/// Results of a campaign that are written together.
struct Stretch<'a> {
    campaign: CampaignId,
    results: &'a [(u32, ResultSlot)],
}

impl Stretch<'_> {
    /// Where its octets lie in what is stored of the campaign, and how many they are.
    fn range(&self) -> (usize, usize) {
        let at = |result: Option<&(u32, ResultSlot)>| result.map_or(0, |(position, _)| *position as usize);
        let (first, last) = (at(self.results.first()), at(self.results.last()));
        (
            COUNTERS_LENGTH + first * ResultSlot::LENGTH,
            (last - first + 1) * ResultSlot::LENGTH,
        )
    }

    /// Writes its results over the octets there.
    fn write(&self, octets: &mut [u8]) {
        let first = self.results.first().map_or(0, |(position, _)| *position);
        for (position, slot) in self.results {
            let at = (position - first) as usize * ResultSlot::LENGTH;
            octets[at..at + ResultSlot::LENGTH].copy_from_slice(&slot.pack());
        }
    }
}

/// A campaign's results in stretches: one script argument each.
fn split(campaign: CampaignId, changes: &CampaignChanges) -> impl Iterator<Item = Stretch<'_>> {
    let near = |one: &(u32, ResultSlot), next: &(u32, ResultSlot)| next.0 - one.0 <= GAP_MAX;
    let stretches = changes.results.chunk_by(near);
    stretches.map(move |results| Stretch { campaign, results })
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
        let lengths: Vec<usize> = split(CampaignId(1), &changes)
            .map(|stretch| stretch.results.len())
            .collect();
        assert_eq!(lengths, [2, 1]);
        let stretch = split(CampaignId(1), &changes).next().unwrap();
        let (from, length) = stretch.range();
        assert_eq!((from, length), (COUNTERS_LENGTH + 8, 16));
        let mut octets = vec![9; length];
        stretch.write(&mut octets);
        assert_eq!(octets, [slot.pack(), slot.pack()].concat());
        assert_eq!(split(CampaignId(1), &CampaignChanges::default()).count(), 0);
    }
}
