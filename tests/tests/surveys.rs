//! People are asked after a visit: scores are read as they write them, each answer is followed by the next question, once.

use std::collections::BTreeSet;
use std::time::Duration;

use campanile_tests::scenarios::Dice;
use campanile_tests::{Http, Lab, Receiver, Stand, eventually, programs, recipients, text};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const OWN: &str = "+33644630001";
const FIRST: &str = "De 0 à 10, recommanderiez-vous le cabinet ?";
const SECOND: &str = "Le rendez-vous a-t-il commencé à l'heure ?";
const THIRD: &str = "Que pouvons-nous améliorer ?";
const THANKS: &str = "Merci de votre réponse.";
const SOLVED: &str = "Nous avons revu notre accueil. Merci de nous l'avoir dit.";

fn stand(name: &str) -> Stand {
    let stand = Stand::under(Lab::new(programs!(), name), "", Stand::with_webhooks);
    stand.give_number(OWN, &[&stand.tenant]);
    stand
}

fn had(stand: &Stand, person: &str) -> Vec<String> {
    let rows = stand.sim.ledger_by_recipient().remove(person.trim_start_matches('+'));
    let from = rows.unwrap_or_default().into_iter();
    from.map(|row| row.text.expect("the simulator keeps texts")).collect()
}

/// What a person got, once there are so many.
fn got(stand: &Stand, person: &str, count: usize) -> Vec<String> {
    eventually(&format!("{person} has {count} messages"), LIMIT, || {
        let own = had(stand, person);
        (own.len() >= count).then_some(own)
    })
}

fn conversation(http: &Http, person: &str, so: impl Fn(&Value) -> bool) -> Value {
    eventually("the conversation is like that", LIMIT, || {
        let with = person.trim_start_matches('+');
        let page = http.get(&format!("/v1/conversations?with={with}")).expect(200);
        page["data"].as_array()?.iter().find(|one| so(one)).cloned()
    })
}

fn survey(http: &Http, change: &Value) -> String {
    let mut survey = json!({
        "name": "Après la visite", "number": OWN, "thanks": THANKS, "solved": SOLVED,
        "questions": [
            { "asks": "scale", "text": FIRST, "alert_below": 7 },
            { "asks": "yes_no", "text": SECOND },
            { "asks": "text", "text": THIRD },
        ],
    });
    let changes = change.as_object().expect("an object").clone();
    survey.as_object_mut().expect("an object").extend(changes);
    text(&http.post("/v1/surveys", &survey).expect(201)["id"])
}

fn ask(http: &Http, id: &str, number: &str) {
    http.post(&format!("/v1/surveys/{id}/ask"), &json!({ "number": number }))
        .expect(201);
}

/// Who was asked, the first first.
fn runs(http: &Http, id: &str) -> Vec<Value> {
    let page = http.get(&format!("/v1/surveys/{id}/answers?limit=200")).expect(200);
    let mut runs = page["data"].as_array().expect("a list").clone();
    runs.reverse();
    runs
}

#[test]
fn req_004_31_scores_are_read_as_people_write_them_and_the_next_question_follows() {
    are_asked(&stand("surveys-asked"));
}

#[test]
fn req_004_31_postgresql_keeps_surveys_as_well() {
    let (_server, stand) = Stand::on_postgres(Lab::new(programs!(), "surveys-postgresql"));
    stand.give_number(OWN, &[&stand.tenant]);
    are_asked(&stand);
}

