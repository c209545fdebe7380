//! query_sm, cancel_sm, replace_sm and submit_multi that other programs wrote: what they mean to us, and whether we write
//! the same octets. See golden/README.md.

#![allow(clippy::unwrap_used, reason = "all of this is a test, its helpers too")]

use std::collections::HashMap;

use bytes::BytesMut;
use serde::Deserialize;
use smpp::command_status::CommandStatus;
use smpp::frame::{
    Address, BadOperation, CancelSm, Destination, Operation, PDU_LENGTH_MAX, QuerySm, QuerySmResp, Raw, ReplaceSm, Sm,
    SubmitMulti, SubmitMultiResp, Unsuccess, split,
};

const CASES: &str = include_str!("golden/operations.jsonl");
const PROGRAMS: [(&str, &str); 2] = [
    ("node-smpp", include_str!("golden/operations-node-smpp.jsonl")),
    ("Net::SMPP", include_str!("golden/operations-net-smpp.jsonl")),
];

#[derive(Deserialize)]
struct Case {
    case: String,
    command: String,
    sequence: u32,
    fields: Fields,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    message_id: String,
    service_type: String,
    source: (u8, u8, String),
    destination: (u8, u8, String),
    destinations: Vec<To>,
    unsuccess: Vec<(u8, u8, String, u32)>,
    final_date: String,
    message_state: u8,
    error_code: u8,
    esm_class: u8,
    protocol_id: u8,
    priority_flag: u8,
    schedule_delivery_time: String,
    validity_period: String,
    registered_delivery: u8,
    replace_if_present_flag: u8,
    data_coding: u8,
    sm_default_msg_id: u8,
    short_message: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum To {
    Address((u8, u8, String)),
    List(String),
}

#[derive(Deserialize)]
struct Written {
    case: String,
    hex: String,
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn address((ton, npi, digits): &(u8, u8, String)) -> Address<'_> {
    Address {
        ton: *ton,
        npi: *npi,
        digits: digits.as_bytes(),
    }
}

fn destinations<'a>(fields: &'a Fields) -> Vec<Destination<'a>> {
    let one = |to: &'a To| match to {
        To::Address(to) => Destination::Address(address(to)),
        To::List(name) => Destination::List(name.as_bytes()),
    };
    fields.destinations.iter().map(one).collect()
}

fn query(fields: &Fields) -> QuerySm<'_> {
    QuerySm {
        message_id: fields.message_id.as_bytes(),
        source: address(&fields.source),
    }
}

fn query_resp(fields: &Fields) -> QuerySmResp<'_> {
    QuerySmResp {
        message_id: fields.message_id.as_bytes(),
        final_date: fields.final_date.as_bytes(),
        message_state: fields.message_state,
        error_code: fields.error_code,
    }
}

fn cancel(fields: &Fields) -> CancelSm<'_> {
    CancelSm {
        service_type: fields.service_type.as_bytes(),
        message_id: fields.message_id.as_bytes(),
        source: address(&fields.source),
        destination: address(&fields.destination),
    }
}

fn replace<'a>(fields: &'a Fields, text: &'a [u8]) -> ReplaceSm<'a> {
    ReplaceSm {
        message_id: fields.message_id.as_bytes(),
        source: address(&fields.source),
        schedule_delivery_time: fields.schedule_delivery_time.as_bytes(),
        validity_period: fields.validity_period.as_bytes(),
        registered_delivery: fields.registered_delivery,
        sm_default_msg_id: fields.sm_default_msg_id,
        short_message: text,
        ..ReplaceSm::default()
    }
}

fn sm<'a>(fields: &'a Fields, text: &'a [u8]) -> Sm<'a> {
    Sm {
        service_type: fields.service_type.as_bytes(),
        source: address(&fields.source),
        esm_class: fields.esm_class,
        protocol_id: fields.protocol_id,
        priority_flag: fields.priority_flag,
        schedule_delivery_time: fields.schedule_delivery_time.as_bytes(),
        validity_period: fields.validity_period.as_bytes(),
        registered_delivery: fields.registered_delivery,
        replace_if_present: fields.replace_if_present_flag,
        data_coding: fields.data_coding,
        sm_default_msg_id: fields.sm_default_msg_id,
        short_message: text,
        ..Sm::default()
    }
}

