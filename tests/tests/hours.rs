//! Advertising goes by the recipient's hours: every program of a test lives at another time than this machine.

use std::process::Command;
use std::time::Duration;

use campanile_tests::{
    Campaign, CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, Tenant, eventually, peers, programs,
};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Segments a second.
const RATE: usize = 5;

fn settings(redis: String, sim: &str) -> EngineSettings {
    let smsc = SmscSettings::new("north", sim).line(&format!("rate = \"{RATE}/s\""));
    let mut settings = EngineSettings::new(Some(redis), vec![smsc]);
    settings.rules = Some(vec!["fr-seed".to_owned()]);
    settings
}

fn micros(at: &str) -> u64 {
    let at: jiff::Timestamp = at.parse().expect("a time");
    u64::try_from(at.as_microsecond()).expect("after 1970")
}

/// That metric of advertising.
fn marketing(stand: &Stand, metric: &str) -> f64 {
    let wanted = format!("campanile_{metric}{{lane=\"marketing\"}}");
    stand.engine.metric(|sample| sample == wanted)
}

/// Segments of advertising that left outside the hours.
fn outside(stand: &Stand) -> u64 {
    let wanted = "campanile_submits_outside_hours_total{smsc=\"north\"}";
    stand.engine.metric(|sample| sample == wanted) as u64
}

/// A campaign of that purpose to these numbers.
fn order(purpose: &str, numbers: impl Iterator<Item = String>) -> CampaignOrder {
    let rows: Vec<Value> = numbers.map(|to| json!({ "to": to, "Nom": "Martin" })).collect();
    CampaignOrder::to_audience(&json!({ "recipients": rows })).with("purpose", json!(purpose))
}

fn of_paris(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("+336120000{number:02}"))
}

#[test]
fn req_001_19_a_campaign_that_spans_the_closing_hour_goes_on_in_the_morning() {
    const MESSAGES: usize = 100;
    let lab = Lab::new(programs!(), "hours-closing");
    // A Friday, fifteen seconds before the last of the day may go.
    lab.live_at("2026-11-27T19:24:45Z");
    let mut stand = Stand::under(lab, "", |redis, sim| settings(redis.url(), sim.smpp_address()));
    let campaign = stand
        .tenant
        .order(&stand.engine, &order("marketing", of_paris(MESSAGES)));
    let closed = eventually("the hours are over", LIMIT, || {
        let view = stand
            .tenant
            .http(&stand.engine)
            .get(&format!("/v1/campaigns/{}", campaign.id))
            .expect(200);
        (view["waiting"]["reason"] == "closed_hours").then_some(view)
    });
    assert_eq!(closed["waiting"]["until"], "2026-11-28T07:00:00Z", "{closed}");
    let words = closed["waiting"]["detail"].as_str().unwrap_or_default();
    assert!(words.contains("outside the hours"), "{closed}");
    // It is not late: nobody is woken for it.
    eventually("nothing is due", LIMIT, || {
        (marketing(&stand, "queue_oldest_age_seconds") < 0.5).then_some(())
    });
    // What is transactional goes on.
    let urgent = stand.tenant.order(
        &stand.engine,
        &order("transactional", (0..3).map(|number| format!("+336990000{number:02}"))),
    );
    urgent.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 3
    });
    // What was leased in the last second may go a second later.
    let shut = micros("2026-11-27T19:25:01Z");
    let evening = stand.sim.ledger();
    let (urgent, evening): (Vec<_>, Vec<_>) = evening.into_iter().partition(|row| row.recipient.starts_with("33699"));
    let sent = evening.len();
    assert!((1..MESSAGES).contains(&sent), "{sent} went in the evening");
    assert!(
        evening.iter().all(|row| row.received_at_us < shut),
        "and none after its last minute"
    );
    assert_eq!(urgent.len(), 3);

    // The next morning.
    assert!(stand.engine.shut_down().success());
    stand.lab().live_at("2026-11-28T06:59:55Z");
    stand.redis.restart();
    stand.sim.restart();
    stand
        .engine
        .restart_with(&settings(stand.redis.url(), stand.sim.smpp_address()));
    let all = MESSAGES as u64;
    campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.status("delivered") == all
    });
    let morning = stand.sim.ledger();
    assert_eq!(morning.len(), MESSAGES - sent, "each once");
    assert_eq!(outside(&stand), 0);
    let waited = marketing(&stand, "time_in_queue_seconds_sum");
    assert!(
        waited < 60.0 * morning.len() as f64,
        "{waited} s together, from eight on"
    );
    let opens = micros("2026-11-28T07:00:00Z");
    assert!(
        morning.iter().all(|row| row.received_at_us >= opens),
        "nothing before eight"
    );
    let mut all: Vec<&str> = evening
        .iter()
        .chain(&morning)
        .map(|row| row.recipient.as_str())
        .collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), MESSAGES, "to each one");
}

