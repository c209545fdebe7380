//! What people write back, and our numbers.

use schemars::JsonSchema;
use strum::VariantArray;

use super::{GivenPhone, InboundId, Nullable, Phone, Time};
use crate::campaign::PAGE_MAX;
use crate::domain::{
    AutoReplyId, CampaignId, ConversationId, MessageId, NumberId, NumberRequestId, ResellerId, TemplateId, TenantId,
    Terms,
};
use crate::numbers::{NOTE_MAX, NumberKind, PRICE_MAX, RequestState};
use crate::people::{TEXT_MAX, WORDING_MAX};
use crate::replies::{
    ConversationState, DELAY_MAX, KEYWORD_MAX, KEYWORDS_MAX, Made, Match, OPENINGS_MAX, PATTERN_MAX, PRIORITY,
    ReplySettings as Settings, SaidState, TIMEOUT_MS, When,
};

super::schema! {
    MatchWord, named: true, schemars::json_schema!({
        "type": "string",
        "description": "`exact`: one of its keywords and nothing else; `first_word`: one of its keywords, whatever stands behind; `pattern`: its \
                        pattern, anywhere; `any`: what no other rule answers. Case, accents, signs and a small mistake make no difference to keywords.",
        "enum": Match::CODES,
    })
}
super::schema! {
    WhenWord, named: false, schemars::json_schema!({ "type": "string", "enum": When::CODES })
}
super::schema! {
    ConversationStateWord, named: false, schemars::json_schema!({ "type": "string", "enum": ConversationState::CODES })
}
super::schema! {
    MadeWord, named: true, schemars::json_schema!({
        "type": "string",
        "description": "What was made of a message: `opt_out`, `contact` (it asks whose number it is), `rule` (a rule answers), `appointment` (it answers a reminder), `offer` (it says yes or no to an offer), `survey` (it answers a question of a survey), `unsure` (one does \
                        perhaps), `unanswered`, `echo` (it says what we said last), `quiet` (so much was answered by itself that nothing more is for a \
                        while), `not_ours` (nothing is sent from that number). Of one of ours, why it was written; `person`: by somebody.",
        "enum": Made::VARIANTS.iter().map(|made| made.code()).collect::<Vec<_>>(),
    })
}
super::schema! {
    AttentionWord, named: false, schemars::json_schema!({
        "type": "string",
        "description": "Why people should look: what was made of a message (`survey`: whoever answers is not content), or `failed`: an answer could not be sent.",
        "enum": ["unsure", "unanswered", "quiet", "not_ours", "survey", "opt_out", "failed"],
    })
}
super::schema! {
    SaidStateWord, named: false, schemars::json_schema!({
        "type": "string", "enum": SaidState::VARIANTS.iter().map(|state| state.into_str()).collect::<Vec<_>>(),
    })
}
super::schema! {
    NumberKindWord, named: false, schemars::json_schema!({ "type": "string", "enum": NumberKind::CODES })
}
super::schema! {
    RequestStateWord, named: false, schemars::json_schema!({ "type": "string", "enum": RequestState::CODES })
}
super::schema! {
    /// One of our numbers.
    OwnNumberText, named: false, schemars::json_schema!({
        "type": "string", "pattern": r"^(\+[1-9][0-9]{6,14}|[1-9][0-9]{2,7})$", "examples": ["+33644630001", "36034"],
    })
}
super::schema! {
    CountryCode, named: false, schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z]{2}$" })
}
super::schema! {
    ShortTime, named: false, schemars::json_schema!({ "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$" })
}
super::schema! {
    ZoneName, named: false, schemars::json_schema!({ "type": "string", "enum": rules::Zone::names() })
}

/// A rule.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewAutoReply {
    #[schemars(length(min = 1, max = TEXT_MAX))]
    name: String,
    /// Only what is written to that number of the tenant's; not given: any.
    number: Option<Nullable<OwnNumberText>>,
    #[schemars(rename = "match")]
    matches: MatchWord,
    #[schemars(length(min = 1, max = KEYWORDS_MAX), inner(length(min = 1, max = KEYWORD_MAX)))]
    keywords: Option<Vec<String>>,
    /// A regular expression, whatever the case (syntax of Rust's `regex`).
    #[schemars(length(min = 1, max = PATTERN_MAX))]
    pattern: Option<Nullable<String>>,
    /// `open`, `closed`: by the opening hours of `/v1/reply_settings`. Not given: `always`.
    when: Option<WhenWord>,
    /// What is answered; beside `webhook`, when that has no answer.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: Option<Nullable<String>>,
    webhook: Option<Nullable<NewReplyWebhook>>,
    /// Whoever writes it agrees to this, word for word: a consent with the message as its proof, and advertising again after a STOP.
    #[schemars(length(min = 1, max = WORDING_MAX))]
    opts_in: Option<Nullable<String>>,
    /// Seconds between the message and its answer.
    #[schemars(range(min = 0, max = DELAY_MAX))]
    delay: Option<u32>,
    /// Of the rules that fit, the one with the highest answers; 0, if it is not said.
    #[schemars(range(min = PRIORITY.0, max = PRIORITY.1))]
    priority: Option<i16>,
    enabled: Option<bool>,
}

