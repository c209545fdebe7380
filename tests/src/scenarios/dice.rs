//! Chance that a seed decides.

use std::ops::RangeInclusive;

use kit::random::{STEP, scramble};

/// A stream of numbers that is the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Seeds one apart have nothing in common.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A number in that range, all equally likely as far as a small range goes.
    pub fn roll(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = (*range.start(), *range.end());
        low + self.draw() % (high - low + 1)
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(0..=from.len() as u64 - 1) as usize]
    }

    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        scramble(self.state)
    }
}
