//! Which role a tenant's key must have for what it asks.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use rustc_hash::FxHashMap;

use super::operation::{Key, Operation};
use crate::api::known::Known;
use crate::api::problem::{Problem, ProblemKind};
use crate::domain::Role;

/// The least role of each operation of tenants. Cheap to clone.
#[derive(Clone)]
pub(in crate::api) struct Needs(Arc<FxHashMap<&'static str, Vec<(Method, Role)>>>);

impl Needs {
    pub(super) fn of<'a>(operations: impl Iterator<Item = &'a Operation>) -> Self {
        let mut by_path: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for operation in operations.filter(|operation| operation.key == Key::Tenant) {
            let need = (operation.verb.method(), operation.role());
            by_path.entry(operation.path).or_default().push(need);
        }
        Self(Arc::new(by_path))
    }

    /// Whether a tenant's key of that role opens what is asked for. What is no operation of tenants refuses them by itself.
    ///
    /// # Errors
    /// [`ProblemKind::RoleNotAllowed`].
    pub(in crate::api) fn ask(&self, request: &Request, role: Role) -> Result<(), Problem> {
        let Some(needed) = self.least(request) else {
            return Ok(());
        };
        if needed == Role::Admin
            && let Some(known) = request.extensions().get::<Known>()
        {
            known.administers();
        }
        if needed <= role {
            return Ok(());
        }
        let (needed, has) = (needed.code(), role.code());
        Err(ProblemKind::RoleNotAllowed { needed, has }.into())
    }

    fn least(&self, request: &Request) -> Option<Role> {
        let path = request.extensions().get::<MatchedPath>()?;
        // Who may have an answer may have its head.
        let method = match request.method() {
            &Method::HEAD => &Method::GET,
            method => method,
        };
        let verbs = self.0.get(path.as_str())?;
        let known = verbs.iter().find(|(verb, _)| verb == method);
        known.map(|(_, role)| *role)
    }
}
