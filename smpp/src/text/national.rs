//! National language tables of GSM 03.38 (3GPP TS 23.038, annex A.2 and A.3): letters that the default alphabet lacks, in a
//! text that says in its user data header which tables it uses (3GPP TS 23.040, 9.2.3.24.15 and 16).

use super::gsm7;

/// Information elements that name the single shift and the locking shift table.
const SINGLE_SHIFT: u8 = 0x24;
const LOCKING_SHIFT: u8 = 0x25;

/// Octets of one of these elements.
const ELEMENT_OCTETS: usize = 3;

/// A language with tables of its own. French has none; Spanish has no locking shift table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// `tr`
    Turkish,
    /// `es`
    Spanish,
    /// `pt`
    Portuguese,
}

impl Language {
    /// All of them, with their codes in ISO 639-1.
    pub const NAMES: [(&str, Self); 3] = [("tr", Self::Turkish), ("es", Self::Spanish), ("pt", Self::Portuguese)];

    /// The national language identifier (3GPP TS 23.038, 6.2.1.2.4).
    const fn identifier(self) -> u8 {
        match self {
            Self::Turkish => 1,
            Self::Spanish => 2,
            Self::Portuguese => 3,
        }
    }

    fn of_identifier(identifier: u8) -> Option<Self> {
        let mut all = Self::NAMES.into_iter().map(|(_, language)| language);
        all.find(|language| language.identifier() == identifier)
    }

    /// What stands behind an escape.
    const fn single(self) -> &'static [(u8, char)] {
        match self {
            Self::Turkish => &TURKISH_SINGLE,
            Self::Spanish => &SPANISH_SINGLE,
            Self::Portuguese => &PORTUGUESE_SINGLE,
        }
    }

    /// What stands in place of the default alphabet.
    pub(crate) const fn locking(self) -> Option<&'static [char; 128]> {
        match self {
            Self::Turkish => Some(&TURKISH_LOCKING),
            Self::Spanish => None,
            Self::Portuguese => Some(&PORTUGUESE_LOCKING),
        }
    }
}

/// Which tables a text of septets uses: none of its own for nearly every text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shift {
    /// In place of the default alphabet.
    pub locking: Option<Language>,
    /// In place of its extension table.
    pub single: Option<Language>,
}

impl Shift {
    /// The default alphabet with its extension table.
    pub const NONE: Self = Self {
        locking: None,
        single: None,
    };

    /// Whether it is just the default alphabet.
    pub const fn is_none(self) -> bool {
        self.locking.is_none() && self.single.is_none()
    }

    /// What a language has to offer: the single shift table, the locking one, both.
    pub(crate) fn of(language: Language) -> impl Iterator<Item = Self> {
        let single = Some(language);
        let locking = language.locking().map(|_| language);
        let all = [(None, single), (locking, None), (locking, single)];
        let count = if locking.is_some() { all.len() } else { 1 };
        all.into_iter()
            .take(count)
            .map(|(locking, single)| Self { locking, single })
    }

    /// The tables that the elements of a user data header name. One that nobody here knows is the default one (3GPP TS
    /// 23.038, 6.2.1.2.4).
    pub(crate) fn of_header(elements: &[u8]) -> Self {
        let (mut shift, mut rest) = (Self::NONE, elements);
        while let [element, length, behind @ ..] = rest {
            let Some((value, next)) = behind.split_at_checked(usize::from(*length)) else {
                return shift;
            };
            match (*element, value) {
                (SINGLE_SHIFT, &[identifier]) => shift.single = Language::of_identifier(identifier),
                (LOCKING_SHIFT, &[identifier]) => shift.locking = Language::of_identifier(identifier),
                _ => {}
            }
            rest = next;
        }
        shift
    }

    /// Octets of the elements that name its tables.
    pub(crate) const fn octets(self) -> usize {
        ELEMENT_OCTETS * (self.locking.is_some() as usize + self.single.is_some() as usize)
    }

    /// Writes the elements that name its tables.
    pub(crate) fn put_elements(self, out: &mut Vec<u8>) {
        for (element, language) in [(SINGLE_SHIFT, self.single), (LOCKING_SHIFT, self.locking)] {
            if let Some(language) = language {
                out.extend_from_slice(&[element, 1, language.identifier()]);
            }
        }
    }

    /// Septets that a character takes: 1, or 2 with an escape. None: its tables do not have it.
    pub(crate) fn septets(self, character: char) -> Option<usize> {
        if self.is_none() {
            return gsm7::septets(character);
        }
        match self.place(character)? {
            (_, false) => Some(1),
            (_, true) => Some(2),
        }
    }

    /// Appends a character's one or two septets; false, and nothing appended, when its tables do not have it.
    pub(crate) fn push(self, character: char, out: &mut Vec<u8>) -> bool {
        if self.is_none() {
            return gsm7::push(character, out);
        }
        match self.place(character) {
            Some((septet, false)) => out.push(septet),
            Some((septet, true)) => out.extend_from_slice(&[gsm7::ESCAPE, septet]),
            None => return false,
        }
        true
    }

