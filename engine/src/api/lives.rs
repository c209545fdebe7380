//! `GET /v1/messages` on the operators' listener, with the operator's key: the life of messages, in order of time.

use std::collections::{BTreeSet, HashMap};
use std::io;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::Operator;
use super::problem::{Problem, ProblemKind};
use super::query::{parameters, refused};
use super::refusal::{database_refuses, store_refuses};
use super::{App, Page, page};
use crate::audience::normalise;
use crate::campaign::Placed;
use crate::campaign::view::time;
use crate::domain::{CampaignId, Country, Mark, Message, MessageId, Recipient, Record, Trail, UnixMicros};
use crate::fault::FieldProblem;
use crate::receipt::{Parked, recipients_with};

const PARAMETERS: [&str; 4] = ["id", "number", "smsc_id", "whole"];

/// The longest id of an SMSC that is looked for: SMPP's have 65 octets.
const SMSC_ID_MAX: usize = 65;

/// Campaigns under way whose rows are looked through for a recipient, the newest ones.
const CAMPAIGNS_MAX: usize = 100;

/// By what a message is looked for.
enum By {
    Id(MessageId),
    Number(Recipient),
    SmscId(String),
}

/// What is asked.
pub(super) struct Asked {
    by: By,
    /// Numbers are shown whole.
    whole: bool,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let none = || refused("?", FieldProblem::UnknownValue { allowed: &PARAMETERS });
        let (mut by, mut whole) = (None, false);
        for (name, value) in parameters((parts, app), &PARAMETERS).await? {
            match name {
                "id" => by = Some(By::Id(value.parse().map_err(|_| ProblemKind::NotFound)?)),
                "number" => by = Some(By::Number(number(&value)?)),
                "smsc_id" => by = Some(By::SmscId(smsc_id(value)?)),
                "whole" => whole = switch(&value)?,
                _ => {}
            }
        }
        let by = by.ok_or_else(none)?;
        Ok(Self { by, whole })
    }
}

fn number(text: &str) -> Result<Recipient, Problem> {
    normalise(text, Country::FRANCE).map_err(|fault| refused("?number", fault.problem()))
}

fn smsc_id(text: String) -> Result<String, Problem> {
    let (max, given) = (SMSC_ID_MAX, text.len());
    match given {
        0 => Err(refused("?smsc_id", FieldProblem::Empty)),
        1..=SMSC_ID_MAX => Ok(text),
        _ => Err(refused("?smsc_id", FieldProblem::TooLong { max, given })),
    }
}

fn switch(text: &str) -> Result<bool, Problem> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err(refused("?whole", FieldProblem::UnknownValue { allowed: &["0", "1"] })),
    }
}

/// `GET /v1/messages?id=…`, `?number=…` or `?smsc_id=…`, `&whole=1` for whole numbers: what is known of a message, or of those to
/// a number, or of those that an SMSC has called so, and of their recipients' parked receipts. An event each, oldest first; what
/// is so now has no time, and stands last.
pub(super) async fn find(State(app): State<App>, _: Operator, asked: Asked) -> Result<Page, Problem> {
    let mut messages = BTreeSet::new();
    let recipients = match asked.by {
        By::Number(recipient) => vec![(recipient, None)],
        By::SmscId(id) => {
            let found = recipients_with(&app.store, &app.traffic.all_ids(), &id).await;
            let found = found.map_err(|error| store_refuses(&error))?;
            messages.extend(app.message_log.named(&id).await.map_err(|error| log_fails(&error))?);
            let of_logged = recipients_of(&app, &messages).await?;
            let others = of_logged
                .into_iter()
                .filter(|(recipient, _)| !found.contains(recipient));
            found.iter().map(|recipient| (*recipient, None)).chain(others).collect()
        }
        By::Id(id) => match recipient_of(&app, id).await {
            Ok(recipient) => vec![(recipient, Some(id))],
            Err(gone) => return only_logged(&app, id).await?.ok_or(gone),
        },
    };
    let mut events = Vec::new();
    for (recipient, only) in recipients {
        let teller = Teller {
            app: &app,
            recipient,
            whole: asked.whole,
            only,
        };
        events.extend(teller.life().await?);
    }
    messages.extend(events.iter().filter_map(Happened::message));
    let logged = logged(&app, messages.into_iter().collect()).await?;
    let mut events = with_logged(events, logged);
    note_packs(&app, &mut events).await?;
    Ok(page(events.into_iter().map(Happened::shown).collect(), None))
}

async fn recipient_of(app: &App, id: MessageId) -> Result<Recipient, Problem> {
    let tenant = app.campaigns.owner(id.campaign()).await?;
    Ok(app.campaigns.message(tenant, id).await?.recipient)
}

