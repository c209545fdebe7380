//! Events in the diaries of practices, and plans of reminders.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::offers::OfferWave;
use super::replies::OwnNumberText;
use super::{GivenPhone, Nullable, OutcomeWord, Paging, Phone, SenderText, Time};
use crate::agenda::{
    EVENT_MINUTES, EVENTS_MAX, EventState, FreedBy, NOTICE, OFFSETS_MAX, ReminderState, SLOT_NOTICE, Trigger,
};
use crate::audience::NUMBER_OCTETS_MAX;
use crate::compose::TARGET_MAX;
use crate::domain::{ContactId, EventId, MessageId, OfferId, ReminderPlanId, Terms};
use crate::people::{ATTRIBUTE_NAME_MAX, EACH_MAX, TEXT_MAX, VALUE_MAX};
use crate::replies::{SUITS_MAX, WAITING_GIVEN_MAX};

super::schema! {
    EventStateWord, named: true, schemars::json_schema!({
        "type": "string", "description": "Where an event is in its life.", "enum": EventState::CODES,
    })
}
super::schema! {
    ReminderStateWord, named: false, schemars::json_schema!({ "type": "string", "enum": ReminderState::CODES })
}
super::schema! {
    TriggerWord, named: true, schemars::json_schema!({
        "type": "string",
        "description": "On what people are told: `date`: at times from the start of an event; the others: that it was booked, moved or \
                        cancelled, that nobody came, that it took place.",
        "enum": Trigger::CODES,
    })
}
super::schema! {
    OffsetText, named: false, schemars::json_schema!({
        "type": "string",
        "description": "`-7d`, `-24h`, `-90m`, `+2h`: days keep the hour over a change of the clocks, hours and minutes their length; `0`: at once.",
        "pattern": "^([+-][0-9]{1,7}[wdhm]|0)$",
    })
}
super::schema! {
    HourText, named: false, schemars::json_schema!({ "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$" })
}
super::schema! {
    NumberText, named: false, schemars::json_schema!({
        "type": "string", "minLength": 1, "maxLength": NUMBER_OCTETS_MAX, "examples": ["+33612345678"],
    })
}
super::schema! {
    AttributeOf, named: false, schemars::json_schema!({ "oneOf": [
        { "type": "string", "maxLength": VALUE_MAX },
        { "type": ["number", "boolean", "null"] },
    ] })
}

/// Events that are put in place of what is known of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct GivenEvents {
    #[schemars(length(min = 1, max = EVENTS_MAX))]
    events: Vec<GivenEvent>,
}

/// What is given of an event; the rest stays as it is known. A new one needs one of `patient`, `contact`, `number`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct GivenEvent {
    /// What the practice's software calls it.
    #[schemars(length(min = 1, max = TEXT_MAX))]
    reference: String,
    /// The `reference` of the contact whom it is for.
    #[schemars(length(min = 1, max = TEXT_MAX))]
    patient: Option<String>,
    contact: Option<ContactId>,
    /// Of whom it is for, where no contact is known.
    number: Option<GivenPhone>,
    /// As the practice calls it; plans may be for some kinds.
    #[schemars(length(max = TEXT_MAX))]
    kind: Option<String>,
    /// Not given: `booked`, for one that is new.
    state: Option<EventStateWord>,
    /// With its offset, or by the clocks of `time_zone`; not given: it has no date, as of results.
    starts_at: Option<String>,
    /// Not given: that of the tenant.
    time_zone: Option<String>,
    /// FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, with INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY, BYDAY: it begins again on each of these days, at the
    /// same time, until it ends; `null`: it is once.
    repeat: Option<Nullable<String>>,
    #[schemars(length(max = TEXT_MAX))]
    practice: Option<String>,
    #[schemars(length(max = TEXT_MAX))]
    practitioner: Option<String>,
    #[schemars(length(max = VALUE_MAX))]
    place: Option<String>,
    #[schemars(length(max = TEXT_MAX))]
    floor: Option<String>,
    #[schemars(range(min = EVENT_MINUTES.0, max = EVENT_MINUTES.1))]
    minutes: Option<u16>,
    /// A page with TLS to which `[lien]` in its texts leads, in place of their plan's; `null` or empty: it has none.
    link: Option<Nullable<String>>,
    /// Those that are empty, or `null`, are forgotten.
    #[schemars(extend("maxProperties" = EACH_MAX, "propertyNames" = serde_json::json!({ "maxLength": ATTRIBUTE_NAME_MAX })))]
    attributes: Option<BTreeMap<String, AttributeOf>>,
}

