//! Which rows share their hours, and which hours are open now.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::{GateId, Purpose};

/// The gates of the database. Cheap to clone. There is one, which is always open, until campaigns have legal hours.
#[derive(Clone, Debug)]
pub(crate) struct Gates(Arc<RwLock<Hours>>);

#[derive(Debug)]
struct Hours {
    open: Vec<GateId>,
    marketing: GateId,
}

impl Default for Gates {
    fn default() -> Self {
        let state = Hours {
            open: vec![GateId::OPEN],
            marketing: GateId::OPEN,
        };
        Self(Arc::new(RwLock::new(state)))
    }
}

impl Gates {
    /// The gate of messages of that purpose.
    pub(crate) fn of(&self, purpose: Purpose) -> GateId {
        match purpose {
            Purpose::Transactional => GateId::OPEN,
            Purpose::Marketing => self.0.read().unwrap_or_else(PoisonError::into_inner).marketing,
        }
    }

    /// The gates that are open now.
    pub(crate) fn open(&self) -> Vec<GateId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).open.clone()
    }
}
