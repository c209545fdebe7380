//! A thousand numbers, texts and secrets go through everything that the engine does; none of them is in anything that it tells of itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use campanile_tests::peers::{self, PeerServer, Recipe};
use campanile_tests::{CampaignOrder, EngineSettings, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(90);

/// Canaries of each kind.
const CANARIES: usize = 1_000;

/// Texts and variables begin with it, and nothing else has it.
const WORD: &str = "Kanari";

const PASSWORD: &str = "pw-Zx81q";
const WRONG_KEY: &str = "sk_live_0000wrongkanarikey0000wrong0000";
const NUMBER: &str = "36034";

/// Commands that show something.
const COMMANDS: [&[&str]; 11] = [
    &["--help"],
    &["serve", "--help"],
    &["status", "--help"],
    &["smsc", "--help"],
    &["check", "--config", "campanile.toml"],
    &["status"],
    &["status", "--json"],
    &["queue"],
    &["smsc", "list", "--json"],
    &["log-filter"],
    &["metrics"],
];

/// What must be nowhere.
struct Canaries {
    /// Without their country code.
    numbers: Vec<String>,
    words: Vec<String>,
}

impl Canaries {
    fn number(index: usize) -> String {
        format!("61{:07}", (index * 48_271 + 2_345_678) % 10_000_000)
    }

    fn text(index: usize) -> String {
        format!("{WORD}{index:04}")
    }

    fn audience() -> Value {
        let row = |index| json!({ "to": format!("+33{}", Self::number(index)), "Nom": Self::text(index) });
        json!({ "recipients": (0..CANARIES).map(row).collect::<Vec<_>>() })
    }

    fn of(stand: &Stand) -> Self {
        let secrets = [PASSWORD, WRONG_KEY, &stand.tenant.key, stand.engine.operator_key()];
        Self {
            numbers: (0..CANARIES).map(Self::number).collect(),
            words: [WORD].iter().chain(&secrets).map(|word| word.to_lowercase()).collect(),
        }
    }

    /// Panics with the line around the first canary.
    fn are_not_in(&self, place: &str, text: &str) {
        assert!(!text.is_empty(), "{place} says nothing");
        let lower = text.to_lowercase();
        // As it is dialled at home and from abroad, and as keys have it; the digits alone may be part of any id.
        let written = self.numbers.iter().flat_map(|number| {
            let whole: u64 = format!("33{number}").parse().expect("digits");
            [format!("0{number}"), format!("{whole}"), format!("{whole:x}")]
        });
        for canary in self.words.iter().cloned().chain(written) {
            if let Some(line) = lower.lines().find(|line| line.contains(&canary)) {
                panic!("{place} has {canary}: {line}");
            }
        }
    }
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
            WRONG_KEY,
            json!({ "to": number, "text": text }),
        ),
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
        (&admin, "GET /v1/tenants", WRONG_KEY, Value::Null),
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

/// What `campanile` says with these arguments, to whom its environment has all secrets.
fn said(stand: &Stand, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
    command
        .args(arguments)
        .current_dir(stand.lab().directory())
        .env("CAMPANILE_OPERATOR_KEY", stand.engine.operator_key())
        .env("CAMPANILE__SMSC__0__PASSWORD", PASSWORD)
        .env("CAMPANILE_ADMIN", format!("http://{}", stand.engine.admin().address()));
    let output = command.output().expect("campanile runs");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
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

#[test]
fn nothing_that_the_engine_tells_of_itself_has_a_number_a_text_or_a_secret() {
    let lab = Lab::new(programs!(), "canaries");
    let receiver = (!peers::skipped()).then(|| PeerServer::start(Recipe::OtlpReceiver, lab.directory(), &[]));
    let stand = Stand::under(lab, "", |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address()).password(PASSWORD);
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        settings.tables = vec![
            "[log]\nfilter = \"info,campanile=trace\"".to_owned(),
            "[audit]\npath = \"audit.log\"".to_owned(),
        ];
        settings.tables.extend(receiver.as_ref().map(traced));
        settings
    });
    let canaries = Canaries::of(&stand);
    let order = CampaignOrder::to_audience(&Canaries::audience())
        .with("name", json!(Canaries::text(0)))
        .with("text", json!("Bonjour [Nom]"))
        .with("sender", json!(NUMBER));
    let campaign = stand.tenant.order(&stand.engine, &order);
    stand.all_delivered(&campaign, CANARIES, LIMIT);
    write_and_answer(&stand);
    mistakes(&stand, &canaries);
    wrong_paths(&stand);
    // Receipts that nobody waits for, refusals, a session that breaks, a Redis that is away.
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
    let public = stand.engine.public();
    canaries.are_not_in("metrics", &ask(stand.engine.admin().address(), "GET /metrics", "", ""));
    for arguments in COMMANDS {
        canaries.are_not_in(&arguments.join(" "), &said(&stand, arguments));
    }
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
    let audit = std::fs::read_to_string(stand.lab().directory().join("audit.log"));
    canaries.are_not_in("the audit log", &audit.expect("it is there"));
    if let Some(receiver) = receiver {
        let spans = receiver.lines().join("\n");
        assert!(spans.matches("submit_sm north").count() >= CANARIES, "all are traced");
        canaries.are_not_in("the traces", &spans);
    }
}
