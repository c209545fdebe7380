//! The search for the highest rate that is not too much: which one to try next. No clock, no socket.

/// Nothing below one message a second is tried.
const RATE_MIN: f64 = 1.0;

/// A search under way. Ask for [`Search::next`], try that rate, and [`Search::tell`] what came of it, until nothing is next.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    from: f64,
    up_to: f64,
    /// How far apart the answer and what is known to be too much may be, as a part of one.
    precision: f64,
    held: Option<f64>,
    too_much: Option<f64>,
}

impl Search {
    /// From a rate, up to another at most, both in messages a second.
    pub(crate) fn new(from: f64, up_to: f64, precision: f64) -> Self {
        Self {
            from: from.min(up_to),
            up_to,
            precision,
            held: None,
            too_much: None,
        }
    }

    /// The rate to try; `None`: the search is over.
    pub(crate) fn next(&self) -> Option<f64> {
        match (self.held, self.too_much) {
            (None, None) => Some(self.from),
            (Some(held), None) => (held < self.up_to).then(|| (held * 2.0).min(self.up_to)),
            (None, Some(too_much)) => (too_much > RATE_MIN).then(|| whole(too_much / 2.0).max(RATE_MIN)),
            (Some(held), Some(too_much)) => {
                let between = whole((held * too_much).sqrt());
                let wide = too_much > held * (1.0 + self.precision);
                (wide && between > held && between < too_much).then_some(between)
            }
        }
    }

    /// That rate held, or was too much.
    pub(crate) fn tell(&mut self, rate: f64, held: bool) {
        if held {
            self.held = Some(rate);
        } else {
            self.too_much = Some(rate);
        }
    }

    /// The highest rate that held.
    pub(crate) fn held(&self) -> Option<f64> {
        self.held
    }

    /// Whether some rate was too much: else the highest that was allowed has held.
    pub(crate) fn met_a_limit(&self) -> bool {
        self.too_much.is_some()
    }
}

/// As people would write it: a whole number, where that is precise enough.
fn whole(rate: f64) -> f64 {
    if rate >= 20.0 { rate.round() } else { rate }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found with a target that takes so much, and after how many tries.
    fn found(capacity: f64, (from, up_to, precision): (f64, f64, f64)) -> (Option<f64>, usize) {
        let mut search = Search::new(from, up_to, precision);
        let mut tries = 0;
        while let Some(rate) = search.next() {
            search.tell(rate, rate <= capacity);
            tries += 1;
            assert!(tries < 100, "it does not end: {search:?}");
        }
        (search.held(), tries)
    }

    #[test]
    fn it_comes_as_near_as_was_asked() {
        for capacity in [1.0, 3.7, 17.0, 99.0, 100.0, 101.0, 555.5, 1_000.0, 54_321.0] {
            for precision in [0.01, 0.05, 0.2] {
                let (held, tries) = found(capacity, (100.0, 100_000.0, precision));
                let held = held.unwrap_or_else(|| panic!("{capacity}: nothing held"));
                // A rate is a whole number from 20 on.
                let near = capacity / (1.0 + precision) - 1.0;
                assert!((near..=capacity).contains(&held), "{capacity}: {held}");
                assert!(tries <= 25, "{capacity}: {tries} tries");
            }
        }
    }

    #[test]
    fn its_ends_are_ends() {
        assert_eq!(found(0.5, (100.0, 1_000.0, 0.05)).0, None);
        let mut search = Search::new(100.0, 350.0, 0.05);
        for rate in [100.0, 200.0, 350.0] {
            assert_eq!(search.next(), Some(rate));
            search.tell(rate, true);
        }
        assert_eq!((search.next(), search.met_a_limit()), (None, false));
        assert_eq!(Search::new(500.0, 100.0, 0.05).next(), Some(100.0));
    }
}
