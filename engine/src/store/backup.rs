//! What a backup asks of a server: where its append-only file is, whether that is the right one, and who uses the database.

use std::path::PathBuf;
use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind};

use super::connection::read;
use super::health::ID;
use super::servers::{Link, Servers};
use super::{StoreError, keys};

/// A server that takes longer is away.
const WITHIN: Duration = Duration::from_secs(5);

/// The field of `c:meta` with the stamp of the last backup.
const STAMP: &str = "backup";

/// How a server answers whom its settings do not concern.
const NOT_FOR_US: ErrorKind = ErrorKind::Server(ServerErrorKind::NoPerm);

/// How it answers when the command was renamed away.
const NO_SUCH_COMMAND: ErrorKind = ErrorKind::Server(ServerErrorKind::ResponseError);

/// Why a server's data cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceFault {
    /// It is not there, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No file has all of it.
    #[error("it is a cluster, whose data lie on several servers: keep the append-only folder of each of its masters")]
    Cluster,
    /// It tells nobody its settings, as many hosted ones.
    #[error("it does not say where its data is (CONFIG GET): keep it with what its provider has for this")]
    Hidden,
    /// Nothing of it is on a disk, or all in one file.
    #[error("it has {0}, and a backup needs {1}")]
    Setting(String, &'static str),
}

/// Where a server says that its append-only file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its `dir`.
    pub(crate) data: PathBuf,
    /// The folder in it, `appenddirname`.
    pub(crate) folder: String,
    /// What the files in that begin with, `appendfilename`.
    pub(crate) name: String,
}

/// Who uses a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Users {
    /// The database's id; `None` when no engine has ever used it.
    pub(crate) id: Option<String>,
    /// The last epoch that began; another one: an engine has started.
    pub(crate) last_epoch: u64,
    /// How long ago an engine that has not ended in order gave a sign of life.
    pub(crate) last_sign: Option<Duration>,
}

/// A server whose data is to be kept. It is given nothing but a stamp.
pub(crate) struct Source {
    link: Link,
}

impl Source {
    /// Connects.
    ///
    /// # Errors
    /// When the server is not there, or refuses us.
    pub(crate) async fn connect(servers: &Servers) -> Result<Self, StoreError> {
        Ok(Self {
            link: servers.visit(WITHIN).await?,
        })
    }

    /// Where its data is.
    ///
    /// # Errors
    /// See [`SourceFault`].
    pub(crate) async fn place(&mut self) -> Result<Place, SourceFault> {
        if self.link.is_to_cluster() {
            return Err(SourceFault::Cluster);
        }
        if self.setting("appendonly").await? != "yes" {
            return Err(SourceFault::Setting("appendonly no".to_owned(), "appendonly yes"));
        }
        let folder = self.setting("appenddirname").await?;
        if folder.is_empty() {
            return Err(SourceFault::Setting(
                "its append-only file in one piece".to_owned(),
                "Redis 7.0 or later",
            ));
        }
        Ok(Place {
            data: self.setting("dir").await?.into(),
            folder,
            name: self.setting("appendfilename").await?,
        })
    }

    /// Empty when it has no such setting.
    async fn setting(&mut self, name: &str) -> Result<String, SourceFault> {
        let mut get = redis::cmd("CONFIG");
        get.arg("GET").arg(name);
        let hides = |error: &RedisError| error.kind() == NOT_FOR_US || error.kind() == NO_SUCH_COMMAND;
        let reply = self.link.call(&get).await;
        if matches!(&reply, Err(StoreError::Refused(error)) if hides(error)) {
            return Err(SourceFault::Hidden);
        }
        let reply = reply?;
        let found: Vec<(String, String)> = read(reply)?;
        Ok(found.into_iter().next().map(|(_, value)| value).unwrap_or_default())
    }

    /// Whether it still reads its data, and answers little else.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub(crate) async fn is_loading(&mut self) -> Result<bool, StoreError> {
        let mut ask = redis::cmd("INFO");
        let info: String = self.ask(ask.arg("persistence")).await?;
        Ok(info.lines().any(|line| line.trim() == "loading:1"))
    }

    /// Puts a stamp into the database: the append-only file that has it is this server's, and has all that came before.
    ///
    /// # Errors
    /// When the server does not answer, or takes nothing.
    pub(crate) async fn stamp(&mut self, stamp: &str) -> Result<(), StoreError> {
        let mut set = redis::cmd("HSET");
        set.arg(keys::META).arg(STAMP).arg(stamp);
        self.ask::<i64>(&set).await.map(drop)
    }

    /// Who uses the database.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub(crate) async fn users(&mut self) -> Result<Users, StoreError> {
        let id = self.ask(redis::cmd("HGET").arg(keys::META).arg(ID)).await?;
        let last_epoch: Option<u64> = self.ask(redis::cmd("HGET").arg(keys::META).arg("next_epoch")).await?;
        let signs: Vec<u64> = self.ask(redis::cmd("HVALS").arg(keys::ENGINES)).await?;
        let (seconds, micros): (u64, u64) = self.ask(&redis::cmd("TIME")).await?;
        let now = seconds * 1_000_000 + micros;
        let last = signs.into_iter().max();
        Ok(Users {
            id,
            last_epoch: last_epoch.unwrap_or(0),
            last_sign: last.map(|at| Duration::from_micros(now.saturating_sub(at))),
        })
    }

    async fn ask<T: redis::FromRedisValue>(&self, call: &Cmd) -> Result<T, StoreError> {
        read(self.link.call(call).await?)
    }
}
