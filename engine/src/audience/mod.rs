//! Who a campaign is for: bodies and lists → rows → recipients, in bounded memory.

mod body;
mod bounded;
mod checks;
mod draft;
mod guard;
mod ingest;
mod kinds;
mod lengths;
mod list;
mod number;
mod reading;
mod row;
mod taker;
mod tlvs;
mod variants;
#[cfg(test)]
mod tests;

pub(crate) use body::read_campaign;
pub(crate) use checks::{NAME_MAX, check_campaign_name, check_service_type, instant_ahead, parse_rate};
pub(crate) use draft::{Again, CampaignDraft, ReadFault, Rules};
pub(crate) use ingest::{Counts, Ingest, REJECTED_MAX, RecipientSink, Rejected, faults_of};
pub(crate) use kinds::{ENCODINGS, GivenTemplate, check_category, check_purpose_of};
pub(crate) use number::{Known, NUMBER_OCTETS_MAX, NumberFault, existing, look_up, normalise};
pub(crate) use reading::{AUDIENCE_FIELDS, BODY_FIELDS, DAYS_AHEAD_MAX, SCHEDULE_S, VALIDITY_S, is_optional};
pub(crate) use row::{
    COLUMN_NAME_MAX, COLUMNS_MAX, Fit, Place, Row, RowSink, SinkFull, VALUE_MAX, ValueBuffer, Values,
};
pub(crate) use tlvs::read_tlvs;
pub(crate) use variants::{VARIANTS_MAX, Variant};
