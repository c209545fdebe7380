//! Are these two ids the same message? SMSCs write the id of a submit_sm_resp differently into the receipt: in another
//! base, in another case, without its zeros or its hyphens, or cut off.

/// How two ids are the same, the surest first: who has several candidates takes the one of the lowest relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Octet for octet, padding aside.
    Identical,
    /// But for the case of letters.
    Case,
    /// But for zeros in front of a number, decimal or hexadecimal.
    LeadingZeros,
    /// But for hyphens, which one of the two lacks altogether.
    Hyphens,
    /// One is cut off after 32 characters or more.
    Truncated,
    /// One has an `@` and something behind it.
    Suffix,
    /// The same number: hexadecimal in the answer, decimal in the receipt.
    HexToDecimal,
    /// The same number: decimal in the answer, hexadecimal in the receipt.
    DecimalToHex,
}

impl Relation {
    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Case => "case",
            Self::LeadingZeros => "leading_zeros",
            Self::Hyphens => "hyphens",
            Self::Truncated => "truncated",
            Self::Suffix => "suffix",
            Self::HexToDecimal => "hexadecimal_to_decimal",
            Self::DecimalToHex => "decimal_to_hexadecimal",
        }
    }
}

/// Ids cut off by an SMSC are UUIDs that lost their end in a field of 32 characters; a shorter common beginning is
/// what the ids of one SMSC ordinarily have.
pub(super) const TRUNCATED_MIN: usize = 32;

/// Without hyphens, `1-23` and `12-3` would be one: shorter ids keep theirs.
pub(super) const UNHYPHENATED_MIN: usize = 8;

/// The longest id that is read as a number: the standard's field has 64 characters (3.4, 4.4.2).
const NUMBER_DIGITS_MAX: usize = 64;

/// Whether the id of an answer and the id of a receipt may name the same message; see [`relation`].
pub fn same_id(answer: &[u8], receipt: &[u8]) -> bool {
    relation(answer, receipt).is_some()
}

/// In which way the id of an answer and the id of a receipt are the same; None if in none. Ids of few digits can be
/// the same by accident when they are read in two bases (`10` and `16`), which is why those relations come last.
pub fn relation(answer: &[u8], receipt: &[u8]) -> Option<Relation> {
    let (answer, receipt) = (trim(answer), trim(receipt));
    if answer.is_empty() || receipt.is_empty() {
        return None;
    }
    if answer == receipt {
        return Some(Relation::Identical);
    }
    if answer.eq_ignore_ascii_case(receipt) {
        return Some(Relation::Case);
    }
    if same_but_zeros(answer, receipt) {
        return Some(Relation::LeadingZeros);
    }
    if same_but_hyphens(answer, receipt) {
        return Some(Relation::Hyphens);
    }
    let (short, long) = if answer.len() < receipt.len() {
        (answer, receipt)
    } else {
        (receipt, answer)
    };
    if long[..short.len()].eq_ignore_ascii_case(short) {
        if long[short.len()..].starts_with(b"@") {
            return Some(Relation::Suffix);
        }
        if short.len() >= TRUNCATED_MIN {
            return Some(Relation::Truncated);
        }
    }
    if same_number(answer, receipt) {
        return Some(Relation::HexToDecimal);
    }
    same_number(receipt, answer).then_some(Relation::DecimalToHex)
}

/// An id without the spaces and NULs that it is padded with.
pub fn trim(id: &[u8]) -> &[u8] {
    let padding = |octet: &u8| *octet == 0 || octet.is_ascii_whitespace();
    let start = id.iter().position(|octet| !padding(octet)).unwrap_or(id.len());
    let end = id
        .iter()
        .rposition(|octet| !padding(octet))
        .map_or(start, |last| last + 1);
    &id[start..end]
}

/// Zeros in front mean nothing only in a number: `0Z1` and `Z1` are two ids.
fn same_but_zeros(one: &[u8], other: &[u8]) -> bool {
    let (Some(one), Some(other)) = (hex_digits(one), hex_digits(other)) else {
        return false;
    };
    strip_zeros(one).eq_ignore_ascii_case(strip_zeros(other))
}

fn same_but_hyphens(one: &[u8], other: &[u8]) -> bool {
    let (plain, hyphenated) = match (one.contains(&b'-'), other.contains(&b'-')) {
        (false, true) => (one, other),
        (true, false) => (other, one),
        (true, true) | (false, false) => return false,
    };
    let letters = hyphenated.iter().filter(|&&octet| octet != b'-');
    plain.len() >= UNHYPHENATED_MIN
        && letters
            .map(u8::to_ascii_lowercase)
            .eq(plain.iter().map(u8::to_ascii_lowercase))
}

/// Whether `hex` read in base 16 is `decimal` read in base 10.
fn same_number(hex: &[u8], decimal: &[u8]) -> bool {
    let Some(hex) = hex_digits(hex).map(strip_zeros) else {
        return false;
    };
    if decimal.len() > NUMBER_DIGITS_MAX || !decimal.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let decimal = strip_zeros(decimal);
    // n hexadecimal digits make n to 1.21 n decimal ones: most pairs need no arithmetic.
    if decimal.len() < hex.len() || decimal.len() * 4 > hex.len() * 5 + 4 {
        return false;
    }
    Number::read(hex, 16) == Number::read(decimal, 10)
}

/// The digits of a hexadecimal number, without `0x` before or `h` after them. None: it is not one, or too long.
pub(super) fn hex_digits(id: &[u8]) -> Option<&[u8]> {
    let digits = match id {
        [b'0', b'x' | b'X', digits @ ..] | [digits @ .., b'h' | b'H'] => digits,
        digits => digits,
    };
    let number = !digits.is_empty() && digits.len() <= NUMBER_DIGITS_MAX && digits.iter().all(u8::is_ascii_hexdigit);
    number.then_some(digits)
}

pub(super) fn strip_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

/// A natural number of up to 64 hexadecimal digits, least significant limb first: ids exceed 64 and 128 bits.
#[derive(PartialEq, Eq)]
struct Number([u32; 8]);

impl Number {
    fn read(digits: &[u8], base: u32) -> Self {
        let mut limbs = [0u32; 8];
        for &digit in digits {
            let mut carry = u64::from(char::from(digit).to_digit(base).unwrap_or_default());
            for limb in &mut limbs {
                let value = u64::from(*limb) * u64::from(base) + carry;
                *limb = value as u32; // the lower half; the upper one is carried
                carry = value >> 32;
            }
        }
        Self(limbs)
    }
}
