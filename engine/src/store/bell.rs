//! The bell that engines hear of each other.

use futures::StreamExt as _;
use redis::aio::PubSub;

use super::servers::Servers;
use super::{Store, StoreError, keys};

/// Hears what other engines ring for.
pub(crate) struct Listener(PubSub);

impl Listener {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn connect(servers: &Servers) -> Result<Self, StoreError> {
        let mut listener = servers.subscription().await?;
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
