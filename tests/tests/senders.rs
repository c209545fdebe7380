//! Senders: asked for, approved or refused; none that looks like somebody else's.

use std::time::Duration;

use campanile_tests::{CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs, text};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

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

#[test]
fn req_001_12_approvals_at_the_same_time_are_all_kept() {
    let stand = Stand::new(programs!(), "senders-at-once", "", |smsc| smsc);
    let (reseller, tenant, path) = hosted(&stand);
    reseller.patch(&path, &json!({ "senders": ["Cabinet"] })).expect(200);
    let names: Vec<String> = (1..=12).map(|number| format!("Martin{number}")).collect();
    let answers: Vec<String> = names
        .iter()
        .map(|name| {
            let request = tenant
                .post("/v1/sender_requests", &json!({ "sender": name }))
                .expect(201);
            format!("{path}/sender_requests/{}/answer", text(&request["id"]))
        })
        .collect();
    std::thread::scope(|threads| {
        for answer in &answers {
            threads.spawn(|| reseller.post(answer, &json!({ "approved": true })).expect(200));
        }
    });
    let shown = reseller.get(&path).expect(200);
    let mut approved: Vec<&str> = shown["senders"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    approved.sort_unstable();
    let mut expected: Vec<&str> = names.iter().map(String::as_str).chain(["Cabinet"]).collect();
    expected.sort_unstable();
    assert_eq!(approved, expected);
}

#[test]
fn req_001_12_a_reseller_protects_names_of_its_own() {
    protects(&Stand::new(programs!(), "senders-reseller", "", |smsc| smsc));
}

#[test]
fn req_001_12_postgresql_keeps_the_names_of_a_reseller_as_well() {
    let lab = Lab::new(programs!(), "senders-postgresql");
    let server = lab.postgres();
    protects(&Stand::under(lab, "", |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        let url = server.url();
        settings.tables.push(format!("[database]\nurl = \"{url}\""));
        settings
    }));
}

fn protects(stand: &Stand) {
    let (reseller, tenant, path) = hosted(stand);
    let (_, stranger, _) = hosted(stand);
    let own = format!("/v1/resellers/{}", text(&reseller.get(&path).expect(200)["reseller"]));
    let unchanged = reseller.get(&own).expect(200);
    assert_eq!(unchanged["protected_senders"], Value::Null);
    tenant.post("/v1/messages", &message("Weber")).expect(202);
    let names = json!({ "protected_senders": ["Weber", "Clinique du Lac"] });
    let changed = reseller.patch(&own, &names).expect(200);
    assert_eq!(changed["protected_senders"], names["protected_senders"]);
    assert_eq!(changed["hold_first"], unchanged["hold_first"], "the rest stays");

    let refused = |sender: &str, name: &str| {
        let order = CampaignOrder::to_first(1).with("sender", sender.into());
        for problem in [
            tenant.post("/v1/messages", &message(sender)).expect_problem(&[422]),
            tenant.post("/v1/campaigns", &order.body).expect_problem(&[422]),
        ] {
            assert_eq!(problem["errors"][0]["code"], "sender_protected", "{problem}");
            assert!(text(&problem["errors"][0]["detail"]).contains(name), "{problem}");
        }
    };
    refused("Weber", "Weber");
    refused("W3ber", "Weber");
    refused("DrWeber", "Weber");
    refused("Ameli", "Ameli");
    tenant.post("/v1/messages", &message("Cabinet")).expect(202);
    // Another reseller's tenants may be called so.
    stranger.post("/v1/messages", &message("DrWeber")).expect(202);

    // Whose name it is asks for it.
    let request = tenant
        .post("/v1/sender_requests", &json!({ "sender": "DrWeber" }))
        .expect(201);
    assert_eq!(request["resembles"], "Weber");
    let answer = format!("{path}/sender_requests/{}/answer", text(&request["id"]));
    reseller.post(&answer, &json!({ "approved": true })).expect(200);
    assert_eq!(reseller.get(&path).expect(200)["protected_senders"], json!(["DrWeber"]));
    tenant.post("/v1/messages", &message("DrWeber")).expect(202);
    tenant.post("/v1/messages", &message("Weber")).expect_problem(&[422]);

    for wrong in [
        json!({ "protected_senders": ["..."] }),
        json!({ "protected_senders": ["a".repeat(41)] }),
        json!({ "protected_senders": [] }),
        json!({ "protected_senders": [3] }),
        json!({ "protected_senders": "Weber" }),
    ] {
        reseller.patch(&own, &wrong).expect_problem(&[400, 422]);
    }
    reseller.patch(&own, &json!({ "first_campaigns": 4 })).expect(200);
    assert_eq!(
        reseller.get(&own).expect(200)["protected_senders"],
        names["protected_senders"]
    );
    let none = reseller.patch(&own, &json!({ "protected_senders": null })).expect(200);
    assert_eq!(none["protected_senders"], Value::Null);
    tenant.post("/v1/messages", &message("Weber")).expect(202);
}

