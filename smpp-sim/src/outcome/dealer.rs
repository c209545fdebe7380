use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::attempts::Attempts;
use super::deck::Deck;
use crate::model::{MAGIC_NUMBERS, Scenario};
use crate::number::{Number, Numbers};
use crate::random::{Draw, Subject};

/// Messages of several segments that are being put together at one time. Beyond, all are forgotten: a
/// segment that comes that late counts as an attempt of its own.
const CONCATENATIONS_MAX: usize = 1_000_000;

/// How a segment says which message it belongs to: by a user data header, or by SAR parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Concatenation {
    /// The sender's number for the whole message.
    pub reference: u16,
    /// How many segments it has.
    pub total: u8,
    /// Which one this is, from 1.
    pub part: u8,
}

/// What was dealt to one submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dealt {
    /// Place in the scenario's list of outcomes.
    pub outcome: usize,
    /// Which message to that recipient, from 1.
    pub attempt: u16,
}

/// Deals outcomes, and remembers what exact quotas and attempts need.
#[derive(Debug)]
pub(crate) struct Dealer {
    scenario: Arc<Scenario>,
    attempts: Attempts,
    /// The cards that recipients drew: their places in the deck.
    cards: FxHashMap<u64, u32>,
    concatenations: FxHashMap<ConcatenationKey, Parts>,
    deck: Deck,
    messages: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ConcatenationKey {
    recipient: u64,
    source: u64,
    reference: u16,
    total: u8,
}

#[derive(Clone, Copy, Debug)]
struct Parts {
    attempt: u16,
    seen: [u64; 4],
}

impl Dealer {
    /// A dealer who has seen nobody yet.
    pub(crate) fn new(scenario: Arc<Scenario>) -> Self {
        let deck = Deck::shuffled(&scenario);
        Self {
            attempts: Attempts::new(scenario.ledger.recipients_max),
            scenario,
            cards: FxHashMap::default(),
            concatenations: FxHashMap::default(),
            deck,
            messages: 0,
        }
    }

    /// Goes on with another phase of the scenario: attempts and cards are kept.
    pub(crate) fn obey(&mut self, scenario: Arc<Scenario>) {
        self.scenario = scenario;
    }

    /// Goes on with another scenario: attempts are kept, cards are dealt anew.
    pub(crate) fn switch(&mut self, scenario: Arc<Scenario>) {
        self.deck = Deck::shuffled(&scenario);
        self.attempts.set_limit(scenario.ledger.recipients_max);
        self.scenario = scenario;
        self.cards.clear();
    }

    /// Distinct recipients so far; one that was forgotten and comes again counts again.
    pub(crate) fn recipients(&self) -> u64 {
        self.attempts.recipients()
    }

    /// Messages so far: every attempt, the segments of a concatenated message counted once.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    /// Deals an outcome to a submit of `source` to `recipient`.
    pub(crate) fn deal(
        &mut self,
        numbers: &Numbers,
        pair: (Number, Number),
        concatenation: Option<Concatenation>,
    ) -> Dealt {
        let (source, recipient) = pair;
        let identity = numbers.identity(recipient);
        let key = concatenation.filter(|parts| parts.total > 1).map(|parts| {
            (
                ConcatenationKey {
                    recipient: identity,
                    source: source.0,
                    reference: parts.reference,
                    total: parts.total,
                },
                parts.part,
            )
        });
        let attempt = match key.and_then(|(key, part)| join(&mut self.concatenations, key, part)) {
            Some(attempt) => attempt,
            None => {
                let attempt = self.attempts.next(identity);
                self.messages += 1;
                if let Some((key, part)) = key {
                    begin(&mut self.concatenations, key, part, attempt);
                }
                attempt
            }
        };
        let chosen = self.choose(recipient, identity, attempt);
        let outcome = self.scenario.outcome_at(chosen, attempt);
        debug_assert!(
            outcome < self.scenario.outcomes.len(),
            "an outcome that the scenario does not have"
        );
        Dealt { outcome, attempt }
    }

    fn choose(&mut self, recipient: Number, identity: u64, attempt: u16) -> usize {
        let scenario = &self.scenario;
        if let Some(magic) = scenario.magic_from.and_then(|from| magic_place(recipient, from)) {
            return magic;
        }
        if let Some(outcome) = scenario.rules.by_number(identity) {
            return outcome;
        }
        let subject = Subject {
            seed: scenario.seed,
            recipient: identity,
            attempt,
            part: 0,
        };
        if let Some(outcome) = scenario.rules.by_prefix(identity, || subject.draw(Draw::Outcome)) {
            return outcome;
        }
        if let Some(card) = self.card(identity) {
            return card;
        }
        self.scenario.weighted_outcome(subject.draw(Draw::Outcome))
    }

    /// The recipient's card: its own, the one it drew, or a new one while the deck lasts.
    fn card(&mut self, identity: u64) -> Option<usize> {
        if self.deck.is_empty() {
            return None;
        }
        let place = match self.cards.get(&identity) {
            Some(&place) => place,
            None => {
                let own = self.scenario.rules.population().and_then(|known| known.place(identity));
                let place = self.deck.draw(own)?;
                self.cards.insert(identity, place);
                place
            }
        };
        self.deck.outcome(place)
    }
}

fn magic_place(recipient: Number, from: usize) -> Option<usize> {
    let digits = recipient.last_three()?;
    MAGIC_NUMBERS
        .binary_search_by_key(&digits, |number| number.digits)
        .ok()
        .map(|place| from + place)
}

/// The attempt of the message that this segment belongs to, if that message has begun and lacks the segment. One that
/// it has already is a repetition: a new attempt.
fn join(open: &mut FxHashMap<ConcatenationKey, Parts>, key: ConcatenationKey, part: u8) -> Option<u16> {
    let parts = open.get_mut(&key)?;
    if !parts.take(part) {
        return None;
    }
    let attempt = parts.attempt;
    if parts.count() >= u32::from(key.total) {
        open.remove(&key);
    }
    Some(attempt)
}

fn begin(open: &mut FxHashMap<ConcatenationKey, Parts>, key: ConcatenationKey, part: u8, attempt: u16) {
    if open.len() >= CONCATENATIONS_MAX {
        open.clear();
    }
    let mut parts = Parts { attempt, seen: [0; 4] };
    parts.take(part);
    open.insert(key, parts);
}

impl Parts {
    /// False if that part was there already.
    fn take(&mut self, part: u8) -> bool {
        let (word, bit) = (usize::from(part / 64), 1u64 << (part % 64));
        let new = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        new
    }

    fn count(&self) -> u32 {
        self.seen.iter().map(|word| word.count_ones()).sum()
    }
}
