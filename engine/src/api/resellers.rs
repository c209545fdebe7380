//! `/v1/resellers`: who hosts tenants.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Hosting, Operator};
use super::doc::{Key, Operation as Documented, Routes, Verb};
use super::fields::Fields;
use super::idempotent::{Operation, Secret};
use super::known::Known;
use super::pages::Paging;
use super::problem::Problem;
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::compose::is_seen;
use crate::domain::{ResellerId, Role};
use crate::fault::FieldProblem;
use crate::flagged::{FIRST_CAMPAIGNS, HoldFirst, NAME_MAX, NAMES_MAX, ReviewChanges};
use crate::mirror::Reseller;

pub(super) fn routes() -> Routes {
    let all = "/v1/resellers";
    Routes::of("resellers")
        .add(
            Documented::new((Verb::Post, all), Key::Operator, "createReseller")
                .says(
                    "Make a reseller",
                    "Repeated under its `Idempotency-Key`, it gives the same reseller a further key.",
                )
                .takes::<shapes::NewReseller>(json!({ "name": "Ostéo Réseau" }))
                .answers::<shapes::MadeReseller>(201, "The reseller, with its first key."),
            create,
        )
        .add(
            Documented::new((Verb::Get, all), Key::Operator, "listResellers")
                .says("List resellers", "In the order in which they were made.")
                .asks::<shapes::Paging>()
                .answers::<shapes::Page<shapes::Reseller>>(200, "A page of them."),
            list,
        )
        .add(
            Documented::new((Verb::Get, "/v1/resellers/{id}"), Key::Reseller, "getReseller")
                .says("Show a reseller", "")
                .at::<ResellerId>("id", "The reseller; with its own key, itself.")
                .answers::<shapes::Reseller>(200, "The reseller."),
            show,
        )
        .add(
            Documented::new((Verb::Patch, "/v1/resellers/{id}"), Key::Reseller, "changeReseller")
                .needs(Role::Admin)
                .says(
                    "Say what a reseller is called, what it looks at, and which names it protects",
                    "What waits until it was looked at is in `/v1/flagged`.",
                )
                .at::<ResellerId>("id", "The reseller; with its own key, itself.")
                .takes::<shapes::ResellerChanges>(json!({ "hold_flagged": true, "first_campaigns": 5 }))
                .answers::<shapes::Reseller>(200, "The reseller as it is now."),
            change,
        )
}

/// `POST /v1/resellers`: `{"name"}` → 201 with the id and the API key, which is shown this once.
async fn create(
    State(app): State<App>,
    (_, Operation(token), Extension(known)): (Operator, Operation, Extension<Known>),
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Extension<Secret>, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["name"]).await?;
    let (Some(name), true) = (fields.text("name"), fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let (made, api_key) = app.accounts.make_reseller(&name, token).await?;
    known.object(made.id);
    let mut shown = find(&app, made.id).await?;
    shown["api_key"] = api_key.into();
    Ok((StatusCode::CREATED, Extension(Secret), Json(shown)))
}

async fn list(State(app): State<App>, _: Operator, paging: Paging) -> Result<Page, Problem> {
    let found = app.accounts.resellers(paging.cursor()?, paging.limit).await?;
    let next = found.last().filter(|_| found.len() == paging.limit);
    let next = next.map(|last| last.id.to_string());
    let mut rows = Vec::with_capacity(found.len());
    for reseller in &found {
        rows.push(view(&app, reseller).await?);
    }
    Ok(page(rows, next))
}

async fn show(State(app): State<App>, Hosting(reseller): Hosting) -> Result<Json<Value>, Problem> {
    find(&app, reseller).await.map(Json)
}

/// `PATCH /v1/resellers/{id}`: `{"name", "hold_flagged", "hold_unusual", "hold_first", "first_campaigns", "protected_senders"}`
async fn change(
    State(app): State<App>,
    Hosting(reseller): Hosting,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    const FIELDS: [&str; 6] = [
        "name",
        "hold_flagged",
        "hold_unusual",
        "hold_first",
        "first_campaigns",
        "protected_senders",
    ];
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let given = FIELDS.iter().any(|name| fields.has(name));
    let called = fields.if_given("name", |fields, name| fields.text(name));
    let hold_flagged = fields.boolean("hold_flagged");
    let hold_unusual = fields.boolean("hold_unusual");
    let hold_first = fields.if_given("hold_first", |fields, name| fields.word(name, &HoldFirst::CODES));
    let first = fields.if_given("first_campaigns", |fields, name| fields.whole(name, FIRST_CAMPAIGNS));
    let names = fields.if_given("protected_senders", |fields, field| {
        fields.checked_list(field, NAMES_MAX, name)
    });
    if !given && fields.is_sound() {
        fields.refuse(String::new(), FieldProblem::Empty);
    }
    let (Some(called), Some(hold_flagged), Some(hold_unusual), Some(hold_first)) =
        (called, hold_flagged, hold_unusual, hold_first)
    else {
        return Err(fields.refusal());
    };
    let (Some(first), Some(protected_senders), true) = (first, names, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    match called {
        Some(name) => app.accounts.rename_reseller(reseller, &name).await?,
        None => drop(app.accounts.reseller(reseller).await?),
    }
    let changes = ReviewChanges {
        hold_flagged,
        hold_unusual,
        hold_first,
        first_campaigns: first.map(|first| first as u32),
        protected_senders,
    };
    app.campaigns.flagged().set_rules(reseller, changes).await?;
    find(&app, reseller).await.map(Json)
}

/// A name that people would see something in.
fn name(text: &str) -> Result<String, FieldProblem> {
    let name = text.trim();
    let (given, max) = (name.chars().count(), NAME_MAX);
    if given > max {
        return Err(FieldProblem::TooLong { max, given });
    }
    match is_seen(name) {
        true => Ok(name.to_owned()),
        false => Err(FieldProblem::Empty),
    }
}

/// A reseller as it is shown.
pub(super) async fn find(app: &App, id: ResellerId) -> Result<Value, Problem> {
    let reseller = app.accounts.reseller(id).await?;
    view(app, &reseller).await
}

async fn view(app: &App, reseller: &Reseller) -> Result<Value, Problem> {
    let balance = app.accounts.balance(reseller.id).await?;
    let rules = app.campaigns.flagged().rules(reseller.id).await?;
    Ok(json!({
        "id": reseller.id.to_string(),
        "name": reseller.name,
        "credits": { "granted": balance.granted.saturating_sub(balance.withdrawn), "withdrawn": balance.withdrawn, "available": balance.available },
        "hold_flagged": rules.hold_flagged,
        "hold_unusual": rules.hold_unusual,
        "hold_first": rules.hold_first.code(),
        "first_campaigns": rules.first_campaigns,
        "protected_senders": Some(rules.protected_senders).filter(|names| !names.is_empty()),
        "created_at": time(reseller.created_at),
    }))
}
