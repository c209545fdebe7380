//! `[links]`: where short links are answered.

use std::net::SocketAddr;
use std::time::Duration;

use kit::settings::{Given, Table};

/// `[links]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Links {
    /// `listen`: where short links are answered, in plain HTTP behind a proxy with TLS. Default: nowhere, and tenants have none.
    pub(crate) listen: Option<SocketAddr>,
    /// `preview_within`: who follows a link so soon after its message has come is a program. Default 2 s; 0: nobody is for that.
    pub(crate) preview_within: Duration,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            listen: None,
            preview_within: Duration::from_secs(2),
        }
    }
}

impl Links {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let allowed = "an address and a port, such as \"127.0.0.1:8081\"";
        let listen = table.parsed("listen", allowed, |given: Given<'_>| given.text()?.parse().ok());
        let (longest, usual) = (Duration::from_secs(60), Self::default().preview_within);
        let preview_within = table.duration("preview_within", Duration::ZERO..=longest, usual);
        table.finish();
        Self { listen, preview_within }
    }
}
