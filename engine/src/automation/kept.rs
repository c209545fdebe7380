//! Automations and their runs, in SQL.

use jiff::civil::Date;
use strum::{EnumString, IntoStaticStr};

use super::timetable::Timetable;
use super::{AUTOMATIONS_MAX, AutomationFault};
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{AutomationId, CampaignId, TenantId, UnixMicros};

/// Runs that are shown of one automation.
const RUNS_SHOWN: i64 = 20;

/// Runs and automations that are looked at in one go.
const LOOKED_AT: i64 = 100;

/// Campaigns that are made again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Automation {
    pub(crate) id: AutomationId,
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) timetable: Timetable,
    /// A campaign as it is ordered, in JSON.
    pub(crate) order: String,
    pub(crate) paused: bool,
    pub(crate) next: Option<Occurrence>,
    pub(crate) created_at: UnixMicros,
}

/// A day, and when it begins for an automation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) day: Date,
    pub(crate) at: UnixMicros,
}

/// What became of an occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) automation: AutomationId,
    pub(crate) occurrence: Occurrence,
    pub(crate) state: RunState,
    /// A code of the API; empty: nothing is to be said.
    pub(crate) reason: String,
    pub(crate) campaign: Option<CampaignId>,
}

/// Where an occurrence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum RunState {
    /// Its campaign is being made.
    Begun,
    /// Whom it means is being found out.
    Launched,
    /// Its campaign was launched.
    Sent,
    /// Its campaign waits for credits, and goes by `launch`.
    Blocked,
    /// No campaign could be made, or launched.
    Refused,
    /// It meant nobody.
    Nobody,
    /// The campaign of the one before still waited for its hours, and means the same people.
    Skipped,
    /// No engine ran then, and its time was over when one did.
    Missed,
    /// Its campaign was ended before it was launched, or went with a Redis that was lost.
    Gone,
}

