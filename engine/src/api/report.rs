//! `GET /v1/campaigns/{id}/report`: what a campaign came to.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::form::Form;
use super::problem::{Problem, language_of};
use super::statistics::{self, GroupOf};
use super::{App, shapes};
use crate::campaign::{Figures, percent};
use crate::domain::{CampaignId, Language, Status, TenantId};
use crate::history::{Dimension, Question};

pub(super) fn routes() -> Routes {
    Routes::of("campaigns").add(
        Operation::new((Verb::Get, "/v1/campaigns/{id}/report"), Key::Tenant, "getReport")
            .says(
                "Show what a campaign came to",
                "With what history knows by SMSC and by hour. As CSV: the statuses as a table, as a spreadsheet in the caller's language opens it.",
            )
            .at::<CampaignId>("id", "The campaign.")
            .asks::<shapes::ReportForm>()
            .answers::<Report>(200, "The figures.")
            .or_as("text/csv")
            .speaks(),
        show,
    )
}

/// What a campaign came to.
#[derive(Serialize, JsonSchema)]
struct Report {
    #[serde(flatten)]
    figures: Figures,
    /// What people answered to it.
    replies: Replied,
    /// By the SMSC that took them, some seconds behind; `null`: none did.
    smscs: Vec<GroupOf>,
    /// By the hour in which they were taken, or ended if they never were, by the clocks of Paris.
    hours: Vec<GroupOf>,
}

/// What people answered to a campaign.
#[derive(Serialize, JsonSchema)]
struct Replied {
    messages: u64,
    /// Who has written, however often.
    people: u64,
    /// Of those who have it, in percent.
    rate: f64,
    /// Half of them were faster; `null`: nobody has answered.
    median_seconds: Option<u64>,
    opted_out: u64,
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
    let vary = (header::VARY, "accept, accept-language");
    Ok(match form {
        Form::Json => {
            let groups = async |by| groups(&app, (tenant, id), (by, language)).await;
            let replied = app.replies.figures(tenant, id).await?;
            let delivered = figures
                .statuses
                .iter()
                .find(|row| row.status == Status::Delivered.code());
            let report = Report {
                replies: Replied {
                    messages: replied.messages,
                    people: replied.people,
                    rate: delivered.map_or(0.0, |row| percent(replied.people, row.count)),
                    median_seconds: replied.median_seconds,
                    opted_out: replied.opted_out,
                },
                smscs: groups(Dimension::Smsc).await?,
                hours: groups(Dimension::Hour).await?,
                figures,
            };
            ([vary], Json(report)).into_response()
        }
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

/// What history knows of a campaign's messages.
async fn groups(
    app: &App,
    (tenant, id): (TenantId, CampaignId),
    (by, language): (Dimension, Language),
) -> Result<Vec<GroupOf>, Problem> {
    let question = Question {
        tenant: Some(tenant),
        campaigns: vec![id],
        ..Question::of_all(vec![by], app.clock.unix())
    };
    let found = statistics::find(app, &question).await?;
    Ok(found.iter().map(|group| GroupOf::new(group, &[by], language)).collect())
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
