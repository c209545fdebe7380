//! Routes that change while a campaign is being sent: what is queued goes where the new ones lead, once.

use lab::{EngineSettings, Row, SmscSettings};

use super::dice::Dice;
use super::ground::{Ground, LIMIT, SLOW_ANSWERS, Terms};
use super::run::{Figures, Run, Scenario};

/// All of this file.
pub const ALL: &[Scenario] = &[REROUTED];

/// The engine is stopped or killed under load, and started again with other prefixes, some times; the campaign may be
/// paused meanwhile, and its route be gone when it goes on.
pub const REROUTED: Scenario = Scenario::new("rerouted", rerouted);

/// Recipients by the digit that tells their block: a thousand in each.
const BLOCKS: usize = 4;
const BLOCK: &str = "3360000";
const MESSAGES: usize = 1_000 * BLOCKS;
const WINDOW: u64 = 100;

/// How far the campaign goes on between two changes.
const STRIDE: std::ops::RangeInclusive<u64> = 200..=700;

/// Which account each block goes to; [`BOTH`]: a route of its own, over both.
type Table = [&'static str; BLOCKS];
const BOTH: &str = "both";

fn rerouted(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(SLOW_ANSWERS));
    let mut table = ["north"; BLOCKS];
    ground.stand.engine.restart_with(&settings(&ground, &table));
    let campaign = ground.stand.launch(MESSAGES);
    let (mut accepted, mut kills, mut pauses, mut known) = (0, 0, 0, 0);
    for _ in 0..dice.roll(2..=4) {
        accepted += dice.roll(STRIDE);
        ground.stand.sim.wait_for("accepted", accepted, LIMIT);
        let paused = dice.roll(0..=2) == 0;
        if paused {
            campaign.ask(&ground.stand.engine, "pause").expect(200);
            pauses += 1;
        }
        if dice.roll(0..=1) == 0 {
            ground.stand.engine.kill();
            kills += 1;
        } else {
            ground.must_end();
        }
        table = other_table(&mut dice, table);
        ground.stand.engine.restart_with(&settings(&ground, &table));
        known = ground.stand.sim.ledger().len();
        if paused {
            campaign.ask(&ground.stand.engine, "resume").expect(200);
        }
    }
    let view = ground.wait_until_ended(&campaign, 1);
    ground.assert_nothing_doubled("");
    let after = ground.stand.sim.ledger().split_off(known);
    assert!(!after.is_empty(), "{}: nothing was left to be sent", ground.context);
    for row in &after {
        let wanted = table[block(row)];
        assert!(
            wanted == BOTH || row.account == wanted,
            "{}: not to {wanted}: {row:?}",
            ground.context
        );
    }
    // Sessions of both accounts may have been full.
    assert!(
        view.progress.in_doubt <= kills * 2 * WINDOW,
        "{}: more in doubt than windows were lost: {view:?}",
        ground.context
    );
    ground.stand.consistent_ledgers(&campaign, MESSAGES, &ground.context);
    Figures::from([
        ("killed", kills),
        ("paused", pauses),
        ("sent after the last change", after.len() as u64),
        ("in doubt", view.progress.in_doubt),
    ])
}

/// Another table, in which each block goes anywhere.
fn other_table(dice: &mut Dice, table: Table) -> Table {
    loop {
        let other = table.map(|_| dice.pick(&["north", "south", BOTH]));
        if other != table {
            return other;
        }
    }
}

/// Two accounts of the one SMSC, each with its blocks' prefixes and one that nobody has: what no block uses is gone.
fn settings(ground: &Ground, table: &Table) -> EngineSettings {
    let account = |name: &str, nobody: &str| {
        let own = (0..BLOCKS).filter(|block| [name, BOTH].contains(&table[*block]));
        let mut prefixes: Vec<String> = own.map(|block| format!("{BLOCK}{block}")).collect();
        prefixes.push(nobody.to_owned());
        SmscSettings::new(name, ground.stand.sim.smpp_address())
            .account(name)
            .line(&format!("prefixes = {prefixes:?}"))
    };
    let mut settings = ground.settings.clone();
    settings.smscs = vec![account("north", "351"), account("south", "352")];
    settings
}

fn block(row: &Row) -> usize {
    let digit = row.recipient.as_bytes()[BLOCK.len()];
    usize::from(digit - b'0')
}
