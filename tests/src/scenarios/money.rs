//! Credits under kills: granted, moved between a reseller and its tenants, held, billed, given back; by requests that are repeated until
//! they are answered. The books balance in Redis at every instant, and SQL has the same once it has caught up.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use super::Dice;
use super::ground::{Ground, LIMIT, Terms};
use super::run::{Figures, Run, Scenario};
use crate::engine::Engine;
use crate::http::Http;
use crate::tenant::{Tenant, recipients};
use crate::wait::eventually;

/// All of this file.
pub const ALL: &[Scenario] = &[MONEY];

/// Engine and Redis are killed while credits move.
pub const MONEY: Scenario = Scenario::new("money", money);

/// Who is killed, and after how many commands of Redis.
type Kill = (&'static str, u64);

/// Some of each end: billed, not billed, billed and given back.
const SCENARIO: &str = r#"
[answer]
delay = { uniform = ["1ms", "20ms"] }
[receipt]
delay = { uniform = ["0s", "100ms"] }

[[outcome]]
name = "delivered"
weight = 80

[[outcome]]
name = "undelivered"
weight = 8
stat = "UNDELIV"
err = "027"

[[outcome]]
name = "refused"
weight = 6
answer = "ESME_RINVDSTADR"

[[outcome]]
name = "given_back"
weight = 6
stat = "REJECTD"
err = "063"
"#;

const GIVES_BACK: &str = "receipts = [{ stat = \"REJECTD\", err = \"063\", status = \"recredited\", recredit = true }]";

/// What is done in one run.
const STEPS: u64 = 20;

/// What the reseller begins with.
const STOCK: u64 = 2_000;

/// Tenants that the reseller may have.
const TENANTS_MAX: usize = 4;

/// Commands that Redis carries out between the begin of a request and a kill: some requests take fewer.
const COMMANDS: std::ops::RangeInclusive<u64> = 1..=60;

/// An engine that is killed leaves that many in doubt at most.
const WINDOW: u64 = 100;

/// Something that moves credits.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// By the operator, to the tenant that has no reseller.
    Grant,
    /// By the operator, to the reseller.
    Stock,
    Give,
    TakeBack,
    /// Another tenant, with its first credits.
    Trial,
    Campaign,
    Message,
    Cancel,
}

/// Campaigns and messages come more often than the rest.
const MIX: [Step; 11] = [
    Step::Grant,
    Step::Stock,
    Step::Give,
    Step::Give,
    Step::TakeBack,
    Step::Trial,
    Step::Campaign,
    Step::Campaign,
    Step::Message,
    Step::Message,
    Step::Cancel,
];

/// A request that is repeated until it is answered.
struct Request {
    /// Who asks: the operator, the reseller or a tenant, by its key.
    key: String,
    /// Once, however often it is asked.
    once: String,
    path: String,
    body: Value,
}

impl Request {
    /// `None`: there was no answer, or one to try again.
    fn ask(&self, http: &Http) -> Option<(u16, Value)> {
        let http = http.with_key(&self.key).once(&self.once);
        let answer = http.try_post_bytes(&self.path, self.body.to_string().as_bytes()).ok()?;
        match answer.status {
            429 | 503 => None,
            // It is being done.
            409 if answer.text.contains("operation_running") => None,
            status => Some((status, answer.json())),
        }
    }
}

/// What should be there, by what was answered.
struct Books {
    ground: Ground,
    reseller: (String, String),
    /// The first has no reseller; with what was granted to each, as far as it was not taken back.
    tenants: Vec<(Tenant, u64)>,
    /// Of the reseller: what the operator has given, and what is with its tenants.
    stocked: u64,
    lent: u64,
    campaigns: Vec<(Tenant, String)>,
    killed: BTreeMap<&'static str, u64>,
}

