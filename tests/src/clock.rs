//! Programs that live at another time than this machine.

use std::path::Path;
use std::process::Command;

use crate::programs::Lab;

impl Lab {
    /// Programs that are started from now on begin at that time (`2026-11-27T19:24:45Z`): their wall clocks are shifted, all by
    /// as much.
    pub fn live_at(&self, at: &str) {
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
        let at: jiff::Timestamp = at.parse().expect("a time");
        let now = i64::try_from(kit::clock::wall_us() / 1_000_000).expect("a time");
        self.set("LD_PRELOAD", &library.display().to_string());
        self.set("SHIFT_SECONDS", &(at.as_second() - now).to_string());
    }
}
