//! Short links of each recipient's own: sent, followed over HTTP under the tenant's domain, expired, and nobody else's.

mod own;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use campanile_tests::scenarios::Dice;
use campanile_tests::{
    Campaign, CampaignOrder, EngineSettings, Http, Lab, Receiver, SmscSettings, Stand, eventually, programs,
};
use lab::PostgresServer;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const DOMAIN: &str = "l.cabinet.example";
const PAGE: &str = "https://portail.cabinet.example/resultats?de=sms";
/// What a text has before its link, and of what it is made.
const BEFORE: &str = "Vos documents : https://";
const TEXT: &str = "Vos documents : https://[Lien]";
const TOKEN: usize = 14;
const BROWSER: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36";

/// An answer, with its head in small letters.
struct Seen {
    status: u16,
    head: String,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&start))
    }
}

fn settings(stand_redis: &str, smpp: &str) -> EngineSettings {
    let mut settings = EngineSettings::new(Some(stand_redis.to_owned()), vec![SmscSettings::new("north", smpp)]);
    settings
        .tables
        .push("[links]\nlisten = \"127.0.0.1:0\"\npreview_within = \"0s\"".to_owned());
    settings
        .tables
        .push("[webhooks]\nallow = [\"127.0.0.1/32\"]".to_owned());
    settings
}

fn stand_at(name: &str, at: Option<&str>) -> Stand {
    let lab = Lab::new(programs!(), name);
    if let Some(at) = at {
        lab.live_at(at);
    }
    let stand = Stand::under(lab, "", |redis, sim| settings(&redis.url(), sim.smpp_address()));
    agree(&stand, &json!({ "short_domain": DOMAIN }));
    stand
}

/// The same on a PostgreSQL, which the caller keeps for as long as the stand, or without.
fn stand_in(name: &str, in_postgres: bool) -> (Option<PostgresServer>, Stand) {
    let lab = Lab::new(programs!(), name);
    let postgres = in_postgres.then(|| lab.postgres());
    let stand = Stand::under(lab, "", |redis, sim| {
        let mut settings = settings(&redis.url(), sim.smpp_address());
        let table = postgres
            .iter()
            .map(|postgres| format!("[database]\nurl = \"{}\"", postgres.url()));
        settings.tables.extend(table);
        settings
    });
    agree(&stand, &json!({ "short_domain": DOMAIN }));
    (postgres, stand)
}

fn agree(stand: &Stand, terms: &Value) -> Value {
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    stand.engine.operator().patch(&path, terms).expect(200)
}

/// What a browser or somebody who tries is answered.
fn ask(stand: &Stand, method: &str, place: (&str, &str)) -> Seen {
    ask_as(stand, (method, BROWSER), place)
}

fn ask_as(stand: &Stand, (method, agent): (&str, &str), (host, path): (&str, &str)) -> Seen {
    let mut stream = TcpStream::connect(stand.engine.links()).expect("the listener of links");
    stream.set_read_timeout(Some(LIMIT)).expect("a socket with a timer");
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request that is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer that is text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Seen {
        status: status.expect("a status"),
        head: head
            .lines()
            .map(|line| {
                line.split_once(": ").map_or_else(
                    || line.to_owned(),
                    |(name, value)| format!("{}: {value}", name.to_lowercase()),
                )
            })
            .collect::<Vec<_>>()
            .join("\n"),
        body: body.to_owned(),
    }
}

fn follow(stand: &Stand, link: &str) -> Seen {
    let (host, token) = link.split_once('/').expect("a domain and a token");
    ask(stand, "GET", (host, &format!("/{token}")))
}

/// The links that were sent, by the simulator.
fn sent(stand: &Stand) -> Vec<String> {
    let rows = stand.sim.ledger().into_iter();
    let link = |text: String| text.strip_prefix(BEFORE).expect("a text with a link").to_owned();
    rows.map(|row| link(row.text.unwrap_or_default())).collect()
}

