use std::time::Duration;

use kit::settings::{Definition, Given, Table};

use super::values::duration;
use crate::delay::Delay;

/// What a delay may be.
const DELAY: Definition = Definition {
    name: "delay",
    allowed: "a duration, { uniform = [FROM, TO] }, { normal = [MEAN, DEVIATION] }, { lognormal = [MEDIAN, SIGMA] }, \
              { exponential = MEAN }, { spike = [BASE, PEAK, SHARE] } or { empirical = [[QUANTILE, DURATION], ...] } with \
              2 to 100 quantiles that rise from 0 to 1",
};

/// Quantiles of one distribution: a histogram of any measurement has fewer.
const QUANTILES_MAX: usize = 100;

/// The widest lognormal: beyond, half of all delays would be cut or zero.
const SIGMA_MAX: f64 = 5.0;

/// A duration, or a table with one distribution.
pub(super) fn delay(table: &Table<'_>, key: &'static str) -> Option<Delay> {
    table.defined(key, DELAY, |given| match given.text() {
        Some(_) => duration(given).map(Delay::Fixed),
        None => distribution(given),
    })
}

fn distribution(given: Given<'_>) -> Option<Delay> {
    let [(kind, given)] = given.entries()?[..] else {
        return None;
    };
    match kind {
        "uniform" => pair(given, duration)
            .filter(|(from, to)| from <= to)
            .map(|(from, to)| Delay::Uniform(from, to)),
        "normal" => pair(given, duration).map(|(mean, deviation)| Delay::Normal(mean, deviation)),
        "lognormal" => pair(given, |given| given.number())
            .filter(|(_, sigma)| (0.0..=SIGMA_MAX).contains(sigma))
            .map(|(median, sigma)| Delay::LogNormal(median, sigma)),
        "exponential" => duration(given).map(Delay::Exponential),
        "spike" => spike(given),
        "empirical" => empirical(given),
        _ => None,
    }
}

/// A duration and something else.
fn pair<T>(given: Given<'_>, second: impl Fn(Given<'_>) -> Option<T>) -> Option<(Duration, T)> {
    let [one, other] = given.items()?[..] else { return None };
    Some((duration(one)?, second(other)?))
}

fn spike(given: Given<'_>) -> Option<Delay> {
    let [base, peak, share] = given.items()?[..] else {
        return None;
    };
    let share = share.number().filter(|share| (0.0..=1.0).contains(share))?;
    Some(Delay::Spike(duration(base)?, duration(peak)?, share))
}

fn empirical(given: Given<'_>) -> Option<Delay> {
    let items = given
        .items()
        .filter(|items| (2..=QUANTILES_MAX).contains(&items.len()))?;
    let quantile = |given: Given<'_>| {
        let [at, delay] = given.items()?[..] else { return None };
        let at = at.number().filter(|at| (0.0..=1.0).contains(at))?;
        Some((at, duration(delay)?))
    };
    let quantiles: Vec<_> = items.into_iter().map(quantile).collect::<Option<_>>()?;
    let rising = quantiles
        .windows(2)
        .all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1);
    let whole =
        quantiles.first().is_some_and(|first| first.0 == 0.0) && quantiles.last().is_some_and(|last| last.0 == 1.0);
    (rising && whole).then(|| Delay::Empirical(quantiles.into()))
}
