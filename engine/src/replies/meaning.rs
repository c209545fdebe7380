//! What an answer to an appointment means: coming, not coming, or another time. Pure.
//!
//! A text is read from its first word to its last, at each place by the longest of the listed phrases that fits. It is sure only if each
//! word of it was understood, and all of it says the same: who says more than that is read by people.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::reading::{Confidence, SURE, says, slips, words};
use crate::agenda::EventAnswer as Meaning;

/// What is not sure.
const UNSURE: Confidence = 60;

/// With one mistake in a word.
const NEARLY: Confidence = 85;

/// So many words of a name stand behind a doctor's title, and behind the end of a letter.
const NAME: usize = 1;
const SIGNATURE: usize = 4;

type Phrase = Vec<String>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lists<T> {
    confirm: Vec<T>,
    noted: Vec<T>,
    cancel: Vec<T>,
    #[serde(rename = "move")]
    another_time: Vec<T>,
    beside: Vec<T>,
    wishes: Vec<T>,
    unclear: Vec<T>,
    why: Vec<T>,
    named: Vec<T>,
    signed: Vec<T>,
    other: Vec<T>,
    not: Vec<T>,
    but: Vec<T>,
    chosen: Vec<T>,
}

/// The file that the lists are in, and how words are typed.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(flatten)]
    lists: Lists<String>,
    typed: HashMap<String, String>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    // The tests read it: a build with a broken one does not pass them.
    toml::from_str(include_str!("../data/replies.toml")).unwrap_or_default()
});

static LISTS: LazyLock<Lists<Phrase>> = LazyLock::new(|| {
    let lists = &FILE.lists;
    let cut = |list: &[String]| list.iter().map(|cue| as_written(cue)).collect();
    Lists {
        confirm: cut(&lists.confirm),
        noted: cut(&lists.noted),
        cancel: cut(&lists.cancel),
        another_time: cut(&lists.another_time),
        beside: cut(&lists.beside),
        wishes: cut(&lists.wishes),
        unclear: cut(&lists.unclear),
        why: cut(&lists.why),
        named: cut(&lists.named),
        signed: cut(&lists.signed),
        other: cut(&lists.other),
        not: cut(&lists.not),
        but: cut(&lists.but),
        chosen: cut(&lists.chosen),
    }
});

/// Every word of the lists.
static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lists = &*LISTS;
    let all = [
        &lists.confirm,
        &lists.noted,
        &lists.cancel,
        &lists.another_time,
        &lists.beside,
        &lists.wishes,
        &lists.unclear,
        &lists.why,
        &lists.named,
        &lists.signed,
        &lists.other,
        &lists.not,
        &lists.but,
        &lists.chosen,
    ];
    all.into_iter().flatten().flatten().map(String::as_str).collect()
});

/// What a phrase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It answers.
    Says(Meaning),
    /// It has been read; from whom nothing but that they come is wanted, a yes.
    Noted,
    /// Nothing.
    Beside,
    /// What stands beside a no, or another time.
    Wish,
    /// Nobody knows what is meant.
    Unclear,
    /// What follows is a reason.
    Why,
    /// So many words of a name follow.
    Named(usize),
}

/// A text, read to its end.
#[derive(Debug, Default)]
struct Parsed {
    /// What it says, each with how surely that was said.
    cues: Vec<(Kind, Confidence)>,
    wishes: bool,
    why: bool,
    /// Words that nobody understood, and those of them that stand behind no reason.
    unknown: usize,
    unexplained: usize,
    /// One of them turns something round.
    turned: bool,
}

