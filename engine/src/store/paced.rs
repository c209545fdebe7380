//! Campaigns and tenants with a rate: which they are, and the permits with which rows of them are leased.

use redis::Cmd;

use super::campaign::{Campaign, form_of};
use super::catalogue::read_pair;
use super::scripts::Name;
use super::{Store, StoreError, array, integer, keys};
use crate::domain::{CampaignId, Partition, Tempo, TenantId};

/// A campaign that is queued and has a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paced {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    pub(crate) rate: Tempo,
}

/// Permits for rows of a campaign in a partition, in place of those that it has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PermitAsk {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    pub(crate) partition: Partition,
    pub(crate) permits: u32,
}

/// What came of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permitted {
    /// So many of those before were not used.
    pub(crate) left: u32,
    /// Rows that may be leased there.
    pub(crate) rows: u64,
    /// No more than these.
    pub(crate) given: u32,
}

/// A tenant with a rate of which a lease has found rows in a partition, and no permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Want {
    pub(crate) tenant: TenantId,
    pub(crate) partition: Partition,
    /// Some of these rows are urgent.
    pub(crate) is_urgent: bool,
}

/// Permits for rows of a tenant in a partition, in place of those that it has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) tenant: TenantId,
    pub(crate) partition: Partition,
    /// `None`: it has no rate any more.
    pub(crate) permits: Option<u32>,
}

/// What is said in place of permits of a tenant without a rate.
const NO_RATE: &str = "-";

impl Store {
    /// Rows of a tenant are leased with permits alone from now on, which it gets at that rate; `None`: without. Asked again it changes the rate.
    pub(crate) async fn set_tenant_rate(&self, tenant: TenantId, rate: Option<Tempo>) -> Result<(), StoreError> {
        let in_partition = |partition| match rate {
            Some(_) => {
                let mut mark = redis::cmd("HSETNX");
                mark.arg(format!("{}rated", self.base(partition)));
                mark.arg(tenant.0).arg(0);
                mark
            }
            None => {
                let mut free = self.partition_script(Name::Allow, partition);
                free.arg(tenant.0).arg(NO_RATE);
                free
            }
        };
        let partitions: Vec<Cmd> = self.all_partitions().map(in_partition).collect();
        let mut list = redis::cmd(if rate.is_some() { "HSET" } else { "HDEL" });
        list.arg(keys::RATED).arg(tenant.0);
        match rate {
            // Listed first: what nobody gives permits would wait for ever.
            Some(rate) => {
                self.ask::<i64>(list.arg(rate.to_string())).await?;
                self.run(&self.bulk, partitions).await.map(drop)
            }
            None => {
                self.run(&self.bulk, partitions).await?;
                self.ask::<i64>(&list).await.map(drop)
            }
        }
    }

    /// Whether any tenant has a rate.
    pub(crate) async fn has_rated(&self) -> Result<bool, StoreError> {
        self.ask(redis::cmd("EXISTS").arg(keys::RATED)).await
    }

    /// The rates of tenants, in the order asked for.
    pub(crate) async fn tenant_rates(&self, tenants: &[TenantId]) -> Result<Vec<Option<Tempo>>, StoreError> {
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let mut get = redis::cmd("HMGET");
        get.arg(keys::RATED);
        for tenant in tenants {
            get.arg(tenant.0);
        }
        let rates: Vec<Option<String>> = self.ask(&get).await?;
        let bad = |()| StoreError::Corrupt("the rate of a tenant");
        let read = |rate: Option<String>| rate.map(|rate| rate.parse().map_err(bad)).transpose();
        rates.into_iter().map(read).collect()
    }

    /// Which tenants want permits, and where.
    pub(crate) async fn wants(&self) -> Result<Vec<Want>, StoreError> {
        let look = |partition| {
            let mut look = redis::cmd("HGETALL");
            look.arg(format!("{}wants", self.base(partition)));
            look
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(look).collect()).await?;
        let mut wants = Vec::new();
        for (partition, reply) in self.all_partitions().zip(replies) {
            let found: Vec<(u32, u8)> =
                redis::from_redis_value(reply).map_err(|_| StoreError::Corrupt("who wants permits"))?;
            wants.extend(found.into_iter().map(|(tenant, lane)| Want {
                tenant: TenantId(tenant),
                partition,
                is_urgent: lane == 0,
            }));
        }
        Ok(wants)
    }

