//! What the engine tells of itself: lines of the log that belong to their request, a filter that changes while it runs, who has done
//! what, and traces.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use campanile_tests::peers::{self, PeerServer, Recipe};
use campanile_tests::{CampaignOrder, EngineSettings, Lab, SmscSettings, Stand, eventually, programs, tenant};
use lab::Signal;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// A stand whose engine has these tables in its configuration.
fn stand(name: &str, tables: &[&str]) -> (Stand, EngineSettings) {
    let mut settings = None;
    let stand = Stand::under(Lab::new(programs!(), name), "", |redis, sim| {
        let mut made = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        made.tables = tables.iter().map(|table| (*table).to_owned()).collect();
        settings.insert(made).clone()
    });
    (stand, settings.expect("made with the stand"))
}

/// The lines of the engine's log so far.
fn lines(stand: &Stand) -> Vec<Value> {
    let log = stand.engine.process().log();
    let lines = log.lines().filter(|line| line.starts_with("{\"timestamp\""));
    lines.map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The first line of the log that `wanted` takes; waited for.
fn line(stand: &Stand, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(what, LIMIT, || lines(stand).into_iter().find(|line| wanted(line)))
}

/// A request with these heads, each with its end of line: what was answered, whole.
fn ask(address: &str, request: &str, heads: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(address).expect("the engine listens");
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{heads}\r\n{body}"
    );
    connection.write_all(text.as_bytes()).expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The same with the operator's key.
fn command_with_key(stand: &Stand, arguments: &[&str]) -> Output {
    asking(stand, arguments)
        .env("CAMPANILE_OPERATOR_KEY", stand.engine.operator_key())
        .output()
        .expect("campanile runs")
}

/// `campanile` with these arguments, asking that engine.
fn command(stand: &Stand, arguments: &[&str]) -> Output {
    asking(stand, arguments).output().expect("campanile runs")
}

fn asking(stand: &Stand, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
    command
        .args(arguments)
        .current_dir(stand.lab().directory())
        .env("CAMPANILE_ADMIN", format!("http://{}", stand.engine.admin().address()));
    command
}

/// The lines of that file so far; one that is being written is none yet.
fn kept(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines.collect()
}

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

/// Acts, and what is none.
fn do_all(stand: &Stand) {
    let (public, admin) = (stand.engine.public(), stand.engine.admin());
    let operator = format!("authorization: Bearer {}\r\n", stand.engine.operator_key());
    let heads = format!("{operator}x-request-id: act-1\r\n");
    let tenant = &stand.tenant.id;
    let credits = format!("POST /v1/tenants/{tenant}/credits");
    ask(
        public.address(),
        &credits,
        &heads,
        &json!({ "amount": 7, "reference": "F-1" }).to_string(),
    );
    ask(
        public.address(),
        &credits,
        &operator,
        &json!({ "amount": -7 }).to_string(),
    );
    ask(
        public.address(),
        &format!("PATCH /v1/tenants/{tenant}"),
        &operator,
        "{\"encoding\": \"auto\"}",
    );
    ask(admin.address(), "POST /v1/smscs/north/suspend", "", "");
    ask(admin.address(), "POST /v1/smscs/nowhere/suspend", "", "");
    ask(admin.address(), "PUT /v1/log-filter", "", "{\"filter\": \"warn\"}");
    ask(
        admin.address(),
        "POST /v1/suppressions",
        "",
        "{\"to\": [\"+33698765432\"]}",
    );
    // No acts: a tenant's own doing, a stranger, a read.
    let own = format!("authorization: Bearer {}\r\n", stand.tenant.key);
    ask(public.address(), "POST /v1/campaigns", &own, "{}");
    ask(public.address(), "POST /v1/tenants", "", "{\"name\": \"x\"}");
    ask(public.address(), "POST /v1/tenants", &own, "{\"name\": \"x\"}");
    ask(admin.address(), "GET /v1/status", "", "");
}

#[test]
fn acts_of_administration_are_lines_of_the_audit_log() {
    let (stand, settings) = stand("logs-audit", &["[audit]\npath = \"audit.log\""]);
    let path = stand.lab().directory().join("audit.log");
    let tenant = &stand.tenant.id;
    do_all(&stand);
    stand.engine.configure(&settings);
    stand.engine.signal(Signal::HUP);
    let found = eventually("the signal's line is there", LIMIT, || {
        let acts = kept(&path);
        acts.iter().any(|act| act["act"] == "SIGHUP").then_some(acts)
    });
    // The stand has made the tenant and given it its credits.
    let shown: Vec<Value> = found[2..]
        .iter()
        .map(|act| {
            json!([
                act["who"],
                act["act"],
                act["object"],
                act["outcome"],
                act["status"],
                act["details"]
            ])
        })
        .collect();
    let credits = "POST /v1/tenants/{id}/credits";
    let suspend = "POST /v1/smscs/{name}/suspend";
    assert_eq!(
        shown,
        [
            json!(["operator", credits, tenant, "done", 201, { "amount": 7 }]),
            json!(["operator", credits, tenant, "refused", 422, null]),
            json!(["operator", "PATCH /v1/tenants/{id}", tenant, "done", 200, { "changes": ["encoding"] }]),
            json!(["admin", suspend, "north", "done", 200, null]),
            json!(["admin", suspend, null, "refused", 404, null]),
            json!(["admin", "PUT /v1/log-filter", null, "done", 200, { "filter": "warn" }]),
            json!(["admin", "POST /v1/suppressions", null, "done", 200, { "numbers": 1, "purpose": "marketing" }]),
            json!(["signal", "SIGHUP", null, "done", null,
                { "smscs": { "added": [], "changed": [], "rebound": [], "removed": [] } }]),
        ]
    );
    let act = &found[2];
    assert_eq!(
        (&act["request_id"], &act["address"], &found[3]["code"]),
        (&json!("act-1"), &json!("127.0.0.1"), &json!("invalid_fields")),
        "{act}"
    );
    assert!(act["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{act}");
    let text = std::fs::read_to_string(&path).expect("it is there");
    assert!(
        !text.contains(stand.engine.operator_key()) && !text.contains("698765432"),
        "{text}"
    );
}

#[test]
fn an_audit_log_that_cannot_be_written_stops_nothing_and_its_lines_are_said() {
    let (stand, _) = stand("logs-audit-away", &["[audit]\npath = \"missing/audit.log\""]);
    let campaign = stand.launch(10);
    stand.all_delivered(&campaign, 10, LIMIT);
    stand
        .engine
        .admin()
        .post("/v1/smscs/north/suspend", &Value::Null)
        .expect(200);
    line(&stand, "the lost act is in the log", |line| {
        line["target"] == "audit" && line["line"].as_str().is_some_and(|act| act.contains("/suspend"))
    });
    // The tenant, its credits, and the suspension.
    let lost = || {
        stand
            .engine
            .metric(|sample| sample == "campanile_audit_lines_lost_total")
    };
    eventually("three are counted", LIMIT, || (lost() > 2.5).then_some(()));
    let said = lines(&stand)
        .iter()
        .filter(|line| {
            let message = line["message"].as_str().unwrap_or_default();
            message.starts_with("the audit log cannot be written")
        })
        .count();
    assert_eq!(said, 1, "once for as long as it lasts");
    std::fs::create_dir(stand.lab().directory().join("missing")).expect("make a folder");
    stand
        .engine
        .admin()
        .post("/v1/smscs/north/resume", &Value::Null)
        .expect(200);
    let path: PathBuf = stand.lab().directory().join("missing/audit.log");
    let found = eventually("the next act is written", LIMIT, || kept(&path).pop());
    assert_eq!(found["act"], "POST /v1/smscs/{name}/resume", "{found}");
}

#[test]
fn without_a_file_acts_stand_in_the_log_and_the_log_is_for_people_where_that_is_asked_for() {
    let (plain, _) = stand("logs-audit-log", &[]);
    plain
        .engine
        .admin()
        .post("/v1/smscs/north/suspend", &Value::Null)
        .expect(200);
    let act = line(&plain, "the act has a line", |line| {
        line["target"] == "audit" && line["act"] == "POST /v1/smscs/{name}/suspend"
    });
    assert_eq!(
        (&act["who"], &act["object"], &act["outcome"]),
        (&json!("admin"), &json!("north"), &json!("done")),
        "{act}"
    );
    let (pretty, _) = stand("logs-pretty", &["[log]\nformat = \"pretty\""]);
    eventually("people can read it", LIMIT, || {
        let log = pretty.engine.process().log();
        (log.contains(" INFO ") && !log.contains("{\"timestamp\"")).then_some(())
    });
}

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
    for span in receipts {
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
        assert_ne!(span["trace"], TRACE, "a trace of its own, hours later: {span}");
        assert_eq!(span["attributes"]["sms.status"], "delivered", "{span}");
    }
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
    assert_eq!(events[2]["at"], delivered[0]["time"], "by the log's clock: {traced}");
}

#[test]
fn messages_that_never_went_are_lines_too_and_a_log_that_cannot_be_written_stops_nothing() {
    let (stand, _) = stand(
        "logs-messages-away",
        &["[message_log]\npath = \"missing/messages.log\""],
    );
    let campaign = stand.launch(10);
    stand.all_delivered(&campaign, 10, LIMIT);
    let lost = || {
        stand
            .engine
            .metric(|sample| sample == "campanile_message_log_lines_lost_total")
    };
    eventually("lost lines are counted", LIMIT, || (lost() > 19.5).then_some(()));
    std::fs::create_dir(stand.lab().directory().join("missing")).expect("make a folder");
    stand
        .engine
        .admin()
        .post("/v1/smscs/north/suspend", &Value::Null)
        .expect(200);
    let stopped = stand.launch(10);
    assert!(stopped.ask(&stand.engine, "cancel").status < 300);
    let path = stand.lab().directory().join("missing/messages.log");
    eventually("the stopped ones have lines", LIMIT, || {
        let lines = kept(&path);
        let of = lines
            .iter()
            .filter(|line| line["campaign"] == stopped.id.as_str() && line["event"] == "canceled");
        let count: u64 = of.map(|line| line["count"].as_u64().unwrap_or(1)).sum();
        (count == 10).then_some(())
    });
}
