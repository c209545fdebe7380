//! SQL: what is kept of people. SQLite, embedded, or PostgreSQL; the same tables and queries for both.
//!
//! Types that both dialects read (`BIGINT`, `TEXT`), and no more than the standard has: what a
//! dialect says otherwise stands in [`Dialect`]. Live messages never wait for it.

mod driver;
mod fault;
mod found;
mod migrations;
mod open;
mod sql;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::domain::TenantId;
use driver::{Pool, Transaction};
pub(crate) use fault::{DatabaseError, DatabaseFault};
pub(crate) use found::Found;
pub(crate) use open::{Redis, Tie};
pub(crate) use sql::Sql;

/// In what two databases differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    /// Over which changes are made: SQLite's writer has one connection, which keeps what it has read and written. PostgreSQL's have the same
    /// as all others.
    changes: Pool,
    /// SQLite has one writer at a time: they queue here, in order, and not at its lock.
    writers: Arc<Semaphore>,
    /// PostgreSQL has many: new numbers come over connections of their own, where nobody waits for what somebody else changes.
    numbers: Option<Pool>,
    /// Who changes what a tenant has waits here for whoever does, and not with one of PostgreSQL's connections. Tenants with the same
    /// remainder wait for each other.
    tenants: Arc<[Arc<Mutex<()>>]>,
}

/// Places in which changes of tenants wait.
const TENANT_PLACES: usize = 256;

/// A change under way; undone when it is dropped before [`Change::commit`].
pub(crate) struct Change {
    transaction: Transaction,
    numbers: Option<Pool>,
    _turn: Option<OwnedSemaphorePermit>,
    /// Held until it is over.
    _place: Option<OwnedMutexGuard<()>>,
}

impl Database {
    /// Which of the two it is.
    pub(crate) fn dialect(&self) -> Dialect {
        self.pool.dialect()
    }

    /// Whether it answers.
    pub(crate) async fn answers(&self) -> bool {
        self.row(Sql::new("SELECT 1"), |row| row.number(0)).await.is_ok()
    }

    /// Ends all connections: what the embedded one has in its log goes to its file.
    pub(crate) async fn close(&self) {
        self.changes.close().await;
        self.pool.close().await;
        if let Some(numbers) = &self.numbers {
            numbers.close().await;
        }
    }

    /// Begins a change.
    ///
    /// # Errors
    /// When the database does not answer, or is being written to by another program for too long.
    pub(crate) async fn change(&self) -> Result<Change, DatabaseError> {
        let turn = match self.dialect() {
            // The semaphore is never closed.
            Dialect::Sqlite => self.writers.clone().acquire_owned().await.ok(),
            Dialect::Postgres => None,
        };
        Ok(Change {
            transaction: self.changes.begin().await?,
            numbers: self.numbers.clone(),
            _turn: turn,
            _place: None,
        })
    }

    /// Begins a change of what one tenant has. Such changes come one after the other: what one of them has read, nobody else
    /// changes before it is kept.
    ///
    /// # Errors
    /// As [`Database::change`].
    pub(crate) async fn change_of(&self, tenant: TenantId) -> Result<Change, DatabaseError> {
        if self.dialect() == Dialect::Sqlite {
            return self.change().await;
        }
        let place = self.tenants[tenant.0 as usize % TENANT_PLACES]
            .clone()
            .lock_owned()
            .await;
        let mut change = self.change().await?;
        change._place = Some(place);
        // Of other engines' changes, until its end. The first number says what the second one is.
        let mut lock = Sql::new("SELECT CASE WHEN pg_advisory_xact_lock(1, CAST(");
        lock.value(i64::from(tenant.0.cast_signed()))
            .push(" AS INTEGER)) IS NULL THEN 0 ELSE 1 END");
        change.rows(lock, |_| Ok(())).await?;
        Ok(change)
    }

    /// Begins a change of what is kept of messages, by those who write it down and those who forget somebody: one after the other, on all
    /// engines, so that nobody writes down whom somebody has just forgotten.
    ///
    /// # Errors
    /// As [`Database::change`].
    pub(crate) async fn change_of_history(&self) -> Result<Change, DatabaseError> {
        let mut change = self.change().await?;
        if self.dialect() == Dialect::Postgres {
            let lock = Sql::new("SELECT CASE WHEN pg_advisory_xact_lock(2, 0) IS NULL THEN 0 ELSE 1 END");
            change.rows(lock, |_| Ok(())).await?;
        }
        Ok(change)
    }

    /// All rows of a query, each as `read` makes it.
    ///
    /// # Errors
    /// When the database does not answer, or `read` finds something else than it should.
    pub(crate) async fn rows<T>(
        &self,
        query: Sql,
        read: impl Fn(&Found<'_>) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, DatabaseError> {
        self.pool.rows(query).await?.read(read)
    }

    /// The only row of a query, if there is one.
    ///
    /// # Errors
    /// As [`Database::rows`].
    pub(crate) async fn row<T>(
        &self,
        query: Sql,
        read: impl Fn(&Found<'_>) -> Result<T, DatabaseError>,
    ) -> Result<Option<T>, DatabaseError> {
        let rows = self.rows(query, read).await?;
        Ok(rows.into_iter().next())
    }

    /// The number that a query counts; 0 for none.
    ///
    /// # Errors
    /// As [`Database::rows`].
    pub(crate) async fn count(&self, query: Sql) -> Result<u64, DatabaseError> {
        let count = self.row(query, |row| row.number(0)).await?;
        Ok(count.unwrap_or_default().try_into().unwrap_or_default())
    }
}

impl Change {
    /// Carries out a statement. Returns how many rows it changed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn run(&mut self, statement: Sql) -> Result<u64, DatabaseError> {
        Ok(self.transaction.run(statement).await?)
    }

    /// As [`Database::rows`], of what this change sees.
    ///
    /// # Errors
    /// As [`Database::rows`].
    pub(crate) async fn rows<T>(
        &mut self,
        query: Sql,
        read: impl Fn(&Found<'_>) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, DatabaseError> {
        self.transaction.rows(query).await?.read(read)
    }

    /// The first of `count` numbers that nobody else gets. Those of a change that is undone may be nobody's, and lower ones may be seen
    /// after higher ones.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn numbers(&mut self, of: &'static str, count: usize) -> Result<i64, DatabaseError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut take = Sql::new("INSERT INTO number_series (name, taken) VALUES (");
        take.value(of).push(", ").value(count);
        take.push(") ON CONFLICT (name) DO UPDATE SET taken = number_series.taken + excluded.taken RETURNING taken");
        let taken = match &self.numbers {
            Some(apart) => apart.rows(take).await?,
            None => self.transaction.rows(take).await?,
        };
        let taken = taken.read(|row| row.number(0))?;
        let last = taken.first().copied().unwrap_or(count);
        Ok(last - count + 1)
    }

    /// Keeps it: it is on disk when this returns.
    ///
    /// # Errors
    /// When the database does not answer; it may have been kept all the same.
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        Ok(self.transaction.commit().await?)
    }
}
