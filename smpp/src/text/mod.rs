//! Texts ⇄ octets: GSM 03.38, Latin-1 and UCS-2, and which of them a text needs.
//!
//! A French text mostly fails to be GSM 03.38 by typography alone (`’`, `ê`, `œ`, a no-break space), and then costs more
//! than twice the segments: [`choose`] exchanges those characters for their nearest counterparts where the policy
//! says so, and [`culprits`] shows an author which characters it is about.

mod gsm7;
mod national;
mod received;
mod transliterate;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::segment::{self, Format};

pub use national::{Language, Shift};
pub use received::{plain, read};
pub use transliterate::{Culprit, counterpart, culprits, transliterate};

/// How a text's characters are written as octets (3.4, 5.2.19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// GSM 03.38 default alphabet with its extension table, one septet per octet, unpacked, as nearly every SMSC wants it.
    Gsm7,
    /// ISO 8859-1, one octet a character.
    Latin1,
    /// UTF-16, big endian: UCS-2 with surrogate pairs, which phones have understood since there are emoji.
    Ucs2,
}

impl Encoding {
    /// The `data_coding` that announces it: 0, 3 or 8 (3.4, 5.2.19).
    pub const fn data_coding(self) -> u8 {
        match self {
            Self::Gsm7 => 0,
            Self::Latin1 => 3,
            Self::Ucs2 => 8,
        }
    }

    /// A closed name, fit for a metric's label: `gsm7`, `latin1`, `ucs2`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Latin1 => "latin1",
            Self::Ucs2 => "ucs2",
        }
    }

    /// What one character takes: septets (1 or 2), octets (1) or UTF-16 units (1 or 2). None: it cannot be written.
    pub const fn units(self, character: char) -> Option<usize> {
        match self {
            Self::Gsm7 => gsm7::septets(character),
            Self::Latin1 if (character as u32) < 0x100 => Some(1),
            Self::Latin1 => None,
            Self::Ucs2 => Some(character.len_utf16()),
        }
    }

    /// Appends one character's octets; false, and nothing appended, when it cannot be written.
    pub fn push(self, character: char, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Gsm7 => gsm7::push(character, out),
            Self::Latin1 => match u8::try_from(u32::from(character)) {
                Ok(octet) => {
                    out.push(octet);
                    true
                }
                Err(_) => false,
            },
            Self::Ucs2 => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(&unit.to_be_bytes());
                }
                true
            }
        }
    }

    /// Appends the octets of a text; false when a character of it cannot be written, and what was appended is no text.
    pub fn append(self, text: &str, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Gsm7 => gsm7::append(text, out),
            Self::Latin1 | Self::Ucs2 => text.chars().all(|character| self.push(character, out)),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How an SMSC's default alphabet, `data_coding` 0, is written in its PDUs. Each carries the same characters: those of GSM
/// 03.38.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// A septet an octet, as nearly everywhere.
    #[default]
    Gsm7,
    /// Septets packed, eight in seven octets.
    Gsm7Packed,
    /// ISO 8859-1.
    Latin1,
    /// The same, announced as what it is: `data_coding` 3.
    Latin1As3,
}

impl Alphabet {
    /// The names in the configuration.
    pub const NAMES: [(&str, Self); 4] = [
        ("gsm7", Self::Gsm7),
        ("gsm7_packed", Self::Gsm7Packed),
        ("latin1", Self::Latin1),
        ("latin1_3", Self::Latin1As3),
    ];

    /// Whether it has every character of a text that is GSM 03.38.
    fn has(self, text: &str) -> bool {
        self.is_gsm7()
            || text
                .chars()
                .all(|character| Encoding::Latin1.units(character).is_some())
    }

    /// Whether its octets are septets.
    pub const fn is_gsm7(self) -> bool {
        match self {
            Self::Gsm7 | Self::Gsm7Packed => true,
            Self::Latin1 | Self::Latin1As3 => false,
        }
    }
}

