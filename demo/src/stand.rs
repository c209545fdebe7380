//! What the story happens on: the programs, in a directory that is thrown away.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use lab::{Engine, EngineSettings, Processes, Scenario, Scratch, Sim, SimSettings, Site, SmscSettings, program};

/// The scenario: which SMSC answers and receipts there will be, to the message.
const SCENARIO: &str = "fr-4379";

/// What the simulated SMSC allows in a second: enough to be done soon, little enough to watch it.
pub(crate) const RATE: u32 = 1_000;

/// The number that people write STOP to.
const STOP_NUMBER: &str = "36180";

/// How long the engine may take to end in order, its Redis included.
pub(crate) const SHUTDOWN_LIMIT: Duration = Duration::from_secs(25);

/// The programs. Dropped from top to bottom: the engine ends before its SMSC, and both before their directory.
pub(crate) struct Stand {
    pub(crate) engine: Engine,
    pub(crate) simulator: Sim,
    _scratch: Scratch,
}

impl Stand {
    /// Starts the simulator, and the engine bound to it, with the rules that it has when nobody says otherwise.
    pub(crate) fn start(processes: &Processes, bin_dir: Option<&Path>) -> Result<Self> {
        let (campanile, smpp_sim) = (program(bin_dir, "campanile")?, program(bin_dir, "smpp-sim")?);
        let scratch = Scratch::temporary("campanile-demo-", false)?;
        let site = Site::new(processes, scratch.path());
        let scenario = Scenario::Named(SCENARIO.to_owned());
        let simulator = Sim::start(&site, &smpp_sim, &SimSettings::new(scenario))?;
        let smsc = SmscSettings::new("demo", simulator.smpp_address()).sessions(2);
        let settings = EngineSettings {
            rules: None,
            engine_lines: vec![format!("stop_number = \"{STOP_NUMBER}\"")],
            ..EngineSettings::new(None, vec![smsc.line(&format!("rate = \"{RATE}/s\""))])
        };
        Ok(Self {
            engine: Engine::start(&site, &campanile, &settings)?,
            simulator,
            _scratch: scratch,
        })
    }

    /// Where a visitor may look.
    pub(crate) fn say_where(&self) {
        let Self { engine, simulator, .. } = self;
        let (api, key) = (engine.api().public().address(), engine.operator_key());
        let (admin, ledger) = (engine.admin().address(), simulator.http().address());
        println!("\n  Still running, until Ctrl-C:");
        println!("    API        http://{api}/docs  (operator key {key})");
        println!("    metrics    http://{admin}/metrics");
        println!(
            "    simulator  http://{ledger}/ledger/totals  (SMPP on {})",
            simulator.smpp_address()
        );
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // Whoever does not end in time is killed.
        self.engine.process().terminate(SHUTDOWN_LIMIT).ok();
    }
}
