//! The embedded default: our own `redis-server` on a unix socket, supervised, and never two on one folder.

mod folder;
mod orphan;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::CancellationToken;

use folder::Folder;

use super::servers::{AddressFault, Servers};
use crate::config::RedisAddress;

/// Starts the server in place of the shell, which leaves a watcher behind: when the engine is gone, however it ended, the
/// pipe that only the engine holds breaks, and the server is asked to end. A line in the pipe sends the watcher home.
const WITH_WATCHER: &str = "exec 3<&0 </dev/null; (read -r _ <&3 || kill -TERM $$) & exec redis-server \"$@\" 3<&-";

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

/// A running server of our own, on a folder that is ours alone. Dropped without [`Embedded::supervise`] having ended, it
/// is killed, and finds its AOF again later.
#[derive(Debug)]
pub(crate) struct Embedded {
    child: Child,
    /// What the watcher reads. Not left in `child`: waiting for a child closes its input.
    pipe: Option<ChildStdin>,
    folder: Folder,
}

impl Embedded {
    /// Takes `folder`, ends the server that a killed engine may have left there, starts a new one with its data in it, and
    /// waits until it listens.
    ///
    /// # Errors
    /// See [`EmbeddedFault`].
    pub(crate) async fn start(folder: &Path) -> Result<Self, EmbeddedFault> {
        let folder = Folder::take(folder)?;
        orphan::take_over(&folder).await?;
        let mut child = spawn(&folder)?;
        let mut server = Self {
            pipe: child.stdin.take(),
            child,
            folder,
        };
        server.wait_until_listening().await?;
        Ok(server)
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
                () = stop.cancelled() => return self.stop().await,
                ended = self.child.wait() => {
                    let ended = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
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
        self.dismiss_watcher().await;
        orphan::take_over(&self.folder).await?;
        self.child = spawn(&self.folder)?;
        self.pipe = self.child.stdin.take();
        self.wait_until_listening().await
    }

    async fn stop(mut self) {
        if let Some(pid) = self.child.id() {
            orphan::terminate(pid).await;
            let ended = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
            if ended.is_err() {
                tracing::warn!("redis-server did not stop when told; it is killed, its AOF is complete");
            }
        }
        self.dismiss_watcher().await;
    }

    /// The server has ended: its process id may soon be another's, which must not be ended for it.
    async fn dismiss_watcher(&mut self) {
        if let Some(mut pipe) = self.pipe.take()
            && let Err(error) = pipe.write_all(b"\n").await
        {
            tracing::debug!(%error, "the watcher of redis-server is already gone");
        }
    }

    async fn wait_until_listening(&mut self) -> Result<(), EmbeddedFault> {
        for _ in 0..600 {
            if tokio::net::UnixStream::connect(self.folder.socket()).await.is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                self.dismiss_watcher().await;
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

fn spawn(folder: &Folder) -> Result<Child, EmbeddedFault> {
    // A socket left by a crash would look like a server that listens. Nobody listens on it: see `orphan`.
    let _stale = std::fs::remove_file(folder.socket());
    let mut command = Command::new("sh");
    command.args(["-c", WITH_WATCHER, "sh"]);
    command
        .args(["--port", "0", "--unixsocketperm", "700", "--unixsocket"])
        .arg(folder.socket());
    command.arg("--dir").arg(folder.path());
    command.arg("--pidfile").arg(folder.pid_file());
    command.arg("--logfile").arg(folder.log());
    command.args([
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
    ]);
    // Live records come and go: as listpacks, small hashes would be scanned at every step. A rewrite of the AOF takes a
    // core from the engine for a while, so not below half a gigabyte.
    command.args([
        "--hash-max-listpack-entries",
        "64",
        "--auto-aof-rewrite-min-size",
        "512mb",
    ]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .process_group(0);
    command.spawn().map_err(EmbeddedFault::Start)
}
