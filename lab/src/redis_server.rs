//! A Redis of one run's own.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use redis::InfoDict;

use crate::fault::{Fault, Result, cannot};
use crate::process::{Process, Signal, Site};

/// The kernel refuses longer socket paths (`sun_path` has 108 bytes with its NUL).
const SOCKET_PATH_MAX: usize = 107;

/// A busy Redis answers in microseconds; this long means that it hangs.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Which Redis, and how careful.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// A path, or a name that is looked up in PATH.
    pub program: PathBuf,
    /// `always` or `everysec`.
    pub appendfsync: &'static str,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            program: PathBuf::from("redis-server"),
            appendfsync: "everysec",
        }
    }
}

/// `redis-server` on a unix socket, with the settings that the engine recommends; killed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    site: Site,
    settings: RedisSettings,
    process: Process,
    starts: usize,
}

/// What Redis says of itself (`INFO`).
#[derive(Debug, Clone, PartialEq)]
pub struct RedisInfo {
    /// Its name and version: `Redis 7.0.15`, `Valkey 9.1.2`.
    pub server: String,
    /// `used_memory`: bytes given out by its allocator.
    pub used_memory_bytes: u64,
    /// `lazyfree_pending_objects`: deleted and not yet given back.
    pub lazyfree_pending: u64,
    /// `total_net_input_bytes`: octets that it has read from everybody.
    pub read_bytes: u64,
    /// `used_cpu_user` + `used_cpu_sys`: CPU seconds of all its threads.
    pub cpu_seconds: f64,
    /// The same of the thread that runs the commands; absent before Redis 7.
    pub main_thread_cpu_seconds: Option<f64>,
}

impl RedisServer {
    /// Starts it on its data in the folder `redis` of that site, and waits until it answers.
    pub fn start(site: &Site, settings: &RedisSettings) -> Result<Self> {
        let site = site.below("redis")?;
        let process = spawn(&site, settings, 1)?;
        let server = Self {
            site,
            settings: settings.clone(),
            process,
            starts: 1,
        };
        server.wait_until_loaded()?;
        Ok(server)
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("unix://{}", socket(&self.site).display())
    }

    /// SIGKILL: what was written to the append-only file is all that is left.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Sends it that signal: with STOP it stands still, with CONT it goes on.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Starts it again on the same data.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.starts += 1;
        self.process = spawn(&self.site, &self.settings, self.starts)?;
        self.wait_until_loaded()
    }

    /// Syncs before each answer from now on, and after each start.
    pub fn sync_always(&mut self) -> Result<()> {
        self.settings.appendfsync = "always";
        self.set("appendfsync", "always")
    }

    /// A connection, for whoever looks into the store.
    pub fn connect(&self) -> Result<redis::Connection> {
        let connection = redis::Client::open(self.url())?.get_connection()?;
        connection.set_read_timeout(Some(ANSWERS_WITHIN))?;
        Ok(connection)
    }

    /// `CONFIG SET`.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        let mut command = redis::cmd("CONFIG");
        Ok(command.arg("SET").arg(key).arg(value).exec(&mut self.connect()?)?)
    }

    /// What it says of itself.
    pub fn info(&self) -> Result<RedisInfo> {
        let info: InfoDict = redis::cmd("INFO").query(&mut self.connect()?)?;
        parse(&info).ok_or_else(|| Fault::Unexpected {
            what: "Redis's INFO".to_owned(),
            why: "a field is missing".to_owned(),
        })
    }

    /// The part of the append-only file that grows: Redis keeps a base and, beside it, the file of what came since
    /// (`….incr.aof`).
    pub fn log_file(&self) -> Result<PathBuf> {
        let folder = self.site.directory().join("appendonlydir");
        let what = format!("find an append-only file in {}", folder.display());
        let files = std::fs::read_dir(&folder).map_err(cannot(&what))?;
        let paths = files.flatten().map(|file| file.path());
        let logs = paths.filter(|path| path.to_string_lossy().ends_with(".incr.aof"));
        logs.max()
            .ok_or_else(|| cannot(&what)(std::io::ErrorKind::NotFound.into()))
    }

    /// While it loads its data it refuses every command, PING too.
    fn wait_until_loaded(&self) -> Result<()> {
        self.process.wait_at_start("answer", || {
            let Ok(mut connection) = self.connect() else {
                return Ok(None);
            };
            Ok(redis::cmd("PING").exec(&mut connection).ok())
        })
    }
}

