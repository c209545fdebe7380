//! Engine processes: who is alive, what the dead have left, and numbers for the names of SMSCs.

use super::{Store, StoreError, array, bytes, integer, keys};
use crate::domain::{Partition, Recipient, SmscId};

/// An engine process that has leased messages, and its last sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number, which its leases carry.
    pub number: u32,
    /// µs since 1970.
    pub seen_at: u64,
}

/// What a step through the records found.
#[derive(Debug, Default)]
pub struct Found {
    /// Recipients and their records.
    pub records: Vec<(Recipient, Vec<u8>)>,
    /// Where to go on; 0: the end.
    pub cursor: u64,
}

impl Store {
    /// A new epoch, alive from now on.
    pub async fn new_epoch(&self, now_us: u64) -> Result<u32, StoreError> {
        let mut next = redis::cmd("HINCRBY");
        let epoch: u32 = self.ask(next.arg(keys::META).arg("next_epoch").arg(1)).await?;
        self.beat(epoch, now_us).await?;
        Ok(epoch)
    }

    /// A sign of life.
    pub async fn beat(&self, epoch: u32, now_us: u64) -> Result<(), StoreError> {
        let mut set = redis::cmd("HSET");
        self.ask::<i64>(set.arg(keys::ENGINES).arg(epoch).arg(now_us))
            .await
            .map(drop)
    }

    /// Every epoch that may have leases.
    pub async fn epochs(&self) -> Result<Vec<Epoch>, StoreError> {
        let mut get = redis::cmd("HGETALL");
        let pairs: Vec<(u32, u64)> = self.ask(get.arg(keys::ENGINES)).await?;
        Ok(pairs
            .into_iter()
            .map(|(number, seen_at)| Epoch { number, seen_at })
            .collect())
    }

    /// Forgets an epoch that has no leases any more.
    pub async fn forget_epoch(&self, epoch: u32) -> Result<(), StoreError> {
        let mut del = redis::cmd("HDEL");
        self.ask::<i64>(del.arg(keys::ENGINES).arg(epoch)).await.map(drop)
    }

    /// Some records of a partition, about `count`; every record that stays is found once or more.
    pub async fn scan_records(&self, partition: Partition, cursor: u64, count: usize) -> Result<Found, StoreError> {
        self.scan(partition, "rec", cursor, count).await
    }

    /// The same for parked receipts.
    pub async fn scan_parked(&self, partition: Partition, cursor: u64, count: usize) -> Result<Found, StoreError> {
        self.scan(partition, "early", cursor, count).await
    }

    async fn scan(&self, partition: Partition, key: &str, cursor: u64, count: usize) -> Result<Found, StoreError> {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(format!("{}{key}", self.base(partition)))
            .arg(cursor)
            .arg("COUNT")
            .arg(count);
        let mut replies = self.run(&self.bulk, &[scan]).await?;
        let mut reply = array(replies.pop().unwrap_or_default())?.into_iter();
        let cursor = integer(&reply.next().unwrap_or_default())? as u64;
        let mut values = array(reply.next().unwrap_or_default())?.into_iter();
        let mut records = Vec::new();
        while let (Some(recipient), Some(record)) = (values.next(), values.next()) {
            if let Ok(octets) = <[u8; 8]>::try_from(bytes(recipient)?) {
                records.push((Recipient(u64::from_be_bytes(octets)), bytes(record)?));
            }
        }
        Ok(Found { records, cursor })
    }

    /// Messages with parked receipts, over all partitions: for a gauge.
    pub async fn parked_count(&self) -> Result<u64, StoreError> {
        let calls: Vec<_> = self
            .all_partitions()
            .map(|partition| {
                let mut len = redis::cmd("HLEN");
                len.arg(format!("{}early", self.base(partition)));
                len
            })
            .collect();
        self.run(&self.bulk, &calls)
            .await?
            .iter()
            .map(|reply| integer(reply).map(|count| count as u64))
            .sum()
    }

    /// The number of an SMSC's name; the same for good.
    pub async fn smsc_id(&self, name: &str) -> Result<SmscId, StoreError> {
        let mut get = redis::cmd("HGET");
        let known: Option<u16> = self.ask(get.arg(keys::SMSCS).arg(name)).await?;
        if let Some(number) = known {
            return Ok(SmscId(number));
        }
        let mut next = redis::cmd("HINCRBY");
        let number: u16 = self.ask(next.arg(keys::META).arg("next_smsc").arg(1)).await?;
        let mut claim = redis::cmd("HSETNX");
        let _won: i64 = self.ask(claim.arg(keys::SMSCS).arg(name).arg(number)).await?;
        // Another process may have been faster: its number holds.
        let number: u16 = self.ask(redis::cmd("HGET").arg(keys::SMSCS).arg(name)).await?;
        Ok(SmscId(number))
    }

    /// Every SMSC that this database has ever known.
    pub async fn smscs(&self) -> Result<Vec<SmscId>, StoreError> {
        let numbers: Vec<u16> = self.ask(redis::cmd("HVALS").arg(keys::SMSCS)).await?;
        Ok(numbers.into_iter().map(SmscId).collect())
    }

    /// Octets of memory that the server uses, for a gauge.
    pub async fn used_memory(&self) -> Result<u64, StoreError> {
        let text: String = self.ask(redis::cmd("INFO").arg("memory")).await?;
        let line = text.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(line.and_then(|value| value.trim().parse().ok()).unwrap_or(0))
    }
}
