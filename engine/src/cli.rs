//! The command line: what is asked for, and the exit code that says how it went.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use kit::output::{complain, print};
use kit::settings::{Fault, Place};

use crate::config::{Origin, Setting};
use crate::ctl::{
    self, Ask, Backup, Doctor, Healthcheck, INVALID_CONFIGURATION, Restore, SmscAsk, UNREACHABLE, WENT_WRONG,
};
use crate::decode::Decode;
use crate::logs::Logs;
use crate::metrics::reference;
use crate::otel::Tracer;
use crate::probe::{self, Refused, Test, Tool};
use crate::run::{Given, Ready, RunFault, load, load_with_origins, run};
use crate::shutdown::Shutdown;
use crate::store::{EmbeddedFault, UnlockFault};

/// How long threads that block may go on at the end.
const LAST_THREADS: Duration = Duration::from_millis(200);

/// A multi-tenant SMS campaign engine that talks SMPP to aggregators.
#[derive(Parser)]
#[command(
    name = "campanile",
    version,
    after_help = "Examples:\n  campanile check --config campanile.toml     find every fault of a configuration\n  \
                  campanile serve --config campanile.toml     run it\n  \
                  campanile decode number < numbers.txt      say what each number is\n  \
                  campanile smsc test north                   bind to an SMSC, and say what it answers\n  \
                  campanile status                            see how a running engine is\n  \
                  campanile smsc drain north                  give an SMSC nothing more, and wait for its answers\n  \
                  campanile backup campanile.tar              keep what Redis has, when the engine has ended\n\n\
                  Exit codes: 0 done, 1 it went wrong, 2 wrong arguments, 3 invalid configuration, 4 the engine, Redis or an SMSC \
                  cannot be reached, 5 the engine refused it."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the engine until SIGTERM; a second SIGTERM ends it at once. SIGHUP has it read its configuration again.
    ///
    /// Prints one line of JSON on standard output when it takes requests: {"ready":true,"api":"…","admin":"…"}. Logs go
    /// to standard error; RUST_LOG chooses how much, or log.filter (default: info).
    Serve {
        /// The configuration, TOML.
        #[arg(long, value_name = "FILE", default_value = "campanile.toml")]
        config: PathBuf,
    },
    /// Explain a receipt, two ids, a text or a number by the engine's own rules.
    #[command(subcommand)]
    Decode(Decode),
    /// Say whether the engine of a configuration is ready: exit code 0 if it is, 4 if not.
    Healthcheck(Healthcheck),
    /// SMSCs: what is known of carriers, trying one of ours, and those of a running engine.
    #[command(subcommand)]
    Smsc(Smscs),
    /// Describe every metric, in Markdown; nothing is started.
    Metrics {
        /// As a list for programs: name, type, labels, unit, meaning, advice.
        #[arg(long)]
        json: bool,
    },
    /// Print the OpenAPI document of the public listener; nothing is started.
    Openapi,
    /// Check a configuration and say every fault that it has, or what counts for each SMSC; nothing is started.
    Check {
        /// The configuration, TOML.
        #[arg(long, value_name = "FILE", default_value = "campanile.toml")]
        config: PathBuf,
        /// Also connect to Redis and to every SMSC, without binding: exit code 4 when one of them cannot be reached.
        #[arg(long)]
        connect: bool,
        /// The faults, and what was reached, as JSON.
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Ask(Ask),
    /// Look at the settings of Redis and of this machine that matter, and say how each is mended. Exit code 1: one is bad.
    Doctor(Doctor),
    /// Keep what Redis has in one file. The engine has ended, Redis runs, and its data folder can be read from here.
    ///
    /// A backup is an older state: what an engine sends after it would be sent again from it.
    Backup(Backup),
    /// Bring a backup back, or look whether it is whole. Redis and the engine are started after it.
    Restore(Restore),
    /// Print the completions of a shell.
    #[command(after_help = "Example:\n  campanile completions bash > /etc/bash_completion.d/campanile")]
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Write the man pages, one for each command, into a directory, which is made if it is not there.
    Man {
        /// The directory.
        directory: PathBuf,
    },
}

