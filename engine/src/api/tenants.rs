//! `/v1/tenants`, `/v1/tenant`, `/v1/ledger`.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Caller, Managed, Manager};
use super::doc::{Key, Operation as Documented, Routes, Verb};
use super::fields::Fields;
use super::idempotent::{Operation, Secret};
use super::known::Known;
use super::pages::{Paging, Timespan};
use super::problem::{Problem, ProblemCode, ProblemKind};
use super::refusal::store_refuses;
use super::terms::{self, TERMS};
use super::{App, Page, page, shapes};
use crate::account::{GRANT_MAX, TenantOrder, WEIGHT_MAX};
use crate::campaign::view::time;
use crate::domain::{Countries, Day, ResellerId, Role, TenantId, TermChanges, Terms, UnixMicros};
use crate::fault::FieldProblem;
use crate::mirror::{LinesOf, Movement};
use crate::store::{Credits, Tenant};

/// What may be changed of a tenant beside its terms.
const CHANGES: [&str; 4] = ["name", "weight", "countries", "cancel_answers"];

/// What may be said of a new one beside them.
const NEW: [&str; 5] = ["name", "reseller", "weight", "countries", "trial_credits"];

/// What the ledger says of credits that a tenant begins with.
const TRIAL: &str = "trial";

pub(super) fn routes() -> Routes {
    let one = (Verb::Get, "/v1/tenants/{id}");
    Routes::of("tenants")
        .add(
            Documented::new((Verb::Post, "/v1/tenants"), Key::Reseller, "createTenant")
                .needs(Role::Admin)
                .says(
                    "Make a tenant",
                    "Repeated under its `Idempotency-Key`, it gives the same tenant a further key.",
                )
                .takes::<shapes::NewTenant>(
                    json!({ "name": "Cabinet Martin", "senders": ["Cabinet"], "countries": ["FR"] }),
                )
                .answers::<shapes::MadeTenant>(201, "The tenant, with its first key.")
                .refuses(&[ProblemCode::InsufficientCredit, ProblemCode::ShortDomainTaken]),
            create,
        )
        .add(
            Documented::new((Verb::Get, "/v1/tenants"), Key::Reseller, "listTenants")
                .says(
                    "List tenants",
                    "In the order in which they were made: with a reseller's key its own, with the operator's all.",
                )
                .asks::<shapes::Paging>()
                .answers::<shapes::Page<shapes::Tenant>>(200, "A page of them."),
            list,
        )
        .add(
            Documented::new(one, Key::Reseller, "getTenant")
                .says("Show a tenant", "")
                .at::<TenantId>("id", "The tenant.")
                .answers::<shapes::Tenant>(200, "The tenant."),
            show,
        )
        .add(
            Documented::new((Verb::Patch, one.1), Key::Reseller, "changeTenant")
                .says(
                    "Change what was agreed on with a tenant",
                    "Campaigns that exist, and messages that were taken, keep what they were priced with.",
                )
                .at::<TenantId>("id", "The tenant.")
                .takes::<shapes::TenantChanges>(json!({ "brand": "Cabinet Martin", "countries": null }))
                .answers::<shapes::Tenant>(200, "The tenant as it is now.")
                .refuses(&[ProblemCode::ShortDomainTaken]),
            change,
        )
        .add(
            Documented::new((Verb::Get, "/v1/tenant"), Key::Tenant, "getOwnTenant")
                .says("Show oneself", "")
                .answers::<shapes::Tenant>(200, "The tenant whose key it is."),
            own,
        )
        .add(
            Documented::new((Verb::Get, "/v1/ledger"), Key::Tenant, "listLedger")
                .says(
                    "List the movements of credits",
                    "The newest first, to the first of all, or of a time alone.",
                )
                .asks::<shapes::LedgerWanted>()
                .answers::<shapes::Page<shapes::Movement>>(200, "Lines of the ledger."),
            ledger,
        )
}

