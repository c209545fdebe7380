//! To which numbers the campaigns of a tenant went on the last day, as far as they may be neighbours.

use super::scripts::Name;
use super::{Store, StoreError, array, integer, keys};
use crate::domain::{CampaignId, Recipient, TenantId, UnixMicros};

/// Where a campaign goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Near<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    pub(crate) recipients: u64,
    /// Those that may be neighbours of others.
    pub(crate) numbers: &'a [Recipient],
    /// Blocks with fewer do not count.
    pub(crate) least: u32,
}

impl Store {
    /// Notes where a campaign goes, once however often it is asked. Returns how many recipients the campaigns of the last day had, and of its
    /// blocks, without their last three digits, those with many numbers of these.
    pub(crate) async fn note_near(
        &self,
        near: &Near<'_>,
        now: UnixMicros,
    ) -> Result<(u64, Vec<(u64, u32)>), StoreError> {
        let names = keys::near(near.tenant);
        let mut call = self.script(Name::Near, &[&names[0], &names[1]]);
        call.arg(now.0)
            .arg(near.campaign.0)
            .arg(near.recipients)
            .arg(near.least);
        for number in near.numbers {
            call.arg(number.0);
        }
        let mut replies = self.run(&self.bulk, vec![call]).await?;
        let mut reply = array(replies.pop().unwrap_or_default())?.into_iter();
        let all = integer(&reply.next().unwrap_or_default())?;
        let mut counts = Vec::new();
        while let (Some(block), Some(count)) = (reply.next(), reply.next()) {
            counts.push((integer(&block)?.max(0) as u64, integer(&count)?.max(0) as u32));
        }
        Ok((all.max(0) as u64, counts))
    }

    /// Forgets that a tenant's campaigns went to a number.
    pub(crate) async fn forget_near(&self, tenant: TenantId, number: Recipient) -> Result<(), StoreError> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(&keys::near(tenant)[0]).arg(number.0);
        self.run(&self.bulk, vec![remove]).await.map(drop)
    }
}
