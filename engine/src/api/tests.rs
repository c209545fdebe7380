//! The routes, without sockets, on a real Redis.

mod door;
mod once;

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use super::*;
use crate::bind::Seats;
use crate::campaign::tests::{Bench, body};
use crate::campaign::{Gates, RouteTable, Routes};
use crate::config;
use crate::engines::Engines;
use crate::inbound::Struck;
use crate::receipt::Replay;

const OPERATOR: &str = "op_test_0123456789abcdef";

struct Api {
    _folder: tempfile::TempDir,
    bench: Bench,
    app: App,
    public: TowerToHyperService<Router>,
    admin: TowerToHyperService<Router>,
}

async fn history(
    bench: &Bench,
    webhooks: &crate::webhooks::Webhooks,
    folder: &std::path::Path,
) -> crate::history::History {
    let deps = crate::history::HistoryDeps {
        store: bench.store.clone(),
        database: crate::database::tests::open(folder).await.unwrap(),
        clock: bench.clock,
        metrics: Metrics::new(9).unwrap(),
        settings: config::History::default(),
        webhooks: Some(webhooks.clone()),
        fullness: crate::pressure::Fullness::default(),
        names: Arc::new(|_| Some("north".to_owned())),
        prices: Arc::new(|_| None),
        erased: bench.mirror.erased(),
    };
    crate::history::History::open(deps).await.unwrap()
}

/// The one of a file.
async fn give_operator_key(accounts: &Accounts, name: &str) {
    let file = std::env::temp_dir().join(format!("campanile-{name}-{}.key", std::process::id()));
    std::fs::write(&file, format!("{OPERATOR}\nignored")).unwrap();
    let given = config::Api {
        operator_key_file: Some(file.clone()),
        ..config::Api::default()
    };
    assert_eq!(accounts.ensure_operator_key(&given).await.unwrap(), None);
    std::fs::remove_file(file).unwrap();
}

fn imports(bench: &Bench) -> crate::import::Imports {
    crate::import::Imports::new(
        bench.people.clone(),
        (bench.store.clone(), bench.mirror.clone(), 1),
        problem::field_detail,
        &std::env::temp_dir(),
    )
}

fn agenda(bench: &Bench, database: &crate::database::Database) -> crate::agenda::Agenda {
    let of = (database.clone(), bench.store.clone(), bench.clock);
    crate::agenda::Agenda::new(of, bench.people.clone(), bench.campaigns.clone())
}

fn replies(
    (bench, agenda): (&Bench, &crate::agenda::Agenda),
    (database, numbers): (&crate::database::Database, &crate::numbers::Numbers),
    (webhooks, metrics): (&crate::webhooks::Webhooks, &Metrics),
    kept: Duration,
) -> crate::replies::Replies {
    crate::replies::Replies::new(crate::replies::ReplyDeps {
        store: bench.store.clone(),
        database: database.clone(),
        campaigns: bench.campaigns.clone(),
        agenda: agenda.clone(),
        people: bench.people.clone(),
        mirror: bench.mirror.clone(),
        webhooks: webhooks.clone(),
        numbers: numbers.clone(),
        clock: bench.clock,
        metrics: metrics.clone(),
        inbound_for: kept,
        kept_for: kept,
        answered_within: kept,
    })
}

async fn engines(bench: &Bench) -> Engines {
    let addresses = [String::new(), String::new()];
    let seats = Seats::all_ours();
    let begun = Engines::begin(&bench.store, bench.clock, &seats, (1, addresses));
    begun.await.unwrap()
}

/// With bodies that tests can make too long.
fn short(limits: config::Api) -> config::Api {
    let body_max = 100_000;
    config::Api { body_max, ..limits }
}

impl Api {
    async fn start(name: &str) -> Self {
        Self::with(name, config::Api::default()).await
    }

