//! Single TOML values that several sections have.

use std::time::Duration;

use smpp::command_status::CommandStatus;
use strum::VariantArray;
use toml::de::{DeInteger, DeValue};

/// The longest duration that a scenario may name: a year, more than any receipt of any carrier.
const DURATION_MAX: Duration = Duration::from_secs(366 * 86_400);

/// The highest rate that can be counted exactly: one time stamp for every submit of a second.
pub(super) const RATE_MAX: u64 = 1_000_000;

/// Room for every unanswered submit or deliver_sm that a peer may reasonably have.
pub(super) const WINDOW_MAX: u64 = 100_000;

/// A TOML integer that is not negative.
pub(super) fn whole(integer: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A TOML number, whole or not.
pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    if let Some(integer) = value.as_integer() {
        return whole(integer).map(|number| number as f64);
    }
    value.as_float().and_then(|float| float.as_str().parse().ok())
}

/// A duration like `1m 30s`, up to a year.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let duration = humantime::parse_duration(text).ok()?;
    (duration <= DURATION_MAX).then_some(duration)
}

/// What a rate may be.
pub(crate) const RATE: &str = "segments a second like \"500/s\", 1/s to 1000000/s";

/// `500/s`.
pub(super) fn rate(value: &DeValue<'_>) -> Option<u32> {
    parse_rate(value.as_str()?)
}

/// As [`rate`], out of its characters.
pub(crate) fn parse_rate(text: &str) -> Option<u32> {
    let number = text.strip_suffix("/s")?.trim().parse::<u64>().ok()?;
    (1..=RATE_MAX).contains(&number).then_some(number as u32)
}

pub(super) const STATUS: &str = "a command_status: a name like \"ESME_RTHROTTLED\" or a number like \"0x00000058\"";

pub(super) fn status(value: &DeValue<'_>) -> Option<CommandStatus> {
    if let Some(integer) = value.as_integer() {
        return whole(integer)
            .and_then(|number| u32::try_from(number).ok())
            .map(CommandStatus);
    }
    value.as_str().and_then(CommandStatus::parse)
}

/// Names become labels of metrics.
pub(super) fn name(value: &DeValue<'_>) -> Option<String> {
    let name = value.as_str()?;
    let plain = name
        .bytes()
        .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"_-".contains(&octet));
    ((1..=64).contains(&name.len()) && plain).then(|| name.to_owned())
}

/// A tenth of the rate, at least 1.
pub(super) fn usual_burst(rate: u32) -> u32 {
    (rate / 10).max(1)
}

/// Every value of an enum, with its name in a scenario.
pub(super) fn names<T: VariantArray + Copy + Into<&'static str>>() -> Vec<(&'static str, T)> {
    T::VARIANTS.iter().map(|&value| (value.into(), value)).collect()
}
