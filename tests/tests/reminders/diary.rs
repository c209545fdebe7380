//! A practice's diary as its software keeps it, and what its patients were told.

use std::time::Duration;

use campanile_tests::{EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs, text};
use serde_json::{Value, json};

/// The engine is slow on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// Programs that live at that time.
pub(crate) fn stand_at(name: &str, at: &str) -> Stand {
    let lab = Lab::new(programs!(), name);
    lab.live_at(at);
    Stand::under(lab, "", |redis, sim| {
        EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    })
}

/// Everybody lives at another time from now on.
pub(crate) fn wake_at(stand: &mut Stand, at: &str) {
    stand.engine.kill();
    stand.lab().live_at(at);
    stand.redis.restart();
    stand.sim.restart();
    let north = SmscSettings::new("north", stand.sim.smpp_address());
    let settings = EngineSettings::new(Some(stand.redis.url()), vec![north]);
    stand.engine.restart_with(&settings);
}

pub(crate) fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

/// A plan whose text is that, with whatever else is said of it.
pub(crate) fn plan(http: &Http, said: &str, more: &Value) -> Value {
    let mut plan = json!({ "name": "Rappel", "text": said, "sender": "Cabinet" });
    for (name, value) in more.as_object().expect("fields") {
        plan[name] = value.clone();
    }
    http.post("/v1/reminder_plans", &plan).expect(201)
}

/// Puts events in place; their ids.
pub(crate) fn put(http: &Http, events: &Value) -> Vec<String> {
    let made = http.post("/v1/events", &json!({ "events": events })).expect(200);
    let made = made["data"].as_array().expect("a list");
    made.iter().map(|event| text(&event["id"])).collect()
}

pub(crate) fn contact(http: &Http, reference: &str, number: &str, first_name: &str) -> String {
    let contact = json!({ "reference": reference, "number": number, "first_name": first_name });
    let made = http.post("/v1/contacts", &json!({ "contacts": [contact] })).expect(200);
    text(&made["data"][0]["id"])
}

pub(crate) fn event(http: &Http, id: &str) -> Value {
    http.get(&format!("/v1/events/{id}")).expect(200)
}

/// The reminders of an event: step, state, and reason if there is one.
pub(crate) fn reminders(http: &Http, id: &str) -> Vec<String> {
    let shown = event(http, id);
    let all = shown["reminders"].as_array().expect("reminders");
    let said = |reminder: &Value| {
        let reason = reminder["reason"].as_str().map(|reason| format!(" {reason}"));
        format!(
            "{} {}{}",
            text(&reminder["step"]),
            text(&reminder["state"]),
            reason.unwrap_or_default()
        )
    };
    all.iter().map(said).collect()
}

/// Waits until the reminders of an event are these.
pub(crate) fn become_of(stand: &Stand, id: &str, wanted: &[&str]) {
    let mut last = Vec::new();
    let asked = http(stand);
    eventually(&format!("the reminders of {id} are {wanted:?}"), LIMIT, || {
        last = reminders(&asked, id);
        (last == wanted).then_some(())
    });
}

/// What the simulator was given: number and text, sorted.
pub(crate) fn told(stand: &Stand) -> Vec<(String, String)> {
    let rows = stand.sim.ledger();
    let mut told: Vec<_> = rows
        .into_iter()
        .map(|row| (row.recipient, row.text.expect("a text")))
        .collect();
    told.sort();
    told
}

pub(crate) fn wait_told(stand: &Stand, messages: u64) -> Vec<(String, String)> {
    stand.sim.wait_for("submits", messages, LIMIT);
    told(stand)
}
