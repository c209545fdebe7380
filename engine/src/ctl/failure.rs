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

/// HTTP statuses that say more than that it was refused.
const NOT_FOUND_STATUS: u16 = 404;
const UNAVAILABLE_STATUS: u16 = 503;

/// How problem documents say when to ask again.
const AFTER_HEADER: &str = "after the delay in the Retry-After header";

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
    /// An answer that is no success, in the words of its problem document (RFC 9457); `again_in`: the seconds after which it may be
    /// asked for again.
    pub(super) fn of_answer(status: u16, text: &str, again_in: Option<u64>) -> Self {
        let document = serde_json::from_str(text).unwrap_or(Value::Null);
        let word = |key: &str| document[key].as_str();
        let detail = word("detail").or(word("title")).unwrap_or("it does not say why");
        let code = word("code").map(|code| format!(" ({code})")).unwrap_or_default();
        // Who reads this has seen no headers.
        let detail = match again_in {
            Some(seconds) => detail.replace(AFTER_HEADER, &format!("in {seconds} s")),
            None => detail.replace(AFTER_HEADER, "later"),
        };
        let title = word("title").filter(|title| status == UNAVAILABLE_STATUS && *title != detail);
        let title = title.map(|title| format!("{title}. ")).unwrap_or_default();
        let mut problem = format!("{title}{detail}{code}");
        if let Some(path) = word("instance").filter(|_| status == NOT_FOUND_STATUS) {
            problem += &format!("\n  asked for {path}");
        }
        for error in document["errors"].as_array().into_iter().flatten() {
            let (pointer, detail) = (error["pointer"].as_str(), error["detail"].as_str());
            problem += &format!("\n  {}: {}", pointer.unwrap_or_default(), detail.unwrap_or_default());
        }
        if let Some(request) = word("request_id") {
            problem += &format!("\n  request {request}");
        }
        Self::Refused { status, problem }
    }

    /// There is nothing of that name.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == NOT_FOUND_STATUS)
    }

    /// For now it takes nothing.
    pub(super) fn is_for_now(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == UNAVAILABLE_STATUS)
    }

    /// The same refusal, and why.
    pub(super) fn because(self, why: &str) -> Self {
        match self {
            Self::Refused { status, problem } => Self::Refused {
                status,
                problem: format!("{problem}\n  {why}"),
            },
            other @ (Self::Usage(_) | Self::Configuration(_) | Self::Away(_) | Self::Other(_)) => other,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Configuration(_) => INVALID_CONFIGURATION,
            Self::Away(_) => UNREACHABLE,
            Self::Refused { status: 400..=499, .. } => REFUSED,
            // It has no Redis that it can use.
            Self::Refused {
                status: UNAVAILABLE_STATUS,
                ..
            } => UNREACHABLE,
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
        let failure = Failure::of_answer(422, text, None);
        assert_eq!(
            failure.to_string(),
            "campanile: the engine says no, with 422: Not so. (invalid_fields)\n  /rate: 1 to 5\n  request req_1"
        );
        assert_eq!(failure.code(), REFUSED);
        assert_eq!(Failure::of_answer(503, "", None).code(), UNREACHABLE);
        assert_eq!(Failure::of_answer(500, "<html>", None).code(), WENT_WRONG);
    }

    #[test]
    fn what_there_is_not_and_when_to_ask_again_are_named() {
        let text =
            r#"{"title":"Not found","detail":"There is none.","code":"not_found","instance":"/v1/smscs/nor/suspend"}"#;
        let failure = Failure::of_answer(404, text, None);
        assert!(
            failure.is_not_found() && failure.to_string().contains("/v1/smscs/nor/suspend"),
            "{failure}"
        );
        let text = r#"{"title":"Unavailable","detail":"Try again after the delay in the Retry-After header.","code":"unavailable"}"#;
        let failure = Failure::of_answer(503, text, Some(3));
        assert!(failure.is_for_now());
        assert_eq!(
            failure.because("redis_away: gone").to_string(),
            "campanile: the engine says no, with 503: Unavailable. Try again in 3 s. (unavailable)\n  redis_away: gone"
        );
    }
}
