//! Days and moments as spreadsheets write them.

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::domain::instant;

/// Excel's days from 1927 to 2173: a cell of dates that was formatted as a number. Smaller ones may be anything.
const SERIALS: std::ops::RangeInclusive<i64> = 10_000..=99_999;

/// Day 0 of Excel, which takes 1900 for a leap year.
const EXCEL_EPOCH: Date = Date::constant(1899, 12, 30);

/// Which century a year is of that has two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Century {
    /// The last that is not after this day: births, and what people have agreed to.
    Until(Date),
    /// That of the nearest day to this one: visits.
    Near(Date),
    /// Nobody knows: years have four digits.
    Unknown,
}

/// A day: `03/04/1981`, `3.4.1981`, `1981-04-03`, `03/04/81`, with a time behind it that is left out, or a day of Excel.
pub(super) fn day(text: &str, century: Century) -> Option<Date> {
    civil(text, century).map(DateTime::date)
}

/// A moment: a day as above, its first instant in `zone`; with a time by the clocks there; or RFC 3339.
pub(super) fn moment(text: &str, zone: &TimeZone, century: Century) -> Option<Timestamp> {
    if text.parse::<Timestamp>().is_ok() {
        return instant(text);
    }
    let local = civil(text, century)?.to_zoned(zone.clone()).ok()?;
    Some(local.timestamp())
}

impl Century {
    /// That day of that month, in the year that ends so.
    fn day(self, year: i16, (month, day): (i8, i8)) -> Option<Date> {
        let (Self::Until(today) | Self::Near(today)) = self else {
            return None;
        };
        let hundreds = today.year() / 100 * 100;
        let days = [hundreds - 100, hundreds, hundreds + 100]
            .into_iter()
            .filter_map(|hundreds| Date::new(hundreds + year, month, day).ok());
        match self {
            Self::Until(_) => days.filter(|day| *day <= today).max(),
            Self::Near(_) => days.min_by_key(|day| day.duration_since(today).abs()),
            Self::Unknown => None,
        }
    }
}

fn civil(text: &str, century: Century) -> Option<DateTime> {
    if let Ok(serial) = text.parse::<i64>() {
        return SERIALS
            .contains(&serial)
            .then(|| EXCEL_EPOCH.checked_add(serial.days()).ok())?
            .map(Date::into);
    }
    let (day, time) = match text.split_once([' ', 'T', '\u{a0}', '\u{202f}']) {
        Some((day, time)) => (day, time.trim()),
        None => (text, ""),
    };
    Some(written_day(day, century)?.to_datetime(written_time(time)?))
}

fn written_day(text: &str, century: Century) -> Option<Date> {
    let mut parts = text.split(['/', '-', '.']);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (year, month, day) = match (first.len(), third.len()) {
        (4, _) => (first, second, third),
        (_, 4) | (1 | 2, 2) => (third, second, first),
        _ => return None,
    };
    let has_century = year.len() == 4;
    let number = |text: &str| {
        let plain = (1..=4).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
        plain.then(|| text.parse::<i16>().ok())?
    };
    let (month, day) = (number(month)?.try_into().ok()?, number(day)?.try_into().ok()?);
    match has_century {
        true => Date::new(number(year)?, month, day).ok(),
        false => century.day(number(year)?, (month, day)),
    }
}

fn written_time(text: &str) -> Option<Time> {
    if text.is_empty() {
        return Some(Time::midnight());
    }
    // An offset belongs to a moment, which is read before.
    let text = text.split(['Z', '+']).next().unwrap_or_default();
    match text.split_once(['h', 'H']) {
        Some((hour, "")) => format!("{hour:0>2}:00").parse().ok(),
        Some((hour, minute)) => format!("{hour:0>2}:{minute}").parse().ok(),
        None if text.find(':') == Some(1) => format!("0{text}").parse().ok(),
        None => text.parse().ok(),
    }
}

/// `JJ/MM/AAAA`.
pub(super) fn french_day(day: Date) -> String {
    format!("{:02}/{:02}/{:04}", day.day(), day.month(), day.year())
}

