//! Traffic that is unusual for its tenant: flagged once, and held where its reseller wants to look first.

use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Http, Lab, Receiver, Stand, Tenant, eventually, programs, text};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

fn stand(name: &str) -> Stand {
    Stand::under(Lab::new(programs!(), name), "", Stand::with_webhooks)
}

/// A reseller with its path, and a tenant of its own.
fn hosted(stand: &Stand) -> (Http, String, Tenant) {
    let operator = stand.engine.operator();
    let made = operator.post("/v1/resellers", &json!({ "name": "Réseau" })).expect(201);
    let own = format!("/v1/resellers/{}", text(&made["id"]));
    let credits = json!({ "amount": 1_000_000 });
    operator.post(&format!("{own}/credits"), &credits).expect(201);
    let reseller = stand.engine.public().with_key(&text(&made["api_key"]));
    // To whichever country.
    let made = json!({ "name": "Cabinet Martin", "countries": null });
    let made = reseller.post("/v1/tenants", &made).expect(201);
    let path = format!("/v1/tenants/{}/credits", text(&made["id"]));
    reseller.post(&path, &json!({ "amount": 10_000 })).expect(201);
    let tenant = stand.engine.tenant_of(&made);
    (reseller, own, tenant)
}

fn flagged(http: &Http, query: &str) -> Vec<Value> {
    let page = http.get(&format!("/v1/flagged{query}")).expect(200);
    page["data"].as_array().expect("a list").clone()
}

/// The only thing that nobody has decided of.
fn open(http: &Http) -> Value {
    let open = flagged(http, "?state=open");
    assert_eq!(open.len(), 1, "{open:?}");
    open[0].clone()
}

fn decide(http: &Http, flagged: &Value, what: &str) -> Value {
    let path = format!("/v1/flagged/{}/{what}", text(&flagged["id"]));
    http.post(&path, &json!({ "note": "Vu." })).expect(200)
}

/// Numbers of one block.
fn block(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("+{prefix}{at:03}")).collect()
}

/// Numbers as patients have them: each in a block of its own.
fn patients(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("+33612{at:03}456")).collect()
}

fn campaign(stand: &Stand, tenant: &Tenant, to: &[String]) -> Campaign {
    let recipients: Vec<Value> = to.iter().map(|to| json!({ "to": to })).collect();
    let order = CampaignOrder::to_audience(&json!({ "recipients": recipients }));
    tenant.create(&stand.engine, &order)
}

fn show(stand: &Stand, tenant: &Tenant, campaign: &Campaign) -> Value {
    let path = format!("/v1/campaigns/{}", campaign.id);
    tenant.http(&stand.engine).get(&path).expect(200)
}

fn is_completed(stand: &Stand, campaign: &Campaign) {
    campaign.wait(&stand.engine, "it is completed", LIMIT, |view| {
        view.state == "completed"
    });
}

fn goes(stand: &Stand, campaign: &Campaign) {
    assert_eq!(campaign.ask(&stand.engine, "launch").expect(202)["state"], "launching");
    is_completed(stand, campaign);
}

