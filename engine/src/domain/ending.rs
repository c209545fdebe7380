//! How a message ended: eight octets in its campaign's results, at its position.

use strum::{IntoStaticStr, VariantArray};

use super::{Language, Status, ToHandset};

/// Why a message has its status: a closed list, one octet in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[repr(u8)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Reason {
    /// Nothing to add: delivered, or still enroute.
    None = 0,
    /// The answer's command_status; the code says which.
    Answer = 1,
    /// The receipt's `stat` and `err`; the code says which.
    Receipt = 2,
    /// No SMSC takes numbers of that prefix.
    NoRoute = 3,
    /// Refused for now again and again, until the attempts were used up.
    AttemptsExhausted = 4,
    /// Nobody could tell whether it was sent, and the policy or the time decided.
    InDoubt = 5,
    /// The receipt never came.
    NoReceipt = 6,
    /// The campaign was stopped.
    Stopped = 7,
    /// The recipient does not want messages of this kind.
    OptedOut = 8,
    /// The recipient has had as many as the tenant allows for a while.
    FrequencyCap = 9,
    /// It was not sent in the time in which it was worth sending.
    Expired = 10,
    /// It was called back by itself while it waited.
    Recalled = 11,
    /// The tenant's terms give back what fails so; so has it for the next two.
    NotRouted = 12,
    UnknownNumber = 13,
    ReceptionError = 14,
}

impl Reason {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    /// The same, of one that adds something.
    pub(crate) fn word(self) -> Option<&'static str> {
        (self != Self::None).then_some(self.code())
    }

    /// What clinics read; `None`: there is nothing to add.
    pub(crate) const fn french(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Answer => "Refusé par l'opérateur",
            Self::Receipt => "Selon l'accusé de réception",
            Self::NoRoute => "Aucune route vers ce numéro",
            Self::AttemptsExhausted => "Toutes les tentatives ont échoué",
            Self::InDoubt => "Nul ne sait s'il a été envoyé",
            Self::NoReceipt => "Aucun accusé de réception",
            Self::Stopped => "Campagne arrêtée",
            Self::OptedOut => "Désinscrit",
            Self::FrequencyCap => "A déjà reçu assez de messages",
            Self::Expired => "Délai dépassé",
            Self::Recalled => "Message rappelé",
            Self::NotRouted => Status::NotRouted.label(Language::Fr),
            Self::UnknownNumber => Status::UnknownNumber.label(Language::Fr),
            Self::ReceptionError => Status::ReceptionError.label(Language::Fr),
        })
    }

    /// The reason that a word of the API stands for.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::VARIANTS.iter().copied().find(|reason| reason.code() == code)
    }

    /// The reason that an octet of the store stands for.
    pub(crate) fn from_octet(octet: u8) -> Self {
        Self::VARIANTS.get(usize::from(octet)).copied().unwrap_or(Self::None)
    }
}

/// In what a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ending {
    /// One of the seven statuses. `accepted`: an SMSC had taken at least a segment, so that it is billed.
    Status {
        status: Status,
        /// Whether it is billed.
        accepted: bool,
    },
    /// Not sent: its campaign was stopped, or it was called back.
    Canceled,
    /// Not sent: the lease left it out.
    Skipped,
}

impl Ending {
    /// Whether something was spent on it, be it given back or not.
    pub(crate) const fn is_billed(self) -> bool {
        match self {
            Self::Status { accepted, .. } => accepted,
            Self::Canceled | Self::Skipped => false,
        }
    }

    /// Whether somebody wanted it not to be sent.
    pub(crate) const fn is_canceled(self) -> bool {
        match self {
            Self::Canceled => true,
            Self::Status { .. } | Self::Skipped => false,
        }
    }

    /// The letter that stands for it.
    pub(crate) const fn letter(self) -> u8 {
        match self {
            Self::Status { status, accepted } => status.letter(accepted),
            Self::Canceled => b'c',
            Self::Skipped => b's',
        }
    }

    /// What a letter stands for.
    pub(crate) fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'c' => Some(Self::Canceled),
            b's' => Some(Self::Skipped),
            letter => Status::from_letter(letter).map(|(status, accepted)| Self::Status { status, accepted }),
        }
    }

    /// The word in the API.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Status { status, .. } => status.code(),
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
        }
    }
}

/// How, why and when a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResultSlot {
    pub(crate) ending: Ending,
    pub(crate) reason: Reason,
    /// The low 16 bits of the answer's command_status, or the receipt's `err` as a number.
    pub(crate) code: u16,
    /// When, seconds since 1970.
    pub(crate) at: u32,
    /// How long it took, if it was delivered.
    pub(crate) to_handset: ToHandset,
}

impl ResultSlot {
    /// Octets of a slot.
    pub(crate) const LENGTH: usize = 8;

    /// Packs it: `ending(1) reason(1) code(2) at(4)`; the upper half of `reason` says how long it took to the handset.
    pub(crate) fn pack(&self) -> [u8; Self::LENGTH] {
        let ([c1, c2], [t1, t2, t3, t4]) = (self.code.to_be_bytes(), self.at.to_be_bytes());
        let reason = self.reason as u8 | self.to_handset.bits();
        [self.ending.letter(), reason, c1, c2, t1, t2, t3, t4]
    }

    /// Reads it; `None` while the message is not at its end.
    pub(crate) fn unpack(octets: &[u8]) -> Option<Self> {
        let [letter, reason, c1, c2, t1, t2, t3, t4] = *octets else {
            return None;
        };
        Some(Self {
            ending: Ending::from_letter(letter)?,
            reason: Reason::from_octet(reason & 0x0F),
            code: u16::from_be_bytes([c1, c2]),
            at: u32::from_be_bytes([t1, t2, t3, t4]),
            to_handset: ToHandset::from_bits(reason),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_back() {
        for reason in Reason::VARIANTS.iter().copied() {
            assert_eq!(Reason::from_octet(reason as u8), reason);
        }
    }

    #[test]
    fn slots_come_back_and_zeros_are_none() {
        let accepted = Ending::Status {
            status: Status::UnknownNumber,
            accepted: true,
        };
        for ending in [accepted, Ending::Canceled, Ending::Skipped] {
            let slot = ResultSlot {
                ending,
                reason: Reason::Answer,
                code: 0x0B,
                at: 1_763_000_000,
                to_handset: ToHandset::UNKNOWN,
            };
            assert_eq!(ResultSlot::unpack(&slot.pack()), Some(slot));
        }
        assert_eq!(ResultSlot::unpack(&[0; 8]), None);
        assert_eq!(ResultSlot::unpack(&[1; 3]), None);
    }
}
