//! Numbers that look random and depend on a seed and on what they are drawn for, and on nothing else: not on order, not
//! on time. The generator is SplitMix64 (Steele, Lea and Flood, 2014), whose state is a plain sum.

/// What SplitMix64 adds to its state for every draw: 2^64 divided by the golden ratio.
pub const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's output function: every bit of `state` moves about half of the bits of the result. States one apart give
/// numbers that have nothing to do with each other, except that 0 gives 0.
pub const fn scramble(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

/// The first draw of a generator with that seed: a hash of it.
pub const fn mix(seed: u64) -> u64 {
    scramble(seed.wrapping_add(STEP))
}

/// The upper 53 of 64 random bits, as many as an `f64` holds, as a number from 0 up to but not including 1.
pub const fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        // The first draws with seed 1234567, as many implementations' tests have them.
        let draws: Vec<u64> = (0..5)
            .map(|n: u64| mix(1_234_567u64.wrapping_add(n.wrapping_mul(STEP))))
            .collect();
        assert_eq!(
            draws,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn units_are_even_and_below_one() {
        let mean = (0..100_000).map(|n| unit(mix(n))).sum::<f64>() / 100_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!(unit(u64::MAX) < 1.0);
        assert_eq!(unit(0), 0.0);
    }
}
