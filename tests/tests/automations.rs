//! Campaigns that are made again and again.

use std::time::Duration;

use campanile_tests::{
    CampaignOrder, EngineSettings, Http, Lab, Receiver, RedisServer, Sim, SmscSettings, Stand, eventually, programs,
    text,
};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::{Value, json};

/// An occurrence begins with a minute, and the engine is slow on a busy machine.
const LIMIT: Duration = Duration::from_secs(150);

fn stand(name: &str) -> Stand {
    Stand::under(Lab::new(programs!(), name), "", Stand::with_webhooks)
}

/// The next whole minute that is surely ahead, by the clocks of Paris.
fn soon() -> Zoned {
    let paris = Timestamp::now().in_tz("Europe/Paris").expect("a zone");
    let next = paris.saturating_add(75.seconds());
    next.with().second(0).subsec_nanosecond(0).build().expect("a time")
}

fn order(audience: &Value) -> Value {
    CampaignOrder::to_audience(audience).without("name").body
}

fn make(http: &Http, name: &str, plan: &Value, campaign: &Value) -> Value {
    let mut automation = plan.clone();
    automation["name"] = json!(name);
    automation["campaign"] = campaign.clone();
    http.post("/v1/automations", &automation).expect(201)
}

fn show(http: &Http, automation: &Value) -> Value {
    http.get(&format!("/v1/automations/{}", text(&automation["id"])))
        .expect(200)
}

/// Waits until it is known what came of the first occurrence.
fn run(stand: &Stand, automation: &Value) -> Value {
    eventually("the occurrence is over", LIMIT, || {
        let http = stand.tenant.http(&stand.engine);
        let run = show(&http, automation)["runs"][0].clone();
        let is_over = run.is_object() && run["state"] != "begun" && run["state"] != "launched";
        is_over.then_some(run)
    })
}

