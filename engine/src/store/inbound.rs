//! Inbound messages: their parts, and what is kept of them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use redis::Value;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::scripts::Name;
use super::{Store, StoreError, array, bytes, integer, keys};
use crate::domain::{CampaignId, Partition, Purpose, Recipient, Record, TenantId, UnixMicros};
use crate::encryption::EncryptionFault;

/// Messages in one call.
const CALL_MAX: usize = 100;

/// Messages whose parts are looked at in one step.
const OVERDUE_MAX: usize = 100;

/// What an encrypted message begins with; then comes the tenant whose key it is, 4 octets, or 0. An earlier version kept JSON.
const ENCRYPTED: u8 = 1;

/// The sender in a trail whose message was sent under a name.
const A_NAME: u64 = 0;

/// A message to be kept.
#[derive(Clone, Debug)]
pub(crate) struct InboundRow {
    /// Who wrote; `None`: not a number.
    pub(crate) from: Option<Recipient>,
    /// The number that was written to; 0: not a number.
    pub(crate) number: u64,
    /// A simulator brought it: it answers what sandboxes sent, and stops nothing else.
    pub(crate) sandbox: bool,
    /// Whose that number is; none: it is not one of ours.
    pub(crate) owners: Vec<TenantId>,
    /// What it says is for this one of them.
    pub(crate) meant: Option<TenantId>,
    /// The same for a second copy.
    pub(crate) digest: [u8; 32],
    /// Whether it says that no more messages are wanted.
    pub(crate) opts_out: OptsOut,
    /// What is kept of it: JSON.
    pub(crate) message: String,
    /// What its parts had in common; empty when it came in one.
    pub(crate) parts: String,
}

impl InboundRow {
    /// Whose it may be, as the script takes it.
    fn owned_by(&self) -> Vec<u8> {
        match self.meant {
            Some(meant) => [&b"!"[..], &meant.0.to_be_bytes()].concat(),
            None => self.owners.iter().flat_map(|owner| owner.0.to_be_bytes()).collect(),
        }
    }

    /// Whose it is, if nobody wrote to its sender before.
    fn sole_owner(&self) -> Option<TenantId> {
        match (self.meant, &self.owners[..]) {
            (Some(meant), _) => Some(meant),
            (None, [one]) => Some(*one),
            (None, _) => None,
        }
    }
}

/// Whether a text says that no more messages are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptsOut {
    No,
    Yes,
    /// It does, except to a tenant whose appointments it answers.
    UnlessItAnswers,
}

impl OptsOut {
    /// As the script takes it.
    const fn digit(self) -> u8 {
        match self {
            Self::No => 0,
            Self::Yes => 1,
            Self::UnlessItAnswers => 2,
        }
    }
}

/// How messages are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InboundKeeping {
    pub(crate) now: UnixMicros,
    /// The same message within it is a second copy.
    pub(crate) twice: Duration,
    pub(crate) kept_for: Duration,
    /// Of one tenant, in one partition.
    pub(crate) kept: usize,
}

/// A message by which it is known when it comes again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InboundMark {
    pub(crate) partition: Partition,
    pub(crate) digest: [u8; 32],
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InboundKept {
    /// Whose message it answers, as far as that is known.
    pub(crate) tenant: Option<TenantId>,
    /// It was kept before.
    pub(crate) second_copy: bool,
    /// It opts out, and that was kept too.
    pub(crate) opted_out: bool,
}

/// A part of a message to be kept until the others are there.
#[derive(Clone, Debug)]
pub(crate) struct PartRow {
    /// Which, from 1.
    pub(crate) number: u8,
    /// Of how many.
    pub(crate) total: u8,
    pub(crate) packed: Vec<u8>,
}

/// What is there of a message that comes in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parts {
    /// Some of its parts.
    Missing,
    /// It was kept before.
    Known,
    /// Each part by its number.
    All(Vec<(u8, Vec<u8>)>),
}

/// Where a kept message stands among all of a tenant's: by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InboundPlace {
    ms: u64,
    sequence: u64,
    partition: Partition,
}

impl InboundPlace {
    /// Before all that is kept from that time on.
    pub(crate) const fn at(time: UnixMicros) -> Self {
        Self {
            ms: time.0 / 1_000,
            sequence: 0,
            partition: Partition(0),
        }
    }

