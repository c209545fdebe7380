//! `GET /v1/statistics`: figures of messages by what they have in common, and campaigns side by side.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{Caller, Operator};
use super::doc::{Key, Operation, Routes, Verb};
use super::form::Form;
use super::problem::{Problem, ProblemCode, language_of};
use super::query::{dimensions, parameters, refused};
use super::refusal::database_refuses;
use super::{App, shapes};
use crate::campaign::view::time;
use crate::campaign::{OfStatus, percent};
use crate::domain::{self, CampaignId, Language, Status, TenantId, UnixMicros, french_status};
use crate::fault::{DateProblem, FieldProblem};
use crate::history::{Dimension, GROUPS_MAX, Group, Question, Sums, TIME_ZONE};
use crate::sheet::{Table, Written};

/// The longest time of one question: a year, and the month that it is compared with.
const DAYS_MAX: u32 = 400;

/// How far back is looked, if it is not said.
const DAYS_DEFAULT: u32 = 30;

/// Campaigns that are shown side by side.
const COMPARED: (usize, usize) = (2, 10);

pub(super) fn routes() -> Routes {
    Routes::of("statistics")
        .add(
            Operation::new((Verb::Get, "/v1/statistics"), Key::Tenant, "getStatistics")
                .says(
                    "Show figures of messages",
                    "Of those that were sent, some seconds after they were taken or ended, and as long as `history.keep` says, also when their \
                     campaigns are gone. Nothing in SMS says what was read, so that no read rate is among them. As CSV: a table, as a spreadsheet in the caller's \
                     language opens it.",
                )
                .asks::<shapes::StatisticsQuestion>()
                .answers::<Statistics>(200, "The figures.")
                .or_as("text/csv")
                .speaks(),
            show,
        )
        .add(
            Operation::new((Verb::Get, "/v1/campaigns/compare"), Key::Tenant, "compareCampaigns")
                .says("Show campaigns side by side", "Each with the figures of its messages, in the order asked for.")
                .asks::<shapes::Comparison>()
                .answers::<Statistics>(200, "The figures, by campaign.")
                .or_as("text/csv")
                .speaks()
                .refuses(&[ProblemCode::NotFound]),
            compare,
        )
}

/// Figures, as they were asked for.
#[derive(Serialize, JsonSchema)]
struct Statistics {
    since: Option<String>,
    until: Option<String>,
    time_zone: String,
    /// What each row has in common.
    by: Vec<&'static str>,
    total: FiguresOf,
    data: Vec<GroupOf>,
}

/// Messages that have something in common.
#[derive(Serialize, JsonSchema)]
pub(super) struct GroupOf {
    /// What, by dimension; `null`: nothing is known, or there is none.
    group: BTreeMap<&'static str, Option<String>>,
    /// When they are put together by campaign; `null`: it has none.
    campaign_name: Option<String>,
    #[serde(flatten)]
    figures: FiguresOf,
}

/// What messages came to.
#[derive(Serialize, JsonSchema)]
struct FiguresOf {
    /// Messages that have one of the seven statuses.
    messages: u64,
    /// All seven, each message in one.
    statuses: Vec<OfStatus>,
    /// Left out when their turn came.
    skipped: u64,
    segments: u64,
    /// Spent, what was given back included.
    credits: u64,
    recredited: u64,
    /// Delivered within three minutes, 180 s included.
    within_3_minutes: u64,
    /// Of those that were delivered, to one digit; a half is rounded up.
    within_3_minutes_percent: f64,
    /// How often people followed their short links.
    clicks: u64,
    /// Messages whose link somebody has followed, however often.
    clicked: u64,
    /// Of those that were delivered.
    clicked_percent: f64,
    /// How often programs looked at a link, which is no click.
    previews: u64,
}

