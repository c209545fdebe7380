//! The engine as a process of its own.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde::Deserialize;

use crate::api::Api;
use crate::exposition;
use crate::fault::{Fault, Result};
use crate::http::Http;
use crate::process::{Process, READY_WITHIN, Signal, Site};

/// What is in `campanile.toml`.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// `None`: the engine starts a Redis of its own.
    pub redis_url: Option<String>,
    /// The SMSCs to bind to.
    pub smscs: Vec<SmscSettings>,
    /// `api.listen`.
    pub listen: String,
    /// More lines of `[api]`.
    pub api_lines: Vec<String>,
    /// `shutdown_timeout` of `[engine]`.
    pub shutdown_timeout: Duration,
    /// More lines of `[redis]`.
    pub redis_lines: Vec<String>,
    /// More lines of `[engine]`.
    pub engine_lines: Vec<String>,
    /// `packs` of `[rules]`: no packs by default, since tests are made at any hour. `None`: the key is not there.
    pub rules: Option<Vec<String>>,
    /// More tables, such as `[[route]]`.
    pub tables: Vec<String>,
}

/// One `[[smsc]]`.
#[derive(Clone, Debug)]
pub struct SmscSettings {
    name: String,
    addresses: Vec<String>,
    system_id: String,
    password: String,
    bind: Option<String>,
    window: Option<u32>,
    sessions: Option<u32>,
    lines: Vec<String>,
}

impl EngineSettings {
    /// Those SMSCs on free ports of this machine, everything else as it is by default.
    pub fn new(redis_url: Option<String>, smscs: Vec<SmscSettings>) -> Self {
        Self {
            redis_url,
            smscs,
            listen: "127.0.0.1:0".to_owned(),
            api_lines: Vec::new(),
            shutdown_timeout: Duration::from_secs(20),
            redis_lines: Vec::new(),
            engine_lines: Vec::new(),
            rules: Some(Vec::new()),
            tables: Vec::new(),
        }
    }

    fn to_toml(&self, operator_key_file: &Path) -> String {
        let mut lines = vec!["[api]".to_owned()];
        lines.push(pair("listen", &self.listen));
        lines.push(pair("operator_key_file", operator_key_file.display()));
        lines.extend(self.api_lines.iter().cloned());
        lines.push("[admin]\nlisten = \"127.0.0.1:0\"".to_owned());
        lines.push("[redis]".to_owned());
        lines.extend(self.redis_url.iter().map(|url| pair("url", url)));
        lines.extend(self.redis_lines.iter().cloned());
        lines.push("[engine]".to_owned());
        let shutdown_timeout = self.shutdown_timeout.as_millis();
        lines.push(pair("shutdown_timeout", format!("{shutdown_timeout}ms")));
        lines.extend(self.engine_lines.iter().cloned());
        if let Some(packs) = &self.rules {
            let packs: Vec<String> = packs.iter().map(|pack| format!("\"{pack}\"")).collect();
            lines.push(format!("[rules]\npacks = [{}]", packs.join(", ")));
        }
        self.smscs.iter().for_each(|smsc| lines.extend(smsc.to_toml()));
        lines.extend(self.tables.iter().cloned());
        lines.join("\n") + "\n"
    }
}

impl SmscSettings {
    /// One transceiver session with a window of 100.
    pub fn new(name: &str, address: &str) -> Self {
        Self {
            name: name.to_owned(),
            addresses: vec![address.to_owned()],
            system_id: "campanile".to_owned(),
            password: "secret".to_owned(),
            bind: Some("transceiver".to_owned()),
            window: Some(100),
            sessions: Some(1),
            lines: Vec::new(),
        }
    }

    /// With what is known of that carrier in place of kind, window and number of its sessions.
    pub fn preset(self, preset: &str) -> Self {
        let smsc = Self {
            bind: None,
            window: None,
            sessions: None,
            ..self
        };
        smsc.line(&pair("preset", preset))
    }

