//! The engine as a process of its own.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Http;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tenant::Tenant;
use crate::wait::eventually;

/// From the start to the line that says ready: embedded Redis, scripts, listeners.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Above the engine's own `shutdown_timeout` in these tests.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(30);

/// What an operator shows; given to the engine by a file.
const OPERATOR_KEY: &str = "op_test_0123456789abcdef0123456789abcdef";

/// Where it stands, in the test's directory.
const OPERATOR_KEY_FILE: &str = "operator.key";

/// What stands in `campanile.toml`.
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
}

/// One `[[smsc]]`.
#[derive(Clone, Debug)]
pub struct SmscSettings {
    name: String,
    address: String,
    system_id: String,
    window: u32,
    sessions: u32,
    lines: Vec<String>,
}

impl EngineSettings {
    /// Those SMSCs, everything else as it is by default.
    pub fn new(redis_url: Option<String>, smscs: Vec<SmscSettings>) -> Self {
        Self {
            redis_url,
            smscs,
            listen: "127.0.0.1:0".to_owned(),
            api_lines: Vec::new(),
            shutdown_timeout: Duration::from_secs(20),
            redis_lines: Vec::new(),
        }
    }

    fn to_toml(&self, operator_key_file: &std::path::Path) -> String {
        let mut toml = String::new();
        let mut line = |text: String| writeln!(toml, "{text}").expect("a String takes everything");
        line(format!("[api]\nlisten = {:?}", self.listen));
        line(format!(
            "operator_key_file = {:?}",
            operator_key_file.display().to_string()
        ));
        self.api_lines.iter().cloned().for_each(&mut line);
        line("[admin]\nlisten = \"127.0.0.1:0\"".to_owned());
        line("[redis]".to_owned());
        if let Some(url) = &self.redis_url {
            line(format!("url = {url:?}"));
        }
        self.redis_lines.iter().cloned().for_each(&mut line);
        let shutdown_timeout = self.shutdown_timeout.as_millis();
        line(format!("[engine]\nshutdown_timeout = \"{shutdown_timeout}ms\""));
        for smsc in &self.smscs {
            line(format!(
                "[[smsc]]\nname = {:?}\naddress = {:?}",
                smsc.name, smsc.address
            ));
            line(format!("system_id = {:?}", smsc.system_id));
            line("password = \"secret\"\nbind = \"transceiver\"".to_owned());
            line(format!("sessions = {}\nwindow = {}", smsc.sessions, smsc.window));
            // Shorter than an operator would choose: the tests cut connections and wait for the next.
            line("reconnect_min = \"100ms\"\nreconnect_max = \"1s\"".to_owned());
            smsc.lines.iter().cloned().for_each(&mut line);
        }
        toml
    }
}

impl SmscSettings {
    /// One transceiver session with a window of 100.
    pub fn new(name: &str, address: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: address.to_owned(),
            system_id: "campanile".to_owned(),
            window: 100,
            sessions: 1,
            lines: Vec::new(),
        }
    }

    /// At another address.
    pub fn at(self, address: &str) -> Self {
        Self {
            address: address.to_owned(),
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

    /// So many unanswered submits in each session.
    pub fn window(self, window: u32) -> Self {
        Self { window, ..self }
    }

    /// So many sessions.
    pub fn sessions(self, sessions: u32) -> Self {
        Self { sessions, ..self }
    }

    /// One more line of TOML.
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }
}

/// The engine; killed when dropped.
#[derive(Debug)]
pub struct Engine {
    process: Process,
    program: &'static str,
    directory: PathBuf,
    api: Http,
    admin: Http,
    starts: usize,
}

impl Engine {
    /// Writes the configuration, starts `campanile serve` and waits until it is ready.
    pub fn start(program: &'static str, scratch: &Scratch, settings: &EngineSettings) -> Self {
        write(scratch, settings);
        let directory = scratch.path().to_owned();
        let mut process = spawn(program, &directory, 1);
        let (api, admin) = addresses(&mut process);
        Self {
            process,
            program,
            directory,
            api,
            admin,
            starts: 1,
        }
    }

