//! What people write back is read, gathered into conversations, and answered: by rule, by a tenant's program, by somebody.

use std::collections::HashMap;
use std::time::Duration;

use campanile_tests::scenarios::Dice;
use campanile_tests::{
    Campaign, CampaignOrder, Http, Lab, Manner, Receiver, Stand, Tenant, eventually, programs, recipients, text,
};
use jiff::Timestamp;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const OWN: &str = "+33644630001";
const SHORT_CODE: &str = "36034";

const HOURS: &str = "De 9 h à 18 h.";

fn stand(name: &str) -> Stand {
    Stand::under(Lab::new(programs!(), name), "", Stand::with_webhooks)
}

fn digits(number: &str) -> &str {
    number.trim_start_matches('+')
}

fn rule(http: &Http, rule: &Value) -> Value {
    http.post("/v1/auto_replies", rule).expect(201)
}

fn hours(http: &Http) -> Value {
    let answer = json!({ "name": "Horaires", "match": "first_word", "keywords": ["HORAIRES"], "text": HOURS });
    rule(http, &answer)
}

/// What a person got from a number, once there are so many.
fn got(stand: &Stand, person: &str, number: &str, count: usize) -> Vec<String> {
    eventually(&format!("{person} has {count} messages"), LIMIT, || {
        let own = had(stand, person, number);
        (own.len() >= count).then_some(own)
    })
}

fn had(stand: &Stand, person: &str, number: &str) -> Vec<String> {
    let rows = stand
        .sim
        .ledger_by_recipient()
        .remove(digits(person))
        .unwrap_or_default();
    let from = rows.into_iter().filter(|row| row.source == digits(number));
    from.map(|row| row.text.expect("the simulator keeps texts")).collect()
}

/// The conversation with a person, once `so` is true of it.
fn conversation(http: &Http, person: &str, so: impl Fn(&Value) -> bool) -> Value {
    eventually("the conversation is like that", LIMIT, || {
        let page = http
            .get(&format!("/v1/conversations?with={}", digits(person)))
            .expect(200);
        page["data"].as_array()?.iter().find(|one| so(one)).cloned()
    })
}

fn said(http: &Http, conversation: &Value) -> Vec<Value> {
    let path = format!("/v1/conversations/{}/messages", text(&conversation["id"]));
    let mut said = http.get(&path).expect(200)["data"].as_array().expect("a list").clone();
    said.reverse();
    said
}

fn people(count: usize) -> Vec<String> {
    recipients(count).collect()
}

fn campaign(stand: &Stand, tenant: &Tenant, to: &[String], sender: &str) -> Campaign {
    let to: Vec<Value> = to.iter().map(|to| json!({ "to": to })).collect();
    let order = CampaignOrder::to_audience(&json!({ "recipients": to })).with("sender", json!(sender));
    let campaign = tenant.order(&stand.engine, &order);
    stand.wait_until_settled(&campaign, LIMIT);
    campaign
}

#[test]
fn req_003_17_rules_answer_by_keyword_and_by_number_within_a_moment() {
    let stand = stand("replies-rules");
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    stand.give_number(SHORT_CODE, &[&stand.tenant]);
    hours(&http);
    let of_number = json!({
        "name": "Code court", "match": "first_word", "keywords": ["horaires"], "number": SHORT_CODE, "text": "Jour et nuit.",
    });
    rule(&http, &of_number);
    let results = json!({ "name": "Résultats", "match": "pattern", "pattern": "r[ée]sultats?", "text": "Demain." });
    rule(&http, &results);
    let tried = http
        .post("/v1/auto_replies/try", &json!({ "text": "horiares ?" }))
        .expect(200);
    assert_eq!(
        (&tried["answered"], &tried["confidence"]),
        (&json!(true), &json!(85)),
        "{tried}"
    );
    let people = people(4);
    for (person, to, text) in [
        (&people[0], OWN, "Horaires svp"),
        (&people[1], SHORT_CODE, "HORAIRES"),
        (&people[2], "0644630001", "Bonjour, mes resultats ?"),
        (&people[3], OWN, "horiarez"),
    ] {
        stand.sim.inbound(person, to, text);
    }
    assert_eq!(got(&stand, &people[0], OWN, 1), [HOURS]);
    assert_eq!(got(&stand, &people[1], SHORT_CODE, 1), ["Jour et nuit."]);
    assert_eq!(got(&stand, &people[2], OWN, 1), ["Demain."]);
    // What is not sure goes to people, with what it may mean.
    let unsure = conversation(&http, &people[3], |one| one["attention"] == "unsure");
    let own = &said(&http, &unsure)[0];
    assert!(own["confidence"].as_u64().is_some_and(|sure| sure < 80), "{own}");
    assert!(had(&stand, &people[3], OWN).is_empty());
    let answered = conversation(&http, &people[0], |one| {
        one["unread"] == 1 && one["attention"].is_null()
    });
    let both = said(&http, &answered);
    assert_eq!(
        (&both[0]["made"], &both[1]["made"]),
        (&json!("rule"), &json!("rule")),
        "{both:?}"
    );
    assert_eq!(
        (&both[1]["text"], &both[1]["direction"]),
        (&json!(HOURS), &json!("out")),
        "{both:?}"
    );
    // It is somebody's message like any other: counted and billed.
    let sent = http
        .get(&format!("/v1/messages/{}", text(&both[1]["message"])))
        .expect(200);
    assert_eq!(sent["to"], people[0], "{sent}");
}

