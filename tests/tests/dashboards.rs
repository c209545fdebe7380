//! Dashboards and alerts, live: a real Prometheus and a real Alertmanager beside engine and simulator. Every query of every
//! dashboard finds data in a day made for it, and the gravest alerts reach whoever is to be woken, and say when it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use campanile_tests::authority::{Authority, by_name, secured, tls};
use campanile_tests::prometheus::boards::{EVERYTHING, asked, boards, list, targets, variables};
use campanile_tests::prometheus::repository;
use campanile_tests::wait::eventually_or;
use campanile_tests::{
    CampaignOrder, EngineSettings, Lab, Monitoring, Receiver, SmscSettings, Stand, eventually, programs,
};
use lab::Signal;
use serde_json::json;

/// The quality of an SMSC is known three quarters of a minute after its first messages.
const DATA_LIMIT: Duration = Duration::from_secs(90);

/// From a fault to the notice, and from its end to the other; the auditor walks for some seconds.
const NOTICE_LIMIT: Duration = Duration::from_secs(30);

/// Reminders may wait for a minute, and that minute is not shortened.
const BACKLOG_LIMIT: Duration = Duration::from_secs(90);

const REFUSES: &str = "[faults]\nrefuse = { status = \"ESME_RINVDSTADR\" }\n";
/// Hours of advertising that are open whenever the test is.
const ANY_HOUR: &str = r#"
country = "FR"
valid_from = "2020-01-01"
valid_until = "2099-12-31"
source = "nowhere"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
from = "00:00"
to = "23:59"
holidays = "open"
guard = "0s"
"#;

const HEALTHY: &str = "[answer]\ndelay = \"0s\"\n";

/// Of each variable everything is chosen.
fn everything(_: &str) -> String {
    EVERYTHING.to_owned()
}

/// Every query of every panel, and of every mark on the graphs, with where it stands.
fn panels_and_marks() -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let (mut panels, mut marks) = (BTreeMap::new(), BTreeMap::new());
    for (file, board) in boards() {
        for target in targets(&board) {
            let place = format!("{file}: {:?} {}", target.title, target.id);
            panels.insert(place, asked(&target.query, &board, everything));
        }
        for mark in list(&board["annotations"]["list"]) {
            let query = mark["expr"].as_str().expect("a query");
            marks.insert(format!("{file}: {}", mark["name"]), asked(query, &board, everything));
        }
    }
    (panels, marks)
}

/// Waits until each of these had data at some time.
#[track_caller]
fn wait_for_data(monitoring: &Monitoring, queries: &BTreeMap<String, String>) {
    let mut empty: Vec<(&String, &String)> = queries.iter().collect();
    let missing = std::cell::RefCell::new(Vec::new());
    let all = || {
        empty.retain(|(_, query)| !monitoring.had_data(query));
        missing.replace(empty.iter().map(|(place, query)| format!("{place}: {query}")).collect());
        empty.is_empty().then_some(())
    };
    eventually_or(DATA_LIMIT, all, || {
        format!("no data within {DATA_LIMIT:?}:\n{}", missing.borrow().join("\n"))
    });
}

