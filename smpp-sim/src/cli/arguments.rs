use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::healthcheck::Healthcheck;
use crate::model::{Setup, TIME_SCALE};
use crate::reader::{BUILT_IN, BuiltIn, QUIRKS, RATE, parse_rate};

const EXAMPLES: &str = "\
Examples:
  smpp-sim                                       healthy: any credentials, delivers everything
  smpp-sim --scenario fr-4379 --time-scale 10    built in; receipts ten times as fast
  smpp-sim --scenario mine.toml --seed 7         a file of your own
  smpp-sim check mine.toml                       every fault of it, without opening a port
  smpp-sim presets --show ovh                    what is known of a carrier, and where from
  smpp-sim --max-tps 100/s                       not more than that from all accounts together
  smpp-sim --capture all.pcapng                  every PDU, for Wireshark
  smpp-sim --tls-self-signed                     TLS on 127.0.0.1:2776, too
  smpp-sim --listen 127.0.0.1:0 --http 127.0.0.1:0
                                                 free ports; one line of JSON on standard output says which
  curl http://127.0.0.1:2780/ledger/totals
  curl 'http://127.0.0.1:2780/wait?receipts_acked=1000&timeout=60s'
  xdg-open http://127.0.0.1:2780/                the page: sessions, conversations, replies

Exit codes: 0 ended as told, 1 cannot listen, 2 wrong arguments, 3 the scenario has faults (all are listed).";

/// An SMSC that obeys a scenario, for testing SMPP clients. It is not a carrier: nothing leaves the machine.
#[derive(Debug, Parser)]
#[command(name = "smpp-sim", version, args_conflicts_with_subcommands = true, after_help = help())]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,

    #[command(flatten)]
    pub(super) run: Run,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the simulator, as without any command
    Run(Box<Run>),
    /// Read scenario files and list every fault; exit code 3 if there is one
    #[command(after_help = "Example:\n  smpp-sim check scenarios/*.toml")]
    Check(Check),
    /// List the scenarios that are built in, or print one
    #[command(after_help = "Example:\n  smpp-sim scenarios --show fr-4379 > mine.toml")]
    Scenarios(Scenarios),
    /// List the carriers that a scenario may begin with (preset = "NAME"), or print what is known of one
    #[command(after_help = "Example:\n  smpp-sim presets --show ovh")]
    Presets(Presets),
    /// Say whether a simulator lives: exit code 0 if it does, 1 if not
    Healthcheck(Healthcheck),
    /// List the numbers whose last digits choose what happens
    Magic,
    /// Print the JSON schema of scenario files, for editors
    #[command(after_help = "Example:\n  smpp-sim schema > scenario.schema.json")]
    Schema,
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
    /// Print completions for a shell
    #[command(after_help = "Example:\n  smpp-sim completions bash > /etc/bash_completion.d/smpp-sim")]
    Completions(Completions),
    /// Print the man page, or write those of all commands into a directory
    #[command(after_help = "Example:\n  smpp-sim man | man -l -")]
    Man(Man),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// TOML files
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Scenarios {
    /// Print this one's file
    #[arg(long, value_name = "NAME")]
    pub(super) show: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Presets {
    /// Print this one's file
    #[arg(long, value_name = "NAME")]
    pub(super) show: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// bash, elvish, fish, powershell or zsh
    pub(super) shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// Where to write smpp-sim.1 and the pages of its commands; made if it is not there
    #[arg(value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Where to listen for binds [default: 127.0.0.1:2775, or what the scenario says]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    pub(super) listen: Option<SocketAddr>,

    /// Where to serve the page, the ledger and the controls (beyond loopback only with a token)
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2780", value_parser = address)]
    pub(super) http: SocketAddr,

    /// A TOML file, or the name of a scenario that is built in [default: healthy]
    #[arg(long, value_name = "FILE|NAME", default_value = "healthy", hide_default_value = true)]
    pub(super) scenario: String,

    /// Instead of the scenario's seed
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: Option<u64>,

    /// Divide the scenario's delays by this
    #[arg(long, value_name = "FACTOR", value_parser = time_scale)]
    pub(super) time_scale: Option<f64>,

    /// Submits that all accounts together may make in any one second; beyond: as each account's beyond_rate
    #[arg(long, value_name = "RATE", value_parser = max_tps)]
    pub(super) max_tps: Option<u32>,

    /// Threads that serve sessions; one takes over 200,000 messages a second
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) threads: u16,

    /// Record every PDU of every session, at most 512 MiB, as pcapng for Wireshark
    #[arg(long, value_name = "FILE.pcapng")]
    pub(super) capture: Option<PathBuf>,

    /// Speak TLS with a certificate made now
    #[arg(long, conflicts_with = "tls_cert")]
    pub(super) tls_self_signed: bool,

    /// Speak TLS with this certificate and those that signed it (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,

    /// Where to speak TLS [default: 127.0.0.1:2776]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    pub(super) tls_listen: Option<SocketAddr>,

    /// The first line of this file is the token that HTTP clients must show
    #[arg(long, value_name = "FILE", conflicts_with = "http_token")]
    pub(super) token_file: Option<PathBuf>,

    /// The token itself (other users of the machine can read it: prefer --token-file)
    #[arg(long, value_name = "TOKEN")]
    pub(super) http_token: Option<String>,

    /// No lines for people on standard error, only warnings and errors
    #[arg(long)]
    pub(super) quiet: bool,
}

fn help() -> String {
    let (quirks, general): (Vec<BuiltIn>, Vec<BuiltIn>) = BUILT_IN
        .iter()
        .copied()
        .partition(|built_in| built_in.name.starts_with(QUIRKS));
    let mut help = format!("{EXAMPLES}\n\nScenarios that are built in:\n");
    for built_in in general {
        let about = Setup::named(built_in.name).map(|setup| setup.about).unwrap_or_default();
        help.push_str(&format!("  {:<16} {about}\n", built_in.name));
    }
    let count = quirks.len();
    help + &format!("  {QUIRKS}...       {count} ways to write ids and receipts: smpp-sim scenarios lists them")
}

fn max_tps(text: &str) -> Result<u32, String> {
    parse_rate(text).ok_or_else(|| RATE.to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let allowed = "an IP address and a port, such as 127.0.0.1:2775 or [::1]:2775; port 0 is any free one";
    text.parse().map_err(|_| allowed.to_owned())
}

fn time_scale(text: &str) -> Result<f64, String> {
    let factor: Result<f64, _> = text.parse();
    factor
        .ok()
        .filter(|factor| TIME_SCALE.contains(factor))
        .ok_or_else(|| format!("a number from {} to {}", TIME_SCALE.start(), TIME_SCALE.end()))
}
