//! The simulator as a process of its own, and its ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::fault::Result;
use crate::http::Http;
use crate::process::{Process, Signal, Site};

/// Rows of the ledger that are asked for at once: some 20 MB.
const ROWS_AT_ONCE: usize = 40_000;

/// Which scenario the simulator follows.
#[derive(Clone, Debug)]
pub enum Scenario {
    /// TOML.
    Text(String),
    /// TOML of several SMSCs, which name their ports themselves.
    Several(String),
    /// The name of one that comes with the simulator, or an absolute path.
    Named(String),
}

/// How the simulator is started.
#[derive(Clone, Debug)]
pub struct SimSettings {
    /// What it does.
    pub scenario: Scenario,
    /// What decides on everything that is left to chance; `None`: as the scenario says.
    pub seed: Option<u64>,
    /// For SMPP; 0: a free one.
    pub port: u16,
}

impl SimSettings {
    /// On a free port.
    pub fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            seed: None,
            port: 0,
        }
    }
}

/// The simulator; killed when dropped.
#[derive(Debug)]
pub struct Sim {
    process: Process,
    site: Site,
    program: PathBuf,
    /// `--scenario` and, if there is one, `--seed`.
    arguments: Vec<String>,
    smpp_address: String,
    /// Its SMSCs, in the scenario's order.
    smscs: Vec<ReadySmsc>,
    http: Http,
    starts: usize,
}

/// One submit_sm as the simulator saw it (`GET /ledger`). Times are µs since 1970; `None`: it did not happen.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    /// Its place in the order of arrival, from 0.
    pub sequence: u64,
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
    /// What it called the message, if it took it.
    pub message_id: Option<String>,
    /// Which segment this is, from 1.
    pub part: u8,
    /// Of how many.
    pub total: u8,
    /// `stat` of the final receipt that is or would be due.
    pub stat: Option<String>,
    /// Receipts that it is to get, second copies included.
    pub receipts_due: u32,
    /// Receipts acknowledged, second copies included.
    pub receipts_acked: u32,
    /// When the last receipt was sent.
    pub receipt_sent_at_us: Option<u64>,
    /// When the last receipt was acknowledged.
    pub receipt_acked_at_us: Option<u64>,
    /// The text, decoded.
    pub text: Option<String>,
}

impl Row {
    /// The whole ledger of the simulator with that HTTP interface, in order of arrival.
    pub fn all(http: &Http) -> Result<Vec<Self>> {
        Self::page_by_page(http, |row| row)
    }

    /// The same without accounts, sources, ids and texts: ten million of them fit in memory.
    pub fn outlines(http: &Http) -> Result<Vec<Self>> {
        Self::page_by_page(http, |row| Self {
            account: String::new(),
            source: String::new(),
            message_id: None,
            text: None,
            ..row
        })
    }

    fn page_by_page(http: &Http, keep: impl Fn(Self) -> Self) -> Result<Vec<Self>> {
        let mut rows: Vec<Self> = Vec::new();
        loop {
            let from = rows.last().map_or(0, |row| row.sequence + 1);
            let more = Self::some(http, &format!("from={from}&limit={ROWS_AT_ONCE}"))?;
            // A page that is not full was the end, whatever has come since.
            let full = more.len() == ROWS_AT_ONCE;
            rows.extend(more.into_iter().map(&keep));
            if !full {
                return Ok(rows);
            }
        }
    }

    /// What the ledger shows for a query: `recipient=`, `account=`, `smsc=`, `from=` and `limit=`.
    pub fn some(http: &Http, query: &str) -> Result<Vec<Self>> {
        http.get(&format!("/ledger?{query}"))?.json_lines()
    }

    /// Whether the simulator took responsibility for it.
    pub fn is_accepted(&self) -> bool {
        self.accepted_at_us.is_some()
    }
}

/// The simulator's counters (`GET /ledger/totals`); its README explains each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the simulator's README explains each counter")]
pub struct Totals {
    pub submits: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub lost: u64,
    pub answered: u64,
    pub unanswered: u64,
    pub recipients: u64,
    pub receipts_due: u64,
    pub receipts_acked: u64,
    pub receipts_refused: u64,
    pub duplicates: u64,
    /// Absent from simulators of before there were conversations.
    #[serde(default)]
    pub replies_due: u64,
    pub by_status: BTreeMap<String, u64>,
}

