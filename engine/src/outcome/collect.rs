//! The segments of a message are answered one by one; the message moves once, when the last that was submitted has its reply.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::bind::{Answer, Flight, Reply};
use crate::domain::MessageId;

/// A message all of whose submitted segments have a reply.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) flight: Arc<Flight>,
    /// Segments and their replies.
    pub(crate) replies: Vec<(u8, Reply)>,
    /// It had been reported as lost before: one segment's answer by itself.
    pub(crate) late: bool,
}

/// Replies of messages that still wait for some. Bounded by the windows: every entry has a segment in one of them or on
/// its way to it, and every session answers for its segments at its end.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    partial: FxHashMap<MessageId, Vec<(u8, Reply)>>,
}

impl Collector {
    /// Takes one answer; the message when that was the last.
    pub(crate) fn take(&mut self, answer: Answer) -> Option<Whole> {
        let Answer {
            flight,
            part,
            reply,
            late,
            ..
        } = answer;
        if flight.submitted <= 1 || late {
            let replies = vec![(part, reply)];
            return Some(Whole { flight, replies, late });
        }
        let replies = self.partial.entry(flight.id).or_default();
        debug_assert!(
            part < flight.segments && replies.iter().all(|(known, _)| *known != part),
            "a segment has two replies"
        );
        replies.push((part, reply));
        if replies.len() < usize::from(flight.submitted) {
            return None;
        }
        let replies = self.partial.remove(&flight.id)?;
        Some(Whole { flight, replies, late })
    }

    /// Messages that wait for some of their replies.
    pub(crate) fn count(&self) -> usize {
        self.partial.len()
    }
}
