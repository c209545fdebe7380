//! Consents: what a person has agreed to, in which words, and what proves it. Nothing of one is ever changed but its withdrawal.
//!
//! A withdrawal ends all that was given until then, also what is kept only later: a form that was filled in before it, a file of before it.

use std::collections::HashMap;

use super::contact::Given;
use super::{People, PeopleFault, Source, rows};
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{ConsentId, ContactId, ListId, Recipient, TenantId, UnixMicros};
use crate::fault::{FieldProblem, Forbidden};

/// The longest wording, in characters.
pub(crate) const WORDING_MAX: usize = 1_000;

/// The longest source, address of a page or description of a browser, in characters.
pub(crate) const PROOF_MAX: usize = 500;

/// What a person has agreed to, as it was shown to them, and what proves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proof {
    /// What they agreed to, word for word.
    pub(crate) wording: String,
    pub(crate) wording_version: Option<String>,
    /// Where: a form, the front desk, an import.
    pub(crate) source: String,
    pub(crate) source_url: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    /// What brings it, with what is given of the person; not kept with it.
    pub(crate) via: Option<Source>,
}

/// A consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consent {
    pub(crate) id: ConsentId,
    pub(crate) contact: ContactId,
    pub(crate) proof: Proof,
    pub(crate) given_at: UnixMicros,
    pub(crate) withdrawn_at: Option<UnixMicros>,
}

/// What people agree to, word for word: with its lines and the spaces around it.
///
/// # Errors
/// It says nothing, too much, or has characters that nobody was shown.
pub(crate) fn check_wording(text: &str) -> Result<String, FieldProblem> {
    let given = text.chars().count();
    if given > WORDING_MAX {
        return Err(FieldProblem::TooLong {
            max: WORDING_MAX,
            given,
        });
    }
    if text.trim().is_empty() {
        return Err(FieldProblem::Empty);
    }
    Forbidden::check(text, &['\n', '\r', '\t'])?;
    Ok(text.to_owned())
}

/// Who share one number: a family.
const OF_A_NUMBER_MAX: i64 = 20;

const COLUMNS: &str =
    "id, contact, wording, wording_version, source, source_url, ip, user_agent, given_at, withdrawn_at";

impl People {
    /// Keeps that a person has agreed at that time; the person is put in place of what is known of them.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn consent(
        &self,
        tenant: TenantId,
        given: &Given,
        (proof, at): (&Proof, UnixMicros),
    ) -> Result<Consent, PeopleFault> {
        let became = self
            .upsert(tenant, std::slice::from_ref(given), (None, proof.via.as_ref()))
            .await?;
        let contact = became.first().ok_or(PeopleFault::NotFound)?.id;
        self.agree_as((tenant, contact), (proof, at)).await
    }

    /// Keeps that whoever has a number has agreed at that time, once for the same source; a number that nobody has becomes a contact.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn consent_of_number(
        &self,
        tenant: TenantId,
        number: Recipient,
        (proof, at): (&Proof, UnixMicros),
    ) -> Result<(), PeopleFault> {
        let mut query = Sql::new("SELECT id FROM contact WHERE tenant = ");
        query
            .value(tenant.0)
            .push(" AND number = ")
            .value(number.0.cast_signed());
        query.push(" ORDER BY id LIMIT ").value(OF_A_NUMBER_MAX);
        let found = self
            .database
            .rows(query, |row| Ok(ContactId(row.number(0)?.cast_unsigned())))
            .await?;
        if found.is_empty() {
            let given = Given {
                number: Some(Some(number)),
                ..Given::default()
            };
            return self.consent(tenant, &given, (proof, at)).await.map(drop);
        }
        for contact in found {
            let known = self.consents_of(tenant, contact).await?;
            if !known.iter().any(|consent| consent.proof.source == proof.source) {
                self.agree_as((tenant, contact), (proof, at)).await?;
            }
        }
        Ok(())
    }

    async fn agree_as(
        &self,
        (tenant, contact): (TenantId, ContactId),
        (proof, at): (&Proof, UnixMicros),
    ) -> Result<Consent, PeopleFault> {
        let mut change = self.database.change_of(tenant).await?;
        let withdrawn = withdrawn(&mut change, tenant, &[contact]).await?;
        let ended_at = withdrawn.get(&contact).copied().filter(|ended| *ended >= at);
        let id = change.numbers("consent", 1).await?;
        let mut insert = Sql::new("INSERT INTO consent (tenant, ");
        insert.push(COLUMNS).push(") VALUES (").value(tenant.0);
        insert.push(", ").value(id).push(", ").value(contact.0.cast_signed());
        insert.push(", ").value(proof.wording.as_str());
        insert.push(", ").value(proof.wording_version.clone());
        insert.push(", ").value(proof.source.as_str());
        for text in [&proof.source_url, &proof.ip, &proof.user_agent] {
            insert.push(", ").value(text.clone());
        }
        insert.push(", ").value(at.0.cast_signed());
        insert.push(", ").value(ended_at.map(|at| at.0.cast_signed())).push(")");
        change.run(insert).await?;
        note(&mut change, (tenant, contact)).await?;
        change.commit().await?;
        Ok(Consent {
            id: ConsentId(id.cast_unsigned()),
            contact,
            proof: proof.clone(),
            given_at: at,
            withdrawn_at: ended_at,
        })
    }

    /// Keeps that a person agrees now, and puts them on a list.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`]: the list is gone; or the database's.
    pub(crate) async fn agree_by_form(
        &self,
        (tenant, list): (TenantId, Option<ListId>),
        given: &Given,
        proof: &Proof,
    ) -> Result<Consent, PeopleFault> {
        if list.is_some() {
            self.upsert(tenant, std::slice::from_ref(given), (list, proof.via.as_ref()))
                .await?;
        }
        self.consent(tenant, given, (proof, self.clock.unix())).await
    }

    /// A person agrees no more. Returns how many consents that ends.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn withdraw_consents(&self, tenant: TenantId, contact: ContactId) -> Result<u64, PeopleFault> {
        self.contact(tenant, contact).await?;
        let mut change = self.database.change_of(tenant).await?;
        let mut update = Sql::new("UPDATE consent SET withdrawn_at = ");
        update.value(self.clock.unix().0.cast_signed());
        update.push(" WHERE withdrawn_at IS NULL AND tenant = ").value(tenant.0);
        update.push(" AND contact = ").value(contact.0.cast_signed());
        let ended = change.run(update).await?;
        note_withdrawal(&mut change, (tenant, &[contact]), self.clock.unix()).await?;
        note(&mut change, (tenant, contact)).await?;
        change.commit().await?;
        Ok(ended)
    }

    /// What a person has agreed to, the latest first; those that were withdrawn as well.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn consents_of(&self, tenant: TenantId, contact: ContactId) -> Result<Vec<Consent>, PeopleFault> {
        self.contact(tenant, contact).await?;
        let mut query = select(tenant);
        query.push(" AND contact = ").value(contact.0.cast_signed());
        query.push(" ORDER BY given_at DESC, id DESC");
        Ok(self.database.rows(query, read).await?)
    }

    /// Consents of all people of a tenant, in the order in which they were kept, from behind `after` on.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn consents(
        &self,
        tenant: TenantId,
        after: ConsentId,
        limit: usize,
    ) -> Result<Vec<Consent>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" AND id > ").value(after.0.cast_signed());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY id LIMIT ").value(limit);
        self.database.rows(query, read).await
    }
}