fn socket(site: &Site) -> PathBuf {
    site.directory().join("redis.sock")
}

fn spawn(site: &Site, settings: &RedisSettings, start: usize) -> Result<Process> {
    let socket = socket(site);
    if socket.as_os_str().len() > SOCKET_PATH_MAX {
        return Err(Fault::Unexpected {
            what: socket.display().to_string(),
            why: "too long for a unix socket: set CARGO_TARGET_DIR or TMPDIR to a shorter path".to_owned(),
        });
    }
    let mut command = Command::new(&settings.program);
    command.arg("--dir").arg(site.directory());
    command.arg("--unixsocket").arg(socket);
    command.args(["--port", "0", "--unixsocketperm", "700", "--daemonize", "no"]);
    command.args(["--save", "", "--appendonly", "yes"]);
    command.args(["--appendfsync", settings.appendfsync]);
    command.args(["--hash-max-listpack-entries", "64"]);
    // No rewrite in a run of some minutes.
    command.args(["--auto-aof-rewrite-min-size", "1gb"]);
    site.start(&format!("redis-{start}"), command)
}

fn parse(info: &InfoDict) -> Option<RedisInfo> {
    let seconds = |user: &str, system: &str| -> Option<f64> { Some(info.get::<f64>(user)? + info.get::<f64>(system)?) };
    Some(RedisInfo {
        server: server(info)?,
        used_memory_bytes: info.get("used_memory")?,
        lazyfree_pending: info.get("lazyfree_pending_objects")?,
        read_bytes: info.get("total_net_input_bytes")?,
        cpu_seconds: seconds("used_cpu_user", "used_cpu_sys")?,
        main_thread_cpu_seconds: seconds("used_cpu_user_main_thread", "used_cpu_sys_main_thread"),
    })
}

/// Valkey says the last version of Redis that it is like as `redis_version`, and its own beside it.
fn server(info: &InfoDict) -> Option<String> {
    let version = |field: &str| info.get::<String>(field);
    let valkey = version("valkey_version").map(|version| format!("Valkey {version}"));
    valkey.or_else(|| version("redis_version").map(|version| format!("Redis {version}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Processes;
    use crate::scratch::Scratch;

    const INFO: &str = "# Server\r\nredis_version:7.0.15\r\n\r\n# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\n\
                        lazyfree_pending_objects:3\r\ntotal_net_input_bytes:4096\r\n# CPU\r\nused_cpu_sys:1.5\r\nused_cpu_user:2.25\r\n";

    #[test]
    fn fields_are_read_and_the_main_thread_where_it_is_told() {
        let info = parse(&InfoDict::new(INFO)).unwrap();
        assert_eq!(info.server, "Redis 7.0.15");
        assert_eq!((info.used_memory_bytes, info.lazyfree_pending), (1_048_576, 3));
        assert_eq!(info.read_bytes, 4_096);
        assert_eq!((info.cpu_seconds, info.main_thread_cpu_seconds), (3.75, None));
        let text = format!("{INFO}used_cpu_sys_main_thread:0.5\r\nused_cpu_user_main_thread:0.25\r\n");
        let info = parse(&InfoDict::new(&text)).unwrap();
        assert_eq!(info.main_thread_cpu_seconds, Some(0.75));
        let info = parse(&InfoDict::new(&format!("{INFO}valkey_version:9.1.2\r\n"))).unwrap();
        assert_eq!(info.server, "Valkey 9.1.2");
        assert_eq!(parse(&InfoDict::new("redis_version:7\r\n")), None);
    }

    #[test]
    fn it_starts_answers_and_ends() {
        let scratch = Scratch::temporary("lab-", false).unwrap();
        let site = Site::new(&Processes::default(), scratch.path());
        let redis = RedisServer::start(&site, &RedisSettings::default()).unwrap();
        assert!(redis.info().unwrap().used_memory_bytes > 100_000);
        redis.kill();
        assert!(redis.connect().is_err());
    }
}
