//! SMSCs that take less than we have: by refusing, or by saying nothing.

use std::time::Duration;

use campanile_tests::{Stand, eventually, programs};

const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn an_smsc_that_throttles_is_fed_at_its_limit_with_few_refusals() {
    let messages = 3_000;
    let scenario = "[[account]]\nsystem_id = \"campanile\"\npassword = \"secret\"\nrate = \"200/s\"\n";
    let stand = Stand::new(programs!(), "throttling", scenario, |smsc| smsc);
    let campaign = stand.launch(messages);
    let effective = "campanile_throttle_effective_messages_per_second{smsc=\"north\"}";
    eventually("the engine has a rate for it", LIMIT, || {
        let metrics = stand.engine.admin().get("/metrics");
        metrics.text.contains(effective).then_some(())
    });

    // In the first seconds it finds out what the limit is.
    let refused = || {
        let by_status = stand.sim.totals().by_status;
        by_status.get("ESME_RTHROTTLED").copied().unwrap_or(0)
    };
    stand.sim.wait_for("accepted", 1_000, LIMIT);
    let at_first = refused();

    stand.wait_until_settled(&campaign, LIMIT);
    stand.consistent_ledgers(&campaign, messages, "throttling");
    let later = refused() - at_first;
    println!("{at_first} refused for the first 1,000, {later} for the other 2,000");
    assert!(at_first <= 500, "{at_first} refused for the first 1,000");
    assert!(later <= 120, "{later} refused for 2,000: more than 6 per cent");
}

#[test]
fn an_smsc_that_answers_no_submission_gets_one_window_and_then_one_at_a_time() {
    let (messages, window, probes) = (3_000, 100, 5);
    let stand = Stand::new(programs!(), "answers-nothing", "[faults]\nno_answer = 1.0\n", |smsc| {
        smsc.line("response_timeout = \"1s\"")
    });
    let campaign = stand.launch(messages);
    // One after 1, 2, 4, 8 s and so on.
    stand.sim.wait_for("submits", window + probes, LIMIT);
    let bind = || stand.engine.admin().get("/v1/binds").text.clone();
    eventually("the bind is said to be stalled", LIMIT, || {
        bind().contains("\"stalled\"").then_some(())
    });
    let submits = stand.sim.totals().submits;
    assert!(submits <= window + probes + 1, "{submits} submitted without an answer");

    stand.sim.switch_to("healthy");
    stand.wait_until_settled(&campaign, LIMIT);
    stand.consistent_ledgers(&campaign, messages, "answers nothing, then all");
    assert!(bind().contains("\"bound\""), "{}", bind());
}
