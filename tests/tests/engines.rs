//! Several engines on one Redis: they share sessions, rate and work, and take over from each other.

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;

use campanile_tests::{Engine, EngineSettings, Lab, SmscSettings, Stand, Tap, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// A stand whose SMSC takes two sessions, and that rate.
fn stand(name: &str, sessions: u32, rate: Option<u32>) -> (Stand, Tap) {
    let mut tap = None;
    let stand = Stand::under(Lab::new(programs!(), name), "", |redis, sim| {
        let tap = tap.insert(Tap::new(sim.smpp_address()));
        let mut smsc = SmscSettings::new("north", &tap.address()).sessions(sessions);
        if let Some(rate) = rate {
            smsc = smsc.line(&format!("rate = \"{rate}/s\""));
        }
        EngineSettings::new(Some(redis.url()), vec![smsc])
    });
    (stand, tap.expect("made with the settings"))
}

fn engines_of(engine: &Engine) -> Vec<Value> {
    let engines = engine.admin().get("/v1/engines").expect(200);
    engines["data"].as_array().expect("a list").clone()
}

/// Sessions by engine, in the order in which they were started.
fn sessions(engine: &Engine) -> Vec<u64> {
    let count = |engine: &Value| engine["sessions"][0]["sessions"].as_u64().unwrap_or(0);
    engines_of(engine).iter().map(count).collect()
}

fn wait_for_sessions(stand: &Stand, engine: &Engine, wanted: &[u64]) {
    eventually(&format!("sessions are shared as {wanted:?}"), LIMIT, || {
        let bound = stand.sim.sessions().ok()? as u64;
        (sessions(engine) == wanted && bound == wanted.iter().sum::<u64>()).then_some(())
    });
}

#[test]
fn two_engines_share_sessions_and_one_takes_over_from_the_other() {
    let (stand, _tap) = stand("engines-sessions", 2, None);
    wait_for_sessions(&stand, &stand.engine, &[2]);
    let other = stand.engine.beside("other");
    wait_for_sessions(&stand, &other, &[1, 1]);
    let shown = engines_of(&other);
    let of = |key: &str| shown.iter().map(|engine| engine[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("this"), [json!(false), json!(true)]);
    assert_eq!(of("duty"), [json!(true), json!(false)]);
    assert_eq!(of("pid")[1], json!(other.process().pid()));
    let listed = Command::new(programs!().engine)
        .args(["engines", "--admin", &format!("http://{}", other.admin().address())])
        .output()
        .expect("campanile runs");
    let listed = String::from_utf8_lossy(&listed.stdout);
    assert_eq!(listed.matches("north 1").count(), 2, "{listed}");
    // What one is told, both may send.
    let campaign = stand.launch(2_000);
    stand.all_delivered(&campaign, 2_000, LIMIT);
    let sent = |engine: &Engine| engine.metric(|sample| sample.starts_with("campanile_leased_messages_total"));
    assert!(
        sent(&stand.engine) > 0.0 && sent(&other) > 0.0,
        "one of them sent nothing"
    );
    // An engine that ends gives its sessions up, and the duty.
    assert!(stand.engine.shut_down().success());
    wait_for_sessions(&stand, &other, &[2]);
    eventually("the duty is taken over", LIMIT, || {
        (engines_of(&other)[0]["duty"] == true).then_some(())
    });
    let campaign = stand.tenant.launch(&other, 100);
    campaign.wait(&other, "all are delivered", LIMIT, |view| {
        view.nothing_queued() && view.status("delivered") == 100
    });
}

#[test]
fn two_engines_keep_one_rate() {
    let (stand, tap) = stand("engines-rate", 2, Some(500));
    let other = stand.engine.beside("other");
    wait_for_sessions(&stand, &other, &[1, 1]);
    let campaign = stand.launch(5_000);
    stand.wait_until_settled(&campaign, LIMIT);
    let most = tap.most_in_a_second();
    assert!(most <= 505, "{most} in a second");
    let leased = |engine: &Engine| engine.metric(|sample| sample.starts_with("campanile_leased_messages_total"));
    let shares = [leased(&stand.engine), leased(&other)];
    assert!(shares.iter().all(|share| *share > 1_500.0), "{shares:?}");
    stand.consistent_ledgers(&campaign, 5_000, "two engines");
}

#[test]
fn an_engine_is_killed_and_the_other_goes_on() {
    let (stand, _tap) = stand("engines-killed", 1, Some(500));
    let other = stand.engine.beside("other");
    let campaign = stand.launch(3_000);
    stand.sim.wait_for("accepted", 500, LIMIT);
    stand.engine.kill();
    campaign.wait(&other, "nothing waits any more", LIMIT, |view| {
        let in_doubt = view.progress.in_doubt;
        view.nothing_queued() && view.status("delivered") + in_doubt == 3_000
    });
    is_sent_once(&stand, 3_000);
}

/// The first has the only session; it stands still for longer than others wait for it.
#[test]
fn an_engine_that_stood_still_submits_nothing_that_another_may_have_sent() {
    let (stand, _tap) = stand("engines-still", 1, Some(500));
    let other = stand.engine.beside("other");
    let campaign = stand.launch(6_000);
    stand.sim.wait_for("accepted", 500, LIMIT);
    stand.engine.stand_still(Duration::from_secs(9));
    campaign.wait(&other, "nothing waits any more", LIMIT, |view| {
        let in_doubt = view.progress.in_doubt;
        view.nothing_queued() && view.status("delivered") + in_doubt == 6_000
    });
    is_sent_once(&stand, 6_000);
    eventually("both are there", LIMIT, || {
        (engines_of(&other).len() == 2).then_some(())
    });
    // What all have in common is shown by the one that has the duty now, and no more by the one that had it.
    let credits = |engine: &Engine| engine.metric(|sample| sample.starts_with("campanile_credit_balance{"));
    eventually("one of them shows the credits", LIMIT, || {
        (credits(&other) > 0.0 && credits(&stand.engine) == 0.0).then_some(())
    });
}

/// It stands still for about as long as others would wait for this engine, which goes on with the sessions that it has.
#[test]
fn an_engine_whose_redis_stood_still_goes_on_with_its_whole_window() {
    for (name, seconds) in [("engines-stall-6", 6), ("engines-stall-8", 8)] {
        let (stand, _tap) = stand(name, 2, Some(500));
        wait_for_sessions(&stand, &stand.engine, &[2]);
        let campaign = stand.launch(3_000);
        stand.sim.wait_for("accepted", 500, LIMIT);
        stand.redis.stand_still(Duration::from_secs(seconds));
        campaign.wait(&stand.engine, "nothing waits any more", LIMIT, |view| {
            let in_doubt = view.progress.in_doubt;
            view.nothing_queued() && view.status("delivered") + in_doubt == 3_000
        });
        is_sent_once(&stand, 3_000);
        let campaign = stand.launch(1_000);
        campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
            view.nothing_queued() && view.status("delivered") == 1_000
        });
    }
}

