//! How a session begins: with the bind that its account is configured for.

use std::time::Instant;

use smpp::frame::{Bind, BindKind, Unencodable};
use smpp::session::{Session, Timers};

use crate::config;

/// A session whose bind request is the first thing to write.
pub(super) fn open<T>(smsc: &config::Smsc, kind: BindKind, now: Instant) -> Result<Session<T>, Unencodable> {
    let bind = Bind {
        kind,
        system_id: smsc.system_id.as_bytes(),
        password: smsc.password.reveal().as_bytes(),
        system_type: smsc.system_type.as_bytes(),
        interface_version: smsc.interface_version.octet(),
        addr_ton: smsc.link.ton,
        addr_npi: smsc.link.npi,
        address_range: smsc.link.address_range.as_bytes(),
    };
    let timers = Timers {
        bind: smsc.bind_timeout,
        enquire_link: smsc.enquire_link_interval,
        response: smsc.response_timeout,
    };
    Session::new(&bind, timers, smsc.window as usize, now)
}
