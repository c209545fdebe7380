//! Whom a campaign means: filter ∪ lists ∪ segments ∪ pasted numbers − exclusions. Kept as it was asked for, and found out at the
//! launch: who is added until then gets it as well.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::contacts::UPSERT_MAX;
use super::filter::lists_named;
use super::{Contact, Filter, People, PeopleFault, filter_sql};
use crate::audience::normalise;
use crate::database::{DatabaseError, Sql};
use crate::domain::{ContactId, Country, ListId, Recipient, SegmentId, TenantId};
use crate::fault::{FAULTS_MAX, FieldFault, FieldProblem, JsonType};

/// The most lists or segments of one audience.
const EACH_MAX: usize = 50;

/// The most numbers that are excluded one by one.
const NUMBERS_MAX: usize = 50_000;

/// Contacts that are read at once.
pub(crate) const MEANT_STEP: usize = 2_000;

/// Whom a campaign means.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Audience {
    include: Part,
    exclude: Part,
    /// Numbers that get nothing, whoever has them.
    numbers: Vec<Recipient>,
    /// Also those whose number is known to be unreachable.
    unreachable: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Part {
    filter: Option<Filter>,
    /// The lists that it names, each at its pointer.
    named: Vec<(String, ListId)>,
    lists: Vec<ListId>,
    segments: Vec<SegmentId>,
}

/// An audience with what its segments mean now.
#[derive(Clone, Debug)]
pub(crate) struct Meant {
    include: Filter,
    exclude: Filter,
    /// Numbers that get nothing.
    pub(crate) numbers: HashSet<u64>,
    /// Also those whose number is known to be unreachable.
    pub(crate) unreachable: bool,
}

impl Audience {
    /// Reads the parts that say whom a campaign means; they stand in `/audience`.
    ///
    /// # Errors
    /// What is wrong with them, each at its pointer.
    pub(crate) fn read(query: &Map<String, Value>) -> Result<Self, Vec<FieldFault>> {
        let mut faults = Vec::new();
        let include = part(query, "/audience", &mut faults);
        let mut audience = Self {
            include,
            ..Self::default()
        };
        match query.get("exclude") {
            None => {}
            Some(Value::Object(exclude)) => {
                audience.exclude = part(exclude, "/audience/exclude", &mut faults);
                audience.numbers = numbers(exclude, &mut faults);
                let known = ["filter", "lists", "segments", "numbers"];
                for key in exclude.keys().filter(|key| !known.contains(&key.as_str())) {
                    let nearest = kit::words::nearest(key, known).map(str::to_owned);
                    let pointer: String = format!("/audience/exclude/{key}").chars().take(100).collect();
                    faults.push(FieldFault::new(pointer, FieldProblem::UnknownField { nearest }));
                }
            }
            Some(other) => faults.push(wrong("/audience/exclude", JsonType::Object, other)),
        }
        match query.get("unreachable") {
            None => {}
            Some(Value::Bool(unreachable)) => audience.unreachable = *unreachable,
            Some(other) => faults.push(wrong("/audience/unreachable", JsonType::Boolean, other)),
        }
        if faults.is_empty() { Ok(audience) } else { Err(faults) }
    }
}

fn part(object: &Map<String, Value>, pointer: &str, faults: &mut Vec<FieldFault>) -> Part {
    let (given, at) = (object.get("filter"), format!("{pointer}/filter"));
    let filter = match given.map(|filter| Filter::read(filter, &at)).transpose() {
        Ok(filter) => filter,
        Err(found) => {
            faults.extend(found);
            None
        }
    };
    Part {
        filter,
        named: given.map(|filter| lists_named(filter, &at)).unwrap_or_default(),
        lists: ids(object, (pointer, "lists", &["lst_…"]), faults),
        segments: ids(object, (pointer, "segments", &["seg_…"]), faults),
    }
}

