//! A look at campaigns: what was spent of their holds, and which of them are over.

use std::time::Duration;

use crate::clock::Clock;
use crate::domain::{CampaignId, TenantId, UnixMicros};
use crate::metrics::Metrics;
use crate::store::{Booking, Campaign, CampaignKind, CampaignState, Counters, Store, StoreError};

/// A direct campaign is open for so long after its hour: messages that were being taken when it ended are in by then.
const GRACE: Duration = Duration::from_secs(120);

/// Whoever was joining a campaign when its time was over is in it by then.
const JOINING: Duration = Duration::from_secs(10);

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Findings {
    /// Messages that are still to be sent, those in doubt left aside.
    pub(super) left: u64,
    /// Messages in doubt.
    pub(super) in_doubt: u64,
    /// A direct campaign, or one that people may join, ends then at the earliest.
    pub(super) ends_at: Option<UnixMicros>,
    /// Nothing more happens to its hold.
    pub(super) closed: bool,
}

/// Looks at campaigns. Cheap to clone.
#[derive(Clone)]
pub(super) struct Bookkeeper {
    store: Store,
    clock: Clock,
    metrics: Metrics,
    /// How long a campaign stays after it has ended.
    keep: Duration,
}

impl Bookkeeper {
    pub(super) fn new(store: Store, clock: Clock, metrics: Metrics, keep: Duration) -> Self {
        Self {
            store,
            clock,
            metrics,
            keep,
        }
    }

    /// Books what campaigns spent, in three round trips, and says how each stands.
    pub(super) async fn book(&self, owners: &[(TenantId, CampaignId)]) -> Result<Vec<Findings>, StoreError> {
        let now = self.clock.unix();
        let ids: Vec<CampaignId> = owners.iter().map(|(_, id)| *id).collect();
        let campaigns = self.store.campaigns_of(owners).await?;
        let counters = self.store.counters_of(&ids).await?;
        let (mut bookings, mut over, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        let mut all = Vec::with_capacity(owners.len());
        for ((owner, campaign), counters) in owners.iter().zip(&campaigns).zip(&counters) {
            let Some(campaign) = campaign else {
                gone.push(*owner);
                all.push(Findings::NOTHING);
                continue;
            };
            let findings = findings(campaign, counters, now);
            bookings.extend(booking(campaign, counters, &findings));
            if findings.closed && !campaign.state.is_before_launch() {
                over.push(*owner);
            }
            all.push(findings);
        }
        for booked in self.store.book(&bookings, now).await? {
            let moved = [
                ("debit", booked.debited),
                ("refund", booked.recredited),
                ("release", booked.released),
            ];
            for (how, credits) in moved {
                self.metrics.credits_total.with_label_values(&[how]).inc_by(credits);
            }
        }
        let times = (now.seconds(), now.plus(self.keep).seconds());
        self.store.retire_at(&over, times).await?;
        gone.append(&mut over);
        self.store.set_inactive(&gone).await?;
        Ok(all)
    }
}

impl Findings {
    const NOTHING: Self = Self {
        left: 0,
        in_doubt: 0,
        ends_at: None,
        closed: true,
    };
}

/// Whether anything of a campaign is still to be sent.
fn findings(campaign: &Campaign, counters: &Counters, now: UnixMicros) -> Findings {
    let open = campaign.total.saturating_sub(counters.sent());
    let in_doubt = counters.in_doubt().min(open);
    let ends_at = UnixMicros::of_hour(campaign.created_at.hour() + 1).plus(GRACE);
    let of_hour = Some(ends_at).filter(|_| campaign.kind == CampaignKind::Direct);
    let ends_at = of_hour
        .or_else(|| joined_until(campaign))
        .filter(|ends_at| *ends_at > now);
    let done = open == 0 && ends_at.is_none();
    let closed = match campaign.state {
        // The launch moves it on, and then it is looked at again.
        CampaignState::Resolving | CampaignState::Launching => false,
        CampaignState::Running | CampaignState::Paused | CampaignState::Stopped => done,
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::InReview
        | CampaignState::Blocked
        | CampaignState::Completed
        | CampaignState::Canceled => true,
    };
    Findings {
        left: open - in_doubt,
        in_doubt,
        ends_at,
        closed,
    }
}

/// Until when people may join a campaign that was launched.
fn joined_until(campaign: &Campaign) -> Option<UnixMicros> {
    let goes_on = matches!(campaign.state, CampaignState::Running | CampaignState::Paused);
    let late = campaign.late.as_ref().filter(|_| goes_on)?;
    Some(late.until.plus(JOINING))
}

/// What is to be booked of a campaign, if anything.
fn booking(campaign: &Campaign, counters: &Counters, findings: &Findings) -> Option<Booking> {
    let launched = !matches!(campaign.state, CampaignState::Resolving | CampaignState::Launching);
    let keep = (findings.left == 0 && launched).then(|| counters.doubtful_credits());
    let state = findings.closed.then(|| ended(campaign.state)).flatten();
    let releases = keep.is_some_and(|keep| campaign.held > keep);
    (releases || state.is_some() || has_news(campaign, counters)).then(|| Booking {
        tenant: campaign.tenant,
        campaign: campaign.id,
        spent: counters.spent(),
        recredited: counters.recredited(),
        keep,
        // What a message that came meanwhile holds is its own.
        of_total: (campaign.kind == CampaignKind::Direct || campaign.late.is_some()).then_some(campaign.total),
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
        | CampaignState::Scheduled
        | CampaignState::InReview
        | CampaignState::Blocked
        | CampaignState::Resolving
        | CampaignState::Launching
        | CampaignState::Canceled => None,
    }
}

/// Whether the counters say more than was booked.
fn has_news(campaign: &Campaign, counters: &Counters) -> bool {
    let spend = counters.spent() > campaign.spent && campaign.held > 0;
    spend || counters.recredited() > campaign.recredited
}
