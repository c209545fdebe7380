//! What a reseller looks at: texts that look like advertising and are sent as something else, and the first campaigns of a new tenant.

use std::time::Duration;

use campanile_tests::scenarios::Dice;
use campanile_tests::{Campaign, CampaignOrder, Http, Lab, Receiver, Stand, Tenant, eventually, programs, text};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const PROMO: &str = "Profitez de -20 % sur nos soins jusqu'à samedi !";

fn stand(name: &str) -> Stand {
    Stand::under(Lab::new(programs!(), name), "", Stand::with_webhooks)
}

/// A reseller, with its key.
fn reseller(stand: &Stand) -> (String, Http) {
    let operator = stand.engine.operator();
    let made = operator.post("/v1/resellers", &json!({ "name": "Réseau" })).expect(201);
    let credits = format!("/v1/resellers/{}/credits", text(&made["id"]));
    operator.post(&credits, &json!({ "amount": 1_000_000 })).expect(201);
    let http = stand.engine.public().with_key(&text(&made["api_key"]));
    (text(&made["id"]), http)
}

/// A tenant of a reseller's; `trial`: it begins with these credits.
fn hosted(stand: &Stand, reseller: &Http, trial: u64) -> Tenant {
    let made = json!({ "name": "Cabinet Martin", "trial_credits": trial });
    let made = reseller.post("/v1/tenants", &made).expect(201);
    if trial == 0 {
        let path = format!("/v1/tenants/{}/credits", text(&made["id"]));
        reseller.post(&path, &json!({ "amount": 1_000 })).expect(201);
    }
    stand.engine.tenant_of(&made)
}

fn flagged(http: &Http, query: &str) -> Vec<Value> {
    let page = http.get(&format!("/v1/flagged{query}")).expect(200);
    page["data"].as_array().expect("a list").clone()
}

/// The only text that nobody has decided of.
fn open(http: &Http) -> Value {
    let open = flagged(http, "?state=open");
    assert_eq!(open.len(), 1, "{open:?}");
    open[0].clone()
}

fn decide(http: &Http, flagged: &Value, what: &str) -> Value {
    let path = format!("/v1/flagged/{}/{what}", text(&flagged["id"]));
    http.post(&path, &json!({ "note": "C'est de la publicité." }))
        .expect(200)
}

/// A campaign that says that to three people.
fn campaign(stand: &Stand, tenant: &Tenant, says: &str) -> Campaign {
    let order = CampaignOrder::to_first(3).with("text", says.into());
    tenant.create(&stand.engine, &order)
}

fn show(stand: &Stand, tenant: &Tenant, campaign: &Campaign) -> Value {
    let path = format!("/v1/campaigns/{}", campaign.id);
    tenant.http(&stand.engine).in_language("fr").get(&path).expect(200)
}

fn is_completed(stand: &Stand, campaign: &Campaign) {
    campaign.wait(&stand.engine, "it is completed", LIMIT, |view| {
        view.state == "completed"
    });
}

