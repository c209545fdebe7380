//! What an answer means for the message, and for the account: asked elsewhere, tried again, stopped.

use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Lab, Stand, eventually, programs};
use lab::{EngineSettings, Row, SmscSettings};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// "No route to that number", as that carrier writes it.
const NO_ROUTE: u32 = 0x411;

/// An account of the simulator, with the faults that it has.
fn account(name: &str, faults: &str) -> String {
    format!("[[account]]\nsystem_id = \"{name}\"\nfaults = {{ {faults} }}\n")
}

/// One SMSC after the other, at one simulator; `lines`: more lines of each.
fn stand(name: &str, scenario: &str, accounts: &[&str], lines: &[&str]) -> Stand {
    Stand::under(Lab::new(programs!(), name), scenario, |redis, sim| {
        let smsc = |account: &&str| {
            let smsc = SmscSettings::new(account, sim.smpp_address()).account(account);
            lines.iter().fold(smsc, |smsc, line| smsc.line(line))
        };
        let mut settings = EngineSettings::new(Some(redis.url()), accounts.iter().map(smsc).collect());
        let choices: Vec<String> = (1..)
            .zip(accounts)
            .map(|(priority, name)| format!("{{ name = \"{name}\", priority = {priority} }}"))
            .collect();
        settings.tables = vec![format!("[[route]]\nname = \"all\"\nsmscs = [{}]\n", choices.join(", "))];
        settings
    })
}

/// What an account of the simulator saw, refused or taken.
fn rows(stand: &Stand, account: &str, taken: bool) -> Vec<Row> {
    let mut rows = stand.sim.ledger();
    rows.retain(|row| row.account == account && row.accepted_at_us.is_some() == taken);
    rows
}

fn recipients_of(rows: &[Row]) -> Vec<&str> {
    let mut recipients: Vec<&str> = rows.iter().map(|row| row.recipient.as_str()).collect();
    recipients.sort_unstable();
    recipients
}

/// How operators see an SMSC.
fn seen(stand: &Stand, name: &str) -> Value {
    let all = stand.engine.admin().get("/v1/smscs").expect(200);
    let data = all["data"].as_array().cloned().unwrap_or_default();
    data.into_iter().find(|smsc| smsc["name"] == name).unwrap_or_default()
}

fn wait_for_state(stand: &Stand, name: &str, state: &str) -> Value {
    eventually(&format!("{name} is {state}"), LIMIT, || {
        let smsc = seen(stand, name);
        (smsc["state"] == state).then_some(smsc)
    })
}

fn ended(stand: &Stand, campaign: &Campaign) {
    campaign.wait(&stand.engine, "all has ended", LIMIT, |view| {
        view.state == "completed" && view.credits.held == 0 && view.status("transmitted") == 0
    });
}

#[test]
fn what_an_smsc_does_not_take_goes_to_the_next_and_never_back() {
    let messages = 2_000;
    let refuses = |share: &str| format!("refuse = {{ status = \"{NO_ROUTE:#010x}\", share = {share} }}");
    let scenario = account("north", &refuses("0.5")) + &account("south", &refuses("0.3")) + &account("west", "");
    let stand = stand(
        "answers-elsewhere",
        &scenario,
        &["north", "south", "west"],
        &["answers = { 0x411 = \"other_route\" }"],
    );
    let campaign = stand.launch(messages);
    stand.all_delivered(&campaign, messages, LIMIT);
    let [north, south] = ["north", "south"].map(|name| rows(&stand, name, false));
    assert!(!north.is_empty() && !south.is_empty());
    let refused = [&north, &south].map(|rows| recipients_of(rows));
    for (asked, name) in [(&refused[0], "south"), (&refused[1], "west")] {
        let (taken, not) = (rows(&stand, name, true), rows(&stand, name, false));
        let mut came = recipients_of(&taken);
        came.extend(recipients_of(&not));
        came.sort_unstable();
        assert_eq!(
            came, **asked,
            "{name} is asked for what the one before does not take, once each"
        );
    }
    let metric = "campanile_submit_retries_total{reason=\"other_route\",smsc=\"north\"}";
    let counted = stand.engine.metric(|sample| sample.starts_with(metric));
    assert_eq!(counted as usize, north.len());
}

