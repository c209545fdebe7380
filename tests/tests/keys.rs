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

#[test]
fn req_004_32_a_team_key_reaches_the_guest_list_and_nobody_else() {
    let stand = Stand::new(programs!(), "keys-team", "", |smsc| smsc);
    let path = format!("/v1/tenants/{}/keys", stand.tenant.id);
    let keys = Keys { stand: &stand, path };
    let (_, team) = keys.make(&json!({ "label": "Équipe", "kind": "team" }));
    let full = stand.tenant.http(&stand.engine);
    let to = |number: &str| json!({ "to": number, "text": "RDV demain", "sender": "OSTEO" });
    let refused = team.post("/v1/messages", &to("+33600000000"));
    assert_eq!(refused.json()["errors"][0]["code"], "not_a_guest");
    refused.expect_field_problem(&[422], "/to");
    // The tenant keeps the list, and a team does not.
    let guests = json!({ "numbers": ["06 00 00 00 00", "+33600000001"], "label": "Accueil" });
    assert_eq!(
        code(&team.post("/v1/guests", &guests).expect_problem(&[403])),
        "guests_only"
    );
    full.post("/v1/guests", &guests).expect(200);
    let list = listed(&team, "/v1/guests");
    let numbers: Vec<&Value> = list.iter().map(|guest| &guest["number"]).collect();
    assert_eq!(numbers, [&json!("+33600000000"), &json!("+33600000001")]);
    assert_eq!(list[0]["label"], "Accueil");
    team.post("/v1/messages", &to("+33600000000")).expect(202);

    // Of a campaign the others are left out and counted; billed as any.
    let draft = team.post("/v1/campaigns", &CampaignOrder::to_first(5).body).expect(201);
    let audience = &draft["audience"];
    assert_eq!((&audience["accepted"], &audience["not_guests"]), (&json!(2), &json!(3)));
    assert_eq!(audience["rejected"][0]["code"], "not_a_guest");
    assert_eq!(draft["guests_only"], true);
    let one = |id: &Value| format!("/v1/campaigns/{}", id.as_str().expect("an id"));
    let launch = format!("{}/launch", one(&draft["id"]));
    team.post(&launch, &json!({})).expect(202);
    let sent = |id: &Value, messages: u64| {
        eventually("it is sent", LIMIT, || {
            let view = full.get(&one(id)).expect(200);
            (view["state"] == "completed" && view["statuses"]["delivered"] == messages).then_some(())
        });
    };
    sent(&draft["id"], 2);
    eventually("three credits are spent", LIMIT, || {
        (stand.engine.credits(&stand.tenant).spent == 3).then_some(())
    });

    // Contacts are found out at the launch, whoever launches it; what was made for anybody it does not touch.
    let contact = |number: &str| json!({ "reference": number, "last_name": "Martin", "number": number });
    let contacts = json!({ "contacts": [contact("+33600000001"), contact("+33600000009")] });
    full.post("/v1/contacts", &contacts).expect(200);
    let order = CampaignOrder::to_audience(&json!({ "filter": {} })).body;
    let found = team.post("/v1/campaigns", &order).expect(201);
    full.post(&format!("{}/launch", one(&found["id"])), &json!({}))
        .expect(202);
    sent(&found["id"], 1);
    let view = full.get(&one(&found["id"])).expect(200);
    assert_eq!(view["audience"]["not_guests"], 1);
    let anybody = full.post("/v1/campaigns", &order).expect(201);
    let launch = format!("{}/launch", one(&anybody["id"]));
    assert_eq!(
        code(&team.post(&launch, &json!({})).expect_problem(&[403])),
        "guests_only"
    );
    for (what, body) in [
        (format!("{}/duplicate", one(&anybody["id"])), json!({})),
        ("/v1/lists".to_owned(), json!({ "name": "Marathon" })),
    ] {
        assert_eq!(code(&team.post(&what, &body).expect_problem(&[403])), "guests_only");
    }
    let test = format!("{}/test", one(&anybody["id"]));
    team.post(&test, &json!({ "to": ["+33600000001"] })).expect(202);
    team.post(&test, &json!({ "to": ["+33600000009"] }))
        .expect_problem(&[422]);
    one_leaves(&team, &full);
}

/// Who is a guest no more gets nothing of a draft, nor of a copy.
fn one_leaves(team: &Http, full: &Http) {
    let one = |id: &Value| format!("/v1/campaigns/{}", id.as_str().expect("an id"));
    let draft = team.post("/v1/campaigns", &CampaignOrder::to_first(5).body).expect(201);
    full.post("/v1/guests/remove", &json!({ "numbers": ["+33600000000"] }))
        .expect(200);
    let refused = team.post(&format!("{}/launch", one(&draft["id"])), &json!({}));
    assert_eq!(refused.json()["errors"][0]["code"], "not_a_guest");
    refused.expect_field_problem(&[422], "/audience");
    let copy = full
        .post(&format!("{}/duplicate", one(&draft["id"])), &json!({}))
        .expect(201);
    assert_eq!(
        (&copy["audience"]["accepted"], &copy["audience"]["not_guests"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn req_004_32_the_guest_list_is_the_tenants_to_keep_and_forgets_people() {
    let stand = Stand::new(programs!(), "keys-guests", "", |smsc| smsc);
    let path = format!("/v1/tenants/{}/keys", stand.tenant.id);
    let keys = Keys { stand: &stand, path };
    let (_, team) = keys.make(&json!({ "kind": "team" }));
    let full = stand.tenant.http(&stand.engine);
    let guests = json!({ "numbers": ["+33600000000", "+33600000001"] });
    assert_eq!(listed_after(&full, "/v1/guests", &guests).len(), 2);
    assert_eq!(listed_after(&full, "/v1/guests", &guests).len(), 2, "once each");
    let former = json!({ "numbers": ["+33600000000"] });
    assert_eq!(
        code(&team.post("/v1/guests/remove", &former).expect_problem(&[403])),
        "guests_only"
    );
    assert_eq!(listed_after(&full, "/v1/guests/remove", &former).len(), 1);
    let message = json!({ "to": "+33600000000", "text": "RDV demain", "sender": "OSTEO" });
    team.post("/v1/messages", &message).expect_field_problem(&[422], "/to");

    let whom = json!({ "number": "+33600000001" });
    assert_eq!(full.post("/v1/people/data", &whom).expect(200)["guest"], true);
    full.post("/v1/people/erase", &whom).expect(200);
    assert_eq!(listed(&full, "/v1/guests").len(), 0);
    let numbers = |from: u32| -> Vec<String> { (from..from + 300).map(|last| format!("+3361234{last:04}")).collect() };
    full.post("/v1/guests", &json!({ "numbers": numbers(0) })).expect(200);
    let more = full.post("/v1/guests", &json!({ "numbers": numbers(300) }));
    more.expect_field_problem(&[422], "/numbers");
    assert_eq!(listed(&full, "/v1/guests").len(), 300);
    full.post("/v1/guests", &json!({ "numbers": [] }))
        .expect_field_problem(&[422], "/numbers");
    // One that may make keys would give itself one that reaches anybody.
    let admin = json!({ "kind": "team", "role": "admin" });
    let operator = stand.engine.operator();
    operator.post(&keys.path, &admin).expect_field_problem(&[422], "/role");
}

fn listed_after(http: &Http, path: &str, body: &Value) -> Vec<Value> {
    let list = http.post(path, body).expect(200);
    list["data"].as_array().expect("a list").clone()
}
