//! rusmpp's types behind our framing: bodies are written through them, and read through them where they take what came.
//!
//! Three things are ours. The header, and with it where a PDU ends: rusmpp's codec decodes from the whole read buffer, so
//! that a short body would take octets of its neighbour. The octets: what rusmpp owns is a copy, so its values say how long
//! each field is, and the field is [cut](Cut) out of the octets that came. And the optional parameters, which stay
//! [octets](Tlvs): rusmpp reads the value of a known one without a look at the length that goes with it.

#[cfg(test)]
mod tests;

use bytes::BytesMut;
use rusmpp::decode::DecodeWithLength;
use rusmpp::encode::{Encode, Length};
use rusmpp::pdus;
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{DestAddress, DistributionListName, Npi, ServiceType, SmeAddress, Ton, UnsuccessSme};

use super::operations::{
    CancelSm, Destination, Destinations, QuerySm, QuerySmResp, ReplaceSm, SubmitMulti, SubmitMultiResp, Unsuccess,
};
use super::session_pdus::{Bind, BindKind, BindResp};
use super::sm::{SHORT_MESSAGE_MAX, Sm, SmResp};
use super::{Address, Tlvs};
use crate::command_status::CommandStatus;

/// A field that the standard does not let out. Nothing is written then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unencodable {
    /// A C-string: `octets_max` without its closing NUL.
    #[error("{field} is longer than {octets_max} octets, or not ASCII without NUL")]
    Text {
        /// The field.
        field: &'static str,
        /// Its longest value.
        octets_max: usize,
    },
    /// A time (3.4, 7.1.1).
    #[error("{field} is neither empty nor 16 octets of ASCII, YYMMDDhhmmsstnnp")]
    Time {
        /// The field.
        field: &'static str,
    },
    /// A text, or a list.
    #[error("{field} is longer than {most}")]
    Long {
        /// The field.
        field: &'static str,
        /// Octets of a text, destinations of a list.
        most: usize,
    },
}

/// Appends a body.
pub(super) fn put(out: &mut BytesMut, body: &impl Encode) {
    let at = out.len();
    out.resize(at + body.length(), 0);
    let written = body.encode(&mut out[at..]);
    debug_assert_eq!(written, out.len() - at);
}

/// The body, if rusmpp takes it, and all of it.
fn take<T: DecodeWithLength>(body: &[u8]) -> Option<T> {
    let (taken, used) = T::decode(&mut BytesMut::from(body), body.len()).ok()?;
    (used == body.len()).then_some(taken)
}

/// Cuts a body along the lengths of what rusmpp read from it.
struct Cut<'a>(&'a [u8]);

impl<'a> Cut<'a> {
    fn octets(&mut self, count: usize) -> &'a [u8] {
        let (octets, rest) = self.0.split_at_checked(count).unwrap_or((self.0, &[]));
        self.0 = rest;
        octets
    }

    /// A C-string, without its NUL.
    fn text(&mut self, of: &impl Length) -> &'a [u8] {
        self.octets(of.length()).split_last().map_or(&[], |(_, text)| text)
    }

    fn address(&mut self, (ton, npi): (Ton, Npi), digits: &impl Length) -> Address<'a> {
        self.octets(ton.length() + npi.length());
        Address {
            ton: ton.into(),
            npi: npi.into(),
            digits: self.text(digits),
        }
    }

    /// `sm_length` and the text.
    fn message(&mut self, sm_length: u8) -> &'a [u8] {
        self.octets(1);
        self.octets(sm_length.into())
    }
}

fn text<const MIN: usize, const MAX: usize>(
    field: &'static str,
    octets: &[u8],
) -> Result<COctetString<MIN, MAX>, Unencodable> {
    let octets_max = MAX - 1;
    COctetString::from_vec([octets, &[0]].concat()).map_err(|_| Unencodable::Text { field, octets_max })
}

fn time(field: &'static str, octets: &[u8]) -> Result<EmptyOrFullCOctetString<17>, Unencodable> {
    EmptyOrFullCOctetString::from_vec([octets, &[0]].concat()).map_err(|_| Unencodable::Time { field })
}

fn message(octets: &[u8]) -> Result<OctetString<0, 255>, Unencodable> {
    let (field, most) = ("short_message", SHORT_MESSAGE_MAX);
    OctetString::from_slice(octets).map_err(|_| Unencodable::Long { field, most })
}

fn service_type(octets: &[u8]) -> Result<ServiceType, Unencodable> {
    text("service_type", octets).map(ServiceType::new)
}

