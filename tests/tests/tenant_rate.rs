//! A tenant with a rate of its own. Judged by counts: a campaign of another tenant, which has a rate as well, is the clock.

use std::time::Duration;

use campanile_tests::{EngineSettings, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

use super::campaign_rate::{delivered, had, had_during, most_in_a_second, order};

const LIMIT: Duration = Duration::from_secs(90);

fn agree(stand: &Stand, rate: &Value) -> Value {
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    stand
        .engine
        .operator()
        .patch(&path, &json!({ "rate": rate }))
        .expect(200)
}

/// At an hour at which advertising may be sent.
fn stand(name: &str) -> Stand {
    let lab = Lab::new(programs!(), name);
    lab.live_at("2026-12-03T10:00:00Z");
    Stand::under(lab, "", |redis, sim| {
        EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    })
}

#[test]
fn a_tenant_goes_at_its_rate_what_is_urgent_first_and_nobody_else_waits() {
    let stand = stand("tenant-rate");
    let engine = &stand.engine;
    let agreed = agree(&stand, &json!("20/s"));
    assert_eq!(agreed["rate"], "20/s", "{agreed}");
    let other = engine.tenant("Autre", 10_000);
    // Two campaigns share what there is.
    let slow = stand.tenant.order(
        engine,
        &order("SLOW", "+3360000", 2_000).with("purpose", json!("marketing")),
    );
    let second = stand.tenant.order(
        engine,
        &order("SLOW", "+3361000", 500).with("purpose", json!("marketing")),
    );
    let clock = other.order(engine, &order("CLOCK", "+3362000", 200).with("rate", json!("20/s")));
    let quick = other.order(engine, &order("QUICK", "+3363000", 300));
    delivered(engine, &quick, 300);
    let shown = stand
        .tenant
        .http(engine)
        .in_language("en")
        .get(&format!("/v1/campaigns/{}", slow.id))
        .expect(200);
    assert_eq!(
        (&shown["waiting"]["reason"], &shown["waiting"]["detail"]),
        (
            &json!("rate"),
            &json!("This account sends 20 messages a second at most, as agreed.")
        ),
        "{shown}"
    );
    let waits = |reason: &str| {
        let line = format!("campanile_waiting_messages{{reason=\"{reason}\"}}");
        engine.metric(|found| found.starts_with(&line))
    };
    eventually("what waits for a rate is counted as that", LIMIT, || {
        (waits("rate") > 1_000.0 && waits("window") < 100.0).then_some(())
    });
    // What is urgent waits for the next permit alone, though two thousand stand before it.
    let message = json!({ "to": "+33699999999", "text": "RDV demain", "sender": "URGENT" });
    stand
        .tenant
        .http(engine)
        .once("urgent")
        .post("/v1/messages", &message)
        .expect(202);
    let before = had(&stand, "SLOW");
    eventually("the urgent one is sent", LIMIT, || {
        (had(&stand, "URGENT") > 0).then_some(())
    });
    let meanwhile = had(&stand, "SLOW") - before;
    assert!(meanwhile <= 40, "{meanwhile} of a campaign went before it");
    delivered(engine, &clock, 200);
    let during = had_during(&stand, "SLOW", "CLOCK");
    assert!((180..=220).contains(&during), "{during} at the speed of 200");

    let most = most_in_a_second(&stand, "SLOW");
    assert!(most <= 28, "{most} within a second of 20/s");
    // As fast as they can from now on.
    assert_eq!(agree(&stand, &Value::Null)["rate"], Value::Null);
    delivered(engine, &slow, 2_000);
    delivered(engine, &second, 500);
    assert_eq!(had(&stand, "SLOW"), 2_500, "each once");
}

#[test]
fn two_engines_keep_the_rate_of_a_tenant_and_one_goes_on_when_the_other_is_killed() {
    let stand = Stand::new(programs!(), "tenant-rate-engines", "", |smsc| smsc.sessions(2));
    let other = stand.engine.beside("other");
    agree(&stand, &json!("20/s"));
    let campaign = stand.tenant.order(&stand.engine, &order("SLOW", "+3360000", 300));
    stand.sim.wait_for("accepted", 60, LIMIT);
    // It has the duty.
    stand.engine.kill();
    campaign.wait(&other, "nothing waits any more", LIMIT, |view| {
        view.nothing_queued() && view.status("delivered") + view.progress.in_doubt == 300
    });
    let sent = stand.sim.ledger_by_recipient();
    assert!(sent.values().all(|rows| rows.len() == 1), "each once at most");
    let most = most_in_a_second(&stand, "SLOW");
    assert!(most <= 28, "{most} within a second of 20/s");
}

/// A campaign of the same lane as a code, which takes longer than anybody waits for one.
#[test]
fn a_message_by_itself_overtakes_the_urgent_campaign_of_its_own_tenant() {
    let stand = stand("tenant-rate-own");
    agree(&stand, &json!("20/s"));
    let campaign = stand.tenant.order(
        &stand.engine,
        &order("SLOW", "+3360000", 1_000).with("purpose", json!("transactional")),
    );
    stand.sim.wait_for("accepted", 20, LIMIT);
    let message = json!({ "to": "+33699999999", "text": "Votre code est 1234", "sender": "URGENT" });
    stand
        .tenant
        .http(&stand.engine)
        .once("code")
        .post("/v1/messages", &message)
        .expect(202);
    eventually("the code is sent", LIMIT, || (had(&stand, "URGENT") == 1).then_some(()));
    let before = had(&stand, "SLOW");
    assert!(before < 300, "{before} of the campaign went before it");
    campaign.ask(&stand.engine, "cancel").expect(202);
}

#[test]
fn a_redis_that_was_emptied_keeps_the_rate_of_a_tenant() {
    let mut stand = Stand::new(programs!(), "tenant-rate-emptied", "", |smsc| smsc);
    agree(&stand, &json!("20/s"));
    assert!(stand.engine.shut_down().success());
    redis::cmd("FLUSHALL")
        .exec(&mut stand.redis.connect().expect("a connection"))
        .expect("FLUSHALL");
    stand.engine.restart();
    let tenant = stand.tenant.http(&stand.engine);
    assert_eq!(tenant.get("/v1/tenant").expect(200)["rate"], "20/s");
    let campaign = stand.tenant.order(&stand.engine, &order("SLOW", "+3360000", 100));
    delivered(&stand.engine, &campaign, 100);
    let most = most_in_a_second(&stand, "SLOW");
    assert!(most <= 28, "{most} within a second of 20/s");
}

#[test]
fn a_rate_that_is_none_is_refused() {
    let stand = Stand::new(programs!(), "tenant-rate-refused", "", |smsc| smsc);
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    for wrong in [json!("fast"), json!("0/s"), json!("5/day")] {
        let refused = stand
            .engine
            .operator()
            .patch(&path, &json!({ "rate": wrong }))
            .expect(422);
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
            (&json!("/rate"), &json!("invalid_rate")),
            "{refused}"
        );
    }
    let made = json!({ "name": "Cabinet", "rate": "300/min" });
    let made = stand
        .engine
        .operator()
        .once("made")
        .post("/v1/tenants", &made)
        .expect(201);
    assert_eq!(made["rate"], "300/min", "{made}");
}