    /// At another address.
    pub fn at(self, address: &str) -> Self {
        Self {
            addresses: vec![address.to_owned()],
            ..self
        }
    }

    /// Also at that address, when the ones before fail.
    pub fn or_at(mut self, address: &str) -> Self {
        self.addresses.push(address.to_owned());
        self
    }

    /// With sessions of that kind.
    pub fn bind(self, bind: &str) -> Self {
        Self {
            bind: Some(bind.to_owned()),
            ..self
        }
    }

    /// As that account.
    pub fn account(self, system_id: &str) -> Self {
        Self {
            system_id: system_id.to_owned(),
            ..self
        }
    }

    /// With that password.
    pub fn password(self, password: &str) -> Self {
        Self {
            password: password.to_owned(),
            ..self
        }
    }

    /// How many unanswered submits each session may have.
    pub fn window(self, window: u32) -> Self {
        let window = Some(window);
        Self { window, ..self }
    }

    /// How many sessions.
    pub fn sessions(self, sessions: u32) -> Self {
        let sessions = Some(sessions);
        Self { sessions, ..self }
    }

    /// One more line of TOML.
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    fn to_toml(&self) -> Vec<String> {
        let mut lines = vec!["[[smsc]]".to_owned()];
        lines.push(pair("name", &self.name));
        lines.push(match &self.addresses[..] {
            [only] => pair("address", only),
            several => format!("address = {}", serde_json::Value::from(several)),
        });
        lines.push(pair("system_id", &self.system_id));
        lines.push(pair("password", &self.password));
        lines.extend(self.bind.iter().map(|bind| pair("bind", bind)));
        lines.extend(self.sessions.map(|sessions| format!("sessions = {sessions}")));
        lines.extend(self.window.map(|window| format!("window = {window}")));
        // Shorter than an operator would choose: connections are cut here on purpose, and the next is waited for.
        lines.push("reconnect_min = \"100ms\"\nreconnect_max = \"1s\"".to_owned());
        lines.extend(self.lines.iter().cloned());
        lines
    }
}

/// A key with a text. A JSON string is a TOML basic string, too.
fn pair(key: &str, value: impl Display) -> String {
    format!("{key} = {}", serde_json::Value::from(value.to_string()))
}

/// The engine; killed when dropped.
#[derive(Debug)]
pub struct Engine {
    process: Process,
    site: Site,
    program: PathBuf,
    operator_key: String,
    listens: Listens,
    name: String,
    starts: usize,
}

#[derive(Debug)]
struct Listens {
    api: Api,
    admin: Http,
    links: Option<String>,
}

/// What `campanile serve` prints first.
#[derive(Deserialize)]
struct Ready {
    api: String,
    admin: String,
    links: Option<String>,
}

impl Engine {
    /// Writes the configuration, starts `campanile serve` and waits until it is ready.
    pub fn start(site: &Site, program: &Path, settings: &EngineSettings) -> Result<Self> {
        let operator_key = new_key()?;
        configure(site, &operator_key, settings)?;
        let process = spawn(site, program, "engine-1")?;
        let listens = Listens::of(&process, &operator_key)?;
        Ok(Self {
            process,
            site: site.clone(),
            program: program.to_owned(),
            operator_key,
            listens,
            name: "engine".to_owned(),
            starts: 1,
        })
    }

    /// Another engine of the same configuration, on ports of its own.
    pub fn beside(&self, name: &str) -> Result<Self> {
        let process = spawn(&self.site, &self.program, &format!("{name}-1"))?;
        let listens = Listens::of(&process, &self.operator_key)?;
        Ok(Self {
            process,
            site: self.site.clone(),
            program: self.program.clone(),
            operator_key: self.operator_key.clone(),
            listens,
            name: name.to_owned(),
            starts: 1,
        })
    }

