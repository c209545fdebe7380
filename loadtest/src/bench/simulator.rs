//! The simulator of a stage: its scenario, its port, its counters.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::stage::StagePlan;
use crate::clock;
use crate::http::Http;
use crate::process::{Process, Processes};

/// Ports for the simulator: below the range that Linux gives to outgoing connections (32768 and up), so that none of
/// the run's own connections takes the port before the simulator listens on it.
const PORTS: std::ops::Range<u16> = 21_000..31_000;

/// Between two looks at the submits: the error on the moment of the last one.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The running SMSC.
pub(crate) struct Simulator {
    process: Process,
    http: Http,
}

/// The simulator's counters (`GET /ledger/totals`) that a run is checked against, in submit_sm and in receipts.
#[derive(Deserialize, Debug, Clone, PartialEq)]
pub(crate) struct Totals {
    pub(crate) submits: u64,
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    pub(crate) recipients: u64,
    pub(crate) receipts_due: u64,
    pub(crate) receipts_acked: u64,
}

/// When a submit came and what became of its receipt, in µs since 1970.
#[derive(Deserialize, Debug)]
pub(crate) struct Row {
    pub(crate) received_at_us: u64,
    pub(crate) receipt_sent_at_us: Option<u64>,
    pub(crate) receipt_acked_at_us: Option<u64>,
}

impl Simulator {
    /// Starts it on `port`, with its scenario and its log in `directory`.
    ///
    /// # Errors
    /// It does not start; its last words are in the error.
    pub(crate) fn start(plan: &StagePlan, processes: &Processes, directory: &Path, port: u16) -> Result<Self> {
        let mut command = Command::new(&plan.smpp_sim);
        command.args(["--listen", &format!("127.0.0.1:{port}"), "--http", "127.0.0.1:0"]);
        match &plan.scenario {
            Some((scenario, seed)) => {
                command
                    .arg("--scenario")
                    .arg(scenario)
                    .args(["--seed", &seed.to_string()]);
            }
            None => {
                let scenario = directory.join("scenario.toml");
                std::fs::write(&scenario, scenario_toml(plan))?;
                command.arg("--scenario").arg(&scenario);
            }
        }
        command.current_dir(directory);
        let process = processes.start("simulator", &mut command, directory)?;
        let ready: SimulatorReady = serde_json::from_value(process.ready_line()?)?;
        Ok(Self {
            process,
            http: Http::new(&ready.http),
        })
    }

    /// What it answers over HTTP.
    pub(crate) fn http(&self) -> Http {
        self.http.clone()
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Sessions that are bound.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn sessions(&self) -> Result<usize> {
        let sessions: Vec<serde::de::IgnoredAny> = serde_json::from_str(&self.http.get_text("/sessions")?)?;
        Ok(sessions.len())
    }

    /// Its counters.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn totals(&self) -> Result<Totals> {
        let text = self
            .http
            .get_text("/ledger/totals")
            .with_context(|| self.process.silence())?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Rows of its ledger from that place on, `limit` at most.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn rows(&self, from: u64, limit: u64) -> Result<Vec<Row>> {
        let text = self.http.get_text(&format!("/ledger?from={from}&limit={limit}"))?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// Submits to that number, written as E.164 digits.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn rows_to(&self, number: u64) -> Result<Vec<Row>> {
        let text = self.http.get_text(&format!("/ledger?recipient={number}"))?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// Waits until the submits stand still for `quiet`, and gives when the last change was seen.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn last_submit(&self, quiet: Duration) -> Result<Instant> {
        let (mut submits, mut changed) = (self.totals()?.submits, clock::now());
        while changed.elapsed() < quiet {
            std::thread::sleep(LOOK_AGAIN);
            let now = self.totals()?.submits;
            if now != submits {
                (submits, changed) = (now, clock::now());
            }
        }
        Ok(changed)
    }

    /// Waits until each of its `counters`, named as in the totals, has reached `target`, at most `patience`; false if one
    /// did not get that far.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn wait_for(&self, counters: &[&str], target: u64, patience: Duration) -> Result<bool> {
        let wanted: String = counters.iter().map(|counter| format!("{counter}={target}&")).collect();
        let patience = humantime::format_duration(patience).to_string().replace(' ', "%20");
        let status = self.http.get_status(&format!("/wait?{wanted}timeout={patience}"))?;
        Ok(status == 200)
    }
}

/// What `smpp-sim` prints first: where it listens.
#[derive(Deserialize)]
struct SimulatorReady {
    http: String,
}

/// The simulator's scenario: everything is accepted at once and delivered, within the window that was agreed; in a storm
/// every other attempt is refused for now.
fn scenario_toml(plan: &StagePlan) -> String {
    let (sessions, window) = (plan.sessions, plan.window);
    let longest = humantime::format_duration(plan.receipt_delay_max);
    let refused = match plan.storm {
        true => "\n[[outcome]]\nname = \"busy\"\nweight = 1\nanswer = \"ESME_RSYSERR\"\n",
        false => "",
    };
    format!(
        "name = \"bench\"\nabout = \"Accepts everything at once and delivers it.\"\n\n\
         [[account]]\nsystem_id = \"bench\"\npassword = \"secret\"\nsessions = {sessions}\nwindow = {window}\n\n\
         [receipt]\ndelay = {{ uniform = [\"0s\", \"{longest}\"] }}\n\n\
         [[outcome]]\nname = \"delivered\"\nweight = 1\nstat = \"DELIVRD\"\nerr = \"000\"\n{refused}"
    )
}

/// A port that nobody listens on now; where the search begins depends on the process, so that two runs differ.
pub(crate) fn free_port() -> Result<u16> {
    let count = usize::from(PORTS.end - PORTS.start);
    let ports = PORTS.cycle().skip(std::process::id() as usize % count).take(count);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.into_iter().find(free).context("no free port for the simulator")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenario_has_the_delay() {
        let text = scenario_toml(&StagePlan::for_test());
        assert!(text.contains("uniform = [\"0s\", \"1s 500ms\"]"), "{text}");
    }
}
