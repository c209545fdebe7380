//! Webhooks: receivers that take, refuse, hang, lose their answers and go away; signatures judged by other projects' packages.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use campanile_tests::tenant::FR_4379;
use campanile_tests::{
    Campaign, CampaignOrder, EngineSettings, Http, Lab, Manner, Posted, Receiver, SmscSettings, Stand, eventually,
    peers, programs, recipients,
};
use lab::Signal;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Receivers of this machine, and a schedule in which an hour is a fifth of a second.
const SCALED: &str = r#"allow = ["127.0.0.1/32"]
retries = ["0s", "50ms", "100ms", "200ms", "400ms", "1s", "2s", "3s", "4s", "5s"]"#;

fn stand(name: &str, scenario: &str, webhooks: &str) -> Stand {
    let lab = Lab::new(programs!(), name);
    Stand::under(lab, scenario, |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        settings.tables.push(format!("[webhooks]\n{webhooks}"));
        settings
    })
}

fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

/// A new endpoint: its path, and its secret.
fn endpoint(stand: &Stand, url: &str, events: &[&str]) -> (String, String) {
    let made = http(stand)
        .post("/v1/webhooks", &json!({ "url": url, "events": events }))
        .expect(201);
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (format!("/v1/webhooks/{}", text("id")), text("secret"))
}

fn events(posted: &[Posted]) -> Vec<Value> {
    posted.iter().flat_map(Posted::events).collect()
}

fn of_type(events: &[Value], kind: &str) -> Vec<Value> {
    events.iter().filter(|event| event["type"] == kind).cloned().collect()
}

/// The last that is known of each message, by its numbers.
fn last_statuses(events: &[Value]) -> HashMap<String, (u64, String)> {
    let mut last: HashMap<String, (u64, String)> = HashMap::new();
    for data in events.iter().map(|event| &event["data"]) {
        let Some(sequence) = data["sequence"].as_u64() else {
            continue;
        };
        let text = |name: &str| data[name].as_str().expect("a text").to_owned();
        let known = last.entry(text("id")).or_insert((0, String::new()));
        if sequence > known.0 {
            *known = (sequence, text("status"));
        }
    }
    last
}

fn counts(events: &[Value]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (_, status) in last_statuses(events).into_values() {
        *counts.entry(status).or_default() += 1;
    }
    counts
}

/// Waits until the receiver has been told the end of each of a campaign's messages.
fn wait_until_told(receiver: &Receiver, messages: usize) -> Vec<Posted> {
    eventually("the end of every message is told", LIMIT, || {
        let taken = receiver.taken();
        let ended = last_statuses(&events(&taken))
            .into_values()
            .filter(|(sequence, _)| *sequence == 2);
        (ended.count() >= messages).then_some(taken)
    })
}

