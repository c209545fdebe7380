//! Every key, spelled once. `{…}` is the hash tag: what shares it lies on one node of a cluster.
//!
//! Keys within a partition are spelled by the scripts too, from the base. A *line* is `<route>:<lane>:<gate>`, or
//! `@<smsc>:<lane>:<gate>` for messages that an SMSC has a part of.
//!
//! | key | type | what |
//! |---|---|---|
//! | `c:{pN}:rec` | hash | recipient (8 octets) → the record: trails of what is finished, then messages under way in submission order |
//! | `c:{pN}:aud:<campaign>` | list | the audience's rows, by position |
//! | `c:{pN}:cut:<campaign>` | list | the spans of a draft |
//! | `c:{pN}:c:<campaign>` | hash | `launched` rows, `tenant`, `halt`, `halted_at` in µs, behind a resume when that was; `edits` of the draft by which its rows were priced last; `gathers`, if it is of messages by themselves; `s:<line>` for each line with spans of it |
//! | `c:{pN}:spans:<line>:<campaign>` | list | what is queued: first position, count, version of the routes |
//! | `c:{pN}:lane:<line>:<tenant>` | list | the tenant's campaigns with spans there, oldest first |
//! | `c:{pN}:ring:<line>` | list | tenants whose lane is not empty, whose turn it is first |
//! | `c:{pN}:due:<line>` | sorted set | recipient and id of deferred and waiting messages, by due time in µs |
//! | `c:{pN}:lines` | set | `r<line>` with a ring, `d<line>` with due messages |
//! | `c:{pN}:depth` | hash | line → rows queued |
//! | `c:{pN}:halted` | hash | line and campaign → rows queued of one that is paused |
//! | `c:{pN}:again` | hash | line and campaign → messages of it in the line's due set |
//! | `c:{pN}:behind:<line>:<campaign>` | set | those of them that were behind another message to that person when they were looked at last |
//! | `c:{pN}:stale` | list | queues whose spans were cut under older routes |
//! | `c:{pN}:weights`, `c:{pN}:caps` | hash | tenant → turns it gets at once; `most seconds` of its frequency cap |
//! | `c:{pN}:paced` | hash | campaign with a rate → permits with which rows of it are leased |
//! | `c:{pN}:rated` | hash | tenant with a rate → permits with which rows of it are leased |
//! | `c:{pN}:wants` | hash | such a tenant that a lease has found without permits → the most urgent lane of which it has rows |
//! | `c:{pN}:suspended` | set | tenants of which nothing is leased |
//! | `c:{pN}:aside:<tenant>` | set | lines with a lane of such a tenant's, or of one that wants permits, which stands in no ring |
//! | `c:{pN}:cap:<tenant>` | hash | recipient → when marketing messages were taken, 4 octets each |
//! | `c:{pN}:stop:<lane>`, `c:{pN}:stopall:<lane>` | set | who opted out: of one tenant's messages (tenant, recipient), of all |
//! | `c:{pN}:back:<lane>` | hash | who opted out of all → tenants whose messages they have asked for since, 4 octets each |
//! | `c:{pN}:leases` | hash | epoch → number of its last lease, and what that handed out |
//! | `c:{pN}:gaps` | set | ids that the cursors were moved past when an engine said what it had leased of an older database, and that others may have leased |
//! | `c:{pN}:checked` | hash | first epoch of an engine → run id of the server on which it has checked in last |
//! | `c:{pN}:waited` | string | number of the lease that replicas were last waited for with |
//! | `c:{pN}:jr` | stream | the journal; the field's name is the form of its events |
//! | `c:{pN}:pos` | hash | consumer of the journal → the last id that it has |
//! | `c:{pN}:res:<campaign>` | string | 22 counters of 4 octets, then results, 8 octets a position |
//! | `c:{pN}:parked` | hash | recipient, or something that is not a number → receipts that match no message |
//! | `c:{pN}:until:<minute>` | list | messages by themselves that are worth nothing from that minute since 1970 on: campaign, position |
//! | `c:{pN}:minutes` | sorted set | minutes for which there is such a list |
//! | `c:{pN}:tok` | hash | token of a direct message → when, and which message it made |
//! | `c:{pN}:inbound:<tenant>` | stream | inbound messages in answer to a tenant's; 0: nobody's |
//! | `c:{pN}:in:<digest>` | string | an inbound message of the last minutes, and what its sender had been sent by then: a second copy changes nothing |
//! | `c:{pN}:heard:<digest>` | string | it was acknowledged |
//! | `c:{pN}:parts:<key>`, `c:{pN}:whole:<key>` | hash, string | the parts of an inbound message that are there; it was stored |
//! | `c:{pN}:parting` | sorted set | messages with missing parts, by when the first one came, in µs |

