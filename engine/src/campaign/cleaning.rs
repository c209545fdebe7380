//! Whom a campaign did not reach: marked when it is asked for, or by the tenant's rule once the campaign is over.

use std::collections::HashSet;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, Cleanse, Partition, TenantId, UnixMicros};
use crate::people::{CleaningRule, Findings, Reached, SeenNumber};
use crate::store::{Campaign, CampaignKind, CampaignState, Counters, EndedRow};

/// How often it is looked which campaigns are over.
const ROUND: Duration = Duration::from_secs(5);

/// Rows that are read at once.
const STEP: u32 = 2_000;

/// A campaign is looked through when all its messages have ended, and after this in any case: receipts that are still missing
/// then mostly never come.
const AFTER: Duration = Duration::from_secs(86_400);

/// One that was launched longer ago is not looked through any more.
const FORGOTTEN: Duration = Duration::from_secs(10 * 86_400);

/// For how long it is known which were: longer than they are looked at.
const KEPT: Duration = Duration::from_secs(20 * 86_400);

/// The newest campaigns of a tenant that are looked at: more than one in an hour, as single messages make them.
const CAMPAIGNS_MAX: u32 = 500;

/// Campaigns that are known to be of no more interest: 8 octets each.
const SETTLED_MAX: usize = 200_000;

/// What came of cleaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Cleaned {
    campaign: String,
    /// Nothing was changed.
    dry_run: bool,
    /// Messages to numbers that nobody has.
    hard: u64,
    /// Messages to numbers that could not be reached for the moment.
    soft: u64,
    /// Contacts of the tenant with a number that nobody has.
    contacts: u64,
    /// Those of them that this has marked, or would mark: the others were before, or are held for reachable since.
    marked: u64,
}

impl Campaigns {
    /// Marks the contacts whose number nobody has, as far as the campaign's messages say so by now.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`], [`CampaignFault::Store`] or [`CampaignFault::Database`].
    pub(crate) async fn clean(&self, tenant: TenantId, id: CampaignId, dry: bool) -> Result<Cleaned, CampaignFault> {
        self.find(tenant, id).await?;
        let mut cleaned = Cleaned {
            campaign: id.to_string(),
            dry_run: dry,
            hard: 0,
            soft: 0,
            contacts: 0,
            marked: 0,
        };
        for partition in self.store().all_partitions() {
            let mut position = 0;
            loop {
                let found = self.store().endings(id, partition, (position, STEP)).await?;
                let findings = findings(&found.rows);
                let marking = self.0.deps.people.mark_unreachable((tenant, id), &findings.hard, dry);
                let marked = marking.await?;
                cleaned.hard += findings.hard.len() as u64;
                cleaned.soft += findings.soft.len() as u64;
                cleaned.contacts += marked.contacts;
                cleaned.marked += marked.marked;
                position += found.looked_at;
                if found.looked_at < STEP {
                    break;
                }
            }
        }
        Ok(cleaned)
    }

