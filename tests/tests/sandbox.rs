//! Keys of a sandbox: what is sent with them goes to a simulator, costs nothing, and touches nothing of the tenant's.

use std::time::Duration;

use campanile_tests::{
    Campaign, CampaignOrder, Engine, EngineSettings, Http, Lab, Receiver, RedisServer, Sim, SmscSettings, Tenant,
    eventually, programs, text,
};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const NUMBER: &str = "+33644630001";
const PERSON: &str = "+33600000000";

/// An engine with a carrier and a simulator, and a tenant with five credits.
struct Bench {
    engine: Engine,
    carrier: Sim,
    simulator: Sim,
    _redis: RedisServer,
    tenant: Tenant,
    _labs: [Lab; 2],
}

fn bench(name: &str) -> Bench {
    let labs = [name.to_owned(), format!("{name}-simulator")].map(|name| Lab::new(programs!(), &name));
    let [carrier, simulator] = labs.each_ref().map(|lab| lab.sim(""));
    let redis = labs[0].redis();
    let smscs = vec![
        SmscSettings::new("north", carrier.smpp_address()),
        SmscSettings::new("bench", simulator.smpp_address()).line("sandbox = true"),
    ];
    let mut settings = EngineSettings::new(Some(redis.url()), smscs);
    settings
        .tables
        .push("[webhooks]\nallow = [\"127.0.0.1/32\"]".to_owned());
    let engine = labs[0].engine(&settings);
    let tenant = engine.tenant("Cabinet Martin", 5);
    Bench {
        engine,
        carrier,
        simulator,
        _redis: redis,
        tenant,
        _labs: labs,
    }
}

impl Bench {
    fn keys(&self) -> String {
        format!("/v1/tenants/{}/keys", self.tenant.id)
    }

    /// A key of the tenant's sandbox: its id, and the sandbox as it sees itself.
    fn sandbox(&self) -> (String, Tenant) {
        let made = self
            .engine
            .operator()
            .post(&self.keys(), &json!({ "label": "Essais", "kind": "sandbox" }))
            .expect(201);
        let key = text(&made["api_key"]);
        assert!(key.starts_with("sk_test_"), "{made}");
        assert_eq!(made["kind"], "sandbox");
        let own = self.engine.public().with_key(&key).get("/v1/tenant").expect(200);
        assert_eq!(
            (&own["sandbox"], &own["name"]),
            (&json!(true), &json!("Cabinet Martin"))
        );
        let tenant = json!({ "id": own["id"], "api_key": key });
        (text(&made["id"]), self.engine.tenant_of(&tenant))
    }

    /// The number is the tenant's from then on.
    fn give_number(&self) {
        let operator = self.engine.operator();
        let number = json!({ "number": NUMBER, "country": "FR" });
        let number = operator.post("/v1/inventory", &number).expect(201);
        let path = format!("/v1/tenants/{}/numbers/{}", self.tenant.id, text(&number["id"]));
        operator.ask("PUT", &path, None).expect(200);
    }

    fn accepted(&self) -> (u64, u64) {
        (self.carrier.totals().accepted, self.simulator.totals().accepted)
    }
}

fn rows(http: &Http, path: &str) -> Vec<Value> {
    http.get(path).expect(200)["data"].as_array().expect("a list").clone()
}

/// Advertising to the first of all, as the tenant's number.
fn advertising() -> CampaignOrder {
    CampaignOrder::to_first(1)
        .with("purpose", json!("marketing"))
        .with("text", json!("Cabinet Martin : portes ouvertes samedi."))
}

fn is_delivered(engine: &Engine, campaign: &Campaign, messages: u64) {
    campaign.wait(engine, "all of it is delivered", LIMIT, |view| {
        view.state == "completed" && view.status("delivered") == messages
    });
}

