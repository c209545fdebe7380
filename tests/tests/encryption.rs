//! Texts at rest: what is sent and answered is in no file of Redis, and in none of the database; what has its key destroyed is gone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use campanile_tests::http::Http;
use campanile_tests::{CampaignOrder, EngineSettings, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const SHORT_CODE: &str = "36034";

/// In everything that is said here, and in nothing else.
const CANARY: &str = "Kanari";

fn settings(redis: Option<String>, smpp_address: &str) -> EngineSettings {
    EngineSettings::new(redis, vec![SmscSettings::new("north", smpp_address)])
}

/// Two people, each with a text of their own: one of an audience, one by itself; and what the first answers, in two parts.
fn say_it_all(stand: &Stand) -> (String, String) {
    let http = stand.tenant.http(&stand.engine);
    let audience = json!({ "recipients": [{ "to": "+33612345601", "Soin": format!("{CANARY} dentaire") }] });
    let order = CampaignOrder::to_audience(&audience)
        .with("sender", json!(SHORT_CODE))
        .with("text", json!(format!("{CANARY} : votre [Soin] est prévu.")));
    let campaign = stand.tenant.order(&stand.engine, &order);
    let message = http
        .post(
            "/v1/messages",
            &json!({ "to": "+33612345602", "sender": SHORT_CODE, "text": format!("{CANARY} : résultat prêt"),
                "purpose": "transactional" }),
        )
        .expect(202);
    eventually("both are on the wire", LIMIT, || {
        (stand.sim.ledger().len() == 2).then_some(())
    });
    let long = format!("{CANARY} {}", "je ne viendrai pas ".repeat(12));
    stand.sim.inbound("+33612345601", SHORT_CODE, long.trim());
    stand.sim.inbound("+33699999999", "9", &format!("{CANARY} de personne"));
    eventually("the answer is there", LIMIT, || {
        (inbound(&http).len() == 1).then_some(())
    });
    let operators = stand.engine.admin();
    eventually("and that of a stranger", LIMIT, || {
        (inbound(&operators).len() == 1).then_some(())
    });
    let id = message["id"].as_str().expect("an id").to_owned();
    (campaign.id, id)
}

fn inbound(http: &Http) -> Vec<Value> {
    let page = http.get("/v1/inbound").expect(200);
    page["data"].as_array().expect("a list").clone()
}

/// Every file below a folder, but what the programs print and what they are configured by.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// The files of Redis and of the database that have these words, in any case.
fn with_words(folder: &Path, words: &str) -> Vec<PathBuf> {
    let kept = |path: &PathBuf| {
        let name = path.to_string_lossy().into_owned();
        name.contains(".aof") || name.contains(".rdb") || name.contains(".db")
    };
    let words = words.to_lowercase();
    let has = |path: &PathBuf| {
        let octets = std::fs::read(path).expect("a file");
        String::from_utf8_lossy(&octets).to_lowercase().contains(&words)
    };
    let found: Vec<PathBuf> = files(folder).into_iter().filter(kept).collect();
    assert!(found.len() >= 2, "Redis and SQLite have files here: {found:?}");
    found.into_iter().filter(has).collect()
}

#[test]
fn what_is_said_is_in_no_file_of_redis_and_of_the_database() {
    let mut stand = Stand::new(programs!(), "encryption-files", "", |smsc| smsc);
    let (campaign, message) = say_it_all(&stand);
    let folder = stand.lab().directory().to_owned();
    // The number is in both: files are looked through that have what is kept.
    assert!(!with_words(&folder, "Cabinet Martin").is_empty());
    assert_eq!(with_words(&folder, CANARY), Vec::<PathBuf>::new());
    // Who has the key reads all of it, also after a kill.
    stand.engine.kill();
    stand.engine.restart();
    let http = stand.tenant.http(&stand.engine);
    let shown = http.get(&format!("/v1/campaigns/{campaign}")).expect(200);
    assert_eq!(shown["text"], format!("{CANARY} : votre [Soin] est prévu."));
    assert_eq!(shown["redacted"], Value::Null);
    let answer = inbound(&http);
    assert!(
        answer[0]["text"].as_str().expect("a text").starts_with(CANARY),
        "{answer:?}"
    );
    http.get(&format!("/v1/messages/{message}")).expect(200);
}

#[test]
fn what_was_answered_to_requests_with_a_key_is_in_no_file_of_redis() {
    let stand = Stand::new(programs!(), "encryption-answers", "", |smsc| smsc);
    let (operator, http) = (stand.engine.operator(), stand.tenant.http(&stand.engine));
    let number = "33612345677";
    let contact = json!({ "reference": "1", "number": format!("+{number}"), "first_name": CANARY, "tags": ["vip"] });
    http.once("known")
        .post("/v1/contacts", &json!({ "contacts": [contact] }))
        .expect(200);
    let filter = json!({ "filter": { "field": "tag", "is": "vip" } });
    let order = CampaignOrder::to_audience(&filter).with("text", json!(format!("[Prenom], {CANARY}")));
    let campaign = stand.tenant.create(&stand.engine, &order);
    let message = json!({ "to": format!("+{number}"), "sender": SHORT_CODE, "text": format!("{CANARY} : prêt") });
    let reads = [
        (format!("/v1/campaigns/{}/estimate", campaign.id), json!({})),
        ("/v1/contacts/search".to_owned(), filter),
        ("/v1/people/data".to_owned(), json!({ "number": format!("+{number}") })),
        ("/v1/messages?dry_run=true".to_owned(), message.clone()),
        (
            "/v1/text/analyze".to_owned(),
            json!({ "text": format!("{CANARY} : prêt") }),
        ),
    ];
    for (path, body) in &reads {
        let answer = http.once("look").post(path, body).expect(200).to_string();
        assert!(answer.contains(CANARY) || answer.contains(number), "{answer}");
    }
    let draft = || http.once("draft").post("/v1/campaigns", &order.body).expect(201);
    let made = draft();
    assert_eq!(draft(), made, "as the first time");
    let redis = |words: &str| {
        let mut found = with_words(stand.lab().directory(), words);
        found.retain(|path| !path.to_string_lossy().contains(".db"));
        found
    };
    assert!(!redis("Cabinet Martin").is_empty(), "Redis has files");
    for words in [CANARY, number] {
        assert_eq!(redis(words), Vec::<PathBuf>::new(), "{words}");
    }
    // What is only looked at is never answered as it was.
    let renamed = json!({ "contacts": [{ "reference": "1", "first_name": "Zoé" }] });
    http.post("/v1/contacts", &renamed).expect(200);
    let (path, body) = &reads[1];
    assert_eq!(
        http.once("look").post(path, body).expect(200)["data"][0]["first_name"],
        "Zoé"
    );
    // With the tenant's key goes what it was answered.
    let erase = format!("/v1/tenants/{}/texts/erase", stand.tenant.id);
    operator.post(&erase, &json!({})).expect(200);
    assert_ne!(draft()["id"], made["id"], "nobody knows the first answer any more");
}

#[test]
fn a_tenants_key_that_is_destroyed_erases_its_texts_and_nobody_elses() {
    let stand = Stand::new(programs!(), "encryption-erase", "", |smsc| smsc);
    let (campaign, _) = say_it_all(&stand);
    let (operator, http) = (stand.engine.operator(), stand.tenant.http(&stand.engine));
    let draft = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(1));
    let erase = format!("/v1/tenants/{}/texts/erase", stand.tenant.id);
    // The messages of the hour are one campaign, which is under way until the hour is over.
    let refused = operator.post(&erase, &json!({})).expect(409);
    assert_eq!(refused["code"], "texts_in_use");
    let other = stand.engine.tenant("Cabinet Durand", 100);
    let order = CampaignOrder::to_first(1);
    let kept = other.order(&stand.engine, &order);
    kept.wait(&stand.engine, "it is over", LIMIT, |view| view.state == "completed");
    let gone = other.create(&stand.engine, &order);
    let erased = operator
        .post(&format!("/v1/tenants/{}/texts/erase", other.id), &json!({}))
        .expect(200);
    assert_eq!(erased["erased"], true);
    let theirs = other.http(&stand.engine);
    for id in [&kept.id, &gone.id] {
        let shown = theirs.get(&format!("/v1/campaigns/{id}")).expect(200);
        assert_eq!(
            (&shown["text"], &shown["audience"]["accepted"]),
            (&Value::Null, &json!(1))
        );
    }
    for action in ["launch", "estimate", "duplicate"] {
        let refused = theirs
            .post(&format!("/v1/campaigns/{}/{action}", gone.id), &json!({}))
            .expect(409);
        assert_eq!(refused["code"], "texts_erased", "{action}");
    }
    // What it writes from then on has another key, and the other tenant's is as it was.
    let again = other.order(&stand.engine, &order);
    again.wait(&stand.engine, "it is over", LIMIT, |view| view.state == "completed");
    for id in [&campaign, &draft.id] {
        let shown = http.get(&format!("/v1/campaigns/{id}")).expect(200);
        assert!(shown["text"].is_string(), "{shown}");
    }
}