fn ids<T: std::str::FromStr>(
    object: &Map<String, Value>,
    (pointer, name, allowed): (&str, &str, &'static [&'static str]),
    faults: &mut Vec<FieldFault>,
) -> Vec<T> {
    let pointer = format!("{pointer}/{name}");
    let id = |text: &str| text.parse().map_err(|_| FieldProblem::UnknownValue { allowed });
    texts(object.get(name), (&pointer, EACH_MAX), faults, id)
}

fn numbers(exclude: &Map<String, Value>, faults: &mut Vec<FieldFault>) -> Vec<Recipient> {
    let number = |text: &str| normalise(text, Country::FRANCE).map_err(|fault| fault.problem());
    texts(
        exclude.get("numbers"),
        ("/audience/exclude/numbers", NUMBERS_MAX),
        faults,
        number,
    )
}

fn texts<T>(
    value: Option<&Value>,
    (pointer, max): (&str, usize),
    faults: &mut Vec<FieldFault>,
    read: impl Fn(&str) -> Result<T, FieldProblem>,
) -> Vec<T> {
    let items = match value {
        None => return Vec::new(),
        Some(Value::Array(items)) if items.len() <= max => items,
        Some(Value::Array(_)) => {
            faults.push(FieldFault::new(pointer, FieldProblem::TooMany { max }));
            return Vec::new();
        }
        Some(other) => {
            faults.push(wrong(pointer, JsonType::Array, other));
            return Vec::new();
        }
    };
    let mut taken = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let pointer = format!("{pointer}/{at}");
        match item.as_str().map(&read) {
            Some(Ok(value)) => taken.push(value),
            Some(Err(problem)) => faults.push(FieldFault::new(pointer, problem)),
            None => faults.push(wrong(&pointer, JsonType::String, item)),
        }
        if faults.len() >= crate::fault::FAULTS_MAX {
            break;
        }
    }
    taken
}

fn wrong(pointer: &str, expected: JsonType, found: &Value) -> FieldFault {
    FieldFault::new(pointer, FieldProblem::wrong_type(expected, found))
}

impl Meant {
    /// Whom it would mean, and leaves out; `None`: it leaves nobody out by what they are.
    fn left_out(&self) -> Option<Filter> {
        let leaves_none = matches!(&self.exclude, Filter::Any(parts) if parts.is_empty());
        (!leaves_none).then(|| Filter::All(vec![self.include.clone(), self.exclude.clone()]))
    }
}

