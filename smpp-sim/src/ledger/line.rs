use serde::{Deserialize, Serialize};
use smpp::frame::{Tlvs, tag};

use super::Ledger;
use super::ids::{IdOf, id_text};
use super::row::Row;
use super::totals::Names;
use crate::model::{Injected, Keep, Stat};
use crate::number::Numbers;

/// Which rows are asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Of that account only.
    pub account: Option<String>,
    /// To that recipient only, as it was submitted.
    pub recipient: Option<String>,
    /// From that sequence number on.
    pub from: Option<usize>,
    /// The most rows.
    pub limit: Option<usize>,
}

/// One row as `GET /ledger` shows it. Times are µs since 1970; `None`: it did not happen.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Place in order of arrival, from 0.
    pub sequence: u64,
    /// The account that submitted it.
    pub account: String,
    /// The session that it came on.
    pub session: u32,
    /// Source address as it came.
    pub source: String,
    /// Destination address as it came.
    pub recipient: String,
    /// Which message to that recipient, from 1; 0: refused before an outcome was dealt.
    pub attempt: u16,
    /// Which segment, from 1.
    pub part: u8,
    /// How many segments the message has.
    pub total: u8,
    /// The id in its answer; `None` when it was not accepted.
    pub message_id: Option<String>,
    /// When it came.
    pub received_at_us: u64,
    /// The same, if it was accepted.
    pub accepted_at_us: Option<u64>,
    /// When it was answered.
    pub answered_at_us: Option<u64>,
    /// The command_status that it was answered with.
    pub command_status: Option<u32>,
    /// The same by name.
    pub status: Option<String>,
    /// The outcome that it was dealt.
    pub outcome: String,
    /// The state in its final receipt.
    pub stat: Option<&'static str>,
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
    /// The fault that its answer was made with; `None`: an ordinary one.
    pub fault: Option<&'static str>,
    /// When cancel_sm, or a later submit_sm in its place, deleted it.
    pub cancelled_at_us: Option<u64>,
    /// How often replace_sm changed it; `text` is the last one.
    pub replaced: u8,
    /// The validity that it came with, or that replace_sm gave it; `None`: neither.
    pub validity_period: Option<String>,
    /// When it was to be delivered at the earliest, as it came; `None`: at once.
    pub schedule_delivery_time: Option<String>,
    /// As it came; empty: none.
    pub service_type: String,
    /// As it came.
    pub priority_flag: u8,
    /// Optional parameters but for the text: tag, such as `0x1400`, and value in hexadecimal, in their order.
    pub tlvs: Vec<(String, String)>,
    /// TON and NPI of the source, then of the recipient.
    pub ton_npi: [u8; 4],
    /// How the text was coded.
    pub data_coding: u8,
    /// The text without its user data header; `None` when there was no room to keep it.
    pub text: Option<String>,
}

/// How far a reader of the ledger has come: it reads some rows at a time, so that the simulator goes on in between.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    filter: Filter,
    next: u64,
    left: usize,
}

impl Page {
    pub(crate) fn new(filter: Filter) -> Self {
        Self {
            next: filter.from.unwrap_or(0) as u64,
            left: filter.limit.unwrap_or(usize::MAX),
            filter,
        }
    }
}

impl Ledger {
    /// The next lines, looking at no more than `rows` rows; `None` at the end. Rows that the ring has dropped are
    /// passed over.
    pub(crate) fn lines(
        &self,
        page: &mut Page,
        rows: usize,
        (names, numbers): (&Names<'_>, &Numbers),
    ) -> Option<Vec<Line>> {
        if page.left == 0 || page.next >= self.next {
            return None;
        }
        // Blocks are dropped whole: what they hold beyond the limit is there by chance.
        let shown = match self.limits.keep {
            Keep::Ring => self.next.saturating_sub(self.limits.rows_max as u64),
            Keep::All => 0,
        };
        let mut lines = Vec::new();
        let mut looked_at = 0;
        for (place, row) in self.rows_from(page.next).take(rows) {
            looked_at += 1;
            page.next = place + 1;
            if place < shown && self.is_done_with(row) {
                continue;
            }
            let line = self.line((place, row), names, numbers);
            if let Some(line) = line.filter(|line| page.filter.wants(line)) {
                lines.push(line);
                page.left -= 1;
            }
            if page.left == 0 {
                break;
            }
        }
        if looked_at == 0 {
            page.next = self.next;
        }
        Some(lines)
    }

    pub(super) fn line(&self, (place, row): (u64, &Row), names: &Names<'_>, numbers: &Numbers) -> Option<Line> {
        let outcome = names.outcomes.get(usize::from(row.outcome))?;
        let happened = |at: u64| (at > 0).then_some(at);
        let answered = row.answered_at_us();
        let extras = self.extras.get(&place).cloned().unwrap_or_default();
        let words = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let id = || id_text(&outcome.message_id, &IdOf::row(row, place as u32, numbers));
        Some(Line {
            sequence: place,
            account: names
                .accounts
                .get(usize::from(row.account))
                .cloned()
                .unwrap_or_default(),
            session: row.session,
            source: numbers.text(row.source),
            recipient: numbers.text(row.recipient),
            attempt: row.attempt,
            part: row.part,
            total: row.total,
            message_id: row.accepted.then(id),
            received_at_us: row.received_at_us,
            accepted_at_us: row.accepted.then_some(row.received_at_us),
            answered_at_us: answered,
            command_status: answered.map(|_| row.status.0),
            status: answered.map(|_| row.status.to_string()),
            outcome: outcome.name.clone(),
            stat: row.stat.map(Stat::name),
            receipts_due: row.due,
            receipts_sent: row.sent,
            receipts_acked: row.acked,
            receipt_sent_at_us: happened(row.sent_at_us),
            receipt_acked_at_us: happened(row.acked_at_us),
            fault: row.injected.map(Injected::name),
            cancelled_at_us: row.final_at_us().filter(|_| row.is_deleted()),
            replaced: row.replaced,
            validity_period: self.validity(place),
            schedule_delivery_time: Some(words(&extras.schedule_delivery_time)).filter(|time| !time.is_empty()),
            service_type: words(&extras.service_type),
            priority_flag: extras.priority_flag,
            tlvs: parameters(&extras.tlvs),
            ton_npi: row.ton_npi,
            data_coding: row.text.data_coding,
            text: self.decoded(row),
        })
    }
}

/// Optional parameters as people read them; the text is shown elsewhere.
fn parameters(tlvs: &[u8]) -> Vec<(String, String)> {
    let others = Tlvs(tlvs).iter().filter(|(tag, _)| *tag != tag::MESSAGE_PAYLOAD);
    let hexadecimal = |value: &[u8]| value.iter().map(|octet| format!("{octet:02x}")).collect();
    others
        .map(|(tag, value)| (format!("0x{tag:04X}"), hexadecimal(value)))
        .collect()
}

impl Filter {
    fn wants(&self, line: &Line) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        same(&self.account, &line.account) && same(&self.recipient, &line.recipient)
    }
}
