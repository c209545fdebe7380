//! Campaigns that launch by themselves at their date: not before, once, and whatever happens to the engine until then.

use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, EngineSettings, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

fn stand(name: &str) -> Stand {
    Stand::new(programs!(), name, "", |smsc| smsc)
}

/// Programs that live at that time, and obey the rules of France.
fn stand_at(name: &str, at: &str) -> Stand {
    let lab = Lab::new(programs!(), name);
    lab.live_at(at);
    Stand::under(lab, "", |redis, sim| EngineSettings {
        rules: Some(vec!["fr-seed".to_owned()]),
        ..EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    })
}

fn schedule(stand: &Stand, campaign: &Campaign, at: &str) -> Value {
    campaign
        .schedule(&stand.engine, &json!({ "scheduled_at": at }))
        .expect(200)
}

fn shown(stand: &Stand, campaign: &Campaign) -> Value {
    let path = format!("/v1/campaigns/{}", campaign.id);
    stand.tenant.http(&stand.engine).get(&path).expect(200)
}

fn micros(at: &str) -> u64 {
    let at: jiff::Timestamp = at.parse().expect("a time");
    u64::try_from(at.as_microsecond()).expect("after 1970")
}

fn deliver(stand: &Stand, campaign: &Campaign, messages: u64) {
    campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.status("delivered") == messages
    });
}

#[test]
fn req_000_11_a_campaign_goes_at_its_date_by_the_clocks_of_paris() {
    // In Paris it is nine, five seconds later.
    let stand = stand_at("schedule-date", "2026-12-24T07:59:55Z");
    let order = CampaignOrder::to_first(20).with("purpose", json!("marketing"));
    let campaign = stand.tenant.create(&stand.engine, &order);
    let planned = schedule(&stand, &campaign, "2026-12-24T09:00");
    let expected = json!({ "id": campaign.id, "state": "scheduled", "scheduled_at": "2026-12-24T08:00:00Z" });
    assert_eq!(planned, expected);
    let before = stand.engine.credits(&stand.tenant);
    assert_eq!(before.held, 0, "nothing is held before its date");
    deliver(&stand, &campaign, 20);
    let ledger = stand.sim.ledger();
    let opens = micros("2026-12-24T08:00:00Z");
    assert!(
        ledger.iter().all(|row| row.received_at_us >= opens),
        "none before its date"
    );
    assert_eq!(ledger.len(), 20, "each once");
    let view = shown(&stand, &campaign);
    let launched = view["launched_at"].as_str().map(micros).expect("launched");
    assert!(launched >= opens, "{view}");
    assert_eq!(view["scheduled_at"], "2026-12-24T08:00:00Z");
    let late = stand
        .engine
        .metric(|line| line.starts_with("campanile_campaign_schedule_delay_seconds_count"));
    assert_eq!(late, 1.0);
}

#[test]
fn req_000_11_a_date_that_passes_while_the_engine_is_down_is_made_up_for() {
    let mut stand = stand_at("schedule-down", "2026-12-24T08:00:00Z");
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(20));
    schedule(&stand, &campaign, "2026-12-24T12:00:00+01:00");
    assert!(stand.engine.shut_down().success());
    stand.lab().live_at("2026-12-24T11:00:10Z");
    stand.redis.restart();
    stand.sim.restart();
    let north = SmscSettings::new("north", stand.sim.smpp_address());
    let settings = EngineSettings::new(Some(stand.redis.url()), vec![north]);
    stand.engine.restart_with(&settings);
    deliver(&stand, &campaign, 20);
    assert_eq!(stand.sim.ledger().len(), 20, "each once");
    let late = stand
        .engine
        .metric(|line| line.starts_with("campanile_campaign_schedule_delay_seconds_sum"));
    assert!(late >= 10.0, "{late} s late");
}

