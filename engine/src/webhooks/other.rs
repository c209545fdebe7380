//! Events that are in no journal: what people write, and the steps of campaigns. Each is found by comparing what is stored with what
//! was told last, so that a crash between leaves none out.

use std::sync::PoisonError;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::backlog::{DeliveryKind, News};
use super::body::{Step, Written};
use super::endpoint::Endpoint;
use super::event::passes;
use super::marks::{Marks, Stepped};
use super::{Shared, WebhookFault};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{CampaignId, TenantId, UnixMicros};
use crate::store::{Campaign, CampaignKind, CampaignState, InboundEntry};

/// Messages of one tenant in one partition that are read at once.
const READ_MAX: usize = 100;

/// Campaigns that were moved and are looked at in one round; the next has the others.
const MOVED_MAX: usize = 1_000;

/// The newest campaigns of a tenant that are looked at when nobody knows which have moved.
const CAMPAIGNS_MAX: usize = 200;

/// The type of what says that a campaign will go by itself.
const SCHEDULED: &str = "campaign.scheduled";

/// The type of what says that a campaign does not go.
const BLOCKED: &str = "campaign.blocked";

/// A campaign, and whether it has surely just moved; otherwise it is one of all.
pub(super) type Moved = FxHashMap<(TenantId, CampaignId), bool>;

impl Shared {
    /// Campaigns that somebody has moved, on whichever engine.
    pub(super) async fn hear_of_moves(&self) -> Result<(), WebhookFault> {
        let moved = self.store.take_moved(MOVED_MAX).await?;
        let active = self.active.load();
        let told = moved.into_iter().filter(|(tenant, _)| active.contains_key(tenant));
        let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        hints.campaigns.extend(told.map(|owner| (owner, true)));
        Ok(())
    }

    /// Looks where there may be something to be told.
    pub(super) async fn look_elsewhere(&self) -> Result<(), WebhookFault> {
        let (written_to, scanned, moved) = {
            let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
            let hints = std::mem::take(&mut *hints);
            (hints.written_to, hints.scanned, hints.campaigns)
        };
        let looked = async {
            for tenant in &written_to {
                self.look_written(*tenant).await?;
            }
            let mut all = Moved::default();
            for tenant in &scanned {
                let campaigns = self.store.campaigns(*tenant, 0, CAMPAIGNS_MAX).await?;
                all.extend(campaigns.iter().map(|campaign| ((*tenant, campaign.id), false)));
            }
            all.extend(moved.clone());
            self.look_campaigns(&all).await
        };
        let looked = looked.await;
        if looked.is_err() {
            self.hint(|hints| {
                hints.written_to.extend(written_to);
                hints.scanned.extend(scanned);
                hints.campaigns.extend(moved);
            });
        }
        looked
    }

    /// Keeps that the endpoints of a tenant are to be told something that is known here and now.
    pub(super) async fn tell_at_once(
        &self,
        tenant: TenantId,
        (kind, of): (DeliveryKind, &str),
        about: &Value,
    ) -> Result<(), WebhookFault> {
        let active = self.active.load_full();
        let endpoints = wanting(active.get(&tenant), &[of]);
        let told = endpoints.iter().map(|endpoint| news(endpoint, kind, about));
        self.keep(told.collect(), Marks::default()).await
    }

    async fn look_written(&self, tenant: TenantId) -> Result<(), WebhookFault> {
        let active = self.active.load_full();
        let endpoints = wanting(active.get(&tenant), &["message.received", "contact.opted_out"]);
        let Some(from) = endpoints.iter().map(|endpoint| endpoint.told_from).min() else {
            return Ok(());
        };
        let source = format!("inbound:{}", tenant.0);
        let mut places = self.written_places(&source, from).await?;
        loop {
            let found = self.store.inbound_behind(tenant, &places, READ_MAX).await?;
            let mut news = Vec::new();
            for entry in &found {
                news.extend(endpoints.iter().flat_map(|endpoint| written(tenant, endpoint, entry)));
                places[usize::from(entry.place.partition().0)] = entry.place.id();
            }
            let marks = Marks {
                places: &[(source.clone(), places.join(","))],
                ..Marks::default()
            };
            self.keep(news, marks).await?;
            let mut known = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(source.clone(), places.clone());
            // As many as are read of one partition: there may be more.
            if found.len() < READ_MAX {
                return Ok(());
            }
        }
    }

