//! Contacts: put in place of what is known of them, found, counted, forgotten.

use std::collections::{BTreeMap, HashMap};

use super::contact::{Contact, Given, identity_of};
use super::places::{Outcome, Place, Places, Upserted, select};
use super::rows::{self, ROWS_MAX};
use super::{Filter, People, PeopleFault, Source, Sources, filter_sql};
use crate::compose::fold;
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{ContactId, ListId, TenantId};
use crate::fault::{FieldFault, FieldProblem};

/// The most contacts that are given at once.
pub(crate) const UPSERT_MAX: usize = ROWS_MAX;

/// The most names of attributes that one tenant has.
const ATTRIBUTES_MAX: usize = 200;

impl People {
    /// Puts contacts in place of what is known of them, all or none; where one is given twice, the later is put onto the earlier.
    /// All of them are put on `list` as well, if it is given; what is new of them is from that source. Returns what became of each, in their order. At most [`UPSERT_MAX`],
    /// and each has an identity.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`]: the tenant has no such list; or the database.
    pub(crate) async fn upsert(
        &self,
        tenant: TenantId,
        given: &[Given],
        (list, source): (Option<ListId>, Option<&Source>),
    ) -> Result<Vec<Upserted>, PeopleFault> {
        let now = self.clock.unix();
        let mut change = self.database.change_of(tenant).await?;
        let mut places = Places::known(&mut change, tenant, given).await?;
        let put: Vec<usize> = given.iter().map(|given| places.put(given, (source, now))).collect();
        let new = places.all.iter_mut().filter(|place| place.outcome == Outcome::Created);
        let new: Vec<&mut Place> = new.collect();
        let first = change.numbers("contact", new.len()).await?;
        for (id, place) in (first..).zip(new) {
            place.contact.id = ContactId(id.cast_unsigned());
        }
        keep(&mut change, tenant, &places.all).await?;
        let became: Vec<Upserted> = put.iter().map(|at| places.all[*at].became()).collect();
        keep_visits(&mut change, given, &became).await?;
        keep_attributes(&mut change, tenant, given).await?;
        if let Some(list) = list {
            let ids: Vec<ContactId> = became.iter().map(|became| became.id).collect();
            super::lists::join(&mut change, (tenant, list), &ids).await?;
        }
        change.commit().await?;
        Ok(became)
    }

    /// One of a tenant's contacts.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], also when it is another tenant's; or the database.
    pub(crate) async fn contact(&self, tenant: TenantId, id: ContactId) -> Result<Contact, PeopleFault> {
        let mut query = select(tenant);
        query.push(" AND contact.id = ").value(id.0.cast_signed());
        let found = self.database.row(query, rows::read).await?;
        found.ok_or(PeopleFault::NotFound)
    }

    /// Whence the fields of one of a tenant's contacts are.
    ///
    /// # Errors
    /// As [`People::contact`].
    pub(crate) async fn sources_of(&self, tenant: TenantId, id: ContactId) -> Result<Sources, PeopleFault> {
        let mut query = Sql::new("SELECT sources FROM contact WHERE tenant = ");
        query.value(tenant.0).push(" AND id = ").value(id.0.cast_signed());
        let read = |row: &crate::database::Found<'_>| row.parsed(0, "whence a contact is", Sources::read);
        let found = self.database.row(query, read).await?;
        found.ok_or(PeopleFault::NotFound)
    }

