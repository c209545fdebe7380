//! What a campaign will take and cost, and that it takes and costs that.

use std::time::Duration;

use campanile_tests::{CampaignOrder, EngineSettings, Lab, SmscSettings, Stand, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// 140 characters without the name.
fn text() -> String {
    format!("Bonjour [Nom], {}", "a".repeat(140 - "Bonjour , ".len()))
}

fn order() -> CampaignOrder {
    let long = "Marie-Antoinette de La Rochefoucauld-Doudeauville";
    let names = ["Zoé", "Martin", "Petit", long, "Durand"];
    let recipient = |(at, name): (usize, &&str)| json!({ "to": format!("+3361234567{at}"), "Nom": name });
    let mut recipients: Vec<Value> = names.iter().enumerate().map(recipient).collect();
    recipients.push(json!({ "to": "+33123456789", "Nom": "Fixe" }));
    let order = CampaignOrder::to_audience(&json!({ "recipients": recipients }));
    order.with("text", json!(text())).with("purpose", json!("marketing"))
}

#[test]
fn req_000_18_a_campaign_takes_and_costs_what_was_estimated() {
    let stand = Stand::new(programs!(), "estimate", "", |smsc| smsc);
    let clinic = stand.engine.tenant("Cabinet Martin", 6);
    let http = clinic.http(&stand.engine);
    let campaign = clinic.create(&stand.engine, &order());
    let path = format!("/v1/campaigns/{}/estimate", campaign.id);
    let estimate = || http.post(&path, &json!({})).expect(200);

    // req_001_17: one name makes its text two segments.
    let first = estimate();
    assert_eq!(
        first["max"],
        json!({ "recipients": 5, "segments": 6, "credits": 6 }),
        "{first}"
    );
    assert_eq!(first["expected"], first["max"]);
    assert_eq!(first["by_segments"], json!({ "1": 4, "2": 1 }));
    assert_eq!(first["balance"], json!({ "available": 6, "after": 0, "enough": true }));
    assert_eq!(first["excluded"]["not_mobile"], 1, "{first}");
    assert_eq!(first["next_open_at"], Value::Null, "there are no hours here");
    let samples = first["samples"].as_array().expect("a list");
    let dearest = &samples[2];
    assert_eq!((samples.len(), &dearest["segments"]), (3, &json!(2)), "{first}");
    let told = dearest["text"].as_str().expect("a text");
    assert!(told.starts_with("Bonjour Marie-Antoinette de La"), "{told}");

    // Who wants nothing any more is known before: it costs what is left.
    let admin = stand.engine.admin();
    let leaver = json!({ "to": ["+33612345670"], "tenant": clinic.id });
    admin.post("/v1/suppressions", &leaver).expect(200);
    let anybodys = json!({ "to": ["+33612345671"] });
    admin.post("/v1/suppressions", &anybodys).expect(200);
    let known = estimate();
    assert_eq!(known["opted_out"], 2, "{known}");
    assert_eq!(known["max"], first["max"], "as much is held");
    assert_eq!(
        known["expected"],
        json!({ "recipients": 3, "segments": 4, "credits": 4 })
    );

    campaign.ask(&stand.engine, "launch").expect(202);
    let view = campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.status("delivered") == 3 && view.credits.held == 0
    });
    assert_eq!((view.credits.spent, stand.sim.totals().submits), (4, 4), "as expected");
    assert_eq!(stand.engine.credits(&clinic).available, 2);
    let report = http.get(&format!("/v1/campaigns/{}/report", campaign.id)).expect(200);
    assert_eq!(
        (&report["others"]["skipped"], &report["actual"]["credits"]),
        (&json!(2), &json!(4))
    );
    let again = http.post(&path, &json!({})).expect_problem(&[409]);
    assert_eq!(again["code"], "campaign_already_started");
    let stranger = stand.engine.tenant("Autre cabinet", 1);
    stranger
        .http(&stand.engine)
        .post(&path, &json!({}))
        .expect_problem(&[404]);
}

#[test]
fn req_000_18_an_estimate_says_what_is_missing_and_when_advertising_may_go() {
    let lab = Lab::new(programs!(), "estimate-night");
    lab.live_at("2026-12-24T21:00:00Z");
    let stand = Stand::under(lab, "", |redis, sim| EngineSettings {
        rules: Some(vec!["fr-seed".to_owned()]),
        ..EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    });
    let clinic = stand.engine.tenant("Cabinet Martin", 5);
    let http = clinic.http(&stand.engine);
    let estimate = |order: &CampaignOrder| {
        let campaign = clinic.create(&stand.engine, order);
        let path = format!("/v1/campaigns/{}/estimate", campaign.id);
        http.post(&path, &json!({})).expect(200)
    };
    let advertising = estimate(&order());
    assert_eq!(
        advertising["balance"],
        json!({ "available": 5, "after": -1, "enough": false })
    );
    // The day after is Christmas, the next a Saturday.
    assert_eq!(advertising["next_open_at"], "2026-12-26T07:00:00Z", "{advertising}");
    let reminder = estimate(&order().with("purpose", json!("transactional")));
    assert_eq!(reminder["next_open_at"], Value::Null);
}

