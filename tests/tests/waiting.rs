//! Sixteen causes of "it does not move", brought about one by one: the API's words, the metric and a dashboard's panel, asked of a real
//! Prometheus, name each within seconds, and docs/waiting.md says which words these are.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use campanile_tests::prometheus::boards::{EVERYTHING, Target, asked, boards, called, targets};
use campanile_tests::{
    Campaign, CampaignOrder, Engine, EngineSettings, Lab, Monitoring, SmscSettings, Stand, eventually, programs, text,
};
use serde_json::{Value, json};

/// From the cause to the words.
const NAMED_WITHIN: Duration = Duration::from_secs(15);

/// Stands that are up at once: most of the time each waits.
const AT_ONCE: usize = 4;

/// With this in the environment, docs/waiting.md is written anew.
const WRITE: &str = "CAMPANILE_WRITE_DOCS";

const ACCEPTS_AND_ANSWERS_NOTHING: &str = "[faults]\nno_answer = 1.0\n";

/// A series of a panel.
#[derive(Clone, Copy)]
struct Shown {
    /// The dashboard's file.
    board: &'static str,
    title: &'static str,
    /// The end of what the series is called.
    series: &'static str,
}

/// The panel that names every reason.
const BY_REASON: (&str, &str) = ("overview.json", "Waiting, by reason");

const fn of_smscs(title: &'static str, series: &'static str) -> Option<Shown> {
    Some(Shown {
        board: "smscs.json",
        title,
        series,
    })
}

/// A cause, and what is to be said of it.
struct Case {
    /// What is wrong, for people.
    cause: &'static str,
    reason: &'static str,
    /// A word of the English sentence that tells it from others with that reason.
    word: &'static str,
    /// A panel that tells it from others with that reason, and what it calls it.
    panel: Option<Shown>,
    /// Brings it about.
    inject: fn(&str) -> (Stand, Campaign),
}

const CASES: [Case; 16] = [
    Case {
        cause: "the reseller has not looked at the first campaign of a new tenant",
        reason: "in_review",
        word: "has to look at",
        panel: None,
        inject: unseen,
    },
    Case {
        cause: "the balance does not cover the campaign",
        reason: "credit",
        word: "needs 50 credits, and 10 are available",
        panel: None,
        inject: short,
    },
    Case {
        cause: "the SMSC accepts messages and answers nothing",
        reason: "window",
        word: "does not answer",
        panel: of_smscs("State of binds", "stalled"),
        inject: silent,
    },
    Case {
        cause: "a rate of one a second",
        reason: "rate",
        word: "is given 1 segment a second",
        panel: of_smscs("Slowed down", "north by local"),
        inject: slow,
    },
    Case {
        cause: "the SMSC throttles",
        reason: "brake",
        word: "too fast",
        panel: of_smscs("Slowed down", "north by smsc"),
        inject: throttled,
    },
    Case {
        cause: "nobody listens at the SMSC's port",
        reason: "not_bound",
        word: "cannot be reached",
        panel: of_smscs("Attempts to bind", "north tcp_error"),
        inject: away,
    },
    Case {
        cause: "a wrong password",
        reason: "not_bound",
        word: "ESME_RINVPASWD",
        panel: of_smscs("Attempts to bind", "north refused"),
        inject: wrong_password,
    },
    Case {
        cause: "an operator has suspended the SMSC",
        reason: "suspended",
        word: "suspended",
        panel: of_smscs("Suspended and stopped", "north suspended"),
        inject: suspended,
    },
    Case {
        cause: "the SMSC takes nothing from the account",
        reason: "stopped",
        word: "ESME_RINVSYSID",
        panel: of_smscs("Suspended and stopped", "north stopped"),
        inject: stopped,
    },
    Case {
        cause: "the SMSC that has a part of the messages is configured no longer",
        reason: "no_route",
        word: "configured",
        panel: None,
        inject: unrouted,
    },
    Case {
        cause: "the tenant is suspended",
        reason: "tenant_suspended",
        word: "Impayé",
        panel: None,
        inject: tenant_suspended,
    },
    Case {
        cause: "the campaign is paused",
        reason: "paused",
        word: "paused",
        panel: None,
        inject: paused,
    },
    Case {
        cause: "it is night where the recipients of advertising are",
        reason: "closed_hours",
        word: "outside the hours",
        panel: None,
        inject: closed,
    },
    Case {
        cause: "an earlier message to that person is not answered",
        reason: "behind",
        word: "same person",
        panel: None,
        inject: behind,
    },
    Case {
        cause: "the SMSC refuses for now",
        reason: "retry",
        word: "tried again",
        panel: of_smscs("Tried again", "north temporary"),
        inject: refused,
    },
    Case {
        cause: "Redis is full",
        reason: "guard",
        word: "redis_lease_mark",
        panel: None,
        inject: guarded,
    },
];

