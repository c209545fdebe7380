//! A tenant that is suspended: nothing new of it is taken, nothing that is queued is sent, and what was sent is followed as ever.

use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Http, Stand, Tenant, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const REASON: &str = "Facture impayée.";

/// A tenant of a reseller, with that many credits.
struct Hosted {
    tenant: Tenant,
    reseller: Http,
    path: String,
}

impl Hosted {
    fn new(stand: &Stand, credits: u64) -> Self {
        let operator = stand.engine.operator();
        let made = operator
            .post("/v1/resellers", &json!({ "name": "Ostéo Réseau" }))
            .expect(201);
        let key = made["api_key"].as_str().expect("a key");
        let reseller = stand.engine.public().with_key(key);
        let made = reseller
            .post("/v1/tenants", &json!({ "name": "Cabinet des Lilas" }))
            .expect(201);
        let tenant = stand.engine.tenant_of(&made);
        let path = format!("/v1/tenants/{}", tenant.id);
        operator
            .post(&format!("{path}/credits"), &json!({ "amount": credits }))
            .expect(201);
        Self { tenant, reseller, path }
    }

    fn suspend(&self) -> Value {
        let body = json!({ "reason": REASON });
        self.reseller.post(&format!("{}/suspend", self.path), &body).expect(200)
    }

    fn resume(&self) -> Value {
        self.reseller
            .post(&format!("{}/resume", self.path), &json!({}))
            .expect(200)
    }
}

fn message(to: &str) -> Value {
    json!({ "to": to, "text": "RDV demain", "sender": "OSTEO" })
}

fn tomorrow() -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24)).to_string()
}

fn shown(stand: &Stand, tenant: &Tenant, campaign: &Campaign) -> Value {
    let path = format!("/v1/campaigns/{}", campaign.id);
    tenant.http(&stand.engine).in_language("en").get(&path).expect(200)
}

/// What the metric says waits for that reason.
fn waiting(stand: &Stand, reason: &str) -> f64 {
    let line = format!("campanile_waiting_messages{{reason=\"{reason}\"}}");
    stand.engine.metric(|found| found.starts_with(&line))
}

#[test]
fn nothing_of_a_suspended_tenant_is_sent_until_it_is_resumed_and_its_neighbours_notice_nothing() {
    const MESSAGES: usize = 400;
    let stand = Stand::new(programs!(), "suspension", "", |smsc| smsc.line("rate = \"100/s\""));
    let hosted = Hosted::new(&stand, 1_000);
    let campaign = hosted.tenant.launch(&stand.engine, MESSAGES);
    stand.sim.wait_for("accepted", 20, LIMIT);
    let suspended = hosted.suspend();
    assert_eq!(suspended["suspended"]["reason"], REASON, "{suspended}");
    let again = hosted.suspend();
    assert_eq!(again["suspended"]["since"], suspended["suspended"]["since"]);
    assert_eq!(
        stand.tenant.http(&stand.engine).get("/v1/tenant").expect(200)["suspended"],
        Value::Null
    );

    // What was leased by then goes, and is followed to its end; the rest stands still, and says why.
    let held = eventually("what was under way is delivered, and the rest waits", LIMIT, || {
        let view = shown(&stand, &hosted.tenant, &campaign);
        let queued = view["progress"]["queued"].as_u64().expect("a number");
        let delivered = view["statuses"]["delivered"].as_u64().unwrap_or(0);
        let all_wait = waiting(&stand, "tenant_suspended") == queued as f64;
        (all_wait && delivered + queued == MESSAGES as u64).then_some(view)
    });
    assert_eq!(held["waiting"]["reason"], "tenant_suspended", "{held}");
    assert_eq!(
        held["waiting"]["detail"],
        format!("This account is suspended ({REASON}).")
    );
    assert!(held["progress"]["queued"].as_u64() > Some(0), "{held}");
    let sent = stand.sim.totals().accepted;
    let neighbour = stand.launch(MESSAGES);
    neighbour.wait(&stand.engine, "a neighbour's are delivered", LIMIT, |view| {
        view.status("delivered") == MESSAGES as u64
    });
    assert_eq!(
        stand.sim.totals().accepted,
        sent + MESSAGES as u64,
        "none of the suspended"
    );

    assert_eq!(hosted.resume()["suspended"], Value::Null);
    campaign.wait(&stand.engine, "the rest is delivered", LIMIT, |view| {
        view.status("delivered") == MESSAGES as u64
    });
    assert_eq!(stand.engine.credits(&hosted.tenant).spent, MESSAGES as u64);
    assert_eq!(waiting(&stand, "tenant_suspended"), 0.0);
}