#[test]
fn req_002_01_unusual_traffic_is_flagged_once_and_goes() {
    let stand = stand("unusual-flagged");
    let (reseller, _, tenant) = hosted(&stand);
    let receiver = Receiver::start();
    let endpoint = json!({ "url": receiver.url(), "events": ["traffic.*"] });
    tenant.http(&stand.engine).post("/v1/webhooks", &endpoint).expect(201);

    // A practice and its patients, a few of them colleagues at the same employer.
    goes(&stand, &campaign(&stand, &tenant, &patients(100)));
    let colleagues = [patients(100), block("33611111", 9)].concat();
    goes(&stand, &campaign(&stand, &tenant, &colleagues));
    assert_eq!(flagged(&reseller, ""), Vec::<Value>::new());

    let pumped = [patients(60), block("33622222", 25)].concat();
    goes(&stand, &campaign(&stand, &tenant, &pumped));
    let found = open(&reseller);
    assert_eq!(
        (&found["reasons"], &found["text"], &found["words"]),
        (&json!(["unusual_block"]), &Value::Null, &json!([]))
    );
    assert_eq!(
        found["traffic"],
        json!({ "block": "33622222", "country": null, "recipients": 25, "of": 85 })
    );
    // It is asked about once, and what was decided holds for whatever goes there.
    goes(&stand, &campaign(&stand, &tenant, &block("33622222", 30)));
    assert_eq!(open(&reseller)["id"], found["id"]);
    assert_eq!(decide(&reseller, &found, "accept")["state"], "accepted");
    goes(&stand, &campaign(&stand, &tenant, &block("33622222", 40)));

    let abroad = [patients(10), vec!["+32470123456".to_owned()]].concat();
    let first = campaign(&stand, &tenant, &abroad);
    goes(&stand, &first);
    let found = open(&reseller);
    assert_eq!(
        (&found["reasons"], &found["campaign"]),
        (&json!(["new_country"]), &json!(first.id))
    );
    assert_eq!(
        found["traffic"],
        json!({ "block": null, "country": "BE", "recipients": 1, "of": 11 })
    );
    assert_eq!(flagged(&reseller, "?reason=new_country").len(), 1);
    decide(&reseller, &found, "reject");
    let again = campaign(&stand, &tenant, &["+32470999999".to_owned()]);
    let refused = again.ask(&stand.engine, "launch").expect_problem(&[409]);
    assert_eq!(refused["code"], "traffic_rejected");

    let told = eventually("the endpoint is told", LIMIT, || {
        let posted = receiver.posted();
        let told: Vec<Value> = posted.iter().flat_map(campanile_tests::Posted::events).collect();
        let is_over = told.iter().any(|event| event["data"]["state"] == "rejected");
        is_over.then_some(told)
    });
    assert_eq!(
        (&told[0]["type"], &told[0]["data"]["traffic"]["block"]),
        (&json!("traffic.flagged"), &json!("33622222"))
    );
    assert!(told.iter().any(|event| event["type"] == "traffic.decided"), "{told:?}");
    let counted = |result: &str| {
        let series = format!("campanile_unusual_traffic_total{{result=\"{result}\"}}");
        stand.engine.metric(|line| line.starts_with(&series))
    };
    assert_eq!((counted("flagged"), counted("rejected")), (2.0, 1.0));
}

#[test]
fn req_002_01_unusual_campaigns_wait_where_the_reseller_wants_to_look_first() {
    waits(&stand("unusual-waits"));
}

#[test]
fn req_002_01_postgresql_keeps_unusual_traffic_as_well() {
    let lab = Lab::new(programs!(), "unusual-postgresql");
    let server = lab.postgres();
    waits(&Stand::under(lab, "", |redis, sim| {
        let mut settings = Stand::with_webhooks(redis, sim);
        let url = server.url();
        settings.tables.push(format!("[database]\nurl = \"{url}\""));
        settings
    }));
}

fn waits(stand: &Stand) {
    let (reseller, own, tenant) = hosted(stand);
    let http = tenant.http(&stand.engine);
    let changed = reseller.patch(&own, &json!({ "hold_unusual": true })).expect(200);
    assert_eq!(
        (&changed["hold_unusual"], &changed["hold_flagged"]),
        (&json!(true), &json!(false))
    );
    goes(stand, &campaign(stand, &tenant, &patients(30)));

    // Two blocks: both are asked about, and it goes when both were accepted.
    let two = [block("33633333", 20), block("33644444", 20)].concat();
    let waiting = campaign(stand, &tenant, &two);
    assert_eq!(waiting.ask(&stand.engine, "launch").expect(202)["state"], "in_review");
    let view = show(stand, &tenant, &waiting);
    assert_eq!(
        (&view["state"], &view["credits"]["held"], &view["waiting"]["reason"]),
        (&json!("in_review"), &json!(0), &json!("in_review"))
    );
    let asked = flagged(&reseller, "?state=open");
    assert_eq!(asked.len(), 2, "{asked:?}");
    decide(&reseller, &asked[1], "accept");
    assert_eq!(show(stand, &tenant, &waiting)["state"], "in_review");
    decide(&reseller, &asked[0], "accept");
    is_completed(stand, &waiting);

    let rejected = campaign(stand, &tenant, &block("33655555", 20));
    rejected.ask(&stand.engine, "launch").expect(202);
    let decided = decide(&reseller, &open(&reseller), "reject");
    assert_eq!(
        (&decided["campaigns"][0]["state"], &decided["campaigns"][0]["refused"]),
        (&json!("draft"), &json!("traffic_rejected"))
    );
    let at = json!({ "scheduled_at": (Timestamp::now() + SignedDuration::from_hours(1)).to_string() });
    for refused in [
        rejected.ask(&stand.engine, "launch").expect_problem(&[409]),
        rejected.schedule(&stand.engine, &at).expect_problem(&[409]),
    ] {
        assert_eq!(refused["code"], "traffic_rejected");
    }
    let planned = campaign(stand, &tenant, &block("33666666", 20));
    assert_eq!(planned.schedule(&stand.engine, &at).expect(200)["state"], "in_review");
    let accepted = decide(&reseller, &open(&reseller), "accept");
    assert_eq!(accepted["campaigns"][0]["state"], "scheduled");

    contacts_wait(stand, (&reseller, &tenant));
    assert_eq!(http.get("/v1/balance").expect(200)["held"], 0);
}