/// What may be done to a text so that it takes fewer segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EncodingPolicy {
    /// Exchange what GSM 03.38 lacks for its nearest counterpart; UCS-2, and the text untouched, when that is not enough, or
    /// takes fewer segments.
    #[default]
    GsmTransliterate,
    /// GSM 03.38 if the text already fits, UCS-2 if not; no character is ever changed.
    Auto,
    /// Always UCS-2.
    Ucs2,
}

impl EncodingPolicy {
    /// The name in configuration and API: `gsm_transliterate`, `auto`, `ucs2`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GsmTransliterate => "gsm_transliterate",
            Self::Auto => "auto",
            Self::Ucs2 => "ucs2",
        }
    }
}

impl fmt::Display for EncodingPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is not one of the three policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an encoding policy is one of gsm_transliterate, auto, ucs2")]
pub struct UnknownPolicy;

impl FromStr for EncodingPolicy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        [Self::GsmTransliterate, Self::Auto, Self::Ucs2]
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or(UnknownPolicy)
    }
}

/// The text as it is to be sent, and its encoding, under a policy. It always fits the encoding that comes with it.
///
/// When even transliteration does not make a text fit GSM 03.38 (one emoji is enough), the text comes back as it was, but for
/// accents that stand beside their letters, which are put together: changed characters would be lost for no gain.
pub fn choose(text: &str, policy: EncodingPolicy) -> (Cow<'_, str>, Encoding) {
    match policy {
        EncodingPolicy::Ucs2 => (composed(text), Encoding::Ucs2),
        EncodingPolicy::Auto if gsm7::fits(text) => (Cow::Borrowed(text), Encoding::Gsm7),
        EncodingPolicy::Auto => {
            let text = composed(text);
            let fits = gsm7::fits(&text);
            (text, if fits { Encoding::Gsm7 } else { Encoding::Ucs2 })
        }
        EncodingPolicy::GsmTransliterate => match transliterate(text) {
            // Borrowed means that no character was foreign: no second look is needed.
            Cow::Borrowed(same) => (Cow::Borrowed(same), Encoding::Gsm7),
            Cow::Owned(changed) if gsm7::fits(&changed) && !is_shorter_as_ucs2(text, &changed) => {
                (Cow::Owned(changed), Encoding::Gsm7)
            }
            Cow::Owned(_) => (composed(text), Encoding::Ucs2),
        },
    }
}

/// Whether counterparts of several characters (`…`, `½`) have made a text longer than it is worth.
fn is_shorter_as_ucs2(text: &str, changed: &str) -> bool {
    // One segment is the least that there is: nearly all texts end here.
    if changed.len() <= 160 || changed.chars().count() <= text.chars().count() {
        return false;
    }
    let count = |text: &str, encoding| segment::count(text, encoding).unwrap_or(usize::MAX);
    count(&composed(text), Encoding::Ucs2) < count(changed, Encoding::Gsm7)
}

/// The text as it is to be sent to one SMSC, which takes texts in that form and whose recipients have these languages'
/// tables. A table is used where that takes fewer segments than UCS-2 would. What the SMSC's alphabet lacks makes a text
/// UCS-2.
pub fn choose_for<'t>(
    text: &'t str,
    policy: EncodingPolicy,
    tables: &[Language],
    format: Format,
) -> (Cow<'t, str>, Encoding, Shift) {
    let (chosen, encoding) = choose(text, policy);
    match encoding {
        Encoding::Gsm7 if !format.alphabet.has(&chosen) => (composed(text), Encoding::Ucs2, Shift::NONE),
        Encoding::Ucs2 if policy != EncodingPolicy::Ucs2 => {
            let shift = shift_for(&chosen, tables, format).unwrap_or_default();
            let encoding = if shift.is_none() { encoding } else { Encoding::Gsm7 };
            (chosen, encoding, shift)
        }
        Encoding::Gsm7 | Encoding::Latin1 | Encoding::Ucs2 => (chosen, encoding, Shift::NONE),
    }
}

