//! Addresses: type of number, numbering plan, digits (3.4, 5.2.5 and 5.2.6).

/// `TON`, type of number.
pub mod ton {
    /// Unknown.
    pub const UNKNOWN: u8 = 0;
    /// International: country code first, no prefix.
    pub const INTERNATIONAL: u8 = 1;
    /// Network specific: what most SMSCs want for short codes.
    pub const NETWORK_SPECIFIC: u8 = 3;
    /// Alphanumeric: up to 11 characters of GSM 03.38.
    pub const ALPHANUMERIC: u8 = 5;
}

/// `NPI`, numbering plan indicator.
pub mod npi {
    /// Unknown: goes with alphanumeric senders and short codes.
    pub const UNKNOWN: u8 = 0;
    /// ISDN (E.163, E.164): goes with telephone numbers.
    pub const ISDN: u8 = 1;
}

/// An address as a PDU carries it. The standard allows 20 octets of digits; a decoded one may be longer, because some
/// SMSCs are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address<'a> {
    /// Type of number, see [`ton`].
    pub ton: u8,
    /// Numbering plan, see [`npi`].
    pub npi: u8,
    /// The digits or letters, without the closing NUL.
    pub digits: &'a [u8],
}

impl<'a> Address<'a> {
    /// An international number: `digits` is E.164 without the plus sign.
    pub const fn international(digits: &'a [u8]) -> Self {
        Self {
            ton: ton::INTERNATIONAL,
            npi: npi::ISDN,
            digits,
        }
    }

    /// The number as E.164 digits (up to 15) when the address is a telephone number in international form: a leading
    /// `+` or `00` is dropped whatever the TON says, since SMSCs disagree about it.
    pub fn e164(&self) -> Option<u64> {
        let digits = self
            .digits
            .strip_prefix(b"+")
            .or_else(|| self.digits.strip_prefix(b"00"))
            .unwrap_or(self.digits);
        if digits.is_empty() || digits.len() > 15 || digits[0] == b'0' {
            return None;
        }
        digits.iter().try_fold(0u64, |number, &digit| {
            digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn international_forms_are_one_number() {
        for digits in ["33612345678", "+33612345678", "0033612345678"] {
            assert_eq!(
                Address {
                    ton: 0,
                    npi: 1,
                    digits: digits.as_bytes()
                }
                .e164(),
                Some(33_612_345_678)
            );
        }
        for digits in ["", "0612345678", "CLINIQUE", "1234567890123456", "33 6"] {
            assert_eq!(
                Address {
                    ton: 0,
                    npi: 1,
                    digits: digits.as_bytes()
                }
                .e164(),
                None,
                "{digits}"
            );
        }
    }
}