/// An SMSC of everything: over TLS, by SMPP 5.0 with its congestion, with a rate and prices, and with magic numbers; and operators'
/// doors with a certificate of that authority.
fn varied(name: &str) -> (Stand, Authority) {
    let lab = Lab::new(programs!(), name);
    let authority = Authority::new(lab.directory(), "authority");
    let server = authority.issue("localhost", 2100);
    let (certificate, key) = authority.issue("campanile", 2100);
    let pack = lab.directory().join("any-hour.toml");
    std::fs::write(&pack, ANY_HOUR).expect("write a pack");
    let own = "magic = true\n[[account]]\nsystem_id = \"*\"\ncongestion = true\n";
    let scenario = own.to_owned() + &secured(&server, &format!("client_ca = {:?}", authority.file));
    let stand = Stand::under(lab, &scenario, |redis, sim| {
        let ca = &authority.file;
        let lines = [
            format!("tls = {{ ca_file = {ca:?}, certificate_file = {certificate:?}, key_file = {key:?} }}"),
            "interface_version = 0x50\nrate = \"500/s\"\nresponse_timeout = \"2s\"\nenquire_link_interval = \"1s\""
                .to_owned(),
            "[[smsc.price]]\nprefix = \"336000001\"\nper_segment = \"0.045\"\ncurrency = \"EUR\"".to_owned(),
        ];
        let smsc = SmscSettings::new("north", &by_name(sim.tls_address().expect("it speaks TLS")));
        let smsc = lines.iter().fold(smsc, |smsc, line| smsc.line(line));
        EngineSettings {
            rules: Some(vec![pack.display().to_string()]),
            tables: vec![
                tls("admin", &server, ""),
                "[webhooks]\nallow = [\"127.0.0.1/32\"]".to_owned(),
            ],
            ..EngineSettings::new(Some(redis.url()), vec![smsc])
        }
    });
    (stand, authority)
}

/// Engine and simulator, under the names that deploy/compose gives them. The engine is asked over TLS.
fn both(stand: &Stand) -> [(&'static str, String); 2] {
    let engine = by_name(stand.engine.admin().address());
    [
        ("campanile", format!("https://{engine}")),
        ("smpp-sim", stand.sim.http().address().to_owned()),
    ]
}

#[test]
fn every_panel_variable_and_mark_has_data_in_a_day_made_for_it() {
    let (mut stand, authority) = varied("dashboards-data");
    let monitoring = Monitoring::of(stand.lab(), &both(&stand), Some(&authority));
    let (panels, marks) = panels_and_marks();
    assert!(panels.len() > 130, "{} queries of panels", panels.len());

    let receiver = Receiver::start();
    let webhook = json!({ "url": receiver.url(), "events": ["*"] });
    stand
        .tenant
        .http(&stand.engine)
        .post("/v1/webhooks", &webhook)
        .expect(201);
    stand.launch(1_000);
    let marketing = CampaignOrder::to_first(100).with("purpose", json!("marketing"));
    stand.tenant.order(&stand.engine, &marketing);
    let planned = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(10));
    planned.schedule_in(&stand.engine, 2);
    // STOP to a number of the tenant's is confirmed.
    let operator = stand.engine.operator();
    let number = json!({ "number": "36034", "country": "FR" });
    let number = operator.post("/v1/inventory", &number).expect(201);
    let number = number["id"].as_str().expect("an id");
    let given = format!("/v1/tenants/{}/numbers/{number}", stand.tenant.id);
    operator.ask("PUT", &given, None).expect(200);
    stand.sim.inbound("33600000001", "36034", "STOP");
    // Only Prometheus speaks TLS here.
    stand.engine.signal(Signal::HUP);
    stand.sim.wait_for("accepted", 900, DATA_LIMIT);
    stand.sim.close_sessions();
    wait_for_data(&monitoring, &panels);

    stand.engine.restart();
    monitoring.moved(&both(&stand));
    wait_for_data(&monitoring, &marks);
    for (file, board) in boards() {
        for (name, query) in variables(&board) {
            let series = asked(query, &board, everything);
            let inside = series
                .strip_prefix("label_values(")
                .and_then(|rest| rest.strip_suffix(')'));
            let (series, label) = inside
                .and_then(|inside| inside.rsplit_once(", "))
                .expect("label_values(series, label)");
            let values = monitoring.label_values(series, label);
            assert!(!values.is_empty(), "{file}: {name}: nothing to choose by {query}");
        }
    }
}

/// A stand of which one part can be broken, and the alerts of it.
fn north(name: &str) -> Stand {
    Stand::new(programs!(), name, "", |smsc| smsc.line("rate = \"20/s\""))
}