#[test]
fn what_is_no_rule_is_refused() {
    let stand = stand("replies-refused");
    let http = stand.tenant.http(&stand.engine);
    for (edit, pointer) in [
        (json!({ "match": "exact" }), "/match"),
        (json!({ "match": "pattern" }), "/match"),
        (json!({ "match": "sometimes" }), "/match"),
        (json!({ "match": "pattern", "pattern": "(" }), "/pattern"),
        (json!({ "match": "any", "keywords": ["OUI"] }), "/keywords"),
        (json!({ "match": "exact", "keywords": ["!"] }), "/keywords/0"),
        (json!({ "match": "exact", "keywords": ["OUI", "Arrêt"] }), "/keywords/1"),
        (
            json!({ "match": "exact", "keywords": ["OUI"], "number": "36034" }),
            "/number",
        ),
        (json!({ "match": "any", "opts_in": "J'accepte." }), "/opts_in"),
        // « Non, pas oui » fits as well.
        (
            json!({ "match": "pattern", "pattern": "oui", "opts_in": "J'accepte." }),
            "/opts_in",
        ),
        (json!({ "match": "any", "text": null }), "/match"),
        (
            json!({ "match": "any", "webhook": { "url": "http://10.0.0.1/" } }),
            "/webhook/url",
        ),
        (json!({ "match": "any", "delay": 86_401 }), "/delay"),
        (json!({ "match": "any", "text": "a".repeat(2_000) }), "/text"),
    ] {
        let mut rule = json!({ "name": "Règle", "text": "Bonjour." });
        rule.as_object_mut()
            .expect("an object")
            .extend(edit.as_object().expect("an object").clone());
        http.post("/v1/auto_replies", &rule)
            .expect_field_problem(&[400, 422], pointer);
    }
    for (change, pointer) in [
        (
            json!({ "opening_hours": [{ "days": [8], "from": "08:00", "to": "12:00" }] }),
            "/opening_hours/0/days/0",
        ),
        (
            json!({ "opening_hours": [{ "days": [1], "from": "12:00", "to": "08:00" }] }),
            "/opening_hours/0/to",
        ),
        (json!({ "zone": "Europe/Paris" }), "/zone"),
        (json!({ "per_hour": 256 }), "/per_hour"),
    ] {
        http.patch("/v1/reply_settings", &change)
            .expect_field_problem(&[400, 422], pointer);
    }
}

#[test]
fn req_001_21_a_stop_is_confirmed_once_and_req_003_07_a_word_opts_in_again() {
    let stand = stand("replies-stop");
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    let wording = "J'accepte de recevoir les nouvelles du cabinet par SMS.";
    let yes = json!({ "name": "Oui", "match": "exact", "keywords": ["OUI"], "text": "Merci !", "opts_in": wording });
    rule(&http, &yes);
    let settings = http.get("/v1/reply_settings").expect(200);
    let confirmation = text(&settings["stop_confirmation"]);
    let person = &people(1)[0];
    let advertise = || {
        let audience = json!({ "recipients": [{ "to": person }] });
        let order = CampaignOrder::to_audience(&audience).with("purpose", json!("marketing"));
        let campaign = stand.tenant.order(&stand.engine, &order);
        campaign.wait(&stand.engine, "it has ended", LIMIT, |view| {
            view.progress.queued == 0 && view.state == "completed"
        })
    };
    stand.sim.inbound(person, OWN, "STOP");
    assert_eq!(got(&stand, person, OWN, 1)[0], confirmation);
    stand.sim.inbound(person, OWN, "STOP j'ai dit");
    conversation(&http, person, |one| one["unread"] == 2);
    assert_eq!(advertise().status("delivered"), 0);
    stand.sim.inbound(person, OWN, "Oui !");
    assert_eq!(
        got(&stand, person, OWN, 2),
        [confirmation.clone(), "Merci !".to_owned()]
    );
    assert_eq!(advertise().status("delivered"), 1);
    let contacts = http.post("/v1/contacts/search", &json!({})).expect(200);
    let contact = text(&contacts["data"][0]["id"]);
    let consents = http.get(&format!("/v1/contacts/{contact}/consents")).expect(200);
    let consent = &consents["data"][0];
    assert_eq!(consent["wording"], wording, "{consent}");
    assert!(text(&consent["source"]).starts_with("sms inb_"), "{consent}");
    // And out again, which is confirmed again.
    stand.sim.inbound(person, OWN, "stop");
    assert_eq!(got(&stand, person, OWN, 3)[2], confirmation);
    assert_eq!(advertise().status("delivered"), 0);
    stand.sim.inbound(person, OWN, "Contact");
    assert_eq!(got(&stand, person, OWN, 4)[3], "Cabinet Martin");
}

#[test]
fn req_004_34_req_003_08_outside_opening_hours_it_is_said_when_somebody_answers_once() {
    let stand = stand("replies-closed");
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    let closed = "Nous vous répondrons pendant nos heures d'ouverture.";
    rule(
        &http,
        &json!({ "name": "Fermé", "match": "any", "when": "closed", "text": closed }),
    );
    hours(&http);
    let today = Timestamp::now().in_tz("Europe/Paris").expect("a zone").weekday();
    // Three days from now: not today, and not tomorrow, which it may be in a moment.
    let other = today.wrapping_add(3).to_monday_one_offset();
    let opening = json!({ "opening_hours": [{ "days": [other], "from": "08:00", "to": "20:00" }] });
    http.patch("/v1/reply_settings", &opening).expect(200);
    let person = &people(1)[0];
    stand.sim.inbound(person, OWN, "Bonjour, j'ai mal au dos");
    assert_eq!(got(&stand, person, OWN, 1), [closed]);
    stand.sim.inbound(person, OWN, "Il y a quelqu'un ?");
    stand.sim.inbound(person, OWN, "Horaires");
    assert_eq!(got(&stand, person, OWN, 2), [closed, HOURS]);
    let waiting = conversation(&http, person, |one| one["unread"] == 3);
    assert_eq!(waiting["attention"], "unanswered", "{waiting}");
    // Somebody answers; then nobody waits any more.
    let path = format!("/v1/conversations/{}", text(&waiting["id"]));
    let once = http.once("answer-1");
    let answer = json!({ "text": "Venez demain à 9 h." });
    let sent = once.post(&format!("{path}/messages"), &answer).expect(202);
    let again = once.post(&format!("{path}/messages"), &answer).expect(202);
    assert_eq!(sent["id"], again["id"]);
    assert_eq!(got(&stand, person, OWN, 3)[2], "Venez demain à 9 h.");
    let closed = http
        .patch(&path, &json!({ "state": "closed", "assignee": "Accueil" }))
        .expect(200);
    assert_eq!(
        (&closed["unread"], &closed["attention"]),
        (&json!(0), &Value::Null),
        "{closed}"
    );
    stand.sim.inbound(person, OWN, "Merci");
    let open = conversation(&http, person, |one| one["unread"] == 1);
    assert_eq!(
        (&open["state"], &open["assignee"]),
        (&json!("open"), &json!("Accueil")),
        "{open}"
    );
    assert_eq!(had(&stand, person, OWN).len(), 3);
}

