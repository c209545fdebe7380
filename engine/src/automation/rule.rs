//! Days that recur, in the words of iCalendar's RRULE (RFC 5545, 3.3.10), as far as campaigns need them: days, no times; no lists of
//! weeks, days of the year or positions. Pure.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// What may be said, for whoever says something else.
pub(crate) const ALLOWED: &str = "FREQ=DAILY|WEEKLY|MONTHLY|YEARLY, INTERVAL (1-99), COUNT (1-1000), UNTIL (YYYYMMDD), BYMONTH, \
     BYMONTHDAY (1-31, -1 the last), BYDAY (MO-SU; monthly or with BYMONTH also 1MO, -1FR), WKST (MO; others where each week counts)";

/// The same in French.
pub(crate) const ALLOWED_FRENCH: &str = "FREQ=DAILY|WEEKLY|MONTHLY|YEARLY, INTERVAL (1 à 99), COUNT (1 à 1000), UNTIL (AAAAMMJJ), BYMONTH, \
     BYMONTHDAY (1 à 31, -1 pour le dernier), BYDAY (MO à SU ; avec MONTHLY ou BYMONTH, aussi 1MO, -1FR), WKST (MO ; un autre si chaque semaine compte)";

/// How far ahead a day is looked for: leap days that fall on one weekday come every 28 years, or 40 around 2100.
const AHEAD_DAYS: i64 = 41 * 366;

/// The most occurrences that may be counted.
const COUNT_MAX: u32 = 1_000;

const INTERVAL_MAX: u32 = 99;

/// The most characters of a part that is not understood, as it is shown.
const PART_SHOWN: usize = 40;

/// Days by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    frequency: Frequency,
    interval: i64,
    ends: Ends,
    months: Vec<i8>,
    month_days: Vec<i8>,
    week_days: Vec<WeekDay>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Never,
    After(u32),
    On(Date),
}

/// A weekday; `which` of its month, -1 the last; 0: each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WeekDay {
    which: i8,
    day: Weekday,
}

/// The part of a text that keeps it from being a rule; empty: it has no frequency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadPart(pub(crate) String);

