//! What is given and answered, for the document: types that are described and never made, where a body is read field by field and an
//! answer put together. End-to-end tests hold them to the engine: whatever it answers, they describe.
//!
//! Of what is given, an `Option` may be left out; `null` is only for [`Nullable`]. Of what is answered, it is there and `null`.
#![expect(dead_code, reason = "they are described, and never made")]

mod agenda;
mod automations;
mod campaigns;
mod cleaning;
mod codes;
mod edits;
mod flagged;
mod messages;
mod offers;
mod opt_outs;
mod other_numbers;
mod people;
mod replies;
mod senders;
mod sources;
mod statistics;
mod surveys;
mod templates;
mod tenants;
mod webhooks;
mod words;

use schemars::JsonSchema;
use words::schema;

use crate::campaign::PAGE_MAX;

pub(super) use agenda::*;
pub(super) use automations::*;
pub(super) use campaigns::*;
pub(super) use cleaning::*;
pub(super) use codes::*;
pub(super) use edits::*;
pub(super) use flagged::*;
pub(super) use messages::*;
pub(super) use offers::*;
pub(super) use opt_outs::*;
pub(super) use people::*;
pub(super) use replies::*;
pub(super) use senders::*;
pub(super) use sources::*;
pub(super) use statistics::*;
pub(super) use surveys::*;
pub(super) use templates::*;
pub(super) use tenants::*;
pub(super) use webhooks::*;
pub(super) use words::*;

/// A page of a list.
#[derive(JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(super) struct Page<T> {
    data: Vec<T>,
    /// The `cursor` of the next page; `null`: this is the last.
    next_cursor: Option<String>,
}

/// Which page of a list.
#[derive(JsonSchema)]
pub(super) struct Paging {
    /// The most rows of the page; 50, if it is not said.
    #[schemars(range(min = 1, max = PAGE_MAX))]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

schema! {
    /// An OpenAPI document.
    Document, named: false, schemars::json_schema!({ "type": "object", "required": ["openapi", "info", "paths"] })
}
