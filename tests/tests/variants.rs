//! Other texts for some of the contacts whom a campaign means.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Stand, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Of two segments, with its name.
const RUNNERS: &str = "Bravo [Prenom] pour votre marathon ! Le cabinet vous attend : après l'effort, un bilan de vos appuis, de \
                       vos chevilles et de vos genoux prend une demi-heure, et vous repartirez plus léger.";

fn contacts() -> Value {
    json!([
        {"reference": "1", "number": "+33612345601", "first_name": "Zoé", "practices": ["Lyon"], "tags": ["sport"]},
        {"reference": "2", "number": "+33612345602", "first_name": "Hugo", "practices": ["Lyon"]},
        {"reference": "3", "number": "+33612345603", "first_name": "Ana", "practices": ["Paris"]},
        {"reference": "4", "number": "+33612345604", "first_name": "Tom", "practices": ["Paris"]}
    ])
}

fn order() -> CampaignOrder {
    CampaignOrder::to_audience(&json!({ "filter": {}, "numbers": "+33612345609" }))
        .with("text", json!("Le cabinet vous attend."))
        .with(
            "variants",
            json!([
                { "filter": { "field": "tag", "is": "sport" }, "text": RUNNERS },
                { "filter": { "field": "practice", "is": "lyon" }, "text": "[Prenom], le cabinet de Lyon vous attend." },
            ]),
        )
}

#[test]
fn req_004_05_a_text_has_variants_for_those_whom_a_filter_means() {
    let stand = Stand::new(programs!(), "variants", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    http.post("/v1/contacts", &json!({ "contacts": contacts() }))
        .expect(200);
    let campaign = stand.tenant.create(&stand.engine, &order());
    let path = format!("/v1/campaigns/{}", campaign.id);
    let shown = http.get(&path).expect(200);
    assert_eq!(shown["variants"], order().body["variants"]);

    let estimate = http.post(&format!("{path}/estimate"), &json!({})).expect(200);
    let sums = |recipients, segments| json!({ "recipients": recipients, "segments": segments, "credits": segments });
    assert_eq!(
        estimate["by_variant"],
        json!([sums(3, 3), sums(1, 2), sums(1, 1)]),
        "{estimate}"
    );
    assert_eq!(estimate["max"], sums(5, 6));
    let samples = estimate["samples"].as_array().expect("samples");
    for (variant, begin) in [
        (json!(null), "Le cabinet"),
        (json!(1), "Bravo Zo"),
        (json!(2), "Hugo, "),
    ] {
        let sample = samples.iter().find(|sample| sample["variant"] == variant);
        let text = sample.and_then(|sample| sample["text"].as_str()).unwrap_or_default();
        assert!(text.starts_with(begin), "{variant}: {samples:?}");
    }

    campaign.ask(&stand.engine, "launch").expect(202);
    campaign.wait(&stand.engine, "all are delivered and booked", LIMIT, |view| {
        view.status("delivered") == 5 && view.credits.held == 0
    });
    let of = |number: &str| {
        let rows = stand.sim.ledger_by_recipient();
        let texts = rows[number].iter().map(|row| row.text.clone().unwrap_or_default());
        texts.collect::<String>()
    };
    assert_eq!(
        of("33612345601"),
        RUNNERS.replace("[Prenom]", "Zoé"),
        "the first that fits"
    );
    assert_eq!(of("33612345602"), "Hugo, le cabinet de Lyon vous attend.");
    for other in ["33612345603", "33612345604", "33612345609"] {
        assert_eq!(of(other), "Le cabinet vous attend.");
    }
    assert_eq!(campaign.view(&stand.engine).credits.spent, 6);
    let report = http.get(&format!("{path}/report")).expect(200);
    let variants = report["variants"].as_array().expect("variants");
    let counted: Vec<Value> = variants
        .iter()
        .map(|of| json!([of["recipients"], of["statuses"]["delivered"]]))
        .collect();
    assert_eq!(counted, [json!([3, 3]), json!([1, 1]), json!([1, 1])], "{report}");
    assert_eq!(
        (&variants[0]["filter"], &variants[1]["filter"]),
        (&json!(null), &json!({ "field": "tag", "is": "sport" }))
    );
}

#[test]
fn req_004_05_variants_are_refused_with_what_is_wrong_and_where() {
    let stand = Stand::new(programs!(), "variants-wrong", "", |smsc| smsc);
    let refused = |order: CampaignOrder, pointer: &str, code: &str| {
        let answer = stand.tenant.http(&stand.engine).post("/v1/campaigns", &order.body);
        answer.expect_field_problem(&[400, 422], pointer);
        let errors = answer.json()["errors"].clone();
        let found = errors
            .as_array()
            .expect("errors")
            .iter()
            .any(|error| error["code"] == code);
        assert!(found, "{code}: {errors}");
    };
    let variants = |variants: Value| order().with("variants", variants);
    let one = |filter: Value, text: &str| variants(json!([{ "filter": filter, "text": text }]));
    refused(variants(json!({})), "/variants", "wrong_type");
    let eleven: Vec<Value> = (0..11).map(|_| json!({ "filter": {}, "text": "Bonjour" })).collect();
    refused(variants(json!(eleven)), "/variants", "too_many");
    refused(
        variants(json!([{ "filter": {}, "texte": "Bonjour" }])),
        "/variants/0/texte",
        "unknown_field",
    );
    refused(
        variants(json!([{ "text": "Bonjour" }])),
        "/variants/0/filter",
        "missing",
    );
    refused(one(json!({}), " "), "/variants/0/text", "empty");
    refused(
        one(json!({}), "Bonjour [Ville]"),
        "/variants/0/text",
        "unknown_merge_field",
    );
    refused(
        one(json!({ "field": "tague", "is": "sport" }), "Bonjour"),
        "/variants/0/filter/field",
        "unknown_value",
    );
    let rows = CampaignOrder::to_first(1).with("variants", order().body["variants"].clone());
    refused(rows, "/variants", "missing_beside");
}
