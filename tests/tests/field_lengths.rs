//! How long the values of merge fields are at most, and what becomes of longer ones.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Http, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// 26 characters.
const LONG: &str = "Marie-Antoinette de Rohan";

/// 150 characters without the name.
fn text() -> String {
    format!("[Prenom], {}", "a".repeat(148))
}

fn contacts() -> Value {
    let names = ["Zoé", "Hugo", LONG, "Anne-Charlotte"];
    let contact = |(at, name): (usize, &&str)| json!({ "reference": at.to_string(), "number": format!("+3361234560{at}"), "first_name": name });
    names.iter().enumerate().map(contact).collect()
}

fn estimate(http: &Http, id: &str) -> Value {
    http.post(&format!("/v1/campaigns/{id}/estimate"), &json!({}))
        .expect(200)
}

fn sums(recipients: u64, segments: u64) -> Value {
    json!({ "recipients": recipients, "segments": segments, "credits": segments })
}

#[test]
fn req_001_17_long_names_are_cut_left_out_or_sent_and_the_estimate_counts_them() {
    let stand = Stand::new(programs!(), "field-lengths", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    http.post("/v1/contacts", &json!({ "contacts": contacts() }))
        .expect(200);
    let order = |longer: &str| {
        CampaignOrder::to_audience(&json!({ "filter": {} }))
            .with("text", json!(text()))
            .with("field_lengths", json!({ "prénom": { "max": 10, "longer": longer } }))
    };
    let made = |longer: &str| {
        let campaign = stand.tenant.create(&stand.engine, &order(longer));
        let estimated = estimate(&http, &campaign.id);
        (campaign, estimated)
    };

    let (whole, sent) = made("send");
    assert_eq!((&sent["max"], &sent["worst"]), (&sums(4, 6), &sums(4, 8)), "{sent}");
    assert_eq!(sent["long_values"], json!({ "truncated": 0, "skipped": 0, "sent": 2 }));
    let (cut, truncated) = made("truncate");
    assert_eq!(
        (&truncated["max"], &truncated["worst"]),
        (&sums(4, 4), &sums(4, 4)),
        "{truncated}"
    );
    assert_eq!(
        truncated["long_values"],
        json!({ "truncated": 2, "skipped": 0, "sent": 0 })
    );
    let (fewer, skipped) = made("skip");
    assert_eq!(
        (&skipped["max"], &skipped["worst"]),
        (&sums(2, 2), &sums(2, 2)),
        "{skipped}"
    );
    assert_eq!(
        skipped["long_values"],
        json!({ "truncated": 0, "skipped": 2, "sent": 0 })
    );
    assert_eq!(skipped["excluded"]["value_too_long"], 2);

    // Who gets nothing for that is in the file of those to write to otherwise.
    let file = format!(
        "/v1/campaigns/{}/left-out?dialect=jsonl&because=value_too_long",
        fewer.id
    );
    let file = http.get(&file).text.clone();
    assert!(file.contains(LONG) && file.contains("Anne-Charlotte"), "{file}");
    assert_eq!(file.lines().count(), 2, "{file}");

    for (campaign, recipients, segments) in [(&whole, 4, 6), (&cut, 4, 4), (&fewer, 2, 2)] {
        let before = stand.sim.totals().submits;
        campaign.ask(&stand.engine, "launch").expect(202);
        let view = campaign.wait(&stand.engine, "all are delivered and booked", LIMIT, |view| {
            view.status("delivered") == recipients && view.credits.held == 0
        });
        assert_eq!(
            (view.credits.spent, stand.sim.totals().submits - before),
            (segments, segments),
            "as estimated"
        );
    }
    who_was_cut_and_who_left_out_is_shown(&stand, (&cut.id, &fewer.id));
}

fn who_was_cut_and_who_left_out_is_shown(stand: &Stand, (cut, fewer): (&str, &str)) {
    let http = stand.tenant.http(&stand.engine);
    let rejected = http.get(&format!("/v1/campaigns/{fewer}/rejected")).expect(200);
    let rows = rejected["data"].as_array().expect("a list").iter();
    let codes: Vec<&str> = rows.map(|row| row["code"].as_str().expect("a code")).collect();
    assert_eq!(codes, ["value_too_long"; 2], "{rejected}");
    let told = |number: &str| {
        let rows = stand.sim.ledger_by_recipient();
        let texts = rows[number].iter().map(|row| row.text.clone().unwrap_or_default());
        texts.collect::<Vec<_>>()
    };
    assert!(
        told("33612345602").iter().any(|text| text.starts_with("Marie-Anto, a")),
        "{:?}",
        told("33612345602")
    );
    let shown = http.get(&format!("/v1/campaigns/{cut}")).expect(200);
    assert_eq!(
        shown["field_lengths"],
        json!({ "Prenom": { "max": 10, "longer": "truncate" } })
    );
    assert_eq!(shown["audience"]["shortened"], 2);
}

#[test]
fn req_001_17_recipients_of_a_request_are_cut_or_left_out_wherever_the_lengths_stand() {
    let stand = Stand::new(programs!(), "field-lengths-rows", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let recipients = json!([
        { "to": "+33612345600", "Prenom": "Zoé", "Ville": "Saint-Rémy-de-Provence", "Rue": "Grand-Rue du Faubourg" },
        { "to": "+33612345601", "Prenom": LONG, "Ville": "Lyon" },
        { "to": "+33612345602", "Prenom": "Anne-Charlotte", "Ville": "Paris" },
        { "to": "+33123456789", "Prenom": "Fixe" },
    ]);
    let lengths = json!({ "*": { "max": 8, "longer": "truncate" }, "Prenom": { "max": 14, "longer": "skip" } });
    let order = CampaignOrder::to_audience(&json!({ "recipients": recipients }));
    // A map of JSON is sorted here: the audience comes before the lengths.
    let order = order
        .with("text", json!("[Prenom], le cabinet de [Ville] vous attend."))
        .with("field_lengths", lengths.clone());
    let made = http.post("/v1/campaigns", &order.body).expect(201);
    let audience = &made["audience"];
    let counts = |audience: &Value| {
        ["accepted", "not_mobile", "value_too_long", "shortened"].map(|of| audience[of].as_u64().expect("a count"))
    };
    assert_eq!(counts(audience), [2, 1, 1, 1], "{audience}");
    let rejected = audience["rejected"].as_array().expect("a list");
    assert_eq!(
        (&rejected[1]["to"], &rejected[1]["code"]),
        (&json!("+33612345601"), &json!("value_too_long")),
        "{audience}"
    );
    let id = made["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        estimate(&http, &id)["long_values"],
        json!({ "truncated": 1, "skipped": 1, "sent": 0 })
    );

    let copy = http
        .post(&format!("/v1/campaigns/{id}/duplicate"), &json!({}))
        .expect(201);
    assert_eq!(copy["audience"]["accepted"], 2, "{copy}");
    let all = http.get("/v1/campaigns").expect(200);
    assert_eq!(
        all["data"].as_array().expect("a list").len(),
        2,
        "the draft and its copy"
    );
    http.post(&format!("/v1/campaigns/{id}/launch"), &json!({})).expect(202);
    eventually("both are delivered", LIMIT, || {
        let shown = http.get(&format!("/v1/campaigns/{id}")).expect(200);
        (shown["statuses"]["delivered"] == 2).then_some(())
    });
    let rows = stand.sim.ledger_by_recipient();
    let text = |number: &str| rows[number][0].text.clone().expect("a text");
    assert_eq!(text("33612345600"), "Zoé, le cabinet de Saint-Ré vous attend.");
    assert_eq!(text("33612345602"), "Anne-Charlotte, le cabinet de Paris vous attend.");
    assert!(!rows.contains_key("33612345601"));

    let trial = json!({ "to": ["+33612345609"], "values": { "Prenom": "Zoé", "Ville": "Saint-Rémy-de-Provence" } });
    let tried = http.post(
        &format!("/v1/campaigns/{}/test", copy["id"].as_str().expect("an id")),
        &trial,
    );
    assert_eq!(tried.expect(202)["text"], "Zoé, le cabinet de Saint-Ré vous attend.");
}

#[test]
fn req_001_17_lengths_are_refused_with_what_is_wrong_and_where() {
    let stand = Stand::new(programs!(), "field-lengths-wrong", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let recipients = json!({ "recipients": [{ "to": "+33612345600", "Prenom": "Zoé", "Rue": "Grand-Rue" }] });
    let order = CampaignOrder::to_audience(&recipients).with("text", json!("Bonjour [Prenom]"));
    let refused = |lengths: Value, pointer: &str, code: &str| {
        let order = order.clone().with("field_lengths", lengths);
        let answer = http.post("/v1/campaigns", &order.body);
        answer.expect_field_problem(&[400, 422], pointer);
        let errors = answer.json()["errors"].clone();
        assert_eq!(errors[0]["code"], code, "{errors}");
    };
    refused(json!([]), "/field_lengths", "wrong_type");
    let rue = json!({ "Rue": { "max": 8, "longer": "send" } });
    refused(rue, "/field_lengths/Rue", "unknown_merge_field");
    let none = json!({ "Prenom": { "max": 0, "longer": "send" } });
    refused(none, "/field_lengths/Prenom/max", "out_of_range");
    let word = json!({ "Prenom": { "max": 8, "longer": "cut" } });
    refused(word, "/field_lengths/Prenom/longer", "unknown_value");
    refused(
        json!({ "Prenom": { "max": 8 } }),
        "/field_lengths/Prenom/longer",
        "missing",
    );
    let nobody = json!({ "Prenom": { "max": 2, "longer": "skip" } });
    let nobody = http.post("/v1/campaigns", &order.clone().with("field_lengths", nobody).body);
    assert_eq!(nobody.expect_problem(&[422])["code"], "empty_audience");
    assert_eq!(http.get("/v1/campaigns").expect(200)["data"], json!([]));
}
