//! Whether a text looks like advertising, as far as its words say so. Pure: the words are data (`advertising.toml`).

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::links;

/// The longest name of a merge field that is looked for behind its bracket, in octets.
const FIELD_MAX: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    limit: i32,
    says: Vec<Words>,
    against: Vec<Words>,
}

/// Words that weigh the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    points: i32,
    words: Vec<String>,
}

/// What is looked for: its words, and how much it says; below zero: against it.
struct Cue {
    words: Vec<String>,
    points: i32,
}

struct Cues {
    limit: i32,
    /// By their first word, the longest first.
    by_word: FxHashMap<String, Vec<Cue>>,
    /// Those whose first word goes on in any way.
    begun: Vec<Cue>,
}

static CUES: LazyLock<Cues> = LazyLock::new(|| {
    // The tests read it: a build with a broken one does not pass them.
    let table: Table = toml::from_str(include_str!("../data/advertising.toml")).unwrap_or_default();
    let cues = |(words, sign): (Vec<Words>, i32)| {
        words.into_iter().flat_map(move |Words { points, words }| {
            words.into_iter().map(move |cue| Cue {
                words: cue.split(' ').map(str::to_owned).collect(),
                points: points * sign,
            })
        })
    };
    let mut known = Cues {
        limit: table.limit,
        by_word: FxHashMap::default(),
        begun: Vec::new(),
    };
    for cue in cues((table.says, 1)).chain(cues((table.against, -1))) {
        match cue.words.first() {
            Some(first) if !first.ends_with('*') => known.by_word.entry(first.clone()).or_default().push(cue),
            _ => known.begun.push(cue),
        }
    }
    let by_length = |cue: &Cue| std::cmp::Reverse(cue.words.len());
    known.by_word.values_mut().for_each(|cues| cues.sort_by_key(by_length));
    known
});

/// A word of a text, or what stands for its kind, with its place.
#[derive(Debug, PartialEq, Eq)]
struct Token {
    word: String,
    from: usize,
    to: usize,
}

/// The words of a text that make it look like advertising, as they stand in it; none: it does not.
pub(crate) fn advertising(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let (mut at, mut points, mut against) = (0, 0, 0);
    let (mut counted, mut says) = (Vec::new(), Vec::new());
    while at < tokens.len() {
        let Some(cue) = found(&tokens[at..]) else {
            at += 1;
            continue;
        };
        let (from, to) = (tokens[at].from, tokens[at + cue.words.len() - 1].to);
        at += cue.words.len();
        if counted.contains(&&cue.words) {
            continue;
        }
        counted.push(&cue.words);
        match cue.points < 0 {
            true => against = cue.points.min(against),
            false => {
                points += cue.points;
                says.push(text[from..to].to_owned());
            }
        }
    }
    if points + against >= CUES.limit.max(1) {
        says
    } else {
        Vec::new()
    }
}

/// Whom a text is for: of one person's, capitals are names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// With fields for names and dates.
    ForMany,
    ForOne,
}

/// What recurs of a text: without its numbers and names, so that what is sent to each person in their own words is one text. Words that say
/// something of advertising stay as they are, and so does where links lead.
pub(crate) fn recurring(text: &str, written: Written) -> String {
    let mut kept = Vec::new();
    for (token, is_cue) in told_apart(text) {
        let own = &text[token.from..token.to];
        kept.push(match token.word.as_str() {
            // What is written to one person may lead to a page of theirs.
            "<link>" if written == Written::ForOne => links::first_domain(own).unwrap_or_default(),
            "<link>" => own.to_owned(),
            _ if !is_cue && written == Written::ForOne && is_name(own) => "<name>".to_owned(),
            word => word.to_owned(),
        });
    }
    kept.join(" ")
}

