//! The rules of every scenario so far by which people write to the clients, and what became of them.

use std::collections::BTreeMap;

use kit::random::mix;
use rustc_hash::FxHashMap;

use crate::model::{InboundRule, Scenario};
use crate::outcome::Attempts;

/// Replies that quote their message and are not due yet: as many as inbound messages are remembered.
const QUOTES_MAX: usize = 100_000;

/// The rules; jobs keep naming by place those that a later scenario has replaced.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    rules: Vec<InboundRule>,
    /// How many replies were made by each.
    made: Vec<u64>,
    /// How many people have yet to say what they are going to.
    due: u64,
    /// How often each person replied by each rule that limits that.
    times: Option<Attempts>,
    /// What is going to be said in reply to the message of a row, where it quotes that.
    quotes: FxHashMap<u32, String>,
    /// Where those of the present scenario begin.
    first: usize,
    /// Whether one of those replies.
    replies: bool,
    /// How often scripts were to begin anew.
    round: u32,
}

impl Conversations {
    /// Takes the rules of a scenario in, and lets its scripts begin.
    pub(super) fn begin(&mut self, scenario: &Scenario) {
        self.first = self.rules.len();
        self.rules.extend(scenario.inbound.iter().cloned());
        self.made.resize(self.rules.len(), 0);
        self.times
            .get_or_insert_with(|| Attempts::new(scenario.ledger.recipients_max))
            .set_limit(scenario.ledger.recipients_max);
        self.replies = scenario.converses();
        self.round = self.round.wrapping_add(1);
    }

    pub(super) fn forget_rules(&mut self) {
        self.rules.clear();
        self.made.clear();
        self.due = 0;
        self.times = None;
        self.quotes.clear();
    }

    /// How many rules there were.
    pub(super) fn rules(&self) -> usize {
        self.rules.len()
    }

    pub(super) fn anyone_replies(&self) -> bool {
        self.replies
    }

    pub(super) fn round(&self) -> u32 {
        self.round
    }

    pub(super) fn rule(&self, place: u32) -> Option<&InboundRule> {
        self.rules.get(place as usize)
    }

    /// The present rules for one account, each with its place.
    pub(super) fn rules_of(&self, account: &str) -> impl Iterator<Item = (usize, &InboundRule)> {
        let rules = self.rules.iter().enumerate().skip(self.first);
        rules.filter(move |(_, rule)| rule.account.as_ref().is_none_or(|name| name == account))
    }

    /// A rule's place in its own scenario, if that is the present one.
    pub(super) fn place_in_scenario(&self, place: usize) -> u16 {
        place.saturating_sub(self.first) as u16
    }

    /// How often a person has replied by a rule that limits that.
    pub(super) fn times(&self, rule: usize, person: u64) -> u16 {
        self.times.as_ref().map_or(0, |times| times.so_far(key(rule, person)))
    }

    /// Once more.
    pub(super) fn count_time(&mut self, rule: usize, person: u64) {
        if let Some(times) = &mut self.times {
            times.next(key(rule, person));
        }
    }

    /// Keeps what the message of a row is going to be answered; false when there is no room.
    pub(super) fn keep_quote(&mut self, row: u32, text: String) -> bool {
        let room = self.quotes.len() < QUOTES_MAX;
        if room {
            self.quotes.insert(row, text);
        }
        room
    }

    pub(super) fn take_quote(&mut self, row: u32) -> Option<String> {
        self.quotes.remove(&row)
    }

    /// Somebody is going to reply.
    pub(super) fn count_due(&mut self) {
        self.due += 1;
    }

    /// The time has come, whether there is a reply then or none.
    pub(super) fn is_due(&mut self) {
        self.due = self.due.saturating_sub(1);
    }

    /// How many replies are still to come.
    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// A reply by that rule was made.
    pub(super) fn count_reply(&mut self, place: u32) {
        if let Some(made) = self.made.get_mut(place as usize) {
            *made += 1;
        }
    }

    /// How many replies were made, by the names of rules.
    pub(super) fn made(&self) -> BTreeMap<String, u64> {
        let mut by_rule = BTreeMap::new();
        for (rule, &made) in self.rules.iter().zip(&self.made).filter(|(_, made)| **made > 0) {
            *by_rule.entry(rule.name.clone()).or_default() += made;
        }
        by_rule
    }
}

fn key(rule: usize, person: u64) -> u64 {
    mix(person ^ mix(rule as u64 + 1))
}
