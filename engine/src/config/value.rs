//! The kinds of values that only this program's configuration has.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use kit::settings::{Given, Table};

use crate::domain::{Countries, RATE_MAX, Status, per_time};

/// The most entries of `prefixes`, `answers` and `receipts` each: a carrier documents some hundred codes.
pub(super) const ENTRIES_MAX: usize = 1_000;

/// The first line of the file that a key names, which lies beside the configuration unless its path is absolute.
pub(super) fn password_of_file(
    table: &Table<'_>,
    key: &'static str,
    is_allowed: impl Fn(&str) -> bool,
    allowed: &str,
) -> Option<String> {
    let name = table.parsed(key, "the path of a file whose first line is the password", Given::text)?;
    let text = match std::fs::read_to_string(table.file_beside(name)) {
        Ok(text) => text,
        Err(error) => {
            table.fault(key, format!("{name:?} cannot be read: {error}"));
            return None;
        }
    };
    let password = text.lines().next().unwrap_or_default();
    if !is_allowed(password) {
        table.fault(key, format!("the first line of {name:?} must be {allowed}"));
        return None;
    }
    Some(password.to_owned())
}

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
    #[cfg(test)]
    pub(crate) const fn per_second(segments: u32) -> Self {
        Self {
            segments,
            period: Duration::from_secs(1),
        }
    }

    /// Segments a second.
    pub(crate) fn segments_per_second(self) -> f64 {
        f64::from(self.segments) / self.period.as_secs_f64()
    }

    /// `500/s`, `60/min` or `1000/h`, with or without spaces; at most [`RATE_MAX`] segments.
    pub(super) fn read(table: &Table<'_>, key: &'static str) -> Option<Self> {
        let allowed = format!("segments in a time, 1 to {RATE_MAX}, such as \"500/s\", \"60/min\" or \"1000/h\"");
        table.parsed(key, allowed, |given| Self::parse(given.text()?))
    }

    /// `500/s`, `60/min` or `1000/h`; `None` for what is written otherwise, or more than [`RATE_MAX`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        per_time(text).map(|(segments, period)| Self { segments, period })
    }
}

/// `countries`: whose numbers are meant. Default: all.
pub(super) fn countries(table: &Table<'_>) -> Countries {
    let allowed = format!(
        "1 to {} countries by their two letters, such as [\"FR\", \"RE\"]",
        Countries::MAX
    );
    let countries = table.parsed("countries", allowed, |given| {
        let texts = given.texts()?;
        let count = (1..=Countries::MAX).contains(&texts.len());
        count.then(|| texts.into_iter().map(|code| code.parse().ok()).collect())?
    });
    countries.unwrap_or_default()
}

/// The digits that a number begins with.
pub(super) fn prefix(text: &str) -> Option<String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    // E.164 numbers have at most 15 digits.
    let valid = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| digits.to_owned())
}

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

/// An amount of memory in bytes: a whole number, or a text such as `256MiB`.
pub(super) fn size(table: &Table<'_>, key: &'static str, range: RangeInclusive<u64>, default: u64) -> u64 {
    let (least, most) = (range.start(), range.end());
    let allowed = format!("bytes, {least} to {most}, such as 1048576 or \"1MiB\"");
    let size = table.parsed(key, allowed, |given| {
        let octets = given.whole().or_else(|| size_of_text(given.text()?))?;
        range.contains(&octets).then_some(octets)
    });
    size.unwrap_or(default)
}

fn size_of_text(text: &str) -> Option<u64> {
    let (digits, unit) = SIZE_UNITS
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    digits.trim().parse::<u64>().ok()?.checked_mul(*unit)
}

/// `listen`: an address of ours.
pub(super) fn listen(table: &Table<'_>, default: SocketAddr) -> SocketAddr {
    let allowed = "an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"";
    let listen = table.parsed("listen", allowed, |given| given.text()?.parse().ok());
    listen.unwrap_or(default)
}

/// A list of names of people or firms.
pub(super) fn names(table: &Table<'_>, key: &'static str) -> Vec<String> {
    const MOST: usize = 1_000;
    let allowed = format!("a list of at most {MOST} names of 1 to 40 characters, such as [\"Clinique du Parc\"]");
    let read = |given: Given<'_>| {
        let names = given.texts()?;
        let is_name = |name: &&str| (1..=40).contains(&name.trim().chars().count());
        let sound = names.len() <= MOST && names.iter().all(is_name);
        sound.then(|| names.iter().map(|name| name.trim().to_owned()).collect())
    };
    table.parsed(key, allowed, read).unwrap_or_default()
}

/// The address of somebody else: a name or an IP address, and a port. Names are resolved at every connection.
pub(super) fn host_and_port(given: Given<'_>) -> Option<String> {
    let text = given.text()?;
    let (host, port) = text.rsplit_once(':')?;
    let bracketed = host.starts_with('[') && host.ends_with(']') && text.parse::<SocketAddr>().is_ok();
    let named = !host.is_empty() && !host.contains([':', '[', ']', '/', ' ']);
    let valid = (bracketed || named) && port.parse::<u16>().is_ok_and(|port| port > 0);
    valid.then(|| text.to_owned())
}

/// What [`host_and_port`] takes.
pub(super) const ADDRESS_ALLOWED: &str = "host:port, such as \"smpp.example.net:2775\" or \"127.0.0.1:2775\"";

/// ASCII text without control characters, `range` octets long: what fits a C-Octet String (SMPP 3.4, 3.1).
pub(super) fn octets(text: &str, range: RangeInclusive<usize>) -> Option<String> {
    let valid = range.contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7F).contains(&byte));
    valid.then(|| text.to_owned())
}

/// What [`octets`] takes.
pub(super) fn octets_allowed(range: RangeInclusive<usize>) -> String {
    format!("{} to {} ASCII characters", range.start(), range.end())
}

/// Every status, as messages about faults list them.
pub(super) fn statuses() -> String {
    let quoted: Vec<String> = Status::ALL
        .iter()
        .map(|status| format!("\"{}\"", status.code()))
        .collect();
    quoted.join(", ")
}
