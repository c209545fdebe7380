//! Campaigns that are made again and again: by a rule, around Easter, on birthdays, some months after a visit.

mod course;
mod kept;
mod rule;
mod timetable;

use std::io::Cursor;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;

pub(crate) use kept::{Automation, Occurrence, Run, RunState};
pub(crate) use rule::{ALLOWED as RULE_ALLOWED, ALLOWED_FRENCH as RULE_ALLOWED_FRENCH, BadPart, Rule};
pub(crate) use timetable::{EASTER_DAYS, LeapDay, MONTHS_MAX, Plan, Timetable};

use crate::audience::NAME_MAX;
use crate::campaign::{CampaignFault, Campaigns};
use crate::clock::Clock;
use crate::database::{Database, DatabaseError};
use crate::domain::{AutomationId, TenantId, UnixMicros};
use crate::webhooks::{WebhookFault, Webhooks};

/// The most automations of one tenant.
pub(crate) const AUTOMATIONS_MAX: usize = 100;

/// Occurrences to come that are shown.
const NEXT_SHOWN: usize = 10;

/// The longest name, in characters: a day stands behind it in the names of its campaigns.
pub(crate) const AUTOMATION_NAME_MAX: usize = NAME_MAX - 11;

/// Why something cannot be done to an automation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AutomationFault {
    /// There is no such automation, or it is another tenant's.
    #[error("no such automation")]
    NotFound,
    /// The tenant has as many as it may have.
    #[error("{AUTOMATIONS_MAX} automations are the most")]
    TooMany,
    /// No day comes that its timetable means.
    #[error("no occurrence is to come")]
    Never,
    #[error(transparent)]
    Campaign(#[from] CampaignFault),
    #[error(transparent)]
    Webhook(#[from] WebhookFault),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The automations of all tenants. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Automations(Arc<Shared>);

struct Shared {
    database: Database,
    campaigns: Campaigns,
    webhooks: Webhooks,
    clock: Clock,
}

impl Automations {
    /// Those of that database.
    pub(crate) fn new((database, clock): (Database, Clock), campaigns: Campaigns, webhooks: Webhooks) -> Self {
        Self(Arc::new(Shared {
            database,
            campaigns,
            webhooks,
            clock,
        }))
    }

    /// Makes one: its campaign is tried, and nothing of that is kept.
    ///
    /// # Errors
    /// [`AutomationFault::Campaign`]: what is wrong with the campaign; [`AutomationFault::Never`], [`AutomationFault::TooMany`], or the
    /// database's.
    pub(crate) async fn make(
        &self,
        tenant: TenantId,
        (name, timetable): (&str, Timetable),
        order: &Value,
    ) -> Result<Automation, AutomationFault> {
        let now = self.0.clock.unix();
        let timetable = match now.timestamp() {
            Some(now) => timetable.counted_from(now),
            None => timetable,
        };
        let next = self.first_behind(&timetable, now).ok_or(AutomationFault::Never)?;
        let mut tried = order.clone();
        tried["name"] = campaign_name(name, next.day).into();
        let draft = self.0.campaigns.create(tenant, Cursor::new(tried.to_string())).await?;
        let hours = self.0.campaigns.hours_of(&draft.campaign).await;
        self.0.campaigns.forget_draft(tenant, draft.campaign.id).await?;
        let timetable = Timetable {
            hours: Some(hours?),
            ..timetable
        };
        self.check_hours(tenant, (&timetable, next)).await?;
        let new = Automation {
            id: AutomationId(0),
            tenant,
            name: name.to_owned(),
            timetable,
            order: order.to_string(),
            paused: false,
            next: Some(next),
            created_at: now,
        };
        kept::insert(&self.0.database, new).await
    }

    /// Whether one of the days to come is at a time at which its campaign may go.
    async fn check_hours(
        &self,
        tenant: TenantId,
        (timetable, next): (&Timetable, Occurrence),
    ) -> Result<(), AutomationFault> {
        let coming = coming((timetable, Some(next)));
        let begins = self.begins((tenant, timetable), &coming).await?;
        let mut late = coming
            .iter()
            .zip(&begins)
            .map(|(due, begins)| begins.filter(|at| *at > due.at));
        match late.next().flatten() {
            Some(opens) if late.all(|late| late.is_some()) => {
                let opens = self.0.campaigns.local(tenant, opens).await?;
                Err(CampaignFault::OutsideWindow { opens }.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// When the campaigns of some occurrences begin to go, as far as that is known.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn begins(
        &self,
        (tenant, timetable): (TenantId, &Timetable),
        coming: &[Occurrence],
    ) -> Result<Vec<Option<UnixMicros>>, CampaignFault> {
        let times: Vec<UnixMicros> = coming.iter().map(|occurrence| occurrence.at).collect();
        match &timetable.hours {
            Some(zones) => Ok(self.0.campaigns.begins(tenant, zones, &times).await?),
            None => Ok(vec![None; times.len()]),
        }
    }

    /// A tenant's, in the order in which they were made.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn all(&self, tenant: TenantId) -> Result<Vec<Automation>, DatabaseError> {
        kept::all(&self.0.database, tenant).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`AutomationFault::NotFound`], or the database's.
    pub(crate) async fn one(&self, tenant: TenantId, id: AutomationId) -> Result<Automation, AutomationFault> {
        kept::one(&self.0.database, (tenant, id)).await
    }

    /// Its last runs, the latest first.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn runs(&self, id: AutomationId) -> Result<Vec<Run>, DatabaseError> {
        kept::runs(&self.0.database, id).await
    }

    /// Forgets one with its runs; their campaigns stay.
    ///
    /// # Errors
    /// As [`Automations::one`].
    pub(crate) async fn forget(&self, tenant: TenantId, id: AutomationId) -> Result<(), AutomationFault> {
        kept::forget(&self.0.database, (tenant, id)).await
    }

    /// Nothing is made of it until it is resumed.
    ///
    /// # Errors
    /// As [`Automations::one`].
    pub(crate) async fn pause(&self, tenant: TenantId, id: AutomationId) -> Result<Automation, AutomationFault> {
        let paused = self.one(tenant, id).await?;
        kept::set_paused(&self.0.database, id, (true, paused.next)).await?;
        self.one(tenant, id).await
    }

    /// It goes on with the next occurrence from now on: what came meanwhile is not made up for.
    ///
    /// # Errors
    /// As [`Automations::one`].
    pub(crate) async fn resume(&self, tenant: TenantId, id: AutomationId) -> Result<Automation, AutomationFault> {
        let paused = self.one(tenant, id).await?;
        if paused.paused {
            let next = self.first_behind(&paused.timetable, self.0.clock.unix());
            kept::set_paused(&self.0.database, id, (false, next)).await?;
        }
        self.one(tenant, id).await
    }

    fn first_behind(&self, timetable: &Timetable, now: UnixMicros) -> Option<Occurrence> {
        let today = now.timestamp()?.in_tz(&timetable.zone).ok()?.date();
        // Of today the time may be over, and of yesterday not: clocks are set.
        let mut next = occurrence(timetable, today.yesterday().ok())?;
        while next.at <= now {
            next = occurrence(timetable, Some(next.day))?;
        }
        Some(next)
    }
}

/// The first occurrence behind a day.
fn occurrence(timetable: &Timetable, after: Option<Date>) -> Option<Occurrence> {
    let day = timetable.next(after)?;
    let at = timetable.instant(day)?.as_microsecond();
    let at = UnixMicros(u64::try_from(at).ok()?);
    Some(Occurrence { day, at })
}

/// The next occurrences of an automation, the first first.
pub(crate) fn to_come(automation: &Automation) -> Vec<Occurrence> {
    coming((&automation.timetable, automation.next))
}

fn coming((timetable, mut next): (&Timetable, Option<Occurrence>)) -> Vec<Occurrence> {
    let mut coming = Vec::with_capacity(NEXT_SHOWN);
    while let Some(occurrence) = next.filter(|_| coming.len() < NEXT_SHOWN) {
        coming.push(occurrence);
        next = self::occurrence(timetable, Some(occurrence.day));
    }
    coming
}

fn campaign_name(name: &str, day: Date) -> String {
    format!("{name} {day}")
}
