//! What a message costs by the number that it goes to: the same in the estimate, the hold, the ledger and the margin.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Http, Stand, Tenant, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Near, dearer by its first digits, cheap again by more of them, far; and one without a price of its own.
const NUMBERS: [(&str, u64); 5] = [
    ("+33612345600", 2),
    ("+33750123456", 5),
    ("+33750999999", 1),
    ("+262692123456", 3),
    ("+32470123456", 1),
];

fn prices() -> Value {
    json!({ "+33": 2, "+33750": 5, "+33750999": 1, "+262": 3 })
}

fn order(text: &str) -> CampaignOrder {
    let recipient = |(number, _): (&str, u64)| json!({ "to": number });
    let recipients: Vec<Value> = NUMBERS.into_iter().map(recipient).collect();
    CampaignOrder::to_audience(&json!({ "recipients": recipients })).with("text", json!(text))
}

/// Of a tenant of that reseller, with those prices and no more credits than that.
fn tenant(stand: &Stand, (id, http): (&str, &Http), credits: u64) -> Tenant {
    let given = json!({ "name": "Cabinet Martin", "countries": null, "prefix_prices": prices() });
    let made = http.post("/v1/tenants", &given).expect(201);
    assert_eq!(made["prefix_prices"], prices());
    let tenant = stand.engine.tenant_of(&made);
    let path = format!("/v1/tenants/{}", tenant.id);
    http.post(
        &format!("{path}/credits"),
        &json!({ "amount": credits, "reference": id }),
    )
    .expect(201);
    let price = json!({ "since": "2020-01-01", "per_credit": "0.10", "currency": "EUR" });
    http.post(&format!("{path}/credit_prices"), &price).expect(201);
    tenant
}

fn reseller(stand: &Stand) -> (String, Http) {
    let operator = stand.engine.operator();
    let made = operator
        .post("/v1/resellers", &json!({ "name": "Ostéo Réseau" }))
        .expect(201);
    let [id, key] = ["id", "api_key"].map(|field| made[field].as_str().expect("a text").to_owned());
    let amount = json!({ "amount": 10_000, "reference": "" });
    operator
        .post(&format!("/v1/resellers/{id}/credits"), &amount)
        .expect(201);
    (id, stand.engine.public().with_key(&key))
}

#[test]
fn the_longest_prefix_prices_estimate_hold_ledger_and_margin_alike() {
    let stand = Stand::new(programs!(), "prefix-prices", "", |smsc| smsc);
    let (id, of_reseller) = reseller(&stand);
    let sum: u64 = NUMBERS.iter().map(|(_, credits)| credits).sum();
    let tenant = tenant(&stand, (&id, &of_reseller), sum - 1);
    let http = tenant.http(&stand.engine);
    let campaign = tenant.create(&stand.engine, &order("Cabinet Martin : à demain."));
    let path = format!("/v1/campaigns/{}", campaign.id);
    let estimate = http.post(&format!("{path}/estimate"), &json!({})).expect(200);
    let sums = json!({ "recipients": 5, "segments": 5, "credits": sum });
    assert_eq!((&estimate["max"], &estimate["worst"]), (&sums, &sums), "{estimate}");
    assert_eq!(estimate["balance"]["enough"], false, "{estimate}");
    let short = campaign.ask(&stand.engine, "launch").expect_problem(&[402]);
    assert_eq!(short["code"], "insufficient_credit", "{short}");

    of_reseller
        .post(
            &format!("/v1/tenants/{}/credits", tenant.id),
            &json!({ "amount": 4, "reference": "more" }),
        )
        .expect(201);
    campaign.ask(&stand.engine, "launch").expect(202);
    let view = campaign.wait(&stand.engine, "all are delivered and booked", LIMIT, |view| {
        view.status("delivered") == 5 && view.credits.held == 0
    });
    assert_eq!((view.credits.spent, stand.sim.totals().submits), (sum, 5));
    let report = http.get(&format!("{path}/report")).expect(200);
    assert_eq!(report["actual"]["credits"], sum, "{report}");

    // One by one as well, and what is tried is said to cost as much.
    let far = json!({ "to": NUMBERS[3].0, "text": "À demain.", "sender": "Clinique", "purpose": "transactional" });
    let tried = http.post("/v1/messages?dry_run=true", &far);
    assert_eq!(tried.expect(200)["credits"], 3, "{}", tried.text);
    http.post("/v1/messages", &far).expect(202);
    eventually("it is booked", LIMIT, || {
        let credits = stand.engine.credits(&tenant);
        (credits.spent == sum + 3 && credits.available == 0 && credits.held == 0).then_some(())
    });

    // Both sides of what was held and spent stand in the ledger.
    let ledger = http.get("/v1/ledger").expect(200);
    let lines = ledger["data"].as_array().expect("lines");
    let of = |kind: &str| {
        let lines = lines.iter().filter(|line| line["type"] == kind);
        lines
            .map(|line| json!([line["credits"], line["from"], line["to"]]))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("hold"), [json!([sum, "available", "held"])], "{ledger}");
    assert_eq!(of("grant")[1], json!([sum - 1, "reseller", "available"]), "{ledger}");
    let debits = of("debit");
    assert!(debits.contains(&json!([3, "available", "spent"])), "{ledger}");
    let held: Vec<_> = debits.iter().filter(|line| line[1] == "held").collect();
    let debited: u64 = held.iter().map(|line| line[0].as_u64().expect("credits")).sum();
    assert_eq!(debited, sum, "{ledger}");

    // What the reseller takes for these credits is its revenue.
    let revenue = format!("{}.{:06}", (sum + 3) / 10, (sum + 3) % 10 * 100_000);
    eventually("history has all of them", LIMIT, || {
        let margin = of_reseller
            .get(&format!("/v1/resellers/{id}/margin?by=tenant"))
            .expect(200);
        margin.to_string().contains(&format!("\"{revenue}\"")).then_some(())
    });
}