    /// How far each partition was read; from that time on, if none was.
    async fn written_places(&self, source: &str, from: UnixMicros) -> Result<Vec<String>, DatabaseError> {
        let known = self
            .written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(source)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut query = Sql::new("SELECT place FROM webhook_position WHERE source = ");
        query.value(source);
        let stored = self.database.row(query, |row| row.text(0)).await?;
        let begin = format!("{}-0", from.0 / 1_000);
        let count = usize::from(self.store.partitions());
        Ok(match stored {
            Some(places) => places.split(',').map(str::to_owned).collect(),
            None => vec![begin; count],
        })
    }

    async fn look_campaigns(&self, moved: &Moved) -> Result<(), WebhookFault> {
        let owners: Vec<_> = moved.keys().copied().collect();
        let active = self.active.load_full();
        for owners in owners.chunks(CAMPAIGNS_MAX) {
            let campaigns = self.store.campaigns_of(owners).await?;
            let campaigns: Vec<Campaign> = campaigns.into_iter().flatten().collect();
            let known = self.known_states(owners).await?;
            let (mut news, mut states) = (Vec::new(), Vec::new());
            for campaign in campaigns
                .iter()
                .filter(|campaign| campaign.kind == CampaignKind::Audience)
            {
                let endpoints = active.get(&campaign.tenant).map_or(&[][..], Vec::as_slice);
                let before = known.get(&campaign.id).copied();
                if before == Some((campaign.state, Some(campaign.finding))) {
                    continue;
                }
                let sure = moved.get(&(campaign.tenant, campaign.id)) == Some(&true) || is_younger(campaign, endpoints);
                let shape = (campaign.state, campaign.refused_code(), campaign.finding);
                let steps = since((before, sure), shape);
                let was_planned =
                    was_planned(campaign, before).filter(|planned| steps.first().is_some_and(|first| first != planned));
                let told = was_planned
                    .iter()
                    .chain(steps)
                    .flat_map(|step| stepped(endpoints, campaign, step, self.now()));
                news.extend(told);
                states.push(Stepped {
                    campaign: campaign.id,
                    tenant: campaign.tenant,
                    state: campaign.state,
                    findings: campaign.finding,
                });
            }
            let marks = Marks {
                states: &states,
                ..Marks::default()
            };
            self.keep(news, marks).await?;
        }
        Ok(())
    }

    async fn known_states(
        &self,
        owners: &[(TenantId, CampaignId)],
    ) -> Result<FxHashMap<CampaignId, (CampaignState, Option<u64>)>, DatabaseError> {
        let mut query = Sql::new("SELECT campaign, state, findings FROM webhook_campaign WHERE campaign IN (");
        query.list(owners.iter().map(|(_, id)| id.0 as i64)).push(")");
        let read = |row: &Found<'_>| {
            let state = row.parsed(1, "the state of a campaign that was told", |state| state.parse().ok())?;
            let findings = row.number_if_any(2)?.map(|findings| findings as u64);
            Ok((CampaignId(row.number(0)? as u64), (state, findings)))
        };
        Ok(self.database.rows(query, read).await?.into_iter().collect())
    }
}

/// Endpoints that want one of these types.
pub(super) fn wanting(endpoints: Option<&Vec<Endpoint>>, kinds: &[&str]) -> Vec<Endpoint> {
    let wants = |endpoint: &&Endpoint| kinds.iter().any(|kind| passes(&endpoint.filters, kind));
    endpoints.into_iter().flatten().filter(wants).cloned().collect()
}

/// What an endpoint is told of a message of somebody's.
fn written(tenant: TenantId, endpoint: &Endpoint, entry: &InboundEntry) -> Vec<News> {
    let at = entry.place.milliseconds();
    let about = Written {
        tenant: tenant.0,
        place: entry.place.to_string(),
        at: at as i64,
    };
    if at * 1_000 < endpoint.told_from.0 {
        return Vec::new();
    }
    let kinds = [
        (DeliveryKind::Received, "message.received", true),
        (DeliveryKind::OptedOut, "contact.opted_out", entry.opted_out),
    ];
    let told = kinds
        .into_iter()
        .filter(|(_, kind, so)| *so && passes(&endpoint.filters, kind));
    told.map(|(kind, ..)| news(endpoint, kind, &about)).collect()
}

