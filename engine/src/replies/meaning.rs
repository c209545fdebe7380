//! What an answer to an appointment means: coming, not coming, or another time. Pure.

use std::sync::LazyLock;

use serde::Deserialize;

use super::reading::{Confidence, SURE, begins, says, words};
use crate::agenda::EventAnswer as Meaning;

#[derive(Debug, Deserialize)]
struct Lists<T> {
    confirm: Vec<T>,
    cancel: Vec<T>,
    #[serde(rename = "move")]
    another_time: Vec<T>,
    asks: Vec<T>,
    not: Vec<T>,
    but: Vec<T>,
}

static LISTS: LazyLock<Lists<Vec<String>>> = LazyLock::new(|| {
    let file: Result<Lists<String>, _> = toml::from_str(include_str!("../data/replies.toml"));
    let cut = |list: Vec<String>| list.iter().map(|cue| tokens(cue)).collect();
    // The tests read it: a build with a broken one does not pass them.
    file.map_or_else(
        |_| Lists {
            confirm: Vec::new(),
            cancel: Vec::new(),
            another_time: Vec::new(),
            asks: Vec::new(),
            not: Vec::new(),
            but: Vec::new(),
        },
        |lists| Lists {
            confirm: cut(lists.confirm),
            cancel: cut(lists.cancel),
            another_time: cut(lists.another_time),
            asks: cut(lists.asks),
            not: cut(lists.not),
            but: cut(lists.but),
        },
    )
});

/// A cue that was found: what it means, where it ends, how long it is, and how surely it is it.
#[derive(Clone, Copy, Debug)]
struct Cue {
    meaning: Meaning,
    at: usize,
    length: usize,
    sure: Confidence,
}

/// What a text means as the answer to an appointment, and how sure that is.
pub(super) fn meaning(text: &str) -> Option<(Meaning, Confidence)> {
    let given = tokens(text);
    if let Some(by_number) = by_number(&given) {
        return Some(by_number);
    }
    let cues = cues(&given);
    let found = |meaning| {
        cues.iter()
            .filter(move |cue| cue.meaning == meaning)
            .map(|cue| cue.sure)
            .max()
    };
    let (confirms, cancels, moves) = (found(Meaning::Confirm), found(Meaning::Cancel), found(Meaning::Move));
    let has = |list: &[Vec<String>]| list.iter().any(|cue| position(&given, cue).is_some());
    let asks = text.contains('?') || has(&LISTS.asks);
    let (meaning, sure) = match (confirms, cancels, moves) {
        (None, None, None) => return None,
        // Who cannot come and asks for another time wants another time.
        (None, _, Some(sure)) => (Meaning::Move, sure.min(95)),
        (None, Some(sure), None) if asks => (Meaning::Cancel, sure.min(70)),
        (None, Some(sure), None) => (Meaning::Cancel, sure),
        (Some(sure), None, None) if asks || has(&LISTS.but) => (Meaning::Confirm, sure.min(60)),
        (Some(sure), None, None) => (Meaning::Confirm, sure),
        (Some(sure), _, Some(_)) => (Meaning::Move, sure.min(60)),
        (Some(sure), Some(_), None) => (Meaning::Cancel, sure.min(60)),
    };
    // Much that nobody has understood stands beside it.
    let understood: usize = cues.iter().map(|cue| cue.length).sum();
    let other = given.len().saturating_sub(understood);
    let beside = match other {
        0..=6 => sure,
        7..=14 => sure.min(85),
        _ => sure.min(75),
    };
    let negated = cues.iter().any(|cue| cue.meaning == meaning && is_negated(&given, cue));
    Some(match (negated, meaning) {
        (true, Meaning::Confirm) => (Meaning::Cancel, beside.min(60)),
        (true, _) => (meaning, beside.min(60)),
        (false, _) => (meaning, beside),
    })
}

