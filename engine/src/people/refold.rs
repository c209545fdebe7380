//! What filters compare of attributes, made anew where an earlier version made it otherwise: once, at the start that follows.

use std::collections::BTreeMap;

use super::People;
use super::rows::{ROWS_MAX, attributes_folded};
use crate::database::{DatabaseError, Sql};

impl People {
    /// Does so for all contacts that are marked for it. Returns how many these were.
    ///
    /// # Errors
    /// The database's; a later start goes on with the rest.
    pub(crate) async fn refold(&self) -> Result<u64, DatabaseError> {
        let mut refolded = 0;
        loop {
            let mut query = Sql::new("SELECT id, attributes FROM contact WHERE to_refold <> 0 ORDER BY id LIMIT ");
            query.value(i64::try_from(ROWS_MAX).unwrap_or(i64::MAX));
            let read = |row: &crate::database::Found<'_>| Ok((row.number(0)?, row.text(1)?));
            let some = self.database.rows(query, read).await?;
            if some.is_empty() {
                return Ok(refolded);
            }
            refolded += some.len() as u64;
            let mut change = self.database.change().await?;
            for (id, json) in some {
                let attributes: BTreeMap<String, String> =
                    serde_json::from_str(&json).map_err(|_| DatabaseError::Corrupt("the attributes of a contact"))?;
                let mut update = Sql::new("UPDATE contact SET to_refold = 0, attributes_folded = ");
                update.value(attributes_folded(&attributes));
                // Another engine may have been given others meanwhile: then it is read again.
                update
                    .push(" WHERE id = ")
                    .value(id)
                    .push(" AND attributes = ")
                    .value(json);
                change.run(update).await?;
            }
            change.commit().await?;
        }
    }
}
