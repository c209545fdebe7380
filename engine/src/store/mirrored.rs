//! What SQL keeps as well, in case Redis is lost: how it is read, and put into a Redis that has none of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::PoisonError;

use redis::Value;
use rustc_hash::FxHashSet;

use super::accounts::{RESELLER, WITHDRAWN, hosted};
use super::health::ID;
use super::scripts::Name;
use super::terms::{GIVES_BACK, RATE};
use super::{Credits, KeyOwner, Store, StoreError, Token, array, bytes, integer, keys};
use crate::domain::{CampaignId, Partition, Purpose, Recipient, ResellerId, TenantId, UnixMicros, UnknownId};

/// A tenant's settings, by the names that they have here.
pub(crate) type Settings = BTreeMap<String, String>;

/// Fields of a tenant that are its credits, and no settings.
const CREDITS: [&str; 6] = ["granted", WITHDRAWN, "available", "held", "spent", "recredited"];

/// Those that follow a tenant into every partition, and beyond its own key.
const WEIGHT: &str = "weight";
const FREQUENCY_CAP: &str = "frequency_cap";
const CANCEL_ANSWERS: &str = "cancel_answers";

/// Members of a set that are read at once.
const SCANNED: usize = 1_000;

/// Keys of the API that are read at once.
const KEYS_SCANNED: usize = 1_000;

/// Where a line stands in a ledger. The default: before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LedgerPlace {
    /// When it was written.
    pub(crate) milliseconds: u64,
    /// Within these.
    pub(crate) number: u64,
}

impl fmt::Display for LedgerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.milliseconds, self.number)
    }
}

impl FromStr for LedgerPlace {
    type Err = UnknownId;

    fn from_str(text: &str) -> Result<Self, UnknownId> {
        let (milliseconds, number) = text.split_once('-').ok_or(UnknownId)?;
        Ok(Self {
            milliseconds: milliseconds.parse().map_err(|_| UnknownId)?,
            number: number.parse().map_err(|_| UnknownId)?,
        })
    }
}

/// A line of a tenant's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LedgerEntry {
    pub(crate) place: LedgerPlace,
    /// A JSON object.
    pub(crate) line: String,
}

/// What a tenant is given back in a Redis that was lost.
pub(crate) struct Restored<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) credits: Credits,
    /// Credits that are held for campaigns that are not there any more.
    pub(crate) lost: &'a [(CampaignId, u64)],
    /// The newest lines of its ledger, oldest first.
    pub(crate) lines: &'a [LedgerEntry],
    /// What the grants among these were asked for by, and when: the same are not made again.
    pub(crate) grants: &'a [(Token, UnixMicros)],
}

/// Whose messages somebody does not want, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OptOut {
    /// `None`: of all tenants.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) purpose: Purpose,
    pub(crate) recipient: Recipient,
}

impl Store {
    /// Whether nothing was ever ordered here: no tenant, no campaign.
    pub(crate) async fn is_blank(&self) -> Result<bool, StoreError> {
        let mut get = redis::cmd("HMGET");
        get.arg(keys::META).arg("next_tenant").arg("next_campaign");
        let numbers: (Option<u64>, Option<u64>) = self.ask(&get).await?;
        Ok(numbers == (None, None))
    }

    /// Numbers up to that one are taken, whoever may have had them.
    pub(crate) async fn skip_tenants(&self, taken: TenantId) -> Result<(), StoreError> {
        self.skip_numbers("next_tenant", taken.0.into()).await
    }

    /// Numbers of campaigns up to that one are taken.
    pub(crate) async fn skip_campaigns(&self, taken: CampaignId) -> Result<(), StoreError> {
        self.skip_numbers("next_campaign", taken.0).await
    }

    /// At the start, when nobody takes any.
    async fn skip_numbers(&self, series: &str, taken: u64) -> Result<(), StoreError> {
        let mut get = redis::cmd("HGET");
        let now: Option<u64> = self.ask(get.arg(keys::META).arg(series)).await?;
        if now.unwrap_or(0) >= taken {
            return Ok(());
        }
        let mut set = redis::cmd("HSET");
        self.ask::<i64>(set.arg(keys::META).arg(series).arg(taken))
            .await
            .map(drop)
    }

