//! One test's set-up: a directory, and the programs under test.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::LazyLock;

use lab::{EngineSettings, PostgresServer, Processes, Scratch, Site, SmscSettings};

use crate::engine::Engine;
use crate::fail::OrFail;
use crate::redis_server::RedisServer;
use crate::sim::Sim;

/// Where cargo put the programs under test; made by [`programs!`](crate::programs).
#[derive(Clone, Copy, Debug)]
pub struct Programs {
    /// The program `campanile`.
    pub engine: &'static str,
    /// The program `smpp-sim`.
    pub sim: &'static str,
    /// The directory that cargo sets aside for tests.
    pub scratch: &'static str,
}

/// The programs under test. A macro, since only a test's own compilation knows their paths.
#[macro_export]
macro_rules! programs {
    () => {
        $crate::Programs {
            engine: env!("CARGO_BIN_EXE_campanile-under-test"),
            sim: env!("CARGO_BIN_EXE_smpp-sim-under-test"),
            scratch: env!("CARGO_TARGET_TMPDIR"),
        }
    };
}

/// What all labs of this program have started and what still runs: whoever is told to end ends it first.
pub fn started() -> &'static Processes {
    static STARTED: LazyLock<Processes> = LazyLock::new(Processes::default);
    &STARTED
}

/// With `postgresql` in it, the engines of all tests keep in PostgreSQL what they would keep in SQLite (`scripts/matrix.sh`).
const DATABASE: &str = "CAMPANILE_TEST_DATABASE";

/// What an engine has it from, whatever its file says.
const URL: &str = "CAMPANILE__DATABASE__URL";

fn wants_postgres() -> bool {
    std::env::var(DATABASE).is_ok_and(|database| database == "postgresql")
}

/// A test's directory and programs.
#[derive(Debug)]
pub struct Lab {
    programs: Programs,
    site: Site,
    /// What all engines of this test keep in SQL, when that is to be tried.
    _postgres: Option<PostgresServer>,
    scratch: Scratch,
}

impl Lab {
    /// `name`: the test's, unique.
    pub fn new(programs: Programs, name: &str) -> Self {
        let scratch = Scratch::named(Path::new(programs.scratch), name).or_fail();
        let site = Site::new(started(), scratch.path());
        let postgres = wants_postgres().then(|| PostgresServer::start(&site).or_fail());
        if let Some(postgres) = &postgres {
            site.set(URL, &postgres.url());
            println!("database: PostgreSQL");
        }
        Self {
            programs,
            site,
            _postgres: postgres,
            scratch,
        }
    }

    /// The test's directory.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// Where its programs are started.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Programs that are started from now on find that in their environment.
    pub fn set(&self, name: &str, value: &str) {
        self.site.set(name, value);
    }

    /// A directory with the programs under their own names, for programs that look for them by these.
    pub fn bin_dir(&self) -> PathBuf {
        let bin = self.directory().join("bin");
        std::fs::create_dir(&bin).expect("create a directory");
        for (program, name) in [(self.programs.engine, "campanile"), (self.programs.sim, "smpp-sim")] {
            symlink(program, bin.join(name)).expect("link a program");
        }
        bin
    }

    /// A Redis of its own.
    pub fn redis(&self) -> RedisServer {
        RedisServer::start(&self.site)
    }

    /// A PostgreSQL of its own, also where all engines have one.
    pub fn postgres(&self) -> PostgresServer {
        let postgres = PostgresServer::start(&self.site).or_fail();
        if wants_postgres() {
            self.site.set(URL, &postgres.url());
        }
        postgres
    }

    /// The simulator under `scenario` (TOML).
    pub fn sim(&self, scenario: &str) -> Sim {
        Sim::start(&self.site, self.programs.sim, scenario)
    }

    /// The simulator as several SMSCs, under `scenario` (TOML).
    pub fn several_smscs(&self, scenario: &str) -> Sim {
        Sim::start_several(&self.site, self.programs.sim, scenario)
    }

    /// The engine under `settings`.
    pub fn engine(&self, settings: &EngineSettings) -> Engine {
        Engine::start(&self.site, self.programs.engine, settings)
    }

    /// An engine under `settings` that has to refuse them: how it ended, and what it said last.
    pub fn refused_engine(&self, settings: &EngineSettings) -> (ExitStatus, String) {
        lab::Engine::refused(&self.site, Path::new(self.programs.engine), settings).or_fail()
    }

    /// The engine on that Redis, with one SMSC: that simulator.
    pub fn engine_on(&self, redis: &RedisServer, sim: &Sim) -> Engine {
        self.engine(&EngineSettings::new(
            Some(redis.url()),
            vec![SmscSettings::new("north", sim.smpp_address())],
        ))
    }
}
