//! The load: tenants with credits, campaigns with personalised recipients, and what must have become of them.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lab::{Api, Campaign, CampaignBody, Lane, Processes, Tenant};

use crate::clock;
use crate::parallel::in_parallel;

/// A campaign that is being queued or finished is asked again after this long: each question costs Redis some reads.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Credits granted for each credit that will be needed: the estimate may be careful, the balance is not what is tested.
const CREDITS_PER_MESSAGE: u64 = 2;

/// A finished campaign gives back what it holds soon after its last message, not in the same step. As long as campaigns
/// and tenants come right one after the other, it is waited for; nothing new in this time means that the rest will not.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);

/// How many faults are named; the rest is counted.
const FAULTS_SHOWN: usize = 20;

/// How much load: `campaigns` of `recipients` each, dealt to `tenants` in turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadPlan {
    pub(crate) tenants: u32,
    pub(crate) campaigns: u32,
    pub(crate) recipients: u32,
}

impl LoadPlan {
    /// All messages of the plan.
    pub(crate) fn total(&self) -> u64 {
        u64::from(self.campaigns) * u64::from(self.recipients)
    }

    /// The messages of the tenant with this index.
    fn messages_of(&self, tenant: usize) -> u64 {
        let (campaigns, tenants) = (u64::from(self.campaigns), u64::from(self.tenants));
        let one_more = u64::from((tenant as u64) < campaigns % tenants);
        (campaigns / tenants + one_more) * u64::from(self.recipients)
    }
}

/// The load as it exists in the engine.
pub(crate) struct Load {
    api: Api,
    plan: LoadPlan,
    tenants: Vec<Tenant>,
    /// Campaign ids; campaign `i` belongs to tenant `i % tenants`.
    campaigns: Vec<String>,
    lane: Lane,
}

impl Load {
    /// Creates the tenants and grants them their credits.
    pub(crate) fn enrol(api: Api, plan: LoadPlan) -> Result<Self> {
        let enrol = |n: usize| Ok(api.enrol(&format!("Bench {n}"), plan.messages_of(n) * CREDITS_PER_MESSAGE)?);
        let tenants = in_parallel(plan.tenants as usize, enrol)?;
        Ok(Self {
            api,
            plan,
            tenants,
            campaigns: Vec::new(),
            lane: Lane::Transactional,
        })
    }

    /// The same with campaigns of another lane.
    pub(crate) fn in_lane(self, lane: Lane) -> Self {
        Self { lane, ..self }
    }

    /// Creates all campaigns with their recipients, as drafts, and gives the time that took.
    ///
    /// # Errors
    /// A call failed, or a recipient was refused: every number is valid and comes once.
    pub(crate) fn ingest(&mut self) -> Result<Duration> {
        let started = clock::now();
        let recipients = self.plan.recipients;
        self.campaigns = in_parallel(self.plan.campaigns as usize, |n| {
            let body = CampaignBody::new(format!("Bench {n}"), n as u64 * u64::from(recipients), recipients)
                .with_sender(sender_of(n % self.tenants.len()))
                .in_lane(self.lane);
            let draft = self.api.create(self.tenant_of(n), &body)?;
            let accepted = draft.accepted();
            ensure!(
                accepted == u64::from(recipients),
                "campaign {}: {accepted} of {recipients} accepted",
                draft.id
            );
            Ok(draft.id)
        })?;
        Ok(started.elapsed())
    }

    /// Launches the campaigns in `range`, several at a time.
    pub(crate) fn launch(&self, range: Range<usize>) -> Result<()> {
        let first = range.start;
        in_parallel(range.len(), |n| {
            Ok(self.api.launch(self.tenant_of(first + n), &self.campaigns[first + n])?)
        })?;
        Ok(())
    }

    /// How many campaigns there are.
    pub(crate) fn campaigns(&self) -> usize {
        self.campaigns.len()
    }

    /// Waits until every message of the campaigns in `range` is queued; nothing may be sent meanwhile.
    pub(crate) fn wait_queued(&self, range: Range<usize>, processes: &Processes) -> Result<()> {
        let first = range.start;
        in_parallel(range.len(), |n| {
            loop {
                let progress = self.campaign(first + n)?.progress;
                if progress.queued == u64::from(self.plan.recipients) {
                    return Ok(());
                }
                processes.check_open()?;
                std::thread::sleep(ASK_AGAIN);
            }
        })?;
        Ok(())
    }

    /// Stops the campaign with this index.
    pub(crate) fn cancel(&self, campaign: usize) -> Result<()> {
        Ok(self.api.cancel(self.tenant_of(campaign), &self.campaigns[campaign])?)
    }

