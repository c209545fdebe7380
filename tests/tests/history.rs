//! What became of messages, in SQL: every one, once, whatever happens to the engine.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use campanile_tests::tenant::{FR_4379, recipients};
use campanile_tests::{EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(90);

fn fr_4379() -> String {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/../smpp-sim/scenarios/fr-4379.toml");
    std::fs::read_to_string(scenario).expect("read the scenario of the demo")
}

/// All pages of a list of messages, each where the one before it says.
fn messages(http: &Http, asked: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), format!("/v1/messages?limit=500&{asked}"));
    loop {
        let answer = http.get(&path);
        let next = answer.next.clone();
        let page = answer.expect(200);
        assert_eq!(page["next_cursor"].is_string(), next.is_some(), "{path}");
        all.extend(page["data"].as_array().expect("a list").iter().cloned());
        match next {
            Some(next) => path = next,
            None => return all,
        }
    }
}

fn by_status(all: &[Value]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for message in all {
        *counts
            .entry(message["status"].as_str().expect("a status").to_owned())
            .or_default() += 1;
    }
    counts
}

fn remembers_all(stand: &mut Stand) {
    let campaign = stand.launch(4_379);
    // In the middle of it, between the journal and the rows as well.
    stand.sim.wait_for("accepted", 1_000, LIMIT);
    stand.engine.kill();
    stand.engine.restart();
    campaign.wait(&stand.engine, "nothing is to be sent any more", LIMIT, |view| {
        view.progress.queued == 0 && view.status("delivered") > 0
    });
    let http = stand.tenant.http(&stand.engine);
    let asked = format!("campaign={}", campaign.id);
    let agreed = || {
        let view = campaign.view(&stand.engine);
        let all = messages(&http, &asked);
        let counts = by_status(&all);
        let is_so = FR_4379
            .iter()
            .all(|(name, _)| counts.get(*name).copied().unwrap_or(0) == view.status(name));
        is_so.then_some(all)
    };
    let all = eventually("history and the books agree", LIMIT, agreed);
    let ids: HashSet<&str> = all.iter().filter_map(|message| message["id"].as_str()).collect();
    assert_eq!(ids.len(), all.len(), "none twice");
    let known: HashSet<String> = recipients(4_379).collect();
    assert!(
        all.iter()
            .all(|message| known.contains(message["to"].as_str().expect("a number")))
    );
    // The newest first.
    let time = |message: &Value| -> jiff::Timestamp {
        let text = message["taken_at"].as_str().or(message["ended_at"].as_str());
        text.expect("a time").parse().expect("RFC 3339")
    };
    assert!(all.is_sorted_by_key(|message| std::cmp::Reverse(time(message))));

    let delivered = messages(&http, "status=delivered");
    assert_eq!(delivered.len() as u64, campaign.view(&stand.engine).status("delivered"));
    let first = &delivered[0];
    let number = first["to"].as_str().expect("a number").replace('+', "%2B");
    let theirs = messages(&http, &format!("to={number}"));
    assert_eq!(theirs, std::slice::from_ref(first));
    assert_eq!(messages(&http, "until=2020-01-01T00:00:00Z"), Vec::<Value>::new());
    assert_eq!(messages(&http, "since=2020-01-01T00:00:00Z").len(), all.len());
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    assert_eq!(messages(&stranger, &asked), Vec::<Value>::new());
    assert!(stand.engine.metric(|sample| sample == "campanile_history_rows_total") > 0.0);
}

#[test]
fn every_message_is_remembered_once_through_a_kill() {
    let mut stand = Stand::new(programs!(), "history", &fr_4379(), |smsc| smsc);
    remembers_all(&mut stand);
    let http = stand.tenant.http(&stand.engine);
    for (asked, pointer) in [
        ("status=read", "?status"),
        ("since=hier", "?since"),
        ("to=bonjour", "?to"),
        ("campaign=ten_1", "?campaign"),
        ("cursor=x", "?cursor"),
        ("limit=501", "?limit"),
    ] {
        http.get(&format!("/v1/messages?{asked}"))
            .expect_field_problem(&[422], pointer);
    }
    http.get("/v1/messages?read=1").expect_field_problem(&[400], "?read");
}

#[test]
fn postgresql_remembers_as_well() {
    let lab = Lab::new(programs!(), "history-pg");
    let postgres = lab.postgres();
    let mut stand = Stand::under(lab, &fr_4379(), |redis, sim| {
        let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        settings
            .tables
            .push(format!("[database]\nurl = \"{}\"", postgres.url()));
        settings
    });
    remembers_all(&mut stand);
}

#[test]
fn nothing_is_sent_while_the_journal_is_full_and_everything_afterwards() {
    let lab = Lab::new(programs!(), "history-full");
    let postgres = lab.postgres();
    let stand = Stand::under(lab, "", |redis, sim| {
        let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        settings
            .tables
            .push(format!("[database]\nurl = \"{}\"", postgres.url()));
        settings.tables.push("[history]\njournal_max = \"1MiB\"".to_owned());
        settings
    });
    let (http, messages_in_all) = (stand.tenant.http(&stand.engine), 60_000);
    let lock = postgres.lock("message").expect("lock a table");
    let campaign = stand.launch(messages_in_all);
    eventually("leases are stopped", LIMIT, || {
        let ready = stand.engine.admin().get("/readyz?verbose=1");
        (ready.status == 503 && ready.json().to_string().contains("journal_full")).then_some(())
    });
    let message = json!({ "to": "+33612345678", "sender": "OSTEO", "text": "RDV" });
    let refused = http.post("/v1/messages", &message).expect_problem(&[503]);
    assert_eq!(
        (&refused["code"], &refused["reason"]),
        (&json!("intake_closed"), &json!("journal_full"))
    );
    let submitted = stand.sim.totals().accepted;
    assert!(submitted < messages_in_all as u64, "{submitted}");
    drop(lock);
    stand.all_delivered(&campaign, messages_in_all, LIMIT);
    let asked = format!("campaign={}&status=delivered", campaign.id);
    eventually("all of it is written down", LIMIT, || {
        (messages(&http, &asked).len() == messages_in_all).then_some(())
    });
}