#[test]
fn req_001_19_other_packs_are_obeyed_with_a_reload_by_what_waits_as_well_and_a_wrong_one_changes_nothing() {
    let lab = Lab::new(programs!(), "hours-reload");
    // A Friday in Paris, a quarter to nine in the evening; noon in Vancouver, three in the afternoon in Toronto.
    lab.live_at("2026-11-27T19:45:00Z");
    let stand = Stand::under(lab, "", |redis, sim| settings(redis.url(), sim.smpp_address()));
    let campaign = stand.tenant.order(&stand.engine, &order("marketing", of_paris(10)));
    let http = stand.tenant.http(&stand.engine);
    let reason = || http.get(&format!("/v1/campaigns/{}", campaign.id)).expect(200)["waiting"]["reason"].clone();
    eventually("it waits for the morning", LIMIT, || {
        (reason() == "closed_hours").then_some(())
    });
    let check = |to: &str| {
        let path = format!("/v1/rules/check?to=%2B{to}&purpose=marketing");
        http.get(&path).expect(200)
    };
    let mut other = settings(stand.redis.url(), stand.sim.smpp_address());
    other.rules = Some(vec!["fr-seed".to_owned(), "fr-af2m-2062".to_owned()]);
    stand.engine.configure(&other);
    let refused = stand.engine.reload();
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(
        refused.text.contains("rules.packs") && refused.text.contains("fr-af2m-2062"),
        "{}",
        refused.text
    );
    assert_eq!(check("33612000000")["pack"], "fr-seed");
    assert!(stand.sim.ledger().is_empty());

    other.rules = Some(vec!["fr-seed".to_owned(), "fr-af2m-2026".to_owned(), "ca".to_owned()]);
    stand.engine.configure(&other);
    stand.engine.reload().expect(200);
    // It may go until half past nine now.
    campaign.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 10
    });
    assert_eq!(check("33612000000")["pack"], "fr-af2m-2026");
    let toronto = check("14165550123");
    assert_eq!(
        (&toronto["pack"], &toronto["zone"], &toronto["open"]),
        (&json!("ca"), &json!("ca-ontario"), &json!(true))
    );

    // The stricter one again: what comes then waits.
    other.rules = Some(vec!["fr-seed".to_owned()]);
    stand.engine.configure(&other);
    stand.engine.reload().expect(200);
    let late = stand
        .tenant
        .order(&stand.engine, &order("marketing", of_paris(20).skip(10)));
    eventually("the later one waits", LIMIT, || {
        let view = http.get(&format!("/v1/campaigns/{}", late.id)).expect(200);
        (view["waiting"]["reason"] == "closed_hours").then_some(())
    });
    assert_eq!(stand.sim.ledger().len(), 10);
}

