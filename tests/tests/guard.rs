//! What the engine refuses to do on a Redis that is not as it should be, and whose folder it may use.

use std::path::Path;
use std::time::Duration;

use campanile_tests::{Engine, EngineSettings, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

/// The engine looks every second; the machine may be busy.
const NOTICE_LIMIT: Duration = Duration::from_secs(20);

const SETTLE_LIMIT: Duration = Duration::from_secs(90);

const MESSAGES: usize = 3_000;

/// Answers take a while, so that a change in the middle is in the middle.
const ANSWERS_TAKE_TIME: &str = r#"
[answer]
delay = { uniform = ["20ms", "60ms"] }
[receipt]
delay = { uniform = ["0s", "300ms"] }
"#;

#[test]
fn an_emptied_database_is_noticed_and_stops_everything_until_a_restart() {
    let mut stand = Stand::new(programs!(), "guard-flushall", ANSWERS_TAKE_TIME, |smsc| smsc);
    stand.launch(MESSAGES);
    stand.sim.wait_for("accepted", 500, SETTLE_LIMIT);
    redis::cmd("FLUSHALL")
        .exec(&mut stand.redis.connect().unwrap())
        .expect("FLUSHALL");

    let problem = wait_until_not_ready(&stand.engine, "database_emptied");
    assert_eq!(problem["code"], "not_ready");
    assert!(
        problem["detail"].as_str().unwrap().contains("it was emptied"),
        "{problem}"
    );
    // Whoever asks is told that the server is at fault, not that his key is wrong.
    let http = stand.tenant.http(&stand.engine);
    for path in [
        "/v1/campaigns",
        "/v1/messages",
        "/v1/campaigns/cmp_1/launch",
        "/v1/tenants",
    ] {
        let refused = http.post(path, &json!({})).expect_problem(&[503]);
        assert_eq!(refused["code"], "database_lost");
    }
    http.get("/v1/tenant").expect_problem(&[503]);
    assert!(metric(&stand.engine, "campanile_guard_stopped{work=\"leases\"} 1"));
    let log = stand.engine.process().last_words();
    assert!(log.contains("the database has lost its id"), "{log}");

    stand.engine.restart();
    assert_eq!(stand.engine.admin().get("/readyz").status, 200);
    stand.engine.tenant("Cabinet Martin", 10);
}

#[test]
fn two_engines_that_start_at_once_on_an_emptied_redis_rebuild_it_one_after_the_other_and_wait_for_no_dead_one() {
    let mut stand = Stand::new(programs!(), "guard-rebuilt-once", ANSWERS_TAKE_TIME, |smsc| smsc);
    let mut other = stand.engine.beside("other");
    let http = stand.tenant.http(&stand.engine);
    let before = http.get("/v1/tenant").expect(200)["credits"].clone();
    // SQL has what the ledger says, and would have it within a second otherwise.
    http.get("/v1/ledger").expect(200);
    stand.engine.kill();
    other.kill();
    let mut redis = stand.redis.connect().unwrap();
    redis::cmd("FLUSHALL").exec(&mut redis).expect("FLUSHALL");
    // As a start that was killed in the middle leaves it.
    redis::cmd("SET")
        .arg("c:starting")
        .arg("dead")
        .arg("PX")
        .arg(2_000)
        .exec(&mut redis)
        .expect("SET");
    let engine = &mut stand.engine;
    std::thread::scope(|scope| {
        scope.spawn(|| engine.restart());
        other.restart();
    });
    let logs = [stand.engine.process().last_words(), other.process().last_words()];
    for log in &logs {
        assert!(log.contains("another engine is starting"), "{log}");
    }
    let rebuilt = logs.iter().filter(|log| log.contains("rebuilt from the database"));
    assert_eq!(rebuilt.count(), 1, "{logs:?}");
    let tenant = stand.tenant.http(&other).get("/v1/tenant").expect(200);
    assert_eq!(tenant["credits"], before);
}

#[test]
fn a_redis_that_was_emptied_is_rebuilt_with_tenants_credits_and_who_wants_nothing() {
    let mut stand = Stand::new(programs!(), "guard-rebuilt", ANSWERS_TAKE_TIME, |smsc| smsc);
    let (id, operator) = (stand.tenant.id.clone(), stand.engine.operator());
    let brand = json!({ "brand": "Cabinet Martin", "countries": ["FR"] });
    operator.patch(&format!("/v1/tenants/{id}"), &brand).expect(200);
    let struck = json!({ "to": ["+33612345678"], "purpose": "all" });
    stand
        .engine
        .admin()
        .with_key(stand.engine.operator_key())
        .post("/v1/suppressions", &struck)
        .expect(200);
    let campaign = stand.launch(MESSAGES);
    stand.sim.wait_for("accepted", 500, SETTLE_LIMIT);
    let http = stand.tenant.http(&stand.engine);
    // The last that SQL is sure to have: what the ledger says.
    let granted = http.get("/v1/tenant").expect(200)["credits"]["granted"].clone();
    let lines = http.get("/v1/ledger?limit=500").expect(200);
    assert!(lines["data"].as_array().unwrap().len() >= 2, "{lines}");
    redis::cmd("FLUSHALL")
        .exec(&mut stand.redis.connect().unwrap())
        .expect("FLUSHALL");
    wait_until_not_ready(&stand.engine, "database_emptied");
    stand.engine.restart();
    let (http, operator) = (stand.tenant.http(&stand.engine), stand.engine.operator());
    let log = stand.engine.process().last_words();
    assert!(log.contains("rebuilt from the database"), "{log}");

    let tenant = http.get("/v1/tenant").expect(200);
    assert_eq!(
        (&tenant["brand"], &tenant["countries"]),
        (&json!("Cabinet Martin"), &json!(["FR"]))
    );
    let credits = |tenant: &Value, of: &str| tenant["credits"][of].as_u64().unwrap();
    let (held, spent) = (credits(&tenant, "held"), credits(&tenant, "spent"));
    assert_eq!(tenant["credits"]["granted"], granted);
    assert_eq!(granted, credits(&tenant, "available") + held + spent);
    assert_eq!(held + spent, MESSAGES as u64);
    let path = format!("/v1/tenants/{id}/lost_holds");
    let lost = operator.get(&path).expect(200);
    assert_eq!(lost["data"], json!([{ "campaign": campaign.id, "credits": held }]));
    let path = format!("{path}/{}", campaign.id);
    operator
        .post(&path, &json!({ "spent": held + 1 }))
        .expect_field_problem(&[422], "/spent");
    let settled = operator.post(&path, &json!({ "spent": 7 })).expect(200);
    assert_eq!((credits(&settled, "held"), credits(&settled, "spent")), (0, spent + 7));
    operator.post(&path, &json!({ "spent": 7 })).expect_problem(&[404]);

    // What was said before holds: nobody is sent what they do not want, and no id comes again.
    let message = json!({ "to": "+33612345678", "sender": "OSTEO", "text": "RDV" });
    let made = http.post("/v1/messages", &message).expect(202);
    let path = format!("/v1/messages/{}", made["id"].as_str().unwrap());
    eventually("it is left out", SETTLE_LIMIT, || {
        let view = http.get(&path).expect(200);
        (view["status"] == "skipped" || view["state"] == "skipped").then_some(())
    });
    let again = stand.launch(10);
    assert_ne!(again.id, campaign.id);
    again.wait(&stand.engine, "a new campaign is delivered", SETTLE_LIMIT, |view| {
        view.status("delivered") == 10 && view.credits.spent == 10
    });
}

#[test]
fn a_redis_that_loses_data_is_refused_or_shown() {
    let lab = Lab::new(programs!(), "guard-loss");
    let (redis, sim) = (lab.redis(), lab.sim(""));
    redis.set("appendonly", "no");
    let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
    let (status, said) = lab.refused_engine(&settings);
    assert_eq!(status.code(), Some(4), "{said}");
    assert!(
        said.contains("appendonly no (allowed: yes)") && said.contains("redis.allow_loss"),
        "{said}"
    );

    settings.redis_lines.push("allow_loss = true".to_owned());
    let engine = lab.engine(&settings);
    assert_eq!(engine.admin().get("/readyz").status, 200);
    let shown = engine.admin().get("/readyz?verbose=1").expect(200);
    assert_eq!(
        shown["redis_loss_allowed"],
        json!(["appendonly no (allowed: yes)"]),
        "{shown}"
    );
    assert!(metric(&engine, "campanile_redis_loss_allowed 1"));
    assert!(engine.process().last_words().contains("Redis may lose data"));
}

#[test]
fn a_nearly_full_redis_takes_nothing_in_and_a_full_one_settles_what_was_sent() {
    let stand = Stand::new(programs!(), "guard-memory", ANSWERS_TAKE_TIME, |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let campaign = stand.launch(MESSAGES);
    stand.sim.wait_for("accepted", 300, SETTLE_LIMIT);
    // Full to the brim: leases stop, and every answer and receipt under way is settled all the same.
    stand.redis.set("maxmemory", "1mb");
    wait_until_not_ready(&stand.engine, "redis_lease_mark");
    let message = json!({ "to": "+33612345678", "sender": "OSTEO", "text": "RDV" });
    let refused = http.post("/v1/messages", &message).expect_problem(&[503]);
    assert_eq!(
        (&refused["code"], &refused["reason"]),
        (&json!("intake_closed"), &json!("redis_intake_mark")),
        "it says what stands in the way"
    );
    let detail = refused["detail"].as_str().expect("a text");
    assert!(
        detail.starts_with("Redis is nearly full. ") && !detail.contains("127.0.0.1"),
        "{detail}"
    );
    let stopped = campaign.wait(&stand.engine, "what was sent is settled", SETTLE_LIMIT, |view| {
        view.status("transmitted") == 0 && view.status("delivered") == stand.sim.totals().accepted
    });
    stopped.assert_adds_up();
    assert!(
        stopped.progress.queued > 0 && stopped.progress.in_doubt == 0,
        "{stopped:?}"
    );

    stand.redis.set("maxmemory", "0");
    stand.all_delivered(&campaign, MESSAGES, SETTLE_LIMIT);
    http.post("/v1/messages", &message).expect(202);
}

#[test]
fn a_second_engine_on_the_folder_is_refused_and_the_first_goes_on() {
    let lab = Lab::new(programs!(), "guard-two");
    let sim = lab.sim("");
    let settings = EngineSettings::new(None, vec![SmscSettings::new("north", sim.smpp_address())]);
    let engine = lab.engine(&settings);
    let tenant = engine.tenant("Cabinet Martin", 10);
    let (status, said) = lab.refused_engine(&settings);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("is used by process"), "{said}");
    assert_eq!(servers_on(&lab.directory().join("data")).len(), 1);
    assert_eq!(engine.credits(&tenant).available, 10);
}

#[test]
fn killed_five_times_there_is_one_server_on_the_folder_and_nothing_is_lost() {
    let lab = Lab::new(programs!(), "guard-killed");
    let sim = lab.sim("");
    let settings = EngineSettings::new(None, vec![SmscSettings::new("north", sim.smpp_address())]);
    let mut engine = lab.engine(&settings);
    let folder = lab.directory().join("data");
    let tenants: Vec<_> = (1..=5)
        .map(|credits| {
            let tenant = engine.tenant("Cabinet Martin", credits);
            engine.kill();
            engine.restart();
            let servers = servers_on(&folder);
            assert_eq!(servers.len(), 1, "after {credits} kills: {servers:?}");
            tenant
        })
        .collect();
    for (tenant, credits) in tenants.iter().zip(1..) {
        assert_eq!(engine.credits(tenant).available, credits);
    }
    engine.kill();
    eventually("the last server has ended too", NOTICE_LIMIT, || {
        servers_on(&folder).is_empty().then_some(())
    });
}

#[test]
fn an_engine_whose_port_is_taken_ends_before_it_touches_anything() {
    let lab = Lab::new(programs!(), "guard-port");
    let (redis, sim) = (lab.redis(), lab.sim(""));
    let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
    settings.listen = sim.smpp_address().to_owned();
    let (status, said) = lab.refused_engine(&settings);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("api.listen"), "{said}");
    let epochs: u64 = redis::cmd("HLEN")
        .arg("c:engines")
        .query(&mut redis.connect().unwrap())
        .expect("HLEN");
    assert_eq!(epochs, 0, "an epoch was begun");
}

/// Waits for that reason, and returns what `/readyz` says without details.
fn wait_until_not_ready(engine: &Engine, code: &str) -> Value {
    eventually(&format!("/readyz says {code}"), NOTICE_LIMIT, || {
        let shown = engine.admin().get("/readyz?verbose=1").json();
        let reasons = shown["reasons"].as_array().expect("reasons");
        reasons.iter().any(|reason| reason["code"] == code).then_some(())
    });
    engine.admin().get("/readyz").expect_problem(&[503])
}

fn metric(engine: &Engine, line: &str) -> bool {
    engine.admin().get("/metrics").text.lines().any(|found| found == line)
}

/// The redis-servers that work in that folder, by their process id.
fn servers_on(folder: &Path) -> Vec<u32> {
    let folder = folder.canonicalize().expect("the data folder");
    lab::usage::working_in(&folder, "redis-server").expect("these tests need Linux' /proc")
}
