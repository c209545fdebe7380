//! To whom messages go: numbers made up under a prefix, or those of a file.

use std::path::Path;

use anyhow::{Context, Result, bail};
use smpp::address::Address;

use crate::random::Draws;

/// Digits of a made-up number: those of a French one with its country code.
const DIGITS: usize = 11;

/// Numbers of a file kept in memory: 80 MB of them.
const FILE_NUMBERS_MAX: usize = 10_000_000;

/// Faulty lines that are named; the rest is counted.
const FAULTS_SHOWN: usize = 10;

/// Odd and no multiple of 5: prime to every power of ten, so that no number under a prefix comes twice before all came once.
const STRIDE: u64 = 7_919_993;

/// Who gets message n.
#[derive(Debug)]
pub(crate) enum Numbers {
    /// The numbers under a prefix, in an order that the seed chooses.
    Prefix {
        /// The prefix, then zeros.
        base: u64,
        /// A power of ten.
        count: u64,
        first: u64,
    },
    /// A list, round and round.
    List(Vec<u64>),
}

impl Numbers {
    /// Numbers of 11 digits that begin so.
    ///
    /// # Errors
    /// The prefix is not 1 to 10 digits, or begins with 0.
    pub(crate) fn under(prefix: &str, seed: u64) -> Result<Self> {
        let digits = prefix.strip_prefix('+').unwrap_or(prefix);
        let right = (1..DIGITS).contains(&digits.len())
            && digits.bytes().all(|octet| octet.is_ascii_digit())
            && !digits.starts_with('0');
        if !right {
            bail!("{prefix:?} is no prefix: 1 to 10 digits in international form, as in 336");
        }
        let count = 10u64.pow((DIGITS - digits.len()) as u32);
        let base = digits.parse::<u64>()? * count;
        let first = Draws::new(seed, "numbers").bits(0) % count;
        Ok(Self::Prefix { base, count, first })
    }

    /// One number a line, in international form with or without `+` or `00`; empty lines and those with `#` first are skipped.
    ///
    /// # Errors
    /// Names the lines that are no numbers, or says that the file cannot be read or has too many.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, file: &str) -> Result<Self> {
        let (mut numbers, mut faults) = (Vec::new(), Vec::new());
        for (place, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match Address::international(line.as_bytes()).e164() {
                Some(number) => numbers.push(number),
                None => faults.push(format!("{file}:{}: {line:?} is no international number", place + 1)),
            }
        }
        if !faults.is_empty() {
            let shown = faults[..faults.len().min(FAULTS_SHOWN)].join("\n");
            bail!("{} lines are no numbers, as in 33612345678:\n{shown}", faults.len());
        }
        match numbers.len() {
            0 => bail!("{file} has no number: one a line, as in 33612345678"),
            count if count > FILE_NUMBERS_MAX => bail!("{file} has {count} numbers: at most {FILE_NUMBERS_MAX}"),
            _ => Ok(Self::List(numbers)),
        }
    }

    /// Who gets message `number`, as E.164 digits.
    pub(crate) fn number(&self, number: u64) -> u64 {
        match self {
            Self::Prefix { base, count, first } => {
                // Both factors are under 10^10 and 10^7: the product fits.
                base + (first + number % count * STRIDE) % count
            }
            Self::List(list) => list[(number % list.len() as u64) as usize],
        }
    }

    /// The same as an address, its digits written into `digits`.
    pub(crate) fn address<'a>(&self, number: u64, digits: &'a mut [u8; 20]) -> Address<'a> {
        address_of(self.number(number), digits)
    }
}

/// An E.164 number as an address, its digits written into `digits`.
pub(super) fn address_of(number: u64, digits: &mut [u8; 20]) -> Address<'_> {
    let mut rest = number;
    let mut at = digits.len();
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Address::international(&digits[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_under_a_prefix_differ_until_all_have_come() {
        let numbers = Numbers::under("33612345", 9).unwrap();
        let mut all: Vec<u64> = (0..1_000).map(|n| numbers.number(n)).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1_000);
        assert_eq!((all[0], all[999]), (33_612_345_000, 33_612_345_999));
        assert_eq!(numbers.number(1_000), numbers.number(0));
    }

    #[test]
    fn the_seed_chooses_the_order_and_digits_are_written() {
        let (one, two) = (Numbers::under("336", 1).unwrap(), Numbers::under("336", 2).unwrap());
        assert_ne!(one.number(0), two.number(0));
        let mut digits = [0; 20];
        let text = String::from_utf8(one.address(5, &mut digits).digits.to_vec()).unwrap();
        assert_eq!(text, one.number(5).to_string());
        assert_eq!(text.len(), 11);
    }

    #[test]
    fn a_list_goes_round_and_its_faults_are_named() {
        let list = Numbers::parse("# clinic\n+33612345678\n\n0033698765432\n", "list.txt").unwrap();
        assert_eq!(list.number(0), 33_612_345_678);
        assert_eq!(list.number(3), 33_698_765_432);
        let fault = Numbers::parse("33612345678\n0612\nx\n", "list.txt")
            .unwrap_err()
            .to_string();
        assert!(fault.contains("list.txt:2") && fault.contains("list.txt:3"), "{fault}");
        assert!(Numbers::parse("", "list.txt").is_err());
        for wrong in ["", "06", "33612345678", "x"] {
            assert!(Numbers::under(wrong, 1).is_err(), "{wrong}");
        }
    }
}
