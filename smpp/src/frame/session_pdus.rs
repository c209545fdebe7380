//! The PDUs that open, keep and close a session. Binds go through rusmpp's types (`strict`), and by hand where those are too
//! strict: passwords are longer than the standard allows, and careless peers bind too.

mod strict;

use std::fmt;
use std::str::FromStr;

use bytes::{BufMut, BytesMut};

use super::sm::{Fields, begin, end, put_c_string};
use super::{CommandId, Malformed, Tlvs, tag};
use crate::command_status::CommandStatus;
use crate::frame::strict::{Unencodable, put};

/// In which directions messages may go on a session (3.4, 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindKind {
    /// The SMSC delivers, the ESME does not submit.
    Receiver,
    /// The ESME submits, the SMSC does not deliver.
    Transmitter,
    /// Both.
    Transceiver,
}

impl BindKind {
    /// The request that opens such a session.
    pub const fn command_id(self) -> CommandId {
        match self {
            Self::Receiver => CommandId::BIND_RECEIVER,
            Self::Transmitter => CommandId::BIND_TRANSMITTER,
            Self::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }

    /// Whether the ESME may submit on it.
    pub const fn transmits(self) -> bool {
        matches!(self, Self::Transmitter | Self::Transceiver)
    }

    /// Whether the SMSC may deliver on it.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Receiver | Self::Transceiver)
    }

    fn of(command: CommandId) -> Self {
        match command {
            CommandId::BIND_RECEIVER => Self::Receiver,
            CommandId::BIND_TRANSMITTER => Self::Transmitter,
            CommandId(_) => Self::Transceiver,
        }
    }
}

impl fmt::Display for BindKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Receiver => "receiver",
            Self::Transmitter => "transmitter",
            Self::Transceiver => "transceiver",
        })
    }
}

impl FromStr for BindKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "receiver" => Ok(Self::Receiver),
            "transmitter" => Ok(Self::Transmitter),
            "transceiver" => Ok(Self::Transceiver),
            _ => Err(format!("{text:?} is not one of transceiver, transmitter, receiver")),
        }
    }
}

/// bind_receiver, bind_transmitter or bind_transceiver (3.4, 4.1.1, 4.1.3, 4.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the standard's own fields")]
pub struct Bind<'a> {
    pub kind: BindKind,
    pub system_id: &'a [u8],
    pub password: &'a [u8],
    pub system_type: &'a [u8],
    pub interface_version: u8,
    pub addr_ton: u8,
    pub addr_npi: u8,
    pub address_range: &'a [u8],
}

impl<'a> Bind<'a> {
    pub(super) fn decode(command: CommandId, body: &'a [u8]) -> Result<Self, Malformed> {
        Self::strictly(BindKind::of(command), body).map_or_else(|| Self::leniently(command, body), Ok)
    }

    pub(super) fn leniently(command: CommandId, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields { command, rest: body };
        Ok(Self {
            kind: BindKind::of(command),
            system_id: fields.c_string("system_id")?,
            password: fields.c_string("password")?,
            system_type: fields.c_string("system_type")?,
            interface_version: fields.octet("interface_version")?,
            addr_ton: fields.octet("addr_ton")?,
            addr_npi: fields.octet("addr_npi")?,
            address_range: fields.c_string("address_range")?,
        })
    }
}

/// The answer to a bind (3.4, 4.1.2). A refusal often comes without a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BindResp<'a> {
    /// How the SMSC calls itself; may be empty.
    pub system_id: &'a [u8],
    /// The version that the SMSC speaks: 0x33, 0x34 or 0x50; absent or wrong at several.
    pub sc_interface_version: Option<u8>,
}

impl<'a> BindResp<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Self {
        Self::strictly(body).unwrap_or_else(|| Self::leniently(body))
    }

    pub(super) fn leniently(body: &'a [u8]) -> Self {
        let end = body.iter().position(|&octet| octet == 0).unwrap_or(body.len());
        Self::said(&body[..end], Tlvs(body.get(end + 1..).unwrap_or_default()))
    }

    pub(super) fn said(system_id: &'a [u8], tlvs: Tlvs<'_>) -> Self {
        let version = tlvs.get(tag::SC_INTERFACE_VERSION);
        Self {
            system_id,
            sc_interface_version: version.and_then(|value| value.first().copied()),
        }
    }
}

/// The longest `system_id` (3.4, 4.1.1).
const SYSTEM_ID_MAX: usize = 15;

/// The standard allows 8 octets (3.4, 4.1.1), but carriers hand out longer passwords, and expect them.
const PASSWORD_MAX: usize = 64;

/// Writes a bind request: through rusmpp's type, but by hand with a password over the standard's limit.
///
/// # Errors
/// [`Unencodable`]: `system_id` has at most 15 octets, `system_type` 12, `address_range` 40 (3.4, 4.1.1), `password` 64,
/// all ASCII without NUL. Nothing is written then.
pub fn encode_bind(out: &mut BytesMut, sequence: u32, bind: &Bind<'_>) -> Result<(), Unencodable> {
    let limits = [
        (bind.system_id, "system_id", SYSTEM_ID_MAX),
        (bind.password, "password", PASSWORD_MAX),
        (bind.system_type, "system_type", 12),
        (bind.address_range, "address_range", 40),
    ];
    for (octets, field, octets_max) in limits {
        if octets.len() > octets_max || !octets.is_ascii() || octets.contains(&0) {
            return Err(Unencodable::Text { field, octets_max });
        }
    }
    let start = begin(out, bind.kind.command_id(), CommandStatus::ESME_ROK, sequence);
    match bind.strict() {
        Ok(body) => put(out, &body),
        Err(_) => {
            put_c_string(out, bind.system_id);
            put_c_string(out, bind.password);
            put_c_string(out, bind.system_type);
            out.put_slice(&[bind.interface_version, bind.addr_ton, bind.addr_npi]);
            put_c_string(out, bind.address_range);
        }
    }
    end(out, start);
    Ok(())
}

/// Writes the answer to a bind: when the status is OK a body with `system_id` (cut at 15 octets; empty where it is not
/// ASCII) and, if it is to say one, `sc_interface_version`; none otherwise.
pub fn encode_bind_resp(
    out: &mut BytesMut,
    kind: BindKind,
    (status, sequence): (CommandStatus, u32),
    response: &BindResp<'_>,
) {
    let start = begin(out, kind.command_id().response(), status, sequence);
    if status == CommandStatus::ESME_ROK {
        let name = response.system_id;
        let named = BindResp {
            system_id: &name[..name.len().min(SYSTEM_ID_MAX)],
            ..*response
        };
        let nameless = BindResp {
            system_id: b"",
            ..*response
        };
        if let Ok(body) = named.strict().or_else(|_| nameless.strict()) {
            put(out, &body);
        }
    }
    end(out, start);
}

/// Writes a PDU that has no body: unbind, enquire_link, their responses, generic_nack, or any error response.
pub fn encode_empty(out: &mut BytesMut, command: CommandId, status: CommandStatus, sequence: u32) {
    let start = begin(out, command, status, sequence);
    end(out, start);
}
