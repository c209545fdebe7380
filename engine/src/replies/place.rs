//! How far what people write was read, by tenant.

use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{TenantId, UnixMicros};

/// Keeps how far was read; `false`: it is not where it was.
pub(super) async fn moved_on(
    change: &mut Change,
    tenant: TenantId,
    (before, now): (Option<&str>, &str),
) -> Result<bool, DatabaseError> {
    let statement = match before {
        Some(before) => {
            let mut update = Sql::new("UPDATE reply_position SET places = ");
            update.value(now).push(" WHERE tenant = ").value(tenant.0);
            update.push(" AND places = ").value(before);
            update
        }
        None => {
            let mut insert = Sql::new("INSERT INTO reply_position (tenant, places) VALUES (");
            insert.value(tenant.0).push(", ").value(now);
            insert.push(") ON CONFLICT (tenant) DO NOTHING");
            insert
        }
    };
    Ok(change.run(statement).await? == 1)
}

/// The place in a stream of what comes from that time on.
pub(super) fn place_at(at: UnixMicros) -> String {
    format!("{}-0", at.0 / 1_000)
}
