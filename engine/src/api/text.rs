//! `POST /v1/text/analyze`: what a text takes, at each key that is typed.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use smpp::text::{Culprit, Encoding, EncodingPolicy};

use super::App;
use super::access::Caller;
use super::fields::Fields;
use super::problem::Problem;
use crate::audience::{COLUMNS_MAX, VALUE_MAX};
use crate::campaign::too_long;
use crate::compose::{Analysis, TEXT_MAX, Template, analyse};
use crate::fault::{FieldFault, FieldProblem};

/// The longest text that is looked at, in characters: one that is too long to be sent is shown by how much.
const ANALYSED_MAX: usize = 10 * TEXT_MAX;

/// `{"text", "encoding", "values": {"Nom": "Martin"}}` → how the text is encoded, cut and billed, with these values in its fields;
/// a field that has none takes its fallback, and is named. Without `encoding`: as the tenant's texts are.
pub(super) async fn analyze(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["text", "encoding", "values"]).await?;
    let (text, encoding) = (fields.text("text"), fields.encoding());
    let values = fields.texts("values", (COLUMNS_MAX, VALUE_MAX));
    let given = text.as_ref().map_or(0, |text| text.chars().count());
    if given > ANALYSED_MAX {
        let max = ANALYSED_MAX;
        fields.refuse("/text".to_owned(), FieldProblem::TooLong { max, given });
    }
    let (Some(text), Some(encoding), Some(values), true) = (text, encoding, values, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let policy = match encoding {
        Some(policy) => policy,
        None => app.campaigns.encoding_of(tenant).await?,
    };
    shown((&text, given), &values, policy)
        .map(Json)
        .map_err(Problem::of_fields)
}

fn shown(
    (text, characters): (&str, usize),
    values: &[(String, String)],
    policy: EncodingPolicy,
) -> Result<Value, Vec<FieldFault>> {
    let (names, values): (Vec<&str>, Vec<&str>) = values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .unzip();
    let (template, without_value) = Template::parse_open(text, &names)?;
    let mut rendered = String::new();
    template.render(&values, &mut rendered);
    let too_long = |_| vec![too_long(rendered.chars().count())];
    let Analysis {
        sent,
        encoding,
        measure,
        credits,
        culprits,
    } = analyse(&rendered, policy).map_err(too_long)?;
    Ok(json!({
        "characters": characters,
        "characters_max": TEXT_MAX,
        "encoding": word(encoding),
        "units": measure.units,
        "units_free": measure.free,
        "segments": measure.segments,
        "credits": credits,
        "rendered": rendered,
        "sent": sent,
        "fields_without_value": without_value,
        "not_in_gsm7": culprits.iter().map(culprit).collect::<Vec<_>>(),
    }))
}

/// How a text is written on the wire.
const fn word(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Gsm7 => "gsm7",
        Encoding::Latin1 => "latin1",
        Encoding::Ucs2 => "ucs2",
    }
}

fn culprit(culprit: &Culprit) -> Value {
    json!({
        "character": culprit.character,
        "position": culprit.position,
        "counterpart": culprit.counterpart,
    })
}