fn order(people: usize) -> CampaignOrder {
    CampaignOrder::to_first(people)
        .with("text", json!(TEXT))
        .with("link", json!(PAGE))
}

fn launched(stand: &Stand, order: &CampaignOrder, people: u64) -> Campaign {
    let campaign = stand.tenant.create(&stand.engine, order);
    campaign.ask(&stand.engine, "launch").expect(202);
    campaign.wait(&stand.engine, "each has a link", LIMIT, |view| {
        view.status("delivered") == people
    });
    campaign
}

#[test]
fn req_004_25_each_recipient_has_a_link_of_their_own_under_the_clinics_domain() {
    const PEOPLE: usize = 200;
    let stand = stand_at("short-links", None);
    let http = stand.tenant.http(&stand.engine);
    let campaign = launched(&stand, &order(PEOPLE), PEOPLE as u64);
    let links = sent(&stand);
    let different: BTreeSet<&String> = links.iter().collect();
    assert_eq!((links.len(), different.len()), (PEOPLE, PEOPLE));
    for link in &links {
        let token = link.strip_prefix(&format!("{DOMAIN}/")).expect("the tenant's domain");
        assert!(token.len() == TOKEN && token.chars().all(|letter| letter.is_ascii_alphanumeric()));
    }
    let shown = http.get(&format!("/v1/campaigns/{}", campaign.id)).expect(200);
    assert_eq!(
        shown["link"],
        json!({ "url": PAGE, "domain": DOMAIN, "expires_at": null }),
        "{shown}"
    );
    assert_eq!(shown["estimate"]["segments"], json!(PEOPLE));
    // One redirect, which no browser keeps, and which tells the page nothing.
    for link in &links[..5] {
        let seen = follow(&stand, link);
        assert_eq!((seen.status, seen.header("location")), (302, Some(PAGE)));
        assert_eq!(seen.header("cache-control"), Some("no-store"));
        assert_eq!(seen.header("referrer-policy"), Some("no-referrer"));
        assert!(seen.header("set-cookie").is_none() && seen.body.is_empty());
    }
    let path = format!("/{}", &links[0][DOMAIN.len() + 1..]);
    let head = ask(&stand, "HEAD", (&format!("{}:443", DOMAIN.to_uppercase()), &path));
    assert_eq!((head.status, head.header("location")), (302, Some(PAGE)));
    assert_eq!(ask(&stand, "POST", (DOMAIN, &path)).status, 405);
    // Nobody's: under another domain, altered, or no token at all.
    let altered = match path.strip_suffix('0') {
        Some(start) => format!("{start}1"),
        None => format!("{}0", &path[..path.len() - 1]),
    };
    for (host, path) in [
        ("l.autre.example", path.as_str()),
        (DOMAIN, &altered),
        (DOMAIN, "/00000000000000"),
        (DOMAIN, "/favicon.ico"),
        (DOMAIN, "/"),
        (DOMAIN, "/a/b"),
        (DOMAIN, "/%C3%A9"),
    ] {
        let seen = ask(&stand, "GET", (host, path));
        assert_eq!(seen.status, 404, "{host} {path}");
        assert!(seen.body.contains("Ce lien n'existe pas") && seen.header("location").is_none());
    }
}

#[test]
fn req_004_03_a_link_leads_there_without_redis_and_after_a_restart_until_it_expires() {
    let mut stand = stand_at("short-links-time", Some("2026-12-01T08:00:00Z"));
    stand.redis.sync_always();
    let order = order(3).with("link_expires_at", json!("2026-12-24T12:00:00Z"));
    launched(&stand, &order, 3);
    let late = stand.tenant.create(&stand.engine, &order);
    let links = sent(&stand);
    stand.engine.restart();
    assert_eq!(follow(&stand, &links[0]).header("location"), Some(PAGE));
    stand.redis.kill();
    assert_eq!(
        follow(&stand, &links[1]).header("location"),
        Some(PAGE),
        "without Redis"
    );
    stand.lab().live_at("2026-12-24T12:00:01Z");
    stand.redis.restart();
    stand.engine.restart();
    let seen = follow(&stand, &links[2]);
    assert_eq!((seen.status, seen.header("location")), (410, None));
    assert!(seen.body.contains("Ce lien n'est plus valable"), "{}", seen.body);
    assert!(seen.body.contains("no longer valid") && seen.header("set-cookie").is_none());
    late.ask(&stand.engine, "launch")
        .expect_field_problem(&[422], "/link_expires_at");
}

