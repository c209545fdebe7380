//! A PDU as lines for people.

use std::fmt::Write;

use smpp::anatomy::{Anatomy, Field, Value};

use super::json::hex;
use crate::decode::receipt_fields;

/// Octets that are shown of a value; JSON has all of them.
const SHOWN_MAX: usize = 48;

/// Where values begin.
const COLUMN: usize = 36;

/// The lines of one PDU, and an empty one.
pub(super) fn words(place: &str, anatomy: &Anatomy<'_>) -> String {
    let mut out = String::new();
    match anatomy.header {
        Some(header) => {
            let (command, status) = (header.command_id, header.command_status);
            line(&mut out, 0, command.name(), place);
            line(&mut out, 1, "command_length", &header.length.to_string());
            line(&mut out, 1, "command_id", &format!("0x{:08X}", command.0));
            let status = format!("0x{:08X}  {}: {}", status.0, status, status.meaning());
            line(&mut out, 1, "command_status", &status);
            line(&mut out, 1, "sequence_number", &header.sequence.to_string());
        }
        None => line(&mut out, 0, "no PDU", place),
    }
    lines_of(&mut out, 1, &anatomy.fields);
    for parameter in &anatomy.parameters {
        let name = parameter.name.unwrap_or_default();
        let shown = explained(&parameter.value, parameter.meaning.as_deref());
        line(&mut out, 1, &format!("0x{:04X} {name}", parameter.tag), &shown);
    }
    if let Some(text) = &anatomy.text {
        line(&mut out, 1, "= text", &format!("{:?}", text.text));
        if let Some(part) = text.part {
            let words = format!("{} of {}, reference {}", part.number, part.total, part.reference);
            line(&mut out, 1, "= part", &words);
        }
    }
    if let Some(receipt) = &anatomy.receipt {
        let fields = receipt_fields(receipt);
        let fields = fields.as_object().into_iter().flatten();
        let present = fields.filter(|(_, value)| !value.is_null());
        let words: Vec<String> = present.map(|(name, value)| format!("{name} {value}")).collect();
        line(&mut out, 1, "= receipt", &words.join(", "));
    }
    for problem in &anatomy.problems {
        line(&mut out, 1, "! wrong", &format!("{}: {}", problem.place, problem.what));
    }
    match &anatomy.refusal {
        None => line(&mut out, 1, "= rusmpp", "takes it"),
        Some(why) => line(&mut out, 1, "= rusmpp", &format!("refuses it: {why}")),
    }
    out.push('\n');
    out
}

fn lines_of(out: &mut String, depth: usize, fields: &[Field]) {
    for field in fields {
        match &field.value {
            Value::List(list) => {
                for fields in list {
                    line(out, depth, field.name, "");
                    lines_of(out, depth + 1, fields);
                }
            }
            value @ (Value::Number(_) | Value::Text(_) | Value::Octets(_)) => {
                line(out, depth, field.name, &explained(value, field.meaning.as_deref()));
            }
        }
    }
}

fn explained(value: &Value, meaning: Option<&str>) -> String {
    let shown = match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Octets(octets) if octets.len() > SHOWN_MAX => {
            format!("{}… ({} octets)", hex(&octets[..SHOWN_MAX]), octets.len())
        }
        Value::Octets(octets) => hex(octets),
        Value::List(list) => list.len().to_string(),
    };
    match meaning {
        Some(meaning) => format!("{shown}  {meaning}"),
        None => shown,
    }
}

fn line(out: &mut String, depth: usize, name: &str, value: &str) {
    let indent = 2 * depth;
    let width = COLUMN - indent;
    // Writing into a string cannot fail.
    let _infallible = writeln!(out, "{:indent$}{name:<width$} {value}", "");
}
