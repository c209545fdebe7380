//! Reminders of days that follow each other at once, with both nights in which clocks change: each goes once and never early, whatever is
//! killed and whatever clocks are set to.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use lab::{EngineSettings, SmscSettings, poll};
use serde_json::{Value, json};

use super::ground::{Ground, LIMIT, SLOW_ANSWERS};
use super::run::{Figures, Run, Scenario};
use crate::clock::Clocks;
use crate::programs::Lab;
use crate::stand::Stand;

/// All of this file.
pub const ALL: &[Scenario] = &[REMINDERS];

/// Three days of a month, each with what goes wrong in it.
pub const REMINDERS: Scenario = Scenario::new("reminders", reminders);

/// In the first night the clocks of Sydney are put forward, in the last those of Paris back.
const DAYS: [&str; 3] = ["2026-10-03T16:00:00Z", "2026-10-14T07:30:00Z", "2026-10-25T01:00:00Z"];
const ZONES: [&str; 2] = ["Europe/Paris", "Australia/Sydney"];

/// How many reminders of a day, and how many are due in a second.
const EACH: u64 = 40;
const RATE: u64 = 8;

/// Programs are up by then.
const BEFORE: SignedDuration = SignedDuration::from_secs(4);

/// By how much clocks are put wrong.
const WRONG_S: [i64; 5] = [-7_200, -40, 40, 7_200, 3 * 86_400];

/// Half of what a round trip to Redis takes at the most: an engine that starts knows its time no better.
const EARLY_US: u64 = 500_000;

/// When each is due, by the number that is told.
type Due = BTreeMap<String, Timestamp>;

fn reminders(run: &Run) -> Figures {
    let mut dice = run.dice();
    let begins = DAYS.map(|day| at(day) - SignedDuration::from_secs((EACH / RATE / 2).cast_signed()));
    let (mut ground, mut clocks) = ground(run, begins[0] - SignedDuration::from_hours(24));
    let (due, events) = book(&ground, &begins);
    let (mut kills, mut wrong, mut shifts) = (0, 0, Vec::new());
    for (day, &begin) in begins.iter().enumerate() {
        ground.stand.engine.kill();
        clocks.set_to(begin - BEFORE);
        shifts.push(clocks.shift());
        ground.stand.engine.restart();
        kills += 1;
        for _ in 0..dice.roll(1..=2) {
            let some = ground.stand.sim.totals().submits + dice.roll(1..=EACH / 4);
            ground.eventually("some are sent", || {
                (ground.stand.sim.totals().submits >= some).then_some(())
            });
            if dice.roll(0..=1) == 0 {
                // An engine that starts believes Redis.
                clocks.put_wrong([SignedDuration::ZERO; 2]);
                ground.stand.engine.kill();
                ground.stand.engine.restart();
                kills += 1;
            } else {
                let by = SignedDuration::from_secs(dice.pick(&WRONG_S));
                let none = SignedDuration::ZERO;
                clocks.put_wrong(dice.pick(&[[by, none], [none, by], [by, by]]));
                wrong += 1;
            }
        }
        wait_until_sent(&ground, &events[day * EACH as usize..][..EACH as usize]);
        clocks.put_wrong([SignedDuration::ZERO; 2]);
    }
    let (in_doubt, latest_ms) = compare(&ground, (&due, &shifts), &events);
    ground.assert_credits(&ground.stand.tenant);
    Figures::from([
        ("kills", kills),
        ("wrong clocks", wrong),
        ("in doubt", in_doubt),
        ("latest, ms", latest_ms),
    ])
}

fn at(moment: &str) -> Timestamp {
    moment.parse().expect("a time")
}

/// A stand that lives at that time, by clocks that may be set.
fn ground(run: &Run, at: Timestamp) -> (Ground, Clocks) {
    let lab = Lab::new(run.programs, &run.directory());
    let clocks = lab.clocks(at);
    let mut settings = EngineSettings::new(None, Vec::new());
    let mut stand = Stand::under(lab, SLOW_ANSWERS, |redis, sim| {
        settings.redis_url = Some(redis.url());
        settings.smscs = vec![SmscSettings::new("north", sim.smpp_address())];
        settings.clone()
    });
    stand.redis.sync_always();
    let context = run.context();
    let ground = Ground {
        stand,
        settings,
        context,
    };
    (ground, clocks)
}

