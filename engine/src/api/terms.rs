//! The terms of a tenant, as they are given and shown.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use crate::audience::parse_rate;
use crate::compose::{Sender, domain};
use crate::domain::{FrequencyCap, GivesBack, PrefixPrices, StopClause, Tariff, TermChanges, Terms, Territory};
use crate::fault::{DateProblem, FieldProblem, JsonType, UrlProblem, WordingProblem};
use crate::store::GRANTED_MAX;

/// Their names.
pub(super) const TERMS: [&str; 20] = [
    "encoding",
    "tariff",
    PREFIX_PRICES,
    "max_chars",
    "stop_clause",
    "stop_text",
    "senders",
    "protected_senders",
    "brand",
    "require_consent",
    "frequency_cap",
    "text_retention_days",
    "link_domains",
    "short_domain",
    ALERTS,
    "daily_max",
    "rate",
    RECREDITS,
    "time_zone",
    TERRITORY,
];

/// What a cap says of advertising; reminders have none.
const CAP: [&str; 2] = ["messages", "days"];

/// Which failures give their credits back.
const RECREDITS: &str = "recredits";

/// Where the tenant's people are.
const TERRITORY: &str = "territory";

const TERRITORIES: [&str; Territory::ALL.len()] = [Territory::AlsaceMoselle.code()];

/// What messages cost by the number that they go to.
const PREFIX_PRICES: &str = "prefix_prices";

/// Below how many credits a tenant is told that few are left.
pub(super) const ALERTS: &str = "balance_alerts";

const TARIFFS: [&str; Tariff::ALL.len()] = [Tariff::Concat.code(), Tariff::Flat160.code()];

const STOP_CLAUSES: [&str; StopClause::ALL.len()] = [StopClause::Marketing.code(), StopClause::Always.code()];

/// Those that are there.
pub(super) fn read(fields: &mut Fields) -> Option<TermChanges> {
    let encoding = fields.encoding();
    let tariff = fields.if_given("tariff", |fields, name| fields.word(name, &TARIFFS));
    let prefix_prices = fields.if_given(PREFIX_PRICES, |fields, _| prefix_prices(fields));
    let longest = (1, Terms::CHARACTERS_MAX as i64);
    let characters_max = fields.if_given("max_chars", |fields, name| fields.whole(name, longest));
    let stop_clause = fields.if_given("stop_clause", |fields, name| fields.word(name, &STOP_CLAUSES));
    let stop_text = fields.if_given("stop_text", |fields, name| fields.checked(name, stop_text));
    let sender = |text: &str| Sender::parse(text).map(|sender| sender.text());
    let senders = fields.if_given("senders", |fields, name| {
        fields.checked_list(name, Terms::SENDERS_MAX, sender)
    });
    let protected = fields.if_given("protected_senders", |fields, name| {
        fields.checked_list(name, Terms::SENDERS_MAX, sender)
    });
    let brand = fields.if_given("brand", |fields, _| brand(fields));
    let require_consent = fields.boolean("require_consent");
    let frequency_cap = frequency_cap(fields);
    let text_days = fields.if_given("text_retention_days", |fields, name| {
        fields.whole_or_null(name, (1, Terms::TEXT_DAYS_MAX.into()))
    });
    let link_domains = fields.if_given("link_domains", |fields, name| {
        fields.checked_list(name, Terms::LINK_DOMAINS_MAX, link_domain)
    });
    let short_domain = fields.if_given("short_domain", |fields, _| short_domain(fields));
    let balance_alerts = fields.if_given(ALERTS, |fields, _| balance_alerts(fields));
    let daily_max = fields.if_given("daily_max", |fields, name| {
        fields.whole_or_null(name, (1, Terms::DAILY_MAX.into()))
    });
    let rate = fields.if_given("rate", |fields, name| match fields.is_null(name) {
        true => Some(None),
        false => fields.checked(name, |text| parse_rate(&text)).map(Some),
    });
    let gives_back = fields.if_given(RECREDITS, |fields, _| recredits(fields));
    let time_zone = fields.if_given("time_zone", |fields, name| fields.checked(name, time_zone));
    let territory = fields.if_given(TERRITORY, |fields, name| match fields.is_null(name) {
        true => Some(None),
        false => fields.word(name, &TERRITORIES).map(Some),
    });
    Some(TermChanges {
        encoding: encoding?,
        tariff: tariff?,
        prefix_prices: prefix_prices?,
        characters_max: characters_max?.map(|max| max as usize),
        stop_clause: stop_clause?,
        stop_text: stop_text?,
        senders: senders?,
        protected_senders: protected?,
        brand: brand?,
        require_consent: require_consent?,
        frequency_cap: frequency_cap?,
        text_days: text_days?.map(|days| days.map(|days| days as u16)),
        link_domains: link_domains?,
        short_domain: short_domain?,
        balance_alerts: balance_alerts?,
        daily_max: daily_max?.map(|max| max.map(|max| max as u32)),
        rate: rate?,
        gives_back: gives_back?,
        time_zone: time_zone?,
        territory: territory?,
    })
}

