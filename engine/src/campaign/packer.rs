//! Recipients → packed rows, in chunks, over a bounded channel to whoever keeps them.

use tokio::sync::mpsc;

use crate::audience::{COLUMNS_MAX, RecipientSink, SinkFull, Values};
use crate::domain::{Entry, MessageId, Recipient};
use crate::store::AudienceRow;

/// Rows in one chunk: one round trip to the store.
pub(super) const CHUNK_ROWS: usize = 1_000;

/// Chunks that may wait for the store. With rows of some hundred octets, a body that is read takes under a megabyte.
pub(super) const CHUNKS_MAX: usize = 4;

/// Packs recipients.
pub(super) struct Packer {
    chunk: Vec<AudienceRow>,
    chunks: mpsc::Sender<Vec<AudienceRow>>,
    /// Recipients of each partition.
    counts: Vec<u32>,
}

impl Packer {
    pub(super) fn new(chunks: mpsc::Sender<Vec<AudienceRow>>, partitions: u16) -> Self {
        Self {
            chunk: Vec::new(),
            chunks,
            counts: vec![0; usize::from(partitions)],
        }
    }

    /// Hands on what is left.
    ///
    /// # Errors
    /// [`SinkFull::Closed`].
    pub(super) fn finish(mut self) -> Result<(), SinkFull> {
        self.hand_on()
    }

    fn hand_on(&mut self) -> Result<(), SinkFull> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_ROWS));
        if chunk.is_empty() {
            Ok(())
        } else {
            self.chunks.blocking_send(chunk).map_err(|_| SinkFull::Closed)
        }
    }
}

impl RecipientSink for Packer {
    fn recipient(&mut self, recipient: Recipient, values: Values<'_>) -> Result<(), SinkFull> {
        let partitions = self.counts.len() as u16;
        let count = &mut self.counts[usize::from(recipient.partition(partitions).0)];
        if *count == MessageId::positions_max(partitions) {
            return Err(SinkFull::TooMany {
                max: MessageId::positions_max(partitions),
            });
        }
        *count += 1;
        self.chunk.push((recipient, pack(values)));
        if self.chunk.len() < CHUNK_ROWS {
            Ok(())
        } else {
            self.hand_on()
        }
    }
}

/// The variables by their column's number. Columns may still come: what a row lacks at its end is empty.
fn pack(values: Values<'_>) -> Vec<u8> {
    let mut cells = [""; COLUMNS_MAX];
    let (mut columns, mut octets) = (0, 0);
    for (column, value) in values.iter() {
        cells[column] = value;
        columns = columns.max(column + 1);
        octets += value.len();
    }
    let mut packed = Vec::with_capacity(octets + 2 * columns);
    for value in &cells[..columns] {
        Entry::push_variable(&mut packed, value);
    }
    packed
}
