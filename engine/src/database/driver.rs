//! The two drivers, behind one face: connections, changes under way, rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::query::Query;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Encode, PgPool, Postgres, Sqlite, SqlitePool, Type};

use super::migrations;
use super::sql::{Sql, Value};
use super::{DatabaseError, Dialect, Found};

/// How long a free connection to a server is waited for; and when none could be had the last time, and none is left.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);
const ACQUIRE_WITHIN_WHILE_AWAY: Duration = Duration::from_millis(500);

/// Connections to a database.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(Reach),
}

/// A server, which may be away.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pool: PgPool,
    is_away: Arc<AtomicBool>,
}

impl Reach {
    pub(super) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            is_away: Arc::default(),
        }
    }

    /// What is asked for first of all, or soon a word that nobody is there: whoever asks has more to ask, and somebody waits for all of it.
    async fn soon<T>(&self, asked: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
        let within = match self.is_away.load(Ordering::Relaxed) {
            true => ACQUIRE_WITHIN_WHILE_AWAY,
            false => ACQUIRE_WITHIN,
        };
        let answered = tokio::time::timeout(within, asked).await;
        let answered = answered.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        // One that has connections, and all of them in use, is there.
        let is_away = answered.is_err() && self.pool.size() == 0;
        self.is_away.store(is_away, Ordering::Relaxed);
        answered
    }
}

impl Pool {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(super) async fn rows(&self, query: Sql) -> Result<Rows, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Rows::Sqlite(of_sqlite(query).fetch_all(pool).await?),
            Self::Postgres(reach) => {
                let mut connection = reach.soon(reach.pool.acquire()).await?;
                Rows::Postgres(of_postgres(query).fetch_all(&mut *connection).await?)
            }
        })
    }

    pub(super) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            // At once: one that has read before it writes would be refused if somebody else wrote meanwhile.
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(reach) => Transaction::Postgres(reach.soon(reach.pool.begin()).await?),
        })
    }

    pub(super) async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        match self {
            Self::Sqlite(pool) => migrations::all().run(pool).await,
            Self::Postgres(reach) => migrations::all().run(&reach.pool).await,
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(reach) => reach.pool.close().await,
        }
    }
}

/// A change under way; undone when it is dropped.
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Returns how many rows it changed.
    pub(super) async fn run(&mut self, statement: Sql) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(open) => of_sqlite(statement).execute(&mut **open).await?.rows_affected(),
            Self::Postgres(open) => of_postgres(statement).execute(&mut **open).await?.rows_affected(),
        })
    }

    pub(super) async fn rows(&mut self, query: Sql) -> Result<Rows, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(open) => Rows::Sqlite(of_sqlite(query).fetch_all(&mut **open).await?),
            Self::Postgres(open) => Rows::Postgres(of_postgres(query).fetch_all(&mut **open).await?),
        })
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(open) => open.commit().await,
            Self::Postgres(open) => open.commit().await,
        }
    }
}

/// What a query has found.
pub(super) enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Rows {
    /// Each as `read` makes it.
    pub(super) fn read<T>(
        self,
        read: impl Fn(&Found<'_>) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, DatabaseError> {
        match self {
            Self::Sqlite(rows) => rows.iter().map(|row| read(&Found::Sqlite(row))).collect(),
            Self::Postgres(rows) => rows.iter().map(|row| read(&Found::Postgres(row))).collect(),
        }
    }
}

fn of_sqlite(sql: Sql) -> Query<'static, Sqlite, <Sqlite as sqlx::Database>::Arguments> {
    let (text, values) = sql.written(Dialect::Sqlite);
    bound(text, values)
}

fn of_postgres(sql: Sql) -> Query<'static, Postgres, <Postgres as sqlx::Database>::Arguments> {
    let (text, values) = sql.written(Dialect::Postgres);
    bound(text, values)
}

fn bound<D>(text: String, values: Vec<Value>) -> Query<'static, D, D::Arguments>
where
    D: sqlx::Database,
    Option<i64>: Encode<'static, D> + Type<D>,
    Option<String>: Encode<'static, D> + Type<D>,
{
    // Words are ours: see `Sql::push`.
    let query = sqlx::query(AssertSqlSafe(text));
    values.into_iter().fold(query, |query, value| match value {
        Value::Number(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
    })
}
