//! Campaigns.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{
    CampaignStateWord, CategoryWord, CleanseWord, EncodingWord, Filter, GivenPhone, GivenTlv, MessageStatusWord,
    Nullable, Phone, PurposeWord, ReasonWord, SenderText, ServiceType, Time, WaitingWord,
};
use crate::audience::{COLUMNS_MAX, NAME_MAX, SCHEDULE_S, VALIDITY_S, VARIANTS_MAX};
use crate::campaign::TRIAL_MAX;
use crate::compose::TARGET_MAX;
use crate::domain::{CampaignId, CodePoolId, ContactId, ListId, MessageId, SegmentId, TemplateId, Terms};

/// A campaign as it is ordered.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct CampaignOrder {
    #[schemars(length(min = 1, max = NAME_MAX))]
    name: String,
    /// `[Column]` stands for a recipient's value, `[Column|fallback]` for one that may be empty, `[[` for a bracket. At most
    /// `max_chars` of the tenant.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: Option<String>,
    sender: SenderText,
    /// Not given: as the template says.
    purpose: Option<PurposeWord>,
    /// Not given: as the template says, if it does.
    category: Option<CategoryWord>,
    /// A template that says what `text` would, as it is now.
    template: Option<TemplateId>,
    /// Whence each recipient has a code of their own, for `[code]` in the text; of audiences of contacts. Codes are given at the launch.
    code_pool: Option<CodePoolId>,
    /// A page with TLS to which `[lien]` or `{{link}}` in the text leads: a short link of each recipient's own, of the tenant's
    /// `short_domain`.
    #[schemars(length(min = 1, max = TARGET_MAX))]
    link: Option<String>,
    /// Until when these links lead there: an instant with its offset, to come, within 366 days. Not given: 90 days from the launch on.
    link_expires_at: Option<Time>,
    /// Not given: as the tenant's texts are.
    encoding: Option<EncodingWord>,
    /// How long its messages are worth sending, in seconds from the launch on.
    #[schemars(range(min = VALIDITY_S.0, max = VALIDITY_S.1))]
    validity: Option<u32>,
    /// From then on nothing of it goes to an SMSC: an instant with its offset, to come, within 366 days.
    expires_at: Option<Time>,
    /// How many of its messages begin in what time at most: `5/s`, `30/min`, `600/h`. Not given: as many as can. It can be changed while it runs.
    rate: Option<GivenRate>,
    /// Until when people get it as well who come to fit the filter, lists or segments of its audience after its launch, each once, by a hold of
    /// their own: an instant with its offset, to come, within 90 days. Not with `validity` and `code_pool`.
    late_joiners_until: Option<Time>,
    service_type: Option<ServiceType>,
    /// How long SMSCs are told to keep its messages, in seconds.
    #[schemars(range(min = SCHEDULE_S.0, max = SCHEDULE_S.1))]
    schedule_delivery: Option<u32>,
    /// Optional parameters of SMPP.
    tlvs: Option<Vec<GivenTlv>>,
    /// Other texts for some of the contacts whom the audience means: each gets the first that fits, or else the campaign's own.
    #[schemars(length(max = VARIANTS_MAX))]
    variants: Option<Vec<GivenVariant>>,
    /// How long the values of merge fields are at most, by the fields of the texts, whatever their case and accents; `*`: all others. What
    /// stands for an empty value is as long as it is, and so are codes.
    #[schemars(extend("maxProperties" = COLUMNS_MAX + 1))]
    field_lengths: Option<BTreeMap<String, FieldLength>>,
    audience: Audience,
}

/// How long values of a field are.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct FieldLength {
    /// In characters, without spaces around it.
    #[schemars(range(min = 1, max = crate::audience::VALUE_MAX))]
    max: u32,
    /// What becomes of a longer one: it is cut (`truncate`), who has it gets nothing (`skip`), or it is sent all the same and counted in the
    /// estimate (`send`).
    longer: LongerWord,
}

