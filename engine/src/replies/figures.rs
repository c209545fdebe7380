//! How many have answered, what, and how fast.

use std::collections::BTreeMap;

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{Made, Replies, ReplyFault};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{AutoReplyId, CampaignId, MessageId, TenantId, UnixMicros};

/// The most groups of one answer.
pub(crate) const REPLY_GROUPS_MAX: usize = 5_000;

/// What people wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReplyFigures {
    pub(crate) messages: u64,
    /// Who has written, however often.
    pub(crate) people: u64,
    /// Those of them who have answered a campaign.
    pub(crate) answered: u64,
    pub(crate) opted_out: u64,
    /// Words that opt in.
    pub(crate) opted_in: u64,
    /// From the time at which a campaign's message was taken to a person's first answer: half of them were faster. `None`: nobody has
    /// answered what history has.
    pub(crate) median_seconds: Option<u64>,
}

/// What replies may have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum ReplyBy {
    /// The number that was written to.
    Number,
    /// What was answered.
    Campaign,
    /// The rule that fits, surely.
    AutoReply,
    /// The keyword of that rule.
    Keyword,
}

impl ReplyBy {
    pub(crate) const CODES: [&str; Self::VARIANTS.len()] = [
        Self::Number.code(),
        Self::Campaign.code(),
        Self::AutoReply.code(),
        Self::Keyword.code(),
    ];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    fn column(self) -> String {
        match self {
            Self::Number => "conversation.number".to_owned(),
            Self::Campaign => "heard.campaign".to_owned(),
            // One that fits perhaps waits for people.
            Self::AutoReply => format!("CASE WHEN heard.kind = '{}' THEN heard.rule END", Made::Rule.code()),
            Self::Keyword => format!("CASE WHEN heard.kind = '{}' THEN heard.keyword END", Made::Rule.code()),
        }
    }

    /// As it is shown.
    fn name(self, key: String) -> Option<String> {
        let number = || key.parse::<i64>().ok().map(i64::cast_unsigned);
        match self {
            Self::Number | Self::Keyword => Some(key),
            Self::Campaign => Some(CampaignId(number()?).to_string()),
            Self::AutoReply => Some(AutoReplyId(number()?).to_string()),
        }
    }
}

/// Which replies are counted.
#[derive(Clone, Debug)]
pub(crate) struct ReplyQuestion {
    pub(crate) tenant: TenantId,
    /// From the first on, before the second; `None`: all that are kept.
    pub(crate) range: Option<(UnixMicros, UnixMicros)>,
    /// None: all are one group.
    pub(crate) by: Vec<ReplyBy>,
    /// To that one only.
    pub(crate) campaign: Option<CampaignId>,
}

/// Replies that have something in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReplyGroup {
    /// What, in the order of [`ReplyQuestion::by`]; `None`: there is none.
    pub(crate) keys: Vec<Option<String>>,
    /// What the campaign is called, when they are put together by it.
    pub(crate) campaign_name: Option<String>,
    /// The same of the rule; `None`: it is gone.
    pub(crate) auto_reply_name: Option<String>,
    pub(crate) figures: ReplyFigures,
}

impl Replies {
    /// What people answered to a campaign.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn figures(&self, tenant: TenantId, campaign: CampaignId) -> Result<ReplyFigures, ReplyFault> {
        let question = ReplyQuestion {
            tenant,
            range: None,
            by: Vec::new(),
            campaign: Some(campaign),
        };
        let all = self.groups(&question).await?.unwrap_or_default();
        Ok(all.first().map(|group| group.figures).unwrap_or_default())
    }

    /// What people wrote, in the order of what it has in common; `None`: that is more than [`REPLY_GROUPS_MAX`].
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn groups(&self, question: &ReplyQuestion) -> Result<Option<Vec<ReplyGroup>>, ReplyFault> {
        let by = &question.by;
        let mut groups = self
            .0
            .database
            .rows(counting(question), |row| read(row, by.len()))
            .await?;
        if groups.len() > REPLY_GROUPS_MAX {
            return Ok(None);
        }
        let mut took: BTreeMap<Vec<Option<String>>, Vec<i64>> = BTreeMap::new();
        let times = |row: &Found<'_>| Ok((keys(row, by.len())?, row.number(by.len())?));
        for (keys, seconds) in self.0.database.rows(timing(question), times).await? {
            took.entry(keys).or_default().push(seconds);
        }
        for group in &mut groups {
            group.figures.median_seconds = took.get(&group.keys).and_then(|took| median(took));
            for (key, by) in group.keys.iter_mut().zip(by) {
                *key = key.take().and_then(|key| by.name(key));
            }
        }
        // What has nothing in common comes last.
        groups.sort_by_cached_key(|group| {
            group
                .keys
                .iter()
                .map(|key| (key.is_none(), key.clone()))
                .collect::<Vec<_>>()
        });
        Ok(Some(groups))
    }
}

