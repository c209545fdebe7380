//! `/v1/flagged`: texts and traffic that a reseller, or the operator, looks at.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde_json::{Value, json};

use super::access::{Id, Manager};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::pages::{PAGE_DEFAULT, cursor, limit};
use super::problem::{Problem, ProblemKind};
use super::query::{parameters, refused};
use super::refusal::{database_refuses, store_refuses};
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::domain::{FlaggedId, ResellerId, Role, TenantId};
use crate::fault::FieldProblem;
use crate::flagged::{Decision, FlagFault, FlagReason, FlagState, Flagged, NOTE_MAX, Wanted};
use crate::store::StoreError;

pub(super) fn routes() -> Routes {
    let deciding = |path: &'static str, id: &'static str| {
        Operation::new((Verb::Post, path), Key::Reseller, id)
            .needs(Role::Admin)
            .at::<FlaggedId>("id", "The text or traffic.")
            .answers::<shapes::Flagged>(200, "It as it is now, with what became of its campaigns.")
    };
    Routes::of("flagged")
        .add(
            Operation::new((Verb::Get, "/v1/flagged"), Key::Reseller, "listFlagged")
                .says(
                    "List what is to be looked at",
                    "What is sent as transactional and looks like advertising, the first campaigns of new tenants, and traffic that is unusual \
                     for its tenant: many numbers of one block, a new country. The newest first; with a reseller's key those of its tenants, \
                     with the operator's all.",
                )
                .asks::<shapes::FlaggedWanted>()
                .answers::<shapes::Page<shapes::Flagged>>(200, "A page of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, "/v1/flagged/{id}"), Key::Reseller, "getFlagged")
                .says("Show what is to be looked at", "With its campaigns.")
                .at::<FlaggedId>("id", "The text or traffic.")
                .answers::<shapes::Flagged>(200, "The text or traffic."),
            show,
        )
        .add(
            deciding("/v1/flagged/{id}/accept", "acceptFlagged")
                .says(
                    "Accept a text or traffic",
                    "It goes from now on, and nobody is asked about it again. Campaigns that waited go at their date, or at once as they were \
                     launched; one whose date is over is a draft, with `refused` `date_passed`.",
                )
                .takes::<shapes::FlagDecision>(json!({ "note": "Information aux patients." })),
            accept,
        )
        .add(
            deciding("/v1/flagged/{id}/reject", "rejectFlagged")
                .says(
                    "Reject a text or traffic",
                    "A text does not go for this purpose from now on; nothing goes to a country, and neither a message by itself nor a campaign with \
                     many of them to a block. Campaigns that waited are drafts, with `refused` `text_rejected` or `traffic_rejected`.",
                )
                .takes::<shapes::FlagDecision>(json!({ "note": "À envoyer comme publicité." })),
            reject,
        )
}

/// Which texts, and which page of them.
struct Asked {
    limit: usize,
    behind: Option<FlaggedId>,
    wanted: Wanted,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 5] = ["limit", "cursor", "state", "reason", "tenant"];
        const STATES: &[&str] = &FlagState::CODES;
        const REASONS: &[&str] = &FlagReason::CODES;
        let mut asked = Self {
            limit: PAGE_DEFAULT,
            behind: None,
            wanted: Wanted::default(),
        };
        let unknown = |pointer, allowed| refused(pointer, FieldProblem::UnknownValue { allowed });
        for (name, value) in parameters((parts, app), &KNOWN).await? {
            match name {
                "limit" => asked.limit = limit(&value)?,
                "cursor" => asked.behind = Some(cursor(&value)?),
                "state" => asked.wanted.state = Some(value.parse().map_err(|_| unknown("?state", STATES))?),
                "reason" => asked.wanted.reason = Some(value.parse().map_err(|_| unknown("?reason", REASONS))?),
                "tenant" => {
                    let tenant: Result<TenantId, _> = value.parse();
                    asked.wanted.tenant = Some(tenant.map_err(|_| unknown("?tenant", &["ten_…"]))?);
                }
                _ => {}
            }
        }
        Ok(asked)
    }
}