/// The one that is asked has no session.
#[test]
fn what_all_engines_have_under_way_is_drained() {
    let (stand, _tap) = stand("engines-drained", 1, Some(500));
    let other = stand.engine.beside("other");
    wait_for_sessions(&stand, &other, &[1, 0]);
    let campaign = stand.launch(2_000);
    stand.sim.wait_for("accepted", 200, LIMIT);
    let admin = format!("http://{}", other.admin().address());
    let drained = Command::new(programs!().engine)
        .args(["smsc", "drain", "north", "--admin", &admin])
        .output()
        .expect("campanile runs");
    let said = String::from_utf8_lossy(&drained.stderr);
    assert!(drained.status.success(), "{said}");
    let smscs = stand.engine.admin().get("/v1/smscs").expect(200);
    assert_eq!(
        (&smscs["data"][0]["in_flight"], &smscs["data"][0]["suspended"]),
        (&json!(0), &json!(true))
    );
    other.admin().post("/v1/smscs/north/resume", &json!({})).expect(200);
    stand.wait_until_settled(&campaign, LIMIT);
}

/// The one that is asked for the SMSC has no session; then one of them reads another configuration, and the other does not.
#[test]
fn any_engine_shows_what_all_have_and_which_of_them_are_configured_otherwise() {
    let (stand, tap) = stand("engines-shown", 1, None);
    let other = stand.engine.beside("other");
    wait_for_sessions(&stand, &other, &[1, 0]);
    let listed = || {
        let listed = Command::new(programs!().engine)
            .args([
                "smsc",
                "list",
                "--admin",
                &format!("http://{}", other.admin().address()),
            ])
            .output()
            .expect("campanile runs");
        String::from_utf8_lossy(&listed.stdout).into_owned()
    };
    eventually("the session of the other engine is shown", LIMIT, || {
        listed().contains("1/1").then_some(())
    });
    let differing = |engine: &Engine| -> Vec<Value> {
        let engines = engines_of(engine);
        engines.iter().map(|engine| engine["differs_in"].clone()).collect()
    };
    assert_eq!(differing(&other), [json!([]), json!([])]);
    let smsc = SmscSettings::new("north", &tap.address())
        .sessions(1)
        .line("rate = \"500/s\"");
    let settings = EngineSettings::new(Some(stand.redis.url()), vec![smsc]);
    stand.engine.configure(&settings);
    stand.engine.reload().expect(200);
    eventually("both say in what they differ", LIMIT, || {
        let parts = json!(["smsc north"]);
        let said = [differing(&stand.engine), differing(&other)];
        (said == [[json!([]), parts.clone()], [parts, json!([])]]).then_some(())
    });
    eventually("the one that was there first logs it", LIMIT, || {
        stand
            .engine
            .process()
            .log()
            .contains("another engine is configured otherwise")
            .then_some(())
    });
    other.reload().expect(200);
    eventually("they agree again", LIMIT, || {
        let said = stand.engine.process().log().contains("is configured as this one again");
        (said && differing(&other) == [json!([]), json!([])]).then_some(())
    });
}

