//! Cuts a body into its fields, in the order of a layout.

use super::layout::{ADDRESS, LIST, Layout, REFUSED, Shape, Slot};
use super::values::Said;
use super::{Anatomy, Field, Value, parameters};
use crate::command_status::CommandStatus;

/// `dest_flag` of a telephone number and of a distribution list (3.4, 5.2.25).
const FLAG_ADDRESS: u8 = 1;
const FLAG_LIST: u8 = 2;

/// 3.4, 5.2.21; 5.0 allows one more.
const SHORT_MESSAGE_MAX: usize = 254;

/// Reads the fields, and the parameters behind them.
pub(super) fn walk(anatomy: &mut Anatomy<'_>, layout: &Layout, body: &[u8]) {
    // A response that says an error may lack its body (3.4, 4.1.2 and 4.4.2).
    let refusal = anatomy
        .header
        .is_some_and(|header| header.command_id.is_response() && header.command_status != CommandStatus::ESME_ROK);
    if refusal && body.is_empty() {
        return;
    }
    let mut rest = Rest(body);
    let Some(fields) = rest.fields(anatomy, layout.fields) else {
        return;
    };
    anatomy.fields = fields;
    if layout.parameters {
        parameters::read(anatomy, rest.0);
    } else if !rest.0.is_empty() {
        anatomy.broken("body", format!("{} octets behind the last field", rest.0.len()));
    }
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The fields of these slots; None: one is cut off. Those before it are the anatomy's then.
    fn fields(&mut self, anatomy: &mut Anatomy<'_>, slots: &[Slot]) -> Option<Vec<Field>> {
        let mut fields = Vec::with_capacity(slots.len());
        for slot in slots {
            if self.field(anatomy, slot, &mut fields).is_none() {
                anatomy.fields.append(&mut fields);
                return None;
            }
        }
        Some(fields)
    }

    fn field(&mut self, anatomy: &mut Anatomy<'_>, slot: &Slot, fields: &mut Vec<Field>) -> Option<()> {
        let name = slot.0;
        let mut push = |name, value, meaning| fields.push(Field { name, value, meaning });
        match slot.1 {
            Shape::Octet(explain) => {
                let octet = self.octet(anatomy, name)?;
                let Said { meaning, reserved } = explain(octet);
                if reserved {
                    anatomy.remark(name, format!("0x{octet:02X} is reserved"));
                }
                push(name, Value::Number(octet.into()), meaning);
            }
            Shape::Status => {
                let octets = self.octets(anatomy, name, 4)?;
                let status = octets.iter().fold(0, |status, octet| status << 8 | u32::from(*octet));
                let meaning = CommandStatus(status).name().map(str::to_owned);
                push(name, Value::Number(status), meaning);
            }
            Shape::CString(octets_max) => {
                let text = self.c_string(anatomy, name, octets_max)?;
                push(name, Value::Text(text), None);
            }
            Shape::Time => {
                let text = self.c_string(anatomy, name, 17)?;
                if !text.is_empty() && !is_time(&text) {
                    anatomy.remark(name, "neither empty nor YYMMDDhhmmsstnnp");
                }
                push(name, Value::Text(text), None);
            }
            Shape::ShortMessage => {
                let length = self.octet(anatomy, "sm_length")?;
                push("sm_length", Value::Number(length.into()), None);
                let octets = self.octets(anatomy, name, length.into())?;
                if octets.len() > SHORT_MESSAGE_MAX {
                    anatomy.remark(name, format!("{length} octets: at most {SHORT_MESSAGE_MAX}"));
                }
                push(name, Value::Octets(octets.to_vec()), None);
            }
            Shape::Destinations => {
                let count = self.octet(anatomy, "number_of_dests")?;
                push("number_of_dests", Value::Number(count.into()), None);
                let destinations = (0..count).map(|_| self.destination(anatomy));
                push(name, Value::List(destinations.collect::<Option<_>>()?), None);
            }
            Shape::Refused => {
                let count = self.octet(anatomy, "no_unsuccess")?;
                push("no_unsuccess", Value::Number(count.into()), None);
                let refused = (0..count).map(|_| self.fields(anatomy, &REFUSED));
                push(name, Value::List(refused.collect::<Option<_>>()?), None);
            }
        }
        Some(())
    }

    fn destination(&mut self, anatomy: &mut Anatomy<'_>) -> Option<Vec<Field>> {
        let flag = self.octet(anatomy, "dest_flag")?;
        let (slots, meaning): (&[Slot], _) = match flag {
            FLAG_ADDRESS => (&ADDRESS, "address"),
            FLAG_LIST => (&LIST, "distribution list"),
            _ => {
                let what = format!("{flag} is neither {FLAG_ADDRESS} (address) nor {FLAG_LIST} (distribution list)");
                anatomy.broken("dest_flag", what);
                return None;
            }
        };
        let mut destination = vec![Field {
            name: "dest_flag",
            value: Value::Number(flag.into()),
            meaning: Some(meaning.to_owned()),
        }];
        destination.extend(self.fields(anatomy, slots)?);
        Some(destination)
    }

    fn octet(&mut self, anatomy: &mut Anatomy<'_>, name: &'static str) -> Option<u8> {
        self.octets(anatomy, name, 1)?.first().copied()
    }

    fn octets(&mut self, anatomy: &mut Anatomy<'_>, name: &'static str, count: usize) -> Option<&'a [u8]> {
        let Some((octets, rest)) = self.0.split_at_checked(count) else {
            anatomy.broken(name, format!("needs {count} octets, {} are left", self.0.len()));
            return None;
        };
        self.0 = rest;
        Some(octets)
    }

    fn c_string(&mut self, anatomy: &mut Anatomy<'_>, name: &'static str, octets_max: usize) -> Option<String> {
        let Some(length) = self.0.iter().position(|octet| *octet == 0) else {
            let what = match self.0.len() {
                0 => "not there: nothing is left, not even its closing NUL".to_owned(),
                left => format!("no closing NUL in the {left} octets that are left"),
            };
            anatomy.broken(name, what);
            return None;
        };
        let text = &self.0[..length];
        self.0 = &self.0[length + 1..];
        if length + 1 > octets_max {
            let what = format!("{} octets with its NUL: at most {octets_max}", length + 1);
            anatomy.remark(name, what);
        }
        if !text.is_ascii() {
            anatomy.remark(name, "not ASCII");
        }
        Some(String::from_utf8_lossy(text).into_owned())
    }
}

/// `YYMMDDhhmmsstnnp`: p is + or - for an absolute time, R for a relative one (3.4, 7.1.1).
fn is_time(text: &str) -> bool {
    text.strip_suffix(['+', '-', 'R'])
        .is_some_and(|digits| digits.len() == 15 && digits.bytes().all(|digit| digit.is_ascii_digit()))
}