/// Books an appointment for each reminder: when these are due, and the ids of the events, day by day.
fn book(ground: &Ground, begins: &[Timestamp]) -> (Due, Vec<String>) {
    let http = ground.stand.tenant.http(&ground.stand.engine);
    for (kind, offset) in [("Jours", "-1d"), ("Heures", "-24h")] {
        let plan =
            json!({ "name": kind, "kinds": [kind], "offsets": [offset], "sender": "Cabinet", "text": "RDV [heure]" });
        http.post("/v1/reminder_plans", &plan).expect(201);
    }
    let (mut due, mut events) = (Due::new(), Vec::new());
    for begin in begins {
        for index in 0..EACH {
            let number = format!("336{:08}", due.len());
            let at = *begin + SignedDuration::from_secs((index / RATE).cast_signed());
            events.push(event(&number, at));
            due.insert(number, at);
        }
    }
    let made = http.post("/v1/events", &json!({ "events": events })).expect(200);
    let made = made["data"].as_array().expect("a list");
    let ids = made.iter().map(|event| event["id"].as_str().expect("an id").to_owned());
    (due, ids.collect())
}

/// An appointment that a reminder is due of at that time: by days where the clocks leave no doubt, or else by hours.
fn event(number: &str, due: Timestamp) -> Value {
    let index: usize = number.parse().expect("a number");
    let zone = ZONES[index % 2];
    let local = due.to_zoned(TimeZone::get(zone).expect("a zone"));
    let of_day = local.datetime().to_zoned(local.time_zone().clone()).expect("a time");
    let start = local.checked_add(1.day()).expect("a time").datetime();
    let (kind, starts_at) = if index % 4 < 2 && of_day.timestamp() == due {
        ("Jours", start.to_string())
    } else {
        ("Heures", (due + SignedDuration::from_hours(24)).to_string())
    };
    json!({ "reference": number, "number": format!("+{number}"), "kind": kind, "time_zone": zone, "starts_at": starts_at })
}

/// Until none of the day's waits any more: the next day is one on which its validity is over.
fn wait_until_sent(ground: &Ground, events: &[String]) {
    let http = ground.stand.tenant.http(&ground.stand.engine);
    for event in events {
        let message = ground.eventually("each is sent", || {
            let event = http.get(&format!("/v1/events/{event}")).expect(200);
            event["reminders"][0]["message"].as_str().map(str::to_owned)
        });
        ground.eventually("each has left", || {
            let shown = http.get(&format!("/v1/messages/{message}")).expect(200);
            let waits = ["queued", "deferred", "submitting"].map(|state| shown["status"] == state);
            (!waits.contains(&true)).then_some(())
        });
    }
}

/// Each is in the simulator's ledger once, at its time or later, but for those that were with an engine that died as it handed them
/// over: how many these are, and how late the last of the others was.
fn compare(ground: &Ground, (due, shifts): (&Due, &[SignedDuration]), events: &[String]) -> (u64, u64) {
    let http = ground.stand.tenant.http(&ground.stand.engine);
    let (mut in_doubt, mut latest_us) = (0, 0);
    let mut doubts = Vec::new();
    for event in events {
        let event = http.get(&format!("/v1/events/{event}")).expect(200);
        let message = event["reminders"][0]["message"]
            .as_str()
            .expect("it was sent")
            .to_owned();
        let mut shown = Value::Null;
        let over = poll(LIMIT, || {
            shown = http.get(&format!("/v1/messages/{message}")).expect(200);
            // What is in doubt for days ends so.
            let is_in_doubt = shown["status"] == "in_doubt" || shown["reason"] == "in_doubt";
            (is_in_doubt || shown["status"] == "delivered").then_some(is_in_doubt)
        });
        doubts.push(over.unwrap_or_else(|| panic!("{}: its message is not over: {shown}", ground.context)));
    }
    let mut ledger = ground.stand.sim.ledger_by_recipient();
    for (at, ((number, due), is_in_doubt)) in due.iter().zip(&doubts).enumerate() {
        // As the simulator's clock has it.
        let due_us = (*due - shifts[at / EACH as usize]).as_microsecond().cast_unsigned();
        let rows = ledger.remove(number).unwrap_or_default();
        match (&rows[..], is_in_doubt) {
            ([], true) => in_doubt += 1,
            ([row], _) => {
                let at_us = row.received_at_us;
                assert!(
                    at_us + EARLY_US >= due_us,
                    "{}: {row:?} was due at {due}",
                    ground.context
                );
                latest_us = latest_us.max(at_us.saturating_sub(due_us));
            }
            (rows, _) => panic!(
                "{}: {number} was sent {rows:?}, in doubt: {is_in_doubt}",
                ground.context
            ),
        }
    }
    assert!(ledger.is_empty(), "{}: {ledger:?}", ground.context);
    (in_doubt, latest_us / 1_000)
}