#[test]
fn what_nobody_takes_is_not_routed_and_says_why() {
    let refuse = format!("refuse = {{ status = \"{NO_ROUTE:#010x}\" }}");
    let scenario = account("north", &refuse) + &account("south", &refuse);
    let stand = stand(
        "answers-nowhere",
        &scenario,
        &["north", "south"],
        &["answers = { 0x411 = \"other_route\" }"],
    );
    let campaign = stand.launch(100);
    ended(&stand, &campaign);
    let view = campaign.view(&stand.engine);
    assert_eq!(view.status("not_routed"), 100, "{view:?}");
    assert_eq!(view.credits.spent, 0, "{view:?}");
    assert_eq!(stand.sim.totals().submits, 200, "each asked once");
    let path = format!("/v1/campaigns/{}/recipients?limit=1", campaign.id);
    let listed = stand.tenant.http(&stand.engine).get(&path).expect(200);
    let first = &listed["data"][0];
    assert_eq!(
        (&first["reason"], &first["code"]),
        (&json!("answer"), &json!(NO_ROUTE)),
        "{first}"
    );
}

#[test]
fn what_an_smsc_has_a_part_of_stays_there() {
    let refuse = format!("refuse = {{ status = \"{NO_ROUTE:#010x}\", segment = 2 }}");
    let scenario = account("north", &refuse) + &account("south", "");
    let stand = stand(
        "answers-part",
        &scenario,
        &["north", "south"],
        &["answers = { 0x411 = \"other_route\" }"],
    );
    let order = CampaignOrder::to_first(50).with("text", json!("Cabinet Martin. ".repeat(15)));
    let campaign = stand.tenant.order(&stand.engine, &order);
    ended(&stand, &campaign);
    let view = campaign.view(&stand.engine);
    assert_eq!(view.status("not_routed"), 50, "{view:?}");
    assert_eq!(view.credits.spent, 50, "the part that was taken is billed: {view:?}");
    assert!(rows(&stand, "south", true).is_empty());
}

#[test]
fn what_waits_for_an_smsc_by_name_is_passed_on_when_that_one_is_suspended() {
    let messages = 500;
    let refuse = format!("refuse = {{ status = \"{NO_ROUTE:#010x}\" }}");
    let scenario = account("north", &refuse) + &account("south", "") + &account("west", "");
    let stand = Stand::under(Lab::new(programs!(), "answers-passed-on"), &scenario, |redis, sim| {
        let smsc = |name: &str| {
            let smsc = SmscSettings::new(name, sim.smpp_address()).account(name);
            smsc.line("answers = { 0x411 = \"other_route\" }")
        };
        // One a second: what waits for the second one is still there when it is suspended.
        let smscs = vec![smsc("north"), smsc("south").line("rate = \"1/s\""), smsc("west")];
        let mut settings = EngineSettings::new(Some(redis.url()), smscs);
        let choices = "[\"north\", { name = \"south\", priority = 2 }, { name = \"west\", priority = 3 }]";
        settings.tables = vec![format!("[[route]]\nname = \"all\"\nsmscs = {choices}\n")];
        settings
    });
    let campaign = stand.launch(messages);
    stand.sim.wait_for("rejected", messages as u64, LIMIT);
    stand.sim.wait_for("accepted", 1, LIMIT);
    stand
        .engine
        .admin()
        .post("/v1/smscs/south/suspend", &json!({}))
        .expect(200);
    stand.all_delivered(&campaign, messages, LIMIT);
    let (south, west) = (rows(&stand, "south", true).len(), rows(&stand, "west", true).len());
    assert!(west > messages / 2 && south + west == messages, "{south} and {west}");
    assert_eq!(rows(&stand, "north", false).len(), messages, "asked once each");
}

