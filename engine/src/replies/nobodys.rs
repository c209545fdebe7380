//! Messages that are nobody's at first: to a number that several tenants share, from somebody of whom Redis knows nothing any more.

use super::{ReplyFault, Shared};
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{CampaignId, MessageId, Recipient, TenantId};
use crate::store::InboundEntry;

/// Single messages to one person that are looked through for the last one whose sender is known.
const LOOKED_THROUGH: i64 = 50;

impl Shared {
    /// Gives those to a tenant who wrote last to that person from that number, as history has it. What stays nobody's is shown to operators.
    pub(super) async fn hand_over_all(&self, found: &[InboundEntry]) -> Result<(), ReplyFault> {
        for entry in found {
            let Some(said) = entry.read() else { continue };
            let Ok(from) = said.from.trim_start_matches('+').parse() else {
                continue;
            };
            let Some(owned) = self.numbers.find(&said.to) else {
                continue;
            };
            let sender = owned.sender.to_string();
            let owners = owned.heard_by(said.sandbox);
            if let Some((tenant, campaign)) = self.wrote_last(&owners, Recipient(from), &sender).await? {
                let given = (tenant, Some(campaign));
                if self.store.hand_over(entry, given, self.inbound_for).await?.is_some() {
                    self.webhooks.written_to(tenant);
                    self.hint(tenant);
                    self.bell.notify_one();
                }
            }
        }
        Ok(())
    }

    /// Whose message to that person from that number was the last, and its campaign. From where a single message went, history does not say:
    /// `None` as well where it might be another one's.
    async fn wrote_last(
        &self,
        tenants: &[TenantId],
        recipient: Recipient,
        sender: &str,
    ) -> Result<Option<(TenantId, CampaignId)>, DatabaseError> {
        let mut query = self.sent_to(recipient);
        query.push(" AND message.tenant IN (");
        query
            .list(tenants.iter().map(|tenant| tenant.0))
            .push(") AND (sent_campaign.sender IS NULL OR sent_campaign.sender = ");
        query.value(sender).push(") ORDER BY message.taken_at DESC LIMIT ");
        query.value(LOOKED_THROUGH);
        let whose = |row: &Found<'_>| {
            let message = MessageId(row.number(1)?.cast_unsigned());
            let is_known = row.text_if_any(2)?.is_some();
            Ok(((TenantId(row.number(0)? as u32), message.campaign()), is_known))
        };
        Ok(last_of(&self.database.rows(query, whose).await?))
    }

    /// The campaign of a tenant's last message to that person, from that number or under a name.
    pub(super) async fn last_campaign(
        &self,
        change: &mut Change,
        (tenant, recipient, number): (TenantId, Recipient, &str),
    ) -> Result<Option<CampaignId>, DatabaseError> {
        let mut query = self.sent_to(recipient);
        query.push(" AND message.tenant = ").value(tenant.0);
        query.push(" AND (sent_campaign.sender = ").value(number);
        query.push(
            " OR sent_campaign.sender IS NULL OR sent_campaign.sender > '9') ORDER BY message.taken_at DESC LIMIT 1",
        );
        let of = |row: &Found<'_>| Ok(MessageId(row.number(1)?.cast_unsigned()).campaign());
        Ok(change.rows(query, of).await?.into_iter().next())
    }

    fn sent_to(&self, recipient: Recipient) -> Sql {
        let mut query = Sql::new(
            "SELECT message.tenant, message.id, sent_campaign.sender FROM message JOIN sent_campaign ON sent_campaign.id = message.id / ",
        );
        query.value(1_i64 << MessageId::CAMPAIGN_SHIFT);
        query
            .push(" WHERE message.recipient = ")
            .value(recipient.0.cast_signed());
        let since = self.clock.unix().minus(self.answered_within);
        // In milliseconds, as history has its times.
        query
            .push(" AND message.taken_at > ")
            .value((since.0 / 1_000).cast_signed());
        query
    }
}

/// The first, if nobody else's comes before the first whose sender is known; each with whether it is.
fn last_of(written: &[((TenantId, CampaignId), bool)]) -> Option<(TenantId, CampaignId)> {
    let (last, _) = written.first()?;
    let known = written.iter().position(|(_, is_known)| *is_known);
    let until = &written[..known.map_or(written.len(), |known| known + 1)];
    until.iter().all(|((tenant, _), _)| *tenant == last.0).then_some(*last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wrote_last_is_not_guessed() {
        let of = |tenant: u32, campaign: u64| (TenantId(tenant), CampaignId(campaign));
        for (written, expected) in [
            (vec![], None),
            (vec![(of(1, 9), true), (of(2, 8), true)], Some(of(1, 9))),
            (
                vec![(of(1, 9), false), (of(1, 8), true), (of(2, 7), true)],
                Some(of(1, 9)),
            ),
            (vec![(of(2, 9), false), (of(1, 8), true)], None),
            (vec![(of(1, 9), false), (of(1, 8), false)], Some(of(1, 9))),
            (vec![(of(1, 9), false), (of(2, 8), false)], None),
        ] {
            assert_eq!(last_of(&written), expected, "{written:?}");
        }
    }
}
