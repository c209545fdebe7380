//! PDUs that other programs wrote: what they mean to us, and whether we write the same octets. See golden/README.md.

#![allow(clippy::unwrap_used, reason = "all of this is a test, its helpers too")]

use std::collections::HashMap;

use bytes::BytesMut;
use serde::Deserialize;
use smpp::command_status::CommandStatus;
use smpp::frame::{
    Address, Bind, BindKind, BindResp, Header, PDU_LENGTH_MAX, Pdu, Raw, Sm, Tlvs, encode_bind, encode_bind_resp,
    encode_empty, encode_sm_resp, put_tlv, split,
};

const CASES: &str = include_str!("golden/cases.jsonl");
const PROGRAMS: [(&str, &str); 3] = [
    ("python-smpplib", include_str!("golden/smpplib.jsonl")),
    ("node-smpp", include_str!("golden/node-smpp.jsonl")),
    ("Net::SMPP", include_str!("golden/net-smpp.jsonl")),
];

/// What a PDU means, as it was given to the programs.
#[derive(Deserialize)]
struct Case {
    case: String,
    command: String,
    status: u32,
    sequence: u32,
    fields: Fields,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    system_id: String,
    password: String,
    system_type: String,
    interface_version: u8,
    addr_ton: u8,
    addr_npi: u8,
    address_range: String,
    message_id: String,
    service_type: String,
    source: (u8, u8, String),
    destination: (u8, u8, String),
    esm_class: u8,
    protocol_id: u8,
    priority_flag: u8,
    schedule_delivery_time: String,
    validity_period: String,
    registered_delivery: u8,
    replace_if_present: u8,
    data_coding: u8,
    sm_default_msg_id: u8,
    short_message: String,
    tlvs: Vec<(String, u16, String)>,
}

#[derive(Deserialize)]
struct Written {
    case: String,
    hex: String,
}

fn cases() -> HashMap<String, Case> {
    CASES
        .lines()
        .map(|line| serde_json::from_str::<Case>(line).unwrap())
        .map(|case| (case.case.clone(), case))
        .collect()
}

/// Program, case and octets of every PDU.
fn written() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut all = Vec::new();
    for (program, lines) in PROGRAMS {
        for line in lines.lines() {
            let written: Written = serde_json::from_str(line).unwrap();
            all.push((program, written.case, unhex(&written.hex)));
        }
    }
    all
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn tlv_octets(fields: &Fields) -> BytesMut {
    let mut out = BytesMut::new();
    for (_, tag, value) in &fields.tlvs {
        put_tlv(&mut out, *tag, &unhex(value));
    }
    out
}

fn address(of: &(u8, u8, String)) -> Address<'_> {
    Address {
        ton: of.0,
        npi: of.1,
        digits: of.2.as_bytes(),
    }
}

fn sm<'a>(fields: &'a Fields, text: &'a [u8], tlvs: &'a [u8]) -> Sm<'a> {
    Sm {
        service_type: fields.service_type.as_bytes(),
        source: address(&fields.source),
        destination: address(&fields.destination),
        esm_class: fields.esm_class,
        protocol_id: fields.protocol_id,
        priority_flag: fields.priority_flag,
        schedule_delivery_time: fields.schedule_delivery_time.as_bytes(),
        validity_period: fields.validity_period.as_bytes(),
        registered_delivery: fields.registered_delivery,
        replace_if_present: fields.replace_if_present,
        data_coding: fields.data_coding,
        sm_default_msg_id: fields.sm_default_msg_id,
        short_message: text,
        tlvs: Tlvs(tlvs),
    }
}

fn bind(fields: &Fields, kind: BindKind) -> Bind<'_> {
    Bind {
        kind,
        system_id: fields.system_id.as_bytes(),
        password: fields.password.as_bytes(),
        system_type: fields.system_type.as_bytes(),
        interface_version: fields.interface_version,
        addr_ton: fields.addr_ton,
        addr_npi: fields.addr_npi,
        address_range: fields.address_range.as_bytes(),
    }
}

fn bind_kind(command: &str) -> BindKind {
    command
        .trim_start_matches("bind_")
        .trim_end_matches("_resp")
        .parse()
        .unwrap()
}

