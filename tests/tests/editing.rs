//! Drafts that are edited in place: field by field, wholly or not at all, and by nobody who has not seen what they are.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use campanile_tests::{Answer, Campaign, CampaignOrder, Http, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

fn path(campaign: &Campaign) -> String {
    format!("/v1/campaigns/{}", campaign.id)
}

fn edit(stand: &Stand, campaign: &Campaign, change: &Value) -> Answer {
    http(stand).patch(&path(campaign), change)
}

fn shown(stand: &Stand, campaign: &Campaign) -> Value {
    http(stand).get(&path(campaign)).expect(200)
}

fn estimated(stand: &Stand, campaign: &Campaign) -> Value {
    let path = format!("{}/estimate", path(campaign));
    http(stand).post(&path, &json!({})).expect(200)
}

/// A text of two segments that begins so.
fn long(begins: &str) -> String {
    format!("{begins} {}", "a".repeat(170))
}

/// To three whose first names are known.
fn to_three() -> CampaignOrder {
    let audience = json!({ "recipients": [
        { "to": "+33612345678", "Prenom": "Zoé" },
        { "to": "+33612345679" },
        { "to": "+33612345680", "Prenom": "Hugo" },
    ] });
    CampaignOrder::to_audience(&audience).with("text", json!("Bonjour [Prenom|à vous]"))
}

/// All that was sent, each message whole, by what it says.
fn sent(stand: &Stand) -> Vec<String> {
    let mut texts: Vec<String> = stand
        .sim
        .ledger_by_recipient()
        .into_values()
        .map(|rows| {
            let parts = rows
                .iter()
                .map(|row| row.text.clone().expect("the simulator keeps texts"));
            parts.collect()
        })
        .collect();
    texts.sort();
    texts
}

fn delivered(stand: &Stand, campaign: &Campaign, count: u64) {
    campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.nothing_queued() && view.status("delivered") == count && view.credits.held == 0
    });
}

#[test]
fn recipients_that_were_given_get_what_the_edited_draft_says_and_are_billed_for_that() {
    let stand = Stand::new(programs!(), "editing-rows", "", |smsc| smsc);
    let campaign = stand.tenant.create(&stand.engine, &to_three());
    let before = shown(&stand, &campaign);
    assert_eq!(
        (&before["edits"], &before["estimate"]["credits"]),
        (&json!(0), &json!(3))
    );

    // Each message has two segments then, and one again.
    for (text, credits) in [
        (long("[Prenom|Vous]"), 6),
        ("Bonsoir [Prenom|à vous]".to_owned(), 3),
        (long("Salut [Prenom|à vous]"), 6),
    ] {
        let edited = edit(&stand, &campaign, &json!({ "text": text })).expect(200);
        assert_eq!(
            (&edited["text"], &edited["state"], &edited["estimate"]["credits"]),
            (&json!(text), &json!("draft"), &json!(credits)),
            "{edited}"
        );
        assert_eq!(estimated(&stand, &campaign)["max"]["credits"], credits);
    }
    let change =
        json!({ "name": "Printemps", "sender": "CABINET", "validity": 3_600, "rate": "600/h", "service_type": "CMT" });
    let edited = edit(&stand, &campaign, &change).expect(200);
    for (name, value) in change.as_object().expect("an object") {
        assert_eq!(&edited[name], value, "{name}");
    }
    assert_eq!(
        (&edited["edits"], &edited["audience"]["accepted"]),
        (&json!(4), &json!(3))
    );
    edit(&stand, &campaign, &json!({ "rate": null })).expect(200);

    campaign.ask(&stand.engine, "launch").expect(202);
    delivered(&stand, &campaign, 3);
    let wanted: Vec<String> = ["Hugo", "Zoé", "à vous"]
        .iter()
        .map(|name| long(&format!("Salut {name}")))
        .collect();
    assert_eq!(sent(&stand), wanted);
    assert!(stand.sim.ledger().iter().all(|row| row.source == "CABINET"));
    eventually("all is billed", LIMIT, || {
        let credits = stand.engine.credits(&stand.tenant);
        (credits.spent == 6 && credits.held == 0).then_some(())
    });
}

