//! Messages of several segments of which some are taken and some are not: no segment is submitted again that was taken.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ground::{Ground, LIMIT, Terms, text_of_segments};
use super::run::{Figures, Run, Scenario};

/// All of this file.
pub const ALL: &[Scenario] = &[REFUSED_FOR_GOOD, RECEIPTS_FIRST, REFUSED_FOR_LONG, FAILS_FOR_NOW];

/// One segment of three is refused for good.
pub const REFUSED_FOR_GOOD: Scenario = Scenario::new("segment-refused", refused_for_good);

/// Receipts come before the last answer.
pub const RECEIPTS_FIRST: Scenario = Scenario::new("segment-late", receipts_first);

/// One segment meets a full queue for long, while the engine is killed, too.
pub const REFUSED_FOR_LONG: Scenario = Scenario::new("segment-full", refused_for_long);

/// One segment meets an error for now, again and again.
pub const FAILS_FOR_NOW: Scenario = Scenario::new("segment-syserr", fails_for_now);

const SEGMENTS: usize = 3;

/// The simulator takes everything from now on.
const HEALTHY: &str = "name = \"healthy\"\n";

fn refused_for_good(run: &Run) -> Figures {
    let mut dice = run.dice();
    let segment = dice.roll(1..=3);
    let scenario = format!("[faults]\nrefuse = {{ status = \"ESME_RSUBMITFAIL\", segment = {segment} }}\n");
    let ground = Ground::new(run, &Terms::new(&scenario));
    let messages = dice.roll(10..=60) as usize;
    let campaign = ground.launch(&ground.stand.tenant, messages, &text_of_segments(SEGMENTS));
    let view = ground.wait(&campaign, "it is completed and nothing is held", |view| {
        view.state == "completed" && view.credits.held == 0
    });
    view.assert_adds_up();
    ground.assert_nothing_doubled("");
    ground.assert_credits(&ground.stand.tenant);
    let taken = ground.stand.sim.totals().accepted;
    assert_eq!(
        view.credits.spent - view.credits.recredited,
        taken,
        "{}: what was taken is billed: {view:?}",
        ground.context
    );
    Figures::from([("messages", messages as u64), ("segments taken", taken)])
}

fn receipts_first(run: &Run) -> Figures {
    let mut dice = run.dice();
    let segment = dice.roll(1..=3);
    let by = dice.pick(&["300ms", "1s", "2s"]);
    let scenario = format!("[faults]\nlate = {{ by = \"{by}\", segment = {segment} }}\n");
    let mut terms = Terms::new(&scenario);
    terms.window = 1_500;
    let ground = Ground::new(run, &terms);
    let campaign = ground.launch(&ground.stand.tenant, 500, &text_of_segments(SEGMENTS));
    ground.wait(&campaign, "all are delivered", |view| view.status("delivered") == 500);
    ground.assert_nothing_doubled("");
    let duplicates = ground.stand.engine.metric(says_duplicate);
    assert!(
        duplicates <= 15.0,
        "{}: {duplicates} duplicates counted for 1,500 receipts, each of which came once",
        ground.context
    );
    Figures::from([("receipts", 1_500), ("duplicates", duplicates as u64)])
}

/// A counter of receipts that came twice, by its name or by its reason.
fn says_duplicate(sample: &str) -> bool {
    sample.starts_with("campanile_receipt") && sample.contains("duplicate")
}

fn refused_for_long(run: &Run) -> Figures {
    let mut dice = run.dice();
    // Not the first: a short message's only segment is its first, and the neighbour's has to go.
    let segment = dice.roll(2..=3);
    let scenario = format!("[faults]\nrefuse = {{ status = \"ESME_RMSGQFUL\", segment = {segment} }}\n");
    let mut ground = Ground::new(run, &Terms::new(&scenario));
    let text = text_of_segments(SEGMENTS);
    let messages = dice.roll(20..=50) as usize;
    let campaign = ground.launch(&ground.stand.tenant, messages, &text);
    let others = 2 * messages as u64;
    ground.stand.sim.wait_for("accepted", others, LIMIT);
    ground
        .stand
        .sim
        .wait_for("rejected", messages as u64 + dice.roll(1..=20), LIMIT);
    // What was taken is remembered by more than the memory of a process.
    let stop = dice.pick(&["orderly", "killed"]);
    match stop {
        "orderly" => {
            ground.must_end();
        }
        _ => ground.stand.engine.kill(),
    }
    ground.stand.engine.restart();
    let neighbour = ground.neighbour();
    ground.send(&neighbour, "+33799999999", "Lilas");
    ground.stand.sim.wait_for("accepted", others + 1, LIMIT);
    ground.stand.sim.switch(HEALTHY);
    let view = ground.wait_until_ended(&campaign, SEGMENTS as u64);
    ground.assert_nothing_doubled("");
    ground.assert_credits(&ground.stand.tenant);
    if stop == "orderly" {
        assert_eq!(
            view.status("delivered"),
            messages as u64,
            "{}: all had their answers when the engine ended: {view:?}",
            ground.context
        );
    }
    Figures::from([("messages", messages as u64), ("in doubt", view.progress.in_doubt)])
}

fn fails_for_now(run: &Run) -> Figures {
    let mut dice = run.dice();
    let segment = dice.pick(&[2_u8, 3]);
    let scenario = format!("[faults]\nrefuse = {{ status = \"ESME_RSYSERR\", segment = {segment} }}\n");
    let ground = Ground::new(run, &Terms::new(&scenario));
    let messages = dice.roll(1..=10) as usize;
    let campaign = ground.launch(&ground.stand.tenant, messages, &text_of_segments(SEGMENTS));
    let tries = ground.eventually("each refused segment was tried again", || {
        let tries = tries_of(&ground, segment);
        let tried = tries.len() == messages && tries.values().all(|times| times.len() >= 2);
        tried.then_some(tries)
    });
    for (recipient, times) in &tries {
        for pair in times.windows(2) {
            let pause = Duration::from_micros(pair[1] - pair[0]);
            assert!(
                pause >= Duration::from_secs(1),
                "{}: segment {segment} for {recipient} was tried again after {pause:?}: {} submissions",
                ground.context,
                times.len()
            );
        }
    }
    ground.stand.sim.switch(HEALTHY);
    ground.wait(&campaign, "all are delivered", |view| {
        view.status("delivered") == messages as u64 && view.credits.held == 0
    });
    ground.assert_nothing_doubled("");
    Figures::from([
        ("messages", messages as u64),
        ("submits", ground.stand.sim.totals().submits),
    ])
}

/// When that segment came, by recipient.
fn tries_of(ground: &Ground, segment: u8) -> BTreeMap<String, Vec<u64>> {
    let mut tries: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in ground.rows("").into_iter().filter(|row| row.part == segment) {
        tries.entry(row.recipient).or_default().push(row.received_at_us);
    }
    tries
}