#[test]
fn who_is_found_out_at_the_launch_is_priced_by_prefix_then() {
    let stand = Stand::new(programs!(), "prefix-prices-contacts", "", |smsc| smsc);
    let (id, of_reseller) = reseller(&stand);
    let tenant = tenant(&stand, (&id, &of_reseller), 100);
    let http = tenant.http(&stand.engine);
    let contact = |(at, (number, _)): (usize, (&str, u64))| json!({ "reference": at.to_string(), "number": number, "first_name": "Zoé" });
    let contacts: Vec<Value> = NUMBERS.into_iter().enumerate().map(contact).collect();
    http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    // Two segments each.
    let text = format!("[Prenom], {}", "a".repeat(170));
    let order = CampaignOrder::to_audience(&json!({ "filter": {} })).with("text", json!(text));
    let campaign = tenant.create(&stand.engine, &order);
    // Prices of the moment of the launch.
    let path = format!("/v1/tenants/{}", tenant.id);
    of_reseller
        .patch(&path, &json!({ "prefix_prices": { "+262": 4 } }))
        .expect(200);
    let estimate = http
        .post(&format!("/v1/campaigns/{}/estimate", campaign.id), &json!({}))
        .expect(200);
    assert_eq!(estimate["max"]["credits"], 2 * (4 + 4), "{estimate}");
    campaign.ask(&stand.engine, "launch").expect(202);
    let view = campaign.wait(&stand.engine, "all are delivered and booked", LIMIT, |view| {
        view.status("delivered") == 5 && view.credits.held == 0
    });
    assert_eq!((view.credits.spent, stand.sim.totals().submits), (16, 10));
    of_reseller.patch(&path, &json!({ "prefix_prices": null })).expect(200);
    assert_eq!(of_reseller.get(&path).expect(200)["prefix_prices"], json!({}));
    // Who pays does not say how much.
    http.patch("/v1/tenant", &json!({ "prefix_prices": {} }))
        .expect_field_problem(&[400], "/prefix_prices");
}

#[test]
fn prices_that_are_none_are_refused_with_what_is_wrong() {
    let stand = Stand::new(programs!(), "prefix-prices-wrong", "", |smsc| smsc);
    let operator = stand.engine.operator();
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    for (prices, pointer) in [
        (json!([]), "/prefix_prices"),
        (json!({ "33": 2 }), "/prefix_prices/33"),
        (json!({ "+033": 2 }), "/prefix_prices/+033"),
        (json!({ "+33": 0 }), "/prefix_prices/+33"),
        (json!({ "+33": 51 }), "/prefix_prices/+33"),
        (json!({ "+33": "2" }), "/prefix_prices/+33"),
    ] {
        operator
            .patch(&path, &json!({ "prefix_prices": prices }))
            .expect_field_problem(&[400, 422], pointer);
    }
}
