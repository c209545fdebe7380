//! Numbers that could not be reached: contacts are marked, campaigns leave them out, and the mark goes when it holds no more.

use std::time::Duration;

use campanile_tests::tenant::FR_4379;
use campanile_tests::{Campaign, CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// What the SMSC says of every number.
const ABSENT: &str = "[[outcome]]\nname = \"absent\"\nweight = 1\nstat = \"UNDELIV\"\nerr = \"027\"\n";
const UNKNOWN: &str = "[[outcome]]\nname = \"unknown\"\nweight = 1\nstat = \"UNDELIV\"\nerr = \"001\"\n";
const DELIVERED: &str = "name = \"healthy\"\n";

fn settings(redis: String, smpp: &str, more: &str) -> EngineSettings {
    let mut settings = EngineSettings::new(Some(redis), vec![SmscSettings::new("north", smpp)]);
    settings.tables.push(more.to_owned());
    settings
}

fn everybody(unreachable: bool) -> CampaignOrder {
    CampaignOrder::to_audience(&json!({ "filter": {}, "unreachable": unreachable }))
}

fn upsert(http: &Http, contacts: &[Value]) -> Vec<String> {
    let became = http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    let rows = became["data"].as_array().expect("a list").iter();
    rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

fn unreachable(http: &Http) -> u64 {
    let filter = json!({ "filter": { "field": "unreachable", "is": true }, "limit": 1 });
    let found = http.post("/v1/contacts/search", &filter).expect(200);
    found["total"].as_u64().expect("a count")
}

/// All recipients of a campaign that a query means, over all pages.
fn recipients(http: &Http, campaign: &Campaign, query: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/campaigns/{}/recipients?limit=50&{query}{cursor}", campaign.id);
        let page = http.get(&path).expect(200);
        rows.extend(page["data"].as_array().expect("a list").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// Those whose number nobody has: by status and by what is to be cleansed, page by page and as a file.
fn unknown_are_listed(http: &Http, campaign: &Campaign) -> Vec<Value> {
    let unknown = recipients(http, campaign, "status=unknown_number");
    assert_eq!(unknown.len(), 112);
    assert_eq!(recipients(http, campaign, "cleanse=hard"), unknown);
    assert!(unknown.iter().all(|row| row["cleanse"] == "hard"), "{unknown:?}");
    let soft = recipients(http, campaign, "cleanse=soft");
    assert!(soft.len() == 18 && soft.iter().all(|row| row["status"] == "reception_error"));
    let path = format!("/v1/campaigns/{}", campaign.id);
    http.get(&format!("{path}/recipients?cleanse=full"))
        .expect_field_problem(&[422], "?cleanse");
    let file = http
        .get(&format!("{path}/recipients?cleanse=hard&format=csv"))
        .text
        .clone();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!((lines.len(), lines[0]), (113, "to,status,reason,code,cleanse,at,id"));
    assert!(
        lines[1].starts_with("\"+336") && lines[1].contains(",unknown_number,"),
        "{}",
        lines[1]
    );
    let file = http
        .in_language("fr")
        .get(&format!("{path}/recipients?format=csv"))
        .text
        .clone();
    assert_eq!(file.lines().count(), 4_380);
    for code in [";delivered;", ";unknown_number;", ";none;", ";0;"] {
        assert!(!file.contains(code), "{code}");
    }
    assert!(
        file.contains(";Numéro de destination inconnu;"),
        "{}",
        file.lines().nth(1).unwrap_or_default()
    );
    unknown
}

/// The next campaign to everybody is not sent to these.
fn leaves_out(stand: &Stand, unknown: &[Value]) {
    let http = stand.tenant.http(&stand.engine);
    let next = stand.tenant.create(&stand.engine, &everybody(false));
    let path = format!("/v1/campaigns/{}", next.id);
    let estimate = http.post(&format!("{path}/estimate"), &json!({})).expect(200);
    assert_eq!(
        (&estimate["excluded"]["unreachable"], &estimate["max"]["recipients"]),
        (&json!(112), &json!(4_267))
    );
    next.ask(&stand.engine, "launch").expect(202);
    next.wait(&stand.engine, "the second is sent", LIMIT, |view| {
        view.progress.total == 4_267 && view.with_status() == 4_267
    });
    let report = http.get(&format!("{path}/report")).expect(200);
    assert_eq!(report["excluded"]["unreachable"], 112, "{report}");
    let rejected = http.get(&format!("{path}/rejected")).expect(200);
    let rejected = rejected["data"].as_array().expect("a list");
    assert!(rejected.len() == 112 && rejected.iter().all(|row| row["code"] == "unreachable"));
    let sent = stand.sim.ledger_by_recipient();
    for row in unknown {
        let to = row["to"].as_str().expect("a number").trim_start_matches('+');
        assert!(sent.get(to).is_none_or(|rows| rows.len() == 1), "{to} got nothing more");
    }
}

#[test]
fn req_001_07_the_112_unknown_of_4379_are_marked_and_left_out_of_the_next() {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/../smpp-sim/scenarios/fr-4379.toml");
    let scenario = std::fs::read_to_string(scenario).expect("read the scenario of the demo");
    let stand = Stand::new(programs!(), "cleaning-4379", &scenario, |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let contacts: Vec<Value> = campanile_tests::tenant::recipients(4_379)
        .map(|number| json!({ "number": number }))
        .collect();
    contacts.chunks(1_000).for_each(|some| drop(upsert(&http, some)));
    let campaign = stand.tenant.order(&stand.engine, &everybody(false));
    campaign.wait(&stand.engine, "the table is reached", LIMIT, |view| {
        FR_4379.iter().all(|(name, count)| view.status(name) == *count)
    });

    let unknown = unknown_are_listed(&http, &campaign);
    let path = format!("/v1/campaigns/{}", campaign.id);
    let came_to = |dry: bool, marked: u64| {
        let cleaned = http
            .post(&format!("{path}/clean"), &json!({ "dry_run": dry }))
            .expect(200);
        let wanted = json!({
            "campaign": campaign.id, "dry_run": dry, "hard": 112, "soft": 18, "contacts": 112, "marked": marked,
        });
        assert_eq!(cleaned, wanted);
    };
    came_to(true, 112);
    assert_eq!(unreachable(&http), 0, "nothing was done");
    came_to(false, 112);
    assert_eq!(unreachable(&http), 112);
    came_to(false, 0);
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    stranger
        .post(&format!("{path}/clean"), &json!({}))
        .expect_problem(&[404]);

    leaves_out(&stand, &unknown);
}

/// Sends to everybody under that scenario, and waits until all messages have ended.
fn send(stand: &Stand, scenario: &str, unreachable: bool) -> Campaign {
    stand.sim.switch(scenario);
    let campaign = stand.tenant.order(&stand.engine, &everybody(unreachable));
    campaign.wait(&stand.engine, "all have ended", LIMIT, |view| {
        view.state == "completed" && view.status("transmitted") == 0 && view.with_status() > 0
    });
    campaign
}

fn keeps_lists_clean(mut stand: Stand) {
    let http = stand.tenant.http(&stand.engine);
    let off = json!({ "hard": false, "soft_after": null });
    assert_eq!(http.get("/v1/cleaning-rule").expect(200), off);
    let refused = http.ask(
        "PUT",
        "/v1/cleaning-rule",
        Some(&json!({ "hard": true, "soft_after": 0 })),
    );
    refused.expect_field_problem(&[422], "/soft_after");
    let rule = json!({ "hard": true, "soft_after": 2 });
    assert_eq!(http.ask("PUT", "/v1/cleaning-rule", Some(&rule)).expect(200), rule);
    let ids = upsert(&http, &[json!({ "reference": "1", "number": "0612345601" })]);
    let one = format!("/v1/contacts/{}", ids[0]);

    // Twice in a row, each counted once: a start between them counts the first no second time.
    send(&stand, ABSENT, false);
    stand.engine.restart();
    let http = stand.tenant.http(&stand.engine);
    let mark = |path: &str| http.get(path).expect(200)["unreachable"].clone();
    let second = send(&stand, ABSENT, false);
    let marked = eventually("the second marks it", LIMIT, || {
        Some(mark(&one)).filter(|mark| !mark.is_null())
    });
    assert_eq!(
        (&marked["reason"], &marked["campaign"]),
        (&json!("soft"), &json!(second.id))
    );

    // Who is marked is left out, unless a campaign asks for them; what is delivered then lifts the mark.
    let none = stand.tenant.create(&stand.engine, &everybody(false));
    none.ask(&stand.engine, "launch").expect(202);
    let refused = eventually("nobody is left", LIMIT, || {
        let view = http.get(&format!("/v1/campaigns/{}", none.id)).expect(200);
        view["refused"].as_str().map(str::to_owned)
    });
    assert_eq!(refused, "empty_audience");
    send(&stand, DELIVERED, true);
    eventually("a delivery lifts it", LIMIT, || mark(&one).is_null().then_some(()));

    // Whose number nobody has is marked at once, until they have another.
    let third = send(&stand, UNKNOWN, false);
    let marked = eventually("it is marked at once", LIMIT, || {
        Some(mark(&one)).filter(|mark| !mark.is_null())
    });
    assert_eq!(
        (&marked["reason"], &marked["campaign"]),
        (&json!("hard"), &json!(third.id))
    );
    assert_eq!(unreachable(&http), 1);
    upsert(&http, &[json!({ "reference": "1", "first_name": "Zoé" })]);
    assert_eq!(unreachable(&http), 1, "the number is the same");
    upsert(&http, &[json!({ "reference": "1", "number": "0612345602" })]);
    assert_eq!(unreachable(&http), 0, "another number");

    // By hand; what was seen before counts no more.
    let fourth = send(&stand, UNKNOWN, false);
    eventually("the other is marked as well", LIMIT, || {
        (unreachable(&http) == 1).then_some(())
    });
    let contact = http.post(&format!("{one}/reachable"), &json!({})).expect(200);
    assert!(contact["unreachable"].is_null(), "{contact}");
    let clean = format!("/v1/campaigns/{}/clean", fourth.id);
    let cleaned = http.post(&clean, &json!({})).expect(200);
    assert_eq!(
        (&cleaned["contacts"], &cleaned["marked"]),
        (&json!(1), &json!(0)),
        "{cleaned}"
    );
}

#[test]
fn req_001_07_a_rule_marks_at_the_end_of_each_campaign_once_and_a_delivery_lifts() {
    let lab = Lab::new(programs!(), "cleaning-rule");
    keeps_lists_clean(Stand::under(lab, "", |redis, sim| {
        settings(redis.url(), sim.smpp_address(), "")
    }));
}

#[test]
fn req_001_07_a_rule_marks_in_postgresql_as_well() {
    let lab = Lab::new(programs!(), "cleaning-rule-pg");
    let postgres = lab.postgres();
    let database = format!("[database]\nurl = \"{}\"", postgres.url());
    keeps_lists_clean(Stand::under(lab, "", |redis, sim| {
        settings(redis.url(), sim.smpp_address(), &database)
    }));
}
