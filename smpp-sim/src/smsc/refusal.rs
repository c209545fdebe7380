//! Why a submit is refused before an outcome is dealt.

use smpp::command_status::CommandStatus;

use super::lifetime::BadTime;
use crate::model::{Beyond, Outcome};

/// What destination addresses may have: 20 digits (3.4, 4.4.1).
const DIGITS_MAX: usize = 20;

/// Why a submit is refused before an outcome is dealt: it does not count as an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Address,
    Window,
    Rate,
    Burst,
    List,
    Schedule,
    Expiry,
    Strict,
}

/// The refusals as outcomes, at the places that [`Refusal`] numbers.
pub(super) fn refusals() -> Vec<Outcome> {
    vec![
        Outcome::refusal("refused_address", CommandStatus::ESME_RINVDSTADR),
        Outcome::refusal("refused_window", CommandStatus::ESME_RTHROTTLED),
        Outcome::refusal("refused_rate", CommandStatus::ESME_RTHROTTLED),
        Outcome::refusal("refused_burst", CommandStatus::ESME_RTHROTTLED),
        Outcome::refusal("refused_list", CommandStatus::ESME_RINVDLNAME),
        Outcome::refusal("refused_schedule", CommandStatus::ESME_RINVSCHED),
        Outcome::refusal("refused_expiry", CommandStatus::ESME_RINVEXPIRY),
        Outcome::refusal("refused_strict", CommandStatus::ESME_RSUBMITFAIL),
    ]
}

/// Why, and what such a submit gets.
pub(super) fn refusal_of(bad: BadTime) -> (Refusal, Beyond) {
    match bad {
        BadTime::Schedule => (Refusal::Schedule, Beyond::Refused(CommandStatus::ESME_RINVSCHED)),
        BadTime::Validity => (Refusal::Expiry, Beyond::Refused(CommandStatus::ESME_RINVEXPIRY)),
    }
}

/// Whether a message can go there at all.
pub(super) fn is_destination(digits: &[u8]) -> bool {
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}
