//! Pools of codes.

use schemars::JsonSchema;

use super::Time;
use crate::domain::CodePoolId;
use crate::people::TEXT_MAX;

/// Codes for a pool.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewCodes {
    /// The pool's.
    #[schemars(length(min = 1, max = TEXT_MAX))]
    name: String,
    /// Between line breaks, blanks, commas or semicolons, as they are pasted or stand in the column of a file; each of up to 40 characters,
    /// a million in a pool.
    #[schemars(length(min = 1))]
    codes: String,
}

/// A pool of codes.
#[derive(JsonSchema)]
pub(in crate::api) struct CodePool {
    id: CodePoolId,
    name: String,
    codes: u64,
    /// Given to recipients.
    used: u64,
    left: u64,
    created_at: Time,
}

/// Which codes.
#[derive(JsonSchema)]
pub(in crate::api) struct CodesAsked {
    /// Only those that were given, or were not.
    used: Option<bool>,
}
