//! What is asked of figures.

use schemars::JsonSchema;

use super::campaigns::Form;
use super::schema;
use crate::domain::CampaignId;
use crate::history::{Dimension, MarginBy};
use crate::replies::ReplyBy;

/// Which figures, and how they are put together.
#[derive(JsonSchema)]
pub(in crate::api) struct StatisticsQuestion {
    /// Messages from then on: when they were taken, or ended if they never were. 30 days before `until`, if it is not said.
    since: Option<Moment>,
    /// Messages before then; now, if it is not said.
    until: Option<Moment>,
    by: Option<By>,
    /// By whose clocks days begin; the tenant's, if it is not said.
    time_zone: Option<String>,
    /// Of that campaign only.
    campaign: Option<CampaignId>,
    /// `json`, if neither this nor `Accept` says anything else.
    format: Option<Form>,
}

/// Which replies are counted, and how they are put together.
#[derive(JsonSchema)]
pub(in crate::api) struct ReplyStatisticsQuestion {
    /// Replies from then on; 30 days before `until`, if it is not said.
    since: Option<Moment>,
    /// Replies before then; now, if it is not said.
    until: Option<Moment>,
    by: Option<ReplyDimensions>,
    /// By whose clocks days begin; the tenant's, if it is not said.
    time_zone: Option<String>,
    /// To that campaign only.
    campaign: Option<CampaignId>,
    /// `json`, if neither this nor `Accept` says anything else.
    format: Option<Form>,
}

/// Which campaigns are shown side by side.
#[derive(JsonSchema)]
pub(in crate::api) struct Comparison {
    /// 2 to 10 campaigns with commas between them.
    #[schemars(regex(pattern = "^cmp_[0-9a-hjkmnp-tv-z]{13}(,cmp_[0-9a-hjkmnp-tv-z]{13}){1,9}$"))]
    ids: String,
    /// `json`, if neither this nor `Accept` says anything else.
    format: Option<Form>,
}

/// By whose clocks months begin, and in what form they are shown.
#[derive(JsonSchema)]
pub(in crate::api) struct StatementQuestion {
    /// By whose clocks months begin; the tenant's, if it is not said.
    time_zone: Option<String>,
    /// `json`, if neither this nor `Accept` says anything else.
    format: Option<Form>,
}

/// Which month of a reseller, and how it is put together.
#[derive(JsonSchema)]
pub(in crate::api) struct MarginAsked {
    /// This month, if it is not said.
    month: Option<Month>,
    by: Option<MarginDimensions>,
    /// By whose clocks the month and its days begin; `Europe/Paris`, if it is not said.
    time_zone: Option<String>,
    /// `json`, if neither this nor `Accept` says anything else.
    format: Option<Form>,
}

schema! {
    /// One of what messages have in common, or two.
    MarginDimensions, named: false, {
        let words = MarginBy::CODES.join("|");
        schemars::json_schema!({
            "type": "string",
            "description": "What they are put together by: one of these or two with a comma between them; nothing: all in one.",
            "pattern": format!("^({words})(,({words}))?$"),
            "examples": ["tenant", "smsc,prefix"],
        })
    }
}
schema! {
    /// One of what replies have in common, or two.
    ReplyDimensions, named: false, {
        let words = ReplyBy::CODES.join("|");
        schemars::json_schema!({
            "type": "string",
            "description": "What they are put together by: one of these or two with a comma between them; nothing: all in one.",
            "pattern": format!("^({words})(,({words}))?$"),
            "examples": ["number", "campaign,auto_reply"],
        })
    }
}
schema! {
    /// A month of a year.
    Month, named: false, schemars::json_schema!({ "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "examples": ["2026-10"] })
}
schema! {
    /// An instant, or a day by the clocks of the zone that is asked for.
    Moment, named: false, schemars::json_schema!({
        "description": "A time with its offset, or a day: its beginning, by the clocks of `time_zone`.",
        "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "string", "format": "date" }],
    })
}
schema! {
    /// One dimension or two.
    By, named: false, {
        let words = Dimension::OF_TENANT.join("|");
        schemars::json_schema!({
            "type": "string",
            "description": "What they are put together by: one of these or two with a comma between them; nothing: all in one.",
            "pattern": format!("^({words})(,({words}))?$"),
            "examples": ["day", "category,smsc"],
        })
    }
}
