//! A tenant's API keys: further ones beside the first, and revoked ones that open nothing.

use campanile_tests::{Http, Stand, programs};
use serde_json::{Value, json};

/// What a key opens, as its status.
fn opens(stand: &Stand, key: &str) -> u16 {
    stand.engine.public().with_key(key).get("/v1/tenant").status
}

fn listed(operator: &Http, path: &str) -> Vec<Value> {
    let list = operator.get(path).expect(200);
    list["data"].as_array().expect("a list").clone()
}

#[test]
fn req_004_32_a_key_is_rotated_with_an_overlap_and_revoked_at_once() {
    let mut stand = Stand::new(programs!(), "keys", "", |smsc| smsc);
    let operator = stand.engine.operator();
    let made = operator
        .post("/v1/tenants", &json!({ "name": "Cabinet Martin" }))
        .expect(201);
    let [tenant, first] = [&made["id"], &made["api_key"]].map(|text| text.as_str().expect("a text").to_owned());
    let path = format!("/v1/tenants/{tenant}/keys");
    let known = listed(&operator, &path);
    assert_eq!(known.len(), 1);
    let hint = known[0]["begins"].as_str().expect("a text");
    assert!(first.starts_with(hint) && hint.len() == 12, "{known:?}");

    let added = operator
        .post(&path, &json!({ "label": "logiciel médical" }))
        .expect(201);
    let second = added["api_key"].as_str().expect("a key").to_owned();
    assert_eq!(
        (opens(&stand, &first), opens(&stand, &second)),
        (200, 200),
        "both for a while"
    );
    let known = listed(&operator, &path);
    assert_eq!((known.len(), &known[1]["label"]), (2, &json!("logiciel médical")));
    let shown = json!(known).to_string();
    assert!(
        !shown.contains(&first) && !shown.contains(&second),
        "keys are shown once"
    );

    let revoke = |id: &Value| format!("{path}/{}/revoke", id.as_str().expect("an id"));
    let gone = operator.post_bytes(&revoke(&known[0]["id"]), b"").expect(200);
    assert_eq!(gone, json!({ "id": known[0]["id"], "revoked": true }));
    assert_eq!((opens(&stand, &first), opens(&stand, &second)), (401, 200), "at once");
    operator
        .post_bytes(&revoke(&known[0]["id"]), b"")
        .expect_problem(&[404]);
    stand.engine.restart();
    assert_eq!((opens(&stand, &first), opens(&stand, &second)), (401, 200), "for good");

    // Keys are the operator's to give, and each belongs to its tenant.
    let operator = stand.engine.operator();
    let other = stand.engine.tenant("Autre cabinet", 1);
    let of_other = listed(&operator, &format!("/v1/tenants/{}/keys", other.id));
    operator
        .post_bytes(&revoke(&of_other[0]["id"]), b"")
        .expect_problem(&[404]);
    assert_eq!(opens(&stand, &other.key), 200);
    let own = stand.engine.public().with_key(&second);
    own.get(&path).expect_problem(&[403]);
    own.post(&path, &json!({})).expect_problem(&[403]);
    own.post_bytes(&revoke(&known[1]["id"]), b"").expect_problem(&[403]);
    operator
        .post(&path, &json!({ "label": "a".repeat(101) }))
        .expect_field_problem(&[422], "/label");
    operator
        .get("/v1/tenants/ten_0000000000000/keys")
        .expect_problem(&[404]);
}

#[test]
fn a_tenant_has_fifty_keys_at_most() {
    let stand = Stand::new(programs!(), "keys-many", "", |smsc| smsc);
    let operator = stand.engine.operator();
    let path = format!("/v1/tenants/{}/keys", stand.tenant.id);
    for _ in 1..50 {
        operator.post(&path, &json!({})).expect(201);
    }
    assert_eq!(listed(&operator, &path).len(), 50);
    operator.post(&path, &json!({})).expect_problem(&[422]);
}
