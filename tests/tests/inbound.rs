//! What people write back: kept once, shown to whom they answer, and obeyed when it is STOP.

use std::collections::HashSet;
use std::time::Duration;

use campanile_tests::engine::Engine;
use campanile_tests::http::Http;
use campanile_tests::programs;
use campanile_tests::stand::Stand;
use campanile_tests::tenant::{Campaign, CampaignOrder, Tenant, recipients};
use campanile_tests::wait::eventually;
use campanile_tests::{EngineSettings, SmscSettings};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const SHORT_CODE: &str = "36034";

/// A tenant's inbound messages, waited for until there are so many.
fn inbound(engine: &Engine, tenant: &Tenant, count: usize) -> Vec<Value> {
    wait_for(&tenant.http(engine), count)
}

fn wait_for(http: &Http, count: usize) -> Vec<Value> {
    eventually(&format!("{count} inbound messages are listed"), LIMIT, || {
        let rows = listed(http, "/v1/inbound");
        (rows.len() >= count).then_some(rows)
    })
}

fn listed(http: &Http, path: &str) -> Vec<Value> {
    let page = http.get(path).expect(200);
    page["data"].as_array().expect("a list").clone()
}

fn wait_until_delivered(stand: &Stand, campaign: &Campaign) {
    campaign.wait(&stand.engine, "all of it is delivered", LIMIT, |view| {
        view.progress.queued == 0 && view.status("delivered") == 1
    });
}

/// Whom a second message of many went to.
fn second_time(stand: &Stand, first: usize) -> HashSet<String> {
    let rows = stand.sim.ledger().split_off(first);
    rows.into_iter().map(|row| row.recipient).collect()
}

fn digits(number: &str) -> &str {
    number.trim_start_matches('+')
}

fn texts(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["text"].as_str().expect("a text")).collect()
}

#[test]
fn an_answer_is_put_together_and_shown_to_whom_it_answers() {
    let stand = Stand::new(programs!(), "inbound", "", |smsc| smsc);
    let order = CampaignOrder::to_first(3).with("sender", json!(SHORT_CODE));
    let campaign = stand.tenant.order(&stand.engine, &order);
    stand.wait_until_settled(&campaign, LIMIT);
    let person = recipients(1).next().expect("one");
    let long = "Je ne pourrai pas venir 😀 ".repeat(12);
    stand.sim.inbound(&person, SHORT_CODE, long.trim());
    stand.sim.inbound(&person, SHORT_CODE, "OK, merci");
    let rows = inbound(&stand.engine, &stand.tenant, 2);
    let mut found = texts(&rows);
    found.sort_unstable();
    assert_eq!(found, [long.trim(), "OK, merci"]);
    for row in &rows {
        assert_eq!(row["from"], person, "{row}");
        assert_eq!(row["to"], SHORT_CODE, "{row}");
        assert_eq!(row["smsc"], "north", "{row}");
        assert_eq!(row["campaign_id"], json!(campaign.id), "{row}");
        assert_eq!(row["opted_out"], false, "{row}");
    }
    // Page by page, and from the last cursor on.
    let http = stand.tenant.http(&stand.engine);
    let first = http.get("/v1/inbound?limit=1").expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = http.get(&format!("/v1/inbound?limit=1&cursor={cursor}")).expect(200);
    assert_eq!([&first["data"][0], &second["data"][0]], [&rows[0], &rows[1]]);
    let cursor = second["next_cursor"].as_str().expect("a cursor");
    assert_eq!(listed(&http, &format!("/v1/inbound?cursor={cursor}")), [] as [Value; 0]);
    // Nobody has written to this number: operators see it, and no other tenant does.
    stand.sim.inbound("+33799999999", SHORT_CODE, "Bonjour");
    let admin = stand.engine.admin();
    assert_eq!(texts(&wait_for(&admin, 1)), ["Bonjour"]);
    let other = stand.engine.tenant("Cabinet des Lilas", 10);
    assert_eq!(inbound(&stand.engine, &other, 0), [] as [Value; 0]);
    http.get("/v1/inbound?cursor=yesterday").expect_problem(&[422]);
}

