//! What Redis has of one person: found, and forgotten.

use super::inbound::entry_of;
use super::{InboundEntry, Store, StoreError, array};
use crate::domain::{Recipient, TenantId};

/// What one person has written to a tenant is among the newest so many of a partition: all that is kept.
const LOOKED_AT: usize = 10_000;

impl Store {
    /// What somebody has written to a tenant, the oldest first.
    pub(crate) async fn inbound_from(
        &self,
        tenant: TenantId,
        from: Recipient,
    ) -> Result<Vec<InboundEntry>, StoreError> {
        let partition = from.partition(self.partitions());
        let mut range = redis::cmd("XRANGE");
        range.arg(format!("{}inbound:{}", self.base(partition), tenant.0));
        range.arg("-").arg("+").arg("COUNT").arg(LOOKED_AT);
        let reply = self.run(&self.bulk, vec![range]).await?.pop().unwrap_or_default();
        let entries = array(reply)?.into_iter().map(|entry| entry_of(partition, entry));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let mut opened = self.open_all(entries).await?;
        opened.retain(|entry| is_from(entry, from));
        Ok(opened)
    }

    /// Forgets what somebody has written to a tenant. Returns how many messages that was.
    pub(crate) async fn forget_inbound(&self, tenant: TenantId, from: Recipient) -> Result<u64, StoreError> {
        let found = self.inbound_from(tenant, from).await?;
        if found.is_empty() {
            return Ok(0);
        }
        let partition = from.partition(self.partitions());
        let mut delete = redis::cmd("XDEL");
        delete.arg(format!("{}inbound:{}", self.base(partition), tenant.0));
        for entry in &found {
            delete.arg(entry.place.id());
        }
        self.run(&self.bulk, vec![delete]).await?;
        Ok(found.len() as u64)
    }
}

/// Whether a message, as it is kept, is from that number.
fn is_from(entry: &InboundEntry, from: Recipient) -> bool {
    let message: Option<serde_json::Value> = serde_json::from_slice(&entry.message).ok();
    let source = message.and_then(|message| message["from"].as_str().map(str::to_owned));
    let digits = source.unwrap_or_default();
    digits.trim_start_matches('+').parse() == Ok(from.0)
}
