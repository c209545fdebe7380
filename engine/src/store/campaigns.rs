//! Campaigns: what was ordered, for whom, and what became of it.

use std::collections::HashMap;

use redis::{Cmd, Value};

use super::scripts::Name;
use super::{Counters, Store, StoreError, array, bytes, integer, keys};
use crate::domain::{CampaignId, MessageId, Partition, Purpose, Recipient, ResultSlot, TenantId};

/// Where a campaign is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CampaignState {
    /// Made, not launched.
    Draft,
    /// Launched: its audience is being enqueued.
    Launching,
    /// Enqueued.
    Running,
    /// Halted by the tenant; goes on with resume.
    Paused,
    /// Launch was refused: the balance did not cover the estimate. May be launched again.
    Blocked,
    /// Nothing of it is to be sent any more; receipts may still come.
    Completed,
    /// Canceled before its launch.
    Canceled,
    /// Stopped after its launch: what was not sent is canceled.
    Stopped,
}

impl CampaignState {
    const ALL: [Self; 8] = [
        Self::Draft,
        Self::Launching,
        Self::Running,
        Self::Paused,
        Self::Blocked,
        Self::Completed,
        Self::Canceled,
        Self::Stopped,
    ];

    /// The word in the API and in the store.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Launching => "launching",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Blocked => "blocked_insufficient_credit",
            Self::Completed => "completed",
            Self::Canceled => "canceled",
            Self::Stopped => "stopped",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// What kind of campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignKind {
    /// One text for an audience.
    Audience,
    /// The messages that a tenant sent one by one in an hour: each brings its own sender and text.
    Direct,
}

/// A campaign as it was ordered.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Whose.
    pub tenant: TenantId,
    /// Its kind.
    pub kind: CampaignKind,
    /// What the tenant calls it.
    pub name: String,
    /// The template.
    pub text: String,
    /// The sender as it was given.
    pub sender: String,
    /// Its lane.
    pub purpose: Purpose,
    /// The columns of its audience.
    pub columns: Vec<String>,
    /// Where it is in its life.
    pub state: CampaignState,
    /// Recipients taken.
    pub total: u64,
    /// Recipients that are no numbers.
    pub invalid: u64,
    /// Recipients that are numbers, but not of mobiles.
    pub not_mobile: u64,
    /// Recipients given more than once.
    pub duplicates: u64,
    /// Segments of the whole.
    pub estimate_segments: u64,
    /// Credits of the whole.
    pub estimate_credits: u64,
    /// Credits held, spent, given back.
    pub held: u64,
    /// See `held`.
    pub spent: u64,
    /// See `held`.
    pub recredited: u64,
    /// µs since 1970.
    pub created_at: u64,
    /// µs since 1970; 0 before the launch.
    pub launched_at: u64,
}

/// One recipient of an audience: the number and its packed variables.
pub type AudienceRow = (Recipient, Vec<u8>);

/// What came of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launch {
    /// The credits are held.
    Held,
    /// There are not enough.
    Short,
    /// It is not in a state to be launched from.
    WrongState,
}

/// One recipient of a campaign, and how far the message is.
#[derive(Clone, Debug)]
pub struct RecipientRow {
    /// To whom.
    pub recipient: Recipient,
    /// The message's id.
    pub id: MessageId,
    /// How it ended, if it did.
    pub result: Option<ResultSlot>,
    /// The recipient's record, when it did not end: it tells the state.
    pub record: Vec<u8>,
}

impl Store {
    /// The next campaign's id.
    pub async fn next_campaign(&self) -> Result<CampaignId, StoreError> {
        let mut next = redis::cmd("HINCRBY");
        next.arg(keys::META).arg("next_campaign").arg(1);
        Ok(CampaignId(self.ask(&next).await?))
    }

