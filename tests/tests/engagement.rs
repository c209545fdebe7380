//! Who answers, who follows links, and how much is delivered to whom: counted once, whatever dies, and asked for by filters.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use campanile_tests::scenarios::Dice;
use campanile_tests::{
    CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs, recipients, text,
};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const DOMAIN: &str = "l.cabinet.example";
const BEFORE: &str = "Vos documents : https://";
const OWN: &str = "+33644630001";
const PEOPLE: usize = 60;

/// A stand, and the database that it needs for as long as it is there.
fn stand(name: &str, in_postgres: bool) -> (Option<impl Sized + use<>>, Stand) {
    let lab = Lab::new(programs!(), name);
    let postgres = in_postgres.then(|| lab.postgres());
    let stand = Stand::under(lab, "", |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        settings
            .tables
            .push("[links]\nlisten = \"127.0.0.1:0\"\npreview_within = \"0s\"".to_owned());
        let table = postgres
            .iter()
            .map(|postgres| format!("[database]\nurl = \"{}\"", postgres.url()));
        settings.tables.extend(table);
        settings
    });
    let operator = stand.engine.operator();
    let tenant = format!("/v1/tenants/{}", stand.tenant.id);
    operator.patch(&tenant, &json!({ "short_domain": DOMAIN })).expect(200);
    stand.give_number(OWN, &[&stand.tenant]);
    (postgres, stand)
}

fn linked(people: usize) -> CampaignOrder {
    CampaignOrder::to_first(people)
        .with("text", json!("Vos documents : https://[Lien]"))
        .with("link", json!("https://portail.cabinet.example/resultats"))
}

/// A campaign that was delivered: its id.
fn launched(stand: &Stand, order: &CampaignOrder, people: u64) -> String {
    let campaign = stand.tenant.create(&stand.engine, order);
    campaign.ask(&stand.engine, "launch").expect(202);
    campaign.wait(&stand.engine, "all have it", LIMIT, |view| {
        view.status("delivered") == people
    });
    campaign.id.clone()
}

/// A campaign with links, in the middle of which the engine dies.
fn send(stand: &mut Stand, people: usize, dice: &mut Dice) {
    let campaign = stand.tenant.create(&stand.engine, &linked(people));
    campaign.ask(&stand.engine, "launch").expect(202);
    let some = dice.roll(0..=people as u64);
    campaign.wait(&stand.engine, "some are delivered", LIMIT, |view| {
        view.status("delivered") >= some
    });
    stand.engine.kill();
    stand.engine.restart();
    campaign.wait(&stand.engine, "nothing waits", LIMIT, |view| view.progress.queued == 0);
}

/// How many messages history says were delivered to each.
fn delivered(http: &Http) -> BTreeMap<String, u64> {
    let page = http.get("/v1/messages?limit=500&status=delivered").expect(200);
    assert!(page["next_cursor"].is_null());
    let mut counts = BTreeMap::new();
    for message in page["data"].as_array().expect("a list") {
        *counts.entry(text(&message["to"])).or_default() += 1;
    }
    counts
}

/// How many the contacts of a tenant have, who have any.
fn counted(http: &Http) -> BTreeMap<String, u64> {
    let all = contacts(http, &json!({ "field": "delivered_count", "from": 1 }));
    let count = |contact: &Value| contact["engagement"]["delivered_count"].as_u64().expect("a count");
    all.iter()
        .map(|contact| (text(&contact["number"]), count(contact)))
        .collect()
}

fn contacts(http: &Http, filter: &Value) -> Vec<Value> {
    let found = http
        .post("/v1/contacts/search", &json!({ "filter": filter, "limit": 500 }))
        .expect(200);
    found["data"].as_array().expect("a list").clone()
}

/// The numbers of those whom a filter means.
fn meant(http: &Http, filter: &Value) -> BTreeSet<String> {
    contacts(http, filter)
        .iter()
        .filter_map(|contact| contact["number"].as_str().map(str::to_owned))
        .collect()
}

fn follow(stand: &Stand, link: &str) {
    let (host, token) = link.split_once('/').expect("a domain and a token");
    let mut stream = TcpStream::connect(stand.engine.links()).expect("the listener of links");
    let request =
        format!("GET /{token} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request that is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer that is text");
    assert!(answer.starts_with("HTTP/1.1 302"), "{answer}");
}

