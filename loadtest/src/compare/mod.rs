//! Saved runs side by side: which figures got better, which worse, and whether they may be compared at all.
//!
//! Start reading at [`run`]. `comparison` judges, `noise` tells a difference from chance, `figures` says which figures there are,
//! `warnings` why runs may not be comparable, `words` shows it.
//!
//! Figures are compared as ratios, because machines differ and repeat badly; counts that must be 0 are compared as such. Of several
//! runs the medians are compared, and a figure is worse only if chance alone would hardly have made it so.

mod figures;
mod noise;
mod warnings;
mod comparison;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;

use crate::report;
use crate::results::Results;
use comparison::{Comparison, Saved};

pub(crate) const EXAMPLES: &str = "\
Examples:
  loadtest compare base.json new.json                      worse by more than 5 % is a regression
  loadtest compare base.json new.json --max-regress 10%    on a machine that repeats badly
  loadtest compare --base b1.json b2.json b3.json b4.json --new n1.json n2.json n3.json n4.json
      several runs of each, best taken in turns: their spread says what is noise
  loadtest compare base.json new.json --json | jq .regressed    for a script

Judged are rates, median, 90th and 99th percentiles, CPU and memory, and counts that must not grow (lost, doubled,
wrong_status...). Shown and not judged are 99.9th percentiles and maxima: a single pause makes them.

With several runs the medians are compared. A figure is worse when its median is, by more than --max-regress, and when the runs are
so well apart that chance would do that in at most 5 % of cases (Mann-Whitney test). Else the difference is called noise.";

/// The exit code of a regression, the same as of a missed threshold.
const REGRESSED: u8 = 99;

/// Runs of one side: more tell nothing new.
const RUNS_MAX: usize = 50;

/// With fewer, no difference can be told from chance.
const RUNS_MIN: usize = 3;

/// `loadtest compare`: which runs, and how much worse is too much.
#[derive(Args, Debug, Clone)]
pub struct CompareArguments {
    /// Two files that `--out` has written: the run to compare with, and the run in question.
    #[arg(value_name = "FILE", num_args = 2, conflicts_with_all = ["base", "new"], required_unless_present = "base")]
    pub runs: Vec<PathBuf>,
    /// Several runs to compare with: 3 to 50 files.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "new")]
    pub base: Vec<PathBuf>,
    /// Several runs in question: 3 to 50 files.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "base")]
    pub new: Vec<PathBuf>,
    /// How much worse than the base a figure may be, in per cent of it: 0% to 1000%.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    pub max_regress: f64,
    /// One line of JSON, alone on standard output: the table goes to standard error.
    #[arg(long, short = 'j')]
    pub json: bool,
    /// No table.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Compares the runs and says so. The exit code is 99 for a regression, 2 for too few or too many runs, else 0.
///
/// # Errors
/// Names the file that cannot be read or is not a saved run; or nobody takes the output.
pub fn run(arguments: &CompareArguments) -> Result<ExitCode> {
    let (base, new) = match arguments.runs.as_slice() {
        [base, new] => (std::slice::from_ref(base), std::slice::from_ref(new)),
        _ => (arguments.base.as_slice(), arguments.new.as_slice()),
    };
    if arguments.runs.is_empty()
        && let Err(error) = several("--base", base).and_then(|()| several("--new", new))
    {
        eprintln!("loadtest: {error:#}");
        return Ok(ExitCode::from(2));
    }
    let read = |files: &[PathBuf]| {
        files
            .iter()
            .map(|file| report::read(file))
            .collect::<Result<Vec<Results>>>()
    };
    let (base_runs, new_runs) = (read(base)?, read(new)?);
    let saved = |files, runs| Saved { files, runs };
    let comparison = Comparison::of(&saved(base, &base_runs), &saved(new, &new_runs), arguments.max_regress);
    let words = if arguments.quiet {
        String::new()
    } else {
        words::text(&comparison)
    };
    let line = arguments.json.then(|| serde_json::to_string(&comparison)).transpose()?;
    report::say(&words, line.as_deref())?;
    Ok(if comparison.regressed {
        ExitCode::from(REGRESSED)
    } else {
        ExitCode::SUCCESS
    })
}

fn several(option: &str, files: &[PathBuf]) -> Result<()> {
    ensure!(
        (RUNS_MIN..=RUNS_MAX).contains(&files.len()),
        "{option}: {} files: 3 to 50 runs of each side can be told from chance, or one of each: loadtest compare base.json new.json",
        files.len()
    );
    Ok(())
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
