//! Texts that clinics keep for their campaigns, and what campaigns are about.

use campanile_tests::{CampaignOrder, Http, Stand, programs};
use serde_json::{Value, json};

fn stand(name: &str) -> Stand {
    Stand::new(programs!(), name, "", |smsc| smsc)
}

fn of_template(id: &Value) -> CampaignOrder {
    CampaignOrder::to_first(1)
        .without("text")
        .without("purpose")
        .with("template", id.clone())
}

fn names(http: &Http, query: &str) -> Vec<String> {
    let page = http.get(&format!("/v1/campaigns{query}")).expect(200);
    let rows = page["data"].as_array().expect("rows").clone();
    rows.iter()
        .map(|row| row["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn req_001_01_a_campaign_is_of_a_template_as_it_was_when_it_was_made() {
    let stand = stand("templates");
    let http = stand.tenant.http(&stand.engine);
    let given = json!({
        "name": "Portes ouvertes", "purpose": "marketing", "category": "open_day", "text": "Venez le 12 mai, [Nom|cher patient] !",
    });
    let first = http.post("/v1/templates", &given).expect(201);
    assert_eq!((&first["version"], &first["text"]), (&json!(1), &given["text"]));
    let again = http.post("/v1/templates", &given).expect(201);
    assert_eq!(
        (&again["id"], &again["version"]),
        (&first["id"], &json!(1)),
        "it says the same"
    );

    let made = stand.tenant.create(&stand.engine, &of_template(&first["id"]));
    let path = format!("/v1/templates/{}", first["id"].as_str().expect("an id"));
    let changed = http.patch(&path, &json!({ "text": "Venez le 13 mai !" })).expect(200);
    assert_eq!(
        (&changed["version"], &changed["purpose"]),
        (&json!(2), &json!("marketing"))
    );
    let later = stand.tenant.create(&stand.engine, &of_template(&first["id"]));
    let shown = |id: &str| http.get(&format!("/v1/campaigns/{id}")).expect(200);
    for (campaign, version, text) in [
        (&made, 1, "Venez le 12 mai, [Nom|cher patient] !"),
        (&later, 2, "Venez le 13 mai !"),
    ] {
        let shown = shown(&campaign.id);
        assert_eq!(shown["template"], json!({ "id": first["id"], "version": version }));
        assert_eq!(
            (&shown["text"], &shown["purpose"], &shown["category"]),
            (&json!(text), &json!("marketing"), &json!("open_day"))
        );
    }
    let versions = http.get(&format!("{path}/versions")).expect(200);
    let versions: Vec<&Value> = versions["data"].as_array().expect("versions").iter().collect();
    assert_eq!(
        versions.iter().map(|one| &one["version"]).collect::<Vec<_>>(),
        [&json!(2), &json!(1)]
    );
    assert_eq!(versions[1]["text"], given["text"]);

    // What a campaign says itself goes before what the template says, but for the text.
    let own = of_template(&first["id"]).with("category", json!("promotion"));
    let own = stand.tenant.create(&stand.engine, &own);
    assert_eq!(shown(&own.id)["category"], "promotion");
    let refused = |order: CampaignOrder, pointer: &str, code: &str| {
        let answer = http.post("/v1/campaigns", &order.body);
        answer.expect_field_problem(&[400, 422], pointer);
        assert_eq!(answer.json()["errors"][0]["code"], code);
    };
    refused(
        of_template(&first["id"]).with("text", json!("Bonjour")),
        "/template",
        "not_beside",
    );
    refused(of_template(&json!("tpl_0")), "/template", "unknown_value");
    let stranger = stand.engine.tenant("Autre cabinet", 10);
    let theirs = stranger.http(&stand.engine);
    theirs
        .post("/v1/campaigns", &of_template(&first["id"]).body)
        .expect_problem(&[422]);
    theirs.get(&path).expect_problem(&[404]);

    http.delete(&path).expect_none(204);
    http.get(&path).expect_problem(&[404]);
    assert_eq!(shown(&made.id)["text"], given["text"], "campaigns keep their texts");
    refused(of_template(&first["id"]), "/template", "unknown_value");
}

#[test]
fn req_002_08_campaigns_are_listed_by_what_they_are_about_their_state_and_their_date() {
    let stand = stand("templates-list");
    let http = stand.tenant.http(&stand.engine);
    let categories = http.get("/v1/categories").expect(200);
    let categories = categories["data"].as_array().expect("categories").clone();
    for (code, french) in [
        ("move", "Déménagement"),
        ("fees", "Tarif"),
        ("greetings", "Vœux"),
        ("holidays", "Congés"),
        ("private_sale", "Ventes privées"),
        ("open_day", "Portes ouvertes"),
    ] {
        let found = categories.iter().find(|one| one["category"] == code).expect(code);
        assert_eq!(found["fr"]["label"], french);
        assert!(!found["en"]["text"].as_str().expect("a text").is_empty());
    }
    let make = |name: &str, category: &str| {
        let order = CampaignOrder::to_first(1)
            .with("name", json!(name))
            .with("purpose", json!("marketing"))
            .with("category", json!(category));
        stand.tenant.create(&stand.engine, &order)
    };
    let (plain, sale) = (CampaignOrder::to_first(1), make("Soldes", "private_sale"));
    stand.tenant.create(&stand.engine, &plain);
    make("Portes ouvertes", "open_day");
    let in_a_week = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7 * 24);
    sale.schedule(&stand.engine, &json!({ "scheduled_at": in_a_week.to_string() }))
        .expect(200);
    assert_eq!(names(&http, ""), ["Portes ouvertes", "Rappel", "Soldes"]);
    assert_eq!(names(&http, "?category=open_day"), ["Portes ouvertes"]);
    assert_eq!(names(&http, "?state=scheduled"), ["Soldes"]);
    assert_eq!(names(&http, "?state=draft&category=private_sale"), [""; 0]);
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    assert_eq!(names(&http, &format!("?since={tomorrow}")), ["Soldes"]);
    assert_eq!(
        names(&http, &format!("?until={tomorrow}")),
        ["Portes ouvertes", "Rappel"]
    );
    assert_eq!(names(&http, &format!("?since={tomorrow}&until={in_a_week}")), [""; 0]);
    let page = http.get("/v1/campaigns?category=private_sale&limit=1").expect(200);
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "{page}");
    for (query, pointer) in [
        ("?state=over", "?state"),
        ("?category=spam", "?category"),
        ("?since=demain", "?since"),
    ] {
        http.get(&format!("/v1/campaigns{query}"))
            .expect_field_problem(&[400, 422], pointer);
    }
}

#[test]
fn req_001_02_what_sells_is_advertising_whatever_its_sender_says() {
    let stand = stand("templates-purpose");
    let http = stand.tenant.http(&stand.engine);
    for category in ["exceptional_opening", "stock_available", "private_sale"] {
        let order = CampaignOrder::to_first(1).with("category", json!(category));
        let answer = http.post("/v1/campaigns", &order.body);
        answer.expect_field_problem(&[422], "/purpose");
        let error = &answer.json()["errors"][0];
        assert_eq!(error["code"], "category_is_marketing");
        assert!(
            error["detail"].as_str().expect("a sentence").contains(category),
            "{error}"
        );
        let advertising = order.with("purpose", json!("marketing"));
        http.post("/v1/campaigns", &advertising.body).expect(201);
        let template = json!({ "name": "Vite", "category": category, "text": "Vite !" });
        http.post("/v1/templates", &template)
            .expect_field_problem(&[422], "/purpose");
    }
    for category in ["reminder", "weather"] {
        let order = CampaignOrder::to_first(1).with("category", json!(category));
        let made = http.post("/v1/campaigns", &order.body).expect(201);
        assert_eq!(
            (&made["purpose"], &made["category"]),
            (&json!("transactional"), &json!(category))
        );
    }
}
