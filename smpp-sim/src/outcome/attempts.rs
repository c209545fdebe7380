use rustc_hash::FxHashMap;

/// Counts the messages to each recipient (or what else 64 bits name) in bounded memory: recipients are kept in two generations, and when the younger
/// is full, the older is forgotten. So at least the last `limit` distinct recipients are remembered, and at most twice
/// as many, 20 octets each. Whoever was forgotten begins with his first attempt again.
#[derive(Debug)]
pub(crate) struct Attempts {
    recent: FxHashMap<u64, u16>,
    older: FxHashMap<u64, u16>,
    limit: usize,
    recipients: u64,
}

impl Attempts {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            recent: FxHashMap::default(),
            older: FxHashMap::default(),
            limit,
            recipients: 0,
        }
    }

    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Distinct recipients so far; one that was forgotten and comes again counts again.
    pub(crate) fn recipients(&self) -> u64 {
        self.recipients
    }

    /// How many there were.
    pub(crate) fn so_far(&self, recipient: u64) -> u16 {
        let known = self.recent.get(&recipient).or_else(|| self.older.get(&recipient));
        known.copied().unwrap_or(0)
    }

    /// One message more: which it is, from 1.
    pub(crate) fn next(&mut self, recipient: u64) -> u16 {
        if let Some(attempts) = self.recent.get_mut(&recipient) {
            *attempts = attempts.saturating_add(1);
            return *attempts;
        }
        let before = self.older.remove(&recipient);
        self.recipients += u64::from(before.is_none());
        if self.recent.len() >= self.limit {
            std::mem::swap(&mut self.recent, &mut self.older);
            // Its memory is used again.
            self.recent.clear();
        }
        let attempt = before.unwrap_or(0).saturating_add(1);
        self.recent.insert(recipient, attempt);
        attempt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_recipients_are_remembered_and_no_more_than_twice_as_many() {
        let mut attempts = Attempts::new(100);
        assert!((0..10_000).all(|recipient| attempts.next(recipient) == 1));
        assert!(attempts.recent.len() + attempts.older.len() <= 200);
        assert!((9_900..10_000).all(|recipient| attempts.next(recipient) == 2));
        assert_eq!((attempts.so_far(9_950), attempts.so_far(5)), (2, 0));
        assert_eq!(attempts.recipients(), 10_000);
        assert_eq!(attempts.next(5), 1, "forgotten long ago");
    }
}
