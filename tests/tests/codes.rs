//! Codes: each given to one recipient, once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Http, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

fn people(http: &Http, count: usize) {
    let contacts: Vec<Value> = campanile_tests::tenant::recipients(count)
        .map(|number| json!({ "reference": number, "number": number }))
        .collect();
    for some in contacts.chunks(1_000) {
        http.post("/v1/contacts", &json!({ "contacts": some })).expect(200);
    }
}

fn pool(http: &Http, codes: impl Iterator<Item = usize>) -> String {
    let codes: Vec<String> = codes.map(|number| format!("CODE-{number:06}")).collect();
    let given = json!({ "name": "Soldes", "codes": codes.join("\n") });
    let made = http.post("/v1/code_pools", &given).expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

fn left(http: &Http, pool: &str) -> u64 {
    let shown = http.get(&format!("/v1/code_pools/{pool}")).expect(200);
    shown["left"].as_u64().expect("a count")
}

fn order(pool: &str) -> CampaignOrder {
    let everybody = json!({ "filter": {} });
    CampaignOrder::to_audience(&everybody)
        .with("text", json!("Votre code : {{code}}"))
        .with("code_pool", json!(pool))
}

/// Who has which code, by the file.
fn used(http: &Http, pool: &str) -> BTreeMap<String, String> {
    let file = http.get(&format!("/v1/code_pools/{pool}/codes?used=true")).text.clone();
    let rows = file.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches(['"', '\''])).collect();
        (cells[1].trim_start_matches('+').to_owned(), cells[0].to_owned())
    });
    rows.collect()
}

/// Who was sent which code, by the simulator.
fn sent(stand: &Stand) -> BTreeMap<String, String> {
    let code = |text: &str| text.trim_start_matches("Votre code : ").to_owned();
    let rows = stand.sim.ledger().into_iter();
    rows.map(|row| (row.recipient.clone(), code(row.text.as_deref().unwrap_or_default())))
        .collect()
}

fn is_over(stand: &Stand, campaign: &Campaign, people: usize) {
    campaign.wait(&stand.engine, "each has a code", LIMIT, |view| {
        view.status("delivered") == people as u64
    });
}

