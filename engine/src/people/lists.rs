//! Lists: contacts that are put together by hand.

use super::contact::{TEXT_MAX, check_name};
use super::rows::ROWS_MAX;
use super::{People, PeopleFault};
use crate::compose::fold;
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{ContactId, ListId, TenantId, UnixMicros};
use crate::fault::{FieldFault, FieldProblem};

/// The most lists, or segments, of one tenant.
pub(super) const LISTS_MAX: u64 = 1_000;

/// A list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) id: ListId,
    pub(crate) name: String,
    pub(crate) members: u64,
    pub(crate) created_at: UnixMicros,
}

impl People {
    /// Makes a list; one of that name, whatever its case, is that one.
    ///
    /// # Errors
    /// [`PeopleFault::Fields`], or the database's.
    pub(crate) async fn make_list(&self, tenant: TenantId, name: &str) -> Result<List, PeopleFault> {
        let name = check_name(name, TEXT_MAX).map_err(|problem| refused("/name", problem))?;
        let mut change = self.database.change_of(tenant).await?;
        make_room(&mut change, ("list", tenant), &fold(&name)).await?;
        let id = change.numbers("list", 1).await?;
        let mut insert = Sql::new("INSERT INTO list (id, tenant, name, name_folded, created_at) VALUES (");
        insert
            .value(id)
            .push(", ")
            .value(tenant.0)
            .push(", ")
            .value(name.as_str());
        insert.push(", ").value(fold(&name)).push(", ");
        insert.value(self.clock.unix().0.cast_signed());
        insert.push(") ON CONFLICT (tenant, name_folded) DO NOTHING");
        change.run(insert).await?;
        let mut query = select(tenant);
        query.push(" AND list.name_folded = ").value(fold(&name));
        let made = change.rows(query, read).await?;
        change.commit().await?;
        made.into_iter().next().ok_or(PeopleFault::NotFound)
    }

    /// A tenant's lists, by name.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn lists(&self, tenant: TenantId) -> Result<Vec<List>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" ORDER BY list.name_folded");
        self.database.rows(query, read).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn list(&self, tenant: TenantId, id: ListId) -> Result<List, PeopleFault> {
        let mut query = select(tenant);
        query.push(" AND list.id = ").value(id.0.cast_signed());
        self.database.row(query, read).await?.ok_or(PeopleFault::NotFound)
    }

    /// Forgets a list; its members stay contacts.
    ///
    /// # Errors
    /// As [`People::list`].
    pub(crate) async fn forget_list(&self, tenant: TenantId, id: ListId) -> Result<(), PeopleFault> {
        self.forget_row("list", tenant, id.0).await
    }

    /// Puts contacts on a list, and takes others off it. Those that are no contacts of the tenant are left out.
    ///
    /// # Errors
    /// As [`People::list`].
    pub(crate) async fn change_list(
        &self,
        (tenant, id): (TenantId, ListId),
        (add, remove): (&[ContactId], &[ContactId]),
    ) -> Result<List, PeopleFault> {
        let mut change = self.database.change_of(tenant).await?;
        join(&mut change, (tenant, id), add).await?;
        for some in remove.chunks(ROWS_MAX) {
            let mut delete = Sql::new("DELETE FROM list_member WHERE list = ");
            delete.value(id.0.cast_signed()).push(" AND contact IN (");
            delete
                .list(some.iter().map(|contact| contact.0.cast_signed()))
                .push(")");
            change.run(delete).await?;
        }
        change.commit().await?;
        self.list(tenant, id).await
    }
}

/// Puts contacts of the tenant on one of its lists.
///
/// # Errors
/// [`PeopleFault::NotFound`], or the database's.
pub(super) async fn join(
    change: &mut Change,
    (tenant, id): (TenantId, ListId),
    contacts: &[ContactId],
) -> Result<(), PeopleFault> {
    let mut query = select(tenant);
    query.push(" AND list.id = ").value(id.0.cast_signed());
    if change.rows(query, read).await?.is_empty() {
        return Err(PeopleFault::NotFound);
    }
    for some in contacts.chunks(ROWS_MAX) {
        let mut insert = Sql::new("INSERT INTO list_member (list, contact) SELECT ");
        insert
            .value(id.0.cast_signed())
            .push(", contact.id FROM contact WHERE contact.tenant = ");
        insert.value(tenant.0).push(" AND contact.id IN (");
        insert.list(some.iter().map(|contact| contact.0.cast_signed()));
        insert.push(") ON CONFLICT DO NOTHING");
        change.run(insert).await?;
    }
    Ok(())
}

/// Whether one more of a tenant's lists or segments may be made under that name.
pub(super) async fn make_room(
    change: &mut Change,
    (table, tenant): (&'static str, TenantId),
    folded: &str,
) -> Result<(), PeopleFault> {
    let mut query = Sql::new("SELECT COUNT(*) FROM ");
    query.push(table).push(" WHERE tenant = ").value(tenant.0);
    query.push(" AND name_folded <> ").value(folded);
    let counts = change.rows(query, |row| row.number(0)).await?;
    match counts.first() {
        Some(count) if count.cast_unsigned() >= LISTS_MAX => {
            let max = LISTS_MAX as usize;
            Err(refused("", FieldProblem::TooMany { max }))
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn refused(pointer: &str, problem: FieldProblem) -> PeopleFault {
    PeopleFault::Fields(vec![FieldFault::new(pointer, problem)])
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new(
        "SELECT list.id, list.name, (SELECT COUNT(*) FROM list_member WHERE list_member.list = list.id), list.created_at \
         FROM list WHERE list.tenant = ",
    );
    query.value(tenant.0);
    query
}

fn read(row: &Found<'_>) -> Result<List, DatabaseError> {
    Ok(List {
        id: ListId(row.number(0)?.cast_unsigned()),
        name: row.text(1)?,
        members: row.number(2)?.cast_unsigned(),
        created_at: UnixMicros(row.number(3)?.cast_unsigned()),
    })
}