fn are_told_apart(seed: u64, in_postgres: bool) {
    let (_postgres, mut stand) = stand(&format!("engagement-{seed}"), in_postgres);
    let mut dice = Dice::new(seed);
    let numbers: Vec<String> = recipients(PEOPLE).collect();
    let mut given: Vec<Value> = numbers
        .iter()
        .map(|number| json!({ "reference": number, "number": number }))
        .collect();
    given.push(json!({ "reference": "nobody", "number": "0698765432" }));
    given.push(json!({ "reference": "no number" }));
    let http = stand.tenant.http(&stand.engine);
    http.post("/v1/contacts", &json!({ "contacts": given })).expect(200);
    send(&mut stand, PEOPLE, &mut dice);
    send(&mut stand, PEOPLE / 2, &mut dice);
    let http = stand.tenant.http(&stand.engine);
    let agreed = |http: &Http, stand: &Stand| {
        eventually("simulator, history and counts agree", LIMIT, || {
            let sent = stand.sim.ledger_by_recipient().into_iter();
            let sent: BTreeMap<String, u64> = sent.map(|(to, rows)| (format!("+{to}"), rows.len() as u64)).collect();
            (delivered(http) == sent && counted(http) == sent).then_some(sent)
        })
    };
    // What an engine had sent when it died is in doubt until its receipt comes.
    let truth = agreed(&http, &stand);
    assert!(truth.len() > PEOPLE / 2, "seed {seed}: {truth:?}");
    // Some follow their links, and some answer: an end of the engine forgets no more than a second of the former.
    let links: BTreeMap<String, String> = stand
        .sim
        .ledger()
        .into_iter()
        .map(|row| (format!("+{}", row.recipient), row.text.expect("a text")))
        .map(|(to, text)| (to, text.trim_start_matches(BEFORE).to_owned()))
        .collect();
    let clicking: BTreeSet<String> = truth.keys().take(12).cloned().collect();
    let answering: BTreeSet<String> = truth.keys().skip(8).take(12).cloned().collect();
    clicking.iter().for_each(|number| follow(&stand, &links[number]));
    for number in &answering {
        stand.sim.inbound(number, OWN, "Merci");
    }
    stand.sim.inbound(&numbers[PEOPLE - 1], OWN, "STOP");
    stand.engine.kill();
    stand.engine.restart();
    let http = stand.tenant.http(&stand.engine);
    clicking.iter().for_each(|number| follow(&stand, &links[number]));
    let (clicked, replied) = (
        json!({ "field": "clicked_at", "from": "-1 days" }),
        json!({ "field": "replied_at", "from": "-1 days" }),
    );
    eventually("it is known who has followed a link", LIMIT, || {
        (meant(&http, &clicked) == clicking).then_some(())
    });
    eventually("it is known who has answered", LIMIT, || {
        (meant(&http, &replied) == answering).then_some(())
    });
    eventually("STOP is confirmed", LIMIT, || {
        let had = stand.sim.ledger();
        let mut texts = had.iter().filter_map(|row| row.text.as_deref());
        texts.any(|text| !text.starts_with(BEFORE)).then_some(())
    });
    let truth = agreed(&http, &stand);
    filters_agree(&http, (&truth, &clicking.union(&answering).cloned().collect()));
    is_shown_and_forgotten(
        &http,
        clicking.intersection(&answering).next().expect("somebody did both"),
    );
}

fn filters_agree(http: &Http, (truth, active): (&BTreeMap<String, u64>, &BTreeSet<String>)) {
    let of = |least: u64| -> BTreeSet<String> {
        let wanted = truth.iter().filter(|(_, count)| **count >= least);
        wanted.map(|(number, _)| number.clone()).collect()
    };
    for (filter, wanted) in [
        (json!({ "field": "delivered_count", "from": 2 }), of(2)),
        (json!({ "field": "last_delivered_at", "is": "today" }), of(1)),
        (json!({ "not": { "field": "last_delivered_at", "empty": true } }), of(1)),
        (
            json!({ "field": "last_delivered_at", "before": "-2 days" }),
            BTreeSet::new(),
        ),
        (json!({ "field": "score", "is": 3 }), active.clone()),
        (json!({ "field": "score", "is": 2 }), BTreeSet::new()),
        (
            json!({ "field": "score", "is": 1 }),
            of(1).difference(active).cloned().collect(),
        ),
        (
            json!({ "all": [{ "field": "clicked_at", "empty": true }, { "field": "replied_at", "empty": true }, { "field": "score", "from": 1 }] }),
            of(1).difference(active).cloned().collect(),
        ),
    ] {
        assert_eq!(meant(http, &filter), wanted, "{filter}");
    }
    let nothing = contacts(http, &json!({ "field": "delivered_count", "is": 0 }));
    let without = nothing.iter().filter(|contact| contact["number"].is_null()).count();
    assert_eq!((nothing.len(), without), (PEOPLE + 2 - truth.len(), 1));
}

