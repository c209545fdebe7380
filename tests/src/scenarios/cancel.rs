//! A cancel releases what will never be sent, whatever the campaign's messages wait for.

use std::time::{Duration, Instant};

use super::ground::{Ground, LIMIT, Terms};
use super::run::{Figures, Run, Scenario};
use crate::tenant::{Campaign, CampaignView};

/// All of this file.
pub const ALL: &[Scenario] = &[THROTTLED, DEFERRED];

/// A campaign that is being throttled.
pub const THROTTLED: Scenario = Scenario::new("cancel-throttled", throttled);

/// Messages that wait for another try, and others that wait behind them.
pub const DEFERRED: Scenario = Scenario::new("cancel-deferred", deferred);

/// What waits ends so soon after the call.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Campaigns of one run, one after the other: the fault showed in one of four.
const ROUNDS: u64 = 4;

const MESSAGES: u64 = 300;

/// What waits for its next try needs a pause longer than [`END_LIMIT`]: the second one lasts six seconds, the third twelve.
const TRIES: u64 = 3;

fn throttled(run: &Run) -> Figures {
    let mut dice = run.dice();
    let scenario = "[[account]]\nsystem_id = \"*\"\nrate = \"100/s\"\n[faults]\nlost = 0.02\n";
    let ground = Ground::new(run, &Terms::new(scenario).line("response_timeout = \"1s\""));
    let mut figures = Figures::new();
    for _ in 0..ROUNDS {
        let before = ground.stand.sim.totals().accepted;
        let campaign = ground.stand.launch(MESSAGES as usize);
        let moment = before + dice.roll(1..=150);
        ground.stand.sim.wait_for("accepted", moment, LIMIT);
        cancel(&ground, &campaign);
        let view = ground.wait(&campaign, "only what is in doubt is held", |view| {
            let sim = &ground.stand.sim;
            let received = sim.totals().receipts_due == sim.totals().receipts_acked;
            received && is_ended(view) && view.credits.held == view.progress.in_doubt
        });
        view.assert_adds_up();
        ground.assert_credits(&ground.stand.tenant);
        *figures.entry("canceled").or_default() += view.progress.canceled;
        *figures.entry("in doubt").or_default() += view.progress.in_doubt;
    }
    figures
}

fn deferred(run: &Run) -> Figures {
    let mut dice = run.dice();
    let scenario = "[faults]\nrefuse = { status = \"ESME_RSYSERR\" }\n";
    let ground = Ground::new(run, &Terms::new(scenario));
    let messages = dice.roll(10..=100);
    let first = ground.stand.launch(messages as usize);
    // To the same people: these wait for the first ones.
    let second = ground.stand.launch(messages as usize);
    ground.stand.sim.wait_for("rejected", TRIES * messages, LIMIT);
    let began = Instant::now();
    for campaign in [&second, &first] {
        cancel(&ground, campaign);
    }
    for campaign in [&first, &second] {
        let what = format!("{}: what waits ends", ground.context);
        let view = campaign.wait(&ground.stand.engine, &what, END_LIMIT, is_ended);
        assert_eq!(view.progress.canceled, messages, "{}: {view:?}", ground.context);
        ground.wait(campaign, "nothing is held", |view| view.credits.held == 0);
    }
    let took = began.elapsed();
    ground.assert_credits(&ground.stand.tenant);
    Figures::from([("canceled", 2 * messages), ("ms to end", took.as_millis() as u64)])
}

fn cancel(ground: &Ground, campaign: &Campaign) {
    let answer = campaign.ask(&ground.stand.engine, "cancel");
    assert!(answer.status < 300, "{}: {answer:?}", ground.context);
}

fn is_ended(view: &CampaignView) -> bool {
    view.state == "stopped" && view.progress.queued + view.status("transmitted") == 0
}