#[test]
fn every_cause_is_named_within_seconds_by_api_metric_and_panel() {
    let mut lines: Vec<String> = Vec::new();
    let lab = Lab::new(programs!(), "waiting-monitoring");
    let watch = Watch::over(&lab);
    for cases in CASES.chunks(AT_ONCE) {
        let together = std::thread::scope(|scope| {
            let watch = &watch;
            let running: Vec<_> = cases
                .iter()
                .map(|case| scope.spawn(move || named(case, watch)))
                .collect();
            let ended = running.into_iter().map(|case| case.join().expect("a case that holds"));
            ended.collect::<Vec<_>>()
        });
        lines.extend(together);
    }
    println!("{}", lines.join("\n"));
    if writes() {
        write(&lines);
    }
    let committed = std::fs::read_to_string(table()).expect("docs/waiting.md");
    let missing: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !committed.lines().any(|known| known == *line))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/waiting.md lacks these lines; {WRITE}=1 writes it anew:\n{}",
        missing.join("\n")
    );
}

/// A Prometheus that watches the engines of all cases, each as a job of its own.
struct Watch {
    monitoring: Monitoring,
    boards: BTreeMap<String, Value>,
    watched: Mutex<Vec<(&'static str, String)>>,
}

impl Watch {
    fn over(lab: &Lab) -> Self {
        Self {
            monitoring: Monitoring::of(lab, &[], None),
            boards: boards(),
            watched: Mutex::default(),
        }
    }

    /// Watches the engine of a case from now on.
    fn add(&self, cause: &'static str, engine: &Engine) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.push((cause, engine.admin().address().to_owned()));
        self.monitoring.moved(&watched);
    }