/// What another project's package says of what came.
fn judged(mut judge: Command, secret: &str, posted: &[Posted]) -> Vec<String> {
    let mut judge = judge
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the judge runs");
    let mut input = judge.stdin.take().expect("a pipe");
    let line =
        |posted: &Posted| json!({ "secret": secret, "headers": posted.headers, "body": posted.text }).to_string();
    let lines: Vec<String> = posted.iter().map(line).collect();
    let writer = std::thread::spawn(move || input.write_all((lines.join("\n") + "\n").as_bytes()));
    let output = judge.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

fn python() -> Command {
    let mut python = peers::python();
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/standard_webhooks.py"));
    python
}

/// Both packages take all of it, and none of it under another secret.
#[track_caller]
fn is_verified(secret: &str, posted: &[Posted]) {
    if peers::skipped() {
        return;
    }
    for judge in [python, || peers::node("standard_webhooks.js")] {
        assert_eq!(judged(judge(), secret, posted), vec!["ok"; posted.len()]);
        let mut altered = posted[..1].to_vec();
        altered[0].text.push(' ');
        assert_eq!(judged(judge(), secret, &altered), ["refused"]);
    }
}

fn fr_4379() -> String {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/../smpp-sim/scenarios/fr-4379.toml");
    std::fs::read_to_string(scenario).expect("read the scenario of the demo")
}

#[test]
fn req_004_07_every_status_is_told_signed_and_numbered() {
    let stand = stand("webhooks-4379", &fr_4379(), SCALED);
    let (receiver, other) = (Receiver::start(), Receiver::start());
    let (_, secret) = endpoint(&stand, &receiver.url(), &["*"]);
    endpoint(&stand, &other.url(), &["message.failed", "campaign.completed"]);
    let stranger = stand.engine.tenant("Autre cabinet", 10);
    let strangers = Receiver::start();
    let body = json!({ "url": strangers.url(), "events": ["*"] });
    stranger.http(&stand.engine).post("/v1/webhooks", &body).expect(201);
    let campaign = stand.launch(4_379);
    let expected: BTreeMap<String, u64> = FR_4379
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect();
    let posted = eventually("all seven statuses are told", LIMIT, || {
        let posted = receiver.posted();
        let told = events(&posted);
        let completed = of_type(&told, "campaign.completed").len() == 1;
        (counts(&told) == expected && completed).then_some(posted)
    });
    let told = events(&posted);
    is_verified(&secret, &posted);
    // Nothing twice, each of few POSTs, and to whom each went.
    let mut seen = HashSet::new();
    let mut numbers = HashSet::new();
    for data in told
        .iter()
        .map(|event| &event["data"])
        .filter(|data| !data["sequence"].is_null())
    {
        assert!(
            seen.insert((data["id"].to_string(), data["sequence"].as_u64())),
            "twice: {data}"
        );
        assert_eq!(data["campaign"], campaign.id.as_str());
        numbers.insert(data["to"].as_str().expect("a number").to_owned());
    }
    assert_eq!(numbers, recipients(4_379).collect());
    assert!(
        posted
            .iter()
            .all(|posted| posted.text.len() < 20_000 && posted.events().len() <= 100)
    );
    assert!(posted.len() < 2 * 4_379 / 10, "{} POSTs", posted.len());
    let ids: HashSet<&str> = posted.iter().map(|posted| posted.header("webhook-id")).collect();
    assert_eq!(ids.len(), posted.len());
    assert_eq!(of_type(&told, "campaign.started").len(), 1);
    // Who asked for less is told of that, and nobody else of anything.
    let failed = ["transmission_failed", "reception_error", "unknown_number", "not_routed"];
    let failures: u64 = failed.iter().map(|status| expected[*status]).sum();
    eventually("the other is told of failures", LIMIT, || {
        let told = events(&other.posted());
        let ended = of_type(&told, "campaign.completed").len() == 1;
        (ended && told.len() as u64 == failures + 1).then_some(())
    });
    assert!(strangers.posted().is_empty());
    let log = http(&stand).get("/v1/webhooks").expect(200);
    assert_eq!(
        (&log["data"][0]["waiting"], &log["data"][0]["dropped_events"]),
        (&json!(0), &json!(0))
    );
}

/// An hour, scaled: refused, answered with 500, and not answered at all; and the engine is killed meanwhile.
#[test]
fn req_004_07_a_receiver_that_was_away_is_told_everything_afterwards() {
    const MESSAGES: usize = 2_000;
    let mut stand = stand("webhooks-away", "", &format!("{SCALED}\ntimeout = \"1s\""));
    let receiver = Receiver::start();
    let (path, _) = endpoint(&stand, &receiver.url(), &["message.*"]);
    receiver.leave();
    let campaign = stand.launch(MESSAGES);
    let failures = |stand: &Stand, more: u64| {
        eventually("attempts fail", LIMIT, || {
            let failures = http(stand).get(&path).expect(200)["failures"].as_u64();
            failures.filter(|failures| *failures >= more)
        })
    };
    failures(&stand, 2);
    stand.sim.wait_for("accepted", MESSAGES as u64, LIMIT);
    stand.engine.kill();
    receiver.be(Manner::Answers(500, String::new()));
    receiver.come_back();
    stand.engine.restart();
    eventually("it answers with 500", LIMIT, || {
        (!receiver.posted().is_empty()).then_some(())
    });
    receiver.be(Manner::Hangs);
    let hung = |posted: &Posted| posted.manner == Manner::Hangs;
    eventually("it hangs", LIMIT, || receiver.posted().iter().any(hung).then_some(()));
    receiver.be(Manner::Takes);
    let taken = wait_until_told(&receiver, MESSAGES);
    let mut seen = HashSet::new();
    for data in events(&taken).iter().map(|event| &event["data"]) {
        assert!(
            seen.insert((data["id"].to_string(), data["sequence"].as_u64())),
            "twice: {data}"
        );
    }
    // In doubt since the kill or not, each message is told as it is shown.
    let view = campaign.view(&stand.engine);
    let delivered = counts(&events(&taken)).get("delivered").copied().unwrap_or(0);
    assert_eq!(delivered, view.status("delivered"), "{view:?}");
}

#[test]
fn req_004_07_only_a_lost_answer_has_something_told_twice() {
    const MESSAGES: usize = 300;
    let stand = stand("webhooks-lost", "", SCALED);
    let receiver = Receiver::start();
    let (path, _) = endpoint(&stand, &receiver.url(), &["message.delivered"]);
    receiver.be(Manner::LosesAnswer);
    stand.launch(MESSAGES);
    eventually("an answer is lost", LIMIT, || {
        (!receiver.posted().is_empty()).then_some(())
    });
    receiver.be(Manner::Takes);
    let taken = wait_until_told(&receiver, MESSAGES);
    eventually("nothing waits", LIMIT, || {
        let endpoint = http(&stand).get(&path).expect(200);
        (endpoint["waiting"] == 0).then_some(())
    });
    let mut by_id: HashMap<String, Vec<Posted>> = HashMap::new();
    for posted in receiver.posted().into_iter().chain(taken).collect::<Vec<_>>() {
        by_id
            .entry(posted.header("webhook-id").to_owned())
            .or_default()
            .push(posted);
    }
    // What came again came under the same id, and says the same.
    for again in by_id.values() {
        assert!(again.iter().all(|one| one.text == again[0].text));
    }
    let told: HashSet<String> = last_statuses(&events(&receiver.posted())).into_keys().collect();
    assert_eq!(told.len(), MESSAGES);
}

#[test]
fn req_004_07_no_private_address_is_asked() {
    let inner = Receiver::start();
    let closed = stand("webhooks-private", "", "");
    let refused = |url: &str| {
        let body = json!({ "url": url, "events": ["*"] });
        http(&closed)
            .post("/v1/webhooks", &body)
            .expect_field_problem(&[422], "/url");
    };
    for url in [
        &*inner.url(),
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/",
        "https://0x7f000001/",
        "http://example.net/",
        "ftp://example.net/",
    ] {
        refused(url);
    }
    // A name is looked at when it is asked.
    let (path, _) = endpoint(&closed, &inner.url_by_name(), &["*"]);
    let tested = http(&closed).post(&format!("{path}/test"), &Value::Null).expect(200);
    assert_eq!(
        (&tested["delivered"], &tested["fault"]),
        (&json!(false), &json!("forbidden_address"))
    );
    // And a redirect is an answer.
    let open = stand("webhooks-redirect", "", SCALED);
    let outer = Receiver::start();
    outer.be(Manner::Answers(302, format!("location: {}\r\n", inner.url())));
    let (path, _) = endpoint(&open, &outer.url(), &["*"]);
    let tested = http(&open).post(&format!("{path}/test"), &Value::Null).expect(200);
    assert_eq!((&tested["delivered"], &tested["code"]), (&json!(false), &json!(302)));
    assert!(inner.posted().is_empty());
}

/// Deliveries of an endpoint that has taken nothing, and whose retries are over.
fn are_asked_for_by_state(http: &Http, path: &str) {
    let of_state = |state: &str| http.get(&format!("{path}/deliveries?state={state}"));
    let failed = of_state("failed").expect(200);
    let rows = failed["data"].as_array().expect("a list");
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row["state"] == "failed"),
        "{failed}"
    );
    assert_eq!(of_state("delivered").expect(200)["data"], json!([]));
    of_state("broken").expect_field_problem(&[422], "?state");
}

