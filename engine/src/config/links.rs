//! `[links]`: where short links are answered.

use std::net::SocketAddr;

use kit::settings::{Given, Table};

/// `[links]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// `listen`: where short links are answered, in plain HTTP behind a proxy with TLS. Default: nowhere, and tenants have none.
    pub(crate) listen: Option<SocketAddr>,
}

impl Links {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let allowed = "an address and a port, such as \"127.0.0.1:8081\"";
        let listen = table.parsed("listen", allowed, |given: Given<'_>| given.text()?.parse().ok());
        table.finish();
        Self { listen }
    }
}
