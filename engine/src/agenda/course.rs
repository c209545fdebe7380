//! The course of a reminder: when it is due, it is written down under which token its message is asked for and to which number; then it is
//! asked for; then it is written down which message it became. A crash between two has the same asked for again, which makes the same
//! message.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt;
use jiff::ToSpan;
use tokio_util::sync::CancellationToken;

use super::event::{Event, EventState, Occasion};
use super::fields::{self, Told};
use super::plan::{Circumstances, MOVED, ReminderPlan, Timer, Trigger, timers};
use super::reminders::{self, Beginning, Due, Fate, Key, Reminder, ReminderState};
use super::{Agenda, AgendaFault, Whom, asked, kept, plans};
use crate::audience::VALIDITY_S;
use crate::campaign::{CampaignFault, DirectOrder, code_of};
use crate::database::Change;
use crate::domain::{ContactId, Parameters, Purpose, Recipient, ReminderPlanId, TenantId, UnixMicros};
use crate::guard::Verdict;
use crate::people::{Contact, PeopleFault};
use crate::store::{KeyOwner, Token};

/// How often it is looked what is due.
const TICK: Duration = Duration::from_millis(500);

/// Reminders that are taken in one go.
const BATCH: usize = 200;

/// Messages that are asked for at once.
const AT_ONCE: usize = 16;

/// Events that a new plan is laid over in one go.
const LAID: usize = 1_000;

/// Who has not sent what it has taken by then has died, and another sends it.
const TAKEN_FOR: Duration = Duration::from_secs(10);

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
struct Outgoing {
    token: Token,
    number: Recipient,
    plan: ReminderPlan,
    dues: Vec<Due>,
    /// Somebody has begun with it before.
    again: bool,
}

/// What became of reminders that were being sent; without a fate they are taken again later.
type Ends = Vec<(Key, Option<Fate>)>;

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
            let mut is_more = self.lay().await?;
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
        let mut outgoing = self.begin(&due, &plans, now).await?;
        outgoing.extend(self.resume(&due, &plans, now).await?);
        let sends = outgoing.into_iter().map(|outgoing| self.send(outgoing));
        let ends: Vec<Ends> = futures::stream::iter(sends).buffer_unordered(AT_ONCE).collect().await;
        let mut change = self.0.database.change().await?;
        for (key, fate) in ends.iter().flatten() {
            if let Some(fate) = fate {
                reminders::note(&mut change, (key, ReminderState::Sending), fate).await?;
            }
        }
        Ok(change.commit().await?)
    }

    /// Writes down what is sent of what waits, and what is not.
    async fn begin(
        &self,
        due: &[Due],
        plans: &HashMap<ReminderPlanId, ReminderPlan>,
        now: UnixMicros,
    ) -> Result<Vec<Outgoing>, AgendaFault> {
        let (mut outgoing, mut taken) = (Vec::new(), HashSet::new());
        let mut change = self.0.database.change().await?;
        for due in due.iter().filter(|due| due.reminder.state == ReminderState::Waiting) {
            let key = due.reminder.key();
            if taken.contains(&key) {
                continue;
            }
            let (plan, number) = match may_go(plans.get(&due.reminder.plan), due, now) {
                Ok(fit) => fit,
                Err(fate) => {
                    reminders::note(&mut change, (&key, ReminderState::Waiting), &fate).await?;
                    continue;
                }
            };
            if reminders::is_overtaken(&mut change, due, now).await? {
                let fate = Fate::Skipped("overtaken".to_owned());
                reminders::note(&mut change, (&key, ReminderState::Waiting), &fate).await?;
                continue;
            }
            let begun = Beginning {
                token: token_of(due.tenant, &due.reminder),
                number,
                sender: &plan.definition.sender,
                now,
                until: now.plus(TAKEN_FOR),
            };
            if plan.definition.asks_consent && !asked::ask(&mut change, (due, number), now).await? {
                let fate = Fate::Skipped("asked_before".to_owned());
                reminders::note(&mut change, (&key, ReminderState::Waiting), &fate).await?;
                continue;
            }
            let dues = begin_alike(&mut change, (plan, due), &begun).await?;
            taken.extend(dues.iter().map(|due| due.reminder.key()));
            if !dues.is_empty() {
                outgoing.push(Outgoing {
                    token: begun.token,
                    number,
                    plan: plan.clone(),
                    dues,
                    again: false,
                });
            }
        }
        change.commit().await?;
        Ok(outgoing)
    }

    /// What somebody has begun with and left undone.
    async fn resume(
        &self,
        due: &[Due],
        plans: &HashMap<ReminderPlanId, ReminderPlan>,
        now: UnixMicros,
    ) -> Result<Vec<Outgoing>, AgendaFault> {
        let (mut outgoing, mut seen) = (Vec::new(), HashSet::new());
        for due in due.iter().filter(|due| due.reminder.state == ReminderState::Sending) {
            let (Some(token), Some(number)) = (due.reminder.token, due.reminder.number) else {
                continue;
            };
            if !seen.insert(token.0) {
                continue;
            }
            let dues = reminders::under(&self.0.database, (token, number), now).await?;
            let mut change = self.0.database.change().await?;
            let mut ours = Vec::new();
            for due in dues {
                let key = due.reminder.key();
                let is_known = due.reminder.begun_at.is_some_and(|begun| now.since(begun) < KNOWN_FOR);
                let plan = plans.get(&due.reminder.plan);
                if !is_known || plan.is_none() {
                    let fate = Fate::Skipped("in_doubt".to_owned());
                    reminders::note(&mut change, (&key, ReminderState::Sending), &fate).await?;
                } else if reminders::prolong(&mut change, &key, now.plus(TAKEN_FOR)).await? {
                    ours.push(due);
                }
            }
            change.commit().await?;
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
        Ok(outgoing)
    }

    /// Asks for a message. What is not known to have been taken or refused is asked for again later, under the same token.
    async fn send(&self, outgoing: Outgoing) -> Ends {
        let keys: Vec<Key> = outgoing.dues.iter().map(|due| due.reminder.key()).collect();
        let fate = match self.message_of(&outgoing).await {
            Ok(fate) => Some(fate),
            Err(fault) => {
                tracing::warn!(tenant = %outgoing.plan.tenant, %fault, "a reminder is not sent; it is tried again");
                None
            }
        };
        keys.into_iter().map(|key| (key, fate.clone())).collect()
    }

    async fn message_of(&self, outgoing: &Outgoing) -> Result<Fate, AgendaFault> {
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
        let text = match self.text(&outgoing.plan, &fit).await? {
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
        };
        match self.0.campaigns.send(tenant, &order, outgoing.token).await {
            Ok(message) => Ok(Fate::Sent(message)),
            Err(CampaignFault::Busy) => Ok(Fate::Again("busy".to_owned(), now.plus(WITHOUT_ROOM))),
            Err(fault @ CampaignFault::TrafficInReview) => Ok(Fate::Again(code_of(&fault), now.plus(WITHOUT_CREDIT))),
            Err(CampaignFault::Short { .. }) => {
                Ok(Fate::Again("insufficient_credit".to_owned(), now.plus(WITHOUT_CREDIT)))
            }
            Err(fault @ (CampaignFault::Store(_) | CampaignFault::Database(_) | CampaignFault::Stopping)) => {
                Err(fault.into())
            }
            Err(fault) => Ok(Fate::Skipped(code_of(&fault))),
        }
    }

    /// What these are told; `Err`: why there is nothing to tell, as a code.
    async fn text(&self, plan: &ReminderPlan, dues: &[&Due]) -> Result<Result<String, String>, AgendaFault> {
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
        let tenant = self.0.store.tenant(plan.tenant).await?;
        let clinic = tenant.map(|tenant| tenant.name).unwrap_or_default();
        let told: Vec<Told<'_>> = dues
            .iter()
            .map(|due| Told {
                event: &due.event,
                for_at: due.reminder.for_at,
                contact: match due.event.whom {
                    Whom::Contact(id) => contacts.get(&id),
                    Whom::Number(_) => None,
                },
                clinic: &clinic,
            })
            .collect();
        let definition = &plan.definition;
        let merged = definition.merged_text.as_ref().filter(|_| dues.len() > 1);
        let text = merged.unwrap_or(&definition.text);
        let attributes = people.attributes(plan.tenant).await?;
        let code = |faults: Vec<crate::fault::FieldFault>| {
            let first = faults.first().map(|fault| fault.problem.code());
            first.unwrap_or("invalid").to_owned()
        };
        Ok(fields::render(text, &told, &attributes).map_err(code))
    }
}

