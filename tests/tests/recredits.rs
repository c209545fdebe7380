//! What of a tenant's failed messages gives its credits back, as its terms say: a message that an SMSC took ends as recredited, its reason says how
//! it failed, and its number is cleaned as before.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Nobody has any number.
const UNKNOWN: &str = "[[outcome]]\nname = \"unknown\"\nweight = 1\nstat = \"UNDELIV\"\nerr = \"001\"\n";

fn agree(stand: &Stand, failures: &Value) -> Value {
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let agreed = stand.engine.operator().patch(&path, &json!({ "recredits": failures }));
    agreed.expect(200)["recredits"].clone()
}

/// Everything that became of a campaign of ten, when all of it has ended in that status.
fn sent(stand: &Stand, status: &str) -> Value {
    let campaign = stand.tenant.order(&stand.engine, &CampaignOrder::to_first(10));
    campaign.wait(&stand.engine, status, LIMIT, |view| view.status(status) == 10);
    campaign.view(&stand.engine).assert_adds_up();
    let http = stand.tenant.http(&stand.engine);
    let shown = http
        .get(&format!("/v1/campaigns/{}/recipients", campaign.id))
        .expect(200);
    for row in shown["data"].as_array().expect("a list") {
        assert_eq!(row["cleanse"], "hard", "{row}");
    }
    shown["data"][0]["reason"].clone()
}

/// The tenant has so many credits again, in the books too.
fn has(stand: &Stand, available: u64) {
    eventually(&format!("{available} are there"), LIMIT, || {
        let credits = stand.engine.credits(&stand.tenant);
        (credits.available == available).then_some(())
    });
}

#[test]
fn what_fails_as_the_terms_say_is_given_back_and_says_how_it_failed() {
    let mut stand = Stand::new(programs!(), "recredits", UNKNOWN, |smsc| smsc);
    let all = stand.engine.credits(&stand.tenant).available;
    assert_eq!(sent(&stand, "unknown_number"), "receipt");
    has(&stand, all - 10);

    let failures = json!(["not_routed", "unknown_number"]);
    assert_eq!(agree(&stand, &failures), json!(["unknown_number", "not_routed"]));
    assert_eq!(sent(&stand, "recredited"), "unknown_number");
    has(&stand, all - 10);

    // After a restart, and after Redis was lost.
    stand.engine.restart();
    assert_eq!(sent(&stand, "recredited"), "unknown_number");
    has(&stand, all - 10);
    assert!(stand.engine.shut_down().success());
    redis::cmd("FLUSHALL")
        .exec(&mut stand.redis.connect().expect("a connection"))
        .expect("FLUSHALL");
    stand.engine.restart();
    assert_eq!(sent(&stand, "recredited"), "unknown_number");
    has(&stand, all - 10);

    // What was agreed on through another engine.
    let other = stand.engine.beside("other");
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    other.operator().patch(&path, &json!({ "recredits": null })).expect(200);
    eventually("it is heard of", LIMIT, || {
        let campaign = stand.tenant.order(&stand.engine, &CampaignOrder::to_first(1));
        let ended = campaign.wait(&stand.engine, "it has ended", LIMIT, |view| {
            view.status("unknown_number") + view.status("recredited") == 1
        });
        (ended.status("unknown_number") == 1).then_some(())
    });

    let wrong = stand
        .engine
        .operator()
        .patch(&path, &json!({ "recredits": ["delivered"] }));
    let wrong = wrong.expect(422);
    assert_eq!(wrong["errors"][0]["pointer"], "/recredits/0", "{wrong}");
}
