//! The one source of truth: Redis, and the only module that knows it.
//!
//! All live data of a recipient lie in one partition, and every move of a message is one script on one partition
//! (`scripts/`, one file an event). What the scripts do is described there; this module packs their arguments,
//! sends them in batches and reads their replies. Whatever is asked twice is done once: moves say what they expect.

mod caller;
mod keys;
mod scripts;
mod servers;
mod connection;
mod lines;
mod mirrored;
mod census;
mod queues;
mod stale;
mod moves;
mod parked;
mod person;
mod places;
mod journal;
mod counters;
mod results;
mod redaction;
mod accounts;
mod gives_back;
mod tenant_fields;
mod terms;
mod tenure;
mod check_in;
mod replicas;
mod transfers;
mod audit;
mod idempotency;
mod campaign;
mod campaigns;
mod edits;
mod states;
mod catalogue;
mod direct;
mod engines;
mod embedded;
mod health;
mod inbound;
mod inspection;
mod optouts;
mod caps;
mod admission;
mod resolving;
mod rights;
mod rows;
mod expiring;
mod near;
mod joining;
mod paced;
mod recall;
mod schedule;
mod unqueued;
mod api_keys;
mod text_keys;
mod backup;
mod bell;

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use redis::Value;
use rustc_hash::{FxHashMap, FxHashSet};

pub(crate) use accounts::{Balance, Booking, Credits, GRANTED_MAX, Grant, NewTenant, Tenant};
pub(crate) use admission::{Admission, Share, Suspension};
pub(crate) use api_keys::KeyDetails;
pub(crate) use backup::{Place, Source, SourceFault, Users};
pub(crate) use bell::Listener;
pub(crate) use caller::{KeyOwner, Token};
pub(crate) use campaign::{Campaign, CampaignKind, CampaignLink, LateJoiners, StoredVariant};
pub(crate) use campaigns::{Launch, RecipientRow};
pub(crate) use census::{CampaignCensus, Census, InLine};
pub(crate) use check_in::{CheckedIn, LastLease};
pub(crate) use connection::ConnectFault;
pub(crate) use counters::{Counters, changes, entered};
pub(crate) use direct::{DirectHeld, DirectHold, DirectMessage, DirectPlace, Hold};
pub(crate) use edits::{Edit, Edited};
pub(crate) use embedded::{Embedded, EmbeddedFault, installed_server, running};
pub(crate) use health::{Hazard, Memory, Probe, Sight};
pub(crate) use idempotency::{ANSWER_MAX, BodyDigest, Claim, Claimed, Conclusion, SavedAnswer};
pub(crate) use inbound::{
    InboundEntry, InboundKeeping, InboundKept, InboundMark, InboundPlace, InboundRow, InboundText, OptsOut, PartRow,
    Parts,
};
pub(crate) use inspection::{Inspection, inspect};
pub(crate) use journal::{Applied, CampaignChanges, JournalEntry, READ_MAX as JOURNAL_READ_MAX, journal_place};
pub(crate) use mirrored::{LedgerEntry, LedgerPlace, OptOut, Restored, Settings, reseller_in};
pub(crate) use moves::{Away, ParkedOf, Swap};
pub(crate) use near::Near;
pub(crate) use optouts::Again;
#[cfg(test)]
pub(crate) use paced::Want;
pub(crate) use paced::{Allowed, Paced, PermitAsk, Permitted};
pub(crate) use places::{MendAsk, Mended, Misplaced, Queued, Suspicion};
pub(crate) use queues::{Halt, LeaseAsk, Leased, LeasedMessage, Owner, RestoreAsk, RowBatch, Span};
pub(crate) use recall::{Recall, Whereabouts};
pub(crate) use replicas::Kept;
pub(crate) use resolving::Begun;
pub(crate) use results::EndedRow;
pub(crate) use rows::RowsAsked;
pub(crate) use schedule::Planned;
pub(crate) use servers::{AddressFault, Servers};
#[cfg(test)]
pub(crate) use stale::Spans;
pub(crate) use stale::StaleQueue;
pub(crate) use states::CampaignState;
pub(crate) use tenure::{RateAsk, Tenure, TenureAsk, Terms};
pub(crate) use text_keys::UnlockFault;
pub(crate) use transfers::{Half, Transfer, TransferKind};
pub(crate) use unqueued::Unqueued;

use connection::Desk;
use servers::Link;

