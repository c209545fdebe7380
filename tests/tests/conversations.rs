//! Whole conversations over SMPP with people who are a script of the simulator (`files/conversations.toml`): what they were told and
//! what they said is read in its ledgers.

use std::collections::BTreeMap;
use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Http, Lab, Stand, eventually, programs};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const OWN: &str = "+33644630001";
const PEOPLE: &str = include_str!("../files/conversations.toml");

/// What the tenant's rules say to whoever writes something that nothing else answers.
const ANSWER: &str = "Merci, nous vous répondrons.";

fn stand(name: &str) -> Stand {
    // Who is away says each time until when, eight times at most.
    let away = |day: u32| {
        let until = format!("reply = \"Absent jusqu'au {day} décembre\"\n");
        format!("[[inbound]]\nname = \"away\"\nperson = \"^33612347\"\ntimes = 1\n{until}")
    };
    let people: String = std::iter::once(PEOPLE.to_owned()).chain((1..=8).map(away)).collect();
    let stand = Stand::under(Lab::new(programs!(), name), &people, Stand::with_webhooks);
    stand.give_number(OWN, &[&stand.tenant]);
    stand
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// So many people of one habit.
fn people(habit: u8, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("+3361234{habit}{at:03}")).collect()
}

fn digits(number: &str) -> &str {
    number.trim_start_matches('+')
}

/// What everybody was told from our number, in order.
fn told(stand: &Stand) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in stand.sim.ledger().into_iter().filter(|row| row.source == digits(OWN)) {
        let text = row.text.expect("the simulator keeps texts");
        told.entry(format!("+{}", row.recipient)).or_default().push(text);
    }
    told
}

/// What everybody said to our number, in order.
fn said(stand: &Stand) -> BTreeMap<String, Vec<String>> {
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in stand.sim.inbound_messages() {
        assert_eq!(text(&message["to"]), digits(OWN));
        let from = format!("+{}", digits(&text(&message["from"])));
        said.entry(from).or_default().push(text(&message["text"]));
    }
    said
}

/// Waits until these were told so much.
fn wait_told(stand: &Stand, people: &[String], texts: usize) -> BTreeMap<String, Vec<String>> {
    eventually(&format!("{people:?} were told {texts} texts"), LIMIT, || {
        let told = told(stand);
        let has = |person: &String| told.get(person).is_some_and(|texts_of| texts_of.len() >= texts);
        people.iter().all(has).then_some(told)
    })
}

/// The conversation with a person, once `so` is true of it.
fn conversation(http: &Http, person: &str, so: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("the conversation with {person} is like that"), LIMIT, || {
        let page = http
            .get(&format!("/v1/conversations?with={}", digits(person)))
            .expect(200);
        page["data"].as_array()?.iter().find(|one| so(one)).cloned()
    })
}

fn campaign(stand: &Stand, people: &[String], (purpose, said): (&str, &str)) -> Campaign {
    let to: Vec<Value> = people.iter().map(|to| json!({ "to": to })).collect();
    let order = CampaignOrder::to_audience(&json!({ "recipients": to }))
        .with("sender", json!(OWN))
        .with("purpose", json!(purpose))
        .with("text", json!(said));
    stand.tenant.order(&stand.engine, &order)
}

