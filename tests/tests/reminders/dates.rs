//! What is told by the date of an appointment.

use std::collections::BTreeSet;

use campanile_tests::scenarios::Dice;
use campanile_tests::{EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs, text};
use serde_json::{Value, json};

use crate::reminders::diary::{
    LIMIT, become_of, contact, event, http, plan, put, reminders, stand_at, wait_told, wake_at,
};

#[test]
fn req_004_14_a_reminder_goes_a_day_before_to_the_number_of_now_and_req_004_09_req_004_10_req_004_15_says_where_and_with_whom()
 {
    // req_004_09, 10, 12, 15. In Paris it is twenty past nine, of the day before.
    let stand = stand_at("reminders", "2026-12-23T08:29:40Z");
    let http = http(&stand);
    let zoe = contact(&http, "P-17", "+33612345601", "Zoé");
    contact(&http, "P-18", "+33612345602", "Hugo");
    let said = "[prenom], RDV le [jour] à [heure] avec [praticien], [lieu], [etage], [duree] min. [clinique]";
    plan(&http, said, &json!({ "offsets": ["-7d", "-24h"] }));
    let details = json!({ "practitioner": "Dr Petit", "place": "12 rue Haute", "floor": "2e", "minutes": 20 });
    let with = |event: Value| {
        let mut event = event;
        for (name, value) in details.as_object().expect("fields") {
            event[name] = value.clone();
        }
        event
    };
    let day = "2026-12-24T09:30";
    let ids = put(
        &http,
        &json!([
            with(json!({ "reference": "1", "patient": "P-17", "starts_at": day })),
            with(json!({ "reference": "2", "number": "0612345603", "starts_at": day })),
            with(json!({ "reference": "3", "patient": "P-18", "starts_at": day })),
            with(json!({ "reference": "4", "patient": "P-18", "starts_at": "2026-12-24T16:00" })),
        ]),
    );
    assert_eq!(reminders(&http, &ids[0]), ["-24h waiting"], "a week before is over");
    // Before it goes, one has another number, one is moved and one is cancelled.
    let moved = json!({ "reference": "2", "starts_at": "2027-03-29T09:30" });
    let again = http.post("/v1/events", &json!({ "events": [moved] })).expect(200);
    assert_eq!(again["data"][0], json!({ "id": ids[1], "outcome": "updated" }));
    contact(&http, "P-17", "+33612345699", "Zoé");
    http.post(&format!("/v1/events/{}/cancel", ids[2]), &json!({}))
        .expect(200);
    let same = json!({ "reference": "1", "patient": "P-17", "starts_at": day });
    let again = http.post("/v1/events", &json!({ "events": [same] })).expect(200);
    assert_eq!(again["data"][0]["outcome"], "unchanged");

    become_of(&stand, &ids[0], &["-24h sent"]);
    let sent = "Zoé, RDV le jeudi 24 décembre à 09:30 avec Dr Petit, 12 rue Haute, 2e, 20 min. Cabinet Martin";
    assert_eq!(wait_told(&stand, 1), [("33612345699".to_owned(), sent.to_owned())]);
    let rows = stand.sim.ledger();
    let due: jiff::Timestamp = "2026-12-23T08:30:00Z".parse().expect("a time");
    assert!(
        rows[0].received_at_us >= u64::try_from(due.as_microsecond()).expect("a time"),
        "not before"
    );
    assert_eq!(reminders(&http, &ids[1]), ["-7d waiting", "-24h waiting"]);
    // The clocks are put forward on 28 March: a week keeps the hour, 24 hours do not.
    let moved = event(&http, &ids[1]);
    assert_eq!(moved["reminders"][0]["due_at"], "2027-03-22T08:30:00Z");
    assert_eq!(moved["reminders"][1]["due_at"], "2027-03-28T07:30:00Z");
    assert_eq!(reminders(&http, &ids[2]), ["-24h cancelled"]);
    let first = event(&http, &ids[0]);
    assert_eq!(
        (&first["contact"], &first["reminders"][0]["for"]),
        (&json!(zoe), &first["starts_at"])
    );
    let message = text(&first["reminders"][0]["message"]);
    assert_eq!(
        http.get(&format!("/v1/messages/{message}")).expect(200)["to"],
        "+33612345699"
    );
    let asked = http.get("/v1/open_questions?number=%2B33612345699").expect(200);
    let asked = asked["data"].as_array().expect("questions");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (&asked[0]["event"], &asked[0]["open_until"]),
        (&json!(ids[0]), &first["starts_at"])
    );
    pages_follow_each_other(&http);
}

