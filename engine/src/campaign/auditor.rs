//! The auditor walks through tenants and campaigns, slowly and for ever, and says by how much their books are wrong.
//!
//! It changes nothing of what it looks at. A campaign that looks wrong is looked at again before it is counted: it may have moved between
//! two reads.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::{CampaignId, TenantId};
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use crate::store::{Campaign, CampaignState, Counters, Credits, Store, StoreError, Unqueued};

/// The pause between two steps.
const STEP: Duration = Duration::from_secs(2);

/// Tenants of one step: six fields each, a few milliseconds of Redis.
const TENANTS_AT_ONCE: usize = 500;

/// Tenants whose campaigns are listed at once.
const LISTED_AT_ONCE: usize = 50;

/// Campaigns of one step: each is read twice in every partition, some 10 ms of Redis.
const CAMPAIGNS_AT_ONCE: usize = 100;

/// The auditor.
pub(crate) struct Auditor {
    store: Store,
    mirror: Mirror,
    metrics: Metrics,
    clock: Clock,
    ledgers: Ledgers,
    statuses: Statuses,
}

/// Where the walk through the tenants' books is.
#[derive(Default)]
struct Ledgers {
    /// Tenants that are behind it.
    seen: usize,
    imbalance: u64,
    /// Label → credits available and held: several tenants may share a label.
    shown: BTreeMap<String, (u64, u64)>,
    names: BTreeMap<String, String>,
}

/// Where the walk through the campaigns is.
#[derive(Default)]
struct Statuses {
    /// Tenants whose campaigns were listed.
    listed: usize,
    /// All tenants are among these.
    all_listed: bool,
    pending: VecDeque<(TenantId, CampaignId)>,
    imbalance: u64,
    states: BTreeMap<&'static str, i64>,
}

impl Auditor {
    /// An auditor that has seen nothing yet.
    pub(crate) fn new((store, mirror): (Store, Mirror), metrics: Metrics, clock: Clock) -> Self {
        Self {
            store,
            mirror,
            metrics,
            clock,
            ledgers: Ledgers::default(),
            statuses: Statuses::default(),
        }
    }

