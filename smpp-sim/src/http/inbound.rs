use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Served;
use super::fields::Fields;
use super::ledger::Of;
use super::problem::Problem;
use crate::{InboundEncoding, InboundOrder, InboundSegments};

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
            "{error}; allowed are from, to, text, account, smsc, encoding, segments and udh, which are strings"
        );
        Problem::field(StatusCode::BAD_REQUEST, "body", "", allowed)
    })?;
    for (field, value) in [("from", &order.from), ("to", &order.to)] {
        // What an address field has room for without its end (3.4, 4.6.1).
        if !(1..=20).contains(&value.len()) {
            return Err(Problem::field(StatusCode::BAD_REQUEST, field, value, "1 to 20 octets"));
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
    let placed = smsc.handle.send_inbound(&InboundOrder {
        from: order.from,
        to: order.to,
        text: order.text,
        account: order.account,
        encoding: order.encoding,
        segments: order.segments,
        udh: order.udh,
    });
    let place = placed.map_err(|error| Problem::new(StatusCode::CONFLICT, error))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "place": place }))))
}
