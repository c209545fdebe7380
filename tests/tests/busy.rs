//! SMSCs that are slow or busy, or refuse what has nothing to do with the pace: what they are given, and what others lose by it.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Stand, eventually, programs};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

/// The value of a metric, or nothing while it is not there.
fn metric(stand: &Stand, sample: &str) -> Option<f64> {
    let text = stand.engine.admin().get("/metrics").text.clone();
    let line = text.lines().find_map(|line| line.strip_prefix(sample))?;
    line.trim().parse().ok()
}

#[test]
fn a_window_shrinks_while_answers_are_slow_and_grows_back() {
    let messages = 6_000;
    let window = "campanile_window_effective{bind=\"0\",smsc=\"north\"}";
    // Five hundred a second, so that there is something left to see it by.
    let quick = "[answer]\ndelay = \"200ms\"\n";
    let stand = Stand::new(programs!(), "busy-window", quick, |smsc| smsc.line("window_min = 20"));
    let campaign = stand.launch(messages);
    stand.sim.wait_for("accepted", 300, LIMIT);
    assert_eq!(metric(&stand, window), Some(100.0));
    stand.sim.switch("[answer]\ndelay = \"3s\"\n");
    eventually("the window has shrunk", LIMIT, || {
        metric(&stand, window).filter(|places| *places <= 20.0)
    });
    let bind = stand.engine.admin().get("/v1/binds").expect(200);
    assert_eq!(bind["data"][0]["window"], json!(20), "{bind}");
    let slow = "campanile_smsc_backoffs_total{cause=\"slow\",smsc=\"north\"}";
    assert!(metric(&stand, slow).is_some_and(|times| times >= 2.0));
    stand.sim.switch(quick);
    eventually("the window is what it was", LIMIT, || {
        metric(&stand, window).filter(|places| *places == 100.0)
    });
    stand.all_delivered(&campaign, messages, LIMIT);
}

#[test]
fn an_smsc_that_says_that_it_is_congested_is_given_less() {
    let messages = 800;
    let scenario = "[answer]\ndelay = \"200ms\"\n[[account]]\nsystem_id = \"*\"\nwindow = 50\ncongestion = true\n";
    let stand = Stand::new(programs!(), "busy-congested", scenario, |smsc| {
        smsc.window(50).line("interface_version = 0x50")
    });
    let campaign = stand.launch(messages);
    let congested = "campanile_smsc_backoffs_total{cause=\"congested\",smsc=\"north\"}";
    eventually("it is given less", LIMIT, || {
        metric(&stand, congested).filter(|times| *times >= 1.0)
    });
    let effective = "campanile_throttle_effective_messages_per_second{smsc=\"north\"}";
    let rate = eventually("there is a rate for it", LIMIT, || metric(&stand, effective));
    assert!(rate < 300.0, "{rate}: 250 a second fill its window");
    stand.all_delivered(&campaign, messages, LIMIT);
    assert_eq!(stand.sim.totals().rejected, 0);
}

#[test]
fn what_is_refused_whatever_the_pace_does_not_hold_up_others() {
    let scenario = "[faults]\nrefuse = { status = \"ESME_RMSGQFUL\", segment = 3 }\n";
    let stand = Stand::new(programs!(), "busy-stuck", scenario, |smsc| smsc);
    let order = CampaignOrder::to_first(40).with("text", json!("rendez-vous ".repeat(38)));
    let stuck = stand.tenant.order(&stand.engine, &order);
    stand.sim.wait_for("accepted", 80, LIMIT);
    // All that it has left is refused, so that it is asked slowly.
    let effective = "campanile_throttle_effective_messages_per_second{smsc=\"north\"}";
    eventually("it is asked slowly", LIMIT, || {
        metric(&stand, effective).filter(|rate| *rate <= 20.0)
    });
    let messages = 2_000;
    let neighbour = stand.engine.tenant("Cabinet des Lilas", 1_000_000);
    let other = neighbour.launch(&stand.engine, messages);
    // At ten a second that would be 200 s.
    other.wait(&stand.engine, "the others' are delivered", LIMIT, |view| {
        view.status("delivered") == messages as u64
    });
    stand.sim.switch("name = \"healthy\"\n");
    stuck.wait(&stand.engine, "what was stuck is delivered", LIMIT, |view| {
        view.status("delivered") == 40
    });
}
