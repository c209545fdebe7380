//! How a reminder begins: it is written down under which token its message is asked for, to which number, and what else that tells of.

use std::collections::{HashMap, HashSet};

use jiff::ToSpan;

use super::course::{Outgoing, TAKEN_FOR, may_go};
use super::plan::{ReminderPlan, Trigger};
use super::reminders::{self, Beginning, Company, Due, Fate, Key, Reminder, ReminderState};
use super::{Agenda, AgendaFault, asked};
use crate::database::Change;
use crate::domain::{ReminderPlanId, TenantId, UnixMicros};
use crate::store::{KeyOwner, Token};

/// What is decided about those that wait, before it is written down.
#[derive(Default)]
struct Decided {
    outgoing: Vec<Outgoing>,
    fates: Vec<(Key, Fate)>,
    /// All of both.
    keys: HashSet<Key>,
}

impl Decided {
    fn ends(&mut self, key: Key, fate: Fate) {
        self.keys.insert(key.clone());
        self.fates.push((key, fate));
    }

    fn goes(&mut self, outgoing: Outgoing) {
        self.keys.extend(outgoing.dues.iter().map(|due| due.reminder.key()));
        self.outgoing.push(outgoing);
    }
}

impl Agenda {
    /// Writes down what is sent of what waits, and what is not.
    pub(super) async fn begin(
        &self,
        due: &[Due],
        plans: &HashMap<ReminderPlanId, ReminderPlan>,
        now: UnixMicros,
    ) -> Result<Vec<Outgoing>, AgendaFault> {
        let is_waiting = |due: &&Due| due.reminder.state == ReminderState::Waiting;
        let waiting: Vec<&Due> = due.iter().filter(is_waiting).collect();
        let mut change = self.0.database.change().await?;
        let company = Company::of(&mut change, &waiting, now).await?;
        let mut decided = Decided::default();
        for due in waiting {
            let key = due.reminder.key();
            if decided.keys.contains(&key) {
                continue;
            }
            let (plan, number) = match may_go(plans.get(&due.reminder.plan), due, now) {
                Ok(fit) => fit,
                Err(fate) => {
                    decided.ends(key, fate);
                    continue;
                }
            };
            if company.has_overtaken(due) {
                decided.ends(key, Fate::Skipped("overtaken".to_owned()));
                continue;
            }
            if plan.definition.asks_consent && !asked::ask(&mut change, (due, number), now).await? {
                decided.ends(key, Fate::Skipped("asked_before".to_owned()));
                continue;
            }
            let mut dues = vec![due.clone()];
            if company.is_crowded(due) {
                dues = with_alike(&mut change, (plan, due), now).await?;
                dues.retain(|other| !decided.keys.contains(&other.reminder.key()));
            }
            decided.goes(Outgoing {
                token: token_of(due.tenant, &due.reminder),
                number,
                plan: plan.clone(),
                dues,
                again: false,
            });
        }
        let begun = begin_all(&mut change, &decided.outgoing, now).await?;
        reminders::note(&mut change, ReminderState::Waiting, &decided.fates).await?;
        change.commit().await?;
        let mut outgoing = decided.outgoing;
        for one in &mut outgoing {
            one.dues.retain(|due| begun.contains(&due.reminder.key()));
        }
        outgoing.retain(|one| !one.dues.is_empty());
        Ok(outgoing)
    }
}

/// Returns those that nobody has begun with, or changed, meanwhile.
async fn begin_all(change: &mut Change, outgoing: &[Outgoing], now: UnixMicros) -> Result<HashSet<Key>, AgendaFault> {
    let dues = outgoing
        .iter()
        .flat_map(|one| one.dues.iter().map(move |due| (one, due)));
    let beginnings: Vec<Beginning<'_>> = dues
        .map(|(one, due)| Beginning {
            key: due.reminder.key(),
            token: one.token,
            number: one.number,
            sender: &one.plan.definition.sender,
            open_until: open_until(one.plan.definition.trigger, due, now),
        })
        .collect();
    Ok(reminders::begin(change, &beginnings, (now, now.plus(TAKEN_FOR))).await?)
}

/// A reminder, and those that its text can tell as well: of the same plan and number, on the same day.
async fn with_alike(
    change: &mut Change,
    (plan, due): (&ReminderPlan, &Due),
    now: UnixMicros,
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
    let mut alike = reminders::alike(change, (due, now), range).await?;
    let own = due.reminder.key();
    if alike.iter().all(|other| other.reminder.key() != own) {
        return Ok(vec![due.clone()]);
    }
    alike.retain(|other| other.reminder.key() == own || may_go(Some(plan), other, now).is_ok());
    Ok(alike)
}

/// Until when an answer to it is one to its event.
fn open_until(trigger: Trigger, due: &Due, now: UnixMicros) -> Option<UnixMicros> {
    let asks = match trigger {
        Trigger::Date | Trigger::Booked | Trigger::Moved => due.event.dated,
        Trigger::Cancelled | Trigger::NoShow | Trigger::Done => false,
    };
    Some(due.reminder.for_at).filter(|start| asks && *start > now)
}

/// What a reminder's message is known by; each try that has surely sent nothing is followed by another one. One that is told again has another
/// time.
fn token_of(tenant: TenantId, reminder: &Reminder) -> Token {
    let Reminder {
        event,
        plan,
        step,
        for_at,
        turn,
        due_at,
        tries,
        ..
    } = reminder;
    let key = format!("{event} {plan} {step} {} {turn} {} {tries}", for_at.0, due_at.0);
    Token::of_key(KeyOwner::Tenant(tenant), "reminder", &key)
}
