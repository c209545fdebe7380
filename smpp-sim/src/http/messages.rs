use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use smpp::command_status::CommandStatus;
use strum::VariantArray;

use super::Served;
use super::fields::Fields;
use super::ledger::Of;
use super::problem::Problem;
use crate::ledger::MessageFilter;
use crate::model::Stat;
use crate::smscs::VirtualSmsc;

/// Messages in one answer.
const LIMIT_MAX: u64 = 500;
const LIMIT_DEFAULT: u64 = 50;

/// Rows that one request looks at; then it answers with what it found and a cursor. About a tenth of a second.
const ROWS_MAX: usize = 100_000;

/// Rows are looked at in portions of this, so that sessions go on in between.
const PORTIONS_MAX: usize = ROWS_MAX / 1000;

pub(super) async fn messages(State(served): State<Served>, mut fields: Fields) -> Result<Json<Value>, Problem> {
    let filter = filter(&mut fields);
    let backwards = fields.choice("order", &[("oldest", false), ("newest", true)]);
    let limit = fields.number("limit", 1..=LIMIT_MAX).unwrap_or(LIMIT_DEFAULT) as usize;
    let cursor = fields.text("cursor");
    let smscs = fields.smscs(&served);
    fields.done()?;
    let (mut at, mut from) = match cursor {
        None => (0, None),
        Some(cursor) => place(&cursor, smscs).map(|(at, from)| (at, Some(from)))?,
    };
    let backwards = backwards.unwrap_or(false);
    let mut data = Vec::new();
    let mut portions = PORTIONS_MAX;
    let mut next = None;
    while let Some(smsc) = smscs.get(at) {
        let mut walk = smsc.handle.walk(filter.clone(), backwards, from.take());
        while walk.next().is_some() && data.len() < limit && portions > 0 {
            portions -= 1;
            let found = smsc.handle.more_messages(&mut walk, limit - data.len());
            let smsc = smsc.name.as_str();
            data.extend(found.into_iter().map(|value| json!(Of { smsc, value })));
            tokio::task::yield_now().await;
        }
        if let Some(row) = walk.next() {
            next = Some(format!("{}:{row}", smsc.name));
            break;
        }
        at += 1;
    }
    Ok(Json(json!({ "data": data, "next_cursor": next })))
}

fn filter(fields: &mut Fields) -> MessageFilter {
    let stats: Vec<_> = Stat::VARIANTS.iter().map(|stat| (stat.name(), *stat)).collect();
    MessageFilter {
        account: fields.text("account"),
        recipient: fields.text("recipient"),
        source: fields.text("source"),
        status: status(fields),
        stat: fields.choice("stat", &stats).map(|stat| stat.name().to_owned()),
        outcome: fields.text("outcome"),
        since_us: since(fields).unwrap_or(0),
        contains: fields.text("contains"),
    }
}

/// A command_status by name or number, under the name that rows bear.
fn status(fields: &mut Fields) -> Option<String> {
    let text = fields.text("status")?;
    let status = CommandStatus::parse(&text);
    if status.is_none() {
        let allowed = "a command_status: a name like ESME_RTHROTTLED or a number like 0x00000058";
        fields.wrong("status", &text, allowed);
    }
    status.map(|status| status.to_string())
}

/// A time as people write it, or in µs since 1970 as the ledger does.
fn since(fields: &mut Fields) -> Option<u64> {
    let text = fields.text("since")?;
    let time = text.parse().ok().or_else(|| {
        let time: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(time.as_microsecond()).ok()
    });
    if time.is_none() {
        let allowed = "a time like 2026-05-22T14:30:00Z, or µs since 1970";
        fields.wrong("since", &text, allowed);
    }
    time
}

/// An SMSC and a row, as `next_cursor` had them.
fn place(cursor: &str, smscs: &[VirtualSmsc]) -> Result<(usize, u64), Problem> {
    let place = cursor.rsplit_once(':').and_then(|(name, row)| {
        let at = smscs.iter().position(|smsc| smsc.name == name)?;
        Some((at, row.parse().ok()?))
    });
    place.ok_or_else(|| {
        let allowed = "what next_cursor said, with the same smsc";
        Problem::field(StatusCode::BAD_REQUEST, "cursor", cursor, allowed)
    })
}
