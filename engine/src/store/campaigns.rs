//! Campaigns: what was ordered, for whom, and what became of it.

use std::collections::HashMap;
use std::time::Duration;

use redis::Value;

use super::catalogue::read_pair;
use super::scripts::Name;
use super::states::{CampaignState, states};
use super::{Store, StoreError, array, bytes, catalogue, integer, keys};
use crate::domain::{
    BadForm, CampaignId, EncodingPolicy, MessageId, Parameters, Partition, Purpose, Recipient, Record, ResultSlot, Row,
    State, TenantId, UnixMicros,
};

/// The form of a stored order: one without it is of the first, which knew neither encodings nor validity.
const FORM: u32 = 3;

/// The form of an order that names its recipients: the third says whom it means, which versions before do not know.
const FORM_OF_ROWS: u32 = 2;

/// What kind of campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CampaignKind {
    /// One text for an audience.
    Audience,
    /// The messages that a tenant sent one by one in an hour: each brings its own sender and text.
    Direct,
}

/// A campaign as it was ordered.
#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    pub(crate) id: CampaignId,
    pub(crate) tenant: TenantId,
    /// Its kind.
    pub(crate) kind: CampaignKind,
    /// What the tenant calls it.
    pub(crate) name: String,
    pub(crate) text: String,
    /// The sender as it was given.
    pub(crate) sender: String,
    pub(crate) purpose: Purpose,
    /// How its texts are encoded: as they were priced.
    pub(crate) encoding: EncodingPolicy,
    /// How long its messages are worth sending from the launch on; `None`: for ever.
    pub(crate) validity: Option<Duration>,
    /// What its submit_sm's are given beside the text.
    pub(crate) parameters: Parameters,
    /// The columns of its audience.
    pub(crate) columns: Vec<String>,
    /// Which contacts it means, in JSON; it is found out at its launch. `None`: its rows are all.
    pub(crate) query: Option<String>,
    /// Why its audience could not be found out at its last launch: a code of the API.
    pub(crate) refused: Option<String>,
    /// Where it is in its life.
    pub(crate) state: CampaignState,
    /// Recipients taken.
    pub(crate) total: u64,
    /// Recipients that are no numbers.
    pub(crate) invalid: u64,
    /// Recipients that are numbers, but not of mobiles.
    pub(crate) not_mobile: u64,
    /// Recipients of countries that are not sent to.
    pub(crate) not_allowed: u64,
    /// Recipients given more than once.
    pub(crate) duplicates: u64,
    /// People who have not agreed to it.
    pub(crate) no_consent: u64,
    /// People whose number is known to be unreachable.
    pub(crate) unreachable: u64,
    /// Segments of the whole.
    pub(crate) estimate_segments: u64,
    /// Credits of the whole.
    pub(crate) estimate_credits: u64,
    /// Credits held, spent, given back.
    pub(crate) held: u64,
    /// See `held`.
    pub(crate) spent: u64,
    /// See `held`.
    pub(crate) recredited: u64,
    pub(crate) created_at: UnixMicros,
    /// For when its launch is planned, or was.
    pub(crate) scheduled_at: Option<UnixMicros>,
    /// `None` before the launch.
    pub(crate) launched_at: Option<UnixMicros>,
    /// In which trace it was launched (W3C Trace Context); `None`: nothing was traced then.
    pub(crate) traceparent: Option<String>,
}

/// What came of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Launch {
    /// The credits are held.
    Held,
    /// There are not enough.
    Short,
    /// It is not in a state to be launched from.
    WrongState,
}

/// One recipient of a campaign, and how far the message is.
#[derive(Clone, Debug)]
pub(crate) struct RecipientRow {
    pub(crate) recipient: Recipient,
    pub(crate) id: MessageId,
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

    /// Some rows of each of some partitions, packed, from a position each, in the order of the audience.
    pub(crate) async fn audience(
        &self,
        campaign: CampaignId,
        from: &[(Partition, u32)],
        count: u32,
    ) -> Result<Vec<Vec<Vec<u8>>>, StoreError> {
        let range = |(partition, position): &(Partition, u32)| {
            let mut range = redis::cmd("LRANGE");
            range.arg(format!("{}aud:{}", self.base(*partition), campaign.0));
            range.arg(*position).arg(u64::from(*position) + u64::from(count) - 1);
            range
        };
        let replies = self.run(&self.bulk, from.iter().map(range).collect()).await?;
        replies
            .into_iter()
            .map(|reply| array(reply)?.into_iter().map(bytes).collect())
            .collect()
    }

