//! The rate is kept: counted on the wire, over both sessions, in every window of one second, whatever stands still.
//!
//! The measure is a tap between engine and simulator: what left the engine in one second. A simulator that stands still
//! reads a socket's worth at once afterwards, and no engine can help that; what the engine wrote meanwhile counts here.

use std::time::Duration;

use campanile_tests::scenarios::ground::text_of_segments;
use campanile_tests::tenant::CampaignOrder;
use campanile_tests::{Stand, Tap, programs};
use serde_json::json;

/// The burst that the README states: a hundredth of the rate, and one segment at least.
const BURST_DIVISOR: u64 = 100;

/// How far the mean may be above the rate. How far below is the machine's business here; `bind/pace.rs` judges it.
const MEAN_TOLERANCE: f64 = 0.01;

const SECONDS: u64 = 10;

/// How long engine and simulator stand still, in ms.
const STILL: [u64; 3] = [300, 1_000, 3_000];

#[test]
fn rate_of_20_a_second() {
    keeps_its_rate(20);
}

#[test]
fn rate_of_500_a_second() {
    keeps_its_rate(500);
}

#[test]
fn rate_of_5000_a_second() {
    keeps_its_rate(5_000);
}

#[test]
fn rate_of_200_a_second_with_stalls() {
    keeps_its_rate_through_stalls(200);
}

#[test]
fn rate_of_1500_a_second_with_stalls() {
    keeps_its_rate_through_stalls(1_500);
}

#[test]
fn rate_of_100_a_second_of_each_of_two_sessions() {
    let (rate, sessions, messages) = (100, 2, 1_000);
    let (stand, tap) = Stand::tapped(programs!(), "pacing-sessions", "", |smsc| {
        smsc.sessions(2).window(500).line("session_rate = \"100/s\"")
    });
    let campaign = stand.launch(messages);
    stand
        .sim
        .wait_for("submits", messages as u64, Duration::from_secs(3 * SECONDS));
    let most = tap.most_in_a_second();
    assert!(most <= sessions * (rate + 1), "{most} left within a second");
    let rates = stand.sim.rates();
    let seconds = Duration::from_micros(rates[0].last_us - rates[0].first_us).as_secs_f64();
    let mean = (messages - 1) as f64 / seconds;
    assert!(
        mean <= (sessions * rate) as f64 * (1.0 + MEAN_TOLERANCE),
        "a mean of {mean:.2}"
    );
    stand.all_delivered(&campaign, messages, Duration::from_secs(30));
}

#[test]
fn rates_of_one_sender_and_of_one_number() {
    let (campaign, reminders) = (100, 7);
    let stand = Stand::new(programs!(), "pacing-spaced", "", |smsc| {
        smsc.line("sender_rate = \"20/s\"").line("recipient_rate = \"2/s\"")
    });
    let order = CampaignOrder::to_first(campaign).with("sender", json!("OSTEO"));
    stand.tenant.order(&stand.engine, &order);
    let tenant = stand.tenant.http(&stand.engine);
    for reminder in 0..reminders {
        let sender = format!("LILAS{reminder}");
        let message = json!({"to": "+33799999999", "text": "Rendez-vous", "sender": sender});
        tenant.post("/v1/messages", &message).expect(202);
    }
    let all = (campaign + reminders) as u64;
    stand.sim.wait_for("accepted", all, Duration::from_secs(60));
    let rows = stand.sim.ledger();
    // From the first to the last; what the first is late by is lost of it.
    let took = |is_of: &dyn Fn(&str) -> bool| {
        let times = rows
            .iter()
            .filter(|row| is_of(&row.source))
            .map(|row| row.received_at_us);
        let (first, last) = times.fold((u64::MAX, 0), |(first, last), at| (first.min(at), last.max(at)));
        Duration::from_micros(last - first).as_secs_f64()
    };
    let (of_sender, of_number) = (
        took(&|source| source == "OSTEO"),
        took(&|source| source.starts_with("LILAS")),
    );
    assert!(of_sender > 4.0, "100 of one sender at 20/s took {of_sender:.2} s");
    assert!(of_number > 2.0, "7 to one number at 2/s took {of_number:.2} s");
    let resent = stand
        .engine
        .metric(|line| line.contains("submit_retries_total") && line.contains("reason=\"spaced\""));
    assert!(resent <= all as f64, "each waits once at most: {resent}");
}