#[test]
fn req_000_18_pasted_numbers_and_exclusions_are_counted_in_the_estimate_and_after_the_launch() {
    let stand = Stand::new(programs!(), "estimate-pasted", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let contacts = json!({ "contacts": [
        { "reference": "1", "number": "+33612345671", "practices": ["Lyon"] },
        { "reference": "2", "number": "+33612345672", "practices": ["Lyon"], "tags": ["presse"] },
        { "reference": "3", "number": "+33612345673", "practices": ["Lyon"] },
        { "reference": "4", "number": "+33123456780", "practices": ["Lyon"] },
        { "reference": "5", "number": "+33612345675", "practices": ["Paris"], "tags": ["presse"] },
    ] });
    http.post("/v1/contacts", &contacts).expect(200);
    let order = CampaignOrder::to_audience(&json!({
        "filter": { "field": "practice", "is": "Lyon" },
        "numbers": "0612345679; 06123; 0123456789; 0612345679; 0612345675; 0612345674",
        "exclude": { "filter": { "field": "tag", "is": "presse" }, "numbers": ["+33612345673", "+33612345674"] },
    }));
    let made = http.post("/v1/campaigns", &order.body).expect(201);
    let campaign = stand.tenant.campaign(made["id"].as_str().expect("an id"));
    let of = |excluded: &Value| {
        let count = |of: &str| excluded[of].as_u64().expect("a count");
        ["invalid", "not_mobile", "duplicates", "by_request"].map(count)
    };
    assert_eq!(of(&made["audience"]), [1, 1, 1, 0], "those that were pasted");
    let path = format!("/v1/campaigns/{}", campaign.id);
    let estimate = http.post(&format!("{path}/estimate"), &json!({})).expect(200);
    // Two contacts and two pasted numbers are left out as was asked for; one contact has a landline.
    assert_eq!(of(&estimate["excluded"]), [1, 2, 1, 4], "{estimate}");
    assert_eq!(estimate["max"]["recipients"], 2);
    let copy = http.post(&format!("{path}/duplicate"), &json!({})).expect(201);
    campaign.ask(&stand.engine, "launch").expect(202);
    stand.all_delivered(&campaign, 2, LIMIT);
    let report = http.get(&format!("{path}/report")).expect(200);
    assert_eq!(of(&report["excluded"]), [1, 2, 1, 4], "{report}");
    let codes = |id: &str| {
        let rejected = http.get(&format!("/v1/campaigns/{id}/rejected")).expect(200);
        let rows = rejected["data"].as_array().expect("a list");
        let mut codes: Vec<String> = rows
            .iter()
            .map(|row| row["code"].as_str().expect("a code").to_owned())
            .collect();
        codes.sort();
        codes
    };
    let pasted = ["duplicate", "invalid_number", "not_mobile"];
    let numbers = ["by_request", "by_request", "by_request"];
    let landline = ["duplicate", "invalid_number", "not_mobile", "not_mobile"];
    assert_eq!(codes(&campaign.id), [&numbers[..], &landline[..]].concat());
    // A campaign like it has the same numbers, and the same that are none.
    let copy = copy["id"].as_str().expect("an id");
    assert_eq!(codes(copy), pasted);
    let again = http
        .post(&format!("/v1/campaigns/{copy}/estimate"), &json!({}))
        .expect(200);
    assert_eq!(again["excluded"], estimate["excluded"]);
}

#[test]
fn req_000_18_an_estimate_says_of_how_many_a_field_says_nothing() {
    let stand = Stand::new(programs!(), "estimate-empty", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let recipients = json!([
        { "to": "+33612345670", "Prenom": "Zoé", "Ville": "" },
        { "to": "+33612345671", "Prenom": " ", "Ville": "Lyon" },
        { "to": "+33612345672", "Ville": "" },
    ]);
    let without = |said: &str| {
        let order = CampaignOrder::to_audience(&json!({ "recipients": recipients })).with("text", json!(said));
        let campaign = stand.tenant.create(&stand.engine, &order);
        let path = format!("/v1/campaigns/{}/estimate", campaign.id);
        http.post(&path, &json!({})).expect(200)["without_value"].clone()
    };
    assert_eq!(
        without("Bonjour [Prenom], rendez-vous à [Ville|votre cabinet]."),
        json!({ "Prenom": 2 })
    );
    assert_eq!(
        without("[Prenom] [Prenom|vous], à [Ville]."),
        json!({ "Prenom": 2, "Ville": 2 })
    );
    assert_eq!(without("Bonjour [Prenom|à vous]."), json!({}));
}
