//! Endpoints: where tenants are told, of what, and how that goes. Their rows in the database.

use super::signature::Secret;
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{EndpointId, TenantId, UnixMicros};

/// The longest description of an endpoint, in characters.
pub(crate) const DESCRIPTION_MAX: usize = 200;

/// Why nothing is sent to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Disabled {
    /// Its receiver has failed for as long as it is tried.
    Failing,
    /// Its receiver said 410: it is there no more.
    Gone,
    /// Its tenant wants it so.
    Owner,
}

/// One of them, as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: EndpointId,
    pub(crate) tenant: TenantId,
    pub(crate) url: String,
    pub(crate) description: String,
    /// Of [`super::FILTERS`].
    pub(crate) filters: Vec<String>,
    pub(super) secret: Secret,
    /// Those before it, the newest first, and until when each signs as well.
    pub(super) former: Vec<(Secret, UnixMicros)>,
    pub(crate) created_at: UnixMicros,
    /// It is told of what happens from then on.
    pub(super) told_from: UnixMicros,
    /// Attempts that failed since the last one that did not.
    pub(crate) failures: u32,
    pub(crate) failing_since: Option<UnixMicros>,
    /// Until then nothing is tried.
    pub(crate) resting_until: UnixMicros,
    pub(crate) disabled: Option<(UnixMicros, Disabled)>,
    /// Events that it was never told of.
    pub(crate) dropped: u64,
}

/// Former secrets that sign: each makes a header longer.
const FORMER_MAX: usize = 10;

const COLUMNS: &str = "id, tenant, url, description, filters, secret, former_secret, former_until, created_at, told_from, \
     failures, failing_since, resting_until, disabled_at, disabled_for, dropped";

impl Endpoint {
    /// The secrets that sign now, the newest first.
    pub(super) fn secrets(&self, now: UnixMicros) -> impl Iterator<Item = &Secret> {
        let former = self.former.iter().filter(move |(_, until)| *until > now);
        std::iter::once(&self.secret).chain(former.map(|(secret, _)| secret))
    }

    /// What its receiver shares with us; shown once.
    pub(crate) fn secret(&self) -> &str {
        self.secret.reveal()
    }

    /// Until when the secret before the last rotation signs as well.
    pub(crate) fn former_until(&self) -> Option<UnixMicros> {
        self.former.first().map(|(_, until)| *until)
    }

    /// It has this secret from now on; those before it sign until their time is over.
    pub(super) fn rotate(&mut self, secret: Secret, now: UnixMicros, until: UnixMicros) {
        let before = std::mem::replace(&mut self.secret, secret);
        self.former.retain(|(_, until)| *until > now);
        self.former.insert(0, (before, until));
        self.former.truncate(FORMER_MAX);
    }

    fn read(row: &Found<'_>) -> Result<Self, DatabaseError> {
        let time = |column| row.number(column).map(micros);
        let time_or = |column| row.number_if_any(column).map(|time| time.map(micros));
        let former = row.text_if_any(6)?.unwrap_or_default();
        let reason = row.text_if_any(14)?.and_then(|reason| reason.parse().ok());
        Ok(Self {
            id: EndpointId(row.number(0)? as u64),
            tenant: TenantId(row.number(1)? as u32),
            url: row.text(2)?,
            description: row.text(3)?,
            filters: row.parsed(4, "the filters of a webhook", |text| serde_json::from_str(text).ok())?,
            secret: Secret::stored(row.text(5)?),
            former: read_former(&former, time(7)?),
            created_at: time(8)?,
            told_from: time(9)?,
            failures: row.number(10)? as u32,
            failing_since: time_or(11)?,
            resting_until: time(12)?,
            disabled: time_or(13)?.zip(reason),
            dropped: row.number(15)? as u64,
        })
    }

    /// All of all tenants.
    pub(super) async fn all(database: &Database) -> Result<Vec<Self>, DatabaseError> {
        let query = Sql::new(&format!("SELECT {COLUMNS} FROM webhook_endpoint ORDER BY id"));
        database.rows(query, Self::read).await
    }

    /// Those of a tenant, as they are in this change.
    pub(super) async fn of(change: &mut Change, tenant: TenantId) -> Result<Vec<Self>, DatabaseError> {
        let mut query = Sql::new(&format!("SELECT {COLUMNS} FROM webhook_endpoint WHERE tenant = "));
        query.value(tenant.0).push(" ORDER BY created_at, id");
        change.rows(query, Self::read).await
    }