/// Whether a text says yes to an offer, which has words of its own for that beside those that everybody has, or no; and how sure that is.
pub(super) fn takes(text: &str, own: &[String]) -> Option<(bool, Confidence)> {
    let given = tokens(text);
    let own: Vec<Vec<String>> = own.iter().map(|word| words(word)).collect();
    let said = own.iter().filter_map(|wanted| says(&given, wanted)).max();
    if let Some(sure) = said.filter(|sure| *sure >= SURE) {
        return Some((true, sure));
    }
    let begun = own.iter().filter_map(|wanted| begins(&given, wanted)).max();
    let common = TAKES.iter().filter_map(|cue| position(&given, &words(cue)));
    let taken = begun.into_iter().chain(common.map(|(_, sure)| sure)).max();
    let has = |list: &[Vec<String>]| list.iter().any(|cue| position(&given, cue).is_some());
    match (meaning(text), taken) {
        // Nobody has told of a two or a three.
        (Some((Meaning::Cancel | Meaning::Move, _)), None) if by_number(&given).is_some() => Some((false, UNSURE)),
        (Some((Meaning::Confirm, sure)), _) => Some((true, sure)),
        (Some((Meaning::Cancel, sure)), None) => Some((false, sure)),
        // "Pas dispo" has "dispo" in it.
        (Some((Meaning::Cancel, sure)), Some(_)) if has(&LISTS.not) => Some((false, sure)),
        (Some((Meaning::Cancel, _)), Some(_)) => Some((false, UNSURE)),
        (Some((Meaning::Move, _)), _) => Some((true, UNSURE)),
        (None, None) => None,
        (None, Some(sure)) => {
            let doubts = text.contains('?') || has(&LISTS.asks) || has(&LISTS.but) || has(&LISTS.not);
            Some((
                true,
                if doubts || given.len() > TAKES_WORDS {
                    UNSURE
                } else {
                    sure
                },
            ))
        }
    }
}

/// What is not sure.
const UNSURE: Confidence = 60;

/// In a longer text something else stands beside the yes.
const TAKES_WORDS: usize = 9;

/// How people take what they are offered, beside yes.
const TAKES: [&str; 18] = [
    "JE PRENDS",
    "JE LE PRENDS",
    "JE LA PRENDS",
    "JE PREND",
    "PRENEUR",
    "PRENEUSE",
    "JE SUIS DISPO",
    "JE SUIS DISPONIBLE",
    "SUIS DISPO",
    "DISPO",
    "DISPONIBLE",
    "INTERESSE",
    "INTERESSEE",
    "I LL TAKE IT",
    "I TAKE IT",
    "I CAN DO IT",
    "I M AVAILABLE",
    "AVAILABLE",
];

/// `2`, `2 merci`, `réponse 2`: one of the three numbers, and no other.
fn by_number(given: &[String]) -> Option<(Meaning, Confidence)> {
    let is_number = |word: &&String| word.chars().any(|character| character.is_ascii_digit());
    if let [word] = given {
        return numbered(word).map(|meaning| (meaning, 100));
    }
    let numbers: Vec<&String> = given.iter().filter(is_number).collect();
    let [number] = numbers[..] else { return None };
    let meaning = numbered(number)?;
    let rest: Vec<String> = given.iter().filter(|word| *word != number).cloned().collect();
    let agrees = |cue: &Cue| cue.meaning == meaning;
    let cues = cues(&rest);
    match (rest.len(), cues.is_empty()) {
        (1..=4, true) if !rest.iter().any(|word| UNITS.contains(&word.as_str())) => Some((meaning, 90)),
        (_, false) if cues.iter().all(agrees) && rest.len() <= 6 => Some((meaning, 95)),
        _ => None,
    }
}

fn numbered(word: &str) -> Option<Meaning> {
    match word {
        "1" | "UN" | "ONE" => Some(Meaning::Confirm),
        "2" | "DEUX" | "TWO" => Some(Meaning::Cancel),
        "3" | "TROIS" | "THREE" => Some(Meaning::Move),
        _ => None,
    }
}

/// What a number counts: then it is no answer.
pub(super) const UNITS: [&str; 26] = [
    "H",
    "HEURE",
    "HEURES",
    "MIN",
    "MINUTES",
    "JOUR",
    "JOURS",
    "SEMAINE",
    "SEMAINES",
    "MOIS",
    "PERSONNE",
    "PERSONNES",
    "ENFANT",
    "ENFANTS",
    "DAY",
    "DAYS",
    "WEEK",
    "WEEKS",
    "HOUR",
    "HOURS",
    "PERSON",
    "PERSONS",
    "PEOPLE",
    "CHILDREN",
    "KIDS",
    "DE",
];

/// Words, and thumbs, which are answers.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = words(text);
    tokens.extend(
        text.chars()
            .filter(|sign| ['👍', '👎'].contains(sign))
            .take(1)
            .map(String::from),
    );
    tokens
}

/// All cues, the longest first; none within another.
fn cues(given: &[String]) -> Vec<Cue> {
    let lists = [
        (Meaning::Confirm, &LISTS.confirm),
        (Meaning::Cancel, &LISTS.cancel),
        (Meaning::Move, &LISTS.another_time),
    ];
    let mut all: Vec<Cue> = Vec::new();
    for (meaning, list) in lists {
        for wanted in list {
            let found = position(given, wanted);
            all.extend(found.map(|(at, sure)| Cue {
                meaning,
                at,
                length: wanted.len(),
                sure,
            }));
        }
    }
    all.sort_by_key(|cue| (std::cmp::Reverse(cue.length), std::cmp::Reverse(cue.sure)));
    let mut kept: Vec<Cue> = Vec::new();
    for cue in all {
        let overlaps = |other: &Cue| cue.at < other.at + other.length && other.at < cue.at + cue.length;
        if !kept.iter().any(overlaps) {
            kept.push(cue);
        }
    }
    kept
}

