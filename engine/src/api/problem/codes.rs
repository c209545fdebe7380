//! The codes of refusals as closed lists, for the document.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{ProblemCode, title};
use crate::domain::Language;
use crate::fault::FieldProblem;

impl JsonSchema for ProblemCode {
    fn schema_name() -> Cow<'static, str> {
        "ProblemCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut codes = Self::ALL.to_vec();
        codes.sort_unstable_by_key(|code| code.word());
        let line = |code: &Self| {
            format!(
                "* `{}` ({}): {}",
                code.word(),
                code.status().as_u16(),
                title(*code, Language::En)
            )
        };
        let lines: Vec<String> = codes.iter().map(line).collect();
        let words: Vec<&str> = codes.iter().map(|code| code.word()).collect();
        json_schema!({
            "type": "string",
            "description": format!("Why a request is refused.\n\n{}", lines.join("\n")),
            "enum": words,
        })
    }
}

/// What can be wrong with a field, as its codes.
pub(super) struct FieldCode;

impl JsonSchema for FieldCode {
    fn schema_name() -> Cow<'static, str> {
        "FieldCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "What is wrong with a field.", "enum": FieldProblem::codes() })
    }
}
