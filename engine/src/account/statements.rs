//! Statements: what a tenant had at the beginning of a month, what moved in it, and what it had at its end.

use super::{AccountFault, Accounts};
use crate::domain::{TenantId, UnixMicros};
use crate::mirror::Turnover;

/// The account of some time. Balances are what is available or held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) opening: u64,
    pub(crate) turnover: Turnover,
    pub(crate) closing: u64,
}

impl Accounts {
    /// Those of some times that follow each other, each from one of `bounds` to the next.
    ///
    /// # Errors
    /// [`AccountFault::Store`] or [`AccountFault::Database`].
    pub(crate) async fn statements(&self, id: TenantId, bounds: &[UnixMicros]) -> Result<Vec<Statement>, AccountFault> {
        let mut turnovers = self.mirror.turnovers(id, bounds).await?.into_iter();
        let mut opening = turnovers.next().unwrap_or_default().after(0);
        let behind = turnovers.take(bounds.len().saturating_sub(1));
        let statement = |turnover: Turnover| {
            let closing = turnover.after(opening);
            let opening = std::mem::replace(&mut opening, closing);
            Statement {
                opening,
                turnover,
                closing,
            }
        };
        Ok(behind.map(statement).collect())
    }

    /// What of a balance was set aside for campaigns under way at some time.
    ///
    /// # Errors
    /// [`AccountFault::Database`].
    pub(crate) async fn held_at(&self, id: TenantId, at: UnixMicros) -> Result<u64, AccountFault> {
        Ok(self.mirror.held_at(id, at).await?)
    }

    /// When credits of a tenant moved for the first time.
    ///
    /// # Errors
    /// [`AccountFault::Store`] or [`AccountFault::Database`].
    pub(crate) async fn first_movement(&self, id: TenantId) -> Result<Option<UnixMicros>, AccountFault> {
        Ok(self.mirror.first_movement(id).await?)
    }
}
