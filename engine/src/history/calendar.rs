//! Hours, days, weeks and months by the clocks of a zone, counted in SQL and named afterwards. Pure.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// 1970 began on a Thursday: days from the Monday before.
const FROM_MONDAY: i64 = 3;

/// What times are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Hour,
    Day,
    Week,
    Month,
}

/// The clocks of a zone over some time.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    zone: TimeZone,
    /// How far they are ahead of UTC at first, in milliseconds.
    first: i64,
    /// From when on they are so far ahead.
    changes: Vec<(i64, i64)>,
}

impl Calendar {
    /// From `since` to `until`, in milliseconds since 1970.
    pub(super) fn new(zone: &TimeZone, (since, until): (i64, i64)) -> Self {
        let from = Timestamp::from_millisecond(since).unwrap_or_default();
        let changes = zone.following(from).map(|change| {
            let ahead = i64::from(change.offset().seconds()) * 1_000;
            (change.timestamp().as_millisecond(), ahead)
        });
        Self {
            zone: zone.clone(),
            first: i64::from(zone.to_offset(from).seconds()) * 1_000,
            changes: changes.take_while(|(at, _)| *at < until).collect(),
        }
    }

    /// SQL for the number of the span that `at` is in. All words are ours.
    pub(super) fn number(&self, span: Span) -> String {
        match span {
            // An hour that comes twice is two hours: counted by UTC, but where clocks are ahead by a part of one.
            Span::Hour => format!("(at + {}) / {HOUR_MS}", self.part_of_an_hour()),
            Span::Day => format!("({}) / {DAY_MS}", self.local()),
            Span::Week => format!("(({}) / {DAY_MS} + {FROM_MONDAY}) / 7", self.local()),
            // Months have no length: their days are counted, and put together afterwards.
            Span::Month => format!("({}) / {DAY_MS}", self.local()),
        }
    }

    /// The number of the span behind the number that SQL has counted by.
    pub(super) fn whole(span: Span, counted: i64) -> i64 {
        match span {
            Span::Hour | Span::Day | Span::Week => counted,
            Span::Month => day(counted).map_or(0, |day| i64::from(day.year()) * 12 + i64::from(day.month()) - 1),
        }
    }

    /// What a span is called: the time at which an hour begins, a day, the Monday of a week, or a month.
    pub(super) fn name(&self, span: Span, number: i64) -> String {
        match span {
            Span::Hour => {
                let at = Timestamp::from_millisecond(number * HOUR_MS - self.part_of_an_hour());
                let at = at.unwrap_or_default().to_zoned(self.zone.clone());
                at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
            }
            Span::Day => day(number).map(|day| day.to_string()).unwrap_or_default(),
            Span::Week => day(number * 7 - FROM_MONDAY)
                .map(|day| day.to_string())
                .unwrap_or_default(),
            Span::Month => format!("{:04}-{:02}", number / 12, number % 12 + 1),
        }
    }

    /// SQL for what the clocks show, as if they were UTC.
    fn local(&self) -> String {
        if self.changes.is_empty() {
            return format!("at + {}", self.first);
        }
        let (mut sql, mut ahead) = ("at + CASE".to_owned(), self.first);
        for (at, next) in &self.changes {
            sql += &format!(" WHEN at < {at} THEN {ahead}");
            ahead = *next;
        }
        sql + &format!(" ELSE {ahead} END")
    }

    fn part_of_an_hour(&self) -> i64 {
        self.first.rem_euclid(HOUR_MS)
    }
}

fn day(number: i64) -> Option<Date> {
    let at = Timestamp::from_second(number * DAY_MS / 1_000).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn calendar(zone: &str) -> Calendar {
        let zone = TimeZone::get(zone).unwrap();
        Calendar::new(&zone, (ms("2026-09-01T00:00:00Z"), ms("2026-12-01T00:00:00Z")))
    }

    #[test]
    fn clocks_that_are_put_back_are_told_to_sql() {
        let paris = calendar("Europe/Paris");
        let expected = "at + CASE WHEN at < 1792890000000 THEN 7200000 ELSE 3600000 END";
        assert_eq!(paris.local(), expected);
        assert_eq!(paris.number(Span::Day), format!("({expected}) / 86400000"));
        assert_eq!(calendar("Indian/Reunion").local(), "at + 14400000");
        assert_eq!(calendar("Asia/Kolkata").number(Span::Hour), "(at + 1800000) / 3600000");
    }

    #[test]
    fn spans_are_called_by_their_beginnings() {
        let paris = calendar("Europe/Paris");
        let hour = |at: &str| paris.name(Span::Hour, ms(at) / HOUR_MS);
        assert_eq!(hour("2026-10-25T00:30:00Z"), "2026-10-25T02:00:00+02:00");
        assert_eq!(hour("2026-10-25T01:30:00Z"), "2026-10-25T02:00:00+01:00");
        let kolkata = calendar("Asia/Kolkata");
        let number = (ms("2026-10-25T01:10:00Z") + 1_800_000) / HOUR_MS;
        assert_eq!(kolkata.name(Span::Hour, number), "2026-10-25T06:00:00+05:30");
        let day = ms("2026-11-01T00:00:00Z") / DAY_MS;
        assert_eq!(paris.name(Span::Day, day), "2026-11-01");
        // A Sunday: its week began on Monday the 26th.
        assert_eq!(paris.name(Span::Week, (day + FROM_MONDAY) / 7), "2026-10-26");
        assert_eq!(paris.name(Span::Month, Calendar::whole(Span::Month, day)), "2026-11");
    }
}
