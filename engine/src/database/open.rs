//! Opening a database: made if it is not there, brought to this version, and tied to its Redis.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::migrate::MigrateError;
use sqlx::{AnyConnection, ConnectOptions, Connection, Executor};
use tokio::sync::Semaphore;
use url::Url;

use super::{Database, DatabaseError, DatabaseFault, Dialect, Sql, migrations};
use crate::config;

/// Queries at once: more would only wait for the same disk.
const CONNECTIONS_MAX: u32 = 16;

/// Over which PostgreSQL gives numbers, a statement each.
const NUMBERS_CONNECTIONS: u32 = 2;

/// How long a free connection is waited for.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(10);

/// A commit is on disk before it is answered; readers do not wait for writers; another program's lock is waited for.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON";

/// What the one that makes changes keeps of the file: 32 MiB, in place of the usual 2. History writes all over the index of who was written to.
const SQLITE_WRITER: &str = "PRAGMA cache_size = -32768";

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
        install_default_drivers();
        let (database, place) = match &settings.url {
            Some(url) => {
                let place = shown(url.reveal());
                (connect(url.reveal(), Dialect::Postgres, &place).await?, place)
            }
            None => {
                let place = settings.file.display().to_string();
                make_folder(&settings.file)?;
                (
                    connect(&file_url(&settings.file), Dialect::Sqlite, &place).await?,
                    place,
                )
            }
        };
        database.migrate(&place).await?;
        let tie = database.tie(&place, redis).await?;
        Ok((database, tie))
    }

    /// Where the configured database is, and what it says of itself when it can be reached; nothing is made or changed.
    pub(crate) async fn reach(settings: &config::Database) -> (String, Result<String, DatabaseFault>) {
        install_default_drivers();
        match &settings.url {
            Some(url) => {
                let place = shown(url.reveal());
                let said = said(url.reveal(), Dialect::Postgres, &place).await;
                (place, said)
            }
            None => {
                let place = settings.file.display().to_string();
                let said = match settings.file.exists() {
                    true => said(&file_url(&settings.file), Dialect::Sqlite, &place).await,
                    false => Ok("a SQLite that the first start makes".to_owned()),
                };
                (place, said)
            }
        }
    }

    async fn migrate(&self, place: &str) -> Result<(), DatabaseFault> {
        let place = place.to_owned();
        let Err(source) = migrations::all().run(&self.pool).await else {
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

async fn said(url: &str, dialect: Dialect, place: &str) -> Result<String, DatabaseFault> {
    let database = connect(url, dialect, place).await?;
    let (what, question) = match dialect {
        Dialect::Sqlite => ("SQLite", "SELECT sqlite_version()"),
        Dialect::Postgres => ("PostgreSQL", "SHOW server_version"),
    };
    let version = database.row(Sql::new(question), |row| row.text(0)).await?;
    database.close().await;
    Ok(format!("{what} {}", version.unwrap_or_default()))
}

async fn connect(url: &str, dialect: Dialect, place: &str) -> Result<Database, DatabaseFault> {
    // What is slow is seen in metrics; a statement of a thousand rows fills the log.
    let to = AnyConnectOptions::from_str(url).map_err(|source| refused(place.to_owned(), source))?;
    let to = to.disable_statement_logging();
    // Once without the pool, which would only say that it waited in vain.
    let first = AnyConnection::connect_with(&to).await;
    let mut first = first.map_err(|source| refused(place.to_owned(), source))?;
    if dialect == Dialect::Sqlite {
        let set = first.execute(SQLITE_SETTINGS).await;
        set.map_err(|source| refused(place.to_owned(), source))?;
    }
    first
        .close()
        .await
        .map_err(|source| refused(place.to_owned(), source))?;
    let numbers = (dialect == Dialect::Postgres).then(|| {
        let few = AnyPoolOptions::new()
            .max_connections(NUMBERS_CONNECTIONS)
            .acquire_timeout(ACQUIRE_WITHIN);
        few.connect_lazy_with(to.clone())
    });
    let settings: &'static [&'static str] = match dialect {
        Dialect::Sqlite => &[SQLITE_SETTINGS],
        Dialect::Postgres => &[],
    };
    let pool = pool_of(CONNECTIONS_MAX, settings).connect_with(to.clone()).await;
    let pool = pool.map_err(|source| refused(place.to_owned(), source))?;
    let changes = match dialect {
        Dialect::Sqlite => pool_of(1, &[SQLITE_SETTINGS, SQLITE_WRITER]).connect_lazy_with(to),
        Dialect::Postgres => pool.clone(),
    };
    Ok(Database {
        numbers,
        pool,
        changes,
        dialect,
        writers: Arc::new(Semaphore::new(1)),
        tenants: (0..super::TENANT_PLACES).map(|_| Arc::default()).collect(),
    })
}

/// So many connections at the most, each with these settings.
fn pool_of(connections: u32, settings: &'static [&'static str]) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_WITHIN)
        .after_connect(move |connection: &mut AnyConnection, _| {
            Box::pin(async move {
                for set in settings {
                    connection.execute(*set).await?;
                }
                Ok(())
            })
        })
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

/// What has a meaning in a URL is quoted.
fn file_url(file: &Path) -> String {
    let path: String = file
        .display()
        .to_string()
        .chars()
        .map(|letter| match letter {
            '%' => "%25".to_owned(),
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            plain => plain.to_string(),
        })
        .collect();
    format!("sqlite://{path}?mode=rwc")
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
