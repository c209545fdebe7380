//! People who are not to be known any more: of their numbers SQL keeps a keyed hash, by which they are held back when they come again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Mirror, MirrorFault, Shared};
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{FormId, Purpose, Recipient, TenantId, UnixMicros};
use crate::encryption::{FormKey, LinkKey, NumberDigest, NumberKey};
use crate::store::{Again, OptOut, StoreError};

/// Numbers in one statement.
const AT_ONCE: usize = 1_000;

/// Between purposes, as they are stored.
const COMMA: &str = ",";

/// So much of what was read is read again: what was erased at about the same time may be kept later.
const OVERLAP: Duration = Duration::from_secs(10);

/// Who was erased. Cheap to clone; looked at in memory, since whoever takes numbers in or writes them down asks for each.
#[derive(Clone, Default)]
pub(crate) struct Erased(Arc<Known>);

#[derive(Default)]
struct Known {
    key: OnceLock<NumberKey>,
    /// By tenant: most have erased nobody.
    people: RwLock<FxHashMap<TenantId, FxHashMap<NumberDigest, Erasure>>>,
    /// When the last of those that were read was changed, µs.
    read_to: AtomicU64,
}

/// That somebody was erased.
#[derive(Clone)]
struct Erasure {
    /// What they want no messages of.
    purposes: Vec<Purpose>,
    /// When they agreed to advertising again: it ended.
    ended_at: Option<UnixMicros>,
}

/// An erasure that has not ended, as SQL has it.
struct Standing {
    purposes: Vec<Purpose>,
    /// No advertising was wanted before it, or none since, whatever becomes of it.
    was_said: bool,
    at: UnixMicros,
}

impl Erased {
    /// Whether a tenant has erased who has that number, and they have not agreed to anything since.
    pub(crate) fn has(&self, tenant: TenantId, number: Recipient) -> bool {
        self.purposes(tenant, number).is_some()
    }

    /// Whether a tenant has erased anybody.
    pub(crate) fn has_any(&self, tenant: TenantId) -> bool {
        let people = self.0.people.read().unwrap_or_else(PoisonError::into_inner);
        people.contains_key(&tenant)
    }

    /// Whether what happened then to a number is of somebody who was erased: also if they have agreed since.
    pub(crate) fn had(&self, tenant: TenantId, number: Recipient, then: UnixMicros) -> bool {
        let erasure = self.erasure(tenant, number);
        erasure.is_some_and(|erasure| erasure.ended_at.is_none_or(|ended_at| then <= ended_at))
    }

    fn erasure(&self, tenant: TenantId, number: Recipient) -> Option<Erasure> {
        let people = self.0.people.read().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = people.get(&tenant)?;
        of_tenant.get(&self.0.key.get()?.digest(tenant, number)).cloned()
    }

    fn purposes(&self, tenant: TenantId, number: Recipient) -> Option<Vec<Purpose>> {
        let standing = self
            .erasure(tenant, number)
            .filter(|erasure| erasure.ended_at.is_none());
        standing.map(|erasure| erasure.purposes)
    }

    /// How many want no messages with that purpose.
    pub(super) fn count(&self, purpose: Purpose) -> u64 {
        let people = self.0.people.read().unwrap_or_else(PoisonError::into_inner);
        let standing = people.values().flat_map(|of_tenant| of_tenant.values());
        let standing = standing.filter(|erasure| erasure.ended_at.is_none());
        standing.filter(|erasure| erasure.purposes.contains(&purpose)).count() as u64
    }

    /// Learns whom other engines have erased until that change began, and who has agreed again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn look_again(&self, change: &mut Change) -> Result<(), DatabaseError> {
        let fresh = change.rows(self.question(), read_person).await?;
        self.learn(fresh);
        Ok(())
    }

    /// Who was erased, or has agreed again, since they were read last.
    fn question(&self) -> Sql {
        let from = self.0.read_to.load(Ordering::Relaxed);
        let from = from.saturating_sub(OVERLAP.as_micros() as u64);
        let mut all =
            Sql::new("SELECT tenant, digest, purposes, ended_at, changed_at FROM erased_person WHERE changed_at >= ");
        all.value(from as i64);
        all
    }

    fn learn(&self, people: Vec<Person>) {
        for (tenant, digest, erasure, changed_at) in people {
            self.add(tenant, digest, erasure);
            self.0.read_to.fetch_max(changed_at, Ordering::Relaxed);
        }
    }

    fn add(&self, tenant: TenantId, digest: NumberDigest, erasure: Erasure) {
        let mut people = self.0.people.write().unwrap_or_else(PoisonError::into_inner);
        people.entry(tenant).or_default().insert(digest, erasure);
    }

    fn digest(&self, tenant: TenantId, number: Recipient) -> Result<NumberDigest, StoreError> {
        let key = self.0.key.get();
        let key = key.ok_or(StoreError::Corrupt("the key of numbers, which nobody has opened"))?;
        Ok(key.digest(tenant, number))
    }
}