use super::{KeyOwner, Token};
use crate::domain::{CampaignId, Partition, TenantId};

/// What every key begins with.
pub(super) const PREFIX: &[u8] = b"c:";

/// Campaigns whose audience is being found out, and by which epoch.
pub(super) const RESOLVING: &str = "c:resolving";

/// Numbers that are handed out, the shape of the database, its id, the number of partitions, and the stamp of the last backup.
pub(super) const META: &str = "c:meta";
/// SMSC name → number.
pub(super) const SMSCS: &str = "c:smscs";
/// Route name → number.
pub(super) const ROUTES: &str = "c:routes";
/// Numbers of gates, by the name of their zone.
pub(super) const GATES: &str = "c:gates";
/// A set: campaigns that somebody has moved, until the engine with the duty has looked whom it tells of that.
pub(super) const MOVED: &str = "c:moved";
/// A set: numbers of the SMSCs that nothing is given to.
pub(super) const SUSPENDED: &str = "c:suspended";
/// Number of an SMSC → the rate that an operator has said, as segments and a period in ms.
pub(super) const TOLD_RATES: &str = "c:told_rates";
/// SHA-256 of an API key → whose it is.
pub(super) const API_KEYS: &str = "c:keys";
/// Epoch → last sign of life of the engine process that has it, µs by the server's clock.
pub(super) const ENGINES: &str = "c:engines";
/// A sorted set, by themselves: epochs whose processes were taken for dead.
pub(super) const BURIED: &str = "c:buried";
/// Epoch → numbers of the rules of sending that the engine process that has it has obeyed, one after the other, apart by spaces.
pub(super) const OBEYED: &str = "c:obeyed";
/// A channel: what engines ring for.
pub(super) const BELL: &str = "c:bell";
/// The token of the start of an engine that makes this database and SQL agree now.
pub(super) const STARTING: &str = "c:starting";
/// Epoch → what the engine process that has it says of itself, as JSON.
pub(super) const PEERS: &str = "c:peers";
/// What one engine has at a time, and who wants it, see `tenure.lua`.
pub(super) const SEATS: &str = "c:seats";
/// SMSC and epoch → the share that an engine has of its rate, see `rates.lua`.
pub(super) const RATES: &str = "c:rates";
/// `tenant:campaign` of every campaign whose hold is not settled.
pub(super) const ACTIVE: &str = "c:active";
/// Campaign → epoch of the process that takes its audience in.
pub(super) const DRAFTING: &str = "c:drafting";
/// `tenant:campaign`, by the time at which it leaves, seconds.
pub(super) const RETIRE: &str = "c:retire";
/// `tenant:campaign` of those that are over, and of which SQL has not been told what they came to.
pub(super) const UNTOLD: &str = "c:untold";
/// `tenant:campaign` of those whose texts are erased before they leave, by when, seconds.
pub(super) const REDACT: &str = "c:redact";
/// `tenant:campaign:time` of launches that are planned, by that time, µs; one whose campaign says another time is void.
pub(super) const SCHEDULE: &str = "c:schedule";
/// `tenant:campaign` of campaigns that were launched and expire, by when they do, µs.
pub(super) const EXPIRING: &str = "c:expiring";
/// `tenant:campaign` of campaigns that were launched and that people may still join, by until when, µs.
pub(super) const JOINING: &str = "c:joining";
/// `tenant:campaign` of campaigns with a rate that were launched → that rate.
pub(super) const PACED: &str = "c:paced";
/// Tenants with a rate → that rate.
pub(super) const RATED: &str = "c:rated";
/// `tenant:campaign` of campaigns that were launched and of which nothing is queued (`unqueued.rs`), by since when, µs.
pub(super) const UNQUEUED: &str = "c:unqueued";
/// Tenants that are given back what fails → which failures, see `domain/gives_back.rs`.
pub(super) const GIVES_BACK: &str = "c:gives_back";
/// Tokens of direct messages that may have been left half done: `tenant:token`, by the time they were held, seconds.
pub(super) const HALF_DONE: &str = "c:direct";
/// A set: numbers of the tenants whose appointments a "CANCEL" answers.
pub(super) const CANCEL_ANSWERS: &str = "c:cancel_answers";
/// A sorted set: `tenant:campaign` of every campaign, by its number.
pub(super) const CAMPAIGNS: &str = "c:campaigns";
/// Every tenant's number.
pub(super) const TENANTS: &str = "c:tenants";

