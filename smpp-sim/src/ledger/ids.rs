//! Message ids: written as a scenario's format says, and found again.

use kit::random::mix;

use super::row::Row;
use crate::model::{Base, IdFormat, IdShape};
use crate::number::{Number, Numbers, write_decimal};
use crate::version::Version;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const CAPITALS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The hexadecimal digits of a UUID, and where the version and the variant stand among them (RFC 9562, 5.4).
const UUID_DIGITS: usize = 32;
const UUID_VERSION: usize = 12;
const UUID_VARIANT: usize = 16;

/// What an id is written from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdOf<'a> {
    /// The number that belongs to this message alone.
    pub(crate) id: u64,
    /// The place of the message in order of arrival.
    pub(crate) place: u32,
    pub(crate) recipient: Number,
    pub(crate) part: u8,
    pub(crate) total: u8,
    /// Of the session that submitted it.
    pub(crate) version: Version,
    pub(crate) numbers: &'a Numbers,
}

/// What ids look like in 3.3, which has room for 8 hexadecimal digits (3.3, 6.2.10): letters as the format has them.
static CAPITALS_OF_3_3: IdShape = IdShape::digits(Base::Hex, true);
static LETTERS_OF_3_3: IdShape = IdShape::digits(Base::Hex, false);
static DECIMAL_OF_3_3: IdShape = IdShape::digits(Base::Decimal, false);
const NUMBER_OF_3_3: u64 = 0xFFFF_FFFF;

impl<'a> IdOf<'a> {
    /// Of the row at that place of the ledger.
    pub(crate) fn row(row: &Row, place: u32, numbers: &'a Numbers) -> Self {
        let version = row.version();
        Self {
            id: match version {
                Version::V33 => row.id & NUMBER_OF_3_3,
                Version::V34 | Version::V50 => row.id,
            },
            // The destinations of a submit_multi share the id of the first.
            place: place.wrapping_sub(u32::from(row.of_multi)),
            version,
            recipient: row.recipient,
            part: row.part,
            total: row.total,
            numbers,
        }
    }

    /// The shape that one of the ids of a format has for the version that the message was submitted in.
    pub(crate) fn shape<'s>(&self, format: &IdFormat, shape: &'s IdShape) -> &'s IdShape {
        match (self.version, shape.base, format.answer.base) {
            (Version::V34 | Version::V50, ..) | (Version::V33, Base::Absent, _) => shape,
            (Version::V33, Base::Decimal, Base::Hex) => &DECIMAL_OF_3_3,
            (Version::V33, Base::Hex, Base::Hex) if !shape.upper => &LETTERS_OF_3_3,
            (Version::V33, ..) => &CAPITALS_OF_3_3,
        }
    }
}

/// Appends an id of that shape.
pub(crate) fn write_id(shape: &IdShape, of: &IdOf<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    if shape.base != Base::Absent && !shape.prefix.is_empty() {
        write_affix(&shape.prefix, of, out);
    }
    let digits = out.len();
    let number = number(shape, of);
    match shape.base {
        Base::Absent => return,
        Base::Decimal => match u64::try_from(number) {
            Ok(number) => write_decimal(number, out),
            Err(_) => write_radix(number, 10, shape.upper, out),
        },
        Base::Hex => write_hex(number, shape.upper, out),
        Base::Base36 => write_radix(number, 36, shape.upper, out),
        Base::Uuid | Base::UuidPlain => write_uuid(number as u64, shape, out),
    }
    pad(shape, digits, out);
    if !shape.suffix.is_empty() {
        write_affix(&shape.suffix, of, out);
    }
    if shape.cut > 0 {
        out.truncate(start + usize::from(shape.cut));
    }
}

/// The id in the answer, as text.
pub(super) fn id_text(format: &IdFormat, of: &IdOf<'_>) -> String {
    let mut octets = Vec::with_capacity(36);
    write_id(of.shape(format, &format.answer), of, &mut octets);
    String::from_utf8_lossy(&octets).into_owned()
}

fn number(shape: &IdShape, of: &IdOf<'_>) -> u128 {
    let number = match shape.reuse {
        0 => of.id,
        reuse => u64::from(of.place % reuse),
    };
    u128::from(number) + shape.plus
}

/// Leading zeros before the digits that begin there.
fn pad(shape: &IdShape, digits: usize, out: &mut Vec<u8>) {
    let length = out.len() - digits;
    let even = length + usize::from(shape.even && length % 2 == 1);
    let missing = even.max(usize::from(shape.width)) - length;
    if missing > 0 {
        out.resize(out.len() + missing, b'0');
        out[digits..].rotate_right(missing);
    }
}

