//! One PDU, field by field, for people: names and values as the standard has them, what each value means, the text, and
//! everything that is wrong. Where the codec takes what carriers get wrong, this says so.
//!
//! rusmpp's types say what a value means, and its decoder is the strict reader whose verdict is [`Anatomy::refusal`]. The
//! fields themselves are cut here ([`layout`] has their order), since a PDU that rusmpp refuses is the one to look at.

mod contents;
mod layout;
mod parameters;
mod values;
mod walk;

use std::borrow::Cow;

use bytes::BytesMut;
use rusmpp::decode::DecodeWithLength;

use crate::command_status::CommandStatus;
use crate::frame::{CommandId, HEADER_LENGTH, Header, PDU_LENGTH_MAX, Raw};
use crate::receipt::Receipt;

pub use contents::Text;
pub use parameters::Parameter;

/// Everything that the octets of one PDU say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Anatomy<'a> {
    /// None: there are not even the 16 octets of a header.
    pub header: Option<Header>,
    /// The mandatory fields in their order, as far as they can be read.
    pub fields: Vec<Field>,
    /// The optional parameters in their order.
    pub parameters: Vec<Parameter>,
    /// The text of a submit_sm, deliver_sm, data_sm or submit_multi.
    pub text: Option<Text>,
    /// What a deliver_sm or data_sm says as a receipt.
    pub receipt: Option<Receipt<'a>>,
    /// Everything that the standard has otherwise.
    pub problems: Vec<Problem>,
    /// Why rusmpp, a strict decoder, does not take the PDU; `None`: it does.
    pub refusal: Option<String>,
}

/// A mandatory field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The standard's name.
    pub name: &'static str,
    /// What it holds.
    pub value: Value,
    /// What that means, where the standard says.
    pub meaning: Option<String>,
}

/// What a field or parameter holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An integer of one, two or four octets.
    Number(u32),
    /// A C-string, without its NUL.
    Text(String),
    /// Octets.
    Octets(Vec<u8>),
    /// Destinations, or those that were refused.
    List(Vec<Vec<Field>>),
}

/// Something that the standard has otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field's name, or the parameter's.
    pub place: Cow<'static, str>,
    /// What is wrong, and what is right.
    pub what: String,
    /// Whether octets could not be read for it.
    pub breaks: bool,
}

impl Anatomy<'_> {
    /// Whether every octet has its place.
    pub fn is_whole(&self) -> bool {
        !self.problems.iter().any(|problem| problem.breaks)
    }

    fn remark(&mut self, place: impl Into<Cow<'static, str>>, what: impl Into<String>) {
        self.problem(place.into(), what.into(), false);
    }

    fn broken(&mut self, place: impl Into<Cow<'static, str>>, what: impl Into<String>) {
        self.problem(place.into(), what.into(), true);
    }

    fn problem(&mut self, place: Cow<'static, str>, what: String, breaks: bool) {
        self.problems.push(Problem { place, what, breaks });
    }
}

/// Takes a PDU apart. `octets` are all that is thought to be of it, whatever its `command_length` says.
pub fn anatomy(octets: &[u8]) -> Anatomy<'_> {
    let mut anatomy = Anatomy::default();
    let Some((head, body)) = octets.split_first_chunk::<HEADER_LENGTH>() else {
        let what = format!("{} octets are no header, which has {HEADER_LENGTH}", octets.len());
        anatomy.broken("header", what);
        anatomy.refusal = Some("no header".to_owned());
        return anatomy;
    };
    let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let header = Header {
        length: word(0),
        command_id: CommandId(word(4)),
        command_status: CommandStatus(word(8)),
        sequence: word(12),
    };
    anatomy.header = Some(header);
    look_at_header(&mut anatomy, header, octets.len());
    match layout::of(header.command_id) {
        Some(layout) => walk::walk(&mut anatomy, layout, body),
        None => unknown(&mut anatomy, body),
    }
    contents::look_at_text(&mut anatomy, &Raw { header, body });
    anatomy.refusal = refusal(header, octets).filter(|_| !parameters::is_misread(&anatomy.parameters));
    anatomy
}

fn look_at_header(anatomy: &mut Anatomy<'_>, header: Header, octets: usize) {
    let length = header.length as usize;
    if !(HEADER_LENGTH..=PDU_LENGTH_MAX).contains(&length) {
        let what = format!("{length} is not between {HEADER_LENGTH} and {PDU_LENGTH_MAX}");
        anatomy.broken("command_length", what);
    } else if length != octets {
        anatomy.broken("command_length", format!("{length}, but there are {octets} octets"));
    }
    let (command, status) = (header.command_id, header.command_status);
    if !command.is_response() && status != CommandStatus::ESME_ROK {
        anatomy.remark("command_status", "not 0 in a request");
    } else if status.name().is_none() && !VENDOR_STATUSES.contains(&status.0) {
        anatomy.remark("command_status", format!("{status} is reserved"));
    }
    // A generic_nack answers what it cannot read with sequence number 0 (3.4, 4.3.1).
    let lowest = u32::from(command != CommandId::GENERIC_NACK);
    if !(lowest..=0x7FFF_FFFF).contains(&header.sequence) {
        let what = format!("0x{:08X} is not between 1 and 0x7FFFFFFF", header.sequence);
        anatomy.remark("sequence_number", what);
    }
}

/// 3.4, 5.1.3: left to vendors.
const VENDOR_STATUSES: std::ops::RangeInclusive<u32> = 0x400..=0x4FF;

fn unknown(anatomy: &mut Anatomy<'_>, body: &[u8]) {
    if let Some(header) = anatomy.header {
        let what = format!("0x{:08X} is reserved", header.command_id.0);
        anatomy.broken("command_id", what);
    }
    if !body.is_empty() {
        anatomy.fields.push(Field {
            name: "body",
            value: Value::Octets(body.to_vec()),
            meaning: None,
        });
    }
}

/// Whether rusmpp decodes these octets, and all of them. It has no eye for where a PDU ends (see [`frame`](crate::frame)),
/// so that is looked at here.
fn refusal(header: Header, octets: &[u8]) -> Option<String> {
    if header.length as usize != octets.len() {
        return Some("not as long as its header says".to_owned());
    }
    let rest = octets.len() - 4;
    match rusmpp::Command::decode(&mut BytesMut::from(&octets[4..]), rest) {
        Ok((_, used)) if used == rest => None,
        Ok((_, used)) => Some(format!("{} octets are left over", rest.saturating_sub(used))),
        Err(error) => Some(error.kind().to_string()),
    }
}
