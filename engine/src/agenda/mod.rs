//! What is in the diaries of practices, and of what people are reminded: appointments, results, treatments.

mod answers;
mod asked;
mod begin;
mod course;
mod event;
mod fields;
mod freed;
mod kept;
mod links;
mod offset;
mod plan;
mod plans;
mod questions;
mod recall;
mod reminders;
mod upsert;

use std::sync::Arc;

pub(crate) use answers::EventAnswer;
pub(crate) use event::{Event, EventState, GivenEvent, GivenWhom, Start, TIME_ZONE, Whom};
pub(crate) use freed::{FreedBy, SLOT_NOTICE, SlotSettings, SlotState, SlotTexts, SlotWave, Was};
pub(crate) use kept::Sought;
pub(crate) use offset::{Hours, Offset};
pub(crate) use plan::{Definition, PlanEdit, ReminderPlan, Trigger};
pub(crate) use questions::{OpenQuestion, open_questions};
pub(crate) use reminders::{Reminder, ReminderState};
pub(crate) use upsert::EVENTS_MAX;

use crate::campaign::{CampaignFault, Campaigns};
use crate::clock::Clock;
use crate::compose::Sender;
use crate::database::{Database, DatabaseError, Sql};
use crate::domain::{ContactId, EventId, Recipient, ReminderPlanId, TenantId, UnixMicros};
use crate::fault::FieldFault;
use crate::people::{People, PeopleFault};
use crate::store::{Store, StoreError};

/// The most plans of one tenant: each may make timers for each event.
pub(crate) const PLANS_MAX: usize = 50;

/// The most times of one plan.
pub(crate) const OFFSETS_MAX: usize = 5;

/// How long an event takes, in minutes: a week at most.
pub(crate) const EVENT_MINUTES: (i64, i64) = (1, 7 * 24 * 60);

/// Minutes before a start within which nobody is told of it late.
pub(crate) const NOTICE: (i64, i64) = (0, 24 * 60);

/// Why something cannot be done to a diary.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgendaFault {
    /// There is no such event, plan or contact, or it is another tenant's.
    #[error("no such event, plan or contact")]
    NotFound,
    /// The request is wrong, and where.
    #[error("{} faults in the request", .0.len())]
    Fields(Vec<FieldFault>),
    /// The tenant has as many plans as it may have.
    #[error("{PLANS_MAX} plans are the most")]
    TooManyPlans,
    #[error(transparent)]
    Campaign(#[from] CampaignFault),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<PeopleFault> for AgendaFault {
    fn from(fault: PeopleFault) -> Self {
        match fault {
            PeopleFault::NotFound => Self::NotFound,
            PeopleFault::Fields(faults) => Self::Fields(faults),
            PeopleFault::Database(error) => Self::Database(error),
        }
    }
}

/// The diaries of all tenants. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Agenda(Arc<Shared>);

struct Shared {
    database: Database,
    store: Store,
    people: People,
    campaigns: Campaigns,
    clock: Clock,
}

impl Agenda {
    /// Those of that database.
    pub(crate) fn new(
        (database, store, clock): (Database, Store, Clock),
        people: People,
        campaigns: Campaigns,
    ) -> Self {
        Self(Arc::new(Shared {
            database,
            store,
            people,
            campaigns,
            clock,
        }))
    }

