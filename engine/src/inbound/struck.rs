//! Who has just opted out: what was leased for them a moment before is not handed over any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::{Purpose, Recipient, TenantId};

/// Longer than anything waits between its lease and its hand-over.
const KEPT: Duration = Duration::from_secs(2);

/// Recent opt-outs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Struck(Arc<Mutex<HashMap<Recipient, Recent>>>);

#[derive(Clone, Copy, Debug)]
struct Recent {
    /// Whose messages; `None`: everybody's.
    tenant: Option<TenantId>,
    at: Instant,
}

impl Struck {
    /// That recipient wants no marketing of that tenant, or of anybody, any more.
    pub(super) fn add(&self, recipient: Recipient, tenant: Option<TenantId>, now: Instant) {
        let mut struck = self.recent(now);
        let other = struck.get(&recipient).is_some_and(|known| known.tenant != tenant);
        // Two at once: rather too many go back, to be looked at anew.
        let tenant = tenant.filter(|_| !other);
        struck.insert(recipient, Recent { tenant, at: now });
    }

    /// Whether there is none, as nearly always.
    pub(crate) fn is_empty(&self, now: Instant) -> bool {
        self.recent(now).is_empty()
    }

    /// Whether that message must not go.
    pub(crate) fn has(&self, recipient: Recipient, tenant: TenantId, lane: u8, now: Instant) -> bool {
        let struck = self.recent(now);
        let recent = struck.get(&recipient);
        lane == Purpose::Marketing.lane()
            && recent.is_some_and(|recent| recent.tenant.is_none_or(|struck| struck == tenant))
    }

    /// Those of the last moment: the store knows the others by now, and knows better whose messages they meant.
    fn recent(&self, now: Instant) -> MutexGuard<'_, HashMap<Recipient, Recent>> {
        // Whole at every instant, so a panic elsewhere does not spoil it.
        let mut struck = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        struck.retain(|_, recent| now.saturating_duration_since(recent.at) < KEPT);
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn marketing_of_that_tenant_is_struck_for_a_moment() {
        let (struck, now) = (Struck::default(), Clock::new().now());
        let (person, other) = (Recipient(33_612_345_678), Recipient(33_612_345_679));
        struck.add(person, Some(TenantId(1)), now);
        let has = |person, tenant, purpose: Purpose, at| struck.has(person, TenantId(tenant), purpose.lane(), at);
        assert!(has(person, 1, Purpose::Marketing, now));
        assert!(!has(person, 2, Purpose::Marketing, now));
        assert!(!has(person, 1, Purpose::Transactional, now));
        struck.add(person, Some(TenantId(2)), now);
        assert!(has(person, 1, Purpose::Marketing, now) && has(person, 2, Purpose::Marketing, now));
        struck.add(other, None, now);
        assert!(has(other, 9, Purpose::Marketing, now));
        // Though nobody else opts out.
        let later = now + KEPT;
        assert!(!has(other, 9, Purpose::Marketing, later), "the store knows by now");
        assert!(struck.is_empty(later));
    }
}