    async fn with(name: &str, limits: config::Api) -> Self {
        let bench = Bench::start(name).await;
        let mirror = bench.mirror.clone();
        let accounts = Accounts::new(bench.store.clone(), mirror.clone(), bench.clock);
        give_operator_key(&accounts, name).await;
        let limits = short(limits);
        let metrics = Metrics::new(9).unwrap();
        let traffic = Traffic::new(&bench.store, (&metrics, bench.clock), Duration::ZERO, &[]);
        let (for_inbox, routes) = ((bench.clock, &metrics), RouteTable::new(Routes::default()));
        let (struck, kept) = (Struck::default(), Duration::from_secs(86_400));
        let folder = tempfile::tempdir().unwrap();
        let webhooks = crate::webhooks::tests::open(&bench.store, folder.path(), config::Webhooks::default()).await;
        let silent = config::LineFile::default();
        let audit = crate::audit::AuditLog::start(&silent, (bench.clock, &metrics), &mut tokio::task::JoinSet::new());
        let database = crate::database::tests::open(folder.path()).await.unwrap();
        let agenda = agenda(&bench, &database);
        let numbers = crate::numbers::Numbers::new(database.clone(), bench.clock);
        let inbox = (&struck, &numbers, None);
        let inbox = Inbox::new((&bench.store, &mirror), for_inbox, inbox, (&routes, kept)).unwrap();
        let replies = replies((&bench, &agenda), (&database, &numbers), (&webhooks, &metrics), kept);
        let automations = (database.clone(), bench.clock);
        let automations = crate::automation::Automations::new(automations, bench.campaigns.clone(), webhooks.clone());
        let app = App {
            links: None,
            automations,
            agenda,
            waiting: Waiting::new(&bench.store, &traffic, &Gates::none(bench.clock), &Verdict::unguarded()),
            traffic,
            engines: engines(&bench).await,
            pressure: crate::pressure::Pressure::new(bench.clock.now(), 1),
            started: bench.clock.now(),
            inbox,
            numbers,
            replies,
            accounts: Arc::new(accounts),
            campaigns: bench.campaigns.clone(),
            people: bench.people.clone(),
            history: history(&bench, &webhooks, folder.path()).await,
            mirror,
            imports: imports(&bench),
            store: bench.store.clone(),
            database,
            logs: crate::logs::Logs::silent(),
            tracer: crate::otel::Tracer::off(),
            message_log: crate::message_log::MessageLog::off(),
            webhooks,
            audit,
            metrics,
            replay: Replay::new(bench.store.clone(), tokio::sync::mpsc::channel(1).0),
            reloads: crate::reload::Reloads::new().0,
            board: Board::default(),
            traces: Traces::default(),
            verdict: Verdict::unguarded(),
            clock: bench.clock,
            guesses: Guesses::new(&limits),
            submissions: Submissions::default(),
            shares: Shares::new(&limits),
            limits: Arc::new(limits),
            stopping: CancellationToken::new(),
            operations: TaskTracker::new(),
        };
        let (public, admin) = (public(app.clone()), super::admin(app.clone(), Names::Any));
        Self {
            bench,
            app,
            _folder: folder,
            public: TowerToHyperService::new(public),
            admin: TowerToHyperService::new(admin),
        }
    }