/// `POST /v1/tenants`: `{"name", "reseller", "weight", "encoding", "tariff", "max_chars", "stop_clause", "stop_text", "senders", "brand", "countries"}`
/// → 201 with the id and the API key, which is shown this once:
/// repeated under an
/// `Idempotency-Key`, it gives the same tenant a further one.
pub(super) async fn create(
    State(app): State<App>,
    (Manager(manager), Extension(known)): (Manager, Extension<Known>),
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Extension<Secret>, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &[&NEW[..], &TERMS].concat()).await?;
    let (name, reseller, weight, terms, countries) = (
        fields.text("name"),
        host(&mut fields, manager),
        fields.whole_or("weight", (1, WEIGHT_MAX.into()), 1),
        terms::read(&mut fields),
        match fields.has("countries") {
            true => fields.countries("countries"),
            false => Some(Countries::home()),
        },
    );
    let order = new_tenant((name, reseller, weight), (terms, countries));
    let trial = fields.whole_or("trial_credits", (0, GRANT_MAX as i64), 0);
    let (Some(order), Some(trial), true) = (order, trial, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    app.accounts.can_give(manager, trial, token).await?;
    let made = app.accounts.create(order, token).await?;
    let id = made.tenant.id;
    known.object(id);
    if trial > 0 {
        known.detail("trial_credits", trial);
        app.campaigns.flagged().begin_trial(id).await?;
        app.accounts.give((manager, id), (trial, TRIAL), token).await?;
    }
    let mut view = find(&app, id).await?;
    view["api_key"] = made.api_key.into();
    Ok((StatusCode::CREATED, Extension(Secret), Json(view)))
}

/// All of it, if all was read.
fn new_tenant(
    (name, reseller, weight): (Option<String>, Option<Option<ResellerId>>, Option<i64>),
    (terms, countries): (Option<TermChanges>, Option<Countries>),
) -> Option<TenantOrder> {
    Some(TenantOrder {
        name: name?,
        reseller: reseller?,
        weight: weight?,
        terms: terms?.applied_to(Terms::default()),
        countries: countries?,
    })
}

/// Who hosts a new tenant: whoever the operator says, and a reseller those that it makes.
fn host(fields: &mut Fields, manager: Option<ResellerId>) -> Option<Option<ResellerId>> {
    let known = |text: String| {
        let given = text.parse::<ResellerId>().ok();
        let given = given.filter(|given| manager.is_none_or(|own| own == *given));
        given.ok_or(FieldProblem::UnknownReseller)
    };
    let given = fields.if_given("reseller", |fields, name| fields.checked(name, known))?;
    Some(given.or(manager))
}

/// `GET /v1/tenants`: those that the asker manages, in the order in which they were made.
pub(super) async fn list(State(app): State<App>, Manager(manager): Manager, paging: Paging) -> Result<Page, Problem> {
    let asked = (paging.cursor()?, paging.limit);
    let found = app.accounts.tenants_of(manager, asked).await?;
    let next = found.last().filter(|_| found.len() == paging.limit);
    let next = next.map(|last| last.id.to_string());
    let now = app.clock.unix();
    Ok(page(found.iter().map(|tenant| view(tenant, now)).collect(), next))
}

/// `PATCH /v1/tenants/{id}`: `{"name", "weight", "encoding", "tariff", "max_chars", "stop_clause", "stop_text", "senders", "brand",
/// "countries": ["FR", "RE"], "cancel_answers"}`, each if it is to change → 200 with the tenant; no
/// countries (`null`): it may send to all. Campaigns that exist, and messages that were taken, keep what they were priced with.
pub(super) async fn change(
    State(app): State<App>,
    (Managed(tenant), Extension(known)): (Managed, Extension<Known>),
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let changes = [&TERMS[..], &CHANGES].concat();
    let mut fields = Fields::read((&headers, body), app.clock, &changes).await?;
    let given = changes.iter().copied().filter(|field| fields.has(field));
    known.detail("changes", given.collect::<Vec<_>>());
    let changes_countries = fields.has("countries");
    if !changes.iter().any(|field| fields.has(field)) {
        fields.refuse(String::new(), FieldProblem::Empty);
    }
    let turns = (1, WEIGHT_MAX.into());
    let (terms, name, weight, countries, answers) = (
        terms::read(&mut fields),
        fields.if_given("name", |fields, name| fields.text(name)),
        fields.if_given("weight", |fields, name| fields.whole(name, turns)),
        fields.countries("countries"),
        fields.boolean("cancel_answers"),
    );
    let (Some(terms), Some(name), Some(weight), Some(countries), Some(answers), true) =
        (terms, name, weight, countries, answers, fields.is_sound())
    else {
        return Err(fields.refusal());
    };
    let text_days = terms.text_days;
    // First what may be refused: then nothing else is changed.
    if terms.are_some() {
        app.accounts.change_terms(tenant, terms).await?;
        app.campaigns.forget_hours(tenant);
    }
    if let Some(name) = name {
        app.accounts.rename_tenant(tenant, &name).await?;
    }
    if let Some(days) = text_days {
        let kept = app.campaigns.keep_texts(tenant, days).await;
        kept.map_err(|error| store_refuses(&error))?;
    }
    if let Some(weight) = weight {
        app.accounts.change_weight(tenant, weight).await?;
    }
    if changes_countries {
        app.accounts.set_countries(tenant, &countries).await?;
    }
    if let Some(answers) = answers {
        app.accounts.set_cancel_answers(tenant, answers).await?;
    }
    find(&app, tenant).await.map(Json)
}

