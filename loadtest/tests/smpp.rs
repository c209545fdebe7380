//! `loadtest smpp` as a program against the simulator as a library: what it says must be what the simulator did.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contract;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use smpp_sim::{Options, Running, Scenario};

/// A simulator with a runtime of its own, and a directory for the files of one test.
struct Smsc {
    runtime: tokio::runtime::Runtime,
    running: Option<Running>,
    directory: tempfile::TempDir,
}

/// What the program said.
struct Said {
    code: i32,
    results: Value,
    errors: String,
}

impl Smsc {
    fn start(scenario: Scenario) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let running = runtime
            .block_on(smpp_sim::start(scenario, Options::ephemeral()))
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("password"), "secret\n").unwrap();
        Self {
            runtime,
            running: Some(running),
            directory,
        }
    }

    fn with(scenario: &str) -> Self {
        Self::start(Scenario::parse(scenario, "test.toml").unwrap_or_else(|faults| panic!("{faults}")))
    }

    fn named(name: &str) -> Self {
        Self::start(Scenario::named(name).unwrap())
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs `loadtest MODE` against it with further arguments.
    fn load(&self, mode: &str, arguments: &[&str]) -> Said {
        let out = self.file("results.json");
        let target = self.running().smpp_addr.to_string();
        let ended = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args([mode, "--target", &target, "--system-id", "campanile", "--quiet"])
            .arg("--password-file")
            .arg(self.file("password"))
            .arg("--out")
            .arg(&out)
            .args(arguments)
            .output()
            .unwrap();
        let results = std::fs::read(&out).map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap());
        Said {
            code: ended.status.code().unwrap(),
            results,
            errors: String::from_utf8(ended.stderr).unwrap(),
        }
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

impl Said {
    fn count(&self, name: &str) -> u64 {
        self.results["counts"][name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name} in {}; {}", self.results, self.errors))
    }

    fn p99(&self, latency: &str, view: &str) -> f64 {
        self.results["latencies"][latency][view]["p99"].as_f64().unwrap()
    }
}

#[test]
fn the_counts_are_the_simulators() {
    let smsc = Smsc::named("healthy");
    let said = smsc.load("smpp", &["--count", "5000", "--sessions", "3", "--window", "50"]);
    assert_eq!(said.code, 0, "{}", said.errors);
    let totals = smsc.running().handle.totals();
    assert_eq!(
        (totals.submits, totals.receipts_acked, totals.recipients),
        (5_000, 5_000, 5_000)
    );
    for name in ["submitted", "answered", "accepted", "receipts"] {
        assert_eq!(said.count(name), 5_000, "{name}");
    }
    for name in [
        "lost",
        "doubled",
        "unknown",
        "unanswered",
        "refused",
        "dropped",
        "disconnects",
    ] {
        assert_eq!(said.count(name), 0, "{name}");
    }
    assert_eq!(said.results["answers"]["ESME_ROK"], 5_000);
    assert_eq!(said.results["receipts"]["delivrd"], 5_000);
}

#[test]
fn the_last_line_is_json_with_the_keys_of_the_contract() {
    let smsc = Smsc::named("healthy");
    let target = smsc.running().smpp_addr.to_string();
    let ended = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args([
            "smpp",
            "--target",
            &target,
            "--system-id",
            "x",
            "--count",
            "100",
            "--json",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    let line: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    contract::assert_line(&line);
}

#[test]
fn second_copies_are_doubled() {
    let smsc = Smsc::with("[faults]\nreceipt_twice = 0.5\n");
    let said = smsc.load("smpp", &["--count", "2000", "--drain", "20s"]);
    let totals = smsc.running().handle.totals();
    assert!(totals.duplicates > 800, "{totals:?}");
    // The last second copies may still be under way when every message has had its first.
    let doubled = said.count("doubled");
    assert!(
        doubled > 0 && doubled <= totals.duplicates,
        "{doubled} of {}",
        totals.duplicates
    );
    assert_eq!(
        (said.count("receipts"), said.count("unknown"), said.count("lost")),
        (2_000, 0, 0)
    );
}

#[test]
fn a_receipt_that_never_comes_is_lost() {
    let smsc = Smsc::with("magic = true\n");
    let numbers = ["33612345100", "33612345909", "33612345905"].join("\n");
    std::fs::write(smsc.file("numbers"), numbers).unwrap();
    let numbers = smsc.file("numbers");
    let said = smsc.load(
        "smpp",
        &[
            "--count",
            "300",
            "--numbers",
            numbers.to_str().unwrap(),
            "--drain",
            "1s",
            "--threshold",
            "lost==0",
        ],
    );
    assert_eq!((said.count("lost"), said.count("receipts"), said.code), (100, 200, 99));
    assert_eq!(said.results["receipts"]["undeliv"], 100);
    assert_eq!(said.results["thresholds"][0]["held"], false);
}

#[test]
fn refusals_and_silence_are_counted_by_what_they_are() {
    let smsc = Smsc::with("magic = true\n");
    std::fs::write(
        smsc.file("numbers"),
        "33612345901\n33612345911\n33612345914\n33612345912\n",
    )
    .unwrap();
    let numbers = smsc.file("numbers");
    let said = smsc.load(
        "smpp",
        &[
            "--count",
            "40",
            "--numbers",
            numbers.to_str().unwrap(),
            "--drain",
            "1s",
            "--response-timeout",
            "20s",
        ],
    );
    assert_eq!(
        (said.count("refused"), said.count("unanswered")),
        (10, 10),
        "{}",
        said.results
    );
    assert_eq!(said.results["answers"]["ESME_RINVDSTADR"], 10);
    // Hexadecimal in the answer and decimal in the receipt; and the receipt before the answer.
    assert_eq!(
        (said.count("receipts"), said.count("unknown"), said.count("lost")),
        (20, 0, 0)
    );
    assert_eq!(said.results["errors"]["receipt_before_answer"], 10);
}

#[test]
fn inbound_messages_and_intermediate_receipts_are_no_receipts() {
    let smsc = Smsc::with("magic = true\n");
    std::fs::write(smsc.file("numbers"), "33612345915\n").unwrap();
    let numbers = smsc.file("numbers");
    let said = smsc.load("smpp", &["--count", "10", "--numbers", numbers.to_str().unwrap()]);
    assert_eq!(
        (
            said.count("receipts"),
            said.count("intermediate"),
            said.count("inbound")
        ),
        (10, 10, 0)
    );
}

#[test]
fn a_freeze_shows_in_the_corrected_latency_and_not_in_the_raw_one() {
    // The session is not read for 2 s. Of 4,000 messages the 1,000 that become due meanwhile wait for a place in the window;
    // only the 10 in the window see the freeze themselves.
    let smsc = Smsc::with("[faults]\nstop_reading = { after = 1000, for = \"2s\" }\n");
    let said = smsc.load(
        "smpp",
        &[
            "--rate",
            "500/s",
            "--duration",
            "8s",
            "--sessions",
            "1",
            "--window",
            "10",
        ],
    );
    assert_eq!(
        (said.count("offered"), said.count("receipts")),
        (4_000, 4_000),
        "{}",
        said.errors
    );
    let (corrected, raw) = (said.p99("submit", "corrected"), said.p99("submit", "raw"));
    assert!(corrected > 1_500.0, "corrected {corrected} ms");
    assert!(raw < 500.0, "raw {raw} ms");
}

#[test]
fn a_constant_rate_is_offered_exactly() {
    let smsc = Smsc::named("healthy");
    let said = smsc.load("smpp", &["--rate", "1000/s", "--duration", "4s", "--warm-up", "1s"]);
    let seconds = said.results["per_second"].as_array().unwrap();
    for second in &seconds[..4] {
        assert_eq!(second["offered"], 1_000, "{second}");
    }
    assert_eq!((said.count("offered"), said.count("warm_up")), (3_000, 1_000));
    let totals = smsc.running().handle.totals();
    assert_eq!(totals.submits, 4_000);
    assert_eq!(said.results["latencies"]["submit"]["corrected"]["count"], 3_000);
}

#[test]
fn segments_are_submitted_one_by_one() {
    let smsc = Smsc::named("healthy");
    let said = smsc.load(
        "smpp",
        &[
            "--count", "100", "--mix", "gsm7:2=1", "--mix", "ucs2:3=1", "--from", "36034",
        ],
    );
    let totals = smsc.running().handle.totals();
    assert_eq!(
        (totals.messages, totals.submits),
        (100, said.count("submitted")),
        "{}",
        said.errors
    );
    assert!((200..=300).contains(&totals.submits) && said.count("receipts") == totals.submits);
}

#[test]
fn pairs_get_their_receipts_on_the_receiver() {
    let smsc = Smsc::named("healthy");
    let said = smsc.load("smpp", &["--count", "500", "--sessions", "2", "--binds", "pair"]);
    assert_eq!(
        (said.count("receipts"), said.count("lost")),
        (500, 0),
        "{}",
        said.errors
    );
}

#[test]
fn lost_sessions_are_bound_again_and_said() {
    let smsc = Smsc::with(
        "[faults]\nclose = { after = 300, holding = 20, when = \"before_answer\", reset = true, repeat = true }\n",
    );
    let said = smsc.load(
        "smpp",
        &["--count", "1000", "--sessions", "2", "--window", "20", "--drain", "1s"],
    );
    assert!(said.count("disconnects") >= 2, "{}", said.results);
    assert!(said.count("unanswered") > 0);
    assert_eq!(
        said.count("submitted"),
        said.count("answered") + said.count("unanswered")
    );
    assert!(said.count("accepted") > 900);
}

#[test]
fn a_broken_threshold_can_end_the_run() {
    let smsc = Smsc::with("[[outcome]]\nname = \"no\"\nanswer = \"ESME_RTHROTTLED\"\n");
    let said = smsc.load(
        "smpp",
        &[
            "--rate",
            "200/s",
            "--duration",
            "10m",
            "--threshold",
            "error_rate<0.5",
            "--abort-on-fail",
            "--grace",
            "500ms",
        ],
    );
    assert_eq!(said.code, 99, "{}", said.errors);
    assert_eq!(said.results["thresholds"][0]["aborted"], true);
    assert!(said.count("offered") < 10_000);
}

#[test]
fn exit_codes_say_who_is_at_fault() {
    let smsc = Smsc::with("[[account]]\nsystem_id = \"other\"\npassword = \"x\"\n");
    assert_eq!(smsc.load("smpp", &["--count", "1"]).code, 5, "refused");
    assert_eq!(smsc.load("smpp", &["--count", "0"]).code, 2, "clap");
    let both = smsc.load("smpp", &["--rate", "1/s", "--ramp", "1/s..2/s:1s"]);
    assert_eq!(both.code, 2);
    assert!(both.errors.contains("four load models"), "{}", both.errors);

    let run = |target: &str| {
        let ended = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["smpp", "--target", target, "--system-id", "x", "--count", "1"])
            .output()
            .unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    };
    let (code, errors) = run("192.0.2.1:2775");
    assert!(code == Some(2) && errors.contains("--i-own 192.0.2.1"), "{errors}");
    // The port of a listener that is gone: nobody else gets it at once.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(run(&gone.to_string()).0, Some(4));
}

#[test]
fn the_same_seed_sends_to_the_same_numbers() {
    let numbers = |sessions: &str| {
        let smsc = Smsc::named("healthy");
        smsc.load("smpp", &["--count", "200", "--seed", "42", "--sessions", sessions]);
        let lines = smsc.running().handle.lines(smpp_sim::Filter::default());
        let mut recipients: Vec<String> = lines.into_iter().map(|line| format!("{:?}", line.recipient)).collect();
        recipients.sort();
        recipients
    };
    assert_eq!(numbers("1"), numbers("5"));
}