#[test]
fn req_000_11_a_date_that_is_none_is_refused_with_what_is_allowed() {
    let stand = stand_at("schedule-wrong", "2026-12-24T08:00:00Z");
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(1));
    let refused = |body: Value, pointer: &str, code: &str| {
        let answer = campaign.schedule(&stand.engine, &body);
        answer.expect_field_problem(&[400, 422], pointer);
        assert_eq!(answer.json()["errors"][0]["code"], code, "{body}");
    };
    let date = |at: &str| json!({ "scheduled_at": at });
    refused(json!({}), "/scheduled_at", "missing");
    refused(json!({ "scheduled_at": 1_798_102_800 }), "/scheduled_at", "wrong_type");
    refused(date("24/12/2026 09:00"), "/scheduled_at", "invalid_local_time");
    // Midnight is hardly ever meant.
    refused(date("2026-12-28"), "/scheduled_at", "invalid_local_time");
    refused(date("2027-03-28T02:30"), "/scheduled_at", "skipped_time");
    refused(date("2026-12-24T08:59"), "/scheduled_at", "not_ahead");
    refused(date("2027-12-26T09:00"), "/scheduled_at", "not_ahead");
    let nowhere = json!({ "scheduled_at": "2027-01-01T09:00", "time_zone": "Europe/Lyon" });
    refused(nowhere, "/time_zone", "unknown_time_zone");
    assert_eq!(shown(&stand, &campaign)["state"], "draft", "nothing was planned");

    let reunion = json!({ "scheduled_at": "2027-01-01T09:00", "time_zone": "Indian/Reunion" });
    let planned = campaign.schedule(&stand.engine, &reunion).expect(200);
    assert_eq!(planned["scheduled_at"], "2027-01-01T05:00:00Z");
    // A night in autumn has this time twice: the first is meant.
    let twice = schedule(&stand, &campaign, "2027-10-31T02:30");
    assert_eq!(twice["scheduled_at"], "2027-10-31T00:30:00Z");
    let back = campaign
        .schedule(&stand.engine, &json!({ "scheduled_at": null }))
        .expect(200);
    let draft = json!({ "id": campaign.id, "state": "draft", "scheduled_at": null });
    assert_eq!(back, draft);
    let stranger = stand.engine.tenant("Autre cabinet", 10).campaign(&campaign.id);
    stranger.schedule(&stand.engine, &reunion).expect_problem(&[404]);
}

#[test]
fn req_000_11_times_without_an_offset_are_by_the_clocks_of_the_tenant() {
    let stand = stand_at("schedule-reunion", "2026-12-20T08:00:00Z");
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let zone = json!({ "time_zone": "Indian/Reunion" });
    stand.engine.operator().ask("PATCH", &path, Some(&zone)).expect(200);
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(1));
    let planned = schedule(&stand, &campaign, "2026-12-24T09:00");
    assert_eq!(planned["scheduled_at"], "2026-12-24T05:00:00Z");
    let http = stand.tenant.http(&stand.engine);
    for page in ["/v1/statistics", "/v1/reply_statistics", "/v1/statements"] {
        assert_eq!(http.get(page).expect(200)["time_zone"], "Indian/Reunion", "{page}");
    }
    let paris = http.get("/v1/statistics?time_zone=Europe/Paris").expect(200);
    assert_eq!(paris["time_zone"], "Europe/Paris");
}

