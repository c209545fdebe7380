//! What a number people give for how something was is: "9", "neuf", "9/10", "un 8 je dirais", "8,5", "4 étoiles". Pure.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::reading::Confidence;

/// Hundredths in one.
pub(crate) const HUNDRED: i64 = 100;

/// From one number to another.
pub(crate) type Scale = (i64, i64);

/// What is not sure.
const UNSURE: Confidence = 60;

/// A score with something else beside it.
const BESIDE: Confidence = 90;

/// More than that is a letter, not a score.
const TOKENS_MAX: usize = 60;

const STAR: &str = "*";

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// Hundredths, and whether it was written in digits.
    Number(i64, bool),
    Word(String),
    Sign(char),
}

/// Words that may stand before a score and say nothing else.
const FILLERS: [&str; 59] = [
    "UN",
    "UNE",
    "LA",
    "MA",
    "MON",
    "NOTE",
    "NOTES",
    "JE",
    "J",
    "METS",
    "MET",
    "METTRAI",
    "METTRAIS",
    "METTRE",
    "DONNE",
    "DONNERAI",
    "DONNERAIS",
    "DIRAI",
    "DIRAIS",
    "DIS",
    "POUR",
    "MOI",
    "CE",
    "SERA",
    "C",
    "EST",
    "BONJOUR",
    "BONSOIR",
    "REPONSE",
    "A",
    "VOUS",
    "LUI",
    "SUIS",
    "I",
    "IT",
    "D",
    "LL",
    "SAY",
    "WOULD",
    "SCORE",
    "MY",
    "IS",
    "RATING",
    "HELLO",
    "HI",
    "GIVE",
    "OUI",
    "EH",
    "BEN",
    "BIEN",
    "ALORS",
    "EUH",
    "HEU",
    "RATE",
    "AN",
    "THE",
    "ALLEZ",
    "YES",
    "S",
];

/// Words that may stand right behind a score and leave it one.
const AFTER: [&str; 44] = [
    "MERCI",
    "CAR",
    "PARCE",
    "TRES",
    "JE",
    "C",
    "TOUT",
    "POUR",
    "MAIS",
    "BUT",
    "BECAUSE",
    "THANKS",
    "THANK",
    "VERY",
    "EVERYTHING",
    "PARFAIT",
    "SANS",
    "BRAVO",
    "SUPER",
    "EXCELLENT",
    "EXCELLENTE",
    "CORDIALEMENT",
    "BONNE",
    "BON",
    "GREAT",
    "PERFECT",
    "SATISFAIT",
    "SATISFAITE",
    "RIEN",
    "RAS",
    "BIEN",
    "DIRAIS",
    "DIRAI",
    "I",
    "POINTE",
    "POINTS",
    "POINT",
    "ON",
    "THE",
    "ET",
    "NICKEL",
    "IMPECCABLE",
    "GOOD",
    "ALL",
];

/// Words by which a number is one of several, or no score at all.
const DOUBTS: [&str; 32] = [
    "OU",
    "ENTRE",
    "ENVIRON",
    "PRESQUE",
    "MOINS",
    "PLUS",
    "PAS",
    "NE",
    "NI",
    "OR",
    "BETWEEN",
    "ABOUT",
    "ALMOST",
    "NOT",
    "LESS",
    "MORE",
    "VERS",
    "AUTOUR",
    "QUASI",
    "MAYBE",
    "PEUT",
    "HESITE",
    "DIFFICILE",
    "AURAIS",
    "ANCIENNE",
    "AVANT",
    "DERNIERE",
    "JAMAIS",
    "SI",
    "IF",
    "AURAIT",
    "SAUF",
];

/// What a number counts: then it is no score.
const UNITS: [&str; 25] = [
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
];

const MONTHS: [&str; 36] = [
    "JANVIER",
    "FEVRIER",
    "MARS",
    "AVRIL",
    "MAI",
    "JUIN",
    "JUILLET",
    "AOUT",
    "SEPTEMBRE",
    "OCTOBRE",
    "NOVEMBRE",
    "DECEMBRE",
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
    "LUNDI",
    "MARDI",
    "MERCREDI",
    "JEUDI",
    "VENDREDI",
    "SAMEDI",
    "DIMANCHE",
    "FOIS",
    "ANS",
    "EUROS",
    "TIMES",
    "MN",
];