#[test]
fn the_gravest_alerts_reach_who_is_woken_and_say_when_it_is_over() {
    let (mut away, mut wrong) = (north("alerts-away"), north("alerts-wrong"));
    let jobs = [
        ("away", away.engine.admin().address().to_owned()),
        ("wrong", wrong.engine.admin().address().to_owned()),
    ];
    let lab = Lab::new(programs!(), "alerts-monitoring");
    let monitoring = Monitoring::of(&lab, &jobs, None);
    std::thread::scope(|scope| {
        scope.spawn(|| binds_go_and_a_balance_is_changed(&mut away, &monitoring));
        scope.spawn(|| answers_turn_bad_and_redis_goes(&mut wrong, &monitoring));
    });
    let told = monitoring.told();
    let critical: BTreeSet<&str> = told
        .iter()
        .filter(|notice| notice.severity == "critical")
        .map(|notice| notice.alert.as_str())
        .collect();
    for alert in [
        "AllBindsDown",
        "BacklogOldestAge",
        "LedgerImbalance",
        "SubmitErrorRatioHigh",
        "RedisErrors",
    ] {
        assert!(critical.contains(alert), "{alert} is not critical: {told:?}");
    }
    for notice in &told {
        let page = repository().join(&notice.runbook);
        assert!(page.is_file(), "{notice:?} names no page of the repository");
    }
}

/// All binds down, the age of the backlog, the books.
fn binds_go_and_a_balance_is_changed(stand: &mut Stand, monitoring: &Monitoring) {
    let job = "away";
    stand.sim.kill();
    stand.launch(50);
    monitoring.wait_until_fires("AllBindsDown", job, NOTICE_LIMIT);

    change_balance(stand, 5);
    monitoring.wait_until_fires("LedgerImbalance", job, NOTICE_LIMIT);
    change_balance(stand, -5);
    monitoring.wait_until_over("LedgerImbalance", job, NOTICE_LIMIT);

    monitoring.wait_until_fires("BacklogOldestAge", job, BACKLOG_LIMIT);
    stand.sim.restart();
    monitoring.wait_until_over("AllBindsDown", job, NOTICE_LIMIT);
    monitoring.wait_until_over("BacklogOldestAge", job, NOTICE_LIMIT);
}

/// Gives the tenant credits that nobody granted, or takes them away, behind the engine's back.
fn change_balance(stand: &Stand, by: i64) {
    let mut redis = stand.redis.connect().expect("Redis is there");
    let keys: Vec<String> = redis::cmd("KEYS").arg("c:{t*}:tenant").query(&mut redis).expect("KEYS");
    let [tenant] = &keys[..] else {
        panic!("one tenant is expected: {keys:?}");
    };
    let mut change = redis::cmd("HINCRBY");
    change
        .arg(tenant)
        .arg("available")
        .arg(by)
        .exec(&mut redis)
        .expect("HINCRBY");
}

/// Answers that refuse, and Redis gone.
fn answers_turn_bad_and_redis_goes(stand: &mut Stand, monitoring: &Monitoring) {
    let job = "wrong";
    stand.sim.switch(REFUSES);
    stand.launch(2_000);
    monitoring.wait_until_fires("SubmitErrorRatioHigh", job, NOTICE_LIMIT);
    stand.sim.switch(HEALTHY);
    monitoring.wait_until_over("SubmitErrorRatioHigh", job, NOTICE_LIMIT);

    stand.redis.kill();
    monitoring.wait_until_fires("RedisErrors", job, NOTICE_LIMIT);
    monitoring.wait_until_fires("WorkStopped", job, NOTICE_LIMIT);
    stand.redis.restart();
    monitoring.wait_until_over("RedisErrors", job, NOTICE_LIMIT);
    monitoring.wait_until_over("WorkStopped", job, NOTICE_LIMIT);
    eventually("it sends again", NOTICE_LIMIT, || {
        let sent = monitoring.now("sum(rate(campanile_submits_total{job=\"wrong\", result=\"ok\"}[5s])) > 0");
        sent.is_ok_and(|sent| !sent.is_empty()).then_some(())
    });
}
