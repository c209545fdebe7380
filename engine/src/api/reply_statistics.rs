//! `GET /v1/reply_statistics`: figures of what people wrote, by what it has in common.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::form::Form;
use super::problem::{Problem, language_of};
use super::query::{dimensions, parameters, refused};
use super::statistics::{campaign, find, moment, range};
use super::{App, shapes};
use crate::campaign::percent;
use crate::campaign::view::time;
use crate::domain::{CampaignId, Language, Status, TenantId, UnixMicros};
use crate::fault::{DateProblem, FieldProblem};
use crate::history::{Dimension, Question};
use crate::replies::{REPLY_GROUPS_MAX, ReplyBy, ReplyGroup, ReplyQuestion};
use crate::sheet::{Table, Written};

pub(super) fn routes() -> Routes {
    Routes::of("replies").add(
        Operation::new((Verb::Get, "/v1/reply_statistics"), Key::Tenant, "getReplyStatistics")
            .says(
                "Show figures of replies",
                "By the number that was written to, the campaign that was answered, the rule whose keyword was written, or that keyword. Rates are of the \
                 messages that were delivered meanwhile: of that campaign, or of the campaigns sent under that number. As CSV: a table, as a \
                 spreadsheet in the caller's language opens it.",
            )
            .asks::<shapes::ReplyStatisticsQuestion>()
            .answers::<ReplyStatistics>(200, "The figures.")
            .or_as("text/csv")
            .speaks(),
        show,
    )
}

/// Figures, as they were asked for.
#[derive(Serialize, JsonSchema)]
struct ReplyStatistics {
    since: Option<String>,
    until: Option<String>,
    time_zone: String,
    /// What each row has in common.
    by: Vec<&'static str>,
    total: ReplyFiguresOf,
    data: Vec<ReplyGroupOf>,
}

/// Replies that have something in common.
#[derive(Serialize, JsonSchema)]
struct ReplyGroupOf {
    /// What, by dimension; `null`: there is none.
    group: BTreeMap<&'static str, Option<String>>,
    /// When they are put together by campaign; `null`: it has none, or nothing of it is remembered.
    campaign_name: Option<String>,
    /// When they are put together by rule; `null`: it is gone.
    auto_reply_name: Option<String>,
    #[serde(flatten)]
    figures: ReplyFiguresOf,
}

/// What people wrote.
#[derive(Serialize, JsonSchema)]
struct ReplyFiguresOf {
    messages: u64,
    /// Who has written, however often.
    people: u64,
    /// Those of them who have answered a campaign.
    answered: u64,
    opted_out: u64,
    /// Messages with a word that opts in.
    opted_in: u64,
    /// Messages that were delivered meanwhile and that these may answer; `null`: that is nothing that one can count.
    delivered: Option<u64>,
    /// Of these, those who have answered, in percent, to one digit.
    rate: Option<f64>,
    /// From a campaign's message to a person's first answer: half of them were faster; `null`: nobody has answered one.
    median_seconds: Option<u64>,
}

impl ReplyFiguresOf {
    fn new(group: &ReplyGroup, delivered: Option<u64>) -> Self {
        let figures = group.figures;
        Self {
            messages: figures.messages,
            people: figures.people,
            answered: figures.answered,
            opted_out: figures.opted_out,
            opted_in: figures.opted_in,
            delivered,
            rate: delivered.map(|delivered| percent(figures.answered, delivered)),
            median_seconds: figures.median_seconds,
        }
    }
}

