//! What messages cost by the number that they go to: `+262` twice, `+33700` three times as much. Pure.

use std::fmt;
use std::str::FromStr;

use super::Recipient;

/// How many times as much as the tariff says a message costs, by what its recipient's number begins with; the longest that fits holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PrefixPrices(
    /// The digits as a number, and how many they are; the longest first.
    Vec<(u64, u32, u8)>,
);

/// It has no digits, or begins with 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAPrefix;

impl PrefixPrices {
    /// The most prefixes: those of all countries, and some of each operator's.
    pub(crate) const MAX: usize = 1_000;

    /// The most times.
    pub(crate) const TIMES_MAX: u8 = 50;

    /// The most digits: as many as a number may have.
    pub(crate) const DIGITS_MAX: usize = 15;

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a prefix: `+262`. `false`: it is there.
    ///
    /// # Errors
    /// [`NotAPrefix`].
    pub(crate) fn add(&mut self, prefix: &str, times: u8) -> Result<bool, NotAPrefix> {
        let digits = prefix.strip_prefix('+').ok_or(NotAPrefix)?;
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
        if !is_number || !(1..=Self::DIGITS_MAX).contains(&digits.len()) {
            return Err(NotAPrefix);
        }
        let number: u64 = digits.parse().map_err(|_| NotAPrefix)?;
        if self.0.iter().any(|(known, ..)| *known == number) {
            return Ok(false);
        }
        self.0.push((number, digits.len() as u32, times));
        self.0
            .sort_unstable_by_key(|(number, length, _)| (std::cmp::Reverse(*length), *number));
        Ok(true)
    }

    /// How many times as much a message to that number costs.
    pub(crate) fn times(&self, recipient: Recipient) -> u8 {
        let digits = recipient.0.checked_ilog10().map_or(0, |log| log + 1);
        let begins = |(prefix, length, _): &&(u64, u32, u8)| {
            let behind = digits.checked_sub(*length);
            behind.is_some_and(|behind| recipient.0 / 10_u64.pow(behind) == *prefix)
        };
        self.0.iter().find(begins).map_or(1, |(_, _, times)| *times)
    }

    /// Each prefix, and how many times.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (String, u8)> {
        self.0.iter().map(|(prefix, _, times)| (format!("+{prefix}"), *times))
    }
}

impl fmt::Display for PrefixPrices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (prefix, times)) in self.iter().enumerate() {
            write!(f, "{}{prefix} {times}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for PrefixPrices {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let mut prices = Self::default();
        for one in text.split(',').filter(|one| !one.is_empty()) {
            let (prefix, times) = one.split_once(' ').ok_or(NotAPrefix)?;
            prices.add(prefix, times.parse().map_err(|_| NotAPrefix)?)?;
        }
        Ok(prices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_holds_and_elsewhere_it_is_as_the_tariff_says() {
        let prices: PrefixPrices = "+33 2,+33700 5,+3370012 1,+1 3".parse().unwrap();
        for (number, times) in [
            (33_612_345_678, 2),
            (33_700_512_345, 5),
            (33_700_123_456, 1),
            (12_015_550_123, 3),
            (32_470_123_456, 1),
            (33, 2),
            (3, 1),
            (0, 1),
        ] {
            assert_eq!(prices.times(Recipient(number)), times, "{number}");
        }
        assert_eq!(prices.to_string().parse(), Ok(prices));
        assert_eq!("".parse(), Ok(PrefixPrices::default()));
    }

    #[test]
    fn what_is_no_prefix_is_none_and_each_is_there_once() {
        let mut prices = PrefixPrices::default();
        for wrong in ["33", "+", "+033", "+33 6", "+33a", "", "+1234567890123456"] {
            assert_eq!(prices.add(wrong, 2), Err(NotAPrefix), "{wrong}");
        }
        assert_eq!((prices.add("+33", 2), prices.add("+33", 3)), (Ok(true), Ok(false)));
        assert_eq!(prices.times(Recipient(33_612_345_678)), 2);
    }
}