#[test]
fn req_001_19_a_pack_of_a_file_is_obeyed_and_one_that_is_wrong_or_gone_changes_nothing() {
    let lab = Lab::new(programs!(), "hours-files");
    // A Sunday in Paris, noon.
    lab.live_at("2026-11-29T11:00:00Z");
    let stand = Stand::under(lab, "", |redis, sim| settings(redis.url(), sim.smpp_address()));
    let http = stand.tenant.http(&stand.engine);
    let check = || {
        let said = http
            .get("/v1/rules/check?to=%2B33612000000&purpose=marketing")
            .expect(200);
        (said["open"] == true, said["pack"].clone(), said["pack_version"].clone())
    };
    let shown = |pack: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
        let output = command.args(["rules", "show", pack]).output().expect("campanile runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let charter = shown("fr-af2m-2026");
    let sundays = charter
        .replace("\"sat\"]", "\"sat\", \"sun\"]")
        .replace("2026-03-01", "2026-04-01");
    let folder = lab::Scratch::temporary("packs-", false).expect("a folder");
    let file = folder.path().join("clinic.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("it is written");
    write(&sundays);
    let closed = check();
    assert_eq!((closed.0, &closed.1), (false, &json!("fr-seed")));
    let campaign = stand.tenant.order(&stand.engine, &order("marketing", of_paris(10)));
    let mut with_file = settings(stand.redis.url(), stand.sim.smpp_address());
    with_file.rules = Some(vec!["fr-seed".to_owned(), file.display().to_string()]);
    stand.engine.configure(&with_file);
    stand.engine.reload().expect(200);
    campaign.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 10
    });
    let open = check();
    assert_eq!((open.0, &open.1), (true, &json!("clinic")));
    assert_ne!(open.2, closed.2, "versions differ");

    // All that is wrong is said, and what was read before holds.
    write(&sundays.replace("08:00", "8").replace("\"closed\"", "\"shut\""));
    let refused = stand.engine.reload();
    assert_eq!(refused.status, 422, "{}", refused.text);
    for fault in ["clinic.toml:6: from: ", "clinic.toml:8: holidays: "] {
        assert!(refused.text.contains(fault), "{fault} is not in {}", refused.text);
    }
    assert_eq!(check(), open);
    std::fs::remove_file(&file).expect("it is there");
    let refused = stand.engine.reload();
    assert!(
        refused.status == 422 && refused.text.contains("clinic.toml: cannot be read"),
        "{}",
        refused.text
    );
    assert_eq!(check(), open);

    // Another text under the same name is another version.
    write(&sundays.replace("21:30", "20:00"));
    stand.engine.reload().expect(200);
    let other = check();
    assert_eq!((other.0, &other.1), (true, &json!("clinic")));
    assert_ne!(other.2, open.2);
}

#[test]
fn req_001_18_each_zone_has_its_own_hours_and_a_single_message_waits_as_well() {
    let lab = Lab::new(programs!(), "hours-zones");
    // In Paris it is six in the morning, on La Réunion nine.
    lab.live_at("2026-11-27T05:00:00Z");
    let stand = Stand::under(lab, "", |redis, sim| settings(redis.url(), sim.smpp_address()));
    let numbers = of_paris(4).chain((0..3).map(|number| format!("+2626921234{number:02}")));
    let campaign = stand.tenant.order(&stand.engine, &order("marketing", numbers));
    campaign.wait(&stand.engine, "La Réunion has it", LIMIT, |view| {
        view.status("delivered") == 3
    });
    let http = stand.tenant.http(&stand.engine);
    let single = json!({ "to": "+33612000050", "text": "Promotion", "sender": "CLINIQUE", "purpose": "marketing" });
    let id = http.post("/v1/messages", &single).expect(202)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    eventually("Paris waits for its hours", LIMIT, || {
        let view = http.get(&format!("/v1/campaigns/{}", campaign.id)).expect(200);
        (view["waiting"]["reason"] == "closed_hours" && view["progress"]["queued"] == 4).then_some(())
    });
    assert_eq!(http.get(&format!("/v1/messages/{id}")).expect(200)["status"], "queued");
    let received: Vec<String> = stand.sim.ledger().into_iter().map(|row| row.recipient).collect();
    assert!(
        received.iter().all(|number| number.starts_with("262692")),
        "{received:?}"
    );
    // A transactional campaign to all of them goes at once.
    let all = of_paris(4).chain((0..3).map(|number| format!("+2626921234{number:02}")));
    let urgent = stand.tenant.order(&stand.engine, &order("transactional", all));
    urgent.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 7
    });
}

/// One campaign that names its recipients, and was launched, one of contacts, and a single message.
fn of_good_friday(there: &Tenant, stand: &Stand) -> Campaign {
    let http = there.http(&stand.engine);
    http.post(
        "/v1/contacts",
        &json!({ "contacts": [{ "reference": "1", "number": "+33612000070" }] }),
    )
    .expect(200);
    let numbers = of_paris(2).chain(["+262692123401".to_owned()]);
    let named = there.create(&stand.engine, &order("marketing", numbers));
    let estimate = http
        .post(&format!("/v1/campaigns/{}/estimate", named.id), &json!({}))
        .expect(200);
    assert_eq!(
        estimate["next_open_at"],
        json!(null),
        "on La Réunion it is no holiday: {estimate}"
    );
    named.ask(&stand.engine, "launch").expect(202);
    let all = CampaignOrder::to_audience(&json!({ "filter": {} })).with("purpose", json!("marketing"));
    let meant = there.create(&stand.engine, &all);
    let path = format!("/v1/campaigns/{}", meant.id);
    let estimate = http.post(&format!("{path}/estimate"), &json!({})).expect(200);
    assert_eq!(estimate["next_open_at"], "2027-03-27T07:00:00Z", "{estimate}");
    let at = json!({ "scheduled_at": "2027-03-26T15:00:00Z" });
    let refused = http.post(&format!("{path}/schedule"), &at).expect_problem(&[422]);
    assert_eq!(refused["code"], "schedule_outside_window", "{refused}");
    let single = json!({ "to": "+33612000071", "text": "Promotion", "sender": "CLINIQUE", "purpose": "marketing" });
    http.post("/v1/messages", &single).expect(202);
    named
}

