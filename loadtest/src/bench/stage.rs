//! The stage of one measurement: Redis, engine and simulator, each a process of its own with a directory of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::exposition::{Histogram, sample};
use lab::usage::{self, MachineTimes};
use lab::{
    Api, Engine, EngineSettings, Fault, Processes, RedisInfo, RedisServer, RedisSettings, Scenario, Scratch, Sim,
    SimSettings, Site, SmscSettings, Totals, program,
};
use serde_json::{Value, json};

use crate::cli::{AppendFsync, BenchArguments, E2eArguments, StageArguments};
use crate::clock;

/// Ports for the simulator: below the range that Linux gives to outgoing connections (32768 and up), so that none of
/// the run's own connections takes the port before the simulator listens on it.
const PORTS: std::ops::Range<u16> = 21_000..31_000;

/// Between two looks at the submits: the error on the moment of the last one.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The longest that binding, booking or freeing may take when everything works.
const PATIENCE: Duration = Duration::from_secs(30);

/// The engine's histogram of the time from a submit_sm handed over to its message settled in Redis.
const SUBMITTED_TO_SETTLED: &str = "campanile_submitted_to_settled_seconds";

/// The engine's count of credits that were debited.
const DEBITED: &str = "campanile_credits_total{type=\"debit\"}";

/// The engine's histogram of the time from a receipt's arrival to its deliver_sm_resp.
const RECEIPT_ACK: &str = "campanile_receipt_ack_seconds";

/// Numbers in one call that opts out: as many as the engine takes.
const OPT_OUT_AT_ONCE: usize = 10_000;

/// Receipts that the SMSC has unacknowledged at most on a session: with fewer, the rate would be that number over the wait for
/// one acknowledgement, whatever the engine can do.
const RECEIPT_WINDOW: u32 = 5_000;

/// Name of the SMSC and of our account there.
const SMSC: &str = "bench";

/// What one stage is made of; the same for every stage of a run.
#[derive(Clone, Debug)]
pub(crate) struct StagePlan {
    campanile: PathBuf,
    smpp_sim: PathBuf,
    redis_server: PathBuf,
    sessions: u32,
    window: u32,
    receipt_delay_max: Duration,
    keep: bool,
    appendfsync: AppendFsync,
    /// Every other attempt is refused for now, so that there always are retries.
    storm: bool,
    /// A scenario of the simulator by name or absolute path, and its seed; `None`: everything is delivered.
    scenario: Option<(String, u64)>,
}

