//! Single messages, what people write, texts and hours.

use schemars::JsonSchema;
use std::collections::BTreeMap;

use super::{
    EncodingWord, GivenPhone, InboundId, MessageStatusWord, PastStatus, Phone, PurposeWord, ReasonWord,
    RecipientResult, SenderText, Time,
};
use crate::audience::{COLUMNS_MAX, SCHEDULE_S, VALIDITY_S, VALUE_MAX};
use crate::campaign::PAGE_MAX;
use crate::compose::TARGET_MAX;
use crate::domain::{CampaignId, MessageId, SERVICE_TYPE_MAX, TLV_OCTETS_MAX, TenantId, Terms};

/// A message to one number.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct MessageOrder {
    to: GivenPhone,
    /// At most `max_chars` of the tenant.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: String,
    sender: SenderText,
    /// `transactional`, if it is not said.
    purpose: Option<PurposeWord>,
    /// Not given: as the tenant's texts are.
    encoding: Option<EncodingWord>,
    /// How long it is worth sending, in seconds.
    #[schemars(range(min = VALIDITY_S.0, max = VALIDITY_S.1))]
    validity: Option<u32>,
    service_type: Option<ServiceType>,
    /// How long SMSCs are told to keep it, in seconds.
    #[schemars(range(min = SCHEDULE_S.0, max = SCHEDULE_S.1))]
    schedule_delivery: Option<u32>,
    /// Optional parameters of SMPP.
    tlvs: Option<Vec<GivenTlv>>,
    /// A page with TLS to which `[lien]` or `{{link}}` in the text leads: a short link of its own, of the tenant's `short_domain`. Where it is given,
    /// the text may have no other field.
    #[schemars(length(min = 1, max = TARGET_MAX))]
    link: Option<String>,
    /// Until when it leads there: an instant with its offset, to come, within 366 days. Not given: for 90 days.
    link_expires_at: Option<Time>,
}

/// `service_type` of SMPP: ASCII.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct ServiceType(#[schemars(length(max = SERVICE_TYPE_MAX))] String);

/// An optional parameter of SMPP, with its value as ASCII or in hexadecimal.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("oneOf" = [{ "required": ["value"] }, { "required": ["hex"] }]))]
pub(super) struct GivenTlv {
    tag: Tag,
    #[schemars(length(max = TLV_OCTETS_MAX))]
    value: Option<String>,
    #[schemars(regex(pattern = "^([0-9a-fA-F]{2})*$"), length(max = 2 * TLV_OCTETS_MAX))]
    hex: Option<String>,
}

