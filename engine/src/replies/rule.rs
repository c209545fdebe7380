//! Rules by which messages are answered, and which of them a message means. What decides is pure.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::meaning::is_polite;
use super::reading::{Confidence, SURE, begins, says, words};
use crate::domain::{AutoReplyId, UnixMicros};

/// The most keywords of a rule, and the longest, in characters.
pub(crate) const KEYWORDS_MAX: usize = 50;
pub(crate) const KEYWORD_MAX: usize = 40;

/// The longest pattern, in characters.
pub(crate) const PATTERN_MAX: usize = 500;

/// How long a tenant's program may take, in milliseconds.
pub(crate) const TIMEOUT_MS: (i64, i64) = (100, 10_000);
pub(crate) const TIMEOUT_DEFAULT_MS: i64 = 3_000;

/// The longest time between a message and its answer, in seconds.
pub(crate) const DELAY_MAX: i64 = 24 * 3_600;

pub(crate) const PRIORITY: (i64, i64) = (-1_000, 1_000);

/// What a compiled pattern may take.
const PATTERN_OCTETS_MAX: usize = 64 << 10;

/// How sure a pattern is that fits.
const BY_PATTERN: Confidence = 90;

/// How a rule looks for what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Match {
    /// One of its keywords, and nothing else.
    Exact,
    /// One of its keywords, and whatever stands behind it.
    FirstWord,
    /// Its pattern, anywhere.
    Pattern,
    /// Anything that no other rule answers.
    Any,
}

impl Match {
    pub(crate) const CODES: [&str; 4] = [
        Self::Exact.into_str(),
        Self::FirstWord.into_str(),
        Self::Pattern.into_str(),
        Self::Any.into_str(),
    ];
}

/// When a rule answers.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum When {
    #[default]
    Always,
    /// Within the tenant's opening hours.
    Open,
    /// Outside of these.
    Closed,
}

impl When {
    pub(crate) const CODES: [&str; 3] = [Self::Always.into_str(), Self::Open.into_str(), Self::Closed.into_str()];
}

/// A program of the tenant's that is asked what to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) url: String,
    /// What it is signed with.
    pub(crate) secret: String,
    pub(crate) timeout_ms: u32,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// Written to which of our numbers; `None`: any.
    pub(crate) number: Option<String>,
    pub(crate) matches: Match,
    pub(crate) keywords: Vec<String>,
    pub(crate) pattern: Option<String>,
    pub(crate) when: When,
    /// What is answered; beside `ask`, when that has no answer. `None`: nothing.
    pub(crate) text: Option<String>,
    pub(crate) ask: Option<Ask>,
    /// Whoever writes it agrees to this, word for word, and has messages again.
    pub(crate) opts_in: Option<String>,
    /// Seconds between the message and its answer.
    pub(crate) delay: u32,
    /// Among those that fit, the highest wins.
    pub(crate) priority: i16,
    pub(crate) enabled: bool,
}

impl Rule {
    /// The keyword that a text is read as, or begins with: the one that it is most surely.
    pub(super) fn keyword_of(&self, text: &str) -> Option<&str> {
        let given = words(text);
        let confidence = |keyword: &str| match self.matches {
            Match::Exact => says(&given, &words(keyword)),
            Match::FirstWord => begins(&given, &words(keyword)),
            Match::Pattern | Match::Any => None,
        };
        let fitting = self
            .keywords
            .iter()
            .filter_map(|keyword| Some((confidence(keyword)?, keyword)));
        // Of those that fit as well, the first.
        let best = fitting.rev().max_by_key(|(confidence, _)| *confidence);
        best.map(|(_, keyword)| keyword.as_str())
    }

    /// Whether a text is one of its keywords, without a mistake, and nothing else but thanks. What a pattern fits may say anything besides.
    pub(super) fn is_said_alone(&self, text: &str) -> bool {
        let given = words(text);
        let is_said = |keyword: &String| {
            let keyword = words(keyword);
            given.strip_prefix(&keyword[..]).is_some_and(is_polite)
        };
        self.keywords.iter().any(is_said)
    }
}

/// A rule as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AutoReply {
    pub(crate) id: AutoReplyId,
    pub(crate) name: String,
    pub(crate) rule: Rule,
    pub(crate) created_at: UnixMicros,
}