/// What became of each, in their order.
#[derive(JsonSchema)]
pub(in crate::api) struct UpsertedEvents {
    data: Vec<BecameEvent>,
}

#[derive(JsonSchema)]
struct BecameEvent {
    id: EventId,
    outcome: OutcomeWord,
}

/// Which events, and which page of them.
#[derive(JsonSchema)]
pub(in crate::api) struct EventsWanted {
    #[schemars(flatten)]
    paging: Paging,
    /// The one that the practice's software calls so.
    #[schemars(length(max = TEXT_MAX))]
    reference: Option<String>,
    /// Those for that contact.
    contact: Option<ContactId>,
    /// Those of that kind, as it was given.
    #[schemars(length(max = TEXT_MAX))]
    kind: Option<String>,
    /// Those in that state.
    state: Option<EventStateWord>,
    /// Those that begin at that instant or later.
    since: Option<Time>,
    /// Those that begin before that instant.
    until: Option<Time>,
}

/// An event in a list.
#[derive(JsonSchema)]
pub(in crate::api) struct EventSummary {
    id: EventId,
    reference: String,
    contact: Option<ContactId>,
    number: Option<Phone>,
    kind: String,
    state: EventStateWord,
    /// Of one that recurs, the next.
    starts_at: Option<Time>,
    time_zone: String,
    repeat: Option<String>,
    practice: String,
    practitioner: String,
    place: String,
    floor: String,
    minutes: Option<u16>,
    link: Option<String>,
    attributes: BTreeMap<String, String>,
    created_at: Time,
    updated_at: Time,
}

/// An event.
#[derive(JsonSchema)]
pub(in crate::api) struct Event {
    #[schemars(flatten)]
    summary: EventSummary,
    reminders: Vec<Reminder>,
    /// What was answered about it as it begins now; `null`: nothing that was sure.
    answer: Option<EventAnswer>,
    /// Its time that became free when it was cancelled or moved; `null`: it did not, or is not offered.
    slot: Option<Slot>,
}

/// What becomes of a time that became free.
#[derive(JsonSchema)]
#[schemars(rename = "FreedSlot")]
struct Slot {
    state: SlotStateWord,
    offer: Option<OfferId>,
    /// How many are asked in the end.
    people: u64,
    freed_at: Time,
    /// The time itself.
    starts_at: Time,
}

super::schema! {
    SlotStateWord, named: false, schemars::json_schema!({
        "type": "string",
        "description": "`free`: it is offered in a moment; `open`, `taken`, `ended`: as its offer is; `withdrawn`: it was taken back, or somebody was booked there; \
                        `nobody`: nobody who waits could be asked; `too_late`: it began too soon; `no_number`: `slot_settings` names a number that is not the tenant's any more.",
        "enum": crate::replies::FreedSlot::CODES,
    })
}
super::schema! {
    FreedByWord, named: false, schemars::json_schema!({ "type": "string", "enum": FreedBy::CODES })
}

/// How a time that became free is offered. What is not given stays.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct SlotSettingChanges {
    /// It needs a `number`.
    enabled: Option<bool>,
    /// Of events of these kinds, whatever their case and accents; `null`: of all.
    #[schemars(length(min = 1, max = EACH_MAX))]
    kinds: Option<Nullable<Vec<KindName>>>,
    /// Of events that patients cancel, by what they answer to a reminder; of those that the practice does, over the API.
    #[schemars(length(min = 1, max = FreedBy::CODES.len()))]
    by: Option<Vec<FreedByWord>>,
    /// From which number of the tenant's: people answer there.
    number: Option<OwnNumberText>,
    /// Nobody is asked, and nobody gets it, later than so many minutes before the start.
    #[schemars(range(min = SLOT_NOTICE.0, max = SLOT_NOTICE.1))]
    notice: Option<u32>,
    /// `null`: all are asked at once.
    wave: Option<Nullable<OfferWave>>,
    /// As those of reminders, but for what is of a contact: all get the same.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: Option<String>,
    /// What is answered to who has it.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    won: Option<String>,
    /// What is answered to those who come after.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    late: Option<String>,
    /// What those are told who have not answered when somebody has it; `null`: nothing.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    others: Option<Nullable<String>>,
}

