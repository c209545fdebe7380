//! The modes that bring their own target, and those that refuse: as programs, by their exit codes and what they say.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use smpp_sim::{Options, Running, Scenario};

/// What the program said.
struct Said {
    code: i32,
    output: String,
    errors: String,
}

impl Said {
    fn line(&self) -> Value {
        let last = self.output.lines().last();
        serde_json::from_str(last.unwrap_or_else(|| panic!("no line; {}", self.errors))).unwrap()
    }
}

fn loadtest(directory: &Path, arguments: &[&str]) -> Said {
    let ended = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .current_dir(directory)
        .args(arguments)
        .output()
        .unwrap();
    Said {
        code: ended.status.code().unwrap(),
        output: String::from_utf8(ended.stdout).unwrap(),
        errors: String::from_utf8(ended.stderr).unwrap(),
    }
}

/// A healthy simulator that runs while `test` does; `test` gets its address and a directory.
fn with_simulator(test: impl FnOnce(&str, &Running, &Path)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let scenario = Scenario::named("healthy").unwrap();
    let running = runtime
        .block_on(smpp_sim::start(scenario, Options::ephemeral()))
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    test(&running.smpp_addr.to_string(), &running, directory.path());
    runtime.block_on(running.stop());
}

#[test]
fn self_check_measures_against_a_simulator_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let said = loadtest(
        directory.path(),
        &["self-check", "--count", "2000", "--quiet", "--json"],
    );
    assert_eq!(said.code, 0, "{}", said.errors);
    let line = said.line();
    assert_eq!(
        (&line["submitted"], &line["receipts"], &line["lost"]),
        (&2_000.into(), &2_000.into(), &0.into())
    );
    assert_eq!(line["mode"], "self-check");
}

#[test]
fn a_recording_is_sent_as_it_was() {
    with_simulator(|target, running, directory| {
        let csv = "at,to,text,sender\n0,33612345678,Bonjour,CLINIQUE\n5,33612345679,\"Oui, demain\",36034\n\
                   10,33612345670,Ça va ?,CLINIQUE\n";
        std::fs::write(directory.join("monday.csv"), csv).unwrap();
        let arguments = [
            "--speed",
            "5",
            "--target",
            target,
            "--system-id",
            "x",
            "--quiet",
            "--json",
        ];
        let said = loadtest(directory, &[&["replay", "monday.csv"], &arguments[..]].concat());
        assert_eq!(said.code, 0, "{}", said.errors);
        let line = said.line();
        assert_eq!((&line["submitted"], &line["receipts"]), (&3.into(), &3.into()));
        assert!(
            line["seconds"].as_f64().unwrap() >= 2.0,
            "ten seconds at five times their pace: {line}"
        );
        assert_eq!(running.handle.totals().recipients, 3);

        std::fs::write(directory.join("wrong.csv"), "at,to,text,sender\n0,nobody,Bonjour,X\n").unwrap();
        let said = loadtest(directory, &[&["replay", "wrong.csv"], &arguments[..]].concat());
        assert!(said.code == 3 && said.errors.contains("wrong.csv:2"), "{}", said.errors);
    });
}

#[test]
fn a_soak_watches_memory() {
    with_simulator(|target, _, directory| {
        let own = std::process::id().to_string();
        let load = [
            "soak",
            "--target",
            target,
            "--system-id",
            "x",
            "--rate",
            "100/s",
            "--duration",
            "2s",
        ];
        let watched = ["--target-pid", &own, "--rss-growth-max", "100000", "--quiet", "--json"];
        let said = loadtest(directory, &[&load[..], &watched[..]].concat());
        assert_eq!(said.code, 0, "{}", said.errors);
        let line = said.line();
        assert_eq!(line["offered"], 200, "{line}");
        for whose in ["loadtest", "target"] {
            assert!(
                line["peak_rss_bytes_of"][whose].as_u64().unwrap() > 1_000_000,
                "{whose}: {line}"
            );
        }
    });
}

#[test]
fn hosts_that_are_not_this_machine_have_to_be_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key"), "sk_1").unwrap();
    let smpp = ["smpp", "--system-id", "x", "--count", "1", "--target", "192.0.2.1:2775"];
    let soak = ["soak", "--system-id", "x", "--target", "192.0.2.1:2775"];
    let api = ["api", "--key-file", "key", "--count", "1", "--api", "192.0.2.1:8080"];
    for mode in [&smpp[..], &soak[..], &api[..]] {
        for own in [&[][..], &["--i-own", "192.0.2.2"][..]] {
            let said = loadtest(directory.path(), &[mode, own].concat());
            assert_eq!(said.code, 2, "{mode:?} {own:?}: {}", said.errors);
            assert!(said.errors.contains("--i-own 192.0.2.1"), "{}", said.errors);
        }
    }
}

