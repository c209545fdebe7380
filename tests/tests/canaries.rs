//! A thousand numbers, texts, codes and tokens of links, and every kind of secret, go through everything that the engine does; none of them
//! is in anything that it tells of itself.

use std::collections::{BTreeSet, HashSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use campanile_tests::peers::{self, PeerServer, Recipe};
use campanile_tests::{
    CampaignOrder, EngineSettings, Lab, RedisServer, Sim, SmscSettings, Stand, eventually, programs, text,
};
use lab::PostgresServer;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(90);

/// Canaries of each kind.
const CANARIES: usize = 1_000;

/// Texts and variables begin with it, and nothing else has it.
const WORD: &str = "Kanari";

const PASSWORD: &str = "pw-Zx81q";
const REDIS_PASSWORD: &str = "rd-Qw72z/é?";
const DATABASE_PASSWORD: &str = "db-Yt63x@:";
const MASTER_KEY: &str = "288+nh0irFScNvjmAJMBa7zvMjdeJ1vLuZr/u67utF0=";
const WRONG_KEYS: [&str; 2] = [
    "sk_live_0000wrongkanarikey0000wrong0000",
    "sk_test_0000wrongkanarikey0000wrong0000",
];
const NUMBER: &str = "36034";
const DOMAIN: &str = "l.cabinet.example";
const ORIGIN: &str = "https://cabinet.example";

/// How long the token of a short link is.
const TOKEN_OCTETS: usize = 14;

/// How long a number is, whichever way it is written.
const NUMBER_OCTETS: [usize; 3] = [9, 10, 11];

/// Short links that are followed.
const FOLLOWED: usize = 50;

/// Commands that show something.
const COMMANDS: [&[&str]; 12] = [
    &["check", "--config", "campanile.toml"],
    &["check", "--config", "campanile.toml", "--connect", "--json"],
    &["doctor", "--config", "campanile.toml"],
    &["status"],
    &["status", "--json"],
    &["queue"],
    &["smsc", "list", "--json"],
    &["receipts", "parked"],
    &["log-filter"],
    &["metrics"],
    &["rules", "packs"],
    &["completions", "bash"],
];

/// In the environment of every command: its name, and a value that is wrong, or a secret.
const ENVIRONMENT: [(&str, &str); 4] = [
    (
        "CAMPANILE__SMSC__0__PASSWORD",
        "Kanari-too-long-for-any-account-whatever-it-is-told-to-anybody-else",
    ),
    ("CAMPANILE__REDIS__URL", "gopher://:Kanari-redis@127.0.0.1"),
    ("CAMPANILE__DATABASE__URL", "mysql://u:Kanari-database@127.0.0.1/d"),
    ("CAMPANILE__TRACES__ENDPOINT", "http://u:Kanari-traces@127.0.0.1:4318"),
];

/// What must be nowhere.
struct Canaries {
    /// As they are dialled at home and from abroad, and as keys have them; the digits alone may be part of any id.
    numbers: HashSet<String>,
    words: Vec<String>,
    /// Of short links: any of their letters may be small or not.
    tokens: BTreeSet<String>,
}

impl Canaries {
    fn number(index: usize) -> String {
        format!("61{:07}", (index * 48_271 + 8_345_671) % 10_000_000)
    }

    fn written(index: usize) -> [String; 3] {
        let number = Self::number(index);
        let whole: u64 = format!("33{number}").parse().expect("digits");
        let forms = [format!("0{number}"), format!("{whole}"), format!("{whole:x}")];
        assert!(
            forms.iter().all(|form| NUMBER_OCTETS.contains(&form.len())),
            "{forms:?}"
        );
        forms
    }

    fn text(index: usize) -> String {
        format!("{WORD}{index:04}")
    }

    fn audience() -> Value {
        let row = |index| json!({ "to": format!("+33{}", Self::number(index)), "Nom": Self::text(index) });
        json!({ "recipients": (0..CANARIES).map(row).collect::<Vec<_>>() })
    }

    fn of(stand: &Stand) -> Self {
        let configured = [PASSWORD, REDIS_PASSWORD, DATABASE_PASSWORD, MASTER_KEY];
        let keys = [stand.tenant.key.as_str(), stand.engine.operator_key()];
        let secrets = configured.iter().chain(&WRONG_KEYS).chain(&keys);
        let mut canaries = Self {
            numbers: (0..CANARIES).flat_map(Self::written).collect(),
            words: vec![WORD.to_lowercase()],
            tokens: BTreeSet::new(),
        };
        secrets.for_each(|secret| canaries.add(secret));
        canaries
    }

    /// A secret, which must be nowhere from now on; quoted as in a URL neither.
    fn add(&mut self, secret: &str) {
        assert!(secret.len() >= 8, "{secret:?} may be part of anything");
        self.words.push(secret.to_lowercase());
        self.words.push(quoted(secret));
    }

    /// Panics with the line around the first canary.
    fn are_not_in(&self, place: &str, text: &str) {
        assert!(!text.is_empty(), "{place} says nothing");
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        let mut words = words.filter(|word| word.len() >= TOKEN_OCTETS);
        if let Some(token) = words.find(|word| self.tokens.contains(*word)) {
            panic!("{place} has the token of a link: {token}");
        }
        let lower = text.to_lowercase();
        let known = self.words.iter().find(|word| lower.contains(*word)).map(String::as_str);
        if let Some(canary) = known.or_else(|| self.number_in(&lower)) {
            let line = lower.lines().find(|line| line.contains(canary));
            panic!("{place} has {canary}: {}", line.unwrap_or_default());
        }
    }

    /// The first number in a text, in one go through it.
    fn number_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut digits = 0;
        text.bytes().enumerate().find_map(|(at, octet)| {
            digits = if octet.is_ascii_hexdigit() { digits + 1 } else { 0 };
            let ends_here = |length: &usize| text.get((at + 1).checked_sub(*length)?..=at);
            let ending = NUMBER_OCTETS
                .iter()
                .filter(|length| **length <= digits)
                .filter_map(ends_here);
            ending.into_iter().find(|form| self.numbers.contains(*form))
        })
    }
}

