//! Contacts, lists, segments and consents.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::other_numbers::{OtherNumber, OtherNumbers};
use super::{
    CleanseWord, Conversation, EventSummary, FieldSource, GivenPhone, Inbound, Nullable, PastMessage, Phone,
    PurposeWord, Said, Time,
};
use crate::domain::{CampaignId, CodePoolId, ConsentId, ContactId, FormId, ImportId, ListId, MessageId, SegmentId};
use crate::import::{Account, ColumnAccount, FileAccount};
use crate::people::{
    ATTRIBUTE_NAME_MAX, EACH_MAX, Kind, PROOF_MAX, SCORE_MAX, TEXT_MAX, UPSERT_MAX, VALUE_MAX, VISITS_MAX, WORDING_MAX,
};

super::schema! {
    Day, named: false, schemars::json_schema!({
        "type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "examples": ["1980-05-17"],
    })
}
super::schema! {
    KindWord, named: true, schemars::json_schema!({
        "type": "string", "description": "What a person is to a clinic.", "enum": Kind::CODES,
    })
}
super::schema! {
    OutcomeWord, named: false, schemars::json_schema!({ "type": "string", "enum": crate::people::Outcome::CODES })
}
super::schema! {
    /// Which people are meant.
    Filter, named: true, schemars::json_schema!({
        "type": "object",
        "description": "Which people are meant; `{}`: everybody. `all`, `any` and `not` put filters together, up to 8 deep and 100 in all; \
                        `field` has one test beside it: `is`, `in`, `contains`, `starts_with`, `empty` of texts (`first_name`, `last_name`, \
                        `reference`, `practice`, `tag`, `attributes.…`), `is`, `before`, `after`, `from`, `to`, `empty` of days (`last_visit`, \
                        `last_contacted`, `last_delivered_at`, `clicked_at`, `replied_at`, `birth_date`, `consented`, `created`, `updated`, and `is` of `birthday`), `is`, `in`, `empty` of `number` and `list`, `is`, `from`, `to` of the numbers `delivered_count` and `score`, `is` of `kind`, `consent` and `unreachable`; `visited` \
                        has a practice, or `true`, with `from` and `to`. Of days and numbers, `from` or `after` may have `to` or `before` beside it.",
        "properties": {
            "all": { "type": "array", "minItems": 1, "items": { "$ref": "#/components/schemas/Filter" } },
            "any": { "type": "array", "minItems": 1, "items": { "$ref": "#/components/schemas/Filter" } },
            "not": { "$ref": "#/components/schemas/Filter" },
            "field": { "type": "string" },
            "visited": { "type": ["string", "boolean"] },
            "is": {}, "in": {}, "contains": {}, "starts_with": {}, "empty": {},
            "before": {}, "after": {}, "from": {}, "to": {},
        },
        "additionalProperties": false,
        "examples": [{ "field": "practice", "is": "Lyon" }],
    })
}

/// Contacts that are put in place of what is known of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct GivenContacts {
    #[schemars(length(min = 1, max = UPSERT_MAX))]
    contacts: Vec<GivenContact>,
    /// The list that they are put on.
    list: Option<ListId>,
}

