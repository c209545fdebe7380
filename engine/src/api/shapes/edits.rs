//! Drafts that are edited.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::campaigns::{Exclude, FieldLength, GivenRate, GivenVariant};
use super::{CategoryWord, EncodingWord, Filter, GivenTlv, Nullable, PurposeWord, SenderText, ServiceType, Time};
use crate::audience::{COLUMNS_MAX, NAME_MAX, SCHEDULE_S, VALIDITY_S, VARIANTS_MAX};
use crate::compose::TARGET_MAX;
use crate::domain::{CodePoolId, ListId, SegmentId, TemplateId, Terms};

/// What a draft says from now on; what is not given stays, `null` takes it away.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct CampaignEdit {
    #[schemars(length(min = 1, max = NAME_MAX))]
    name: Option<String>,
    /// As when the campaign is made. The clause that stands behind it comes again if it is left out.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: Option<String>,
    sender: Option<SenderText>,
    /// Not of recipients that were given with the campaign.
    purpose: Option<PurposeWord>,
    category: Option<Nullable<CategoryWord>>,
    /// A template that says what `text` would, as it is now; `null`: the text stays, and is of none.
    template: Option<Nullable<TemplateId>>,
    code_pool: Option<Nullable<CodePoolId>>,
    /// `null`: no text has `[lien]`, and `link_expires_at` goes as well.
    link: Option<Nullable<GivenLink>>,
    /// `null`: 90 days from the launch on.
    link_expires_at: Option<Nullable<Time>>,
    /// `null`: as the tenant's texts are.
    encoding: Option<Nullable<EncodingWord>>,
    /// `null`: its messages are worth sending for ever.
    validity: Option<Nullable<GivenValidity>>,
    expires_at: Option<Nullable<Time>>,
    rate: Option<Nullable<GivenRate>>,
    late_joiners_until: Option<Nullable<Time>>,
    service_type: Option<Nullable<ServiceType>>,
    schedule_delivery: Option<Nullable<GivenDelay>>,
    tlvs: Option<Nullable<Vec<GivenTlv>>>,
    /// All of them. `null`: everybody gets the campaign's own text.
    #[schemars(extend("maxItems" = VARIANTS_MAX))]
    variants: Option<Nullable<Vec<GivenVariant>>>,
    /// All of them; not given, those of fields that no text names any more go. Not of recipients that were given with the campaign.
    #[schemars(extend("maxProperties" = COLUMNS_MAX + 1))]
    field_lengths: Option<Nullable<BTreeMap<String, FieldLength>>>,
    audience: Option<AudienceEdit>,
}

super::schema! {
    GivenLink, named: false, schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": TARGET_MAX })
}

super::schema! {
    GivenValidity, named: false, schemars::json_schema!({ "type": "integer", "minimum": VALIDITY_S.0, "maximum": VALIDITY_S.1 })
}

super::schema! {
    GivenDelay, named: false, schemars::json_schema!({ "type": "integer", "minimum": SCHEDULE_S.0, "maximum": SCHEDULE_S.1 })
}

/// Which contacts are meant from now on: each part that is given stands for the one that there is, `null` takes it away. Not of recipients
/// that were given with the campaign.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AudienceEdit {
    /// In place of all that were pasted beside the contacts.
    numbers: Option<Nullable<String>>,
    filter: Option<Nullable<Filter>>,
    #[schemars(extend("maxItems" = 50))]
    lists: Option<Nullable<Vec<ListId>>>,
    #[schemars(extend("maxItems" = 50))]
    segments: Option<Nullable<Vec<SegmentId>>>,
    /// All of it.
    exclude: Option<Nullable<Exclude>>,
    unreachable: Option<Nullable<bool>>,
}
