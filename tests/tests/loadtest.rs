//! `loadtest` as a program through the whole product: what it says must be what engine and simulator did.

use std::path::Path;
use std::process::Command;

use campanile_tests::{Lab, Stand, programs};
use serde_json::Value;

/// What the program said at its end.
struct Said {
    code: i32,
    line: Value,
    errors: String,
}

impl Said {
    fn number(&self, name: &str) -> u64 {
        self.line[name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name} in {}; {}", self.line, self.errors))
    }
}

/// Runs `loadtest` in `directory` until its last line.
fn loadtest(directory: &Path, arguments: &[&str]) -> Said {
    let ended = Command::new(env!("CARGO_BIN_EXE_loadtest-under-test"))
        .current_dir(directory)
        .args(arguments)
        .args(["--quiet", "--json"])
        .output()
        .expect("run loadtest");
    let output = String::from_utf8(ended.stdout).expect("its output is text");
    Said {
        code: ended.status.code().expect("it ends by itself"),
        line: output.lines().last().map_or(Value::Null, |line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        }),
        errors: String::from_utf8(ended.stderr).expect("its errors are text"),
    }
}

/// `loadtest e2e` with a stage of its own.
fn e2e(lab: &Lab, arguments: &[&str]) -> Said {
    lab.bin_dir();
    let usual = [
        "e2e",
        "--bin-dir",
        "bin",
        "--tenants",
        "3",
        "--recipients",
        "100",
        "--settle",
        "500ms",
    ];
    loadtest(lab.directory(), &[&usual, arguments].concat())
}

#[test]
fn the_ledgers_agree_on_every_message() {
    let lab = Lab::new(programs!(), "loadtest-e2e");
    let said = e2e(
        &lab,
        &["--scenario", "unreliable", "--zipf", "1", "--csv", "seconds.csv"],
    );
    assert_eq!(said.code, 0, "{} {}", said.line, said.errors);
    assert_eq!(said.number("offered"), 300);
    assert_eq!(said.line["held"], true);
    for name in ["lost", "doubled", "wrong_status", "credit_delta"] {
        assert_eq!(said.line["conservation"][name], 0, "{name}: {}", said.line);
    }
    // The row of seconds is the simulator's ledger once more.
    let seconds = std::fs::read_to_string(lab.directory().join("seconds.csv")).expect("it was written");
    let submitted = seconds.lines().skip(1).map(|row| {
        let cell = row.split(',').nth(3).unwrap_or_else(|| panic!("a short row: {row}"));
        cell.parse::<u64>().unwrap_or_else(|error| panic!("{error}: {row}"))
    });
    assert_eq!(submitted.sum::<u64>(), said.number("submitted"), "{seconds}");
}

#[test]
fn receipts_that_do_not_come_in_time_are_said() {
    let lab = Lab::new(programs!(), "loadtest-e2e-late");
    let scenario = "[receipt]\ndelay = \"1h\"\n";
    std::fs::write(lab.directory().join("late.toml"), scenario).expect("write the scenario");
    let said = e2e(&lab, &["--scenario", "late.toml", "--timeout", "2s"]);
    assert_eq!(said.code, 99, "{} {}", said.line, said.errors);
    assert_eq!(
        (said.number("accepted"), said.number("lost")),
        (300, 300),
        "{}",
        said.line
    );
    // What was accepted is `transmitted` on both sides: the ledgers do agree.
    assert_eq!(said.line["conservation"]["wrong_status"], 0, "{}", said.line);
    assert_eq!(
        said.line["thresholds"][0]["threshold"], "unfinished==0",
        "{}",
        said.line
    );
}

#[test]
fn single_messages_through_the_api_reach_the_smsc() {
    let stand = Stand::new(programs!(), "loadtest-api", "", |smsc| smsc);
    let directory = stand.lab().directory();
    std::fs::write(directory.join("tenant.key"), &stand.tenant.key).expect("write the key");
    let api = stand.engine.public();
    let api = ["api", "--api", api.address(), "--key-file", "tenant.key"];
    let load = ["--rate", "100/s", "--duration", "2s", "--threshold", "refused==0"];
    let said = loadtest(directory, &[&api[..], &load[..]].concat());
    assert_eq!(said.code, 0, "{} {}", said.line, said.errors);
    assert_eq!((said.number("offered"), said.number("accepted")), (200, 200));
    let limit = std::time::Duration::from_secs(20);
    stand.sim.wait_for("receipts_acked", 200, limit);
    assert_eq!(stand.sim.totals().submits, 200, "each message once");
}

#[test]
fn a_wrong_key_is_refused_by_the_api() {
    let lab = Lab::new(programs!(), "loadtest-api-key");
    let redis = lab.redis();
    let sim = lab.sim("");
    let engine = lab.engine_on(&redis, &sim);
    std::fs::write(lab.directory().join("wrong.key"), "sk_wrong").expect("write the key");
    let api = engine.public();
    let api = ["api", "--api", api.address(), "--key-file", "wrong.key"];
    let said = loadtest(lab.directory(), &[&api[..], &["--count", "20"][..]].concat());
    assert_eq!(said.code, 5, "{} {}", said.line, said.errors);
    assert!(said.errors.contains("HTTP status 401"), "{}", said.errors);
}
