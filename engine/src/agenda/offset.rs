//! How far a reminder is from what it is about, and at which hours it may go. Pure.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// The farthest, in days: a check-up two years later.
const DAYS_MAX: i64 = 731;

const MINUTES_OF_DAY: i64 = 24 * 60;

/// A time before (negative) or behind something. Days keep the hour, whatever the clocks do between; hours and minutes are as long as
/// they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Offset {
    Days(i64),
    Minutes(i64),
}

impl Offset {
    /// What may be said, for whoever says something else.
    pub(crate) const ALLOWED: [&str; 4] = ["-7d", "-24h", "-90m", "+2h"];

    /// At once.
    pub(crate) const NONE: Self = Self::Minutes(0);

    pub(crate) const fn is_before(self) -> bool {
        match self {
            Self::Days(count) | Self::Minutes(count) => count < 0,
        }
    }

    /// So far from that instant, by these clocks.
    pub(super) fn from(self, at: Timestamp, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Days(days) => {
                let local = zone.to_datetime(at).saturating_add(days.days());
                let there = zone.to_ambiguous_timestamp(local).compatible();
                there.unwrap_or(at)
            }
            Self::Minutes(minutes) => at.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(at),
        }
    }
}

impl FromStr for Offset {
    type Err = &'static [&'static str];

    /// `-7d`, `-24h`, `-90m`, `+2h`; `0`: at once.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &[&str] = &Offset::ALLOWED;
        if text == "0" {
            return Ok(Self::NONE);
        }
        let unit = text.chars().last().ok_or(WRONG)?;
        let number = &text[..text.len() - unit.len_utf8()];
        let is_signed = number.starts_with(['+', '-']);
        let count: i64 = number.parse().ok().filter(|_| is_signed).ok_or(WRONG)?;
        let (offset, days) = match unit {
            'w' => (Self::Days(count.saturating_mul(7)), count.saturating_mul(7)),
            'd' => (Self::Days(count), count),
            'h' => (Self::Minutes(count.saturating_mul(60)), count / 24),
            'm' => (Self::Minutes(count), count / MINUTES_OF_DAY),
            _ => return Err(WRONG),
        };
        if days.abs() > DAYS_MAX { Err(WRONG) } else { Ok(offset) }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(0) => f.write_str("0"),
            Self::Days(days) => write!(f, "{days:+}d"),
            Self::Minutes(minutes) if minutes % 60 == 0 => write!(f, "{:+}h", minutes / 60),
            Self::Minutes(minutes) => write!(f, "{minutes:+}m"),
        }
    }
}

impl TryFrom<String> for Offset {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|_| text)
    }
}

impl From<Offset> for String {
    fn from(offset: Offset) -> Self {
        offset.to_string()
    }
}

/// The hours at which reminders may go, by the clocks of the practice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hours {
    pub(crate) from: Time,
    /// Behind `from`, on the same day.
    pub(crate) until: Time,
}

impl Hours {
    /// When something goes that is due at that instant: at the next of these hours; where that were not before `limit`, at the last of
    /// them before, unless that is over: then at once.
    pub(super) fn fit(
        self,
        due: Timestamp,
        (now, limit): (Timestamp, Option<Timestamp>),
        zone: &TimeZone,
    ) -> Timestamp {
        let local = zone.to_datetime(due);
        let (day, time) = (local.date(), local.time());
        let at = |day: jiff::civil::Date, time: Time| {
            let instant = zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible();
            instant.unwrap_or(due)
        };
        let (later, earlier) = if time < self.from {
            let yesterday = day.yesterday().unwrap_or(day);
            (at(day, self.from), at(yesterday, self.until))
        } else if time >= self.until {
            (at(day.tomorrow().unwrap_or(day), self.from), at(day, self.until))
        } else {
            return due;
        };
        match limit {
            Some(limit) if later >= limit && earlier >= now => earlier,
            Some(limit) if later >= limit => due.max(now),
            Some(_) | None => later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_keep_the_hour_and_hours_their_length_over_a_change_of_the_clocks() {
        // In Paris the clocks are put forward on 28 March 2027, and back on 31 October.
        for (offset, start, wanted) in [
            ("-24h", "2027-03-28T08:00:00Z", "2027-03-27T08:00:00Z"),
            ("-1d", "2027-03-28T08:00:00Z", "2027-03-27T09:00:00Z"),
            ("-7d", "2027-11-02T09:00:00Z", "2027-10-26T08:00:00Z"),
            ("-1w", "2027-11-02T09:00:00Z", "2027-10-26T08:00:00Z"),
            ("-168h", "2027-11-02T09:00:00Z", "2027-10-26T09:00:00Z"),
            // 2:30 is leapt over.
            ("-1d", "2027-03-29T00:30:00Z", "2027-03-28T01:30:00Z"),
            ("+2h", "2027-03-28T00:30:00Z", "2027-03-28T02:30:00Z"),
            ("-90m", "2027-03-28T02:30:00Z", "2027-03-28T01:00:00Z"),
        ] {
            let offset: Offset = offset.parse().unwrap();
            assert_eq!(offset.from(at(start), &paris()), at(wanted), "{offset}");
            assert_eq!(offset.to_string().parse(), Ok(offset));
        }
        for text in [
            "",
            "d",
            "7d",
            "-d",
            "-7x",
            "-1.5h",
            "-999d",
            "-é",
            "+999999999999999999999h",
        ] {
            assert!(text.parse::<Offset>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_due_at_night_goes_in_the_morning_but_never_behind_the_appointment() {
        let hours = Hours {
            from: "08:00".parse().unwrap(),
            until: "20:00".parse().unwrap(),
        };
        let now = at("2026-12-01T12:00:00Z");
        for (due, limit, wanted) in [
            ("2026-12-24T10:00:00Z", "2026-12-24T12:00:00Z", "2026-12-24T10:00:00Z"),
            // Three in the night, for noon.
            ("2026-12-24T02:00:00Z", "2026-12-24T11:00:00Z", "2026-12-24T07:00:00Z"),
            ("2026-12-23T22:00:00Z", "2026-12-24T22:00:00Z", "2026-12-24T07:00:00Z"),
            // Two hours before one at eight: the evening before.
            ("2026-12-24T05:00:00Z", "2026-12-24T07:00:00Z", "2026-12-23T19:00:00Z"),
            // That evening is over.
            ("2026-12-01T03:00:00Z", "2026-12-01T07:00:00Z", "2026-12-01T12:00:00Z"),
        ] {
            let fitted = hours.fit(at(due), (now, Some(at(limit))), &paris());
            assert_eq!(fitted, at(wanted), "{due}");
        }
    }
}
