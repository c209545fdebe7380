//! What few may have is offered to many: the first who says yes has it, once, whatever dies meanwhile.

use std::time::Duration;

use campanile_tests::scenarios::Dice;
use campanile_tests::{Http, Lab, Receiver, Stand, eventually, programs, recipients, text};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const OWN: &str = "+33644630001";
const TEXT: &str = "Garde du 24 à pourvoir, répondez OUI.";
const WON: &str = "La garde est pour vous.";
const LATE: &str = "Merci, la garde est prise.";
const OTHERS: &str = "La garde du 24 est pourvue, merci.";

fn stand(name: &str) -> Stand {
    let stand = Stand::under(Lab::new(programs!(), name), "", Stand::with_webhooks);
    stand.give_number(OWN, &[&stand.tenant]);
    stand
}

/// Staff: their numbers, and who they are as contacts.
fn staff(http: &Http, count: usize) -> (Vec<String>, Vec<String>) {
    let numbers: Vec<String> = recipients(count).collect();
    let given: Vec<Value> = numbers
        .iter()
        .map(|number| json!({ "reference": number, "last_name": "Martin", "number": number, "kind": "staff" }))
        .collect();
    let made = http.post("/v1/contacts", &json!({ "contacts": given })).expect(200);
    let made = made["data"].as_array().expect("a list").clone();
    (numbers, made.iter().map(|one| text(&one["id"])).collect())
}

fn offer(contacts: &[String], change: &Value) -> Value {
    let mut offer = json!({
        "name": "Garde du 24", "audience": { "contacts": contacts }, "number": OWN, "text": TEXT, "won": WON, "late": LATE,
        "ends_at": (Timestamp::now() + SignedDuration::from_hours(5)).to_string(),
    });
    let changes = change.as_object().expect("an object").clone();
    offer.as_object_mut().expect("an object").extend(changes);
    offer
}

