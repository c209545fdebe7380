//! A look at campaigns: what was spent of their holds, and which of them are over.

use futures::{StreamExt, stream};

use super::books::Books;
use super::direct::HOUR_US;
use crate::domain::{CampaignId, TenantId};
use crate::store::{Campaign, CampaignKind, CampaignState, Counters, Settlement, StoreError};

/// Campaigns that are looked at in the same round trips: they keep Redis busy for some 5 ms.
const TOGETHER: usize = 50;

/// Such groups at the same time.
const GROUPS: usize = 3;

/// A direct campaign is open for so long after its hour: messages that were being taken when it ended are in by then.
const GRACE_US: u64 = 120_000_000;

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Messages that are still to be sent, those in doubt left aside.
    pub(super) left: u64,
    /// Messages in doubt.
    pub(super) in_doubt: u64,
    /// A direct campaign ends then at the earliest.
    pub(super) ends_at: Option<u64>,
    /// Nothing more happens to its hold.
    pub(super) closed: bool,
}

impl Books {
    /// Books the credits of campaigns.
    pub(super) async fn look(&self, due: &[(TenantId, CampaignId)]) {
        stream::iter(due.chunks(TOGETHER))
            .for_each_concurrent(GROUPS, |some| self.look_together(some))
            .await;
    }

    /// What Redis holds of one campaign may be unreadable: the others are then looked at by themselves.
    async fn look_together(&self, some: &[(TenantId, CampaignId)]) {
        let Err(error) = self.look_at(some).await else {
            return;
        };
        if some.len() == 1 || matches!(error, StoreError::Unavailable(_)) {
            return self.look_again(some, &error);
        }
        for one in some.chunks(1) {
            if let Err(error) = self.look_at(one).await {
                self.look_again(one, &error);
            }
        }
    }

    fn look_again(&self, some: &[(TenantId, CampaignId)], error: &StoreError) {
        for (tenant, id) in some {
            tracing::warn!(%error, campaign = %id, "credits could not be booked; it is tried again");
            self.look_soon(*tenant, *id);
        }
    }

    async fn look_at(&self, some: &[(TenantId, CampaignId)]) -> Result<(), StoreError> {
        self.begin(some);
        let all = self.book(some).await?;
        for ((tenant, id), found) in some.iter().zip(&all) {
            self.found(*tenant, *id, found);
        }
        Ok(())
    }

    async fn book(&self, owners: &[(TenantId, CampaignId)]) -> Result<Vec<Found>, StoreError> {
        let now = self.clock.unix_us();
        let ids: Vec<CampaignId> = owners.iter().map(|(_, id)| *id).collect();
        let campaigns = self.store.campaigns_of(owners).await?;
        let counters = self.store.counters_of(&ids).await?;
        let (mut settlements, mut over, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        let mut all = Vec::with_capacity(owners.len());
        for ((owner, campaign), counters) in owners.iter().zip(&campaigns).zip(&counters) {
            let Some(campaign) = campaign else {
                gone.push(*owner);
                all.push(Found::NOTHING);
                continue;
            };
            let found = found(campaign, counters, now);
            settlements.extend(settlement(campaign, counters, &found));
            if found.closed && !is_before_launch(campaign.state) {
                over.push(*owner);
            }
            all.push(found);
        }
        for booked in self.store.settle_campaigns(&settlements, now).await? {
            let moved = [
                ("debit", booked.debited),
                ("refund", booked.recredited),
                ("release", booked.released),
            ];
            for (how, credits) in moved {
                self.metrics.credits_total.with_label_values(&[how]).inc_by(credits);
            }
        }
        self.store.retire_at(&over, (now + self.keep_us) / 1_000_000).await?;
        gone.append(&mut over);
        self.store.set_inactive(&gone).await?;
        Ok(all)
    }
}

impl Found {
    const NOTHING: Self = Self {
        left: 0,
        in_doubt: 0,
        ends_at: None,
        closed: true,
    };
}

/// Whether anything of a campaign is still to be sent.
fn found(campaign: &Campaign, counters: &Counters, now: u64) -> Found {
    let open = campaign.total.saturating_sub(counters.sent());
    let in_doubt = counters.in_doubt().min(open);
    let ends_at = (campaign.created_at / HOUR_US + 1) * HOUR_US + GRACE_US;
    let ends_at = Some(ends_at).filter(|ends_at| campaign.kind == CampaignKind::Direct && *ends_at > now);
    let done = open == 0 && ends_at.is_none();
    let closed = match campaign.state {
        // The launch moves it on, and then it is looked at again.
        CampaignState::Launching => false,
        CampaignState::Running | CampaignState::Paused | CampaignState::Stopped => done,
        CampaignState::Draft | CampaignState::Blocked | CampaignState::Completed | CampaignState::Canceled => true,
    };
    Found {
        left: open - in_doubt,
        in_doubt,
        ends_at,
        closed,
    }
}

/// What is to be booked of a campaign, if anything.
fn settlement(campaign: &Campaign, counters: &Counters, found: &Found) -> Option<Settlement> {
    let launched = campaign.state != CampaignState::Launching;
    let nothing_left = found.left == 0 && found.ends_at.is_none();
    let keep = (nothing_left && launched).then(|| counters.doubtful_credits());
    let state = found.closed.then(|| ended(campaign.state)).flatten();
    let releases = keep.is_some_and(|keep| campaign.held > keep);
    (releases || state.is_some() || has_news(campaign, counters)).then(|| Settlement {
        tenant: campaign.tenant,
        campaign: campaign.id,
        spent: counters.spent(),
        recredited: counters.recredited(),
        keep,
        state,
    })
}

/// The state of a campaign that has nothing to send any more, if another.
const fn ended(state: CampaignState) -> Option<CampaignState> {
    match state {
        CampaignState::Running | CampaignState::Paused => Some(CampaignState::Completed),
        CampaignState::Completed
        | CampaignState::Stopped
        | CampaignState::Draft
        | CampaignState::Blocked
        | CampaignState::Launching
        | CampaignState::Canceled => None,
    }
}

fn is_before_launch(state: CampaignState) -> bool {
    matches!(state, CampaignState::Draft | CampaignState::Blocked)
}

/// Whether the counters say more than was booked.
fn has_news(campaign: &Campaign, counters: &Counters) -> bool {
    let spend = counters.spent() > campaign.spent && campaign.held > 0;
    spend || counters.recredited() > campaign.recredited
}
