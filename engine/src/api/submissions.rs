//! How often one address sends forms: a person does so once, a program would fill the base of contacts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::client::Client;

/// Forms of one address within [`WITHIN`]: a waiting room behind one address, and no flood.
pub(super) const FORMS_MAX: usize = 30;

/// For so long a form counts.
const WITHIN: Duration = Duration::from_secs(600);

/// The most addresses that are remembered, some 10 MB with all their forms. With more, all begin anew.
const ADDRESSES_MAX: usize = 10_000;

/// Who has sent how many. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Submissions(Arc<Mutex<FxHashMap<Client, VecDeque<Instant>>>>);

impl Submissions {
    /// One more.
    ///
    /// # Errors
    /// When to try again.
    pub(super) fn count(&self, client: Client, now: Instant) -> Result<(), Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ADDRESSES_MAX && !all.contains_key(&client) {
            all.retain(|_, sent| sent.back().is_some_and(|last| now.duration_since(*last) < WITHIN));
            if all.len() >= ADDRESSES_MAX {
                all.clear();
            }
        }
        let sent = all.entry(client).or_default();
        while sent.front().is_some_and(|first| now.duration_since(*first) >= WITHIN) {
            sent.pop_front();
        }
        match sent.front() {
            Some(first) if sent.len() >= FORMS_MAX => {
                let left = WITHIN.saturating_sub(now.duration_since(*first));
                Err(Duration::from_secs(left.as_secs() + 1))
            }
            Some(_) | None => {
                sent.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn an_address_sends_some_forms_and_then_waits() {
        let (submissions, now) = (Submissions::default(), Clock::new().now());
        let client = |last: u8| Client::of([192, 0, 2, last].into());
        for _ in 0..FORMS_MAX {
            assert_eq!(submissions.count(client(1), now), Ok(()));
        }
        let later = now + Duration::from_secs(60);
        assert_eq!(submissions.count(client(1), later), Err(Duration::from_secs(541)));
        assert_eq!(submissions.count(client(2), later), Ok(()));
        assert_eq!(submissions.count(client(1), now + WITHIN), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (submissions, now) = (Submissions::default(), Clock::new().now());
        for number in 0..ADDRESSES_MAX as u32 + 10 {
            let client = Client::of(std::net::IpAddr::V4(number.into()));
            assert_eq!(submissions.count(client, now), Ok(()));
        }
        assert!(submissions.0.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