    /// Those whom a tenant's software calls so, by what it calls them.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn by_references(
        &self,
        tenant: TenantId,
        references: &[String],
    ) -> Result<HashMap<String, ContactId>, DatabaseError> {
        let identities = references.iter().map(|reference| identity_of(reference));
        let mut query = Sql::new("SELECT contact.reference, contact.id FROM contact WHERE contact.tenant = ");
        query.value(tenant.0);
        query.push(" AND contact.identity IN (").list(identities).push(")");
        let read = |row: &crate::database::Found<'_>| {
            let id = ContactId(row.number(1)?.cast_unsigned());
            Ok((row.text_if_any(0)?.unwrap_or_default(), id))
        };
        Ok(self.database.rows(query, read).await?.into_iter().collect())
    }

    /// Forgets a contact with all that hangs on it. Messages that are under way are not stopped.
    ///
    /// # Errors
    /// As [`People::contact`].
    pub(crate) async fn forget(&self, tenant: TenantId, id: ContactId) -> Result<(), PeopleFault> {
        self.forget_row("contact", tenant, id.0).await
    }

    /// Those whom a filter means, in the order in which they came, from behind `after` on.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn search(
        &self,
        (tenant, filter): (TenantId, &Filter),
        after: ContactId,
        limit: usize,
    ) -> Result<Vec<Contact>, DatabaseError> {
        let mut query = select(tenant);
        query
            .push(" AND contact.id > ")
            .value(after.0.cast_signed())
            .push(" AND ");
        filter_sql::write(filter, &self.seen(tenant).await?, &mut query);
        query
            .push(" ORDER BY contact.id LIMIT ")
            .value(i64::try_from(limit).unwrap_or(i64::MAX));
        self.database.rows(query, rows::read).await
    }

    /// Those of these whom a filter means.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn those(
        &self,
        (tenant, filter): (TenantId, &Filter),
        contacts: &[ContactId],
    ) -> Result<Vec<ContactId>, DatabaseError> {
        let (mut meant, seen) = (Vec::new(), self.seen(tenant).await?);
        for some in contacts.chunks(UPSERT_MAX) {
            let mut query = Sql::new("SELECT contact.id FROM contact WHERE contact.tenant = ");
            query.value(tenant.0).push(" AND contact.id IN (");
            query.list(some.iter().map(|id| id.0.cast_signed())).push(") AND ");
            filter_sql::write(filter, &seen, &mut query);
            let found = self.database.rows(query, |row| row.number(0)).await?;
            meant.extend(found.into_iter().map(|id| ContactId(id.cast_unsigned())));
        }
        Ok(meant)
    }

    /// How many a filter means.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn count(&self, tenant: TenantId, filter: &Filter) -> Result<u64, DatabaseError> {
        let mut query = Sql::new("SELECT COUNT(*) FROM contact WHERE contact.tenant = ");
        query.value(tenant.0).push(" AND ");
        filter_sql::write(filter, &self.seen(tenant).await?, &mut query);
        self.database.count(query).await
    }

    /// What the attributes of a tenant's people are called.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn attributes(&self, tenant: TenantId) -> Result<Vec<String>, DatabaseError> {
        let mut query = Sql::new("SELECT name FROM attribute WHERE tenant = ");
        query.value(tenant.0).push(" ORDER BY name_folded");
        self.database.rows(query, |row| row.text(0)).await
    }
}

async fn keep(change: &mut Change, tenant: TenantId, places: &[Place]) -> Result<(), DatabaseError> {
    let mut changed: Vec<_> = places
        .iter()
        .filter(|place| place.outcome != Outcome::Unchanged)
        .map(|place| (&place.contact, place.identity.as_str(), place.sources.stored()))
        .collect();
    // In their order on disk.
    changed.sort_unstable_by_key(|(contact, ..)| contact.id);
    if !changed.is_empty() {
        change.run(rows::write(tenant, &changed)).await?;
    }
    Ok(())
}

async fn keep_visits(change: &mut Change, given: &[Given], became: &[Upserted]) -> Result<(), DatabaseError> {
    let visits: Vec<_> = given
        .iter()
        .zip(became)
        .map(|(given, became)| (became.id, &given.visits))
        .flat_map(|(id, visits)| visits.iter().map(move |visit| (id, visit)))
        .collect();
    for some in visits.chunks(ROWS_MAX) {
        let mut insert = Sql::new("INSERT INTO visit (contact, day, practice, practice_folded) VALUES ");
        for (at, (id, visit)) in some.iter().enumerate() {
            insert.push(if at > 0 { ", (" } else { "(" });
            insert.value(id.0.cast_signed()).push(", ").value(visit.day.to_string());
            insert.push(", ").value(visit.practice.as_str());
            insert.push(", ").value(fold(&visit.practice)).push(")");
        }
        insert.push(" ON CONFLICT DO NOTHING");
        change.run(insert).await?;
    }
    Ok(())
}

/// The first spelling stays.
async fn keep_attributes(change: &mut Change, tenant: TenantId, given: &[Given]) -> Result<(), PeopleFault> {
    let mut names: BTreeMap<String, &str> = given
        .iter()
        .flat_map(|given| given.attributes.keys())
        .map(|name| (fold(name), name.as_str()))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let mut query = Sql::new("SELECT name_folded FROM attribute WHERE tenant = ");
    query.value(tenant.0);
    let known = change.rows(query, |row| row.text(0)).await?;
    names.retain(|name, _| !known.contains(name));
    if known.len() + names.len() > ATTRIBUTES_MAX {
        let problem = FieldProblem::TooMany { max: ATTRIBUTES_MAX };
        return Err(PeopleFault::Fields(vec![FieldFault::new("/attributes", problem)]));
    }
    if names.is_empty() {
        return Ok(());
    }
    let mut insert = Sql::new("INSERT INTO attribute (tenant, name_folded, name) VALUES ");
    for (at, (folded, name)) in names.iter().enumerate() {
        insert.push(if at > 0 { ", (" } else { "(" });
        insert.value(tenant.0).push(", ").value(folded.as_str());
        insert.push(", ").value(*name).push(")");
    }
    insert.push(" ON CONFLICT DO NOTHING");
    change.run(insert).await?;
    Ok(())
}