    /// Whether a panel shows a series that is called so, for that job and not at 0, by its own query.
    fn shows(&self, shown: Shown, cause: &str) -> bool {
        let board = &self.boards[shown.board];
        let of_panel = |target: &Target| target.title == shown.title;
        let targets: Vec<Target> = targets(board).into_iter().filter(of_panel).collect();
        assert!(!targets.is_empty(), "{} has no panel {}", shown.board, shown.title);
        targets.iter().any(|target| {
            let chosen = |name: &str| if name == "job" { cause } else { EVERYTHING }.to_owned();
            let series = self.monitoring.series(&asked(&target.query, board, chosen));
            let series = series.expect("Prometheus answers");
            series
                .iter()
                .any(|one| one.value > 0.0 && called(&target.legend, &one.labels).ends_with(shown.series))
        })
    }
}

impl Case {
    /// The panels that name it.
    fn panels(&self) -> Vec<Shown> {
        let (board, title) = BY_REASON;
        let by_reason = Shown {
            board,
            title,
            series: self.reason,
        };
        [Some(by_reason), self.panel].into_iter().flatten().collect()
    }
}

/// As the table has it.
fn in_table(shown: &Shown) -> String {
    let board = shown.board.trim_end_matches(".json");
    format!("{board}, {}: `{}`", shown.title, shown.series)
}

/// Brings a cause about, and waits until it is named. Returns its line of the table.
fn named(case: &Case, watch: &Watch) -> String {
    let name = format!(
        "waiting-{}",
        case.cause.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
    );
    let (stand, campaign) = (case.inject)(&name[..name.len().min(40)]);
    watch.add(case.cause, &stand.engine);
    let panels = case.panels();
    let path = format!("/v1/campaigns/{}", campaign.id);
    let http = stand.tenant.http(&stand.engine);
    let waiting = |language: &str| http.in_language(language).get(&path).expect(200)["waiting"].clone();
    let what = format!("{:?} is named", case.cause);
    let mut last = Value::Null;
    let english = eventually(&what, NAMED_WITHIN, || {
        let shown = waiting("en");
        if std::mem::replace(&mut last, shown.clone()) != shown {
            println!("{}: {shown}", case.cause);
        }
        let is_it = shown["reason"] == case.reason && detail(&shown).contains(case.word);
        let is_counted = count(&stand.engine, case.reason) > 0.0;
        let is_on_panels = || panels.iter().all(|panel| watch.shows(*panel, case.cause));
        (is_it && is_counted && is_on_panels()).then_some(shown)
    });
    let french = waiting("fr");
    assert_eq!(french["reason"], case.reason, "{french}");
    // Each of these messages waits since another time.
    let is_of_each = ["behind", "retry"].contains(&case.reason);
    let is_known = english["since"].as_str().is_some_and(|since| since.ends_with('Z'));
    assert_eq!(is_known, !is_of_each, "{english}");
    let reasons = english["reasons"].as_array().expect("all reasons");
    assert_eq!(
        (&reasons[0]["reason"], &reasons[0]["messages"]),
        (&english["reason"], &english["messages"]),
        "the gravest first: {english}"
    );
    assert_adds_up(&stand.engine);
    let shown: Vec<String> = panels.iter().map(in_table).collect();
    let sentences = [&english, &french].map(|shown| without_numbers(&detail(shown)));
    format!(
        "| {} | `{}` | {} | {} | {} |",
        case.cause,
        case.reason,
        shown.join("; "),
        sentences[0],
        sentences[1]
    )
}

fn detail(waiting: &Value) -> String {
    waiting["detail"].as_str().unwrap_or_default().to_owned()
}

/// What a moment decides is left out of the table.
fn without_numbers(sentence: &str) -> String {
    let mut out = String::new();
    for letter in sentence.chars() {
        match letter.is_ascii_digit() {
            true if out.ends_with('N') => {}
            true => out.push('N'),
            false => out.push(letter),
        }
    }
    out
}

/// The samples of one look at the metrics.
fn samples(engine: &Engine) -> BTreeMap<String, f64> {
    let text = engine.admin().get("/metrics").text.clone();
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(sample)
        .collect()
}

fn sum(samples: &BTreeMap<String, f64>, metric: &str) -> f64 {
    let of = samples.iter().filter(|(name, _)| name.starts_with(metric));
    of.map(|(_, value)| value).sum()
}

fn count(engine: &Engine, reason: &str) -> f64 {
    sum(
        &samples(engine),
        &format!("campanile_waiting_messages{{reason=\"{reason}\"}}"),
    )
}

/// Every message that waits has one reason, and none has two.
fn assert_adds_up(engine: &Engine) {
    let samples = samples(engine);
    let waiting = sum(&samples, "campanile_waiting_messages{");
    let unqueued: f64 = ["in_review", "credit"]
        .iter()
        .map(|reason| sum(&samples, &format!("campanile_waiting_messages{{reason=\"{reason}\"}}")))
        .sum();
    let backlog = sum(&samples, "campanile_queue_messages{") + sum(&samples, "campanile_queue_deferred_messages{");
    assert_eq!(waiting - unqueued, backlog, "reasons and backlog of one scrape");
    assert!(waiting > 0.0);
    assert!(sum(&samples, "campanile_queue_oldest_age_seconds{lane=\"transactional\"}") >= 0.0);
}

/// The first campaigns of a tenant that has credits to try it alone.
fn unseen(name: &str) -> (Stand, Campaign) {
    let mut stand = Stand::new(programs!(), name, "", |smsc| smsc);
    let operator = stand.engine.operator();
    let reseller = operator.post("/v1/resellers", &json!({ "name": "Réseau" })).expect(201);
    let credits = format!("/v1/resellers/{}/credits", text(&reseller["id"]));
    operator.post(&credits, &json!({ "amount": 1_000 })).expect(201);
    let http = stand.engine.public().with_key(&text(&reseller["api_key"]));
    let tenant = json!({ "name": "Cabinet Martin", "trial_credits": 100 });
    let tenant = http.post("/v1/tenants", &tenant).expect(201);
    stand.tenant = stand.engine.tenant_of(&tenant);
    let campaign = stand.launch(50);
    (stand, campaign)
}

fn short(name: &str) -> (Stand, Campaign) {
    let mut stand = Stand::new(programs!(), name, "", |smsc| smsc);
    stand.tenant = stand.engine.tenant("Cabinet Petit", 10);
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(50));
    campaign.ask(&stand.engine, "launch").expect(402);
    (stand, campaign)
}