#[test]
fn a_run_that_is_interrupted_reports_what_it_has() {
    with_simulator(|target, running, directory| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .current_dir(directory)
            .args([
                "smpp",
                "--target",
                target,
                "--system-id",
                "x",
                "--quiet",
                "--out",
                "run.json",
            ])
            .args(["--rate", "200/s", "--duration", "10m"])
            .spawn()
            .unwrap();
        while running.handle.totals().submits < 50 {
            std::thread::yield_now();
        }
        let told = Command::new("kill")
            .args(["-s", "INT", &child.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let text = std::fs::read(directory.join("run.json")).unwrap();
        let results: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(results["counts"]["submitted"], running.handle.totals().submits);
        assert_eq!(results["counts"]["lost"], 0, "the drain is waited for");
        assert!(
            results["notes"][0].as_str().unwrap().contains("interrupted"),
            "{}",
            results["notes"]
        );
    });
}

/// A listener whose connections are answered as `answer` says.
fn api(answer: impl Fn(std::net::TcpStream) + Send + 'static) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
    address
}

#[test]
fn the_second_signal_ends_the_wait_for_answers_of_an_api_that_gives_none() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key"), "sk_1").unwrap();
    let (asked, requests) = std::sync::mpsc::sync_channel(1);
    let address = api(move |connection| {
        // Held open, and never answered.
        let _full = asked.try_send(connection);
    });
    for second in ["INT", "TERM"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .current_dir(directory.path())
            .args([
                "api",
                "--key-file",
                "key",
                "--count",
                "5",
                "--connections",
                "1",
                "--quiet",
                "--api",
                &address,
            ])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _held = requests.recv().unwrap();
        let id = child.id().to_string();
        let signal = |name: &str| {
            let told = Command::new("kill").args(["-s", name, &id]).status();
            assert!(told.unwrap().success());
        };
        signal("INT");
        let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = errors.find(|line| line.as_ref().unwrap().contains("a second signal"));
        assert!(said.is_some(), "{second}");
        signal(second);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{second}");
    }
}

#[test]
fn an_api_that_refuses_everything_is_doubted_aloud_even_when_nobody_wants_words() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key"), "sk_1").unwrap();
    let address = api(|mut connection| {
        let mut head = BufReader::new(connection.try_clone().unwrap()).lines();
        let _end_of_head = head.find(|line| line.as_ref().is_ok_and(String::is_empty));
        let answer = b"HTTP/1.1 422 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        // Whoever hangs up first has had no answer.
        let _unread = connection.write_all(answer);
    });
    let arguments = [
        "api",
        "--key-file",
        "key",
        "--count",
        "5",
        "--connections",
        "1",
        "--quiet",
        "--api",
        &address,
    ];
    let said = loadtest(directory.path(), &arguments);
    assert_eq!(said.code, 98, "{}", said.errors);
    assert!(said.errors.contains("was accepted: 422: "), "{}", said.errors);
}

#[test]
fn a_variable_that_cannot_be_meant_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .current_dir(directory.path())
        .args(["smpp", "--target", "127.0.0.1:1", "--system-id", "x"])
        .env("LOADTEST_SESSIONS", "foo")
        .output()
        .unwrap();
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("foo") && errors.contains("LOADTEST_SESSIONS"),
        "{errors}"
    );
}

#[test]
fn wrong_arguments_name_what_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let smpp = ["smpp", "--target", "127.0.0.1:1", "--system-id", "x", "--count", "1"];
    for (wrong, allowed) in [
        (["--threshold", "lust==0"], "error_rate"),
        (["--threshold", "submit_latency:p(99)<250"], "250ms"),
        (["--duration", "0s"], "longer than 0s, at most 24h"),
        (["--target", "nowhere"], "HOST:PORT"),
        (["--to-prefix", "0612"], "international"),
        (["--password-file", "none"], "--password-file none"),
    ] {
        let said = loadtest(directory.path(), &[&smpp[..], &wrong[..]].concat());
        assert_eq!(said.code, 2, "{wrong:?}: {}", said.errors);
        assert!(said.errors.contains(allowed), "{wrong:?}: {}", said.errors);
    }
    assert_eq!(loadtest(directory.path(), &["run", "nosuch"]).code, 3);
}
