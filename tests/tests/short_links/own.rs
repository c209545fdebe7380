//! Links of messages by themselves, of reminders, and of a campaign that is tried out.

use std::collections::BTreeMap;

use campanile_tests::{Receiver, Stand, eventually, text};
use serde_json::{Value, json};

use super::{BEFORE, DOMAIN, LIMIT, PAGE, TEXT, TOKEN, agree, follow, order, sent, stand_at, stand_in, told_by};

const OTHER_PAGE: &str = "https://portail.cabinet.example/rdv/4711?de=sms";
const FIRST: &str = "+33612345601";

fn message(to: &str) -> Value {
    json!({ "to": to, "sender": "Cabinet", "text": TEXT, "link": PAGE })
}

/// The link that each number got; none got two.
fn links(stand: &Stand, messages: usize) -> BTreeMap<String, String> {
    let rows = eventually("all are sent", LIMIT, || {
        let rows = stand.sim.ledger();
        (rows.len() >= messages).then_some(rows)
    });
    assert_eq!(rows.len(), messages);
    let link = |text: Option<String>| text.unwrap_or_default().trim_start_matches(BEFORE).to_owned();
    let links: BTreeMap<String, String> = rows
        .into_iter()
        .map(|row| (format!("+{}", row.recipient), link(row.text)))
        .collect();
    assert_eq!(links.len(), messages);
    for link in links.values() {
        let token = link.strip_prefix(&format!("{DOMAIN}/")).expect("the tenant's domain");
        assert!(token.len() == TOKEN && token.chars().all(|letter| letter.is_ascii_alphanumeric()));
    }
    links
}

fn leads_to(stand: &Stand, link: &str, page: &str) {
    let seen = follow(stand, link);
    assert_eq!((seen.status, seen.header("location")), (302, Some(page)), "{link}");
}

/// A message, the same asked for again, and four reminders: two by their plan's link, one by its event's, one with none.
fn each_has_one(in_postgres: bool) {
    let (_postgres, mut stand) = stand_in("own-links", in_postgres);
    let http = stand.tenant.http(&stand.engine);
    let receiver = Receiver::start();
    let endpoint = json!({ "url": receiver.url(), "events": ["link.*"] });
    http.post("/v1/webhooks", &endpoint).expect(201);
    let sent_once = http.once("message-1").post("/v1/messages", &message(FIRST)).expect(202);
    let again = http.once("message-1").post("/v1/messages", &message(FIRST)).expect(202);
    assert_eq!(sent_once["id"], again["id"]);
    let plan = |kind: &str| json!({ "name": kind, "on": "booked", "kinds": [kind], "sender": "Cabinet", "text": TEXT });
    let mut with_link = plan("soin");
    with_link["link"] = json!(PAGE);
    let shown = [with_link, plan("bilan")].map(|plan| http.post("/v1/reminder_plans", &plan).expect(201));
    assert_eq!(shown.map(|plan| plan["link"].clone()), [json!(PAGE), Value::Null]);
    let event = |number: u64, kind: &str, link: Value| json!({ "reference": format!("RDV-{number}"), "number": format!("+3361234560{number}"), "kind": kind, "link": link });
    let events = json!({ "events": [
        event(2, "soin", Value::Null), event(3, "soin", json!(OTHER_PAGE)), event(4, "bilan", json!(OTHER_PAGE)), event(5, "bilan", Value::Null),
    ] });
    let put = http.post("/v1/events", &events).expect(200);
    let links = links(&stand, 4);
    let pages = [(1, PAGE), (2, PAGE), (3, OTHER_PAGE), (4, OTHER_PAGE)];
    let of = |person: u64| &links[&format!("+3361234560{person}")];
    for (person, page) in pages {
        leads_to(&stand, of(person), page);
    }
    let none = format!("/v1/events/{}", text(&put["data"][3]["id"]));
    eventually("the fourth has nothing to lead to", LIMIT, || {
        let reminder = http.get(&none).expect(200)["reminders"][0].clone();
        (reminder["reason"] == "no_link").then_some(())
    });
    // Of all, a first click is told, and counted.
    let told = eventually("all clicks are told", LIMIT, || {
        let told = told_by(&receiver);
        (told.len() == 4).then_some(told)
    });
    assert_eq!(told[FIRST].1["id"], sent_once["id"]);
    eventually("all clicks are counted", LIMIT, || {
        let total = http.get("/v1/statistics").expect(200)["total"].clone();
        (total["clicked"] == 4 && total["clicks"] == 4).then_some(())
    });
    stand.engine.kill();
    stand.engine.restart();
    leads_to(&stand, of(1), PAGE);
    // Whoever is forgotten has none any more.
    let http = stand.tenant.http(&stand.engine);
    http.post("/v1/people/erase", &json!({ "number": FIRST })).expect(200);
    assert_eq!(follow(&stand, of(1)).status, 404);
    leads_to(&stand, of(2), PAGE);
}