#[test]
fn req_002_15_each_recipient_has_a_code_of_their_own() {
    const PEOPLE: usize = 300;
    let stand = Stand::new(programs!(), "codes", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    people(&http, PEOPLE);
    // Ten are there twice, and ten are too few.
    let id = pool(&http, (0..PEOPLE - 10).chain(0..10));
    assert_eq!(left(&http, &id), PEOPLE as u64 - 10);
    let campaign = stand.tenant.create(&stand.engine, &order(&id));
    let path = format!("/v1/campaigns/{}", campaign.id);
    let estimate = http.post(&format!("{path}/estimate"), &json!({})).expect(200);
    assert_eq!(
        (&estimate["codes_missing"], &estimate["max"]["recipients"]),
        (&json!(10), &json!(PEOPLE)),
        "{estimate}"
    );
    campaign.ask(&stand.engine, "launch").expect(202);
    campaign.wait(&stand.engine, "its launch is refused", LIMIT, |view| {
        view.state == "draft"
    });
    let shown = http.get(&path).expect(200);
    assert_eq!(
        (&shown["refused"], &shown["codes_missing"]),
        (&json!("codes_missing"), &json!(10)),
        "{shown}"
    );
    assert_eq!(left(&http, &id), PEOPLE as u64 - 10, "nobody has one");

    // Two campaigns: codes of one that is never launched go to the other.
    assert_eq!(pool(&http, PEOPLE - 10..2 * PEOPLE), id);
    campaign.ask(&stand.engine, "launch").expect(202);
    is_over(&stand, &campaign, PEOPLE);
    let (sent, used) = (sent(&stand), used(&http, &id));
    assert_eq!((&sent, sent.len()), (&used, PEOPLE));
    let path = format!("/v1/code_pools/{id}/codes?used=true");
    let french = http.in_language("fr").get(&path).text.clone();
    let line = french.lines().nth(1).unwrap_or_default();
    let date = line.rsplit(';').next().unwrap_or_default();
    let signs = ['/', ' ', ':'].map(|sign| date.matches(sign).count());
    assert_eq!((date.len(), signs), ("07/12/2026 08:00".len(), [2, 1, 1]), "{line}");
    let different: BTreeSet<&String> = sent.values().collect();
    assert_eq!(different.len(), PEOPLE, "each code once");
    assert_eq!(left(&http, &id), PEOPLE as u64);
    let next = stand.tenant.create(&stand.engine, &order(&id));
    next.ask(&stand.engine, "cancel").expect(202);
    assert_eq!(left(&http, &id), PEOPLE as u64);
}

#[test]
fn req_002_15_whoever_dies_meanwhile_nobody_has_two_codes_and_no_code_two_people() {
    const PEOPLE: usize = 6_000;
    let mut stand = Stand::new(programs!(), "codes-kills", "", |smsc| smsc);
    // One credit short: nothing is sent before it is known who has which code.
    let clinic = stand.engine.tenant("Cabinet des Lilas", PEOPLE as u64 - 1);
    let http = clinic.http(&stand.engine);
    people(&http, PEOPLE);
    let id = pool(&http, 0..PEOPLE + 7);
    let campaign = clinic.order(&stand.engine, &order(&id));
    for _ in 0..2 {
        let given = || PEOPLE as u64 + 7 - left(&clinic.http(&stand.engine), &id);
        eventually("codes are given", LIMIT, || (given() > 0).then_some(()));
        stand.engine.kill();
        stand.engine.restart();
    }
    campaign.wait(
        &stand.engine,
        "all of them are, and a credit is missing",
        LIMIT,
        |view| view.state == "blocked_insufficient_credit",
    );
    let http = clinic.http(&stand.engine);
    let before = used(&http, &id);
    assert_eq!((before.len(), left(&http, &id)), (PEOPLE, 7));
    let credits = format!("/v1/tenants/{}/credits", clinic.id);
    let one = json!({ "amount": 1, "reference": "un de plus" });
    stand.engine.operator().post(&credits, &one).expect(201);
    campaign.ask(&stand.engine, "launch").expect(202);
    is_over(&stand, &campaign, PEOPLE);
    let sent = sent(&stand);
    assert_eq!((&sent, sent.values().collect::<BTreeSet<_>>().len()), (&before, PEOPLE));
    assert_eq!(stand.sim.ledger().len(), PEOPLE, "nobody was written to twice");
}

#[test]
fn a_long_body_may_have_an_idempotency_key() {
    let stand = Stand::new(programs!(), "codes-many", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine).once("many-codes");
    let codes = |from: u32| {
        (from..from + 150_000)
            .map(|code| format!("C{code:07}\n"))
            .collect::<String>()
    };
    let pool = json!({ "name": "Soldes", "codes": codes(0) });
    let made = http.post("/v1/code_pools", &pool).expect(201);
    assert_eq!(made["left"], 150_000);
    assert_eq!(
        http.post("/v1/code_pools", &pool).expect(201),
        made,
        "it is the same pool"
    );
    let other = json!({ "name": "Soldes", "codes": codes(1) });
    http.post("/v1/code_pools", &other).expect_problem(&[422]);
}

#[test]
fn req_002_15_what_is_no_code_or_no_pool_is_refused() {
    let stand = Stand::new(programs!(), "codes-wrong", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    people(&http, 1);
    let long = json!({ "name": "Soldes", "codes": "A".repeat(41) });
    http.post("/v1/code_pools", &long)
        .expect_field_problem(&[400, 422], "/codes/0");
    let none = json!({ "name": "Soldes", "codes": " ;, \n" });
    http.post("/v1/code_pools", &none)
        .expect_field_problem(&[400, 422], "/codes");
    let id = pool(&http, 0..2);
    let refused = |order: &CampaignOrder, pointer: &str| {
        http.post("/v1/campaigns", &order.body)
            .expect_field_problem(&[400, 422], pointer);
    };
    refused(&order("cpl_0000000000000"), "/code_pool");
    refused(&order(&id).with("text", json!("Sans code")), "/text");
    let named = json!({ "recipients": [{ "to": "+33612345678", "code": "A" }] });
    refused(&order(&id).with("audience", named), "/code_pool");
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    stranger.get(&format!("/v1/code_pools/{id}")).expect_problem(&[404]);
    stranger
        .post("/v1/campaigns", &order(&id).body)
        .expect_field_problem(&[400, 422], "/code_pool");
    http.delete(&format!("/v1/code_pools/{id}")).expect(204);
}
