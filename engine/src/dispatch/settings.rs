//! What is configured for an SMSC that is fed.

use std::sync::Arc;

use crate::config;
use crate::outcome::{BrokenTable, Meanings};

/// What is configured for an SMSC.
pub(crate) struct Settings {
    pub(crate) config: Arc<config::Smsc>,
    /// What its codes mean.
    pub(crate) meanings: Meanings,
}

impl Settings {
    /// # Errors
    /// [`BrokenTable`], which the tests rule out.
    pub(crate) fn of(config: &Arc<config::Smsc>) -> Result<Self, BrokenTable> {
        Ok(Self {
            config: config.clone(),
            meanings: Meanings::of(config)?,
        })
    }
}