#[test]
fn req_004_07_disabled_after_the_last_retry_enabled_replayed_and_rotated() {
    const MESSAGES: usize = 50;
    let webhooks = "allow = [\"127.0.0.1/32\"]\nretries = [\"0s\", \"10ms\", \"20ms\"]\nendpoints = 2";
    let stand = stand("webhooks-disabled", "", webhooks);
    let receiver = Receiver::start();
    let (path, secret) = endpoint(&stand, &receiver.url(), &["message.delivered"]);
    receiver.be(Manner::Answers(500, String::new()));
    stand.launch(MESSAGES);
    let disabled = eventually("it is disabled", LIMIT, || {
        let endpoint = http(&stand).get(&path).expect(200);
        (endpoint["enabled"] == false).then_some(endpoint)
    });
    assert_eq!(
        (&disabled["disabled_for"], &disabled["failures"]),
        (&json!("failing"), &json!(3))
    );
    assert_eq!(
        stand
            .engine
            .metric(|sample| sample == "campanile_webhook_endpoints_disabled"),
        1.0
    );
    let log = http(&stand).get(&format!("{path}/deliveries")).expect(200);
    assert_eq!(
        (&log["data"][0]["state"], &log["data"][0]["code"]),
        (&json!("failed"), &json!(500))
    );
    are_asked_for_by_state(&http(&stand), &path);
    let delivery = log["data"][0]["id"].as_str().expect("an id").to_owned();
    // Enabled, it is told what waited; what was given up is told when it is asked for.
    receiver.be(Manner::Takes);
    http(&stand).patch(&path, &json!({ "enabled": true })).expect(200);
    let replay = format!("{path}/deliveries/{delivery}/replay");
    http(&stand).post(&replay, &Value::Null).expect(202);
    eventually("it is told again", LIMIT, || {
        let again = |posted: &Posted| posted.header("webhook-id") == delivery;
        receiver.taken().iter().any(again).then_some(())
    });
    is_verified(&secret, &receiver.taken());
    // All secrets sign for a day, however often another one is asked for.
    let rotated = http(&stand).post(&format!("{path}/rotate"), &Value::Null).expect(200);
    let middle = rotated["secret"].as_str().expect("a secret").to_owned();
    let rotated = http(&stand).post(&format!("{path}/rotate"), &Value::Null).expect(200);
    let new = rotated["secret"].as_str().expect("a secret").to_owned();
    assert_ne!(new, secret);
    let before = receiver.posted().len();
    http(&stand).post(&format!("{path}/test"), &Value::Null).expect(200);
    let signed = &receiver.posted()[before..];
    assert_eq!(signed[0].header("webhook-signature").split(' ').count(), 3);
    for secret in [&secret, &middle, &new] {
        is_verified(secret, signed);
    }
    // 410 disables at once.
    receiver.be(Manner::Answers(410, String::new()));
    http(&stand).post(&replay, &Value::Null).expect(202);
    eventually("it is gone", LIMIT, || {
        let endpoint = http(&stand).get(&path).expect(200);
        (endpoint["disabled_for"] == "gone").then_some(())
    });
    // As many as a tenant may have, and of no other's.
    endpoint(&stand, "https://example.net/", &["*"]);
    let body = json!({ "url": "https://example.net/", "events": ["*"] });
    http(&stand)
        .post("/v1/webhooks", &body)
        .expect_field_problem(&[422], "");
    let stranger = stand.engine.tenant("Autre cabinet", 10);
    stranger.http(&stand.engine).get(&path).expect_problem(&[404]);
    let body = json!({ "url": "https://example.net/", "events": ["message.read"] });
    http(&stand)
        .post("/v1/webhooks", &body)
        .expect_field_problem(&[422], "/events/0");
}

