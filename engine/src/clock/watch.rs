//! Whether the clocks that people can set still agree with the monotonic one, which nobody can.
//!
//! The engine's time is the server's TIME of the first contact and the monotonic time since. Each second the three are
//! compared:
//!
//! * The server keeps within [`STEP_US`] of the engine's time: the engine's time follows it, by a tenth of the time that
//!   passes at most, so that drifts and corrections show nowhere.
//! * The server's TIME leaps: the engine's time goes on as before, and nothing expires. It was wrong, or it is now, and from
//!   here nobody can tell. When it comes back, that was that.
//! * The host's clock has leapt by the same, and both have run evenly for [`STEADY`] since: two of three agree. Forward, the
//!   engine's time leaps after them (a virtual machine slept; its monotonic clock did too), and nothing expires for as
//!   long as was leapt over, so that nothing is ever waited for less than its time. Backward it runs slower until they meet.
//! * The host's clock leaps alone: it is reported, and matters to nothing.

use std::time::{Duration, Instant};

/// Clocks that part by more, in µs, were set by somebody: no drift and no round trip makes as much.
const STEP_US: i64 = 5_000_000;

/// How long clocks have to run evenly after a step before they are believed again.
const STEADY: Duration = Duration::from_secs(60);

/// The most of passing time by which the engine's time is slowed down or hurried, as a divisor.
const SLEW: i64 = 10;

/// Between two contacts a sound clock may drift by this part of the time, as a divisor: 1,000 ppm, twice what NTP allows.
const DRIFT: i64 = 1_000;

/// Nothing is waited for longer: `engine.receipt_timeout` has this limit too.
const EXPIRIES_WAIT_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The clocks at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) at: Instant,
    /// The engine's time, µs since 1970.
    pub(crate) engine_us: u64,
    /// The host's clock, µs since 1970.
    pub(crate) wall_us: u64,
    /// The server's TIME, and how long ago at most it was read. `None` while the server is away.
    pub(crate) server: Option<(u64, Duration)>,
}

/// What a reading means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// By how much to move the engine's time, in µs.
    pub(crate) adjust_us: i64,
    /// How far the server's TIME has parted from the engine's time, in µs; 0 while it is no more than a drift.
    pub(crate) server_step_us: i64,
    /// How far the host's clock has parted from the monotonic one since it was last believed, in µs; 0 likewise.
    pub(crate) wall_step_us: i64,
    /// Whether something may be ended because its time is over.
    pub(crate) expiries_allowed: bool,
}

/// What was seen of the clocks so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    last: Instant,
    /// When the server was last asked with success.
    last_contact: Instant,
    /// What the host's clock showed at some instant, when it was believed.
    wall: (Instant, u64),
    /// Since when the clocks that stepped have run evenly, and how far they had parted then.
    steady: Option<(Instant, i64, i64)>,
    /// Nothing expires before.
    expiries_from: Instant,
}

impl Watch {
    /// Begins at the first contact: the engine's time was just set to the server's.
    pub(crate) fn begin(reading: &Reading) -> Self {
        Self {
            last: reading.at,
            last_contact: reading.at,
            wall: (reading.at, reading.wall_us),
            steady: None,
            expiries_from: reading.at,
        }
    }

    /// Looks at the clocks again, about once a second.
    pub(crate) fn look(&mut self, reading: &Reading) -> Report {
        let passed = micros(reading.at.saturating_duration_since(self.last));
        self.last = reading.at;
        let wall_apart = self.wall_apart(reading);
        let wall_step_us = if wall_apart.abs() > STEP_US { wall_apart } else { 0 };
        let Some((server_us, round_trip)) = reading.server else {
            return Report {
                wall_step_us,
                expiries_allowed: false,
                ..Report::default()
            };
        };
        let half = micros(round_trip) / 2;
        let apart = server_us as i64 + half - reading.engine_us as i64;
        let unseen = micros(reading.at.saturating_duration_since(self.last_contact));
        self.last_contact = reading.at;
        let adjust_us = if apart.abs() <= STEP_US + half + unseen / DRIFT {
            self.together(reading, wall_apart);
            follow(apart, half, passed)
        } else {
            self.parted(reading, (apart, wall_apart), passed)
        };
        let left = apart - adjust_us;
        let server_step_us = if left.abs() > STEP_US { left } else { 0 };
        Report {
            adjust_us,
            server_step_us,
            wall_step_us,
            expiries_allowed: server_step_us == 0 && reading.at >= self.expiries_from,
        }
    }

    /// How far the host's clock is from where it would be if nobody had set it.
    fn wall_apart(&self, reading: &Reading) -> i64 {
        let (at, wall_us) = self.wall;
        let expected = wall_us as i64 + micros(reading.at.saturating_duration_since(at));
        reading.wall_us as i64 - expected
    }