#[test]
fn req_001_18_whose_people_are_in_alsace_or_moselle_keeps_good_friday_as_well() {
    let lab = Lab::new(programs!(), "hours-alsace");
    // Good Friday, eleven in the morning.
    lab.live_at("2027-03-26T10:00:00Z");
    let mut stand = Stand::under(lab, "", |redis, sim| settings(redis.url(), sim.smpp_address()));
    let there = stand.engine.tenant("Cabinet de Strasbourg", 100);
    let operator = stand.engine.operator();
    let path = format!("/v1/tenants/{}", there.id);
    let changed = operator.patch(&path, &json!({ "territory": "alsace_moselle" }));
    assert_eq!(changed.expect(200)["territory"], "alsace_moselle");
    let wrong = operator.patch(&path, &json!({ "territory": "bretagne" }));
    wrong.expect_field_problem(&[400, 422], "/territory");
    let http = there.http(&stand.engine);
    let checked = http.get("/v1/rules/check?to=%2B33612345678").expect(200);
    assert_eq!(
        (&checked["zone"], &checked["why"], &checked["until"]),
        (
            &json!("fr-alsace-moselle"),
            &json!("public_holiday"),
            &json!("2027-03-27T08:00:00+01:00")
        ),
        "{checked}"
    );

    let named = of_good_friday(&there, &stand);
    // Elsewhere in France it is a Friday as any.
    let elsewhere = stand
        .tenant
        .order(&stand.engine, &order("marketing", of_paris(4).skip(2)));
    elsewhere.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 2
    });
    named.wait(&stand.engine, "La Réunion has it", LIMIT, |view| {
        view.status("delivered") == 1
    });
    let waits = eventually("the others wait", LIMIT, || {
        let view = http.get(&format!("/v1/campaigns/{}", named.id)).expect(200);
        (view["waiting"]["reason"] == "closed_hours" && view["progress"]["queued"] == 2).then_some(view)
    });
    assert_eq!(waits["waiting"]["until"], "2027-03-27T07:00:00Z", "{waits}");
    let received = stand.sim.ledger().len();
    assert_eq!(received, 3, "two elsewhere, and one on La Réunion");

    assert!(stand.engine.shut_down().success());
    stand.lab().live_at("2027-03-27T07:00:05Z");
    stand.redis.restart();
    stand.sim.restart();
    stand
        .engine
        .restart_with(&settings(stand.redis.url(), stand.sim.smpp_address()));
    named.wait(&stand.engine, "it goes on in the morning", LIMIT, |view| {
        view.status("delivered") == 3
    });
    eventually("the single one as well", LIMIT, || {
        (stand.sim.ledger().len() == 3).then_some(())
    });
}

#[test]
fn req_003_19_each_country_has_its_own_route_and_its_own_law() {
    let lab = Lab::new(programs!(), "hours-countries");
    // A Sunday noon: no advertising in France, some in the United Kingdom.
    lab.live_at("2026-11-29T12:00:00Z");
    let stand = Stand::under(lab, "", |redis, sim| {
        let smsc = |name: &str, prefix: &str| {
            let smsc = SmscSettings::new(name, sim.smpp_address()).account(name);
            smsc.line(&format!("prefixes = [\"{prefix}\"]"))
        };
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc("north", "33"), smsc("isles", "44")]);
        settings.rules = Some(vec!["fr-seed".to_owned(), "gb".to_owned()]);
        settings
    });
    let all = || of_paris(2).chain((0..3).map(|number| format!("+44791112345{number}")));
    let news = stand.tenant.order(&stand.engine, &order("marketing", all()));
    let waits = eventually("France waits for its hours", LIMIT, || {
        let view = stand
            .tenant
            .http(&stand.engine)
            .get(&format!("/v1/campaigns/{}", news.id));
        let view = view.expect(200);
        let isles = news.view(&stand.engine).status("delivered");
        (view["waiting"]["reason"] == "closed_hours" && isles == 3).then_some(view)
    });
    assert_eq!(waits["waiting"]["until"], "2026-11-30T07:00:00Z", "{waits}");
    let urgent = stand.tenant.order(&stand.engine, &order("transactional", all()));
    urgent.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 5
    });
    let mut went: Vec<(String, String)> = stand
        .sim
        .ledger()
        .into_iter()
        .map(|row| (row.account, row.recipient[..2].to_owned()))
        .collect();
    went.sort();
    went.dedup();
    let of = |account: &str, prefix: &str| (account.to_owned(), prefix.to_owned());
    assert_eq!(went, [of("isles", "44"), of("north", "33")]);
}