/// Both kinds of commands about SMSCs.
#[derive(Subcommand)]
enum Smscs {
    #[command(flatten)]
    Tool(Tool),
    #[command(flatten)]
    Ask(SmscAsk),
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Serve { config } => serve(&config),
        Command::Check { config, connect, json } => check(&config, (connect, json)),
        Command::Metrics { json } => describe_metrics(json),
        Command::Openapi => say(&crate::api::document()),
        Command::Decode(what) => what.run(),
        Command::Healthcheck(whom) => whom.run(),
        Command::Smsc(Smscs::Tool(Tool::Presets { name, json })) => probe::show_presets(name.as_deref(), json),
        Command::Smsc(Smscs::Tool(Tool::Test(test))) => try_out(test),
        Command::Smsc(Smscs::Ask(ask)) => ask.run(),
        Command::Ask(ask) => ask.run(),
        Command::Doctor(doctor) => with_runtime(async move { ctl::ended(doctor.run().await) }),
        Command::Backup(backup) => with_runtime(async move { ctl::ended(backup.run().await) }),
        Command::Restore(restore) => ctl::ended(restore.run()),
        Command::Completions { shell } => completions(shell),
        Command::Man { directory } => manual(&directory),
    }
}

fn describe_metrics(json: bool) -> ExitCode {
    let text = if json {
        format!("{:#}\n", reference::json())
    } else {
        reference::markdown()
    };
    say(&text)
}

/// What was asked for. Who stops reading it has what he wants.
fn say(text: &str) -> ExitCode {
    match print(text) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("campanile: the output cannot be written: {error}"));
            ExitCode::from(WENT_WRONG)
        }
    }
}

fn check(path: &Path, (connect, json): (bool, bool)) -> ExitCode {
    match load_with_origins(path) {
        Ok((config, _)) if json && !connect => {
            let smscs: Vec<&str> = config.smsc.iter().map(|smsc| smsc.name.as_str()).collect();
            let found = serde_json::json!({ "file": path, "valid": true, "smscs": smscs, "faults": [] });
            say(&format!("{found:#}\n"))
        }
        Err(faults) if json => {
            let faults: Vec<serde_json::Value> = faults.0.iter().map(fault).collect();
            let found = serde_json::json!({ "file": path, "valid": false, "smscs": [], "faults": faults });
            say(&format!("{found:#}\n"));
            ExitCode::from(INVALID_CONFIGURATION)
        }
        Ok((config, _)) if connect => with_runtime(async move { ctl::ended(ctl::reach(&config, json).await) }),
        Ok((config, settings)) => {
            let accounts: String = settings.iter().map(|settings| effective(settings)).collect();
            say(&format!(
                "{}: ok, {} SMSC(s)\n{accounts}",
                path.display(),
                config.smsc.len()
            ))
        }
        Err(faults) => invalid(&faults),
    }
}

/// A fault for programs.
fn fault(fault: &Fault) -> serde_json::Value {
    let (file, line, variable) = match &fault.place {
        Place::File(file) => (Some(file), None, None),
        Place::Line(file, line) => (Some(file), Some(*line), None),
        Place::Environment(variable) => (None, None, Some(variable)),
    };
    serde_json::json!({ "file": file, "line": line, "variable": variable, "key": fault.key, "problem": fault.problem })
}

fn try_out(test: Test) -> ExitCode {
    with_runtime(async move {
        match test.run().await {
            Ok(code) => code,
            Err(Refused::Configuration(faults)) => invalid(&faults),
            Err(Refused::Usage(problem)) => probe::usage(&problem),
        }
    })
}