fn money(run: &Run) -> Figures {
    let mut dice = run.dice();
    let ground = Ground::new(run, &Terms::new(SCENARIO).line(GIVES_BACK));
    let mut books = Books::new(ground);
    let watch = Watch::default();
    let address = books.ground.stand.redis.url();
    let looks = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch.look(&address, &run.context()));
        let ends = Ends(&watch);
        for number in 0..STEPS {
            books.step(&mut dice, number);
        }
        drop(ends);
        watching.join().expect("the books balance at every instant")
    });
    books.assert_balanced();
    let of = |victim: &str| books.killed.get(victim).copied().unwrap_or(0);
    Figures::from([
        ("engine killed", of("engine")),
        ("redis killed", of("redis")),
        ("tenants", books.tenants.len() as u64),
        ("campaigns", books.campaigns.len() as u64),
        ("looks", looks),
    ])
}

/// Looks at the books in Redis all the time.
#[derive(Default)]
struct Watch {
    ended: AtomicBool,
    looks: AtomicU64,
}

/// Ends it, also when what it watches has failed.
struct Ends<'a>(&'a Watch);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Relaxed);
    }
}

impl Watch {
    /// Until the end; returns how often it has looked.
    fn look(&self, address: &str, context: &str) -> u64 {
        let client = redis::Client::open(address).expect("an address");
        let mut connection = None;
        while !self.ended.load(Ordering::Relaxed) {
            // A Redis that is being killed is asked again.
            let mut found = connection.take().or_else(|| client.get_connection().ok());
            let seen = found.as_mut().and_then(|connection| balances(connection).ok());
            let Some(seen) = seen else {
                std::thread::yield_now();
                continue;
            };
            connection = found;
            self.looks.fetch_add(1, Ordering::Relaxed);
            for (tenant, [granted, available, held, spent]) in seen {
                assert_eq!(granted, available + held + spent, "{context}: tenant {tenant}");
            }
        }
        self.looks.load(Ordering::Relaxed)
    }
}

/// What Redis has of each tenant: granted, available, held, spent, as of one instant each. It waits for a key that nobody makes first,
/// so that there is room for others.
fn balances(connection: &mut redis::Connection) -> redis::RedisResult<Vec<(u64, [u64; 4])>> {
    redis::cmd("BLPOP").arg("nobody").arg(0.003).exec(connection)?;
    let tenants: Vec<u64> = redis::cmd("LRANGE").arg("c:tenants").arg(0).arg(-1).query(connection)?;
    let mut all = Vec::new();
    for tenant in tenants {
        let mut get = redis::cmd("HMGET");
        get.arg(format!("c:{{t{tenant}}}:tenant"));
        let fields = ["granted", "available", "held", "spent"];
        let read: Vec<Option<u64>> = get.arg(&fields).query(connection)?;
        let mut of = [0; 4];
        of.iter_mut().zip(read).for_each(|(of, read)| *of = read.unwrap_or(0));
        all.push((tenant, of));
    }
    Ok(all)
}

impl Books {
    fn new(mut ground: Ground) -> Self {
        ground.stand.redis.sync_always();
        let operator = ground.stand.engine.operator();
        let made = operator
            .post("/v1/resellers", &json!({ "name": "Ostéo Réseau" }))
            .expect(201);
        let text = |field: &str| made[field].as_str().expect("a text").to_owned();
        let reseller = (text("id"), text("api_key"));
        let credits = ground.stand.engine.credits(&ground.stand.tenant).granted;
        let first = (ground.stand.tenant.clone(), credits);
        let mut books = Self {
            ground,
            reseller,
            tenants: vec![first],
            stocked: 0,
            lent: 0,
            campaigns: Vec::new(),
            killed: BTreeMap::new(),
        };
        let stock = books.of_operator("first", &format!("/v1/resellers/{}/credits", books.reseller.0), STOCK);
        books.answered(&stock, None);
        books.stocked += STOCK;
        books
    }

    fn engine(&self) -> &Engine {
        &self.ground.stand.engine
    }