/// A text of one person's without what is theirs: numbers and names, but for those that say something of advertising.
pub(crate) fn masked(text: &str) -> String {
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for (token, is_cue) in told_apart(text) {
        let own = &text[token.from..token.to];
        shown.push_str(&text[at..token.from]);
        at = token.to;
        match token.word.as_str() {
            "<number>" if !is_cue => shown.push('#'),
            "<time>" | "<date>" => shown.push('#'),
            "<link>" => shown.push_str(&links::first_domain(own).unwrap_or_default()),
            _ if !is_cue && is_name(own) => shown.push('…'),
            _ => shown.push_str(own),
        }
    }
    shown.push_str(&text[at..]);
    shown
}

fn is_name(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

/// Each word of a text, and whether it belongs to something that says something.
fn told_apart(text: &str) -> Vec<(Token, bool)> {
    let tokens = tokens(text);
    let mut cues = vec![false; tokens.len()];
    let mut at = 0;
    while at < tokens.len() {
        let length = found(&tokens[at..]).map_or(0, |cue| cue.words.len());
        cues[at..at + length].fill(true);
        at += length.max(1);
    }
    tokens.into_iter().zip(cues).collect()
}

/// The longest that a text begins with.
fn found(tokens: &[Token]) -> Option<&'static Cue> {
    let fits = |cue: &&'static Cue| {
        let words = cue.words.iter().zip(tokens);
        cue.words.len() <= tokens.len() && words.into_iter().all(|(wanted, token)| is_word(wanted, token))
    };
    let exact = CUES.by_word.get(&tokens.first()?.word).into_iter().flatten().find(fits);
    exact.or_else(|| CUES.begun.iter().find(fits))
}

fn is_word(wanted: &str, token: &Token) -> bool {
    match wanted.strip_suffix('*') {
        Some(begin) => token.word.starts_with(begin),
        None => token.word == wanted,
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (word, length) = if let Some(length) = field(rest) {
            (Some("<field>".to_owned()), length)
        } else if let Some(length) = link(rest, &text[..at]) {
            (Some("<link>".to_owned()), length)
        } else if first.is_ascii_digit() {
            let (kind, length) = number(rest);
            (Some(kind.to_owned()), length)
        } else if first.is_alphanumeric() {
            let length = rest.find(|letter: char| !letter.is_alphabetic()).unwrap_or(rest.len());
            (
                Some(folded(&rest[..length.max(first.len_utf8())])),
                length.max(first.len_utf8()),
            )
        } else {
            (sign(rest, &text[..at]), first.len_utf8())
        };
        let to = at + length;
        tokens.extend(word.map(|word| Token { word, from: at, to }));
        at = to;
    }
    tokens
}

/// How long the merge field is that a text begins with.
fn field(rest: &str) -> Option<usize> {
    let end = if rest.starts_with("{{") { "}}" } else { "]" };
    if !rest.starts_with(['[', '{']) {
        return None;
    }
    let closed = rest.find(end)? + end.len();
    (closed <= FIELD_MAX).then_some(closed)
}

/// How long the link is that a text begins with.
fn link(rest: &str, before: &str) -> Option<usize> {
    if before.ends_with(|letter: char| !letter.is_whitespace() && letter != '(') {
        return None;
    }
    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let chunk = &rest[..length];
    (chunk.contains('.') && links::first_domain(chunk).is_some()).then_some(length)
}

/// The kind of number that a text begins with, and how long it is: 1 200,50 or 20; 14h30 or 14:30; 24/12.
fn number(rest: &str) -> (&'static str, usize) {
    let octets = rest.as_bytes();
    let is_digit = |at: usize| octets.get(at).is_some_and(u8::is_ascii_digit);
    let (mut at, mut kind) = (0, "<number>");
    loop {
        while is_digit(at) {
            at += 1;
        }
        let goes_on = is_digit(at + 1);
        match octets.get(at) {
            Some(b':') if goes_on => kind = "<time>",
            Some(b'/') if goes_on => kind = "<date>",
            Some(b'.' | b',') if goes_on => {}
            Some(b'h' | b'H') if goes_on => kind = "<time>",
            Some(b'h' | b'H') if !octets.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => return ("<time>", at + 1),
            _ => return (kind, at),
        }
        at += 1;
    }
}

