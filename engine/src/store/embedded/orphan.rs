//! A server that a killed engine left on the folder: it is found, and taken on or ended in order before a new one starts, so that no two
//! ever write one AOF.

use std::path::Path;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use tokio::process::Command;

use super::EmbeddedFault;
use super::folder::Folder;

/// How long a server may take to end: it writes what its AOF lacks, on a disk that may be slow.
const END_MAX: Duration = Duration::from_secs(60);

/// Between two looks whether it has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a server may take to answer. It answers while it loads; one that is stopped or stuck does not.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A server that runs on the folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orphan {
    pub(super) pid: u32,
    /// It listens and answers; one that does not is about to end, or stuck.
    pub(super) answers: bool,
}

/// Breaks all connections to a server on the folder, so that nothing is done any more of what a killed engine has asked for.
///
/// # Errors
/// When the server does not do it.
pub(super) async fn break_connections(folder: &Folder) -> redis::RedisResult<()> {
    let mut server = connect(&folder.socket()).await?;
    for kind in ["normal", "pubsub"] {
        let mut kill = redis::cmd("CLIENT");
        kill.arg("KILL").arg("TYPE").arg(kind).arg("SKIPME").arg("yes");
        kill.exec_async(&mut server).await?;
    }
    Ok(())
}

/// Ends a server that runs on the folder, and waits until its process is gone.
///
/// # Errors
/// [`EmbeddedFault::Stays`] when it does not end.
pub(super) async fn end(orphan: Option<Orphan>, folder: &Folder) -> Result<(), EmbeddedFault> {
    let Some(Orphan { pid, .. }) = orphan else {
        return Ok(());
    };
    tracing::warn!(
        pid,
        "a redis-server of an engine that was killed still runs on the data folder; it is stopped first"
    );
    terminate(pid).await;
    let gone = async {
        while runs_on(pid, folder.path()).await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(END_MAX, gone)
        .await
        .map_err(|_| EmbeddedFault::Stays {
            pid,
            folder: folder.path().to_owned(),
        })
}

/// The server that runs on the folder, if one does. The socket is asked first; a server that just ends has closed it already, and is known
/// by its pid file.
///
/// # Errors
/// [`EmbeddedFault::Foreign`] when the socket belongs to a server with another folder, which is left alone.
pub(super) async fn find(folder: &Folder) -> Result<Option<Orphan>, EmbeddedFault> {
    if let Ok(mut server) = connect(&folder.socket()).await
        && let Ok((pid, dir)) = introduce(&mut server).await
    {
        if Path::new(&dir) != folder.path() {
            return Err(EmbeddedFault::Foreign {
                socket: folder.socket(),
                dir,
            });
        }
        return Ok(Some(Orphan { pid, answers: true }));
    }
    let text = std::fs::read_to_string(folder.pid_file()).unwrap_or_default();
    let Ok(pid) = text.trim().parse() else { return Ok(None) };
    let runs = runs_on(pid, folder.path()).await;
    Ok(runs.then_some(Orphan { pid, answers: false }))
}

async fn connect(socket: &Path) -> redis::RedisResult<MultiplexedConnection> {
    let client = Client::open(format!("redis+unix://{}", socket.display()))?;
    let limits = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_MAX))
        .set_response_timeout(Some(ANSWER_MAX));
    client.get_multiplexed_async_connection_with_config(&limits).await
}

/// Its process id and its folder.
async fn introduce(server: &mut MultiplexedConnection) -> redis::RedisResult<(u32, String)> {
    let info: String = redis::cmd("INFO").arg("server").query_async(server).await?;
    let (_, dir): (String, String) = redis::cmd("CONFIG").arg("GET").arg("dir").query_async(server).await?;
    let pid = info.lines().find_map(|line| line.strip_prefix("process_id:"));
    let pid = pid.and_then(|pid| pid.trim().parse().ok());
    let unknown = || redis::RedisError::from(std::io::Error::other("the server does not say its process id"));
    Ok((pid.ok_or_else(unknown)?, dir))
}

/// SIGTERM, which makes a redis-server write its AOF and end. By the shell, whose own command it is: small systems have
/// no program `kill`.
pub(super) async fn terminate(pid: u32) {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -TERM \"$1\"", "sh", &pid.to_string()]);
    match command.status().await {
        Ok(status) if status.success() => {}
        Ok(status) => tracing::debug!(pid, %status, "no signal was sent: the process has ended"),
        Err(error) => tracing::warn!(pid, %error, "no signal can be sent"),
    }
}

/// Whether that process is a redis-server on that folder. Process ids are given out again: the number alone says nothing,
/// and a process that has ended may keep it until its parent asks how.
pub(super) async fn runs_on(pid: u32, folder: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    if Path::new("/proc/self").exists() {
        let name = std::fs::read_to_string(process.join("comm")).unwrap_or_default();
        let directory = std::fs::read_link(process.join("cwd"));
        return name.trim() == "redis-server" && directory.is_ok_and(|directory| directory == folder);
    }
    let mut command = Command::new("ps");
    let output = command.args(["-o", "comm=", "-p", &pid.to_string()]).output().await;
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("redis-server"))
}
