//! The course of a reminder: when it is due, it is written down under which token its message is asked for and to which number; then it is
//! asked for; then it is written down which message it became. A crash between two has the same asked for again, which makes the same
//! message.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use tokio_util::sync::CancellationToken;

use super::event::{Event, EventState, Occasion};
use super::fields::{self, Told};
use super::links::{Links, Telling};
use super::plan::{Circumstances, MOVED, ReminderPlan, Timer, Trigger, timers};
use super::reminders::{self, Due, Fate, Key, ReminderState};
use super::{Agenda, AgendaFault, Whom, kept, plans};
use crate::audience::VALIDITY_S;
use crate::campaign::{CampaignFault, DirectOrder, code_of};
use crate::domain::{ContactId, MessageId, Parameters, Purpose, Recipient, ReminderPlanId, TenantId, UnixMicros};
use crate::guard::Verdict;
use crate::people::{Contact, PeopleFault};
use crate::store::Token;

/// How often it is looked what is due.
const TICK: Duration = Duration::from_millis(500);

/// Reminders that are taken in one go.
const BATCH: usize = 500;

/// Messages that are asked for at once.
const AT_ONCE: usize = 64;

/// Events that a new plan is laid over in one go.
const LAID: usize = 1_000;

/// Who has not sent what it has taken by then has died, and another sends it.
pub(super) const TAKEN_FOR: Duration = Duration::from_secs(10);

/// When something is tried again for which credits are short, or for which there was no room.
const WITHOUT_CREDIT: Duration = Duration::from_secs(60);
const WITHOUT_ROOM: Duration = Duration::from_secs(1);

/// For how long something is made up for that tells what happened.
const MADE_UP_FOR: Duration = Duration::from_secs(24 * 3_600);

/// For how long one of an event that recurs is.
const REPEATED_FOR: Duration = Duration::from_secs(3_600);

/// So late, a reminder of a start needs the notice that its plan says.
const LATE: Duration = Duration::from_secs(15 * 60);

/// A token is known for a day: what was begun before may have been sent, and nobody can tell.
const KNOWN_FOR: Duration = Duration::from_secs(20 * 3_600);

/// For how long events are kept behind their start, as lines of the ledger are.
const KEPT_FOR: Duration = Duration::from_secs(400 * 86_400);

/// How often it is looked for events that were kept for long enough.
const TIDIED: Duration = Duration::from_secs(86_400);

/// A message that is to be asked for, and the reminders that it is for, in the order of their starts.
pub(super) struct Outgoing {
    pub(super) token: Token,
    pub(super) number: Recipient,
    pub(super) plan: ReminderPlan,
    pub(super) dues: Vec<Due>,
    /// Somebody has begun with it before.
    pub(super) again: bool,
}

/// What became of reminders that were being sent. Those of which nothing is said are taken again later.
type Ends = Vec<(Key, Fate)>;

/// What texts say of a tenant.
#[derive(Debug, Default)]
struct Clinic {
    name: String,
    /// The names of its people's attributes.
    attributes: Vec<String>,
}

