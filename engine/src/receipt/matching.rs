//! Which of a recipient's messages a receipt is about.

use smpp::receipt::{Relation, relation};

use crate::bind::ReceiptNews;
use crate::domain::{Enroute, Message, State, split_messages};

/// What a receipt was found to be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// That segment of that message, which is enroute.
    Segment(Message<'a>, usize),
    /// That message, which is in doubt.
    Doubtful(Message<'a>),
    /// A segment that is settled already.
    Duplicate,
    /// None yet, but a message to that recipient has no answer: its id may come.
    Early,
    /// None.
    Nothing,
}

/// Looks through a recipient's record.
pub fn find<'a>(record: &'a [u8], news: &ReceiptNews) -> Found<'a> {
    let messages: Vec<Message<'a>> = split_messages(record).collect();
    if let Some(found) = by_id(&messages, news) {
        return found;
    }
    let in_state = |state: State| messages.iter().filter(move |message| message.state == state);
    let open = in_state(State::Enroute).filter_map(|message| Some((message, open_segment(message, news)?)));
    let doubtful = in_state(State::InDoubt);
    let leased = in_state(State::Leased).count();
    let open: Vec<_> = open.collect();
    let doubtful: Vec<_> = doubtful.collect();
    match (open.as_slice(), doubtful.as_slice(), leased) {
        ([(message, segment)], [], 0) => Found::Segment(**message, *segment),
        ([], [message], 0) => Found::Doubtful(**message),
        (_, _, 1..) => Found::Early,
        _ => Found::Nothing,
    }
}

/// By the surest equality of the surest id.
fn by_id<'a>(messages: &[Message<'a>], news: &ReceiptNews) -> Option<Found<'a>> {
    for id in news.ids() {
        let mut best: Option<(Relation, Found<'a>)> = None;
        for message in messages.iter().filter(|message| message.state == State::Enroute) {
            let Some(enroute) = Enroute::unpack(message.entry.body) else {
                continue;
            };
            for (segment, trace) in enroute.segments.iter().enumerate() {
                let Some(relation) = relation(&trace.smsc_message_id, id) else {
                    continue;
                };
                let found = if trace.settled.is_some() {
                    Found::Duplicate
                } else {
                    Found::Segment(*message, segment)
                };
                // A segment that is still open wins over a settled one of the same id: ids are used again.
                let better = best
                    .as_ref()
                    .is_none_or(|(known, kept)| relation < *known || (relation == *known && *kept == Found::Duplicate));
                if better {
                    best = Some((relation, found));
                }
            }
        }
        if let Some((_, found)) = best {
            return Some(found);
        }
    }
    None
}

/// The first open segment that such a receipt may be about although no id says so: any, when the receipt names no id;
/// one whose answer brought no id, otherwise.
fn open_segment(message: &Message<'_>, news: &ReceiptNews) -> Option<usize> {
    let nameless = news.ids().next().is_none();
    let enroute = Enroute::unpack(message.entry.body)?;
    enroute
        .segments
        .iter()
        .position(|trace| trace.settled.is_none() && (nameless || trace.smsc_message_id.is_empty()))
}
