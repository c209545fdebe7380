//! What people are told of events, and when: from an event and what became of it to timers. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::event::{Event, EventState, Occasion};
use super::offset::{Hours, Offset};
use crate::compose::fold;
use crate::domain::{ReminderPlanId, TenantId, UnixMicros};

/// How old an event may be of which it is told that nobody came, or that it took place: who hands in the diary of years sends nothing.
const FRESH: Duration = Duration::from_secs(7 * 86_400);

/// The step of a reminder that tells of another date those who were told of one before.
pub(super) const MOVED: &str = "moved";

/// On what people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Trigger {
    /// At times that are told from its start.
    Date,
    Booked,
    Moved,
    Cancelled,
    NoShow,
    Done,
}

impl Trigger {
    pub(crate) const CODES: [&str; 6] = [
        Self::Date.code(),
        Self::Booked.code(),
        Self::Moved.code(),
        Self::Cancelled.code(),
        Self::NoShow.code(),
        Self::Done.code(),
    ];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    /// Whether who wants no reminders is not told: that something was moved or cancelled, everybody is.
    pub(super) const fn is_reminder(self) -> bool {
        match self {
            Self::Date | Self::NoShow | Self::Done => true,
            Self::Booked | Self::Moved | Self::Cancelled => false,
        }
    }

    /// In which states of an event its reminders go.
    pub(super) const fn goes_in(self, state: EventState) -> bool {
        match (self, state) {
            (Self::Date | Self::Booked | Self::Moved, EventState::Booked)
            | (Self::Cancelled, EventState::Cancelled)
            | (Self::NoShow, EventState::NoShow)
            // What is told some time behind an event is told when it took place, too.
            | (Self::Date | Self::Done, EventState::Done) => true,
            (_, EventState::Booked | EventState::Cancelled | EventState::NoShow | EventState::Done) => false,
        }
    }
}

/// What a plan says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) trigger: Trigger,
    /// From the start of the event, or from what happened to it.
    pub(crate) offsets: Vec<Offset>,
    /// For events of these kinds; none: of all.
    pub(crate) kinds: Vec<String>,
    /// For those with these attributes.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) text: String,
    /// For several on a day; `None`: `text`, whose fields say what they are of each.
    pub(crate) merged_text: Option<String>,
    /// Whither `[lien]` in these leads, where the event does not say.
    #[serde(default)]
    pub(crate) link: Option<String>,
    pub(crate) sender: String,
    pub(crate) hours: Option<Hours>,
    /// Who is told so short before the start is told nothing.
    pub(crate) notice_minutes: u16,
    /// Whether it asks for the consent to advertising: it goes without one, to each once, and in all else as advertising.
    #[serde(default)]
    pub(crate) asks_consent: bool,
}

impl Definition {
    /// What it says of so many events.
    pub(super) fn text_of(&self, events: usize) -> &str {
        let merged = self.merged_text.as_deref().filter(|_| events > 1);
        merged.unwrap_or(&self.text)
    }

    /// Whether it is for an event.
    pub(super) fn is_for(&self, event: &Event) -> bool {
        let same = |one: &str, other: &str| fold(one) == fold(other);
        let has = |(name, value): (&String, &String)| {
            let mut own = event.details.attributes.iter();
            own.any(|(known, said)| same(known, name) && same(said, value))
        };
        let is_of_kind = self.kinds.is_empty() || self.kinds.iter().any(|kind| same(kind, &event.kind));
        is_of_kind && self.attributes.iter().all(has)
    }

    fn notice(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.notice_minutes))
    }

    /// Whether it is too late to be told of a start.
    pub(super) fn is_too_short(&self, now: UnixMicros, start: UnixMicros) -> bool {
        start < now.plus(self.notice())
    }
}

/// What of a plan is to be another way: not when people are told, nor of what.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlanEdit {
    pub(crate) name: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) merged_text: Option<Option<String>>,
    pub(crate) link: Option<Option<String>>,
    pub(crate) sender: Option<String>,
    pub(crate) notice_minutes: Option<u16>,
}

