//! What is found out about a request while it is served, for its lines in the log and the audit log.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::domain::{ResellerId, TenantId};
use crate::store::KeyOwner;

/// What becomes known of a request while it is served. Among its extensions; clones share it.
#[derive(Clone, Default)]
pub(super) struct Known(Arc<Mutex<Facts>>);

/// All of it.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) owner: Option<KeyOwner>,
    /// Whether it is an act of administration, whoever asks.
    pub(super) administers: bool,
    pub(super) object: Option<String>,
    pub(super) details: Map<String, Value>,
}

impl Known {
    /// Whose key it has.
    pub(super) fn owner(&self, owner: KeyOwner) {
        self.with(|facts| facts.owner = Some(owner));
        if let KeyOwner::Tenant(tenant) = owner {
            belongs_to(tenant);
        }
    }

    /// It is an act of administration.
    pub(super) fn administers(&self) {
        self.with(|facts| facts.administers = true);
    }

    /// A reseller asks, for a tenant of its own.
    pub(super) fn acting(&self, reseller: ResellerId, tenant: TenantId) {
        self.with(|facts| facts.owner = Some(KeyOwner::Reseller(reseller)));
        self.detail("tenant", tenant.to_string());
        belongs_to(tenant);
    }

    /// What it is about: an id that could be read, or a name that is configured. Never what merely stands in its path.
    pub(super) fn object(&self, object: impl ToString) {
        self.with(|facts| facts.object = Some(object.to_string()));
    }

    /// What it asks for, as far as that may be read by everybody: no number, no text, no key.
    pub(super) fn detail(&self, name: &str, value: impl Into<Value>) {
        self.with(|facts| drop(facts.details.insert(name.to_owned(), value.into())));
    }

    /// What is known by now, once.
    pub(super) fn take(&self) -> Facts {
        self.with(std::mem::take)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Facts) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Lines of the log from here on are that tenant's, too.
fn belongs_to(tenant: TenantId) {
    tracing::Span::current().record("tenant", tracing::field::display(tenant));
}