#[test]
fn a_key_file_that_is_gone_or_another_is_named_and_nothing_starts() {
    let mut stand = Stand::new(programs!(), "encryption-key-file", "", |smsc| smsc);
    say_it_all(&stand);
    let settings = settings(Some(stand.redis.url()), stand.sim.smpp_address());
    let folder = stand.lab().directory().to_owned();
    let file = files(&folder)
        .into_iter()
        .find(|path| path.ends_with("campanile.key"))
        .expect("a key file");
    let kept = std::fs::read_to_string(&file).expect("a key");
    stand.engine.shut_down();
    std::fs::remove_file(&file).expect("removed");
    let (status, said) = stand.lab().refused_engine(&settings);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(
        said.contains("encryption.key_file") && said.contains("is not there"),
        "{said}"
    );
    assert!(!file.exists(), "and none is made in its place");
    let another = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    std::fs::write(&file, another).expect("written");
    let (_, said) = stand.lab().refused_engine(&settings);
    assert!(said.contains("with another key"), "{said}");
    // Rotated: the new one first, and the old one behind it.
    std::fs::write(&file, format!("{another}{kept}")).expect("written");
    stand.engine.restart();
    stand.engine.shut_down();
    std::fs::write(&file, another).expect("written");
    stand.engine.restart();
    let http = stand.tenant.http(&stand.engine);
    assert!(inbound(&http)[0]["text"].as_str().expect("a text").starts_with(CANARY));
}

#[test]
fn a_receipt_that_is_parked_quotes_nothing_where_it_is_kept() {
    // Receipts name ids that no answer gave.
    let scenario =
        "[answer]\nmessage_id = { answer = \"decimal\", receipt = { base = \"decimal\", plus = \"1000\" } }\n";
    let stand = Stand::new(programs!(), "encryption-parked", scenario, |smsc| smsc);
    let order = CampaignOrder::to_first(3).with("text", json!(format!("{CANARY} du matin")));
    stand.tenant.order(&stand.engine, &order);
    eventually("receipts are parked", LIMIT, || {
        let parked = stand.engine.admin().get("/v1/receipts/parked").expect(200);
        (parked["data"].as_array().expect("a list").len() == 3).then_some(())
    });
    assert_eq!(with_words(stand.lab().directory(), CANARY), Vec::<PathBuf>::new());
}
