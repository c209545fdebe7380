//! What the operator decides: a TOML file, with the environment over it, read into plain values.
//!
//! Every fault is found at once and says its file, line, key and what is allowed. Nothing else in the program reads the
//! file or the environment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use kit::settings::{Given, Source, Table};

mod answers;
mod console;
mod line_file;
mod log;
mod route;
mod rules;
mod envelope;
mod pack;
mod price;
mod link;
mod links;
mod preset;
mod effective;
mod number;
mod smsc;
mod tls;
mod difference;
mod traces;
mod listener;
mod database;
mod encryption;
mod redis_address;
mod redis_server;
mod url;
mod value;
mod history;
mod webhooks;
mod written;
#[cfg(test)]
mod tests;

pub(crate) use answers::{Again, AnswerMeaning, Terms};
pub(crate) use console::{Console, count, time};
pub(crate) use database::Database;
pub(crate) use difference::Others;
pub(crate) use effective::{Origin, Setting, settings};
pub(crate) use encryption::Encryption;
pub(crate) use envelope::{Envelope, TimeForm};
pub(crate) use history::History;
pub(crate) use kit::settings::Faults;
pub(crate) use line_file::LineFile;
#[cfg(test)]
pub(crate) use link::Link;
pub(crate) use link::{Directions, host_of};
pub(crate) use links::Links;
pub(crate) use listener::ListenerTls;
pub(crate) use log::{Directives, Log, LogFormat, rust_log};
pub(crate) use number::{Number, OwnNumber};
pub(crate) use pack::recalled_pack;
pub(crate) use preset::unknown as unknown_preset;
pub(crate) use price::{Currency, Micros, PriceList};
pub(crate) use redis_address::{Arrangement, RedisAddress, RedisTls};
pub(crate) use redis_server::Redis;
pub(crate) use route::{Choice, Prefer, Route};
pub(crate) use rules::Rules;
pub(crate) use smsc::{LongReceipts, ReceiptRule, Smsc};
pub(crate) use tls::{Tls, certificate_expiry, certificate_fault, pem_fault};
pub(crate) use traces::Traces;
pub(crate) use value::{Rate, Secret};
pub(crate) use webhooks::Webhooks;

use crate::domain::Countries;
use difference::Said;

/// What an environment variable that overrides a key begins with: `CAMPANILE__REDIS__URL` is `redis.url`.
const ENVIRONMENT_PREFIX: &str = "CAMPANILE";

/// A configuration file longer than this is not one.
const FILE_OCTETS_MAX: u64 = 1 << 20;

/// More SMSC accounts than one process can keep bound with their windows within its memory budget.
pub(crate) const SMSC_MAX: usize = 64;

/// More connections than one process has file descriptors for.
const CONNECTIONS_MAX: u32 = 65_536;

/// Each is remembered for as long as it counts, for every address.
const WRONG_KEYS_MAX: u32 = 100;

/// Every request, and every webhook, looks through all of them.
const NETWORKS_MAX: usize = 64;

/// The most recipients that one campaign may be allowed.
const RECIPIENTS_MAX: u32 = 10_000_000;

/// Each has some ten series.
const TENANTS_SHOWN_MAX: u32 = 10_000;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The whole configuration of one engine. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Config {
    /// `[api]`: where resellers and tenants ask.
    pub(crate) api: Api,
    /// `[admin]`: where operators ask, and metrics and health are read.
    pub(crate) admin: Admin,
    /// `[redis]`: where all live work is kept.
    pub(crate) redis: Redis,
    /// `[database]`: where people are kept.
    pub(crate) database: Database,
    /// `[encryption]`: what texts are encrypted with where they are kept.
    pub(crate) encryption: Encryption,
    /// `[engine]`: how messages are treated.
    pub(crate) engine: Engine,
    /// `[metrics]`: what is shown by itself.
    pub(crate) metrics: Metrics,
    /// `[retention]`: how long what is over is kept.
    pub(crate) retention: Retention,
    /// `[rules]`: when advertising may be sent.
    pub(crate) rules: Rules,
    /// `[log]`: what the engine says of itself.
    pub(crate) log: Log,
    /// `[audit]`: where acts of administration are kept.
    pub(crate) audit: LineFile,
    /// `[message_log]`: where it is kept what happened to messages.
    pub(crate) message_log: LineFile,
    /// `[traces]`: where spans go.
    pub(crate) traces: Traces,
    /// `[history]`: what became of messages.
    pub(crate) history: History,
    /// `[webhooks]`: how receivers are told of events.
    pub(crate) webhooks: Webhooks,
    /// `[links]`: where short links are answered.
    pub(crate) links: Links,
    /// `[[smsc]]`: the accounts that we bind to; at least one.
    pub(crate) smsc: Vec<Arc<Smsc>>,
    /// `[[route]]`: which messages go to which of them, the first that fits. None: every SMSC takes what its `prefixes` say.
    pub(crate) route: Vec<Route>,
    /// `[[number]]`: which of our numbers belongs to which tenant. Default: nobody's.
    pub(crate) number: Vec<Number>,
    /// What the file says, key by key.
    said: Said,
}

