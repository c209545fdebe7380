//! Who a message comes from, as the handset shows it.

use std::collections::HashMap;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType};

use crate::domain::{Purpose, TenantId};
use crate::fault::{FieldProblem, WordingProblem};

/// The longest alphanumeric sender (3GPP TS 23.040, 9.1.2.5: 7 octets of septets).
pub(crate) const SENDER_MAX: usize = 11;

/// Shorter alphanumeric senders are refused by the French operators' charter.
const SENDER_MIN: usize = 3;

/// Short codes of France that carry nothing that promotes begin so, and have so many digits (AF2M; 36xxx do).
const TRANSACTIONAL_CODES: (&str, usize) = ("38", 5);

/// A sender that carriers take: a source address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// Type of number (SMPP 3.4, 5.2.5): 5 alphanumeric, 3 network specific for short codes, 1 international.
    pub(crate) ton: u8,
    /// Numbering plan (SMPP 3.4, 5.2.6): 0 unknown, 1 E.164.
    pub(crate) npi: u8,
    /// `source_addr`: letters and digits, or digits without `+`.
    pub(crate) address: String,
}

impl Sender {
    /// Reads a sender: 3 to 11 letters and digits, not only digits; or a short code of 3 to 8 digits; or an
    /// international number with its `+`, 7 to 15 digits. Letters are ASCII, no spaces: others are altered or blocked
    /// on the way.
    ///
    /// # Errors
    /// [`FieldProblem::Empty`] or [`FieldProblem::InvalidSender`].
    pub(crate) fn parse(text: &str) -> Result<Self, FieldProblem> {
        let text = text.trim();
        if text.is_empty() {
            return Err(FieldProblem::Empty);
        }
        let sender = match text.strip_prefix('+') {
            Some(digits) => Self::number(digits),
            None if digits_only(text) => Self::short_code(text),
            None => Self::alphanumeric(text),
        };
        sender.ok_or(FieldProblem::InvalidSender)
    }

    /// Whether it is letters that people read, and no number.
    pub(crate) const fn is_name(&self) -> bool {
        self.ton == 5
    }

    /// Whether it is somebody's: a mobile, or a number of three digits, which are those of emergencies and services.
    pub(super) fn is_anothers(&self) -> bool {
        let is_mobile = || {
            let number = PHONE_NUMBER_UTIL.parse(self.text(), None);
            number.is_ok_and(|number| number.get_type() == PhoneNumberType::Mobile)
        };
        self.ton == 1 && is_mobile() || self.ton == 3 && self.address.len() == 3
    }

    /// Whether what has that purpose may come from it.
    ///
    /// # Errors
    /// [`WordingProblem::TransactionalCode`]: advertising from a short code that carries none.
    pub(crate) fn check_purpose(&self, purpose: Purpose) -> Result<(), FieldProblem> {
        let (begin, length) = TRANSACTIONAL_CODES;
        let is_transactional = self.ton == 3 && self.address.len() == length && self.address.starts_with(begin);
        match is_transactional && purpose == Purpose::Marketing {
            true => Err(WordingProblem::TransactionalCode.into()),
            false => Ok(()),
        }
    }

    /// As it is given: an international number with its `+`.
    pub(crate) fn text(&self) -> String {
        let international = if self.ton == 1 { "+" } else { "" };
        format!("{international}{}", self.address)
    }

    fn number(digits: &str) -> Option<Self> {
        // E.164: at most 15 digits, none begins with 0. Nothing under 7 is a subscriber's number.
        let valid = digits_only(digits) && (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        valid.then(|| Self {
            ton: 1,
            npi: 1,
            address: digits.to_owned(),
        })
    }

    fn short_code(digits: &str) -> Option<Self> {
        (3..=8).contains(&digits.len()).then(|| Self {
            ton: 3,
            npi: 0,
            address: digits.to_owned(),
        })
    }

    fn alphanumeric(text: &str) -> Option<Self> {
        let valid =
            (SENDER_MIN..=SENDER_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        valid.then(|| Self {
            ton: 5,
            npi: 0,
            address: text.to_owned(),
        })
    }
}

/// Numbers from which those write who have them, and nobody else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnedSenders(HashMap<String, Owners>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Owners {
    tenants: Vec<TenantId>,
    /// Whether it carries what people write back.
    two_way: bool,
}

impl OwnedSenders {
    /// A number, as a sender is given, is theirs and no longer anybody else's; of one that none of them has, nobody's.
    pub(crate) fn give(&mut self, number: String, tenants: Vec<TenantId>, two_way: bool) {
        self.0.insert(number, Owners { tenants, two_way });
    }

    /// Whether a number is that tenant's, or its sandbox's; `None`: it is none of these.
    pub(crate) fn is_of(&self, tenant: TenantId, sender: &Sender) -> Option<bool> {
        let owners = self.0.get(&sender.text())?;
        Some(owners.tenants.contains(&tenant.live()))
    }

    /// Whether that tenant has it, and hears what is written to it.
    pub(super) fn is_heard_by(&self, tenant: TenantId, sender: &Sender) -> bool {
        let owners = self.0.get(&sender.text());
        owners.is_some_and(|owners| owners.two_way && owners.tenants.contains(&tenant.live()))
    }

    /// Whether nobody can write back to it: a name, or one of these numbers that carries no replies.
    pub(super) fn is_one_way(&self, sender: &Sender) -> bool {
        sender.is_name() || self.0.get(&sender.text()).is_some_and(|owners| !owners.two_way)
    }
}

fn digits_only(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobiles_and_emergency_numbers_are_somebodys() {
        for (text, anothers) in [
            ("+33612345678", true),
            ("+262692123456", true),
            ("112", true),
            ("36180", false),
            ("3246", false),
            ("+33974123456", false),
            ("+12025550123", false),
            ("CLINIQUE", false),
        ] {
            assert_eq!(Sender::parse(text).unwrap().is_anothers(), anothers, "{text}");
        }
    }

    #[test]
    fn a_short_code_for_what_is_transactional_carries_no_advertising() {
        for (text, carries) in [
            ("38200", false),
            ("36180", true),
            ("382", true),
            ("382000", true),
            ("+33974123456", true),
            ("CLINIQUE", true),
        ] {
            let sender = Sender::parse(text).unwrap();
            assert_eq!(sender.check_purpose(Purpose::Marketing).is_ok(), carries, "{text}");
            assert_eq!(sender.check_purpose(Purpose::Transactional), Ok(()), "{text}");
        }
    }

    #[test]
    fn senders_that_carriers_take() {
        for (text, ton, npi, address) in [
            ("OSTEO", 5, 0, "OSTEO"),
            ("Cabinet2Mai", 5, 0, "Cabinet2Mai"),
            (" abc ", 5, 0, "abc"),
            ("36034", 3, 0, "36034"),
            ("+33612345678", 1, 1, "33612345678"),
        ] {
            assert_eq!(
                Sender::parse(text),
                Ok(Sender {
                    ton,
                    npi,
                    address: address.to_owned()
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn senders_that_are_none() {
        assert_eq!(Sender::parse("  "), Err(FieldProblem::Empty));
        for text in [
            "ab",
            "TwelveLetter",
            "Dr Martin",
            "Ostéo",
            "a-b-c",
            "12",
            "123456789",
            "+",
            "+0612345678",
            "+12a4567",
        ] {
            assert_eq!(Sender::parse(text), Err(FieldProblem::InvalidSender), "{text}");
        }
    }
}