const NUMBERS: [(&str, i64); 24] = [
    ("ZERO", 0),
    ("UN", 1),
    ("DEUX", 2),
    ("TROIS", 3),
    ("QUATRE", 4),
    ("CINQ", 5),
    ("SIX", 6),
    ("SEPT", 7),
    ("HUIT", 8),
    ("NEUF", 9),
    ("DIX", 10),
    ("ONE", 1),
    ("TWO", 2),
    ("THREE", 3),
    ("FOUR", 4),
    ("FIVE", 5),
    ("SEVEN", 7),
    ("EIGHT", 8),
    ("NINE", 9),
    ("TEN", 10),
    ("ONZE", 11),
    ("DOUZE", 12),
    ("VINGT", 20),
    ("TWENTY", 20),
];

/// What a text gives on a scale, in hundredths, and how sure that is; `None`: no number that is on it.
pub(crate) fn score(text: &str, scale: Scale) -> Option<(i64, Confidence)> {
    let tokens = tokens(text);
    if tokens.len() > TOKENS_MAX {
        return None;
    }
    if let Some(stars) = only_stars(&tokens) {
        return within(stars * HUNDRED, scale).map(|stars| (stars, if scale.1 == 5 { 95 } else { UNSURE }));
    }
    let ratios = ratios(&tokens);
    let found = match ratios[..] {
        [(at, number, of, length)] => of_ratio(&tokens, (at, number, of, length), scale),
        [] => of_number(&tokens, scale),
        // Several.
        [(_, number, _, _), ..] => Some((number, UNSURE)),
    };
    let (number, sure) = found?;
    let number = within(number, scale)?;
    let has_doubt = tokens
        .iter()
        .any(|token| matches!(token, Token::Word(word) if DOUBTS.contains(&word.as_str())));
    let asks = tokens.contains(&Token::Sign('?'));
    // A reason that stands behind the score is no doubt about it.
    let doubt_first = tokens.iter().take_while(|token| !matches!(token, Token::Number(..)));
    let mut doubt_first =
        doubt_first.filter(|token| matches!(token, Token::Word(word) if DOUBTS.contains(&word.as_str())));
    let doubts = asks || doubt_first.next().is_some() || (has_doubt && !is_settled(&tokens));
    Some((number, if doubts { sure.min(UNSURE) } else { sure }))
}

/// Whether the score is said, and then comes a sign or a reason.
fn is_settled(tokens: &[Token]) -> bool {
    let Some(at) = tokens.iter().position(|token| matches!(token, Token::Number(..))) else {
        return false;
    };
    let rest = &tokens[at + 1..];
    let behind = rest
        .iter()
        .find(|token| !matches!(token, Token::Number(..) | Token::Sign('/')));
    let more = rest.iter().filter(|token| matches!(token, Token::Number(..))).count();
    let is_reason = |word: &str| ["CAR", "PARCE", "MAIS", "BUT", "BECAUSE", "SUR", "OUT"].contains(&word);
    match behind {
        None => true,
        Some(Token::Sign(sign)) => [',', '.', '!', ':', ';'].contains(sign),
        Some(Token::Word(word)) => is_reason(word) && more <= 1,
        Some(Token::Number(..)) => false,
    }
}

fn within(number: i64, (min, max): Scale) -> Option<i64> {
    (min * HUNDRED..=max * HUNDRED).contains(&number).then_some(number)
}

/// `9/10`, `9 sur 10`, `9 out of 10`: where it stands, what it gives, of how much, and how many tokens it is.
fn ratios(tokens: &[Token]) -> Vec<(usize, i64, i64, usize)> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let is_word =
            |place: usize, wanted: &str| matches!(tokens.get(place), Some(Token::Word(word)) if word == wanted);
        let behind = match tokens.get(at + 1) {
            Some(Token::Sign('/')) => 2,
            Some(Token::Word(word)) if word == "SUR" => 2,
            Some(Token::Word(word)) if word == "OUT" && is_word(at + 2, "OF") => 3,
            Some(Token::Word(_) | Token::Sign(_) | Token::Number(..)) | None => continue,
        };
        if let (Some(Token::Number(number, _)), Some(Token::Number(of, _))) = (tokens.get(at), tokens.get(at + behind))
        {
            found.push((at, *number, *of, behind + 1));
        }
    }
    found
}

fn of_ratio(
    tokens: &[Token],
    (at, number, of, length): (usize, i64, i64, usize),
    (_, max): Scale,
) -> Option<(i64, Confidence)> {
    let others = tokens.iter().enumerate().filter(|(place, token)| {
        let is_number = matches!(token, Token::Number(_, true));
        is_number && !(at..at + length).contains(place) && !is_counted(tokens, *place)
    });
    let alone = others.count() == 0;
    if of != max * HUNDRED {
        let scaled = number.checked_mul(max * HUNDRED)?;
        return (of > 0).then(|| (scaled / of, UNSURE));
    }
    // "Le 9/10" is a day.
    let clear = alone && tokens[..at].iter().all(is_filler);
    Some((number, if clear { 95 } else { UNSURE }))
}

