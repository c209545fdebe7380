//! Statements of a tenant's credits, and what it is told when few are left.

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;

use campanile_tests::{
    Campaign, CampaignOrder, EngineSettings, Http, Lab, Receiver, SmscSettings, Stand, Tenant, eventually, programs,
};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// One number is nobody's, whose message is given back.
const OUTCOMES: &str = r#"
[[outcome]]
name = "delivered"
[[outcome]]
name = "unknown"
answer = "ESME_RINVDSTADR"
[recipients]
"33600000002" = "unknown"
"#;

/// Receivers of this machine.
const NEAR: &str =
    "[webhooks]\nallow = [\"127.0.0.1/32\"]\nretries = [\"0s\", \"100ms\", \"200ms\", \"400ms\", \"1s\"]";

/// With `[database]`, if it is not the embedded one.
fn stand(lab: Lab, database: Option<String>) -> Stand {
    Stand::under(lab, OUTCOMES, |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        settings.tables.push(NEAR.to_owned());
        settings.tables.extend(database);
        settings
    })
}

fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// Waits until nothing of a campaign is held any more.
fn wait_until_booked(stand: &Stand, campaign: &Campaign) {
    campaign.wait(&stand.engine, "all is booked", LIMIT, |view| {
        view.nothing_queued() && view.credits.held == 0
    });
}

/// The month that it is in that zone.
fn this_month(zone: &str) -> String {
    let now = jiff::Zoned::now().in_tz(zone).expect("a zone");
    now.strftime("%Y-%m").to_string()
}

/// Lines of the ledger of one kind: how many, and their credits.
fn of_kind(lines: &[Value], kind: &str) -> (u64, u64) {
    let of_kind = lines.iter().filter(|line| line["type"] == kind);
    of_kind.fold((0, 0), |(lines, credits), line| {
        (lines + 1, credits + number(&line["credits"]))
    })
}

/// What the statement says is what the ledger's lines come to, and what the tenant has.
fn adds_up(http: &Http) -> Value {
    let zone = "Indian/Reunion";
    let path = format!("/v1/statements/{}?time_zone={zone}", this_month(zone));
    let statement = http.get(&path).expect(200);
    let lines = http.get("/v1/ledger?limit=500").expect(200);
    let lines = lines["data"].as_array().expect("lines");
    let movements = statement["movements"].as_array().expect("movements");
    assert_eq!(movements.len(), 6);
    for movement in movements {
        let kind = movement["type"].as_str().expect("a kind");
        let said = (number(&movement["lines"]), number(&movement["credits"]));
        assert_eq!(said, of_kind(lines, kind), "{kind}");
    }
    // The ledger of the month alone has the same lines.
    let since = statement["since"].as_str().expect("an instant");
    let of_month = format!(
        "/v1/ledger?limit=500&since={}&until=2999-01-01T00:00:00Z",
        since.replace('+', "%2B")
    );
    assert_eq!(http.get(&of_month).expect(200)["data"].as_array(), Some(lines));
    let before = http
        .get(&format!("/v1/ledger?until={}", since.replace('+', "%2B")))
        .expect(200);
    assert_eq!(before["data"], json!([]));
    for (query, pointer) in [
        ("since=hier", "?since"),
        ("until=2026-10-01", "?until"),
        ("since=2026-10-02T00:00:00Z&until=2026-10-01T00:00:00Z", "?until"),
    ] {
        http.get(&format!("/v1/ledger?{query}"))
            .expect_field_problem(&[400, 422], pointer);
    }
    let [opening, granted, withdrawn, recredited, debited, closing] =
        ["opening", "granted", "withdrawn", "recredited", "debited", "closing"].map(|key| number(&statement[key]));
    let comes_to = opening + granted - withdrawn + recredited - debited;
    assert_eq!(closing, comes_to, "{statement}");
    let balance = http.get("/v1/balance").expect(200);
    for key in ["held", "available"] {
        assert_eq!(statement[key], balance[key], "{key}");
    }
    assert_eq!(closing, number(&balance["held"]) + number(&balance["available"]));
    let listed = http.get(&format!("/v1/statements?time_zone={zone}")).expect(200);
    let newest = &listed["data"][0];
    for key in [
        "month",
        "since",
        "opening",
        "granted",
        "withdrawn",
        "recredited",
        "debited",
        "closing",
    ] {
        assert_eq!(newest[key], statement[key], "{key}");
    }
    statement
}

