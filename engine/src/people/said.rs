//! What files say of consents: of many people at once, and each consent once however often its file comes.

use std::collections::HashMap;

use super::consents::{note_withdrawal, withdrawn};
use super::{People, PeopleFault};
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{ContactId, TenantId, UnixMicros};

/// What a file says of one person's consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) given: bool,
    /// When, if it says so.
    pub(crate) at: Option<UnixMicros>,
    /// Empty where it does not say so, as the wording is.
    pub(crate) source: String,
    pub(crate) wording: String,
}

/// Where a consent is from when its file does not say so.
const SOURCE: &str = "import";

/// What a file tells no seconds of is told to the minute.
const MINUTE: i64 = 60_000_000;

/// A consent that is known.
struct Known {
    wording: String,
    source: String,
    given_at: i64,
    holds: bool,
}

impl Known {
    /// Whether it is the one that a file speaks of. What it leaves out speaks against none.
    fn is(&self, said: &Said) -> bool {
        let like = |known: &str, said: &str| said.is_empty() || known == said;
        like(&self.wording, &said.wording)
            && like(&self.source, &said.source)
            && said.at.is_none_or(|at| self.is_at(at.0.cast_signed()))
    }

    fn is_at(&self, said: i64) -> bool {
        let minute = said % MINUTE == 0;
        said == self.given_at || (minute && said == self.given_at - self.given_at % MINUTE)
    }
}

impl People {
    /// Keeps what a file says of the consents of a tenant's contacts, each once. Returns those for whom it was news.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn said(
        &self,
        tenant: TenantId,
        said: &[(ContactId, &Said)],
    ) -> Result<Vec<ContactId>, PeopleFault> {
        if said.is_empty() {
            return Ok(Vec::new());
        }
        let mut change = self.database.change_of(tenant).await?;
        let known = known(&mut change, tenant, said).await?;
        let ids: Vec<ContactId> = said.iter().map(|(id, _)| *id).collect();
        let ended = withdrawn(&mut change, tenant, &ids).await?;
        let of = |id: &ContactId| known.get(id).map_or(&[][..], Vec::as_slice);
        let now = self.clock.unix();
        // Who has withdrawn what they agreed to has not agreed again by a file that does not say when.
        let given: Vec<Given<'_>> = said
            .iter()
            .filter(|(id, said)| said.given && !of(id).iter().any(|known| known.is(said)))
            .filter(|(id, said)| said.at.is_some() || !ended.contains_key(id))
            .map(|(id, said)| {
                let at = said.at.unwrap_or(now);
                let ended_at = ended.get(id).copied().filter(|ended| *ended >= at);
                Given {
                    id: *id,
                    said,
                    at,
                    ended_at,
                }
            })
            .collect();
        let withdrawn: Vec<ContactId> = said
            .iter()
            .filter(|(id, said)| !said.given && (of(id).iter().any(|known| known.holds) || !ended.contains_key(id)))
            .map(|(id, _)| *id)
            .collect();
        insert(&mut change, tenant, &given).await?;
        withdraw(&mut change, (tenant, &withdrawn), now).await?;
        let given = given.iter().map(|given| given.id);
        let news: Vec<ContactId> = given.chain(withdrawn.iter().copied()).collect();
        note(&mut change, tenant, &news).await?;
        change.commit().await?;
        Ok(news)
    }
}

/// A consent of a file that is kept.
struct Given<'s> {
    id: ContactId,
    said: &'s Said,
    at: UnixMicros,
    /// A later withdrawal was known before the file came.
    ended_at: Option<UnixMicros>,
}

/// The consents of these; those that were withdrawn as well.
async fn known(
    change: &mut Change,
    tenant: TenantId,
    said: &[(ContactId, &Said)],
) -> Result<HashMap<ContactId, Vec<Known>>, DatabaseError> {
    let mut query = Sql::new("SELECT contact, wording, source, given_at, withdrawn_at FROM consent WHERE tenant = ");
    query.value(tenant.0).push(" AND contact IN (");
    query.list(said.iter().map(|(id, _)| id.0.cast_signed())).push(")");
    let rows = change.rows(query, |row| {
        let known = Known {
            wording: row.text(1)?,
            source: row.text(2)?,
            given_at: row.number(3)?,
            holds: row.number_if_any(4)?.is_none(),
        };
        Ok((ContactId(row.number(0)?.cast_unsigned()), known))
    });
    let mut known: HashMap<ContactId, Vec<Known>> = HashMap::new();
    for (id, consent) in rows.await? {
        known.entry(id).or_default().push(consent);
    }
    Ok(known)
}

async fn insert(change: &mut Change, tenant: TenantId, given: &[Given<'_>]) -> Result<(), DatabaseError> {
    if given.is_empty() {
        return Ok(());
    }
    let first = change.numbers("consent", given.len()).await?;
    let mut insert =
        Sql::new("INSERT INTO consent (id, tenant, contact, wording, source, given_at, withdrawn_at) VALUES ");
    for (number, Given { id, said, at, ended_at }) in (first..).zip(given) {
        let source = if said.source.is_empty() {
            SOURCE
        } else {
            said.source.as_str()
        };
        insert.push(if number > first { ", (" } else { "(" });
        insert
            .value(number)
            .push(", ")
            .value(tenant.0)
            .push(", ")
            .value(id.0.cast_signed());
        insert.push(", ").value(said.wording.as_str()).push(", ").value(source);
        insert
            .push(", ")
            .value(at.0.cast_signed())
            .push(", ")
            .value(ended_at.map(|at| at.0.cast_signed()))
            .push(")");
    }
    change.run(insert).await.map(drop)
}

async fn withdraw(
    change: &mut Change,
    (tenant, withdrawn): (TenantId, &[ContactId]),
    now: UnixMicros,
) -> Result<(), DatabaseError> {
    if withdrawn.is_empty() {
        return Ok(());
    }
    let mut update = Sql::new("UPDATE consent SET withdrawn_at = ");
    update
        .value(now.0.cast_signed())
        .push(" WHERE withdrawn_at IS NULL AND tenant = ")
        .value(tenant.0);
    update.push(" AND contact IN (");
    update.list(withdrawn.iter().map(|id| id.0.cast_signed())).push(")");
    change.run(update).await?;
    note_withdrawal(change, (tenant, withdrawn), now).await
}

/// Since when these agree, as filters look for it.
async fn note(change: &mut Change, tenant: TenantId, of: &[ContactId]) -> Result<(), DatabaseError> {
    if of.is_empty() {
        return Ok(());
    }
    let mut update = Sql::new(
        "UPDATE contact SET consent_at = (SELECT MAX(given_at) FROM consent WHERE consent.contact = contact.id \
         AND withdrawn_at IS NULL) WHERE tenant = ",
    );
    update.value(tenant.0).push(" AND id IN (");
    update.list(of.iter().map(|id| id.0.cast_signed())).push(")");
    change.run(update).await.map(drop)
}
