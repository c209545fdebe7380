//! The one source of truth: Redis, and the only module that knows it.
//!
//! All live data of a recipient lie in one partition, and every move of a message is one script on one partition
//! (`scripts/`, one file an event). What the scripts do is described there; this module packs their arguments,
//! sends them in batches and reads their replies. Whatever is asked twice is done once: moves say what they expect.

mod keys;
mod scripts;
mod connection;
mod counters;
mod moves;
mod lanes;
mod accounts;
mod campaigns;
mod engines;
mod embedded;

use std::sync::Arc;

use deadpool_redis::Pool;
use redis::Value;
use redis::aio::ConnectionManager;

pub use accounts::{Credits, GRANTED_MAX, KeyOwner, NewTenant, Tenant};
pub use campaigns::{AudienceRow, Campaign, CampaignKind, CampaignState, Launch, RecipientRow};
pub use connection::ConnectFault;
pub use counters::{Counters, Letter};
pub use embedded::{Embedded, EmbeddedFault};
pub use engines::{Epoch, Found};
pub use lanes::{DirectMessage, Leased, Stretch};
pub use moves::{Committed, Move, MoveKind, ReceiptMatch, ReceiptReply};

use crate::domain::Partition;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Redis is not there, or does not answer in time. Ask again: what was done already will not be done twice.
    #[error("Redis does not answer: {0}")]
    Unavailable(#[source] redis::RedisError),
    /// Redis answered, and refused: out of memory, read-only, loading, misconfigured. Ask again later.
    #[error("Redis refuses: {0}")]
    Refused(#[source] redis::RedisError),
    /// What is stored is not what this program writes.
    #[error("the database holds something unexpected: {0}")]
    Corrupt(&'static str),
}

impl From<redis::RedisError> for StoreError {
    fn from(error: redis::RedisError) -> Self {
        if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() || error.is_connection_refusal() {
            Self::Unavailable(error)
        } else {
            Self::Refused(error)
        }
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    /// Answers and receipts: one caller, in order.
    moves: ConnectionManager,
    /// Leases: small and often.
    leases: ConnectionManager,
    /// Audiences and everything else that is long.
    bulk: ConnectionManager,
    /// Calls of the API and of operators.
    pool: Pool,
    shared: Arc<Shared>,
}

struct Shared {
    partitions: u16,
    /// The base of each partition's keys.
    bases: Vec<String>,
    scripts: scripts::Scripts,
}

impl Store {
    /// Partitions of this database.
    pub fn partitions(&self) -> u16 {
        self.shared.partitions
    }

    /// Every partition.
    pub fn all_partitions(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..self.shared.partitions).map(Partition)
    }

    fn base(&self, partition: Partition) -> &str {
        &self.shared.bases[usize::from(partition.0)]
    }
}

/// A bulk string, or a sign that the scripts and this module disagree.
#[allow(clippy::wildcard_enum_match_arm, reason = "kinds of reply that no script here gives")]
fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::Okay | Value::SimpleString(_) => Ok(Vec::new()),
        _ => Err(StoreError::Corrupt("a reply is no string")),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "kinds of reply that no script here gives")]
fn array(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        Value::Nil => Ok(Vec::new()),
        _ => Err(StoreError::Corrupt("a script's reply is no array")),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "kinds of reply that no script here gives")]
fn integer(value: &Value) -> Result<i64, StoreError> {
    match value {
        Value::Int(number) => Ok(*number),
        Value::Nil => Ok(0),
        Value::BulkString(text) => {
            let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            number.ok_or(StoreError::Corrupt("a number is none"))
        }
        _ => Err(StoreError::Corrupt("a script's reply is no number")),
    }
}
