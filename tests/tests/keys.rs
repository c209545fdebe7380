//! A tenant's API keys: further ones beside the first, and revoked ones that open nothing.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Http, Stand, eventually, programs};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

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

/// The keys of a tenant as the operator makes and changes them.
struct Keys<'a> {
    stand: &'a Stand,
    path: String,
}

impl Keys<'_> {
    /// The key's id, and itself.
    fn key(&self, bounds: &Value) -> (String, String) {
        let made = self.stand.engine.operator().post(&self.path, bounds).expect(201);
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        (text("id"), text("api_key"))
    }

    /// The key's id, and who shows it.
    fn make(&self, bounds: &Value) -> (String, Http) {
        let (id, key) = self.key(bounds);
        (id, self.stand.engine.public().with_key(&key))
    }

    fn change(&self, id: &str, bounds: &Value) -> Value {
        let path = format!("{}/{id}", self.path);
        self.stand.engine.operator().patch(&path, bounds).expect(200)
    }
}

/// The code of the refusal.
fn code(problem: &Value) -> &str {
    problem["code"].as_str().expect("a code")
}

#[test]
fn req_004_32_a_key_opens_what_its_role_does_from_where_and_until_when_it_may() {
    let mut stand = Stand::new(programs!(), "keys-bounds", "", |smsc| smsc);
    let path = format!("/v1/tenants/{}/keys", stand.tenant.id);
    let keys = Keys { stand: &stand, path };
    let (id, http) = keys.make(&json!({ "label": "tableau", "role": "read" }));
    let message = json!({ "to": "+33612345678", "text": "RDV demain", "sender": "OSTEO" });
    let order = CampaignOrder::to_first(2).body;

    http.get("/v1/campaigns").expect(200);
    http.post("/v1/contacts/search", &json!({ "filter": {} })).expect(200);
    http.post("/v1/text/analyze", &json!({ "text": "Bonjour" })).expect(200);
    for (what, body) in [("/v1/messages", &message), ("/v1/campaigns", &order)] {
        assert_eq!(code(&http.post(what, body).expect_problem(&[403])), "role_not_allowed");
    }
    // An answer that another key was given is not given to one that may not ask.
    let full = stand.tenant.http(&stand.engine).once("list-1");
    full.post("/v1/lists", &json!({ "name": "Marathon" })).expect(201);
    let again = http.once("list-1").post("/v1/lists", &json!({ "name": "Marathon" }));
    assert_eq!(code(&again.expect_problem(&[403])), "role_not_allowed");

    assert_eq!(keys.change(&id, &json!({ "role": "send" }))["label"], "tableau");
    http.post("/v1/messages", &message).expect(202);
    http.post("/v1/campaigns", &order).expect(201);
    http.post("/v1/lists", &json!({ "name": "Semi" }))
        .expect_problem(&[403]);

    keys.change(&id, &json!({ "addresses": ["192.0.2.0/24"] }));
    assert_eq!(
        code(&http.get("/v1/tenant").expect_problem(&[403])),
        "address_not_allowed"
    );
    let changed = keys.change(&id, &json!({ "addresses": ["127.0.0.0/8", "::1"] }));
    assert_eq!(changed["addresses"], json!(["127.0.0.0/8", "::1"]));
    http.get("/v1/tenant").expect(200);

    let soon = Timestamp::now() + SignedDuration::from_secs(1);
    keys.change(&id, &json!({ "expires_at": soon.to_string() }));
    let refused = eventually("the key has ended", LIMIT, || {
        let answer = http.get("/v1/tenant");
        (answer.status == 401).then(|| answer.expect_problem(&[401]))
    });
    assert_eq!(code(&refused), "key_expired");
    keys.change(&id, &json!({ "expires_at": null }));
    http.get("/v1/tenant").expect(200);

    // As it was, whatever became of the engine.
    let there = keys.change(&id, &json!({ "role": "read" }));
    let (further, key) = keys.key(&json!({ "role": "read" }));
    let path = keys.path.clone();
    stand.engine.restart();
    let operator = stand.engine.operator();
    let known = listed(&operator, &path);
    assert_eq!((&known[1], &known[2]["id"]), (&there, &json!(further)));
    let http = stand.engine.public().with_key(&key);
    http.get("/v1/tenant").expect(200);
    http.post("/v1/messages", &message).expect_problem(&[403]);
}

