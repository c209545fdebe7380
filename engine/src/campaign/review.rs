//! Campaigns that wait until the reseller has looked at them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::refusal::code_of;
use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, FlaggedId, TenantId, UnixMicros};
use crate::flagged::{Decided, FlagFault, FlaggedTexts, Looked, Reached, Seen, Source};
use crate::store::{Campaign, CampaignState, Planned, StoreError};

/// How often it is looked for what was decided.
const TICK: Duration = Duration::from_millis(500);

/// How long a launch may take from asking about its campaign to saying that this waits: longer than any request lives.
const ASKING: Duration = Duration::from_secs(120);

/// Of a campaign that was accepted when its date was over.
const DATE_PASSED: &str = "date_passed";

impl Campaigns {
    /// Texts that are looked at.
    pub(crate) fn flagged(&self) -> &FlaggedTexts {
        &self.0.deps.flagged
    }

    /// Campaigns as they are; none for one that is forgotten.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn those(&self, owners: &[(TenantId, CampaignId)]) -> Result<Vec<Option<Campaign>>, StoreError> {
        match owners.is_empty() {
            true => Ok(Vec::new()),
            false => self.store().campaigns_of(owners).await,
        }
    }

    /// Whether a campaign that is launched, or planned for `at`, waits until it was looked at. It is `in_review` then.
    ///
    /// # Errors
    /// [`CampaignFault::TextRejected`], [`CampaignFault::TrafficRejected`], a fault of its state, the store's or the database's.
    pub(super) async fn waits_for_review(
        &self,
        campaign: &Campaign,
        waits: (&[CampaignState], Option<UnixMicros>),
    ) -> Result<bool, CampaignFault> {
        match self.look_at_text(campaign).await? {
            Looked::Goes | Looked::Flagged(_) => {}
            Looked::Rejected { note } => return Err(CampaignFault::TextRejected { note }),
            Looked::Waits => return self.begin_review(campaign, waits).await,
        }
        // Where one of contacts goes is known when these were found out.
        match campaign.query {
            Some(_) => Ok(false),
            None => self.waits_for_traffic(campaign, waits).await,
        }
    }

    /// The same of a campaign whose recipients are known, as to where they are.
    ///
    /// # Errors
    /// [`CampaignFault::TrafficRejected`], a fault of its state, the store's or the database's.
    async fn waits_for_traffic(
        &self,
        campaign: &Campaign,
        waits: (&[CampaignState], Option<UnixMicros>),
    ) -> Result<bool, CampaignFault> {
        let reached = Reached {
            tenant: campaign.tenant,
            campaign: campaign.id,
            purpose: campaign.purpose,
            reach: &campaign.reach,
            recipients: campaign.total,
            home: self.0.deps.limits.country,
        };
        let looked = self.flagged().look_at_reach(&reached).await?;
        self.count_unusual(&looked);
        match looked {
            Looked::Goes | Looked::Flagged(_) => Ok(false),
            Looked::Rejected { note } => Err(CampaignFault::TrafficRejected { note }),
            Looked::Waits => {
                // Whoever launches it again finds them out anew.
                if campaign.state == CampaignState::Resolving {
                    self.drop_found(campaign).await?;
                }
                self.begin_review(campaign, waits).await
            }
        }
    }

    /// Whether a campaign whose recipients were found out a moment ago waits until somebody has looked at where they are.
    ///
    /// # Errors
    /// As [`Campaigns::waits_for_review`].
    pub(super) async fn found_waits(&self, campaign: &Campaign) -> Result<bool, CampaignFault> {
        // Its date may be the one that has come.
        let at = campaign.scheduled_at.filter(|at| *at > self.now());
        self.waits_for_traffic(campaign, (&[CampaignState::Resolving], at))
            .await
    }

    /// It was asked about before: what waits and nobody is asked about would wait for ever.
    async fn begin_review(
        &self,
        campaign: &Campaign,
        (from, at): (&[CampaignState], Option<UnixMicros>),
    ) -> Result<bool, CampaignFault> {
        let owner = (campaign.tenant, campaign.id);
        match self.store().begin_review(owner, from, (at, self.now())).await? {
            true => {
                self.0.books.campaign_stepped(owner.0, owner.1).await;
                Ok(true)
            }
            false => Err(self.why_not(owner.0, owner.1).await?),
        }
    }

    /// What came of looking at where something goes.
    pub(super) fn count_unusual(&self, looked: &Looked) {
        let result = match looked {
            Looked::Goes => return,
            Looked::Flagged(_) => "flagged",
            Looked::Waits => "held",
            Looked::Rejected { .. } => "rejected",
        };
        self.0
            .deps
            .metrics
            .unusual_traffic_total
            .with_label_values(&[result])
            .inc();
    }

    /// Something that is sent by itself could not be taken for now, and is tried again.
    pub(crate) fn note_put_off(&self, what: &str, fault: &CampaignFault) {
        let why = if matches!(fault, CampaignFault::Short { .. }) {
            "credit"
        } else if matches!(fault, CampaignFault::TrafficInReview) {
            "review"
        } else {
            "busy"
        };
        let put_off = &self.0.deps.metrics.sends_put_off_total;
        put_off.with_label_values(&[what, why]).inc();
    }

    async fn look_at_text(&self, campaign: &Campaign) -> Result<Looked, CampaignFault> {
        let texts = campaign.variants.iter().map(|variant| variant.text.as_str());
        // Where its short link leads is seen by nobody else before it is sent.
        let link = campaign.link.iter().map(|link| link.url.as_str());
        let texts: Vec<&str> = [campaign.text.as_str()].into_iter().chain(texts).chain(link).collect();
        let seen = Seen {
            tenant: campaign.tenant,
            purpose: campaign.purpose,
            text: &texts.join("\n"),
            source: Source::Campaign(campaign.id),
        };
        Ok(self.flagged().look(&seen).await?)
    }

    /// Carries out what was decided, until `stop`.
    pub(crate) async fn keep_reviews(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
            if let Err(error) = self.carry_out(None).await {
                tracing::debug!(%error, "what was decided of campaigns cannot be carried out; it is tried again");
            }
        }
    }

    /// Carries out what was decided of one text, or of all. Done again it does nothing.
    ///
    /// # Errors
    /// The store's or the database's: it is done later.
    pub(crate) async fn carry_out(&self, of: Option<FlaggedId>) -> Result<(), CampaignFault> {
        let mut last = Ok(());
        for decided in self.flagged().decided(of).await? {
            // One that cannot be carried out now keeps no other from it.
            let carried = self.carry_out_one(&decided).await;
            last = carried.inspect_err(|fault| {
                tracing::warn!(campaign = %decided.campaign, %fault, "what was decided is not carried out yet");
            });
            if matches!(last, Err(CampaignFault::Store(_) | CampaignFault::Database(_))) {
                return last;
            }
        }
        last
    }

    async fn carry_out_one(&self, decided: &Decided) -> Result<(), CampaignFault> {
        let owner = (decided.tenant, decided.campaign);
        if let Some(campaign) = self.store().campaign(owner.0, owner.1).await? {
            let code = if decided.is_traffic {
                "traffic_rejected"
            } else {
                "text_rejected"
            };
            let is_asking = self.now().since(decided.since) < ASKING;
            match campaign.state {
                CampaignState::InReview if decided.accepted => Box::pin(self.go_on(&campaign)).await?,
                CampaignState::InReview => self.store().refuse_review(owner, code).await?,
                // The launch that asks may not have said yet that it waits.
                CampaignState::Draft | CampaignState::Scheduled | CampaignState::Blocked | CampaignState::Resolving
                    if is_asking =>
                {
                    return Ok(());
                }
                // Its tenant has thought better of it, or somebody else has carried it out.
                CampaignState::Draft
                | CampaignState::Scheduled
                | CampaignState::Blocked
                | CampaignState::Resolving
                | CampaignState::Launching
                | CampaignState::Running
                | CampaignState::Paused
                | CampaignState::Completed
                | CampaignState::Canceled
                | CampaignState::Stopped => {}
            }
            self.0.books.campaign_stepped(owner.0, owner.1).await;
        }
        Ok(self.flagged().is_carried_out(decided).await?)
    }

    /// A campaign was accepted: it goes at its date, or at once, as it was asked for.
    async fn go_on(&self, campaign: &Campaign) -> Result<(), CampaignFault> {
        let owner = (campaign.tenant, campaign.id);
        match campaign.scheduled_at {
            Some(at) if at > self.now() => {
                let planned = Planned {
                    tenant: owner.0,
                    campaign: owner.1,
                    at,
                };
                self.store().plan_reviewed(planned).await?;
            }
            Some(_) => self.store().refuse_review(owner, DATE_PASSED).await?,
            None => match self.launch_as(campaign, None).await {
                Ok(_)
                | Err(CampaignFault::Short { .. } | CampaignFault::AlreadyStarted(_) | CampaignFault::WrongState(_)) => {
                }
                Err(
                    fault @ (CampaignFault::Edited
                    | CampaignFault::Store(_)
                    | CampaignFault::Database(_)
                    | CampaignFault::Stopping),
                ) => {
                    return Err(fault);
                }
                Err(fault) => {
                    tracing::warn!(campaign = %campaign.id, %fault, "accepted, and not launched");
                    self.store().refuse_review(owner, &code_of(&fault)).await?;
                }
            },
        }
        Ok(())
    }
}

impl From<FlagFault> for CampaignFault {
    fn from(fault: FlagFault) -> Self {
        match fault {
            FlagFault::NotFound => Self::NotFound,
            FlagFault::Database(error) => Self::Database(error),
            FlagFault::Store(error) => Self::Store(error),
            FlagFault::Encryption(fault) => fault.into(),
        }
    }
}
