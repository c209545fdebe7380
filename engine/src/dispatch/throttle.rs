//! How fast an SMSC that says "too fast" is fed: pure.
//!
//! What it took in the last second is what it takes. So when many of a second's answers refuse, the rate becomes a little
//! less than what was accepted; while a few do, it is trimmed little by little, since some SMSCs refuse a few however slow
//! we are; and while none does, it is probed upwards, slowly first and then faster.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Refused of what is answered within a second, up to which the rate stays: an SMSC at its very limit.
const TOLERATED: f64 = 0.02;

/// Refused of it, above which the rate is cut.
const MUCH: f64 = 0.15;

/// After a cut: the rate, of what was accepted.
const CUT: f64 = 0.95;

/// After a trim: the rate, of what it was.
const TRIM: f64 = 0.97;

/// More than [`TOLERATED`] is refused for so long, and the rate is trimmed.
const TRIM_AFTER: Duration = Duration::from_secs(2);

/// The slowest, in segments a second: an SMSC that refuses everything is asked ten times a second whether it still does.
const SLOWEST: f64 = 10.0;

/// After a cut, refusals of what was under way do not cut again.
const HOLD: Duration = Duration::from_secs(1);

/// Without a refusal for so long, the rate grows.
const QUIET: Duration = Duration::from_secs(1);

/// The growth in a second, at first; it doubles with every second without a refusal, up to [`GROWTH_MAX`].
const GROWTH: f64 = 0.03;
const GROWTH_MAX: f64 = 1.0;

/// The growth in a second while the rate is less than half of what the SMSC is known to have taken.
const RETURN: f64 = 3.0;

/// Without a refusal for so long, nothing limits the account any more.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// The resolution of the last second.
const STEP: Duration = Duration::from_millis(50);

/// Shortest and longest pause of a message that was refused.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) struct Throttle {
    /// Segments a second; `None`: the SMSC limits nothing.
    rate: Option<f64>,
    /// What it took in a second, when it last refused a part.
    known: f64,
    answers: Answers,
    cut_at: Instant,
    /// When no more than [`TOLERATED`] was refused last.
    calm_at: Instant,
    refused_at: Instant,
    grown_at: Instant,
}

impl Throttle {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            rate: None,
            known: 0.0,
            answers: Answers::default(),
            cut_at: now,
            calm_at: now,
            refused_at: now,
            grown_at: now,
        }
    }

    /// Segments a second that the SMSC lets through; `None`: it does not say.
    pub(super) fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// It refused a segment since it came too fast.
    pub(super) fn throttled(&mut self, now: Instant) {
        let (accepted, share) = self.count((0, 1), now);
        self.refused_at = now;
        let slower = match self.rate {
            Some(_) if now.saturating_duration_since(self.cut_at) < HOLD => return,
            _ if share > MUCH => CUT * accepted,
            rate if now.saturating_duration_since(self.calm_at.max(self.cut_at)) >= TRIM_AFTER => {
                rate.map_or(accepted, |rate| TRIM * rate)
            }
            _ => return,
        };
        // The first cut may come in the first moments of a second, when little can have been accepted yet.
        self.known = match self.rate {
            None => self.known.max(accepted),
            Some(_) if accepted > 0.0 => accepted,
            Some(_) => self.known,
        };
        self.rate = Some(slower.min(self.rate.unwrap_or(f64::INFINITY)).max(SLOWEST));
        self.cut_at = now;
        self.grown_at = now;
    }

    /// It took that many segments. `ceiling`: a rate at which the account is limited anyway.
    pub(super) fn accepted(&mut self, count: usize, ceiling: Option<f64>, now: Instant) {
        let (accepted, _) = self.count((count, 0), now);
        let Some(rate) = self.rate else {
            self.known = self.known.max(accepted);
            return;
        };
        let step = now.saturating_duration_since(self.grown_at).min(Duration::from_secs(1));
        self.grown_at = now;
        let quiet = now.saturating_duration_since(self.refused_at);
        // What is not used says nothing about what would be taken.
        if quiet < QUIET || accepted < rate / 2.0 {
            return;
        }
        let growth = if rate < self.known / 2.0 {
            RETURN
        } else {
            (GROWTH * f64::from(1 << quiet.as_secs().min(10))).min(GROWTH_MAX)
        };
        let faster = rate * (1.0 + growth * step.as_secs_f64());
        let free = quiet >= FORGOTTEN || ceiling.is_some_and(|ceiling| faster >= ceiling);
        self.rate = (!free).then_some(faster);
    }

    /// Counts answers; returns what was accepted within the last second, and the share of what was refused.
    fn count(&mut self, answers: (usize, usize), now: Instant) -> (f64, f64) {
        let (accepted, refused) = self.answers.add(answers, now);
        let share = refused as f64 / (accepted + refused) as f64;
        if share <= TOLERATED {
            self.calm_at = now;
        }
        (accepted as f64, share)
    }

    /// How long a message that was refused keeps out of the way: two places of its account's pace.
    pub(super) fn pause(&self) -> Duration {
        self.rate.map_or(PAUSE_MIN, |rate| {
            Duration::from_secs_f64(2.0 / rate).clamp(PAUSE_MIN, PAUSE_MAX)
        })
    }
}

