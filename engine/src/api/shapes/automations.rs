//! Campaigns that are made again and again.

use schemars::JsonSchema;

use super::Time;
use crate::automation::{AUTOMATION_NAME_MAX, EASTER_DAYS, LeapDay, MONTHS_MAX, Plan, RunState};
use crate::domain::{AutomationId, CampaignId};

super::schema! {
    Kind, named: false, schemars::json_schema!({ "type": "string", "enum": Plan::KINDS })
}

super::schema! {
    LeapDayWord, named: false, schemars::json_schema!({
        "type": "string", "description": "When they have their birthday who were born on a 29 February, in other years: 28 February, or 1 March.",
        "enum": LeapDay::CODES,
    })
}

super::schema! {
    RunWord, named: false, schemars::json_schema!({ "type": "string", "enum": RunState::CODES })
}

super::schema! {
    Day, named: false, schemars::json_schema!({ "type": "string", "format": "date" })
}

super::schema! {
    TimeOfDay, named: false, schemars::json_schema!({ "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$" })
}

super::schema! {
    /// A campaign as it is ordered.
    OrderOf, named: false, schemars::json_schema!({
        "type": "object", "description": "As a campaign is ordered, without its name. Birthdays and visits go with `filter` and `exclude` alone.",
    })
}

/// A campaign that is to be made again and again.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewAutomation {
    #[schemars(length(min = 1, max = AUTOMATION_NAME_MAX))]
    name: String,
    /// `recurrence`: by `rrule` or `easter`; `birthday`: each day, for those whose birthday it is; `since`: each day, for those whose last
    /// visit is `months` ago: once a visit.
    kind: Kind,
    /// FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, with INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY, BYDAY.
    rrule: Option<String>,
    /// Days from Easter Sunday.
    #[schemars(range(min = EASTER_DAYS.0, max = EASTER_DAYS.1))]
    easter: Option<i8>,
    /// Not given: `before`.
    leap_day: Option<LeapDayWord>,
    #[schemars(range(min = 1, max = MONTHS_MAX))]
    months: Option<u8>,
    /// The first day on which one may be made; not given: today.
    starts: Option<Day>,
    /// When they are launched; advertising waits for its hours.
    time: TimeOfDay,
    /// By whose clocks; not given: that of the tenant.
    time_zone: Option<String>,
    campaign: OrderOf,
}

/// An automation in a list.
#[derive(JsonSchema)]
pub(in crate::api) struct AutomationSummary {
    id: AutomationId,
    name: String,
    kind: Kind,
    rrule: Option<String>,
    easter: Option<i8>,
    leap_day: Option<LeapDayWord>,
    months: Option<u8>,
    starts: Day,
    time: TimeOfDay,
    time_zone: String,
    paused: bool,
    /// `null`: no more come.
    next_at: Option<Time>,
    created_at: Time,
}

/// An automation.
#[derive(JsonSchema)]
pub(in crate::api) struct Automation {
    #[schemars(flatten)]
    summary: AutomationSummary,
    campaign: OrderOf,
    /// The next ten.
    next: Vec<Coming>,
    /// The last twenty, the latest first.
    runs: Vec<Run>,
}

/// A day to come.
#[derive(JsonSchema)]
#[schemars(rename = "Occurrence")]
struct Coming {
    day: Day,
    at: Time,
    /// When its campaign begins to go: then, or when the first of its recipients may be written to, by where they were when the automation
    /// was made. `null`: not known.
    opens_at: Option<Time>,
}

/// What became of a day.
#[derive(JsonSchema)]
#[schemars(rename = "AutomationRun")]
struct Run {
    day: Day,
    at: Time,
    /// `begun`, `launched`: under way; `sent`: its campaign goes; `blocked`: that waits for credits; `refused`: see `reason`; `nobody`: it meant
    /// nobody; `skipped`: the campaign of the day before still waited for its hours; `missed`: no engine ran within a day of it; `gone`: its campaign was canceled, or lost.
    state: RunWord,
    reason: Option<String>,
    campaign: Option<CampaignId>,
}