#[test]
fn req_004_13_reminded_people_confirm_or_cancel_and_what_is_freed_goes_to_who_says_yes() {
    let stand = stand("conversations-reminded");
    let http = stand.tenant.http(&stand.engine);
    let plan =
        json!({ "name": "La veille", "offsets": ["-24h"], "sender": OWN, "text": "RDV à [heure]. 1 oui, 2 non" });
    http.post("/v1/reminder_plans", &plan).expect(201);
    let slots = json!({ "enabled": true, "number": OWN, "by": ["patient"], "won": "C'est noté.", "late": "Merci, il est pris.",
        "text": "Un rendez-vous se libère avec [praticien], OUI pour le prendre." });
    http.patch("/v1/slot_settings", &slots).expect(200);
    let (confirm, cancel, wait) = (people(0, 8), people(1, 1), people(2, 3));
    let waiting: Vec<Value> = wait
        .iter()
        .map(|person| json!({ "reference": person, "number": person, "consent": "Au téléphone, le 12" }))
        .collect();
    http.post("/v1/waiting_list", &json!({ "people": waiting })).expect(200);
    let starts_at = (Timestamp::now() + SignedDuration::from_hours(5)).to_string();
    let event = |person: &String| json!({ "reference": person, "number": person, "kind": "Consultation", "practitioner": "Dr Petit", "starts_at": starts_at });
    let events: Vec<Value> = confirm.iter().chain(&cancel).map(event).collect();
    let made = http.post("/v1/events", &json!({ "events": events })).expect(200);
    let told = wait_told(&stand, &[&confirm[..], &cancel, &wait].concat(), 2);
    for person in &confirm {
        assert_eq!(told[person][1], "Merci, votre rendez-vous est confirmé.", "{person}");
    }
    assert_eq!(told[&cancel[0]][1], "Votre rendez-vous est annulé.");
    let event = |at: usize| {
        let id = text(&made["data"][at]["id"]);
        http.get(&format!("/v1/events/{id}")).expect(200)
    };
    for at in 0..confirm.len() {
        let event = event(at);
        assert_eq!(
            (&event["state"], &event["answer"]["answer"]),
            (&json!("booked"), &json!("confirm")),
            "{event}"
        );
    }
    let freed = eventually("the slot is taken", LIMIT, || {
        let freed = event(confirm.len());
        (freed["slot"]["state"] == "taken").then_some(freed)
    });
    assert_eq!(freed["state"], "cancelled", "{freed}");
    // One of those who said yes has it, and the others are told that they have not.
    let mut ends: Vec<&str> = wait.iter().map(|person| told[person][1].as_str()).collect();
    ends.sort_unstable();
    assert_eq!(ends, ["C'est noté.", "Merci, il est pris.", "Merci, il est pris."]);
    let made = [("cancels", 1), ("confirms", 8), ("takes", 3)].map(|(rule, made)| (rule.to_owned(), made));
    assert_eq!(stand.sim.replies(), made.into(), "nobody wrote anything else");
    assert_eq!(stand.sim.totals().submits, 24, "a text and its answer for each");
}

#[test]
fn req_003_16_who_writes_stop_is_confirmed_that_once_counted_and_has_no_advertising_any_more() {
    // req_003_01, req_001_21.
    let stand = stand("conversations-stop");
    let http = stand.tenant.http(&stand.engine);
    let confirmation = text(&http.get("/v1/reply_settings").expect(200)["stop_confirmation"]);
    let (leave, stay) = (people(3, 40), people(4, 10));
    let all = [&leave[..], &stay].concat();
    let first = campaign(&stand, &all, ("marketing", "Portes ouvertes samedi. STOP au 36180"));
    // Once all have the text and everybody who left is confirmed that, nobody is written to any more: who is silent then stays so.
    let left = eventually("all is said and confirmed", LIMIT, || {
        let told = told(&stand);
        let silent = told.len() == all.len() && stand.sim.is_silent();
        let said = said(&stand);
        let confirmed = |person: &String| told.get(person).is_some_and(|texts| texts.contains(&confirmation));
        let settled = stand.sim.receipts_are_in() && first.view(&stand.engine).status("delivered") == 50;
        (silent && said.keys().all(confirmed) && settled).then_some(said)
    });
    assert!((10..=30).contains(&left.len()), "half of forty: {left:?}");
    assert!(left.keys().all(|person| leave.contains(person)), "{left:?}");
    // Who insists may do so still.
    for person in left.keys() {
        conversation(&http, person, |one| one["unread"] == said(&stand)[person].len());
    }
    let second = campaign(&stand, &all, ("marketing", "Encore une place. STOP au 36180"));
    let stays = (all.len() - left.len()) as u64;
    second.wait(&stand.engine, "all others have it", LIMIT, |view| {
        view.status("delivered") == stays && view.progress.queued == 0
    });
    let told = told(&stand);
    for (person, texts) in &told {
        let has = |wanted: &str| texts.iter().filter(|text| text.starts_with(wanted)).count();
        let gone = usize::from(left.contains_key(person));
        let counts = (has("Portes ouvertes"), has(&confirmation), has("Encore une place"));
        assert_eq!(counts, (1, gone, 1 - gone), "{person}: {texts:?}");
    }
    let report = eventually("the answers are counted", LIMIT, || {
        let report = http.get(&format!("/v1/campaigns/{}/report", first.id)).expect(200);
        (report["replies"]["people"] == left.len()).then_some(report)
    });
    assert_eq!(report["replies"]["opted_out"], left.len(), "{report}");
}

