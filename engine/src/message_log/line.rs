//! A line: what happened to a message, or to some that end together.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{ENDED, JournalEvent, MessageId, Partition, ResultSlot, SmscId, State};
use crate::store::JournalEntry;

/// What stands in a line of its own.
#[derive(Serialize)]
struct Line<'a> {
    /// By the database's clock.
    time: &'a str,
    /// Which event of which entry of the journal: a line that comes again has the same.
    entry: String,
    event: &'static str,
    message: String,
    /// So many messages ended together: this one and those behind it in its partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    campaign: String,
    tenant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    smsc: Option<String>,
    /// What the SMSC calls its segments; empty for one that it has given no id.
    #[serde(skip_serializing_if = "<[Cow<'_, str>]>::is_empty")]
    smsc_message_ids: &'a [Cow<'a, str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<u8>,
    /// What it is billed now.
    #[serde(skip_serializing_if = "Option::is_none")]
    credits: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

/// Tells what an entry of the journal says.
pub(super) struct Teller<'a> {
    partition: Partition,
    partitions: u16,
    entry: &'a JournalEntry,
    time: String,
}

impl<'a> Teller<'a> {
    pub(super) fn new(partition: Partition, entry: &'a JournalEntry, partitions: u16) -> Self {
        let at = Timestamp::from_millisecond(entry.at_milliseconds());
        Self {
            partition,
            partitions,
            entry,
            time: at.map(|at| format!("{at:.3}")).unwrap_or_default(),
        }
    }

    /// Appends the line of its `number`-th event.
    pub(super) fn tell(
        &self,
        number: usize,
        (event, ids): (&JournalEvent, &[Cow<'_, str>]),
        names: &dyn Fn(SmscId) -> Option<String>,
        text: &mut String,
    ) {
        let result = match event {
            JournalEvent::Moved { result, .. } => *result,
            JournalEvent::Range { result, .. } => Some(*result),
        };
        let reason = result.map(|result| result.reason.code()).filter(|code| *code != "none");
        let code = result.map(|result| result.code).filter(|code| *code > 0);
        let entry = format!("{}:{}.{number}", self.partition.0, self.entry.id);
        let line = match *event {
            JournalEvent::Moved {
                to,
                id,
                tenant,
                smsc,
                segments,
                credits,
                ..
            } => Line {
                time: &self.time,
                entry,
                event: word(to, result),
                message: id.to_string(),
                count: None,
                campaign: id.campaign().to_string(),
                tenant: tenant.to_string(),
                smsc: names(smsc),
                smsc_message_ids: ids,
                segments: Some(segments),
                credits: Some(credits),
                reason,
                code,
            },
            JournalEvent::Range {
                campaign,
                tenant,
                position,
                count,
                ..
            } => Line {
                time: &self.time,
                entry,
                event: word(ENDED, result),
                message: MessageId::new(campaign, self.partition, self.partitions, position).to_string(),
                count: Some(count),
                campaign: campaign.to_string(),
                tenant: tenant.to_string(),
                smsc: None,
                smsc_message_ids: &[],
                segments: None,
                credits: None,
                reason,
                code,
            },
        };
        // Strings and numbers always can be written.
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
}

/// What has happened: the end's word, or what an operator calls the move.
fn word(to: u8, result: Option<ResultSlot>) -> &'static str {
    if let Some(result) = result {
        return result.ending.word();
    }
    match State::from_letter(to) {
        Some(State::Enroute) => "taken",
        Some(State::InDoubt) => "doubted",
        Some(state) => state.word(),
        None => "unknown",
    }
}
