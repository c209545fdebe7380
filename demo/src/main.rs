//! `campanile-demo`: the main job in one go. It does what a reseller does, over HTTP, to an ordinary engine that is bound to an
//! ordinary SMSC; neither knows that it is a demonstration.

mod clinic;
mod patients;
mod report;
mod stand;
mod story;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use lab::{Cause, Supervisor, wait_for_stop};

use stand::Stand;

/// Programs start within seconds, and the story takes some more: beyond this, something hangs.
const LIMIT: Duration = Duration::from_secs(150);

/// What a shell reports for a program that ended by SIGINT.
const INTERRUPTED: u8 = 130;

/// A clinic with two practices, its file of patients, a campaign to those of one, a simulated SMSC, the seven statuses.
///
/// Everything runs on loopback with an embedded Redis in a directory that is thrown away.
#[derive(Clone, Debug, Parser)]
#[command(name = "campanile-demo", version)]
struct Options {
    /// Leave engine and simulator running afterwards, until Ctrl-C, and say where they are.
    #[arg(long)]
    keep: bool,
    /// Where `campanile` and `smpp-sim` are; absent: beside this program.
    #[arg(long, value_name = "DIRECTORY")]
    bin_dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    match show(Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("campanile-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn show(options: Options) -> Result<ExitCode> {
    let supervisor = Supervisor {
        limit: LIMIT,
        grace: stand::SHUTDOWN_LIMIT,
        announce,
    };
    let bin_dir = options.bin_dir;
    let ended = supervisor.run(move |processes| {
        let stand = Stand::start(processes, bin_dir.as_deref())?;
        story::tell(&stand)?;
        anyhow::Ok(stand)
    })?;
    if let Cause::Signal(_) = ended.cause {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let Some(told) = ended.result else {
        bail!("the demo did not come to its end")
    };
    let stand = told?;
    if options.keep {
        stand.say_where();
        wait_for_stop()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn announce(cause: Cause) {
    match cause {
        Cause::Finished => {}
        Cause::Signal(name) => eprintln!("campanile-demo: {name}: ending what was started"),
        Cause::Late(limit) => eprintln!("campanile-demo: not done after {limit:?}"),
    }
}
