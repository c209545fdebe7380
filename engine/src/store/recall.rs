//! Messages that end by themselves while they are queued, and those that will when their time is over.

use super::scripts::Name;
use super::{Store, StoreError, array, bytes};
use crate::domain::{CampaignId, MessageId, Partition, Recipient, UnixMicros};

/// Messages of one script call, and of one look at those whose time is over.
const CALL_MAX: usize = 500;

/// Why nothing more is sent of messages; the letters of `recall.lua`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recall {
    /// They are called back.
    Asked,
    /// Their time is over.
    Outdated,
}

impl Recall {
    const fn letter(self) -> &'static str {
        match self {
            Self::Asked => "r",
            Self::Outdated => "x",
        }
    }
}

/// Where a message was that was to end in its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// There: it has ended.
    Queued,
    /// In that recipient's record, if it was launched.
    Recorded(Recipient),
    /// It had ended before, or is not there.
    Over,
}

impl Store {
    /// Ends those of the messages that are queued. Where each was, in the order of their ids, in which they have to be.
    pub(crate) async fn recall_queued(
        &self,
        (partition, how): (Partition, Recall),
        messages: &[MessageId],
    ) -> Result<Vec<Whereabouts>, StoreError> {
        let call = |some: &[MessageId]| {
            let mut call = self.partition_script(Name::Recall, partition);
            call.arg(how.letter());
            for of_one in some.chunk_by(|one, other| one.campaign() == other.campaign()) {
                let positions = of_one.iter().map(|id| id.place(self.partitions()).1);
                let packed: Vec<u8> = positions.flat_map(u32::to_be_bytes).collect();
                call.arg(of_one[0].campaign().0).arg(packed);
            }
            call
        };
        let mut all = Vec::with_capacity(messages.len());
        for some in messages.chunks(CALL_MAX) {
            let mut replies = self.run(&self.bulk, vec![call(some)]).await?;
            for place in array(replies.pop().unwrap_or_default())? {
                all.push(read_place(&bytes(place)?)?);
            }
        }
        Ok(all)
    }

    /// The first minute in each partition in which messages by themselves ended to be worth something, where there is one by then.
    pub(crate) async fn outdated(&self, now: UnixMicros) -> Result<Vec<(Partition, u64)>, StoreError> {
        let first = |partition| {
            let mut first = redis::cmd("ZRANGEBYSCORE");
            first.arg(format!("{}minutes", self.base(partition)));
            first.arg("-inf").arg(now.minute()).arg("LIMIT").arg(0).arg(1);
            first
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(first).collect()).await?;
        let mut found = Vec::new();
        for (partition, reply) in self.all_partitions().zip(replies) {
            if let Some(minute) = array(reply)?.into_iter().next() {
                let minute = String::from_utf8(bytes(minute)?)
                    .ok()
                    .and_then(|text| text.parse().ok());
                let minute = minute.ok_or(StoreError::Corrupt("a minute in which messages end"))?;
                found.push((partition, minute));
            }
        }
        Ok(found)
    }

    /// The messages that are listed there, in the order of their ids: some of them.
    pub(crate) async fn outdated_in(
        &self,
        (partition, minute): (Partition, u64),
    ) -> Result<Vec<MessageId>, StoreError> {
        let mut some = redis::cmd("LRANGE");
        some.arg(self.until(partition, minute)).arg(0).arg(CALL_MAX - 1);
        let mut replies = self.run(&self.bulk, vec![some]).await?;
        let packed = array(replies.pop().unwrap_or_default())?.into_iter();
        let read = |packed| self.read_listed(partition, &bytes(packed)?);
        let mut messages = packed.map(read).collect::<Result<Vec<_>, _>>()?;
        messages.sort_unstable();
        Ok(messages)
    }

    fn read_listed(&self, partition: Partition, packed: &[u8]) -> Result<MessageId, StoreError> {
        let bad = || StoreError::Corrupt("a message whose time is over");
        let (campaign, position) = packed.split_first_chunk().ok_or_else(bad)?;
        let position = position.first_chunk().ok_or_else(bad)?;
        let (campaign, position) = (CampaignId(u64::from_be_bytes(*campaign)), u32::from_be_bytes(*position));
        Ok(MessageId::new(campaign, partition, self.partitions(), position))
    }

    /// The first so many of these have ended one way or another; none: there is no such list.
    pub(crate) async fn forget_outdated(
        &self,
        (partition, minute): (Partition, u64),
        count: usize,
    ) -> Result<(), StoreError> {
        let mut trim = redis::cmd("LTRIM");
        trim.arg(self.until(partition, minute)).arg(count).arg(-1);
        let mut all = vec![trim];
        if count == 0 {
            let mut forget = redis::cmd("ZREM");
            forget.arg(format!("{}minutes", self.base(partition))).arg(minute);
            all = vec![forget];
        }
        self.run(&self.bulk, all).await.map(drop)
    }

    /// Lists messages among those whose time is over in that minute.
    pub(crate) async fn list_outdated(
        &self,
        (partition, minute): (Partition, u64),
        messages: &[MessageId],
    ) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let mut note = redis::cmd("ZADD");
        note.arg(format!("{}minutes", self.base(partition)))
            .arg(minute)
            .arg(minute);
        let mut list = redis::cmd("RPUSH");
        list.arg(self.until(partition, minute));
        for id in messages {
            let position = id.place(self.partitions()).1;
            list.arg([&id.campaign().0.to_be_bytes()[..], &position.to_be_bytes()].concat());
        }
        self.run(&self.bulk, vec![note, list]).await.map(drop)
    }

    fn until(&self, partition: Partition, minute: u64) -> String {
        format!("{}until:{minute}", self.base(partition))
    }
}

fn read_place(packed: &[u8]) -> Result<Whereabouts, StoreError> {
    match packed {
        b"." => Ok(Whereabouts::Queued),
        b"" => Ok(Whereabouts::Over),
        number => {
            let number = number
                .try_into()
                .map_err(|_| StoreError::Corrupt("a recipient is not 8 octets"))?;
            Ok(Whereabouts::Recorded(Recipient(u64::from_be_bytes(number))))
        }
    }
}
