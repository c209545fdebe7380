//! The time that is stored and shown.

use std::time::Duration;

use jiff::civil::Date;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use kit::clock::micros;

use super::Language;

const HOUR_US: u64 = 3_600_000_000;

/// As far as any clocks are ahead of UTC, or behind it, in seconds: those of Kiritimati.
const AHEAD_MAX: i32 = 14 * 3_600;

/// A moment, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct UnixMicros(pub(crate) u64);

impl UnixMicros {
    /// Whole seconds since 1970.
    pub(crate) const fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whole minutes since 1970.
    pub(crate) const fn minute(self) -> u64 {
        self.seconds() / 60
    }

    /// Whole hours since 1970.
    pub(crate) const fn hour(self) -> u64 {
        self.0 / HOUR_US
    }

    /// The first moment of an hour.
    pub(crate) const fn of_hour(hour: u64) -> Self {
        Self(hour * HOUR_US)
    }

    /// How long before this moment that one was; zero when it was not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The same for calendars; `None` for what no calendar has.
    pub(crate) fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_microsecond(i64::try_from(self.0).ok()?).ok()
    }

    /// The latest day that it is anywhere then.
    pub(crate) fn last_day(self) -> Option<Date> {
        let ahead = self.plus(Duration::from_secs(AHEAD_MAX.unsigned_abs().into()));
        Some(ahead.timestamp()?.to_zoned(TimeZone::UTC).date())
    }

    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(micros(time)))
    }

    pub(crate) fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(micros(time)))
    }
}

/// A time with an offset that clocks have; `None`: it is none (RFC 3339, 4.2, takes offsets that no clocks have).
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let at = text.parse().ok()?;
    let offset = Pieces::parse(text).ok()?.to_numeric_offset();
    let ahead = offset.map_or(0, |offset| offset.seconds());
    (ahead.abs() <= AHEAD_MAX).then_some(at)
}

/// A moment by the clocks of those who read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalMoment {
    at: UnixMicros,
    zone: TimeZone,
}

impl LocalMoment {
    pub(crate) const fn new(at: UnixMicros, zone: TimeZone) -> Self {
        Self { at, zone }
    }

    /// `zone`: the name of a time zone; one that nobody knows is UTC.
    pub(crate) fn by(at: UnixMicros, zone: &str) -> Self {
        Self::new(at, TimeZone::get(zone).unwrap_or(TimeZone::UTC))
    }

    /// For programs: RFC 3339, in UTC.
    pub(crate) fn machine(&self) -> String {
        self.at.timestamp().map(|at| at.to_string()).unwrap_or_default()
    }

    /// For a cell of a table, as a spreadsheet in that language or a program reads it.
    pub(crate) fn cell(&self, language: Language) -> String {
        let at = self.at.timestamp().map(|at| at.to_zoned(self.zone.clone()));
        match language {
            Language::Fr => at
                .map(|at| at.strftime("%d/%m/%Y %H:%M").to_string())
                .unwrap_or_default(),
            Language::En => self.machine(),
        }
    }

    /// For people.
    pub(crate) fn words(&self, language: Language) -> String {
        let at = self.at.timestamp().map(|at| at.to_zoned(self.zone.clone()));
        at.map(|at| moment_in_words(&at, language)).unwrap_or_default()
    }
}

/// A time as people write it, to the minute, as in `à partir du 07/12/2026 à 08 h 00`.
pub(crate) fn moment_in_words(at: &Zoned, language: Language) -> String {
    let form = match language {
        Language::Fr => "%d/%m/%Y à %H h %M",
        Language::En => "%Y-%m-%d %H:%M",
    };
    at.strftime(form).to_string()
}

/// As the store has it.
impl std::str::FromStr for UnixMicros {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_clocks() {
        for (text, read) in [
            ("2026-12-24T09:00+01:00", Some("2026-12-24T08:00:00Z")),
            ("2026-12-24T09:00:00Z", Some("2026-12-24T09:00:00Z")),
            ("2026-12-24T09:00+14:00", Some("2026-12-23T19:00:00Z")),
            ("2026-12-24T09:00-12:00", Some("2026-12-24T21:00:00Z")),
            ("2026-12-24T09:00+14:01", None),
            ("2026-12-24T09:00+25:00", None),
            ("2026-12-24T09:00-18:00", None),
            ("2026-12-24T09:00", None),
            ("demain", None),
        ] {
            assert_eq!(instant(text).map(|at| at.to_string()).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn nobody_is_born_after_the_last_day_that_it_is_anywhere() {
        let at: Timestamp = "2026-12-24T11:00:00Z".parse().unwrap();
        let at = UnixMicros(at.as_microsecond().unsigned_abs());
        assert_eq!(at.last_day(), Some(Date::constant(2026, 12, 25)));
        assert_eq!(
            at.minus(Duration::from_secs(2 * 3_600)).last_day(),
            Some(Date::constant(2026, 12, 24))
        );
    }

    #[test]
    fn people_read_their_own_clocks_and_programs_read_utc() {
        let at: Timestamp = "2026-12-07T07:00:00Z".parse().unwrap();
        let at = UnixMicros(at.as_microsecond().unsigned_abs());
        let moment = LocalMoment::by(at, "Europe/Paris");
        assert_eq!(moment.machine(), "2026-12-07T07:00:00Z");
        assert_eq!(moment.words(Language::Fr), "07/12/2026 à 08 h 00");
        assert_eq!(moment.words(Language::En), "2026-12-07 08:00");
        assert_eq!(moment.cell(Language::Fr), "07/12/2026 08:00");
        assert_eq!(moment.cell(Language::En), "2026-12-07T07:00:00Z");
        assert_eq!(
            LocalMoment::by(at, "Indian/Reunion").words(Language::Fr),
            "07/12/2026 à 11 h 00"
        );
        assert_eq!(
            LocalMoment::by(at, "Mars/Olympus").words(Language::Fr),
            "07/12/2026 à 07 h 00"
        );
    }
}
