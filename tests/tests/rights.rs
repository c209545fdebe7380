//! The rights of a person: to have what is kept of them, and to have it forgotten, on both databases.

use std::time::Duration;

use campanile_tests::{CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

const ZOE: &str = "+33612345601";
const HUGO: &str = "+33612345602";

/// To whom answers go.
const SHORT_CODE: &str = "36034";

fn stand(lab: Lab, database: Option<String>) -> Stand {
    stand_with(lab, "", database)
}

fn stand_with(lab: Lab, scenario: &str, database: Option<String>) -> Stand {
    Stand::under(lab, scenario, |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        settings.tables.extend(database);
        settings
    })
}

fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

fn upsert(http: &Http, contacts: &Value) -> Vec<String> {
    let became = http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    let rows = became["data"].as_array().expect("a list").iter();
    rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

/// A message to each of these, delivered and written down.
fn send(stand: &Stand, numbers: &[&str], purpose: &str) {
    let http = http(stand);
    let recipients: Vec<Value> = numbers.iter().map(|to| json!({ "to": to, "Nom": "Martin" })).collect();
    let audience = json!({ "recipients": recipients });
    let order = CampaignOrder::to_audience(&audience)
        .with("sender", json!(SHORT_CODE))
        .with("purpose", json!(purpose));
    let campaign = stand.tenant.order(&stand.engine, &order);
    campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.nothing_queued() && view.status("delivered") == numbers.len() as u64
    });
    eventually("history has them", LIMIT, || {
        let found = http.get(&format!("/v1/messages?campaign={}", campaign.id)).expect(200);
        let rows = found["data"].as_array().expect("rows");
        let all = rows.len() == numbers.len() && rows.iter().all(|row| row["status"] == "delivered");
        all.then_some(())
    });
}

fn data_of(http: &Http, number: &str) -> Value {
    http.post("/v1/people/data", &json!({ "number": number })).expect(200)
}

/// Everything that is kept, and nothing of anybody else's.
fn is_told(stand: &Stand) -> String {
    let http = http(stand);
    let contacts = json!([
        { "reference": "Z", "number": ZOE, "first_name": "Zoé", "practices": ["Lyon"], "visits": [{ "day": "2026-03-02", "practice": "Lyon" }] },
        { "reference": "H", "number": HUGO, "first_name": "Hugo" },
    ]);
    let ids = upsert(&http, &contacts);
    let list = http.post("/v1/lists", &json!({ "name": "Marche" })).expect(201);
    let members = format!("/v1/lists/{}/members", list["id"].as_str().expect("an id"));
    http.post(&members, &json!({ "add": [ids[0]] })).expect(200);
    let consent =
        json!({ "contact": { "reference": "Z" }, "wording": "J'accepte", "source": "accueil", "ip": "192.0.2.7" });
    http.post("/v1/consents", &consent).expect(201);
    send(stand, &[ZOE, HUGO], "transactional");
    stand.sim.inbound(ZOE, SHORT_CODE, "Merci de la part de Zoé");
    stand.sim.inbound(HUGO, SHORT_CODE, "Merci de la part de Hugo");
    eventually("both answers are kept", LIMIT, || {
        let found = http.get("/v1/inbound").expect(200);
        (found["data"].as_array().expect("rows").len() == 2).then_some(())
    });
    let data = eventually("what was delivered and answered is counted", LIMIT, || {
        let data = http.get(&format!("/v1/contacts/{}/data", ids[0])).expect(200);
        // Both are in one answer, and read one after the other.
        let both = [&data["engagement"], &data["contacts"][0]["contact"]["engagement"]];
        let known = |of: &&Value| of["delivered_count"] == 1 && of["replied_at"].is_string();
        both.iter().all(known).then_some(data)
    });
    let one = &data["contacts"][0];
    assert_eq!(
        (&one["contact"]["first_name"], &data["number"]),
        (&json!("Zoé"), &json!(ZOE))
    );
    assert_eq!(one["visits"], json!([{ "day": "2026-03-02", "practice": "Lyon" }]));
    assert_eq!(one["lists"][0]["name"], "Marche");
    assert_eq!(
        (&one["consents"][0]["wording"], &one["consents"][0]["ip"]),
        (&json!("J'accepte"), &json!("192.0.2.7"))
    );
    assert_eq!(
        (&data["messages"][0]["to"], &data["messages"][1]),
        (&json!(ZOE), &Value::Null)
    );
    assert_eq!(data["inbound"][0]["text"], "Merci de la part de Zoé");
    assert!(
        !data.to_string().contains("Hugo") && !data.to_string().contains(HUGO),
        "{data}"
    );
    let by_number = data_of(&http, "06 12 34 56 01");
    assert_eq!(
        (&by_number["contacts"], &by_number["messages"]),
        (&data["contacts"], &data["messages"])
    );
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    stranger
        .get(&format!("/v1/contacts/{}/data", ids[0]))
        .expect_problem(&[404]);
    let theirs = data_of(&stranger, ZOE);
    for kept in ["contacts", "messages", "inbound", "opted_out", "codes"] {
        assert_eq!(theirs[kept], json!([]), "{kept}");
    }
    ids[0].clone()
}

