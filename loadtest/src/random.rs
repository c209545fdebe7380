//! Random numbers that depend on the seed and on what they are drawn for, and on nothing else: not on sessions, not on
//! order, not on time.

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
        Self(mixed(seed ^ mixed(purpose)))
    }

    /// 64 random bits for the `n`th thing.
    pub(crate) fn bits(self, n: u64) -> u64 {
        mixed(self.0.wrapping_add(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// A number from 0 up to but not including 1 for the `n`th thing.
    pub(crate) fn unit(self, n: u64) -> f64 {
        // The upper 53 bits: as many as an f64 holds.
        (self.bits(n) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// SplitMix64's output function: every input bit changes half of the output bits.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
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

    #[test]
    fn units_are_even() {
        let draws = Draws::new(1, "test");
        let mean = (0..100_000).map(|n| draws.unit(n)).sum::<f64>() / 100_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }
}
