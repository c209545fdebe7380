//! What is remembered of messages, searched.

use std::fmt;
use std::str::FromStr;

use super::History;
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{CampaignId, Cleanse, MessageId, Reason, Recipient, Status, TenantId, UnixMicros, UnknownId};

/// A message as it is remembered. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) id: MessageId,
    pub(crate) recipient: Recipient,
    pub(crate) status: String,
    /// Empty: there is none.
    pub(crate) reason: String,
    /// 0: there is none.
    pub(crate) code: u16,
    pub(crate) segments: u8,
    pub(crate) credits: u8,
    /// Among all of a tenant's.
    pub(crate) place: PastPlace,
    pub(crate) taken_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    /// The campaign that it tried out.
    pub(crate) test_of: Option<CampaignId>,
    /// The pack of rules that was obeyed when it was handed over, and its version; `None`: none held.
    pub(crate) pack: Option<Pack>,
}

impl Past {
    /// What its end says of its number.
    pub(crate) fn cleanse(&self) -> Cleanse {
        let reason = Reason::from_code(&self.reason).unwrap_or(Reason::None);
        let status = self.status.parse::<Status>();
        status.map_or(Cleanse::None, |status| Cleanse::of_end(status, reason))
    }
}

/// What a pack of rules is called, and its version.
pub(crate) type Pack = (String, String);

/// Where a message stands among all of a tenant's: by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PastPlace {
    at: i64,
    id: i64,
}

impl fmt::Display for PastPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at, self.id)
    }
}

impl FromStr for PastPlace {
    type Err = UnknownId;

    fn from_str(text: &str) -> Result<Self, UnknownId> {
        let (at, id) = text.split_once('-').ok_or(UnknownId)?;
        Ok(Self {
            at: at.parse().map_err(|_| UnknownId)?,
            id: id.parse().map_err(|_| UnknownId)?,
        })
    }
}

/// Which messages are asked for; what is `None` may be anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) recipient: Option<Recipient>,
    pub(crate) status: Option<String>,
    pub(crate) campaign: Option<CampaignId>,
    /// From then on.
    pub(crate) since: Option<UnixMicros>,
    /// Before then.
    pub(crate) until: Option<UnixMicros>,
    /// Older than that one.
    pub(crate) behind: Option<PastPlace>,
}

/// Messages that are asked for in one statement: SQLite takes 32,766 values.
const ASKED_TOGETHER: usize = 1_000;

const COLUMNS: &str = "id, recipient, status, reason, code, segments, spent, at, taken_at, ended_at, \
     (SELECT trial_message.campaign FROM trial_message WHERE trial_message.id = message.id), \
     (SELECT rule_pack.name FROM rule_pack WHERE rule_pack.number = message.pack), \
     (SELECT rule_pack.version FROM rule_pack WHERE rule_pack.number = message.pack)";

/// What SMSCs have taken of a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) segments: u64,
    /// What was spent on the same messages.
    pub(crate) credits: u64,
}

impl History {
    /// A tenant's messages, the newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn find(&self, tenant: TenantId, asked: &Asked, limit: usize) -> Result<Vec<Past>, DatabaseError> {
        let mut query = Sql::new("SELECT ");
        query
            .push(COLUMNS)
            .push(" FROM message WHERE tenant = ")
            .value(i64::from(tenant.0));
        let of_campaign = asked.campaign.map(MessageId::all_of);
        let numbers = [
            (" AND recipient = ", asked.recipient.map(|recipient| recipient.0 as i64)),
            (" AND id >= ", of_campaign.as_ref().map(|ids| ids.start.0 as i64)),
            (" AND id < ", of_campaign.as_ref().map(|ids| ids.end.0 as i64)),
            (" AND at >= ", asked.since.map(milliseconds)),
            (" AND at < ", asked.until.map(milliseconds)),
        ];
        for (condition, number) in numbers {
            if let Some(number) = number {
                query.push(condition).value(number);
            }
        }
        if let Some(status) = &asked.status {
            query.push(" AND status = ").value(status.as_str());
        }
        if let Some(PastPlace { at, id }) = asked.behind {
            query.push(" AND (at < ").value(at).push(" OR at = ").value(at);
            query.push(" AND id < ").value(id).push(")");
        }
        query.push(" ORDER BY at DESC, id DESC LIMIT ").value(limit as i64);
        self.0.deps.database.rows(query, read).await
    }

    /// What SMSCs have taken of a campaign's messages, as far as it is written down.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn taken(&self, tenant: TenantId, campaign: CampaignId) -> Result<Taken, DatabaseError> {
        let ids = MessageId::all_of(campaign);
        let mut sums = Sql::new(
            "SELECT CAST(COALESCE(SUM(CASE WHEN taken_at IS NULL AND spent = 0 AND bought = 0 THEN 0 ELSE segments END), 0) AS BIGINT), \
             CAST(COALESCE(SUM(spent), 0) AS BIGINT) FROM message",
        );
        sums.push(" WHERE tenant = ").value(i64::from(tenant.0));
        sums.push(" AND id >= ").value(ids.start.0 as i64);
        sums.push(" AND id < ").value(ids.end.0 as i64);
        let read = |row: &Found<'_>| {
            Ok(Taken {
                segments: row.number(0)? as u64,
                credits: row.number(1)? as u64,
            })
        };
        Ok(self.0.deps.database.row(sums, read).await?.unwrap_or_default())
    }

    /// The packs of rules that were obeyed when some messages were handed over, and their versions.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn packs_of(&self, ids: &[MessageId]) -> Result<Vec<(MessageId, Pack)>, DatabaseError> {
        let mut found = Vec::new();
        for some in ids.chunks(ASKED_TOGETHER) {
            let mut query = Sql::new("SELECT message.id, rule_pack.name, rule_pack.version FROM message ");
            query.push("JOIN rule_pack ON rule_pack.number = message.pack WHERE message.id IN (");
            query.list(some.iter().map(|id| id.0 as i64)).push(")");
            let read = |row: &Found<'_>| Ok((MessageId(row.number(0)? as u64), (row.text(1)?, row.text(2)?)));
            found.extend(self.0.deps.database.rows(query, read).await?);
        }
        Ok(found)
    }

    /// One of a tenant's messages.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn message(&self, tenant: TenantId, id: MessageId) -> Result<Option<Past>, DatabaseError> {
        let mut query = Sql::new("SELECT ");
        query.push(COLUMNS).push(" FROM message WHERE id = ").value(id.0 as i64);
        query.push(" AND tenant = ").value(i64::from(tenant.0));
        self.0.deps.database.row(query, read).await
    }
}

/// The first millisecond that is not before a time.
const fn milliseconds(at: UnixMicros) -> i64 {
    at.0.div_ceil(1_000) as i64
}

fn read(row: &Found<'_>) -> Result<Past, DatabaseError> {
    let id = row.number(0)?;
    Ok(Past {
        id: MessageId(id as u64),
        recipient: Recipient(row.number(1)? as u64),
        status: row.text(2)?,
        reason: row.text(3)?,
        code: row.number(4)? as u16,
        segments: row.number(5)? as u8,
        credits: row.number(6)? as u8,
        place: PastPlace { at: row.number(7)?, id },
        taken_at: row.number_if_any(8)?,
        ended_at: row.number_if_any(9)?,
        test_of: row.number_if_any(10)?.map(|id| CampaignId(id as u64)),
        pack: row.text_if_any(11)?.zip(row.text_if_any(12)?),
    })
}