/// Three contacts, and a draft to those of them with one tag, and a number.
fn to_contacts(stand: &Stand) -> Campaign {
    let contact = |number: u32, name: &str, tags: &[&str]| json!({ "number": format!("+3361234560{number}"), "first_name": name, "tags": tags });
    let contacts = json!({ "contacts": [
        contact(1, "Zoé", &["vip"]), contact(2, "Hugo", &["vip", "presse"]), contact(3, "Lou", &["sport"]),
    ] });
    http(stand).post("/v1/contacts", &contacts).expect(200);
    let audience = json!({ "filter": tagged("vip"), "numbers": "+33612345611" });
    stand
        .tenant
        .create(&stand.engine, &CampaignOrder::to_audience(&audience))
}

fn tagged(tag: &str) -> Value {
    json!({ "field": "tag", "is": tag })
}

#[test]
fn drafts_of_contacts_are_edited_field_by_field_and_null_takes_away() {
    let stand = Stand::new(programs!(), "editing-contacts", "", |smsc| smsc);
    let campaign = to_contacts(&stand);
    let first = shown(&stand, &campaign);
    let ahead = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(86_400)).to_string();
    let change = json!({
        "text": "Bonjour [Prenom|cher patient]",
        "encoding": "ucs2",
        "validity": 3_600,
        "expires_at": ahead,
        "rate": "1000/s",
        "schedule_delivery": 60,
        "tlvs": [{ "tag": 5_120, "hex": "3131" }],
        "variants": [{ "filter": tagged("sport"), "text": "Salut [Prenom] !" }],
        "field_lengths": { "Prenom": { "max": 3, "longer": "truncate" } },
    });
    let edited = edit(&stand, &campaign, &change).expect(200);
    for (name, value) in change.as_object().expect("an object") {
        // An instant is shown by another clock than it was given by.
        if name != "expires_at" {
            assert_eq!(&edited[name], value, "{name}");
        }
    }
    assert_ne!(edited["expires_at"], Value::Null);
    assert_eq!(edited["audience"], first["audience"], "whom it means stays");

    // The text does not name the field any more, and what was said of it goes.
    let change = json!({ "text": "Bonjour", "variants": null });
    let edited = edit(&stand, &campaign, &change).expect(200);
    assert_eq!(
        (&edited["variants"], &edited["field_lengths"]),
        (&json!([]), &json!({}))
    );
    let nothing = json!({
        "encoding": null, "validity": null, "expires_at": null, "rate": null, "schedule_delivery": null, "tlvs": null,
        "field_lengths": null, "late_joiners_until": null,
    });
    let edited = edit(&stand, &campaign, &nothing).expect(200);
    for (name, _) in nothing.as_object().expect("an object") {
        assert_eq!(edited[name], first[name], "{name}");
    }
    assert_eq!(edited["late_joiners"], Value::Null);
    let joined = json!({ "late_joiners_until": ahead });
    let edited = edit(&stand, &campaign, &joined).expect(200);
    assert_ne!(edited["late_joiners"], Value::Null);
    let refused = edit(&stand, &campaign, &json!({ "validity": 60 }));
    refused.expect_field_problem(&[400, 422], "/late_joiners_until");
}