impl<'a> QuerySm<'a> {
    pub(super) fn strictly(body: &'a [u8]) -> Option<Self> {
        let query: pdus::QuerySm = take(body)?;
        let mut cut = Cut(body);
        Some(Self {
            message_id: cut.text(&query.message_id),
            source: cut.address((query.source_addr_ton, query.source_addr_npi), &query.source_addr),
        })
    }

    pub(super) fn strict(&self) -> Result<pdus::QuerySm, Unencodable> {
        Ok(pdus::QuerySm {
            message_id: text("message_id", self.message_id)?,
            source_addr_ton: self.source.ton.into(),
            source_addr_npi: self.source.npi.into(),
            source_addr: text("source_addr", self.source.digits)?,
        })
    }
}

impl<'a> QuerySmResp<'a> {
    pub(super) fn strictly(body: &'a [u8]) -> Option<Self> {
        let response: pdus::QuerySmResp = take(body)?;
        let mut cut = Cut(body);
        Some(Self {
            message_id: cut.text(&response.message_id),
            final_date: cut.text(&response.final_date),
            message_state: response.message_state.into(),
            error_code: response.error_code,
        })
    }

    pub(super) fn strict(&self) -> Result<pdus::QuerySmResp, Unencodable> {
        Ok(pdus::QuerySmResp {
            message_id: text("message_id", self.message_id)?,
            final_date: time("final_date", self.final_date)?,
            message_state: self.message_state.into(),
            error_code: self.error_code,
        })
    }
}

impl<'a> CancelSm<'a> {
    pub(super) fn strictly(body: &'a [u8]) -> Option<Self> {
        let cancel: pdus::CancelSm = take(body)?;
        let mut cut = Cut(body);
        Some(Self {
            service_type: cut.text(&cancel.service_type),
            message_id: cut.text(&cancel.message_id),
            source: cut.address((cancel.source_addr_ton, cancel.source_addr_npi), &cancel.source_addr),
            destination: cut.address((cancel.dest_addr_ton, cancel.dest_addr_npi), &cancel.destination_addr),
        })
    }

    pub(super) fn strict(&self) -> Result<pdus::CancelSm, Unencodable> {
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
    pub(super) fn strictly(body: &'a [u8]) -> Option<Self> {
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
    pub(super) fn strict(&self) -> Result<pdus::ReplaceSm, Unencodable> {
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
    pub(super) fn strictly(body: &'a [u8]) -> Option<Self> {
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
    pub(super) fn strict(sm: &Sm<'_>, destinations: &[Destination<'_>]) -> Result<pdus::SubmitMulti, Unencodable> {
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
    pub(super) fn strictly(body: &'a [u8]) -> Option<Self> {
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

    pub(super) fn strict(&self) -> Result<pdus::SubmitMultiResp, Unencodable> {
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

impl<'a> Sm<'a> {
    /// A data_sm.
    pub(super) fn data_strictly(body: &'a [u8]) -> Option<Self> {
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
    pub(super) fn strict_data(&self) -> Result<pdus::DataSm, Unencodable> {
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
    pub(super) fn data_strictly(body: &'a [u8]) -> Option<Self> {
        let response: pdus::DataSmResp = take(body)?;
        let mut cut = Cut(body);
        let message_id = cut.text(response.message_id());
        let tlvs = Tlvs(cut.0);
        Some(Self { message_id, tlvs })
    }

    /// A data_sm_resp, without the parameters.
    pub(super) fn strict_data(&self) -> Result<pdus::DataSmResp, Unencodable> {
        Ok(pdus::DataSmResp::new(text("message_id", self.message_id)?, Vec::new()))
    }
}

impl<'a> Bind<'a> {
    /// The three binds have one body (3.4, 4.1).
    pub(super) fn strictly(kind: BindKind, body: &'a [u8]) -> Option<Self> {
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

    pub(super) fn strict(&self) -> Result<pdus::BindTransceiver, Unencodable> {
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
    pub(super) fn strictly(body: &'a [u8]) -> Option<Self> {
        let response: pdus::BindTransceiverResp = take(body)?;
        let mut cut = Cut(body);
        let system_id = cut.text(&response.system_id);
        Some(Self::said(system_id, Tlvs(cut.0)))
    }

    pub(super) fn strict(&self) -> Result<pdus::BindTransceiverResp, Unencodable> {
        let version = self.sc_interface_version.map(Into::into);
        Ok(pdus::BindTransceiverResp::new(
            text("system_id", self.system_id)?,
            version,
        ))
    }
}
