//! `loadtest smpp` as a program against the simulator as a library: what it says must be what the simulator did.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use smpp_sim::{Options, Running, Scenario};

use crate::contract;

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

    /// Runs `loadtest MODE` against it with further arguments; without thresholds of its own, a run is short on purpose.
    fn load(&self, mode: &str, arguments: &[&str]) -> Said {
        let own = arguments.contains(&"--threshold");
        let any = ["--threshold", "submitted>0"];
        self.load_as_it_is(mode, &[arguments, if own { &[] } else { &any }].concat())
    }

    fn load_as_it_is(&self, mode: &str, arguments: &[&str]) -> Said {
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
fn standard_output_is_one_line_of_json_with_the_keys_of_the_contract() {
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
    let line: Value = serde_json::from_str(&said).expect("JSON is alone on standard output");
    contract::assert_line(&line);
    let words = String::from_utf8(ended.stderr).unwrap();
    assert!(words.contains("Latency in ms"), "{words}");
    // A hundred messages are no second.
    assert_eq!(
        (ended.status.code(), &line["held"]),
        (Some(98), &false.into()),
        "{line}"
    );
    assert!(words.contains("WARNING: only 0."), "{words}");
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
fn a_run_whose_sessions_are_all_lost_is_doubted() {
    let smsc = Smsc::with("[faults]\nclose = { after = 50, when = \"before_answer\", reset = true, repeat = true }\n");
    let lost = ["--sessions", "2", "--reconnects", "0", "--drain", "1s"];
    let said = smsc.load_as_it_is("smpp", &[&["--rate", "200/s", "--duration", "10m"][..], &lost].concat());
    assert_eq!(said.code, 98, "{}", said.errors);
    let doubts = said.results["doubts"].to_string();
    assert!(doubts.contains("every session was lost"), "{doubts}");
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

#[test]
fn ids_that_cannot_be_followed_are_no_success() {
    // Reused: they begin again after 1,000, before any receipt has come.
    for (ids, error, untraceable) in [
        ("empty_answer", "empty_message_id", 1_500),
        ("reused", "repeated_message_id", 500),
    ] {
        let smsc = Smsc::with(&format!(
            "[answer]\nmessage_id = \"{ids}\"\n[receipt]\ndelay = \"1h\"\n"
        ));
        let said = smsc.load("smpp", &["--count", "1500", "--drain", "100ms"]);
        assert_eq!(said.code, 98, "{ids}: {}", said.results);
        assert_eq!(said.count("untraceable"), untraceable, "{ids}");
        assert_eq!(said.results["errors"][error], untraceable, "{ids}");
        let doubt = said.results["doubts"][0].as_str().unwrap();
        assert!(doubt.contains("nobody can tell whether their receipts came"), "{doubt}");
    }
}

#[test]
fn a_run_that_is_mostly_unanswered_is_no_success() {
    let smsc = Smsc::with("[faults]\nlost = 0.9\n");
    let said = smsc.load(
        "smpp",
        &[
            "--count",
            "50",
            "--window",
            "50",
            "--drain",
            "100ms",
            "--response-timeout",
            "20s",
        ],
    );
    assert_eq!(said.code, 98, "{}", said.results);
    let doubt = said.results["doubts"][0].as_str().unwrap();
    assert!(doubt.contains("were never answered"), "{doubt}");
}

#[test]
fn what_is_typed_often_is_short_or_in_the_environment() {
    let smsc = Smsc::with("[[account]]\nsystem_id = \"me\"\npassword = \"secret\"\n");
    let target = smsc.running().smpp_addr.to_string();
    let loadtest = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
        command
            .args(["smpp", "--threshold", "accepted==40", "-q", "-j"])
            .args(arguments)
            .current_dir(smsc.directory.path());
        command
    };
    let short = loadtest(&[
        "-t", &target, "-u", "me", "-p", "password", "-s", "2", "-w", "10", "-c", "40",
    ])
    .output()
    .unwrap();
    assert_eq!(short.status.code(), Some(0), "{short:?}");
    let environment = [
        ("LOADTEST_TARGET", target.as_str()),
        ("LOADTEST_SYSTEM_ID", "me"),
        ("LOADTEST_PASSWORD_FILE", "password"),
        ("LOADTEST_SESSIONS", "2"),
        ("LOADTEST_WINDOW", "10"),
    ];
    let by_rate = loadtest(&["-r", "40/s", "-d", "1s"])
        .envs(environment)
        .output()
        .unwrap();
    assert_eq!(by_rate.status.code(), Some(0), "{by_rate:?}");
    // What the command line says goes before it; and what is wrong is said by its name.
    let named = loadtest(&["-u", "other", "-c", "40"])
        .envs(environment)
        .output()
        .unwrap();
    assert_eq!(named.status.code(), Some(5), "{named:?}");
    let wrong = loadtest(&["-c", "40"])
        .envs(environment)
        .env("LOADTEST_SESSIONS", "many")
        .output()
        .unwrap();
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        wrong.status.code() == Some(2) && said.contains("--sessions") && said.contains("many"),
        "{said}"
    );
}

#[test]
fn the_capacity_is_the_rate_that_the_smsc_takes() {
    let smsc = Smsc::with("[[account]]\nsystem_id = \"campanile\"\npassword = \"secret\"\nrate = \"120/s\"\n");
    let arguments = [
        "--p99",
        "5s",
        "--start",
        "50/s",
        "--up-to",
        "1000/s",
        "--step",
        "1s",
        "--precision",
        "20%",
    ];
    let said = smsc.load_as_it_is("capacity", &arguments);
    let capacity = &said.results["capacity"];
    assert_eq!(said.code, 0, "{capacity}");
    let found = capacity["per_second"].as_f64().unwrap();
    assert!((90.0..=125.0).contains(&found), "{capacity}");
    let why = capacity["limited_by"].as_str().unwrap();
    assert!(why.contains("were refused"), "{why}");
    let steps = capacity["steps"].as_array().unwrap();
    // Doubled from 50 until it is too much, and then between; what is too much is tried twice.
    let rates: Vec<f64> = steps.iter().map(|step| step["per_second"].as_f64().unwrap()).collect();
    assert_eq!(rates[..4], [50.0, 100.0, 200.0, 200.0], "{rates:?}");

    let slow = Smsc::with("[answer]\ndelay = \"300ms\"\n");
    let arguments = ["--p99", "100ms", "--start", "2/s", "--up-to", "4/s", "--step", "1s"];
    let said = slow.load_as_it_is("capacity", &arguments);
    assert_eq!(
        (said.code, &said.results["capacity"]["per_second"]),
        (99, &0.0.into()),
        "{}",
        said.results
    );
    assert!(
        said.results["capacity"]["limited_by"]
            .as_str()
            .unwrap()
            .contains("99 % took up to")
    );
}

#[test]
fn a_search_that_cannot_be_is_refused() {
    let smsc = Smsc::named("healthy");
    for (arguments, part) in [
        (["--p99", "0ms", "--step", "1s"], "1ms to 1m"),
        (["--p99", "1s", "--step", "1ms"], "1s to 10m"),
        (
            ["--p99", "1s", "--start", "300000/s"],
            "--start 300000/s is above --up-to 200000/s",
        ),
        (["--p99", "1s", "--precision", "0%"], "1% to 50%"),
    ] {
        let said = smsc.load_as_it_is("capacity", &arguments);
        assert!(said.code == 2 && said.errors.contains(part), "{part}: {}", said.errors);
    }
}
