//! What the operator decides: a TOML file, with the environment over it, read into plain values.
//!
//! Every fault is found at once and says its file, line, key and what is allowed. Nothing else in the program reads the
//! file or the environment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

mod fault;
mod smsc;
mod source;
mod value;
#[cfg(test)]
mod tests;

pub(crate) use fault::{Fault, Faults, Place};
pub(crate) use smsc::{Answer, ReceiptRule, Smsc};
#[cfg(test)]
pub(crate) use value::Rate;
pub(crate) use value::Secret;

use crate::domain::PARTITIONS_MAX;

use source::{Section, Source};

/// A configuration file longer than this is not one.
const FILE_OCTETS_MAX: u64 = 1 << 20;

/// More SMSC accounts than one process can keep bound with their windows within its memory budget.
pub(crate) const SMSC_MAX: usize = 64;

/// More connections than one process has file descriptors for.
const CONNECTIONS_MAX: u32 = 65_536;

/// Every request looks through all of them.
const PROXIES_MAX: usize = 64;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// The whole configuration of one engine. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Config {
    /// `[api]`: where resellers and tenants ask.
    pub(crate) api: Api,
    /// `[admin]`: where operators ask, and metrics and health are read.
    pub(crate) admin: Admin,
    /// `[redis]`: where everything is kept.
    pub(crate) redis: Redis,
    /// `[engine]`: how messages are treated.
    pub(crate) engine: Engine,
    /// `[retention]`: how long what is over is kept.
    pub(crate) retention: Retention,
    /// `[[smsc]]`: the accounts that we bind to; at least one.
    pub(crate) smsc: Vec<Arc<Smsc>>,
}

/// `[api]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Api {
    /// `listen`: where the API listens. Default `127.0.0.1:8080`.
    pub(crate) listen: SocketAddr,
    /// `operator_key_file`: the file that holds the operator key. Default: a key is made at the first start.
    pub(crate) operator_key_file: Option<PathBuf>,
    /// `body_max`: the longest request body, in octets. Default 256 MiB: a million recipients with some variables.
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
    /// `trusted_proxies`: whose `X-Forwarded-For` is believed. Default: nobody's.
    pub(crate) trusted_proxies: Vec<IpNet>,
}

/// `[admin]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admin {
    /// `listen`: where `/metrics`, health and operators' calls are served. Default `127.0.0.1:9090`.
    pub(crate) listen: SocketAddr,
}

/// `[redis]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redis {
    /// `url`: the server to use. Absent: the engine starts one of its own, embedded.
    pub(crate) url: Option<Secret>,
    /// `data_dir`: where the embedded server keeps its data. Default `./data`.
    pub(crate) data_dir: PathBuf,
    /// `allow_loss`: use a server whose settings lose data (`appendonly no`, `appendfsync no`, a `maxmemory-policy` that
    /// evicts) instead of refusing it. Default `false`.
    pub(crate) allow_loss: bool,
    /// `intake_mark`: from this many percent of `maxmemory` no campaign, message or launch is taken in. Default 85.
    pub(crate) intake_mark: u32,
    /// `lease_mark`: from this many percent of `maxmemory` nothing more is sent; what was sent is still settled.
    /// Default 93; at least `intake_mark`.
    pub(crate) lease_mark: u32,
    /// `partitions`: how many parts live data is kept in; a power of two, fixed at a database's first use. Default 16.
    pub(crate) partitions: u16,
}

/// `[engine]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    /// `shutdown_timeout`: how long windows may take to empty when the engine is told to stop. Default 30 s.
    pub(crate) shutdown_timeout: Duration,
    /// `in_doubt`: what becomes of a message that was written and never answered. Default `hold`.
    pub(crate) in_doubt: InDoubt,
    /// `receipt_timeout`: how long a receipt is waited for. Default 72 h, what most carriers try for.
    pub(crate) receipt_timeout: Duration,
}