/// Appointments of that day by their start, page by page.
fn pages_follow_each_other(http: &Http) {
    let page = http
        .get("/v1/events?state=booked&until=2026-12-25T00:00:00Z&limit=1")
        .expect(200);
    let next = http
        .get(&format!(
            "/v1/events?state=booked&limit=1&cursor={}",
            text(&page["next_cursor"])
        ))
        .expect(200);
    assert_eq!(
        (&page["data"][0]["reference"], &next["data"][0]["reference"]),
        (&json!("1"), &json!("4"))
    );
}

#[test]
fn req_004_14_one_booked_late_is_told_at_once_and_one_moved_after_that_again() {
    let stand = stand_at("reminders-late", "2026-12-23T09:00:00Z");
    let http = http(&stand);
    plan(&http, "RDV [date] [heure]", &json!({ "offsets": ["-7d", "-24h"] }));
    let number = |digit: u8| format!("+3361234560{digit}");
    let ids = put(
        &http,
        &json!([
            { "reference": "1", "number": number(1), "starts_at": "2026-12-23T16:00" },
            // Within the hour, and over.
            { "reference": "2", "number": number(2), "starts_at": "2026-12-23T10:30" },
            { "reference": "3", "number": number(3), "starts_at": "2026-12-22T10:30" },
        ]),
    );
    become_of(&stand, &ids[0], &["-24h sent"]);
    put(&http, &json!([{ "reference": "1", "starts_at": "2026-12-29T16:00" }]));
    become_of(&stand, &ids[0], &["-24h sent", "moved sent", "-24h waiting"]);
    let open = http.get("/v1/open_questions?number=0612345601").expect(200);
    assert_eq!(
        open["data"].as_array().map(Vec::len),
        Some(1),
        "the old date is no question any more: {open}"
    );
    http.post(&format!("/v1/events/{}/cancel", ids[0]), &json!({}))
        .expect(200);
    assert_eq!(reminders(&http, &ids[0]), ["-24h sent", "moved sent", "-24h cancelled"]);
    let told = wait_told(&stand, 2);
    let wanted = ["RDV 23/12/2026 16:00", "RDV 29/12/2026 16:00"];
    assert_eq!(told, wanted.map(|text| ("33612345601".to_owned(), text.to_owned())));
    assert!(reminders(&http, &ids[1]).is_empty() && reminders(&http, &ids[2]).is_empty());
}

