//! Faults, each with the ledgers of engine and simulator compared afterwards: nothing lost, nothing doubled, credits
//! conserved, counts that add up.

use std::time::Duration;

use campanile_tests::{Stand, programs};

/// One session, as [`Stand`] sets it up: this many submits are unanswered at most.
const WINDOW: u64 = 100;

/// Some seconds of work with the answers below, so that a fault in the middle is in the middle.
const MESSAGES: usize = 3_000;

/// Leases and binds that died with their owner have to be found dead first.
const SETTLE_LIMIT: Duration = Duration::from_secs(90);

/// How long the simulator may take to see a share of the campaign.
const PROGRESS_LIMIT: Duration = Duration::from_secs(60);

/// Answers take a while, so that the window is full at every instant.
const ANSWERS_TAKE_TIME: &str = r#"
[answer]
delay = { uniform = ["20ms", "60ms"] }
# A simulator that is started again must not repeat an id, as no SMSC does.
ids = "since_start"
[receipt]
delay = { uniform = ["0s", "300ms"] }
"#;

#[test]
fn engine_killed_in_mid_window() {
    for seed in 1..=3 {
        let context = format!("seed {seed}");
        let mut stand = Stand::new(
            programs!(),
            &format!("engine-killed-{seed}"),
            ANSWERS_TAKE_TIME,
            |smsc| smsc,
        );
        let campaign = stand.launch(MESSAGES);
        stand.sim.wait_for("accepted", point_of_time(seed), PROGRESS_LIMIT);
        stand.engine.kill();
        stand.engine.restart();

        stand.wait_until_settled(&campaign, SETTLE_LIMIT);
        let ledgers = stand.consistent_ledgers(&campaign, MESSAGES, &context);
        // Only what was written and never read by the simulator is without a receipt: less than a window.
        let in_doubt = ledgers.view().progress.in_doubt;
        assert!(
            in_doubt <= WINDOW,
            "{context}: {in_doubt} in doubt, with a window of {WINDOW}"
        );
    }
}

#[test]
fn engine_asked_to_end_in_mid_window() {
    let mut stand = Stand::new(programs!(), "engine-terminated", ANSWERS_TAKE_TIME, |smsc| smsc);
    let campaign = stand.launch(MESSAGES);
    stand.sim.wait_for("accepted", 1_000, PROGRESS_LIMIT);
    let status = stand.engine.shut_down();
    assert!(status.success(), "the engine ended with {status}");
    let unanswered = stand.sim.totals().unanswered;
    assert_eq!(unanswered, 0, "the engine left before the answers came");
    stand.engine.restart();

    stand.all_delivered(&campaign, MESSAGES, SETTLE_LIMIT);
}

#[test]
fn redis_killed() {
    let mut stand = Stand::new(programs!(), "redis-killed", ANSWERS_TAKE_TIME, |smsc| smsc);
    stand.redis.sync_always();
    let campaign = stand.launch(MESSAGES);
    for accepted in [500, 1_500] {
        stand.sim.wait_for("accepted", accepted, PROGRESS_LIMIT);
        stand.redis.restart();
    }

    // The engine lived on and knew every answer: nothing is in doubt.
    stand.all_delivered(&campaign, MESSAGES, SETTLE_LIMIT);
}

#[test]
fn simulator_killed() {
    let mut stand = Stand::new(programs!(), "simulator-killed", ANSWERS_TAKE_TIME, |smsc| smsc);
    let campaign = stand.launch(MESSAGES);
    stand.sim.wait_for("accepted", 1_000, PROGRESS_LIMIT);
    // What the first simulator had surely seen: it may have seen more before it died.
    let before = stand.sim.ledger_by_recipient();
    stand.sim.kill();
    stand.sim.restart();

    // Receipts that the dead simulator owed never come: those messages stay transmitted or in doubt, and visible.
    let view = campaign.wait(&stand.engine, "all is submitted and receipted", SETTLE_LIMIT, |view| {
        view.nothing_queued() && stand.sim.receipts_are_in()
    });
    view.assert_adds_up();
    let after = stand.sim.ledger_by_recipient();
    for (recipient, rows) in &after {
        assert_eq!(
            rows.len(),
            1,
            "{recipient} was submitted twice to the second simulator: {rows:?}"
        );
        assert!(
            !before.contains_key(recipient),
            "{recipient} was submitted to both simulators"
        );
    }
    let open = view.status("transmitted") + view.progress.in_doubt;
    assert_eq!(view.status("delivered") + open, MESSAGES as u64, "{view:?}");
    assert!(view.progress.in_doubt <= WINDOW, "{view:?}");
    let ledgers =
        campanile_tests::Ledgers::read(&stand.engine, &stand.sim, &stand.tenant, &campaign, "simulator killed");
    ledgers.assert_nothing_lost(MESSAGES);
    ledgers.assert_credits();
}

