//! `/v1/numbers`: a tenant's numbers, and what it asks for; `/v1/inventory`: all that a reseller, or the operator, has to give.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Caller, Id, Managed, Manager, Operator};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::known::Known;
use super::problem::{Problem, ProblemCode, ProblemKind};
use super::refusal::{database_refuses, store_refuses};
use super::{App, Page, page, shapes};
use crate::account::AccountFault;
use crate::campaign::view::time;
use crate::config::OwnNumber;
use crate::domain::{Country, NumberId, NumberRequestId, ResellerId, Role, TenantId};
use crate::fault::{FieldFault, FieldProblem};
use crate::numbers::{NOTE_MAX, NewNumber, NumberFault, NumberKind, NumberRequest, OPEN_MAX, OurNumber, PRICE_MAX};

pub(super) fn routes() -> Routes {
    own().and(inventory()).and(requests())
}

fn own() -> Routes {
    Routes::of("numbers")
        .add(
            Operation::new((Verb::Get, "/v1/numbers"), Key::Tenant, "listNumbers")
                .says(
                    "List one's numbers",
                    "Messages may go from each, and people may write to those with `two_way`.",
                )
                .answers::<shapes::Page<shapes::OwnNumber>>(200, "All of them."),
            list_own,
        )
        .add(
            Operation::new((Verb::Post, "/v1/number_requests"), Key::Tenant, "askForNumber")
                .not_in_sandbox()
                .says(
                    "Ask for a number",
                    "The reseller, or the operator, gives one or says why not.",
                )
                .takes::<shapes::NewNumberRequest>(
                    json!({ "kind": "long_number", "country": "FR", "note": "Pour les rappels." }),
                )
                .answers::<shapes::NumberRequest>(201, "The request."),
            ask,
        )
        .add(
            Operation::new((Verb::Get, "/v1/number_requests"), Key::Tenant, "listNumberRequests")
                .says("List what was asked for", "The newest first, 500 at most.")
                .answers::<shapes::Page<shapes::NumberRequest>>(200, "All of them."),
            list_requests,
        )
}

fn inventory() -> Routes {
    let all = "/v1/inventory";
    Routes::of("numbers")
        .add(
            Operation::new((Verb::Post, all), Key::Operator, "keepNumber")
                .says(
                    "Keep a number",
                    "One that is known is changed. Those of the configuration's `[[number]]` stand before these.",
                )
                .takes::<shapes::NewNumber>(json!({ "number": "+33644630001", "country": "FR", "monthly_price": 500 }))
                .answers::<shapes::Number>(201, "The number."),
            keep,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Reseller, "listInventory")
                .says(
                    "List numbers",
                    "With a reseller's key its own, with the operator's all.",
                )
                .answers::<shapes::Page<shapes::Number>>(200, "All of them."),
            list,
        )
        .add(
            Operation::new((Verb::Delete, "/v1/inventory/{id}"), Key::Operator, "forgetNumber")
                .says("Forget a number", "What is written to it is nobody's from then on.")
                .at::<NumberId>("id", "The number.")
                .answers_nothing(204, "It is forgotten."),
            forget,
        )
        .add(
            Operation::new(
                (Verb::Put, "/v1/tenants/{id}/numbers/{number}"),
                Key::Reseller,
                "assignNumber",
            )
            .needs(Role::Admin)
            .says(
                "Give a tenant a number",
                "Several tenants may share one: a keyword says for whom a message is, or who wrote last.",
            )
            .at::<TenantId>("id", "The tenant.")
            .at::<NumberId>("number", "The number.")
            .answers::<shapes::Number>(200, "The number, with those who have it."),
            assign,
        )
        .add(
            Operation::new(
                (Verb::Delete, "/v1/tenants/{id}/numbers/{number}"),
                Key::Reseller,
                "takeNumber",
            )
            .needs(Role::Admin)
            .says("Take a number from a tenant", "")
            .at::<TenantId>("id", "The tenant.")
            .at::<NumberId>("number", "The number.")
            .answers::<shapes::Number>(200, "The number, with those who still have it."),
            take,
        )
}

fn requests() -> Routes {
    Routes::of("numbers")
        .add(
            Operation::new(
                (Verb::Get, "/v1/tenants/{id}/number_requests"),
                Key::Reseller,
                "listNumberRequestsOf",
            )
            .says("List what a tenant has asked for", "The newest first, 500 at most.")
            .at::<TenantId>("id", "The tenant.")
            .answers::<shapes::Page<shapes::NumberRequest>>(200, "All of them."),
            list_requests_of,
        )
        .add(
            Operation::new(
                (Verb::Post, "/v1/tenants/{id}/number_requests/{request}/answer"),
                Key::Reseller,
                "answerNumberRequest",
            )
            .needs(Role::Admin)
            .says(
                "Answer a request for a number",
                "With a number, which the tenant has from then on, or without one.",
            )
            .at::<TenantId>("id", "The tenant.")
            .at::<NumberRequestId>("request", "The request.")
            .takes::<shapes::NumberAnswer>(json!({ "answer": "Aucun numéro court n'est libre." }))
            .answers::<shapes::NumberRequest>(200, "The request as it is now.")
            .refuses(&[ProblemCode::RequestAnswered]),
            answer,
        )
}

