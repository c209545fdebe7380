//! Two saved runs side by side: which figures got better, which worse, and whether the two may be compared at all.
//!
//! Start reading at [`run`]. `comparison` judges, `figures` says which figures there are, `warnings` why runs may not be comparable, `words` shows it.
//!
//! Figures are compared as ratios, because machines differ and repeat badly; counts that must be 0 are compared as such.

mod figures;
mod warnings;
mod comparison;
mod words;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::report;
use comparison::Comparison;

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

/// Compares the two and says so on standard output. The exit code is 99 for a regression, else 0.
///
/// # Errors
/// Names the file that cannot be read or is not a saved run; or nobody takes the output.
pub fn run(arguments: &CompareArguments) -> Result<ExitCode> {
    let base = report::read(&arguments.base)?;
    let new = report::read(&arguments.new)?;
    let comparison = Comparison::of((&arguments.base, &base), (&arguments.new, &new), arguments.max_regress);
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
}