#[test]
fn whom_a_draft_means_is_edited_part_by_part() {
    let stand = Stand::new(programs!(), "editing-audience", "", |smsc| smsc);
    let campaign = to_contacts(&stand);
    let presse = json!({ "filter": tagged("presse") });
    let change = json!({ "audience": { "exclude": presse } });
    let edited = edit(&stand, &campaign, &change).expect(200);
    assert_eq!(
        edited["audience"]["query"],
        json!({ "filter": tagged("vip"), "exclude": presse })
    );
    assert_eq!(
        estimated(&stand, &campaign)["max"]["recipients"],
        2,
        "Zoé, and the number that stays"
    );
    let tag = |answer: &Answer| answer.etag.clone().expect("a tag");
    let before = tag(&http(&stand).get(&path(&campaign)));
    let numbers = "+33612345612;+33612345613;0102030405";
    let change = json!({ "audience": { "numbers": numbers, "filter": tagged("sport") } });
    let changed = edit(&stand, &campaign, &change);
    assert_eq!(changed.expect(200)["audience"]["not_mobile"], 1);
    assert_ne!(tag(&changed), before);
    assert_eq!(estimated(&stand, &campaign)["max"]["recipients"], 3);
    let listed = http(&stand).get(&format!("{}/rejected", path(&campaign))).expect(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "{listed}");

    let change = json!({ "text": "Bonjour [Prenom]", "audience": { "exclude": null, "numbers": null } });
    let edited = edit(&stand, &campaign, &change).expect(200);
    assert_eq!(edited["audience"]["query"], json!({ "filter": tagged("sport") }));
    assert_eq!(edited["audience"]["not_mobile"], 0);
    campaign.ask(&stand.engine, "launch").expect(202);
    delivered(&stand, &campaign, 1);
    let recipients = campaign.recipients(&stand.engine);
    let to: Vec<&str> = recipients.iter().map(|one| one.to.as_str()).collect();
    assert_eq!(to, ["+33612345603"]);
    assert_eq!(sent(&stand), ["Bonjour Lou"]);
}

#[test]
fn an_edit_is_looked_at_as_a_new_campaign_and_a_wrong_one_changes_nothing() {
    let stand = Stand::new(programs!(), "editing-wrong", "", |smsc| smsc);
    let given = stand.tenant.create(&stand.engine, &to_three());
    let of_contacts = stand
        .tenant
        .create(&stand.engine, &CampaignOrder::to_audience(&json!({ "filter": {} })));
    let tags = || [&given, &of_contacts].map(|one| http(&stand).get(&path(one)).etag.clone().expect("a tag"));
    let before = tags();
    let refused = |campaign: &Campaign, change: Value, (pointer, code): (&str, &str)| {
        let answer = edit(&stand, campaign, &change);
        answer.expect_field_problem(&[400, 422], pointer);
        assert_eq!(answer.json()["errors"][0]["code"], code, "{change}");
    };
    for (change, pointer, code) in [
        (json!({ "txt": "Bonsoir" }), "/txt", "unknown_field"),
        (json!({ "text": null }), "/text", "wrong_type"),
        (json!({ "name": " " }), "/name", "empty"),
        (json!({ "rate": "fast" }), "/rate", "invalid_rate"),
        (json!({ "sender": "a b" }), "/sender", "invalid_sender"),
        (
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
            "/expires_at",
            "not_ahead",
        ),
        (json!({ "template": "tpl_0" }), "/template", "unknown_value"),
        (json!({ "text": "Voir https://bit.ly/x" }), "/text", "public_shortener"),
        (
            json!({ "link_expires_at": "2099-01-01T00:00:00Z" }),
            "/link_expires_at",
            "missing_beside",
        ),
    ] {
        refused(&given, change.clone(), (pointer, code));
        refused(&of_contacts, change, (pointer, code));
    }
    for campaign in [&given, &of_contacts] {
        let unknown = json!({ "text": "Bonjour [Prenoms]" });
        refused(campaign, unknown, ("/text", "unknown_merge_field"));
        let text_alone = http(&stand).ask("PATCH", &path(campaign), Some(&json!("text")));
        text_alone.expect_problem(&[400]);
    }
    // By these the recipients were taken.
    let number = json!({ "numbers": "+33612345681" });
    let lengths = json!({ "Prenom": { "max": 3, "longer": "skip" } });
    for (name, value) in [
        ("audience", number),
        ("purpose", json!("marketing")),
        ("field_lengths", lengths),
    ] {
        let change = json!({ (name): value });
        refused(&given, change, (&format!("/{name}"), "of_recipients"));
    }
    let variants = json!({ "variants": [{ "filter": {}, "text": "Bonsoir" }] });
    refused(&given, variants, ("/variants", "missing_beside"));
    // What is the same may stand there.
    edit(&stand, &given, &json!({})).expect(200);
    let nobody = json!({ "audience": { "filter": null } });
    refused(&of_contacts, nobody, ("/audience", "missing"));
    let recipients = json!({ "audience": { "recipients": [{ "to": "+33612345681" }] } });
    refused(&of_contacts, recipients, ("/audience/recipients", "not_beside"));
    assert_eq!(tags(), before);
}

