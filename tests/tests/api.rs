//! What bad input gets: a problem document that points at the field, and the rest of the campaign is not lost.

use campanile_tests::{
    Campaign, CampaignOrder, Engine, EngineSettings, Lab, SmscSettings, Stand, Tenant, eventually, programs, recipients,
};
use serde_json::{Value, json};

/// RFC 9110: 400 when the document itself is wrong, 422 when it is a value in it.
const SHAPE_OR_VALUE: [u16; 2] = [400, 422];

fn stand(name: &str) -> Stand {
    Stand::new(programs!(), name, "", |smsc| smsc)
}

fn spendable(engine: &Engine, tenant: &Tenant) -> u64 {
    engine.credits(tenant).available
}

#[test]
fn req_000_15_bad_recipients_are_counted_and_listed_and_neither_sent_nor_billed() {
    let stand = stand("api-bad-recipients");
    let before = spendable(&stand.engine, &stand.tenant);
    let audience = json!({ "recipients": [
        { "to": "+33612345678", "Nom": "Durand" },
        { "to": "06 12 34 56 78", "Nom": "Durand encore" },
        { "to": "+33123456789", "Nom": "Fixe" },
        { "to": "bonjour", "Nom": "Rien" },
        { "to": "", "Nom": "Vide" },
        { "to": "+33687654321", "Nom": "Petit" },
    ] });
    let body = CampaignOrder::to_audience(&audience).body;
    let created = stand
        .tenant
        .http(&stand.engine)
        .post("/v1/campaigns", &body)
        .expect(201);
    let counted = &created["audience"];
    assert_eq!(
        (
            &counted["accepted"],
            &counted["invalid"],
            &counted["not_mobile"],
            &counted["duplicates"]
        ),
        (&json!(2), &json!(2), &json!(1), &json!(1)),
        "{created}"
    );
    assert_eq!(counted["rejected"].as_array().map(Vec::len), Some(4), "{created}");
    assert_eq!(created["estimate"]["recipients"], 2, "{created}");
    assert_eq!(created["estimate"]["credits"], 2, "{created}");

    let campaign = stand.tenant.campaign(created["id"].as_str().expect("an id"));
    campaign.ask(&stand.engine, "launch").expect(202);
    stand.wait_until_settled(&campaign, std::time::Duration::from_secs(30));
    stand.consistent_ledgers(&campaign, 2, "bad recipients");
    assert_eq!(stand.sim.totals().submits, 2);
    assert_eq!(spendable(&stand.engine, &stand.tenant), before - 2);
}

#[test]
fn req_000_16_a_list_of_numbers_takes_commas_and_semicolons() {
    let stand = stand("api-numbers");
    let order =
        CampaignOrder::to_audience(&json!({ "numbers": "+33612345678;+33687654321, 0033611111111,+33612345678" }));
    let created = stand
        .tenant
        .http(&stand.engine)
        .post("/v1/campaigns", &order.body)
        .expect(201);
    assert_eq!(created["audience"]["accepted"], 3, "{created}");
    assert_eq!(created["audience"]["duplicates"], 1, "{created}");
}

#[test]
fn each_wrong_field_of_a_campaign_is_pointed_at() {
    let stand = stand("api-wrong-fields");
    let http = stand.tenant.http(&stand.engine);
    let order = || CampaignOrder::to_first(3);
    let wrong: [(CampaignOrder, &str); 10] = [
        (order().with("text", json!("")), "/text"),
        (order().with("text", json!("Bonjour [Titre] [Nom]")), "/text"),
        (order().with("text", json!("x".repeat(5_000))), "/text"),
        (order().with("text", json!(7)), "/text"),
        (
            order().with("sender", json!("un expéditeur beaucoup trop long")),
            "/sender",
        ),
        (order().with("sender", json!("")), "/sender"),
        (order().with("purpose", json!("spam")), "/purpose"),
        (order().with("couleur", json!("bleu")), "/couleur"),
        (order().without("text"), "/text"),
        (order().without("audience"), "/audience"),
    ];
    for (order, pointer) in wrong {
        let answer = http.post("/v1/campaigns", &order.body);
        println!("{pointer}: {}", answer.text);
        answer.expect_field_problem(&SHAPE_OR_VALUE, pointer);
    }
    // A recipient of the wrong type breaks the document; a recipient that is not a number is only left out.
    let mistyped = json!({ "recipients": [{ "to": "+33612345678" }, { "to": ["+33687654321"] }] });
    let answer = http.post("/v1/campaigns", &CampaignOrder::to_audience(&mistyped).body);
    answer.expect_field_problem(&SHAPE_OR_VALUE, "/audience/recipients/1/to");
}

