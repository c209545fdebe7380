//! Rules and settings, in SQL, and at hand for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::rule::{AutoReply, Rule, Rules};
use super::settings::ReplySettings;
use super::{Replies, ReplyFault, Shared};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{AutoReplyId, TenantId, UnixMicros};

/// The most rules of one tenant.
pub(crate) const AUTO_REPLIES_MAX: usize = 500;

/// What another process has changed holds from then on.
const FRESH: Duration = Duration::from_secs(5);

/// Tenants whose rules are kept at hand.
const KNOWN_MAX: usize = 10_000;

/// How a tenant's messages are read, as of an instant.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) rules: Rules,
    pub(super) settings: ReplySettings,
}

/// Whose, and since when it is known.
pub(super) type Known = (Instant, Arc<Reader>);

const COLUMNS: &str = "id, name, says, created_at";

impl Replies {
    /// Makes a rule.
    ///
    /// # Errors
    /// [`ReplyFault::TooMany`], or the database's.
    pub(crate) async fn make(&self, tenant: TenantId, (name, rule): (&str, &Rule)) -> Result<AutoReply, ReplyFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut count = Sql::new("SELECT COUNT(*) FROM auto_reply WHERE tenant = ");
        count.value(tenant.0);
        let counted = change.rows(count, |row| row.number(0)).await?;
        if counted.first().is_some_and(|count| *count >= AUTO_REPLIES_MAX as i64) {
            return Err(ReplyFault::TooMany);
        }
        let id = change.numbers("auto_reply", 1).await?;
        let created_at = self.0.clock.unix();
        let mut insert = Sql::new("INSERT INTO auto_reply (tenant, ");
        insert.push(COLUMNS).push(") VALUES (").value(tenant.0);
        insert.push(", ").value(id).push(", ").value(name);
        insert.push(", ").value(written(rule));
        insert.push(", ").value(created_at.0.cast_signed()).push(")");
        change.run(insert).await?;
        change.commit().await?;
        self.0.forget_reader(tenant);
        Ok(AutoReply {
            id: AutoReplyId(id.cast_unsigned()),
            name: name.to_owned(),
            rule: rule.clone(),
            created_at,
        })
    }

    /// A tenant's rules, in the order in which they were made.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn rules(&self, tenant: TenantId) -> Result<Vec<AutoReply>, DatabaseError> {
        self.0.rules(tenant).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ReplyFault::NotFound`], or the database's.
    pub(crate) async fn rule(&self, tenant: TenantId, id: AutoReplyId) -> Result<AutoReply, ReplyFault> {
        self.0.rule(tenant, id).await?.ok_or(ReplyFault::NotFound)
    }

    /// Puts a rule in place of one.
    ///
    /// # Errors
    /// As [`Replies::rule`].
    pub(crate) async fn replace(
        &self,
        (tenant, id): (TenantId, AutoReplyId),
        (name, rule): (&str, &Rule),
    ) -> Result<AutoReply, ReplyFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut update = Sql::new("UPDATE auto_reply SET name = ");
        update.value(name).push(", says = ").value(written(rule));
        update.push(" WHERE tenant = ").value(tenant.0);
        update.push(" AND id = ").value(id.0.cast_signed());
        change.run(update).await?;
        change.commit().await?;
        self.0.forget_reader(tenant);
        self.rule(tenant, id).await
    }

    /// Forgets a rule.
    ///
    /// # Errors
    /// As [`Replies::rule`].
    pub(crate) async fn forget(&self, tenant: TenantId, id: AutoReplyId) -> Result<(), ReplyFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut delete = Sql::new("DELETE FROM auto_reply WHERE tenant = ");
        delete.value(tenant.0).push(" AND id = ").value(id.0.cast_signed());
        if change.run(delete).await? == 0 {
            return Err(ReplyFault::NotFound);
        }
        change.commit().await?;
        self.0.forget_reader(tenant);
        Ok(())
    }

    /// How a tenant wants to be answered for.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn settings(&self, tenant: TenantId) -> Result<ReplySettings, DatabaseError> {
        self.0.settings(tenant).await
    }

    /// Keeps that.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn set_settings(&self, tenant: TenantId, settings: &ReplySettings) -> Result<(), DatabaseError> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut put = Sql::new("INSERT INTO reply_settings (tenant, says) VALUES (");
        put.value(tenant.0).push(", ").value(written(settings));
        put.push(") ON CONFLICT (tenant) DO UPDATE SET says = excluded.says");
        change.run(put).await?;
        change.commit().await?;
        self.0.forget_reader(tenant);
        Ok(())
    }
}

impl Shared {
    pub(super) async fn rule(&self, tenant: TenantId, id: AutoReplyId) -> Result<Option<AutoReply>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" AND id = ").value(id.0.cast_signed());
        self.database.row(query, read).await
    }

    async fn rules(&self, tenant: TenantId) -> Result<Vec<AutoReply>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" ORDER BY id");
        self.database.rows(query, read).await
    }

    async fn settings(&self, tenant: TenantId) -> Result<ReplySettings, DatabaseError> {
        let mut query = Sql::new("SELECT says FROM reply_settings WHERE tenant = ");
        query.value(tenant.0);
        let kept = self.database.row(query, |row| {
            row.parsed(0, "the settings of replies", |says| serde_json::from_str(says).ok())
        });
        Ok(kept.await?.unwrap_or_default())
    }

    /// How a tenant's messages are read now.
    pub(super) async fn reader(&self, tenant: TenantId) -> Result<Arc<Reader>, DatabaseError> {
        let now = self.clock.now();
        let known = self.readers().get(&tenant).cloned();
        if let Some((since, reader)) = known
            && now.saturating_duration_since(since) < FRESH
        {
            return Ok(reader);
        }
        let (rules, settings) = tokio::try_join!(self.rules(tenant), self.settings(tenant))?;
        let reader = Arc::new(Reader {
            rules: Rules::new(rules),
            settings,
        });
        let mut readers = self.readers();
        if readers.len() >= KNOWN_MAX {
            readers.clear();
        }
        readers.insert(tenant, (now, reader.clone()));
        Ok(reader)
    }

    fn forget_reader(&self, tenant: TenantId) {
        self.readers().remove(&tenant);
    }
}

/// Strings and numbers always can be written.
fn written(says: &impl serde::Serialize) -> String {
    serde_json::to_string(says).unwrap_or_default()
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM auto_reply WHERE tenant = ")
        .value(tenant.0);
    query
}

fn read(row: &Found<'_>) -> Result<AutoReply, DatabaseError> {
    Ok(AutoReply {
        id: AutoReplyId(row.number(0)?.cast_unsigned()),
        name: row.text(1)?,
        rule: row.parsed(2, "a rule of replies", |says| serde_json::from_str(says).ok())?,
        created_at: UnixMicros(row.number(3)?.cast_unsigned()),
    })
}