#[test]
fn a_decision_is_explained_by_the_api_and_by_the_command_alike() {
    let lab = Lab::new(programs!(), "hours-check");
    let stand = Stand::under(lab, "", |redis, sim| settings(redis.url(), sim.smpp_address()));
    let http = stand.tenant.http(&stand.engine);
    let asked = "/v1/rules/check?to=%2B33612345678&at=2026-07-14T10:00&purpose=marketing";
    let said = http.get(asked).expect(200);
    assert_eq!(
        (&said["open"], &said["why"], &said["pack"], &said["until"]),
        (
            &json!(false),
            &json!("public_holiday"),
            &json!("fr-seed"),
            &json!("2026-07-15T08:00:00+02:00")
        ),
        "{said}"
    );
    for (wrong, pointer) in [
        ("/v1/rules/check", "?to"),
        ("/v1/rules/check?to=12", "?to"),
        ("/v1/rules/check?to=%2B33612345678&at=noon", "?at"),
        ("/v1/rules/check?to=%2B33612345678&purpose=fun", "?purpose"),
    ] {
        http.get(wrong).expect_field_problem(&[400, 422], pointer);
    }
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
        command
            .args(["rules", "check"])
            .args(arguments)
            .output()
            .expect("campanile runs")
    };
    let output = command(&["--to", "+33612345678", "--at", "2026-07-14T10:00", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).expect("JSON"), said);
    let output = command(&["--to", "+33612345678", "--at", "2026-07-15T10:00"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.starts_with("open: It is within the hours of advertising. It may go until 2026-07-15 20:25."),
        "{text}"
    );
    let output = command(&["--to", "+33612345678", "--at", "noon"]);
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        output.status.code() == Some(2) && said.contains("--at \"noon\" is not allowed: a time such as"),
        "{said}"
    );
}

/// Public holidays of each zone of a pack, from 2026 to 2035, against those of a Python package: `program` says what they have, and what
/// else may be closed, by zone.
fn are_those_of_another_calendar(pack: &str, program: &str) {
    if peers::skipped() {
        return;
    }
    let output = peers::python().args(["-c", program]).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let known: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rules = rules::Rules::of([pack]).expect("it is there");
    let country = known.as_object().expect("zones");
    for (index, zone) in rules.zones().filter(|(_, zone)| country.contains_key(&zone.name)) {
        let first: jiff::civil::Date = "2026-01-01".parse().expect("a date");
        let days = (0..3_652).map(|after| first + jiff::Span::new().days(after));
        // Sundays are closed as such: nobody can tell whether they are holidays, too.
        let days = days.filter(|day| day.weekday() != jiff::civil::Weekday::Sunday);
        let closed = days.filter(|day| {
            let noon = day
                .at(12, 0, 0, 0)
                .to_zoned(zone.time_zone())
                .expect("it exists")
                .timestamp();
            rules.decide(index, noon).why == rules::Why::Holiday
        });
        let closed: Vec<String> = closed.map(|day| day.to_string()).collect();
        let of = |what: &str| -> Vec<String> {
            let days = known[&zone.name][what].as_array().expect("a list").iter();
            let weekday = |day: &&str| {
                day.parse::<jiff::civil::Date>()
                    .is_ok_and(|day| day.weekday() != jiff::civil::Weekday::Sunday)
            };
            days.filter_map(Value::as_str)
                .filter(weekday)
                .map(str::to_owned)
                .collect()
        };
        let (theirs, allowed) = (of("days"), of("allowed"));
        let missing: Vec<_> = theirs.iter().filter(|day| !closed.contains(day)).collect();
        assert_eq!(missing, Vec::<&String>::new(), "{}: they have more", zone.name);
        let more: Vec<_> = closed
            .iter()
            .filter(|day| !theirs.contains(day) && !allowed.contains(day))
            .collect();
        assert_eq!(more, Vec::<&String>::new(), "{}: we have more", zone.name);
    }
}

