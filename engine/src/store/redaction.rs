//! Texts that leave before their campaigns do.

use redis::Value;

use super::catalogue::read_pair;
use super::terms::TEXT_DAYS;
use super::{Store, StoreError, keys};
use crate::domain::{CampaignId, TenantId, UnixMicros};

const DAY_S: u64 = 86_400;

/// Campaigns that are looked through in one step.
const SCANNED: usize = 1_000;

impl Store {
    /// Campaigns of a tenant are over since then: their texts are kept for as long as the tenant's are.
    pub(super) async fn redact_from(&self, owners: &[(TenantId, CampaignId)], over_s: u64) -> Result<(), StoreError> {
        let tenants: Vec<TenantId> = owners.iter().map(|(tenant, _)| *tenant).collect();
        let days = self.text_days(&tenants).await?;
        let due = owners.iter().zip(days);
        let due = due.filter_map(|(owner, days)| Some((*owner, over_s + u64::from(days?) * DAY_S)));
        self.list_redactions(due.collect()).await
    }

    /// A tenant's texts are kept for so many days from now on, also those of campaigns that are over; these leave so long after that.
    pub(crate) async fn redact_all(&self, tenant: TenantId, days: Option<u16>, kept_s: u64) -> Result<(), StoreError> {
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("ZSCAN");
            scan.arg(keys::RETIRE).arg(cursor);
            scan.arg("MATCH")
                .arg(format!("{}:*", tenant.0))
                .arg("COUNT")
                .arg(SCANNED);
            let (next, found): (u64, Vec<(String, u64)>) = self.ask(&scan).await?;
            let found = found
                .iter()
                .filter_map(|(pair, leaves_s)| Some((read_pair(pair)?, *leaves_s)));
            match days {
                Some(days) => {
                    let due = |leaves_s: u64| leaves_s.saturating_sub(kept_s) + u64::from(days) * DAY_S;
                    let all = found.map(|(owner, leaves_s)| (owner, due(leaves_s)));
                    self.list_redactions(all.collect()).await?;
                }
                None => {
                    for (owner, _) in found {
                        self.is_redacted(owner).await?;
                    }
                }
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Campaigns whose texts are to be erased by then, at most a hundred.
    pub(crate) async fn to_redact(&self, now_s: u64) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let mut range = redis::cmd("ZRANGEBYSCORE");
        range.arg(keys::REDACT).arg("-inf").arg(now_s);
        range.arg("LIMIT").arg(0).arg(100);
        let pairs: Vec<String> = self.ask(&range).await?;
        Ok(pairs.iter().filter_map(|pair| read_pair(pair)).collect())
    }

    /// Erases what a campaign said, whose text had that many characters; what its rows say is encrypted, and cannot be read any more.
    pub(crate) async fn redact(
        &self,
        owner: (TenantId, CampaignId),
        (now, characters): (UnixMicros, usize),
    ) -> Result<(), StoreError> {
        let key = keys::campaign(owner.0, owner.1);
        let (mut note, mut forget) = (redis::cmd("HSET"), redis::cmd("HDEL"));
        note.arg(&key).arg("redacted_at").arg(now.0);
        note.arg("characters").arg(characters);
        forget.arg(&key).arg("cipher").arg("words");
        // Of an earlier version.
        forget.arg("text").arg("variants").arg("query");
        self.run(&self.bulk, vec![note, forget]).await?;
        self.is_redacted(owner).await
    }

    /// Nothing is to be erased of that campaign, or no more.
    pub(crate) async fn is_redacted(&self, owner: (TenantId, CampaignId)) -> Result<(), StoreError> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(keys::REDACT).arg(format!("{}:{}", owner.0.0, owner.1.0));
        self.ask::<i64>(&remove).await.map(drop)
    }

    /// For how many days each tenant's texts are kept, in the order asked for.
    pub(crate) async fn text_days(&self, tenants: &[TenantId]) -> Result<Vec<Option<u16>>, StoreError> {
        let get = |tenant: &TenantId| {
            let mut get = redis::cmd("HGET");
            get.arg(keys::tenant(*tenant)).arg(TEXT_DAYS);
            get
        };
        let replies = self.run(&self.bulk, tenants.iter().map(get).collect()).await?;
        let days = |reply: Value| {
            let days: Option<String> = redis::from_redis_value(reply).ok()?;
            days?.parse().ok()
        };
        Ok(replies.into_iter().map(days).collect())
    }

    async fn list_redactions(&self, due: Vec<((TenantId, CampaignId), u64)>) -> Result<(), StoreError> {
        if due.is_empty() {
            return Ok(());
        }
        let mut add = redis::cmd("ZADD");
        add.arg(keys::REDACT);
        for ((tenant, id), at_s) in due {
            add.arg(at_s).arg(format!("{}:{}", tenant.0, id.0));
        }
        self.ask::<i64>(&add).await.map(drop)
    }
}
