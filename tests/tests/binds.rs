//! Binds as aggregators demand them: over TLS, to several hosts, in pairs, by version, in order.

use std::time::Duration;

use campanile_tests::authority::{Authority, by_name, secured};
use campanile_tests::{CampaignOrder, Engine, EngineSettings, Lab, SmscSettings, Stand, Tap, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// 2100-01-01, when the good certificates end.
const FAR_AWAY: &str = "4102444800";

fn binds(engine: &Engine) -> Vec<Value> {
    let answer = engine.admin().get("/v1/binds").expect(200);
    answer["data"].as_array().expect("a list").clone()
}

#[test]
fn a_campaign_goes_over_tls_and_each_side_shows_its_certificate() {
    let lab = Lab::new(programs!(), "tls");
    let authority = Authority::new(lab.directory(), "authority");
    let server = authority.issue("localhost", 2100);
    let (certificate, key) = authority.issue("campanile", 2100);
    let more = format!("client_ca = {:?}\nmin_version = \"1.3\"", authority.file);
    let stand = Stand::under(lab, &secured(&server, &more), |redis, sim| {
        let smsc = SmscSettings::new("north", &by_name(sim.tls_address().unwrap()));
        let ca = &authority.file;
        let tls = format!("tls = {{ ca_file = {ca:?}, certificate_file = {certificate:?}, key_file = {key:?} }}");
        EngineSettings::new(Some(redis.url()), vec![smsc.sessions(2).window(10_000).line(&tls)])
    });
    let campaign = stand.launch(30_000);
    stand.sim.wait_for("accepted", 1_000, LIMIT);
    // More than the socket takes is under way then.
    stand.sim.stand_still(Duration::from_secs(2));
    stand.all_delivered(&campaign, 30_000, LIMIT);
    for bind in binds(&stand.engine) {
        assert_eq!(
            (&bind["state"], &bind["tls"]),
            (&json!("bound"), &json!("1.3")),
            "{bind}"
        );
        let address = bind["address"].as_str().unwrap();
        assert!(
            address.starts_with("localhost:") && address.ends_with("(127.0.0.1)"),
            "{address}"
        );
    }
    let metrics = stand.engine.admin().get("/metrics").text.clone();
    for side in ["client", "server"] {
        let expiry =
            format!("campanile_tls_certificate_expiry_timestamp_seconds{{side=\"{side}\",smsc=\"north\"}} {FAR_AWAY}");
        assert!(metrics.contains(&expiry), "{expiry}");
    }
}

/// A bind that cannot come up: its name, what it is told, and what it says of it.
type Failing<'a> = (&'a str, String, String, &'a str);

#[test]
fn each_way_in_which_tls_fails_is_said_in_words_of_its_own() {
    let lab = Lab::new(programs!(), "tls-fails");
    let authority = Authority::new(lab.directory(), "authority");
    let stranger = Authority::new(lab.directory(), "stranger");
    let (good, expired) = (authority.issue("localhost", 2100), authority.issue("localhost", 2021));
    let foreign = stranger.issue("campanile", 2100);
    let labs = ["expired", "shy"].map(|name| Lab::new(programs!(), &format!("tls-fails-{name}")));
    let client_ca = format!("client_ca = {:?}", authority.file);
    let overdue = labs[0].sim(&secured(&expired, ""));
    let shy = labs[1].sim(&secured(&good, &format!("{client_ca}\nmin_version = \"1.3\"")));
    let mut said = Vec::new();
    let stand = Stand::under(lab, &secured(&good, ""), |redis, sim| {
        let ca = &authority.file;
        let trusting = format!("ca_file = {ca:?}");
        let tls_address = by_name(sim.tls_address().unwrap());
        let (certificate, key) = &foreign;
        let failing: [Failing<'_>; 6] = [
            (
                "issuer",
                tls_address.clone(),
                format!("ca_file = {:?}", stranger.file),
                "not trusted here (tls.ca_file",
            ),
            (
                "name",
                tls_address,
                format!("{trusting}, server_name = \"smpp.example.net\""),
                "for another name",
            ),
            (
                "expired",
                by_name(overdue.tls_address().unwrap()),
                trusting.clone(),
                "has expired: on 2021-01-01T00:00:00Z",
            ),
            (
                "plain",
                sim.smpp_address().to_owned(),
                trusting.clone(),
                "does not speak TLS",
            ),
            (
                "anonymous",
                by_name(shy.tls_address().unwrap()),
                trusting.clone(),
                "wants a certificate of ours",
            ),
            (
                "foreign",
                by_name(shy.tls_address().unwrap()),
                format!("{trusting}, certificate_file = {certificate:?}, key_file = {key:?}"),
                "does not accept our certificate",
            ),
        ];
        let smscs = failing.map(|(name, address, tls, words)| {
            said.push((name, words));
            let smsc = SmscSettings::new(name, &address);
            smsc.line(&format!("tls = {{ {tls} }}"))
        });
        EngineSettings::new(Some(redis.url()), smscs.into())
    });
    for (name, words) in said {
        fails_with(&stand.engine, name, words);
    }
}

fn fails_with(engine: &Engine, name: &str, words: &str) {
    eventually(&format!("{name} says {words:?}"), LIMIT, || {
        let binds = binds(engine);
        let bind = binds.iter().find(|bind| bind["smsc"] == name)?;
        assert_ne!(bind["state"], "bound", "{bind}");
        bind["last_error"].as_str()?.contains(words).then_some(())
    });
    let failed = engine.metric(|sample| {
        let labels = [&format!("smsc=\"{name}\""), "result=\"tls_error\""];
        sample.starts_with("campanile_bind_attempts_total") && labels.iter().all(|label| sample.contains(*label))
    });
    assert!(failed >= 1.0, "{name}");
}

#[test]
fn the_next_host_takes_over_when_one_fails_and_nothing_is_lost() {
    let mut tap = None;
    let lab = Lab::new(programs!(), "hosts");
    let scenario = "[answer]\ndelay = \"5ms\"\n";
    let stand = Stand::under(lab, scenario, |redis, sim| {
        let tap = tap.insert(Tap::new(sim.smpp_address()));
        let smsc = SmscSettings::new("north", &tap.address()).or_at(sim.smpp_address());
        EngineSettings::new(Some(redis.url()), vec![smsc])
    });
    let at = |address: String| {
        eventually("it is bound there", LIMIT, || {
            let bind = binds(&stand.engine).remove(0);
            (bind["state"] == "bound" && bind["address"] == address).then_some(())
        });
    };
    at(tap.as_ref().unwrap().address());
    let campaign = stand.launch(5_000);
    stand.sim.wait_for("accepted", 1_000, LIMIT);
    // The first host is gone, with all that was on its way through it.
    drop(tap);
    stand.sim.close_sessions();
    at(stand.sim.smpp_address().to_owned());
    stand.wait_until_settled(&campaign, LIMIT);
    stand.consistent_ledgers(&campaign, 5_000, "over two hosts");
}

#[test]
fn a_pair_submits_over_its_transmitters_and_gets_receipts_over_its_receivers() {
    let stand = Stand::new(programs!(), "pair", "[receipt]\nroute = \"receiver\"\n", |smsc| {
        smsc.bind("pair")
            .sessions(2)
            .line("bind_ton = 1\nbind_npi = 1\naddress_range = \"^33\"")
    });
    let campaign = stand.launch(2_000);
    stand.all_delivered(&campaign, 2_000, LIMIT);
    let binds = binds(&stand.engine);
    let kinds: Vec<_> = binds.iter().filter_map(|bind| bind["kind"].as_str()).collect();
    assert_eq!(kinds, ["transmitter", "transmitter", "receiver", "receiver"]);
    assert!(binds.iter().all(|bind| bind["state"] == "bound"), "{binds:?}");
    stand.sim.inbound("33612345678", "36180", "STOP");
    eventually("the inbound message comes", LIMIT, || {
        let inbound = stand
            .engine
            .metric(|sample| sample.starts_with("campanile_inbound_total"));
        (inbound > 0.0).then_some(())
    });
}

#[test]
fn each_version_of_smpp_is_spoken_and_no_other() {
    // 3.3 has no transceiver.
    for (octet, version, bind) in [
        ("0x33", "3.3", "pair"),
        ("0x34", "3.4", "transceiver"),
        ("0x50", "5.0", "transceiver"),
    ] {
        let account = format!(
            "[[account]]\nsystem_id = \"campanile\"\nversions = [{version:?}]\ninterface_version = {version:?}\n\
             strict = true\ncongestion = true\n"
        );
        let stand = Stand::new(programs!(), &format!("version-{version}"), &account, |smsc| {
            smsc.bind(bind).line(&format!("interface_version = {octet}"))
        });
        let long = "Votre rendez-vous est confirmé. ".repeat(8);
        let order = CampaignOrder::to_first(300).with("text", Value::from(long));
        let campaign = stand.tenant.order(&stand.engine, &order);
        campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
            view.status("delivered") == 300
        });
        assert_eq!(stand.sim.totals().rejected, 0, "{version}");
        let bind = binds(&stand.engine).remove(0);
        // Up to 3.3 there are no optional parameters, in which it would be said.
        let said = if version == "3.3" { Value::Null } else { json!(version) };
        assert_eq!(bind["smsc_version"], said, "{bind}");
        assert_eq!(bind["congestion"].is_u64(), version == "5.0", "{bind}");
        assert!(
            bind["smsc_system_id"].is_string() && bind["since"].is_string(),
            "{bind}"
        );
    }
}

