//! The command line as a whole: one subcommand is one kind of measurement.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::bench::{self, BenchArguments};
use super::capacity::{self, CapacityArguments};
use super::modes::{self, ApiArguments, E2eArguments, ReplayArguments, SelfCheckArguments, SoakArguments};
use super::smpp::{self, SmppArguments};
use crate::compare::{self, CompareArguments};
use crate::report::Outputs;

/// Measures Campanile and other SMPP programs.
#[derive(Parser, Debug)]
#[command(name = "loadtest", version, after_help = EXAMPLES, args_override_self = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  loadtest smpp --target 127.0.0.1:2775 --system-id me --password-file secret --rate 1000/s --duration 1m
  loadtest bench
  loadtest help smpp";

/// The kinds of measurement.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Load any SMSC over SMPP.
    #[command(after_help = smpp::EXAMPLES)]
    Smpp(Box<SmppArguments>),
    /// Find the highest rate at which an SMSC answers in time.
    #[command(after_help = capacity::EXAMPLES)]
    Capacity(Box<CapacityArguments>),
    /// Load an SMSC for hours and watch memory grow.
    #[command(after_help = modes::SOAK_EXAMPLES)]
    Soak(Box<SoakArguments>),
    /// Send recorded messages again, at their own pace or faster.
    #[command(after_help = modes::REPLAY_EXAMPLES)]
    Replay(Box<ReplayArguments>),
    /// Load the HTTP API of a running engine with single messages.
    #[command(after_help = modes::API_EXAMPLES)]
    Api(Box<ApiArguments>),
    /// Send campaigns through the whole product and compare the engine's ledger with the simulator's.
    #[command(after_help = modes::E2E_EXAMPLES)]
    E2e(Box<E2eArguments>),
    /// What this machine's generator can do, against a simulator in the same process.
    #[command(after_help = modes::SELF_CHECK_EXAMPLES)]
    SelfCheck(Box<SelfCheckArguments>),
    /// Run a profile: a TOML file, or one that comes with the program. Without a name: list them.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArguments),
    /// Print the completions of a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the man pages of the program and of each command into a directory.
    Man {
        /// Where to.
        directory: PathBuf,
    },
    /// The whole product on this machine: Redis, engine and simulator as processes of their own, driven through the API.
    #[command(after_help = bench::EXAMPLES)]
    Bench(BenchArguments),
    /// Two saved runs side by side: every figure with its ratio and a verdict. Exit code 99: something regressed.
    #[command(after_help = compare::EXAMPLES)]
    Compare(CompareArguments),
    /// The reports of a saved run once more, or other ones.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArguments),
    /// Prints the JSON schema of what `--out` writes.
    Schema,
}

const REPORT_EXAMPLES: &str = "\
Examples:
  loadtest report run.json                          in words
  loadtest report run.json --html run.html          as a page with charts
  loadtest report run.json --quiet --csv run.csv --hdr run.hlog --junit run.xml";

/// `loadtest report`: which run, as what.
#[derive(Args, Debug, Clone)]
pub(crate) struct ReportArguments {
    /// A file that `--out` has written.
    pub(crate) results: PathBuf,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

const RUN_EXAMPLES: &str = "\
Examples:
  loadtest run                                      lists the profiles that come with the program
  loadtest run smoke --target 127.0.0.1:2775
  loadtest run mine.toml --count 500                what follows on the command line wins

A profile has `mode` and, as keys, the long options of that mode: rate = \"1000/s\", threshold = [\"lost==0\"], abort-on-fail = true.";

/// `loadtest run`.
#[derive(Args, Debug, Clone)]
pub(crate) struct RunArguments {
    /// A file, or the name of a profile that comes with the program
    pub(crate) profile: Option<String>,
    /// Options of the profile's mode that win over the profile's
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) options: Vec<std::ffi::OsString>,
}
