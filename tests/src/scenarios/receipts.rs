//! Receipts that belong to no message any more, or do not say to which: none settles a stranger, none is lost.

use serde_json::Value;

use super::ground::{Ground, LIMIT, Terms};
use super::run::{Figures, Run, Scenario};
use crate::fail::OrFail;
use crate::wait::eventually_or;

/// All of this file.
pub const ALL: &[Scenario] = &[REPEATED, FOREIGN, ADDRESSES];

/// A receipt comes again when its message has ended, the engine has started anew, and another message to the same person is in
/// doubt.
pub const REPEATED: Scenario = Scenario::new("receipt-repeated", repeated);

/// Receipts name ids that no answer gave.
pub const FOREIGN: Scenario = Scenario::new("receipt-foreign", foreign);

/// Addresses are swapped, missing, or written in another form.
pub const ADDRESSES: Scenario = Scenario::new("receipt-addresses", addresses);

/// The first message to a person is delivered, with a second copy of its receipt after a while; the next is never answered.
const REPEATING: &str = r#"
[[outcome]]
name = "delivered"
copies = 2
copies_delay = "8s"
first_attempts = 1
then = "lost"
[[outcome]]
name = "lost"
answer = "silence"
accepted = false
"#;

const FOREIGN_IDS: &str =
    "[answer]\nmessage_id = { answer = \"decimal\", receipt = { base = \"decimal\", plus = \"1000\" } }\n";

fn repeated(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(REPEATING).line("response_timeout = \"1s\""));
    let messages = dice.roll(5..=50);
    let first = ground.stand.launch(messages as usize);
    ground.wait(&first, "the first are delivered", |view| {
        view.status("delivered") == messages && view.credits.held == 0
    });
    match dice.pick(&["orderly", "killed"]) {
        "orderly" => {
            ground.must_end();
        }
        _ => ground.stand.engine.kill(),
    }
    ground.stand.engine.restart();
    let second = ground.stand.launch(messages as usize);
    ground.wait(&second, "the second are in doubt", |view| {
        view.progress.in_doubt == messages
    });
    let early = ground.stand.sim.totals().receipts_acked - messages;
    assert!(
        early < messages,
        "{}: the copies came before there was a doubt",
        ground.context
    );
    ground.stand.sim.wait_for("receipts_acked", 2 * messages, LIMIT);
    let view = second.view(&ground.stand.engine);
    assert_eq!(
        view.progress.in_doubt, messages,
        "{}: settled by the receipts of other messages: {view:?}",
        ground.context
    );
    assert_eq!(first.view(&ground.stand.engine).status("delivered"), messages);
    Figures::from([("messages", messages), ("copies before the doubt", early)])
}

fn foreign(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(FOREIGN_IDS));
    let messages = dice.roll(2..=40);
    let campaign = ground.stand.launch(messages as usize);
    ground.stand.sim.wait_for("receipts_acked", messages, LIMIT);
    let view = ground.wait(&campaign, "all are transmitted", |view| {
        view.status("transmitted") == messages
    });
    view.assert_adds_up();
    let parked = all_parked(&ground, messages);
    let engine = &ground.stand.engine;
    let total = || engine.metric(|name| name.starts_with("campanile_receipts_parked_total{")) as u64;
    let now = || engine.metric(|name| name == "campanile_receipts_parked") as u64;
    let context = &ground.context;
    // The gauge is asked for every two seconds.
    let shown = || (total() == messages && now() == messages).then_some(());
    eventually_or(LIMIT, shown, || {
        format!(
            "{context}: parked in all {}, and now {}, not {messages}",
            total(),
            now()
        )
    });
    for receipt in &parked {
        assert_eq!(receipt["smsc"], "north", "{}: {receipt}", ground.context);
        for member in ["id", "reason", "recipient"] {
            let there = receipt[member].as_str().is_some_and(|text| !text.is_empty());
            assert!(there, "{}: {member} is missing: {receipt}", ground.context);
        }
    }
    ground.stand.engine.kill();
    ground.stand.engine.restart();
    let kept = all_parked(&ground, messages);
    let chosen = &kept[dice.roll(0..=messages - 1) as usize];
    let id = chosen["id"].as_str().expect("a parked receipt has an id");
    let answer = ground
        .stand
        .engine
        .admin()
        .post_bytes(&format!("{PARKED}/{id}/replay"), b"");
    assert!(
        matches!(answer.status, 200 | 202),
        "{}: replay: {answer:?}",
        ground.context
    );
    // Nothing has changed that would make it anybody's.
    let view = campaign.view(&ground.stand.engine);
    assert_eq!(view.status("transmitted"), messages, "{}: {view:?}", ground.context);
    Figures::from([("parked", messages)])
}

const PARKED: &str = "/v1/receipts/parked";

/// Every parked receipt over all pages, once there are `count` of them.
fn all_parked(ground: &Ground, count: u64) -> Vec<Value> {
    ground.eventually(&format!("{count} receipts are listed as parked"), || {
        let admin = lab::Engine::admin(&ground.stand.engine);
        let parked: Vec<Value> = admin.pages(&format!("{PARKED}?limit=100")).or_fail();
        (parked.len() as u64 == count).then_some(parked)
    })
}

fn addresses(run: &Run) -> Figures {
    // The three of `make test` meet three of the four forms.
    let forms = ["swapped", "missing", "plus", "zeros"];
    let form = forms[(run.seed % forms.len() as u64) as usize];
    let scenario = format!("[receipt]\ndelay = \"100ms\"\n[receipt.dialect]\naddresses = \"{form}\"\n");
    let ground = Ground::new(run, &Terms::new(&scenario));
    let messages = run.dice().roll(100..=500);
    let campaign = ground.stand.launch(messages as usize);
    let what = format!("all are delivered, with addresses {form}");
    ground.wait(&campaign, &what, |view| {
        view.status("delivered") == messages && view.credits.held == 0
    });
    ground.assert_nothing_doubled("");
    Figures::from([("messages", messages)])
}