/// A receiver that never answers, and a backlog that is full: messages go out, and what it was not told of is counted.
#[test]
fn req_004_07_a_receiver_that_hangs_slows_nothing_and_its_backlog_is_bounded() {
    const MESSAGES: usize = 20_000;
    let stand = stand("webhooks-hangs", "", &format!("{SCALED}\nbacklog = 10"));
    let receiver = Receiver::start();
    receiver.be(Manner::Hangs);
    let (path, _) = endpoint(&stand, &receiver.url(), &["message.*"]);
    let campaign = stand.launch(MESSAGES);
    stand.wait_until_settled(&campaign, LIMIT);
    let full = eventually("all that there was no room for is counted", LIMIT, || {
        let endpoint = http(&stand).get(&path).expect(200);
        let dropped = endpoint["dropped_events"].as_u64().unwrap_or(0);
        let waiting = endpoint["waiting"].as_u64().unwrap_or(0);
        (dropped + 100 * waiting >= 2 * MESSAGES as u64).then_some(waiting)
    });
    assert!(full <= 10, "{full}");
    let dropped = |sample: &str| sample == "campanile_webhook_dropped_events_total{reason=\"full\"}";
    assert!(stand.engine.metric(dropped) > 0.0);
    assert_eq!(
        stand
            .engine
            .metric(|sample| sample == "campanile_webhook_journal_passed_over_total"),
        0.0
    );
}