super::schema! {
    /// How many in what time.
    GivenRate, named: false, schemars::json_schema!({
        "type": "string", "pattern": r"^[1-9][0-9]{0,5}/(s|min|h)$"
    })
}

/// The rate of a campaign.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct CampaignRate {
    /// `null`: as many as can.
    rate: Nullable<GivenRate>,
}

/// The rate that a campaign has.
#[derive(JsonSchema)]
pub(in crate::api) struct RateSet {
    id: CampaignId,
    state: CampaignStateWord,
    rate: Option<String>,
}

super::schema! {
    LongerWord, named: false, schemars::json_schema!({ "type": "string", "enum": crate::domain::Longer::CODES })
}

/// A text for those whom a filter means.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct GivenVariant {
    filter: Filter,
    /// As the campaign's.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: String,
}

/// Whom to write to: as objects, as a list of numbers, or both; or which contacts are meant, and numbers beside them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
struct Audience {
    recipients: Option<Vec<Recipient>>,
    /// Numbers between commas, semicolons, spaces or line breaks.
    numbers: Option<String>,
    /// Contacts whom it means are found out at the launch. Not with `recipients`, as the next three.
    filter: Option<Filter>,
    /// Those who are on one of these are meant as well.
    #[schemars(length(max = 50))]
    lists: Option<Vec<ListId>>,
    /// Those whom one of these means are meant as well.
    #[schemars(length(max = 50))]
    segments: Option<Vec<SegmentId>>,
    exclude: Option<Exclude>,
    /// Whether contacts whose number is known to be unreachable are written to as well.
    unreachable: Option<bool>,
}

/// Who gets nothing, though the rest means them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Exclude {
    filter: Option<Filter>,
    #[schemars(length(max = 50))]
    lists: Option<Vec<ListId>>,
    #[schemars(length(max = 50))]
    segments: Option<Vec<SegmentId>>,
    #[schemars(length(max = 50_000))]
    numbers: Option<Vec<String>>,
}

/// A recipient; what else it has are the values of its columns.
#[derive(JsonSchema)]
struct Recipient {
    to: GivenPhone,
    #[schemars(flatten, extend("maxProperties" = crate::audience::COLUMNS_MAX + 1))]
    columns: BTreeMap<String, ColumnValue>,
}

super::schema! {
    /// A value of a column.
    ColumnValue, named: false, schemars::json_schema!({ "oneOf": [
        { "type": "string", "maxLength": crate::audience::VALUE_MAX },
        { "type": ["number", "boolean"] },
        { "type": "null" },
    ] })
}

/// How many recipients were taken, and how many not, by reason.
#[derive(JsonSchema)]
struct AudienceCounts {
    accepted: u64,
    invalid: u64,
    not_mobile: u64,
    not_allowed: u64,
    /// They are no guests of the tenant's, and the campaign goes to these alone.
    not_guests: u64,
    duplicates: u64,
    /// They agree to advertising no more, or have not agreed and the tenant has to know that they have.
    no_consent: u64,
    /// Their numbers are known to be unreachable, and the campaign does not ask for them.
    unreachable: u64,
    /// They have had as much advertising as the tenant allows for a while.
    frequency_cap: u64,
    /// The campaign's own `exclude` leaves them out.
    by_request: u64,
    /// They have a value that is longer than `field_lengths` has it, and are to get nothing then.
    value_too_long: u64,
    /// With their values the text is empty, too long, or has a link that leads where it may not, and they get nothing. Contacts alone:
    /// `recipients` with such values are refused.
    values_refused: u64,
    /// Recipients, accepted ones, of whom a value was cut.
    shortened: u64,
    /// Which contacts are meant, as it was asked for; absent: the recipients are all.
    #[schemars(default, skip_serializing_if = "Option::is_none")]
    query: Option<Query>,
}

super::schema! {
    Query, named: false, schemars::json_schema!({ "type": "object" })
}

