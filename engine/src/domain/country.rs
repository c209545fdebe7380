//! Countries, and which one a number is of.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

use super::Recipient;

/// A country, as the numbering plans have them: overseas departments are countries of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Country(Region);

/// A code that no country has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the two letters of a country are wanted, such as FR")]
pub(crate) struct UnknownCountry;

/// France and what is French overseas.
const HOME: [Region; 12] = [
    Region::FR,
    Region::GP,
    Region::MQ,
    Region::GF,
    Region::RE,
    Region::YT,
    Region::PM,
    Region::BL,
    Region::MF,
    Region::NC,
    Region::PF,
    Region::WF,
];

/// Countries that may be sent to; none: all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Countries(Vec<Country>);

impl Country {
    /// France, without its overseas departments.
    pub(crate) const FRANCE: Self = Self(Region::FR);

    /// As the library of numbering plans has it.
    pub(crate) const fn region(self) -> Region {
        self.0
    }

    /// The country of a number; `None` for those of no country, or of no plan.
    pub(crate) fn of(recipient: Recipient) -> Option<Self> {
        // What nearly all numbers are, without the numbering plan: +33 is one country, and its numbers have nine digits.
        if (33_100_000_000..=33_999_999_999).contains(&recipient.0) {
            return Some(Self::FRANCE);
        }
        let number = PHONE_NUMBER_UTIL.parse(format!("+{}", recipient.0), None).ok()?;
        number.get_region_code().map(Self)
    }
}

/// The digits of a number with its country: shorter ones are of one country or carrier alone.
const DIGITS: std::ops::RangeInclusive<usize> = 9..=15;

/// An address as people are shown it: E.164 where an SMSC has written a number, and as it came where it is a name or a short code.
pub(crate) fn shown_address(address: &str) -> String {
    let digits = address.trim_start_matches('+');
    let are_digits = DIGITS.contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    match are_digits && !digits.starts_with('0') {
        true => format!("+{digits}"),
        false => address.to_owned(),
    }
}

/// ISO 3166-1, two letters.
impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(code: &str) -> Result<Self, UnknownCountry> {
        let region = Region::from_code(&code.to_ascii_uppercase()).map_err(|_| UnknownCountry)?;
        // The library takes any two letters; a country has a calling code.
        let calling_code = PHONE_NUMBER_UTIL.get_country_code_for_region(region);
        calling_code.map(|_| Self(region)).ok_or(UnknownCountry)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Countries {
    /// The most of them in a list: there are some 250.
    pub(crate) const MAX: usize = 250;

    /// France, from Saint-Pierre to Wallis: where a tenant may send to of whom nothing else is said.
    pub(crate) fn home() -> Self {
        Self(HOME.into_iter().map(Country).collect())
    }

    /// Whether all may be sent to.
    pub(crate) fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether that number may be.
    pub(crate) fn allow(&self, recipient: Recipient) -> bool {
        self.is_all() || Country::of(recipient).is_some_and(|country| self.have(country))
    }

    /// Whether numbers of that country may be.
    pub(crate) fn have(&self, country: Country) -> bool {
        self.is_all() || self.0.contains(&country)
    }

    /// The codes, in their order.
    pub(crate) fn codes(&self) -> Vec<String> {
        self.0.iter().map(Country::to_string).collect()
    }
}

impl FromIterator<Country> for Countries {
    fn from_iter<I: IntoIterator<Item = Country>>(countries: I) -> Self {
        Self(countries.into_iter().collect())
    }
}

/// As the store has them: codes with commas between them.
impl FromStr for Countries {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        text.split(',')
            .filter(|code| !code.is_empty())
            .map(str::parse)
            .collect()
    }
}

impl fmt::Display for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.codes().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overseas_departments_are_countries_of_their_own() {
        for (number, code) in [
            (33_612_345_678, Some("FR")),
            (262_692_123_456, Some("RE")),
            (262_639_012_345, Some("YT")),
            (590_690_123_456, Some("GP")),
            (596_696_123_456, Some("MQ")),
            (594_694_123_456, Some("GF")),
            (32_470_123_456, Some("BE")),
            (12_015_550_123, Some("US")),
            (447_400_123_456, Some("GB")),
            (999_123_456_789, None),
        ] {
            let country = Country::of(Recipient(number)).map(|country| country.to_string());
            assert_eq!(country.as_deref(), code, "{number}");
        }
    }

    #[test]
    fn france_overseas_is_at_home() {
        let home = Countries::home();
        for number in [
            33_612_345_678,
            262_692_123_456,
            590_690_123_456,
            508_551_234,
            687_751_234,
            68_987_123_456,
            681_821_234,
        ] {
            assert!(home.allow(Recipient(number)), "{number}");
        }
        assert!(!home.allow(Recipient(32_470_123_456)) && !home.allow(Recipient(447_400_123_456)));
    }

    #[test]
    fn a_list_allows_its_countries_and_none_allows_all() {
        let countries: Countries = "FR,RE".parse().unwrap();
        assert_eq!(countries.to_string(), "FR,RE");
        assert!(countries.allow(Recipient(33_612_345_678)) && countries.allow(Recipient(262_692_123_456)));
        assert!(!countries.allow(Recipient(32_470_123_456)) && !countries.allow(Recipient(999_123_456_789)));
        assert!(Countries::default().allow(Recipient(999_123_456_789)));
        assert_eq!("".parse(), Ok(Countries::default()));
        assert_eq!("FR,XX".parse::<Countries>(), Err(UnknownCountry));
    }

    #[test]
    fn an_address_is_shown_as_e_164_where_it_is_a_number() {
        for (address, shown) in [
            ("33612345903", "+33612345903"),
            ("+33612345903", "+33612345903"),
            ("262692123456", "+262692123456"),
            ("32470123456", "+32470123456"),
            ("36180", "36180"),
            ("0612345903", "0612345903"),
            ("OSTEO", "OSTEO"),
            ("12345678", "12345678"),
            ("", ""),
            ("+", "+"),
        ] {
            assert_eq!(shown_address(address), shown);
        }
    }
}
