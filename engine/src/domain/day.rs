//! Days by somebody's clocks.

use jiff::tz::TimeZone;

use super::UnixMicros;

/// One day by the clocks of a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// Such as `2026-11-28`.
    pub(crate) name: String,
    /// When the next begins.
    pub(crate) ends: UnixMicros,
}

impl Day {
    /// The day of that moment. A zone that is not known is UTC: the names of zones are checked when they are given.
    pub(crate) fn of(moment: UnixMicros, zone: &str) -> Self {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let there = moment.timestamp().unwrap_or_default().to_zoned(zone);
        let next = there.tomorrow().and_then(|next| next.start_of_day());
        let ends = next.map(|next| next.timestamp().as_microsecond());
        let ends = ends.ok().and_then(|ends| u64::try_from(ends).ok());
        Self {
            name: there.date().to_string(),
            ends: ends.map_or(moment, UnixMicros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_as_long_as_its_clocks_say() {
        let day = |at: &str, zone| {
            let at: jiff::Timestamp = at.parse().unwrap();
            let day = Day::of(UnixMicros(at.as_microsecond() as u64), zone);
            (day.name, day.ends.timestamp().unwrap().to_string())
        };
        for (at, zone, name, ends) in [
            (
                "2026-12-24T22:59:59Z",
                "Europe/Paris",
                "2026-12-24",
                "2026-12-24T23:00:00Z",
            ),
            (
                "2026-12-24T23:00:00Z",
                "Europe/Paris",
                "2026-12-25",
                "2026-12-25T23:00:00Z",
            ),
            // Of 23 hours: the clocks are put forward.
            (
                "2026-03-28T23:00:00Z",
                "Europe/Paris",
                "2026-03-29",
                "2026-03-29T22:00:00Z",
            ),
            (
                "2026-12-24T23:00:00Z",
                "America/Martinique",
                "2026-12-24",
                "2026-12-25T04:00:00Z",
            ),
            ("2026-12-24T23:00:00Z", "nowhere", "2026-12-24", "2026-12-25T00:00:00Z"),
        ] {
            assert_eq!(day(at, zone), (name.to_owned(), ends.to_owned()), "{at} {zone}");
        }
    }
}
