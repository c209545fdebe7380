//! PDUs taken apart: those that other programs wrote hold what they were told to, and what is wrong with others is found.

#![allow(clippy::unwrap_used, reason = "all of this is a test, its helpers too")]

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::Value as Json;
use smpp::anatomy::{Anatomy, Field, Value, anatomy};

const CASES: [&str; 2] = [
    include_str!("golden/cases.jsonl"),
    include_str!("golden/operations.jsonl"),
];
const WRITTEN: [&str; 5] = [
    include_str!("golden/smpplib.jsonl"),
    include_str!("golden/node-smpp.jsonl"),
    include_str!("golden/net-smpp.jsonl"),
    include_str!("golden/operations-node-smpp.jsonl"),
    include_str!("golden/operations-net-smpp.jsonl"),
];

fn rows(files: &[&str]) -> Vec<Json> {
    let lines = files.iter().flat_map(|file| file.lines());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

fn golden() -> Vec<(String, Vec<u8>)> {
    let rows = rows(&WRITTEN).into_iter();
    rows.map(|row| {
        (
            row["case"].as_str().unwrap().to_owned(),
            unhex(row["hex"].as_str().unwrap()),
        )
    })
    .collect()
}

/// As the cases write it.
fn written(value: &Value) -> Json {
    match value {
        Value::Number(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Octets(octets) => octets
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect::<String>()
            .into(),
        Value::List(list) => list.len().into(),
    }
}

/// The field that the standard calls so, and the parts of an address by the names that the cases have for them.
fn found(fields: &[Field], name: &str) -> Json {
    let field = |name: &str| {
        let field = fields.iter().find(|field| field.name == name);
        field.map_or(Json::Null, |field| written(&field.value))
    };
    match name {
        "source" => [field("source_addr_ton"), field("source_addr_npi"), field("source_addr")]
            .into_iter()
            .collect(),
        "destination" => [
            field("dest_addr_ton"),
            field("dest_addr_npi"),
            field("destination_addr"),
        ]
        .into_iter()
        .collect(),
        "replace_if_present" => field("replace_if_present_flag"),
        name => field(name),
    }
}

/// What the cases write in a shape of their own; other tests hold the codec to these.
const OTHERWISE: [&str; 4] = ["tlvs", "destinations", "unsuccess", "sc_interface_version"];

#[test]
fn every_field_of_other_programs_pdus_has_its_name_and_value() {
    let cases: HashMap<String, Json> = rows(&CASES)
        .into_iter()
        .map(|case| (case["case"].as_str().unwrap().to_owned(), case))
        .collect();
    let mut compared = 0;
    for (case, octets) in golden() {
        let taken = anatomy(&octets);
        assert_eq!(taken.problems, [], "{case}");
        assert_eq!((taken.is_whole(), &taken.refusal), (true, &None), "{case}");
        let told = &cases[&case];
        assert_eq!(taken.header.unwrap().command_id.name(), told["command"], "{case}");
        for (name, value) in told["fields"].as_object().unwrap() {
            let found = found(&taken.fields, name);
            // The cases of data_sm have the fields of deliver_sm.
            let absent = found.is_null() && (taken.fields.is_empty() || told["command"] == "data_sm");
            if !absent && !OTHERWISE.contains(&name.as_str()) {
                assert_eq!(found, *value, "{case}: {name}");
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn a_receipt_and_a_part_are_read() {
    let all = golden();
    let of = |case: &str| all.iter().find(|golden| golden.0 == case).unwrap().1.as_slice();
    let receipt = anatomy(of("deliver_sm_receipt_with_parameters"));
    let said = receipt.receipt.unwrap();
    assert_eq!(
        (said.id.as_deref(), said.stat_text.as_deref()),
        (Some("0123456789"), Some("DELIVRD"))
    );
    let meanings: Vec<_> = receipt
        .parameters
        .iter()
        .map(|parameter| (parameter.name.unwrap(), parameter.meaning.as_deref()))
        .collect();
    assert!(meanings.contains(&("message_state", Some("delivered"))), "{meanings:?}");
    let part = anatomy(of("submit_sm_part")).text.unwrap();
    assert_eq!(
        part.part.map(|part| (part.reference, part.total, part.number)),
        Some((0x84, 2, 1))
    );
    assert!(part.text.starts_with("aaa"), "{}", part.text);
    let multi = anatomy(of("submit_multi"));
    assert_eq!(multi.text.unwrap().text, "Bonjour");
    let list = multi.fields.iter().find(|field| field.name == "dest_address").unwrap();
    let Value::List(destinations) = &list.value else {
        panic!("{list:?}")
    };
    assert_eq!(written(&destinations[2][1].value), "amis");
}

/// The places and words of what is wrong.
fn wrong(taken: &Anatomy<'_>) -> Vec<(String, bool)> {
    let problems = taken.problems.iter();
    problems
        .map(|problem| (problem.place.to_string(), problem.breaks))
        .collect()
}

/// Octets, the place of what is wrong, and whether they can be read all the same. DELIVER is a deliver_sm up to its
/// esm_class.
const WRONG: &str = "
0000                                                    | header                  | broken
0000000f 00000015 00000000 00000001                     | command_length          | broken
00000011 00000015 00000000 00000001                     | command_length          | broken
00000010 00000099 00000000 00000001                     | command_id              | broken
00000010 00000015 00000001 00000001                     | command_status          | read
00000010 80000015 00000300 00000001                     | command_status          | read
00000010 00000015 00000000 00000000                     | sequence_number         | read
00000010 00000015 00000000 80000000                     | sequence_number         | read
00000011 00000015 00000000 00000001 00                  | body                    | broken
00000010 80000004 00000000 00000001                     | message_id              | broken
00000012 80000004 00000000 00000001 3132                | message_id              | broken
00000020 00000005 00000000 00000001 00 0a01 333300      | source_addr_ton         | read
00000020 00000005 00000000 00000001 00 0102 333300      | source_addr_npi         | read
00000020 00000005 00000000 00000001 00 0101 c3a900      | source_addr             | read
00000020 00000005 00000000 00000001 434d5454545400      | service_type            | read
DELIVER 24                                              | esm_class               | read
DELIVER 00 00 05                                        | priority_flag           | read
DELIVER 00 00 00 3100                                   | schedule_delivery_time  | read
DELIVER 00 00 00 00 00 e0                               | registered_delivery     | read
DELIVER 00 00 00 00 00 00 02                            | replace_if_present_flag | read
DELIVER 00 00 00 00 00 00 00 0b                         | data_coding             | read
DELIVER 00 00 00 00 00 00 00 00 00 05 4142              | short_message           | broken
DELIVER 40 00 00 00 00 00 00 00 00 02 4142              | esm_class               | read
DELIVER 00 00 00 00 00 00 00 08 00 03 004142            | short_message           | read
DELIVER 00 00 00 00 00 00 00 00 00 01 41 0424 0001 42   | message_payload         | read
DELIVER 00 00 00 00 00 00 00 00 00 00 001e 0002 3132    | receipted_message_id    | read
DELIVER 00 00 00 00 00 00 00 00 00 00 001e 0002 e900    | receipted_message_id    | read
DELIVER 00 00 00 00 00 00 00 00 00 00 0427 0002 0002    | message_state           | read
DELIVER 00 00 00 00 00 00 00 00 00 00 0427 0001 0b      | message_state           | read
DELIVER 00 00 00 00 00 00 00 00 00 00 04270001020427000102 | message_state        | read
DELIVER 00 00 00 00 00 00 00 00 00 00 0427 0009 02      | message_state           | broken
DELIVER 00 00 00 00 00 00 00 00 00 00 0427 00           | parameters              | broken
DELIVER 00 00 00 00 00 00 00 00 00 00 0a00 0001 02      | 0x0A00                  | read
00000018 00000021 00000000 00000001 00 0000 00 01 03    | dest_flag               | broken
";

const DELIVER: &str = "00000040 00000005 00000000 00000001 00 0101 333300 0101 333400";

#[test]
fn what_is_wrong_is_found() {
    for line in WRONG.lines().filter(|line| !line.is_empty()) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let octets = unhex(&columns[0].replace("DELIVER", DELIVER));
        let found = wrong(&anatomy(&octets));
        let wanted = (columns[1].to_owned(), columns[2] == "broken");
        assert!(found.contains(&wanted), "{line}: {found:?}");
    }
}

#[test]
fn a_refusal_without_a_body_and_a_vendors_parameter_are_right() {
    for hex in [
        "00000010 80000004 00000058 00000001",
        "00000010 80000009 0000000e 00000001",
        "00000010 80000000 00000002 00000000",
        "00000010 80000004 00000400 00000001",
        "00000016 80000005 00000000 00000001 00 1401 0001 07",
    ] {
        let octets = unhex(hex);
        assert_eq!(anatomy(&octets).problems, [], "{hex}");
    }
}

proptest! {
    #[test]
    fn any_octets_are_taken_apart(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let taken = anatomy(&octets);
        prop_assert!(taken.header.is_some() || !taken.is_whole());
    }

    #[test]
    fn what_has_no_problem_is_taken_by_a_strict_decoder(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let all = golden();
        let mut octets = which.get(&all).1.clone();
        for (place, octet) in changes {
            let place = place.index(octets.len());
            octets[place] = octet;
        }
        let taken = anatomy(&octets);
        prop_assert!(taken.refusal.is_none() || !taken.problems.is_empty(), "{:?}", taken);
    }
}
