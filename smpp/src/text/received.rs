//! Received octets whose meaning depends on more than their `data_coding`: on the SMSC's default alphabet, and on the tables
//! that their user data header names.

use std::borrow::Cow;

use super::{Alphabet, Encoding, Shift, decode, gsm7, is_default_alphabet};

/// The text of received octets. `header`: the elements of their user data header, without its length; empty without one.
pub fn read((header, octets): (&[u8], &[u8]), data_coding: u8, alphabet: Alphabet) -> String {
    let (octets, data_coding) = plain((header, octets), data_coding, alphabet);
    decode(&octets, data_coding)
}

/// The same text as octets that [`decode`] reads by the `data_coding` that comes with them, wherever they are from.
pub fn plain<'o>((header, octets): (&[u8], &'o [u8]), data_coding: u8, alphabet: Alphabet) -> (Cow<'o, [u8]>, u8) {
    if !is_default_alphabet(data_coding) {
        return (Cow::Borrowed(octets), data_coding);
    }
    let septets = match alphabet {
        Alphabet::Gsm7 => Cow::Borrowed(octets),
        Alphabet::Gsm7Packed => Cow::Owned(gsm7::unpack(octets, fill_bits(header.len()))),
        Alphabet::Latin1 | Alphabet::Latin1As3 => return (Cow::Borrowed(octets), Encoding::Latin1.data_coding()),
    };
    let shift = Shift::of_header(header);
    if shift.is_none() {
        return (septets, data_coding);
    }
    let units = shift
        .decode(&septets)
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    (Cow::Owned(units), Encoding::Ucs2.data_coding())
}

/// Bits between a header with elements of so many octets and the first packed septet, which begins where a septet would
/// (3GPP TS 23.040, 9.2.3.24).
pub(crate) const fn fill_bits(elements: usize) -> usize {
    match elements {
        0 => 0,
        _ => (7 - (elements + 1) * 8 % 7) % 7,
    }
}
