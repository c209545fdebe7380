use jiff::civil::Date;
use jiff::tz::Offset;

/// Characters of a time, absolute or relative (3.4, 7.1.1).
const TIME_CHARACTERS: usize = 16;

/// Absolute times have two digits of their year (3.4, 7.1.1.1).
const CENTURY: i16 = 2000;

/// How many quarters of an hour local times differ from UTC at most (3.4, 7.1.1.1).
const QUARTERS_MAX: i64 = 48;
const SECONDS_A_QUARTER: i64 = 900;

const SECOND_US: u64 = 1_000_000;

/// How many seconds each pair of digits of a relative time counts for: years of 365 days, months of 30, days, hours,
/// minutes, seconds.
const SECONDS_OF: [u64; 6] = [31_536_000, 2_592_000, 86_400, 3_600, 60, 1];

/// When a message may be delivered at the earliest, and until when it is worth delivering; µs from its submit, unscaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lifetime {
    pub(super) scheduled_us: u64,
    /// `None`: for ever.
    pub(super) valid_us: Option<u64>,
}

/// A parameter that holds no time of the standard, or one that does not make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadTime {
    Schedule,
    Validity,
}

impl Lifetime {
    /// Out of schedule_delivery_time and validity_period (3.4, 5.2.15 and 5.2.16), both of which may be empty. What was to
    /// be delivered in the past is delivered at once; what was valid until then never was.
    pub(super) fn read((schedule, validity): (&[u8], &[u8]), now_us: u64) -> Result<Self, BadTime> {
        let from_now = |time: &[u8]| time_us(time, now_us).map(|at_us| at_us.saturating_sub(now_us));
        let scheduled_us = match schedule {
            [] => 0,
            _ => from_now(schedule).ok_or(BadTime::Schedule)?,
        };
        let valid_us = match validity {
            [] => None,
            _ => Some(from_now(validity).filter(|&us| us > 0).ok_or(BadTime::Validity)?),
        };
        Ok(Self { scheduled_us, valid_us })
    }
}

/// The moment that a time means, µs since 1970: `YYMMDDhhmmsstnn` and `+` or `-` (`nn` is how many quarters of an
/// hour local time is ahead of or behind UTC), or `YYMMDDhhmmss000R` from now on. `None`: it has neither form.
fn time_us(time: &[u8], now_us: u64) -> Option<u64> {
    let (&sign, digits) = time.split_last()?;
    if time.len() != TIME_CHARACTERS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let pair = |place: usize| (digits[place * 2] - b'0') * 10 + digits[place * 2 + 1] - b'0';
    let pairs: [u8; 6] = std::array::from_fn(pair);
    let tenths = u64::from(digits[12] - b'0');
    let quarters = i64::from(digits[13] - b'0') * 10 + i64::from(digits[14] - b'0');
    let ahead = match sign {
        b'R' => {
            let seconds: u64 = pairs
                .iter()
                .zip(SECONDS_OF)
                .map(|(&count, of)| u64::from(count) * of)
                .sum();
            return (tenths == 0 && quarters == 0).then_some(now_us + seconds * SECOND_US);
        }
        b'+' => quarters,
        b'-' => -quarters,
        _ => return None,
    };
    let [year, month, day, hour, minute, second] = pairs.map(|pair| pair as i8);
    let date = Date::new(CENTURY + i16::from(year), month, day).ok()?;
    if hour > 23 || minute > 59 || second > 59 || quarters > QUARTERS_MAX {
        return None;
    }
    let local = Offset::UTC.to_timestamp(date.at(hour, minute, second, 0)).ok()?;
    let seconds = u64::try_from(local.as_second() - ahead * SECONDS_A_QUARTER).ok()?;
    Some(seconds * SECOND_US + tenths * SECOND_US / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 22 November 2026, 16:01:01 UTC.
    const NOW_US: u64 = 1_795_363_261_000_000;

    #[test]
    fn times_are_absolute_or_relative() {
        let cases = [
            ("000000000005000R", Some(5)),
            ("000000010000000R", Some(3_600)),
            ("010101010101000R", Some(31_536_000 + 2_592_000 + 86_400 + 3_661)),
            ("261122160111000+", Some(10)),
            ("261122170111004+", Some(10)),
            ("261122150111004-", Some(10)),
            ("261122180111008+", Some(10)),
            ("261322160111000+", None),
            ("260230160111000+", None),
            ("261122240111000+", None),
            ("261122160111049+", None),
            ("000000000005004R", None),
            ("261122160111000", None),
            ("2611221601110000", None),
            ("tomorrow", None),
        ];
        for (time, expected) in cases {
            let at_us = time_us(time.as_bytes(), NOW_US);
            let seconds = at_us.map(|at_us| (at_us - NOW_US) / SECOND_US);
            assert_eq!(seconds, expected, "{time}");
        }
        assert_eq!(time_us(b"261122160111500+", NOW_US), Some(NOW_US + 10_500_000));
    }

    #[test]
    fn a_lifetime_begins_when_scheduled_and_ends_after_now() {
        let read = |schedule: &str, validity: &str| Lifetime::read((schedule.as_bytes(), validity.as_bytes()), NOW_US);
        assert_eq!(read("", ""), Ok(Lifetime::default()));
        let lifetime = Lifetime {
            scheduled_us: 5_000_000,
            valid_us: Some(60_000_000),
        };
        assert_eq!(read("000000000005000R", "000000000100000R"), Ok(lifetime));
        assert_eq!(read("200101000000000+", ""), Ok(Lifetime::default()));
        assert_eq!(read("", "200101000000000+"), Err(BadTime::Validity));
        assert_eq!(read("", "000000000000000R"), Err(BadTime::Validity));
        assert_eq!(read("soon", "later"), Err(BadTime::Schedule));
    }
}
