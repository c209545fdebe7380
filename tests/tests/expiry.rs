//! Campaigns with a last moment: nothing of them goes to an SMSC from then on, whatever happens meanwhile.

use std::time::Duration;

use campanile_tests::{
    Campaign, CampaignOrder, EngineSettings, Lab, SmscSettings, Stand, eventually, programs, recipients,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// A submit_sm as the simulator's ledger shows it.
#[derive(Debug, Deserialize)]
struct Submit {
    source: String,
    received_at_us: i64,
    validity_period: Option<String>,
}

fn submits(stand: &Stand, sender: &str) -> Vec<Submit> {
    let ledger = stand.sim.http().get("/ledger").and_then(lab::Answer::json_lines);
    let all: Vec<Submit> = ledger.expect("the ledger can be read");
    all.into_iter().filter(|submit| submit.source == sender).collect()
}

/// Seconds of a validity period of less than a minute, from its submission on.
fn valid_s(submit: &Submit) -> i64 {
    let period = submit.validity_period.as_deref().unwrap_or_default();
    let seconds = period
        .strip_prefix("0000000000")
        .and_then(|rest| rest.strip_suffix("000R"));
    seconds
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or_else(|| panic!("told to try for less than a minute: {submit:?}"))
}

fn soon(seconds: i64) -> Timestamp {
    let at = Timestamp::now() + SignedDuration::from_secs(seconds);
    // As it is shown.
    Timestamp::from_microsecond(at.as_microsecond()).expect("a time")
}

/// To as many of the first recipients, from that sender, with a last moment.
fn order(sender: &str, count: usize, expires_at: Timestamp) -> CampaignOrder {
    let numbers: Vec<String> = recipients(count).collect();
    CampaignOrder::to_audience(&json!({ "numbers": numbers.join(";") }))
        .with("sender", json!(sender))
        .with("expires_at", json!(expires_at.to_string()))
}

fn report(stand: &Stand, campaign: &Campaign) -> Value {
    let path = format!("/v1/campaigns/{}/report", campaign.id);
    stand.tenant.http(&stand.engine).get(&path).expect(200)
}

/// Status and reason of the last of its recipients.
fn last_of(stand: &Stand, campaign: &Campaign) -> [Value; 2] {
    let path = format!("/v1/campaigns/{}/recipients?limit=500", campaign.id);
    let page = stand.tenant.http(&stand.engine).get(&path).expect(200);
    let rows = page["data"].as_array().expect("rows");
    let last = rows
        .iter()
        .rfind(|row| row["reason"] != json!(null))
        .expect("one that has failed");
    ["status", "reason"].map(|field| last[field].clone())
}

/// Waits until nothing of it is left but what is in doubt since the engine was killed, and holds its report and credits to what the
/// simulator got, which it returns.
fn ended(stand: &Stand, (campaign, sender): (&Campaign, &str), count: u64, expires_at: Timestamp) -> u64 {
    let view = campaign.wait(&stand.engine, "it has ended", LIMIT, |view| {
        view.progress.queued == 0 && view.status("transmitted") == 0 && view.credits.held == view.progress.in_doubt
    });
    let sent = submits(stand, sender);
    for submit in &sent {
        assert!(
            submit.received_at_us < expires_at.as_microsecond(),
            "after its end: {submit:?}"
        );
        let tried_until = submit.received_at_us + 1_000_000 * valid_s(submit);
        // Whole seconds are what an SMSC can be told, and it counts them from when it has the message.
        assert!(tried_until < expires_at.as_microsecond() + 1_000_000, "{submit:?}");
    }
    let (sent, in_doubt) = (sent.len() as u64, view.progress.in_doubt);
    let (delivered, failed) = (view.status("delivered"), view.status("transmission_failed"));
    assert!((delivered..=delivered + in_doubt).contains(&sent), "{sent} of {view:?}");
    assert_eq!(delivered + failed + in_doubt, count, "{view:?}");
    let state = if in_doubt == 0 { "completed" } else { "running" };
    assert!(view.state == state || view.state == "paused", "{view:?}");
    let figures = report(stand, campaign);
    assert_eq!(figures["expired"], failed, "{figures}");
    assert_eq!(figures["expires_at"], expires_at.to_string(), "{figures}");
    assert_eq!(view.credits.spent, delivered, "the rest is given back");
    sent
}

#[test]
fn req_003_03_nothing_goes_from_a_campaigns_last_moment_on() {
    let mut stand = Stand::new(programs!(), "expiry", "", |smsc| smsc.line("rate = \"40/s\""));
    let ends = soon(9);
    let flowing = stand.tenant.order(&stand.engine, &order("FLOWING", 2_000, ends));
    let paused = stand.tenant.order(&stand.engine, &order("PAUSED", 2_000, ends));
    stand.sim.wait_for("accepted", 40, LIMIT);
    for campaign in [&flowing, &paused] {
        campaign.ask(&stand.engine, "pause").expect(200);
    }
    stand.engine.process().kill();
    stand.engine.restart();
    flowing.ask(&stand.engine, "resume").expect(200);
    let (some, few) = (
        ended(&stand, (&flowing, "FLOWING"), 2_000, ends),
        ended(&stand, (&paused, "PAUSED"), 2_000, ends),
    );
    assert!(
        few < some && some < 1_000,
        "{few} of the paused one, {some} of the other"
    );
    assert_eq!(last_of(&stand, &flowing), ["transmission_failed", "expired"]);
}

#[test]
fn req_003_03_what_waits_for_its_retry_or_for_an_smsc_ends_as_well() {
    // Numbers that end so are refused for now at their first attempt.
    let retry = "answers = { ESME_RMSGQFUL = { means = \"retry\", pause = \"1m\", times = 3 } }";
    let stand = Stand::new(programs!(), "expiry-away", "magic = true\n", |smsc| smsc.line(retry));
    let ends = soon(4);
    let refused = order("REFUSED", 1, ends).with("audience", json!({ "numbers": "+33600000904" }));
    let refused = stand.tenant.order(&stand.engine, &refused);
    stand.sim.wait_for("rejected", 1, LIMIT);
    stand
        .engine
        .admin()
        .post_bytes("/v1/smscs/north/suspend", b"")
        .expect(200);
    let away = stand.tenant.order(&stand.engine, &order("AWAY", 100, ends));
    assert_eq!(ended(&stand, (&away, "AWAY"), 100, ends), 0, "none of it was sent");
    assert!(Timestamp::now() >= ends, "none of it ended before");
    let view = refused.wait(&stand.engine, "it has ended", LIMIT, |view| view.state == "completed");
    assert_eq!((view.credits.held, view.credits.spent), (0, 0), "{view:?}");
    assert_eq!(last_of(&stand, &refused), ["transmission_failed", "expired"]);
    assert_eq!(submits(&stand, "REFUSED").len(), 1, "it was tried once");
}

#[test]
fn req_004_29_how_long_one_waits_is_told_at_once_and_not_when_it_is_over() {
    let stand = Stand::new(programs!(), "expiry-single", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let tell = |text: &str| {
        let urgent = json!({ "to": "+33612345678", "text": text, "sender": "ATTENTE", "validity": 5 });
        http.post("/v1/messages", &urgent).expect(202)["id"].clone()
    };
    tell("Encore 20 minutes");
    stand.sim.wait_for("accepted", 1, LIMIT);
    assert!(valid_s(&submits(&stand, "ATTENTE")[0]) <= 5, "no SMSC tries for longer");
    let admin = stand.engine.admin();
    admin.post_bytes("/v1/smscs/north/suspend", b"").expect(200);
    let late = tell("Encore 10 minutes");
    let over = soon(5);
    eventually("it is worth nothing any more", LIMIT, || {
        (Timestamp::now() > over).then_some(())
    });
    admin.post_bytes("/v1/smscs/north/resume", b"").expect(200);
    let path = format!("/v1/messages/{}", late.as_str().expect("an id"));
    eventually("it has ended", LIMIT, || {
        (http.get(&path).expect(200)["status"] == "transmission_failed").then_some(())
    });
    tell("Vous passez maintenant");
    stand.sim.wait_for("accepted", 2, LIMIT);
    let texts: Vec<_> = stand.sim.ledger().into_iter().filter_map(|row| row.text).collect();
    assert_eq!(texts, ["Encore 20 minutes", "Vous passez maintenant"]);
}

#[test]
fn req_003_03_no_launch_at_or_after_the_last_moment() {
    let lab = Lab::new(programs!(), "expiry-refused");
    lab.live_at("2026-12-24T08:00:00Z");
    let mut stand = Stand::under(lab, "", |redis, sim| {
        EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())])
    });
    let create = |expires_at: Value| {
        let order = CampaignOrder::to_first(1).with("expires_at", expires_at);
        stand.tenant.http(&stand.engine).post("/v1/campaigns", &order.body)
    };
    for (given, code) in [
        (json!(1_798_102_800), "wrong_type"),
        (json!("demain"), "invalid_instant"),
        (json!("2026-12-24T18:00"), "invalid_instant"),
        (json!("2026-12-24T09:00:00+01:00"), "not_ahead"),
        (json!("2028-01-01T00:00:00Z"), "not_ahead"),
    ] {
        let answer = create(given.clone());
        answer.expect_field_problem(&[400, 422], "/expires_at");
        assert_eq!(answer.json()["errors"][0]["code"], code, "{given}");
    }
    let at = "2026-12-24T08:00:30Z";
    let draft = create(json!("2026-12-24T09:00:30+01:00")).expect(201);
    assert_eq!(draft["expires_at"], at);
    let campaign = stand.tenant.campaign(draft["id"].as_str().expect("an id"));
    let refused = campaign.schedule(&stand.engine, &json!({ "scheduled_at": at }));
    refused.expect_field_problem(&[422], "/scheduled_at");
    let problem = &refused.json()["errors"][0];
    assert_eq!(problem["code"], "after_expiry");
    assert!(
        problem["detail"]
            .as_str()
            .expect("a sentence")
            .contains("2026-12-24 09:00"),
        "{problem}"
    );
    let planned = json!({ "scheduled_at": "2026-12-24T08:00:29Z" });
    campaign.schedule(&stand.engine, &planned).expect(200);

    // Its date is made up for when it is too late.
    assert!(stand.engine.shut_down().success());
    stand.lab().live_at("2026-12-24T08:01:00Z");
    stand.redis.restart();
    stand.sim.restart();
    let north = SmscSettings::new("north", stand.sim.smpp_address());
    stand
        .engine
        .restart_with(&EngineSettings::new(Some(stand.redis.url()), vec![north]));
    let path = format!("/v1/campaigns/{}", campaign.id);
    let shown = eventually("it is a draft again", LIMIT, || {
        let shown = stand.tenant.http(&stand.engine).get(&path).expect(200);
        (shown["state"] == "draft").then_some(shown)
    });
    assert_eq!(shown["refused"], "after_expiry");
    let refused = campaign.ask(&stand.engine, "launch");
    refused.expect_field_problem(&[422], "/expires_at");
    assert_eq!(refused.json()["errors"][0]["code"], "after_expiry");
    assert_eq!(stand.sim.totals().submits, 0);
    assert_eq!(stand.engine.credits(&stand.tenant).held, 0);
}