/// Where these words stand in a text, and how sure that is.
fn position(given: &[String], wanted: &[String]) -> Option<(usize, Confidence)> {
    let fits = given.windows(wanted.len().max(1)).enumerate();
    let fits = fits.filter_map(|(at, window)| Some((at, says(window, wanted).filter(|sure| *sure >= SURE)?)));
    fits.max_by_key(|(at, sure)| (*sure, std::cmp::Reverse(*at)))
}

/// Whether something turns a cue round. Those of who does not come have their own "not" in them, but for the word itself.
fn is_negated(given: &[String], cue: &Cue) -> bool {
    let words = &given[cue.at..cue.at + cue.length];
    let may_be = match cue.meaning {
        Meaning::Confirm => true,
        Meaning::Cancel | Meaning::Move => CANCELS.iter().any(|start| words[0].starts_with(start)),
    };
    let before = &given[cue.at.saturating_sub(3)..cue.at];
    let turns = |not: &Vec<String>| before.windows(not.len()).rev().take(2).any(|window| window == &not[..]);
    let behind = given.get(cue.at + cue.length);
    may_be && (LISTS.not.iter().any(turns) || behind.is_some_and(|word| word == "PAS" || word == "NOT"))
}

/// How the words begin that mean that somebody does not come.
const CANCELS: [&str; 2] = ["ANNUL", "CANCEL"];

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = include_str!("../data/replies_read.tsv");

    fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
        let rows = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        rows.filter_map(|line| line.split_once('\t'))
    }

    #[test]
    fn three_hundred_answers_are_read_as_they_are_meant_or_not_surely() {
        let (mut all, mut clear, mut sure, mut faults) = (0, 0, 0, Vec::new());
        for (meant, text) in rows() {
            all += 1;
            let read = meaning(text);
            let is_sure = read.filter(|(_, confidence)| *confidence >= SURE);
            if meant != "?" {
                clear += 1;
                sure += u32::from(is_sure.is_some_and(|(read, _)| read.into_str() == meant));
            }
            if is_sure.is_some_and(|(read, _)| read.into_str() != meant) {
                faults.push(format!("{text:?} is {meant}, and was read as {read:?}"));
            }
        }
        assert!(faults.is_empty(), "{faults:#?}");
        assert!(all >= 300, "{all}");
        let missed: Vec<_> = rows()
            .filter(|(meant, text)| *meant != "?" && meaning(text).is_none_or(|(_, confidence)| confidence < SURE))
            .collect();
        assert!(
            sure * 100 >= clear * 95,
            "{sure} of {clear} are sure; not these: {missed:#?}"
        );
    }

    #[test]
    fn yes_and_no_to_an_offer_are_read_as_people_write_them() {
        let own = ["LA GARDE".to_owned()];
        for (text, yes) in [
            ("oui", true),
            ("OUI !!", true),
            ("1", true),
            ("Ok pour moi", true),
            ("Je prends", true),
            ("je la prends volontiers", true),
            ("Je suis dispo", true),
            ("la garde", true),
            ("yes", true),
            ("I'll take it", true),
            ("non", false),
            ("Non désolée", false),
            ("pas dispo", false),
            ("je ne peux pas", false),
            ("Not available", false),
        ] {
            let read = takes(text, &own);
            assert!(
                read.is_some_and(|(read, sure)| read == yes && sure >= SURE),
                "{text}: {read:?}"
            );
        }
        for text in [
            "oui mais plus tard",
            "oui ?",
            "Je suis dispo mais pas avant 20h",
            "2",
            "c'est à quelle heure ?",
            "Bonjour",
            "je ne prends plus",
            "la garde est-elle payée ?",
            "la garde c'est jusqu'à quelle heure",
        ] {
            let read = takes(text, &own);
            assert!(read.is_none_or(|(_, sure)| sure < SURE), "{text}: {read:?}");
        }
    }

    #[test]
    fn the_lists_are_there_and_nobody_says_two_things_with_one_cue() {
        let lists = [&LISTS.confirm, &LISTS.cancel, &LISTS.another_time];
        assert!(lists.iter().all(|list| list.len() > 40));
        for (at, list) in lists.iter().enumerate() {
            for other in &lists[at + 1..] {
                assert!(list.iter().all(|cue| !other.contains(cue)));
            }
        }
    }
}
