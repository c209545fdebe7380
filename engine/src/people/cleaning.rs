//! Numbers that could not be reached: contacts are marked, and the mark is lifted when it holds no more.
//!
//! A message says of its number what it did when it ended: what is known from a later time stands.

use super::rows::ROWS_MAX;
use super::{People, PeopleFault};
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{CampaignId, Cleanse, ContactId, Recipient, TenantId, UnixMicros};

/// The most campaigns in a row that a rule may wait for.
pub(crate) const SOFT_AFTER_MAX: u32 = 20;

/// What one message says of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) number: Recipient,
    /// When the message ended, to the second: it may be as much later.
    pub(crate) at: UnixMicros,
}

/// What a tenant wants done at the end of its campaigns. Nothing, unless it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CleaningRule {
    /// Contacts whose number nobody has are marked at once.
    pub(crate) hard: bool,
    /// Those whom so many campaigns in a row did not reach for the moment.
    pub(crate) soft_after: Option<u32>,
    /// Of campaigns that were launched since.
    pub(crate) since: UnixMicros,
}

/// Contacts with some numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) contacts: u64,
    /// Those of them that are marked by this, or would be.
    pub(crate) marked: u64,
}

/// Which messages of a campaign have been looked at: all before this place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) partition: u16,
    pub(crate) position: u32,
}

/// What some messages of a campaign say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) hard: Vec<Seen>,
    pub(crate) soft: Vec<Seen>,
    pub(crate) delivered: Vec<Seen>,
}

impl Findings {
    pub(crate) const fn is_empty(&self) -> bool {
        self.hard.is_empty() && self.soft.is_empty() && self.delivered.is_empty()
    }
}