impl PlanEdit {
    pub(super) fn applied_to(&self, plan: ReminderPlan) -> ReminderPlan {
        let edit = self.clone();
        ReminderPlan {
            name: edit.name.unwrap_or(plan.name),
            definition: Definition {
                text: edit.text.unwrap_or(plan.definition.text),
                merged_text: edit.merged_text.unwrap_or(plan.definition.merged_text),
                link: edit.link.unwrap_or(plan.definition.link),
                sender: edit.sender.unwrap_or(plan.definition.sender),
                notice_minutes: edit.notice_minutes.unwrap_or(plan.definition.notice_minutes),
                ..plan.definition
            },
            ..plan
        }
    }
}

/// What people are told, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReminderPlan {
    pub(crate) id: ReminderPlanId,
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) definition: Definition,
    pub(crate) paused: bool,
    pub(crate) created_at: UnixMicros,
}

/// When somebody is to be told of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timer {
    pub(super) plan: ReminderPlanId,
    pub(super) step: String,
    pub(super) for_at: UnixMicros,
    pub(super) turn: u32,
    pub(super) due_at: UnixMicros,
}

impl Timer {
    /// Whether it tells of another date those who were told of one before.
    pub(super) fn tells_of_a_move(&self) -> bool {
        self.step == MOVED
    }
}

/// What is known beside an event and its plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    pub(super) now: UnixMicros,
    pub(super) occasion: Occasion,
    /// Of which start the plan has told last.
    pub(super) told: Option<UnixMicros>,
    /// Whether another plan tells that it was moved.
    pub(super) others_tell: bool,
}

/// The timers of a plan for an event to which something happened.
pub(super) fn timers(plan: &ReminderPlan, event: &Event, seen: &Circumstances) -> Vec<Timer> {
    let definition = &plan.definition;
    if !definition.is_for(event) {
        return Vec::new();
    }
    let is_ahead = !event.dated || event.start.at > seen.now;
    let is_fresh = event.start.at.plus(FRESH) > seen.now;
    match (definition.trigger, seen.occasion) {
        (Trigger::Date, Occasion::Booked | Occasion::Moved | Occasion::Reshaped) if event.dated => {
            by_date(plan, event, seen)
        }
        (Trigger::Booked, Occasion::Booked)
        | (Trigger::Moved, Occasion::Moved)
        | (Trigger::Cancelled, Occasion::Cancelled)
            if is_ahead =>
        {
            behind(plan, event, seen.now)
        }
        (Trigger::NoShow, Occasion::NoShow) | (Trigger::Done, Occasion::Done) if is_fresh => {
            behind(plan, event, seen.now)
        }
        (
            Trigger::Date | Trigger::Booked | Trigger::Moved | Trigger::Cancelled | Trigger::NoShow | Trigger::Done,
            _,
        ) => Vec::new(),
    }
}

/// Some time behind what happened.
fn behind(plan: &ReminderPlan, event: &Event, now: UnixMicros) -> Vec<Timer> {
    let Some(at) = now.timestamp() else {
        return Vec::new();
    };
    let (zone, hours) = (event.start.time_zone(), plan.definition.hours);
    let fit = |due: Timestamp| hours.map_or(due, |hours| hours.fit(due, (at, None), &zone));
    let timer = |offset: &Offset| Timer {
        plan: plan.id,
        step: offset.to_string(),
        for_at: event.start.at,
        turn: event.turn.saturating_add(1),
        due_at: micros(fit(offset.from(at, &zone))),
    };
    plan.definition.offsets.iter().map(timer).collect()
}