    /// Adds recipients, each to its partition.
    pub async fn add_audience(&self, campaign: CampaignId, rows: &[AudienceRow]) -> Result<(), StoreError> {
        let mut by_partition: Vec<Vec<Vec<u8>>> = vec![Vec::new(); usize::from(self.partitions())];
        for (recipient, variables) in rows {
            let row = [&recipient.0.to_be_bytes()[..], variables].concat();
            by_partition[usize::from(recipient.partition(self.partitions()).0)].push(row);
        }
        let calls: Vec<Cmd> = self
            .all_partitions()
            .zip(&by_partition)
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(partition, rows)| {
                let mut push = redis::cmd("RPUSH");
                push.arg(format!("{}aud:{}", self.base(partition), campaign.0))
                    .arg(rows);
                push
            })
            .collect();
        if calls.is_empty() {
            Ok(())
        } else {
            self.run(&self.bulk, &calls).await.map(drop)
        }
    }

    /// Some recipients of each of some partitions, from a position each, in the order of the audience.
    pub async fn audience(
        &self,
        campaign: CampaignId,
        from: &[(Partition, u32)],
        count: u32,
    ) -> Result<Vec<Vec<AudienceRow>>, StoreError> {
        let calls: Vec<Cmd> = from
            .iter()
            .map(|(partition, position)| {
                let mut range = redis::cmd("LRANGE");
                range.arg(format!("{}aud:{}", self.base(*partition), campaign.0));
                range.arg(*position).arg(u64::from(*position) + u64::from(count) - 1);
                range
            })
            .collect();
        let replies = self.run(&self.bulk, &calls).await?;
        replies
            .into_iter()
            .map(|reply| array(reply)?.into_iter().map(row).collect())
            .collect()
    }

    /// Keeps a campaign's order; it is in the tenant's list from then on.
    pub async fn save_campaign(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let key = keys::campaign(campaign.tenant, campaign.id);
        let columns = serde_json::to_string(&campaign.columns).map_err(|_| StoreError::Corrupt("columns"))?;
        let kind = if campaign.kind == CampaignKind::Direct {
            "direct"
        } else {
            "audience"
        };
        let mut set = redis::cmd("HSET");
        set.arg(&key)
            .arg("kind")
            .arg(kind)
            .arg("name")
            .arg(&campaign.name)
            .arg("text")
            .arg(&campaign.text);
        set.arg("sender")
            .arg(&campaign.sender)
            .arg("purpose")
            .arg(campaign.purpose.code());
        set.arg("columns")
            .arg(columns)
            .arg("state")
            .arg(campaign.state.code())
            .arg("total")
            .arg(campaign.total);
        set.arg("invalid")
            .arg(campaign.invalid)
            .arg("not_mobile")
            .arg(campaign.not_mobile);
        set.arg("duplicates")
            .arg(campaign.duplicates)
            .arg("estimate_segments")
            .arg(campaign.estimate_segments);
        set.arg("estimate_credits")
            .arg(campaign.estimate_credits)
            .arg("created_at")
            .arg(campaign.created_at);
        let mut list = redis::cmd("RPUSH");
        list.arg(keys::campaigns(campaign.tenant)).arg(campaign.id.0);
        self.run(&self.bulk, &[set, list]).await.map(drop)
    }

    /// A campaign of a tenant; `None` when the tenant has no such campaign.
    pub async fn campaign(&self, tenant: TenantId, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        let mut get = redis::cmd("HGETALL");
        get.arg(keys::campaign(tenant, id));
        let fields: HashMap<String, String> = self.ask(&get).await?;
        Ok(read_campaign(tenant, id, &fields))
    }

    /// The newest campaigns of a tenant, from `skip` on.
    pub async fn campaigns(&self, tenant: TenantId, skip: usize, count: usize) -> Result<Vec<Campaign>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        let (first, last) = (-((skip + count) as i64), -(skip as i64) - 1);
        let ids: Vec<u64> = self
            .ask(range.arg(keys::campaigns(tenant)).arg(first).arg(last))
            .await?;
        let mut campaigns = Vec::with_capacity(ids.len());
        for id in ids.into_iter().rev() {
            campaigns.extend(self.campaign(tenant, CampaignId(id)).await?);
        }
        Ok(campaigns)
    }

    /// How many campaigns a tenant has.
    pub async fn campaign_count(&self, tenant: TenantId) -> Result<usize, StoreError> {
        let mut length = redis::cmd("LLEN");
        self.ask(length.arg(keys::campaigns(tenant))).await
    }

    /// Forgets a draft's audience.
    pub async fn drop_audience(&self, campaign: CampaignId) -> Result<(), StoreError> {
        let calls: Vec<Cmd> = self
            .all_partitions()
            .map(|partition| {
                let mut unlink = redis::cmd("UNLINK");
                unlink.arg(format!("{}aud:{}", self.base(partition), campaign.0));
                unlink
            })
            .collect();
        self.run(&self.bulk, &calls).await.map(drop)
    }

    /// Keeps the list of recipients that were not taken, as JSON.
    pub async fn save_rejected(&self, tenant: TenantId, id: CampaignId, json: &str) -> Result<(), StoreError> {
        let mut set = redis::cmd("SET");
        self.ask::<()>(set.arg(keys::rejected(tenant, id)).arg(json)).await
    }

    /// That list; `[]` when there is none.
    pub async fn rejected(&self, tenant: TenantId, id: CampaignId) -> Result<String, StoreError> {
        let mut get = redis::cmd("GET");
        let json: Option<String> = self.ask(get.arg(keys::rejected(tenant, id))).await?;
        Ok(json.unwrap_or_else(|| "[]".to_owned()))
    }

    /// Holds a campaign's estimate and sets it going, from draft or blocked.
    pub async fn launch(&self, campaign: &Campaign, now_us: u64) -> Result<Launch, StoreError> {
        let (tenant, id) = (campaign.tenant, campaign.id);
        let names = [keys::tenant(tenant), keys::ledger(tenant), keys::campaign(tenant, id)];
        let from = states(&[CampaignState::Draft, CampaignState::Blocked]);
        let mut call = self.script(Name::Hold, &[&names[0], &names[1], &names[2]]);
        call.arg(campaign.estimate_credits)
            .arg(now_us)
            .arg(id.to_string())
            .arg(from);
        call.arg(CampaignState::Launching.code())
            .arg(CampaignState::Blocked.code());
        // Active first: a campaign that is listed and not launched is looked at in vain, the other way is lost.
        self.set_active(tenant, id, true).await?;
        match self.ask::<i64>(&call).await? {
            1 => Ok(Launch::Held),
            0 => Ok(Launch::Short),
            _ => Ok(Launch::WrongState),
        }
    }

    /// Holds the credits of one message of a direct campaign. `false`: there are not enough.
    pub async fn hold_direct(
        &self,
        tenant: TenantId,
        id: CampaignId,
        credits: u64,
        now_us: u64,
    ) -> Result<bool, StoreError> {
        let names = [keys::tenant(tenant), keys::ledger(tenant), keys::campaign(tenant, id)];
        let mut call = self.script(Name::HoldDirect, &[&names[0], &names[1], &names[2]]);
        call.arg(credits).arg(now_us).arg(id.to_string());
        Ok(self.ask::<i64>(&call).await? == 1)
    }

    /// Moves a campaign from one of some states to another; `false` when it was in none of them.
    pub async fn move_campaign(
        &self,
        (tenant, id): (TenantId, CampaignId),
        from: &[CampaignState],
        to: CampaignState,
    ) -> Result<bool, StoreError> {
        let key = keys::campaign(tenant, id);
        let mut call = self.script(Name::State, &[&key]);
        call.arg(states(from)).arg(to.code());
        Ok(self.ask::<i64>(&call).await? == 1)
    }

    /// Books what the counters say was spent and given back. `close` releases the rest of the hold and ends in that state.
    pub async fn settle_campaign(
        &self,
        (tenant, id): (TenantId, CampaignId),
        counters: &Counters,
        close: Option<Option<CampaignState>>,
        now_us: u64,
    ) -> Result<(), StoreError> {
        let names = [keys::tenant(tenant), keys::ledger(tenant), keys::campaign(tenant, id)];
        let mut call = self.script(Name::Settle, &[&names[0], &names[1], &names[2]]);
        call.arg(counters.accepted_credits)
            .arg(counters.recredited_credits)
            .arg(u8::from(close.is_some()));
        call.arg(now_us)
            .arg(id.to_string())
            .arg(close.flatten().map_or("", CampaignState::code));
        self.ask::<i64>(&call).await.map(drop)
    }

    /// How many recipients of each partition are enqueued.
    pub async fn expanded(&self, campaign: CampaignId) -> Result<Vec<u32>, StoreError> {
        let calls: Vec<Cmd> = self
            .all_partitions()
            .map(|partition| {
                let mut get = redis::cmd("HGET");
                get.arg(format!("{}c:{}", self.base(partition), campaign.0))
                    .arg("expanded");
                get
            })
            .collect();
        self.run(&self.bulk, &calls)
            .await?
            .iter()
            .map(|reply| integer(reply).map(|count| count as u32))
            .collect()
    }

    /// Recipients of a campaign in one partition with what became of them.
    pub async fn recipients(
        &self,
        campaign: CampaignId,
        partition: Partition,
        position: u32,
        count: u32,
    ) -> Result<Vec<RecipientRow>, StoreError> {
        let base = self.base(partition);
        let last = position + count - 1;
        let id = |at: usize| MessageId::new(campaign, partition, self.partitions(), position + at as u32);
        let ids: Vec<Vec<u8>> = (0..count as usize).map(|at| id(at).0.to_be_bytes().to_vec()).collect();
        let (mut rows, mut results) = (redis::cmd("LRANGE"), redis::cmd("HMGET"));
        rows.arg(format!("{base}aud:{}", campaign.0)).arg(position).arg(last);
        results.arg(format!("{base}res")).arg(&ids);
        let mut replies = self.run(&self.bulk, &[rows, results]).await?;
        let slots = array(replies.pop().unwrap_or_default())?;
        let rows = array(replies.pop().unwrap_or_default())?;
        let mut found = Vec::with_capacity(rows.len());
        for (at, (value, slot)) in rows.into_iter().zip(slots).enumerate() {
            let (recipient, _) = row(value)?;
            let result = if slot == Value::Nil {
                None
            } else {
                ResultSlot::unpack(&bytes(slot)?)
            };
            found.push(RecipientRow {
                recipient,
                id: id(at),
                result,
                record: Vec::new(),
            });
        }
        let open: Vec<Recipient> = found
            .iter()
            .filter(|row| row.result.is_none())
            .map(|row| row.recipient)
            .collect();
        let mut records = if open.is_empty() {
            Vec::new()
        } else {
            self.records(&open).await?
        }
        .into_iter();
        for row in found.iter_mut().filter(|row| row.result.is_none()) {
            row.record = records.next().unwrap_or_default();
        }
        Ok(found)
    }

    /// Campaigns whose hold is not settled.
    pub async fn active(&self) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let mut members = redis::cmd("SMEMBERS");
        let pairs: Vec<String> = self.ask(members.arg(keys::ACTIVE)).await?;
        let parse = |pair: &String| {
            let (tenant, campaign) = pair.split_once(':')?;
            Some((TenantId(tenant.parse().ok()?), CampaignId(campaign.parse().ok()?)))
        };
        Ok(pairs.iter().filter_map(parse).collect())
    }

    /// Lists a campaign among those whose hold is not settled, or takes it off.
    pub async fn set_active(&self, tenant: TenantId, id: CampaignId, active: bool) -> Result<(), StoreError> {
        let mut call = redis::cmd(if active { "SADD" } else { "SREM" });
        self.ask::<i64>(call.arg(keys::ACTIVE).arg(format!("{}:{}", tenant.0, id.0)))
            .await
            .map(drop)
    }
}