fn link_domain(text: &str) -> Result<String, FieldProblem> {
    domain(text).ok_or_else(|| UrlProblem::InvalidDomain.into())
}

/// A domain, or `null`: none.
fn short_domain(fields: &mut Fields) -> Option<Option<String>> {
    let Some(given) = fields.text_or_null("short_domain")? else {
        return Some(None);
    };
    let found = link_domain(&given);
    match found {
        Ok(domain) => Some(Some(domain)),
        Err(problem) => {
            fields.refuse("/short_domain".to_owned(), problem);
            None
        }
    }
}

/// How many times as much, by prefix; `null`: none.
fn prefix_prices(fields: &mut Fields) -> Option<PrefixPrices> {
    let (place, given) = fields.value(PREFIX_PRICES)?;
    let mut prices = PrefixPrices::default();
    let empty = Map::new();
    let by_prefix = match &given {
        Value::Null => &empty,
        Value::Object(by_prefix) => by_prefix,
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            fields.refuse(place, FieldProblem::wrong_type(JsonType::Object, other));
            return None;
        }
    };
    if by_prefix.len() > PrefixPrices::MAX {
        fields.refuse(place, FieldProblem::TooMany { max: PrefixPrices::MAX });
        return None;
    }
    let (min, max) = (1, PrefixPrices::TIMES_MAX.into());
    for (prefix, times) in by_prefix {
        let place = format!("{place}/{}", prefix.replace('~', "~0").replace('/', "~1"));
        let number = times.as_u64().and_then(|times| u8::try_from(times).ok());
        let number = number.filter(|times| (1..=PrefixPrices::TIMES_MAX).contains(times));
        let added = match (number, times.is_number()) {
            (Some(times), _) => prices.add(prefix, times).map_err(|_| FieldProblem::NotANumber),
            (None, true) => Err(FieldProblem::OutOfRange { min, max }),
            (None, false) => Err(FieldProblem::wrong_type(JsonType::Number, times)),
        };
        if let Err(problem) = added {
            fields.refuse(place, problem);
        }
    }
    Some(prices)
}

/// The thresholds, each once, the most first; `null`: none.
pub(super) fn balance_alerts(fields: &mut Fields) -> Option<Vec<u64>> {
    let (max, (place, given)) = (Terms::BALANCE_ALERTS_MAX, fields.value(ALERTS)?);
    if given.is_null() {
        return Some(Vec::new());
    }
    let Some(list) = given.as_array() else {
        fields.refuse(place, FieldProblem::wrong_type(JsonType::Array, &given));
        return None;
    };
    if list.len() > max {
        fields.refuse(place, FieldProblem::TooMany { max });
        return None;
    }
    let mut alerts = BTreeSet::new();
    for (at, value) in list.iter().enumerate() {
        let credits = value.as_u64().filter(|credits| (1..=GRANTED_MAX).contains(credits));
        match (credits, value.is_number()) {
            (Some(credits), _) => drop(alerts.insert(credits)),
            (None, true) => {
                let (min, max) = (1, GRANTED_MAX as i64);
                fields.refuse(format!("{place}/{at}"), FieldProblem::OutOfRange { min, max });
            }
            (None, false) => fields.refuse(
                format!("{place}/{at}"),
                FieldProblem::wrong_type(JsonType::Number, value),
            ),
        }
    }
    Some(alerts.into_iter().rev().collect())
}

