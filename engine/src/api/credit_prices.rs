//! `/v1/tenants/{id}/credit_prices`: what a tenant pays its reseller for a credit.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::access::Managed;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::Problem;
use super::statistics::milliseconds;
use super::{App, shapes};
use crate::campaign::view::time;
use crate::config::{Currency, Micros};
use crate::domain::{Role, TenantId, UnixMicros};
use crate::fault::{DateProblem, FieldProblem, MoneyProblem};
use crate::history::TIME_ZONE;
use crate::mirror::{CREDIT_PRICES_MAX, CreditPrice};

pub(super) fn routes() -> Routes {
    let path = "/v1/tenants/{id}/credit_prices";
    let says = "What its reseller takes for a credit, for `/v1/resellers/{id}/margin` alone: nothing that is sent depends on it, and tenants do not see it. A \
                price holds until the next begins, for messages that were taken then, also when it is said afterwards.";
    Routes::of("tenants")
        .add(
            Operation::new((Verb::Get, path), Key::Reseller, "listCreditPrices")
                .says("List what a tenant pays for a credit", says)
                .at::<TenantId>("id", "The tenant.")
                .answers::<shapes::CreditPrices>(200, "All of them, the newest first."),
            list,
        )
        .add(
            Operation::new((Verb::Post, path), Key::Reseller, "setCreditPrice")
                .needs(Role::Admin)
                .says("Say what a tenant pays for a credit from some time on", says)
                .at::<TenantId>("id", "The tenant.")
                .takes::<shapes::NewCreditPrice>(
                    json!({ "since": "2026-10-01", "per_credit": "0.08", "currency": "EUR" }),
                )
                .answers::<shapes::CreditPrices>(201, "All of them, the newest first."),
            set,
        )
}

async fn list(State(app): State<App>, Managed(tenant): Managed) -> Result<Json<Value>, Problem> {
    shown(&app, tenant).await.map(Json)
}

/// `{"since", "per_credit", "currency", "time_zone"}`
async fn set(
    State(app): State<App>,
    Managed(tenant): Managed,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    const KNOWN: [&str; 4] = ["since", "per_credit", "currency", "time_zone"];
    let mut fields = Fields::read((&headers, body), app.clock, &KNOWN).await?;
    let zone = fields.if_given("time_zone", |fields, name| fields.checked(name, zone));
    let zone = zone.map(|zone| zone.or(TimeZone::get(TIME_ZONE).ok()).unwrap_or(TimeZone::UTC));
    let since = zone.and_then(|zone| fields.checked("since", |text| moment(&text, &zone)));
    let micros = match fields.is_null("per_credit") {
        true => Some(None),
        false => fields
            .checked("per_credit", |text| {
                text.parse()
                    .map_err(|_| FieldProblem::Money(MoneyProblem::InvalidPrice))
            })
            .map(Some),
    };
    let currency = fields.if_given("currency", |fields, name| {
        fields.checked(name, |text| {
            text.parse()
                .map_err(|_| FieldProblem::Money(MoneyProblem::InvalidCurrency))
        })
    });
    if matches!((micros, currency), (Some(Some(_)), Some(None))) {
        let beside = &["currency"];
        fields.refuse_field("per_credit", FieldProblem::MissingBeside { fields: beside });
    }
    let (Some(since), Some(micros), Some(currency), true) = (since, micros, currency, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let (micros, currency): (Option<Micros>, Option<Currency>) = (micros, currency);
    let price = CreditPrice {
        since: milliseconds(since),
        per_credit: micros.zip(currency),
    };
    if !app.accounts.set_credit_price(tenant, price).await? {
        fields.refuse_field("", FieldProblem::TooMany { max: CREDIT_PRICES_MAX });
        return Err(fields.refusal());
    }
    Ok((StatusCode::CREATED, Json(shown(&app, tenant).await?)))
}

fn zone(name: String) -> Result<TimeZone, FieldProblem> {
    TimeZone::get(&name).map_err(|_| DateProblem::UnknownTimeZone.into())
}

/// A time with its offset, or the beginning of a day.
fn moment(text: &str, zone: &TimeZone) -> Result<UnixMicros, FieldProblem> {
    super::statistics::instant(text, zone).ok_or(DateProblem::InvalidMoment.into())
}

async fn shown(app: &App, tenant: TenantId) -> Result<Value, Problem> {
    let prices = app.accounts.credit_prices(tenant).await?;
    let price = |price: &CreditPrice| {
        json!({
            "since": time(UnixMicros(price.since.unsigned_abs() * 1_000)),
            "per_credit": price.per_credit.map(|(micros, _)| micros.to_string()),
            "currency": price.per_credit.map(|(_, currency)| currency.to_string()),
        })
    };
    Ok(json!({ "data": prices.iter().map(price).collect::<Vec<_>>() }))
}
