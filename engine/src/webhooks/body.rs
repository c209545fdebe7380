//! The body of a delivery: made when it is told, of what it is about, with numbers and texts that are nowhere else.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::backlog::{Delivery, DeliveryKind};
use super::event::{
    ANSWERED, Clicked, DECIDED, FLAGGED, HELD_UP, IMPORTED, LOW, MessageNews, NOT_CONTENT, NOT_IMPORTED, OFFER_ENDED,
    OFFER_TAKEN, OPTED_IN, SLOT_ENDED, SLOT_FREED, SLOT_TAKEN, SURVEY_ANSWERED, TEST, TRAFFIC_DECIDED, TRAFFIC_FLAGGED,
    WAITS, batch, event,
};
use crate::domain::{CampaignId, MessageId, Recipient, Row, TenantId, shown_address};
use crate::store::{InboundPlace, Store, StoreError};

/// Which message of somebody's a delivery is about.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) tenant: u32,
    /// See [`InboundPlace`].
    pub(super) place: String,
    /// In milliseconds.
    pub(super) at: i64,
}

/// Which step of a campaign a delivery is about.
#[derive(Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) campaign: u64,
    /// The type of the event.
    pub(super) kind: String,
    /// The state that it has then.
    pub(super) state: String,
    /// Why its launch came to nothing, where it did.
    #[serde(default)]
    pub(super) refused: Option<String>,
    /// In milliseconds.
    pub(super) at: i64,
}

/// What is posted for a delivery.
///
/// # Errors
/// When the store does not answer, or the delivery is not what this program writes.
pub(super) async fn of(store: &Store, delivery: &Delivery) -> Result<Value, StoreError> {
    let at = (delivery.created_at.0 / 1_000) as i64;
    match delivery.kind {
        DeliveryKind::Messages => messages(store, &read::<Vec<MessageNews>>(delivery)?, at).await,
        DeliveryKind::Clicks => clicked(store, &read::<Vec<Clicked>>(delivery)?, at).await,
        DeliveryKind::Received => written(store, "message.received", &read(delivery)?).await,
        DeliveryKind::OptedOut => written(store, "contact.opted_out", &read(delivery)?).await,
        DeliveryKind::Campaign => {
            let step: Step = read(delivery)?;
            let campaign = CampaignId(step.campaign).to_string();
            let mut data = json!({ "id": campaign, "state": step.state });
            if let Some(refused) = step.refused {
                data["refused"] = refused.into();
            }
            Ok(event(&step.kind, step.at, &data))
        }
        DeliveryKind::Conversation => Ok(event(WAITS, at, &read::<Value>(delivery)?)),
        DeliveryKind::Appointment => Ok(event(ANSWERED, at, &read::<Value>(delivery)?)),
        DeliveryKind::Automation => Ok(event(HELD_UP, at, &read::<Value>(delivery)?)),
        DeliveryKind::OfferTaken => Ok(event(OFFER_TAKEN, at, &read::<Value>(delivery)?)),
        DeliveryKind::OfferEnded => Ok(event(OFFER_ENDED, at, &read::<Value>(delivery)?)),
        DeliveryKind::SlotFreed => Ok(event(SLOT_FREED, at, &read::<Value>(delivery)?)),
        DeliveryKind::SlotTaken => Ok(event(SLOT_TAKEN, at, &read::<Value>(delivery)?)),
        DeliveryKind::SlotEnded => Ok(event(SLOT_ENDED, at, &read::<Value>(delivery)?)),
        DeliveryKind::OptedIn => Ok(event(OPTED_IN, at, &read::<Value>(delivery)?)),
        DeliveryKind::Imported => Ok(event(IMPORTED, at, &read::<Value>(delivery)?)),
        DeliveryKind::NotImported => Ok(event(NOT_IMPORTED, at, &read::<Value>(delivery)?)),
        DeliveryKind::SurveyAnswered => Ok(event(SURVEY_ANSWERED, at, &read::<Value>(delivery)?)),
        DeliveryKind::SurveyAlert => Ok(event(NOT_CONTENT, at, &read::<Value>(delivery)?)),
        DeliveryKind::Flagged => Ok(event(FLAGGED, at, &read::<Value>(delivery)?)),
        DeliveryKind::Decided => Ok(event(DECIDED, at, &read::<Value>(delivery)?)),
        DeliveryKind::TrafficFlagged => Ok(event(TRAFFIC_FLAGGED, at, &read::<Value>(delivery)?)),
        DeliveryKind::TrafficDecided => Ok(event(TRAFFIC_DECIDED, at, &read::<Value>(delivery)?)),
        DeliveryKind::Balance => Ok(event(LOW, at, &read::<Value>(delivery)?)),
        DeliveryKind::Test => Ok(event(TEST, at, &json!({}))),
    }
}

