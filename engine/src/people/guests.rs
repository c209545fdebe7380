//! The guest list of a tenant: the numbers that its team keys reach.

use rustc_hash::FxHashSet;

use super::{People, PeopleFault};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{Recipient, TenantId, UnixMicros};
use crate::fault::{FieldFault, FieldProblem};

/// The most guests of a tenant: a team, and the phones that it tries things with.
pub(crate) const GUESTS_MAX: usize = 500;

/// Somebody whom team keys reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    pub(crate) number: Recipient,
    /// Whose phone it is, in the tenant's words.
    pub(crate) label: String,
    pub(crate) created_at: UnixMicros,
}

impl People {
    /// A tenant's guests, by number.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn guests(&self, tenant: TenantId) -> Result<Vec<Guest>, DatabaseError> {
        let mut query = Sql::new("SELECT recipient, label, created_at FROM guest WHERE tenant = ");
        query.value(tenant.0).push(" ORDER BY recipient");
        let read = |row: &Found<'_>| {
            Ok(Guest {
                number: Recipient(row.number(0)?.cast_unsigned()),
                label: row.text(1)?,
                created_at: UnixMicros(row.number(2)?.cast_unsigned()),
            })
        };
        self.database.rows(query, read).await
    }

    /// The same, as numbers alone.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn guest_numbers(&self, tenant: TenantId) -> Result<FxHashSet<u64>, DatabaseError> {
        let guests = self.guests(tenant).await?;
        Ok(guests.into_iter().map(|guest| guest.number.0).collect())
    }

    /// Puts numbers on the list; one that stands there gets the label.
    ///
    /// # Errors
    /// [`PeopleFault::Fields`] when they would be more than [`GUESTS_MAX`], or the database's.
    pub(crate) async fn add_guests(
        &self,
        tenant: TenantId,
        (numbers, label): (&[Recipient], &str),
    ) -> Result<(), PeopleFault> {
        let mut change = self.database.change().await?;
        for number in numbers {
            let mut put = Sql::new("INSERT INTO guest (tenant, recipient, label, created_at) VALUES (");
            put.value(tenant.0).push(", ").value(number.0.cast_signed());
            put.push(", ").value(label).push(", ");
            put.value(self.clock.unix().0.cast_signed());
            put.push(") ON CONFLICT (tenant, recipient) DO UPDATE SET label = excluded.label");
            change.run(put).await?;
        }
        let mut count = Sql::new("SELECT COUNT(*) FROM guest WHERE tenant = ");
        count.value(tenant.0);
        let counted = change.rows(count, |row| row.number(0)).await?;
        // What is not committed was never there.
        if counted.first().is_some_and(|count| *count > GUESTS_MAX as i64) {
            let max = GUESTS_MAX;
            return Err(PeopleFault::Fields(vec![FieldFault::new(
                "/numbers",
                FieldProblem::TooMany { max },
            )]));
        }
        Ok(change.commit().await?)
    }

    /// Takes numbers off the list. Returns how many stood there.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn remove_guests(&self, tenant: TenantId, numbers: &[Recipient]) -> Result<u64, DatabaseError> {
        let mut change = self.database.change().await?;
        let mut delete = Sql::new("DELETE FROM guest WHERE tenant = ");
        delete.value(tenant.0).push(" AND recipient IN (");
        delete
            .list(numbers.iter().map(|number| number.0.cast_signed()))
            .push(")");
        let removed = change.run(delete).await?;
        change.commit().await?;
        Ok(removed)
    }
}
