//! Opening a database: made if it is not there, brought to this version, and tied to its Redis.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::migrate::MigrateError;
use sqlx::{AnyConnection, Connection, Executor};
use tokio::sync::Semaphore;
use url::Url;

use super::{Database, DatabaseError, DatabaseFault, Dialect, Sql, migrations};
use crate::config;

/// Queries at once: more would only wait for the same disk.
const CONNECTIONS_MAX: u32 = 16;

/// How long a free connection is waited for.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(10);

/// A commit is on disk before it is answered; readers do not wait for writers; another program's lock is waited for.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON";

/// How much of tenants is kept.
const HELD: &str = "SELECT (SELECT COUNT(*) FROM contact) + (SELECT COUNT(*) FROM list) + (SELECT COUNT(*) FROM segment) \
     + (SELECT COUNT(*) FROM import) + (SELECT COUNT(*) FROM webhook_endpoint)";

impl Database {
    /// Opens the configured database. `store`: the id of the Redis database whose tenants it is about.
    ///
    /// # Errors
    /// See [`DatabaseFault`].
    pub(crate) async fn open(settings: &config::Database, store: &str) -> Result<Self, DatabaseFault> {
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
        database.tie(&place, store).await?;
        Ok(database)
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

    /// The tenants of another Redis have the same numbers, and must not be shown these people.
    async fn tie(&self, place: &str, store: &str) -> Result<(), DatabaseFault> {
        let mut change = self.change().await?;
        let mut claim = Sql::new("INSERT INTO installation (one, store) VALUES (1, ");
        claim.value(store).push(") ON CONFLICT (one) DO NOTHING");
        change.run(claim).await?;
        let found = Sql::new("SELECT store FROM installation WHERE one = 1");
        let found = change.rows(found, |row| row.text(0)).await?;
        let other = found.into_iter().next().filter(|theirs| theirs != store);
        if let Some(theirs) = other {
            let held = change.rows(Sql::new(HELD), |row| row.number(0)).await?;
            if held.first() != Some(&0) {
                return Err(DatabaseFault::OtherStore {
                    place: place.to_owned(),
                    theirs,
                    ours: store.to_owned(),
                });
            }
            // Nobody is in it: it goes with whatever Redis is there now, and knows nothing of the one before.
            let mut tie = Sql::new("UPDATE installation SET store = ");
            tie.value(store);
            change.run(tie).await?;
            for table in ["webhook_position", "webhook_campaign"] {
                let mut forget = Sql::new("DELETE FROM ");
                forget.push(table);
                change.run(forget).await?;
            }
        }
        Ok(change.commit().await?)
    }
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
    let options = AnyPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_WITHIN)
        .after_connect(move |connection: &mut AnyConnection, _| {
            Box::pin(async move {
                if dialect == Dialect::Sqlite {
                    connection.execute(SQLITE_SETTINGS).await?;
                }
                Ok(())
            })
        });
    // Once without the pool, which would only say that it waited in vain.
    let first = AnyConnection::connect(url).await;
    let mut first = first.map_err(|source| refused(place.to_owned(), source))?;
    if dialect == Dialect::Sqlite {
        let set = first.execute(SQLITE_SETTINGS).await;
        set.map_err(|source| refused(place.to_owned(), source))?;
    }
    first
        .close()
        .await
        .map_err(|source| refused(place.to_owned(), source))?;
    let pool = options.connect(url).await;
    Ok(Database {
        pool: pool.map_err(|source| refused(place.to_owned(), source))?,
        dialect,
        writers: Arc::new(Semaphore::new(1)),
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