/// `GET /v1/tenants/{id}`, for whoever manages it.
pub(super) async fn show(State(app): State<App>, Managed(tenant): Managed) -> Result<Json<Value>, Problem> {
    find(&app, tenant).await.map(Json)
}

/// `GET /v1/tenant`: the caller.
pub(super) async fn own(State(app): State<App>, Caller(tenant): Caller) -> Result<Json<Value>, Problem> {
    find(&app, tenant).await.map(Json)
}

/// `GET /v1/ledger`: the movements of the caller's credits, newest first.
pub(super) async fn ledger(
    State(app): State<App>,
    Caller(tenant): Caller,
    Timespan { paging, between }: Timespan,
) -> Result<Page, Problem> {
    let of = LinesOf { tenant, between };
    let lines = app.accounts.ledger(of, paging.cursor()?, paging.limit).await?;
    let next = lines.last().filter(|_| lines.len() == paging.limit);
    let next = next.map(|line| line.place.to_string());
    Ok(page(lines.iter().map(movement).collect(), next))
}

/// A tenant as it is shown.
///
/// # Errors
/// There is none, or the store does not answer.
pub(super) async fn find(app: &App, id: TenantId) -> Result<Value, Problem> {
    let tenant = app.accounts.tenant(id).await.map_err(|error| store_refuses(&error))?;
    let tenant = tenant.ok_or(Problem::from(ProblemKind::NotFound))?;
    Ok(view(&tenant, app.clock.unix()))
}

pub(super) fn view(tenant: &Tenant, now: UnixMicros) -> Value {
    let today = Day::of(now, &tenant.terms.time_zone).name;
    let (last_day, taken) = &tenant.last_day;
    let taken = if *last_day == today { *taken } else { 0 };
    let mut shown = json!({
        "id": tenant.id.to_string(),
        "name": tenant.name,
        "sandbox": tenant.id.is_sandbox(),
        "reseller": tenant.reseller.map(|reseller| reseller.to_string()),
        "weight": tenant.weight,
        "countries": (!tenant.countries.is_all()).then(|| tenant.countries.codes()),
        "cancel_answers": tenant.cancel_answers,
        "suspended": tenant.suspension.as_ref().map(|suspension| json!({
            "since": time(suspension.since),
            "reason": suspension.reason,
        })),
        "today": { "day": today, "messages": taken },
        "credits": credits(&tenant.credits),
        "created_at": time(tenant.created_at),
    });
    terms::show(&tenant.terms, &mut shown);
    shown
}

pub(super) fn credits(credits: &Credits) -> Value {
    json!({
        "granted": credits.granted,
        "withdrawn": credits.withdrawn,
        "available": credits.available,
        "held": credits.held,
        "spent": credits.spent,
        "recredited": credits.recredited,
    })
}

fn movement(line: &Movement) -> Value {
    let mut shown = json!({ "type": line.kind, "credits": line.credits, "at": time(UnixMicros(line.at)) });
    if let Some((from, to)) = line.accounts {
        (shown["from"], shown["to"]) = (from.code().into(), to.code().into());
    }
    match line.campaign {
        Some(campaign) => shown["campaign"] = campaign.to_string().into(),
        None => shown["reference"] = line.reference.as_str().into(),
    }
    shown
}
