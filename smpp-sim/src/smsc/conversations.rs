//! The rules of every scenario so far by which people write to the clients.

use crate::model::{InboundRule, Scenario};

/// The rules; jobs keep naming by place those that a later scenario has replaced.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    rules: Vec<InboundRule>,
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
        self.replies = scenario.converses();
        self.round = self.round.wrapping_add(1);
    }

    pub(super) fn forget_rules(&mut self) {
        self.rules.clear();
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
}
