//! Further numbers of a person.

use schemars::JsonSchema;

use super::{GivenPhone, Phone};
use crate::people::{LABEL_MAX, OTHERS_MAX};

#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct OtherNumbers(#[schemars(length(max = OTHERS_MAX))] Vec<GivenOtherNumber>);

/// A further number of a person.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct GivenOtherNumber {
    number: GivenPhone,
    /// What it is for, such as `travail`.
    #[schemars(length(max = LABEL_MAX))]
    label: Option<String>,
}

/// A further number of a person.
#[derive(JsonSchema)]
pub(super) struct OtherNumber {
    number: Phone,
    label: Option<String>,
}
