//! Engine processes: who is alive, and numbers for the names of SMSCs and routes.

use std::time::Duration;

use rustc_hash::FxHashMap;

use super::connection::read;
use super::health::memory;
use super::scripts::Name;
use super::{Store, StoreError, Token, keys};
use crate::config::Rate;
use crate::domain::{CampaignId, GateId, RouteId, SmscId, UnixMicros};

/// Of so many epochs it is known which rules they were under: more than begin in the time that a message may take.
const OBEYED_KEPT: u32 = 10_000;

/// Epochs whose processes were taken for dead, as many as are kept in mind.
const BURIED_KEPT: i64 = 1_000;

/// An engine process that has leased messages, and its last sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    /// Its number, which its leases carry.
    pub(crate) number: u32,
    /// By the server's clock.
    pub(crate) seen_at: UnixMicros,
}

impl Store {
    /// A new epoch, alive from now on, of a process that has obeyed these rules of sending so far.
    pub(crate) async fn new_epoch(&self, obeyed: &[u32]) -> Result<u32, StoreError> {
        let mut next = redis::cmd("HINCRBY");
        let epoch: u32 = self.ask(next.arg(keys::META).arg("next_epoch").arg(1)).await?;
        self.note_obeyed(epoch, obeyed).await?;
        if let Some(old) = epoch.checked_sub(OBEYED_KEPT) {
            self.ask::<i64>(redis::cmd("HDEL").arg(keys::OBEYED).arg(old)).await?;
        }
        self.beat(&[epoch]).await?;
        Ok(epoch)
    }

    /// Which rules of sending the process of an epoch has obeyed so far, by their numbers, one after the other.
    pub(crate) async fn note_obeyed(&self, epoch: u32, obeyed: &[u32]) -> Result<(), StoreError> {
        let obeyed: Vec<String> = obeyed.iter().map(u32::to_string).collect();
        let mut note = redis::cmd("HSET");
        note.arg(keys::OBEYED).arg(epoch).arg(obeyed.join(" "));
        self.ask::<i64>(&note).await.map(drop)
    }

    /// Which rules of sending the process of an epoch has obeyed; none, where that is forgotten.
    pub(crate) async fn obeyed(&self, epoch: u32) -> Result<Vec<u32>, StoreError> {
        let mut get = redis::cmd("HGET");
        let obeyed: Option<String> = self.ask(get.arg(keys::OBEYED).arg(epoch)).await?;
        let obeyed = obeyed.unwrap_or_default();
        Ok(obeyed.split(' ').filter_map(|number| number.parse().ok()).collect())
    }

    /// Whether it is this start's turn, for so long from now on; zero: it has ended.
    pub(crate) async fn starts(&self, token: &Token, length: Duration) -> Result<bool, StoreError> {
        let mut call = self.script(Name::Starting, &[keys::STARTING]);
        call.arg(token.hex()).arg(length.as_millis() as u64);
        Ok(self.ask::<u8>(&call).await? == 1)
    }

    /// A sign of life. Returns the server's time.
    pub(crate) async fn beat(&self, epochs: &[u32]) -> Result<UnixMicros, StoreError> {
        let mut call = self.script(Name::Beat, &[keys::ENGINES]);
        call.arg(epochs);
        let now: String = self.ask(&call).await?;
        now.parse().map_err(|_| StoreError::Corrupt("the server's time"))
    }

    /// Every epoch that may have leases.
    pub(crate) async fn epochs(&self) -> Result<Vec<Epoch>, StoreError> {
        let mut get = redis::cmd("HGETALL");
        let pairs: Vec<(u32, u64)> = self.ask(get.arg(keys::ENGINES)).await?;
        Ok(pairs
            .into_iter()
            .map(|(number, seen_at)| Epoch {
                number,
                seen_at: UnixMicros(seen_at),
            })
            .collect())
    }

    /// Forgets an epoch that has no leases any more, and that no process is known by.
    pub(crate) async fn forget_epoch(&self, epoch: u32) -> Result<(), StoreError> {
        let mut forget = redis::cmd("HDEL");
        self.ask::<i64>(forget.arg(keys::ENGINES).arg(epoch)).await?;
        self.forget_everywhere("checked", epoch).await?;
        self.forget_leases(epoch).await
    }