    /// When it was kept, in milliseconds since 1970.
    pub(crate) const fn milliseconds(self) -> u64 {
        self.ms
    }

    pub(crate) const fn partition(self) -> Partition {
        self.partition
    }

    /// As it is within its partition.
    pub(crate) fn id(self) -> String {
        format!("{}-{}", self.ms, self.sequence)
    }
}

impl fmt::Display for InboundPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.ms, self.sequence, self.partition.0)
    }
}

impl FromStr for InboundPlace {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().unwrap_or_default();
        Ok(Self {
            ms: next().parse()?,
            sequence: next().parse()?,
            partition: Partition(next().parse()?),
        })
    }
}

/// A kept message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InboundEntry {
    pub(crate) place: InboundPlace,
    /// JSON: an [`InboundText`].
    pub(crate) message: Vec<u8>,
    /// The campaign of the last message from that number.
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) opted_out: bool,
}

/// What a message says, as it is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct InboundText {
    /// When it came, in µs since 1970.
    pub(crate) at: u64,
    /// The addresses, as its SMSC wrote them.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) text: String,
    /// By its number.
    pub(crate) smsc: u16,
    /// A simulator brought it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) sandbox: bool,
}

impl InboundEntry {
    /// What it says; `None`: that was erased.
    pub(crate) fn read(&self) -> Option<InboundText> {
        serde_json::from_slice(&self.message).ok()
    }
}

impl Store {
    /// Keeps messages of one partition, each once; who opts out is kept in the same step.
    pub(crate) async fn keep_inbound(
        &self,
        partition: Partition,
        rows: &[InboundRow],
        keeping: &InboundKeeping,
    ) -> Result<Vec<InboundKept>, StoreError> {
        let answers = rows.iter().any(|row| row.opts_out == OptsOut::UnlessItAnswers);
        let spared = if answers {
            self.cancel_answers().await?
        } else {
            Vec::new()
        };
        let sealed = self.seal(partition, rows).await?;
        let rows: Vec<(&InboundRow, Vec<u8>)> = rows.iter().zip(sealed).collect();
        let call = |rows: &[(&InboundRow, Vec<u8>)]| {
            let mut call = self.partition_script(Name::Inbound, partition);
            call.arg(keeping.now.seconds()).arg(keeping.twice.as_secs());
            call.arg(Purpose::Marketing.lane());
            call.arg(keeping.kept_for.as_secs().div_ceil(86_400)).arg(keeping.kept);
            call.arg(&spared);
            for (row, message) in rows {
                let from = row.from.map_or_else(Vec::new, |from| from.0.to_be_bytes().to_vec());
                call.arg(from).arg(&row.number.to_be_bytes()[..]).arg(&row.digest[..]);
                call.arg(row.opts_out.digit()).arg(message).arg(&row.parts);
                call.arg(row.owned_by()).arg(u8::from(row.sandbox));
            }
            call
        };
        let replies = self.run(&self.moves, rows.chunks(CALL_MAX).map(call).collect()).await?;
        let mut kept = Vec::with_capacity(rows.len());
        for reply in replies {
            for pair in array(reply)?.chunks(2) {
                let tenant = integer(&pair[0])?;
                kept.push(InboundKept {
                    tenant: u32::try_from(tenant).ok().filter(|tenant| *tenant > 0).map(TenantId),
                    second_copy: tenant < 0,
                    opted_out: integer(&pair[1])? == 1,
                });
            }
        }
        Ok(kept)
    }

    /// These were acknowledged: whoever says the same again within that time, and was sent something meanwhile, means it.
    pub(crate) async fn note_heard(&self, marks: &[InboundMark], within: Duration) -> Result<(), StoreError> {
        let set = |mark: &InboundMark| {
            let key = [self.base(mark.partition).as_bytes(), b"heard:", &mark.digest].concat();
            let mut set = redis::cmd("SET");
            set.arg(key).arg(1).arg("EX").arg(within.as_secs());
            set
        };
        let calls = marks.iter().map(set).collect();
        self.run(&self.moves, calls).await.map(drop)
    }