impl People {
    /// How many contacts an audience leaves out whom it would mean, by what they are; those that it leaves out by their number are meant.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn count_left_out(&self, tenant: TenantId, meant: &Meant) -> Result<u64, DatabaseError> {
        match meant.left_out() {
            Some(filter) => self.count(tenant, &filter).await,
            None => Ok(0),
        }
    }

    /// What an audience means, as lists and segments are now.
    ///
    /// # Errors
    /// [`PeopleFault::Fields`]: a list or segment is gone, and without it others would be meant; or the database's.
    pub(crate) async fn meant(&self, tenant: TenantId, audience: &Audience) -> Result<Meant, PeopleFault> {
        let include = self.meant_by(tenant, (&audience.include, "/audience")).await?;
        let exclude = self.meant_by(tenant, (&audience.exclude, "/audience/exclude")).await?;
        Ok(Meant {
            include,
            exclude,
            numbers: audience.numbers.iter().map(|number| number.0).collect(),
            unreachable: audience.unreachable,
        })
    }

    async fn meant_by(&self, tenant: TenantId, (part, pointer): (&Part, &str)) -> Result<Filter, PeopleFault> {
        let gone = |name: &str, at: usize| {
            let pointer = format!("{pointer}/{name}/{at}");
            PeopleFault::Fields(vec![FieldFault::new(pointer, FieldProblem::GONE)])
        };
        self.check_lists(tenant, &part.named).await?;
        let mut parts: Vec<Filter> = part.filter.iter().cloned().collect();
        for (at, id) in part.lists.iter().enumerate() {
            match self.list(tenant, *id).await {
                Err(PeopleFault::NotFound) => return Err(gone("lists", at)),
                found => drop(found?),
            }
        }
        if !part.lists.is_empty() {
            parts.push(Filter::List(part.lists.clone()));
        }
        for (at, id) in part.segments.iter().enumerate() {
            match self.segment_means(tenant, *id).await {
                Err(PeopleFault::NotFound) => return Err(gone("segments", at)),
                means => parts.push(means?),
            }
        }
        Ok(Filter::Any(parts))
    }

    /// One of which a list is gone means as little as one that is gone itself.
    async fn segment_means(&self, tenant: TenantId, id: SegmentId) -> Result<Filter, PeopleFault> {
        let segment = self.segment(tenant, id).await?;
        let named = lists_named(&segment.filter, "");
        let is_whole = self.lists_gone(tenant, &named).await?.is_empty();
        match is_whole {
            true => Ok(segment.means()?),
            false => Err(PeopleFault::NotFound),
        }
    }

    /// Whether the lists are there that a filter names which stands at `pointer`: without one, others would be meant.
    ///
    /// # Errors
    /// [`PeopleFault::Fields`]: which are not; or the database's.
    pub(crate) async fn check_filter(
        &self,
        tenant: TenantId,
        (filter, pointer): (&Value, &str),
    ) -> Result<(), PeopleFault> {
        self.check_lists(tenant, &lists_named(filter, pointer)).await
    }

    async fn check_lists(&self, tenant: TenantId, named: &[(String, ListId)]) -> Result<(), PeopleFault> {
        let gone = self.lists_gone(tenant, named).await?;
        if gone.is_empty() {
            return Ok(());
        }
        let fault = |pointer: &String| FieldFault::new(pointer.as_str(), FieldProblem::GONE);
        Err(PeopleFault::Fields(gone.into_iter().map(fault).collect()))
    }

    /// The pointers of those lists that the tenant does not have, the first [`FAULTS_MAX`].
    async fn lists_gone<'n>(
        &self,
        tenant: TenantId,
        named: &'n [(String, ListId)],
    ) -> Result<Vec<&'n String>, DatabaseError> {
        let mut gone = Vec::new();
        for some in named.chunks(UPSERT_MAX) {
            let mut query = Sql::new("SELECT id FROM list WHERE tenant = ");
            query.value(tenant.0).push(" AND id IN (");
            query.list(some.iter().map(|(_, id)| id.0.cast_signed())).push(")");
            let known = self.database.rows(query, |row| row.number(0)).await?;
            let known: HashSet<u64> = known.into_iter().map(i64::cast_unsigned).collect();
            let missing = some.iter().filter(|(_, id)| !known.contains(&id.0));
            gone.extend(missing.map(|(pointer, _)| pointer));
            if gone.len() >= FAULTS_MAX {
                break;
            }
        }
        gone.truncate(FAULTS_MAX);
        Ok(gone)
    }

    /// The next contacts whom an audience means, from behind `after` on; fewer than asked for, or none, at the end.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn meant_contacts(
        &self,
        (tenant, meant): (TenantId, &Meant),
        after: ContactId,
    ) -> Result<Vec<Contact>, DatabaseError> {
        let filter = Filter::All(vec![
            meant.include.clone(),
            Filter::Not(Box::new(meant.exclude.clone())),
        ]);
        self.search((tenant, &filter), after, MEANT_STEP).await
    }

    /// Those of these numbers that belong to a contact who is excluded.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn excluded_numbers(
        &self,
        (tenant, meant): (TenantId, &Meant),
        numbers: &[u64],
    ) -> Result<Vec<u64>, DatabaseError> {
        let (mut excluded, seen) = (Vec::new(), self.seen(tenant).await?);
        for some in numbers.chunks(UPSERT_MAX) {
            let mut query = Sql::new("SELECT contact.number FROM contact WHERE contact.tenant = ");
            query.value(tenant.0).push(" AND contact.number IN (");
            query
                .list(some.iter().map(|number| number.cast_signed()))
                .push(") AND ");
            filter_sql::write(&meant.exclude, &seen, &mut query);
            let found = self.database.rows(query, |row| row.number(0)).await?;
            excluded.extend(found.into_iter().map(i64::cast_unsigned));
        }
        Ok(excluded)
    }
}
