//! On which days an automation makes a campaign, at which time and by whose clocks. Pure.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rule::Rule;

/// The most months since a visit.
pub(crate) const MONTHS_MAX: u8 = 60;

/// How far from Easter a day may be.
pub(crate) const EASTER_DAYS: (i64, i64) = (-60, 60);

/// Years in which a day is looked for.
const YEARS: i16 = 3;

/// When occurrences come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timetable {
    pub(crate) plan: Plan,
    /// None comes before.
    pub(crate) starts: Date,
    pub(crate) time: Time,
    /// A name of the time-zone database.
    pub(crate) zone: String,
    /// The zones of recipients by whose hours its campaigns go, as its audience was when it was made; none: they go at any hour. `None`:
    /// nobody has looked.
    #[serde(default)]
    pub(crate) hours: Option<Vec<String>>,
}

/// On which days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    /// An RRULE that was read before.
    Recurrence(String),
    /// So many days from Easter Sunday.
    Easter(i8),
    /// Each day: those whose birthday it is.
    Birthday(LeapDay),
    /// Each day: those whose last visit is so many months ago.
    Since(u8),
}

impl Plan {
    /// Whether each of its days means the same people; else each means others.
    pub(crate) const fn means_the_same(&self) -> bool {
        match self {
            Self::Recurrence(_) | Self::Easter(_) => true,
            Self::Birthday(_) | Self::Since(_) => false,
        }
    }

    /// What kinds there are, as the API says them.
    pub(crate) const KINDS: [&str; 3] = ["recurrence", "birthday", "since"];
}

/// When they have their birthday who were born on a 29 February, in other years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum LeapDay {
    Before,
    After,
}

impl LeapDay {
    pub(crate) const CODES: [&str; 2] = [Self::Before.into_str(), Self::After.into_str()];
}

impl Timetable {
    /// The first day behind `after`; `None`: no more come.
    pub(crate) fn next(&self, after: Option<Date>) -> Option<Date> {
        match &self.plan {
            Plan::Recurrence(rule) => Rule::read(rule).ok()?.next(self.starts, after),
            Plan::Easter(days) => {
                let first = after.unwrap_or(self.starts).max(self.starts).year();
                let years = first.saturating_sub(1)..=first.saturating_add(YEARS);
                let days = i64::from(*days).days();
                let mut all = years.filter_map(|year| rules::easter(year)?.checked_add(days).ok());
                all.find(|day| *day >= self.starts && after.is_none_or(|after| *day > after))
            }
            Plan::Birthday(_) | Plan::Since(_) => match after {
                Some(after) => Some(after.tomorrow().ok()?.max(self.starts)),
                None => Some(self.starts),
            },
        }
    }

    /// The same, and where its rule counts, without a first day whose time is over: that day would count and never come. Days before
    /// today were told, and count as they say.
    pub(crate) fn counted_from(self, now: Timestamp) -> Self {
        let first = match &self.plan {
            Plan::Recurrence(rule) => Rule::read(rule).ok().and_then(Rule::without_count),
            Plan::Easter(_) | Plan::Birthday(_) | Plan::Since(_) => None,
        };
        let today = TimeZone::get(&self.zone).map(|zone| now.to_zoned(zone).date());
        let is_today = today.is_ok_and(|today| today == self.starts);
        let is_over = self.instant(self.starts).is_some_and(|at| at <= now);
        match first.and_then(|rule| rule.next(self.starts, Some(self.starts))) {
            Some(first) if is_today && is_over => Self { starts: first, ..self },
            Some(_) | None => self,
        }
    }

    /// When an occurrence begins: at its time, or where the clocks leap over that, as much later; of two, at the first.
    pub(crate) fn instant(&self, day: Date) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.zone).ok()?;
        zone.to_ambiguous_timestamp(day.to_datetime(self.time))
            .compatible()
            .ok()
    }

    /// Whom an occurrence means beside what its audience says; `None`: everybody of it.
    pub(crate) fn filter(&self, day: Date) -> Option<Value> {
        match self.plan {
            Plan::Recurrence(_) | Plan::Easter(_) => None,
            Plan::Birthday(leap) => Some(birthday(day, leap)),
            Plan::Since(months) => Some(since(day, months)),
        }
    }
}

fn birthday(day: Date, leap: LeapDay) -> Value {
    let of = |day: &str| json!({ "field": "birthday", "is": day });
    let of_leapers = match leap {
        LeapDay::Before => (2, 28),
        LeapDay::After => (3, 1),
    };
    if !day.in_leap_year() && (day.month(), day.day()) == of_leapers {
        return json!({ "any": [of(&day.to_string()), of("2000-02-29")] });
    }
    of(&day.to_string())
}

