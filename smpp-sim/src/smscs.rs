use std::net::SocketAddr;
use std::sync::Arc;

use crate::handle::Handle;

/// One SMSC of a process that may have several, each with its own accounts, ledger and scenario.
#[derive(Clone, Debug)]
pub struct VirtualSmsc {
    /// Its name in the scenario; `default` when there is one.
    pub name: String,
    /// Where it listens for binds.
    pub smpp_addr: SocketAddr,
    /// Where it listens for binds over TLS.
    pub tls_addr: Option<SocketAddr>,
    /// What one asks of it.
    pub handle: Handle,
}

/// All SMSCs of a process, in the order of the scenario.
#[derive(Clone, Debug)]
pub(crate) struct Smscs {
    all: Arc<[VirtualSmsc]>,
}

impl Smscs {
    pub(crate) fn new(all: Arc<[VirtualSmsc]>) -> Self {
        Self { all }
    }

    pub(crate) fn all(&self) -> &[VirtualSmsc] {
        &self.all
    }

    /// The SMSC of that name, or all of them without a name; `None` when no SMSC has that name.
    pub(crate) fn select(&self, name: Option<&str>) -> Option<&[VirtualSmsc]> {
        let Some(name) = name else { return Some(&self.all) };
        let place = self.all.iter().position(|smsc| smsc.name == name)?;
        self.all.get(place..=place)
    }

    /// Their names, for people.
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.all.iter().map(|smsc| smsc.name.as_str()).collect();
        names.join(", ")
    }
}
