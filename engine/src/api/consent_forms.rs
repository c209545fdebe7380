//! `/v1/consent_forms`: forms on pages of a tenant, by which people agree without a key. Nothing can be read with one.

use std::net::IpAddr;
use std::str::FromStr;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::client::{self, Client};
use super::contacts;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Barred, Full, Problem, ProblemCode, ProblemKind};
use super::refusal::{database_refuses, store_refuses};
use super::submissions::FORMS_MAX;
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::compose::first_domain;
use crate::domain::FormId;
use crate::fault::{FieldProblem, UrlProblem, WordingProblem};
use crate::people::{Form, FormOrder, PROOF_MAX, Proof, Source, SourceKind, check_text, check_wording};

/// Where one is sent.
const OPEN: &str = "/v1/consent_forms/{token}/consents";

/// How far ahead a form may end, in days: five years.
const DAYS_MAX: u32 = 1_830;

const FIELDS: [&str; 6] = ["wording", "wording_version", "source", "list", "origin", "expires_at"];

/// What a page may say of who agrees.
const PERSON: [&str; 3] = ["number", "first_name", "last_name"];

const SENT: [&str; 3] = ["contact", "agreed", "source_url"];

/// For how long a browser remembers what it may send, in seconds.
const PREFLIGHT_S: &str = "600";

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/consent_forms", "/v1/consent_forms/{id}");
    Routes::of("consents")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "makeConsentForm")
                .says(
                    "Make a form by which people agree",
                    "Its `token` may stand in a page: it is for no more than to agree to that wording, from pages of that origin.",
                )
                .takes::<shapes::NewConsentForm>(json!({
                    "wording": "J'accepte de recevoir des offres du cabinet par SMS.", "wording_version": "2026-11",
                    "origin": "https://cabinet.example",
                }))
                .answers::<shapes::ConsentForm>(201, "The form.")
                .refuses(&[ProblemCode::NotFound]),
            make,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listConsentForms")
                .says("List forms", "In the order in which they were made.")
                .answers::<shapes::Page<shapes::ConsentForm>>(200, "All of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getConsentForm")
                .says("Show a form", "")
                .at::<FormId>("id", "The form.")
                .answers::<shapes::ConsentForm>(200, "The form."),
            show,
        )
        .add(
            Operation::new((Verb::Delete, one), Key::Tenant, "deleteConsentForm")
                .says("End a form", "Nobody agrees by it any more. What was agreed on stays.")
                .at::<FormId>("id", "The form.")
                .answers_nothing(204, "It is ended."),
            forget,
        )
}

/// What browsers of others ask without a key.
pub(super) fn open_routes() -> Routes {
    Routes::of("consents").add(
        Operation::new(
            (Verb::Post, OPEN),
            Key::Nobody,
            "sendConsentForm",
        )
        .says(
            "Agree, by a form",
            "From a page of the form's origin, which the browser names: no key is asked for, and nothing is told of whoever is known. The wording is \
             that of the form; address, browser and time are kept as proof. An address sends up to 30 in ten minutes. Who wrote STOP \
             stays without advertising.",
        )
        .at::<shapes::FormToken>("token", "The token of the form.")
        .takes::<shapes::SentConsent>(json!({ "contact": { "number": "0612345678", "last_name": "Martin" }, "agreed": true }))
        .answers::<shapes::ConsentKept>(201, "It is kept.")
        .refuses(&[ProblemCode::Forbidden, ProblemCode::TooManyRequests, ProblemCode::Unavailable]),
        send,
    )
    .asked_first(OPEN, preflight)
}

async fn make(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let order = read(&mut fields, &app).filter(|_| fields.is_sound());
    let order = order.ok_or_else(|| fields.refusal())?;
    let form = app.people.make_form(tenant, order).await?;
    Ok((StatusCode::CREATED, Json(view(&app, &form)?)))
}

