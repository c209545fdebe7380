//! Drafts that are made of another campaign: one like it, and one for those of its recipients who did not get it.

use std::collections::BTreeSet;
use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Http, Stand, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Two of which receipts say that they failed, two that are delivered, and one that does not exist.
const NUMBERS: &str = "+33600000905;+33600001908;+33600000001;+33600000002;+33600000901";

fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

fn shown(stand: &Stand, id: &str) -> Value {
    http(stand).get(&format!("/v1/campaigns/{id}")).expect(200)
}

fn copy(stand: &Stand, campaign: &Campaign, how: &str, body: &Value) -> Value {
    let path = format!("/v1/campaigns/{}/{how}", campaign.id);
    http(stand).post(&path, body).expect(201)
}

fn numbers(stand: &Stand, id: &str) -> BTreeSet<String> {
    let recipients = stand.tenant.campaign(id).recipients(&stand.engine);
    recipients.into_iter().map(|one| one.to).collect()
}

fn set(numbers: &[&str]) -> BTreeSet<String> {
    numbers.iter().map(|number| (*number).to_owned()).collect()
}

/// A campaign that has come to its end.
fn over(stand: &Stand) -> Campaign {
    let order = CampaignOrder::to_audience(&json!({ "numbers": NUMBERS }));
    let campaign = stand.tenant.order(&stand.engine, &order);
    campaign.wait(&stand.engine, "it is over", LIMIT, |view| {
        view.state == "completed" && view.status("transmitted") == 0 && view.credits.held == 0
    });
    campaign
}

#[test]
fn a_draft_is_made_like_a_campaign_with_its_recipients_and_another_name() {
    let stand = Stand::new(programs!(), "copies-duplicate", "", |smsc| smsc);
    let audience = json!({ "recipients": [
        { "to": "+33612345678", "Prenom": "Zoé" },
        { "to": "+33612345679" },
        { "to": "+33612345680", "Prenom": "Hugo", "Nom": "Martin" },
    ] });
    let order = CampaignOrder::to_audience(&audience)
        .with("text", json!("Bonjour [Prenom|à vous] [Nom]"))
        .with("validity", json!(3_600));
    let campaign = stand.tenant.create(&stand.engine, &order);
    let draft = copy(&stand, &campaign, "duplicate", &json!({ "name": "Printemps" }));
    assert_eq!(
        (&draft["name"], &draft["state"]),
        (&json!("Printemps"), &json!("draft"))
    );
    assert_eq!(
        (&draft["copied_from"], &draft["audience"]["accepted"]),
        (&json!(campaign.id), &json!(3))
    );
    let unnamed = copy(&stand, &campaign, "duplicate", &json!({}));
    assert_eq!(unnamed["name"], "Rappel (2)");
    let id = draft["id"].as_str().expect("an id");
    let (one, other) = (shown(&stand, &campaign.id), shown(&stand, id));
    for field in ["text", "sender", "purpose", "encoding", "validity", "estimate"] {
        assert_eq!(one[field], other[field], "{field}");
    }
    let launched = stand.tenant.campaign(id);
    launched.ask(&stand.engine, "launch").expect(202);
    launched.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.status("delivered") == 3
    });
    let mut texts: Vec<String> = stand.sim.ledger().into_iter().filter_map(|row| row.text).collect();
    texts.sort();
    assert_eq!(texts, ["Bonjour Hugo Martin", "Bonjour Zoé ", "Bonjour à vous "]);
    assert_eq!(
        shown(&stand, &campaign.id)["state"],
        "draft",
        "the other one is as it was"
    );

    // Contacts are found out anew.
    http(&stand)
        .post("/v1/contacts", &json!({ "contacts": [{ "number": "+33612345681" }] }))
        .expect(200);
    let of_contacts = json!({ "filter": {}, "numbers": "+33612345682" });
    let campaign = stand
        .tenant
        .create(&stand.engine, &CampaignOrder::to_audience(&of_contacts));
    let draft = copy(&stand, &campaign, "duplicate", &json!({}));
    assert_eq!(draft["audience"]["query"], json!({ "filter": {} }));
    let path = format!("/v1/campaigns/{}/estimate", draft["id"].as_str().expect("an id"));
    assert_eq!(http(&stand).post(&path, &json!({})).expect(200)["max"]["recipients"], 2);
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    let path = format!("/v1/campaigns/{}/duplicate", campaign.id);
    stranger.post(&path, &json!({})).expect_problem(&[404]);
}

