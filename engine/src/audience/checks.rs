//! Fields by themselves: names, senders, times, rates, types of service. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::tlvs::ascii;
use crate::compose::{Sender, Wording};
use crate::domain::{SERVICE_TYPE_MAX, Tempo, UnixMicros};
use crate::fault::{DateProblem, FieldFault, FieldProblem};

/// The longest name of a campaign, in characters: one line of a list.
pub(crate) const NAME_MAX: usize = 100;

/// The name of a campaign: neither blank nor too long.
pub(crate) fn check_campaign_name(name: String) -> Result<String, FieldProblem> {
    let given = name.chars().count();
    match name.trim() {
        "" => Err(FieldProblem::Empty),
        _ if given > NAME_MAX => Err(FieldProblem::TooLong { max: NAME_MAX, given }),
        trimmed => Ok(trimmed.to_owned()),
    }
}

/// One that the tenant may write under.
pub(super) fn read_sender(wording: &Wording, text: &str) -> Result<Sender, FieldProblem> {
    let sender = Sender::parse(text)?;
    wording.check_sender(&sender).map(|()| sender)
}

/// How fast a campaign goes at most, such as `5/s`.
pub(crate) fn parse_rate(text: &str) -> Result<Tempo, FieldProblem> {
    text.parse().map_err(|()| FieldProblem::InvalidRate)
}

/// The same faults of another field.
pub(super) fn at_pointer(faults: Vec<FieldFault>, pointer: &str) -> Vec<FieldFault> {
    let faults = faults.into_iter();
    faults.map(|fault| FieldFault::new(pointer, fault.problem)).collect()
}

/// As an SMSC takes it.
pub(crate) fn check_service_type(service_type: String) -> Result<String, FieldProblem> {
    ascii(&service_type, SERVICE_TYPE_MAX).map(|_| service_type)
}

/// An instant that is to come, at most so many days ahead.
pub(crate) fn instant_ahead(text: &str, (now, days): (UnixMicros, u32)) -> Result<UnixMicros, FieldProblem> {
    let at: Timestamp = text.parse().map_err(|_| DateProblem::InvalidInstant)?;
    let at = u64::try_from(at.as_microsecond()).map_err(|_| DateProblem::InvalidInstant)?;
    let at = UnixMicros(at);
    let most = Duration::from_secs(u64::from(days) * 86_400);
    match at > now && at <= now.plus(most) {
        true => Ok(at),
        false => Err(DateProblem::NotAhead { days }.into()),
    }
}