fn made(http: &Http, contacts: &[String], change: &Value) -> String {
    text(&http.post("/v1/offers", &offer(contacts, change)).expect(201)["id"])
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

/// The offer, once `so` is true of it.
fn shown(http: &Http, id: &str, so: impl Fn(&Value) -> bool) -> Value {
    eventually("the offer is like that", LIMIT, || {
        Some(http.get(&format!("/v1/offers/{id}")).expect(200)).filter(|offer| so(offer))
    })
}

/// To whom it was offered, with what they answered.
fn people(http: &Http, id: &str) -> Vec<Value> {
    let page = http.get(&format!("/v1/offers/{id}/people?limit=200")).expect(200);
    page["data"].as_array().expect("a list").clone()
}

fn conversation(http: &Http, person: &str, so: impl Fn(&Value) -> bool) -> Value {
    eventually("the conversation is like that", LIMIT, || {
        let with = person.trim_start_matches('+');
        let page = http.get(&format!("/v1/conversations?with={with}")).expect(200);
        page["data"].as_array()?.iter().find(|one| so(one)).cloned()
    })
}

#[test]
fn req_004_28_the_first_who_says_yes_has_it_and_the_others_are_told() {
    is_taken(&stand("offers-taken"));
}

#[test]
fn req_004_28_postgresql_gives_a_place_once_as_well() {
    let (_server, stand) = Stand::on_postgres(Lab::new(programs!(), "offers-postgresql"));
    stand.give_number(OWN, &[&stand.tenant]);
    is_taken(&stand);
}

fn is_taken(stand: &Stand) {
    let http = stand.tenant.http(&stand.engine);
    let told = Receiver::start();
    let endpoint = json!({ "url": told.url(), "events": ["offer.*"] });
    http.post("/v1/webhooks", &endpoint).expect(201);
    let (numbers, contacts) = staff(&http, 6);
    let id = made(&http, &contacts[..5], &json!({ "others": OTHERS }));
    for person in &numbers[..5] {
        assert_eq!(got(stand, person, 1), [TEXT]);
    }
    // What is not sure has no place, and waits for people; who was asked nothing has none at all.
    stand.sim.inbound(&numbers[0], OWN, "Oui mais plus tard ?");
    conversation(&http, &numbers[0], |one| one["attention"] == "unsure");
    stand.sim.inbound(&numbers[5], OWN, "Oui je prends");
    conversation(&http, &numbers[5], |one| one["attention"] == "unanswered");
    stand.sim.inbound(&numbers[1], OWN, "Non désolé");
    eventually("who says no is noted", LIMIT, || {
        (people(&http, &id)[1]["answer"] == "declined").then_some(())
    });
    stand.sim.inbound(&numbers[2], OWN, "Je prends !");
    assert_eq!(got(stand, &numbers[2], 2)[1], WON);
    // Who has not answered is told, who said no is not.
    assert_eq!(got(stand, &numbers[3], 2)[1], OTHERS);
    assert_eq!(got(stand, &numbers[4], 2)[1], OTHERS);
    stand.sim.inbound(&numbers[3], OWN, "1");
    assert_eq!(got(stand, &numbers[3], 3)[2], LATE);
    assert_eq!(had(stand, &numbers[1]), [TEXT]);
    let offer = shown(&http, &id, |offer| offer["state"] == "taken");
    assert_eq!((&offer["taken"], &offer["people"]), (&json!(1), &json!(5)), "{offer}");
    let answers: Vec<Value> = people(&http, &id)
        .iter()
        .map(|person| person["answer"].clone())
        .collect();
    assert_eq!(
        answers,
        [Value::Null, json!("declined"), json!("won"), json!("late"), Value::Null]
    );
    let events = eventually("the clinic's software is told", LIMIT, || {
        let events: Vec<Value> = told.taken().iter().flat_map(|posted| posted.events()).collect();
        (events.len() >= 2).then_some(events)
    });
    let of = |kind: &str| {
        let event = events.iter().find(|event| event["type"] == kind);
        event.unwrap_or_else(|| panic!("{kind}: {events:?}"))["data"].clone()
    };
    let taken = of("offer.taken");
    assert_eq!(
        (&taken["to"], &taken["contact"], &taken["id"]),
        (&json!(numbers[2]), &json!(contacts[2]), &json!(id)),
        "{taken}"
    );
    assert_eq!(of("offer.ended")["state"], "taken");
    // What was offered to a person is told of them, and forgotten with them.
    let about = json!({ "number": numbers[3] });
    let data = http.post("/v1/people/data", &about).expect(200);
    assert_eq!(data["offers"][0]["answer"], "late", "{data}");
    eventually("no message to them is under way", LIMIT, || {
        (http.post("/v1/people/erase", &about).status == 200).then_some(())
    });
    assert_eq!(people(&http, &id).len(), 4);
}

#[test]
fn req_004_28_waves_end_with_the_offer_and_a_stop_is_never_a_yes() {
    let stand = stand("offers-waves");
    let http = stand.tenant.http(&stand.engine);
    let (numbers, contacts) = staff(&http, 3);
    let id = made(
        &http,
        &contacts,
        &json!({ "wave": { "people": 2, "minutes": 30 }, "accept": ["GARDE"] }),
    );
    assert_eq!(got(&stand, &numbers[0], 1), [TEXT]);
    stand.sim.inbound(&numbers[0], OWN, "STOP oui");
    conversation(&http, &numbers[0], |one| one["unread"] == 1);
    assert_eq!(shown(&http, &id, |_| true)["taken"], 0);
    stand.sim.inbound(&numbers[1], OWN, "garde");
    assert_eq!(got(&stand, &numbers[1], 2), [TEXT, WON]);
    let people_of = people(&http, &id);
    assert_eq!(
        (&people_of[2]["state"], &people_of[2]["reason"]),
        (&json!("failed"), &json!("offer_over")),
        "{people_of:?}"
    );
    assert!(had(&stand, &numbers[2]).is_empty());
    // One whose time is over gives no place, and says so.
    let soon = (Timestamp::now() + SignedDuration::from_secs(3)).to_string();
    let short = made(&http, &contacts[2..], &json!({ "ends_at": soon }));
    shown(&http, &short, |offer| offer["state"] == "ended");
    stand.sim.inbound(&numbers[2], OWN, "oui");
    assert_eq!(got(&stand, &numbers[2], 2), [TEXT, LATE]);
    // One that was taken back neither.
    let back = made(&http, &contacts[1..2], &json!({}));
    got(&stand, &numbers[1], 3);
    let canceled = http.post(&format!("/v1/offers/{back}/cancel"), &json!({})).expect(200);
    assert_eq!(canceled["state"], "canceled");
    stand.sim.inbound(&numbers[1], OWN, "oui");
    assert_eq!(got(&stand, &numbers[1], 4)[3], LATE);
}

#[test]
fn what_is_no_offer_is_refused() {
    let stand = stand("offers-refused");
    let http = stand.tenant.http(&stand.engine);
    let (_, contacts) = staff(&http, 1);
    for (change, pointer) in [
        (json!({ "audience": {} }), "/audience"),
        (json!({ "audience": { "contacts": ["con_x"] } }), "/audience/contacts/0"),
        (
            json!({ "audience": { "filter": { "field": "kind", "is": "patient" } } }),
            "/audience",
        ),
        (json!({ "audience": { "contact": [] } }), "/audience/contact"),
        (json!({ "text": " " }), "/text"),
        (json!({ "accept": ["STOP"] }), "/accept/0"),
        (json!({ "places": 0 }), "/places"),
        (json!({ "ends_at": "2020-01-01T00:00:00Z" }), "/ends_at"),
        (json!({ "wave": { "people": 1 } }), "/wave/minutes"),
    ] {
        http.post("/v1/offers", &offer(&contacts, &change))
            .expect_field_problem(&[400, 422], pointer);
    }
    let elsewhere = json!({ "number": "+33644630009" });
    let refused = http.post("/v1/offers", &offer(&contacts, &elsewhere));
    assert_eq!(refused.expect(409)["code"], "number_not_own");
}

/// Whatever dies meanwhile, each place is given once, and each is answered once.
fn killed(seed: u64) {
    const PLACES: usize = 3;
    let mut stand = stand(&format!("offers-kills-{seed}"));
    let http = stand.tenant.http(&stand.engine);
    let mut dice = Dice::new(seed);
    let (numbers, contacts) = staff(&http, 40);
    let id = made(&http, &contacts, &json!({ "places": PLACES }));
    for (at, some) in numbers.chunks(10).enumerate() {
        let had_before = stand.sim.ledger().len();
        for person in some {
            if at == 0 {
                got(&stand, person, 1);
            }
            stand.sim.inbound(person, OWN, "Oui");
        }
        let more = dice.roll(0..=6) as usize;
        eventually("some are answered", LIMIT, || {
            (stand.sim.ledger().len() >= had_before + more || at == 0 && more > 0).then_some(())
        });
        stand.engine.kill();
        stand.engine.restart();
    }
    let http = stand.tenant.http(&stand.engine);
    let all = eventually("all have an answer", LIMIT, || {
        let all = people(&http, &id);
        all.iter().all(|person| person["answer"].is_string()).then_some(all)
    });
    let won: Vec<&Value> = all.iter().filter(|person| person["answer"] == "won").collect();
    assert_eq!(won.len(), PLACES, "seed {seed}: {won:?}");
    assert_eq!(shown(&http, &id, |_| true)["taken"], PLACES);
    for person in &all {
        let path = format!("/v1/conversations/{}/messages", text(&person["conversation"]));
        let said = eventually("it is answered", LIMIT, || {
            let said = http.get(&path).expect(200)["data"].as_array().expect("a list").clone();
            said.iter()
                .all(|one| one["direction"] == "in" || one["state"] == "sent")
                .then_some(said)
        });
        assert_eq!(said.len(), 3, "seed {seed}: {said:?}");
        let expected = if person["answer"] == "won" { WON } else { LATE };
        assert_eq!(said[0]["text"], expected, "seed {seed}: {said:?}");
    }
    let ledger = stand.sim.ledger_by_recipient();
    let doubled: Vec<_> = ledger.values().filter(|rows| rows.len() > 2).collect();
    assert!(doubled.is_empty(), "seed {seed}: {doubled:?}");
}

#[test]
fn req_004_28_whatever_dies_meanwhile_each_place_is_given_once() {
    for seed in [1, 2, 3] {
        killed(seed);
    }
}