/// Nothing of the person is left, and all of others is.
fn is_forgotten(stand: &Stand, zoe: &str) {
    let http = http(stand);
    let figures = http.get("/v1/statistics").expect(200)["total"].clone();
    let erased = http.ask("POST", &format!("/v1/contacts/{zoe}/erase"), None).expect(200);
    let counts = json!({ "contacts": 1, "messages": 1, "inbound": 1, "number_is_shared": false });
    assert_eq!(erased, counts);
    http.get(&format!("/v1/contacts/{zoe}")).expect_problem(&[404]);
    let data = data_of(&http, ZOE);
    for gone in ["contacts", "messages", "inbound", "codes"] {
        assert_eq!(data[gone], json!([]), "{gone}");
    }
    assert_eq!(data["opted_out"], json!(["marketing"]));
    // What was sent and spent stays counted.
    assert_eq!(http.get("/v1/statistics").expect(200)["total"], figures);
    let messages = http.get("/v1/messages").expect(200);
    let to: Vec<&Value> = messages["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["to"])
        .collect();
    assert!(to.contains(&&Value::Null) && to.contains(&&json!(HUGO)), "{to:?}");
    assert_eq!(data_of(&http, HUGO)["inbound"][0]["text"], "Merci de la part de Hugo");
}

/// Who was erased gets no advertising, and does not come back with a file.
fn is_held_back(stand: &Stand) {
    let http = http(stand);
    let before = stand.sim.ledger().len();
    let file = format!("reference;prenom;portable\nZ;Zoé;{ZOE}\nN;Nina;+33612345603\n");
    let begun = http.post_as("text/csv", "/v1/imports", file.as_bytes()).expect(202);
    let path = format!("/v1/imports/{}", begun["id"].as_str().expect("an id"));
    let import = eventually("the import ends", LIMIT, || {
        let import = http.get(&path).expect(200);
        (import["state"] == "completed").then_some(import)
    });
    let rows = &import["rows"];
    assert_eq!(
        (&rows["suppressed"], &rows["created"], &rows["read"]),
        (&json!(1), &json!(1), &json!(2))
    );
    assert_eq!(data_of(&http, ZOE)["contacts"], json!([]));
    let audience = json!({ "recipients": [{ "to": ZOE }, { "to": HUGO }] });
    let order = CampaignOrder::to_audience(&audience)
        .with("purpose", json!("marketing"))
        .with("text", json!("Portes ouvertes. STOP au 36180"));
    let campaign = stand.tenant.order(&stand.engine, &order);
    let view = campaign.wait(&stand.engine, "it is over", LIMIT, |view| {
        view.nothing_queued() && view.status("delivered") == 1
    });
    assert_eq!(view.progress.total, 2);
    let sent: Vec<String> = stand
        .sim
        .ledger()
        .split_off(before)
        .into_iter()
        .map(|row| row.recipient)
        .collect();
    assert_eq!(sent, [HUGO.trim_start_matches('+')]);
    // History does not learn the number from what was skipped.
    eventually("what was skipped is written down", LIMIT, || {
        let found = http.get(&format!("/v1/messages?campaign={}", campaign.id)).expect(200);
        let rows = found["data"].as_array().expect("rows");
        let skipped = rows.iter().find(|row| row["status"] == "skipped")?;
        assert_eq!(skipped["to"], Value::Null);
        Some(())
    });
    assert_eq!(data_of(&http, ZOE)["messages"], json!([]));
}

#[test]
fn a_person_is_told_what_is_kept_and_is_forgotten() {
    let mut stand = stand(Lab::new(programs!(), "rights"), None);
    let zoe = is_told(&stand);
    is_forgotten(&stand, &zoe);
    is_a_line_without_the_number(&stand);
    is_held_back(&stand);
    // Whatever becomes of the engine, and of Redis.
    stand.engine.kill();
    stand.engine.restart();
    is_held_back_again(&stand);
    agrees_again(&stand);
}

/// Whoever agrees after the erasure gets advertising again; what they agreed to before does not count.
fn agrees_again(stand: &Stand) {
    let http = http(stand);
    let lift = json!({ "numbers": [ZOE] });
    let lifted = http.post("/v1/opt_outs/lift", &lift).expect(200);
    assert_eq!(lifted, json!({ "lifted": 0, "erased": 1 }));
    let consent = |given_at: Option<&str>| {
        let contact = json!({ "number": ZOE, "first_name": "Zoé" });
        let mut consent = json!({ "contact": contact, "wording": "J'accepte.", "source": "accueil" });
        if let Some(at) = given_at {
            consent["given_at"] = json!(at);
        }
        http.post("/v1/consents", &consent).expect(201);
    };
    consent(Some("2020-01-02T10:00:00Z"));
    assert_eq!(data_of(&http, ZOE)["opted_out"], json!(["marketing"]));
    consent(None);
    assert_eq!(data_of(&http, ZOE)["opted_out"], json!([]));
    let order = CampaignOrder::to_audience(&json!({ "recipients": [{ "to": ZOE }] }))
        .with("purpose", json!("marketing"))
        .with("text", json!("Portes ouvertes. STOP au 36180"));
    let campaign = stand.tenant.order(&stand.engine, &order);
    campaign.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.nothing_queued() && view.status("delivered") == 1
    });
    eventually("history knows the number again", LIMIT, || {
        let messages = data_of(&http, ZOE)["messages"].as_array().map(Vec::len);
        (messages == Some(1)).then_some(())
    });
    let lifted = http.post("/v1/opt_outs/lift", &lift).expect(200);
    assert_eq!(lifted, json!({ "lifted": 0, "erased": 0 }));
}

