//! The public API as an OpenAPI document, made of what stands beside each handler.
//!
//! A file of handlers has a function `routes`, which gives each of them to [`Routes::add`] together with an [`Operation`]:
//!
//! ```ignore
//! Routes::of("campaigns").add(
//!     Operation::new((Verb::Post, "/v1/campaigns/{id}/launch"), Key::Tenant, "launchCampaign")
//!         .says("Launch a campaign", "Holds the credits of its estimate.")
//!         .at::<CampaignId>("id", "The campaign.")
//!         .answers::<Moved>(202, "It is being launched.")
//!         .refuses(&[ProblemCode::InsufficientCredit]),
//!     launch,
//! )
//! ```
//!
//! There is no other way onto the public listener. What every route of a kind may be refused for is concluded from the rest. Shapes
//! are types with `JsonSchema`: those of answers that are serialised as they are, or described in `shapes`; limits are the constants
//! that the code checks. Schemas come from schemars, since its attributes take constants; utoipa's take literals only.

mod document;
mod needs;
mod operation;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::handler::Handler;
use axum::middleware;
use axum::routing::{on, options};
use rustc_hash::FxHashSet;

use super::{App, query};
pub(super) use needs::Needs;
pub(super) use operation::{Key, Operation, Verb};

/// Routes with their documentation.
pub(super) struct Routes {
    tag: &'static str,
    router: Router<App>,
    operations: Vec<(&'static str, Operation)>,
}

impl Routes {
    /// None yet; those that are added are about `tag`.
    pub(super) fn of(tag: &'static str) -> Self {
        Self {
            tag,
            router: Router::new(),
            operations: Vec::new(),
        }
    }

    /// Serves an operation.
    pub(super) fn add<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let mut served = on(operation.verb.filter(), handler);
        // Pages that people open by a link may come with whatever a mail program puts behind it.
        if operation.query.is_none() && operation.key != Key::Nobody {
            served = served.route_layer(middleware::from_fn(query::none));
        }
        self.router = self.router.route(operation.path, served);
        self.operations.push((self.tag, operation));
        self
    }

    /// Answers what a browser asks before it sends something to that path from a page of another origin: no operation of its own.
    pub(super) fn asked_first<H, T>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.router = self.router.route(path, options(handler));
        self
    }

    /// These and those.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self
    }

    /// Which role a tenant's key must have for each.
    pub(super) fn needs(&self) -> Needs {
        Needs::of(self.operations.iter().map(|(_, operation)| operation))
    }

    /// What is shown at these paths can be changed: it is asked for by its id, or there is one for each tenant.
    pub(super) fn tagged(&self) -> FxHashSet<&'static str> {
        let changing = |operation: &Operation| operation.verb != Verb::Get;
        let operations = || self.operations.iter().map(|(_, operation)| operation);
        let is_changed = |path: &str| {
            operations().filter(|other| changing(other)).any(|other| {
                let is_itself = other.path == path && other.verb != Verb::Post;
                is_itself || path.ends_with('}') && above(other) == Some(path)
            })
        };
        let shown = operations()
            .filter(|operation| !changing(operation))
            .map(|operation| operation.path);
        shown.filter(|path| is_changed(path)).collect()
    }

    /// What is served.
    pub(super) fn into_router(self) -> Router<App> {
        self.router
    }
}

/// Where that is shown which a POST a word below does something to.
pub(super) fn above(operation: &Operation) -> Option<&'static str> {
    let (above, word) = operation.path.rsplit_once('/')?;
    (operation.verb == Verb::Post && !word.starts_with('{')).then_some(above)
}