/// Answers within the last second.
#[derive(Clone, Debug, Default)]
struct Answers {
    /// Of each step: since when, accepted, refused.
    steps: VecDeque<(Instant, usize, usize)>,
    accepted: usize,
    refused: usize,
}

impl Answers {
    /// Adds some, and returns those of the last second.
    fn add(&mut self, (accepted, refused): (usize, usize), now: Instant) -> (usize, usize) {
        let over = |at: Instant| now.saturating_duration_since(at) >= Duration::from_secs(1);
        while let Some((_, accepted, refused)) = self.steps.pop_front_if(|(at, ..)| over(*at)) {
            self.accepted -= accepted;
            self.refused -= refused;
        }
        match self.steps.back_mut() {
            Some(step) if now.saturating_duration_since(step.0) < STEP => {
                step.1 += accepted;
                step.2 += refused;
            }
            _ => self.steps.push_back((now, accepted, refused)),
        }
        self.accepted += accepted;
        self.refused += refused;
        (self.accepted, self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pace::Pace;
    use super::*;
    use crate::clock::Clock;

    /// From the submission to the end of its settling.
    const ROUND_TRIP_MS: usize = 60;

    /// An SMSC that takes a rate and a burst, a window, and an account that always has something to send.
    struct Play {
        start: Instant,
        now: Instant,
        throttle: Throttle,
        pace: Pace,
        ceiling: Option<f64>,
        tokens: f64,
        window: usize,
        in_flight: VecDeque<(Instant, usize, usize)>,
    }

    impl Play {
        fn new(ceiling: Option<f64>) -> Self {
            let start = Clock::new().now();
            Self {
                start,
                now: start,
                throttle: Throttle::new(start),
                pace: Pace::new(None, start),
                ceiling,
                tokens: 0.0,
                window: 1_000,
                in_flight: VecDeque::new(),
            }
        }

        /// Goes on for that many seconds at an SMSC that takes `limit` a second and a tenth of it at once. Returns what was
        /// accepted and refused.
        fn go_on(&mut self, seconds: f64, limit: f64) -> (usize, usize) {
            let (mut accepted, mut refused) = (0, 0);
            for _ in 0..(seconds * 1_000.0) as usize {
                self.now += Duration::from_millis(1);
                self.tokens = (self.tokens + limit / 1_000.0).min((limit / 10.0).max(1.0));
                self.hear();
                self.pace.set_rate(self.throttle.rate().or(self.ceiling), self.now);
                let under_way: usize = self.in_flight.iter().map(|(_, took, not)| took + not).sum();
                let sent = match self.window - under_way {
                    0 => 0,
                    // No more than the engine itself can do.
                    room => self.pace.take(room.min(10), self.now).unwrap_or(0),
                };
                let took = sent.min(self.tokens as usize);
                self.tokens -= took as f64;
                self.in_flight.push_back((self.now, took, sent - took));
                (accepted, refused) = (accepted + took, refused + sent - took);
            }
            (accepted, refused)
        }

        fn hear(&mut self) {
            let heard = |at: Instant| at + Duration::from_millis(ROUND_TRIP_MS as u64);
            while let Some((_, took, refused)) = self.in_flight.pop_front_if(|(at, ..)| heard(*at) <= self.now) {
                if took > 0 {
                    self.throttle.accepted(took, self.ceiling, self.now);
                }
                for _ in 0..refused {
                    self.throttle.throttled(self.now);
                }
            }
        }

        fn at(&self) -> String {
            format!("{:?} after the start, {:?}", self.now - self.start, self.throttle.rate)
        }
    }

    #[test]
    fn an_smsc_that_throttles_is_fed_near_its_limit_with_few_refusals() {
        for (limit, ceiling) in [
            (50.0, None),
            (500.0, None),
            (5_000.0, None),
            (50.0, Some(1_000.0)),
            (500.0, Some(600.0)),
        ] {
            let mut play = Play::new(ceiling);
            let (_, first) = play.go_on(15.0, limit);
            assert!(
                first as f64 <= play.window as f64 + 3.0 * limit,
                "{limit}/s: {first} refused at first"
            );
            let (accepted, refused) = play.go_on(60.0, limit);
            let share = refused as f64 / (accepted + refused) as f64;
            assert!(share <= 0.04, "{limit}/s: {share} refused");
            let used = accepted as f64 / 60.0 / limit;
            assert!(used >= 0.93, "{limit}/s: {used} of it used");
        }
    }

    #[test]
    fn when_throttling_ends_it_is_back_within_seconds() {
        for ceiling in [None, Some(2_000.0)] {
            let mut play = Play::new(ceiling);
            play.go_on(3.0, 1e6);
            play.go_on(10.0, 100.0);
            play.go_on(10.0, 1e6);
            let (accepted, refused) = play.go_on(1.0, 1e6);
            assert!(accepted > 1_800, "{ceiling:?}: {accepted} in a second, {}", play.at());
            assert_eq!(refused, 0);
        }
    }

    #[test]
    fn an_smsc_that_takes_nothing_is_asked_ten_times_a_second_and_found_again() {
        let mut play = Play::new(Some(2_000.0));
        play.go_on(5.0, 1e6);
        let (_, at_first) = play.go_on(3.0, 0.0);
        assert!(at_first < 4_000, "{at_first}");
        let (_, later) = play.go_on(30.0, 0.0);
        // Three hundred, and what the slowing still lets through in the first seconds.
        assert!(later <= 330, "{later} refused in half a minute");
        play.go_on(9.0, 1e6);
        let (accepted, _) = play.go_on(1.0, 1e6);
        assert!(accepted > 1_800, "{accepted} in a second, {}", play.at());
    }

    #[test]
    fn bursts_of_refusals_do_not_stop_it() {
        let mut now = Clock::new().now();
        let mut throttle = Throttle::new(now);
        let mut due = 0.0;
        let mut turn = 0;
        // Up to 2,500 a second for half a minute; after every 200, 20 are refused, however fast they come.
        for _ in 0..30_000 {
            now += Duration::from_millis(1);
            due += throttle.rate().unwrap_or(f64::INFINITY).min(2_500.0) / 1_000.0;
            while due >= 1.0 {
                (due, turn) = (due - 1.0, turn + 1);
                if turn % 220 < 200 {
                    throttle.accepted(1, None, now);
                } else {
                    throttle.throttled(now);
                }
            }
        }
        let rate = throttle.rate().unwrap_or(f64::INFINITY);
        assert!(rate > 1_000.0, "{rate}");
        assert_eq!(throttle.pause(), PAUSE_MIN);
    }
}