/// `?since=…&until=…&by=number,auto_reply&time_zone=Europe/Paris&campaign=cmp_…&format=csv`.
struct Asked {
    range: (UnixMicros, UnixMicros),
    by: Vec<ReplyBy>,
    campaign: Option<CampaignId>,
    zone_name: String,
    form: Form,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 6] = ["since", "until", "by", "time_zone", "campaign", "format"];
        let Caller(tenant) = Caller::from_request_parts(parts, app).await?;
        let (mut form, mut zone_name) = (Form::accepted(&parts.headers), app.time_zone_of(tenant).await?);
        let (mut since, mut until, mut by, mut of) = (None, None, Vec::new(), None);
        for (name, value) in parameters((parts, app), &KNOWN).await? {
            match name {
                "since" => since = Some(value),
                "until" => until = Some(value),
                "by" => by = dimensions(&value, &ReplyBy::CODES)?,
                "time_zone" => zone_name = value,
                "campaign" => of = Some(campaign("?campaign", &value)?),
                _ => form = Form::named(&value)?,
            }
        }
        let zone = TimeZone::get(&zone_name)
            .map_err(|_| refused("?time_zone", FieldProblem::Date(DateProblem::UnknownTimeZone)))?;
        let moment = |name: &str, text: Option<String>| text.map(|text| moment(name, &text, &zone)).transpose();
        let (since, until) = range((moment("?since", since)?, moment("?until", until)?), app.clock.unix())?;
        let at = |ms: i64| UnixMicros(ms.unsigned_abs() * 1_000);
        Ok(Self {
            range: (at(since), at(until)),
            by,
            campaign: of,
            zone_name,
            form,
        })
    }
}

async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = |by: Vec<ReplyBy>| ReplyQuestion {
        tenant,
        range: Some(asked.range),
        by,
        campaign: asked.campaign,
    };
    let too_many = || refused("?by", FieldProblem::TooManyLines { max: REPLY_GROUPS_MAX });
    let groups = app.replies.groups(&question(asked.by.clone())).await?;
    let groups = groups.ok_or_else(too_many)?;
    let all = app.replies.groups(&question(Vec::new())).await?.unwrap_or_default();
    let sheet = Sheet {
        asked: &asked,
        groups: &groups,
        total: all.first().cloned().unwrap_or_default(),
        delivered: Delivered::find(&app, tenant, &asked).await?,
        language: language_of(&headers),
    };
    Ok(sheet.answer())
}

/// What was delivered meanwhile, as far as replies may be of it.
struct Delivered {
    /// Of all campaigns, or the one that is asked for.
    all: u64,
    of_campaigns: BTreeMap<String, u64>,
    /// By the digits of their senders.
    of_numbers: BTreeMap<String, u64>,
}

impl Delivered {
    async fn find(app: &App, tenant: TenantId, asked: &Asked) -> Result<Self, Problem> {
        let milliseconds = |at: UnixMicros| at.0.div_ceil(1_000).cast_signed();
        let question = Question {
            tenant: Some(tenant),
            range: (milliseconds(asked.range.0), milliseconds(asked.range.1)),
            campaigns: asked.campaign.into_iter().collect(),
            ..Question::of_all(vec![Dimension::Campaign, Dimension::Sender], asked.range.1)
        };
        let mut delivered = Self {
            all: 0,
            of_campaigns: BTreeMap::new(),
            of_numbers: BTreeMap::new(),
        };
        for group in find(app, &question).await? {
            let count = group.sums.statuses[Status::Delivered as usize];
            let mut keys = group.keys.into_iter();
            // What is sent one by one has no sender here.
            let (Some(Some(campaign)), Some(Some(sender))) = (keys.next(), keys.next()) else {
                continue;
            };
            delivered.all += count;
            *delivered.of_campaigns.entry(campaign).or_default() += count;
            *delivered.of_numbers.entry(digits(&sender)).or_default() += count;
        }
        Ok(delivered)
    }

    fn of(&self, group: &ReplyGroup, asked: &Asked) -> Option<u64> {
        let key = |by: ReplyBy| {
            let at = asked.by.iter().position(|other| *other == by)?;
            Some(group.keys.get(at)?.as_deref())
        };
        match (key(ReplyBy::Campaign), key(ReplyBy::Number)) {
            (Some(campaign), _) => self.of_campaigns.get(campaign?).copied(),
            (None, Some(number)) => self.of_numbers.get(&digits(number?)).copied(),
            (None, None) => Some(self.all),
        }
    }
}

fn digits(number: &str) -> String {
    number.trim_start_matches('+').to_owned()
}

/// Figures on their way out.
struct Sheet<'a> {
    asked: &'a Asked,
    groups: &'a [ReplyGroup],
    total: ReplyGroup,
    delivered: Delivered,
    language: Language,
}

