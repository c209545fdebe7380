//! Campaigns: what was ordered, for whom, and what became of it.

use std::collections::HashMap;

use redis::Value;

use super::campaign::{Campaign, SAID, order, read_campaign, set_counts};
use super::catalogue::read_pair;
use super::scripts::Name;
use super::states::{CampaignState, states};
use super::{Share, Store, StoreError, array, bytes, catalogue, integer, keys};
use crate::domain::{
    BadForm, CampaignId, MessageId, Partition, Recipient, Record, ResultSlot, Row, State, TenantId, UnixMicros,
};

/// What came of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Launch {
    /// The credits are held.
    Held,
    /// There are not enough.
    Short,
    /// Its tenant's day would have more messages than it may.
    DayFull,
    /// It was edited since it was read.
    Edited,
    /// It is not in a state to be launched from.
    WrongState,
}

/// One recipient of a campaign, and how far the message is.
#[derive(Clone, Debug)]
pub(crate) struct RecipientRow {
    pub(crate) recipient: Recipient,
    pub(crate) id: MessageId,
    /// Its packed variables, as they are stored.
    pub(crate) variables: Vec<u8>,
    /// How it ended, if it did.
    pub(crate) result: Option<ResultSlot>,
    /// Where it is, if it did not end; `None`: the books have not followed yet.
    pub(crate) state: Option<State>,
}

/// Some recipients of a campaign, at one instant.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) rows: Vec<RecipientRow>,
    /// The books have all of the journal.
    pub(crate) settled: bool,
}

impl Store {
    /// The next campaign's id.
    pub(crate) async fn next_campaign(&self) -> Result<CampaignId, StoreError> {
        let mut next = redis::cmd("HINCRBY");
        next.arg(keys::META).arg("next_campaign").arg(1);
        Ok(CampaignId(self.ask(&next).await?))
    }

    /// Keeps a campaign's order; it is in the tenant's list from then on.
    pub(crate) async fn save_campaign(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let set = order(campaign)?;
        let mut list = redis::cmd("RPUSH");
        list.arg(keys::campaigns(campaign.tenant)).arg(campaign.id.0);
        let entry = catalogue::entry(campaign.tenant, campaign.id);
        self.run(&self.bulk, vec![set, list, entry]).await.map(drop)
    }

    /// Keeps how many recipients a campaign was found to have, how many were left out, and what it will take.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] when another finding has begun since.
    pub(crate) async fn save_counts(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let key = keys::campaign(campaign.tenant, campaign.id);
        let mut call = self.script(Name::Counts, &[&key]);
        call.arg(campaign.finding);
        set_counts(&mut call, campaign);
        match self.ask::<i64>(&call).await? {
            1 => Ok(()),
            _ => Err(StoreError::TakenOver),
        }
    }

    /// Keeps in which trace a campaign is about to be launched.
    pub(crate) async fn set_traceparent(&self, owner: (TenantId, CampaignId), text: &str) -> Result<(), StoreError> {
        let mut set = redis::cmd("HSET");
        set.arg(keys::campaign(owner.0, owner.1)).arg("traceparent").arg(text);
        self.ask::<i64>(&set).await.map(drop)
    }

    /// A campaign of a tenant; `None` when the tenant has no such campaign.
    pub(crate) async fn campaign(&self, tenant: TenantId, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        let mut get = redis::cmd("HGETALL");
        get.arg(keys::campaign(tenant, id));
        let fields: HashMap<String, String> = self.ask(&get).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        read_campaign((tenant, id), &fields, &*self.text_key(Some(tenant)).await?)
    }

    /// What is kept of a campaign without what it says, and to whom; `None`: it is not there.
    pub(crate) async fn lasting_fields(
        &self,
        (tenant, id): (TenantId, CampaignId),
    ) -> Result<Option<HashMap<String, String>>, StoreError> {
        let mut get = redis::cmd("HGETALL");
        let mut fields: HashMap<String, String> = self.ask(get.arg(keys::campaign(tenant, id))).await?;
        fields.retain(|field, _| !SAID.contains(&field.as_str()));
        Ok(Some(fields).filter(|fields| !fields.is_empty()))
    }

    /// Several campaigns, in the order asked for.
    pub(crate) async fn campaigns_of(
        &self,
        owners: &[(TenantId, CampaignId)],
    ) -> Result<Vec<Option<Campaign>>, StoreError> {
        let get = |(tenant, id): &(TenantId, CampaignId)| {
            let mut get = redis::cmd("HGETALL");
            get.arg(keys::campaign(*tenant, *id));
            get
        };
        let replies = self.run(&self.bulk, owners.iter().map(get).collect()).await?;
        let mut campaigns = Vec::with_capacity(owners.len());
        for (owner, reply) in owners.iter().zip(replies) {
            let fields: HashMap<String, String> = redis::from_redis_value(reply).map_err(redis::RedisError::from)?;
            campaigns.push(match fields.is_empty() {
                true => None,
                false => read_campaign(*owner, &fields, &*self.text_key(Some(owner.0)).await?)?,
            });
        }
        Ok(campaigns)
    }

