//! The program: its line for scripts, and its exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_smpp-sim");

#[test]
fn it_says_where_it_listens_and_ends_when_told() {
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
        "--scenario",
        "magic",
        "--seed",
        "7",
    ];
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&ready["ready"], &ready["scenario"], &ready["seed"]),
        (&true.into(), &"magic".into(), &7.into())
    );
    let address: std::net::SocketAddr = ready["smpp"].as_str().unwrap().parse().unwrap();
    assert!(std::net::TcpStream::connect(address).is_ok());
    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A bind_transceiver without a password.
fn bind() -> Vec<u8> {
    let body = b"a\0\0\0\x34\0\0\0";
    let header = [16 + body.len() as u32, 0x0000_0009, 0, 1];
    [&header.map(u32::to_be_bytes).concat()[..], body].concat()
}

/// The command_id of the next PDU.
fn command_id(connection: &mut TcpStream) -> u32 {
    let mut header = [0; 16];
    connection.read_exact(&mut header).expect("a header");
    let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four octets"));
    let mut body = vec![0; number(0) as usize - header.len()];
    connection.read_exact(&mut body).expect("a body");
    number(4)
}

#[test]
fn a_second_signal_does_not_wait_for_a_client_that_answers_no_unbind() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("patient.toml");
    std::fs::write(&path, "[timers]\nunbind = \"1h\"\n").unwrap();
    let mut child = Command::new(PROGRAM)
        .args([
            "--quiet",
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--scenario",
        ])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let mut client = TcpStream::connect(ready["smpp"].as_str().unwrap()).unwrap();
    client.write_all(&bind()).unwrap();
    assert_eq!(command_id(&mut client), 0x8000_0009, "bind_transceiver_resp");
    let tell = || {
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(told.unwrap().success());
    };
    tell();
    assert_eq!(command_id(&mut client), 0x0000_0006, "unbind");
    tell();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_scenario_with_faults_opens_no_port_and_exits_3_with_all_of_them() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("faulty.toml");
    std::fs::write(&path, "seed = -1\n[recept]\ndelay = \"1s\"\n").unwrap();
    let output = Command::new(PROGRAM).arg("--scenario").arg(&path).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    std::fs::write(&path, "[ledger]\nfile = \"/nonexistent/x\"\n").unwrap();
    let unwritable = Command::new(PROGRAM).arg("--scenario").arg(&path).output().unwrap();
    assert_eq!(unwritable.status.code(), Some(3));
    assert!(
        said.contains("faulty.toml:1: seed") && said.contains("did you mean \"receipt\""),
        "{said}"
    );
}

#[test]
fn wrong_arguments_exit_2_and_a_taken_port_exits_1() {
    let code = |arguments: &[&str]| Command::new(PROGRAM).args(arguments).output().unwrap().status.code();
    assert_eq!(code(&["--listen", "nowhere"]), Some(2));
    let nowhere = Command::new(PROGRAM).args(["--listen", "nowhere"]).output().unwrap();
    let said = String::from_utf8(nowhere.stderr).unwrap();
    assert!(
        said.contains("an IP address and a port, such as 127.0.0.1:2775"),
        "{said}"
    );
    assert_eq!(code(&["--time-scale", "0"]), Some(2));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(code(&["--listen", &address, "--http", "127.0.0.1:0"]), Some(1));
    assert_eq!(code(&["--scenario", "nothing"]), Some(3));
}

#[test]
fn presets_are_listed_and_shown_with_their_sources() {
    let run = |arguments: &[&str]| Command::new(PROGRAM).args(arguments).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    let listed = text(run(&["presets"]).stdout);
    let names: Vec<_> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let all = [
        "infobip",
        "kaleyra",
        "link",
        "ovh",
        "routemobile",
        "sinch",
        "telesign",
        "vonage",
    ];
    assert_eq!(names, all);
    let shown = text(run(&["presets", "--show", "ovh"]).stdout);
    assert!(shown.contains("[simulator") && shown.contains("[sources]"), "{shown}");
    let unknown = run(&["presets", "--show", "acme"]);
    let said = text(unknown.stderr);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said.contains("\"acme\"") && said.contains("vonage"), "{said}");
    let wrong = run(&["--max-tps", "fast"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(wrong.stderr).contains("1/s to 1000000/s"));
}
