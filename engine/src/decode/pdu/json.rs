//! A PDU as one JSON object.

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};
use smpp::anatomy::{Anatomy, Field, Value};

use crate::decode::receipt_fields;

/// The object of a PDU; names and values are in the order of the PDU, octets in hexadecimal.
pub(super) struct PduObject<'a> {
    pub(super) place: &'a str,
    pub(super) anatomy: &'a Anatomy<'a>,
}

impl Serialize for PduObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let anatomy = self.anatomy;
        let mut object = serializer.serialize_struct("pdu", 15)?;
        object.serialize_field("place", self.place)?;
        if let Some(header) = anatomy.header {
            object.serialize_field("command", header.command_id.name())?;
            object.serialize_field("command_length", &header.length)?;
            object.serialize_field("command_id", &header.command_id.0)?;
            object.serialize_field("command_status", &header.command_status.0)?;
            object.serialize_field("status", &header.command_status.to_string())?;
            object.serialize_field("sequence_number", &header.sequence)?;
        }
        object.serialize_field("fields", &Values(&anatomy.fields))?;
        object.serialize_field("meanings", &Meanings(&anatomy.fields))?;
        let parameters: Vec<ParameterObject<'_>> = anatomy
            .parameters
            .iter()
            .map(|parameter| ParameterObject {
                tag: format!("0x{:04X}", parameter.tag),
                name: parameter.name,
                length: parameter.octets.len(),
                value: ValueJson(&parameter.value),
                meaning: parameter.meaning.as_deref(),
            })
            .collect();
        object.serialize_field("parameters", &parameters)?;
        let text = anatomy.text.as_ref();
        object.serialize_field("text", &text.map(|text| &text.text))?;
        let part = text.and_then(|text| text.part).map(|part| PartObject {
            reference: part.reference,
            total: part.total,
            number: part.number,
        });
        object.serialize_field("part", &part)?;
        object.serialize_field("receipt", &anatomy.receipt.as_ref().map(receipt_fields))?;
        let problems = anatomy.problems.iter().map(|problem| ProblemObject {
            place: &problem.place,
            what: &problem.what,
        });
        object.serialize_field("problems", &problems.collect::<Vec<_>>())?;
        object.serialize_field("rusmpp_refuses", &anatomy.refusal)?;
        object.end()
    }
}

struct Values<'a>(&'a [Field]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|field| (field.name, ValueJson(&field.value))))
    }
}

/// Of the fields that have one.
struct Meanings<'a>(&'a [Field]);

impl Serialize for Meanings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in self.0 {
            if let Some(meaning) = &field.meaning {
                map.serialize_entry(field.name, meaning)?;
            }
        }
        map.end()
    }
}

struct ValueJson<'a>(&'a Value);

impl Serialize for ValueJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => serializer.serialize_u32(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Octets(octets) => serializer.serialize_str(&hex(octets)),
            Value::List(list) => serializer.collect_seq(list.iter().map(|fields| Values(fields))),
        }
    }
}

#[derive(Serialize)]
struct ParameterObject<'a> {
    tag: String,
    name: Option<&'static str>,
    length: usize,
    value: ValueJson<'a>,
    meaning: Option<&'a str>,
}

#[derive(Serialize)]
struct PartObject {
    reference: u16,
    total: u8,
    number: u8,
}

#[derive(Serialize)]
struct ProblemObject<'a> {
    place: &'a str,
    what: &'a str,
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
