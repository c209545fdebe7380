//! Engine, Redis and simulator killed at random moments; the ledgers of both sides compared.

use std::collections::HashMap;

use lab::Row;

use super::ground::{Ground, LIMIT, Terms};
use super::run::{Figures, Run, Scenario};

/// All of this file.
pub const ALL: &[Scenario] = &[KILLS];

/// Some kills, each of one of the three.
pub const KILLS: Scenario = Scenario::new("kills", kills);

const MESSAGES: u64 = 2_000;
const WINDOW: u64 = 100;

/// How far the campaign goes on between two kills.
const STRIDE: std::ops::RangeInclusive<u64> = 50..=400;

/// What is answered takes a while, so that the window is full whenever a kill comes; a simulator that is started again
/// repeats no id.
const SCENARIO: &str = r#"
[answer]
delay = { uniform = ["20ms", "60ms"] }
ids = "since_start"
[receipt]
delay = { uniform = ["0s", "300ms"] }
"#;

fn kills(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(SCENARIO));
    ground.stand.redis.sync_always();
    let campaign = ground.stand.launch(MESSAGES as usize);
    let mut before: Vec<Row> = Vec::new();
    let mut killed: HashMap<&str, u64> = HashMap::new();
    let mut seen = 0;
    for _ in 0..dice.roll(2..=4) {
        seen += dice.roll(STRIDE);
        ground.stand.sim.wait_for("accepted", seen, LIMIT);
        let victim = dice.pick(&["engine", "redis", "simulator"]);
        *killed.entry(victim).or_default() += 1;
        match victim {
            "engine" => {
                ground.stand.engine.kill();
                ground.stand.engine.restart();
            }
            "redis" => ground.stand.redis.restart(),
            _ => {
                // It may have taken more between this look and its end: what was surely taken must not come again.
                before.extend(ground.stand.sim.ledger());
                ground.stand.sim.restart();
                seen = 0;
            }
        }
    }
    let of = |victim: &str| killed.get(victim).copied().unwrap_or(0);
    let lost_receipts = of("simulator") > 0;
    let view = ground.wait_until_quiet(&campaign, lost_receipts);
    view.assert_adds_up();
    ground.assert_nothing_doubled("");
    for row in ground.rows("").iter().filter(|row| row.accepted_at_us.is_some()) {
        let twice = before
            .iter()
            .any(|old| old.recipient == row.recipient && old.accepted_at_us.is_some());
        assert!(
            !twice,
            "{}: {} was submitted to two simulators",
            ground.context, row.recipient
        );
    }
    ground.assert_credits(&ground.stand.tenant);
    assert!(
        lost_receipts || view.progress.in_doubt <= of("engine") * WINDOW,
        "{}: more in doubt than windows were lost: {view:?}",
        ground.context
    );
    if !lost_receipts {
        ground
            .stand
            .consistent_ledgers(&campaign, MESSAGES as usize, &ground.context);
    }
    Figures::from([
        ("engine killed", of("engine")),
        ("redis killed", of("redis")),
        ("simulator killed", of("simulator")),
        ("delivered", view.status("delivered")),
        ("in doubt", view.progress.in_doubt),
    ])
}
