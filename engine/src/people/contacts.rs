//! Contacts: put in place of what is known of them, found, counted, forgotten.

use std::collections::{BTreeMap, HashMap};

use super::contact::{Contact, Details, Given, identity_of};
use super::rows::{self, COLUMNS, IDENTITY, ROWS_MAX};
use super::{Filter, People, PeopleFault, filter_sql};
use crate::compose::fold;
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{ContactId, ListId, TenantId, UnixMicros};
use crate::fault::{FieldFault, FieldProblem};

/// The most contacts that are given at once.
pub(crate) const UPSERT_MAX: usize = ROWS_MAX;

/// The most names of attributes that one tenant has.
const ATTRIBUTES_MAX: usize = 200;

/// What became of a contact that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Outcome {
    Created,
    Updated,
    /// It was known as it was given.
    Unchanged,
}

impl Outcome {
    pub(crate) const CODES: [&str; 3] = [Self::Created.code(), Self::Updated.code(), Self::Unchanged.code()];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// A contact that was given, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Upserted {
    pub(crate) id: ContactId,
    pub(crate) outcome: Outcome,
}

/// A contact that is being put in place.
struct Place {
    contact: Contact,
    identity: String,
    outcome: Outcome,
}

impl People {
    /// Puts contacts in place of what is known of them, all or none; where one is given twice, the later is put onto the earlier.
    /// All of them are put on `list` as well, if it is given. Returns what became of each, in their order. At most [`UPSERT_MAX`],
    /// and each has an identity.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`]: the tenant has no such list; or the database.
    pub(crate) async fn upsert(
        &self,
        tenant: TenantId,
        given: &[Given],
        list: Option<ListId>,
    ) -> Result<Vec<Upserted>, PeopleFault> {
        let now = self.clock.unix();
        let mut change = self.database.change_of(tenant).await?;
        let identities: Vec<String> = given.iter().map(|given| given.identity().unwrap_or_default()).collect();
        let mut places = known(&mut change, tenant, &identities).await?;
        let mut new = Vec::new();
        for (given, identity) in given.iter().zip(&identities) {
            match places.get_mut(identity) {
                Some(place) => put_onto(place, given, now),
                None => {
                    new.push(identity.clone());
                    places.insert(identity.clone(), created(given, identity, now));
                }
            }
        }
        let first = change.numbers("contact", new.len()).await?;
        for (id, identity) in (first..).zip(&new) {
            if let Some(place) = places.get_mut(identity) {
                place.contact.id = ContactId(id.cast_unsigned());
            }
        }
        keep(&mut change, tenant, &places).await?;
        keep_visits(&mut change, (given, &identities), &places).await?;
        keep_attributes(&mut change, tenant, given).await?;
        if let Some(list) = list {
            let ids: Vec<ContactId> = places.values().map(|place| place.contact.id).collect();
            super::lists::join(&mut change, (tenant, list), &ids).await?;
        }
        change.commit().await?;
        let became = |identity: &String| {
            places.get(identity).map(|place| Upserted {
                id: place.contact.id,
                outcome: place.outcome,
            })
        };
        Ok(identities.iter().filter_map(became).collect())
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
        filter_sql::write(filter, self.seen(), &mut query);
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
        let mut meant = Vec::new();
        for some in contacts.chunks(UPSERT_MAX) {
            let mut query = Sql::new("SELECT contact.id FROM contact WHERE contact.tenant = ");
            query.value(tenant.0).push(" AND contact.id IN (");
            query.list(some.iter().map(|id| id.0.cast_signed())).push(") AND ");
            filter_sql::write(filter, self.seen(), &mut query);
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
        filter_sql::write(filter, self.seen(), &mut query);
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

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM contact WHERE contact.tenant = ")
        .value(tenant.0);
    query
}

/// Those of these whom the tenant knows.
async fn known(
    change: &mut Change,
    tenant: TenantId,
    identities: &[String],
) -> Result<HashMap<String, Place>, DatabaseError> {
    let mut query = select(tenant);
    query
        .push(" AND contact.identity IN (")
        .list(identities.iter().cloned())
        .push(")");
    let read = |row: &crate::database::Found<'_>| {
        Ok(Place {
            contact: rows::read(row)?,
            identity: row.text(IDENTITY)?,
            outcome: Outcome::Unchanged,
        })
    };
    let found = change.rows(query, read).await?;
    Ok(found.into_iter().map(|place| (place.identity.clone(), place)).collect())
}

fn created(given: &Given, identity: &str, now: UnixMicros) -> Place {
    Place {
        contact: Contact {
            id: ContactId(0),
            details: given.onto(&Details::default()),
            consent_at: None,
            unreachable: None,
            created_at: now,
            updated_at: now,
        },
        identity: identity.to_owned(),
        outcome: Outcome::Created,
    }
}

fn put_onto(place: &mut Place, given: &Given, now: UnixMicros) {
    let details = given.onto(&place.contact.details);
    if details == place.contact.details {
        return;
    }
    place.contact.details = details;
    place.contact.updated_at = now;
    if place.outcome == Outcome::Unchanged {
        place.outcome = Outcome::Updated;
    }
}

async fn keep(change: &mut Change, tenant: TenantId, places: &HashMap<String, Place>) -> Result<(), DatabaseError> {
    let mut changed: Vec<_> = places
        .values()
        .filter(|place| place.outcome != Outcome::Unchanged)
        .map(|place| (&place.contact, place.identity.as_str()))
        .collect();
    // In their order on disk.
    changed.sort_unstable_by_key(|(contact, _)| contact.id);
    if !changed.is_empty() {
        change.run(rows::write(tenant, &changed)).await?;
    }
    Ok(())
}

async fn keep_visits(
    change: &mut Change,
    (given, identities): (&[Given], &[String]),
    places: &HashMap<String, Place>,
) -> Result<(), DatabaseError> {
    let visits: Vec<_> = given
        .iter()
        .zip(identities)
        .filter_map(|(given, identity)| Some((places.get(identity)?.contact.id, &given.visits)))
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