#[test]
fn what_is_planned_or_launched_is_not_edited_and_says_what_to_do() {
    let stand = Stand::new(programs!(), "editing-states", "", |smsc| smsc);
    let change = json!({ "text": "Bonsoir" });
    let refused = |campaign: &Campaign, word: &str| {
        let french = http(&stand).in_language("fr").patch(&path(campaign), &change);
        let problem = french.expect_problem(&[409]);
        assert_eq!(problem["code"], "campaign_not_a_draft", "{problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(word), "{detail}");
    };
    let planned = stand.tenant.create(&stand.engine, &to_three());
    planned.schedule_in(&stand.engine, 3_600);
    refused(&planned, "programmée");
    planned
        .schedule(&stand.engine, &json!({ "scheduled_at": null }))
        .expect(200);
    edit(&stand, &planned, &change).expect(200);
    planned.ask(&stand.engine, "cancel").expect(202);
    refused(&planned, "annulée");

    let launched = stand.tenant.order(&stand.engine, &to_three());
    refused(&launched, "lancée");
    delivered(&stand, &launched, 3);
    refused(&launched, "lancée");
    assert_eq!(shown(&stand, &launched)["text"], "Bonjour [Prenom|à vous]");

    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    let draft = stand.tenant.create(&stand.engine, &to_three());
    stranger.patch(&path(&draft), &change).expect_problem(&[404]);
    assert_eq!(shown(&stand, &draft)["edits"], 0);

    // One that lacks credits is made to take fewer.
    let poor = stand.engine.tenant("Petit cabinet", 4);
    let order = to_three().with("text", json!(long("Bonjour")));
    let blocked = poor.create(&stand.engine, &order);
    blocked.ask(&stand.engine, "launch").expect(402);
    let edited = poor.http(&stand.engine).patch(&path(&blocked), &change).expect(200);
    assert_eq!(
        (&edited["state"], &edited["estimate"]["credits"]),
        (&json!("draft"), &json!(3))
    );
    blocked.ask(&stand.engine, "launch").expect(202);
    delivered(&stand, &blocked, 3);
}

#[test]
fn req_004_07_an_edit_is_made_to_the_draft_that_was_looked_at_and_to_no_other() {
    let stand = Stand::new(programs!(), "editing-etags", "", |smsc| smsc);
    let campaign = stand.tenant.create(&stand.engine, &to_three());
    let (http, path) = (http(&stand), path(&campaign));
    let tag = |answer: &Answer| answer.etag.clone().expect("a tag");
    let first = tag(&http.get(&path));
    let edited = http.if_match(&first).patch(&path, &json!({ "name": "Printemps" }));
    edited.expect(200);
    let second = tag(&edited);
    assert_ne!(first, second);
    assert_eq!(tag(&http.get(&path)), second);
    let stale = http.if_match(&first).patch(&path, &json!({ "name": "Automne" }));
    assert_eq!(stale.expect_problem(&[412])["code"], "precondition_failed");
    let stale = http.if_match(&first).ask("POST", &format!("{path}/launch"), None);
    stale.expect_problem(&[412]);

    // Of some who have looked at the same, one comes through.
    let together = Barrier::new(4);
    let answers: Vec<u16> = thread::scope(|scope| {
        let one = |number: usize| {
            let (http, path, together) = (http.if_match(&second), &path, &together);
            scope.spawn(move || {
                together.wait();
                http.patch(path, &json!({ "text": format!("Texte {number}") })).status
            })
        };
        let all: Vec<_> = (0..4).map(one).collect();
        all.into_iter().map(|one| one.join().expect("it answers")).collect()
    });
    let of = |status: u16| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((of(200), of(412)), (1, 3), "{answers:?}");
    let shown = http.get(&path).expect(200);
    assert_eq!((&shown["edits"], &shown["name"]), (&json!(2), &json!("Printemps")));
}

#[test]
fn a_draft_that_is_edited_while_it_is_launched_is_sent_and_billed_as_one_of_the_two() {
    let stand = Stand::new(programs!(), "editing-race", "", |smsc| smsc);
    let mut credits = 0;
    for round in 0..12_u64 {
        let numbers: Vec<String> = (0..20).map(|index| format!("+3360{round:04}{index:03}")).collect();
        let (old, new) = (format!("Avant {round}"), long(&format!("Maintenant {round}")));
        let order = CampaignOrder::to_audience(&json!({ "numbers": numbers.join(";") })).with("text", json!(old));
        let campaign = stand.tenant.create(&stand.engine, &order);
        let together = Barrier::new(2);
        let (edited, launched) = thread::scope(|scope| {
            let editing = scope.spawn(|| {
                together.wait();
                edit(&stand, &campaign, &json!({ "text": new })).status
            });
            together.wait();
            let launched = campaign.ask(&stand.engine, "launch").status;
            (editing.join().expect("it answers"), launched)
        });
        assert_eq!(launched, 202);
        assert!([200, 409].contains(&edited), "{edited}");
        delivered(&stand, &campaign, 20);
        let said = if edited == 200 { &new } else { &old };
        assert_eq!(shown(&stand, &campaign)["text"], json!(said));
        let ledger = stand.sim.ledger_by_recipient();
        for number in &numbers {
            let mut parts: Vec<_> = ledger[number.trim_start_matches('+')].iter().collect();
            parts.sort_unstable_by_key(|row| row.part);
            let texts = parts.iter().filter_map(|row| row.text.as_deref());
            assert_eq!(&texts.collect::<String>(), said, "{number}");
        }
        credits += if edited == 200 { 40 } else { 20 };
        eventually("all is billed", LIMIT, || {
            let now = stand.engine.credits(&stand.tenant);
            (now.spent == credits && now.held == 0).then_some(())
        });
    }
}

#[test]
fn an_engine_that_has_estimated_a_draft_sends_what_another_has_made_of_it() {
    let stand = Stand::new(programs!(), "editing-engines", "", |smsc| smsc.sessions(2));
    let other = stand.engine.beside("other");
    let numbers: Vec<String> = (0..400).map(|index| format!("+3361000{index:04}")).collect();
    let order = CampaignOrder::to_audience(&json!({ "numbers": numbers.join(";") })).with("text", json!("Avant"));
    let campaign = stand.tenant.create(&stand.engine, &order);
    let estimate = format!("{}/estimate", path(&campaign));
    for engine in [&stand.engine, &other] {
        stand.tenant.http(engine).post(&estimate, &json!({})).expect(200);
    }
    edit(&stand, &campaign, &json!({ "text": "Maintenant" })).expect(200);
    campaign.ask(&stand.engine, "launch").expect(202);
    delivered(&stand, &campaign, 400);
    let texts: BTreeSet<String> = sent(&stand).into_iter().collect();
    assert_eq!(texts, BTreeSet::from(["Maintenant".to_owned()]));
}

#[test]
fn a_draft_is_edited_at_a_terminal() {
    let stand = Stand::new(programs!(), "editing-command", "", |smsc| smsc);
    let campaign = stand
        .tenant
        .create(&stand.engine, &to_three().with("validity", json!(3_600)));
    let run = |arguments: &[&str]| {
        Command::new(programs!().engine)
            .args(["campaigns", "edit", &campaign.id])
            .args(arguments)
            .env("CAMPANILE_API", format!("http://{}", http(&stand).address()))
            .env("CAMPANILE_KEY", &stand.tenant.key)
            .output()
            .expect("campanile runs")
    };
    let output = run(&["--name", "Printemps", "--clear", "validity", "--json"]);
    let edited: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(
        (&edited["name"], &edited["validity"]),
        (&json!("Printemps"), &Value::Null)
    );
    for wrong in [&[][..], &["--name", "A", "--clear", "name"]] {
        assert!(!run(wrong).status.success(), "{wrong:?}");
    }
    assert_eq!(shown(&stand, &campaign)["edits"], 1);
}
