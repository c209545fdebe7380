//! `PATCH /v1/campaigns/{id}`: a draft is edited in place.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use serde_json::json;

use super::access::Reached;
use super::campaigns::shown;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Problem, ProblemCode, ProblemKind};
use super::{App, shapes};
use crate::audience::BODY_FIELDS;
use crate::campaign::CampaignFault;
use crate::domain::{CampaignId, Role};

pub(super) fn routes() -> Routes {
    Routes::of("campaigns").add(
        Operation::new((Verb::Patch, "/v1/campaigns/{id}"), Key::Tenant, "editCampaign")
            .needs(Role::Send)
            .by_teams()
            .says(
                "Edit a draft",
                "What is given stands for what the campaign says, `null` takes away what it may be without, and the rest stays: wholly or not \
                 at all. All of it is looked at as that of a new one. Of recipients that were given with the campaign, each message is priced \
                 anew where it says something else; these recipients, `purpose` and `field_lengths`, by which they were taken, do not \
                 change. One that is planned is no draft: its date is taken back first.",
            )
            .at::<CampaignId>("id", "The campaign: a draft, or one that lacked credits at its launch, which is a draft then.")
            .takes::<shapes::CampaignEdit>(json!({
                "text": "Bonjour, votre vaccin est à renouveler. Cabinet Martin",
                "rate": "30/min",
                "expires_at": null,
            }))
            .answers::<shapes::Campaign>(200, "The campaign as it is now.")
            .speaks()
            .refuses(&[
                ProblemCode::NotADraft,
                ProblemCode::TextsErased,
                ProblemCode::TenantSuspended,
                ProblemCode::TooManyRecipients,
            ]),
        edit,
    )
}

/// Whatever of a campaign's order is there → 200 with the campaign.
pub(super) async fn edit(
    State(app): State<App>,
    Reached(tenant, id): Reached,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let fields = Fields::read((&headers, body), app.clock, &BODY_FIELDS).await?;
    // What came between would be something else than what was looked at.
    let once = headers.contains_key(header::IF_MATCH);
    match app.campaigns.edit((tenant, id), fields.all()?, once).await {
        Err(CampaignFault::Edited) if once => return Err(ProblemKind::PreconditionFailed.into()),
        edited => edited?,
    }
    let shown = shown(&app, (tenant, id), &headers).await?;
    Ok(([(header::VARY, "accept-language")], Json(shown)))
}
