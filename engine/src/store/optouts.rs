//! Who wants no messages.

use super::scripts::Name;
use super::{InboundPlace, Store, StoreError, array, integer};
use crate::domain::{Partition, Purpose, Recipient, TenantId, UnixMicros};

impl Store {
    /// Keeps that recipients do not want messages: of one tenant, or of all; marketing, or of any purpose. What waits for
    /// them ends. Returns how many were not known before.
    pub(crate) async fn opt_out(
        &self,
        tenant: Option<TenantId>,
        purposes: &[Purpose],
        recipients: &[Recipient],
        now: UnixMicros,
    ) -> Result<u64, StoreError> {
        let mut by_partition: Vec<Vec<Recipient>> = vec![Vec::new(); usize::from(self.partitions())];
        for recipient in recipients {
            by_partition[usize::from(recipient.partition(self.partitions()).0)].push(*recipient);
        }
        let lanes: String = purposes
            .iter()
            .map(|purpose| char::from(b'0' + purpose.lane()))
            .collect();
        let scope = tenant.map_or_else(Vec::new, |tenant| tenant.0.to_be_bytes().to_vec());
        let mut calls = Vec::new();
        for (partition, of) in self.all_partitions().zip(&by_partition) {
            for chunk in of.chunks(1_000) {
                let mut call = self.partition_script(Name::Stop, partition);
                call.arg(&scope[..]).arg(&lanes).arg(now.seconds());
                for recipient in chunk {
                    call.arg(&recipient.0.to_be_bytes()[..]);
                }
                calls.push(call);
            }
        }
        if calls.is_empty() {
            return Ok(0);
        }
        let replies = self.run(&self.bulk, calls).await?;
        replies.iter().map(|reply| integer(reply).map(|new| new as u64)).sum()
    }

    /// Takes back that a recipient wants no messages of a tenant with that purpose, as the message at that place asks, unless a later one
    /// says otherwise. Returns whether it was so.
    pub(crate) async fn opt_in(
        &self,
        (tenant, purpose): (TenantId, Purpose),
        recipient: Recipient,
        asked: InboundPlace,
    ) -> Result<bool, StoreError> {
        let mut call = self.partition_script(Name::OptIn, recipient.partition(self.partitions()));
        call.arg(&tenant.0.to_be_bytes()[..]);
        call.arg(&recipient.0.to_be_bytes()[..]).arg(purpose.lane());
        call.arg(tenant.0).arg(asked.id());
        let reply = self.run(&self.moves, vec![call]).await?.pop().unwrap_or_default();
        Ok(integer(&reply)? == 1)
    }

    /// Which of some recipients, each with others of its partition, want no messages of a tenant with that purpose.
    pub(crate) async fn opted_out(
        &self,
        (tenant, purpose): (TenantId, Purpose),
        groups: &[(Partition, Vec<Recipient>)],
    ) -> Result<Vec<Vec<bool>>, StoreError> {
        let lane = purpose.lane();
        let mut calls = Vec::with_capacity(2 * groups.len());
        for (partition, recipients) in groups {
            let base = self.base(*partition);
            let (mut own, mut all) = (redis::cmd("SMISMEMBER"), redis::cmd("SMISMEMBER"));
            own.arg(format!("{base}stop:{lane}"));
            all.arg(format!("{base}stopall:{lane}"));
            for recipient in recipients {
                let octets = recipient.0.to_be_bytes();
                own.arg([&tenant.0.to_be_bytes()[..], &octets[..]].concat());
                all.arg(&octets[..]);
            }
            calls.extend([own, all]);
        }
        let mut replies = self.run(&self.bulk, calls).await?.into_iter();
        let mut struck = || -> Result<Vec<bool>, StoreError> {
            let members = array(replies.next().unwrap_or_default())?;
            members.iter().map(|member| Ok(integer(member)? == 1)).collect()
        };
        groups
            .iter()
            .map(|_| {
                Ok(struck()?
                    .into_iter()
                    .zip(struck()?)
                    .map(|(own, all)| own || all)
                    .collect())
            })
            .collect()
    }
}