/// Whether a campaign was made, or launched, when somebody was to be told of it already: whoever looks at all of them may see it ahead of the word
/// that it has moved, and that word is lost with the engine that has taken it.
fn is_younger(campaign: &Campaign, endpoints: &[Endpoint]) -> bool {
    let from = endpoints.iter().map(|endpoint| endpoint.told_from).min();
    from.is_some_and(|from| campaign.created_at >= from || campaign.launched_at.is_some_and(|at| at >= from))
}

fn stepped<'a>(
    endpoints: &'a [Endpoint],
    campaign: &'a Campaign,
    step: &'a str,
    now: UnixMicros,
) -> impl Iterator<Item = News> + 'a {
    let wanting = endpoints.iter().filter(move |endpoint| passes(&endpoint.filters, step));
    wanting.map(move |endpoint| {
        let about = Step {
            campaign: campaign.id.0,
            kind: step.to_owned(),
            state: state_at(step, campaign.state).code().to_owned(),
            refused: refused_at(step, campaign),
            at: (now.0 / 1_000) as i64,
        };
        news(endpoint, DeliveryKind::Campaign, &about)
    })
}

pub(super) fn news(endpoint: &Endpoint, kind: DeliveryKind, about: &impl serde::Serialize) -> News {
    News {
        endpoint: endpoint.id,
        kind,
        // Strings and numbers always can be written.
        news: serde_json::to_string(about).unwrap_or_default(),
        events: 1,
    }
}

/// That a campaign was planned, which nobody has looked at since before that.
fn was_planned(campaign: &Campaign, before: Option<(CampaignState, Option<u64>)>) -> Option<&'static str> {
    let unseen = before.is_none_or(|(state, _)| state == CampaignState::Draft);
    let went_on = campaign.scheduled_at.is_some() && campaign.state != CampaignState::Draft;
    (unseen && went_on).then_some(SCHEDULED)
}

/// The state of a campaign at a step towards that one: it may have gone on since.
fn state_at(step: &str, state: CampaignState) -> CampaignState {
    let under_way = [CampaignState::Launching, CampaignState::Running];
    if step == SCHEDULED {
        return CampaignState::Scheduled;
    }
    match step == "campaign.started" && !under_way.contains(&state) {
        true => CampaignState::Running,
        false => state,
    }
}

/// Why a campaign does not go that is a draft again; one that lacks credits says so by its state.
fn refused_at(step: &str, campaign: &Campaign) -> Option<String> {
    let is_draft = campaign.state == CampaignState::Draft;
    let why = campaign.refused_code().filter(|_| step == BLOCKED && is_draft);
    why.map(str::to_owned)
}

/// How a campaign is: its state, why its launch came to nothing, and how often it was found out whom it means.
type Shape<'c> = (CampaignState, Option<&'c str>, u64);

/// The types of events since a campaign was told of last: its state then, and how often it had been found out whom it means. `sure`: it
/// has just moved.
fn since(
    (before, sure): (Option<(CampaignState, Option<u64>)>, bool),
    (state, refused, findings): Shape<'_>,
) -> &'static [&'static str] {
    let is_refused = state == CampaignState::Draft && refused.is_some();
    match before {
        // It was launched and refused since, between two looks; or it has not moved.
        Some((CampaignState::Draft, Some(told))) if is_refused && told < findings => &[BLOCKED],
        Some((before, _)) if before == state => &[],
        Some(_) if is_refused => &[BLOCKED],
        None if sure && is_refused => &[BLOCKED],
        Some((before, _)) => steps(before, state),
        None if sure => steps(CampaignState::Draft, state),
        // It moved before anybody was to be told of it.
        None => &[],
    }
}