/// `JJ/MM/AAAA HH:MM` by the clocks of `zone`, as people there write it: to the minute it comes back from [`moment`].
pub(super) fn french_moment(moment: Timestamp, zone: &TimeZone) -> String {
    let seconds = moment.as_second();
    let moment = Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap_or(moment);
    let local = moment.to_zoned(zone.clone()).datetime();
    // An hour that comes twice in autumn.
    if local.to_zoned(zone.clone()).ok().map(|again| again.timestamp()) != Some(moment) {
        return moment.to_string();
    }
    let day = french_day(local.date());
    let time = local.time();
    if time == Time::midnight() {
        day
    } else {
        format!("{day} {}", time.strftime("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    #[test]
    fn an_offset_that_no_clocks_have_is_no_moment() {
        assert!(moment("2026-12-24T09:00:00+14:00", &paris(), Century::Unknown).is_some());
        assert_eq!(moment("2026-12-24T09:00:00+25:00", &paris(), Century::Unknown), None);
    }

    #[test]
    fn days_come_in_many_forms() {
        for text in [
            "03/04/1981",
            "3/4/1981",
            "03-04-1981",
            "3.4.1981",
            "1981-04-03",
            "1981/04/03",
            "1981-04-03T00:00:00",
            "03/04/1981 14:30",
            "29679",
        ] {
            assert_eq!(day(text, Century::Unknown), Some(date(1981, 4, 3)), "{text}");
        }
        for text in [
            "",
            "03/04/81",
            "31/02/1981",
            "1981",
            "3/4",
            "a/b/1981",
            "12/31/1981",
            "1/2/3/1981",
            "+3/4/1981",
        ] {
            assert_eq!(day(text, Century::Unknown), None, "{text}");
        }
    }

    #[test]
    fn moments_are_of_the_zone_or_say_theirs() {
        for (text, utc) in [
            ("02/01/2026", "2026-01-01T23:00:00Z"),
            ("02/01/2026 14:30", "2026-01-02T13:30:00Z"),
            ("02/07/2026 9h05", "2026-07-02T07:05:00Z"),
            ("02/07/2026 9:05:06", "2026-07-02T07:05:06Z"),
            ("2026-01-02T14:30:00+02:00", "2026-01-02T12:30:00Z"),
            ("2026-01-02 14:30:00Z", "2026-01-02T14:30:00Z"),
        ] {
            assert_eq!(
                moment(text, &paris(), Century::Unknown),
                Some(utc.parse().unwrap()),
                "{text}"
            );
        }
        assert_eq!(moment("02/01/2026 25:00", &paris(), Century::Unknown), None);
        assert_eq!(moment("hier", &paris(), Century::Unknown), None);
    }

    #[test]
    fn two_digits_of_a_year_are_of_the_past_or_near() {
        let today = date(2026, 11, 30);
        for (text, until, near) in [
            ("03/04/81", date(1981, 4, 3), date(1981, 4, 3)),
            ("3-4-26", date(2026, 4, 3), date(2026, 4, 3)),
            ("30/11/26", date(2026, 11, 30), date(2026, 11, 30)),
            // Who was born tomorrow is a hundred years old.
            ("01.12.26", date(1926, 12, 1), date(2026, 12, 1)),
            ("15/01/27 9h", date(1927, 1, 15), date(2027, 1, 15)),
            ("29/02/00", date(2000, 2, 29), date(2000, 2, 29)),
            ("01/01/76", date(1976, 1, 1), date(2076, 1, 1)),
            ("01/12/76", date(1976, 12, 1), date(1976, 12, 1)),
        ] {
            assert_eq!(day(text, Century::Until(today)), Some(until), "{text}");
            assert_eq!(day(text, Century::Near(today)), Some(near), "{text}");
            assert_eq!(day(text, Century::Unknown), None, "{text}");
        }
        for text in ["81-04-03", "31/02/81", "29/02/81", "03/04/1", "03/04/081", "12/31/81"] {
            assert_eq!(day(text, Century::Until(today)), None, "{text}");
        }
        let at = moment("02/01/26 14:30", &paris(), Century::Until(today));
        assert_eq!(at, Some("2026-01-02T13:30:00Z".parse().unwrap()));
    }

    proptest::proptest! {
        #[test]
        fn moments_come_back(seconds in 0i64..4_000_000_000, nanos in 0i32..1_000_000_000, fine in 0..2) {
            let seconds = if fine == 0 { seconds - seconds.rem_euclid(1_800) } else { seconds };
            let at = Timestamp::new(seconds, nanos).unwrap();
            let minute = Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap();
            let shown = french_moment(at, &paris());
            proptest::prop_assert!(shown.len() <= 20, "{}", shown);
            proptest::prop_assert_eq!(moment(&shown, &paris(), Century::Unknown), Some(minute));
        }
    }
}
