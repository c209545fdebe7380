//! `/v1/auto_replies`: rules by which what people write is answered.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::idempotent::Secret;
use super::problem::{Problem, ProblemKind};
use super::refusal::{database_refuses, store_refuses};
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::domain::{AutoReplyId, Role, TenantId};
use crate::fault::{FieldFault, FieldProblem, ReplyProblem};
use crate::people::{TEXT_MAX, WORDING_MAX, check_name};
use crate::replies::{
    AUTO_REPLIES_MAX, Ask, AutoReply, DELAY_MAX, KEYWORD_MAX, KEYWORDS_MAX, Match, Meant, PATTERN_MAX, PRIORITY,
    ReplyFault, Rule, Rules, SURVEYS_MAX, TIMEOUT_DEFAULT_MS, TIMEOUT_MS, WAITING_MAX, When, compiled, words,
};
use crate::webhooks::{WebhookFault, Webhooks};

const FIELDS: [&str; 12] = [
    "name", "number", "match", "keywords", "pattern", "when", "text", "webhook", "opts_in", "delay", "priority",
    "enabled",
];

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/auto_replies", "/v1/auto_replies/{id}");
    let rule = || {
        json!({
            "name": "Horaires", "match": "first_word", "keywords": ["HORAIRES", "HEURES"],
            "text": "Le cabinet est ouvert du lundi au vendredi, de 9 h à 18 h.",
        })
    };
    Routes::of("replies")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "makeAutoReply")
                .says(
                    "Answer what people write by a rule",
                    "Of the rules that fit, the one with the highest `priority` answers, then the surest. STOP is never answered by a rule.",
                )
                .takes::<shapes::NewAutoReply>(rule())
                .answers::<shapes::MadeAutoReply>(201, "The rule."),
            make,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listAutoReplies")
                .says("List the rules", "In the order in which they were made.")
                .answers::<shapes::Page<shapes::AutoReply>>(200, "All of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getAutoReply")
                .says("Show a rule", "")
                .at::<AutoReplyId>("id", "The rule.")
                .answers::<shapes::AutoReply>(200, "The rule."),
            show,
        )
        .add(
            Operation::new((Verb::Put, one), Key::Tenant, "replaceAutoReply")
                .says("Put a rule in place of one", "It holds for what is written from then on.")
                .at::<AutoReplyId>("id", "The rule.")
                .takes::<shapes::NewAutoReply>(rule())
                .answers::<shapes::MadeAutoReply>(200, "The rule as it is now."),
            replace,
        )
        .add(
            Operation::new((Verb::Delete, one), Key::Tenant, "deleteAutoReply")
                .says("Forget a rule", "")
                .at::<AutoReplyId>("id", "The rule.")
                .answers_nothing(204, "It is forgotten."),
            forget,
        )
        .add(
            Operation::new((Verb::Post, "/v1/auto_replies/try"), Key::Tenant, "tryAutoReplies")
                .needs(Role::Read)
                .says("See what would be answered", "Nothing is sent, and nothing is kept.")
                .takes::<shapes::TriedText>(json!({ "text": "horiares ?" }))
                .answers::<shapes::TriedReply>(200, "The rule that answers, and how sure that is."),
            try_out,
        )
}

pub(super) async fn make(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Extension<Secret>, Json<Value>), Problem> {
    let (name, mut rule) = read(&app, tenant, (&headers, body)).await?;
    let secret = sign(&mut rule, None)?;
    let made = app.replies.make(tenant, (&name, &rule)).await?;
    Ok((StatusCode::CREATED, Extension(Secret), Json(shown_once(&made, secret))))
}

pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let all = app.replies.rules(tenant).await;
    let all = all.map_err(|error| database_refuses(&error))?;
    Ok(page(all.iter().map(view).collect(), None))
}

pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<AutoReplyId>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&app.replies.rule(tenant, id).await?)))
}

