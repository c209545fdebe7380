//! What people agree to, as it counts for their numbers: who agrees no more gets no advertising, whatever brings it, as if they had
//! written STOP. Who agrees again gets it again, also who was erased before, unless somebody with that number agrees no more, or has written
//! STOP as well.

use std::collections::HashSet;

use super::consents::{Consent, Proof};
use super::contact::Given;
use super::contacts::UPSERT_MAX;
use super::said::Said;
use super::{People, PeopleFault};
use crate::database::{DatabaseError, Sql};
use crate::domain::{ContactId, ListId, Recipient, TenantId, UnixMicros};
use crate::mirror::{Mirror, MirrorFault};
use crate::store::{Again, InboundPlace};

/// Keeps consents, and what follows from them for numbers.
pub(crate) struct Consents<'a> {
    people: &'a People,
    mirror: &'a Mirror,
}

/// Why it is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsentFault {
    #[error(transparent)]
    People(#[from] PeopleFault),
    #[error(transparent)]
    Mirror(#[from] MirrorFault),
}

impl From<DatabaseError> for ConsentFault {
    fn from(error: DatabaseError) -> Self {
        Self::People(error.into())
    }
}

impl Consents<'_> {
    /// Keeps that a person has agreed at that time; the person is put in place of what is known of them.
    ///
    /// # Errors
    /// The database's, or Redis'. Asked again, what was not done is done.
    pub(crate) async fn give(
        &self,
        tenant: TenantId,
        given: &Given,
        agreed: (&Proof, UnixMicros),
    ) -> Result<Consent, ConsentFault> {
        let consent = self.people.consent(tenant, given, agreed).await?;
        self.agree_again(tenant, &[consent.contact]).await?;
        Ok(consent)
    }

    /// Keeps that a person agrees now, and puts them on a list.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`]: the list is gone; or as [`Consents::give`].
    pub(crate) async fn give_by_form(
        &self,
        of: (TenantId, Option<ListId>),
        given: &Given,
        proof: &Proof,
    ) -> Result<Consent, ConsentFault> {
        let consent = self.people.agree_by_form(of, given, proof).await?;
        self.agree_again(of.0, &[consent.contact]).await?;
        Ok(consent)
    }

    /// A person agrees no more. Returns how many consents that ends.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or as [`Consents::give`].
    pub(crate) async fn withdraw(&self, tenant: TenantId, contact: ContactId) -> Result<u64, ConsentFault> {
        // First: cut off behind this, too few messages go rather than too many.
        self.oppose(tenant, &[contact]).await?;
        Ok(self.people.withdraw_consents(tenant, contact).await?)
    }

    /// Keeps what a file says of the consents of a tenant's contacts, each once. Returns those for whom it was news.
    ///
    /// # Errors
    /// As [`Consents::give`].
    pub(crate) async fn said(
        &self,
        tenant: TenantId,
        said: &[(ContactId, &Said)],
    ) -> Result<Vec<ContactId>, ConsentFault> {
        let of = |given: bool| -> Vec<ContactId> {
            let those = said.iter().filter(|(_, said)| said.given == given);
            those.map(|(id, _)| *id).collect()
        };
        self.oppose(tenant, &of(false)).await?;
        let news = self.people.said(tenant, said).await?;
        self.agree_again(tenant, &of(true)).await?;
        Ok(news)
    }

    async fn oppose(&self, tenant: TenantId, contacts: &[ContactId]) -> Result<(), ConsentFault> {
        let numbers = self.people.numbers_of(tenant, contacts).await?;
        Ok(self.mirror.oppose(tenant, &numbers).await?)
    }

    /// Numbers get advertising again of which nobody agrees no more: since a withdrawal, or since whoever had them was erased.
    async fn agree_again(&self, tenant: TenantId, contacts: &[ContactId]) -> Result<(), ConsentFault> {
        let numbers = self.people.numbers_of(tenant, contacts).await?;
        let since = self.mirror.opposed_since(tenant, &numbers).await?;
        let erased = self.mirror.erased_since(tenant, &numbers).await?;
        if since.is_empty() && erased.is_empty() {
            return Ok(());
        }
        let numbers: Vec<Recipient> = since.iter().chain(&erased).map(|(number, _)| *number).collect();
        let still = self.people.opposed(tenant, &numbers).await?;
        for (number, at) in since.into_iter().filter(|(number, _)| !still.contains(number)) {
            self.mirror.agree_again(tenant, number, at).await?;
        }
        for (number, at) in erased.into_iter().filter(|(number, _)| !still.contains(number)) {
            // What is of before the erasure brings nobody back.
            let agreed = self.people.agreed_since(tenant, number, at).await?;
            if agreed {
                let again = Again::Said(InboundPlace::at(at));
                self.mirror.end_erasure(tenant, number, again).await?;
            }
        }
        Ok(())
    }
}

