//! Any way of writing a phone number → E.164, if it is a mobile.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberType, Region};

use crate::domain::{Countries, Country, Recipient};
use crate::fault::FieldProblem;

/// Longer texts are no numbers: 15 digits with every possible ornament.
pub(crate) const NUMBER_OCTETS_MAX: usize = 64;

/// The most digits after `+` (E.164, 6).
const DIGITS_MAX: usize = 15;

/// Where a French national number may be at home when it is not in mainland France: `0692…` is dialled alike in Réunion
/// and from Réunion, but belongs to +262.
const OVERSEAS: [Region; 6] = [Region::RE, Region::GP, Region::MQ, Region::GF, Region::YT, Region::PM];

/// Why a text is no recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::VariantArray)]
pub(crate) enum NumberFault {
    /// Not a phone number at all.
    NotANumber,
    /// No number of its country's plan.
    Invalid,
    /// A number that takes no texts: a landline, a premium number.
    NotMobile,
    /// `3,36123E+10`: a spreadsheet kept six digits of eleven.
    LostDigits,
}

impl NumberFault {
    pub(crate) const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The same, for commands.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::NotANumber => "a mobile's number is wanted, such as +33612345678",
            Self::Invalid => "no number of its country's plan",
            Self::NotMobile => "no mobile's number",
            Self::LostDigits => "a spreadsheet has kept only some of its digits",
        }
    }

    /// The same, as a fault of a request's field.
    pub(crate) const fn problem(self) -> FieldProblem {
        match self {
            Self::NotANumber => FieldProblem::NotANumber,
            Self::Invalid => FieldProblem::InvalidNumber,
            Self::NotMobile => FieldProblem::NotMobile,
            Self::LostDigits => FieldProblem::LostDigits,
        }
    }
}

/// The mobile that `text` writes: `+33612345678`, `0033 6 12 34 56 78`, `06.12.34.56.78`, `+33 (0)6…`, `612345678`.
///
/// # Errors
/// Why it is not one.
pub(crate) fn normalise(text: &str, country: Country) -> Result<Recipient, NumberFault> {
    match french_mobile(text.as_bytes(), country) {
        Some(recipient) => Ok(recipient),
        None => stripped(text, country),
    }
}

/// The two spellings that nearly all numbers of a French list have, without the numbering plan: ns instead of µs.
fn french_mobile(text: &[u8], country: Country) -> Option<Recipient> {
    let national = match text {
        [b'+', b'3', b'3', rest @ ..] => rest,
        [b'0', rest @ ..] if country == Country::FRANCE => rest,
        _ => return None,
    };
    // Mainland mobiles: 0639 and most of 069 are overseas, 070 to 072 are no handsets. A test compares with the plan.
    let mobile = match national {
        [b'6', b'3', third, ..] => *third <= b'8',
        [b'6', b'9', third, ..] => matches!(third, b'5' | b'8' | b'9'),
        [b'6', ..] => true,
        [b'7', second, ..] => *second >= b'3',
        _ => false,
    };
    if national.len() != 9 || !mobile {
        return None;
    }
    let digits = national.iter().try_fold(0u64, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    });
    digits.map(|digits| Recipient(33_000_000_000 + digits))
}

/// Every other spelling.
fn stripped(text: &str, country: Country) -> Result<Recipient, NumberFault> {
    let digits = strip(text)?;
    if let Some(recipient) = french_mobile(digits.as_bytes(), country) {
        return Ok(recipient);
    }
    by_numbering_plan(&digits, country)
}

/// What the numbering plan says of a number; µs instead of ns.
fn by_numbering_plan(digits: &str, country: Country) -> Result<Recipient, NumberFault> {
    let number = valid_number(digits, country)?;
    if takes_texts(&number) {
        recipient(&number)
    } else {
        Err(NumberFault::NotMobile)
    }
}

fn valid_number(digits: &str, country: Country) -> Result<PhoneNumber, NumberFault> {
    if country == Country::FRANCE
        && let Some(number) = of_saint_pierre(digits)
    {
        return Ok(number);
    }
    let region = Some(country.region());
    let number = PHONE_NUMBER_UTIL
        .parse(digits, region)
        .map_err(|_| NumberFault::Invalid)?;
    if number.is_valid() {
        return Ok(number);
    }
    let national = !digits.starts_with('+') && country == Country::FRANCE;
    let overseas = if national {
        overseas_number(digits.trim_start_matches('0')).or_else(|| without_plus(digits))
    } else {
        None
    };
    overseas.ok_or(NumberFault::Invalid)
}

/// What the numbering plan knows of a number, whether it takes texts or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// With its `+`.
    pub(crate) e164: String,
    /// `mobile`, `landline`, `landline_or_mobile` or `other`.
    pub(crate) kind: &'static str,
    /// ISO 3166-1, two letters; `None` for numbers of no country.
    pub(crate) country: Option<String>,
    /// Whether it says in which area it is at home.
    pub(crate) geographic: bool,
}

