//! Open or closed, why, and until when.

use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

use crate::holidays::is_holiday;
use crate::pack::Pack;
use crate::zone::Zone;

/// Days that are looked through for the next opening: more than any row of holidays has.
const DAYS: i64 = 30;

/// Why it is open or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No pack holds.
    NoRule,
    /// It is within the hours.
    Hours,
    /// It is before the day's first hour.
    Early,
    /// It is after the day's last hour, or so near its end that what goes now would come too late.
    Late,
    /// A day of the week that is closed.
    Day,
    /// A public holiday.
    Holiday,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NoRule,
        Self::Hours,
        Self::Early,
        Self::Late,
        Self::Day,
        Self::Holiday,
    ];

    /// The word for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoRule => "no_rule",
            Self::Hours => "open",
            Self::Early => "before_hours",
            Self::Late => "after_hours",
            Self::Day => "closed_day",
            Self::Holiday => "public_holiday",
        }
    }
}

/// Whether advertising may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub open: bool,
    /// Why.
    pub why: Why,
    /// Under which pack.
    pub pack: Option<Arc<Pack>>,
    /// When it opens or closes next; `None`: never, as far as is known.
    pub until: Option<Timestamp>,
    /// When the hours began, while it is open; when the last might go before it closed, while it is closed. `None`: nobody knows.
    pub since: Option<Timestamp>,
    /// When the hours themselves end, while it is open: nothing may arrive from then on.
    pub ends: Option<Timestamp>,
}

impl Decision {
    /// No rule holds.
    pub const ALWAYS: Self = Self {
        open: true,
        why: Why::NoRule,
        pack: None,
        until: None,
        since: None,
        ends: None,
    };
}

/// `packs`: of the zone's country, the youngest first.
pub(crate) fn decide(packs: &[&Arc<Pack>], zone: &Zone, at: Timestamp) -> Decision {
    let local = at.to_zoned(zone.time_zone());
    let today = Day::of(packs, zone, local.date());
    let Some(pack) = today.pack else {
        return Decision {
            until: packs.last().and_then(|first| start_of(zone, first.valid_from)),
            ..Decision::ALWAYS
        };
    };
    let under = Some(pack.clone());
    let why = match today.closed {
        Some(why) => why,
        None if at < today.opens() => Why::Early,
        None if at >= today.shuts() => Why::Late,
        None => {
            let ends = today.ends();
            return Decision {
                open: true,
                why: Why::Hours,
                pack: under,
                until: Some(today.shuts()),
                since: Some(today.opens()),
                ends: Some(ends),
            };
        }
    };
    let days = (0..DAYS).filter_map(|after| local.date().checked_add(after.days()).ok());
    let past = (0..DAYS).filter_map(|before| local.date().checked_sub(before.days()).ok());
    let last = past
        .map(|date| Day::of(packs, zone, date))
        .filter(|day| day.pack.is_some() && day.closed.is_none())
        .map(|day| day.shuts())
        .find(|shut| *shut <= at);
    let next = days
        .map(|date| Day::of(packs, zone, date))
        .filter(|day| day.closed.is_none())
        .map(|day| day.opens())
        .find(|opens| *opens > at);
    Decision {
        open: false,
        why,
        pack: under,
        until: next,
        since: last,
        ends: None,
    }
}

/// A zone's day.
struct Day<'a> {
    zone: &'a Zone,
    date: Date,
    pack: Option<&'a Arc<Pack>>,
    /// Why it is closed all day.
    closed: Option<Why>,
}

