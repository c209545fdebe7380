//! Whom a campaign cannot reach, for the tool that writes to them otherwise; and what has become old.

use std::collections::BTreeSet;
use std::time::Duration;

use campanile_tests::{CampaignOrder, Http, Stand, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

fn upsert(http: &Http, contacts: &Value) -> Vec<String> {
    let became = http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    let rows = became["data"].as_array().expect("a list").iter();
    rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn req_001_24_the_rest_of_an_audience_is_a_file_for_the_e_mail_tool() {
    let stand = Stand::new(programs!(), "left-out", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let tenant = format!("/v1/tenants/{}", stand.tenant.id);
    stand
        .engine
        .operator()
        .patch(&tenant, &json!({ "require_consent": true }))
        .expect(200);
    let mail = |name: &str| json!({ "E-mail": format!("{name}@example.fr") });
    upsert(
        &http,
        &json!([
            {"reference": "1", "number": "0612345601", "first_name": "Zoé", "practices": ["Lyon"], "attributes": mail("zoe")},
            {"reference": "2", "number": "0612345602", "first_name": "Hugo", "practices": ["Lyon"], "attributes": mail("hugo")},
            {"reference": "3", "number": "0123456789", "first_name": "Fixe", "practices": ["Lyon"], "attributes": mail("fixe")},
            {"reference": "4", "first_name": "Sans", "practices": ["Lyon"], "attributes": mail("sans")},
            {"reference": "5", "first_name": "Ailleurs", "practices": ["Paris"], "attributes": mail("ailleurs")},
            {"reference": "6", "first_name": "Exclue", "practices": ["Lyon"], "tags": ["vip"], "attributes": mail("exclue")},
        ]),
    );
    let consent = json!({ "contact": {"reference": "1"}, "wording": "Oui", "source": "accueil" });
    http.post("/v1/consents", &consent).expect(201);
    let lyon = json!({
        "filter": {"field": "practice", "is": "Lyon"}, "exclude": {"filter": {"field": "tag", "is": "vip"}},
    });
    let order = CampaignOrder::to_audience(&lyon).with("purpose", json!("marketing"));
    let campaign = stand.tenant.create(&stand.engine, &order);
    let path = format!("/v1/campaigns/{}/left-out", campaign.id);
    let names = |query: &str| {
        let file = http.get(&format!("{path}?dialect=jsonl{query}")).text.clone();
        let rows = file
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let mail = |row: Value| row["attributes"]["E-mail"].as_str().expect("an address").to_owned();
        rows.map(mail).collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["hugo@example.fr", "fixe@example.fr", "sans@example.fr"]);
    assert_eq!(names("&because=no_consent"), ["hugo@example.fr"]);
    assert_eq!(names("&because=no_mobile"), ["fixe@example.fr", "sans@example.fr"]);
    assert!(names("&because=unreachable").is_empty());
    let french = http.in_language("fr").get(&path).text.clone();
    assert!(
        french.starts_with('\u{feff}') && french.lines().count() == 4,
        "{french}"
    );
    http.get(&format!("{path}?because=nothing"))
        .expect_field_problem(&[422], "?because");
    // What is no advertising needs no consent.
    let notice = stand.tenant.create(&stand.engine, &CampaignOrder::to_audience(&lyon));
    let rest = http
        .get(&format!("/v1/campaigns/{}/left-out?dialect=rfc4180", notice.id))
        .text
        .clone();
    assert_eq!(rest.lines().count(), 3, "{rest}");
    let stranger = stand.engine.tenant("Autre cabinet", 10);
    stranger.http(&stand.engine).get(&path).expect_problem(&[404]);
}

#[test]
fn who_has_values_that_no_text_may_have_is_left_out_and_nobody_else() {
    let stand = Stand::new(programs!(), "values-refused", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let about = |text: &str| json!({ "Message": text });
    upsert(
        &http,
        &json!([
            {"number": "0612345601", "first_name": "Zoé", "last_name": "Martin", "attributes": about("à jeudi")},
            {"number": "0612345602", "first_name": "Hugo", "last_name": "bit.ly/gagne", "attributes": about("à mardi")},
            {"number": "0612345603", "first_name": "Léa", "last_name": "Petit"},
            // Called as what everybody has: the others have their own all the same.
            {"number": "0612345604", "first_name": "Eva", "last_name": "Roux", "attributes": {"Message": "à lundi", "Nom": "Dr House"}},
            // A family: the same once, and what is said to each of them.
            {"number": "0612345605", "first_name": "Tom", "last_name": "Roy", "attributes": about("à jeudi")},
            {"number": "0612345605", "first_name": "Ana", "last_name": "Roy", "attributes": about("à jeudi")},
        ]),
    );
    let create = |text: &str| {
        let order = CampaignOrder::to_audience(&json!({ "filter": {} })).with("text", json!(text));
        stand.tenant.create(&stand.engine, &order)
    };
    let estimated = |id: &str| {
        let estimate = http
            .post(&format!("/v1/campaigns/{id}/estimate"), &json!({}))
            .expect(200);
        let sum = |value: &Value| value.as_u64().expect("a count");
        (
            sum(&estimate["max"]["recipients"]),
            sum(&estimate["excluded"]["values_refused"]),
        )
    };
    let blank = create("[Message]");
    assert_eq!(estimated(&blank.id), (4, 1), "an empty text is sent to nobody");
    let named = create("Bonjour [Prenom] [Nom], à demain.");
    assert_eq!(estimated(&named.id), (5, 1), "nor a link that may not be sent");
    named.ask(&stand.engine, "launch").expect(202);
    named.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.status("delivered") == 5
    });
    let rows = stand.sim.ledger_by_recipient();
    let text = |number: &str| rows[number][0].text.clone().unwrap_or_default();
    assert_eq!(text("33612345601"), "Bonjour Zoé Martin, à demain.");
    assert_eq!(text("33612345604"), "Bonjour Eva Dr House, à demain.");
    let family: BTreeSet<String> = rows["33612345605"].iter().filter_map(|row| row.text.clone()).collect();
    assert_eq!(
        family,
        ["Ana", "Tom"]
            .map(|name| format!("Bonjour {name} Roy, à demain."))
            .into()
    );
    assert!(!rows.contains_key("33612345602"), "{rows:?}");
    let shown = http.get(&format!("/v1/campaigns/{}", named.id)).expect(200);
    assert_eq!(shown["audience"]["values_refused"], 1, "{shown}");
    let rejected = http.get(&format!("/v1/campaigns/{}/rejected", named.id)).expect(200);
    assert_eq!(rejected["data"][0]["code"], "values_refused", "{rejected}");
    for (campaign, name) in [(&named, "Hugo"), (&blank, "Léa")] {
        let file = format!(
            "/v1/campaigns/{}/left-out?dialect=jsonl&because=values_refused",
            campaign.id
        );
        let file = http.get(&file).text.clone();
        assert!(file.contains(name) && file.lines().count() == 1, "{file}");
    }
}

#[test]
fn req_003_12_consents_and_contacts_that_are_old_are_counted_and_found() {
    let stand = Stand::new(programs!(), "stale", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    for (reference, at) in [("1", "2020-01-02T10:00:00Z"), ("2", "2026-01-02T10:00:00Z")] {
        let contact = json!({ "reference": reference, "number": "0612345601", "first_name": reference });
        let consent = json!({ "contact": contact, "wording": "Oui", "source": "accueil", "given_at": at });
        http.post("/v1/consents", &consent).expect(201);
    }
    upsert(&http, &json!([{"reference": "3", "last_name": "Martin"}]));
    let stale = http.get("/v1/contacts/stale").expect(200);
    assert_eq!(
        (
            &stale["months"],
            &stale["consents"]["count"],
            &stale["contacts"]["count"]
        ),
        (&json!(36), &json!(1), &json!(0)),
        "{stale}"
    );
    // Whom it counts is whom its filters find.
    let found = http
        .post("/v1/contacts/search", &json!({ "filter": stale["consents"]["filter"] }))
        .expect(200);
    assert_eq!(
        (&found["total"], &found["data"][0]["first_name"]),
        (&json!(1), &json!("1"))
    );
    let found = http
        .post("/v1/contacts/search", &json!({ "filter": stale["contacts"]["filter"] }))
        .expect(200);
    assert_eq!(found["total"], 0);
    assert_eq!(
        http.get("/v1/contacts/stale?months=1200").expect(200)["consents"]["count"],
        0
    );
    http.get("/v1/contacts/stale?months=0")
        .expect_field_problem(&[422], "?months");
    // Who has written or followed a link was heard of.
    let heard_of = |field: &str| json!({ "not": { "field": field, "from": "-36 months" } });
    let told = stale["contacts"]["filter"]["all"].as_array().expect("a list");
    for field in ["last_visit", "consented", "replied_at", "clicked_at"] {
        assert!(told.contains(&heard_of(field)), "{field}: {stale}");
    }
}