#[test]
fn req_004_04_req_004_33_questions_are_answered_in_the_night_to_a_sunday_as_well() {
    let lab = Lab::new(programs!(), "replies-sunday");
    lab.live_at("2026-11-29T01:30:00Z");
    let stand = Stand::under(lab, "", |redis, sim| {
        let mut settings = Stand::with_webhooks(redis, sim);
        settings.rules = Some(vec!["fr-seed".to_owned()]);
        settings
    });
    stand.give_number(OWN, &[&stand.tenant]);
    hours(&stand.tenant.http(&stand.engine));
    let person = &people(1)[0];
    stand.sim.inbound(person, OWN, "Vos horaires ?");
    stand.sim.inbound(person, OWN, "Horaires svp");
    assert_eq!(got(&stand, person, OWN, 1), [HOURS], "no hours of advertising hold it");
    // Nobody waits for it longer than that, and no SMSC is to try for longer.
    let ledger = stand.sim.http().get("/ledger").and_then(lab::Answer::json_lines);
    let sent: Vec<Value> = ledger.expect("the ledger can be read");
    let period = text(&sent[0]["validity_period"]);
    assert!(period.starts_with("00000000595"), "almost an hour: {sent:?}");
}

#[test]
fn req_003_18_who_has_no_credits_holds_nobody_elses_answers_up() {
    const WAITING: usize = 520;
    let stand = stand("replies-short");
    let other = stand.engine.tenant("short", 0);
    stand.give_number(OWN, &[&stand.tenant]);
    stand.give_number(SHORT_CODE, &[&other]);
    let others = other.http(&stand.engine);
    hours(&stand.tenant.http(&stand.engine));
    hours(&others);
    let people = people(WAITING + 1);
    for person in &people[..WAITING] {
        stand.sim.inbound(person, SHORT_CODE, "Horaires");
    }
    eventually("all of them wait for their answers", LIMIT, || {
        let heard = others.get("/v1/reply_statistics?by=number").expect(200);
        (heard["total"]["messages"] == WAITING).then_some(())
    });
    stand.sim.inbound(&people[WAITING], OWN, "Horaires");
    assert_eq!(got(&stand, &people[WAITING], OWN, 1), [HOURS]);
    assert_eq!(stand.sim.ledger().len(), 1, "and nobody else's");
    // With credits they have theirs, though they have waited.
    let granted = json!({ "amount": WAITING, "reference": "facture 1" });
    let path = format!("/v1/tenants/{}/credits", other.id);
    stand.engine.operator().post(&path, &granted).expect(201);
    stand.sim.wait_for("submits", WAITING as u64 + 1, LIMIT);
}

#[test]
fn req_003_18_of_a_thousand_who_write_within_a_second_each_is_answered_once() {
    const REPLIES: usize = 1_000;
    let stand = stand("replies-burst");
    stand.give_number(OWN, &[&stand.tenant]);
    hours(&stand.tenant.http(&stand.engine));
    stand.sim.switch(&format!(
        "name = \"burst\"\n[[inbound]]\nat = \"0s\"\nfrom = \"33600000000\"\nsenders = {REPLIES}\nto = \"{}\"\n\
         text = \"HORAIRES\"\nrepeat = {REPLIES}\nrate = \"{REPLIES}/s\"\n",
        digits(OWN)
    ));
    stand.sim.wait_for("submits", REPLIES as u64, LIMIT);
    eventually("all of it is paid for", LIMIT, || {
        let credits = stand.engine.credits(&stand.tenant);
        (credits.held == 0 && credits.spent == REPLIES as u64).then_some(())
    });
    let ledger = stand.sim.ledger_by_recipient();
    assert!(
        ledger.len() == REPLIES && ledger.values().all(|rows| rows.len() == 1),
        "each once"
    );
}

#[test]
fn req_004_22_one_tenants_slow_program_holds_nobody_elses_up() {
    const ASKED: usize = 70;
    let stand = stand("replies-slow-program");
    let other = stand.engine.tenant("quick", 1_000);
    stand.give_number(OWN, &[&stand.tenant]);
    stand.give_number(SHORT_CODE, &[&other]);
    let (slow, quick) = (Receiver::start(), Receiver::start());
    slow.be(Manner::Hangs);
    quick.be(Manner::Says(json!({ "text": "Tout de suite." }).to_string()));
    for (tenant, program) in [(&stand.tenant, &slow), (&other, &quick)] {
        let asks = json!({
            "name": "Résultats", "match": "first_word", "keywords": ["RESULTATS"], "text": "Plus tard.",
            "webhook": { "url": program.url(), "timeout_ms": 10_000 },
        });
        rule(&tenant.http(&stand.engine), &asks);
    }
    let people = people(ASKED + 1);
    for person in &people[..ASKED] {
        stand.sim.inbound(person, OWN, "Résultats");
    }
    eventually("the slow one is asked", LIMIT, || {
        (slow.posted().len() >= 16).then_some(())
    });
    stand.sim.inbound(&people[ASKED], SHORT_CODE, "Résultats");
    assert_eq!(got(&stand, &people[ASKED], SHORT_CODE, 1), ["Tout de suite."]);
    assert_eq!(
        stand.sim.ledger()[0].source,
        SHORT_CODE,
        "before any of those who wait for the slow one"
    );
}