/// The same, with the first thousand that were not.
#[derive(JsonSchema)]
struct ReadAudience {
    #[schemars(flatten)]
    counts: AudienceCounts,
    rejected: Vec<Rejected>,
}

/// A recipient that was not taken.
#[derive(JsonSchema)]
pub(in crate::api) struct Rejected {
    /// Where it stands in the request: a JSON pointer; in a list of numbers with `#` and the octet.
    pointer: String,
    /// As it was given, cut after 64 characters.
    to: String,
    code: RejectedCode,
}

super::schema! {
    RejectedCode, named: false, schemars::json_schema!({ "type": "string", "enum": crate::audience::Rejected::codes() })
}

/// What is held at the launch, of its recipients then: who joins later is held for one by one.
#[derive(JsonSchema)]
#[schemars(rename = "CampaignEstimate")]
struct Sums {
    recipients: u64,
    segments: u64,
    credits: u64,
}

/// A campaign in a list.
#[derive(JsonSchema)]
pub(in crate::api) struct CampaignSummary {
    #[schemars(flatten)]
    facts: CampaignFacts,
    audience: AudienceCounts,
}

/// A campaign that was just made.
#[derive(JsonSchema)]
pub(in crate::api) struct CampaignDraft {
    #[schemars(flatten)]
    facts: CampaignFacts,
    audience: ReadAudience,
    /// It is advertising from a number, and the tenant's `brand` is not known: nobody can tell whose it is.
    advertiser_unnamed: bool,
}

#[derive(JsonSchema)]
struct CampaignFacts {
    id: CampaignId,
    kind: CampaignKind,
    name: String,
    state: CampaignStateWord,
    purpose: PurposeWord,
    estimate: Sums,
    created_at: Time,
    scheduled_at: Option<Time>,
    /// From then on nothing of it goes to an SMSC.
    expires_at: Option<Time>,
    /// Until when people join it who come to fit it after its launch; `null`: nobody does.
    late_joiners: Option<LateJoiners>,
    /// How many of its messages begin in what time at most; `null`: as many as can.
    rate: Option<String>,
    category: Option<CategoryWord>,
    /// The template that its text is from, as it was then.
    template: Option<TemplateVersion>,
    /// The campaign of which it was made.
    copied_from: Option<CampaignId>,
    /// How often it was edited before its launch.
    edits: u64,
    /// It was made with a key of the kind `team`, and goes to the tenant's guests alone.
    guests_only: bool,
    /// Why its last launch came to nothing: a code, such as `list_gone`, `segment_gone`, `code_pool_gone`, `empty_audience`, `after_expiry`
    /// or `daily_max_reached`.
    refused: Option<String>,
    /// How many codes its pool lacked then, where that is why.
    codes_missing: Option<u64>,
    /// Whence its recipients have their codes.
    code_pool: Option<CodePoolId>,
    launched_at: Option<Time>,
}

/// Who joins a campaign after its launch.
#[derive(JsonSchema)]
struct LateJoiners {
    until: Time,
    /// How many have.
    joined: u64,
    /// Why the last who came to fit it get nothing yet: a code, such as `insufficient_credit`.
    refused: Option<String>,
}

/// A version of a template.
#[derive(JsonSchema)]
struct TemplateVersion {
    id: TemplateId,
    version: u32,
}

/// Which campaigns, and which page of them.
#[derive(JsonSchema)]
pub(in crate::api) struct CampaignsWanted {
    #[schemars(flatten)]
    paging: super::Paging,
    kind: Option<CampaignKind>,
    state: Option<CampaignStateWord>,
    category: Option<CategoryWord>,
    /// Those of that instant or later: of their launch, else of the date that is planned, else of when they were made.
    since: Option<Time>,
    /// Those before that instant.
    until: Option<Time>,
}

/// `direct`: it gathers messages that were sent one by one.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum CampaignKind {
    Audience,
    Direct,
}