/// What counts for an account, as a configuration would say it, and who decided on it.
fn effective(settings: &[Setting]) -> String {
    let mut lines = "\n[[smsc]]\n".to_owned();
    for setting in settings {
        let line = format!("{} = {}", setting.key, setting.value);
        lines += &match setting.origin {
            Origin::Own => format!("{line}\n"),
            Origin::Preset => format!("{line:<40} # preset\n"),
            Origin::Default => format!("{line:<40} # default\n"),
        };
    }
    lines
}

fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "campanile", &mut script);
    say(&String::from_utf8_lossy(&script))
}

fn manual(directory: &Path) -> ExitCode {
    let made = std::fs::create_dir_all(directory);
    match made.and_then(|()| clap_mangen::generate_to(Arguments::command(), directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("campanile: {}: {error}", directory.display()));
            ExitCode::from(WENT_WRONG)
        }
    }
}

fn serve(path: &Path) -> ExitCode {
    let config = match load(path) {
        Ok(config) => config,
        Err(faults) => return invalid(&faults),
    };
    let tracer = match Tracer::start(&config.traces) {
        Ok(tracer) => tracer,
        Err(fault) => return exit_code(Err(fault.into())),
    };
    let given = Given {
        logs: Logs::start(&config.log, tracer.layer()),
        tracer,
        config,
        file: path.to_owned(),
    };
    with_runtime(async move {
        let shutdown = Shutdown::default();
        let signals = shutdown.clone().on_signals();
        tokio::select! {
            ended = run(given, shutdown, announce) => exit_code(ended),
            Err(error) = signals => {
                complain(format_args!("campanile: cannot listen for signals: {error}"));
                ExitCode::from(WENT_WRONG)
            }
        }
    })
}

/// Scripts read this line; people read what follows it.
fn announce(ready: &Ready) {
    let mut line = serde_json::json!({ "ready": true, "api": ready.api, "admin": ready.admin });
    if let Some(links) = ready.links {
        line["links"] = serde_json::json!(links);
    }
    if let Err(error) = print(&format!("{line}\n")) {
        tracing::warn!(%error, "standard output cannot be written");
    }
    if let Some(key) = &ready.new_operator_key {
        complain(format_args!("The operator key, shown this once: {key}"));
        complain("Keep it: it makes tenants and grants credits. Lost, it is replaced by api.operator_key_file.");
    }
}

fn exit_code(ended: Result<(), RunFault>) -> ExitCode {
    let Err(fault) = ended else { return ExitCode::SUCCESS };
    complain(format_args!("campanile: {fault}"));
    match fault {
        RunFault::Connect(..)
        | RunFault::Store(_)
        | RunFault::Guard(_)
        | RunFault::Database(_)
        | RunFault::Mirror(_)
        | RunFault::Webhook(_)
        | RunFault::Embedded(EmbeddedFault::NotInstalled | EmbeddedFault::NoShell) => ExitCode::from(UNREACHABLE),
        RunFault::Unlock(UnlockFault::Store(_)) => ExitCode::from(UNREACHABLE),
        RunFault::Unlock(UnlockFault::File(_))
        | RunFault::Embedded(_)
        | RunFault::Listen(..)
        | RunFault::OperatorKey(_)
        | RunFault::Table(_)
        | RunFault::Words(_)
        | RunFault::Tracer(_)
        | RunFault::NoRandom(_)
        | RunFault::Overtaken
        | RunFault::Metrics(_) => ExitCode::from(WENT_WRONG),
    }
}

fn invalid(faults: &crate::config::Faults) -> ExitCode {
    complain(faults);
    ExitCode::from(INVALID_CONFIGURATION)
}

fn with_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let ended = runtime.block_on(work);
            // A body that is being read blocks a thread, which nobody waits for any more.
            runtime.shutdown_timeout(LAST_THREADS);
            ended
        }
        Err(error) => {
            complain(format_args!("campanile: cannot start the runtime: {error}"));
            ExitCode::from(WENT_WRONG)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