fn read<T: for<'a> Deserialize<'a>>(delivery: &Delivery) -> Result<T, StoreError> {
    serde_json::from_str(&delivery.news).map_err(|_| StoreError::Corrupt("what a webhook is to tell"))
}

async fn messages(store: &Store, news: &[MessageNews], at: i64) -> Result<Value, StoreError> {
    let partitions = store.partitions();
    let recipients = recipients_of(store, news.iter().flat_map(|news| news.messages(partitions))).await?;
    let told = news.iter().flat_map(|news| {
        let messages = news.messages(partitions);
        messages.map(|message| news.told(message, recipients.get(&message).copied()))
    });
    Ok(batch(told.collect(), at))
}

async fn clicked(store: &Store, clicks: &[Clicked], at: i64) -> Result<Value, StoreError> {
    let recipients = recipients_of(store, clicks.iter().map(|clicked| clicked.message())).await?;
    let told = clicks.iter();
    let told = told.map(|clicked| clicked.told(recipients.get(&clicked.message()).copied()));
    Ok(batch(told.collect(), at))
}

/// Whom messages are for, as far as it is known.
async fn recipients_of(
    store: &Store,
    messages: impl Iterator<Item = MessageId>,
) -> Result<FxHashMap<MessageId, Recipient>, StoreError> {
    let partitions = store.partitions();
    let mut by_campaign: FxHashMap<CampaignId, Vec<MessageId>> = FxHashMap::default();
    for message in messages {
        by_campaign.entry(message.campaign()).or_default().push(message);
    }
    let mut recipients: FxHashMap<MessageId, Recipient> = FxHashMap::default();
    for (campaign, messages) in by_campaign {
        let places: Vec<_> = messages.iter().map(|message| message.place(partitions)).collect();
        let rows = store.audience(campaign, &places, 1).await?;
        for (message, row) in messages.into_iter().zip(rows) {
            // A campaign's rows leave after a while: then nobody knows the number any more.
            let row = row.first().and_then(|row| Row::unpack(row).ok());
            recipients.extend(row.map(|row| (message, row.recipient)));
        }
    }
    Ok(recipients)
}

async fn written(store: &Store, kind: &str, written: &Written) -> Result<Value, StoreError> {
    let bad = |_| StoreError::Corrupt("what a webhook is to tell");
    let place: InboundPlace = written.place.parse().map_err(bad)?;
    let entry = store.inbound_at(Some(TenantId(written.tenant)), place).await?;
    let mut data = json!({ "id": format!("inb_{place}") });
    let Some(entry) = entry else {
        return Ok(event(kind, written.at, &data));
    };
    data["campaign"] = entry.campaign.map(|campaign| campaign.to_string()).into();
    if let Some(kept) = entry.read() {
        data["from"] = shown_address(&kept.from).into();
        data["to"] = shown_address(&kept.to).into();
        if kind == "message.received" {
            data["text"] = kept.text.into();
            data["opted_out"] = entry.opted_out.into();
        }
    }
    Ok(event(kind, written.at, &data))
}
