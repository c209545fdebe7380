//! How messages from one sender, or to one number, keep their distance at an SMSC that wants that: pure.
//!
//! A message that comes too soon is promised the next free place of its sender and of its recipient, goes back until then,
//! and passes when it comes again: it waits once, however many stand before it.

use std::hash::Hash;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::config::{Rate, Smsc};
use crate::domain::{MessageId, Recipient};

/// Promises that are kept in mind. A message beyond them gets a place when it comes again.
const PROMISES_MAX: usize = 200_000;

/// Places below which it is not worth looking for those that are over.
const MANY: usize = 1_024;

/// A promise that nobody came back for within so long after its time is forgotten: its message was stopped.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// When there is no room for more promises, those that are over are looked for as often as this.
const LOOK: Duration = Duration::from_secs(10);

/// The next free places of an SMSC's senders and recipients.
#[derive(Debug, Default)]
pub(super) struct Spacing {
    senders: Places<String>,
    recipients: Places<u64>,
    promised: FxHashMap<MessageId, Instant>,
    /// When promises that are over were looked for last.
    looked_at: Option<Instant>,
}

/// A message that wants to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving<'a> {
    pub(super) id: MessageId,
    pub(super) sender: &'a str,
    pub(super) recipient: Recipient,
    pub(super) segments: u8,
}

/// When the next one may go, by whose it is; who is not there may go at once.
#[derive(Debug)]
struct Places<K> {
    next: FxHashMap<K, Instant>,
    /// With so many, those whose time is over are let go.
    many: usize,
}

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self {
            next: FxHashMap::default(),
            many: MANY,
        }
    }
}

impl<K: Eq + Hash> Places<K> {
    /// The next one may go then.
    fn set(&mut self, key: K, next: Instant, now: Instant) {
        self.next.insert(key, next);
        if self.next.len() > self.many {
            self.next.retain(|_, next| *next > now);
            self.many = MANY.max(2 * self.next.len());
        }
    }
}

impl Spacing {
    /// Whether anything is to be kept apart there.
    pub(super) fn is_wanted(smsc: &Smsc) -> bool {
        smsc.sender_rate.is_some() || smsc.recipient_rate.is_some()
    }

    /// A message wants to go.
    ///
    /// # Errors
    /// How long it should wait before it comes again.
    pub(super) fn pass(&mut self, smsc: &Smsc, leaving: Leaving<'_>, now: Instant) -> Result<(), Duration> {
        if self.promised.remove(&leaving.id).is_some_and(|at| at <= now) {
            return Ok(());
        }
        let next = |known: Option<&Instant>, rate: Option<Rate>| rate.and(known).copied().unwrap_or(now).max(now);
        let free = next(self.senders.next.get(leaving.sender), smsc.sender_rate).max(next(
            self.recipients.next.get(&leaving.recipient.0),
            smsc.recipient_rate,
        ));
        let must_wait = free > now;
        if must_wait && !self.has_room(now) {
            return Err(free - now);
        }
        let after = |rate: Rate| {
            free + rate
                .period
                .mul_f64(f64::from(leaving.segments) / f64::from(rate.segments))
        };
        if let Some(rate) = smsc.sender_rate {
            self.senders.set(leaving.sender.to_owned(), after(rate), now);
        }
        if let Some(rate) = smsc.recipient_rate {
            self.recipients.set(leaving.recipient.0, after(rate), now);
        }
        if !must_wait {
            return Ok(());
        }
        self.promised.insert(leaving.id, free);
        Err(free - now)
    }

    /// Whether one more promise can be kept in mind.
    fn has_room(&mut self, now: Instant) -> bool {
        let looked_lately = self.looked_at.is_some_and(|at| now - at < LOOK);
        if self.promised.len() >= PROMISES_MAX && !looked_lately {
            self.looked_at = Some(now);
            self.promised.retain(|_, at| *at + FORGOTTEN > now);
        }
        self.promised.len() < PROMISES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn smsc(sender: Option<u32>, recipient: Option<u32>) -> Smsc {
        let mut smsc = Smsc::new("north", "localhost:2775", "campanile");
        smsc.sender_rate = sender.map(Rate::per_second);
        smsc.recipient_rate = recipient.map(Rate::per_second);
        smsc
    }

    fn leaving(id: u64, sender: &str, recipient: u64) -> Leaving<'_> {
        Leaving {
            id: MessageId(id),
            sender,
            recipient: Recipient(recipient),
            segments: 1,
        }
    }

    #[test]
    fn who_waits_comes_again_at_its_place_and_passes() {
        let (smsc, now) = (smsc(Some(10), None), Clock::new().now());
        let mut spacing = Spacing::default();
        let waits: Vec<u64> = (0..5)
            .map(|id| spacing.pass(&smsc, leaving(id, "OSTEO", id), now))
            .map(|passed| passed.err().unwrap_or_default().as_millis() as u64)
            .collect();
        assert_eq!(waits, [0, 100, 200, 300, 400]);
        // Another sender waits for nobody; who comes too early is sent away again, behind the others.
        assert_eq!(spacing.pass(&smsc, leaving(9, "LILAS", 1), now), Ok(()));
        let early = now + Duration::from_millis(150);
        assert_eq!(spacing.pass(&smsc, leaving(1, "OSTEO", 1), early), Ok(()));
        assert_eq!(
            spacing.pass(&smsc, leaving(4, "OSTEO", 4), early),
            Err(Duration::from_millis(350))
        );
        // Its promise is used up.
        assert!(spacing.pass(&smsc, leaving(1, "OSTEO", 1), early).is_err());
    }

    #[test]
    fn a_long_message_takes_the_places_of_its_segments_and_both_rates_count() {
        let (smsc, now) = (smsc(Some(10), Some(2)), Clock::new().now());
        let mut spacing = Spacing::default();
        let long = Leaving {
            segments: 3,
            ..leaving(1, "OSTEO", 7)
        };
        assert_eq!(spacing.pass(&smsc, long, now), Ok(()));
        let ms = Duration::from_millis;
        assert_eq!(spacing.pass(&smsc, leaving(2, "OSTEO", 8), now), Err(ms(300)));
        assert_eq!(spacing.pass(&smsc, leaving(3, "LILAS", 7), now), Err(ms(1_500)));
        assert_eq!(
            spacing.pass(&smsc, leaving(4, "LILAS", 9), now),
            Err(ms(1_600)),
            "behind 3"
        );
    }

    #[test]
    fn what_is_over_is_forgotten_and_promises_have_an_end() {
        let (smsc, now) = (smsc(None, Some(1)), Clock::new().now());
        let mut spacing = Spacing::default();
        for at in 0..10 * MANY as u64 {
            let later = now + Duration::from_millis(10 * at);
            assert_eq!(spacing.pass(&smsc, leaving(at, "OSTEO", at), later), Ok(()));
        }
        assert!(
            spacing.recipients.next.len() <= 2 * MANY,
            "{}",
            spacing.recipients.next.len()
        );
        let later = now + Duration::from_secs(3_600);
        for id in 0..2 * PROMISES_MAX as u64 {
            let passed = spacing.pass(&smsc, leaving(id, "OSTEO", 1), later);
            assert_eq!(passed.is_ok(), id == 0);
        }
        assert_eq!(spacing.promised.len(), PROMISES_MAX);
    }
}
