//! Who wants no messages any more.

use schemars::JsonSchema;

use super::{GivenPhone, Phone, PurposeWord, Time};
use crate::api::suppressions::{NUMBERS_MAX, PURPOSES};

super::schema! {
    OptOutPurpose, named: false, schemars::json_schema!({
        "type": "string", "enum": PURPOSES, "description": "Advertising alone, or everything.",
    })
}
super::schema! {
    OptOutReason, named: false, schemars::json_schema!({
        "type": "string", "enum": ["said", "withdrawal"],
        "description": "`said`: written, as a STOP, or kept for them; `withdrawal`: of a consent, until they agree again.",
    })
}

/// Numbers of people who want no messages any more, or want them again.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewOptOuts {
    #[schemars(length(min = 1, max = NUMBERS_MAX))]
    numbers: Vec<GivenPhone>,
    /// `marketing`, if it is not said.
    purpose: Option<OptOutPurpose>,
}

/// How many were not known before.
#[derive(JsonSchema)]
pub(in crate::api) struct OptOutsAdded {
    added: u64,
}

/// How many opt-outs ended.
#[derive(JsonSchema)]
pub(in crate::api) struct OptOutsLifted {
    lifted: u64,
    /// Numbers of people who were erased: they get advertising again when they agree again (`POST /v1/consents`, a form, a word that opts in).
    erased: u64,
}

/// Somebody who wants no messages of a purpose any more.
#[derive(JsonSchema)]
pub(in crate::api) struct OptOut {
    number: Phone,
    purpose: PurposeWord,
    because: OptOutReason,
    since: Time,
}