    /// Puts rows in the place of those at their positions.
    pub(crate) async fn set_rows(
        &self,
        campaign: CampaignId,
        rows: &[(Partition, u32, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let set = |(partition, position, row): &(Partition, u32, Vec<u8>)| {
            let mut set = redis::cmd("LSET");
            set.arg(format!("{}aud:{}", self.base(*partition), campaign.0))
                .arg(*position)
                .arg(&row[..]);
            set
        };
        self.run(&self.bulk, rows.iter().map(set).collect()).await.map(drop)
    }

    /// Keeps a campaign's order; it is in the tenant's list from then on.
    pub(crate) async fn save_campaign(&self, campaign: &Campaign) -> Result<(), StoreError> {
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
        let form = if campaign.query.is_some() { FORM } else { FORM_OF_ROWS };
        set.arg("form").arg(form).arg("encoding").arg(campaign.encoding.name());
        if let Some(query) = &campaign.query {
            set.arg("query").arg(query);
        }
        if let Some(validity) = campaign.validity {
            set.arg("validity").arg(validity.as_secs());
        }
        if !campaign.parameters.is_empty() {
            set.arg("parameters").arg(campaign.parameters.to_string());
        }
        set.arg("columns").arg(columns).arg("state").arg(campaign.state.code());
        set_counts(&mut set, campaign);
        set.arg("created_at").arg(campaign.created_at.0);
        let mut list = redis::cmd("RPUSH");
        list.arg(keys::campaigns(campaign.tenant)).arg(campaign.id.0);
        let entry = catalogue::entry(campaign.tenant, campaign.id);
        self.run(&self.bulk, vec![set, list, entry]).await.map(drop)
    }

    /// Keeps how many recipients a campaign has, how many were left out, and what it will take.
    pub(crate) async fn save_counts(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let mut set = redis::cmd("HSET");
        set.arg(keys::campaign(campaign.tenant, campaign.id));
        set_counts(&mut set, campaign);
        self.ask::<i64>(&set).await.map(drop)
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
        read_campaign(tenant, id, &fields)
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
        let read = |((tenant, id), reply): (&(TenantId, CampaignId), Value)| {
            let fields: HashMap<String, String> = redis::from_redis_value(reply).map_err(redis::RedisError::from)?;
            read_campaign(*tenant, *id, &fields)
        };
        owners.iter().zip(replies).map(read).collect()
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
        let mut campaigns = Vec::with_capacity(ids.len());
        for id in ids.into_iter().rev() {
            campaigns.extend(self.campaign(tenant, CampaignId(id)).await?);
        }
        Ok(campaigns)
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

    /// Sets the time, seconds since 1970, at which a campaign leaves.
    pub(crate) async fn retire_at(&self, owners: &[(TenantId, CampaignId)], at_s: u64) -> Result<(), StoreError> {
        if owners.is_empty() {
            return Ok(());
        }
        let mut add = redis::cmd("ZADD");
        add.arg(keys::RETIRE);
        for (tenant, id) in owners {
            add.arg(at_s).arg(format!("{}:{}", tenant.0, id.0));
        }
        self.ask::<i64>(&add).await.map(drop)
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
        unlink.arg(keys::pasted(tenant, id));
        let mut unlist = redis::cmd("LREM");
        unlist.arg(keys::campaigns(tenant)).arg(1).arg(id.0);
        let mut forget = redis::cmd("ZREM");
        forget.arg(keys::RETIRE).arg(format!("{}:{}", tenant.0, id.0));
        let removal = catalogue::removal(tenant, id);
        let calls = vec![unlink, unlist, forget, removal];
        self.run(&self.bulk, calls).await.map(drop)
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
        planned: Option<UnixMicros>,
        now: UnixMicros,
    ) -> Result<Launch, StoreError> {
        let (tenant, id) = (campaign.tenant, campaign.id);
        let names = [keys::tenant(tenant), keys::ledger(tenant), keys::campaign(tenant, id)];
        let from = match (campaign.state, planned) {
            // Whom it means has been found out for this launch.
            (CampaignState::Resolving, _) => states(&[CampaignState::Resolving]),
            (_, Some(_)) => states(&[CampaignState::Scheduled]),
            (_, None) => states(&CampaignState::BEFORE_LAUNCH),
        };
        let mut call = self.script(Name::Hold, &[&names[0], &names[1], &names[2]]);
        call.arg(campaign.estimate_credits)
            .arg(now.0)
            .arg(id.to_string())
            .arg(from);
        call.arg(CampaignState::Launching.code())
            .arg(CampaignState::Blocked.code())
            .arg(planned.map_or(String::new(), |at| at.0.to_string()));
        // Active first: a crash after this costs one useless look; the reverse order would lose the campaign.
        self.set_active(tenant, id).await?;
        match self.ask::<i64>(&call).await? {
            1 => Ok(Launch::Held),
            0 => Ok(Launch::Short),
            _ => Ok(Launch::WrongState),
        }
    }

    /// Moves a campaign from one of some states to another; `false` when it was in none of them.
    pub(crate) async fn move_campaign(
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
        let mut call = self.script(Name::Look, &[self.base(partition)]);
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

fn set_counts(set: &mut redis::Cmd, campaign: &Campaign) {
    for (field, count) in [
        ("total", campaign.total),
        ("invalid", campaign.invalid),
        ("not_mobile", campaign.not_mobile),
        ("not_allowed", campaign.not_allowed),
        ("duplicates", campaign.duplicates),
        ("no_consent", campaign.no_consent),
        ("unreachable", campaign.unreachable),
        ("estimate_segments", campaign.estimate_segments),
        ("estimate_credits", campaign.estimate_credits),
    ] {
        set.arg(field).arg(count);
    }
}

/// Which message a row makes.
struct Place {
    recipient: Recipient,
    id: MessageId,
    position: u32,
}

/// Reads an order; `None` when there is none.
///
/// # Errors
/// [`StoreError::Corrupt`] for one that a later version wrote: what it says beyond this form would be left out.
fn read_campaign(
    tenant: TenantId,
    id: CampaignId,
    fields: &HashMap<String, String>,
) -> Result<Option<Campaign>, StoreError> {
    let form = fields.get("form").and_then(|form| form.parse().ok());
    if form.is_some_and(|form: u32| form > FORM) {
        return Err(StoreError::Corrupt("a campaign of a later version"));
    }
    Ok(read_known(tenant, id, fields))
}

fn read_known(tenant: TenantId, id: CampaignId, fields: &HashMap<String, String>) -> Option<Campaign> {
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
        purpose: purpose.parse().ok()?,
        // Those of the first form have neither of the two.
        encoding: fields
            .get("encoding")
            .map_or(Ok(EncodingPolicy::default()), |name| name.parse())
            .ok()?,
        validity: Some(number("validity"))
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs),
        parameters: text("parameters").parse().ok()?,
        columns: serde_json::from_str(&text("columns")).ok()?,
        query: fields.get("query").cloned(),
        refused: fields.get("refused").filter(|code| !code.is_empty()).cloned(),
        state: text("state").parse().ok()?,
        total: number("total"),
        invalid: number("invalid"),
        not_mobile: number("not_mobile"),
        not_allowed: number("not_allowed"),
        duplicates: number("duplicates"),
        no_consent: number("no_consent"),
        unreachable: number("unreachable"),
        estimate_segments: number("estimate_segments"),
        estimate_credits: number("estimate_credits"),
        held: number("held"),
        spent: number("spent"),
        recredited: number("recredited"),
        created_at: UnixMicros(number("created_at")),
        scheduled_at: Some(UnixMicros(number("scheduled_at"))).filter(|at| at.0 > 0),
        launched_at: Some(UnixMicros(number("launched_at"))).filter(|at| at.0 > 0),
        traceparent: fields.get("traceparent").cloned(),
    })
}