#[test]
fn req_001_02_a_text_that_looks_like_advertising_is_flagged_once_and_goes() {
    let stand = stand("flagged-messages");
    let (_, reseller) = reseller(&stand);
    let tenant = hosted(&stand, &reseller, 0);
    let http = tenant.http(&stand.engine);
    let receiver = Receiver::start();
    let endpoint = json!({ "url": receiver.url(), "events": ["text.*"] });
    http.post("/v1/webhooks", &endpoint).expect(201);

    let looks = |says: &str| http.post("/v1/text/analyze", &json!({ "text": says })).expect(200);
    let promo = looks(PROMO);
    assert_eq!(promo["looks_like_advertising"], true);
    assert_eq!(promo["advertising_words"], json!(["Profitez", "-20 %", "soins"]));
    assert_eq!(
        looks("Votre rendez-vous est demain à 9h.")["looks_like_advertising"],
        false
    );

    let message = |name: &str, purpose: &str| {
        let says = format!("Bonjour {name}, {PROMO}");
        json!({ "to": "+33612345678", "text": says, "sender": "Cabinet", "purpose": purpose })
    };
    let sent = http.post("/v1/messages", &message("Zoé", "transactional")).expect(202);
    http.post("/v1/messages", &message("Hugo", "transactional")).expect(202);
    http.post("/v1/messages", &message("Hugo", "marketing")).expect(202);
    let reminder = json!({ "to": "+33612345678", "text": "RDV demain à 9h", "sender": "Cabinet" });
    http.post("/v1/messages", &reminder).expect(202);
    let found = open(&reseller);
    assert_eq!(found["text"], "… …, Profitez de -20 % sur nos soins jusqu'à samedi !");
    assert_eq!(
        (&found["reasons"], &found["message"]),
        (&json!(["advertising"]), &sent["id"])
    );
    assert_eq!((&found["tenant"], &found["campaigns"]), (&json!(tenant.id), &json!([])));
    let path = format!("/v1/messages/{}", text(&sent["id"]));
    eventually("it goes all the same", LIMIT, || {
        (http.get(&path).expect(200)["status"] == "delivered").then_some(())
    });

    let told = |what: &str| {
        eventually(what, LIMIT, || {
            let posted = receiver.posted();
            let told: Vec<Value> = posted.iter().flat_map(campanile_tests::Posted::events).collect();
            told.iter().any(|event| event["data"]["state"] == what).then_some(told)
        })
    };
    assert_eq!(told("open")[0]["type"], "text.flagged");
    // Accepted, nobody asks again; rejected, it goes as what it is.
    assert_eq!(decide(&reseller, &found, "accept")["state"], "accepted");
    http.post("/v1/messages", &message("Lou", "transactional")).expect(202);
    let rejected = decide(&reseller, &found, "reject");
    assert_eq!(
        (&rejected["state"], &rejected["note"]),
        (&json!("rejected"), &json!("C'est de la publicité."))
    );
    let refused = http
        .post("/v1/messages", &message("Lou", "transactional"))
        .expect_problem(&[409]);
    assert_eq!(refused["code"], "text_rejected");
    http.post("/v1/messages", &message("Lou", "marketing")).expect(202);
    assert_eq!(flagged(&reseller, "").len(), 1);

    let told = told("rejected");
    assert_eq!(told[0]["type"], "text.flagged");
    assert!(
        told[1..].iter().all(|event| event["type"] == "text.decided"),
        "{told:?}"
    );
    assert!(
        !told.iter().any(|event| event.to_string().contains("Profitez")),
        "{told:?}"
    );
}

#[test]
fn req_001_02_flagged_texts_are_listed_for_who_hosts_the_tenant_alone() {
    let stand = stand("flagged-list");
    let ((_, own), (_, other)) = (reseller(&stand), reseller(&stand));
    let (first, second) = (hosted(&stand, &own, 0), hosted(&stand, &own, 0));
    let stranger = hosted(&stand, &other, 0);
    for (tenant, says) in [
        (&first, PROMO),
        (&first, "Soldes d'hiver dès mercredi"),
        (&second, PROMO),
        (&stranger, PROMO),
    ] {
        let campaign = campaign(&stand, tenant, says);
        campaign.ask(&stand.engine, "launch").expect(202);
        is_completed(&stand, &campaign);
    }
    let ids = |rows: &[Value]| -> Vec<String> { rows.iter().map(|row| text(&row["id"])).collect() };
    let all = flagged(&own, "");
    assert_eq!(all.len(), 3);
    assert_eq!(flagged(&stand.engine.operator(), "").len(), 4);
    assert_eq!(flagged(&own, &format!("?tenant={}", second.id)).len(), 1);
    assert_eq!(flagged(&own, &format!("?tenant={}", stranger.id)).len(), 0);
    assert_eq!(flagged(&own, "?reason=first_campaigns").len(), 0);
    assert_eq!(flagged(&own, "?reason=advertising&state=open").len(), 3);
    let page = own.get("/v1/flagged?limit=2").expect(200);
    let next = text(&page["next_cursor"]);
    let rest = own.get(&format!("/v1/flagged?limit=2&cursor={next}")).expect(200);
    let paged = [
        page["data"].as_array().unwrap().as_slice(),
        rest["data"].as_array().unwrap(),
    ]
    .concat();
    assert_eq!((ids(&paged), &rest["next_cursor"]), (ids(&all), &Value::Null));
    for query in [
        "?state=old",
        "?reason=x",
        "?tenant=x",
        "?limit=0",
        "?cursor=x",
        "?states=open",
    ] {
        own.get(&format!("/v1/flagged{query}")).expect_problem(&[400, 422]);
    }
    let path = format!("/v1/flagged/{}", text(&all[0]["id"]));
    other.get(&path).expect_problem(&[404]);
    other.post(&format!("{path}/accept"), &json!({})).expect_problem(&[404]);
    first.http(&stand.engine).get("/v1/flagged").expect_problem(&[403]);
    let long = json!({ "note": "a".repeat(501) });
    own.post(&format!("{path}/accept"), &long).expect_problem(&[422]);
    assert_eq!(own.get(&path).expect(200), all[0]);
}

