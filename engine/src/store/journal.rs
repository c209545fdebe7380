//! The journal: what happened to messages, read from a position on, and the books that follow it.

use redis::Value;

use super::counters::COUNTERS_LENGTH;
use super::health::JOURNAL_FULL;
use super::scripts::Name;
use super::{Counters, Store, StoreError, array, bytes, bytes_or_none, integer, keys};
use crate::domain::{CampaignId, Partition, ResultSlot};

/// Entries of the journal that are read at once: each is one script call, of up to 500 messages.
pub(crate) const READ_MAX: usize = 200;

/// Nodes of a stream whose size is looked at.
const SAMPLES: usize = 5;

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
        (self.at_milliseconds() / 1_000) as u32
    }

    /// The same in milliseconds.
    pub(crate) fn at_milliseconds(&self) -> i64 {
        let milliseconds = self.id.split('-').next().and_then(|text| text.parse().ok());
        milliseconds.unwrap_or(0)
    }
}

/// A place in a stream, as it sorts: milliseconds, and a number within them. The beginning: zeros.
pub(crate) fn journal_place(text: &str) -> (u64, u64) {
    let (ms, number) = text.split_once('-').unwrap_or((text, "0"));
    (ms.parse().unwrap_or(0), number.parse().unwrap_or(0))
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

/// Positions between what is written together: beyond, what lies between costs more than a call.
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

    /// What lies before these places leaves the journals: nobody reads it any more.
    pub(crate) async fn trim_journals(&self, all: &[(Partition, String)]) -> Result<(), StoreError> {
        let trim = |(partition, place): &(Partition, String)| {
            let mut trim = redis::cmd("XTRIM");
            trim.arg(format!("{}jr", self.base(*partition))).arg("MINID").arg(place);
            trim
        };
        self.run(&self.books, all.iter().map(trim).collect()).await.map(drop)
    }

    /// Tells all engines whether the journal is as long as it may be.
    pub(crate) async fn tell_journal_full(&self, full: bool) -> Result<(), StoreError> {
        let mut tell = redis::cmd("HSET");
        tell.arg(keys::META).arg(JOURNAL_FULL).arg(u8::from(full));
        self.ask::<i64>(&tell).await.map(drop)
    }

    /// Octets of Redis that the journals of all partitions take, about.
    pub(crate) async fn journal_octets(&self) -> Result<u64, StoreError> {
        let usage = |partition| {
            let mut usage = redis::cmd("MEMORY");
            usage
                .arg("USAGE")
                .arg(format!("{}jr", self.base(partition)))
                .arg("SAMPLES")
                .arg(SAMPLES);
            usage
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(usage).collect()).await?;
        replies.iter().map(|reply| Ok(integer(reply)? as u64)).sum()
    }

    /// Where the books are in each partition's journal; empty where they have not begun.
    pub(crate) async fn books_positions(&self) -> Result<Vec<String>, StoreError> {
        let get = |partition| {
            let mut get = redis::cmd("HGET");
            get.arg(format!("{}pos", self.base(partition))).arg("books");
            get
        };
        let replies = self.run(&self.books, self.all_partitions().map(get).collect()).await?;
        replies.into_iter().map(text).collect()
    }

    /// Where the books are in a partition's journal.
    pub(crate) async fn books_position(&self, partition: Partition) -> Result<String, StoreError> {
        let mut get = redis::cmd("HGET");
        get.arg(format!("{}pos", self.base(partition))).arg("books");
        let mut replies = self.run(&self.books, vec![get]).await?;
        text(replies.pop().unwrap_or_default())
    }

    /// Applies changes to results and counters, and moves the books from one position to another, once. What lies before
    /// `trim` then leaves the journal: nobody reads it any more.
    pub(crate) async fn apply(
        &self,
        partition: Partition,
        (from, to, trim): (&str, &str, &str),
        changes: &[(CampaignId, CampaignChanges)],
    ) -> Result<Applied, StoreError> {
        let writes: Vec<Write<'_>> = changes.iter().flat_map(|(id, changes)| writes(*id, changes)).collect();
        let get = |write: &Write<'_>| {
            let mut get = redis::cmd("GETRANGE");
            get.arg(self.results_key(partition, write.campaign))
                .arg(write.from)
                .arg(write.from + write.length - 1);
            get
        };
        let stored = self.run(&self.books, writes.iter().map(get).collect()).await?;
        let mut call = self.partition_script(Name::Apply, partition);
        call.arg(from).arg(to).arg(trim);
        for (write, stored) in writes.iter().zip(stored) {
            let stored = bytes(stored)?;
            let is_new = write.from == 0 && stored.is_empty();
            call.arg(write.campaign.0);
            match is_new {
                true => call.arg(""),
                false => call.arg(write.from),
            };
            call.arg(write.over(stored));
        }
        let mut replies = self.run(&self.books, vec![call]).await?;
        let mut values = array(replies.pop().unwrap_or_default())?.into_iter();
        match integer(&values.next().unwrap_or_default())? {
            0 => Ok(Applied::Elsewhere(text(values.next().unwrap_or_default())?)),
            _ => Ok(Applied::Done),
        }
    }
}