fn read(fields: &mut Fields, app: &App) -> Option<FormOrder> {
    let full = |fields: &mut Fields, name: &str, max: usize| {
        fields.checked(name, |text| match check_text(&text, max)? {
            text if text.is_empty() => Err(FieldProblem::Empty),
            text => Ok(text),
        })
    };
    let wording = fields.checked("wording", |text| check_wording(&text));
    let wording_version = fields.if_given("wording_version", |fields, name| full(fields, name, PROOF_MAX));
    let source = fields.if_given("source", |fields, name| full(fields, name, PROOF_MAX));
    let list = fields.if_given("list", |fields, name| {
        let allowed = &["lst_…"];
        fields.checked(name, |id| {
            id.parse().map_err(|_| FieldProblem::UnknownValue { allowed })
        })
    });
    let origin = fields.checked("origin", |text| origin(&text));
    let now = app.clock.unix();
    let expires_at = fields.if_given("expires_at", |fields, name| fields.end_or_null(name, (now, DAYS_MAX)));
    Some(FormOrder {
        wording: wording?,
        wording_version: wording_version?,
        source: source?.unwrap_or_else(|| "form".to_owned()),
        list: list?,
        origin: origin?,
        expires_at: expires_at?.flatten(),
    })
}

/// Scheme, host and port, as browsers say them (RFC 6454): `https://cabinet.example`; `http` of this machine alone, to try it.
fn origin(text: &str) -> Result<String, FieldProblem> {
    let wrong = || FieldProblem::Url(UrlProblem::InvalidUrl { max: PROOF_MAX });
    let url = axum::http::Uri::from_str(text).map_err(|_| wrong())?;
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(wrong());
    };
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && !authority.as_str().contains('@');
    if !is_bare || text.len() > PROOF_MAX {
        return Err(wrong());
    }
    let is_here = matches!(authority.host(), "localhost" | "127.0.0.1");
    match scheme {
        "https" => {}
        "http" if is_here => {}
        "http" => return Err(FieldProblem::Url(UrlProblem::InsecureUrl)),
        _ => return Err(wrong()),
    }
    Ok(format!("{scheme}://{authority}").to_ascii_lowercase())
}

async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let forms = app.people.forms(tenant).await;
    let forms = forms.map_err(|error| database_refuses(&error))?;
    let rows: Result<Vec<Value>, Problem> = forms.iter().map(|form| view(&app, form)).collect();
    Ok(page(rows?, None))
}

async fn show(State(app): State<App>, Caller(tenant): Caller, Id(id): Id<FormId>) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&app, &app.people.form(tenant, id).await?)?))
}

async fn forget(State(app): State<App>, Caller(tenant): Caller, Id(id): Id<FormId>) -> Result<StatusCode, Problem> {
    app.people.forget_form(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(app: &App, form: &Form) -> Result<Value, Problem> {
    let token = app.mirror.sign_form(form.id).map_err(|error| store_refuses(&error))?;
    let order = &form.order;
    Ok(json!({
        "id": form.id.to_string(),
        "token": token,
        "wording": order.wording,
        "wording_version": order.wording_version,
        "source": order.source,
        "list": order.list.map(|list| list.to_string()),
        "origin": order.origin,
        "expires_at": order.expires_at.and_then(time),
        "created_at": time(form.created_at),
    }))
}

/// The form of a token, while people agree by it.
async fn open_form(app: &App, token: &str) -> Result<Form, Problem> {
    let id = app.mirror.form_of(token).ok_or(ProblemKind::NotFound)?;
    let form = app.people.form_of_token(id).await;
    let form = form.map_err(|error| database_refuses(&error))?;
    let now = app.clock.unix();
    let open = form.filter(|form| form.order.expires_at.is_none_or(|at| now < at));
    open.ok_or(ProblemKind::NotFound.into())
}

/// Whether it comes from a page of that origin, as the browser says.
fn is_from(headers: &HeaderMap, form: &Form) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| origin.eq_ignore_ascii_case(&form.order.origin))
}

/// What tells a browser that pages of the form's origin may see the answer, and no others.
fn allowing(form: &Form, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Ok(origin) = HeaderValue::from_str(&form.order.origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

/// `OPTIONS` of a form: what a browser asks before it sends JSON to another origin (Fetch, 4.8).
async fn preflight(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let form = open_form(&app, &token).await?;
    if !is_from(&headers, &form) {
        return Err(ProblemKind::Forbidden { why: Barred::Origin }.into());
    }
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_S),
    ];
    Ok(allowing(&form, (StatusCode::NO_CONTENT, allowed).into_response()))
}

