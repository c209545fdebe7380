//! What is told when something happened, of visits, and of what recurs.

use campanile_tests::{EngineSettings, Lab, SmscSettings, Stand, eventually, programs, text};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::reminders::diary::{
    LIMIT, become_of, contact, event, http, plan, put, reminders, stand_at, told, wait_told, wake_at,
};

#[test]
fn req_004_16_who_did_not_come_is_written_to_the_next_day_and_req_004_20_req_004_23_req_004_24_results_are_told_at_once()
 {
    let mut stand = stand_at("reminders-happened", "2026-12-23T21:30:00Z");
    let asked = http(&stand);
    let day = json!({ "on": "no_show", "offsets": ["+1d"], "not_before": "09:00", "not_after": "19:00" });
    plan(&asked, "Vous nous avez manqué le [date]. Un autre RDV ?", &day);
    // req_004_23, 004_24: by what kind it is and what it says of itself.
    plan(
        &asked,
        "Vos résultats sont là.",
        &json!({ "on": "booked", "kinds": ["Resultats"] }),
    );
    let urgent = json!({ "on": "booked", "kinds": ["résultats"], "attributes": { "urgent": "oui" } });
    plan(&asked, "Appelez le cabinet.", &urgent);
    // req_004_20: as in person.
    plan(
        &asked,
        "Téléconsultation : {{event.lien}}",
        &json!({ "on": "booked", "kinds": ["Téléconsultation"] }),
    );
    plan(
        &asked,
        "Merci de votre visite.",
        &json!({ "on": "done", "offsets": ["+2h"] }),
    );
    let ids = put(
        &asked,
        &json!([
            { "reference": "1", "number": "0612345601", "kind": "Consultation", "starts_at": "2026-12-23T10:00" },
            { "reference": "2", "number": "0612345602", "kind": "Résultats" },
            { "reference": "3", "number": "0612345603", "kind": "Résultats", "attributes": { "Urgent": "Oui" } },
            { "reference": "4", "number": "0612345604", "kind": "teleconsultation", "starts_at": "2026-12-28T10:00",
              "attributes": { "lien": "visio.example/4" } },
            // What is over is told to nobody.
            { "reference": "5", "number": "0612345605", "kind": "Téléconsultation", "starts_at": "2026-12-01T10:00", "state": "done" },
        ]),
    );
    let told: Vec<String> = wait_told(&stand, 4)
        .into_iter()
        .map(|(number, text)| format!("{} {text}", &number[9..]))
        .collect();
    let wanted = [
        "02 Vos résultats sont là.",
        "03 Appelez le cabinet.",
        "03 Vos résultats sont là.",
        "04 Téléconsultation : visio.example/4",
    ];
    assert_eq!(told, wanted);
    let missed = asked
        .post(&format!("/v1/events/{}/no_show", ids[0]), &json!({}))
        .expect(200);
    assert_eq!(
        (&missed["state"], &missed["reminders"][0]["due_at"]),
        (&json!("no_show"), &json!("2026-12-25T08:00:00Z"))
    );
    assert!(reminders(&asked, &ids[4]).is_empty());
    wake_at(&mut stand, "2026-12-25T08:00:05Z");
    become_of(&stand, &ids[0], &["+1d sent"]);
    let told = wait_told(&stand, 1);
    assert_eq!(
        told,
        [(
            "33612345601".to_owned(),
            "Vous nous avez manqué le 23/12/2026. Un autre RDV ?".to_owned()
        )]
    );
    let asked = http(&stand);
    asked
        .post(&format!("/v1/events/{}/done", ids[3]), &json!({}))
        .expect(200);
    assert_eq!(reminders(&asked, &ids[3]), ["0 sent", "+2h waiting"]);
}