    /// Does what tenants want done at the end of their campaigns, until `stop`.
    pub(crate) async fn keep_lists_clean(self, stop: CancellationToken) {
        let mut settled = HashSet::new();
        while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
            let round = self.clean_lists(&mut settled);
            match stop.run_until_cancelled(round).await {
                None => return,
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::debug!(%error, "lists could not be cleaned; it is tried again"),
            }
        }
    }

    async fn clean_lists(&self, settled: &mut HashSet<CampaignId>) -> Result<(), CampaignFault> {
        let people = &self.0.deps.people;
        for tenant in people.tenants_to_clean().await? {
            let newest = self.store().newest_campaigns(tenant, CAMPAIGNS_MAX).await?;
            let mut open: Vec<CampaignId> = newest.into_iter().filter(|id| !settled.contains(id)).collect();
            if open.is_empty() {
                continue;
            }
            let cleaned = people.cleaned(tenant).await?;
            open.retain(|id| !cleaned.contains(id));
            settled.extend(cleaned);
            let rule = people.cleaning_rule(tenant).await?;
            self.clean_by_rule(tenant, (&open, &rule), settled).await?;
        }
        if settled.len() > SETTLED_MAX {
            settled.clear();
        }
        Ok(())
    }

    async fn clean_by_rule(
        &self,
        tenant: TenantId,
        (open, rule): (&[CampaignId], &CleaningRule),
        settled: &mut HashSet<CampaignId>,
    ) -> Result<(), CampaignFault> {
        let owners: Vec<_> = open.iter().map(|id| (tenant, *id)).collect();
        let campaigns = self.store().campaigns_of(&owners).await?;
        let counters = self.store().counters_of(open).await?;
        for (campaign, counters) in campaigns.iter().zip(&counters) {
            let Some(campaign) = campaign else { continue };
            match standing(campaign, counters, self.now()) {
                Standing::UnderWay => {}
                Standing::Forgotten => drop(settled.insert(campaign.id)),
                Standing::Over => {
                    self.look_through(campaign, rule).await?;
                    settled.insert(campaign.id);
                }
            }
        }
        Ok(())
    }

    /// Each message once: how far it came is kept together with what was done.
    async fn look_through(&self, campaign: &Campaign, rule: &CleaningRule) -> Result<(), CampaignFault> {
        let (people, owner) = (&self.0.deps.people, (campaign.tenant, campaign.id));
        let by_rule = campaign.kind == CampaignKind::Audience
            && campaign.launched_at.is_some_and(|launched| launched >= rule.since);
        let rule = if by_rule { *rule } else { CleaningRule::default() };
        let lifts = people.has_doubtful(campaign.tenant).await?;
        let mut from = people.reached(campaign.id).await?;
        let mut at = from;
        while at.partition < self.store().partitions() {
            let rows = (at.position, STEP);
            let found = self.store().endings(campaign.id, Partition(at.partition), rows).await?;
            at = match found.looked_at < STEP {
                true => Reached {
                    partition: at.partition + 1,
                    position: 0,
                },
                false => Reached {
                    position: at.position + STEP,
                    ..at
                },
            };
            let mut findings = findings(&found.rows);
            if !by_rule {
                (findings.hard, findings.soft) = (Vec::new(), Vec::new());
            }
            if !lifts {
                findings.delivered = Vec::new();
            }
            if findings.is_empty() {
                continue;
            }
            if !people.clean(owner, (&rule, &findings), (from, Some(at))).await? {
                return Ok(());
            }
            from = at;
        }
        people.clean(owner, (&rule, &Findings::default()), (from, None)).await?;
        people.forget_cleaned(self.now().minus(KEPT)).await?;
        tracing::info!(campaign = %campaign.id, by_rule, "looked through for numbers that could not be reached");
        Ok(())
    }
}

/// Whether it is time to look through a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    UnderWay,
    Over,
    /// It never will be.
    Forgotten,
}

fn standing(campaign: &Campaign, counters: &Counters, now: UnixMicros) -> Standing {
    match campaign.state {
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::InReview
        | CampaignState::Blocked
        | CampaignState::Resolving
        | CampaignState::Launching
        | CampaignState::Running
        | CampaignState::Paused => return Standing::UnderWay,
        CampaignState::Canceled => return Standing::Forgotten,
        CampaignState::Completed | CampaignState::Stopped => {}
    }
    let launched = campaign.launched_at.unwrap_or(campaign.created_at);
    let age = now.since(launched);
    if age > FORGOTTEN {
        Standing::Forgotten
    } else if counters.ended() >= campaign.total || age > AFTER {
        Standing::Over
    } else {
        Standing::UnderWay
    }
}

fn findings(rows: &[EndedRow]) -> Findings {
    let mut findings = Findings::default();
    for row in rows {
        let seen = SeenNumber {
            number: row.recipient,
            at: UnixMicros(u64::from(row.result.at) * 1_000_000),
        };
        match row.result.cleanse() {
            Cleanse::Hard => findings.hard.push(seen),
            Cleanse::Soft => findings.soft.push(seen),
            Cleanse::None if row.result.is_delivered() => findings.delivered.push(seen),
            Cleanse::None => {}
        }
    }
    findings
}