fn keeps_its_rate(rate: u64) {
    let (stand, tap) = paced(&format!("pacing-{rate}"), rate);
    let messages = rate * SECONDS;
    let campaign = stand.launch(usize::try_from(messages).expect("a small number"));
    stand
        .sim
        .wait_for("submits", messages, Duration::from_secs(3 * SECONDS));

    let rates = stand.sim.rates();
    let [seen] = rates.as_slice() else {
        panic!("one account submits: {rates:?}")
    };
    assert_eq!(seen.submits, messages, "{seen:?}");
    assert_bound(&tap, rate);
    let seconds = Duration::from_micros(seen.last_us - seen.first_us).as_secs_f64();
    let mean = (messages - 1) as f64 / seconds;
    assert!(
        mean <= rate as f64 * (1.0 + MEAN_TOLERANCE),
        "a mean of {mean:.2} a second instead of {rate}: {seen:?}"
    );
    println!(
        "{rate}/s: mean {mean:.2}, most in a second {} on the wire, {} as the simulator read it",
        tap.most_in_a_second(),
        seen.max_per_second
    );

    stand.wait_until_settled(&campaign, Duration::from_secs(30));
    stand.consistent_ledgers(&campaign, usize::try_from(messages).expect("a small number"), "pacing");
}

fn keeps_its_rate_through_stalls(rate: u64) {
    let (stand, tap) = paced(&format!("pacing-stalls-{rate}"), rate);
    let messages = rate * SECONDS;
    let campaign = stand.launch(usize::try_from(messages).expect("a small number"));
    // A second at full speed before each.
    let mut submits = 0;
    for length in STILL.map(Duration::from_millis) {
        submits += rate;
        stand.sim.wait_for("submits", submits, Duration::from_secs(30));
        stand.engine.stand_still(length);
        submits += rate;
        stand.sim.wait_for("submits", submits, Duration::from_secs(30));
        stand.sim.stand_still(length);
    }
    stand.sim.wait_for("submits", messages, Duration::from_secs(60));
    println!("{rate}/s: most in a second {} on the wire", tap.most_in_a_second());
    assert_bound(&tap, rate);

    stand.wait_until_settled(&campaign, Duration::from_secs(30));
    stand.consistent_ledgers(&campaign, usize::try_from(messages).expect("a small number"), "stalls");
}

fn paced(name: &str, rate: u64) -> (Stand, Tap) {
    let line = format!("rate = \"{rate}/s\"");
    Stand::tapped(programs!(), name, "", |smsc| smsc.sessions(2).window(500).line(&line))
}

#[track_caller]
fn assert_bound(tap: &Tap, rate: u64) {
    let burst = (rate / BURST_DIVISOR).max(1);
    let most = tap.most_in_a_second();
    assert!(
        most <= rate + burst,
        "{most} left within a second: at most {rate} and a burst of {burst} may"
    );
}

/// At such a rate one message may be leased at a time, and a long one needs more places than it began with.
#[test]
fn long_messages_go_at_a_slow_rate_in_any_window() {
    for window in [1, 3, 20] {
        let stand = Stand::new(programs!(), &format!("pacing-long-{window}"), "", |smsc| {
            smsc.window(window).line("rate = \"9/s\"")
        });
        let order = CampaignOrder::to_first(10).with("text", json!(text_of_segments(3)));
        let _campaign = stand.tenant.order(&stand.engine, &order);
        stand.sim.wait_for("accepted", 30, Duration::from_secs(3 * SECONDS));
    }
}
