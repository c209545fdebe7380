//! The PDU around a receipt: which one it is, where the text is, which parameters there are.

use crate::personalities::case::{Case, octets};

/// `smpp.esm.submit.msg_type` of a receipt, an acknowledgement, an intermediate receipt: bits 2 to 5 of `esm_class`.
const RECEIPT: u32 = 1;
const ACKNOWLEDGEMENT: u32 = 2;
const INTERMEDIATE: u32 = 8;

/// `smpp.esm.submit.features` with a user data header: bits 6 and 7.
const HEADER: u32 = 1;

const DELIVER_SM: u32 = 5;
const DATA_SM: u32 = 0x103;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = pdus();
    cases.extend(encodings());
    cases.extend(parameters());
    cases
}

fn pdus() -> Vec<Case> {
    vec![
        Case::of("quirks-data-sm", |judged| {
            let receipt = judged.receipt();
            assert_eq!(receipt.number("smpp.command_id"), Some(DATA_SM));
            assert_eq!(receipt.number("smpp.esm.submit.msg_type"), Some(RECEIPT));
            assert!(receipt.get("smpp.message_payload").is_some() && judged.text().starts_with("id:"));
        }),
        Case::of("quirks-payload", |judged| {
            let receipt = judged.receipt();
            assert_eq!(receipt.number("smpp.command_id"), Some(DELIVER_SM));
            assert_eq!(receipt.number("smpp.sm_length"), Some(0));
            assert!(receipt.get("smpp.message_payload").is_some() && judged.text().starts_with("id:"));
        }),
        Case::of("quirks-tlvs-only", |judged| {
            let receipt = judged.receipt();
            assert_eq!(
                (receipt.number("smpp.sm_length"), judged.tlv_id()),
                (Some(0), Some(judged.answer_id()))
            );
            assert_eq!(receipt.number("smpp.message_state"), Some(2));
        }),
        Case::of("quirks-text-only", |judged| {
            assert_eq!(judged.receipt().get("smpp.opt_param_tag"), None);
            assert_eq!(judged.field("id:"), judged.answer_id());
        }),
        Case::of("quirks-esm-class-0", |judged| {
            assert_eq!(judged.receipt().number("smpp.esm.submit.msg_type"), Some(0));
        }),
        Case::of("quirks-esm-class-acknowledgement", |judged| {
            assert_eq!(
                judged.receipt().number("smpp.esm.submit.msg_type"),
                Some(ACKNOWLEDGEMENT)
            );
        }),
        Case::of("quirks-esm-class-intermediate", |judged| {
            assert_eq!(judged.receipt().number("smpp.esm.submit.msg_type"), Some(INTERMEDIATE));
            assert_eq!(judged.field("stat:"), "DELIVRD");
        }),
    ]
}

fn encodings() -> Vec<Case> {
    vec![
        Case::of("quirks-ucs2-ascii", |judged| {
            assert_eq!(judged.receipt().number("smpp.data_coding"), Some(8));
            assert!(judged.text().starts_with("id:"));
        }),
        Case::of("quirks-utf16", |judged| {
            let receipt = judged.receipt();
            assert_eq!(receipt.number("smpp.data_coding"), Some(8));
            assert!(receipt.octets("smpp.message").starts_with(b"\0i\0d\0:"));
        }),
        Case::of("quirks-utf16-payload", |judged| {
            let receipt = judged.receipt();
            assert_eq!(receipt.number("smpp.sm_length"), Some(0));
            let payload = receipt.octets("smpp.message_payload");
            assert!(payload.len() > 254 && payload.starts_with(b"\0i\0d\0:"));
        }),
        Case::of("quirks-header", |judged| {
            let receipt = judged.receipt();
            assert_eq!(receipt.number("smpp.esm.submit.features"), Some(HEADER));
            assert!(octets(receipt).starts_with(&[5, 0, 3, 0x84, 1, 1, b'i', b'd', b':']));
        }),
    ]
}

fn parameters() -> Vec<Case> {
    vec![
        Case::of("quirks-network-error-text", |judged| {
            // Read as the standard has it, the first ASCII digit is the network's type and the others its error.
            let receipt = judged.receipt();
            assert_eq!(receipt.number("smpp.network_error.type"), Some(u32::from(b'0')));
            assert_eq!(receipt.number("smpp.network_error.code"), Some(0x3237));
        })
        .reading(|_, receipt| {
            assert_eq!(
                receipt.network_error.map(|error| (error.network, error.code)),
                Some((None, 27))
            )
        }),
        Case::of("quirks-tlv-id-without-nul", |judged| {
            let length = judged.receipt().number("smpp.opt_param_len");
            assert_eq!(length, Some(judged.answer_id().len() as u32));
        }),
        Case::of("quirks-tlv-vendor", |judged| {
            let tags: Vec<_> = judged.receipt().all("smpp.opt_param_tag").collect();
            assert_eq!(tags, ["0x1400", "0x001e", "0x1401", "0x0427", "0x0423", "0x060d"]);
            assert_eq!(judged.tlv_id(), Some(judged.answer_id()));
        }),
        Case::of("quirks-tlv-truncated", |judged| {
            assert!(judged.receipt().malformed, "tshark finds the last TLV cut off");
            assert!(judged.receipt().get("smpp.opt_param_tag").is_some());
        }),
        Case::of("quirks-tlv-state-skipped", |judged| {
            assert_eq!(judged.receipt().number("smpp.message_state"), Some(9));
            assert_eq!(
                (judged.field("stat:"), judged.field("err:")),
                ("UNKNOWN".to_owned(), "255".to_owned())
            );
        }),
    ]
}