#[test]
fn req_004_22_a_tenants_program_says_what_is_answered_and_its_own_text_stands_for_it() {
    let stand = stand("replies-program");
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    let program = Receiver::start();
    program.be(Manner::Says(json!({ "text": "Vos résultats sont là." }).to_string()));
    let asks = json!({
        "name": "Résultats", "match": "first_word", "keywords": ["RESULTATS"], "text": "Appelez-nous.",
        "webhook": { "url": program.url(), "timeout_ms": 500 },
    });
    let made = rule(&http, &asks);
    assert!(text(&made["secret"]).starts_with("whsec_"), "{made}");
    let shown = http.get(&format!("/v1/auto_replies/{}", text(&made["id"]))).expect(200);
    assert!(shown.get("secret").is_none(), "{shown}");
    let people = people(4);
    stand.sim.inbound(&people[0], OWN, "Résultats ?");
    assert_eq!(got(&stand, &people[0], OWN, 1), ["Vos résultats sont là."]);
    let posted = &program.posted()[0];
    let asked = posted.body();
    assert_eq!(asked["type"], "reply.asked");
    assert_eq!(
        (&asked["data"]["from"], &asked["data"]["text"]),
        (&json!(people[0]), &json!("Résultats ?")),
        "{asked}"
    );
    assert!(posted.header("webhook-signature").starts_with("v1,"));
    for (person, manner) in [
        (&people[1], Manner::Hangs),
        (&people[2], Manner::Answers(500, String::new())),
    ] {
        program.be(manner);
        stand.sim.inbound(person, OWN, "resultats");
        assert_eq!(got(&stand, person, OWN, 1), ["Appelez-nous."]);
    }
    program.be(Manner::Takes);
    stand.sim.inbound(&people[3], OWN, "resultats");
    let quiet = conversation(&http, &people[3], |one| one["unread"] == 1);
    let said = eventually("nothing is to be said", LIMIT, || {
        let own = said(&http, &quiet).into_iter().find(|one| one["direction"] == "out")?;
        (own["state"] == "failed").then_some(own)
    });
    assert_eq!(said["reason"], "nothing_to_say", "{said}");
    assert!(had(&stand, &people[3], OWN).is_empty());
}

#[test]
fn two_machines_that_answer_each_other_come_to_an_end_and_it_is_said() {
    let stand = stand("replies-loop");
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    let told = Receiver::start();
    let endpoint = json!({ "url": told.url(), "events": ["conversation.waiting"] });
    http.post("/v1/webhooks", &endpoint).expect(201);
    rule(
        &http,
        &json!({ "name": "Absence", "match": "first_word", "keywords": ["ABSENT"], "text": "Bien reçu." }),
    );
    let people = people(2);
    // An echo is never answered; an out-of-office is, five times.
    stand.sim.inbound(&people[1], OWN, "absent ce jour");
    got(&stand, &people[1], OWN, 1);
    stand.sim.inbound(&people[1], OWN, "Bien recu");
    for round in 1..=8 {
        stand
            .sim
            .inbound(&people[0], OWN, &format!("Absent jusqu'au {round} décembre"));
        conversation(&http, &people[0], |one| one["unread"] == round);
    }
    let quiet = conversation(&http, &people[0], |one| one["attention"] == "quiet");
    assert!(quiet["quiet_until"].is_string(), "{quiet}");
    got(&stand, &people[0], OWN, 5);
    let reasons = eventually("endpoints are told", LIMIT, || {
        let events: Vec<Value> = told.taken().iter().flat_map(|posted| posted.events()).collect();
        (events.len() >= 3).then_some(events)
    });
    assert!(
        reasons.iter().all(|event| event["data"]["reason"] == "quiet"),
        "{reasons:?}"
    );
    let echoed = conversation(&http, &people[1], |one| one["unread"] == 2);
    assert_eq!(said(&http, &echoed).last().expect("it came")["made"], "echo");
    assert_eq!(
        (had(&stand, &people[0], OWN).len(), had(&stand, &people[1], OWN).len()),
        (5, 1)
    );
}

#[test]
fn req_003_10_one_number_for_several_tenants_and_req_003_09_several_for_one() {
    let stand = stand("replies-shared");
    let lilas = stand.engine.tenant("Cabinet des Lilas", 1_000);
    let (own, other) = (stand.tenant.http(&stand.engine), lilas.http(&stand.engine));
    stand.give_number(OWN, &[&stand.tenant]);
    stand.give_number(SHORT_CODE, &[&stand.tenant, &lilas]);
    let listed = own.get("/v1/numbers").expect(200);
    let shared: HashMap<String, bool> = listed["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|number| (text(&number["number"]), number["shared"] == true))
        .collect();
    assert_eq!(
        shared,
        HashMap::from([(OWN.to_owned(), false), (SHORT_CODE.to_owned(), true)])
    );
    let keyword =
        |word: &str, says: &str| json!({ "name": word, "match": "first_word", "keywords": [word], "text": says });
    rule(&own, &keyword("OSTEO", "Ostéo."));
    rule(&other, &keyword("LILAS", "Lilas."));
    rule(&own, &keyword("RDV", "Ostéo RDV."));
    rule(&other, &keyword("RDV", "Lilas RDV."));
    let people = people(4);
    campaign(&stand, &lilas, &people[..2], SHORT_CODE);
    for (person, says) in [
        // A keyword stands before whoever wrote last.
        (&people[0], "Osteo svp"),
        // One that both have says nothing: whoever wrote last is answered.
        (&people[1], "rdv"),
        (&people[2], "LILAS"),
        // Nobody knows whom.
        (&people[3], "rdv"),
    ] {
        stand.sim.inbound(person, SHORT_CODE, says);
    }
    let answers = |person: &str| {
        let mut answers = got(&stand, person, SHORT_CODE, 1);
        answers.retain(|answer| answer.starts_with("Ost") || answer.starts_with("Lilas"));
        (!answers.is_empty()).then_some(answers)
    };
    let answered = |person: &str| eventually("it is answered", LIMIT, || answers(person));
    assert_eq!(answered(&people[0]), ["Ostéo."]);
    assert_eq!(answered(&people[1]), ["Lilas RDV."]);
    assert_eq!(answered(&people[2]), ["Lilas."]);
    let admin = stand.engine.admin();
    let unmatched = eventually("operators see it", LIMIT, || {
        let page = admin.get("/v1/inbound").expect(200);
        page["data"].as_array()?.first().cloned()
    });
    assert_eq!(unmatched["text"], "rdv");
    // And give it to whom it is for, where it is read as if it had come there.
    let path = format!("/v1/inbound/{}/assign", text(&unmatched["id"]));
    admin
        .post(&path, &json!({ "tenant": "ten_7777777777777" }))
        .expect_field_problem(&[422], "/tenant");
    admin.post(&path, &json!({ "tenant": lilas.id })).expect(200);
    admin.post(&path, &json!({ "tenant": lilas.id })).expect_problem(&[404]);
    assert_eq!(answered(&people[3]), ["Lilas RDV."]);
}

#[test]
fn req_003_10_who_has_asked_is_answered_before_whoever_wrote_last() {
    let stand = stand("replies-asked");
    let lilas = stand.engine.tenant("Cabinet des Lilas", 1_000);
    let (own, other) = (stand.tenant.http(&stand.engine), lilas.http(&stand.engine));
    stand.give_number(SHORT_CODE, &[&stand.tenant, &lilas]);
    let plan =
        json!({ "name": "Rappel", "offsets": ["-7d"], "sender": SHORT_CODE, "text": "RDV le [date]. 1 oui, 2 non" });
    own.post("/v1/reminder_plans", &plan).expect(201);
    let person = &people(1)[0];
    let in_two_days = (Timestamp::now() + jiff::SignedDuration::from_hours(48)).to_string();
    let event = json!({ "reference": "RDV-1", "number": person, "starts_at": in_two_days });
    own.post("/v1/events", &json!({ "events": [event] })).expect(200);
    got(&stand, person, SHORT_CODE, 1);
    let news = CampaignOrder::to_audience(&json!({ "numbers": person })).with("sender", json!(SHORT_CODE));
    let news = lilas.order(&stand.engine, &news);
    news.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 1
    });
    // What answers nothing is for whoever wrote last.
    stand.sim.inbound(person, SHORT_CODE, "Bonjour, une question");
    conversation(&other, person, |_| true);
    stand.sim.inbound(person, SHORT_CODE, "1");
    let answered = conversation(&own, person, |one| one["unread"] == 1);
    let first = &said(&own, &answered)[0];
    assert_eq!((&first["made"], &first["text"]), (&json!("appointment"), &json!("1")));
    let asked = conversation(&other, person, |_| true);
    assert_eq!(said(&other, &asked).len(), 1, "and nothing else: {asked}");
}

