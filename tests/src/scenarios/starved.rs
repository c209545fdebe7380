//! An SMSC that throttles, and nobody has told us its rate.

use std::time::{Duration, Instant};

use super::ground::{Ground, LIMIT, Terms};
use super::run::{Figures, Run, Scenario};
use crate::wait::eventually;

/// All of this file.
pub const ALL: &[Scenario] = &[NO_RATE];

/// A campaign is throttled; a message of another tenant goes soon, and the SMSC is not stormed.
pub const NO_RATE: Scenario = Scenario::new("starved", no_rate);

/// Of a campaign that would take a hundred seconds.
const MESSAGES: usize = 5_000;

/// How soon a reminder goes beside a queue of a hundred seconds.
const SOON: Duration = Duration::from_secs(5);

/// How many have to be taken before refusals are counted.
const TAKEN: u64 = 500;

fn no_rate(run: &Run) -> Figures {
    let mut dice = run.dice();
    let scenario = "[[account]]\nsystem_id = \"*\"\nrate = \"50/s\"\n";
    let ground = Ground::new(run, &Terms::new(scenario));
    let neighbour = ground.neighbour();
    let campaign = ground.stand.launch(MESSAGES);
    ground.stand.sim.wait_for("accepted", dice.roll(60..=200), LIMIT);
    let began = Instant::now();
    ground.send(&neighbour, "+33799999999", "Lilas : rendez-vous");
    let what = format!("{}: the reminder is on the wire", ground.context);
    eventually(&what, SOON, || {
        let rows = ground.rows("Lilas");
        rows.iter().any(|row| row.accepted_at_us.is_some()).then_some(())
    });
    let took = began.elapsed();
    ground.stand.sim.wait_for("accepted", TAKEN, LIMIT);
    let totals = ground.stand.sim.totals();
    assert!(
        2 * totals.submits <= 3 * totals.accepted,
        "{}: {} submissions for {} taken",
        ground.context,
        totals.submits,
        totals.accepted
    );
    assert!(campaign.ask(&ground.stand.engine, "cancel").status < 300);
    Figures::from([
        ("ms to the wire", took.as_millis() as u64),
        ("submits", totals.submits),
        ("taken", totals.accepted),
    ])
}
