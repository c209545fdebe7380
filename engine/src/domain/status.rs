//! The seven statuses that people see, and why a message has the one it has.

use serde::{Deserialize, Serialize};

/// The seven statuses of a message that was handed to sending. They exclude each other, and their counts add up to
/// the messages of the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// On the handset.
    Delivered,
    /// Never taken by an SMSC.
    TransmissionFailed,
    /// Taken, but the handset could not be reached or refused.
    ReceptionError,
    /// There is no such number.
    UnknownNumber,
    /// No way leads to that number.
    NotRouted,
    /// Taken; no final receipt (yet).
    Transmitted,
    /// Failed, and the credit was given back.
    Recredited,
}

/// Languages that clinics read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// French.
    Fr,
    /// English.
    En,
}

impl Status {
    /// In the order of reports.
    pub(crate) const ALL: [Self; 7] = [
        Self::Delivered,
        Self::TransmissionFailed,
        Self::ReceptionError,
        Self::UnknownNumber,
        Self::NotRouted,
        Self::Transmitted,
        Self::Recredited,
    ];

    /// The word in the API and in metrics.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::TransmissionFailed => "transmission_failed",
            Self::ReceptionError => "reception_error",
            Self::UnknownNumber => "unknown_number",
            Self::NotRouted => "not_routed",
            Self::Transmitted => "transmitted",
            Self::Recredited => "recredited",
        }
    }

    /// The status of that word.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    /// The letter that counts it: upper case after the SMSC took the message (it is billed), lower case otherwise.
    pub(crate) const fn letter(self, accepted: bool) -> u8 {
        let letter = match self {
            Self::Delivered => b'D',
            Self::TransmissionFailed => b'F',
            Self::ReceptionError => b'E',
            Self::UnknownNumber => b'U',
            Self::NotRouted => b'N',
            Self::Transmitted => b'T',
            Self::Recredited => b'R',
        };
        if accepted { letter } else { letter.to_ascii_lowercase() }
    }

    /// The status that a letter counts, and whether the SMSC had taken the message.
    pub(crate) fn from_letter(letter: u8) -> Option<(Self, bool)> {
        let accepted = letter.is_ascii_uppercase();
        Self::ALL
            .into_iter()
            .find(|status| status.letter(accepted) == letter)
            .map(|status| (status, accepted))
    }

    /// From bad to good: a message of several segments has the worst one's status.
    pub(crate) const fn rank(self) -> u8 {
        match self {
            Self::TransmissionFailed => 0,
            Self::UnknownNumber => 1,
            Self::NotRouted => 2,
            Self::ReceptionError => 3,
            Self::Recredited => 4,
            Self::Transmitted => 5,
            Self::Delivered => 6,
        }
    }
}

/// Why a campaign is sent; it decides lane and, later, legal hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// Reminders, results, changes of hour: overtakes marketing.
    Transactional,
    /// Everything that sells.
    Marketing,
}

impl Purpose {
    /// In the order in which lanes are served.
    pub(crate) const ALL: [Self; 2] = [Self::Transactional, Self::Marketing];

    /// The number of the lane.
    pub(crate) const fn lane(self) -> u8 {
        match self {
            Self::Transactional => 0,
            Self::Marketing => 1,
        }
    }

    /// The word in the API, in metrics and in the store.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Marketing => "marketing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_codes_come_back() {
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(status));
            for accepted in [true, false] {
                assert_eq!(Status::from_letter(status.letter(accepted)), Some((status, accepted)));
            }
        }
        assert_eq!(Status::from_letter(b'A'), None, "A counts acceptances");
    }
}
