//! The load: how much, how fast, for how long. The same for every mode that sends over SMPP.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};
use kit::clock::micros;

use crate::load::{Arrivals, Limits, Rate, Schedule, Shape};

/// Messages of one run: at the highest rate that one thread reaches, some ten minutes; correlation stays exact up to there.
pub(crate) const COUNT_MAX: u64 = 100_000_000;

/// The longest run: the row of seconds is that long.
pub(crate) const DURATION_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Sent when neither a count nor a time was asked for.
const COUNT_ORDINARY: u64 = 10_000;

/// How the arrivals of an open model are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Spread {
    /// At equal distances: exactly the rate in every second.
    Even,
    /// As a Poisson process: as many independent senders would.
    Poisson,
}

/// Which load, and when it ends. Without a rate the model is closed: the windows are kept full.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadArguments {
    /// Messages to send, warm-up included [without --count and --duration: 10000]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=COUNT_MAX), help_heading = "Load")]
    pub(crate) count: Option<u64>,
    /// Send for so long, warm-up included; at most 24h
    #[arg(long, short, value_name = "TIME", value_parser = length, help_heading = "Load")]
    pub(crate) duration: Option<Duration>,
    /// Open model: a constant rate, as in 1000/s, 90/m
    #[arg(long, short, value_name = "RATE", help_heading = "Load")]
    pub(crate) rate: Option<Rate>,
    /// Open model: from one rate to another, as in 100/s..5000/s:30s
    #[arg(long, value_name = "FROM..TO:TIME", value_parser = known(Shape::ramp), help_heading = "Load")]
    pub(crate) ramp: Option<String>,
    /// Open model: one rate after the other, each for that time, as in 1000/s,2000/s,5000/s:10s
    #[arg(long, value_name = "RATE,RATE,...:TIME", value_parser = known(Shape::steps), help_heading = "Load")]
    pub(crate) steps: Option<String>,
    /// Open model: a base rate with a peak in it, as in 500/s,5000/s:20s+5s (after 20s, for 5s)
    #[arg(long, value_name = "BASE,PEAK:AFTER+FOR", value_parser = known(Shape::spike), help_heading = "Load")]
    pub(crate) spike: Option<String>,
    /// How the arrivals of an open model are spread
    #[arg(long, value_enum, default_value_t = Spread::Even, help_heading = "Load")]
    pub(crate) arrivals: Spread,
    /// What is due in this time at the beginning does not count
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration, help_heading = "Load")]
    pub(crate) warm_up: Duration,
    /// How long answers and receipts are waited for after the last message
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration, help_heading = "Load")]
    pub(crate) drain: Duration,
    /// Due messages that may wait for a window; beyond, the oldest are given up and counted as dropped
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=COUNT_MAX), help_heading = "Load")]
    pub(crate) backlog_max: u64,
    /// What every random draw depends on: numbers, texts, arrivals
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Load")]
    pub(crate) seed: u64,
}

impl LoadArguments {
    /// The schedule that the arguments describe.
    ///
    /// # Errors
    /// They contradict each other.
    pub(crate) fn schedule(&self) -> Result<Schedule> {
        let shape = self.shape()?;
        let limits = self.limits(shape.as_ref());
        ensure!(
            limits.length_us > micros(self.warm_up),
            "--warm-up {} leaves nothing to measure: it must be shorter than the run",
            humantime::format_duration(self.warm_up)
        );
        Ok(match shape {
            None => Schedule::closed(limits),
            Some(shape) => Schedule::open(
                match self.arrivals {
                    Spread::Even => Arrivals::even(shape),
                    Spread::Poisson => Arrivals::poisson(shape, self.seed),
                },
                limits,
            ),
        })
    }

    fn shape(&self) -> Result<Option<Shape>> {
        let given = [
            self.rate.map(|rate| Ok(Shape::constant(rate))),
            self.ramp.as_deref().map(Shape::ramp),
            self.steps.as_deref().map(Shape::steps),
            self.spike.as_deref().map(Shape::spike),
        ];
        ensure!(
            self.rate != Some(Rate(0.0)),
            "--rate 0/s sends nothing: the rate must be above 0"
        );
        let mut given = given.into_iter().flatten();
        let shape = given.next().transpose().map_err(anyhow::Error::msg)?;
        if given.next().is_some() {
            bail!("--rate, --ramp, --steps and --spike are four load models: give one of them");
        }
        ensure!(
            shape.is_some() || self.arrivals == Spread::Even,
            "--arrivals poisson needs a rate: give one of --rate, --ramp, --steps and --spike"
        );
        Ok(shape)
    }

    fn limits(&self, shape: Option<&Shape>) -> Limits {
        // A shape that changes is sent to its end; else a count is enough.
        let of_shape = shape.and_then(Shape::length);
        let length = match (self.duration, self.count) {
            (Some(duration), _) => duration,
            (None, None) => of_shape.unwrap_or(DURATION_MAX),
            (None, Some(_)) => DURATION_MAX,
        };
        let unlimited = self.duration.is_some() || of_shape.is_some();
        Limits {
            count: self.count.unwrap_or(if unlimited { COUNT_MAX } else { COUNT_ORDINARY }),
            length_us: micros(length.min(DURATION_MAX)),
            backlog_max: self.backlog_max,
        }
    }
}

/// A duration of at most a day.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; as in 30s, 5m, 1h 30m"))?;
    if duration > DURATION_MAX {
        return Err("at most 24h".to_owned());
    }
    Ok(duration)
}

/// How long a run may be.
fn length(text: &str) -> Result<Duration, String> {
    let length = duration(text)?;
    match length.is_zero() {
        true => Err("longer than 0s, at most 24h".to_owned()),
        false => Ok(length),
    }
}

/// A whole number, with both bounds where it is none.
pub(crate) fn whole<const LEAST: u32, const MOST: u32>(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (LEAST..=MOST).contains(number));
    number.ok_or_else(|| format!("a whole number from {LEAST} to {MOST} is allowed"))
}

/// A text that `read` understands.
fn known(read: fn(&str) -> Result<Shape, String>) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |text| read(text).map(|_| text.to_owned())
}
