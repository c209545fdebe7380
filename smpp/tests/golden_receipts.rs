//! Receipts and ids that SMSCs sent to somebody: each field as a careful reader finds it. See golden/README.md.

#![allow(clippy::unwrap_used, reason = "all of this is a test, its helpers too")]

use bytes::BytesMut;
use serde::Deserialize;
use smpp::frame::{Sm, Tlvs, put_tlv, tag};
use smpp::receipt::{Receipt, Relation, parse, relation, same_id};

const RECEIPTS: &str = include_str!("golden/receipts.jsonl");
const MESSAGE_IDS: &str = include_str!("golden/message_ids.jsonl");

/// In a row, null is absent and the empty string present and empty.
#[derive(Debug, PartialEq, Deserialize)]
struct Row {
    receipt: String,
    id: Option<String>,
    stat: Option<String>,
    err: Option<String>,
    sub: Option<String>,
    dlvrd: Option<String>,
    submit_date: Option<String>,
    done_date: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Pair {
    submit_sm_resp_id: Option<String>,
    receipt_text_id: Option<String>,
    receipted_message_id_tlv: Option<String>,
    relation: String,
}

fn rows() -> Vec<Row> {
    RECEIPTS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn row_of(receipt_text: &str, receipt: &Receipt<'_>) -> Row {
    let owned = |field: &Option<std::borrow::Cow<'_, str>>| field.as_deref().map(str::to_owned);
    Row {
        receipt: receipt_text.to_owned(),
        id: owned(&receipt.id),
        stat: owned(&receipt.stat_text),
        err: owned(&receipt.err),
        sub: owned(&receipt.sub),
        dlvrd: owned(&receipt.dlvrd),
        submit_date: owned(&receipt.submit_date),
        done_date: owned(&receipt.done_date),
        text: owned(&receipt.text),
    }
}

#[test]
fn every_receipt_says_what_its_row_says() {
    for row in rows() {
        let sm = Sm {
            esm_class: 0x04,
            short_message: row.receipt.as_bytes(),
            ..Sm::default()
        };
        assert_eq!(row_of(&row.receipt, &parse(&sm).unwrap()), row);
    }
}

#[test]
fn every_receipt_says_the_same_in_a_payload_and_in_utf16() {
    for row in rows() {
        let mut payload = BytesMut::new();
        put_tlv(&mut payload, tag::MESSAGE_PAYLOAD, row.receipt.as_bytes());
        let in_payload = Sm {
            esm_class: 0x04,
            tlvs: Tlvs(&payload),
            ..Sm::default()
        };
        assert_eq!(row_of(&row.receipt, &parse(&in_payload).unwrap()), row);

        let utf16: Vec<u8> = row.receipt.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let in_utf16 = Sm {
            esm_class: 0x04,
            data_coding: 8,
            short_message: &utf16,
            ..Sm::default()
        };
        assert_eq!(row_of(&row.receipt, &parse(&in_utf16).unwrap()), row);
    }
}

#[test]
fn receipts_with_an_id_and_a_stat_are_known_without_esm_class() {
    for row in rows() {
        let sm = Sm {
            short_message: row.receipt.as_bytes(),
            ..Sm::default()
        };
        let third = [&row.err, &row.sub, &row.dlvrd, &row.submit_date, &row.done_date];
        let sure = row.id.is_some() && row.stat.is_some() && third.iter().any(|field| field.is_some());
        assert_eq!(parse(&sm).is_some(), sure, "{}", row.receipt);
    }
}

#[test]
fn ids_that_are_the_same_are_found_to_be() {
    for line in MESSAGE_IDS.lines() {
        let pair: Pair = serde_json::from_str(line).unwrap();
        let text_id = pair.receipt_text_id.as_deref();
        let tlv_id = pair.receipted_message_id_tlv.as_deref();
        let Some(answer) = pair.submit_sm_resp_id.as_deref() else {
            // The row knows the receipt's two ids only. These two have nothing to do with each other:
            let unrelated = pair.relation == "tlv-wins";
            if let (Some(tlv_id), Some(text_id)) = (tlv_id, text_id) {
                assert_eq!(same_id(tlv_id.as_bytes(), text_id.as_bytes()), !unrelated, "{line}");
            }
            continue;
        };
        // Schematic: such a pair is in the next test.
        if let Some(receipt) = text_id {
            assert!(same_id(answer.as_bytes(), receipt.as_bytes()), "{line}");
        }
    }
}

#[test]
fn relations_are_named() {
    let uuid = "0e999f21-84a4-4b49-9dc6-1f9aee7a0f4b";
    let plain = uuid.replace('-', "");
    let cases = [
        ("1891273321", "1891273321", Relation::Identical),
        ("1891273321\0", "1891273321   ", Relation::Identical),
        ("1d6a811", "1D6A811", Relation::Case),
        ("000024", "24", Relation::LeadingZeros),
        ("12345678", "0000000012345678", Relation::LeadingZeros),
        ("00B8BE19", "b8be19", Relation::LeadingZeros),
        ("0x14", "14", Relation::LeadingZeros),
        (uuid, plain.as_str(), Relation::Hyphens),
        (plain.as_str(), &uuid.to_uppercase(), Relation::Hyphens),
        (uuid, &uuid[..32], Relation::Truncated),
        (
            "1479978899.393701000100@1154905154",
            "1479978899.393701000100",
            Relation::Suffix,
        ),
        ("14", "20", Relation::HexToDecimal),
        ("0x14", "20", Relation::HexToDecimal),
        ("20", "14", Relation::DecimalToHex),
        ("04000000086ECD50", "288230376293190992", Relation::HexToDecimal),
        ("d2d3a04", "0221067780", Relation::HexToDecimal),
        ("0489708364", "1d305b4c", Relation::DecimalToHex),
        ("FFFFFFFFFFFFFFFFF", "295147905179352825855", Relation::HexToDecimal),
        (
            "171026125222636445993424531920",
            "2289d7eb9e873de7c7ba231d0",
            Relation::DecimalToHex,
        ),
    ];
    for (answer, receipt, wanted) in cases {
        assert_eq!(
            relation(answer.as_bytes(), receipt.as_bytes()),
            Some(wanted),
            "{answer} and {receipt}"
        );
    }
}

#[test]
fn ids_that_differ_stay_apart() {
    let pairs = [
        ("5000", "6000"),
        ("1891273321", "1891273322"),
        (
            "0e999f21-84a4-4b49-9dc6-1f9aee7a0f4b",
            "e999f21-84a4-4b49-9dc6-1f9aee7a0f4b",
        ),
        (
            "0e999f21-84a4-4b49-9dc6-1f9aee7a0f4b",
            "0e999f21-84a4-4b49-9dc6-1f9aee7a0f4c",
        ),
        ("0e999f21-84a4-4b49-9dc6-1f9aee7a0f4b", "0e999f21-84a4-4b49"),
        ("0Z12", "Z12"),
        ("1-23", "12-3"),
        ("1-23", "123"),
        ("MX-001", "MX-002"),
        ("ns:12345", "12345"),
        ("812FC7470000001B", "9308878062554710044"),
        ("", "0"),
        ("0", ""),
        ("\0", " "),
    ];
    for (answer, receipt) in pairs {
        assert_eq!(
            relation(answer.as_bytes(), receipt.as_bytes()),
            None,
            "{answer} and {receipt}"
        );
        assert_eq!(
            relation(receipt.as_bytes(), answer.as_bytes()),
            None,
            "{receipt} and {answer}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn neighbours_are_never_the_same(number in 10u128..) {
        let next = number.wrapping_add(1).max(11);
        for (one, other) in [
            (format!("{number}"), format!("{next}")),
            (format!("{number:x}"), format!("{next:x}")),
            (format!("{number:X}"), format!("{next}")),
            (format!("{number:036}"), format!("{next:032X}")),
        ] {
            proptest::prop_assert!(!same_id(one.as_bytes(), other.as_bytes()), "{} and {}", one, other);
        }
    }

    #[test]
    fn one_number_is_the_same_in_either_base(number: u128, width in 1usize..40) {
        let (decimal, hex) = (format!("{number:0width$}"), format!("{number:0width$X}"));
        proptest::prop_assert!(same_id(decimal.as_bytes(), hex.to_lowercase().as_bytes()));
        proptest::prop_assert!(same_id(hex.as_bytes(), decimal.as_bytes()));
        proptest::prop_assert!(same_id(hex.as_bytes(), number.to_string().as_bytes()));
    }

    #[test]
    fn the_same_is_the_same_both_ways(one in "[0-9a-fA-F@ -]{0,70}", other in "[0-9a-fA-F@ -]{0,70}") {
        proptest::prop_assert_eq!(same_id(one.as_bytes(), other.as_bytes()), same_id(other.as_bytes(), one.as_bytes()));
    }
}
