//! Fields by themselves: names, senders, times, rates, types of service. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::tlvs::ascii;
use crate::compose::{Sender, Wording};
use crate::domain::{Purpose, SERVICE_TYPE_MAX, Tempo, UnixMicros, instant};
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

/// One that the tenant may write under, for that purpose, as far as it is known.
pub(super) fn read_sender((wording, purpose): (&Wording, Option<&str>), text: &str) -> Result<Sender, FieldProblem> {
    let sender = Sender::parse(text)?;
    wording.check_sender(&sender)?;
    let purpose: Option<Purpose> = purpose.and_then(|purpose| purpose.parse().ok());
    purpose.map_or(Ok(()), |purpose| sender.check_purpose(purpose))?;
    Ok(sender)
}

/// How fast a campaign goes at most, such as `5/s`.
pub(crate) fn parse_rate(text: &str) -> Result<Tempo, FieldProblem> {
    text.parse().map_err(|()| FieldProblem::InvalidRate)
}

/// How far ahead the end of late joining may be: as long as short links lead somewhere.
pub(crate) const JOINED_DAYS_MAX: u32 = 90;

/// What a campaign has that people are to join late.
pub(super) struct Joinable {
    /// It says which contacts are meant.
    pub(super) of_contacts: bool,
    pub(super) validity: bool,
    pub(super) codes: bool,
}

impl Joinable {
    /// Why nobody can join it until then, which is no later than its own end and that of its links.
    pub(super) fn faults(
        &self,
        until: UnixMicros,
        (expires_at, link_expires_at): (Option<UnixMicros>, Option<&str>),
    ) -> Vec<(&'static str, FieldProblem)> {
        let mut faults = Vec::new();
        let own = "/late_joiners_until";
        if !self.of_contacts {
            let fields = &["audience.filter", "audience.lists", "audience.segments"];
            faults.push((own, FieldProblem::MissingBeside { fields }));
        }
        let fields: &[&str] = match (self.validity, self.codes) {
            (true, _) => &["validity"],
            (false, true) => &["code_pool"],
            (false, false) => &[],
        };
        if !fields.is_empty() {
            faults.push((own, FieldProblem::NotBeside { fields }));
        }
        let than = "late_joiners_until";
        if expires_at.is_some_and(|at| at < until) {
            faults.push(("/expires_at", FieldProblem::NotLater { than }));
        }
        let link: Option<Timestamp> = link_expires_at.and_then(|at| at.parse().ok());
        if link.is_some_and(|at| u64::try_from(at.as_microsecond()).is_ok_and(|at| at < until.0)) {
            faults.push(("/link_expires_at", FieldProblem::NotLater { than }));
        }
        faults
    }
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
    let at = instant(text).ok_or(DateProblem::InvalidInstant)?;
    let at = u64::try_from(at.as_microsecond()).map_err(|_| DateProblem::InvalidInstant)?;
    let at = UnixMicros(at);
    let most = Duration::from_secs(u64::from(days) * 86_400);
    match at > now && at <= now.plus(most) {
        true => Ok(at),
        false => Err(DateProblem::NotAhead { days }.into()),
    }
}
