//! Figures of messages, by what they have in common: the same as reports say, on both databases.

use std::time::Duration;

use campanile_tests::tenant::FR_4379;
use campanile_tests::{CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(90);

const MESSAGES: usize = 4_379;

fn fr_4379() -> String {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/../smpp-sim/scenarios/fr-4379.toml");
    std::fs::read_to_string(scenario).expect("read the scenario of the demo")
}

fn counts(figures: &Value) -> Vec<u64> {
    let statuses = figures["statuses"].as_array().expect("statuses");
    statuses
        .iter()
        .map(|row| row["count"].as_u64().expect("a count"))
        .collect()
}

fn rows(http: &Http, asked: &str) -> Vec<Value> {
    let answer = http.get(&format!("/v1/statistics?{asked}")).expect(200);
    answer["data"].as_array().expect("rows").clone()
}

/// A campaign is sent, and its figures are those of its report, whatever they are put together by.
fn says_what_reports_say(stand: &Stand) {
    let campaign = stand.launch(MESSAGES);
    let http = stand.tenant.http(&stand.engine);
    let expected: Vec<u64> = FR_4379.iter().map(|(_, count)| *count).collect();
    // Both follow what happens, each at its own pace.
    let (all, report) = eventually("history and the books have all of it", LIMIT, || {
        let answer = http.get("/v1/statistics").expect(200);
        let report = http.get(&format!("/v1/campaigns/{}/report", campaign.id)).expect(200);
        let have = [&answer["total"], &report].map(|figures| counts(figures) == expected);
        (have == [true; 2]).then_some((answer, report))
    });
    let total = &all["total"];
    assert_eq!(all["data"], json!([]), "by nothing");
    for (figure, said) in [
        ("messages", &report["messages"]),
        ("statuses", &report["statuses"]),
        ("skipped", &report["others"]["skipped"]),
        ("credits", &report["actual"]["credits"]),
        ("recredited", &report["actual"]["recredited"]),
        ("within_3_minutes", &report["time_to_handset"]["within_3_minutes"]),
        (
            "within_3_minutes_percent",
            &report["time_to_handset"]["within_3_minutes_percent"],
        ),
    ] {
        assert_eq!(&total[figure], said, "{figure}");
    }
    for (by, group) in [
        ("purpose,smsc", json!({ "purpose": "transactional", "smsc": "north" })),
        ("campaign", json!({ "campaign": campaign.id })),
        ("sender", json!({ "sender": "Clinique" })),
        ("country", json!({ "country": "FR" })),
        ("category,template", json!({ "category": null, "template": null })),
    ] {
        let found = rows(&http, &format!("by={by}"));
        let sum: u64 = found
            .iter()
            .map(|row| row["messages"].as_u64().expect("a number"))
            .sum();
        assert_eq!(sum, MESSAGES as u64, "{by}");
        assert!(found.iter().any(|row| row["group"] == group), "{by}: {found:?}");
    }
    // Nobody reads it here.
    let texts = rows(&http, "by=text,campaign");
    let text = texts[0]["group"]["text"].as_str().expect("a text");
    assert!(texts.len() == 1 && text.starts_with("txt_"), "{texts:?}");
    // Each is one segment, and one credit.
    assert_eq!(report["actual"]["segments"], report["actual"]["credits"]);
    let statuses = rows(&http, "by=status");
    for (status, count) in FR_4379 {
        let row = statuses.iter().find(|row| row["group"]["status"] == status);
        assert_eq!(row.map(|row| row["messages"].as_u64()), Some(Some(count)), "{status}");
    }
    for by in ["hour", "day", "week", "month"] {
        let found = rows(
            &http,
            &format!("by={by}&time_zone=Indian/Reunion&campaign={}", campaign.id),
        );
        let sum: u64 = found
            .iter()
            .map(|row| row["messages"].as_u64().expect("a number"))
            .sum();
        assert_eq!(sum, MESSAGES as u64, "{by}");
    }
    let smscs: u64 = report["smscs"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["messages"].as_u64().expect("a number"))
        .sum();
    assert_eq!(smscs, MESSAGES as u64);
    assert!(!report["hours"].as_array().expect("rows").is_empty());
    assert!(!all.to_string().contains("read"), "nothing says what was read");
}

fn compares(stand: &Stand) {
    let http = stand.tenant.http(&stand.engine);
    let first = http.get("/v1/campaigns").expect(200)["data"][0]["id"].clone();
    let first = first.as_str().expect("an id");
    let second = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(3));
    let asked = format!("/v1/campaigns/compare?ids={},{first}", second.id);
    let compared = http.get(&asked).expect(200);
    let messages = |at: usize| compared["data"][at]["messages"].as_u64();
    assert_eq!((messages(0), messages(1)), (Some(0), Some(MESSAGES as u64)));
    assert_eq!(compared["data"][1]["campaign_name"], "Rappel");
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    stranger.get(&asked).expect_problem(&[404]);
    assert_eq!(rows(&stranger, "by=campaign"), Vec::<Value>::new());
    // What is named twice counts once.
    let itself = http
        .get(&format!("/v1/campaigns/compare?ids={first},{first}"))
        .expect(200);
    assert_eq!(itself["data"].as_array().map(Vec::len), Some(1), "{itself}");
    assert_eq!(itself["total"]["messages"].as_u64(), Some(MESSAGES as u64), "{itself}");
    assert_eq!(rows(&http, "by=day,day"), rows(&http, "by=day"));
    http.get(&format!("/v1/campaigns/compare?ids={first}"))
        .expect_field_problem(&[422], "?ids");
    http.get("/v1/campaigns/compare?ids=x,y")
        .expect_field_problem(&[422], "?ids");
}

