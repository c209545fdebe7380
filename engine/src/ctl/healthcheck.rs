//! `campanile healthcheck`: whether an engine is ready, for container images that have no other program to ask with.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use kit::output::complain;

use super::target::{Target, Trust};
use super::{INVALID_CONFIGURATION, UNREACHABLE};
use crate::config::Config;

/// An engine that has not answered by then is not ready.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Whom to ask.
#[derive(Args)]
pub(crate) struct Healthcheck {
    /// The configuration of the engine, TOML: its admin.listen is asked, over TLS if admin.tls says so.
    #[arg(long, value_name = "FILE", default_value = "campanile.toml")]
    config: PathBuf,
}

impl Healthcheck {
    /// Asks, and says what stands in the way.
    pub(crate) fn run(&self) -> ExitCode {
        let config = match Config::load(&self.config) {
            Ok(config) => config,
            Err(faults) => {
                complain(faults);
                return ExitCode::from(INVALID_CONFIGURATION);
            }
        };
        match ask(&config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                complain(format_args!("campanile: not ready: {why}"));
                ExitCode::from(UNREACHABLE)
            }
        }
    }
}

fn ask(config: &Config) -> Result<(), String> {
    let target = Target::of_config(config, Trust::default());
    let url = format!("{}/readyz", target.base());
    let agent = target.agent(ANSWER_WITHIN).map_err(|failure| failure.to_string())?;
    let mut answer = agent.get(&url).call().map_err(|error| {
        let problem = Target::problem(&error);
        format!("{url}: {}", problem.unwrap_or_else(|| error.to_string()))
    })?;
    if answer.status().is_success() {
        return Ok(());
    }
    let said = answer.body_mut().read_to_string().unwrap_or_default();
    Err(format!("{url}: {} {}", answer.status().as_u16(), said.trim()))
}
