//! Texts and traffic that a reseller looks at.

use schemars::JsonSchema;

use super::words::schema;
use super::{CampaignStateWord, CountryCode, Nullable, PurposeWord, Time};
use crate::domain::{CampaignId, FlaggedId, MessageId, TenantId};
use crate::flagged::{FIRST_CAMPAIGNS, FlagReason, FlagState, HoldFirst, NAME_MAX, NAMES_MAX, NOTE_MAX};

schema! {
    /// Why a text is to be looked at.
    FlagReasonWord, named: true, schemars::json_schema!({
        "type": "string",
        "description": "Why something is to be looked at. `advertising`: it is sent as transactional, and looks like advertising. `first_campaigns`: it \
                        is that of one of the first campaigns of a new tenant. `unusual_block`: many of those who are sent to are in one block of \
                        numbers. `new_country`: the tenant has not sent to that country before.",
        "enum": FlagReason::CODES,
    })
}
schema! {
    /// What was decided of a text.
    FlagStateWord, named: true, schemars::json_schema!({
        "type": "string", "description": "What was decided of a text.", "enum": FlagState::CODES,
    })
}
schema! {
    /// Whose first campaigns wait.
    HoldFirstWord, named: true, schemars::json_schema!({
        "type": "string",
        "description": "Whose first campaigns wait until the reseller has looked at them: nobody's, those of tenants who began with trial credits, or \
                        everybody's.",
        "enum": HoldFirst::CODES,
    })
}

/// Which texts, and which page of them.
#[derive(JsonSchema)]
pub(in crate::api) struct FlaggedWanted {
    #[schemars(flatten)]
    paging: super::Paging,
    state: Option<FlagStateWord>,
    reason: Option<FlagReasonWord>,
    /// Of whom.
    tenant: Option<TenantId>,
}

/// A decision on a text.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct FlagDecision {
    /// Why, for the tenant.
    #[schemars(length(max = NOTE_MAX))]
    note: Option<String>,
}

/// A text or traffic that is, or was, to be looked at.
#[derive(JsonSchema)]
pub(in crate::api) struct Flagged {
    id: FlaggedId,
    tenant: TenantId,
    /// Of traffic: with which it was seen first.
    purpose: PurposeWord,
    /// That of a campaign with its variants, a line each; that of a single message without numbers and names. `null`: it was erased, or it is
    /// traffic.
    text: Option<String>,
    /// What is unusual about traffic; `null`: it is a text.
    traffic: Option<FlaggedTraffic>,
    reasons: Vec<FlagReasonWord>,
    /// The words that look like advertising.
    words: Vec<String>,
    /// The campaign with which it was seen first.
    campaign: Option<CampaignId>,
    /// The message with which it was seen first.
    message: Option<MessageId>,
    /// Those that wait for a decision, or waited for it, the newest first, a hundred at most.
    campaigns: Vec<FlaggedCampaign>,
    state: FlagStateWord,
    note: Option<String>,
    created_at: Time,
    decided_at: Option<Time>,
}

/// What is unusual: a block or a country.
#[derive(JsonSchema)]
struct FlaggedTraffic {
    /// The digits that a thousand numbers have in common, with their country's.
    block: Option<String>,
    country: Option<CountryCode>,
    /// How many were there when it was seen first.
    recipients: u32,
    /// Of how many: the campaign, or the numbers to which the tenant had written on that day.
    of: u64,
}

/// A campaign that waits for a decision, or waited for it.
#[derive(JsonSchema)]
struct FlaggedCampaign {
    id: CampaignId,
    name: String,
    sender: String,
    /// 0: they are found out at the launch.
    recipients: u64,
    state: CampaignStateWord,
    /// `null`: at once.
    scheduled_at: Option<Time>,
    /// Why it did not go.
    refused: Option<String>,
}

/// What of a reseller is to change: at least one of these.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub(in crate::api) struct ResellerChanges {
    #[schemars(length(min = 1, max = crate::account::NAME_MAX))]
    name: Option<String>,
    /// Campaigns that look like advertising and are sent as transactional wait until it was decided.
    hold_flagged: Option<bool>,
    /// Traffic that is unusual for its tenant waits until it was decided.
    hold_unusual: Option<bool>,
    hold_first: Option<HoldFirstWord>,
    /// How many campaigns of a tenant are its first.
    #[schemars(range(min = FIRST_CAMPAIGNS.0, max = FIRST_CAMPAIGNS.1))]
    first_campaigns: Option<u32>,
    /// Names that no sender of its tenants may look like unless that was approved, beside those that are protected everywhere; `null`: none.
    protected_senders: Option<Nullable<ProtectedNames>>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct ProtectedNames(#[schemars(length(min = 1, max = NAMES_MAX))] Vec<ProtectedName>);

#[derive(JsonSchema)]
#[schemars(inline)]
struct ProtectedName(#[schemars(length(min = 1, max = NAME_MAX))] String);