fn are_those_of_the_ledger(stand: &Stand) {
    let first = adds_up(&http(stand));
    assert_eq!((number(&first["opening"]), number(&first["debited"])), (0, 0));
    let campaign = stand.launch(5);
    wait_until_booked(stand, &campaign);
    let sent = adds_up(&http(stand));
    let spent = number(&sent["debited"]) - number(&sent["recredited"]);
    assert_eq!(spent, number(&http(stand).get("/v1/balance").expect(200)["spent"]));
    assert!(spent >= 4, "{sent}");
    // A draft that is launched and paused holds what it may take.
    let paused = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(7));
    paused.ask(&stand.engine, "launch").expect(202);
    wait_until_booked(stand, &paused);
    adds_up(&http(stand));
}

/// Of a tenant whose reseller gives it credits, and takes some back.
fn has_what_was_taken_back(stand: &Stand) {
    let operator = stand.engine.operator();
    let reseller = operator
        .post("/v1/resellers", &json!({ "name": "Ostéo Réseau" }))
        .expect(201);
    let credits = |amount: u64| json!({ "amount": amount });
    let id = reseller["id"].as_str().expect("an id");
    operator
        .post(&format!("/v1/resellers/{id}/credits"), &credits(1_000))
        .expect(201);
    let http = stand
        .engine
        .public()
        .with_key(reseller["api_key"].as_str().expect("a key"));
    let tenant = stand.engine.tenant_of(
        &http
            .post("/v1/tenants", &json!({ "name": "Cabinet des Lilas" }))
            .expect(201),
    );
    for (path, amount) in [("credits", 600), ("withdrawals", 400)] {
        http.post(&format!("/v1/tenants/{}/{path}", tenant.id), &credits(amount))
            .expect(201);
    }
    let statement = adds_up(&tenant.http(&stand.engine));
    assert_eq!(
        ["granted", "withdrawn", "closing"].map(|key| number(&statement[key])),
        [600, 400, 200]
    );
    let balance = tenant.http(&stand.engine).get("/v1/balance").expect(200);
    assert_eq!(
        ["granted", "withdrawn", "available"].map(|key| number(&balance[key])),
        [200, 400, 200],
        "what was given less what was taken back"
    );
}

/// What the program prints with the tenant's key.
fn printed(stand: &Stand, arguments: &[&str]) -> String {
    let api = format!("http://{}", stand.engine.public().address());
    let output = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"))
        .args(arguments)
        .env("CAMPANILE_API", api)
        .env("CAMPANILE_KEY", &stand.tenant.key)
        .output()
        .expect("campanile runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a text")
}

