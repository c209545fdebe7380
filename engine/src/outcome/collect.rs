//! The segments of a message are answered one by one; the message moves once, when the last has its reply.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::bind::{Answer, Flight, Reply};
use crate::domain::MessageId;

/// A message all of whose segments have a reply.
#[derive(Debug)]
pub struct Whole {
    /// The message.
    pub flight: Arc<Flight>,
    /// One reply a segment, in their order.
    pub replies: Vec<Reply>,
    /// It had been reported as lost before.
    pub late: bool,
}

/// Replies of messages that still wait for some. Bounded by the windows: every entry has a segment in one of them or on
/// its way to it.
#[derive(Debug, Default)]
pub struct Collector {
    partial: FxHashMap<MessageId, Vec<Option<Reply>>>,
}

impl Collector {
    /// Takes one answer; the message when that was the last.
    pub fn take(&mut self, answer: Answer) -> Option<Whole> {
        let Answer {
            flight,
            part,
            reply,
            late,
            ..
        } = answer;
        if flight.segments == 1 {
            return Some(Whole {
                flight,
                replies: vec![reply],
                late,
            });
        }
        if late {
            // The message is in doubt as a whole; one segment's late answer does not decide it, its receipts will.
            return None;
        }
        let replies = self
            .partial
            .entry(flight.id)
            .or_insert_with(|| vec![None; usize::from(flight.segments)]);
        if let Some(place) = replies.get_mut(usize::from(part)) {
            *place = Some(reply);
        }
        if replies.iter().any(Option::is_none) {
            return None;
        }
        let replies = self.partial.remove(&flight.id)?.into_iter().flatten().collect();
        Some(Whole {
            flight,
            replies,
            late: false,
        })
    }

    /// Takes a message back some of whose segments are submitted again: those wait for a reply once more.
    pub fn reopen(&mut self, whole: &Whole, parts: &[u8]) {
        let mut replies: Vec<Option<Reply>> = whole.replies.iter().cloned().map(Some).collect();
        for part in parts {
            replies[usize::from(*part)] = None;
        }
        self.partial.insert(whole.flight.id, replies);
    }

    /// Messages that wait for some of their replies.
    pub fn count(&self) -> usize {
        self.partial.len()
    }
}
