use jiff::Timestamp;
use jiff::tz::Offset;

use crate::model::{DateFormat, DatePart};

const SECOND_US: u64 = 1_000_000;
const SECONDS_A_MINUTE: i64 = 60;

/// The last date that was written, since most receipts are of the same minute and have the same format.
#[derive(Debug, Default)]
pub(super) struct Clockface {
    format: DateFormat,
    /// Minutes since 1970, or seconds if the format shows them.
    ticks: Option<i64>,
    digits: Vec<u8>,
}

impl Clockface {
    /// Appends a time (µs since 1970) in UTC, `shift` seconds off.
    pub(super) fn write(&mut self, format: &DateFormat, (at_us, shift): (u64, i64), out: &mut Vec<u8>) {
        let second = (at_us / SECOND_US) as i64 + shift;
        let ticks = if format.0.contains(&DatePart::Second) {
            second
        } else {
            second.div_euclid(SECONDS_A_MINUTE)
        };
        if self.ticks != Some(ticks) || self.format != *format {
            self.format.clone_from(format);
            self.ticks = Some(ticks);
            self.turn_to(second);
        }
        out.extend_from_slice(&self.digits);
    }

    fn turn_to(&mut self, second: i64) {
        let moment = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        let civil = Offset::UTC.to_datetime(moment);
        let year = civil.year().rem_euclid(10_000);
        self.digits.clear();
        for part in &self.format.0 {
            let pair = match *part {
                DatePart::Century => (year / 100) as i8,
                DatePart::Year => (year % 100) as i8,
                DatePart::Month => civil.month(),
                DatePart::MonthFromZero => civil.month() - 1,
                DatePart::Day => civil.day(),
                DatePart::Hour => civil.hour(),
                DatePart::Minute => civil.minute(),
                DatePart::Second => civil.second(),
                DatePart::Octet(octet) => {
                    self.digits.push(octet);
                    continue;
                }
            };
            let pair = pair as u8;
            self.digits.extend_from_slice(&[b'0' + pair / 10, b'0' + pair % 10]);
        }
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
