//! Links of messages by themselves: a reminder's, a result's. They are known by what their message is asked for with, so that whoever asks
//! again means the same link.

use super::{Leads, Links, USUAL};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{MessageId, OwnLinkId, Recipient, TenantId, UnixMicros};
use crate::encryption::LinkOf;

/// Rows of one statement.
const ROWS: usize = 200;

/// Where one message's own link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnLink {
    pub(crate) id: OwnLinkId,
    pub(crate) tenant: TenantId,
    pub(crate) domain: String,
    pub(crate) url: String,
    /// `None`: [`USUAL`].
    pub(crate) expires_at: Option<UnixMicros>,
}

impl Links {
    /// What stands behind the domain of that link; `None` before the keys are there.
    pub(crate) fn own_token(&self, id: OwnLinkId) -> Option<String> {
        self.0.mirror.link_key()?.token(LinkOf::Own(id))
    }

    /// Before anybody can have one of these: they lead there from now on.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn keep_own(&self, links: &[OwnLink]) -> Result<(), DatabaseError> {
        if links.is_empty() {
            return Ok(());
        }
        let usual = self.0.clock.unix().plus(USUAL);
        let mut change = self.0.database.change().await?;
        for some in links.chunks(ROWS) {
            let mut keep = Sql::new("INSERT INTO own_link (id, tenant, domain, url, expires_at) VALUES ");
            for (at, link) in some.iter().enumerate() {
                keep.push(if at == 0 { "(" } else { ", (" });
                keep.value(link.id.0.cast_signed()).push(", ");
                keep.value(link.tenant.0).push(", ");
                keep.value(link.domain.as_str()).push(", ");
                keep.value(link.url.as_str()).push(", ");
                keep.value(link.expires_at.unwrap_or(usual).0.cast_signed()).push(")");
            }
            keep.push(" ON CONFLICT (id) DO UPDATE SET domain = excluded.domain, url = excluded.url, ");
            // What was sent stays as it is.
            keep.push("expires_at = excluded.expires_at WHERE own_link.message IS NULL");
            change.run(keep).await?;
        }
        change.commit().await
    }

    /// Their messages are queued. Whoever follows a link before that is told is not counted.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn queued(&self, links: &[(OwnLinkId, MessageId)]) -> Result<(), DatabaseError> {
        if links.is_empty() {
            return Ok(());
        }
        let mut change = self.0.database.change().await?;
        for some in links.chunks(ROWS) {
            let mut update = Sql::new("UPDATE own_link SET message = CASE id");
            for (id, message) in some {
                update.push(" WHEN ").value(id.0.cast_signed());
                update.push(" THEN ").value(message.0.cast_signed());
            }
            update.push(" END WHERE message IS NULL AND id IN (");
            update.list(some.iter().map(|(id, _)| id.0.cast_signed())).push(")");
            change.run(update).await?;
        }
        change.commit().await
    }

    pub(super) async fn own(&self, id: OwnLinkId, domain: &str) -> Result<Option<Leads>, DatabaseError> {
        let mut query = Sql::new("SELECT url, expires_at, message FROM own_link WHERE id = ");
        query.value(id.0.cast_signed()).push(" AND domain = ").value(domain);
        let read = |row: &Found<'_>| {
            Ok(Leads {
                url: row.text(0)?,
                expires_at: UnixMicros(row.number(1)?.cast_unsigned()),
                message: row.number_if_any(2)?.map(|message| MessageId(message.cast_unsigned())),
            })
        };
        self.0.database.row(query, read).await
    }
}

/// Forgets links that expired before, and who followed them.
pub(super) fn forget_old(before: i64) -> [Sql; 2] {
    let mut clicks = Sql::new(
        "DELETE FROM click WHERE message IN (SELECT message FROM own_link WHERE message IS NOT NULL AND expires_at < ",
    );
    clicks.value(before).push(")");
    let mut links = Sql::new("DELETE FROM own_link WHERE expires_at < ");
    links.value(before);
    [clicks, links]
}

/// Forgets those of somebody's messages, by what history knows of them.
pub(super) fn forget_of((tenant, number): (TenantId, Recipient)) -> Sql {
    let mut forget = Sql::new("DELETE FROM own_link WHERE message IN (SELECT id FROM message WHERE tenant = ");
    forget
        .value(tenant.0)
        .push(" AND recipient = ")
        .value(number.0.cast_signed())
        .push(")");
    forget
}
