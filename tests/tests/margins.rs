//! What a reseller's messages cost and brought: the same as the simulator's own ledger comes to, to a millionth, on both databases.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use campanile_tests::{CampaignOrder, Http, Lab, Stand, Tenant, eventually, programs};
use lab::{EngineSettings, Row, SmscSettings};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(90);

/// One number is nobody's: its SMSC takes nothing for it.
const OUTCOMES: &str = r#"
[[outcome]]
name = "delivered"
[[outcome]]
name = "unknown"
answer = "ESME_RINVDSTADR"
[recipients]
"33600000002" = "unknown"
"#;

/// Two segments in GSM 03.38.
const LONG: &str = "Cabinet Martin : votre rendez-vous est confirmé. Merci de venir dix minutes avant, avec votre carte Vitale, votre ordonnance \
                    et vos derniers examens, s'il vous plaît.";

/// In millionths of a euro: of all French mobiles, and of those that begin with 3367.
const NORTH: [i64; 2] = [45_000, 52_500];

/// South has a price for these only.
const SOUTH: i64 = 61_001;

fn stand(lab: Lab, database: Option<String>) -> Stand {
    Stand::under(lab, OUTCOMES, |redis, sim| {
        let smsc = |name: &str, lines: &str| SmscSettings::new(name, sim.smpp_address()).account(name).line(lines);
        let north = "prefixes = [\"336\"]\nprice = [{ prefix = \"336\", per_segment = \"0.045\", currency = \"EUR\" }, { prefix = \"3367\", \
                     per_segment = \"0.0525\", currency = \"EUR\" }]";
        let south =
            "prefixes = [\"337\"]\nprice = [{ prefix = \"33750\", per_segment = \"0.061001\", currency = \"EUR\" }]";
        let smscs = vec![smsc("north", north), smsc("south", south)];
        let mut settings = EngineSettings::new(Some(redis.url()), smscs);
        settings.tables.extend(database);
        settings
    })
}

/// What a segment costs, as the test knows it: millionths, or no price.
fn price_of(row: &Row) -> Option<i64> {
    match (row.account.as_str(), row.recipient.as_str()) {
        ("north", number) if number.starts_with("3367") => Some(NORTH[1]),
        ("north", _) => Some(NORTH[0]),
        (_, number) if number.starts_with("33750") => Some(SOUTH),
        _ => None,
    }
}

struct Reseller {
    id: String,
    key: String,
}

impl Reseller {
    fn new(stand: &Stand, name: &str) -> Self {
        let operator = stand.engine.operator();
        let made = operator.post("/v1/resellers", &json!({ "name": name })).expect(201);
        let [id, key] = ["id", "api_key"].map(|field| made[field].as_str().expect("a text").to_owned());
        let amount = json!({ "amount": 10_000, "reference": "" });
        operator
            .post(&format!("/v1/resellers/{id}/credits"), &amount)
            .expect(201);
        Self { id, key }
    }

    fn http(&self, stand: &Stand) -> Http {
        stand.engine.public().with_key(&self.key)
    }

    fn tenant(&self, stand: &Stand, name: &str) -> Tenant {
        let made = self
            .http(stand)
            .post("/v1/tenants", &json!({ "name": name }))
            .expect(201);
        let tenant = stand.engine.tenant_of(&made);
        let amount = json!({ "amount": 1_000, "reference": "" });
        self.http(stand)
            .post(&format!("/v1/tenants/{}/credits", tenant.id), &amount)
            .expect(201);
        tenant
    }

    fn margin(&self, stand: &Stand, asked: &str) -> Value {
        self.http(stand)
            .get(&format!("/v1/resellers/{}/margin?{asked}", self.id))
            .expect(200)
    }
}

fn pays(stand: &Stand, reseller: &Reseller, tenant: &Tenant, (since, per_credit): (&str, &str)) {
    let price = json!({ "since": since, "per_credit": per_credit, "currency": "EUR" });
    let path = format!("/v1/tenants/{}/credit_prices", tenant.id);
    reseller.http(stand).post(&path, &price).expect(201);
}

fn to(numbers: &[&str], text: &str, sender: &str) -> CampaignOrder {
    let people: Vec<Value> = numbers.iter().map(|number| json!({ "to": number })).collect();
    CampaignOrder::to_audience(&json!({ "recipients": people }))
        .with("text", json!(text))
        .with("sender", json!(sender))
}

/// Sums of millionths as the API writes them.
fn decimal(micros: i64) -> String {
    let (sign, all) = (if micros < 0 { "-" } else { "" }, micros.abs());
    format!("{sign}{}.{:06}", all / 1_000_000, all % 1_000_000)
}

fn row_of<'a>(answer: &'a Value, group: &Value) -> &'a Value {
    let rows = answer["data"].as_array().expect("rows");
    let found = rows.iter().find(|row| row["group"] == *group);
    found.unwrap_or_else(|| panic!("no {group} in {answer}"))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// Segments, those without a price, and what the others cost, as the simulator took them from some senders.