/// How a time that became free is offered.
#[derive(JsonSchema)]
pub(in crate::api) struct SlotSettings {
    enabled: bool,
    /// None: of all.
    kinds: Vec<String>,
    by: Vec<FreedByWord>,
    number: Option<OwnNumberText>,
    notice: u32,
    wave: Option<OfferWave>,
    text: String,
    won: String,
    late: String,
    others: Option<String>,
}

/// People who wait for a time that becomes free, in place of what is known of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct GivenWaitingPeople {
    #[schemars(length(min = 1, max = WAITING_GIVEN_MAX))]
    people: Vec<GivenWaitingPerson>,
}

/// Somebody who waits: one of `patient`, `contact`, `number`. Of what is not given, every time suits.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct GivenWaitingPerson {
    /// What the practice's software calls it.
    #[schemars(length(min = 1, max = TEXT_MAX))]
    reference: String,
    /// The `reference` of a contact.
    #[schemars(length(min = 1, max = TEXT_MAX))]
    patient: Option<String>,
    contact: Option<ContactId>,
    number: Option<GivenPhone>,
    /// Events of these kinds, whatever their case and accents, as the next two.
    #[schemars(length(min = 1, max = SUITS_MAX))]
    kinds: Option<Nullable<Vec<KindName>>>,
    #[schemars(length(min = 1, max = SUITS_MAX))]
    practitioners: Option<Nullable<Vec<KindName>>>,
    #[schemars(length(min = 1, max = SUITS_MAX))]
    places: Option<Nullable<Vec<PlaceName>>>,
    /// Times that begin then or later: with its offset, or by the clocks of `time_zone`.
    from: Option<String>,
    /// Times that begin before.
    until: Option<String>,
    /// Not given: that of the tenant.
    time_zone: Option<String>,
    /// When and how they have asked for it, in the practice's words.
    #[schemars(length(min = 1, max = TEXT_MAX))]
    consent: String,
    /// At most 400 days ahead; not given: as it is known, or in 90 days.
    expires_at: Option<Time>,
}

/// What became of each, in their order.
#[derive(JsonSchema)]
pub(in crate::api) struct WaitingPeopleTaken {
    data: Vec<WaitingPersonTaken>,
}

#[derive(JsonSchema)]
struct WaitingPersonTaken {
    reference: String,
    outcome: OutcomeWord,
}

/// Somebody who waits.
#[derive(JsonSchema)]
pub(in crate::api) struct WaitingPerson {
    reference: String,
    contact: Option<ContactId>,
    number: Option<Phone>,
    kinds: Vec<String>,
    practitioners: Vec<String>,
    places: Vec<String>,
    from: Option<Time>,
    until: Option<Time>,
    consent: String,
    expires_at: Time,
    created_at: Time,
}

/// Who waits no more.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NoLongerWaiting {
    #[schemars(length(min = 1, max = WAITING_GIVEN_MAX))]
    references: Vec<KindName>,
}