    /// As [`Engine::start`] for one that must refuse to start: how it ended, and what it said last.
    pub fn refused(program: &'static str, scratch: &Scratch, settings: &EngineSettings) -> (ExitStatus, String) {
        write(scratch, settings);
        let mut command = Command::new(program);
        command
            .current_dir(scratch.path())
            .args(["serve", "--config", "campanile.toml"]);
        let mut process = Process::start("engine-refused", command, scratch.path());
        let status = eventually("the engine has ended", START_LIMIT, || process.exited());
        (status, process.tail())
    }

    /// SIGKILL, in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Has it stand still for that long.
    pub fn stand_still(&self, length: Duration) {
        self.process.stand_still(length);
    }

    /// SIGTERM: it has to end by itself, in order. Returns how it ended.
    pub fn shut_down(&mut self) -> ExitStatus {
        self.process.terminate(SHUTDOWN_LIMIT)
    }

    /// Sends it the signal of that name, and does not wait.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// How it ended, or `None` while it runs.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.process.exited()
    }

    /// Starts it again under other settings.
    pub fn restart_with(&mut self, settings: &EngineSettings) {
        let file = self.directory.join("campanile.toml");
        let toml = settings.to_toml(&self.directory.join(OPERATOR_KEY_FILE));
        std::fs::write(file, toml).expect("write the configuration");
        self.restart();
    }

    /// Starts it again, with the same configuration, on other ports.
    pub fn restart(&mut self) {
        self.process.kill();
        self.starts += 1;
        self.process = spawn(self.program, &self.directory, self.starts);
        (self.api, self.admin) = addresses(&mut self.process);
    }

    /// The tenants' interface, without a key.
    pub fn api(&self) -> &Http {
        &self.api
    }

    /// The operators' interface: health and metrics.
    pub fn admin(&self) -> &Http {
        &self.admin
    }

    /// The tenants' interface with the operator's key.
    pub fn operator(&self) -> Http {
        self.api.with_key(OPERATOR_KEY)
    }

    /// A new tenant with that many credits.
    pub fn tenant(&self, name: &str, credits: u64) -> Tenant {
        let created = self
            .operator()
            .post("/v1/tenants", &json!({ "name": name }))
            .expect(201);
        let text = |key: &str| {
            created[key]
                .as_str()
                .unwrap_or_else(|| panic!("no {key}: {created}"))
                .to_owned()
        };
        let tenant = Tenant {
            id: text("id"),
            key: text("api_key"),
        };
        if credits > 0 {
            let grant = json!({ "amount": credits, "reference": format!("first credits of {name}") });
            self.operator()
                .post(&format!("/v1/tenants/{}/credits", tenant.id), &grant)
                .expect(201);
        }
        tenant
    }

    /// What `GET /v1/tenants/{id}` says.
    pub fn tenant_view(&self, tenant: &Tenant) -> Value {
        self.operator().get(&format!("/v1/tenants/{}", tenant.id)).expect(200)
    }

    /// The sum of all samples of its metrics whose name and labels `wanted` takes; 0 when there are none.
    pub fn metric(&self, wanted: impl Fn(&str) -> bool) -> f64 {
        let answer = self.admin.get("/metrics");
        assert_eq!(answer.status, 200, "{}", answer.text);
        let samples = answer.text.lines().filter(|line| !line.starts_with('#'));
        let values = samples
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(name, _)| wanted(name))
            .filter_map(|(_, value)| value.parse::<f64>().ok());
        values.sum()
    }

    /// Everything that it has logged since its last start.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        self.process.tail()
    }
}

fn write(scratch: &Scratch, settings: &EngineSettings) {
    let key_file = scratch.write("operator.key", OPERATOR_KEY);
    scratch.write("campanile.toml", &settings.to_toml(&key_file));
}

fn spawn(program: &str, directory: &std::path::Path, start: usize) -> Process {
    let mut command = Command::new(program);
    command
        .current_dir(directory)
        .args(["serve", "--config", "campanile.toml"]);
    Process::start(&format!("engine-{start}"), command, directory)
}

fn addresses(process: &mut Process) -> (Http, Http) {
    let ready = process.wait_until_ready(START_LIMIT);
    let address = |key: &str| {
        ready[key]
            .as_str()
            .unwrap_or_else(|| panic!("no {key}: {ready}"))
            .to_owned()
    };
    (Http::new(&address("api")), Http::new(&address("admin")))
}