#[test]
fn req_004_25_a_message_and_a_reminder_have_links_of_their_own() {
    each_has_one(false);
}

#[test]
fn req_004_25_a_message_and_a_reminder_have_links_of_their_own_in_postgresql() {
    each_has_one(true);
}

#[test]
fn req_004_25_the_link_of_a_message_is_refused_where_a_campaigns_is_and_expires() {
    let mut stand = stand_at("own-links-refused", Some("2026-12-01T08:00:00Z"));
    let http = stand.tenant.http(&stand.engine);
    let with = |field: &str, value: Value| {
        let mut message = message(FIRST);
        message[field] = value;
        message
    };
    for (message, pointer, code) in [
        (with("link", json!("http://cabinet.example")), "/link", "insecure_url"),
        (with("link", json!("https://bit.ly/x")), "/link", "public_shortener"),
        (with("text", json!("Sans lien")), "/text", "missing_beside"),
        (
            with("text", json!("[Prenom] https://[Lien]")),
            "/text",
            "unknown_merge_field",
        ),
        (
            with("link_expires_at", json!("2026-11-30T08:00:00Z")),
            "/link_expires_at",
            "not_ahead",
        ),
        (
            json!({ "to": FIRST, "sender": "Cabinet", "text": "x", "link_expires_at": "2026-12-30T08:00:00Z" }),
            "/link_expires_at",
            "missing_beside",
        ),
    ] {
        let problem = http.post("/v1/messages", &message).expect_problem(&[422]);
        let error = &problem["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(pointer), &json!(code)),
            "{problem}"
        );
    }
    let event = json!({ "events": [{ "reference": "1", "number": FIRST, "link": "ftp://cabinet.example" }] });
    http.post("/v1/events", &event)
        .expect_field_problem(&[422], "/events/0/link");
    let plan =
        json!({ "name": "x", "on": "booked", "sender": "Cabinet", "text": TEXT, "link": "http://cabinet.example" });
    http.post("/v1/reminder_plans", &plan)
        .expect_field_problem(&[422], "/link");
    // Only the domains that the tenant may lead to, and its short one, which stands in the text.
    agree(&stand, &json!({ "link_domains": ["portail.cabinet.example"] }));
    let tried = http.post("/v1/messages?dry_run=true", &message(FIRST)).expect(200);
    let length = BEFORE.len() + DOMAIN.len() + 1 + TOKEN;
    assert_eq!(tried["text"].as_str().map(str::len), Some(length), "{tried}");
    http.post("/v1/messages", &with("link", json!("https://ailleurs.example")))
        .expect_field_problem(&[422], "/link");
    let until = with("link_expires_at", json!("2026-12-02T08:00:00Z"));
    http.post("/v1/messages", &until).expect(202);
    let link = links(&stand, 1).remove(FIRST).expect("a link");
    leads_to(&stand, &link, PAGE);
    stand.engine.kill();
    stand.lab().live_at("2026-12-02T08:00:01Z");
    stand.redis.restart();
    stand.engine.restart();
    assert_eq!(follow(&stand, &link).status, 410);
    // A text without `link` has fields of no kind.
    agree(&stand, &json!({ "short_domain": null, "link_domains": null }));
    let http = stand.tenant.http(&stand.engine);
    http.post("/v1/messages", &message(FIRST))
        .expect_field_problem(&[422], "/link");
    let plan = json!({ "name": "x", "on": "booked", "sender": "Cabinet", "text": TEXT });
    http.post("/v1/reminder_plans", &plan)
        .expect_field_problem(&[422], "/text");
}

#[test]
fn req_004_25_who_tries_a_campaign_out_can_follow_its_links() {
    let stand = stand_at("own-links-tried", None);
    let http = stand.tenant.http(&stand.engine);
    let campaign = stand.tenant.create(&stand.engine, &order(1));
    let path = format!("/v1/campaigns/{}/test", campaign.id);
    http.post(&path, &json!({ "to": ["+33612345611", "+33612345612"] }))
        .expect(202);
    let tried = links(&stand, 2);
    assert_eq!(sent(&stand).len(), 2);
    for link in tried.values() {
        leads_to(&stand, link, PAGE);
    }
    // They are of nobody whom the campaign is for.
    let report = http.get(&format!("/v1/campaigns/{}/report", campaign.id)).expect(200);
    assert_eq!(report["clicks"], Value::Null, "{report}");
}
