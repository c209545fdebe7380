//! The stage of one measurement: Redis, engine and simulator, each a process of its own with a directory of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::simulator::{Simulator, free_port};
use crate::api::Api;
use crate::cli::{AppendFsync, BenchArguments, E2eArguments};
use crate::clock;
use crate::exposition::{Histogram, sample};
use crate::http::Http;
use crate::process::{Process, Processes, WorkDirectory};
use crate::procfs::{self, MachineTimes};
use crate::redis_info::{self, RedisInfo};

/// The engine's histogram of the time from a submit_sm handed over to its message settled in Redis.
pub(crate) const SUBMITTED_TO_SETTLED: &str = "campanile_submitted_to_settled_seconds";

/// The engine's count of credits that were debited.
const DEBITED: &str = "campanile_credits_total{type=\"debit\"}";

/// The engine's histogram of the time from a receipt's arrival to its deliver_sm_resp.
const RECEIPT_ACK: &str = "campanile_receipt_ack_seconds";

/// Numbers in one call that opts out: as many as the engine takes.
const OPT_OUT_AT_ONCE: usize = 10_000;

/// The engine reads it from a file, and it dies with the run.
const OPERATOR_KEY: &str = "op_bench_0123456789abcdef0123456789abcdef";

/// What one stage is made of; the same for every stage of a run.
#[derive(Clone, Debug)]
pub(crate) struct StagePlan {
    campanile: PathBuf,
    pub(crate) smpp_sim: PathBuf,
    redis_server: PathBuf,
    pub(crate) sessions: u32,
    pub(crate) window: u32,
    pub(crate) receipt_delay_max: Duration,
    keep: bool,
    appendfsync: AppendFsync,
    /// Every other attempt is refused for now, so that there always are retries.
    pub(crate) storm: bool,
    /// A scenario of the simulator by name or absolute path, and its seed; `None`: everything is delivered.
    pub(crate) scenario: Option<(String, u64)>,
}

impl StagePlan {
    /// Finds the programs.
    ///
    /// # Errors
    /// One of ours is not built.
    pub(crate) fn new(arguments: &BenchArguments) -> Result<Self> {
        let find = |name: &str| find(arguments.bin_dir.as_deref(), name);
        Ok(Self {
            campanile: find("campanile")?,
            smpp_sim: find("smpp-sim")?,
            redis_server: arguments.redis_server.clone(),
            sessions: arguments.sessions,
            window: arguments.window,
            receipt_delay_max: arguments.receipt_delay_max,
            keep: arguments.keep,
            appendfsync: arguments.appendfsync,
            storm: arguments.overtake,
            scenario: None,
        })
    }

    /// The same with another engine: the program itself, or the directory that it is in.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn with_engine(self, program: &Path) -> Result<Self> {
        let campanile = match program.is_dir() {
            true => find(Some(program), "campanile")?,
            false => program.canonicalize().with_context(|| program.display().to_string())?,
        };
        Ok(Self { campanile, ..self })
    }

    /// The same with this setting of Redis.
    pub(crate) fn with_fsync(self, appendfsync: AppendFsync) -> Self {
        Self { appendfsync, ..self }
    }

    /// The stage of `loadtest e2e`.
    ///
    /// # Errors
    /// One of our programs is not built.
    pub(crate) fn for_e2e(arguments: &E2eArguments) -> Result<Self> {
        let find = |name: &str| find(arguments.bin_dir.as_deref(), name);
        let file = Path::new(&arguments.scenario);
        // The simulator runs in a directory of its own.
        let scenario = match file.is_file() {
            true => file.canonicalize()?.display().to_string(),
            false => arguments.scenario.clone(),
        };
        Ok(Self {
            campanile: find("campanile")?,
            smpp_sim: find("smpp-sim")?,
            redis_server: arguments.redis_server.clone(),
            sessions: arguments.sessions,
            window: arguments.window,
            receipt_delay_max: Duration::from_secs(1),
            keep: arguments.keep,
            appendfsync: AppendFsync::Everysec,
            storm: false,
            scenario: Some((scenario, arguments.seed)),
        })
    }

    /// The canonical sessions and window, without programs.
    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self {
            campanile: PathBuf::new(),
            smpp_sim: PathBuf::new(),
            redis_server: PathBuf::from("redis-server"),
            sessions: 4,
            window: 500,
            receipt_delay_max: Duration::from_millis(1_500),
            keep: false,
            appendfsync: AppendFsync::Everysec,
            storm: false,
            scenario: None,
        }
    }
}

/// One of our programs: in `directory`, or beside this one.
fn find(directory: Option<&Path>, name: &str) -> Result<PathBuf> {
    let directory = match directory {
        Some(directory) => directory.to_owned(),
        None => {
            let own = std::env::current_exe().context("this program does not know where it is")?;
            own.parent().unwrap_or(Path::new(".")).to_owned()
        }
    };
    let path = directory.join(name);
    ensure!(
        path.is_file(),
        "no {}: cargo build --release -p campanile -p smpp-sim",
        path.display()
    );
    path.canonicalize().with_context(|| path.display().to_string())
}

