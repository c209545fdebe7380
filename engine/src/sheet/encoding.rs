//! Which octets are which letters: by the byte order mark, else UTF-8 if all of it is that, else Windows-1252.

use std::io::Read;

use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

/// How the text of a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
pub(crate) enum Encoding {
    #[strum(serialize = "utf-8")]
    Utf8,
    /// What Excel calls "Unicode text".
    #[strum(serialize = "utf-16le")]
    Utf16Le,
    #[strum(serialize = "utf-16be")]
    Utf16Be,
    /// What Excel calls "CSV" in western Europe.
    #[strum(serialize = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// The word in the API.
    pub(crate) fn code(self) -> &'static str {
        self.into()
    }

    /// `file` in UTF-8, without its byte order mark. What is no letter of this encoding becomes U+FFFD.
    pub(super) fn decoded<R: Read>(self, file: R) -> DecodeReaderBytes<R, Vec<u8>> {
        let encoding = match self {
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Utf16Le => encoding_rs::UTF_16LE,
            Self::Utf16Be => encoding_rs::UTF_16BE,
            Self::Windows1252 => encoding_rs::WINDOWS_1252,
        };
        DecodeReaderBytesBuilder::new()
            .encoding(Some(encoding))
            .strip_bom(true)
            .build(file)
    }
}

/// Looks at a whole file as it goes by, in pieces of any length, and keeps a few octets of it.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// The first octets, as many as a mark may have.
    head: Vec<u8>,
    /// A letter that is not all there yet.
    begun: Vec<u8>,
    /// Something was not UTF-8.
    foreign: bool,
}

impl Judge {
    /// As many octets as the longest mark.
    const MARK: usize = 3;

    pub(super) fn look_at(&mut self, piece: &[u8]) {
        let wanted = Self::MARK.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..wanted]);
        let mut rest = piece;
        while let ([first, behind @ ..], false) = (rest, self.foreign || self.begun.is_empty()) {
            self.begun.push(*first);
            rest = behind;
            match std::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(fault) => self.foreign = fault.error_len().is_some(),
            }
        }
        if self.foreign {
            return;
        }
        if let Err(fault) = std::str::from_utf8(rest) {
            self.foreign = fault.error_len().is_some();
            self.begun.extend_from_slice(&rest[fault.valid_up_to()..]);
        }
    }

    pub(super) fn verdict(&self) -> Encoding {
        match self.head.as_slice() {
            [0xEF, 0xBB, 0xBF] => Encoding::Utf8,
            [0xFF, 0xFE, ..] => Encoding::Utf16Le,
            [0xFE, 0xFF, ..] => Encoding::Utf16Be,
            _ if self.foreign || !self.begun.is_empty() => Encoding::Windows1252,
            _ => Encoding::Utf8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(octets: &[u8], piece: usize) -> Encoding {
        let mut judge = Judge::default();
        octets.chunks(piece).for_each(|piece| judge.look_at(piece));
        judge.verdict()
    }

    #[test]
    fn the_mark_decides_and_else_the_whole_file() {
        for (octets, encoding) in [
            (b"\xEF\xBB\xBFnom".as_slice(), Encoding::Utf8),
            (b"\xFF\xFEn\0", Encoding::Utf16Le),
            (b"\xFE\xFF\0n", Encoding::Utf16Be),
            ("prénom;€;😀".as_bytes(), Encoding::Utf8),
            (b"pr\xE9nom", Encoding::Windows1252),
            (b"pr\xE9", Encoding::Windows1252),
            (b"a\xC3\xA9\xE9b", Encoding::Windows1252),
            (b"nom", Encoding::Utf8),
            (b"", Encoding::Utf8),
        ] {
            for piece in 1..=4 {
                assert_eq!(judged(octets, piece), encoding, "{octets:?} by {piece}");
            }
        }
    }

    #[test]
    fn the_first_accent_may_come_after_megabytes() {
        let mut octets = vec![b'a'; 5 << 20];
        octets.push(0xE9);
        assert_eq!(judged(&octets, 64 << 10), Encoding::Windows1252);
        octets.pop();
        octets.extend_from_slice("é".as_bytes());
        assert_eq!(judged(&octets, (5 << 20) + 1), Encoding::Utf8);
    }

    #[test]
    fn every_encoding_is_read_without_its_mark() {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| "\u{FEFF}é€".encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        for (encoding, octets) in [
            (Encoding::Utf8, "\u{FEFF}é€".as_bytes().to_vec()),
            (Encoding::Utf8, "é€".as_bytes().to_vec()),
            (Encoding::Utf16Le, utf16(u16::to_le_bytes)),
            (Encoding::Utf16Be, utf16(u16::to_be_bytes)),
            (Encoding::Windows1252, b"\xE9\x80".to_vec()),
        ] {
            let mut text = String::new();
            encoding.decoded(octets.as_slice()).read_to_string(&mut text).unwrap();
            assert_eq!(text, "é€", "{encoding:?}");
        }
    }
}
