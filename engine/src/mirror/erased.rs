//! People who are not to be known any more: of their numbers SQL keeps a keyed hash, by which they are held back when they come again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Mirror, MirrorFault, Shared};
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{FormId, Purpose, Recipient, TenantId, UnixMicros};
use crate::encryption::{FormKey, LinkKey, NumberDigest, NumberKey};
use crate::store::StoreError;

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
    /// What they want no messages of, by tenant: most have erased nobody.
    people: RwLock<FxHashMap<TenantId, FxHashMap<NumberDigest, Vec<Purpose>>>>,
    /// When the last of those that were read was erased, µs.
    read_to: AtomicU64,
}

impl Erased {
    /// Whether a tenant has erased who has that number.
    pub(crate) fn has(&self, tenant: TenantId, number: Recipient) -> bool {
        self.purposes(tenant, number).is_some()
    }

    /// Whether a tenant has erased anybody.
    pub(crate) fn has_any(&self, tenant: TenantId) -> bool {
        let people = self.0.people.read().unwrap_or_else(PoisonError::into_inner);
        people.contains_key(&tenant)
    }

    fn purposes(&self, tenant: TenantId, number: Recipient) -> Option<Vec<Purpose>> {
        let people = self.0.people.read().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = people.get(&tenant)?;
        of_tenant.get(&self.0.key.get()?.digest(tenant, number)).cloned()
    }

    /// How many want no messages with that purpose.
    pub(super) fn count(&self, purpose: Purpose) -> u64 {
        let people = self.0.people.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = people.values().flat_map(|of_tenant| of_tenant.values());
        wanted.filter(|purposes| purposes.contains(&purpose)).count() as u64
    }

    /// Learns whom other engines have erased until that change began.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn look_again(&self, change: &mut Change) -> Result<(), DatabaseError> {
        let fresh = change.rows(self.question(), read_person).await?;
        self.learn(fresh);
        Ok(())
    }

    /// Who was erased since they were read last.
    fn question(&self) -> Sql {
        let from = self.0.read_to.load(Ordering::Relaxed);
        let from = from.saturating_sub(OVERLAP.as_micros() as u64);
        let mut all = Sql::new("SELECT tenant, digest, purposes, at FROM erased_person WHERE at >= ");
        all.value(from as i64);
        all
    }

    fn learn(&self, people: Vec<Person>) {
        for (tenant, digest, purposes, at) in people {
            self.add(tenant, digest, purposes);
            self.0.read_to.fetch_max(at, Ordering::Relaxed);
        }
    }

    fn add(&self, tenant: TenantId, digest: NumberDigest, purposes: Vec<Purpose>) {
        let mut people = self.0.people.write().unwrap_or_else(PoisonError::into_inner);
        people.entry(tenant).or_default().insert(digest, purposes);
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
        let mut purposes = Vec::new();
        for purpose in Purpose::ALL {
            let asked = [(partition, vec![number])];
            let wanted = shared.store.opted_out((tenant, *purpose), &asked).await?;
            // Who is not to be known is not to be advertised to either.
            if *purpose == Purpose::Marketing || wanted.iter().flatten().any(|out| *out) {
                purposes.push(*purpose);
            }
        }
        let now = shared.clock.unix();
        shared.store.opt_out(Some(tenant), &purposes, &[number], now).await?;
        let mut change = shared.database.change().await?;
        put(&mut change, (tenant, digest), (&purposes, now)).await?;
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
        shared.erased.add(tenant, digest, purposes);
        Ok(())
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

    /// Who was erased since this was read last, by another engine as well.
    pub(super) async fn read_erased(&self) -> Result<(), DatabaseError> {
        let fresh = self.database.rows(self.erased.question(), read_person).await?;
        self.erased.learn(fresh);
        Ok(())
    }
}

/// Of which tenant, who, what they want no messages with, and when they were erased, µs.
type Person = (TenantId, NumberDigest, Vec<Purpose>, u64);

fn read_person(row: &Found<'_>) -> Result<Person, DatabaseError> {
    let digest = row.parsed(1, "the hash of a number", NumberDigest::stored)?;
    let purposes = row.parsed(2, "the purposes of an opt-out", |text| {
        text.split(COMMA).map(|code| code.parse().ok()).collect()
    })?;
    Ok((TenantId(row.number(0)? as u32), digest, purposes, row.number(3)? as u64))
}

async fn stored_key(database: &Database) -> Result<Option<String>, DatabaseError> {
    let query = Sql::new("SELECT wrapped FROM number_key WHERE one = 1");
    database.row(query, |row| row.text(0)).await
}

async fn put(
    change: &mut Change,
    (tenant, digest): (TenantId, NumberDigest),
    (purposes, now): (&[Purpose], UnixMicros),
) -> Result<(), DatabaseError> {
    let purposes: Vec<&str> = purposes.iter().map(|purpose| purpose.code()).collect();
    let mut put = Sql::new("INSERT INTO erased_person (digest, tenant, purposes, at) VALUES (");
    put.value(digest.text()).push(", ").value(i64::from(tenant.0));
    put.push(", ").value(purposes.join(COMMA)).push(", ");
    put.value(now.0 as i64)
        .push(") ON CONFLICT (digest) DO UPDATE SET purposes = excluded.purposes");
    change.run(put).await.map(drop)
}
