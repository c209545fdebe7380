use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::Serialize;

const SECOND_US: u64 = 1_000_000;

/// How fast one account submitted, from the times of arrival.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccountRate {
    /// The system_id of the account.
    pub account: String,
    /// Submits in all.
    pub submits: u64,
    /// The most in any half-open window of one second.
    pub max_per_second: u64,
    /// Submits after the first, by the seconds from the first to the last; 0 for less than two.
    pub mean_per_second: f64,
    /// The first arrival, µs since 1970.
    pub first_us: u64,
    /// The last arrival, µs since 1970.
    pub last_us: u64,
}

#[derive(Clone, Debug, Default)]
struct Window {
    times: VecDeque<u64>,
    most: usize,
    submits: u64,
    first: u64,
    last: u64,
}

/// Slides a window of one second over the arrivals of every account; they come in order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    windows: FxHashMap<u16, Window>,
}

impl Rates {
    /// One more arrival.
    pub(super) fn count(&mut self, account: u16, at: u64) {
        let window = self.windows.entry(account).or_insert_with(|| Window {
            first: at,
            ..Window::default()
        });
        while window.times.front().is_some_and(|&first| first + SECOND_US <= at) {
            window.times.pop_front();
        }
        window.times.push_back(at);
        window.most = window.most.max(window.times.len());
        window.submits += 1;
        window.last = at;
    }

    /// Every account's, in the order in which they first bound.
    pub(super) fn of(self, accounts: &[String]) -> Vec<AccountRate> {
        let mut rates: Vec<_> = self.windows.into_iter().collect();
        rates.sort_by_key(|&(account, _)| account);
        let rate = |(account, window): (u16, Window)| AccountRate {
            account: accounts.get(usize::from(account)).cloned().unwrap_or_default(),
            submits: window.submits,
            max_per_second: window.most as u64,
            mean_per_second: mean(&window),
            first_us: window.first,
            last_us: window.last,
        };
        rates.into_iter().map(rate).collect()
    }
}

fn mean(window: &Window) -> f64 {
    if window.last == window.first {
        return 0.0;
    }
    (window.submits - 1) as f64 * SECOND_US as f64 / (window.last - window.first) as f64
}