impl FiguresOf {
    fn new(sums: &Sums, language: Language) -> Self {
        let messages = sums.statuses.iter().sum();
        let delivered = sums.statuses[Status::Delivered as usize];
        let of_status = |(status, count): (&Status, u64)| OfStatus {
            status: status.code(),
            label: status.label(language),
            count,
            percent: percent(count, messages),
        };
        Self {
            messages,
            statuses: Status::ALL.iter().zip(sums.statuses).map(of_status).collect(),
            skipped: sums.skipped,
            segments: sums.segments,
            credits: sums.credits,
            recredited: sums.recredited,
            within_3_minutes: sums.within_3_minutes,
            within_3_minutes_percent: percent(sums.within_3_minutes, delivered),
            clicks: sums.clicks,
            clicked: sums.clicked,
            clicked_percent: percent(sums.clicked, delivered),
            previews: sums.previews,
        }
    }
}

impl GroupOf {
    pub(super) fn new(group: &Group, by: &[Dimension], language: Language) -> Self {
        let keys = by.iter().map(|by| by.code()).zip(group.keys.iter().cloned());
        Self {
            group: keys.collect(),
            campaign_name: group.campaign_name.clone(),
            figures: FiguresOf::new(&group.sums, language),
        }
    }
}

/// `?since=…&until=…&by=day,smsc&time_zone=Europe/Paris&campaign=cmp_…&format=csv`.
pub(super) struct Asked {
    question: Question,
    zone_name: String,
    form: Form,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 6] = ["since", "until", "by", "time_zone", "campaign", "format"];
        let form = Form::accepted(&parts.headers);
        let Caller(tenant) = Caller::from_request_parts(parts, app).await?;
        let zone_name = app.time_zone_of(tenant).await?;
        let given = parameters((parts, app), &KNOWN).await?;
        Self::read(given, (form, &Dimension::OF_TENANT), (app.clock.unix(), zone_name))
    }
}

/// The same of an operator: `?by=tenant,smsc&tenant=ten_…`.
pub(super) struct AskedOfAll(Asked);

impl FromRequestParts<App> for AskedOfAll {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 7] = ["since", "until", "by", "time_zone", "campaign", "tenant", "format"];
        let form = Form::accepted(&parts.headers);
        let given = parameters((parts, app), &KNOWN).await?;
        let at = (app.clock.unix(), TIME_ZONE.to_owned());
        Asked::read(given, (form, &Dimension::CODES), at).map(Self)
    }
}

impl Asked {
    fn read(
        given: Vec<(&'static str, String)>,
        (mut form, words): (Form, &'static [&'static str]),
        (now, mut zone_name): (UnixMicros, String),
    ) -> Result<Self, Problem> {
        let (mut since, mut until) = (None, None);
        let (mut tenant, mut by, mut campaigns) = (None, Vec::new(), Vec::new());
        for (name, value) in given {
            match name {
                "since" => since = Some(value),
                "until" => until = Some(value),
                "by" => by = dimensions(&value, words)?,
                "time_zone" => zone_name = value,
                "campaign" => campaigns = vec![campaign("?campaign", &value)?],
                "tenant" => {
                    let allowed = &["ten_…"];
                    let id = value.parse();
                    tenant = Some(id.map_err(|_| refused("?tenant", FieldProblem::UnknownValue { allowed }))?);
                }
                _ => form = Form::named(&value)?,
            }
        }
        let zone = TimeZone::get(&zone_name)
            .map_err(|_| refused("?time_zone", FieldProblem::Date(DateProblem::UnknownTimeZone)))?;
        let moment = |name: &str, text: Option<String>| text.map(|text| moment(name, &text, &zone)).transpose();
        let range = range((moment("?since", since)?, moment("?until", until)?), now)?;
        let question = Question {
            tenant,
            range,
            by,
            campaigns,
            zone,
        };
        Ok(Self {
            question,
            zone_name,
            form,
        })
    }
}

pub(super) fn campaign(pointer: &str, text: &str) -> Result<CampaignId, Problem> {
    let allowed = &["cmp_…"];
    text.parse()
        .map_err(|_| refused(pointer, FieldProblem::UnknownValue { allowed }))
}

