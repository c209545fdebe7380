/// Octets in one block. A text lies in one block, and the longest possible one (64 KiB) fits.
const BLOCK_OCTETS: usize = 1 << 20;

const BLOCK_BITS: u32 = 20;

/// Where a text is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    at: u32,
    length: u16,
    /// How to read it (3.4, 5.2.19).
    pub(crate) data_coding: u8,
    kept: bool,
}

/// The texts of all messages, one after the other, up to a limit.
#[derive(Debug)]
pub(super) struct Texts {
    blocks: Vec<Vec<u8>>,
    limit: usize,
}

impl Texts {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            blocks: Vec::new(),
            limit,
        }
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Keeps a text if there is room for it.
    pub(super) fn keep(&mut self, text: &[u8], data_coding: u8) -> Text {
        let forgotten = Text {
            at: 0,
            length: 0,
            data_coding,
            kept: false,
        };
        let Ok(length) = u16::try_from(text.len()) else {
            return forgotten;
        };
        if self
            .blocks
            .last()
            .is_none_or(|block| block.len() + text.len() > BLOCK_OCTETS)
        {
            if (self.blocks.len() + 1) * BLOCK_OCTETS > self.limit {
                return forgotten;
            }
            self.blocks.push(Vec::with_capacity(BLOCK_OCTETS));
        }
        let number = self.blocks.len() - 1;
        let Some(block) = self.blocks.last_mut() else {
            return forgotten;
        };
        let at = (number as u32) << BLOCK_BITS | block.len() as u32;
        block.extend_from_slice(text);
        Text {
            at,
            length,
            data_coding,
            kept: true,
        }
    }

    /// The octets of a text; `None` when there was no room for it.
    pub(super) fn get(&self, text: Text) -> Option<&[u8]> {
        if !text.kept {
            return None;
        }
        let block = self.blocks.get((text.at >> BLOCK_BITS) as usize)?;
        let from = text.at as usize % BLOCK_OCTETS;
        block.get(from..from + usize::from(text.length))
    }
}
