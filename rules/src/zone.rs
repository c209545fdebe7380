//! Zones: numbers that share their hours and their public holidays.

use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::holidays::is_holiday;

const FILE: &str = include_str!("../data/countries.toml");

/// Numbers that share their hours and their public holidays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// What it is called, for ever: `fr-reunion`.
    pub name: String,
    /// How its numbers begin, without a `+`.
    pub prefixes: Vec<String>,
    /// Whose time it has (IANA).
    #[serde(rename = "time_zone")]
    pub time_zone_name: String,
    /// The calendars of its public holidays.
    pub(crate) holidays: Vec<String>,
    #[serde(skip)]
    time_zone: Option<TimeZone>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Country {
    code: String,
    zone: Vec<Zone>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    country: Vec<Country>,
}

static COUNTRIES: LazyLock<Vec<Country>> = LazyLock::new(|| {
    let file: Result<File, _> = toml::from_str(FILE);
    let mut countries = file.map(|file| file.country).unwrap_or_default();
    for zone in countries.iter_mut().flat_map(|country| &mut country.zone) {
        zone.time_zone = TimeZone::get(&zone.time_zone_name).ok();
    }
    countries
});

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| Zone::all().map(|zone| zone.name.as_str()).collect());

/// The codes of the countries whose zones are known.
pub fn countries() -> impl Iterator<Item = &'static str> {
    COUNTRIES.iter().map(|country| country.code.as_str())
}

impl Zone {
    /// The zones of a country; none, when nothing is known of it.
    pub(crate) fn of(country: &str) -> &'static [Self] {
        let known = COUNTRIES.iter().find(|known| known.code == country);
        known.map_or(&[], |known| &known.zone)
    }

    /// The zone of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|zone| zone.name == name)
    }

    /// What they are called.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        COUNTRIES.iter().flat_map(|country| &country.zone)
    }

    /// Whether it is a public holiday there.
    pub fn is_holiday(&self, day: Date) -> bool {
        is_holiday(&self.holidays, day)
    }

    /// Its time.
    pub fn time_zone(&self) -> TimeZone {
        self.time_zone.clone().unwrap_or(TimeZone::UTC)
    }

    /// How many digits of that number it begins with; 0: it is not here.
    pub(crate) fn length_of_prefix(&self, digits: &str) -> usize {
        let fitting = self
            .prefixes
            .iter()
            .filter(|prefix| digits.starts_with(prefix.as_str()));
        fitting.map(String::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_has_its_time_and_no_prefix_is_in_two() {
        let zones: Vec<&Zone> = COUNTRIES.iter().flat_map(|country| &country.zone).collect();
        assert!(zones.len() > 10, "{zones:?}");
        let mut prefixes = Vec::new();
        for zone in &zones {
            assert!(zone.time_zone.is_some(), "{} has no time", zone.name);
            prefixes.extend(&zone.prefixes);
        }
        let all = prefixes.len();
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), all);
    }
}
