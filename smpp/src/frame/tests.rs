mod strict;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use rusmpp::decode::DecodeWithLength;

use super::*;
use crate::address::{npi, ton};

fn submit<'a>(text: &'a [u8], tlvs: &'a [u8]) -> Sm<'a> {
    Sm {
        source: Address {
            ton: ton::ALPHANUMERIC,
            npi: npi::UNKNOWN,
            digits: b"CLINIQUE",
        },
        destination: Address::international(b"33612345678"),
        registered_delivery: 1,
        short_message: text,
        tlvs: Tlvs(tlvs),
        ..Sm::default()
    }
}

fn decode(buffer: &[u8]) -> Pdu<'_> {
    split(buffer, PDU_LENGTH_MAX).unwrap().unwrap().decode().unwrap()
}

/// What rusmpp makes of the bytes, all of which it must use.
fn by_rusmpp(buffer: &[u8]) -> rusmpp::Command {
    let mut bytes = BytesMut::from(&buffer[4..]);
    let (command, used) = rusmpp::Command::decode(&mut bytes, buffer.len() - 4).unwrap();
    assert_eq!(used, buffer.len() - 4);
    command
}

#[test]
fn our_submit_sm_is_rusmpps_submit_sm_octet_for_octet() {
    use rusmpp::types::{COctetString, OctetString};
    use rusmpp::values::{DataCoding, EsmClass, Npi, RegisteredDelivery, Ton};
    let mut ours = BytesMut::new();
    submit(b"Bonjour", &[]).encode_submit(&mut ours, 7);

    let theirs = rusmpp::pdus::SubmitSm::builder()
        .source_addr_ton(Ton::Alphanumeric)
        .source_addr(COctetString::from_static_slice(b"CLINIQUE\0").unwrap())
        .dest_addr_ton(Ton::International)
        .dest_addr_npi(Npi::Isdn)
        .destination_addr(COctetString::from_static_slice(b"33612345678\0").unwrap())
        .esm_class(EsmClass::from(0)) // rusmpp's default is 0x08, a delivery acknowledgement
        .registered_delivery(RegisteredDelivery::from(1))
        .data_coding(DataCoding::from(0))
        .short_message(OctetString::from_bytes(Bytes::from_static(b"Bonjour")).unwrap())
        .build();
    let command = rusmpp::Command::new(rusmpp::CommandStatus::EsmeRok, 7, theirs);
    let mut expected = vec![0; rusmpp::encode::Length::length(&command)];
    rusmpp::encode::Encode::encode(&command, &mut expected);
    assert_eq!(&ours[4..], &expected[..]);
    assert_eq!(by_rusmpp(&ours), command);
}

type Writer<'a> = Box<dyn Fn(&mut BytesMut) + 'a>;

#[test]
fn every_pdu_that_we_write_is_read_by_rusmpp() {
    let mut tlvs = BytesMut::new();
    put_tlv(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, b"abc\0");
    put_tlv(&mut tlvs, tag::MESSAGE_STATE, &[2]);
    let message = submit(b"x", &tlvs);
    let bind = Bind {
        kind: BindKind::Receiver,
        system_id: b"campanile",
        password: b"secret",
        system_type: b"",
        interface_version: 0x34,
        addr_ton: 0,
        addr_npi: 0,
        address_range: b"",
    };
    let response = BindResp {
        system_id: b"smsc",
        sc_interface_version: Some(0x34),
    };
    let ok = CommandStatus::ESME_ROK;
    let writers: [Writer<'_>; 10] = [
        Box::new(|out| message.encode_submit(out, 1)),
        Box::new(|out| message.encode_deliver(out, 1)),
        Box::new(|out| message.encode_data(out, 1)),
        Box::new(|out| encode_sm_resp(out, (CommandId::SUBMIT_SM_RESP, ok, 1), b"id-1")),
        Box::new(|out| encode_sm_resp(out, (CommandId::DELIVER_SM_RESP, ok, 1), b"")),
        Box::new(|out| encode_bind(out, 1, &bind).unwrap()),
        Box::new(|out| encode_bind_resp(out, BindKind::Receiver, (ok, 1), &response)),
        Box::new(|out| encode_empty(out, CommandId::ENQUIRE_LINK, ok, 1)),
        Box::new(|out| encode_empty(out, CommandId::UNBIND_RESP, ok, 1)),
        Box::new(|out| encode_empty(out, CommandId::GENERIC_NACK, CommandStatus::ESME_RINVCMDLEN, 1)),
    ];
    for write in writers {
        let mut out = BytesMut::new();
        write(&mut out);
        assert_eq!(by_rusmpp(&out).sequence_number, 1);
        decode(&out);
    }
}

