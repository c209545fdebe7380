//! Resellers: tenants of their own, and nobody else's.

use std::time::Duration;

use campanile_tests::{Http, Stand, eventually, programs, text};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// A reseller that was just made, and who shows its key.
fn reseller(stand: &Stand, name: &str) -> (String, Http) {
    let made = stand
        .engine
        .operator()
        .post("/v1/resellers", &json!({ "name": name }))
        .expect(201);
    let key = text(&made["api_key"]);
    assert!(key.starts_with("rk_live_"), "{made}");
    (text(&made["id"]), stand.engine.public().with_key(&key))
}

fn ids(list: &Value) -> Vec<String> {
    let rows = list["data"].as_array().expect("a list");
    rows.iter().map(|row| text(&row["id"])).collect()
}

#[test]
fn req_003_10_a_reseller_gives_what_is_nobodys_to_one_of_those_who_share_its_number() {
    const SHARED: &str = "36034";
    let stand = Stand::new(programs!(), "resellers-unmatched", "", |smsc| smsc);
    let (_, own) = reseller(&stand, "Ostéo Réseau");
    let (_, other) = reseller(&stand, "Autre Réseau");
    let enrol = |name: &str| {
        let made = own.post("/v1/tenants", &json!({ "name": name })).expect(201);
        stand.engine.tenant_of(&made)
    };
    let (lilas, martin, away) = (enrol("Lilas"), enrol("Martin"), enrol("Ailleurs"));
    stand.give_number(SHARED, &[&lilas, &martin]);
    stand
        .sim
        .inbound("+33612345678", SHARED, "Bonjour, c'est pour un rendez-vous");
    let unmatched = |reseller: &Http| reseller.get("/v1/unmatched").expect(200)["data"].clone();
    let found = eventually("it is shown", LIMIT, || unmatched(&own).as_array()?.first().cloned());
    assert_eq!(found["text"], "Bonjour, c'est pour un rendez-vous");
    assert_eq!(unmatched(&other), json!([]));
    let path = format!("/v1/unmatched/{}/assign", text(&found["id"]));
    let to = |tenant: &str| json!({ "tenant": tenant });
    other.post(&path, &to(&lilas.id)).expect_problem(&[404]);
    own.post(&path, &to(&away.id)).expect_field_problem(&[422], "/tenant");
    own.post("/v1/unmatched/inb_1/assign", &to(&lilas.id))
        .expect_problem(&[404]);
    let given = own.post(&path, &to(&martin.id)).expect(200);
    assert_eq!(given["tenant"], json!(martin.id));
    own.post(&path, &to(&lilas.id)).expect_problem(&[404]);
    let inbound = martin.http(&stand.engine).get("/v1/inbound").expect(200);
    assert_eq!(inbound["data"][0]["id"], given["id"]);
    assert_eq!(unmatched(&own), json!([]));
}