/// What is given of a person; the rest stays as it is known. By `reference`, or by `number` and names, they are known again.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct GivenContact {
    #[schemars(length(min = 1, max = TEXT_MAX))]
    reference: Option<String>,
    /// `null`: they have none any more.
    number: Option<Nullable<GivenPhone>>,
    /// Further numbers, in the order in which campaigns try them where `number` takes no texts or cannot be reached. `null`, or an empty list: they have none any more.
    other_numbers: Option<Nullable<OtherNumbers>>,
    #[schemars(length(max = TEXT_MAX))]
    first_name: Option<String>,
    #[schemars(length(max = TEXT_MAX))]
    last_name: Option<String>,
    kind: Option<KindWord>,
    birth_date: Option<Nullable<Day>>,
    /// `null`, or an empty list: none, as of `tags`.
    practices: Option<Nullable<Names>>,
    tags: Option<Nullable<Names>>,
    /// Those that are empty, or `null`, are forgotten.
    #[schemars(extend("maxProperties" = EACH_MAX, "propertyNames" = serde_json::json!({ "maxLength": ATTRIBUTE_NAME_MAX })))]
    attributes: Option<BTreeMap<String, AttributeValue>>,
    /// Added to those that are known; `null`, or an empty list: none.
    visits: Option<Nullable<Visits>>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct Names(#[schemars(length(max = EACH_MAX))] Vec<Name>);

#[derive(JsonSchema)]
#[schemars(inline)]
struct Visits(#[schemars(length(max = VISITS_MAX))] Vec<Visit>);

#[derive(JsonSchema)]
#[schemars(inline)]
struct Name(#[schemars(length(min = 1, max = TEXT_MAX))] String);

super::schema! {
    /// A value of an attribute.
    AttributeValue, named: false, schemars::json_schema!({ "oneOf": [
        { "type": "string", "maxLength": VALUE_MAX },
        { "type": ["number", "boolean", "null"] },
    ] })
}

/// A day on which a person was at a practice.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Visit {
    day: Day,
    #[schemars(length(min = 1, max = TEXT_MAX))]
    practice: String,
}

/// What became of each, in their order.
#[derive(JsonSchema)]
pub(in crate::api) struct Upserted {
    data: Vec<Became>,
}

#[derive(JsonSchema)]
struct Became {
    id: ContactId,
    outcome: OutcomeWord,
}

/// A person.
#[derive(JsonSchema)]
pub(in crate::api) struct Contact {
    id: ContactId,
    reference: Option<String>,
    number: Option<Phone>,
    /// In the order in which campaigns try them.
    other_numbers: Vec<OtherNumber>,
    first_name: String,
    last_name: String,
    kind: KindWord,
    birth_date: Option<Day>,
    last_visit: Option<Day>,
    practices: Vec<String>,
    tags: Vec<String>,
    attributes: BTreeMap<String, String>,
    /// Since when they agree to advertising.
    consent_at: Option<Time>,
    /// When they last withdrew it: what was given before does not hold.
    consent_withdrawn_at: Option<Time>,
    /// Their number could not be reached: campaigns leave them out.
    unreachable: Option<Unreachable>,
    engagement: Engagement,
    created_at: Time,
    updated_at: Time,
    /// By field, attributes as `attributes.Ville`: whence it is, and since when; where it was asked for. Of what has not changed since before this was
    /// kept, and of what everybody has from the beginning, there is nothing.
    #[schemars(default, skip_serializing_if = "Option::is_none")]
    sources: Option<BTreeMap<String, FieldSource>>,
}

/// How a number takes what it is sent: what came of messages, and what came back.
#[derive(JsonSchema)]
struct Engagement {
    /// Messages that were delivered.
    delivered_count: u64,
    last_delivered_at: Option<Time>,
    /// When a person last followed a short link.
    clicked_at: Option<Time>,
    /// When something was last written back that is no STOP.
    replied_at: Option<Time>,
    /// 0: nothing was delivered; 1: something was; 2: they have answered or followed a link within 365 days; 3: within 90.
    #[schemars(range(max = SCORE_MAX))]
    score: u64,
}

/// From how long ago.
#[derive(JsonSchema)]
pub(in crate::api) struct StaleAsked {
    /// Months; 36, if it is not said.
    #[schemars(range(min = 1, max = 1_200))]
    months: Option<u32>,
}

/// What has become old.
#[derive(JsonSchema)]
pub(in crate::api) struct Stale {
    months: u32,
    /// Contacts of whom nothing was heard since: no visit, no consent, nothing that was said of them.
    contacts: StaleOnes,
    /// Contacts whose consent is older.
    consents: StaleOnes,
}

#[derive(JsonSchema)]
struct StaleOnes {
    count: u64,
    /// Whom that means, for a search, an export, a segment.
    filter: Filter,
}

/// How it is known that a number cannot be reached.
#[derive(JsonSchema)]
struct Unreachable {
    since: Time,
    /// `hard`: nobody has it. `soft`: some campaigns in a row did not reach it.
    reason: CleanseWord,
    /// Which has shown it.
    campaign: CampaignId,
}

/// Whom is looked for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct Search {
    filter: Option<Filter>,
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Those whom a filter means.
#[derive(JsonSchema)]
pub(in crate::api) struct FoundContacts {
    data: Vec<Contact>,
    next_cursor: Option<String>,
    /// How many they are in all.
    total: u64,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewList {
    #[schemars(length(min = 1, max = TEXT_MAX))]
    name: String,
}

/// Contacts that were put together by hand.
#[derive(JsonSchema)]
pub(in crate::api) struct List {
    id: ListId,
    name: String,
    contacts: u64,
    created_at: Time,
}

/// Who is put on a list, and who is taken off; `null` is nobody.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct Members {
    add: Option<Nullable<Contacts>>,
    remove: Option<Nullable<Contacts>>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct Contacts(#[schemars(length(min = 1, max = 10_000))] Vec<ContactId>);

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewSegment {
    #[schemars(length(min = 1, max = TEXT_MAX))]
    name: String,
    filter: Filter,
}

/// A filter under a name.
#[derive(JsonSchema)]
pub(in crate::api) struct Segment {
    id: SegmentId,
    name: String,
    filter: Filter,
    created_at: Time,
}

/// The same, with how many it means now.
#[derive(JsonSchema)]
pub(in crate::api) struct CountedSegment {
    #[schemars(flatten)]
    segment: Segment,
    contacts: u64,
}

/// What a person has agreed to.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewConsent {
    contact: GivenContact,
    /// Word for word.
    #[schemars(length(min = 1, max = WORDING_MAX))]
    wording: String,
    #[schemars(length(min = 1, max = PROOF_MAX))]
    wording_version: Option<String>,
    /// Where: a form, the front desk.
    #[schemars(length(min = 1, max = PROOF_MAX))]
    source: String,
    #[schemars(length(min = 1, max = PROOF_MAX))]
    source_url: Option<String>,
    ip: Option<String>,
    #[schemars(length(min = 1, max = PROOF_MAX))]
    user_agent: Option<String>,
    /// Not in the future; not given: now.
    given_at: Option<Time>,
}

/// A consent with what proves it.
#[derive(JsonSchema)]
pub(in crate::api) struct Consent {
    id: ConsentId,
    contact: ContactId,
    wording: String,
    wording_version: Option<String>,
    source: String,
    source_url: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    given_at: Time,
    withdrawn_at: Option<Time>,
}

/// A form by which people agree.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewConsentForm {
    /// What they agree to, word for word.
    #[schemars(length(min = 1, max = WORDING_MAX))]
    wording: String,
    #[schemars(length(min = 1, max = PROOF_MAX))]
    wording_version: Option<String>,
    /// Where they agree, in your words; `form`, if it is not said.
    #[schemars(length(min = 1, max = PROOF_MAX))]
    source: Option<String>,
    /// The list that they are put on.
    list: Option<ListId>,
    /// Scheme, host and port of the pages from which alone it may be sent: `https`, or `http` of this machine.
    #[schemars(length(min = 1, max = PROOF_MAX), regex(pattern = "^https?://"))]
    origin: String,
    /// From when on nobody agrees by it any more, at most 1,830 days ahead; `null`, or not given: it does not end.
    expires_at: Option<Nullable<Time>>,
}

/// A form.
#[derive(JsonSchema)]
pub(in crate::api) struct ConsentForm {
    id: FormId,
    /// For the page.
    token: FormToken,
    wording: String,
    wording_version: Option<String>,
    source: String,
    list: Option<ListId>,
    origin: String,
    expires_at: Option<Time>,
    created_at: Time,
}

super::schema! {
    /// What a page has of a form.
    FormToken, named: false, schemars::json_schema!({ "type": "string", "pattern": "^cft_[0-9a-f]{80}$" })
}

/// What a page sends.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct SentConsent {
    contact: Consenting,
    /// That they agree to the wording of the form.
    #[schemars(extend("const" = true))]
    agreed: bool,
    /// The page, of the form's origin; what the browser says, if it is not given.
    #[schemars(length(min = 1, max = PROOF_MAX))]
    source_url: Option<String>,
}

/// Who agrees.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Consenting {
    number: GivenPhone,
    #[schemars(length(max = TEXT_MAX))]
    first_name: Option<String>,
    #[schemars(length(max = TEXT_MAX))]
    last_name: Option<String>,
}

