//! query_sm, cancel_sm, replace_sm, submit_multi and their responses. They are written and read through rusmpp's types
//! (`strict`); what those refuse is read here by hand, as leniently as in `sm`.

mod strict;

use bytes::{BufMut, BytesMut};

use super::sm::{Fields, begin, end, put_address, put_c_string};
use super::{CommandId, Malformed, Raw, Sm, Tlvs, tag};
use crate::address::Address;
use crate::command_status::CommandStatus;
use crate::frame::strict::{Unencodable, put};

/// The most destinations of one submit_multi (3.4, 5.2.24).
pub const DESTINATIONS_MAX: usize = 254;

/// `dest_flag` of a telephone number and of a distribution list (3.4, 5.2.25).
const FLAG_ADDRESS: u8 = 1;
const FLAG_LIST: u8 = 2;

/// A request about messages that were submitted before, or to several destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// query_sm.
    Query(QuerySm<'a>),
    /// cancel_sm.
    Cancel(CancelSm<'a>),
    /// replace_sm.
    Replace(ReplaceSm<'a>),
    /// submit_multi.
    SubmitMulti(SubmitMulti<'a>),
}

/// Why an operation cannot be read. The stream is still in step: answer and go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOperation {
    /// The body does not hold what it must: answer `ESME_RINVCMDLEN`.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A `dest_flag` that is neither 1 nor 2, so that nobody knows how long the destination is: answer
    /// `ESME_RINVDESTFLAG`.
    #[error("dest_flag {0} is neither 1 (address) nor 2 (distribution list)")]
    DestinationFlag(u8),
}

impl<'a> Raw<'a> {
    /// Reads the body of one of the four operations; `None` when it is another command.
    pub fn operation(&self) -> Option<Result<Operation<'a>, BadOperation>> {
        self.strict_operation().map(Ok).or_else(|| self.lenient_operation())
    }

    pub(super) fn strict_operation(&self) -> Option<Operation<'a>> {
        match self.header.command_id {
            CommandId::QUERY_SM => QuerySm::strictly(self.body).map(Operation::Query),
            CommandId::CANCEL_SM => CancelSm::strictly(self.body).map(Operation::Cancel),
            CommandId::REPLACE_SM => ReplaceSm::strictly(self.body).map(Operation::Replace),
            CommandId::SUBMIT_MULTI => SubmitMulti::strictly(self.body).map(Operation::SubmitMulti),
            CommandId(_) => None,
        }
    }

    pub(super) fn lenient_operation(&self) -> Option<Result<Operation<'a>, BadOperation>> {
        let fields = self.fields();
        Some(match self.header.command_id {
            CommandId::QUERY_SM => QuerySm::decode(fields).map(Operation::Query).map_err(Into::into),
            CommandId::CANCEL_SM => CancelSm::decode(fields).map(Operation::Cancel).map_err(Into::into),
            CommandId::REPLACE_SM => ReplaceSm::decode(fields).map(Operation::Replace).map_err(Into::into),
            CommandId::SUBMIT_MULTI => SubmitMulti::decode(fields).map(Operation::SubmitMulti),
            CommandId(_) => return None,
        })
    }

    pub(super) fn fields(&self) -> Fields<'a> {
        Fields {
            command: self.header.command_id,
            rest: self.body,
        }
    }
}

/// Asks for the state of one message (3.4, 4.8.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuerySm<'a> {
    /// The id in the answer to its submit.
    pub message_id: &'a [u8],
    /// The source address that it was submitted with.
    pub source: Address<'a>,
}

impl<'a> QuerySm<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            message_id: fields.c_string("message_id")?,
            source: fields.address("source_addr")?,
        })
    }

    /// Writes the request.
    ///
    /// # Errors
    /// [`Unencodable`]; nothing is written then.
    pub fn encode(&self, out: &mut BytesMut, sequence: u32) -> Result<(), Unencodable> {
        let body = self.strict()?;
        let start = begin(out, CommandId::QUERY_SM, CommandStatus::ESME_ROK, sequence);
        put(out, &body);
        end(out, start);
        Ok(())
    }
}

/// The answer to a query_sm (3.4, 4.8.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuerySmResp<'a> {
    /// As it was asked for.
    pub message_id: &'a [u8],
    /// When the message came to its final state, as an absolute time (3.4, 7.1.1); empty while it has not.
    pub final_date: &'a [u8],
    /// 1 ENROUTE to 8 REJECTED (3.4, 5.2.28).
    pub message_state: u8,
    /// The network's error; 0 when there is none.
    pub error_code: u8,
}