async fn list(State(app): State<App>, Manager(manager): Manager, asked: Asked) -> Result<Page, Problem> {
    let page_of = (asked.behind, asked.limit);
    let found = app.campaigns.flagged().list(manager, &asked.wanted, page_of).await?;
    let next = found.last().filter(|_| found.len() == asked.limit);
    let next = next.map(|last| last.id.to_string());
    let mut rows = Vec::with_capacity(found.len());
    for flagged in &found {
        rows.push(view(&app, flagged).await?);
    }
    Ok(page(rows, next))
}

async fn show(
    State(app): State<App>,
    (Manager(manager), Id(id)): (Manager, Id<FlaggedId>),
) -> Result<Json<Value>, Problem> {
    let flagged = app.campaigns.flagged().one(manager, id).await?;
    view(&app, &flagged).await.map(Json)
}

async fn accept(
    State(app): State<App>,
    (Manager(manager), Id(id)): (Manager, Id<FlaggedId>),
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let note = note(&app, &headers, body).await?;
    decide(&app, (manager, id), Decision { accepted: true, note }).await
}

async fn reject(
    State(app): State<App>,
    (Manager(manager), Id(id)): (Manager, Id<FlaggedId>),
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let note = note(&app, &headers, body).await?;
    decide(&app, (manager, id), Decision { accepted: false, note }).await
}

/// `{"note"}`, that may be there.
async fn note(app: &App, headers: &HeaderMap, body: Body) -> Result<String, Problem> {
    let mut fields = Fields::read((headers, body), app.clock, &["note"]).await?;
    let note = fields.text_or("note", "");
    let given = note.as_ref().map_or(0, |note| note.chars().count());
    if given > NOTE_MAX {
        let max = NOTE_MAX;
        fields.refuse("/note".to_owned(), FieldProblem::TooLong { max, given });
    }
    match (note, fields.is_sound()) {
        (Some(note), true) => Ok(note.trim().to_owned()),
        (Some(_) | None, _) => Err(fields.refusal()),
    }
}

async fn decide(
    app: &App,
    (manager, id): (Option<ResellerId>, FlaggedId),
    decision: Decision,
) -> Result<Json<Value>, Problem> {
    let flagged = app.campaigns.flagged().decide((manager, id), &decision).await?;
    // What cannot be done now is done by whoever looks for what was decided.
    if let Err(error) = app.campaigns.carry_out(Some(id)).await {
        tracing::warn!(flagged = %id, %error, "decided, and not carried out yet");
    }
    view(app, &flagged).await.map(Json)
}

async fn view(app: &App, flagged: &Flagged) -> Result<Value, Problem> {
    let campaigns = app.campaigns.flagged().campaigns(flagged.id).await?;
    let owners: Vec<_> = campaigns.iter().map(|id| (flagged.tenant, *id)).collect();
    let found = app.campaigns.those(&owners).await;
    let found = found.map_err(|error: StoreError| store_refuses(&error))?;
    let campaigns: Vec<Value> = found
        .iter()
        .flatten()
        .map(|campaign| {
            json!({
                "id": campaign.id.to_string(),
                "name": campaign.name,
                "sender": campaign.sender,
                "recipients": campaign.total,
                "state": campaign.state.code(),
                "scheduled_at": campaign.scheduled_at.and_then(time),
                "refused": campaign.refused,
            })
        })
        .collect();
    let reasons: Vec<&str> = flagged.reasons.iter().map(|reason| reason.code()).collect();
    Ok(json!({
        "id": flagged.id.to_string(),
        "tenant": flagged.tenant.to_string(),
        "purpose": flagged.purpose.code(),
        "text": flagged.text,
        "traffic": flagged.traffic,
        "reasons": reasons,
        "words": flagged.words,
        "campaign": flagged.campaign.map(|id| id.to_string()),
        "message": flagged.message.map(|id| id.to_string()),
        "campaigns": campaigns,
        "state": flagged.state.code(),
        "note": Some(&flagged.note).filter(|note| !note.is_empty()),
        "created_at": time(flagged.created_at),
        "decided_at": flagged.decided_at.and_then(time),
    }))
}

impl From<FlagFault> for Problem {
    fn from(fault: FlagFault) -> Self {
        match fault {
            FlagFault::NotFound => ProblemKind::NotFound.into(),
            FlagFault::Database(error) => database_refuses(&error),
            FlagFault::Store(error) => store_refuses(&error),
            FlagFault::Encryption(error) => store_refuses(&error.into()),
        }
    }
}
