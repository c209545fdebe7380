//! Templates and categories.

use schemars::JsonSchema;

use super::{CategoryWord, Nullable, PurposeWord, Time};
use crate::domain::{TemplateId, Terms};
use crate::people::TEXT_MAX;

/// A text under a name.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewTemplate {
    #[schemars(length(min = 1, max = TEXT_MAX))]
    name: String,
    /// Not given: transactional.
    purpose: Option<PurposeWord>,
    category: Option<Nullable<CategoryWord>>,
    /// As that of a campaign.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: String,
}

/// What a template says from now on; what is not given stays.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct TemplateChange {
    purpose: Option<PurposeWord>,
    category: Option<Nullable<CategoryWord>>,
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: Option<String>,
}

/// A version of a template.
#[derive(JsonSchema)]
pub(in crate::api) struct Template {
    id: TemplateId,
    name: String,
    /// From 1.
    version: u32,
    purpose: PurposeWord,
    category: Option<CategoryWord>,
    text: String,
    created_at: Time,
    /// When this version came.
    changed_at: Time,
}

/// What campaigns may be about.
#[derive(JsonSchema)]
pub(in crate::api) struct Category {
    category: CategoryWord,
    purpose: PurposeWord,
    fr: Words,
    en: Words,
}

/// What it is called, and a text to begin with.
#[derive(JsonSchema)]
struct Words {
    label: String,
    text: String,
}
