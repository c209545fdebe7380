use std::time::Duration;

use crate::clock::micros;
use crate::random::{mix, unit};

/// An exponential delay is cut here, so that no receipt takes for ever: in multiples of the mean. What lies beyond has
/// a probability of e^-10, 1 in 22,000.
const EXPONENTIAL_CUT: f64 = 10.0;

/// How late something comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delay {
    /// Always the same.
    Fixed(Duration),
    /// Evenly between two durations.
    Uniform(Duration, Duration),
    /// Around a mean, with a standard deviation; never negative.
    Normal(Duration, Duration),
    /// Often short, sometimes long: the mean.
    Exponential(Duration),
}

impl Delay {
    /// No delay at all.
    pub const NONE: Self = Self::Fixed(Duration::ZERO);

    /// The delay in µs that 64 random bits stand for.
    pub fn sample_us(&self, bits: u64) -> u64 {
        match *self {
            Self::Fixed(duration) => micros(duration),
            Self::Uniform(from, to) => {
                let (from, to) = (micros(from), micros(to));
                from + ((to.saturating_sub(from)) as f64 * unit(bits)) as u64
            }
            Self::Normal(mean, deviation) => {
                // Box and Muller's transform; 1 - u keeps the logarithm finite.
                let (u, v) = (1.0 - unit(bits), unit(mix(bits)));
                let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
                (micros(mean) as f64 + normal * micros(deviation) as f64).max(0.0) as u64
            }
            Self::Exponential(mean) => {
                let times = -(1.0 - unit(bits)).ln();
                (micros(mean) as f64 * times.min(EXPONENTIAL_CUT)) as u64
            }
        }
    }
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
        assert!((0..20_000).all(|bits| Delay::Exponential(ms(1)).sample_us(mix(bits)) <= 10_000));
    }
}
