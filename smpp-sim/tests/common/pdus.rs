//! What every client of these tests says, over a socket or without one.
#![allow(unreachable_pub, reason = "all files of these tests use it")]

use smpp::address::Address;
use smpp::frame::{Bind, BindKind, Sm};

/// The sender of the messages.
pub const SOURCE: Address<'static> = Address {
    ton: 5,
    npi: 0,
    digits: b"CLINIQUE",
};

/// A bind of `campanile` as 3.4 has it.
pub fn any_bind(kind: BindKind) -> Bind<'static> {
    Bind {
        kind,
        system_id: b"campanile",
        password: b"secret",
        system_type: b"",
        interface_version: 0x34,
        addr_ton: 0,
        addr_npi: 0,
        address_range: b"",
    }
}

/// A message to that recipient, which wants a receipt.
pub fn message<'a>(recipient: &'a str, text: &'a [u8]) -> Sm<'a> {
    Sm {
        source: SOURCE,
        destination: Address::international(recipient.as_bytes()),
        registered_delivery: 1,
        short_message: text,
        ..Sm::default()
    }
}