impl Agenda {
    /// Sends what is due, until `stop`.
    pub(crate) async fn run(self, verdict: Verdict, stop: CancellationToken) {
        self.take_over().await;
        let mut tidied = None;
        while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
            if verdict.may_take_in().is_err() {
                continue;
            }
            let now = self.0.clock.now();
            let untidy = tidied.is_none_or(|at| now.saturating_duration_since(at) >= TIDIED);
            let Some(done) = stop.run_until_cancelled(self.look(untidy)).await else {
                break;
            };
            match done {
                Ok(()) if untidy => tidied = Some(now),
                Ok(()) => {}
                Err(fault) => tracing::debug!(%fault, "reminders cannot be looked at; they are looked at again"),
            }
        }
    }

    /// Whoever did this before has ended or died, and what it had begun with does not wait until that is certain: under the same token
    /// it becomes the same message. Otherwise it goes when its time is over.
    async fn take_over(&self) {
        let now = self.0.clock.unix();
        match reminders::take_over(&self.0.database, (now, now.plus(TAKEN_FOR))).await {
            Ok(0) => {}
            Ok(taken) => tracing::info!(taken, "reminders that were begun with and not sent are sent now"),
            Err(fault) => tracing::debug!(%fault, "reminders that were begun with wait until their time is over"),
        }
    }

    async fn look(&self, untidy: bool) -> Result<(), AgendaFault> {
        if untidy {
            self.tidy().await?;
        }
        loop {
            // Some of each in turns: a new plan over a million events holds up nothing that is due.
            let mut is_more = self.call_back().await?;
            is_more |= self.lay().await?;
            is_more |= self.roll().await?;
            let now = self.0.clock.unix();
            let due = reminders::due(&self.0.database, now, BATCH).await?;
            is_more |= due.len() == BATCH;
            if !due.is_empty() {
                self.round(due, now).await?;
            }
            if !is_more {
                return Ok(());
            }
        }
    }

    /// Forgets events that were kept for long enough.
    async fn tidy(&self) -> Result<(), AgendaFault> {
        let before = self.0.clock.unix().minus(KEPT_FOR);
        loop {
            let old = kept::old(&self.0.database, before, LAID).await?;
            if old.is_empty() {
                return Ok(());
            }
            kept::forget(&self.0.database, &old).await?;
        }
    }

    /// Lays a new plan over some events that were there before it. `false`: there is nothing to be laid.
    async fn lay(&self) -> Result<bool, AgendaFault> {
        let Some((plan, after)) = plans::to_lay(&self.0.database).await? else {
            return Ok(false);
        };
        let now = self.0.clock.unix();
        let mut change = self.0.database.change_of(plan.tenant).await?;
        let events = kept::to_come(&mut change, plan.tenant, (after, now, LAID)).await?;
        let seen = Circumstances {
            now,
            occasion: Occasion::Reshaped,
            told: None,
            others_tell: false,
        };
        let of = |event: &Event| -> Vec<(_, Timer)> {
            let timers = timers(&plan, event, &seen).into_iter();
            timers.map(|timer| (event.id, timer)).collect()
        };
        let made: Vec<_> = events.iter().flat_map(of).collect();
        reminders::keep(&mut change, &made).await?;
        let last = events.last().filter(|_| events.len() == LAID);
        plans::set_laid(&mut change, plan.id, last.map(|event| event.id)).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Has events that recur go on to their next occurrence, with its reminders. `false`: none has begun.
    async fn roll(&self) -> Result<bool, AgendaFault> {
        let now = self.0.clock.unix();
        let mut is_more = false;
        for tenant in kept::who_rolls(&self.0.database, now).await? {
            is_more |= self.roll_of(tenant, now).await?;
        }
        Ok(is_more)
    }

    /// The same of some of a tenant's. `false`: these are all.
    async fn roll_of(&self, tenant: TenantId, now: UnixMicros) -> Result<bool, AgendaFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let begun = kept::to_roll(&mut change, (tenant, now), LAID).await?;
        let plans = plans::all_in(&mut change, tenant).await?;
        let (mut events, mut made) = (Vec::with_capacity(begun.len()), Vec::new());
        for mut event in begun {
            let Some((at, before)) = event.next_start(now) else {
                event.state = EventState::Done;
                events.push(event);
                continue;
            };
            event.start.at = at;
            // What is due just as the occurrence before begins is due for this one.
            let seen = Circumstances {
                now: before.minus(Duration::from_micros(1)),
                occasion: Occasion::Reshaped,
                told: None,
                others_tell: false,
            };
            for plan in &plans {
                let timers = timers(plan, &event, &seen).into_iter();
                made.extend(timers.map(|timer| (event.id, timer)));
            }
            events.push(event);
        }
        if !events.is_empty() {
            let events: Vec<&Event> = events.iter().collect();
            kept::write(&mut change, tenant, &events).await?;
        }
        reminders::keep(&mut change, &made).await?;
        change.commit().await?;
        Ok(events.len() == LAID)
    }

    async fn round(&self, due: Vec<Due>, now: UnixMicros) -> Result<(), AgendaFault> {
        let ids: HashSet<ReminderPlanId> = due.iter().map(|due| due.reminder.plan).collect();
        let plans = plans::these(&self.0.database, ids.into_iter()).await?;
        let plans: HashMap<ReminderPlanId, ReminderPlan> = plans.into_iter().map(|plan| (plan.id, plan)).collect();
        let clinics = self.clinics(&due).await?;
        let mut outgoing = self.begin(&due, &plans, now).await?;
        outgoing.extend(self.resume(&due, &plans, now).await?);
        let tellings = outgoing.iter().map(|one| Telling {
            token: one.token,
            plan: &one.plan,
            dues: &one.dues,
            attributes: clinics.get(&one.plan.tenant).map_or(&[], |clinic| &clinic.attributes),
        });
        let links = self.links_of(&tellings.collect::<Vec<_>>()).await?;
        let sends = outgoing
            .into_iter()
            .map(|outgoing| self.send(outgoing, &clinics, &links));
        let ended: Vec<(Token, Ends)> = futures::stream::iter(sends).buffer_unordered(AT_ONCE).collect().await;
        let queued = |(token, ends): &(Token, Ends)| match ends.first() {
            Some((_, Fate::Sent(message))) if links.contains_key(token) => Some((*token, *message)),
            Some(_) | None => None,
        };
        let queued: Vec<(Token, MessageId)> = ended.iter().filter_map(queued).collect();
        self.0.campaigns.links_queued(&queued).await?;
        let ends: Vec<Ends> = ended.into_iter().map(|(_, ends)| ends).collect();
        let mut change = self.0.database.change().await?;
        reminders::note(&mut change, ReminderState::Sending, &ends.concat()).await?;
        Ok(change.commit().await?)
    }

    /// What texts may say of those whose reminders are due.
    async fn clinics(&self, due: &[Due]) -> Result<HashMap<TenantId, Clinic>, AgendaFault> {
        let tenants: HashSet<TenantId> = due.iter().map(|due| due.tenant).collect();
        let known = tenants.into_iter().map(async |tenant| {
            let known = self.0.store.tenant(tenant).await?;
            let clinic = Clinic {
                name: known.map(|tenant| tenant.name).unwrap_or_default(),
                attributes: self.0.people.attributes(tenant).await?,
            };
            Ok((tenant, clinic))
        });
        futures::stream::iter(known)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// What somebody has begun with and left undone.
    async fn resume(
        &self,
        due: &[Due],
        plans: &HashMap<ReminderPlanId, ReminderPlan>,
        now: UnixMicros,
    ) -> Result<Vec<Outgoing>, AgendaFault> {
        let (mut outgoing, mut seen, mut lost) = (Vec::new(), HashSet::new(), Vec::new());
        let mut change = self.0.database.change().await?;
        for due in due.iter().filter(|due| due.reminder.state == ReminderState::Sending) {
            let (Some(token), Some(number)) = (due.reminder.token, due.reminder.number) else {
                continue;
            };
            if !seen.insert(token.0) {
                continue;
            }
            let dues = reminders::under(&mut change, (token, number), now).await?;
            let mut ours = Vec::new();
            for due in dues {
                let key = due.reminder.key();
                let is_known = due.reminder.begun_at.is_some_and(|begun| now.since(begun) < KNOWN_FOR);
                let plan = plans.get(&due.reminder.plan);
                if !is_known || plan.is_none() {
                    lost.push((key, Fate::Skipped("in_doubt".to_owned())));
                } else if reminders::prolong(&mut change, &key, now.plus(TAKEN_FOR)).await? {
                    ours.push(due);
                }
            }
            if let (Some(plan), false) = (plans.get(&due.reminder.plan), ours.is_empty()) {
                outgoing.push(Outgoing {
                    token,
                    number,
                    plan: plan.clone(),
                    dues: ours,
                    again: true,
                });
            }
        }
        reminders::note(&mut change, ReminderState::Sending, &lost).await?;
        change.commit().await?;
        Ok(outgoing)
    }

    /// Asks for a message. What is not known to have been taken or refused is asked for again later, under the same token.
    async fn send(&self, outgoing: Outgoing, clinics: &HashMap<TenantId, Clinic>, links: &Links) -> (Token, Ends) {
        let (tenant, token) = (outgoing.plan.tenant, outgoing.token);
        let ends = match self.message_of(&outgoing, clinics.get(&tenant), links).await {
            Ok(fate) => {
                let keys = outgoing.dues.iter().map(|due| due.reminder.key());
                keys.map(|key| (key, fate.clone())).collect()
            }
            Err(fault) => {
                tracing::warn!(%tenant, %fault, "a reminder is not sent; it is tried again");
                Ends::new()
            }
        };
        (token, ends)
    }

    async fn message_of(
        &self,
        outgoing: &Outgoing,
        clinic: Option<&Clinic>,
        links: &Links,
    ) -> Result<Fate, AgendaFault> {
        let now = self.0.clock.unix();
        let mut fit: Vec<&Due> = outgoing.dues.iter().collect();
        if outgoing.again {
            let known = self.0.store.direct_of(outgoing.number, outgoing.token).await?;
            if let Some((message, _)) = known {
                return Ok(Fate::Sent(message));
            }
            // What it was about may be another by now.
            fit.retain(|due| may_go(Some(&outgoing.plan), due, now).is_ok());
            if fit.is_empty() {
                return Ok(Fate::Cancelled("event_changed"));
            }
        }
        let tenant = outgoing.plan.tenant;
        let link = match links.get(&outgoing.token) {
            Some(Ok(link)) => Some(link.text()),
            Some(Err(reason)) => return Ok(Fate::Skipped(reason.clone())),
            None => None,
        };
        let text = match self.text((&outgoing.plan, &fit), clinic, link).await? {
            Ok(text) => text,
            Err(reason) => return Ok(Fate::Skipped(reason)),
        };
        let order = DirectOrder {
            to: outgoing.number.to_string(),
            text,
            sender: outgoing.plan.definition.sender.clone(),
            purpose: match outgoing.plan.definition.asks_consent {
                true => Purpose::Marketing,
                false => Purpose::Transactional,
            },
            own_number: false,
            without_consent: outgoing.plan.definition.asks_consent,
            in_hours: false,
            guests_only: false,
            encoding: None,
            validity: validity(&outgoing.plan, &fit, now),
            parameters: Parameters::default(),
            // It is kept with those of the others.
            link: None,
        };
        match self.0.campaigns.send(tenant, &order, outgoing.token).await {
            Ok(message) => Ok(Fate::Sent(message)),
            Err(fault @ (CampaignFault::Busy | CampaignFault::TrafficInReview | CampaignFault::Short { .. })) => {
                self.0.campaigns.note_put_off("reminder", &fault);
                let is_busy = matches!(fault, CampaignFault::Busy);
                let wait = if is_busy { WITHOUT_ROOM } else { WITHOUT_CREDIT };
                Ok(Fate::Again(code_of(&fault), now.plus(wait)))
            }
            Err(fault @ (CampaignFault::Store(_) | CampaignFault::Database(_) | CampaignFault::Stopping)) => {
                Err(fault.into())
            }
            Err(fault) => Ok(Fate::Skipped(code_of(&fault))),
        }
    }

    /// What these are told; `Err`: why there is nothing to tell, as a code.
    async fn text(
        &self,
        (plan, dues): (&ReminderPlan, &[&Due]),
        clinic: Option<&Clinic>,
        link: Option<&str>,
    ) -> Result<Result<String, String>, AgendaFault> {
        let people = &self.0.people;
        let mut contacts: HashMap<ContactId, Contact> = HashMap::new();
        for due in dues {
            if let Whom::Contact(id) = due.event.whom {
                match people.contact(plan.tenant, id).await {
                    Ok(contact) => drop(contacts.insert(id, contact)),
                    Err(PeopleFault::NotFound) => {}
                    Err(fault) => return Err(fault.into()),
                }
            }
        }
        let (name, attributes) = clinic.map_or(("", &[][..]), |clinic| (&clinic.name, &clinic.attributes));
        let told: Vec<Told<'_>> = dues
            .iter()
            .map(|due| Told {
                event: &due.event,
                for_at: due.reminder.for_at,
                contact: match due.event.whom {
                    Whom::Contact(id) => contacts.get(&id),
                    Whom::Number(_) => None,
                },
                clinic: name,
            })
            .collect();
        let text = plan.definition.text_of(dues.len());
        let code = |faults: Vec<crate::fault::FieldFault>| {
            let first = faults.first().map(|fault| fault.problem.code());
            first.unwrap_or("invalid").to_owned()
        };
        Ok(fields::render((text, link), &told, attributes).map_err(code))
    }
}

