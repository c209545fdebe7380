//! Files of contacts that came: what is kept of each, and the rows of them that were not taken.

use super::{People, PeopleFault, rows};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{ImportId, TenantId, UnixMicros};

/// The most imports that are kept of a tenant: with more, the oldest goes.
const IMPORTS_MAX: i64 = 100;

/// Engines that are looked at together.
const ENGINES_MAX: i64 = 1_000;

/// How an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum ImportState {
    Running,
    /// All rows were read.
    Completed,
    /// The engine ended before; the same file may be sent again.
    Interrupted,
    /// The file cannot be read to its end.
    Failed,
}

impl ImportState {
    pub(crate) const CODES: [&str; 4] = [
        Self::Running.code(),
        Self::Completed.code(),
        Self::Interrupted.code(),
        Self::Failed.code(),
    ];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) id: ImportId,
    pub(crate) state: ImportState,
    /// JSON: what the file is, and how many rows became what.
    pub(crate) account: String,
    pub(crate) started_at: UnixMicros,
    pub(crate) ended_at: Option<UnixMicros>,
}

impl People {
    /// Keeps that a file has come, which the engine of that number takes in.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn begin_import(
        &self,
        (tenant, engine): (TenantId, u32),
        account: &str,
    ) -> Result<Import, DatabaseError> {
        let started_at = self.clock.unix();
        let mut change = self.database.change_of(tenant).await?;
        let id = change.numbers("import", 1).await?;
        let mut insert = Sql::new("INSERT INTO import (id, tenant, engine, state, account, started_at) VALUES (");
        insert.value(id).push(", ").value(tenant.0).push(", ");
        insert.value(engine).push(", ");
        insert.value(ImportState::Running.code()).push(", ").value(account);
        insert.push(", ").value(started_at.0.cast_signed()).push(")");
        change.run(insert).await?;
        let mut delete = Sql::new("DELETE FROM import WHERE tenant = ");
        delete
            .value(tenant.0)
            .push(" AND id <= (SELECT id FROM import WHERE tenant = ")
            .value(tenant.0);
        delete
            .push(" ORDER BY id DESC LIMIT 1 OFFSET ")
            .value(IMPORTS_MAX)
            .push(")");
        change.run(delete).await?;
        change.commit().await?;
        Ok(Import {
            id: ImportId(id.cast_unsigned()),
            state: ImportState::Running,
            account: account.to_owned(),
            started_at,
            ended_at: None,
        })
    }

    /// Keeps how an import stands, and a piece of the file of errors if there is one.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn note_import(
        &self,
        id: ImportId,
        (state, account): (ImportState, &str),
        (piece, errors): (i64, &str),
    ) -> Result<(), DatabaseError> {
        let ended = (state != ImportState::Running).then(|| self.clock.unix().0.cast_signed());
        let mut change = self.database.change().await?;
        let mut update = Sql::new("UPDATE import SET state = ");
        update.value(state.code()).push(", account = ").value(account);
        update.push(", ended_at = ").value(ended);
        update.push(", untold = ").value(i64::from(ended.is_some()));
        update.push(" WHERE id = ").value(id.0.cast_signed());
        change.run(update).await?;
        if !errors.is_empty() {
            let mut insert = Sql::new("INSERT INTO import_error (import, piece, text) VALUES (");
            insert.value(id.0.cast_signed()).push(", ").value(piece);
            insert.push(", ").value(errors).push(")");
            change.run(insert).await?;
        }
        change.commit().await
    }

    /// Some of those that have ended, and of which endpoints are still to be told, with whose they are.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn untold_imports(&self) -> Result<Vec<(TenantId, Import)>, DatabaseError> {
        let mut query = Sql::new(
            "SELECT id, state, account, started_at, ended_at, tenant FROM import WHERE untold <> 0 ORDER BY id LIMIT ",
        );
        query.value(IMPORTS_MAX);
        let read = |row: &Found<'_>| Ok((TenantId(row.number(5)? as u32), read(row)?));
        self.database.rows(query, read).await
    }

    /// Endpoints were told of one.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn told_import(&self, id: ImportId) -> Result<(), DatabaseError> {
        let mut change = self.database.change().await?;
        let mut update = Sql::new("UPDATE import SET untold = 0 WHERE id = ");
        update.value(id.0.cast_signed());
        change.run(update).await?;
        change.commit().await
    }

    /// Imports of engines that are not among these any more. Returns how many.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn interrupt_imports(&self, alive: &[u32]) -> Result<u64, DatabaseError> {
        let mut query = Sql::new("SELECT DISTINCT engine FROM import WHERE state = 'running'");
        query.push(" LIMIT ").value(ENGINES_MAX);
        let mut dead = self.database.rows(query, |row| row.number(0)).await?;
        dead.retain(|engine| !alive.iter().any(|alive| i64::from(*alive) == *engine));
        if dead.is_empty() {
            return Ok(0);
        }
        let mut change = self.database.change().await?;
        let mut update = Sql::new("UPDATE import SET state = ");
        update
            .value(ImportState::Interrupted.code())
            .push(", untold = 1, ended_at = ");
        update.value(self.clock.unix().0.cast_signed()).push(" WHERE state = ");
        update
            .value(ImportState::Running.code())
            .push(" AND engine IN (")
            .list(dead);
        update.push(")");
        let interrupted = change.run(update).await?;
        change.commit().await?;
        Ok(interrupted)
    }

    /// A tenant's imports, the latest first.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn imports(&self, tenant: TenantId) -> Result<Vec<Import>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" ORDER BY id DESC");
        self.database.rows(query, read).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn import(&self, tenant: TenantId, id: ImportId) -> Result<Import, PeopleFault> {
        let mut query = select(tenant);
        query.push(" AND id = ").value(id.0.cast_signed());
        self.database.row(query, read).await?.ok_or(PeopleFault::NotFound)
    }

    /// The file of errors of an import, from piece `from` on, as much as there is in one piece.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn import_errors(&self, id: ImportId, from: i64) -> Result<Option<(i64, String)>, DatabaseError> {
        let mut query = Sql::new("SELECT piece, text FROM import_error WHERE import = ");
        query.value(id.0.cast_signed()).push(" AND piece >= ").value(from);
        query.push(" ORDER BY piece LIMIT 1");
        self.database.row(query, |row| Ok((row.number(0)?, row.text(1)?))).await
    }
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT id, state, account, started_at, ended_at FROM import WHERE tenant = ");
    query.value(tenant.0);
    query
}

fn read(row: &Found<'_>) -> Result<Import, DatabaseError> {
    Ok(Import {
        id: ImportId(row.number(0)?.cast_unsigned()),
        state: row.parsed(1, "the state of an import", |code| code.parse().ok())?,
        account: row.text(2)?,
        started_at: rows::time(row.number(3)?),
        ended_at: row.number_if_any(4)?.map(rows::time),
    })
}