#[test]
fn req_003_06_a_number_is_asked_for_and_given() {
    let stand = stand("replies-numbers");
    let http = stand.tenant.http(&stand.engine);
    let operator = stand.engine.operator();
    let asked = json!({ "kind": "long_number", "country": "FR", "note": "Pour les rappels" });
    let asked = http.post("/v1/number_requests", &asked).expect(201);
    assert_eq!(
        (&asked["state"], &asked["two_way"]),
        (&json!("open"), &json!(true)),
        "{asked}"
    );
    let kept = operator.post(
        "/v1/inventory",
        &json!({ "number": OWN, "country": "FR", "monthly_price": 500 }),
    );
    let kept = kept.expect(201);
    let path = format!("/v1/tenants/{}/number_requests", stand.tenant.id);
    let listed = operator.get(&path).expect(200);
    assert_eq!(listed["data"][0]["note"], "Pour les rappels");
    let answer = format!("{path}/{}/answer", text(&asked["id"]));
    let unknown = json!({ "number": "num_7777777777777" });
    operator.post(&answer, &unknown).expect_field_problem(&[422], "/number");
    let given = json!({ "number": kept["id"], "answer": "Bienvenue" });
    let given = operator.post(&answer, &given).expect(200);
    assert_eq!(
        (&given["state"], &given["number"]),
        (&json!("granted"), &json!(OWN)),
        "{given}"
    );
    operator.post(&answer, &json!({})).expect_problem(&[409]);
    assert_eq!(http.get("/v1/numbers").expect(200)["data"][0]["number"], OWN);
    hours(&http);
    let people = people(2);
    stand.sim.inbound(&people[0], OWN, "horaires");
    assert_eq!(got(&stand, &people[0], OWN, 1), [HOURS]);
    // Forgotten, it is nobody's, but for those who were written to from it.
    operator
        .delete(&format!("/v1/inventory/{}", text(&kept["id"])))
        .expect(204);
    stand.sim.inbound(&people[0], OWN, "Horaires encore");
    stand.sim.inbound(&people[1], OWN, "horaires");
    eventually("operators see it", LIMIT, || {
        let page = stand.engine.admin().get("/v1/inbound").expect(200);
        (page["data"][0]["text"] == "horaires").then_some(())
    });
    let unanswered = conversation(&http, &people[0], |one| one["attention"] == "not_ours");
    assert_eq!(unanswered["unread"], 2, "{unanswered}");
}

#[test]
fn req_003_16_a_report_says_how_many_have_answered_and_how_fast() {
    are_counted(&stand("replies-report"));
}

#[test]
fn postgresql_keeps_conversations_and_answers_to_appointments_as_well() {
    for (name, test) in [("counted", are_counted as fn(&Stand)), ("reminded", are_reminded)] {
        let lab = Lab::new(programs!(), &format!("replies-postgresql-{name}"));
        let server = lab.postgres();
        let stand = Stand::under(lab, "", |redis, sim| {
            let mut settings = Stand::with_webhooks(redis, sim);
            let url = server.url();
            settings.tables.push(format!("[database]\nurl = \"{url}\""));
            settings
        });
        test(&stand);
    }
}

/// Who has answered a campaign.
fn are_counted(stand: &Stand) {
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    let people = people(9);
    let rule = json!({ "name": "Oui", "match": "first_word", "keywords": ["OUI"], "text": "Bien noté.", "opts_in": "J'accepte les nouvelles." });
    let rule = text(&http.post("/v1/auto_replies", &rule).expect(201)["id"]);
    let campaign = campaign(stand, &stand.tenant, &people[..8], OWN);
    for (person, says) in [
        (&people[0], "Merci"),
        (&people[0], "A demain"),
        (&people[1], "Oui, merci"),
        (&people[2], "STOP"),
        // Nobody has asked that one.
        (&people[8], "oui"),
    ] {
        stand.sim.inbound(person, OWN, says);
    }
    let report = eventually(
        "the answers are counted, and history knows when they were asked for",
        LIMIT,
        || {
            let report = http.get(&format!("/v1/campaigns/{}/report", campaign.id)).expect(200);
            let replies = report["replies"].clone();
            (replies["messages"] == 4 && replies["median_seconds"].is_u64()).then_some(replies)
        },
    );
    assert_eq!(
        (&report["people"], &report["opted_out"], &report["opted_in"]),
        (&json!(3), &json!(1), &json!(1)),
        "{report}"
    );
    assert_eq!(report["rate"], 37.5, "{report}");
    assert!(
        report["median_seconds"].as_u64().is_some_and(|seconds| seconds < 60),
        "{report}"
    );
    let converted = json!([{ "id": rule, "name": "Oui", "messages": 1, "people": 1, "rate": 12.5 }]);
    assert_eq!(report["auto_replies"], converted, "{report}");
    are_put_together(&http, &campaign.id, &rule);
}

