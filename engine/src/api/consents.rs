//! `/v1/consents`: what people have agreed to, and what proves it.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};
use url::Url;

use super::access::{Caller, Id};
use super::contacts;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::pages::Paging;
use super::problem::{Problem, RequestId};
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::domain::{ConsentId, ContactId, UnixMicros, instant};
use crate::fault::{DateProblem, Expected, FieldProblem, UrlProblem};
use crate::people::{Consent, PROOF_MAX, Proof, Source, SourceKind, check_text, check_wording};

const FIELDS: [&str; 8] = [
    "contact",
    "wording",
    "wording_version",
    "source",
    "source_url",
    "ip",
    "user_agent",
    "given_at",
];

pub(super) fn routes() -> Routes {
    let (all, of_one) = ("/v1/consents", "/v1/contacts/{id}/consents");
    Routes::of("consents")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "giveConsent")
                .says(
                    "Keep what a person has agreed to",
                    "The person is put in place of what is known of them.",
                )
                .takes::<shapes::NewConsent>(json!({
                    "contact": { "number": "0612345678", "last_name": "Martin" },
                    "wording": "J'accepte de recevoir des offres par SMS.", "source": "formulaire",
                }))
                .answers::<shapes::Consent>(201, "The consent."),
            give,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listConsents")
                .says("List consents", "Those that were withdrawn as well: the evidence.")
                .asks::<shapes::Paging>()
                .answers::<shapes::Page<shapes::Consent>>(200, "A page of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, of_one), Key::Tenant, "listConsentsOfContact")
                .says("List what a person has agreed to", "The latest first.")
                .at::<ContactId>("id", "The contact.")
                .answers::<shapes::Page<shapes::Consent>>(200, "All of them."),
            of_contact,
        )
        .add(
            Operation::new(
                (Verb::Post, "/v1/contacts/{id}/consents/withdraw"),
                Key::Tenant,
                "withdrawConsents",
            )
            .says(
                "End what a person has agreed to",
                "Their number gets no more advertising, whatever brings it, until they agree again.",
            )
            .at::<ContactId>("id", "The contact.")
            .answers::<shapes::Withdrawn>(200, "How many that ended."),
            withdraw,
        )
}

/// `POST /v1/consents`: `{"contact": {"number": "06…"}, "wording": "J'accepte …", "source": "form"}` → 201. The contact is put in place
/// of what is known of it, as by `POST /v1/contacts`; without `given_at`, the consent is given now.
pub(super) async fn give(
    State(app): State<App>,
    (Caller(tenant), Extension(id)): (Caller, Extension<RequestId>),
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let now = app.clock.unix();
    let contact = match fields.has("contact") {
        true => fields
            .object("contact", &contacts::FIELDS, |fields| contacts::read(fields, now))
            .flatten(),
        false => {
            fields.refuse("/contact".to_owned(), FieldProblem::Missing);
            None
        }
    };
    let proof = proof(&mut fields);
    let at = given_at(&mut fields, now);
    let (Some(contact), Some(proof), Some(at), true) = (contact, proof, at, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let proof = Proof {
        via: Some(Source::new(SourceKind::Api, &id.0)),
        ..proof
    };
    let consents = app.people.consents_with(&app.mirror);
    let consent = consents.give(tenant, &contact, (&proof, at)).await?;
    Ok((StatusCode::CREATED, Json(view(&consent))))
}

/// `GET /v1/consents`: of everybody, in the order in which they were kept: the evidence.
pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller, paging: Paging) -> Result<Page, Problem> {
    let after = paging.cursor()?.unwrap_or(ConsentId(0));
    let found = app.people.consents(tenant, after, paging.limit).await;
    let found = found.map_err(|error| database_refuses(&error))?;
    let next = (found.len() == paging.limit).then(|| found.last().map(|consent| consent.id.to_string()));
    Ok(page(found.iter().map(view).collect(), next.flatten()))
}

