//! `campanile healthcheck`: whether an engine is ready, for container images that have no other program to ask with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::client::reachable;
use super::{INVALID_CONFIGURATION, UNREACHABLE};
use crate::config::Config;

/// An engine that has not answered by then is not ready.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Whom to ask.
#[derive(Args)]
pub(crate) struct Healthcheck {
    /// The configuration of the engine, TOML: its admin.listen is asked.
    #[arg(long, value_name = "FILE", default_value = "campanile.toml")]
    config: PathBuf,
}

impl Healthcheck {
    /// Asks, and says what stands in the way.
    pub(crate) fn run(&self) -> ExitCode {
        let config = match Config::load(&self.config) {
            Ok(config) => config,
            Err(faults) => {
                eprintln!("{faults}");
                return ExitCode::from(INVALID_CONFIGURATION);
            }
        };
        match ask(reachable(config.admin.listen)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("campanile: not ready: {why}");
                ExitCode::from(UNREACHABLE)
            }
        }
    }
}

fn ask(admin: SocketAddr) -> Result<(), String> {
    let settings = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER_WITHIN))
        // The engine is on this machine: a proxy in the environment has no say.
        .proxy(None);
    let url = format!("http://{admin}/readyz");
    let mut answer = ureq::Agent::new_with_config(settings.build())
        .get(&url)
        .call()
        .map_err(|error| format!("{url}: {error}"))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let said = answer.body_mut().read_to_string().unwrap_or_default();
    Err(format!("{url}: {} {}", answer.status().as_u16(), said.trim()))
}
