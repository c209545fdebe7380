//! Campaigns and messages as JSON, as the API shows them. Pure.

use serde_json::{Map, Value, json};

use crate::audience::Rejected;
use crate::domain::{Length, ResultSlot, State, UnixMicros, to_hexadecimal};
use crate::store::{Campaign, CampaignLink, CampaignState, Counters, LateJoiners, RecipientRow, StoredVariant};

/// A campaign with its progress: `GET /v1/campaigns/{id}`.
pub(crate) fn campaign(campaign: &Campaign, counters: &Counters) -> Value {
    let mut view = summary(campaign);
    let text = (!campaign.is_erased()).then(|| campaign.text.clone());
    view["text"] = text.into();
    let redacted = |(at, characters)| json!({ "at": time(at), "characters": characters });
    view["redacted"] = campaign.redacted.map(redacted).into();
    view["link"] = campaign.link.as_ref().map(link).into();
    for (name, value) in ordered(campaign) {
        view[name] = value;
    }
    add_progress(&mut view, campaign, counters);
    view
}

/// Fields that are shown as they are ordered.
pub(super) fn ordered(campaign: &Campaign) -> Map<String, Value> {
    let parameters = &campaign.parameters;
    let tlv = |(tag, value): (u16, &[u8])| json!({ "tag": tag, "hex": to_hexadecimal(value) });
    let variant = |variant: &StoredVariant| json!({ "filter": variant.filter, "text": variant.text });
    let fields: [(&str, Value); 7] = [
        ("sender", campaign.sender.clone().into()),
        ("encoding", campaign.encoding.name().into()),
        ("validity", campaign.validity.map(|validity| validity.as_secs()).into()),
        ("service_type", parameters.service_type.clone().into()),
        (
            "schedule_delivery",
            parameters.schedule_delivery.map(|after| after.as_secs()).into(),
        ),
        ("tlvs", parameters.tlvs.iter().map(tlv).collect()),
        ("variants", campaign.variants.iter().map(variant).collect()),
    ];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    let lengths = ("field_lengths".to_owned(), field_lengths(campaign));
    fields.chain([lengths]).collect()
}

fn field_lengths(campaign: &Campaign) -> Value {
    let named = campaign.lengths.named(&campaign.columns).into_iter();
    let length =
        |(name, length): (&str, Length)| (name.to_owned(), json!({ "max": length.max, "longer": length.longer }));
    Value::Object(named.map(length).collect())
}

fn link(link: &CampaignLink) -> Value {
    json!({
        "url": Some(&link.url).filter(|url| !url.is_empty()),
        "domain": link.domain,
        "expires_at": link.expires_at.and_then(time),
    })
}

/// Where a campaign is, without what it was ordered as.
pub(super) fn progress(campaign: &Campaign, counters: &Counters) -> Value {
    let mut view = json!({ "id": campaign.id.to_string(), "state": campaign.state.code() });
    add_progress(&mut view, campaign, counters);
    view
}

fn add_progress(view: &mut Value, campaign: &Campaign, counters: &Counters) {
    let statuses: Map<String, Value> = counters
        .statuses()
        .into_iter()
        .map(|(status, count)| (status.code().to_owned(), count.into()))
        .collect();
    view["progress"] = json!({
        "total": campaign.total,
        "queued": queued(campaign, counters),
        "in_doubt": counters.in_doubt(),
        "canceled": counters.canceled(),
        "skipped": counters.skipped(),
    });
    view["statuses"] = statuses.into();
    // What was taken is spent, though the tenant's balance follows a moment later.
    let unbooked = counters.spent().saturating_sub(campaign.spent).min(campaign.held);
    view["credits"] = json!({
        "held": campaign.held - unbooked,
        "spent": campaign.spent + unbooked,
        "recredited": counters.recredited().max(campaign.recredited),
    });
}

/// How many of a campaign's messages are to be sent, or on the wire without an answer.
pub(super) fn queued(campaign: &Campaign, counters: &Counters) -> u64 {
    let statuses: u64 = counters.statuses().iter().map(|(_, count)| count).sum();
    let elsewhere = counters.in_doubt() + counters.canceled() + counters.skipped();
    match is_under_way(campaign.state) {
        true => campaign.total.saturating_sub(statuses + elsewhere),
        false => 0,
    }
}