    /// Makes it, or changes what is stored of it.
    pub(super) async fn save(&self, change: &mut Change) -> Result<(), DatabaseError> {
        let filters = serde_json::to_string(&self.filters).unwrap_or_default();
        let (former, until) = (written_former(&self.former), self.former_until());
        let mut save = Sql::new(&format!("INSERT INTO webhook_endpoint ({COLUMNS}) VALUES ("));
        save.value(self.id.0 as i64).push(", ").value(self.tenant.0).push(", ");
        let description = &self.description;
        save.list([self.url.as_str(), description, &filters, self.secret.reveal()])
            .push(", ");
        save.value(former).push(", ");
        save.list([until.unwrap_or_default(), self.created_at, self.told_from].map(number))
            .push(", ");
        save.value(self.failures)
            .push(", ")
            .value(self.failing_since.map(number))
            .push(", ");
        let (at, reason) = self.disabled.unzip();
        let reason = reason.map(|reason| reason.into_str().to_owned());
        save.value(number(self.resting_until))
            .push(", ")
            .value(at.map(number))
            .push(", ");
        save.value(reason).push(", ").value(self.dropped as i64);
        save.push(
            ") ON CONFLICT (id) DO UPDATE SET url = excluded.url, description = excluded.description, \
             filters = excluded.filters, secret = excluded.secret, former_secret = excluded.former_secret, \
             former_until = excluded.former_until, told_from = excluded.told_from, failures = excluded.failures, failing_since = excluded.failing_since, \
             resting_until = excluded.resting_until, disabled_at = excluded.disabled_at, \
             disabled_for = excluded.disabled_for",
        );
        change.run(save).await.map(drop)
    }
}

/// A time as it is stored.
pub(super) const fn number(at: UnixMicros) -> i64 {
    at.0 as i64
}

/// A stored time.
pub(super) const fn micros(number: i64) -> UnixMicros {
    UnixMicros(number as u64)
}

/// Removes one of a tenant's, and what it was to be told. Returns whether it was there.
pub(super) async fn remove(change: &mut Change, tenant: TenantId, id: EndpointId) -> Result<bool, DatabaseError> {
    let mut remove = Sql::new("DELETE FROM webhook_endpoint WHERE tenant = ");
    remove.value(tenant.0).push(" AND id = ").value(id.0 as i64);
    Ok(change.run(remove).await? > 0)
}

/// Counts events that it was never told of.
pub(super) async fn count_dropped(change: &mut Change, id: EndpointId, events: u64) -> Result<(), DatabaseError> {
    let mut count = Sql::new("UPDATE webhook_endpoint SET dropped = dropped + ");
    count.value(events as i64).push(" WHERE id = ").value(id.0 as i64);
    change.run(count).await.map(drop)
}

/// How an attempt has left it: failures, since when, until when it rests, and why it is disabled then.
pub(super) async fn note(change: &mut Change, endpoint: &Endpoint) -> Result<(), DatabaseError> {
    let mut note = Sql::new("UPDATE webhook_endpoint SET failures = ");
    let (at, reason) = endpoint.disabled.unzip();
    let reason = reason.map(|reason| reason.into_str().to_owned());
    note.value(endpoint.failures).push(", failing_since = ");
    note.value(endpoint.failing_since.map(number))
        .push(", resting_until = ");
    note.value(number(endpoint.resting_until)).push(", disabled_at = ");
    note.value(at.map(number)).push(", disabled_for = ").value(reason);
    // What its tenant has said meanwhile holds.
    note.push(" WHERE disabled_at IS NULL AND id = ")
        .value(endpoint.id.0 as i64);
    change.run(note).await.map(drop)
}

/// Former secrets as they are stored: each with until when it signs, apart by spaces.
fn written_former(former: &[(Secret, UnixMicros)]) -> Option<String> {
    let words = former
        .iter()
        .map(|(secret, until)| format!("{} {}", secret.reveal(), until.0));
    let written = words.collect::<Vec<_>>().join(" ");
    Some(written).filter(|written| !written.is_empty())
}

/// `until`: of the only one that an earlier version wrote.
fn read_former(text: &str, until: UnixMicros) -> Vec<(Secret, UnixMicros)> {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    if let [only] = words[..] {
        return vec![(Secret::stored(only.to_owned()), until)];
    }
    let pair = |pair: &[&str]| {
        let [secret, until] = pair else { return None };
        Some((Secret::stored((*secret).to_owned()), UnixMicros(until.parse().ok()?)))
    };
    words.chunks(2).filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_whose_time_is_not_over_is_kept_also_one_that_an_earlier_version_wrote() {
        let day = UnixMicros(86_400);
        let known = |text: &str| Secret::stored(text.to_owned());
        let all = vec![(known("whsec_b"), UnixMicros(9)), (known("whsec_a"), UnixMicros(7))];
        let written = written_former(&all).unwrap();
        assert_eq!(read_former(&written, day), all);
        assert_eq!(read_former("whsec_a", day), [(known("whsec_a"), day)]);
        assert_eq!((written_former(&[]), read_former("", day)), (None, Vec::new()));
    }
}
