//! A time that became free is offered to those who wait for one: who says yes first has it, once, whatever dies meanwhile.

use std::time::Duration;

use campanile_tests::scenarios::Dice;
use campanile_tests::{Http, Lab, Receiver, Stand, eventually, programs, recipients, text};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const OWN: &str = "+33644630001";
const TEXT: &str = "Un rendez-vous se libère avec Dr Petit, OUI pour le prendre.";
const WON: &str = "C'est noté.";
const LATE: &str = "Merci, il est pris.";

fn stand(name: &str) -> Stand {
    let stand = Stand::under(Lab::new(programs!(), name), "", Stand::with_webhooks);
    stand.give_number(OWN, &[&stand.tenant]);
    stand
}

fn people(count: usize) -> Vec<String> {
    recipients(count).collect()
}

/// Has times that become free offered, with whatever else is said of that.
fn switch_on(http: &Http, more: &Value) {
    let mut settings = json!({
        "enabled": true, "number": OWN, "won": WON, "late": LATE,
        "text": "Un rendez-vous se libère avec [praticien], OUI pour le prendre.",
    });
    let more = more.as_object().expect("an object").clone();
    settings.as_object_mut().expect("an object").extend(more);
    http.patch("/v1/slot_settings", &settings).expect(200);
}

/// Somebody waits, under their number, for what else is said.
fn wait(http: &Http, person: &str, more: &Value) -> Value {
    let mut given = json!({ "reference": person, "consent": "Au téléphone, le 12" });
    let more = more.as_object().expect("an object").clone();
    if !more.contains_key("patient") {
        given["number"] = json!(person);
    }
    given.as_object_mut().expect("an object").extend(more);
    let became = http.post("/v1/waiting_list", &json!({ "people": [given] })).expect(200);
    became["data"][0]["outcome"].clone()
}

/// Somebody wants no advertising any more.
fn opt_out(stand: &Stand, person: &str) {
    let leaver = json!({ "to": [person], "tenant": stand.tenant.id });
    stand.engine.admin().post("/v1/suppressions", &leaver).expect(200);
}

fn waiting(http: &Http) -> Vec<String> {
    let page = http.get("/v1/waiting_list").expect(200);
    let people = page["data"].as_array().expect("a list");
    people.iter().map(|person| text(&person["reference"])).collect()
}

/// An appointment of somebody with Dr Petit, in so many minutes.
fn book(http: &Http, person: &str, (reference, minutes): (&str, i64)) -> String {
    book_at(http, person, (reference, &in_minutes(minutes)))
}

fn in_minutes(minutes: i64) -> String {
    (Timestamp::now() + SignedDuration::from_mins(minutes)).to_string()
}

fn book_at(http: &Http, person: &str, (reference, starts_at): (&str, &str)) -> String {
    let event = json!({
        "reference": reference, "number": person, "kind": "Consultation", "practitioner": "Dr Petit",
        "starts_at": starts_at, "state": "booked",
    });
    let made = http.post("/v1/events", &json!({ "events": [event] })).expect(200);
    text(&made["data"][0]["id"])
}

fn cancel(http: &Http, event: &str) {
    let cancelled = http.post(&format!("/v1/events/{event}/cancel"), &json!({})).expect(200);
    assert_eq!(cancelled["state"], "cancelled");
}

/// What became of an event's time, once it is that.
fn slot(http: &Http, event: &str, state: &str) -> Value {
    let mut last = Value::Null;
    eventually(&format!("the time of {event} is {state}"), LIMIT, || {
        last = http.get(&format!("/v1/events/{event}")).expect(200)["slot"].clone();
        (last["state"] == state).then_some(())
    });
    last
}

