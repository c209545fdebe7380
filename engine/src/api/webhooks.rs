//! `/v1/webhooks`: where a tenant is told of what happens.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation as Documented, Routes, Verb};
use super::fields::Fields;
use super::idempotent::{Operation, Secret};
use super::pages::DeliveryListing;
use super::problem::{Problem, ProblemKind};
use super::refusal::{database_refuses, store_refuses};
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::domain::{DeliveryId, EndpointId};
use crate::fault::{FieldFault, FieldProblem};
use crate::webhooks::{
    Changes, DESCRIPTION_MAX, Delivery, DeliveryState, Endpoint, EndpointFault, FILTERS, WebhookFault,
};

pub(super) fn routes() -> Routes {
    endpoints().and(deliveries_of())
}

fn endpoints() -> Routes {
    let (all, one) = ("/v1/webhooks", "/v1/webhooks/{id}");
    Routes::of("webhooks")
        .add(
            Documented::new((Verb::Post, all), Key::Tenant, "createWebhook")
                .says(
                    "Be told of what happens",
                    "By POSTs to an address, signed as Standard Webhooks asks for it.",
                )
                .takes::<shapes::NewWebhook>(json!({ "url": "https://example.org/sms", "events": ["message.*"] }))
                .answers::<shapes::WebhookWithSecret>(201, "The endpoint, with its secret, which is shown this once."),
            create,
        )
        .add(
            Documented::new((Verb::Get, all), Key::Tenant, "listWebhooks")
                .says("List endpoints", "The oldest first.")
                .answers::<shapes::Page<shapes::Webhook>>(200, "All of them."),
            list,
        )
        .add(
            Documented::new((Verb::Get, one), Key::Tenant, "getWebhook")
                .says("Show an endpoint", "")
                .at::<EndpointId>("id", "The endpoint.")
                .answers::<shapes::Webhook>(200, "The endpoint."),
            show,
        )
        .add(
            Documented::new((Verb::Patch, one), Key::Tenant, "changeWebhook")
                .says(
                    "Change an endpoint",
                    "`enabled` takes up again one that was disabled after days of failure.",
                )
                .at::<EndpointId>("id", "The endpoint.")
                .takes::<shapes::WebhookChanges>(json!({ "description": "Fiches patients" }))
                .answers::<shapes::Webhook>(200, "The endpoint as it is now."),
            change,
        )
        .add(
            Documented::new((Verb::Delete, one), Key::Tenant, "deleteWebhook")
                .says("Be told no more", "What waited for it is gone.")
                .at::<EndpointId>("id", "The endpoint.")
                .answers_nothing(204, "It is gone."),
            remove,
        )
}

fn deliveries_of() -> Routes {
    let all = "/v1/webhooks/{id}/deliveries";
    Routes::of("webhooks")
        .add(
            Documented::new(
                (Verb::Post, "/v1/webhooks/{id}/rotate"),
                Key::Tenant,
                "rotateWebhookSecret",
            )
            .says(
                "Another secret",
                "The one before signs as well until `former_secret_until`; those before that, until it was said of each.",
            )
            .at::<EndpointId>("id", "The endpoint.")
            .answers::<shapes::WebhookWithSecret>(200, "The endpoint, with the new secret, which is shown this once."),
            rotate,
        )
        .add(
            Documented::new((Verb::Post, "/v1/webhooks/{id}/test"), Key::Tenant, "testWebhook")
                .says("Post a `webhook.test` now", "")
                .at::<EndpointId>("id", "The endpoint.")
                .answers::<shapes::Tested>(200, "What became of it."),
            test,
        )
        .add(
            Documented::new((Verb::Get, all), Key::Tenant, "listDeliveries")
                .says("List what an endpoint was and is to be told", "The newest first.")
                .at::<EndpointId>("id", "The endpoint.")
                .asks::<shapes::DeliveriesWanted>()
                .answers::<shapes::Page<shapes::Delivery>>(200, "A page of them."),
            deliveries,
        )
        .add(
            Documented::new(
                (Verb::Post, "/v1/webhooks/{id}/deliveries/{delivery}/replay"),
                Key::Tenant,
                "replayDelivery",
            )
            .says("Tell something once more", "Under the same `webhook-id`.")
            .at::<EndpointId>("id", "The endpoint.")
            .at::<DeliveryId>("delivery", "What it was told.")
            .answers::<shapes::Replayed>(202, "It waits."),
            replay,
        )
}