#[test]
fn who_did_not_get_a_campaign_gets_a_draft_of_their_own() {
    let stand = Stand::new(programs!(), "copies-resend", "magic = true\n", |smsc| smsc);
    let campaign = over(&stand);
    let draft = copy(&stand, &campaign, "resend", &json!({}));
    let id = draft["id"].as_str().expect("an id");
    assert_eq!(
        (&draft["state"], &draft["copied_from"]),
        (&json!("draft"), &json!(campaign.id))
    );
    assert_eq!(
        numbers(&stand, id),
        set(&["+33600000905", "+33600001908"]),
        "those that failed"
    );
    let unknown = copy(
        &stand,
        &campaign,
        "resend",
        &json!({ "statuses": ["unknown_number"], "name": "Encore" }),
    );
    assert_eq!(unknown["name"], "Encore");
    assert_eq!(
        numbers(&stand, unknown["id"].as_str().expect("an id")),
        set(&["+33600000901"])
    );
    let all = copy(
        &stand,
        &campaign,
        "resend",
        &json!({ "statuses": ["delivered"], "again": true }),
    );
    assert_eq!(
        numbers(&stand, all["id"].as_str().expect("an id")),
        set(&["+33600000001", "+33600000002"])
    );
    // They are to get it by that draft: another one would send it twice.
    let path = format!("/v1/campaigns/{}/resend", campaign.id);
    let none = http(&stand).post(&path, &json!({})).expect_problem(&[422]);
    assert_eq!(none["code"], "empty_audience", "{none}");
    stand.tenant.campaign(id).ask(&stand.engine, "cancel").expect(202);
    let at = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3_600)).to_string();
    let planned = copy(&stand, &campaign, "resend", &json!({ "scheduled_at": at }));
    assert_eq!(planned["state"], "scheduled");
    let credits = stand.engine.credits(&stand.tenant);
    assert_eq!(credits.held, 0, "nothing is held before a launch");
}

#[test]
fn who_has_a_campaign_gets_it_again_only_when_that_is_said() {
    let stand = Stand::new(programs!(), "copies-refused", "", |smsc| smsc.line("rate = \"1/s\""));
    let path = |campaign: &Campaign, how: &str| format!("/v1/campaigns/{}/{how}", campaign.id);
    let slow = stand.launch(1_000);
    for campaign in [&slow, &stand.tenant.create(&stand.engine, &CampaignOrder::to_first(1))] {
        let problem = http(&stand)
            .post(&path(campaign, "resend"), &json!({}))
            .expect_problem(&[409]);
        assert_eq!(problem["code"], "campaign_wrong_state", "{problem}");
    }
    slow.ask(&stand.engine, "cancel").expect(202);
    slow.wait(&stand.engine, "it is stopped", LIMIT, |view| {
        view.credits.held == 0 && view.status("transmitted") == 0
    });
    let refused = |body: Value, pointer: &str, code: &str| {
        let answer = http(&stand).post(&path(&slow, "resend"), &body);
        answer.expect_field_problem(&[400, 422], pointer);
        assert_eq!(answer.json()["errors"][0]["code"], code, "{body}");
    };
    for got in ["delivered", "transmitted", "in_doubt"] {
        refused(
            json!({ "statuses": ["canceled", got] }),
            "/statuses/1",
            "missing_beside",
        );
    }
    refused(json!({ "statuses": ["read"] }), "/statuses/0", "unknown_value");
    refused(json!({ "statuses": [] }), "/statuses", "empty");
    refused(json!({ "name": " " }), "/name", "empty");
    refused(
        json!({ "scheduled_at": "2020-01-01T09:00" }),
        "/scheduled_at",
        "not_ahead",
    );
    let none = http(&stand)
        .post(&path(&slow, "resend"), &json!({}))
        .expect_problem(&[422]);
    assert_eq!(none["code"], "empty_audience", "nobody's message failed");
    assert_eq!(none["errors"][0]["pointer"], "/statuses", "{none}");
    let canceled = copy(&stand, &slow, "resend", &json!({ "statuses": ["canceled"] }));
    let sent = stand.sim.totals().accepted;
    assert_eq!(canceled["audience"]["accepted"], 1_000 - sent);
}

#[test]
fn what_was_resent_is_not_resent_to_those_who_have_it() {
    // Those whom the first campaign did not reach have their message at the second try.
    let scenario = "magic = true\n";
    let stand = Stand::new(programs!(), "copies-resent", scenario, |smsc| smsc);
    let campaign = over(&stand);
    let draft = copy(
        &stand,
        &campaign,
        "resend",
        &json!({ "statuses": ["unknown_number", "reception_error"] }),
    );
    let first = numbers(&stand, draft["id"].as_str().expect("an id"));
    let again = stand.tenant.campaign(draft["id"].as_str().expect("an id"));
    again.ask(&stand.engine, "launch").expect(202);
    again.wait(&stand.engine, "it is over", LIMIT, |view| {
        view.state == "completed" && view.status("transmitted") == 0 && view.credits.held == 0
    });
    // They failed once more, so that they may be tried once more: who has it would be left out.
    let failed = copy(
        &stand,
        &campaign,
        "resend",
        &json!({ "statuses": ["unknown_number", "reception_error"] }),
    );
    assert_eq!(numbers(&stand, failed["id"].as_str().expect("an id")), first);
    // Those who have it from the copy: a copy to all went to them.
    let all = copy(&stand, &campaign, "duplicate", &json!({}));
    let all = stand.tenant.campaign(all["id"].as_str().expect("an id"));
    all.ask(&stand.engine, "launch").expect(202);
    all.wait(&stand.engine, "it is over", LIMIT, |view| {
        view.state == "completed" && view.status("transmitted") == 0 && view.credits.held == 0
    });
    let had = json!({ "statuses": ["delivered"], "again": true });
    let had = copy(&stand, &campaign, "resend", &had);
    assert_eq!(
        numbers(&stand, had["id"].as_str().expect("an id")),
        set(&["+33600000001", "+33600000002"]),
        "who is to get it again does"
    );
}
