//! STOP while engine and Redis are killed: what was acknowledged holds, by the simulator's own ledger.

use std::collections::HashMap;

use serde_json::json;

use super::ground::{Ground, LIMIT, SLOW_ANSWERS, Terms};
use super::run::{Figures, Run, Scenario};
use crate::tenant::{Campaign, CampaignOrder, CampaignView, recipients};

/// All of this file.
pub const ALL: &[Scenario] = &[STOPS];

/// Some kills, each while people write STOP.
pub const STOPS: Scenario = Scenario::new("stops", stops);

const MESSAGES: usize = 700;

/// The number of the clause.
const SHORT_CODE: &str = "36180";

/// How many people write between two kills, and how far the campaign goes on meanwhile.
const WRITERS: std::ops::RangeInclusive<u64> = 3..=12;
const STRIDE: std::ops::RangeInclusive<u64> = 20..=80;

/// Whose STOP was acknowledged, and when that was known at the latest.
type Known = HashMap<String, u64>;

fn stops(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(SLOW_ANSWERS).line("rate = \"150/s\""));
    ground.stand.redis.sync_always();
    let order = CampaignOrder::to_first(MESSAGES)
        .with("purpose", json!("marketing"))
        .with("text", json!("Portes ouvertes. STOP au 36180"));
    let campaign = ground.stand.tenant.order(&ground.stand.engine, &order);
    // The last wait for longest.
    let mut people: Vec<String> = recipients(MESSAGES).collect();
    let (mut known, mut wrote, mut seen) = (Known::new(), 0, 0);
    for _ in 0..dice.roll(3..=5) {
        seen += dice.roll(STRIDE);
        ground.stand.sim.wait_for("accepted", seen, LIMIT);
        for _ in 0..dice.roll(WRITERS) {
            let person = people.split_off(people.len() - 1);
            ground.stand.sim.inbound(&person[0], SHORT_CODE, "STOP");
            wrote += 1;
        }
        look(&ground, &mut known);
        if dice.roll(0..=2) > 0 {
            ground.stand.engine.kill();
            ground.stand.engine.restart();
        } else {
            ground.stand.redis.restart();
        }
    }
    // What nobody acknowledged is delivered again.
    ground.eventually("every STOP is acknowledged", || {
        look(&ground, &mut known);
        (known.len() == wrote).then_some(())
    });
    let view = wait_until_over(&ground, &campaign);
    let mut late = 0;
    for row in ground.rows("Portes ouvertes") {
        let stopped = known.get(&row.recipient).copied();
        assert!(
            stopped.is_none_or(|at| row.received_at_us <= at),
            "{}: {} had advertising after its STOP was acknowledged: {row:?}",
            ground.context,
            row.recipient
        );
        late += u64::from(stopped.is_some());
    }
    ground.assert_nothing_doubled("");
    ground.assert_credits(&ground.stand.tenant);
    // Who has opted out is told apart for ever.
    let order = CampaignOrder::to_first(MESSAGES)
        .with("purpose", json!("marketing"))
        .with("text", json!("Encore une fois. STOP au 36180"));
    let again = ground.stand.tenant.order(&ground.stand.engine, &order);
    wait_until_over(&ground, &again);
    for row in ground.rows("Encore une fois") {
        assert!(!known.contains_key(&row.recipient), "{}: {row:?}", ground.context);
    }
    Figures::from([
        ("wrote", wrote as u64),
        ("had it before", late),
        ("delivered", view.status("delivered")),
    ])
}

/// Waits until nothing moves any more: whoever has opted out has no status.
fn wait_until_over(ground: &Ground, campaign: &Campaign) -> CampaignView {
    let sim = &ground.stand.sim;
    ground.wait(campaign, "all others have it", |view| {
        let moving = view.progress.queued + view.status("transmitted");
        sim.receipts_are_in() && moving == 0 && view.credits.held <= view.progress.in_doubt
    })
}

/// Notes which are acknowledged by now.
fn look(ground: &Ground, known: &mut Known) {
    for message in ground.stand.sim.inbound_messages() {
        let acknowledged = message["acked"].as_u64() >= message["segments"].as_u64();
        let from = message["from"].as_str().unwrap_or_default().trim_start_matches('+');
        if acknowledged && !known.contains_key(from) {
            known.insert(from.to_owned(), kit::clock::wall_us());
        }
    }
}