fn counting(question: &ReplyQuestion) -> Sql {
    let mut query = Sql::new("SELECT ");
    push_keys(&mut query, &question.by);
    // Where the names of some groups stand.
    let named = [(ReplyBy::Campaign, "sent_campaign"), (ReplyBy::AutoReply, "auto_reply")];
    let asked = |by: &ReplyBy| question.by.contains(by);
    for (by, table) in named {
        match asked(&by) {
            true => query.push(&format!("MAX({table}.name), ")),
            false => query.push("CAST(NULL AS TEXT), "),
        };
    }
    query.push(
        "COUNT(*), COUNT(DISTINCT heard.conversation), \
         COUNT(DISTINCT CASE WHEN heard.campaign IS NOT NULL THEN heard.conversation END), \
         CAST(COALESCE(SUM(heard.opted_out), 0) AS BIGINT), CAST(COALESCE(SUM(heard.opted_in), 0) AS BIGINT) \
         FROM conversation_message AS heard JOIN conversation ON conversation.id = heard.conversation",
    );
    for (by, table) in named.iter().filter(|(by, _)| asked(by)) {
        query.push(&format!(" LEFT JOIN {table} ON {table}.id = {}", by.column()));
    }
    push_wanted(&mut query, question);
    let places: Vec<String> = (1..=question.by.len()).map(|place| place.to_string()).collect();
    if !places.is_empty() {
        query.push(" GROUP BY ").push(&places.join(", "));
    }
    query.push(" LIMIT ").value(REPLY_GROUPS_MAX as i64 + 1);
    query
}

/// How long each person's first answer to each campaign took, the shortest first.
fn timing(question: &ReplyQuestion) -> Sql {
    let mut query = Sql::new("SELECT ");
    push_keys(&mut query, &question.by);
    query.push(&format!(
        "MIN(heard.at) / 1000000 - MIN(message.taken_at) / 1000 AS took \
         FROM conversation_message AS heard JOIN conversation ON conversation.id = heard.conversation \
         JOIN message ON message.tenant = conversation.tenant AND message.recipient = conversation.recipient \
         AND message.taken_at IS NOT NULL AND message.id >> {} = heard.campaign",
        MessageId::CAMPAIGN_SHIFT
    ));
    push_wanted(&mut query, question);
    query.push(" GROUP BY ");
    for place in 1..=question.by.len() {
        query.push(&format!("{place}, "));
    }
    query.push("heard.conversation, heard.campaign ORDER BY took");
    query
}

fn push_keys(query: &mut Sql, by: &[ReplyBy]) {
    for by in by {
        query.push(&format!("CAST({} AS TEXT), ", by.column()));
    }
}

fn push_wanted(query: &mut Sql, question: &ReplyQuestion) {
    query.push(" WHERE heard.inbound IS NOT NULL AND heard.tenant = ");
    query.value(question.tenant.0);
    if let Some((since, until)) = question.range {
        query.push(" AND heard.at >= ").value(since.0.cast_signed());
        query.push(" AND heard.at < ").value(until.0.cast_signed());
    }
    if let Some(campaign) = question.campaign {
        query.push(" AND heard.campaign = ").value(campaign.0.cast_signed());
    }
}

fn keys(row: &Found<'_>, count: usize) -> Result<Vec<Option<String>>, DatabaseError> {
    (0..count).map(|at| row.text_if_any(at)).collect()
}

fn read(row: &Found<'_>, by: usize) -> Result<ReplyGroup, DatabaseError> {
    let count = |column: usize| Ok::<_, DatabaseError>(row.number(by + column)?.cast_unsigned());
    Ok(ReplyGroup {
        keys: keys(row, by)?,
        campaign_name: row.text_if_any(by)?.filter(|name| !name.is_empty()),
        auto_reply_name: row.text_if_any(by + 1)?,
        figures: ReplyFigures {
            messages: count(2)?,
            people: count(3)?,
            answered: count(4)?,
            opted_out: count(5)?,
            opted_in: count(6)?,
            median_seconds: None,
        },
    })
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