    fn of_operator(&self, once: &str, path: &str, credits: u64) -> Request {
        Request {
            key: self.engine().operator_key().to_owned(),
            once: once.to_owned(),
            path: path.to_owned(),
            body: json!({ "amount": credits, "reference": once }),
        }
    }

    fn of_reseller(&self, once: &str, path: &str, body: Value) -> Request {
        Request {
            key: self.reseller.1.clone(),
            once: once.to_owned(),
            path: path.to_owned(),
            body,
        }
    }

    fn step(&mut self, dice: &mut Dice, number: u64) {
        let (step, once) = (dice.pick(&MIX), format!("step-{number}"));
        let credits = dice.roll(1..=400);
        // One of the reseller's, where it has any.
        let hosted = (self.tenants.len() > 1).then(|| 1 + dice.roll(0..=self.tenants.len() as u64 - 2) as usize);
        let any = dice.roll(0..=self.tenants.len() as u64 - 1) as usize;
        let kill = (dice.roll(0..=2) == 0).then(|| {
            let victim = dice.pick(&["engine", "engine", "redis"]);
            (victim, dice.roll(COMMANDS))
        });
        match (step, hosted) {
            (Step::Grant, _) => {
                let path = format!("/v1/tenants/{}/credits", self.tenants[0].0.id);
                let request = self.of_operator(&once, &path, credits);
                if self.answered(&request, kill).is_some() {
                    self.tenants[0].1 += credits;
                }
            }
            (Step::Stock, _) => {
                let path = format!("/v1/resellers/{}/credits", self.reseller.0);
                let request = self.of_operator(&once, &path, credits);
                if self.answered(&request, kill).is_some() {
                    self.stocked += credits;
                }
            }
            (Step::Trial, _) | (Step::Give | Step::TakeBack, None) => {
                if self.tenants.len() < TENANTS_MAX {
                    self.enrol((&once, credits), kill);
                }
            }
            (Step::Give, Some(at)) => self.give((&once, credits), at, kill),
            (Step::TakeBack, Some(at)) => self.take_back((&once, credits), at, kill),
            (Step::Campaign, _) => self.launch((&once, dice.roll(5..=60) as usize), any, kill),
            (Step::Message, _) => self.send(&once, any, kill),
            (Step::Cancel, _) => self.cancel(dice, &once, kill),
        }
    }

    fn enrol(&mut self, (once, credits): (&str, u64), kill: Option<Kill>) {
        let body = json!({ "name": once, "trial_credits": credits });
        let request = self.of_reseller(once, "/v1/tenants", body);
        if let Some(made) = self.answered(&request, kill) {
            let tenant = self.engine().tenant_of(&made);
            self.tenants.push((tenant, credits));
            self.lent += credits;
        }
    }

    fn give(&mut self, (once, credits): (&str, u64), at: usize, kill: Option<Kill>) {
        let path = format!("/v1/tenants/{}/credits", self.tenants[at].0.id);
        let body = json!({ "amount": credits, "reference": once });
        let request = self.of_reseller(once, &path, body);
        if self.answered(&request, kill).is_some() {
            self.tenants[at].1 += credits;
            self.lent += credits;
        }
    }

    fn take_back(&mut self, (once, credits): (&str, u64), at: usize, kill: Option<Kill>) {
        let path = format!("/v1/tenants/{}/withdrawals", self.tenants[at].0.id);
        let body = json!({ "amount": credits, "reference": once });
        let request = self.of_reseller(once, &path, body);
        if self.answered(&request, kill).is_some() {
            self.tenants[at].1 -= credits;
            self.lent -= credits;
        }
    }

