//! The GSM 03.38 default alphabet and its extension table, one septet per octet.

/// Announces that the next septet is one of the extension table.
pub(super) const ESCAPE: u8 = 0x1B;

/// What fills up packed septets.
const CR: u8 = 0x0D;

/// Septet → character. The place of the escape itself is never read as a character.
pub(super) const ALPHABET: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', //
];

/// The extension table: septet after the escape, character.
pub(super) const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// In [`CODES`]: the septet follows an escape.
const EXTENDED: u8 = 0x80;
/// In [`CODES`]: no such character. It is no extended septet either, as none of the table is 0x7F.
const ABSENT: u8 = 0xFF;

/// Character → septet for ASCII and Latin-1, so that nearly every character of a text costs one look at a table.
const CODES: [u8; 256] = codes();

const fn codes() -> [u8; 256] {
    let mut codes = [ABSENT; 256];
    let mut septet = 0;
    while septet < ALPHABET.len() {
        let character = ALPHABET[septet] as usize;
        if character < codes.len() && septet != ESCAPE as usize {
            codes[character] = septet as u8;
        }
        septet += 1;
    }
    let mut row = 0;
    while row < EXTENSION.len() {
        let (septet, character) = EXTENSION[row];
        if (character as usize) < codes.len() {
            codes[character as usize] = EXTENDED | septet;
        }
        row += 1;
    }
    codes
}

/// Whether every character of the text is in the alphabet or its extension.
pub(super) fn fits(text: &str) -> bool {
    foreign(text).is_none()
}

/// Where the first character begins that is in neither. Stretches of ASCII are looked through octet by octet.
pub(super) fn foreign(text: &str) -> Option<usize> {
    let known = |octet: &&u8| octet.is_ascii() && CODES[usize::from(**octet)] != ABSENT;
    let mut at = 0;
    loop {
        at += text.as_bytes()[at..].iter().take_while(known).count();
        let character = text[at..].chars().next()?;
        if !contains(character) {
            return Some(at);
        }
        at += character.len_utf8();
    }
}

/// Whether the alphabet or its extension has the character.
pub(super) const fn contains(character: char) -> bool {
    code(character) != ABSENT
}

/// Septets that the character takes: 1, or 2 with an escape. None: it is not in the alphabet.
pub(super) const fn septets(character: char) -> Option<usize> {
    match code(character) {
        ABSENT => None,
        extended if extended & EXTENDED != 0 => Some(2),
        _ => Some(1),
    }
}

/// The septet of a character of the alphabet itself, without its extension.
pub(super) const fn basic_septet(character: char) -> Option<u8> {
    match code(character) {
        ABSENT => None,
        extended if extended & EXTENDED != 0 => None,
        septet => Some(septet),
    }
}

/// Appends the character's one or two septets; false, and nothing appended, when it is not in the alphabet.
pub(super) fn push(character: char, out: &mut Vec<u8>) -> bool {
    match code(character) {
        ABSENT => return false,
        extended if extended & EXTENDED != 0 => out.extend_from_slice(&[ESCAPE, extended & !EXTENDED]),
        septet => out.push(septet),
    }
    true
}

/// Appends a text's septets; false when a character is not in the alphabet. Stretches of ASCII that the alphabet has in one
/// septet each, which are nearly all of a text, are written as one.
pub(super) fn append(text: &str, out: &mut Vec<u8>) -> bool {
    out.reserve(text.len());
    let mut rest = text;
    loop {
        let basic = |octet: &u8| octet.is_ascii() && CODES[usize::from(*octet)] & EXTENDED == 0;
        let stretch = rest.as_bytes().iter().take_while(|octet| basic(octet)).count();
        let (ascii, after) = rest.split_at(stretch);
        out.extend(ascii.bytes().map(|octet| CODES[usize::from(octet)]));
        let mut characters = after.chars();
        match characters.next() {
            None => return true,
            Some(other) if push(other, out) => rest = characters.as_str(),
            Some(_) => return false,
        }
    }
}

/// Septets in octets, the first in the lowest bits, behind `fill` bits (3GPP TS 23.038, 6.1.2.1). Where a septet's room is
/// left at the end, which would be an `@`, there is a CR (6.1.2.3.1).
pub(super) fn pack(septets: &[u8], fill: usize, out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0u32, fill);
    let spare = (8 - (fill + 7 * septets.len()) % 8) % 8 == 7;
    for septet in septets.iter().chain(spare.then_some(&CR)) {
        bits |= u32::from(septet & 0x7F) << held;
        held += 7;
        while held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        out.push(bits as u8);
    }
}

/// What [`pack`] made: the septets behind `fill` bits, without a CR that only fills.
pub(super) fn unpack(octets: &[u8], fill: usize) -> Vec<u8> {
    let all = octets.len() * 8;
    let count = all.saturating_sub(fill) / 7;
    let septet = |at: usize| {
        let (octet, bit) = ((fill + 7 * at) / 8, (fill + 7 * at) % 8);
        let next = octets.get(octet + 1).copied().unwrap_or(0);
        ((u16::from_le_bytes([octets[octet], next]) >> bit) & 0x7F) as u8
    };
    let mut septets: Vec<u8> = (0..count).map(septet).collect();
    if all >= fill && (all - fill).is_multiple_of(7) {
        septets.pop_if(|last| *last == CR);
    }
    septets
}

/// The text of unpacked septets. An unknown extension shows the main table's character (GSM 03.38, 6.2.1.1); an octet
/// over 0x7F or an escape at the very end is U+FFFD.
pub(super) fn decode(septets: &[u8]) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut rest = septets.iter().copied();
    while let Some(septet) = rest.next() {
        let character = match septet {
            ESCAPE => rest.next().map_or(char::REPLACEMENT_CHARACTER, extended),
            _ => basic(septet),
        };
        text.push(character);
    }
    text
}

fn extended(septet: u8) -> char {
    match EXTENSION.iter().find(|(code, _)| *code == septet) {
        Some((_, character)) => *character,
        // Reserved for another table, which nobody made: shown as a space, says the standard.
        None if septet == ESCAPE => ' ',
        None => basic(septet),
    }
}

fn basic(septet: u8) -> char {
    ALPHABET
        .get(usize::from(septet))
        .copied()
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

const fn code(character: char) -> u8 {
    let point = character as usize;
    if point < CODES.len() {
        return CODES[point];
    }
    match character {
        'Δ' => 0x10,
        'Φ' => 0x12,
        'Γ' => 0x13,
        'Λ' => 0x14,
        // U+2126, the ohm sign, is the same letter.
        'Ω' | '\u{2126}' => 0x15,
        'Π' => 0x16,
        'Ψ' => 0x17,
        'Σ' => 0x18,
        'Θ' => 0x19,
        'Ξ' => 0x1A,
        '€' => EXTENDED | 0x65,
        _ => ABSENT,
    }
}
