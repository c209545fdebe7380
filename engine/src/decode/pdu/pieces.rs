//! Octets from lines → PDUs, cut by their length as a session cuts them.

use smpp::frame::{CommandId, HEADER_LENGTH, PDU_LENGTH_MAX, split};

/// Octets that are not yet cut, at most a PDU and a line.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    octets: Vec<u8>,
    /// The line that the first of them came in.
    begun: u64,
}

/// Whether octets look like the beginning of a PDU, so that what is left of the one before will not come.
pub(super) fn begins_pdu(octets: &[u8]) -> bool {
    let Some(&[a, b, c, d, e, f, g, h]) = octets.first_chunk() else {
        return false;
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let command = CommandId(u32::from_be_bytes([e, f, g, h]));
    (HEADER_LENGTH..=PDU_LENGTH_MAX).contains(&length) && command.is_standard()
}

impl Pieces {
    pub(super) fn append(&mut self, octets: &[u8], line: u64) {
        if self.octets.is_empty() {
            self.begun = line;
        }
        self.octets.extend_from_slice(octets);
    }

    /// The next PDU that is whole, or all there is behind a length that cannot be; and the line that it begins in, where
    /// `line` is the last one.
    pub(super) fn next(&mut self, line: u64) -> Option<(u64, Vec<u8>)> {
        let length = match split(&self.octets, PDU_LENGTH_MAX) {
            Ok(Some(raw)) => raw.header.length as usize,
            Ok(None) => return None,
            Err(_) => self.octets.len(),
        };
        let begun = std::mem::replace(&mut self.begun, line);
        let rest = self.octets.split_off(length);
        Some((begun, std::mem::replace(&mut self.octets, rest)))
    }

    /// What is left.
    pub(super) fn rest(&mut self) -> Option<(u64, Vec<u8>)> {
        let octets = std::mem::take(&mut self.octets);
        (!octets.is_empty()).then_some((self.begun, octets))
    }
}
