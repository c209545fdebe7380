//! Who agrees to advertising no more gets none, whatever brings it and whatever a clinic has to know of consents; who agrees again does.

use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Http, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const SHORT_CODE: &str = "36034";

fn contacts() -> Value {
    json!({ "contacts": [
        { "reference": "1", "number": "+33612345601", "first_name": "Zoé" },
        { "reference": "2", "number": "+33612345602", "first_name": "Hugo" },
        { "reference": "3", "number": "+33612345603", "first_name": "Ana" },
        { "reference": "4", "number": "+33612345604", "first_name": "Tom" },
    ] })
}

fn advertising(audience: &Value) -> CampaignOrder {
    CampaignOrder::to_audience(audience)
        .with("purpose", json!("marketing"))
        .with("sender", json!(SHORT_CODE))
}

fn estimate(http: &Http, campaign: &Campaign) -> Value {
    http.post(&format!("/v1/campaigns/{}/estimate", campaign.id), &json!({}))
        .expect(200)
}

/// Who has got how many messages.
fn got(stand: &Stand) -> Vec<(String, usize)> {
    let ledger = stand.sim.ledger_by_recipient();
    let mut got: Vec<_> = ledger.into_iter().map(|(to, rows)| (to, rows.len())).collect();
    got.sort();
    got
}

fn of(got: &[(&str, usize)]) -> Vec<(String, usize)> {
    got.iter().map(|(to, count)| ((*to).to_owned(), *count)).collect()
}