impl<'a> QuerySmResp<'a> {
    /// Reads the body of a query_sm_resp; one that says an error may have none.
    pub fn decode(raw: &Raw<'a>) -> Result<Self, Malformed> {
        if raw.body.is_empty() && raw.header.command_status != CommandStatus::ESME_ROK {
            return Ok(Self::default());
        }
        Self::strictly(raw.body).map_or_else(|| Self::leniently(raw.fields()), Ok)
    }

    pub(super) fn leniently(mut fields: Fields<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            message_id: fields.c_string("message_id")?,
            final_date: fields.c_string("final_date")?,
            message_state: fields.octet("message_state")?,
            error_code: fields.octet("error_code")?,
        })
    }

    /// Writes the response, which says `ESME_ROK`; one that says an error is [`encode_empty`](super::encode_empty)'s. Who
    /// hands out longer ids than the standard allows has to answer for them: what rusmpp refuses is written by hand.
    pub fn encode(&self, out: &mut BytesMut, sequence: u32) {
        let start = begin(out, CommandId::QUERY_SM_RESP, CommandStatus::ESME_ROK, sequence);
        match self.strict() {
            Ok(body) => put(out, &body),
            Err(_) => {
                put_c_string(out, self.message_id);
                put_c_string(out, self.final_date);
                out.put_slice(&[self.message_state, self.error_code]);
            }
        }
        end(out, start);
    }
}

/// Cancels one message, or all that are alike (3.4, 4.9.1). Its response has no body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CancelSm<'a> {
    /// Empty: any.
    pub service_type: &'a [u8],
    /// Empty: every message of this source to this destination.
    pub message_id: &'a [u8],
    /// The source address that it was submitted with.
    pub source: Address<'a>,
    /// Empty when `message_id` is not.
    pub destination: Address<'a>,
}

impl<'a> CancelSm<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            service_type: fields.c_string("service_type")?,
            message_id: fields.c_string("message_id")?,
            source: fields.address("source_addr")?,
            destination: fields.address("destination_addr")?,
        })
    }

    /// Writes the request.
    ///
    /// # Errors
    /// [`Unencodable`]; nothing is written then.
    pub fn encode(&self, out: &mut BytesMut, sequence: u32) -> Result<(), Unencodable> {
        let body = self.strict()?;
        let start = begin(out, CommandId::CANCEL_SM, CommandStatus::ESME_ROK, sequence);
        put(out, &body);
        end(out, start);
        Ok(())
    }
}

/// Gives a message another text, validity and receipt (3.4, 4.10.1). Its response has no body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the standard's own fields, in its order")]
pub struct ReplaceSm<'a> {
    pub message_id: &'a [u8],
    pub source: Address<'a>,
    pub schedule_delivery_time: &'a [u8],
    pub validity_period: &'a [u8],
    pub registered_delivery: u8,
    pub sm_default_msg_id: u8,
    pub short_message: &'a [u8],
    pub tlvs: Tlvs<'a>,
}

impl<'a> ReplaceSm<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            message_id: fields.c_string("message_id")?,
            source: fields.address("source_addr")?,
            schedule_delivery_time: fields.c_string("schedule_delivery_time")?,
            validity_period: fields.c_string("validity_period")?,
            registered_delivery: fields.octet("registered_delivery")?,
            sm_default_msg_id: fields.octet("sm_default_msg_id")?,
            short_message: fields.short_message()?,
            tlvs: Tlvs(fields.rest),
        })
    }

    /// The text's octets: SMPP 5.0 allows `message_payload` here, too (5.0, 4.5.3.1).
    pub fn text(&self) -> &'a [u8] {
        if self.short_message.is_empty() {
            return self.tlvs.get(tag::MESSAGE_PAYLOAD).unwrap_or_default();
        }
        self.short_message
    }

    /// Writes the request.
    ///
    /// # Errors
    /// [`Unencodable`]; nothing is written then.
    pub fn encode(&self, out: &mut BytesMut, sequence: u32) -> Result<(), Unencodable> {
        let body = self.strict()?;
        let start = begin(out, CommandId::REPLACE_SM, CommandStatus::ESME_ROK, sequence);
        put(out, &body);
        out.put_slice(self.tlvs.0);
        end(out, start);
        Ok(())
    }
}

/// One message to several destinations (3.4, 4.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubmitMulti<'a> {
    /// Everything that a submit_sm has, too; its `destination` is empty.
    pub sm: Sm<'a>,
    /// Where it is to go.
    pub destinations: Destinations<'a>,
}

impl<'a> SubmitMulti<'a> {
    fn decode(mut fields: Fields<'a>) -> Result<Self, BadOperation> {
        let mut sm = Sm {
            service_type: fields.c_string("service_type")?,
            source: fields.address("source_addr")?,
            ..Sm::default()
        };
        let count = fields.octet("number_of_dests")?;
        let octets = fields.rest;
        for _ in 0..count {
            Destination::decode(&mut fields)?;
        }
        let destinations = Destinations::walked(count, &octets[..octets.len() - fields.rest.len()]);
        sm.esm_class = fields.octet("esm_class")?;
        sm.take_tail(&mut fields)?;
        sm.tlvs = Tlvs(fields.rest);
        Ok(Self { sm, destinations })
    }