impl People {
    /// What a tenant wants done at the end of its campaigns.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn cleaning_rule(&self, tenant: TenantId) -> Result<CleaningRule, DatabaseError> {
        let mut query = Sql::new("SELECT hard, soft_after, since FROM cleaning_rule WHERE tenant = ");
        query.value(tenant.0);
        let read = |row: &crate::database::Found<'_>| {
            Ok(CleaningRule {
                hard: row.number(0)? != 0,
                soft_after: row.number_if_any(1)?.and_then(|after| u32::try_from(after).ok()),
                since: super::rows::time(row.number(2)?),
            })
        };
        Ok(self.database.row(query, read).await?.unwrap_or_default())
    }

    /// Puts a rule in place of the one before; it counts for campaigns that are launched from now on.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn set_cleaning_rule(
        &self,
        tenant: TenantId,
        (hard, soft_after): (bool, Option<u32>),
    ) -> Result<CleaningRule, DatabaseError> {
        let since = self.clock.unix();
        let mut put = Sql::new("INSERT INTO cleaning_rule (tenant, hard, soft_after, since) VALUES (");
        put.value(tenant.0).push(", ").value(i64::from(hard)).push(", ");
        put.value(soft_after.map(i64::from))
            .push(", ")
            .value(since.0.cast_signed());
        put.push(") ON CONFLICT (tenant) DO UPDATE SET hard = excluded.hard, soft_after = excluded.soft_after");
        // One that was on goes on with the campaigns that are under way.
        put.push(", since = CASE WHEN cleaning_rule.hard = 0 AND cleaning_rule.soft_after IS NULL");
        put.push(" THEN excluded.since ELSE cleaning_rule.since END");
        let mut change = self.database.change_of(tenant).await?;
        change.run(put).await?;
        change.commit().await?;
        self.cleaning_rule(tenant).await
    }

    /// Tenants whose campaigns have to be looked at when they are over: by their rule, or since a delivery may lift a mark.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn tenants_to_clean(&self) -> Result<Vec<TenantId>, DatabaseError> {
        let mut query = Sql::new("SELECT tenant FROM cleaning_rule WHERE hard <> 0 OR soft_after IS NOT NULL");
        query.push(" UNION SELECT DISTINCT tenant FROM contact WHERE unreachable_at IS NOT NULL OR soft_failures > 0");
        let read = |row: &crate::database::Found<'_>| {
            let tenant = u32::try_from(row.number(0)?);
            tenant.map(TenantId).map_err(|_| DatabaseError::Corrupt("a tenant"))
        };
        self.database.rows(query, read).await
    }

    /// Marks the contacts of numbers that a campaign did not reach; `dry`: only says whom that would be.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn mark_unreachable(
        &self,
        (tenant, campaign): (TenantId, CampaignId),
        seen: &[Seen],
        dry: bool,
    ) -> Result<Marked, DatabaseError> {
        let mut all = Marked::default();
        for some in seen.chunks(ROWS_MAX) {
            let found = self.database.row(counted(tenant, some), |row| {
                Ok((row.number(0)?.cast_unsigned(), row.number(1)?.cast_unsigned()))
            });
            let (contacts, to_mark) = found.await?.unwrap_or_default();
            all.contacts += contacts;
            if dry || to_mark == 0 {
                all.marked += to_mark;
                continue;
            }
            let mut change = self.database.change_of(tenant).await?;
            all.marked += change.run(mark((tenant, campaign), (Cleanse::Hard, some))).await?;
            change.commit().await?;
        }
        Ok(all)
    }

    /// A person's number is held for reachable again, whatever was seen of it until now.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn hold_reachable(&self, tenant: TenantId, id: ContactId) -> Result<(), PeopleFault> {
        let mut update = Sql::new("UPDATE contact SET reachable_since = ");
        update.value(self.clock.unix().0.cast_signed());
        update.push(LIFTED).push(" WHERE tenant = ").value(tenant.0);
        update.push(" AND id = ").value(id.0.cast_signed());
        let mut change = self.database.change_of(tenant).await?;
        if change.run(update).await? == 0 {
            return Err(PeopleFault::NotFound);
        }
        Ok(change.commit().await?)
    }

    /// Whether any contact of a tenant has a mark, or is on its way to one.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn has_doubtful(&self, tenant: TenantId) -> Result<bool, DatabaseError> {
        let mut query = Sql::new("SELECT COUNT(*) FROM contact WHERE tenant = ");
        query
            .value(tenant.0)
            .push(" AND (unreachable_at IS NOT NULL OR soft_failures > 0)");
        Ok(self.database.count(query).await? > 0)
    }

    /// Which of a tenant's campaigns have been looked through.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn cleaned(&self, tenant: TenantId) -> Result<Vec<CampaignId>, DatabaseError> {
        let mut query = Sql::new("SELECT campaign FROM cleaned_campaign WHERE done_at IS NOT NULL AND tenant = ");
        query.value(tenant.0);
        let read = |row: &crate::database::Found<'_>| Ok(CampaignId(row.number(0)?.cast_unsigned()));
        self.database.rows(query, read).await
    }

    /// How far a campaign has been looked through.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn reached(&self, campaign: CampaignId) -> Result<Reached, DatabaseError> {
        let mut query = Sql::new("SELECT partition_reached, position_reached FROM cleaned_campaign WHERE campaign = ");
        query.value(campaign.0.cast_signed());
        let read = |row: &crate::database::Found<'_>| {
            Ok(Reached {
                partition: row.number(0)?.try_into().unwrap_or(u16::MAX),
                position: row.number(1)?.try_into().unwrap_or(u32::MAX),
            })
        };
        Ok(self.database.row(query, read).await?.unwrap_or_default())
    }

    /// Does by a rule what some messages say, and goes on behind them, in one step: nothing is counted twice. `false`: another has
    /// gone on from there.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn clean(
        &self,
        (tenant, campaign): (TenantId, CampaignId),
        (rule, findings): (&CleaningRule, &Findings),
        (from, to): (Reached, Option<Reached>),
    ) -> Result<bool, DatabaseError> {
        let mut change = self.database.change_of(tenant).await?;
        if !go_on(&mut change, (tenant, campaign), (from, to), self.clock.unix()).await? {
            return Ok(false);
        }
        for some in findings.hard.chunks(ROWS_MAX).filter(|_| rule.hard) {
            change.run(mark((tenant, campaign), (Cleanse::Hard, some))).await?;
        }
        for some in findings.soft.chunks(ROWS_MAX) {
            let mut count = Sql::new("UPDATE contact SET soft_failures = contact.soft_failures + 1");
            joined(&mut count, tenant, some);
            count.push(" AND contact.reachable_since < seen.column2 + 1000000");
            change.run(count).await?;
            if let Some(after) = rule.soft_after {
                let mut mark = mark((tenant, campaign), (Cleanse::Soft, some));
                mark.push(" AND contact.soft_failures >= ").value(after);
                change.run(mark).await?;
            }
        }
        for some in findings.delivered.chunks(ROWS_MAX) {
            let mut lift = Sql::new("UPDATE contact SET reachable_since = seen.column2");
            lift.push(LIFTED);
            joined(&mut lift, tenant, some);
            lift.push(" AND contact.reachable_since < seen.column2 AND (contact.soft_failures > 0 OR");
            lift.push(" contact.unreachable_at IS NOT NULL) AND COALESCE(contact.unreachable_at, 0) < seen.column2");
            change.run(lift).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Forgets that campaigns were looked through which ended before that time.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn forget_cleaned(&self, before: UnixMicros) -> Result<(), DatabaseError> {
        let mut delete = Sql::new("DELETE FROM cleaned_campaign WHERE done_at < ");
        delete.value(before.0.cast_signed());
        let mut change = self.database.change().await?;
        change.run(delete).await?;
        change.commit().await
    }
}

/// What is no more when a number is reachable.
const LIFTED: &str = ", soft_failures = 0, unreachable_at = NULL, unreachable_for = NULL, unreachable_campaign = NULL";

async fn go_on(
    change: &mut Change,
    (tenant, campaign): (TenantId, CampaignId),
    (from, to): (Reached, Option<Reached>),
    now: UnixMicros,
) -> Result<bool, DatabaseError> {
    let mut begin =
        Sql::new("INSERT INTO cleaned_campaign (campaign, tenant, partition_reached, position_reached) VALUES (");
    begin.value(campaign.0.cast_signed()).push(", ").value(tenant.0);
    begin.push(", 0, 0) ON CONFLICT DO NOTHING");
    change.run(begin).await?;
    let reached = to.unwrap_or(from);
    let mut update = Sql::new("UPDATE cleaned_campaign SET partition_reached = ");
    update
        .value(u32::from(reached.partition))
        .push(", position_reached = ")
        .value(reached.position);
    update.push(", done_at = ");
    update.value(to.is_none().then(|| now.0.cast_signed()));
    update
        .push(" WHERE done_at IS NULL AND campaign = ")
        .value(campaign.0.cast_signed());
    update
        .push(" AND partition_reached = ")
        .value(u32::from(from.partition));
    update.push(" AND position_reached = ").value(from.position);
    Ok(change.run(update).await? == 1)
}

/// How many contacts have these numbers, and how many of them are to be marked.
fn counted(tenant: TenantId, seen: &[Seen]) -> Sql {
    let mut query = Sql::new("SELECT COUNT(*), COUNT(CASE WHEN ");
    query.push(NOT_YET).push(" THEN 1 END) FROM contact, ");
    values(&mut query, seen);
    query
        .push(" WHERE contact.number = seen.column1 AND contact.tenant = ")
        .value(tenant.0);
    query
}

const NOT_YET: &str = "contact.unreachable_at IS NULL AND contact.reachable_since < seen.column2 + 1000000";

fn mark((tenant, campaign): (TenantId, CampaignId), (how, seen): (Cleanse, &[Seen])) -> Sql {
    let mut update = Sql::new("UPDATE contact SET unreachable_at = seen.column2, unreachable_for = ");
    update
        .value(how.code())
        .push(", unreachable_campaign = ")
        .value(campaign.0.cast_signed());
    joined(&mut update, tenant, seen);
    update.push(" AND ").push(NOT_YET);
    update
}

/// The contacts of a tenant with these numbers.
fn joined(update: &mut Sql, tenant: TenantId, seen: &[Seen]) {
    update.push(" FROM ");
    values(update, seen);
    update
        .push(" WHERE contact.number = seen.column1 AND contact.tenant = ")
        .value(tenant.0);
}

/// A table of numbers and times; both dialects call the columns so.
fn values(sql: &mut Sql, seen: &[Seen]) {
    for (at, seen) in seen.iter().enumerate() {
        sql.push(if at > 0 { ", (" } else { "(VALUES (" });
        sql.value(seen.number.0.cast_signed()).push(", ");
        sql.value(seen.at.0.cast_signed()).push(")");
    }
    sql.push(") AS seen");
}
