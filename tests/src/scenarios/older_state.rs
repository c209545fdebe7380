//! A power cut at the database: what it wrote last is gone, and the engine has seen more than it knows.

use super::ground::{Ground, LIMIT, SLOW_ANSWERS, Terms};
use super::run::{Figures, Run, Scenario};

/// All of this file.
pub const ALL: &[Scenario] = &[TAIL_LOST];

/// The end of the append-only file is lost, the engine lives.
pub const TAIL_LOST: Scenario = Scenario::new("tail-lost", tail_lost);

const MESSAGES: usize = 3_000;

fn tail_lost(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(SLOW_ANSWERS));
    let campaign = ground.stand.launch(MESSAGES);
    ground.stand.sim.wait_for("accepted", 300, LIMIT);
    let early = ground.stand.redis.log_length();
    ground
        .stand
        .sim
        .wait_for("accepted", 300 + dice.roll(500..=1_500), LIMIT);
    ground.stand.redis.kill();
    let late = ground.stand.redis.log_length();
    let lost = (late - early) * dice.roll(20..=80) / 100;
    ground.stand.redis.lose_tail(lost);
    ground.stand.redis.restart();

    let view = ground.wait(&campaign, "everything is submitted and receipted", |view| {
        view.nothing_queued() && ground.stand.sim.receipts_are_in()
    });
    view.assert_adds_up();
    ground.assert_nothing_doubled("");
    ground.assert_credits(&ground.stand.tenant);
    ground.eventually("the log speaks of an older state", || {
        let log = ground.stand.engine.process().log().to_lowercase();
        log.contains("older").then_some(())
    });
    Figures::from([
        ("octets lost", lost),
        ("delivered", view.status("delivered")),
        ("in doubt", view.progress.in_doubt),
    ])
}