    /// The messages, encrypted for whom they seem to be. The script decides that when it keeps them: whose key it is stands with each.
    async fn seal(&self, partition: Partition, rows: &[InboundRow]) -> Result<Vec<Vec<u8>>, StoreError> {
        let asked: Vec<Recipient> = rows.iter().filter_map(|row| row.from).collect();
        let mut records: FxHashMap<Recipient, Value> = FxHashMap::default();
        if !asked.is_empty() {
            let mut get = redis::cmd("HMGET");
            get.arg(format!("{}rec", self.base(partition)));
            for from in &asked {
                get.arg(&from.0.to_be_bytes()[..]);
            }
            let found = self.run(&self.moves, vec![get]).await?.pop().unwrap_or_default();
            records = asked.into_iter().zip(array(found)?).collect();
        }
        let mut sealed = Vec::with_capacity(rows.len());
        for row in rows {
            let record = row.from.and_then(|from| records.get(&from));
            let tenant = match record {
                Some(Value::BulkString(record)) => likely_tenant(row, record),
                _ => row.sole_owner(),
            };
            sealed.push(self.sealed(tenant, row.message.as_bytes()).await?);
        }
        Ok(sealed)
    }

    /// A message as it is kept for a tenant, or for nobody.
    async fn sealed(&self, tenant: Option<TenantId>, message: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = self.text_key(tenant).await?;
        let head = [&[ENCRYPTED][..], &tenant.map_or(0, |tenant| tenant.0).to_be_bytes()].concat();
        Ok([head, key.own().encrypt(message)?].concat())
    }

    /// Gives a message that was nobody's to a tenant, as the answer to a campaign of it if that is known. Returns where it stands from now
    /// on; `None`: it is nobody's no more.
    pub(crate) async fn hand_over(
        &self,
        entry: &InboundEntry,
        (tenant, campaign): (TenantId, Option<CampaignId>),
        kept_for: Duration,
    ) -> Result<Option<InboundPlace>, StoreError> {
        let partition = entry.place.partition;
        let mut call = self.partition_script(Name::HandOver, partition);
        call.arg(entry.place.id()).arg(tenant.0);
        call.arg(self.sealed(Some(tenant), &entry.message).await?);
        call.arg(campaign.map_or_else(String::new, |campaign| campaign.0.to_string()));
        call.arg(kept_for.as_secs());
        let reply = self.run(&self.moves, vec![call]).await?.pop().unwrap_or_default();
        if matches!(reply, Value::Nil) {
            return Ok(None);
        }
        const BAD: StoreError = StoreError::Corrupt("the place of an inbound message");
        let id = String::from_utf8(bytes(reply)?).map_err(|_| BAD)?;
        let place = format!("{id}-{}", partition.0).parse().map_err(|_| BAD)?;
        Ok(Some(place))
    }

    /// A message as it was kept, or with nothing in it if that was erased.
    async fn open(&self, mut entry: InboundEntry) -> Result<InboundEntry, StoreError> {
        let Some(sealed) = entry.message.strip_prefix(&[ENCRYPTED]) else {
            return Ok(entry);
        };
        let (tenant, sealed) = sealed
            .split_first_chunk()
            .ok_or(StoreError::Corrupt("an inbound message"))?;
        let tenant = Some(TenantId(u32::from_be_bytes(*tenant))).filter(|tenant| tenant.0 > 0);
        entry.message = match self.text_key(tenant).await?.own().decrypt(sealed) {
            Ok(message) => message,
            Err(EncryptionFault::Unreadable) => b"{}".to_vec(),
            Err(fault) => return Err(fault.into()),
        };
        Ok(entry)
    }

    pub(super) async fn open_all(&self, entries: Vec<InboundEntry>) -> Result<Vec<InboundEntry>, StoreError> {
        let mut opened = Vec::with_capacity(entries.len());
        for entry in entries {
            opened.push(self.open(entry).await?);
        }
        Ok(opened)
    }

    /// Forgets what people have written to a tenant.
    pub(crate) async fn drop_inbound(&self, tenant: TenantId) -> Result<(), StoreError> {
        let unlink = |partition| {
            let mut unlink = redis::cmd("UNLINK");
            unlink.arg(format!("{}inbound:{}", self.base(partition), tenant.0));
            unlink
        };
        let calls = self.all_partitions().map(unlink).collect();
        self.run(&self.bulk, calls).await.map(drop)
    }

    /// Forgets what people wrote to a tenant before that time.
    pub(crate) async fn trim_inbound(&self, tenant: TenantId, before: UnixMicros) -> Result<(), StoreError> {
        let trim = |partition| {
            let mut trim = redis::cmd("XTRIM");
            trim.arg(format!("{}inbound:{}", self.base(partition), tenant.0));
            trim.arg("MINID").arg(before.0 / 1_000);
            trim
        };
        let calls = self.all_partitions().map(trim).collect();
        self.run(&self.bulk, calls).await.map(drop)
    }