pub(super) async fn list_own(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let kept = app.numbers.of_tenant(tenant.live()).await;
    let kept = kept.map_err(|error| database_refuses(&error))?;
    let configured = app.numbers.configured_for(tenant.live());
    let known = |number: &OwnNumber| kept.iter().any(|kept| kept.number == *number);
    let mut rows: Vec<Value> = configured
        .iter()
        .filter(|number| !known(number))
        .map(|number| {
            json!({
                "number": number.to_string(), "kind": kind(number), "country": null, "two_way": true, "shared": false,
                "monthly_price": null,
            })
        })
        .collect();
    rows.extend(kept.iter().map(|number| {
        json!({
            "number": number.number.to_string(),
            "kind": kind(&number.number),
            "country": number.country.to_string(),
            "two_way": number.two_way,
            "shared": number.tenants.len() > 1,
            "monthly_price": number.monthly_price,
        })
    }));
    Ok(page(rows, None))
}

/// `{"kind", "country", "two_way", "note"}` → 201.
pub(super) async fn ask(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["kind", "country", "two_way", "note"]).await?;
    let (kind, country) = (
        fields.word::<NumberKind>("kind", &NumberKind::CODES),
        country(&mut fields),
    );
    let (two_way, note) = (fields.boolean("two_way"), note(&mut fields, "note"));
    let (Some(kind), Some(country), Some(two_way), Some(note), true) =
        (kind, country, two_way, note, fields.is_sound())
    else {
        return Err(fields.refusal());
    };
    let wanted = (kind, country, two_way.unwrap_or(true));
    let request = app.numbers.ask(tenant, wanted, &note).await?;
    Ok((StatusCode::CREATED, Json(request_view(&request))))
}

pub(super) async fn list_requests(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    all_requests(&app, tenant).await
}

pub(super) async fn list_requests_of(State(app): State<App>, Managed(tenant): Managed) -> Result<Page, Problem> {
    all_requests(&app, tenant).await
}

async fn all_requests(app: &App, tenant: TenantId) -> Result<Page, Problem> {
    let all = app.numbers.asked_by(tenant).await;
    let all = all.map_err(|error| database_refuses(&error))?;
    Ok(page(all.iter().map(request_view).collect(), None))
}

