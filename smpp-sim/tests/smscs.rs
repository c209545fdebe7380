//! Several SMSCs in one process, and what the program prints.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

use crate::common::{Client, http, json, recipients};
use smpp::frame::BindKind;
use smpp_sim::{Options, Setup};

const TWO: &str = r#"
name = "two carriers"
seed = 7

[[smsc]]
name = "north"
listen = "127.0.0.1:0"

[[smsc]]
name = "south"
listen = "127.0.0.1:0"
seed = 8
[[smsc.outcome]]
name = "refused"
answer = "ESME_RSUBMITFAIL"
"#;

#[tokio::test]
async fn each_has_its_own_port_scenario_and_ledger() {
    let setup = Setup::parse(TWO, "two.toml").unwrap_or_else(|faults| panic!("{faults}"));
    let running = smpp_sim::start(setup, Options::ephemeral()).await.unwrap();
    let address = running.http_addr;
    let mut clients = Vec::new();
    for (place, count) in [(0, 3), (1, 5)] {
        let mut client = Client::bound(running.smscs[place].smpp_addr, BindKind::Transmitter).await;
        client.exchange(&recipients(33_600_000_000, count), 0).await;
        clients.push(client);
    }
    let totals = json(address, "GET /wait?submits=8", "").await;
    assert_eq!((&totals["accepted"], &totals["rejected"]), (&3.into(), &5.into()));
    let south = json(address, "GET /ledger/totals?smsc=south", "").await;
    assert_eq!((&south["submits"], &south["accepted"]), (&5.into(), &0.into()));
    let (_, rows) = http(address, "GET /ledger", "").await;
    assert_eq!(
        rows.lines()
            .filter(|line| line.starts_with("{\"smsc\":\"north\""))
            .count(),
        3
    );
    let scenario = json(address, "GET /scenario", "").await;
    let seeds = [&scenario["smscs"][0]["seed"], &scenario["smscs"][1]["seed"]];
    assert_eq!(seeds, [&7, &8]);
    // A walk over messages goes from one to the next.
    let first = json(address, "GET /messages?limit=2", "").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = json(address, &format!("GET /messages?limit=10&cursor={cursor}"), "").await;
    assert_eq!(rest["data"].as_array().unwrap().len(), 6);
    assert_eq!(json(address, "POST /reset?smsc=south", "").await["reset"], true);
    assert_eq!(json(address, "GET /ledger/totals", "").await["submits"], 3);
    let (_, metrics) = http(address, "GET /metrics", "").await;
    assert!(metrics.contains("smppsim_sessions{smsc=\"south\"} 1"), "{metrics}");
    drop(clients);
    running.stop().await;
}

#[test]
fn faults_of_several_are_named_with_their_tables() {
    let text = "[[smsc]]\nname = \"a\"\n[[smsc]]\nname = \"a\"\nlisten = \"here\"\n[smsc.answer]\ndellay = \"1s\"\n";
    let said = Setup::parse(text, "x.toml").unwrap_err().to_string();
    let expected = [
        "x.toml:1: smsc[0].listen: missing: each of several SMSCs has one; an address",
        "smsc[1].name: \"a\" is not allowed: another SMSC is called so",
        "x.toml:5: smsc[1].listen: \"here\" is not allowed: an address and a port",
        "x.toml:7: smsc[1].answer.dellay: unknown key; did you mean \"delay\"?",
    ];
    for line in expected {
        assert!(said.contains(line), "{line}\nis not in\n{said}");
    }
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_smpp-sim"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn commands_print_what_they_promise() {
    let begins = [
        (&["scenarios"][..], "healthy "),
        (&["scenarios", "--show", "healthy"], "name = \"healthy\""),
        (&["magic"], "901  invalid destination"),
        (&["schema"], "{"),
        (&["openapi"], "{\n \"openapi\": \"3.1.0\""),
        (&["man"], ".ie"),
    ];
    for (arguments, beginning) in begins {
        let (code, out, _) = run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}");
        assert!(out.trim_start().contains(beginning), "{arguments:?}: {out}");
    }
    for shell in ["bash", "fish", "zsh"] {
        assert!(run(&["completions", shell]).1.contains("time-scale"), "{shell}");
    }
    let pages = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    assert_eq!(run(&["man", pages.to_str().unwrap()]).0, Some(0));
    assert!(pages.join("smpp-sim.1").exists() && pages.join("smpp-sim-check.1").exists());
}

#[test]
fn check_names_every_fault_of_every_file_and_exits_3() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (good, bad) = (directory.join("good.toml"), directory.join("bad.toml"));
    std::fs::write(&good, TWO).unwrap();
    std::fs::write(&bad, "seed = -1\n[tls]\ncertificate = \"absent.pem\"\n").unwrap();
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    assert_eq!(run(&["check", good]).0, Some(0));
    let (code, _, said) = run(&["check", good, bad]);
    assert_eq!(code, Some(3));
    assert!(said.contains("bad.toml:1: seed") && said.contains("tls.certificate") && said.contains("absent.pem"));
    assert_eq!(run(&["--scenario", good, "--listen", "127.0.0.1:0"]).0, Some(2));
    let (code, _, said) = run(&["--http", "0.0.0.0:0"]);
    assert!(code == Some(2) && said.contains("--token-file"), "{said}");
}