/// `GET /v1/contacts/{id}/consents`: the latest first.
pub(super) async fn of_contact(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ContactId>,
) -> Result<Page, Problem> {
    let found = app.people.consents_of(tenant, id).await?;
    Ok(page(found.iter().map(view).collect(), None))
}

/// `POST /v1/contacts/{id}/consents/withdraw` → 200 with how many that ends.
pub(super) async fn withdraw(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ContactId>,
) -> Result<Json<Value>, Problem> {
    let consents = app.people.consents_with(&app.mirror);
    Ok(Json(json!({ "withdrawn": consents.withdraw(tenant, id).await? })))
}

fn proof(fields: &mut Fields) -> Option<Proof> {
    let full = |fields: &mut Fields, name: &str, max: usize| {
        fields.checked(name, |text| match check_text(&text, max)? {
            text if text.is_empty() => Err(FieldProblem::Empty),
            text => Ok(text),
        })
    };
    let wording = fields.checked("wording", |text| check_wording(&text));
    let source = full(fields, "source", PROOF_MAX);
    let mut text = |name: &str| fields.if_given(name, |fields, name| full(fields, name, PROOF_MAX));
    let (wording_version, user_agent) = (text("wording_version"), text("user_agent"));
    let source_url = fields.if_given("source_url", |fields, name| {
        fields.checked(name, |text| page_given(&text))
    });
    let ip = fields.if_given("ip", |fields, name| {
        fields.checked(name, |text| match text.parse::<IpAddr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => Err(FieldProblem::Expected(Expected::IpAddress)),
        })
    });
    Some(Proof {
        wording: wording?,
        wording_version: wording_version?,
        source: source?,
        source_url: source_url?,
        ip: ip?,
        user_agent: user_agent?,
        via: None,
    })
}

/// A page on which somebody agreed to something.
fn page_given(text: &str) -> Result<String, FieldProblem> {
    let text = check_text(text, PROOF_MAX)?;
    let is_page = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match text.is_empty() {
        true => Err(FieldProblem::Empty),
        false if is_page => Ok(text),
        false => Err(UrlProblem::NotAPage { max: PROOF_MAX }.into()),
    }
}

/// A time that is over; now, when it is not there.
fn given_at(fields: &mut Fields, now: UnixMicros) -> Option<UnixMicros> {
    let given = fields.if_given("given_at", |fields, name| {
        fields.checked(name, |text| {
            let at = instant(&text).ok_or(DateProblem::InvalidInstant)?;
            let at = u64::try_from(at.as_microsecond()).map(UnixMicros);
            let at = at.map_err(|_| DateProblem::InvalidInstant)?;
            Some(at).filter(|at| *at <= now).ok_or(DateProblem::InFuture.into())
        })
    });
    given.map(|given| given.unwrap_or(now))
}

pub(super) fn view(consent: &Consent) -> Value {
    let proof = &consent.proof;
    json!({
        "id": consent.id.to_string(),
        "contact": consent.contact.to_string(),
        "wording": proof.wording,
        "wording_version": proof.wording_version,
        "source": proof.source,
        "source_url": proof.source_url,
        "ip": proof.ip,
        "user_agent": proof.user_agent,
        "given_at": time(consent.given_at),
        "withdrawn_at": consent.withdrawn_at.and_then(time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_agreed_on_a_page_did_so_over_http() {
        for given in [
            "https://cabinet.fr/rdv?x=1",
            "http://localhost:8080/",
            "https://cabinet.fr/prénom",
        ] {
            assert_eq!(page_given(given), Ok(given.to_owned()));
        }
        for (given, code) in [
            ("javascript:alert(1)", "not_a_page"),
            ("data:text/html,x", "not_a_page"),
            ("ftp://cabinet.fr/", "not_a_page"),
            ("cabinet.fr/rdv", "not_a_page"),
            ("https://", "not_a_page"),
            ("", "empty"),
            ("https://cabinet.fr/\u{7}", "forbidden_character"),
        ] {
            assert_eq!(
                page_given(given).map_err(|problem| problem.code()),
                Err(code),
                "{given}"
            );
        }
    }
}