/// `POST /v1/webhooks`: `{"url", "events": ["message.*"], "description"}` → 201 with the secret, which is shown this once.
pub(super) async fn create(
    State(app): State<App>,
    (Caller(tenant), Operation(token)): (Caller, Operation),
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Extension<Secret>, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["url", "events", "description"]).await?;
    let (url, filters, description) = (fields.text("url"), filters(&mut fields), description(&mut fields));
    let (Some(url), Some(filters), Some(description), true) = (url, filters, description, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let changes = Changes {
        url: Some(url),
        filters: Some(filters),
        description,
        enabled: None,
    };
    let made = app.webhooks.create(tenant, token, changes).await?;
    Ok((StatusCode::CREATED, Extension(Secret), Json(with_secret(&app, &made))))
}

/// `GET /v1/webhooks`: all of the tenant's, oldest first.
pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let all = app.webhooks.list(tenant).await?;
    Ok(page(all.iter().map(|endpoint| view(&app, endpoint)).collect(), None))
}

/// `GET /v1/webhooks/{id}`.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<EndpointId>,
) -> Result<Json<Value>, Problem> {
    let endpoint = app.webhooks.find(tenant, id).await?;
    Ok(Json(view(&app, &endpoint)))
}

/// `PATCH /v1/webhooks/{id}`: `{"url", "events", "description", "enabled"}`, each if it is to change → 200 with the endpoint.
pub(super) async fn change(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<EndpointId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let known = ["url", "events", "description", "enabled"];
    let mut fields = Fields::read((&headers, body), app.clock, &known).await?;
    if !known.iter().any(|field| fields.has(field)) {
        fields.refuse(String::new(), FieldProblem::Empty);
    }
    let url = fields.has("url").then(|| fields.text("url")).flatten();
    let events = fields.has("events").then(|| filters(&mut fields)).flatten();
    let (description, enabled) = (description(&mut fields), fields.boolean("enabled"));
    let (Some(description), Some(enabled), true) = (description, enabled, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let changes = Changes {
        url,
        filters: events,
        description,
        enabled,
    };
    let changed = app.webhooks.change(tenant, id, changes).await?;
    Ok(Json(view(&app, &changed)))
}

/// `DELETE /v1/webhooks/{id}` → 204: nothing is sent to it any more, and what waited for it is gone.
pub(super) async fn remove(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<EndpointId>,
) -> Result<StatusCode, Problem> {
    app.webhooks.remove(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/webhooks/{id}/rotate` → 200 with another secret, which is shown this once; the one before signs as well until
/// `former_secret_until`.
pub(super) async fn rotate(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<EndpointId>,
) -> Result<(Extension<Secret>, Json<Value>), Problem> {
    let rotated = app.webhooks.rotate(tenant, id).await?;
    Ok((Extension(Secret), Json(with_secret(&app, &rotated))))
}

/// `POST /v1/webhooks/{id}/test` → 200 with what became of a `webhook.test` that was posted now.
pub(super) async fn test(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<EndpointId>,
) -> Result<Json<Value>, Problem> {
    let tested = app.webhooks.test(tenant, id).await?;
    Ok(Json(json!({
        "delivered": tested.delivered,
        "code": tested.code,
        "fault": tested.fault,
        "milliseconds": tested.milliseconds,
    })))
}

/// `GET /v1/webhooks/{id}/deliveries`: what it was and is to be told, newest first.
pub(super) async fn deliveries(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<EndpointId>,
    DeliveryListing { paging, state }: DeliveryListing,
) -> Result<Page, Problem> {
    let page_of = (paging.cursor()?, paging.limit);
    let found = app.webhooks.deliveries((tenant, id), state, page_of).await?;
    let next = found
        .last()
        .filter(|_| found.len() == paging.limit)
        .map(|last| last.id.to_string());
    Ok(page(found.iter().map(delivery).collect(), next))
}

/// `POST /v1/webhooks/{id}/deliveries/{delivery}/replay` → 202: it is told once more, under the same `webhook-id`.
pub(super) async fn replay(
    State(app): State<App>,
    Caller(tenant): Caller,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let not_found = || Problem::from(ProblemKind::NotFound);
    let id: EndpointId = id.parse().map_err(|_| not_found())?;
    let delivery: DeliveryId = delivery.parse().map_err(|_| not_found())?;
    app.webhooks.replay((tenant, id), delivery).await?;
    let state = DeliveryState::Waiting.into_str();
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "id": delivery.to_string(), "state": state })),
    ))
}

fn filters(fields: &mut Fields) -> Option<Vec<String>> {
    if fields.is_null("events") {
        fields.refuse_field("events", FieldProblem::Empty);
        return None;
    }
    fields.checked_list("events", FILTERS.len(), |filter| match FILTERS.contains(&filter) {
        true => Ok(filter.to_owned()),
        false => Err(FieldProblem::UnknownValue { allowed: &FILTERS }),
    })
}

/// `Some(None)`: it is not there.
fn description(fields: &mut Fields) -> Option<Option<String>> {
    if !fields.has("description") {
        return Some(None);
    }
    let text = fields.text_or("description", "")?;
    let given = text.chars().count();
    if given > DESCRIPTION_MAX {
        let max = DESCRIPTION_MAX;
        fields.refuse("/description".to_owned(), FieldProblem::TooLong { max, given });
    }
    Some(Some(text))
}

fn with_secret(app: &App, endpoint: &Endpoint) -> Value {
    let mut shown = view(app, endpoint);
    shown["secret"] = endpoint.secret().into();
    shown
}

fn view(app: &App, endpoint: &Endpoint) -> Value {
    let now = app.clock.unix();
    json!({
        "id": endpoint.id.to_string(),
        "url": endpoint.url,
        "events": endpoint.filters,
        "description": endpoint.description,
        "enabled": endpoint.disabled.is_none(),
        "disabled_at": endpoint.disabled.and_then(|(at, _)| time(at)),
        "disabled_for": endpoint.disabled.map(|(_, reason)| reason.into_str()),
        "failures": endpoint.failures,
        "failing_since": endpoint.failing_since.and_then(time),
        "next_attempt_at": Some(endpoint.resting_until).filter(|at| *at > now).and_then(time),
        "waiting": app.webhooks.waiting(endpoint.id),
        "dropped_events": endpoint.dropped,
        "former_secret_until": endpoint.former_until().filter(|until| *until > now).and_then(time),
        "created_at": time(endpoint.created_at),
    })
}

fn delivery(delivery: &Delivery) -> Value {
    let waits = delivery.state == DeliveryState::Waiting;
    json!({
        "id": delivery.id.to_string(),
        "kind": delivery.kind.into_str(),
        "events": delivery.events,
        "state": delivery.state.into_str(),
        "created_at": time(delivery.created_at),
        "attempts": delivery.attempts,
        "attempted_at": delivery.attempted_at.and_then(time),
        "code": delivery.code,
        "fault": delivery.fault,
        "milliseconds": delivery.milliseconds,
        "next_attempt_at": Some(delivery.next_at).filter(|_| waits).and_then(time),
    })
}

impl From<EndpointFault> for Problem {
    fn from(fault: EndpointFault) -> Self {
        let of_field = |pointer, problem| Self::of_fields(vec![FieldFault::new(pointer, problem)]);
        match fault {
            EndpointFault::NotFound => ProblemKind::NotFound.into(),
            EndpointFault::TooMany { max } => of_field("", FieldProblem::TooMany { max: max as usize }),
            EndpointFault::Url(problem) => of_field("/url", FieldProblem::Url(problem)),
            EndpointFault::NoRandom(error) => {
                tracing::error!(%error, "no secret could be made");
                ProblemKind::Internal.into()
            }
            EndpointFault::Webhook(WebhookFault::Store(error)) => store_refuses(&error),
            EndpointFault::Webhook(WebhookFault::Database(error)) => database_refuses(&error),
            EndpointFault::Webhook(error @ (WebhookFault::Tls(_) | WebhookFault::ToldElsewhere)) => {
                tracing::error!(%error, "a request could not be served");
                ProblemKind::Internal.into()
            }
        }
    }
}