fn are_asked(stand: &Stand) {
    let http = stand.tenant.http(&stand.engine);
    let told = Receiver::start();
    let endpoint = json!({ "url": told.url(), "events": ["survey.alert"] });
    http.post("/v1/webhooks", &endpoint).expect(201);
    let answers = Receiver::start();
    let endpoint = json!({ "url": answers.url(), "events": ["survey.answered"] });
    http.post("/v1/webhooks", &endpoint).expect(201);
    let id = survey(&http, &json!({}));
    let numbers: Vec<String> = recipients(4).collect();
    for number in &numbers {
        ask(&http, &id, number);
        assert_eq!(got(stand, number, 1), [FIRST]);
    }
    for (number, says) in numbers
        .iter()
        .zip(["9", "je dirais 9,5 !", "4/10 trop d'attente", "7 ou 8"])
    {
        stand.sim.inbound(number, OWN, says);
    }
    for number in &numbers[..3] {
        assert_eq!(got(stand, number, 2)[1], SECOND);
    }
    // What is not sure is shown as not sure, and people look; a clear answer still counts.
    conversation(&http, &numbers[3], |one| one["attention"] == "unsure");
    let unsure = &runs(&http, &id)[3]["answers"][0];
    assert_eq!(unsure["sure"], false, "{unsure}");
    stand.sim.inbound(&numbers[3], OWN, "disons 8");
    conversation(&http, &numbers[3], |one| one["unread"] == 2);
    stand.sim.inbound(&numbers[3], OWN, "8");
    got(stand, &numbers[3], 2);
    stand.sim.inbound(&numbers[0], OWN, "oui");
    assert_eq!(got(stand, &numbers[0], 3)[2], THIRD);
    stand.sim.inbound(&numbers[0], OWN, "Rien, tout va bien");
    assert_eq!(got(stand, &numbers[0], 4)[3], THANKS);
    let done = &runs(&http, &id)[0];
    assert_eq!(
        (&done["done"], &done["answers"][0]["score"]),
        (&json!(true), &json!(9.0)),
        "{done}"
    );
    assert_eq!(done["answers"][2]["text"], "Rien, tout va bien", "{done}");
    each_clear_answer_is_told(&answers, &numbers);
    who_is_not_content_is_seen(stand, &http, &told, (&id, &numbers[2]));
    results_are_added_up(&http, &id);
    // What a person has answered is told of them, and forgotten with them.
    let about = json!({ "number": numbers[0] });
    let data = http.post("/v1/people/data", &about).expect(200);
    assert_eq!(data["surveys"][0]["answers"][0]["score"], 9.0, "{data}");
    eventually("no message to them is under way", LIMIT, || {
        (http.post("/v1/people/erase", &about).status == 200).then_some(())
    });
    assert_eq!(runs(&http, &id).len(), 3);
    assert_eq!(had(stand, &numbers[2]).len(), 3, "it is said once");
}

