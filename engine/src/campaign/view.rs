//! Campaigns and messages as JSON, as the API shows them. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::audience::Rejected;
use crate::domain::{State, split_messages};
use crate::store::{Campaign, CampaignKind, CampaignState, Counters, RecipientRow};

/// A campaign with its progress: `GET /v1/campaigns/{id}`.
pub fn campaign(campaign: &Campaign, counters: &Counters) -> Value {
    let mut view = summary(campaign);
    let statuses: Map<String, Value> = counters
        .statuses()
        .into_iter()
        .map(|(status, count)| (status.code().to_owned(), count.into()))
        .collect();
    let ended: u64 = counters.statuses().iter().map(|(_, count)| count).sum();
    let total = total(campaign, counters);
    // What is not yet expanded is as good as queued.
    let queued = match is_under_way(campaign.state) {
        true => total.saturating_sub(ended + counters.in_doubt + counters.canceled),
        false => counters.queued(),
    };
    view["text"] = campaign.text.clone().into();
    view["sender"] = campaign.sender.clone().into();
    view["progress"] = json!({
        "total": total,
        "expanded": counters.expanded,
        "queued": queued,
        "in_doubt": counters.in_doubt,
        "canceled": counters.canceled,
    });
    view["statuses"] = statuses.into();
    view["credits"] = json!({ "held": campaign.held, "spent": campaign.spent, "recredited": campaign.recredited });
    view
}

/// A campaign in a list, without its progress.
pub fn summary(campaign: &Campaign) -> Value {
    json!({
        "id": campaign.id.to_string(),
        "kind": match campaign.kind {
            CampaignKind::Audience => "audience",
            CampaignKind::Direct => "direct",
        },
        "name": campaign.name,
        "state": campaign.state.code(),
        "purpose": campaign.purpose.code(),
        "audience": audience(campaign),
        "estimate": {
            "recipients": campaign.total,
            "segments": campaign.estimate_segments,
            "credits": campaign.estimate_credits,
        },
        "created_at": time(campaign.created_at),
        "launched_at": Some(campaign.launched_at).filter(|at| *at > 0).and_then(time),
    })
}

/// How many recipients were taken, and how many not, by reason.
pub fn audience(campaign: &Campaign) -> Value {
    json!({
        "accepted": campaign.total,
        "invalid": campaign.invalid,
        "not_mobile": campaign.not_mobile,
        "duplicates": campaign.duplicates,
    })
}

/// The recipients that were not taken, with their place in the request and why.
pub fn rejected(rows: &[Rejected]) -> Value {
    let row = |row: &Rejected| json!({ "pointer": row.place.to_string(), "to": row.value, "code": row.reason.code() });
    rows.iter().map(row).collect()
}

/// One message: to whom, its status, and why it has it.
pub fn message(row: &RecipientRow) -> Value {
    let mut view = json!({ "to": row.recipient.to_string(), "id": row.id.to_string() });
    let (status, reason, code, at) = match row.result {
        Some(result) => {
            let status = result.status.map_or(State::Canceled.word(), |status| status.code());
            (
                status,
                Some(result.reason.code()),
                Some(result.code).filter(|code| *code > 0),
                Some(result.at),
            )
        }
        None => (state(row).word(), None, None, None),
    };
    view["status"] = status.into();
    view["reason"] = reason.into();
    view["code"] = code.into();
    view["at"] = at.and_then(|seconds| time(u64::from(seconds) * 1_000_000)).into();
    view
}

/// Where a message is that has not ended: what is in no record has not left its queue.
fn state(row: &RecipientRow) -> State {
    let message = split_messages(&row.record).find(|message| message.entry.id == row.id);
    message.map_or(State::Queued, |message| message.state)
}

fn total(campaign: &Campaign, counters: &Counters) -> u64 {
    match campaign.kind {
        CampaignKind::Audience => campaign.total,
        CampaignKind::Direct => counters.expanded,
    }
}

const fn is_under_way(state: CampaignState) -> bool {
    match state {
        CampaignState::Launching
        | CampaignState::Running
        | CampaignState::Paused
        | CampaignState::Completed
        | CampaignState::Stopped => true,
        CampaignState::Draft | CampaignState::Blocked | CampaignState::Canceled => false,
    }
}

/// RFC 3339, in UTC; `None` for what is no time.
pub fn time(unix_us: u64) -> Option<String> {
    timestamp(unix_us).map(|time| time.to_string())
}

/// The hour of a time, as people write it.
pub(super) fn hour(unix_us: u64) -> String {
    timestamp(unix_us)
        .map(|time| time.strftime("%Y-%m-%d %H h UTC").to_string())
        .unwrap_or_default()
}

fn timestamp(unix_us: u64) -> Option<Timestamp> {
    Timestamp::from_microsecond(i64::try_from(unix_us).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CampaignId, MessageId, Reason, Recipient, ResultSlot, Status};

    fn row(result: Option<ResultSlot>) -> RecipientRow {
        RecipientRow {
            recipient: Recipient(33_612_345_678),
            id: MessageId(CampaignId(1).0 << 24),
            result,
            record: Vec::new(),
        }
    }

    #[test]
    fn a_message_is_shown_with_its_reason() {
        let result = ResultSlot {
            status: Some(Status::UnknownNumber),
            accepted: false,
            reason: Reason::Answer,
            code: 11,
            at: 1_763_000_000,
        };
        let view = message(&row(Some(result)));
        assert_eq!(
            (&view["to"], &view["status"]),
            (&json!("+33612345678"), &json!("unknown_number"))
        );
        assert_eq!(
            (&view["reason"], &view["code"], &view["at"]),
            (&json!("answer"), &json!(11), &json!("2025-11-13T02:13:20Z"))
        );
        assert_eq!(message(&row(None))["status"], "queued");
        let canceled = ResultSlot {
            status: None,
            reason: Reason::Stopped,
            code: 0,
            ..result
        };
        assert_eq!(message(&row(Some(canceled)))["status"], "canceled");
    }
}