impl Mirror {
    /// Who was erased.
    pub(crate) fn erased(&self) -> Erased {
        self.0.erased.clone()
    }

    /// Keeps that a tenant is not to know a number any more, in place of the opt-outs of it that SQL has.
    ///
    /// # Errors
    /// When either does not answer. Asked again, what was not done is done.
    pub(crate) async fn erase(&self, tenant: TenantId, number: Recipient) -> Result<(), MirrorFault> {
        let shared = &self.0;
        // What somebody has just written is there first.
        shared.keep_opted_out().await?;
        let digest = shared.erased.digest(tenant, number)?;
        let partition = number.partition(shared.store.partitions());
        // A withdrawal is forgotten with what it ended: whoever agrees again ends it.
        let mut was_said = self.opposed_since(tenant, &[number]).await?.is_empty();
        let mut purposes = Vec::new();
        for purpose in Purpose::ALL {
            let asked = [(partition, vec![number])];
            let wanted = shared.store.opted_out((tenant, *purpose), &asked).await?;
            let is_out = wanted.iter().flatten().any(|out| *out);
            // Who is not to be known is not to be advertised to either.
            if *purpose == Purpose::Marketing || is_out {
                purposes.push(*purpose);
            }
            was_said &= *purpose != Purpose::Marketing || is_out;
        }
        let now = shared.clock.unix();
        shared.store.opt_out(Some(tenant), &purposes, &[number], now).await?;
        let mut change = shared.database.change().await?;
        let erased = Standing {
            purposes: purposes.clone(),
            was_said,
            at: now,
        };
        put(&mut change, (tenant, digest), &erased).await?;
        let mut forget = Sql::new("DELETE FROM opt_out WHERE tenant = ");
        forget.value(i64::from(tenant.0));
        forget.push(" AND recipient = ").value(number.0 as i64);
        change.run(forget).await?;
        let mut back = Sql::new("DELETE FROM opt_out_back WHERE tenant = ");
        back.value(tenant.0)
            .push(" AND recipient = ")
            .value(number.0.cast_signed());
        change.run(back).await?;
        change.commit().await?;
        let ended_at = None;
        shared.erased.add(tenant, digest, Erasure { purposes, ended_at });
        Ok(())
    }