fn is_filler(token: &Token) -> bool {
    match token {
        Token::Word(word) => FILLERS.contains(&word.as_str()),
        Token::Sign(sign) => !['-', '+', '/', '<', '>', '~', '='].contains(sign),
        Token::Number(_, digits) => !digits,
    }
}

/// One number that is no part of anything else.
fn of_number(tokens: &[Token], (_, max): Scale) -> Option<(i64, Confidence)> {
    let in_digits = tokens.iter().any(|token| matches!(token, Token::Number(_, true)));
    let mut numbers: Vec<(usize, i64, bool)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if let Token::Number(number, digits) = token
            && (*digits || !in_digits)
            && !is_counted(tokens, at)
        {
            numbers.push((at, *number, *digits));
        }
    }
    // "un neuf", "un dix": an article.
    if numbers.len() > 1 && !in_digits && numbers[0].1 == HUNDRED {
        numbers.remove(0);
    }
    let (at, number, digits) = *numbers.first()?;
    if numbers.iter().any(|(_, other, _)| *other != number) {
        return Some((number, UNSURE));
    }
    if tokens.len() == 1 {
        return Some((number, 100));
    }
    if !tokens[..at].iter().all(is_filler) {
        return Some((number, UNSURE));
    }
    let behind = tokens.get(at + 1);
    let star = |token: &Token| matches!(token, Token::Word(word) if ["ETOILES", "ETOILE", "STARS", "STAR", STAR].contains(&word.as_str()));
    let sure = match behind {
        None => 95,
        Some(token) if star(token) => {
            if max == 5 {
                BESIDE
            } else {
                UNSURE
            }
        }
        Some(_) if !digits => word_behind(number, &tokens[at + 1..]),
        Some(Token::Word(word)) if AFTER.contains(&word.as_str()) => BESIDE,
        Some(Token::Sign('+' | '-' | '/' | '<' | '>' | '~' | '%' | '€' | ':')) => UNSURE,
        Some(Token::Sign(_)) => BESIDE,
        Some(Token::Word(_) | Token::Number(..)) => UNSURE,
    };
    Some((number, sure))
}

/// A number in words counts things more often than one in digits, and "un", "sept." and "neuf" are other words as well: nothing but what
/// belongs to a score, or thanks, may follow.
fn word_behind(number: i64, behind: &[Token]) -> Confidence {
    let may_be_thanked = number > 2 * HUNDRED;
    let fits = |token: &Token| match token {
        Token::Word(word) => {
            ["POINT", "POINTS", "POINTE"].contains(&word.as_str()) || may_be_thanked && THANKS.contains(&word.as_str())
        }
        Token::Sign(sign) => ['!', '.', ',', ')'].contains(sign),
        Token::Number(..) => false,
    };
    if behind.iter().all(fits) { BESIDE } else { UNSURE }
}

const THANKS: [&str; 5] = ["MERCI", "BEAUCOUP", "THANKS", "CORDIALEMENT", "BCP"];

/// Whether a number counts something, or is a time or a date.
fn is_counted(tokens: &[Token], at: usize) -> bool {
    let unit = |token: &Token| match token {
        Token::Word(word) => {
            let word = word.as_str();
            UNITS.contains(&word)
                || MONTHS.contains(&word)
                || word.ends_with("ER") && word.len() == 2
                || word == "E"
                || word == "EME"
        }
        Token::Sign(sign) => ['€', '%', '°'].contains(sign),
        Token::Number(..) => false,
    };
    let hour = |place: usize| matches!(tokens.get(place), Some(Token::Word(word)) if word == "H");
    tokens.get(at + 1).is_some_and(unit) || at > 0 && hour(at - 1)
}

fn only_stars(tokens: &[Token]) -> Option<i64> {
    let is_star = |token: &Token| matches!(token, Token::Word(word) if word == STAR);
    let stars = tokens.iter().filter(|token| is_star(token)).count();
    let plain = tokens
        .iter()
        .all(|token| is_star(token) || matches!(token, Token::Sign('!' | '.')));
    (stars > 0 && plain).then_some(stars as i64)
}