    /// Checks through the API that every message was delivered and every credit is where it belongs.
    ///
    /// # Errors
    /// Names the campaigns and tenants that are not as they must be, once none came right for [`CLOSED_WITHIN`].
    pub(crate) fn verify(&self) -> Result<()> {
        let mut deadline = clock::now() + CLOSED_WITHIN;
        let mut open = Open {
            campaigns: (0..self.campaigns.len()).collect(),
            tenants: (0..self.tenants.len()).collect(),
        };
        loop {
            let before = open.len();
            let faults = self.faults(&mut open)?;
            if faults.is_empty() {
                return Ok(());
            }
            if open.len() < before {
                deadline = clock::now() + CLOSED_WITHIN;
            }
            if clock::now() > deadline {
                let shown = faults[..faults.len().min(FAULTS_SHOWN)].join("\n  ");
                bail!(
                    "{} campaigns or tenants are not as they must be:\n  {shown}",
                    faults.len()
                );
            }
            std::thread::sleep(ASK_AGAIN);
        }
    }

    /// What is wrong with those that are open; the others are open no more.
    fn faults(&self, open: &mut Open) -> Result<Vec<String>> {
        let campaign = |n| Ok(self.campaign_fault(&self.campaign(n)?, n));
        let campaigns = still_wrong(&mut open.campaigns, campaign)?;
        let tenants = still_wrong(&mut open.tenants, |n| self.credit_fault(n))?;
        Ok(campaigns.into_iter().chain(tenants).collect())
    }

    fn campaign_fault(&self, campaign: &Campaign, n: usize) -> Option<String> {
        let expected = u64::from(self.plan.recipients);
        let delivered = campaign.status("delivered");
        let counted = campaign.with_status();
        let right = delivered == expected && counted == expected && campaign.progress.total == expected;
        (!right).then(|| {
            let id = &self.campaigns[n];
            format!(
                "campaign {id} ({}): {expected} recipients, but {:?}, {:?}",
                campaign.state, campaign.statuses, campaign.progress
            )
        })
    }

    fn credit_fault(&self, n: usize) -> Result<Option<String>> {
        let credits = self.api.credits(&self.tenants[n])?;
        let messages = self.plan.messages_of(n);
        let conserved = credits.imbalance() == 0;
        // One segment each, all delivered: spent is the messages, and nothing is held any more.
        let right = conserved && credits.spent == messages && credits.held == 0;
        Ok((!right).then(|| format!("tenant {}: {messages} messages, but {credits:?}", self.tenants[n].id)))
    }

    fn campaign(&self, n: usize) -> Result<Campaign> {
        let id = &self.campaigns[n];
        self.api
            .campaign(self.tenant_of(n), id)
            .with_context(|| format!("campaign {id}"))
    }

    fn tenant_of(&self, campaign: usize) -> &Tenant {
        &self.tenants[campaign % self.tenants.len()]
    }
}

/// Campaigns and tenants that were not yet seen as they must be, by index: those that were are not asked again.
struct Open {
    campaigns: Vec<usize>,
    tenants: Vec<usize>,
}

impl Open {
    fn len(&self) -> usize {
        self.campaigns.len() + self.tenants.len()
    }
}

/// Asks for the fault of each in `open`, and leaves those in it that have one.
fn still_wrong(open: &mut Vec<usize>, fault: impl Fn(usize) -> Result<Option<String>> + Sync) -> Result<Vec<String>> {
    let faults = in_parallel(open.len(), |at| fault(open[at]))?;
    let mut wrong = faults.iter();
    open.retain(|_| wrong.next().is_some_and(Option::is_some));
    Ok(faults.into_iter().flatten().collect())
}

/// A short code for each tenant, so that its messages can be replied to.
fn sender_of(tenant: usize) -> String {
    (38_000_000 + tenant).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_is_not_asked_again() {
        let mut open = vec![1, 2, 3, 4];
        let odd = |n: usize| Ok((n % 2 == 1).then(|| n.to_string()));
        assert_eq!(still_wrong(&mut open, odd).unwrap(), ["1", "3"]);
        assert_eq!(open, [1, 3]);
    }

    #[test]
    fn the_tenants_shares_add_up() {
        for (tenants, campaigns) in [(200, 200), (200, 1_310), (10_000, 10_000), (1, 300), (7, 3)] {
            let plan = LoadPlan {
                tenants,
                campaigns,
                recipients: 30,
            };
            let sum: u64 = (0..tenants as usize).map(|n| plan.messages_of(n)).sum();
            assert_eq!(sum, plan.total());
        }
    }
}
