//! How fast an SMSC that says "too fast" is fed: pure.
//!
//! What it took while it refused the rest is what it takes. So when many of a second's answers refuse, the rate becomes a
//! little less than what was accepted; while a few do, it is trimmed little by little, but not for ever, since some SMSCs
//! refuse a few however slow we are. And while none does, more is tried: a little first, then twice as much with every
//! half second, until a refusal says where the limit is now.
//!
//! Some refusals say nothing of the pace. Where messages are refused again and again while new ones are taken, it is about
//! these messages. And where the share of refusals stays what it was however often the rate is cut, the cuts are taken
//! back, and that share is tolerated.

use std::time::{Duration, Instant};

use super::tally::{Counts, Tally};
use super::vain::Vain;

/// Refused of what is answered within a second, up to which the rate stays.
const TOLERATED: f64 = 0.005;

/// Refused of it, above which the rate is cut; and how many have to be refused for that.
const MUCH: f64 = 0.15;
const MANY: usize = 3;

/// After a cut: the rate, of what was accepted.
const CUT: f64 = 0.96;

/// After a trim: the rate, of what it was.
const TRIM: f64 = 0.98;

/// Trims go down to this, of what was accepted when it was cut last.
const TRIM_MIN: f64 = 0.9;

/// More than [`TOLERATED`] is refused for so long, and the rate is trimmed.
const TRIM_AFTER: Duration = Duration::from_secs(1);

/// Of so many answers a share says something.
const ENOUGH: usize = 5;

/// The slowest, in segments a second: an SMSC that refuses everything is asked ten times a second whether it still does, and
/// one message that it never takes does not hold up the others.
const SLOWEST: f64 = 10.0;

/// After a cut, refusals of what was under way do not cut again.
const HOLD: Duration = Duration::from_secs(1);

/// From a refusal to the next try of more: at first, and after one that found more.
const TRY_AFTER: Duration = Duration::from_secs(1);
const TRY_SOON: Duration = Duration::from_millis(500);

/// It doubles with each try that found nothing, up to the time of so many segments, within these bounds: a try costs some
/// refusals, and at a slow SMSC these are a greater part.
const TRY_AFTER_MESSAGES: f64 = 75.0;
const TRY_AFTER_MIN: Duration = Duration::from_millis(1_500);
const TRY_AFTER_MAX: Duration = Duration::from_secs(8);

/// What is tried first, above the rate; it doubles in [`DOUBLED`]. The other one is for a limit that is not known well.
const TRY: f64 = 0.1;
const TRY_NEW: f64 = 1.0;
const DOUBLED: f64 = 0.5;

/// A try that came so far above what was known is about another limit.
const FAR: f64 = 1.5;

/// A try that found so much more, of the rate, is soon followed by another.
const FOUND: f64 = 1.1;

/// Without a refusal for so long, nothing limits the account any more; at its configured rate, sooner.
const FORGOTTEN: Duration = Duration::from_secs(60);
const FREE_AFTER: Duration = Duration::from_secs(20);

/// What is accepted now is what was accepted within this.
const NOW: Duration = Duration::from_millis(300);

/// Shortest and longest pause of a message that was refused.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) struct Throttle {
    /// `None`: the SMSC limits nothing.
    limit: Option<Limit>,
    answers: Tally,
    /// When no more than [`TOLERATED`] was refused last.
    calm_at: Instant,
    refused_at: Instant,
    vain: Vain,
}

/// What an SMSC takes, as far as it is known.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Segments a second that it is known to take.
    known: f64,
    /// Trims go no further down.
    least: f64,
    /// The rate, of what is known: above 1 while more is tried.
    lift: f64,
    lifted_at: Instant,
    /// Nothing was known before: what it takes shows in the refusals that follow.
    is_new: bool,
    cut_at: Instant,
    /// Since then.
    accepted: usize,
    /// From a refusal to the next try.
    patience: Duration,
}

impl Limit {
    fn rate(&self) -> f64 {
        self.known * self.lift
    }

    /// More was tried, and refused.
    fn found(&mut self, accepted: f64, now: Instant) {
        // Far above what was known it is what was accepted in this second. Near it that has the SMSC's burst in it, and what
        // was accepted since the last refusal has not: then as now, nothing was left of the burst.
        let mean = self.accepted as f64 / now.saturating_duration_since(self.cut_at).as_secs_f64();
        let known = if self.lift > FAR { CUT * accepted } else { mean };
        let known = known.clamp(self.known, self.rate());
        self.patience = if known > FOUND * self.known {
            TRY_SOON
        } else {
            let longest = Duration::from_secs_f64(TRY_AFTER_MESSAGES / known).clamp(TRY_AFTER_MIN, TRY_AFTER_MAX);
            (2 * self.patience).clamp(TRY_AFTER, longest)
        };
        *self = Self {
            known,
            least: TRIM_MIN * known,
            lift: 1.0,
            is_new: known > FOUND * self.known,
            cut_at: now,
            accepted: 0,
            ..*self
        };
    }
}

