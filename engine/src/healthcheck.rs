//! `campanile healthcheck`: whether an engine is ready, for container images that have no other program to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::config::Config;

/// Exit codes, as of the other commands.
const INVALID_CONFIGURATION: u8 = 3;
const NOT_READY: u8 = 4;

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
                ExitCode::from(NOT_READY)
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

/// Who listens on every address is asked on this machine's own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_here() {
        let asked = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:9090"), "127.0.0.1:9090");
        assert_eq!(asked("[::]:9090"), "[::1]:9090");
        assert_eq!(asked("10.1.2.3:9090"), "10.1.2.3:9090");
    }
}
