use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Served;
use super::fields::Fields;
use super::ledger::Of;
use super::problem::Problem;
use crate::handle::Handle;

pub(super) async fn sessions(State(served): State<Served>, mut fields: Fields) -> Result<Json<Value>, Problem> {
    let smscs = fields.smscs(&served);
    fields.done()?;
    let mut all = Vec::new();
    for smsc in smscs {
        let sessions = smsc.handle.sessions().into_iter();
        all.extend(sessions.map(|value| {
            json!(Of {
                smsc: &smsc.name,
                value
            })
        }));
    }
    Ok(Json(Value::Array(all)))
}

pub(super) async fn close_sessions(State(served): State<Served>, fields: Fields) -> Result<Json<Value>, Problem> {
    let closed = each(&served, fields, Handle::close_session, Handle::close_sessions)?;
    Ok(Json(json!({ "closed": closed })))
}

pub(super) async fn unbind_sessions(State(served): State<Served>, fields: Fields) -> Result<Json<Value>, Problem> {
    let asked = each(&served, fields, Handle::unbind_session, Handle::unbind_sessions)?;
    Ok(Json(json!({ "unbinding": asked })))
}

/// Does something with one session, or with all; with how many.
fn each(
    served: &Served,
    mut fields: Fields,
    one: fn(&Handle, u32) -> bool,
    all: fn(&Handle) -> usize,
) -> Result<usize, Problem> {
    let smscs = fields.smscs(served);
    let session = fields.number("session", 1..=u64::from(u32::MAX));
    if session.is_some() && smscs.len() > 1 {
        fields.wrong(
            "smsc",
            "",
            format!("goes with session: one of {}", served.smscs.names()),
        );
    }
    fields.done()?;
    let Some(session) = session else {
        return Ok(smscs.iter().map(|smsc| all(&smsc.handle)).sum());
    };
    let found = smscs.iter().any(|smsc| one(&smsc.handle, session as u32));
    let absent = || {
        Problem::field(
            StatusCode::NOT_FOUND,
            "session",
            &session.to_string(),
            "one of /sessions",
        )
    };
    found.then_some(1).ok_or_else(absent)
}

pub(super) async fn reset(State(served): State<Served>, mut fields: Fields) -> Result<Json<Value>, Problem> {
    let smscs = fields.smscs(&served);
    fields.done()?;
    for smsc in smscs {
        smsc.handle.reset();
    }
    Ok(Json(json!({ "reset": true })))
}
