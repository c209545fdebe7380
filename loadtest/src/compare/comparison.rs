//! The figures of two runs, and what became of each.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::figures::{self, Better, Figure};
use super::warnings;
use crate::results::Results;

/// Everything that is said about two runs.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Comparison {
    /// Grows when a field changes its meaning.
    pub(super) schema: u32,
    pub(super) base: PathBuf,
    pub(super) new: PathBuf,
    /// As a part of one: 0.05 is 5 %.
    pub(super) max_regress: f64,
    /// Whether any figure is worse by more than that.
    pub(super) regressed: bool,
    /// Why the two may not be comparable.
    pub(super) warnings: Vec<String>,
    pub(super) figures: Vec<Compared>,
}

/// A figure of both runs.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Compared {
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) base: Option<f64>,
    pub(super) new: Option<f64>,
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
    /// Only one run has it.
    Missing,
    /// It repeats too badly to be judged.
    NotJudged,
}

impl Comparison {
    /// Two saved runs with their files; `limit` as a part of one.
    pub(super) fn of((base_file, base): (&Path, &Results), (new_file, new): (&Path, &Results), limit: f64) -> Self {
        let figures: Vec<Compared> = figures::pairs(base, new)
            .into_iter()
            .map(|(base, new)| Compared::of(base, new, limit))
            .collect();
        Self {
            schema: 1,
            base: base_file.to_owned(),
            new: new_file.to_owned(),
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
            assert_eq!(judge(better, base, new, 0.05), verdict, "{better:?} {base} {new}");
        }
    }
}
