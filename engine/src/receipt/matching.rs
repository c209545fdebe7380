//! Which of a recipient's messages a receipt is about.

use jiff::civil::DateTime;
use smpp::receipt::{Relation, relation};

use crate::bind::ReceiptNews;
use crate::domain::{Mark, Message, Record, SmscId, State, UnixMicros, digest};

/// What a receipt was found to be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// That segment of the message at that place in the record: its receipt is awaited.
    Segment(usize, usize),
    /// That segment of the message at that place, which may have been sent.
    Doubtful(usize, usize),
    /// A segment that is settled already, or a message that was.
    Duplicate,
    /// None yet, but a message to that recipient has no answer: its id may come.
    Early,
    /// Several are as likely.
    Ambiguous,
    /// None.
    Nothing,
}

/// Looks through a recipient's record for what a receipt of that SMSC is about.
pub(crate) fn find(record: &Record<'_>, smsc: SmscId, news: &ReceiptNews) -> Found {
    let mine: Vec<(usize, &Message<'_>)> = record
        .messages
        .iter()
        .enumerate()
        .filter(|(_, message)| [smsc, SmscId::UNKNOWN].contains(&message.smsc))
        .collect();
    // One that is deferred with a part at this SMSC, too: its receipts come when it is whole.
    let unanswered = mine
        .iter()
        .filter(|(_, message)| matches!(message.state, State::Leased | State::Deferred))
        .count();
    match by_id(&mine, news) {
        // The id that comes with the answer may be the very one of the receipt.
        Some((Relation::HexToDecimal | Relation::DecimalToHex, _)) if unanswered > 0 => return Found::Early,
        Some((_, found)) => return found,
        None => {}
    }
    if news.ids().any(|id| record.remembers(digest(smsc, id))) {
        return Found::Duplicate;
    }
    let in_state = |state: State| mine.iter().filter(move |(_, message)| message.state == state);
    let open: Vec<_> = in_state(State::Enroute)
        .filter_map(|(at, message)| Some((*at, open_segment(message, news)?)))
        .collect();
    let doubtful: Vec<_> = in_state(State::InDoubt)
        .filter_map(|(at, message)| Some((*at, lost_segment(message)?)))
        .collect();
    match (open.as_slice(), doubtful.as_slice(), unanswered) {
        ([(at, segment)], [], 0) => Found::Segment(*at, *segment),
        ([], [(at, segment)], 0) => Found::Doubtful(*at, *segment),
        (_, _, 1..) => Found::Early,
        // One without an id came before, and nothing is open that this one might be about.
        ([], [], 0) if news.ids().next().is_none() && record.remembers(digest(smsc, b"")) => Found::Duplicate,
        ([], [], 0) => Found::Nothing,
        _ => Found::Ambiguous,
    }
}

/// By the surest equality of the surest id.
fn by_id(messages: &[(usize, &Message<'_>)], news: &ReceiptNews) -> Option<(Relation, Found)> {
    for id in news.ids() {
        let mut best: Option<(Relation, Found)> = None;
        for (at, message) in messages {
            let Some(traces) = message.traces() else { continue };
            for (segment, trace) in traces.segments.iter().enumerate() {
                let Some(relation) = relation(&trace.smsc_id, id) else {
                    continue;
                };
                let found = match (message.state, trace.mark) {
                    (_, Mark::Settled(_)) => Found::Duplicate,
                    (State::Enroute | State::InDoubt, _) => Found::Segment(*at, segment),
                    // It waits until the message is whole.
                    _ => Found::Early,
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
        if best.is_some() {
            return best;
        }
    }
    None
}

/// The first open segment that such a receipt may be about although no id says so: any, when the receipt names no id;
/// one whose answer brought no id, otherwise.
fn open_segment(message: &Message<'_>, news: &ReceiptNews) -> Option<usize> {
    let nameless = news.ids().next().is_none();
    let traces = message.traces()?;
    let is_open = |trace: &crate::domain::Trace| trace.mark == Mark::Taken && (nameless || trace.smsc_id.is_empty());
    traces.segments.iter().position(is_open)
}

fn lost_segment(message: &Message<'_>) -> Option<usize> {
    let traces = message.traces_or(Mark::Lost, message.segments);
    traces.segments.iter().position(|trace| trace.mark == Mark::Lost)
}

/// Receipts tell local time, of a zone that nobody says: from UTC-12 to UTC+14, and an hour for clocks that are off.
const ZONES: std::ops::RangeInclusive<i64> = -13 * 3_600..=15 * 3_600;

/// Whether a receipt's submit date, where it has one, may be that of a message that was submitted then.
pub(crate) fn is_plausible(news: &ReceiptNews, at: UnixMicros) -> bool {
    let Some(date) = news.submit_date.as_deref().and_then(date) else {
        return true;
    };
    let Ok(utc) = date.to_zoned(jiff::tz::TimeZone::UTC) else {
        return false;
    };
    ZONES.contains(&(utc.timestamp().as_second() - at.seconds() as i64))
}

/// `YYMMDDhhmm` or `YYYYMMDDhhmm`, with or without seconds (3.4, appendix B); `None` for what is written otherwise.
fn date(text: &str) -> Option<DateTime> {
    let digits = text.trim();
    if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let format = match digits.len() {
        10 => "%y%m%d%H%M",
        // Twelve digits are either; no receipt of this century has a year of 1 to 19 hundred.
        12 if digits.starts_with("20") && digits[2..4].parse::<u8>().is_ok_and(|year| year >= 20) => "%Y%m%d%H%M",
        12 => "%y%m%d%H%M%S",
        14 => "%Y%m%d%H%M%S",
        _ => return None,
    };
    DateTime::strptime(format, digits).ok()
}
