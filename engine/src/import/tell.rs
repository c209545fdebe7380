//! Endpoints are told of files that were read to their end, or were not.

use serde_json::{Value, json};

use super::{Account, ImportFault, Imports};
use crate::people::{Import, ImportState};

impl Imports {
    /// A crash between telling and noting it has somebody told twice, and never not at all.
    pub(super) async fn tell(&self) -> Result<(), ImportFault> {
        let Some(webhooks) = &self.webhooks else { return Ok(()) };
        for (tenant, import) in self.people.untold_imports().await? {
            let is_whole = import.state == ImportState::Completed;
            webhooks.tell_of_import(tenant, (is_whole, &about(&import))).await?;
            self.people.told_import(import.id).await?;
        }
        Ok(())
    }
}

fn about(import: &Import) -> Value {
    let account = Account::read(&import.account);
    json!({
        "id": import.id.to_string(),
        "state": import.state.code(),
        "rows": account.rows,
        "invalid": account.invalid,
        "failure": account.failure,
    })
}