/// A time with its offset, or the beginning of a day.
pub(super) fn moment(pointer: &str, text: &str, zone: &TimeZone) -> Result<UnixMicros, Problem> {
    instant(text, zone).ok_or_else(|| refused(pointer, DateProblem::InvalidMoment.into()))
}

/// The same; `None`: it is neither.
pub(super) fn instant(text: &str, zone: &TimeZone) -> Option<UnixMicros> {
    let day = |text: &str| text.parse::<Date>().ok()?.to_zoned(zone.clone()).ok();
    let at = match text.parse::<Timestamp>() {
        Ok(_) => domain::instant(text),
        Err(_) => day(text).map(|day| day.timestamp()),
    };
    let at = at.and_then(|at| u64::try_from(at.as_microsecond()).ok());
    at.map(UnixMicros)
}

/// In milliseconds since 1970.
pub(super) fn range(
    (since, until): (Option<UnixMicros>, Option<UnixMicros>),
    now: UnixMicros,
) -> Result<(i64, i64), Problem> {
    let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
    let until = until.unwrap_or(now);
    let since = since.unwrap_or(until.minus(days(DAYS_DEFAULT)));
    // A day may have an hour more.
    let longest = days(DAYS_MAX) + Duration::from_secs(3_600);
    if since >= until || until.since(since) > longest {
        let problem = DateProblem::InvalidRange { days: DAYS_MAX };
        return Err(refused("?since", problem.into()));
    }
    Ok((milliseconds(since), milliseconds(until)))
}

/// The first that is not before a time.
pub(super) const fn milliseconds(at: UnixMicros) -> i64 {
    at.0.div_ceil(1_000) as i64
}

async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    mut asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    asked.question.tenant = Some(tenant);
    answer(&app, &asked, &headers).await
}

async fn answer(app: &App, asked: &Asked, headers: &HeaderMap) -> Result<Response, Problem> {
    let groups = find(app, &asked.question).await?;
    let sheet = Sheet {
        asked,
        groups: &groups,
        language: language_of(headers),
    };
    Ok(sheet.answer("statistics"))
}

/// `GET /v1/statistics` of the operators' listener: of all tenants.
pub(super) async fn show_all(
    State(app): State<App>,
    _: Operator,
    AskedOfAll(asked): AskedOfAll,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&app, &asked, &headers).await
}

/// The groups that a question has.
///
/// # Errors
/// There are too many, or the database does not answer.
pub(super) async fn find(app: &App, question: &Question) -> Result<Vec<Group>, Problem> {
    let found = app.history.statistics(question).await;
    let found = found.map_err(|error| database_refuses(&error))?;
    found.ok_or_else(|| refused("?by", FieldProblem::TooManyLines { max: GROUPS_MAX }))
}

/// `?ids=cmp_…,cmp_…`.
pub(super) struct Compared {
    ids: Vec<CampaignId>,
    form: Form,
}

impl FromRequestParts<App> for Compared {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (mut ids, mut form) = (Vec::new(), Form::accepted(&parts.headers));
        for (name, value) in parameters((parts, app), &["ids", "format"]).await? {
            match name {
                "ids" => {
                    let all: Result<Vec<_>, _> = value.split(',').map(|id| campaign("?ids", id)).collect();
                    ids = all?;
                }
                _ => form = Form::named(&value)?,
            }
        }
        let (min, max) = COMPARED;
        if !(min..=max).contains(&ids.len()) {
            let (min, max) = (min as i64, max as i64);
            return Err(refused("?ids", FieldProblem::OutOfRange { min, max }));
        }
        // One that is named twice is counted once.
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(*id));
        Ok(Self { ids, form })
    }
}