#[test]
fn req_004_12_what_a_plan_says_is_changed_and_what_it_told_stays_known() {
    let stand = stand_at("reminders-edited", "2026-12-23T09:00:00Z");
    let http = http(&stand);
    let made = plan(&http, "RDV le [date]", &json!({ "offsets": ["-7d"] }));
    let path = format!("/v1/reminder_plans/{}", text(&made["id"]));
    let event = |start: &str| json!([{ "reference": "1", "number": "+33612345601", "starts_at": start }]);
    let id = &put(&http, &event("2026-12-29T16:00"))[0];
    become_of(&stand, id, &["-7d sent"]);
    let edited = http
        .patch(&path, &json!({ "text": "Rendez-vous le [date]", "notice": 30 }))
        .expect(200);
    assert_eq!(
        (
            &edited["text"],
            &edited["notice"],
            &edited["offsets"],
            &edited["sender"]
        ),
        (
            &json!("Rendez-vous le [date]"),
            &json!(30),
            &json!(["-7d"]),
            &json!("Cabinet")
        )
    );
    // Who was told of the old date is told of the new one, by the new text.
    put(&http, &event("2026-12-28T10:00"));
    become_of(&stand, id, &["-7d sent", "moved sent"]);
    let texts: Vec<String> = wait_told(&stand, 2).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["RDV le 29/12/2026", "Rendez-vous le 28/12/2026"]);
    http.patch(&path, &json!({ "text": "RDV [couleur]" }))
        .expect_field_problem(&[422], "/text");
    http.patch(&path, &json!({ "offsets": ["-1d"] }))
        .expect_field_problem(&[400], "/offsets");
    let missing = http.patch("/v1/reminder_plans/rpl_7777777777777", &json!({ "name": "Autre" }));
    missing.expect_problem(&[404]);
}

#[test]
fn req_004_14_whose_appointment_it_is_now_is_told_and_asked_and_nobody_else_any_more() {
    let stand = stand_at("reminders-corrected", "2026-12-23T09:00:00Z");
    let http = http(&stand);
    plan(
        &http,
        "Noté : [date] [heure]",
        &json!({ "on": "booked", "offsets": ["0", "+1h"] }),
    );
    let starts = json!([{ "reference": "1", "number": "+33612345601", "starts_at": "2026-12-29T16:00" }]);
    let id = &put(&http, &starts)[0];
    become_of(&stand, id, &["0 sent", "+1h waiting"]);
    put(&http, &json!([{ "reference": "1", "number": "+33612345602" }]));
    become_of(&stand, id, &["0 sent", "0 sent", "+1h waiting"]);
    let told = wait_told(&stand, 2);
    let said = |number: &str| (number.to_owned(), "Noté : 29/12/2026 16:00".to_owned());
    assert_eq!(told, [said("33612345601"), said("33612345602")]);
    let open = |number: &str| {
        let open = http.get(&format!("/v1/open_questions?number={number}")).expect(200);
        open["data"].as_array().map(Vec::len)
    };
    assert_eq!((open("0612345601"), open("0612345602")), (Some(0), Some(1)));
}

#[test]
fn req_004_14_moved_back_and_forth_each_time_is_told_again() {
    let stand = stand_at("reminders-back", "2026-12-23T09:00:00Z");
    let http = http(&stand);
    plan(&http, "RDV [date]", &json!({ "offsets": ["-7d"] }));
    let put_at = |start: &str| {
        let event = json!([{ "reference": "1", "number": "+33612345601", "starts_at": start }]);
        put(&http, &event)[0].clone()
    };
    let (one, other) = ("2026-12-29T16:00", "2026-12-28T10:00");
    let id = put_at(one);
    let mut expected = vec!["-7d sent"];
    become_of(&stand, &id, &expected);
    for start in [other, one, other, one] {
        put_at(start);
        expected.push("moved sent");
        become_of(&stand, &id, &expected);
    }
    stand.sim.wait_for("submits", 5, LIMIT);
    let texts: Vec<Option<String>> = stand.sim.ledger().into_iter().map(|row| row.text).collect();
    let wanted = [29, 28, 29, 28, 29].map(|day| Some(format!("RDV {day}/12/2026")));
    assert_eq!(texts, wanted);
    let open = http.get("/v1/open_questions?number=0612345601").expect(200);
    assert_eq!(open["data"].as_array().map(Vec::len), Some(1), "{open}");
}

