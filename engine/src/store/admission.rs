//! What is taken of a tenant: nothing while it is suspended, and no more a day than was agreed on.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::scripts::Name;
use super::{Store, StoreError, integer, keys};
use crate::domain::{Countries, Day, Partition, TenantId, Terms, UnixMicros};

/// Among what is stored of a tenant: since when it is suspended, and why.
const SINCE: &str = "suspended_at";
const REASON: &str = "suspended_reason";

/// How many messages are taken of a tenant a day, and by whose clocks.
pub(super) const DAILY_MAX: &str = "daily_max";
pub(super) const TIME_ZONE: &str = "time_zone";

/// What is stored of a tenant's countries is no list of them.
const BAD_COUNTRIES: StoreError = StoreError::Corrupt("a tenant's countries");

/// That, and why, a tenant is suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suspension {
    pub(crate) since: UnixMicros,
    /// In the words of who has done it.
    pub(crate) reason: String,
}

/// What decides whether a message of a tenant is taken.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    /// Whose numbers it may send to.
    pub(crate) countries: Countries,
    pub(crate) suspension: Option<Suspension>,
    daily_max: Option<u32>,
    time_zone: String,
}

/// What is taken of a tenant on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) day: Day,
    /// How many messages; `None`: any number.
    pub(crate) most: Option<u32>,
}

impl Admission {
    /// What is taken on the day of `now`.
    pub(crate) fn share(&self, now: UnixMicros) -> Share {
        Share {
            day: Day::of(now, &self.time_zone),
            most: self.daily_max,
        }
    }
}

impl Share {
    /// As scripts have it: the day, and how many, or nothing.
    pub(super) fn arguments(&self) -> [String; 2] {
        let most = self.most.map_or_else(String::new, |most| most.to_string());
        [self.day.name.clone(), most]
    }
}

impl Suspension {
    /// Of its two stored values; `None`: it is not suspended.
    fn stored(since: Option<&str>, reason: Option<&str>) -> Option<Self> {
        let since = since?.parse().ok()?;
        Some(Self {
            since: UnixMicros(since),
            reason: reason.unwrap_or_default().to_owned(),
        })
    }

    /// As `field` finds it in a tenant.
    pub(super) fn found<'a>(field: impl Fn(&str) -> Option<&'a String>) -> Option<Self> {
        let text = |name| field(name).map(String::as_str);
        Self::stored(text(SINCE), text(REASON))
    }

    /// Whether a tenant of these settings is suspended.
    pub(crate) fn is_in(settings: &BTreeMap<String, String>) -> bool {
        settings.contains_key(SINCE)
    }
}

impl Store {
    /// Whether a tenant is suspended.
    pub(crate) async fn suspension(&self, id: TenantId) -> Result<Option<Suspension>, StoreError> {
        Ok(self.admission(id).await?.suspension)
    }

    /// What decides whether something of a tenant is taken.
    pub(crate) async fn admission(&self, id: TenantId) -> Result<Admission, StoreError> {
        let mut get = redis::cmd("HMGET");
        get.arg(keys::tenant(id)).arg("countries").arg(SINCE).arg(REASON);
        get.arg(DAILY_MAX).arg(TIME_ZONE);
        let [countries, since, reason, daily_max, time_zone]: [Option<String>; 5] = self.ask(&get).await?;
        Ok(Admission {
            daily_max: daily_max.and_then(|max| max.parse().ok()),
            time_zone: time_zone.unwrap_or_else(|| Terms::TIME_ZONE.to_owned()),
            countries: self::countries(countries.as_deref())?,
            suspension: Suspension::stored(since.as_deref(), reason.as_deref()),
        })
    }

    /// How many messages of a tenant were taken on a day.
    pub(crate) async fn taken_on(&self, id: TenantId, day: &Day) -> Result<u64, StoreError> {
        let mut get = redis::cmd("HMGET");
        let known: (Option<String>, Option<u64>) = self.ask(get.arg(keys::daily(id)).arg("day").arg("taken")).await?;
        Ok(match known {
            (Some(known), Some(taken)) if known == day.name => taken,
            _ => 0,
        })
    }

    /// Nothing of a tenant is leased from now on. One that is suspended already stays so since then, for this reason.
    pub(crate) async fn suspend_tenant(&self, id: TenantId, reason: &str, now: UnixMicros) -> Result<(), StoreError> {
        let (mut begin, mut say) = (redis::cmd("HSETNX"), redis::cmd("HSET"));
        begin.arg(keys::tenant(id)).arg(SINCE).arg(now.0);
        say.arg(keys::tenant(id)).arg(REASON).arg(reason);
        // First: a crash behind this leaves a tenant that is shown as suspended, and the next start sees to its queues.
        self.run(&self.bulk, vec![begin, say]).await?;
        self.hold_queues(id, true).await
    }

    /// A tenant goes on where it was.
    pub(crate) async fn resume_tenant(&self, id: TenantId) -> Result<(), StoreError> {
        let mut forget = redis::cmd("HDEL");
        forget.arg(keys::tenant(id)).arg(SINCE).arg(REASON);
        self.ask::<i64>(&forget).await?;
        self.hold_queues(id, false).await
    }

    /// Nothing that is queued of a tenant is leased, or all of it may be.
    pub(crate) async fn hold_queues(&self, id: TenantId, held: bool) -> Result<(), StoreError> {
        let hold = |partition| {
            let mut call = self.partition_script(Name::Suspend, partition);
            call.arg(id.0).arg(u8::from(held));
            call
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(hold).collect()).await?;
        replies.iter().try_for_each(|reply| integer(reply).map(drop))
    }

    /// Tenants of which nothing is leased in some partition.
    pub(crate) async fn held_tenants(&self) -> Result<FxHashSet<TenantId>, StoreError> {
        let mut all = FxHashSet::default();
        for partition in self.all_partitions() {
            let mut members = redis::cmd("SMEMBERS");
            let held: Vec<u32> = self.ask(members.arg(self.suspended_in(partition))).await?;
            all.extend(held.into_iter().map(TenantId));
        }
        Ok(all)
    }

    fn suspended_in(&self, partition: Partition) -> String {
        format!("{}suspended", self.base(partition))
    }
}

/// Whose numbers a tenant may send to; none are stored: all.
pub(super) fn countries(stored: Option<&str>) -> Result<Countries, StoreError> {
    stored.unwrap_or_default().parse().map_err(|_| BAD_COUNTRIES)
}