/// When these last agreed no more. Those who never said so are left out.
pub(super) async fn withdrawn(
    change: &mut Change,
    tenant: TenantId,
    of: &[ContactId],
) -> Result<HashMap<ContactId, UnixMicros>, DatabaseError> {
    let mut query = Sql::new("SELECT id, withdrawn_at FROM contact WHERE withdrawn_at IS NOT NULL AND tenant = ");
    query.value(tenant.0).push(" AND id IN (");
    query.list(of.iter().map(|id| id.0.cast_signed())).push(")");
    let read = |row: &Found<'_>| Ok((ContactId(row.number(0)?.cast_unsigned()), rows::time(row.number(1)?)));
    Ok(change.rows(query, read).await?.into_iter().collect())
}

/// These agree no more from now on.
pub(super) async fn note_withdrawal(
    change: &mut Change,
    (tenant, of): (TenantId, &[ContactId]),
    now: UnixMicros,
) -> Result<(), DatabaseError> {
    let mut update = Sql::new("UPDATE contact SET withdrawn_at = ");
    update
        .value(now.0.cast_signed())
        .push(" WHERE tenant = ")
        .value(tenant.0);
    update.push(" AND id IN (");
    update.list(of.iter().map(|id| id.0.cast_signed())).push(")");
    change.run(update).await.map(drop)
}

/// Since when a person agrees, as filters look for it.
async fn note(change: &mut Change, (tenant, contact): (TenantId, ContactId)) -> Result<(), DatabaseError> {
    let mut update = Sql::new("UPDATE contact SET consent_at = (SELECT MAX(given_at) FROM consent WHERE contact = ");
    update
        .value(contact.0.cast_signed())
        .push(" AND withdrawn_at IS NULL) WHERE tenant = ");
    update.value(tenant.0).push(" AND id = ").value(contact.0.cast_signed());
    change.run(update).await.map(drop)
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM consent WHERE tenant = ")
        .value(tenant.0);
    query
}

fn read(row: &Found<'_>) -> Result<Consent, DatabaseError> {
    Ok(Consent {
        id: ConsentId(row.number(0)?.cast_unsigned()),
        contact: ContactId(row.number(1)?.cast_unsigned()),
        proof: Proof {
            wording: row.text(2)?,
            wording_version: row.text_if_any(3)?,
            source: row.text(4)?,
            source_url: row.text_if_any(5)?,
            ip: row.text_if_any(6)?,
            user_agent: row.text_if_any(7)?,
            via: None,
        },
        given_at: rows::time(row.number(8)?),
        withdrawn_at: row.number_if_any(9)?.map(rows::time),
    })
}
