use crate::model::Writing;

/// Writes in pieces, with pauses: when the next one may go, and how long it may be. Without a fault it is never asked.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Since when octets are gathered of which the first has not gone out yet.
    gathering_us: Option<u64>,
    /// No octet before this time.
    not_before_us: u64,
}

impl Pace {
    /// How many of the octets that wait may be written now.
    pub(super) fn allowance(&mut self, writing: Writing, waiting: usize, now_us: u64) -> usize {
        if waiting == 0 {
            return 0;
        }
        if self.gathering_us.is_none() {
            self.gathering_us = Some(now_us);
            self.not_before_us = self.not_before_us.max(now_us + writing.gather_us);
        }
        if now_us < self.not_before_us {
            return 0;
        }
        waiting.min(writing.octets)
    }

    /// A piece was written; `waiting` octets are left.
    pub(super) fn written(&mut self, writing: Writing, waiting: usize, now_us: u64) {
        self.not_before_us = now_us + writing.pause_us;
        if waiting == 0 {
            self.gathering_us = None;
        }
    }

    /// When the next piece may go, if that is not now.
    pub(super) fn wait_until_us(&self, now_us: u64) -> Option<u64> {
        (self.gathering_us.is_some() && self.not_before_us > now_us).then_some(self.not_before_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_gathered_then_written_piece_by_piece() {
        let writing = Writing {
            octets: 4,
            pause_us: 10,
            gather_us: 100,
        };
        let mut pace = Pace::default();
        assert_eq!(pace.allowance(writing, 6, 1_000), 0);
        assert_eq!(pace.wait_until_us(1_000), Some(1_100));
        assert_eq!(pace.allowance(writing, 6, 1_100), 4);
        pace.written(writing, 2, 1_100);
        assert_eq!(
            (pace.allowance(writing, 2, 1_105), pace.wait_until_us(1_105)),
            (0, Some(1_110))
        );
        assert_eq!(pace.allowance(writing, 2, 1_110), 2);
        pace.written(writing, 0, 1_110);
        assert_eq!(pace.wait_until_us(1_115), None, "nothing waits");
        assert_eq!(pace.allowance(writing, 1, 2_000), 0, "the next batch is gathered, too");
    }
}