fn multi_resp<'a>(fields: &'a Fields) -> SubmitMultiResp<'a> {
    let one = |(ton, npi, digits, status): &'a (u8, u8, String, u32)| Unsuccess {
        destination: Address {
            ton: *ton,
            npi: *npi,
            digits: digits.as_bytes(),
        },
        status: CommandStatus(*status),
    };
    SubmitMultiResp {
        message_id: fields.message_id.as_bytes(),
        unsuccess: fields.unsuccess.iter().map(one).collect(),
    }
}

/// Whether the decoded PDU is what the case says.
fn means(case: &Case, raw: &Raw<'_>) -> bool {
    let fields = &case.fields;
    let text = unhex(&fields.short_message);
    match raw.operation() {
        Some(Ok(Operation::Query(found))) => found == query(fields),
        Some(Ok(Operation::Cancel(found))) => found == cancel(fields),
        Some(Ok(Operation::Replace(found))) => found == replace(fields, &text),
        Some(Ok(Operation::SubmitMulti(found))) => {
            found.sm == sm(fields, &text) && found.destinations.iter().collect::<Vec<_>>() == destinations(fields)
        }
        Some(Err(_)) => false,
        None if case.command == "query_sm_resp" => QuerySmResp::decode(raw).unwrap() == query_resp(fields),
        None => SubmitMultiResp::decode(raw).unwrap() == multi_resp(fields),
    }
}

/// What we write for a case.
fn ours(case: &Case) -> BytesMut {
    let mut out = BytesMut::new();
    let (fields, sequence) = (&case.fields, case.sequence);
    let text = unhex(&fields.short_message);
    match case.command.as_str() {
        "query_sm" => query(fields).encode(&mut out, sequence).unwrap(),
        "query_sm_resp" => query_resp(fields).encode(&mut out, sequence),
        "cancel_sm" => cancel(fields).encode(&mut out, sequence).unwrap(),
        "replace_sm" => replace(fields, &text).encode(&mut out, sequence).unwrap(),
        "submit_multi" => SubmitMulti::encode(&sm(fields, &text), &destinations(fields), &mut out, sequence).unwrap(),
        _ => multi_resp(fields).encode(&mut out, (CommandStatus::ESME_ROK, sequence)),
    }
    out
}

#[test]
fn what_others_write_means_what_they_meant_and_we_write_the_same() {
    let cases: HashMap<_, _> = CASES
        .lines()
        .map(|line| serde_json::from_str::<Case>(line).unwrap())
        .map(|case| (case.case.clone(), case))
        .collect();
    let mut compared = 0;
    for (program, lines) in PROGRAMS {
        for line in lines.lines() {
            let Written { case: name, hex } = serde_json::from_str(line).unwrap();
            let (case, octets) = (&cases[&name], unhex(&hex));
            let raw = split(&octets, PDU_LENGTH_MAX).unwrap().unwrap();
            assert_eq!(raw.header.command_id.name(), case.command, "{program}: {name}");
            assert_eq!(raw.header.sequence, case.sequence, "{program}: {name}");
            assert!(means(case, &raw), "{program}: {name}: {:?}", raw.operation());
            assert_eq!(ours(case), octets, "{program}: {name}");
            compared += 1;
        }
    }
    // Net::SMPP writes the six requests.
    assert_eq!(compared, cases.len() + 6);
}

#[test]
fn a_body_cut_anywhere_is_named_and_an_unknown_flag_too() {
    let destinations = [Destination::Address(Address::international(b"33612345678"))];
    let mut whole = BytesMut::new();
    SubmitMulti::encode(&Sm::default(), &destinations, &mut whole, 1).unwrap();
    for length in 16..whole.len() {
        let mut cut = whole[..length].to_vec();
        cut[..4].copy_from_slice(&(length as u32).to_be_bytes());
        let raw = split(&cut, PDU_LENGTH_MAX).unwrap().unwrap();
        assert!(
            matches!(raw.operation(), Some(Err(BadOperation::Malformed(_)))),
            "{length}"
        );
    }
    let flag = 16 + 1 + 3 + 1; // header, service_type, source, number_of_dests
    whole[flag] = 3;
    let raw = split(&whole, PDU_LENGTH_MAX).unwrap().unwrap();
    assert_eq!(raw.operation(), Some(Err(BadOperation::DestinationFlag(3))));
}