#[test]
fn what_an_operator_says_of_a_rate_holds_for_all_engines_and_a_restart() {
    let (mut stand, tap) = stand("engines-told", 1, Some(500));
    let other = stand.engine.beside("other");
    wait_for_sessions(&stand, &other, &[1, 0]);
    other
        .admin()
        .post("/v1/smscs/north/rate", &json!({ "rate": "50/s" }))
        .expect(200);
    let told = |engine: &Engine| engine.admin().get("/v1/smscs").expect(200)["data"][0]["rate"]["told"].clone();
    eventually("the engine with the session has heard of it", LIMIT, || {
        (told(&stand.engine) == 50.0).then_some(())
    });
    let campaign = stand.launch(300);
    stand.wait_until_settled(&campaign, LIMIT);
    let most = tap.most_in_a_second();
    assert!(most <= 51, "{most} in a second");
    stand.engine.restart();
    eventually("it is known after a restart", LIMIT, || {
        (told(&stand.engine) == 50.0).then_some(())
    });
    stand
        .engine
        .admin()
        .post("/v1/smscs/north/rate", &json!({ "rate": "configured" }))
        .expect(200);
    eventually("it is undone everywhere", LIMIT, || {
        told(&other).is_null().then_some(())
    });
}

fn is_sent_once(stand: &Stand, messages: usize) {
    let rows = stand.sim.ledger();
    let accepted: Vec<&str> = rows
        .iter()
        .filter(|row| row.is_accepted())
        .map(|row| row.recipient.as_str())
        .collect();
    let different: HashSet<&str> = accepted.iter().copied().collect();
    assert_eq!(accepted.len(), different.len(), "some were sent twice");
    assert!(accepted.len() <= messages);
}
