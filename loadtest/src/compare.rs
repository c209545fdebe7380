//! Two saved runs side by side: which figures got better, which worse, and whether the two may be compared at all.
//!
//! Figures are compared as ratios, because machines differ and repeat badly; counts that must be 0 are compared as such.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::report;
use crate::results::Results;
use figures::{Better, Figure};

mod figures;
mod warnings;
mod words;

pub(crate) const EXAMPLES: &str = "\
Examples:
  loadtest compare base.json new.json                      worse by more than 5 % is a regression
  loadtest compare base.json new.json --max-regress 10%    on a machine that repeats badly
  loadtest compare base.json new.json --json | tail -1     for a script

Judged are rates, median, 90th and 99th percentiles, CPU and memory, and counts that must not grow (lost, doubled,
wrong_status...). Shown and not judged are 99.9th percentiles and maxima: a single pause makes them.";

/// The exit code of a regression, the same as of a missed threshold.
const REGRESSED: u8 = 99;

/// `loadtest compare`: which runs, and how much worse is too much.
#[derive(Args, Debug, Clone)]
pub struct CompareArguments {
    /// The run to compare with: a file that `--out` has written.
    pub base: PathBuf,
    /// The run in question.
    pub new: PathBuf,
    /// How much worse than the base a figure may be, in per cent of it: 0% to 1000%.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    pub max_regress: f64,
    /// End standard output with one line of JSON.
    #[arg(long)]
    pub json: bool,
    /// No table on standard output.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Everything that is said about two runs.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Comparison {
    /// Grows when a field changes its meaning.
    schema: u32,
    base: PathBuf,
    new: PathBuf,
    /// As a part of one: 0.05 is 5 %.
    max_regress: f64,
    /// Whether any figure is worse by more than that.
    regressed: bool,
    /// Why the two may not be comparable.
    warnings: Vec<String>,
    figures: Vec<Compared>,
}

/// A figure of both runs.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Compared {
    name: String,
    unit: &'static str,
    base: Option<f64>,
    new: Option<f64>,
    /// New by base; `None` where there is no base, or it is 0.
    ratio: Option<f64>,
    verdict: Verdict,
}

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// By more than the limit.
    Better,
    /// Within the limit.
    Same,
    /// By more than the limit.
    Worse,
    /// One run has it, the other has not.
    Missing,
    /// It repeats too badly to be judged.
    NotJudged,
}

/// Compares the two and says so on standard output. The exit code is 99 for a regression, else 0.
///
/// # Errors
/// Names the file that cannot be read or is not a saved run; or nobody takes the output.
pub fn run(arguments: &CompareArguments) -> Result<ExitCode> {
    let base = report::read(&arguments.base)?;
    let new = report::read(&arguments.new)?;
    let comparison = Comparison::of(arguments, &base, &new);
    let mut out = std::io::stdout().lock();
    if !arguments.quiet {
        out.write_all(words::text(&comparison).as_bytes())?;
    }
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&comparison)?)?;
    }
    out.flush()?;
    Ok(if comparison.regressed {
        ExitCode::from(REGRESSED)
    } else {
        ExitCode::SUCCESS
    })
}

impl Comparison {
    fn of(arguments: &CompareArguments, base: &Results, new: &Results) -> Self {
        let limit = arguments.max_regress;
        let figures: Vec<Compared> = figures::pairs(base, new)
            .into_iter()
            .map(|(base, new)| Compared::of(base, new, limit))
            .collect();
        Self {
            schema: 1,
            base: arguments.base.clone(),
            new: arguments.new.clone(),
            max_regress: limit,
            regressed: figures.iter().any(|figure| figure.verdict == Verdict::Worse),
            warnings: warnings::of(base, new),
            figures,
        }
    }
}

impl Compared {
    /// The same figure of two runs; at least one of them has it.
    fn of(base: Option<Figure>, new: Option<Figure>, limit: f64) -> Self {
        let known = new.as_ref().or(base.as_ref());
        let better = known.map_or(Better::Unjudged, |figure| figure.better);
        let unit = known.map_or("", |figure| figure.unit);
        let name = known.map_or_else(String::new, |figure| figure.name.clone());
        let (base, new) = (base.map(|figure| figure.value), new.map(|figure| figure.value));
        let ratio = base
            .zip(new)
            .filter(|(base, _)| *base != 0.0)
            .map(|(base, new)| new / base);
        let verdict = base
            .zip(new)
            .map_or(Verdict::Missing, |(base, new)| judge(better, base, new, limit));
        Self {
            name,
            unit,
            base,
            new,
            ratio,
            verdict,
        }
    }
}

/// Whether `new` is further from `base` than the limit, and in which direction.
fn judge(better: Better, base: f64, new: f64, limit: f64) -> Verdict {
    let margin = base.abs() * limit;
    let (worse, improved) = match better {
        Better::Higher => (new < base - margin, new > base + margin),
        Better::Lower => (new > base + margin, new < base - margin),
        // A lost message is a lost message, whatever per cent of the ones before.
        Better::Zero => (new.abs() > base.abs(), new.abs() < base.abs()),
        Better::Unjudged => return Verdict::NotJudged,
    };
    match (worse, improved) {
        (true, _) => Verdict::Worse,
        (false, true) => Verdict::Better,
        (false, false) => Verdict::Same,
    }
}

/// Per cent, with or without the sign, as a part of one.
fn percent(text: &str) -> Result<f64, String> {
    let allowed = "a number from 0% to 1000%, for example 5%";
    let number: f64 = text
        .trim_end_matches('%')
        .trim()
        .parse()
        .map_err(|_| allowed.to_owned())?;
    if !(0.0..=1_000.0).contains(&number) {
        return Err(allowed.to_owned());
    }
    Ok(number / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cent_is_read() {
        assert_eq!(percent("5%"), Ok(0.05));
        assert_eq!(percent("7.5"), Ok(0.075));
        for wrong in ["", "%", "-1%", "1001%", "five", "NaN%", "inf"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn directions_are_known() {
        let cases = [
            (Better::Higher, 100.0, 94.0, Verdict::Worse),
            (Better::Higher, 100.0, 95.0, Verdict::Same),
            (Better::Higher, 100.0, 106.0, Verdict::Better),
            (Better::Lower, 100.0, 106.0, Verdict::Worse),
            (Better::Lower, 100.0, 105.0, Verdict::Same),
            (Better::Lower, 100.0, 94.0, Verdict::Better),
            (Better::Lower, 0.0, 0.0, Verdict::Same),
            (Better::Zero, 0.0, 1.0, Verdict::Worse),
            (Better::Zero, -2.0, 1.0, Verdict::Better),
            (Better::Zero, 1_000.0, 1_001.0, Verdict::Worse),
            (Better::Unjudged, 1.0, 100.0, Verdict::NotJudged),
        ];
        for (better, base, new, verdict) in cases {
            assert_eq!(judge(better, base, new, 0.05), verdict, "{better:?} {base} {new}");
        }
    }
}