/// `{"number", "country", "two_way", "monthly_price", "reseller"}` → 201.
pub(super) async fn keep(
    State(app): State<App>,
    (_, Extension(known)): (Operator, Extension<Known>),
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let names = ["number", "country", "two_way", "monthly_price", "reseller"];
    let mut fields = Fields::read((&headers, body), app.clock, &names).await?;
    let number = fields.checked("number", |text| OwnNumber::parse(&text).ok_or(FieldProblem::NotANumber));
    let (country, two_way) = (country(&mut fields), fields.boolean("two_way"));
    let price = fields.if_given("monthly_price", |fields, name| {
        fields.whole_or_null(name, (0, PRICE_MAX))
    });
    let reseller = reseller(&app, &mut fields).await?;
    let new = || {
        Some(NewNumber {
            number: number?,
            country: country?,
            two_way: two_way?.unwrap_or(true),
            monthly_price: price?.flatten(),
            reseller: reseller?,
        })
    };
    let Some(new) = new().filter(|_| fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let kept = app.numbers.keep(&new).await?;
    known.object(kept.id);
    Ok((StatusCode::CREATED, Json(view(&kept))))
}

pub(super) async fn list(State(app): State<App>, Manager(manager): Manager) -> Result<Page, Problem> {
    let all = app.numbers.inventory(manager).await;
    let all = all.map_err(|error| database_refuses(&error))?;
    Ok(page(all.iter().map(view).collect(), None))
}

pub(super) async fn forget(
    State(app): State<App>,
    (_, Id(id)): (Operator, Id<NumberId>),
) -> Result<StatusCode, Problem> {
    app.numbers.forget(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn assign(
    State(app): State<App>,
    (Manager(manager), Managed(tenant)): (Manager, Managed),
    path: Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    set(&app, (manager, tenant), path, true).await
}

pub(super) async fn take(
    State(app): State<App>,
    (Manager(manager), Managed(tenant)): (Manager, Managed),
    path: Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    set(&app, (manager, tenant), path, false).await
}

async fn set(
    app: &App,
    (manager, tenant): (Option<ResellerId>, TenantId),
    Path((_, number)): Path<(String, String)>,
    has: bool,
) -> Result<Json<Value>, Problem> {
    let there = app.accounts.tenant(tenant).await;
    there
        .map_err(|error| store_refuses(&error))?
        .ok_or(Problem::from(ProblemKind::NotFound))?;
    let number: NumberId = number.parse().map_err(|_| Problem::from(ProblemKind::NotFound))?;
    Ok(Json(view(&app.numbers.assign((number, tenant), manager, has).await?)))
}

/// `{"number", "answer"}`: with a number it is given → 200.
pub(super) async fn answer(
    State(app): State<App>,
    (Manager(manager), Managed(tenant)): (Manager, Managed),
    Path((_, request)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let request: NumberRequestId = request.parse().map_err(|_| Problem::from(ProblemKind::NotFound))?;
    let mut fields = Fields::read((&headers, body), app.clock, &["number", "answer"]).await?;
    let unknown = || FieldProblem::UnknownValue { allowed: &["num_…"] };
    let number = fields.if_given("number", |fields, name| {
        fields.checked(name, |text| text.parse::<NumberId>().map_err(|_| unknown()))
    });
    let words = note(&mut fields, "answer");
    let (Some(number), Some(words), true) = (number, words, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let Some(number) = number else {
        app.numbers.refuse((tenant, request), &words).await?;
        return answered(&app, (tenant, request)).await;
    };
    let may = app.numbers.inventory(manager).await;
    let may = may.map_err(|error| database_refuses(&error))?;
    if !may.iter().any(|one| one.id == number) {
        fields.refuse_field("number", unknown());
        return Err(fields.refusal());
    }
    app.numbers.grant((tenant, request), (number, &words), manager).await?;
    answered(&app, (tenant, request)).await
}

async fn answered(app: &App, (tenant, id): (TenantId, NumberRequestId)) -> Result<Json<Value>, Problem> {
    let all = app.numbers.asked_by(tenant).await;
    let all = all.map_err(|error| database_refuses(&error))?;
    let found = all.iter().find(|request| request.id == id);
    found
        .map(|request| Json(request_view(request)))
        .ok_or(ProblemKind::NotFound.into())
}

fn country(fields: &mut Fields) -> Option<Country> {
    fields.checked("country", |code| code.parse().map_err(|_| FieldProblem::UnknownCountry))
}

/// Some words, that may be there.
fn note(fields: &mut Fields, name: &str) -> Option<String> {
    let text = fields.text_or(name, "")?;
    let given = text.chars().count();
    if given > NOTE_MAX {
        fields.refuse_field(name, FieldProblem::TooLong { max: NOTE_MAX, given });
        return None;
    }
    Some(text)
}

async fn reseller(app: &App, fields: &mut Fields) -> Result<Option<Option<ResellerId>>, Problem> {
    if !fields.has("reseller") || fields.is_null("reseller") {
        return Ok(Some(None));
    }
    let id = fields.checked("reseller", |text| {
        text.parse().map_err(|_| FieldProblem::UnknownReseller)
    });
    let Some(id) = id else { return Ok(None) };
    match app.accounts.reseller(id).await {
        Ok(_) => Ok(Some(Some(id))),
        Err(AccountFault::NotFound) => {
            fields.refuse_field("reseller", FieldProblem::UnknownReseller);
            Ok(None)
        }
        Err(fault) => Err(fault.into()),
    }
}

const fn kind(number: &OwnNumber) -> &'static str {
    match number {
        OwnNumber::International(_) => NumberKind::LongNumber.into_str(),
        OwnNumber::Short(_) => NumberKind::ShortCode.into_str(),
    }
}

fn view(number: &OurNumber) -> Value {
    json!({
        "id": number.id.to_string(),
        "number": number.number.to_string(),
        "kind": kind(&number.number),
        "country": number.country.to_string(),
        "two_way": number.two_way,
        "monthly_price": number.monthly_price,
        "reseller": number.reseller.map(|id| id.to_string()),
        "tenants": number.tenants.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "created_at": time(number.created_at),
    })
}

fn request_view(request: &NumberRequest) -> Value {
    json!({
        "id": request.id.to_string(),
        "kind": request.kind.into_str(),
        "country": request.country.to_string(),
        "two_way": request.two_way,
        "note": request.note,
        "state": request.state.into_str(),
        "number": request.number,
        "answer": Some(&request.answer).filter(|answer| !answer.is_empty()),
        "created_at": time(request.created_at),
    })
}

impl From<NumberFault> for Problem {
    fn from(fault: NumberFault) -> Self {
        match fault {
            NumberFault::NotFound => ProblemKind::NotFound.into(),
            NumberFault::TooManyOpen => {
                Self::of_fields(vec![FieldFault::new("", FieldProblem::TooMany { max: OPEN_MAX })])
            }
            NumberFault::Answered => ProblemKind::RequestAnswered.into(),
            NumberFault::Database(error) => database_refuses(&error),
        }
    }
}