#[test]
fn public_holidays_of_every_french_zone_are_those_of_an_independent_calendar() {
    let program = "
import holidays, json
zones = {'fr': [None], 'fr-alsace-moselle': ['57', '6AE'], 'fr-guadeloupe': ['971', 'BL', 'MF'], 'fr-martinique': ['972'], 'fr-guyane': ['973'], 'fr-reunion': ['974'],
         'fr-mayotte': ['976'], 'fr-saint-pierre': ['PM'], 'fr-caledonie': ['NC'], 'fr-polynesie': ['PF'], 'fr-wallis': ['WF']}
days = lambda subdivisions: sorted({day.isoformat() for s in subdivisions for day in holidays.France(subdiv=s, years=range(2026, 2036))})
allowed = [f'{year}-05-27' for year in range(2026, 2036)]
print(json.dumps({zone: {'days': days(subdivisions), 'allowed': allowed} for zone, subdivisions in zones.items()}))
";
    are_those_of_another_calendar("fr-seed", program);
}

#[test]
fn public_holidays_of_the_provinces_of_canada_are_those_of_an_independent_calendar() {
    let program = "
import holidays, json
zones = {'ca-ontario': ['ON'], 'ca-quebec': ['QC'], 'ca-newfoundland': ['NL'], 'ca-atlantic': ['NS', 'PE'], 'ca-new-brunswick': ['NB'],
         'ca-manitoba': ['MB'], 'ca-saskatchewan': ['SK'], 'ca-alberta': ['AB'], 'ca-british-columbia': ['BC'],
         'ca-territories': ['YT', 'NT', 'NU']}
days = lambda provinces, categories: sorted({day.isoformat() for p in provinces
    for day in holidays.Canada(subdiv=p, years=range(2026, 2036), observed=False, categories=categories)})
print(json.dumps({zone: {'days': days(provinces, ('public', 'government')), 'allowed': days(provinces, ('public', 'government', 'optional'))}
                  for zone, provinces in zones.items()}))
";
    are_those_of_another_calendar("ca", program);
}

/// Of each message of a campaign, in history: the pack that it was sent under and its version; none before all are there.
fn packs_of(http: &Http, campaign: &str, count: usize) -> Vec<(Value, Value)> {
    let path = format!("/v1/messages?limit=500&campaign={campaign}");
    eventually("history has all of them", LIMIT, || {
        let page = http.get(&path).expect(200);
        let rows = page["data"].as_array().expect("a list");
        let packs = rows
            .iter()
            .map(|row| (row["pack"].clone(), row["pack_version"].clone()));
        (rows.len() == count && rows.iter().all(|row| !row["ended_at"].is_null())).then(|| packs.collect())
    })
}

/// The version of a pack, as it is shown.
fn version(http: &Http) -> Value {
    http.get("/v1/rules/check?to=%2B33612000000&purpose=marketing")
        .expect(200)["pack_version"]
        .clone()
}

