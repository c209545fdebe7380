//! Answers about what has lived: a campaign that was sent, messages, people who wrote.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Stand, eventually, programs, recipients};
use serde_json::{Value, json};

use crate::openapi::document::{Document, Opener};
use crate::openapi::world::MONTH;

const LIMIT: Duration = Duration::from_secs(60);

/// To what messages are answered here.
const SHORT_CODE: &str = "36180";

/// Some of every status: by the number.
const SCENARIO: &str = include_str!("../../../smpp-sim/scenarios/fr-4379.toml");

#[test]
fn answers_about_what_was_sent_are_as_documented() {
    let stand = Stand::new(programs!(), "openapi-life", SCENARIO, |smsc| smsc);
    let document = Document::new(stand.engine.public().get("/openapi.json").expect(200));
    let http = stand.tenant.http(&stand.engine);
    let mut rows: Vec<Value> = recipients(200).map(|to| json!({ "to": to, "Nom": "Martin" })).collect();
    rows.extend(["0123456789", "nobody", "+33600000000"].map(|to| json!({ "to": to })));
    let order = CampaignOrder::to_audience(&json!({ "recipients": rows }))
        .with("tlvs", json!([{ "tag": "0x1400", "value": "1101" }]));
    let campaign = stand.tenant.order(&stand.engine, &order);
    campaign.wait(&stand.engine, "all is sent", LIMIT, |view| view.nothing_queued());
    let sent = http
        .post(
            "/v1/messages",
            &json!({ "to": "+33611111111", "text": "Bonjour", "sender": SHORT_CODE }),
        )
        .expect(202);
    stand.sim.wait_for("submits", 201, LIMIT);
    stand.sim.inbound("+33611111111", SHORT_CODE, "Stop");
    eventually("what was written is listed", LIMIT, || {
        let listed = http.get("/v1/inbound").expect(200);
        listed["data"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty())
            .then_some(())
    });
    eventually("credits are spent", LIMIT, || {
        http.get("/v1/ledger").text.contains("debit").then_some(())
    });
    let message = sent["id"].as_str().expect("an id");
    for operation in document.operations() {
        if operation.method != "GET" || operation.opener != Opener::Tenant || !operation.query.is_empty() {
            continue;
        }
        // Of these, and of other things, the matrix asks.
        if operation.role.as_deref() == Some("admin") {
            continue;
        }
        let has_id = operation.path.contains("{id}");
        if has_id
            && !["/v1/messages", "/v1/campaigns"]
                .iter()
                .any(|of| operation.path.starts_with(of))
        {
            continue;
        }
        let id = if operation.path.starts_with("/v1/messages") {
            message
        } else {
            &campaign.id
        };
        let path = operation.path.replace("{id}", id).replace("{month}", MONTH);
        let query = if operation.is_stream() { "?seconds=1" } else { "" };
        let answer = http.ask("GET", &format!("{path}{query}"), None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        document.assert_describes(&operation, &answer);
    }
}
