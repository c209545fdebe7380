//! Single TOML values that several sections have.

use std::ops::RangeInclusive;
use std::time::Duration;

use kit::settings::Given;
use smpp::command_status::CommandStatus;
use strum::VariantArray;

/// The longest duration that a scenario may name: a year, more than any receipt of any carrier.
const YEAR: Duration = Duration::from_secs(31_557_600);

/// Durations that a scenario may name.
pub(super) const DURATIONS: RangeInclusive<Duration> = Duration::ZERO..=YEAR;

/// Durations of what would be nothing without one.
pub(super) const DURATIONS_OVER_0: RangeInclusive<Duration> = Duration::from_millis(1)..=YEAR;

/// The highest rate that can be counted exactly: one time stamp for every submit of a second.
pub(super) const RATE_MAX: u64 = 1_000_000;

/// Room for every unanswered submit or deliver_sm that a peer may reasonably have.
pub(super) const WINDOW_MAX: u64 = 100_000;

/// A duration like `1m 30s`, up to a year.
pub(super) fn duration(given: Given<'_>) -> Option<Duration> {
    given.duration().filter(|duration| DURATIONS.contains(duration))
}

/// What a rate may be.
pub(crate) const RATE: &str = "segments a second like \"500/s\", 1/s to 1000000/s";

/// `500/s`.
pub(super) fn rate(given: Given<'_>) -> Option<u32> {
    parse_rate(given.text()?)
}

/// As [`rate`], out of its characters.
pub(crate) fn parse_rate(text: &str) -> Option<u32> {
    let number = text.strip_suffix("/s")?.trim().parse::<u64>().ok()?;
    (1..=RATE_MAX).contains(&number).then_some(number as u32)
}

pub(super) const STATUS: &str = "a command_status: a name like \"ESME_RTHROTTLED\" or a number like \"0x00000058\"";

pub(super) fn status(given: Given<'_>) -> Option<CommandStatus> {
    match given.whole() {
        Some(number) => u32::try_from(number).ok().map(CommandStatus),
        None => CommandStatus::parse(given.text()?),
    }
}

/// What refuses something.
pub(super) const ERROR: &str =
    "an error's command_status: a name like \"ESME_RTHROTTLED\" or a number like \"0x00000058\", not ESME_ROK";

/// As [`status`], but for the one that refuses nothing.
pub(super) fn error(given: Given<'_>) -> Option<CommandStatus> {
    status(given).filter(|&status| status != CommandStatus::ESME_ROK)
}

pub(super) const NAME: &str = "1 to 64 of a-z, 0-9, _ and -";

/// Names become labels of metrics.
pub(super) fn name(given: Given<'_>) -> Option<String> {
    let name = given.text()?;
    let plain = name
        .bytes()
        .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"_-".contains(&octet));
    ((1..=64).contains(&name.len()) && plain).then(|| name.to_owned())
}

/// What the weight of an outcome may be.
pub(super) const WEIGHT: &str = "a number from 0 to 1000000000";

/// A tenth of the rate, at least 1.
pub(super) fn usual_burst(rate: u32) -> u32 {
    (rate / 10).max(1)
}

/// Every value of an enum, with its name in a scenario.
pub(super) fn names<T: VariantArray + Copy + Into<&'static str>>() -> Vec<(&'static str, T)> {
    T::VARIANTS.iter().map(|&value| (value.into(), value)).collect()
}
