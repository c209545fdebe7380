//! What a campaign came to, for its clinic: the seven statuses in words, with counts and shares. Pure.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::view::time;
use crate::domain::{Language, ResultSlot, Status, ToHandset};
use crate::history::Taken;
use crate::store::{Campaign, Counters};

/// The report of a campaign. No read rate is in it: nothing in SMS says what was read.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Figures {
    id: String,
    name: String,
    state: &'static str,
    purpose: &'static str,
    launched_at: Option<String>,
    expires_at: Option<String>,
    /// Messages that have one of the seven statuses.
    messages: u64,
    /// All seven, each message in one.
    pub(crate) statuses: Vec<OfStatus>,
    /// By what they got: the campaign's own text, then each variant. Empty for a campaign without variants.
    pub(super) variants: Vec<OfVariant>,
    /// Those of `transmission_failed` that were not sent since their time was over: `expires_at`, or their validity.
    expired: u64,
    /// Messages that have none of them yet, or never will.
    others: Others,
    excluded: Excluded,
    estimate: Estimate,
    actual: Actual,
    time_to_handset: TimeToHandset,
}

/// How long messages took that were delivered: from the answer of the SMSC that took them to the receipt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct TimeToHandset {
    /// Within three minutes, 180 s included.
    within_3_minutes: u64,
    /// Of those that were delivered, to one digit; a half is rounded up.
    within_3_minutes_percent: f64,
    histogram: Vec<Within>,
}

/// Messages that took longer than the bound before this.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
struct Within {
    /// Up to so many seconds; `null`: however long.
    up_to: Option<u64>,
    messages: u64,
}

/// How many messages took how long.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Times {
    within_3_minutes: u64,
    places: [u64; ToHandset::COUNT],
}

impl Times {
    pub(super) fn add(&mut self, result: &ResultSlot) {
        let place = result.to_handset.place();
        if let Some(count) = place.and_then(|place| self.places.get_mut(place)) {
            *count += 1;
        }
        self.within_3_minutes += u64::from(result.to_handset.is_within_3_minutes());
    }
}

impl TimeToHandset {
    fn of(delivered: u64, times: &Times) -> Self {
        let within = |(place, messages): (usize, &u64)| Within {
            up_to: ToHandset::bound(place),
            messages: *messages,
        };
        Self {
            within_3_minutes: times.within_3_minutes,
            within_3_minutes_percent: percent(times.within_3_minutes, delivered),
            histogram: times.places.iter().enumerate().map(within).collect(),
        }
    }
}

/// What became of those who got one text.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct OfVariant {
    /// Whom it is for; `null`: whom no variant is for.
    filter: Option<serde_json::Map<String, serde_json::Value>>,
    text: String,
    recipients: u64,
    /// Messages by status, or by where those are that have none.
    pub(super) statuses: BTreeMap<&'static str, u64>,
}

impl OfVariant {
    /// Nobody yet, of the campaign's own text and of each variant.
    pub(super) fn all(campaign: &Campaign) -> Vec<Self> {
        let none = |filter: Option<&serde_json::Value>, text: &str| Self {
            filter: filter.and_then(|filter| filter.as_object().cloned()),
            text: text.to_owned(),
            recipients: 0,
            statuses: BTreeMap::new(),
        };
        let own = [none(None, &campaign.text)];
        let variants = campaign.variants.iter();
        let variants = variants.map(|variant| none(Some(&variant.filter), &variant.text));
        own.into_iter().chain(variants).collect()
    }

    pub(super) fn add(&mut self, status: &'static str) {
        self.recipients += 1;
        *self.statuses.entry(status).or_default() += 1;
    }
}

/// Messages in one status.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OfStatus {
    pub(crate) status: &'static str,
    /// In the reader's language.
    pub(crate) label: &'static str,
    pub(crate) count: u64,
    /// Of those that have a status, to one digit; a half is rounded up.
    pub(crate) percent: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
struct Others {
    /// Not sent yet.
    queued: u64,
    in_doubt: u64,
    canceled: u64,
    /// Left out when their turn came: they had opted out, or had enough.
    skipped: u64,
}