async fn compare(
    State(app): State<App>,
    Caller(tenant): Caller,
    compared: Compared,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = Question {
        tenant: Some(tenant),
        campaigns: compared.ids.clone(),
        ..Question::of_all(vec![Dimension::Campaign], app.clock.unix())
    };
    let found = find(&app, &question).await?;
    let mut groups = Vec::new();
    for id in &compared.ids {
        let name = id.to_string();
        let group = found
            .iter()
            .find(|group| group.keys.first() == Some(&Some(name.clone())));
        groups.push(match group {
            Some(group) => group.clone(),
            None => unsent(&app, tenant, *id).await?,
        });
    }
    let asked = Asked {
        question,
        zone_name: TIME_ZONE.to_owned(),
        form: compared.form,
    };
    let sheet = Sheet {
        asked: &asked,
        groups: &groups,
        language: language_of(&headers),
    };
    Ok(sheet.answer("campaigns"))
}

/// A campaign of which nothing was sent.
async fn unsent(app: &App, tenant: TenantId, id: CampaignId) -> Result<Group, Problem> {
    let campaign = app.campaigns.find(tenant, id).await?;
    Ok(Group {
        keys: vec![Some(id.to_string())],
        campaign_name: Some(campaign.name),
        sums: Sums::default(),
    })
}

/// Figures on their way out.
struct Sheet<'a> {
    asked: &'a Asked,
    groups: &'a [Group],
    language: Language,
}

impl Sheet<'_> {
    fn answer(&self, name: &str) -> Response {
        let vary = (header::VARY, "accept, accept-language");
        match self.asked.form {
            Form::Json => ([vary], Json(self.object())).into_response(),
            Form::Csv => {
                let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
                let name = format!("attachment; filename=\"{name}.csv\"");
                let headers = [vary, kind, (header::CONTENT_DISPOSITION, name.as_str())];
                (headers, self.table()).into_response()
            }
        }
    }

    fn object(&self) -> Statistics {
        let question = &self.asked.question;
        let mut total = Sums::default();
        self.groups.iter().for_each(|group| total.add(&group.sums));
        let (since, until) = question.range;
        let at = |ms: i64| time(UnixMicros(ms.unsigned_abs() * 1_000));
        let shown = |group: &Group| GroupOf::new(group, &question.by, self.language);
        Statistics {
            since: at(since),
            until: at(until),
            time_zone: self.asked.zone_name.clone(),
            by: question.by.iter().map(|by| by.code()).collect(),
            total: FiguresOf::new(&total, self.language),
            // Without a dimension, the total is all there is.
            data: self
                .groups
                .iter()
                .filter(|_| !question.by.is_empty())
                .map(shown)
                .collect(),
        }
    }

    fn table(&self) -> String {
        let by = &self.asked.question.by;
        let table = Table::new(self.language);
        let columns = columns(by, self.language);
        let mut text = table.head(&columns.iter().map(String::as_str).collect::<Vec<_>>());
        for group in self.groups {
            let keys = by.iter().zip(&group.keys);
            let keys =
                keys.map(|(by, key)| text_or_nothing(key.as_deref().map(|key| in_table(*by, key, self.language))));
            let names = by.contains(&Dimension::Campaign);
            let name = names.then(|| text_or_nothing(group.campaign_name.clone()));
            let cells: Vec<Written> = keys.chain(name).chain(self.cells(&group.sums)).collect();
            text += &table.line(&cells);
        }
        text
    }

    fn cells(&self, sums: &Sums) -> impl Iterator<Item = Written> {
        let figures = FiguresOf::new(sums, self.language);
        let share = |percent: f64| {
            let text = format!("{percent:.1}");
            Written::Text(match self.language {
                Language::Fr => text.replace('.', ","),
                Language::En => text,
            })
        };
        let mut cells = vec![Written::Count(figures.messages)];
        for of in &figures.statuses {
            cells.extend([Written::Count(of.count), share(of.percent)]);
        }
        let counts = [figures.skipped, figures.segments, figures.credits, figures.recredited];
        cells.extend(counts.map(Written::Count));
        cells.push(Written::Count(figures.within_3_minutes));
        cells.push(share(figures.within_3_minutes_percent));
        cells.extend([figures.clicks, figures.clicked].map(Written::Count));
        cells.push(share(figures.clicked_percent));
        cells.push(Written::Count(figures.previews));
        cells.into_iter()
    }
}

