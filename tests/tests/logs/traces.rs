//! Traces: for a receiver that is not ours.

use campanile_tests::peers::{self, PeerServer, Recipe};
use campanile_tests::{CampaignOrder, EngineSettings, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

use crate::logs::common::{LIMIT, ask, line, lines, stand};

/// A receiver of traces, and what the engine is told of it; `None` when other people's programs are left out.
fn receiver(name: &str, ratio: f64) -> Option<(Lab, PeerServer, String)> {
    if peers::skipped() {
        return None;
    }
    let lab = Lab::new(programs!(), name);
    let receiver = PeerServer::start(Recipe::OtlpReceiver, lab.directory(), &[]);
    let table = format!(
        "[traces]\nendpoint = \"http://{}\"\nsample_ratio = {ratio}",
        receiver.address()
    );
    Some((lab, receiver, table))
}

/// The spans that have come so far.
fn spans(receiver: &PeerServer) -> Vec<Value> {
    let lines = receiver.lines();
    lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// A stand in that laboratory.
fn stand_in(lab: Lab, tables: &[String]) -> Stand {
    Stand::under(lab, "", |redis, sim| {
        let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        settings.tables = tables.to_vec();
        settings
    })
}

#[test]
fn a_campaign_is_one_trace_of_its_caller_and_receipts_follow_from_submissions() {
    const MESSAGES: usize = 20;
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let Some((lab, receiver, table)) = receiver("logs-traces", 1.0) else {
        return;
    };
    let stand = stand_in(lab, &[table]);
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(MESSAGES));
    let launch = format!("POST /v1/campaigns/{}/launch", campaign.id);
    let heads = format!(
        "authorization: Bearer {}\r\nx-request-id: traced-1\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n",
        stand.tenant.key
    );
    let answer = ask(stand.engine.public().address(), &launch, &heads, "");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let answered = line(&stand, "the launch has a line", |line| line["request_id"] == "traced-1");
    assert_eq!(answered["trace_id"], TRACE, "{answered}");
    stand.all_delivered(&campaign, MESSAGES, LIMIT);
    assert!(stand.engine.shut_down().success(), "the last spans go in time");

    let all = spans(&receiver);
    let named = |name: &str| -> Vec<&Value> { all.iter().filter(|span| span["name"] == name).collect() };
    let request = named("POST /v1/campaigns/{id}/launch")[0];
    assert_eq!(
        (&request["trace"], &request["parent"], &request["kind"]),
        (&json!(TRACE), &json!("00f067aa0ba902b7"), &json!("SPAN_KIND_SERVER")),
        "{request}"
    );
    assert_eq!(request["attributes"]["request_id"], "traced-1", "{request}");
    assert_eq!(request["attributes"]["http.response.status_code"], 202, "{request}");
    assert_eq!(request["resource"]["service.name"], "campanile", "{request}");
    let launched = named("campaign.launch")[0];
    assert_eq!(
        (&launched["trace"], &launched["parent"]),
        (&json!(TRACE), &request["span"]),
        "{launched}"
    );
    let enqueued = named("recipients.enqueue")[0];
    assert_eq!(
        (&enqueued["trace"], &enqueued["parent"]),
        (&json!(TRACE), &launched["span"]),
        "{enqueued}"
    );
    assert_eq!(enqueued["attributes"]["recipients"], MESSAGES, "{enqueued}");

    let submitted = named("submit_sm north");
    assert_eq!(submitted.len(), MESSAGES);
    for span in &submitted {
        assert_eq!(
            (&span["trace"], &span["parent"]),
            (&json!(TRACE), &launched["span"]),
            "{span}"
        );
        let attributes = &span["attributes"];
        assert_eq!(
            (
                &attributes["messaging.system"],
                &attributes["app.campaign.id"],
                &span["kind"]
            ),
            (&json!("smpp"), &json!(campaign.id), &json!("SPAN_KIND_CLIENT")),
            "{span}"
        );
        assert!(span["micros"].as_i64().is_some_and(|micros| micros > 0), "{span}");
    }
    let receipts = named("deliver_sm north");
    assert_eq!(receipts.len(), MESSAGES);
    receipts.into_iter().for_each(|span| follows(span, &submitted));
}

/// A receipt is a trace of its own, hours later, with a link to its submission.
fn follows(span: &Value, submitted: &[&Value]) {
    let [link] = span["links"].as_array().expect("a list").as_slice() else {
        panic!("{span}")
    };
    let id = &span["attributes"]["messaging.message.id"];
    let submission = submitted
        .iter()
        .find(|span| span["attributes"]["messaging.message.id"] == *id);
    let submission = submission.unwrap_or_else(|| panic!("no submission of {span}"));
    assert_eq!(
        (&link["trace"], &link["span"]),
        (&submission["trace"], &submission["span"]),
        "{span}"
    );
    assert_ne!(span["trace"], submission["trace"], "{span}");
    assert_eq!(span["attributes"]["sms.status"], "delivered", "{span}");
}

#[test]
fn a_caller_without_traces_has_none_and_a_refused_message_is_an_error() {
    let Some((lab, receiver, table)) = receiver("logs-traces-choice", 1.0) else {
        return;
    };
    let stand = stand_in(lab, &[table]);
    let order = CampaignOrder::to_first(10);
    let silent = stand.tenant.create(&stand.engine, &order);
    let launch = format!("POST /v1/campaigns/{}/launch", silent.id);
    let heads = format!(
        "authorization: Bearer {}\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n",
        stand.tenant.key
    );
    ask(stand.engine.public().address(), &launch, &heads, "");
    stand.all_delivered(&silent, 10, LIMIT);
    stand
        .sim
        .switch("[[outcome]]\nname = \"refused\"\nweight = 1\nanswer = \"ESME_RINVDSTADR\"\n");
    let refused = stand.tenant.order(&stand.engine, &order);
    refused.wait(&stand.engine, "all are refused", LIMIT, |view| {
        view.progress.queued == 0
    });
    let of = |campaign: &str, name: &str| {
        let all = spans(&receiver);
        let named = all.into_iter().filter(|span| span["name"] == name);
        named
            .filter(|span| {
                ["app.campaign.id", "campaign"]
                    .iter()
                    .any(|key| span["attributes"][key] == campaign)
            })
            .collect::<Vec<_>>()
    };
    let failed = eventually("ten refusals are told", LIMIT, || {
        Some(of(&refused.id, "submit_sm north")).filter(|spans| spans.len() == 10)
    });
    for span in failed {
        assert_eq!(span["status"], "STATUS_CODE_ERROR", "{span}");
        assert_eq!(span["attributes"]["error.type"], "ESME_RINVDSTADR", "{span}");
    }
    assert_eq!(of(&silent.id, "submit_sm north"), [] as [Value; 0]);
    assert_eq!(of(&silent.id, "campaign.launch"), [] as [Value; 0]);
}

#[test]
fn a_receiver_of_traces_that_is_away_is_said_once_and_stops_nothing() {
    let (stand, _) = stand(
        "logs-traces-away",
        &["[traces]\nendpoint = \"http://127.0.0.1:9\"\nsample_ratio = 1.0"],
    );
    for _ in 0..2 {
        let campaign = stand.launch(10);
        campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
            view.status("delivered") == 10
        });
        let before = stand
            .engine
            .metric(|sample| sample == "campanile_trace_spans_lost_total");
        eventually("lost spans are counted", LIMIT, || {
            let lost = stand
                .engine
                .metric(|sample| sample == "campanile_trace_spans_lost_total");
            (lost > before || lost > 40.0).then_some(())
        });
    }
    let said = lines(&stand).into_iter().filter(|line| {
        line["message"]
            .as_str()
            .is_some_and(|message| message.starts_with("traces are not taken"))
    });
    assert_eq!(said.count(), 1, "said once");
    assert!(stand.engine.shut_down().success(), "nor does it hold up the end");
}
