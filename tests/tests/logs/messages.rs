//! The message log: what happened to messages.

use campanile_tests::{eventually, tenant};
use serde_json::{Value, json};

use crate::logs::common::{LIMIT, command_with_key, kept, stand, stand_of_a_full_disk};

#[test]
fn what_happens_to_messages_is_a_line_each_without_numbers_and_is_found_again() {
    const MESSAGES: usize = 20;
    let (stand, _) = stand("logs-messages", &["[message_log]\npath = \"messages.log\""]);
    let path = stand.lab().directory().join("messages.log");
    let campaign = stand.launch(MESSAGES);
    stand.all_delivered(&campaign, MESSAGES, LIMIT);
    let lines = eventually("each has its lines", LIMIT, || {
        let lines = kept(&path);
        (lines.len() >= 2 * MESSAGES).then_some(lines)
    });
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    let (taken, delivered) = (of("taken"), of("delivered"));
    assert_eq!(
        (taken.len(), delivered.len(), lines.len()),
        (MESSAGES, MESSAGES, 2 * MESSAGES)
    );
    for line in &lines {
        assert_eq!(
            (&line["smsc"], &line["campaign"], &line["tenant"], &line["credits"]),
            (&json!("north"), &json!(campaign.id), &json!(stand.tenant.id), &json!(1)),
            "{line}"
        );
    }
    let text = std::fs::read_to_string(&path).expect("it is there");
    for number in tenant::recipients(MESSAGES) {
        assert!(!text.contains(&number[1..]), "{number} is in it");
    }
    let message = delivered[0]["message"].as_str().expect("an id");
    let traced = command_with_key(&stand, &["message", "trace", message, "--json"]);
    let traced: Value = serde_json::from_slice(&traced.stdout).expect("JSON");
    let events: Vec<&Value> = traced["data"].as_array().expect("a list").iter().collect();
    let words: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(words, ["asked_for", "taken", "delivered"], "{traced}");
    // One writes zeros at the end of a second, and the other does not.
    let at = |time: &Value| time.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    assert_eq!(
        at(&events[2]["at"]),
        at(&delivered[0]["time"]),
        "by the log's clock: {traced}"
    );
}

#[test]
fn messages_that_never_went_are_lines_too_and_a_log_that_cannot_be_written_stops_nothing() {
    let stand = stand_of_a_full_disk(
        ("logs-messages-full", "messages.log"),
        "[message_log]\npath = \"messages.log\"",
    );
    let campaign = stand.launch(10);
    stand.all_delivered(&campaign, 10, LIMIT);
    let lost = || {
        stand
            .engine
            .metric(|sample| sample == "campanile_message_log_lines_lost_total")
    };
    eventually("lost lines are counted", LIMIT, || (lost() > 19.5).then_some(()));
    let path = stand.lab().directory().join("messages.log");
    std::fs::remove_file(&path).expect("the disk has room again");
    stand
        .engine
        .admin()
        .post("/v1/smscs/north/suspend", &Value::Null)
        .expect(200);
    let stopped = stand.launch(10);
    assert!(stopped.ask(&stand.engine, "cancel").status < 300);
    eventually("the stopped ones have lines", LIMIT, || {
        let lines = kept(&path);
        let of = lines
            .iter()
            .filter(|line| line["campaign"] == stopped.id.as_str() && line["event"] == "canceled");
        let count: u64 = of.map(|line| line["count"].as_u64().unwrap_or(1)).sum();
        (count == 10).then_some(())
    });
}
