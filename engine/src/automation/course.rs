//! The course of an occurrence: begun when its time has come, its campaign made, launched, and looked at until it is known what came
//! of it. Each step is kept before the next one is taken, so that a crash between two repeats nothing but the looking: at worst a draft
//! is left that nobody launches.

use std::io::Cursor;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::kept::{self, Automation, Occurrence, Run, RunState};
use super::{AutomationFault, Automations};
use crate::campaign::{CampaignFault, code_of};
use crate::domain::{CampaignId, TenantId};
use crate::guard::Verdict;
use crate::store::{Campaign, CampaignState};

/// How often it is looked whose time has come.
const TICK: Duration = Duration::from_millis(500);

/// For how long an occurrence is made up for at which no engine ran, or nothing was taken in.
const MADE_UP_FOR: Duration = Duration::from_secs(24 * 3_600);

/// Why an occurrence is skipped.
const CLOSED: &str = "closed_hours";

/// Why a campaign that meant nobody was not launched.
const NOBODY: &str = "empty_audience";

impl Automations {
    /// Carries out what is due, until `stop`.
    pub(crate) async fn run(self, verdict: Verdict, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
            if verdict.may_take_in().is_err() {
                continue;
            }
            let Some(done) = stop.run_until_cancelled(self.look()).await else {
                break;
            };
            if let Err(fault) = done {
                tracing::debug!(%fault, "automations cannot be looked at; they are looked at again");
            }
        }
    }

    async fn look(&self) -> Result<(), AutomationFault> {
        for automation in kept::due(&self.0.database, self.0.clock.unix()).await? {
            self.begin(&automation).await?;
        }
        for run in kept::open(&self.0.database).await? {
            // One that cannot go on now keeps no other from it.
            if let Err(fault) = self.go_on(&run).await {
                tracing::warn!(automation = %run.automation, %fault, "an occurrence is not carried out; it is tried again");
            }
        }
        Ok(())
    }

    /// An occurrence has its row from now on: it is carried out by that, or was missed.
    async fn begin(&self, automation: &Automation) -> Result<(), AutomationFault> {
        let Some(occurrence) = automation.next else {
            return Ok(());
        };
        let late = self.0.clock.unix().since(occurrence.at);
        let run = Run {
            automation: automation.id,
            occurrence,
            state: if late > MADE_UP_FOR {
                RunState::Missed
            } else {
                RunState::Begun
            },
            reason: String::new(),
            campaign: None,
        };
        let next = super::occurrence(&automation.timetable, Some(occurrence.day));
        if kept::begin(&self.0.database, &run, next).await? {
            let late = late.as_secs();
            tracing::info!(automation = %automation.id, day = %occurrence.day, state = run.state.code(), late, "an occurrence");
        }
        Ok(())
    }

    async fn go_on(&self, run: &Run) -> Result<(), AutomationFault> {
        let Some(automation) = kept::of_run(&self.0.database, run.automation).await? else {
            return Ok(());
        };
        let tenant = automation.tenant;
        let Some(campaign) = run.campaign else {
            return self.order(&automation, run).await;
        };
        let found = match self.0.campaigns.find(tenant, campaign).await {
            Ok(found) => found,
            Err(CampaignFault::NotFound) => return self.conclude(tenant, run, (RunState::Gone, "")).await,
            Err(fault) => return Err(fault.into()),
        };
        match run.state {
            RunState::Begun => self.launch(tenant, run, &found).await,
            RunState::Launched => self.look_at(tenant, run, &found).await,
            RunState::Sent
            | RunState::Blocked
            | RunState::Refused
            | RunState::Nobody
            | RunState::Skipped
            | RunState::Missed
            | RunState::Gone => Ok(()),
        }
    }

    /// Makes the campaign of an occurrence.
    async fn order(&self, automation: &Automation, run: &Run) -> Result<(), AutomationFault> {
        if self.is_before_waiting(automation, run).await? {
            return self.conclude(automation.tenant, run, (RunState::Skipped, CLOSED)).await;
        }
        let order = order_of(automation, run.occurrence);
        let made = self
            .0
            .campaigns
            .create(automation.tenant, Cursor::new(order.to_string()))
            .await;
        match made {
            Ok(made) => {
                let now = Run {
                    campaign: Some(made.campaign.id),
                    ..run.clone()
                };
                if !kept::note(&self.0.database, run, &now).await? {
                    self.forget_draft(automation.tenant, made.campaign.id).await?;
                }
                Ok(())
            }
            Err(fault) if is_passing(&fault) => Err(fault.into()),
            Err(fault) => {
                let code = code_of(&fault);
                self.conclude(automation.tenant, run, (RunState::Refused, &code)).await
            }
        }
    }

    /// Whether the campaign of the occurrence before still waits for its hours: with another, the same people would get the same twice
    /// when these come.
    async fn is_before_waiting(&self, automation: &Automation, run: &Run) -> Result<bool, AutomationFault> {
        if !automation.timetable.plan.means_the_same() {
            return Ok(false);
        }
        let of = (automation.id, run.occurrence.day);
        let waits = match kept::campaign_before(&self.0.database, of).await? {
            Some(before) => self.0.campaigns.waits_for_hours(automation.tenant, before).await,
            None => Ok(false),
        };
        Ok(waits.map_err(CampaignFault::from)?)
    }

    async fn launch(&self, tenant: TenantId, run: &Run, campaign: &Campaign) -> Result<(), AutomationFault> {
        if campaign.state == CampaignState::Draft {
            match self.0.campaigns.launch(tenant, campaign.id).await {
                // Blocked, or launched by another: its state says so.
                Ok(_)
                | Err(CampaignFault::Short { .. } | CampaignFault::AlreadyStarted(_) | CampaignFault::WrongState(_)) => {
                }
                Err(fault) if is_passing(&fault) => return Err(fault.into()),
                Err(fault) => {
                    let code = code_of(&fault);
                    return self.conclude(tenant, run, (RunState::Refused, &code)).await;
                }
            }
        }
        let now = Run {
            state: RunState::Launched,
            ..run.clone()
        };
        kept::note(&self.0.database, run, &now).await?;
        Ok(())
    }

    /// What came of the launch.
    async fn look_at(&self, tenant: TenantId, run: &Run, campaign: &Campaign) -> Result<(), AutomationFault> {
        match campaign.state {
            CampaignState::InReview | CampaignState::Resolving | CampaignState::Launching => Ok(()),
            CampaignState::Running | CampaignState::Paused | CampaignState::Completed | CampaignState::Stopped => {
                self.conclude(tenant, run, (RunState::Sent, "")).await
            }
            CampaignState::Blocked => {
                self.conclude(tenant, run, (RunState::Blocked, "insufficient_credit"))
                    .await
            }
            CampaignState::Canceled => self.conclude(tenant, run, (RunState::Gone, "")).await,
            CampaignState::Draft | CampaignState::Scheduled => match campaign.refused.as_deref() {
                Some(NOBODY) => {
                    self.conclude(tenant, run, (RunState::Nobody, "")).await?;
                    self.forget_draft(tenant, campaign.id).await
                }
                refused => {
                    let code = refused.unwrap_or("campaign_wrong_state");
                    self.conclude(tenant, run, (RunState::Refused, code)).await
                }
            },
        }
    }

    /// It is known what came of an occurrence; its tenant is told when it was held up. A crash between may tell it twice.
    async fn conclude(
        &self,
        tenant: TenantId,
        run: &Run,
        (state, reason): (RunState, &str),
    ) -> Result<(), AutomationFault> {
        let campaign = run.campaign.filter(|_| state != RunState::Nobody);
        let now = Run {
            state,
            reason: reason.split(' ').next().unwrap_or_default().to_owned(),
            campaign,
            ..run.clone()
        };
        if matches!(state, RunState::Blocked | RunState::Refused) {
            let told = json!({
                "id": run.automation.to_string(),
                "day": run.occurrence.day.to_string(),
                "state": state.code(),
                "reason": now.reason,
                "campaign": campaign.map(|id| id.to_string()),
            });
            self.0.webhooks.tell_of_automation(tenant, &told).await?;
        }
        kept::note(&self.0.database, run, &now).await?;
        tracing::info!(automation = %run.automation, day = %run.occurrence.day, state = state.code(), reason, "an occurrence is over");
        Ok(())
    }

    async fn forget_draft(&self, tenant: TenantId, id: CampaignId) -> Result<(), AutomationFault> {
        Ok(self.0.campaigns.forget_draft(tenant, id).await?)
    }
}

