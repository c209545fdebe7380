//! `POST /v1/campaigns/{id}/rate`: how fast a campaign goes at most, also while it runs.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::access::Reached;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Problem, ProblemCode};
use super::{App, shapes};
use crate::audience::parse_rate;
use crate::domain::{CampaignId, Role};

pub(super) fn routes() -> Routes {
    Routes::of("campaigns").add(
        Operation::new((Verb::Post, "/v1/campaigns/{id}/rate"), Key::Tenant, "setCampaignRate")
            .needs(Role::Send)
            .by_teams()
            .says(
                "Have a campaign go slower or faster",
                "Before its launch, and while it runs or is paused. So many of its messages begin in that time at most, over all engines and \
                 SMSCs; what an SMSC did not take is tried again beside it.",
            )
            .at::<CampaignId>("id", "The campaign.")
            .takes::<shapes::CampaignRate>(json!({ "rate": "30/min" }))
            .answers::<shapes::RateSet>(200, "Its rate from now on.")
            .refuses(&[ProblemCode::WrongState]),
        set,
    )
}

/// `{"rate": "5/s"}`; `null`: as fast as it can.
pub(super) async fn set(
    State(app): State<App>,
    Reached(tenant, id): Reached,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["rate"]).await?;
    let given = fields.text_or_null("rate");
    let rate = match given.flatten().map(|text| parse_rate(&text)).transpose() {
        Ok(rate) => rate,
        Err(problem) => {
            fields.refuse("/rate".to_owned(), problem);
            None
        }
    };
    if !fields.is_sound() {
        return Err(fields.refusal());
    }
    let campaign = app.campaigns.set_rate((tenant, id), rate).await?;
    Ok(Json(json!({
        "id": id.to_string(),
        "state": campaign.state.code(),
        "rate": campaign.rate.map(|rate| rate.to_string()),
    })))
}