/// What was done is told afterwards, and to whom is not.
fn is_a_line_without_the_number(stand: &Stand) {
    let file = stand.lab().directory().join("engine-1.err");
    let log = eventually("the act is noted", LIMIT, || {
        let log = std::fs::read_to_string(&file).expect("the log");
        log.contains("/v1/contacts/{id}/erase").then_some(log)
    });
    let digits = ZOE.trim_start_matches("+33");
    assert!(!log.contains(digits), "{log}");
}

/// With another file, after a restart.
fn is_held_back_again(stand: &Stand) {
    let http = http(stand);
    let file = format!("reference;prenom;portable\nZZ;Zoé;{ZOE}\n");
    let begun = http.post_as("text/csv", "/v1/imports", file.as_bytes()).expect(202);
    let path = format!("/v1/imports/{}", begun["id"].as_str().expect("an id"));
    let import = eventually("the import ends", LIMIT, || {
        let import = http.get(&path).expect(200);
        (import["state"] == "completed").then_some(import)
    });
    assert_eq!(import["rows"]["suppressed"], 1);
    assert_eq!(data_of(&http, ZOE)["contacts"], json!([]));
}

#[test]
fn a_person_is_told_what_is_kept_and_is_forgotten_in_postgresql_as_well() {
    let lab = Lab::new(programs!(), "rights-postgresql");
    let server = lab.postgres();
    let stand = stand(lab, Some(format!("[database]\nurl = \"{}\"", server.url())));
    let zoe = is_told(&stand);
    is_forgotten(&stand, &zoe);
    is_held_back(&stand);
}

#[test]
fn nobody_is_forgotten_to_whom_something_is_under_way() {
    let stand = stand_with(Lab::new(programs!(), "rights-under-way"), "magic = true", None);
    let http = http(&stand);
    // The simulator sends no receipt to it.
    let to = "+33612345909";
    let ids = upsert(&http, &json!([{ "reference": "S", "number": to }]));
    let order = json!({ "to": to, "text": "Demain 9 h", "sender": "Cabinet" });
    http.post("/v1/messages", &order).expect(202);
    stand.sim.wait_for("accepted", 1, LIMIT);
    let refused = http
        .ask("POST", &format!("/v1/contacts/{}/erase", ids[0]), None)
        .expect_problem(&[409]);
    assert_eq!(refused["code"], "messages_under_way");
    // What may be sent is stopped by then.
    assert_eq!(data_of(&http, to)["opted_out"], json!(["marketing"]));
    http.get(&format!("/v1/contacts/{}", ids[0])).expect(200);
}

#[test]
fn a_number_that_others_have_stays_with_them() {
    let stand = stand(Lab::new(programs!(), "rights-shared"), None);
    let http = http(&stand);
    let family = json!([
        { "reference": "1", "number": ZOE, "first_name": "Zoé" },
        { "reference": "2", "number": ZOE, "first_name": "Tom" },
    ]);
    let ids = upsert(&http, &family);
    send(&stand, &[ZOE], "transactional");
    let erased = http
        .ask("POST", &format!("/v1/contacts/{}/erase", ids[0]), None)
        .expect(200);
    assert_eq!(
        (&erased["number_is_shared"], &erased["messages"]),
        (&json!(true), &json!(0))
    );
    let data = data_of(&http, ZOE);
    assert_eq!(data["contacts"][0]["contact"]["first_name"], "Tom");
    assert_eq!(
        (data["messages"].as_array().map(Vec::len), &data["opted_out"]),
        (Some(1), &json!([]))
    );
    let all = http.post("/v1/people/erase", &json!({ "number": ZOE })).expect(200);
    assert_eq!((&all["contacts"], &all["messages"]), (&json!(1), &json!(1)));
    http.post("/v1/people/erase", &json!({ "number": "12" }))
        .expect_field_problem(&[422], "/number");
    http.post("/v1/people/data", &json!({}))
        .expect_field_problem(&[400, 422], "/number");
}
