//! Queues and lanes: what is due, in whose turn, and how it is claimed.

use redis::{Cmd, Value};

use super::scripts::Name;
use super::{Store, StoreError, array, bytes, integer};
use crate::domain::{CampaignId, ENTRY_HEAD, Entry, MessageId, Partition, Purpose, SmscId, TenantId};

/// What a lease brought.
#[derive(Debug, Default)]
pub struct Leased {
    /// Packed messages, now in state Leased.
    pub messages: Vec<Vec<u8>>,
    /// More is due in this partition.
    pub more: bool,
    /// When the next deferred message is due, µs.
    pub next_due: Option<u64>,
}

/// A stretch of a campaign's audience that is to be enqueued.
#[derive(Debug)]
pub struct Stretch {
    /// The campaign.
    pub campaign: CampaignId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its lane.
    pub purpose: Purpose,
    /// The partition.
    pub partition: Partition,
    /// Recipients of the partition that are enqueued already.
    pub position: u32,
    /// Packed entries by SMSC; SMSC 0 has no route.
    pub groups: Vec<(SmscId, Vec<Vec<u8>>)>,
}

/// One message that is sent by itself.
#[derive(Debug)]
pub struct DirectMessage<'a> {
    /// The tenant's direct campaign of the hour.
    pub campaign: CampaignId,
    /// Its audience row.
    pub row: Vec<u8>,
    /// The message; its id is set by the store.
    pub entry: Entry<'a>,
    /// Its lane.
    pub purpose: Purpose,
}

impl Store {
    /// Claims due messages of one partition for an SMSC, about `segments` segments of them.
    pub async fn lease(
        &self,
        smsc: SmscId,
        partition: Partition,
        segments: usize,
        lease: (u32, u64),
    ) -> Result<Leased, StoreError> {
        let (epoch, now_us) = lease;
        let mut call = self.script(Name::Lease, &[self.base(partition)]);
        call.arg(smsc.0).arg(segments).arg(now_us).arg(&epoch.to_be_bytes()[..]);
        let mut replies = self.run(&self.leases, &[call]).await?;
        let mut values = array(replies.pop().unwrap_or_default())?.into_iter();
        let more = integer(&values.next().unwrap_or_default())? == 1;
        let next_due = score(values.next())?;
        let messages = values.map(bytes).collect::<Result<_, _>>()?;
        Ok(Leased {
            messages,
            more,
            next_due,
        })
    }

    /// Enqueues stretches, each once: returns how many recipients of each campaign and partition are enqueued now.
    pub async fn enqueue(&self, stretches: &[Stretch], now_us: u64) -> Result<Vec<u32>, StoreError> {
        let calls: Vec<Cmd> = stretches
            .iter()
            .map(|stretch| {
                let mut call = self.script(Name::Enqueue, &[self.base(stretch.partition)]);
                call.arg(stretch.campaign.0)
                    .arg(stretch.tenant.0)
                    .arg(stretch.purpose.lane());
                call.arg(stretch.position).arg(now_us / 1_000_000);
                for (smsc, entries) in &stretch.groups {
                    call.arg(smsc.0).arg(entries.len()).arg(entries);
                }
                call
            })
            .collect();
        let replies = self.run(&self.bulk, &calls).await?;
        replies
            .iter()
            .map(|reply| integer(reply).map(|expanded| expanded as u32))
            .collect()
    }

    /// Enqueues one message; `None` when the direct campaign is full in its partition.
    pub async fn enqueue_direct(
        &self,
        message: &DirectMessage<'_>,
        now_us: u64,
    ) -> Result<Option<MessageId>, StoreError> {
        let (entry, partitions) = (&message.entry, self.partitions());
        let partition = entry.recipient.partition(partitions);
        let mut packed = Vec::with_capacity(ENTRY_HEAD + entry.body.len());
        entry.pack(&mut packed);
        let mut call = self.script(Name::EnqueueDirect, &[self.base(partition)]);
        call.arg(message.campaign.0)
            .arg(entry.tenant.0)
            .arg(message.purpose.lane())
            .arg(partitions)
            .arg(partition.0);
        // The id stands behind length and recipient: ten octets in.
        call.arg(entry.smsc.0)
            .arg(&message.row[..])
            .arg(&packed[..10])
            .arg(&packed[18..]);
        call.arg(MessageId::positions_max(partitions)).arg(now_us / 1_000_000);
        let mut replies = self.run(&self.bulk, &[call]).await?;
        let id = bytes(replies.pop().unwrap_or_default())?;
        Ok(<[u8; 8]>::try_from(id).ok().map(|id| MessageId(u64::from_be_bytes(id))))
    }