/// A prefix or suffix, with what stands for the recipient and the segment filled in.
fn write_affix(affix: &str, of: &IdOf<'_>, out: &mut Vec<u8>) {
    let mut rest = affix;
    while let Some((before, after)) = rest.split_once('{') {
        out.extend_from_slice(before.as_bytes());
        let Some((name, after)) = after.split_once('}') else {
            return;
        };
        match name {
            "recipient" => of.numbers.write(of.recipient, out),
            "total" => write_decimal(u64::from(of.total), out),
            "part" => write_decimal(u64::from(of.part), out),
            _ => {}
        }
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
}

fn write_hex(number: u128, upper: bool, out: &mut Vec<u8>) {
    let alphabet = if upper { CAPITALS } else { DIGITS };
    let places = (32 - number.leading_zeros() / 4).max(1);
    for place in (0..places).rev() {
        out.push(alphabet[(number >> (place * 4)) as usize & 15]);
    }
}

fn write_radix(mut number: u128, radix: u128, upper: bool, out: &mut Vec<u8>) {
    let alphabet = if upper { CAPITALS } else { DIGITS };
    let start = out.len();
    loop {
        out.push(alphabet[(number % radix) as usize]);
        number /= radix;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// A version 4 UUID, always the same for the same number. 64 of its bits are the number, shuffled: the first twelve
/// digits and the last four.
fn write_uuid(number: u64, shape: &IdShape, out: &mut Vec<u8>) {
    let alphabet = if shape.upper { CAPITALS } else { DIGITS };
    let shuffled = mix(number);
    let filling = mix(shuffled);
    for place in 0..UUID_DIGITS {
        if shape.base == Base::Uuid && [8, 12, 16, 20].contains(&place) {
            out.push(b'-');
        }
        let digit = match place {
            UUID_VERSION => 4,
            UUID_VARIANT => 8 | filling & 3,
            0..UUID_VERSION => shuffled >> (60 - place * 4),
            28.. => shuffled >> ((31 - place) * 4),
            _ => filling >> (place * 2),
        };
        out.push(alphabet[digit as usize & 15]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ID_FORMATS;

    /// The three ids that a format makes of a number.
    fn ids(format: &str, id: u64) -> [String; 3] {
        written(format, id, Version::V34)
    }

    fn written(format: &str, id: u64, version: Version) -> [String; 3] {
        let mut numbers = Numbers::default();
        let recipient = numbers.number(b"33612345678");
        let of = IdOf {
            id,
            place: 1007,
            recipient,
            part: 1,
            total: 2,
            version,
            numbers: &numbers,
        };
        let format = IdFormat::named(format).unwrap_or_else(|| panic!("no format is called {format}"));
        [&format.answer, &format.text, &format.tlv].map(|shape| {
            let mut out = Vec::new();
            write_id(of.shape(&format, shape), &of, &mut out);
            String::from_utf8(out).unwrap()
        })
    }

    #[test]
    fn ids_look_as_their_format_says() {
        let cases = [
            ("decimal", 255, ["255", "255", "255"]),
            ("hex_upper", 255, ["FF", "FF", "FF"]),
            ("hex_upper", 0, ["0", "0", "0"]),
            ("hex_lower", 0x1AB, ["1ab", "1ab", "1ab"]),
            ("hex_answer_decimal_receipt", 255, ["FF", "255", "255"]),
            ("decimal_answer_hex_receipt", 255, ["255", "FF", "FF"]),
            ("hex_case", 0x1d6_a811, ["1d6a811", "1D6A811", "1D6A811"]),
            ("even_hex", 0x4_0000_0008, ["0400000008", "0400000008", "0400000008"]),
            ("stripped_receipt", 24, ["000000000000000000000024", "24", "24"]),
            (
                "over_i64",
                1_308_878_062_554_710_043,
                ["812FC7470000001B", "9308878062554710043", "9308878062554710043"],
            ),
            ("at_host_tlv", 7, ["7", "7", "7@1154905154"]),
            (
                "sar_case",
                0x1eed_f843,
                [
                    "SAR-33612345678-1eedf843-2-1",
                    "SAR-33612345678-1EEDF843-2-1",
                    "SAR-33612345678-1EEDF843-2-1",
                ],
            ),
            ("tlv_differs", 5000, ["5000", "5000", "6000"]),
            ("empty_answer", 5, ["", "5", "5"]),
            ("reused", 5, ["000007", "000007", "000007"]),
            ("base36", 35, ["z", "z", "z"]),
        ];
        for (format, id, expected) in cases {
            assert_eq!(ids(format, id), expected, "{format} of {id}");
        }
        assert_eq!(ids("digits_30", 0)[0].len(), 30);
        assert_eq!(ids("over_u64", 4_567_564_356_765_435_676)[1], "64567564356765435676");
    }

    #[test]
    fn uuids_are_of_version_4_and_of_one_number() {
        let [answer, cut, _] = ids("uuid_cut", 7);
        assert_eq!((answer.len(), &answer[14..15], cut.as_str()), (36, "4", &answer[..32]));
        assert!(["8", "9", "a", "b"].contains(&&answer[19..20]), "{answer}");
        assert_eq!(ids("uuid_plain_tlv", 7)[2], answer.replace('-', ""));
        assert_ne!(ids("uuid", 8)[0], answer);
    }

    #[test]
    fn ids_of_3_3_have_8_hexadecimal_digits() {
        for (name, _) in ID_FORMATS {
            let [answer, ..] = written(name, 0x5AFE_F00D, Version::V33);
            let digits = answer.is_empty() || u32::from_str_radix(&answer, 16).is_ok();
            assert!(answer.len() <= 8 && digits, "{name}: {answer}");
        }
        let [answer, text, _] = written("hex_answer_decimal_receipt", 255, Version::V33);
        assert_eq!((answer.as_str(), text.as_str()), ("FF", "255"));
    }
}
