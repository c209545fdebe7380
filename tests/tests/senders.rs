//! Senders: asked for, approved or refused; none that looks like somebody else's.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Http, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// A reseller, a tenant of its own, and where that is.
fn hosted(stand: &Stand) -> (Http, Http, String) {
    let operator = stand.engine.operator();
    let made = operator.post("/v1/resellers", &json!({ "name": "Réseau" })).expect(201);
    let reseller = stand.engine.public().with_key(&text(&made["api_key"]));
    let made = reseller
        .post("/v1/tenants", &json!({ "name": "Cabinet Martin" }))
        .expect(201);
    let path = format!("/v1/tenants/{}", text(&made["id"]));
    operator
        .post(&format!("{path}/credits"), &json!({ "amount": 1_000 }))
        .expect(201);
    let tenant = stand.engine.tenant_of(&made).http(&stand.engine);
    (reseller, tenant, path)
}

fn message(sender: &str) -> Value {
    json!({ "to": "+33612345678", "text": "RDV demain à 9h", "sender": sender })
}

#[test]
fn req_001_12_a_sender_is_asked_for_and_approved_or_refused_with_a_reason() {
    let stand = Stand::new(programs!(), "senders-asked", "", |smsc| smsc);
    let (reseller, tenant, path) = hosted(&stand);
    reseller.patch(&path, &json!({ "senders": ["Cabinet"] })).expect(200);
    tenant
        .post("/v1/messages", &message("Martin"))
        .expect_field_problem(&[422], "/sender");
    let asked = json!({ "sender": "Martin", "note": "Le nom du docteur." });
    let request = tenant.post("/v1/sender_requests", &asked).expect(201);
    assert_eq!(
        (&request["state"], &request["resembles"]),
        (&json!("open"), &Value::Null)
    );
    assert_eq!(
        tenant.post("/v1/sender_requests", &asked).expect(201)["id"],
        request["id"],
        "it is asked for once"
    );
    let other = tenant
        .post("/v1/sender_requests", &json!({ "sender": "Docteur" }))
        .expect(201);

    let requests = format!("{path}/sender_requests");
    let listed = reseller.get(&requests).expect(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed, tenant.get("/v1/sender_requests").expect(200));
    let answer = |id: &Value, body: Value| reseller.post(&format!("{requests}/{}/answer", text(id)), &body);
    answer(&other["id"], json!({ "approved": false })).expect_field_problem(&[422], "/approved");
    answer(&other["id"], json!({})).expect_field_problem(&[400], "/approved");
    let refused = answer(&other["id"], json!({ "approved": false, "answer": "Trop général." })).expect(200);
    assert_eq!(
        (&refused["state"], &refused["answer"]),
        (&json!("refused"), &json!("Trop général."))
    );
    let granted = answer(&request["id"], json!({ "approved": true })).expect(200);
    assert_eq!(granted["state"], "granted");
    let again = answer(&request["id"], json!({ "approved": true })).expect_problem(&[409]);
    assert_eq!(again["code"], "request_answered");

    assert_eq!(reseller.get(&path).expect(200)["senders"], json!(["Cabinet", "Martin"]));
    tenant
        .post("/v1/messages", &message("Docteur"))
        .expect_field_problem(&[422], "/sender");
    let sent = tenant.post("/v1/messages", &message("Martin")).expect(202);
    let path = format!("/v1/messages/{}", text(&sent["id"]));
    eventually("it goes under the new name", LIMIT, || {
        (tenant.get(&path).expect(200)["status"] == "delivered").then_some(())
    });
    tenant
        .post("/v1/sender_requests", &json!({ "sender": "Dr Martin" }))
        .expect_field_problem(&[422], "/sender");
}

#[test]
fn req_001_12_nobody_writes_under_a_name_that_looks_like_a_protected_one() {
    let stand = Stand::new(programs!(), "senders-protected", "", |smsc| smsc);
    let (reseller, tenant, path) = hosted(&stand);
    for (sender, name) in [
        ("Ameli", "Ameli"),
        ("LaP0ste", "La Poste"),
        ("lmpots", "Impots"),
        ("AmeliInfo", "Ameli"),
    ] {
        let problem = tenant.post("/v1/messages", &message(sender)).expect_problem(&[422]);
        assert_eq!(problem["errors"][0]["code"], "sender_protected", "{problem}");
        assert!(
            problem["errors"][0]["detail"].as_str().unwrap().contains(name),
            "{problem}"
        );
        let order = CampaignOrder::to_first(1).with("sender", sender.into());
        let problem = tenant.post("/v1/campaigns", &order.body).expect_problem(&[422]);
        assert_eq!(problem["errors"][0]["code"], "sender_protected", "{problem}");
    }
    tenant.post("/v1/messages", &message("Cabinet")).expect(202);

    // It is approved for this one, and for nobody else; it may still write under any other.
    let request = tenant
        .post("/v1/sender_requests", &json!({ "sender": "AmeliInfo" }))
        .expect(201);
    assert_eq!(request["resembles"], "Ameli");
    let answer = format!("{path}/sender_requests/{}/answer", text(&request["id"]));
    reseller.post(&answer, &json!({ "approved": true })).expect(200);
    let shown = reseller.get(&path).expect(200);
    assert_eq!(
        (&shown["senders"], &shown["protected_senders"]),
        (&Value::Null, &json!(["AmeliInfo"]))
    );
    tenant.post("/v1/messages", &message("AmeliInfo")).expect(202);
    tenant.post("/v1/messages", &message("Cabinet")).expect(202);
    tenant.post("/v1/messages", &message("Ameli")).expect_problem(&[422]);
    let (_, stranger, _) = hosted(&stand);
    stranger
        .post("/v1/messages", &message("AmeliInfo"))
        .expect_problem(&[422]);
    reseller.patch(&path, &json!({ "protected_senders": null })).expect(200);
    tenant
        .post("/v1/messages", &message("AmeliInfo"))
        .expect_problem(&[422]);
}