#[track_caller]
fn refused(http: &Http, order: &CampaignOrder, pointer: &str) -> String {
    let problem = http.post("/v1/campaigns", &order.body).expect_problem(&[422]);
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], pointer, "{problem}");
    error["code"].as_str().expect("a code").to_owned()
}

#[test]
fn req_004_25_a_link_leads_to_a_page_with_tls_where_the_tenants_may_and_counts_at_its_length() {
    let stand = stand_at("short-links-refused", None);
    let http = stand.tenant.http(&stand.engine);
    let to = |url: &str| order(1).with("link", json!(url));
    for (url, code) in [
        ("http://cabinet.example", "insecure_url"),
        ("cabinet.example", "invalid_url"),
        ("https://bit.ly/resultats", "public_shortener"),
        (&format!("https://{DOMAIN}/x"), "own_short_domain"),
    ] {
        assert_eq!(refused(&http, &to(url), "/link"), code, "{url}");
    }
    agree(&stand, &json!({ "link_domains": ["cabinet.example"] }));
    assert_eq!(
        refused(&http, &to("https://ailleurs.example"), "/link"),
        "link_not_allowed"
    );
    let plain = order(1).with("text", json!("Sans lien"));
    assert_eq!(refused(&http, &plain, "/text"), "missing_beside");
    let without = order(1)
        .without("link")
        .with("link_expires_at", json!("2999-01-01T00:00:00Z"));
    assert_eq!(refused(&http, &without, "/link_expires_at"), "missing_beside");
    // 160 characters with its link, which is no link elsewhere; one more is two segments, in the analysis as in the price.
    let length = BEFORE.len() + DOMAIN.len() + 1 + TOKEN;
    for (filling, segments) in [(160 - length, 1), (161 - length, 2)] {
        let text = format!("{}{TEXT}", "a".repeat(filling));
        let made = http
            .post("/v1/campaigns", &order(1).with("text", json!(text)).body)
            .expect(201);
        assert_eq!(made["estimate"]["segments"], json!(segments), "{made}");
        let analysed = http
            .post("/v1/text/analyze", &json!({ "text": text, "purpose": "transactional" }))
            .expect(200);
        assert_eq!(
            (&analysed["segments"], &analysed["fields_without_value"]),
            (&json!(segments), &json!([])),
            "{analysed}"
        );
    }
    // A column of that name is a column where the campaign has no link.
    let audience = json!({ "recipients": [{ "to": "+33612345601", "Lien": "https://cabinet.example/a" }] });
    let column = CampaignOrder::to_audience(&audience).with("text", json!("Voir [Lien]"));
    http.post("/v1/campaigns", &column.body).expect(201);
    agree(&stand, &json!({ "short_domain": null }));
    assert_eq!(refused(&http, &order(1), "/link"), "no_short_domain");
}

