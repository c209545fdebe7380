//! Opening a database: made if it is not there, brought to this version, and tied to its Redis.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Semaphore;
use url::Url;

use super::driver::{Pool, Reach};
use super::{Database, DatabaseError, DatabaseFault, Sql};
use crate::config;

/// Queries at once: more would only wait for the same disk.
const CONNECTIONS_MAX: u32 = 16;

/// Over which PostgreSQL gives numbers, a statement each.
const NUMBERS_CONNECTIONS: u32 = 2;

/// How long a free connection is waited for.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(10);

/// How long another program's lock of the file is waited for.
const UNLOCKED_WITHIN: Duration = Duration::from_secs(5);

/// Rows that SQLite's thread may be ahead of who reads them: of few, each wakes the other side.
const ROWS_AHEAD: usize = 1_000;

/// What SQLite's writer keeps of the file, in KiB with the sign that means these; usual are 2,000. History writes all over the index of who was
/// written to.
const WRITER_CACHE: &str = "-32768";

/// How much of tenants is kept.
const HELD: &str = "SELECT (SELECT COUNT(*) FROM contact) + (SELECT COUNT(*) FROM list) + (SELECT COUNT(*) FROM segment) \
     + (SELECT COUNT(*) FROM import) + (SELECT COUNT(*) FROM webhook_endpoint) + (SELECT COUNT(*) FROM tenant) + (SELECT COUNT(*) FROM reseller)";

/// The Redis that a database is opened with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redis<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// Nothing was ever ordered in it.
    pub(crate) is_blank: bool,
}

/// What has become of the Redis that a database was used with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    /// It is the one that is there.
    Holds,
    /// It was lost, and another one is there, with nothing in it: it is to be rebuilt.
    Lost,
}

impl Database {
    /// Opens the configured database, which goes with that Redis.
    ///
    /// # Errors
    /// See [`DatabaseFault`].
    pub(crate) async fn open(settings: &config::Database, redis: Redis<'_>) -> Result<(Self, Tie), DatabaseFault> {
        if settings.url.is_none() {
            make_folder(&settings.file)?;
        }
        let (to, place) = (To::of(settings), place_of(settings));
        let database = connect(to, &place).await?;
        database.migrate(&place).await?;
        let tie = database.tie(&place, redis).await?;
        Ok((database, tie))
    }

    /// Where the configured database is, and what it says of itself when it can be reached; nothing is made or changed.
    pub(crate) async fn reach(settings: &config::Database) -> (String, Result<String, DatabaseFault>) {
        let (to, place) = (To::of(settings), place_of(settings));
        let said = match to {
            To::File(file) if !file.exists() => Ok("a SQLite that the first start makes".to_owned()),
            To::File(_) | To::Server(_) => said(to, &place).await,
        };
        (place, said)
    }

    async fn migrate(&self, place: &str) -> Result<(), DatabaseFault> {
        let place = place.to_owned();
        let Err(source) = self.pool.migrate().await else {
            return Ok(());
        };
        #[allow(clippy::wildcard_enum_match_arm, reason = "the library has a dozen kinds of faults")]
        Err(match source {
            MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => DatabaseFault::Later { place },
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => refused(place, source),
            source => DatabaseFault::Migration { place, source },
        })
    }

    /// The tenants of another Redis have the same numbers, and must not be shown these people. One that is blank has none.
    async fn tie(&self, place: &str, redis: Redis<'_>) -> Result<Tie, DatabaseFault> {
        let mut change = self.change().await?;
        let mut claim = Sql::new("INSERT INTO installation (one, store) VALUES (1, ");
        claim.value(redis.id).push(") ON CONFLICT (one) DO NOTHING");
        change.run(claim).await?;
        let known = Sql::new("SELECT store, rebuilding FROM installation WHERE one = 1");
        let known = change.rows(known, |row| Ok((row.text(0)?, row.text_if_any(1)?)));
        let Some((theirs, rebuilding)) = known.await?.into_iter().next() else {
            return Ok(Tie::Holds);
        };
        let held = change.rows(Sql::new(HELD), |row| row.number(0)).await?;
        if !redis.is_blank && held.first().is_none_or(|held| *held == 0) {
            tracing::warn!(
                database = place,
                "nobody is in this database, and tenants are in Redis: if they had contacts, consents and history, these are in another one"
            );
        }
        let tie = match held.first() {
            _ if theirs == redis.id => Tie::Holds,
            Some(0) | None => {
                // Nobody is in it: it goes with whatever Redis is there now.
                change.run(goes_with(redis.id)).await?;
                Tie::Holds
            }
            Some(_) if redis.is_blank || rebuilding.as_deref() == Some(redis.id) => {
                let mut rebuild = Sql::new("UPDATE installation SET rebuilding = ");
                rebuild.value(redis.id);
                change.run(rebuild).await?;
                Tie::Lost
            }
            Some(_) => {
                return Err(DatabaseFault::OtherStore {
                    place: place.to_owned(),
                    theirs,
                    ours: redis.id.to_owned(),
                });
            }
        };
        if theirs != redis.id {
            // Its campaigns and its journal are others, or none.
            for table in ["webhook_position", "webhook_campaign"] {
                let mut forget = Sql::new("DELETE FROM ");
                forget.push(table);
                change.run(forget).await?;
            }
        }
        change.commit().await?;
        Ok(tie)
    }

