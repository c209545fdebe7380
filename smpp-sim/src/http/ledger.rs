use std::io;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio_util::io::ReaderStream;

use super::Served;
use super::fields::Fields;
use super::problem::Problem;
use crate::handle::{Handle, Reach, reach};
use crate::ledger::{Filter, Page};
use crate::smscs::VirtualSmsc;

/// Rows that are written ahead of a slow reader.
const LEDGER_BUFFER: usize = 64 << 10;

/// How long one may wait for a condition in one request.
const WAIT_MAX: Duration = Duration::from_secs(600);
const WAIT_DEFAULT: Duration = Duration::from_secs(30);

/// Anything that an SMSC shows, with the SMSC's name.
#[derive(Serialize)]
pub(super) struct Of<'a, T> {
    pub(super) smsc: &'a str,
    #[serde(flatten)]
    pub(super) value: T,
}

pub(super) async fn rows(State(served): State<Served>, mut fields: Fields) -> Result<Response, Problem> {
    let filter = Filter {
        account: fields.text("account"),
        recipient: fields.text("recipient"),
        from: fields.number("from", 0..=u64::from(u32::MAX)).map(|from| from as usize),
        limit: fields
            .number("limit", 0..=u64::from(u32::MAX))
            .map(|limit| limit as usize),
    };
    let smscs = fields.smscs(&served).to_vec();
    fields.done()?;
    let (reader, mut writer) = duplex(LEDGER_BUFFER);
    drop(served.tasks.spawn(async move {
        for smsc in &smscs {
            if let Err(error) = write_rows(smsc, Page::new(filter.clone()), &mut writer).await {
                return tracing::debug!(%error, "a reader of the ledger has left");
            }
        }
    }));
    let body = Body::from_stream(ReaderStream::new(reader));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

async fn write_rows(smsc: &VirtualSmsc, mut page: Page, writer: &mut DuplexStream) -> io::Result<()> {
    let handle = &smsc.handle;
    let mut buffer = Vec::with_capacity(LEDGER_BUFFER);
    while let Some(lines) = handle.more_lines(&mut page) {
        buffer.clear();
        for value in lines {
            let smsc = smsc.name.as_str();
            serde_json::to_writer(&mut buffer, &Of { smsc, value })?;
            buffer.push(b'\n');
        }
        tokio::select! {
            written = writer.write_all(&buffer) => written?,
            () = handle.stopping().cancelled() => return Ok(()),
        }
    }
    Ok(())
}

pub(super) async fn totals(State(served): State<Served>, mut fields: Fields) -> Result<Json<Value>, Problem> {
    let smscs = fields.smscs(&served);
    fields.done()?;
    Ok(Json(sum(smscs)))
}

pub(super) async fn rates(State(served): State<Served>, mut fields: Fields) -> Result<Json<Value>, Problem> {
    let smscs = fields.smscs(&served);
    fields.done()?;
    let of = |smsc: &VirtualSmsc| {
        let rates = smsc.handle.rates().into_iter();
        let named = rates.map(|value| {
            json!(Of {
                smsc: &smsc.name,
                value
            })
        });
        named.collect::<Vec<_>>()
    };
    let accounts: Vec<Value> = smscs.iter().flat_map(of).collect();
    Ok(Json(json!({ "accounts": accounts })))
}

pub(super) async fn wait(State(served): State<Served>, mut fields: Fields) -> Result<Response, Problem> {
    let timeout = fields.duration("timeout", WAIT_MAX).unwrap_or(WAIT_DEFAULT);
    let smscs = fields.smscs(&served);
    let goals = fields.numbers();
    fields.done()?;
    if goals.is_empty() {
        let allowed = "missing: at least one counter of /ledger/totals with its number, such as accepted=100";
        return Err(Problem::field(StatusCode::BAD_REQUEST, "counter", "", allowed));
    }
    let twice = (1..goals.len()).find(|at| goals[..*at].iter().any(|before| before.0 == goals[*at].0));
    if let Some((name, number)) = twice.map(|at| &goals[at]) {
        let allowed = "each counter once";
        return Err(Problem::field(
            StatusCode::BAD_REQUEST,
            name,
            &number.to_string(),
            allowed,
        ));
    }
    let handles: Vec<&Handle> = smscs.iter().map(|smsc| &smsc.handle).collect();
    match reach(&handles, &goals, timeout).await {
        Reach::Reached => Ok(Json(sum(smscs)).into_response()),
        Reach::TimeUp => Ok((StatusCode::REQUEST_TIMEOUT, Json(sum(smscs))).into_response()),
        Reach::NoSuchCounter(name) => {
            let value = goals.iter().find(|goal| goal.0 == name).map(|goal| goal.1.to_string());
            let allowed = "no counter has this name: see /ledger/totals";
            Err(Problem::field(
                StatusCode::BAD_REQUEST,
                &name,
                &value.unwrap_or_default(),
                allowed,
            ))
        }
    }
}

/// The totals of all SMSCs together: whatever is a number is added.
pub(super) fn sum(smscs: &[VirtualSmsc]) -> Value {
    let mut sum = Value::Null;
    for smsc in smscs {
        add(&mut sum, json!(smsc.handle.totals()));
    }
    sum
}

fn add(sum: &mut Value, more: Value) {
    match (sum, more) {
        (Value::Object(sum), Value::Object(more)) => {
            for (key, value) in more {
                add(sum.entry(key).or_insert(Value::Null), value);
            }
        }
        (sum @ Value::Number(_), Value::Number(more)) => {
            let total = sum.as_u64().unwrap_or(0) + more.as_u64().unwrap_or(0);
            *sum = json!(total);
        }
        (sum @ Value::Null, more) => *sum = more,
        // Words, of which the first SMSC's stands.
        (_, _) => {}
    }
}
