//! The kinds of values that a configuration has, each read from what was given or answered with what is allowed.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::source::Given;

/// A password or key. It never shows itself, neither in logs nor in faults.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the wire.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How many segments an SMSC takes in what time: `500/s`, `60/min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Segments in one period; at least 1.
    pub(crate) segments: u32,
    /// The period: a second, a minute or an hour.
    pub(crate) period: Duration,
}

impl Rate {
    /// Segments a second.
    pub(crate) fn segments_per_second(self) -> f64 {
        f64::from(self.segments) / self.period.as_secs_f64()
    }

    /// Reads `500/s`, `60/min` or `1000/h`, with or without spaces.
    ///
    /// # Errors
    /// `Err` for anything else, and for 0 or more than [`RATE_MAX`] segments.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let allowed = || format!("segments in a time, 1 to {RATE_MAX}, such as \"500/s\", \"60/min\" or \"1000/h\"");
        let (segments, period) = text.split_once('/').ok_or_else(allowed)?;
        let segments = segments
            .trim()
            .parse()
            .ok()
            .filter(|segments| (1..=RATE_MAX).contains(segments));
        let seconds = match period.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3_600,
            _ => return Err(allowed()),
        };
        Ok(Self {
            segments: segments.ok_or_else(allowed)?,
            period: Duration::from_secs(seconds),
        })
    }
}

/// No aggregator takes more from one account; above it, leave `rate` out.
pub(crate) const RATE_MAX: u32 = 1_000_000;

/// Units of an amount of memory, the longest name first so that `B` is not found in `MiB`.
const SIZE_UNITS: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// An amount of memory in octets: a whole number, or a text such as `256MiB`.
pub(super) fn size(given: &Given<'_>, range: RangeInclusive<u64>) -> Result<u64, String> {
    let octets = match given.integer() {
        Some(octets) => u64::try_from(octets).ok(),
        None => given.text().and_then(size_of_text),
    };
    let allowed = || {
        format!(
            "octets, {} to {}, such as 1048576 or \"1MiB\"",
            range.start(),
            range.end()
        )
    };
    octets.filter(|octets| range.contains(octets)).ok_or_else(allowed)
}

fn size_of_text(text: &str) -> Option<u64> {
    let (digits, unit) = SIZE_UNITS
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    digits.trim().parse::<u64>().ok()?.checked_mul(*unit)
}

/// `true` or `false`.
pub(super) fn truth(given: &Given<'_>) -> Result<bool, String> {
    given.boolean().ok_or_else(|| "true or false".to_owned())
}

/// A whole number within `range`.
pub(super) fn whole(given: &Given<'_>, range: RangeInclusive<u32>) -> Result<u32, String> {
    let number = given.integer().and_then(|number| u32::try_from(number).ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("{} to {}", range.start(), range.end()))
}

/// A duration such as `30s` or `1m 30s`, within `range`.
pub(super) fn duration(given: &Given<'_>, range: RangeInclusive<Duration>) -> Result<Duration, String> {
    let duration = given.text().and_then(|text| humantime::parse_duration(text).ok());
    duration.filter(|duration| range.contains(duration)).ok_or_else(|| {
        let (least, most) = (
            humantime::format_duration(*range.start()),
            humantime::format_duration(*range.end()),
        );
        format!("a duration, {least} to {most}, such as \"30s\" or \"1m 30s\"")
    })
}

/// An address to listen on.
pub(super) fn listen(given: &Given<'_>) -> Result<SocketAddr, String> {
    let allowed = "an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"";
    given
        .text()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| allowed.to_owned())
}

/// The address of somebody else: a name or an IP address, and a port. Names are resolved at every connection.
pub(super) fn host_and_port(given: &Given<'_>) -> Result<String, String> {
    let valid = |text: &&str| {
        text.rsplit_once(':').is_some_and(|(host, port)| {
            let bracketed = host.starts_with('[') && host.ends_with(']') && text.parse::<SocketAddr>().is_ok();
            let named = !host.is_empty() && !host.contains([':', '[', ']', '/', ' ']);
            (bracketed || named) && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    };
    given
        .text()
        .filter(valid)
        .map(str::to_owned)
        .ok_or_else(|| ADDRESS_ALLOWED.to_owned())
}

/// What [`host_and_port`] takes.
pub(super) const ADDRESS_ALLOWED: &str = "host:port, such as \"smpp.example.net:2775\" or \"127.0.0.1:2775\"";

/// ASCII text without control characters, `range` octets long: what fits a C-Octet String (SMPP 3.4, 3.1).
pub(super) fn octets(given: &Given<'_>, range: RangeInclusive<usize>) -> Result<String, String> {
    let valid = |text: &&str| range.contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7F).contains(&byte));
    let allowed = || format!("{} to {} ASCII characters", range.start(), range.end());
    given.text().filter(valid).map(str::to_owned).ok_or_else(allowed)
}

/// One of a few words.
pub(super) fn word<T: Copy>(given: &Given<'_>, words: &[(&str, T)]) -> Result<T, String> {
    let found = words
        .iter()
        .find(|(word, _)| given.text() == Some(word))
        .map(|(_, value)| *value);
    found.ok_or_else(|| {
        words
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect::<Vec<_>>()
            .join(" or ")
    })
}
