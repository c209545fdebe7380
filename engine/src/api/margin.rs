//! `GET /v1/resellers/{id}/margin`: what a reseller's messages cost and brought in a month.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use super::access::Hosting;
use super::doc::{Key, Operation, Routes, Verb};
use super::form::Form;
use super::problem::{Problem, ProblemKind, language_of};
use super::query::{dimensions, parameters, refused};
use super::refusal::database_refuses;
use super::statements::{Month, table};
use super::statistics::milliseconds;
use super::{App, shapes};
use crate::campaign::view::time;
use crate::domain::{Language, ResellerId, UnixMicros};
use crate::fault::{DateProblem, Expected, FieldProblem};
use crate::history::{
    GROUPS_MAX, Margin, MarginBy, MarginGroup, MarginQuestion, TIME_ZONE, currencies as currencies_of,
};
use crate::sheet::{Table, Written};

pub(super) fn routes() -> Routes {
    Routes::of("resellers").add(
        Operation::new((Verb::Get, "/v1/resellers/{id}/margin"), Key::Reseller, "getMargin")
            .says(
                "Show what the messages of a month cost, and what they brought",
                "Of messages that an SMSC took in that month: the segments it took at its price of that moment, and the credits that were spent and not given \
                 back at their tenant's price. Amounts are exact. What has no price is counted apart, never as 0, and then there is no margin to be told.",
            )
            .at::<ResellerId>("id", "The reseller; with its own key, itself.")
            .asks::<shapes::MarginAsked>()
            .answers::<MarginOfMonth>(200, "The month.")
            .or_as("text/csv")
            .speaks(),
        show,
    )
}

/// What the messages of a month cost and brought.
#[derive(Serialize, JsonSchema)]
struct MarginOfMonth {
    month: String,
    since: Option<String>,
    /// Of the month that is not over: now.
    until: Option<String>,
    time_zone: String,
    /// What each row has in common.
    by: Vec<&'static str>,
    total: MarginOf,
    data: Vec<MarginRow>,
}

/// Messages that have something in common.
#[derive(Serialize, JsonSchema)]
struct MarginRow {
    /// What; `null`: nothing is known, or there is none. An empty `prefix`: the price of all numbers.
    group: BTreeMap<&'static str, Option<String>>,
    /// When they are put together by tenant.
    tenant_name: Option<String>,
    #[serde(flatten)]
    margin: MarginOf,
}

/// What messages cost and brought.
#[derive(Serialize, JsonSchema)]
struct MarginOf {
    messages: u64,
    /// Segments that SMSCs took.
    segments: u64,
    /// Those of them for which there was no price when they were taken: no `cost` has them.
    unpriced_segments: u64,
    /// Credits that were spent and not given back.
    credits: u64,
    /// Those of them for which their tenant has no price: no `value` has them.
    unpriced_credits: u64,
    /// By currency.
    money: Vec<MoneyOf>,
    /// What is left, in the one currency that there is; `null`: something has no price, or there are several currencies.
    margin: Option<String>,
}

/// Amounts with six digits behind the point.
#[derive(Serialize, JsonSchema)]
struct MoneyOf {
    currency: String,
    cost: String,
    value: String,
}

impl MarginOf {
    fn new(margin: &Margin) -> Self {
        let money = margin.money.iter().map(|(currency, money)| MoneyOf {
            currency: currency.clone(),
            cost: amount(money.cost),
            value: amount(money.value),
        });
        Self {
            messages: margin.messages,
            segments: margin.segments,
            unpriced_segments: margin.unpriced_segments,
            credits: margin.credits,
            unpriced_credits: margin.unpriced_credits,
            money: money.collect(),
            margin: margin.left().map(amount),
        }
    }
}

/// Millionths as a decimal.
fn amount(micros: i64) -> String {
    let (sign, all) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    format!("{sign}{}.{:06}", all / 1_000_000, all % 1_000_000)
}

/// `?month=2026-10&by=tenant,smsc&time_zone=Europe/Paris&format=csv`.
pub(super) struct Asked {
    month: Option<Month>,
    by: Vec<MarginBy>,
    zone: TimeZone,
    zone_name: String,
    form: Form,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 4] = ["month", "by", "time_zone", "format"];
        let (mut form, mut zone_name) = (Form::accepted(&parts.headers), TIME_ZONE.to_owned());
        let (mut month, mut by) = (None, Vec::new());
        for (name, value) in parameters((parts, app), &KNOWN).await? {
            match name {
                "month" => {
                    let read = value.parse();
                    month = Some(read.map_err(|_| refused("?month", FieldProblem::Expected(Expected::Month)))?);
                }
                "by" => by = dimensions(&value, &MarginBy::CODES)?,
                "time_zone" => zone_name = value,
                _ => form = Form::named(&value)?,
            }
        }
        let zone = TimeZone::get(&zone_name)
            .map_err(|_| refused("?time_zone", FieldProblem::Date(DateProblem::UnknownTimeZone)))?;
        Ok(Self {
            month,
            by,
            zone,
            zone_name,
            form,
        })
    }
}

