//! The words of the business, and what may become of a message. Pure: no I/O, no clock, no `async`.

mod ids;
mod country;
mod reach;
mod time;
mod day;
mod status;
mod message;
mod ending;
mod gives_back;
mod handset;
mod cleanse;
mod prefix_prices;
mod territory;
mod terms;
mod lengths;
mod bounds;
mod tempo;
mod tries;
mod parameters;
mod stored;
mod draft;
mod transition;
mod journal;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use smpp::text::EncodingPolicy;

pub(crate) use bounds::{KeyBounds, KeyKind, Network, Role};
pub(crate) use cleanse::Cleanse;
pub(crate) use country::{Countries, Country, shown_address};
pub(crate) use day::Day;
pub(crate) use draft::{Draft, Due, Note};
pub(crate) use ending::{Ending, Reason, ResultSlot};
pub(crate) use gives_back::GivesBack;
pub(crate) use handset::ToHandset;
pub(crate) use ids::{
    AutoReplyId, AutomationId, CampaignId, CodePoolId, ConsentId, ContactId, ConversationId, DeliveryId, EndpointId,
    EventId, FlaggedId, FormId, GateId, ImportId, ListId, MessageId, NumberId, NumberRequestId, OfferId, OwnLinkId,
    PARTITIONS_MAX, Partition, PartitionSet, Recipient, ReminderPlanId, ResellerId, RouteId, SegmentId,
    SenderRequestId, SmscId, SurveyId, SurveyRunId, TemplateId, TenantId, UnknownId,
};
pub(crate) use journal::{ENDED, JournalEvent, Under, events, named_events};
pub(crate) use lengths::{Fitted, Length, Lengths, Longer};
pub(crate) use message::{IllegalMove, State, Step};
pub(crate) use parameters::{
    Parameters, SCHEDULE_MAX, SERVICE_TYPE_MAX, TLV_OCTETS_MAX, TLVS_MAX, TlvList, hexadecimal, to_hexadecimal,
};
pub(crate) use prefix_prices::PrefixPrices;
pub(crate) use reach::{BLOCK_MIN, Block, Reach, ReachCounter, is_unusual};
pub(crate) use status::{Language, Purpose, Status, french_of, french_status};
pub(crate) use stored::{
    BadForm, ENCRYPTED, Line, Mark, Message, Record, Row, Trace, Traces, Trail, Way, digest, push_variable, variables,
};
pub(crate) use tempo::{RATE_MAX, Tempo, per_time};
pub(crate) use terms::{FrequencyCap, NUMBER_MARK, StopClause, Tariff, TermChanges, Terms};
pub(crate) use territory::Territory;
pub(crate) use time::{LocalMoment, UnixMicros, instant, moment_in_words};
pub(crate) use transition::{Back, Event, Transition};
pub(crate) use tries::{REFUSED_MAX, Tries};
