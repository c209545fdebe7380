//! Which SMSC of a route takes what: the cheapest, the one whose receipts are good, and the order of one person's messages.

use std::collections::BTreeMap;
use std::time::Duration;

use campanile_tests::tenant::CampaignView;
use campanile_tests::{CampaignOrder, Lab, Stand, eventually, programs};
use lab::{EngineSettings, Row, SmscSettings};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);

/// Within it, an SMSC whose receipts turn bad has lost its traffic.
const MINUTE: Duration = Duration::from_secs(60);

const HEALTHY: &str = "[receipt]\ndelay = { uniform = [\"0s\", \"2s\"] }\n";

const SILENT: &str = "[receipt]\ndelay = \"1h\"\n";

/// Two accounts of one simulator, with more lines each, on a route.
fn two(name: &str, scenario: &str, lines: [&str; 2], route: &str) -> Stand {
    Stand::under(Lab::new(programs!(), name), scenario, |redis, sim| {
        let account = |name: &str, line: &str| SmscSettings::new(name, sim.smpp_address()).account(name).line(line);
        let smscs = vec![account("north", lines[0]), account("south", lines[1])];
        let mut settings = EngineSettings::new(Some(redis.url()), smscs);
        settings.tables = vec![route.to_owned()];
        settings
    })
}

#[test]
fn the_cheapest_takes_what_it_can_and_what_it_cost_is_counted() {
    let price = |price: &str| {
        format!(
            "price = [{{ prefix = \"33\", per_segment = \"{price}\", currency = \"EUR\" }}, {{ prefix = \"336\", per_segment = \"0.07\", currency = \"EUR\" }}]"
        )
    };
    let (north, south) = (price("0.05"), price("0.045").replace("0.07", "0.0699"));
    let route = "[[route]]\nname = \"all\"\nprefer = \"cheapest\"\nsmscs = [\"north\", \"south\"]\n";
    let stand = two("cheapest", HEALTHY, [&north, &south], route);
    let messages = 400;
    let campaign = stand.launch(messages);
    stand.all_delivered(&campaign, messages, LIMIT);
    let rows = stand.sim.ledger();
    assert!(rows.iter().all(|row| row.account == "south"), "the dearer one had some");
    let sevens = rows.iter().filter(|row| row.recipient.starts_with("336")).count();
    let expected = sevens * 69_900 + (messages - sevens) * 45_000;
    let cost = stand
        .engine
        .metric(|sample| sample.starts_with("campanile_smsc_cost_micros_total{") && sample.contains("smsc=\"south\""));
    assert_eq!(cost, expected as f64);
    let routes = stand.engine.admin().get("/v1/routes").expect(200);
    assert_eq!(routes["data"][0]["prefer"], json!("cheapest"), "{routes}");

    stand
        .engine
        .admin()
        .post("/v1/smscs/south/suspend", &json!({}))
        .expect(200);
    let second = stand.launch(messages);
    let delivered = |view: &CampaignView| view.status("delivered") == messages as u64;
    second.wait(&stand.engine, "all of it is delivered", LIMIT, delivered);
    let by_north = stand.sim.ledger().iter().filter(|row| row.account == "north").count();
    assert_eq!(by_north, messages, "the next in price has not taken over");
}

#[test]
fn an_smsc_whose_receipts_stop_loses_its_traffic_within_a_minute_and_gets_it_back() {
    let labs = ["quality", "quality-south"].map(|name| Lab::new(programs!(), name));
    let [north, south] = labs.each_ref().map(|lab| lab.sim(HEALTHY));
    let [lab, _] = &labs;
    let redis = lab.redis();
    let smsc = |name: &str, address: &str| SmscSettings::new(name, address).line("rate = \"100/s\"");
    let smscs = vec![smsc("north", north.smpp_address()), smsc("south", south.smpp_address())];
    let mut settings = EngineSettings::new(Some(redis.url()), smscs);
    settings.tables =
        vec!["[[route]]\nname = \"all\"\nprefer = \"quality\"\nsmscs = [\"north\", \"south\"]\n".to_owned()];
    let engine = lab.engine(&settings);
    let tenant = engine.tenant("Cabinet Martin", 1_000_000);
    tenant.launch(&engine, 60_000);
    let quality = || -> Value { engine.admin().get("/v1/smscs").expect(200)["data"][0]["quality"].clone() };
    eventually("the past of the first is known", LIMIT, || {
        (!quality().is_null()).then_some(())
    });
    assert_eq!(quality()["probed"], json!(false), "{}", quality());

    north.switch(SILENT);
    eventually("the first is probed", MINUTE, || {
        (quality()["probed"] == json!(true)).then_some(())
    });
    let before = [north.totals().accepted, south.totals().accepted];
    south.wait_for("accepted", before[1] + 1_000, LIMIT);
    let had = north.totals().accepted - before[0];
    assert!(
        (1..=200).contains(&had),
        "the first had {had} while the second had 1,000"
    );
    let gauge = engine.metric(|sample| sample.starts_with("campanile_smsc_quality{smsc=\"north\""));
    assert!(gauge < 0.6, "{gauge}");

    north.switch(HEALTHY);
    eventually("the first has its share again", LIMIT, || {
        (quality()["probed"] == json!(false)).then_some(())
    });
}

#[test]
fn messages_to_one_person_go_in_their_order_over_both_smscs_of_a_route() {
    let scenario = "[answer]\ndelay = { uniform = [\"1ms\", \"60ms\"] }\n[faults]\nrefuse = { status = \"ESME_RSYSERR\", share = 0.1 }\n";
    let route =
        "[[route]]\nname = \"all\"\nsmscs = [{ name = \"north\", weight = 1 }, { name = \"south\", weight = 1 }]\n";
    let stand = two("order", scenario, ["", ""], route);
    let (people, times) = (200, 6);
    for time in 0..times {
        let order = CampaignOrder::to_first(people).with("text", json!(format!("numéro {time}")));
        stand.tenant.order(&stand.engine, &order);
    }
    let all = (people * times) as u64;
    stand.sim.wait_for("accepted", all, LIMIT);
    let mut taken: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in stand.sim.ledger().into_iter().filter(Row::is_accepted) {
        taken.entry(row.recipient.clone()).or_default().push(row);
    }
    let mut changed = 0;
    for (recipient, rows) in &taken {
        let texts: Vec<String> = rows.iter().filter_map(|row| row.text.clone()).collect();
        let expected: Vec<String> = (0..times).map(|time| format!("numéro {time}")).collect();
        assert_eq!(texts, expected, "{recipient}");
        changed += usize::from(rows.iter().any(|row| row.account != rows[0].account));
    }
    assert_eq!(taken.len(), people);
    assert!(
        changed > people / 2,
        "only {changed} of {people} had messages over both"
    );
}