#[test]
fn a_message_comes_back_as_it_went() {
    let mut out = BytesMut::new();
    let message = submit("Rendez-vous à 9 h".as_bytes(), &[0x14, 0x00, 0, 2, 1, 2]);
    message.encode_deliver(&mut out, 0x7FFF_FFFF);
    let Pdu::DeliverSm(back) = decode(&out) else {
        panic!("not a deliver_sm")
    };
    assert_eq!(back, message);
    assert_eq!(
        back.tlvs.get(0x1400),
        Some(&[1u8, 2][..]),
        "a vendor's parameter is kept"
    );
}

#[test]
fn lengths_that_cannot_be_right_are_told_from_incomplete_ones() {
    assert!(split(&[0, 0, 0], 100).unwrap().is_none());
    assert!(split(&[0, 0, 0, 16, 0, 0, 0, 0x15], 100).unwrap().is_none());
    for length in [0u32, 15, 101, u32::MAX] {
        assert_eq!(split(&length.to_be_bytes(), 100).unwrap_err().length, length);
    }
}

#[test]
fn careless_bodies_are_survived() {
    // An error response without a body, and an id without its NUL.
    let mut out = BytesMut::new();
    encode_sm_resp(
        &mut out,
        (CommandId::SUBMIT_SM_RESP, CommandStatus::ESME_RTHROTTLED, 3),
        b"",
    );
    assert_eq!(out.len(), HEADER_LENGTH);
    let Pdu::SubmitSmResp(response) = decode(&out) else {
        panic!()
    };
    assert_eq!(response.message_id, b"");
    assert_eq!(SmResp::decode(b"12345").message_id, b"12345");

    // A trailing parameter that is cut off, after a whole one.
    let tlvs = Tlvs(&[0x04, 0x27, 0, 1, 2, 0x00, 0x1E, 0, 9, b'a']);
    assert_eq!(tlvs.iter().collect::<Vec<_>>(), vec![(tag::MESSAGE_STATE, &[2u8][..])]);
    assert!(tlvs.truncated());

    // A service_type of seven characters, where five are allowed, and a text in message_payload.
    let mut payload = BytesMut::new();
    put_tlv(&mut payload, tag::MESSAGE_PAYLOAD, b"id:1 stat:DELIVRD");
    let mut out = BytesMut::new();
    Sm {
        service_type: b"SMSCSIM",
        ..submit(b"", &payload)
    }
    .encode_deliver(&mut out, 1);
    let Pdu::DeliverSm(receipt) = decode(&out) else {
        panic!()
    };
    assert_eq!(
        (receipt.service_type, receipt.text()),
        (&b"SMSCSIM"[..], &b"id:1 stat:DELIVRD"[..])
    );
}

#[test]
fn a_short_body_is_malformed_and_costs_the_next_pdu_nothing() {
    let mut out = BytesMut::new();
    submit(b"hello", &[]).encode_submit(&mut out, 1);
    let cut = out.len() as u32 - 3;
    out[..4].copy_from_slice(&cut.to_be_bytes());
    out.truncate(cut as usize);
    encode_empty(&mut out, CommandId::ENQUIRE_LINK, CommandStatus::ESME_ROK, 2);
    let first = split(&out, PDU_LENGTH_MAX).unwrap().unwrap();
    assert_eq!(first.decode().unwrap_err().field, "short_message");
    assert!(matches!(decode(&out[cut as usize..]), Pdu::EnquireLink));
}

#[test]
fn a_bind_over_the_standards_limits_is_refused_by_name() {
    let bind = Bind {
        kind: BindKind::Transceiver,
        system_id: b"campanile",
        password: &[b'x'; 65],
        system_type: b"",
        interface_version: 0x34,
        addr_ton: 0,
        addr_npi: 0,
        address_range: b"",
    };
    let refused = encode_bind(&mut BytesMut::new(), 1, &bind).unwrap_err();
    let (field, octets_max) = ("password", 64);
    assert_eq!(refused, Unencodable::Text { field, octets_max });
}

proptest! {
    #[test]
    fn any_octets_are_split_and_decoded_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..300), id in prop_oneof![0u32..12, Just(0x103), Just(0x21), 0x8000_0000u32..0x8000_000C]) {
        let mut frame = BytesMut::new();
        encode_empty(&mut frame, CommandId(id), CommandStatus::ESME_ROK, 1);
        frame.extend_from_slice(&octets);
        let length = frame.len() as u32;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        let raw = split(&frame, PDU_LENGTH_MAX).unwrap().unwrap();
        let _decoded = raw.decode();
        let _operation = raw.operation();
        let _answers = (QuerySmResp::decode(&raw), SubmitMultiResp::decode(&raw));
        let _garbage = split(&octets, PDU_LENGTH_MAX);
    }
}