/// Whether a fault says nothing of the order: it is tried again.
fn is_passing(fault: &CampaignFault) -> bool {
    match fault {
        CampaignFault::Edited
        | CampaignFault::Busy
        | CampaignFault::Stopping
        | CampaignFault::Store(_)
        | CampaignFault::Database(_) => true,
        CampaignFault::NotFound
        | CampaignFault::Fields(_)
        | CampaignFault::EmptyAudience(_)
        | CampaignFault::TooManyRecipients { .. }
        | CampaignFault::Body(_)
        | CampaignFault::AlreadyStarted(_)
        | CampaignFault::WrongState(_)
        | CampaignFault::NotADraft(_)
        | CampaignFault::Short { .. }
        | CampaignFault::TenantSuspended { .. }
        | CampaignFault::DayFull { .. }
        | CampaignFault::OutsideWindow { .. }
        | CampaignFault::Expired { .. }
        | CampaignFault::Erased
        | CampaignFault::TextRejected { .. }
        | CampaignFault::TrafficRejected { .. }
        | CampaignFault::TrafficInReview
        | CampaignFault::TextsInUse => false,
    }
}

/// The campaign of an occurrence, as it is ordered.
fn order_of(automation: &Automation, occurrence: Occurrence) -> Value {
    let mut order: Value = serde_json::from_str(&automation.order).unwrap_or_default();
    order["name"] = super::campaign_name(&automation.name, occurrence.day).into();
    if let Some(filter) = automation.timetable.filter(occurrence.day) {
        let own = order["audience"].get("filter").cloned().unwrap_or(json!({}));
        order["audience"]["filter"] = json!({ "all": [own, filter] });
    }
    order
}
