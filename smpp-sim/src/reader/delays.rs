use std::time::Duration;

use toml::de::DeValue;

use super::values::{self, number};
use crate::delay::Delay;

/// What a delay may be, for faults.
pub(super) const DELAY: &str = "a duration, { uniform = [FROM, TO] }, { normal = [MEAN, DEVIATION] }, { lognormal = \
     [MEDIAN, SIGMA] }, { exponential = MEAN }, { spike = [BASE, PEAK, SHARE] } or { empirical = [[QUANTILE, DURATION], \
     ...] } with 2 to 100 quantiles that rise from 0 to 1";

/// Quantiles of one distribution: a histogram of any measurement has fewer.
const QUANTILES_MAX: usize = 100;

/// The widest lognormal: beyond, half of all delays would be cut or zero.
const SIGMA_MAX: f64 = 5.0;

/// A duration, or a table with one distribution.
pub(super) fn delay(value: &DeValue<'_>) -> Option<Delay> {
    if value.is_str() {
        return duration(value).map(Delay::Fixed);
    }
    let table = value.as_table().filter(|table| table.len() == 1)?;
    let (kind, value) = table.iter().next()?;
    let value = value.get_ref();
    match &**kind.get_ref() {
        "uniform" => pair(value, duration)
            .filter(|(from, to)| from <= to)
            .map(|(from, to)| Delay::Uniform(from, to)),
        "normal" => pair(value, duration).map(|(mean, deviation)| Delay::Normal(mean, deviation)),
        "lognormal" => pair(value, number)
            .filter(|(_, sigma)| (0.0..=SIGMA_MAX).contains(sigma))
            .map(|(median, sigma)| Delay::LogNormal(median, sigma)),
        "exponential" => duration(value).map(Delay::Exponential),
        "spike" => spike(value),
        "empirical" => empirical(value),
        _ => None,
    }
}

fn duration(value: &DeValue<'_>) -> Option<Duration> {
    values::duration(value.as_str()?)
}

/// A duration and something else.
fn pair<T>(value: &DeValue<'_>, second: impl Fn(&DeValue<'_>) -> Option<T>) -> Option<(Duration, T)> {
    let array = value.as_array().filter(|array| array.len() == 2)?;
    Some((duration(array[0].get_ref())?, second(array[1].get_ref())?))
}

fn spike(value: &DeValue<'_>) -> Option<Delay> {
    let array = value.as_array().filter(|array| array.len() == 3)?;
    let share = number(array[2].get_ref()).filter(|share| (0.0..=1.0).contains(share))?;
    Some(Delay::Spike(
        duration(array[0].get_ref())?,
        duration(array[1].get_ref())?,
        share,
    ))
}

fn empirical(value: &DeValue<'_>) -> Option<Delay> {
    let array = value
        .as_array()
        .filter(|array| (2..=QUANTILES_MAX).contains(&array.len()))?;
    let quantile = |value: &DeValue<'_>| {
        let array = value.as_array().filter(|array| array.len() == 2)?;
        let at = number(array[0].get_ref()).filter(|at| (0.0..=1.0).contains(at))?;
        Some((at, duration(array[1].get_ref())?))
    };
    let quantiles: Vec<_> = array
        .iter()
        .map(|value| quantile(value.get_ref()))
        .collect::<Option<_>>()?;
    let rising = quantiles
        .windows(2)
        .all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1);
    rising.then(|| Delay::Empirical(quantiles.into()))
}
