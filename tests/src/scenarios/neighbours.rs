//! Two tenants write to one person: whatever holds the one's message, the other's goes.

use std::time::{Duration, Instant};

use lab::{Row, SmscSettings};
use serde_json::json;

use super::dice::Dice;
use super::ground::{Ground, LIMIT, Terms};
use super::run::{Figures, Run, Scenario};
use crate::tenant::{CampaignOrder, recipients};
use crate::wait::eventually;

/// All of this file.
pub const ALL: &[Scenario] = &[PAUSED, IN_RETRY, THROTTLED, SMSC_REMOVED];

/// The first tenant's campaign is paused, with messages that wait for another try.
pub const PAUSED: Scenario = Scenario::new("neighbour-paused", paused);

/// The first tenant's message was refused for now, and waits.
pub const IN_RETRY: Scenario = Scenario::new("neighbour-retry", in_retry);

/// The first tenant's campaign is being throttled.
pub const THROTTLED: Scenario = Scenario::new("neighbour-throttled", throttled);

/// The first tenant's messages were meant for an SMSC that the configuration does not name any more.
pub const SMSC_REMOVED: Scenario = Scenario::new("neighbour-removed", smsc_removed);

/// Each first submission to a person is refused for now, which makes it wait three seconds; all further ones are taken.
const FIRST_REFUSED: &str = r#"
[[outcome]]
name = "busy"
answer = "ESME_RSYSERR"
first_attempts = 1
then = "delivered"
[[outcome]]
name = "delivered"
"#;

const FIRST_TEXT: &str = "Martin : rendez-vous";
const SECOND_TEXT: &str = "Lilas : rendez-vous";

/// The longest that the second tenant's message may wait when the first one's is not due again soon.
const SOON: Duration = Duration::from_secs(10);

fn paused(run: &Run) -> Figures {
    let mut dice = run.dice();
    let ground = Ground::new(run, &Terms::new(FIRST_REFUSED));
    let count = dice.roll(1..=50) as usize;
    let campaign = ground.launch(&ground.stand.tenant, count, FIRST_TEXT);
    ground.stand.sim.wait_for("rejected", count as u64, LIMIT);
    assert!(campaign.ask(&ground.stand.engine, "pause").status < 300);
    let waited = second_goes(&ground, &mut dice, count);
    assert_eq!(
        accepted(&ground, FIRST_TEXT),
        0,
        "{}: sent while paused",
        ground.context
    );
    assert!(campaign.ask(&ground.stand.engine, "resume").status < 300);
    ground.wait_until_ended(&campaign, 1);
    ground.assert_nothing_doubled(FIRST_TEXT);
    figures(waited)
}

fn in_retry(run: &Run) -> Figures {
    let mut dice = run.dice();
    let ground = Ground::new(run, &Terms::new(FIRST_REFUSED));
    let count = dice.roll(1..=20) as usize;
    let campaign = ground.launch(&ground.stand.tenant, count, FIRST_TEXT);
    ground.stand.sim.wait_for("rejected", count as u64, LIMIT);
    let waited = second_goes(&ground, &mut dice, count);
    let rows = ground.rows("");
    let place = |text| rows.iter().position(|row| row.is_accepted() && said(row, text));
    let (first, second) = (place(FIRST_TEXT), place(SECOND_TEXT));
    assert!(
        second.is_some() && first.is_none_or(|first| second < Some(first)),
        "{}: the second tenant's message waited for the first one's retry, {second:?} after {first:?} in the ledger",
        ground.context
    );
    ground.wait_until_ended(&campaign, 1);
    figures(waited)
}

fn throttled(run: &Run) -> Figures {
    let mut dice = run.dice();
    let scenario = "[[account]]\nsystem_id = \"*\"\nrate = \"50/s\"\n";
    let ground = Ground::new(run, &Terms::new(scenario));
    let campaign = ground.launch(&ground.stand.tenant, 1_000, FIRST_TEXT);
    ground.stand.sim.wait_for("rejected", 50, LIMIT);
    let refused = ground.rows(FIRST_TEXT);
    let taken = |recipient: &str| {
        let mut own = refused.iter().filter(|row| row.recipient == recipient);
        own.any(Row::is_accepted)
    };
    let waiting: Vec<&str> = refused
        .iter()
        .map(|row| row.recipient.as_str())
        .filter(|to| !taken(to))
        .collect();
    assert!(!waiting.is_empty(), "{}: nobody waits: {refused:?}", ground.context);
    let to = format!("+{}", dice.pick(&waiting));
    let before = accepted(&ground, FIRST_TEXT);
    let waited = one_goes(&ground, &to);
    let overtaken = accepted(&ground, FIRST_TEXT) - before;
    // Five seconds' worth of what this SMSC takes: the other way it is the whole campaign.
    assert!(
        overtaken <= 250,
        "{}: {overtaken} of the campaign went before the other tenant's message",
        ground.context
    );
    assert!(campaign.ask(&ground.stand.engine, "cancel").status < 300);
    figures(waited)
}

fn smsc_removed(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(FIRST_REFUSED));
    let south = SmscSettings::new("south", ground.stand.sim.smpp_address()).line("prefixes = [\"336\"]");
    let north = ground.settings.smscs.clone();
    let mut both = ground.settings.clone();
    both.smscs = vec![south, north[0].clone().line("prefixes = [\"337\"]")];
    ground.stand.engine.restart_with(&both);
    let count = dice.roll(1..=20) as usize;
    let campaign = ground.launch(&ground.stand.tenant, count, FIRST_TEXT);
    ground.stand.sim.wait_for("rejected", count as u64, LIMIT);
    ground.must_end();
    let north_alone = ground.settings.clone();
    ground.stand.engine.restart_with(&north_alone);
    let waited = second_goes(&ground, &mut dice, count);
    campaign.view(&ground.stand.engine).assert_adds_up();
    figures(waited)
}

/// A message of another tenant to one of the first `count` recipients, at once; how long it took to the wire.
fn second_goes(ground: &Ground, dice: &mut Dice, count: usize) -> Duration {
    let to = recipients(count).nth(dice.roll(0..=count as u64 - 1) as usize);
    one_goes(ground, &to.expect("one of the recipients"))
}

fn one_goes(ground: &Ground, to: &str) -> Duration {
    let tenant = ground.neighbour();
    let order = CampaignOrder::to_audience(&json!({ "numbers": to })).with("text", json!(SECOND_TEXT));
    let second = tenant.create(&ground.stand.engine, &order);
    let began = Instant::now();
    second.ask(&ground.stand.engine, "launch").expect(202);
    let what = format!("{}: the second tenant's message to {to} is on the wire", ground.context);
    eventually(&what, SOON, || (accepted(ground, SECOND_TEXT) > 0).then_some(()));
    began.elapsed()
}

fn accepted(ground: &Ground, text: &str) -> usize {
    let rows = ground.rows(text);
    rows.iter().filter(|row| row.is_accepted()).count()
}

fn said(row: &Row, wanted: &str) -> bool {
    row.text.as_deref().is_some_and(|text| text.contains(wanted))
}

fn figures(waited: Duration) -> Figures {
    Figures::from([("ms to the wire", waited.as_millis() as u64)])
}
