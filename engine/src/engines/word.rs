//! What an engine says of itself to the others every second, beside who it is: what it has under way, and what it is configured to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// So long two engines are configured otherwise before it is said: a change reaches one after the other.
const DIFFERS_FOR: Duration = Duration::from_secs(10);

/// How an engine stands with an SMSC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fed {
    /// The SMSC's name.
    pub(crate) smsc: String,
    /// Its own sessions that are bound.
    pub(crate) bound: usize,
    /// It has heard that nothing more is to be submitted.
    pub(crate) suspended: bool,
    /// Segments that are not answered, and leases that are under way.
    pub(crate) in_flight: usize,
}

/// A digest of each part of a configuration that has to be the same for all engines, by what the part is called.
pub(crate) type Digests = BTreeMap<String, String>;

/// What is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Word {
    #[serde(default)]
    pub(super) feeds: Vec<Fed>,
    #[serde(default)]
    pub(super) digests: Digests,
}

impl Word {
    /// In which parts another engine of the same version is configured otherwise. Older ones say nothing of it.
    pub(super) fn differs_in(&self, other: &Self) -> Vec<String> {
        if self.digests.is_empty() || other.digests.is_empty() {
            return Vec::new();
        }
        let all = self.digests.keys().chain(other.digests.keys());
        let mut parts: Vec<String> = all
            .filter(|part| self.digests.get(*part) != other.digests.get(*part))
            .cloned()
            .collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }
}

/// Where the word of this engine comes from.
#[derive(Default)]
pub(super) struct Speaker {
    feeds: OnceLock<Arc<dyn Fn() -> Vec<Fed> + Send + Sync>>,
    digests: Mutex<Digests>,
}

impl Speaker {
    pub(super) fn feeds(&self, told: Arc<dyn Fn() -> Vec<Fed> + Send + Sync>) {
        let _once = self.feeds.set(told);
    }

    pub(super) fn configured(&self, digests: Digests) {
        *self.digests.lock().unwrap_or_else(PoisonError::into_inner) = digests;
    }

    pub(super) fn word(&self) -> Word {
        Word {
            feeds: self.feeds.get().map(|told| told()).unwrap_or_default(),
            digests: self.digests.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// Which engines are configured otherwise, since when, and of which that was said.
#[derive(Debug, Default)]
pub(super) struct Differences(BTreeMap<u32, Difference>);

#[derive(Debug)]
struct Difference {
    parts: Vec<String>,
    since: Instant,
    is_said: bool,
}

/// What there is to say of another engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It is configured otherwise, in these parts.
    Differs(u32, Vec<String>),
    /// It is not any more.
    Agrees(u32),
}

impl Differences {
    /// What is new, of all engines as they stand now. Of one that has ended nothing is said.
    pub(super) fn hear(&mut self, now: Instant, all: impl Iterator<Item = (u32, Vec<String>)>) -> Vec<News> {
        let all: BTreeMap<u32, Vec<String>> = all.collect();
        let mut news = Vec::new();
        self.0.retain(|engine, known| {
            let parts = all.get(engine);
            if known.is_said && parts.is_some_and(Vec::is_empty) {
                news.push(News::Agrees(*engine));
            }
            parts.is_some_and(|parts| !parts.is_empty())
        });
        for (engine, parts) in all.into_iter().filter(|(_, parts)| !parts.is_empty()) {
            let known = self.0.entry(engine).or_insert_with(|| Difference {
                parts: parts.clone(),
                since: now,
                is_said: false,
            });
            if known.parts != parts {
                *known = Difference {
                    parts,
                    since: now,
                    is_said: false,
                };
            }
            if !known.is_said && now.duration_since(known.since) >= DIFFERS_FOR {
                known.is_said = true;
                news.push(News::Differs(engine, known.parts.clone()));
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn word(digests: &[(&str, &str)]) -> Word {
        let owned = digests
            .iter()
            .map(|(part, digest)| ((*part).to_owned(), (*digest).to_owned()));
        Word {
            feeds: Vec::new(),
            digests: owned.collect(),
        }
    }

    #[test]
    fn parts_that_one_has_otherwise_or_not_at_all_are_named_once() {
        let own = word(&[("rules", "1"), ("smsc north", "1"), ("smsc south", "1")]);
        let other = word(&[("rules", "1"), ("smsc north", "2"), ("smsc west", "1")]);
        assert_eq!(own.differs_in(&other), ["smsc north", "smsc south", "smsc west"]);
        assert_eq!(own.differs_in(&own), [""; 0]);
        assert_eq!(
            own.differs_in(&Word::default()),
            [""; 0],
            "an older engine says nothing"
        );
    }

    #[test]
    fn a_difference_is_said_once_when_it_stands_and_again_when_it_is_over() {
        let (start, mut differences) = (Clock::new().now(), Differences::default());
        let mut hear = |after: u64, parts: &[&str]| {
            let parts = parts.iter().map(|part| (*part).to_owned()).collect();
            differences.hear(start + Duration::from_secs(after), [(2, parts)].into_iter())
        };
        assert_eq!(hear(0, &["rules"]), []);
        assert_eq!(hear(9, &["rules"]), []);
        assert_eq!(hear(10, &["rules"]), [News::Differs(2, vec!["rules".to_owned()])]);
        assert_eq!(hear(11, &["rules"]), []);
        assert_eq!(hear(12, &[]), [News::Agrees(2)]);
        assert_eq!(hear(13, &["rules"]), []);
        assert_eq!(hear(14, &[]), [], "what was over soon is never said");
        let said = |differences: &mut Differences, after, all: &[(u32, Vec<String>)]| {
            differences.hear(start + Duration::from_secs(after), all.iter().cloned())
        };
        let mut ended = Differences::default();
        let differs = [(3, vec!["rules".to_owned()])];
        assert_eq!(said(&mut ended, 0, &differs), []);
        assert_eq!(said(&mut ended, 10, &differs).len(), 1);
        assert_eq!(said(&mut ended, 11, &[]), [], "it has ended");
    }
}