#[test]
fn req_004_14_whoever_dies_meanwhile_each_reminder_goes_once() {
    for seed in [3, 17, 4_711] {
        let mut dice = Dice::new(seed);
        let mut stand = stand_at(&format!("reminders-kills-{seed}"), "2026-12-23T08:29:50Z");
        stand.redis.sync_always();
        let asked = http(&stand);
        plan(&asked, "RDV [heure]", &json!({ "offsets": ["-24h"] }));
        let mut events = Vec::new();
        for index in 0..60_u64 {
            let at = format!("2026-12-24T09:30:{:02}", index % 15);
            events.push(
                json!({ "reference": index.to_string(), "number": format!("+336123456{index:02}"), "starts_at": at }),
            );
        }
        let ids = put(&asked, &json!(events));
        for _ in 0..4 {
            let seen = dice.roll(1..=20);
            let before = stand.sim.totals().submits;
            let wanted = (before + seen).min(30);
            eventually("some are sent", LIMIT, || {
                (stand.sim.totals().submits >= wanted).then_some(())
            });
            stand.engine.kill();
            stand.engine.restart();
        }
        let over = http(&stand);
        let mut messages = BTreeSet::new();
        for id in &ids {
            eventually("each is sent", LIMIT, || {
                (reminders(&over, id) == ["-24h sent"]).then_some(())
            });
            messages.insert(text(&event(&over, id)["reminders"][0]["message"]));
        }
        assert_eq!(messages.len(), 60, "seed {seed}: a message each");
        // What a dead engine was about to hand over is in doubt, and not sent again.
        let status = |message: &String| text(&over.get(&format!("/v1/messages/{message}")).expect(200)["status"]);
        let settled = || {
            messages
                .iter()
                .all(|message| ["delivered", "in_doubt"].contains(&status(message).as_str()))
        };
        eventually("all is over", LIMIT, || settled().then_some(()));
        let in_doubt = messages.iter().filter(|message| status(message) == "in_doubt").count();
        let ledger = stand.sim.ledger_by_recipient();
        assert!(ledger.values().all(|rows| rows.len() == 1), "seed {seed}: once each");
        assert!(
            ledger.len() + in_doubt >= 60,
            "seed {seed}: {} of 60 and {in_doubt} in doubt",
            ledger.len()
        );
    }
}

#[test]
fn req_004_14_what_was_due_while_no_engine_ran_is_told_once_and_never_behind_the_appointment() {
    let mut stand = stand_at("reminders-down", "2026-12-10T09:00:00Z");
    let asked = http(&stand);
    plan(&asked, "RDV [date]", &json!({ "offsets": ["-7d", "-24h"] }));
    let event = |reference: &str, at: &str| json!({ "reference": reference, "number": format!("+3361234560{reference}"), "starts_at": at });
    let ids = put(
        &asked,
        &json!([
            event("1", "2026-12-24T16:00"),
            event("2", "2026-12-23T10:30"),
            event("3", "2026-12-22T10:30"),
        ]),
    );
    // A fortnight later: of both that were due one is told; where it is too late, none.
    wake_at(&mut stand, "2026-12-23T16:00:00Z");
    become_of(&stand, &ids[0], &["-7d skipped overtaken", "-24h sent"]);
    become_of(&stand, &ids[1], &["-7d skipped too_late", "-24h skipped too_late"]);
    become_of(&stand, &ids[2], &["-7d skipped too_late", "-24h skipped too_late"]);
    let told = wait_told(&stand, 1);
    assert_eq!(told, [("33612345601".to_owned(), "RDV 24/12/2026".to_owned())]);
}

