//! The rule by which contacts are marked.

use schemars::JsonSchema;

use super::Nullable;

/// What is done at the end of each campaign that is launched from then on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct GivenCleaningRule {
    /// Whether contacts are marked whose number nobody has.
    hard: bool,
    /// Contacts are marked whom so many campaigns in a row did not reach; `null`: none are.
    soft_after: Nullable<SoftAfter>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct SoftAfter(#[schemars(range(min = 1, max = crate::people::SOFT_AFTER_MAX))] u32);

#[derive(JsonSchema)]
pub(in crate::api) struct CleaningRule {
    hard: bool,
    soft_after: Option<u32>,
}
