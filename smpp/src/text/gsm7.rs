//! The GSM 03.38 default alphabet and its extension table, one septet per octet.

/// Announces that the next septet is one of the extension table.
const ESCAPE: u8 = 0x1B;

/// Septet → character. The place of the escape itself is never read as a character.
const ALPHABET: [char; 128] = [
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
const EXTENSION: [(u8, char); 10] = [
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
