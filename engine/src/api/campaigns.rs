//! `/v1/campaigns`.

use std::pin::pin;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::access::{Caller, GuestsOnly, Id, Reached};
use super::body::{Intake, bridge};
use super::doc::{Key, Operation, Routes, Verb};
use super::pages::Listing;
use super::problem::{Problem, ProblemCode, ProblemKind, language_of};
use super::refusal::store_refuses;
use super::{App, Page, page, shapes};
use crate::audience::Rejected;
use crate::campaign::{Estimation, refusal, view};
use crate::compose::is_unnamed;
use crate::domain::{CampaignId, Role, TenantId};
use crate::store::{Campaign, CampaignState};

pub(super) fn routes() -> Routes {
    orders().and(moves())
}

/// A campaign as it is made, shown and estimated.
fn orders() -> Routes {
    let (all, one) = ("/v1/campaigns", "/v1/campaigns/{id}");
    Routes::of("campaigns")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "createCampaign")
                .needs(Role::Send)
                .by_teams()
                .says(
                    "Make a campaign",
                    "The body is read as it comes, up to `api.body_max` of the configuration. Recipients that cannot be written to are \
                     left out, counted and listed; a number that comes again counts once.",
                )
                .takes::<shapes::CampaignOrder>(json!({
                    "name": "Rappel de vaccination",
                    "text": "Bonjour [Prenom|à vous], votre vaccin est à renouveler. Cabinet Martin",
                    "sender": "Cabinet",
                    "purpose": "transactional",
                    "audience": { "recipients": [{ "to": "+33612345678", "Prenom": "Zoé" }], "numbers": "06 12 34 56 79; 0612345680" },
                }))
                .answers::<shapes::CampaignDraft>(201, "The draft, with its estimate and the recipients that were not taken.")
                .refuses(&[
                    ProblemCode::EmptyAudience,
                    ProblemCode::TooManyRecipients,
                    ProblemCode::TenantSuspended,
                ]),
            create,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listCampaigns")
                .says(
                    "List campaigns",
                    "The newest first. Of many that are not wanted, a page may have few, or none, and another behind it.",
                )
                .asks::<shapes::CampaignsWanted>()
                .answers::<shapes::Page<shapes::CampaignSummary>>(200, "A page of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getCampaign")
                .says("Show a campaign", "With its progress, the seven statuses, and why it waits.")
                .at::<CampaignId>("id", "The campaign.")
                .answers::<shapes::Campaign>(200, "The campaign.")
                .speaks(),
            show,
        )
        .add(
            Operation::new((Verb::Get, "/v1/campaigns/{id}/rejected"), Key::Tenant, "listRejected")
                .says("List the recipients that were not taken", "The first thousand.")
                .at::<CampaignId>("id", "The campaign.")
                .answers::<shapes::Page<shapes::Rejected>>(200, "All that are listed."),
            rejected,
        )
        .add(
            Operation::new((Verb::Post, "/v1/campaigns/{id}/estimate"), Key::Tenant, "estimateCampaign")
.needs(Role::Read)
                .says("Say what a campaign will take and cost", "As audience, opt-outs and balance are now; nothing is held.")
                .at::<CampaignId>("id", "The campaign, before its launch.")
                .answers::<Estimation>(200, "What it will take.")
                .refuses(&[ProblemCode::AlreadyStarted, ProblemCode::TextsErased]),
            estimate,
        )
}

/// What sets it going and halts it.
fn moves() -> Routes {
    let moving = |path: &'static str, id: &'static str| {
        Operation::new((Verb::Post, path), Key::Tenant, id)
            .needs(Role::Send)
            .by_teams()
            .at::<CampaignId>("id", "The campaign.")
            .refuses(&[ProblemCode::WrongState])
    };
    Routes::of("campaigns")
        .add(
            moving("/v1/campaigns/{id}/launch", "launchCampaign")
                .says(
                    "Launch a campaign",
                    "Holds the credits of its estimate: all of them or none. One that the reseller has to look at first is `in_review`, \
                     holds nothing, and goes when it was accepted.",
                )
                .answers::<shapes::Moved>(202, "It is being launched, or waits until it was looked at.")
                .refuses(&[
                    ProblemCode::AlreadyStarted,
                    ProblemCode::TextsErased,
                    ProblemCode::TextRejected,
                    ProblemCode::TrafficRejected,
                    ProblemCode::InsufficientCredit,
                    ProblemCode::TenantSuspended,
                    ProblemCode::DailyMaxReached,
                    ProblemCode::ScheduleOutsideWindow,
                ]),
            launch,
        )
        .add(
            moving("/v1/campaigns/{id}/pause", "pauseCampaign")
                .says("Halt a campaign", "What an SMSC has is not called back.")
                .answers::<shapes::Moved>(200, "It is paused."),
            pause,
        )
        .add(
            moving("/v1/campaigns/{id}/resume", "resumeCampaign")
                .says("Have a paused campaign go on", "")
                .answers::<shapes::Moved>(200, "It goes on."),
            resume,
        )
        .add(
            moving("/v1/campaigns/{id}/cancel", "cancelCampaign")
                .says(
                    "Cancel a campaign",
                    "What is queued is canceled behind the answer, and its credits are given back.",
                )
                .answers::<shapes::Moved>(202, "It is canceled, or stopped if it was launched."),
            cancel,
        )
        .add(
            Operation::new((Verb::Delete, "/v1/campaigns/{id}"), Key::Tenant, "deleteCampaign")
                .needs(Role::Send)
                .by_teams()
                .says(
                    "Forget a campaign that was not launched",
                    "A draft, one that is planned, blocked or canceled. What was sent stays, as does what was said of it: that is canceled first, or kept.",
                )
                .at::<CampaignId>("id", "The campaign.")
                .answers_nothing(204, "It is forgotten.")
                .refuses(&[ProblemCode::WrongState]),
            forget,
        )
}