/// Whether a text is one of the three numbers or a word or two of the lists, and thanks: nothing that says of which appointment.
pub(super) fn is_bare(text: &str) -> bool {
    let given = tokens(text);
    let is_polite = |word: &String| LISTS.chosen.iter().any(|one| one[..] == [word.as_str()]);
    let begins = phrase(&given, &[]).filter(|(kind, length, _)| matches!(kind, Kind::Says(_)) && *length <= 2);
    let rest = begins.map_or(&given[..], |(_, length, _)| &given[length..]);
    let rest: Vec<&String> = rest.iter().filter(|word| !is_polite(word)).collect();
    match (begins, &rest[..]) {
        (Some(_), []) => true,
        (None, [word]) => {
            numbered(word).is_some()
                || phrase(&[(*word).clone()], &[]).is_some_and(|(kind, ..)| matches!(kind, Kind::Says(_)))
        }
        (Some(_) | None, _) => false,
    }
}

/// Whether a text says nothing but thanks, greetings and the like.
pub(super) fn is_polite(words: &[String]) -> bool {
    words
        .iter()
        .all(|word| LISTS.chosen.iter().any(|one| one[..] == [word.as_str()]))
}

/// What a text means as the answer to an appointment, and how sure that is.
pub(super) fn meaning(text: &str) -> Option<(Meaning, Confidence)> {
    read(text, &[], 100)
}

/// The same, as the answer to a question of a survey: that somebody has read it is no yes, and why they say yes or no may follow.
pub(super) fn yes_or_no(text: &str) -> Option<(Meaning, Confidence)> {
    let (meaning, sure) = read(text, &[], UNSURE)?;
    let given = tokens(text);
    let first = phrase(&given, &[]).filter(|(kind, ..)| *kind == Kind::Says(meaning));
    let parsed = parse(&given, &[]);
    let agrees = parsed.cues.iter().all(|(kind, _)| *kind == Kind::Says(meaning));
    let has_doubt = LISTS
        .but
        .iter()
        .any(|but| given.windows(but.len()).any(|words| words == but));
    let turns = parsed.turned && meaning != Meaning::Cancel;
    let is_led = agrees && !has_doubt && !turns && !text.contains('?');
    Some(match first.filter(|_| is_led) {
        Some((_, _, led)) => (meaning, sure.max(led.min(NEARLY))),
        None => (meaning, sure),
    })
}

/// Whether a text says yes to an offer, which has words of its own for that beside those that everybody has, or no; and how sure that is.
pub(super) fn takes(text: &str, own: &[String]) -> Option<(bool, Confidence)> {
    let given = tokens(text);
    let own: Vec<Phrase> = own.iter().map(|word| words(word)).collect();
    let said = own.iter().filter_map(|wanted| says(&given, wanted)).max();
    if let Some(sure) = said.filter(|sure| *sure >= SURE) {
        return Some((true, sure));
    }
    let common = TAKES.iter().map(|cue| words(cue));
    let all: Vec<Phrase> = own.into_iter().chain(common).collect();
    Some(match read(text, &all, UNSURE)? {
        // Nobody has told of a two or a three.
        (Meaning::Cancel | Meaning::Move, _) if by_number(text, &given).is_some() => (false, UNSURE),
        (Meaning::Confirm, sure) => (true, sure),
        (Meaning::Cancel, sure) => (false, sure),
        (Meaning::Move, _) => (true, UNSURE),
    })
}

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

/// `own`: phrases that say yes as well; `noted`: how sure a yes it is that somebody has read it.
fn read(text: &str, own: &[Phrase], noted: Confidence) -> Option<(Meaning, Confidence)> {
    let given = tokens(text);
    if let Some(by_number) = by_number(text, &given) {
        return Some(by_number);
    }
    let parsed = parse(&given, own);
    let found = |wanted: Meaning| {
        let said = parsed.cues.iter().filter_map(|(kind, sure)| match kind {
            Kind::Says(meaning) => (*meaning == wanted).then_some(*sure),
            Kind::Noted => (wanted == Meaning::Confirm).then_some((*sure).min(noted)),
            Kind::Beside | Kind::Wish | Kind::Unclear | Kind::Why | Kind::Named(_) => None,
        });
        said.min()
    };
    let (meaning, sure) = match (found(Meaning::Confirm), found(Meaning::Cancel), found(Meaning::Move)) {
        (None, None, None) => return None,
        // Who cannot come and asks for another time wants another time.
        (None, _, Some(sure)) => (Meaning::Move, sure.min(95)),
        (None, Some(sure), None) => (Meaning::Cancel, sure),
        (Some(sure), None, None) => (Meaning::Confirm, sure),
        (Some(_), _, Some(_)) => (Meaning::Move, UNSURE),
        (Some(_), Some(_), None) => (Meaning::Cancel, UNSURE),
    };
    let is_clear = match meaning {
        Meaning::Confirm => parsed.unknown == 0 && !parsed.wishes && !parsed.why && !text.contains('?'),
        // Why they do not come need not be understood.
        Meaning::Cancel => parsed.unexplained == 0 && !text.contains('?'),
        Meaning::Move => parsed.unknown == 0,
    };
    Some(match (meaning, is_clear) {
        (_, true) => (meaning, sure),
        (Meaning::Confirm, false) if parsed.turned => (Meaning::Cancel, sure.min(UNSURE)),
        (_, false) => (meaning, sure.min(UNSURE)),
    })
}