#[test]
fn req_000_11_days_of_filters_files_and_reports_are_those_of_the_tenant() {
    // On La Réunion it is the next day, at one in the morning.
    let stand = stand_at("schedule-days", "2026-12-20T21:00:00Z");
    let http = stand.tenant.http(&stand.engine);
    let contacts = json!({ "contacts": [
        { "reference": "1", "number": "+262692123456", "first_name": "Zoé", "birth_date": "1980-12-21" },
        { "reference": "2", "number": "+262692123457", "first_name": "Tom", "birth_date": "1980-12-20" },
    ] });
    http.post("/v1/contacts", &contacts).expect(200);
    let meant = |field: &str, is: &str| {
        let filter = json!({ "filter": { "field": field, "is": is } });
        let found = http.post("/v1/contacts/search", &filter).expect(200);
        let rows = found["data"].as_array().expect("a list").clone();
        rows.iter().map(|row| row["first_name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(meant("birthday", "today"), ["Tom"]);
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let zone = json!({ "time_zone": "Indian/Reunion" });
    stand.engine.operator().ask("PATCH", &path, Some(&zone)).expect(200);
    assert_eq!(meant("birthday", "today"), ["Zoé"]);
    // Half past midnight there, which is still to come in Paris.
    let file = "reference;portable;consentement;date consentement\n1;+262692123456;oui;21/12/2026 00:30\n".as_bytes();
    let import = http.post_as("text/csv", "/v1/imports", file).expect(202);
    let path = format!("/v1/imports/{}", import["id"].as_str().expect("an id"));
    eventually("the file is read", LIMIT, || {
        (http.get(&path).expect(200)["state"] == "completed").then_some(())
    });
    let consents = http.get("/v1/consents").expect(200);
    assert_eq!(consents["data"][0]["given_at"], "2026-12-20T20:30:00Z", "{consents}");
    assert_eq!(meant("consented", "2026-12-21"), ["Zoé"]);
    assert!(meant("consented", "2026-12-20").is_empty());
    let campaign = stand.tenant.order(&stand.engine, &CampaignOrder::to_first(1));
    deliver(&stand, &campaign, 1);
    let report = format!("/v1/campaigns/{}/report", campaign.id);
    let hour = eventually("history has it", LIMIT, || {
        let report = http.get(&report).expect(200);
        report["hours"][0]["group"]["hour"].as_str().map(str::to_owned)
    });
    assert!(hour.starts_with("2026-12-21T01"), "{hour}");
}

#[test]
fn req_001_19_a_date_at_which_no_advertising_may_go_is_refused_with_the_next_that_is_allowed() {
    let stand = stand_at("schedule-closed", "2026-12-24T08:00:00Z");
    let to = |numbers: &str| {
        let order = CampaignOrder::to_audience(&json!({ "numbers": numbers }));
        let order = order.with("purpose", json!("marketing"));
        stand.tenant.create(&stand.engine, &order)
    };
    let refused = |campaign: &Campaign, at: &str| {
        let answer = campaign.schedule(&stand.engine, &json!({ "scheduled_at": at }));
        let problem = answer.expect_problem(&[422]);
        assert_eq!(problem["code"], "schedule_outside_window", "{problem}");
        problem["next_open_at"].as_str().expect("a time").to_owned()
    };
    let paris = to("+33612345678");
    // Christmas, and a Saturday evening before a Sunday.
    assert_eq!(refused(&paris, "2026-12-25T10:00"), "2026-12-26T07:00:00Z");
    assert_eq!(refused(&paris, "2026-12-26T20:30"), "2026-12-28T07:00:00Z");
    schedule(&stand, &paris, "2026-12-26T20:24");
    // At six in Paris it is nine on La Réunion: some of them may be sent to.
    let both = to("+33612345678;+262692123456");
    schedule(&stand, &both, "2026-12-28T06:00");
    assert_eq!(refused(&both, "2026-12-28T04:00"), "2026-12-28T04:00:00Z");
    // People read their own clocks, and programs UTC.
    let path = format!("/v1/campaigns/{}/schedule", paris.id);
    for (language, says) in [
        ("fr", "il le peut à partir du 26/12/2026 à 08 h 00."),
        ("en", "it may from 2026-12-26 08:00 on."),
    ] {
        let http = stand.tenant.http(&stand.engine).in_language(language);
        let closed = json!({ "scheduled_at": "2026-12-25T10:00" });
        let problem = http.post(&path, &closed).expect_problem(&[422]);
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.ends_with(says)),
            "{problem}"
        );
    }
    // What is transactional goes at any hour.
    let result = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(1));
    schedule(&stand, &result, "2026-12-25T03:00");
}

#[test]
fn req_001_19_contacts_are_scheduled_by_the_hours_of_those_who_are_meant() {
    let stand = stand_at("schedule-contacts", "2026-12-25T08:00:00Z");
    let http = stand.tenant.http(&stand.engine);
    let contacts = json!({ "contacts": [
        { "reference": "1", "number": "+33612345601", "tags": ["paris"] },
        { "reference": "2", "number": "+33612345602", "tags": ["paris", "both"] },
        { "reference": "3", "number": "+262692123456", "tags": ["reunion", "both"] },
        { "reference": "4", "number": "+33123456789", "tags": ["landline"] },
    ] });
    http.post("/v1/contacts", &contacts).expect(200);
    let to = |audience: Value| {
        let order = CampaignOrder::to_audience(&audience).with("purpose", json!("marketing"));
        stand.tenant.create(&stand.engine, &order)
    };
    let tagged = |tag: &str| to(json!({ "filter": { "field": "tag", "is": tag } }));
    let refused = |campaign: &Campaign, at: &str| {
        let answer = campaign.schedule(&stand.engine, &json!({ "scheduled_at": at }));
        let problem = answer.expect_problem(&[422]);
        assert_eq!(problem["code"], "schedule_outside_window", "{problem}");
        problem["next_open_at"].as_str().expect("a time").to_owned()
    };
    let opens = |campaign: &Campaign| {
        let path = format!("/v1/campaigns/{}/estimate", campaign.id);
        http.post(&path, &json!({})).expect(200)["next_open_at"].clone()
    };
    // Christmas, and a Saturday evening before a Sunday.
    let paris = tagged("paris");
    assert_eq!(opens(&paris), "2026-12-26T07:00:00Z");
    assert_eq!(refused(&paris, "2026-12-25T10:00"), "2026-12-26T07:00:00Z");
    assert_eq!(refused(&paris, "2026-12-26T20:30"), "2026-12-28T07:00:00Z");
    schedule(&stand, &paris, "2026-12-26T20:24");
    // At six in Paris it is nine on La Réunion: some of them may be sent to.
    let both = tagged("both");
    assert_eq!(opens(&both), "2026-12-26T04:00:00Z");
    schedule(&stand, &both, "2026-12-28T06:00");
    assert_eq!(refused(&both, "2026-12-28T04:00"), "2026-12-28T04:00:00Z");
    assert_eq!(refused(&tagged("reunion"), "2026-12-26T19:00"), "2026-12-28T04:00:00Z");
    // What was pasted beside a filter is meant as well.
    let pasted = json!({ "filter": { "field": "tag", "is": "paris" }, "numbers": "+262692123457" });
    schedule(&stand, &to(pasted), "2026-12-28T06:00");
    // Of nobody yet: by the hours of those who come most.
    for tag in ["nobody", "landline"] {
        assert_eq!(refused(&tagged(tag), "2026-12-27T10:00"), "2026-12-28T07:00:00Z");
        assert_eq!(opens(&tagged(tag)), "2026-12-26T07:00:00Z");
    }
}