    /// The number that was given to a campaign last.
    #[cfg(test)]
    pub(crate) async fn last_campaign(&self) -> Result<CampaignId, StoreError> {
        let mut get = redis::cmd("HGET");
        let last: Option<u64> = self.ask(get.arg(keys::META).arg("next_campaign")).await?;
        Ok(CampaignId(last.unwrap_or(0)))
    }

    /// Settings of tenants, in the order asked for; `None` for one that is not there.
    pub(crate) async fn settings_of(&self, tenants: &[TenantId]) -> Result<Vec<Option<Settings>>, StoreError> {
        let get = |tenant: &TenantId| {
            let mut get = redis::cmd("HGETALL");
            get.arg(keys::tenant(*tenant));
            get
        };
        let replies = self.run(&self.bulk, tenants.iter().map(get).collect()).await?;
        replies.into_iter().map(read_settings).collect()
    }

    /// A tenant that is there has these settings, and no others.
    pub(crate) async fn put_settings(&self, tenant: TenantId, settings: &Settings) -> Result<(), StoreError> {
        let there = self.settings_of(&[tenant]).await?.pop().flatten().unwrap_or_default();
        let mut set = redis::cmd("HSET");
        set.arg(keys::tenant(tenant));
        for (field, value) in settings {
            set.arg(field).arg(value);
        }
        let mut calls = vec![set];
        for field in there.keys().filter(|field| !settings.contains_key(*field)) {
            let mut forget = redis::cmd("HDEL");
            forget.arg(keys::tenant(tenant)).arg(field);
            calls.push(forget);
        }
        self.run(&self.bulk, calls).await?;
        let number = |field: &str| settings.get(field).and_then(|value| value.parse::<u8>().ok());
        if let Some(weight) = number(WEIGHT) {
            self.set_weight(tenant, weight).await?;
        }
        if let Some(cap) = settings.get(FREQUENCY_CAP) {
            self.set_cap(tenant, cap.parse().ok()).await?;
        }
        if let Some(rate) = settings.get(RATE) {
            self.set_tenant_rate(tenant, rate.parse().ok()).await?;
        }
        if let Some(failures) = settings.get(GIVES_BACK) {
            self.set_gives_back(tenant, failures.parse().unwrap_or_default())
                .await?;
        }
        if let Some(answers) = number(CANCEL_ANSWERS) {
            self.set_cancel_answers(tenant, answers == 1).await?;
        }
        Ok(())
    }

    /// Puts a tenant into a Redis that has lost it. Asked again, it does so again.
    pub(crate) async fn restore_tenant(&self, tenant: TenantId, restored: &Restored<'_>) -> Result<(), StoreError> {
        let Credits {
            granted,
            withdrawn,
            available,
            held,
            spent,
            recredited,
        } = restored.credits;
        let mut sums = redis::cmd("HSET");
        sums.arg(keys::tenant(tenant));
        for (field, sum) in CREDITS
            .iter()
            .zip([granted, withdrawn, available, held, spent, recredited])
        {
            sums.arg(field).arg(sum);
        }
        let (mut forget, mut unlist, mut list) = (redis::cmd("DEL"), redis::cmd("LREM"), redis::cmd("RPUSH"));
        forget
            .arg(keys::ledger(tenant))
            .arg(keys::lost(tenant))
            .arg(keys::grants(tenant));
        unlist.arg(keys::TENANTS).arg(0).arg(tenant.0);
        list.arg(keys::TENANTS).arg(tenant.0);
        let mut calls = vec![sums, forget, unlist, list];
        for (campaign, credits) in restored.lost {
            let mut lose = redis::cmd("HSET");
            lose.arg(keys::lost(tenant)).arg(campaign.0).arg(credits);
            calls.push(lose);
        }
        for LedgerEntry { place, line } in restored.lines {
            let mut add = redis::cmd("XADD");
            add.arg(keys::ledger(tenant)).arg(place.to_string()).arg("1").arg(line);
            calls.push(add);
        }
        for (token, at) in restored.grants {
            let mut remember = redis::cmd("ZADD");
            remember.arg(keys::grants(tenant)).arg(at.0).arg(&token.0[..]);
            calls.push(remember);
        }
        self.run(&self.bulk, calls).await?;
        self.put_settings(tenant, restored.settings).await
    }

    /// What was taken back of tenants, for those of whom nobody has counted it: an earlier version did not.
    pub(crate) async fn note_withdrawn(&self, of: &[(TenantId, u64)]) -> Result<(), StoreError> {
        let note = |(tenant, credits): &(TenantId, u64)| {
            let mut set = redis::cmd("HSETNX");
            set.arg(keys::tenant(*tenant)).arg(WITHDRAWN).arg(*credits);
            set
        };
        self.run(&self.bulk, of.iter().map(note).collect()).await.map(drop)
    }

