//! A program that a test runs: started, watched, killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::wait::{eventually, while_a_fault_lasts};

/// How much of a program's standard error a failure message shows.
const TAIL_LINES: usize = 30;

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
    errors: PathBuf,
}

impl Process {
    /// Starts `command`; its output goes to `<name>.out` and `<name>.err` in `directory`.
    pub fn start(name: &str, mut command: Command, directory: &Path) -> Self {
        let output = directory.join(format!("{name}.out"));
        let errors = directory.join(format!("{name}.err"));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&output).expect("create the output file"))
            .stderr(File::create(&errors).expect("create the error file"))
            .spawn()
            .unwrap_or_else(|error| panic!("start {name} ({command:?}): {error}"));
        Self {
            name: name.to_owned(),
            child,
            output,
            errors,
        }
    }

    /// The complete lines of standard output so far.
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.output).unwrap_or_default();
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete.lines().map(str::to_owned).collect()
    }

    /// The first line of standard output that `accept` takes. Panics when the program ends before, or `limit` is over.
    pub fn wait_for_line<T>(&mut self, limit: Duration, accept: impl Fn(&str) -> Option<T>) -> T {
        let what = format!("{} has said that it is ready", self.name);
        eventually(&what, limit, || {
            let found = self.lines().iter().find_map(|line| accept(line));
            if found.is_none()
                && let Some(status) = self.exited()
            {
                panic!(
                    "{} ended with {status} before it was ready:\n{}",
                    self.name,
                    self.tail()
                );
            }
            found
        })
    }

    /// The JSON object that our programs print when they are ready.
    pub fn wait_until_ready(&mut self, limit: Duration) -> Value {
        self.wait_for_line(limit, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["ready"] == true).then_some(value)
        })
    }

    /// How it ended, or `None` while it runs.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("ask for the exit status")
    }

    /// Ends it as a power cut would: SIGKILL.
    pub fn kill(&mut self) {
        // An error means that it has ended already, which is what is wanted.
        drop(self.child.kill());
        self.child.wait().expect("wait for a killed program");
    }

    /// Asks it to end (SIGTERM) and waits; panics when it is still there after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.signal("TERM");
        let what = format!("{} has ended after SIGTERM", self.name);
        eventually(&what, limit, || self.exited())
    }

    /// Sends the signal of that name (`TERM`, `STOP`, `CONT`).
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().expect("run kill");
        assert!(status.success(), "send SIG{name} to {} ({id})", self.name);
    }

    /// SIGSTOP, and SIGCONT after that long: what a machine does that gives its time to others.
    pub fn stand_still(&self, length: Duration) {
        self.signal("STOP");
        while_a_fault_lasts(length);
        self.signal("CONT");
    }

    /// All of standard error and standard output so far.
    pub fn log(&self) -> String {
        let mut log = fs::read_to_string(&self.errors).unwrap_or_default();
        log.push_str(&fs::read_to_string(&self.output).unwrap_or_default());
        log
    }

    /// The last lines of standard error, for failure messages.
    pub fn tail(&self) -> String {
        let text = fs::read_to_string(&self.errors).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {} said last:\n{}", self.name, self.tail());
        }
        self.kill();
    }
}