/// What people wrote, by what it has in common, once history has what was delivered: each row's group with what `shown` has of it.
fn put_together<T>(http: &Http, by: &str, shown: impl Fn(&Value) -> T) -> (Value, Vec<T>) {
    let found = eventually("history has what was delivered", LIMIT, || {
        let found = http.get(&format!("/v1/reply_statistics?by={by}")).expect(200);
        (found["total"]["delivered"] == 8 && found["total"]["messages"] == 5).then_some(found)
    });
    let rows = found["data"].as_array().expect("rows").iter().map(shown).collect();
    (found["total"].clone(), rows)
}

const REPLY_FIGURES: [&str; 7] = [
    "messages",
    "people",
    "answered",
    "opted_out",
    "opted_in",
    "delivered",
    "rate",
];

/// The same by what it has in common.
fn are_put_together(http: &Http, campaign: &str, rule: &str) {
    let figures = |row: &Value| json!(REPLY_FIGURES.map(|name| row[name].clone()));
    let (total, rows) = put_together(http, "number", |row| {
        assert!(row["median_seconds"].is_u64(), "{row}");
        json!([row["group"], figures(row)])
    });
    let all = json!([5, 4, 3, 1, 2, 8, 37.5]);
    assert_eq!(figures(&total), all);
    assert_eq!(rows, [json!([{ "number": OWN }, all])]);
    let names = ["group", "auto_reply_name"];
    let (_, rows) = put_together(http, "campaign,auto_reply", |row| {
        assert_eq!(row["campaign_name"].is_null(), row["group"]["campaign"].is_null());
        json!([names.map(|name| row[name].clone()), figures(row)])
    });
    let expected = [
        json!([[{ "campaign": campaign, "auto_reply": rule }, "Oui"], [1, 1, 1, 0, 1, 8, 12.5]]),
        json!([[{ "campaign": campaign, "auto_reply": null }, null], [3, 2, 2, 1, 0, 8, 25.0]]),
        json!([[{ "campaign": null, "auto_reply": rule }, "Oui"], [1, 1, 0, 0, 1, null, null]]),
    ];
    assert_eq!(rows, expected);
    let table = http
        .in_language("fr")
        .get("/v1/reply_statistics?by=auto_reply&format=csv");
    for part in [
        "réponse automatique;nom de la réponse;messages;personnes",
        &format!("{rule};Oui;2;2;1;0;2;8;12,5;"),
    ] {
        assert!(table.text.contains(part), "{}", table.text);
    }
    let (_, rows) = put_together(http, "keyword", |row| json!([row["group"]["keyword"], row["messages"]]));
    assert_eq!(rows, [json!(["OUI", 2]), json!([null, 3])]);
    for wrong in ["by=weather", "by=number,campaign,auto_reply"] {
        http.get(&format!("/v1/reply_statistics?{wrong}"))
            .expect_field_problem(&[422], "?by");
    }
}

#[test]
fn req_004_13_who_is_reminded_confirms_cancels_or_wants_another_time() {
    are_reminded(&stand("replies-appointments"));
}

/// Who is reminded and answers.
fn are_reminded(stand: &Stand) {
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    let told = Receiver::start();
    let endpoint = json!({ "url": told.url(), "events": ["appointment.reply"] });
    http.post("/v1/webhooks", &endpoint).expect(201);
    let plan = json!({ "name": "La veille", "offsets": ["-24h"], "sender": OWN, "text": "RDV à [heure]. 1 oui, 2 non, 3 autre date" });
    http.post("/v1/reminder_plans", &plan).expect(201);
    let people = people(5);
    let starts_at = (Timestamp::now() + jiff::SignedDuration::from_hours(5)).to_string();
    let events: Vec<Value> = people[..4]
        .iter()
        .map(|person| json!({ "reference": person, "number": person, "kind": "Consultation", "starts_at": starts_at }))
        .collect();
    let made = http.post("/v1/events", &json!({ "events": events })).expect(200);
    for person in &people[..4] {
        got(stand, person, OWN, 1);
    }
    for (person, says) in [
        (&people[0], "Oui, merci"),
        // A bare "ANNULER" would opt out of whom nobody has asked.
        (&people[1], "Annuler"),
        (&people[2], "Peut-on décaler ?"),
        (&people[3], "peut-être"),
        (&people[4], "ANNULER"),
    ] {
        stand.sim.inbound(person, OWN, says);
    }
    assert_eq!(
        got(stand, &people[0], OWN, 2)[1],
        "Merci, votre rendez-vous est confirmé."
    );
    assert_eq!(got(stand, &people[1], OWN, 2)[1], "Votre rendez-vous est annulé.");
    assert!(got(stand, &people[2], OWN, 2)[1].starts_with("C'est noté"));
    let event = |at: usize| {
        http.get(&format!("/v1/events/{}", text(&made["data"][at]["id"])))
            .expect(200)
    };
    for (at, state, answer) in [
        (0, "booked", "confirm"),
        (1, "cancelled", "cancel"),
        (2, "booked", "move"),
    ] {
        let event = event(at);
        assert_eq!(
            (&event["state"], &event["answer"]["answer"]),
            (&json!(state), &json!(answer)),
            "{event}"
        );
    }
    let unsure = conversation(&http, &people[3], |one| one["attention"] == "unanswered");
    assert_eq!(said(&http, &unsure).last().expect("it came")["made"], "unanswered");
    assert!(event(3)["answer"].is_null());
    let opted_out = conversation(&http, &people[4], |one| one["unread"] == 1);
    assert_eq!(said(&http, &opted_out)[0]["made"], "opt_out");
    let answers = eventually("the clinic's software is told", LIMIT, || {
        let events: Vec<Value> = told.taken().iter().flat_map(|posted| posted.events()).collect();
        (events.len() >= 3).then_some(events)
    });
    let mut answers: Vec<(String, String)> = answers
        .iter()
        .map(|event| {
            (
                text(&event["data"]["appointments"][0]["reference"]),
                text(&event["data"]["answer"]),
            )
        })
        .collect();
    answers.sort();
    let expected = ["confirm", "cancel", "move"].map(str::to_owned);
    assert_eq!(answers, people.iter().cloned().zip(expected).collect::<Vec<_>>());
}

