//! A Redis of a test's own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::wait::eventually;

/// A start reads the whole append-only file again; the tests' are small.
const START_LIMIT: Duration = Duration::from_secs(20);

/// The kernel refuses longer socket paths (`sun_path` has 108 bytes with its NUL).
const SOCKET_PATH_MAX: usize = 107;

/// `redis-server` on a unix socket, with the settings that the engine recommends: AOF, everysec.
#[derive(Debug)]
pub struct RedisServer {
    directory: PathBuf,
    process: Process,
    starts: usize,
}

impl RedisServer {
    /// Starts it on its data under `directory`, and waits until it answers.
    pub fn start(directory: &Path) -> Self {
        let directory = directory.join("redis");
        std::fs::create_dir_all(&directory).expect("create Redis' directory");
        let process = spawn(&directory, 1);
        let mut server = Self {
            directory,
            process,
            starts: 1,
        };
        server.wait_until_loaded();
        server
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("unix://{}", socket(&self.directory).display())
    }

    /// SIGKILL: what was written to the append-only file is all that is left.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Sends it the signal of that name (`STOP`, `CONT`): it stands still, and goes on.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// `CONFIG SET`.
    pub fn set(&self, key: &str, value: &str) {
        let mut connection = self.connect().expect("connect to Redis");
        let mut command = redis::cmd("CONFIG");
        command.arg("SET").arg(key).arg(value);
        command.query::<()>(&mut connection).expect("CONFIG SET");
    }

    /// How much memory its data take, in octets.
    pub fn used_memory(&self) -> u64 {
        let mut connection = self.connect().expect("connect to Redis");
        let info: String = redis::cmd("INFO").arg("memory").query(&mut connection).expect("INFO");
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        used.and_then(|used| used.trim().parse().ok())
            .expect("INFO says used_memory")
    }

    /// How long the append-only file is, in octets: the part that grows.
    pub fn log_length(&self) -> u64 {
        let log = self.log_file();
        log.metadata().expect("look at the append-only file").len()
    }

    /// Cuts that many octets off the append-only file, as a power cut does with what was not synced. Redis must be down.
    pub fn lose_tail(&self, octets: u64) {
        let log = self.log_file();
        let file = std::fs::OpenOptions::new().write(true).open(&log);
        let file = file.expect("open the append-only file");
        let length = self.log_length();
        file.set_len(length.saturating_sub(octets))
            .expect("cut the append-only file");
    }

    /// Redis keeps a base and, beside it, the file of what came since (`…incr.aof`).
    fn log_file(&self) -> PathBuf {
        let folder = self.directory.join("appendonlydir");
        let files = std::fs::read_dir(&folder).expect("list the append-only files");
        let paths = files.map(|file| file.expect("list the append-only files").path());
        let is_log = |path: &PathBuf| path.to_string_lossy().ends_with(".incr.aof");
        paths.filter(is_log).max().expect("there is an append-only file")
    }

    /// Starts it again on the same data.
    pub fn restart(&mut self) {
        self.process.kill();
        self.starts += 1;
        self.process = spawn(&self.directory, self.starts);
        self.wait_until_loaded();
    }

    /// A connection, for tests that look into the store.
    pub fn connect(&self) -> redis::RedisResult<redis::Connection> {
        redis::Client::open(self.url())?.get_connection()
    }

    /// While it loads its data it refuses every command, PING too.
    fn wait_until_loaded(&mut self) {
        eventually("Redis answers", START_LIMIT, || {
            assert!(
                self.process.exited().is_none(),
                "redis-server ended:\n{}",
                self.process.lines().join("\n")
            );
            let mut connection = self.connect().ok()?;
            redis::cmd("PING").query::<String>(&mut connection).ok()
        });
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("redis.sock")
}

fn spawn(directory: &Path, start: usize) -> Process {
    let socket = socket(directory);
    assert!(
        socket.as_os_str().len() <= SOCKET_PATH_MAX,
        "{} is too long for a unix socket: set CARGO_TARGET_DIR to a shorter path",
        socket.display()
    );
    let mut command = Command::new("redis-server");
    command
        .current_dir(directory)
        .args(["--port", "0", "--save", "", "--daemonize", "no"]);
    command.args([
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
        "--hash-max-listpack-entries",
        "64",
    ]);
    command.arg("--dir").arg(directory).arg("--unixsocket").arg(socket);
    Process::start(&format!("redis-{start}"), command, directory)
}
