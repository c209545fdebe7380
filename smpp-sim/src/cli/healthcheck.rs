//! `smpp-sim healthcheck`: whether a simulator lives, for container images that have no other program to ask with.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::EXIT_CANNOT_START;

/// A simulator that has not answered by then does not live.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    /// Where the simulator serves HTTP; no token is needed for this
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2780")]
    http: SocketAddr,
}

/// Exit code 1: it does not, and standard error says what came instead of the answer.
pub(super) fn healthcheck(whom: &Healthcheck) -> io::Result<ExitCode> {
    let settings = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_WITHIN))
        // It is on this machine: a proxy in the environment has no say.
        .proxy(None);
    let url = format!("http://{}/livez", whom.http);
    Ok(match ureq::Agent::new_with_config(settings.build()).get(&url).call() {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("smpp-sim: {url}: {error}");
            ExitCode::from(EXIT_CANNOT_START)
        }
    })
}
