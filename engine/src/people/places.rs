//! Contacts that are being put in place of what is known of them, and by what each is known again.

use std::collections::{BTreeMap, HashMap};

use super::contact::{Contact, Details, Given};
use super::rows::{self, COLUMNS, IDENTITY, SOURCES};
use super::sources::{Source, Sources};
use crate::compose::fold;
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{ContactId, TenantId, UnixMicros};

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

/// What brings something about people, if that is known, and when.
pub(super) type News<'s> = (Option<&'s Source>, UnixMicros);

/// A contact that is being put in place.
pub(super) struct Place {
    pub(super) contact: Contact,
    pub(super) identity: String,
    pub(super) outcome: Outcome,
    pub(super) sources: Sources,
}

impl Place {
    pub(super) const fn became(&self) -> Upserted {
        Upserted {
            id: self.contact.id,
            outcome: self.outcome,
        }
    }
}

/// Those that a request, or some rows of a file, may mean.
#[derive(Default)]
pub(super) struct Places {
    pub(super) all: Vec<Place>,
    by_identity: HashMap<String, usize>,
    /// Those with a reference, by number and names: who does not say it means them as well. Of several, the one that came first.
    by_names: HashMap<String, usize>,
}

impl Places {
    /// Those of these whom the tenant knows.
    pub(super) async fn known(change: &mut Change, tenant: TenantId, given: &[Given]) -> Result<Self, DatabaseError> {
        let identities = given.iter().filter_map(Given::identity);
        let named = given
            .iter()
            .filter(|given| given.reference.is_some() && given.is_named());
        let mut query = select_with_sources(tenant);
        query.push(" AND contact.identity IN (");
        query
            .list(identities.chain(named.filter_map(Given::number_and_names)))
            .push(")");
        let mut found = change.rows(query, read).await?;
        let without: Vec<&Given> = given.iter().filter(|given| given.reference.is_none()).collect();
        if !without.is_empty() {
            let numbers = without.iter().filter_map(|given| given.number.flatten());
            let last_name = |given: &&Given| fold(given.last_name.as_deref().unwrap_or_default());
            let mut query = select_with_sources(tenant);
            query.push(" AND contact.reference IS NOT NULL AND contact.number IN (");
            query.list(numbers.map(|number| number.0.cast_signed()));
            query.push(") AND contact.last_folded IN (");
            query.list(without.iter().map(last_name)).push(")");
            found.extend(change.rows(query, read).await?);
        }
        // Each once, and the first that came first.
        let found: BTreeMap<ContactId, Place> = found.into_iter().map(|place| (place.contact.id, place)).collect();
        let mut places = Self::default();
        for place in found.into_values() {
            places.add(place);
        }
        Ok(places)
    }

    /// Puts what is given onto the one that it means, or makes one. Returns where that is.
    pub(super) fn put(&mut self, given: &Given, news: News<'_>) -> usize {
        let identity = given.identity().unwrap_or_default();
        let Some(at) = self.meant(given, &identity) else {
            return self.add(created(given, identity, news));
        };
        put_onto(&mut self.all[at], given, news);
        if given.reference.is_some() && self.all[at].identity != identity {
            // From now on it is known by its reference.
            self.by_identity.insert(identity.clone(), at);
            self.all[at].identity = identity;
        }
        at
    }

    fn meant(&self, given: &Given, identity: &str) -> Option<usize> {
        if let Some(at) = self.by_identity.get(identity) {
            return Some(*at);
        }
        if given.reference.is_none() {
            return self.by_names.get(identity).copied();
        }
        // Who came without a reference gets theirs now; who has one is somebody else.
        let names = given.number_and_names().filter(|_| given.is_named())?;
        let at = *self.by_identity.get(&names)?;
        self.all[at].contact.details.reference.is_none().then_some(at)
    }

    fn add(&mut self, place: Place) -> usize {
        let at = self.all.len();
        let details = &place.contact.details;
        if let Some(names) = details.number_and_names().filter(|_| details.reference.is_some()) {
            self.by_names.entry(names).or_insert(at);
        }
        self.by_identity.insert(place.identity.clone(), at);
        self.all.push(place);
        at
    }
}

pub(super) fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM contact WHERE contact.tenant = ")
        .value(tenant.0);
    query
}

fn select_with_sources(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT ");
    query.push(COLUMNS).push(", contact.sources");
    query.push(" FROM contact WHERE contact.tenant = ").value(tenant.0);
    query
}

fn read(row: &Found<'_>) -> Result<Place, DatabaseError> {
    Ok(Place {
        contact: rows::read(row)?,
        identity: row.text(IDENTITY)?,
        outcome: Outcome::Unchanged,
        sources: row.parsed(SOURCES, "whence a contact is", Sources::read)?,
    })
}

fn created(given: &Given, identity: String, (source, now): News<'_>) -> Place {
    let mut place = Place {
        contact: Contact {
            id: ContactId(0),
            details: given.onto(&Details::default()),
            consent_at: None,
            withdrawn_at: None,
            unreachable: None,
            created_at: now,
            updated_at: now,
        },
        identity,
        outcome: Outcome::Created,
        sources: Sources::default(),
    };
    if let Some(source) = source {
        let fresh = (&Details::default(), &place.contact.details);
        place.sources.note(fresh, (source, now));
    }
    place
}

fn put_onto(place: &mut Place, given: &Given, (source, now): News<'_>) {
    let details = given.onto(&place.contact.details);
    if details == place.contact.details {
        return;
    }
    if let Some(source) = source {
        place.sources.note((&place.contact.details, &details), (source, now));
    }
    place.contact.details = details;
    place.contact.updated_at = now;
    if place.outcome == Outcome::Unchanged {
        place.outcome = Outcome::Updated;
    }
}
