//! `[webhooks]`: how receivers are told of events, and which may be asked at all.

use std::time::Duration;

use ipnet::IpNet;
use kit::settings::Table;

use super::{DAY, HOUR, SECOND, networks};

/// Attempts after which nobody would expect another.
const RETRIES_MAX: usize = 30;

/// Deliveries that may wait for one endpoint: each is up to a hundred events and some 5 kB.
const BACKLOG_MAX: u32 = 1_000_000;

/// Endpoints of one tenant: each event is kept for each of them.
const ENDPOINTS_MAX: u32 = 100;

/// `[webhooks]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Webhooks {
    /// `allow`: networks that receivers may be in beside the public Internet, also without TLS. Default: none.
    pub(crate) allow: Vec<IpNet>,
    /// `retries`: the wait before each attempt. When the last one fails, the endpoint is disabled. Default: those of Standard
    /// Webhooks, three days in all.
    pub(crate) retries: Vec<Duration>,
    /// `timeout`: how long a receiver may take to answer. Default 15 s.
    pub(crate) timeout: Duration,
    /// `backlog`: deliveries that may wait for one endpoint, each of up to 100 events. Default 20,000.
    pub(crate) backlog: u32,
    /// `keep`: how long a delivery may wait, and how long it is shown afterwards. Default 7 days.
    pub(crate) keep: Duration,
    /// `endpoints`: how many a tenant may have. Default 10.
    pub(crate) endpoints: u32,
    /// `secret_kept`: how long the secret before a rotation of an endpoint's signs as well. Default 1 day.
    pub(crate) secret_kept: Duration,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            // Standard Webhooks 1.0.0, "Deliverability and reliability".
            retries: vec![
                Duration::ZERO,
                5 * SECOND,
                300 * SECOND,
                1_800 * SECOND,
                2 * HOUR,
                5 * HOUR,
                10 * HOUR,
                14 * HOUR,
                20 * HOUR,
                24 * HOUR,
            ],
            timeout: 15 * SECOND,
            backlog: 20_000,
            keep: 7 * DAY,
            endpoints: 10,
            secret_kept: DAY,
        }
    }
}

impl Webhooks {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Self::default();
        let webhooks = Self {
            allow: networks(table, "allow"),
            retries: retries(table).unwrap_or(default.retries),
            timeout: table.duration("timeout", SECOND..=30 * SECOND, default.timeout),
            backlog: table.integer("backlog", 10..=BACKLOG_MAX, default.backlog),
            keep: table.duration("keep", HOUR..=90 * DAY, default.keep),
            endpoints: table.integer("endpoints", 0..=ENDPOINTS_MAX, default.endpoints),
            secret_kept: table.duration("secret_kept", Duration::ZERO..=30 * DAY, default.secret_kept),
        };
        table.finish();
        webhooks
    }
}

fn retries(table: &Table<'_>) -> Option<Vec<Duration>> {
    let allowed = format!("1 to {RETRIES_MAX} times of at most 2 days, such as [\"0s\", \"5s\", \"5m\"]");
    table.parsed("retries", allowed, |given| {
        let times = given.texts().filter(|times| (1..=RETRIES_MAX).contains(&times.len()))?;
        let time = |text: &str| humantime::parse_duration(text).ok().filter(|time| *time <= 2 * DAY);
        times.into_iter().map(time).collect()
    })
}
