//! data_sm and its answer through rusmpp's types.

use rusmpp::pdus;

use super::{Sm, SmResp};
use crate::frame::Tlvs;
use crate::frame::strict::{Cut, Unencodable, service_type, take, text};

impl<'a> Sm<'a> {
    /// A data_sm.
    pub(in crate::frame) fn data_strictly(body: &'a [u8]) -> Option<Self> {
        let data: pdus::DataSm = take(body)?;
        let mut cut = Cut(body);
        let service_type = cut.text(&data.service_type);
        let source = cut.address((data.source_addr_ton, data.source_addr_npi), &data.source_addr);
        let destination = cut.address((data.dest_addr_ton, data.dest_addr_npi), &data.destination_addr);
        cut.octets(3); // esm_class, registered_delivery, data_coding
        Some(Self {
            service_type,
            source,
            destination,
            esm_class: data.esm_class.into(),
            registered_delivery: data.registered_delivery.into(),
            data_coding: data.data_coding.into(),
            tlvs: Tlvs(cut.0),
            ..Self::default()
        })
    }

    /// A data_sm, without the parameters.
    pub(in crate::frame) fn strict_data(&self) -> Result<pdus::DataSm, Unencodable> {
        let data = pdus::DataSm::builder()
            .service_type(service_type(self.service_type)?)
            .source_addr_ton(self.source.ton.into())
            .source_addr_npi(self.source.npi.into())
            .source_addr(text("source_addr", self.source.digits)?)
            .dest_addr_ton(self.destination.ton.into())
            .dest_addr_npi(self.destination.npi.into())
            .destination_addr(text("destination_addr", self.destination.digits)?)
            .esm_class(self.esm_class.into())
            .registered_delivery(self.registered_delivery.into())
            .data_coding(self.data_coding.into());
        Ok(data.build())
    }
}

impl<'a> SmResp<'a> {
    /// A data_sm_resp.
    pub(in crate::frame) fn data_strictly(body: &'a [u8]) -> Option<Self> {
        let response: pdus::DataSmResp = take(body)?;
        let mut cut = Cut(body);
        let message_id = cut.text(response.message_id());
        let tlvs = Tlvs(cut.0);
        Some(Self { message_id, tlvs })
    }

    /// A data_sm_resp, without the parameters.
    pub(in crate::frame) fn strict_data(&self) -> Result<pdus::DataSmResp, Unencodable> {
        Ok(pdus::DataSmResp::new(text("message_id", self.message_id)?, Vec::new()))
    }
}
