//! The figures of two sides, one run or several of each, and what became of each figure.

use std::path::PathBuf;

use serde::Serialize;

use super::figures::{self, Better, Both};
use super::{noise, warnings};
use crate::results::Results;

/// Saved runs with their files.
pub(super) struct Saved<'a> {
    pub(super) files: &'a [PathBuf],
    pub(super) runs: &'a [Results],
}

/// Everything that is said about two sides.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Comparison {
    /// Grows when a field changes its meaning.
    pub(super) schema: u32,
    /// The first of its side.
    pub(super) base: PathBuf,
    pub(super) new: PathBuf,
    /// All of a side.
    pub(super) base_runs: Vec<PathBuf>,
    pub(super) new_runs: Vec<PathBuf>,
    /// As a part of one: 0.05 is 5 %.
    pub(super) max_regress: f64,
    /// Whether any figure is worse by more than that.
    pub(super) regressed: bool,
    /// Why the two may not be comparable.
    pub(super) warnings: Vec<String>,
    pub(super) figures: Vec<Compared>,
}

/// A figure of both sides.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Compared {
    pub(super) name: String,
    pub(super) unit: &'static str,
    /// The median of its runs.
    pub(super) base: Option<f64>,
    pub(super) new: Option<f64>,
    /// From the least to the most of the runs, as a part of their median; `None` of one run, or where the median is 0.
    pub(super) base_spread: Option<f64>,
    pub(super) new_spread: Option<f64>,
    /// New by base; `None` where there is no base, or it is 0.
    pub(super) ratio: Option<f64>,
    pub(super) verdict: Verdict,
}

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// By more than the limit.
    Better,
    /// Within the limit.
    Same,
    /// By more than the limit.
    Worse,
    /// By more than the limit, and chance might have made it so.
    Noise,
    /// Only one side has it.
    Missing,
    /// It repeats too badly to be judged.
    NotJudged,
}

impl Comparison {
    /// Two sides; `limit` as a part of one.
    pub(super) fn of(base: &Saved<'_>, new: &Saved<'_>, limit: f64) -> Self {
        let figures = figures::both(base.runs, new.runs);
        let figures: Vec<Compared> = figures.into_iter().map(|both| Compared::of(both, limit)).collect();
        let first = |side: &Saved<'_>| side.files.first().cloned().unwrap_or_default();
        Self {
            schema: 1,
            base: first(base),
            new: first(new),
            base_runs: base.files.to_vec(),
            new_runs: new.files.to_vec(),
            max_regress: limit,
            regressed: figures.iter().any(|figure| figure.verdict == Verdict::Worse),
            warnings: warnings::of(base.runs, new.runs),
            figures,
        }
    }
}

impl Compared {
    /// The same figure of two sides; at least one of them has it.
    fn of(figure: Both, limit: f64) -> Self {
        let Both {
            name,
            unit,
            better,
            base,
            new,
        } = figure;
        let verdict = if base.is_empty() || new.is_empty() {
            Verdict::Missing
        } else {
            judge(better, &base, &new, limit)
        };
        let median = |values: &[f64]| (!values.is_empty()).then(|| noise::median(values));
        let (base_median, new_median) = (median(&base), median(&new));
        Self {
            name,
            unit,
            base: base_median,
            new: new_median,
            base_spread: spread(&base),
            new_spread: spread(&new),
            ratio: base_median
                .zip(new_median)
                .filter(|(base, _)| *base != 0.0)
                .map(|(base, new)| new / base),
            verdict,
        }
    }
}

fn spread(values: &[f64]) -> Option<f64> {
    let median = noise::median(values);
    let (least, most) = (least(values), most(values));
    (values.len() > 1 && median != 0.0).then(|| (most - least) / median.abs())
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Whether `new` is further from `base` than the limit, in which direction, and whether that may be chance.
fn judge(better: Better, base: &[f64], new: &[f64], limit: f64) -> Verdict {
    let (base_median, new_median) = (noise::median(base), noise::median(new));
    let margin = base_median.abs() * limit;
    let (above, below) = (new_median > base_median + margin, new_median < base_median - margin);
    let (worse, improved) = match better {
        Better::Higher => (below, above),
        Better::Lower => (above, below),
        Better::Zero => return judge_zero(base, new),
        Better::Unjudged => return Verdict::NotJudged,
    };
    // One run of each has no spread: the limit alone decides.
    let single = base.len() == 1 && new.len() == 1;
    let sure = single || (above && noise::is_above(base, new)) || (below && noise::is_above(new, base));
    match (worse, improved, sure) {
        (false, false, _) => Verdict::Same,
        (_, _, false) => Verdict::Noise,
        (true, _, true) => Verdict::Worse,
        (false, true, true) => Verdict::Better,
    }
}

/// A lost message is a lost message, whatever per cent of the ones before, and in however few of the runs.
fn judge_zero(base: &[f64], new: &[f64]) -> Verdict {
    let furthest = |values: &[f64]| values.iter().map(|value| value.abs()).fold(0.0, f64::max);
    let (base, new) = (furthest(base), furthest(new));
    match (new > base, new < base) {
        (true, _) => Verdict::Worse,
        (false, true) => Verdict::Better,
        (false, false) => Verdict::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(judge(better, &[base], &[new], 0.05), verdict, "{better:?} {base} {new}");
        }
    }

    #[test]
    fn several_runs_tell_noise_from_regression() {
        let base = [100.0, 104.0, 98.0, 101.0, 97.0];
        let cases = [
            (Better::Higher, [90.0, 89.0, 91.0, 92.0, 88.0], Verdict::Worse),
            (Better::Lower, [90.0, 89.0, 91.0, 92.0, 88.0], Verdict::Better),
            // The same median as the first, and one run of each side that speaks against it.
            (Better::Higher, [90.0, 60.0, 103.0, 102.0, 61.0], Verdict::Noise),
            (Better::Higher, [98.0, 99.0, 97.5, 98.5, 97.0], Verdict::Same),
            (Better::Zero, [100.0, 104.0, 98.0, 101.0, 105.0], Verdict::Worse),
        ];
        for (better, new, verdict) in cases {
            assert_eq!(judge(better, &base, &new, 0.05), verdict, "{better:?} {new:?}");
        }
    }

    #[test]
    fn the_spread_is_a_part_of_the_median() {
        assert_eq!(spread(&[90.0, 100.0, 120.0]), Some(0.3));
        assert_eq!((spread(&[1.0]), spread(&[-1.0, 0.0, 1.0])), (None, None));
    }
}
