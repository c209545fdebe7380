use kit::random::mix;
use rustc_hash::FxHashMap;

const PLUS: u64 = 1 << 62;
const OTHER: u64 = 1 << 63;

/// Digits of a number that is kept as an integer: 18 fit below both flag bits.
const DIGITS_MAX: usize = 18;

/// An address in eight bytes. Digits without a leading zero, with or without a plus sign, are the value itself;
/// anything else (alphanumeric senders, `0612…`) is a place in [`Numbers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Number(pub u64);

impl Number {
    /// The last three digits, when it is a telephone number of at least four.
    pub(crate) fn last_three(self) -> Option<u16> {
        let digits = self.0 & !PLUS;
        (self.0 & OTHER == 0 && digits > 999).then_some((digits % 1000) as u16)
    }
}

/// Addresses that are no plain numbers, kept at one time: far more senders than any client has. Some 100 octets each.
const OTHERS_MAX: usize = 1_000_000;

/// Every address that is no plain number, once.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    places: FxHashMap<Box<[u8]>, u64>,
    others: Vec<Box<[u8]>>,
}

impl Numbers {
    /// Whether there are too many addresses that are no plain numbers.
    pub(crate) fn is_full(&self) -> bool {
        self.others.len() >= OTHERS_MAX
    }

    /// The number of an address; remembers it if it is no plain one.
    pub(crate) fn number(&mut self, address: &[u8]) -> Number {
        plain(address).unwrap_or_else(|| {
            if let Some(&place) = self.places.get(address) {
                return Number(OTHER | place);
            }
            let place = self.others.len() as u64;
            self.others.push(address.into());
            self.places.insert(address.into(), place);
            Number(OTHER | place)
        })
    }

    /// The number of an address, if it was met before: a question about it is no reason to remember it.
    pub(crate) fn known(&self, address: &[u8]) -> Option<Number> {
        plain(address).or_else(|| self.places.get(address).map(|&place| Number(OTHER | place)))
    }

    /// Appends the address as it came.
    pub(crate) fn write(&self, number: Number, out: &mut Vec<u8>) {
        if number.0 & OTHER != 0 {
            let other = self.others.get((number.0 & !OTHER) as usize);
            out.extend_from_slice(other.map_or(&[][..], |octets| octets));
            return;
        }
        if number.0 & PLUS != 0 {
            out.push(b'+');
        }
        write_decimal(number.0 & !PLUS, out);
    }

    /// What outcomes are drawn by: the same for `+336…` and `336…`, and independent of the order of arrival.
    pub(crate) fn identity(&self, number: Number) -> u64 {
        if number.0 & OTHER == 0 {
            return number.0 & !PLUS;
        }
        let octets = self.others.get((number.0 & !OTHER) as usize);
        octets.map_or(0, |octets| {
            octets
                .iter()
                .fold(octets.len() as u64, |hash, &octet| mix(hash ^ u64::from(octet)))
        }) | OTHER
    }

    /// The address as text.
    pub(crate) fn text(&self, number: Number) -> String {
        let mut octets = Vec::with_capacity(20);
        self.write(number, &mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    }
}

fn plain(address: &[u8]) -> Option<Number> {
    let (flag, digits) = match address.strip_prefix(b"+") {
        Some(digits) => (PLUS, digits),
        None => (0, address),
    };
    if digits.is_empty() || digits.len() > DIGITS_MAX || digits[0] == b'0' {
        return None;
    }
    let value = digits.iter().try_fold(0u64, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + u64::from(digit - b'0'))
    })?;
    // 18 digits need 60 bits: the flags stay free.
    Some(Number(flag | value))
}

/// Appends a number in decimal digits, without the formatting machinery: this is on the path of every answer.
pub(crate) fn write_decimal(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_comes_back_as_it_came() {
        let mut numbers = Numbers::default();
        for address in [
            "33612345678",
            "+33612345678",
            "0612345678",
            "CLINIQUE",
            "36034",
            "",
            "9",
            "1234567890123456789",
        ] {
            let number = numbers.number(address.as_bytes());
            assert_eq!(numbers.text(number), address);
            assert_eq!(numbers.known(address.as_bytes()), Some(number));
            assert_eq!(numbers.number(address.as_bytes()), number);
        }
        assert_eq!(numbers.known(b"STRANGER"), None);
        assert_ne!(numbers.number(b"33612345678"), numbers.number(b"+33612345678"));
    }

    #[test]
    fn only_telephone_numbers_end_in_magic() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.number(b"+33612345905").last_three(), Some(905));
        assert_eq!(numbers.number(b"33612345005").last_three(), Some(5));
        assert_eq!(numbers.number(b"905").last_three(), None);
        assert_eq!(numbers.number(b"CLINIC905").last_three(), None);
    }
}
