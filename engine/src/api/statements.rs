//! `GET /v1/statements`: the months of a tenant's credits.

use std::fmt;
use std::str::FromStr;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::form::Form;
use super::problem::{Problem, ProblemKind, language_of};
use super::query::{parameters, refused};
use super::{App, shapes};
use crate::account::Statement;
use crate::campaign::view::time;
use crate::domain::{Language, UnixMicros};
use crate::fault::{DateProblem, Expected, FieldFault, FieldProblem};
use crate::mirror::Moved;
use crate::sheet::{Table, Written};

/// The most months that are listed: ten years.
const MONTHS_MAX: usize = 120;

pub(super) fn routes() -> Routes {
    let says = "What was granted and given back, less what was withdrawn and spent, is what there is at the end: the same as the lines of the ledger come \
                to. A month that is not over ends now.";
    Routes::of("tenants")
        .add(
            Operation::new((Verb::Get, "/v1/statements"), Key::Tenant, "listStatements")
                .says("List the months of one's credits, the newest first", says)
                .asks::<shapes::StatementQuestion>()
                .answers::<Statements>(200, "At most 120 months, from the first in which credits moved.")
                .or_as("text/csv")
                .speaks(),
            list,
        )
        .add(
            Operation::new((Verb::Get, "/v1/statements/{month}"), Key::Tenant, "getStatement")
                .says("Show the statement of a month", says)
                .at::<shapes::Month>("month", "The month.")
                .asks::<shapes::StatementQuestion>()
                .answers::<StatementOfMonth>(
                    200,
                    "The statement. Of a month before the first movement, nothing but zeros.",
                )
                .or_as("text/csv")
                .speaks(),
            show,
        )
}

/// The months.
#[derive(Serialize, JsonSchema)]
struct Statements {
    time_zone: String,
    data: Vec<MonthOf>,
}

/// What became of credits in a month: `closing = opening + granted - withdrawn + recredited - debited`.
#[derive(Serialize, JsonSchema)]
struct MonthOf {
    month: String,
    since: Option<String>,
    /// Of the month that is not over: now.
    until: Option<String>,
    is_over: bool,
    /// Available or held when it began.
    opening: u64,
    /// All grants of the month: what was taken back is in `withdrawn`.
    granted: u64,
    /// Taken back by the reseller.
    withdrawn: u64,
    recredited: u64,
    debited: u64,
    /// Available or held when it ended.
    closing: u64,
}

/// The statement of a month.
#[derive(Serialize, JsonSchema)]
struct StatementOfMonth {
    #[serde(flatten)]
    month: MonthOf,
    time_zone: String,
    movements: Vec<MovementsOf>,
    /// What of the closing balance was set aside for campaigns under way.
    held: u64,
    available: u64,
}

/// Movements of one kind. Those that hold and release change no balance.
#[derive(Serialize, JsonSchema)]
struct MovementsOf {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Lines of the ledger.
    lines: u64,
    credits: u64,
}

/// `?time_zone=Europe/Paris&format=csv`.
pub(super) struct Asked {
    zone: TimeZone,
    zone_name: String,
    form: Form,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Caller(tenant) = Caller::from_request_parts(parts, app).await?;
        let (mut form, mut zone_name) = (Form::accepted(&parts.headers), app.time_zone_of(tenant).await?);
        for (name, value) in parameters((parts, app), &["time_zone", "format"]).await? {
            match name {
                "time_zone" => zone_name = value,
                _ => form = Form::named(&value)?,
            }
        }
        let zone = TimeZone::get(&zone_name)
            .map_err(|_| refused("?time_zone", FieldProblem::Date(DateProblem::UnknownTimeZone)))?;
        Ok(Self { zone, zone_name, form })
    }
}

/// The month of the path.
struct AskedMonth(Month);

impl FromRequestParts<App> for AskedMonth {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = Id::<Month>::from_request_parts(parts, app).await;
        read.map(|Id(month)| Self(month)).map_err(|problem| Problem {
            errors: vec![FieldFault::new("month", FieldProblem::Expected(Expected::Month))],
            ..problem
        })
    }
}

/// A month, by its first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(Date);

