//! Names under which tenants ask to write.

use schemars::JsonSchema;

use super::{RequestStateWord, SenderText, Time};
use crate::domain::{SenderRequestId, TenantId};
use crate::numbers::NOTE_MAX;

/// A sender is asked for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewSenderRequest {
    sender: SenderText,
    /// What it is for.
    #[schemars(length(max = NOTE_MAX))]
    note: Option<String>,
}

/// What was asked for, and what came of it.
#[derive(JsonSchema)]
pub(in crate::api) struct SenderRequest {
    id: SenderRequestId,
    tenant: TenantId,
    sender: SenderText,
    note: String,
    /// The protected name that it looks like, or the generic one that it is.
    resembles: Option<String>,
    state: RequestStateWord,
    answer: Option<String>,
    created_at: Time,
    answered_at: Option<Time>,
}

/// A sender is approved, or not.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct SenderAnswer {
    approved: bool,
    /// Why; for the tenant. There has to be one when it is not approved.
    #[schemars(length(max = NOTE_MAX))]
    answer: Option<String>,
}