#[test]
fn req_001_02_flagged_campaigns_wait_where_the_reseller_wants_to_look_first() {
    waits(&stand("flagged-waits"));
}

#[test]
fn req_001_02_postgresql_keeps_what_waits_as_well() {
    let (_server, stand) = Stand::on_postgres(Lab::new(programs!(), "flagged-postgresql"));
    waits(&stand);
}

fn waits(stand: &Stand) {
    let (id, reseller) = reseller(stand);
    let changed = reseller
        .patch(&format!("/v1/resellers/{id}"), &json!({ "hold_flagged": true }))
        .expect(200);
    assert_eq!(
        (
            &changed["hold_flagged"],
            &changed["hold_first"],
            &changed["first_campaigns"]
        ),
        (&json!(true), &json!("trial"), &json!(3))
    );
    let tenant = hosted(stand, &reseller, 0);
    let http = tenant.http(&stand.engine);
    let reminder = campaign(stand, &tenant, "Votre rendez-vous est demain à 9h.");
    reminder.ask(&stand.engine, "launch").expect(202);
    is_completed(stand, &reminder);

    let waiting = campaign(stand, &tenant, PROMO);
    let launched = waiting.ask(&stand.engine, "launch").expect(202);
    assert_eq!(launched["state"], "in_review");
    assert_eq!(waiting.ask(&stand.engine, "launch").expect(202), launched);
    let view = show(stand, &tenant, &waiting);
    assert_eq!(
        (&view["state"], &view["credits"]["held"]),
        (&json!("in_review"), &json!(0))
    );
    assert_eq!(view["waiting"]["reason"], "in_review");
    assert_eq!(
        view["waiting"]["detail"],
        "Votre revendeur doit relire cette campagne avant son envoi."
    );
    let found = open(&reseller);
    assert_eq!(
        (
            &found["text"],
            &found["campaigns"][0]["id"],
            &found["campaigns"][0]["recipients"]
        ),
        (&json!(PROMO), &json!(waiting.id), &json!(3))
    );

    let rejected = decide(&reseller, &found, "reject");
    assert_eq!(
        (&rejected["campaigns"][0]["state"], &rejected["campaigns"][0]["refused"]),
        (&json!("draft"), &json!("text_rejected"))
    );
    assert_eq!(
        waiting.ask(&stand.engine, "launch").expect_problem(&[409])["code"],
        "text_rejected"
    );
    let at = json!({ "scheduled_at": (Timestamp::now() + SignedDuration::from_hours(1)).to_string() });
    assert_eq!(
        waiting.schedule(&stand.engine, &at).expect_problem(&[409])["code"],
        "text_rejected"
    );

    let accepted = decide(&reseller, &found, "accept");
    assert_eq!(
        accepted["campaigns"][0]["state"], "draft",
        "it was refused, and nobody launches it but its tenant"
    );
    waiting.ask(&stand.engine, "launch").expect(202);
    is_completed(stand, &waiting);
    // The same again, next week.
    let again = campaign(stand, &tenant, &PROMO.replace("20", "30"));
    assert_eq!(again.ask(&stand.engine, "launch").expect(202)["state"], "launching");
    is_completed(stand, &again);

    is_planned(stand, (&tenant, &reseller));
    let sent = stand.sim.ledger_by_recipient();
    let sent: usize = sent.values().map(Vec::len).sum();
    assert_eq!(sent, 3 * 4, "the reminder, the two, and the one that was planned");
    assert_eq!(http.get("/v1/balance").expect(200)["held"], 0);
}