fn parse(given: &[String], own: &[Phrase]) -> Parsed {
    let (mut at, mut names) = (0, 0_usize);
    // Somebody cannot; what they cannot may follow.
    let mut cannot = false;
    let mut parsed = Parsed::default();
    while let Some(word) = given.get(at) {
        let Some((kind, length, sure)) = phrase(&given[at..], own) else {
            let turns = LISTS.not.iter().any(|not| given[at..].starts_with(not));
            let is_name = names > 0 && !turns && !has_digit(word);
            names = names.saturating_sub(1);
            cannot = false;
            at += 1;
            if !is_name {
                parsed.unknown += 1;
                parsed.unexplained += usize::from(!parsed.why);
                parsed.turned |= turns;
            }
            continue;
        };
        names = 0;
        let words = &given[at..at + length];
        at += length;
        let is_lost = cannot && matches!(kind, Kind::Says(_)) && is_infinitive(words);
        if is_lost || kind == Kind::Unclear {
            parsed.unknown += 1;
            parsed.unexplained += 1;
        }
        cannot =
            kind == Kind::Says(Meaning::Cancel) && words.last().is_some_and(|last| CANNOT.contains(&last.as_str()));
        match kind {
            Kind::Says(_) | Kind::Noted => parsed.cues.push((kind, sure)),
            Kind::Beside | Kind::Unclear => {}
            Kind::Wish => parsed.wishes = true,
            Kind::Why => parsed.why = true,
            Kind::Named(follow) => names = follow,
        }
    }
    parsed
}

/// How a phrase ends behind which may stand what somebody cannot do: "je ne peux pas annuler" annuls nothing.
const CANNOT: [&str; 8] = [
    "PAS",
    "PLUS",
    "IMPOSSIBLE",
    "POSSIBLE",
    "POUVOIR",
    "T",
    "CANT",
    "CANNOT",
];

/// Whether a phrase begins with something that one may do.
fn is_infinitive(words: &[String]) -> bool {
    let word = words.iter().find(|word| *word != "D");
    word.is_some_and(|word| {
        word.ends_with("ER") || ["CANCEL", "CHANGE", "MOVE", "RESCHEDULE", "POSTPONE"].contains(&word.as_str())
    })
}

/// The longest phrase with which a text begins, its length, and how sure that is.
fn phrase(given: &[String], own: &[Phrase]) -> Option<(Kind, usize, Confidence)> {
    let lists = [
        (Kind::Says(Meaning::Confirm), own),
        (Kind::Says(Meaning::Confirm), &LISTS.confirm[..]),
        (Kind::Noted, &LISTS.noted),
        (Kind::Says(Meaning::Cancel), &LISTS.cancel),
        (Kind::Says(Meaning::Move), &LISTS.another_time),
        (Kind::Beside, &LISTS.beside),
        (Kind::Wish, &LISTS.wishes),
        (Kind::Unclear, &LISTS.unclear),
        (Kind::Why, &LISTS.why),
        (Kind::Named(NAME), &LISTS.named),
        (Kind::Named(SIGNATURE), &LISTS.signed),
    ];
    let mut best: Option<(Kind, usize, Confidence)> = None;
    for (kind, list) in lists {
        for wanted in list {
            let Some(sure) = given.get(..wanted.len()).and_then(|first| fits(first, wanted)) else {
                continue;
            };
            // Of two that are as good the first stands.
            if best.is_none_or(|(_, length, other)| (wanted.len(), sure) > (length, other)) {
                best = Some((kind, wanted.len(), sure));
            }
        }
    }
    best
}