/// Recipients that were not taken, by reason.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Excluded {
    invalid: u64,
    not_mobile: u64,
    not_allowed: u64,
    /// They are no guests of the tenant's, and the campaign goes to these alone.
    not_guests: u64,
    duplicates: u64,
    no_consent: u64,
    /// Their numbers are known to be unreachable.
    unreachable: u64,
    /// They have had as much advertising as the tenant allows for a while. Who had it by their turn was skipped.
    frequency_cap: u64,
    /// The campaign's own `exclude` leaves them out.
    by_request: u64,
    /// They have a value that is longer than `field_lengths` of the campaign has it.
    value_too_long: u64,
    /// With their values the text is empty, too long, or leads where it may not.
    values_refused: u64,
}

/// What was held for at the launch, without those who joined later.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
struct Estimate {
    recipients: u64,
    segments: u64,
    credits: u64,
}

/// What it cost so far.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
struct Actual {
    /// Spent, what was given back included.
    credits: u64,
    recredited: u64,
    /// Of the messages that SMSCs took, as history has them: some seconds behind.
    segments: u64,
    /// How many of the credits are of messages whose segments are not in `segments` yet; 0: both are of the same messages.
    segments_behind: u64,
}

impl Figures {
    /// The same with the segments that it took, as far as history has them.
    pub(crate) fn with_segments(mut self, taken: Taken) -> Self {
        self.actual.segments = taken.segments;
        self.actual.segments_behind = self.actual.credits.saturating_sub(taken.credits);
        self
    }

    /// The credits that it took, without what was given back.
    pub(crate) fn spent(&self) -> u64 {
        self.actual.credits.saturating_sub(self.actual.recredited)
    }

    /// The figures of a campaign whose messages came to that.
    pub(super) fn of(campaign: &Campaign, (counters, times): (&Counters, &Times), language: Language) -> Self {
        let counts = counters.statuses();
        let messages = counts.iter().map(|(_, count)| count).sum();
        let (in_doubt, canceled, skipped) = (counters.in_doubt(), counters.canceled(), counters.skipped());
        let delivered = counts.iter().find(|(status, _)| *status == Status::Delivered);
        let delivered = delivered.map_or(0, |(_, count)| *count);
        let rest = campaign.total.saturating_sub(messages + in_doubt + canceled + skipped);
        let of_status = |(status, count): (Status, u64)| OfStatus {
            status: status.code(),
            label: status.label(language),
            count,
            percent: percent(count, messages),
        };
        Self {
            id: campaign.id.to_string(),
            name: campaign.name.clone(),
            state: campaign.state.code(),
            purpose: campaign.purpose.code(),
            launched_at: campaign.launched_at.and_then(time),
            expires_at: campaign.expires_at.and_then(time),
            messages,
            statuses: counts.into_iter().map(of_status).collect(),
            variants: Vec::new(),
            expired: counters.expired(),
            others: Others {
                queued: if campaign.launched_at.is_some() { rest } else { 0 },
                in_doubt,
                canceled,
                skipped,
            },
            excluded: Excluded::of(campaign),
            estimate: Estimate {
                recipients: campaign.estimate_recipients(),
                segments: campaign.estimate_segments,
                credits: campaign.estimate_credits,
            },
            actual: Actual {
                credits: counters.spent(),
                recredited: counters.recredited(),
                segments: 0,
                segments_behind: counters.spent(),
            },
            time_to_handset: TimeToHandset::of(delivered, times),
        }
    }
}

impl Excluded {
    pub(super) fn of(campaign: &Campaign) -> Self {
        Self {
            invalid: campaign.invalid,
            not_mobile: campaign.not_mobile,
            not_allowed: campaign.not_allowed,
            not_guests: campaign.not_guests,
            duplicates: campaign.duplicates,
            no_consent: campaign.no_consent,
            unreachable: campaign.unreachable,
            frequency_cap: campaign.frequency_cap,
            by_request: campaign.by_request,
            value_too_long: campaign.value_too_long,
            values_refused: campaign.values_refused,
        }
    }
}

/// A share in percent to one digit, half up; exact, since tenths are counted as whole numbers.
pub(crate) fn percent(count: u64, of: u64) -> f64 {
    let tenths = (2_000 * count + of).checked_div(2 * of).unwrap_or_default();
    tenths as f64 / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_to_a_digit_half_up() {
        let shares = [3_969, 8, 18, 112, 4, 267, 1].map(|count| percent(count, 4_379));
        assert_eq!(shares, [90.6, 0.2, 0.4, 2.6, 0.1, 6.1, 0.0]);
        assert_eq!((percent(1, 2_000), percent(1, 2_001)), (0.1, 0.0));
        assert_eq!((percent(0, 0), percent(7, 7)), (0.0, 100.0));
    }
}