pub(super) async fn replace(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<AutoReplyId>,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<Secret>, Json<Value>), Problem> {
    let known = app.replies.rule(tenant, id).await?;
    let (name, mut rule) = read(&app, tenant, (&headers, body)).await?;
    let secret = sign(&mut rule, known.rule.ask.map(|ask| ask.secret))?;
    let now = app.replies.replace((tenant, id), (&name, &rule)).await?;
    Ok((Extension(Secret), Json(shown_once(&now, secret))))
}

pub(super) async fn forget(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<AutoReplyId>,
) -> Result<StatusCode, Problem> {
    app.replies.forget(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `{"text", "number"}` → 200: which rule answers it now.
pub(super) async fn try_out(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["text", "number"]).await?;
    let (text, number) = (fields.text("text"), number(&app, tenant, &mut fields));
    let (Some(text), Some(number), true) = (text, number, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let found = tokio::try_join!(app.replies.rules(tenant), app.replies.settings(tenant));
    let (rules, settings) = found.map_err(|error| database_refuses(&error))?;
    let rules = Rules::new(rules);
    let open = settings.is_open(app.clock.unix());
    let opts_out = app.inbox.opts_out(&text);
    let (sure, fits) = match rules.meant(&text, number.as_deref().unwrap_or_default(), open) {
        _ if opts_out => (false, None),
        Meant::Sure(reply, confidence) => (true, Some((reply, confidence))),
        Meant::Unsure(reply, confidence) => (false, Some((reply, confidence))),
        Meant::Nothing => (false, None),
    };
    Ok(Json(json!({
        "opts_out": opts_out,
        "answered": sure,
        "auto_reply": fits.map(|(reply, _)| reply.id.to_string()),
        "confidence": fits.map(|(_, confidence)| confidence),
        "text": fits.filter(|_| sure).and_then(|(reply, _)| reply.rule.text.clone()),
        "open": open,
    })))
}

/// Name and rule, as they are given.
async fn read(app: &App, tenant: TenantId, body: (&HeaderMap, Body)) -> Result<(String, Rule), Problem> {
    let mut fields = Fields::read(body, app.clock, &FIELDS).await?;
    let name = fields.checked("name", |name| check_name(&name, TEXT_MAX));
    let number = number(app, tenant, &mut fields);
    let matches = fields.word::<Match>("match", &Match::CODES);
    let (keywords, pattern) = (keywords(app, &mut fields), pattern(&mut fields));
    let when = fields.word_or("when", &When::CODES, When::CODES[0]);
    let text = text(app, tenant, &mut fields).await?;
    let (ask, opts_in) = (ask(app, &mut fields), opts_in(&mut fields));
    let (delay, priority) = (
        fields.whole_or("delay", (0, DELAY_MAX), 0),
        fields.whole_or("priority", PRIORITY, 0),
    );
    let enabled = fields.boolean("enabled");
    let rule = || {
        Some(Rule {
            number: number?,
            matches: matches?,
            keywords: keywords?,
            pattern: pattern?,
            when: when?.parse().ok()?,
            text: text?,
            ask: ask?,
            opts_in: opts_in?,
            delay: u32::try_from(delay?).ok()?,
            priority: i16::try_from(priority?).ok()?,
            enabled: enabled?.unwrap_or(true),
        })
    };
    let rule = rule();
    if let Some(rule) = &rule {
        check_whole(rule, &mut fields);
    }
    match (name, rule, fields.is_sound()) {
        (Some(name), Some(rule), true) => Ok((name, rule)),
        _ => Err(fields.refusal()),
    }
}

/// What goes with what.
fn check_whole(rule: &Rule, fields: &mut Fields) {
    let beside = |fields| FieldProblem::MissingBeside { fields };
    match rule.matches {
        Match::Exact | Match::FirstWord if rule.keywords.is_empty() => {
            fields.refuse_field("match", beside(&["keywords"]));
        }
        Match::Pattern if rule.pattern.is_none() => fields.refuse_field("match", beside(&["pattern"])),
        Match::Exact | Match::FirstWord | Match::Pattern | Match::Any => {}
    }
    let by_keyword = matches!(rule.matches, Match::Exact | Match::FirstWord);
    let not_beside = FieldProblem::NotBeside { fields: &["match"] };
    if !by_keyword && !rule.keywords.is_empty() {
        fields.refuse_field("keywords", not_beside.clone());
    }
    if rule.matches != Match::Pattern && rule.pattern.is_some() {
        fields.refuse_field("pattern", not_beside.clone());
    }
    if !by_keyword && rule.opts_in.is_some() {
        // Nobody agrees by writing whatever it may be, nor by words among which there may be a « non ».
        fields.refuse_field("opts_in", not_beside);
    }
    if rule.text.is_none() && rule.ask.is_none() && rule.opts_in.is_none() {
        fields.refuse_field("match", beside(&["text", "webhook", "opts_in"]));
    }
}

/// One of the tenant's numbers, that may be there, and may be `null`.
fn number(app: &App, tenant: TenantId, fields: &mut Fields) -> Option<Option<String>> {
    let given = fields
        .if_given("number", |fields, name| fields.text_or_null(name))?
        .flatten();
    let Some(given) = given else { return Some(None) };
    let owned = app.numbers.find(&given).filter(|owned| owned.has(tenant));
    let Some(owned) = owned else {
        fields.refuse_field("number", ReplyProblem::NotOwnNumber.into());
        return None;
    };
    Some(Some(owned.sender.to_string()))
}

fn keywords(app: &App, fields: &mut Fields) -> Option<Vec<String>> {
    if !fields.has("keywords") {
        return Some(Vec::new());
    }
    fields.checked_list("keywords", KEYWORDS_MAX, |keyword| {
        let given = keyword.chars().count();
        match keyword.trim() {
            _ if given > KEYWORD_MAX => Err(FieldProblem::TooLong {
                max: KEYWORD_MAX,
                given,
            }),
            trimmed if words(trimmed).is_empty() => Err(FieldProblem::Empty),
            trimmed if app.inbox.opts_out(trimmed) => Err(ReplyProblem::MeansOptOut.into()),
            trimmed => Ok(trimmed.to_owned()),
        }
    })
}

fn pattern(fields: &mut Fields) -> Option<Option<String>> {
    let pattern = fields
        .if_given("pattern", |fields, name| fields.text_or_null(name))?
        .flatten();
    let Some(pattern) = pattern else { return Some(None) };
    let given = pattern.chars().count();
    let problem = match given {
        0 => Some(FieldProblem::Empty),
        _ if given > PATTERN_MAX => Some(FieldProblem::TooLong {
            max: PATTERN_MAX,
            given,
        }),
        _ => compiled(&pattern)
            .is_none()
            .then_some(ReplyProblem::InvalidPattern.into()),
    };
    if let Some(problem) = problem {
        fields.refuse_field("pattern", problem);
        return None;
    }
    Some(Some(pattern))
}

/// What is answered, if a message of the tenant's may say it.
async fn text(app: &App, tenant: TenantId, fields: &mut Fields) -> Result<Option<Option<String>>, Problem> {
    let text = fields.if_given("text", |fields, name| fields.text_or_null(name));
    let Some(Some(Some(text))) = text else {
        return Ok(text.map(Option::flatten));
    };
    let terms = app.campaigns.terms_of(tenant).await?;
    if text.trim().is_empty() {
        fields.refuse_field("text", FieldProblem::Empty);
    } else if let Err(problem) = app.campaigns.wording(&terms).check(&text) {
        fields.refuse_field("text", problem);
    }
    Ok(Some(Some(text)))
}

fn ask(app: &App, fields: &mut Fields) -> Option<Option<Ask>> {
    if fields.is_null("webhook") {
        return Some(None);
    }
    fields.object("webhook", &["url", "timeout_ms"], |fields| {
        let url = fields.checked("url", |url| match app.webhooks.check_url(&url) {
            Ok(()) => Ok(url),
            Err(problem) => Err(FieldProblem::Url(problem)),
        });
        let timeout = fields.whole_or("timeout_ms", TIMEOUT_MS, TIMEOUT_DEFAULT_MS);
        Some(Ask {
            url: url?,
            secret: String::new(),
            timeout_ms: u32::try_from(timeout?).ok()?,
        })
    })
}

fn opts_in(fields: &mut Fields) -> Option<Option<String>> {
    let wording = fields
        .if_given("opts_in", |fields, name| fields.text_or_null(name))?
        .flatten();
    let Some(wording) = wording else { return Some(None) };
    let given = wording.chars().count();
    let problem = match given {
        _ if wording.trim().is_empty() => FieldProblem::Empty,
        _ if given > WORDING_MAX => FieldProblem::TooLong {
            max: WORDING_MAX,
            given,
        },
        _ => return Some(Some(wording)),
    };
    fields.refuse_field("opts_in", problem);
    None
}

/// Gives the rule's program its secret: the one that it has, or a new one, which is to be shown.
fn sign(rule: &mut Rule, known: Option<String>) -> Result<Option<String>, Problem> {
    let Some(ask) = &mut rule.ask else { return Ok(None) };
    if let Some(known) = known {
        ask.secret = known;
        return Ok(None);
    }
    let secret = Webhooks::new_secret().map_err(|error| {
        tracing::error!(%error, "no secret could be made");
        Problem::from(ProblemKind::Internal)
    })?;
    ask.secret.clone_from(&secret);
    Ok(Some(secret))
}

fn shown_once(reply: &AutoReply, secret: Option<String>) -> Value {
    let mut view = view(reply);
    view["secret"] = secret.into();
    view
}

fn view(reply: &AutoReply) -> Value {
    let rule = &reply.rule;
    json!({
        "id": reply.id.to_string(),
        "name": reply.name,
        "number": rule.number,
        "match": rule.matches.into_str(),
        "keywords": rule.keywords,
        "pattern": rule.pattern,
        "when": rule.when.into_str(),
        "text": rule.text,
        "webhook": rule.ask.as_ref().map(|ask| json!({ "url": ask.url, "timeout_ms": ask.timeout_ms })),
        "opts_in": rule.opts_in,
        "delay": rule.delay,
        "priority": rule.priority,
        "enabled": rule.enabled,
        "created_at": time(reply.created_at),
    })
}

impl From<ReplyFault> for Problem {
    fn from(fault: ReplyFault) -> Self {
        let max = AUTO_REPLIES_MAX;
        match fault {
            ReplyFault::NotFound => ProblemKind::NotFound.into(),
            ReplyFault::TooMany => Self::of_fields(vec![FieldFault::new("", FieldProblem::TooMany { max })]),
            ReplyFault::TooManySurveys => {
                Self::of_fields(vec![FieldFault::new("", FieldProblem::TooMany { max: SURVEYS_MAX })])
            }
            ReplyFault::TooManyWaiting => {
                Self::of_fields(vec![FieldFault::new("", FieldProblem::TooMany { max: WAITING_MAX })])
            }
            ReplyFault::NotOurs => ProblemKind::NumberNotOwn.into(),
            ReplyFault::Agenda(fault) => fault.into(),
            ReplyFault::Campaign(fault) => fault.into(),
            ReplyFault::People(fault) => fault.into(),
            ReplyFault::Mirror(fault) => fault.into(),
            ReplyFault::Store(error) | ReplyFault::Webhook(WebhookFault::Store(error)) => store_refuses(&error),
            ReplyFault::Encryption(fault) => store_refuses(&fault.into()),
            ReplyFault::Database(error) | ReplyFault::Webhook(WebhookFault::Database(error)) => {
                database_refuses(&error)
            }
            ReplyFault::Webhook(WebhookFault::Tls(_) | WebhookFault::ToldElsewhere) => ProblemKind::Internal.into(),
        }
    }
}
