//! The simulator as a process of its own, and its ledger.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::http::Http;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::wait::eventually;

const START_LIMIT: Duration = Duration::from_secs(10);

/// The simulator; killed when dropped.
#[derive(Debug)]
pub struct Sim {
    process: Process,
    program: &'static str,
    directory: std::path::PathBuf,
    scenario: std::path::PathBuf,
    smpp_address: String,
    http_address: String,
    http: Http,
    starts: usize,
}

/// One submit_sm as the simulator saw it. Times are µs since 1970; `None`: it did not happen.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    /// The system_id of the session that it came on.
    pub account: String,
    /// Digits without a plus.
    pub recipient: String,
    /// The source address as it came.
    pub source: String,
    /// When it came.
    pub received_at_us: u64,
    /// When the simulator took responsibility for it.
    pub accepted_at_us: Option<u64>,
    /// When it answered, with whatever status.
    pub answered_at_us: Option<u64>,
    /// What it answered.
    pub command_status: Option<u32>,
    /// Which segment this is, from 1.
    pub part: u8,
    /// Of how many.
    pub total: u8,
    /// `stat` of the final receipt that is or would be due.
    pub stat: Option<String>,
    /// Receipts acknowledged, second copies included.
    pub receipts_acked: u32,
    /// The text, decoded.
    pub text: Option<String>,
}

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

impl Sim {
    /// Starts it on free ports.
    pub fn start(program: &'static str, scratch: &Scratch, scenario: &str) -> Self {
        let scenario = scratch.write("scenario.toml", scenario);
        let directory = scratch.path().to_owned();
        let mut command = Command::new(program);
        command
            .args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--scenario"])
            .arg(&scenario);
        let mut process = Process::start("sim-1", command, &directory);
        let ready = process.wait_until_ready(START_LIMIT);
        let address = |key: &str| {
            ready[key]
                .as_str()
                .expect("the simulator says its addresses")
                .to_owned()
        };
        let (smpp_address, http_address) = (address("smpp"), address("http"));
        let http = Http::new(&http_address);
        Self {
            process,
            program,
            directory,
            scenario,
            smpp_address,
            http_address,
            http,
            starts: 1,
        }
    }

    /// Where it listens for binds.
    pub fn smpp_address(&self) -> &str {
        &self.smpp_address
    }

    /// Its HTTP interface.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// SIGKILL; its ledger is lost, and the receipts that it still owed.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Has it stand still for that long.
    pub fn stand_still(&self, length: Duration) {
        self.process.stand_still(length);
    }

    /// Starts it again on the same ports, with an empty ledger.
    pub fn restart(&mut self) {
        self.process.kill();
        self.starts += 1;
        let mut command = Command::new(self.program);
        command
            .args([
                "--listen",
                &self.smpp_address,
                "--http",
                &self.http_address,
                "--scenario",
            ])
            .arg(&self.scenario);
        self.process = Process::start(&format!("sim-{}", self.starts), command, &self.directory);
        self.process.wait_until_ready(START_LIMIT);
    }

    /// Goes on under the built-in scenario of that name.
    pub fn switch_to(&self, scenario: &str) {
        self.http
            .post_bytes(&format!("/scenario?name={scenario}"), b"")
            .expect(200);
    }

    /// Sends it the signal of that name (`STOP`, `CONT`): a carrier that stands still, and comes back.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Has it go on under another scenario (TOML); ledger, sessions and ports stay.
    pub fn switch(&self, scenario: &str) {
        let answer = self.http.post_bytes("/scenario", scenario.as_bytes());
        assert!(matches!(answer.status, 200..=299), "{}: {}", answer.status, answer.text);
    }

    /// Drops every TCP connection at once.
    pub fn close_sessions(&self) {
        self.http.post_bytes("/sessions/close", b"").expect(200);
    }

    /// Has it deliver an inbound message to whoever is bound.
    pub fn inbound(&self, from: &str, to: &str, text: &str) {
        let message = serde_json::json!({ "from": from, "to": to, "text": text });
        let answer = self.http.post_bytes("/inbound", message.to_string().as_bytes());
        assert!(matches!(answer.status, 200..=299), "{}: {}", answer.status, answer.text);
    }

    /// Every submit so far, in order of arrival.
    pub fn ledger(&self) -> Vec<Row> {
        let answer = self.http.get("/ledger");
        assert_eq!(answer.status, 200, "{}", answer.text);
        let rows = answer.text.lines().map(serde_json::from_str);
        rows.collect::<Result<_, _>>()
            .expect("the simulator's ledger is one row a line")
    }

    /// Every submit so far, by recipient.
    pub fn ledger_by_recipient(&self) -> HashMap<String, Vec<Row>> {
        let mut by_recipient: HashMap<String, Vec<Row>> = HashMap::new();
        for row in self.ledger() {
            by_recipient.entry(row.recipient.clone()).or_default().push(row);
        }
        by_recipient
    }

    /// One counter of the totals.
    pub fn total(&self, name: &str) -> u64 {
        let totals = self.totals();
        totals[name]
            .as_u64()
            .unwrap_or_else(|| panic!("the simulator counts no {name}: {totals}"))
    }

    /// All counters.
    pub fn totals(&self) -> Value {
        self.http.get("/ledger/totals").expect(200)
    }

    /// How fast the accounts submitted.
    pub fn rates(&self) -> Vec<Rate> {
        let rates = self.http.get("/ledger/rates").expect(200);
        serde_json::from_value(rates["accounts"].clone()).unwrap_or_else(|error| panic!("{error}: {rates}"))
    }

    /// Waits until a counter has reached `value`.
    pub fn wait_for(&self, name: &str, value: u64, limit: Duration) {
        let answer = self
            .http
            .get(&format!("/wait?{name}={value}&timeout={}ms", limit.as_millis()));
        assert_eq!(
            answer.status, 200,
            "{name} did not reach {value} in {limit:?}: {}",
            answer.text
        );
    }

    /// Waits until every receipt that is due was acknowledged; nothing more may be on its way.
    pub fn wait_for_receipts(&self, limit: Duration) {
        eventually("every receipt due is acknowledged", limit, || {
            let totals = self.totals();
            (totals["receipts_due"] == totals["receipts_acked"]).then_some(())
        });
    }
}