#[test]
fn each_wrong_field_of_a_message_is_pointed_at() {
    let stand = stand("api-wrong-message");
    let http = stand.tenant.http(&stand.engine);
    let message = |key: &str, value: Value| {
        let mut body = json!({ "to": "+33612345678", "text": "Bonjour", "sender": "Clinique" });
        body[key] = value;
        http.post("/v1/messages", &body)
    };
    message("to", json!("bonjour")).expect_field_problem(&SHAPE_OR_VALUE, "/to");
    message("to", json!("+33123456789")).expect_field_problem(&SHAPE_OR_VALUE, "/to");
    message("text", json!("")).expect_field_problem(&SHAPE_OR_VALUE, "/text");
    message("sender", json!("!")).expect_field_problem(&SHAPE_OR_VALUE, "/sender");
    message("text", json!("Bonjour")).expect(202);
    stand.sim.wait_for("submits", 1, std::time::Duration::from_secs(20));
}

#[test]
fn a_message_by_itself_has_no_merge_fields_and_may_have_brackets() {
    let stand = stand("api-fields");
    let http = stand.tenant.http(&stand.engine);
    let order = |text: &str| json!({ "to": "+33612345678", "text": text, "sender": "Clinique" });
    for text in [
        "Bonjour [Prenom]",
        "Bonjour {{last_name|à vous}}",
        "[URGENT] [nom], rappelez-nous",
    ] {
        for path in ["/v1/messages", "/v1/messages?dry_run=true"] {
            let refused = http.post(path, &order(text)).expect_problem(&[422]);
            let error = &refused["errors"][0];
            assert_eq!(
                (&error["pointer"], &error["code"]),
                (&json!("/text"), &json!("nothing_to_fill_in")),
                "{refused}"
            );
        }
    }
    let refused = http
        .post("/v1/messages", &order("Voir https://[lien]"))
        .expect_problem(&[422]);
    assert_eq!(refused["errors"][0]["code"], "missing_beside", "{refused}");
    for text in [
        "[URGENT] Rappelez-nous",
        "Salle [2], {3} et [Cabinet Martin",
        "[[Prenom]",
    ] {
        let tried = http.post("/v1/messages?dry_run=true", &order(text)).expect(200);
        assert_eq!(tried["text"], text, "as it is");
    }
}

#[test]
fn req_002_10_a_message_is_tried_without_being_sent() {
    let stand = stand("api-dry-run");
    let http = stand.tenant.http(&stand.engine);
    let before = stand.engine.credits(&stand.tenant);
    let order = json!({ "to": "06 12 34 56 78", "text": "é".repeat(161), "sender": "Clinique" });
    let key = http.once("essai");
    let tried = key.post("/v1/messages?dry_run=true", &order).expect(200);
    let shown = json!({
        "to": "+33612345678", "text": "é".repeat(161), "segments": 2, "credits": 2, "available": before.available,
    });
    assert_eq!(tried, shown);
    let landline = json!({ "to": "+33123456789", "text": "Bonjour", "sender": "Clinique" });
    http.post("/v1/messages?dry_run=true", &landline)
        .expect_field_problem(&SHAPE_OR_VALUE, "/to");
    let poor = stand.engine.tenant("Cabinet Durand", 1).http(&stand.engine);
    poor.post("/v1/messages?dry_run=true", &order).expect_problem(&[402]);
    assert_eq!(stand.engine.credits(&stand.tenant), before);
    // Under the same key it is not the same request.
    key.post("/v1/messages", &order).expect(202);
    stand.sim.wait_for("submits", 2, std::time::Duration::from_secs(20));
    assert_eq!(stand.sim.totals().submits, 2);
}

