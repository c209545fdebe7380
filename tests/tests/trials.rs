//! A campaign on the phones of those who write it, before anybody else has it.

use std::time::Duration;

use campanile_tests::{CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

const OWN: &str = "+33699000001";

fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

fn to_contacts() -> CampaignOrder {
    let audience = json!({ "filter": { "field": "practice", "is": "Lyon" } });
    CampaignOrder::to_audience(&audience)
        .with("text", json!("Bonjour [Prenom|cher patient], rendez-vous à [Ville]."))
        .with(
            "variants",
            json!([{ "filter": { "field": "tag", "is": "sport" }, "text": "Bravo [Prenom], à [Ville]." }]),
        )
}

/// What the simulator was given for a number, in its order.
fn texts_to(stand: &Stand, number: &str, count: usize) -> Vec<String> {
    eventually("the phone has them", LIMIT, || {
        let rows = stand.sim.ledger();
        let texts = rows
            .into_iter()
            .filter(|row| row.recipient == number.trim_start_matches('+'));
        let texts: Vec<String> = texts.map(|row| row.text.unwrap_or_default()).collect();
        (texts.len() >= count).then_some(texts)
    })
}

fn try_out(stand: &Stand, campaign: &str, body: &Value) -> Value {
    http(stand)
        .post(&format!("/v1/campaigns/{campaign}/test"), body)
        .expect(202)
}

fn is_tried_out(stand: &Stand) {
    let http = http(stand);
    let contact = json!({
        "reference": "Z", "number": "0612345601", "first_name": "Zoé", "practices": ["Lyon"], "attributes": { "Ville": "Bron" },
    });
    let became = http.post("/v1/contacts", &json!({ "contacts": [contact] })).expect(200);
    let contact = &became["data"][0]["id"];
    let campaign = stand.tenant.create(&stand.engine, &to_contacts());
    let before = http.get("/v1/balance").expect(200)["available"].as_u64();
    let tried = try_out(
        stand,
        &campaign.id,
        &json!({ "to": [OWN, "06 99 00 00 02"], "contact": contact }),
    );
    assert_eq!(tried["text"], "Bonjour Zoé, rendez-vous à Bron.");
    assert_eq!(tried["messages"].as_array().map(Vec::len), Some(2));
    assert_eq!(texts_to(stand, OWN, 1), ["Bonjour Zoé, rendez-vous à Bron."]);
    let variant = try_out(
        stand,
        &campaign.id,
        &json!({ "to": [OWN], "values": { "VILLE": "Lyon" }, "variant": 1 }),
    );
    assert_eq!(variant["text"], "Bravo , à Lyon.");
    let plain = try_out(stand, &campaign.id, &json!({ "to": [OWN] }));
    assert_eq!(plain["text"], "Bonjour cher patient, rendez-vous à .");
    // The person has got nothing, and the campaign is as it was.
    let person = stand
        .sim
        .ledger()
        .into_iter()
        .filter(|row| row.recipient == "33612345601");
    assert_eq!(person.count(), 0);
    let view = campaign.view(&stand.engine);
    assert_eq!((view.state.as_str(), view.progress.total), ("draft", 0));
    // Billed as any, and marked.
    eventually("four credits are spent", LIMIT, || {
        let now = http.get("/v1/balance").expect(200);
        (before.map(|before| before - 4) == now["available"].as_u64() && now["held"] == 0).then_some(())
    });
    eventually("all are written down", LIMIT, || {
        let found = http.get("/v1/messages").expect(200);
        let rows = found["data"].as_array().expect("rows");
        let marked = rows.iter().filter(|row| row["test_of"] == campaign.id.as_str());
        (marked.count() == 4).then_some(())
    });
    http.post(
        "/v1/messages",
        &json!({ "to": OWN, "text": "Autre", "sender": "Cabinet" }),
    )
    .expect(202);
    eventually("one that is none is not marked", LIMIT, || {
        let found = http
            .get(&format!("/v1/messages?to={}", OWN.replace('+', "%2B")))
            .expect(200);
        let rows = found["data"].as_array().expect("rows");
        (rows.len() == 4 && rows.iter().filter(|row| row["test_of"].is_null()).count() == 1).then_some(())
    });
}

#[test]
fn a_campaign_is_tried_out_on_ones_own_phone() {
    is_tried_out(&Stand::new(programs!(), "trials", "", |smsc| smsc));
}

#[test]
fn a_campaign_is_tried_out_on_ones_own_phone_with_postgresql_as_well() {
    let lab = Lab::new(programs!(), "trials-postgresql");
    let server = lab.postgres();
    is_tried_out(&Stand::under(lab, "", |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        settings.tables.push(format!("[database]\nurl = \"{}\"", server.url()));
        settings
    }));
}

#[test]
fn a_trial_is_done_once_and_refused_with_what_is_wrong() {
    let stand = Stand::new(programs!(), "trials-refused", "", |smsc| smsc);
    let http = http(&stand);
    let order = CampaignOrder::to_first(3).with("text", json!("Bonjour [Nom]"));
    let campaign = stand.tenant.create(&stand.engine, &order);
    let path = format!("/v1/campaigns/{}/test", campaign.id);
    let body = json!({ "to": [OWN], "values": { "Nom": "Zoé" } });
    let once = http.once("trial-1").post(&path, &body).expect(202);
    assert_eq!(http.once("trial-1").post(&path, &body).expect(202), once);
    assert_eq!(texts_to(&stand, OWN, 1), ["Bonjour Zoé"]);
    for (body, pointer) in [
        (json!({ "to": [] }), "/to"),
        (json!({ "to": vec![OWN; 6] }), "/to"),
        (json!({ "to": [OWN, "0123456789"] }), "/to/1"),
        (json!({ "to": [OWN], "values": { "Prenom": "Zoé" } }), "/values"),
        (json!({ "to": [OWN], "variant": 1 }), "/variant"),
        (json!({ "to": [OWN], "contact": "con_7777777777777" }), "/contact"),
        (
            json!({ "to": [OWN], "contact": "con_7777777777777", "values": {} }),
            "/contact",
        ),
    ] {
        http.post(&path, &body).expect_field_problem(&[400, 422], pointer);
    }
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    stranger.post(&path, &json!({ "to": [OWN] })).expect_problem(&[404]);
}