#[test]
fn req_004_31_a_survey_is_answered_to_its_end_by_everybody_who_is_asked() {
    let stand = stand("conversations-survey");
    let http = stand.tenant.http(&stand.engine);
    let survey = json!({
        "name": "Après la visite", "number": OWN, "thanks": "Merci de votre réponse.",
        "questions": [
            { "asks": "scale", "text": "De 0 à 10, recommanderiez-vous le cabinet ?", "alert_below": 7 },
            { "asks": "yes_no", "text": "Le rendez-vous a-t-il commencé à l'heure ?" },
            { "asks": "text", "text": "Que pouvons-nous améliorer à l'accueil ?" },
        ],
    });
    let id = text(&http.post("/v1/surveys", &survey).expect(201)["id"]);
    let asked = people(5, 12);
    for person in &asked {
        http.post(&format!("/v1/surveys/{id}/ask"), &json!({ "number": person }))
            .expect(201);
    }
    let told = wait_told(&stand, &asked, 4);
    let said = said(&stand);
    let runs = http.get(&format!("/v1/surveys/{id}/answers?limit=200")).expect(200);
    let runs = runs["data"].as_array().expect("a list");
    assert_eq!(runs.len(), asked.len());
    for (run, person) in runs.iter().rev().zip(&asked) {
        assert_eq!(told[person][3], "Merci de votre réponse.");
        let score: f64 = said[person][0].trim_end_matches("/10").parse().expect("a number");
        let wanted = (json!(true), json!(score), json!("Rien pour à l'accueil"));
        let answers = &run["answers"];
        let kept = (
            run["done"].clone(),
            answers[0]["score"].clone(),
            answers[2]["text"].clone(),
        );
        assert_eq!(kept, wanted, "{run}: {:?}", said[person]);
    }
    let unhappy = said.iter().filter(|(_, texts)| texts[0] == "3/10");
    for (person, _) in unhappy {
        conversation(&http, person, |one| one["attention"] == "survey");
    }
    assert!(told.values().all(|texts| texts.len() == 4), "{told:?}");
}

#[test]
fn req_004_34_telephones_that_echo_and_machines_that_are_away_come_to_an_end() {
    let stand = stand("conversations-loops");
    let http = stand.tenant.http(&stand.engine);
    let away_rule = json!({ "name": "Absence", "match": "first_word", "keywords": ["ABSENT"], "text": "Bien reçu." });
    http.post("/v1/auto_replies", &away_rule).expect(201);
    let any_rule = json!({ "name": "Tout le reste", "match": "any", "text": ANSWER });
    http.post("/v1/auto_replies", &any_rule).expect(201);
    let (echo, away, machines) = (people(6, 3), people(7, 3), people(8, 3));
    let all = [&echo[..], &away, &machines].concat();
    let first = "Le cabinet ferme vendredi.";
    campaign(&stand, &all, ("transactional", first));
    // An echo is answered once, since nobody may know it by the first; an absence five times within an hour.
    for person in &echo {
        let ended = conversation(&http, person, |one| one["unread"] == 2);
        let path = format!("/v1/conversations/{}/messages", text(&ended["id"]));
        assert_eq!(http.get(&path).expect(200)["data"][0]["made"], "echo");
    }
    // What a machine says again is new too, since something was sent between.
    for person in away.iter().chain(&machines) {
        conversation(&http, person, |one| one["unread"] == 6 && one["attention"] == "quiet");
    }
    let (told, said) = (told(&stand), said(&stand));
    for person in &echo {
        assert_eq!(told[person], [first, ANSWER]);
        assert_eq!(said[person], told[person]);
    }
    for person in away.iter().chain(&machines) {
        // GSM 03.38 has no ç.
        let answers = ["Bien recu."; 5];
        assert_eq!(told[person], [&[first][..], &answers].concat());
        assert_eq!(said[person].len(), 6, "{:?}", said[person]);
    }
}
