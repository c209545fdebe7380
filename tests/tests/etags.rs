//! Versions of what is shown, and changes that are made only to the one that was looked at.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use campanile_tests::{Answer, CampaignOrder, Http, Stand, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

fn tag(answer: &Answer) -> String {
    answer.etag.clone().expect("a tag")
}

fn refused(answer: &Answer) {
    let problem = answer.expect_problem(&[412]);
    assert_eq!(problem["code"], "precondition_failed", "{problem}");
}

fn template(http: &Http) -> String {
    let given = json!({ "name": "Rappel", "purpose": "transactional", "text": "Premier" });
    let made = http.post("/v1/templates", &given).expect(201);
    format!("/v1/templates/{}", made["id"].as_str().expect("an id"))
}

#[test]
fn req_004_07_a_change_is_made_to_the_version_that_was_looked_at_and_to_no_other() {
    let stand = Stand::new(programs!(), "etags", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let path = template(&http);
    let first = tag(&http.get(&path));
    assert_eq!(tag(&http.get(&path)), first, "nothing has changed");
    let known = http.if_none_match(&first).get(&path);
    assert_eq!(
        (known.status, known.text.as_str(), tag(&known)),
        (304, "", first.clone())
    );
    let either = http.if_none_match(&format!("\"x\", W/{first}")).get(&path);
    assert_eq!(either.status, 304);

    let changed = http.if_match(&first).patch(&path, &json!({ "text": "Deuxième" }));
    changed.expect(200);
    let second = tag(&http.get(&path));
    assert_eq!(tag(&changed), second, "the answer has the new one");
    assert_ne!(first, second);
    http.if_none_match(&first).get(&path).expect(200);
    for stale in [first.as_str(), "\"x\"", &format!("W/{second}"), "nothing"] {
        refused(&http.if_match(stale).patch(&path, &json!({ "text": "Troisième" })));
    }
    refused(&http.if_match(&first).delete(&path));
    assert_eq!(http.get(&path).expect(200)["text"], "Deuxième");
    let any = http.if_match(&format!("\"x\", {second}"));
    any.patch(&path, &json!({ "text": "Troisième" })).expect(200);
    http.if_match("*")
        .patch(&path, &json!({ "text": "Quatrième" }))
        .expect(200);
    http.patch(&path, &json!({ "text": "Cinquième" })).expect(200);
    let last = tag(&http.get(&path));
    let gone = http.if_match(&last).delete(&path);
    assert!((200..300).contains(&gone.status), "{}", gone.text);

    // What is another's does not exist, whatever its version.
    let path = template(&http);
    let stranger = stand.engine.tenant("Autre cabinet", 1).http(&stand.engine);
    let of_another = tag(&http.get(&path));
    let asked = stranger
        .if_match(&of_another)
        .patch(&path, &json!({ "text": "Le mien" }));
    asked.expect_problem(&[404]);
    stranger.if_none_match(&of_another).get(&path).expect_problem(&[404]);
}

#[test]
fn req_004_07_of_two_who_change_the_same_version_at_once_one_is_refused() {
    let stand = Stand::new(programs!(), "etags-race", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let path = template(&http);
    for round in 0..10 {
        let seen = tag(&http.get(&path));
        let start = Barrier::new(4);
        let answers: Vec<(String, u16)> = thread::scope(|scope| {
            let change = |who: usize| {
                let (http, path, start) = (http.if_match(&seen), &path, &start);
                scope.spawn(move || {
                    let text = format!("{round} {who}");
                    start.wait();
                    let status = http.patch(path, &json!({ "text": text })).status;
                    (text, status)
                })
            };
            let changes: Vec<_> = (0..4).map(change).collect();
            changes
                .into_iter()
                .map(|change| change.join().expect("an answer"))
                .collect()
        });
        let mut statuses: Vec<u16> = answers.iter().map(|(_, status)| *status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412], "{answers:?}");
        let done = answers.iter().find(|(_, status)| *status == 200).expect("one of them");
        assert_eq!(http.get(&path).expect(200)["text"], json!(done.0));
    }
}

#[test]
fn req_004_07_progress_and_balances_are_in_no_changes_way() {
    let stand = Stand::new(programs!(), "etags-progress", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(3));
    let path = format!("/v1/campaigns/{}", campaign.id);
    let draft = tag(&http.get(&path));
    let at = json!({ "scheduled_at": "2099-01-01T09:00:00Z" });
    refused(&http.if_match("\"x.y\"").post(&format!("{path}/schedule"), &at));
    refused(&http.if_match("\"x.y\"").post(&format!("{path}/launch"), &json!({})));
    http.if_match(&draft)
        .post(&format!("{path}/launch"), &json!({}))
        .expect(202);
    // It has moved on since, and another launch of what was a draft is refused for that.
    refused(&http.if_match(&draft).post(&format!("{path}/cancel"), &json!({})));
    campaign.wait(&stand.engine, "all are delivered and booked", LIMIT, |view| {
        view.status("delivered") == 3 && view.credits.held == 0
    });

    // A tenant's own settings, of which the balance is no part.
    let own = http.get("/v1/tenant");
    let (seen, before) = (tag(&own), own.expect(200));
    let another = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(2));
    another.ask(&stand.engine, "launch").expect(202);
    another.wait(&stand.engine, "all are delivered and booked", LIMIT, |view| {
        view.status("delivered") == 2 && view.credits.held == 0
    });
    let now = http.if_none_match(&seen).get("/v1/tenant").expect(200);
    assert_ne!(now["credits"], before["credits"], "what is shown has changed");
    let alerts = |at: u64| json!({ "balance_alerts": [at] });
    http.if_match(&seen).patch("/v1/tenant", &alerts(1)).expect(200);
    refused(&http.if_match(&seen).patch("/v1/tenant", &alerts(2)));
    let shown: Value = http.get("/v1/tenant").expect(200);
    assert_eq!(shown["balance_alerts"], json!([1]));

    // The operator sees the same tenant, in its own words.
    let (operator, of_tenant) = (stand.engine.operator(), format!("/v1/tenants/{}", stand.tenant.id));
    let seen = tag(&operator.get(&of_tenant));
    operator
        .if_match(&seen)
        .patch(&of_tenant, &json!({ "weight": 2 }))
        .expect(200);
    refused(&operator.if_match(&seen).patch(&of_tenant, &json!({ "weight": 3 })));
}