/// What a message means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Meant<'a> {
    /// That rule, so sure that it is acted upon.
    Sure(&'a AutoReply, Confidence),
    /// Perhaps that rule: people should look.
    Unsure(&'a AutoReply, Confidence),
    /// No rule.
    Nothing,
}

/// A tenant's rules, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<(AutoReply, Wanted)>);

/// What a rule looks for.
#[derive(Debug)]
enum Wanted {
    Exact(Vec<Vec<String>>),
    First(Vec<Vec<String>>),
    Pattern(Regex),
    Any,
    /// A pattern that an earlier version of the library took.
    Never,
}

impl Rules {
    pub(crate) fn new(all: Vec<AutoReply>) -> Self {
        let ready = |reply: AutoReply| {
            let keywords = || reply.rule.keywords.iter().map(|keyword| words(keyword)).collect();
            let wanted = match reply.rule.matches {
                Match::Exact => Wanted::Exact(keywords()),
                Match::FirstWord => Wanted::First(keywords()),
                Match::Pattern => {
                    let pattern = reply.rule.pattern.as_deref().and_then(compiled);
                    pattern.map_or(Wanted::Never, Wanted::Pattern)
                }
                Match::Any => Wanted::Any,
            };
            (reply, wanted)
        };
        Self(all.into_iter().map(ready).collect())
    }

    /// What a text means that was written to that number, while the tenant is open or not.
    pub(crate) fn meant(&self, text: &str, number: &str, open: bool) -> Meant<'_> {
        let given = words(text);
        let holds = |rule: &Rule| {
            let when = match rule.when {
                When::Always => true,
                When::Open => open,
                When::Closed => !open,
            };
            rule.enabled && when && rule.number.as_deref().is_none_or(|own| own == number)
        };
        let mut fitting: Vec<(&AutoReply, Confidence)> = Vec::new();
        for (reply, wanted) in self.0.iter().filter(|(reply, _)| holds(&reply.rule)) {
            let confidence = wanted.confidence(text, &given);
            fitting.extend(confidence.map(|confidence| (reply, confidence)));
        }
        best(&fitting).unwrap_or_else(|| self.any(holds))
    }

    /// The rule for what no other answers.
    fn any(&self, holds: impl Fn(&Rule) -> bool) -> Meant<'_> {
        let any = self.0.iter().filter(|(_, wanted)| matches!(wanted, Wanted::Any));
        let any = any.map(|(reply, _)| reply).filter(|reply| holds(&reply.rule));
        let best = any.max_by_key(|reply| (rank(reply), std::cmp::Reverse(reply.id)));
        best.map_or(Meant::Nothing, |reply| Meant::Sure(reply, 100))
    }

    /// Whether a keyword of these rules begins the text, surely.
    pub(crate) fn names(&self, text: &str) -> bool {
        let given = words(text);
        let named = |(reply, wanted): &(AutoReply, Wanted)| {
            let by_keyword = matches!(wanted, Wanted::Exact(_) | Wanted::First(_));
            let confidence = wanted
                .confidence(text, &given)
                .filter(|_| by_keyword && reply.rule.enabled);
            confidence.is_some_and(|confidence| confidence >= SURE)
        };
        self.0.iter().any(named)
    }
}

impl Wanted {
    fn confidence(&self, text: &str, given: &[String]) -> Option<Confidence> {
        match self {
            Self::Exact(keywords) => keywords.iter().filter_map(|keyword| says(given, keyword)).max(),
            Self::First(keywords) => keywords.iter().filter_map(|keyword| begins(given, keyword)).max(),
            Self::Pattern(pattern) => pattern.is_match(text).then_some(BY_PATTERN),
            Self::Any | Self::Never => None,
        }
    }
}

/// The priority of a rule, and whether it is for one number.
const fn rank(reply: &AutoReply) -> (i16, bool) {
    (reply.rule.priority, reply.rule.number.is_some())
}

/// Of those that are sure, the first by priority, then by confidence; else the likeliest. `None`: none fits.
fn best<'a>(fitting: &[(&'a AutoReply, Confidence)]) -> Option<Meant<'a>> {
    let sure = fitting.iter().filter(|(_, confidence)| *confidence >= SURE);
    let order = |(reply, confidence): &(&AutoReply, Confidence)| {
        let (priority, of_number) = rank(reply);
        (priority, *confidence, of_number, std::cmp::Reverse(reply.id))
    };
    if let Some((reply, confidence)) = sure.clone().max_by_key(|fits| order(fits)) {
        // With a mistake in it, it might be either.
        let rival = |(other, equal): &&(&AutoReply, Confidence)| {
            other.id != reply.id && rank(other) == rank(reply) && equal == confidence && *confidence < 90
        };
        return Some(match sure.clone().any(|fits| rival(&fits)) {
            true => Meant::Unsure(reply, SURE / 2),
            false => Meant::Sure(reply, *confidence),
        });
    }
    let likeliest = fitting.iter().max_by_key(|(_, confidence)| *confidence);
    likeliest.map(|(reply, confidence)| Meant::Unsure(reply, *confidence))
}