/// Who is asked: numbers, and how that stands.
fn asked(http: &Http, slot: &Value) -> Vec<Value> {
    let path = format!("/v1/offers/{}/people", text(&slot["offer"]));
    http.get(&path).expect(200)["data"].as_array().expect("a list").clone()
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

/// What an endpoint was told of times that became free, once there are so many.
fn told(receiver: &Receiver, count: usize) -> Vec<Value> {
    eventually("the practice's software is told", LIMIT, || {
        let events: Vec<Value> = receiver.taken().iter().flat_map(|posted| posted.events()).collect();
        (events.len() >= count).then_some(events)
    })
}

#[test]
fn req_004_13_who_cancels_by_reply_gives_the_slot_to_the_first_who_waits_and_says_yes() {
    is_given(&stand("slots-given"));
}

#[test]
fn req_004_13_postgresql_gives_a_freed_slot_as_well() {
    let (_server, stand) = Stand::on_postgres(Lab::new(programs!(), "slots-postgresql"));
    stand.give_number(OWN, &[&stand.tenant]);
    is_given(&stand);
}

/// Of six, two may be asked for an appointment of the first with Dr Petit today.
fn fill_list(stand: &Stand, http: &Http, people: &[String]) {
    let contact = json!({ "reference": "P-2", "last_name": "Martin", "number": people[2] });
    http.post("/v1/contacts", &json!({ "contacts": [contact] })).expect(200);
    opt_out(stand, &people[4]);
    // Whose it was waits for another one; one wants another practitioner, one has opted out, one waits twice.
    wait(http, &people[0], &json!({}));
    wait(
        http,
        &people[1],
        &json!({ "practitioners": ["dr petit"], "kinds": ["CONSULTATION"] }),
    );
    wait(http, &people[2], &json!({ "patient": "P-2" }));
    wait(http, &people[3], &json!({ "practitioners": ["Dr Grand"] }));
    wait(http, &people[4], &json!({}));
    wait(http, &people[2], &json!({ "reference": "twice" }));
    let tomorrow = (Timestamp::now() + SignedDuration::from_hours(24)).to_string();
    wait(http, &people[5], &json!({ "from": tomorrow }));
}

fn is_given(stand: &Stand) {
    let http = stand.tenant.http(&stand.engine);
    let receiver = Receiver::start();
    let endpoint = json!({ "url": receiver.url(), "events": ["slot.*", "offer.*"] });
    http.post("/v1/webhooks", &endpoint).expect(201);
    let plan =
        json!({ "name": "La veille", "offsets": ["-24h"], "sender": OWN, "text": "RDV à [heure]. 1 oui, 2 non" });
    http.post("/v1/reminder_plans", &plan).expect(201);
    switch_on(&http, &json!({ "by": ["patient"] }));
    let people = people(6);
    fill_list(stand, &http, &people);
    let event = book(&http, &people[0], ("RDV-1", 300));
    got(stand, &people[0], 1);
    stand.sim.inbound(&people[0], OWN, "2");
    for person in &people[1..3] {
        assert_eq!(got(stand, person, 1), [TEXT]);
    }
    let open = slot(&http, &event, "open");
    assert_eq!(open["people"], 2, "{open}");
    stand.sim.inbound(&people[2], OWN, "Oui je prends !");
    assert_eq!(got(stand, &people[2], 2)[1], WON);
    stand.sim.inbound(&people[1], OWN, "OUI");
    assert_eq!(got(stand, &people[1], 2)[1], LATE);
    let taken = slot(&http, &event, "taken");
    let waits = [0, 1, 3, 4].map(|at| people[at].clone());
    let mut expected = waits.to_vec();
    expected.extend(["twice".to_owned(), people[5].clone()]);
    assert_eq!(waiting(&http), expected, "who has a slot waits no more");
    for person in &people[3..] {
        assert!(had(stand, person).is_empty(), "{person}");
    }
    let events = told(&receiver, 3);
    let of = |kind: &str| {
        let mut all = events.iter().filter(|event| event["type"] == kind);
        let one = all.next().unwrap_or_else(|| panic!("{kind}: {events:?}"));
        assert_eq!((all.next(), &one["data"]["event"]), (None, &json!(event)), "{events:?}");
        one["data"].clone()
    };
    assert_eq!(
        (&of("slot.freed")["people"], &of("slot.freed")["state"]),
        (&json!(2), &json!("open"))
    );
    let who = of("slot.taken");
    assert_eq!(
        (&who["to"], &who["waiting"], &who["reference"], &who["offer"]),
        (&json!(people[2]), &json!(people[2]), &json!("RDV-1"), &taken["offer"]),
        "{who}"
    );
    assert_eq!(of("slot.ended")["state"], "taken");
    assert!(http.get("/v1/events?reference=RDV-1").expect(200)["data"][0]["state"] == "cancelled");
    // Each message is held and settled as any other.
    let submits = stand.sim.totals().submits;
    eventually("credits are settled", LIMIT, || {
        let balance = http.get("/v1/balance").expect(200);
        (balance["held"] == 0 && balance["spent"] == submits).then_some(())
    });
    // What waits is told of a person, and forgotten with them.
    let about = json!({ "number": people[5] });
    let data = http.post("/v1/people/data", &about).expect(200);
    assert_eq!(data["waiting_list"][0]["consent"], "Au téléphone, le 12", "{data}");
    http.post("/v1/people/erase", &about).expect(200);
    assert!(!waiting(&http).contains(&people[5]));
}

#[test]
fn req_004_13_a_freed_slot_is_offered_in_waves_until_it_is_filled_or_taken_back() {
    let stand = stand("slots-withdrawn");
    let http = stand.tenant.http(&stand.engine);
    let receiver = Receiver::start();
    let endpoint = json!({ "url": receiver.url(), "events": ["slot.ended"] });
    http.post("/v1/webhooks", &endpoint).expect(201);
    switch_on(&http, &json!({ "wave": { "people": 1, "minutes": 30 } }));
    let people = people(5);
    for person in &people[..3] {
        wait(&http, person, &json!({}));
    }
    let first = book(&http, &people[4], ("RDV-1", 600));
    cancel(&http, &first);
    assert_eq!(got(&stand, &people[0], 1), [TEXT]);
    let open = slot(&http, &first, "open");
    // Whoever is taken off the list is not asked any more, and may be taken off again.
    let off = json!({ "references": [people[1]] });
    for removed in [1, 0] {
        let answer = http.post("/v1/waiting_list/remove", &off).expect(200);
        assert_eq!(answer["removed"], removed);
    }
    let states = |slot: &Value| -> Vec<Value> {
        let state = |person: &Value| json!([person["state"], person["reason"]]);
        asked(&http, slot).iter().map(state).collect()
    };
    assert_eq!(
        states(&open),
        [
            json!(["sent", null]),
            json!(["failed", "not_waiting"]),
            json!(["due", null])
        ]
    );
    // Filled at the desk: the same appointment is booked again.
    book(&http, &people[4], ("RDV-1", 600));
    slot(&http, &first, "withdrawn");
    stand.sim.inbound(&people[0], OWN, "oui");
    assert_eq!(got(&stand, &people[0], 2), [TEXT, LATE]);
    eventually("nobody else is asked", LIMIT, || {
        (states(&open)[2] == json!(["failed", "offer_over"])).then_some(())
    });
    // Or another one at that time, with that practitioner.
    let second = book(&http, &people[3], ("RDV-2", 700));
    cancel(&http, &second);
    slot(&http, &second, "open");
    let of = http.get(&format!("/v1/events/{second}")).expect(200);
    let other = json!({
        "reference": "RDV-3", "number": people[3], "practitioner": "dr petit", "starts_at": of["starts_at"],
    });
    http.post("/v1/events", &json!({ "events": [other] })).expect(200);
    slot(&http, &second, "withdrawn");
    // Or it is taken back by its offer.
    let third = book(&http, &people[3], ("RDV-4", 800));
    cancel(&http, &third);
    let open = slot(&http, &third, "open");
    http.post(&format!("/v1/offers/{}/cancel", text(&open["offer"])), &json!({}))
        .expect(200);
    slot(&http, &third, "withdrawn");
    let states: Vec<Value> = told(&receiver, 3)
        .iter()
        .map(|event| event["data"]["state"].clone())
        .collect();
    assert_eq!(states, vec![json!("withdrawn"); 3]);
}

#[test]
fn req_004_13_the_time_of_an_appointment_that_is_moved_is_offered_as_it_was() {
    let stand = stand("slots-moved");
    let http = stand.tenant.http(&stand.engine);
    switch_on(&http, &json!({}));
    let people = people(3);
    wait(&http, &people[0], &json!({ "practitioners": ["Dr Petit"] }));
    let event = book(&http, &people[2], ("RDV-1", 600));
    let shown = |event: &str| http.get(&format!("/v1/events/{event}")).expect(200);
    let first = shown(&event)["starts_at"].clone();
    let moves = |reference: &str, starts_at: &Value, practitioner: &str| {
        let moved = json!({ "reference": reference, "practitioner": practitioner, "starts_at": starts_at });
        http.post("/v1/events", &json!({ "events": [moved] })).expect(200);
    };
    let later = json!((Timestamp::now() + SignedDuration::from_mins(900)).to_string());
    // With another doctor since: what is offered is what it was.
    moves("RDV-1", &later, "Dr Grand");
    let open = slot(&http, &event, "open");
    assert_eq!((&open["starts_at"], &open["people"]), (&first, &json!(1)));
    assert_eq!(got(&stand, &people[0], 1), [TEXT]);
    stand.sim.inbound(&people[0], OWN, "OUI");
    assert_eq!(got(&stand, &people[0], 2)[1], WON);
    slot(&http, &event, "taken");
    assert_eq!(shown(&event)["state"], "booked");
    // One that is moved back is free no more, and the time that it left then is.
    wait(&http, &people[1], &json!({}));
    let second = book(&http, &people[2], ("RDV-2", 700));
    let before = shown(&second)["starts_at"].clone();
    moves("RDV-2", &later, "Dr Petit");
    let offer = slot(&http, &second, "open")["offer"].clone();
    moves("RDV-2", &before, "Dr Petit");
    let offer = format!("/v1/offers/{}", text(&offer));
    eventually("the first time is taken back", LIMIT, || {
        (http.get(&offer).expect(200)["state"] == "canceled").then_some(())
    });
    eventually("the second is free", LIMIT, || {
        let slot = &shown(&second)["slot"];
        (slot["state"] == "open" && slot["starts_at"] != before).then_some(())
    });
}

#[test]
fn req_004_13_who_joins_while_a_slot_is_free_is_asked_in_the_next_wave() {
    let stand = stand("slots-joined");
    let http = stand.tenant.http(&stand.engine);
    switch_on(&http, &json!({ "wave": { "people": 1, "minutes": 30 } }));
    let people = people(6);
    wait(&http, &people[0], &json!({}));
    let event = book(&http, &people[5], ("RDV-1", 600));
    cancel(&http, &event);
    assert_eq!(got(&stand, &people[0], 1), [TEXT]);
    let open = slot(&http, &event, "open");
    wait(&http, &people[1], &json!({}));
    let both = eventually("who has joined is to be asked", LIMIT, || {
        let all = asked(&http, &open);
        (all.len() == 2).then_some(all)
    });
    let at = |person: &Value| text(&person["due_at"]).parse::<Timestamp>().expect("a time");
    assert_eq!((&both[1]["to"], &both[1]["state"]), (&json!(people[1]), &json!("due")));
    let apart = at(&both[1]).duration_since(at(&both[0]));
    assert!(apart >= SignedDuration::from_mins(30), "{apart:?}");
    assert_eq!(slot(&http, &event, "open")["people"], 2);
    // The same handed in again asks nobody twice.
    wait(&http, &people[1], &json!({ "consent": "Au comptoir" }));

    let off = json!({ "references": [people[0], people[1]] });
    http.post("/v1/waiting_list/remove", &off).expect(200);
    switch_on(&http, &json!({ "wave": null }));
    let second = book(&http, &people[5], ("RDV-2", 700));
    cancel(&http, &second);
    slot(&http, &second, "nobody");
    // That suits somebody only for the second.
    let from = (Timestamp::now() + SignedDuration::from_mins(650)).to_string();
    wait(&http, &people[2], &json!({ "from": from }));
    assert_eq!(got(&stand, &people[2], 1), [TEXT]);
    wait(&http, &people[3], &json!({ "from": from }));
    assert_eq!(got(&stand, &people[3], 1), [TEXT]);
    assert_eq!(slot(&http, &second, "open")["people"], 2);
    stand.sim.inbound(&people[3], OWN, "oui");
    assert_eq!(got(&stand, &people[3], 2)[1], WON);
    slot(&http, &second, "taken");
    wait(&http, &people[4], &json!({ "from": from }));
    assert_eq!(asked(&http, &slot(&http, &second, "taken")).len(), 2);
    assert_eq!(asked(&http, &open).len(), 2, "nobody is asked twice");
}

#[test]
fn req_004_13_a_time_that_nobody_wanted_and_that_is_booked_again_is_offered_to_nobody_who_joins() {
    let stand = stand("slots-booked-again");
    let http = stand.tenant.http(&stand.engine);
    switch_on(&http, &json!({}));
    let people = people(3);
    let at = in_minutes(300);
    let first = book_at(&http, &people[0], ("RDV-1", &at));
    cancel(&http, &first);
    slot(&http, &first, "nobody");
    book_at(&http, &people[1], ("RDV-2", &at));
    let free = book(&http, &people[0], ("RDV-3", 400));
    cancel(&http, &free);
    slot(&http, &free, "nobody");
    wait(&http, &people[2], &json!({}));
    // The one that is still free, and only that one.
    assert_eq!(slot(&http, &free, "open")["people"], 1);
    slot(&http, &first, "withdrawn");
    assert_eq!(got(&stand, &people[2], 1), [TEXT]);
    stand.sim.inbound(&people[2], OWN, "Oui");
    assert_eq!(got(&stand, &people[2], 2), [TEXT, WON]);
    slot(&http, &free, "taken");
}

#[test]
fn req_004_13_nothing_is_offered_too_late_or_unless_it_is_switched_on() {
    let stand = stand("slots-not");
    let http = stand.tenant.http(&stand.engine);
    let people = people(4);
    wait(&http, &people[0], &json!({}));
    let cancelled = |reference: &str, minutes| {
        let event = book(&http, &people[3], (reference, minutes));
        cancel(&http, &event);
        event
    };
    let off = cancelled("off", 600);
    switch_on(&http, &json!({ "kinds": ["Radio"], "notice": 120 }));
    let other_kind = cancelled("kind", 600);
    switch_on(&http, &json!({ "kinds": null, "by": ["patient"] }));
    let by_practice = cancelled("by", 600);
    switch_on(&http, &json!({ "by": ["patient", "practice"] }));
    let too_short = cancelled("short", 60);
    let over = cancelled("over", -60);
    slot(&http, &too_short, "too_late");
    for event in [off, other_kind, by_practice, over] {
        let shown = http.get(&format!("/v1/events/{event}")).expect(200);
        assert!(shown["slot"].is_null(), "{shown}");
    }
    // Who waits no more, or has opted out since, is not asked.
    opt_out(&stand, &people[0]);
    slot(&http, &cancelled("nobody", 700), "nobody");
    assert!(stand.sim.ledger().is_empty());
    // It may be given in the change that frees it: then it never is.
    let starts_at = (Timestamp::now() + SignedDuration::from_hours(9)).to_string();
    // The other time is still free, and does not suit.
    let soon = (Timestamp::now() + SignedDuration::from_hours(10)).to_string();
    wait(&http, &people[1], &json!({ "until": soon }));
    let with = |reference: &str, state: &str| json!({ "reference": reference, "number": people[3], "practitioner": "Dr Petit", "starts_at": starts_at, "state": state });
    let booked = json!({ "events": [with("A", "booked")] });
    http.post("/v1/events", &booked).expect(200);
    let swapped = json!({ "events": [with("A", "cancelled"), with("B", "booked")] });
    let made = http.post("/v1/events", &swapped).expect(200);
    slot(&http, &text(&made["data"][0]["id"]), "withdrawn");
    assert!(stand.sim.ledger().is_empty());
}

#[test]
fn req_004_13_a_slot_that_is_freed_at_night_is_offered_in_the_morning_and_not_to_who_opted_out_meanwhile() {
    let lab = Lab::new(programs!(), "slots-night");
    // A Friday, ten in the evening.
    lab.live_at("2026-11-27T21:00:00Z");
    let of_law = |redis: &campanile_tests::RedisServer, sim: &campanile_tests::Sim| {
        let mut settings = Stand::with_webhooks(redis, sim);
        settings.rules = Some(vec!["fr-seed".to_owned()]);
        settings
    };
    let mut stand = Stand::under(lab, "", of_law);
    stand.give_number(OWN, &[&stand.tenant]);
    let http = stand.tenant.http(&stand.engine);
    switch_on(&http, &json!({ "wave": { "people": 3, "minutes": 30 } }));
    let people = people(5);
    let contact = json!({ "reference": "P-2", "last_name": "Martin", "number": people[2] });
    let made = http.post("/v1/contacts", &json!({ "contacts": [contact] })).expect(200);
    let contact = text(&made["data"][0]["id"]);
    for (at, person) in people[..4].iter().enumerate() {
        let more = if at == 2 {
            json!({ "patient": "P-2" })
        } else {
            json!({})
        };
        wait(&http, person, &more);
    }
    let event = json!({
        "reference": "RDV-1", "number": people[4], "practitioner": "Dr Petit", "starts_at": "2026-11-28T15:00",
    });
    let made = http.post("/v1/events", &json!({ "events": [event] })).expect(200);
    let event = text(&made["data"][0]["id"]);
    cancel(&http, &event);
    let open = slot(&http, &event, "open");
    let dues: Vec<Value> = asked(&http, &open).iter().map(|one| one["due_at"].clone()).collect();
    let (first, second) = (json!("2026-11-28T07:00:00Z"), json!("2026-11-28T07:30:00Z"));
    assert_eq!(dues, [first.clone(), first.clone(), first, second]);
    opt_out(&stand, &people[0]);
    http.delete(&format!("/v1/contacts/{contact}")).expect_none(204);
    assert!(stand.engine.shut_down().success());
    assert!(stand.sim.ledger().is_empty());
    stand.lab().live_at("2026-11-28T06:59:58Z");
    stand.redis.restart();
    stand.sim.restart();
    let settings = of_law(&stand.redis, &stand.sim);
    stand.engine.restart_with(&settings);
    assert_eq!(got(&stand, &people[1], 1), [TEXT]);
    let http = stand.tenant.http(&stand.engine);
    let all = eventually("who wants it no more is left out", LIMIT, || {
        let all = asked(&http, &open);
        all[..3].iter().all(|person| person["state"] != "due").then_some(all)
    });
    let became: Vec<Value> = all.iter().map(|one| json!([one["state"], one["reason"]])).collect();
    assert_eq!(
        became,
        [
            json!(["failed", "opted_out"]),
            json!(["sent", null]),
            json!(["failed", "not_waiting"]),
            json!(["due", null]),
        ]
    );
    let seven: Timestamp = "2026-11-28T07:00:00Z".parse().expect("a time");
    let seven = u64::try_from(seven.as_microsecond()).expect("after 1970");
    let ledger = stand.sim.ledger();
    assert_eq!(ledger.len(), 1);
    assert!(ledger[0].received_at_us >= seven, "nobody is woken");
}

#[test]
fn what_is_no_waiting_list_is_refused() {
    let stand = stand("slots-refused");
    let http = stand.tenant.http(&stand.engine);
    let given = |more: &Value| {
        let mut given = json!({ "reference": "A-1", "number": "0612345678", "consent": "Au téléphone" });
        given
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        given
    };
    for (change, pointer) in [
        (json!({ "consent": " " }), "/people/0/consent"),
        (json!({ "reference": "" }), "/people/0/reference"),
        (json!({ "kinds": [] }), "/people/0/kinds"),
        (json!({ "from": "demain" }), "/people/0/from"),
        (
            json!({ "from": "2030-01-02T00:00", "until": "2030-01-01T00:00" }),
            "/people/0/until",
        ),
        (json!({ "expires_at": "2020-01-01T00:00:00Z" }), "/people/0/expires_at"),
        (json!({ "patient": "P-1" }), "/people/0/number"),
        (json!({ "colour": "red" }), "/people/0/colour"),
    ] {
        http.post("/v1/waiting_list", &json!({ "people": [given(&change)] }))
            .expect_field_problem(&[400, 422], pointer);
    }
    let nobody = json!({ "people": [{ "reference": "A-1", "consent": "Oui" }] });
    http.post("/v1/waiting_list", &nobody)
        .expect_field_problem(&[422], "/people/0");
    let unknown = json!({ "people": [{ "reference": "A-1", "patient": "P-9", "consent": "Oui" }] });
    http.post("/v1/waiting_list", &unknown)
        .expect_field_problem(&[400, 422], "/people/0/patient");
    // Handed in again nothing changes; otherwise the place is kept.
    for (more, outcome) in [
        (json!({}), "created"),
        (json!({}), "unchanged"),
        (json!({ "kinds": ["Radio"] }), "updated"),
    ] {
        let became = http
            .post("/v1/waiting_list", &json!({ "people": [given(&more)] }))
            .expect(200);
        assert_eq!(became["data"][0]["outcome"], outcome);
    }
    http.patch("/v1/slot_settings", &json!({ "enabled": true }))
        .expect_field_problem(&[422], "/enabled");
    for (change, pointer) in [
        (json!({ "text": "Bonjour [prenom]" }), "/text"),
        (json!({ "notice": 5 }), "/notice"),
        (json!({ "by": ["anybody"] }), "/by/0"),
        (json!({ "wave": { "people": 1 } }), "/wave/minutes"),
    ] {
        http.patch("/v1/slot_settings", &change)
            .expect_field_problem(&[400, 422], pointer);
    }
    let elsewhere = http.patch("/v1/slot_settings", &json!({ "number": "+33644630009" }));
    assert_eq!(elsewhere.expect(409)["code"], "number_not_own");
    assert_eq!(http.get("/v1/slot_settings").expect(200)["enabled"], false);
}

/// Whatever dies meanwhile, what became free is offered once, to each once, and given once.
fn killed(seed: u64) {
    let mut stand = stand(&format!("slots-kills-{seed}"));
    let mut dice = Dice::new(seed);
    let http = stand.tenant.http(&stand.engine);
    switch_on(&http, &json!({ "wave": null }));
    let people = people(21);
    for person in &people[..20] {
        wait(&http, person, &json!({}));
    }
    let event = book(&http, &people[20], ("RDV-1", 600));
    cancel(&http, &event);
    // It is free, and most probably not offered yet.
    stand.engine.kill();
    stand.engine.restart();
    let some = dice.roll(1..=20) as usize;
    eventually("some are asked", LIMIT, || {
        (stand.sim.ledger().len() >= some).then_some(())
    });
    stand.engine.kill();
    stand.engine.restart();
    for person in &people[..20] {
        assert_eq!(got(&stand, person, 1), [TEXT], "seed {seed}");
        stand.sim.inbound(person, OWN, "Oui");
    }
    let more = 20 + dice.roll(0..=10) as usize;
    eventually("some are answered", LIMIT, || {
        (stand.sim.ledger().len() >= more).then_some(())
    });
    stand.engine.kill();
    stand.engine.restart();
    let http = stand.tenant.http(&stand.engine);
    for person in &people[..20] {
        got(&stand, person, 2);
    }
    let taken = slot(&http, &event, "taken");
    let all = asked(&http, &taken);
    let won: Vec<String> = all
        .iter()
        .filter(|person| person["answer"] == "won")
        .map(|person| text(&person["to"]))
        .collect();
    assert_eq!((all.len(), won.len()), (20, 1), "seed {seed}: {all:?}");
    for person in &people[..20] {
        let expected = if *person == won[0] { WON } else { LATE };
        assert_eq!(had(&stand, person), [TEXT, expected], "seed {seed}: {person}");
    }
    let left: Vec<String> = people[..20]
        .iter()
        .filter(|person| **person != won[0])
        .cloned()
        .collect();
    assert_eq!(waiting(&http), left, "seed {seed}");
    let offers = http.get("/v1/offers").expect(200);
    assert_eq!(
        offers["data"].as_array().map(Vec::len),
        Some(1),
        "seed {seed}: {offers}"
    );
}

#[test]
fn req_004_13_whatever_dies_meanwhile_a_freed_slot_is_offered_and_given_once() {
    for seed in [1, 2, 3] {
        killed(seed);
    }
}