/// It is kept: nothing else is told.
#[derive(JsonSchema)]
pub(in crate::api) struct ConsentKept {
    #[schemars(extend("const" = true))]
    kept: bool,
}

/// A number that somebody has.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct PersonNumber {
    number: GivenPhone,
}

/// Everything that is kept of somebody.
#[derive(JsonSchema)]
pub(in crate::api) struct PersonData {
    at: Time,
    /// `null`: none is known.
    number: Option<Phone>,
    contacts: Vec<PersonKnown>,
    /// What they want no messages of.
    opted_out: Vec<PurposeWord>,
    /// The newest first.
    messages: Vec<PastMessage>,
    /// There are older ones.
    messages_are_cut: bool,
    engagement: Engagement,
    /// Which of their links they followed, as history knows them.
    clicks: Vec<PersonClicks>,
    /// What they wrote back, the oldest first.
    inbound: Vec<Inbound>,
    conversations: Vec<PersonConversation>,
    codes: Vec<PersonCode>,
    /// What was offered, the latest first.
    offers: Vec<super::OfferedPerson>,
    /// What they answered to surveys, the latest first.
    surveys: Vec<super::SurveyRun>,
    /// Where they wait for a time that becomes free.
    /// The tenant's team keys reach it.
    guest: bool,
    waiting_list: Vec<super::WaitingPerson>,
    /// Events that are of no contact.
    events: Vec<EventSummary>,
}