fn is_shown_and_forgotten(http: &Http, number: &str) {
    let with_number = json!({ "field": "number", "is": number });
    let contact = contacts(http, &with_number).remove(0);
    let shown = http.get(&format!("/v1/contacts/{}", text(&contact["id"]))).expect(200);
    assert_eq!(shown, contact);
    let engagement = &shown["engagement"];
    assert!(engagement["delivered_count"].as_u64() >= Some(1), "{engagement}");
    for moment in ["last_delivered_at", "clicked_at", "replied_at"] {
        assert!(engagement[moment].is_string(), "{engagement}");
    }
    assert_eq!(engagement["score"], 3);
    let person = json!({ "number": number });
    let data = http.post("/v1/people/data", &person).expect(200);
    assert_eq!(&data["engagement"], engagement);
    assert_eq!(&data["contacts"][0]["contact"]["engagement"], engagement);
    http.post("/v1/people/erase", &person).expect(200);
    let data = http.post("/v1/people/data", &person).expect(200);
    let nothing =
        json!({ "delivered_count": 0, "last_delivered_at": null, "clicked_at": null, "replied_at": null, "score": 0 });
    assert_eq!(data["engagement"], nothing);
    // Who comes again is somebody of whom nothing is known.
    let again = json!({ "contacts": [{ "reference": "again", "number": number }] });
    http.post("/v1/contacts", &again).expect(200);
    assert_eq!(contacts(http, &with_number)[0]["engagement"], nothing);
}

#[test]
fn req_002_17_people_are_told_apart_by_what_they_do_whatever_dies() {
    for (seed, in_postgres) in [(1, false), (2, false), (3, true)] {
        are_told_apart(seed, in_postgres);
    }
}

#[test]
fn req_003_05_who_followed_a_link_is_a_segment_a_file_and_the_next_audience() {
    let (_, stand) = stand("engagement-next", false);
    let http = stand.tenant.http(&stand.engine);
    let given: Vec<Value> = recipients(10)
        .map(|number| json!({ "reference": number, "number": number }))
        .collect();
    http.post("/v1/contacts", &json!({ "contacts": given })).expect(200);
    let first = launched(&stand, &linked(10), 10);
    let rows = stand.sim.ledger();
    for row in &rows[..4] {
        follow(&stand, row.text.as_deref().expect("a text").trim_start_matches(BEFORE));
    }
    let filter = json!({ "field": "clicked_at", "empty": false });
    eventually("it is known who has followed a link", LIMIT, || {
        (meant(&http, &filter).len() == 4).then_some(())
    });
    let segment = http
        .post("/v1/segments", &json!({ "name": "Intéressés", "filter": filter }))
        .expect(200);
    let audience = json!({ "segments": [segment["id"]] });
    let next = CampaignOrder::to_audience(&audience).with("text", json!("Merci de votre visite."));
    launched(&stand, &next, 4);
    let known: BTreeSet<String> = rows[..4].iter().map(|row| row.recipient.clone()).collect();
    let had = stand.sim.ledger().into_iter();
    let had = had.filter(|row| row.text.as_deref() == Some("Merci de votre visite."));
    assert_eq!(had.map(|row| row.recipient).collect::<BTreeSet<_>>(), known);
    let file = http.ask("POST", "/v1/contacts/export", Some(&json!({ "filter": filter })));
    assert_eq!(file.text.lines().count(), 1 + 4, "{}", file.text);
    let report = http.get(&format!("/v1/campaigns/{first}/report?format=csv"));
    assert!(report.text.lines().count() > 7, "{}", report.text);
}

#[test]
fn req_002_17_what_is_no_count_and_no_moment_is_refused() {
    let (_, stand) = stand("engagement-refused", false);
    let http = stand.tenant.http(&stand.engine);
    for (filter, pointer) in [
        (json!({ "field": "delivered_count", "from": "1" }), "/filter/from"),
        (json!({ "field": "delivered_count", "from": -1 }), "/filter/from"),
        (json!({ "field": "delivered_count", "before": 1 }), "/filter/before"),
        (json!({ "field": "score", "is": 4 }), "/filter/is"),
        (json!({ "field": "score", "is": 1.5 }), "/filter/is"),
        (json!({ "field": "clicked_at", "is": 3 }), "/filter/is"),
        (json!({ "field": "replied", "is": "today" }), "/filter/field"),
    ] {
        http.post("/v1/contacts/search", &json!({ "filter": filter }))
            .expect_field_problem(&[400, 422], pointer);
    }
}