impl StagePlan {
    /// What these arguments ask for: everything is delivered, receipts come within a second.
    fn plain(arguments: &StageArguments) -> Result<Self> {
        let find = |name: &str| program(arguments.bin_dir.as_deref(), name);
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
            scenario: None,
        })
    }

    /// The stage of `loadtest bench`.
    pub(crate) fn new(arguments: &BenchArguments) -> Result<Self> {
        Ok(Self {
            receipt_delay_max: arguments.receipt_delay_max,
            appendfsync: arguments.appendfsync,
            storm: arguments.overtake,
            ..Self::plain(&arguments.stage)?
        })
    }

    /// The same with another engine: the program itself, or the directory that it is in.
    pub(crate) fn with_engine(self, engine: &Path) -> Result<Self> {
        let campanile = match engine.is_dir() {
            true => program(Some(engine), "campanile")?,
            false => engine.canonicalize().with_context(|| engine.display().to_string())?,
        };
        Ok(Self { campanile, ..self })
    }

    /// The same with this setting of Redis.
    pub(crate) fn with_fsync(self, appendfsync: AppendFsync) -> Self {
        Self { appendfsync, ..self }
    }

    /// The stage of `loadtest e2e`.
    pub(crate) fn for_e2e(arguments: &E2eArguments) -> Result<Self> {
        let file = Path::new(&arguments.scenario);
        // The simulator runs in a directory of its own.
        let scenario = match file.is_file() {
            true => file.canonicalize()?.display().to_string(),
            false => arguments.scenario.clone(),
        };
        Ok(Self {
            scenario: Some((scenario, arguments.seed)),
            ..Self::plain(&arguments.stage)?
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

/// Redis and an engine that would bind if the simulator were there. Dropped from top to bottom.
pub(crate) struct Stage {
    simulator: Option<Sim>,
    engine: Engine,
    redis: RedisServer,
    plan: StagePlan,
    smpp_port: u16,
    site: Site,
    _scratch: Scratch,
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

/// Whether an engine, which may be an older one, has rules of sending that can be left out.
fn knows_rules(engine: &Path) -> bool {
    let asked = Command::new(engine).args(["rules", "packs"]).output();
    asked.is_ok_and(|answer| answer.status.success())
}

impl Stage {
    /// Starts Redis and the engine, in a new directory, with an empty store.
    pub(crate) fn set(plan: &StagePlan, processes: &Processes) -> Result<Self> {
        let scratch = Scratch::temporary("campanile-bench-", plan.keep)?;
        let site = Site::new(processes, scratch.path());
        let settings = RedisSettings {
            program: plan.redis_server.clone(),
            appendfsync: plan.appendfsync.word(),
        };
        let redis = RedisServer::start(&site, &settings).context("is redis-server installed?")?;
        let smpp_port = free_port()?;
        let smsc = SmscSettings::new(SMSC, &format!("127.0.0.1:{smpp_port}")).account(SMSC);
        let smsc = smsc.sessions(plan.sessions).window(plan.window);
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        if !knows_rules(&plan.campanile) {
            settings.rules = None;
        }
        Ok(Self {
            simulator: None,
            engine: Engine::start(&site, &plan.campanile, &settings)?,
            redis,
            plan: plan.clone(),
            smpp_port,
            site,
            _scratch: scratch,
        })
    }

    /// Starts the simulator and waits until every session of the engine is bound.
    pub(crate) fn start_simulator(&mut self) -> Result<()> {
        let (scenario, seed) = match self.plan.scenario.clone() {
            Some((name, seed)) => (Scenario::Named(name), Some(seed)),
            None => (Scenario::Text(scenario_toml(&self.plan)), None),
        };
        let port = self.smpp_port;
        let simulator = Sim::start(&self.site, &self.plan.smpp_sim, &SimSettings { scenario, seed, port })?;
        let wanted = self.plan.sessions as usize;
        self.wait_until("bind every session", || Ok(simulator.sessions()? >= wanted))?;
        self.simulator = Some(simulator);
        Ok(())
    }

    /// The simulator, once it was started.
    pub(crate) fn simulator(&self) -> Result<&Sim> {
        self.simulator.as_ref().context("the simulator was not started")
    }

    /// The simulator's counters.
    pub(crate) fn totals(&self) -> Result<Totals> {
        let simulator = self.simulator()?;
        Totals::of(simulator.http()).with_context(|| simulator.silence())
    }

    /// Waits until no submit has come for `quiet`, and gives when the last change was seen.
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

    /// The engine's API with the operator's key.
    pub(crate) fn api(&self) -> Api {
        self.engine.api().clone()
    }

    /// The engine's count of settled messages with the time they took.
    pub(crate) fn settled(&self) -> Result<Histogram> {
        Ok(Histogram::parse(&self.metrics()?, SUBMITTED_TO_SETTLED))
    }

    /// Waits until the engine has debited that many credits, and says how long that took: to ask for each tenant takes longer.
    pub(crate) fn wait_until_debited(&self, credits: u64) -> Result<Duration> {
        let since = clock::now();
        self.wait_until("debit every credit", || {
            Ok(sample(&self.engine.metrics()?, DEBITED).unwrap_or_default() >= credits as f64)
        })?;
        Ok(since.elapsed())
    }

    /// Opts these numbers out of marketing, for all tenants; `None`: the engine has no stop set.
    pub(crate) fn opt_out(&self, numbers: &[String]) -> Result<Option<u64>> {
        let mut added = 0;
        for to in numbers.chunks(OPT_OUT_AT_ONCE) {
            let order = json!({ "to": to, "purpose": "marketing" });
            let answer = self.engine.admin().post("/v1/suppressions", &order)?;
            if [404, 405].contains(&answer.status) {
                return Ok(None);
            }
            let answer: Value = answer.json()?;
            added += answer["added"]
                .as_u64()
                .context("the engine does not say how many it added")?;
        }
        Ok(Some(added))
    }

    /// Bytes that Redis has given out, after it has given back what it had put off.
    pub(crate) fn redis_memory(&self) -> Result<u64> {
        let mut bytes = 0;
        self.wait_until("have Redis free its memory", || {
            let info = self.redis.info()?;
            bytes = info.used_memory_bytes;
            Ok(info.lazyfree_pending == 0)
        })?;
        Ok(bytes)
    }

    /// What every process has used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let metrics = self.metrics()?;
        Ok(Usage {
            engine_cpu_seconds: usage::cpu_seconds(self.engine.process().pid())?,
            sim_cpu_seconds: usage::cpu_seconds(self.simulator()?.pid())?,
            own_cpu_seconds: usage::cpu_seconds(std::process::id())?,
            redis: self.redis.info()?,
            machine: MachineTimes::now()?,
            submitted_to_settled: Histogram::parse(&metrics, SUBMITTED_TO_SETTLED),
            receipt_ack: Histogram::parse(&metrics, RECEIPT_ACK),
        })
    }

    /// The most memory that the engine ever had resident, in bytes.
    pub(crate) fn engine_peak_rss_bytes(&self) -> Result<u64> {
        Ok(usage::peak_rss_bytes(self.engine.process().pid())?)
    }

    /// Fails when the run is over or the engine is gone: every waiting loop asks this.
    pub(crate) fn check_open(&self) -> Result<()> {
        Ok(self.engine.process().check_running()?)
    }

    fn metrics(&self) -> Result<String> {
        self.engine.metrics().with_context(|| self.engine.process().silence())
    }

    fn wait_until(&self, what: &str, mut condition: impl FnMut() -> Result<bool, Fault>) -> Result<()> {
        let look = || Ok(condition()?.then_some(()));
        Ok(self.engine.process().wait_for(what, PATIENCE, look)?)
    }
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
         [[account]]\nsystem_id = \"{SMSC}\"\npassword = \"secret\"\nsessions = {sessions}\nwindow = {window}\n\n\
         [receipt]\nwindow = {RECEIPT_WINDOW}\ndelay = {{ uniform = [\"0s\", \"{longest}\"] }}\n\n\
         [[outcome]]\nname = \"delivered\"\nweight = 1\nstat = \"DELIVRD\"\nerr = \"000\"\n{refused}"
    )
}

/// A port that nobody listens on now; where the search begins depends on the process, so that two runs differ.
fn free_port() -> Result<u16> {
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