/// How the link of a message was followed.
#[derive(JsonSchema)]
struct PersonClicks {
    message: MessageId,
    /// By a person; `null`: never.
    first_at: Option<Time>,
    last_at: Option<Time>,
    clicks: u64,
    /// By programs.
    previews: u64,
}

/// A conversation with all that was said, the newest first.
#[derive(JsonSchema)]
struct PersonConversation {
    #[schemars(flatten)]
    conversation: Conversation,
    messages: Vec<Said>,
}

/// Somebody as a contact.
#[derive(JsonSchema)]
struct PersonKnown {
    contact: Contact,
    /// Whence what is known of them is, by field, and since when.
    sources: BTreeMap<String, FieldSource>,
    /// The latest first.
    visits: Vec<Visit>,
    lists: Vec<PersonList>,
    consents: Vec<Consent>,
    /// Of the diary.
    events: Vec<EventSummary>,
}

#[derive(JsonSchema)]
struct PersonList {
    id: ListId,
    name: String,
}

/// A code that somebody was given.
#[derive(JsonSchema)]
struct PersonCode {
    pool: CodePoolId,
    code: String,
    campaign: CampaignId,
    given_at: Option<Time>,
}

/// What was forgotten.
#[derive(JsonSchema)]
pub(in crate::api) struct Erased {
    contacts: u64,
    /// Messages of the history that have no number any more.
    messages: u64,
    /// Messages that they had written.
    inbound: u64,
    /// Others have the number: what hangs on it stays.
    number_is_shared: bool,
}

/// How many consents were ended.
#[derive(JsonSchema)]
pub(in crate::api) struct Withdrawn {
    withdrawn: u64,
}

/// How a file is to be taken in.
#[derive(JsonSchema)]
pub(in crate::api) struct ImportWishes {
    /// `true`: it is only said how the file is understood.
    dry_run: Option<bool>,
    /// What its columns hold, by their places: `last_name,number,-,attributes.Ville`; not given: as their names say.
    columns: Option<String>,
    /// The list that the contacts are put on.
    list: Option<ListId>,
}

/// A file of contacts, and what became of it.
#[derive(JsonSchema)]
pub(in crate::api) struct Import {
    id: ImportId,
    state: ImportStateWord,
    created_at: Time,
    ended_at: Option<Time>,
    #[schemars(flatten)]
    account: Account,
}

super::schema! {
    ImportStateWord, named: false, schemars::json_schema!({ "type": "string", "enum": crate::people::ImportState::CODES })
}

/// How a file is understood.
#[derive(JsonSchema)]
pub(in crate::api) struct Preview {
    /// `true`.
    dry_run: bool,
    file: FileAccount,
    columns: Vec<ColumnAccount>,
    sample: Sample,
    /// Rows that are invalid, by the code of why.
    invalid: BTreeMap<String, u64>,
    /// People whose last visit is on a day that is to come: it is left out.
    visits_to_come: u64,
    /// The first of them.
    rows: Vec<PreviewRow>,
}

#[derive(JsonSchema)]
struct Sample {
    read: u64,
    good: u64,
    duplicate_in_file: u64,
    invalid: u64,
    not_mobile: u64,
}

/// A row: the contact that it is, or what is wrong with it.
#[derive(JsonSchema)]
struct PreviewRow {
    line: u64,
    #[schemars(default, skip_serializing_if = "Option::is_none")]
    contact: Option<BTreeMap<String, serde_json::Value>>,
    #[schemars(default, skip_serializing_if = "Option::is_none")]
    error: Option<RowFault>,
}

#[derive(JsonSchema)]
struct RowFault {
    column: Option<String>,
    value: String,
    code: String,
    /// In the caller's language.
    detail: String,
}

/// In which form contacts are exported.
#[derive(JsonSchema)]
pub(in crate::api) struct ExportForm {
    /// Not given: `excel-fr` for a French reader, and else `rfc4180`.
    dialect: Option<DialectWord>,
}

super::schema! {
    DialectWord, named: false, schemars::json_schema!({ "type": "string", "enum": crate::sheet::Dialect::CODES })
}

/// Whom of those that a campaign leaves out to export, and how.
#[derive(JsonSchema)]
pub(in crate::api) struct LeftOutAsked {
    /// Not given: whatever the reason. Who has several is there with the first of them.
    because: Option<BecauseWord>,
    /// Not given: `excel-fr` for a French reader, and else `rfc4180`.
    dialect: Option<DialectWord>,
}

super::schema! {
    BecauseWord, named: false, schemars::json_schema!({ "type": "string", "enum": crate::campaign::Because::CODES })
}

/// Whom to export.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct ExportOrder {
    filter: Option<Filter>,
}
