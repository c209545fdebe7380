//! The modes beside `smpp` and `bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use smpp::session::Timers;

use super::judge::JudgeArguments;
use super::load::{LoadArguments, duration, whole};
use super::smpp::{SmppArguments, TargetArguments, TrafficArguments};
use super::stage::StageArguments;
use crate::report::Outputs;

pub(super) const SOAK_EXAMPLES: &str = "\
Examples:
  loadtest soak --rate 200/s --arrivals poisson --duration 8h --target-pid 4711 --rss-growth-max 10
  loadtest run soak --target 127.0.0.1:2775 --duration 30m --html soak.html";

pub(super) const REPLAY_EXAMPLES: &str = "\
Examples:
  loadtest replay monday.csv --target 127.0.0.1:2775
  loadtest replay monday.jsonl --speed 60 --threshold 'lost==0'

CSV has a header with at, to, text, sender; JSON lines have the same keys. `at` is a time (2026-11-22T09:00:00Z) or seconds.";

pub(super) const SELF_CHECK_EXAMPLES: &str = "\
Examples:
  loadtest self-check                 before you believe a figure: what can the generator do here?
  loadtest self-check --count 2000000 --json";

pub(super) const API_EXAMPLES: &str = "\
Examples:
  loadtest api --api 127.0.0.1:8080 --key-file tenant.key --rate 200/s --duration 30s
  loadtest api --api 127.0.0.1:8080 --key-file a.key --key-file b.key --zipf 1 --count 10000 --threshold 'api_latency:p(99)<100ms'";

pub(super) const E2E_EXAMPLES: &str = "\
Examples:
  loadtest e2e --tenants 10 --recipients 1000
      starts Redis, engine and simulator; every message must be where both ledgers say
  loadtest e2e --scenario unreliable --tenants 20 --zipf 1 --marketing 0.5
  loadtest e2e --api 127.0.0.1:8080 --operator-key-file op.key --simulator 127.0.0.1:2780
      uses programs that run already; the simulator's ledger must be empty

Exit code 99 if a message is lost, doubled or has the wrong status, or a credit is missing.";

/// `loadtest soak`: a load that lasts, with memory watched.
#[derive(Args, Clone, Debug)]
pub(crate) struct SoakArguments {
    #[command(flatten)]
    pub(crate) smpp: SmppArguments,
    /// The SMSC's process on this machine, whose memory is watched as well
    #[arg(long, value_name = "PID", help_heading = "Memory")]
    pub(crate) target_pid: Option<u32>,
    /// Resident memory may grow by this many percent from the end of the warm-up to the end
    #[arg(long, value_name = "PERCENT", default_value_t = 20.0, help_heading = "Memory")]
    pub(crate) rss_growth_max: f64,
}

/// `loadtest replay`: recorded messages at their own pace, or faster.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReplayArguments {
    /// The recording: CSV with a header, or JSON lines (.jsonl)
    pub(crate) file: PathBuf,
    /// How many times as fast as recorded
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// How long answers and receipts are waited for after the last message
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) drain: Duration,
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

/// `loadtest self-check`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SelfCheckArguments {
    /// Messages of the closed run
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    pub(crate) count: u64,
    /// Sessions
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = whole::<1, 64>)]
    pub(crate) sessions: u32,
    /// Unanswered submit_sm in each
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = whole::<1, 10_000>)]
    pub(crate) window: u32,
    /// What the numbers depend on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

