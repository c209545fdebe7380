//! What SMSCs take for a segment, also those that are gone: what they took is noted a moment later.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::Traffic;
use crate::config::PriceList;
use crate::domain::SmscId;

impl Traffic {
    /// What an SMSC takes from now on.
    pub(crate) fn set_prices(&self, id: SmscId, prices: PriceList) {
        self.all_prices().insert(id, Arc::new(prices));
    }

    /// What an SMSC takes that is configured, or was since the start.
    pub(crate) fn prices(&self, id: SmscId) -> Option<Arc<PriceList>> {
        self.all_prices().get(&id).cloned()
    }

    fn all_prices(&self) -> MutexGuard<'_, BTreeMap<SmscId, Arc<PriceList>>> {
        self.0.prices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