    /// Pauses (`p`), resumes (empty) or stops (`c`) a campaign's queues everywhere.
    pub async fn halt(
        &self,
        line: (TenantId, CampaignId, Purpose),
        halt: &str,
        smscs: &[SmscId],
    ) -> Result<(), StoreError> {
        let (tenant, campaign, purpose) = line;
        let numbers: Vec<u16> = smscs.iter().map(|smsc| smsc.0).collect();
        let calls: Vec<Cmd> = self
            .all_partitions()
            .map(|partition| {
                let mut call = self.script(Name::Halt, &[self.base(partition)]);
                call.arg(campaign.0)
                    .arg(tenant.0)
                    .arg(purpose.lane())
                    .arg(halt)
                    .arg(&numbers);
                call
            })
            .collect();
        self.run(&self.bulk, &calls).await.map(drop)
    }

    /// Cancels up to a thousand queued messages of a stopped campaign in each partition. 0: none is left.
    pub async fn drain(&self, campaign: CampaignId, smscs: &[SmscId], now_us: u64) -> Result<u64, StoreError> {
        const STEP: usize = 1_000;
        let numbers: Vec<u16> = smscs.iter().map(|smsc| smsc.0).collect();
        let calls: Vec<Cmd> = self
            .all_partitions()
            .map(|partition| {
                let mut call = self.script(Name::Drain, &[self.base(partition)]);
                call.arg(campaign.0).arg(STEP).arg(now_us / 1_000_000).arg(&numbers);
                call
            })
            .collect();
        let replies = self.run(&self.bulk, &calls).await?;
        replies
            .iter()
            .map(|reply| integer(reply).map(|count| count as u64))
            .sum()
    }

    /// How often each tenant gets a turn, everywhere; 1 is everybody's.
    pub async fn set_weight(&self, tenant: TenantId, weight: u8) -> Result<(), StoreError> {
        let calls: Vec<Cmd> = self
            .all_partitions()
            .map(|partition| {
                let mut call = redis::cmd("HSET");
                call.arg(format!("{}weights", self.base(partition)))
                    .arg(tenant.0)
                    .arg(weight);
                call
            })
            .collect();
        self.run(&self.bulk, &calls).await.map(drop)
    }

    /// Entries in an SMSC's queues by lane, and deferred messages, over all partitions: for gauges.
    pub async fn depths(&self, smsc: SmscId) -> Result<([u64; 2], u64), StoreError> {
        let mut calls = Vec::with_capacity(usize::from(self.partitions()) * 2);
        for partition in self.all_partitions() {
            let base = self.base(partition);
            let (mut depth, mut due) = (redis::cmd("HMGET"), redis::cmd("ZCARD"));
            depth
                .arg(format!("{base}depth"))
                .arg(format!("{}:0", smsc.0))
                .arg(format!("{}:1", smsc.0));
            due.arg(format!("{base}due:{}", smsc.0));
            calls.extend([depth, due]);
        }
        let mut replies = self.run(&self.bulk, &calls).await?.into_iter();
        let (mut queued, mut deferred) = ([0; 2], 0);
        while let (Some(depth), Some(due)) = (replies.next(), replies.next()) {
            for (sum, value) in queued.iter_mut().zip(array(depth)?) {
                *sum += integer(&value)?.max(0) as u64;
            }
            deferred += integer(&due)? as u64;
        }
        Ok((queued, deferred))
    }

    /// The partitions in which something is due for an SMSC now.
    pub async fn due_partitions(&self, smsc: SmscId, now_us: u64) -> Result<Vec<Partition>, StoreError> {
        let mut calls = Vec::with_capacity(usize::from(self.partitions()) * 2);
        for partition in self.all_partitions() {
            let base = self.base(partition);
            let (mut rings, mut due) = (redis::cmd("EXISTS"), redis::cmd("ZCOUNT"));
            rings
                .arg(format!("{base}ring:{}:0", smsc.0))
                .arg(format!("{base}ring:{}:1", smsc.0));
            due.arg(format!("{base}due:{}", smsc.0)).arg("-inf").arg(now_us);
            calls.extend([rings, due]);
        }
        let replies = self.run(&self.leases, &calls).await?;
        let counts = replies
            .chunks(2)
            .map(|pair| Ok(integer(&pair[0])? + integer(&pair[1])?));
        let counts = counts.collect::<Result<Vec<i64>, StoreError>>()?;
        Ok(self
            .all_partitions()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .map(|(partition, _)| partition)
            .collect())
    }
}

fn score(value: Option<Value>) -> Result<Option<u64>, StoreError> {
    let text = bytes(value.unwrap_or(Value::BulkString(Vec::new())))?;
    let number = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.parse::<f64>().ok());
    Ok(number.map(|score| score.max(0.0) as u64))
}
