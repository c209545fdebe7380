//! Where each message of a campaign is: what the auditor compares, and how what is nowhere, or in two places, is mended.

use std::collections::BTreeMap;

use redis::Value;

use super::counters::COUNTERS_LENGTH;
use super::scripts::Name;
use super::{ParkedOf, Store, StoreError, array, bytes, integer, recipient};
use crate::domain::{CampaignId, Line, MessageId, Partition, Recipient, ResultSlot, UnixMicros};

/// Campaigns whose queues are asked for in one script call.
const CAMPAIGNS_MAX: usize = 100;

/// Positions whose results are read at once: half a megabyte.
const RESULTS_MAX: u32 = 65_536;

/// Positions that one script call looks at.
const SUSPECTS_MAX: usize = 200;

/// What is queued of a campaign in one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queued {
    /// Its rows there; 0 while it is not launched.
    pub(crate) rows: u32,
    /// It was stopped: a row without a result is canceled.
    pub(crate) stopped: bool,
    /// First position and count, of each span.
    pub(crate) spans: Vec<(u32, u32)>,
    /// Lines in which it has spans that nobody would lease, or none although it should.
    pub(crate) adrift: u32,
    /// Rows by line, as the line is written in keys.
    pub(crate) by_line: Vec<(String, i64)>,
}

/// What was wrong with a message, or with a campaign's place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Misplaced {
    /// It was nowhere: it is in its record again, in doubt unless it is known to have been taken.
    Lost,
    /// It was queued, and further on besides: it is not queued any more.
    QueuedTwice,
    /// It was twice in its recipient's record: it is there once.
    RecordedTwice,
    /// It had ended, and was in its recipient's record: it is over.
    EndedTwice,
    /// It waited, and was never to be due: it is due now.
    NeverDue,
    /// A campaign had rows in a line that nobody would have leased: it stands in line again.
    Adrift,
    /// It was counted as queued, and was not, or the other way: the count is right again.
    Miscounted,
}

impl Misplaced {
    /// The word in metrics and logs.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'l' => Some(Self::Lost),
            b'q' => Some(Self::QueuedTwice),
            b'r' => Some(Self::RecordedTwice),
            b'e' => Some(Self::EndedTwice),
            b'd' => Some(Self::NeverDue),
            _ => None,
        }
    }
}

/// What is known of a message that is suspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// It is in two places, or would never be due.
    Misplaced,
    /// It was seen nowhere, and is counted under no state: it may have been sent.
    Lost,
    /// It was seen nowhere, and is counted as in doubt.
    LostInDoubt,
    /// It was seen nowhere, and is counted as taken.
    LostTaken,
}

impl Suspicion {
    const fn letter(self) -> char {
        match self {
            Self::Misplaced => '.',
            Self::Lost => 'Q',
            Self::LostInDoubt => 'I',
            Self::LostTaken => 'E',
        }
    }
}

/// What is looked at once more, as of one instant, and mended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MendAsk<'a> {
    pub(crate) partition: Partition,
    pub(crate) campaign: CampaignId,
    /// The lane of its messages.
    pub(crate) lane: u8,
    pub(crate) now: UnixMicros,
    /// Positions, and of what they are suspected.
    pub(crate) suspects: &'a [(u32, Suspicion)],
}

/// What was mended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mended {
    /// Messages by their positions.
    pub(crate) messages: Vec<(u32, Misplaced)>,
    /// Lines that the campaign stands in again.
    pub(crate) lines: u32,
    /// Parked receipts of those that were nowhere.
    pub(crate) parked: Vec<ParkedOf>,
}

impl Store {
    /// What is queued of campaigns in a partition, of some at a time as of one instant.
    pub(crate) async fn queued_of(
        &self,
        partition: Partition,
        campaigns: &[CampaignId],
    ) -> Result<Vec<Queued>, StoreError> {
        let ask = |some: &[CampaignId]| {
            let mut call = self.partition_script(Name::Places, partition);
            for campaign in some {
                call.arg(campaign.0);
            }
            call
        };
        let mut all = Vec::with_capacity(campaigns.len());
        for some in campaigns.chunks(CAMPAIGNS_MAX) {
            let mut replies = self.run(&self.bulk, vec![ask(some)]).await?;
            let mut values = array(replies.pop().unwrap_or_default())?.into_iter();
            for _ in some {
                let mut value = || values.next().unwrap_or_default();
                let (rows, halt, spans, adrift, counts) = (value(), value(), value(), value(), value());
                all.push(Queued {
                    rows: integer(&rows)? as u32,
                    stopped: bytes(halt)? == b"c",
                    spans: read_spans(&bytes(spans)?),
                    adrift: integer(&adrift)? as u32,
                    by_line: read_counts(&bytes(counts)?),
                });
            }
        }
        Ok(all)
    }

    /// How many rows are counted as queued in each line of a partition.
    pub(crate) async fn depths(&self, partition: Partition) -> Result<BTreeMap<String, i64>, StoreError> {
        self.ask(redis::cmd("HGETALL").arg(format!("{}depth", self.base(partition))))
            .await
    }

    /// Counts so many rows less in a line.
    pub(crate) async fn count_less(&self, partition: Partition, line: &str, rows: i64) -> Result<(), StoreError> {
        let mut less = redis::cmd("HINCRBY");
        less.arg(format!("{}depth", self.base(partition))).arg(line).arg(-rows);
        self.ask::<i64>(&less).await.map(drop)
    }