impl Totals {
    /// Those of the simulator with that HTTP interface.
    pub fn of(http: &Http) -> Result<Self> {
        http.get("/ledger/totals")?.json()
    }

    /// Those of one of its SMSCs.
    pub fn of_smsc(http: &Http, name: &str) -> Result<Self> {
        http.get(&format!("/ledger/totals?smsc={name}"))?.json()
    }

    /// Receipts that are due and not yet acknowledged.
    pub fn receipts_open(&self) -> u64 {
        self.receipts_due
            .saturating_sub(self.receipts_acked + self.receipts_refused)
    }
}

/// Where the simulator says that it listens.
#[derive(Deserialize)]
struct Ready {
    smpp: String,
    http: String,
    smscs: Vec<ReadySmsc>,
}

#[derive(Clone, Debug, Deserialize)]
struct ReadySmsc {
    name: String,
    smpp: String,
    tls: Option<String>,
}

impl Sim {
    /// Starts it.
    pub fn start(site: &Site, program: &Path, settings: &SimSettings) -> Result<Self> {
        let scenario = match &settings.scenario {
            Scenario::Text(toml) | Scenario::Several(toml) => site.write("scenario.toml", toml)?.display().to_string(),
            Scenario::Named(name) => name.clone(),
        };
        let mut arguments = vec!["--scenario".to_owned(), scenario];
        if let Some(seed) = settings.seed {
            arguments.extend(["--seed".to_owned(), seed.to_string()]);
        }
        let listen = match settings.scenario {
            Scenario::Several(_) => None,
            Scenario::Text(_) | Scenario::Named(_) => Some(format!("127.0.0.1:{}", settings.port)),
        };
        let process = spawn((site, 1), program, (listen.as_deref(), "127.0.0.1:0"), &arguments)?;
        let ready: Ready = process.ready()?;
        Ok(Self {
            process,
            site: site.clone(),
            program: program.to_owned(),
            arguments,
            smpp_address: ready.smpp,
            smscs: ready.smscs,
            http: Http::new(&ready.http),
            starts: 1,
        })
    }

    /// Where it listens for binds.
    pub fn smpp_address(&self) -> &str {
        &self.smpp_address
    }

    /// Where it listens for binds over TLS, if its scenario has that.
    pub fn tls_address(&self) -> Option<&str> {
        self.smscs.first()?.tls.as_deref()
    }

    /// Where the SMSC of that name listens for binds, if the scenario has one.
    pub fn smpp_address_of(&self, name: &str) -> Option<&str> {
        let found = self.smscs.iter().find(|smsc| smsc.name == name);
        found.map(|smsc| smsc.smpp.as_str())
    }

    /// Its HTTP interface.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// SIGKILL; its ledger is lost, and the receipts that it still owed.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Sends it that signal: with STOP a carrier stands still, with CONT it comes back.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Starts it again on the same ports, with an empty ledger; several SMSCs may have other ports then.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.starts += 1;
        let listen = (self.smscs.len() == 1).then_some(self.smpp_address.as_str());
        let addresses = (listen, self.http.address());
        self.process = spawn((&self.site, self.starts), &self.program, addresses, &self.arguments)?;
        self.process.ready::<IgnoredAny>().map(|_| ())
    }

    /// Sessions that are bound.
    pub fn sessions(&self) -> Result<usize> {
        let sessions: Vec<IgnoredAny> = self.http.get("/sessions")?.json()?;
        Ok(sessions.len())
    }

    /// Waits until one of its counters, named as in the totals, has reached `value`; false if it has not within `limit`.
    pub fn wait_for(&self, counter: &str, value: u64, limit: Duration) -> Result<bool> {
        let path = format!("/wait?{counter}={value}&timeout={}ms", limit.as_millis());
        Ok(self.http.get(&path)?.status == 200)
    }

    /// Why it may not answer, for an error message.
    pub fn silence(&self) -> String {
        self.process.silence()
    }
}

fn spawn(
    (site, start): (&Site, usize),
    program: &Path,
    (smpp, http): (Option<&str>, &str),
    arguments: &[String],
) -> Result<Process> {
    let mut command = Command::new(program);
    command.args(["--http", http]).args(arguments);
    command.args(smpp.iter().flat_map(|smpp| ["--listen", smpp]));
    site.start(&format!("simulator-{start}"), command)
}