/// The types of events that lead from one state to another, with those that passed in between and left no trace.
fn steps(before: CampaignState, state: CampaignState) -> &'static [&'static str] {
    // One whose recipients are still being found out may be blocked yet.
    let was_launched = !before.is_before_launch() && before != CampaignState::Resolving;
    match state {
        CampaignState::Draft | CampaignState::Resolving => &[],
        CampaignState::Scheduled => &[SCHEDULED],
        CampaignState::InReview => &["campaign.in_review"],
        CampaignState::Blocked => &[BLOCKED],
        CampaignState::Launching | CampaignState::Running => match before {
            CampaignState::Paused => &["campaign.resumed"],
            CampaignState::Launching | CampaignState::Running => &[],
            CampaignState::Draft
            | CampaignState::InReview
            | CampaignState::Resolving
            | CampaignState::Scheduled
            | CampaignState::Blocked
            | CampaignState::Completed
            | CampaignState::Canceled
            | CampaignState::Stopped => &["campaign.started"],
        },
        CampaignState::Paused if was_launched => &["campaign.paused"],
        CampaignState::Paused => &["campaign.started", "campaign.paused"],
        CampaignState::Completed if was_launched => &["campaign.completed"],
        CampaignState::Completed => &["campaign.started", "campaign.completed"],
        CampaignState::Canceled => &["campaign.canceled"],
        CampaignState::Stopped if was_launched => &["campaign.canceled"],
        CampaignState::Stopped => &["campaign.started", "campaign.canceled"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_was_carried_out_between_two_looks_has_its_own_state() {
        for state in [
            CampaignState::Running,
            CampaignState::Completed,
            CampaignState::Canceled,
        ] {
            assert_eq!(state_at(SCHEDULED, state), CampaignState::Scheduled);
        }
        assert_eq!(
            state_at("campaign.started", CampaignState::Completed),
            CampaignState::Running
        );
    }

    #[test]
    fn steps_between_which_nobody_looked_are_told_as_well() {
        use CampaignState::{Blocked, Completed, Draft, InReview, Launching, Paused, Running, Scheduled, Stopped};
        for (before, state, told) in [
            (Draft, Scheduled, &["campaign.scheduled"][..]),
            (Scheduled, Blocked, &["campaign.blocked"]),
            (Draft, InReview, &["campaign.in_review"]),
            (InReview, Running, &["campaign.started"]),
            (Scheduled, Launching, &["campaign.started"]),
            (Launching, Running, &[]),
            (Running, Paused, &["campaign.paused"]),
            (Paused, Running, &["campaign.resumed"]),
            (Draft, Completed, &["campaign.started", "campaign.completed"]),
            (Paused, Completed, &["campaign.completed"]),
            (Blocked, Stopped, &["campaign.started", "campaign.canceled"]),
        ] {
            assert_eq!(steps(before, state), told, "{before:?} {state:?}");
        }
        for (step, state, at) in [
            ("campaign.started", Completed, Running),
            ("campaign.started", Launching, Launching),
            ("campaign.completed", Completed, Completed),
        ] {
            assert_eq!(state_at(step, state), at);
        }
    }

    #[test]
    fn a_campaign_that_does_not_go_is_told_once_for_each_launch_that_came_to_nothing() {
        use CampaignState::{Draft, InReview, Resolving, Running, Scheduled};
        let why = Some("sender_not_approved");
        for (before, sure, shape, told) in [
            (
                Some((Scheduled, Some(0))),
                false,
                (Draft, why, 0),
                &["campaign.blocked"][..],
            ),
            (
                Some((Resolving, Some(1))),
                false,
                (Draft, why, 1),
                &["campaign.blocked"],
            ),
            (Some((InReview, None)), true, (Draft, why, 0), &["campaign.blocked"]),
            // Nobody looked while it was found out whom it means.
            (Some((Draft, Some(1))), true, (Draft, why, 2), &["campaign.blocked"]),
            (None, true, (Draft, why, 1), &["campaign.blocked"]),
            // It was told, or before anybody was to be; its date was taken back; it goes.
            (Some((Draft, Some(2))), true, (Draft, why, 2), &[]),
            (Some((Draft, None)), true, (Draft, why, 2), &[]),
            (None, false, (Draft, why, 1), &[]),
            (Some((Scheduled, Some(0))), true, (Draft, None, 0), &[]),
            (
                Some((Scheduled, Some(0))),
                true,
                (Running, None, 1),
                &["campaign.started"],
            ),
        ] {
            assert_eq!(since((before, sure), shape), told, "{before:?} {sure} {shape:?}");
        }
    }
}
