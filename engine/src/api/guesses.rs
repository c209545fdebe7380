//! Who shows keys that nobody has: after a number of them, no more are looked up for a while.
//!
//! Keys are too long to be guessed; an operator may have chosen a short one. What somebody shows by mistake is the same key again
//! and again, and counts once. A key that was right from an address lately is looked up whatever else comes from there, so
//! that others behind the same address lock nobody out whose key is known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::client::Client;
use crate::account::KeyDigest;
use crate::config;

/// The most addresses whose wrong keys are remembered: 5 MB with ten keys each. Who has more addresses than that is not
/// slowed down by counting them.
const ADDRESSES_MAX: usize = 10_000;

/// The most right keys that are remembered with their addresses: under 1 MB.
const RIGHT_MAX: usize = 10_000;

/// How long a right key is remembered after its last use: longer than the pauses of any program that works.
const RIGHT_FOR: Duration = Duration::from_secs(3_600);

/// Wrong tokens of links that an address may try, and in which time: so many people behind one address of a mobile network do not
/// mistype theirs, and whoever guesses one of 2^80 has to try more.
const TOKENS_MAX: usize = 30;
const TOKENS_WITHIN: Duration = Duration::from_secs(60);

/// Who has tried what. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Guesses {
    max: usize,
    within: Duration,
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    /// For each address its wrong keys, each once, the oldest first.
    wrong: FxHashMap<Client, Vec<(KeyDigest, Instant)>>,
    right: FxHashMap<(Client, KeyDigest), Instant>,
}

impl Guesses {
    /// With the limits of `[api]`, nothing tried.
    pub(crate) fn new(api: &config::Api) -> Self {
        Self {
            max: api.wrong_keys_max as usize,
            within: api.wrong_keys_within,
            table: Arc::default(),
        }
    }

    /// Those of tokens of short links.
    pub(super) fn of_tokens() -> Self {
        Self {
            max: TOKENS_MAX,
            within: TOKENS_WITHIN,
            table: Arc::default(),
        }
    }

    /// How many wrong keys an address may try in the time for them.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Whether the key is looked up. What is being looked up does not count yet: an address has so many more at once as it has
    /// connections.
    ///
    /// # Errors
    /// When to try again.
    pub(super) fn may_try(&self, client: Client, key: &KeyDigest, now: Instant) -> Result<(), Duration> {
        let mut table = self.table();
        let Some(wrong) = table.wrong.get_mut(&client) else {
            return Ok(());
        };
        wrong.retain(|(_, since)| now.duration_since(*since) < self.within);
        let Some((_, oldest)) = wrong.first().copied() else {
            table.wrong.remove(&client);
            return Ok(());
        };
        if wrong.len() < self.max || wrong.iter().any(|(tried, _)| tried == key) {
            return Ok(());
        }
        let used = table.right.get(&(client, *key));
        if used.is_some_and(|used| now.duration_since(*used) < RIGHT_FOR) {
            return Ok(());
        }
        // Whole seconds, and not a moment too early.
        let left = self.within.saturating_sub(now.duration_since(oldest));
        Err(Duration::from_secs(left.as_secs() + 1))
    }

    /// Somebody has that key.
    pub(super) fn right(&self, client: Client, key: &KeyDigest, now: Instant) {
        let mut table = self.table();
        if table.right.len() >= RIGHT_MAX && !table.right.contains_key(&(client, *key)) {
            table.right.retain(|_, used| now.duration_since(*used) < RIGHT_FOR);
            if table.right.len() >= RIGHT_MAX {
                table.right.clear();
            }
        }
        table.right.insert((client, *key), now);
    }