#[test]
fn what_would_have_no_effect_or_two_meanings_is_refused() {
    let stand = stand("api-meaning");
    let http = stand.tenant.http(&stand.engine);
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(1));
    let launch = format!("/v1/campaigns/{}/launch", campaign.id);
    for path in [launch.as_str(), "/v1/people/erase", "/v1/contacts"] {
        let body = json!({ "number": "+33612345678" });
        let refused = http.post(&format!("{path}?dry_run=true"), &body);
        refused.expect_field_problem(&[400], "?dry_run");
    }
    http.get("/v1/balance?limit=1").expect_field_problem(&[400], "?limit");
    http.get("/v1/campaigns?limit=1&limit=2")
        .expect_field_problem(&SHAPE_OR_VALUE, "?limit");
    assert_eq!(campaign.view(&stand.engine).state, "draft");
    let twice = br#"{"to": "+33612345678", "text": "Bonjour", "sender": "Clinique", "to": "+33612345679"}"#;
    http.post_bytes("/v1/messages", twice)
        .expect_field_problem(&SHAPE_OR_VALUE, "/to");
    let path = format!("/v1/tenants/{}/credits", stand.tenant.id);
    let before = stand.engine.credits(&stand.tenant);
    stand
        .engine
        .operator()
        .post_bytes(&path, br#"{"amount": 1, "amount": 2, "reference": "deux"}"#)
        .expect_field_problem(&SHAPE_OR_VALUE, "/amount");
    assert_eq!(stand.engine.credits(&stand.tenant), before);
    let invisible = json!({ "to": "+33612345678", "text": "\u{200b}", "sender": "Clinique" });
    http.post("/v1/messages", &invisible)
        .expect_field_problem(&SHAPE_OR_VALUE, "/text");
    let recipients = json!({ "recipients": [{ "to": "+33612345678" }] });
    let empty = CampaignOrder::to_audience(&recipients).with("text", json!("[Texte]"));
    let columns =
        json!({ "recipients": [{ "to": "+33612345678", "Texte": "Oui" }, { "to": "+33612345679", "Texte": " " }] });
    let some = CampaignOrder::to_audience(&columns).with("text", json!("[Texte]"));
    for (order, place) in [(empty, "/text"), (some, "/audience")] {
        http.post("/v1/campaigns", &order.body)
            .expect_field_problem(&SHAPE_OR_VALUE, place);
    }
}

#[test]
fn a_single_message_that_fails_gives_its_credit_back_at_once() {
    let stand = Stand::new(programs!(), "api-given-back", "magic = true\n", |smsc| smsc);
    let tenant = stand.engine.tenant("Cabinet Durand", 1);
    let http = tenant.http(&stand.engine);
    let unknown = json!({ "to": "+33600000901", "text": "Bonjour", "sender": "Clinique" });
    for again in 0..2 {
        let sent = http.post("/v1/messages", &unknown).expect(202);
        let path = format!("/v1/messages/{}", sent["id"].as_str().expect("an id"));
        eventually("its credit is there again", std::time::Duration::from_secs(30), || {
            let credits = stand.engine.credits(&tenant);
            (credits.available == 1 && credits.held == 0).then_some(())
        });
        println!("{again}: {}", http.get(&path).text);
    }
}

#[test]
fn req_000_16_an_audience_of_which_nobody_can_be_sent_to_says_why_of_each_number() {
    let stand = stand("api-nobody");
    let http = stand.tenant.http(&stand.engine);
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let france = json!({ "countries": ["FR"] });
    stand.engine.operator().ask("PATCH", &path, Some(&france)).expect(200);
    let audience = json!({ "numbers": "+41791234567; 0123456789, 06123" });
    let refused = http
        .post("/v1/campaigns", &CampaignOrder::to_audience(&audience).body)
        .expect_problem(&[422]);
    assert_eq!(refused["code"], "empty_audience");
    let errors = refused["errors"].as_array().expect("errors").iter();
    let told: Vec<_> = errors
        .map(|error| json!([error["pointer"], error["value"], error["code"]]))
        .collect();
    let expected = json!([
        ["/audience/numbers", "+41791234567", "country_not_allowed"],
        ["/audience/numbers", "0123456789", "not_mobile"],
        ["/audience/numbers", "06123", "invalid_number"],
    ]);
    assert_eq!(json!(told), expected, "{refused}");
}

#[test]
fn req_001_04_consent_that_is_asked_for_since_a_draft_was_made_holds_for_it_as_well() {
    let stand = stand("api-consent-since");
    let order = CampaignOrder::to_first(1).with("purpose", json!("marketing"));
    let campaign = stand.tenant.create(&stand.engine, &order);
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let terms = json!({ "require_consent": true });
    stand.engine.operator().ask("PATCH", &path, Some(&terms)).expect(200);
    let refused = campaign.ask(&stand.engine, "launch");
    refused.expect_field_problem(&[422], "/audience");
    assert_eq!(refused.json()["errors"][0]["code"], "consent_required");
    assert_eq!(stand.sim.totals().submits, 0);
}

#[test]
fn broken_documents_are_refused() {
    let stand = stand("api-broken");
    let http = stand.tenant.http(&stand.engine);
    let whole = CampaignOrder::to_first(3).body.to_string();
    let cut = &whole.as_bytes()[..whole.len() - 10];
    for body in [b"".as_slice(), b"{", b"[]", b"null", b"\xff\xfe{}", cut] {
        http.post_bytes("/v1/campaigns", body).expect_problem(&SHAPE_OR_VALUE);
    }
    let nested = "[".repeat(100_000);
    http.post_bytes("/v1/campaigns", nested.as_bytes())
        .expect_problem(&SHAPE_OR_VALUE);
    // Refused as a whole: no campaign came of it, and the engine is as well as before.
    http.post("/v1/campaigns", &CampaignOrder::to_first(3).body).expect(201);
}

