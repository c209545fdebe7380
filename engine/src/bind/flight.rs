//! Messages on their way from a lease to an answer.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::domain::{Message, MessageId, Recipient};

/// The right to submit what was leased. It lives as long as one of its messages has no answer in the store.
#[derive(Debug)]
pub(crate) struct Lease {
    /// The epoch that the leased messages carry.
    pub(crate) epoch: u32,
    /// Which of the rules of sending that this process has obeyed they were leased under, from 1.
    pub(crate) edition: u16,
    /// All leases of the epoch share it: they are counted by that.
    pub(crate) of_epoch: Arc<()>,
}

/// A leased message.
#[derive(Debug)]
pub(crate) struct Flight {
    /// The message as it is stored, state Leased.
    pub(crate) message: Bytes,
    /// Its record as it is stored; empty where that is long.
    pub(crate) record: Bytes,
    pub(crate) id: MessageId,
    pub(crate) recipient: Recipient,
    /// submit_sm's that it takes, as it was composed.
    pub(crate) segments: u8,
    /// Those of them that are submitted now: all, unless an SMSC has some already.
    pub(crate) submitted: u8,
    /// The sender as a number; 0 when it cannot be replied to.
    pub(crate) sender: u64,
    /// The lease that it is under: it lives as long as its messages are under way.
    pub(crate) lease: Arc<Lease>,
}

impl Lease {
    /// The first of an epoch.
    pub(crate) fn new(epoch: u32, edition: u16) -> Self {
        Self {
            epoch,
            edition,
            of_epoch: Arc::default(),
        }
    }
}

impl Flight {
    /// Whether an SMSC has refused the message before.
    pub(crate) fn was_refused(&self) -> bool {
        Message::is_tried(&self.message)
    }
}

/// Segments that go to one session together: their submit_sm's, one behind the other in one buffer, with the sequence
/// numbers still to be set.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// The PDUs.
    pub(crate) bytes: BytesMut,
    /// For each: the message, which segment of it, and where its PDU ends in `bytes`.
    pub(crate) index: Vec<(Arc<Flight>, u8, usize)>,
}

impl Segments {
    /// Segments in it.
    pub(crate) fn count(&self) -> usize {
        self.index.len()
    }

    /// Takes the first `count` out, or all if there are no more.
    pub(crate) fn split_to(&mut self, count: usize) -> Self {
        if count >= self.count() {
            return std::mem::take(self);
        }
        let mut rest = self.index.split_off(count);
        let end = self.index.last().map_or(0, |entry| entry.2);
        for entry in &mut rest {
            entry.2 -= end;
        }
        Self {
            bytes: self.bytes.split_to(end),
            index: std::mem::replace(&mut self.index, rest),
        }
    }

    /// Each segment with its PDU.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<Flight>, u8, &[u8])> {
        let starts = std::iter::once(0).chain(self.index.iter().map(|entry| entry.2));
        starts
            .zip(&self.index)
            .map(|(start, (flight, part, end))| (flight, *part, &self.bytes[start..*end]))
    }
}