#[test]
fn a_tenant_gives_keys_of_its_own_with_one_that_may() {
    let stand = Stand::new(programs!(), "keys-own", "", |smsc| smsc);
    let path = format!("/v1/tenants/{}/keys", stand.tenant.id);
    let keys = Keys { stand: &stand, path };
    let full = stand.tenant.http(&stand.engine);
    assert_eq!(
        code(&full.post("/v1/keys", &json!({})).expect_problem(&[403])),
        "role_not_allowed"
    );
    let (_, admin) = keys.make(&json!({ "role": "admin" }));
    let made = admin
        .post("/v1/keys", &json!({ "label": "accueil", "role": "read" }))
        .expect(201);
    let own = stand.engine.public().with_key(made["api_key"].as_str().expect("a key"));
    own.get("/v1/campaigns").expect(200);
    assert_eq!(listed(&admin, "/v1/keys"), listed(&stand.engine.operator(), &keys.path));
    let path = format!("/v1/keys/{}", made["id"].as_str().expect("an id"));
    own.post("/v1/lists", &json!({ "name": "Marathon" }))
        .expect_problem(&[403]);
    admin.patch(&path, &json!({ "role": "full" })).expect(200);
    own.post("/v1/lists", &json!({ "name": "Marathon" })).expect(201);
    admin.post(&format!("{path}/revoke"), &json!({})).expect(200);
    own.get("/v1/tenant").expect_problem(&[401]);
    admin.patch(&path, &json!({ "role": "full" })).expect_problem(&[404]);

    // Another tenant's are not there.
    let other = stand.engine.tenant("Autre cabinet", 1);
    let of_other = listed(&stand.engine.operator(), &format!("/v1/tenants/{}/keys", other.id));
    let theirs = format!("/v1/keys/{}", of_other[0]["id"].as_str().expect("an id"));
    admin.patch(&theirs, &json!({ "role": "read" })).expect_problem(&[404]);
    admin
        .post(&format!("{theirs}/revoke"), &json!({}))
        .expect_problem(&[404]);
    assert_eq!(opens(&stand, &other.key), 200);
}

#[test]
fn bounds_of_a_key_are_refused_with_what_they_may_be() {
    let stand = Stand::new(programs!(), "keys-refused", "", |smsc| smsc);
    let operator = stand.engine.operator();
    let path = format!("/v1/tenants/{}/keys", stand.tenant.id);
    let past = json!("2020-01-01T00:00:00Z");
    for (field, value, pointer) in [
        ("role", json!("emperor"), "/role"),
        ("addresses", json!(["192.0.2.1", "crm.example"]), "/addresses/1"),
        ("addresses", json!([]), "/addresses"),
        ("addresses", json!(vec!["192.0.2.1"; 65]), "/addresses"),
        ("expires_at", past, "/expires_at"),
        ("expires_at", json!("2100-01-01T00:00:00Z"), "/expires_at"),
        ("expires_at", json!("tomorrow"), "/expires_at"),
    ] {
        operator
            .post(&path, &json!({ field: value }))
            .expect_field_problem(&[422], pointer);
    }
    let id = listed(&operator, &path)[0]["id"].as_str().expect("an id").to_owned();
    operator
        .patch(&format!("{path}/{id}"), &json!({}))
        .expect_field_problem(&[422], "");
    operator
        .patch(&format!("{path}/key_0000000000000000"), &json!({ "role": "read" }))
        .expect_problem(&[404]);
}