/// A pattern, whatever the case; `None`: it is none, or takes too much.
pub(crate) fn compiled(pattern: &str) -> Option<Regex> {
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(true).size_limit(PATTERN_OCTETS_MAX);
    builder.dfa_size_limit(PATTERN_OCTETS_MAX).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(id: u64, matches: Match, keywords: &[&str], edit: impl FnOnce(&mut Rule)) -> AutoReply {
        let mut rule = Rule {
            number: None,
            matches,
            keywords: keywords.iter().map(|keyword| (*keyword).to_owned()).collect(),
            pattern: None,
            when: When::Always,
            text: Some("…".to_owned()),
            ask: None,
            opts_in: None,
            delay: 0,
            priority: 0,
            enabled: true,
        };
        edit(&mut rule);
        AutoReply {
            id: AutoReplyId(id),
            name: String::new(),
            rule,
            created_at: UnixMicros(0),
        }
    }

    /// The rule that is meant: positive when that is sure, negative when it is not, 0: none.
    fn meant(rules: &Rules, text: &str, number: &str, open: bool) -> i64 {
        match rules.meant(text, number, open) {
            Meant::Sure(reply, _) => reply.id.0.cast_signed(),
            Meant::Unsure(reply, _) => -reply.id.0.cast_signed(),
            Meant::Nothing => 0,
        }
    }

    #[test]
    fn keywords_patterns_numbers_hours_and_priorities_choose_the_rule() {
        let rules = Rules::new(vec![
            reply(1, Match::FirstWord, &["HORAIRES", "heures"], |_| {}),
            reply(2, Match::FirstWord, &["horaires"], |rule| {
                rule.number = Some("36034".to_owned())
            }),
            reply(3, Match::Exact, &["oui"], |_| {}),
            reply(4, Match::Pattern, &[], |rule| {
                rule.pattern = Some(r"r[ée]sultats?\b".to_owned())
            }),
            reply(5, Match::Any, &[], |rule| rule.when = When::Closed),
            reply(6, Match::FirstWord, &["urgence"], |rule| rule.priority = 10),
            reply(7, Match::Pattern, &[], |rule| rule.pattern = Some("urgence".to_owned())),
            reply(8, Match::FirstWord, &["promo"], |rule| rule.enabled = false),
        ]);
        for (text, number, open, expected) in [
            ("Horaires ?", "36180", true, 1),
            ("Horaires ?", "36034", true, 2),
            ("heures", "36034", true, 1),
            ("oui", "36034", true, 3),
            ("oui mais demain", "36034", true, 0),
            ("oui mais demain", "36034", false, 5),
            ("Vous avez mes Résultats ?", "36034", true, 4),
            ("Urgence, c'est une urgence", "36034", true, 6),
            ("C'est une urgence", "36034", true, 7),
            ("promo", "36034", true, 0),
            ("horairaes", "36034", true, 2),
            ("hroaierse", "36034", false, 5),
        ] {
            assert_eq!(meant(&rules, text, number, open), expected, "{text}");
        }
        assert!(rules.names("heures d'ouverture") && !rules.names("résultats"));
    }

    #[test]
    fn what_may_be_two_keywords_is_not_sure() {
        let rules = Rules::new(vec![
            reply(1, Match::Exact, &["LUNDI"], |_| {}),
            reply(2, Match::Exact, &["LUNDU"], |_| {}),
            reply(3, Match::Exact, &["PHARMACIE"], |_| {}),
        ]);
        assert_eq!(meant(&rules, "lundo", "36034", true), -1, "either");
        assert_eq!(meant(&rules, "lundi", "36034", true), 1);
        assert_eq!(meant(&rules, "farmaciee", "36034", true), 0);
        assert_eq!(meant(&rules, "pharmacye", "36034", true), 3);
        assert_eq!(meant(&rules, "fharmacye", "36034", true), -3, "two mistakes");
    }

    #[test]
    fn a_pattern_that_takes_too_much_is_none() {
        assert!(compiled("(").is_none());
        assert!(compiled(r"(\w{200}){200}").is_none());
        assert!(compiled("^rdv").is_some_and(|pattern| pattern.is_match("RDV demain")));
    }
}
