//! A campaign with a rate of its own, changed while it runs. Judged by counts: another campaign, whose rate stays, is the clock.

use std::process::Command;
use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Engine, Stand, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(90);

/// To as many numbers that begin so, from that sender.
pub(super) fn order(sender: &str, prefix: &str, count: usize) -> CampaignOrder {
    let numbers: Vec<String> = (0..count).map(|index| format!("{prefix}{index:04}")).collect();
    CampaignOrder::to_audience(&json!({ "numbers": numbers.join(";") })).with("sender", json!(sender))
}

/// What the simulator has of a sender's.
pub(super) fn had(stand: &Stand, sender: &str) -> u64 {
    stand.sim.ledger().iter().filter(|row| row.source == sender).count() as u64
}

/// What it had of that sender from the first to the last of the one that is the clock.
pub(super) fn had_during(stand: &Stand, sender: &str, clock: &str) -> usize {
    let rows = stand.sim.ledger();
    let times = |of: &str| -> Vec<u64> {
        let rows = rows.iter().filter(|row| row.source == of);
        rows.map(|row| row.received_at_us).collect()
    };
    let (times, clock) = (times(sender), times(clock));
    let (first, last) = (clock.iter().min().expect("some"), clock.iter().max().expect("some"));
    times.iter().filter(|at| (first..=last).contains(at)).count()
}