impl Rule {
    /// Reads a rule, in capitals or not.
    ///
    /// # Errors
    /// It says something else than [`ALLOWED`], or never comes true.
    pub(crate) fn read(text: &str) -> Result<Self, BadPart> {
        let given = text.to_ascii_uppercase();
        let given = given.strip_prefix("RRULE:").unwrap_or(&given);
        let mut rule = Self {
            frequency: Frequency::Daily,
            interval: 1,
            ends: Ends::Never,
            months: Vec::new(),
            month_days: Vec::new(),
            week_days: Vec::new(),
        };
        let bad = |part: &str| BadPart(part.chars().take(PART_SHOWN).collect());
        let mut said: Vec<(&str, &str)> = Vec::new();
        // A program that writes the separator behind each part means no further one.
        for part in given.strip_suffix(';').unwrap_or(given).split(';') {
            let (name, value) = part.split_once('=').ok_or_else(|| bad(part))?;
            if said.iter().any(|(known, _)| *known == name) {
                return Err(bad(part));
            }
            said.push((name, part));
            rule.take(name, value).ok_or_else(|| bad(part))?;
        }
        let whole = |name: &str| said.iter().find(|(known, _)| *known == name).map(|(_, part)| *part);
        if whole("FREQ").is_none() {
            return Err(bad(""));
        }
        match rule.misfit(whole("WKST")) {
            Some(name) => Err(bad(whole(name).unwrap_or(name))),
            None => Ok(rule),
        }
    }

    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "FREQ" => self.frequency = frequency(value)?,
            "INTERVAL" => self.interval = number(value, INTERVAL_MAX)?.into(),
            "COUNT" if self.ends == Ends::Never => self.ends = Ends::After(number(value, COUNT_MAX)?),
            "UNTIL" if self.ends == Ends::Never => self.ends = Ends::On(until(value)?),
            "BYMONTH" => self.months = list(value, |month| small(month, 1, 12))?,
            "BYMONTHDAY" => self.month_days = list(value, |day| small(day, -1, 31).filter(|day| *day != 0))?,
            "BYDAY" => self.week_days = list(value, week_day)?,
            "WKST" => drop(week_day(value).filter(|day| day.which == 0)?),
            _ => return None,
        }
        Some(())
    }

    /// The part that does not go with the others; `starts`: the one that says with which day weeks begin.
    fn misfit(&self, starts: Option<&str>) -> Option<&'static str> {
        let by_month = self.frequency == Frequency::Monthly || !self.months.is_empty();
        let counted = self.week_days.iter().any(|day| day.which != 0);
        let is_weekly = self.frequency == Frequency::Weekly;
        let of_the_year = self.frequency == Frequency::Yearly && !self.week_days.is_empty() && self.months.is_empty();
        if counted && (!by_month || is_weekly) || of_the_year {
            return Some("BYDAY");
        }
        if is_weekly && !self.month_days.is_empty() {
            return Some("BYMONTHDAY");
        }
        // Weeks begin on Mondays here; where each week counts, that is all the same.
        let is_of_every_week = !is_weekly || self.interval == 1;
        starts
            .filter(|part| *part != "WKST=MO" && !is_of_every_week)
            .map(|_| "WKST")
    }

    /// The same rule without an end; `None`: it does not end after a number of days.
    pub(crate) fn without_count(self) -> Option<Self> {
        let ends = Ends::Never;
        matches!(self.ends, Ends::After(_)).then_some(Self { ends, ..self })
    }

    /// The first of its days behind `after`, or on or behind `starts` where nothing is behind; `None`: no more come.
    pub(crate) fn next(&self, starts: Date, after: Option<Date>) -> Option<Date> {
        let mut counted = 0;
        let from = match self.ends {
            Ends::After(_) => starts,
            Ends::Never | Ends::On(_) => after
                .and_then(|after| after.tomorrow().ok())
                .unwrap_or(starts)
                .max(starts),
        };
        let horizon = after.unwrap_or(starts).max(from).saturating_add(AHEAD_DAYS.days());
        let mut day = from;
        while day <= horizon {
            match self.ends {
                Ends::On(last) if day > last => return None,
                Ends::After(count) if counted >= count => return None,
                Ends::Never | Ends::On(_) | Ends::After(_) => {}
            }
            if self.has(day, starts) {
                counted += 1;
                let is_left = match self.ends {
                    Ends::After(count) => counted <= count,
                    Ends::Never | Ends::On(_) => true,
                };
                if is_left && after.is_none_or(|after| day > after) {
                    return Some(day);
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// Whether a day is one of those that begin with `starts`.
    fn has(&self, day: Date, starts: Date) -> bool {
        let (passed, is_usual) = match self.frequency {
            Frequency::Daily => (days_between(starts, day), true),
            Frequency::Weekly => {
                let weeks = days_between(monday(starts), monday(day)) / 7;
                (weeks, !self.week_days.is_empty() || day.weekday() == starts.weekday())
            }
            Frequency::Monthly => {
                let months = i64::from(day.year() - starts.year()) * 12 + i64::from(day.month() - starts.month());
                (months, self.is_dated() || day.day() == starts.day())
            }
            Frequency::Yearly => {
                let usual_month = !self.months.is_empty() || day.month() == starts.month();
                let usual_day = self.is_dated() || day.day() == starts.day();
                (i64::from(day.year() - starts.year()), usual_month && usual_day)
            }
        };
        passed % self.interval == 0
            && is_usual
            && (self.months.is_empty() || self.months.contains(&day.month()))
            && (self.month_days.is_empty() || self.month_days.iter().any(|wanted| is_month_day(*wanted, day)))
            && (self.week_days.is_empty() || self.week_days.iter().any(|wanted| wanted.is(day)))
    }

    /// Whether it says which days of the month.
    fn is_dated(&self) -> bool {
        !self.month_days.is_empty() || !self.week_days.is_empty()
    }
}

impl WeekDay {
    fn is(self, day: Date) -> bool {
        if day.weekday() != self.day {
            return false;
        }
        match self.which {
            0 => true,
            which if which > 0 => (day.day() - 1) / 7 + 1 == which,
            which => (day.days_in_month() - day.day()) / 7 + 1 == -which,
        }
    }
}

fn is_month_day(wanted: i8, day: Date) -> bool {
    match wanted {
        -1 => day.day() == day.days_in_month(),
        wanted => day.day() == wanted,
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

fn monday(day: Date) -> Date {
    day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
}

fn frequency(word: &str) -> Option<Frequency> {
    match word {
        "DAILY" => Some(Frequency::Daily),
        "WEEKLY" => Some(Frequency::Weekly),
        "MONTHLY" => Some(Frequency::Monthly),
        "YEARLY" => Some(Frequency::Yearly),
        _ => None,
    }
}

fn number(text: &str, max: u32) -> Option<u32> {
    text.parse().ok().filter(|number| (1..=max).contains(number))
}

fn small(text: &str, min: i8, max: i8) -> Option<i8> {
    text.parse().ok().filter(|number| (min..=max).contains(number))
}

/// A day; of an instant, its day.
fn until(text: &str) -> Option<Date> {
    let digits = text.get(..8)?;
    let is_whole = text.len() == 8 || text.as_bytes().get(8) == Some(&b'T');
    Date::strptime("%Y%m%d", digits).ok().filter(|_| is_whole)
}

fn list<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(read).collect()
}

fn week_day(text: &str) -> Option<WeekDay> {
    let (which, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let day = match name {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let which = match which {
        "" => 0,
        which => small(which, -5, 5).filter(|which| *which != 0)?,
    };
    Some(WeekDay { which, day })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn days(rule: &str, starts: &str, count: usize) -> Vec<String> {
        let rule = Rule::read(rule).unwrap();
        let (mut found, mut after) = (Vec::new(), None);
        while let Some(next) = rule.next(day(starts), after).filter(|_| found.len() < count) {
            found.push(next.to_string());
            after = Some(next);
        }
        found
    }

    #[test]
    fn rules_name_the_days_that_the_standard_says() {
        for (rule, starts, wanted) in [
            ("FREQ=WEEKLY", "2026-11-27", &["2026-11-27", "2026-12-04"][..]),
            ("FREQ=WEEKLY;BYDAY=MO,TH", "2026-11-27", &["2026-11-30", "2026-12-03"]),
            // Every other week counts from the Monday of the first.
            (
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR",
                "2026-11-27",
                &["2026-11-27", "2026-12-07", "2026-12-11"],
            ),
            ("FREQ=MONTHLY;BYDAY=1MO", "2026-11-27", &["2026-12-07", "2027-01-04"]),
            ("FREQ=MONTHLY;BYDAY=-1FR", "2026-11-27", &["2026-11-27", "2026-12-25"]),
            (
                "FREQ=MONTHLY;BYMONTHDAY=-1",
                "2027-01-31",
                &["2027-01-31", "2027-02-28", "2027-03-31"],
            ),
            // What a month lacks is left out.
            ("FREQ=MONTHLY", "2027-01-31", &["2027-01-31", "2027-03-31"]),
            ("FREQ=MONTHLY;INTERVAL=6", "2026-11-27", &["2026-11-27", "2027-05-27"]),
            ("FREQ=YEARLY", "2028-02-29", &["2028-02-29", "2032-02-29"]),
            (
                "FREQ=YEARLY;BYMONTH=1,6;BYMONTHDAY=2",
                "2026-11-27",
                &["2027-01-02", "2027-06-02"],
            ),
            (
                "FREQ=YEARLY;BYMONTH=11;BYDAY=4FR",
                "2026-11-01",
                &["2026-11-27", "2027-11-26"],
            ),
            ("RRULE:FREQ=DAILY;COUNT=2", "2026-11-27", &["2026-11-27", "2026-11-28"]),
            (
                "FREQ=DAILY;UNTIL=20261128T235959Z",
                "2026-11-27",
                &["2026-11-27", "2026-11-28"],
            ),
        ] {
            let found = days(rule, starts, wanted.len() + 1);
            assert_eq!(found[..wanted.len()], *wanted, "{rule}");
        }
        assert_eq!(days("FREQ=DAILY;COUNT=3", "2026-11-27", 9).len(), 3);
        assert_eq!(days("FREQ=DAILY;UNTIL=20261129", "2026-11-27", 9).len(), 3);
        assert!(days("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-11-27", 9).is_empty());
    }

    #[test]
    fn what_is_beyond_the_subset_is_refused() {
        for rule in [
            "",
            "WEEKLY",
            "INTERVAL=2",
            "FREQ=HOURLY",
            "FREQ=WEEKLY;BYHOUR=9",
            "FREQ=WEEKLY;BYDAY=1MO",
            "FREQ=YEARLY;BYDAY=MO",
            "FREQ=DAILY;COUNT=2;UNTIL=20261129",
            "FREQ=DAILY;FREQ=DAILY",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=MONTHLY;BYSETPOS=1;BYDAY=MO",
        ] {
            assert!(Rule::read(rule).is_err(), "{rule}");
        }
    }

    #[test]
    fn a_rule_is_read_as_libraries_write_it_or_says_which_part_is_wrong() {
        let weekly = Rule::read("FREQ=WEEKLY;BYDAY=MO,TH");
        for same in [
            "freq=weekly;byday=mo,th",
            "RRULE:FREQ=WEEKLY;WKST=MO;BYDAY=MO,TH",
            "rrule:FREQ=WEEKLY;INTERVAL=1;WKST=SU;BYDAY=MO,TH;",
        ] {
            assert_eq!(Rule::read(same), weekly, "{same}");
        }
        assert!(Rule::read("FREQ=MONTHLY;INTERVAL=2;WKST=SU").is_ok());
        for (rule, part) in [
            ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", "WKST=SU"),
            ("FREQ=WEEKLY;WKST=2MO", "WKST=2MO"),
            ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY=1MO"),
            ("FREQ=WEEKLY;BYMONTH=1;BYDAY=1MO", "BYDAY=1MO"),
            ("FREQ=WEEKLY;BYMONTHDAY=3", "BYMONTHDAY=3"),
            ("FREQ=YEARLY;BYDAY=MO", "BYDAY=MO"),
            ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS=1"),
            ("FREQ=hourly", "FREQ=HOURLY"),
            ("FREQ=DAILY;chaque jour", "CHAQUE JOUR"),
            ("FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY"),
            ("INTERVAL=2", ""),
        ] {
            assert_eq!(Rule::read(rule), Err(BadPart(part.to_owned())), "{rule}");
        }
    }
}