fn bought(rows: &[Row], wanted: impl Fn(&Row) -> bool) -> (u64, u64, i64) {
    let taken = rows.iter().filter(|row| row.command_status == Some(0) && wanted(row));
    taken.fold((0, 0, 0), |(segments, unpriced, cost), row| match price_of(row) {
        Some(price) => (segments + 1, unpriced, cost + price),
        None => (segments + 1, unpriced + 1, cost),
    })
}

fn is_the_simulators(stand: &Stand) {
    let (ours, theirs) = (
        Reseller::new(stand, "Ostéo Réseau"),
        Reseller::new(stand, "Autre réseau"),
    );
    let lilas = ours.tenant(stand, "Cabinet des Lilas");
    let roses = ours.tenant(stand, "Cabinet des Roses");
    let other = theirs.tenant(stand, "Cabinet des Iris");
    pays(stand, &ours, &lilas, ("2020-01-01", "0.08"));
    let first = [
        "+33600000001",
        "+33600000002",
        "+33670000001",
        "+33671000002",
        "+33750000001",
    ];
    let sent = [
        (&lilas, to(&first, "Bonjour", "LILAS")),
        (&lilas, to(&["+33600000011", "+33750000002"], LONG, "LILAS")),
        (&roses, to(&["+33600000021", "+33760000001"], LONG, "ROSES")),
        (&other, to(&["+33600000031", "+33760000002"], "Bonjour", "IRIS")),
    ];
    for (tenant, order) in &sent {
        tenant.order(&stand.engine, order);
    }
    // 4 + 4 segments of one, 4 of the other; the number that is nobody's is none.
    let answer = eventually("history has all of it", LIMIT, || {
        let answer = ours.margin(stand, "by=tenant");
        (number(&answer["total"]["segments"]) == 12).then_some(answer)
    });
    let ledger = stand.sim.ledger();
    let (segments, unpriced, cost) = bought(&ledger, |row| row.source != "IRIS");
    assert_eq!((segments, unpriced), (12, 2));
    let total = &answer["total"];
    assert_eq!(
        (number(&total["unpriced_segments"]), &total["margin"]),
        (2, &Value::Null),
        "{answer}"
    );
    assert_eq!(
        (number(&total["credits"]), number(&total["unpriced_credits"])),
        (12, 4),
        "{answer}"
    );
    assert_eq!(total["money"][0]["cost"], json!(decimal(cost)));

    let (_, unpriced, cost) = bought(&ledger, |row| row.source == "LILAS");
    let row = row_of(&answer, &json!({ "tenant": lilas.id }));
    assert_eq!((row["tenant_name"].as_str(), unpriced), (Some("Cabinet des Lilas"), 0));
    let expected = json!([{ "currency": "EUR", "cost": decimal(cost), "value": decimal(8 * 80_000) }]);
    assert_eq!(row["money"], expected, "{answer}");
    assert_eq!(row["margin"], json!(decimal(8 * 80_000 - cost)));
    // Who pays for a credit what nobody has said is no gift.
    let row = row_of(&answer, &json!({ "tenant": roses.id }));
    assert_eq!((number(&row["unpriced_credits"]), &row["margin"]), (4, &Value::Null));
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(2), "another reseller's");

    // A price that is said afterwards counts from its time on; another from then on leaves what is over as it was.
    pays(stand, &ours, &roses, ("2020-01-01", "0.1"));
    let now = jiff::Timestamp::now().to_string();
    pays(stand, &ours, &lilas, (&now, "0.030005"));
    lilas.order(&stand.engine, &to(&["+33600000041"], "Bonjour", "LILAS"));
    let answer = eventually("the later message is there", LIMIT, || {
        let answer = ours.margin(stand, "by=tenant");
        (number(&answer["total"]["segments"]) == 13).then_some(answer)
    });
    assert_eq!(number(&answer["total"]["unpriced_credits"]), 0);
    let value = 8 * 80_000 + 30_005;
    assert_eq!(
        row_of(&answer, &json!({ "tenant": lilas.id }))["money"][0]["value"],
        json!(decimal(value))
    );
    by_everything(stand, &ours);
    is_nobody_elses(stand, (&ours, &theirs), &lilas);
    is_a_table(stand, &ours, &lilas);
}