    async fn ask(&self, line: &str, key: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let (method, path) = line.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("authorization", format!("Bearer {key}"))
            .body(body.into())
            .unwrap();
        let service = if path.starts_with("/v1") {
            &self.public
        } else {
            &self.admin
        };
        let (parts, body) = service.call(request).await.unwrap().into_parts();
        let octets = to_bytes(body, 1 << 22).await.unwrap();
        if parts.status.is_client_error() {
            assert_eq!(parts.headers["content-type"], "application/problem+json", "{line}");
        }
        let text = String::from_utf8(octets.to_vec()).unwrap();
        (parts.status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn expect(&self, line: &str, key: &str, body: &Value, status: u16) -> Value {
        let (found, answer) = self.ask(line, key, body.to_string()).await;
        assert_eq!(found.as_u16(), status, "{line}: {answer}");
        answer
    }

    /// A new tenant's id and key.
    async fn tenant(&self, credits: u64) -> (String, String) {
        let made = self
            .expect("POST /v1/tenants", OPERATOR, &json!({ "name": "Cabinet" }), 201)
            .await;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let (id, key) = (text("id"), text("api_key"));
        if credits > 0 {
            let grant = json!({ "amount": credits, "reference": "F-1" });
            self.expect(&format!("POST /v1/tenants/{id}/credits"), OPERATOR, &grant, 201)
                .await;
        }
        (id, key)
    }
}

fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_from_its_order_to_its_view() {
    let api = Api::start("api-life").await;
    let (id, key) = api.tenant(100).await;
    let order: Value = serde_json::from_str(&body(0..50, "Bonjour [Nom]")).unwrap();
    let made = api.expect("POST /v1/campaigns", &key, &order, 201).await;
    assert_eq!(
        made["audience"],
        json!({"accepted": 50, "invalid": 0, "not_mobile": 0, "not_allowed": 0, "not_guests": 0, "duplicates": 0, "no_consent": 0, "unreachable": 0, "frequency_cap": 0, "by_request": 0, "value_too_long": 0, "values_refused": 0, "shortened": 0, "rejected": []})
    );
    assert_eq!(
        made["estimate"],
        json!({"recipients": 50, "segments": 50, "credits": 50})
    );
    let path = format!("/v1/campaigns/{}", made["id"].as_str().unwrap());
    let nothing = Value::Null;
    assert_eq!(
        api.expect(&format!("POST {path}/launch"), &key, &nothing, 202).await["state"],
        "launching"
    );
    let view = api.expect(&format!("GET {path}"), &key, &nothing, 200).await;
    assert_eq!(
        (&view["progress"]["total"], &view["progress"]["queued"]),
        (&json!(50), &json!(50)),
        "{view}"
    );
    assert_eq!(view["statuses"].as_object().unwrap().len(), 7);
    assert_eq!(
        (&view["credits"]["held"], &view["text"]),
        (&json!(50), &json!("Bonjour [Nom]"))
    );
    let again = api.expect(&format!("POST {path}/launch"), &key, &nothing, 409).await;
    assert_eq!(again["code"], "campaign_already_started");
    let page = api
        .expect(&format!("GET {path}/recipients?limit=20"), &key, &nothing, 200)
        .await;
    assert_eq!(
        (page["data"].as_array().unwrap().len(), &page["data"][0]["status"]),
        (20, &json!("queued"))
    );
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = api
        .expect(
            &format!("GET {path}/recipients?limit=500&cursor={cursor}"),
            &key,
            &nothing,
            200,
        )
        .await;
    assert_eq!(
        (rest["data"].as_array().unwrap().len(), &rest["next_cursor"]),
        (30, &Value::Null)
    );
    let list = api.expect("GET /v1/campaigns", &key, &nothing, 200).await;
    assert_eq!(list["data"][0]["id"], made["id"]);
    let ledger = api.expect("GET /v1/ledger", &key, &nothing, 200).await;
    assert_eq!(
        (&ledger["data"][0]["type"], &ledger["data"][1]["reference"]),
        (&json!("hold"), &json!("F-1"))
    );
    assert_eq!(api.expect("GET /v1/tenant", &key, &nothing, 200).await["id"], id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_sends_to_its_countries_only() {
    let api = Api::start("api-countries").await;
    let (id, key) = api.tenant(100).await;
    let (path, nothing) = (format!("/v1/tenants/{id}"), Value::Null);
    let patch = format!("PATCH {path}");
    let show = format!("GET {path}");
    let at_first = api.expect(&show, OPERATOR, &nothing, 200).await;
    assert_eq!(at_first["countries"][1], "GP", "France and overseas");
    let home = json!({ "countries": ["FR", "re"] });
    let changed = api.expect(&patch, OPERATOR, &home, 200).await;
    assert_eq!(changed["countries"], json!(["FR", "RE"]));

    let mut order: Value = serde_json::from_str(&body(0..0, "Bonjour")).unwrap();
    order["audience"] = json!({ "numbers": "0612345678; 0692123456; +32470123456" });
    let made = api.expect("POST /v1/campaigns", &key, &order, 201).await;
    let counts = &made["audience"];
    assert_eq!((&counts["accepted"], &counts["not_allowed"]), (&json!(2), &json!(1)));
    assert_eq!(counts["rejected"][0]["code"], "country_not_allowed");
    let message = |to: &str| json!({ "to": to, "sender": "OSTEO", "text": "Bonjour" });
    api.expect("POST /v1/messages", &key, &message("0692123456"), 202).await;
    let refused = api
        .expect("POST /v1/messages", &key, &message("+32470123456"), 422)
        .await;
    assert_eq!(
        (pointers(&refused), &refused["errors"][0]["code"]),
        (vec!["/to"], &json!("country_not_allowed"))
    );

    api.expect(&patch, OPERATOR, &json!({ "countries": null }), 200).await;
    api.expect("POST /v1/messages", &key, &message("+32470123456"), 202)
        .await;
    api.expect(&patch, &key, &home, 403).await;
    let wrong = [
        (json!({}), ""),
        (json!({ "countries": [] }), "/countries"),
        (json!({ "countries": ["FR", "XX"] }), "/countries/1"),
        (json!({ "countries": [7] }), "/countries/0"),
    ];
    for (fields, pointer) in wrong {
        let (status, problem) = api.ask(&patch, OPERATOR, fields.to_string()).await;
        assert!(status.is_client_error(), "{fields}");
        assert_eq!(pointers(&problem), [pointer], "{fields}");
    }
    let stranger = "PATCH /v1/tenants/ten_0000000";
    assert_eq!(
        api.ask(stranger, OPERATOR, home.to_string()).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recipients_that_are_none_are_listed() {
    let api = Api::start("api-rejected").await;
    let (_, key) = api.tenant(0).await;
    let numbers = "0612345678; 06 12 34 56 78; 0123456789; bonjour";
    let mut order: Value = serde_json::from_str(&body(0..0, "Bonjour")).unwrap();
    order["audience"] = json!({ "numbers": numbers });
    let made = api.expect("POST /v1/campaigns", &key, &order, 201).await;
    let counts = &made["audience"];
    assert_eq!(
        (&counts["accepted"], &counts["duplicates"], &counts["not_mobile"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let path = format!("GET /v1/campaigns/{}/rejected", made["id"].as_str().unwrap());
    assert_eq!(
        api.expect(&path, &key, &Value::Null, 200).await["data"],
        counts["rejected"]
    );
    order["audience"] = json!({ "numbers": "bonjour" });
    let refused = api.expect("POST /v1/campaigns", &key, &order, 422).await;
    assert_eq!(
        (&refused["code"], pointers(&refused)),
        (&json!("empty_audience"), vec!["/audience/numbers"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_gets_a_problem_that_points_at_it() {
    let api = Api::start("api-bad").await;
    let (id, key) = api.tenant(0).await;
    let credits = format!("POST /v1/tenants/{id}/credits");
    for amount in [
        json!(-1),
        json!(0),
        json!(u64::MAX),
        json!(1e300),
        json!(1.5),
        json!("10"),
        json!(null),
    ] {
        let (status, problem) = api
            .ask(&credits, OPERATOR, json!({ "amount": amount }).to_string())
            .await;
        assert!(
            status.is_client_error() && pointers(&problem) == ["/amount"],
            "{amount}: {problem}"
        );
    }
    let message = json!({ "to": "+33123456789", "text": "", "sender": "!" });
    let problem = api.expect("POST /v1/messages", &key, &message, 422).await;
    assert_eq!(pointers(&problem), ["/to", "/text", "/sender"]);
    for to in [json!(33_612_345_678.5), json!(-33), json!(true)] {
        let message = json!({ "to": to, "text": "x", "sender": "Cabinet" });
        let problem = api.expect("POST /v1/messages", &key, &message, 400).await;
        assert_eq!(pointers(&problem), ["/to"], "{to}");
    }
    let unknown = api.expect("POST /v1/messages", &key, &json!({ "two": "x" }), 400).await;
    assert!(
        pointers(&unknown).contains(&"/two") && pointers(&unknown).contains(&"/sender"),
        "{unknown}"
    );
    let (status, problem) = api.ask("POST /v1/campaigns", &key, "{\"name\": ").await;
    assert_eq!(
        (status.as_u16(), &problem["errors"][0]["code"]),
        (400, &json!("invalid_json")),
        "{problem}"
    );
    let latin_1 = b"{\n\"text\": \"Zo\xe9\"}".as_slice();
    let (status, problem) = api.ask("POST /v1/messages", &key, latin_1).await;
    assert_eq!(
        (status.as_u16(), &problem["errors"][0]["code"]),
        (400, &json!("not_utf8")),
        "{problem}"
    );
    let (status, problem) = api.ask("POST /v1/campaigns", &key, "x".repeat(100_001)).await;
    assert_eq!((status.as_u16(), &problem["code"]), (413, &json!("body_too_large")));
    let (status, problem) = api.ask("POST /v1/messages", &key, vec![b' '; (1 << 20) + 1]).await;
    assert_eq!((status.as_u16(), &problem["code"]), (413, &json!("body_too_large")));
    for (line, status) in [
        ("GET /v1/nothing", 404),
        ("PUT /v1/campaigns", 405),
        ("GET /v1/campaigns/cmp_1", 404),
        ("GET /v1/campaigns/cmp_%ff", 404),
        ("GET /v1/messages/msg_0000000000000", 404),
        ("GET /v1/campaigns?limit=0", 422),
        ("GET /v1/campaigns?cursor=x", 422),
        ("GET /v1/campaigns?limt=5", 400),
    ] {
        api.expect(line, &key, &Value::Null, status).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_open_what_is_theirs_and_nothing_else() {
    let api = Api::start("api-keys").await;
    let ((id, key), (_, stranger)) = (api.tenant(10).await, api.tenant(10).await);
    let order: Value = serde_json::from_str(&body(0..3, "Bonjour")).unwrap();
    let made = api.expect("POST /v1/campaigns", &key, &order, 201).await;
    let campaign = format!("/v1/campaigns/{}", made["id"].as_str().unwrap());
    let nothing = Value::Null;
    for path in ["", "/recipients", "/rejected"] {
        api.expect(&format!("GET {campaign}{path}"), &stranger, &nothing, 404)
            .await;
    }
    for action in ["launch", "pause", "resume", "cancel"] {
        api.expect(&format!("POST {campaign}/{action}"), &stranger, &nothing, 404)
            .await;
    }
    for wrong in ["", "sk_wrong", &"x".repeat(5_000)] {
        api.expect("GET /v1/campaigns/cmp_1", wrong, &nothing, 401).await;
    }
    api.expect("POST /v1/tenants", &key, &json!({ "name": "moi" }), 403)
        .await;
    api.expect(&format!("GET /v1/tenants/{id}"), &key, &nothing, 403).await;
    api.expect("GET /v1/campaigns", OPERATOR, &nothing, 403).await;
    // An operator key that was replaced opens nothing any more.
    assert!(api.bench.store.set_operator_key("another", false).await.unwrap());
    let digest_owner = Accounts::new(api.bench.store.clone(), api.bench.mirror.clone(), api.bench.clock)
        .open(&crate::account::KeyDigest::of(OPERATOR).unwrap())
        .await
        .unwrap();
    assert_eq!(digest_owner, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_health_and_metrics() {
    let api = Api::start("api-admin").await;
    for path in ["GET /livez", "GET /startupz", "GET /readyz"] {
        assert_eq!(api.ask(path, "", "").await, (StatusCode::OK, json!("ok\n")));
    }
    api.expect("GET /v1/campaigns/cmp_1", "", &Value::Null, 401).await;
    let (_, Value::String(text)) = api.ask("GET /metrics", "", "").await else {
        panic!("no text")
    };
    let wanted = "campanile_http_requests_total{code=\"401\",method=\"GET\",route=\"/v1/campaigns/{id}\"} 1";
    assert!(text.contains(wanted), "{text}");
}