/// `[api]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Api {
    /// `listen`: where the API listens. Default `127.0.0.1:8080`.
    pub(crate) listen: SocketAddr,
    /// `operator_key_file`: the file that holds the operator key. Default: a key is made at the first start.
    pub(crate) operator_key_file: Option<PathBuf>,
    /// `body_max`: the longest body of a campaign, in octets. Default 256 MiB: a million recipients with some variables.
    pub(crate) body_max: u64,
    /// `recipients_max`: the most recipients of one campaign. Default 1,000,000.
    pub(crate) recipients_max: u32,
    /// `connections_max`: connections at once; each has a file descriptor and some 20 KB. Default 2,048.
    pub(crate) connections_max: u32,
    /// `address_connections_max`: those of one IPv4 address or /64 of IPv6; behind a trusted proxy, its requests at once.
    /// Default 256.
    pub(crate) address_connections_max: u32,
    /// `tenant_requests_max`: requests of one tenant at once. Default 128.
    pub(crate) tenant_requests_max: u32,
    /// `tenant_uploads_max`: campaigns that one tenant may be sending at once. Default 8.
    pub(crate) tenant_uploads_max: u32,
    /// `wrong_keys_max`: the wrong keys that one address may try within `wrong_keys_within`. Default 10.
    pub(crate) wrong_keys_max: u32,
    /// `wrong_keys_within`: see `wrong_keys_max`. Default 1 min.
    pub(crate) wrong_keys_within: Duration,
    /// `trusted_proxies`: whose `X-Forwarded-For` is believed. Default: nobody's.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// `tls`: what it shows, and whom it lets in. Default: plain HTTP.
    pub(crate) tls: Option<ListenerTls>,
}

/// `[admin]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admin {
    /// `listen`: where `/metrics`, health and operators' calls are served. Default `127.0.0.1:9090`.
    pub(crate) listen: SocketAddr,
    /// `tls`: as of `[api]`, and how our commands trust it. Default: plain HTTP.
    pub(crate) tls: Option<ListenerTls>,
}

/// `[engine]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    /// `shutdown_timeout`: how long windows may take to empty when the engine is told to stop. Default 30 s.
    pub(crate) shutdown_timeout: Duration,
    /// `in_doubt`: what becomes of a message that was written and never answered. Default `hold`.
    pub(crate) in_doubt: InDoubt,
    /// `receipt_timeout`: how long a receipt is waited for. Default 72 h, what most carriers try for.
    pub(crate) receipt_timeout: Duration,
    /// `receipt_overdue`: after so long a receipt that did not come counts as missing: how long messages are valid, and some
    /// grace. Shorter than `receipt_timeout`. Default 25 h, or three quarters of that where it is less.
    pub(crate) receipt_overdue: Duration,
    /// `failover_after`: how long an SMSC may be without a session that takes messages before those of the next priority
    /// take over; and how long it has to have one again before it takes them back. Default 5 s.
    pub(crate) failover_after: Duration,
    /// `countries`: whose numbers are taken at all. Default: all.
    pub(crate) countries: Countries,
    /// `stop_number`: where people write STOP to. Default: none, and no clause is added to texts.
    pub(crate) stop_number: Option<String>,
    /// `protected_senders`: names that no sender may look like, beside those that everybody knows. Default: none.
    pub(crate) protected_senders: Vec<String>,
    /// `generic_senders`: names that say nothing of who writes, beside those that operators block. Default: none.
    pub(crate) generic_senders: Vec<String>,
}