fn silent(name: &str) -> (Stand, Campaign) {
    let stand = Stand::new(programs!(), name, ACCEPTS_AND_ANSWERS_NOTHING, |smsc| smsc);
    let campaign = stand.launch(500);
    eventually("the SMSC is shown as stalled", NAMED_WITHIN, || {
        let smscs = stand.engine.admin().get("/v1/smscs").expect(200);
        let binds = stand.engine.admin().get("/v1/binds").expect(200);
        let stalled = |shown: &Value| shown["data"][0]["state"] == "stalled";
        (stalled(&smscs) && stalled(&binds)).then_some(())
    });
    eventually(
        "a window is on the wire, and the rest in the queue",
        NAMED_WITHIN,
        || {
            let samples = samples(&stand.engine);
            let of = |metric| sum(&samples, metric);
            let shown = [of("campanile_window_in_flight{"), of("campanile_queue_messages{")];
            (shown == [100.0, 400.0]).then_some(())
        },
    );
    (stand, campaign)
}

fn slow(name: &str) -> (Stand, Campaign) {
    let stand = Stand::new(programs!(), name, "", |smsc| smsc.line("rate = \"1/s\""));
    let campaign = stand.launch(200);
    eventually("the rate is counted as what holds it", NAMED_WITHIN, || {
        let held = sum(&samples(&stand.engine), "campanile_throttled_total{by=\"local\"");
        (held > 0.0).then_some(())
    });
    (stand, campaign)
}

fn throttled(name: &str) -> (Stand, Campaign) {
    let account = "[[account]]\nsystem_id = \"campanile\"\nrate = \"5/s\"\n";
    let stand = Stand::new(programs!(), name, account, |smsc| smsc);
    let campaign = stand.launch(2_000);
    (stand, campaign)
}

fn away(name: &str) -> (Stand, Campaign) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let stand = Stand::new(programs!(), name, "", |smsc| smsc.at(&address));
    let campaign = stand.launch(50);
    let log = || stand.engine.process().last_words();
    eventually("the log says which address it is", NAMED_WITHIN, || {
        log().contains(&format!("cannot connect to {address}")).then_some(())
    });
    let smscs = stand.engine.admin().get("/v1/smscs").expect(200);
    let north = &smscs["data"][0];
    assert_eq!(
        (&north["state"], &north["binds"]["bound"], &north["binds"]["configured"]),
        (&json!("not_bound"), &json!(0), &json!(1)),
        "{north}"
    );
    (stand, campaign)
}

fn wrong_password(name: &str) -> (Stand, Campaign) {
    let account = "[[account]]\nsystem_id = \"campanile\"\npassword = \"another\"\n";
    let stand = Stand::new(programs!(), name, account, |smsc| smsc);
    let campaign = stand.launch(50);
    (stand, campaign)
}

fn suspended(name: &str) -> (Stand, Campaign) {
    let stand = Stand::new(programs!(), name, "", |smsc| smsc);
    stand
        .engine
        .admin()
        .post("/v1/smscs/north/suspend", &Value::Null)
        .expect(200);
    let campaign = stand.launch(50);
    (stand, campaign)
}

fn stopped(name: &str) -> (Stand, Campaign) {
    let stand = Stand::new(
        programs!(),
        name,
        "[faults]\nrefuse = { status = \"ESME_RINVSYSID\" }\n",
        |smsc| smsc,
    );
    let campaign = stand.launch(50);
    (stand, campaign)
}

fn unrouted(name: &str) -> (Stand, Campaign) {
    let scenario = "[faults]\nrefuse = { status = \"ESME_RSYSERR\", segment = 2 }\n";
    let lab = Lab::new(programs!(), name);
    let stand = Stand::under(lab, scenario, |redis, sim| {
        settings(redis.url(), sim.smpp_address(), "north")
    });
    let order = CampaignOrder::to_first(20).with("text", json!("Cabinet Martin. ".repeat(15)));
    let campaign = stand.tenant.order(&stand.engine, &order);
    stand.sim.wait_for("accepted", 20, NAMED_WITHIN);
    stand
        .engine
        .configure(&settings(stand.redis.url(), stand.sim.smpp_address(), "south"));
    stand.engine.reload().expect(200);
    (stand, campaign)
}

fn settings(redis: String, address: &str, smsc: &str) -> EngineSettings {
    EngineSettings::new(Some(redis), vec![SmscSettings::new(smsc, address)])
}

fn tenant_suspended(name: &str) -> (Stand, Campaign) {
    let stand = Stand::new(programs!(), name, "", |smsc| smsc.line("rate = \"1/s\""));
    let campaign = stand.launch(50);
    let path = format!("/v1/tenants/{}/suspend", stand.tenant.id);
    stand
        .engine
        .operator()
        .post(&path, &json!({ "reason": "Impayé" }))
        .expect(200);
    (stand, campaign)
}

