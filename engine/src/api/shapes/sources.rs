//! Whence the fields of contacts are.

use schemars::JsonSchema;

use super::Time;

/// Whence a field is.
#[derive(JsonSchema)]
pub(super) struct FieldSource {
    kind: SourceWord,
    /// `req_…` of a request, as its `X-Request-Id` said; `imp_…` of a file, `frm_…` of a form, `inb_…` of what they wrote.
    id: String,
    at: Time,
}

super::schema! {
    SourceWord, named: false, schemars::json_schema!({
        "type": "string",
        "enum": crate::people::SourceKind::ALL.iter().map(|kind| kind.code()).collect::<Vec<_>>(),
    })
}

/// What is shown of a contact beside what is known.
#[derive(JsonSchema)]
pub(in crate::api) struct ContactAsked {
    /// Whether it is shown whence each field is; not given: it is not.
    sources: Option<bool>,
}
