//! How load is dealt to tenants, and how evenly they were served.

use crate::results::Fairness;

/// `total` things dealt to `tenants` so that tenant k, from 1, gets in proportion to 1/k to the power of `zipf`; everybody gets
/// one as long as there are enough.
pub(crate) fn deal(total: u64, tenants: usize, zipf: f64) -> Vec<u64> {
    let weights: Vec<f64> = (1..=tenants).map(|k| (k as f64).powf(-zipf)).collect();
    let sum: f64 = weights.iter().sum();
    let spare = total.saturating_sub(tenants as u64);
    let (mut dealt, mut until) = (0, 0.0);
    let each = weights.iter().map(|weight| {
        // By rounding the running sum, so that the shares add up.
        until += weight / sum;
        let upto = (spare as f64 * until).round() as u64;
        let share = upto - dealt;
        dealt = upto;
        share
    });
    let mut shares: Vec<u64> = each.collect();
    shares.iter_mut().take(total as usize).for_each(|share| *share += 1);
    shares
}

/// Which tenant the point `unit` from 0 to 1 belongs to.
pub(crate) fn choose(unit: f64, tenants: usize, zipf: f64) -> usize {
    let weight = |k: usize| (k as f64).powf(-zipf);
    let sum: f64 = (1..=tenants).map(weight).sum();
    let mut until = 0.0;
    let reached = (1..=tenants).position(|k| {
        until += weight(k) / sum;
        unit < until
    });
    reached.unwrap_or(tenants - 1)
}

/// Jain's index over `throughputs`, and the waits; `None` with fewer than two tenants.
pub(crate) fn fairness(throughputs: &[f64], waits_ms: &[f64]) -> Option<Fairness> {
    if throughputs.len() < 2 {
        return None;
    }
    let sum: f64 = throughputs.iter().sum();
    let squares: f64 = throughputs.iter().map(|value| value * value).sum();
    let mut waits = waits_ms.to_vec();
    waits.sort_by(f64::total_cmp);
    Some(Fairness {
        tenants: throughputs.len() as u64,
        jain_index: if squares > 0.0 {
            sum * sum / (throughputs.len() as f64 * squares)
        } else {
            0.0
        },
        max_wait_ms: waits.last().copied().unwrap_or(0.0),
        median_wait_ms: waits.get(waits.len() / 2).copied().unwrap_or(0.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_fall() {
        for (total, tenants, zipf) in [(1_000, 7, 0.0), (1_000, 7, 1.0), (10_000, 100, 2.0), (5, 9, 1.0)] {
            let shares = deal(total, tenants, zipf);
            assert_eq!(shares.iter().sum::<u64>(), total, "{total} {tenants} {zipf}");
            assert_eq!(shares.len(), tenants);
        }
        assert_eq!(deal(100, 4, 0.0), [25, 25, 25, 25]);
        let shares = deal(10_000, 10, 1.0);
        assert!(shares[0] > 3 * shares[9] && shares[9] > 0, "{shares:?}");
    }

    #[test]
    fn points_choose_tenants_in_proportion() {
        let draws = crate::random::Draws::new(1, "test");
        let first = (0..100_000).filter(|&n| choose(draws.unit(n), 4, 1.0) == 0).count();
        // 1 of 1 + 1/2 + 1/3 + 1/4.
        assert!((47_000..49_000).contains(&first), "{first}");
        assert_eq!(choose(1.0, 4, 1.0), 3);
    }

    #[test]
    fn jains_index_is_one_when_even() {
        let even = fairness(&[5.0; 4], &[1.0, 9.0, 2.0, 3.0]).unwrap();
        assert!((even.jain_index - 1.0).abs() < 1e-9);
        assert_eq!((even.max_wait_ms, even.median_wait_ms), (9.0, 3.0));
        let one = fairness(&[1.0, 0.0, 0.0, 0.0], &[]).unwrap();
        assert!((one.jain_index - 0.25).abs() < 1e-9);
        assert_eq!(fairness(&[1.0], &[1.0]), None);
    }
}