/// Whether a reminder may go now, by which plan and to which number; or what becomes of it.
fn may_go<'p>(
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

/// Begins with a reminder, and with those that its text can tell as well: of the same plan and number, on the same day.
async fn begin_alike(
    change: &mut Change,
    (plan, due): (&ReminderPlan, &Due),
    begun: &Beginning<'_>,
) -> Result<Vec<Due>, AgendaFault> {
    let zone = due.event.start.time_zone();
    let at = due.reminder.for_at.timestamp().unwrap_or_default();
    let day = zone.to_datetime(at).date();
    let first = |day: jiff::civil::Date| {
        let start = zone.to_ambiguous_timestamp(day.to_datetime(jiff::civil::Time::midnight()));
        start.compatible().map_or(due.reminder.for_at, |start| {
            UnixMicros(u64::try_from(start.as_microsecond()).unwrap_or_default())
        })
    };
    let range = (first(day), first(day.saturating_add(1.day())));
    let mut alike = reminders::alike(change, (due, begun.now), range).await?;
    let own = due.reminder.key();
    if alike.iter().all(|other| other.reminder.key() != own) {
        alike = vec![due.clone()];
    }
    let mut begun_with = Vec::new();
    for other in alike {
        let key = other.reminder.key();
        if key != own && may_go(Some(plan), &other, begun.now).is_err() {
            continue;
        }
        let open_until = open_until(plan.definition.trigger, &other, begun.now);
        if reminders::begin(change, (&key, open_until), begun).await? {
            begun_with.push(other);
        }
    }
    Ok(begun_with)
}

/// Until when an answer to it is one to its event.
fn open_until(trigger: Trigger, due: &Due, now: UnixMicros) -> Option<UnixMicros> {
    let asks = match trigger {
        Trigger::Date | Trigger::Booked | Trigger::Moved => due.event.dated,
        Trigger::Cancelled | Trigger::NoShow | Trigger::Done => false,
    };
    Some(due.reminder.for_at).filter(|start| asks && *start > now)
}

/// What a reminder's message is known by; each try that has surely sent nothing is followed by another one.
fn token_of(tenant: TenantId, reminder: &Reminder) -> Token {
    let Reminder {
        event,
        plan,
        step,
        for_at,
        turn,
        tries,
        ..
    } = reminder;
    let key = format!("{event} {plan} {step} {} {turn} {tries}", for_at.0);
    Token::of_key(KeyOwner::Tenant(tenant), "reminder", &key)
}
