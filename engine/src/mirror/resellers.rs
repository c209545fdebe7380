//! Resellers are in SQL alone; what is asked for at every request, their keys, in Redis as well.

use super::tenants::put_keys;
use super::{Mirror, MirrorFault};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{ResellerId, TenantId, UnixMicros};
use crate::store::Token;

/// Who hosts tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reseller {
    pub(crate) id: ResellerId,
    pub(crate) name: String,
    pub(crate) created_at: UnixMicros,
}

const COLUMNS: &str = "SELECT id, name, created_at FROM reseller";

impl Mirror {
    /// Makes a reseller. The same request makes no second one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn make_reseller(
        &self,
        name: &str,
        (token, now): (Token, UnixMicros),
    ) -> Result<Reseller, DatabaseError> {
        let token = token.hex();
        let mut change = self.0.database.change().await?;
        let mut known = Sql::new(COLUMNS);
        known.push(" WHERE token = ").value(token.as_str());
        if let Some(made) = change.rows(known, read).await?.into_iter().next() {
            return Ok(made);
        }
        let number = change.numbers("reseller", 1).await?;
        let mut put = Sql::new("INSERT INTO reseller (id, name, created_at, token) VALUES (");
        put.value(number).push(", ").value(name);
        put.push(", ").value(now.0 as i64).push(", ").value(token).push(")");
        change.run(put).await?;
        change.commit().await?;
        Ok(Reseller {
            id: ResellerId(number as u32),
            name: name.to_owned(),
            created_at: now,
        })
    }

    /// A reseller; `None` when there is no such one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn reseller(&self, id: ResellerId) -> Result<Option<Reseller>, DatabaseError> {
        let mut one = Sql::new(COLUMNS);
        one.push(" WHERE id = ").value(i64::from(id.0));
        Ok(self.0.database.rows(one, read).await?.into_iter().next())
    }

    /// What a reseller is called from now on. `false`: there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn rename_reseller(&self, id: ResellerId, name: &str) -> Result<bool, DatabaseError> {
        let mut change = self.0.database.change().await?;
        let mut set = Sql::new("UPDATE reseller SET name = ");
        set.value(name).push(" WHERE id = ").value(i64::from(id.0));
        let renamed = change.run(set).await?;
        change.commit().await?;
        Ok(renamed > 0)
    }

    /// Resellers in the order in which they were made, behind one, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn resellers(
        &self,
        behind: Option<ResellerId>,
        limit: usize,
    ) -> Result<Vec<Reseller>, DatabaseError> {
        let mut some = Sql::new(COLUMNS);
        some.push(" WHERE id > ").value(behind.map_or(0, |id| i64::from(id.0)));
        some.push(" ORDER BY id LIMIT ").value(limit as i64);
        self.0.database.rows(some, read).await
    }

    /// Tenants in the order in which they were made, behind one, at most `limit`: of a reseller, or all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tenants_of(
        &self,
        reseller: Option<ResellerId>,
        (behind, limit): (Option<TenantId>, usize),
    ) -> Result<Vec<TenantId>, DatabaseError> {
        let mut some = Sql::new("SELECT id FROM tenant WHERE id > ");
        some.value(behind.map_or(0, |id| i64::from(id.0)));
        // A sandbox is its tenant's, and none of its own.
        some.push(" AND id < ").value(i64::from(TenantId(0).sandbox().0));
        if let Some(reseller) = reseller {
            some.push(" AND reseller = ").value(i64::from(reseller.0));
        }
        some.push(" ORDER BY id LIMIT ").value(limit as i64);
        let id = |row: &Found<'_>| Ok(TenantId(row.number(0)? as u32));
        self.0.database.rows(some, id).await
    }

    /// Keeps a reseller's keys as they are now.
    ///
    /// # Errors
    /// When either does not answer: what was changed is in Redis, and asked for again it is kept as well.
    pub(crate) async fn keep_keys(&self, id: ResellerId) -> Result<(), MirrorFault> {
        let number = i64::from(id.0);
        let mut change = self.0.database.change().await?;
        // First, so that of two who do this at once the second reads what the first has changed.
        let mut lock = Sql::new("UPDATE reseller SET name = name WHERE id = ");
        lock.value(number);
        change.run(lock).await?;
        let keys = self.0.store.keys_of(id).await?;
        let mut forget = Sql::new("DELETE FROM api_key WHERE reseller = ");
        forget.value(number);
        change.run(forget).await?;
        put_keys(&mut change, id.into(), keys).await?;
        Ok(change.commit().await?)
    }
}

fn read(row: &Found<'_>) -> Result<Reseller, DatabaseError> {
    Ok(Reseller {
        id: ResellerId(row.number(0)? as u32),
        name: row.text(1)?,
        created_at: UnixMicros(row.number(2)? as u64),
    })
}
