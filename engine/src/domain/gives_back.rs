//! Which failures give a tenant's credits back, though an SMSC took the message.

use std::fmt;
use std::str::FromStr;

use super::{Reason, Status};

/// What a tenant has agreed on, beside what the `receipts` of an SMSC give back to everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct GivesBack(u8);

impl GivesBack {
    /// Nothing is given back.
    pub(crate) const NONE: Self = Self(0);

    /// Failures that may be, each with the reason that its message has then.
    const FAILURES: [(Status, Reason); 3] = [
        (Status::ReceptionError, Reason::ReceptionError),
        (Status::UnknownNumber, Reason::UnknownNumber),
        (Status::NotRouted, Reason::NotRouted),
    ];

    /// Their words in the API and in the store.
    pub(crate) const WORDS: [&str; 3] = [
        Self::FAILURES[0].0.code(),
        Self::FAILURES[1].0.code(),
        Self::FAILURES[2].0.code(),
    ];

    /// Why a message is given back that ended so; `None`: it is not.
    pub(crate) fn reason(self, status: Status) -> Option<Reason> {
        let of = Self::FAILURES
            .iter()
            .zip(0..)
            .find(|((failure, _), _)| *failure == status);
        of.filter(|(_, bit)| self.0 & 1 << bit != 0)
            .map(|((_, reason), _)| *reason)
    }

    /// As what a message failed that was given back for that reason.
    pub(crate) const fn failure(reason: Reason) -> Option<Status> {
        match reason {
            Reason::ReceptionError => Some(Status::ReceptionError),
            Reason::UnknownNumber => Some(Status::UnknownNumber),
            Reason::NotRouted => Some(Status::NotRouted),
            Reason::None
            | Reason::Answer
            | Reason::Receipt
            | Reason::NoRoute
            | Reason::AttemptsExhausted
            | Reason::InDoubt
            | Reason::NoReceipt
            | Reason::Stopped
            | Reason::OptedOut
            | Reason::FrequencyCap
            | Reason::Expired
            | Reason::Recalled => None,
        }
    }

    /// With that failure as well; `None`: it is none that may be given back.
    pub(crate) fn with(self, word: &str) -> Option<Self> {
        let bit = Self::WORDS.iter().position(|known| *known == word)?;
        Some(Self(self.0 | 1 << bit))
    }

    /// The words of what is given back.
    pub(crate) fn words(self) -> impl Iterator<Item = &'static str> {
        let all = Self::WORDS.into_iter().zip(0..);
        all.filter(move |(_, bit)| self.0 & 1 << bit != 0).map(|(word, _)| word)
    }
}

impl fmt::Display for GivesBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join(","))
    }
}

impl FromStr for GivesBack {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(',').filter(|word| !word.is_empty());
        words.try_fold(Self::NONE, Self::with).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_agreed_comes_back_and_names_its_reasons() {
        let both: GivesBack = "not_routed,unknown_number".parse().unwrap();
        assert_eq!(both.to_string(), "unknown_number,not_routed");
        assert_eq!(both.to_string().parse(), Ok(both));
        assert_eq!("".parse(), Ok(GivesBack::NONE));
        assert_eq!("delivered".parse::<GivesBack>(), Err(()));
        for status in Status::ALL {
            let reason = both.reason(*status);
            assert_eq!(
                reason.is_some(),
                ["unknown_number", "not_routed"].contains(&status.code())
            );
            if let Some(reason) = reason {
                assert_eq!(
                    (GivesBack::failure(reason), reason.code()),
                    (Some(*status), status.code())
                );
            }
        }
    }
}
