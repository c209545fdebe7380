//! The operations through rusmpp's types.

use rusmpp::encode::Length;
use rusmpp::pdus;
use rusmpp::values::{DestAddress, DistributionListName, SmeAddress, UnsuccessSme};

use super::{
    CancelSm, Destination, Destinations, QuerySm, QuerySmResp, ReplaceSm, SubmitMulti, SubmitMultiResp, Unsuccess,
};
use crate::address::Address;
use crate::command_status::CommandStatus;
use crate::frame::strict::{Cut, Unencodable, message, service_type, take, text, time};
use crate::frame::{Sm, Tlvs};

impl<'a> QuerySm<'a> {
    pub(in crate::frame) fn strictly(body: &'a [u8]) -> Option<Self> {
        let query: pdus::QuerySm = take(body)?;
        let mut cut = Cut(body);
        Some(Self {
            message_id: cut.text(&query.message_id),
            source: cut.address((query.source_addr_ton, query.source_addr_npi), &query.source_addr),
        })
    }

    pub(in crate::frame) fn strict(&self) -> Result<pdus::QuerySm, Unencodable> {
        Ok(pdus::QuerySm {
            message_id: text("message_id", self.message_id)?,
            source_addr_ton: self.source.ton.into(),
            source_addr_npi: self.source.npi.into(),
            source_addr: text("source_addr", self.source.digits)?,
        })
    }
}

impl<'a> QuerySmResp<'a> {
    pub(in crate::frame) fn strictly(body: &'a [u8]) -> Option<Self> {
        let response: pdus::QuerySmResp = take(body)?;
        let mut cut = Cut(body);
        Some(Self {
            message_id: cut.text(&response.message_id),
            final_date: cut.text(&response.final_date),
            message_state: response.message_state.into(),
            error_code: response.error_code,
        })
    }

    pub(in crate::frame) fn strict(&self) -> Result<pdus::QuerySmResp, Unencodable> {
        Ok(pdus::QuerySmResp {
            message_id: text("message_id", self.message_id)?,
            final_date: time("final_date", self.final_date)?,
            message_state: self.message_state.into(),
            error_code: self.error_code,
        })
    }
}

impl<'a> CancelSm<'a> {
    pub(in crate::frame) fn strictly(body: &'a [u8]) -> Option<Self> {
        let cancel: pdus::CancelSm = take(body)?;
        let mut cut = Cut(body);
        Some(Self {
            service_type: cut.text(&cancel.service_type),
            message_id: cut.text(&cancel.message_id),
            source: cut.address((cancel.source_addr_ton, cancel.source_addr_npi), &cancel.source_addr),
            destination: cut.address((cancel.dest_addr_ton, cancel.dest_addr_npi), &cancel.destination_addr),
        })
    }

    pub(in crate::frame) fn strict(&self) -> Result<pdus::CancelSm, Unencodable> {
        Ok(pdus::CancelSm {
            service_type: service_type(self.service_type)?,
            message_id: text("message_id", self.message_id)?,
            source_addr_ton: self.source.ton.into(),
            source_addr_npi: self.source.npi.into(),
            source_addr: text("source_addr", self.source.digits)?,
            dest_addr_ton: self.destination.ton.into(),
            dest_addr_npi: self.destination.npi.into(),
            destination_addr: text("destination_addr", self.destination.digits)?,
        })
    }
}

impl<'a> ReplaceSm<'a> {
    pub(in crate::frame) fn strictly(body: &'a [u8]) -> Option<Self> {
        let replace: pdus::ReplaceSm = take(body)?;
        let mut cut = Cut(body);
        let message_id = cut.text(&replace.message_id);
        let source = cut.address((replace.source_addr_ton, replace.source_addr_npi), &replace.source_addr);
        let schedule_delivery_time = cut.text(&replace.schedule_delivery_time);
        let validity_period = cut.text(&replace.validity_period);
        cut.octets(2); // registered_delivery, sm_default_msg_id
        Some(Self {
            message_id,
            source,
            schedule_delivery_time,
            validity_period,
            registered_delivery: replace.registered_delivery.into(),
            sm_default_msg_id: replace.sm_default_msg_id,
            short_message: cut.message(replace.sm_length()),
            tlvs: Tlvs(cut.0),
        })
    }

    /// Without the parameters, which are octets with us.
    pub(in crate::frame) fn strict(&self) -> Result<pdus::ReplaceSm, Unencodable> {
        let replace = pdus::ReplaceSm::builder()
            .message_id(text("message_id", self.message_id)?)
            .source_addr_ton(self.source.ton.into())
            .source_addr_npi(self.source.npi.into())
            .source_addr(text("source_addr", self.source.digits)?)
            .schedule_delivery_time(time("schedule_delivery_time", self.schedule_delivery_time)?)
            .validity_period(time("validity_period", self.validity_period)?)
            .registered_delivery(self.registered_delivery.into())
            .sm_default_msg_id(self.sm_default_msg_id)
            .short_message(message(self.short_message)?);
        Ok(replace.build())
    }
}