    fn launch(&mut self, (once, count): (&str, usize), at: usize, kill: Option<Kill>) {
        let tenant = self.tenants[at].0.clone();
        let recipients: Vec<Value> = recipients(count).map(|to| json!({ "to": to })).collect();
        let order = json!({
            "name": once, "text": "Bonjour", "sender": "Lilas", "purpose": "transactional",
            "audience": { "recipients": recipients },
        });
        let draft = Request {
            key: tenant.key.clone(),
            once: format!("{once}-draft"),
            path: "/v1/campaigns".to_owned(),
            body: order,
        };
        let made = self.answered(&draft, None).expect("a draft costs nothing");
        let id = made["id"].as_str().expect("an id").to_owned();
        let launch = Request {
            key: tenant.key.clone(),
            once: once.to_owned(),
            path: format!("/v1/campaigns/{id}/launch"),
            body: Value::Null,
        };
        self.answered(&launch, kill);
        self.campaigns.push((tenant, id));
    }

    fn send(&mut self, once: &str, at: usize, kill: Option<Kill>) {
        let request = Request {
            key: self.tenants[at].0.key.clone(),
            once: once.to_owned(),
            path: "/v1/messages".to_owned(),
            body: json!({ "to": "+33612000001", "text": once, "sender": "Lilas" }),
        };
        self.answered(&request, kill);
    }

    fn cancel(&mut self, dice: &mut Dice, once: &str, kill: Option<Kill>) {
        let Some(last) = (self.campaigns.len() as u64).checked_sub(1) else {
            return;
        };
        let (tenant, id) = self.campaigns[dice.roll(0..=last) as usize].clone();
        let request = Request {
            key: tenant.key.clone(),
            once: once.to_owned(),
            path: format!("/v1/campaigns/{id}/cancel"),
            body: Value::Null,
        };
        self.answered(&request, kill);
    }