impl RunState {
    pub(crate) const CODES: [&str; 9] = [
        Self::Begun.code(),
        Self::Launched.code(),
        Self::Sent.code(),
        Self::Blocked.code(),
        Self::Refused.code(),
        Self::Nobody.code(),
        Self::Skipped.code(),
        Self::Missed.code(),
        Self::Gone.code(),
    ];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

const COLUMNS: &str = "id, tenant, name, timetable, campaign_order, paused, next_day, next_at, created_at";

const RUN_COLUMNS: &str = "automation, day, due_at, state, reason, campaign";

/// Keeps a new one, and gives it its number.
///
/// # Errors
/// [`AutomationFault::TooMany`], or the database's.
pub(super) async fn insert(database: &Database, new: Automation) -> Result<Automation, AutomationFault> {
    let mut change = database.change().await?;
    let mut count = Sql::new("SELECT COUNT(*) FROM automation WHERE tenant = ");
    count.value(new.tenant.0);
    let counted = change.rows(count, |row| row.number(0)).await?;
    if counted.first().is_some_and(|count| *count >= AUTOMATIONS_MAX as i64) {
        return Err(AutomationFault::TooMany);
    }
    let id = change.numbers("automation", 1).await?;
    let timetable = serde_json::to_string(&new.timetable).unwrap_or_default();
    let mut insert = Sql::new("INSERT INTO automation (");
    insert.push(COLUMNS).push(") VALUES (").value(id);
    insert.push(", ").value(new.tenant.0);
    for text in [&new.name, &timetable, &new.order] {
        insert.push(", ").value(text.as_str());
    }
    insert.push(", 0, ").value(new.next.map(|next| next.day.to_string()));
    insert.push(", ").value(new.next.map(|next| next.at.0.cast_signed()));
    insert.push(", ").value(new.created_at.0.cast_signed()).push(")");
    change.run(insert).await?;
    change.commit().await?;
    let id = AutomationId(id.cast_unsigned());
    Ok(Automation { id, ..new })
}

/// Those of a tenant, in the order in which they were made.
pub(super) async fn all(database: &Database, tenant: TenantId) -> Result<Vec<Automation>, DatabaseError> {
    let mut query = select();
    query.push(" WHERE tenant = ").value(tenant.0).push(" ORDER BY id");
    database.rows(query, read).await
}

pub(super) async fn one(
    database: &Database,
    (tenant, id): (TenantId, AutomationId),
) -> Result<Automation, AutomationFault> {
    let mut query = select();
    query.push(" WHERE tenant = ").value(tenant.0);
    query.push(" AND id = ").value(id.0.cast_signed());
    database.row(query, read).await?.ok_or(AutomationFault::NotFound)
}

pub(super) async fn forget(database: &Database, (tenant, id): (TenantId, AutomationId)) -> Result<(), AutomationFault> {
    let mut change = database.change_of(tenant).await?;
    let mut delete = Sql::new("DELETE FROM automation WHERE tenant = ");
    delete.value(tenant.0).push(" AND id = ").value(id.0.cast_signed());
    if change.run(delete).await? == 0 {
        return Err(AutomationFault::NotFound);
    }
    Ok(change.commit().await?)
}

/// Pauses one, or has it go on with that occurrence.
pub(super) async fn set_paused(
    database: &Database,
    id: AutomationId,
    (paused, next): (bool, Option<Occurrence>),
) -> Result<(), DatabaseError> {
    let mut change = database.change().await?;
    let mut update = Sql::new("UPDATE automation SET paused = ");
    update.value(i64::from(paused)).push(", ");
    set_next(next, &mut update);
    update.push(" WHERE id = ").value(id.0.cast_signed());
    change.run(update).await?;
    change.commit().await
}

/// Those whose next occurrence has come.
pub(super) async fn due(database: &Database, now: UnixMicros) -> Result<Vec<Automation>, DatabaseError> {
    let mut query = select();
    query.push(" WHERE paused = 0 AND next_at IS NOT NULL AND next_at <= ");
    query.value(now.0.cast_signed());
    query.push(" ORDER BY next_at LIMIT ").value(LOOKED_AT);
    database.rows(query, read).await
}

/// An occurrence is begun, once, and the next one waits for its time. `false`: somebody else has begun it.
pub(super) async fn begin(database: &Database, run: &Run, next: Option<Occurrence>) -> Result<bool, DatabaseError> {
    let mut change = database.change().await?;
    let (id, day) = (run.automation.0.cast_signed(), run.occurrence.day.to_string());
    let mut update = Sql::new("UPDATE automation SET ");
    set_next(next, &mut update);
    update.push(" WHERE paused = 0 AND id = ").value(id);
    update.push(" AND next_day = ").value(day.as_str());
    if change.run(update).await? == 0 {
        return Ok(false);
    }
    let mut insert = Sql::new("INSERT INTO automation_run (");
    insert.push(RUN_COLUMNS).push(") VALUES (").value(id);
    insert.push(", ").value(day.as_str());
    insert.push(", ").value(run.occurrence.at.0.cast_signed());
    insert.push(", ").value(run.state.code());
    insert.push(", '', NULL) ON CONFLICT (automation, day) DO NOTHING");
    let begun = change.run(insert).await? == 1;
    change.commit().await?;
    Ok(begun)
}

fn set_next(next: Option<Occurrence>, update: &mut Sql) {
    update.push("next_day = ").value(next.map(|next| next.day.to_string()));
    update
        .push(", next_at = ")
        .value(next.map(|next| next.at.0.cast_signed()));
}

/// Runs of which something is still to be done or found out, the oldest first.
pub(super) async fn open(database: &Database) -> Result<Vec<Run>, DatabaseError> {
    let mut query = Sql::new("SELECT ");
    query
        .push(RUN_COLUMNS)
        .push(" FROM automation_run WHERE state IN ('begun', 'launched')");
    query.push(" ORDER BY due_at, automation LIMIT ").value(LOOKED_AT);
    database.rows(query, read_run).await
}

/// The automation of a run, whosever it is.
pub(super) async fn of_run(database: &Database, id: AutomationId) -> Result<Option<Automation>, DatabaseError> {
    let mut query = select();
    query.push(" WHERE id = ").value(id.0.cast_signed());
    database.row(query, read).await
}

/// The last of an automation, the latest first.
pub(super) async fn runs(database: &Database, id: AutomationId) -> Result<Vec<Run>, DatabaseError> {
    let mut query = Sql::new("SELECT ");
    query.push(RUN_COLUMNS).push(" FROM automation_run WHERE automation = ");
    query.value(id.0.cast_signed());
    query.push(" ORDER BY day DESC LIMIT ").value(RUNS_SHOWN);
    database.rows(query, read_run).await
}

/// The last campaign that an automation has made before a day.
pub(super) async fn campaign_before(
    database: &Database,
    (id, day): (AutomationId, Date),
) -> Result<Option<CampaignId>, DatabaseError> {
    let mut query = Sql::new("SELECT campaign FROM automation_run WHERE campaign IS NOT NULL AND automation = ");
    query
        .value(id.0.cast_signed())
        .push(" AND day < ")
        .value(day.to_string());
    query.push(" ORDER BY day DESC LIMIT 1");
    let campaign = |row: &Found<'_>| Ok(CampaignId(row.number(0)?.cast_unsigned()));
    database.row(query, campaign).await
}

/// How a run stands now. `false`: it has another campaign by now, or is gone.
pub(super) async fn note(database: &Database, before: &Run, now: &Run) -> Result<bool, DatabaseError> {
    let mut change = database.change().await?;
    let noted = note_in(&mut change, before, now).await?;
    change.commit().await?;
    Ok(noted)
}

async fn note_in(change: &mut Change, before: &Run, now: &Run) -> Result<bool, DatabaseError> {
    let campaign = |run: &Run| run.campaign.map(|id| id.0.cast_signed());
    let mut update = Sql::new("UPDATE automation_run SET state = ");
    update
        .value(now.state.code())
        .push(", reason = ")
        .value(now.reason.as_str());
    update.push(", campaign = ").value(campaign(now));
    update
        .push(" WHERE automation = ")
        .value(now.automation.0.cast_signed());
    update.push(" AND day = ").value(now.occurrence.day.to_string());
    update
        .push(" AND COALESCE(campaign, 0) = ")
        .value(campaign(before).unwrap_or(0));
    Ok(change.run(update).await? == 1)
}

fn select() -> Sql {
    let mut query = Sql::new("SELECT ");
    query.push(COLUMNS).push(" FROM automation");
    query
}

fn read(row: &Found<'_>) -> Result<Automation, DatabaseError> {
    let next_day = row.text_if_any(6)?.and_then(|day| day.parse().ok());
    let next_at = row.number_if_any(7)?.map(time);
    Ok(Automation {
        id: AutomationId(row.number(0)?.cast_unsigned()),
        tenant: TenantId(u32::try_from(row.number(1)?).unwrap_or_default()),
        name: row.text(2)?,
        timetable: row.parsed(3, "the timetable of an automation", |json| {
            serde_json::from_str(json).ok()
        })?,
        order: row.text(4)?,
        paused: row.number(5)? != 0,
        next: next_day.zip(next_at).map(|(day, at)| Occurrence { day, at }),
        created_at: time(row.number(8)?),
    })
}

fn read_run(row: &Found<'_>) -> Result<Run, DatabaseError> {
    Ok(Run {
        automation: AutomationId(row.number(0)?.cast_unsigned()),
        occurrence: Occurrence {
            day: row.parsed(1, "the day of an occurrence", |day| day.parse().ok())?,
            at: time(row.number(2)?),
        },
        state: row.parsed(3, "what became of an occurrence", |state| state.parse().ok())?,
        reason: row.text(4)?,
        campaign: row.number_if_any(5)?.map(|id| CampaignId(id.cast_unsigned())),
    })
}

fn time(value: i64) -> UnixMicros {
    UnixMicros(value.cast_unsigned())
}
