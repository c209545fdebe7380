//! The seven statuses that people see, and why a message has the one it has.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The seven statuses of a message that was handed to sending, in the order of reports. They exclude each other, and their
/// counts add up to the messages of the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
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

impl Language {
    /// A count with the word for what is counted: in French, less than two are one.
    pub(crate) fn counted(self, count: u64, (one, many): (&str, &str)) -> String {
        let is_one = match self {
            Self::Fr => count < 2,
            Self::En => count == 1,
        };
        format!("{count} {}", if is_one { one } else { many })
    }
}

/// `de` before a word of French: `d'Europe/Paris`, `de Pacific/Noumea`.
pub(crate) fn french_of(word: &str) -> String {
    let is_vowel = |letter: char| "aeiouyàâéèêëîïôù".contains(letter);
    match word.to_lowercase().starts_with(is_vowel) {
        true => format!("d'{word}"),
        false => format!("de {word}"),
    }
}

impl Status {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API and in metrics.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    /// What clinics read.
    pub(crate) const fn label(self, language: Language) -> &'static str {
        let (french, english) = match self {
            Self::Delivered => ("Message reçu", "Delivered"),
            Self::TransmissionFailed => ("Echec de la transmission", "Transmission failed"),
            Self::ReceptionError => ("Erreur lors de la réception", "Reception error"),
            Self::UnknownNumber => ("Numéro de destination inconnu", "Unknown number"),
            Self::NotRouted => ("Message non-routage", "Not routed"),
            Self::Transmitted => ("Message transmis", "Transmitted"),
            Self::Recredited => ("Message recrédité", "Recredited"),
        };
        match language {
            Language::Fr => french,
            Language::En => english,
        }
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
        let status = Self::ALL.iter().find(|status| status.letter(accepted) == letter)?;
        Some((*status, accepted))
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

/// What clinics read of how far a message is, by its word in the API: one of the seven, or what comes before or beside them.
pub(crate) fn french_status(word: &str) -> Option<&'static str> {
    if let Ok(status) = word.parse::<Status>() {
        return Some(status.label(Language::Fr));
    }
    Some(match word {
        "queued" => "Message en attente",
        "deferred" => "Envoi reporté",
        "submitting" => "Envoi en cours",
        "in_doubt" => "Envoi incertain",
        "canceled" => "Message annulé",
        "skipped" => "Message écarté",
        _ => return None,
    })
}

/// Why a campaign is sent; it decides lane and hours. In the order in which lanes are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Purpose {
    /// Reminders, results, changes of hour: overtakes marketing.
    Transactional,
    /// Everything that sells.
    Marketing,
}

impl Purpose {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The number of the lane.
    pub(crate) const fn lane(self) -> u8 {
        match self {
            Self::Transactional => 0,
            Self::Marketing => 1,
        }
    }

    /// The word in the API, in metrics and in the store.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_french_agree_with_what_is_beside_them() {
        let messages = ("message", "messages");
        for (count, french, english) in [
            (0, "0 message", "0 messages"),
            (1, "1 message", "1 message"),
            (2, "2 messages", "2 messages"),
        ] {
            assert_eq!(Language::Fr.counted(count, messages), french);
            assert_eq!(Language::En.counted(count, messages), english);
        }
        for (word, of) in [
            ("Europe/Paris", "d'Europe/Paris"),
            ("Indian/Reunion", "d'Indian/Reunion"),
            ("Pacific/Noumea", "de Pacific/Noumea"),
            ("UTC", "d'UTC"),
            ("un texte", "d'un texte"),
            ("null", "de null"),
        ] {
            assert_eq!(french_of(word), of);
        }
    }

    #[test]
    fn letters_and_codes_come_back() {
        for status in Status::ALL.iter().copied() {
            assert_eq!(status.code().parse(), Ok(status));
            for accepted in [true, false] {
                assert_eq!(Status::from_letter(status.letter(accepted)), Some((status, accepted)));
            }
        }
        assert_eq!(Status::from_letter(b'A'), None, "A counts acceptances");
    }
}