/// Their statuses, each once; `null`: none.
fn recredits(fields: &mut Fields) -> Option<GivesBack> {
    // The empty list as well: so it is shown of who has agreed on none.
    if fields.is_null(RECREDITS) || fields.is_empty_list(RECREDITS) {
        return Some(GivesBack::NONE);
    }
    let known = |word: &str| {
        let failure = GivesBack::NONE.with(word).map(|_| word.to_owned());
        let allowed = &GivesBack::WORDS;
        failure.ok_or(FieldProblem::UnknownValue { allowed })
    };
    let words = fields.checked_list(RECREDITS, GivesBack::WORDS.len(), known)?;
    words
        .iter()
        .try_fold(GivesBack::NONE, |failures, word| failures.with(word))
}

fn time_zone(name: String) -> Result<String, FieldProblem> {
    let known = TimeZone::get(&name).is_ok();
    known.then_some(name).ok_or(DateProblem::UnknownTimeZone.into())
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

/// `{"marketing": {"messages", "days"}}`, or `null`: none.
fn frequency_cap(fields: &mut Fields) -> Option<Option<Option<FrequencyCap>>> {
    if fields.is_null("frequency_cap") {
        return Some(Some(None));
    }
    let one = |fields: &mut Fields| {
        let messages = fields.whole(CAP[0], (1, FrequencyCap::MESSAGES_MAX.into()));
        let days = fields.whole(CAP[1], (1, FrequencyCap::DAYS_MAX.into()));
        Some(FrequencyCap {
            messages: messages? as u8,
            days: days? as u16,
        })
    };
    let by_purpose = |fields: &mut Fields| match fields.object("marketing", &CAP, one)? {
        Some(cap) => Some(cap),
        None => {
            fields.refuse_field("marketing", FieldProblem::Missing);
            None
        }
    };
    let cap = fields.object("frequency_cap", &["marketing"], by_purpose)?;
    Some(cap.map(Some))
}

/// All of them, as members of `shown`.
pub(super) fn show(terms: &Terms, shown: &mut Value) {
    let senders = Some(&terms.senders).filter(|senders| !senders.is_empty());
    let protected = Some(&terms.protected_senders).filter(|senders| !senders.is_empty());
    let links = Some(&terms.link_domains).filter(|domains| !domains.is_empty());
    let brand = Some(&terms.brand).filter(|brand| !brand.is_empty());
    let cap = terms.frequency_cap;
    let cap = cap.map(|cap| json!({ "marketing": { "messages": cap.messages, "days": cap.days } }));
    let values = [
        json!(terms.encoding.name()),
        json!(terms.tariff.code()),
        Value::Object(
            terms
                .prefix_prices
                .iter()
                .map(|(prefix, times)| (prefix, times.into()))
                .collect(),
        ),
        json!(terms.characters_max),
        json!(terms.stop_clause.code()),
        json!(terms.stop_text),
        json!(senders),
        json!(protected),
        json!(brand),
        json!(terms.require_consent),
        json!(cap),
        json!(terms.text_days),
        json!(links),
        json!(terms.short_domain),
        json!(terms.balance_alerts),
        json!(terms.daily_max),
        json!(terms.rate.map(|rate| rate.to_string())),
        json!(terms.gives_back.words().collect::<Vec<_>>()),
        json!(terms.time_zone),
        json!(terms.territory.map(Territory::code)),
    ];
    TERMS
        .into_iter()
        .zip(values)
        .for_each(|(name, value)| shown[name] = value);
}