    /// Nobody has that key. `true`: it is the last that the address may try for now.
    pub(super) fn wrong(&self, client: Client, key: &KeyDigest, now: Instant) -> bool {
        let mut table = self.table();
        if table.wrong.len() >= ADDRESSES_MAX && !table.wrong.contains_key(&client) {
            let within = self.within;
            let counts = |tried: &[(KeyDigest, Instant)]| {
                let last = tried.last();
                last.is_some_and(|(_, since)| now.duration_since(*since) < within)
            };
            table.wrong.retain(|_, tried| counts(tried));
            if table.wrong.len() >= ADDRESSES_MAX {
                table.wrong.clear();
            }
        }
        let wrong = table.wrong.entry(client).or_default();
        // Those that were looked up at the same time may be more than it may try.
        if wrong.len() >= self.max || wrong.iter().any(|(tried, _)| tried == key) {
            return false;
        }
        wrong.push((*key, now));
        wrong.len() == self.max
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Whole at every instant, so a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::clock::Clock;

    const MINUTE: Duration = Duration::from_secs(60);

    fn guesses() -> Guesses {
        Guesses::new(&config::Api {
            wrong_keys_max: 3,
            ..config::Api::default()
        })
    }

    fn client(last: u8) -> Client {
        Client::of([192, 0, 2, last].into())
    }

    fn key(text: &str) -> KeyDigest {
        KeyDigest::of(text).unwrap()
    }

    #[test]
    fn after_some_wrong_keys_an_address_waits_and_no_other_does() {
        let (guesses, now) = (guesses(), Clock::new().now());
        let later = now + Duration::from_secs(10);
        let told = [("a", now), ("b", later), ("c", later)].map(|(text, at)| {
            assert_eq!(guesses.may_try(client(1), &key(text), at), Ok(()));
            guesses.wrong(client(1), &key(text), at)
        });
        assert_eq!(told, [false, false, true]);
        let tried = |client, at| guesses.may_try(client, &key("d"), at);
        assert_eq!(tried(client(1), later), Err(Duration::from_secs(51)));
        assert_eq!(tried(client(2), later), Ok(()));
        assert_eq!(tried(client(1), now + MINUTE), Ok(()), "the first is forgotten");
        assert_eq!(tried(client(1), later + MINUTE), Ok(()));
        assert!(guesses.table().wrong.is_empty());
    }

    #[test]
    fn the_same_wrong_key_again_is_one_mistake() {
        let (guesses, now) = (guesses(), Clock::new().now());
        for _ in 0..100 {
            assert_eq!(guesses.may_try(client(1), &key("old"), now), Ok(()));
            assert!(!guesses.wrong(client(1), &key("old"), now));
        }
        assert_eq!(guesses.may_try(client(1), &key("other"), now), Ok(()));
    }

    #[test]
    fn a_key_that_was_right_there_passes_whatever_others_try() {
        let (guesses, now) = (guesses(), Clock::new().now());
        guesses.right(client(1), &key("right"), now);
        for text in ["a", "b", "c"] {
            guesses.wrong(client(1), &key(text), now);
            guesses.wrong(client(2), &key(text), now);
        }
        assert_eq!(guesses.may_try(client(1), &key("right"), now), Ok(()));
        assert!(
            guesses.may_try(client(2), &key("right"), now).is_err(),
            "not from there"
        );
        // The wrong ones are still looked up, as mistakes are.
        assert_eq!(guesses.may_try(client(1), &key("a"), now), Ok(()));
    }

    #[test]
    fn a_customer_of_ipv6_is_one_address() {
        let (guesses, now) = (guesses(), Clock::new().now());
        let of = |text: &str| Client::of(text.parse::<IpAddr>().unwrap());
        for (number, text) in ["a", "b", "c"].into_iter().enumerate() {
            guesses.wrong(of(&format!("2001:db8:1:2::{number}")), &key(text), now);
        }
        assert!(guesses.may_try(of("2001:db8:1:2:ffff::9"), &key("d"), now).is_err());
        assert_eq!(guesses.may_try(of("2001:db8:1:3::1"), &key("d"), now), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (guesses, now) = (guesses(), Clock::new().now());
        for number in 0..ADDRESSES_MAX as u32 + 10 {
            let client = Client::of(IpAddr::V4(number.into()));
            guesses.wrong(client, &key("a"), now);
            guesses.right(client, &key("b"), now);
        }
        let table = guesses.table();
        assert!(table.wrong.len() <= ADDRESSES_MAX && table.right.len() <= RIGHT_MAX);
    }
}
