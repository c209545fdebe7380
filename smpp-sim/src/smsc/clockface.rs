use jiff::Timestamp;
use jiff::tz::Offset;

use crate::outcome::{DateFormat, DatePart};

const SECOND_US: u64 = 1_000_000;
const SECONDS_A_MINUTE: i64 = 60;

/// The last minute that was written, since most receipts are of the same one.
#[derive(Debug, Default)]
pub(super) struct Clockface {
    minute: i64,
    century: u8,
    year: u8,
    month: u8,
    day: u8,
    hour: u8,
    minute_of_hour: u8,
}

impl Clockface {
    /// Appends a time (µs since 1970) that is so many seconds off, in UTC.
    pub(super) fn write(&mut self, format: &DateFormat, (at_us, shift): (u64, i64), out: &mut Vec<u8>) {
        let second = (at_us / SECOND_US) as i64 + shift;
        self.turn_to(second.div_euclid(SECONDS_A_MINUTE));
        for part in &format.0 {
            let pair = match *part {
                DatePart::Century => self.century,
                DatePart::Year => self.year,
                DatePart::Month => self.month,
                DatePart::MonthFromZero => self.month.saturating_sub(1),
                DatePart::Day => self.day,
                DatePart::Hour => self.hour,
                DatePart::Minute => self.minute_of_hour,
                DatePart::Second => second.rem_euclid(SECONDS_A_MINUTE) as u8,
                DatePart::Octet(octet) => {
                    out.push(octet);
                    continue;
                }
            };
            out.extend_from_slice(&[b'0' + pair / 10, b'0' + pair % 10]);
        }
    }

    fn turn_to(&mut self, minute: i64) {
        if minute == self.minute && self.month > 0 {
            return;
        }
        let moment = Timestamp::from_second(minute * SECONDS_A_MINUTE).unwrap_or(Timestamp::UNIX_EPOCH);
        let civil = Offset::UTC.to_datetime(moment);
        let year = civil.year().rem_euclid(10_000);
        *self = Self {
            minute,
            century: (year / 100) as u8,
            year: (year % 100) as u8,
            month: civil.month() as u8,
            day: civil.day() as u8,
            hour: civil.hour() as u8,
            minute_of_hour: civil.minute() as u8,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: &str, at: (u64, i64)) -> String {
        let mut out = Vec::new();
        let format = DateFormat::parse(format).unwrap();
        Clockface::default().write(&format, at, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_are_written_in_utc() {
        let now = 1_795_363_261_000_000;
        assert_eq!(written("YYMMDDhhmm", (now, 0)), "2611221601");
        assert_eq!(written("YYMMDDhhmm", (951_782_400_000_000, 0)), "0002290000");
        assert_eq!(written("YYYYMMDDhhmmss", (now, 0)), "20261122160101");
        assert_eq!(written("YYMMDDhhmmss000+", (now, -3600)), "261122150101000+");
        assert_eq!(written("YYM0DDhhmm", (1_767_225_600_000_000, 0)), "2600010000");
        assert_eq!(written("0000000000", (now, 0)), "0000000000");
        assert_eq!(written("YYMMDDhhmm", (0, 0)), "7001010000");
    }
}