/// A campaign with its progress.
#[derive(JsonSchema)]
pub(in crate::api) struct Campaign {
    #[schemars(flatten)]
    summary: CampaignSummary,
    /// `null`: it was erased.
    text: Option<String>,
    /// When its texts and variables were erased, since they had been kept for as long as the tenant's are; `null`: they were not.
    redacted: Option<Redacted>,
    /// Where links of its recipients' own lead; `null`: they have none.
    link: Option<ShortLink>,
    sender: String,
    encoding: EncodingWord,
    validity: Option<u32>,
    service_type: Option<String>,
    schedule_delivery: Option<u32>,
    tlvs: Vec<Tlv>,
    variants: Vec<Variant>,
    /// How long values are at most, by the names of the columns.
    field_lengths: BTreeMap<String, FieldLength>,
    progress: Progress,
    statuses: Statuses,
    credits: CampaignCredits,
    /// Why messages of it are not sent now; `null`: nothing keeps them.
    waiting: Option<Waiting>,
    /// What `refused` means, in French or English.
    refused_detail: Option<String>,
}

/// `url` is `null` when it was erased; `expires_at`, when it is 90 days from the launch on.
#[derive(JsonSchema)]
struct ShortLink {
    url: Option<String>,
    domain: String,
    expires_at: Option<Time>,
}

#[derive(JsonSchema)]
struct Redacted {
    at: String,
    /// How long the text was, before its fields were filled in.
    characters: u64,
}

#[derive(JsonSchema)]
struct Tlv {
    tag: u16,
    hex: String,
}

/// A text for those whom a filter means.
#[derive(JsonSchema)]
struct Variant {
    /// As it was given.
    filter: Query,
    text: String,
}

/// Where its messages are that have none of the seven statuses.
#[derive(JsonSchema)]
struct Progress {
    total: u64,
    /// To be sent, or with an SMSC that has not answered yet; `waiting.messages` has those alone that wait.
    queued: u64,
    in_doubt: u64,
    canceled: u64,
    skipped: u64,
}

super::schema! {
    /// Messages by status.
    Statuses, named: true, {
        let statuses = crate::domain::Status::ALL.iter().map(|status| status.code());
        let properties: serde_json::Map<_, _> = statuses.clone()
            .map(|status| (status.to_owned(), serde_json::json!({ "type": "integer", "minimum": 0 })))
            .collect();
        schemars::json_schema!({
            "type": "object",
            "description": "Messages by status: each in one.",
            "properties": properties,
            "required": statuses.collect::<Vec<_>>(),
        })
    }
}

#[derive(JsonSchema)]
struct CampaignCredits {
    held: u64,
    spent: u64,
    recredited: u64,
}

/// Why messages are not sent.
#[derive(JsonSchema)]
struct Waiting {
    /// The gravest.
    reason: WaitingWord,
    /// In the caller's language.
    detail: String,
    /// Since when it waits for that; `null`: each of its messages since another time, or it was so before the engine was started.
    since: Option<Time>,
    until: Option<Time>,
    messages: u64,
    reasons: Vec<WaitingFor>,
}

#[derive(JsonSchema)]
struct WaitingFor {
    reason: WaitingWord,
    messages: u64,
}

/// What became of a recipient.
#[derive(JsonSchema)]
pub(in crate::api) struct RecipientResult {
    to: Phone,
    id: MessageId,
    status: MessageStatusWord,
    reason: Option<ReasonWord>,
    /// Of the answer or receipt, as a number.
    code: Option<u32>,
    /// What the end of the message says of the number; `null` before that.
    cleanse: Option<CleanseWord>,
    /// Since when it has its status.
    at: Option<Time>,
}