/// `loadtest api`: single messages into a running engine.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApiArguments {
    /// The engine's public API, as HOST:PORT
    #[arg(
        long,
        short,
        env = "LOADTEST_API",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:8080",
        help_heading = "Target"
    )]
    pub(crate) api: String,
    /// A file whose first line is a tenant's API key; several are several tenants
    #[arg(
        long,
        short,
        env = "LOADTEST_KEY_FILE",
        value_name = "FILE",
        required = true,
        help_heading = "Target"
    )]
    pub(crate) key_file: Vec<PathBuf>,
    /// Connections at the same time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = whole::<1, 512>, help_heading = "Target")]
    pub(crate) connections: u32,
    /// The one host outside this machine that you have the right to load
    #[arg(long, value_name = "HOST", help_heading = "Target")]
    pub(crate) i_own: Option<String>,
    /// Tenant k gets a share in proportion to 1/k to this power; 0: all the same
    #[arg(long, value_name = "POWER", default_value_t = 0.0, value_parser = zipf, help_heading = "Traffic")]
    pub(crate) zipf: f64,
    /// Share of messages in the marketing lane, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, help_heading = "Traffic")]
    pub(crate) marketing: f64,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// What is sent; `--mix` has no part in it, the engine cuts texts by itself.
    #[command(flatten)]
    pub(crate) traffic: TrafficArguments,
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

/// `loadtest e2e`: campaigns through the whole product, and both ledgers compared.
#[derive(Args, Clone, Debug)]
pub(crate) struct E2eArguments {
    /// Tenants, each with one campaign
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = whole::<1, 10_000>, help_heading = "Load")]
    pub(crate) tenants: u32,
    /// Recipients of a campaign, on average
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = whole::<1, 100_000>, help_heading = "Load")]
    pub(crate) recipients: u32,
    /// Tenant k gets a share in proportion to 1/k to this power; 0: all the same
    #[arg(long, value_name = "POWER", default_value_t = 0.0, value_parser = zipf, help_heading = "Load")]
    pub(crate) zipf: f64,
    /// Share of campaigns in the marketing lane, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, help_heading = "Load")]
    pub(crate) marketing: f64,
    /// The simulator's scenario: a name or a file; with programs that run already it has its own
    #[arg(long, value_name = "NAME|FILE", default_value = "healthy", help_heading = "Stage")]
    pub(crate) scenario: String,
    /// What the simulator's draws depend on
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Stage")]
    pub(crate) seed: u64,
    /// Nothing may have moved for this long before the ledgers are compared
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration, help_heading = "Stage")]
    pub(crate) settle: Duration,
    /// Wait no longer than this after the launch; then the ledgers are compared as they are, and what is missing is said
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration, help_heading = "Stage")]
    pub(crate) timeout: Duration,
    /// An engine that runs already, as HOST:PORT of its public API
    #[arg(long, value_name = "HOST:PORT", help_heading = "Stage")]
    pub(crate) api: Option<String>,
    /// With --api: a file whose first line is the operator's key
    #[arg(long, value_name = "FILE", help_heading = "Stage")]
    pub(crate) operator_key_file: Option<PathBuf>,
    /// With --api: the simulator that it is bound to, as HOST:PORT of its HTTP
    #[arg(long, value_name = "HOST:PORT", help_heading = "Stage")]
    pub(crate) simulator: Option<String>,
    /// The programs, where it starts them.
    #[command(flatten)]
    pub(crate) stage: StageArguments,
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

impl E2eArguments {
    /// How long the whole run may take.
    pub(crate) fn time_limit(&self) -> Duration {
        // Ten million messages are enrolled, and read from both ledgers, in some minutes.
        self.timeout + Duration::from_secs(600)
    }
}

/// Timers of a session with somebody who answers.
pub(crate) fn ordinary_timers() -> Timers {
    let patience = Duration::from_secs(30);
    Timers {
        bind: patience,
        enquire_link: patience,
        response: patience,
    }
}

fn speed(text: &str) -> Result<f64, String> {
    within(text, 0.001..=100_000.0)
}

fn share(text: &str) -> Result<f64, String> {
    within(text, 0.0..=1.0)
}

/// Beyond 3, the first tenant has five of six messages.
fn zipf(text: &str) -> Result<f64, String> {
    within(text, 0.0..=3.0)
}

fn within(text: &str, allowed: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| format!("a number from {} to {}", allowed.start(), allowed.end()))
}