#[test]
fn req_004_19_contacts_who_are_meant_have_links_and_a_copy_has_its_own() {
    let stand = stand_at("short-links-people", None);
    let http = stand.tenant.http(&stand.engine);
    let contacts: Vec<Value> = campanile_tests::tenant::recipients(3)
        .map(|number| json!({ "reference": number, "number": number }))
        .collect();
    http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    let everybody = CampaignOrder::to_audience(&json!({ "filter": {} }))
        .with("text", json!(TEXT))
        .with("link", json!(PAGE));
    let first = launched(&stand, &everybody, 3);
    let copy = http
        .post(&format!("/v1/campaigns/{}/duplicate", first.id), &json!({}))
        .expect(201);
    let copy = stand.tenant.campaign(copy["id"].as_str().expect("an id"));
    copy.ask(&stand.engine, "launch").expect(202);
    copy.wait(&stand.engine, "each has another", LIMIT, |view| {
        view.status("delivered") == 3
    });
    let links: BTreeSet<String> = sent(&stand).into_iter().collect();
    assert_eq!(links.len(), 6);
    for link in &links {
        assert_eq!(follow(&stand, link).header("location"), Some(PAGE));
    }
}

fn report(http: &Http, campaign: &Campaign) -> Value {
    http.get(&format!("/v1/campaigns/{}/report", campaign.id)).expect(200)["clicks"].clone()
}

#[test]
fn req_004_01_a_report_says_who_followed_their_link_and_programs_do_not_count() {
    let mut stand = stand_at("short-links-clicks", None);
    let http = stand.tenant.http(&stand.engine);
    let campaign = launched(&stand, &order(5), 5);
    let rows: Vec<(String, String)> = stand
        .sim
        .ledger()
        .into_iter()
        .map(|row| {
            let link = row.text.expect("a text").trim_start_matches(BEFORE).to_owned();
            (row.recipient, link)
        })
        .collect();
    let path = |at: usize| rows[at].1[DOMAIN.len()..].to_owned();
    let nobody = json!({ "clicks": 0, "people": 0, "rate": 0.0, "credits_each": null, "previews": 0 });
    assert_eq!(report(&http, &campaign), nobody);
    // Two people, one of them twice; a card, and whoever wants a head only.
    for at in [0, 0, 1] {
        assert_eq!(follow(&stand, &rows[at].1).status, 302);
    }
    let card = ask_as(&stand, ("GET", "WhatsApp/2.23.20.0"), (DOMAIN, &path(2)));
    assert_eq!((card.status, card.header("location")), (302, Some(PAGE)));
    assert_eq!(ask(&stand, "HEAD", (DOMAIN, &path(0))).status, 302);
    let wanted = json!({ "clicks": 3, "people": 2, "rate": 40.0, "credits_each": 2.5, "previews": 2 });
    eventually("all are written down", LIMIT, || {
        (report(&http, &campaign) == wanted).then_some(())
    });
    statistics_agree(&stand, &campaign, &wanted);
    // The end of an engine writes down what waits.
    assert_eq!(follow(&stand, &rows[3].1).status, 302);
    assert!(stand.engine.shut_down().success());
    stand.engine.restart();
    let http = stand.tenant.http(&stand.engine);
    let wanted = json!({ "clicks": 4, "people": 3, "rate": 60.0, "credits_each": 1.67, "previews": 2 });
    assert_eq!(report(&http, &campaign), wanted);
    // It is what is kept of a person, and goes when they are forgotten.
    let person = json!({ "number": format!("+{}", rows[0].0.trim_start_matches('+')) });
    let clicks = eventually("history knows whose they are", LIMIT, || {
        let data = http.post("/v1/people/data", &person).expect(200);
        data["clicks"].as_array().cloned().filter(|clicks| clicks.len() == 1)
    });
    assert_eq!(
        (&clicks[0]["clicks"], &clicks[0]["previews"]),
        (&json!(2), &json!(1)),
        "{clicks:?}"
    );
    assert!(clicks[0]["first_at"].as_str() <= clicks[0]["last_at"].as_str());
    http.post("/v1/people/erase", &person).expect(200);
    let left = report(&http, &campaign);
    assert_eq!((&left["people"], &left["clicks"]), (&json!(2), &json!(2)), "{left}");
    let plain = plain_draft(&stand);
    assert_eq!(report(&http, &plain), Value::Null);
}