    /// The Redis that was lost has been rebuilt in that one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn is_rebuilt(&self, redis: &str) -> Result<(), DatabaseError> {
        let mut change = self.change().await?;
        change.run(goes_with(redis)).await?;
        change.commit().await
    }
}

/// From now on it goes with that Redis.
fn goes_with(redis: &str) -> Sql {
    let mut tie = Sql::new("UPDATE installation SET rebuilding = NULL, store = ");
    tie.value(redis);
    tie
}

/// Where a database is.
#[derive(Clone, Copy, Debug)]
enum To<'a> {
    File(&'a Path),
    Server(&'a str),
}

impl<'a> To<'a> {
    fn of(settings: &'a config::Database) -> Self {
        match &settings.url {
            Some(url) => Self::Server(url.reveal()),
            None => Self::File(&settings.file),
        }
    }
}

/// The file, or the server without its password.
fn place_of(settings: &config::Database) -> String {
    match &settings.url {
        Some(url) => shown(url.reveal()),
        None => settings.file.display().to_string(),
    }
}

async fn said(to: To<'_>, place: &str) -> Result<String, DatabaseFault> {
    let database = connect(to, place).await?;
    let (what, question) = match to {
        To::File(_) => ("SQLite", "SELECT sqlite_version()"),
        To::Server(_) => ("PostgreSQL", "SHOW server_version"),
    };
    let version = database.row(Sql::new(question), |row| row.text(0)).await?;
    database.close().await;
    Ok(format!("{what} {}", version.unwrap_or_default()))
}

async fn connect(to: To<'_>, place: &str) -> Result<Database, DatabaseFault> {
    let pools = match to {
        To::File(file) => to_file(file).await,
        To::Server(url) => to_server(url).await,
    };
    let (pool, changes, numbers) = pools.map_err(|source| refused(place.to_owned(), source))?;
    Ok(Database {
        pool,
        changes,
        numbers,
        writers: Arc::new(Semaphore::new(1)),
        tenants: (0..super::TENANT_PLACES).map(|_| Arc::default()).collect(),
    })
}

/// What is read over, what changes are made over, and, with PostgreSQL, what numbers come over.
type Pools = (Pool, Pool, Option<Pool>);

/// A commit is on disk before it is answered, and readers do not wait for writers.
async fn to_file(file: &Path) -> Result<Pools, sqlx::Error> {
    // What is slow is seen in metrics; a statement of a thousand rows fills the log.
    let reader = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .busy_timeout(UNLOCKED_WITHIN)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("temp_store", "MEMORY")
        .pragma("secure_delete", "ON")
        .row_buffer_size(ROWS_AHEAD)
        .disable_statement_logging();
    // Once without the pool, which would only say that it waited in vain.
    reader.connect().await?.close().await?;
    let writer = reader.clone().pragma("cache_size", WRITER_CACHE);
    let few = || SqlitePoolOptions::new().acquire_timeout(ACQUIRE_WITHIN);
    let pool = few().max_connections(CONNECTIONS_MAX).connect_with(reader).await?;
    let changes = few().max_connections(1).connect_lazy_with(writer);
    Ok((Pool::Sqlite(pool), Pool::Sqlite(changes), None))
}

async fn to_server(url: &str) -> Result<Pools, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    options.connect().await?.close().await?;
    let few = || PgPoolOptions::new().acquire_timeout(ACQUIRE_WITHIN);
    let pool = few()
        .max_connections(CONNECTIONS_MAX)
        .connect_with(options.clone())
        .await?;
    let numbers = few().max_connections(NUMBERS_CONNECTIONS).connect_lazy_with(options);
    let pool = Pool::Postgres(Reach::new(pool));
    Ok((pool.clone(), pool, Some(Pool::Postgres(Reach::new(numbers)))))
}

/// What the codes of SQLite mean for who starts the engine (<https://sqlite.org/rescode.html>); the last octet is the kind.
fn refused(place: String, source: sqlx::Error) -> DatabaseFault {
    let code = source.as_database_error().and_then(|error| error.code());
    let kind = code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
    match kind {
        Some(5 | 6) => DatabaseFault::Locked { place },
        Some(8) => DatabaseFault::ReadOnly { place },
        Some(_) | None => DatabaseFault::Open { place, source },
    }
}

fn make_folder(file: &Path) -> Result<(), DatabaseFault> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.map_err(|source| DatabaseFault::Folder {
        file: file.to_owned(),
        source,
    })
}

/// A URL without its password.
fn shown(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else {
        return "database.url".to_owned();
    };
    if url.password().is_some() && url.set_password(None).is_err() {
        return "database.url".to_owned();
    }
    url.to_string()
}

impl From<sqlx::Error> for DatabaseFault {
    fn from(error: sqlx::Error) -> Self {
        Self::Query(DatabaseError::from(error))
    }
}
