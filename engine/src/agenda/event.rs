//! Something in the diary of a practice, and what is given of it. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::automation::Rule;
use crate::domain::{ContactId, EventId, Recipient, UnixMicros};

/// Where an event is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum EventState {
    Booked,
    Cancelled,
    /// Nobody came.
    NoShow,
    /// It took place.
    Done,
}

impl EventState {
    pub(crate) const CODES: [&str; 4] = [
        Self::Booked.code(),
        Self::Cancelled.code(),
        Self::NoShow.code(),
        Self::Done.code(),
    ];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// Whom an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// At the number that is theirs when they are told.
    Contact(ContactId),
    Number(Recipient),
}

/// When an event begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) at: UnixMicros,
    /// A name of the time-zone database: people read the clocks of the practice.
    pub(crate) zone: String,
}

impl Start {
    /// The time zone; UTC when the database of this build has it no more.
    pub(crate) fn time_zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        self.at.timestamp().unwrap_or_default()
    }
}

/// An event that recurs is always at its next occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    /// An RRULE that was read before.
    pub(crate) rule: String,
    /// The start as it was given.
    pub(crate) first: UnixMicros,
}

/// What else is said of an event, for its texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Details {
    pub(crate) practice: String,
    pub(crate) practitioner: String,
    pub(crate) place: String,
    pub(crate) floor: String,
    /// How long it takes.
    pub(crate) minutes: Option<u16>,
    /// Whither `[lien]` in its texts leads; empty: where their plan says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) link: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// Something in the diary of a practice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: EventId,
    pub(crate) reference: String,
    pub(crate) whom: Whom,
    /// `consultation`, as the practice calls it.
    pub(crate) kind: String,
    pub(crate) state: EventState,
    /// What the practice's software said last.
    pub(crate) given_state: Option<EventState>,
    pub(crate) start: Start,
    /// Whether its start was given; otherwise it is when the event was made.
    pub(crate) dated: bool,
    pub(crate) series: Option<Series>,
    pub(crate) details: Details,
    /// How often its state or start has changed.
    pub(crate) turn: u32,
    pub(crate) created_at: UnixMicros,
    pub(crate) updated_at: UnixMicros,
}

impl Event {
    /// When it begins again behind now, and the occurrence before that; `None`: never.
    pub(super) fn next_start(&self, now: UnixMicros) -> Option<(UnixMicros, UnixMicros)> {
        let series = self.series.as_ref()?;
        let rule = Rule::read(&series.rule).ok()?;
        let zone = self.start.time_zone();
        let first = zone.to_datetime(series.first.timestamp()?);
        let (mut day, mut before) = (zone.to_datetime(self.start.timestamp()).date(), self.start.at);
        loop {
            day = rule.next(first.date(), Some(day))?;
            let at = zone.to_ambiguous_timestamp(day.to_datetime(first.time()));
            let at = u64::try_from(at.compatible().ok()?.as_microsecond()).ok()?;
            if at > now.0 {
                return Some((UnixMicros(at), before));
            }
            before = UnixMicros(at);
        }
    }
}

/// Whom an event is for, as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GivenWhom {
    Contact(ContactId),
    /// What the practice's software calls the contact.
    Patient(String),
    Number(Recipient),
}

/// What is given of an event: the rest stays as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenEvent {
    pub(crate) reference: String,
    pub(crate) whom: Option<GivenWhom>,
    pub(crate) kind: Option<String>,
    pub(crate) state: Option<EventState>,
    pub(crate) start: Option<Start>,
    /// `Some(None)`: it is once.
    pub(crate) repeat: Option<Option<String>>,
    pub(crate) practice: Option<String>,
    pub(crate) practitioner: Option<String>,
    pub(crate) place: Option<String>,
    pub(crate) floor: Option<String>,
    pub(crate) minutes: Option<u16>,
    /// Empty: it has none of its own.
    pub(crate) link: Option<String>,
    /// Those with an empty value are forgotten.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// By whose clocks an event is, unless it is said.
pub(crate) const TIME_ZONE: &str = "Europe/Paris";

impl GivenEvent {
    /// An event of which nothing else is known.
    pub(super) fn made(&self, whom: Whom, now: UnixMicros) -> Event {
        let new = Event {
            id: EventId(0),
            reference: self.reference.clone(),
            whom,
            kind: String::new(),
            state: EventState::Booked,
            given_state: Some(EventState::Booked),
            start: Start {
                at: now,
                zone: TIME_ZONE.to_owned(),
            },
            dated: false,
            series: None,
            details: Details::default(),
            turn: 0,
            created_at: now,
            updated_at: now,
        };
        self.onto(&new, Some(whom))
    }