    /// Forgets an epoch of a process that was taken for dead, whose leases are resolved: should it live, it is told so.
    pub(crate) async fn bury_epoch(&self, epoch: u32) -> Result<(), StoreError> {
        let mut bury = redis::cmd("ZADD");
        self.ask::<i64>(bury.arg(keys::BURIED).arg(epoch).arg(epoch)).await?;
        let mut forget_old = redis::cmd("ZREMRANGEBYRANK");
        self.ask::<i64>(forget_old.arg(keys::BURIED).arg(0).arg(-1 - BURIED_KEPT))
            .await?;
        self.forget_epoch(epoch).await
    }

    /// Whether the leases of an epoch were resolved by somebody who took its process for dead.
    pub(crate) async fn is_buried(&self, epoch: u32) -> Result<bool, StoreError> {
        let mut score = redis::cmd("ZSCORE");
        let score: Option<f64> = self.ask(score.arg(keys::BURIED).arg(epoch)).await?;
        Ok(score.is_some())
    }

    /// Forgets which leases of an epoch were the last.
    pub(crate) async fn forget_leases(&self, epoch: u32) -> Result<(), StoreError> {
        self.forget_everywhere("leases", epoch).await
    }

    async fn forget_everywhere(&self, kind: &str, epoch: u32) -> Result<(), StoreError> {
        let forget = |partition| {
            let mut forget = redis::cmd("HDEL");
            forget.arg(format!("{}{kind}", self.base(partition))).arg(epoch);
            forget
        };
        let calls = self.all_partitions().map(forget).collect();
        self.run(&self.bulk, calls).await.map(drop)
    }

    /// The number of an SMSC's name; the same for good.
    pub(crate) async fn smsc_id(&self, name: &str) -> Result<SmscId, StoreError> {
        self.number(keys::SMSCS, "next_smsc", name).await.map(SmscId)
    }

    /// Every number that the name of an SMSC ever had, where the name begins so.
    pub(crate) async fn smscs_named(&self, prefix: &str) -> Result<Vec<SmscId>, StoreError> {
        let pairs: Vec<(String, u16)> = self.ask(redis::cmd("HGETALL").arg(keys::SMSCS)).await?;
        let those = pairs.into_iter().filter(|(name, _)| name.starts_with(prefix));
        Ok(those.map(|(_, number)| SmscId(number)).collect())
    }

    /// The names of all SMSCs that were ever numbered, whichever engine has them.
    pub(crate) async fn smsc_names(&self) -> Result<FxHashMap<SmscId, String>, StoreError> {
        let pairs: Vec<(String, u16)> = self.ask(redis::cmd("HGETALL").arg(keys::SMSCS)).await?;
        Ok(pairs.into_iter().map(|(name, number)| (SmscId(number), name)).collect())
    }

    /// The number of a route's name; the same for good.
    pub(crate) async fn route_id(&self, name: &str) -> Result<RouteId, StoreError> {
        self.number(keys::ROUTES, "next_route", name).await.map(RouteId)
    }

    /// The number of the gate of a zone's name; the same for good.
    pub(crate) async fn gate_id(&self, name: &str) -> Result<GateId, StoreError> {
        self.number(keys::GATES, "next_gate", name).await.map(GateId)
    }

    /// The zones of all gates that were ever numbered.
    pub(crate) async fn zones_of_gates(&self) -> Result<Vec<(String, GateId)>, StoreError> {
        let numbers: Vec<(String, u16)> = self.ask(redis::cmd("HGETALL").arg(keys::GATES)).await?;
        Ok(numbers.into_iter().map(|(zone, gate)| (zone, GateId(gate))).collect())
    }

    /// All gates that were ever numbered.
    pub(crate) async fn gates(&self) -> Result<Vec<GateId>, StoreError> {
        let numbers: Vec<u16> = self.ask(redis::cmd("HVALS").arg(keys::GATES)).await?;
        Ok(numbers.into_iter().map(GateId).collect())
    }

    /// Nothing more is given to that SMSC, by any process, or something may be again.
    pub(crate) async fn suspend(&self, smsc: SmscId, suspended: bool) -> Result<(), StoreError> {
        let mut change = redis::cmd(if suspended { "SADD" } else { "SREM" });
        self.ask::<i64>(change.arg(keys::SUSPENDED).arg(smsc.0)).await.map(drop)
    }

    /// The SMSCs that nothing is given to.
    pub(crate) async fn suspended(&self) -> Result<Vec<SmscId>, StoreError> {
        let numbers: Vec<u16> = self.ask(redis::cmd("SMEMBERS").arg(keys::SUSPENDED)).await?;
        Ok(numbers.into_iter().map(SmscId).collect())
    }

