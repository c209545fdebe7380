//! Whom campaigns did not reach: marked by hand, by rule, and held for reachable again.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::contacts;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::Problem;
use super::refusal::database_refuses;
use super::{App, shapes};
use crate::campaign::Cleaned;
use crate::domain::{CampaignId, ContactId};
use crate::fault::FieldProblem;
use crate::people::{CleaningRule, SOFT_AFTER_MAX};

/// A body of one word.
const BODY_MAX: u64 = 4_096;

pub(super) fn routes() -> Routes {
    let rule = "/v1/cleaning-rule";
    Routes::of("contacts")
        .add(
            Operation::new((Verb::Post, "/v1/campaigns/{id}/clean"), Key::Tenant, "cleanCampaign")
                .says(
                    "Mark the contacts whose number nobody has",
                    "As far as the messages of the campaign say so by now; again, it marks those that were seen since. Campaigns leave marked \
                     contacts out. A mark goes when another number is given, when a later message is delivered, or by hand.",
                )
                .at::<CampaignId>("id", "The campaign.")
                .takes_if_any::<shapes::Cleaning>(json!({ "dry_run": true }))
                .answers::<Cleaned>(200, "How many they are."),
            clean,
        )
        .add(
            Operation::new((Verb::Post, "/v1/contacts/{id}/reachable"), Key::Tenant, "holdReachable")
                .says(
                    "Hold a contact's number for reachable again",
                    "What was seen of it until now counts no more.",
                )
                .at::<ContactId>("id", "The contact.")
                .answers::<shapes::Contact>(200, "The contact, without the mark."),
            hold_reachable,
        )
        .add(
            Operation::new((Verb::Get, rule), Key::Tenant, "getCleaningRule")
                .says("Show what is done at the end of each campaign", "")
                .answers::<shapes::CleaningRule>(200, "The rule; nothing is done, unless it says so."),
            show,
        )
        .add(
            Operation::new((Verb::Put, rule), Key::Tenant, "setCleaningRule")
                .says(
                    "Say what is done at the end of each campaign",
                    "It counts for campaigns that are launched from then on: once for each, when all its messages have ended, or a day after \
                     its launch.",
                )
                .takes::<shapes::GivenCleaningRule>(json!({ "hard": true, "soft_after": 3 }))
                .answers::<shapes::CleaningRule>(200, "The rule."),
            set,
        )
}

/// `POST /v1/campaigns/{id}/clean`: `{"dry_run": true}`, or nothing.
pub(super) async fn clean(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Cleaned>, Problem> {
    let mut fields = Fields::read_if_any((&headers, body), (app.clock, BODY_MAX), &["dry_run"]).await?;
    let (Some(dry), true) = (fields.boolean("dry_run"), fields.is_sound()) else {
        return Err(fields.refusal());
    };
    Ok(Json(app.campaigns.clean(tenant, id, dry.unwrap_or(false)).await?))
}

/// `POST /v1/contacts/{id}/reachable`.
pub(super) async fn hold_reachable(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ContactId>,
) -> Result<Json<Value>, Problem> {
    app.people.hold_reachable(tenant, id).await?;
    Ok(Json(contacts::one(&app, tenant, id).await?))
}

/// `GET /v1/cleaning-rule`.
pub(super) async fn show(State(app): State<App>, Caller(tenant): Caller) -> Result<Json<Value>, Problem> {
    let rule = app.people.cleaning_rule(tenant).await;
    Ok(Json(view(&rule.map_err(|error| database_refuses(&error))?)))
}

/// `PUT /v1/cleaning-rule`: `{"hard": true, "soft_after": 3}`.
pub(super) async fn set(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["hard", "soft_after"]).await?;
    let hard = match fields.boolean("hard") {
        Some(None) => {
            fields.refuse_field("hard", FieldProblem::Missing);
            None
        }
        read => read.flatten(),
    };
    let soft_after = match fields.is_null("soft_after") {
        true => Some(None),
        false => fields.whole("soft_after", (1, SOFT_AFTER_MAX.into())).map(Some),
    };
    let (Some(hard), Some(soft_after), true) = (hard, soft_after, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let soft_after = soft_after.and_then(|after| u32::try_from(after).ok());
    let rule = app.people.set_cleaning_rule(tenant, (hard, soft_after)).await;
    Ok(Json(view(&rule.map_err(|error| database_refuses(&error))?)))
}

fn view(rule: &CleaningRule) -> Value {
    json!({ "hard": rule.hard, "soft_after": rule.soft_after })
}
