//! The terms of a tenant, as they are given and shown.

use serde_json::{Value, json};

use super::fields::Fields;
use crate::compose::Sender;
use crate::domain::{StopClause, Tariff, TermChanges, Terms};
use crate::fault::{FieldProblem, WordingProblem};

/// Their names.
pub(super) const TERMS: [&str; 9] = [
    "encoding",
    "tariff",
    "max_chars",
    "stop_clause",
    "stop_text",
    "senders",
    "brand",
    "require_consent",
    "text_retention_days",
];

const TARIFFS: [&str; Tariff::ALL.len()] = [Tariff::Concat.code(), Tariff::Flat160.code()];

const STOP_CLAUSES: [&str; StopClause::ALL.len()] = [StopClause::Marketing.code(), StopClause::Always.code()];

/// Those that are there.
pub(super) fn read(fields: &mut Fields) -> Option<TermChanges> {
    let encoding = fields.encoding();
    let tariff = fields.if_given("tariff", |fields, name| fields.word(name, &TARIFFS));
    let longest = (1, Terms::CHARACTERS_MAX as i64);
    let characters_max = fields.if_given("max_chars", |fields, name| fields.whole(name, longest));
    let stop_clause = fields.if_given("stop_clause", |fields, name| fields.word(name, &STOP_CLAUSES));
    let stop_text = fields.if_given("stop_text", |fields, name| fields.checked(name, stop_text));
    let sender = |text: &str| Sender::parse(text).map(|sender| sender.text());
    let senders = fields.if_given("senders", |fields, name| {
        fields.checked_list(name, Terms::SENDERS_MAX, sender)
    });
    let brand = fields.if_given("brand", |fields, _| brand(fields));
    let require_consent = fields.boolean("require_consent");
    let text_days = fields.if_given("text_retention_days", |fields, name| {
        fields.whole_or_null(name, (1, Terms::TEXT_DAYS_MAX.into()))
    });
    Some(TermChanges {
        encoding: encoding?,
        tariff: tariff?,
        characters_max: characters_max?.map(|max| max as usize),
        stop_clause: stop_clause?,
        stop_text: stop_text?,
        senders: senders?,
        brand: brand?,
        require_consent: require_consent?,
        text_days: text_days?.map(|days| days.map(|days| days as u16)),
    })
}

fn stop_text(text: String) -> Result<String, FieldProblem> {
    let max = Terms::STOP_TEXT_MAX;
    let wrong = WordingProblem::InvalidStopText { max };
    Terms::is_stop_text(&text).then_some(text).ok_or(wrong.into())
}

/// A name, or `null`: none.
fn brand(fields: &mut Fields) -> Option<String> {
    let brand = fields.text_or_null("brand")?.unwrap_or_default().trim().to_owned();
    let (given, max) = (brand.chars().count(), Terms::BRAND_MAX);
    if given > max {
        fields.refuse("/brand".to_owned(), FieldProblem::TooLong { max, given });
        return None;
    }
    Some(brand)
}

/// All of them, as members of `shown`.
pub(super) fn show(terms: &Terms, shown: &mut Value) {
    let senders = Some(&terms.senders).filter(|senders| !senders.is_empty());
    let brand = Some(&terms.brand).filter(|brand| !brand.is_empty());
    let values = [
        json!(terms.encoding.name()),
        json!(terms.tariff.code()),
        json!(terms.characters_max),
        json!(terms.stop_clause.code()),
        json!(terms.stop_text),
        json!(senders),
        json!(brand),
        json!(terms.require_consent),
        json!(terms.text_days),
    ];
    TERMS
        .into_iter()
        .zip(values)
        .for_each(|(name, value)| shown[name] = value);
}