    /// Walks until `stop`.
    pub(crate) async fn walk(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(STEP)).await.is_some() {
            if let Err(error) = self.step().await {
                tracing::debug!(%error, "the auditor cannot read; it goes on later");
            }
        }
    }

    /// A little of both walks.
    ///
    /// # Errors
    /// When the store does not answer; the walks go on where they were.
    pub(crate) async fn step(&mut self) -> Result<(), StoreError> {
        self.step_ledgers().await?;
        self.step_statuses().await
    }

    async fn step_ledgers(&mut self) -> Result<(), StoreError> {
        let tenants = self.store.tenants_from(self.ledgers.seen, TENANTS_AT_ONCE).await?;
        for books in self.store.tenant_books(&tenants).await? {
            let off = ledger_imbalance(&books.credits);
            if off > 0 {
                tracing::error!(
                    tenant = books.tenant.0,
                    credits = off,
                    "the books of a tenant do not balance"
                );
            }
            self.ledgers.imbalance += off;
            let label = self.metrics.tenant(books.tenant);
            if label == books.tenant.0.to_string() {
                self.ledgers.names.insert(label.clone(), books.name);
            }
            let (available, held) = self.ledgers.shown.entry(label).or_default();
            *available += books.credits.available;
            *held += books.credits.held;
        }
        self.ledgers.seen += tenants.len();
        if tenants.len() < TENANTS_AT_ONCE {
            self.ledgers.imbalance += self.resellers_imbalance().await;
        }
        let gauge = &self.metrics.ledger_imbalance;
        gauge.set(gauge.get().max(self.ledgers.imbalance as i64));
        if tenants.len() < TENANTS_AT_ONCE {
            self.show_ledgers();
        }
        Ok(())
    }

    /// Credits that left a reseller or a tenant, and came nowhere.
    async fn resellers_imbalance(&self) -> u64 {
        match self.mirror.lost_halves().await {
            Ok(0) => 0,
            Ok(credits) => {
                tracing::error!(
                    credits,
                    "resellers and their tenants do not agree on what moved between them"
                );
                credits
            }
            Err(error) => {
                tracing::debug!(%error, "the auditor cannot read resellers' books; the next walk looks again");
                0
            }
        }
    }

    /// At the end of a walk.
    fn show_ledgers(&mut self) {
        let walk = std::mem::take(&mut self.ledgers);
        self.metrics.ledger_imbalance.set(walk.imbalance as i64);
        for (label, (available, held)) in &walk.shown {
            self.metrics.begin_tenant_at_zero(label);
            let of = |credits: u64| i64::try_from(credits).unwrap_or(i64::MAX);
            self.metrics
                .credit_balance
                .with_label_values(&[label])
                .set(of(*available));
            self.metrics.credit_held.with_label_values(&[label]).set(of(*held));
        }
        self.metrics.tenant_info.reset();
        for (label, name) in &walk.names {
            self.metrics.tenant_info.with_label_values(&[label, name]).set(1);
        }
    }

    async fn step_statuses(&mut self) -> Result<(), StoreError> {
        while self.statuses.pending.len() < CAMPAIGNS_AT_ONCE && !self.statuses.all_listed {
            let tenants = self.store.tenants_from(self.statuses.listed, LISTED_AT_ONCE).await?;
            let campaigns = self.store.campaigns_held_by(&tenants).await?;
            self.statuses.pending.extend(campaigns);
            self.statuses.listed += tenants.len();
            self.statuses.all_listed = tenants.len() < LISTED_AT_ONCE;
        }
        let count = self.statuses.pending.len().min(CAMPAIGNS_AT_ONCE);
        let some: Vec<_> = self.statuses.pending.iter().take(count).copied().collect();
        let found = self.look(&some).await?;
        let suspects: Vec<_> = found.iter().filter(|one| one.off > 0).map(|one| one.owner).collect();
        for one in self.look(&suspects).await?.iter().filter(|one| one.off > 0) {
            let (tenant, campaign) = (one.owner.0.0, one.owner.1);
            tracing::error!(tenant, %campaign, messages = one.off, "the statuses of a campaign do not add up");
            self.statuses.imbalance += one.off;
        }
        let unqueued = found.iter().filter(|one| Unqueued::is_state(one.state));
        let unqueued: Vec<_> = unqueued.map(|one| one.owner).collect();
        self.store.list_unqueued(&unqueued, self.clock.unix()).await?;
        for one in found {
            *self.statuses.states.entry(one.state.code()).or_default() += 1;
        }
        self.statuses.pending.drain(..count);
        let gauge = &self.metrics.status_imbalance;
        gauge.set(gauge.get().max(self.statuses.imbalance as i64));
        if self.statuses.all_listed && self.statuses.pending.is_empty() {
            self.show_statuses();
        }
        Ok(())
    }

    /// At the end of a walk.
    fn show_statuses(&mut self) {
        let walk = std::mem::take(&mut self.statuses);
        self.metrics.status_imbalance.set(walk.imbalance as i64);
        for state in CampaignState::ALL {
            let count = walk.states.get(state.code()).copied().unwrap_or_default();
            self.metrics.campaigns.with_label_values(&[state.code()]).set(count);
        }
        let now = self.clock.unix().0 as f64 / 1e6;
        self.metrics.reconciliation_last_run_timestamp_seconds.set(now);
    }

    /// How those of some campaigns that are there stand.
    async fn look(&self, owners: &[(TenantId, CampaignId)]) -> Result<Vec<Found>, StoreError> {
        let ids: Vec<CampaignId> = owners.iter().map(|(_, id)| *id).collect();
        let before = self.store.counters_of(&ids).await?;
        let campaigns = self.store.campaigns_of(owners).await?;
        let after = self.store.counters_of(&ids).await?;
        let all = owners.iter().zip(campaigns).zip(before.iter().zip(&after));
        let found = all.filter_map(|((owner, campaign), counters)| {
            let campaign = campaign?;
            Some(Found {
                owner: *owner,
                state: campaign.state,
                off: status_imbalance(&campaign, counters),
            })
        });
        Ok(found.collect())
    }
}

/// How a campaign stands.
struct Found {
    owner: (TenantId, CampaignId),
    state: CampaignState,
    /// By how many messages its statuses are wrong.
    off: u64,
}

/// By how many credits granted differs from available, held and spent.
fn ledger_imbalance(credits: &Credits) -> u64 {
    credits
        .granted
        .abs_diff(credits.available + credits.held + credits.spent)
}

/// By how many messages a campaign's counters, read before and after it, are wrong. Nothing is sent of what is not there,
/// nothing is left over of what is completed, and nothing ends twice.
fn status_imbalance(campaign: &Campaign, (before, after): (&Counters, &Counters)) -> u64 {
    let sent_of_nothing = before.sent().saturating_sub(campaign.total);
    let ended_twice = before.ended().saturating_sub(before.sent());
    let left_over = match campaign.state {
        CampaignState::Completed => campaign.total.saturating_sub(after.sent()),
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::Resolving
        | CampaignState::Launching
        | CampaignState::Running
        | CampaignState::Paused
        | CampaignState::InReview
        | CampaignState::Blocked
        | CampaignState::Canceled
        | CampaignState::Stopped => 0,
    };
    sent_of_nothing + ended_twice + left_over
}
