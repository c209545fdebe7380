//! Where the links of texts may lead, values that are filled in included.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Http, Stand, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

fn to_one(text: &str, values: &Value) -> Value {
    let mut recipient = json!({ "to": "+33612345601" });
    for (name, value) in values.as_object().expect("an object") {
        recipient[name] = value.clone();
    }
    let audience = json!({ "recipients": [recipient, { "to": "+33612345602" }] });
    CampaignOrder::to_audience(&audience).with("text", json!(text)).body
}

/// The code of the refusal of a text, whose words name the domain.
#[track_caller]
fn refused(http: &Http, path: &str, body: &Value, domain: &str) -> String {
    refused_at("/text", http, (path, body), domain)
}

/// The same of what one recipient has.
#[track_caller]
fn refused_for_one(http: &Http, body: &Value, domain: &str) -> String {
    refused_at("/audience", http, ("/v1/campaigns", body), domain)
}

#[track_caller]
fn refused_at(pointer: &str, http: &Http, (path, body): (&str, &Value), domain: &str) -> String {
    let problem = http.post(path, body).expect_problem(&[422]);
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], pointer, "{problem}");
    let words = error["detail"].as_str().expect("words");
    assert!(words.contains(domain), "{words}");
    error["code"].as_str().expect("a code").to_owned()
}

#[test]
fn links_lead_to_no_public_shortener_and_to_allowed_domains_only() {
    let stand = Stand::new(programs!(), "links", "", |smsc| smsc);
    let http = http(&stand);
    let message = |text: &str| json!({ "to": "+33612345601", "text": text, "sender": "Cabinet" });
    let short = "Vos résultats : bit.ly/resultats";
    let code = refused(&http, "/v1/campaigns", &to_one(short, &json!({})), "bit.ly");
    assert_eq!(code, "public_shortener");
    assert_eq!(
        refused(&http, "/v1/messages", &message(short), "bit.ly"),
        "public_shortener"
    );
    let template = json!({ "name": "Court", "text": "Voir https://tinyurl.com/x" });
    assert_eq!(
        refused(&http, "/v1/templates", &template, "tinyurl.com"),
        "public_shortener"
    );
    // In a value, too.
    let filled = to_one("Voir [Lien]", &json!({ "Lien": "https://bit.ly/x" }));
    assert_eq!(refused_for_one(&http, &filled, "bit.ly"), "public_shortener");
    // Until something is agreed on, links may lead anywhere else.
    http.post("/v1/campaigns", &to_one("Voir https://ailleurs.example/x", &json!({})))
        .expect(201);
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let operator = stand.engine.operator();
    let set = operator
        .patch(&path, &json!({ "link_domains": ["Cabinet.fr", "doctolib.fr"] }))
        .expect(200);
    assert_eq!(set["link_domains"], json!(["cabinet.fr", "doctolib.fr"]));
    for (text, domain) in [
        ("Voir https://ailleurs.example/x", "ailleurs.example"),
        ("Voir https://cabinet.fr.evil.example", "cabinet.fr.evil.example"),
        ("Voir www.moncabinet.fr", "www.moncabinet.fr"),
    ] {
        let code = refused(&http, "/v1/campaigns", &to_one(text, &json!({})), domain);
        assert_eq!(code, "link_not_allowed", "{text}");
        assert_eq!(
            refused(&http, "/v1/messages", &message(text), domain),
            "link_not_allowed"
        );
    }
    let filled = to_one("Voir [Lien]", &json!({ "Lien": "https://ailleurs.example" }));
    assert_eq!(refused_for_one(&http, &filled, "ailleurs.example"), "link_not_allowed");
    let allowed = to_one("RDV : https://rdv.cabinet.fr/[Code|x]", &json!({ "Code": "Z7" }));
    let made = http.post("/v1/campaigns", &allowed).expect(201);
    let campaign = stand.tenant.campaign(made["id"].as_str().expect("an id"));
    campaign.ask(&stand.engine, "launch").expect(202);
    campaign.wait(&stand.engine, "both are delivered", LIMIT, |view| {
        view.status("delivered") == 2
    });
    // Of contacts, it is found out at the launch.
    let contact =
        json!({ "reference": "1", "number": "0612345603", "attributes": { "Lien": "https://ailleurs.example" } });
    http.post("/v1/contacts", &json!({ "contacts": [contact] })).expect(200);
    let order = CampaignOrder::to_audience(&json!({ "filter": {} })).with("text", json!("Voir [Lien]"));
    let campaign = stand.tenant.create(&stand.engine, &order);
    let estimate = http
        .post(&format!("/v1/campaigns/{}/estimate", campaign.id), &json!({}))
        .expect(200);
    assert_eq!(estimate["excluded"]["values_refused"], 1, "{estimate}");
}

#[test]
fn what_is_no_domain_is_refused_and_none_is_any() {
    let stand = Stand::new(programs!(), "links-terms", "", |smsc| smsc);
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let operator = stand.engine.operator();
    for wrong in ["https://cabinet.fr", "cabinet", "cabinet.fr/x", ""] {
        operator
            .patch(&path, &json!({ "link_domains": [wrong] }))
            .expect_field_problem(&[422], "/link_domains/0");
    }
    operator
        .patch(&path, &json!({ "link_domains": ["cabinet.fr"] }))
        .expect(200);
    let cleared = operator.patch(&path, &json!({ "link_domains": null })).expect(200);
    assert_eq!(cleared["link_domains"], Value::Null);
}
