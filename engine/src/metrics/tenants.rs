//! Which tenants are shown by themselves: a label that anybody can make more values of needs a limit.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashSet;

use crate::domain::TenantId;

/// The label of all tenants that have none of their own.
pub(super) const OTHER: &str = "_other";

/// The tenants that have a label of their own: the first that were seen. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct TenantLabels {
    max: usize,
    known: Arc<Mutex<FxHashSet<TenantId>>>,
}

impl TenantLabels {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            known: Arc::default(),
        }
    }

    /// The tenant's own label; `None`: there are as many as there may be.
    pub(super) fn label(&self, id: TenantId) -> Option<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = known.contains(&id) || known.len() < self.max && known.insert(id);
        shown.then(|| id.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tenants_have_labels_of_their_own_and_keep_them() {
        let labels = TenantLabels::new(2);
        assert_eq!(labels.label(TenantId(7)).as_deref(), Some("7"));
        assert_eq!(labels.label(TenantId(9)).as_deref(), Some("9"));
        assert_eq!(labels.label(TenantId(8)), None);
        assert_eq!(labels.label(TenantId(7)).as_deref(), Some("7"));
    }
}