/// Some time from the start of an event. Who was told of another one is told at once, and so is who came when every time was over.
fn by_date(plan: &ReminderPlan, event: &Event, seen: &Circumstances) -> Vec<Timer> {
    let (start, zone) = (event.start.timestamp(), event.start.time_zone());
    let Some(now) = seen.now.timestamp() else {
        return Vec::new();
    };
    let definition = &plan.definition;
    let fit = |due: Timestamp, limit: Option<Timestamp>| {
        let hours = definition.hours;
        hours.map_or(due, |hours| hours.fit(due, (now, limit), &zone))
    };
    let timer = |step: String, due: Timestamp| Timer {
        plan: plan.id,
        step,
        for_at: event.start.at,
        turn: 0,
        due_at: micros(due),
    };
    let before = || definition.offsets.iter().filter(|offset| offset.is_before());
    let mut timers: Vec<Timer> = definition
        .offsets
        .iter()
        .filter(|offset| offset.from(start, &zone) > now)
        .map(|offset| {
            let limit = Some(start).filter(|_| offset.is_before());
            timer(offset.to_string(), fit(offset.from(start, &zone), limit))
        })
        .collect();
    if definition.is_too_short(seen.now, event.start.at) {
        return timers;
    }
    let was_told_another = seen.told.is_some_and(|told| told != event.start.at);
    let is_late = before().all(|offset| offset.from(start, &zone) <= now);
    let nearest = before().max_by_key(|offset| offset.from(start, &zone));
    match seen.occasion {
        Occasion::Moved if was_told_another && !seen.others_tell => {
            timers.push(timer(MOVED.to_owned(), fit(now, Some(start))));
        }
        Occasion::Booked | Occasion::Moved if is_late && seen.told.is_none_or(|told| told != event.start.at) => {
            timers.extend(nearest.map(|offset| timer(offset.to_string(), fit(now, Some(start)))));
        }
        Occasion::Booked
        | Occasion::Moved
        | Occasion::Reshaped
        | Occasion::Cancelled
        | Occasion::NoShow
        | Occasion::Done => {}
    }
    timers
}