#[test]
fn req_000_19_a_stop_counts_before_it_is_acknowledged() {
    const MESSAGES: usize = 300;
    let stand = Stand::new(programs!(), "inbound-stop", "", |smsc| smsc.line("rate = \"50/s\""));
    let first = CampaignOrder::to_first(MESSAGES).with("sender", json!("Clinique"));
    let first = stand.tenant.order(&stand.engine, &first);
    stand.wait_until_settled(&first, LIMIT);
    let neighbour = stand.engine.tenant("Cabinet des Lilas", 1_000);
    let marketing = CampaignOrder::to_first(MESSAGES)
        .with("purpose", json!("marketing"))
        .with("text", json!("Portes ouvertes. STOP au 36180"));
    let campaign = stand.tenant.order(&stand.engine, &marketing);
    stand.sim.wait_for("accepted", MESSAGES as u64 + 20, LIMIT);
    let sent = second_time(&stand, MESSAGES);
    let waits = |person: &String| !sent.contains(digits(person));
    let mut quiet: Vec<String> = recipients(MESSAGES).filter(waits).skip(150).take(10).collect();
    for person in &quiet {
        stand.sim.inbound(person, "36180", "Stop svp");
    }
    let rows = inbound(&stand.engine, &stand.tenant, quiet.len());
    assert!(rows.iter().all(|row| row["opted_out"] == true), "{rows:?}");
    // They are counted as the tenant's.
    eventually("all of them are counted", LIMIT, || {
        let counted = |sample: &str| sample.starts_with("campanile_tenant_opt_outs_total{");
        (stand.engine.metric(counted) as usize == quiet.len()).then_some(())
    });
    // What was on the wire before it was acknowledged has come when something later has.
    let accepted = stand.sim.totals().accepted;
    stand.sim.wait_for("accepted", accepted + 20, LIMIT);
    let sent = second_time(&stand, MESSAGES);
    quiet.retain(|person| !sent.contains(digits(person)));
    assert!(quiet.len() >= 5, "nearly all of them had it before: {quiet:?}");
    let view = campaign.wait(&stand.engine, "all others are sent", LIMIT, |view| {
        view.progress.queued == 0 && stand.sim.receipts_are_in()
    });
    let had = second_time(&stand, MESSAGES);
    for person in &quiet {
        assert!(!had.contains(digits(person)), "{person} had it after STOP");
    }
    assert_eq!(had.len(), MESSAGES - quiet.len(), "{view:?}");
    // Reminders still come, and other tenants are not meant.
    let order =
        CampaignOrder::to_audience(&json!({ "recipients": [{ "to": quiet[0] }] })).with("text", json!("Demain 9 h"));
    let reminder = stand.tenant.order(&stand.engine, &order);
    wait_until_delivered(&stand, &reminder);
    let lilas = neighbour.order(&stand.engine, &order.with("purpose", json!("marketing")));
    wait_until_delivered(&stand, &lilas);
    assert_eq!(stand.sim.totals().accepted as usize, 2 * MESSAGES - quiet.len() + 2);
}

#[test]
fn cancel_answers_an_appointment_where_the_tenant_says_so() {
    let stand = Stand::new(programs!(), "inbound-cancel", "", |smsc| smsc);
    let lilas = stand.engine.tenant("Cabinet des Lilas", 100);
    let operator = stand.engine.operator();
    let path = format!("/v1/tenants/{}", lilas.id);
    operator
        .patch(&path, &json!({"cancel_answers": "yes"}))
        .expect_field_problem(&[400], "/cancel_answers");
    let changed = operator.patch(&path, &json!({"cancel_answers": true})).expect(200);
    assert_eq!(changed["cancel_answers"], true);
    let mut people = recipients(2);
    let mut person = || people.next().expect("one more");
    let (patient, leaver) = (person(), person());
    let to = |tenant: &Tenant, person: &String, sender: &str, purpose: &str| {
        let order = CampaignOrder::to_audience(&json!({ "recipients": [{ "to": person }] }))
            .with("sender", json!(sender))
            .with("purpose", json!(purpose));
        tenant.order(&stand.engine, &order)
    };
    for (tenant, person, sender) in [
        (&lilas, &patient, SHORT_CODE),
        (&stand.tenant, &patient, "36180"),
        (&lilas, &leaver, SHORT_CODE),
    ] {
        wait_until_delivered(&stand, &to(tenant, person, sender, "transactional"));
    }
    stand.sim.inbound(&patient, SHORT_CODE, "Annuler");
    stand.sim.inbound(&patient, "36180", "ANNULER !");
    stand.sim.inbound(&leaver, SHORT_CODE, "STOP");
    let said = |rows: &[Value], text: &str| {
        let row = rows.iter().find(|row| row["text"] == text).expect("it was listed");
        row["opted_out"].clone()
    };
    let own = inbound(&stand.engine, &lilas, 2);
    assert_eq!((said(&own, "Annuler"), said(&own, "STOP")), (json!(false), json!(true)));
    let others = inbound(&stand.engine, &stand.tenant, 1);
    assert_eq!(said(&others, "ANNULER !"), json!(true), "{others:?}");
    // Who answered still gets marketing of that tenant, and none of the other.
    wait_until_delivered(&stand, &to(&lilas, &patient, SHORT_CODE, "marketing"));
    let skipped = to(&stand.tenant, &patient, "36180", "marketing");
    skipped.wait(&stand.engine, "it is left out", LIMIT, |view| {
        view.progress.queued == 0 && view.status("delivered") == 0
    });
}