    /// What is held for campaigns that were lost, by campaign.
    pub(crate) async fn lost_holds(&self, tenant: TenantId) -> Result<Vec<(CampaignId, u64)>, StoreError> {
        let mut get = redis::cmd("HGETALL");
        let lost: BTreeMap<u64, u64> = self.ask(get.arg(keys::lost(tenant))).await?;
        Ok(lost
            .into_iter()
            .map(|(id, credits)| (CampaignId(id), credits))
            .collect())
    }

    /// Ends what is held for a campaign that was lost: so much of it was spent, the rest is available again. `false`: nothing is
    /// held for it, or less than that.
    pub(crate) async fn settle_lost(
        &self,
        (tenant, campaign): (TenantId, CampaignId),
        spent: u64,
        now: UnixMicros,
    ) -> Result<bool, StoreError> {
        let names = [keys::tenant(tenant), keys::ledger(tenant), keys::lost(tenant)];
        let mut call = self.script(Name::SettleLost, &[&names[0], &names[1], &names[2]]);
        call.arg(campaign.0).arg(campaign.to_string()).arg(spent).arg(now.0);
        let settled = self.ask::<i64>(&call).await;
        self.wrote_ledger(tenant);
        Ok(settled? == 1)
    }

    /// All keys of the API: digests, and whose they are.
    pub(crate) async fn all_api_keys(&self) -> Result<Vec<(String, KeyOwner)>, StoreError> {
        let (mut found, mut cursor) = (BTreeMap::new(), 0_u64);
        loop {
            let mut scan = redis::cmd("HSCAN");
            scan.arg(keys::API_KEYS).arg(cursor).arg("COUNT").arg(KEYS_SCANNED);
            let (next, page): (u64, Vec<(String, String)>) = self.ask(&scan).await?;
            found.extend(page);
            if next == 0 {
                break;
            }
            cursor = next;
        }
        let owner = |text: &str| KeyOwner::stored(text).ok_or(StoreError::Corrupt("the owner of a key"));
        found
            .into_iter()
            .map(|(digest, text)| Ok((digest, owner(&text)?)))
            .collect()
    }