impl People {
    /// Consents as they count for numbers as well.
    pub(crate) const fn consents_with<'a>(&'a self, mirror: &'a Mirror) -> Consents<'a> {
        Consents { people: self, mirror }
    }

    /// Those of some numbers that people have who agree.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn agreeing(
        &self,
        tenant: TenantId,
        numbers: &[Recipient],
    ) -> Result<HashSet<Recipient>, DatabaseError> {
        self.of_whom(tenant, numbers, "consent_at IS NOT NULL").await
    }

    /// Whether somebody with that number has agreed behind a time, and agrees still.
    async fn agreed_since(
        &self,
        tenant: TenantId,
        number: Recipient,
        since: UnixMicros,
    ) -> Result<bool, DatabaseError> {
        let mut query = Sql::new("SELECT COUNT(*) FROM contact WHERE tenant = ");
        query
            .value(tenant.0)
            .push(" AND number = ")
            .value(number.0.cast_signed());
        query.push(" AND consent_at > ").value(since.0.cast_signed());
        Ok(self.database.count(query).await? > 0)
    }

    /// Those of some numbers that somebody has who agrees no more.
    async fn opposed(&self, tenant: TenantId, numbers: &[Recipient]) -> Result<HashSet<Recipient>, DatabaseError> {
        self.of_whom(tenant, numbers, "withdrawn_at IS NOT NULL AND consent_at IS NULL")
            .await
    }

    /// Those of some numbers of whose contacts that holds.
    async fn of_whom(
        &self,
        tenant: TenantId,
        numbers: &[Recipient],
        holds: &'static str,
    ) -> Result<HashSet<Recipient>, DatabaseError> {
        let mut found = HashSet::new();
        for some in numbers.chunks(UPSERT_MAX) {
            let mut query = Sql::new("SELECT number FROM contact WHERE tenant = ");
            query.value(tenant.0).push(" AND ").push(holds).push(" AND number IN (");
            query.list(some.iter().map(|number| number.0.cast_signed())).push(")");
            let rows = self.database.rows(query, |row| row.number(0)).await?;
            found.extend(rows.into_iter().map(|number| Recipient(number.cast_unsigned())));
        }
        Ok(found)
    }

    /// The numbers of some contacts.
    async fn numbers_of(&self, tenant: TenantId, contacts: &[ContactId]) -> Result<Vec<Recipient>, DatabaseError> {
        let mut numbers = Vec::new();
        for some in contacts.chunks(UPSERT_MAX) {
            let mut query = Sql::new("SELECT DISTINCT number FROM contact WHERE number IS NOT NULL AND tenant = ");
            query.value(tenant.0).push(" AND id IN (");
            query.list(some.iter().map(|id| id.0.cast_signed())).push(")");
            let rows = self.database.rows(query, |row| row.number(0)).await?;
            numbers.extend(rows.into_iter().map(|number| Recipient(number.cast_unsigned())));
        }
        Ok(numbers)
    }
}
