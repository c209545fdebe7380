//! Why a command did not do it, in words and as an exit code.

use std::fmt;
use std::process::ExitCode;

use kit::output::complain;
use serde_json::Value;

use crate::config::Faults;

/// Exit codes of every command.
pub(crate) const WENT_WRONG: u8 = 1;
/// See [`WENT_WRONG`]: the arguments cannot be meant.
pub(crate) const USAGE: u8 = 2;
/// See [`WENT_WRONG`]: the configuration has faults.
pub(crate) const INVALID_CONFIGURATION: u8 = 3;
/// See [`WENT_WRONG`]: the engine, Redis or an SMSC cannot be reached, or not used.
pub(crate) const UNREACHABLE: u8 = 4;
/// See [`WENT_WRONG`]: the engine has refused it.
pub(crate) const REFUSED: u8 = 5;

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments cannot be meant.
    Usage(String),
    /// The configuration has faults.
    Configuration(Faults),
    /// Something is not there, or does not answer.
    Away(String),
    /// The engine says no, and why.
    Refused { status: u16, problem: String },
    /// Anything else.
    Other(String),
}

impl Failure {
    /// An answer that is no success, in the words of its problem document (RFC 9457).
    pub(super) fn of_answer(status: u16, text: &str) -> Self {
        let document = serde_json::from_str(text).unwrap_or(Value::Null);
        let word = |key: &str| document[key].as_str();
        let detail = word("detail").or(word("title")).unwrap_or("it does not say why");
        let code = word("code").map(|code| format!(" ({code})")).unwrap_or_default();
        let mut problem = format!("{detail}{code}");
        for error in document["errors"].as_array().into_iter().flatten() {
            let (pointer, detail) = (error["pointer"].as_str(), error["detail"].as_str());
            problem += &format!("\n  {}: {}", pointer.unwrap_or_default(), detail.unwrap_or_default());
        }
        if let Some(request) = word("request_id") {
            problem += &format!("\n  request {request}");
        }
        Self::Refused { status, problem }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Configuration(_) => INVALID_CONFIGURATION,
            Self::Away(_) => UNREACHABLE,
            Self::Refused { status: 400..=499, .. } => REFUSED,
            // It has no Redis that it can use.
            Self::Refused { status: 503, .. } => UNREACHABLE,
            Self::Refused { .. } | Self::Other(_) => WENT_WRONG,
        }
    }

    /// Says it on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        complain(self);
        ExitCode::from(self.code())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // They say their file themselves.
            Self::Configuration(faults) => faults.fmt(f),
            Self::Refused { status, problem } => write!(f, "campanile: the engine says no, with {status}: {problem}"),
            Self::Usage(problem) | Self::Away(problem) | Self::Other(problem) => write!(f, "campanile: {problem}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_is_said_in_words() {
        let text = r#"{"title":"t","detail":"Not so.","code":"invalid_fields","errors":[{"pointer":"/rate","detail":"1 to 5"}],"request_id":"req_1"}"#;
        let failure = Failure::of_answer(422, text);
        assert_eq!(
            failure.to_string(),
            "campanile: the engine says no, with 422: Not so. (invalid_fields)\n  /rate: 1 to 5\n  request req_1"
        );
        assert_eq!(failure.code(), REFUSED);
        assert_eq!(Failure::of_answer(503, "").code(), UNREACHABLE);
        assert_eq!(Failure::of_answer(500, "<html>").code(), WENT_WRONG);
    }
}
