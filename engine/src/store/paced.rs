//! Campaigns with a rate: which they are, and the permits with which rows of them are leased.

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

impl Store {
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
