//! `GET /v1/messages`: what became of messages, long after their campaigns are gone.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use serde_json::{Value, json};

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::pages::{PAGE_DEFAULT, instant, limit};
use super::problem::Problem;
use super::query::{parameters, refused};
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::audience::normalise;
use crate::campaign::view::time;
use crate::domain::{Country, UnixMicros};
use crate::fault::FieldProblem;
use crate::history::{self, NOBODY, Past};

const PARAMETERS: [&str; 7] = ["to", "status", "campaign", "since", "until", "limit", "cursor"];

pub(super) fn routes() -> Routes {
    Routes::of("messages").add(
        Operation::new((Verb::Get, "/v1/messages"), Key::Tenant, "listMessages")
            .says(
                "List messages that were sent",
                "The newest first: those of campaigns and single ones, some seconds after they were taken or ended, and as long as \
                 `history.keep` says, 400 days by default.",
            )
            .asks::<shapes::HistoryQuestion>()
            .answers::<shapes::Page<shapes::PastMessage>>(200, "Messages."),
        list,
    )
}

/// What is asked.
pub(super) struct Asked {
    messages: history::Asked,
    limit: usize,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut asked = Self {
            messages: history::Asked::default(),
            limit: PAGE_DEFAULT,
        };
        for (name, value) in parameters((parts, app), &PARAMETERS).await? {
            asked.read(name, &value)?;
        }
        Ok(asked)
    }
}

impl Asked {
    fn read(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let unknown = |pointer: &str, allowed| refused(pointer, FieldProblem::UnknownValue { allowed });
        let messages = &mut self.messages;
        match name {
            "to" => {
                let number = normalise(value, Country::FRANCE);
                messages.recipient = Some(number.map_err(|fault| refused("?to", fault.problem()))?);
            }
            "status" if shapes::PAST_STATUSES.contains(&value) => messages.status = Some(value.to_owned()),
            "status" => return Err(unknown("?status", &shapes::PAST_STATUSES)),
            "campaign" => {
                let id = value.parse().map_err(|_| unknown("?campaign", &["cmp_…"]))?;
                messages.campaign = Some(id);
            }
            "since" => messages.since = Some(instant("?since", value)?),
            "until" => messages.until = Some(instant("?until", value)?),
            "limit" => self.limit = limit(value)?,
            "cursor" => {
                let place = value.parse().map_err(|_| unknown("?cursor", &["next_cursor"]))?;
                messages.behind = Some(place);
            }
            _ => {}
        }
        Ok(())
    }
}

/// `GET /v1/messages?to=+33…&status=delivered&campaign=cmp_…&since=2026-11-01T00:00:00Z&until=…`
pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller, asked: Asked) -> Result<Page, Problem> {
    let found = app.history.find(tenant, &asked.messages, asked.limit).await;
    let found = found.map_err(|error| database_refuses(&error))?;
    let next = found.last().filter(|_| found.len() == asked.limit);
    let next = next.map(|last| last.place.to_string());
    Ok(page(found.iter().map(view).collect(), next))
}

pub(super) fn view(past: &Past) -> Value {
    let at = |at: Option<i64>| at.and_then(|at| time(UnixMicros(at.unsigned_abs() * 1_000)));
    json!({
        "id": past.id.to_string(),
        "campaign": past.id.campaign().to_string(),
        "to": (past.recipient != NOBODY).then(|| past.recipient.to_string()),
        "status": past.status,
        "reason": Some(&past.reason).filter(|reason| !reason.is_empty()),
        "code": Some(past.code).filter(|code| *code > 0),
        "segments": past.segments,
        "credits": past.credits,
        "taken_at": at(past.taken_at),
        "ended_at": at(past.ended_at),
        "pack": past.pack.as_ref().map(|(pack, _)| pack),
        "pack_version": past.pack.as_ref().map(|(_, version)| version),
        "test_of": past.test_of.map(|campaign| campaign.to_string()),
    })
}