impl Throttle {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            limit: None,
            answers: Tally::default(),
            calm_at: now,
            refused_at: now,
            vain: Vain::default(),
        }
    }

    /// Segments a second that the SMSC lets through; `None`: it does not say.
    pub(super) fn rate(&self) -> Option<f64> {
        self.limit.map(|limit| limit.rate())
    }

    /// Segments that it took within the last second, as of the last answer.
    pub(super) fn took(&self) -> usize {
        self.answers.accepted()
    }

    /// It refused a segment since it came too fast; `again`: of a message that it had refused before.
    pub(super) fn throttled(&mut self, again: bool, now: Instant) {
        self.count(Counts::refused(again), now);
        if again && self.answers.is_about_messages() {
            // What was cut for them was cut for nothing: more is tried soon.
            if let Some(limit) = &mut self.limit {
                (limit.is_new, limit.patience) = (true, TRY_SOON);
            }
            return;
        }
        if self.vain.tolerates(self.answers.share(), now) {
            return;
        }
        self.refused_at = now;
        let many = self.answers.refused() >= MANY && self.answers.share() > MUCH;
        let Some(limit) = &mut self.limit else {
            if many {
                self.limit = Some(self.cut(true, now));
                self.vain.begin(self.answers.share());
            }
            return;
        };
        let held = now.saturating_duration_since(limit.cut_at) < HOLD;
        let stays = now.saturating_duration_since(self.calm_at.max(limit.cut_at)) >= TRIM_AFTER;
        if limit.lift > 1.0 {
            limit.found(self.answers.accepted() as f64, now);
        } else if held && limit.is_new {
            self.limit = Some(self.cut(true, now));
            self.vain.begin(self.answers.share());
        } else if !held && (many || stays) {
            self.slow_down(many, now);
        }
    }

    /// Too much is refused, or for too long.
    fn slow_down(&mut self, many: bool, now: Instant) {
        let share = self.answers.share();
        if share > MUCH && self.vain.gives_up(share, now) {
            self.limit = None;
        } else if many {
            self.limit = Some(self.cut(false, now));
        } else if let Some(limit) = &mut self.limit {
            limit.known = (TRIM * limit.known).max(limit.least);
            (limit.cut_at, limit.accepted) = (now, 0);
        }
    }

    fn cut(&self, is_new: bool, now: Instant) -> Limit {
        let accepted = self.answers.accepted() as f64;
        let slower = (CUT * accepted).max(SLOWEST);
        // A new one is learnt from the refusals that follow; later ones only lower it.
        let known = match &self.limit {
            Some(limit) if !is_new => slower.min(limit.known),
            Some(_) | None => slower,
        };
        Limit {
            known,
            least: TRIM_MIN * known,
            lift: 1.0,
            lifted_at: now,
            is_new,
            cut_at: match &self.limit {
                Some(limit) if is_new => limit.cut_at,
                Some(_) | None => now,
            },
            accepted: 0,
            patience: if is_new { TRY_SOON } else { TRY_AFTER },
        }
    }

    /// It took that many segments, some `again` of messages that it had refused before. `ceiling`: a rate at which the account is
    /// limited anyway.
    pub(super) fn accepted(&mut self, (count, again): (usize, usize), ceiling: Option<f64>, now: Instant) {
        self.count(Counts::accepted(count, again), now);
        let Some(limit) = &mut self.limit else { return };
        limit.accepted += count;
        let quiet = now.saturating_duration_since(self.refused_at);
        let step = now.saturating_duration_since(limit.lifted_at).as_secs_f64();
        limit.lifted_at = now;
        // What is not used says nothing about what would be taken.
        let used = (self.answers.accepted_within(NOW, now) + 1) as f64;
        if quiet < limit.patience || used < limit.rate() * NOW.as_secs_f64() / 2.0 {
            return;
        }
        limit.lift = if limit.lift > 1.0 {
            1.0 + (limit.lift - 1.0) * (step / DOUBLED).min(1.0).exp2()
        } else {
            1.0 + if limit.is_new { TRY_NEW } else { TRY }
        };
        let lift_max = ceiling.map_or(f64::INFINITY, |ceiling| (ceiling / limit.known).max(1.0));
        let is_free = limit.lift >= lift_max && quiet >= FREE_AFTER;
        limit.lift = limit.lift.min(lift_max);
        if is_free || quiet >= FORGOTTEN {
            self.limit = None;
        }
    }

    /// Counts answers.
    fn count(&mut self, counts: Counts, now: Instant) {
        self.answers.add(counts, now);
        let share = self.answers.share();
        if share <= TOLERATED {
            self.calm_at = now;
        }
        if self.answers.accepted() + self.answers.refused() >= ENOUGH {
            self.vain.see(share);
        }
    }

    /// How long a message that was refused keeps out of the way: two places of its account's pace.
    pub(super) fn pause(&self) -> Duration {
        self.rate().map_or(PAUSE_MIN, |rate| {
            Duration::from_secs_f64(2.0 / rate).clamp(PAUSE_MIN, PAUSE_MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::bind::Pace;
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
        /// When what was accepted within the last second was, where the SMSC counts so; `None`: it fills a bucket.
        second: Option<VecDeque<Instant>>,
        window: usize,
        /// What was taken and refused: of new messages, and of those that were refused before.
        in_flight: VecDeque<(Instant, [usize; 2], [usize; 2])>,
        /// What was refused and waits to be sent again.
        waiting: usize,
    }

    fn sum(counts: &[usize; 2]) -> usize {
        counts.iter().sum()
    }

    impl Play {
        fn counting_seconds(ceiling: Option<f64>) -> Self {
            Self {
                second: Some(VecDeque::new()),
                ..Self::new(ceiling)
            }
        }

        fn new(ceiling: Option<f64>) -> Self {
            let start = Clock::new().now();
            Self {
                start,
                now: start,
                throttle: Throttle::new(start),
                pace: Pace::new(None, start),
                ceiling,
                tokens: 0.0,
                second: None,
                window: 1_000,
                in_flight: VecDeque::new(),
                waiting: 0,
            }
        }

        /// Goes on for that many seconds at an SMSC that takes `limit` a second and a tenth of it at once. Returns what was
        /// accepted and refused.
        fn go_on(&mut self, seconds: f64, limit: f64) -> (usize, usize) {
            let (mut accepted, mut refused) = (0, 0);
            for _ in 0..(seconds * 1_000.0) as usize {
                self.now += Duration::from_millis(1);
                self.refill(limit);
                self.hear();
                self.pace.set_rate(self.throttle.rate().or(self.ceiling), self.now);
                let under_way: usize = self.in_flight.iter().map(|(_, took, not)| sum(took) + sum(not)).sum();
                let sent = match self.window - under_way {
                    0 => 0,
                    // No more than the engine itself can do.
                    room => self.pace.take(room.min(10), self.now).unwrap_or(0),
                };
                let took = sent.min(self.tokens as usize);
                self.tokens -= took as f64;
                if let Some(second) = &mut self.second {
                    second.extend(std::iter::repeat_n(self.now, took));
                }
                // Half of what is sent was refused before, while there is so much, and no more is taken of it than of the rest.
                let again = self.waiting.min(sent.div_ceil(2));
                self.waiting -= again;
                let took_again = (took * again).checked_div(sent).unwrap_or(0);
                let taken = [took - took_again, took_again];
                let refused_now = [sent - again - taken[0], again - took_again];
                self.in_flight.push_back((self.now, taken, refused_now));
                (accepted, refused) = (accepted + took, refused + sent - took);
            }
            (accepted, refused)
        }

        fn refill(&mut self, limit: f64) {
            let now = self.now;
            self.tokens = match &mut self.second {
                None => (self.tokens + limit / 1_000.0).min((limit / 10.0).max(1.0)),
                Some(second) => {
                    while second.pop_front_if(|at| now - *at >= Duration::from_secs(1)).is_some() {}
                    (limit - second.len() as f64).max(0.0)
                }
            };
        }

        fn hear(&mut self) {
            let heard = |at: Instant| at + Duration::from_millis(ROUND_TRIP_MS as u64);
            while let Some((_, took, refused)) = self.in_flight.pop_front_if(|(at, ..)| heard(*at) <= self.now) {
                if sum(&took) > 0 {
                    self.throttle.accepted((sum(&took), took[1]), self.ceiling, self.now);
                }
                for again in [false, true] {
                    let count = refused[usize::from(again)];
                    (0..count).for_each(|_| self.throttle.throttled(again, self.now));
                    self.waiting += count;
                }
            }
        }

        fn at(&self) -> String {
            format!(
                "{:?} after the start, {:?}",
                self.now - self.start,
                self.throttle.rate()
            )
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
            assert!(share <= 0.02, "{limit}/s: {share} refused");
            let used = accepted as f64 / 60.0 / limit;
            assert!(used >= 0.97, "{limit}/s: {used} of it used");
        }
    }

    #[test]
    fn a_limit_that_falls_to_a_tenth_and_comes_back_is_followed_within_seconds() {
        for (high, low) in [(500.0, 50.0), (5_000.0, 500.0), (100.0, 50.0)] {
            let ceilings = [None, Some(high), Some(1.2 * high)];
            let plays = ceilings.map(|ceiling| [Play::new(ceiling), Play::counting_seconds(ceiling)]);
            for mut play in plays.into_iter().flatten() {
                let (mut used, mut possible) = (0, 0.0);
                for limit in [high, low, high] {
                    let (at_first, _) = play.go_on(5.0, limit);
                    let (accepted, refused) = play.go_on(25.0, limit);
                    let share = refused as f64 / (accepted + refused) as f64;
                    assert!(share <= 0.02, "{limit}/s, {}: {share} refused", play.at());
                    used += at_first + accepted;
                    possible += 30.0 * limit;
                }
                let used = used as f64 / possible;
                assert!(used >= 0.92, "{high}/s, {low}/s, {}: {used} used", play.at());
            }
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
                    throttle.accepted((1, 0), None, now);
                } else {
                    throttle.throttled(false, now);
                }
            }
        }
        let rate = throttle.rate().unwrap_or(f64::INFINITY);
        assert!(rate > 1_000.0, "{rate}");
        assert_eq!(throttle.pause(), PAUSE_MIN);
    }

    /// Up to 1,000 new ones a second for so long; `refused` says which are, by their number, and each of `stuck` that was refused
    /// before comes again every second and is refused again. Returns how many were sent in the last second.
    fn unrelated(
        throttle: &mut Throttle,
        start: Instant,
        seconds: u32,
        refused: impl Fn(u32) -> bool,
        stuck: u32,
    ) -> u32 {
        let (mut due, mut turn, mut sent, mut now) = (0.0, 0, 0, start);
        for millisecond in 0..1_000 * seconds {
            now += Duration::from_millis(1);
            due += throttle.rate().unwrap_or(f64::INFINITY).min(1_000.0) / 1_000.0;
            if stuck > 0 && due >= 1.0 && millisecond % (1_000 / stuck) == 0 {
                due -= 1.0;
                throttle.throttled(true, now);
            }
            while due >= 1.0 {
                (due, turn) = (due - 1.0, turn + 1);
                sent += u32::from(millisecond >= 1_000 * (seconds - 1));
                if refused(turn) {
                    throttle.throttled(false, now);
                } else {
                    throttle.accepted((1, 0), None, now);
                }
            }
        }
        sent
    }

    #[test]
    fn a_share_that_is_refused_whatever_the_pace_slows_nobody_for_long() {
        let start = Clock::new().now();
        let mut throttle = Throttle::new(start);
        let every_third = |turn| turn % 3 == 0;
        let sent = unrelated(&mut throttle, start, 10, every_third, 0);
        assert!(sent > 950, "{sent} in the tenth second, {:?}", throttle.rate());
        let later = start + Duration::from_secs(10);
        let sent = unrelated(&mut throttle, later, 60, every_third, 0);
        assert!(sent > 950, "{sent} after a minute, {:?}", throttle.rate());
        // More than that is about the pace.
        let later = later + Duration::from_secs(60);
        unrelated(&mut throttle, later, 2, |turn| turn % 10 != 0, 0);
        let rate = throttle.rate().unwrap_or(f64::INFINITY);
        assert!(rate < 300.0, "{rate}");
    }

    #[test]
    fn an_smsc_that_takes_nothing_is_asked_slowly_even_where_most_was_refused_whatever_the_pace() {
        let start = Clock::new().now();
        let mut throttle = Throttle::new(start);
        let seven_of_nine = |turn| turn % 9 < 7;
        unrelated(&mut throttle, start, 10, seven_of_nine, 0);
        assert_eq!(throttle.rate(), None, "cuts did not help");
        let later = start + Duration::from_secs(10);
        unrelated(&mut throttle, later, 5, |_| true, 0);
        let slow = throttle.rate().unwrap_or(f64::INFINITY);
        assert!(slow <= 2.0 * SLOWEST, "{slow}");
    }

    #[test]
    fn messages_that_are_refused_again_and_again_do_not_hold_up_others() {
        for stuck in [1, 5, 50] {
            let start = Clock::new().now();
            let mut throttle = Throttle::new(start);
            // Nothing else is there at first, so that all is refused.
            for step in 0..100_u32 {
                throttle.throttled(step >= 5, start + step * Duration::from_millis(100));
            }
            let slow = throttle.rate().unwrap_or(f64::INFINITY);
            assert!(slow <= 2.0 * SLOWEST, "{stuck}: {slow}");
            let later = start + Duration::from_secs(10);
            let sent = unrelated(&mut throttle, later, 8, |_| false, stuck);
            assert!(
                sent > 900,
                "{stuck}: {sent} in the eighth second, {:?}",
                throttle.rate()
            );
        }
    }
}