/// A program of the tenant's that says what is answered: it is posted `reply.asked`, signed as webhooks are, and answers `{"text": "…"}`,
/// or 204 for nothing.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewReplyWebhook {
    #[schemars(length(min = 1, max = 500))]
    url: String,
    /// 3000, if it is not said.
    #[schemars(range(min = TIMEOUT_MS.0, max = TIMEOUT_MS.1))]
    timeout_ms: Option<u32>,
}

#[derive(JsonSchema)]
struct ReplyWebhook {
    url: String,
    timeout_ms: u32,
}

/// A rule.
#[derive(JsonSchema)]
pub(in crate::api) struct AutoReply {
    id: AutoReplyId,
    name: String,
    number: Option<OwnNumberText>,
    #[schemars(rename = "match")]
    matches: MatchWord,
    keywords: Vec<String>,
    pattern: Option<String>,
    when: WhenWord,
    text: Option<String>,
    webhook: Option<ReplyWebhook>,
    opts_in: Option<String>,
    delay: u32,
    priority: i16,
    enabled: bool,
    created_at: Time,
}

/// A rule that was made or replaced.
#[derive(JsonSchema)]
pub(in crate::api) struct MadeAutoReply {
    #[schemars(flatten)]
    reply: AutoReply,
    /// What questions to its `webhook` are signed with, when it is new: it is shown this once.
    secret: Option<String>,
}

/// Something that people may write.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct TriedText {
    text: String,
    /// To which of the tenant's numbers; not given: to one that no rule names.
    number: Option<Nullable<OwnNumberText>>,
}

/// What would be made of it now.
#[derive(JsonSchema)]
pub(in crate::api) struct TriedReply {
    opts_out: bool,
    /// Whether the rule is so sure that it answers.
    answered: bool,
    auto_reply: Option<AutoReplyId>,
    /// In percent; from 80 on it answers.
    confidence: Option<u8>,
    /// `null` as well when its `webhook` is asked first and it has none of its own.
    text: Option<String>,
    /// Whether it is within the opening hours.
    open: bool,
}

/// Some days of the week, from one time to another.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct OpeningHours {
    /// 1: Monday, to 7.
    #[schemars(length(min = 1, max = 7), inner(range(min = 1, max = 7)))]
    days: Vec<u8>,
    from: ShortTime,
    /// Not included.
    to: ShortTime,
}

/// What is to be another way.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct ReplySettingChanges {
    /// `null`: always open.
    #[schemars(length(min = 1, max = OPENINGS_MAX))]
    opening_hours: Option<Nullable<Vec<OpeningHours>>>,
    /// By whose clocks and public holidays.
    zone: Option<ZoneName>,
    closed_on_holidays: Option<bool>,
    /// The most that is answered by itself to one person and number within an hour; then nothing for an hour.
    per_hour: Option<u8>,
    /// Within a day; then nothing for a day.
    per_day: Option<u8>,
    /// Hours between two answers of the rule for `any`.
    #[schemars(range(min = 0, max = Settings::ANY_EVERY_MAX))]
    any_every_hours: Option<u16>,
    /// What is answered to a STOP, once; `null`: nothing.
    #[schemars(length(max = Terms::CHARACTERS_MAX))]
    stop_confirmation: Option<Nullable<String>>,
    /// What is answered to CONTACT; `null`: the tenant's name.
    #[schemars(length(max = Terms::CHARACTERS_MAX))]
    identity: Option<Nullable<String>>,
    /// What is answered to who comes to an appointment of which they were reminded; `null`: nothing.
    #[schemars(length(max = Terms::CHARACTERS_MAX))]
    appointment_confirmed: Option<Nullable<String>>,
    /// To who does not.
    #[schemars(length(max = Terms::CHARACTERS_MAX))]
    appointment_cancelled: Option<Nullable<String>>,
    /// To who wants another time.
    #[schemars(length(max = Terms::CHARACTERS_MAX))]
    appointment_moved: Option<Nullable<String>>,
}

/// How people are answered.
#[derive(JsonSchema)]
pub(in crate::api) struct ReplySettings {
    /// None: always open.
    opening_hours: Vec<OpeningHours>,
    zone: String,
    closed_on_holidays: bool,
    per_hour: u8,
    per_day: u8,
    any_every_hours: u16,
    /// Empty: nothing.
    stop_confirmation: String,
    /// Empty: the tenant's name.
    identity: String,
    /// Empty, as the next two: nothing.
    appointment_confirmed: String,
    appointment_cancelled: String,
    appointment_moved: String,
}