#[test]
fn req_004_07_what_people_write_and_how_campaigns_go_is_told() {
    let stand = stand("webhooks-others", "", SCALED);
    let receiver = Receiver::start();
    endpoint(
        &stand,
        &receiver.url(),
        &["message.received", "contact.*", "campaign.*"],
    );
    let person = recipients(1).next().expect("one");
    let order = CampaignOrder::to_audience(&json!({ "recipients": [{ "to": person }] })).with("sender", json!("36034"));
    let campaign: Campaign = stand.tenant.create(&stand.engine, &order);
    campaign.schedule_in(&stand.engine, 3_600);
    let told = |kind: &str| {
        eventually(kind, LIMIT, || {
            of_type(&events(&receiver.posted()), kind).into_iter().next()
        })
    };
    let scheduled = told("campaign.scheduled");
    assert_eq!(scheduled["data"]["id"], campaign.id.as_str());
    campaign.ask(&stand.engine, "launch").expect(202);
    told("campaign.started");
    told("campaign.completed");
    stand.sim.wait_for_receipts(LIMIT);
    stand.sim.inbound(&person, "36034", "STOP merci");
    let received = told("message.received");
    let data = &received["data"];
    assert_eq!(
        (&data["text"], &data["opted_out"]),
        (&json!("STOP merci"), &json!(true))
    );
    assert_eq!(data["campaign"], campaign.id.as_str());
    let opted_out = told("contact.opted_out");
    assert_eq!(
        (&opted_out["data"]["from"], &opted_out["data"]["text"]),
        (&data["from"], &Value::Null)
    );
    let draft = stand.tenant.create(&stand.engine, &order);
    draft.ask(&stand.engine, "cancel").expect(202);
    assert_eq!(told("campaign.canceled")["data"]["id"], draft.id.as_str());

    // One that nobody fits when its date comes, and one of which that is found out at its launch.
    let nobody = CampaignOrder::to_audience(&json!({ "filter": { "field": "tag", "is": "nobody" } }))
        .with("sender", json!("36034"));
    let [planned, launched] = [(); 2].map(|()| -> Campaign { stand.tenant.create(&stand.engine, &nobody) });
    planned.schedule_in(&stand.engine, 1);
    launched.ask(&stand.engine, "launch").expect(202);
    eventually("both are told with the reason", LIMIT, || {
        let told = of_type(&events(&receiver.posted()), "campaign.blocked");
        let is_told = |campaign: &Campaign| {
            told.iter()
                .filter(|told| told["data"]["id"] == campaign.id.as_str())
                .count()
                == 1
        };
        let why = told
            .iter()
            .all(|told| told["data"]["refused"] == "empty_audience" && told["data"]["state"] == "draft");
        (is_told(&planned) && is_told(&launched) && why).then_some(())
    });
}

/// The engine that tells stands still, so that the other only notes that something has moved; and that note is lost with it.
#[test]
fn req_004_07_a_step_is_told_though_the_engine_that_was_to_tell_it_died_with_the_word() {
    let stand = stand("webhooks-word", "", SCALED);
    let other = stand.engine.beside("other");
    let receiver = Receiver::start();
    endpoint(&stand, &receiver.url(), &["campaign.scheduled"]);
    let person = recipients(1).next().expect("one");
    let order = CampaignOrder::to_audience(&json!({ "recipients": [{ "to": person }] }));
    stand.engine.signal(Signal::STOP);
    let campaign = stand.tenant.create(&other, &order);
    campaign.schedule_in(&other, 3_600);
    redis::cmd("DEL")
        .arg("c:moved")
        .exec(&mut stand.redis.connect().expect("a connection"))
        .expect("DEL");
    stand.engine.process().kill();
    eventually("the other tells it", LIMIT, || {
        let told = of_type(&events(&receiver.posted()), "campaign.scheduled");
        told.iter()
            .any(|event| event["data"]["id"] == campaign.id)
            .then_some(())
    });
}