    /// Puts it in place of what is known.
    pub(super) fn onto(&self, known: &Event, whom: Option<Whom>) -> Event {
        let mut event = known.clone();
        let set = |to: &mut String, from: &Option<String>| {
            if let Some(given) = from {
                to.clone_from(given);
            }
        };
        event.whom = whom.unwrap_or(event.whom);
        if let Some(start) = &self.start {
            let first = known.series.as_ref().map_or(known.start.at, |series| series.first);
            // The start as it was given, though it is at a later occurrence by now.
            if !(known.dated && first == start.at && known.start.zone == start.zone) {
                event.start.clone_from(start);
            }
            event.dated = true;
        }
        // The same diary again: what people have answered since stands.
        let is_again =
            self.state == Some(EventState::Booked) && known.given_state == self.state && event.start == known.start;
        if let Some(state) = self.state.filter(|_| !is_again) {
            event.state = state;
        }
        event.given_state = self.state.or(event.given_state);
        let first = match &known.series {
            Some(series) if event.start == known.start => series.first,
            Some(_) | None => event.start.at,
        };
        event.series = match &self.repeat {
            Some(rule) => rule.clone().map(|rule| Series { rule, first }),
            None => event.series.map(|series| Series { first, ..series }),
        };
        set(&mut event.kind, &self.kind);
        let details = &mut event.details;
        set(&mut details.practice, &self.practice);
        set(&mut details.practitioner, &self.practitioner);
        set(&mut details.place, &self.place);
        set(&mut details.floor, &self.floor);
        set(&mut details.link, &self.link);
        details.minutes = self.minutes.or(details.minutes);
        for (name, value) in &self.attributes {
            if value.is_empty() {
                details.attributes.remove(name);
            } else {
                details.attributes.insert(name.clone(), value.clone());
            }
        }
        event
    }
}

/// What a change of an event means for its reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// It is booked now, and was not before.
    Booked,
    /// It begins at another time.
    Moved,
    /// Other plans may be for it.
    Reshaped,
    Cancelled,
    NoShow,
    Done,
}

impl Occasion {
    /// What became of an event; `None`: nothing of which anybody is told.
    pub(super) fn of(before: Option<&Event>, now: &Event) -> Option<Self> {
        let was = before.map(|event| event.state);
        if was != Some(now.state) {
            return Some(match (now.state, was) {
                (EventState::Booked, None | Some(EventState::Cancelled)) => Self::Booked,
                // A slip is put right.
                (EventState::Booked, Some(_)) => Self::Reshaped,
                (EventState::Cancelled, _) => Self::Cancelled,
                (EventState::NoShow, _) => Self::NoShow,
                (EventState::Done, _) => Self::Done,
            });
        }
        let before = before.filter(|_| now.state == EventState::Booked)?;
        if before.start != now.start {
            return Some(Self::Moved);
        }
        // Whoever it is for now was told nothing.
        if before.whom != now.whom {
            return Some(Self::Booked);
        }
        let is_reshaped = before.kind != now.kind || before.details != now.details || before.series != now.series;
        is_reshaped.then_some(Self::Reshaped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(state: Option<EventState>, start: u64) -> GivenEvent {
        GivenEvent {
            reference: "RDV-1".to_owned(),
            whom: None,
            kind: None,
            state,
            start: Some(Start {
                at: UnixMicros(start),
                zone: TIME_ZONE.to_owned(),
            }),
            repeat: None,
            practice: None,
            practitioner: None,
            place: None,
            floor: None,
            minutes: None,
            link: None,
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn the_same_diary_again_undoes_nothing_that_a_patient_has_answered() {
        let whom = Whom::Number(crate::domain::Recipient(33_612_345_678));
        let (booked, cancelled) = (Some(EventState::Booked), Some(EventState::Cancelled));
        let known = given(booked, 7).made(whom, UnixMicros(1));
        let answered = Event {
            state: EventState::Cancelled,
            ..known
        };
        for (diary, state) in [
            (given(booked, 7), EventState::Cancelled),
            (given(None, 7), EventState::Cancelled),
            // Another date was agreed upon.
            (given(booked, 8), EventState::Booked),
        ] {
            assert_eq!(diary.onto(&answered, None).state, state, "{diary:?}");
        }
        // The practice has cancelled too, and books again.
        let settled = given(cancelled, 7).onto(&answered, None);
        assert_eq!(given(booked, 7).onto(&settled, None).state, EventState::Booked);
    }

    #[test]
    fn whoever_it_is_for_now_is_told_what_the_other_was() {
        let event = given(None, 7).made(Whom::Number(crate::domain::Recipient(33_612_345_678)), UnixMicros(1));
        let other = Event {
            whom: Whom::Number(crate::domain::Recipient(33_612_345_679)),
            ..event.clone()
        };
        assert_eq!(Occasion::of(Some(&event), &other), Some(Occasion::Booked));
        assert_eq!(Occasion::of(Some(&event), &event), None);
    }
}
