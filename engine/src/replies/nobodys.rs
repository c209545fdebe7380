//! Messages that are nobody's at first: to a number that several tenants share, from somebody of whom Redis knows nothing any more.

use std::time::Duration;

use super::{ReplyFault, Shared};
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{CampaignId, MessageId, Recipient, TenantId};
use crate::store::InboundEntry;

/// Who wrote longer ago is not answered any more.
const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 3_600);

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

    /// Whose message to that person from that number was the last, and its campaign.
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
            .push(") AND sent_campaign.sender = ");
        query.value(sender).push(" ORDER BY message.taken_at DESC LIMIT 1");
        let whose = |row: &crate::database::Found<'_>| {
            let message = MessageId(row.number(1)?.cast_unsigned());
            Ok((TenantId(row.number(0)? as u32), message.campaign()))
        };
        self.database.row(query, whose).await
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
        let of = |row: &crate::database::Found<'_>| Ok(MessageId(row.number(1)?.cast_unsigned()).campaign());
        Ok(change.rows(query, of).await?.into_iter().next())
    }

    fn sent_to(&self, recipient: Recipient) -> Sql {
        let mut query = Sql::new(
            "SELECT message.tenant, message.id FROM message JOIN sent_campaign ON sent_campaign.id = message.id / ",
        );
        query.value(1_i64 << MessageId::CAMPAIGN_SHIFT);
        query
            .push(" WHERE message.recipient = ")
            .value(recipient.0.cast_signed());
        let since = self.clock.unix().minus(REMEMBERED);
        // In milliseconds, as history has its times.
        query
            .push(" AND message.taken_at > ")
            .value((since.0 / 1_000).cast_signed());
        query
    }
}
