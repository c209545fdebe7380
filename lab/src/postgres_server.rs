//! A PostgreSQL of one run's own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::fault::{Fault, Result, cannot};
use crate::process::{Process, Site, free_port};

/// Where Debian has the programs of the server, a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Who runs the server when we are root, which it refuses to be run by.
const USER: &str = "postgres";

/// `postgres` on a port of its own; killed when dropped, and its data with it.
#[derive(Debug)]
pub struct PostgresServer {
    process: Process,
    port: u16,
    folder: PathBuf,
}

impl PostgresServer {
    /// Makes a database, starts the server on it and waits until it answers.
    pub fn start(site: &Site) -> Result<Self> {
        let site = site.below("postgres")?;
        let programs = programs()?;
        let folder = folder()?;
        let run = |name: &str| as_server(programs.join(name), &folder);
        let mut make = run("initdb");
        make.args(["--auth", "trust", "--username", "campanile", "--encoding", "UTF8"]);
        make.args(["--locale", "C", "--no-sync", "--pgdata"])
            .arg(folder.join("data"));
        let made = make.output().map_err(cannot("run initdb"))?;
        if !made.status.success() {
            return Err(Fault::Unexpected {
                what: "initdb".to_owned(),
                why: String::from_utf8_lossy(&made.stderr).into_owned(),
            });
        }
        let port = free_port()?;
        let mut start = run("postgres");
        start.arg("-D").arg(folder.join("data")).arg("-k").arg(&folder);
        start
            .args(["-h", "127.0.0.1", "-c", "fsync=off", "-p"])
            .arg(port.to_string());
        let process = site.start("postgres", start)?;
        let server = Self { process, port, folder };
        let ready = programs.join("pg_isready");
        server.process.wait_at_start("answer", || {
            let mut ask = Command::new(&ready);
            ask.args(["-q", "-h", "127.0.0.1", "-p"]).arg(server.port.to_string());
            let answer = ask.status().map_err(cannot("run pg_isready"))?;
            Ok(answer.success().then_some(()))
        })?;
        Ok(server)
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("postgres://campanile@127.0.0.1:{}/postgres", self.port)
    }
}

/// A table that nobody else gets at, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    session: Child,
}

impl PostgresServer {
    /// Has everybody wait who reads or writes a table.
    pub fn lock(&self, table: &str) -> Result<Lock> {
        let mut start = Command::new(programs()?.join("psql"));
        start.args(["-q", "-h", "127.0.0.1", "-U", "campanile", "-d", "postgres", "-p"]);
        start.arg(self.port.to_string());
        let start = start.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut lock = Lock {
            session: start.spawn().map_err(cannot("run psql"))?,
        };
        let what = "lock a table";
        let said = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;\n\\echo locked\n");
        let mut input = lock
            .session
            .stdin
            .take()
            .ok_or(std::io::ErrorKind::BrokenPipe.into())
            .map_err(cannot(what))?;
        input.write_all(said.as_bytes()).map_err(cannot(what))?;
        let mut line = String::new();
        let output = lock
            .session
            .stdout
            .take()
            .ok_or(std::io::ErrorKind::BrokenPipe.into())
            .map_err(cannot(what))?;
        BufReader::new(output).read_line(&mut line).map_err(cannot(what))?;
        // Its end is the session's, and that the lock's.
        lock.session.stdin = Some(input);
        Ok(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.session.stdin.take());
        if let Err(error) = self.session.wait() {
            eprintln!("psql does not end: {error}");
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.process.kill();
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

/// The folder of the server's programs: Debian's newest, or where PATH has them.
#[allow(
    clippy::disallowed_methods,
    reason = "programs are looked for where a shell looks for them"
)]
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    if let Some(newest) = folders.filter(|folder| folder.join("initdb").exists()).max() {
        return Ok(newest);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
    found.ok_or_else(|| Fault::Unexpected {
        what: "PostgreSQL".to_owned(),
        why: "initdb was not found: scripts/install-postgres.sh installs it".to_owned(),
    })
}

/// A folder that the server's user can reach: not below ours.
fn folder() -> Result<PathBuf> {
    let what = "make a folder for PostgreSQL";
    let mut octets = [0; 8];
    getrandom::fill(&mut octets).map_err(|error| cannot(what)(std::io::Error::other(error)))?;
    let folder = std::env::temp_dir().join(format!("campanile-pg-{:016x}", u64::from_be_bytes(octets)));
    std::fs::create_dir(&folder).map_err(cannot(what))?;
    if is_root() {
        let mut give = Command::new("chown");
        let given = give.arg(USER).arg(&folder).status().map_err(cannot("run chown"))?;
        if !given.success() {
            return Err(cannot(what)(std::io::ErrorKind::PermissionDenied.into()));
        }
    }
    Ok(folder)
}

fn as_server(program: PathBuf, folder: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"])
        .arg(program);
    command.env("HOME", folder);
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
