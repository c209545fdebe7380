//! The configuration is read again under load: SMSCs come, change and go, and every message goes once.

use lab::{EngineSettings, Signal, SmscSettings};
use serde_json::json;

use super::dice::Dice;
use super::ground::{Ground, LIMIT, SLOW_ANSWERS, Terms};
use super::run::{Figures, Run, Scenario};

/// All of this file.
pub const ALL: &[Scenario] = &[RELOADED];

/// Under load, the configuration becomes another some times, by SIGHUP or over the admin listener.
pub const RELOADED: Scenario = Scenario::new("reloaded", reloaded);

const MESSAGES: usize = 4_000;

/// How far the campaign goes on between two changes.
const STRIDE: std::ops::RangeInclusive<u64> = 200..=700;

/// The accounts of the simulator that the engine may be bound to.
const ACCOUNTS: [&str; 3] = ["north", "south", "west"];

/// One account, as it is configured for now.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plan {
    name: &'static str,
    window: u32,
    rate: u64,
    priority: u64,
}

fn reloaded(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(SLOW_ANSWERS));
    let mut plans = vec![plan(&mut dice, "north")];
    ground.settings = settings(&ground, &plans);
    ground.stand.engine.restart_with(&ground.settings);
    let campaign = ground.stand.launch(MESSAGES);
    let (mut accepted, mut reloads, mut by_signal) = (0, 0, 0);
    for _ in 0..dice.roll(3..=5) {
        accepted = ground.stand.sim.totals().accepted.max(accepted) + dice.roll(STRIDE);
        ground
            .stand
            .sim
            .wait_for("accepted", accepted.min(MESSAGES as u64), LIMIT);
        let other = other_plans(&mut dice, &plans);
        ground.settings = settings(&ground, &other);
        ground.stand.engine.configure(&ground.settings);
        if dice.roll(0..=2) == 0 {
            by_signal += 1;
            let before = ground.stand.engine.configured_at();
            ground.stand.engine.signal(Signal::HUP);
            let heard = || (ground.stand.engine.configured_at() != before).then_some(());
            ground.eventually("the signal is heard", heard);
        } else {
            let changes = ground.stand.engine.reload().expect(200);
            for (what, smscs) in expected(&plans, &other) {
                assert_eq!(
                    changes[what],
                    json!(smscs),
                    "{}: {what}: {plans:?} → {other:?}",
                    ground.context
                );
            }
        }
        reloads += 1;
        plans = other;
    }
    // Receipts of an account that is gone wait at its SMSC: they come, and find their messages, once it is back.
    let all: Vec<Plan> = ACCOUNTS.map(|name| plan(&mut dice, name)).to_vec();
    ground.settings = settings(&ground, &all);
    ground.stand.engine.configure(&ground.settings);
    ground.stand.engine.reload().expect(200);
    ground.wait_until_ended(&campaign, 1);
    ground.assert_nothing_doubled("");
    let ledgers = ground.stand.consistent_ledgers(&campaign, MESSAGES, &ground.context);
    let in_doubt = ledgers.view().progress.in_doubt;
    assert_eq!(in_doubt, 0, "{}: every session ended in order", ground.context);
    Figures::from([("reloads", reloads), ("of these by SIGHUP", by_signal)])
}

fn plan(dice: &mut Dice, name: &'static str) -> Plan {
    Plan {
        name,
        window: dice.pick(&[20, 100]),
        rate: dice.pick(&[500, 2_000]),
        priority: dice.roll(1..=2),
    }
}

/// Others than these: each account may come, go, become another or stay, and one is there at least.
fn other_plans(dice: &mut Dice, plans: &[Plan]) -> Vec<Plan> {
    loop {
        let mut others = Vec::new();
        for name in ACCOUNTS {
            let known = plans.iter().find(|plan| plan.name == name);
            match dice.roll(0..=3) {
                0 => {}
                1 => others.extend(known.copied()),
                _ => others.push(plan(dice, name)),
            }
        }
        if !others.is_empty() && others != plans {
            return others;
        }
    }
}

/// What the engine has to say of a change.
fn expected(before: &[Plan], after: &[Plan]) -> [(&'static str, Vec<&'static str>); 4] {
    let of = |name| before.iter().find(|plan| plan.name == name);
    let named = |fits: &dyn Fn(&Plan, Option<&Plan>) -> bool| -> Vec<&'static str> {
        let fitting = after.iter().filter(|plan| fits(plan, of(plan.name)));
        fitting.map(|plan| plan.name).collect()
    };
    let stays = |plan: &&Plan| after.iter().any(|other| other.name == plan.name);
    let removed = before
        .iter()
        .filter(|plan| !stays(plan))
        .map(|plan| plan.name)
        .collect();
    let is_paced_anew = |plan: &Plan, before: &Plan| before.window == plan.window && before.rate != plan.rate;
    [
        ("added", named(&|_, before| before.is_none())),
        (
            "changed",
            named(&|plan, before| before.is_some_and(|before| is_paced_anew(plan, before))),
        ),
        (
            "rebound",
            named(&|plan, before| before.is_some_and(|before| before.window != plan.window)),
        ),
        ("removed", removed),
    ]
}

fn settings(ground: &Ground, plans: &[Plan]) -> EngineSettings {
    let smsc = |plan: &Plan| {
        SmscSettings::new(plan.name, ground.stand.sim.smpp_address())
            .account(plan.name)
            .window(plan.window)
            .line(&format!("rate = \"{}/s\"", plan.rate))
    };
    let choice = |plan: &Plan| format!("{{ name = \"{}\", priority = {} }}", plan.name, plan.priority);
    let mut settings = ground.settings.clone();
    settings.smscs = plans.iter().map(smsc).collect();
    let choices: Vec<String> = plans.iter().map(choice).collect();
    settings.tables = vec![format!("[[route]]\nname = \"all\"\nsmscs = [{}]", choices.join(", "))];
    settings
}