#[test]
fn req_004_12_what_is_no_event_and_no_plan_is_refused() {
    let stand = stand_at("reminders-wrong", "2026-12-23T09:00:00Z");
    let http = http(&stand);
    let refused = |event: Value, pointer: &str| {
        let answer = http.post("/v1/events", &json!({ "events": [event] }));
        answer.expect_field_problem(&[400, 422], pointer);
    };
    refused(json!({ "reference": "1" }), "/events/0/reference");
    refused(json!({ "reference": "1", "patient": "P-99" }), "/events/0/patient");
    refused(
        json!({ "reference": "1", "contact": "con_7777777777777" }),
        "/events/0/contact",
    );
    refused(json!({ "reference": "1", "number": "112" }), "/events/0/number");
    refused(
        json!({ "reference": "1", "number": "0612345678", "patient": "P-1" }),
        "/events/0/number",
    );
    refused(
        json!({ "reference": "1", "number": "0612345678", "starts_at": "demain" }),
        "/events/0/starts_at",
    );
    refused(
        json!({ "reference": "1", "number": "0612345678", "starts_at": "2027-03-28T02:30" }),
        "/events/0/starts_at",
    );
    // A day without a time is not midnight.
    refused(
        json!({ "reference": "1", "number": "0612345678", "starts_at": "2027-01-10" }),
        "/events/0/starts_at",
    );
    refused(
        json!({ "reference": "1", "number": "0612345678", "minutes": 0 }),
        "/events/0/minutes",
    );
    refused(
        json!({ "reference": "1", "number": "0612345678", "state": "lost" }),
        "/events/0/state",
    );
    let one = json!({ "reference": "1", "number": "0612345678", "starts_at": "2027-01-10T09:00" });
    http.post("/v1/events", &json!({ "events": [one, one] }))
        .expect_field_problem(&[422], "/events/1/reference");
    let refused = |more: Value, pointer: &str| {
        let mut plan = json!({ "name": "Rappel", "text": "RDV [date]", "sender": "Cabinet" });
        for (name, value) in more.as_object().expect("fields") {
            plan[name] = value.clone();
        }
        http.post("/v1/reminder_plans", &plan)
            .expect_field_problem(&[400, 422], pointer);
    };
    refused(json!({}), "");
    refused(json!({ "offsets": ["demain"] }), "/offsets/0");
    refused(json!({ "on": "cancelled", "offsets": ["-24h"] }), "/offsets/0");
    refused(json!({ "on": "birthday" }), "/on");
    refused(json!({ "offsets": ["-24h"], "text": "RDV [dat]" }), "/text");
    refused(json!({ "offsets": ["-24h"], "merged_text": "[" }), "/merged_text");
    refused(json!({ "offsets": ["-24h"], "sender": "?" }), "/sender");
    refused(
        json!({ "offsets": ["-24h"], "not_before": "20:00", "not_after": "08:00" }),
        "/not_after",
    );
    let hours = json!({ "name": "Rappel", "text": "RDV [date]", "sender": "Cabinet", "offsets": ["-24h"], "not_before": "20:00", "not_after": "08:00" });
    let answer = http.post("/v1/reminder_plans", &hours);
    assert_eq!(answer.json()["errors"][0]["code"], "not_later", "{:?}", answer.json());
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    let ids = put(&http, &json!([{ "reference": "1", "number": "0612345678" }]));
    stranger.get(&format!("/v1/events/{}", ids[0])).expect_problem(&[404]);
    stranger
        .post(&format!("/v1/events/{}/cancel", ids[0]), &json!({}))
        .expect_problem(&[404]);
}

