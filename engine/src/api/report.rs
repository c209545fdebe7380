//! `GET /v1/campaigns/{id}/report`: what a campaign came to.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::problem::{Problem, language_of};
use super::query::{parameters, refused};
use super::{App, shapes};
use crate::campaign::Figures;
use crate::domain::{CampaignId, Language};
use crate::fault::FieldProblem;

pub(super) fn routes() -> Routes {
    Routes::of("campaigns").add(
        Operation::new((Verb::Get, "/v1/campaigns/{id}/report"), Key::Tenant, "getReport")
            .says(
                "Show what a campaign came to",
                "As CSV: the statuses as a table, as a spreadsheet in the caller's language opens it.",
            )
            .at::<CampaignId>("id", "The campaign.")
            .asks::<shapes::ReportForm>()
            .answers::<Figures>(200, "The figures.")
            .or_as("text/csv")
            .speaks(),
        show,
    )
}

/// In what form it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    /// A table for a spreadsheet.
    Csv,
}

impl Form {
    pub(super) fn named(word: &str) -> Result<Self, Problem> {
        match word {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            _ => {
                let allowed = &["json", "csv"];
                Err(refused("?format", FieldProblem::UnknownValue { allowed }))
            }
        }
    }
}

impl FromRequestParts<App> for Form {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut form = Self::Json;
        for (_, value) in parameters((parts, app), &["format"]).await? {
            form = Self::named(&value)?;
        }
        Ok(form)
    }
}

/// The figures, labels in the caller's language (`Accept-Language`); `?format=csv`: the statuses as a table, as a spreadsheet in
/// that language opens it.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
    form: Form,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let language = language_of(&headers);
    let figures = app.campaigns.figures(tenant, id, language).await?;
    let vary = (header::VARY, "accept-language");
    Ok(match form {
        Form::Json => ([vary], Json(figures)).into_response(),
        Form::Csv => {
            let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
            let name = format!("attachment; filename=\"{id}.csv\"");
            (
                [vary, kind, (header::CONTENT_DISPOSITION, name.as_str())],
                csv(&figures, language),
            )
                .into_response()
        }
    })
}

/// A French spreadsheet wants semicolons, decimal commas and a byte order mark; others what RFC 4180 says. No cell is from outside,
/// so that none is a formula or needs quotes.
fn csv(figures: &Figures, language: Language) -> String {
    let (start, head, separator, comma) = match language {
        Language::Fr => ("\u{feff}", "statut;libellé;messages;pourcentage", ';', ","),
        Language::En => ("", "status,label,messages,percent", ',', "."),
    };
    let mut table = format!("{start}{head}\r\n");
    for row in &figures.statuses {
        let percent = format!("{:.1}", row.percent).replace('.', comma);
        let cells = [row.status, row.label, &row.count.to_string(), &percent];
        table += &(cells.join(&separator.to_string()) + "\r\n");
    }
    table
}