    /// The server runs with us. The host's clock is believed while it does, and again when it has for long enough.
    fn together(&mut self, reading: &Reading, wall_apart: i64) {
        if wall_apart.abs() <= STEP_US || self.is_steady(reading.at, (0, wall_apart)) {
            self.wall = (reading.at, reading.wall_us);
            self.steady = None;
        }
    }

    /// The server has leapt. By how much our time is to follow.
    fn parted(&mut self, reading: &Reading, (apart, wall_apart): (i64, i64), passed: i64) -> i64 {
        let steady = self.is_steady(reading.at, (apart, wall_apart));
        if !steady || (apart - wall_apart).abs() > STEP_US {
            return 0;
        }
        if apart < 0 {
            // The host's clock is seen at the same distance until we are there.
            let slower = limit(apart, passed / SLEW);
            self.wall.1 = self.wall.1.saturating_add_signed(slower);
            return slower;
        }
        let leapt = Duration::from_micros(apart.unsigned_abs()).min(EXPIRIES_WAIT_MAX);
        self.expiries_from = reading.at + leapt;
        self.wall = (reading.at, reading.wall_us);
        self.steady = None;
        apart
    }

    /// Whether clocks that stepped have stayed at that distance for a while.
    fn is_steady(&mut self, at: Instant, (server, wall): (i64, i64)) -> bool {
        match &mut self.steady {
            Some((since, before, wall_before))
                if (server - *before).abs() <= STEP_US && (wall - *wall_before).abs() <= STEP_US =>
            {
                let steady = at.saturating_duration_since(*since) >= STEADY;
                if steady {
                    // Slewing changes the distances, which is no step.
                    (*before, *wall_before) = (server, wall);
                }
                steady
            }
            _ => {
                self.steady = Some((at, server, wall));
                false
            }
        }
    }
}