    /// Asks until there is an answer, with a kill in the middle of the first try; the answer, if it is a good one.
    fn answered(&mut self, request: &Request, kill: Option<Kill>) -> Option<Value> {
        if let Some((victim, commands)) = kill {
            *self.killed.entry(victim).or_default() += 1;
            let ground = &self.ground;
            let http = self.engine().public();
            let done = AtomicBool::new(false);
            let begun = carried_out(ground);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let _whatever_came = request.ask(&http);
                    done.store(true, Ordering::Relaxed);
                });
                ground.eventually("Redis has done so much, or all", || {
                    let enough = carried_out(ground) >= begun + commands;
                    (enough || done.load(Ordering::Relaxed)).then_some(())
                });
                match victim {
                    "engine" => ground.stand.engine.kill(),
                    _ => ground.stand.redis.kill(),
                }
            });
            match victim {
                "engine" => self.ground.stand.engine.restart(),
                _ => self.ground.stand.redis.restart(),
            }
        }
        let what = format!("{}: {} is answered", self.ground.context, request.path);
        let (status, body) = eventually(&what, LIMIT, || request.ask(&self.engine().public()));
        match status {
            200..300 => Some(body),
            // There are not enough, or the campaign has ended.
            402 | 409 | 422 => None,
            _ => panic!("{what}: {status} {body}"),
        }
    }

    fn assert_balanced(&self) {
        // A Redis that was killed last is reached again, over whichever connection.
        for (tenant, _) in &self.tenants {
            let http = tenant.http(self.engine());
            for path in ["/v1/tenant", "/v1/campaigns", "/v1/ledger"] {
                let what = format!("{path} is answered");
                self.ground
                    .eventually(&what, || (http.get(path).status == 200).then_some(()));
            }
        }
        for (tenant, id) in &self.campaigns {
            let campaign = tenant.campaign(id);
            let view = campaign.view(self.engine());
            // One that was never launched has nothing under way.
            if view.progress.queued > 0 || view.status("transmitted") > 0 {
                self.ground.wait_until_ended(&campaign, 1);
            }
        }
        let mut billed = 0;
        for (tenant, granted) in &self.tenants {
            let spent = self.assert_tenant(tenant, *granted);
            billed += spent;
        }
        self.assert_reseller();
        let imbalance = self
            .engine()
            .metric(|line| line.starts_with("campanile_ledger_imbalance"));
        assert_eq!(imbalance, 0.0, "{}", self.ground.context);
        self.assert_billed_is_what_was_taken(billed);
    }

    /// What SQL has of a tenant is what Redis has, and what was granted. Returns what was billed, be it given back or not.
    fn assert_tenant(&self, tenant: &Tenant, granted: u64) -> u64 {
        let what = format!("SQL and Redis have the same of {}", tenant.id);
        self.ground.eventually(&what, || {
            let credits = self.engine().credits(tenant);
            let lines = self.lines(tenant);
            let of = |kind: &str| lines.get(kind).copied().unwrap_or(0);
            let in_sql = (of("grant") - of("withdraw"), of("debit") - of("recredit"));
            assert_eq!(credits.granted, granted, "{}: {}", self.ground.context, tenant.id);
            assert_eq!(credits.imbalance(), 0, "{}: {credits:?}", self.ground.context);
            (in_sql == (credits.granted, credits.spent)).then(|| of("debit"))
        })
    }

    /// Sums of a tenant's ledger, as SQL has it.
    fn lines(&self, tenant: &Tenant) -> HashMap<String, u64> {
        let http = tenant.http(self.engine());
        sums(|cursor| http.get(&format!("/v1/ledger?limit=500{cursor}")).expect(200))
    }

    fn assert_reseller(&self) {
        let (id, key) = &self.reseller;
        let http = self.engine().public().with_key(key);
        let what = "what a reseller moved is with its tenants";
        self.ground.eventually(what, || {
            let credits = http.get(&format!("/v1/resellers/{id}")).expect(200)["credits"].clone();
            let lines = sums(|cursor| {
                let path = format!("/v1/resellers/{id}/ledger?limit=500{cursor}");
                http.get(&path).expect(200)
            });
            let of = |kind: &str| lines.get(kind).copied().unwrap_or(0);
            let left = (self.stocked, self.stocked - self.lent);
            let shown = |field: &str| credits[field].as_u64().expect("a count");
            let is_so = (shown("granted"), shown("available")) == left
                && (of("grant"), of("give") - of("take_back")) == (self.stocked, self.lent);
            is_so.then_some(())
        });
        let with_tenants: u64 = self.tenants[1..].iter().map(|(_, granted)| granted).sum();
        assert_eq!(with_tenants, self.lent, "{}", self.ground.context);
    }

    /// Each segment that the SMSC took was billed once; not yet, where an engine died before it had its answer.
    fn assert_billed_is_what_was_taken(&self, billed: u64) {
        let taken = self.ground.stand.sim.totals().accepted;
        let kills = self.killed.get("engine").copied().unwrap_or(0);
        assert!(
            billed <= taken && taken - billed <= kills * WINDOW,
            "{}: {taken} were taken, and {billed} billed",
            self.ground.context
        );
    }
}

/// Credits of all lines of a ledger, by kind.
fn sums(page: impl Fn(&str) -> Value) -> HashMap<String, u64> {
    let (mut sums, mut cursor) = (HashMap::new(), String::new());
    loop {
        let shown = page(&cursor);
        for line in shown["data"].as_array().expect("a list") {
            let kind = line["type"].as_str().expect("a kind").to_owned();
            *sums.entry(kind).or_default() += line["credits"].as_u64().expect("a count");
        }
        match shown["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return sums,
        }
    }
}

/// Commands that Redis has carried out; 0 while it is away.
fn carried_out(ground: &Ground) -> u64 {
    let info = || {
        let mut connection = ground.stand.redis.connect().ok()?;
        let info: String = redis::cmd("INFO").arg("stats").query(&mut connection).ok()?;
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("total_commands_processed:"))?;
        line.trim().parse().ok()
    };
    info().unwrap_or(0)
}
