//! Who has had enough advertising of a tenant for a while.

use super::{Store, StoreError, array, bytes_or_none};
use crate::domain::{FrequencyCap, Partition, Recipient, TenantId, UnixMicros};

/// Octets of a time at which a message was taken.
const TIME_OCTETS: usize = 4;

impl Store {
    /// How many marketing messages a recipient may get of a tenant; `None`: any number, and what was counted is forgotten.
    pub(crate) async fn set_cap(&self, tenant: TenantId, cap: Option<FrequencyCap>) -> Result<(), StoreError> {
        let mut calls = Vec::new();
        for base in self.all_partitions().map(|partition| self.base(partition)) {
            let caps = format!("{base}caps");
            let mut set = redis::cmd(if cap.is_some() { "HSET" } else { "HDEL" });
            set.arg(caps).arg(tenant.0);
            if let Some(cap) = cap {
                set.arg(format!("{} {}", cap.messages, cap.seconds()));
                calls.push(set);
                continue;
            }
            let mut forget = redis::cmd("UNLINK");
            forget.arg(format!("{base}cap:{}", tenant.0));
            calls.extend([set, forget]);
        }
        self.run(&self.bulk, calls).await.map(drop)
    }

    /// Which of some recipients, each with others of its partition, have had as many as that by now.
    pub(crate) async fn had_enough(
        &self,
        (tenant, cap, now): (TenantId, FrequencyCap, UnixMicros),
        groups: &[(Partition, Vec<Recipient>)],
    ) -> Result<Vec<Vec<bool>>, StoreError> {
        let get = |(partition, recipients): &(Partition, Vec<Recipient>)| {
            let mut get = redis::cmd("HMGET");
            get.arg(format!("{}cap:{}", self.base(*partition), tenant.0));
            for recipient in recipients {
                get.arg(&recipient.0.to_be_bytes()[..]);
            }
            get
        };
        let some = groups.iter().filter(|(_, recipients)| !recipients.is_empty());
        let mut replies = self.run(&self.bulk, some.map(get).collect()).await?.into_iter();
        let since = now.seconds().saturating_sub(cap.seconds().into());
        let mut enough = Vec::with_capacity(groups.len());
        for (_, recipients) in groups {
            let times = match recipients.is_empty() {
                true => Vec::new(),
                false => array(replies.next().unwrap_or_default())?,
            };
            let of_each = times.into_iter().map(|times| {
                let times = bytes_or_none(times)?;
                Ok(taken_since(&times, since) >= usize::from(cap.messages))
            });
            enough.push(of_each.collect::<Result<Vec<bool>, StoreError>>()?);
        }
        Ok(enough)
    }
}

fn taken_since(times: &[u8], since: u64) -> usize {
    let (times, _) = times.as_chunks::<TIME_OCTETS>();
    let times = times.iter().map(|time| u64::from(u32::from_be_bytes(*time)));
    times.filter(|time| *time > since).count()
}
