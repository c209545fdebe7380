//! The log: whose request a line belongs to, and what is said at all.

use campanile_tests::CampaignOrder;
use serde_json::{Value, json};

use crate::logs::common::{ask, command, line, lines, stand};

#[test]
fn every_line_of_a_request_has_its_id_and_every_change_a_line() {
    let (stand, _) = stand("logs-requests", &["[log]\nfilter = \"debug\""]);
    let public = stand.engine.public();
    let key = &stand.tenant.key;
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(3));
    let launch = format!("POST /v1/campaigns/{}/launch", campaign.id);
    let heads = format!("authorization: Bearer {key}\r\nx-request-id: launch-1\r\n");
    let answer = ask(public.address(), &launch, &heads, "");
    assert!(
        answer.starts_with("HTTP/1.1 202") && answer.contains("x-request-id: launch-1"),
        "{answer}"
    );
    let launched = line(&stand, "the launch has a line", |line| {
        line["request_id"] == "launch-1" && line["message"] == "answered"
    });
    let expected = [
        ("level", json!("INFO")),
        ("method", json!("POST")),
        ("route", json!("/v1/campaigns/{id}/launch")),
        ("status", json!(202)),
        ("tenant", json!(stand.tenant.id)),
    ];
    for (name, value) in expected {
        assert_eq!(launched[name], value, "{launched}");
    }
    assert!(
        launched["took_ms"].as_f64().is_some_and(|took| took > 0.0),
        "{launched}"
    );

    // A read, with an id of the engine's own, and its refusal's code.
    let answer = ask(public.address(), "GET /v1/campaigns/+33612345678", "", "");
    let id = answer
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .expect("an id");
    let read = line(&stand, "the read has a line", |line| line["request_id"] == id);
    assert_eq!(
        (&read["level"], &read["route"], &read["status"], &read["code"]),
        (
            &json!("DEBUG"),
            &json!("/v1/campaigns/{id}"),
            &json!(401),
            &json!("unauthorized")
        ),
        "{read}"
    );

    // What goes wrong in the course of a request is its line, too.
    stand.redis.kill();
    let heads = format!("authorization: Bearer {key}\r\nx-request-id: lost-1\r\n");
    let answer = ask(public.address(), "GET /v1/ledger", &heads, "");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    // It could not be served, or was refused since Redis is known to be away by now.
    let why = line(&stand, "the log says why", |line| {
        line["request_id"] == "lost-1" && line["message"] != "answered"
    });
    assert!(why["error"].is_string() || why["code"].is_string(), "{why}");
}

#[test]
fn the_filter_changes_while_it_runs_and_a_wrong_one_is_refused_by_name() {
    let (stand, _) = stand("logs-filter", &["[log]\nfilter = \"warn\"\nformat = \"json\""]);
    let shown = |arguments: &[&str]| {
        let output = command(&stand, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(shown(&["log-filter"]), "warn\n");
    let admin = stand.engine.admin();
    let heads = |id: &str| format!("x-request-id: {id}\r\n");
    ask(admin.address(), "POST /v1/smscs/north/suspend", &heads("quiet"), "");
    assert_eq!(
        shown(&["log-filter", "info,campanile::api=debug"]),
        "info,campanile::api=debug\n"
    );
    ask(admin.address(), "GET /v1/smscs", &heads("loud"), "");
    line(&stand, "the read has a line", |line| line["request_id"] == "loud");
    assert!(lines(&stand).iter().all(|line| line["request_id"] != "quiet"));
    let answer: Value = serde_json::from_str(&shown(&["log-filter", "--json"])).expect("JSON");
    assert_eq!(answer, json!({ "filter": "info,campanile::api=debug" }));
    for (wrong, said) in [
        ("inof", "did you mean \"info\"?"),
        (
            "info,campanile::bind=loud",
            "\"campanile::bind=loud\" is not allowed: a level (off, error,",
        ),
    ] {
        let output = command(&stand, &["log-filter", wrong]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{words}");
        assert!(words.contains("/filter") && words.contains(said), "{words}");
    }
    assert_eq!(shown(&["log-filter"]), "info,campanile::api=debug\n");
}
