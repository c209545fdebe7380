use std::ops::Range;

use serde::Serialize;

use super::Ledger;
use super::line::Line;
use super::row::Row;
use super::totals::Names;
use crate::number::Numbers;

/// How many rows before and after the first segment the others are looked for: clients submit them together, and a
/// search must end.
const NEARBY: u64 = 1000;

/// Which messages are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct MessageFilter {
    pub(crate) account: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) source: Option<String>,
    /// Name of the answer's command_status.
    pub(crate) status: Option<String>,
    /// State in the final receipt.
    pub(crate) stat: Option<String>,
    pub(crate) outcome: Option<String>,
    /// Received then or later, µs since 1970.
    pub(crate) since_us: u64,
    /// In the whole text.
    pub(crate) contains: Option<String>,
}

/// One message: its segments together.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// The sequence number of the segment that came first.
    pub sequence: u64,
    /// The account that submitted it.
    pub account: String,
    /// The session that its first segment came on.
    pub session: u32,
    /// Source address as it came.
    pub source: String,
    /// Destination address as it came.
    pub recipient: String,
    /// Which message to that recipient, from 1; 0: refused before an outcome was dealt.
    pub attempt: u16,
    /// When its first segment came, µs since 1970.
    pub received_at_us: u64,
    /// The outcome that it was dealt.
    pub outcome: String,
    /// The command_status of the first segment's answer; `None`: not answered.
    pub status: Option<String>,
    /// The state in its final receipt.
    pub stat: Option<&'static str>,
    /// How the text was coded (3.4, 5.2.19).
    pub data_coding: u8,
    /// The texts of the segments that came, in their order; `None` when one of them was not kept.
    pub text: Option<String>,
    /// How many segments the client cut it into.
    pub segments_total: u8,
    /// Those that came.
    pub segments: Vec<Segment>,
}

/// One submit_sm of a message.
#[derive(Clone, Debug, Serialize)]
pub struct Segment {
    /// Place in order of arrival, from 0.
    pub sequence: u64,
    /// Which segment, from 1.
    pub part: u8,
    /// The id in its answer; `None` when it was not accepted.
    pub message_id: Option<String>,
    /// When it came, µs since 1970.
    pub received_at_us: u64,
    /// When it was answered.
    pub answered_at_us: Option<u64>,
    /// The command_status that it was answered with.
    pub status: Option<String>,
    /// Final receipts that it is to get, copies included.
    pub receipts_due: u8,
    /// Sent for the first time.
    pub receipts_sent: u8,
    /// Acknowledged with `ESME_ROK`.
    pub receipts_acked: u8,
    /// When the last one was sent.
    pub receipt_sent_at_us: Option<u64>,
    /// When the last one was acknowledged.
    pub receipt_acked_at_us: Option<u64>,
    /// The user data header in hexadecimal digits, its length included; empty without one, `None` when not kept.
    pub udh: Option<String>,
    /// What follows it, as it came, in hexadecimal digits; `None` when not kept.
    pub short_message: Option<String>,
}

/// How far a reader of messages has come.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    filter: MessageFilter,
    backwards: bool,
    /// The place to look at next; `None`: that was the last.
    next: Option<u64>,
}

impl Walk {
    /// From that place on, or from the first in that direction.
    pub(crate) fn new(filter: MessageFilter, backwards: bool, from: Option<u64>, ledger: &Ledger) -> Self {
        let there = ledger.there();
        let next = match from {
            Some(from) => from.max(there.start),
            None if backwards => there.end.saturating_sub(1),
            None => there.start,
        };
        Self {
            filter,
            backwards,
            next: there.contains(&next).then_some(next),
        }
    }

    /// Where to go on; `None` at the end.
    pub(crate) fn next(&self) -> Option<u64> {
        self.next
    }

    /// The ring may have gone on meanwhile.
    fn step(&mut self, there: &Range<u64>) {
        let next = match self.next {
            Some(next) if self.backwards => next.checked_sub(1),
            Some(next) => Some((next + 1).max(there.start)),
            None => None,
        };
        self.next = next.filter(|next| there.contains(next));
    }
}