#[test]
fn connection_cut_with_a_full_window() {
    let scenario = format!(
        "{ANSWERS_TAKE_TIME}\n[faults]\nclose = {{ after = 500, holding = {WINDOW}, when = \"before_answer\", reset = true, repeat = true }}\n"
    );
    let stand = Stand::new(programs!(), "connection-cut", &scenario, |smsc| smsc);
    let campaign = stand.launch(MESSAGES);

    // The simulator had read every window whole, so that each message in doubt got its receipt.
    stand.all_delivered(&campaign, MESSAGES, SETTLE_LIMIT);
}

#[test]
fn all_connections_dropped_again_and_again() {
    let stand = Stand::new(programs!(), "connections-dropped", ANSWERS_TAKE_TIME, |smsc| {
        smsc.sessions(4)
    });
    let campaign = stand.launch(MESSAGES);
    for accepted in [400, 1_000, 1_600] {
        stand.sim.wait_for("accepted", accepted, PROGRESS_LIMIT);
        stand.sim.close_sessions();
    }

    stand.wait_until_settled(&campaign, SETTLE_LIMIT);
    let ledgers = stand.consistent_ledgers(&campaign, MESSAGES, "connections dropped");
    let in_doubt = ledgers.view().progress.in_doubt;
    assert!(
        in_doubt <= 3 * 4 * WINDOW,
        "{in_doubt} in doubt after three cuts of four sessions"
    );
}

#[test]
fn throttled_in_bursts() {
    let scenario = format!("{ANSWERS_TAKE_TIME}\n[faults]\nthrottle = {{ every = 200, burst = 20 }}\n");
    let stand = Stand::new(programs!(), "throttled", &scenario, |smsc| smsc);
    let campaign = stand.launch(MESSAGES);

    stand.all_delivered(&campaign, MESSAGES, SETTLE_LIMIT);
    let throttled = stand
        .sim
        .totals()
        .by_status
        .get("ESME_RTHROTTLED")
        .copied()
        .unwrap_or(0);
    assert!(throttled >= 20, "the simulator throttled {throttled} submits only");
}

#[test]
fn answers_that_never_come() {
    let scenario = format!("{ANSWERS_TAKE_TIME}\n[faults]\nno_answer = 0.05\nlost = 0.05\n");
    let stand = Stand::new(programs!(), "no-answers", &scenario, |smsc| {
        smsc.line("response_timeout = \"1s\"")
    });
    let messages = 1_000;
    let campaign = stand.launch(messages);

    stand.wait_until_settled(&campaign, SETTLE_LIMIT);
    let ledgers = stand.consistent_ledgers(&campaign, messages, "answers that never come");
    let totals = stand.sim.totals();
    let view = ledgers.view();
    assert!(totals.lost > 0 && totals.unanswered > 0, "{totals:?}");
    // A receipt settles what was accepted; what the simulator threw away is held, in doubt, and paid for by nobody.
    assert_eq!(view.status("delivered"), totals.accepted, "{view:?}, {totals:?}");
    assert!(view.progress.in_doubt >= totals.lost, "{view:?}, {totals:?}");
    campaign.wait(&stand.engine, "the hold is what is in doubt", PROGRESS_LIMIT, |view| {
        view.credits.held == view.progress.in_doubt
    });
}

#[test]
fn receipts_before_their_answers() {
    let scenario = "[answer]\ndelay = \"100ms\"\n[faults]\nreceipt_first = 1.0\n";
    all_delivered("receipts-first", scenario, 1);
}

#[test]
fn receipts_that_come_twice() {
    let scenario = format!("{ANSWERS_TAKE_TIME}\n[faults]\nreceipt_twice = 1.0\n");
    all_delivered("receipts-twice", &scenario, 2);
}

/// Every message ends delivered, with `receipts_each` receipts.
fn all_delivered(name: &str, scenario: &str, receipts_each: u64) {
    let stand = Stand::new(programs!(), name, scenario, |smsc| smsc);
    let campaign = stand.launch(MESSAGES);
    stand.all_delivered(&campaign, MESSAGES, SETTLE_LIMIT);
    assert_eq!(stand.sim.totals().receipts_acked, receipts_each * MESSAGES as u64);
}

#[test]
fn receipts_that_come_after_a_restart() {
    let scenario = "[receipt]\ndelay = \"3s\"\n";
    let mut stand = Stand::new(programs!(), "receipts-after-restart", scenario, |smsc| smsc);
    let campaign = stand.launch(MESSAGES);
    stand.sim.wait_for("answered", MESSAGES as u64, PROGRESS_LIMIT);
    stand.engine.kill();
    stand.engine.restart();

    stand.all_delivered(&campaign, MESSAGES, SETTLE_LIMIT);
}

/// When to strike: somewhere in the middle of the campaign, another place for each seed.
fn point_of_time(seed: u64) -> u64 {
    let scattered = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    WINDOW + scattered % (MESSAGES as u64 - 4 * WINDOW)
}