/// What a sign stands for, if it says anything.
fn sign(rest: &str, before: &str) -> Option<String> {
    let mut signs = rest.chars();
    match signs.next()? {
        '%' => Some("%".to_owned()),
        '€' | '£' | '$' => Some("€".to_owned()),
        '-' | '−' | '–' => {
            let is_sign = before
                .chars()
                .next_back()
                .is_none_or(|letter| !letter.is_alphanumeric());
            let digit = signs.find(|letter| *letter != ' ');
            (is_sign && digit.is_some_and(|digit| digit.is_ascii_digit())).then(|| "-".to_owned())
        }
        _ => None,
    }
}

/// A word without case and accents; the words for money are its sign.
fn folded(word: &str) -> String {
    let plain: String = word
        .nfd()
        .filter(|letter| !('\u{300}'..='\u{36f}').contains(letter))
        .flat_map(char::to_lowercase)
        .collect();
    match plain.as_str() {
        "eur" | "euro" | "euros" | "pounds" | "dollars" => "€".to_owned(),
        _ => plain.replace('œ', "oe"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text, behind what it is.
    const TABLE: &str = include_str!("../data/advertising_texts.tsv");

    #[test]
    fn req_001_02_texts_are_told_apart_as_people_would() {
        let (mut texts, mut wrong) = (0, Vec::new());
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let (kind, text) = line.split_once('\t').unwrap();
            assert!(matches!(kind, "advertising" | "not"), "{line}");
            let says = advertising(text);
            texts += 1;
            if says.is_empty() == (kind == "advertising") {
                wrong.push((kind, text, says));
            }
        }
        assert!(texts >= 60, "{texts}");
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn the_words_are_those_of_the_text() {
        let said = advertising("Bonjour [Prenom], Profitez de -20 % sur les soins jusqu’au 24/12 !");
        assert_eq!(said, ["Profitez", "-20 %", "soins", "jusqu’au"]);
        assert_eq!(advertising("Votre rendez-vous est le [date] à [heure]."), [""; 0]);
        assert_eq!(advertising(""), [""; 0]);
        assert_eq!(advertising("[[{{ %%%"), [""; 0]);
    }

    #[test]
    fn what_recurs_is_one_text() {
        let of = |name: &str, number: &str| {
            let text = format!("Bonjour {name}, -20 % sur votre soin du {number} mai : https://a.fr/{number}");
            recurring(&text, Written::ForOne)
        };
        assert_eq!(of("Zoé", "3"), of("Hugo", "24"));
        for (one, other) in [
            (
                "Bonjour Zoé, -20 % sur votre soin",
                "Bonjour Zoé, -20 % sur votre bilan",
            ),
            ("Promo", "Soldes"),
            ("Promo : https://a.fr/1", "Promo : https://b.fr/1"),
        ] {
            assert_ne!(
                recurring(one, Written::ForOne),
                recurring(other, Written::ForOne),
                "{one}"
            );
        }
        let many = |text: &str| recurring(text, Written::ForMany);
        assert_eq!(many("Promo chez Vauban le 3 mai"), many("Promo chez Vauban le 24 mai"));
        assert_ne!(many("Promo chez Vauban"), many("Promo chez Carnot"));
    }

    #[test]
    fn what_is_shown_of_a_message_is_nobodys() {
        let text = "Bonjour Zoé, profitez de -20 % le 3/5 à 14h30 au 0612345678 : https://a.fr/zoe";
        assert_eq!(masked(text), "… …, profitez de -20 % le # à # au # : a.fr");
    }

    #[test]
    fn any_text_is_read() {
        for text in [
            "é",
            "-",
            "20",
            "20 %",
            "1h",
            "1:",
            "€",
            "{{",
            "[a",
            "\u{1f382} 5",
            "www.",
            "a.b",
            "−5 %",
        ] {
            drop((advertising(text), recurring(text, Written::ForOne), masked(text)));
        }
    }
}