/// The one that has the duty tells of what was asked of either.
#[test]
fn req_004_07_steps_of_campaigns_are_told_whichever_engine_took_them() {
    let stand = stand("webhooks-engines", "", SCALED);
    let other = stand.engine.beside("other");
    let receiver = Receiver::start();
    endpoint(&stand, &receiver.url(), &["campaign.*"]);
    let person = recipients(1).next().expect("one");
    let order = CampaignOrder::to_audience(&json!({ "recipients": [{ "to": person }] }));
    let by_turns = [&stand.engine, &other, &stand.engine, &other];
    let planned = by_turns.map(|engine| {
        let campaign: Campaign = stand.tenant.create(engine, &order);
        campaign.schedule_in(engine, 3_600);
        campaign
    });
    let canceled = by_turns.map(|engine| {
        let campaign: Campaign = stand.tenant.create(engine, &order);
        campaign.ask(engine, "cancel").expect(202);
        campaign
    });
    let sent = by_turns.map(|engine| {
        let campaign: Campaign = stand.tenant.create(engine, &order);
        campaign.ask(engine, "launch").expect(202);
        campaign
    });
    let are_told = |kind: &str, campaigns: &[Campaign]| {
        eventually(kind, LIMIT, || {
            let told = of_type(&events(&receiver.posted()), kind);
            let told: Vec<&str> = told.iter().filter_map(|event| event["data"]["id"].as_str()).collect();
            let once = |campaign: &Campaign| told.iter().filter(|id| **id == campaign.id).count() == 1;
            (told.len() == campaigns.len() && campaigns.iter().all(once)).then_some(())
        });
    };
    are_told("campaign.scheduled", &planned);
    are_told("campaign.canceled", &canceled);
    are_told("campaign.started", &sent);
    are_told("campaign.completed", &sent);
}

/// A file that was read, and a word by which somebody has advertising again.
fn files_and_words_are_told(stand: &Stand) {
    const OWN: &str = "+33644630001";
    stand.give_number(OWN, &[&stand.tenant]);
    let http = http(stand);
    let receiver = Receiver::start();
    endpoint(stand, &receiver.url(), &["import.*", "contact.opted_in"]);
    let told = |kind: &str| {
        eventually(kind, LIMIT, || {
            of_type(&events(&receiver.posted()), kind).into_iter().next()
        })
    };
    let file = b"Nom;Portable\nMartin;+33612345678\nDurand;bonjour\n";
    let begun = http.post_as("text/csv", "/v1/imports", file).expect(202);
    let imported = told("import.completed");
    let data = &imported["data"];
    assert_eq!(
        (&data["id"], &data["state"]),
        (&begun["id"], &json!("completed")),
        "{data}"
    );
    assert_eq!(
        (&data["rows"]["created"], &data["rows"]["invalid"], &data["failure"]),
        (&json!(1), &json!(1), &Value::Null),
        "{data}"
    );

    let yes =
        json!({ "name": "Oui", "match": "exact", "keywords": ["OUI"], "text": "Merci !", "opts_in": "J'accepte." });
    http.post("/v1/auto_replies", &yes).expect(201);
    let person = recipients(1).next().expect("one");
    stand.sim.inbound(&person, OWN, "Oui !");
    let opted_in = told("contact.opted_in");
    let data = &opted_in["data"];
    assert_eq!(data["from"], person, "{data}");
    let inbound = http.get("/v1/inbound").expect(200);
    for field in ["id", "from", "to"] {
        assert_eq!(inbound["data"][0][field], data[field], "{inbound}");
    }
}

#[test]
fn req_004_07_files_and_words_that_opt_in_are_told() {
    files_and_words_are_told(&stand("webhooks-files", "", SCALED));
}

#[test]
fn req_004_07_files_and_words_that_opt_in_are_told_by_postgresql_as_well() {
    let (_server, stand) = Stand::on_postgres(Lab::new(programs!(), "webhooks-files-postgresql"));
    files_and_words_are_told(&stand);
}