/// Redis and an engine that would bind if the simulator were there. Dropped from top to bottom.
pub(crate) struct Stage {
    simulator: Option<Simulator>,
    engine: Process,
    _redis: Process,
    redis_socket: PathBuf,
    api: Api,
    admin: Http,
    plan: StagePlan,
    smpp_port: u16,
    processes: Processes,
    directory: WorkDirectory,
}

/// What was used up to a moment; two of them make a phase.
pub(crate) struct Usage {
    pub(crate) engine_cpu_seconds: f64,
    pub(crate) sim_cpu_seconds: f64,
    pub(crate) own_cpu_seconds: f64,
    pub(crate) redis: RedisInfo,
    pub(crate) machine: MachineTimes,
    pub(crate) submitted_to_settled: Histogram,
    /// Without observations where the engine has no such histogram.
    pub(crate) receipt_ack: Histogram,
}

impl Stage {
    /// Starts Redis and the engine, in a new directory, with an empty store.
    ///
    /// # Errors
    /// One of them does not start; its last words are in the error.
    pub(crate) fn set(plan: &StagePlan, processes: &Processes) -> Result<Self> {
        let directory = WorkDirectory::create(plan.keep)?;
        let redis_socket = directory.path().join("redis.sock");
        let redis = start_redis(plan, processes, directory.path(), &redis_socket)?;
        let smpp_port = free_port()?;
        let engine = start_engine(plan, processes, directory.path(), smpp_port)?;
        let ready: EngineReady = serde_json::from_value(engine.ready_line()?)?;
        Ok(Self {
            simulator: None,
            engine,
            _redis: redis,
            redis_socket,
            api: Api::new(&ready.api, OPERATOR_KEY.to_owned()),
            admin: Http::new(&ready.admin),
            plan: plan.clone(),
            smpp_port,
            processes: processes.clone(),
            directory,
        })
    }

    /// Starts the simulator and waits until every session of the engine is bound.
    ///
    /// # Errors
    /// It does not start, or the engine does not bind to it.
    pub(crate) fn start_simulator(&mut self) -> Result<()> {
        let simulator = Simulator::start(&self.plan, &self.processes, self.directory.path(), self.smpp_port)?;
        let wanted = self.plan.sessions as usize;
        self.engine
            .wait_until("bind every session", || Ok(simulator.sessions()? >= wanted))?;
        self.simulator = Some(simulator);
        Ok(())
    }

    /// The simulator, once it was started.
    pub(crate) fn simulator(&self) -> Result<&Simulator> {
        self.simulator.as_ref().context("the simulator was not started")
    }

    /// The engine's API with the operator's key.
    pub(crate) fn api(&self) -> Api {
        self.api.clone()
    }

    /// The engine's count of settled messages with the time they took.
    ///
    /// # Errors
    /// The engine does not answer.
    pub(crate) fn settled(&self) -> Result<Histogram> {
        Ok(Histogram::parse(&self.metrics()?, SUBMITTED_TO_SETTLED))
    }

    /// Waits until the engine has debited so many credits, and says how long that took: to ask for each tenant takes longer.
    ///
    /// # Errors
    /// The engine does not answer, or does not debit them.
    pub(crate) fn wait_until_debited(&self, credits: u64) -> Result<Duration> {
        let since = clock::now();
        let debited = || Ok(sample(&self.metrics()?, DEBITED).unwrap_or_default() >= credits as f64);
        self.engine.wait_until("debit every credit", debited)?;
        Ok(since.elapsed())
    }

    fn metrics(&self) -> Result<String> {
        self.admin.get_text("/metrics").with_context(|| self.engine.silence())
    }

    /// Opts these numbers out of marketing, for all tenants; `None`: the engine has no stop set.
    ///
    /// # Errors
    /// The engine refuses or does not answer.
    pub(crate) fn opt_out(&self, numbers: &[String]) -> Result<Option<u64>> {
        let mut added = 0;
        for to in numbers.chunks(OPT_OUT_AT_ONCE) {
            let order = OptOut {
                to,
                purpose: "marketing",
            };
            match self.admin.post_if_known::<OptedOut>("/v1/suppressions", &order)? {
                Some(answer) => added += answer.added,
                None => return Ok(None),
            }
        }
        Ok(Some(added))
    }

    /// Bytes that Redis has given out, after it has given back what it had put off.
    ///
    /// # Errors
    /// Redis does not answer.
    pub(crate) fn redis_memory(&self) -> Result<u64> {
        let mut bytes = 0;
        self.engine.wait_until("have Redis free its memory", || {
            let info = redis_info::read(&self.redis_socket)?;
            bytes = info.used_memory_bytes;
            Ok(info.lazyfree_pending == 0)
        })?;
        Ok(bytes)
    }