fn paused(name: &str) -> (Stand, Campaign) {
    let stand = Stand::new(programs!(), name, "", |smsc| smsc.line("rate = \"1/s\""));
    let campaign = stand.launch(50);
    campaign.ask(&stand.engine, "pause").expect(200);
    (stand, campaign)
}

/// The campaign is launched at ten in the evening of Paris: engine, Redis and simulator live then.
fn closed(name: &str) -> (Stand, Campaign) {
    let lab = Lab::new(programs!(), name);
    lab.live_at("2026-11-27T21:00:00Z");
    let stand = Stand::under(lab, "", |redis, sim| EngineSettings {
        rules: Some(vec!["fr-seed".to_owned()]),
        ..settings(redis.url(), sim.smpp_address(), "north")
    });
    let order = CampaignOrder::to_first(50).with("purpose", json!("marketing"));
    let campaign = stand.tenant.order(&stand.engine, &order);
    (stand, campaign)
}

fn behind(name: &str) -> (Stand, Campaign) {
    let stand = Stand::new(programs!(), name, ACCEPTS_AND_ANSWERS_NOTHING, |smsc| smsc);
    stand.launch(1);
    stand.sim.wait_for("submits", 1, NAMED_WITHIN);
    let campaign = stand.launch(1);
    (stand, campaign)
}

fn refused(name: &str) -> (Stand, Campaign) {
    let stand = Stand::new(
        programs!(),
        name,
        "[faults]\nrefuse = { status = \"ESME_RSYSERR\" }\n",
        |smsc| smsc,
    );
    let campaign = stand.launch(50);
    (stand, campaign)
}

fn guarded(name: &str) -> (Stand, Campaign) {
    let stand = Stand::new(programs!(), name, "", |smsc| smsc.line("rate = \"1/s\""));
    let campaign = stand.launch(50);
    stand.sim.wait_for("accepted", 1, NAMED_WITHIN);
    stand.redis.set("maxmemory", "1mb");
    (stand, campaign)
}

#[test]
fn since_is_when_they_began_to_wait_for_that() {
    let (stand, campaign) = slow("waiting-since");
    let (path, http) = (
        format!("/v1/campaigns/{}", campaign.id),
        stand.tenant.http(&stand.engine),
    );
    let since = |reason: &str| -> jiff::Timestamp {
        eventually(&format!("it waits for {reason}"), NAMED_WITHIN, || {
            let waiting = http.get(&path).expect(200)["waiting"].clone();
            let is_it = waiting["reason"] == reason;
            is_it.then(|| waiting["since"].as_str().and_then(|since| since.parse().ok()))?
        })
    };
    let smsc = |act: &str| {
        stand
            .engine
            .admin()
            .post(&format!("/v1/smscs/north/{act}"), &json!({}))
            .expect(200)
    };
    let launched = since("rate");
    campaign.ask(&stand.engine, "pause").expect(200);
    let paused = since("paused");
    campaign.ask(&stand.engine, "resume").expect(200);
    let resumed = since("rate");
    smsc("suspend");
    let suspended = since("suspended");
    smsc("resume");
    let back = since("rate");
    let order = [launched, paused, resumed, suspended, back];
    assert!(order.is_sorted(), "{order:?}");
    assert!(resumed > launched && back > suspended, "{order:?}");
}

#[test]
fn the_table_has_each_cause_once_in_order() {
    let committed = std::fs::read_to_string(table()).expect("docs/waiting.md");
    let listed: Vec<&str> = committed
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(" | `"))
        .filter_map(|line| line.split(" | ").next()?.strip_prefix("| "))
        .collect();
    assert_eq!(listed, CASES.map(|case| case.cause), "docs/waiting.md");
}

/// The committed table.
fn table() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/waiting.md")
}

#[allow(clippy::disallowed_methods, reason = "who runs the test says so, and no program")]
fn writes() -> bool {
    std::env::var(WRITE).is_ok()
}

/// Puts these lines in place of those that the table has.
fn write(lines: &[String]) {
    let text = std::fs::read_to_string(table()).expect("docs/waiting.md");
    let begin = text.find("|---").expect("the table's head");
    let head_ends = text[begin..].find('\n').map_or(text.len(), |at| begin + at + 1);
    let written = format!("{}{}\n", &text[..head_ends], lines.join("\n"));
    std::fs::write(table(), written).expect("write docs/waiting.md");
}
