//! `POST /v1/campaigns/{id}/schedule`: when a campaign launches by itself.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Problem, ProblemCode};
use super::{App, shapes};
use crate::campaign::view::time;
use crate::domain::{self, CampaignId, Role, Terms, UnixMicros};
use crate::fault::{DateProblem, FieldProblem};

/// How far ahead a launch may be planned.
const DAYS_AHEAD_MAX: u32 = 366;

pub(super) fn routes() -> Routes {
    Routes::of("campaigns").add(
        Operation::new(
            (Verb::Post, "/v1/campaigns/{id}/schedule"),
            Key::Tenant,
            "scheduleCampaign",
        )
        .needs(Role::Send)
        .says("Have a campaign launch by itself", "At a date, or no more.")
        .at::<CampaignId>("id", "The campaign, before its launch.")
        .takes::<shapes::Schedule>(json!({ "scheduled_at": null }))
        .answers::<shapes::Scheduled>(200, "It is planned, or a draft again.")
        .refuses(&[
            ProblemCode::AlreadyStarted,
            ProblemCode::WrongState,
            ProblemCode::TenantSuspended,
            ProblemCode::TextRejected,
            ProblemCode::TrafficRejected,
            ProblemCode::ScheduleOutsideWindow,
        ]),
        schedule,
    )
}

/// `{"scheduled_at": "2026-12-24T09:00", "time_zone": "Europe/Paris"}` → 200 with the state `scheduled`. A time with its offset
/// needs no zone; `null`: it launches by itself no more, and is a draft.
pub(super) async fn schedule(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["scheduled_at", "time_zone"]).await?;
    fields.assume("time_zone", &app.time_zone_of(tenant).await?);
    let at = planned_at(&mut fields, app.clock.unix());
    let (Some(at), true) = (at, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    match at {
        Some(at) => app.campaigns.schedule(tenant, id, at).await?,
        None => app.campaigns.unschedule(tenant, id).await?,
    }
    let campaign = app.campaigns.find(tenant, id).await?;
    Ok(Json(json!({
        "id": id.to_string(),
        "state": campaign.state.code(),
        "scheduled_at": campaign.scheduled_at.and_then(time),
    })))
}

/// `None`: it is not there, or not as it should be; `Some(None)`: it is `null`.
pub(super) fn planned_at(fields: &mut Fields, now: UnixMicros) -> Option<Option<UnixMicros>> {
    let (given, zone) = (
        fields.text_or_null("scheduled_at"),
        fields.text_or("time_zone", Terms::TIME_ZONE),
    );
    let zone = zone?;
    let Ok(time_zone) = TimeZone::get(&zone) else {
        fields.refuse(
            "/time_zone".to_owned(),
            FieldProblem::Date(DateProblem::UnknownTimeZone),
        );
        return None;
    };
    let Some(text) = given? else { return Some(None) };
    let refused = match instant(&text, &time_zone) {
        Ok(at) if is_ahead(at, now) => return u64::try_from(at.as_microsecond()).ok().map(UnixMicros).map(Some),
        Ok(_) => DateProblem::NotAhead { days: DAYS_AHEAD_MAX },
        Err(NoInstant::Unreadable) => DateProblem::InvalidLocalTime { time_zone: zone },
        Err(NoInstant::Skipped) => DateProblem::SkippedTime { time_zone: zone },
    };
    fields.refuse("/scheduled_at".to_owned(), FieldProblem::Date(refused));
    None
}

fn is_ahead(at: Timestamp, now: UnixMicros) -> bool {
    let ahead = at.duration_since(now.timestamp().unwrap_or_default());
    let most = SignedDuration::from_hours(24 * i64::from(DAYS_AHEAD_MAX));
    ahead > SignedDuration::ZERO && ahead <= most
}

/// Why a text is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoInstant {
    Unreadable,
    /// The clocks are put forward over it.
    Skipped,
}

/// A time with its offset, or one by the clocks of a zone; of the two that a night in autumn has, the first.
pub(super) fn instant(text: &str, time_zone: &TimeZone) -> Result<Timestamp, NoInstant> {
    // A day alone would be midnight, and a 61st second the one before.
    let has_time = text.find(['T', 't', ' ']).is_some_and(|at| at + 1 < text.len());
    if !has_time || text.contains(":60") {
        return Err(NoInstant::Unreadable);
    }
    if text.parse::<Timestamp>().is_ok() {
        return domain::instant(text).ok_or(NoInstant::Unreadable);
    }
    // A day alone is no time: midnight is hardly ever meant.
    let has_time = text.contains(['T', 't', ' ']);
    let local: DateTime = text.parse().map_err(|_| NoInstant::Unreadable)?;
    if !has_time {
        return Err(NoInstant::Unreadable);
    }
    let ambiguous = time_zone.to_ambiguous_timestamp(local);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(NoInstant::Skipped);
    }
    ambiguous.earlier().map_err(|_| NoInstant::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_by_the_clocks_of_its_zone() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let read = |text: &str| instant(text, &paris).map(|at| at.to_string());
        for (text, wanted) in [
            ("2026-12-24T09:00:00+01:00", "2026-12-24T08:00:00Z"),
            ("2026-12-24T09:00+04:00", "2026-12-24T05:00:00Z"),
            ("2026-12-24T09:00+14:00", "2026-12-23T19:00:00Z"),
            ("2026-12-24T09:00", "2026-12-24T08:00:00Z"),
            ("2026-07-24 09:00", "2026-07-24T07:00:00Z"),
            // 2:30 comes twice in this night.
            ("2026-10-25T02:30", "2026-10-25T00:30:00Z"),
            ("2026-10-25T02:30+01:00", "2026-10-25T01:30:00Z"),
        ] {
            assert_eq!(read(text), Ok(wanted.to_owned()), "{text}");
        }
        assert_eq!(read("2027-03-28T02:30"), Err(NoInstant::Skipped));
        for text in [
            "",
            "demain",
            "24/12/2026 09:00",
            "2026-02-30T09:00",
            "2026-12-24",
            "2026-12-24T",
            "2026-12-24T09:00:60",
            "2026-12-24T09:00+25:00",
            "2026-12-24T09:00-18:00",
        ] {
            assert_eq!(read(text), Err(NoInstant::Unreadable), "{text}");
        }
    }

    #[test]
    fn a_launch_is_planned_for_the_year_that_comes() {
        let now = UnixMicros(1_798_102_800_000_000);
        let at = |seconds: i64| now.timestamp().unwrap() + SignedDuration::from_secs(seconds);
        let year = 366 * 86_400;
        let ahead = [-1, 0, 1, year, year + 1].map(|seconds| is_ahead(at(seconds), now));
        assert_eq!(ahead, [false, false, true, true, false]);
    }
}
