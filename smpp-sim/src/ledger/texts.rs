use std::collections::VecDeque;

/// Octets in one block. A text lies in one block, and the longest possible one (64 KiB) fits.
const BLOCK_OCTETS: usize = 1 << 20;

const BLOCK_BITS: u32 = 20;

/// Positions have 40 bits. The highest says that the text was put aside, the next that it begins with a user data header
/// (3GPP TS 23.040, 9.2.3.24); the others go round after a quarter of a terabyte of texts, more than any memory that a
/// position could still point into.
const ASIDE: u64 = 1 << 39;
const UDHI: u64 = 1 << 38;
const ROUND: u64 = UDHI >> BLOCK_BITS;
const NOWHERE: u64 = (1 << 40) - 1;

/// Where a text is kept, in eight octets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    at_low: u32,
    at_high: u8,
    /// How to read it (3.4, 5.2.19).
    pub(crate) data_coding: u8,
    length: u16,
}

impl Text {
    fn new(at: u64, length: u16, data_coding: u8) -> Self {
        Self {
            at_low: at as u32,
            at_high: (at >> 32) as u8,
            data_coding,
            length,
        }
    }

    fn at(self) -> u64 {
        u64::from(self.at_high) << 32 | u64::from(self.at_low)
    }
}

/// The texts of all messages, one after the other, up to a limit.
#[derive(Debug)]
pub(super) struct Texts {
    blocks: VecDeque<Vec<u8>>,
    /// Number of the first block.
    first: u64,
    limit: usize,
    /// Whether the oldest texts make room for new ones.
    ring: bool,
    /// Texts of rows that have left the ring unfinished, and the free places among them.
    aside: Vec<Box<[u8]>>,
    free: Vec<u32>,
    spare: Option<Vec<u8>>,
}

impl Texts {
    pub(super) fn new(limit: usize, ring: bool) -> Self {
        Self {
            blocks: VecDeque::new(),
            first: 0,
            limit,
            ring,
            aside: Vec::new(),
            free: Vec::new(),
            spare: None,
        }
    }

    pub(super) fn set_limit(&mut self, limit: usize, ring: bool) {
        (self.limit, self.ring) = (limit, ring);
    }

    /// Keeps a text if there is room for it, or can be made; `udhi` says that it begins with a user data header.
    pub(super) fn keep(&mut self, (text, udhi): (&[u8], bool), data_coding: u8) -> Text {
        let forgotten = Text::new(NOWHERE, 0, data_coding);
        let Ok(length) = u16::try_from(text.len()) else {
            return forgotten;
        };
        let full = |block: &Vec<u8>| block.len() + text.len() > BLOCK_OCTETS;
        if self.blocks.back().is_none_or(full) && !self.grow() {
            return forgotten;
        }
        let number = self.first + self.blocks.len() as u64 - 1;
        let Some(block) = self.blocks.back_mut() else {
            return forgotten;
        };
        let at = (number % ROUND) << BLOCK_BITS | block.len() as u64;
        block.extend_from_slice(text);
        Text::new(at | if udhi { UDHI } else { 0 }, length, data_coding)
    }

    /// One block more, within the limit; false when there is no room.
    fn grow(&mut self) -> bool {
        let blocks_max = self.limit / BLOCK_OCTETS;
        if self.blocks.len() >= blocks_max && (!self.ring || blocks_max == 0) {
            return false;
        }
        while self.blocks.len() >= blocks_max {
            self.drop_first();
        }
        let block = self.spare.take().unwrap_or_else(|| Vec::with_capacity(BLOCK_OCTETS));
        self.blocks.push_back(block);
        true
    }

    fn drop_first(&mut self) {
        if let Some(mut block) = self.blocks.pop_front() {
            self.first += 1;
            block.clear();
            self.spare = Some(block);
        }
    }

    /// The number of the block that the next text may go into.
    pub(super) fn mark(&self) -> u64 {
        self.first + (self.blocks.len() as u64).saturating_sub(1)
    }

    /// Forgets every block before that mark.
    pub(super) fn release(&mut self, mark: u64) {
        while self.first < mark && !self.blocks.is_empty() {
            self.drop_first();
        }
    }

    /// Copies a text to where it stays until it is dropped.
    pub(super) fn put_aside(&mut self, text: Text) -> Text {
        let Some(octets) = self.octets(text).map(Box::from) else {
            return Text::new(NOWHERE, 0, text.data_coding);
        };
        let place = self.free.pop().unwrap_or(self.aside.len() as u32);
        if place as usize == self.aside.len() {
            self.aside.push(octets);
        } else {
            self.aside[place as usize] = octets;
        }
        Text::new(
            ASIDE | text.at() & UDHI | u64::from(place),
            text.length,
            text.data_coding,
        )
    }

    /// Drops a text that was put aside.
    pub(super) fn drop_aside(&mut self, text: Text) {
        let place = text.at() & !(ASIDE | UDHI);
        if text.at() & ASIDE == 0 || text.at() == NOWHERE {
            return;
        }
        if let Some(octets) = self.aside.get_mut(place as usize) {
            *octets = Box::default();
            self.free.push(place as u32);
        }
    }

    /// The user data header of a text, and the rest of it; `None` when there was no room for it.
    pub(super) fn get(&self, text: Text) -> Option<(&[u8], &[u8])> {
        let octets = self.octets(text)?;
        let header = match text.at() & UDHI {
            0 => 0,
            _ => octets.first().map_or(0, |&length| usize::from(length) + 1),
        };
        // A header that says it is longer than the text is not one.
        octets.split_at_checked(header).or(Some((&[], octets)))
    }

    fn octets(&self, text: Text) -> Option<&[u8]> {
        if text.at() == NOWHERE {
            return None;
        }
        let at = text.at() & !UDHI;
        if at & ASIDE != 0 {
            return self.aside.get((at & !ASIDE) as usize).map(|octets| &**octets);
        }
        let place = (at >> BLOCK_BITS).wrapping_sub(self.first) % ROUND;
        let from = at as usize % BLOCK_OCTETS;
        self.blocks
            .get(place as usize)?
            .get(from..from + usize::from(text.length))
    }
}