#[test]
fn a_body_too_large_is_refused() {
    let lab = Lab::new(programs!(), "api-too-large");
    let redis = lab.redis();
    let sim = lab.sim("");
    let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
    settings
        .api_lines
        .push("body_max = 100000\nrecipients_max = 1000".to_owned());
    let engine = lab.engine(&settings);
    let tenant = engine.tenant("Cabinet Martin", 10_000);
    let http = tenant.http(&engine);
    let order = CampaignOrder::to_first(3).with("name", json!("x".repeat(200_000)));
    // The server may hang up before it has read all; what it may not do is take it.
    if let Ok(answer) = http.try_post_bytes("/v1/campaigns", order.body.to_string().as_bytes()) {
        answer.expect_problem(&[413, 422]);
    }
    let numbers: Vec<String> = recipients(1_001).collect();
    let order = CampaignOrder::to_audience(&json!({ "numbers": numbers.join(";") }));
    http.post("/v1/campaigns", &order.body).expect_problem(&[422]);
    http.post("/v1/campaigns", &CampaignOrder::to_first(3).body).expect(201);
}

#[test]
fn keys_open_what_is_theirs_and_nothing_else() {
    let stand = stand("api-keys");
    let body = CampaignOrder::to_first(3).body;
    let api = stand.engine.public();
    for http in [
        api.clone(),
        api.with_key("sk_wrong"),
        api.with_key(""),
        api.with_key(&"x".repeat(5_000)),
    ] {
        http.post("/v1/campaigns", &body).expect_problem(&[401]);
        http.get("/v1/campaigns/cmp_1").expect_problem(&[401]);
    }
    // A tenant is no operator.
    let tenant_http = stand.tenant.http(&stand.engine);
    tenant_http
        .post("/v1/tenants", &json!({ "name": "moi" }))
        .expect_problem(&[401, 403]);

    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(3));
    let stranger = stand.engine.tenant("Cabinet Durand", 100);
    let theirs = stranger.http(&stand.engine);
    for path in ["", "/recipients"] {
        theirs
            .get(&format!("/v1/campaigns/{}{path}", campaign.id))
            .expect_problem(&[404]);
    }
    for action in ["launch", "pause", "resume", "cancel"] {
        let same: Campaign = stranger.campaign(&campaign.id);
        same.ask(&stand.engine, action).expect_problem(&[404]);
    }
    for id in ["cmp_1", "x", "cmp_%00", "..", "cmp_99999999999999999999999999"] {
        theirs.get(&format!("/v1/campaigns/{id}")).expect_problem(&[404]);
    }
    assert_eq!(campaign.view(&stand.engine).state, "draft");
}

#[test]
fn credits_are_positive_and_do_not_overflow() {
    let stand = stand("api-credits");
    let path = format!("/v1/tenants/{}/credits", stand.tenant.id);
    let operator = stand.engine.operator();
    let before = stand.engine.credits(&stand.tenant);
    let too_much = [
        json!(-1),
        json!(0),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(1.5),
        json!("10"),
        json!(null),
    ];
    for amount in too_much {
        let answer = operator.post(&path, &json!({ "amount": amount, "reference": "non" }));
        println!("{amount}: {}", answer.text);
        answer.expect_field_problem(&SHAPE_OR_VALUE, "/amount");
    }
    assert_eq!(stand.engine.credits(&stand.tenant), before);
    operator
        .post(
            "/v1/tenants/ten_1/credits",
            &json!({ "amount": 1, "reference": "rien" }),
        )
        .expect_problem(&[404]);
}

#[test]
fn a_balance_one_short_refuses_and_an_equal_one_passes() {
    let stand = stand("api-balance");
    let messages = 50;
    let tenant = stand.engine.tenant("Cabinet Durand", messages - 1);
    let order = CampaignOrder::to_first(usize::try_from(messages).expect("a small number"));
    let campaign = tenant.create(&stand.engine, &order);
    campaign.ask(&stand.engine, "launch").expect_problem(&[402]);
    assert_eq!(spendable(&stand.engine, &tenant), messages - 1);
    assert_eq!(stand.sim.totals().submits, 0);

    let one = json!({ "amount": 1, "reference": "le dernier" });
    stand
        .engine
        .operator()
        .post(&format!("/v1/tenants/{}/credits", tenant.id), &one)
        .expect(201);
    campaign.ask(&stand.engine, "launch").expect(202);
    stand.wait_until_settled(&campaign, std::time::Duration::from_secs(30));
    assert_eq!(campaign.view(&stand.engine).status("delivered"), messages);
    assert_eq!(spendable(&stand.engine, &tenant), 0);
}
