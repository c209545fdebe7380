//! People who come to fit a campaign after its launch get it as well, until its date: each once, by a hold of their own.

use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Http, Stand, eventually, programs};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

fn upsert(http: &Http, contacts: &[Value]) {
    http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
}

/// One of Lyon, or of elsewhere.
fn patient(reference: &str, number: &str, practice: &str) -> Value {
    json!({ "reference": reference, "number": number, "first_name": "Zoé", "practices": [practice] })
}

/// To those of Lyon, for so many seconds from now on.
fn order(seconds: i64) -> CampaignOrder {
    let until = Timestamp::now() + SignedDuration::from_secs(seconds);
    CampaignOrder::to_audience(&json!({ "filter": { "field": "practice", "is": "Lyon" } }))
        .with(
            "text",
            json!("Bonjour [Prenom|à vous], le cabinet ouvre. Cabinet Martin"),
        )
        .with("late_joiners_until", json!(until.to_string()))
}

fn shown(http: &Http, campaign: &Campaign) -> Value {
    http.get(&format!("/v1/campaigns/{}", campaign.id)).expect(200)
}

/// Waits until so many have it, each once.
#[track_caller]
fn have_it(stand: &Stand, count: usize) {
    eventually(&format!("{count} have it"), LIMIT, || {
        (stand.sim.ledger().len() >= count).then_some(())
    });
    let had = stand.sim.ledger_by_recipient();
    assert!(had.values().all(|rows| rows.len() == 1), "each once: {had:?}");
    assert_eq!(had.len(), count);
}

