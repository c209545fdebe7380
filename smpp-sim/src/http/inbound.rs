use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Served;
use super::fields::Fields;
use super::ledger::Of;
use super::problem::Problem;
use crate::model::{InboundEncoding, InboundSegments, InboundSessions};
use crate::smsc::{InboundOrder, NoInbound};

/// Messages in one answer, unless `limit` asks for fewer.
const LIMIT_MAX: u64 = 1_000_000;

pub(super) async fn messages(State(served): State<Served>, mut fields: Fields) -> Result<Json<Value>, Problem> {
    let from = fields.text("from");
    let limit = fields.number("limit", 1..=LIMIT_MAX).unwrap_or(LIMIT_MAX) as usize;
    let smscs = fields.smscs(&served);
    fields.done()?;
    let mut all = Vec::new();
    for smsc in smscs {
        let messages = smsc.handle.inbound_messages().into_iter();
        let wanted = messages.filter(|message| from.as_ref().is_none_or(|from| *from == message.from));
        all.extend(wanted.map(|value| {
            json!(Of {
                smsc: &smsc.name,
                value
            })
        }));
    }
    // The newest are the ones that somebody who wants few is after.
    let surplus = all.len().saturating_sub(limit);
    Ok(Json(Value::Array(all.split_off(surplus))))
}

/// Characters of a refused value that are repeated: enough to know it again.
const VALUE_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    from: String,
    to: String,
    text: String,
    account: Option<String>,
    smsc: Option<String>,
    #[serde(default)]
    encoding: InboundEncoding,
    #[serde(default)]
    segments: InboundSegments,
    #[serde(default)]
    sessions: InboundSessions,
    udh: Option<String>,
}

pub(super) async fn inject(
    State(served): State<Served>,
    fields: Fields,
    body: String,
) -> Result<(StatusCode, Json<Value>), Problem> {
    fields.done()?;
    let order: Order = serde_json::from_str(&body).map_err(|error| {
        let allowed = format!(
            "{error}; allowed are from, to, text, account, smsc, encoding, segments, sessions and udh, which are strings"
        );
        Problem::field(StatusCode::BAD_REQUEST, "body", "", allowed)
    })?;
    for (field, value) in [("from", &order.from), ("to", &order.to)] {
        // What an address field has room for without its end (3.4, 4.6.1).
        if !(1..=20).contains(&value.len()) {
            return Err(Problem::field(StatusCode::BAD_REQUEST, field, value, "1 to 20 bytes"));
        }
    }
    let smsc = match (served.smscs.select(order.smsc.as_deref()), &order.smsc) {
        (Some([smsc]), _) => smsc,
        (_, name) => {
            let allowed = format!("one of {}", served.smscs.names());
            let name = name.as_deref().unwrap_or_default();
            return Err(Problem::field(StatusCode::BAD_REQUEST, "smsc", name, allowed));
        }
    };
    let order = InboundOrder {
        from: order.from,
        to: order.to,
        text: order.text,
        account: order.account,
        encoding: order.encoding,
        segments: order.segments,
        sessions: order.sessions,
        udh: order.udh,
    };
    let place = smsc
        .handle
        .send_inbound(&order)
        .map_err(|error| conflict(error, &order))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "place": place }))))
}

/// The field that is at fault; a full list is nobody's fault.
fn conflict(error: NoInbound, order: &InboundOrder) -> Problem {
    let (field, value) = match error {
        NoInbound::Account => ("account", order.account.as_deref()),
        NoInbound::Text => ("text", Some(order.text.as_str())),
        NoInbound::Header => ("udh", order.udh.as_deref()),
        NoInbound::Full => return Problem::new(StatusCode::CONFLICT, error),
    };
    let value: String = value.unwrap_or_default().chars().take(VALUE_MAX).collect();
    Problem::field(StatusCode::CONFLICT, field, &value, error)
}
