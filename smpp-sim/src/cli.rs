//! The command line.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::{BUILT_IN, Faults, Options, Running, Scenario, start};

/// A port could not be opened.
const EXIT_CANNOT_START: u8 = 1;

/// The scenario is wrong.
const EXIT_SCENARIO: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  smpp-sim                                       healthy: any credentials, delivers everything
  smpp-sim --scenario fr-4379 --time-scale 10    built in; receipts ten times as fast
  smpp-sim --scenario mine.toml --seed 7         a file of your own
  smpp-sim --listen 127.0.0.1:0 --http 127.0.0.1:0
                                                 free ports; one line of JSON on standard output says which
  curl http://127.0.0.1:2780/ledger/totals
  curl 'http://127.0.0.1:2780/wait?receipts_acked=1000&timeout=60s'

Exit codes: 0 ended as told, 1 cannot listen, 2 wrong arguments, 3 the scenario has faults (all are listed).";

/// An SMSC that obeys a scenario, for testing SMPP clients. It is not a carrier: nothing leaves the machine.
#[derive(Debug, Parser)]
#[command(name = "smpp-sim", version, after_help = help())]
struct Arguments {
    /// Where to listen for binds
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2775")]
    listen: SocketAddr,

    /// Where to serve the ledger and the controls (there is no password: keep it on loopback)
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2780")]
    http: SocketAddr,

    /// A TOML file, or the name of a scenario that is built in [default: healthy]
    #[arg(long, value_name = "FILE|NAME", default_value = "healthy", hide_default_value = true)]
    scenario: String,

    /// Instead of the scenario's seed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Divide the scenario's delays by this
    #[arg(long, value_name = "FACTOR", value_parser = time_scale)]
    time_scale: Option<f64>,

    /// Threads that serve sessions; one takes over 200,000 messages a second
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
}

fn help() -> String {
    let mut help = "Scenarios that are built in:\n".to_owned();
    for built_in in BUILT_IN {
        let about = Scenario::named(built_in.name)
            .map(|scenario| scenario.about)
            .unwrap_or_default();
        help.push_str(&format!("  {:<16} {about}\n", built_in.name));
    }
    help + "\n" + EXAMPLES
}

fn time_scale(text: &str) -> Result<f64, String> {
    let factor: Result<f64, _> = text.parse();
    factor
        .ok()
        .filter(|factor| (0.001..=1_000_000.0).contains(factor))
        .ok_or_else(|| "0.001 to 1000000".to_owned())
}

/// Runs the program with the process's arguments, until SIGINT or SIGTERM; its exit code.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .init();
    let scenario = match scenario(&arguments) {
        Ok(scenario) => scenario,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(EXIT_SCENARIO);
        }
    };
    let runtime = Builder::new_multi_thread()
        .worker_threads(usize::from(arguments.threads))
        .enable_all()
        .build();
    let served = runtime.and_then(|runtime| runtime.block_on(serve(&arguments, scenario)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("smpp-sim: {error}");
            ExitCode::from(EXIT_CANNOT_START)
        }
    }
}

fn scenario(arguments: &Arguments) -> Result<Scenario, Faults> {
    let path = Path::new(&arguments.scenario);
    let mut scenario = if path.is_file() || path.components().count() > 1 || path.extension().is_some() {
        Scenario::load(path)?
    } else {
        Scenario::named(&arguments.scenario)?
    };
    scenario.seed = arguments.seed.unwrap_or(scenario.seed);
    scenario.time_scale = arguments.time_scale.unwrap_or(scenario.time_scale);
    Ok(scenario)
}

async fn serve(arguments: &Arguments, scenario: Scenario) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let options = Options {
        listen: arguments.listen,
        http: arguments.http,
    };
    let running = start(scenario, options).await?;
    banner(&running);
    announce(&running)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::select! {
        () = running.stop() => {}
        // A second signal does not wait for clients to answer the unbind.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// One line for scripts.
fn announce(running: &Running) -> std::io::Result<()> {
    let scenario = running.handle.scenario();
    let line = serde_json::json!({
        "ready": true,
        "smpp": running.smpp_addr.to_string(),
        "http": running.http_addr.to_string(),
        "scenario": scenario.name,
        "seed": scenario.seed,
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Some lines for people.
fn banner(running: &Running) {
    let scenario = running.handle.scenario();
    eprintln!("smpp-sim: a simulated SMSC, NOT a carrier: no message leaves this machine.");
    eprintln!("  SMPP {}   HTTP http://{}/", running.smpp_addr, running.http_addr);
    eprintln!(
        "  scenario {}: {} (seed {}, time scale {})",
        scenario.name, scenario.about, scenario.seed, scenario.time_scale
    );
    for address in [running.smpp_addr, running.http_addr] {
        if !address.ip().is_loopback() {
            eprintln!("  WARNING: {address} is reachable from other machines.");
        }
    }
}