/// What the numbering plan knows of the number that `text` writes.
///
/// # Errors
/// Why it is not one; never [`NumberFault::NotMobile`].
pub(crate) fn look_up(text: &str, country: Country) -> Result<Known, NumberFault> {
    let number = valid_number(&strip(text)?, country)?;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the library has a dozen kinds of services"
    )]
    let kind = match number.get_type() {
        PhoneNumberType::Mobile => "mobile",
        PhoneNumberType::FixedLine => "landline",
        PhoneNumberType::FixedLineOrMobile => "landline_or_mobile",
        _ => "other",
    };
    Ok(Known {
        e164: number.to_string(),
        kind,
        country: number.get_region_code().map(|region| region.to_string()),
        geographic: number.is_geographical(),
    })
}

/// A number that exists, of whatever kind: people have landlines as well.
///
/// # Errors
/// Why it is none; never [`NumberFault::NotMobile`].
pub(crate) fn existing(text: &str, country: Country) -> Result<Recipient, NumberFault> {
    if let Some(recipient) = french_mobile(text.as_bytes(), country) {
        return Ok(recipient);
    }
    let known = look_up(text, country)?;
    let digits = known.e164.trim_start_matches('+').parse();
    digits.map(Recipient).map_err(|_| NumberFault::Invalid)
}

/// The overseas number that a national one is, a mobile if it can be one.
fn overseas_number(national: &str) -> Option<PhoneNumber> {
    let national = format!("0{national}");
    let numbers = OVERSEAS.into_iter().filter_map(|region| {
        let number = PHONE_NUMBER_UTIL.parse(&national, Some(region)).ok()?;
        number.is_valid_for_region(region).then_some(number)
    });
    numbers.max_by_key(takes_texts)
}

/// A number of Saint-Pierre-et-Miquelon as it is dialled there and from France, 0508 and six digits: the numbering plan of mainland France
/// has these as landlines of its own, which nobody has.
fn of_saint_pierre(digits: &str) -> Option<PhoneNumber> {
    let national = digits.strip_prefix('0').unwrap_or(digits);
    let own = national.strip_prefix("508").filter(|own| own.len() == 6)?;
    let number = PHONE_NUMBER_UTIL.parse(format!("+508{own}"), None).ok()?;
    number.is_valid_for_region(Region::PM).then_some(number)
}

/// A French number of overseas whose `+` a spreadsheet has eaten: `262692123456`.
fn without_plus(digits: &str) -> Option<PhoneNumber> {
    let number = PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok()?;
    let is_french = recipient(&number).is_ok_and(|number| Countries::home().allow(number));
    (number.is_valid() && is_french).then_some(number)
}

fn takes_texts(number: &PhoneNumber) -> bool {
    matches!(
        number.get_type(),
        PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile
    )
}

fn recipient(number: &PhoneNumber) -> Result<Recipient, NumberFault> {
    let e164 = number.to_string();
    e164.trim_start_matches('+')
        .parse()
        .map(Recipient)
        .map_err(|_| NumberFault::Invalid)
}

/// Digits, after a `+` if the number is international; without what people and spreadsheets put around them.
fn strip(text: &str) -> Result<String, NumberFault> {
    if text.len() > NUMBER_OCTETS_MAX {
        return Err(NumberFault::NotANumber);
    }
    // A formula or an apostrophe keeps a spreadsheet from reading the number as one.
    // So do marks of direction, as address books put them around numbers.
    let ornament =
        |character: char| character.is_whitespace() || shows_nothing(character) || "='\"".contains(character);
    let text = text.trim_matches(ornament);
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let whole = scientific(text)?;
    let text = whole.as_deref().unwrap_or(text);
    let mut digits = String::with_capacity(text.len());
    for character in text
        .replacen("(0)", "", usize::from(text.starts_with(['+', '0'])))
        .chars()
    {
        match character {
            '0'..='9' => digits.push(character),
            '+' if digits.is_empty() => digits.push('+'),
            '.' | '-' | '/' | '(' | ')' | '\u{2010}'..='\u{2013}' => {}
            space if space.is_whitespace() || shows_nothing(space) => {}
            _ => return Err(NumberFault::NotANumber),
        }
    }
    if let Some(international) = digits.strip_prefix("00") {
        digits = format!("+{international}");
    }
    let count = digits.trim_start_matches('+').len();
    if count == 0 || count > DIGITS_MAX {
        Err(NumberFault::NotANumber)
    } else {
        Ok(digits)
    }
}

/// Zero width spaces and marks of direction.
const fn shows_nothing(character: char) -> bool {
    matches!(
        character,
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    )
}