    /// The tenants whose appointments a "CANCEL" answers, 4 octets each.
    async fn cancel_answers(&self) -> Result<Vec<u8>, StoreError> {
        let mut members = redis::cmd("SMEMBERS");
        let tenants: Vec<u32> = self.ask(members.arg(keys::CANCEL_ANSWERS)).await?;
        Ok(tenants.into_iter().flat_map(u32::to_be_bytes).collect())
    }

    /// From now on a "CANCEL" answers that tenant's appointments, or is an opt-out as with others.
    pub(crate) async fn set_cancel_answers(&self, id: TenantId, answers: bool) -> Result<(), StoreError> {
        let mut list = redis::cmd(if answers { "SADD" } else { "SREM" });
        let mut show = redis::cmd("HSET");
        list.arg(keys::CANCEL_ANSWERS).arg(id.0);
        show.arg(keys::tenant(id)).arg("cancel_answers").arg(u8::from(answers));
        self.run(&self.bulk, vec![list, show]).await.map(drop)
    }

    /// Keeps a part of a message.
    pub(crate) async fn keep_part(
        &self,
        partition: Partition,
        key: &str,
        part: &PartRow,
        now: UnixMicros,
    ) -> Result<Parts, StoreError> {
        let mut call = self.partition_script(Name::Parts, partition);
        call.arg(key)
            .arg(part.number)
            .arg(part.total)
            .arg(self.shared_text_key()?.own().encrypt(&part.packed)?)
            .arg(now.0);
        let reply = self.run(&self.moves, vec![call]).await?.pop().unwrap_or_default();
        if !matches!(reply, Value::Array(_)) {
            return Ok(Parts::Known);
        }
        let parts = self.numbered(reply)?;
        Ok(if parts.is_empty() {
            Parts::Missing
        } else {
            Parts::All(parts)
        })
    }

    /// Some of the messages whose first part came before that time: what their parts have in common, and the parts.
    pub(crate) async fn overdue_parts(
        &self,
        partition: Partition,
        before: UnixMicros,
    ) -> Result<Vec<(String, Vec<(u8, Vec<u8>)>)>, StoreError> {
        let base = self.base(partition);
        let mut range = redis::cmd("ZRANGEBYSCORE");
        range.arg(format!("{base}parting")).arg("-inf").arg(before.0);
        let keys: Vec<String> = self.ask(range.arg("LIMIT").arg(0).arg(OVERDUE_MAX)).await?;
        let get = |key: &String| {
            let mut get = redis::cmd("HGETALL");
            get.arg(format!("{base}parts:{key}"));
            get
        };
        let replies = self.run(&self.bulk, keys.iter().map(get).collect()).await?;
        let mut overdue = Vec::with_capacity(keys.len());
        for (key, reply) in keys.into_iter().zip(replies) {
            overdue.push((key, self.numbered(reply)?));
        }
        Ok(overdue)
    }

    /// Parts with their numbers, decrypted.
    fn numbered(&self, reply: Value) -> Result<Vec<(u8, Vec<u8>)>, StoreError> {
        let mut values = array(reply)?.into_iter();
        let key = self.shared_text_key()?;
        let mut parts = Vec::with_capacity(values.len() / 2);
        while let (Some(number), Some(part)) = (values.next(), values.next()) {
            let number = u8::try_from(integer(&number)?).map_err(|_| StoreError::Corrupt("the number of a part"))?;
            let part = bytes(part)?;
            // One that an earlier version kept is as it came.
            parts.push((number, key.own().decrypt(&part).unwrap_or(part)));
        }
        Ok(parts)
    }