/// `[retention]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retention {
    /// `campaigns`: how long a campaign's recipients and results stay in Redis after it has ended; longer than
    /// `engine.receipt_timeout`. Default 30 days.
    pub(crate) campaigns: Duration,
    /// `trails`: how long it is remembered, for each recipient, who wrote last and which receipts came. Default 7 days.
    pub(crate) trails: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            campaigns: 30 * 24 * HOUR,
            trails: 7 * 24 * HOUR,
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
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: local(9090) }
    }
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: None,
            data_dir: PathBuf::from("./data"),
            allow_loss: false,
            intake_mark: 85,
            lease_mark: 93,
            partitions: 16,
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            shutdown_timeout: 30 * SECOND,
            in_doubt: InDoubt::Hold,
            receipt_timeout: 72 * HOUR,
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

impl Config {
    /// Reads the file at `path`, with `CAMPANILE__SECTION__KEY` of the environment over it (for the first SMSC:
    /// `CAMPANILE__SMSC__0__PASSWORD`). Paths of `password_file` are relative to the file's folder.
    ///
    /// # Errors
    /// All faults at once: unreadable or no TOML, unknown keys, missing keys, values that are not allowed.
    pub(crate) fn load(path: &Path) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let unreadable = |problem: String| {
            let place = Place::File(file.clone());
            Faults(vec![Fault {
                place,
                key: String::new(),
                problem,
            }])
        };
        let length = std::fs::metadata(path)
            .map_err(|error| unreadable(format!("cannot be read: {error}")))?
            .len();
        if length > FILE_OCTETS_MAX {
            return Err(unreadable(format!(
                "{length} octets are not allowed: at most {FILE_OCTETS_MAX}"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        // A variable that is no text cannot be meant for us.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::parse(&text, path, environment)
    }

    /// Reads `text` as the file at `path` with these variables over it: [`Config::load`] without the file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub(crate) fn parse(
        text: &str,
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Faults> {
        let mut source = Source::new(&path.display().to_string(), text, environment);
        let root = source.parse(text);
        if !source.is_sound() {
            // What stands after a broken line is guesswork: say what is broken before saying what is missing.
            return Err(source.into_faults());
        }
        let mut section = Section::root(&mut source, &root);
        let engine = read_engine(section.table("engine"));
        let config = Self {
            api: read_api(section.table("api")),
            admin: read_admin(section.table("admin")),
            redis: read_redis(section.table("redis")),
            engine,
            retention: read_retention(section.table("retention"), engine.receipt_timeout),
            smsc: smsc::read_all(&mut section, path.parent().unwrap_or(Path::new(""))),
        };
        section.finish();
        source.finish()?;
        Ok(config)
    }
}

fn read_api(mut section: Section<'_, '_>) -> Api {
    let default = Api::default();
    let mut api = Api {
        listen: section.read("listen", value::listen).unwrap_or(default.listen),
        operator_key_file: section.read("operator_key_file", path_of),
        body_max: section
            .read("body_max", |given| value::size(given, 1 << 10..=4 << 30))
            .unwrap_or(default.body_max),
        trusted_proxies: section.read("trusted_proxies", proxies).unwrap_or_default(),
        ..default
    };
    let counts = [
        ("recipients_max", &mut api.recipients_max, 10_000_000),
        ("connections_max", &mut api.connections_max, CONNECTIONS_MAX),
        (
            "address_connections_max",
            &mut api.address_connections_max,
            CONNECTIONS_MAX,
        ),
        ("tenant_requests_max", &mut api.tenant_requests_max, CONNECTIONS_MAX),
        ("tenant_uploads_max", &mut api.tenant_uploads_max, CONNECTIONS_MAX),
    ];
    for (key, count, max) in counts {
        if let Some(given) = section.read(key, |given| value::whole(given, 1..=max)) {
            *count = given;
        }
    }
    section.finish();
    api
}

fn proxies(given: &source::Given<'_>) -> Result<Vec<IpNet>, String> {
    let texts = given.texts().filter(|texts| texts.len() <= PROXIES_MAX);
    let networks = texts.and_then(|texts| texts.into_iter().map(network).collect());
    networks.ok_or_else(|| {
        format!("up to {PROXIES_MAX} IP addresses or networks, such as [\"10.0.0.0/8\", \"2001:db8::1\"]")
    })
}

/// An address by itself is the network of that address.
fn network(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().ok().map(IpNet::from);
    address.or_else(|| text.parse().ok())
}

fn read_admin(mut section: Section<'_, '_>) -> Admin {
    let admin = Admin {
        listen: section.read("listen", value::listen).unwrap_or(Admin::default().listen),
    };
    section.finish();
    admin
}

fn read_redis(mut section: Section<'_, '_>) -> Redis {
    let default = Redis::default();
    let redis = Redis {
        url: section.read_secret("url", |given| {
            let schemes = ["redis://", "rediss://", "redis+unix://", "unix://"];
            let url = given
                .text()
                .filter(|text| schemes.iter().any(|scheme| text.starts_with(scheme)));
            url.map(Secret::new)
                .ok_or_else(|| format!("a URL that begins with {}", schemes.join(" or ")))
        }),
        data_dir: section.read("data_dir", path_of).unwrap_or(default.data_dir),
        allow_loss: section.read("allow_loss", value::truth).unwrap_or(default.allow_loss),
        intake_mark: section.read("intake_mark", mark).unwrap_or(default.intake_mark),
        lease_mark: section.read("lease_mark", mark).unwrap_or(default.lease_mark),
        partitions: section.read("partitions", partitions).unwrap_or(default.partitions),
    };
    if redis.lease_mark < redis.intake_mark {
        let (lease, intake) = (redis.lease_mark, redis.intake_mark);
        section.fault(
            "lease_mark",
            format!("{lease} is not allowed with intake_mark = {intake}: {intake} to 100"),
        );
    }
    section.finish();
    redis
}

fn read_engine(mut section: Section<'_, '_>) -> Engine {
    let default = Engine::default();
    let policies = [
        ("hold", InDoubt::Hold),
        ("resend", InDoubt::Resend),
        ("fail", InDoubt::Fail),
    ];
    let engine = Engine {
        shutdown_timeout: section
            .read("shutdown_timeout", |given| {
                value::duration(given, Duration::ZERO..=HOUR)
            })
            .unwrap_or(default.shutdown_timeout),
        in_doubt: section
            .read("in_doubt", |given| value::word(given, &policies))
            .unwrap_or(default.in_doubt),
        // Thirty days: no carrier keeps trying for longer, and what waits costs memory.
        receipt_timeout: section
            .read("receipt_timeout", |given| {
                value::duration(given, SECOND..=30 * 24 * HOUR)
            })
            .unwrap_or(default.receipt_timeout),
    };
    section.finish();
    engine
}

/// Percent of `maxmemory`. Below ten an empty server would be full.
fn mark(given: &source::Given<'_>) -> Result<u32, String> {
    value::whole(given, 10..=100).map_err(|allowed| format!("percent of maxmemory, {allowed}"))
}

fn read_retention(mut section: Section<'_, '_>, receipt_timeout: Duration) -> Retention {
    let default = Retention::default();
    let campaigns = section.read("campaigns", |given| value::duration(given, SECOND..=3_650 * 24 * HOUR));
    let retention = Retention {
        campaigns: campaigns.unwrap_or(default.campaigns.max(receipt_timeout + HOUR)),
        trails: section
            .read("trails", |given| value::duration(given, SECOND..=365 * 24 * HOUR))
            .unwrap_or(default.trails),
    };
    if retention.campaigns <= receipt_timeout {
        section.fault(
            "campaigns",
            "is not allowed: longer than engine.receipt_timeout, since receipts come until then",
        );
    }
    section.finish();
    retention
}

fn partitions(given: &source::Given<'_>) -> Result<u16, String> {
    let count = given.integer().and_then(|count| u16::try_from(count).ok());
    let count = count.filter(|count| count.is_power_of_two() && *count <= PARTITIONS_MAX);
    count.ok_or_else(|| format!("a power of two, 1 to {PARTITIONS_MAX}"))
}

fn path_of(given: &source::Given<'_>) -> Result<PathBuf, String> {
    given
        .text()
        .filter(|text| !text.is_empty())
        .map(PathBuf::from)
        .ok_or_else(|| "a path".to_owned())
}