#[test]
fn req_004_02_after_a_visit_each_is_asked_once_whether_they_agree() {
    let stand = stand_at("reminders-consent", "2026-12-23T10:00:00Z");
    let http = http(&stand);
    let tenant = format!("/v1/tenants/{}", stand.tenant.id);
    stand
        .engine
        .operator()
        .patch(&tenant, &json!({ "require_consent": true }))
        .expect(200);
    contact(&http, "P-1", "+33612345601", "Zoé");
    contact(&http, "P-2", "+33612345601", "Hugo");
    let agreed = json!({ "reference": "P-3", "number": "+33612345603", "first_name": "Léa" });
    let consent = json!({ "contact": agreed, "wording": "Oui", "source": "accueil" });
    http.post("/v1/consents", &consent).expect(201);
    let asks = json!({ "on": "done", "asks_consent": true });
    plan(&http, "[prenom], recevoir nos conseils ? OUI", &asks);
    let wrong = json!({ "name": "Non", "text": "?", "sender": "Cabinet", "offsets": ["-1d"], "asks_consent": true });
    http.post("/v1/reminder_plans", &wrong)
        .expect_field_problem(&[400, 422], "/asks_consent");
    let visit = |reference: &str, patient: &str, day: &str| json!({ "reference": reference, "patient": patient, "starts_at": format!("{day}T09:00"), "state": "done" });
    let first = put(
        &http,
        &json!([visit("1", "P-1", "2026-12-22"), visit("3", "P-3", "2026-12-22")]),
    );
    become_of(&stand, &first[0], &["0 sent"]);
    become_of(&stand, &first[1], &["0 skipped has_agreed"]);
    // Another visit, another of the family, and a contact whose number is another by now.
    contact(&http, "P-1", "+33612345609", "Zoé");
    let again = put(
        &http,
        &json!([visit("4", "P-1", "2026-12-23"), visit("5", "P-2", "2026-12-23")]),
    );
    become_of(&stand, &again[0], &["0 skipped asked_before"]);
    become_of(&stand, &again[1], &["0 skipped asked_before"]);
    let told = wait_told(&stand, 1);
    assert_eq!(
        told,
        [("33612345601".to_owned(), "Zoé, recevoir nos conseils ? OUI".to_owned())]
    );
    // Any other advertising to somebody who has not agreed is refused.
    let order = json!({ "to": "+33612345601", "text": "Promotion", "sender": "Cabinet", "purpose": "marketing" });
    http.post("/v1/messages", &order)
        .expect_field_problem(&[400, 422], "/purpose");
}

#[test]
fn req_004_26_a_treatment_is_told_of_at_its_hour_until_it_ends() {
    let mut stand = stand_at("reminders-treatment", "2026-12-23T06:59:50Z");
    let asked = http(&stand);
    let made = plan(
        &asked,
        "[jour] : votre traitement",
        &json!({ "offsets": ["0"], "kinds": ["traitement"] }),
    );
    let treatment = json!({
        "reference": "T-1", "number": "0612345601", "kind": "Traitement", "starts_at": "2026-12-23T08:00",
        "repeat": "FREQ=DAILY;COUNT=3",
    });
    let evening = json!({
        "reference": "T-2", "number": "0612345601", "kind": "Traitement", "starts_at": "2026-12-23T20:00",
        "repeat": "FREQ=DAILY;COUNT=3",
    });
    let ids = put(&asked, &json!([treatment, evening]));
    let plan = text(&made["id"]);
    for (day, said) in [(23, "mercredi 23"), (24, "jeudi 24"), (25, "vendredi 25")] {
        if day > 23 {
            wake_at(&mut stand, &format!("2026-12-{day}T07:00:05Z"));
        }
        let told = wait_told(&stand, 1);
        assert_eq!(
            told,
            [("33612345601".to_owned(), format!("{said} décembre : votre traitement"))]
        );
        let asked = http(&stand);
        let again = asked.post("/v1/events", &json!({ "events": [treatment] })).expect(200);
        assert_eq!(again["data"][0]["outcome"], "unchanged", "the same diary");
        assert_eq!(
            event(&asked, &ids[1])["reminders"][day - 23]["state"],
            "waiting",
            "the evening's has its own time"
        );
    }
    become_of(&stand, &ids[0], &["0 sent", "0 sent", "0 sent"]);
    let over = event(&http(&stand), &ids[0]);
    assert_eq!(
        (&over["state"], &over["reminders"][2]["plan"]),
        (&json!("done"), &json!(plan))
    );
    assert_eq!(event(&http(&stand), &ids[1])["state"], "booked");
    wake_at(&mut stand, "2026-12-26T07:00:05Z");
    become_of(
        &stand,
        &ids[1],
        &["0 skipped too_late", "0 skipped too_late", "0 skipped too_late"],
    );
    assert!(told(&stand).is_empty(), "three days are over");
    let wrong = json!({ "reference": "T-3", "number": "0612345601", "repeat": "FREQ=HOURLY" });
    let answer = http(&stand).post("/v1/events", &json!({ "events": [wrong] }));
    answer.expect_field_problem(&[400, 422], "/events/0/repeat");
}

