//! Programs that are started with their output in files, known by their id, and ended on every way out.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::{Fault, Result, cannot};
use crate::wait::poll;

/// The longest that any of the programs may take to be ready; embedded Redis, scripts and a small database included.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(30);

/// How many lines of a program's output a failure shows.
const LINES_SHOWN: usize = 30;

/// The program `name` in `directory`, or beside this one.
pub fn program(directory: Option<&Path>, name: &str) -> Result<PathBuf> {
    let directory = match directory {
        Some(directory) => directory.to_owned(),
        None => {
            let own = std::env::current_exe().map_err(cannot("find this program's own path"))?;
            own.parent().unwrap_or(Path::new(".")).to_owned()
        }
    };
    let path = directory.join(name);
    let what = format!("find {} (cargo build -p campanile -p smpp-sim)", path.display());
    path.canonicalize().map_err(cannot(what))
}

/// A moment later it may be somebody else's.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(cannot("find a free port"))?;
    let address = listener.local_addr().map_err(cannot("find a free port"))?;
    Ok(address.port())
}

/// Every program that was started and has not been ended. Clones share one register.
#[derive(Clone, Debug, Default)]
pub struct Processes(Arc<Mutex<Register>>);

type Shared = Arc<Mutex<Child>>;

#[derive(Debug, Default)]
struct Register {
    running: HashMap<u32, Shared>,
    closed: bool,
}

impl Processes {
    /// Ends everything and lets nothing start any more: at once, or, where `grace` is not zero, with SIGTERM first.
    pub fn end_all(&self, grace: Duration) {
        let children: Vec<Shared> = {
            let mut register = lock(&self.0);
            register.closed = true;
            register.running.drain().map(|(_, child)| child).collect()
        };
        if !grace.is_zero() {
            children.iter().for_each(|child| send(child, Signal::TERM));
            let all_ended = || children.iter().all(|child| ended(child).is_some()).then_some(());
            // Whoever is left is killed.
            poll(grace, all_ended).unwrap_or_default();
        }
        children.iter().for_each(end);
    }

    /// Every loop that waits asks this.
    ///
    /// # Errors
    /// [`Fault::Over`] once [`Self::end_all`] was called.
    pub fn check_open(&self) -> Result<()> {
        if lock(&self.0).closed { Err(Fault::Over) } else { Ok(()) }
    }
}

/// Where programs are started: the directory that they work in, and the register that ends them.
#[derive(Clone, Debug)]
pub struct Site {
    processes: Processes,
    directory: PathBuf,
    /// What programs find in their environment besides; the sites below share it.
    environment: Arc<Mutex<Vec<(String, String)>>>,
}

impl Site {
    /// In that directory, which must exist.
    pub fn new(processes: &Processes, directory: &Path) -> Self {
        Self {
            processes: processes.clone(),
            directory: directory.to_owned(),
            environment: Arc::default(),
        }
    }

    /// Programs that are started from now on, here and in the sites below, find that in their environment.
    pub fn set(&self, name: &str, value: &str) {
        lock(&self.environment).push((name.to_owned(), value.to_owned()));
    }

    /// Where programs work and files are written.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A site in a directory below this one, which is made if it is not there.
    pub fn below(&self, name: &str) -> Result<Self> {
        let directory = self.directory.join(name);
        fs::create_dir_all(&directory).map_err(cannot(format!("make {}", directory.display())))?;
        Ok(Self {
            directory,
            ..self.clone()
        })
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.directory.join(name);
        fs::write(&path, content).map_err(cannot(format!("write {}", path.display())))?;
        Ok(path)
    }

    /// Starts `command`, called `name` in messages, with its output in `NAME.out` and `NAME.err`.
    pub fn start(&self, name: &str, mut command: Command) -> Result<Process> {
        let file = |end: &str| self.directory.join(format!("{name}.{end}"));
        let create = |path: &Path| File::create(path).map_err(cannot(format!("write {}", path.display())));
        let (output, errors) = (file("out"), file("err"));
        command
            .current_dir(&self.directory)
            .envs(lock(&self.environment).iter().cloned())
            .stdin(Stdio::null())
            .stdout(create(&output)?)
            .stderr(create(&errors)?);
        let mut register = lock(&self.processes.0);
        if register.closed {
            return Err(Fault::Over);
        }
        let what = format!("run {}", command.get_program().display());
        let child = command.spawn().map_err(cannot(what))?;
        let pid = child.id();
        let child = Arc::new(Mutex::new(child));
        register.running.insert(pid, Arc::clone(&child));
        Ok(Process {
            name: name.to_owned(),
            pid,
            child,
            output,
            errors,
            processes: self.processes.clone(),
        })
    }
}

/// A running program; dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: u32,
    child: Shared,
    output: PathBuf,
    errors: PathBuf,
    processes: Processes,
}

impl Process {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, or `None` while it runs.
    pub fn exited(&self) -> Option<ExitStatus> {
        ended(&self.child)
    }

