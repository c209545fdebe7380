//! Whether two sets of values differ by more than chance: Mann and Whitney's test, exact, without an assumption of how they spread.

/// A difference that chance makes in more than this share of cases is noise.
const CHANCE_MAX: f64 = 0.05;

/// Whether the second set is above the first one by more than chance.
pub(super) fn is_above(first: &[f64], second: &[f64]) -> bool {
    chance_of_above(first, second) <= CHANCE_MAX
}

/// In which share of cases two sets of the same nature come out like this, or with the second one even higher.
fn chance_of_above(first: &[f64], second: &[f64]) -> f64 {
    // Of all pairs, those in which the second is higher, twice; a tie counts once.
    let twice: usize = second
        .iter()
        .flat_map(|high| {
            first
                .iter()
                .map(move |low| 2 * usize::from(high > low) + usize::from(high == low))
        })
        .sum();
    let ways = ways(first.len(), second.len());
    // With ties, only the whole pairs below are sure.
    let reached = twice / 2;
    let all: f64 = ways.iter().sum();
    ways.iter().skip(reached).sum::<f64>() / all
}

/// In how many orders of `n` and `m` values so many pairs have the second one higher, for each number of pairs.
fn ways(n: usize, m: usize) -> Vec<f64> {
    // The highest value is of the second set, and above all n of the first; or of the first, and above none.
    let mut table = vec![vec![vec![1.0]; m + 1]; n + 1];
    for first in 1..=n {
        for second in 1..=m {
            let mut counts = vec![0.0; first * second + 1];
            for (pairs, ways) in table[first][second - 1].iter().enumerate() {
                counts[pairs + first] += ways;
            }
            for (pairs, ways) in table[first - 1][second].iter().enumerate() {
                counts[pairs] += ways;
            }
            table[first][second] = counts;
        }
    }
    table.pop().and_then(|mut row| row.pop()).unwrap_or_default()
}

/// The value in the middle of them, or half-way between the two there; 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => 0.0,
        (Some(high), 0) => f64::midpoint(sorted[middle - 1], *high),
        (Some(value), _) => *value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_counted() {
        // Two and two: the six orders have 0, 1, 2, 2, 3 and 4 pairs.
        assert_eq!(ways(2, 2), [1.0, 1.0, 2.0, 1.0, 1.0]);
        assert!((ways(5, 5).iter().sum::<f64>() - 252.0).abs() < 1e-9);
        assert!((ways(50, 50).iter().sum::<f64>() / 1.008_913_445_455_642e29 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn three_of_each_must_be_wholly_apart() {
        assert!(is_above(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]));
        assert!(!is_above(&[1.0, 2.0, 4.0], &[3.0, 5.0, 6.0]));
        assert!(!is_above(&[4.0, 5.0, 6.0], &[1.0, 2.0, 3.0]), "below is not above");
        assert!(!is_above(&[1.0; 5], &[1.0; 5]), "the same is not above");
        assert!(!is_above(&[1.0], &[2.0]), "one of each says nothing");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 2.0, 3.0])), (2.0, 2.5));
        assert_eq!(median(&[]), 0.0);
    }
}