/// Operators see who sends what.
fn are_everybodys(stand: &Stand) {
    let operator = stand.engine.admin().with_key(stand.engine.operator_key());
    let answer = operator.get("/v1/statistics?by=tenant,smsc").expect(200);
    let group = json!({ "tenant": stand.tenant.id, "smsc": "north" });
    let row = answer["data"]
        .as_array()
        .and_then(|rows| rows.iter().find(|row| row["group"] == group).cloned());
    assert!(row.is_some_and(|row| row["messages"].as_u64() > Some(0)), "{answer}");
    let other = stand.engine.tenant("Autre cabinet", 10);
    let theirs = operator.get(&format!("/v1/statistics?tenant={}", other.id)).expect(200);
    assert_eq!(theirs["total"]["messages"], 0);
    operator
        .get("/v1/statistics?tenant=Martin")
        .expect_field_problem(&[422], "?tenant");
    let tenant = stand.engine.admin().with_key(&stand.tenant.key);
    tenant.get("/v1/statistics").expect_problem(&[403]);
}

fn is_a_table(stand: &Stand) {
    let http = stand.tenant.http(&stand.engine);
    let table = http.in_language("fr").get("/v1/statistics?by=smsc&format=csv");
    let text = &table.text;
    assert!(
        text.starts_with("\u{feff}smsc;messages;Message reçu;Message reçu %;"),
        "{text}"
    );
    assert!(text.contains("\r\nnorth;"), "{text}");
    let table = http.get("/v1/statistics?by=campaign&format=csv");
    let english = &table.text;
    assert!(
        english.starts_with("campaign,campaign_name,messages,delivered,delivered_percent,"),
        "{english}"
    );
    assert!(english.contains(",Rappel,4379,3969,90.6,"), "{english}");
}

#[test]
fn req_002_16_figures_by_what_messages_have_in_common_are_those_of_reports() {
    let stand = Stand::new(programs!(), "statistics", &fr_4379(), |smsc| smsc);
    says_what_reports_say(&stand);
    compares(&stand);
    is_a_table(&stand);
    are_everybodys(&stand);
    let http = stand.tenant.http(&stand.engine);
    for (asked, pointer) in [
        ("by=opened", "?by"),
        ("by=day,smsc,status", "?by"),
        ("by=tenant", "?by"),
        ("since=hier", "?since"),
        ("since=2026-01-01&until=2025-01-01", "?since"),
        ("since=2020-01-01", "?since"),
        ("time_zone=Paris", "?time_zone"),
        ("format=xls", "?format"),
        ("campaign=ten_1", "?campaign"),
    ] {
        http.get(&format!("/v1/statistics?{asked}"))
            .expect_field_problem(&[422], pointer);
    }
}

#[test]
fn req_003_14_figures_for_a_clinics_own_tools_come_from_postgresql_as_well() {
    let lab = Lab::new(programs!(), "statistics-pg");
    let postgres = lab.postgres();
    let stand = Stand::under(lab, &fr_4379(), |redis, sim| {
        let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        settings
            .tables
            .push(format!("[database]\nurl = \"{}\"", postgres.url()));
        settings
    });
    says_what_reports_say(&stand);
    compares(&stand);
    are_everybodys(&stand);
}