#[test]
fn req_001_04_who_withdraws_gets_no_advertising_whatever_brings_it() {
    let stand = Stand::new(programs!(), "opposition", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let ids = http.post("/v1/contacts", &contacts()).expect(200);
    let id = |at: usize| ids["data"][at]["id"].as_str().expect("an id").to_owned();
    let consent = |reference: &str| {
        let given = json!({ "contact": { "reference": reference }, "wording": "Oui", "source": "accueil" });
        http.post("/v1/consents", &given).expect(201);
    };
    // What was asked for before is not exempt.
    let everybody = stand
        .tenant
        .create(&stand.engine, &advertising(&json!({ "filter": {} })));
    let numbers = "+33612345601;+33612345602;+33612345603;+33612345604";
    let named = stand
        .tenant
        .create(&stand.engine, &advertising(&json!({ "numbers": numbers })));
    consent("1");
    let withdrawn = http
        .post(&format!("/v1/contacts/{}/consents/withdraw", id(0)), &json!({}))
        .expect(200);
    assert_eq!(withdrawn, json!({ "withdrawn": 1 }));
    // One who never agreed, by the clinic's file.
    let file = "reference;portable;consentement\n2;0612345602;non\n3;0612345603;oui\n".as_bytes();
    let import = http.post_as("text/csv", "/v1/imports", file).expect(202);
    let path = format!("/v1/imports/{}", import["id"].as_str().expect("an id"));
    eventually("the file is read", LIMIT, || {
        (http.get(&path).expect(200)["state"] == "completed").then_some(())
    });
    let now = estimate(&http, &everybody);
    assert_eq!(
        (&now["excluded"]["no_consent"], &now["max"]["recipients"]),
        (&json!(2), &json!(2)),
        "{now}"
    );
    assert_eq!(estimate(&http, &named)["opted_out"], 2);
    for campaign in [&everybody, &named] {
        campaign.ask(&stand.engine, "launch").expect(202);
        campaign.wait(&stand.engine, "two have it", LIMIT, |view| {
            view.status("delivered") == 2 && view.state == "completed"
        });
    }
    assert_eq!(got(&stand), of(&[("33612345603", 2), ("33612345604", 2)]));
    // What is no advertising reaches them.
    let notice = CampaignOrder::to_audience(&json!({ "filter": {} })).with("sender", json!(SHORT_CODE));
    let notice = stand.tenant.order(&stand.engine, &notice);
    notice.wait(&stand.engine, "all have it", LIMIT, |view| {
        view.status("delivered") == 4
    });

    // They agree again, and one has written STOP beside: that holds until they write otherwise.
    http.post(&format!("/v1/contacts/{}/consents/withdraw", id(3)), &json!({}))
        .expect(200);
    stand.sim.inbound("33612345604", SHORT_CODE, "STOP");
    eventually("the STOP is there", LIMIT, || {
        let heard = http.get("/v1/inbound").expect(200);
        (heard["data"].as_array().map(Vec::len) == Some(1)).then_some(())
    });
    for reference in ["1", "2", "4"] {
        consent(reference);
    }
    let again = stand
        .tenant
        .create(&stand.engine, &advertising(&json!({ "filter": {} })));
    let then = estimate(&http, &again);
    assert_eq!(
        (&then["excluded"]["no_consent"], &then["opted_out"]),
        (&json!(0), &json!(1)),
        "{then}"
    );
    assert_eq!(then["expected"]["recipients"], 3);
}

#[test]
fn req_001_04_a_withdrawal_holds_for_who_shares_the_number_and_when_redis_has_forgotten_it() {
    let mut stand = Stand::new(programs!(), "opposition-lost", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let family = json!({ "contacts": [
        { "reference": "1", "number": "+33612345601", "first_name": "Zoé" },
        { "reference": "2", "number": "+33612345601", "first_name": "Tom" },
    ] });
    let ids = http.post("/v1/contacts", &family).expect(200);
    let of = |at: usize| {
        format!(
            "/v1/contacts/{}/consents/withdraw",
            ids["data"][at]["id"].as_str().expect("an id")
        )
    };
    let consent = |http: &Http, reference: &str| {
        let given = json!({ "contact": { "reference": reference }, "wording": "Oui", "source": "accueil" });
        http.post("/v1/consents", &given).expect(201);
    };
    http.post(&of(0), &json!({})).expect(200);
    http.post(&of(1), &json!({})).expect(200);
    // The phone is that of both: one of the two still wants none.
    consent(&http, "1");
    let expected = |stand: &Stand| {
        let http = stand.tenant.http(&stand.engine);
        let numbers = advertising(&json!({ "numbers": "+33612345601" }));
        let campaign = stand.tenant.create(&stand.engine, &numbers);
        estimate(&http, &campaign)["expected"]["recipients"].clone()
    };
    assert_eq!(expected(&stand), 0);
    assert!(stand.engine.shut_down().success());
    redis::cmd("FLUSHALL")
        .exec(&mut stand.redis.connect().expect("a connection"))
        .expect("FLUSHALL");
    stand.engine.restart();
    assert_eq!(expected(&stand), 0, "SQL knows it as well");
    consent(&stand.tenant.http(&stand.engine), "2");
    assert_eq!(expected(&stand), 1);
}

#[test]
fn req_001_04_who_has_agreed_gets_advertising_by_their_number_as_well() {
    let stand = Stand::new(programs!(), "opposition-numbers", "magic = true\n", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let terms = json!({ "require_consent": true });
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    stand.engine.operator().patch(&path, &terms).expect(200);
    // The receipts of two say that they failed.
    let agreeing = ["+33600000905", "+33600000001", "+33600001908"];
    let consents = agreeing.map(|number| {
        let consent = json!({ "contact": { "number": number }, "wording": "Oui", "source": "accueil" });
        http.post("/v1/consents", &consent).expect(201)
    });
    let stranger = "+33600000002";
    http.post("/v1/contacts", &json!({ "contacts": [{ "number": stranger }] }))
        .expect(200);
    let message = |to: &str| json!({ "to": to, "sender": SHORT_CODE, "text": "Soldes", "purpose": "marketing" });
    http.post("/v1/messages", &message(agreeing[1])).expect(202);
    let refused = http.post("/v1/messages", &message(stranger)).expect_problem(&[422]);
    let faults = |problem: &Value| {
        let fault = &problem["errors"][0];
        (fault["pointer"].clone(), fault["code"].clone())
    };
    assert_eq!(faults(&refused), (json!("/purpose"), json!("consent_required")));

    // Whoever is named has to have agreed, when it is made and when it goes.
    let named = advertising(&json!({ "numbers": agreeing.join(";") }));
    let mixed = advertising(&json!({ "numbers": format!("{};{stranger}", agreeing[1]) }));
    let refused = http.post("/v1/campaigns", &mixed.body).expect_problem(&[422]);
    assert_eq!(faults(&refused), (json!("/audience"), json!("consent_required")));
    let [campaign, late] = [(); 2].map(|()| stand.tenant.create(&stand.engine, &named));
    campaign.ask(&stand.engine, "launch").expect(202);
    campaign.wait(&stand.engine, "it is over", LIMIT, |view| {
        view.state == "completed" && view.status("transmitted") == 0 && view.credits.held == 0
    });
    // Of contacts: those who are pasted beside them, and those whom it did not reach.
    let beside =
        json!({ "filter": { "field": "tag", "is": "personne" }, "numbers": format!("{};{stranger}", agreeing[1]) });
    let beside = stand.tenant.create(&stand.engine, &advertising(&beside));
    let estimated = estimate(&http, &beside);
    assert_eq!(
        (&estimated["max"]["recipients"], &estimated["excluded"]["no_consent"]),
        (&json!(1), &json!(1)),
        "{estimated}"
    );
    let everybody = stand
        .tenant
        .create(&stand.engine, &advertising(&json!({ "filter": {} })));
    everybody.ask(&stand.engine, "launch").expect(202);
    everybody.wait(&stand.engine, "it is over", LIMIT, |view| {
        view.state == "completed" && view.status("transmitted") == 0 && view.credits.held == 0
    });
    let contact = consents[0]["contact"].as_str().expect("an id");
    http.post(&format!("/v1/contacts/{contact}/consents/withdraw"), &json!({}))
        .expect(200);
    let again = http
        .post(&format!("/v1/campaigns/{}/resend", everybody.id), &json!({}))
        .expect(201);
    assert_eq!(
        (&again["audience"]["accepted"], &again["audience"]["no_consent"]),
        (&json!(1), &json!(1)),
        "{again}"
    );
    let refused = late.ask(&stand.engine, "launch").expect_problem(&[422]);
    assert_eq!(faults(&refused), (json!("/audience"), json!("consent_required")));
}

#[test]
fn req_000_19_a_tenant_keeps_and_lifts_opt_outs_of_its_own() {
    let stand = Stand::new(programs!(), "opposition-own", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let numbers = ["+33612345601", "+33612345602", "+33612345603"];
    let expected = || {
        let campaign = advertising(&json!({ "numbers": numbers.join(";") }));
        let campaign = stand.tenant.create(&stand.engine, &campaign);
        estimate(&http, &campaign)["expected"]["recipients"].clone()
    };
    let two = json!({ "numbers": ["06 12 34 56 01", "06 12 34 56 02", "+33612345602"] });
    assert_eq!(http.post("/v1/opt_outs", &two).expect(200), json!({ "added": 2 }));
    assert_eq!(http.post("/v1/opt_outs", &two).expect(200), json!({ "added": 0 }));
    let consent = json!({ "contact": { "number": numbers[2] }, "wording": "Oui", "source": "accueil" });
    let contact = http.post("/v1/consents", &consent).expect(201)["contact"].clone();
    let withdraw = format!("/v1/contacts/{}/consents/withdraw", contact.as_str().expect("an id"));
    http.post(&withdraw, &json!({})).expect(200);
    assert_eq!(expected(), 0);
    let mut listed = Vec::new();
    let mut next = Value::Null;
    loop {
        let cursor = next
            .as_str()
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let page = http.get(&format!("/v1/opt_outs?limit=2{cursor}")).expect(200);
        let rows = page["data"].as_array().expect("a list").clone();
        listed.extend(rows.iter().map(|row| (row["number"].clone(), row["because"].clone())));
        next = page["next_cursor"].clone();
        if next.is_null() {
            break;
        }
    }
    let said = ["said", "said", "withdrawal"];
    let wanted: Vec<_> = numbers
        .iter()
        .zip(said)
        .map(|(number, because)| (json!(number), json!(because)))
        .collect();
    assert_eq!(listed, wanted);
    // Who has withdrawn agrees again, and nobody for them.
    let all = json!({ "numbers": numbers });
    assert_eq!(
        http.post("/v1/opt_outs/lift", &all).expect(200),
        json!({ "lifted": 2, "erased": 0 })
    );
    assert_eq!(expected(), 2);
    http.post("/v1/consents", &consent).expect(201);
    assert_eq!(expected(), 3);
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    assert_eq!(stranger.get("/v1/opt_outs").expect(200)["data"], json!([]));
    for (wrong, pointer) in [
        (json!({}), "/numbers"),
        (json!({ "numbers": [] }), "/numbers"),
        (json!({ "numbers": ["x"] }), "/numbers/0"),
        (json!({ "numbers": numbers, "purpose": "rien" }), "/purpose"),
    ] {
        http.post("/v1/opt_outs", &wrong)
            .expect_field_problem(&[400, 422], pointer);
    }
}