/// What the round trip may have made up is not followed; what a long absence has made of a drift, at once.
fn follow(apart: i64, half: i64, passed: i64) -> i64 {
    if apart.abs() <= half {
        0
    } else if apart.abs() - half > STEP_US {
        apart
    } else {
        limit(apart, passed / SLEW)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn limit(value: i64, most: i64) -> i64 {
    value.clamp(-most, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::clock::Clock;

    const SECOND: i64 = 1_000_000;
    const HOUR: i64 = 3_600 * SECOND;

    /// Clocks that are turned by hand. True time is what a perfect clock would show.
    struct World {
        watch: Watch,
        start: Instant,
        /// µs since the start: monotonic, engine, wall, server.
        monotonic: i64,
        engine: i64,
        wall: i64,
        server: i64,
        server_away: bool,
        round_trip: Duration,
    }

    /// Any time long after 1970.
    const BASE: i64 = 1_800_000_000 * SECOND;

    impl World {
        fn new() -> Self {
            let start = Clock::new().now();
            let begin = Reading {
                at: start,
                engine_us: BASE as u64,
                wall_us: BASE as u64,
                server: Some((BASE as u64, Duration::ZERO)),
            };
            Self {
                watch: Watch::begin(&begin),
                start,
                monotonic: 0,
                engine: BASE,
                wall: BASE,
                server: BASE,
                server_away: false,
                round_trip: Duration::from_millis(1),
            }
        }

        /// A second passes on all clocks.
        fn second(&mut self) -> Report {
            self.pass(SECOND, SECOND)
        }

        fn pass(&mut self, monotonic: i64, server: i64) -> Report {
            self.monotonic += monotonic;
            self.engine += monotonic;
            self.wall += monotonic;
            self.server += server;
            let server = (self.server as u64, self.round_trip);
            let reading = Reading {
                at: self.start + Duration::from_micros(self.monotonic as u64),
                engine_us: self.engine as u64,
                wall_us: self.wall as u64,
                server: (!self.server_away).then_some(server),
            };
            let report = self.watch.look(&reading);
            self.engine += report.adjust_us;
            report
        }

        fn seconds(&mut self, count: usize) -> Report {
            let mut last = Report::default();
            for _ in 0..count {
                last = self.second();
            }
            last
        }
    }

    fn assert_calm(report: Report) {
        assert_eq!((report.server_step_us, report.wall_step_us), (0, 0), "{report:?}");
        assert!(report.expiries_allowed, "{report:?}");
    }

    #[test]
    fn clocks_that_run_together_are_left_alone() {
        let mut world = World::new();
        for _ in 0..1_000 {
            let report = world.second();
            assert_calm(report);
            assert_eq!(report.adjust_us, 0);
        }
    }

    #[test]
    fn one_hour_back_on_every_host_moves_nothing_back() {
        let mut world = World::new();
        world.seconds(10);
        world.wall -= HOUR;
        world.server -= HOUR;
        let report = world.second();
        assert!(!report.expiries_allowed);
        assert!((report.server_step_us + HOUR).abs() < SECOND && (report.wall_step_us + HOUR).abs() < SECOND);
        // The engine's time never stands still or goes back while it approaches the server's, at nine tenths of its pace.
        for _ in 0..11 * 3_600 {
            let before = world.engine;
            let report = world.second();
            assert!(world.engine - before >= 9 * SECOND / 10);
            assert!(report.expiries_allowed == (report.server_step_us == 0), "{report:?}");
        }
        assert!((world.engine - world.server).abs() < SECOND);
        assert_calm(world.seconds(120));
    }

    #[test]
    fn the_server_alone_an_hour_back_is_not_followed_and_its_return_ends_the_alarm() {
        let mut world = World::new();
        world.server -= HOUR;
        let report = world.seconds(1_000);
        assert!(!report.expiries_allowed && report.server_step_us < -HOUR + SECOND && report.wall_step_us == 0);
        assert_eq!(world.engine, BASE + 1_000 * SECOND);
        world.server += HOUR;
        assert_calm(world.second());
    }

    #[test]
    fn three_days_forward_expire_nothing_before_its_time() {
        let mut world = World::new();
        world.seconds(5);
        world.wall += 73 * HOUR;
        world.server += 73 * HOUR;
        let before = world.engine;
        assert!(!world.second().expiries_allowed);
        assert!(!world.seconds(58).expiries_allowed);
        assert_eq!(world.engine, before + 59 * SECOND);
        let report = world.seconds(5);
        assert_eq!(
            (report.server_step_us, report.wall_step_us),
            (0, 0),
            "believed after a minute"
        );
        assert!((world.engine - world.server).abs() < SECOND);
        // What was accepted just before the step seems old enough now, and waits for its own 73 hours all the same.
        assert!(!world.seconds(72 * 3_600).expiries_allowed);
        assert!(world.seconds(3_600).expiries_allowed);
    }

    #[test]
    fn three_days_forward_that_are_taken_back_leave_no_trace() {
        let mut world = World::new();
        world.server += 73 * HOUR;
        world.wall += 73 * HOUR;
        assert!(!world.seconds(30).expiries_allowed);
        world.server -= 73 * HOUR;
        world.wall -= 73 * HOUR;
        assert_calm(world.second());
        assert_eq!(world.engine, BASE + 31 * SECOND);
    }

    #[test]
    fn a_server_that_drifts_is_followed_without_an_alarm() {
        let mut world = World::new();
        for _ in 0..100_000 {
            assert_calm(world.pass(SECOND, SECOND + 500));
        }
        assert!((world.engine - world.server).abs() < SECOND / 100);
    }

    #[test]
    fn a_second_too_late_is_made_up_for_slowly() {
        let mut world = World::new();
        world.server += SECOND;
        let report = world.second();
        assert_eq!(report.adjust_us, SECOND / 10);
        assert_calm(report);
        assert_calm(world.seconds(12));
        assert!((world.engine - world.server).abs() < SECOND / 100);
    }

    #[test]
    fn a_machine_that_slept_catches_up_after_a_minute() {
        // Its monotonic clock slept too; the host's clock is corrected later than the server's is seen.
        let mut world = World::new();
        world.server += 8 * HOUR;
        assert!(!world.seconds(20).expiries_allowed);
        world.wall += 8 * HOUR;
        let report = world.seconds(62);
        assert_eq!((report.server_step_us, report.wall_step_us), (0, 0), "{report:?}");
        assert!((world.engine - world.server).abs() < SECOND);
        assert!(!report.expiries_allowed);
        assert!(world.seconds(8 * 3_600).expiries_allowed);
    }

    #[test]
    fn a_redis_that_is_away_and_comes_back_is_no_step() {
        let mut world = World::new();
        world.server_away = true;
        for _ in 0..100_000 {
            // Nothing can expire without it; at 90 ppm it drifts by nine seconds meanwhile.
            let report = world.pass(SECOND, SECOND + 90);
            assert!(!report.expiries_allowed && report.server_step_us == 0);
        }
        world.server_away = false;
        world.second();
        assert_calm(world.seconds(100));
        assert!((world.engine - world.server).abs() < SECOND / 100);
    }

    #[test]
    fn the_hosts_clock_alone_is_reported_and_believed_after_a_minute() {
        let mut world = World::new();
        world.wall -= HOUR;
        let report = world.second();
        assert!((report.wall_step_us + HOUR).abs() < SECOND && report.server_step_us == 0);
        assert!(report.expiries_allowed);
        assert_calm(world.seconds(62));
        assert_eq!(world.engine, BASE + 63 * SECOND);
    }

    #[test]
    fn a_slow_answer_is_neither_a_step_nor_followed() {
        let mut world = World::new();
        world.round_trip = Duration::from_secs(3);
        let report = world.second();
        assert_eq!(report.adjust_us, 0);
        assert_calm(report);
    }
}