/// Of contacts it is found out when the launch has found them out.
fn contacts_wait(stand: &Stand, (reseller, tenant): (&Http, &Tenant)) {
    let http = tenant.http(&stand.engine);
    let contact =
        |at: usize, number: &str| json!({ "reference": format!("P{at}"), "last_name": "Martin", "number": number });
    let contacts = json!({ "contacts": [contact(1, "+33612345678"), contact(2, "+32470123456")] });
    http.post("/v1/contacts", &contacts).expect(200);
    let to_all = CampaignOrder::to_audience(&json!({ "filter": {} }));
    let launch = |accepts: &str| {
        let waiting = tenant.create(&stand.engine, &to_all);
        waiting.ask(&stand.engine, "launch").expect(202);
        waiting.wait(&stand.engine, "it waits", LIMIT, |view| view.state == "in_review");
        assert_eq!(show(stand, tenant, &waiting)["credits"]["held"], 0);
        let found = open(reseller);
        assert_eq!(found["traffic"]["country"], "BE");
        let decided = decide(reseller, &found, accepts);
        (waiting, decided)
    };
    let (waiting, decided) = launch("reject");
    assert_eq!(
        (&decided["campaigns"][0]["state"], &decided["campaigns"][0]["refused"]),
        (&json!("draft"), &json!("traffic_rejected"))
    );
    // Asked for again, it is refused when its contacts are found out.
    waiting.ask(&stand.engine, "launch").expect(202);
    eventually("it is refused", LIMIT, || {
        let view = show(stand, tenant, &waiting);
        (view["state"] == "draft" && view["refused"] == "traffic_rejected").then_some(())
    });
    // The reseller thinks better of it.
    decide(reseller, &decided, "accept");
    waiting.ask(&stand.engine, "launch").expect(202);
    is_completed(stand, &waiting);
    let sent = stand.sim.ledger_by_recipient();
    assert_eq!(sent.get("32470123456").map(Vec::len), Some(1), "{:?}", sent.keys());

    let luxembourg = json!({ "contacts": [contact(3, "+352621123456")] });
    http.post("/v1/contacts", &luxembourg).expect(200);
    let waiting = tenant.create(&stand.engine, &to_all);
    waiting.ask(&stand.engine, "launch").expect(202);
    waiting.wait(&stand.engine, "it waits", LIMIT, |view| view.state == "in_review");
    decide(reseller, &open(reseller), "accept");
    is_completed(stand, &waiting);
    let sent = stand.sim.ledger_by_recipient();
    assert_eq!(
        sent.get("32470123456").map(Vec::len),
        Some(2),
        "each campaign reaches each once"
    );
    assert_eq!(sent.get("352621123456").map(Vec::len), Some(1));
}

#[test]
fn req_002_10_messages_to_neighbours_are_flagged_and_held_where_the_reseller_wants_it() {
    let stand = stand("unusual-messages");
    let (reseller, own, tenant) = hosted(&stand);
    let http = tenant.http(&stand.engine);
    let message = |to: &str| json!({ "to": to, "text": "RDV demain à 9h", "sender": "Cabinet" });
    let send = |to: &str| http.post("/v1/messages", &message(to));
    let neighbours = block("33677777", 40);
    for to in &neighbours[..19] {
        send(to).expect(202);
        // Again to the same person: that is nobody new.
        send(to).expect(202);
    }
    assert_eq!(flagged(&reseller, ""), Vec::<Value>::new());
    let twentieth = send(&neighbours[19]).expect(202);
    let found = open(&reseller);
    assert_eq!(
        (&found["reasons"], &found["message"]),
        (&json!(["unusual_block"]), &twentieth["id"])
    );
    assert_eq!(
        found["traffic"],
        json!({ "block": "33677777", "country": null, "recipients": 20, "of": 20 })
    );
    send(&neighbours[20]).expect(202);

    reseller.patch(&own, &json!({ "hold_unusual": true })).expect(200);
    let held = send(&neighbours[21]).expect_problem(&[409]);
    assert_eq!(held["code"], "traffic_in_review");
    send("+33612345678").expect(202);
    let abroad = send("+32470123456").expect_problem(&[409]);
    assert_eq!(abroad["code"], "traffic_in_review");
    let asked = flagged(&reseller, "?state=open");
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[0]["traffic"]["country"], "BE");
    decide(&reseller, &asked[0], "accept");
    send("+32470123456").expect(202);
    decide(&reseller, &asked[1], "reject");
    let refused = send(&neighbours[0]).expect_problem(&[409]);
    assert_eq!(refused["code"], "traffic_rejected");
    assert!(refused["detail"].as_str().unwrap().contains("Vu."), "{refused}");
    decide(&reseller, &asked[1], "accept");
    send(&neighbours[21]).expect(202);
    for wrong in [json!({ "hold_unusual": "yes" }), json!({ "hold_unusual": null })] {
        reseller.patch(&own, &wrong).expect_problem(&[400, 422]);
    }
}

