//! From values to places: the arithmetic of a chart's axes. Places go from 0, left or at the bottom, to 1.

use super::super::number;

/// How values are laid out along one side of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Axis {
    /// From `min` to `max`, evenly.
    Linear { min: f64, max: f64 },
    /// From 10 to the power of `low` to 10 to the power of `high`.
    Logarithmic { low: i32, high: i32 },
    /// Percentiles from 0, each further nine as wide as the one before: 90, 99, 99.9...
    Nines { nines: i32 },
}

/// A value that is written beside the axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) place: f64,
    pub(super) label: String,
}

/// Beyond this many times the least value, the small ones could not be told from 0 on an even axis.
const EVEN_SPAN_MAX: f64 = 50.0;
/// The labels of more nines than 99.9999 would touch on a telephone; what lies beyond is drawn at the end.
const NINES_MAX: i32 = 6;
/// About how many labels fit beside a chart.
const STEPS: f64 = 5.0;

impl Axis {
    /// From 0 to a round number that is at least the largest value.
    pub(super) fn from_zero(values: &[f64]) -> Self {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let most = finite.fold(0.0, f64::max);
        // A chart of nothing but zeros still has an axis.
        let most = if most > 0.0 { most } else { 1.0 };
        let step = round_step(most / STEPS);
        let max = (most / step).ceil() * step;
        Axis::Linear { min: 0.0, max }
    }

    /// For latencies: even where all can be read, logarithmic where a long tail would flatten the rest.
    pub(super) fn latency(values: &[f64]) -> Self {
        let positive = values.iter().copied().filter(|value| value.is_finite() && *value > 0.0);
        let least = positive.clone().fold(f64::INFINITY, f64::min);
        let most = positive.fold(0.0, f64::max);
        if most <= least * EVEN_SPAN_MAX {
            return Axis::from_zero(values);
        }
        Axis::Logarithmic {
            low: least.log10().floor() as i32,
            high: most.log10().ceil() as i32,
        }
    }

    /// For time: exactly from the first to the last value.
    pub(super) fn exact(min: f64, max: f64) -> Self {
        let max = if max > min { max } else { min + 1.0 };
        Axis::Linear { min, max }
    }

    /// For percentiles: as many nines as the largest below 100 has.
    pub(super) fn nines(percentiles: &[f64]) -> Self {
        let below = percentiles.iter().copied().filter(|percentile| *percentile < 100.0);
        let last = below.fold(90.0, f64::max);
        let nines = -(1.0 - last / 100.0).log10();
        Axis::Nines {
            nines: (nines.ceil() as i32).clamp(1, NINES_MAX),
        }
    }

    /// Whether equal steps on it are equal factors.
    pub(super) fn is_logarithmic(&self) -> bool {
        match self {
            Axis::Logarithmic { .. } => true,
            Axis::Linear { .. } | Axis::Nines { .. } => false,
        }
    }

    /// Where a value is; what lies beyond the axis is at its end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = match self {
            Axis::Linear { min, max } => (value - min) / (max - min),
            Axis::Logarithmic { low, high } => {
                let least = 10f64.powi(*low);
                (value.max(least).log10() - f64::from(*low)) / f64::from(high - low)
            }
            Axis::Nines { nines } => -(1.0 - value / 100.0).max(10f64.powi(-*nines)).log10() / f64::from(*nines),
        };
        place.clamp(0.0, 1.0)
    }

    /// The values to write beside it.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let tick = |value: f64, label| Tick {
            place: self.place(value),
            label,
        };
        match self {
            Axis::Linear { min, max } => {
                let step = round_step((max - min) / STEPS);
                let first = (min / step).ceil() as i64;
                // The last step may miss the end by a rounding error.
                let last = (max / step + 1e-9).floor() as i64;
                (first..=last)
                    .map(|at| at as f64 * step)
                    .map(|value| tick(value, plain(value)))
                    .collect()
            }
            Axis::Logarithmic { low, high } => (*low..=*high)
                .map(|power| 10f64.powi(power))
                .map(|value| tick(value, plain(value)))
                .collect(),
            Axis::Nines { nines } => (0..=*nines)
                .map(|nines| 100.0 - 10f64.powi(2 - nines))
                .map(|value| tick(value, plain(value)))
                .collect(),
        }
    }
}

/// The next of 1, 2, 5, 10... that is at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powi(step.log10().floor() as i32);
    let factor = step / power;
    let round = [1.0, 2.0, 5.0].into_iter().find(|round| factor <= round * 1.000_001);
    round.unwrap_or(10.0) * power
}

/// A round number in full, without the noise of its last binary digits.
fn plain(value: f64) -> String {
    if value >= 1_000.0 {
        return number::count(value.round() as u64);
    }
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn an_even_axis_ends_at_a_round_number() {
        let axis = Axis::from_zero(&[19_870.0, 20_011.0]);
        assert_eq!(
            axis,
            Axis::Linear {
                min: 0.0,
                max: 25_000.0
            }
        );
        assert_eq!(labels(&axis), ["0", "5,000", "10,000", "15,000", "20,000", "25,000"]);
        assert_eq!(axis.place(12_500.0), 0.5);
    }

    #[test]
    fn nothing_but_zeros_has_an_axis() {
        let axis = Axis::from_zero(&[0.0, f64::NAN]);
        assert_eq!(axis.place(0.0), 0.0);
        assert!(labels(&axis).len() > 1);
        assert_eq!(Axis::latency(&[]), Axis::from_zero(&[]));
    }

    #[test]
    fn a_long_tail_makes_it_logarithmic() {
        assert!(!Axis::latency(&[1.0, 49.0]).is_logarithmic());
        let axis = Axis::latency(&[0.2, 0.0, 2_000.0]);
        assert_eq!(axis, Axis::Logarithmic { low: -1, high: 4 });
        assert_eq!(labels(&axis), ["0.1", "1", "10", "100", "1,000", "10,000"]);
        assert_eq!(axis.place(0.0), 0.0);
        assert!((axis.place(10.0) - 0.4).abs() < 1e-9);
    }

    #[test]
    fn every_nine_is_as_wide() {
        let axis = Axis::nines(&[0.0, 50.0, 99.95, 100.0]);
        assert_eq!(labels(&axis), ["0", "90", "99", "99.9", "99.99"]);
        assert!((axis.place(99.0) - 0.5).abs() < 1e-9);
        assert_eq!(axis.place(100.0), 1.0);
    }
}