/// What is planned waits from the day on which it is planned.
fn is_planned(stand: &Stand, (tenant, reseller): (&Tenant, &Http)) {
    let planned = campaign(stand, tenant, "Soldes : tout à moitié prix");
    let in_seconds = |seconds: i64| {
        let at = Timestamp::now() + SignedDuration::from_secs(seconds);
        (at, json!({ "scheduled_at": at.to_string() }))
    };
    let shown = planned.schedule(&stand.engine, &in_seconds(3_600).1).expect(200);
    assert_eq!(shown["state"], "in_review");
    assert!(shown["scheduled_at"].is_string(), "{shown}");
    // Its tenant thinks better of it, and of that again.
    let none = planned
        .schedule(&stand.engine, &json!({ "scheduled_at": null }))
        .expect(200);
    assert_eq!(none["state"], "draft");
    let (at, date) = in_seconds(4);
    planned.schedule(&stand.engine, &date).expect(200);
    let accepted = decide(reseller, &open(reseller), "accept");
    let state = &accepted["campaigns"][0]["state"];
    assert!(
        ["scheduled", "launching", "running", "completed"].contains(&state.as_str().unwrap_or_default()),
        "{accepted}"
    );
    is_completed(stand, &planned);
    assert!(Timestamp::now() >= at, "not before its date");

    let late = campaign(stand, tenant, "Vente flash ce soir");
    let (at, date) = in_seconds(1);
    late.schedule(&stand.engine, &date).expect(200);
    eventually("its date passes", LIMIT, || (Timestamp::now() > at).then_some(()));
    let accepted = decide(reseller, &open(reseller), "accept");
    assert_eq!(
        (&accepted["campaigns"][0]["state"], &accepted["campaigns"][0]["refused"]),
        (&json!("draft"), &json!("date_passed"))
    );
    let view = show(stand, tenant, &late);
    assert_eq!(
        (&view["state"], &view["refused"]),
        (&json!("draft"), &json!("date_passed"))
    );

    let canceled = campaign(stand, tenant, "Ouverture exceptionnelle dimanche");
    canceled.ask(&stand.engine, "launch").expect(202);
    assert_eq!(canceled.ask(&stand.engine, "cancel").expect(202)["state"], "canceled");
    let accepted = decide(reseller, &open(reseller), "accept");
    assert_eq!(accepted["campaigns"][0]["state"], "canceled");
}

#[test]
fn the_first_campaigns_of_a_trial_tenant_wait_until_somebody_has_looked() {
    let stand = stand("flagged-first");
    let (id, reseller) = reseller(&stand);
    let path = format!("/v1/resellers/{id}");
    reseller.patch(&path, &json!({ "first_campaigns": 2 })).expect(200);
    let tenant = hosted(&stand, &reseller, 100);
    for says in [
        "Votre vaccin est à renouveler.",
        "Le cabinet déménage au 8 place Carnot.",
    ] {
        let campaign = campaign(&stand, &tenant, says);
        assert_eq!(campaign.ask(&stand.engine, "launch").expect(202)["state"], "in_review");
        let found = open(&reseller);
        assert_eq!(
            (&found["reasons"], &found["words"]),
            (&json!(["first_campaigns"]), &json!([]))
        );
        decide(&reseller, &found, "accept");
        is_completed(&stand, &campaign);
    }
    let third = campaign(&stand, &tenant, "Nos horaires changent.");
    assert_eq!(third.ask(&stand.engine, "launch").expect(202)["state"], "launching");
    is_completed(&stand, &third);

    // One that pays is believed, unless the reseller says otherwise; of contacts it is found out when it was looked at.
    let paying = hosted(&stand, &reseller, 0);
    let http = paying.http(&stand.engine);
    let contact = json!({ "reference": "P1", "last_name": "Martin", "number": "+33612345678" });
    http.post("/v1/contacts", &json!({ "contacts": [contact] })).expect(200);
    let to_all = CampaignOrder::to_audience(&json!({ "filter": {} }));
    let first = paying.create(&stand.engine, &to_all);
    reseller.patch(&path, &json!({ "hold_first": "all" })).expect(200);
    assert_eq!(first.ask(&stand.engine, "launch").expect(202)["state"], "in_review");
    decide(&reseller, &open(&reseller), "accept");
    is_completed(&stand, &first);
    reseller.patch(&path, &json!({ "hold_first": "none" })).expect(200);
    let second = campaign(&stand, &paying, "Votre vaccin est à renouveler.");
    assert_eq!(second.ask(&stand.engine, "launch").expect(202)["state"], "launching");
    for wrong in [
        json!({}),
        json!({ "hold_first": "some" }),
        json!({ "first_campaigns": 0 }),
        json!({ "hold_flagged": "yes" }),
    ] {
        reseller.patch(&path, &wrong).expect_problem(&[400, 422]);
    }
}