#[test]
fn req_001_19_history_says_under_which_pack_and_version_each_message_was_sent_through_reloads() {
    const SLOWLY: &str = "[answer]\ndelay = \"4s\"\n";
    let lab = Lab::new(programs!(), "hours-history");
    // A Friday in Paris, noon: both packs are open.
    lab.live_at("2026-11-27T11:00:00Z");
    let stand = Stand::under(lab, SLOWLY, |redis, sim| {
        let mut settings = settings(redis.url(), sim.smpp_address());
        settings.smscs = vec![SmscSettings::new("north", sim.smpp_address())];
        settings
    });
    let http = stand.tenant.http(&stand.engine);
    let seed = (json!("fr-seed"), version(&http));
    let first = stand.tenant.order(&stand.engine, &order("marketing", of_paris(10)));
    stand.sim.wait_for("submits", 10, LIMIT);
    // It obeys others before any of these is answered.
    let mut other = settings(stand.redis.url(), stand.sim.smpp_address());
    other.smscs = vec![SmscSettings::new("north", stand.sim.smpp_address())];
    other.rules = Some(vec!["fr-seed".to_owned(), "fr-af2m-2026".to_owned()]);
    stand.engine.configure(&other);
    stand.engine.reload().expect(200);
    let charter = (json!("fr-af2m-2026"), version(&http));
    assert_ne!(seed.1, charter.1);
    let second = stand.tenant.order(&stand.engine, &order("marketing", of_paris(20)));
    let urgent = stand.tenant.order(&stand.engine, &order("transactional", of_paris(5)));
    assert_eq!(packs_of(&http, &first.id, 10), vec![seed; 10]);
    assert_eq!(packs_of(&http, &second.id, 20), vec![charter.clone(); 20]);
    assert_eq!(packs_of(&http, &urgent.id, 5), vec![(Value::Null, Value::Null); 5]);
    let traced = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"))
        .args(["message", "trace", "+33612000019"])
        .env("CAMPANILE_ADMIN", format!("http://{}", stand.engine.admin().address()))
        .env("CAMPANILE_OPERATOR_KEY", stand.engine.operator_key())
        .output()
        .expect("campanile runs");
    let (told, wanted) = (
        String::from_utf8_lossy(&traced.stdout),
        format!("fr-af2m-2026 {}", charter.1.as_str().expect("a version")),
    );
    assert!(
        told.contains(&wanted),
        "{told}{}",
        String::from_utf8_lossy(&traced.stderr)
    );
}

#[test]
fn req_001_19_with_other_packs_beside_each_other_history_says_those_of_who_sent_on_postgresql_as_well() {
    let lab = Lab::new(programs!(), "hours-two-packs");
    let postgres = lab.postgres();
    // A Friday in Paris, a quarter to nine in the evening: only the charter is open.
    lab.live_at("2026-11-27T19:45:00Z");
    let with_sessions = |redis: String, sim: &str| {
        let mut settings = EngineSettings::new(Some(redis), vec![SmscSettings::new("north", sim).sessions(2)]);
        settings.rules = Some(vec!["fr-seed".to_owned()]);
        settings
            .tables
            .push(format!("[database]\nurl = \"{}\"", postgres.url()));
        settings
    };
    let stand = Stand::under(lab, "", |redis, sim| with_sessions(redis.url(), sim.smpp_address()));
    let mut other = stand.engine.beside("other");
    let mut settings = with_sessions(stand.redis.url(), stand.sim.smpp_address());
    settings.rules = Some(vec!["fr-af2m-2026".to_owned()]);
    other.restart_with(&settings);
    let campaign = stand.tenant.order(&stand.engine, &order("marketing", of_paris(20)));
    campaign.wait(&stand.engine, "the other engine sends it", LIMIT, |view| {
        view.status("delivered") == 20
    });
    let charter = version(&stand.tenant.http(&other));
    let http = stand.tenant.http(&stand.engine);
    assert_ne!(version(&http), charter, "who follows the journal obeys another one");
    let expected = vec![(json!("fr-af2m-2026"), charter); 20];
    assert_eq!(packs_of(&http, &campaign.id, 20), expected);
    // As whoever has the journal after it says.
    assert!(stand.engine.shut_down().success());
    let http = stand.tenant.http(&other);
    assert_eq!(packs_of(&http, &campaign.id, 20), expected);
}

#[test]
fn advertising_that_was_queued_without_hours_and_leaves_outside_them_is_counted() {
    let lab = Lab::new(programs!(), "hours-outside");
    // Ten in the evening of Paris.
    lab.live_at("2026-11-27T21:00:00Z");
    let without = |redis: String, sim: &str| EngineSettings {
        rules: Some(Vec::new()),
        ..settings(redis, sim)
    };
    let stand = Stand::under(lab, "", |redis, sim| without(redis.url(), sim.smpp_address()));
    let campaign = stand.tenant.order(&stand.engine, &order("marketing", of_paris(90)));
    stand.sim.wait_for("accepted", 5, LIMIT);
    assert_eq!(outside(&stand), 0, "there are no hours");
    stand
        .engine
        .configure(&settings(stand.redis.url(), stand.sim.smpp_address()));
    stand.engine.reload().expect(200);
    eventually("what has no hours goes on, and is counted", LIMIT, || {
        (outside(&stand) > 0).then_some(())
    });
    campaign.ask(&stand.engine, "cancel").expect(202);
    let log = stand.engine.process().log();
    assert!(log.contains("advertising was sent outside the hours"), "{log}");
}
