//! `[redis]`: where all live work is kept.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::redis_address::RedisAddress;
use super::{PATH_ALLOWED, path};
use crate::domain::PARTITIONS_MAX;
use kit::settings::Table;

/// Percent of `maxmemory`. Below ten an empty server would be full.
const MARKS: RangeInclusive<u32> = 10..=100;

/// A master with more replicas than these has other troubles.
const REPLICAS_MAX: u32 = 10;

/// `[redis]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redis {
    /// `url`: the server, the cluster, or the sentinels to ask for one, with the password of `password_file`, if there is one.
    /// Absent: the engine starts a server of its own, embedded.
    pub(crate) url: Option<RedisAddress>,
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
    /// `wait_replicas`: so many replicas must have a lease before a message of it is handed over: a fail-over to one of them then
    /// has no message sent that it does not know of. Default 0.
    pub(crate) wait_replicas: u32,
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
            wait_replicas: 0,
        }
    }
}

impl Redis {
    /// With its defaults where the table says nothing.
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Self::default();
        let redis = Self {
            url: RedisAddress::read(table),
            data_dir: table.parsed("data_dir", PATH_ALLOWED, path).unwrap_or(default.data_dir),
            allow_loss: table.boolean("allow_loss", default.allow_loss),
            intake_mark: mark(table, "intake_mark", default.intake_mark),
            lease_mark: mark(table, "lease_mark", default.lease_mark),
            partitions: read_partitions(table).unwrap_or(default.partitions),
            wait_replicas: table.integer("wait_replicas", 0..=REPLICAS_MAX, default.wait_replicas),
        };
        if redis.lease_mark < redis.intake_mark {
            let (lease, intake) = (redis.lease_mark, redis.intake_mark);
            table.fault(
                "lease_mark",
                format!("{lease} is not allowed with intake_mark = {intake}: {intake} to 100"),
            );
        }
        if redis.wait_replicas > 0 && !table.has("url") {
            table.fault_of_value(
                "wait_replicas",
                "has no effect without url: the embedded server has no replica",
            );
        }
        table.finish();
        redis
    }
}

fn mark(table: &Table<'_>, key: &'static str, default: u32) -> u32 {
    let allowed = format!("percent of maxmemory, {} to {}", MARKS.start(), MARKS.end());
    let mark = table.parsed(key, allowed, |given| {
        let percent = u32::try_from(given.whole()?).ok()?;
        MARKS.contains(&percent).then_some(percent)
    });
    mark.unwrap_or(default)
}

fn read_partitions(table: &Table<'_>) -> Option<u16> {
    table.parsed(
        "partitions",
        format!("a power of two, 1 to {PARTITIONS_MAX}"),
        |given| {
            let count = u16::try_from(given.whole()?).ok()?;
            (count.is_power_of_two() && count <= PARTITIONS_MAX).then_some(count)
        },
    )
}