#[test]
fn a_new_tenant_sends_to_france_and_overseas_and_elsewhere_once_that_is_said() {
    let stand = Stand::new(programs!(), "resellers-countries", "", |smsc| smsc);
    let operator = stand.engine.operator();
    let made = operator
        .post("/v1/tenants", &json!({ "name": "Cabinet Martin" }))
        .expect(201);
    let home = ["FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "NC", "PF", "WF"];
    assert_eq!(made["countries"], json!(home));
    let tenant = stand.engine.tenant_of(&made);
    let path = format!("/v1/tenants/{}", tenant.id);
    let credits = json!({ "amount": 10, "reference": "facture 1" });
    operator.post(&format!("{path}/credits"), &credits).expect(201);
    let http = tenant.http(&stand.engine);
    let to = |number: &str| {
        http.post(
            "/v1/messages",
            &json!({ "to": number, "text": "Bonjour", "sender": "Cabinet" }),
        )
    };
    to("+262692123456").expect(202);
    to("+447911123456").expect_field_problem(&[422], "/to");
    let everywhere = operator.patch(&path, &json!({ "countries": null })).expect(200);
    assert_eq!(everywhere["countries"], Value::Null);
    to("+447911123456").expect(202);
    stand.sim.wait_for("accepted", 2, Duration::from_secs(30));
}

#[test]
fn req_004_35_a_reseller_makes_and_manages_its_tenants_and_sees_no_others() {
    let mut stand = Stand::new(programs!(), "resellers", "", |smsc| smsc);
    let (id, own) = reseller(&stand, "Ostéo Réseau");
    let (_, other) = reseller(&stand, "Autre Réseau");
    let made = own
        .post(
            "/v1/tenants",
            &json!({ "name": "Cabinet Martin", "weight": 2, "countries": ["FR"] }),
        )
        .expect(201);
    assert_eq!(made["reseller"], json!(id));
    let path = format!("/v1/tenants/{}", text(&made["id"]));
    let second = own
        .post("/v1/tenants", &json!({ "name": "Cabinet Lilas", "reseller": id }))
        .expect(201);
    assert_eq!(ids(&own.get("/v1/tenants?limit=1").expect(200)), [text(&made["id"])]);
    assert_eq!(
        ids(&own.get("/v1/tenants").expect(200)),
        [text(&made["id"]), text(&second["id"])]
    );
    assert_eq!(ids(&other.get("/v1/tenants").expect(200)), [] as [String; 0]);
    assert_eq!(
        ids(&stand.engine.operator().get("/v1/tenants").expect(200)).len(),
        3,
        "the operator sees all"
    );

    let changed = own
        .patch(&path, &json!({ "brand": "Martin", "weight": 3, "countries": null }))
        .expect(200);
    assert_eq!((&changed["brand"], &changed["weight"]), (&json!("Martin"), &json!(3)));
    let key = own
        .post(&format!("{path}/keys"), &json!({ "role": "send" }))
        .expect(201);
    let tenant = stand.engine.public().with_key(&text(&key["api_key"]));
    assert_eq!(tenant.get("/v1/tenant").expect(200)["id"], made["id"]);
    own.post(&format!("{path}/keys/{}/revoke", text(&key["id"])), &json!({}))
        .expect(200);
    tenant.get("/v1/tenant").expect_problem(&[401]);

    // Another's, and that of nobody, are not there; nor is what is the platform's.
    let of_nobody = format!("/v1/tenants/{}", stand.tenant.id);
    for (http, path) in [(&other, &path), (&own, &of_nobody)] {
        http.get(path).expect_problem(&[404]);
        http.patch(path, &json!({ "brand": "Pirate" })).expect_problem(&[404]);
        http.post(&format!("{path}/keys"), &json!({})).expect_problem(&[404]);
        http.get(&format!("{path}/keys")).expect_problem(&[404]);
    }
    other.get(&format!("/v1/resellers/{id}")).expect_problem(&[404]);
    own.post("/v1/resellers", &json!({ "name": "Moi" }))
        .expect_problem(&[403]);
    other
        .post("/v1/tenants", &json!({ "name": "Pirate", "reseller": id }))
        .expect_field_problem(&[422], "/reseller");
    let operator = stand.engine.operator();
    operator
        .post("/v1/tenants", &json!({ "name": "X", "reseller": "res_0000000000000" }))
        .expect_problem(&[404]);

    // For good.
    let before = own.get(&path).expect(200);
    stand.engine.restart();
    let (public, keys) = (stand.engine.public(), format!("/v1/resellers/{id}/keys"));
    let further = stand
        .engine
        .operator()
        .post(&keys, &json!({ "label": "console" }))
        .expect(201);
    let own = public.with_key(&text(&further["api_key"]));
    assert_eq!(own.get(&path).expect(200), before);
    assert_eq!(own.get(&keys).expect(200)["data"][1]["role"], "admin");
    own.post(&format!("{keys}/{}/revoke", text(&further["id"])), &json!({}))
        .expect(200);
    own.get("/v1/tenants").expect_problem(&[401]);
}

#[test]
fn req_004_35_an_operator_takes_credits_back_that_a_reseller_has_given_to_nobody() {
    let stand = Stand::new(programs!(), "resellers-withdrawals", "", |smsc| smsc);
    let (id, own) = reseller(&stand, "Ostéo Réseau");
    let (operator, path) = (stand.engine.operator(), format!("/v1/resellers/{id}"));
    let order = |amount: u64, reference: &str| json!({ "amount": amount, "reference": reference });
    operator
        .post(&format!("{path}/credits"), &order(100, "Facture 1"))
        .expect(201);
    let tenant = own
        .post("/v1/tenants", &json!({ "name": "Cabinet Martin" }))
        .expect(201);
    let given = format!("/v1/tenants/{}/credits", text(&tenant["id"]));
    own.post(&given, &order(30, "")).expect(201);
    let back = format!("{path}/withdrawals");
    let short = operator.post(&back, &order(71, "Avoir 1"));
    short.expect_problem(&[402]);
    for _ in 0..2 {
        let left = operator.post(&back, &order(60, "Avoir 1")).expect(201);
        assert_eq!(
            left["credits"],
            json!({ "granted": 40, "withdrawn": 60, "available": 10 }),
            "once for its reference"
        );
    }
    operator.post(&back, &order(5, "Avoir 1")).expect_problem(&[422]);
    own.post(&back, &order(5, "Avoir 2")).expect_problem(&[403]);
    let lines = own.get(&format!("{path}/ledger")).expect(200);
    let kinds: Vec<String> = lines["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| text(&line["type"]))
        .collect();
    assert_eq!(kinds, ["withdraw", "give", "grant"], "{lines}");
}

#[test]
fn resellers_and_tenants_are_called_otherwise() {
    let mut stand = Stand::new(programs!(), "resellers-names", "", |smsc| smsc);
    let (id, own) = reseller(&stand, "Ostéo Réseau");
    let path = format!("/v1/resellers/{id}");
    assert_eq!(
        own.patch(&path, &json!({ "name": " Santé Réseau " })).expect(200)["name"],
        "Santé Réseau"
    );
    let tenant = own
        .post("/v1/tenants", &json!({ "name": "Cabinet Martin" }))
        .expect(201);
    let clinic = format!("/v1/tenants/{}", text(&tenant["id"]));
    assert_eq!(
        own.patch(&clinic, &json!({ "name": "Cabinet Lilas" })).expect(200)["name"],
        "Cabinet Lilas"
    );
    for path in [&path, &clinic] {
        own.patch(path, &json!({ "name": "" }))
            .expect_field_problem(&[422], "/name");
    }
    stand.engine.restart();
    let operator = stand.engine.operator();
    assert_eq!(operator.get(&path).expect(200)["name"], "Santé Réseau");
    assert_eq!(operator.get(&clinic).expect(200)["name"], "Cabinet Lilas");
}

#[test]
fn a_reseller_acts_for_its_tenants_and_for_no_others() {
    let stand = Stand::new(programs!(), "resellers-act", "", |smsc| smsc);
    let (_, own) = reseller(&stand, "Ostéo Réseau");
    let (_, other) = reseller(&stand, "Autre Réseau");
    let made = own
        .post("/v1/tenants", &json!({ "name": "Cabinet Martin" }))
        .expect(201);
    let id = text(&made["id"]);
    stand
        .engine
        .operator()
        .post(&format!("/v1/tenants/{id}/credits"), &json!({ "amount": 10 }))
        .expect(201);
    let acting = own.acting_for(&id);
    let message = json!({ "to": "+33612345678", "text": "RDV demain", "sender": "OSTEO" });
    let sent = acting.once("rdv-1").post("/v1/messages", &message).expect(202);
    let tenant = stand.engine.tenant_of(&made).http(&stand.engine);
    let path = format!("/v1/messages/{}", text(&sent["id"]));
    let status = || tenant.get(&path).expect(200)["status"] == "delivered";
    eventually("it is the tenant's, and delivered", LIMIT, || status().then_some(()));
    // What a reseller names is not what its tenant does.
    assert_eq!(acting.once("rdv-1").post("/v1/messages", &message).expect(202), sent);
    assert_ne!(tenant.once("rdv-1").post("/v1/messages", &message).expect(202), sent);

    let nobody_named = own.get("/v1/campaigns").expect_problem(&[403]);
    let told = text(&nobody_named["detail"]);
    assert!(told.contains("X-Tenant-Id"), "{told}");
    acting.get("/v1/tenants").expect_problem(&[403]);
    for http in [
        other.acting_for(&id),
        own.acting_for(&stand.tenant.id),
        own.acting_for("nobody"),
    ] {
        http.get("/v1/campaigns").expect_problem(&[404]);
        http.post("/v1/messages", &message).expect_problem(&[404]);
    }
    // A tenant acts for itself, whatever it says.
    tenant.acting_for(&id).get("/v1/campaigns").expect(200);
    tenant
        .acting_for(&stand.tenant.id)
        .get("/v1/campaigns")
        .expect_problem(&[404]);
}
