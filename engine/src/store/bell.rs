//! The bell that engines hear of each other.

use std::time::Duration;

use futures::StreamExt as _;
use redis::aio::PubSub;
use redis::{Client, IntoConnectionInfo};

use super::{Store, StoreError, keys};

/// How long a connection may take to be made.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Hears what other engines ring for.
pub(crate) struct Listener(PubSub);

impl Listener {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn connect(url: &str) -> Result<Self, StoreError> {
        let client = Client::open(url.into_connection_info()?)?;
        let connecting = tokio::time::timeout(CONNECTION_TIMEOUT, client.get_async_pubsub());
        let mut listener = connecting
            .await
            .map_err(|late| StoreError::Unavailable(std::io::Error::from(late).into()))??;
        listener.subscribe(keys::BELL).await?;
        Ok(Self(listener))
    }

    /// What is rung for next; `None`: the connection is over.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let message = self.0.on_message().next().await?;
        Some(message.get_payload().unwrap_or_default())
    }
}

impl Store {
    /// Rings, for whoever listens.
    pub(crate) async fn ring(&self, what: &str) -> Result<(), StoreError> {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(keys::BELL).arg(what);
        self.run(&self.leases, vec![publish]).await.map(drop)
    }
}
