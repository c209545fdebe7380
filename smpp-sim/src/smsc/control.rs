//! What is asked of the SMSC from outside, rather than by its clients.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Smsc;
use super::course::{NoSuchPhase, PhaseView};
use super::inbox::{InboundView, Inbox};
use super::session::SessionView;
use crate::ledger::{AccountRate, Line, Message, MessageFilter, Names, Page, Totals, Walk};
use crate::model::{ConnectTrouble, Scenario};
use crate::outcome::Dealer;

/// Outcomes of all scenarios since the last reset: a row of the ledger names its outcome in 16 bits.
const OUTCOMES_MAX: usize = 65_000;

/// A scenario could not be switched to: the ledger holds too many outcomes, or rules for inbound messages, already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger would hold more than {OUTCOMES_MAX} outcomes or inbound rules: reset it first")]
pub struct TooManyOutcomes;

impl Smsc {
    fn names(&self) -> Names<'_> {
        Names {
            accounts: self.accounts.names(),
            outcomes: &self.records.outcomes,
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals {
            recipients: self.dealer.recipients(),
            messages: self.dealer.messages(),
            sessions: self.sessions.bound(),
            replies_due: self.conversations.due(),
            by_reply: self.conversations.made(),
            ..self.records.ledger.totals(&self.names())
        }
    }

    pub(crate) fn rates(&self) -> Vec<AccountRate> {
        self.records.ledger.rates(self.accounts.names())
    }

    /// Finished rows for the ledger's file, see [`Ledger::finished_lines`].
    pub(crate) fn finished_lines(&mut self, most: usize) -> Vec<Line> {
        let names = Names {
            accounts: self.accounts.names(),
            outcomes: &self.records.outcomes,
        };
        self.records
            .ledger
            .finished_lines(most, (&names, &self.records.numbers))
    }

    /// The rest of the rows for the ledger's file.
    pub(crate) fn unfinished_lines(&mut self, most: usize) -> Vec<Line> {
        let names = Names {
            accounts: self.accounts.names(),
            outcomes: &self.records.outcomes,
        };
        self.records
            .ledger
            .unfinished_lines(most, (&names, &self.records.numbers))
    }

    /// The ledger's file cannot be written any more.
    pub(crate) fn give_up_file(&mut self) {
        self.records.ledger.give_up_file();
    }

    pub(crate) fn lines(&self, page: &mut Page, rows: usize) -> Option<Vec<Line>> {
        self.records
            .ledger
            .lines(page, rows, (&self.names(), &self.records.numbers))
    }

    /// Where a walk over messages begins.
    pub(crate) fn walk(&self, filter: MessageFilter, backwards: bool, from: Option<u64>) -> Walk {
        Walk::new(filter, backwards, from, &self.records.ledger)
    }

    pub(crate) fn messages(&self, walk: &mut Walk, limits: (usize, usize)) -> Vec<Message> {
        self.records
            .ledger
            .messages(walk, limits, (&self.names(), &self.records.numbers))
    }

    /// The bound sessions, in order of connecting.
    pub(crate) fn session_views(&self) -> Vec<SessionView> {
        self.sessions.views(self.accounts.names())
    }

    /// Ends connections at once, all of them or that of one session; how many there were.
    pub(crate) fn close_sessions(&mut self, only: Option<u32>) -> usize {
        self.sessions.close(only)
    }

    /// Asks bound sessions to unbind, all of them or one; how many there were. Connections that are not bound are
    /// closed.
    pub(crate) fn unbind_sessions(&mut self, only: Option<u32>) -> usize {
        self.sessions.unbind(only)
    }

    /// The inbound messages that are remembered, in order.
    pub(crate) fn inbound_views(&self) -> Vec<InboundView> {
        self.inbox.views(self.accounts.names())
    }

    /// The scenario as it was given, phases and all.
    pub(crate) fn base(&self) -> &Arc<Scenario> {
        self.course.base()
    }

    /// Told when who listens has to look at the phase again.
    pub(crate) fn doors(&self) -> Arc<Notify> {
        Arc::clone(self.course.doors())
    }

    /// Whether the port is to be closed.
    pub(crate) fn refuses_connections(&self) -> bool {
        let connect = self.course.scenario.faults.connect;
        connect.is_some_and(|connect| connect.what == ConnectTrouble::Refuse)
    }

    /// When time ends the phase, µs since 1970; `u64::MAX`: never.
    pub(crate) fn phase_until_us(&self) -> u64 {
        self.course.until_us()
    }

    /// The phase that it is in; `None`: the scenario has none.
    pub(crate) fn phase(&self) -> Option<PhaseView> {
        self.course.phase()
    }

    /// Goes to a phase at once, by its name.
    pub(crate) fn go_to_phase(&mut self, name: &str, now_us: u64) -> Result<(), NoSuchPhase> {
        let submits = self.records.ledger.counters.submits;
        self.course.go_to(name, (now_us, submits))?;
        self.obey();
        Ok(())
    }

    /// Goes on to the phase that it is time for.
    pub(crate) fn pass_phases(&mut self, now_us: u64) {
        if self.course.pass(now_us, self.records.ledger.counters.submits) {
            self.obey();
        }
    }

    /// Begins with a scenario: its first phase, its rules, its scripts.
    pub(super) fn begin(&mut self, scenario: Arc<Scenario>, now_us: u64) {
        let submits = self.records.ledger.counters.submits;
        let outcomes = &mut self.records.outcomes;
        self.course.begin(scenario, outcomes, (now_us, submits));
        self.conversations.begin(self.course.base());
        self.obey();
    }

    /// From now on, everybody follows the scenario that the course has come to.
    fn obey(&mut self) {
        let scenario = &self.course.scenario;
        self.dealer.obey(Arc::clone(scenario));
        self.accounts.obey(scenario);
        self.traffic.restart();
        self.sessions.wake_all();
        self.course.doors().notify_waiters();
    }

    /// Empties the ledger, and forgets recipients, attempts, quotas and everything that was still to be sent. Sessions
    /// stay; ids that are counted go on where they were. The first phase begins.
    pub(crate) fn reset(&mut self, now_us: u64) {
        let scenario = Arc::clone(self.course.base());
        self.records.reset(&scenario);
        self.dealer = Dealer::new(Arc::clone(&scenario));
        self.inbox = Inbox::default();
        self.conversations.forget_rules();
        self.sessions.forget();
        self.accounts.forget_backlogs();
        self.begin(scenario, now_us);
    }

    /// Goes on with another scenario: for submits from now on. Sessions stay, even those of accounts that it does not
    /// name; those just cannot bind again.
    pub(crate) fn switch(&mut self, scenario: Arc<Scenario>, now_us: u64) -> Result<(), TooManyOutcomes> {
        let rules = self.conversations.rules() + scenario.inbound.len();
        let outcomes = self.records.outcomes.len() + scenario.outcomes_of_all_phases();
        if outcomes > OUTCOMES_MAX || rules > OUTCOMES_MAX {
            return Err(TooManyOutcomes);
        }
        self.dealer.switch(Arc::clone(&scenario));
        self.records.ledger.set_limits(scenario.ledger);
        self.begin(scenario, now_us);
        Ok(())
    }
}
