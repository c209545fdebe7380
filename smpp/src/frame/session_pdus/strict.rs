//! Binds and their answers through rusmpp's types.

use rusmpp::pdus;

use super::{Bind, BindKind, BindResp};
use crate::frame::Tlvs;
use crate::frame::strict::{Cut, Unencodable, take, text};

impl<'a> Bind<'a> {
    /// The three binds have one body (3.4, 4.1).
    pub(in crate::frame) fn strictly(kind: BindKind, body: &'a [u8]) -> Option<Self> {
        let bind: pdus::BindTransceiver = take(body)?;
        let mut cut = Cut(body);
        let system_id = cut.text(&bind.system_id);
        let password = cut.text(&bind.password);
        let system_type = cut.text(&bind.system_type);
        cut.octets(3); // interface_version, addr_ton, addr_npi
        Some(Self {
            kind,
            system_id,
            password,
            system_type,
            interface_version: bind.interface_version.into(),
            addr_ton: bind.addr_ton.into(),
            addr_npi: bind.addr_npi.into(),
            address_range: cut.text(&bind.address_range),
        })
    }

    pub(in crate::frame) fn strict(&self) -> Result<pdus::BindTransceiver, Unencodable> {
        Ok(pdus::BindTransceiver {
            system_id: text("system_id", self.system_id)?,
            password: text("password", self.password)?,
            system_type: text("system_type", self.system_type)?,
            interface_version: self.interface_version.into(),
            addr_ton: self.addr_ton.into(),
            addr_npi: self.addr_npi.into(),
            address_range: text("address_range", self.address_range)?,
        })
    }
}

impl<'a> BindResp<'a> {
    pub(in crate::frame) fn strictly(body: &'a [u8]) -> Option<Self> {
        let response: pdus::BindTransceiverResp = take(body)?;
        let mut cut = Cut(body);
        let system_id = cut.text(&response.system_id);
        Some(Self::said(system_id, Tlvs(cut.0)))
    }

    pub(in crate::frame) fn strict(&self) -> Result<pdus::BindTransceiverResp, Unencodable> {
        let version = self.sc_interface_version.map(Into::into);
        Ok(pdus::BindTransceiverResp::new(
            text("system_id", self.system_id)?,
            version,
        ))
    }
}
