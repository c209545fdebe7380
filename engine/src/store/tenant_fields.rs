//! What of a tenant is a field of its own, and changes by itself.

use super::{Store, StoreError, keys};
use crate::domain::{Countries, TenantId};

impl Store {
    /// A tenant may send to these from now on.
    pub(crate) async fn set_countries(&self, id: TenantId, countries: &Countries) -> Result<(), StoreError> {
        self.set_field(id, ("countries", &countries.to_string())).await
    }

    /// What it is called from now on.
    pub(crate) async fn rename_tenant(&self, id: TenantId, name: &str) -> Result<(), StoreError> {
        self.set_field(id, ("name", name)).await
    }

    /// How often it gets a turn from now on.
    pub(crate) async fn change_weight(&self, id: TenantId, weight: u8) -> Result<(), StoreError> {
        self.set_field(id, ("weight", &weight.to_string())).await?;
        self.set_weight(id, weight).await
    }

    async fn set_field(&self, id: TenantId, (name, value): (&str, &str)) -> Result<(), StoreError> {
        let mut set = redis::cmd("HSET");
        set.arg(keys::tenant(id)).arg(name).arg(value);
        self.ask::<i64>(&set).await.map(drop)
    }
}
