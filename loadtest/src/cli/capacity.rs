//! `loadtest capacity`: how much a target takes without becoming slow.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use super::load::duration;
use super::smpp::{TargetArguments, TrafficArguments};
use crate::load::Rate;
use crate::report::Outputs;

pub(super) const EXAMPLES: &str = "\
Examples:
  loadtest capacity --p99 100ms
      the highest rate at which 99 % of the messages are answered within 100 ms, against 127.0.0.1:2775
  loadtest capacity -t 127.0.0.1:2775 -u me -p secret --p99 250ms --start 500/s --up-to 5000/s --step 10s
  loadtest capacity --p99 100ms --json | jq .capacity.per_second

Each rate is sent for --step, after a fifth of that as warm-up. It is too much when 99 % of the messages are not answered within
--p99 from the moment at which they were due, less than 98 % of it was written, over 1 % was refused, or anything stayed without an
answer: twice in a row, so that one hiccup decides nothing. Rates double until one is too much; then the gap is halved.

Exit codes as for smpp; 99: not even one message a second held.";

/// `loadtest capacity`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CapacityArguments {
    /// What 99 % of the messages must be answered within, from the moment at which they are due
    #[arg(long, value_name = "TIME", value_parser = latency, help_heading = "Search")]
    pub(crate) p99: Duration,
    /// The rate to begin with
    #[arg(long, value_name = "RATE", default_value = "100/s", value_parser = rate, help_heading = "Search")]
    pub(crate) start: Rate,
    /// The highest rate to try
    #[arg(long, value_name = "RATE", default_value = "200000/s", value_parser = rate, help_heading = "Search")]
    pub(crate) up_to: Rate,
    /// How long each rate is measured
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = step, help_heading = "Search")]
    pub(crate) step: Duration,
    /// How close to a rate that is too much the result must be, in per cent
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = precision, help_heading = "Search")]
    pub(crate) precision: f64,
    /// How long answers and receipts are waited for after each rate
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration, help_heading = "Search")]
    pub(crate) drain: Duration,
    /// What every random draw depends on: numbers, texts
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Search")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    pub(crate) traffic: TrafficArguments,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

impl CapacityArguments {
    /// Whether the arguments go together.
    ///
    /// # Errors
    /// They contradict each other.
    pub(crate) fn check(&self) -> Result<()> {
        self.outputs.check()?;
        ensure!(
            self.start.0 <= self.up_to.0,
            "--start {} is above --up-to {}: it must be at most that",
            self.start,
            self.up_to
        );
        Ok(())
    }
}

fn rate(text: &str) -> Result<Rate, String> {
    let rate: Rate = text.parse()?;
    let allowed = "1/s to 1000000/s";
    (1.0..=1e6)
        .contains(&rate.0)
        .then_some(rate)
        .ok_or_else(|| allowed.to_owned())
}

fn latency(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(1)..=Duration::from_secs(60), "1ms to 1m")
}

fn step(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_secs(1)..=Duration::from_secs(600), "1s to 10m")
}

fn within(text: &str, range: std::ops::RangeInclusive<Duration>, allowed: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    range
        .contains(&duration)
        .then_some(duration)
        .ok_or_else(|| allowed.to_owned())
}

fn precision(text: &str) -> Result<f64, String> {
    let percent: Option<f64> = text.trim_end_matches('%').trim().parse().ok();
    let percent = percent.filter(|percent| (1.0..=50.0).contains(percent));
    percent
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "1% to 50%".to_owned())
}
