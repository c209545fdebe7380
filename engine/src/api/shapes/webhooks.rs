//! Webhooks.

use schemars::JsonSchema;

use super::Time;
use crate::domain::{DeliveryId, EndpointId};
use crate::webhooks::{DESCRIPTION_MAX, DeliveryState, FILTERS};

super::schema! {
    /// Which events are told.
    EventFilter, named: true, schemars::json_schema!({
        "type": "string", "description": "Which events are told: one of them, or all of a kind.", "enum": FILTERS.as_slice(),
    })
}

super::schema! {
    /// What became of a delivery so far.
    DeliveryStateWord, named: true, schemars::json_schema!({
        "type": "string",
        "description": "`waiting`: it is to be tried, or again; `delivered`; `failed`: it is not tried any more.",
        "enum": DeliveryState::CODES,
    })
}

/// Which deliveries of an endpoint, and which page of them.
#[derive(JsonSchema)]
pub(in crate::api) struct DeliveriesWanted {
    #[schemars(flatten)]
    paging: super::Paging,
    state: Option<DeliveryStateWord>,
}

/// Where to tell what.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewWebhook {
    /// `https`, and no address of a network that is somebody's own.
    url: String,
    #[schemars(length(min = 1, max = FILTERS.len()))]
    events: Vec<EventFilter>,
    #[schemars(length(max = DESCRIPTION_MAX))]
    description: Option<String>,
}

/// What is to change of an endpoint: at least one of these.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub(in crate::api) struct WebhookChanges {
    url: Option<String>,
    #[schemars(length(min = 1, max = FILTERS.len()))]
    events: Option<Vec<EventFilter>>,
    #[schemars(length(max = DESCRIPTION_MAX))]
    description: Option<String>,
    enabled: Option<bool>,
}

/// An endpoint.
#[derive(JsonSchema)]
pub(in crate::api) struct Webhook {
    id: EndpointId,
    url: String,
    events: Vec<EventFilter>,
    description: String,
    enabled: bool,
    disabled_at: Option<Time>,
    /// `failing`, `gone` or `owner`.
    disabled_for: Option<String>,
    /// Attempts that failed since the last that did not.
    failures: u64,
    failing_since: Option<Time>,
    next_attempt_at: Option<Time>,
    /// Deliveries that wait.
    waiting: u64,
    /// Events that it was never told of.
    dropped_events: u64,
    former_secret_until: Option<Time>,
    created_at: Time,
}

/// The same, with its secret.
#[derive(JsonSchema)]
pub(in crate::api) struct WebhookWithSecret {
    #[schemars(flatten)]
    endpoint: Webhook,
    #[schemars(regex(pattern = "^whsec_"))]
    secret: String,
}

/// What became of a test.
#[derive(JsonSchema)]
pub(in crate::api) struct Tested {
    delivered: bool,
    /// Of the answer.
    code: Option<u16>,
    /// Why there was none.
    fault: Option<String>,
    milliseconds: u64,
}

/// Something that an endpoint was told, or is to be.
#[derive(JsonSchema)]
pub(in crate::api) struct Delivery {
    id: DeliveryId,
    kind: String,
    /// How many events it brings.
    events: u64,
    state: DeliveryStateWord,
    created_at: Time,
    attempts: u64,
    attempted_at: Option<Time>,
    code: Option<u16>,
    fault: Option<String>,
    milliseconds: Option<u64>,
    next_attempt_at: Option<Time>,
}

/// A delivery that waits again.
#[derive(JsonSchema)]
pub(in crate::api) struct Replayed {
    id: DeliveryId,
    state: String,
}