/// Whether the decoded PDU is what the case says.
fn means(case: &Case, raw: &Raw<'_>) -> bool {
    let fields = &case.fields;
    let (text, tlvs) = (unhex(&fields.short_message), tlv_octets(fields));
    let expected = sm(fields, &text, &tlvs);
    match raw.decode().unwrap() {
        Pdu::Bind(found) => found == bind(fields, bind_kind(&case.command)),
        Pdu::BindResp(found) => {
            let version = fields.tlvs.first().map(|_| 0x34);
            found.system_id == fields.system_id.as_bytes() && found.sc_interface_version == version
        }
        Pdu::SubmitSm(found) | Pdu::DeliverSm(found) | Pdu::DataSm(found) => found == expected,
        Pdu::SubmitSmResp(found) | Pdu::DeliverSmResp(found) | Pdu::DataSmResp(found) => {
            found.message_id == fields.message_id.as_bytes()
        }
        Pdu::Unbind | Pdu::UnbindResp | Pdu::EnquireLink | Pdu::EnquireLinkResp | Pdu::GenericNack => {
            raw.body.is_empty()
        }
        Pdu::Other => false,
    }
}

/// What we write for a case.
fn ours(case: &Case, header: Header) -> BytesMut {
    let mut out = BytesMut::new();
    let fields = &case.fields;
    let (text, tlvs) = (unhex(&fields.short_message), tlv_octets(fields));
    let sm = sm(fields, &text, &tlvs);
    let status = CommandStatus(case.status);
    match case.command.as_str() {
        "submit_sm" => sm.encode_submit(&mut out, case.sequence),
        "deliver_sm" => sm.encode_deliver(&mut out, case.sequence),
        "data_sm" => sm.encode_data(&mut out, case.sequence),
        "submit_sm_resp" | "deliver_sm_resp" | "data_sm_resp" => {
            encode_sm_resp(
                &mut out,
                (header.command_id, status, case.sequence),
                fields.message_id.as_bytes(),
            );
        }
        "bind_transceiver" | "bind_transmitter" | "bind_receiver" => {
            encode_bind(&mut out, case.sequence, &bind(fields, bind_kind(&case.command))).unwrap();
        }
        "bind_transceiver_resp" => {
            let kind = bind_kind(&case.command);
            let response = BindResp {
                system_id: fields.system_id.as_bytes(),
                sc_interface_version: fields.tlvs.first().map(|_| 0x34),
            };
            encode_bind_resp(&mut out, kind, (status, case.sequence), &response);
        }
        _ => encode_empty(&mut out, header.command_id, status, case.sequence),
    }
    out
}

#[test]
fn every_program_wrote_every_case() {
    let cases = cases();
    assert_eq!(written().len(), PROGRAMS.len() * cases.len());
}

#[test]
fn what_others_write_means_what_they_meant() {
    let cases = cases();
    for (program, name, octets) in written() {
        let case = &cases[&name];
        let raw = split(&octets, PDU_LENGTH_MAX).unwrap().unwrap();
        assert_eq!(raw.header.length as usize, octets.len(), "{program}: {name}");
        assert_eq!(raw.header.command_id.name(), case.command, "{program}: {name}");
        assert_eq!(raw.header.command_status.0, case.status, "{program}: {name}");
        assert_eq!(raw.header.sequence, case.sequence, "{program}: {name}");
        assert!(means(case, &raw), "{program}: {name}: {:?}", raw.decode());
    }
}

#[test]
fn we_write_the_same_octets() {
    let cases = cases();
    let mut compared = 0;
    for (program, name, octets) in written() {
        let differs = match name.as_str() {
            // We give no body to an error (3.4, 4.4.2), which not all programs do.
            "submit_sm_resp_throttled" => program != "node-smpp",
            _ => false,
        };
        if !differs {
            let header = split(&octets, PDU_LENGTH_MAX).unwrap().unwrap().header;
            assert_eq!(ours(&cases[&name], header), octets, "{program}: {name}");
            compared += 1;
        }
    }
    assert_eq!(compared, written().len() - 2);
}

#[test]
fn a_stream_of_all_of_them_is_cut_where_they_were_joined() {
    let all: Vec<_> = written();
    let stream: Vec<u8> = all.iter().flat_map(|(_, _, octets)| octets.clone()).collect();
    let mut rest = stream.as_slice();
    for (program, name, octets) in &all {
        let raw = split(rest, PDU_LENGTH_MAX).unwrap().unwrap();
        assert_eq!(&rest[..raw.header.length as usize], octets, "{program}: {name}");
        assert!(
            split(&rest[..octets.len() - 1], PDU_LENGTH_MAX).unwrap().is_none(),
            "{program}: {name} is incomplete"
        );
        rest = &rest[octets.len()..];
    }
    assert!(rest.is_empty());
}
