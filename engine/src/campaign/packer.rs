//! Recipients → packed rows, gathered by partition and route, over a bounded channel to whoever keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::FxHashMap;
use tokio::sync::mpsc;

use super::{Chooser, Gates};
use crate::audience::{COLUMNS_MAX, RecipientSink, SinkFull, Values};
use crate::domain::{GateId, MessageId, Partition, Reach, ReachCounter, Recipient, RouteId, Row, push_variable};
use crate::store::{RowBatch, Span};

/// Rows of a partition and route that are handed on together: where routes alternate, the shortest span but the last.
const BATCH_ROWS: usize = 250;

/// Rows that are gathered in all. Beyond, the longest batch goes as it is: with many routes spans get shorter, not memory
/// more.
const GATHERED_MAX: usize = 8_000;

/// Batches that may wait for the store. With rows of some hundred octets, a body that is read takes some megabytes.
pub(super) const BATCHES_MAX: usize = 16;

/// What rows have in common that make one span.
type Place = (Partition, RouteId, GateId);

/// Packs recipients.
pub(super) struct Packer {
    batches: mpsc::Sender<RowBatch>,
    routes: Chooser,
    gates: Gates,
    far: Arc<AtomicBool>,
    reach: ReachCounter,
    gathered: FxHashMap<Place, Vec<Vec<u8>>>,
    rows: usize,
    /// Recipients of each partition, and those of them that were handed on.
    counts: Vec<(u32, u32)>,
}

impl Packer {
    pub(super) fn new(batches: mpsc::Sender<RowBatch>, (routes, gates): (Chooser, Gates), partitions: u16) -> Self {
        Self {
            batches,
            routes,
            gates,
            far: Arc::default(),
            reach: ReachCounter::default(),
            gathered: FxHashMap::default(),
            rows: 0,
            counts: vec![(0, 0); usize::from(partitions)],
        }
    }

    /// Whether somebody has another gate than most: set by the time that all are packed.
    pub(super) fn far(&self) -> Arc<AtomicBool> {
        self.far.clone()
    }

    /// Hands on what is left, and says where all of them are.
    ///
    /// # Errors
    /// [`SinkFull::Closed`].
    pub(super) fn finish(mut self) -> Result<Reach, SinkFull> {
        let left: Vec<_> = self.gathered.keys().copied().collect();
        left.into_iter().try_for_each(|place| self.hand_on(place))?;
        Ok(self.reach.reach())
    }

    fn hand_on(&mut self, place: Place) -> Result<(), SinkFull> {
        let (partition, route, gate) = place;
        let Some(rows) = self.gathered.remove(&place) else {
            return Ok(());
        };
        self.rows -= rows.len();
        let handed_on = &mut self.counts[usize::from(partition.0)].1;
        let span = Span {
            route,
            gate,
            first: *handed_on,
            count: rows.len() as u32,
        };
        let batch = RowBatch {
            partition,
            position: *handed_on,
            rows,
            spans: vec![span],
        };
        *handed_on += span.count;
        self.batches.blocking_send(batch).map_err(|_| SinkFull::Closed)
    }

    fn longest(&self) -> Option<Place> {
        let longest = self.gathered.iter().max_by_key(|(_, rows)| rows.len());
        longest.map(|(place, _)| *place)
    }
}

impl RecipientSink for Packer {
    fn recipient(&mut self, recipient: Recipient, values: Values<'_>) -> Result<(), SinkFull> {
        let partitions = self.counts.len() as u16;
        let partition = recipient.partition(partitions);
        let count = &mut self.counts[usize::from(partition.0)].0;
        if *count == MessageId::positions_max(partitions) {
            return Err(SinkFull::TooMany {
                max: MessageId::positions_max(partitions),
            });
        }
        *count += 1;
        self.reach.count(recipient);
        let gate = self.gates.of_row(recipient);
        if gate != GateId::OPEN {
            self.far.store(true, Ordering::Relaxed);
        }
        let place = (partition, self.routes.route(recipient), gate);
        let rows = self.gathered.entry(place).or_default();
        rows.push(pack(recipient, values));
        let full = rows.len() == BATCH_ROWS;
        self.rows += 1;
        match self.longest().filter(|_| self.rows > GATHERED_MAX) {
            _ if full => self.hand_on(place),
            Some(longest) => self.hand_on(longest),
            None => Ok(()),
        }
    }
}

/// The variables by their column's number. Columns may still come: what a row lacks at its end is empty. What it costs is
/// not known before the text is: one segment, until it is priced.
fn pack(recipient: Recipient, values: Values<'_>) -> Vec<u8> {
    let mut packed = Vec::new();
    pack_variables(values, &mut packed);
    let row = Row {
        recipient,
        segments: 1,
        credits: 1,
        variables: &packed,
    };
    row.pack()
}

/// The variables of a row by their column's number, in place of what is in `packed`.
pub(super) fn pack_variables(values: Values<'_>, packed: &mut Vec<u8>) {
    let mut cells = [""; COLUMNS_MAX];
    let (mut columns, mut octets) = (0, 0);
    for (column, value) in values.iter() {
        cells[column] = value;
        columns = columns.max(column + 1);
        octets += value.len();
    }
    packed.clear();
    packed.reserve_exact(octets + 2 * columns);
    for value in &cells[..columns] {
        push_variable(packed, value);
    }
}