/// A visit of the 31st has its day at the end of a shorter month: so that at the end of one, several days' visits have theirs.
fn since(day: Date, months: u8) -> Value {
    let months = i64::from(months).months();
    let mut days = Vec::new();
    let mut visit = day.saturating_sub(months);
    while visit.saturating_add(months) == day && days.len() < 4 {
        days.push(json!({ "field": "last_visit", "is": visit.to_string() }));
        visit = visit.saturating_add(1.day());
    }
    json!({ "any": days })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timetable(plan: Plan, starts: &str) -> Timetable {
        Timetable {
            plan,
            starts: starts.parse().unwrap(),
            time: "02:30".parse().unwrap(),
            zone: "Europe/Paris".to_owned(),
            hours: None,
        }
    }

    #[test]
    fn what_was_kept_before_hours_were_looked_at_is_read() {
        let kept =
            r#"{"plan":{"recurrence":"FREQ=DAILY"},"starts":"2026-11-27","time":"09:00:00","zone":"Europe/Paris"}"#;
        let read: Timetable = serde_json::from_str(kept).unwrap();
        assert_eq!(read.hours, None);
        assert!(read.plan.means_the_same() && !Plan::Since(6).means_the_same());
    }

    #[test]
    fn days_before_easter_come_each_year() {
        let plan = timetable(Plan::Easter(-7), "2026-11-27");
        let first = plan.next(None).unwrap();
        assert_eq!(first.to_string(), "2027-03-21");
        assert_eq!(plan.next(Some(first)).unwrap().to_string(), "2028-04-09");
    }

    #[test]
    fn a_first_day_that_is_over_is_not_counted() {
        let days = |rule: &str, starts: &str, now: &str| {
            let plan = timetable(Plan::Recurrence(rule.to_owned()), starts).counted_from(now.parse().unwrap());
            let (mut days, mut after) = (Vec::new(), None);
            while let Some(day) = plan.next(after).filter(|_| days.len() < 4) {
                days.push(day.to_string());
                after = Some(day);
            }
            days
        };
        let (before, after) = ("2026-11-27T01:00:00Z", "2026-11-27T22:58:00Z");
        assert_eq!(
            days("FREQ=DAILY;COUNT=2", "2026-11-27", before),
            ["2026-11-27", "2026-11-28"]
        );
        assert_eq!(
            days("FREQ=DAILY;COUNT=2", "2026-11-27", after),
            ["2026-11-28", "2026-11-29"]
        );
        assert_eq!(
            days("FREQ=WEEKLY;INTERVAL=2;COUNT=2", "2026-11-27", after),
            ["2026-12-11", "2026-12-25"]
        );
        assert_eq!(days("FREQ=DAILY;COUNT=1", "2026-11-27", after), ["2026-11-28"]);
        // What was told of another day counts from there, and what does not count begins as it says.
        assert_eq!(
            days("FREQ=DAILY;COUNT=2", "2026-11-26", after),
            ["2026-11-26", "2026-11-27"]
        );
        assert_eq!(days("FREQ=WEEKLY", "2026-11-27", after)[0], "2026-11-27");
    }

    #[test]
    fn a_time_that_the_clocks_leap_over_comes_later_and_one_that_comes_twice_once() {
        let plan = timetable(Plan::Birthday(LeapDay::Before), "2026-01-01");
        let at = |day: &str| plan.instant(day.parse().unwrap()).unwrap().to_string();
        assert_eq!(at("2027-03-28"), "2027-03-28T01:30:00Z", "3:30 there");
        assert_eq!(at("2026-10-25"), "2026-10-25T00:30:00Z", "the first of two");
        assert_eq!(at("2026-11-27"), "2026-11-27T01:30:00Z");
    }

    #[test]
    fn who_was_born_on_a_leap_day_has_one_birthday_each_year() {
        let of = |day: &str, leap| birthday(day.parse().unwrap(), leap).to_string().contains("02-29");
        assert!(of("2027-02-28", LeapDay::Before) && !of("2027-03-01", LeapDay::Before));
        assert!(!of("2027-02-28", LeapDay::After) && of("2027-03-01", LeapDay::After));
        for leap in [LeapDay::Before, LeapDay::After] {
            assert!(of("2028-02-29", leap) && !of("2028-02-28", leap) && !of("2028-03-01", leap));
        }
    }

    #[test]
    fn every_visit_has_one_day_some_months_later() {
        // Every day of two years, each with its visits: each visit comes once.
        for months in [1, 4, 6, 12] {
            let mut seen = std::collections::BTreeMap::new();
            let mut day: Date = "2026-01-01".parse().unwrap();
            while day.year() < 2029 {
                let filter = since(day, months);
                for visit in filter["any"].as_array().unwrap() {
                    *seen.entry(visit["is"].as_str().unwrap().to_owned()).or_insert(0) += 1;
                }
                day = day.tomorrow().unwrap();
            }
            assert!(seen.values().all(|times| *times == 1), "{months}: {seen:?}");
            let mut visit: Date = "2026-01-01".parse().unwrap();
            while visit.year() < 2027 {
                assert!(seen.contains_key(&visit.to_string()), "{months}: {visit}");
                visit = visit.tomorrow().unwrap();
            }
        }
    }
}