#[test]
fn req_000_22_a_campaign_one_credit_short_at_its_date_goes_at_another_after_a_top_up() {
    let stand = stand("schedule-short");
    let clinic = stand.engine.tenant("Cabinet Martin", 9);
    let campaign = clinic.create(&stand.engine, &CampaignOrder::to_first(10));
    let soon = || campaign.schedule_in(&stand.engine, 1);
    let state = || {
        let path = format!("/v1/campaigns/{}", campaign.id);
        clinic.http(&stand.engine).get(&path).expect(200)["state"].clone()
    };
    soon();
    eventually("the campaign is blocked", LIMIT, || {
        (state() == "blocked_insufficient_credit").then_some(())
    });
    assert_eq!(stand.sim.totals().submits, 0, "all or nothing");
    assert_eq!(stand.engine.credits(&clinic).available, 9);

    // req_000_23: a top-up, and another date. Of what was enough to the credit, nothing is left.
    let credits = format!("/v1/tenants/{}/credits", clinic.id);
    stand
        .engine
        .operator()
        .post(&credits, &json!({ "amount": 1, "reference": "top-up" }))
        .expect(201);
    soon();
    deliver(&stand, &campaign, 10);
    assert_eq!(stand.sim.totals().submits, 10);
    assert_eq!(stand.engine.credits(&clinic).available, 0);
}

#[test]
fn req_000_24_a_campaign_that_is_deleted_before_its_date_never_goes() {
    let stand = stand("schedule-deleted");
    let deleted = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(5));
    let forgotten = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(5));
    let later = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(5));
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    schedule(&stand, &deleted, &at.to_string());
    schedule(&stand, &forgotten, &at.to_string());
    schedule(&stand, &later, &(at + jiff::SignedDuration::from_millis(1)).to_string());
    let before = stand.engine.credits(&stand.tenant).available;
    let canceled = deleted.ask(&stand.engine, "cancel").expect(202);
    assert_eq!(canceled["state"], "canceled");
    let http = stand.tenant.http(&stand.engine);
    let path = |campaign: &Campaign| format!("/v1/campaigns/{}", campaign.id);
    assert_eq!(http.delete(&path(&forgotten)).status, 204);
    http.get(&path(&forgotten)).expect(404);
    http.delete(&path(&forgotten)).expect(404);
    // The one planned right behind it has gone: its time is over.
    deliver(&stand, &later, 5);
    assert_eq!(shown(&stand, &deleted)["state"], "canceled");
    assert_eq!(stand.sim.totals().submits, 5);
    assert_eq!(stand.engine.credits(&stand.tenant).available, before - 5);
    // What was sent stays; what was canceled goes as well.
    let stays = http.delete(&path(&later)).expect(409);
    assert_eq!(stays["code"], "campaign_wrong_state", "{stays}");
    assert_eq!(http.delete(&path(&deleted)).status, 204);
    let listed = http.get("/v1/campaigns?kind=audience").expect(200);
    let ids: Vec<&str> = listed["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    assert_eq!(ids, [later.id.as_str()]);
}