/// How sure it is that these words are those, with one mistake in a long one at most.
fn fits(given: &[String], wanted: &[String]) -> Option<Confidence> {
    let mut mistakes = 0;
    for (given, wanted) in given.iter().zip(wanted) {
        if given == wanted {
            continue;
        }
        let is_other = LISTS.other.iter().any(|other| other[..] == [given.as_str()]);
        if is_other || !slips(given, wanted) {
            return None;
        }
        mistakes += 1;
    }
    match mistakes {
        _ if wanted.is_empty() => None,
        0 => Some(100),
        1 => Some(NEARLY),
        _ => None,
    }
}

/// `2`, `2 merci`, `réponse 2`: one of the three numbers, and nothing that makes a date, a count or a question of it.
fn by_number(text: &str, given: &[String]) -> Option<(Meaning, Confidence)> {
    if let [word] = given {
        let sure = if text.contains('?') { UNSURE } else { 100 };
        return numbered(word).map(|meaning| (meaning, sure));
    }
    let mut in_digits = given.iter().filter(|word| has_digit(word));
    let number = match (in_digits.next(), in_digits.next()) {
        (Some(number), None) => number,
        // "Deux, merci".
        (None, _) => given.first()?,
        (Some(_), Some(_)) => return None,
    };
    let meaning = numbered(number)?;
    if text.contains('?') {
        return None;
    }
    let at = given.iter().position(|word| word == number)?;
    let rest: Vec<String> = [&given[..at], &given[at + 1..]].concat();
    if is_polite(&without_names(&rest)) {
        return Some((meaning, 90));
    }
    let parsed = parse(&rest, &[]);
    let agrees = |(kind, _): &(Kind, Confidence)| match kind {
        Kind::Says(said) => *said == meaning,
        Kind::Noted => meaning == Meaning::Confirm,
        Kind::Beside | Kind::Wish | Kind::Unclear | Kind::Why | Kind::Named(_) => true,
    };
    let is_short = rest.len() <= 6 && parsed.unknown == 0;
    if !parsed.cues.iter().all(agrees) {
        // "Oui 2": one of both is not meant.
        return is_short.then_some((meaning, UNSURE));
    }
    (is_short && !parsed.cues.is_empty() && !parsed.why).then_some((meaning, 95))
}

/// What is left without who has signed: "2 désolée, Mme Nguyen" is "2 désolée".
fn without_names(given: &[String]) -> Vec<String> {
    let (mut at, mut left) = (0, Vec::new());
    while let Some(word) = given.get(at) {
        match phrase(&given[at..], &[]) {
            Some((Kind::Named(most), length, _)) => {
                at += length;
                let is_name = |word: &&String| phrase(std::slice::from_ref(*word), &[]).is_none() && !has_digit(word);
                at += given[at..].iter().take(most).take_while(is_name).count();
            }
            Some(_) | None => {
                left.push(word.clone());
                at += 1;
            }
        }
    }
    left
}

fn has_digit(word: &str) -> bool {
    word.chars().any(|character| character.is_ascii_digit())
}

fn numbered(word: &str) -> Option<Meaning> {
    match word {
        "1" | "UN" | "ONE" => Some(Meaning::Confirm),
        "2" | "DEUX" | "TWO" => Some(Meaning::Cancel),
        "3" | "TROIS" | "THREE" => Some(Meaning::Move),
        _ => None,
    }
}

/// Signs that answer.
const SIGNS: [char; 6] = ['👍', '👌', '✅', '🆗', '👎', '❌'];

