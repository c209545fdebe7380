//! Offers: what few may have, offered to many.

use schemars::JsonSchema;
use strum::VariantArray;

use super::campaigns::Exclude;
use super::replies::{OwnNumberText, SaidStateWord};
use super::{Filter, InboundId, Nullable, Phone, PurposeWord, Time};
use crate::domain::{ContactId, ConversationId, EventId, ListId, MessageId, OfferId, SegmentId, Terms};
use crate::people::TEXT_MAX;
use crate::replies::{
    ACCEPT_MAX, KEYWORD_MAX, OFFERED_MAX, OfferAnswer, OfferState, PLACES, WAVE_MINUTES, WAVE_PEOPLE,
};

super::schema! {
    OfferStateWord, named: false, schemars::json_schema!({
        "type": "string",
        "description": "`taken`: all places are; `ended`: its time is over; `canceled`: it was taken back.",
        "enum": OfferState::VARIANTS.iter().map(|state| state.into_str()).collect::<Vec<_>>(),
    })
}
super::schema! {
    OfferAnswerWord, named: false, schemars::json_schema!({
        "type": "string",
        "description": "`won`: yes, and there was a place; `late`: yes, and there was none any more; `declined`: no.",
        "enum": OfferAnswer::VARIANTS.iter().map(|answer| answer.into_str()).collect::<Vec<_>>(),
    })
}

/// Something that few may have.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewOffer {
    #[schemars(length(min = 1, max = TEXT_MAX))]
    name: String,
    audience: OfferAudience,
    /// From which number of the tenant's: people answer there.
    number: OwnNumberText,
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: String,
    /// Not given: `transactional`. `marketing`: as all advertising, only in its hours and to those who want it.
    purpose: Option<PurposeWord>,
    /// 1, if it is not said.
    #[schemars(range(min = PLACES.0, max = PLACES.1))]
    places: Option<u32>,
    /// By which people say yes, beside OUI, 1, OK, "je prends" and all that means the same.
    #[schemars(length(min = 1, max = ACCEPT_MAX), inner(length(min = 1, max = KEYWORD_MAX)))]
    accept: Option<Vec<String>>,
    /// What is answered to those who have a place.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    won: Option<String>,
    /// What is answered to those who come after.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    late: Option<String>,
    /// What those are told who have not answered when the last place is gone; not given: nothing.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    others: Option<Nullable<String>>,
    /// At most 30 days ahead; a day from now, if it is not said.
    ends_at: Option<Time>,
    wave: Option<Nullable<OfferWave>>,
}

/// To whom: these contacts, in this order, then those whom the rest means. Each number is asked once.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
struct OfferAudience {
    #[schemars(length(min = 1, max = OFFERED_MAX))]
    contacts: Option<Vec<ContactId>>,
    filter: Option<Filter>,
    #[schemars(length(max = 50))]
    lists: Option<Vec<ListId>>,
    #[schemars(length(max = 50))]
    segments: Option<Vec<SegmentId>>,
    exclude: Option<Exclude>,
    /// Whether contacts whose number is known to be unreachable are asked as well.
    unreachable: Option<bool>,
}

/// The first are asked at once, the next after some minutes, until all places are taken.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct OfferWave {
    #[schemars(range(min = WAVE_PEOPLE.0, max = WAVE_PEOPLE.1))]
    people: u32,
    #[schemars(range(min = WAVE_MINUTES.0, max = WAVE_MINUTES.1))]
    minutes: u32,
}

/// An offer.
#[derive(JsonSchema)]
pub(in crate::api) struct Offer {
    id: OfferId,
    name: String,
    number: OwnNumberText,
    text: String,
    purpose: PurposeWord,
    accept: Vec<String>,
    won: String,
    late: String,
    others: Option<String>,
    places: u32,
    taken: u32,
    state: OfferStateWord,
    ends_at: Time,
    created_at: Time,
    over_at: Option<Time>,
    /// How many are asked in the end.
    people: u64,
    /// The event whose time became free, and is offered.
    event: Option<EventId>,
}

/// Somebody to whom something was offered.
#[derive(JsonSchema)]
pub(in crate::api) struct OfferedPerson {
    offer: OfferId,
    to: Phone,
    contact: Option<ContactId>,
    /// Where they are asked; `null`: it was forgotten.
    conversation: Option<ConversationId>,
    /// Of the message that asks them.
    state: Option<SaidStateWord>,
    due_at: Option<Time>,
    message: Option<MessageId>,
    reason: Option<String>,
    answer: Option<OfferAnswerWord>,
    /// How sure it is that this is what they mean, in percent.
    confidence: Option<u8>,
    answered_at: Option<Time>,
    inbound: Option<InboundId>,
    /// By which reference of the waiting list they are asked.
    waiting: Option<String>,
}
