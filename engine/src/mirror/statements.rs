//! What the lines of a ledger come to by time: the figures of statements.

use super::{Mirror, MirrorFault};
use crate::database::{Found, Sql};
use crate::domain::{TenantId, UnixMicros};

/// Movements of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) lines: u64,
    pub(crate) credits: u64,
}

/// What moved over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turnover {
    pub(crate) granted: Moved,
    /// Taken back by whoever granted them.
    pub(crate) withdrawn: Moved,
    pub(crate) recredited: Moved,
    pub(crate) debited: Moved,
    /// Set aside, and given back of that: neither changes what a tenant has.
    pub(crate) held: Moved,
    pub(crate) released: Moved,
}

impl Turnover {
    /// What a tenant has behind it that had so much before: available or held.
    pub(crate) fn after(&self, balance: u64) -> u64 {
        let come = balance + self.granted.credits + self.recredited.credits;
        come.saturating_sub(self.withdrawn.credits + self.debited.credits)
    }

    /// `None`: no kind that there is.
    fn of_kind(&mut self, kind: &str) -> Option<&mut Moved> {
        match kind {
            "grant" => Some(&mut self.granted),
            "withdraw" => Some(&mut self.withdrawn),
            "recredit" => Some(&mut self.recredited),
            "debit" => Some(&mut self.debited),
            "hold" => Some(&mut self.held),
            "release" => Some(&mut self.released),
            _ => None,
        }
    }
}

impl Mirror {
    /// What moved before the first of some times, between each two, and from the last on.
    ///
    /// # Errors
    /// When either does not answer.
    pub(crate) async fn turnovers(
        &self,
        tenant: TenantId,
        bounds: &[UnixMicros],
    ) -> Result<Vec<Turnover>, MirrorFault> {
        self.0.copy(&[tenant]).await?;
        let mut part = "CAST(CASE".to_owned();
        for (at, bound) in bounds.iter().enumerate() {
            part += &format!(" WHEN at < {} THEN {at}", bound.0);
        }
        part += &format!(" ELSE {} END AS BIGINT)", bounds.len());
        let mut query = Sql::new(&format!(
            "SELECT part, kind, COUNT(*), CAST(SUM(credits) AS BIGINT) FROM (SELECT {part} AS part"
        ));
        query.push(", kind, credits FROM ledger_line WHERE undone = 0 AND tenant = ");
        query.value(i64::from(tenant.0)).push(") AS parts GROUP BY part, kind");
        let read = |row: &Found<'_>| {
            let moved = Moved {
                lines: row.number(2)? as u64,
                credits: row.number(3)? as u64,
            };
            Ok((row.number(0)? as usize, row.text(1)?, moved))
        };
        let mut all = vec![Turnover::default(); bounds.len() + 1];
        for (part, kind, moved) in self.0.database.rows(query, read).await? {
            if let Some(of_kind) = all.get_mut(part).and_then(|part| part.of_kind(&kind)) {
                *of_kind = moved;
            }
        }
        Ok(all)
    }

    /// What was held at some time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn held_at(&self, tenant: TenantId, at: UnixMicros) -> Result<u64, MirrorFault> {
        let mut query = Sql::new(
            "SELECT CAST(COALESCE(SUM(CASE WHEN held > 0 THEN held ELSE 0 END), 0) AS BIGINT) FROM (SELECT SUM(CASE kind \
             WHEN 'hold' THEN credits WHEN 'debit' THEN -credits WHEN 'release' THEN -credits ELSE 0 END) AS held",
        );
        query.push(" FROM ledger_line WHERE undone = 0 AND campaign IS NOT NULL AND tenant = ");
        query.value(i64::from(tenant.0)).push(" AND at < ").value(at.0 as i64);
        query.push(" GROUP BY campaign) AS campaigns");
        Ok(self.0.database.count(query).await?)
    }

    /// When a tenant's credits moved for the first time.
    ///
    /// # Errors
    /// When either does not answer.
    pub(crate) async fn first_movement(&self, tenant: TenantId) -> Result<Option<UnixMicros>, MirrorFault> {
        self.0.copy(&[tenant]).await?;
        let mut query = Sql::new("SELECT MIN(at) FROM ledger_line WHERE undone = 0 AND tenant = ");
        query.value(i64::from(tenant.0));
        let first = self.0.database.row(query, |row| row.number_if_any(0)).await?;
        Ok(first.flatten().map(|at| UnixMicros(at as u64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_is_still_had() {
        let moved = |credits| Moved { lines: 1, credits };
        let turnover = Turnover {
            granted: moved(100),
            withdrawn: moved(20),
            recredited: moved(5),
            debited: moved(60),
            held: moved(90),
            released: moved(30),
        };
        assert_eq!(turnover.after(1_000), 1_025);
    }
}