#[test]
fn req_004_32_what_a_sandbox_key_sends_reaches_the_simulator_alone_and_costs_nothing() {
    let bench = bench("sandbox");
    let (id, sandbox) = bench.sandbox();
    let (http, live) = (sandbox.http(&bench.engine), bench.tenant.http(&bench.engine));
    let receiver = Receiver::start();
    let endpoint = json!({ "url": receiver.url(), "events": ["campaign.*", "message.*"] });
    http.post("/v1/webhooks", &endpoint).expect(201);

    let campaign = sandbox.create(&bench.engine, &CampaignOrder::to_first(20));
    let path = format!("/v1/campaigns/{}", campaign.id);
    let estimate = http.post(&format!("{path}/estimate"), &json!({})).expect(200);
    assert_eq!(
        estimate["max"],
        json!({ "recipients": 20, "segments": 20, "credits": 20 })
    );
    assert_eq!(
        estimate["balance"],
        json!({ "available": 0, "after": 0, "enough": true })
    );
    http.post(&format!("{path}/launch"), &json!({})).expect(202);
    is_delivered(&bench.engine, &campaign, 20);
    let message = json!({ "to": PERSON, "text": "Votre rendez-vous est confirmé.", "sender": "Clinique" });
    let sent = http.post("/v1/messages", &message).expect(202);
    eventually("the message is delivered", LIMIT, || {
        let shown = http.get(&format!("/v1/messages/{}", text(&sent["id"]))).expect(200);
        (shown["status"] == "delivered").then_some(())
    });
    assert_eq!(bench.accepted(), (0, 21));
    eventually("webhooks say what they are of", LIMIT, || {
        let posted = receiver.posted();
        assert!(posted.iter().all(|posted| posted.body()["sandbox"] == true));
        let events = posted.iter().flat_map(campanile_tests::Posted::events);
        (events.filter(|event| event["type"] == "message.delivered").count() == 21).then_some(())
    });

    // Nothing was paid, by nobody.
    let report = http.get(&format!("{path}/report")).expect(200);
    assert_eq!(report["messages"], 20, "{report}");
    assert_eq!(rows(&http, "/v1/ledger"), [] as [Value; 0]);
    let credits = bench.engine.credits(&bench.tenant);
    assert_eq!((credits.available, credits.held, credits.spent), (5, 0, 0));
    // Each sees its own.
    live.get(&path).expect_problem(&[404]);
    assert_eq!(rows(&live, "/v1/campaigns"), [] as [Value; 0]);
    let real = bench.tenant.order(&bench.engine, &CampaignOrder::to_first(3));
    is_delivered(&bench.engine, &real, 3);
    http.get(&format!("/v1/campaigns/{}", real.id)).expect_problem(&[404]);
    assert_eq!(bench.accepted(), (3, 21));

    let kinds: Vec<Value> = rows(&bench.engine.operator(), &bench.keys())
        .iter()
        .map(|key| key["kind"].clone())
        .collect();
    assert_eq!(kinds, [json!("live"), json!("sandbox")]);
    let revoke = format!("{}/{id}/revoke", bench.keys());
    bench.engine.operator().post(&revoke, &json!({})).expect(200);
    http.get("/v1/tenant").expect_problem(&[401]);
}

#[test]
fn req_004_32_a_stop_in_the_sandbox_stops_the_sandbox_and_one_at_the_carrier_the_tenant() {
    let bench = bench("sandbox-stop");
    let (_, sandbox) = bench.sandbox();
    bench.give_number();
    let http = sandbox.http(&bench.engine);
    assert_eq!(rows(&http, "/v1/numbers")[0]["number"], NUMBER);

    // Both have written to that person, and the tenant last: in the simulator the sandbox is answered.
    let order = advertising();
    is_delivered(&bench.engine, &sandbox.order(&bench.engine, &order), 1);
    is_delivered(&bench.engine, &bench.tenant.order(&bench.engine, &order), 1);
    bench.simulator.inbound(PERSON, NUMBER, "STOP");
    let heard = eventually("the sandbox hears it", LIMIT, || {
        rows(&http, "/v1/inbound").first().cloned()
    });
    assert_eq!((&heard["opted_out"], &heard["smsc"]), (&json!(true), &json!("bench")));
    let live = bench.tenant.http(&bench.engine);
    assert_eq!(rows(&live, "/v1/inbound"), [] as [Value; 0]);
    let stopped = sandbox.order(&bench.engine, &order);
    stopped.wait(&bench.engine, "nobody gets it", LIMIT, |view| {
        view.state == "completed" && view.status("delivered") == 0
    });
    is_delivered(&bench.engine, &bench.tenant.order(&bench.engine, &order), 1);
    assert_eq!(bench.carrier.totals().accepted, 2);
    // Its own message, and the word that the STOP was heard.
    bench.simulator.wait_for("accepted", 2, LIMIT);
    assert_eq!(bench.accepted().1, 2);
    // To a number that nobody has, a simulator opts nobody out.
    bench.simulator.inbound("+33600000007", "36180", "STOP");
    eventually("it is nobody's", LIMIT, || {
        rows(&bench.engine.admin(), "/v1/inbound").first().cloned()
    });

    bench.carrier.inbound("+33600000001", NUMBER, "STOP");
    let heard = eventually("the tenant hears it", LIMIT, || {
        rows(&live, "/v1/inbound").first().cloned()
    });
    assert_eq!((&heard["opted_out"], &heard["smsc"]), (&json!(true), &json!("north")));
    assert_eq!(rows(&http, "/v1/inbound").len(), 1);
    let to = |index: usize| json!({ "recipients": [{ "to": format!("+3360000000{index}") }] });
    let second = advertising().with("audience", to(1));
    is_delivered(&bench.engine, &sandbox.order(&bench.engine, &second), 1);
    let nobodys = advertising().with("audience", to(7));
    is_delivered(&bench.engine, &bench.tenant.order(&bench.engine, &nobodys), 1);
}

