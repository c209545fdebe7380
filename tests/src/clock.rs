//! Programs that live at another time than this machine, and by clocks that somebody sets while they run.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use kit::clock::wall_us;

use crate::programs::Lab;

impl Lab {
    /// Programs that are started from now on begin at that time (`2026-11-27T19:24:45Z`): their wall clocks are shifted, all by
    /// as much.
    pub fn live_at(&self, at: &str) {
        let at: Timestamp = at.parse().expect("a time");
        self.preload();
        self.set("SHIFT_SECONDS", &from_here_to(at).as_secs().to_string());
    }

    /// Programs that are started from now on live by clocks that may be set, and show that time at first.
    pub fn clocks(&self, at: Timestamp) -> Clocks {
        self.preload();
        let folder = self.directory().join("clocks");
        std::fs::create_dir(&folder).expect("create a directory");
        self.set("SHIFT_FOLDER", &folder.display().to_string());
        let mut clocks = Clocks {
            shift: SignedDuration::ZERO,
            engine: clock(&folder.join("campanile-under-test")),
            redis: clock(&folder.join("redis-server")),
        };
        clocks.set_to(at);
        clocks
    }

    /// The library that shifts clocks is loaded into what is started from now on.
    fn preload(&self) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("clock/shifted.c");
        let library = self.directory().join("shifted.so");
        if !library.exists() {
            let mut compiler = Command::new("cc");
            let compiler = compiler
                .args(["-shared", "-fPIC", "-O1", "-o"])
                .arg(&library)
                .arg(source);
            assert!(compiler.status().expect("cc, which links Rust, too").success());
        }
        self.set("LD_PRELOAD", &library.display().to_string());
    }
}

/// The wall clocks of engine and Redis, each set by itself. The simulator's is this machine's, by which is measured.
#[derive(Debug)]
pub struct Clocks {
    shift: SignedDuration,
    engine: File,
    redis: File,
}

impl Clocks {
    /// All show that time from now on.
    pub fn set_to(&mut self, at: Timestamp) {
        self.shift = from_here_to(at);
        self.put_wrong([SignedDuration::ZERO; 2]);
    }

    /// How far right clocks are from this machine's.
    pub fn shift(&self) -> SignedDuration {
        self.shift
    }

    /// Those of the engine's machine and of Redis are wrong by so much.
    pub fn put_wrong(&self, [engine, redis]: [SignedDuration; 2]) {
        write(&self.engine, self.shift + engine);
        write(&self.redis, self.shift + redis);
    }
}

fn here() -> Timestamp {
    Timestamp::from_microsecond(i64::try_from(wall_us()).expect("a time")).expect("a time")
}

/// In whole seconds, as clocks are shifted.
fn from_here_to(at: Timestamp) -> SignedDuration {
    SignedDuration::from_secs(at.as_second() - here().as_second())
}

fn clock(path: &PathBuf) -> File {
    let mut options = OpenOptions::new();
    let file = options.create_new(true).write(true).open(path).expect("create a file");
    write(&file, SignedDuration::ZERO);
    file
}

fn write(clock: &File, shift: SignedDuration) {
    clock
        .write_all_at(&shift.as_secs().to_ne_bytes(), 0)
        .expect("set a clock");
}
