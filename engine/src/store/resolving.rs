//! Launches whose audience is being found out.

use std::collections::HashMap;

use redis::Value;

use super::scripts::Name;
use super::{CampaignState, Store, StoreError, keys};
use crate::domain::{CampaignId, Recipient, TenantId};

/// The field of a campaign that counts who has found out whom it means.
const FINDING: &str = "finding";

/// Octets of a number that is kept.
const NUMBER_OCTETS: usize = 8;

/// Whether a campaign is being found out from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    Yes,
    /// It was edited since it was read.
    Edited,
    /// It is in none of the states from which that begins.
    WrongState,
}

impl Store {
    /// A launch sets off to find out whom its campaign means, under the epoch of whoever does it; `edits`: how often that was edited, as
    /// it was read.
    pub(crate) async fn begin_resolving(
        &self,
        (tenant, id): (TenantId, CampaignId),
        (from, edits): (&[CampaignState], u64),
        epoch: u32,
    ) -> Result<Begun, StoreError> {
        // Listed first: a crash after this costs one useless look; the reverse order would lose the campaign. Not in another's place,
        // who may be about it.
        self.set_active(tenant, id).await?;
        let mut list = redis::cmd("HSETNX");
        self.ask::<i64>(list.arg(keys::RESOLVING).arg(id.0).arg(epoch)).await?;
        let mut call = self.moving((tenant, id), (from, CampaignState::Resolving), Some(edits));
        call.arg("refused").arg("");
        match self.ask::<i64>(&call).await? {
            1 => {
                self.set_resolving(id, Some(epoch)).await?;
                Ok(Begun::Yes)
            }
            -2 => Ok(Begun::Edited),
            _ => Ok(Begun::WrongState),
        }
    }

    /// It could not be found out: the campaign is as before its launch. `false`: it was canceled meanwhile.
    pub(crate) async fn refuse_resolving(
        &self,
        owner: (TenantId, CampaignId),
        to: CampaignState,
        code: &str,
    ) -> Result<bool, StoreError> {
        let mut call = self.moving(owner, (&[CampaignState::Resolving], to), None);
        call.arg("refused").arg(code);
        Ok(self.ask::<i64>(&call).await? == 1)
    }

    /// Lists a campaign among those that are being found out, or takes it off.
    pub(crate) async fn set_resolving(&self, id: CampaignId, epoch: Option<u32>) -> Result<(), StoreError> {
        let mut call = redis::cmd(if epoch.is_some() { "HSET" } else { "HDEL" });
        call.arg(keys::RESOLVING).arg(id.0);
        if let Some(epoch) = epoch {
            call.arg(epoch);
        }
        self.ask::<i64>(&call).await.map(drop)
    }

    /// Those, and by which epoch.
    pub(crate) async fn resolving(&self) -> Result<Vec<(CampaignId, u32)>, StoreError> {
        let mut get = redis::cmd("HGETALL");
        let pairs: HashMap<u64, u32> = self.ask(get.arg(keys::RESOLVING)).await?;
        Ok(pairs.into_iter().map(|(id, epoch)| (CampaignId(id), epoch)).collect())
    }

    /// Another finding out of whom a campaign means begins: what is found by those before it is not taken any more.
    pub(crate) async fn begin_finding(&self, (tenant, id): (TenantId, CampaignId)) -> Result<u64, StoreError> {
        let mut next = redis::cmd("HINCRBY");
        self.ask(next.arg(keys::campaign(tenant, id)).arg(FINDING).arg(1)).await
    }

    /// Whether that one is the last that has begun.
    pub(crate) async fn is_last_finding(
        &self,
        (tenant, id): (TenantId, CampaignId),
        finding: u64,
    ) -> Result<bool, StoreError> {
        let mut get = redis::cmd("HGET");
        let last: Option<u64> = self.ask(get.arg(keys::campaign(tenant, id)).arg(FINDING)).await?;
        Ok(last.unwrap_or(0) == finding)
    }

    /// Takes out what was found so far.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] when another finding has begun since, or its campaign is queued.
    pub(crate) async fn clear_found(&self, campaign: CampaignId, finding: u64) -> Result<(), StoreError> {
        let call = |partition| {
            let mut call = self.partition_script(Name::Clear, partition);
            call.arg(campaign.0).arg(finding);
            call
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(call).collect()).await?;
        match replies.iter().all(|reply| *reply == Value::Int(1)) {
            true => Ok(()),
            false => Err(StoreError::TakenOver),
        }
    }

    /// Keeps the numbers that were pasted beside contacts.
    pub(crate) async fn save_pasted(
        &self,
        (tenant, id): (TenantId, CampaignId),
        numbers: &[Recipient],
    ) -> Result<(), StoreError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let packed: Vec<u8> = numbers.iter().flat_map(|number| number.0.to_be_bytes()).collect();
        let mut set = redis::cmd("SET");
        self.ask::<()>(set.arg(keys::pasted(tenant, id)).arg(packed)).await
    }

    /// Keeps an account of those that were not taken, as JSON.
    pub(crate) async fn save_pasted_left_out(
        &self,
        (tenant, id): (TenantId, CampaignId),
        json: &str,
    ) -> Result<(), StoreError> {
        let mut set = redis::cmd("SET");
        self.ask::<()>(set.arg(keys::pasted_left_out(tenant, id)).arg(json))
            .await
    }

    /// That account.
    pub(crate) async fn pasted_left_out(
        &self,
        (tenant, id): (TenantId, CampaignId),
    ) -> Result<Option<String>, StoreError> {
        let mut get = redis::cmd("GET");
        self.ask(get.arg(keys::pasted_left_out(tenant, id))).await
    }

    /// Those numbers.
    pub(crate) async fn pasted(&self, (tenant, id): (TenantId, CampaignId)) -> Result<Vec<u64>, StoreError> {
        let mut get = redis::cmd("GET");
        let packed: Vec<u8> = self.ask(get.arg(keys::pasted(tenant, id))).await?;
        let (numbers, rest) = packed.as_chunks::<NUMBER_OCTETS>();
        if !rest.is_empty() {
            return Err(StoreError::Corrupt("numbers that were pasted"));
        }
        Ok(numbers.iter().map(|octets| u64::from_be_bytes(*octets)).collect())
    }
}