/// `POST /v1/campaigns` → 201 with the draft, its estimate, and the recipients that were not taken.
pub(super) async fn create(
    State(app): State<App>,
    (Caller(tenant), GuestsOnly(guests_only)): (Caller, GuestsOnly),
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let intake = Intake::new(&headers, body, app.limits.body_max, app.clock)?;
    let _upload = app.shares.upload(tenant)?;
    let (chunks, reader) = bridge();
    let mut creation = pin!(app.campaigns.create_for((tenant, guests_only), reader));
    // Both at once; a campaign that is refused before its body ends needs no more of it.
    let early = tokio::select! {
        created = &mut creation => Some(created),
        () = intake.pump(chunks) => None,
    };
    let created = match early {
        Some(created) => created?,
        None => creation.await?,
    };
    Ok((
        StatusCode::CREATED,
        Json(made(&app, (&created.campaign, &created.rejected)).await?),
    ))
}

/// A campaign that was just made, with what is to be said of it then.
pub(super) async fn made(app: &App, (campaign, rejected): (&Campaign, &[Rejected])) -> Result<Value, Problem> {
    let terms = app.campaigns.terms_of(campaign.tenant).await?;
    let mut shown = view::summary(campaign);
    shown["audience"]["rejected"] = view::rejected(rejected);
    shown["advertiser_unnamed"] = is_unnamed(&terms, (&campaign.sender, campaign.purpose)).into();
    Ok(shown)
}

/// `GET /v1/campaigns`: newest first.
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    Listing { paging, wanted }: Listing,
) -> Result<Page, Problem> {
    let page_of = (paging.cursor()?, paging.limit);
    let found = app.campaigns.list(tenant, page_of, &wanted).await?;
    Ok(page(
        found.rows.iter().map(view::summary).collect(),
        found.next.map(|next| next.to_string()),
    ))
}

/// `GET /v1/campaigns/{id}`: with progress, the seven statuses, and why it waits, in the caller's language.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let shown = shown(&app, (tenant, id), &headers).await?;
    Ok(([(header::VARY, "accept-language")], Json(shown)))
}

/// A campaign as its tenant sees it.
pub(super) async fn shown(
    app: &App,
    (tenant, id): (TenantId, CampaignId),
    headers: &HeaderMap,
) -> Result<Value, Problem> {
    let (campaign, mut shown) = app.campaigns.view(tenant, id).await?;
    let (language, now) = (language_of(headers), app.clock.unix());
    let in_doubt = shown["progress"]["in_doubt"].as_u64().unwrap_or(0);
    let waiting = app.waiting.of_campaign((&campaign, in_doubt), language, now).await;
    shown["waiting"] = waiting.map_err(|error| store_refuses(&error))?;
    let refused = campaign.refused_code().map(|code| refusal::detail(code, language));
    shown["refused_detail"] = refused.into();
    Ok(shown)
}

/// `GET /v1/campaigns/{id}/rejected`: the first thousand recipients that were not taken.
pub(super) async fn rejected(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
) -> Result<Page, Problem> {
    let rows = app.campaigns.rejected(tenant, id).await?;
    let rows = serde_json::from_str(&rows).map_err(|error| {
        tracing::error!(%error, campaign = %id, "the list of rejected recipients cannot be read");
        Problem::from(ProblemKind::Internal)
    })?;
    Ok(page(rows, None))
}

/// `POST /v1/campaigns/{id}/estimate` → 200: what it will take and cost, as audience, opt-outs and balance are now.
pub(super) async fn estimate(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
) -> Result<Json<Estimation>, Problem> {
    Ok(Json(app.campaigns.estimate(tenant, id).await?))
}

/// `POST /v1/campaigns/{id}/launch` → 202.
pub(super) async fn launch(
    State(app): State<App>,
    Reached(tenant, id): Reached,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let state = app.campaigns.launch(tenant, id).await?;
    Ok((StatusCode::ACCEPTED, moved(id, state)))
}

/// `POST /v1/campaigns/{id}/pause` → 200.
pub(super) async fn pause(State(app): State<App>, Reached(tenant, id): Reached) -> Result<Json<Value>, Problem> {
    Ok(moved(id, app.campaigns.pause(tenant, id).await?))
}

/// `POST /v1/campaigns/{id}/resume` → 200.
pub(super) async fn resume(State(app): State<App>, Reached(tenant, id): Reached) -> Result<Json<Value>, Problem> {
    Ok(moved(id, app.campaigns.resume(tenant, id).await?))
}

/// `POST /v1/campaigns/{id}/cancel` → 202: what was queued is canceled behind the answer.
pub(super) async fn cancel(
    State(app): State<App>,
    Reached(tenant, id): Reached,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let state = app.campaigns.cancel(tenant, id).await?;
    Ok((StatusCode::ACCEPTED, moved(id, state)))
}

/// `DELETE /v1/campaigns/{id}` → 204.
pub(super) async fn forget(State(app): State<App>, Reached(tenant, id): Reached) -> Result<StatusCode, Problem> {
    app.campaigns.forget(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn moved(id: CampaignId, state: CampaignState) -> Json<Value> {
    Json(json!({ "id": id.to_string(), "state": state.code() }))
}