impl<'a> SubmitMulti<'a> {
    pub(in crate::frame) fn strictly(body: &'a [u8]) -> Option<Self> {
        let multi: pdus::SubmitMulti = take(body)?;
        let mut cut = Cut(body);
        let service_type = cut.text(&multi.service_type);
        let source = cut.address((multi.source_addr_ton, multi.source_addr_npi), &multi.source_addr);
        cut.octets(1); // number_of_dests
        let octets = cut.octets(multi.dest_address().iter().map(Length::length).sum());
        cut.octets(3); // esm_class, protocol_id, priority_flag
        let schedule_delivery_time = cut.text(&multi.schedule_delivery_time);
        let validity_period = cut.text(&multi.validity_period);
        cut.octets(4); // from registered_delivery to sm_default_msg_id
        let short_message = cut.message(multi.sm_length());
        let sm = Sm {
            service_type,
            source,
            destination: Address::default(),
            esm_class: multi.esm_class.into(),
            protocol_id: multi.protocol_id,
            priority_flag: multi.priority_flag.into(),
            schedule_delivery_time,
            validity_period,
            registered_delivery: multi.registered_delivery.into(),
            replace_if_present: multi.replace_if_present_flag.into(),
            data_coding: multi.data_coding.into(),
            sm_default_msg_id: multi.sm_default_msg_id,
            short_message,
            tlvs: Tlvs(cut.0),
        };
        let destinations = Destinations::walked(multi.number_of_dests(), octets);
        Some(Self { sm, destinations })
    }

    /// Without the parameters.
    pub(in crate::frame) fn strict(
        sm: &Sm<'_>,
        destinations: &[Destination<'_>],
    ) -> Result<pdus::SubmitMulti, Unencodable> {
        let most = usize::from(u8::MAX);
        if destinations.len() > most {
            let field = "dest_address";
            return Err(Unencodable::Long { field, most });
        }
        let destinations = destinations.iter().map(Destination::strict);
        let multi = pdus::SubmitMulti::builder()
            .service_type(service_type(sm.service_type)?)
            .source_addr_ton(sm.source.ton.into())
            .source_addr_npi(sm.source.npi.into())
            .source_addr(text("source_addr", sm.source.digits)?)
            .dest_address(destinations.collect::<Result<_, _>>()?)
            .esm_class(sm.esm_class.into())
            .protocol_id(sm.protocol_id)
            .priority_flag(sm.priority_flag.into())
            .schedule_delivery_time(time("schedule_delivery_time", sm.schedule_delivery_time)?)
            .validity_period(time("validity_period", sm.validity_period)?)
            .registered_delivery(sm.registered_delivery.into())
            .replace_if_present_flag(sm.replace_if_present.into())
            .data_coding(sm.data_coding.into())
            .sm_default_msg_id(sm.sm_default_msg_id)
            .short_message(message(sm.short_message)?);
        Ok(multi.build())
    }
}

impl Destination<'_> {
    fn strict(&self) -> Result<DestAddress, Unencodable> {
        Ok(match self {
            Self::Address(address) => DestAddress::SmeAddress(SmeAddress::new(
                address.ton.into(),
                address.npi.into(),
                text("destination_addr", address.digits)?,
            )),
            Self::List(name) => DestAddress::DistributionListName(DistributionListName::new(text("dl_name", name)?)),
        })
    }
}

impl<'a> SubmitMultiResp<'a> {
    pub(in crate::frame) fn strictly(body: &'a [u8]) -> Option<Self> {
        let response: pdus::SubmitMultiResp = take(body)?;
        let mut cut = Cut(body);
        let message_id = cut.text(&response.message_id);
        cut.octets(1); // no_unsuccess
        let unsuccess = response.unsuccess_sme().iter().map(|one| {
            let destination = cut.address((one.dest_addr_ton, one.dest_addr_npi), &one.destination_addr);
            cut.octets(one.error_status_code.length());
            let status = CommandStatus(one.error_status_code.into());
            Unsuccess { destination, status }
        });
        let unsuccess = unsuccess.collect();
        Some(Self { message_id, unsuccess })
    }

    pub(in crate::frame) fn strict(&self) -> Result<pdus::SubmitMultiResp, Unencodable> {
        let most = usize::from(u8::MAX);
        if self.unsuccess.len() > most {
            let field = "unsuccess_sme";
            return Err(Unencodable::Long { field, most });
        }
        let unsuccess = self.unsuccess.iter().map(|one| {
            Ok(UnsuccessSme {
                dest_addr_ton: one.destination.ton.into(),
                dest_addr_npi: one.destination.npi.into(),
                destination_addr: text("destination_addr", one.destination.digits)?,
                error_status_code: one.status.0.into(),
            })
        });
        let message_id = text("message_id", self.message_id)?;
        let unsuccess = unsuccess.collect::<Result<_, _>>()?;
        Ok(pdus::SubmitMultiResp::new(message_id, unsuccess, Vec::new()))
    }
}
