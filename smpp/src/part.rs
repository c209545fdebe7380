//! The octets of a received text without their header, and which part of a longer message they are.

use crate::frame::{Sm, tag};
use crate::segment::ESM_CLASS_UDHI;

/// Which part of a longer message a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// The same for all parts of one message to one recipient.
    pub reference: u16,
    /// How many there are.
    pub total: u8,
    /// Which this is, from 1.
    pub number: u8,
}

impl Part {
    fn new(reference: u16, total: u8, number: u8) -> Option<Self> {
        let part = Self {
            reference,
            total,
            number,
        };
        (1..=total).contains(&number).then_some(part)
    }
}

/// The text's octets without a user data header, and the part that the header or the SAR parameters (3.4, 5.3.2.22 to 24)
/// say it is.
pub fn user_data<'a>(sm: &Sm<'a>) -> (&'a [u8], Option<Part>) {
    let (header, text) = split_header(sm.esm_class, sm.text());
    (text, header.and_then(concatenation).or_else(|| sar(sm)))
}

/// The elements of a text's user data header, without its length; empty without one.
pub fn header<'a>(sm: &Sm<'a>) -> &'a [u8] {
    split_header(sm.esm_class, sm.text()).0.unwrap_or_default()
}

/// The user data header, if there is one, and what is behind it. The flag alone proves nothing: the header must also be one,
/// and no header is as long as the code of a printable character.
pub(crate) fn split_header(esm_class: u8, body: &[u8]) -> (Option<&[u8]>, &[u8]) {
    if esm_class & ESM_CLASS_UDHI != 0
        && let Some((&length, rest)) = body.split_first()
        && length < b' '
        && let Some((header, text)) = rest.split_at_checked(usize::from(length))
    {
        return (Some(header), text);
    }
    (None, body)
}

/// The concatenation element with 8 or 16 bits of reference (3GPP TS 23.040, 9.2.3.24.1 and 8).
fn concatenation(header: &[u8]) -> Option<Part> {
    let mut rest = header;
    while let [element, length, behind @ ..] = rest {
        let (value, next) = behind.split_at_checked(usize::from(*length))?;
        match (element, value) {
            (0x00, &[reference, total, number]) => return Part::new(reference.into(), total, number),
            (0x08, &[high, low, total, number]) => return Part::new(u16::from_be_bytes([high, low]), total, number),
            _ => rest = next,
        }
    }
    None
}

fn sar(sm: &Sm<'_>) -> Option<Part> {
    let octet = |tag| sm.tlvs.get(tag).and_then(|value| value.last().copied());
    let reference = sm.tlvs.get(tag::SAR_MSG_REF_NUM)?.first_chunk().copied()?;
    let (total, number) = (octet(tag::SAR_TOTAL_SEGMENTS)?, octet(tag::SAR_SEGMENT_SEQNUM)?);
    Part::new(u16::from_be_bytes(reference), total, number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Tlvs;

    fn received<'a>(esm_class: u8, short_message: &'a [u8], tlvs: &'a [u8]) -> Sm<'a> {
        Sm {
            esm_class,
            short_message,
            tlvs: Tlvs(tlvs),
            ..Sm::default()
        }
    }

    fn part(reference: u16, total: u8, number: u8) -> Option<Part> {
        Some(Part {
            reference,
            total,
            number,
        })
    }

    #[test]
    fn a_header_is_taken_off_and_says_which_part_it_is() {
        let short = received(0x40, b"\x05\x00\x03\x08\x02\x01Bonjour", b"");
        assert_eq!(user_data(&short), (&b"Bonjour"[..], part(8, 2, 1)));
        let long = received(0x40, b"\x06\x08\x04\x01\x02\x03\x02suite", b"");
        assert_eq!(user_data(&long), (&b"suite"[..], part(0x0102, 3, 2)));
        let behind_ports = received(0x40, b"\x0B\x05\x04\x00\x01\x00\x02\x00\x03\x07\x02\x02x", b"");
        assert_eq!(user_data(&behind_ports), (&b"x"[..], part(7, 2, 2)));
    }

    #[test]
    fn what_is_not_a_header_is_text() {
        for (esm_class, text) in [
            (0x00, &b"\x05\x00\x03\x08\x02\x01Bonjour"[..]),
            (0x40, b"Bonjour"),
            (0x40, b"\x1F"),
            (0x40, b""),
        ] {
            assert_eq!(user_data(&received(esm_class, text, b"")), (text, None));
        }
        let third_of_two = received(0x40, b"\x05\x00\x03\x08\x02\x03x", b"");
        assert_eq!(user_data(&third_of_two), (&b"x"[..], None));
    }

    #[test]
    fn the_sar_parameters_say_the_same() {
        let tlvs = b"\x02\x0C\x00\x02\x00\x2A\x02\x0E\x00\x01\x02\x02\x0F\x00\x01\x02";
        assert_eq!(user_data(&received(0, b"fin", tlvs)), (&b"fin"[..], part(42, 2, 2)));
        assert_eq!(user_data(&received(0, b"fin", &tlvs[..12])), (&b"fin"[..], None));
    }
}
