//! From whom messages come.

use std::fmt;
use std::str::FromStr;

use smpp::address::{Address, npi, ton};

/// A source address with the TON and NPI that go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    text: String,
    ton: u8,
    npi: u8,
}

/// Up to this many digits are a short code, not a telephone number.
const SHORT_CODE_MAX: usize = 6;

impl Sender {
    /// As a PDU carries it.
    pub(crate) fn address(&self) -> Address<'_> {
        Address {
            ton: self.ton,
            npi: self.npi,
            digits: self.text.as_bytes(),
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Sender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
        let (text, ton, npi) = match number {
            true if digits.len() > 15 => return Err(format!("{text:?}: a number has at most 15 digits (E.164)")),
            true if digits.len() <= SHORT_CODE_MAX => (digits, ton::NETWORK_SPECIFIC, npi::UNKNOWN),
            true => (digits, ton::INTERNATIONAL, npi::ISDN),
            false if (1..=11).contains(&text.len()) && text.bytes().all(|octet| (b' '..=b'z').contains(&octet)) => {
                (text, ton::ALPHANUMERIC, npi::UNKNOWN)
            }
            false => {
                return Err(format!(
                    "{text:?}: a sender is 1 to 11 letters, digits and signs of ASCII, or a number of up to 15 digits"
                ));
            }
        };
        Ok(Self {
            text: text.to_owned(),
            ton,
            npi,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ton_and_npi_follow_the_text() {
        let kinds = [("CLINIQUE", 5, 0), ("36034", 3, 0), ("+33612345678", 1, 1)];
        for (text, ton, npi) in kinds {
            let sender: Sender = text.parse().unwrap();
            let address = sender.address();
            assert_eq!((address.ton, address.npi), (ton, npi), "{text}");
        }
        for wrong in ["", "TWELVE CHARS", "1234567890123456", "Clé"] {
            assert!(wrong.parse::<Sender>().is_err(), "{wrong}");
        }
    }
}
