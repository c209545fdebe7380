//! Tenants and keys: in SQL before anybody is told that they changed.

use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::{Mirror, MirrorFault, Shared};
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{ResellerId, TenantId, Terms};
use crate::store::{KeyDetails, KeyOwner, Settings, StoreError, reseller_in};

/// The operator, among the tenants that keys belong to.
const OPERATOR: i64 = 0;

/// No reseller.
const NONE: i64 = 0;

/// A key as SQL has it.
pub(super) struct KeptKey {
    pub(super) digest: String,
    pub(super) owner: KeyOwner,
    pub(super) details: KeyDetails,
}

impl Mirror {
    /// Keeps a tenant as it is now, with its keys.
    ///
    /// # Errors
    /// When either does not answer: what was changed is in Redis, and asked for again it is kept as well.
    pub(crate) async fn keep_tenant(&self, id: TenantId) -> Result<(), MirrorFault> {
        self.0.keep_tenant(id).await
    }

    /// Keeps the operator's key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn keep_operator(&self, digest: &str) -> Result<(), MirrorFault> {
        let mut change = self.0.database.change().await?;
        let mut forget = Sql::new("DELETE FROM api_key WHERE tenant = ");
        forget.value(OPERATOR).push(" AND reseller = 0");
        change.run(forget).await?;
        change.run(put_key(digest, KeyOwner::Operator, "")).await?;
        Ok(change.commit().await?)
    }
}

impl Shared {
    pub(super) async fn keep_tenant(&self, id: TenantId) -> Result<(), MirrorFault> {
        let number = i64::from(id.0);
        let mut change = self.database.change().await?;
        // First, so that of two who do this at once the second reads what the first has changed.
        let mut lock = Sql::new("INSERT INTO tenant (id, settings) VALUES (");
        lock.value(number)
            .push(", '{}') ON CONFLICT (id) DO UPDATE SET settings = tenant.settings");
        change.run(lock).await?;
        let settings = self.store.settings_of(&[id]).await?.pop().flatten();
        let Some(settings) = settings else {
            // It is not there: nor is it in SQL then.
            return Ok(());
        };
        let keys = self.store.keys_of(id).await?;
        let mut put = Sql::new("UPDATE tenant SET settings = ");
        put.value(serde_json::to_string(&settings).unwrap_or_default());
        put.push(", reseller = ").value(host(&settings)?);
        put.push(" WHERE id = ").value(number);
        change.run(put).await?;
        let mut forget = Sql::new("DELETE FROM api_key WHERE tenant = ");
        forget.value(number);
        change.run(forget).await?;
        put_keys(&mut change, id.into(), keys).await?;
        Ok(change.commit().await?)
    }
}

impl Shared {
    /// Tenants that SQL does not know yet, with their keys, at the start: nobody changes them meanwhile.
    pub(super) async fn keep_first(
        &self,
        tenants: &[TenantId],
        keys: &FxHashMap<TenantId, Vec<String>>,
    ) -> Result<(), MirrorFault> {
        let settings = self.store.settings_of(tenants).await?;
        let owners: Vec<KeyOwner> = tenants.iter().copied().map(KeyOwner::Tenant).collect();
        let details = self.store.key_details_of(&owners).await?;
        let mut change = self.database.change().await?;
        for ((tenant, settings), details) in tenants.iter().zip(settings).zip(details) {
            let (Some(settings), number) = (settings, i64::from(tenant.0)) else {
                continue;
            };
            let mut put = Sql::new("INSERT INTO tenant (id, reseller, settings) VALUES (");
            put.value(number).push(", ").value(host(&settings)?).push(", ");
            put.value(serde_json::to_string(&settings).unwrap_or_default())
                .push(")");
            change.run(put).await?;
            for digest in keys.get(tenant).into_iter().flatten() {
                let known = details.get(digest).map_or("", String::as_str);
                change.run(put_key(digest, (*tenant).into(), known)).await?;
            }
        }
        Ok(change.commit().await?)
    }
}

