//! The audit log: who has done what.

use std::path::PathBuf;

use campanile_tests::{Stand, eventually};
use lab::Signal;
use serde_json::{Value, json};

use crate::logs::common::{LIMIT, ask, kept, line, lines, stand, stand_of_a_full_disk};

/// Acts, and what is none.
fn do_all(stand: &Stand) {
    let (public, admin) = (stand.engine.public(), stand.engine.admin());
    let operator = format!("authorization: Bearer {}\r\n", stand.engine.operator_key());
    let heads = format!("{operator}x-request-id: act-1\r\n");
    let tenant = &stand.tenant.id;
    let credits = format!("POST /v1/tenants/{tenant}/credits");
    ask(
        public.address(),
        &credits,
        &heads,
        &json!({ "amount": 7, "reference": "F-1" }).to_string(),
    );
    ask(
        public.address(),
        &credits,
        &operator,
        &json!({ "amount": -7 }).to_string(),
    );
    ask(
        public.address(),
        &format!("PATCH /v1/tenants/{tenant}"),
        &operator,
        "{\"encoding\": \"auto\"}",
    );
    ask(admin.address(), "POST /v1/smscs/north/suspend", "", "");
    ask(admin.address(), "POST /v1/smscs/nowhere/suspend", "", "");
    ask(admin.address(), "PUT /v1/log-filter", "", "{\"filter\": \"warn\"}");
    ask(
        admin.address(),
        "POST /v1/suppressions",
        "",
        "{\"to\": [\"+33698765432\"]}",
    );
    // No acts: a tenant's own doing, a stranger, a read.
    let own = format!("authorization: Bearer {}\r\n", stand.tenant.key);
    ask(public.address(), "POST /v1/campaigns", &own, "{}");
    ask(public.address(), "POST /v1/tenants", "", "{\"name\": \"x\"}");
    ask(public.address(), "POST /v1/tenants", &own, "{\"name\": \"x\"}");
    ask(admin.address(), "GET /v1/status", "", "");
}

