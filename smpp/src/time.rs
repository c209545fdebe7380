//! Times in a PDU: `schedule_delivery_time` and `validity_period` (3.4, 7.1.1).

/// Octets of a time, without its NUL.
pub const TIME_OCTETS: usize = 16;

/// The longest time from now on that is written: two digits of days.
pub const RELATIVE_MAX_S: u64 = 99 * DAY_S;

const DAY_S: u64 = 86_400;

/// So many seconds from now on, at most [`RELATIVE_MAX_S`]: `0000DDhhmmss000R`.
pub fn relative(seconds: u64) -> [u8; TIME_OCTETS] {
    let seconds = seconds.min(RELATIVE_MAX_S);
    let mut time = *b"000000000000000R";
    let pairs = [seconds / DAY_S, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60];
    for (place, pair) in (2..).zip(pairs) {
        put_pair(&mut time, place, pair);
    }
    time
}

/// A moment, seconds since 1970, in UTC: `YYMMDDhhmmss000+`. Its year has two digits, so that it means one of this century.
pub fn absolute(seconds: u64) -> [u8; TIME_OCTETS] {
    let (year, month, day) = date(seconds / DAY_S);
    let mut time = *b"000000000000000+";
    let pairs = [
        year % 100,
        month,
        day,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    ];
    for (place, pair) in (0..).zip(pairs) {
        put_pair(&mut time, place, pair);
    }
    time
}

fn put_pair(time: &mut [u8; TIME_OCTETS], place: usize, pair: u64) {
    time[2 * place] = b'0' + (pair / 10 % 10) as u8;
    time[2 * place + 1] = b'0' + (pair % 10) as u8;
}

/// Year, month and day of a day since 1970 in the Gregorian calendar.
fn date(day: u64) -> (u64, u64, u64) {
    // Years that begin in March, in eras of 400 years from the year 0 on: leap days then end a year.
    let days = day + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_standard_has_them() {
        for (seconds, wanted) in [
            (1, b"000000000001000R"),
            (90, b"000000000130000R"),
            (86_400 + 3_600 * 2 + 60 * 3 + 4, b"000001020304000R"),
            (RELATIVE_MAX_S, b"000099000000000R"),
            (u64::MAX, b"000099000000000R"),
        ] {
            assert_eq!(relative(seconds), *wanted, "{seconds}");
        }
        for (seconds, wanted) in [
            (0, b"700101000000000+"),
            (951_782_399, b"000228235959000+"),
            (951_782_400, b"000229000000000+"),
            (1_709_251_199, b"240229235959000+"),
            (1_795_363_261, b"261122160101000+"),
            (4_107_542_400, b"000301000000000+"),
        ] {
            assert_eq!(absolute(seconds), *wanted, "{seconds}");
        }
    }
}
