//! Message ids: written as a scenario's format says, and found again.

use crate::ledger::Row;
use crate::number::{Number, Numbers, write_decimal};
use crate::outcome::{Base, IdFormat, IdShape};
use crate::random::{mix, unmix};

use super::Smsc;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const CAPITALS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The longest id that is looked for: no shape writes more.
const ID_OCTETS_MAX: usize = 255;

/// Messages that bore the same id one after the other, and are looked at for the latest that was accepted.
const REUSED_MAX: usize = 1000;

/// The hexadecimal digits of a UUID, and where the version and the variant stand among them (RFC 9562, 5.4).
const UUID_DIGITS: usize = 32;
const UUID_VERSION: usize = 12;
const UUID_VARIANT: usize = 16;

/// What an id is written from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdOf<'a> {
    /// The number that belongs to this message alone.
    pub(crate) id: u64,
    /// Its place in order of arrival.
    pub(crate) place: u32,
    pub(crate) recipient: Number,
    pub(crate) part: u8,
    pub(crate) total: u8,
    pub(crate) numbers: &'a Numbers,
}

impl<'a> IdOf<'a> {
    /// Of the row at that place of the ledger.
    pub(crate) fn row(row: &Row, place: u32, numbers: &'a Numbers) -> Self {
        Self {
            id: row.id,
            place,
            recipient: row.recipient,
            part: row.part,
            total: row.total,
            numbers,
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
pub(crate) fn id_text(format: &IdFormat, of: &IdOf<'_>) -> String {
    let mut octets = Vec::with_capacity(36);
    write_id(&format.answer, of, &mut octets);
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

/// The number that a UUID was written from.
fn number_of_uuid(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    if digits.len() != UUID_DIGITS || !digits.is_ascii() {
        return None;
    }
    let shuffled = format!("{}{}", &digits[..UUID_VERSION], &digits[28..]);
    u64::from_str_radix(&shuffled, 16).ok().map(unmix)
}

/// The numbers that an id of that shape may have been written from. Whoever asks writes the id again and compares.
fn candidates<'a>(shape: &'a IdShape, text: &'a str) -> impl Iterator<Item = u128> + 'a {
    let radix = match shape.base {
        Base::Decimal => Some(10),
        Base::Hex => Some(16),
        Base::Base36 => Some(36),
        Base::Absent | Base::Uuid | Base::UuidPlain => None,
    };
    let inner = text.strip_prefix(&*shape.prefix).unwrap_or(text);
    let words = inner.split(|letter: char| !letter.is_ascii_alphanumeric());
    let plain = words.filter_map(move |word| u128::from_str_radix(word, radix?).ok());
    let uuid = matches!(shape.base, Base::Uuid | Base::UuidPlain).then(|| number_of_uuid(text));
    let uuid = uuid.flatten().map(u128::from);
    plain.chain(uuid).filter_map(|number| number.checked_sub(shape.plus))
}

impl Smsc {
    /// The place in the ledger of the accepted message whose answer bore that id, whatever the format of its outcome.
    /// Where ids are reused it is the latest one. Letters may come in either case.
    pub(crate) fn find_message(&self, id: &[u8]) -> Option<u32> {
        let text = std::str::from_utf8(id)
            .ok()
            .filter(|text| text.len() <= ID_OCTETS_MAX)?;
        let mut seen: Vec<&IdShape> = Vec::new();
        for outcome in &self.outcomes {
            let shape = &outcome.message_id.answer;
            if seen.contains(&shape) {
                continue;
            }
            seen.push(shape);
            let mut numbers = candidates(shape, text).filter_map(|number| u64::try_from(number).ok());
            if let Some(place) = numbers.find_map(|number| self.place_of(shape, number, text)) {
                return Some(place);
            }
        }
        None
    }

    fn place_of(&self, shape: &IdShape, number: u64, text: &str) -> Option<u32> {
        if shape.reuse == 0 {
            return self.ledger.place(number).filter(|&place| self.bears(place, text));
        }
        let first = u32::try_from(number).ok().filter(|&number| number < shape.reuse)?;
        let places = (first..self.ledger.next_place()).step_by(shape.reuse as usize).rev();
        places.take(REUSED_MAX).find(|&place| self.bears(place, text))
    }

    fn bears(&self, place: u32, text: &str) -> bool {
        let Some(row) = self.ledger.row(place).filter(|row| row.accepted) else {
            return false;
        };
        let of = IdOf::row(row, place, &self.numbers);
        id_text(&self.outcomes[usize::from(row.outcome)].message_id, &of).eq_ignore_ascii_case(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::ID_FORMATS;

    /// The three ids that a format makes of a number.
    fn ids(format: &str, id: u64) -> [String; 3] {
        let mut numbers = Numbers::default();
        let recipient = numbers.number(b"33612345678");
        let of = IdOf {
            id,
            place: 1007,
            recipient,
            part: 1,
            total: 2,
            numbers: &numbers,
        };
        let format = IdFormat::named(format).unwrap_or_else(|| panic!("no format is called {format}"));
        [&format.answer, &format.text, &format.tlv].map(|shape| {
            let mut out = Vec::new();
            write_id(shape, &of, &mut out);
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
    fn uuids_are_of_version_4_and_lead_back_to_their_number() {
        let [answer, cut, _] = ids("uuid_cut", 7);
        assert_eq!((answer.len(), &answer[14..15], cut.as_str()), (36, "4", &answer[..32]));
        assert!(["8", "9", "a", "b"].contains(&&answer[19..20]), "{answer}");
        assert_eq!(ids("uuid_plain_tlv", 7)[2], answer.replace('-', ""));
        assert_ne!(ids("uuid", 8)[0], answer);
        for id in [0, 7, u64::MAX, 1_795_363_200_000_000_000] {
            assert_eq!(number_of_uuid(&ids("uuid_upper", id)[0]), Some(id));
        }
    }

    #[test]
    fn every_answer_leads_back_to_its_number() {
        for (name, format) in ID_FORMATS {
            let format = format();
            if format.answer.base == Base::Absent {
                continue;
            }
            let text = &ids(name, 123_456_789)[0];
            let expected = if format.answer.reuse == 0 {
                123_456_789
            } else {
                1007 % u128::from(format.answer.reuse)
            };
            let found = candidates(&format.answer, text).any(|number| number == expected);
            assert!(found, "{name}: {text}");
        }
    }
}
