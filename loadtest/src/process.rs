//! The programs under measurement: started with their output in files, known by their id, ended on every way out.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::clock;

/// How often a starting program's output is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The longest that any of the programs may take to say that it is ready.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(30);

/// How much of a log is shown when its program fails.
const LOG_LINES_SHOWN: usize = 20;

/// Every program that this run has started and not yet ended. Clones share one register.
#[derive(Clone, Default)]
pub(crate) struct Processes(Arc<Mutex<Register>>);

#[derive(Default)]
struct Register {
    running: HashMap<u32, Child>,
    /// The run is over: nothing may be started any more.
    closed: bool,
}

impl Processes {
    /// Starts `command`, called `name` in messages, with its output in `NAME.out` and `NAME.err` under `directory`.
    ///
    /// # Errors
    /// The program cannot be run, or the run is over.
    pub(crate) fn start(&self, name: &'static str, command: &mut Command, directory: &Path) -> Result<Process> {
        let output = directory.join(format!("{name}.out"));
        let errors = directory.join(format!("{name}.err"));
        command
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(File::create(&errors)?);
        let mut register = self.register();
        ensure!(!register.closed, "the run is over");
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().display()))?;
        let pid = child.id();
        register.running.insert(pid, child);
        Ok(Process {
            name,
            pid,
            output,
            errors,
            processes: self.clone(),
        })
    }

    /// Ends everything and lets nothing start any more.
    pub(crate) fn end_all(&self) {
        let mut register = self.register();
        register.closed = true;
        for (_, child) in register.running.drain() {
            end(child);
        }
    }

    /// Fails once [`Self::end_all`] was called: every waiting loop asks this.
    pub(crate) fn check_open(&self) -> Result<()> {
        ensure!(!self.register().closed, "the run is over");
        Ok(())
    }

    /// A program with its output thrown away.
    #[cfg(test)]
    pub(crate) fn start_for_test(&self, program: &str, arguments: &[&str]) -> Result<Process> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn()?;
        let pid = child.id();
        self.register().running.insert(pid, child);
        Ok(Process {
            name: "test",
            pid,
            output: PathBuf::new(),
            errors: PathBuf::new(),
            processes: self.clone(),
        })
    }

    /// The register, also after a panic elsewhere: ending what runs matters most then.
    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One running program; dropping it ends it.
pub(crate) struct Process {
    name: &'static str,
    pid: u32,
    output: PathBuf,
    errors: PathBuf,
    processes: Processes,
}

impl Process {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has not ended by itself nor been ended.
    pub(crate) fn is_running(&self) -> bool {
        match self.processes.register().running.get_mut(&self.pid) {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => false,
        }
    }

    /// Waits for the first whole line of its standard output, which is JSON and tells its addresses.
    ///
    /// # Errors
    /// It ended, said something else, or said nothing in [`READY_WITHIN`]: with the end of its log.
    pub(crate) fn ready_line(&self) -> Result<serde_json::Value> {
        let mut line = None;
        self.wait_until("say that it is ready", || {
            let said = std::fs::read_to_string(&self.output)?;
            line = said.split_once('\n').map(|(first, _)| first.to_owned());
            Ok(line.is_some())
        })?;
        let line = line.unwrap_or_default();
        serde_json::from_str(&line).with_context(|| format!("{}'s first line is not JSON: {line}", self.name))
    }

    /// Asks `condition` again and again until it holds.
    ///
    /// # Errors
    /// The program ended, the condition failed, or it did not hold in [`READY_WITHIN`]: with the end of the log.
    pub(crate) fn wait_until(&self, what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = clock::now() + READY_WITHIN;
        loop {
            if condition()? {
                return Ok(());
            }
            self.processes.check_open()?;
            if !self.is_running() {
                bail!("{} ended before it could {what}{}", self.name, self.log_end());
            }
            if clock::now() > deadline {
                let patience = humantime::format_duration(READY_WITHIN);
                bail!("{} did not {what} in {patience}{}", self.name, self.log_end());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Why it may not answer, for an error message: whether it ended, and what it last said.
    pub(crate) fn silence(&self) -> String {
        let fate = if self.is_running() {
            "does not answer as it should"
        } else {
            "has ended"
        };
        format!("{} {fate}{}", self.name, self.log_end())
    }

    /// The last lines that it wrote, for an error message.
    fn log_end(&self) -> String {
        let mut text = String::new();
        for path in [&self.output, &self.errors] {
            let log = std::fs::read(path).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<&str> = log.lines().collect();
            for line in &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..] {
                text.push_str("\n    ");
                text.push_str(line);
            }
        }
        if text.is_empty() {
            String::new()
        } else {
            format!("; it last said:{text}")
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let child = self.processes.register().running.remove(&self.pid);
        if let Some(child) = child {
            end(child);
        }
    }
}

/// Kills and reaps: the figures are taken, and the working directory goes with the data, so nothing is to be saved.
fn end(mut child: Child) {
    // Failing means that it has ended already; waiting then reaps it.
    child.kill().ok();
    child.wait().ok();
}

/// The run's own directory under the system's one for temporary files; removed when dropped, unless it is to be kept.
pub(crate) struct WorkDirectory {
    path: PathBuf,
    keep: bool,
}

impl WorkDirectory {
    /// Makes a new directory that only this user may enter: the API keys of the run lie in it.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn create(keep: bool) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let mut builder = std::fs::DirBuilder::new();
        builder.mode(0o700);
        let root = std::env::temp_dir();
        // A unix socket's path has at most some 100 characters: the name stays short.
        for attempt in 0..1_000 {
            let path = root.join(format!("campanile-bench-{}-{attempt}", std::process::id()));
            match builder.create(&path) {
                Ok(()) => return Ok(Self { path, keep }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("cannot make {}", path.display())),
            }
        }
        bail!("{} is full of old working directories", root.display())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        if self.keep {
            println!("kept: {}", self.path.display());
        } else if let Err(error) = std::fs::remove_dir_all(&self.path) {
            eprintln!("loadtest: cannot remove {}: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_ready_line_is_read_and_dropping_ends_the_program() {
        let directory = WorkDirectory::create(false).unwrap();
        let processes = Processes::default();
        let mut script = shell(r#"echo '{"ready":true,"api":"127.0.0.1:1"}'; exec cat /dev/zero > /dev/null"#);
        let process = processes.start("speaker", &mut script, directory.path()).unwrap();
        let pid = process.pid();
        assert_eq!(process.ready_line().unwrap()["api"], "127.0.0.1:1");
        assert!(process.is_running());
        drop(process);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn a_program_that_ends_early_is_quoted() {
        let directory = WorkDirectory::create(false).unwrap();
        let processes = Processes::default();
        let process = processes
            .start("quitter", &mut shell("echo no such port >&2; exit 3"), directory.path())
            .unwrap();
        let error = process.ready_line().unwrap_err().to_string();
        assert!(
            error.contains("quitter ended") && error.contains("no such port"),
            "{error}"
        );
    }

    #[test]
    fn nothing_starts_after_the_end() {
        let directory = WorkDirectory::create(false).unwrap();
        let processes = Processes::default();
        processes.end_all();
        assert!(processes.start("late", &mut shell("exit 0"), directory.path()).is_err());
    }

    #[test]
    fn the_directory_goes_away() {
        let directory = WorkDirectory::create(false).unwrap();
        let path = directory.path().to_owned();
        assert!(path.is_dir());
        drop(directory);
        assert!(!path.exists());
    }
}
