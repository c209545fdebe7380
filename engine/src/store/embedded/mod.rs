//! The embedded default: our own `redis-server` on a unix socket, supervised, and never two on one folder.

mod folder;
mod orphan;
mod server;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use folder::Folder;
use server::Server;

use super::servers::{AddressFault, Servers};
use crate::config::RedisAddress;

/// How a shell ends when there is no such program.
const NO_SUCH_PROGRAM: i32 = 127;

/// A server that cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbeddedFault {
    /// The program is not there.
    #[error(
        "redis-server was not found: install it (Debian, Ubuntu: apt install redis-server; macOS: brew install redis), \
         or set redis.url to a server that runs"
    )]
    NotInstalled,
    /// The shell that watches over the program is not there.
    #[error(
        "sh was not found: redis-server is started through it; put it in PATH, or set redis.url to a server that runs"
    )]
    NoShell,
    /// The folder cannot be used.
    #[error("cannot use the data folder {0}: {1}")]
    Folder(PathBuf, #[source] std::io::Error),
    /// Another engine has the folder.
    #[error("the data folder {} is used by {holder}: one engine at a time, or set redis.data_dir to a folder of its own", folder.display())]
    InUse {
        folder: PathBuf,
        /// The engine that has it.
        holder: String,
    },
    /// The socket in the folder leads to a server with other data.
    #[error("a redis-server with its data in {dir} is running on {}: stop it, or set redis.data_dir to another folder", socket.display())]
    Foreign {
        socket: PathBuf,
        /// Where that server's data is.
        dir: String,
    },
    /// The server of a killed engine does not end.
    #[error("the redis-server with process id {pid} on {} was told to stop and did not: stop it, then start again", folder.display())]
    Stays {
        /// Its process.
        pid: u32,
        /// The folder it is on.
        folder: PathBuf,
    },
    /// It ended at once; its log says why.
    #[error("redis-server exited while starting ({0}); see {1}")]
    Ended(std::process::ExitStatus, PathBuf),
    /// It could not be started.
    #[error("cannot start redis-server: {0}")]
    Start(#[source] std::io::Error),
    /// It never listened.
    #[error("redis-server did not listen within 30 s; see {0}")]
    Late(PathBuf),
}

/// The version of the server that would be started.
///
/// # Errors
/// [`EmbeddedFault::NotInstalled`] or [`EmbeddedFault::Start`].
pub(crate) async fn installed_server() -> Result<String, EmbeddedFault> {
    match Command::new("redis-server").arg("--version").output().await {
        Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(EmbeddedFault::NotInstalled),
        Err(error) => Err(EmbeddedFault::Start(error)),
    }
}

/// The server of an engine that runs on this folder, ready to be connected to; `None`: nobody listens there.
pub(crate) async fn running(folder: &Path) -> Option<Servers> {
    let socket = folder.join(folder::SOCKET).canonicalize().ok()?;
    tokio::net::UnixStream::connect(&socket).await.ok()?;
    Servers::new(&RedisAddress::one(format!("redis+unix://{}", socket.display()))).ok()
}

/// A running server of our own, on a folder that is ours alone. Dropped without [`Embedded::supervise`] having ended, it
/// is killed, and finds its AOF again later; one that was taken on ends a moment later in order.
#[derive(Debug)]
pub(crate) struct Embedded {
    server: Server,
    folder: Folder,
}

impl Embedded {
    /// Takes `folder`, and the server that a killed engine has left there, which has everything at hand; or starts one with its data in
    /// it, and waits until it listens.
    ///
    /// # Errors
    /// See [`EmbeddedFault`].
    pub(crate) async fn start(folder: &Path) -> Result<Self, EmbeddedFault> {
        Self::start_as(folder, true).await
    }

    /// The same with a server that reads what is on the disk, whatever was left there.
    ///
    /// # Errors
    /// See [`EmbeddedFault`].
    pub(crate) async fn start_afresh(folder: &Path) -> Result<Self, EmbeddedFault> {
        Self::start_as(folder, false).await
    }

    async fn start_as(folder: &Path, takes_on: bool) -> Result<Self, EmbeddedFault> {
        let mut folder = Folder::take(folder)?;
        let settings = server::settings();
        let is_as_ours = folder.sign(&settings)?.is_some_and(|before| before == settings);
        let server = match orphan::find(&folder).await? {
            Some(orphan)
                if takes_on && is_as_ours && orphan.answers && orphan::break_connections(&folder).await.is_ok() =>
            {
                tracing::warn!(
                    pid = orphan.pid,
                    "the redis-server of an engine that was killed still runs on the data folder; it is taken on"
                );
                Server::taken_on(orphan.pid, &folder)?
            }
            found => {
                orphan::end(found, &folder).await?;
                Server::spawn(&folder)?
            }
        };
        let mut embedded = Self { server, folder };
        embedded.wait_until_listening().await?;
        Ok(embedded)
    }

    /// Where to connect.
    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.socket().display())
    }

    /// The same, ready to be connected to.
    ///
    /// # Errors
    /// When the folder's path makes no URL.
    pub(crate) fn servers(&self) -> Result<Servers, AddressFault> {
        Servers::new(&RedisAddress::one(self.url()))
    }

    /// Keeps it running: started again whenever it ends, until `stop` is cancelled; then it is asked to save and end.
    pub(crate) async fn supervise(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.server.stop(&self.folder).await,
                ended = self.server.ended(&self.folder) => {
                    tracing::error!(ended, "redis-server exited by itself; it is started again");
                }
            }
            while let Err(error) = self.restart().await {
                tracing::error!(%error, "redis-server cannot be started again");
                if stop.is_cancelled() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    async fn restart(&mut self) -> Result<(), EmbeddedFault> {
        self.server.dismiss_watcher().await;
        let found = orphan::find(&self.folder).await?;
        orphan::end(found, &self.folder).await?;
        self.server = Server::spawn(&self.folder)?;
        self.wait_until_listening().await
    }

    async fn wait_until_listening(&mut self) -> Result<(), EmbeddedFault> {
        for _ in 0..600 {
            if tokio::net::UnixStream::connect(self.folder.socket()).await.is_ok() {
                return Ok(());
            }
            if let Some(status) = self.server.has_ended() {
                self.server.dismiss_watcher().await;
                return Err(match status.code() {
                    Some(NO_SUCH_PROGRAM) => EmbeddedFault::NotInstalled,
                    _ => EmbeddedFault::Ended(status, self.folder.log()),
                });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(EmbeddedFault::Late(self.folder.log()))
    }
}

#[cfg(test)]
impl Embedded {
    /// What somebody else does to the server, in the words of redis-cli.
    pub(crate) async fn told(&self, words: &[&str]) -> redis::Value {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd(words[0])
            .arg(&words[1..])
            .query_async(&mut connection)
            .await
            .unwrap()
    }
}
