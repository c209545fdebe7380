//! Plans of reminders in SQL.

use super::plan::{PlanEdit, ReminderPlan};
use super::{AgendaFault, PLANS_MAX};
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{EventId, ReminderPlanId, TenantId, UnixMicros};

const COLUMNS: &str = "id, tenant, name, definition, paused, created_at";

/// Keeps a new one. It waits to be laid over the events that are there already, if it is for them.
pub(super) async fn insert(
    database: &Database,
    new: ReminderPlan,
    is_for_known: bool,
) -> Result<ReminderPlan, AgendaFault> {
    let mut change = database.change_of(new.tenant).await?;
    let mut count = Sql::new("SELECT COUNT(*) FROM reminder_plan WHERE tenant = ");
    count.value(new.tenant.0);
    let counted = change.rows(count, |row| row.number(0)).await?;
    if counted.first().is_some_and(|count| *count >= PLANS_MAX as i64) {
        return Err(AgendaFault::TooManyPlans);
    }
    let id = change.numbers("reminder_plan", 1).await?;
    let mut insert = Sql::new("INSERT INTO reminder_plan (");
    insert.push(COLUMNS).push(", laid_to) VALUES (").value(id);
    insert.push(", ").value(new.tenant.0);
    insert.push(", ").value(new.name.as_str());
    let definition = serde_json::to_string(&new.definition).unwrap_or_default();
    insert.push(", ").value(definition).push(", 0, ");
    insert.value(new.created_at.0.cast_signed());
    insert.push(", ").value(is_for_known.then_some(0_i64)).push(")");
    change.run(insert).await?;
    change.commit().await?;
    let id = ReminderPlanId(id.cast_unsigned());
    Ok(ReminderPlan { id, ..new })
}

/// Those of a tenant, in the order in which they were made.
pub(super) async fn all(database: &Database, tenant: TenantId) -> Result<Vec<ReminderPlan>, DatabaseError> {
    database.rows(of_tenant(tenant), read).await
}

/// The same, as a change sees them.
pub(super) async fn all_in(change: &mut Change, tenant: TenantId) -> Result<Vec<ReminderPlan>, DatabaseError> {
    change.rows(of_tenant(tenant), read).await
}

fn of_tenant(tenant: TenantId) -> Sql {
    let mut query = select();
    query.push(" WHERE tenant = ").value(tenant.0).push(" ORDER BY id");
    query
}

pub(super) async fn one(
    database: &Database,
    (tenant, id): (TenantId, ReminderPlanId),
) -> Result<ReminderPlan, AgendaFault> {
    let mut query = select();
    query.push(" WHERE tenant = ").value(tenant.0);
    query.push(" AND id = ").value(id.0.cast_signed());
    database.row(query, read).await?.ok_or(AgendaFault::NotFound)
}

/// Those of any tenant.
pub(super) async fn these(
    database: &Database,
    ids: impl Iterator<Item = ReminderPlanId>,
) -> Result<Vec<ReminderPlan>, DatabaseError> {
    let mut query = select();
    query
        .push(" WHERE id IN (")
        .list(ids.map(|id| id.0.cast_signed()))
        .push(")");
    database.rows(query, read).await
}

pub(super) async fn forget(database: &Database, (tenant, id): (TenantId, ReminderPlanId)) -> Result<(), AgendaFault> {
    let mut change = database.change_of(tenant).await?;
    let mut delete = Sql::new("DELETE FROM reminder_plan WHERE tenant = ");
    delete.value(tenant.0).push(" AND id = ").value(id.0.cast_signed());
    if change.run(delete).await? == 0 {
        return Err(AgendaFault::NotFound);
    }
    Ok(change.commit().await?)
}

pub(super) async fn set_paused(
    database: &Database,
    (tenant, id): (TenantId, ReminderPlanId),
    paused: bool,
) -> Result<(), AgendaFault> {
    let mut change = database.change_of(tenant).await?;
    let mut update = Sql::new("UPDATE reminder_plan SET paused = ");
    update.value(i64::from(paused)).push(" WHERE tenant = ").value(tenant.0);
    update.push(" AND id = ").value(id.0.cast_signed());
    if change.run(update).await? == 0 {
        return Err(AgendaFault::NotFound);
    }
    Ok(change.commit().await?)
}

/// It is as that edit says from now on, also what waits of it.
pub(super) async fn edit(
    database: &Database,
    (tenant, id): (TenantId, ReminderPlanId),
    edit: &PlanEdit,
) -> Result<ReminderPlan, AgendaFault> {
    let mut change = database.change_of(tenant).await?;
    let known = all_in(&mut change, tenant)
        .await?
        .into_iter()
        .find(|plan| plan.id == id);
    let plan = edit.applied_to(known.ok_or(AgendaFault::NotFound)?);
    let mut update = Sql::new("UPDATE reminder_plan SET name = ");
    update.value(plan.name.as_str()).push(", definition = ");
    update.value(serde_json::to_string(&plan.definition).unwrap_or_default());
    update.push(" WHERE id = ").value(id.0.cast_signed());
    change.run(update).await?;
    change.commit().await?;
    Ok(plan)
}

/// One that is still to be laid over events that were there before it, and behind which of them.
pub(super) async fn to_lay(database: &Database) -> Result<Option<(ReminderPlan, EventId)>, DatabaseError> {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(", laid_to FROM reminder_plan WHERE laid_to IS NOT NULL ORDER BY id LIMIT 1");
    let read = |row: &Found<'_>| Ok((read(row)?, EventId(row.number(6)?.cast_unsigned())));
    database.row(query, read).await
}

/// It is laid over events up to that one; `None`: over all.
pub(super) async fn set_laid(
    change: &mut Change,
    id: ReminderPlanId,
    to: Option<EventId>,
) -> Result<(), DatabaseError> {
    let mut update = Sql::new("UPDATE reminder_plan SET laid_to = ");
    update.value(to.map(|event| event.0.cast_signed()));
    update.push(" WHERE id = ").value(id.0.cast_signed());
    change.run(update).await?;
    Ok(())
}

fn select() -> Sql {
    let mut query = Sql::new("SELECT ");
    query.push(COLUMNS).push(" FROM reminder_plan");
    query
}

fn read(row: &Found<'_>) -> Result<ReminderPlan, DatabaseError> {
    Ok(ReminderPlan {
        id: ReminderPlanId(row.number(0)?.cast_unsigned()),
        tenant: TenantId(u32::try_from(row.number(1)?).unwrap_or_default()),
        name: row.text(2)?,
        definition: row.parsed(3, "a plan of reminders", |json| serde_json::from_str(json).ok())?,
        paused: row.number(4)? != 0,
        created_at: UnixMicros(row.number(5)?.cast_unsigned()),
    })
}