    /// Gives tenants permits; the answers are in the order of the questions: how many of those before were not used, `None` where a tenant
    /// has no rate.
    pub(crate) async fn allow(&self, all: &[Allowed]) -> Result<Vec<Option<u32>>, StoreError> {
        let mut of_each = vec![Vec::new(); usize::from(self.partitions())];
        for (at, ask) in all.iter().enumerate() {
            of_each[usize::from(ask.partition.0)].push((at, *ask));
        }
        of_each.retain(|asks| !asks.is_empty());
        let call = |asks: &Vec<(usize, Allowed)>| {
            let mut call = self.partition_script(Name::Allow, asks[0].1.partition);
            for (_, ask) in asks {
                call.arg(ask.tenant.0);
                match ask.permits {
                    Some(permits) => call.arg(permits),
                    None => call.arg(NO_RATE),
                };
            }
            call
        };
        let replies = self.run(&self.bulk, of_each.iter().map(call).collect()).await?;
        let mut left = vec![None; all.len()];
        for (asks, reply) in of_each.iter().zip(replies) {
            for ((at, _), unused) in asks.iter().zip(array(reply)?) {
                left[*at] = u32::try_from(integer(&unused)?).ok();
            }
        }
        Ok(left)
    }

    /// Keeps the rate of a campaign, which is obeyed from [`Store::pace`] on.
    pub(crate) async fn set_rate(&self, campaign: &Campaign, rate: Option<Tempo>) -> Result<(), StoreError> {
        let (tenant, id) = (campaign.tenant, campaign.id);
        // An older version refuses it from now on.
        let form = form_of(&Campaign {
            rate,
            ..campaign.clone()
        });
        let key = keys::campaign(tenant, id);
        let mut set = redis::cmd(if rate.is_some() { "HSET" } else { "HDEL" });
        set.arg(key).arg("rate");
        if let Some(rate) = rate {
            set.arg(rate.to_string()).arg("form").arg(form);
        }
        self.ask::<i64>(&set).await.map(drop)
    }

    /// Rows of a campaign are leased with permits alone from now on, which it gets at that rate. Asked again it changes the rate.
    pub(crate) async fn pace(&self, paced: Paced) -> Result<(), StoreError> {
        let mut list = redis::cmd("HSET");
        list.arg(keys::PACED)
            .arg(format!("{}:{}", paced.tenant.0, paced.campaign.0))
            .arg(paced.rate.to_string());
        // Listed first: what nobody gives permits would wait for ever.
        self.ask::<i64>(&list).await?;
        let mark = |partition| {
            let mut mark = redis::cmd("HSETNX");
            mark.arg(format!("{}paced", self.base(partition)))
                .arg(paced.campaign.0)
                .arg(0);
            mark
        };
        self.run(&self.bulk, self.all_partitions().map(mark).collect())
            .await
            .map(drop)
    }

    /// Rows of a campaign are leased without permits.
    pub(crate) async fn unpace(&self, (tenant, id): (TenantId, CampaignId)) -> Result<(), StoreError> {
        let unmark = |partition| {
            let mut unmark = redis::cmd("HDEL");
            unmark.arg(format!("{}paced", self.base(partition))).arg(id.0);
            unmark
        };
        self.run(&self.bulk, self.all_partitions().map(unmark).collect())
            .await?;
        let mut forget = redis::cmd("HDEL");
        forget.arg(keys::PACED).arg(format!("{}:{}", tenant.0, id.0));
        self.ask::<i64>(&forget).await.map(drop)
    }

    /// The campaigns whose rows are leased with permits.
    pub(crate) async fn paced(&self) -> Result<Vec<Paced>, StoreError> {
        let all: Vec<(String, String)> = self.ask(redis::cmd("HGETALL").arg(keys::PACED)).await?;
        let read = |(owner, rate): (String, String)| {
            let bad = || StoreError::Corrupt("a campaign with a rate");
            let (tenant, campaign) = read_pair(&owner).ok_or_else(bad)?;
            Ok(Paced {
                tenant,
                campaign,
                rate: rate.parse().map_err(|()| bad())?,
            })
        };
        all.into_iter().map(read).collect()
    }

    /// Gives permits; the answers are in the order of the questions.
    pub(crate) async fn permit(&self, asks: &[PermitAsk]) -> Result<Vec<Permitted>, StoreError> {
        let call = |ask: &PermitAsk| {
            let mut call = self.partition_script(Name::Permits, ask.partition);
            call.arg(ask.campaign.0).arg(ask.tenant.0).arg(ask.permits);
            call
        };
        let replies = self.run(&self.bulk, asks.iter().map(call).collect()).await?;
        let read = |reply| match &array(reply)?[..] {
            [left, rows, given] => Ok(Permitted {
                left: integer(left)?.max(0) as u32,
                rows: integer(rows)?.max(0) as u64,
                given: integer(given)?.max(0) as u32,
            }),
            _ => Err(StoreError::Corrupt("permits of a campaign")),
        };
        replies.into_iter().map(read).collect()
    }
}
