//! What is kept of one person, and how that is forgotten.

use super::filter_sql::has_number;
use super::rows::{COLUMNS, read};
use super::{People, PeopleFault, Visit};
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{CampaignId, CodePoolId, ContactId, ListId, Recipient, TenantId, UnixMicros};

/// The most rows of one kind that are told of a person: nobody has as many.
const ROWS_MAX: i64 = 10_000;

/// A code that a person was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenCode {
    pub(crate) pool: CodePoolId,
    pub(crate) code: String,
    pub(crate) campaign: CampaignId,
    pub(crate) given_at: Option<UnixMicros>,
}

impl People {
    /// A tenant's contacts with that number, be it a further one: a family may share it.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn contacts_with(
        &self,
        tenant: TenantId,
        number: Recipient,
    ) -> Result<Vec<ContactId>, DatabaseError> {
        let mut query = Sql::new("SELECT ");
        query
            .push(COLUMNS)
            .push(" FROM contact WHERE contact.tenant = ")
            .value(tenant.0)
            .push(" AND ");
        has_number(&[number], &mut query);
        query.push(" ORDER BY contact.id LIMIT ").value(ROWS_MAX);
        let found = self.database.rows(query, read).await?;
        // Another attribute may name it as well.
        let has_it = found
            .iter()
            .filter(|contact| contact.details.numbers().contains(&number));
        Ok(has_it.map(|contact| contact.id).collect())
    }

    /// When a person came, and where, the latest first.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn visits_of(&self, tenant: TenantId, contact: ContactId) -> Result<Vec<Visit>, PeopleFault> {
        self.contact(tenant, contact).await?;
        let mut query = Sql::new("SELECT day, practice FROM visit WHERE contact = ");
        query.value(contact.0.cast_signed());
        query.push(" ORDER BY day DESC, practice LIMIT ").value(ROWS_MAX);
        let read = |row: &Found<'_>| {
            Ok(Visit {
                day: row.parsed(0, "the day of a visit", |day| day.parse().ok())?,
                practice: row.text(1)?,
            })
        };
        Ok(self.database.rows(query, read).await?)
    }

    /// The lists that a person is on, with their names.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn lists_of(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<Vec<(ListId, String)>, DatabaseError> {
        let mut query = Sql::new("SELECT list.id, list.name FROM list JOIN list_member ON list_member.list = list.id");
        query.push(" WHERE list.tenant = ").value(tenant.0);
        query.push(" AND list_member.contact = ").value(contact.0.cast_signed());
        query.push(" ORDER BY list.id LIMIT ").value(ROWS_MAX);
        let read = |row: &Found<'_>| Ok((ListId(row.number(0)?.cast_unsigned()), row.text(1)?));
        self.database.rows(query, read).await
    }

    /// The codes that a number was given.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn codes_of(&self, tenant: TenantId, number: Recipient) -> Result<Vec<GivenCode>, DatabaseError> {
        let mut query = Sql::new("SELECT code.pool, code.code, code.campaign, code.given_at FROM code");
        query.push(" JOIN code_pool ON code_pool.id = code.pool WHERE code_pool.tenant = ");
        query
            .value(tenant.0)
            .push(" AND code.campaign IS NOT NULL AND code.recipient = ");
        query.value(number.0.cast_signed());
        query.push(" ORDER BY code.given_at, code.code LIMIT ").value(ROWS_MAX);
        let read = |row: &Found<'_>| {
            Ok(GivenCode {
                pool: CodePoolId(row.number(0)?.cast_unsigned()),
                code: row.text(1)?,
                campaign: CampaignId(row.number(2)?.cast_unsigned()),
                given_at: row.number_if_any(3)?.map(super::rows::time),
            })
        };
        self.database.rows(query, read).await
    }

    /// Forgets contacts, all or none, and with a number who was given which codes under it, and the rows of files that were not
    /// taken: nobody can tell whose these are. Returns how many contacts there were.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn erase(
        &self,
        tenant: TenantId,
        contacts: &[ContactId],
        number: Option<Recipient>,
    ) -> Result<u64, DatabaseError> {
        let mut change = self.database.change_of(tenant).await?;
        let mut erased = 0;
        if !contacts.is_empty() {
            let mut delete = Sql::new("DELETE FROM contact WHERE tenant = ");
            delete.value(tenant.0).push(" AND id IN (");
            delete.list(contacts.iter().map(|id| id.0.cast_signed())).push(")");
            erased = change.run(delete).await?;
        }
        if let Some(number) = number {
            erase_number(&mut change, tenant, number).await?;
        }
        change.commit().await?;
        Ok(erased)
    }
}

async fn erase_number(change: &mut Change, tenant: TenantId, number: Recipient) -> Result<(), DatabaseError> {
    let mut codes = Sql::new("UPDATE code SET recipient = NULL WHERE recipient = ");
    codes.value(number.0.cast_signed());
    codes.push(" AND pool IN (SELECT id FROM code_pool WHERE tenant = ");
    codes.value(tenant.0).push(")");
    change.run(codes).await?;
    let mut guest = Sql::new("DELETE FROM guest WHERE tenant = ");
    guest.value(tenant.0).push(" AND recipient = ");
    guest.value(number.0.cast_signed());
    change.run(guest).await?;
    let mut errors = Sql::new("DELETE FROM import_error WHERE import IN (SELECT id FROM import WHERE tenant = ");
    errors.value(tenant.0).push(" AND ended_at IS NOT NULL)");
    change.run(errors).await.map(drop)
}