    /// The septet of a character, and whether it stands behind an escape.
    fn place(self, character: char) -> Option<(u8, bool)> {
        let basic = match self.locking.and_then(Language::locking) {
            Some(table) => (0u8..)
                .zip(table)
                .find(|(_, own)| **own == character)
                .map(|(septet, _)| septet),
            None => gsm7::basic_septet(character),
        };
        let extended = || {
            let table = self.single.map_or(&gsm7::EXTENSION[..], Language::single);
            table
                .iter()
                .find(|(_, own)| *own == character)
                .map(|(septet, _)| *septet)
        };
        let basic = basic.filter(|septet| *septet != gsm7::ESCAPE);
        basic
            .map(|septet| (septet, false))
            .or_else(|| extended().map(|septet| (septet, true)))
    }

    /// The text of unpacked septets, see `gsm7::decode`.
    pub(crate) fn decode(self, septets: &[u8]) -> String {
        let mut text = String::with_capacity(septets.len());
        let mut rest = septets.iter().copied();
        while let Some(septet) = rest.next() {
            text.push(match septet {
                gsm7::ESCAPE => rest
                    .next()
                    .map_or(char::REPLACEMENT_CHARACTER, |next| self.extended(next)),
                _ => self.basic(septet),
            });
        }
        text
    }

    fn extended(self, septet: u8) -> char {
        let table = self.single.map_or(&gsm7::EXTENSION[..], Language::single);
        match table.iter().find(|(own, _)| *own == septet) {
            Some((_, character)) => *character,
            None if septet == gsm7::ESCAPE => ' ',
            None => self.basic(septet),
        }
    }

    fn basic(self, septet: u8) -> char {
        let table = self.locking.and_then(Language::locking).unwrap_or(&gsm7::ALPHABET);
        let known = table.get(usize::from(septet)).copied();
        known.unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

/// A.2.1.
const TURKISH_SINGLE: [(u8, char); 17] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x47, 'Ğ'),
    (0x49, 'İ'),
    (0x53, 'Ş'),
    (0x63, 'ç'),
    (0x65, '€'),
    (0x67, 'ğ'),
    (0x69, 'ı'),
    (0x73, 'ş'),
];

/// A.2.2.
const SPANISH_SINGLE: [(u8, char); 19] = [
    (0x09, 'ç'),
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x41, 'Á'),
    (0x49, 'Í'),
    (0x4F, 'Ó'),
    (0x55, 'Ú'),
    (0x61, 'á'),
    (0x65, '€'),
    (0x69, 'í'),
    (0x6F, 'ó'),
    (0x75, 'ú'),
];

/// A.2.3.
const PORTUGUESE_SINGLE: [(u8, char); 37] = [
    (0x05, 'ê'),
    (0x09, 'ç'),
    (0x0A, '\u{0C}'),
    (0x0B, 'Ô'),
    (0x0C, 'ô'),
    (0x0E, 'Á'),
    (0x0F, 'á'),
    (0x12, 'Φ'),
    (0x13, 'Γ'),
    (0x14, '^'),
    (0x15, 'Ω'),
    (0x16, 'Π'),
    (0x17, 'Ψ'),
    (0x18, 'Σ'),
    (0x19, 'Θ'),
    (0x1F, 'Ê'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x41, 'À'),
    (0x49, 'Í'),
    (0x4F, 'Ó'),
    (0x55, 'Ú'),
    (0x5B, 'Ã'),
    (0x5C, 'Õ'),
    (0x61, 'Â'),
    (0x65, '€'),
    (0x69, 'í'),
    (0x6F, 'ó'),
    (0x75, 'ú'),
    (0x7B, 'ã'),
    (0x7C, 'õ'),
    (0x7F, 'â'),
];

/// A.3.1. The place of the escape is never read as a character.
const TURKISH_LOCKING: [char; 128] = [
    '@', '£', '$', '¥', '€', 'é', 'ù', 'ı', 'ò', 'Ç', '\n', 'Ğ', 'ğ', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Ş', 'ş', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    'İ', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    'ç', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', //
];

/// A.3.3.
const PORTUGUESE_LOCKING: [char; 128] = [
    '@', '£', '$', '¥', 'ê', 'é', 'ú', 'í', 'ó', 'ç', '\n', 'Ô', 'ô', '\r', 'Á', 'á', //
    'Δ', '_', 'ª', 'Ç', 'À', '∞', '^', '\\', '€', 'Ó', '|', '\u{1B}', 'Â', 'â', 'Ê', 'É', //
    ' ', '!', '"', '#', 'º', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    'Í', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ã', 'Õ', 'Ú', 'Ü', '§', //
    '~', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ã', 'õ', '`', 'ü', 'à', //
];
