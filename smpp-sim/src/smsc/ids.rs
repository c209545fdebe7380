use std::fmt::Write;

use crate::number::write_decimal;
use crate::outcome::IdFormat;
use crate::random::{Draw, mix};
use crate::version::Version;

/// How a message's id looks to a client of that version: 3.3 has room for 8 hexadecimal digits (3.3, 6.2.10).
pub(crate) fn for_version(version: Version, format: IdFormat, id: u64) -> (IdFormat, u64) {
    match version {
        Version::V34 | Version::V50 => (format, id),
        Version::V33 => {
            let format = match format {
                IdFormat::HexLower | IdFormat::HexAnswerDecimalReceipt => format,
                IdFormat::Decimal | IdFormat::HexUpper | IdFormat::Uuid | IdFormat::DecimalAnswerHexReceipt => {
                    IdFormat::HexUpper
                }
            };
            (format, id & 0xFFFF_FFFF)
        }
    }
}

/// Appends the id that an answer names a message by.
pub(crate) fn write_answer_id(format: IdFormat, id: u64, out: &mut Vec<u8>) {
    match format {
        IdFormat::Decimal | IdFormat::DecimalAnswerHexReceipt => write_decimal(id, out),
        IdFormat::HexUpper | IdFormat::HexAnswerDecimalReceipt => write_hex(id, b"0123456789ABCDEF", out),
        IdFormat::HexLower => write_hex(id, b"0123456789abcdef", out),
        IdFormat::Uuid => out.extend_from_slice(uuid(id).as_bytes()),
    }
}

/// Appends the id that a receipt names a message by.
pub(crate) fn write_receipt_id(format: IdFormat, id: u64, out: &mut Vec<u8>) {
    match format {
        IdFormat::HexAnswerDecimalReceipt => write_decimal(id, out),
        IdFormat::DecimalAnswerHexReceipt => write_hex(id, b"0123456789ABCDEF", out),
        IdFormat::Decimal | IdFormat::HexUpper | IdFormat::HexLower | IdFormat::Uuid => {
            write_answer_id(format, id, out);
        }
    }
}

/// The id in the answer, as text.
pub(crate) fn id_text(format: IdFormat, id: u64) -> String {
    let mut octets = Vec::with_capacity(36);
    write_answer_id(format, id, &mut octets);
    String::from_utf8_lossy(&octets).into_owned()
}

fn write_hex(id: u64, digits: &[u8; 16], out: &mut Vec<u8>) {
    let places = (16 - id.leading_zeros() / 4).max(1);
    for place in (0..places).rev() {
        out.push(digits[(id >> (place * 4)) as usize & 15]);
    }
}

/// A version 4 UUID, always the same for the same id.
fn uuid(id: u64) -> String {
    let (high, low) = (mix(id), mix(id ^ (Draw::Uuid as u64) << 60));
    let version = (high & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000;
    let variant = (low & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
    let mut text = String::with_capacity(36);
    let written = write!(
        text,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        version >> 32,
        version >> 16 & 0xFFFF,
        version & 0xFFFF,
        variant >> 48,
        variant & 0xFFFF_FFFF_FFFF
    );
    debug_assert!(written.is_ok(), "a String takes everything");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(format: IdFormat, id: u64) -> (String, String) {
        let mut receipt = Vec::new();
        write_receipt_id(format, id, &mut receipt);
        (id_text(format, id), String::from_utf8(receipt).unwrap())
    }

    #[test]
    fn ids_look_as_their_format_says() {
        let both = |left: &str, right: &str| (left.to_owned(), right.to_owned());
        assert_eq!(pair(IdFormat::Decimal, 255), both("255", "255"));
        assert_eq!(pair(IdFormat::HexUpper, 255), both("FF", "FF"));
        assert_eq!(pair(IdFormat::HexLower, 0x1AB), both("1ab", "1ab"));
        assert_eq!(pair(IdFormat::HexAnswerDecimalReceipt, 255), both("FF", "255"));
        assert_eq!(pair(IdFormat::DecimalAnswerHexReceipt, 255), both("255", "FF"));
        assert_eq!(pair(IdFormat::HexUpper, 0), both("0", "0"));
        let (uuid, same) = pair(IdFormat::Uuid, 7);
        assert_eq!((uuid.len(), &uuid[14..15], &uuid), (36, "4", &same));
        assert_ne!(uuid, pair(IdFormat::Uuid, 8).0);
    }

    #[test]
    fn ids_of_3_3_have_8_hexadecimal_digits() {
        let id = 1_795_363_200_000_000_255;
        for (_, format) in IdFormat::NAMES {
            assert_eq!(for_version(Version::V34, *format, id), (*format, id));
            let (format, id) = for_version(Version::V33, *format, id);
            let text = id_text(format, id);
            assert!(text.len() <= 8 && u32::from_str_radix(&text, 16).is_ok(), "{text}");
        }
    }
}