use crate::domain::{BadForm, GivesBack, Partition, Recipient, TenantId};
use crate::encryption::EncryptionFault;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Redis is not there, or does not answer in time. Ask again: what was done already will not be done twice.
    #[error("Redis does not answer: {0}")]
    Unavailable(#[source] redis::RedisError),
    /// Redis answered, and refused: out of memory, read-only, loading, misconfigured. Ask again later.
    #[error("Redis refuses: {0}")]
    Refused(#[source] redis::RedisError),
    /// It was emptied, or is not the one that was there at the start.
    #[error("Redis is not the database any more that it was at the start")]
    OtherDatabase,
    /// Another engine does it by now, since this one was taken for dead.
    #[error("another engine goes on with it")]
    TakenOver,
    /// What is stored is not what this program writes.
    #[error("the database holds something unexpected: {0}")]
    Corrupt(&'static str),
    /// A stored form that this program does not know.
    #[error("the database holds something unexpected: {key}: {form}")]
    BadForm {
        /// Where it stands.
        key: String,
        /// What is wrong with it.
        form: BadForm,
    },
    /// A text that is stored cannot be read, or one cannot be encrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionFault),
}

/// Why Redis refuses, where that is of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A part of a cluster is on its way from one node to another.
    Moving,
    /// A part of a cluster has no master.
    WithoutMaster,
    /// The user of `redis.url` may not do it.
    Denied,
    /// Full, read-only, loading, misconfigured.
    Other,
}

impl Refusal {
    fn of(error: &redis::RedisError) -> Self {
        use redis::{ErrorKind, ServerErrorKind as Server};
        let is = |kinds: &[Server]| kinds.iter().any(|kind| error.kind() == ErrorKind::Server(*kind));
        if is(&[Server::TryAgain, Server::Moved, Server::Ask]) {
            Self::Moving
        } else if is(&[Server::ClusterDown, Server::MasterDown]) || error.kind() == ErrorKind::ClusterConnectionNotFound
        {
            Self::WithoutMaster
        } else if is(&[Server::NoPerm]) || error.kind() == ErrorKind::AuthenticationFailed {
            Self::Denied
        } else {
            Self::Other
        }
    }
}

impl StoreError {
    /// Why Redis refuses, if it does.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(error) => Some(Refusal::of(error)),
            Self::Unavailable(_)
            | Self::OtherDatabase
            | Self::TakenOver
            | Self::Corrupt(_)
            | Self::BadForm { .. }
            | Self::Encryption(_) => None,
        }
    }

    /// Whether Redis is there, and reads what it has on disk.
    pub(crate) fn is_loading(&self) -> bool {
        let loads = redis::ErrorKind::Server(redis::ServerErrorKind::BusyLoading);
        matches!(self, Self::Refused(error) if error.kind() == loads)
    }

    /// That recipient's record cannot be read.
    pub(crate) fn bad_record(recipient: Recipient, form: BadForm) -> Self {
        Self::BadForm {
            key: format!("the record of {}", recipient.masked()),
            form,
        }
    }
}

impl From<redis::RedisError> for StoreError {
    fn from(error: redis::RedisError) -> Self {
        // What sentinels say as long as no master answers them.
        let has_no_master = error.kind() == redis::ErrorKind::MasterNameNotFoundBySentinel;
        let is_lost = error.is_io_error() || error.is_timeout() || error.is_connection_dropped();
        if is_lost || error.is_connection_refusal() || has_no_master {
            Self::Unavailable(error)
        } else {
            Self::Refused(error)
        }
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    /// Answers and receipts: one caller, in order.
    moves: Link,
    /// Leases: small and often.
    leases: Link,
    /// The books, which follow the journal.
    books: Link,
    /// Audiences and everything else that is long.
    bulk: Link,
    /// Calls of the API and of operators.
    desk: Desk,
    shared: Arc<Shared>,
}

struct Shared {
    partitions: u16,
    wait_replicas: u32,
    /// The journal is told the ids that SMSCs give.
    tells_ids: AtomicBool,
    /// The base of each partition's keys.
    bases: Vec<String>,
    scripts: scripts::Scripts,
    /// Scripts that the server did not know.
    forgotten: AtomicU64,
    /// Tenants whose ledger was written to, and not copied since.
    ledgers: Mutex<FxHashSet<TenantId>>,
    /// Tenants whose balance may have moved, and was not compared with its thresholds since.
    balances: Mutex<FxHashSet<TenantId>>,
    /// What is given back of the messages of tenants.
    gives_back: RwLock<FxHashMap<TenantId, GivesBack>>,
    /// What texts are encrypted with, from [`Store::unlock`] on.
    text_keys: OnceLock<text_keys::TextKeys>,
}

impl Store {
    /// Partitions of this database.
    pub(crate) fn partitions(&self) -> u16 {
        self.shared.partitions
    }

    /// Every partition.
    pub(crate) fn all_partitions(&self) -> impl Iterator<Item = Partition> + use<> {
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
        _ => Err(StoreError::Corrupt("a reply is not a string")),
    }
}

/// Octets; none for nil.
fn bytes_or_none(value: Value) -> Result<Vec<u8>, StoreError> {
    if value == Value::Nil {
        return Ok(Vec::new());
    }
    bytes(value)
}

/// A recipient as keys and fields have it.
fn recipient(value: Value) -> Result<Recipient, StoreError> {
    let octets = <[u8; 8]>::try_from(bytes(value)?);
    octets
        .map(|octets| Recipient(u64::from_be_bytes(octets)))
        .map_err(|_| StoreError::Corrupt("a recipient is not 8 octets"))
}

#[allow(clippy::wildcard_enum_match_arm, reason = "kinds of reply that no script here gives")]
fn array(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        Value::Nil => Ok(Vec::new()),
        _ => Err(StoreError::Corrupt("a script's reply is not an array")),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "kinds of reply that no script here gives")]
fn integer(value: &Value) -> Result<i64, StoreError> {
    match value {
        Value::Int(number) => Ok(*number),
        Value::Nil => Ok(0),
        Value::BulkString(text) => {
            let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            number.ok_or(StoreError::Corrupt("a number cannot be read"))
        }
        _ => Err(StoreError::Corrupt("a script's reply is not a number")),
    }
}

#[cfg(test)]
mod tests {
    use redis::{ErrorKind, RedisError, ServerErrorKind};

    use super::*;

    #[test]
    fn without_a_master_redis_is_away_and_refuses_nothing() {
        let of = |kind: ErrorKind| StoreError::from(RedisError::from((kind, "said")));
        let away = of(ErrorKind::MasterNameNotFoundBySentinel);
        assert!(matches!(away, StoreError::Unavailable(_)), "{away}");
        let full = of(ErrorKind::Server(ServerErrorKind::ReadOnly));
        assert_eq!(full.refusal(), Some(Refusal::Other), "{full}");
    }
}
