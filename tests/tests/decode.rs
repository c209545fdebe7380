//! `campanile decode`: PDUs, real receipts and ids, texts and numbers, through the program as people run it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Receipts and ids that SMSCs sent to somebody; see the README beside them.
const RECEIPTS: &str = include_str!("../../smpp/tests/golden/receipts.jsonl");
const IDS: &str = include_str!("../../smpp/tests/golden/message_ids.jsonl");

/// PDUs that another program wrote, and what it was told to write.
const PDUS: &str = include_str!("../../smpp/tests/golden/node-smpp.jsonl");
const OPERATIONS: &str = include_str!("../../smpp/tests/golden/operations-node-smpp.jsonl");

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
        &["pdu", "--xml"],
    ] {
        assert_eq!(decode(wrong, b"").status.code(), Some(2), "{wrong:?}");
    }
    let missing = decode(&["receipt", "no-such-file"], b"");
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).starts_with("no-such-file: cannot be read"));
}

fn pdu(input: &str) -> (Option<i32>, Vec<Value>, String) {
    let output = decode(&["pdu", "--json"], input.as_bytes());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), objects(&output), said)
}

#[test]
fn pdus_of_another_program_are_whole_and_rusmpp_takes_them() {
    let rows = [rows(PDUS), rows(OPERATIONS)].concat();
    let hex = |row: &Value| row["hex"].as_str().expect("hex").to_owned();
    let lines: Vec<String> = rows.iter().map(hex).collect();
    // One behind the other in one line, and one a line.
    for input in [lines.concat(), lines.join("\n")] {
        let (code, read, said) = pdu(&input);
        assert_eq!((code, said.as_str(), read.len()), (Some(0), "", rows.len()));
        for (row, read) in rows.iter().zip(&read) {
            assert_eq!(read["problems"], json!([]), "{row}");
            assert_eq!(read["rusmpp_refuses"], Value::Null, "{row}");
        }
    }
    let receipt = rows
        .iter()
        .find(|row| row["case"] == "deliver_sm_receipt_with_parameters");
    let (_, read, _) = pdu(&hex(receipt.expect("the case")));
    let read = &read[0];
    assert_eq!(read["command"], "deliver_sm");
    assert_eq!(read["meanings"]["esm_class"], "delivery receipt");
    assert_eq!(read["fields"]["destination_addr"], "36034");
    assert_eq!(
        (&read["receipt"]["id"], &read["receipt"]["stat"]),
        (&json!("0123456789"), &json!("DELIVRD"))
    );
    let parameters = read["parameters"].as_array().expect("a list");
    let state = parameters.iter().find(|parameter| parameter["tag"] == "0x0427");
    assert_eq!(
        state,
        Some(&json!({ "tag": "0x0427", "name": "message_state", "length": 1, "value": 2, "meaning": "delivered" }))
    );
}

#[test]
fn what_is_wrong_with_a_pdu_is_said_and_costs_the_next_one_nothing() {
    let overlong = "0000001b 80000004 00000000 00000001 3700 001e 0002 3132 00 00 00";
    let link = "0x00,0x00,0x00,0x10,0,0,0,0,0,0,1,5,00000000 00000002";
    let cut = "00000000: 0000 0020 0000 0005 0000 0000 0000 0003  ... ............\n00000010: 0001 0133                                ...3";
    let (code, read, said) = pdu(&format!(
        "{overlong}\n{link}\n{cut}\nhello\n00000010 00000006 00000000 00000004"
    ));
    assert_eq!(code, Some(1));
    let commands: Vec<Option<&str>> = read.iter().map(|read| read["command"].as_str()).collect();
    let expected = ["submit_sm_resp", "enquire_link", "deliver_sm"].map(Some);
    assert_eq!(commands, [&expected[..], &[None, Some("unbind")]].concat());
    let places = |read: &Value| -> Vec<String> {
        let problems = read["problems"].as_array().expect("a list").iter();
        problems
            .map(|problem| problem["place"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(places(&read[0]), ["receipted_message_id", "parameters"], "{}", read[0]);
    assert_ne!(read[0]["rusmpp_refuses"], Value::Null);
    assert_eq!(
        (places(&read[1]), &read[1]["rusmpp_refuses"]),
        (Vec::new(), &Value::Null)
    );
    assert_eq!(places(&read[2]), ["command_length", "source_addr"]);
    assert_eq!(read[3]["line"], 5);
    assert!(
        said.contains("-:3: command_length: 32, but there are 20 octets"),
        "{said}"
    );
    assert!(said.contains("-:5: 'h' is no hexadecimal digit"), "{said}");
}

#[test]
fn a_text_of_several_lines_is_one_text() {
    let output = decode(&["text", "--whole"], b"Bonjour\r\n\r\nA demain\n");
    assert!(output.status.success());
    let read = objects(&output);
    assert_eq!((read.len(), &read[0]["characters"]), (1, &json!(19)));
    let output = decode(&["text", "--whole"], b"\xFF");
    assert_eq!((output.status.code(), objects(&output).len()), (Some(1), 1));
}
