use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use strum::VariantArray;

use super::Served;
use super::fields::Fields;
use super::ledger::Of;
use super::problem::{FieldError, Problem};
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

/// What is allowed for addresses: what their fields have room for without the end (3.4, 4.6.1).
const ADDRESS: &str = "a string of 1 to 20 bytes";

/// Every member that an order may have.
const MEMBERS: [&str; 9] = [
    "from", "to", "text", "account", "smsc", "encoding", "segments", "sessions", "udh",
];

/// The members of a JSON object, and what is wrong with them.
struct Members {
    given: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Members {
    fn wrong(&mut self, field: &str, value: &str, allowed: impl ToString) {
        let value = value.chars().take(VALUE_MAX).collect();
        self.errors.push(FieldError {
            field: field.to_owned(),
            value,
            allowed: allowed.to_string(),
        });
    }

    fn text(&mut self, field: &str) -> Option<String> {
        match self.given.remove(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(other) => {
                self.wrong(field, &other.to_string(), "a string");
                None
            }
        }
    }

    /// One that has to be there; `is_allowed` as `allowed` says.
    fn needed(&mut self, field: &str, allowed: &str, is_allowed: impl Fn(&str) -> bool) -> String {
        let before = self.errors.len();
        let text = self.text(field);
        match &text {
            Some(text) if is_allowed(text) => {}
            Some(text) => self.wrong(field, text, allowed),
            None if self.errors.len() > before => {}
            None => self.wrong(field, "", format!("missing: {allowed}")),
        }
        text.unwrap_or_default()
    }

    /// One of these words; the usual one without any.
    fn word<T: VariantArray + Copy + Default + Into<&'static str>>(&mut self, field: &str) -> T {
        let Some(text) = self.text(field) else {
            return T::default();
        };
        let names = || T::VARIANTS.iter().map(|&value| (value.into(), value));
        let found = names().find(|(name, _): &(&'static str, T)| *name == text);
        if found.is_none() {
            let names: Vec<&str> = names().map(|(name, _)| name).collect();
            self.wrong(field, &text, format!("one of {}", names.join(", ")));
        }
        found.map(|(_, value)| value).unwrap_or_default()
    }

    fn done(mut self) -> Result<(), Problem> {
        for (name, value) in std::mem::take(&mut self.given) {
            self.wrong(
                &name,
                &value.to_string(),
                format!("no such member; there are {}", MEMBERS.join(", ")),
            );
        }
        match self.errors.is_empty() {
            true => Ok(()),
            false => Err(Problem::fields(self.errors)),
        }
    }
}

/// The order of a body, and the SMSC that it names.
fn order(body: &str) -> Result<(InboundOrder, Option<String>), Problem> {
    let given = serde_json::from_str(body).map_err(|error| {
        let allowed = format!(
            "{error}; allowed is a JSON object of {}, which are strings",
            MEMBERS.join(", ")
        );
        Problem::field(StatusCode::BAD_REQUEST, "body", "", allowed)
    })?;
    let mut members = Members {
        given,
        errors: Vec::new(),
    };
    let fits = |value: &str| (1..=20).contains(&value.len());
    let order = InboundOrder {
        from: members.needed("from", ADDRESS, fits),
        to: members.needed("to", ADDRESS, fits),
        text: members.needed("text", "a string", |_| true),
        account: members.text("account"),
        encoding: members.word::<InboundEncoding>("encoding"),
        segments: members.word::<InboundSegments>("segments"),
        sessions: members.word::<InboundSessions>("sessions"),
        udh: members.text("udh"),
    };
    let smsc = members.text("smsc");
    members.done()?;
    Ok((order, smsc))
}

pub(super) async fn inject(
    State(served): State<Served>,
    fields: Fields,
    body: String,
) -> Result<(StatusCode, Json<Value>), Problem> {
    fields.done()?;
    let (order, name) = order(&body)?;
    let Some([smsc]) = served.smscs.select(name.as_deref()) else {
        let allowed = format!("one of {}", served.smscs.names());
        let name = name.as_deref().unwrap_or_default();
        return Err(Problem::field(StatusCode::BAD_REQUEST, "smsc", name, allowed));
    };
    let place = smsc
        .handle
        .send_inbound(&order)
        .map_err(|error| conflict(error, &order))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "place": place }))))
}

/// The field that is at fault; a full list is nobody's fault.
fn conflict(error: NoInbound, order: &InboundOrder) -> Problem {
    // A header that is none is so whatever else there is.
    let status = match error {
        NoInbound::Header => StatusCode::BAD_REQUEST,
        NoInbound::Account | NoInbound::Text | NoInbound::Full => StatusCode::CONFLICT,
    };
    let (field, value) = match error {
        NoInbound::Account => ("account", order.account.as_deref()),
        NoInbound::Text => ("text", Some(order.text.as_str())),
        NoInbound::Header => ("udh", order.udh.as_deref()),
        NoInbound::Full => return Problem::new(status, error),
    };
    let value: String = value.unwrap_or_default().chars().take(VALUE_MAX).collect();
    Problem::field(status, field, &value, error)
}