    /// Asks `condition` until it gives a value.
    ///
    /// # Errors
    /// The program ended, the condition failed, nothing came within `limit`, or the run is over.
    pub fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let look = || match condition() {
            Ok(Some(value)) => Some(Ok(value)),
            Err(fault) => Some(Err(fault)),
            Ok(None) => match self.processes.check_open() {
                Err(over) => Some(Err(over)),
                Ok(()) => self.exited().map(|_| Err(self.ended_before(what))),
            },
        };
        poll(limit, look).unwrap_or_else(|| Err(self.late(what, limit)))
    }

    /// As [`Self::wait_for`] for what a starting program does: it has half a minute.
    pub fn wait_at_start<T>(&self, what: &str, condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        self.wait_for(what, READY_WITHIN, condition)
    }

    /// The first line of its standard output that `accept` takes.
    pub fn wait_for_line<T>(&self, accept: impl Fn(&str) -> Option<T>) -> Result<T> {
        self.wait_at_start("say that it is ready", || {
            Ok(self.lines().iter().find_map(|line| accept(line)))
        })
    }

    /// The JSON object with `"ready": true` that our programs print when they are.
    pub fn ready<T: DeserializeOwned>(&self) -> Result<T> {
        let ready = self.wait_for_line(|line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["ready"] == true).then_some(value)
        })?;
        serde_json::from_value(ready.clone()).map_err(|error| Fault::Unexpected {
            what: format!("{} said {ready}", self.name),
            why: error.to_string(),
        })
    }

    /// The complete lines of standard output so far.
    pub fn lines(&self) -> Vec<String> {
        let text = read(&self.output);
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete.lines().map(str::to_owned).collect()
    }

    /// All of standard error and standard output so far.
    pub fn log(&self) -> String {
        read(&self.errors) + &read(&self.output)
    }

    /// Its last lines, indented, for an error message; empty when it said nothing.
    pub fn last_words(&self) -> String {
        let mut words = String::new();
        for path in [&self.output, &self.errors] {
            let text = read(path);
            let lines: Vec<&str> = text.lines().collect();
            for line in &lines[lines.len().saturating_sub(LINES_SHOWN)..] {
                words.push_str("\n    ");
                words.push_str(line);
            }
        }
        if words.is_empty() {
            return words;
        }
        format!("; it last said:{words}")
    }

    /// Why it may not answer, for an error message: whether it ended, and what it last said.
    pub fn silence(&self) -> String {
        let fate = match self.exited() {
            None => "does not answer as it should",
            Some(_) => "has ended",
        };
        format!("{} {fate}{}", self.name, self.last_words())
    }

    /// Fails when the run is over or the program has ended.
    pub fn check_running(&self) -> Result<()> {
        self.processes.check_open()?;
        match self.exited() {
            None => Ok(()),
            Some(_) => Err(self.ended_before("finish")),
        }
    }

    /// Ends it as a power cut would: SIGKILL.
    pub fn kill(&self) {
        end(&self.child);
    }

    /// Sends it that signal; nothing happens when it has ended.
    pub fn signal(&self, signal: Signal) {
        send(&self.child, signal);
    }

    /// Asks it to end (SIGTERM) and waits for how it ends.
    pub fn terminate(&self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        self.wait_for_end(limit)
    }

    /// Waits for how it ends.
    pub fn wait_for_end(&self, limit: Duration) -> Result<ExitStatus> {
        poll(limit, || self.exited()).ok_or_else(|| self.late("end", limit))
    }

    fn late(&self, what: &str, limit: Duration) -> Fault {
        Fault::Late {
            name: self.name.clone(),
            what: what.to_owned(),
            limit,
            last_words: self.last_words(),
        }
    }

    fn ended_before(&self, what: &str) -> Fault {
        Fault::Ended {
            name: self.name.clone(),
            what: what.to_owned(),
            last_words: self.last_words(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}", self.silence());
        }
        lock(&self.processes.0).running.remove(&self.pid);
        self.kill();
    }
}

/// Also after a panic elsewhere: ending what runs matters most then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended(child: &Shared) -> Option<ExitStatus> {
    lock(child).try_wait().ok().flatten()
}

/// Only while it runs: the id of a program that was waited for may belong to another by now.
fn send(child: &Shared, signal: Signal) {
    let mut child = lock(child);
    if matches!(child.try_wait(), Ok(None))
        && let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw)
    {
        // It can only fail because the program is ending.
        kill_process(pid, signal).ok();
    }
}

/// Kills and waits; that it has ended already is as good.
fn end(child: &Shared) {
    let mut child = lock(child);
    child.kill().ok();
    child.wait().ok();
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn site() -> (Scratch, Processes, Site) {
        let scratch = Scratch::temporary("lab-", false).unwrap();
        let processes = Processes::default();
        let site = Site::new(&processes, scratch.path());
        (scratch, processes, site)
    }

    fn exists(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn the_ready_line_is_read_and_dropping_ends_the_program() {
        let (_scratch, _, site) = site();
        let script = r#"echo '{"ready":true,"api":"127.0.0.1:1"}'; exec cat /dev/zero > /dev/null"#;
        let process = site.start("speaker", shell(script)).unwrap();
        let pid = process.pid();
        let ready: Value = process.ready().unwrap();
        assert_eq!(ready["api"], "127.0.0.1:1");
        assert_eq!(process.exited(), None);
        drop(process);
        assert!(!exists(pid));
    }

    #[test]
    fn a_program_that_ends_early_is_quoted() {
        let (_scratch, _, site) = site();
        let process = site.start("quitter", shell("echo no such port >&2; exit 3")).unwrap();
        let error = process.ready::<Value>().unwrap_err().to_string();
        assert!(
            error.contains("quitter ended") && error.contains("no such port"),
            "{error}"
        );
    }

    #[test]
    fn the_end_is_orderly_where_there_is_time_and_nothing_starts_after_it() {
        let (_scratch, processes, site) = site();
        let script = "trap 'echo asked; exit 0' TERM; echo up; while :; do :; done";
        let orderly = site.start("orderly", shell(script)).unwrap();
        orderly.wait_for_line(|line| (line == "up").then_some(())).unwrap();
        processes.end_all(Duration::from_secs(20));
        assert_eq!(orderly.lines(), ["up", "asked"]);
        assert!(!exists(orderly.pid()));
        assert!(matches!(site.start("late", shell("exit 0")), Err(Fault::Over)));
    }
}