impl<'a> Day<'a> {
    fn of(packs: &[&'a Arc<Pack>], zone: &'a Zone, date: Date) -> Self {
        let pack = packs.iter().copied().find(|pack| pack.valid_from <= date);
        let closed = pack.and_then(|pack| {
            if !pack.is_open_on(date.weekday()) {
                Some(Why::Day)
            } else if pack.closes_on_holidays && is_holiday(&zone.holidays, date) {
                Some(Why::Holiday)
            } else {
                None
            }
        });
        Self {
            zone,
            date,
            pack,
            closed,
        }
    }

    fn opens(&self) -> Timestamp {
        self.at(self.pack.map_or(Time::MIN, |pack| pack.from))
    }

    /// When the hours end.
    fn ends(&self) -> Timestamp {
        self.at(self.pack.map_or(Time::MAX, |pack| pack.to))
    }

    /// When the last goes.
    fn shuts(&self) -> Timestamp {
        let guard = self.pack.map_or(SignedDuration::ZERO, |pack| pack.guard);
        self.ends().checked_sub(guard).unwrap_or(Timestamp::MAX)
    }

    fn at(&self, time: Time) -> Timestamp {
        instant(self.zone, self.date.to_datetime(time))
    }
}

fn start_of(zone: &Zone, date: Date) -> Option<Timestamp> {
    Some(instant(zone, date.to_datetime(Time::MIN)))
}

/// A local time that a change of clocks leaves out is as much later as they were moved, one that it repeats is its first.
fn instant(zone: &Zone, local: DateTime) -> Timestamp {
    let zoned = local.to_zoned(zone.time_zone());
    zoned.map_or(Timestamp::MAX, |zoned: Zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Rules, ZoneIndex};

    fn rules(names: &[&str]) -> Rules {
        Rules::of(names.iter().copied()).unwrap()
    }

    fn decided(rules: &Rules, number: u64, at: &str) -> Decision {
        rules.decide(rules.zone_of(number).unwrap(), at.parse().unwrap())
    }

    fn named(decided: &Decision) -> Option<&str> {
        decided.pack.as_ref().map(|pack| pack.name.as_str())
    }

    const PARIS: u64 = 33_612_345_678;
    const REUNION: u64 = 262_692_123_456;
    const MAYOTTE: u64 = 262_639_123_456;

    #[test]
    fn req_001_19_from_eight_to_half_past_eight_by_the_recipients_time() {
        let rules = rules(&["fr-seed"]);
        for (number, at, open, why, until) in [
            // A Friday in winter: Paris is an hour ahead of UTC, La Réunion four.
            (PARIS, "2026-11-27T06:59:59Z", false, Why::Early, "2026-11-27T07:00:00Z"),
            (PARIS, "2026-11-27T07:00:00Z", true, Why::Hours, "2026-11-27T19:25:00Z"),
            (PARIS, "2026-11-27T19:24:59Z", true, Why::Hours, "2026-11-27T19:25:00Z"),
            (PARIS, "2026-11-27T19:25:00Z", false, Why::Late, "2026-11-28T07:00:00Z"),
            (
                REUNION,
                "2026-11-27T04:00:00Z",
                true,
                Why::Hours,
                "2026-11-27T16:25:00Z",
            ),
            (
                REUNION,
                "2026-11-27T16:25:00Z",
                false,
                Why::Late,
                "2026-11-28T04:00:00Z",
            ),
            (
                MAYOTTE,
                "2026-11-27T04:30:00Z",
                false,
                Why::Early,
                "2026-11-27T05:00:00Z",
            ),
            // Saturday evening: Monday.
            (PARIS, "2026-11-28T20:00:00Z", false, Why::Late, "2026-11-30T07:00:00Z"),
        ] {
            let said = decided(&rules, number, at);
            assert_eq!((said.open, said.why), (open, why), "{number} {at}");
            assert_eq!(said.until, Some(until.parse().unwrap()), "{number} {at}");
        }
        let noon = decided(&rules, PARIS, "2026-11-27T12:00:00Z");
        assert_eq!(noon.since, Some("2026-11-27T07:00:00Z".parse().unwrap()));
        // Closed since the evening before, and on a Sunday since that of Saturday.
        let early = decided(&rules, PARIS, "2026-11-27T05:00:00Z");
        let evening = decided(&rules, PARIS, "2026-11-26T23:00:00Z");
        assert!(
            early
                .since
                .is_some_and(|since| since < "2026-11-26T19:30:00Z".parse().unwrap())
        );
        assert_eq!(early.since, evening.since);
        assert_eq!(noon.ends, Some("2026-11-27T19:30:00Z".parse().unwrap()));
    }

    #[test]
    fn hours_of_canada_are_by_the_clock_of_each_area_code_and_the_holidays_of_its_province() {
        let rules = rules(&["ca"]);
        let [toronto, vancouver, st_johns, regina, montreal] = [
            14_165_550_123,
            16_045_550_123,
            17_095_550_123,
            13_065_550_123,
            15_145_550_123,
        ];
        for (number, at, open, why, until) in [
            // A Friday in January, when the clocks are five, eight, three and a half and six hours behind UTC.
            (
                toronto,
                "2027-01-15T12:59:59Z",
                false,
                Why::Early,
                "2027-01-15T13:00:00Z",
            ),
            (
                toronto,
                "2027-01-15T13:00:00Z",
                true,
                Why::Hours,
                "2027-01-16T01:55:00Z",
            ),
            (
                vancouver,
                "2027-01-15T13:00:00Z",
                false,
                Why::Early,
                "2027-01-15T16:00:00Z",
            ),
            (
                st_johns,
                "2027-01-15T11:30:00Z",
                true,
                Why::Hours,
                "2027-01-16T00:25:00Z",
            ),
            // Saskatchewan never changes its clocks.
            (regina, "2027-07-16T14:00:00Z", true, Why::Hours, "2027-07-17T02:55:00Z"),
            // Saint-Jean-Baptiste, and Family Day.
            (
                montreal,
                "2026-06-24T16:00:00Z",
                false,
                Why::Holiday,
                "2026-06-25T12:00:00Z",
            ),
            (
                toronto,
                "2026-06-24T16:00:00Z",
                true,
                Why::Hours,
                "2026-06-25T00:55:00Z",
            ),
            (
                toronto,
                "2026-02-16T17:00:00Z",
                false,
                Why::Holiday,
                "2026-02-17T13:00:00Z",
            ),
        ] {
            let said = decided(&rules, number, at);
            assert_eq!((said.open, said.why), (open, why), "{number} {at}");
            assert_eq!(said.until, Some(until.parse().unwrap()), "{number} {at}");
        }
    }

    #[test]
    fn req_001_18_never_on_sundays_and_public_holidays() {
        let rules = rules(&["fr-seed"]);
        for (number, at, why, until) in [
            (PARIS, "2026-11-29T12:00:00Z", Why::Day, "2026-11-30T07:00:00Z"),
            (PARIS, "2026-07-14T12:00:00Z", Why::Holiday, "2026-07-15T06:00:00Z"),
            // Easter: Saturday evening to Tuesday morning.
            (PARIS, "2026-04-04T19:00:00Z", Why::Late, "2026-04-07T06:00:00Z"),
            (PARIS, "2026-04-06T12:00:00Z", Why::Holiday, "2026-04-07T06:00:00Z"),
            // The end of slavery on La Réunion: a Sunday in 2026, a Monday in 2027.
            (REUNION, "2027-12-20T12:00:00Z", Why::Holiday, "2027-12-21T04:00:00Z"),
        ] {
            let said = decided(&rules, number, at);
            assert_eq!((said.open, said.why), (false, why), "{number} {at}");
            assert_eq!(said.until, Some(until.parse().unwrap()), "{number} {at}");
        }
        assert!(decided(&rules, PARIS, "2027-12-20T12:00:00Z").open);
    }

    #[test]
    fn the_hour_is_the_clocks_when_it_is_moved() {
        let rules = rules(&["fr-seed"]);
        // Clocks go forward on Sunday, 29 March 2026, back on 25 October: Monday's eight o'clock is an hour earlier, or later, in UTC.
        for (at, until) in [
            ("2026-03-28T21:00:00Z", "2026-03-30T06:00:00Z"),
            ("2026-10-24T21:00:00Z", "2026-10-26T07:00:00Z"),
        ] {
            assert_eq!(decided(&rules, PARIS, at).until, Some(until.parse().unwrap()), "{at}");
        }
    }

    #[test]
    fn a_younger_pack_holds_from_its_first_day_on() {
        let rules = rules(&["fr-seed", "fr-af2m-2026"]);
        let evening = |day: &str| decided(&rules, PARIS, &format!("{day}T20:00:00Z"));
        let before = evening("2026-02-27");
        assert_eq!((before.open, named(&before)), (false, Some("fr-seed")));
        let after = decided(&rules, PARIS, "2026-03-02T20:00:00Z");
        assert_eq!((after.open, named(&after)), (true, Some("fr-af2m-2026")));
        // The evening before opens by the hours of the next day.
        assert_eq!(
            evening("2026-02-28").until,
            Some("2026-03-02T07:00:00Z".parse().unwrap())
        );
        let ancient = decided(&rules, PARIS, "2004-01-01T00:00:00Z");
        assert_eq!((ancient.open, ancient.why), (true, Why::NoRule));
    }

    #[test]
    fn each_country_has_its_own_and_who_has_none_the_first() {
        let rules = rules(&["fr-seed", "gb", "be"]);
        let name = |number| {
            let ZoneIndex(at) = rules.zone_of(number).unwrap();
            rules.zones().nth(at).map(|(_, zone)| zone.name.clone()).unwrap()
        };
        let names = [PARIS, REUNION, MAYOTTE, 447_700_900_123, 32_470_123_456, 15_550_100].map(name);
        assert_eq!(names, ["fr", "fr-reunion", "fr-mayotte", "gb", "be", "fr"]);
        assert!(Rules::of([]).unwrap().zone_of(PARIS).is_none());
        assert!(Rules::of(["fr-sed"]).is_err());
    }

    proptest! {
        /// What is said to open opens then and not before, and what closes closes.
        #[test]
        fn what_is_said_of_the_next_change_holds(seconds in 1_104_537_600_i64..2_500_000_000, zone in 0_usize..10) {
            let rules = rules(&["fr-seed"]);
            let at = Timestamp::from_second(seconds).unwrap();
            let said = rules.decide(ZoneIndex(zone), at);
            let until = said.until.unwrap();
            prop_assert!(until > at);
            prop_assert_ne!(rules.decide(ZoneIndex(zone), until).open, said.open);
            let just_before = until.checked_sub(SignedDuration::from_nanos(1)).unwrap();
            prop_assert_eq!(rules.decide(ZoneIndex(zone), just_before).open, said.open);
            let between = Timestamp::from_second(i64::midpoint(seconds, until.as_second())).unwrap();
            prop_assert_eq!(rules.decide(ZoneIndex(zone), between).open, said.open);
        }
    }
}
