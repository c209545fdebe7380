//! Events put in place of what is known of them, and their reminders with them, in one change.

use std::collections::{HashMap, HashSet};

use super::event::{Event, GivenEvent, GivenWhom, Occasion, Whom};
use super::freed::{self, FreedBy};
use super::plan::{Circumstances, ReminderPlan, Timer, Trigger, timers};
use super::{Agenda, AgendaFault, kept, plans, recall, reminders};
use crate::database::Change;
use crate::domain::{ContactId, EventId, TenantId, UnixMicros};
use crate::fault::{Expected, FieldFault, FieldProblem};
use crate::people::{Filter, Outcome};

/// The most events that are given at once.
pub(crate) const EVENTS_MAX: usize = 1_000;

/// What became of an event that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UpsertedEvent {
    pub(crate) id: EventId,
    pub(crate) outcome: Outcome,
}

/// An event that is being put in place.
struct Place {
    before: Option<Event>,
    now: Event,
}

impl Place {
    fn outcome(&self) -> Outcome {
        match &self.before {
            None => Outcome::Created,
            Some(before) if *before == self.now => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
        }
    }

    /// Whether whom it is for, or their number, is not what it was.
    fn is_for_another(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.whom != self.now.whom)
    }
}

impl Agenda {
    /// Puts events in place of what is known of them, all or none; where one is given twice, the later is put onto the earlier. Reminders
    /// are made, moved and cancelled with them. Returns what became of each, in their order. At most [`EVENTS_MAX`].
    ///
    /// # Errors
    /// [`AgendaFault::Fields`]: for whom one is is not said, or no contact; or the database's.
    pub(crate) async fn upsert(
        &self,
        tenant: TenantId,
        given: &[GivenEvent],
    ) -> Result<Vec<UpsertedEvent>, AgendaFault> {
        self.check_links(tenant, given).await?;
        self.upsert_by((tenant, FreedBy::Practice), given).await
    }

    /// Whether the links of events may lead there.
    async fn check_links(&self, tenant: TenantId, given: &[GivenEvent]) -> Result<(), AgendaFault> {
        let has_link = |event: &GivenEvent| event.link.as_ref().is_some_and(|link| !link.is_empty());
        if !given.iter().any(has_link) {
            return Ok(());
        }
        let campaigns = &self.0.campaigns;
        let wording = campaigns.wording_of(tenant, &campaigns.terms_of(tenant).await?).await?;
        let fault = |(at, event): (usize, &GivenEvent)| {
            let url = event.link.as_ref().filter(|link| !link.is_empty())?;
            let problem = wording.shorten(url).err()?;
            Some(FieldFault::new(format!("/events/{at}/link"), problem))
        };
        let faults: Vec<FieldFault> = given.iter().enumerate().filter_map(fault).collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(AgendaFault::Fields(faults))
        }
    }

    /// The same, by whom: what they cancel may be offered to others.
    pub(super) async fn upsert_by(
        &self,
        (tenant, by): (TenantId, FreedBy),
        given: &[GivenEvent],
    ) -> Result<Vec<UpsertedEvent>, AgendaFault> {
        let whom: Vec<Option<&GivenWhom>> = given.iter().map(|event| event.whom.as_ref()).collect();
        let whom = self.whom(tenant, ("events", &whom)).await?;
        let now = self.0.clock.unix();
        let mut change = self.0.database.change_of(tenant).await?;
        let references = given.iter().map(|event| event.reference.clone());
        let known = kept::known(&mut change, tenant, references).await?;
        let (mut places, new) = placed(given, &whom, (known, now))?;
        let first = change.numbers("agenda_event", new.len()).await?;
        for (id, reference) in (first..).zip(&new) {
            if let Some(place) = places.get_mut(reference) {
                place.now.id = EventId(id.cast_unsigned());
            }
        }
        for place in places.values_mut() {
            if let (FreedBy::Patient, Some(before)) = (by, &place.before) {
                place.now.given_state = before.given_state;
            }
            seal(place, now);
        }
        let mut changed: Vec<&Place> = places
            .values()
            .filter(|place| place.outcome() != Outcome::Unchanged)
            .collect();
        // In their order on disk.
        changed.sort_unstable_by_key(|place| place.now.id);
        if !changed.is_empty() {
            let events: Vec<&Event> = changed.iter().map(|place| &place.now).collect();
            kept::write(&mut change, tenant, &events).await?;
            follow(&mut change, tenant, (&changed, now)).await?;
            let changes: Vec<(Option<&Event>, &Event)> = changed
                .iter()
                .map(|place| (place.before.as_ref(), &place.now))
                .collect();
            freed::follow(&mut change, (tenant, by, now), &changes).await?;
        }
        change.commit().await?;
        let became = |given: &GivenEvent| {
            places.get(&given.reference).map(|place| UpsertedEvent {
                id: place.now.id,
                outcome: place.outcome(),
            })
        };
        Ok(given.iter().filter_map(became).collect())
    }

    /// Who each of a list of a request is, as far as that is given.
    ///
    /// # Errors
    /// [`AgendaFault::Fields`]: one is no contact; or the database's.
    pub(crate) async fn whom(
        &self,
        tenant: TenantId,
        (list, given): (&str, &[Option<&GivenWhom>]),
    ) -> Result<Vec<Option<Whom>>, AgendaFault> {
        let (mut ids, mut references) = (Vec::new(), Vec::new());
        for whom in given {
            match whom {
                Some(GivenWhom::Contact(id)) => ids.push(*id),
                Some(GivenWhom::Patient(reference)) => references.push(reference.clone()),
                Some(GivenWhom::Number(_)) | None => {}
            }
        }
        let people = &self.0.people;
        let ids: HashSet<ContactId> = match ids.is_empty() {
            true => HashSet::new(),
            false => people
                .those((tenant, &Filter::EVERYBODY), &ids)
                .await?
                .into_iter()
                .collect(),
        };
        let references = match references.is_empty() {
            true => HashMap::new(),
            false => people.by_references(tenant, &references).await?,
        };
        let mut faults = Vec::new();
        let mut refuse = |at: usize, field: &str| {
            let problem = FieldProblem::Expected(Expected::KnownContact);
            faults.push(FieldFault::new(format!("/{list}/{at}/{field}"), problem));
            None
        };
        let whom = given.iter().enumerate().map(|(at, whom)| match whom {
            None => None,
            Some(GivenWhom::Number(number)) => Some(Whom::Number(*number)),
            Some(GivenWhom::Contact(id)) => match ids.contains(id) {
                true => Some(Whom::Contact(*id)),
                false => refuse(at, "contact"),
            },
            Some(GivenWhom::Patient(reference)) => match references.get(reference) {
                Some(id) => Some(Whom::Contact(*id)),
                None => refuse(at, "patient"),
            },
        });
        let whom = whom.collect();
        if faults.is_empty() {
            Ok(whom)
        } else {
            Err(AgendaFault::Fields(faults))
        }
    }
}