/// Whatever it is put together by, it comes to the same, and each row to what the simulator has of it.
fn by_everything(stand: &Stand, ours: &Reseller) {
    let ledger = stand.sim.ledger();
    for by in ["smsc,prefix", "country", "campaign", "day,tenant", "prefix"] {
        let answer = ours.margin(stand, &format!("by={by}"));
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for row in answer["data"].as_array().expect("rows") {
            for count in [
                "messages",
                "segments",
                "unpriced_segments",
                "credits",
                "unpriced_credits",
            ] {
                *sums.entry(count).or_default() += number(&row[count]);
            }
        }
        for (count, sum) in sums {
            assert_eq!(number(&answer["total"][count]), sum, "{by}: {count}");
        }
    }
    let answer = ours.margin(stand, "by=smsc,prefix");
    for (smsc, prefix) in [("north", "336"), ("north", "3367"), ("south", "33750")] {
        let (segments, _, cost) = bought(&ledger, |row| {
            let longer = prefix == "336" && row.recipient.starts_with("3367");
            row.source != "IRIS" && row.account == smsc && row.recipient.starts_with(prefix) && !longer
        });
        let row = row_of(&answer, &json!({ "smsc": smsc, "prefix": prefix }));
        assert_eq!(
            (number(&row["segments"]), &row["money"][0]["cost"]),
            (segments, &json!(decimal(cost))),
            "{prefix}"
        );
    }
    let row = row_of(&answer, &json!({ "smsc": "south", "prefix": null }));
    assert_eq!((number(&row["segments"]), number(&row["unpriced_segments"])), (2, 2));
}

fn is_nobody_elses(stand: &Stand, (ours, theirs): (&Reseller, &Reseller), tenant: &Tenant) {
    let path = format!("/v1/resellers/{}/margin", ours.id);
    let prices = format!("/v1/tenants/{}/credit_prices", tenant.id);
    stand.engine.operator().get(&path).expect(200);
    assert_eq!(
        stand.engine.operator().get(&prices).expect(200)["data"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    let own = tenant.http(&stand.engine);
    for path in [&path, &prices] {
        theirs.http(stand).get(path).expect_problem(&[404]);
        own.get(path).expect_problem(&[403]);
        ours.http(stand).acting_for(&tenant.id).get(path).expect_problem(&[403]);
    }
    let http = ours.http(stand);
    for (asked, pointer) in [
        ("by=colour", "?by"),
        ("by=day,smsc,tenant", "?by"),
        ("month=hier", "?month"),
    ] {
        http.get(&format!("{path}?{asked}"))
            .expect_field_problem(&[422], pointer);
    }
    http.get(&format!("{path}?month=2999-01")).expect_problem(&[404]);
    assert_eq!(ours.margin(stand, "month=2020-01")["total"]["messages"], 0);
    for (wrong, pointer) in [
        (
            json!({ "since": "2026-10-01", "per_credit": "0,08", "currency": "EUR" }),
            "/per_credit",
        ),
        (json!({ "since": "2026-10-01", "per_credit": "0.08" }), "/per_credit"),
        (
            json!({ "since": "2026-10-01", "per_credit": "0.08", "currency": "euro" }),
            "/currency",
        ),
        (json!({ "since": "hier", "per_credit": null }), "/since"),
    ] {
        http.post(&prices, &wrong).expect_field_problem(&[422], pointer);
    }
}

/// What the program prints with the reseller's key.
fn printed(stand: &Stand, reseller: &Reseller, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"))
        .args(arguments)
        .env("CAMPANILE_API", format!("http://{}", stand.engine.public().address()))
        .env("CAMPANILE_OPERATOR_KEY", &reseller.key)
        .output()
        .expect("campanile runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a text")
}

fn is_a_table(stand: &Stand, ours: &Reseller, lilas: &Tenant) {
    let french = ours.http(stand).in_language("fr");
    let path = format!("/v1/resellers/{}/margin?by=tenant&format=csv", ours.id);
    let text = french.get(&path).text.clone();
    let head = "\u{feff}client;nom;messages;segments;segments sans prix;crédits;crédits sans prix;coût EUR;vente EUR;marge\r\n";
    assert!(text.starts_with(head), "{text}");
    assert!(
        text.contains(&format!("{};Cabinet des Lilas;7;9;0;9;0;0,", lilas.id)),
        "{text}"
    );
    assert!(text.contains(";0,670005;"), "{text}");
    let margin = printed(stand, ours, &["credits", "margin", &ours.id, "--by", "smsc"]);
    assert!(margin.contains("south\t") && margin.contains("\ntotal\t"), "{margin}");
    let prices = printed(
        stand,
        ours,
        &["credits", "price", &lilas.id, "0.07", "EUR", "--since", "2019-01-01"],
    );
    assert!(
        prices.contains("\t0.070000\tEUR\n") && prices.contains("\t0.030005\tEUR\n"),
        "{prices}"
    );
}

#[test]
fn req_002_16_a_resellers_margin_is_what_the_simulator_took_less_nothing() {
    is_the_simulators(&stand(Lab::new(programs!(), "margins"), None));
}

#[test]
fn margins_are_the_same_in_postgresql() {
    let lab = Lab::new(programs!(), "margins-postgresql");
    let server = lab.postgres();
    let database = format!("[database]\nurl = \"{}\"", server.url());
    is_the_simulators(&stand(lab, Some(database)));
}