/// As in a URL, in small letters.
fn quoted(secret: &str) -> String {
    let octet = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(octet).to_string(),
        other => format!("%{other:02x}"),
    };
    secret.bytes().map(octet).collect::<String>().to_lowercase()
}

/// What is answered to this request, whole.
fn ask(address: &str, request: &str, key: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(address).expect("the engine listens");
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         authorization: Bearer {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(text.as_bytes()).expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Everything that goes wrong: answered without what was wrong in it, but for the path that was asked for.
fn mistakes(stand: &Stand, canaries: &Canaries) {
    let (public, admin) = (stand.engine.public(), stand.engine.admin());
    let (tenant, operator) = (&stand.tenant.key, stand.engine.operator_key());
    let (number, text) = (Canaries::number(1), Canaries::text(1));
    let requests = [
        (
            &public,
            "POST /v1/campaigns",
            tenant.as_str(),
            json!({ "name": text, "text": [text], "sender": text }),
        ),
        (
            &public,
            "POST /v1/campaigns",
            tenant,
            json!({ "name": text, "purpose": text, "audience": { "recipients": [{ "to": format!("{number}x{text}") }] } }),
        ),
        (
            &public,
            "POST /v1/messages",
            tenant,
            json!({ "to": format!("+99{number}"), "text": text, "sender": "C", "purpose": text }),
        ),
        (
            &public,
            "POST /v1/messages",
            tenant,
            json!({ "to": number, "text": [text], "validity": text, "tlvs": [{ "tag": 9, "value": text }] }),
        ),
        (
            &public,
            "POST /v1/messages",
            WRONG_KEYS[0],
            json!({ "to": number, "text": text }),
        ),
        (&public, "GET /v1/tenant", WRONG_KEYS[1], Value::Null),
        (&public, "GET /v1/ledger", operator, Value::Null),
        (&public, "POST /v1/tenants", tenant, json!({ "name": text })),
        (
            &public,
            "POST /v1/tenants",
            operator,
            json!({ "name": [text], "countries": [text], "encoding": text }),
        ),
        (&admin, "PUT /v1/log-filter", "", json!({ "filter": [text] })),
        (
            &admin,
            "POST /v1/suppressions",
            "",
            json!({ "to": [format!("+99{number}"), text], "tenant": text, "purpose": text }),
        ),
        (&admin, "POST /v1/smscs/north/rate", "", json!({ "rate": text })),
        (&admin, "GET /v1/tenants", WRONG_KEYS[0], Value::Null),
    ];
    for (listener, request, key, body) in requests {
        let answer = ask(listener.address(), request, key, &body.to_string());
        assert!(answer.starts_with("HTTP/1.1 4"), "{request}: {answer}");
        canaries.are_not_in(request, &answer);
    }
}

/// What is wrong in the path: it comes back in the problem's `instance`, and is the caller's own.
fn wrong_paths(stand: &Stand) {
    let (public, admin) = (stand.engine.public(), stand.engine.admin());
    let (tenant, operator) = (&stand.tenant.key, stand.engine.operator_key());
    let (number, text) = (Canaries::number(1), Canaries::text(1));
    for request in [
        format!("GET /v1/campaigns/+33{number}"),
        format!("GET /v1/messages/{text}"),
        format!("POST /v1/campaigns/{text}/launch"),
        format!("GET /{text}?to=+33{number}"),
        format!("POST /v1/consent_forms/{text}/consents"),
    ] {
        let answer = ask(public.address(), &request, tenant, "");
        assert!(answer.starts_with("HTTP/1.1 4"), "{request}: {answer}");
        ask(admin.address(), &request, operator, "");
    }
    ask(admin.address(), &format!("POST /v1/smscs/{text}/suspend"), "", "");
    ask(
        admin.address(),
        &format!("GET /v1/messages?to=%2B33{number}"),
        operator,
        "",
    );
}

/// What `campanile` says with these arguments; `environment`: besides what tells it whom to ask, and how.
fn said(stand: &Stand, arguments: &[String], environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
    command
        .args(arguments)
        .current_dir(stand.lab().directory())
        .env("CAMPANILE_OPERATOR_KEY", stand.engine.operator_key())
        .env("CAMPANILE_KEY", &stand.tenant.key)
        .env("CAMPANILE_ADMIN", format!("http://{}", stand.engine.admin().address()))
        .envs(environment.iter().copied());
    let output = command.output().expect("campanile runs");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The words of a command by the name of its page, some of which have hyphens of their own: `campanile-log-filter`.
fn words(name: &str, all: &BTreeSet<String>) -> Vec<String> {
    let (mut words, mut begin) = (Vec::new(), "campanile".len());
    for (end, _) in name.match_indices('-').chain([(name.len(), "")]) {
        if end > begin && all.contains(&name[..end]) {
            words.push(name[begin + 1..end].to_owned());
            begin = end;
        }
    }
    words
}

/// Every command there is, by its man page: `campanile-smsc-list.1`.
fn every_command(stand: &Stand) -> Vec<Vec<String>> {
    let folder = stand.lab().directory().join("man");
    let man = ["man".to_owned(), folder.display().to_string()];
    said(stand, &man, &[]);
    let pages = folder.read_dir().expect("the man pages").flatten();
    let names = pages.filter_map(|page| Some(page.file_name().to_str()?.strip_suffix(".1")?.to_owned()));
    let names: BTreeSet<String> = names.collect();
    names.iter().map(|name| words(name, &names)).collect()
}

/// What commands show: with what is right, with faults in what they are configured by, and asked for help.
fn commands(stand: &Stand, canaries: &Canaries) {
    for arguments in COMMANDS {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        canaries.are_not_in(&arguments.join(" "), &said(stand, &arguments, &[]));
    }
    let check = ["check".to_owned()];
    for (name, value) in ENVIRONMENT {
        let faulty = said(stand, &check, &[(name, value)]);
        assert!(faulty.contains("not allowed"), "{name}: {faulty}");
        canaries.are_not_in(name, &faulty);
    }
    let all = every_command(stand);
    assert!(all.len() > 40, "{all:?}");
    let mut helps = String::new();
    for words in all {
        let help: Vec<String> = words.into_iter().chain(["--help".to_owned()]).collect();
        helps += &said(stand, &help, &ENVIRONMENT);
    }
    canaries.are_not_in("--help", &helps);
}

/// All is traced to there.
fn traced(receiver: &PeerServer) -> String {
    format!(
        "[traces]\nendpoint = \"http://{}\"\nsample_ratio = 1.0",
        receiver.address()
    )
}

/// Single messages, and what people write back.
fn write_and_answer(stand: &Stand) {
    let http = stand.tenant.http(&stand.engine);
    for index in 0..20 {
        let message = json!({
            "to": format!("+33{}", Canaries::number(index)), "text": Canaries::text(index), "sender": NUMBER
        });
        http.post("/v1/messages", &message).expect(202);
        let answer = if index % 2 == 0 {
            "STOP".to_owned()
        } else {
            Canaries::text(index)
        };
        stand
            .sim
            .inbound(&format!("+33{}", Canaries::number(index)), NUMBER, &answer);
    }
    // From somebody whom nobody has written to.
    stand.sim.inbound("+33700000001", NUMBER, &Canaries::text(7));
    eventually("what people write is there", LIMIT, || {
        let listed = http.get("/v1/inbound?limit=100").expect(200);
        (listed["data"].as_array().map_or(0, Vec::len) >= 20).then_some(())
    });
}

/// An engine whose SMSC, Redis, database and texts have secrets of their own, and that tells all that it can.
fn settings(
    lab: &Path,
    (redis, postgres, sim): (&RedisServer, &PostgresServer, &Sim),
    receiver: Option<&PeerServer>,
) -> EngineSettings {
    let mut connection = redis.connect().expect("Redis is there");
    let mut acl = redis::cmd("ACL");
    acl.arg("SETUSER")
        .arg("engine")
        .arg("on")
        .arg(format!(">{REDIS_PASSWORD}"));
    acl.arg("~*").arg("&*").arg("+@all");
    acl.exec(&mut connection).expect("a user of Redis");
    let secret = |name: &str, text: &str| {
        let file = lab.join(name);
        std::fs::write(&file, format!("{text}\n")).expect("write a secret");
        file
    };
    secret("redis.password", REDIS_PASSWORD);
    secret("database.password", DATABASE_PASSWORD);
    let master = secret("master.key", MASTER_KEY);
    let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(master, own).expect("a file of one's own");
    let smsc = |name: &str| SmscSettings::new(name, sim.smpp_address()).password(PASSWORD);
    // What is sent with the keys of sandboxes would go to the other, which hears nobody.
    let smscs = vec![smsc("north"), smsc("bench").bind("transmitter").line("sandbox = true")];
    let mut settings = EngineSettings::new(Some(format!("{}?user=engine", redis.url())), smscs);
    settings.redis_lines = vec!["password_file = \"redis.password\"".to_owned()];
    settings.tables = [
        "[log]\nfilter = \"info,campanile=trace\"",
        "[audit]\npath = \"audit.log\"",
        "[message_log]\npath = \"messages.log\"",
        "[encryption]\nkey_file = \"master.key\"",
        "[links]\nlisten = \"127.0.0.1:0\"\npreview_within = \"0s\"",
        "[webhooks]\nallow = [\"127.0.0.1/32\"]",
    ]
    .map(str::to_owned)
    .to_vec();
    settings.tables.push(format!(
        "[database]\nurl = \"{}\"\npassword_file = \"database.password\"",
        postgres.url()
    ));
    settings.tables.extend(receiver.map(traced));
    settings
}

/// Keys of every kind, each of which opens something; one is revoked.
fn keys(stand: &Stand, canaries: &mut Canaries) {
    let operator = stand.engine.operator();
    let reseller = operator
        .post("/v1/resellers", &json!({ "name": Canaries::text(1) }))
        .expect(201);
    let mut all = vec![("/v1/tenants", text(&reseller["api_key"]))];
    let path = format!("/v1/tenants/{}/keys", stand.tenant.id);
    let mut last = String::new();
    for (kind, role) in [
        ("live", "read"),
        ("live", "send"),
        ("live", "admin"),
        ("sandbox", "full"),
    ] {
        let key = json!({ "label": Canaries::text(2), "kind": kind, "role": role });
        let made = operator.post(&path, &key).expect(201);
        all.push(("/v1/tenant", text(&made["api_key"])));
        last = text(&made["id"]);
    }
    for (path, key) in &all {
        canaries.add(key);
        stand.engine.public().with_key(key).get(path).expect(200);
    }
    let revoke = format!("{path}/{last}/revoke");
    operator.post_bytes(&revoke, b"").expect(200);
    stand
        .engine
        .public()
        .with_key(&all[4].1)
        .get("/v1/tenant")
        .expect_problem(&[401]);
}

/// Two webhooks whose URLs are secrets, with two secrets of their own each; nobody listens there.
fn webhooks(stand: &Stand, canaries: &mut Canaries) {
    let http = stand.tenant.http(&stand.engine);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.expect("a port");
    for index in 0..2 {
        let url = format!(
            "http://{address}/{}?token={}",
            Canaries::text(index),
            Canaries::text(index)
        );
        let webhook = json!({ "url": url, "events": ["*"], "description": Canaries::text(index) });
        let made = http.post("/v1/webhooks", &webhook).expect(201);
        let path = format!("/v1/webhooks/{}", text(&made["id"]));
        let rotated = http.post(&format!("{path}/rotate"), &Value::Null).expect(200);
        canaries.add(&text(&made["secret"]));
        canaries.add(&text(&rotated["secret"]));
        http.post(&format!("{path}/test"), &Value::Null).expect(200);
    }
}

/// A thousand contacts, each with a code and a short link of their own; some links are followed.
fn codes_and_links(stand: &Stand, canaries: &mut Canaries) {
    let (http, operator) = (stand.tenant.http(&stand.engine), stand.engine.operator());
    let path = format!("/v1/tenants/{}", stand.tenant.id);
    operator.patch(&path, &json!({ "short_domain": DOMAIN })).expect(200);
    let contact = |index: usize| {
        json!({ "reference": index.to_string(), "number": format!("+33{}", Canaries::number(index)),
            "last_name": Canaries::text(index) })
    };
    let contacts: Vec<Value> = (0..CANARIES).map(contact).collect();
    http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    let codes: Vec<String> = (0..CANARIES).map(|index| format!("{WORD}-{index:06}")).collect();
    let pool = json!({ "name": Canaries::text(3), "codes": codes.join("\n") });
    let pool = http.post("/v1/code_pools", &pool).expect(201);
    let order = CampaignOrder::to_audience(&json!({ "filter": {} }))
        .with("name", json!(Canaries::text(4)))
        .with("text", json!("Code {{code}} : https://[Lien]"))
        .with("code_pool", pool["id"].clone())
        .with("link", json!(format!("https://cabinet.example/{}", Canaries::text(5))));
    let campaign = stand.tenant.order(&stand.engine, &order);
    campaign.wait(&stand.engine, "each has a code and a link", LIMIT, |view| {
        view.status("delivered") == CANARIES as u64
    });
    let texts = stand.sim.ledger().into_iter().filter_map(|row| row.text);
    let token = |text: String| Some(text.split_once(&format!("https://{DOMAIN}/"))?.1.to_owned());
    canaries.tokens = texts.filter_map(token).collect();
    assert_eq!(canaries.tokens.len(), CANARIES);
    for token in canaries.tokens.iter().take(FOLLOWED) {
        for (path, status) in [(token.clone(), "302"), (format!("{token}0"), "404")] {
            let mut connection = TcpStream::connect(stand.engine.links()).expect("the listener of links");
            let request = format!("GET /{path} HTTP/1.1\r\nhost: {DOMAIN}\r\nconnection: close\r\n\r\n");
            connection.write_all(request.as_bytes()).expect("it reads");
            let mut answer = String::new();
            connection.read_to_string(&mut answer).expect("an answer");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
    }
}

/// A form on a page of the tenant's, by which somebody agrees.
fn form(stand: &Stand, canaries: &mut Canaries) {
    let form = json!({ "wording": Canaries::text(6), "wording_version": "1", "source": "site", "origin": ORIGIN });
    let form = stand
        .tenant
        .http(&stand.engine)
        .post("/v1/consent_forms", &form)
        .expect(201);
    let token = text(&form["token"]);
    canaries.add(&token);
    let page = stand.engine.public().from_page(ORIGIN);
    let path = format!("/v1/consent_forms/{token}/consents");
    let contact = json!({ "number": format!("+33{}", Canaries::number(8)), "last_name": Canaries::text(8) });
    let agrees = json!({ "contact": contact, "agreed": true });
    page.ask("POST", &path, Some(&agrees)).expect(201);
    // What is wrong in it is answered without the token, but for the path that was asked for.
    let wrong = json!({ "contact": { "number": Canaries::text(9) }, "agreed": true });
    let refused = page.ask("POST", &path, Some(&wrong));
    let mut problem = refused.json();
    problem["instance"] = Value::Null;
    canaries.are_not_in("a problem of a form", &problem.to_string());
}

/// Receipts that nobody waits for, refusals, a session that breaks.
fn things_go_wrong(stand: &Stand, order: CampaignOrder) {
    stand
        .sim
        .switch("[[outcome]]\nname = \"refused\"\nweight = 1\nanswer = \"ESME_RINVDSTADR\"\n");
    let refused = stand
        .tenant
        .order(&stand.engine, &order.with("purpose", json!("marketing")));
    refused.wait(&stand.engine, "it is on its way", LIMIT, |view| {
        view.progress.queued < CANARIES as u64
    });
    stand.sim.close_sessions();
}

#[test]
fn nothing_that_the_engine_tells_of_itself_has_a_number_a_text_or_a_secret() {
    let lab = Lab::new(programs!(), "canaries");
    let directory: PathBuf = lab.directory().to_owned();
    let receiver = (!peers::skipped()).then(|| PeerServer::start(Recipe::OtlpReceiver, &directory, &[]));
    let postgres = lab.postgres();
    let stand = Stand::under(lab, "", |redis, sim| {
        settings(&directory, (redis, &postgres, sim), receiver.as_ref())
    });
    let mut canaries = Canaries::of(&stand);
    keys(&stand, &mut canaries);
    let order = CampaignOrder::to_audience(&Canaries::audience())
        .with("name", json!(Canaries::text(0)))
        .with("text", json!("Bonjour [Nom]"))
        .with("sender", json!(NUMBER));
    let campaign = stand.tenant.order(&stand.engine, &order);
    stand.all_delivered(&campaign, CANARIES, LIMIT);
    webhooks(&stand, &mut canaries);
    codes_and_links(&stand, &mut canaries);
    form(&stand, &mut canaries);
    write_and_answer(&stand);
    mistakes(&stand, &canaries);
    wrong_paths(&stand);
    things_go_wrong(&stand, order);
    let public = stand.engine.public();
    canaries.are_not_in("metrics", &ask(stand.engine.admin().address(), "GET /metrics", "", ""));
    commands(&stand, &canaries);
    stand.redis.kill();
    let message = json!({ "to": format!("+33{}", Canaries::number(3)), "text": Canaries::text(3), "sender": NUMBER });
    let answer = ask(
        public.address(),
        "POST /v1/messages",
        &stand.tenant.key,
        &message.to_string(),
    );
    canaries.are_not_in("an answer without Redis", &answer);
    stand.engine.shut_down();
    canaries.are_not_in("the log", &stand.engine.process().log());
    for name in ["audit.log", "messages.log"] {
        let written = std::fs::read_to_string(directory.join(name));
        canaries.are_not_in(name, &written.expect("it is there"));
    }
    if let Some(receiver) = receiver {
        let spans = receiver.lines().join("\n");
        assert!(spans.matches("submit_sm north").count() >= CANARIES, "all are traced");
        canaries.are_not_in("the traces", &spans);
    }
}

#[test]
fn a_number_is_found_however_it_is_written() {
    let canaries = Canaries {
        numbers: (0..CANARIES).flat_map(Canaries::written).collect(),
        words: Vec::new(),
        tokens: BTreeSet::new(),
    };
    for form in Canaries::written(17) {
        for text in [format!("to=+{form}, é"), format!("é{form}"), format!("ab{form}cd")] {
            assert_eq!(canaries.number_in(&text), Some(form.as_str()), "{text}");
        }
    }
    assert_eq!(canaries.number_in("0700000000 abcdef0123456789"), None);
}