    /// Messages in answer to a tenant's, or nobody's, oldest first, behind that place.
    pub(crate) async fn inbound(
        &self,
        tenant: Option<TenantId>,
        behind: Option<InboundPlace>,
        limit: usize,
    ) -> Result<Vec<InboundEntry>, StoreError> {
        let tenant = tenant.map_or(0, |tenant| tenant.0);
        let from = behind.map_or_else(|| "-".to_owned(), |place| format!("{}-{}", place.ms, place.sequence));
        let range = |partition| {
            let mut range = redis::cmd("XRANGE");
            range.arg(format!("{}inbound:{tenant}", self.base(partition)));
            // One of them may be the place itself.
            range.arg(&from).arg("+").arg("COUNT").arg(limit + 1);
            range
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(range).collect()).await?;
        let mut entries = Vec::new();
        for (partition, reply) in self.all_partitions().zip(replies) {
            for entry in array(reply)? {
                entries.push(entry_of(partition, entry)?);
            }
        }
        let later = |entry: &InboundEntry| behind.is_none_or(|behind| entry.place.cmp(&behind) == Ordering::Greater);
        entries.retain(later);
        entries.sort_by_key(|entry| entry.place);
        entries.truncate(limit);
        self.open_all(entries).await
    }
}

impl Store {
    /// Messages in answer to a tenant's, behind a place of each partition, at most so many of each, each partition's oldest first.
    pub(crate) async fn inbound_behind(
        &self,
        tenant: TenantId,
        places: &[String],
        limit: usize,
    ) -> Result<Vec<InboundEntry>, StoreError> {
        let range = |(partition, place): (Partition, &String)| {
            let mut range = redis::cmd("XRANGE");
            range.arg(format!("{}inbound:{}", self.base(partition), tenant.0));
            range.arg(format!("({place}")).arg("+").arg("COUNT").arg(limit);
            range
        };
        let ranges = self.all_partitions().zip(places).map(range).collect();
        let replies = self.run(&self.bulk, ranges).await?;
        let mut entries = Vec::new();
        for (partition, reply) in self.all_partitions().zip(replies) {
            for entry in array(reply)? {
                entries.push(entry_of(partition, entry)?);
            }
        }
        self.open_all(entries).await
    }

    /// A message in answer to a tenant's, or nobody's, as long as it is kept.
    pub(crate) async fn inbound_at(
        &self,
        tenant: Option<TenantId>,
        place: InboundPlace,
    ) -> Result<Option<InboundEntry>, StoreError> {
        if place.partition.0 >= self.partitions() {
            return Ok(None);
        }
        let mut range = redis::cmd("XRANGE");
        let tenant = tenant.map_or(0, |tenant| tenant.0);
        range.arg(format!("{}inbound:{tenant}", self.base(place.partition)));
        range.arg(place.id()).arg(place.id());
        let reply = self.run(&self.bulk, vec![range]).await?.pop().unwrap_or_default();
        match array(reply)?.into_iter().next() {
            Some(entry) => Ok(Some(self.open(entry_of(place.partition, entry)?).await?)),
            None => Ok(None),
        }
    }
}

/// Whose message this one answers, as `inbound.lua` decides it of the record.
fn likely_tenant(row: &InboundRow, record: &[u8]) -> Option<TenantId> {
    let record = Record::unpack(row.from?, record).ok()?;
    let may_be = |tenant, sender| match row.meant {
        Some(meant) => meant == tenant,
        None => sender == row.number || row.owners.is_empty() || row.owners.contains(&tenant),
    };
    let of = |sender: u64| {
        let mut trails = record
            .trails
            .iter()
            .filter(|trail| trail.tenant.is_sandbox() == row.sandbox);
        trails.find(|trail| trail.sender == sender && may_be(trail.tenant, sender))
    };
    let trail = of(row.number).or_else(|| of(A_NAME));
    trail.map(|trail| trail.tenant).or(row.sole_owner())
}

pub(super) fn entry_of(partition: Partition, entry: Value) -> Result<InboundEntry, StoreError> {
    const BAD: StoreError = StoreError::Corrupt("an inbound message");
    let mut entry = array(entry)?.into_iter();
    let (id, fields) = (entry.next().ok_or(BAD)?, entry.next().ok_or(BAD)?);
    let id = String::from_utf8(bytes(id)?).map_err(|_| BAD)?;
    let mut fields = array(fields)?.into_iter().skip(1).step_by(2);
    let mut field = || fields.next().ok_or(BAD).and_then(bytes);
    let (message, campaign, stopped) = (field()?, field()?, field()?);
    let campaign = String::from_utf8(campaign).map_err(|_| BAD)?;
    Ok(InboundEntry {
        place: format!("{id}-{}", partition.0).parse().map_err(|_| BAD)?,
        message,
        campaign: campaign.parse().ok().map(CampaignId),
        opted_out: stopped == b"1",
    })
}
