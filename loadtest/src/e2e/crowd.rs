//! The tenants of a run, each with a campaign of its own size.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::{Result, ensure};
use lab::{Api, CampaignBody, Credits, Lane, Listed, Tenant, number_of};

use crate::parallel::in_parallel;
use crate::random::Draws;

/// Granted for each credit that is needed: the balance is not what is tested.
const CREDITS_PER_MESSAGE: u64 = 2;

/// Tenants and their campaigns, in the engine.
pub(super) struct Crowd {
    api: Api,
    tenants: Vec<Tenant>,
    /// The patients of each tenant's campaign, by number.
    audiences: Vec<Range<u64>>,
    lanes: Vec<Lane>,
    campaigns: std::sync::OnceLock<Vec<String>>,
    owners: HashMap<u64, usize>,
}

impl Crowd {
    /// Creates a tenant for each share, with credits for as many messages; `marketing` of the campaigns are of that lane.
    pub(super) fn enrol(api: Api, shares: &[u64], (marketing, seed): (f64, u64)) -> Result<Self> {
        let enrol = |n: usize| Ok(api.enrol(&format!("Load test {n}"), shares[n] * CREDITS_PER_MESSAGE)?);
        let tenants = in_parallel(shares.len(), enrol)?;
        let mut first = 0;
        let audience = |share: &u64| {
            let audience = first..first + share;
            first = audience.end;
            audience
        };
        let audiences: Vec<_> = shares.iter().map(audience).collect();
        let draws = Draws::new(seed, "lanes");
        let lane = |n: u64| match draws.unit(n) < marketing {
            true => Lane::Marketing,
            false => Lane::Transactional,
        };
        let owned = audiences.iter().enumerate();
        let owners = owned.flat_map(|(tenant, audience)| audience.clone().map(move |n| (number_of(n), tenant)));
        Ok(Self {
            owners: owners.collect(),
            lanes: (0..shares.len() as u64).map(lane).collect(),
            campaigns: std::sync::OnceLock::new(),
            api,
            tenants,
            audiences,
        })
    }

    /// Creates every campaign as a draft.
    ///
    /// # Errors
    /// A call failed, or a recipient was refused.
    pub(super) fn ingest(&self) -> Result<()> {
        let ids = in_parallel(self.tenants.len(), |n| {
            let audience = &self.audiences[n];
            let count = audience.end - audience.start;
            let body = CampaignBody::new(format!("Load test {n}"), audience.start, count as u32).in_lane(self.lanes[n]);
            let draft = self.api.create(&self.tenants[n], &body)?;
            let accepted = draft.accepted();
            ensure!(
                accepted == count,
                "campaign {}: {accepted} of {count} accepted",
                draft.id
            );
            Ok(draft.id)
        })?;
        self.campaigns.get_or_init(|| ids);
        Ok(())
    }

    /// Launches them all.
    pub(super) fn launch(&self) -> Result<()> {
        let campaigns = self.campaigns();
        in_parallel(campaigns.len(), |n| {
            Ok(self.api.launch(&self.tenants[n], &campaigns[n])?)
        })?;
        Ok(())
    }

    /// Messages that have not left their queues.
    pub(super) fn queued(&self) -> Result<u64> {
        let campaigns = self.campaigns();
        let queued = in_parallel(campaigns.len(), |n| {
            Ok(self.api.campaign(&self.tenants[n], &campaigns[n])?.progress.queued)
        })?;
        Ok(queued.iter().sum())
    }

    /// Every message as the engine lists it.
    pub(super) fn listed(&self) -> Result<Vec<Listed>> {
        let campaigns = self.campaigns();
        let lists = in_parallel(campaigns.len(), |n| {
            Ok(self.api.recipients(&self.tenants[n], &campaigns[n])?)
        })?;
        Ok(lists.into_iter().flatten().collect())
    }

    /// Every tenant's credits.
    pub(super) fn credits(&self) -> Result<Vec<Credits>> {
        in_parallel(self.tenants.len(), |n| Ok(self.api.credits(&self.tenants[n])?))
    }

    /// How many tenants.
    pub(super) fn tenants(&self) -> usize {
        self.tenants.len()
    }

    /// Whose patient has that number; digits as the simulator writes them.
    pub(super) fn tenant_of(&self, recipient: &str) -> Option<usize> {
        self.owners.get(&recipient.parse().ok()?).copied()
    }

    /// Empty before [`Crowd::ingest`].
    fn campaigns(&self) -> &[String] {
        self.campaigns.get().map_or(&[], Vec::as_slice)
    }
}