/// The digits of a number as spreadsheets show long ones, `6.12345678E8`; `None` for what is written otherwise.
///
/// # Errors
/// [`NumberFault::LostDigits`]: `3,36123E+10` has six digits of eleven.
fn scientific(text: &str) -> Result<Option<String>, NumberFault> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Ok(None);
    };
    let exponent = exponent.trim_start_matches('+');
    let (whole, fraction) = mantissa.split_once([',', '.']).unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || exponent.is_empty() || !(digits(exponent) && digits(whole) && digits(fraction)) {
        return Ok(None);
    }
    let places: usize = exponent.parse().map_err(|_| NumberFault::LostDigits)?;
    match fraction.split_at_checked(places) {
        Some((rest, zeros)) if zeros.bytes().all(|zero| zero == b'0') => Ok(Some(format!("{whole}{rest}"))),
        Some(_) => Err(NumberFault::NotANumber),
        None => Err(NumberFault::LostDigits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<u64, NumberFault> {
        normalise(text, Country::FRANCE).map(|recipient| recipient.0)
    }

    #[test]
    fn every_usual_spelling_is_understood() {
        for text in [
            "+33612345678",
            "0612345678",
            "612345678",
            "33612345678",
            "0033612345678",
            "+33 (0)6 12 34 56 78",
            "0033 (0) 612345678".replace("(0) ", "(0)").as_str(),
            "06.12.34.56.78",
            "06-12-34-56-78",
            "06/12/34/56/78",
            " 06\u{a0}12\u{202f}34 56 78 ",
            "=\"0612345678\"",
            "'0612345678",
            "tel:+33612345678",
            "\u{202a}+33 6 12 34 56 78\u{202c}",
            "06\u{200e}12345678",
            "6.12345678E8",
            "3,3612345678e+10",
            "6.1234567800E8",
        ] {
            assert_eq!(number(text), Ok(33_612_345_678), "{text}");
        }
    }

    #[test]
    fn overseas_numbers_go_home() {
        assert_eq!(number("0692123456"), Ok(262_692_123_456));
        assert_eq!(number("0690123456"), Ok(590_690_123_456));
        assert_eq!(number("0696123456"), Ok(596_696_123_456));
        assert_eq!(number("0694123456"), Ok(594_694_123_456));
        assert_eq!(number("0639012345"), Ok(262_639_012_345));
        assert_eq!(number("692123456"), Ok(262_692_123_456));
        // A spreadsheet has eaten the +.
        assert_eq!(number("262692123456"), Ok(262_692_123_456));
        assert_eq!(number("590690123456"), Ok(590_690_123_456));
        assert_eq!(
            number("32470123456"),
            Err(NumberFault::Invalid),
            "elsewhere it may be anything"
        );
        // As it is dialled in Saint-Pierre.
        for text in ["0508551234", "05 08 55 12 34", "508551234", "+508551234"] {
            assert_eq!(number(text), Ok(508_551_234), "{text}");
        }
        assert_eq!(number("0508412345"), Err(NumberFault::NotMobile));
        assert_eq!(number("0559123456"), Err(NumberFault::NotMobile));
        assert_eq!(
            number("+33692123456"),
            Err(NumberFault::Invalid),
            "who writes a country means it"
        );
    }

    #[test]
    fn other_countries_are_taken_with_their_code() {
        assert_eq!(number("+32470123456"), Ok(32_470_123_456));
        assert_eq!(number("+1 201 555 0123"), Ok(12_015_550_123), "fixed line or mobile");
        assert_eq!(
            normalise("0470123456", "BE".parse().unwrap()),
            Ok(Recipient(32_470_123_456))
        );
    }

    #[test]
    fn what_is_no_recipient_says_why() {
        for (text, fault) in [
            ("", NumberFault::NotANumber),
            ("Martin", NumberFault::NotANumber),
            ("06 12 34 56 7a", NumberFault::NotANumber),
            ("0612345678 / 0687654321", NumberFault::NotANumber),
            ("06123", NumberFault::Invalid),
            ("0123456789", NumberFault::NotMobile),
            ("+33123456789", NumberFault::NotMobile),
            ("3,36123E+10", NumberFault::LostDigits),
            ("3.36123e10", NumberFault::LostDigits),
            ("6.123456785E8", NumberFault::NotANumber),
            ("1E400", NumberFault::LostDigits),
            ("0262123456", NumberFault::NotMobile),
            ("0590123456", NumberFault::NotMobile),
            ("+999123456789", NumberFault::Invalid),
        ] {
            assert_eq!(number(text), Err(fault), "{text}");
        }
        assert_eq!(number(&"0".repeat(1_000)), Err(NumberFault::NotANumber));
    }

    #[test]
    fn the_short_way_agrees_with_the_numbering_plan() {
        for head in 6_000..8_000 {
            let text = format!("+33{head}12345");
            let short = french_mobile(text.as_bytes(), Country::FRANCE);
            assert_eq!(short, by_numbering_plan(&text, Country::FRANCE).ok(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_number_or_not(text in "[-+(). 0-9eE\\PC]{0,24}") {
            if let Ok(recipient) = normalise(&text, Country::FRANCE) {
                proptest::prop_assert_eq!(normalise(&recipient.to_string(), Country::FRANCE), Ok(recipient));
            }
        }
    }
}
