//! `POST /v1/text/analyze`: what a text takes, at each key that is typed.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::Problem;
use super::{App, shapes};
use crate::audience::{COLUMNS_MAX, VALUE_MAX};
use crate::campaign::too_long;
use crate::compose::{
    ANALYSED_MAX, Analysis, Sender, Template, advertising, analyse, asks_in_vain, check_characters, is_link, is_unnamed,
};
use crate::domain::{Role, Terms};
use crate::fault::{FieldFault, FieldProblem};

pub(super) fn routes() -> Routes {
    Routes::of("texts and hours").add(
        Operation::new((Verb::Post, "/v1/text/analyze"), Key::Tenant, "analyzeText")
.needs(Role::Read)
            .says(
                "Say what a text takes",
                "How it is encoded, cut and billed, with the clause that its purpose asks for. A field without a value takes its \
                 fallback, and is named.",
            )
            .takes::<shapes::TextOrder>(json!({ "text": "Bonjour [Nom]", "values": { "Nom": "Martin" } }))
            .answers::<shapes::TextAnalysis>(200, "What it takes."),
        analyze,
    )
}

/// `{"text", "purpose", "encoding", "values": {"Nom": "Martin"}, "sender"}` → how the text is encoded, cut and billed, with the clause that its
/// purpose asks for and with these values in its fields;
/// a field that has none takes its fallback, and is named. Without `encoding`: as the tenant's texts are.
pub(super) async fn analyze(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read(
        (&headers, body),
        app.clock,
        &["text", "purpose", "encoding", "values", "sender"],
    )
    .await?;
    let (text, encoding) = (fields.text("text"), fields.encoding());
    let values = fields.texts("values", (COLUMNS_MAX, VALUE_MAX));
    let (purpose, sender) = (fields.purpose(), sender(&mut fields));
    if let Some(Err(problem)) = text.as_deref().map(check_characters) {
        fields.refuse("/text".to_owned(), problem);
    }
    let given = text.as_ref().map_or(0, |text| text.chars().count());
    if given > ANALYSED_MAX {
        let max = ANALYSED_MAX;
        fields.refuse("/text".to_owned(), FieldProblem::TooLong { max, given });
    }
    let (Some(text), Some(purpose), Some(encoding), Some(values), Some(sender), true) =
        (text, purpose, encoding, values, sender, fields.is_sound())
    else {
        return Err(fields.refusal());
    };
    let terms = app.campaigns.terms_of(tenant).await?;
    let terms = Terms {
        encoding: encoding.unwrap_or(terms.encoding),
        ..terms
    };
    let wording = app.campaigns.wording_of(tenant, &terms).await?;
    let parsed = sender.as_deref().and_then(|sender| Sender::parse(sender).ok());
    let worded = wording.with_clause(&text, (parsed.as_ref(), purpose));
    let said = text;
    let text = worded.map_err(|problem| Problem::of_fields(vec![FieldFault::new("/text", problem)]))?;
    let mut shown = shown((&text, given), &values, (&terms, wording.longest_link())).map_err(Problem::of_fields)?;
    let numbers = app.numbers.senders();
    let sender = sender.unwrap_or_default();
    shown["no_reply_sender"] = asks_in_vain([text.as_str()].into_iter(), (&sender, &numbers)).into();
    shown["advertiser_unnamed"] = is_unnamed(&terms, (&sender, purpose)).into();
    let words = advertising(&said);
    shown["looks_like_advertising"] = (!words.is_empty()).into();
    shown["advertising_words"] = words.into();
    Ok(Json(shown))
}

/// From whom, if that is said.
fn sender(fields: &mut Fields) -> Option<Option<String>> {
    fields.if_given("sender", |fields, name| {
        fields.checked(name, |text| Sender::parse(&text).map(|_| text))
    })
}

fn shown(
    (text, characters): (&str, usize),
    values: &[(String, String)],
    (terms, link): (&Terms, Option<String>),
) -> Result<Value, Vec<FieldFault>> {
    let (names, values): (Vec<&str>, Vec<&str>) = values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .unzip();
    // A value of that name is a column's, and the campaign has no link then.
    let link = link.filter(|_| !names.iter().any(|name| is_link(name)));
    let (template, without_value) = Template::parse_open_linked(text, &names, link.as_deref())?;
    let mut rendered = String::new();
    template.render(&values, &mut rendered);
    let too_long = |_| vec![too_long(rendered.chars().count())];
    let Analysis {
        sent,
        encoding,
        measure,
        offending,
    } = analyse(&rendered, terms.encoding).map_err(too_long)?;
    let segments = u8::try_from(measure.segments).unwrap_or(u8::MAX);
    let credits = terms.tariff.credits(rendered.chars().count(), segments);
    Ok(json!({
        "characters": characters,
        "characters_max": terms.characters_max,
        "encoding": encoding.name(),
        "units": measure.units,
        "units_free": measure.free,
        "segments": segments,
        "credits": credits,
        "rendered": rendered,
        "sent": sent,
        "fields_without_value": without_value,
        "offending": offending,
    }))
}