fn tokens(text: &str) -> Vec<Token> {
    // Ten has a sign of its own.
    let text = text.replace('🔟', " 10 ").replace(['⭐', '★', '🌟'], " * ");
    let folded: Vec<char> = text
        .nfkd()
        .filter(|character| !is_combining_mark(*character) && !['\u{fe0f}', '\u{20e3}'].contains(character))
        .flat_map(char::to_uppercase)
        .collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(character) = folded.get(at).copied() {
        let end = at
            + folded[at..]
                .iter()
                .take_while(|next| alike(character, **next))
                .count()
                .max(1);
        if character.is_ascii_digit() {
            at = number(&folded, (at, end), &mut tokens);
            continue;
        }
        if character.is_alphabetic() {
            let word: String = folded[at..end].iter().collect();
            let known = NUMBERS.iter().find(|(name, _)| *name == word);
            tokens.push(known.map_or(Token::Word(word), |(_, number)| Token::Number(number * HUNDRED, false)));
        } else if character == '*' {
            tokens.push(Token::Word(STAR.to_owned()));
        } else if !character.is_whitespace() && character.is_ascii_punctuation() || character == '€' || character == '°'
        {
            tokens.push(Token::Sign(character));
        }
        at = if character.is_alphabetic() { end } else { at + 1 };
    }
    with_halves(tokens)
}

/// "8 et demi" is one number.
fn with_halves(tokens: Vec<Token>) -> Vec<Token> {
    let mut halved = Vec::with_capacity(tokens.len());
    let mut rest = &tokens[..];
    while let [first, behind @ ..] = rest {
        let (token, more) = match (first, behind) {
            (Token::Number(number, digits), [Token::Word(and), Token::Word(half), more @ ..])
                if and == "ET" && half.trim_end_matches('E') == "DEMI" =>
            {
                (Token::Number(number + HUNDRED / 2, *digits), more)
            }
            _ => (first.clone(), behind),
        };
        halved.push(token);
        rest = more;
    }
    halved
}

/// A number in digits, and where it ends: `8,5` and `8.5` as well.
fn number(folded: &[char], (at, end): (usize, usize), tokens: &mut Vec<Token>) -> usize {
    let digits = |from: usize, to: usize| folded[from..to].iter().collect::<String>();
    let whole: i64 = digits(at, end).parse().unwrap_or(i64::MAX / (HUNDRED * HUNDRED));
    let whole = whole.min(i64::MAX / (HUNDRED * HUNDRED));
    let fraction_at = end + 1;
    let is_point = folded.get(end).is_some_and(|sign| ['.', ','].contains(sign));
    let length = folded
        .get(fraction_at..)
        .map_or(0, |rest| rest.iter().take_while(|next| next.is_ascii_digit()).count());
    if !is_point || !(1..=2).contains(&length) {
        tokens.push(Token::Number(whole * HUNDRED, true));
        return end;
    }
    let fraction: i64 = digits(fraction_at, fraction_at + length).parse().unwrap_or_default();
    let fraction = if length == 1 { fraction * 10 } else { fraction };
    tokens.push(Token::Number(whole * HUNDRED + fraction, true));
    fraction_at + length
}

fn alike(first: char, next: char) -> bool {
    (first.is_ascii_digit() && next.is_ascii_digit()) || (first.is_alphabetic() && next.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replies::reading::SURE;

    const TABLE: &str = include_str!("../data/scores_read.tsv");

    /// Scale, what is meant, text.
    fn rows() -> impl Iterator<Item = (Scale, Option<i64>, &'static str)> {
        let rows = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        rows.map(|line| {
            let mut parts = line.splitn(3, '\t');
            let scale = match parts.next() {
                Some("5") => (1, 5),
                Some("10") => (0, 10),
                other => panic!("no scale: {other:?} in {line}"),
            };
            let meant = parts.next().expect("a number");
            let meant = (meant != "?").then(|| (meant.parse::<f64>().expect("a number") * 100.0).round() as i64);
            (scale, meant, parts.next().expect("a text"))
        })
    }

    #[test]
    fn req_004_31_no_sure_reading_of_a_score_is_wrong() {
        let (mut all, mut clear, mut sure) = (0, 0, 0);
        let (mut faults, mut missed) = (Vec::new(), Vec::new());
        for (scale, meant, text) in rows() {
            all += 1;
            let read = score(text, scale);
            let is_sure = read
                .filter(|(_, confidence)| *confidence >= SURE)
                .map(|(number, _)| number);
            if is_sure.is_some() && is_sure != meant {
                faults.push(format!("{text:?} is {meant:?}, and was read as {read:?}"));
            }
            if meant.is_some() {
                clear += 1;
                match is_sure {
                    Some(_) => sure += 1,
                    None => missed.push((text, read)),
                }
            }
        }
        assert!(faults.is_empty(), "{faults:#?}");
        assert!(all >= 120, "{all}");
        assert!(
            sure * 100 >= clear * 90,
            "{sure} of {clear} are sure; not these: {missed:#?}"
        );
    }
}