/// Words, and signs that are answers, each once, and as the lists have them: "jvien pa" is "je viens pas".
fn tokens(text: &str) -> Vec<String> {
    as_written(text).into_iter().flat_map(in_full).collect()
}

/// A word that no list has, as it was meant.
fn in_full(word: String) -> Vec<String> {
    let is_known = |word: &str| KNOWN.contains(word);
    if is_known(&word) {
        return vec![word];
    }
    let meant = |word: &str| FILE.typed.get(word).map(|meant| as_written(meant));
    if let Some(meant) = meant(&word) {
        return meant;
    }
    let behind = word.strip_prefix('J').filter(|rest| rest.len() > 1);
    let behind = behind.and_then(|rest| meant(rest).or_else(|| is_known(rest).then(|| vec![rest.to_owned()])));
    match behind {
        Some(behind) => {
            let begins_open = behind[0].starts_with(['A', 'E', 'I', 'O', 'U', 'Y']);
            let who = if begins_open { "J" } else { "JE" };
            [vec![who.to_owned()], behind].concat()
        }
        None => vec![word],
    }
}

/// The same, as they stand there. "Ouiiii" is "oui".
fn as_written(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = words(text).iter().map(|word| drawn_in(word)).collect();
    let signs = SIGNS.into_iter().filter(|sign| text.contains(*sign));
    tokens.extend(signs.map(String::from));
    tokens
}

/// A word in which a letter stands three times or more has it once.
fn drawn_in(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let runs = letters.chunk_by(|one, next| one == next);
    runs.flat_map(|run| {
        let many = run.len() > 2 && run[0].is_alphabetic();
        run[..if many { 1 } else { run.len() }].iter().copied()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = include_str!("../data/replies_read.tsv");

    const APART: &str = include_str!("../data/replies_apart.tsv");

    fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
        rows_of(TABLE)
    }

    fn rows_of(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
        let rows = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
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
    fn of_what_was_written_without_a_look_at_the_lists_nothing_is_read_wrongly() {
        let (mut clear, mut sure, mut faults) = (0, 0, Vec::new());
        for (meant, text) in rows_of(APART) {
            let read = meaning(text).filter(|(_, confidence)| *confidence >= SURE);
            let read = read.map(|(read, _)| read.into_str());
            clear += u32::from(meant != "?");
            sure += u32::from(read == Some(meant));
            faults.extend(
                read.filter(|read| *read != meant)
                    .map(|read| format!("{text:?} is {meant}, not {read}")),
            );
        }
        assert!(faults.is_empty(), "{faults:#?}");
        assert!(sure * 100 >= clear * 60, "{sure} of {clear} are sure");
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
            ("plus dispo", false),
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
            "Plus preneuse merci",
            "aucune dispo cette semaine",
            "je suis peu dispo",
            "Trop tard pour être dispo",
            "ok tant pis",
            "Je suis sur Nantes",
            "Je suis dispo vendredi",
            "dispo après 19h",
            "2 minutes j'arrive",
            "noté",
            "bien reçu",
        ] {
            let read = takes(text, &own);
            assert!(read.is_none_or(|(_, sure)| sure < SURE), "{text}: {read:?}");
        }
    }

    #[test]
    fn a_yes_or_no_to_a_survey_may_say_why() {
        for (text, meant) in [
            ("Oui, très bien accueillie", Meaning::Confirm),
            ("oui tout était parfait", Meaning::Confirm),
            ("Non, trop d'attente", Meaning::Cancel),
            ("non pas du tout", Meaning::Cancel),
        ] {
            let read = yes_or_no(text);
            assert!(
                read.is_some_and(|(read, sure)| read == meant && sure >= SURE),
                "{text}: {read:?}"
            );
        }
        for text in [
            "oui mais trop d'attente",
            "oui et non",
            "Oui peut-être",
            "noté",
            "Oui ?",
            "oui sans plus",
        ] {
            let read = yes_or_no(text);
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
