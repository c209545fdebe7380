//! An SMSC whose limit falls to a tenth and comes back, and that says so by ESME_RTHROTTLED alone.

use std::time::Instant;

use super::ground::{Ground, LIMIT, Terms};
use super::run::{Figures, Run, Scenario};

/// All of this file.
pub const ALL: &[Scenario] = &[LIMIT_MOVES];

/// The limit is followed: few are refused but at first, and most of what is possible is used.
pub const LIMIT_MOVES: Scenario = Scenario::new("limit-moves", limit_moves);

/// More than all phases take.
const MESSAGES: usize = 12_000;

/// Seconds of each phase, by what is taken: the first ones are for finding out.
const FINDING: u64 = 5;
const MEASURED: u64 = 5;

/// Refused of what is submitted, when the limit is found: in percent.
const REFUSED_MAX: u64 = 2;

fn limit_moves(run: &Run) -> Figures {
    let mut dice = run.dice();
    let high = dice.roll(300..=500);
    let ground = Ground::new(run, &Terms::new(&limited(high)));
    let campaign = ground.stand.launch(MESSAGES);
    let mut figures = Figures::new();
    for (limit, refused, used) in [
        (high, "refused at first, of a thousand", "used at first, percent"),
        (high / 10, "refused at a tenth", "used at a tenth"),
        (high, "refused again at first", "used again at first"),
    ] {
        ground.stand.sim.switch(&limited(limit));
        let began = Instant::now();
        let first = ground.stand.sim.totals();
        ground
            .stand
            .sim
            .wait_for("accepted", first.accepted + FINDING * limit, LIMIT);
        let before = ground.stand.sim.totals();
        ground
            .stand
            .sim
            .wait_for("accepted", before.accepted + MEASURED * limit, LIMIT);
        let after = ground.stand.sim.totals();
        let seconds = began.elapsed().as_secs_f64();
        let (submits, accepted) = (after.submits - before.submits, after.accepted - before.accepted);
        assert!(
            100 * (submits - accepted) <= REFUSED_MAX * submits + 100,
            "{}: at {limit}/s, {submits} submissions for {accepted} taken",
            ground.context
        );
        figures.insert(refused, 1_000 * (submits - accepted) / submits);
        let possible = limit as f64 * seconds;
        figures.insert(
            used,
            (100.0 * (after.accepted - first.accepted) as f64 / possible) as u64,
        );
    }
    assert!(campaign.ask(&ground.stand.engine, "cancel").status < 300);
    ground.wait_until_ended(&campaign, 1);
    ground.assert_nothing_doubled("");
    figures
}

fn limited(rate: u64) -> String {
    format!("[[account]]\nsystem_id = \"*\"\nrate = \"{rate}/s\"\n")
}
