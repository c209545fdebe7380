//! A decision of the rules of sending, in words: for the API and for `campanile rules`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use rules::{Decision, Pack, Rules, Why, Zone};
use serde_json::{Value, json};

use crate::campaign::zone_in;
use crate::domain::{self, Language, Purpose, Recipient, Territory, moment_in_words};

/// What an instant is: with an offset, or by the recipient's own clock.
pub(crate) const INSTANT_ALLOWED: &str =
    "a time such as 2026-07-14T10:00+02:00, or 2026-07-14T10:00 by the recipient's clock";

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) to: Recipient,
    /// Where the asking tenant's people are.
    pub(crate) territory: Option<Territory>,
    pub(crate) purpose: Purpose,
    /// Now, if it is not said: then the engine's.
    pub(crate) at: Option<&'a str>,
}

/// Whether a message may go then, why, and until when that is so, as JSON; `None`: the time is none.
pub(crate) fn explain(rules: &Rules, asked: Question<'_>, now: Timestamp, language: Language) -> Option<Value> {
    let zone = zone_in(rules, asked.to, asked.territory);
    let named = zone.and_then(|at| rules.zones().find(|(index, _)| *index == at));
    let zone_of = named.map(|(_, zone)| zone);
    let time_zone = zone_of.map_or(TimeZone::UTC, Zone::time_zone);
    let at = match asked.at {
        None => now,
        Some(text) => instant(text, &time_zone)?,
    };
    let decided = match (asked.purpose, zone) {
        (Purpose::Marketing, Some(zone)) => rules.decide(zone, at),
        (Purpose::Marketing, None) | (Purpose::Transactional, _) => Decision::ALWAYS,
    };
    let until = decided.until.map(|until| until.to_zoned(time_zone.clone()));
    let pack = decided.pack.as_ref();
    Some(json!({
        "purpose": asked.purpose.code(),
        "zone": zone_of.map(|zone| zone.name.clone()),
        "time_zone": zone_of.map(|zone| zone.time_zone_name.clone()),
        "local_time": shown(&at.to_zoned(time_zone)),
        "open": decided.open,
        "why": decided.why.code(),
        "pack": pack.map(|pack| &pack.name),
        "pack_version": pack.map(|pack| &pack.version),
        "source": pack.map(|pack| source(pack, language)),
        "until": until.as_ref().map(shown),
        "detail": detail(asked.purpose, &decided, until.as_ref(), language),
    }))
}

/// Where the hours of a pack are written.
fn source(pack: &Pack, language: Language) -> &str {
    match language {
        Language::Fr => pack.french_source().unwrap_or(&pack.source),
        Language::En => &pack.source,
    }
}

fn instant(text: &str, time_zone: &TimeZone) -> Option<Timestamp> {
    if text.parse::<Timestamp>().is_ok() {
        return domain::instant(text);
    }
    let local: DateTime = text.parse().ok()?;
    local.to_zoned(time_zone.clone()).ok().map(|at| at.timestamp())
}

/// RFC 3339, to the second.
fn shown(at: &Zoned) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn detail(purpose: Purpose, decided: &Decision, until: Option<&Zoned>, language: Language) -> String {
    if purpose == Purpose::Transactional {
        return match language {
            Language::En => "What is transactional may go at any hour.",
            Language::Fr => "Un message transactionnel peut partir à toute heure.",
        }
        .to_owned();
    }
    let why = match language {
        Language::En => english(decided.why),
        Language::Fr => french(decided.why),
    };
    let when = until.map(|at| moment_in_words(at, language));
    let next = match (language, decided.open, when) {
        (_, _, None) => String::new(),
        (Language::En, true, Some(when)) => format!(" It may go until {when}."),
        (Language::En, false, Some(when)) => format!(" It may go from {when} on."),
        (Language::Fr, true, Some(when)) => format!(" L'envoi est possible jusqu'au {when}."),
        (Language::Fr, false, Some(when)) => format!(" L'envoi est possible à partir du {when}."),
    };
    format!("{why}{next}")
}

const fn english(why: Why) -> &'static str {
    match why {
        Why::NoRule => "No rule holds: advertising may go at any hour.",
        Why::Hours => "It is within the hours of advertising.",
        Why::Early => "It is too early for advertising.",
        Why::Late => "It is too late for advertising.",
        Why::Day => "No advertising goes on this day of the week.",
        Why::Holiday => "No advertising goes on a public holiday.",
    }
}

const fn french(why: Why) -> &'static str {
    match why {
        Why::NoRule => "Aucune règle ne s'applique : un message publicitaire peut partir à toute heure.",
        Why::Hours => "Les messages publicitaires sont permis à cette heure.",
        Why::Early => "Il est trop tôt pour un message publicitaire.",
        Why::Late => "Il est trop tard pour un message publicitaire.",
        Why::Day => "Pas de message publicitaire ce jour de la semaine.",
        Why::Holiday => "Pas de message publicitaire un jour férié.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(number: u64, purpose: Purpose, at: &str, language: Language) -> Value {
        let rules = Rules::of(["fr-seed"]).unwrap();
        let asked = Question {
            to: Recipient(number),
            territory: None,
            purpose,
            at: Some(at),
        };
        explain(&rules, asked, Timestamp::UNIX_EPOCH, language).unwrap()
    }

    #[test]
    fn a_decision_is_said_in_both_languages_by_the_recipients_clock() {
        let french = said(
            33_612_345_678,
            Purpose::Marketing,
            "2026-07-14T10:00:00+02:00",
            Language::Fr,
        );
        assert_eq!(
            (french["why"].as_str(), french["until"].as_str()),
            (Some("public_holiday"), Some("2026-07-15T08:00:00+02:00")),
            "{french}"
        );
        assert_eq!(
            french["detail"],
            "Pas de message publicitaire un jour férié. L'envoi est possible à partir du 15/07/2026 à 08 h 00."
        );
        assert!(
            french["source"]
                .as_str()
                .is_some_and(|source| source.starts_with("LCEN de 2004")),
            "{french}"
        );
        let reunion = said(262_692_123_456, Purpose::Marketing, "2026-07-15T10:00", Language::En);
        assert_eq!(
            (
                reunion["zone"].as_str(),
                reunion["local_time"].as_str(),
                reunion["open"].as_bool()
            ),
            (Some("fr-reunion"), Some("2026-07-15T10:00:00+04:00"), Some(true)),
            "{reunion}"
        );
        assert_eq!(
            reunion["detail"],
            "It is within the hours of advertising. It may go until 2026-07-15 20:25."
        );
        assert!(
            reunion["source"]
                .as_str()
                .is_some_and(|source| source.starts_with("LCEN 2004 as French")),
            "{reunion}"
        );
        let reminder = said(33_612_345_678, Purpose::Transactional, "2026-07-14T03:00", Language::En);
        assert_eq!(
            (reminder["open"].as_bool(), reminder["pack"].is_null()),
            (Some(true), true),
            "{reminder}"
        );
    }
}
