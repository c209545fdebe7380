//! `campanile decode`: real receipts and ids, texts and numbers, through the program as people run it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Receipts and ids that SMSCs sent to somebody; see the README beside them.
const RECEIPTS: &str = include_str!("../../smpp/tests/golden/receipts.jsonl");
const IDS: &str = include_str!("../../smpp/tests/golden/message_ids.jsonl");

const FIELDS: [&str; 8] = ["id", "stat", "err", "sub", "dlvrd", "submit_date", "done_date", "text"];

fn decode(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"))
        .arg("decode")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("campanile starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn objects(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

fn rows(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

#[test]
fn every_receipt_of_the_corpus_is_read_exactly() {
    let rows = rows(RECEIPTS);
    let input: String = rows.iter().map(|row| format!("{}\n", row["receipt"])).collect();
    let output = decode(&["receipt", "--json"], input.as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = objects(&output);
    assert_eq!(read.len(), rows.len());
    for (row, read) in rows.iter().zip(&read) {
        for field in FIELDS {
            assert_eq!(read[field], row[field], "{field} of {row}");
        }
    }
}

#[test]
fn ids_are_the_same_or_not_and_the_exit_code_says_it() {
    let pairs = rows(IDS);
    let both = pairs
        .iter()
        .filter_map(|row| Some((row["submit_sm_resp_id"].as_str()?, row["receipt_text_id"].as_str()?)));
    for (answer, receipt) in both {
        let output = decode(&["ids", answer, receipt], b"");
        assert_eq!(output.status.code(), Some(0), "{answer} {receipt}");
        assert_eq!(objects(&output)[0]["same"], true);
    }
    let output = decode(&["ids", "5000", "6000"], b"");
    assert_eq!(
        (output.status.code(), &objects(&output)[0]),
        (Some(1), &json!({ "same": false, "by": null }))
    );
    let output = decode(&["ids", "000024", "24"], b"");
    assert_eq!(objects(&output)[0]["by"], "leading_zeros");
}

#[test]
fn texts_and_numbers_come_line_by_line_and_a_bad_one_costs_only_itself() {
    let output = decode(&["text"], "Bonjour\r\nL’hôpital 😀\n".as_bytes());
    assert!(output.status.success());
    let read = objects(&output);
    assert_eq!(read.len(), 2);
    assert_eq!(
        (&read[0]["encoding"], &read[1]["encoding"]),
        (&json!("gsm7"), &json!("ucs2"))
    );
    let output = decode(&["number", "--region", "FR"], b"0612345678\nMartin\n\xFF\n0142685300\n");
    assert_eq!(output.status.code(), Some(1));
    let read = objects(&output);
    let found: Vec<&str> = read.iter().filter_map(|row| row["e164"].as_str()).collect();
    assert_eq!(found, ["+33612345678", "+33142685300"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("-:2: not a phone number") && said.contains("-:3: not UTF-8"),
        "{said}"
    );
    for wrong in [
        &["number", "--region", "France"][..],
        &["text", "--policy", "gsm"],
        &["ids", "1"],
        &["pdu"],
    ] {
        assert_eq!(decode(wrong, b"").status.code(), Some(2), "{wrong:?}");
    }
    let missing = decode(&["receipt", "no-such-file"], b"");
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).starts_with("no-such-file: cannot be read"));
}