/// Figures by whatever messages have in common have the clicks of the report, an operator's as well.
fn statistics_agree(stand: &Stand, campaign: &Campaign, report: &Value) {
    let http = stand.tenant.http(&stand.engine);
    let of = |figures: &Value| json!({ "clicks": figures["clicks"], "people": figures["clicked"], "rate": figures["clicked_percent"], "previews": figures["previews"] });
    let wanted = json!({ "clicks": report["clicks"], "people": report["people"], "rate": report["rate"], "previews": report["previews"] });
    let path = "/v1/statistics?by=campaign";
    let own = eventually("history has the messages", LIMIT, || {
        let own = http.get(path).expect(200);
        (own["total"]["messages"] == 5 && of(&own["total"]) == wanted).then_some(own)
    });
    assert_eq!(own["data"][0]["group"]["campaign"], json!(campaign.id));
    assert_eq!(of(&own["data"][0]), wanted);
    for by in ["day", "category,smsc", "tenant,status"] {
        let all = stand
            .engine
            .admin()
            .with_key(stand.engine.operator_key())
            .get(&format!("/v1/statistics?by={by}"))
            .expect(200);
        assert_eq!(of(&all["total"]), wanted, "{by}");
    }
    let table = http.in_language("fr").get("/v1/statistics?by=smsc&format=csv");
    let lines: Vec<&str> = table.text.lines().collect();
    assert!(lines[0].ends_with("clics;cliqués;cliqués %;aperçus"), "{}", lines[0]);
    assert!(lines[1].ends_with("3;2;40,0;2"), "{}", lines[1]);
}

fn plain_draft(stand: &Stand) -> Campaign {
    let order = CampaignOrder::to_first(1).with("text", json!("Sans lien"));
    stand.tenant.create(&stand.engine, &order)
}

/// Whatever dies meanwhile, the first click of each is in one delivery, and nobody else's is in any.
fn first_clicks_are_told(seed: u64, in_postgres: bool) {
    const PEOPLE: usize = 60;
    let (_postgres, mut stand) = stand_in(&format!("short-links-told-{seed}"), in_postgres);
    let receiver = Receiver::start();
    let endpoint = json!({ "url": receiver.url(), "events": ["link.*"] });
    let http = stand.tenant.http(&stand.engine);
    http.post("/v1/webhooks", &endpoint).expect(201);
    let campaign = launched(&stand, &order(PEOPLE), PEOPLE as u64);
    let rows: Vec<(String, String)> = stand
        .sim
        .ledger()
        .into_iter()
        .map(|row| (row.recipient, row.text.expect("a text")))
        .collect();
    let link = |at: usize| rows[at].1.trim_start_matches(BEFORE).to_owned();
    let mut dice = Dice::new(seed);
    let clicked = PEOPLE - 5;
    for at in 0..clicked {
        assert_eq!(follow(&stand, &link(at)).status, 302);
        if at % 20 == 19 {
            let told = dice.roll(0..=15) as usize;
            let these: Vec<String> = (at - 19..=at).map(|at| format!("+{}", rows[at].0)).collect();
            eventually("some are told", LIMIT, || {
                let known = told_by(&receiver);
                let known = these.iter().filter(|to| known.contains_key(*to));
                (known.count() >= told).then_some(())
            });
            stand.engine.kill();
            stand.engine.restart();
        }
    }
    // What was followed in the second before an end is followed again, by everybody.
    for _ in 0..2 {
        for at in 0..clicked {
            assert_eq!(follow(&stand, &link(at)).status, 302);
        }
    }
    let card = ask_as(
        &stand,
        ("GET", "WhatsApp/2.23.20.0"),
        (DOMAIN, &link(PEOPLE - 1)[DOMAIN.len()..]),
    );
    assert_eq!(card.status, 302);
    let expected: BTreeSet<String> = (0..clicked).map(|at| format!("+{}", rows[at].0)).collect();
    let told = eventually("the first click of each is told", LIMIT, || {
        let told = told_by(&receiver);
        (told.len() >= clicked).then_some(told)
    });
    assert!(stand.engine.shut_down().success());
    assert_eq!(told_by(&receiver), told, "seed {seed}: nothing is told later");
    assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), expected, "seed {seed}");
    for (to, (deliveries, data)) in told {
        assert_eq!(deliveries.len(), 1, "seed {seed}: {to} is in {deliveries:?}");
        assert_eq!(data["campaign"], json!(campaign.id), "{data}");
        assert!(data["id"].as_str().is_some_and(|id| id.starts_with("msg_")), "{data}");
    }
}