#[test]
fn what_was_rejected_goes_neither_as_a_campaign_nor_by_itself() {
    let stand = stand("flagged-rejected");
    let (_, reseller) = reseller(&stand);
    let tenant = hosted(&stand, &reseller, 100);
    let http = tenant.http(&stand.engine);
    let message = |says: &str, purpose: &str| json!({ "to": "+33612345678", "text": says, "sender": "Cabinet", "purpose": purpose });
    let (held, other) = ("Texte refuse ici", "Votre vaccin est à renouveler.");
    let waiting = campaign(&stand, &tenant, held);
    assert_eq!(waiting.ask(&stand.engine, "launch").expect(202)["state"], "in_review");
    http.post("/v1/messages", &message(held, "transactional")).expect(202);
    let found = open(&reseller);
    decide(&reseller, &found, "reject");
    let refused = http
        .post("/v1/messages", &message(held, "transactional"))
        .expect_problem(&[409]);
    assert_eq!(refused["code"], "text_rejected");
    assert!(
        text(&refused["detail"]).ends_with("C'est de la publicité."),
        "{refused}"
    );
    // As something else it may go, as may another text, and who tries it out on phones of their own.
    http.post("/v1/messages", &message(held, "marketing")).expect(202);
    http.post("/v1/messages", &message(other, "transactional")).expect(202);
    let test = format!("/v1/campaigns/{}/test", waiting.id);
    http.post(&test, &json!({ "to": ["+33612345678"] })).expect(202);
    // A later decision takes the place of an earlier one.
    decide(&reseller, &found, "accept");
    http.post("/v1/messages", &message(held, "transactional")).expect(202);

    // The other way round.
    http.post("/v1/messages", &message(PROMO, "transactional")).expect(202);
    decide(&reseller, &open(&reseller), "reject");
    let refused = campaign(&stand, &tenant, PROMO);
    assert_eq!(
        refused.ask(&stand.engine, "launch").expect_problem(&[409])["code"],
        "text_rejected"
    );
}

#[test]
fn whatever_dies_meanwhile_what_waits_is_launched_once() {
    for seed in [1, 2] {
        println!("seed {seed}");
        killed(seed);
    }
}

fn killed(seed: u64) {
    let mut dice = Dice::new(seed);
    let mut stand = stand(&format!("flagged-kills-{seed}"));
    let (id, http) = reseller(&stand);
    let tenant = hosted(&stand, &http, 1_000);
    let keys = format!("/v1/resellers/{id}/keys");
    let key = stand
        .engine
        .operator()
        .post(&keys, &json!({ "role": "admin" }))
        .expect(201);
    let key = text(&key["api_key"]);
    let mut orders = Vec::new();
    for number in 0..4 {
        let says = format!("Texte {}", ["un", "deux", "trois", "quatre"][number]);
        orders.push(campaign(&stand, &tenant, &says));
    }
    for order in &orders {
        // It may die before it has answered, or right behind.
        order.ask(&stand.engine, "launch").expect(202);
        if dice.roll(0..=1) == 0 {
            stand.engine.kill();
            stand.engine.restart();
        }
    }
    let http = stand.engine.public().with_key(&key);
    let waiting = flagged(&http, "?state=open");
    assert_eq!(waiting.len(), 4, "seed {seed}: {waiting:?}");
    for one in &waiting {
        let http = stand.engine.public().with_key(&key);
        decide(&http, one, "accept");
        if dice.roll(0..=1) == 0 {
            stand.engine.kill();
            stand.engine.restart();
        }
    }
    for order in &orders {
        // What was on its way when the engine died may be in doubt.
        order.wait(&stand.engine, "it goes", LIMIT, |view| {
            view.status("delivered") + view.progress.in_doubt == 3
        });
    }
    for (to, rows) in stand.sim.ledger_by_recipient() {
        let mut texts: Vec<String> = rows.into_iter().filter_map(|row| row.text).collect();
        let count = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), count, "seed {seed}: {to} has something twice: {texts:?}");
    }
}