    /// Those of a tenant that are sought, by their start, from behind `after` on.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn events(
        &self,
        of: (TenantId, &Sought),
        page: (Option<EventId>, usize),
    ) -> Result<Vec<Event>, DatabaseError> {
        kept::some(&self.0.database, of, page).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`AgendaFault::NotFound`], or the database's.
    pub(crate) async fn event(&self, tenant: TenantId, id: EventId) -> Result<Event, AgendaFault> {
        let found = kept::one(&self.0.database, (tenant, id)).await?;
        found.ok_or(AgendaFault::NotFound)
    }

    /// Its reminders, in the order of their times.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn reminders(&self, event: EventId) -> Result<Vec<Reminder>, DatabaseError> {
        reminders::of(&self.0.database, event).await
    }

    /// What a number was asked and may still answer, what was asked last first.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn open_questions(&self, of: (TenantId, Recipient)) -> Result<Vec<OpenQuestion>, DatabaseError> {
        let mut open = open_questions(&self.0.database, of, self.0.clock.unix()).await?;
        open.retain(|question| question.ended_at.is_none());
        Ok(open)
    }

    /// The same as it was at that time, and what an answer had ended of late.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn open_questions_at(
        &self,
        of: (TenantId, Recipient),
        at: UnixMicros,
    ) -> Result<Vec<OpenQuestion>, DatabaseError> {
        open_questions(&self.0.database, of, at).await
    }

    /// Sets the state of an event, and with it what becomes of its reminders.
    ///
    /// # Errors
    /// As [`Agenda::event`].
    pub(crate) async fn set_state(
        &self,
        (tenant, id): (TenantId, EventId),
        state: EventState,
    ) -> Result<Event, AgendaFault> {
        self.set_state_by((tenant, id), (state, FreedBy::Practice)).await
    }

    async fn set_state_by(
        &self,
        (tenant, id): (TenantId, EventId),
        (state, by): (EventState, FreedBy),
    ) -> Result<Event, AgendaFault> {
        let event = self.event(tenant, id).await?;
        let given = GivenEvent {
            reference: event.reference,
            whom: None,
            kind: None,
            state: Some(state),
            start: None,
            repeat: None,
            practice: None,
            practitioner: None,
            place: None,
            floor: None,
            minutes: None,
            link: None,
            attributes: std::collections::BTreeMap::new(),
        };
        self.upsert_by((tenant, by), &[given]).await?;
        self.event(tenant, id).await
    }

    /// Makes a plan: its reminders are made for events that come, and, of those by date, for events that are there.
    ///
    /// # Errors
    /// [`AgendaFault::Fields`], [`AgendaFault::TooManyPlans`], or the database's.
    pub(crate) async fn make_plan(
        &self,
        tenant: TenantId,
        (name, definition): (&str, Definition),
    ) -> Result<ReminderPlan, AgendaFault> {
        self.check(tenant, &definition).await?;
        let is_for_known = definition.trigger == Trigger::Date;
        let new = ReminderPlan {
            id: ReminderPlanId(0),
            tenant,
            name: name.to_owned(),
            definition,
            paused: false,
            created_at: self.0.clock.unix(),
        };
        plans::insert(&self.0.database, new, is_for_known).await
    }

    async fn check(&self, tenant: TenantId, definition: &Definition) -> Result<(), AgendaFault> {
        let attributes = self.0.people.attributes(tenant).await?;
        let terms = self.0.campaigns.terms_of(tenant).await?;
        let wording = self.0.campaigns.wording_of(tenant, &terms).await?;
        let mut faults = Vec::new();
        // What events bring is as good as the plan's own.
        let may_link = wording.longest_link().is_some();
        if let Some(url) = &definition.link {
            let fault = wording.shorten(url).err();
            faults.extend(fault.map(|problem| FieldFault::new("/link", problem)));
        }
        let merged = definition.merged_text.as_deref().map(|text| ("/merged_text", text));
        for (pointer, text) in [Some(("/text", definition.text.as_str())), merged]
            .into_iter()
            .flatten()
        {
            if let Err(problem) = wording.check(text) {
                faults.push(FieldFault::new(pointer, problem));
            }
            let has_link = fields::has_link(text, &attributes, definition.link.is_some()) && may_link;
            let checked = fields::check((pointer, text), &attributes, has_link);
            faults.extend(checked.err().unwrap_or_default());
        }
        let sender = Sender::parse(&definition.sender).and_then(|sender| wording.check_sender(&sender));
        faults.extend(sender.err().map(|problem| FieldFault::new("/sender", problem)));
        if faults.is_empty() {
            Ok(())
        } else {
            Err(AgendaFault::Fields(faults))
        }
    }

    /// A tenant's plans, in the order in which they were made.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn plans(&self, tenant: TenantId) -> Result<Vec<ReminderPlan>, DatabaseError> {
        plans::all(&self.0.database, tenant).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`AgendaFault::NotFound`], or the database's.
    pub(crate) async fn plan(&self, tenant: TenantId, id: ReminderPlanId) -> Result<ReminderPlan, AgendaFault> {
        plans::one(&self.0.database, (tenant, id)).await
    }

    /// Changes what a plan says. When it tells of what stays as it is: of what people were told goes with that.
    ///
    /// # Errors
    /// As [`Agenda::plan`] and [`Agenda::make_plan`].
    pub(crate) async fn edit_plan(
        &self,
        (tenant, id): (TenantId, ReminderPlanId),
        edit: &PlanEdit,
    ) -> Result<ReminderPlan, AgendaFault> {
        let edited = edit.applied_to(self.plan(tenant, id).await?);
        self.check(tenant, &edited.definition).await?;
        plans::edit(&self.0.database, (tenant, id), edit).await
    }

    /// What is due while a plan is paused is skipped, and not made up for.
    ///
    /// # Errors
    /// As [`Agenda::plan`].
    pub(crate) async fn set_paused(
        &self,
        (tenant, id): (TenantId, ReminderPlanId),
        paused: bool,
    ) -> Result<ReminderPlan, AgendaFault> {
        plans::set_paused(&self.0.database, (tenant, id), paused).await?;
        self.plan(tenant, id).await
    }

    /// Forgets a plan: what waits of it is not sent.
    ///
    /// # Errors
    /// As [`Agenda::plan`].
    pub(crate) async fn forget_plan(&self, tenant: TenantId, id: ReminderPlanId) -> Result<(), AgendaFault> {
        plans::forget(&self.0.database, (tenant, id)).await
    }

    /// Whether a contact gets reminders; what was moved or cancelled they are told all the same.
    ///
    /// # Errors
    /// [`AgendaFault::NotFound`]: the tenant has no such contact; or the database's.
    pub(crate) async fn set_reminders(
        &self,
        (tenant, contact): (TenantId, ContactId),
        wanted: bool,
    ) -> Result<(), AgendaFault> {
        self.0.people.contact(tenant, contact).await?;
        let mut change = self.0.database.change_of(tenant).await?;
        let mut sql;
        if wanted {
            sql = Sql::new("DELETE FROM reminders_off WHERE contact = ");
            sql.value(contact.0.cast_signed());
        } else {
            sql = Sql::new("INSERT INTO reminders_off (contact, since) VALUES (");
            sql.value(contact.0.cast_signed()).push(", ");
            sql.value(self.0.clock.unix().0.cast_signed());
            sql.push(") ON CONFLICT (contact) DO NOTHING");
        }
        change.run(sql).await?;
        Ok(change.commit().await?)
    }

    /// Whether they do, and since when they do not.
    ///
    /// # Errors
    /// As [`Agenda::set_reminders`].
    pub(crate) async fn reminders_off_since(
        &self,
        (tenant, contact): (TenantId, ContactId),
    ) -> Result<Option<UnixMicros>, AgendaFault> {
        self.0.people.contact(tenant, contact).await?;
        let mut query = Sql::new("SELECT since FROM reminders_off WHERE contact = ");
        query.value(contact.0.cast_signed());
        let since = self.0.database.row(query, |row| row.number(0)).await?;
        Ok(since.map(kept::time))
    }
}
