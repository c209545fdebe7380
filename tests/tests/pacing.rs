//! The rate is kept: counted by the simulator, over both sessions, in every window of one second.

use std::time::Duration;

use campanile_tests::{StallWatch, Stand, programs};

/// The burst that the README states: one segment, and 2 % of a second's: what is caught up with after a stall, and the
/// jitter of the way to the socket (20 ms).
const BURST_DIVISOR: u64 = 50;

/// How far the mean may be from the rate, beside the time in which the machine itself stood still.
const MEAN_TOLERANCE: f64 = 0.01;

const SECONDS: u64 = 10;

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

fn keeps_its_rate(rate: u64) {
    let line = format!("rate = \"{rate}/s\"");
    let stand = Stand::new(programs!(), &format!("pacing-{rate}"), "", |smsc| {
        smsc.sessions(2).window(500).line(&line)
    });
    let messages = rate * SECONDS;
    let watch = StallWatch::start();
    let campaign = stand.launch(usize::try_from(messages).expect("a small number"));
    stand
        .sim
        .wait_for("submits", messages, Duration::from_secs(3 * SECONDS));
    let (stalled, longest) = (watch.stalled(), watch.longest());

    let rates = stand.sim.rates();
    let [seen] = rates.as_slice() else {
        panic!("one account submits: {rates:?}")
    };
    assert_eq!(seen.submits, messages, "{seen:?}");
    // What stood still for a moment arrives together: no engine can help that.
    let burst = 1 + rate / BURST_DIVISOR + (rate as f64 * longest.as_secs_f64()) as u64;
    assert!(
        seen.max_per_second <= rate + burst,
        "at most {rate} and a burst of {burst} in a second; the machine stood still for {longest:?} at most: {seen:?}"
    );
    let seconds = Duration::from_micros(seen.last_us - seen.first_us).as_secs_f64();
    let mean = (messages - 1) as f64 / seconds;
    let error = mean / rate as f64 - 1.0;
    let lowest = -(MEAN_TOLERANCE + stalled.as_secs_f64() / seconds);
    assert!(
        (lowest..=MEAN_TOLERANCE).contains(&error),
        "a mean of {mean:.2} a second instead of {rate}; the machine stood still for {stalled:?}: {seen:?}"
    );
    println!(
        "{rate}/s: mean {mean:.2}, most in a second {}, machine stalled {stalled:?}",
        seen.max_per_second
    );

    stand.wait_until_settled(&campaign, Duration::from_secs(30));
    stand.consistent_ledgers(&campaign, usize::try_from(messages).expect("a small number"), "pacing");
}