/// Which conversations, and which page of them.
#[derive(JsonSchema)]
pub(in crate::api) struct ConversationsAsked {
    /// The most rows of the page; 50, if it is not said.
    #[schemars(range(min = 1, max = PAGE_MAX))]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Those that are open, or closed.
    state: Option<ConversationStateWord>,
    /// `true`: those that wait for people.
    attention: Option<bool>,
    /// `true`: those with messages that nobody has read.
    unread: Option<bool>,
    /// Those that somebody looks after.
    assignee: Option<String>,
    /// Those with that person.
    with: Option<String>,
}

/// What one person and one number have written to each other.
#[derive(JsonSchema)]
pub(in crate::api) struct Conversation {
    id: ConversationId,
    with: Phone,
    /// As it was written to.
    number: String,
    state: ConversationStateWord,
    assignee: Option<String>,
    unread: u64,
    attention: Option<AttentionWord>,
    last_at: Time,
    /// Until then nothing is answered by itself.
    quiet_until: Option<Time>,
}

/// What is to be another way.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct ConversationChanges {
    /// Closed, it is read as well; what is written opens it again.
    state: Option<ConversationStateWord>,
    #[schemars(length(min = 1, max = TEXT_MAX))]
    assignee: Option<Nullable<String>>,
    /// `true`: all of it was read.
    read: Option<bool>,
}

/// A person is written to: a text, or that of a template.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewConversation {
    with: GivenPhone,
    /// One of the tenant's.
    number: OwnNumberText,
    /// At most `max_chars` of the tenant.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: Option<String>,
    template: Option<TemplateId>,
}

/// What is to be written: a text, or that of a template.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewSaid {
    /// At most `max_chars` of the tenant.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: Option<String>,
    template: Option<TemplateId>,
}

/// A message of a conversation.
#[derive(JsonSchema)]
pub(in crate::api) struct Said {
    /// `in`: the person wrote it.
    direction: Direction,
    at: Time,
    /// `null`: it was erased, or is being asked for.
    text: Option<String>,
    made: MadeWord,
    auto_reply: Option<AutoReplyId>,
    /// How sure that is, in percent.
    confidence: Option<u8>,
    opted_out: bool,
    inbound: Option<InboundId>,
    /// What it answers, as far as that is known.
    campaign: Option<CampaignId>,
    /// Of ours: `asking` the rule's webhook, `due`, `sent` (see `message`), `failed` (see `reason`).
    state: Option<SaidStateWord>,
    message: Option<MessageId>,
    reason: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum Direction {
    In,
    Out,
}

/// A number of the tenant's.
#[derive(JsonSchema)]
pub(in crate::api) struct OwnNumber {
    number: OwnNumberText,
    kind: NumberKindWord,
    country: Option<CountryCode>,
    /// Whether people can write to it.
    two_way: bool,
    /// Other tenants have it as well: a keyword says for whom a message is, or who wrote last.
    shared: bool,
    /// In hundredths.
    monthly_price: Option<i64>,
}

/// A number to keep.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewNumber {
    number: OwnNumberText,
    country: CountryCode,
    /// Whether what is written to it reaches us; not given: it does.
    two_way: Option<bool>,
    /// In hundredths of what the reseller bills in.
    #[schemars(range(min = 0, max = PRICE_MAX))]
    monthly_price: Option<Nullable<i64>>,
    /// Who gives it to tenants; not given: the operator alone.
    reseller: Option<Nullable<ResellerId>>,
}

/// One of our numbers.
#[derive(JsonSchema)]
pub(in crate::api) struct Number {
    id: NumberId,
    number: OwnNumberText,
    kind: NumberKindWord,
    country: CountryCode,
    two_way: bool,
    monthly_price: Option<i64>,
    reseller: Option<ResellerId>,
    /// Who has it.
    tenants: Vec<TenantId>,
    created_at: Time,
}

/// A number is asked for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewNumberRequest {
    kind: NumberKindWord,
    country: CountryCode,
    /// Not given: people should be able to write to it.
    two_way: Option<bool>,
    /// What it is for.
    #[schemars(length(max = NOTE_MAX))]
    note: Option<String>,
}

/// What was asked for, and what came of it.
#[derive(JsonSchema)]
pub(in crate::api) struct NumberRequest {
    id: NumberRequestId,
    kind: NumberKindWord,
    country: CountryCode,
    two_way: bool,
    note: String,
    state: RequestStateWord,
    number: Option<OwnNumberText>,
    answer: Option<String>,
    created_at: Time,
}

/// A number is given, or not.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NumberAnswer {
    number: Option<NumberId>,
    #[schemars(length(max = NOTE_MAX))]
    answer: Option<String>,
}
