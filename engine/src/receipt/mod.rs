//! Receipts: which message one is about, and what it makes of it. Decides; carries nothing out.
//!
//! The recipient comes first: the receipt's source address finds the recipient's record, and among the one to three
//! messages in it the ids decide under every equality that carriers are known for (`smpp::receipt::relation`). The
//! store settles the ordinary case by itself (`receipt.lua`); what it hands back comes here.

mod matching;
mod parked;
mod recent;

pub use matching::{Found, find};
pub use parked::Parked;
pub use recent::Recent;

use crate::bind::ReceiptNews;
use crate::domain::{Enroute, Event, Message, Reason, ResultSlot, SegmentTrace, Status};
use crate::outcome::Verdict;
use crate::store::{Letter, Move, MoveKind};

impl ReceiptNews {
    /// The ids that it names, the surest first; empty ones are none.
    pub fn ids(&self) -> impl Iterator<Item = &[u8]> {
        [&self.tlv_id, &self.text_id]
            .into_iter()
            .flatten()
            .map(Vec::as_slice)
            .filter(|id| !id.is_empty())
    }
}

/// How a verdict stands in the results of a campaign.
pub fn result(verdict: Verdict, now_us: u64) -> ResultSlot {
    let reason = if verdict.status == Status::Delivered {
        Reason::None
    } else {
        Reason::Receipt
    };
    ResultSlot {
        status: Some(verdict.status),
        accepted: true,
        reason,
        code: verdict.code,
        at: (now_us / 1_000_000) as u32,
    }
}

/// The move that a receipt makes of a message that is enroute: one segment of it is settled, and with the last of them
/// the message, in the worst segment's status.
pub fn settle(message: &Message<'_>, segment: usize, verdict: Verdict, now_us: u64) -> Option<(Move, Option<Status>)> {
    let mut enroute = Enroute::unpack(message.entry.body)?;
    enroute.segments.get_mut(segment)?.settled = Some(verdict.status);
    let open = enroute.segments.iter().any(|trace| trace.settled.is_none());
    if open {
        return Some((
            Move {
                replacement: message.accepted(&enroute),
                ..Move::end(MoveKind::Decide, message)
            },
            None,
        ));
    }
    let worst = enroute
        .segments
        .iter()
        .filter_map(|trace| trace.settled)
        .min_by_key(|status| status.rank())?;
    let result = result(
        Verdict {
            status: worst,
            ..verdict
        },
        now_us,
    );
    let counts = Some(Letter::of(&result));
    let action = Move {
        counts,
        result: Some(result),
        ..Move::end(MoveKind::Decide, message)
    };
    debug_assert!(message.state.after(Event::Receipt(worst)).is_ok());
    Some((action, Some(worst)))
}

/// The move that a receipt makes of a message in doubt: it was taken after all, under the receipt's id. The receipt then
/// settles it like any other.
pub fn adopt(message: &Message<'_>, news: &ReceiptNews, now_us: u64) -> Move {
    let id = news.ids().next().unwrap_or_default().to_vec();
    let mut segments = vec![SegmentTrace::default(); usize::from(message.entry.segments.max(1))];
    segments[0].smsc_message_id = id;
    let enroute = Enroute {
        accepted_at: now_us,
        segments,
    };
    let counts = Some(Letter::ACCEPTED);
    Move {
        replacement: message.accepted(&enroute),
        counts,
        ..Move::end(MoveKind::Answer, message)
    }
}

#[cfg(test)]
mod tests;
