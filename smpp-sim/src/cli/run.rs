use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::arguments::Run;
use super::manager;
use super::{EXIT_CANNOT_START, EXIT_SCENARIO, EXIT_USAGE};
use crate::model::{Certificate, Setup, Tls};
use crate::reader::Faults;
use crate::running::{Options, Running, start};

/// Where binds and TLS are taken when nobody says.
const SMPP_PORT: u16 = 2775;
const TLS_PORT: u16 = 2776;

/// A token that cannot be guessed in a lifetime has at least this many bytes.
const TOKEN_MIN: usize = 16;

/// Runs the simulator until SIGINT or SIGTERM.
pub(super) fn run(arguments: Run) -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .init();
    let options = match options(&arguments) {
        Ok(options) => options,
        Err(sentence) => {
            eprintln!("smpp-sim: {sentence}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let mut setup = match read(&arguments.scenario) {
        Ok(setup) => setup,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(EXIT_SCENARIO);
        }
    };
    if let Err(sentence) = overrule(&mut setup, &arguments) {
        eprintln!("smpp-sim: {sentence}");
        return ExitCode::from(EXIT_USAGE);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(usize::from(arguments.threads))
        .enable_all()
        .build();
    let served = runtime.and_then(|runtime| runtime.block_on(serve(setup, options, arguments.quiet)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("smpp-sim: {error}");
            ExitCode::from(EXIT_CANNOT_START)
        }
    }
}

fn options(arguments: &Run) -> Result<Options, String> {
    let token = match &arguments.token_file {
        None => arguments.http_token.clone(),
        Some(path) => Some(first_line(path)?),
    };
    if token.as_ref().is_some_and(|token| token.len() < TOKEN_MIN) {
        return Err(format!("the token is too short: at least {TOKEN_MIN} bytes"));
    }
    if token.is_none() && !arguments.http.ip().is_loopback() {
        return Err(format!(
            "--http {} is reachable from other machines: set --token-file FILE, or keep HTTP on loopback",
            arguments.http
        ));
    }
    Ok(Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, SMPP_PORT)),
        http: arguments.http,
        token,
        capture: arguments.capture.clone(),
    })
}

fn first_line(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("--token-file {}: {error}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// A file, or the name of a scenario that is built in.
fn read(name: &str) -> Result<Setup, Faults> {
    let path = Path::new(name);
    if path.is_file() || path.components().count() > 1 || path.extension().is_some() {
        Setup::load(path)
    } else {
        Setup::named(name)
    }
}

/// What the arguments say goes before what the scenario says. Ports are one SMSC's.
fn overrule(setup: &mut Setup, arguments: &Run) -> Result<(), String> {
    for smsc in &mut setup.smscs {
        smsc.scenario.seed = arguments.seed.unwrap_or(smsc.scenario.seed);
        smsc.scenario.time_scale = arguments.time_scale.unwrap_or(smsc.scenario.time_scale);
        smsc.scenario.max_tps = arguments.max_tps.or(smsc.scenario.max_tps);
    }
    let tls = tls(arguments)?;
    let [only] = setup.smscs.as_mut_slice() else {
        if arguments.listen.is_some() || tls.is_some() {
            return Err(
                "the scenario has several SMSCs, which name their ports themselves: no --listen, no --tls".to_owned(),
            );
        }
        return Ok(());
    };
    only.listen = arguments.listen.or(only.listen);
    if let Some(listen) = arguments.tls_listen
        && let Some(tls) = &mut only.tls
    {
        tls.listen = listen;
    }
    only.tls = tls.or(only.tls.take());
    if arguments.tls_listen.is_some() && only.tls.is_none() {
        return Err("--tls-listen goes with --tls-self-signed, --tls-cert or [tls] in the scenario".to_owned());
    }
    Ok(())
}

fn tls(arguments: &Run) -> Result<Option<Tls>, String> {
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, TLS_PORT));
    let mut tls = Tls::self_signed(arguments.tls_listen.unwrap_or(default));
    if let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        for (flag, path) in [("--tls-cert", certificate), ("--tls-key", key)] {
            std::fs::File::open(path).map_err(|error| format!("{flag} {}: {error}", path.display()))?;
        }
        tls.certificate = Certificate::Files {
            certificate: certificate.clone(),
            key: key.clone(),
        };
        return Ok(Some(tls));
    }
    Ok(arguments.tls_self_signed.then_some(tls))
}

async fn serve(setup: Setup, options: Options, quiet: bool) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (name, about, hash) = (setup.name.clone(), setup.about.clone(), setup.hash.clone());
    let running = start(setup, options).await?;
    if !quiet {
        banner(&running, &name, &about);
    }
    announce(&running, &name, &hash)?;
    manager::ready();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = manager::beat() => {}
    }
    manager::stopping();
    // A second signal does not wait for clients to answer the unbind.
    let hurry = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    running.stop_sooner(hurry).await;
    Ok(())
}

/// One line for scripts: where it listens, and everything that repeats the run.
fn announce(running: &Running, name: &str, hash: &str) -> std::io::Result<()> {
    let scenario = running.handle.scenario();
    let smscs = running.smscs.iter().map(|smsc| {
        json!({
            "name": smsc.name,
            "smpp": smsc.smpp_addr.to_string(),
            "tls": smsc.tls_addr.map(|address| address.to_string()),
            "seed": smsc.handle.scenario().seed,
        })
    });
    let line = json!({
        "ready": true,
        "smpp": running.smpp_addr.to_string(),
        "http": running.http_addr.to_string(),
        "scenario": name,
        "seed": scenario.seed,
        "time_scale": scenario.time_scale,
        "config_hash": hash,
        "version": env!("CARGO_PKG_VERSION"),
        "smscs": smscs.collect::<Vec<_>>(),
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Some lines for people.
fn banner(running: &Running, name: &str, about: &str) {
    let scenario = running.handle.scenario();
    eprintln!("smpp-sim: a simulated SMSC, NOT a carrier: no message leaves this machine.");
    eprintln!("  page and HTTP http://{}/", running.http_addr);
    for smsc in running.smscs.iter() {
        let tls = smsc.tls_addr.map(|address| format!(", with TLS {address}"));
        eprintln!(
            "  SMSC {}: SMPP {}{}",
            smsc.name,
            smsc.smpp_addr,
            tls.unwrap_or_default()
        );
    }
    let (seed, time_scale) = (scenario.seed, scenario.time_scale);
    eprintln!("  scenario {name}: {about} (seed {seed}, time scale {time_scale})");
    let addresses = running
        .smscs
        .iter()
        .flat_map(|smsc| [Some(smsc.smpp_addr), smsc.tls_addr]);
    for address in addresses.flatten().chain([running.http_addr]) {
        if !address.ip().is_loopback() {
            eprintln!("  WARNING: {address} is reachable from other machines.");
        }
    }
}
