//! The units of systemd: what they say is understood, and what they may do is little.

use std::path::Path;
use std::process::Command;

use campanile_tests::{Lab, programs};

use crate::deploy::common::{has, read, run};

const UNITS: [&str; 2] = ["campanile", "smpp-sim"];

/// Exposure is counted from 0 to 10; the threshold of `systemd-analyze` is in tenths.
const EXPOSURE_MAX: &str = "--threshold=20";

/// The units in a folder, with the programs under test in place of those that a package would have installed.
fn units(lab: &Lab) {
    let bin = lab.bin_dir();
    for unit in UNITS {
        let text = read(&format!("deploy/systemd/{unit}.service"));
        let text = text.replace("/usr/bin/", &format!("{}/", bin.display()));
        std::fs::write(lab.directory().join(format!("{unit}.service")), text).expect("write a file");
    }
}

fn analyze(folder: &Path, arguments: &[&str], unit: &str) {
    run(Command::new("systemd-analyze")
        .args(arguments)
        .arg(folder.join(format!("{unit}.service"))));
}

#[test]
fn units_are_valid_and_expose_little() {
    if !has("systemd-analyze") {
        return;
    }
    let lab = Lab::new(programs!(), "deploy-units");
    units(&lab);
    for unit in UNITS {
        // With errors of units that it refers to left aside: this machine may lack redis-server.service.
        analyze(lab.directory(), &["verify", "--man=no", "--recursive-errors=no"], unit);
        analyze(
            lab.directory(),
            &["security", "--offline=yes", EXPOSURE_MAX, "--no-pager"],
            unit,
        );
    }
}

#[test]
fn a_unit_waits_longer_than_its_engine_needs_to_end() {
    let engine = read("deploy/systemd/campanile.service");
    let seconds = |key: &str| {
        let value = engine
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .expect("the unit says so");
        value.trim_end_matches('s').parse::<u64>().expect("seconds")
    };
    // engine.shutdown_timeout, unless a configuration says otherwise.
    assert!(seconds("TimeoutStopSec=") > 30);
    assert!(
        seconds("WatchdogSec=") >= 10,
        "a busy machine is no fault of the engine's"
    );
}
