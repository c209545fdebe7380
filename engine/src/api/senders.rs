//! `/v1/sender_requests`: under which names a tenant asks to write, and what its reseller answers.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::access::{Caller, Managed};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Problem, ProblemCode, ProblemKind};
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::compose::Sender;
use crate::domain::{Role, SenderRequestId, TenantId, Terms};
use crate::fault::{FieldFault, FieldProblem};
use crate::numbers::{NOTE_MAX, RequestState, SenderRequest};

pub(super) fn routes() -> Routes {
    let own = "/v1/sender_requests";
    Routes::of("senders")
        .add(
            Operation::new((Verb::Post, own), Key::Tenant, "askForSender")
                .not_in_sandbox()
                .says(
                    "Ask for a sender",
                    "The reseller, or the operator, approves it or says why not. Asked again before that, it is the same request.",
                )
                .takes::<shapes::NewSenderRequest>(json!({ "sender": "Cabinet", "note": "Le nom du cabinet." }))
                .answers::<shapes::SenderRequest>(201, "The request."),
            ask,
        )
        .add(
            Operation::new((Verb::Get, own), Key::Tenant, "listSenderRequests")
                .says("List what was asked for", "The newest first, 500 at most.")
                .answers::<shapes::Page<shapes::SenderRequest>>(200, "All of them."),
            list_own,
        )
        .add(
            Operation::new(
                (Verb::Get, "/v1/tenants/{id}/sender_requests"),
                Key::Reseller,
                "listSenderRequestsOf",
            )
            .says("List which senders a tenant has asked for", "The newest first, 500 at most.")
            .at::<TenantId>("id", "The tenant.")
            .answers::<shapes::Page<shapes::SenderRequest>>(200, "All of them."),
            list_of,
        )
        .add(
            Operation::new(
                (Verb::Post, "/v1/tenants/{id}/sender_requests/{request}/answer"),
                Key::Reseller,
                "answerSenderRequest",
            )
            .needs(Role::Admin)
            .says(
                "Answer a request for a sender",
                "One that is approved is added to the tenant's `senders` if it has any; one that looks like a protected name, or is a generic one, is \
                 added to its `protected_senders` otherwise.",
            )
            .at::<TenantId>("id", "The tenant.")
            .at::<SenderRequestId>("request", "The request.")
            .takes::<shapes::SenderAnswer>(json!({ "approved": false, "answer": "Ce nom est celui d'un autre." }))
            .answers::<shapes::SenderRequest>(200, "The request as it is now.")
            .refuses(&[ProblemCode::RequestAnswered]),
            answer,
        )
}

/// `{"sender", "note"}` → 201.
async fn ask(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["sender", "note"]).await?;
    let sender = fields.checked("sender", |text| Sender::parse(&text));
    let note = text(&mut fields, "note");
    let (Some(sender), Some(note), true) = (sender, note, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let resembles = app.campaigns.resembled(tenant, &sender).await;
    let asked = (&*sender.text(), &*note);
    let request = app.numbers.ask_for_sender(tenant, asked, resembles.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(view(&request))))
}

async fn list_own(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    all(&app, tenant).await
}

async fn list_of(State(app): State<App>, Managed(tenant): Managed) -> Result<Page, Problem> {
    all(&app, tenant).await
}

async fn all(app: &App, tenant: TenantId) -> Result<Page, Problem> {
    let all = app.numbers.senders_asked_for(tenant).await;
    let all = all.map_err(|error| database_refuses(&error))?;
    Ok(page(all.iter().map(view).collect(), None))
}

/// `{"approved", "answer"}`, which says why when it is not → 200.
async fn answer(
    State(app): State<App>,
    Managed(tenant): Managed,
    Path((_, request)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let request: SenderRequestId = request.parse().map_err(|_| Problem::from(ProblemKind::NotFound))?;
    let mut fields = Fields::read((&headers, body), app.clock, &["approved", "answer"]).await?;
    let approved = fields.boolean("approved");
    if approved == Some(None) {
        fields.refuse("/approved".to_owned(), FieldProblem::Missing);
    }
    let answer = text(&mut fields, "answer");
    if approved == Some(Some(false)) && answer.as_deref() == Some("") {
        let needed = FieldProblem::MissingBeside { fields: &["answer"] };
        fields.refuse("/approved".to_owned(), needed);
    }
    let (Some(Some(approved)), Some(answer), true) = (approved, answer, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let open = app.numbers.open_sender((tenant, request)).await?;
    // Again after a crash, it is the same sender.
    if approved {
        approve(&app, tenant, &open).await?;
    }
    let state = if approved {
        RequestState::Granted
    } else {
        RequestState::Refused
    };
    let answered = app.numbers.answer_sender((tenant, request), (state, &answer)).await?;
    Ok(Json(view(&answered)))
}

/// Adds a sender to those that a tenant writes under.
async fn approve(app: &App, tenant: TenantId, request: &SenderRequest) -> Result<(), Problem> {
    // As it is now: its reseller may have protected a name since it was asked for.
    let resembles = match Sender::parse(&request.sender) {
        Ok(sender) => app.campaigns.resembled(tenant, &sender).await.is_some(),
        Err(_) => request.resembles.is_some(),
    };
    if !app.accounts.add_sender(tenant, &request.sender, resembles).await? {
        let max = Terms::SENDERS_MAX;
        return Err(Problem::of_fields(vec![FieldFault::new(
            "",
            FieldProblem::TooMany { max },
        )]));
    }
    app.campaigns.forget_hours(tenant);
    Ok(())
}

/// A text that may be there, for people.
fn text(fields: &mut Fields, name: &str) -> Option<String> {
    let text = fields.text_or(name, "")?.trim().to_owned();
    let (given, max) = (text.chars().count(), NOTE_MAX);
    if given > max {
        fields.refuse(format!("/{name}"), FieldProblem::TooLong { max, given });
        return None;
    }
    Some(text)
}

fn view(request: &SenderRequest) -> Value {
    json!({
        "id": request.id.to_string(),
        "tenant": request.tenant.to_string(),
        "sender": request.sender,
        "note": request.note,
        "resembles": request.resembles,
        "state": request.state.into_str(),
        "answer": Some(&request.answer).filter(|answer| !answer.is_empty()),
        "created_at": time(request.created_at),
        "answered_at": request.answered_at.and_then(time),
    })
}
