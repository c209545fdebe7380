//! How many have answered a campaign, and how fast.

use super::{Replies, ReplyFault};
use crate::database::Sql;
use crate::domain::{CampaignId, MessageId, TenantId};

/// What people answered to a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReplyFigures {
    pub(crate) messages: u64,
    /// Who has written, however often.
    pub(crate) people: u64,
    pub(crate) opted_out: u64,
    /// From the time at which it was taken to a person's first answer: half of them were faster. `None`: nobody has answered what history has.
    pub(crate) median_seconds: Option<u64>,
}

impl Replies {
    /// What people answered to a campaign, or to several.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn figures(&self, tenant: TenantId, campaign: CampaignId) -> Result<ReplyFigures, ReplyFault> {
        let of_campaign = |query: &mut Sql| {
            query.push(" WHERE heard.inbound IS NOT NULL AND heard.campaign = ");
            query.value(campaign.0.cast_signed());
            query.push(" AND heard.tenant = ").value(tenant.0);
        };
        let mut query = Sql::new(
            "SELECT COUNT(*), COUNT(DISTINCT heard.conversation), CAST(COALESCE(SUM(heard.opted_out), 0) AS BIGINT) \
             FROM conversation_message AS heard",
        );
        of_campaign(&mut query);
        let counted = self
            .0
            .database
            .row(query, |row| Ok((row.number(0)?, row.number(1)?, row.number(2)?)));
        let (messages, people, opted_out) = counted.await?.unwrap_or_default();
        let all = MessageId::all_of(campaign);
        let mut query = Sql::new(
            "SELECT MIN(heard.at) / 1000000 - MIN(message.taken_at) / 1000 AS took FROM conversation_message AS heard \
             JOIN conversation ON conversation.id = heard.conversation \
             JOIN message ON message.tenant = conversation.tenant AND message.recipient = conversation.recipient \
             AND message.taken_at IS NOT NULL",
        );
        query.push(" AND message.id >= ").value(all.start.0.cast_signed());
        query.push(" AND message.id < ").value(all.end.0.cast_signed());
        of_campaign(&mut query);
        query.push(" GROUP BY heard.conversation ORDER BY took");
        let took = self.0.database.rows(query, |row| row.number(0)).await?;
        Ok(ReplyFigures {
            messages: messages.cast_unsigned(),
            people: people.cast_unsigned(),
            opted_out: opted_out.cast_unsigned(),
            median_seconds: median(&took),
        })
    }
}

/// The middle of what is in order; of an even count, the mean of the two in the middle.
fn median(ordered: &[i64]) -> Option<u64> {
    let (high, low) = (ordered.len() / 2, ordered.len().saturating_sub(1) / 2);
    let middle = i64::midpoint(*ordered.get(low)?, *ordered.get(high)?);
    u64::try_from(middle.max(0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_them_are_faster_than_the_median() {
        for (times, expected) in [
            (&[][..], None),
            (&[7], Some(7)),
            (&[2, 4], Some(3)),
            (&[1, 5, 100], Some(5)),
            (&[-3], Some(0)),
        ] {
            assert_eq!(median(times), expected, "{times:?}");
        }
    }
}