    /// The newest campaigns of a tenant, from `skip` on.
    pub(crate) async fn campaigns(
        &self,
        tenant: TenantId,
        skip: usize,
        count: usize,
    ) -> Result<Vec<Campaign>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        let (first, last) = (-((skip + count) as i64), -(skip as i64) - 1);
        let ids: Vec<u64> = self
            .ask(range.arg(keys::campaigns(tenant)).arg(first).arg(last))
            .await?;
        let owners: Vec<_> = ids.into_iter().rev().map(|id| (tenant, CampaignId(id))).collect();
        Ok(self.campaigns_of(&owners).await?.into_iter().flatten().collect())
    }

    /// How many campaigns a tenant has.
    pub(crate) async fn campaign_count(&self, tenant: TenantId) -> Result<usize, StoreError> {
        let mut length = redis::cmd("LLEN");
        self.ask(length.arg(keys::campaigns(tenant))).await
    }

    /// Forgets everything about a campaign in the partitions: a draft's audience, a retired campaign's rows and results.
    pub(crate) async fn drop_rows(&self, campaign: CampaignId) -> Result<(), StoreError> {
        let unlink = |partition| {
            let mut unlink = redis::cmd("UNLINK");
            for kind in ["aud", "cut", "c", "res"] {
                unlink.arg(format!("{}{kind}:{}", self.base(partition), campaign.0));
            }
            unlink
        };
        self.run(&self.bulk, self.all_partitions().map(unlink).collect())
            .await
            .map(drop)
    }

    /// Campaigns are over now, and leave at a time; both in seconds since 1970.
    pub(crate) async fn retire_at(
        &self,
        owners: &[(TenantId, CampaignId)],
        (now_s, at_s): (u64, u64),
    ) -> Result<(), StoreError> {
        if owners.is_empty() {
            return Ok(());
        }
        self.redact_from(owners, now_s).await?;
        let (mut add, mut tell) = (redis::cmd("ZADD"), redis::cmd("SADD"));
        add.arg(keys::RETIRE);
        tell.arg(keys::UNTOLD);
        for (tenant, id) in owners {
            let pair = format!("{}:{}", tenant.0, id.0);
            tell.arg(&pair);
            add.arg(at_s).arg(pair);
        }
        self.run(&self.bulk, vec![add, tell]).await.map(drop)
    }

    /// Some of those that are over and of which SQL has not been told what they came to, at most a hundred.
    pub(crate) async fn untold(&self) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let mut some = redis::cmd("SRANDMEMBER");
        let pairs: Vec<String> = self.ask(some.arg(keys::UNTOLD).arg(100)).await?;
        Ok(pairs.iter().filter_map(|pair| read_pair(pair)).collect())
    }

    /// SQL has been told of that one.
    pub(crate) async fn set_told(&self, (tenant, id): (TenantId, CampaignId)) -> Result<(), StoreError> {
        let mut remove = redis::cmd("SREM");
        remove.arg(keys::UNTOLD).arg(format!("{}:{}", tenant.0, id.0));
        self.ask::<i64>(&remove).await.map(drop)
    }

    /// Campaigns whose time has come, at most a hundred.
    pub(crate) async fn to_retire(&self, now_s: u64) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let mut range = redis::cmd("ZRANGEBYSCORE");
        range
            .arg(keys::RETIRE)
            .arg("-inf")
            .arg(now_s)
            .arg("LIMIT")
            .arg(0)
            .arg(100);
        let pairs: Vec<String> = self.ask(&range).await?;
        Ok(pairs.iter().filter_map(|pair| read_pair(pair)).collect())
    }

    /// Forgets a campaign: rows, results, counters, the order itself. Asked again it finishes what was begun.
    pub(crate) async fn retire(&self, tenant: TenantId, id: CampaignId) -> Result<(), StoreError> {
        self.drop_rows(id).await?;
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(keys::campaign(tenant, id)).arg(keys::rejected(tenant, id));
        unlink
            .arg(keys::pasted(tenant, id))
            .arg(keys::pasted_left_out(tenant, id));
        let mut unlist = redis::cmd("LREM");
        unlist.arg(keys::campaigns(tenant)).arg(1).arg(id.0);
        let mut forget = redis::cmd("ZREM");
        forget.arg(keys::RETIRE).arg(format!("{}:{}", tenant.0, id.0));
        self.is_redacted((tenant, id)).await?;
        let removal = catalogue::removal(tenant, id);
        let calls = vec![unlink, unlist, forget, removal];
        self.run(&self.bulk, calls).await?;
        self.set_told((tenant, id)).await
    }

    /// Keeps the list of recipients that were not taken, as JSON.
    pub(crate) async fn save_rejected(&self, tenant: TenantId, id: CampaignId, json: &str) -> Result<(), StoreError> {
        let mut set = redis::cmd("SET");
        self.ask::<()>(set.arg(keys::rejected(tenant, id)).arg(json)).await
    }

    /// That list; `[]` when there is none.
    pub(crate) async fn rejected(&self, tenant: TenantId, id: CampaignId) -> Result<String, StoreError> {
        let mut get = redis::cmd("GET");
        let json: Option<String> = self.ask(get.arg(keys::rejected(tenant, id))).await?;
        Ok(json.unwrap_or_else(|| "[]".to_owned()))
    }

    /// Holds a campaign's estimate and sets it going, from before its launch. `planned`: only if its launch is planned for then.
    pub(crate) async fn launch(
        &self,
        campaign: &Campaign,
        (planned, share): (Option<UnixMicros>, &Share),
        now: UnixMicros,
    ) -> Result<Launch, StoreError> {
        let (tenant, id) = (campaign.tenant, campaign.id);
        let names = [
            keys::tenant(tenant),
            keys::ledger(tenant),
            keys::campaign(tenant, id),
            keys::daily(tenant),
        ];
        let from = match (campaign.state, planned) {
            // Whom it means has been found out for this launch.
            (CampaignState::Resolving, _) => states(&[CampaignState::Resolving]),
            (_, Some(_)) => states(&[CampaignState::Scheduled]),
            // It was accepted; taken back meanwhile, it is launched by nobody.
            (CampaignState::InReview, None) => states(&[CampaignState::InReview]),
            (_, None) => states(&CampaignState::BEFORE_LAUNCH),
        };
        let mut call = self.script(Name::Hold, &[&names[0], &names[1], &names[2], &names[3]]);
        call.arg(campaign.estimate_credits)
            .arg(now.0)
            .arg(id.to_string())
            .arg(from);
        call.arg(CampaignState::Launching.code())
            .arg(CampaignState::Blocked.code())
            .arg(planned.map_or(String::new(), |at| at.0.to_string()))
            .arg(campaign.total)
            .arg(&share.arguments())
            .arg(campaign.finding)
            .arg(campaign.edits);
        // Active first: a crash after this costs one useless look; the reverse order would lose the campaign.
        self.set_active(tenant, id).await?;
        let held = self.ask::<i64>(&call).await;
        self.wrote_ledger(tenant);
        match held? {
            1 => Ok(Launch::Held),
            0 => {
                self.list_as_unqueued((tenant, id), now).await;
                Ok(Launch::Short)
            }
            -2 => Ok(Launch::DayFull),
            -3 => Ok(Launch::Edited),
            _ => Ok(Launch::WrongState),
        }
    }

    /// Moves a campaign from one of some states to another; `false` when it was in none of them.
    pub(crate) async fn move_campaign(
        &self,
        owner: (TenantId, CampaignId),
        from: &[CampaignState],
        to: CampaignState,
    ) -> Result<bool, StoreError> {
        let call = self.moving(owner, (from, to), None);
        Ok(self.ask::<i64>(&call).await? == 1)
    }

    /// The call that does so; `edits`: only if it was edited so often. What is set with the state is added to it.
    pub(super) fn moving(
        &self,
        (tenant, id): (TenantId, CampaignId),
        (from, to): (&[CampaignState], CampaignState),
        edits: Option<u64>,
    ) -> redis::Cmd {
        let key = keys::campaign(tenant, id);
        let mut call = self.script(Name::State, &[&key]);
        call.arg(states(from)).arg(to.code());
        call.arg(edits.map_or(String::new(), |edits| edits.to_string()));
        call
    }

    /// Notes when the first message of a campaign was leased. `false`: it was noted before, or the campaign is gone.
    pub(crate) async fn begin_campaign(
        &self,
        (tenant, id): (TenantId, CampaignId),
        at: UnixMicros,
    ) -> Result<bool, StoreError> {
        let key = keys::campaign(tenant, id);
        let mut call = self.script(Name::Begin, &[&key]);
        call.arg(at.0);
        Ok(self.ask::<i64>(&call).await? == 1)
    }

    /// Whether every partition has queued its part of a campaign.
    pub(crate) async fn is_launched(&self, campaign: CampaignId) -> Result<bool, StoreError> {
        let get = |partition| {
            let mut get = redis::cmd("HEXISTS");
            get.arg(format!("{}c:{}", self.base(partition), campaign.0))
                .arg("launched");
            get
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(get).collect()).await?;
        Ok(replies.iter().all(|reply| *reply == Value::Int(1)))
    }

    /// Recipients of a campaign in one partition with what became of them.
    pub(crate) async fn look(
        &self,
        campaign: CampaignId,
        partition: Partition,
        (position, count): (u32, u32),
    ) -> Result<Looked, StoreError> {
        let mut call = self.partition_script(Name::Look, partition);
        call.arg(campaign.0).arg(position).arg(count);
        let mut replies = self.run(&self.bulk, vec![call]).await?;
        let mut values = array(replies.pop().unwrap_or_default())?.into_iter();
        let mut next = || values.next().unwrap_or_default();
        let (settled, halt) = (integer(&next())? == 1, bytes(next())?);
        let (slots, spans) = (bytes(next())?, bytes(next())?);
        let mut rows = Vec::new();
        while let (Some(packed), Some(record)) = (values.next(), values.next()) {
            let at = rows.len();
            let packed = bytes(packed)?;
            let row = Row::unpack(&packed).map_err(|form| self.bad_row(campaign, form))?;
            let id = MessageId::new(campaign, partition, self.partitions(), position + at as u32);
            let result = slots.get(8 * at..8 * at + 8).and_then(ResultSlot::unpack);
            let place = Place {
                recipient: row.recipient,
                id,
                position: position + at as u32,
            };
            let state = match result {
                Some(_) => None,
                None => self.state_of(&place, &bytes(record)?, (&spans, &halt))?,
            };
            rows.push(RecipientRow {
                recipient: row.recipient,
                id,
                variables: row.variables.to_vec(),
                result,
                state,
            });
        }
        Ok(Looked { rows, settled })
    }

    fn state_of(
        &self,
        place: &Place,
        record: &[u8],
        (spans, halt): (&[u8], &[u8]),
    ) -> Result<Option<State>, StoreError> {
        let bad = |form| StoreError::bad_record(place.recipient, form);
        let record = Record::unpack(place.recipient, record).map_err(bad)?;
        if let Some(message) = record.messages.iter().find(|message| message.id == place.id) {
            return Ok(Some(message.state));
        }
        let is_queued = spans.chunks_exact(8).any(|span| {
            let number = |at: usize| {
                span[at..at + 4]
                    .iter()
                    .fold(0, |sum, octet| sum << 8 | u32::from(*octet))
            };
            (number(0)..number(0) + number(4)).contains(&place.position)
        });
        Ok(match (is_queued, halt) {
            (true, _) => Some(State::Queued),
            (false, b"c") => Some(State::Canceled),
            (false, _) => None,
        })
    }

    fn bad_row(&self, campaign: CampaignId, form: BadForm) -> StoreError {
        StoreError::BadForm {
            key: format!("a row of {campaign}"),
            form,
        }
    }

    /// Campaigns whose hold is not settled.
    pub(crate) async fn active(&self) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let mut members = redis::cmd("SMEMBERS");
        let pairs: Vec<String> = self.ask(members.arg(keys::ACTIVE)).await?;
        Ok(pairs.iter().filter_map(|pair| read_pair(pair)).collect())
    }

    /// Lists a campaign among those whose hold is not settled, or takes it off.
    pub(crate) async fn set_active(&self, tenant: TenantId, id: CampaignId) -> Result<(), StoreError> {
        let mut add = redis::cmd("SADD");
        add.arg(keys::ACTIVE).arg(format!("{}:{}", tenant.0, id.0));
        self.ask::<i64>(&add).await.map(drop)
    }

    /// Keeps that a campaign has another state, for whoever tells of it.
    pub(crate) async fn note_moved(&self, tenant: TenantId, id: CampaignId) -> Result<(), StoreError> {
        let mut add = redis::cmd("SADD");
        add.arg(keys::MOVED).arg(format!("{}:{}", tenant.0, id.0));
        self.ask::<i64>(&add).await.map(drop)
    }

    /// Takes some of the campaigns that have another state.
    pub(crate) async fn take_moved(&self, most: usize) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let mut take = redis::cmd("SPOP");
        let pairs: Vec<String> = self.ask(take.arg(keys::MOVED).arg(most)).await?;
        Ok(pairs.iter().filter_map(|pair| read_pair(pair)).collect())
    }

    /// Nothing of these is under way any more.
    pub(crate) async fn set_inactive(&self, owners: &[(TenantId, CampaignId)]) -> Result<(), StoreError> {
        if owners.is_empty() {
            return Ok(());
        }
        let mut remove = redis::cmd("SREM");
        remove.arg(keys::ACTIVE);
        for (tenant, id) in owners {
            remove.arg(format!("{}:{}", tenant.0, id.0));
        }
        self.ask::<i64>(&remove).await.map(drop)
    }
}

/// Which message a row makes.
struct Place {
    recipient: Recipient,
    id: MessageId,
    position: u32,
}