impl Sheet<'_> {
    fn answer(&self) -> Response {
        let vary = (header::VARY, "accept, accept-language");
        match self.asked.form {
            Form::Json => ([vary], Json(self.object())).into_response(),
            Form::Csv => {
                let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
                let name = (header::CONTENT_DISPOSITION, "attachment; filename=\"replies.csv\"");
                ([vary, kind, name], self.table()).into_response()
            }
        }
    }

    fn object(&self) -> ReplyStatistics {
        let by = &self.asked.by;
        let shown = |group: &ReplyGroup| ReplyGroupOf {
            group: by.iter().map(|by| by.code()).zip(group.keys.iter().cloned()).collect(),
            campaign_name: group.campaign_name.clone(),
            auto_reply_name: group.auto_reply_name.clone(),
            figures: ReplyFiguresOf::new(group, self.delivered.of(group, self.asked)),
        };
        ReplyStatistics {
            since: time(self.asked.range.0),
            until: time(self.asked.range.1),
            time_zone: self.asked.zone_name.clone(),
            by: by.iter().map(|by| by.code()).collect(),
            total: ReplyFiguresOf::new(&self.total, Some(self.delivered.all)),
            // Without a dimension, the total is all there is.
            data: self.groups.iter().filter(|_| !by.is_empty()).map(shown).collect(),
        }
    }

    fn table(&self) -> String {
        let by = &self.asked.by;
        let table = Table::new(self.language);
        let mut text = table.head(&columns(by, self.language));
        for group in self.groups {
            let figures = ReplyFiguresOf::new(group, self.delivered.of(group, self.asked));
            let text_or_nothing = |text: Option<String>| text.map_or(Written::Nothing, Written::Text);
            let count_or_nothing = |count: Option<u64>| count.map_or(Written::Nothing, Written::Count);
            let mut cells: Vec<Written> = group.keys.iter().cloned().map(text_or_nothing).collect();
            for (of, name) in [
                (ReplyBy::Campaign, &group.campaign_name),
                (ReplyBy::AutoReply, &group.auto_reply_name),
            ] {
                cells.extend(by.contains(&of).then(|| text_or_nothing(name.clone())));
            }
            let wrote = [figures.messages, figures.people, figures.answered];
            let counts = wrote.into_iter().chain([figures.opted_out, figures.opted_in]);
            cells.extend(counts.map(Written::Count));
            cells.push(count_or_nothing(figures.delivered));
            cells.push(text_or_nothing(figures.rate.map(|rate| self.share(rate))));
            cells.push(count_or_nothing(figures.median_seconds));
            text += &table.line(&cells);
        }
        text
    }

    fn share(&self, percent: f64) -> String {
        let text = format!("{percent:.1}");
        match self.language {
            Language::Fr => text.replace('.', ","),
            Language::En => text,
        }
    }
}

/// What the columns are called.
fn columns(by: &[ReplyBy], language: Language) -> Vec<&'static str> {
    let french = language == Language::Fr;
    let mut all: Vec<&str> = by
        .iter()
        .map(|by| match by {
            ReplyBy::Number if french => "numéro",
            ReplyBy::Campaign if french => "campagne",
            ReplyBy::AutoReply if french => "réponse automatique",
            ReplyBy::Keyword if french => "mot-clé",
            ReplyBy::Number | ReplyBy::Campaign | ReplyBy::AutoReply | ReplyBy::Keyword => by.code(),
        })
        .collect();
    if by.contains(&ReplyBy::Campaign) {
        all.push(if french { "nom de la campagne" } else { "campaign_name" });
    }
    if by.contains(&ReplyBy::AutoReply) {
        all.push(if french {
            "nom de la réponse"
        } else {
            "auto_reply_name"
        });
    }
    all.extend(match language {
        Language::Fr => [
            "messages",
            "personnes",
            "ont répondu",
            "désinscriptions",
            "inscriptions",
            "reçus",
            "taux %",
            "médiane (s)",
        ],
        Language::En => [
            "messages",
            "people",
            "answered",
            "opted_out",
            "opted_in",
            "delivered",
            "rate_percent",
            "median_seconds",
        ],
    });
    all
}
