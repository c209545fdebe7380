//! Any octets as a stream of PDUs: each is cut off or refused, decoded or malformed, and what was decoded comes back
//! when it is written again.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use smpp::frame::{PDU_LENGTH_MAX, Pdu, Sm, split};

fuzz_target!(|stream: &[u8]| {
    let mut rest = stream;
    while let Ok(Some(raw)) = split(rest, PDU_LENGTH_MAX) {
        let length = raw.header.length as usize;
        assert_eq!(raw.body.len(), length - 16);
        match raw.decode() {
            Ok(Pdu::SubmitSm(sm)) => written_again(&sm, |sm, out| sm.encode_submit(out, 1)),
            Ok(Pdu::DeliverSm(sm)) => written_again(&sm, |sm, out| sm.encode_deliver(out, 1)),
            Ok(Pdu::DataSm(sm)) => written_again(&sm, |sm, out| sm.encode_data(out, 1)),
            Ok(_) | Err(_) => {}
        }
        rest = &rest[length..];
    }
});

fn written_again(sm: &Sm<'_>, write: impl Fn(&Sm<'_>, &mut BytesMut)) {
    let mut out = BytesMut::new();
    write(sm, &mut out);
    let raw = split(&out, PDU_LENGTH_MAX)
        .expect("a length that can be right")
        .expect("a whole PDU");
    match raw.decode().expect("what we write can be read") {
        Pdu::SubmitSm(again) | Pdu::DeliverSm(again) | Pdu::DataSm(again) => assert_eq!(&again, sm),
        _ => panic!("another command came back"),
    }
}