    /// Those of some numbers that a tenant has erased, and since when.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn erased_since(
        &self,
        tenant: TenantId,
        numbers: &[Recipient],
    ) -> Result<Vec<(Recipient, UnixMicros)>, MirrorFault> {
        // Before the key is opened, nobody was erased.
        let Some(key) = self.0.erased.0.key.get() else {
            return Ok(Vec::new());
        };
        let mut erased = Vec::new();
        for some in numbers.chunks(AT_ONCE) {
            let mut by_digest = FxHashMap::default();
            for number in some {
                by_digest.insert(key.digest(tenant, *number), *number);
            }
            // Not in memory: another engine may just have erased them.
            let mut query = Sql::new("SELECT digest, at FROM erased_person WHERE ended_at IS NULL AND digest IN (");
            query.list(by_digest.keys().map(NumberDigest::text)).push(")");
            let read = |row: &Found<'_>| {
                let digest = row.parsed(0, "the hash of a number", NumberDigest::stored)?;
                Ok((digest, UnixMicros(row.number(1)? as u64)))
            };
            let found = self.0.database.rows(query, read).await?;
            let number = |(digest, at)| Some((*by_digest.get(&digest)?, at));
            erased.extend(found.into_iter().filter_map(number));
        }
        Ok(erased)
    }

    /// Somebody who was erased agrees to advertising again, and is known again: what was said before or since, in words of theirs, is an
    /// opt-out as any other is from now on. Returns whether they get advertising; `false` also of who was not erased.
    ///
    /// # Errors
    /// When either does not answer. Asked again, what was not done is done.
    pub(crate) async fn end_erasure(
        &self,
        tenant: TenantId,
        number: Recipient,
        again: Again,
    ) -> Result<bool, MirrorFault> {
        let shared = &self.0;
        // What somebody has just written is there first.
        shared.keep_opted_out().await?;
        let Some(digest) = shared.erased.0.key.get().map(|key| key.digest(tenant, number)) else {
            return Ok(false);
        };
        let Some(mut standing) = shared.standing(digest).await? else {
            return Ok(false);
        };
        let marketing = (tenant, Purpose::Marketing);
        let mut is_wanted = matches!(again, Again::Written(_)) || !standing.was_said;
        if is_wanted {
            shared.store.opt_in(marketing, number, again).await?;
            // They may have written STOP since.
            let asked = [(number.partition(shared.store.partitions()), vec![number])];
            let out = shared.store.opted_out(marketing, &asked).await?;
            is_wanted = !out.iter().flatten().any(|out| *out);
        }
        standing
            .purposes
            .retain(|purpose| *purpose != Purpose::Marketing || !is_wanted);
        let now = shared.clock.unix();
        let mut change = shared.database.change().await?;
        let mut end = Sql::new("UPDATE erased_person SET ended_at = ");
        end.value(now.0.cast_signed())
            .push(", changed_at = ")
            .value(now.0.cast_signed());
        end.push(" WHERE digest = ").value(digest.text());
        change.run(end).await?;
        for purpose in &standing.purposes {
            let mut keep = Sql::new("INSERT INTO opt_out (tenant, purpose, recipient, at, because) VALUES (");
            keep.value(tenant.0).push(", ").value(purpose.code()).push(", ");
            keep.value(number.0.cast_signed())
                .push(", ")
                .value(standing.at.0.cast_signed());
            keep.push(", '') ON CONFLICT (tenant, purpose, recipient) DO NOTHING");
            change.run(keep).await?;
        }
        change.commit().await?;
        let (purposes, ended_at) = (standing.purposes, Some(now));
        shared.erased.add(tenant, digest, Erasure { purposes, ended_at });
        if is_wanted {
            // An audience of a moment ago may have said once more that they were erased.
            shared.store.opt_in(marketing, number, again).await?;
        }
        Ok(is_wanted)
    }

    /// Those of some numbers that a tenant has erased. What they want no messages of, Redis knows then, if it did not.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub(crate) async fn held_back(
        &self,
        tenant: TenantId,
        numbers: impl IntoIterator<Item = Recipient>,
    ) -> Result<FxHashSet<Recipient>, StoreError> {
        let mut held = FxHashSet::default();
        if !self.0.erased.has_any(tenant) {
            return Ok(held);
        }
        let numbers: Vec<Recipient> = numbers
            .into_iter()
            .filter(|number| self.0.erased.has(tenant, *number))
            .collect();
        if numbers.is_empty() {
            return Ok(held);
        }
        if let Err(error) = self.0.read_erased().await {
            // Then what was known a moment ago holds.
            tracing::debug!(%error, "whether people who were erased have agreed again is not known");
        }
        let mut by_purposes: FxHashMap<Vec<Purpose>, Vec<Recipient>> = FxHashMap::default();
        for number in numbers {
            if let Some(purposes) = self.0.erased.purposes(tenant, number) {
                held.insert(number);
                by_purposes.entry(purposes).or_default().push(number);
            }
        }
        for (purposes, numbers) in by_purposes {
            let now = self.0.clock.unix();
            self.0.store.opt_out(Some(tenant), &purposes, &numbers, now).await?;
        }
        Ok(held)
    }
}

impl Mirror {
    /// The token of a form, for a page.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] before [`Mirror::begin`].
    pub(crate) fn sign_form(&self, form: FormId) -> Result<String, StoreError> {
        let key = self.0.forms.get();
        let key = key.ok_or(StoreError::Corrupt("the key of forms, which nobody has opened"))?;
        Ok(key.sign(form))
    }

    /// The form of a token; `None`: it is none of ours.
    pub(crate) fn form_of(&self, token: &str) -> Option<FormId> {
        self.0.forms.get()?.verify(token)
    }

    /// What makes and reads the tokens of short links; `None` before [`Mirror::begin`].
    pub(crate) fn link_key(&self) -> Option<Arc<LinkKey>> {
        self.0.links.get().cloned()
    }
}

impl Shared {
    /// At the start: the key of numbers and forms, and who was erased.
    pub(super) async fn open_erased(&self) -> Result<(), MirrorFault> {
        let mut stored = stored_key(&self.database).await?;
        if stored.is_none() {
            let (_, made) = self.store.unwrap_key(None)?;
            let mut keep = Sql::new("INSERT INTO number_key (one, wrapped) VALUES (1, ");
            keep.value(made.unwrap_or_default())
                .push(") ON CONFLICT (one) DO NOTHING");
            self.run_alone(keep).await?;
            // Another engine may have been first: its key holds.
            stored = stored_key(&self.database).await?;
        }
        let (key, wrapped) = self.store.unwrap_key(stored.as_deref())?;
        if let Some(wrapped) = wrapped {
            let mut keep = Sql::new("UPDATE number_key SET wrapped = ");
            keep.value(wrapped);
            self.run_alone(keep).await?;
        }
        let (numbers, forms, links) = (NumberKey::of(&key), FormKey::of(&key), LinkKey::of(&key));
        // Only a test opens them twice.
        let _first = self.erased.0.key.set(numbers.map_err(StoreError::from)?).is_ok();
        let _first = self.forms.set(forms.map_err(StoreError::from)?).is_ok();
        let _first = self.links.set(Arc::new(links.map_err(StoreError::from)?)).is_ok();
        self.read_erased().await?;
        Ok(())
    }

