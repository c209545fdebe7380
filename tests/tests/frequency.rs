//! How much advertising a person gets at most.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Stand, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Recipients of each campaign.
const PEOPLE: usize = 200;

/// Messages that a person may get.
const MOST: usize = 2;

fn cap(stand: &Stand, cap: &Value) -> Value {
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let terms = json!({ "frequency_cap": cap });
    stand.engine.operator().patch(&path, &terms).expect(200)["frequency_cap"].clone()
}

fn advertising(order: CampaignOrder) -> CampaignOrder {
    order.with("purpose", json!("marketing"))
}

fn most() -> Value {
    json!({ "marketing": { "messages": MOST, "days": 30 } })
}

/// How many messages each of the first people has got, by the simulator.
fn got(stand: &Stand) -> Vec<usize> {
    let ledger = stand.sim.ledger_by_recipient();
    let of = |number: String| ledger.get(number.trim_start_matches('+')).map_or(0, Vec::len);
    campanile_tests::tenant::recipients(PEOPLE).map(of).collect()
}

#[test]
fn req_001_23_two_campaigns_at_once_bring_nobody_more_than_the_cap() {
    let stand = Stand::new(programs!(), "frequency", "", |smsc| smsc);
    assert_eq!(cap(&stand, &most()), most());
    let first = stand
        .tenant
        .order(&stand.engine, &advertising(CampaignOrder::to_first(PEOPLE / 2)));
    first.wait(&stand.engine, "the first half has one", LIMIT, |view| {
        view.with_status() == PEOPLE as u64 / 2
    });
    // Two more for everybody at once: one half may get one of them, the other both; a third would be one too many.
    let two = [(); 3].map(|()| {
        stand
            .tenant
            .create(&stand.engine, &advertising(CampaignOrder::to_first(PEOPLE)))
    });
    for campaign in &two {
        campaign.ask(&stand.engine, "launch").expect(202);
    }
    let skipped: u64 = two
        .iter()
        .map(|campaign| {
            campaign.wait(&stand.engine, "nothing waits", LIMIT, |view| {
                view.progress.queued == 0 && view.credits.held == 0
            });
            let path = format!("/v1/campaigns/{}/report", campaign.id);
            let report = stand.tenant.http(&stand.engine).get(&path).expect(200);
            report["others"]["skipped"].as_u64().expect("a count")
        })
        .sum();
    assert_eq!(got(&stand), vec![MOST; PEOPLE], "exactly as many as allowed");
    assert_eq!(skipped as usize, PEOPLE / 2 + 3 * PEOPLE - MOST * PEOPLE);
    let why = |campaign: &campanile_tests::Campaign| {
        let path = format!("/v1/campaigns/{}/recipients?status=skipped&limit=1", campaign.id);
        let page = stand.tenant.http(&stand.engine).get(&path).expect(200);
        page["data"][0]["reason"].clone()
    };
    assert!(two.iter().any(|campaign| why(campaign) == "frequency_cap"));
    // Reminders have no cap.
    let reminder = stand.launch(PEOPLE);
    let all = |view: &campanile_tests::CampaignView| view.status("delivered") == PEOPLE as u64;
    reminder.wait(&stand.engine, "each has a reminder", LIMIT, all);
    assert_eq!(got(&stand), vec![MOST + 1; PEOPLE]);
    // Without the cap nothing is left out.
    assert_eq!(cap(&stand, &Value::Null), Value::Null);
    let last = stand
        .tenant
        .order(&stand.engine, &advertising(CampaignOrder::to_first(PEOPLE)));
    last.wait(&stand.engine, "each has one more", LIMIT, all);
}

#[test]
fn req_001_23_who_has_had_enough_is_left_out_of_an_audience_and_of_its_estimate() {
    let stand = Stand::new(programs!(), "frequency-meant", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    cap(&stand, &json!({ "marketing": { "messages": 1, "days": 7 } }));
    let number = |index: usize| format!("+3361234560{index}");
    let contacts: Vec<Value> = (0..6)
        .map(|index| json!({ "reference": index.to_string(), "number": number(index) }))
        .collect();
    http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    let three = json!({ "numbers": ([number(0), number(1), number(7)].join(";")) });
    let first = stand
        .tenant
        .order(&stand.engine, &advertising(CampaignOrder::to_audience(&three)));
    first.wait(&stand.engine, "three have had theirs", LIMIT, |view| {
        view.with_status() == 3
    });

    let everybody = json!({ "filter": {}, "numbers": ([number(7), number(8)].join(";")) });
    let next = stand
        .tenant
        .create(&stand.engine, &advertising(CampaignOrder::to_audience(&everybody)));
    let path = format!("/v1/campaigns/{}", next.id);
    let estimate = http.post(&format!("{path}/estimate"), &json!({})).expect(200);
    assert_eq!(
        (&estimate["excluded"]["frequency_cap"], &estimate["max"]["recipients"]),
        (&json!(3), &json!(5)),
        "{estimate}"
    );
    next.ask(&stand.engine, "launch").expect(202);
    next.wait(&stand.engine, "the rest has theirs", LIMIT, |view| {
        view.progress.total == 5 && view.with_status() == 5
    });
    let report = http.get(&format!("{path}/report")).expect(200);
    assert_eq!(report["excluded"]["frequency_cap"], 3, "{report}");
    let rejected = http.get(&format!("{path}/rejected")).expect(200);
    let rejected = rejected["data"].as_array().expect("a list");
    assert!(
        rejected.iter().all(|row| row["code"] == "frequency_cap"),
        "{rejected:?}"
    );
    // One that names its recipients says so before its launch, and leaves them out when their turn comes.
    let named = stand
        .tenant
        .create(&stand.engine, &advertising(CampaignOrder::to_audience(&three)));
    let estimate = http
        .post(&format!("/v1/campaigns/{}/estimate", named.id), &json!({}))
        .expect(200);
    assert_eq!(
        (&estimate["frequency_cap"], &estimate["expected"]["recipients"]),
        (&json!(3), &json!(0)),
        "{estimate}"
    );
    for wrong in [
        json!({ "marketing": { "messages": 0, "days": 7 } }),
        json!({ "marketing": { "messages": 1, "days": 366 } }),
        json!({ "transactional": { "messages": 1, "days": 7 } }),
        json!({}),
    ] {
        let path = format!("/v1/tenants/{}", stand.tenant.id);
        let answer = stand.engine.operator().patch(&path, &json!({ "frequency_cap": wrong }));
        answer.expect_problem(&[400, 422]);
    }
}
