//! Public holidays, by year.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::Deserialize;

const FILE: &str = include_str!("../data/holidays.toml");

/// What a calendar's table says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Calendar {
    /// Month and day: `05-01`.
    fixed: Vec<String>,
    /// Days from Easter Sunday.
    easter: Vec<i64>,
    /// Month and day: the Monday then, or the next one behind it.
    #[serde(default)]
    mondays: Vec<String>,
}

static CALENDARS: LazyLock<BTreeMap<String, Calendar>> = LazyLock::new(|| toml::from_str(FILE).unwrap_or_default());

/// Whether that day is one in any of these calendars.
pub(crate) fn is_holiday(calendars: &[String], day: Date) -> bool {
    let named = calendars.iter().filter_map(|name| CALENDARS.get(name));
    named.into_iter().any(|calendar| calendar.has(day))
}

impl Calendar {
    fn has(&self, day: Date) -> bool {
        let written = format!("{:02}-{:02}", day.month(), day.day());
        self.fixed.contains(&written) || self.has_by_easter(day) || self.has_by_monday(day)
    }

    fn has_by_monday(&self, day: Date) -> bool {
        let first = |text: &String| format!("{:04}-{text}", day.year()).parse::<Date>().ok();
        let mut first = self.mondays.iter().filter_map(first);
        let is_within = |first: Date| (first..first.saturating_add(7.days())).contains(&day);
        day.weekday() == Weekday::Monday && first.any(is_within)
    }

    fn has_by_easter(&self, day: Date) -> bool {
        let Some(easter) = easter(day.year()) else {
            return false;
        };
        let days = self
            .easter
            .iter()
            .filter_map(|after| easter.checked_add(after.days()).ok());
        days.into_iter().any(|holiday| holiday == day)
    }
}

/// Easter Sunday of a year of the Gregorian calendar (the algorithm of Meeus, Jones and Butcher).
pub fn easter(year: i16) -> Option<Date> {
    let year_number = i32::from(year);
    let golden = year_number % 19;
    let (century, of_century) = (year_number / 100, year_number % 100);
    let (leap_centuries, rest) = (century / 4, century % 4);
    let lunar = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - leap_centuries - lunar + 15) % 30;
    let weekday = (32 + 2 * rest + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    Date::new(year, i8::try_from(days / 31).ok()?, i8::try_from(days % 31 + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn easter_is_where_almanacs_have_it() {
        for day in [
            date(2000, 4, 23),
            date(2008, 3, 23),
            date(2024, 3, 31),
            date(2026, 4, 5),
            date(2027, 3, 28),
            date(2038, 4, 25),
            date(2285, 3, 22),
        ] {
            assert_eq!(easter(day.year()), Some(day));
        }
    }

    #[test]
    fn holidays_of_canada_are_where_almanacs_have_them() {
        let of = |names: &[&str], day| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            is_holiday(&names, day)
        };
        for day in [
            // Good Friday, Victoria Day, Labour Day, Thanksgiving.
            date(2026, 4, 3),
            date(2026, 5, 18),
            date(2026, 9, 7),
            date(2026, 10, 12),
            date(2027, 5, 24),
            date(2027, 9, 6),
            date(2027, 10, 11),
        ] {
            assert!(of(&["ca"], day), "{day}");
        }
        for day in [
            date(2026, 5, 25),
            date(2026, 10, 5),
            date(2027, 5, 17),
            date(2026, 5, 19),
        ] {
            assert!(!of(&["ca"], day), "{day}");
        }
        // Family Day, the civic holiday of August, Saint-Jean-Baptiste.
        assert!(of(&["ca-on"], date(2026, 2, 16)) && !of(&["ca-qc"], date(2026, 2, 16)));
        assert!(of(&["ca-bc"], date(2026, 8, 3)) && !of(&["ca-on"], date(2026, 8, 3)));
        assert!(of(&["ca-qc"], date(2026, 6, 24)) && of(&["ca-qc"], date(2026, 4, 6)));
    }

    #[test]
    fn every_calendar_can_be_read_and_every_day_in_it_exists() {
        assert!(CALENDARS.len() > 8, "{:?}", CALENDARS.keys());
        for (name, calendar) in CALENDARS.iter() {
            for day in calendar.fixed.iter().chain(&calendar.mondays) {
                assert!(format!("2027-{day}").parse::<Date>().is_ok(), "{name}: {day}");
            }
        }
    }
}