#[test]
fn req_004_14_postgresql_keeps_the_diary_as_well() {
    let lab = Lab::new(programs!(), "reminders-pg");
    let postgres = lab.postgres();
    let stand = Stand::under(lab, "", |redis, sim| {
        let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        settings
            .tables
            .push(format!("[database]\nurl = \"{}\"", postgres.url()));
        settings
    });
    let http = http(&stand);
    for (reference, name) in [("P-1", "Zoé"), ("P-2", "Hugo")] {
        contact(&http, reference, "+33612345601", name);
    }
    plan(
        &http,
        "[prenom] : RDV",
        &json!({ "offsets": ["-7d", "-24h"], "kinds": ["rdv"] }),
    );
    plan(
        &http,
        "[prenom|Bonjour] : OUI ?",
        &json!({ "on": "done", "asks_consent": true }),
    );
    let ahead = |hours: i64| {
        Timestamp::now()
            .saturating_add(hours.hours())
            .expect("a time")
            .to_string()
    };
    let (soon, later) = (ahead(3), ahead(240));
    let ids = put(
        &http,
        &json!([
            { "reference": "1", "patient": "P-1", "kind": "RDV", "starts_at": soon },
            { "reference": "2", "patient": "P-2", "kind": "RDV", "starts_at": soon },
            { "reference": "3", "number": "0612345603", "starts_at": ahead(-1), "repeat": "FREQ=DAILY" },
            { "reference": "4", "number": "0612345604", "starts_at": ahead(-2), "state": "done" },
        ]),
    );
    become_of(&stand, &ids[0], &["-24h sent"]);
    become_of(&stand, &ids[1], &["-24h sent"]);
    become_of(&stand, &ids[3], &["0 sent"]);
    let open = http.get("/v1/open_questions?number=0612345601").expect(200);
    assert_eq!(open["data"].as_array().map(Vec::len), Some(2), "{open}");
    put(&http, &json!([{ "reference": "1", "starts_at": later }]));
    become_of(
        &stand,
        &ids[0],
        &["-24h sent", "moved sent", "-7d waiting", "-24h waiting"],
    );
    http.post(&format!("/v1/events/{}/cancel", ids[0]), &json!({}))
        .expect(200);
    become_of(
        &stand,
        &ids[0],
        &["-24h sent", "moved sent", "-7d cancelled", "-24h cancelled"],
    );
    let texts: Vec<String> = wait_told(&stand, 3).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["Zoé : RDV", "Zoé, Hugo : RDV", "Bonjour : OUI ?"]);
    let page = http.get("/v1/events?limit=1").expect(200);
    let rest = format!("/v1/events?limit=5&cursor={}", text(&page["next_cursor"]));
    assert_eq!(http.get(&rest).expect(200)["data"].as_array().map(Vec::len), Some(3));
    let next = |id: &str| event(&http, id)["starts_at"].clone();
    eventually("it is at its next occurrence", LIMIT, || {
        let next: Timestamp = text(&next(&ids[2])).parse().expect("a time");
        (next > Timestamp::now()).then_some(())
    });
    at_once(&stand);
}

/// What two change at once of the same events is not undone by either.
fn at_once(stand: &Stand) {
    let http = http(stand);
    let starts_at = Timestamp::now()
        .saturating_add(400.hours())
        .expect("a time")
        .to_string();
    let references: Vec<String> = (0..40).map(|at| format!("together-{at}")).collect();
    let events = |more: &Value| -> Vec<Value> {
        let event = |reference: &String| {
            let mut event = json!({ "reference": reference, "number": "0612345605" });
            let more = more.as_object().expect("an object").clone();
            event.as_object_mut().expect("an object").extend(more);
            event
        };
        references.iter().map(event).collect()
    };
    let ids = put(&http, &json!(events(&json!({ "kind": "RDV", "starts_at": starts_at }))));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for floor in 1..=12 {
                put(&http, &json!(events(&json!({ "floor": floor.to_string() }))));
            }
        });
        for id in &ids {
            http.post(&format!("/v1/events/{id}/cancel"), &json!({})).expect(200);
        }
    });
    for id in &ids {
        let event = event(&http, id);
        assert_eq!(
            (&event["state"], &event["floor"]),
            (&json!("cancelled"), &json!("12")),
            "{event}"
        );
    }
}