/// A clinic that reminds a week before, and a way to book somebody there who is told at once; each booking is one more text.
fn reminding(name: &str) -> (Stand, Http) {
    let stand = stand(name);
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    remind(&http, OWN);
    (stand, http)
}

fn remind(http: &Http, sender: &str) {
    let text = "RDV à [heure]. 1 oui, 2 non";
    let plan = json!({ "name": "La semaine avant", "offsets": ["-7d"], "sender": sender, "text": text });
    http.post("/v1/reminder_plans", &plan).expect(201);
}

fn in_hours(hours: i64) -> String {
    (Timestamp::now() + jiff::SignedDuration::from_hours(hours)).to_string()
}

fn book(http: &Http, (reference, person): (&str, &str), starts_at: &str) -> String {
    let event = json!({ "reference": reference, "number": person, "kind": "Consultation", "starts_at": starts_at, "state": "booked" });
    let made = http.post("/v1/events", &json!({ "events": [event] })).expect(200);
    text(&made["data"][0]["id"])
}

fn state(http: &Http, event: &str) -> String {
    text(&http.get(&format!("/v1/events/{event}")).expect(200)["state"])
}

#[test]
fn req_004_13_of_two_reminders_of_a_moment_none_is_cancelled_by_guess() {
    let (stand, http) = reminding("replies-two");
    let person = &people(1)[0];
    let (one, other) = (
        book(&http, ("one", person), &in_hours(30)),
        book(&http, ("other", person), &in_hours(80)),
    );
    got(&stand, person, OWN, 2);
    stand.sim.inbound(person, OWN, "2");
    let unsure = conversation(&http, person, |one| one["attention"] == "unsure");
    assert_eq!(said(&http, &unsure).last().expect("it came")["made"], "unsure");
    assert_eq!(
        (state(&http, &one), state(&http, &other)),
        ("booked".to_owned(), "booked".to_owned())
    );
}

#[test]
fn req_004_13_the_same_word_answers_the_next_reminder_and_the_same_diary_undoes_no_answer() {
    let (stand, http) = reminding("replies-same-word");
    let person = &people(1)[0];
    let starts_at = in_hours(30);
    let first = book(&http, ("first", person), &starts_at);
    got(&stand, person, OWN, 1);
    stand.sim.inbound(person, OWN, "2");
    assert_eq!(got(&stand, person, OWN, 2)[1], "Votre rendez-vous est annulé.");
    assert_eq!(state(&http, &first), "cancelled");
    // The practice hands in what it has, every night.
    book(&http, ("first", person), &starts_at);
    assert_eq!(state(&http, &first), "cancelled");
    let second = book(&http, ("second", person), &in_hours(80));
    got(&stand, person, OWN, 3);
    stand.sim.inbound(person, OWN, "2");
    assert_eq!(got(&stand, person, OWN, 4)[3], "Votre rendez-vous est annulé.");
    assert_eq!(state(&http, &second), "cancelled");
    // Another date was found.
    book(&http, ("first", person), &in_hours(100));
    assert_eq!(state(&http, &first), "booked");
}

#[test]
fn req_004_14_a_number_that_was_put_right_is_told_and_the_wrong_one_is_asked_nothing_more() {
    let (stand, http) = reminding("replies-wrong-number");
    let people = people(2);
    let starts_at = in_hours(30);
    let event = book(&http, ("first", &people[0]), &starts_at);
    got(&stand, &people[0], OWN, 1);
    book(&http, ("first", &people[1]), &starts_at);
    got(&stand, &people[1], OWN, 1);
    stand.sim.inbound(&people[0], OWN, "2");
    conversation(&http, &people[0], |one| one["attention"] == "unanswered");
    assert_eq!(state(&http, &event), "booked");
    stand.sim.inbound(&people[1], OWN, "2");
    assert_eq!(got(&stand, &people[1], OWN, 2)[1], "Votre rendez-vous est annulé.");
    assert_eq!(state(&http, &event), "cancelled");
}

#[test]
fn req_004_13_a_consent_is_kept_of_nobody_who_answers_a_reminder_and_req_003_10_annuler_answers_on_a_shared_number() {
    let (stand, http) = reminding("replies-consent");
    let lilas = stand.engine.tenant("Cabinet des Lilas", 1_000);
    stand.give_number(SHORT_CODE, &[&stand.tenant, &lilas]);
    remind(&lilas.http(&stand.engine), SHORT_CODE);
    let yes = json!({ "name": "Oui", "match": "exact", "keywords": ["OUI"], "text": "Inscrit.", "opts_in": "J'accepte les nouvelles." });
    rule(&http, &yes);
    let people = people(3);
    let event = book(&http, ("first", &people[0]), &in_hours(30));
    got(&stand, &people[0], OWN, 1);
    stand.sim.inbound(&people[0], OWN, "Oui");
    assert_eq!(
        got(&stand, &people[0], OWN, 2)[1],
        "Merci, votre rendez-vous est confirmé."
    );
    let shown = http.get(&format!("/v1/events/{event}")).expect(200);
    assert_eq!(shown["answer"]["answer"], "confirm", "{shown}");
    // Of whom nothing else was asked, it is a consent.
    stand.sim.inbound(&people[1], OWN, "Oui");
    assert_eq!(got(&stand, &people[1], OWN, 1)[0], "Inscrit.");
    let other = lilas.http(&stand.engine);
    let shared = book(&other, ("lilas", &people[2]), &in_hours(30));
    got(&stand, &people[2], SHORT_CODE, 1);
    stand.sim.inbound(&people[2], SHORT_CODE, "ANNULER");
    eventually("it is cancelled", LIMIT, || {
        (state(&other, &shared) == "cancelled").then_some(())
    });
}

