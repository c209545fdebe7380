//! Messages that are called back one by one, or whose time is over, while no SMSC is there that takes them.

use std::time::Duration;

use campanile_tests::{CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs, text};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

fn stand(name: &str) -> Stand {
    Stand::under(Lab::new(programs!(), name), "", |redis, sim| {
        EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    })
}

fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

fn send(http: &Http, to: &str, more: &Value) -> String {
    let mut order = json!({ "to": to, "text": "Votre rendez-vous est demain.", "sender": "Cabinet" });
    for (name, value) in more.as_object().expect("fields") {
        order[name] = value.clone();
    }
    text(&http.post("/v1/messages", &order).expect(202)["id"])
}

fn message(http: &Http, id: &str) -> Value {
    http.get(&format!("/v1/messages/{id}")).expect(200)
}

/// Waits until a message has that status, and returns its reason.
fn wait_for(http: &Http, id: &str, status: &str) -> Value {
    eventually(&format!("{id} is {status}"), LIMIT, || {
        let shown = message(http, id);
        (shown["status"] == status).then(|| shown["reason"].clone())
    })
}

/// Waits until nothing is held and these credits are left.
fn wait_for_credits(stand: &Stand, available: u64) {
    eventually("what was held is released", LIMIT, || {
        let credits = stand.engine.credits(&stand.tenant);
        (credits.available == available && credits.held == 0).then_some(())
    });
}

#[test]
fn a_message_that_waits_is_called_back_and_what_it_holds_is_released() {
    let mut stand = stand("recall");
    let http = http(&stand);
    let credits = stand.engine.credits(&stand.tenant).available;
    let sent = send(&http, "+33612345600", &json!({}));
    wait_for(&http, &sent, "delivered");
    stand.sim.kill();
    let ids: Vec<String> = (1..=5)
        .map(|index| send(&http, &format!("+3361234560{index}"), &json!({})))
        .collect();
    // The second waits behind the first to the same person.
    let behind = send(&http, "+33612345601", &json!({}));
    let cancel = |id: &str| http.post(&format!("/v1/messages/{id}/cancel"), &json!({}));
    for id in [&ids[1], &ids[3], &behind] {
        // What is being handed over to a session that has just broken comes back.
        let canceled = eventually("it is called back", LIMIT, || {
            let answer = cancel(id);
            (answer.status == 200).then(|| answer.expect(200))
        });
        assert_eq!(canceled, json!({ "id": id, "status": "canceled" }));
        assert_eq!(cancel(id).expect(200)["status"], "canceled", "as often as one likes");
        assert_eq!(wait_for(&http, id, "canceled"), "recalled");
    }
    assert_eq!(cancel(&sent).expect(409)["code"], "message_wrong_state");
    assert_eq!(
        cancel(&sent).expect(409)["detail"],
        "The current state is \"delivered\"."
    );
    assert_eq!(cancel("msg_22222222222").status, 404);
    stand.sim.restart();
    for id in [&ids[0], &ids[2], &ids[4]] {
        wait_for(&http, id, "delivered");
    }
    let mut told: Vec<String> = stand.sim.ledger().into_iter().map(|row| row.recipient).collect();
    told.sort();
    assert_eq!(told, ["33612345601", "33612345603", "33612345605"]);
    wait_for_credits(&stand, credits - 4);
}

#[test]
fn one_recipient_of_a_campaign_is_called_back_while_it_is_paused() {
    let mut stand = stand("recall-campaign");
    let http = http(&stand);
    stand.sim.kill();
    let draft = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(1));
    let page = http.get(&format!("/v1/campaigns/{}/recipients", draft.id)).expect(200);
    let row = text(&page["data"][0]["id"]);
    let refused = http.post(&format!("/v1/messages/{row}/cancel"), &json!({})).expect(409);
    assert_eq!(refused["code"], "campaign_wrong_state");
    let campaign = stand.tenant.order(&stand.engine, &CampaignOrder::to_first(5));
    let paused = format!("/v1/campaigns/{}/pause", campaign.id);
    http.post(&paused, &json!({})).expect(200);
    let page = http
        .get(&format!("/v1/campaigns/{}/recipients", campaign.id))
        .expect(200);
    let rows = page["data"].as_array().expect("rows");
    let id = text(&rows[2]["id"]);
    eventually("it is called back", LIMIT, || {
        (http.post(&format!("/v1/messages/{id}/cancel"), &json!({})).status == 200).then_some(())
    });
    assert_eq!(wait_for(&http, &id, "canceled"), "recalled");
    http.post(&format!("/v1/campaigns/{}/resume", campaign.id), &json!({}))
        .expect(200);
    stand.sim.restart();
    let view = campaign.wait(&stand.engine, "it has ended", LIMIT, |view| view.state == "completed");
    assert_eq!((view.status("delivered"), view.progress.canceled), (4, 1), "{view:?}");
    let told = stand.sim.ledger();
    let left_out = text(&rows[2]["to"]);
    assert!(told.iter().all(|row| format!("+{}", row.recipient) != left_out) && told.len() == 4);
}

#[test]
fn a_message_whose_time_is_over_ends_though_no_smsc_is_there() {
    let lab = Lab::new(programs!(), "recall-outdated");
    lab.live_at("2026-12-23T10:00:00Z");
    let mut stand = Stand::under(lab, "", |redis, sim| {
        EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    });
    let asked = http(&stand);
    let credits = stand.engine.credits(&stand.tenant).available;
    stand.sim.kill();
    let short = send(&asked, "+33612345601", &json!({ "validity": 600 }));
    let long = send(&asked, "+33612345602", &json!({ "validity": 86_400 }));
    stand.engine.kill();
    stand.lab().live_at("2026-12-23T11:00:00Z");
    stand.redis.restart();
    stand.engine.restart();
    let asked = http(&stand);
    assert_eq!(wait_for(&asked, &short, "transmission_failed"), "expired");
    assert_eq!(message(&asked, &long)["status"], "queued");
    // What an hour's messages hold is released when none of them waits any more.
    asked
        .post(&format!("/v1/messages/{long}/cancel"), &json!({}))
        .expect(200);
    wait_for_credits(&stand, credits);
}
