//! Messages to people who are not to be known any more: what became of them stays, and whom they were for is gone.

use super::History;
use crate::database::{DatabaseError, Sql};
use crate::domain::{Recipient, TenantId};
use crate::engagement;

/// Whom a message was for that nobody is to know any more.
pub(crate) const NOBODY: Recipient = Recipient(0);

impl History {
    /// Forgets that messages of a tenant were for that number, and what came of them there. Returns how many there were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn erase(&self, tenant: TenantId, number: Recipient) -> Result<u64, DatabaseError> {
        let mut change = self.0.deps.database.change_of_history().await?;
        let mut forget = Sql::new("UPDATE message SET recipient = ");
        forget.value(NOBODY.0 as i64).push(" WHERE tenant = ");
        forget.value(i64::from(tenant.0));
        forget.push(" AND recipient = ").value(number.0 as i64);
        let messages = change.run(forget).await?;
        engagement::forget(&mut change, tenant, number).await?;
        change.commit().await?;
        Ok(messages)
    }
}