#[test]
fn req_004_32_a_sandbox_follows_its_tenant_and_is_managed_with_it() {
    let mut bench = bench("sandbox-follows");
    let (_, sandbox) = bench.sandbox();
    let operator = bench.engine.operator();
    let tenant = format!("/v1/tenants/{}", bench.tenant.id);
    operator
        .patch(&tenant, &json!({ "senders": ["Cabinet"], "brand": "Martin" }))
        .expect(200);
    let http = sandbox.http(&bench.engine);
    assert_eq!(http.get("/v1/tenant").expect(200)["brand"], "Martin");
    let message = |sender: &str| json!({ "to": PERSON, "text": "RDV demain 9 h", "sender": sender });
    http.post("/v1/messages", &message("Autre"))
        .expect_field_problem(&[422], "/sender");
    http.post("/v1/messages", &message("Cabinet")).expect(202);
    operator
        .post(&format!("{tenant}/suspend"), &json!({ "reason": "impayé" }))
        .expect(200);
    let refused = http.post("/v1/messages", &message("Cabinet")).expect_problem(&[403]);
    assert_eq!(refused["code"], "tenant_suspended");
    operator.post(&format!("{tenant}/resume"), &json!({})).expect(200);
    http.post("/v1/messages", &message("Cabinet")).expect(202);

    // It is no tenant to others, has no credits, and gives no keys that lead out of it.
    let own = format!("/v1/tenants/{}", sandbox.id);
    operator.get(&own).expect_problem(&[404]);
    operator
        .post(&format!("{own}/credits"), &json!({ "amount": 10 }))
        .expect_problem(&[404]);
    let ids: Vec<Value> = rows(&operator, "/v1/tenants")
        .iter()
        .map(|tenant| tenant["id"].clone())
        .collect();
    assert_eq!(ids, [json!(bench.tenant.id)]);
    let admin = json!({ "kind": "sandbox", "role": "admin" });
    let admin = operator.post(&bench.keys(), &admin).expect(201);
    let admin = bench.engine.public().with_key(&text(&admin["api_key"]));
    admin
        .post("/v1/keys", &json!({ "kind": "live" }))
        .expect_field_problem(&[422], "/kind");
    assert_eq!(admin.post("/v1/keys", &json!({})).expect(201)["kind"], "sandbox");
    http.post("/v1/sender_requests", &json!({ "sender": "Martin" }))
        .expect_problem(&[403]);

    // What is in SQL brings it back, and tenants that come later have numbers of their own.
    bench.engine.restart();
    assert_eq!(
        sandbox.http(&bench.engine).get("/v1/tenant").expect(200)["sandbox"],
        true
    );
    let other = bench.engine.tenant("Cabinet des Lilas", 5);
    let shown = other.http(&bench.engine).get("/v1/tenant").expect(200);
    assert_eq!(shown["sandbox"], false);
    let message = json!({ "to": PERSON, "text": "RDV demain 9 h", "sender": "Lilas" });
    other.http(&bench.engine).post("/v1/messages", &message).expect(202);
    bench.carrier.wait_for("accepted", 1, LIMIT);
}

#[test]
fn req_004_32_appointments_are_reminded_of_and_answered_in_the_sandbox_alone() {
    let bench = bench("sandbox-diary");
    let (_, sandbox) = bench.sandbox();
    bench.give_number();
    let http = sandbox.http(&bench.engine);
    let plan = json!({
        "name": "Prise de rendez-vous", "on": "booked", "text": "Rendez-vous le [jour] : OUI ou NON ?", "sender": NUMBER,
    });
    http.post("/v1/reminder_plans", &plan).expect(201);
    let event = json!({ "reference": "A1", "number": PERSON, "starts_at": "2030-12-24T09:30" });
    let made = http.post("/v1/events", &json!({ "events": [event] })).expect(200);
    let path = format!("/v1/events/{}", text(&made["data"][0]["id"]));
    bench.simulator.wait_for("accepted", 1, LIMIT);
    // Of what a carrier brings the sandbox hears nothing.
    bench.carrier.inbound(PERSON, NUMBER, "NON");
    let live = bench.tenant.http(&bench.engine);
    eventually("the tenant hears it", LIMIT, || {
        (rows(&live, "/v1/inbound").len() == 1).then_some(())
    });
    bench.simulator.inbound(PERSON, NUMBER, "OUI");
    eventually("it is confirmed", LIMIT, || {
        (http.get(&path).expect(200)["answer"]["answer"] == "confirm").then_some(())
    });
    assert_eq!(rows(&live, "/v1/events"), [] as [Value; 0]);
    assert_eq!(bench.accepted().0, 0);
    let credits = bench.engine.credits(&bench.tenant);
    assert_eq!((credits.available, credits.held, credits.spent), (5, 0, 0));
}

#[test]
fn without_a_simulator_no_sandbox_key_is_made() {
    let lab = Lab::new(programs!(), "sandbox-none");
    let (redis, sim) = (lab.redis(), lab.sim(""));
    let engine = lab.engine_on(&redis, &sim);
    let tenant = engine.tenant("Cabinet Martin", 5);
    let keys = format!("/v1/tenants/{}/keys", tenant.id);
    let refused = engine
        .operator()
        .post(&keys, &json!({ "kind": "sandbox" }))
        .expect_problem(&[409]);
    assert_eq!(refused["code"], "no_sandbox");
}