/// Our numbers, whose they are, and a tenant that has written to nobody.
#[test]
fn what_is_written_to_a_tenants_number_is_the_tenants() {
    const OWN: &str = "+33644630001";
    const SHARED: &str = "36180";
    let stand = Stand::new(programs!(), "inbound-numbers", "", |smsc| smsc);
    let lilas = stand.engine.tenant("Cabinet des Lilas", 100);
    // Another tenant's message under a name does not make it that tenant's, one from the very number does: before it was given away.
    let mut people = recipients(4);
    let mut person = || people.next().expect("one more");
    let (stranger, patient, customer, quiet) = (person(), person(), person(), person());
    for (to, sender) in [(&patient, "Clinique"), (&customer, SHORT_CODE)] {
        let order = CampaignOrder::to_audience(&json!({ "recipients": [{ "to": to }] })).with("sender", json!(sender));
        let campaign = stand.tenant.order(&stand.engine, &order);
        wait_until_delivered(&stand, &campaign);
    }
    let smsc = SmscSettings::new("north", stand.sim.smpp_address());
    let mut settings = EngineSettings::new(Some(stand.redis.url()), vec![smsc]);
    for number in [OWN, SHORT_CODE] {
        let tenant = &lilas.id;
        settings
            .tables
            .push(format!("[[number]]\nnumber = {number:?}\ntenant = {tenant:?}"));
    }
    stand.engine.configure(&settings);
    stand.engine.reload().expect(200);
    for (from, to, text) in [
        (&stranger, OWN, "Etes-vous ouverts ?"),
        (&stranger, "0644630001", "Allo ?"),
        (&patient, OWN, "Un rendez-vous SVP"),
        (&patient, SHARED, "Merci"),
        (&customer, SHORT_CODE, "OK"),
        (&quiet, SHORT_CODE, "STOP"),
    ] {
        stand.sim.inbound(from, to, text);
    }
    let own = inbound(&stand.engine, &lilas, 4);
    let mut found = texts(&own);
    found.sort_unstable();
    assert_eq!(found, ["Allo ?", "Etes-vous ouverts ?", "STOP", "Un rendez-vous SVP"]);
    assert!(own.iter().all(|row| row["campaign_id"].is_null()), "{own:?}");
    let other = inbound(&stand.engine, &stand.tenant, 2);
    let mut found = texts(&other);
    found.sort_unstable();
    assert_eq!(found, ["Merci", "OK"]);
    // The STOP was meant for the number's tenant alone.
    let order =
        CampaignOrder::to_audience(&json!({ "recipients": [{ "to": quiet }] })).with("purpose", json!("marketing"));
    let campaign = stand.tenant.order(&stand.engine, &order);
    wait_until_delivered(&stand, &campaign);
    let campaign = lilas.order(&stand.engine, &order);
    campaign.wait(&stand.engine, "it is skipped", LIMIT, |view| view.progress.queued == 0);
    assert_eq!(campaign.view(&stand.engine).status("delivered"), 0);
}
