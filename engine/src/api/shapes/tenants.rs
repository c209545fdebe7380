//! Tenants, their keys and credits.

use schemars::JsonSchema;

use super::words::schema;
use super::{
    ApiKey, EncodingWord, GivenPhone, GivenRate, HoldFirstWord, KeyId, KeyKindWord, Moment, NetworkText, Nullable,
    Phone, RoleWord, SenderText, StopClauseWord, TariffWord, Time,
};
use crate::account::{GRANT_MAX, NAME_MAX, REFERENCE_MAX, SUSPENSION_REASON_MAX, WEIGHT_MAX};
use crate::domain::{
    CampaignId, Countries, FrequencyCap, GivesBack, KeyBounds, PrefixPrices, ResellerId, TenantId, Terms,
};
use crate::people::GUESTS_MAX;
use crate::store::GRANTED_MAX;

/// A new tenant, and what was agreed on with it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewTenant {
    #[schemars(length(min = 1, max = NAME_MAX))]
    name: String,
    /// Who hosts it. With a reseller's key it is that reseller.
    reseller: Option<ResellerId>,
    /// Credits to begin with; with a reseller's key from its balance.
    #[schemars(range(max = GRANT_MAX))]
    trial_credits: Option<u64>,
    /// How many turns it has at sending for one of a tenant with 1.
    #[schemars(range(min = 1, max = WEIGHT_MAX))]
    weight: Option<u8>,
    /// Where it may send to, as two letters each; `null`: everywhere. Not given: to France and what is French overseas.
    countries: Option<Nullable<CountryList>>,
    #[schemars(flatten)]
    terms: GivenTerms,
}

/// What is to change of a tenant: at least one of these.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub(in crate::api) struct TenantChanges {
    #[schemars(length(min = 1, max = crate::account::NAME_MAX))]
    name: Option<String>,
    /// How many turns it has at sending for one of a tenant with 1.
    #[schemars(range(min = 1, max = WEIGHT_MAX))]
    weight: Option<u8>,
    countries: Option<Nullable<CountryList>>,
    /// Whether people who answer to a stop are told so.
    cancel_answers: Option<bool>,
    #[schemars(flatten)]
    terms: GivenTerms,
}