fn states(of: &[CampaignState]) -> String {
    of.iter()
        .fold(String::from(","), |list, state| list + state.code() + ",")
}

fn row(value: Value) -> Result<AudienceRow, StoreError> {
    let mut packed = bytes(value)?;
    let recipient = packed
        .get(..8)
        .and_then(|octets| octets.try_into().ok())
        .map(u64::from_be_bytes);
    let recipient = recipient.ok_or(StoreError::Corrupt("an audience row is too short"))?;
    Ok((Recipient(recipient), packed.split_off(8)))
}

fn read_campaign(tenant: TenantId, id: CampaignId, fields: &HashMap<String, String>) -> Option<Campaign> {
    let text = |field: &str| fields.get(field).cloned().unwrap_or_default();
    let number = |field: &str| fields.get(field).and_then(|value| value.parse().ok()).unwrap_or(0);
    let purpose = text("purpose");
    Some(Campaign {
        id,
        tenant,
        kind: if fields.get("kind")? == "direct" {
            CampaignKind::Direct
        } else {
            CampaignKind::Audience
        },
        name: text("name"),
        text: text("text"),
        sender: text("sender"),
        purpose: Purpose::ALL.into_iter().find(|known| known.code() == purpose)?,
        columns: serde_json::from_str(&text("columns")).ok()?,
        state: CampaignState::from_code(&text("state"))?,
        total: number("total"),
        invalid: number("invalid"),
        not_mobile: number("not_mobile"),
        duplicates: number("duplicates"),
        estimate_segments: number("estimate_segments"),
        estimate_credits: number("estimate_credits"),
        held: number("held"),
        spent: number("spent"),
        recredited: number("recredited"),
        created_at: number("created_at"),
        launched_at: number("launched_at"),
    })
}
