//! One form for all the ways in which SMSCs write the same id, so that an index of millions of ids can be asked for one:
//! the equalities of [`relation`](super::relation), by hashing instead of comparing.

use std::borrow::Cow;

use super::identity::{TRUNCATED_MIN, UNHYPHENATED_MIN, hex_digits, strip_zeros, trim};

/// Characters of a UUID with its hyphens, and where these are (RFC 9562, 4).
const UUID_LENGTH: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The id in lower case, without padding, without hyphens, without what follows an `@`, at most 32 characters; a number
/// also without `0x` or `h`, and without zeros in front. Borrowed when it is all that already, as most ids are.
/// Of a UUID, what is left when it is cut off after 32 characters: 28 of its digits.
///
/// Two ids of one form are the same for [`relation`](super::relation), except those that differ behind their 32nd
/// character only (UUIDs: their 28th digit), or have their hyphens in different places. An id in the other base has another form: [`index_forms`].
pub fn index_form(id: &[u8]) -> Cow<'_, [u8]> {
    let id = trim(id);
    // The ordinary id is a number, decimal or hexadecimal: one look. A UUID may be as long as the longest of them, and has letters.
    let is_digit = |octet: &u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    let decimal = || id.len() == TRUNCATED_MIN && id.iter().all(u8::is_ascii_digit);
    let hexadecimal = id.len() < TRUNCATED_MIN && id.iter().all(is_digit);
    if id.first() != Some(&b'0') && (hexadecimal || decimal()) {
        return Cow::Borrowed(id);
    }
    let before_at = id.split(|&octet| octet == b'@').next().unwrap_or(id);
    let mut form = before_at.to_ascii_lowercase();
    if let Some(digits) = uuid_digits(&form) {
        return Cow::Owned(digits);
    }
    if form.len() >= UNHYPHENATED_MIN {
        form.retain(|&octet| octet != b'-');
    }
    if let Some(digits) = hex_digits(&form) {
        form = strip_zeros(digits).to_vec();
    }
    form.truncate(TRUNCATED_MIN);
    if form == id {
        Cow::Borrowed(id)
    } else {
        Cow::Owned(form)
    }
}

/// The digits of a UUID that are left in a field of 32 characters. None: it is no UUID, whole or cut off there, with its hyphens
/// or without them.
fn uuid_digits(id: &[u8]) -> Option<Vec<u8>> {
    let is_hyphen_at = |place: &usize| id.get(*place) == Some(&b'-');
    let hyphenated = (TRUNCATED_MIN..=UUID_LENGTH).contains(&id.len()) && HYPHENS.iter().all(is_hyphen_at);
    // A counter of 32 digits would lose its last ones: version and variant tell it from a UUID (RFC 9562, 4.1 and 4.2).
    let plain = id.len() == TRUNCATED_MIN && matches!((id[12], id[16]), (b'1'..=b'8', b'8' | b'9' | b'a' | b'b'));
    if !hyphenated && !plain {
        return None;
    }
    let digits: Vec<u8> = id.iter().copied().filter(|octet| *octet != b'-').collect();
    let valid = digits.iter().all(u8::is_ascii_hexdigit);
    valid.then(|| digits[..TRUNCATED_MIN - HYPHENS.len()].to_vec())
}

/// Every form that the same id may be kept under, the surest first: its own, and those of the number that it is when a
/// decimal number is read as a hexadecimal one, and the reverse.
pub fn index_forms(id: &[u8]) -> Vec<Vec<u8>> {
    let own = index_form(id).into_owned();
    let text = std::str::from_utf8(&own).unwrap_or_default();
    let as_hexadecimal = text.parse::<u128>().ok().map(|number| format!("{number:x}"));
    let as_decimal = u128::from_str_radix(text, 16).ok().map(|number| number.to_string());
    let other_bases = [as_hexadecimal, as_decimal].into_iter().flatten();
    let other_bases: Vec<_> = other_bases.map(String::into_bytes).collect();
    std::iter::once(own).chain(other_bases).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ordinary_id_is_its_own_form() {
        for id in ["1795363200000000000", "abc", "1-23"] {
            assert!(
                matches!(index_form(id.as_bytes()), Cow::Borrowed(form) if form == id.as_bytes()),
                "{id}"
            );
        }
        assert_eq!(*index_form(b"00ABC\0"), *b"abc");
        assert_eq!(*index_form(b"0xABC"), *index_form(b"ABCh"));
        assert_eq!(*index_form(b"0Z1"), *b"0z1", "zeros mean nothing only in numbers");
    }

    #[test]
    fn a_uuid_has_one_form_however_it_is_written_or_cut() {
        let uuid = "0E999F21-5a3c-4b7d-9e10-c0ffee123456";
        let form = index_form(uuid.as_bytes()).into_owned();
        assert_eq!(form, b"0e999f215a3c4b7d9e10c0ffee12");
        for other in [&uuid[..32], &uuid.to_lowercase(), &uuid.replace('-', "")] {
            assert_eq!(*index_form(other.as_bytes()), *form, "{other}");
        }
        let counter = "00000000000000000000000000012345";
        assert_eq!(*index_form(counter.as_bytes()), *b"12345");
    }

    #[test]
    fn a_number_is_kept_under_both_bases() {
        assert_eq!(index_forms(b"255"), [b"255".to_vec(), b"ff".to_vec(), b"597".to_vec()]);
        assert_eq!(index_forms(b"FF"), [b"ff".to_vec(), b"255".to_vec()]);
        assert_eq!(index_forms(b"uuid"), [b"uuid".to_vec()]);
    }
}
