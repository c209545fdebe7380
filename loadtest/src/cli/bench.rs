//! The arguments of `loadtest bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::load::whole;
use super::stage::StageArguments;

pub(super) const EXAMPLES: &str = "\
Examples:
  loadtest bench                                    200 tenants, 5,000 messages each, the figures of the README
  loadtest bench --tenants 20 --recipients 500      a quick look
  loadtest bench --scaling                          does the rate hold with a long backlog, and with many tenants?
  loadtest bench --baseline ../before/target/release    the ratio to an older engine, taken in turns
  loadtest bench --compare-fsync                    what appendfsync always costs
  loadtest bench --overtake                         single messages beside a storm of retries and a million queued
  loadtest bench --keep                             leave logs, configuration and Redis data for a look

The last line of standard output is one JSON object.";

/// When Redis's append-only file is synced to the disk.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppendFsync {
    /// Before each answer.
    Always,
    /// Once a second.
    Everysec,
}

impl AppendFsync {
    /// As Redis writes it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Everysec => "everysec",
        }
    }
}

/// The most recipients that one run may have: half as many as there are made-up numbers.
const RECIPIENTS_MAX: u64 = 10_000_000;

/// `loadtest bench`: how much, with what, for how long.
#[derive(Args, Debug, Clone)]
pub(crate) struct BenchArguments {
    /// Tenants, each with one campaign.
    #[arg(long, default_value_t = 200, value_parser = whole::<1, 100_000>)]
    pub(crate) tenants: u32,
    /// Recipients of each campaign.
    #[arg(long, default_value_t = 5_000, value_parser = whole::<1, 1_000_000>)]
    pub(crate) recipients: u32,
    /// Receipts come between 0 and this long after the answer, uniformly.
    #[arg(long, default_value = "1s", value_parser = receipt_delay)]
    pub(crate) receipt_delay_max: Duration,
    /// Measure instead how the rate changes with the backlog and with the number of tenants.
    #[arg(long)]
    pub(crate) scaling: bool,
    /// With --scaling or --overtake: the long backlog, in messages.
    #[arg(long, default_value_t = 1_000_000, value_parser = whole::<10_000, 5_000_000>)]
    pub(crate) backlog: u32,
    /// With --scaling: the many tenants.
    #[arg(long, default_value_t = 10_000, value_parser = whole::<2, 100_000>)]
    pub(crate) many_tenants: u32,
    /// With --scaling: messages measured in each run.
    #[arg(long, default_value_t = 300_000, value_parser = whole::<10_000, 4_000_000>)]
    pub(crate) messages: u32,
    /// With --scaling: also with this many messages queued, once; it takes minutes and some gigabytes of memory.
    #[arg(long, value_name = "MESSAGES", num_args = 0..=1, require_equals = true, default_missing_value = "10000000",
        value_parser = whole::<100_000, 15_000_000>, requires = "scaling")]
    pub(crate) huge: Option<u32>,
    /// With --scaling: recipients of the one campaign that is launched and stopped.
    #[arg(long, default_value_t = 1_000_000, value_parser = whole::<10_000, 1_000_000>)]
    pub(crate) launch: u32,
    /// When Redis syncs its append-only file.
    #[arg(long, value_enum, default_value = "everysec")]
    pub(crate) appendfsync: AppendFsync,
    /// Numbers opted out before the run, none of them a recipient; 0: the stop set stays empty.
    #[arg(long, default_value_t = 100_000, value_parser = whole::<0, 5_000_000>)]
    pub(crate) opted_out: u32,
    /// Compare with this other engine: a `campanile`, or the directory that it is in.
    #[arg(long, conflicts_with_all = ["scaling", "compare_fsync", "overtake"])]
    pub(crate) baseline: Option<PathBuf>,
    /// Compare `appendfsync always` with `everysec`.
    #[arg(long, conflicts_with_all = ["scaling", "overtake", "appendfsync"])]
    pub(crate) compare_fsync: bool,
    /// Measure instead how fast single messages get to the wire beside a storm of retries and the --backlog.
    #[arg(long, conflicts_with = "scaling")]
    pub(crate) overtake: bool,
    /// With --scaling, --baseline or --compare-fsync: runs of each kind, taken in turns; the median counts.
    #[arg(long, default_value_t = 3, value_parser = whole::<1, 20>)]
    pub(crate) rounds: u32,
    #[command(flatten)]
    pub(crate) stage: StageArguments,
    /// Give up after this long; absent: 300s, 30m where there are several runs, 90m with --huge.
    #[arg(long, value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

impl BenchArguments {
    /// The messages of a canonical run.
    pub(crate) fn total(&self) -> u64 {
        u64::from(self.tenants) * u64::from(self.recipients)
    }

    /// How long the whole run may take.
    pub(crate) fn time_limit(&self) -> Duration {
        // A canonical run takes some 40 s on 2 cores, a scaling run some 5 minutes: both limits leave a slow machine room.
        let several = self.scaling || self.baseline.is_some() || self.compare_fsync || self.overtake;
        let usual = match (self.huge, several) {
            (Some(_), _) => 5_400,
            (None, true) => 1_800,
            (None, false) => 300,
        };
        self.timeout.unwrap_or(Duration::from_secs(usual))
    }

    /// What clap cannot see: limits on two arguments together.
    ///
    /// # Errors
    /// Says which arguments together are too much.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let total = self.total();
        anyhow::ensure!(
            total <= RECIPIENTS_MAX,
            "--tenants times --recipients is {total}: at most {RECIPIENTS_MAX} different numbers are to be had"
        );
        anyhow::ensure!(
            self.many_tenants <= self.messages,
            "--many-tenants is {}, but with {} --messages some would have none",
            self.many_tenants,
            self.messages
        );
        Ok(())
    }
}

/// A receipt delay of at most a minute: more would measure waiting.
fn receipt_delay(text: &str) -> Result<Duration, String> {
    let delay = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if delay > Duration::from_secs(60) {
        return Err("at most 60s".to_owned());
    }
    Ok(delay)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::command::{Arguments, Command};
    use super::*;

    fn bench(arguments: &[&str]) -> BenchArguments {
        let all = ["loadtest", "bench"].iter().chain(arguments);
        let Command::Bench(bench) = Arguments::try_parse_from(all).unwrap().command else {
            panic!("bench is read as another command");
        };
        bench
    }

    #[test]
    fn defaults_are_the_canonical_run() {
        let bench = bench(&[]);
        assert_eq!(bench.total(), 1_000_000);
        assert_eq!((bench.stage.window, bench.stage.sessions), (500, 4));
        assert_eq!(bench.receipt_delay_max, Duration::from_secs(1));
        assert_eq!(bench.time_limit(), Duration::from_secs(300));
    }

    #[test]
    fn too_many_recipients_are_refused() {
        assert!(bench(&["--tenants", "100000", "--recipients", "100"]).check().is_ok());
        assert!(bench(&["--tenants", "100000", "--recipients", "101"]).check().is_err());
    }

    #[test]
    fn every_tenant_has_a_message() {
        assert!(
            bench(&["--many-tenants", "10000", "--messages", "10000"])
                .check()
                .is_ok()
        );
        assert!(
            bench(&["--many-tenants", "10001", "--messages", "10000"])
                .check()
                .is_err()
        );
    }

    #[test]
    fn long_receipt_delays_are_refused() {
        assert!(Arguments::try_parse_from(["loadtest", "bench", "--receipt-delay-max", "61s"]).is_err());
    }
}
