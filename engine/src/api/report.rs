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
use super::refusal::database_refuses;
use super::statistics::{self, GroupOf};
use super::{App, shapes};
use crate::campaign::{Figures, percent};
use crate::domain::{CampaignId, Language, Status, TenantId};
use crate::history::{Dimension, Question};
use crate::links::ClickFigures;
use crate::replies::{ReplyBy, ReplyGroup, ReplyQuestion};

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
    /// How its links were followed, a second behind; `null`: it has none.
    clicks: Option<Clicked>,
    /// By the SMSC that took them, some seconds behind; `null`: none did.
    smscs: Vec<GroupOf>,
    /// By the hour in which they were taken, or ended if they never were, by the clocks of the tenant.
    hours: Vec<GroupOf>,
}

/// How the links of a campaign were followed.
#[derive(Serialize, JsonSchema)]
struct Clicked {
    clicks: u64,
    /// Who has followed theirs, however often.
    people: u64,
    /// Of those who have it, in percent.
    rate: f64,
    /// What each of these cost; `null`: there are none.
    credits_each: Option<f64>,
    /// How often programs looked at one, which is no click.
    previews: u64,
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
    /// Messages with a word that opts in.
    opted_in: u64,
    /// By the rule whose keyword they wrote.
    auto_replies: Vec<Converted>,
}

/// Who has written a rule's keyword in answer to a campaign.
#[derive(Serialize, JsonSchema)]
struct Converted {
    id: String,
    /// `null`: the rule is gone.
    name: Option<String>,
    messages: u64,
    people: u64,
    /// Of those who have the campaign's message, in percent.
    rate: f64,
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
    let taken = app.history.taken(tenant, id).await;
    let figures = figures.with_segments(taken.map_err(|error| database_refuses(&error))?);
    let vary = (header::VARY, "accept, accept-language");
    Ok(match form {
        Form::Json => {
            let groups = async |by| groups(&app, (tenant, id), (by, language)).await;
            let replied = app.replies.figures(tenant, id).await?;
            let delivered = delivered(&figures);
            let clicks = match &app.links {
                Some(links) => links.figures(id).await.map_err(|error| database_refuses(&error))?,
                None => None,
            };
            let report = Report {
                replies: Replied {
                    messages: replied.messages,
                    people: replied.people,
                    rate: percent(replied.people, delivered),
                    median_seconds: replied.median_seconds,
                    opted_out: replied.opted_out,
                    opted_in: replied.opted_in,
                    auto_replies: converted(&app, (tenant, id), delivered).await?,
                },
                clicks: clicks.map(|clicks| clicked(&clicks, delivered, figures.spent())),
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

async fn converted(
    app: &App,
    (tenant, campaign): (TenantId, CampaignId),
    delivered: u64,
) -> Result<Vec<Converted>, Problem> {
    let question = ReplyQuestion {
        tenant,
        range: None,
        by: vec![ReplyBy::AutoReply],
        campaign: Some(campaign),
    };
    let groups = app.replies.groups(&question).await?.unwrap_or_default();
    let shown = |group: ReplyGroup| {
        Some(Converted {
            // Those that no rule fits have none.
            id: group.keys.into_iter().next().flatten()?,
            name: group.auto_reply_name,
            messages: group.figures.messages,
            people: group.figures.people,
            rate: percent(group.figures.people, delivered),
        })
    };
    Ok(groups.into_iter().filter_map(shown).collect())
}

fn delivered(figures: &Figures) -> u64 {
    let delivered = Status::Delivered.code();
    let row = figures.statuses.iter().find(|row| row.status == delivered);
    row.map_or(0, |row| row.count)
}

fn clicked(clicks: &ClickFigures, delivered: u64, spent: u64) -> Clicked {
    Clicked {
        clicks: clicks.clicks,
        people: clicks.people,
        rate: percent(clicks.people, delivered),
        // To two digits.
        credits_each: (clicks.people > 0).then(|| (spent as f64 / clicks.people as f64 * 100.0).round() / 100.0),
        previews: clicks.previews,
    }
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
        zone: app.clocks_of(tenant).await?,
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
