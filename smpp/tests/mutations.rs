//! Golden frames and receipts with octets changed, inserted, removed and cut off: every reaction is bounded.

#![allow(clippy::unwrap_used, reason = "all of this is a test, its helpers too")]

use proptest::prelude::*;
use proptest::sample::Index;
use serde::Deserialize;
use smpp::frame::{PDU_LENGTH_MAX, Pdu, Sm, split};
use smpp::part;
use smpp::receipt;
use smpp::text;

const FRAMES: [&str; 3] = [
    include_str!("golden/smpplib.jsonl"),
    include_str!("golden/node-smpp.jsonl"),
    include_str!("golden/net-smpp.jsonl"),
];
const RECEIPTS: &str = include_str!("golden/receipts.jsonl");

#[derive(Deserialize)]
struct Frame {
    hex: String,
}

#[derive(Deserialize)]
struct Row {
    receipt: String,
}

fn frames() -> Vec<Vec<u8>> {
    let lines = FRAMES.iter().flat_map(|lines| lines.lines());
    let unhex = |hex: &str| -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    };
    lines
        .map(|line| unhex(&serde_json::from_str::<Frame>(line).unwrap().hex))
        .collect()
}

fn receipts() -> Vec<Vec<u8>> {
    RECEIPTS
        .lines()
        .map(|line| serde_json::from_str::<Row>(line).unwrap().receipt.into_bytes())
        .collect()
}

#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    CutOff(Index),
    Twice(Index),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        8 => (any::<Index>(), any::<u8>()).prop_map(|(at, octet)| Change::Set(at, octet)),
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, octet)| Change::Insert(at, octet)),
        4 => any::<Index>().prop_map(Change::Remove),
        1 => any::<Index>().prop_map(Change::CutOff),
        1 => any::<Index>().prop_map(Change::Twice),
    ];
    proptest::collection::vec(change, 0..8)
}

fn changed(mut octets: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if octets.is_empty() {
            break;
        }
        match change {
            Change::Set(at, octet) => {
                let at = at.index(octets.len());
                octets[at] = *octet;
            }
            Change::Insert(at, octet) => octets.insert(at.index(octets.len()), *octet),
            Change::Remove(at) => drop(octets.remove(at.index(octets.len()))),
            Change::CutOff(at) => octets.truncate(at.index(octets.len())),
            Change::Twice(at) => {
                let again = octets[at.index(octets.len())..].to_vec();
                octets.extend(again);
            }
        }
    }
    octets
}

/// Reads everything that a session and an engine would read of a message; no part of it may be longer than `limit`.
fn read_everything(sm: &Sm<'_>, limit: usize) -> Result<(), TestCaseError> {
    let tlvs: usize = sm.tlvs.iter().map(|(_, value)| value.len() + 4).sum();
    prop_assert!(sm.text().len() + tlvs <= 2 * limit);
    let (inbound, part) = part::user_data(sm);
    prop_assert!(inbound.len() <= sm.text().len());
    prop_assert!(part.is_none_or(|part| (1..=part.total).contains(&part.number)));
    prop_assert!(text::decode(sm.text(), sm.data_coding).chars().count() <= limit);
    if let Some(receipt) = receipt::parse(sm) {
        let fields = [
            &receipt.id,
            &receipt.tlv_id,
            &receipt.stat_text,
            &receipt.err,
            &receipt.sub,
            &receipt.dlvrd,
            &receipt.submit_date,
            &receipt.done_date,
            &receipt.text,
        ];
        // An octet that is no text becomes three.
        let total: usize = fields.into_iter().flatten().map(|field| field.len()).sum();
        prop_assert!(total <= 3 * 2 * limit);
    }
    Ok(())
}

/// Reads a stream as a session does, and stops where a session would close.
fn read_stream(mut rest: &[u8]) -> Result<(), TestCaseError> {
    while let Ok(Some(raw)) = split(rest, PDU_LENGTH_MAX) {
        let length = raw.header.length as usize;
        prop_assert!(
            (16..=rest.len()).contains(&length),
            "every PDU takes some octets, and no more than there are"
        );
        prop_assert_eq!(raw.body.len(), length - 16);
        if let Ok(Pdu::SubmitSm(sm) | Pdu::DeliverSm(sm) | Pdu::DataSm(sm)) = raw.decode() {
            read_everything(&sm, length)?;
        }
        rest = &rest[length..];
    }
    Ok(())
}

/// A few thousand, or more when `make fuzz` says so.
fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(2_000),
        ..default
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn changed_frames_are_survived(which in any::<Index>(), next in any::<Index>(), changes in changes()) {
        let frames = frames();
        let mut stream = changed(which.get(&frames).clone(), &changes);
        stream.extend_from_slice(Index::get::<Vec<u8>>(&next, &frames));
        read_stream(&stream)?;
    }

    /// The length is set right again, so that the body is what is looked at.
    #[test]
    fn changed_bodies_cost_the_next_pdu_nothing(which in any::<Index>(), next in any::<Index>(), changes in changes()) {
        let frames = frames();
        let frame = which.get(&frames);
        let body = changed(frame[16..].to_vec(), &changes);
        let mut stream = (body.len() as u32 + 16).to_be_bytes().to_vec();
        stream.extend_from_slice(&frame[4..16]);
        stream.extend_from_slice(&body);
        let length = stream.len();
        stream.extend_from_slice(Index::get::<Vec<u8>>(&next, &frames));
        read_stream(&stream)?;
        let after = split(&stream[length..], PDU_LENGTH_MAX).unwrap().unwrap();
        prop_assert!(after.decode().is_ok());
    }

    #[test]
    fn changed_receipts_are_survived(which in any::<Index>(), changes in changes(), esm_class: u8, data_coding: u8) {
        let octets = changed(which.get(&receipts()).clone(), &changes);
        let sm = Sm { esm_class, data_coding, short_message: &octets, ..Sm::default() };
        read_everything(&sm, octets.len())?;
    }
}