    /// Tenants whose ledger this process may have written to since it was asked last.
    pub(crate) fn written_ledgers(&self) -> FxHashSet<TenantId> {
        let mut written = self.shared.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut written)
    }

    /// Lines of ledgers, each from a place on, at most `count`; in the order asked for.
    pub(crate) async fn ledgers_from(
        &self,
        all: &[(TenantId, LedgerPlace)],
        count: usize,
    ) -> Result<Vec<Vec<LedgerEntry>>, StoreError> {
        let range = |(tenant, place): &(TenantId, LedgerPlace)| {
            let mut range = redis::cmd("XRANGE");
            range.arg(keys::ledger(*tenant)).arg(place.to_string());
            range.arg("+").arg("COUNT").arg(count);
            range
        };
        let replies = self.run(&self.bulk, all.iter().map(range).collect()).await?;
        replies.into_iter().map(read_lines).collect()
    }

    /// Those of some places at which a ledger has a line.
    pub(crate) async fn ledger_has(&self, tenant: TenantId, places: &[LedgerPlace]) -> Result<Vec<bool>, StoreError> {
        let look = |place: &LedgerPlace| {
            let mut look = redis::cmd("XRANGE");
            look.arg(keys::ledger(tenant))
                .arg(place.to_string())
                .arg(place.to_string());
            look
        };
        let replies = self.run(&self.bulk, places.iter().map(look).collect()).await?;
        replies.into_iter().map(|reply| Ok(!array(reply)?.is_empty())).collect()
    }

    /// Looks whether Redis is the database with that id.
    ///
    /// # Errors
    /// [`StoreError::OtherDatabase`] when it is not, or when it does not answer.
    pub(crate) async fn is_database(&self, id: &str) -> Result<(), StoreError> {
        let mut look = redis::cmd("HGET");
        look.arg(keys::META).arg(ID);
        match self.ask::<Option<String>>(&look).await? {
            Some(found) if found == id => Ok(()),
            Some(_) | None => Err(StoreError::OtherDatabase),
        }
    }

    /// Makes it the database with that id.
    #[cfg(test)]
    pub(crate) async fn plant_id(&self, id: &str) -> Result<(), StoreError> {
        let mut plant = redis::cmd("HSET");
        self.ask::<i64>(plant.arg(keys::META).arg(ID).arg(id)).await?;
        Ok(())
    }

    /// How many opt-outs there are: of one tenant's messages, and of all; by purpose.
    pub(crate) async fn count_opt_outs(&self, purpose: Purpose) -> Result<(u64, u64), StoreError> {
        let mut calls = Vec::new();
        for partition in self.all_partitions() {
            for of_all in [false, true] {
                let mut count = redis::cmd("SCARD");
                count.arg(self.opt_out_set(partition, purpose, of_all));
                calls.push(count);
            }
        }
        let mut sums = (0, 0);
        for pair in self.run(&self.bulk, calls).await?.chunks(2) {
            sums.0 += integer(&pair[0])? as u64;
            sums.1 += integer(&pair[1])? as u64;
        }
        Ok(sums)
    }

    /// Some of the opt-outs of a partition, and where to go on; 0: these were the last.
    pub(crate) async fn scan_opt_outs(
        &self,
        partition: Partition,
        (purpose, of_all): (Purpose, bool),
        cursor: u64,
    ) -> Result<(Vec<OptOut>, u64), StoreError> {
        let mut scan = redis::cmd("SSCAN");
        scan.arg(self.opt_out_set(partition, purpose, of_all)).arg(cursor);
        scan.arg("COUNT").arg(SCANNED);
        let (next, members): (u64, Vec<Vec<u8>>) = self.ask(&scan).await?;
        let read = |member: &Vec<u8>| {
            let (scope, digits) = member.split_at_checked(member.len().checked_sub(8)?)?;
            let scope: Option<[u8; 4]> = scope.try_into().ok();
            Some(OptOut {
                tenant: scope.map(|scope| TenantId(u32::from_be_bytes(scope))),
                purpose,
                recipient: Recipient(u64::from_be_bytes(digits.try_into().ok()?)),
            })
        };
        let all: Option<Vec<OptOut>> = members.iter().map(read).collect();
        Ok((all.ok_or(StoreError::Corrupt("who does not want messages"))?, next))
    }

    /// Where those stand who do not want one tenant's messages, or anybody's.
    fn opt_out_set(&self, partition: Partition, purpose: Purpose, of_all: bool) -> String {
        let of = if of_all { "stopall" } else { "stop" };
        format!("{}{of}:{}", self.base(partition), purpose.lane())
    }

    /// A token that a line of a ledger always has.
    pub(crate) fn token_of_line(tenant: TenantId, place: LedgerPlace) -> Token {
        let mut token = [0; 16];
        token[..4].copy_from_slice(&tenant.0.to_be_bytes());
        token[4..12].copy_from_slice(&place.milliseconds.to_be_bytes());
        token[12..].copy_from_slice(&(place.number as u32).to_be_bytes());
        Token(token)
    }
}

/// Who hosts a tenant of these settings.
pub(crate) fn reseller_in(settings: &Settings) -> Result<Option<ResellerId>, StoreError> {
    hosted(settings.get(RESELLER).map(String::as_str))
}

fn read_settings(reply: Value) -> Result<Option<Settings>, StoreError> {
    let fields: Settings =
        redis::from_redis_value(reply).map_err(|_| StoreError::Corrupt("the settings of a tenant"))?;
    if !fields.contains_key("name") {
        return Ok(None);
    }
    let settings = fields
        .into_iter()
        .filter(|(field, _)| !CREDITS.contains(&field.as_str()));
    Ok(Some(settings.collect()))
}

fn read_lines(reply: Value) -> Result<Vec<LedgerEntry>, StoreError> {
    const BAD: StoreError = StoreError::Corrupt("a line of a ledger");
    let text = |value: Value| String::from_utf8(bytes(value)?).map_err(|_| BAD);
    let read = |entry: Value| {
        let mut parts = array(entry)?.into_iter();
        let place = text(parts.next().unwrap_or_default())?.parse().map_err(|_| BAD)?;
        let line = array(parts.next().unwrap_or_default())?.into_iter().nth(1);
        Ok(LedgerEntry {
            place,
            line: text(line.unwrap_or_default())?,
        })
    };
    array(reply)?.into_iter().map(read).collect()
}
