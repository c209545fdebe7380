//! The simulator as a process of its own, and its ledger.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use lab::{Row, Scenario, SimSettings, Site, Totals};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fail::OrFail;
use crate::wait::{eventually, stand_still};

/// The simulator; killed when dropped.
#[derive(Debug)]
pub struct Sim(lab::Sim);

/// How fast one account submitted.
#[derive(Clone, Debug, Deserialize)]
pub struct Rate {
    /// Whose.
    pub account: String,
    /// How many submits in all.
    pub submits: u64,
    /// The most in any window of one second, from the arrival times.
    pub max_per_second: u64,
    /// The first arrival, µs since 1970.
    pub first_us: u64,
    /// The last arrival, µs since 1970.
    pub last_us: u64,
}

#[derive(Deserialize)]
struct Rates {
    accounts: Vec<Rate>,
}

impl Deref for Sim {
    type Target = lab::Sim;

    fn deref(&self) -> &lab::Sim {
        &self.0
    }
}

impl Sim {
    /// Starts it on free ports under a scenario in TOML.
    pub(crate) fn start(site: &Site, program: &str, scenario: &str) -> Self {
        let settings = SimSettings::new(Scenario::Text(scenario.to_owned()));
        Self(lab::Sim::start(site, Path::new(program), &settings).or_fail())
    }

    /// The same under a scenario of several SMSCs.
    pub(crate) fn start_several(site: &Site, program: &str, scenario: &str) -> Self {
        let settings = SimSettings::new(Scenario::Several(scenario.to_owned()));
        Self(lab::Sim::start(site, Path::new(program), &settings).or_fail())
    }

    /// Has it stand still for that long.
    pub fn stand_still(&self, length: Duration) {
        stand_still(|signal| self.signal(signal), length);
    }

    /// Starts it again on the same ports, with an empty ledger.
    pub fn restart(&mut self) {
        self.0.restart().or_fail();
    }

    /// Goes on under the built-in scenario of that name.
    pub fn switch_to(&self, scenario: &str) {
        self.order(&format!("/scenario?name={scenario}"), b"");
    }

    /// Has it go on under another scenario (TOML); ledger, sessions and ports stay.
    pub fn switch(&self, scenario: &str) {
        self.order("/scenario", scenario.as_bytes());
    }

    /// Drops every TCP connection at once.
    pub fn close_sessions(&self) {
        self.order("/sessions/close", b"");
    }

    /// Unbinds every session, as it would before maintenance.
    pub fn unbind_sessions(&self) {
        self.order("/sessions/unbind", b"");
    }

    /// Has it deliver an inbound message to whoever is bound.
    pub fn inbound(&self, from: &str, to: &str, text: &str) {
        let message = json!({ "from": from, "to": to, "text": text });
        self.order("/inbound", message.to_string().as_bytes());
    }

    /// Everything that it delivered so, and what was acknowledged of it.
    pub fn inbound_messages(&self) -> Vec<Value> {
        let answer = self.http().get("/inbound").or_fail().success().or_fail();
        serde_json::from_str(&answer.text).expect("a list")
    }

    /// How many replies people made, by the rules of its scenario.
    pub fn replies(&self) -> BTreeMap<String, u64> {
        let answer = self.http().get("/ledger/totals").or_fail().success().or_fail();
        let mut totals: Value = serde_json::from_str(&answer.text).expect("totals");
        serde_json::from_value(totals["by_reply"].take()).expect("counts by rule")
    }

    /// Whether nobody is going to say anything any more, unless they are written to again.
    pub fn is_silent(&self) -> bool {
        self.totals().replies_due == 0
    }

    fn order(&self, path: &str, body: &[u8]) {
        let answer = self.http().post_bytes(path, body);
        answer.and_then(lab::Answer::success).or_fail();
    }

    /// Every submit so far, in order of arrival.
    pub fn ledger(&self) -> Vec<Row> {
        Row::all(self.http()).or_fail()
    }

    /// Every submit so far, by recipient.
    pub fn ledger_by_recipient(&self) -> HashMap<String, Vec<Row>> {
        let mut by_recipient: HashMap<String, Vec<Row>> = HashMap::new();
        for row in self.ledger() {
            by_recipient.entry(row.recipient.clone()).or_default().push(row);
        }
        by_recipient
    }

    /// All counters.
    pub fn totals(&self) -> Totals {
        Totals::of(self.http()).or_fail()
    }

    /// How fast the accounts submitted.
    pub fn rates(&self) -> Vec<Rate> {
        let rates: Rates = self.http().get("/ledger/rates").and_then(lab::Answer::json).or_fail();
        rates.accounts
    }

    /// Waits until a counter has reached `value`.
    #[track_caller]
    pub fn wait_for(&self, counter: &str, value: u64, limit: Duration) {
        let reached = self.0.wait_for(counter, value, limit).or_fail();
        assert!(
            reached,
            "{counter} did not reach {value} in {limit:?}: {:?}",
            self.totals()
        );
    }

    /// Waits until every receipt that is due was acknowledged; nothing more may be on its way.
    pub fn wait_for_receipts(&self, limit: Duration) {
        eventually("every receipt due is acknowledged", limit, || {
            self.receipts_are_in().then_some(())
        });
    }

    /// Whether every receipt that is due was acknowledged.
    pub fn receipts_are_in(&self) -> bool {
        let totals = self.totals();
        totals.receipts_due == totals.receipts_acked
    }
}
