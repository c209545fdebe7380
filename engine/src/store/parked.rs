//! Receipts that match no message (yet).

use redis::{Cmd, Value};

use super::scripts::Name;
use super::{Away, ParkedOf, Store, StoreError, array, bytes, bytes_or_none, integer, recipient};
use crate::domain::{Partition, Recipient, SmscId};

/// Keys of a partition that may have parked receipts, and octets for each: some dozens of receipts.
const PARKED_KEYS_MAX: usize = 100_000;
const PARKED_OCTETS_MAX: usize = 8_192;

/// What a step through a hash found.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// Recipients and what stands under them.
    pub(crate) entries: Vec<(Recipient, Vec<u8>)>,
    /// Where to go on; 0: the end.
    pub(crate) cursor: u64,
}

impl Store {
    /// Keeps receipts, as far as their partitions are there. Returns for each whether there was room.
    pub(crate) async fn park_within_reach(&self, receipts: &[ParkedOf]) -> Result<(Vec<bool>, Away), StoreError> {
        let (mut kept, mut away) = (vec![false; receipts.len()], Away::default());
        let groups = self.parked_groups(receipts);
        let call = |group: &Vec<usize>| {
            let mut call = self.parked_call(Name::Park, group, receipts);
            call.arg(PARKED_KEYS_MAX).arg(PARKED_OCTETS_MAX);
            add_pairs(&mut call, group, receipts);
            call
        };
        let replies = self.run_each(&self.moves, groups.iter().map(call).collect()).await?;
        for (group, reply) in groups.iter().zip(replies) {
            match reply {
                Ok(reply) => {
                    for (&at, flag) in group.iter().zip(bytes(reply)?) {
                        kept[at] = flag == b'1';
                    }
                }
                Err(error) => away.add(receipts[group[0]].0.partition(self.partitions()), error),
            }
        }
        Ok((kept, away))
    }

    /// Forgets parked receipts. Returns how many were there.
    pub(crate) async fn unpark(&self, receipts: &[ParkedOf]) -> Result<usize, StoreError> {
        let call = |group: &Vec<usize>| {
            let mut call = self.parked_call(Name::Unpark, group, receipts);
            add_pairs(&mut call, group, receipts);
            call
        };
        let calls = self.parked_groups(receipts).iter().map(call).collect();
        let replies = self.run(&self.moves, calls).await?;
        replies
            .iter()
            .map(|reply| integer(reply).map(|count| count as usize))
            .sum()
    }

    fn parked_groups(&self, receipts: &[ParkedOf]) -> Vec<Vec<usize>> {
        const CALL_MAX: usize = 500;
        let mut slots: Vec<Vec<usize>> = vec![Vec::new(); usize::from(self.partitions())];
        for (at, (key, _)) in receipts.iter().enumerate() {
            slots[usize::from(key.partition(self.partitions()).0)].push(at);
        }
        slots
            .iter()
            .flat_map(|slot| slot.chunks(CALL_MAX))
            .map(<[usize]>::to_vec)
            .collect()
    }

    fn parked_call(&self, name: Name, group: &[usize], receipts: &[ParkedOf]) -> Cmd {
        self.partition_script(name, receipts[group[0]].0.partition(self.partitions()))
    }

    /// The parked receipts of one key; empty when there are none.
    pub(crate) async fn parked_of(&self, key: Recipient) -> Result<Vec<u8>, StoreError> {
        let mut get = redis::cmd("HGET");
        get.arg(format!("{}parked", self.base(key.partition(self.partitions()))))
            .arg(&key.0.to_be_bytes()[..]);
        let mut replies = self.run(&self.bulk, vec![get]).await?;
        bytes_or_none(replies.pop().unwrap_or_default())
    }

    /// Some records of a partition, about `count`; every record that stays is found once or more.
    pub(crate) async fn scan_records(
        &self,
        partition: Partition,
        cursor: u64,
        count: usize,
    ) -> Result<Scanned, StoreError> {
        self.scan(partition, "rec", cursor, count).await
    }

    /// The same for parked receipts.
    pub(crate) async fn scan_parked(
        &self,
        partition: Partition,
        cursor: u64,
        count: usize,
    ) -> Result<Scanned, StoreError> {
        self.scan(partition, "parked", cursor, count).await
    }

    async fn scan(&self, partition: Partition, key: &str, cursor: u64, count: usize) -> Result<Scanned, StoreError> {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(format!("{}{key}", self.base(partition)))
            .arg(cursor)
            .arg("COUNT")
            .arg(count);
        let mut replies = self.run(&self.bulk, vec![scan]).await?;
        let mut reply = array(replies.pop().unwrap_or_default())?.into_iter();
        let cursor = integer(&reply.next().unwrap_or_default())? as u64;
        let mut values = array(reply.next().unwrap_or_default())?.into_iter();
        let mut entries = Vec::new();
        while let (Some(key), Some(value)) = (values.next(), values.next()) {
            entries.push((recipient(key)?, bytes(value)?));
        }
        Ok(Scanned { entries, cursor })
    }

    /// Keys with parked receipts, over all partitions: for a gauge.
    pub(crate) async fn parked_count(&self) -> Result<u64, StoreError> {
        let count = |partition| {
            let mut len = redis::cmd("HLEN");
            len.arg(format!("{}parked", self.base(partition)));
            len
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(count).collect()).await?;
        replies
            .iter()
            .map(|reply| integer(reply).map(|count| count as u64))
            .sum()
    }

    /// Keeps which recipient an SMSC's id belongs to, for as long as receipts may take: for SMSCs whose receipts do not say.
    pub(crate) async fn index_ids(
        &self,
        smsc: SmscId,
        ids: &[(Vec<u8>, Recipient)],
        seconds: u64,
    ) -> Result<(), StoreError> {
        let set = |(id, recipient): &(Vec<u8>, Recipient)| {
            let mut set = redis::cmd("SET");
            set.arg(index_key(smsc, id)).arg(recipient.0).arg("EX").arg(seconds);
            set
        };
        self.run(&self.moves, ids.iter().map(set).collect()).await.map(drop)
    }

    /// The recipient that an SMSC's id was kept for.
    pub(crate) async fn indexed(&self, smsc: SmscId, id: &[u8]) -> Result<Option<Recipient>, StoreError> {
        let mut get = redis::cmd("GET");
        get.arg(index_key(smsc, id));
        let mut replies = self.run(&self.moves, vec![get]).await?;
        let value = replies.pop().unwrap_or_default();
        if value == Value::Nil {
            return Ok(None);
        }
        Ok(Some(Recipient(integer(&value)? as u64)))
    }
}

fn add_pairs(call: &mut Cmd, group: &[usize], receipts: &[ParkedOf]) {
    for &at in group {
        let (key, packed) = &receipts[at];
        call.arg(&key.0.to_be_bytes()[..]).arg(&packed[..]);
    }
}

fn index_key(smsc: SmscId, id: &[u8]) -> Vec<u8> {
    [format!("c:id:{}:", smsc.0).as_bytes(), id].concat()
}
