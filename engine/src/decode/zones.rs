//! In which time zone a number is at home, as far as its country or its area says.

use std::collections::HashMap;

use crate::audience::Known;

/// Codes of countries that the table of areas gives one zone as a whole: it holds for their mobiles, too.
const WHOLE: [&str; 6] = ["49", "86", "357", "380", "692", "998"];

/// What an area has that may be in any of several zones.
const SEVERAL: &str = "-";

/// Time zones by country, and by area.
pub(super) struct Zones {
    /// Countries of one zone.
    countries: HashMap<String, String>,
    /// Beginnings of numbers, where a country has several.
    areas: HashMap<&'static str, &'static str>,
}

impl Zones {
    /// Those of the tables that are built in.
    pub(super) fn built_in() -> Self {
        let lines = include_str!("../data/time_zone_areas.txt").lines();
        let areas = lines.filter(|line| !line.starts_with('#'));
        Self {
            countries: toml::from_str(include_str!("../data/time_zones.toml")).unwrap_or_default(),
            areas: areas.filter_map(|line| line.split_once(' ')).collect(),
        }
    }

    /// The zone of a number: that of its country, or of its area where the country has several.
    pub(super) fn of(&self, known: &Known) -> Option<&str> {
        let country = known.country.as_ref()?;
        let zone = self.countries.get(country).map(String::as_str);
        zone.or_else(|| self.of_area(known))
    }

    fn of_area(&self, known: &Known) -> Option<&'static str> {
        let digits = known.e164.trim_start_matches('+');
        let longest = (1..=digits.len()).rev().map(|length| &digits[..length]);
        let (area, zone) = longest.filter_map(|area| self.areas.get_key_value(area)).next()?;
        // Mobiles are at home in no area.
        let says = known.geographic || WHOLE.contains(area);
        (says && *zone != SEVERAL).then_some(*zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audience::look_up;
    use crate::domain::Country;

    #[test]
    fn each_number_has_the_zone_that_its_country_or_its_area_says() {
        let zones = Zones::built_in();
        for (number, zone) in [
            ("+33612345678", Some("Europe/Paris")),
            ("+262692123456", Some("Indian/Reunion")),
            ("+262639012345", Some("Indian/Mayotte")),
            ("+590690123456", Some("America/Guadeloupe")),
            ("+596696123456", Some("America/Martinique")),
            ("+594694123456", Some("America/Cayenne")),
            ("+508551234", Some("America/Miquelon")),
            ("+687751234", Some("Pacific/Noumea")),
            ("+68940412345", Some("Pacific/Tahiti")),
            ("+32470123456", Some("Europe/Brussels")),
            ("+4915123456789", Some("Europe/Berlin")),
            ("+380501234567", Some("Europe/Kyiv")),
            ("+819012345678", Some("Asia/Tokyo")),
            ("+919876543210", Some("Asia/Kolkata")),
            ("+12125550123", Some("America/New_York")),
            ("+12135550123", Some("America/Los_Angeles")),
            ("+15145550123", Some("America/Toronto")),
            ("+16045550123", Some("America/Vancouver")),
            ("+18769271234", Some("America/Jamaica")),
            ("+34912345678", Some("Europe/Madrid")),
            ("+34928123456", Some("Atlantic/Canary")),
            ("+34612345678", None),
            ("+351296123456", Some("Atlantic/Azores")),
            ("+351912345678", None),
            ("+61412345678", None),
            ("+5511961234567", None),
        ] {
            let known = look_up(number, Country::FRANCE).unwrap_or_else(|fault| panic!("{number}: {fault:?}"));
            assert_eq!(zones.of(&known), zone, "{number}: {known:?}");
        }
    }

    #[test]
    fn the_tables_are_read_whole() {
        let zones = Zones::built_in();
        assert!(zones.countries.len() > 200 && zones.areas.len() > 2_000);
        let mut names = zones
            .countries
            .values()
            .map(String::as_str)
            .chain(zones.areas.values().copied());
        assert!(names.all(|name| name == SEVERAL || name.contains('/')));
    }
}