async fn show(
    State(app): State<App>,
    Hosting(reseller): Hosting,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.accounts.reseller(reseller).await?;
    let now = app.clock.unix();
    let month = asked.month.unwrap_or(Month::of(now, &asked.zone));
    let since = month.begins(&asked.zone).filter(|since| *since <= now);
    let until = month.next().and_then(|next| next.begins(&asked.zone));
    let (since, until) = since.zip(until).ok_or(ProblemKind::NotFound)?;
    let question = MarginQuestion {
        reseller,
        range: (milliseconds(since), milliseconds(until)),
        by: asked.by.clone(),
        zone: asked.zone.clone(),
    };
    let found = app.history.margins(&question).await;
    let groups = found.map_err(|error| database_refuses(&error))?;
    let groups = groups.ok_or_else(|| refused("?by", FieldProblem::TooManyLines { max: GROUPS_MAX }))?;
    let language = language_of(&headers);
    Ok(match asked.form {
        Form::Csv => table(&format!("margin-{month}"), &lines(&asked.by, &groups, language)),
        Form::Json => {
            let shown = of_month(&asked, (month, since, until.min(now)), &groups);
            ([(header::VARY, "accept, accept-language")], Json(shown)).into_response()
        }
    })
}

fn of_month(
    asked: &Asked,
    (month, since, until): (Month, UnixMicros, UnixMicros),
    groups: &[MarginGroup],
) -> MarginOfMonth {
    let mut total = Margin::default();
    groups.iter().for_each(|group| total.add(&group.margin));
    let row = |group: &MarginGroup| {
        let keys = group.keys.iter().cloned();
        MarginRow {
            group: asked.by.iter().map(|by| by.code()).zip(keys).collect(),
            tenant_name: group.tenant_name.clone(),
            margin: MarginOf::new(&group.margin),
        }
    };
    MarginOfMonth {
        month: month.to_string(),
        since: time(since),
        until: time(until),
        time_zone: asked.zone_name.clone(),
        by: asked.by.iter().map(|by| by.code()).collect(),
        total: MarginOf::new(&total),
        // Without a dimension, the total is all there is.
        data: groups.iter().filter(|_| !asked.by.is_empty()).map(row).collect(),
    }
}

/// The groups one below the other, with a pair of columns for each currency.
fn lines(by: &[MarginBy], groups: &[MarginGroup], language: Language) -> String {
    let currencies = currencies_of(groups.iter().map(|group| &group.margin));
    let table = Table::new(language);
    let columns = columns(by, currencies.iter(), language);
    let mut text = table.head(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    for group in groups {
        let margin = &group.margin;
        let text_or_nothing = |text: Option<String>| text.map_or(Written::Nothing, Written::Text);
        let mut cells: Vec<Written> = group.keys.iter().cloned().map(text_or_nothing).collect();
        if by.contains(&MarginBy::Tenant) {
            cells.push(text_or_nothing(group.tenant_name.clone()));
        }
        let counts = [
            margin.messages,
            margin.segments,
            margin.unpriced_segments,
            margin.credits,
            margin.unpriced_credits,
        ];
        cells.extend(counts.map(Written::Count));
        let decimal = |micros: i64| {
            let text = amount(micros);
            Written::Text(match language {
                Language::Fr => text.replace('.', ","),
                Language::En => text,
            })
        };
        for currency in &currencies {
            match margin.money.get(currency) {
                Some(money) => cells.extend([decimal(money.cost), decimal(money.value)]),
                None => cells.extend([Written::Nothing, Written::Nothing]),
            }
        }
        cells.push(margin.left().map_or(Written::Nothing, decimal));
        text += &table.line(&cells);
    }
    text
}

fn columns<'a>(by: &[MarginBy], currencies: impl Iterator<Item = &'a String>, language: Language) -> Vec<String> {
    let french = language == Language::Fr;
    let name = |by: &MarginBy| if french { french_name(*by) } else { by.code() };
    let mut all: Vec<String> = by.iter().map(|by| name(by).to_owned()).collect();
    if by.contains(&MarginBy::Tenant) {
        all.push(if french { "nom" } else { "tenant_name" }.to_owned());
    }
    let counts = match language {
        Language::Fr => [
            "messages",
            "segments",
            "segments sans prix",
            "crédits",
            "crédits sans prix",
        ],
        Language::En => [
            "messages",
            "segments",
            "unpriced_segments",
            "credits",
            "unpriced_credits",
        ],
    };
    all.extend(counts.map(str::to_owned));
    for currency in currencies {
        let (cost, value) = if french { ("coût", "vente") } else { ("cost", "value") };
        all.extend([format!("{cost} {currency}"), format!("{value} {currency}")]);
    }
    all.push(if french { "marge" } else { "margin" }.to_owned());
    all
}

const fn french_name(by: MarginBy) -> &'static str {
    match by {
        MarginBy::Tenant => "client",
        MarginBy::Smsc => "smsc",
        MarginBy::Country => "pays",
        MarginBy::Prefix => "préfixe",
        MarginBy::Campaign => "campagne",
        MarginBy::Day => "jour",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_a_loss_has_its_sign() {
        let shown = [0, 1, 45_000, 1_000_000, -1, -2_500_000].map(amount);
        let expected = ["0.000000", "0.000001", "0.045000", "1.000000", "-0.000001", "-2.500000"];
        assert_eq!(shown, expected);
    }
}
