//! A pack: the hours that a law or a charter allows advertising in one country, from a day on.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The hours of advertising in one country, from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// What the configuration calls it.
    pub name: String,
    /// Which of its texts it is: see [`version_of`].
    pub version: String,
    /// The file that it was read from.
    pub text: String,
    /// ISO 3166-1.
    pub country: String,
    /// The first day that it holds on.
    pub valid_from: Date,
    /// The last day until which somebody has looked that the law says so. It holds on after that.
    pub valid_until: Option<Date>,
    /// Where it is written.
    pub source: String,
    /// The days of the week that are open.
    pub days: Vec<Weekday>,
    /// From then on, each open day.
    pub from: Time,
    /// Until before then.
    pub to: Time,
    /// Whether public holidays are closed.
    pub closes_on_holidays: bool,
    /// So long before the end nothing new goes.
    pub guard: SignedDuration,
}

/// What files call the days of the week.
pub const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// What files say of public holidays: whether these are closed.
pub const HOLIDAYS: [(&str, bool); 2] = [("open", false), ("closed", true)];

/// Hexadecimal digits of a version: nobody writes two texts of one pack that share them.
const VERSION_DIGITS: usize = 12;

/// What tells one text of a pack from another: the first digits of its SHA-256, as `sha256sum` shows them.
pub fn version_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits = digest.iter().map(|octet| format!("{octet:02x}"));
    digits.collect::<String>().split_at(VERSION_DIGITS).0.to_owned()
}

/// A pack of ours as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    country: String,
    valid_from: Date,
    valid_until: Option<Date>,
    source: String,
    days: Vec<String>,
    from: Time,
    to: Time,
    holidays: String,
    guard: SignedDuration,
}

impl Written {
    fn pack(self, name: &str, text: &str) -> Pack {
        let days = DAYS
            .into_iter()
            .filter(|(word, _)| self.days.iter().any(|day| day == word));
        Pack {
            name: name.to_owned(),
            version: version_of(text),
            text: text.to_owned(),
            country: self.country,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            source: self.source,
            days: days.map(|(_, day)| day).collect(),
            from: self.from,
            to: self.to,
            closes_on_holidays: HOLIDAYS.contains(&(self.holidays.as_str(), true)),
            guard: self.guard,
        }
    }
}

macro_rules! packs {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../data/packs/", $name, ".toml")))),*]
    };
}

/// Every file in `data/packs`.
const FILES: &[(&str, &str)] = packs!["be", "ca", "fr-af2m-2024", "fr-af2m-2026", "fr-seed", "gb"];

/// The names of all packs of ours.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

static PACKS: LazyLock<Vec<Arc<Pack>>> = LazyLock::new(|| {
    let read = |(name, text): &(&str, &str)| {
        let written: Option<Written> = toml::from_str(text).ok();
        written.map(|written| Arc::new(written.pack(name, text)))
    };
    FILES.iter().filter_map(read).collect()
});

/// By the names of packs.
static SOURCES: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("../data/sources.toml")).unwrap_or_default());

impl Pack {
    /// The end of its last day that somebody has looked at, in UTC: nobody has to know to the hour.
    pub fn ends(&self) -> Option<Timestamp> {
        let next = self.valid_until?.tomorrow().ok()?;
        Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }

    /// Where it is written, in French, of a pack of ours; one that an operator brings says it in the operator's words.
    pub fn french_source(&self) -> Option<&'static str> {
        let own = FILES
            .iter()
            .any(|(name, text)| *name == self.name && *text == self.text);
        own.then(|| SOURCES.get(&self.name)).flatten().map(String::as_str)
    }

    /// The pack of ours of that name.
    pub fn named(name: &str) -> Option<Arc<Self>> {
        PACKS.iter().find(|pack| pack.name == name).cloned()
    }

    pub(crate) fn is_open_on(&self, day: Weekday) -> bool {
        self.days.contains(&day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Zone;

    #[test]
    fn every_pack_can_be_read_and_its_country_has_zones() {
        for name in names() {
            let pack = Pack::named(name).unwrap_or_else(|| panic!("{name} cannot be read"));
            assert!(!Zone::of(&pack.country).is_empty(), "{name}");
            assert!(
                pack.from < pack.to && pack.guard < SignedDuration::from_hours(1),
                "{name}"
            );
            assert!(pack.days.len() >= 5 && pack.source.len() > 20, "{name}");
            assert_eq!(pack.version.len(), VERSION_DIGITS, "{name}");
            assert!(pack.french_source().is_some_and(|source| source.len() > 20), "{name}");
            let changed = Pack {
                text: String::new(),
                ..(*pack).clone()
            };
            assert_eq!(changed.french_source(), None, "{name}");
            let said = |word: &str, key: &str| pack.text.contains(&format!("{key} = \"{word}\""));
            assert!(
                said(if pack.closes_on_holidays { "closed" } else { "open" }, "holidays"),
                "{name}"
            );
        }
    }

    #[test]
    fn a_version_is_what_sha256sum_shows_of_the_file() {
        assert_eq!(version_of("abc"), "ba7816bf8f01");
    }
}
