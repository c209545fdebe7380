//! SIGTERM, whatever stands still at that moment: the engine ends in time, and after the next start every message has an end
//! or is seen to be in doubt.

use std::time::Duration;

use lab::Signal;

use super::ground::{Ground, LIMIT, Terms, text_of_segments};
use super::run::{Figures, Run, Scenario};
use crate::tenant::Campaign;
use crate::wait::eventually;

/// All of this file.
pub const ALL: &[Scenario] = &[
    HALF_TAKEN,
    REDIS_STANDS_STILL,
    REDIS_AWAY,
    SMSC_UNREACHABLE,
    WINDOWS_FULL,
    SECOND_SIGNAL,
];

/// Messages of two segments, one of which is never answered.
pub const HALF_TAKEN: Scenario = Scenario::new("half-taken", half_taken);

/// Redis is there and does not move.
pub const REDIS_STANDS_STILL: Scenario = Scenario::new("redis-stopped", redis_stands_still);

/// Redis is gone.
pub const REDIS_AWAY: Scenario = Scenario::new("redis-away", redis_away);

/// The carrier does not move, and takes no new connection.
pub const SMSC_UNREACHABLE: Scenario = Scenario::new("smsc-away", smsc_unreachable);

/// The carrier answers nothing, so that every window is full.
pub const WINDOWS_FULL: Scenario = Scenario::new("windows-full", windows_full);

/// A second signal does not wait for anything.
pub const SECOND_SIGNAL: Scenario = Scenario::new("second-signal", second_signal);

const MESSAGES: u64 = 1_000;

const ANSWERS_TAKE_TIME: &str = "[answer]\ndelay = { uniform = [\"20ms\", \"60ms\"] }\n";

/// A second signal ends the engine at once: this is what a busy machine may add.
const AT_ONCE: Duration = Duration::from_secs(3);

/// What the engine needs and does not have when it is told to end.
#[derive(Clone, Copy)]
struct Trouble {
    name: &'static str,
    begin: fn(&Ground),
    end: fn(&mut Ground),
}

const REDIS_STILL: Trouble = Trouble {
    name: "Redis stands still",
    begin: |ground| ground.stand.redis.signal(Signal::STOP),
    end: |ground| ground.stand.redis.signal(Signal::CONT),
};

const REDIS_GONE: Trouble = Trouble {
    name: "Redis is away",
    begin: |ground| ground.stand.redis.kill(),
    end: |ground| ground.stand.redis.restart(),
};

const SMSC_STILL: Trouble = Trouble {
    name: "the SMSC stands still",
    begin: |ground| ground.stand.sim.signal(Signal::STOP),
    end: |ground| ground.stand.sim.signal(Signal::CONT),
};

fn half_taken(run: &Run) -> Figures {
    let mut dice = run.dice();
    let segment = dice.roll(1..=2);
    let scenario = format!("{ANSWERS_TAKE_TIME}[faults]\nno_answer = {{ segment = {segment} }}\n");
    let mut ground = Ground::new(run, &Terms::new(&scenario));
    let messages = dice.roll(20..=200);
    let campaign = ground.launch(&ground.stand.tenant, messages as usize, &text_of_segments(2));
    let moment = dice.roll(20..=40);
    ground.stand.sim.wait_for("accepted", moment, LIMIT);
    let (_, took) = ground.must_end();
    ground.stand.sim.switch(ANSWERS_TAKE_TIME);
    ground.stand.engine.restart();
    finish(&ground, &campaign, 2, took)
}

fn redis_stands_still(run: &Run) -> Figures {
    end_amid(run, REDIS_STILL)
}

fn redis_away(run: &Run) -> Figures {
    end_amid(run, REDIS_GONE)
}

fn smsc_unreachable(run: &Run) -> Figures {
    end_amid(run, SMSC_STILL)
}

/// SIGTERM in the middle of a campaign while there is that trouble; it is over before the next start.
fn end_amid(run: &Run, trouble: Trouble) -> Figures {
    let mut ground = Ground::new(run, &Terms::new(ANSWERS_TAKE_TIME));
    ground.stand.redis.sync_always();
    let campaign = load(&ground);
    strike(&ground, run);
    (trouble.begin)(&ground);
    let (_, took) = ground.must_end();
    (trouble.end)(&mut ground);
    ground.stand.engine.restart();
    finish(&ground, &campaign, 1, took)
}

fn windows_full(run: &Run) -> Figures {
    let moment = run.dice().roll(50..=700);
    let scenario = format!("{ANSWERS_TAKE_TIME}[faults]\nmute = {{ after = {moment} }}\n");
    let mut ground = Ground::new(run, &Terms::new(&scenario));
    let campaign = load(&ground);
    // The whole window behind the last answer.
    ground.stand.sim.wait_for("submits", moment + 90, LIMIT);
    let (_, took) = ground.must_end();
    ground.stand.sim.switch(ANSWERS_TAKE_TIME);
    ground.stand.engine.restart();
    finish(&ground, &campaign, 1, took)
}

fn second_signal(run: &Run) -> Figures {
    let mut terms = Terms::new(ANSWERS_TAKE_TIME);
    terms.shutdown_timeout = Duration::from_secs(60);
    let mut ground = Ground::new(run, &terms);
    let campaign = load(&ground);
    strike(&ground, run);
    let trouble = run.dice().pick(&[REDIS_STILL, REDIS_GONE, SMSC_STILL]);
    (trouble.begin)(&ground);
    let what = format!("{}: ended at the second signal while {}", ground.context, trouble.name);
    eventually(&what, AT_ONCE, || {
        let ended = ground.stand.engine.exited();
        if ended.is_none() {
            ground.stand.engine.signal(Signal::TERM);
        }
        ended
    });
    (trouble.end)(&mut ground);
    ground.stand.engine.restart();
    finish(&ground, &campaign, 1, Duration::ZERO)
}

fn load(ground: &Ground) -> Campaign {
    ground.stand.launch(MESSAGES as usize)
}

/// Waits until the campaign is somewhere in its middle.
fn strike(ground: &Ground, run: &Run) {
    let moment = run.dice().roll(100..=MESSAGES - 300);
    ground.stand.sim.wait_for("accepted", moment, LIMIT);
}

/// What holds after every stop and start.
fn finish(ground: &Ground, campaign: &Campaign, credits_each: u64, took: Duration) -> Figures {
    let view = ground.wait_until_ended(campaign, credits_each);
    ground.assert_nothing_doubled("");
    ground.assert_credits(&ground.stand.tenant);
    ground.assert_others_may_send();
    Figures::from([
        ("messages", view.progress.total),
        ("in doubt", view.progress.in_doubt),
        ("ms to end", took.as_millis() as u64),
    ])
}