#[test]
fn req_001_12_nobody_writes_under_a_name_that_is_anybodys() {
    let stand = Stand::new(programs!(), "senders-generic", "", |smsc| smsc);
    let (reseller, tenant, path) = hosted(&stand);
    for sender in ["RDV", "ALERT", "bank", "payment", "parcel", "COLIS"] {
        let order = CampaignOrder::to_first(1).with("sender", sender.into());
        for refused in [
            tenant.post("/v1/messages", &message(sender)),
            tenant.post("/v1/campaigns", &order.body),
        ] {
            let problem = refused.expect_problem(&[422]);
            assert_eq!(problem["errors"][0]["code"], "sender_generic", "{problem}");
        }
    }
    tenant.post("/v1/messages", &message("RDVMartin")).expect(202);
    // Its reseller may say otherwise.
    let request = json!({ "sender": "RDV", "note": "Nos rappels." });
    let request = tenant.post("/v1/sender_requests", &request).expect(201);
    assert_eq!(request["resembles"], "RDV");
    let answer = format!("{path}/sender_requests/{}/answer", text(&request["id"]));
    reseller.post(&answer, &json!({ "approved": true })).expect(200);
    tenant.post("/v1/messages", &message("RDV")).expect(202);
    tenant.post("/v1/messages", &message("COLIS")).expect_problem(&[422]);
}

#[test]
fn req_003_06_a_number_is_a_sender_of_those_alone_that_have_it() {
    const OWN: &str = "+33644630001";
    const LATER: &str = "+33974630002";
    const UNGIVEN: &str = "38200";
    let stand = Stand::new(programs!(), "senders-numbers", "", |smsc| smsc);
    let (_, martin, _) = hosted(&stand);
    let (operator, lilas) = (stand.engine.operator(), stand.tenant.http(&stand.engine));
    let campaign = |sender: &str| {
        let audience = json!({ "recipients": [{ "to": "+33612345678" }] });
        let order = json!({ "name": "Rappel", "text": "RDV demain", "sender": sender, "purpose": "transactional", "audience": audience });
        martin.post("/v1/campaigns", &order)
    };
    // A number that nobody has is anybody's, but for what people have.
    for sender in ["+33644630009", "112"] {
        campaign(sender).expect_field_problem(&[422], "/sender");
    }
    let draft = campaign(LATER).expect(201);
    stand.give_number(OWN, &[&stand.tenant]);
    stand.give_number(LATER, &[&stand.tenant]);
    // Nor of one that waits in the inventory for somebody to have it.
    stand.give_number(UNGIVEN, &[]);
    let launch = format!("/v1/campaigns/{}/launch", text(&draft["id"]));
    let plan = json!({ "name": "La veille", "offsets": ["-24h"], "sender": OWN, "text": "RDV à [heure]." });
    for refused in [
        martin.post("/v1/messages", &message(OWN)),
        campaign(OWN),
        campaign(UNGIVEN),
        martin.post(&launch, &json!({})),
        martin.post("/v1/reminder_plans", &plan),
    ] {
        let fault = refused.expect_problem(&[422])["errors"][0].clone();
        assert_eq!(
            (&fault["pointer"], &fault["code"]),
            (&json!("/sender"), &json!("number_of_another")),
            "{fault}"
        );
    }
    // One's own needs no approval.
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    operator.patch(&path, &json!({ "senders": ["Lilas"] })).expect(200);
    lilas.post("/v1/messages", &message(OWN)).expect(202);
    lilas
        .post("/v1/messages", &message("+33644630003"))
        .expect_field_problem(&[422], "/sender");
}