#[test]
fn req_002_14_whoever_dies_meanwhile_each_birthday_has_one_message() {
    let mut stand = stand("automations-kills");
    let at = soon();
    let http = stand.tenant.http(&stand.engine);
    let born = |year: i16, day: Date| {
        day.with()
            .year(year)
            .build()
            .map_or("1980-01-01".to_owned(), |day| day.to_string())
    };
    let today = at.date();
    let contacts: Vec<Value> = (0..40_i16)
        .map(|index| {
            let day = if index % 2 == 0 { today } else { today.saturating_add(9.days()) };
            json!({ "reference": index.to_string(), "number": format!("+336123456{index:02}"), "birth_date": born(1944 + 4 * (index % 10), day) })
        })
        .collect();
    http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    let time = at.strftime("%H:%M").to_string();
    let plan = json!({ "kind": "birthday", "time": time });
    let birthday = make(&http, "Bon anniversaire", &plan, &order(&json!({ "filter": {} })));
    assert_eq!(birthday["next"].as_array().map(Vec::len), Some(10), "{birthday}");
    assert_eq!(birthday["next"][0]["day"], today.to_string(), "{birthday}");
    let paused = make(&http, "Pause", &plan, &order(&json!({ "filter": {} })));
    let path = format!("/v1/automations/{}/pause", text(&paused["id"]));
    assert_eq!(http.post(&path, &json!({})).expect(200)["paused"], true);

    // Its minute comes while no engine runs, and it is made up for, whatever dies while that is done.
    stand.engine.kill();
    let ahead = at.timestamp();
    eventually("its time has come", LIMIT, || (Timestamp::now() > ahead).then_some(()));
    for _ in 0..3 {
        stand.engine.restart();
        stand.engine.kill();
    }
    stand.engine.restart();
    let run = run(&stand, &birthday);
    assert_eq!(run["state"], "sent", "{run}");
    let campaign = stand.tenant.campaign(&text(&run["campaign"]));
    let view = campaign.wait(&stand.engine, "each has a message", LIMIT, |view| {
        view.status("delivered") == 20
    });
    assert_eq!(view.progress.total, 20);
    let ledger = stand.sim.ledger_by_recipient();
    assert!(
        ledger.len() == 20 && ledger.values().all(|rows| rows.len() == 1),
        "one each"
    );
    let http = stand.tenant.http(&stand.engine);
    assert_eq!(show(&http, &birthday)["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(show(&http, &paused)["runs"], json!([]));
    http.delete(&format!("/v1/automations/{}", text(&birthday["id"])))
        .expect(204);
}

#[test]
fn req_002_09_req_004_17_req_004_18_what_recurs_is_made_at_its_time_and_says_what_held_it_up() {
    let stand = stand("automations");
    let http = stand.tenant.http(&stand.engine);
    let receiver = Receiver::start();
    let endpoint = json!({ "url": receiver.url(), "events": ["automation.*"] });
    http.post("/v1/webhooks", &endpoint).expect(201);
    let at = soon();
    let day = at.date();
    // req_004_17: half a year after the last visit.
    let visit = day.saturating_sub(6.months());
    let visits = |day: Date| json!([{ "day": day.to_string(), "practice": "Lyon" }]);
    let contacts = json!([
        { "reference": "1", "number": "+33612345601", "visits": visits(visit) },
        { "reference": "2", "number": "+33612345602", "visits": visits(visit.saturating_sub(1.day())) },
        { "reference": "3", "number": "+33612345603", "visits": visits(day.saturating_sub(1.day())) },
    ]);
    http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    let time = at.strftime("%H:%M").to_string();
    let list = http.post("/v1/lists", &json!({ "name": "Marathon" })).expect(201);
    let since = json!({ "kind": "since", "months": 6, "time": time });
    let since = make(&http, "Bilan", &since, &order(&json!({ "filter": {} })));
    // req_004_18: each week.
    let weekly = json!({ "kind": "recurrence", "rrule": "FREQ=WEEKLY", "time": time });
    let weekly = make(&http, "Conseil", &weekly, &order(&json!({ "numbers": "+33687654321" })));
    let to_list = order(&json!({ "lists": [list["id"]] }));
    let plan = json!({ "kind": "recurrence", "rrule": "FREQ=DAILY;COUNT=2", "time": time });
    let nobody = make(
        &http,
        "Personne",
        &plan,
        &order(&json!({ "filter": { "field": "tag", "is": "vip" } })),
    );
    let gone = make(&http, "Liste", &plan, &to_list);
    assert_eq!(gone["next"].as_array().map(Vec::len), Some(2), "{gone}");
    http.delete(&format!("/v1/lists/{}", text(&list["id"]))).expect(204);
    let easter = json!({ "kind": "recurrence", "easter": -7, "time": "09:00", "starts": "2027-01-01" });
    let easter = make(&http, "Rameaux", &easter, &order(&json!({ "filter": {} })));
    assert_eq!(
        easter["next"][0],
        json!({ "day": "2027-03-21", "at": "2027-03-21T08:00:00Z", "opens_at": "2027-03-21T08:00:00Z" })
    );
    assert_eq!(easter["next"][1]["at"], "2028-04-09T07:00:00Z", "summer time");

    let states = [&since, &weekly, &nobody, &gone].map(|automation| run(&stand, automation));
    let of = |at: usize| {
        (
            states[at]["state"].as_str().unwrap_or_default(),
            states[at]["reason"].clone(),
        )
    };
    assert_eq!(of(0), ("sent", Value::Null), "{states:?}");
    assert_eq!(of(1), ("sent", Value::Null), "{states:?}");
    assert_eq!(of(2), ("nobody", Value::Null), "{states:?}");
    assert_eq!(of(3), ("refused", json!("list_gone")), "{states:?}");
    stand.sim.wait_for("submits", 2, LIMIT);
    let mut sent: Vec<String> = stand.sim.ledger().into_iter().map(|row| row.recipient).collect();
    sent.sort();
    assert_eq!(sent, ["33612345601", "33687654321"], "once each, and nobody else");
    let told = eventually("what was held up is told", LIMIT, || {
        receiver.taken().into_iter().next()
    });
    let told = &told.events()[0];
    assert_eq!(
        (&told["type"], &told["data"]["id"], &told["data"]["reason"]),
        (&json!("automation.blocked"), &gone["id"], &json!("list_gone"))
    );
    let next = &show(&http, &weekly)["next"][0]["day"];
    assert_eq!(*next, day.saturating_add(7.days()).to_string());
}

#[test]
fn req_002_09_what_is_no_automation_is_refused() {
    let stand = stand("automations-wrong");
    let http = stand.tenant.http(&stand.engine);
    let everybody = order(&json!({ "filter": {} }));
    let refused = |plan: Value, campaign: &Value, pointer: &str| {
        let mut automation = plan;
        automation["name"] = json!("Essai");
        automation["campaign"] = campaign.clone();
        http.post("/v1/automations", &automation)
            .expect_field_problem(&[400, 422], pointer);
    };
    refused(
        json!({ "kind": "recurrence", "rrule": "freq=weekly;wkst=su;interval=2", "time": "09:00" }),
        &everybody,
        "/rrule",
    );
    refused(
        json!({ "kind": "recurrence", "rrule": "FREQ=DAILY", "easter": 1, "time": "09:00" }),
        &everybody,
        "/easter",
    );
    refused(
        json!({ "kind": "birthday", "rrule": "FREQ=DAILY", "time": "09:00" }),
        &everybody,
        "/rrule",
    );
    refused(json!({ "kind": "birthday", "time": "9 h" }), &everybody, "/time");
    refused(
        json!({ "kind": "birthday", "time": "09:00", "time_zone": "Mars" }),
        &everybody,
        "/time_zone",
    );
    refused(
        json!({ "kind": "since", "months": 0, "time": "09:00" }),
        &everybody,
        "/months",
    );
    let numbers = order(&json!({ "filter": {}, "numbers": "+33687654321" }));
    refused(
        json!({ "kind": "birthday", "time": "09:00" }),
        &numbers,
        "/campaign/audience/numbers",
    );
    let mut sender = everybody.clone();
    sender["sender"] = json!("");
    refused(
        json!({ "kind": "birthday", "time": "09:00" }),
        &sender,
        "/campaign/sender",
    );
    let over =
        json!({ "kind": "recurrence", "rrule": "FREQ=DAILY;UNTIL=20200101", "time": "09:00", "starts": "2019-12-01" });
    refused(over, &everybody, "/kind");
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    let mine = make(
        &http,
        "À moi",
        &json!({ "kind": "birthday", "time": "09:00" }),
        &everybody,
    );
    stranger
        .get(&format!("/v1/automations/{}", text(&mine["id"])))
        .expect_problem(&[404]);
}

/// Programs that live on the morning of Easter 2027, and obey the rules of France: until Tuesday, no advertising goes.
fn at_easter(name: &str) -> Stand {
    let lab = Lab::new(programs!(), name);
    lab.live_at("2027-03-28T07:59:40Z");
    Stand::under(lab, "", of_law)
}

fn of_law(redis: &RedisServer, sim: &Sim) -> EngineSettings {
    EngineSettings {
        rules: Some(vec!["fr-seed".to_owned()]),
        ..EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    }
}

/// Everybody lives at another time from now on; what the simulator had is gone.
fn wake_at(stand: &mut Stand, at: &str) {
    assert!(stand.engine.shut_down().success());
    stand.lab().live_at(at);
    stand.redis.restart();
    stand.sim.restart();
    let settings = of_law(&stand.redis, &stand.sim);
    stand.engine.restart_with(&settings);
}

#[test]
fn advertising_at_hours_that_never_open_is_refused_and_no_day_joins_one_that_waits() {
    let mut stand = at_easter("automations-hours");
    let http = stand.tenant.http(&stand.engine);
    let notice = order(&json!({ "numbers": "+33612345601" }));
    let mut advertising = notice.clone();
    advertising["purpose"] = json!("marketing");
    for (rule, time) in [("FREQ=DAILY", "21:00"), ("FREQ=WEEKLY;BYDAY=SU", "10:00")] {
        let mut closed = json!({ "kind": "recurrence", "rrule": rule, "time": time, "name": "Jamais" });
        closed["campaign"] = advertising.clone();
        let refused = http.post("/v1/automations", &closed).expect_problem(&[422]);
        assert_eq!(
            (&refused["code"], &refused["next_open_at"]),
            (&json!("schedule_outside_window"), &json!("2027-03-30T06:00:00Z")),
            "{refused}"
        );
    }
    let daily = json!({ "kind": "recurrence", "rrule": "FREQ=DAILY", "time": "21:00" });
    let evening = make(&http, "Conseil", &daily, &notice);
    assert_eq!(
        evening["next"][0]["opens_at"], evening["next"][0]["at"],
        "what is transactional goes at any hour"
    );
    let path = format!("/v1/automations/{}", text(&evening["id"]));
    http.delete(&path).expect(204);

    let daily = json!({ "kind": "recurrence", "rrule": "FREQ=DAILY", "time": "10:00" });
    let offer = make(&http, "Offre", &daily, &advertising);
    let times = |at: usize| (offer["next"][at]["at"].clone(), offer["next"][at]["opens_at"].clone());
    assert_eq!(times(0), (json!("2027-03-28T08:00:00Z"), json!("2027-03-30T06:00:00Z")));
    assert_eq!(times(2), (json!("2027-03-30T08:00:00Z"), json!("2027-03-30T08:00:00Z")));
    assert_eq!(run(&stand, &offer)["state"], "sent");

    // Monday: that of Sunday still waits. Tuesday: it goes, and then that day's.
    wake_at(&mut stand, "2027-03-29T08:00:01Z");
    let skipped = eventually("Monday is skipped", LIMIT, || {
        let run = show(&stand.tenant.http(&stand.engine), &offer)["runs"][0].clone();
        (run["day"] == "2027-03-29" && run["state"] == "skipped").then_some(run)
    });
    assert_eq!(
        (&skipped["reason"], &skipped["campaign"]),
        (&json!("closed_hours"), &Value::Null)
    );
    assert_eq!(stand.sim.ledger().len(), 0);
    wake_at(&mut stand, "2027-03-30T06:00:01Z");
    stand.sim.wait_for("accepted", 1, LIMIT);
    wake_at(&mut stand, "2027-03-30T08:00:01Z");
    stand.sim.wait_for("accepted", 1, LIMIT);
    let last = show(&stand.tenant.http(&stand.engine), &offer)["runs"][0].clone();
    assert_eq!(last["day"], "2027-03-30", "{last}");
    assert_eq!(stand.sim.ledger().len(), 1);
}
