//! A day in a filter: a date, or one that is told from today. Pure.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::contact::check_day;
use crate::fault::FieldProblem;

/// The most days, weeks, months or years.
const COUNT_MAX: u16 = 9_999;

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    On(Date),
    /// So many of these from today on; back, when it is negative.
    FromToday(i16, Unit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Days,
    Weeks,
    Months,
    Years,
}

impl Unit {
    const WORDS: [(Self, &str); 4] = [
        (Self::Days, "days"),
        (Self::Weeks, "weeks"),
        (Self::Months, "months"),
        (Self::Years, "years"),
    ];

    /// `month` is a month as well.
    fn of(word: &str) -> Option<Self> {
        let plural = |known: &str| known == word || known.strip_suffix('s') == Some(word);
        Self::WORDS
            .iter()
            .find(|(_, known)| plural(known))
            .map(|(unit, _)| *unit)
    }
}

impl Day {
    /// Whether it is after the other one, whatever day it is today. Of a date and what is told from today nobody knows that.
    pub(crate) fn is_after(self, other: Self) -> bool {
        match (self, other) {
            (Self::On(day), Self::On(other)) => day > other,
            (Self::FromToday(..), Self::FromToday(..)) => todays().all(|today| self.date(today) > other.date(today)),
            (Self::On(_), Self::FromToday(..)) | (Self::FromToday(..), Self::On(_)) => false,
        }
    }

    /// The date that it is.
    pub(crate) fn date(self, today: Date) -> Date {
        let (count, unit) = match self {
            Self::On(date) => return date,
            Self::FromToday(count, unit) => (i64::from(count), unit),
        };
        let span = match unit {
            Unit::Days => count.days(),
            Unit::Weeks => count.weeks(),
            Unit::Months => count.months(),
            Unit::Years => count.years(),
        };
        today.saturating_add(span)
    }
}

/// Days on which months before and after are as long as they can be, and as short: those of two years, one of them a leap year.
fn todays() -> impl Iterator<Item = Date> {
    Date::constant(2027, 1, 1).series(1.day()).take(731)
}

/// When a day begins, by the clocks of the clinic: microseconds since 1970.
pub(super) fn begins(date: Date, zone: &TimeZone) -> i64 {
    let begins = date
        .to_zoned(zone.clone())
        .map(|begins| begins.timestamp().as_microsecond());
    begins.unwrap_or(i64::MAX)
}

impl FromStr for Day {
    type Err = FieldProblem;

    /// `2026-11-27`, `today`, `-6 months`, `+10 days`.
    fn from_str(text: &str) -> Result<Self, FieldProblem> {
        if text == "today" {
            return Ok(Self::FromToday(0, Unit::Days));
        }
        if let Some((count, unit)) = text.split_once(' ') {
            let signed = count.starts_with(['+', '-']);
            let count = count.parse::<i16>().ok();
            let count = count.filter(|count| signed && count.unsigned_abs() <= COUNT_MAX);
            let unit = Unit::of(unit);
            return count
                .zip(unit)
                .map(|(count, unit)| Self::FromToday(count, unit))
                .ok_or(FieldProblem::InvalidDay);
        }
        check_day(text).map(Self::On)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(date) => write!(f, "{date}"),
            Self::FromToday(0, Unit::Days) => f.write_str("today"),
            Self::FromToday(count, unit) => {
                let word = Unit::WORDS.iter().find(|(known, _)| known == unit);
                write!(f, "{count:+} {}", word.map_or("days", |(_, word)| *word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_by_date_or_from_today() {
        let today = "2026-03-31".parse().unwrap();
        for (text, wanted) in [
            ("2026-11-27", "2026-11-27"),
            ("today", "2026-03-31"),
            ("-1 month", "2026-02-28"),
            ("-6 months", "2025-09-30"),
            ("+1 week", "2026-04-07"),
            ("-2 years", "2024-03-31"),
            ("+1 day", "2026-04-01"),
        ] {
            let day: Day = text.parse().unwrap();
            assert_eq!(day.date(today).to_string(), wanted, "{text}");
            assert_eq!(day.to_string().parse(), Ok(day));
        }
        for (day, other, is_after) in [
            ("2026-11-10", "2026-11-01", true),
            ("2026-11-01", "2026-11-01", false),
            ("today", "-6 months", true),
            ("-6 months", "today", false),
            ("-1 month", "-30 days", false),
            ("-30 days", "-1 month", false),
            ("today", "2020-01-01", false),
        ] {
            let [day, other] = [day, other].map(|text| text.parse::<Day>().unwrap());
            assert_eq!(day.is_after(other), is_after, "{day} {other}");
        }
        for text in [
            "",
            "demain",
            "6 months",
            "-6 moons",
            "-99999 days",
            "2026-02-30",
            "27/11/2026",
        ] {
            assert_eq!(text.parse::<Day>(), Err(FieldProblem::InvalidDay), "{text}");
        }
    }
}
