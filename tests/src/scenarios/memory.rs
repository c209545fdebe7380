//! Redis may not take any more memory.

use super::ground::{Ground, LIMIT, Terms};
use super::run::{Figures, Run, Scenario};
use crate::wait::eventually;
use serde_json::json;

/// All of this file.
pub const ALL: &[Scenario] = &[FULL];

/// `maxmemory` is reached in the middle of a campaign, and raised again.
pub const FULL: Scenario = Scenario::new("memory-full", full);

/// Enough for some seconds: the engine may look at the memory from time to time only.
const MESSAGES: usize = 10_000;
const WINDOW: u64 = 100;

fn full(run: &Run) -> Figures {
    let mut dice = run.dice();
    let scenario =
        "[answer]\ndelay = { uniform = [\"20ms\", \"60ms\"] }\n[receipt]\ndelay = { uniform = [\"0s\", \"1s\"] }\n";
    let ground = Ground::new(run, &Terms::new(scenario));
    let campaign = ground.stand.launch(MESSAGES);
    ground.stand.sim.wait_for("accepted", dice.roll(300..=1_200), LIMIT);
    let used = ground.stand.redis.used_memory();
    let percent = dice.pick(&[80, 95, 100]);
    ground.stand.redis.set("maxmemory", &(used * percent / 100).to_string());

    let what = format!("{}: what comes in is refused with 503", ground.context);
    let message = json!({ "to": "+33799999999", "text": "Lilas", "sender": "Lilas" });
    let http = ground.stand.tenant.http(&ground.stand.engine);
    eventually(&what, LIMIT, || {
        (http.post("/v1/messages", &message).status == 503).then_some(())
    });
    let totals = || ground.stand.sim.totals();
    let when_full = ground.eventually("answers and receipts under way are settled", || {
        let totals = totals();
        let settled = totals.receipts_due == totals.receipts_acked && totals.submits == totals.answered;
        settled.then_some(totals)
    });
    let view = campaign.view(&ground.stand.engine);
    view.assert_adds_up();
    assert!(view.progress.in_doubt <= WINDOW, "{}: {view:?}", ground.context);
    assert!(
        view.progress.queued > 0,
        "{}: leases went on to the end of the campaign: {view:?}, {when_full:?}",
        ground.context
    );

    ground.stand.redis.set("maxmemory", "0");
    let view = ground.wait_until_ended(&campaign, 1);
    ground.assert_nothing_doubled("Martin");
    ground.assert_credits(&ground.stand.tenant);
    Figures::from([
        ("percent", percent),
        ("delivered", view.status("delivered")),
        ("in doubt", view.progress.in_doubt),
    ])
}