#[derive(JsonSchema)]
struct GivenTerms {
    encoding: Option<EncodingWord>,
    tariff: Option<TariffWord>,
    /// How many times as much as the tariff says a message costs, by what its recipient's number begins with, from `+` on: the longest prefix
    /// that fits holds, and a number that none fits costs what the tariff says. `null`: none. Drafts that name their recipients keep the
    /// price that they had.
    prefix_prices: Option<Nullable<GivenPrefixPrices>>,
    /// The longest text, in characters, before its fields are filled in.
    #[schemars(range(min = 1, max = Terms::CHARACTERS_MAX))]
    max_chars: Option<u32>,
    stop_clause: Option<StopClauseWord>,
    /// The clause: it says STOP, and `XXXXX` where the number goes, without fields.
    #[schemars(length(min = 4, max = Terms::STOP_TEXT_MAX))]
    stop_text: Option<String>,
    /// The senders that it may write under; `null`: any.
    senders: Option<Nullable<SenderList>>,
    /// Senders that look like a protected name, or are a generic one, and that it may write under all the same; `null`: none.
    protected_senders: Option<Nullable<SenderList>>,
    /// By which name people know it: advertising has to say that. `null`: it is not known.
    brand: Option<Nullable<Brand>>,
    /// Advertising goes to nobody whose consent is not known.
    require_consent: Option<bool>,
    /// How much a person gets at most; `null`, or not given: any amount.
    frequency_cap: Option<Nullable<CapOf>>,
    /// How many days texts, variables and what people write are kept when their campaigns are over; `null`: as long as these.
    text_retention_days: Option<Nullable<TextDays>>,
    /// The domains to which links of its texts may lead, and those below them, such as `cabinet.fr`; `null`: any but public shorteners,
    /// which are refused in any case.
    link_domains: Option<Nullable<DomainList>>,
    /// The domain of its short links, whose name leads to this engine's `[links]`; `null`, or not given: it has none.
    short_domain: Option<Nullable<DomainName>>,
    /// Below how many available credits the webhook `balance.low` says that few are left, once each time; `null`: it says nothing.
    balance_alerts: Option<Nullable<AlertList>>,
    /// How many messages are taken of it a day, of campaigns and single ones together; `null`, or not given: any number.
    daily_max: Option<Nullable<DailyMax>>,
    /// How fast its messages begin at most, of campaigns and single ones together, what is urgent first; `null`, or not given: as fast as they
    /// can.
    rate: Option<Nullable<GivenRate>>,
    /// What of its messages gives its credits back though an SMSC took it, by how it failed: it ends as `recredited` then, and its `reason` says
    /// how it failed. For what ends from then on. `null`, or not given: nothing, but what the `receipts` of an SMSC give back to everybody.
    recredits: Option<Nullable<FailureList>>,
    /// By whose clocks its days are: a name of the IANA database; not given: Europe/Paris.
    time_zone: Option<String>,
    /// Where its people are, whose numbers do not say so: advertising to French mobiles keeps the public holidays of there as well. For what is
    /// launched from then on. `null`: nowhere in particular.
    territory: Option<Nullable<TerritoryWord>>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct FailureList(#[schemars(length(max = GivesBack::WORDS.len()), extend("uniqueItems" = true))] Vec<FailureWord>);

schema! {
    FailureWord, named: false, schemars::json_schema!({ "type": "string", "enum": GivesBack::WORDS })
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct DomainList(#[schemars(length(min = 1, max = Terms::LINK_DOMAINS_MAX))] Vec<DomainName>);

#[derive(JsonSchema)]
#[schemars(inline)]
struct DomainName(#[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,40}\.[a-z]{2,20}$"))] String);

/// How much a person gets at most, by purpose. Reminders have no cap.
#[derive(JsonSchema)]
#[schemars(rename = "FrequencyCap", deny_unknown_fields)]
struct CapOf {
    marketing: Cap,
}

schema! {
    TerritoryWord, named: false, schemars::json_schema!({
        "type": "string",
        "enum": crate::domain::Territory::ALL.iter().map(|territory| territory.code()).collect::<Vec<_>>(),
    })
}

/// So many messages within so many days, counted from when the cap was agreed on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Cap {
    #[schemars(range(min = 1, max = FrequencyCap::MESSAGES_MAX))]
    messages: u8,
    #[schemars(range(min = 1, max = FrequencyCap::DAYS_MAX))]
    days: u16,
}

schema! {
    GivenPrefixPrices, named: false, schemars::json_schema!({
        "type": "object",
        "propertyNames": { "pattern": r"^\+[1-9]\d{0,14}$" },
        "maxProperties": PrefixPrices::MAX,
        "additionalProperties": { "type": "integer", "minimum": 1, "maximum": PrefixPrices::TIMES_MAX },
    })
}

schema! {
    PrefixTimes, named: false, schemars::json_schema!({
        "type": "object",
        "additionalProperties": { "type": "integer", "minimum": 1, "maximum": PrefixPrices::TIMES_MAX },
    })
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct TextDays(#[schemars(range(min = 1, max = Terms::TEXT_DAYS_MAX))] u16);

#[derive(JsonSchema)]
#[schemars(inline)]
struct DailyMax(#[schemars(range(min = 1, max = Terms::DAILY_MAX))] u32);

#[derive(JsonSchema)]
#[schemars(inline)]
struct SenderList(#[schemars(length(min = 1, max = Terms::SENDERS_MAX))] Vec<SenderText>);

#[derive(JsonSchema)]
#[schemars(inline)]
struct Brand(#[schemars(length(max = Terms::BRAND_MAX))] String);

#[derive(JsonSchema)]
#[schemars(inline)]
struct CountryList(#[schemars(length(min = 1, max = Countries::MAX))] Vec<CountryCode>);

#[derive(JsonSchema)]
#[schemars(inline)]
struct CountryCode(#[schemars(regex(pattern = "^[A-Z]{2}$"))] String);

/// A tenant.
#[derive(JsonSchema)]
pub(in crate::api) struct Tenant {
    id: TenantId,
    name: String,
    /// It is a tenant's sandbox: what it sends goes to a simulator and costs nothing.
    sandbox: bool,
    /// Who hosts it; `null`: the operator.
    reseller: Option<ResellerId>,
    weight: u8,
    /// `null`: everywhere.
    countries: Option<Vec<CountryCode>>,
    cancel_answers: bool,
    /// `null`: it is not.
    suspended: Option<SuspensionOf>,
    today: Today,
    credits: CreditsOf,
    created_at: Time,
    encoding: EncodingWord,
    tariff: TariffWord,
    /// How many times as much as the tariff says a message costs, by what its recipient's number begins with.
    prefix_prices: PrefixTimes,
    max_chars: u32,
    stop_clause: StopClauseWord,
    stop_text: String,
    senders: Option<Vec<SenderText>>,
    protected_senders: Option<Vec<SenderText>>,
    brand: Option<String>,
    require_consent: bool,
    frequency_cap: Option<CapOf>,
    /// `null`: as long as campaigns.
    text_retention_days: Option<u16>,
    /// `null`: any.
    link_domains: Option<Vec<String>>,
    /// `null`: it has no short links.
    short_domain: Option<String>,
    /// The most first.
    balance_alerts: Vec<u64>,
    /// `null`: any number.
    daily_max: Option<u32>,
    /// `null`: as fast as they can.
    rate: Option<String>,
    /// What gives its credits back.
    recredits: Vec<FailureWord>,
    time_zone: String,
    territory: Option<TerritoryWord>,
}

/// What a tenant changes of itself: at least one of these.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub(in crate::api) struct OwnChanges {
    /// Below how many available credits the webhook `balance.low` says that few are left, once each time; `null`: it says nothing.
    balance_alerts: Option<Nullable<AlertList>>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct AlertList(#[schemars(length(max = Terms::BALANCE_ALERTS_MAX))] Vec<AlertCredits>);

#[derive(JsonSchema)]
#[schemars(inline)]
struct AlertCredits(#[schemars(range(min = 1, max = GRANTED_MAX))] u64);

/// What a tenant has: granted = available + held + spent, in every instant.
#[derive(JsonSchema)]
pub(in crate::api) struct Balance {
    #[schemars(flatten)]
    credits: CreditsOf,
    /// Its thresholds, the most first.
    alerts: Vec<Alert>,
}

/// A threshold of a balance.
#[derive(JsonSchema)]
struct Alert {
    threshold: u64,
    /// Fewer credits are available.
    is_low: bool,
}

/// Since when, and why, nothing is taken or sent of a tenant.
#[derive(JsonSchema)]
#[schemars(rename = "Suspension")]
struct SuspensionOf {
    since: Time,
    reason: String,
}

schema! {
    TenantsDay, named: false, schemars::json_schema!({ "type": "string", "format": "date" })
}

/// How many messages were taken of a tenant on a day, by its clocks, whatever became of them.
#[derive(JsonSchema)]
struct Today {
    day: TenantsDay,
    messages: u64,
}

/// Why a tenant is to be suspended.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewSuspension {
    /// One sentence: the tenant reads it, where it is refused something.
    #[schemars(length(min = 1, max = SUSPENSION_REASON_MAX))]
    reason: String,
}

/// A tenant whose texts were erased.
#[derive(JsonSchema)]
pub(in crate::api) struct ErasedTexts {
    id: TenantId,
    erased: bool,
}

/// A new reseller.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewReseller {
    #[schemars(length(min = 1, max = NAME_MAX))]
    name: String,
}

/// Who hosts tenants.
#[derive(JsonSchema)]
pub(in crate::api) struct Reseller {
    id: ResellerId,
    name: String,
    credits: BalanceOf,
    /// Campaigns that look like advertising and are sent as transactional wait until it was decided.
    hold_flagged: bool,
    /// Traffic that is unusual for its tenant waits until it was decided.
    hold_unusual: bool,
    hold_first: HoldFirstWord,
    /// How many campaigns of a tenant are its first.
    first_campaigns: u32,
    /// Names that no sender of its tenants may look like, beside those that are protected everywhere; `null`: none.
    protected_senders: Option<Vec<String>>,
    created_at: Time,
}

/// What a reseller has of credits.
#[derive(JsonSchema)]
#[schemars(rename = "ResellerCredits")]
struct BalanceOf {
    /// By the operator, less what that took back.
    granted: u64,
    /// Taken back by the operator, in all.
    withdrawn: u64,
    /// Not given to tenants, or taken back.
    available: u64,
}

/// What a tenant pays for a credit from some time on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewCreditPrice {
    since: Moment,
    /// Exact, below 1000, with at most six digits behind the point; `null`: nothing is known from then on.
    per_credit: Nullable<PriceText>,
    /// Needed beside a price.
    currency: Option<CurrencyWord>,
    /// By whose clocks a day begins; `Europe/Paris`, if it is not said.
    time_zone: Option<String>,
}

schema! {
    /// An exact price.
    PriceText, named: false, schemars::json_schema!({ "type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,6})?$", "examples": ["0.08"] })
}
schema! {
    /// A currency by its three letters (ISO 4217).
    CurrencyWord, named: false, schemars::json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"] })
}

/// What a tenant pays for a credit, the newest first.
#[derive(JsonSchema)]
pub(in crate::api) struct CreditPrices {
    data: Vec<CreditPrice>,
}

/// A price that holds until the next begins.
#[derive(JsonSchema)]
pub(in crate::api) struct CreditPrice {
    since: Time,
    /// With six digits behind the point; `null`: nothing is known.
    per_credit: Option<String>,
    currency: Option<CurrencyWord>,
}

/// A movement of a reseller's credits.
#[derive(JsonSchema)]
pub(in crate::api) struct ResellerMovement {
    r#type: ResellerMovementKind,
    credits: u64,
    /// `null`: the operator gave them, or took them back.
    tenant: Option<TenantId>,
    reference: String,
    at: Time,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum ResellerMovementKind {
    Grant,
    Withdraw,
    Give,
    TakeBack,
}

/// A reseller that was just made, with its first key.
#[derive(JsonSchema)]
pub(in crate::api) struct MadeReseller {
    #[schemars(flatten)]
    reseller: Reseller,
    api_key: ApiKey,
}

/// A tenant that was just made, with its first key.
#[derive(JsonSchema)]
pub(in crate::api) struct MadeTenant {
    #[schemars(flatten)]
    tenant: Tenant,
    api_key: ApiKey,
}

/// granted = available + held + spent, in every instant.
#[derive(JsonSchema)]
#[schemars(rename = "Credits")]
struct CreditsOf {
    /// Given to it, less what was taken back: of statements, `granted` less `withdrawn` of all months.
    granted: u64,
    /// Taken back by the reseller, ever.
    withdrawn: u64,
    available: u64,
    /// For what was launched and not sent yet.
    held: u64,
    spent: u64,
    /// Given back, of what was spent.
    recredited: u64,
}

/// Credits for a tenant.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewCredits {
    #[schemars(range(min = 1, max = GRANT_MAX))]
    amount: u64,
    /// For the ledger. The same credits for the same reference are moved once, whatever the request; others are refused.
    #[schemars(length(max = REFERENCE_MAX))]
    reference: Option<String>,
}

/// What is held for a campaign that was lost with its Redis.
#[derive(JsonSchema)]
pub(in crate::api) struct LostHold {
    campaign: CampaignId,
    credits: u64,
}

/// What was spent of it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct SettledHold {
    spent: u64,
}

/// Another key.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewKey {
    #[schemars(flatten)]
    given: GivenKey,
    /// Whom it reaches, for good. If it is not said: `live`, anybody; of a key that is made with a sandbox's, `sandbox`.
    kind: Option<KeyKindWord>,
}

/// Numbers for the guest list.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewGuests {
    #[schemars(length(min = 1, max = GUESTS_MAX))]
    numbers: Vec<GivenPhone>,
    /// Whose phones they are.
    #[schemars(length(max = NAME_MAX))]
    label: Option<String>,
}

/// Numbers that leave it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct FormerGuests {
    #[schemars(length(min = 1, max = GUESTS_MAX))]
    numbers: Vec<GivenPhone>,
}

/// Somebody whom keys of the kind `team` reach.
#[derive(JsonSchema)]
pub(in crate::api) struct Guest {
    number: Phone,
    label: String,
    created_at: Time,
}

/// A further key of a reseller.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewResellerKey {
    #[schemars(flatten)]
    given: GivenKey,
}

/// What is to change of a key: at least one of these.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub(in crate::api) struct KeyChanges {
    #[schemars(flatten)]
    given: GivenKey,
}

#[derive(JsonSchema)]
struct GivenKey {
    /// What it is for.
    #[schemars(length(max = NAME_MAX))]
    label: Option<String>,
    /// If it is not said: `full`, and of a reseller's key `admin`.
    role: Option<RoleWord>,
    /// From where it may be shown; `null`, or not given: from anywhere.
    addresses: Option<Nullable<NetworkList>>,
    /// From when on it opens nothing; `null`, or not given: it does not end.
    expires_at: Option<Nullable<Time>>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct NetworkList(#[schemars(length(min = 1, max = KeyBounds::ADDRESSES_MAX))] Vec<NetworkText>);

/// A key, without itself.
#[derive(JsonSchema)]
pub(in crate::api) struct KnownKey {
    id: KeyId,
    /// How it begins.
    begins: String,
    label: String,
    role: RoleWord,
    kind: KeyKindWord,
    /// `null`: from anywhere.
    addresses: Option<Vec<NetworkText>>,
    /// `null`: it does not end.
    expires_at: Option<Time>,
    /// `null`: it is older than that is kept.
    created_at: Option<Time>,
}

/// A key that was just made.
#[derive(JsonSchema)]
pub(in crate::api) struct MadeKey {
    #[schemars(flatten)]
    key: KnownKey,
    api_key: ApiKey,
}

/// A key that opens nothing any more.
#[derive(JsonSchema)]
pub(in crate::api) struct RevokedKey {
    id: KeyId,
    #[schemars(extend("const" = true))]
    revoked: bool,
}
