//! The programs that a run goes through: a stage of its own, or those that run already.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use lab::{Api, Http, Processes, Row, Totals};

use crate::bench::{Stage, StagePlan};
use crate::cli::{E2eArguments, secret};
use crate::failure::Failure;
use crate::safety;

/// Engine and simulator.
pub(super) struct Ground {
    api: Api,
    simulator: Http,
    /// Those that this program has started; they end with it.
    stage: Option<Stage>,
}

impl Ground {
    /// Starts Redis, engine and simulator, or finds those that the arguments name.
    ///
    /// # Errors
    /// A program does not start or does not answer, or the simulator's ledger is not empty.
    pub(super) fn set(arguments: &E2eArguments, processes: &Processes) -> Result<Self> {
        let ground = match (&arguments.api, &arguments.operator_key_file, &arguments.simulator) {
            (None, None, None) => {
                let mut stage = Stage::set(&StagePlan::for_e2e(arguments)?, processes)?;
                stage.start_simulator()?;
                Self {
                    api: stage.api(),
                    simulator: stage.simulator()?.http().clone(),
                    stage: Some(stage),
                }
            }
            (Some(api), Some(key), Some(simulator)) => {
                for address in [api, simulator] {
                    safety::check(&safety::host_of(address).map_err(Failure::Usage)?, None).map_err(Failure::Usage)?;
                }
                let key = secret("--operator-key-file", key).map_err(Failure::Usage)?;
                Self {
                    api: Api::new(api, &key),
                    simulator: Http::new(simulator),
                    stage: None,
                }
            }
            _ => {
                let wanted =
                    anyhow::anyhow!("--api, --operator-key-file and --simulator belong together: give all or none");
                bail!(Failure::Usage(wanted));
            }
        };
        let totals = ground.totals().map_err(Failure::Unreachable)?;
        ensure!(
            totals.submits == 0,
            "the simulator's ledger has {} submits: empty it first (POST /reset)",
            totals.submits
        );
        Ok(ground)
    }

    /// The engine's API with the operator's key.
    pub(super) fn api(&self) -> Api {
        self.api.clone()
    }

    /// The simulator's counters.
    pub(super) fn totals(&self) -> Result<Totals> {
        Ok(Totals::of(&self.simulator)?)
    }

    /// The simulator's ledger, without texts.
    pub(super) fn submits(&self) -> Result<Vec<Row>> {
        Ok(Row::outlines(&self.simulator)?)
    }

    /// CPU seconds of the programs that this one has started, by name.
    pub(super) fn cpu_seconds(&self) -> BTreeMap<String, f64> {
        let usage = self.stage.as_ref().and_then(|stage| stage.usage().ok());
        let Some(usage) = usage else { return BTreeMap::new() };
        [
            ("engine", usage.engine_cpu_seconds),
            ("redis", usage.redis.cpu_seconds),
            ("simulator", usage.sim_cpu_seconds),
            ("loadtest", usage.own_cpu_seconds),
        ]
        .into_iter()
        .map(|(name, seconds)| (name.to_owned(), seconds))
        .collect()
    }
}