    /// Writes a request to these destinations.
    ///
    /// # Errors
    /// [`Unencodable`]; nothing is written then.
    pub fn encode(
        sm: &Sm<'_>,
        destinations: &[Destination<'_>],
        out: &mut BytesMut,
        sequence: u32,
    ) -> Result<(), Unencodable> {
        let body = Self::strict(sm, destinations)?;
        let start = begin(out, CommandId::SUBMIT_MULTI, CommandStatus::ESME_ROK, sequence);
        put(out, &body);
        out.put_slice(sm.tlvs.0);
        end(out, start);
        Ok(())
    }
}

/// The destinations of a submit_multi, still as octets that were walked through once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Destinations<'a> {
    count: u8,
    octets: &'a [u8],
}

impl<'a> Destinations<'a> {
    pub(super) fn walked(count: u8, octets: &'a [u8]) -> Self {
        Self { count, octets }
    }

    /// How many there are, 0 to 255: 1 to [`DESTINATIONS_MAX`] are legal.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Every one, in the order of the PDU.
    pub fn iter(&self) -> impl Iterator<Item = Destination<'a>> + use<'a> {
        let mut fields = Fields {
            command: CommandId::SUBMIT_MULTI,
            rest: self.octets,
        };
        (0..self.count).map_while(move |_| Destination::decode(&mut fields).ok())
    }
}

/// One destination of a submit_multi (3.4, 4.5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// A telephone number.
    Address(Address<'a>),
    /// The name of a distribution list that is kept at the SMSC.
    List(&'a [u8]),
}

impl<'a> Destination<'a> {
    fn decode(fields: &mut Fields<'a>) -> Result<Self, BadOperation> {
        match fields.octet("dest_flag")? {
            FLAG_ADDRESS => Ok(Self::Address(fields.address("destination_addr")?)),
            FLAG_LIST => Ok(Self::List(fields.c_string("dl_name")?)),
            other => Err(BadOperation::DestinationFlag(other)),
        }
    }
}

/// The answer to a submit_multi (3.4, 4.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubmitMultiResp<'a> {
    /// One id for all destinations that were accepted.
    pub message_id: &'a [u8],
    /// Those that were not.
    pub unsuccess: Vec<Unsuccess<'a>>,
}

/// A destination that a submit_multi did not reach (3.4, 4.5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsuccess<'a> {
    /// Which one; of a distribution list, its name.
    pub destination: Address<'a>,
    /// Why.
    pub status: CommandStatus,
}

impl<'a> SubmitMultiResp<'a> {
    /// Reads the body of a submit_multi_resp; one that says an error may have none.
    pub fn decode(raw: &Raw<'a>) -> Result<Self, Malformed> {
        if raw.body.is_empty() && raw.header.command_status != CommandStatus::ESME_ROK {
            return Ok(Self::default());
        }
        Self::strictly(raw.body).map_or_else(|| Self::leniently(raw.fields()), Ok)
    }

    pub(super) fn leniently(mut fields: Fields<'a>) -> Result<Self, Malformed> {
        let message_id = fields.c_string("message_id")?;
        let count = fields.octet("no_unsuccess")?;
        let unsuccess = (0..count).map(|_| {
            let destination = fields.address("destination_addr")?;
            let status = fields.octets(4, "error_status_code")?;
            let status = status.iter().fold(0, |status, &octet| status << 8 | u32::from(octet));
            let status = CommandStatus(status);
            Ok(Unsuccess { destination, status })
        });
        Ok(Self {
            message_id,
            unsuccess: unsuccess.collect::<Result<_, _>>()?,
        })
    }

    /// Writes the response; of the destinations the first 255 count. What rusmpp refuses is written by hand, see
    /// [`QuerySmResp::encode`].
    pub fn encode(&self, out: &mut BytesMut, (status, sequence): (CommandStatus, u32)) {
        let start = begin(out, CommandId::SUBMIT_MULTI_RESP, status, sequence);
        match self.strict() {
            Ok(body) => put(out, &body),
            Err(_) => self.put_by_hand(out),
        }
        end(out, start);
    }

    fn put_by_hand(&self, out: &mut BytesMut) {
        put_c_string(out, self.message_id);
        let unsuccess = &self.unsuccess[..self.unsuccess.len().min(usize::from(u8::MAX))];
        out.put_u8(unsuccess.len() as u8);
        for one in unsuccess {
            put_address(out, &one.destination);
            out.put_u32(one.status.0);
        }
    }
}