impl FromStr for Month {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        format!("{text}-01").parse().map(Self)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m"))
    }
}

impl Month {
    pub(super) fn of(at: UnixMicros, zone: &TimeZone) -> Self {
        let at = Timestamp::from_microsecond(at.0 as i64).unwrap_or_default();
        Self(at.to_zoned(zone.clone()).date().first_of_month())
    }

    pub(super) fn next(self) -> Option<Self> {
        self.0.checked_add(1.month()).ok().map(Self)
    }

    fn before(self) -> Option<Self> {
        self.0.checked_sub(1.month()).ok().map(Self)
    }

    /// When it begins; `None` before 1970 and at the end of all times.
    pub(super) fn begins(self, zone: &TimeZone) -> Option<UnixMicros> {
        let begins = self.0.to_zoned(zone.clone()).ok()?.timestamp();
        u64::try_from(begins.as_microsecond()).ok().map(UnixMicros)
    }
}

async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let now = app.clock.unix();
    let first = app.accounts.first_movement(tenant).await?.unwrap_or(now);
    let (first, mut months) = (Month::of(first, &asked.zone), vec![Month::of(now, &asked.zone)]);
    while let Some(before) = months
        .last()
        .and_then(|month| month.before())
        .filter(|month| *month >= first)
    {
        if months.len() == MONTHS_MAX {
            break;
        }
        months.push(before);
    }
    months.reverse();
    let bounds = bounds(&months, &asked.zone).ok_or(ProblemKind::NotFound)?;
    let statements = app.accounts.statements(tenant, &bounds).await?;
    let shown = |((month, between), statement): ((&Month, &[UnixMicros]), &Statement)| {
        MonthOf::new(*month, (between[0], between[1].min(now)), (statement, now))
    };
    let months = months.iter().zip(bounds.windows(2)).zip(&statements).map(shown);
    let statements = Statements {
        time_zone: asked.zone_name,
        data: months.rev().collect(),
    };
    let language = language_of(&headers);
    Ok(match asked.form {
        Form::Json => Json(statements).into_response(),
        Form::Csv => table("statements", &month_lines(&statements.data, language)),
    })
}

async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    AskedMonth(month): AskedMonth,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let now = app.clock.unix();
    let bounds = bounds(&[month], &asked.zone).filter(|bounds| bounds[0] <= now);
    let bounds = bounds.ok_or(ProblemKind::NotFound)?;
    let until = bounds[1].min(now);
    let statements = app.accounts.statements(tenant, &bounds).await?;
    let statement = statements.first().ok_or(ProblemKind::NotFound)?;
    // What was booked since `now` is of this month as well.
    let held = app.accounts.held_at(tenant, bounds[1]).await?.min(statement.closing);
    let shown = StatementOfMonth {
        month: MonthOf::new(month, (bounds[0], until), (statement, now)),
        time_zone: asked.zone_name,
        movements: movements(statement),
        held,
        available: statement.closing - held,
    };
    let name = format!("statement-{month}");
    let language = language_of(&headers);
    Ok(match asked.form {
        Form::Json => Json(shown).into_response(),
        Form::Csv => table(&name, &shown.lines(language)),
    })
}

/// When each begins, and when the last ends.
fn bounds(months: &[Month], zone: &TimeZone) -> Option<Vec<UnixMicros>> {
    let end = months.last().and_then(|last| last.next());
    let all = months.iter().copied().chain(end);
    let bounds: Vec<UnixMicros> = all.map(|month| month.begins(zone)).collect::<Option<_>>()?;
    (bounds.len() == months.len() + 1).then_some(bounds)
}

impl MonthOf {
    fn new(month: Month, (since, until): (UnixMicros, UnixMicros), (statement, now): (&Statement, UnixMicros)) -> Self {
        let turnover = &statement.turnover;
        Self {
            month: month.to_string(),
            since: time(since),
            until: time(until),
            is_over: until < now,
            opening: statement.opening,
            granted: turnover.granted.credits,
            withdrawn: turnover.withdrawn.credits,
            recredited: turnover.recredited.credits,
            debited: turnover.debited.credits,
            closing: statement.closing,
        }
    }
}