    /// What every process has used so far.
    ///
    /// # Errors
    /// One of them is gone.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let metrics = self.metrics()?;
        Ok(Usage {
            engine_cpu_seconds: procfs::cpu_seconds(self.engine.pid())?,
            sim_cpu_seconds: procfs::cpu_seconds(self.simulator()?.pid())?,
            own_cpu_seconds: procfs::cpu_seconds(std::process::id())?,
            redis: redis_info::read(&self.redis_socket)?,
            machine: procfs::machine_times()?,
            submitted_to_settled: Histogram::parse(&metrics, SUBMITTED_TO_SETTLED),
            receipt_ack: Histogram::parse(&metrics, RECEIPT_ACK),
        })
    }

    /// The most memory that the engine ever had resident, in bytes.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn engine_peak_rss_bytes(&self) -> Result<u64> {
        procfs::peak_rss_bytes(self.engine.pid())
    }

    /// Fails when the run is over or the engine is gone: every waiting loop asks this.
    ///
    /// # Errors
    /// See above.
    pub(crate) fn check_open(&self) -> Result<()> {
        self.processes.check_open()?;
        if !self.engine.is_running() {
            bail!("{}", self.engine.silence());
        }
        Ok(())
    }
}

/// What `POST /v1/suppressions` on the admin listener reads.
#[derive(Serialize)]
struct OptOut<'a> {
    to: &'a [String],
    purpose: &'static str,
}

#[derive(Deserialize)]
struct OptedOut {
    added: u64,
}

/// What `campanile serve` prints first: where it listens.
#[derive(Deserialize)]
struct EngineReady {
    api: String,
    admin: String,
}

/// Redis as the engine's embedded one is run, on a unix socket, with the figures of the goals in mind: an AOF,
/// and no rewrite of it in a run of some seconds.
fn start_redis(plan: &StagePlan, processes: &Processes, directory: &Path, socket: &Path) -> Result<Process> {
    let mut command = Command::new(&plan.redis_server);
    command.current_dir(directory).arg("--unixsocket").arg(socket).args([
        "--port",
        "0",
        "--unixsocketperm",
        "700",
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        plan.appendfsync.word(),
        "--hash-max-listpack-entries",
        "64",
        "--auto-aof-rewrite-min-size",
        "1gb",
        "--daemonize",
        "no",
    ]);
    let redis = processes
        .start("redis", &mut command, directory)
        .context("is redis-server installed?")?;
    redis.wait_until("answer", || Ok(redis_info::read(socket).is_ok()))?;
    Ok(redis)
}

fn start_engine(plan: &StagePlan, processes: &Processes, directory: &Path, smpp_port: u16) -> Result<Process> {
    std::fs::write(directory.join("operator.key"), OPERATOR_KEY)?;
    let configuration = directory.join("campanile.toml");
    std::fs::write(&configuration, engine_toml(plan, directory, smpp_port)?)?;
    let mut command = Command::new(&plan.campanile);
    command
        .current_dir(directory)
        .arg("serve")
        .arg("--config")
        .arg(&configuration);
    processes.start("engine", &mut command, directory)
}

/// The engine's configuration: the keys of the contract, no rate, and short pauses between attempts to bind.
fn engine_toml(plan: &StagePlan, directory: &Path, smpp_port: u16) -> Result<String> {
    // A JSON string is a TOML basic string, too.
    let quoted = |path: &Path| -> Result<String> {
        let text = path
            .to_str()
            .with_context(|| format!("{} is not UTF-8", path.display()))?;
        Ok(serde_json::to_string(text)?)
    };
    let key_file = quoted(&directory.join("operator.key"))?;
    let directory = directory
        .to_str()
        .context("the working directory's name is not UTF-8")?;
    let redis = serde_json::to_string(&format!("unix://{directory}/redis.sock"))?;
    let (sessions, window) = (plan.sessions, plan.window);
    Ok(format!(
        "[api]\nlisten = \"127.0.0.1:0\"\noperator_key_file = {key_file}\n\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n\n\
         [redis]\nurl = {redis}\n\n\
         [[smsc]]\nname = \"bench\"\naddress = \"127.0.0.1:{smpp_port}\"\nsystem_id = \"bench\"\npassword = \"secret\"\n\
         bind = \"transceiver\"\nsessions = {sessions}\nwindow = {window}\n\
         reconnect_min = \"100ms\"\nreconnect_max = \"1s\"\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_the_contracts() {
        let text = engine_toml(&StagePlan::for_test(), Path::new("/odd \"place\""), 21_000).unwrap();
        assert!(
            text.contains("operator_key_file = \"/odd \\\"place\\\"/operator.key\""),
            "{text}"
        );
        assert!(text.contains("sessions = 4\nwindow = 500\n"), "{text}");
    }

    #[test]
    fn redis_starts_answers_and_ends() {
        let directory = WorkDirectory::create(false).unwrap();
        let socket = directory.path().join("redis.sock");
        let redis = start_redis(&StagePlan::for_test(), &Processes::default(), directory.path(), &socket).unwrap();
        let info = redis_info::read(&socket).unwrap();
        assert!(info.used_memory_bytes > 100_000);
        drop(redis);
        assert!(redis_info::read(&socket).is_err());
    }
}