/// Every event as it is to be, by its reference, and the references of those that are new.
fn placed(
    given: &[GivenEvent],
    whom: &[Option<Whom>],
    (mut known, now): (HashMap<String, Event>, UnixMicros),
) -> Result<(HashMap<String, Place>, Vec<String>), AgendaFault> {
    let (mut places, mut new) = (HashMap::<String, Place>::new(), Vec::new());
    for (at, (given, whom)) in given.iter().zip(whom).enumerate() {
        if let Some(place) = places.get_mut(&given.reference) {
            place.now = given.onto(&place.now, *whom);
            continue;
        }
        let place = match (known.remove(&given.reference), whom) {
            (Some(before), whom) => Place {
                now: given.onto(&before, *whom),
                before: Some(before),
            },
            (None, Some(whom)) => {
                new.push(given.reference.clone());
                let now = given.made(*whom, now);
                Place { before: None, now }
            }
            (None, None) => {
                let fields = &["patient", "contact", "number"];
                let problem = FieldProblem::MissingBeside { fields };
                let fault = FieldFault::new(format!("/events/{at}/reference"), problem);
                return Err(AgendaFault::Fields(vec![fault]));
            }
        };
        places.insert(given.reference.clone(), place);
    }
    Ok((places, new))
}

/// Counts a change, and notes when it was.
fn seal(place: &mut Place, now: UnixMicros) {
    let Some(before) = place.before.as_ref().filter(|before| **before != place.now) else {
        return;
    };
    place.now.updated_at = now;
    if before.state != place.now.state || before.start != place.now.start || before.whom != place.now.whom {
        place.now.turn = before.turn.saturating_add(1);
    }
}

/// Brings the reminders of changed events to what these are now.
async fn follow(
    change: &mut Change,
    tenant: TenantId,
    (places, now): (&[&Place], UnixMicros),
) -> Result<(), AgendaFault> {
    let occasions: Vec<(&Event, Occasion)> = places
        .iter()
        .filter_map(|place| Some((&place.now, Occasion::of(place.before.as_ref(), &place.now)?)))
        .collect();
    let of = |wanted: &[Occasion]| -> Vec<EventId> {
        let those = occasions.iter().filter(|(_, occasion)| wanted.contains(occasion));
        those.map(|(event, _)| event.id).collect()
    };
    let others = places.iter().filter(|place| place.is_for_another());
    let others: Vec<EventId> = others.map(|place| place.now.id).collect();
    let changed: Vec<EventId> = of(&[Occasion::Moved, Occasion::Cancelled, Occasion::NoShow])
        .into_iter()
        .chain(others.iter().copied())
        .collect();
    recall::note(change, (tenant, now), &changed).await?;
    reminders::begin_anew(change, &others).await?;
    reminders::retarget(change, &of(&[Occasion::Moved])).await?;
    reminders::cancel_waiting(change, &of(&[Occasion::Cancelled, Occasion::NoShow]), false).await?;
    reminders::cancel_waiting(change, &of(&[Occasion::Done]), true).await?;
    let told = reminders::told(change, &of(&[Occasion::Booked, Occasion::Moved])).await?;
    // Back at a time of which they were told before they were told of another one: they are told of it once more.
    let back = occasions.iter().flat_map(|(event, _)| {
        let those = told
            .iter()
            .filter(|((of, _), last)| *of == event.id && **last != event.start.at);
        those.map(|((of, plan), _)| (*of, *plan, event.start.at))
    });
    reminders::tell_again(change, &back.collect::<Vec<_>>()).await?;
    let plans = plans::all_in(change, tenant).await?;
    let mut made: Vec<(EventId, Timer)> = Vec::new();
    for (event, occasion) in &occasions {
        let mut seen = Circumstances {
            now,
            occasion: *occasion,
            told: None,
            others_tell: plans.iter().any(|plan| tells_of_moves(plan, event)),
        };
        for plan in &plans {
            seen.told = told.get(&(event.id, plan.id)).copied();
            let timers = timers(plan, event, &seen);
            // One plan is enough to tell of another date.
            seen.others_tell |= *occasion == Occasion::Moved && timers.iter().any(Timer::tells_of_a_move);
            made.extend(timers.into_iter().map(|timer| (event.id, timer)));
        }
    }
    reminders::keep(change, &made).await?;
    Ok(())
}

fn tells_of_moves(plan: &ReminderPlan, event: &Event) -> bool {
    plan.definition.trigger == Trigger::Moved && !plan.paused && plan.definition.is_for(event)
}