fn are_printed(stand: &Stand) {
    let month = this_month("Europe/Paris");
    let all = printed(stand, &["credits", "statement"]);
    assert!(
        all.starts_with("month\topening\tgranted\twithdrawn\trecredited\tdebited\tclosing\n"),
        "{all}"
    );
    assert!(all.contains(&format!("{month}\t0\t1000000\t")), "{all}");
    let one = printed(stand, &["credits", "statement", &month]);
    assert!(
        one.contains("grant\t1\t1000000\n") && one.contains("opening\t-\t0\n"),
        "{one}"
    );
    let table = printed(stand, &["credits", "statement", &month, "--csv", "-"]);
    assert!(
        table.starts_with("\u{feff}movement,lines,in,out,balance") || table.starts_with("movement,"),
        "{table}"
    );
    let figures = eventually("history has the messages", LIMIT, || {
        let figures = printed(stand, &["statistics", "--by", "status"]);
        figures.contains("delivered\t").then_some(figures)
    });
    assert!(
        figures.starts_with("group\tmessages\tdelivered\t") && figures.contains("\ntotal\t"),
        "{figures}"
    );
    let json = printed(stand, &["statistics", "--by", "day", "--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["by"], json!(["day"]));
}

fn are_asked_for_well(stand: &Stand) {
    let http = http(stand);
    let before = http.get("/v1/statements/2019-07").expect(200);
    assert_eq!((number(&before["opening"]), number(&before["closing"])), (0, 0));
    assert_eq!(before["is_over"], true);
    assert_eq!(before["since"], "2019-06-30T22:00:00Z");
    for nothing in ["2019-13", "9999-12", "2199-01", "yesterday"] {
        http.get(&format!("/v1/statements/{nothing}")).expect_problem(&[404]);
    }
    http.get("/v1/statements?time_zone=Paris")
        .expect_field_problem(&[422], "?time_zone");
    let unknown = http.in_language("fr").get("/v1/statements/2026-13");
    let problem = unknown.expect_problem(&[404]);
    assert_eq!(
        problem["errors"][0]["detail"], "Attendu : un mois, par exemple 2026-10.",
        "{problem}"
    );
    http.get("/v1/statements?month=7")
        .expect_field_problem(&[422, 400], "?month");
    let month = this_month("Europe/Paris");
    let table = http
        .in_language("fr")
        .get(&format!("/v1/statements/{month}?format=csv"));
    let head = "\u{feff}mouvement;lignes;entrée;sortie;solde\r\nsolde initial;;;;0\r\naccordés;1;1000000;;\r\nretirés;0;;0;\r\n";
    assert!(table.text.starts_with(head), "{}", table.text);
    let table = http.get("/v1/statements?format=csv");
    let line = format!("{month},0,1000000,");
    assert!(table.text.contains(&line), "{}", table.text);
}

#[test]
fn statements_come_to_what_the_ledger_says() {
    let stand = stand(Lab::new(programs!(), "statements"), None);
    are_those_of_the_ledger(&stand);
    has_what_was_taken_back(&stand);
    are_asked_for_well(&stand);
    are_printed(&stand);
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    let theirs = stranger.get("/v1/statements").expect(200);
    assert_eq!(theirs["data"][0]["closing"], 10);
}

#[test]
fn statements_come_to_what_the_ledger_says_in_postgresql_as_well() {
    let lab = Lab::new(programs!(), "statements-postgresql");
    let server = lab.postgres();
    let stand = stand(lab, Some(format!("[database]\nurl = \"{}\"", server.url())));
    are_those_of_the_ledger(&stand);
    is_told_once(stand);
}

/// Thresholds that were told so far, in their order; what came again since its answer was lost counts once.
fn told(receiver: &Receiver) -> Vec<u64> {
    let (mut seen, mut thresholds) = (HashSet::new(), Vec::new());
    for posted in receiver.posted() {
        if seen.insert(posted.header("webhook-id").to_owned()) {
            let events = posted.events();
            let low = events.iter().filter(|event| event["type"] == "balance.low");
            thresholds.extend(low.map(|event| number(&event["data"]["threshold"])));
        }
    }
    thresholds
}

fn wait_until_told(receiver: &Receiver, expected: &[u64]) {
    eventually("the thresholds are told", LIMIT, || {
        (told(receiver) == expected).then_some(())
    });
}

/// A campaign to so many who all get it.
fn spend(stand: &Stand, tenant: &Tenant, credits: usize) {
    let numbers: Vec<String> = (0..credits).map(|at| format!("+336123456{at:02}")).collect();
    let order = CampaignOrder::to_audience(&json!({ "numbers": numbers.join(";") }));
    tenant.order(&stand.engine, &order);
}

/// Another tenant, of which few credits are left; the engine is killed while they are.
fn is_told_once(mut stand: Stand) {
    let receiver = Receiver::start();
    let few = stand.engine.tenant("Peu de crédits", 12);
    let tenant = few.http(&stand.engine);
    let hook = json!({ "url": receiver.url(), "events": ["balance.low"] });
    tenant.post("/v1/webhooks", &hook).expect(201);
    let set = tenant.ask("PATCH", "/v1/tenant", Some(&json!({ "balance_alerts": [5, 10, 5] })));
    assert_eq!(set.expect(200)["balance_alerts"], json!([10, 5]));
    // Twelve less four: below ten, and not below five.
    spend(&stand, &few, 4);
    wait_until_told(&receiver, &[10]);
    let balance = tenant.get("/v1/balance").expect(200);
    let alerts = json!([{ "threshold": 10, "is_low": true }, { "threshold": 5, "is_low": false }]);
    assert_eq!(balance["alerts"], alerts);
    stand.engine.kill();
    stand.engine.restart();
    // Below five now, and still below ten.
    spend(&stand, &few, 4);
    wait_until_told(&receiver, &[10, 5]);
    let operator = stand.engine.operator();
    let credits = format!("/v1/tenants/{}/credits", few.id);
    operator.post(&credits, &json!({ "amount": 5 })).expect(201);
    // At nine it is above five again; ten was not reached.
    let low = |threshold: u64| {
        let balance = few.http(&stand.engine).get("/v1/balance").expect(200);
        let alerts = balance["alerts"].as_array().expect("alerts").clone();
        alerts
            .iter()
            .any(|alert| alert["threshold"] == threshold && alert["is_low"] == true)
    };
    assert!(low(10) && !low(5));
    // Another threshold is told by the look that sees so.
    let alerts = json!({ "balance_alerts": [1_000, 10, 5] });
    let set = few.http(&stand.engine).patch("/v1/tenant", &alerts).expect(200);
    assert_eq!(set["balance_alerts"], json!([1_000, 10, 5]));
    wait_until_told(&receiver, &[10, 5, 1_000]);
    spend(&stand, &few, 5);
    wait_until_told(&receiver, &[10, 5, 1_000, 5]);
    let kept = few.http(&stand.engine).get("/v1/tenant").expect(200);
    assert_eq!(kept["balance_alerts"], json!([1_000, 10, 5]));
}

#[test]
fn a_threshold_of_the_balance_is_told_once_whatever_becomes_of_the_engine() {
    is_told_once(stand(Lab::new(programs!(), "balance-alerts"), None));
}

#[test]
fn thresholds_that_are_none_are_refused() {
    let stand = stand(Lab::new(programs!(), "balance-thresholds"), None);
    let http = http(&stand);
    let set = |alerts: Value| http.ask("PATCH", "/v1/tenant", Some(&json!({ "balance_alerts": alerts })));
    set(json!([0])).expect_field_problem(&[422], "/balance_alerts/0");
    set(json!([1, "2"])).expect_field_problem(&[400, 422], "/balance_alerts/1");
    set(json!([1, 2, 3, 4, 5, 6])).expect_field_problem(&[422], "/balance_alerts");
    set(json!(7)).expect_field_problem(&[400, 422], "/balance_alerts");
    http.ask("PATCH", "/v1/tenant", Some(&json!({})))
        .expect_problem(&[400, 422]);
    http.ask("PATCH", "/v1/tenant", Some(&json!({ "weight": 7 })))
        .expect_field_problem(&[400, 422], "/weight");
    assert_eq!(set(json!(null)).expect(200)["balance_alerts"], json!([]));
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let body = json!({ "balance_alerts": [100] });
    let by_operator = stand.engine.operator().ask("PATCH", &path, Some(&body)).expect(200);
    assert_eq!(by_operator["balance_alerts"], json!([100]));
}