#[test]
fn unusual_campaigns_wait_whatever_dies_meanwhile() {
    let mut stand = stand("unusual-kills");
    let (reseller, own, tenant) = hosted(&stand);
    reseller.patch(&own, &json!({ "hold_unusual": true })).expect(200);
    let key = stand
        .engine
        .operator()
        .post(&format!("{own}/keys"), &json!({ "role": "admin" }))
        .expect(201);
    let key = text(&key["api_key"]);
    let http = tenant.http(&stand.engine);
    let contact = json!({ "reference": "P1", "last_name": "Martin", "number": "+32470123456" });
    http.post("/v1/contacts", &json!({ "contacts": [contact] })).expect(200);
    let to_all = CampaignOrder::to_audience(&json!({ "filter": {} }));
    let waiting = tenant.create(&stand.engine, &to_all);
    waiting.ask(&stand.engine, "launch").expect(202);
    stand.engine.kill();
    stand.engine.restart();
    waiting.wait(&stand.engine, "it waits", LIMIT, |view| view.state == "in_review");
    let http = stand.engine.public().with_key(&key);
    decide(&http, &open(&http), "accept");
    stand.engine.kill();
    stand.engine.restart();
    waiting.wait(&stand.engine, "it goes", LIMIT, |view| {
        view.status("delivered") + view.progress.in_doubt == 1
    });
    let sent = stand.sim.ledger_by_recipient();
    assert_eq!(sent.get("32470123456").map(Vec::len), Some(1));
}

#[test]
fn req_002_01_small_campaigns_of_a_day_to_one_block_are_unusual_together() {
    let mut stand = stand("unusual-together");
    let (reseller, own, tenant) = hosted(&stand);
    let admin = json!({ "role": "admin" });
    let key = stand.engine.operator().post(&format!("{own}/keys"), &admin).expect(201);
    let neighbours = block("33688888", 40);
    // Five neighbours among patients, again and again: the same five are nobody new.
    for _ in 0..6 {
        let some = [patients(5), neighbours[..5].to_vec()].concat();
        goes(&stand, &campaign(&stand, &tenant, &some));
    }
    for some in [&neighbours[5..10], &neighbours[10..15], &neighbours[15..19]] {
        goes(&stand, &campaign(&stand, &tenant, some));
    }
    assert_eq!(flagged(&reseller, ""), Vec::<Value>::new());
    // Whatever the engine has forgotten meanwhile.
    stand.engine.process().kill();
    stand.engine.restart();
    let reseller = stand.engine.public().with_key(&text(&key["api_key"]));
    goes(&stand, &campaign(&stand, &tenant, &neighbours[19..20]));
    let found = open(&reseller);
    assert_eq!(found["reasons"], json!(["unusual_block"]), "{found}");
    assert_eq!(
        found["traffic"],
        json!({ "block": "33688888", "country": null, "recipients": 20, "of": 75 })
    );
    // Where the reseller wants to look first, the next few wait; patients do not.
    reseller.patch(&own, &json!({ "hold_unusual": true })).expect(200);
    let waiting = campaign(&stand, &tenant, &neighbours[20..22]);
    assert_eq!(waiting.ask(&stand.engine, "launch").expect(202)["state"], "in_review");
    goes(&stand, &campaign(&stand, &tenant, &patients(8)));
    decide(&reseller, &found, "reject");
    let refused = campaign(&stand, &tenant, &neighbours[22..23]).ask(&stand.engine, "launch");
    assert_eq!(refused.expect_problem(&[409])["code"], "traffic_rejected");
}