    async fn run_alone(&self, statement: Sql) -> Result<(), DatabaseError> {
        let mut change = self.database.change().await?;
        change.run(statement).await?;
        change.commit().await
    }

    async fn standing(&self, digest: NumberDigest) -> Result<Option<Standing>, DatabaseError> {
        let mut query =
            Sql::new("SELECT purposes, was_said, at FROM erased_person WHERE ended_at IS NULL AND digest = ");
        query.value(digest.text());
        let read = |row: &Found<'_>| {
            Ok(Standing {
                purposes: read_purposes(row, 0)?,
                was_said: row.number(1)? != 0,
                at: UnixMicros(row.number(2)? as u64),
            })
        };
        self.database.row(query, read).await
    }

    /// People who were erased say themselves that they want no messages: so it stays, also if they agree to something later.
    pub(super) async fn note_said(&self, change: &mut Change, said: &[OptOut]) -> Result<(), MirrorFault> {
        let now = self.clock.unix().0.cast_signed();
        for opt_out in said {
            let Some(tenant) = opt_out.tenant else {
                continue;
            };
            let mut note = Sql::new("UPDATE erased_person SET changed_at = ");
            note.value(now);
            match opt_out.purpose {
                Purpose::Marketing => note.push(", was_said = 1"),
                Purpose::Transactional => note.push(", purposes = ").value(stored_purposes(Purpose::ALL)),
            };
            let digest = self.erased.digest(tenant, opt_out.recipient)?;
            note.push(" WHERE ended_at IS NULL AND digest = ").value(digest.text());
            change.run(note).await?;
        }
        Ok(())
    }

    /// Who was erased since this was read last, by another engine as well.
    pub(super) async fn read_erased(&self) -> Result<(), DatabaseError> {
        let fresh = self.database.rows(self.erased.question(), read_person).await?;
        self.erased.learn(fresh);
        Ok(())
    }
}

/// Of which tenant, who, what holds of them, and since when, µs.
type Person = (TenantId, NumberDigest, Erasure, u64);

fn read_person(row: &Found<'_>) -> Result<Person, DatabaseError> {
    let digest = row.parsed(1, "the hash of a number", NumberDigest::stored)?;
    let erasure = Erasure {
        purposes: read_purposes(row, 2)?,
        ended_at: row.number_if_any(3)?.map(|at| UnixMicros(at as u64)),
    };
    Ok((TenantId(row.number(0)? as u32), digest, erasure, row.number(4)? as u64))
}

fn read_purposes(row: &Found<'_>, column: usize) -> Result<Vec<Purpose>, DatabaseError> {
    row.parsed(column, "the purposes of an opt-out", |text| {
        text.split(COMMA).map(|code| code.parse().ok()).collect()
    })
}

async fn stored_key(database: &Database) -> Result<Option<String>, DatabaseError> {
    let query = Sql::new("SELECT wrapped FROM number_key WHERE one = 1");
    database.row(query, |row| row.text(0)).await
}

async fn put(
    change: &mut Change,
    (tenant, digest): (TenantId, NumberDigest),
    erased: &Standing,
) -> Result<(), DatabaseError> {
    let now = erased.at.0.cast_signed();
    let mut put = Sql::new("INSERT INTO erased_person (digest, tenant, purposes, was_said, at, changed_at) VALUES (");
    put.value(digest.text()).push(", ").value(i64::from(tenant.0));
    put.push(", ").value(stored_purposes(&erased.purposes)).push(", ");
    put.list([i64::from(erased.was_said), now, now]);
    put.push(") ON CONFLICT (digest) DO UPDATE SET purposes = excluded.purposes, ");
    // Asked for again, it is the one that it was; after an end, another.
    for column in ["was_said", "at"] {
        put.push(column)
            .push(" = CASE WHEN erased_person.ended_at IS NULL THEN erased_person.");
        put.push(column).push(" ELSE excluded.").push(column).push(" END, ");
    }
    put.push("ended_at = NULL, changed_at = excluded.changed_at");
    change.run(put).await.map(drop)
}

fn stored_purposes(purposes: &[Purpose]) -> String {
    let codes: Vec<&str> = purposes.iter().map(|purpose| purpose.code()).collect();
    codes.join(COMMA)
}