fn movements(statement: &Statement) -> Vec<MovementsOf> {
    let turnover = &statement.turnover;
    let of = |(kind, moved): (&'static str, Moved)| MovementsOf {
        kind,
        lines: moved.lines,
        credits: moved.credits,
    };
    let kinds = [
        ("grant", turnover.granted),
        ("withdraw", turnover.withdrawn),
        ("recredit", turnover.recredited),
        ("debit", turnover.debited),
        ("hold", turnover.held),
        ("release", turnover.released),
    ];
    kinds.into_iter().map(of).collect()
}

/// Months one below the other.
fn month_lines(months: &[MonthOf], language: Language) -> String {
    let columns = match language {
        Language::Fr => [
            "mois",
            "solde initial",
            "accordés",
            "retirés",
            "recrédités",
            "débités",
            "solde final",
        ],
        Language::En => [
            "month",
            "opening",
            "granted",
            "withdrawn",
            "recredited",
            "debited",
            "closing",
        ],
    };
    let table = Table::new(language);
    let mut text = table.head(&columns);
    for month in months {
        let counts = [
            month.opening,
            month.granted,
            month.withdrawn,
            month.recredited,
            month.debited,
            month.closing,
        ];
        let cells = counts.into_iter().map(Written::Count);
        let cells: Vec<Written> = std::iter::once(Written::Text(month.month.clone()))
            .chain(cells)
            .collect();
        text += &table.line(&cells);
    }
    text
}

impl StatementOfMonth {
    /// From the opening balance down to the closing one, and of what that is.
    fn lines(&self, language: Language) -> String {
        let (columns, names) = match language {
            Language::Fr => (
                ["mouvement", "lignes", "entrée", "sortie", "solde"],
                [
                    "solde initial",
                    "accordés",
                    "retirés",
                    "recrédités",
                    "débités",
                    "solde final",
                    "réservés",
                    "disponibles",
                ],
            ),
            Language::En => (
                ["movement", "lines", "in", "out", "balance"],
                [
                    "opening",
                    "granted",
                    "withdrawn",
                    "recredited",
                    "debited",
                    "closing",
                    "held",
                    "available",
                ],
            ),
        };
        let nothing = || Written::Nothing;
        let balance = |credits| [nothing(), nothing(), nothing(), Written::Count(credits)];
        let (count, lines) = (Written::Count, |at: usize| Written::Count(self.movements[at].lines));
        let cells = [
            balance(self.month.opening),
            [lines(0), count(self.month.granted), nothing(), nothing()],
            [lines(1), nothing(), count(self.month.withdrawn), nothing()],
            [lines(2), count(self.month.recredited), nothing(), nothing()],
            [lines(3), nothing(), count(self.month.debited), nothing()],
            balance(self.month.closing),
            balance(self.held),
            balance(self.available),
        ];
        let table = Table::new(language);
        let mut text = table.head(&columns);
        for (name, cells) in names.into_iter().zip(cells) {
            let line: Vec<Written> = std::iter::once(Written::Text(name.to_owned())).chain(cells).collect();
            text += &table.line(&line);
        }
        text
    }
}

pub(super) fn table(name: &str, text: &str) -> Response {
    let name = format!("attachment; filename=\"{name}.csv\"");
    let headers = [
        (header::VARY, "accept, accept-language"),
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, name.as_str()),
    ];
    (headers, text.to_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_by_the_clocks_of_their_zone() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let month: Month = "2026-10".parse().unwrap();
        let bounds = bounds(&[month], &paris).unwrap();
        let at = |text: &str| UnixMicros(text.parse::<Timestamp>().unwrap().as_microsecond() as u64);
        // Summer time when it begins, and not when it ends.
        assert_eq!(bounds, [at("2026-09-30T22:00:00Z"), at("2026-10-31T23:00:00Z")]);
        assert_eq!(Month::of(bounds[0], &paris).to_string(), "2026-10");
        assert_eq!(month.next().map(|month| month.to_string()), Some("2026-11".to_owned()));
        for wrong in ["2026-13", "2026", "2026-1-1", "october", ""] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}
