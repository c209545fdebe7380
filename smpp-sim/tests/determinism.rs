//! The same seed gives the same ledger, whatever the sessions, the order and the run; and the ledger's file has all of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use crate::common::raw::Raw;
use crate::common::{Client, wait};
use serde_json::Value;
use smpp::frame::{BindKind, CommandId};
use smpp_sim::{Filter, Options, Scenario};

/// Every way to answer, and PDUs that keep their length, so that a client can go on reading.
const SCENARIO: &str = r#"
time_scale = 1000
magic = true
[answer]
delay = { exponential = "1s" }
message_id = "hex_lower"
[receipt]
delay = { uniform = ["0s", "10s"] }
[[outcome]]
name = "delivered"
weight = 80
[[outcome]]
name = "undelivered"
weight = 20
stat = "UNDELIV"
[faults]
no_answer = 0.1
lost = 0.1
receipt_twice = 0.2
wrong_sequence = 0.1
answer_twice = 0.1
refuse = { share = 0.1, status = "0x00000400" }
late = { share = 0.3, by = "1s" }
malformed = { share = 0.3, kinds = ["unknown_command", "truncated_tlv", "missing_nul", "bad_text_length", "empty_body"] }
"#;

const RECIPIENTS: u64 = 400;

/// Submits to each recipient: two messages, the second of two segments.
const SUBMITS: u64 = RECIPIENTS * 3;

/// The ledger of one run by recipient, attempt and part, without times, sessions and order.
async fn ledger(seed: u64, sessions: usize, backwards: bool) -> BTreeMap<(String, u64, u64), Value> {
    let mut scenario = Scenario::parse(SCENARIO, "test.toml").unwrap_or_else(|faults| panic!("{faults}"));
    scenario.seed = seed;
    let running = smpp_sim::start(scenario, Options::ephemeral()).await.unwrap();
    let mut all: Vec<u64> = (0..RECIPIENTS).map(|place| 33_600_000_000 + place * 7).collect();
    if backwards {
        all.reverse();
    }
    let mut tasks = tokio::task::JoinSet::new();
    let mut receiver = Client::bound(running.smpp_addr, BindKind::Receiver).await;
    tasks.spawn(async move { receiver.acknowledge_until_closed().await });
    for share in all.chunks(all.len().div_ceil(sessions)) {
        let mut raw = Raw::bound(running.smpp_addr).await;
        for (place, recipient) in share.iter().enumerate() {
            let (sequence, recipient) = (place as u32 * 3 + 1, recipient.to_string());
            raw.submit(sequence, &recipient, (0, b"Bonjour"))
                .submit(sequence + 1, &recipient, (0x40, b"\x05\x00\x03\x09\x02\x01un"))
                .submit(sequence + 2, &recipient, (0x40, b"\x05\x00\x03\x09\x02\x02deux"));
        }
        raw.flush().await;
        tasks.spawn(async move { while raw.next().await.is_some() {} });
    }
    wait(&running, "submits", SUBMITS).await;
    let totals = running.handle.totals();
    let answered = running
        .handle
        .lines(Filter::default())
        .iter()
        .filter(|line| !silent(line.fault) && !silent(Some(&line.outcome)))
        .count();
    wait(&running, "answered", answered as u64).await;
    wait(&running, "receipts_acked", totals.receipts_due).await;
    let lines = running.handle.lines(Filter::default());
    running.handle.close_sessions();
    tasks.join_all().await;
    running.stop().await;
    lines
        .iter()
        .map(|line| row(serde_json::to_value(line).unwrap()))
        .collect()
}

fn silent(fault: Option<&str>) -> bool {
    matches!(
        fault,
        Some("no_answer" | "lost" | "magic_910_no_answer" | "magic_911_lost")
    )
}

fn row(mut line: Value) -> ((String, u64, u64), Value) {
    let object = line.as_object_mut().unwrap();
    object.retain(|key, _| !key.ends_with("_us") && key != "sequence" && key != "session");
    let number = |key: &str| object[key].as_u64().unwrap();
    let key = (
        object["recipient"].as_str().unwrap().to_owned(),
        number("attempt"),
        number("part"),
    );
    (key, line)
}

#[tokio::test]
async fn one_session_sixteen_sessions_and_another_run_have_the_same_ledger() {
    let one = ledger(42, 1, false).await;
    assert_eq!(one.len() as u64, SUBMITS);
    let ids: std::collections::BTreeSet<_> = one.values().filter_map(|row| row["message_id"].as_str()).collect();
    assert_eq!(
        ids.len(),
        one.values().filter(|row| !row["message_id"].is_null()).count(),
        "ids are unique"
    );
    let faults: std::collections::BTreeSet<_> = one.values().filter_map(|row| row["fault"].as_str()).collect();
    assert!(faults.len() >= 10, "{faults:?}");
    assert_eq!(one, ledger(42, 16, true).await);
    assert_eq!(one, ledger(42, 1, false).await);
    assert_ne!(one, ledger(43, 1, false).await);
}

#[tokio::test]
async fn counted_ids_are_not_those_of_another_run() {
    let mut seen = std::collections::BTreeSet::new();
    for ids in ["since_start", "since_start", "seeded", "seeded"] {
        let scenario = Scenario::parse(&format!("[answer]\nids = \"{ids}\""), "test.toml").unwrap();
        let running = smpp_sim::start(scenario, Options::ephemeral()).await.unwrap();
        let mut raw = Raw::bound(running.smpp_addr).await;
        raw.submits(10).flush().await;
        wait(&running, "answered", 10).await;
        let lines = running.handle.lines(Filter::default());
        seen.extend(lines.into_iter().filter_map(|line| line.message_id));
        running.handle.close_sessions();
        running.stop().await;
    }
    assert_eq!(seen.len(), 30, "those of the seed come again, the others never");
}

#[tokio::test]
async fn the_file_has_every_row_though_the_ring_has_few() {
    let path = std::env::temp_dir().join(format!("smpp-sim-ledger-{}.jsonl", std::process::id()));
    let mut scenario = Scenario::parse("[ledger]\nrows_max = 10\nkeep = \"ring\"", "test.toml").unwrap();
    scenario.ledger_file = Some(path.clone());
    let running = smpp_sim::start(scenario, Options::ephemeral()).await.unwrap();
    let mut raw = Raw::bound(running.smpp_addr).await;
    let count = 20_000;
    for _ in 0..count / 1_000 {
        raw.submits(1_000).flush().await;
        for _ in 0..1_000 {
            assert_eq!(raw.next().await.unwrap().command, CommandId::SUBMIT_SM_RESP);
        }
    }
    // Nobody takes the receipts: every row waits for its own, and is written at the end as it is.
    let shown = running.handle.lines(Filter::default());
    assert_eq!(shown.len(), count);
    running.handle.close_sessions();
    running.stop().await;
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), count);
    let sequences: std::collections::BTreeSet<_> = rows.iter().filter_map(|row| row["sequence"].as_u64()).collect();
    assert_eq!(sequences.len(), count);
    assert!(
        rows.iter()
            .all(|row| row["text"] == "Bonjour" && row["answered_at_us"].is_u64())
    );
}