/// The most that it had within a second.
pub(super) fn most_in_a_second(stand: &Stand, sender: &str) -> usize {
    let rows = stand.sim.ledger();
    let mut times: Vec<u64> = rows
        .iter()
        .filter(|row| row.source == sender)
        .map(|row| row.received_at_us)
        .collect();
    times.sort_unstable();
    let within = |(at, first): (usize, &u64)| times[at..].iter().take_while(|time| **time < first + 1_000_000).count();
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

fn ask_for_rate(stand: &Stand, engine: &Engine, campaign: &Campaign, rate: &Value) -> campanile_tests::Answer {
    let path = format!("/v1/campaigns/{}/rate", campaign.id);
    stand.tenant.http(engine).post(&path, &json!({ "rate": rate }))
}

/// Waits until a campaign is wholly delivered.
pub(super) fn delivered(engine: &Engine, campaign: &Campaign, count: u64) {
    campaign.wait(engine, "all are delivered", LIMIT, |view| {
        view.nothing_queued() && view.status("delivered") == count
    });
}

#[test]
fn req_003_13_a_running_campaign_is_slowed_down_and_sped_up() {
    let stand = Stand::new(programs!(), "campaign-rate", "", |smsc| smsc);
    let engine = &stand.engine;
    let slow = stand
        .tenant
        .order(engine, &order("SLOW", "+3360000", 2_500).with("rate", json!("5/s")));
    let clock = stand
        .tenant
        .order(engine, &order("CLOCK", "+3361000", 400).with("rate", json!("50/s")));
    // Whoever has no rate waits for neither, though both stand before it.
    let quick = stand.tenant.order(engine, &order("QUICK", "+3362000", 300));
    delivered(engine, &quick, 300);
    assert!(had(&stand, "CLOCK") < 300, "the quick one was held up");
    let view = slow.view(engine);
    assert_eq!(view.state, "running");
    let shown = stand
        .tenant
        .http(engine)
        .get(&format!("/v1/campaigns/{}", slow.id))
        .expect(200);
    assert_eq!(
        (&shown["rate"], &shown["waiting"]["reason"]),
        (&json!("5/s"), &json!("rate")),
        "{shown}"
    );
    let detail = shown["waiting"]["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("5 messages"), "{detail}");
    delivered(engine, &clock, 400);
    let first = had_during(&stand, "SLOW", "CLOCK");
    assert!((34..=46).contains(&first), "{first} at a tenth of the speed of 400");

    // Eight times as fast as the other.
    ask_for_rate(&stand, engine, &slow, &json!("200/s")).expect(200);
    let clock = stand
        .tenant
        .order(engine, &order("CLOCK2", "+3363000", 100).with("rate", json!("25/s")));
    delivered(engine, &clock, 100);
    let second = had_during(&stand, "SLOW", "CLOCK2");
    assert!(
        (650..=950).contains(&second),
        "{second} at eight times the speed of 100"
    );

    // Paused, its rate is changed; resumed, it goes at that one.
    slow.ask(engine, "pause").expect(200);
    ask_for_rate(&stand, engine, &slow, &json!("120/min")).expect(200);
    slow.ask(engine, "resume").expect(200);
    let clock = stand
        .tenant
        .order(engine, &order("CLOCK3", "+3364000", 100).with("rate", json!("20/s")));
    delivered(engine, &clock, 100);
    let third = had_during(&stand, "SLOW", "CLOCK3");
    assert!((7..=14).contains(&third), "{third} at a tenth of the speed of 100");

    let set = ask_for_rate(&stand, engine, &slow, &Value::Null).expect(200);
    assert_eq!(
        (&set["state"], &set["rate"]),
        (&json!("running"), &Value::Null),
        "{set}"
    );
    delivered(engine, &slow, 2_500);
    assert_eq!(had(&stand, "SLOW"), 2_500, "each once");
    let most = most_in_a_second(&stand, "CLOCK");
    assert!(most <= 70, "{most} within a second of 50/s");
}

#[test]
fn a_rate_that_is_none_is_refused_and_one_of_a_campaign_that_is_over() {
    let stand = Stand::new(programs!(), "campaign-rate-refused", "", |smsc| smsc);
    let engine = &stand.engine;
    let tenant = stand.tenant.http(engine);
    for wrong in [json!("fast"), json!("0/s"), json!("5/day")] {
        let refused = tenant.post(
            "/v1/campaigns",
            &order("SLOW", "+3360000", 2).with("rate", wrong.clone()).body,
        );
        let refused = refused.expect(422);
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
            (&json!("/rate"), &json!("invalid_rate")),
            "{refused}"
        );
    }
    let campaign = stand.tenant.create(engine, &order("SLOW", "+3360000", 20));
    let refused = ask_for_rate(&stand, engine, &campaign, &json!("1/0s")).expect(422);
    assert_eq!(refused["errors"][0]["code"], "invalid_rate", "{refused}");
    let set = |rate: &str| {
        let output = Command::new(programs!().engine)
            .args(["campaigns", "rate", &campaign.id, rate, "--json"])
            .env("CAMPANILE_API", format!("http://{}", tenant.address()))
            .env("CAMPANILE_KEY", &stand.tenant.key)
            .output()
            .expect("campanile runs");
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    assert_eq!(set("300/min")["rate"], "300/min");
    assert_eq!(set("none")["rate"], Value::Null);
    assert_eq!(set("400/s")["state"], "draft");
    campaign.ask(engine, "launch").expect(202);
    delivered(engine, &campaign, 20);
    campaign.wait(engine, "it is over", LIMIT, |view| view.state == "completed");
    let refused = ask_for_rate(&stand, engine, &campaign, &json!("5/s")).expect(409);
    assert_eq!(refused["code"], "campaign_wrong_state", "{refused}");
    let copy = tenant
        .post(&format!("/v1/campaigns/{}/duplicate", campaign.id), &json!({}))
        .expect(201);
    assert_eq!(copy["rate"], "400/s", "{copy}");
}

#[test]
fn two_engines_keep_the_rate_of_a_campaign_and_one_goes_on_when_the_other_is_killed() {
    let stand = Stand::new(programs!(), "campaign-rate-engines", "", |smsc| smsc.sessions(2));
    let other = stand.engine.beside("other");
    let campaign = stand.tenant.order(
        &stand.engine,
        &order("SLOW", "+3360000", 300).with("rate", json!("20/s")),
    );
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