fn text_or_nothing(text: Option<String>) -> Written {
    text.map_or(Written::Nothing, Written::Text)
}

/// What is called so, in the table: a French one has days as people there write them, and statuses in words.
fn in_table(by: Dimension, key: &str, language: Language) -> String {
    if language == Language::En {
        return key.to_owned();
    }
    match by {
        Dimension::Hour | Dimension::Day | Dimension::Week => french_time(key).unwrap_or_else(|| key.to_owned()),
        Dimension::Status => french_status(key).unwrap_or(key).to_owned(),
        Dimension::Month
        | Dimension::Campaign
        | Dimension::Category
        | Dimension::Template
        | Dimension::TemplateVersion
        | Dimension::Text
        | Dimension::Purpose
        | Dimension::Sender
        | Dimension::Smsc
        | Dimension::Country
        | Dimension::Tenant => key.to_owned(),
    }
}

/// `2026-12-24` or `2026-12-24T09:00:00+01:00` → `24/12/2026` or `24/12/2026 09:00`.
fn french_time(key: &str) -> Option<String> {
    let (day, time) = key.split_once('T').unwrap_or((key, ""));
    let day: jiff::civil::Date = day.parse().ok()?;
    let shown = format!("{} {}", day.strftime("%d/%m/%Y"), time.get(..5).unwrap_or_default());
    Some(shown.trim_end().to_owned())
}

/// What the columns are called.
fn columns(by: &[Dimension], language: Language) -> Vec<String> {
    let french = language == Language::Fr;
    let mut all: Vec<String> = by
        .iter()
        .map(|by| (if french { french_name(*by) } else { by.code() }).to_owned())
        .collect();
    if by.contains(&Dimension::Campaign) {
        all.push(if french { "nom" } else { "campaign_name" }.to_owned());
    }
    all.push("messages".to_owned());
    for status in Status::ALL {
        let name = if french { status.label(language) } else { status.code() };
        all.push(name.to_owned());
        all.push(if french {
            format!("{name} %")
        } else {
            format!("{name}_percent")
        });
    }
    let rest: [&str; 10] = match language {
        Language::Fr => [
            "écartés",
            "segments",
            "crédits",
            "recrédités",
            "en 3 minutes",
            "en 3 minutes %",
            "clics",
            "cliqués",
            "cliqués %",
            "aperçus",
        ],
        Language::En => [
            "skipped",
            "segments",
            "credits",
            "recredited",
            "within_3_minutes",
            "within_3_minutes_percent",
            "clicks",
            "clicked",
            "clicked_percent",
            "previews",
        ],
    };
    all.extend(rest.map(str::to_owned));
    all
}

const fn french_name(by: Dimension) -> &'static str {
    match by {
        Dimension::Hour => "heure",
        Dimension::Day => "jour",
        Dimension::Week => "semaine",
        Dimension::Month => "mois",
        Dimension::Campaign => "campagne",
        Dimension::Category => "catégorie",
        Dimension::Template => "modèle",
        Dimension::TemplateVersion => "version du modèle",
        Dimension::Text => "texte",
        Dimension::Purpose => "finalité",
        Dimension::Sender => "expéditeur",
        Dimension::Smsc => "smsc",
        Dimension::Status => "statut",
        Dimension::Country => "pays",
        Dimension::Tenant => "client",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_french_table_has_french_days() {
        for (by, key, french) in [
            (Dimension::Day, "2026-12-24", "24/12/2026"),
            (Dimension::Week, "2026-12-21", "21/12/2026"),
            (Dimension::Hour, "2026-12-24T09:00:00+01:00", "24/12/2026 09:00"),
            (Dimension::Month, "2026-12", "2026-12"),
            (Dimension::Status, "delivered", "Message reçu"),
            (Dimension::Smsc, "2026-12-24", "2026-12-24"),
        ] {
            assert_eq!(in_table(by, key, Language::Fr), french);
            assert_eq!(in_table(by, key, Language::En), key);
        }
    }
}
