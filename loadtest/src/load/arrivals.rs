//! The moments at which messages are due: the nth is a pure function of shape, seed and n.

use std::sync::Arc;

use super::shape::Shape;
use crate::random::Draws;

/// Where the moments come from.
#[derive(Clone, Debug)]
enum Spread {
    /// A rate's, at equal distances: the same count in every second of a constant rate.
    Even(Arc<Shape>),
    /// A rate's, as a Poisson process: exponential distances, drawn by number.
    Poisson(Arc<Shape>, Draws),
    /// A list, in rising order.
    Listed(Arc<[u64]>),
}

/// The due moments, one after the other. A clone goes on by itself and meets the same moments.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    spread: Spread,
    number: u64,
    /// How much of the rate's integral the next arrival needs.
    demand: f64,
    next_us: u64,
}

/// Never.
const NEVER_US: u64 = u64::MAX;

impl Arrivals {
    /// At equal distances.
    pub(crate) fn even(shape: Shape) -> Self {
        Self::new(Spread::Even(Arc::new(shape)))
    }

    /// As a Poisson process of that rate.
    pub(crate) fn poisson(shape: Shape, seed: u64) -> Self {
        Self::new(Spread::Poisson(Arc::new(shape), Draws::new(seed, "arrivals")))
    }

    /// At these moments, in rising order, in µs from the beginning.
    pub(crate) fn listed(moments: Vec<u64>) -> Self {
        Self::new(Spread::Listed(moments.into()))
    }

    fn new(spread: Spread) -> Self {
        let mut arrivals = Self {
            spread,
            number: 0,
            demand: 0.0,
            next_us: 0,
        };
        arrivals.demand = arrivals.distance();
        arrivals.next_us = arrivals.moment();
        arrivals
    }

    /// How many have been passed.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// When the next is due, in µs from the beginning; `u64::MAX`: never.
    pub(crate) fn next_us(&self) -> u64 {
        self.next_us
    }

    /// On to the one after.
    pub(crate) fn advance(&mut self) {
        self.number += 1;
        self.demand = match self.spread {
            // Not by adding up: a billion additions would drift.
            Spread::Even(_) | Spread::Listed(_) => self.number as f64,
            Spread::Poisson(..) => self.demand + self.distance(),
        };
        self.next_us = self.moment();
    }

    fn distance(&self) -> f64 {
        match self.spread {
            Spread::Even(_) | Spread::Listed(_) => 0.0,
            Spread::Poisson(_, draws) => -(1.0 - draws.unit(self.number)).ln(),
        }
    }

    fn moment(&self) -> u64 {
        let seconds = match &self.spread {
            Spread::Even(shape) | Spread::Poisson(shape, _) => shape.when(self.demand),
            Spread::Listed(moments) => {
                return moments.get(self.number as usize).copied().unwrap_or(NEVER_US);
            }
        };
        // Rounded, since 3.9999999 s is the fourth second's.
        seconds.map_or(NEVER_US, |seconds| (seconds * 1e6).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Rate;

    fn per_second(mut arrivals: Arrivals, seconds: usize) -> Vec<u64> {
        let mut counts = vec![0; seconds];
        while let Some(count) = counts.get_mut((arrivals.next_us() / 1_000_000) as usize) {
            *count += 1;
            arrivals.advance();
        }
        counts
    }

    #[test]
    fn every_second_of_a_constant_rate_has_exactly_its_count() {
        for rate in [1, 3, 7, 333, 1_000, 20_000, 123_457] {
            let arrivals = Arrivals::even(Shape::constant(Rate(f64::from(rate))));
            assert_eq!(per_second(arrivals, 20), vec![rate as u64; 20], "{rate}/s");
        }
    }

    #[test]
    fn poisson_has_the_rate_and_its_variance() {
        let shape = Shape::constant(Rate(1_000.0));
        let counts = per_second(Arrivals::poisson(shape.clone(), 1), 400);
        let mean = counts.iter().sum::<u64>() as f64 / 400.0;
        let variance = counts.iter().map(|&count| (count as f64 - mean).powi(2)).sum::<f64>() / 400.0;
        assert!((mean - 1_000.0).abs() < 10.0, "{mean}");
        assert!((700.0..1_300.0).contains(&variance), "{variance}");
        assert_eq!(
            counts,
            per_second(Arrivals::poisson(shape.clone(), 1), 400),
            "by the seed"
        );
        assert_ne!(counts, per_second(Arrivals::poisson(shape, 2), 400));
    }

    #[test]
    fn a_list_is_followed_to_its_end() {
        let mut arrivals = Arrivals::listed(vec![0, 5, 5]);
        let moments: Vec<u64> = (0..4)
            .map(|_| {
                let next_us = arrivals.next_us();
                arrivals.advance();
                next_us
            })
            .collect();
        assert_eq!(moments, [0, 5, 5, NEVER_US]);
    }

    #[test]
    fn a_rate_of_nothing_is_never_due() {
        let mut arrivals = Arrivals::even(Shape::constant(Rate(0.0)));
        arrivals.advance();
        assert_eq!(arrivals.next_us(), NEVER_US);
    }
}