#[test]
fn an_account_that_is_refused_stops_and_others_take_over_until_it_is_taken_again() {
    let messages = 2_000;
    let scenario = account("north", "refuse = { status = \"ESME_RINVPASWD\" }") + &account("south", "");
    let stand = stand(
        "answers-stop",
        &scenario,
        &["north", "south"],
        &["stopped_for = \"2s\""],
    );
    let campaign = stand.launch(messages);
    let north = wait_for_state(&stand, "north", "stopped");
    assert_eq!(north["stopped"]["reason"], "ESME_RINVPASWD", "{north}");
    assert_eq!(north["suspended"], false, "{north}");
    stand.all_delivered(&campaign, messages, LIMIT);
    assert_eq!(rows(&stand, "south", true).len(), messages);
    let refused = rows(&stand, "north", false).len();
    assert!(refused <= 150, "{refused}: a window, and one now and then");
    let stopped = |sample: &str| sample.starts_with("campanile_smsc_stopped{smsc=\"north\"}");
    assert_eq!(stand.engine.metric(stopped), 1.0);

    stand.sim.switch(&(account("north", "") + &account("south", "")));
    // Something has to be left for it when it is tried.
    let ask = |what: &str| {
        stand
            .engine
            .admin()
            .post(&format!("/v1/smscs/south/{what}"), &json!({}))
            .expect(200)
    };
    ask("suspend");
    let second = stand.launch(messages);
    wait_for_state(&stand, "north", "running");
    ask("resume");
    second.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.status("delivered") == messages as u64
    });
    assert_eq!(stand.engine.metric(stopped), 0.0);
    assert!(!rows(&stand, "north", true).is_empty(), "it has its turn again");
}

#[test]
fn a_stopped_account_without_others_waits_for_its_operator() {
    let messages = 300;
    let refuse = "[faults]\nrefuse = { status = \"0x00000421\" }\n";
    let stand = Stand::new(programs!(), "answers-resumed", refuse, |smsc| {
        smsc.line("answers = { 0x421 = \"stop\" }")
            .line("stopped_for = \"1day\"")
    });
    let campaign = stand.launch(messages);
    let north = wait_for_state(&stand, "north", "stopped");
    assert_eq!(north["stopped"]["reason"], "0x00000421", "{north}");
    stand.sim.switch_to("healthy");
    let resumed = stand
        .engine
        .admin()
        .post("/v1/smscs/north/resume", &json!({}))
        .expect(200);
    assert_eq!(resumed["state"], "running", "{resumed}");
    stand.all_delivered(&campaign, messages, LIMIT);
    let refused = rows(&stand, "campanile", false).len();
    assert!((1..=100).contains(&refused), "{refused}: no more than a window");
}

#[test]
fn what_is_refused_for_now_again_and_again_ends_as_often_as_its_table_says() {
    let messages = 20;
    let refuse = "[faults]\nrefuse = { status = \"ESME_RSYSERR\" }\n";
    let stand = Stand::new(programs!(), "answers-times", refuse, |smsc| {
        smsc.line("answers = { ESME_RSYSERR = { means = \"retry\", pause = \"100ms\", times = 3 } }")
    });
    let campaign = stand.launch(messages);
    ended(&stand, &campaign);
    let view = campaign.view(&stand.engine);
    assert_eq!(view.status("transmission_failed"), messages as u64, "{view:?}");
    assert_eq!(
        stand.sim.totals().submits,
        4 * messages as u64,
        "once, and three times more"
    );
}

#[test]
fn what_is_too_fast_for_ever_ends_when_its_time_is_over() {
    let messages = 5;
    let refuse = "[faults]\nrefuse = { status = \"ESME_RMSGQFUL\" }\n";
    let stand = Stand::new(programs!(), "answers-time", refuse, |smsc| {
        smsc.line("retry_for = \"3s\"")
    });
    let campaign = stand.launch(messages);
    ended(&stand, &campaign);
    let path = format!("/v1/campaigns/{}/recipients", campaign.id);
    let listed = stand.tenant.http(&stand.engine).get(&path).expect(200);
    for message in listed["data"].as_array().expect("a list") {
        assert_eq!(message["status"], "transmission_failed", "{message}");
        assert_eq!(message["reason"], "attempts_exhausted", "{message}");
    }
}