/// Whether a reminder may go now, by which plan and to which number; or what becomes of it.
pub(super) fn may_go<'p>(
    plan: Option<&'p ReminderPlan>,
    due: &Due,
    now: UnixMicros,
) -> Result<(&'p ReminderPlan, Recipient), Fate> {
    let skipped = |reason: &str| Err(Fate::Skipped(reason.to_owned()));
    let (reminder, event) = (&due.reminder, &due.event);
    let Some(plan) = plan else {
        return Err(Fate::Cancelled("plan_gone"));
    };
    let definition = &plan.definition;
    if !definition.trigger.goes_in(event.state) || !definition.is_for(event) {
        return Err(Fate::Cancelled("event_changed"));
    }
    if plan.paused {
        return skipped("plan_paused");
    }
    if due.is_off && definition.trigger.is_reminder() {
        return skipped("reminders_off");
    }
    if due.has_agreed && definition.asks_consent {
        return skipped("has_agreed");
    }
    let Some(number) = due.number_of_now else {
        return skipped("no_number");
    };
    let late = now.since(reminder.due_at);
    let is_too_late = match is_of_a_start_to_come(definition.trigger, due) {
        true => reminder.for_at <= now || (late > LATE && plan.definition.is_too_short(now, reminder.for_at)),
        // The next occurrence has a reminder of its own.
        false if event.series.is_some() => late > REPEATED_FOR,
        false => late > MADE_UP_FOR,
    };
    if is_too_late {
        return skipped("too_late");
    }
    Ok((plan, number))
}

fn is_of_a_start_to_come(trigger: Trigger, due: &Due) -> bool {
    let is_behind = !due.reminder.step.starts_with('-') && due.reminder.step != MOVED;
    match trigger {
        Trigger::Date => !is_behind,
        Trigger::Booked | Trigger::Moved | Trigger::Cancelled => due.event.dated,
        Trigger::NoShow | Trigger::Done => false,
    }
}

/// Behind its start, a reminder of it is worth nothing.
fn validity(plan: &ReminderPlan, dues: &[&Due], now: UnixMicros) -> Option<Duration> {
    let about_start = dues
        .iter()
        .filter(|due| is_of_a_start_to_come(plan.definition.trigger, due));
    let last = about_start.map(|due| due.reminder.for_at).max()?;
    let seconds = i64::try_from(last.since(now).as_secs()).unwrap_or(i64::MAX);
    let seconds = seconds.clamp(VALIDITY_S.0, VALIDITY_S.1);
    Some(Duration::from_secs(seconds.unsigned_abs()))
}