/// Whoever is asked, by the question; what is not sure is told of when it is.
fn each_clear_answer_is_told(answers: &Receiver, numbers: &[String]) {
    let wanted = BTreeSet::from([(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (3, 0)]);
    let told = eventually("each clear answer is told", LIMIT, || {
        let events: Vec<Value> = answers.taken().iter().flat_map(|posted| posted.events()).collect();
        let place = |event: &Value| {
            let who = numbers
                .iter()
                .position(|number| event["data"]["from"] == number.as_str());
            (
                who.expect("one of them"),
                event["data"]["question"].as_u64().expect("a question"),
            )
        };
        let places: BTreeSet<_> = events.iter().map(place).collect();
        places.is_superset(&wanted).then_some((places, events))
    });
    assert_eq!(told.0, wanted);
    let last = told
        .1
        .iter()
        .rfind(|event| event["data"]["from"] == numbers[3].as_str());
    assert_eq!(last.expect("an event")["data"]["score"], 8.0);
}

fn who_is_not_content_is_seen(stand: &Stand, http: &Http, told: &Receiver, (id, number): (&str, &str)) {
    // Who is not content is seen: by the clinic's software, and by people, who write when it is solved.
    let alert = eventually("the clinic's software is told", LIMIT, || {
        told.taken().iter().flat_map(|posted| posted.events()).next()
    });
    assert_eq!(
        (&alert["type"], &alert["data"]["score"], &alert["data"]["from"]),
        (&json!("survey.alert"), &json!(4.0), &json!(number)),
        "{alert}"
    );
    let unhappy = conversation(http, number, |one| one["attention"] == "survey");
    let close = json!({ "state": "closed" });
    let path = format!("/v1/conversations/{}", text(&unhappy["id"]));
    http.patch(&path, &close).expect(200);
    assert_eq!(got(stand, number, 3)[2], SOLVED);
    http.patch(&path, &close).expect(200);
    assert_eq!(runs(http, id)[2]["alert"], false);
}

fn results_are_added_up(http: &Http, id: &str) {
    let results = http.get(&format!("/v1/surveys/{id}/results")).expect(200);
    let first = &results["data"][0];
    assert_eq!(
        (&first["count"], &first["mean"], &first["promoters_less_detractors"]),
        (&json!(4), &json!(7.63), &json!(25.0)),
        "{results}"
    );
    let months = http.get(&format!("/v1/surveys/{id}/results?by=month")).expect(200);
    assert_eq!(months["data"][0]["count"], 4, "{months}");
    let table = http.get(&format!("/v1/surveys/{id}/results?format=csv"));
    assert_eq!((table.status, table.content_type.as_str()), (200, "text/csv"));
    assert!(
        table.text.contains("7,63") || table.text.contains("7.63"),
        "{}",
        table.text
    );
}

#[test]
fn req_004_11_after_a_visit_the_plans_text_is_the_question_and_answers_are_by_practitioner() {
    let stand = stand("surveys-visits");
    let http = stand.tenant.http(&stand.engine);
    let plan = json!({ "name": "Après la visite", "on": "done", "sender": OWN, "text": FIRST });
    let plan = text(&http.post("/v1/reminder_plans", &plan).expect(201)["id"]);
    let other = json!({ "name": "Ailleurs", "on": "done", "kinds": ["Soin"], "sender": "Cabinet", "text": FIRST });
    let other = text(&http.post("/v1/reminder_plans", &other).expect(201)["id"]);
    let id = survey(&http, &json!({ "plan": plan }));
    let numbers: Vec<String> = recipients(2).collect();
    let starts_at = (Timestamp::now() - SignedDuration::from_hours(1)).to_string();
    let event = |number: &String, practitioner: &str, state: &str| {
        json!({
            "reference": number, "number": number, "kind": "Consultation", "starts_at": starts_at,
            "practitioner": practitioner, "practice": "Lyon", "state": state,
        })
    };
    for state in ["booked", "done"] {
        let events = [
            event(&numbers[0], "Dr Petit", state),
            event(&numbers[1], "Dr Grand", state),
        ];
        http.post("/v1/events", &json!({ "events": events })).expect(200);
    }
    for (number, says) in numbers.iter().zip(["10 !!", "un 6"]) {
        assert_eq!(got(&stand, number, 1), [FIRST]);
        stand.sim.inbound(number, OWN, says);
        assert_eq!(got(&stand, number, 2)[1], SECOND);
    }
    let by = http
        .get(&format!("/v1/surveys/{id}/results?by=practitioner"))
        .expect(200);
    let of = |at: usize| (by["data"][at]["group"].clone(), by["data"][at]["mean"].clone());
    assert_eq!(
        [of(0), of(1)],
        [(json!("Dr Grand"), json!(6.0)), (json!("Dr Petit"), json!(10.0))],
        "{by}"
    );
    let refused = json!({ "name": "a", "number": OWN, "plan": other, "questions": [{ "asks": "text", "text": "?" }] });
    http.post("/v1/surveys", &refused).expect_field_problem(&[422], "/plan");
    let scale = |min: u8, max: u8| json!({ "name": "a", "number": OWN, "questions": [{ "asks": "scale", "text": "?", "min": min, "max": max }] });
    http.post("/v1/surveys", &scale(5, 5))
        .expect_field_problem(&[422], "/questions/0/max");
    http.post(&format!("/v1/surveys/{id}/ask"), &json!({}))
        .expect_field_problem(&[422], "");
}

/// Whatever dies meanwhile, each answer is kept once, and each question asked once.
fn killed(seed: u64) {
    let mut stand = stand(&format!("surveys-kills-{seed}"));
    let http = stand.tenant.http(&stand.engine);
    let mut dice = Dice::new(seed);
    let id = survey(&http, &json!({}));
    let numbers: Vec<String> = recipients(30).collect();
    for number in &numbers {
        ask(&http, &id, number);
    }
    for number in &numbers {
        got(&stand, number, 1);
    }
    for some in numbers.chunks(10) {
        let before = stand.sim.ledger().len();
        for number in some {
            stand.sim.inbound(number, OWN, "8/10");
        }
        let more = dice.roll(0..=8) as usize;
        eventually("some are asked the next question", LIMIT, || {
            (stand.sim.ledger().len() >= before + more).then_some(())
        });
        stand.engine.kill();
        stand.engine.restart();
    }
    let http = stand.tenant.http(&stand.engine);
    eventually("all have answered", LIMIT, || {
        let runs = runs(&http, &id);
        runs.iter()
            .all(|run| run["answers"].as_array().is_some_and(|all| all.len() == 1))
            .then_some(())
    });
    for number in &numbers {
        let one = conversation(&http, number, |one| one["unread"] == 1);
        let path = format!("/v1/conversations/{}/messages", text(&one["id"]));
        let said = eventually("the next question is asked", LIMIT, || {
            let said = http.get(&path).expect(200)["data"].as_array().expect("a list").clone();
            (said.len() == 3 && said[0]["state"] == "sent").then_some(said)
        });
        assert_eq!(said[0]["text"], SECOND, "seed {seed}: {said:?}");
    }
    let results = http.get(&format!("/v1/surveys/{id}/results")).expect(200);
    assert_eq!(results["data"][0]["count"], 30, "seed {seed}: {results}");
    let ledger = stand.sim.ledger_by_recipient();
    let doubled: Vec<_> = ledger.values().filter(|rows| rows.len() > 2).collect();
    assert!(doubled.is_empty(), "seed {seed}: {doubled:?}");
}

#[test]
fn req_004_31_whatever_dies_meanwhile_each_next_question_is_asked_once() {
    for seed in [1, 2, 3] {
        killed(seed);
    }
}

/// The programs live on at that time; what the simulator had is gone.
fn later(stand: &mut Stand, at: &str) -> Http {
    assert!(stand.engine.shut_down().success());
    stand.lab().live_at(at);
    stand.redis.restart();
    stand.sim.restart();
    let settings = Stand::with_webhooks(&stand.redis, &stand.sim);
    stand.engine.restart_with(&settings);
    stand.tenant.http(&stand.engine)
}

#[test]
fn req_004_31_an_answer_two_days_later_counts_and_what_asks_something_a_day_later_is_none() {
    let lab = Lab::new(programs!(), "surveys-later");
    lab.live_at("2026-11-24T10:00:00Z");
    let mut stand = Stand::under(lab, "", Stand::with_webhooks);
    stand.give_number(OWN, &[&stand.tenant]);
    let http = stand.tenant.http(&stand.engine);
    let id = survey(&http, &json!({}));
    let number = recipients(1).next().expect("one");
    ask(&http, &id, &number);
    got(&stand, &number, 1);

    let http = later(&mut stand, "2026-11-26T10:00:00Z");
    stand.sim.inbound(&number, OWN, "9");
    assert_eq!(got(&stand, &number, 1), [SECOND]);
    stand.sim.inbound(&number, OWN, "oui");
    assert_eq!(got(&stand, &number, 2)[1], THIRD);
    assert_eq!(runs(&http, &id)[0]["answers"][0]["score"], 9.0);

    // Nobody answers that, and what comes the day after is about something else.
    let http = later(&mut stand, "2026-11-27T10:30:00Z");
    stand.sim.inbound(&number, OWN, "Bonjour, avez-vous une place lundi ?");
    conversation(&http, &number, |one| one["attention"] == "unanswered");
    let run = &runs(&http, &id)[0];
    assert_eq!(
        (run["answers"].as_array().map(Vec::len), &run["done"]),
        (Some(2), &json!(false)),
        "{run}"
    );
    assert!(had(&stand, &number).is_empty());
    let http = later(&mut stand, "2026-11-28T09:30:00Z");
    stand.sim.inbound(&number, OWN, "Un parking plus grand");
    assert_eq!(got(&stand, &number, 1), [THANKS]);
    assert_eq!(runs(&http, &id)[0]["done"], true);
}

#[test]
fn req_004_31_what_reads_as_an_answer_to_an_appointment_is_no_text_of_a_survey() {
    let stand = stand("surveys-other");
    let http = stand.tenant.http(&stand.engine);
    let plan =
        json!({ "name": "La veille", "offsets": ["-24h"], "sender": OWN, "text": "RDV à [heure]. 1 oui, 2 non" });
    http.post("/v1/reminder_plans", &plan).expect(201);
    let rule = json!({ "name": "Horaires", "match": "first_word", "keywords": ["HORAIRES"], "text": "De 9 h à 18 h." });
    http.post("/v1/auto_replies", &rule).expect(201);
    let number = recipients(1).next().expect("one");
    let starts_at = (Timestamp::now() + SignedDuration::from_hours(5)).to_string();
    let event = json!({ "reference": "RDV-1", "number": number, "starts_at": starts_at, "state": "booked" });
    let made = http.post("/v1/events", &json!({ "events": [event] })).expect(200);
    let event = format!("/v1/events/{}", text(&made["data"][0]["id"]));
    got(&stand, &number, 1);
    let id = survey(&http, &json!({ "questions": [{ "asks": "text", "text": THIRD }] }));
    ask(&http, &id, &number);
    got(&stand, &number, 2);
    stand.sim.inbound(&number, OWN, "Horaires");
    assert_eq!(got(&stand, &number, 3)[2], "De 9 h à 18 h.");
    stand.sim.inbound(&number, OWN, "2");
    eventually("the appointment is cancelled", LIMIT, || {
        (http.get(&event).expect(200)["state"] == "cancelled").then_some(())
    });
    assert_eq!(got(&stand, &number, 4)[3], "Votre rendez-vous est annulé.");
    let run = &runs(&http, &id)[0];
    assert_eq!(run["answers"], json!([]), "{run}");
    stand.sim.inbound(&number, OWN, "Un parking");
    assert_eq!(got(&stand, &number, 5)[4], THANKS);
    assert_eq!(runs(&http, &id)[0]["answers"][0]["text"], "Un parking");
}
