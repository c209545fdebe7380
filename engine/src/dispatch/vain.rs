//! Slowing down in vain: refusals that say nothing of the pace, since as much is refused however slow it is: pure.
//!
//! A share that stays what it was through several cuts is tolerated, and the cuts are taken back. An SMSC that takes next to
//! nothing is never such a one: it is asked slowly, whyever.

use std::time::{Duration, Instant};

/// A cut has helped when the share that is refused falls to this, of what it was; and has not while it stays above the other.
const HELPED: f64 = 0.5;
const IN_VAIN: f64 = 0.7;

/// So many cuts in a row that did not help are taken back.
const CUTS: u32 = 3;

/// Nothing above this is tolerated.
const SHARE_MAX: f64 = 0.8;

/// A tolerated share may be so much more, and is forgotten when it was not seen for so long.
const MORE: f64 = 1.3;
const REMEMBERED: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Default)]
pub(super) struct Vain {
    /// Cuts since one helped, and the share that was refused before the first.
    cuts: Option<(u32, f64)>,
    /// What is refused whatever the pace, and when it was seen last.
    tolerated: Option<(f64, Instant)>,
}

impl Vain {
    /// A first cut, while so much is refused.
    pub(super) fn begin(&mut self, share: f64) {
        self.cuts = Some((1, share));
    }

    /// One more cut is due. Whether those before did not help either: then none is made, and the share is tolerated.
    pub(super) fn gives_up(&mut self, share: f64, now: Instant) -> bool {
        let (cuts, first) = match self.cuts {
            Some((cuts, first)) if share >= IN_VAIN * first && share <= SHARE_MAX => (cuts + 1, first),
            Some(_) | None => (1, share),
        };
        let gives_up = cuts > CUTS;
        self.cuts = (!gives_up).then_some((cuts, first));
        if gives_up {
            self.tolerated = Some((share, now));
        }
        gives_up
    }

    /// So much is refused now: whether a cut has helped shows in it.
    pub(super) fn see(&mut self, share: f64) {
        self.cuts = self.cuts.filter(|(_, first)| share > HELPED * first);
    }

    /// Whether no more is refused than is refused whatever the pace.
    pub(super) fn tolerates(&mut self, share: f64, now: Instant) -> bool {
        let Some((tolerated, seen)) = &mut self.tolerated else {
            return false;
        };
        let known = now.saturating_duration_since(*seen) < REMEMBERED;
        let tolerates = known && share <= (MORE * *tolerated).min(SHARE_MAX);
        if tolerates {
            *seen = now;
        }
        tolerates
    }
}