#[test]
fn req_001_21_a_stop_counts_again_after_a_word_that_opts_in_and_from_a_number_in_national_form() {
    let stand = stand("replies-stop-again");
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    let yes = json!({ "name": "Inscrire", "match": "exact", "keywords": ["INSCRIRE"], "text": "Inscrit.", "opts_in": "J'accepte les nouvelles." });
    rule(&http, &yes);
    let settings = http.get("/v1/reply_settings").expect(200);
    let confirmation = text(&settings["stop_confirmation"]);
    let people = people(2);
    stand.sim.inbound(&people[0], OWN, "STOP");
    assert_eq!(got(&stand, &people[0], OWN, 1)[0], confirmation);
    stand.sim.inbound(&people[0], OWN, "INSCRIRE");
    assert_eq!(got(&stand, &people[0], OWN, 2)[1], "Inscrit.");
    stand.sim.inbound(&people[0], OWN, "STOP");
    assert_eq!(got(&stand, &people[0], OWN, 3)[2], confirmation);
    let national = people[1].replacen("+33", "0", 1);
    stand.sim.inbound(&national, OWN, "STOP");
    assert_eq!(got(&stand, &people[1], OWN, 1)[0], confirmation);
    let to: Vec<Value> = people.iter().map(|to| json!({ "to": to })).collect();
    let order = CampaignOrder::to_audience(&json!({ "recipients": to })).with("purpose", json!("marketing"));
    let campaign = stand.tenant.order(&stand.engine, &order);
    let ended = campaign.wait(&stand.engine, "it has ended", LIMIT, |view| view.state == "completed");
    assert_eq!(ended.status("delivered"), 0);
}

/// How many of one's advertising reach a person.
fn advertised(stand: &Stand, tenant: &Tenant, person: &str) -> u64 {
    let audience = json!({ "recipients": [{ "to": person }] });
    let order = CampaignOrder::to_audience(&audience).with("purpose", json!("marketing"));
    let campaign = tenant.order(&stand.engine, &order);
    let ended = campaign.wait(&stand.engine, "it has ended", LIMIT, |view| view.state == "completed");
    ended.status("delivered")
}

#[test]
fn req_001_21_who_writes_stop_to_nobody_and_then_agrees_hears_of_that_clinic_alone() {
    let mut stand = stand("replies-back");
    let lilas = stand.engine.tenant("Cabinet des Lilas", 1_000);
    stand.give_number(OWN, &[&stand.tenant]);
    let yes = json!({ "name": "Inscrire", "match": "exact", "keywords": ["INSCRIRE"], "text": "Inscrit.", "opts_in": "J'accepte les nouvelles." });
    rule(&stand.tenant.http(&stand.engine), &yes);
    let person = people(1).remove(0);
    let stop = |stand: &Stand| {
        stand.sim.inbound(&person, "36999", "STOP");
        eventually("it is kept and acknowledged", LIMIT, || {
            let all = stand.sim.inbound_messages();
            let is_acknowledged = |one: &Value| one["acked"].as_u64() >= one["segments"].as_u64();
            all.iter().all(is_acknowledged).then_some(())
        });
    };
    stop(&stand);
    assert_eq!(
        [&stand.tenant, &lilas].map(|tenant| advertised(&stand, tenant, &person)),
        [0, 0]
    );
    stand.sim.inbound(&person, OWN, "INSCRIRE");
    assert_eq!(got(&stand, &person, OWN, 1)[0], "Inscrit.");
    assert_eq!(
        [&stand.tenant, &lilas].map(|tenant| advertised(&stand, tenant, &person)),
        [1, 0]
    );
    // A Redis that was emptied knows it again.
    assert!(stand.engine.shut_down().success());
    redis::cmd("FLUSHALL")
        .exec(&mut stand.redis.connect().expect("a connection"))
        .expect("FLUSHALL");
    stand.engine.restart();
    assert_eq!(
        [&stand.tenant, &lilas].map(|tenant| advertised(&stand, tenant, &person)),
        [1, 0]
    );
    stop(&stand);
    assert_eq!(
        [&stand.tenant, &lilas].map(|tenant| advertised(&stand, tenant, &person)),
        [0, 0]
    );
}

/// Whatever dies meanwhile, each message is answered once, and stands in its conversation once.
fn killed(seed: u64) {
    let mut stand = stand(&format!("replies-kills-{seed}"));
    let http = stand.tenant.http(&stand.engine);
    stand.give_number(OWN, &[&stand.tenant]);
    hours(&http);
    let mut dice = Dice::new(seed);
    let people = people(60);
    for (at, person) in people.iter().enumerate() {
        stand.sim.inbound(person, OWN, "Horaires");
        if at % 15 == 14 {
            let answered = dice.roll(0..=8) as usize + at - 14;
            eventually("some are answered", LIMIT, || {
                (stand.sim.ledger().len() >= answered).then_some(())
            });
            stand.engine.kill();
            stand.engine.restart();
        }
    }
    let http = stand.tenant.http(&stand.engine);
    for person in &people {
        let one = conversation(&http, person, |one| one["unread"] == 1);
        let said = eventually("it is answered", LIMIT, || {
            let said = said(&http, &one);
            (said.len() > 1 && said[1]["state"] == "sent").then_some(said)
        });
        assert_eq!(said.len(), 2, "seed {seed}: {said:?}");
    }
    // What its process had leased when it died is in doubt, and is not sent again by itself.
    let ledger = stand.sim.ledger_by_recipient();
    let doubled: Vec<_> = ledger.values().filter(|rows| rows.len() > 1).collect();
    assert!(doubled.is_empty(), "seed {seed}: {doubled:?}");
}

#[test]
fn req_003_18_whatever_dies_meanwhile_each_is_answered_once() {
    for seed in [1, 2, 3] {
        killed(seed);
    }
}