#[test]
fn nothing_new_is_taken_of_a_suspended_tenant_and_its_keys_still_read() {
    let stand = Stand::new(programs!(), "suspension-intake", "", |smsc| smsc);
    let hosted = Hosted::new(&stand, 1_000);
    let http = hosted.tenant.http(&stand.engine);
    let over = hosted.tenant.launch(&stand.engine, 3);
    over.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 3
    });
    let sent = http
        .once("rdv-1")
        .post("/v1/messages", &message("+33612345678"))
        .expect(202);
    let draft = hosted.tenant.create(&stand.engine, &CampaignOrder::to_first(5));
    let planned = hosted.tenant.create(&stand.engine, &CampaignOrder::to_first(5));
    planned.schedule_in(&stand.engine, 3);
    hosted.suspend();

    let order = CampaignOrder::to_first(5).body;
    let over = format!("/v1/campaigns/{}/duplicate", over.id);
    let refusals = [
        http.post("/v1/messages", &message("+33612345679")),
        hosted
            .reseller
            .acting_for(&hosted.tenant.id)
            .post("/v1/messages", &message("+33612345679")),
        http.post("/v1/campaigns", &order),
        http.post(&over, &json!({})),
        draft.ask(&stand.engine, "launch"),
        draft.schedule(&stand.engine, &json!({ "scheduled_at": tomorrow() })),
    ];
    for refusal in refusals {
        let problem = refusal.expect_problem(&[403]);
        assert_eq!(problem["code"], "tenant_suspended", "{problem}");
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains(REASON)),
            "{problem}"
        );
    }
    // What was taken before is answered as it was, and a planned launch of meanwhile does not take place.
    let same = http
        .once("rdv-1")
        .post("/v1/messages", &message("+33612345678"))
        .expect(202);
    assert_eq!(same, sent);
    eventually("a planned launch is refused", LIMIT, || {
        let view = shown(&stand, &hosted.tenant, &planned);
        (view["state"] == "draft" && view["refused"] == "tenant_suspended").then_some(())
    });
    http.get("/v1/ledger").expect(200);
    hosted.resume();
    http.post("/v1/messages", &message("+33612345679")).expect(202);
    draft.ask(&stand.engine, "launch").expect(202);

    // Others manage their own.
    let path = format!("/v1/tenants/{}/suspend", stand.tenant.id);
    let body = json!({ "reason": REASON });
    hosted.reseller.post(&path, &body).expect_problem(&[404]);
    http.post(&path, &body).expect_problem(&[403]);
    let operator = stand.engine.operator();
    operator.post(&path, &body).expect(200);
    operator
        .post(&path, &json!({ "reason": "é".repeat(201) }))
        .expect_field_problem(&[422], "/reason");
    operator
        .post(&path, &json!({ "reason": " " }))
        .expect_field_problem(&[422], "/reason");
}

#[test]
fn a_suspension_outlives_the_engine_and_its_redis_and_a_stop_of_meanwhile_counts() {
    const MESSAGES: usize = 60;
    let mut stand = Stand::new(programs!(), "suspension-restart", "", |smsc| {
        smsc.line("rate = \"2/s\"")
    });
    let hosted = Hosted::new(&stand, 1_000);
    let order = CampaignOrder::to_first(MESSAGES)
        .with("purpose", json!("marketing"))
        .with("text", json!("Portes ouvertes. STOP au 36180"));
    let campaign = hosted.tenant.order(&stand.engine, &order);
    stand.sim.wait_for("accepted", 2, LIMIT);
    hosted.suspend();
    stand.engine.restart();
    let http = hosted.tenant.http(&stand.engine);
    http.post("/v1/messages", &message("+33612345678"))
        .expect_problem(&[403]);
    let person = stand.sim.ledger()[0].recipient.clone();
    stand.sim.inbound(&format!("+{person}"), "36180", "STOP");
    eventually("the STOP is kept", LIMIT, || {
        let rows = http.get("/v1/inbound").expect(200);
        (rows["data"][0]["opted_out"] == true).then_some(())
    });
    let held = shown(&stand, &hosted.tenant, &campaign);
    assert_eq!(held["waiting"]["reason"], "tenant_suspended", "{held}");

    assert!(stand.engine.shut_down().success());
    redis::cmd("FLUSHALL")
        .exec(&mut stand.redis.connect().expect("a connection"))
        .expect("FLUSHALL");
    stand.engine.restart();
    let http = hosted.tenant.http(&stand.engine);
    assert_eq!(http.get("/v1/tenant").expect(200)["suspended"]["reason"], REASON);
    http.post("/v1/messages", &message("+33612345678"))
        .expect_problem(&[403]);
    let operator = stand.engine.operator();
    operator
        .post(&format!("{}/resume", hosted.path), &json!({}))
        .expect(200);
    let sent = http.post("/v1/messages", &message("+33612345678")).expect(202);
    let path = format!("/v1/messages/{}", sent["id"].as_str().expect("an id"));
    eventually("it is delivered", LIMIT, || {
        (http.get(&path).expect(200)["status"] == "delivered").then_some(())
    });
}