#[test]
fn who_comes_to_fit_a_campaign_after_its_launch_gets_it_once_until_its_date() {
    let mut stand = Stand::new(programs!(), "late-joiners", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let first = ["+33612345601", "+33612345602"].map(|number| patient(number, number, "Lyon"));
    upsert(&http, &first);
    let campaign = stand.tenant.order(&stand.engine, &order(75));
    have_it(&stand, 2);
    campaign.wait(&stand.engine, "it is held open", LIMIT, |view| {
        view.state == "running" && view.status("delivered") == 2 && view.credits.held == 0
    });
    upsert(
        &http,
        &[
            patient("new", "+33612345603", "Lyon"),
            patient("same number", "+33612345601", "Lyon"),
            patient("landline", "+33123456789", "Lyon"),
            patient("elsewhere", "+33612345604", "Paris"),
        ],
    );
    have_it(&stand, 3);
    // Paused, it takes nobody; killed, it forgets nobody.
    campaign.ask(&stand.engine, "pause").expect(200);
    upsert(&http, &[patient("elsewhere", "+33612345604", "Lyon")]);
    stand.engine.process().kill();
    stand.engine.restart();
    assert_eq!(stand.sim.ledger().len(), 3);
    campaign.ask(&stand.engine, "resume").expect(200);
    have_it(&stand, 4);
    let http = stand.tenant.http(&stand.engine);
    let view = shown(&http, &campaign);
    assert_eq!(
        (
            &view["late_joiners"]["joined"],
            &view["audience"]["accepted"],
            &view["state"]
        ),
        (&json!(2), &json!(4), &json!("running")),
        "{view}"
    );
    let of_launch = json!({ "recipients": 2, "segments": 2, "credits": 2 });
    assert_eq!(view["estimate"], of_launch, "joiners are held for one by one");
    let path = format!("/v1/campaigns/{}/report", campaign.id);
    assert_eq!(http.get(&path).expect(200)["estimate"], of_launch);
    campaign.wait(&stand.engine, "its date has come", Duration::from_secs(120), |view| {
        view.state == "completed"
    });
    upsert(&http, &[patient("too late", "+33612345609", "Lyon")]);
    let after = stand.tenant.order(&stand.engine, &CampaignOrder::to_first(1));
    after.wait(&stand.engine, "another is sent", LIMIT, |view| {
        view.status("delivered") == 1
    });
    assert_eq!(stand.sim.ledger().len(), 5, "nobody joined behind its date");
    assert_eq!(campaign.view(&stand.engine).credits.spent, 4);
    assert_eq!(stand.engine.credits(&stand.tenant).held, 0);
}

#[test]
fn each_of_a_family_who_comes_late_is_told_by_name() {
    let stand = Stand::new(programs!(), "late-joiners-family", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let (home, other) = ("+33612345601", "+33612345602");
    let named = |number: &str, name: &str| {
        let mut person = patient(name, number, "Lyon");
        person["first_name"] = json!(name);
        person
    };
    upsert(&http, &[named(home, "Ann"), named(home, "Bob")]);
    stand.tenant.order(&stand.engine, &order(600));
    stand.sim.wait_for("accepted", 2, LIMIT);
    upsert(&http, &[named(home, "Cleo"), named(other, "Dan"), named(other, "Eve")]);
    stand.sim.wait_for("accepted", 5, LIMIT);
    let had = stand.sim.ledger_by_recipient();
    let mut counts: Vec<usize> = had.values().map(Vec::len).collect();
    counts.sort_unstable();
    assert_eq!(counts, [2, 3], "{had:?}");
}

#[test]
fn two_hundred_join_once_whatever_dies_meanwhile() {
    let mut stand = Stand::new(programs!(), "late-joiners-killed", "", |smsc| {
        smsc.line("rate = \"50/s\"")
    });
    let http = stand.tenant.http(&stand.engine);
    upsert(&http, &[patient("0", "+33612345000", "Lyon")]);
    let campaign = stand.tenant.order(&stand.engine, &order(3_000));
    have_it(&stand, 1);
    let many: Vec<Value> = (1..=200)
        .map(|at| patient(&at.to_string(), &format!("+33612345{at:03}"), "Lyon"))
        .collect();
    upsert(&http, &many);
    for sent in [20, 80] {
        stand.sim.wait_for("accepted", sent, LIMIT);
        stand.engine.process().kill();
        stand.engine.restart();
    }
    let view = campaign.wait(
        &stand.engine,
        "all have joined and have an end",
        Duration::from_secs(120),
        |view| view.progress.total == 201 && view.nothing_queued() && view.credits.held == view.progress.in_doubt,
    );
    let had = stand.sim.ledger_by_recipient();
    assert!(had.values().all(|rows| rows.len() == 1), "none twice");
    assert_eq!(view.status("delivered") + view.progress.in_doubt, 201, "{view:?}");
    assert!(had.len() as u64 + view.progress.in_doubt >= 201);
}

#[test]
fn a_late_joiner_whom_the_balance_does_not_cover_gets_it_after_a_top_up() {
    let stand = Stand::new(programs!(), "late-joiners-short", "", |smsc| smsc);
    let poor = stand.engine.tenant("Clinique sans le sou", 1);
    let http = poor.http(&stand.engine);
    upsert(&http, &[patient("1", "+33612345601", "Lyon")]);
    let campaign = poor.order(&stand.engine, &order(600));
    have_it(&stand, 1);
    upsert(&http, &[patient("2", "+33612345602", "Lyon")]);
    eventually("it says why", LIMIT, || {
        let view = shown(&http, &campaign);
        (view["late_joiners"]["refused"] == "insufficient_credit").then_some(())
    });
    let path = format!("/v1/tenants/{}/credits", poor.id);
    stand.engine.operator().post(&path, &json!({ "amount": 5 })).expect(201);
    have_it(&stand, 2);
    eventually("it says so no more", LIMIT, || {
        let late = &shown(&http, &campaign)["late_joiners"];
        (late["refused"] == Value::Null && late["joined"] == 1).then_some(())
    });
    campaign.ask(&stand.engine, "cancel").expect(202);
    campaign.wait(&stand.engine, "it is over", LIMIT, |view| view.state == "stopped");
}

#[test]
fn late_joiners_of_what_nobody_can_join_are_refused() {
    let stand = Stand::new(programs!(), "late-joiners-refused", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let sooner = Timestamp::now() + SignedDuration::from_secs(100);
    let numbers = order(600).with("audience", json!({ "numbers": "+33612345601" }));
    for (wrong, pointer, code) in [
        (numbers, "/late_joiners_until", "missing_beside"),
        (order(-5), "/late_joiners_until", "not_ahead"),
        (order(91 * 86_400), "/late_joiners_until", "not_ahead"),
        (
            order(600).with("validity", json!(60)),
            "/late_joiners_until",
            "not_beside",
        ),
        (
            order(600).with("expires_at", json!(sooner.to_string())),
            "/expires_at",
            "not_later",
        ),
    ] {
        let refused = http.post("/v1/campaigns", &wrong.body).expect(422);
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
            (&json!(pointer), &json!(code)),
            "{refused}"
        );
    }
}
