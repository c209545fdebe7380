//! The embedded default: our own `redis-server` on a unix socket, supervised.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// A server that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedFault {
    /// The program is not there.
    #[error(
        "redis-server was not found: install it (Debian, Ubuntu: apt install redis-server; macOS: brew install redis), \
         or set redis.url to a server that runs"
    )]
    NotInstalled,
    /// The folder cannot be used.
    #[error("cannot use the data folder {0}: {1}")]
    Folder(PathBuf, #[source] std::io::Error),
    /// It ended at once; its log says why.
    #[error("redis-server ended while starting ({0}); see {1}")]
    Ended(std::process::ExitStatus, PathBuf),
    /// It could not be started.
    #[error("cannot start redis-server: {0}")]
    Start(#[source] std::io::Error),
    /// It never listened.
    #[error("redis-server did not listen within 30 s; see {0}")]
    Late(PathBuf),
}

/// A running server of our own. Dropped without [`Embedded::stop`], it is killed, and finds its AOF again later.
#[derive(Debug)]
pub struct Embedded {
    folder: PathBuf,
    child: Child,
}

impl Embedded {
    /// Starts it with its data in `folder`, and waits until it listens.
    ///
    /// # Errors
    /// See [`EmbeddedFault`].
    pub async fn start(folder: &Path) -> Result<Self, EmbeddedFault> {
        std::fs::create_dir_all(folder).map_err(|error| EmbeddedFault::Folder(folder.to_owned(), error))?;
        let folder = folder
            .canonicalize()
            .map_err(|error| EmbeddedFault::Folder(folder.to_owned(), error))?;
        let mut server = Self {
            child: spawn(&folder)?,
            folder,
        };
        server.wait_until_listening().await?;
        Ok(server)
    }

    /// Where to connect.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", socket(&self.folder).display())
    }

    /// Keeps it running: started again whenever it ends, until `stop` is cancelled; then it is asked to save and end.
    pub async fn supervise(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.stop().await,
                ended = self.child.wait() => {
                    tracing::error!(?ended, "redis-server ended by itself; it is started again");
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
        self.child = spawn(&self.folder)?;
        self.wait_until_listening().await
    }

    /// SIGTERM makes redis-server flush its AOF and end.
    async fn stop(mut self) {
        if let Some(pid) = self.child.id() {
            let told = Command::new("kill").arg(pid.to_string()).status().await;
            let ended = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
            if told.is_err() || ended.is_err() {
                tracing::warn!("redis-server did not end when told; it is killed, its AOF is complete");
            }
        }
    }

    async fn wait_until_listening(&mut self) -> Result<(), EmbeddedFault> {
        let log = self.folder.join("redis.log");
        for _ in 0..600 {
            if tokio::net::UnixStream::connect(socket(&self.folder)).await.is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(EmbeddedFault::Ended(status, log));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(EmbeddedFault::Late(log))
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("redis.sock")
}

fn spawn(folder: &Path) -> Result<Child, EmbeddedFault> {
    // A socket left by a crash would look like a server that listens.
    let _stale = std::fs::remove_file(socket(folder));
    let mut command = Command::new("redis-server");
    command
        .args(["--port", "0", "--unixsocketperm", "700", "--unixsocket"])
        .arg(socket(folder));
    command
        .arg("--dir")
        .arg(folder)
        .arg("--logfile")
        .arg(folder.join("redis.log"));
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
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .process_group(0);
    command.spawn().map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            EmbeddedFault::NotInstalled
        } else {
            EmbeddedFault::Start(error)
        }
    })
}
