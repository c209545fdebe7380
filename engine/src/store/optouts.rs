//! Who wants no messages.

use super::scripts::Name;
use super::{InboundPlace, Store, StoreError, array, bytes_or_none, integer};
use crate::domain::{Partition, Purpose, Recipient, TenantId, UnixMicros};

/// How it is known that somebody wants messages again: unless STOP came behind that place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Again {
    /// Their tenant says so.
    Said(InboundPlace),
    /// They have written so: a STOP of before to nobody's number does not hold for that tenant either.
    Written(InboundPlace),
}

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

    /// Takes back that a recipient wants no messages of a tenant with that purpose, unless a later message says otherwise. Returns whether it
    /// was so.
    pub(crate) async fn opt_in(
        &self,
        (tenant, purpose): (TenantId, Purpose),
        recipient: Recipient,
        again: Again,
    ) -> Result<bool, StoreError> {
        let (behind, is_written) = match again {
            Again::Said(behind) => (behind, false),
            Again::Written(behind) => (behind, true),
        };
        let mut call = self.partition_script(Name::OptIn, recipient.partition(self.partitions()));
        call.arg(&tenant.0.to_be_bytes()[..]);
        call.arg(&recipient.0.to_be_bytes()[..]).arg(purpose.lane());
        call.arg(tenant.0).arg(behind.id()).arg(u8::from(is_written));
        let reply = self.run(&self.moves, vec![call]).await?.pop().unwrap_or_default();
        Ok(integer(&reply)? == 1)
    }

    /// Whether a recipient who wants nobody's messages has asked for those of a tenant with that purpose since.
    pub(crate) async fn is_back(
        &self,
        (tenant, purpose): (TenantId, Purpose),
        recipient: Recipient,
    ) -> Result<bool, StoreError> {
        let base = self.base(recipient.partition(self.partitions()));
        let mut ask = redis::cmd("HGET");
        ask.arg(format!("{base}back:{}", purpose.lane()));
        ask.arg(&recipient.0.to_be_bytes()[..]);
        let back = self.run(&self.bulk, vec![ask]).await?.pop().unwrap_or_default();
        Ok(has_tenant(&bytes_or_none(back)?, tenant))
    }

    /// Which of some recipients, each with others of its partition, want no messages of a tenant with that purpose.
    pub(crate) async fn opted_out(
        &self,
        (tenant, purpose): (TenantId, Purpose),
        groups: &[(Partition, Vec<Recipient>)],
    ) -> Result<Vec<Vec<bool>>, StoreError> {
        let lane = purpose.lane();
        let mut calls = Vec::with_capacity(3 * groups.len());
        for (partition, recipients) in groups {
            let base = self.base(*partition);
            let (mut own, mut all) = (redis::cmd("SMISMEMBER"), redis::cmd("SMISMEMBER"));
            let mut back = redis::cmd("HMGET");
            own.arg(format!("{base}stop:{lane}"));
            all.arg(format!("{base}stopall:{lane}"));
            back.arg(format!("{base}back:{lane}"));
            for recipient in recipients {
                let octets = recipient.0.to_be_bytes();
                own.arg([&tenant.0.to_be_bytes()[..], &octets[..]].concat());
                all.arg(&octets[..]);
                back.arg(&octets[..]);
            }
            calls.extend([own, all, back]);
        }
        let mut replies = self.run(&self.bulk, calls).await?.into_iter();
        let mut next = || array(replies.next().unwrap_or_default());
        let mut out = Vec::with_capacity(groups.len());
        for _ in groups {
            let (own, all, back) = (next()?, next()?, next()?);
            let each = own.iter().zip(&all).zip(back);
            let each = each.map(|((own, all), back)| {
                let is_back = || Ok::<_, StoreError>(has_tenant(&bytes_or_none(back)?, tenant));
                Ok(integer(own)? == 1 || integer(all)? == 1 && !is_back()?)
            });
            out.push(each.collect::<Result<_, StoreError>>()?);
        }
        Ok(out)
    }
}

/// Whether a tenant is among those whose messages somebody has asked for.
fn has_tenant(back: &[u8], tenant: TenantId) -> bool {
    let (tenants, _) = back.as_chunks::<4>();
    tenants.contains(&tenant.0.to_be_bytes())
}