    /// As [`Engine::start`] for one that must refuse to start: how it ended, and what it said last.
    pub fn refused(site: &Site, program: &Path, settings: &EngineSettings) -> Result<(ExitStatus, String)> {
        configure(site, &new_key()?, settings)?;
        let process = spawn(site, program, "engine-refused")?;
        Ok((process.wait_for_end(READY_WITHIN)?, process.last_words()))
    }

    /// Starts it again, with the same configuration, on other ports.
    pub fn restart(&mut self) -> Result<()> {
        self.process.kill();
        self.starts += 1;
        self.process = spawn(&self.site, &self.program, &format!("{}-{}", self.name, self.starts))?;
        self.listens = Listens::of(&self.process, &self.operator_key)?;
        Ok(())
    }

    /// Starts it again under other settings.
    pub fn restart_with(&mut self, settings: &EngineSettings) -> Result<()> {
        configure(&self.site, &self.operator_key, settings)?;
        self.restart()
    }

    /// Writes another configuration, which it does not read by itself.
    pub fn configure(&self, settings: &EngineSettings) -> Result<()> {
        configure(&self.site, &self.operator_key, settings)
    }

    /// Its process: to kill, to stop, to ask what it said.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// SIGKILL, in the middle of whatever it does.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Sends it that signal, and does not wait.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// How it ended, or `None` while it runs.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.process.exited()
    }

    /// The interface of resellers and tenants.
    pub fn api(&self) -> &Api {
        &self.listens.api
    }

    /// The key that opens all of it.
    pub fn operator_key(&self) -> &str {
        &self.operator_key
    }

    /// The operators' interface: health and metrics.
    pub fn admin(&self) -> &Http {
        &self.listens.admin
    }

    /// Where short links are answered, with `[links]`.
    pub fn links(&self) -> Option<&str> {
        self.listens.links.as_deref()
    }

    /// Its metrics as Prometheus reads them.
    pub fn metrics(&self) -> Result<String> {
        Ok(self.admin().get("/metrics")?.success()?.text)
    }

    /// The sum of all samples of its metrics whose name and labels `wanted` takes; 0 when there are none.
    pub fn metric(&self, wanted: impl Fn(&str) -> bool) -> Result<f64> {
        Ok(exposition::sum(&self.metrics()?, wanted))
    }
}

impl Listens {
    fn of(process: &Process, operator_key: &str) -> Result<Self> {
        let ready: Ready = process.ready()?;
        Ok(Self {
            api: Api::new(&ready.api, operator_key),
            admin: Http::new(&ready.admin),
            links: ready.links,
        })
    }
}

/// A key that nobody can guess, although it lives for one run only.
fn new_key() -> Result<String> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets).map_err(|error| Fault::Unexpected {
        what: "a random key".to_owned(),
        why: error.to_string(),
    })?;
    Ok(format!("op_{:032x}", u128::from_be_bytes(octets)))
}

fn configure(site: &Site, operator_key: &str, settings: &EngineSettings) -> Result<()> {
    let key_file = site.write("operator.key", operator_key)?;
    site.write("campanile.toml", &settings.to_toml(&key_file))?;
    Ok(())
}

fn spawn(site: &Site, program: &Path, name: &str) -> Result<Process> {
    let mut command = Command::new(program);
    command.args(["serve", "--config", "campanile.toml"]);
    site.start(name, command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_quoted_and_has_what_was_asked_for() {
        let smsc = SmscSettings::new("north", "127.0.0.1:2775").sessions(4).window(500);
        let settings = EngineSettings::new(Some("unix:///a".to_owned()), vec![smsc.line("rate = \"1/s\"")]);
        let text = settings.to_toml(Path::new("/odd \"place\"/operator.key"));
        for line in [
            "operator_key_file = \"/odd \\\"place\\\"/operator.key\"",
            "url = \"unix:///a\"",
            "sessions = 4\nwindow = 500",
            "rate = \"1/s\"",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