/// Whose clicks were told: in which deliveries, and what of them.
fn told_by(receiver: &Receiver) -> BTreeMap<String, (BTreeSet<String>, Value)> {
    let mut told: BTreeMap<String, (BTreeSet<String>, Value)> = BTreeMap::new();
    for posted in receiver.taken() {
        for event in posted.events() {
            assert_eq!(event["type"], "link.clicked", "{event}");
            let to = event["data"]["to"].as_str().expect("a number").to_owned();
            let known = told
                .entry(to)
                .or_insert_with(|| (BTreeSet::new(), event["data"].clone()));
            known.0.insert(posted.header("webhook-id").to_owned());
        }
    }
    told
}

#[test]
fn req_004_01_the_first_click_of_each_is_told_once_whatever_dies() {
    for (seed, in_postgres) in [(1, false), (2, false), (3, true)] {
        first_clicks_are_told(seed, in_postgres);
    }
}

/// The status of a link that somebody asks for, by the word of the proxy.
fn asked_from(stand: &Stand, address: &str, path: &str) -> (u16, Option<String>) {
    let host = format!("{DOMAIN}\r\nX-Forwarded-For: {address}");
    let seen = ask(stand, "GET", (&host, path));
    (seen.status, seen.header("retry-after").map(str::to_owned))
}

#[test]
fn req_004_25_who_guesses_links_waits_and_nobody_else_does() {
    let lab = Lab::new(programs!(), "short-links-guessed");
    let stand = Stand::under(lab, "", |redis, sim| {
        let mut settings = settings(&redis.url(), sim.smpp_address());
        settings.api_lines.push("trusted_proxies = [\"127.0.0.1\"]".to_owned());
        settings
    });
    agree(&stand, &json!({ "short_domain": DOMAIN }));
    launched(&stand, &order(2), 2);
    let paths: Vec<String> = sent(&stand)
        .iter()
        .map(|link| link[DOMAIN.len()..].to_owned())
        .collect();
    assert_eq!(asked_from(&stand, "192.0.2.1", &paths[0]).0, 302);
    // What browsers ask for beside it, and the same mistake again and again, are no guesses.
    for path in ["/favicon.ico", "/robots.txt", "/00000000000000"] {
        for _ in 0..20 {
            assert_eq!(asked_from(&stand, "192.0.2.1", path).0, 404, "{path}");
        }
    }
    for guess in 1..30 {
        assert_eq!(
            asked_from(&stand, "192.0.2.1", &format!("/000000000000{guess:02}")).0,
            404
        );
    }
    let (status, retry_after) = asked_from(&stand, "192.0.2.1", "/0000000000000z");
    assert_eq!(status, 429);
    let seconds: u64 = retry_after.expect("when to try again").parse().expect("seconds");
    assert!((1..=61).contains(&seconds), "{seconds}");
    assert_eq!(
        asked_from(&stand, "192.0.2.1", &paths[1]).0,
        429,
        "as any other that was not asked for lately"
    );
    assert_eq!(
        asked_from(&stand, "192.0.2.1", &paths[0]).0,
        302,
        "it was right from there"
    );
    assert_eq!(asked_from(&stand, "192.0.2.2", &paths[1]).0, 302, "another address");
    assert_eq!(
        ask(&stand, "GET", (DOMAIN, "/0000000000000z")).status,
        404,
        "the proxy itself"
    );
}