/// Which recipients are listed, and how.
#[derive(JsonSchema)]
pub(in crate::api) struct RecipientsAsked {
    /// The most rows of the page; 50, if it is not said. Not of a CSV.
    #[schemars(range(min = 1, max = crate::campaign::PAGE_MAX))]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only those whose message is there.
    status: Option<MessageStatusWord>,
    /// Only those of whose number the end of their message says that.
    cleanse: Option<CleanseWord>,
    /// `json`, if it is not said; `csv`: all of them, as a file.
    format: Option<Form>,
}

/// For how long a campaign is watched.
#[derive(JsonSchema)]
pub(in crate::api) struct Watching {
    /// After so many seconds the stream ends; 900, if it is not said.
    #[schemars(range(min = 1, max = 900))]
    seconds: Option<u32>,
}

/// How a campaign is cleaned up after.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct Cleaning {
    /// Whether it is only said what would be done.
    dry_run: Option<bool>,
}

/// A campaign that was told to move.
#[derive(JsonSchema)]
pub(in crate::api) struct Moved {
    id: CampaignId,
    state: CampaignStateWord,
}

/// What a draft that is made of a campaign is called.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct Duplicate {
    /// Not given: as the campaign, with ` (2)`.
    #[schemars(length(min = 1, max = NAME_MAX))]
    name: Option<String>,
}

/// To whom a campaign goes again.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct Resend {
    /// Not given: as the campaign, with ` (2)`.
    #[schemars(length(min = 1, max = NAME_MAX))]
    name: Option<String>,
    /// Recipients whose messages have one of these. Not given: what may come out better, `transmission_failed`, `reception_error`,
    /// `not_routed` and `recredited`.
    #[schemars(length(min = 1, max = 10))]
    statuses: Option<Vec<ResendWord>>,
    /// Has to be `true` for `delivered`, `transmitted` and `in_doubt`: they have got it, or may have.
    again: Option<bool>,
    /// As `scheduled_at` of `schedule`. Not given: it is a draft.
    scheduled_at: Option<LocalTime>,
    /// A name of the IANA database; not given: that of the tenant.
    time_zone: Option<String>,
}

super::schema! {
    ResendWord, named: false, schemars::json_schema!({ "type": "string", "enum": crate::campaign::RESENT })
}

/// When a campaign is to launch by itself.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct Schedule {
    /// With an offset, or by the clocks of `time_zone`; within a year. `null`: no more, it is a draft again.
    scheduled_at: Nullable<LocalTime>,
    /// A name of the IANA database; not given: that of the tenant.
    time_zone: Option<String>,
}

super::schema! {
    LocalTime, named: false, schemars::json_schema!({
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)?$",
        "examples": ["2026-12-24T09:00", "2026-12-24T09:00:00+01:00"],
    })
}

/// A campaign with the date at which it launches.
#[derive(JsonSchema)]
pub(in crate::api) struct Scheduled {
    id: CampaignId,
    state: CampaignStateWord,
    scheduled_at: Option<Time>,
}

/// In which form the report is wanted.
#[derive(JsonSchema)]
pub(in crate::api) struct ReportForm {
    /// `json`, if it is not said.
    format: Option<Form>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
pub(super) enum Form {
    Json,
    Csv,
}

/// To which phones a campaign is sent for a trial, and what stands in its fields.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct CampaignTrial {
    #[schemars(length(min = 1, max = TRIAL_MAX))]
    to: Vec<GivenPhone>,
    /// The contact whose values they are; not beside `values`.
    contact: Option<ContactId>,
    /// By the names of the text's fields.
    #[schemars(extend("maxProperties" = COLUMNS_MAX))]
    values: Option<BTreeMap<String, String>>,
    /// Which variant, from 1; 0, or not given: the campaign's own text.
    #[schemars(range(min = 0, max = VARIANTS_MAX))]
    variant: Option<u32>,
}

/// What was sent.
#[derive(JsonSchema)]
pub(in crate::api) struct CampaignTried {
    test_of: CampaignId,
    /// With its fields filled in.
    text: String,
    messages: Vec<MessageId>,
}