/// To whom messages went, of those whose campaigns are there.
async fn recipients_of(
    app: &App,
    messages: &BTreeSet<MessageId>,
) -> Result<Vec<(Recipient, Option<MessageId>)>, Problem> {
    let mut found = Vec::new();
    for id in messages {
        match recipient_of(app, *id).await {
            Ok(recipient) => found.push((recipient, Some(*id))),
            Err(problem) if problem.is_not_found() => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(found)
}

fn log_fails(error: &io::Error) -> Problem {
    tracing::error!(%error, "the message log cannot be read");
    ProblemKind::Internal.into()
}

/// What the message log alone knows of a message, whose campaign is gone; `None`: nothing.
async fn only_logged(app: &App, id: MessageId) -> Result<Option<Page>, Problem> {
    let logged = logged(app, vec![id]).await?;
    let mut events = with_logged(Vec::new(), logged);
    note_packs(app, &mut events).await?;
    let shown: Vec<Value> = events.into_iter().map(Happened::shown).collect();
    Ok((!shown.is_empty()).then(|| page(shown, None)))
}

async fn logged(app: &App, messages: Vec<MessageId>) -> Result<Vec<Happened>, Problem> {
    let lines = app
        .message_log
        .find(messages)
        .await
        .map_err(|error| log_fails(&error))?;
    Ok(lines.into_iter().map(Happened::logged).collect())
}

/// Says of each message that was handed over under which pack of rules it was, as history knows some seconds later.
async fn note_packs(app: &App, events: &mut [Happened]) -> Result<(), Problem> {
    let messages: BTreeSet<MessageId> = events.iter().filter_map(Happened::message).collect();
    let packs = app.history.packs_of(&messages.into_iter().collect::<Vec<_>>()).await;
    let packs: HashMap<MessageId, _> = packs.map_err(|error| database_refuses(&error))?.into_iter().collect();
    for event in events.iter_mut().filter(|event| event.view["event"] != "asked_for") {
        if let Some((pack, version)) = event.message().and_then(|id| packs.get(&id)) {
            event.view["pack"] = pack.as_str().into();
            event.view["pack_version"] = version.as_str().into();
        }
    }
    Ok(())
}

/// In order of time. What Redis and the log both know is told by the log: it knows when to the millisecond.
fn with_logged(mut events: Vec<Happened>, logged: Vec<Happened>) -> Vec<Happened> {
    events.retain(|event| event.at.is_none() || !logged.iter().any(|line| line.is_same(event)));
    events.extend(logged);
    events.sort_by_key(Happened::order);
    events
}

/// Something that happened, or is so now.
struct Happened {
    at: Option<UnixMicros>,
    view: Value,
}

impl Happened {
    /// By seconds, since ends are kept by these; within one, what was asked for comes before all else, and an end behind. What
    /// has no time is of now.
    fn order(&self) -> (u64, u8, u64) {
        let Some(at) = self.at else {
            return (u64::MAX, 0, 0);
        };
        let rank = match self.view["event"].as_str() {
            Some("asked_for") => 0,
            Some("taken" | "doubted" | "receipt_parked") => 1,
            Some(_) | None => 2,
        };
        (at.seconds(), rank, at.0)
    }

    /// A line of the message log. What a line of the journal is called is nobody's business here.
    fn logged(mut line: Value) -> Self {
        let at = line["time"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
        let at = at.and_then(|at| u64::try_from(at.as_microsecond()).ok());
        if let Some(fields) = line.as_object_mut() {
            fields.remove("time");
            fields.remove("entry");
        }
        Self {
            at: at.map(UnixMicros),
            view: line,
        }
    }

    fn message(&self) -> Option<MessageId> {
        self.view["message"].as_str()?.parse().ok()
    }

    /// Whether both tell of the same step of a message.
    fn is_same(&self, other: &Self) -> bool {
        self.view["message"] == other.view["message"] && self.view["event"] == other.view["event"]
    }

    fn shown(mut self) -> Value {
        self.view["at"] = self.at.and_then(time).into();
        self.view
    }
}

/// Tells the life of one recipient's messages.
struct Teller<'a> {
    app: &'a App,
    recipient: Recipient,
    whole: bool,
    /// Of this message alone.
    only: Option<MessageId>,
}

impl Teller<'_> {
    async fn life(&self) -> Result<Vec<Happened>, Problem> {
        let packed = self.app.store.records(&[self.recipient]).await;
        let packed = packed.map_err(|error| store_refuses(&error))?;
        let packed = packed.first().map(|packed| &packed[..]).unwrap_or_default();
        let record = Record::unpack(self.recipient, packed).map_err(|form| {
            tracing::error!(recipient = self.recipient.masked(), %form, "a record cannot be read");
            Problem::from(ProblemKind::Internal)
        })?;
        let mut events = Vec::new();
        for message in record.messages.iter().filter(|message| self.is_asked(message.id)) {
            events.extend(self.under_way(message));
        }
        for id in self.campaigns(&record).await? {
            let placed = self.app.campaigns.messages_to(self.recipient, id).await?;
            let placed: Vec<Placed> = placed
                .into_iter()
                .filter(|placed| self.is_asked(placed.row.id))
                .collect();
            if placed.is_empty() {
                let trails = record.trails.iter().filter(|trail| trail.campaign == id);
                events.extend(trails.filter(|_| self.only.is_none()).map(|trail| self.trail(trail)));
            }
            for placed in &placed {
                let is_live = record.messages.iter().any(|message| message.id == placed.row.id);
                events.extend(self.ordered(placed, is_live));
            }
        }
        let parked = self.app.store.parked_of(self.recipient).await;
        let parked = parked.map_err(|error| store_refuses(&error))?;
        events.extend(Parked::split(&parked).map(|(receipt, _)| self.parked(&receipt)));
        Ok(events)
    }

    fn is_asked(&self, id: MessageId) -> bool {
        self.only.is_none_or(|only| only == id)
    }

    /// Those that may have a message to the recipient: of the record, and whatever is under way.
    async fn campaigns(&self, record: &Record<'_>) -> Result<Vec<CampaignId>, Problem> {
        if let Some(only) = self.only {
            return Ok(vec![only.campaign()]);
        }
        let mut campaigns = self.app.campaigns.under_way().await?;
        campaigns.truncate(CAMPAIGNS_MAX);
        campaigns.extend(record.messages.iter().map(|message| message.id.campaign()));
        campaigns.extend(record.trails.iter().map(|trail| trail.campaign));
        campaigns.sort_unstable();
        campaigns.dedup();
        Ok(campaigns)
    }

    fn happened(&self, at: Option<UnixMicros>, event: &str, mut view: Value) -> Happened {
        view["event"] = event.into();
        view["to"] = self.shown(self.recipient).into();
        Happened { at, view }
    }

    fn shown(&self, number: Recipient) -> String {
        if self.whole {
            number.to_string()
        } else {
            number.masked()
        }
    }

    /// A message that was leased at least once and has not ended.
    fn under_way(&self, message: &Message<'_>) -> Vec<Happened> {
        let traces = message.traces().unwrap_or_default();
        let ids: Vec<_> = traces
            .segments
            .iter()
            .filter(|trace| !trace.smsc_id.is_empty())
            .map(|trace| String::from_utf8_lossy(&trace.smsc_id).into_owned())
            .collect();
        let view = json!({
            "message": message.id.to_string(),
            "campaign": message.id.campaign().to_string(),
            "tenant": message.tenant.to_string(),
            "smsc": self.app.traffic.name(message.smsc),
            "route": self.app.traffic.route_name(message.route),
            "attempts": message.attempts,
            "segments": message.segments,
            "smsc_message_ids": ids,
        });
        let lost = traces.any(|mark| mark == Mark::Lost);
        let taken = (traces.taken() > 0).then_some("taken");
        let begun = taken.or(lost.then_some("doubted"));
        let begun = begun.map(|event| self.happened(Some(traces.at), event, view.clone()));
        let now = self.happened(None, message.state.word(), view);
        begun.into_iter().chain([now]).collect()
    }

    /// A message of a campaign: that it was asked for, and how it ended. One that is under way stands in the record.
    fn ordered(&self, placed: &Placed, is_live: bool) -> Vec<Happened> {
        let row = &placed.row;
        let base = json!({
            "message": row.id.to_string(),
            "campaign": row.id.campaign().to_string(),
            "tenant": placed.tenant.to_string(),
        });
        let asked = placed.asked_at;
        let mut events: Vec<_> = asked
            .map(|at| self.happened(Some(at), "asked_for", base.clone()))
            .into_iter()
            .collect();
        match (row.result, row.state) {
            (Some(result), _) => {
                let mut view = base;
                view["reason"] = result.reason.word().into();
                view["code"] = Some(result.code).filter(|code| *code > 0).into();
                let at = UnixMicros(u64::from(result.at) * 1_000_000);
                events.push(self.happened(Some(at), result.ending.word(), view));
            }
            (None, Some(state)) if !is_live => events.push(self.happened(None, state.word(), base)),
            (None, _) => {}
        }
        events
    }

    /// The last message of a sender, whose campaign is gone.
    fn trail(&self, trail: &Trail<'_>) -> Happened {
        let sender = (trail.sender > 0).then(|| self.shown(Recipient(trail.sender)));
        let view = json!({
            "campaign": trail.campaign.to_string(),
            "tenant": trail.tenant.to_string(),
            "sender": sender,
        });
        let at = UnixMicros(u64::from(trail.at) * 1_000_000);
        self.happened(Some(at), "finished", view)
    }

    fn parked(&self, receipt: &Parked) -> Happened {
        let (_, _, stat, err) = receipt.says();
        let view = json!({
            "smsc": self.app.traffic.name(receipt.smsc()),
            "reason": receipt.reason.label(),
            "stat": stat,
            "err": err,
            "smsc_message_ids": receipt.smsc_message_id().into_iter().collect::<Vec<_>>(),
        });
        self.happened(Some(receipt.at), "receipt_parked", view)
    }
}