/// Whether it is a partition's.
pub(super) fn is_of_partition(key: &[u8]) -> bool {
    key.starts_with(b"c:{p")
}

pub(super) fn base(partition: Partition) -> String {
    format!("c:{{p{}}}:", partition.0)
}

pub(super) fn tenant(tenant: TenantId) -> String {
    format!("c:{{t{}}}:tenant", tenant.0)
}

/// A hash: SHA-256 of an API key → what is known of it, as JSON.
pub(super) fn key_details(owner: KeyOwner) -> String {
    format!("{}keys", slot(owner))
}

/// A hash: campaign that was lost with its Redis → credits that are held for it.
pub(super) fn lost(tenant: TenantId) -> String {
    format!("c:{{t{}}}:lost", tenant.0)
}

/// A hash: the last day on which messages of a tenant were taken, by its clocks, and how many.
pub(super) fn daily(tenant: TenantId) -> String {
    format!("c:{{t{}}}:daily", tenant.0)
}

/// Sorted sets: numbers that a tenant's campaigns of the last day were launched to, by when, µs; and these campaigns, each with how many
/// recipients it had.
pub(super) fn near(tenant: TenantId) -> [String; 2] {
    ["near", "near_campaigns"].map(|what| format!("c:{{t{}}}:{what}", tenant.0))
}

/// A stream: the newest lines are kept.
pub(super) fn ledger(tenant: TenantId) -> String {
    format!("c:{{t{}}}:ledger", tenant.0)
}

/// Token → campaign, partition and credits of a direct message whose credits are held and which may not be queued yet.
pub(super) fn holds(tenant: TenantId) -> String {
    format!("c:{{t{}}}:holds", tenant.0)
}

/// Tokens of the last day's grants, by time in µs: none is made twice.
pub(super) fn grants(tenant: TenantId) -> String {
    format!("c:{{t{}}}:grants", tenant.0)
}

/// What a caller's own keys have in common: a tenant's lie in its slot.
pub(super) fn slot(caller: KeyOwner) -> String {
    match caller {
        KeyOwner::Operator => "c:{op}:".to_owned(),
        KeyOwner::Reseller(reseller) => format!("c:{{r{}}}:", reseller.0),
        KeyOwner::Tenant(tenant) => format!("c:{{t{}}}:", tenant.0),
    }
}

/// A hash: an operation that a caller named by a key of its own, see `claim.lua`.
pub(super) fn idempotent(caller: KeyOwner, token: Token) -> String {
    format!("{}idem:{}", slot(caller), token.hex())
}

/// The number of the tenant that an operation made.
pub(super) fn made(token: Token) -> String {
    format!("{}made:{}", slot(KeyOwner::Operator), token.hex())
}

/// The tenant's campaigns, newest last.
pub(super) fn campaigns(tenant: TenantId) -> String {
    format!("c:{{t{}}}:campaigns", tenant.0)
}

pub(super) fn campaign(tenant: TenantId, campaign: CampaignId) -> String {
    format!("c:{{t{}}}:cmp:{}", tenant.0, campaign.0)
}

/// Numbers that were pasted beside contacts, eight octets each.
pub(super) fn pasted(tenant: TenantId, campaign: CampaignId) -> String {
    format!("{}:pasted", self::campaign(tenant, campaign))
}

/// How many that were pasted beside them were not taken, and the first of these.
pub(super) fn pasted_left_out(tenant: TenantId, campaign: CampaignId) -> String {
    format!("{}:pasted_out", self::campaign(tenant, campaign))
}

/// The listed recipients of a campaign that were not taken.
pub(super) fn rejected(tenant: TenantId, campaign: CampaignId) -> String {
    format!("c:{{t{}}}:rej:{}", tenant.0, campaign.0)
}
