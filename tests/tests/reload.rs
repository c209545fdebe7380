//! The configuration is read again while the engine runs.

use std::time::Duration;

use campanile_tests::scenarios::{hold, reloaded};
use campanile_tests::tenant::CampaignOrder;
use campanile_tests::{Lab, Stand, eventually, programs};
use lab::{EngineSettings, SmscSettings};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn smscs_come_change_and_go_under_load_and_every_message_goes_once() {
    hold(programs!(), &reloaded::RELOADED);
}

/// A stand with the settings that it was started with.
fn stand(name: &str, lines: &[&str]) -> (Stand, EngineSettings) {
    let mut settings = None;
    let stand = Stand::under(Lab::new(programs!(), name), "", |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let smsc = lines.iter().fold(smsc, |smsc, line| smsc.line(line));
        settings
            .insert(EngineSettings::new(Some(redis.url()), vec![smsc]))
            .clone()
    });
    (stand, settings.expect("made with the stand"))
}

#[test]
fn a_configuration_with_faults_is_refused_whole_and_all_faults_are_said() {
    let (stand, settings) = stand("reload-refused", &[]);
    let binds = stand.engine.admin().get("/v1/binds").expect(200);
    let refused = |settings: &EngineSettings, words: &[&str]| {
        stand.engine.configure(settings);
        let problem = stand.engine.reload().expect_problem(&[422]);
        assert_eq!(problem["code"], "reload_refused");
        let detail = problem["detail"].as_str().expect("a text");
        for word in words {
            assert!(detail.contains(word), "no {word:?} in {detail}");
        }
        let ok = |sample: &str| sample == "campanile_config_last_reload_successful";
        assert!(stand.engine.metric(ok) < 0.5);
    };
    let mut wrong = settings.clone();
    wrong
        .smscs
        .push(SmscSettings::new("south", "no address").line("windw = 3"));
    wrong.tables = vec!["[[route]]\nname = \"all\"\nsmscs = [\"nobody\"]".to_owned()];
    refused(
        &wrong,
        &[
            "campanile.toml:",
            "address",
            "windw",
            "window",
            "\"nobody\" is no [[smsc]]",
        ],
    );
    let mut fixed = settings.clone();
    fixed.engine_lines = vec!["failover_after = \"1s\"".to_owned()];
    fixed.redis_lines = vec!["intake_mark = 50".to_owned()];
    fixed.smscs.push(SmscSettings::new("south", stand.sim.smpp_address()));
    refused(
        &fixed,
        &[
            "[redis] intake_mark (was left out, is 50) and [engine] failover_after (was ",
            "restart",
        ],
    );
    assert_eq!(
        stand.engine.admin().get("/v1/binds").expect(200),
        binds,
        "nothing has changed"
    );
    stand.engine.configure(&settings);
    let nothing = json!({ "added": [], "changed": [], "rebound": [], "removed": [], "routes": [], "rules": [], "numbers": [], "certificates": [] });
    assert_eq!(stand.engine.reload().expect(200), nothing);
    let campaign = stand.launch(50);
    stand.all_delivered(&campaign, 50, LIMIT);
}

#[test]
fn another_rate_holds_at_once_in_the_same_session_and_another_window_in_a_new_one() {
    let (stand, mut settings) = stand("reload-rate", &["rate = \"1/s\""]);
    let campaign = stand.launch(300);
    stand.sim.wait_for("accepted", 2, LIMIT);
    let bound = |sample: &str| sample.starts_with("campanile_bind_attempts_total{") && sample.contains("\"ok\"");
    assert!(stand.engine.metric(bound) < 1.5);
    let smsc = || SmscSettings::new("north", stand.sim.smpp_address());
    settings.smscs = vec![smsc().line("rate = \"1000/s\"")];
    stand.engine.configure(&settings);
    assert_eq!(stand.engine.reload().expect(200)["changed"], json!(["north"]));
    // At one a second it would take five minutes.
    stand.all_delivered(&campaign, 300, LIMIT);
    assert!(stand.engine.metric(bound) < 1.5, "it was bound anew");
    settings.smscs = vec![smsc().window(7)];
    stand.engine.configure(&settings);
    assert_eq!(stand.engine.reload().expect(200)["rebound"], json!(["north"]));
    let window = |sample: &str| sample.starts_with("campanile_window_size{");
    eventually("the new window holds", LIMIT, || {
        (stand.engine.metric(window) == 7.0 && stand.engine.metric(bound) > 1.5).then_some(())
    });
    all_delivered(&stand, 50);
}

/// Another campaign of so many messages is delivered.
fn all_delivered(stand: &Stand, messages: u64) {
    let campaign = stand.launch(messages as usize);
    eventually("all are delivered", LIMIT, || {
        (campaign.view(&stand.engine).status("delivered") == messages).then_some(())
    });
}

#[test]
fn what_is_queued_for_an_smsc_that_is_gone_goes_where_its_route_leads_or_is_shown() {
    let (stand, mut settings) = stand("reload-gone", &["rate = \"1/s\"", "prefixes = [\"33\"]"]);
    let order = CampaignOrder::to_first(200);
    let campaign = stand.tenant.order(&stand.engine, &order);
    stand.sim.wait_for("accepted", 1, LIMIT);
    // The only SMSC takes other numbers now.
    let smsc = |name: &str, prefix: &str| {
        SmscSettings::new(name, stand.sim.smpp_address()).line(&format!("prefixes = [\"{prefix}\"]"))
    };
    settings.smscs = vec![smsc("south", "351")];
    stand.engine.configure(&settings);
    let changes = stand.engine.reload().expect(200);
    assert_eq!(
        (&changes["added"], &changes["removed"]),
        (&json!(["south"]), &json!(["north"]))
    );
    let stranded = || {
        let is_stranded = |sample: &str| sample == "campanile_queue_deferred_messages{route=\"stranded\"}";
        stand.engine.metric(is_stranded) as u64
    };
    eventually("what no route takes has ended, or is shown", LIMIT, || {
        let view = campaign.view(&stand.engine);
        (view.progress.queued == stranded() && view.status("not_routed") >= 150).then_some(())
    });
    settings.smscs = vec![smsc("south", "351"), smsc("west", "33")];
    stand.engine.configure(&settings);
    assert_eq!(stand.engine.reload().expect(200)["added"], json!(["west"]));
    all_delivered(&stand, 50);
    eventually("what was stranded has gone", LIMIT, || {
        (campaign.view(&stand.engine).progress.queued == 0).then_some(())
    });
}
