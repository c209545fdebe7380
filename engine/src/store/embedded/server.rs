//! The server's process: a child of ours, or one that a killed engine has left; and its watcher, which ends it when its engine is gone and no
//! other comes.

use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use super::folder::Folder;
use super::{EmbeddedFault, orphan};

/// What a watcher does. When its engine is gone, however it ended, the pipe that only the engine holds breaks, and the server is asked to
/// end a moment later, unless another engine has signed for it by then. So it is when its folder is gone. A line in the pipe sends the watcher home.
/// `$1`: the folder's signature; `$2`: what stands there while the server is this engine's; `$3`: the server's process.
macro_rules! watch {
    ($pipe:literal) => {
        concat!(
            "read -r _ ",
            $pipe,
            " || { sleep 8; { [ ! -e \"$1\" ] || [ \"$(cat \"$1\")\" = \"$2\" ]; } && { [ ! -e /proc/self ] || [ \"$(cat /proc/$3/comm)\" = redis-server ]; } && kill -TERM \"$3\"; }"
        )
    };
}

/// Starts the server in place of the shell, which leaves a watcher behind.
const WITH_WATCHER: &str = concat!(
    "file=$1; is=$2; server=$$; shift 2; exec 3<&0 </dev/null; (set -- \"$file\" \"$is\" \"$server\"; ",
    watch!("<&3"),
    ") & exec redis-server \"$@\" 3<&-"
);

/// A watcher alone.
const WATCHER: &str = watch!("");

/// How often it is looked whether a process is there that is no child of ours.
const LOOK: Duration = Duration::from_millis(200);

/// How long the server may take to end when it is told to.
const END_MAX: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum Process {
    Child(Child),
    /// Somebody else's child.
    TakenOn(u32),
}

/// A server that runs, or ran.
#[derive(Debug)]
pub(super) struct Server {
    process: Process,
    /// What the watcher reads. Not left in the child: waiting for a child closes its input.
    pipe: Option<ChildStdin>,
}

/// What it is started with beside its folder.
pub(super) fn settings() -> String {
    SETTINGS.join(" ")
}

// Live records come and go: as listpacks, small hashes would be scanned at every step. A rewrite of the AOF takes a
// core from the engine for a while, so not below half a gigabyte.
const SETTINGS: [&str; 16] = [
    "--port",
    "0",
    "--unixsocketperm",
    "700",
    "--appendonly",
    "yes",
    "--appendfsync",
    "everysec",
    "--save",
    "",
    "--maxmemory-policy",
    "noeviction",
    "--hash-max-listpack-entries",
    "64",
    "--auto-aof-rewrite-min-size",
    "512mb",
];

impl Server {
    /// Starts one on the folder, which is signed for.
    pub(super) fn spawn(folder: &Folder) -> Result<Self, EmbeddedFault> {
        // A socket left by a crash would look like a server that listens. Nobody listens on it: see `orphan`.
        let _stale = std::fs::remove_file(folder.socket());
        let mut command = Command::new("sh");
        command.args(["-c", WITH_WATCHER, "sh"]);
        command.arg(folder.signature_file()).arg(folder.signature());
        command.args(SETTINGS).arg("--unixsocket").arg(folder.socket());
        command.arg("--dir").arg(folder.path());
        command.arg("--pidfile").arg(folder.pid_file());
        command.arg("--logfile").arg(folder.log());
        command.kill_on_drop(true);
        let mut child = start(command)?;
        Ok(Self {
            pipe: child.stdin.take(),
            process: Process::Child(child),
        })
    }

    /// One that runs on the folder, which is signed for.
    pub(super) fn taken_on(pid: u32, folder: &Folder) -> Result<Self, EmbeddedFault> {
        let mut command = Command::new("sh");
        command.args(["-c", WATCHER, "sh"]);
        command.arg(folder.signature_file()).arg(folder.signature());
        command.arg(pid.to_string());
        let mut watcher = start(command)?;
        Ok(Self {
            pipe: watcher.stdin.take(),
            // The watcher outlives us: it is what ends the server then.
            process: Process::TakenOn(pid),
        })
    }

    /// Waits until it ends, and says how it did.
    pub(super) async fn ended(&mut self, folder: &Folder) -> String {
        match &mut self.process {
            Process::Child(child) => {
                let ended = child.wait().await;
                ended.map_or_else(|error| error.to_string(), |status| status.to_string())
            }
            Process::TakenOn(pid) => {
                while orphan::runs_on(*pid, folder.path()).await {
                    tokio::time::sleep(LOOK).await;
                }
                "nobody knows how".to_owned()
            }
        }
    }

    /// How it has ended, if it is a child of ours and has.
    pub(super) fn has_ended(&mut self) -> Option<ExitStatus> {
        match &mut self.process {
            Process::Child(child) => child.try_wait().ok().flatten(),
            Process::TakenOn(_) => None,
        }
    }

    /// Asks it to save and end, and waits until it has.
    pub(super) async fn stop(&mut self, folder: &Folder) {
        if let Some(pid) = self.pid() {
            orphan::terminate(pid).await;
            if tokio::time::timeout(END_MAX, self.ended(folder)).await.is_err() {
                tracing::warn!("redis-server did not stop when told; its AOF is complete");
            }
        }
        self.dismiss_watcher().await;
    }

    /// The server has ended: its process id may soon be another's, which must not be ended for it.
    pub(super) async fn dismiss_watcher(&mut self) {
        if let Some(mut pipe) = self.pipe.take()
            && let Err(error) = pipe.write_all(b"\n").await
        {
            tracing::debug!(%error, "the watcher of redis-server is already gone");
        }
    }

    pub(super) fn pid(&self) -> Option<u32> {
        match &self.process {
            Process::Child(child) => child.id(),
            Process::TakenOn(pid) => Some(*pid),
        }
    }
}

#[cfg(test)]
impl Server {
    /// The pipe breaks, as it does when an engine is killed; the watcher's server goes on.
    pub(super) fn break_pipe(&mut self) {
        drop(self.pipe.take());
    }

    pub(super) fn into_child(self) -> Option<Child> {
        match self.process {
            Process::Child(child) => Some(child),
            Process::TakenOn(_) => None,
        }
    }
}

fn start(mut command: Command) -> Result<Child, EmbeddedFault> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    command
        .spawn()
        .map_err(|error| match error.kind() == ErrorKind::NotFound {
            true => EmbeddedFault::NoShell,
            false => EmbeddedFault::Start(error),
        })
}