#[test]
fn req_004_25_a_domain_is_of_one_resellers_tenants() {
    let stand = stand_at("short-links-domains", None);
    let operator = stand.engine.operator();
    let reseller = |name: &str| {
        let made = operator.post("/v1/resellers", &json!({ "name": name })).expect(201);
        made["id"].as_str().expect("an id").to_owned()
    };
    let tenant = |reseller: Option<&str>, domain: Option<&str>| {
        let mut order = json!({ "name": "Cabinet" });
        order["reseller"] = json!(reseller);
        order["short_domain"] = json!(domain);
        order
            .as_object_mut()
            .expect("an object")
            .retain(|_, value| !value.is_null());
        operator.post("/v1/tenants", &order)
    };
    let path = |made: &Value| format!("/v1/tenants/{}", made["id"].as_str().expect("an id"));
    let (one, other) = (reseller("Un"), reseller("Autre"));
    let own = "l.un.example";
    let first = tenant(Some(&one), Some(own)).expect(201);
    // Its reseller has others under it, and says the same again.
    let second = tenant(Some(&one), Some(own)).expect(201);
    operator
        .patch(&path(&first), &json!({ "short_domain": own }))
        .expect(200);
    // Another's cannot have it, nor can those that nobody hosts; these have theirs together.
    assert_eq!(
        tenant(Some(&other), Some(own)).expect_problem(&[409])["code"],
        "short_domain_taken"
    );
    let strange = tenant(Some(&other), None).expect(201);
    for (made, domain) in [(&strange, own), (&strange, DOMAIN), (&first, DOMAIN)] {
        let before = operator.get(&path(made)).expect(200);
        let all = json!({ "weight": 7, "short_domain": domain, "brand": "Autre", "countries": ["RE"], "cancel_answers": true });
        let refused = operator.patch(&path(made), &all);
        assert_eq!(refused.expect_problem(&[409])["code"], "short_domain_taken");
        assert_eq!(operator.get(&path(made)).expect(200), before, "all of it or nothing");
    }
    tenant(None, Some(DOMAIN)).expect(201);
    // When the last has given it back it is free.
    for made in [&first, &second] {
        assert!(
            operator
                .patch(&path(&strange), &json!({ "short_domain": own }))
                .expect_problem(&[409])["code"]
                == "short_domain_taken"
        );
        operator
            .patch(&path(made), &json!({ "short_domain": null }))
            .expect(200);
    }
    operator
        .patch(&path(&strange), &json!({ "short_domain": own }))
        .expect(200);
}

#[test]
fn req_004_01_who_follows_a_link_within_two_seconds_is_a_program_whatever_it_calls_itself() {
    let mut stand = stand_at("short-links-early", None);
    let mut settings = settings(&stand.redis.url(), stand.sim.smpp_address());
    settings.tables.retain(|table| !table.starts_with("[links]"));
    settings.tables.push("[links]\nlisten = \"127.0.0.1:0\"".to_owned());
    assert!(stand.engine.shut_down().success());
    stand.engine.restart_with(&settings);
    let campaign = launched(&stand, &order(1), 1);
    let link = sent(&stand).pop().expect("a link");
    assert_eq!(follow(&stand, &link).status, 302);
    let http = stand.tenant.http(&stand.engine);
    let clicks = || http.get(&format!("/v1/campaigns/{}/report", campaign.id)).expect(200)["clicks"].clone();
    let seen = eventually("it is counted as what it is", LIMIT, || {
        let clicks = clicks();
        (clicks["previews"] == 1).then_some(clicks)
    });
    assert_eq!((&seen["clicks"], &seen["people"]), (&json!(0), &json!(0)), "{seen}");
    // The same browser a moment later is somebody.
    eventually("a person has followed it", LIMIT, || {
        follow(&stand, &link);
        (clicks()["people"] == 1).then_some(())
    });
}