/// A piece of what is stored of a campaign, its counters and then its results, that is read and written as one.
struct Write<'a> {
    campaign: CampaignId,
    from: usize,
    length: usize,
    /// Counters and by how much they grow.
    counters: &'a [(u8, i32)],
    results: &'a [(u32, ResultSlot)],
}

impl Write<'_> {
    /// What is stored there, with the changes.
    fn over(&self, mut octets: Vec<u8>) -> Vec<u8> {
        // Behind the end of what is stored there are zeros.
        octets.resize(self.length, 0);
        if let Some(packed) = octets.first_chunk_mut::<COUNTERS_LENGTH>().filter(|_| self.from == 0) {
            let mut counters = Counters::unpack(packed);
            counters.grow(self.counters);
            *packed = counters.pack();
        }
        for (position, slot) in self.results {
            let at = offset(*position) - self.from;
            octets[at..at + ResultSlot::LENGTH].copy_from_slice(&slot.pack());
        }
        octets
    }
}

/// Where a result lies.
const fn offset(position: u32) -> usize {
    COUNTERS_LENGTH + position as usize * ResultSlot::LENGTH
}

/// What is written of a campaign: its counters with the results that lie near them, then its other results.
fn writes(campaign: CampaignId, changes: &CampaignChanges) -> impl Iterator<Item = Write<'_>> {
    let near = |one: &(u32, ResultSlot), next: &(u32, ResultSlot)| next.0 - one.0 <= GAP_MAX;
    let mut runs = changes.results.chunk_by(near).peekable();
    let results = runs.next_if(|run| run[0].0 <= GAP_MAX).unwrap_or_default();
    let first = Write {
        campaign,
        from: 0,
        length: results.last().map_or(COUNTERS_LENGTH, |(last, _)| offset(last + 1)),
        counters: &changes.counters,
        results,
    };
    let others = runs.map(move |results| {
        let from = offset(results[0].0);
        Write {
            campaign,
            from,
            length: offset(results[results.len() - 1].0 + 1) - from,
            counters: &[],
            results,
        }
    });
    std::iter::once(first).chain(others)
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
    use crate::domain::{Ending, Reason, ToHandset};

    #[test]
    fn results_that_lie_far_apart_are_written_by_themselves() {
        let slot = ResultSlot {
            ending: Ending::Canceled,
            reason: Reason::Stopped,
            code: 0,
            at: 1,
            to_handset: ToHandset::UNKNOWN,
        };
        let changes = CampaignChanges {
            counters: vec![(4, 3)],
            results: vec![(1, slot), (2, slot), (900, slot)],
        };
        let made: Vec<Write<'_>> = writes(CampaignId(1), &changes).collect();
        let lengths: Vec<usize> = made.iter().map(|write| write.results.len()).collect();
        assert_eq!(lengths, [2, 1]);
        let octets = made[0].over(Vec::new());
        let mut counters = Counters::default();
        counters.grow(&[(4, 3)]);
        assert_eq!(
            octets,
            [&counters.pack()[..], &[0; 8], &slot.pack(), &slot.pack()].concat()
        );
        let twice = made[0].over(octets);
        counters.grow(&[(4, 3)]);
        assert_eq!(twice[..COUNTERS_LENGTH], counters.pack());
        assert_eq!((made[1].from, made[1].length), (COUNTERS_LENGTH + 7_200, 8));
        assert_eq!(made[1].over(vec![9; 8]), slot.pack());
        let nothing = CampaignChanges::default();
        let none = writes(CampaignId(1), &nothing).next().unwrap();
        assert_eq!((none.from, none.length), (0, COUNTERS_LENGTH));
    }
}
