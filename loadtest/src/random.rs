//! Random numbers that depend on the seed and on what they are drawn for, and on nothing else: not on sessions, not on
//! order, not on time.

use kit::random::{STEP, scramble, unit};

/// A source of draws for one purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    /// The draws of a seed for a purpose; two purposes of one seed have nothing to do with each other.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let purpose = purpose.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, octet| {
            // FNV-1a: the purposes are a few short words of this program.
            (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        Self(scramble(seed ^ scramble(purpose)))
    }

    /// 64 random bits for the `n`th thing.
    pub(crate) fn bits(self, n: u64) -> u64 {
        scramble(self.0.wrapping_add(n.wrapping_mul(STEP)))
    }

    /// A number from 0 up to but not including 1 for the `n`th thing.
    pub(crate) fn unit(self, n: u64) -> f64 {
        unit(self.bits(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_purpose_and_number_only() {
        let draws = Draws::new(7, "numbers");
        assert_eq!(draws.bits(3), Draws::new(7, "numbers").bits(3));
        assert_ne!(draws.bits(3), draws.bits(4));
        assert_ne!(draws.bits(3), Draws::new(8, "numbers").bits(3));
        assert_ne!(draws.bits(3), Draws::new(7, "texts").bits(3));
    }
}
