//! Times that became free: what is cancelled or moved is noted in the change that does so, so that its time may be offered to those who
//! wait, and is not any more once somebody is booked there.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::event::{Details, Event, EventState};
use super::fields::{self, Told};
use super::{Agenda, AgendaFault};
use crate::compose::fold;
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{TenantId, UnixMicros};
use crate::fault::FieldFault;

/// How many minutes before its start a time may still be offered.
pub(crate) const SLOT_NOTICE: (i64, i64) = (15, 7 * 24 * 60);

/// What an event was when it was there: it may be another with another doctor since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Was {
    kind: String,
    details: Details,
}

impl Was {
    fn of(event: &Event) -> Self {
        Self {
            kind: event.kind.clone(),
            details: event.details.clone(),
        }
    }

    /// The event as it was.
    pub(crate) fn put_onto(&self, event: &mut Event) {
        event.kind.clone_from(&self.kind);
        event.details.clone_from(&self.details);
    }
}

/// Who has cancelled, or moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum FreedBy {
    /// By what they answered to a reminder.
    Patient,
    /// Over the API.
    Practice,
}

impl FreedBy {
    pub(crate) const CODES: [&str; 2] = [Self::Patient.into_str(), Self::Practice.into_str()];
}

/// What becomes of a time that became free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum SlotState {
    /// It is still to be offered.
    Free,
    Offered,
    /// Nobody who waits may be asked for it.
    Nobody,
    /// It begins too soon.
    TooLate,
    /// The number from which people are asked is not the tenant's any more.
    NoNumber,
    /// Somebody is booked there, or it was taken back.
    Withdrawn,
}

/// How many people are asked at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlotWave {
    pub(crate) people: u32,
    pub(crate) minutes: u32,
}

/// How a tenant wants that which became free to be offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SlotSettings {
    pub(crate) enabled: bool,
    /// Events of these kinds; none: of all.
    pub(crate) kinds: Vec<String>,
    pub(crate) by: Vec<FreedBy>,
    /// One of the tenant's: people are asked from it, and answer there. Empty: it is not said yet.
    pub(crate) number: String,
    /// Nobody is asked, and nobody gets it, later than so many minutes before the start.
    pub(crate) notice: u32,
    /// `None`: all are asked at once.
    pub(crate) wave: Option<SlotWave>,
    #[serde(flatten)]
    pub(crate) texts: SlotTexts,
}

/// What is said of a time that became free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SlotTexts {
    pub(crate) text: String,
    pub(crate) won: String,
    pub(crate) late: String,
    /// What those are told who have not answered when somebody has it; `None`: nothing.
    pub(crate) others: Option<String>,
}

impl Default for SlotTexts {
    fn default() -> Self {
        Self {
            text: "[clinique] : un rendez-vous se libère [jour] à [heure], [praticien|au cabinet]. Répondez OUI pour le prendre.".to_owned(),
            won: "C'est noté : le rendez-vous du [jour] à [heure] est pour vous.".to_owned(),
            late: "Merci de votre réponse, mais ce rendez-vous est déjà pris.".to_owned(),
            others: None,
        }
    }
}

impl Default for SlotSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            kinds: Vec::new(),
            by: vec![FreedBy::Patient, FreedBy::Practice],
            number: String::new(),
            notice: 120,
            wave: Some(SlotWave { people: 5, minutes: 15 }),
            texts: SlotTexts::default(),
        }
    }
}

impl SlotSettings {
    fn is_for(&self, by: FreedBy, event: &Event) -> bool {
        let kind = fold(&event.kind);
        let is_of_kind = self.kinds.is_empty() || self.kinds.iter().any(|known| fold(known) == kind);
        self.enabled && is_of_kind && self.by.contains(&by)
    }
}

impl SlotTexts {
    /// Each with its name.
    fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let own = [("text", &self.text), ("won", &self.won), ("late", &self.late)];
        let others = self.others.as_ref().map(|others| ("others", others));
        own.into_iter().chain(others).map(|(name, text)| (name, text.as_str()))
    }
}

impl Agenda {
    /// How a tenant wants that which became free to be offered.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn slot_settings(&self, tenant: TenantId) -> Result<SlotSettings, DatabaseError> {
        let found = self.0.database.row(select_settings(tenant), read_settings).await?;
        Ok(found.unwrap_or_default())
    }

    /// Keeps that.
    ///
    /// # Errors
    /// [`AgendaFault::Fields`]: a text names what events do not have, or cannot be sent; or the database's.
    pub(crate) async fn set_slot_settings(&self, tenant: TenantId, settings: &SlotSettings) -> Result<(), AgendaFault> {
        let wording = self.0.campaigns.wording(&self.0.campaigns.terms_of(tenant).await?);
        let mut faults = Vec::new();
        for (name, text) in settings.texts.all() {
            let pointer = format!("/{name}");
            let problem = wording.check(text).err();
            faults.extend(problem.map(|problem| FieldFault::new(pointer.as_str(), problem)));
            faults.extend(fields::check_for_all(&pointer, text).err().unwrap_or_default());
        }
        if !faults.is_empty() {
            return Err(AgendaFault::Fields(faults));
        }
        let mut change = self.0.database.change_of(tenant).await?;
        let mut put = Sql::new("INSERT INTO slot_settings (tenant, says) VALUES (");
        put.value(tenant.0);
        put.push(", ")
            .value(serde_json::to_string(settings).unwrap_or_default());
        put.push(") ON CONFLICT (tenant) DO UPDATE SET says = excluded.says");
        change.run(put).await?;
        Ok(change.commit().await?)
    }

    /// What is said of an event's time that became free.
    ///
    /// # Errors
    /// [`AgendaFault::Fields`]: a text is broken; or whoever does not answer.
    pub(crate) async fn slot_texts(
        &self,
        (tenant, texts): (TenantId, &SlotTexts),
        (event, for_at): (&Event, UnixMicros),
    ) -> Result<SlotTexts, AgendaFault> {
        let tenant = self.0.store.tenant(tenant).await?;
        let told = Told {
            event,
            for_at,
            contact: None,
            clinic: tenant.as_ref().map_or("", |tenant| &tenant.name),
        };
        let said = |text: &String| fields::render((text, None), &[told], &[]).map_err(AgendaFault::Fields);
        Ok(SlotTexts {
            text: said(&texts.text)?,
            won: said(&texts.won)?,
            late: said(&texts.late)?,
            others: texts.others.as_ref().map(said).transpose()?,
        })
    }
}