/// The tables with which a text takes the fewest segments, if that are fewer than as UCS-2.
fn shift_for(text: &str, tables: &[Language], format: Format) -> Option<Shift> {
    if tables.is_empty() || !format.alphabet.is_gsm7() {
        return None;
    }
    let measure = |encoding, shift| segment::measure_as(text, (encoding, shift), format.concatenation);
    let least = measure(Encoding::Ucs2, Shift::NONE).map_or(usize::MAX, |measure| measure.segments);
    let shifts = tables.iter().flat_map(|language| Shift::of(*language));
    let fitting = shifts.filter_map(|shift| measure(Encoding::Gsm7, shift).map(|measure| (measure, shift)));
    // Without a header in each segment, nothing says to the handset which tables they use.
    let can_say = |segments| segments == 1 || format.concatenation.has_header();
    let fewer = fitting.filter(|(measure, _)| measure.segments < least && can_say(measure.segments));
    fewer
        // More phones have single shift tables than locking ones.
        .min_by_key(|(measure, shift)| (measure.segments, shift.locking.is_some(), measure.units))
        .map(|(_, shift)| shift)
}

/// Letters and the accents that stand beside them, as macOS writes them, put together (Unicode's NFC): the same text, shorter.
fn composed(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().collect()),
    }
}

/// The octets of a whole text; None when a character of it cannot be written. Length is not limited here: see
/// [`segment`](crate::segment).
pub fn encode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    encoding.append(text, &mut out).then_some(out)
}

/// The text of received octets (without their UDH) under a `data_coding` (3.4, 5.2.19; GSM 03.38, 4, for its groups). It never fails: what cannot be read becomes U+FFFD. Binary codings are read as Latin-1, so that
/// nothing is lost for whoever looks at it.
pub fn decode(bytes: &[u8], data_coding: u8) -> String {
    match data_coding {
        // SMSCs that pass UCS-2 on under the default alphabet.
        0x00 if is_plain_utf16(bytes) => decode_utf16(bytes),
        coding if is_default_alphabet(coding) => gsm7::decode(bytes),
        0x08 | 0x18..=0x1B | 0x48..=0x4B | 0x58..=0x5B | 0xE0..=0xEF => decode_utf16(bytes),
        0x02..=0x04 | 0x14..=0x17 | 0x44..=0x47 | 0x54..=0x57 | 0xF4..=0xF7 | 0xFC..=0xFF => {
            bytes.iter().copied().map(char::from).collect()
        }
        // IA5, and alphabets that no European SMSC sends (JIS, Cyrillic, Hebrew, ...): their ASCII half is sure.
        _ => bytes
            .iter()
            .map(|&octet| {
                if octet.is_ascii() {
                    char::from(octet)
                } else {
                    char::REPLACEMENT_CHARACTER
                }
            })
            .collect(),
    }
}

/// Packs unpacked septets behind a header with elements of so many octets.
pub(crate) fn pack(septets: &[u8], elements: usize, out: &mut Vec<u8>) {
    gsm7::pack(septets, received::fill_bits(elements), out);
}

/// Whether a `data_coding` says the SMSC's default alphabet, in any of its groups: general coding, automatic deletion,
/// message waiting and message class.
const fn is_default_alphabet(data_coding: u8) -> bool {
    matches!(data_coding, 0x00 | 0x10..=0x13 | 0x40..=0x43 | 0x50..=0x53 | 0xC0..=0xDF | 0xF0..=0xF3 | 0xF8..=0xFB)
}

/// Whether every other octet is 0, which as GSM 03.38 would be an `@` before every character.
fn is_plain_utf16(bytes: &[u8]) -> bool {
    bytes.len() >= 4 && bytes.len().is_multiple_of(2) && bytes.chunks_exact(2).all(|pair| pair[0] == 0 && pair[1] != 0)
}

fn decode_utf16(bytes: &[u8]) -> String {
    let pairs = bytes.chunks_exact(2);
    let cut_off = !pairs.remainder().is_empty();
    let units = pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut text: String = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    if cut_off {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}