    /// That SMSC is given no more than that, by any process; `None`: than is configured.
    pub(crate) async fn tell_rate(&self, smsc: SmscId, rate: Option<Rate>) -> Result<(), StoreError> {
        let mut tell = redis::cmd(if rate.is_some() { "HSET" } else { "HDEL" });
        tell.arg(keys::TOLD_RATES).arg(smsc.0);
        if let Some(rate) = rate {
            tell.arg(format!("{} {}", rate.segments, rate.period.as_millis()));
        }
        self.ask::<i64>(&tell).await.map(drop)
    }

    /// What operators have said how fast SMSCs are fed.
    pub(crate) async fn told_rates(&self) -> Result<Vec<(SmscId, Rate)>, StoreError> {
        let all: Vec<(u16, String)> = self.ask(redis::cmd("HGETALL").arg(keys::TOLD_RATES)).await?;
        let read = |(smsc, text): (u16, String)| {
            let (segments, period) = text.split_once(' ')?;
            let rate = Rate {
                segments: segments.parse().ok()?,
                period: Duration::from_millis(period.parse().ok()?),
            };
            Some((SmscId(smsc), rate))
        };
        let read = |told| read(told).ok_or(StoreError::Corrupt("the rate that an operator has said"));
        all.into_iter().map(read).collect()
    }

    /// The version of a table of routes: a table that was never seen is newer than all before.
    pub(crate) async fn routes_version(&self, table: &str) -> Result<u32, StoreError> {
        let mut get = redis::cmd("HMGET");
        get.arg(keys::META).arg("routes").arg("routes_version");
        let (known, version): (Option<String>, Option<u32>) = self.ask(&get).await?;
        if known.as_deref() == Some(table) {
            return Ok(version.unwrap_or(1));
        }
        let mut next = redis::cmd("HINCRBY");
        let version: u32 = self.ask(next.arg(keys::META).arg("routes_version").arg(1)).await?;
        let mut set = redis::cmd("HSET");
        self.ask::<i64>(set.arg(keys::META).arg("routes").arg(table)).await?;
        Ok(version)
    }

    async fn number(&self, names: &str, counter: &str, name: &str) -> Result<u16, StoreError> {
        let mut get = redis::cmd("HGET");
        let known: Option<u16> = self.ask(get.arg(names).arg(name)).await?;
        if let Some(number) = known {
            return Ok(number);
        }
        let mut next = redis::cmd("HINCRBY");
        let number: u16 = self.ask(next.arg(keys::META).arg(counter).arg(1)).await?;
        let mut claim = redis::cmd("HSETNX");
        let _won: i64 = self.ask(claim.arg(names).arg(name).arg(number)).await?;
        // Another process may have been faster: its number holds.
        self.ask(redis::cmd("HGET").arg(names).arg(name)).await
    }

    /// Lists a campaign whose audience is being taken in, under the epoch of whoever takes it; or takes it off.
    pub(crate) async fn set_drafting(&self, campaign: CampaignId, epoch: Option<u32>) -> Result<(), StoreError> {
        let mut call = redis::cmd(if epoch.is_some() { "HSET" } else { "HDEL" });
        call.arg(keys::DRAFTING).arg(campaign.0);
        if let Some(epoch) = epoch {
            call.arg(epoch);
        }
        self.ask::<i64>(&call).await.map(drop)
    }

    /// Whether a campaign's audience is being taken in by that epoch.
    pub(crate) async fn is_drafting(&self, campaign: CampaignId, epoch: u32) -> Result<bool, StoreError> {
        let mut get = redis::cmd("HGET");
        let listed: Option<u32> = self.ask(get.arg(keys::DRAFTING).arg(campaign.0)).await?;
        Ok(listed == Some(epoch))
    }

    /// Campaigns whose audience is being taken in, and by which epoch.
    pub(crate) async fn drafting(&self) -> Result<Vec<(CampaignId, u32)>, StoreError> {
        let mut get = redis::cmd("HGETALL");
        let pairs: Vec<(u64, u32)> = self.ask(get.arg(keys::DRAFTING)).await?;
        Ok(pairs.into_iter().map(|(id, epoch)| (CampaignId(id), epoch)).collect())
    }

    /// Octets of memory that the servers use, for a gauge.
    pub(crate) async fn used_memory(&self) -> Result<u64, StoreError> {
        let mut used = 0;
        for reply in self.bulk.each(redis::cmd("INFO").arg("memory")).await? {
            used += memory(&read::<String>(reply)?).used;
        }
        Ok(used)
    }
}
