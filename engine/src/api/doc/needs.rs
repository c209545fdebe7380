//! Which role a key must have for what it asks.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use rustc_hash::FxHashMap;

use super::operation::{Key, Operation};
use crate::api::known::Known;
use crate::api::problem::{Barred, Problem, ProblemKind};
use crate::domain::{KeyBounds, KeyKind, Role};
use crate::store::KeyOwner;

/// The least role of each operation that keys with roles open. Cheap to clone.
#[derive(Clone)]
pub(in crate::api) struct Needs(Arc<FxHashMap<&'static str, Vec<Need>>>);

/// Which key opens a verb, and what it has to be.
struct Need {
    method: Method,
    key: Key,
    role: Role,
    in_sandbox: bool,
    for_teams: bool,
}

impl Needs {
    pub(super) fn of<'a>(operations: impl Iterator<Item = &'a Operation>) -> Self {
        let mut by_path: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for operation in operations {
            by_path.entry(operation.path).or_default().push(Need {
                method: operation.verb.method(),
                key: operation.key,
                role: operation.role(),
                in_sandbox: operation.in_sandbox,
                for_teams: operation.for_teams(),
            });
        }
        Self(Arc::new(by_path))
    }

    /// Whether that role is enough for what is asked for. What the key does not open at all, whatever its role, refuses it by itself.
    ///
    /// # Errors
    /// [`ProblemKind::RoleNotAllowed`], [`ProblemKind::GuestsOnly`], or [`ProblemKind::Forbidden`] to a sandbox.
    pub(in crate::api) fn ask(
        &self,
        request: &Request,
        (owner, bounds): (KeyOwner, &KeyBounds),
    ) -> Result<(), Problem> {
        let Some(need) = self.needed(request, owner) else {
            return Ok(());
        };
        let (needed, role) = (need.role, bounds.role);
        if matches!(owner, KeyOwner::Tenant(tenant) if tenant.is_sandbox()) && !need.in_sandbox {
            return Err(ProblemKind::Forbidden { why: Barred::Key }.into());
        }
        if bounds.kind == KeyKind::Team && !need.for_teams {
            return Err(ProblemKind::GuestsOnly.into());
        }
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

    /// Whether it changes nothing, whatever its verb: a role that only looks is enough.
    pub(in crate::api) fn is_read(&self, request: &Request, owner: KeyOwner) -> bool {
        self.needed(request, owner).is_some_and(|need| need.role == Role::Read)
    }

    fn needed(&self, request: &Request, owner: KeyOwner) -> Option<&Need> {
        let path = request.extensions().get::<MatchedPath>()?;
        // Who may have an answer may have its head.
        let method = match request.method() {
            &Method::HEAD => &Method::GET,
            method => method,
        };
        let wanted = match owner {
            KeyOwner::Operator => return None,
            KeyOwner::Reseller(_) => Key::Reseller,
            KeyOwner::Tenant(_) => Key::Tenant,
        };
        let needs = self.0.get(path.as_str())?;
        needs.iter().find(|need| need.method == method && need.key == wanted)
    }
}