/// `[metrics]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metrics {
    /// `tenants`: how many tenants have labels of their own, the first that are seen; the rest is `_other`. Default 500.
    pub(crate) tenants: usize,
}

/// `[retention]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retention {
    /// `campaigns`: how long a campaign's recipients and results stay in Redis after it has ended; longer than
    /// `engine.receipt_timeout`. Default 30 days.
    pub(crate) campaigns: Duration,
    /// `trails`: how long it is remembered, for each recipient, who wrote last and which receipts came. Default 7 days.
    pub(crate) trails: Duration,
    /// `replies`: how long behind a message what its recipient writes is taken for an answer to whoever sent it; at most `history.keep`,
    /// which is asked when trails say nothing any more. Default 90 days.
    pub(crate) replies: Duration,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { tenants: 500 }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            campaigns: 30 * DAY,
            trails: 7 * DAY,
            replies: 90 * DAY,
        }
    }
}

/// What becomes of a message that was written to an SMSC and never answered: it may or may not have been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InDoubt {
    /// Wait for its receipt.
    Hold,
    /// Submit it again, though it may come twice.
    Resend,
    /// Count it as failed, though it may have come.
    Fail,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: local(8080),
            operator_key_file: None,
            body_max: 256 << 20,
            recipients_max: 1_000_000,
            connections_max: 2_048,
            address_connections_max: 256,
            tenant_requests_max: 128,
            tenant_uploads_max: 8,
            wrong_keys_max: 10,
            wrong_keys_within: 60 * SECOND,
            trusted_proxies: Vec::new(),
            tls: None,
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: local(9090),
            tls: None,
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            shutdown_timeout: 30 * SECOND,
            in_doubt: InDoubt::Hold,
            receipt_timeout: 72 * HOUR,
            receipt_overdue: 25 * HOUR,
            failover_after: 5 * SECOND,
            countries: Countries::default(),
            stop_number: None,
            protected_senders: Vec::new(),
            generic_senders: Vec::new(),
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

impl Api {
    /// Whether only certificates differ: they may change while an engine runs, as long as there is TLS before and after.
    fn is_fixed_as(&self, other: &Self) -> bool {
        let fixed = |api: &Self| Self {
            tls: None,
            ..api.clone()
        };
        fixed(self) == fixed(other) && self.tls.is_some() == other.tls.is_some()
    }
}

impl Admin {
    /// See [`Api::is_fixed_as`].
    fn is_fixed_as(&self, other: &Self) -> bool {
        self.listen == other.listen && self.tls.is_some() == other.tls.is_some()
    }
}

impl Config {
    /// Reads the file at `path`, with `CAMPANILE__SECTION__KEY` of the environment over it (for the first SMSC:
    /// `CAMPANILE__SMSC__0__PASSWORD`). Paths of `password_file` are relative to the file's folder.
    ///
    /// # Errors
    /// All faults at once: unreadable or no TOML, unknown keys, missing keys, values that are not allowed.
    pub(crate) fn load(path: &Path) -> Result<Self, Faults> {
        Self::load_with(path, |_, _| {})
    }

