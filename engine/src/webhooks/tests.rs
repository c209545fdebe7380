//! The backlog against a database, without a receiver.

use std::path::Path;

use super::*;
use crate::database;

pub(crate) async fn open(store: &Store, folder: &Path, settings: config::Webhooks) -> Webhooks {
    let deps = WebhookDeps {
        store: store.clone(),
        database: database::tests::open(folder).await.unwrap(),
        clock: Clock::new(),
        metrics: Metrics::new(9).unwrap(),
        settings,
    };
    Webhooks::open(deps).await.unwrap()
}
