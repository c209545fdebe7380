//! What is asked of texts and senders: the clause that says how to write STOP, in each text that needs it, once, counted and billed, and
//! obeyed; senders that are approved; advertising that says whose it is.

use std::time::Duration;

use campanile_tests::{CampaignOrder, EngineSettings, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const SHORT_CODE: &str = "36180";

fn stand(name: &str) -> Stand {
    Stand::under(Lab::new(programs!(), name), "", |redis, sim| EngineSettings {
        engine_lines: vec![format!("stop_number = \"{SHORT_CODE}\"")],
        ..EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    })
}

/// What each of these recipients got, all segments together.
fn got(stand: &Stand, recipients: &[&str]) -> Vec<String> {
    eventually("all of it is sent", LIMIT, || {
        let ledger = stand.sim.ledger_by_recipient();
        let whole = |recipient: &&str| {
            let rows = ledger.get(*recipient)?;
            let parts = rows
                .iter()
                .map(|row| row.text.clone().expect("the simulator keeps texts"));
            (rows.len() == usize::from(rows[0].total.max(1))).then(|| parts.collect::<String>())
        };
        recipients.iter().map(whole).collect()
    })
}

#[test]
fn req_000_10_advertising_says_how_to_write_stop_and_is_billed_with_it() {
    let stand = stand("clause");
    let (tenant, engine) = (&stand.tenant, &stand.engine);
    let http = tenant.http(engine);
    let campaign = |to: &str, purpose: &str, text: &str| {
        let audience = json!({ "recipients": [{ "to": to, "Nom": "Martin" }] });
        let order = CampaignOrder::to_audience(&audience)
            .with("purpose", json!(purpose))
            .with("text", json!(text));
        tenant.order(engine, &order)
    };
    let marked = campaign(
        "+33612345671",
        "marketing",
        "[Nom], portes ouvertes samedi. STOP au XXXXX",
    );
    campaign("+33612345672", "marketing", "[Nom], portes ouvertes samedi.");
    campaign("+33612345676", "marketing", "Soldes samedi {{Nom|STOP au XXXXX}}");
    campaign("+33612345673", "transactional", "[Nom], RDV samedi.");
    let message = |to: &str, purpose: &str| json!({ "to": to, "sender": "Clinique", "text": "Portes ouvertes", "purpose": purpose });
    http.post("/v1/messages", &message("+33612345674", "marketing"))
        .expect(202);
    http.post("/v1/messages", &message("+33612345675", "transactional"))
        .expect(202);
    let to = [
        "33612345671",
        "33612345672",
        "33612345673",
        "33612345674",
        "33612345675",
        "33612345676",
    ];
    let said = [
        "Martin, portes ouvertes samedi. STOP au 36180",
        "Martin, portes ouvertes samedi. STOP au 36180",
        "Martin, RDV samedi.",
        "Portes ouvertes STOP au 36180",
        "Portes ouvertes",
        "Soldes samedi Martin STOP au 36180",
    ];
    assert_eq!(got(&stand, &to), said);
    let shown = http.get(&format!("/v1/campaigns/{}", marked.id)).expect(200);
    assert_eq!(
        shown["text"], "[Nom], portes ouvertes samedi. STOP au 36180",
        "as it goes"
    );

    // 150 characters are one segment, with the clause two.
    let long = json!({ "text": "a".repeat(150), "purpose": "marketing" });
    let analysis = http.post("/v1/text/analyze", &long).expect(200);
    assert_eq!((&analysis["segments"], &analysis["units"]), (&json!(2), &json!(164)));
    assert_eq!(analysis["characters"], 150, "of the clinic's own");
    let order = CampaignOrder::to_first(1)
        .with("purpose", json!("marketing"))
        .with("text", long["text"].clone());
    let priced = http.post("/v1/campaigns", &order.body).expect(201);
    assert_eq!(priced["estimate"]["credits"], 2);

    // Who writes it there is left out from then on.
    stand.sim.inbound("33612345671", SHORT_CODE, "STOP");
    eventually("the STOP is kept", LIMIT, || {
        let estimate = format!("/v1/campaigns/{}/estimate", again(&stand).id);
        (http.post(&estimate, &json!({})).expect(200)["opted_out"] == 1).then_some(())
    });
}

/// A draft to the one who writes STOP.
fn again(stand: &Stand) -> campanile_tests::Campaign {
    let order = CampaignOrder::to_audience(&json!({ "numbers": "+33612345671" }));
    stand
        .tenant
        .create(&stand.engine, &order.with("purpose", json!("marketing")))
}

#[test]
fn req_001_14_a_tenant_has_the_clause_in_its_own_words() {
    let stand = stand("clause-own");
    let operator = stand.engine.operator();
    let terms = format!("/v1/tenants/{}", stand.tenant.id);
    let http = stand.tenant.http(&stand.engine);
    let analyzed = |purpose: &str| {
        let body = json!({ "text": "RDV demain", "purpose": purpose });
        http.post("/v1/text/analyze", &body).expect(200)["sent"].clone()
    };
    assert_eq!(analyzed("transactional"), "RDV demain");
    let always = json!({ "stop_clause": "always", "stop_text": "STOP:XXXXX" });
    let changed = operator.patch(&terms, &always).expect(200);
    assert_eq!(
        (&changed["stop_clause"], &changed["stop_text"]),
        (&json!("always"), &json!("STOP:XXXXX"))
    );
    assert_eq!(analyzed("transactional"), "RDV demain STOP:36180");
    assert_eq!(analyzed("marketing"), "RDV demain STOP:36180");
    let message = json!({ "to": "+33612345678", "sender": "Clinique", "text": "RDV demain 9 h" });
    http.post("/v1/messages", &message).expect(202);
    assert_eq!(got(&stand, &["33612345678"]), ["RDV demain 9 h STOP:36180"]);
    for (wrong, pointer) in [
        (json!({ "stop_text": "Sans mention" }), "/stop_text"),
        (json!({ "stop_text": "STOP au 36180" }), "/stop_text"),
        (json!({ "stop_clause": "never" }), "/stop_clause"),
    ] {
        operator.patch(&terms, &wrong).expect_field_problem(&[422], pointer);
    }
}

#[test]
fn without_a_number_for_stop_no_mark_goes_out() {
    let stand = Stand::new(programs!(), "clause-none", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let text = json!("Portes ouvertes. STOP au XXXXX");
    let order = CampaignOrder::to_first(1).with("text", text.clone());
    let refused = |answer: campanile_tests::Answer| {
        answer.expect_field_problem(&[422], "/text");
        let code: Value = answer.json()["errors"][0]["code"].clone();
        assert_eq!(code, "no_stop_number");
    };
    refused(http.post("/v1/campaigns", &order.body));
    refused(http.post(
        "/v1/messages",
        &json!({ "to": "+33612345678", "sender": "Clinique", "text": text }),
    ));
    refused(http.post("/v1/text/analyze", &json!({ "text": text })));
}

#[test]
fn req_001_12_a_tenant_writes_under_senders_that_are_approved() {
    let stand = stand("clause-senders");
    let operator = stand.engine.operator();
    let terms = format!("/v1/tenants/{}", stand.tenant.id);
    let http = stand.tenant.http(&stand.engine);
    let approved = json!({ "senders": ["OSTEO", "36180"] });
    let changed = operator.patch(&terms, &approved).expect(200);
    assert_eq!(changed["senders"], approved["senders"]);
    let order = |sender: &str| CampaignOrder::to_first(1).with("sender", json!(sender)).body;
    let message = |sender: &str| json!({ "to": "+33612345678", "sender": sender, "text": "RDV demain 9 h" });
    http.post("/v1/campaigns", &order("Osteo")).expect(201);
    http.post("/v1/messages", &message("36180")).expect(202);
    for (path, body) in [
        ("/v1/campaigns", order("KINESUD")),
        ("/v1/messages", message("KINESUD")),
    ] {
        let answer = http.post(path, &body);
        answer.expect_field_problem(&[422], "/sender");
        let error = answer.json()["errors"][0].clone();
        assert_eq!(error["code"], "sender_not_approved");
        assert!(
            error["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("OSTEO, 36180")),
            "{error}"
        );
    }
    operator.patch(&terms, &json!({ "senders": null })).expect(200);
    http.post("/v1/messages", &message("KINESUD")).expect(202);
    for (wrong, pointer) in [
        (json!({ "senders": [] }), "/senders"),
        (json!({ "senders": ["OSTEO", "à l'hôpital"] }), "/senders/1"),
        (json!({ "senders": "OSTEO" }), "/senders"),
        (json!({ "brand": "a".repeat(41) }), "/brand"),
    ] {
        operator
            .patch(&terms, &wrong)
            .expect_field_problem(&[400, 422], pointer);
    }
}

#[test]
fn req_001_20_advertising_says_whose_it_is() {
    let stand = stand("clause-brand");
    let operator = stand.engine.operator();
    let terms = format!("/v1/tenants/{}", stand.tenant.id);
    let http = stand.tenant.http(&stand.engine);
    let brand = json!({ "brand": "Cabinet des Lilas" });
    assert_eq!(operator.patch(&terms, &brand).expect(200)["brand"], brand["brand"]);
    let order = |sender: &str, purpose: &str, text: &str| {
        let order = CampaignOrder::to_first(1).with("sender", json!(sender));
        order.with("purpose", json!(purpose)).with("text", json!(text)).body
    };
    let text = "Portes ouvertes samedi";
    let answer = http.post("/v1/campaigns", &order("36180", "marketing", text));
    answer.expect_field_problem(&[422], "/text");
    assert_eq!(answer.json()["errors"][0]["code"], "advertiser_not_named");
    // Not to whoever has a name.
    let fallback = order("36180", "marketing", "Portes ouvertes, {{Nom|Cabinet des Lilas}}");
    let fallback = http.post("/v1/campaigns", &fallback);
    assert_eq!(
        fallback.expect_problem(&[422])["errors"][0]["code"],
        "advertiser_not_named"
    );
    let message = json!({ "to": "+33612345678", "sender": "36180", "purpose": "marketing", "text": text });
    http.post("/v1/messages", &message)
        .expect_field_problem(&[422], "/text");
    for taken in [
        order("Lilas", "marketing", text),
        order("36180", "marketing", "Le CABINET DES LILAS ouvre ses portes samedi"),
        order("36180", "transactional", text),
    ] {
        http.post("/v1/campaigns", &taken).expect(201);
    }
}

#[test]
fn req_001_20_advertising_from_a_number_without_a_brand_is_warned_of() {
    let stand = stand("clause-unnamed");
    let http = stand.tenant.http(&stand.engine);
    let order = |sender: &str, purpose: &str| {
        let order = CampaignOrder::to_first(1).with("sender", json!(sender));
        order
            .with("purpose", json!(purpose))
            .with("text", json!("Soldes monstres"))
            .body
    };
    let unnamed = |sender: &str, purpose: &str| {
        let made = http.post("/v1/campaigns", &order(sender, purpose)).expect(201);
        let path = format!("/v1/campaigns/{}/estimate", made["id"].as_str().unwrap());
        let estimate = http.post(&path, &json!({})).expect(200);
        let text = json!({ "text": "Soldes monstres", "sender": sender, "purpose": purpose });
        let analysis = http.post("/v1/text/analyze", &text).expect(200);
        assert_eq!(made["advertiser_unnamed"], estimate["advertiser_unnamed"]);
        assert_eq!(made["advertiser_unnamed"], analysis["advertiser_unnamed"]);
        made["advertiser_unnamed"].clone()
    };
    assert_eq!(unnamed("36111", "marketing"), true);
    assert_eq!(unnamed("36111", "transactional"), false);
    assert_eq!(unnamed("Lilas", "marketing"), false);
    // With a brand, such a text is refused.
    let terms = format!("/v1/tenants/{}", stand.tenant.id);
    let operator = stand.engine.operator();
    operator.patch(&terms, &json!({ "brand": "Soldes" })).expect(200);
    assert_eq!(unnamed("36111", "marketing"), false, "it names its brand");
}

#[test]
fn req_001_20_a_short_code_for_what_is_transactional_carries_no_advertising() {
    let stand = stand("clause-38");
    let http = stand.tenant.http(&stand.engine);
    let order = |purpose: &str| {
        let order = CampaignOrder::to_first(1).with("sender", json!("38200"));
        order.with("purpose", json!(purpose)).body
    };
    let message =
        |purpose: &str| json!({ "to": "+33612345678", "sender": "38200", "purpose": purpose, "text": "RDV demain" });
    for refused in [
        http.post("/v1/campaigns", &order("marketing")),
        http.post("/v1/messages", &message("marketing")),
    ] {
        let fault = refused.expect_problem(&[422])["errors"][0].clone();
        assert_eq!(
            (&fault["pointer"], &fault["code"]),
            (&json!("/sender"), &json!("transactional_code")),
            "{fault}"
        );
    }
    let draft = http.post("/v1/campaigns", &order("transactional")).expect(201);
    let path = format!("/v1/campaigns/{}", draft["id"].as_str().unwrap());
    http.post("/v1/messages", &message("transactional")).expect(202);
    http.patch(&path, &json!({ "sender": "36111" })).expect(200);
}

#[test]
fn req_001_14_stop_is_written_to_the_number_that_the_text_comes_from_where_it_is_heard_there() {
    const OWN: &str = "36200";
    let stand = stand("clause-own-number");
    stand.give_number(OWN, &[&stand.tenant]);
    let http = stand.tenant.http(&stand.engine);
    let campaign = |sender: &str, to: [&str; 2], text: &str| {
        let to = to.map(|to| json!({ "to": format!("+{to}") }));
        let order = CampaignOrder::to_audience(&json!({ "recipients": to }))
            .with("sender", json!(sender))
            .with("purpose", json!("marketing"))
            .with("text", json!(text));
        stand.tenant.order(&stand.engine, &order);
    };
    campaign(OWN, ["33612345671", "33612345672"], "Soldes. STOP au XXXXX");
    campaign("Lilas", ["33612345673", "33612345674"], "Soldes. STOP au XXXXX");
    campaign(OWN, ["33612345675", "33612345676"], "Portes ouvertes");
    let to = [
        "33612345671",
        "33612345672",
        "33612345673",
        "33612345674",
        "33612345675",
        "33612345676",
    ];
    let (own, engines) = ("Soldes. STOP au 36200", "Soldes. STOP au 36180");
    let clause = "Portes ouvertes STOP au 36200";
    assert_eq!(got(&stand, &to), [own, own, engines, engines, clause, clause]);
    let text = json!({ "text": "Portes ouvertes", "sender": OWN, "purpose": "marketing" });
    let analysis = http.post("/v1/text/analyze", &text).expect(200);
    assert_eq!(analysis["rendered"], clause);
}
