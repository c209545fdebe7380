//! A pack: the hours that a law or a charter allows advertising in one country, from a day on.

use std::sync::LazyLock;

use jiff::SignedDuration;
use jiff::civil::{Date, Time, Weekday};
use serde::Deserialize;

/// Whether public holidays are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Holidays {
    Open,
    Closed,
}

/// A day of the week as files have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// The hours of advertising in one country, from a day on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// What the configuration calls it.
    #[serde(skip)]
    pub name: &'static str,
    /// ISO 3166-1.
    pub country: String,
    /// The first day that it holds on.
    pub valid_from: Date,
    /// Where it is written.
    pub source: String,
    days: Vec<Day>,
    /// From then on, each open day.
    pub(crate) from: Time,
    /// Until before then.
    pub(crate) to: Time,
    holidays: Holidays,
    /// So long before the end nothing new goes.
    pub(crate) guard: SignedDuration,
}

macro_rules! packs {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../data/packs/", $name, ".toml")))),*]
    };
}

/// Every file in `data/packs`.
const FILES: &[(&str, &str)] = packs!["be", "ca", "fr-af2m-2024", "fr-af2m-2026", "fr-seed", "gb"];

/// The names of all packs.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

static PACKS: LazyLock<Vec<Pack>> = LazyLock::new(|| {
    let read = |(name, text): &(&'static str, &str)| {
        let pack: Option<Pack> = toml::from_str(text).ok();
        pack.map(|pack| Pack { name, ..pack })
    };
    FILES.iter().filter_map(read).collect()
});

impl Pack {
    /// The pack of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PACKS.iter().find(|pack| pack.name == name)
    }

    /// Whether it is closed on all days of that kind.
    pub(crate) fn is_open_on(&self, day: Weekday) -> bool {
        let day = match day {
            Weekday::Monday => Day::Mon,
            Weekday::Tuesday => Day::Tue,
            Weekday::Wednesday => Day::Wed,
            Weekday::Thursday => Day::Thu,
            Weekday::Friday => Day::Fri,
            Weekday::Saturday => Day::Sat,
            Weekday::Sunday => Day::Sun,
        };
        self.days.contains(&day)
    }

    pub(crate) fn closes_on_holidays(&self) -> bool {
        self.holidays == Holidays::Closed
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
        }
    }
}