fn micros(at: Timestamp) -> UnixMicros {
    UnixMicros(u64::try_from(at.as_microsecond()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agenda::event::{Details, Start, TIME_ZONE, Whom};
    use crate::domain::{EventId, Recipient};

    fn at(text: &str) -> UnixMicros {
        micros(text.parse().unwrap())
    }

    fn plan(trigger: Trigger, offsets: &[&str]) -> ReminderPlan {
        ReminderPlan {
            id: ReminderPlanId(1),
            tenant: TenantId(1),
            name: "Rappel".to_owned(),
            definition: Definition {
                trigger,
                offsets: offsets.iter().map(|offset| offset.parse().unwrap()).collect(),
                kinds: vec!["Consultation".to_owned()],
                attributes: BTreeMap::new(),
                text: "Rendez-vous le [date]".to_owned(),
                merged_text: None,
                link: None,
                sender: "Cabinet".to_owned(),
                hours: None,
                notice_minutes: 60,
                asks_consent: false,
            },
            paused: false,
            created_at: UnixMicros(0),
        }
    }

    fn event(start: &str) -> Event {
        Event {
            id: EventId(1),
            reference: "RDV-1".to_owned(),
            whom: Whom::Number(Recipient(33_612_345_678)),
            kind: "consultation".to_owned(),
            state: EventState::Booked,
            start: Start {
                at: at(start),
                zone: TIME_ZONE.to_owned(),
            },
            given_state: None,
            dated: true,
            series: None,
            details: Details::default(),
            turn: 0,
            created_at: UnixMicros(0),
            updated_at: UnixMicros(0),
        }
    }

    fn seen(occasion: Occasion, told: Option<&str>) -> Circumstances {
        Circumstances {
            now: at("2026-12-01T09:00:00Z"),
            occasion,
            told: told.map(at),
            others_tell: false,
        }
    }

    fn steps(plan: &ReminderPlan, start: &str, seen: &Circumstances) -> Vec<String> {
        let timers = timers(plan, &event(start), seen);
        timers
            .iter()
            .map(|timer| format!("{} {}", timer.step, timer.due_at.timestamp().unwrap()))
            .collect()
    }

    #[test]
    fn who_comes_late_is_told_at_once_unless_it_is_too_late() {
        let plan = plan(Trigger::Date, &["-7d", "-24h"]);
        let booked = seen(Occasion::Booked, None);
        let both = ["-7d 2026-12-13T09:00:00Z", "-24h 2026-12-19T09:00:00Z"];
        assert_eq!(steps(&plan, "2026-12-20T09:00:00Z", &booked), both);
        assert_eq!(
            steps(&plan, "2026-12-03T09:00:00Z", &booked),
            ["-24h 2026-12-02T09:00:00Z"]
        );
        assert_eq!(
            steps(&plan, "2026-12-01T15:00:00Z", &booked),
            ["-24h 2026-12-01T09:00:00Z"]
        );
        assert!(
            steps(&plan, "2026-12-01T09:59:00Z", &booked).is_empty(),
            "within the hour"
        );
        assert!(steps(&plan, "2026-11-30T09:00:00Z", &booked).is_empty(), "over");
        let reshaped = seen(Occasion::Reshaped, None);
        assert!(
            steps(&plan, "2026-12-01T15:00:00Z", &reshaped).is_empty(),
            "nothing new"
        );
    }

    #[test]
    fn who_was_told_of_the_old_date_is_told_of_the_new_one_at_once_and_in_its_time() {
        let plan = plan(Trigger::Date, &["-24h"]);
        let start = "2026-12-20T09:00:00Z";
        let told = seen(Occasion::Moved, Some("2026-12-02T09:00:00Z"));
        let both = ["-24h 2026-12-19T09:00:00Z", "moved 2026-12-01T09:00:00Z"];
        assert_eq!(steps(&plan, start, &told), both);
        assert_eq!(
            steps(&plan, start, &seen(Occasion::Moved, None)),
            both[..1],
            "nobody was told"
        );
        assert_eq!(
            steps(&plan, start, &seen(Occasion::Moved, Some(start))),
            both[..1],
            "and back again"
        );
        let others = Circumstances {
            others_tell: true,
            ..told
        };
        assert_eq!(steps(&plan, start, &others), both[..1]);
        // Moved to a day on which every time is over: one, not two.
        assert_eq!(
            steps(&plan, "2026-12-01T15:00:00Z", &told),
            ["moved 2026-12-01T09:00:00Z"]
        );
    }

    #[test]
    fn what_happened_is_told_by_the_plans_for_it_and_for_its_kind() {
        let start = "2026-12-20T09:00:00Z";
        for (trigger, occasion) in [
            (Trigger::Booked, Occasion::Booked),
            (Trigger::Moved, Occasion::Moved),
            (Trigger::Cancelled, Occasion::Cancelled),
        ] {
            let plan = plan(trigger, &["0"]);
            assert_eq!(steps(&plan, start, &seen(occasion, None)), ["0 2026-12-01T09:00:00Z"]);
            assert!(
                steps(&plan, "2026-11-30T09:00:00Z", &seen(occasion, None)).is_empty(),
                "over"
            );
            assert!(steps(&plan, start, &seen(Occasion::Done, None)).is_empty());
        }
        let no_show = plan(Trigger::NoShow, &["+1d"]);
        let missed = seen(Occasion::NoShow, None);
        assert_eq!(
            steps(&no_show, "2026-12-01T08:00:00Z", &missed),
            ["+1d 2026-12-02T09:00:00Z"]
        );
        assert!(steps(&no_show, "2026-11-20T08:00:00Z", &missed).is_empty(), "long ago");
        let mut other = no_show;
        other.definition.kinds = vec!["chirurgie".to_owned()];
        assert!(steps(&other, "2026-12-01T08:00:00Z", &missed).is_empty());
    }
}