    /// The same; `look` sees what was read, and notes what else is wrong with it.
    ///
    /// # Errors
    /// As [`Config::load`], and what `look` notes.
    pub(crate) fn load_with(path: &Path, look: impl FnOnce(&Table<'_>, &Self)) -> Result<Self, Faults> {
        Self::of_file(
            path,
            |_| true,
            |root| {
                let config = read(root);
                look(root, &config);
                config
            },
        )
    }

    /// What a command needs to ask the engine of that configuration: `[admin]`, and where the operator's key is. Nothing else is looked at,
    /// be it right, wrong, or for others to read.
    ///
    /// # Errors
    /// As [`Config::load`], of that.
    pub(crate) fn load_to_ask(path: &Path) -> Result<Self, Faults> {
        let is_asked = |variable: &str| {
            let key = variable.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or_default();
            key.starts_with("__ADMIN__") || key == "__API__OPERATOR_KEY_FILE"
        };
        Self::of_file(path, is_asked, |root| Self {
            admin: read_admin(&root.table("admin")),
            api: Api {
                operator_key_file: operator_key_file(&root.table("api")),
                ..Api::default()
            },
            ..Self::default()
        })
    }

    /// What `read` makes of a file, and of the variables of the environment that count.
    fn of_file(
        path: &Path,
        counts: impl Fn(&str) -> bool,
        read: impl FnOnce(&Table<'_>) -> Self,
    ) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let unreadable = |error: std::io::Error| Faults::of_file(&file, format!("cannot be read: {error}"));
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length > FILE_OCTETS_MAX {
            let problem = format!("{length} octets are not allowed: at most {FILE_OCTETS_MAX}");
            return Err(Faults::of_file(&file, problem));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        // A variable that is no text cannot be meant for us.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let environment = environment.filter(|(name, _)| counts(name));
        let source = Source::new(&text, &file).overridden(ENVIRONMENT_PREFIX, environment);
        let document = source.parse()?;
        source.read(&document, read)
    }

    /// Reads `text` as the file at `path` with these variables over it: [`Config::load`] without the file.
    ///
    /// # Errors
    /// As [`Config::load`].
    #[cfg(test)]
    pub(crate) fn parse(
        text: &str,
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let source = Source::new(text, &file).overridden(ENVIRONMENT_PREFIX, environment);
        let document = source.parse()?;
        source.read(&document, read)
    }
}

fn read(root: &Table<'_>) -> Config {
    let engine = read_engine(&root.table("engine"));
    let smsc = smsc::read_all(root);
    let redis = Redis::read(&root.table("redis"));
    let database = Database::read(&root.table("database"), &redis.data_dir);
    let history = History::read(&root.table("history"));
    let config = Config {
        said: Said::of(root),
        api: read_api(&root.table("api")),
        admin: read_admin(&root.table("admin")),
        encryption: Encryption::read(&root.table("encryption"), &database, &redis.data_dir),
        database,
        redis,
        metrics: read_metrics(&root.table("metrics")),
        retention: read_retention(&root.table("retention"), engine.receipt_timeout, history.keep),
        rules: Rules::read(&root.table("rules")),
        log: log::read(&root.table("log")),
        audit: LineFile::read(&root.table("audit")),
        message_log: LineFile::read(&root.table("message_log")),
        traces: traces::read(&root.table("traces")),
        history,
        webhooks: Webhooks::read(&root.table("webhooks")),
        links: Links::read(&root.table("links")),
        engine,
        route: route::read_all(root, &smsc),
        number: number::read_all(root),
        smsc,
    };
    if !config.smsc.is_empty() && !config.smsc.iter().any(|smsc| smsc.bind.transmits()) {
        root.fault(
            "smsc",
            "has only bind = \"receiver\", which submits nothing: at least one transceiver, transmitter or pair",
        );
    }
    let listeners = [
        ("api", Some(config.api.listen)),
        ("admin", Some(config.admin.listen)),
        ("links", config.links.listen),
    ];
    listener::refuse_clashes(root, &listeners);
    root.finish();
    config
}

fn read_api(table: &Table<'_>) -> Api {
    let default = Api::default();
    let count = |key, default| table.integer(key, 1..=CONNECTIONS_MAX, default);
    let api = Api {
        listen: value::listen(table, default.listen),
        operator_key_file: operator_key_file(table),
        body_max: value::size(table, "body_max", 1 << 10..=4 << 30, default.body_max),
        recipients_max: table.integer("recipients_max", 1..=RECIPIENTS_MAX, default.recipients_max),
        connections_max: count("connections_max", default.connections_max),
        address_connections_max: count("address_connections_max", default.address_connections_max),
        tenant_requests_max: count("tenant_requests_max", default.tenant_requests_max),
        tenant_uploads_max: count("tenant_uploads_max", default.tenant_uploads_max),
        wrong_keys_max: table.integer("wrong_keys_max", 1..=WRONG_KEYS_MAX, default.wrong_keys_max),
        wrong_keys_within: table.duration("wrong_keys_within", SECOND..=DAY, default.wrong_keys_within),
        trusted_proxies: networks(table, "trusted_proxies"),
        tls: ListenerTls::read(table),
    };
    table.finish();
    api
}

/// Default: none.
fn networks(table: &Table<'_>, key: &'static str) -> Vec<IpNet> {
    let allowed = format!("up to {NETWORKS_MAX} IP addresses or networks, such as [\"10.0.0.0/8\", \"2001:db8::1\"]");
    let networks = table.parsed(key, allowed, |given| {
        let texts = given.texts().filter(|texts| texts.len() <= NETWORKS_MAX)?;
        texts.into_iter().map(network).collect()
    });
    networks.unwrap_or_default()
}

/// An address by itself is the network of that address.
fn network(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().ok().map(IpNet::from);
    address.or_else(|| text.parse().ok())
}

/// It is read, never made: it lies beside the configuration unless its path is absolute.
fn operator_key_file(table: &Table<'_>) -> Option<PathBuf> {
    let file = table.parsed("operator_key_file", PATH_ALLOWED, |given| {
        given.text().filter(|text| !text.is_empty())
    });
    file.map(|file| table.file_beside(file))
}

fn read_admin(table: &Table<'_>) -> Admin {
    let admin = Admin {
        listen: value::listen(table, Admin::default().listen),
        tls: ListenerTls::read_asked_by_commands(table),
    };
    table.finish();
    admin
}

fn read_engine(table: &Table<'_>) -> Engine {
    let default = Engine::default();
    let policies = [
        ("hold", InDoubt::Hold),
        ("resend", InDoubt::Resend),
        ("fail", InDoubt::Fail),
    ];
    // No carrier keeps trying for longer, and what waits costs memory.
    let receipt_timeout = table.duration("receipt_timeout", SECOND..=30 * DAY, default.receipt_timeout);
    let overdue = default.receipt_overdue.min(receipt_timeout * 3 / 4);
    let engine = Engine {
        shutdown_timeout: table.duration("shutdown_timeout", Duration::ZERO..=HOUR, default.shutdown_timeout),
        in_doubt: table.choice("in_doubt", &policies).unwrap_or(default.in_doubt),
        receipt_timeout,
        receipt_overdue: table.duration("receipt_overdue", SECOND..=30 * DAY, overdue),
        failover_after: table.duration("failover_after", Duration::ZERO..=HOUR, default.failover_after),
        countries: value::countries(table),
        stop_number: number::read_stop_number(table),
        protected_senders: value::names(table, "protected_senders"),
        generic_senders: value::names(table, "generic_senders"),
    };
    if engine.receipt_overdue >= receipt_timeout {
        let [overdue, timeout] = [engine.receipt_overdue, receipt_timeout].map(humantime::format_duration);
        table.fault(
            "receipt_overdue",
            format!("{overdue} is not allowed: shorter than engine.receipt_timeout, {timeout}, after which no receipt is waited for"),
        );
    }
    table.finish();
    engine
}

fn read_metrics(table: &Table<'_>) -> Metrics {
    let default = Metrics::default().tenants as u32;
    let metrics = Metrics {
        tenants: table.integer("tenants", 0..=TENANTS_SHOWN_MAX, default) as usize,
    };
    table.finish();
    metrics
}

fn read_retention(table: &Table<'_>, receipt_timeout: Duration, history: Duration) -> Retention {
    let default = Retention::default();
    let campaigns = default.campaigns.max(receipt_timeout + HOUR);
    let retention = Retention {
        campaigns: table.duration("campaigns", SECOND..=3_650 * DAY, campaigns),
        trails: table.duration("trails", SECOND..=365 * DAY, default.trails),
        replies: table.duration("replies", DAY..=3_650 * DAY, default.replies.min(history)),
    };
    if retention.replies > history {
        let keep = days(history);
        table.fault_of_value(
            "replies",
            format!("is not allowed: at most history.keep, {keep}, which is asked who wrote last"),
        );
    }
    if retention.campaigns <= receipt_timeout {
        let timeout = days(receipt_timeout);
        table.fault_of_value(
            "campaigns",
            format!("is not allowed: longer than engine.receipt_timeout, {timeout}, since receipts come until then"),
        );
    }
    table.finish();
    retention
}

/// As it would be written: whole days as such, which `humantime` would make months of.
fn days(time: Duration) -> String {
    let days = time.as_secs() / DAY.as_secs();
    match DAY * days as u32 == time {
        true => format!("{days}days"),
        false => humantime::format_duration(time).to_string(),
    }
}

const PATH_ALLOWED: &str = "a path";

fn path(given: Given<'_>) -> Option<PathBuf> {
    given.text().filter(|text| !text.is_empty()).map(PathBuf::from)
}