/// Every tenant, by number.
pub(super) async fn tenants(database: &Database) -> Result<Vec<(TenantId, Settings)>, DatabaseError> {
    let all = Sql::new("SELECT id, settings FROM tenant ORDER BY id");
    let read = |row: &Found<'_>| {
        let settings = row.parsed(1, "the settings of a tenant", |json| serde_json::from_str(json).ok())?;
        Ok((TenantId(row.number(0)? as u32), settings))
    };
    database.rows(all, read).await
}

/// By whose clocks the days of a tenant are.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn time_zone_of(database: &Database, tenant: TenantId) -> Result<TimeZone, DatabaseError> {
    let mut one = Sql::new("SELECT settings FROM tenant WHERE id = ");
    one.value(tenant.0);
    let clocks = |row: &Found<'_>| row.parsed(0, "the settings of a tenant", |json| serde_json::from_str(json).ok());
    let known: Option<Clocks> = database.rows(one, clocks).await?.into_iter().next();
    let known = known.and_then(|clocks| clocks.time_zone);
    let zone = TimeZone::get(known.as_deref().unwrap_or(Terms::TIME_ZONE));
    Ok(zone.unwrap_or(TimeZone::UTC))
}

/// Of the settings of a tenant.
#[derive(Deserialize)]
struct Clocks {
    time_zone: Option<String>,
}

/// Changes what is kept of tenants.
pub(super) async fn put_settings(database: &Database, all: &[(TenantId, &Settings)]) -> Result<(), DatabaseError> {
    if all.is_empty() {
        return Ok(());
    }
    let mut change = database.change().await?;
    for (id, settings) in all {
        let mut put = Sql::new("UPDATE tenant SET settings = ");
        put.value(serde_json::to_string(settings).unwrap_or_default());
        put.push(" WHERE id = ").value(i64::from(id.0));
        change.run(put).await?;
    }
    change.commit().await
}

/// Every key.
pub(super) async fn keys(database: &Database) -> Result<Vec<KeptKey>, DatabaseError> {
    let all = Sql::new("SELECT digest, tenant, details, reseller FROM api_key ORDER BY digest");
    let read = |row: &Found<'_>| {
        let owner = match (row.number(1)?, row.number(3)?) {
            (OPERATOR, NONE) => KeyOwner::Operator,
            (_, reseller) if reseller != NONE => KeyOwner::Reseller(ResellerId(reseller as u32)),
            (tenant, _) => KeyOwner::Tenant(TenantId(tenant as u32)),
        };
        Ok(KeptKey {
            digest: row.text(0)?,
            owner,
            details: row.parsed(2, "details of a key", |json| KeyDetails::stored(Some(json)).ok())?,
        })
    };
    database.rows(all, read).await
}

/// Who hosts a tenant of these settings, as it is stored.
fn host(settings: &Settings) -> Result<i64, StoreError> {
    Ok(reseller_in(settings)?.map_or(NONE, |reseller| reseller.0.into()))
}

/// Somebody's keys, in place of none.
pub(super) async fn put_keys(
    change: &mut Change,
    owner: KeyOwner,
    keys: Vec<(String, KeyDetails)>,
) -> Result<(), DatabaseError> {
    for (digest, details) in keys {
        let details = serde_json::to_string(&details).unwrap_or_default();
        change.run(put_key(&digest, owner, &details)).await?;
    }
    Ok(())
}

fn put_key(digest: &str, owner: KeyOwner, details: &str) -> Sql {
    let (tenant, reseller) = match owner {
        KeyOwner::Operator => (OPERATOR, NONE),
        KeyOwner::Reseller(reseller) => (OPERATOR, reseller.0.into()),
        KeyOwner::Tenant(tenant) => (tenant.0.into(), NONE),
    };
    let mut put = Sql::new("INSERT INTO api_key (digest, tenant, reseller, details) VALUES (");
    put.value(digest).push(", ").value(tenant);
    put.push(", ").value(reseller).push(", ").value(details);
    put.push(
        ") ON CONFLICT (digest) DO UPDATE SET tenant = excluded.tenant, reseller = excluded.reseller, details = excluded.details",
    );
    put
}
