//! Every key, spelled once. `{…}` is the hash tag: what shares it lies on one node of a cluster.
//!
//! Keys within a partition are spelled by the scripts, from the base:
//!
//! | key | type | what |
//! |---|---|---|
//! | `c:{pN}:rec` | hash | recipient (8 octets) → its live messages, in submission order |
//! | `c:{pN}:q:<smsc>:<campaign>` | list | entries of a campaign that are due |
//! | `c:{pN}:lane:<smsc>:<lane>:<tenant>` | list | the tenant's campaigns with such entries, oldest first |
//! | `c:{pN}:ring:<smsc>:<lane>` | list | tenants whose lane is not empty, whose turn it is first |
//! | `c:{pN}:depth` | hash | `<smsc>:<lane>` → entries in its queues |
//! | `c:{pN}:weights` | hash | tenant → turns it gets at once, where that is not 1 |
//! | `c:{pN}:due:<smsc>` | sorted set | recipient and id of deferred messages, by due time in µs |
//! | `c:{pN}:c:<campaign>` | hash | `expanded`, `halt` |
//! | `c:{pN}:counts` | hash | campaign (5 octets) and letter → how many, see `counters.rs` |
//! | `c:{pN}:aud:<campaign>` | list | the audience, in its order |
//! | `c:{pN}:res` | hash | message id → eight octets: how it ended |
//! | `c:{pN}:early` | hash | recipient → receipts that match nothing yet |
//! | `c:{pN}:inbound` | list | inbound messages, newest last |

use crate::domain::{CampaignId, Partition, TenantId};

/// Numbers that are handed out, and the number of partitions.
pub(super) const META: &str = "c:meta";
/// SMSC name → number.
pub(super) const SMSCS: &str = "c:smscs";
/// SHA-256 of an API key → whose it is.
pub(super) const API_KEYS: &str = "c:keys";
/// Epoch → last sign of life of the engine process that has it, µs.
pub(super) const ENGINES: &str = "c:engines";
/// `tenant:campaign` of every campaign whose hold is not settled.
pub(super) const ACTIVE: &str = "c:active";
/// Every tenant's number.
pub(super) const TENANTS: &str = "c:tenants";

pub(super) fn base(partition: Partition) -> String {
    format!("c:{{p{}}}:", partition.0)
}

pub(super) fn tenant(tenant: TenantId) -> String {
    format!("c:{{t{}}}:tenant", tenant.0)
}

pub(super) fn ledger(tenant: TenantId) -> String {
    format!("c:{{t{}}}:ledger", tenant.0)
}

/// The tenant's campaigns, newest last.
pub(super) fn campaigns(tenant: TenantId) -> String {
    format!("c:{{t{}}}:campaigns", tenant.0)
}

pub(super) fn campaign(tenant: TenantId, campaign: CampaignId) -> String {
    format!("c:{{t{}}}:cmp:{}", tenant.0, campaign.0)
}

/// The listed recipients of a campaign that were not taken.
pub(super) fn rejected(tenant: TenantId, campaign: CampaignId) -> String {
    format!("c:{{t{}}}:rej:{}", tenant.0, campaign.0)
}