/// Notes which times become free by changes of events, and which are not any more.
pub(super) async fn follow(
    change: &mut Change,
    (tenant, by, now): (TenantId, FreedBy, UnixMicros),
    changes: &[(Option<&Event>, &Event)],
) -> Result<(), DatabaseError> {
    let freed: Vec<&(Option<&Event>, &Event)> = changes.iter().filter(|change| gives_back(**change, now)).collect();
    let settings = match freed.is_empty() {
        true => Vec::new(),
        false => change.rows(select_settings(tenant), read_settings).await?,
    };
    let settings = settings.into_iter().next().unwrap_or_default();
    for (before, event) in freed {
        if let Some(booked) = before.filter(|booked| settings.is_for(by, booked)) {
            free(change, (tenant, now), (booked, event.turn)).await?;
        }
    }
    // Behind that: what is cancelled may be given to another one in the same change.
    fill(change, (tenant, now), changes).await
}

/// Whether a change of an event has somebody not come then who was to come once, later than now.
fn gives_back((before, event): (Option<&Event>, &Event), now: UnixMicros) -> bool {
    let booked = before.filter(|before| before.state == EventState::Booked && before.dated && before.series.is_none());
    booked.is_some_and(|booked| {
        let is_moved = event.state == EventState::Booked && event.start.at != booked.start.at;
        booked.start.at > now && (event.state == EventState::Cancelled || is_moved)
    })
}

async fn free(
    change: &mut Change,
    (tenant, now): (TenantId, UnixMicros),
    (booked, turn): (&Event, u32),
) -> Result<(), DatabaseError> {
    let mut insert = Sql::new(
        "INSERT INTO freed_slot (event, turn, tenant, starts_at, practitioner, state, people, freed_at, untold, was) VALUES (",
    );
    insert.value(booked.id.0.cast_signed()).push(", ").value(turn);
    insert.push(", ").value(tenant.0);
    insert.push(", ").value(booked.start.at.0.cast_signed());
    insert.push(", ").value(fold(&booked.details.practitioner));
    insert.push(", ").value(SlotState::Free.into_str());
    insert.push(", 0, ").value(now.0.cast_signed()).push(", 0, ");
    insert
        .value(serde_json::to_string(&Was::of(booked)).unwrap_or_default())
        .push(")");
    change.run(insert).await.map(drop)
}

/// A time is free no more when its event is booked again, or another one at that time with the same practitioner. One that is moved away
/// leaves it free.
async fn fill(
    change: &mut Change,
    (tenant, now): (TenantId, UnixMicros),
    changes: &[(Option<&Event>, &Event)],
) -> Result<(), DatabaseError> {
    let is_placed = |(before, event): &&(Option<&Event>, &Event)| {
        let is_as_before = before.is_some_and(|before| before.state == event.state && before.start == event.start);
        event.state == EventState::Booked && event.dated && !is_as_before
    };
    let placed: Vec<&(Option<&Event>, &Event)> = changes.iter().filter(is_placed).collect();
    if placed.is_empty() {
        return Ok(());
    }
    let mut query = Sql::new("SELECT event, turn, starts_at, practitioner FROM freed_slot WHERE tenant = ");
    query.value(tenant.0);
    query.push(" AND starts_at > ").value(now.0.cast_signed());
    // Also what nobody wanted: who joins the waiting list later is asked for it.
    query.push(" AND state IN ('free', 'offered', 'nobody')");
    let read = |row: &Found<'_>| Ok((row.number(0)?, row.number(1)?, row.number(2)?, row.text(3)?));
    for (id, turn, starts_at, practitioner) in change.rows(query, read).await? {
        let fills = |(before, event): &&(Option<&Event>, &Event)| {
            let is_then = event.start.at.0.cast_signed() == starts_at;
            let is_with = fold(&event.details.practitioner) == practitioner && !practitioner.is_empty();
            let is_again = before.is_some_and(|before| before.state != EventState::Booked);
            (is_then && is_with) || (event.id.0.cast_signed() == id && (is_then || is_again))
        };
        if !placed.iter().copied().any(|one| fills(&one)) {
            continue;
        }
        let mut update = Sql::new("UPDATE freed_slot SET state = ");
        update.value(SlotState::Withdrawn.into_str());
        update.push(" WHERE event = ").value(id);
        update.push(" AND turn = ").value(turn);
        change.run(update).await?;
    }
    Ok(())
}

fn select_settings(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT says FROM slot_settings WHERE tenant = ");
    query.value(tenant.0);
    query
}

fn read_settings(row: &Found<'_>) -> Result<SlotSettings, DatabaseError> {
    row.parsed(0, "how times that became free are offered", |says| {
        serde_json::from_str(says).ok()
    })
}