#[test]
fn req_004_12_several_of_a_number_on_a_day_are_one_text_and_each_of_a_family_has_its_name() {
    let stand = stand_at("reminders-family", "2026-12-23T07:59:50Z");
    let http = http(&stand);
    for (reference, name) in [("P-1", "Zoé"), ("P-2", "Hugo"), ("P-3", "Léa")] {
        contact(&http, reference, "+33612345601", name);
    }
    contact(&http, "P-4", "+33612345602", "Max");
    let lea = http.post(
        "/v1/contacts/search",
        &json!({ "filter": { "field": "reference", "is": "P-3" } }),
    );
    let lea = text(&lea.expect(200)["data"][0]["id"]);
    let off = http
        .post(&format!("/v1/contacts/{lea}/reminders"), &json!({ "wanted": false }))
        .expect(200);
    assert_eq!(off["wanted"], false);
    let merged = json!({ "offsets": ["-1d"], "merged_text": "Vos RDV du [jour] : [prenom] à [heure], [praticien]" });
    plan(&http, "[prenom] : RDV le [jour] à [heure]", &merged);
    let of = |reference: &str, patient: &str, at: &str, doctor: &str| json!({ "reference": reference, "patient": patient, "starts_at": at, "practitioner": doctor });
    let ids = put(
        &http,
        &json!([
            of("1", "P-2", "2026-12-24T14:00", "Dr Grand"),
            of("2", "P-1", "2026-12-24T09:00", "Dr Petit"),
            of("3", "P-3", "2026-12-24T11:00", "Dr Petit"),
            of("4", "P-1", "2026-12-26T09:00", "Dr Petit"),
            of("5", "P-4", "2026-12-24T09:00", "Dr Petit"),
        ]),
    );
    let told = wait_told(&stand, 2);
    let family = "Vos RDV du jeudi 24 décembre : Zoé, Hugo à 09:00, 14:00, Dr Petit, Dr Grand";
    let wanted = [
        ("33612345601", family),
        ("33612345602", "Max : RDV le jeudi 24 décembre à 09:00"),
    ];
    assert_eq!(told, wanted.map(|(number, text)| (number.to_owned(), text.to_owned())));
    become_of(&stand, &ids[0], &["-1d sent"]);
    become_of(&stand, &ids[1], &["-1d sent"]);
    let message = |id: &str| event(&http, id)["reminders"][0]["message"].clone();
    assert_eq!(message(&ids[0]), message(&ids[1]), "one message");
    assert_eq!(reminders(&http, &ids[3]), ["-1d waiting"], "another day");
    assert_eq!(reminders(&http, &ids[2]), ["-1d waiting"]);
    // Who wants no reminders is told that it was cancelled all the same.
    plan(&http, "[prenom] : RDV du [jour] annulé", &json!({ "on": "cancelled" }));
    http.post(&format!("/v1/events/{}/cancel", ids[2]), &json!({}))
        .expect(200);
    become_of(&stand, &ids[2], &["0 sent", "-1d cancelled"]);
    stand.sim.wait_for("submits", 3, LIMIT);
    let cancelled = stand.sim.ledger().into_iter().nth(2).and_then(|row| row.text);
    assert_eq!(cancelled.as_deref(), Some("Léa : RDV du jeudi 24 décembre annulé"));
    let open = http.get("/v1/open_questions?number=0612345601").expect(200);
    assert_eq!(open["data"].as_array().map(Vec::len), Some(2), "{open}");
}

#[test]
fn req_004_14_at_night_nobody_is_told_and_a_new_plan_is_for_what_is_there() {
    let stand = stand_at("reminders-night", "2026-12-20T10:00:00Z");
    let http = http(&stand);
    let ids = put(
        &http,
        &json!([
            { "reference": "1", "number": "0612345601", "starts_at": "2026-12-24T07:30" },
            { "reference": "2", "number": "0612345602", "starts_at": "2026-12-20T16:00" },
        ]),
    );
    let hours = json!({ "offsets": ["-2h", "-24h"], "not_before": "09:00", "not_after": "20:00" });
    let made = plan(&http, "RDV [heure]", &hours);
    eventually("it is laid over what is there", LIMIT, || {
        (reminders(&http, &ids[1]) == ["-2h waiting"]).then_some(())
    });
    let shown = event(&http, &ids[0]);
    let due = |at: usize| text(&shown["reminders"][at]["due_at"]);
    // 7:30 is before the day begins: two hours before are the evening before, a day before is that day's morning.
    assert_eq!([due(0), due(1)], ["2026-12-23T08:00:00Z", "2026-12-23T19:00:00Z"]);
    // What the practice's software hands in again changes nothing, and what it says of the place neither.
    put(&http, &json!([{ "reference": "1", "place": "Ailleurs" }]));
    assert_eq!(event(&http, &ids[0])["reminders"], shown["reminders"]);
    let path = format!("/v1/reminder_plans/{}", text(&made["id"]));
    assert_eq!(
        http.post(&format!("{path}/pause"), &json!({})).expect(200)["paused"],
        true
    );
    assert_eq!(
        http.post(&format!("{path}/resume"), &json!({})).expect(200)["paused"],
        false
    );
    http.delete(&path).expect(204);
    http.get(&path).expect_problem(&[404]);
}

