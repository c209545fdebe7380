//! No more messages of a tenant are taken a day than was agreed on, by its clocks.

use std::time::Duration;

use campanile_tests::{CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Programs that live at that time.
fn stand_at(name: &str, at: &str) -> Stand {
    let lab = Lab::new(programs!(), name);
    lab.live_at(at);
    Stand::under(lab, "", |redis, sim| {
        EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    })
}

fn agree(stand: &Stand, terms: &Value) -> Value {
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    stand.engine.operator().patch(&path, terms).expect(200)
}

fn send(http: &Http, once: &str) -> campanile_tests::Answer {
    let message = json!({ "to": "+33612345678", "text": "RDV demain", "sender": "OSTEO" });
    http.once(once).post("/v1/messages", &message)
}

/// Day and messages, as the tenant is shown them.
fn today(http: &Http) -> (String, u64) {
    let shown = http.get("/v1/tenant").expect(200);
    let day = shown["today"]["day"].as_str().expect("a day").to_owned();
    (day, shown["today"]["messages"].as_u64().expect("a count"))
}

#[test]
fn no_more_is_taken_a_day_than_was_agreed_on_and_more_on_the_next() {
    let mut stand = stand_at("daily", "2026-12-24T12:00:00Z");
    let http = stand.tenant.http(&stand.engine);
    send(&http, "before").expect(202);
    let agreed = agree(&stand, &json!({ "daily_max": 10 }));
    assert_eq!(
        (&agreed["daily_max"], &agreed["time_zone"]),
        (&json!(10), &json!("Europe/Paris"))
    );
    assert_eq!(
        today(&http),
        ("2026-12-24".to_owned(), 1),
        "what was taken before counts"
    );
    // Asked again it is the same message.
    send(&http, "before").expect(202);
    let too_many = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(10));
    let problem = too_many.ask(&stand.engine, "launch").expect_problem(&[429]);
    assert_eq!(problem["code"], "daily_max_reached", "{problem}");
    assert_eq!(problem["next_open_at"], "2026-12-24T23:00:00Z", "{problem}");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("9 are left today")),
        "{problem}"
    );
    let path = format!("/v1/campaigns/{}/launch", too_many.id);
    let problem = http.in_language("fr").post(&path, &json!({})).expect_problem(&[429]);
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.ends_with("à partir du 25/12/2026 à 00 h 00."), "{problem}");
    let fits = stand.tenant.launch(&stand.engine, 8);
    assert_eq!(today(&http).1, 9);
    fits.wait(&stand.engine, "what was taken is sent", LIMIT, |view| {
        view.status("delivered") == 8
    });
    // A restart forgets nothing.
    stand.engine.restart();
    let http = stand.tenant.http(&stand.engine);
    send(&http, "last").expect(202);
    let refused = send(&http, "over");
    let problem = refused.expect_problem(&[429]);
    assert_eq!(problem["code"], "daily_max_reached", "{problem}");
    assert_eq!(
        stand.engine.credits(&stand.tenant).held + stand.engine.credits(&stand.tenant).spent,
        10
    );
    let planned = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(3));
    let shown = http.get(&format!("/v1/campaigns/{}", planned.id)).expect(200);
    let made: jiff::Timestamp = shown["created_at"].as_str().expect("a time").parse().expect("a time");
    let at = (made + jiff::SignedDuration::from_secs(4)).to_string();
    planned
        .schedule(&stand.engine, &json!({ "scheduled_at": at }))
        .expect(200);
    eventually("a planned launch that is too much is a draft again", LIMIT, || {
        let shown = http.get(&format!("/v1/campaigns/{}", planned.id)).expect(200);
        (shown["state"] == "draft" && shown["refused"] == "daily_max_reached").then_some(())
    });
    // On the Line Islands it is tomorrow already.
    agree(&stand, &json!({ "time_zone": "Pacific/Kiritimati" }));
    assert_eq!(today(&http), ("2026-12-25".to_owned(), 0));
    send(&http, "over").expect(202);
    planned.ask(&stand.engine, "launch").expect(202);
    assert_eq!(today(&http).1, 4);
}

#[test]
fn a_maximum_of_a_day_is_checked_changed_and_taken_back() {
    let stand = Stand::new(programs!(), "daily-terms", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let operator = stand.engine.operator();
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    for (field, value) in [("daily_max", json!(0)), ("time_zone", json!("Mars/Olympus"))] {
        let wrong = operator.patch(&path, &json!({ field: value }));
        wrong.expect_field_problem(&[422], &format!("/{field}"));
    }
    agree(&stand, &json!({ "daily_max": 2, "time_zone": "Indian/Reunion" }));
    send(&http, "one").expect(202);
    send(&http, "two").expect(202);
    send(&http, "three").expect_problem(&[429]);
    agree(&stand, &json!({ "daily_max": 3 }));
    send(&http, "three").expect(202);
    send(&http, "four").expect_problem(&[429]);
    agree(&stand, &json!({ "daily_max": null }));
    send(&http, "four").expect(202);
    assert_eq!(today(&http).1, 4);
    // Of contacts, whose number is known when they were found out.
    let contacts: Vec<Value> = (0..5)
        .map(|number| json!({ "reference": format!("c{number}"), "number": format!("061234560{number}") }))
        .collect();
    http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    agree(&stand, &json!({ "daily_max": 8 }));
    let order = CampaignOrder::to_audience(&json!({ "filter": {} }));
    let campaign = stand.tenant.create(&stand.engine, &order);
    campaign.ask(&stand.engine, "launch").expect(202);
    eventually("it is refused when it is known whom it means", LIMIT, || {
        let shown = http.get(&format!("/v1/campaigns/{}", campaign.id)).expect(200);
        (shown["state"] == "draft" && shown["refused"] == "daily_max_reached").then_some(())
    });
    agree(&stand, &json!({ "daily_max": 9 }));
    campaign.ask(&stand.engine, "launch").expect(202);
    campaign.wait(&stand.engine, "it is sent", LIMIT, |view| view.status("delivered") == 5);
    assert_eq!(today(&http).1, 9);
}
