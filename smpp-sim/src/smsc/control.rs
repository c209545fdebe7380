use std::sync::Arc;

use smpp::command_status::CommandStatus;
use smpp::frame::{CommandId, encode_empty};

use super::find::Index;
use super::inbound::Ring;
use super::session::{End, Phase, Session, SessionView, Turn};
use super::{OUTCOMES_MAX, Smsc, TooManyOutcomes};
use crate::ledger::{AccountRate, Ledger, Line, Message, MessageFilter, Names, Page, Totals, Walk};
use crate::model::Scenario;
use crate::number::Numbers;
use crate::outcome::Dealer;

/// What is asked of the SMSC from outside, rather than by its clients.
impl Smsc {
    fn names(&self) -> Names<'_> {
        Names {
            accounts: &self.names,
            outcomes: &self.outcomes,
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals {
            recipients: self.dealer.recipients(),
            messages: self.dealer.messages(),
            sessions: self
                .sessions
                .values()
                .filter(|session| session.bound().is_some())
                .count() as u64,
            ..self.ledger.totals(&self.names())
        }
    }

    pub(crate) fn rates(&self) -> Vec<AccountRate> {
        self.ledger.rates(&self.names)
    }

    /// Finished rows for the ledger's file, see [`Ledger::finished_lines`].
    pub(crate) fn finished_lines(&mut self, most: usize) -> Vec<Line> {
        let names = Names {
            accounts: &self.names,
            outcomes: &self.outcomes,
        };
        self.ledger.finished_lines(most, (&names, &self.numbers))
    }

    /// The rest of the rows for the ledger's file.
    pub(crate) fn unfinished_lines(&mut self, most: usize) -> Vec<Line> {
        let names = Names {
            accounts: &self.names,
            outcomes: &self.outcomes,
        };
        self.ledger.unfinished_lines(most, (&names, &self.numbers))
    }

    /// The ledger's file cannot be written any more.
    pub(crate) fn give_up_file(&mut self) {
        self.ledger.give_up_file();
    }

    pub(crate) fn lines(&self, page: &mut Page, rows: usize) -> Option<Vec<Line>> {
        self.ledger.lines(page, rows, (&self.names(), &self.numbers))
    }

    /// Where a walk over messages begins.
    pub(crate) fn walk(&self, filter: MessageFilter, backwards: bool, from: Option<u64>) -> Walk {
        Walk::new(filter, backwards, from, &self.ledger)
    }

    pub(crate) fn messages(&self, walk: &mut Walk, limits: (usize, usize)) -> Vec<Message> {
        self.ledger.messages(walk, limits, (&self.names(), &self.numbers))
    }

    /// The bound sessions, in order of connecting.
    pub(crate) fn session_views(&self) -> Vec<SessionView> {
        let mut views: Vec<_> = self
            .sessions
            .values()
            .filter_map(|session| self.session_view(session))
            .collect();
        views.sort_by_key(|view| view.session);
        views
    }

    fn session_view(&self, session: &Session) -> Option<SessionView> {
        let (account, kind) = session.bound()?;
        Some(SessionView {
            session: session.id,
            account: self.names[account].clone(),
            bind: kind.to_string(),
            version: session.version.to_string(),
            peer: session.peer.to_string(),
            connected_at_us: session.opened_us,
            unanswered: session.unanswered,
            unacknowledged: session.unacked.len(),
            waiting: session.ready.len(),
        })
    }

    /// Ends connections at once, all of them or that of one session; how many there were.
    pub(crate) fn close_sessions(&mut self, only: Option<u32>) -> usize {
        let mut closed = 0;
        for session in self.sessions.values_mut().filter(|session| is(session, only)) {
            session.end = Some(End::Reset);
            session.wake.notify_one();
            closed += 1;
        }
        closed
    }

    /// Asks bound sessions to unbind, all of them or one; how many there were. Connections that are not bound are
    /// closed.
    pub(crate) fn unbind_sessions(&mut self, only: Option<u32>) -> usize {
        let mut asked = 0;
        for session in self.sessions.values_mut().filter(|session| is(session, only)) {
            match session.phase {
                Phase::Bound { .. } => {
                    session.unbind_wanted = true;
                    asked += 1;
                }
                Phase::Open => session.end = Some(End::Close),
                Phase::Unbinding { .. } => {}
            }
            session.wake.notify_one();
        }
        asked
    }

    /// Sends the unbind that was asked for.
    pub(super) fn unbind_if_wanted(turn: &mut Turn<'_>) {
        if let Phase::Bound { account, kind } = turn.session.phase
            && turn.session.unbind_wanted
        {
            let sequence = turn.session.next_sequence();
            encode_empty(turn.out, CommandId::UNBIND, CommandStatus::ESME_ROK, sequence);
            turn.session.phase = Phase::Unbinding {
                account,
                kind,
                since_us: turn.now_us,
            };
        }
    }

    /// Empties the ledger, and forgets recipients, attempts, quotas and everything that was still to be sent. Sessions
    /// stay; ids that are counted go on where they were. The first phase begins.
    pub(crate) fn reset(&mut self, now_us: u64) {
        self.ledger = Ledger::new(self.base.ledger, self.ledger.next_id(), self.ledger.is_filed());
        self.dealer = Dealer::new(Arc::clone(&self.base));
        self.numbers = Numbers::default();
        self.inbound = Ring::default();
        self.index = Index::default();
        self.rules.clear();
        self.forget_outcomes();
        for session in self.sessions.values_mut() {
            session.forget();
            session.wake.notify_one(); // scripts begin anew
        }
        for account in &mut self.accounts {
            account.backlog = super::schedule::Schedule::default();
        }
        self.begin(now_us);
        self.take_rules();
    }

    /// Goes on with another scenario: for submits from now on. Sessions stay, even those of accounts that it does not
    /// name; those just cannot bind again.
    pub(crate) fn switch(&mut self, scenario: Arc<Scenario>, now_us: u64) -> Result<(), TooManyOutcomes> {
        let rules = self.rules.len() + scenario.inbound.len();
        if self.outcomes.len() + Self::outcomes_of(&scenario) > OUTCOMES_MAX || rules > OUTCOMES_MAX {
            return Err(TooManyOutcomes);
        }
        self.dealer.switch(Arc::clone(&scenario));
        self.ledger.set_limits(scenario.ledger);
        self.base = scenario;
        self.begin(now_us);
        self.take_rules();
        Ok(())
    }
}

fn is(session: &Session, only: Option<u32>) -> bool {
    only.is_none_or(|only| session.id == only)
}