const MORNING: &str = "2026-12-23T08:00:00Z";

#[test]
fn req_004_14_what_waits_for_an_smsc_and_is_not_so_any_more_is_called_back() {
    is_called_back(stand_at("reminders-recall", MORNING));
}

#[test]
fn req_004_14_postgresql_keeps_what_is_called_back_as_well() {
    let lab = Lab::new(programs!(), "reminders-recall-pg");
    lab.live_at(MORNING);
    let postgres = lab.postgres();
    is_called_back(Stand::under(lab, "", |redis, sim| {
        let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        let url = postgres.url();
        settings.tables.push(format!("[database]\nurl = \"{url}\""));
        settings
    }));
}

fn is_called_back(mut stand: Stand) {
    let asked = http(&stand);
    plan(
        &asked,
        "RDV de [motif] le [jour] à [heure]",
        &json!({ "offsets": ["-24h"] }),
    );
    stand.sim.kill();
    let at = |reference: &str, number: &str, kind: &str, time: &str| json!({ "reference": reference, "number": number, "kind": kind, "starts_at": time });
    // Booked late: each is told at once, the last two in one message.
    let ids = put(
        &asked,
        &json!([
            at("1", "0612345601", "bilan", "2026-12-23T15:00"),
            at("2", "0612345602", "bilan", "2026-12-23T15:00"),
            at("3", "0612345603", "bilan", "2026-12-23T15:00"),
            at("4", "0612345604", "bilan", "2026-12-23T15:00"),
            at("5", "0612345604", "suivi", "2026-12-23T16:00"),
        ]),
    );
    for id in &ids {
        become_of(&stand, id, &["-24h sent"]);
    }
    let together = |id: &str| text(&event(&asked, id)["reminders"][0]["message"]);
    assert_eq!(together(&ids[3]), together(&ids[4]), "one message for both");
    for id in [&ids[1], &ids[3]] {
        asked.post(&format!("/v1/events/{id}/cancel"), &json!({})).expect(200);
    }
    let moved = json!({ "reference": "3", "starts_at": "2026-12-23T17:30" });
    let for_another = json!({ "reference": "1", "number": "0612345609" });
    asked
        .post("/v1/events", &json!({ "events": [moved, for_another] }))
        .expect(200);
    become_of(&stand, &ids[1], &["-24h cancelled event_changed"]);
    become_of(&stand, &ids[2], &["-24h cancelled event_changed", "moved sent"]);
    become_of(&stand, &ids[3], &["-24h cancelled event_changed"]);
    become_of(&stand, &ids[4], &["-24h sent"]);
    eventually("whoever has the appointment now is told", LIMIT, || {
        let all = event(&asked, &ids[0])["reminders"].clone();
        let states: BTreeSet<_> = all.as_array()?.iter().map(|one| text(&one["state"])).collect();
        (states == BTreeSet::from(["cancelled".to_owned(), "sent".to_owned()])).then_some(())
    });
    stand.sim.restart();
    let told = wait_told(&stand, 3);
    let expected = [
        ("33612345603", "RDV de bilan le mercredi 23 décembre à 17:30"),
        ("33612345604", "RDV de suivi le mercredi 23 décembre à 16:00"),
        ("33612345609", "RDV de bilan le mercredi 23 décembre à 15:00"),
    ];
    assert_eq!(
        told,
        expected.map(|(number, said)| (number.to_owned(), said.to_owned()))
    );
    let held = || stand.engine.credits(&stand.tenant).held;
    eventually("nothing is held for what was called back", LIMIT, || {
        (held() == 0).then_some(())
    });
}