/// How many were on the list.
#[derive(JsonSchema)]
pub(in crate::api) struct TakenOff {
    removed: u64,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct PlaceName(#[schemars(length(min = 1, max = VALUE_MAX))] String);

/// What somebody has answered.
#[derive(JsonSchema)]
struct EventAnswer {
    answer: AnswerWord,
    at: Time,
}

super::schema! {
    AnswerWord, named: false, schemars::json_schema!({ "type": "string", "enum": crate::agenda::EventAnswer::CODES })
}

/// When somebody is told of an event, and what became of that.
#[derive(JsonSchema)]
#[schemars(rename = "Reminder")]
struct Reminder {
    plan: ReminderPlanId,
    /// Which of the plan's offsets; `moved`: it tells of another date those who were told of one before.
    step: String,
    /// The start of the event that it is for.
    #[schemars(rename = "for")]
    of: Time,
    due_at: Time,
    state: ReminderStateWord,
    /// Why it is not sent, or not yet: `overtaken` (a later one was due as well), `too_late`, `plan_paused`, `reminders_off`, `no_number`, `asked_before`, `has_agreed`,
    /// `not_mobile`, `insufficient_credit`, `in_doubt` (nobody can tell), `event_changed`, `plan_gone`, and the codes of refusals.
    reason: Option<String>,
    message: Option<MessageId>,
    sent_at: Option<Time>,
}

/// Which number is asked about.
#[derive(JsonSchema)]
pub(in crate::api) struct QuestionsWanted {
    /// As people write it, or E.164.
    number: NumberText,
}

/// An event that a number was told of, and may answer about.
#[derive(JsonSchema)]
pub(in crate::api) struct OpenQuestion {
    event: EventId,
    reference: String,
    contact: Option<ContactId>,
    plan: ReminderPlanId,
    message: MessageId,
    /// Under which it went.
    sender: String,
    asked_at: Time,
    /// The start of the event.
    open_until: Time,
}

/// Whether somebody wants reminders.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct RemindersWanted {
    wanted: bool,
}

/// Whether somebody gets reminders.
#[derive(JsonSchema)]
pub(in crate::api) struct Reminders {
    contact: ContactId,
    wanted: bool,
    off_since: Option<Time>,
}

/// What people are to be told, and when.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewReminderPlan {
    #[schemars(length(min = 1, max = TEXT_MAX))]
    name: String,
    /// Not given: `date`.
    on: Option<TriggerWord>,
    /// By `date` they have to be given; otherwise none is before, and not given means at once.
    #[schemars(length(min = 1, max = OFFSETS_MAX))]
    offsets: Option<Vec<OffsetText>>,
    /// For events of these kinds, whatever their case and accents; not given: of all.
    #[schemars(length(min = 1, max = EACH_MAX))]
    kinds: Option<Vec<KindName>>,
    /// For events with these attributes.
    #[schemars(extend("maxProperties" = EACH_MAX, "propertyNames" = serde_json::json!({ "maxLength": ATTRIBUTE_NAME_MAX })))]
    attributes: Option<BTreeMap<String, AttributeOf>>,
    #[schemars(length(min = 1))]
    text: String,
    /// For several events of one number on one day; not given: `text`, in which a field says what it is of each ("09:00, 14:00").
    #[schemars(length(min = 1))]
    merged_text: Option<String>,
    /// A page with TLS to which `[lien]` or `{{link}}` in these leads, where the event has none of its own: a short link of each message's own, of the
    /// tenant's `short_domain`, for 90 days.
    #[schemars(length(min = 1, max = TARGET_MAX))]
    link: Option<String>,
    sender: SenderText,
    /// What is due before that hour goes at it, unless that were behind the start.
    not_before: Option<HourText>,
    /// What is due from that hour on goes the next day.
    not_after: Option<HourText>,
    /// Minutes before a start within which nobody is told of it late; not given: 60.
    #[schemars(range(min = NOTICE.0, max = NOTICE.1))]
    notice: Option<u16>,
    /// `on` `done` alone: it asks for the consent to advertising. It needs none, goes to each contact and number once for ever, to nobody who has
    /// agreed, and in all else as advertising: by its hours, with its clause, and not to who has opted out.
    asks_consent: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
struct KindName(#[schemars(length(min = 1, max = TEXT_MAX))] String);

/// What is to change of a plan.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct ReminderPlanChanges {
    #[schemars(length(min = 1, max = TEXT_MAX))]
    name: Option<String>,
    #[schemars(length(min = 1))]
    text: Option<String>,
    /// `null`: `text` for several as well.
    merged_text: Option<Nullable<String>>,
    /// `null`: links lead where events say.
    link: Option<Nullable<String>>,
    sender: Option<SenderText>,
    /// Minutes before a start within which nobody is told of it late.
    #[schemars(range(min = NOTICE.0, max = NOTICE.1))]
    notice: Option<u16>,
}

/// What people are told, and when.
#[derive(JsonSchema)]
pub(in crate::api) struct ReminderPlan {
    id: ReminderPlanId,
    name: String,
    on: TriggerWord,
    offsets: Vec<OffsetText>,
    kinds: Vec<String>,
    attributes: BTreeMap<String, String>,
    text: String,
    merged_text: Option<String>,
    link: Option<String>,
    sender: String,
    /// The text asks for an answer that nobody can give: the sender is a name, or one of our numbers that carries no replies.
    no_reply_sender: bool,
    not_before: Option<HourText>,
    not_after: Option<HourText>,
    notice: u16,
    asks_consent: bool,
    paused: bool,
    created_at: Time,
}