/// A tag, as a number or as a text such as `0x1400`.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Tag {
    Number(#[schemars(range(min = 1))] u16),
    Text(#[schemars(regex(pattern = "^0[xX][0-9a-fA-F]{1,4}$"))] String),
}

/// How a message is taken.
#[derive(JsonSchema)]
pub(in crate::api) struct MessageSending {
    /// Whether it is only tried: nothing is sent, held or kept.
    dry_run: Option<bool>,
}

/// What a message would be.
#[derive(JsonSchema)]
pub(in crate::api) struct MessageTried {
    to: Phone,
    /// As it would go.
    text: String,
    segments: u8,
    /// What it would cost.
    credits: u8,
    /// What the tenant has.
    available: u64,
}

/// A message that was taken.
#[derive(JsonSchema)]
pub(in crate::api) struct Taken {
    id: MessageId,
    status: MessageStatusWord,
}

/// How far a message is.
#[derive(JsonSchema)]
pub(in crate::api) struct Message {
    #[schemars(flatten)]
    result: RecipientResult,
    campaign: CampaignId,
}

/// Which messages.
#[derive(JsonSchema)]
pub(in crate::api) struct HistoryQuestion {
    /// To which number.
    to: Option<Phone>,
    /// With which status.
    status: Option<PastStatus>,
    /// Of which campaign.
    campaign: Option<CampaignId>,
    /// From then on: when it was taken, or ended if it never was.
    since: Option<Time>,
    /// Before then.
    until: Option<Time>,
    /// The most rows of the page; 50, if it is not said.
    #[schemars(range(min = 1, max = PAGE_MAX))]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A message that was sent.
#[derive(JsonSchema)]
pub(in crate::api) struct PastMessage {
    id: MessageId,
    campaign: CampaignId,
    /// `null`: they are not to be known any more.
    to: Option<Phone>,
    status: PastStatus,
    /// Why; `null`: nothing is to be said.
    reason: Option<ReasonWord>,
    /// What the SMSC said.
    code: Option<u16>,
    segments: u8,
    credits: u8,
    /// When an SMSC took it; `null`: none did.
    taken_at: Option<Time>,
    /// `null`: its final receipt has not come.
    ended_at: Option<Time>,
    /// The pack of rules of sending that was obeyed when it was handed over, as `rules.packs` names it; `null`: no rule held for it.
    pack: Option<String>,
    /// Which text of the pack it was, as `GET /v1/rules/check` says.
    pack_version: Option<String>,
    /// The campaign that it tried out; `null`: it is none.
    test_of: Option<CampaignId>,
}

/// What somebody wrote.
#[derive(JsonSchema)]
pub(in crate::api) struct Inbound {
    id: InboundId,
    /// A number, or the name that is shown in its place.
    from: String,
    to: String,
    text: String,
    smsc: Option<String>,
    /// What it answers.
    campaign_id: Option<CampaignId>,
    /// Whether it said STOP.
    opted_out: bool,
    received_at: Time,
}

/// Whose a message is.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct Assignment {
    tenant: TenantId,
}

/// A message that was nobody's.
#[derive(JsonSchema)]
pub(in crate::api) struct Assigned {
    /// Under which the tenant has it.
    id: InboundId,
    tenant: TenantId,
}

/// A text to be looked at.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct TextOrder {
    #[schemars(length(max = crate::compose::ANALYSED_MAX))]
    text: String,
    /// `transactional`, if it is not said.
    purpose: Option<PurposeWord>,
    /// Not given: as the tenant's texts are.
    encoding: Option<EncodingWord>,
    /// Values of its fields by their names.
    #[schemars(extend("maxProperties" = COLUMNS_MAX))]
    values: Option<BTreeMap<String, FieldValue>>,
    /// From whom it would come: then it is said whether an answer that it asks for can be given.
    sender: Option<SenderText>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct FieldValue(#[schemars(length(max = VALUE_MAX))] String);

/// What a text takes.
#[derive(JsonSchema)]
pub(in crate::api) struct TextAnalysis {
    /// Of the text as it was given.
    characters: u64,
    characters_max: u64,
    encoding: String,
    /// Septets, or UTF-16 units.
    units: u64,
    /// That fit the last segment.
    units_free: u64,
    segments: u64,
    credits: u64,
    /// With its fields filled in, and the clause.
    rendered: String,
    /// As it reaches the phone.
    sent: String,
    fields_without_value: Vec<String>,
    /// Characters that GSM 03.38 lacks.
    offending: Vec<Offending>,
    /// It asks for an answer, and its `sender` is a name, or one of our numbers that carries no replies: nobody can give one.
    no_reply_sender: bool,
    /// It is advertising from a number, and the tenant's `brand` is not known: nobody can tell whose it is.
    advertiser_unnamed: bool,
    /// Whatever its purpose is: what looks so and is sent as transactional is shown to the reseller.
    looks_like_advertising: bool,
    /// The words that say so.
    advertising_words: Vec<String>,
}

#[derive(JsonSchema)]
struct Offending {
    character: char,
    /// In the rendered text, in characters from 0.
    position: u64,
    /// What is sent in its place.
    becomes: Option<String>,
}

/// A message that might be sent.
#[derive(JsonSchema)]
pub(in crate::api) struct HoursQuestion {
    /// To which number.
    to: Phone,
    /// When: with an offset, or by the recipient's clock; now, if it is not said.
    at: Option<String>,
    /// `marketing`, if it is not said.
    purpose: Option<PurposeWord>,
}

/// Whether it may go, and why.
#[derive(JsonSchema)]
pub(in crate::api) struct HoursAnswer {
    purpose: PurposeWord,
    /// Numbers that share their hours; `null`: no rule knows the number.
    zone: Option<String>,
    time_zone: Option<String>,
    /// By the recipient's clock.
    local_time: Time,
    open: bool,
    why: Why,
    /// Which law or charter decides.
    pack: Option<String>,
    /// Which of its texts: the first twelve digits of the SHA-256 of its file.
    pack_version: Option<String>,
    source: Option<String>,
    /// How long that is so.
    until: Option<Time>,
    /// In the caller's language.
    detail: String,
}

super::schema! {
    Why, named: false, schemars::json_schema!({ "type": "string", "enum": rules::Why::ALL.map(rules::Why::code) })
}

/// Which lines of a ledger, and which page of them.
#[derive(JsonSchema)]
pub(in crate::api) struct LedgerWanted {
    #[schemars(flatten)]
    paging: super::Paging,
    /// Those of that instant or later.
    since: Option<Time>,
    /// Those before that instant, which is later than `since`.
    until: Option<Time>,
}

/// A movement of credits.
#[derive(JsonSchema)]
pub(in crate::api) struct Movement {
    r#type: MovementKind,
    /// How many; what is debited and given back is not negative either.
    credits: u64,
    /// Of a grant or withdrawal.
    #[schemars(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// Of what a campaign did.
    #[schemars(skip_serializing_if = "Option::is_none")]
    campaign: Option<CampaignId>,
    /// Where the credits were.
    from: CreditAccount,
    /// Where they are since: each account has what came to it less what went.
    to: CreditAccount,
    at: Time,
}

/// Where credits are: at whoever gives them, or of the tenant.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum CreditAccount {
    Operator,
    Reseller,
    Available,
    Held,
    Spent,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum MovementKind {
    Grant,
    Withdraw,
    Hold,
    Debit,
    Release,
    Recredit,
}
