//! Messages on their way from a lease to an answer.

use std::sync::Arc;

use bytes::BytesMut;

use crate::domain::{CampaignId, MessageId, Recipient, TenantId};

/// The right to submit what was leased. It lives as long as one of its messages has no answer in the store.
#[derive(Debug)]
pub struct Lease {
    /// The epoch that the leased messages carry.
    pub epoch: u32,
}

/// A leased message.
#[derive(Debug)]
pub struct Flight {
    /// The message as it is stored, state Leased.
    pub message: Vec<u8>,
    /// Its id.
    pub id: MessageId,
    /// To whom.
    pub recipient: Recipient,
    /// Whose.
    pub tenant: TenantId,
    /// submit_sm's that it takes.
    pub segments: u8,
    /// Its credits.
    pub credits: u8,
    /// Submissions before that were refused for now.
    pub attempts: u8,
    /// When it was leased, µs since 1970.
    pub leased_at: u64,
    /// The lease that it is under.
    pub lease: Arc<Lease>,
}

impl Flight {
    /// Its campaign.
    pub fn campaign(&self) -> CampaignId {
        self.id.campaign()
    }
}

/// Segments that go to one session together: their submit_sm's, one behind the other in one buffer, with the sequence
/// numbers still to be set.
#[derive(Debug, Default)]
pub struct Segments {
    /// The PDUs.
    pub bytes: BytesMut,
    /// For each: the message, which segment of it, and where its PDU ends in `bytes`.
    pub index: Vec<(Arc<Flight>, u8, usize)>,
}

impl Segments {
    /// Segments in it.
    pub fn count(&self) -> usize {
        self.index.len()
    }

    /// The same segments, each by itself.
    pub fn singles(mut self) -> impl Iterator<Item = Self> {
        let mut start = 0;
        self.index.into_iter().map(move |(flight, part, end)| {
            let bytes = self.bytes.split_to(end - start);
            start = end;
            let length = bytes.len();
            Self {
                bytes,
                index: vec![(flight, part, length)],
            }
        })
    }

    /// Each segment with its PDU.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<Flight>, u8, &[u8])> {
        let starts = std::iter::once(0).chain(self.index.iter().map(|entry| entry.2));
        starts
            .zip(&self.index)
            .map(|(start, (flight, part, end))| (flight, *part, &self.bytes[start..*end]))
    }
}
