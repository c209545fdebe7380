//! `POST /v1/campaigns/{id}/duplicate` and `…/resend`: drafts that are made of another campaign.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::body::SMALL_MAX;
use super::campaigns::made;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Problem, ProblemCode};
use super::schedule::planned_at;
use super::{App, shapes};
use crate::audience::check_campaign_name;
use crate::campaign::{HAD, RESENT as STATUSES, Whom};
use crate::domain::{CampaignId, Role, UnixMicros};
use crate::fault::FieldProblem;

/// The first of them are what goes again when nothing is said. A number that does not exist will not exist again.
const USUAL: usize = 4;

pub(super) fn routes() -> Routes {
    let copying = |path: &'static str, id: &'static str| {
        Operation::new((Verb::Post, path), Key::Tenant, id)
            .needs(Role::Send)
            .at::<CampaignId>("id", "The campaign.")
            .answers::<shapes::CampaignDraft>(201, "The draft, with its estimate.")
            .refuses(&[
                ProblemCode::TextsErased,
                ProblemCode::TenantSuspended,
                ProblemCode::WrongState,
                ProblemCode::EmptyAudience,
                ProblemCode::TooManyRecipients,
            ])
    };
    Routes::of("campaigns")
        .add(
            copying("/v1/campaigns/{id}/duplicate", "duplicateCampaign")
                .says(
                    "Make a draft like a campaign",
                    "To the same recipients, or to those whom the same filters mean then. Of a campaign that was canceled before its \
                     launch, recipients that it named itself are gone.",
                )
                .takes_if_any::<shapes::Duplicate>(json!({ "name": "Portes ouvertes, printemps" })),
            duplicate,
        )
        .add(
            copying("/v1/campaigns/{id}/resend", "resendCampaign")
                .says(
                    "Make a draft for some recipients of a campaign that is over",
                    "By what became of their messages: those that failed, if nothing else is said.",
                )
                .takes_if_any::<shapes::Resend>(json!({ "statuses": ["reception_error"] }))
                .refuses(&[ProblemCode::ScheduleOutsideWindow]),
            resend,
        )
}

/// `{"name": "…"}`, or nothing → 201.
pub(super) async fn duplicate(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read_if_any((&headers, body), (app.clock, SMALL_MAX), &["name"]).await?;
    let name = name(&mut fields);
    let (Some(name), true) = (name, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let created = app.campaigns.copy(tenant, id, (name, Whom::All)).await?;
    let made = made(&app, (&created.campaign, &created.rejected)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// `{"statuses": ["…"], "scheduled_at": "…"}`, or nothing → 201.
pub(super) async fn resend(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let known = ["name", "statuses", "again", "scheduled_at", "time_zone"];
    let mut fields = Fields::read_if_any((&headers, body), (app.clock, SMALL_MAX), &known).await?;
    let reachable = !fields.has("statuses");
    let again = fields.boolean("again").map(Option::unwrap_or_default);
    let (name, statuses) = (name(&mut fields), statuses(&mut fields, again.unwrap_or_default()));
    if fields.has("scheduled_at") {
        fields.assume("time_zone", &app.time_zone_of(tenant).await?);
    }
    let at = date(&mut fields, app.clock.unix());
    let (Some(name), Some(statuses), Some(again), Some(at), true) = (name, statuses, again, at, fields.is_sound())
    else {
        return Err(fields.refusal());
    };
    let whom = Whom::With {
        statuses,
        reachable,
        again,
    };
    let created = app.campaigns.copy(tenant, id, (name, whom)).await?;
    let draft = created.campaign.id;
    if let Some(at) = at
        && let Err(fault) = app.campaigns.schedule(tenant, draft, at).await
    {
        app.campaigns.forget_draft(tenant, draft).await?;
        return Err(fault.into());
    }
    let campaign = app.campaigns.find(tenant, draft).await?;
    let made = made(&app, (&campaign, &created.rejected)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

fn name(fields: &mut Fields) -> Option<Option<String>> {
    fields.if_given("name", |fields, name| fields.checked(name, check_campaign_name))
}

fn statuses(fields: &mut Fields, again: bool) -> Option<Vec<String>> {
    let word = |given: &str| match STATUSES.iter().position(|status| *status == given) {
        None => Err(FieldProblem::UnknownValue { allowed: STATUSES }),
        Some(at) if at + HAD >= STATUSES.len() && !again => Err(FieldProblem::MissingBeside { fields: &["again"] }),
        Some(_) => Ok(given.to_owned()),
    };
    let given = fields.if_given("statuses", |fields, name| {
        fields.checked_list(name, STATUSES.len(), word)
    })?;
    let usual = || STATUSES[..USUAL].iter().map(|status| (*status).to_owned()).collect();
    Some(given.unwrap_or_else(usual))
}

fn date(fields: &mut Fields, now: UnixMicros) -> Option<Option<UnixMicros>> {
    if fields.has("scheduled_at") {
        return planned_at(fields, now);
    }
    // What stands there all the same is looked at.
    fields
        .if_given("time_zone", |fields, name| fields.text(name))
        .map(|_| None)
}