async fn send(State(app): State<App>, Path(token): Path<String>, request: Request) -> Result<Response, Problem> {
    let address = client::address(&request, &app.limits.trusted_proxies);
    let form = open_form(&app, &token).await?;
    if !is_from(request.headers(), &form) {
        return Err(ProblemKind::Forbidden { why: Barred::Origin }.into());
    }
    // From here on the page sees what is wrong with what it has sent.
    let answer = match keep(&app, &form, (request, address)).await {
        Ok(()) => (StatusCode::CREATED, Json(json!({ "kept": true }))).into_response(),
        Err(problem) => problem.into_response(),
    };
    Ok(allowing(&form, answer))
}

async fn keep(app: &App, form: &Form, (request, address): (Request, Option<IpAddr>)) -> Result<(), Problem> {
    if let Some(address) = address {
        let counted = app.submissions.count(Client::of(address), app.clock.now());
        counted.map_err(|retry_after| ProblemKind::TooManyRequests {
            full: Full::AddressForms(FORMS_MAX),
            retry_after,
        })?;
    }
    let (parts, body) = request.into_parts();
    let mut fields = Fields::read((&parts.headers, body), app.clock, &SENT).await?;
    let now = app.clock.unix();
    let contact = match fields.has("contact") {
        true => fields
            .object("contact", &PERSON, |fields| contacts::read(fields, now))
            .flatten(),
        false => {
            fields.refuse_field("contact", FieldProblem::Missing);
            None
        }
    };
    if let Some(contact) = &contact
        && contact.number.flatten().is_none()
    {
        fields.refuse("/contact/number".to_owned(), FieldProblem::Missing);
    }
    // Whoever has the form's address may say what they are called, and texts may name them.
    for (name, given) in contact.iter().flat_map(|contact| {
        [
            ("/contact/first_name", &contact.first_name),
            ("/contact/last_name", &contact.last_name),
        ]
    }) {
        if let Some(domain) = given.as_deref().and_then(first_domain) {
            fields.refuse(name.to_owned(), WordingProblem::LinkInName { domain }.into());
        }
    }
    let agreed = fields.boolean("agreed");
    if agreed.is_some_and(|agreed| agreed != Some(true)) {
        fields.refuse_field("agreed", FieldProblem::UnknownValue { allowed: &["true"] });
    }
    let source_url = fields.if_given("source_url", |fields, name| {
        fields.checked(name, |text| page_of(&text, form))
    });
    let (Some(contact), Some(source_url), true) = (contact, source_url, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let text = |name| {
        let text = parts
            .headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok());
        text.map(|text| text.chars().take(PROOF_MAX).collect::<String>())
    };
    let referer = text(header::REFERER).filter(|url| page_of(url, form).is_ok());
    let proof = Proof {
        wording: form.order.wording.clone(),
        wording_version: form.order.wording_version.clone(),
        source: form.order.source.clone(),
        source_url: Some(source_url.or(referer).unwrap_or_else(|| form.order.origin.clone())),
        ip: address.map(|address| address.to_string()),
        user_agent: text(header::USER_AGENT),
        via: Some(Source::new(SourceKind::Form, form.id)),
    };
    let of = (form.tenant, form.order.list);
    let consents = app.people.consents_with(&app.mirror);
    consents.give_by_form(of, &contact, &proof).await?;
    Ok(())
}

/// A page of the form's origin.
fn page_of(text: &str, form: &Form) -> Result<String, FieldProblem> {
    let rest = text.strip_prefix(form.order.origin.as_str());
    let is_page = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
    match check_text(text, PROOF_MAX)? {
        text if is_page => Ok(text),
        _ => Err(FieldProblem::Url(UrlProblem::InvalidUrl { max: PROOF_MAX })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_and_host_and_nothing_more() {
        let told = |text: &str| origin(text).map_err(|problem| problem.code());
        assert_eq!(
            told("https://Cabinet.example/"),
            Ok("https://cabinet.example".to_owned())
        );
        assert_eq!(told("http://localhost:3000"), Ok("http://localhost:3000".to_owned()));
        assert_eq!(told("http://cabinet.example"), Err("insecure_url"));
        for wrong in [
            "cabinet.example",
            "https://cabinet.example/page",
            "https://a@b.example",
            "*",
            "",
            "ftp://a.example",
        ] {
            assert_eq!(told(wrong), Err("invalid_url"), "{wrong}");
        }
    }
}