/// A campaign in a list, without its progress.
pub(crate) fn summary(campaign: &Campaign) -> Value {
    json!({
        "id": campaign.id.to_string(),
        "kind": campaign.kind.into_str(),
        "name": campaign.name,
        "state": campaign.state.code(),
        "purpose": campaign.purpose.code(),
        "audience": audience(campaign),
        "estimate": {
            "recipients": campaign.estimate_recipients(),
            "segments": campaign.estimate_segments,
            "credits": campaign.estimate_credits,
        },
        "created_at": time(campaign.created_at),
        "scheduled_at": campaign.scheduled_at.and_then(time),
        "expires_at": campaign.expires_at.and_then(time),
        "late_joiners": campaign.late.as_ref().map(|late| late_joiners(campaign, late)),
        "rate": campaign.rate.map(|rate| rate.to_string()),
        "category": campaign.category,
        "template": campaign.template.map(|(id, version)| json!({ "id": id.to_string(), "version": version })),
        "guests_only": campaign.guests_only,
        "copied_from": campaign.copied_from.map(|id| id.to_string()),
        "edits": campaign.edits,
        "code_pool": campaign.code_pool.map(|pool| pool.to_string()),
        "refused": campaign.refused_code(),
        "codes_missing": campaign.codes_missing(),
        "launched_at": campaign.launched_at.and_then(time),
    })
}

/// Until when people join it, how many have, and why the last who came to fit it get nothing yet.
fn late_joiners(campaign: &Campaign, late: &LateJoiners) -> Value {
    let joined = late.first.map_or(0, |first| campaign.total.saturating_sub(first));
    json!({ "until": time(late.until), "joined": joined, "refused": late.refused })
}

/// How many recipients were taken, and how many not, by reason.
pub(crate) fn audience(campaign: &Campaign) -> Value {
    let mut view = json!({
        "accepted": campaign.total,
        "invalid": campaign.invalid,
        "not_mobile": campaign.not_mobile,
        "not_allowed": campaign.not_allowed,
        "not_guests": campaign.not_guests,
        "duplicates": campaign.duplicates,
        "no_consent": campaign.no_consent,
        "unreachable": campaign.unreachable,
        "frequency_cap": campaign.frequency_cap,
        "by_request": campaign.by_request,
        "value_too_long": campaign.value_too_long,
        "values_refused": campaign.values_refused,
        "shortened": campaign.shortened,
    });
    // As it was asked for.
    if let Some(query) = &campaign.query {
        view["query"] = serde_json::from_str(query).unwrap_or_default();
    }
    view
}

/// The recipients that were not taken, with their place in the request and why.
pub(crate) fn rejected(rows: &[Rejected]) -> Value {
    rows.iter().map(rejected_row).collect()
}

/// One of them.
pub(super) fn rejected_row(row: &Rejected) -> Value {
    json!({ "pointer": row.place.to_string(), "to": row.value, "code": row.reason.code() })
}

/// One message: to whom, its status, and why it has it.
pub(crate) fn message(row: &RecipientRow) -> Value {
    let mut view = json!({ "to": row.recipient.to_string(), "id": row.id.to_string() });
    let result = row.result;
    view["status"] = status(row).into();
    view["reason"] = result.and_then(|result| result.reason.word()).into();
    view["code"] = result.map(|result| result.code).filter(|code| *code > 0).into();
    view["cleanse"] = result.map(|result| result.cleanse().code()).into();
    view["at"] = result.and_then(ended_at).into();
    view
}

/// How far a message is.
pub(crate) fn status(row: &RecipientRow) -> &'static str {
    match row.result {
        Some(result) => result.ending.word(),
        None => row.state.unwrap_or(State::Queued).word(),
    }
}

/// When a message ended.
pub(crate) fn ended_at(result: ResultSlot) -> Option<String> {
    time(moment(result))
}

/// The same as a moment.
pub(crate) const fn moment(result: ResultSlot) -> UnixMicros {
    UnixMicros(result.at as u64 * 1_000_000)
}

const fn is_under_way(state: CampaignState) -> bool {
    match state {
        CampaignState::Launching
        | CampaignState::Running
        | CampaignState::Paused
        | CampaignState::Completed
        | CampaignState::Stopped => true,
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::InReview
        | CampaignState::Blocked
        | CampaignState::Resolving
        | CampaignState::Canceled => false,
    }
}

/// RFC 3339, in UTC; `None` for what is no time.
pub(crate) fn time(at: UnixMicros) -> Option<String> {
    at.timestamp().map(|time| time.to_string())
}

/// The hour of a time, as people write it.
pub(super) fn hour(at: UnixMicros) -> String {
    at.timestamp()
        .map(|time| time.strftime("%Y-%m-%d %H h UTC").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CampaignId, Ending, MessageId, Reason, Recipient, Status, ToHandset};

    fn row(result: Option<ResultSlot>) -> RecipientRow {
        RecipientRow {
            recipient: Recipient(33_612_345_678),
            id: MessageId(CampaignId(1).0 << 24),
            variables: Vec::new(),
            result,
            state: None,
        }
    }

    #[test]
    fn a_message_is_shown_with_its_reason() {
        let result = ResultSlot {
            ending: Ending::Status {
                status: Status::UnknownNumber,
                accepted: false,
            },
            reason: Reason::Answer,
            code: 11,
            at: 1_763_000_000,
            to_handset: ToHandset::UNKNOWN,
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
            ending: Ending::Canceled,
            reason: Reason::Stopped,
            code: 0,
            ..result
        };
        assert_eq!(message(&row(Some(canceled)))["status"], "canceled");
    }
}