    /// For each row of a campaign in a partition whether it has a result.
    pub(crate) async fn ended_rows(
        &self,
        partition: Partition,
        campaign: CampaignId,
        rows: u32,
    ) -> Result<Vec<bool>, StoreError> {
        let mut ended = Vec::with_capacity(rows as usize);
        for first in (0..rows).step_by(RESULTS_MAX as usize) {
            let octet = |position: u32| COUNTERS_LENGTH + ResultSlot::LENGTH * position as usize;
            let mut get = redis::cmd("GETRANGE");
            get.arg(self.results_key(partition, campaign))
                .arg(octet(first))
                .arg(octet(rows.min(first + RESULTS_MAX)) - 1);
            let mut replies = self.run(&self.bulk, vec![get]).await?;
            let slots = bytes(replies.pop().unwrap_or_default())?;
            ended.resize(first as usize, false);
            ended.extend(slots.chunks(ResultSlot::LENGTH).map(|slot| slot.first() != Some(&0)));
        }
        ended.resize(rows as usize, false);
        Ok(ended)
    }

    /// The last entry of a partition's journal; empty when there is none that the books do not have.
    pub(crate) async fn journal_end(&self, partition: Partition) -> Result<String, StoreError> {
        let mut last = redis::cmd("XREVRANGE");
        last.arg(format!("{}jr", self.base(partition)))
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(1);
        let mut replies = self.run(&self.bulk, vec![last]).await?;
        let mut entries = array(replies.pop().unwrap_or_default())?.into_iter();
        let Some(entry) = entries.next() else {
            return Ok(String::new());
        };
        let id = array(entry)?.into_iter().next().unwrap_or_default();
        String::from_utf8(bytes(id)?).map_err(|_| StoreError::Corrupt("an id of the journal"))
    }

    /// For each of these messages whether it is in none of the due sets that it may wait in.
    pub(crate) async fn never_due(
        &self,
        partition: Partition,
        waiting: &[(Recipient, MessageId, [Line; 2])],
    ) -> Result<Vec<bool>, StoreError> {
        let score = |(recipient, id, line): (Recipient, MessageId, Line)| {
            let mut score = redis::cmd("ZSCORE");
            score
                .arg(format!("{}due:{line}", self.base(partition)))
                .arg([recipient.0.to_be_bytes(), id.0.to_be_bytes()].concat());
            score
        };
        let asked = waiting
            .iter()
            .flat_map(|(recipient, id, lines)| lines.map(|line| (*recipient, *id, line)));
        let replies = self.run(&self.bulk, asked.map(score).collect()).await?;
        Ok(replies
            .chunks(2)
            .map(|both| both.iter().all(|score| *score == Value::Nil))
            .collect())
    }

    /// Looks at messages once more, as of one instant, and mends what is not in one place.
    pub(crate) async fn mend(&self, ask: &MendAsk<'_>) -> Result<Mended, StoreError> {
        let mut mended = Mended::default();
        let mut suspects = ask.suspects.chunks(SUSPECTS_MAX);
        // Once at least: there may be lines to go back to.
        let mut some = suspects.next().unwrap_or_default();
        loop {
            let packed: Vec<u8> = some.iter().flat_map(|(position, _)| position.to_be_bytes()).collect();
            let suspicions: String = some.iter().map(|(_, suspicion)| suspicion.letter()).collect();
            let mut call = self.partition_script(Name::Mend, ask.partition);
            call.arg(ask.campaign.0)
                .arg(ask.lane)
                .arg(self.partitions())
                .arg(ask.now.0)
                .arg(packed)
                .arg(suspicions);
            let mut replies = self.run(&self.bulk, vec![call]).await?;
            let mut values = array(replies.pop().unwrap_or_default())?.into_iter();
            let verdicts = bytes(values.next().unwrap_or_default())?;
            mended.lines += integer(&values.next().unwrap_or_default())? as u32;
            let found = some.iter().zip(verdicts);
            mended
                .messages
                .extend(found.filter_map(|((position, _), letter)| Some((*position, Misplaced::from_letter(letter)?))));
            while let (Some(key), Some(receipts)) = (values.next(), values.next()) {
                mended.parked.push((recipient(key)?, bytes(receipts)?));
            }
            match suspects.next() {
                Some(next) => some = next,
                None => return Ok(mended),
            }
        }
    }
}

fn read_spans(packed: &[u8]) -> Vec<(u32, u32)> {
    let number = |octets: &[u8]| octets.iter().fold(0, |number, octet| number << 8 | u32::from(*octet));
    let spans = packed.chunks_exact(8);
    spans.map(|span| (number(&span[..4]), number(&span[4..]))).collect()
}

fn read_counts(written: &[u8]) -> Vec<(String, i64)> {
    let written = String::from_utf8_lossy(written);
    let words: Vec<&str> = written.split_ascii_whitespace().collect();
    let pairs = words.chunks_exact(2);
    pairs
        .map(|pair| (pair[0].to_owned(), pair[1].parse().unwrap_or_default()))
        .collect()
}

#[cfg(test)]
impl Store {
    /// Writes into the database behind everybody's back; a `{}` in a key is the partition's base.
    pub(crate) async fn tamper(&self, partition: Partition, command: &[&[u8]]) -> Result<(), StoreError> {
        let mut words = command.iter();
        let name = String::from_utf8_lossy(words.next().copied().unwrap_or_default()).into_owned();
        let mut call = redis::cmd(&name);
        for word in words {
            match word.strip_prefix(b"{}") {
                Some(rest) => call.arg([self.base(partition).as_bytes(), rest].concat()),
                None => call.arg(*word),
            };
        }
        self.ask::<Value>(&call).await.map(drop)
    }
}
