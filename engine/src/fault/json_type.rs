//! What a value of JSON is, and what is none.

use serde_json::Value;

use super::FieldProblem;

/// The types of JSON (RFC 8259, 3), to say which was wanted and which came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonType {
    /// `"text"`
    String,
    /// `12`
    Number,
    /// `true`
    Boolean,
    /// `null`
    Null,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

impl JsonType {
    /// The type of a value.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

/// What the parser says of octets that are no UTF-8: it has no code for it that can be asked for.
const NO_TEXT: &str = "invalid unicode code point";

impl FieldProblem {
    /// A fault of JSON's grammar, with the parser's words.
    pub(crate) fn broken_json(error: &serde_json::Error) -> Self {
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
        let line = error.line().max(1);
        if reason == NO_TEXT {
            return Self::NotUtf8 { line };
        }
        Self::InvalidJson {
            line,
            // Before the first octet the parser says 0.
            column: error.column().max(1),
            reason,
            is_cut: error.is_eof(),
        }
    }

    /// The same of octets that are all there: they may be no text at all.
    pub(crate) fn unreadable_json(error: &serde_json::Error, octets: &[u8]) -> Self {
        let Err(strange) = std::str::from_utf8(octets) else {
            return Self::broken_json(error);
        };
        let before = octets.get(..strange.valid_up_to()).unwrap_or_default();
        Self::NotUtf8 {
            line: 1 + before.iter().filter(|octet| **octet == b'\n').count(),
        }
    }
}
