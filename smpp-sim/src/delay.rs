use std::sync::Arc;
use std::time::Duration;

use kit::clock::micros;
use kit::random::{mix, unit};

/// An exponential delay is cut here, so that every receipt comes some day: in multiples of the mean. What lies beyond has
/// a probability of e^-10, 1 in 22,000.
const EXPONENTIAL_CUT: f64 = 10.0;

/// A lognormal delay is cut at this multiple of its median, for the same reason.
const LOGNORMAL_CUT: f64 = 1000.0;

/// How late something comes.
#[derive(Clone, Debug, PartialEq)]
pub enum Delay {
    /// Always the same.
    Fixed(Duration),
    /// Evenly between two durations.
    Uniform(Duration, Duration),
    /// Around a mean, with a standard deviation; never negative.
    Normal(Duration, Duration),
    /// Around a median, skewed to the long side as real latencies are: the deviation is that of its natural logarithm.
    LogNormal(Duration, f64),
    /// Often short, sometimes long: the mean.
    Exponential(Duration),
    /// The first, but for a share (0 to 1) that takes the second.
    Spike(Duration, Duration, f64),
    /// As measured: quantiles (0 to 1, in order) and their durations, with straight lines between them.
    Empirical(Arc<[(f64, Duration)]>),
}

impl Delay {
    /// No delay at all.
    pub const NONE: Self = Self::Fixed(Duration::ZERO);

    /// The delay in µs that 64 random bits stand for.
    pub fn sample_us(&self, bits: u64) -> u64 {
        match self {
            &Self::Fixed(duration) => micros(duration),
            &Self::Uniform(from, to) => {
                let (from, to) = (micros(from), micros(to));
                from + ((to.saturating_sub(from)) as f64 * unit(bits)) as u64
            }
            &Self::Normal(mean, deviation) => {
                (micros(mean) as f64 + normal(bits) * micros(deviation) as f64).max(0.0) as u64
            }
            &Self::LogNormal(median, deviation) => {
                let times = (normal(bits) * deviation).exp();
                (micros(median) as f64 * times.min(LOGNORMAL_CUT)) as u64
            }
            &Self::Exponential(mean) => {
                let times = -(1.0 - unit(bits)).ln();
                (micros(mean) as f64 * times.min(EXPONENTIAL_CUT)) as u64
            }
            &Self::Spike(base, peak, share) => micros(if unit(bits) < share { peak } else { base }),
            Self::Empirical(quantiles) => between(quantiles, unit(bits)),
        }
    }
}

/// A normal deviate, by Box and Muller's transform; 1 - u keeps the logarithm finite.
fn normal(bits: u64) -> f64 {
    let (u, v) = (1.0 - unit(bits), unit(mix(bits)));
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// The µs at a quantile: on the line between the two that are known around it.
fn between(quantiles: &[(f64, Duration)], at: f64) -> u64 {
    let after = quantiles.partition_point(|quantile| quantile.0 <= at);
    let last = quantiles.last().map_or(0, |quantile| micros(quantile.1));
    let Some(&(high, until)) = quantiles.get(after) else {
        return last;
    };
    let (low, from) = match after.checked_sub(1).and_then(|before| quantiles.get(before)) {
        Some(&(low, from)) => (low, micros(from) as f64),
        None => return micros(until),
    };
    (from + (micros(until) as f64 - from) * (at - low) / (high - low)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_ms(delay: Delay) -> u64 {
        (0..20_000u64).map(|bits| delay.sample_us(mix(bits))).sum::<u64>() / 20_000 / 1000
    }

    #[test]
    fn distributions_have_their_means_and_limits() {
        let ms = Duration::from_millis;
        assert_eq!(Delay::Fixed(ms(5)).sample_us(123), 5000);
        assert!((480..520).contains(&mean_ms(Delay::Uniform(ms(0), ms(1000)))));
        assert!((980..1020).contains(&mean_ms(Delay::Normal(ms(1000), ms(200)))));
        assert!((960..1040).contains(&mean_ms(Delay::Exponential(ms(1000)))));
        let times = |delay: &Delay, until: u64| {
            (0..20_000u64)
                .filter(|&bits| delay.sample_us(mix(bits)) <= until)
                .count()
        };
        assert!((9_700..10_300).contains(&times(&Delay::LogNormal(ms(100), 0.5), 100_000)));
        let spike = Delay::Spike(ms(10), ms(900), 0.1);
        assert!((17_800..18_200).contains(&times(&spike, 10_000)));
        assert_eq!(times(&spike, 900_000), 20_000);
        let measured = Delay::Empirical([(0.0, ms(0)), (0.5, ms(100)), (1.0, ms(1100))].into());
        assert!((9_700..10_300).contains(&times(&measured, 100_000)));
        assert!((14_700..15_300).contains(&times(&measured, 600_000)));
        assert!((0..20_000).all(|bits| Delay::Exponential(ms(1)).sample_us(mix(bits)) <= 10_000));
    }
}
