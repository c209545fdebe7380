//! `POST /v1/campaigns/{id}/test`: a campaign's text on the phones of those who write it.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::access::{Caller, GuestsOnly, Id};
use super::doc::{Key, Operation as Documented, Routes, Verb};
use super::fields::Fields;
use super::idempotent::Operation;
use super::problem::{Problem, ProblemCode};
use super::refusal::database_refuses;
use super::{App, shapes};
use crate::audience::{COLUMNS_MAX, VALUE_MAX, VARIANTS_MAX};
use crate::campaign::{TRIAL_MAX, TrialOrder};
use crate::domain::{CampaignId, Role};
use crate::fault::FieldProblem;

const FIELDS: [&str; 4] = ["to", "contact", "values", "variant"];

pub(super) fn routes() -> Routes {
    Routes::of("campaigns").add(
        Documented::new((Verb::Post, "/v1/campaigns/{id}/test"), Key::Tenant, "testCampaign")
            .needs(Role::Send)
            .by_teams()
            .says(
                "Send a campaign to phones of one's own",
                "Up to 5 numbers, with the values of a contact or with those that are given; what has none takes its fallback. Each is a message \
                 by itself, marked by `test_of` in the list of messages: billed as any, at the hours of the campaign's purpose, and not to who wrote \
                 STOP. The campaign stays as it is.",
            )
            .at::<CampaignId>("id", "The campaign.")
            .takes::<shapes::CampaignTrial>(json!({ "to": ["+33612345678"], "values": {} }))
            .answers::<shapes::CampaignTried>(202, "They are queued.")
            .refuses(&[
                ProblemCode::InsufficientCredit,
                ProblemCode::TextsErased,
                ProblemCode::TenantSuspended,
                ProblemCode::TrafficRejected,
                ProblemCode::TrafficInReview,
                ProblemCode::DailyMaxReached,
            ]),
        try_out,
    )
}

async fn try_out(
    State(app): State<App>,
    (Caller(tenant), GuestsOnly(guests_only), Operation(token)): (Caller, GuestsOnly, Operation),
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let to = fields.phone_numbers("to", TRIAL_MAX);
    let contact = fields.if_given("contact", |fields, name| {
        let allowed = &["con_…"];
        fields.checked(name, |id| {
            id.parse().map_err(|_| FieldProblem::UnknownValue { allowed })
        })
    });
    if fields.has("values") && contact.as_ref().is_some_and(Option::is_some) {
        fields.refuse_field("contact", FieldProblem::NotBeside { fields: &["values"] });
    }
    let values = fields.texts("values", (COLUMNS_MAX, VALUE_MAX));
    let variant = fields.whole_or("variant", (0, VARIANTS_MAX as i64), 0);
    let (Some(to), Some(contact), Some(values), Some(variant), true) =
        (to, contact, values, variant, fields.is_sound())
    else {
        return Err(fields.refusal());
    };
    let order = TrialOrder {
        to: to.into_iter().map(|(_, number)| number).collect(),
        contact,
        values,
        variant: variant as usize,
        guests_only,
    };
    let trial = app.campaigns.try_out((tenant, id), &order, token).await?;
    let marked = app.history.mark_trials((tenant, id), &trial.messages).await;
    marked.map_err(|error| database_refuses(&error))?;
    let messages: Vec<String> = trial.messages.iter().map(ToString::to_string).collect();
    let shown = json!({ "test_of": id.to_string(), "text": trial.text, "messages": messages });
    Ok((StatusCode::ACCEPTED, Json(shown)))
}