impl Ledger {
    /// The places of the rows that the ring still holds. Unfinished ones before them are not among the messages.
    fn there(&self) -> Range<u64> {
        self.first..self.next
    }

    /// The next messages, at most `limit`, looking at no more than `rows` rows.
    pub(crate) fn messages(
        &self,
        walk: &mut Walk,
        (rows, limit): (usize, usize),
        names: (&Names<'_>, &Numbers),
    ) -> Vec<Message> {
        let mut messages = Vec::new();
        for _ in 0..rows {
            let Some(place) = walk.next.filter(|_| messages.len() < limit) else {
                break;
            };
            messages.extend(self.message(place, &walk.filter, names));
            walk.step(&self.there());
        }
        messages
    }

    /// The message whose first segment is at that place, if the filter wants it.
    fn message(&self, place: u64, filter: &MessageFilter, names: (&Names<'_>, &Numbers)) -> Option<Message> {
        let row = self.row_at(place)?;
        let first = self
            .line((place, row), names.0, names.1)
            .filter(|line| filter.wants(line))?;
        let places = self.segments(place, row)?;
        let mut lines: Vec<_> = places
            .into_iter()
            .filter_map(|place| self.row_at(place).map(|row| (place, row)))
            .filter_map(|(place, row)| Some((row, self.line((place, row), names.0, names.1)?)))
            .collect();
        lines.sort_by_key(|(_, line)| line.part);
        let text: Option<String> = lines.iter().map(|(_, line)| line.text.as_deref()).collect();
        let contains = filter.contains.as_deref().unwrap_or_default();
        if !contains.is_empty() && !text.as_deref().unwrap_or_default().contains(contains) {
            return None;
        }
        Some(Message {
            sequence: first.sequence,
            account: first.account,
            session: first.session,
            source: first.source,
            recipient: first.recipient,
            attempt: first.attempt,
            received_at_us: first.received_at_us,
            outcome: first.outcome,
            status: first.status,
            stat: first.stat,
            data_coding: first.data_coding,
            text,
            segments_total: first.total,
            segments: lines.into_iter().map(|(row, line)| self.part(row, line)).collect(),
        })
    }

    /// The places of a message whose first segment is at `place`; `None` when an earlier one does.
    fn segments(&self, place: u64, row: &Row) -> Option<Vec<u64>> {
        // What was refused before an outcome was dealt belongs to no message that could be told from the next.
        if row.total <= 1 || row.attempt == 0 {
            return Some(vec![place]);
        }
        let key = |row: &Row| (row.recipient, row.source, row.account, row.attempt, row.total);
        let belongs = |at: &u64| self.row_at(*at).is_some_and(|other| key(other) == key(row));
        if (place.saturating_sub(NEARBY)..place).any(|at| belongs(&at)) {
            return None;
        }
        let until = (place + NEARBY).min(self.next);
        Some((place..until).filter(belongs).take(usize::from(row.total)).collect())
    }

    fn part(&self, row: &Row, line: Line) -> Segment {
        Segment {
            sequence: line.sequence,
            part: line.part,
            message_id: line.message_id,
            received_at_us: line.received_at_us,
            answered_at_us: line.answered_at_us,
            status: line.status,
            receipts_due: line.receipts_due,
            receipts_sent: line.receipts_sent,
            receipts_acked: line.receipts_acked,
            receipt_sent_at_us: line.receipt_sent_at_us,
            receipt_acked_at_us: line.receipt_acked_at_us,
            udh: self.header(row).map(hex),
            short_message: self.text(row).map(hex),
        }
    }
}

impl MessageFilter {
    /// Everything but the text, which may lie in several rows.
    fn wants(&self, line: &Line) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| wanted.is_none() || wanted.as_deref() == is;
        line.received_at_us >= self.since_us
            && same(&self.account, Some(&line.account))
            && self
                .recipient
                .as_deref()
                .is_none_or(|wanted| number(wanted) == number(&line.recipient))
            && same(&self.source, Some(&line.source))
            && same(&self.outcome, Some(&line.outcome))
            && same(&self.status, line.status.as_deref())
            && same(&self.stat, line.stat)
    }
}

/// With or without a plus sign, a telephone is the same.
fn number(address: &str) -> &str {
    address.strip_prefix('+').unwrap_or(address)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