#[test]
fn acts_of_administration_are_lines_of_the_audit_log() {
    let (stand, settings) = stand("logs-audit", &["[audit]\npath = \"audit.log\""]);
    let path = stand.lab().directory().join("audit.log");
    let tenant = &stand.tenant.id;
    do_all(&stand);
    stand.engine.configure(&settings);
    stand.engine.signal(Signal::HUP);
    let found = eventually("the signal's line is there", LIMIT, || {
        let acts = kept(&path);
        acts.iter().any(|act| act["act"] == "SIGHUP").then_some(acts)
    });
    // The stand has made the tenant and given it its credits.
    let shown: Vec<Value> = found[2..]
        .iter()
        .map(|act| {
            json!([
                act["who"],
                act["act"],
                act["object"],
                act["outcome"],
                act["status"],
                act["details"]
            ])
        })
        .collect();
    let credits = "POST /v1/tenants/{id}/credits";
    let suspend = "POST /v1/smscs/{name}/suspend";
    assert_eq!(
        shown,
        [
            json!(["operator", credits, tenant, "done", 201, { "amount": 7 }]),
            json!(["operator", credits, tenant, "refused", 422, null]),
            json!(["operator", "PATCH /v1/tenants/{id}", tenant, "done", 200, { "changes": ["encoding"] }]),
            json!(["admin", suspend, "north", "done", 200, null]),
            json!(["admin", suspend, null, "refused", 404, null]),
            json!(["admin", "PUT /v1/log-filter", null, "done", 200, { "filter": "warn" }]),
            json!(["admin", "POST /v1/suppressions", null, "done", 200, { "numbers": 1, "purpose": "marketing" }]),
            json!(["signal", "SIGHUP", null, "done", null,
                { "changes": { "added": [], "changed": [], "rebound": [], "removed": [], "routes": [], "rules": [], "numbers": [], "certificates": [] } }]),
        ]
    );
    let act = &found[2];
    assert_eq!(
        (&act["request_id"], &act["address"], &found[3]["code"]),
        (&json!("act-1"), &json!("127.0.0.1"), &json!("invalid_fields")),
        "{act}"
    );
    assert!(act["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{act}");
    let text = std::fs::read_to_string(&path).expect("it is there");
    assert!(
        !text.contains(stand.engine.operator_key()) && !text.contains("698765432"),
        "{text}"
    );
}

#[test]
fn what_resellers_do_and_who_gives_a_tenants_keys_is_in_the_audit_log() {
    let (stand, _) = stand("logs-audit-resellers", &["[audit]\npath = \"audit.log\""]);
    let path = stand.lab().directory().join("audit.log");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (operator, public) = (stand.engine.operator(), stand.engine.public());
    let made = operator.post("/v1/resellers", &json!({ "name": "Réseau" })).expect(201);
    let (reseller, own) = (text(&made["id"]), public.with_key(&text(&made["api_key"])));
    let made = own.post("/v1/tenants", &json!({ "name": "Cabinet" })).expect(201);
    let tenant = text(&made["id"]);
    own.acting_for(&tenant)
        .post("/v1/lists", &json!({ "name": "Marathon" }))
        .expect(201);
    let keys = format!("/v1/tenants/{tenant}/keys");
    let admin = own.post(&keys, &json!({ "role": "admin" })).expect(201);
    let admin_id = text(&admin["id"]);
    let admin = public.with_key(&text(&admin["api_key"]));
    let third = admin.post("/v1/keys", &json!({ "role": "read" })).expect(201);
    admin.post("/v1/lists", &json!({ "name": "Semi" })).expect(201);
    let found = eventually("the acts are there", LIMIT, || {
        let acts = kept(&path);
        (acts.len() >= 7).then_some(acts)
    });
    // The stand has made a tenant and given it its credits.
    let shown: Vec<Value> = found[2..]
        .iter()
        .map(|act| json!([act["who"], act["act"], act["object"], act["details"]]))
        .collect();
    assert_eq!(
        shown,
        [
            json!(["operator", "POST /v1/resellers", reseller, null]),
            json!([reseller, "POST /v1/tenants", tenant, null]),
            json!([reseller, "POST /v1/lists", null, { "tenant": tenant }]),
            json!([reseller, "POST /v1/tenants/{id}/keys", tenant, { "key": admin_id, "kind": "live", "role": "admin" }]),
            json!([tenant, "POST /v1/keys", null, { "key": third["id"], "kind": "live", "role": "read" }]),
        ]
    );
}

#[test]
fn an_audit_log_that_cannot_be_written_stops_nothing_and_its_lines_are_said() {
    let stand = stand_of_a_full_disk(("logs-audit-full", "audit.log"), "[audit]\npath = \"audit.log\"");
    let campaign = stand.launch(10);
    stand.all_delivered(&campaign, 10, LIMIT);
    stand
        .engine
        .admin()
        .post("/v1/smscs/north/suspend", &Value::Null)
        .expect(200);
    line(&stand, "the lost act is in the log", |line| {
        line["target"] == "audit" && line["act"].as_str().is_some_and(|act| act.contains("/suspend"))
    });
    // The tenant, its credits, and the suspension.
    let lost = || {
        stand
            .engine
            .metric(|sample| sample == "campanile_audit_lines_lost_total")
    };
    eventually("three are counted", LIMIT, || (lost() > 2.5).then_some(()));
    let said = lines(&stand)
        .iter()
        .filter(|line| {
            let message = line["message"].as_str().unwrap_or_default();
            message.starts_with("the audit log cannot be written")
        })
        .count();
    assert_eq!(said, 1, "once for as long as it lasts");
    let path: PathBuf = stand.lab().directory().join("audit.log");
    std::fs::remove_file(&path).expect("the disk has room again");
    stand
        .engine
        .admin()
        .post("/v1/smscs/north/resume", &Value::Null)
        .expect(200);
    let found = eventually("the next act is written", LIMIT, || kept(&path).pop());
    assert_eq!(found["act"], "POST /v1/smscs/{name}/resume", "{found}");
}

#[test]
fn without_a_file_acts_stand_in_the_log_and_the_log_is_for_people_where_that_is_asked_for() {
    let (plain, _) = stand("logs-audit-log", &[]);
    let bound = line(&plain, "the bind has a line", |line| line["message"] == "bound");
    let place = bound["address"].as_str().unwrap_or_default();
    assert!(place.contains(plain.sim.smpp_address()), "{bound}");
    plain
        .engine
        .admin()
        .post("/v1/smscs/north/suspend", &Value::Null)
        .expect(200);
    let act = line(&plain, "the act has a line", |line| {
        line["target"] == "audit" && line["act"] == "POST /v1/smscs/{name}/suspend"
    });
    assert_eq!(
        (&act["who"], &act["object"], &act["outcome"]),
        (&json!("admin"), &json!("north"), &json!("done")),
        "{act}"
    );
    let (pretty, _) = stand("logs-pretty", &["[log]\nformat = \"pretty\""]);
    eventually("people can read it", LIMIT, || {
        let log = pretty.engine.process().log();
        (log.contains(" INFO ") && !log.contains("{\"timestamp\"")).then_some(())
    });
}
