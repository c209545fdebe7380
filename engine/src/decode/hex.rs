//! Hexadecimal as people paste it: digits with or without spaces and `0x`, and the dumps of xxd, hexdump and Wireshark.

/// What stands in a line of digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HexFault {
    #[error("{0:?} is no hexadecimal digit")]
    NotADigit(char),
    #[error("lines are left out here: `hexdump -v` shows all")]
    LinesLeftOut,
    #[error("an odd number of hexadecimal digits: the last octet is half")]
    HalfAnOctet,
}

/// Reads lines, and knows whether they are those of a dump: its lines begin with the count of the octets before them.
#[derive(Debug, Default)]
pub(super) struct HexReader {
    /// Octets of the dump so far.
    dumped: Option<usize>,
}

/// The octets of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HexLine {
    pub(super) octets: Vec<u8>,
    /// A dump goes on: they belong to those before them.
    pub(super) continues: bool,
}

impl HexReader {
    pub(super) fn read(&mut self, line: &str) -> Result<HexLine, HexFault> {
        if self.dumped.is_some() && line.trim() == "*" {
            return Err(HexFault::LinesLeftOut);
        }
        let starts = |count: usize, digits: &str| count == 0 && !digits.is_empty();
        let of_dump = offset(line).filter(|(count, digits)| starts(*count, digits) || self.dumped == Some(*count));
        let Some((count, digits)) = of_dump else {
            self.dumped = None;
            return Ok(HexLine {
                octets: octets(line)?,
                continues: false,
            });
        };
        let octets = octets(without_characters(digits))?;
        self.dumped = Some(count + octets.len());
        Ok(HexLine {
            octets,
            continues: count != 0,
        })
    }
}

/// The count that a line of a dump begins with, and what is behind it.
fn offset(line: &str) -> Option<(usize, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("0x").unwrap_or(line);
    let (digits, rest) = line.split_at(line.bytes().take_while(u8::is_ascii_hexdigit).count());
    if !(4..=8).contains(&digits.len()) {
        return None;
    }
    // Otherwise it is the first group of plain digits.
    let rest = if rest.is_empty() {
        rest // hexdump ends with the count of all
    } else {
        rest.strip_prefix(':').or_else(|| rest.strip_prefix("  "))?
    };
    Some((usize::from_str_radix(digits, 16).ok()?, rest))
}

/// The digits of a dump's line, without the characters that they stand for: these are between bars (hexdump), two spaces
/// behind groups of several octets (xxd, tcpdump), three behind single ones (Wireshark), which have two in their middle.
fn without_characters(digits: &str) -> &str {
    let digits = digits.split('|').next().unwrap_or(digits).trim_start();
    let group = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
    let gap = if group > 2 { "  " } else { "   " };
    digits.split(gap).next().unwrap_or(digits)
}

/// The octets of digits, whatever separates them.
fn octets(text: &str) -> Result<Vec<u8>, HexFault> {
    let mut octets = Vec::with_capacity(text.len() / 2);
    let mut half: Option<u8> = None;
    let separates = |character: char| character.is_whitespace() || ",;:-\\[](){}\"'".contains(character);
    for token in text.split(separates) {
        let bare = ["0x", "0X", "x"].iter().find_map(|prefix| token.strip_prefix(prefix));
        // `0x5` is an octet, and `5` is half of one.
        let padding = bare.is_some_and(|digits| digits.len() % 2 == 1).then_some('0');
        for character in padding.into_iter().chain(bare.unwrap_or(token).chars()) {
            let digit = character.to_digit(16).ok_or(HexFault::NotADigit(character))? as u8; // at most 15
            match half.take() {
                Some(high) => octets.push(high << 4 | digit),
                None => half = Some(digit),
            }
        }
    }
    if half.is_some() {
        return Err(HexFault::HalfAnOctet);
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCTETS: [u8; 18] = [0, 0, 0, 0x12, 0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0x37, 0];

    /// Octets of all lines, and how many lines went on with a dump.
    fn read(lines: &str) -> (Vec<u8>, usize) {
        let mut reader = HexReader::default();
        let lines: Vec<HexLine> = lines.lines().map(|line| reader.read(line).unwrap()).collect();
        let continued = lines.iter().filter(|line| line.continues).count();
        (lines.into_iter().flat_map(|line| line.octets).collect(), continued)
    }

    #[test]
    fn digits_are_read_however_they_are_separated() {
        for written in [
            "000000128000000400000000000000013700",
            "00 00 00 12 80 00 00 04 00 00 00 00 00 00 00 01 37 00",
            "00000012 80000004 00000000 00000001\n3700",
            "0x00,0x00,0x00,0x12, 0x80,0x0,0x0,0x4, 0x00000000, 0x00000001, 0x37, 0x0",
            "{0x00, 0x00, 0x00, 0x12, 0x80, 0, 0, 0, 0, 0x4, 0, 0, 0, 0, 0, 0, 0, 0, 0x0, 0x0, 0x0, 0x1, 0x37, 0x0}",
            r"\x00\x00\x00\x12\x80\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x37\x00",
            "0x000000128000000400000000000000013700",
            "00:00:00:12:80:00:00:04:00:00:00:00:00:00:00:01:37:00",
        ] {
            assert_eq!(read(written), (OCTETS.to_vec(), 0), "{written}");
        }
    }

    #[test]
    fn dumps_are_read_without_their_counts_and_characters() {
        for dump in [
            "00000000: 0000 0012 8000 0004 0000 0000 0000 0001  ................\n00000010: 3700                                     7.",
            "00000000  00 00 00 12 80 00 00 04  00 00 00 00 00 00 00 01  |................|\n00000010  37 00  |7.|\n00000012",
            "0000   00 00 00 12 80 00 00 04  00 00 00 00 00 00 00 01   ........ ........\n0010   37 00                                              7.",
        ] {
            let (octets, continued) = read(dump);
            assert_eq!(octets, OCTETS, "{dump}");
            assert!(continued >= 1, "{dump}");
        }
    }

    #[test]
    fn what_is_no_hexadecimal_is_said_to_be_none() {
        let read = |line| HexReader::default().read(line).unwrap_err();
        assert_eq!(read("0000001g"), HexFault::NotADigit('g'));
        assert_eq!(read("000"), HexFault::HalfAnOctet);
        let mut reader = HexReader::default();
        reader
            .read("00000000  00 00 00 12 80 00 00 04  00 00 00 00 00 00 00 01  |................|")
            .unwrap();
        assert_eq!(reader.read("*"), Err(HexFault::LinesLeftOut));
    }
}