#[test]
fn a_server_that_unbinds_loses_nothing() {
    let stand = Stand::new(programs!(), "unbinds", "[answer]\ndelay = \"20ms\"\n", |smsc| {
        smsc.sessions(2)
    });
    let campaign = stand.launch(6_000);
    for accepted in [1_000, 2_000, 3_000] {
        stand.sim.wait_for("accepted", accepted, LIMIT);
        stand.sim.unbind_sessions();
    }
    stand.wait_until_settled(&campaign, LIMIT);
    stand.consistent_ledgers(&campaign, 6_000, "unbound in the middle");
    let unbound = stand.engine.metric(|sample| {
        sample.starts_with("campanile_bind_disconnects_total") && sample.contains("reason=\"unbind\"")
    });
    assert!(unbound >= 2.0, "{unbound}");
}

#[test]
fn binds_beyond_the_hours_wait_and_say_so() {
    let stand = Stand::new(programs!(), "budget", "", |smsc| smsc.line("binds_per_hour = 6"));
    let state = || binds(&stand.engine).remove(0);
    eventually("three binds are used up", LIMIT, || {
        stand.sim.close_sessions();
        (state()["state"] == "waiting").then_some(())
    });
    let error = state()["last_error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("binds_per_hour = 6 is used up"), "{error}");
    let attempts = stand
        .engine
        .metric(|sample| sample.starts_with("campanile_bind_attempts_total"));
    assert_eq!(attempts, 3.0);
}
