use proptest::sample::Index;
use serde_json::Value;

use super::*;

const GOLDEN: [&str; 5] = [
    include_str!("../../../tests/golden/operations-node-smpp.jsonl"),
    include_str!("../../../tests/golden/operations-net-smpp.jsonl"),
    include_str!("../../../tests/golden/smpplib.jsonl"),
    include_str!("../../../tests/golden/node-smpp.jsonl"),
    include_str!("../../../tests/golden/net-smpp.jsonl"),
];

fn golden() -> Vec<Vec<u8>> {
    let lines = GOLDEN.iter().flat_map(|file| file.lines());
    let octets = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let hex = row["hex"].as_str().unwrap().to_owned();
        let octet = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(octet).collect()
    };
    lines.map(octets).collect()
}

/// Through rusmpp, and by hand; `None`: that way does not take it.
type BothWays = (Option<String>, Option<String>);

/// What both ways make of a PDU; `None`: it does not go through rusmpp.
fn both_ways(raw: &Raw<'_>) -> Option<BothWays> {
    let (command, body) = (raw.header.command_id, raw.body);
    let shown = |strict: Option<&dyn std::fmt::Debug>| strict.map(|strict| format!("{strict:?}"));
    Some(match command {
        CommandId::DATA_SM => (
            shown(Sm::data_strictly(body).as_ref().map(|sm| sm as _)),
            shown(Sm::decode(command, body).ok().as_ref().map(|sm| sm as _)),
        ),
        CommandId::DATA_SM_RESP => (
            shown(SmResp::data_strictly(body).as_ref().map(|response| response as _)),
            shown(Some(&SmResp::decode(body))),
        ),
        CommandId::BIND_RECEIVER | CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER => {
            let Ok(Pdu::Bind(Bind { kind, .. })) = raw.decode() else {
                return None;
            };
            (
                shown(Bind::strictly(kind, body).as_ref().map(|bind| bind as _)),
                shown(Bind::leniently(command, body).ok().as_ref().map(|bind| bind as _)),
            )
        }
        CommandId::BIND_RECEIVER_RESP | CommandId::BIND_TRANSMITTER_RESP | CommandId::BIND_TRANSCEIVER_RESP => (
            shown(BindResp::strictly(body).as_ref().map(|response| response as _)),
            shown(Some(&BindResp::leniently(body))),
        ),
        CommandId::QUERY_SM_RESP => (
            shown(QuerySmResp::strictly(body).as_ref().map(|response| response as _)),
            shown(
                QuerySmResp::leniently(raw.fields())
                    .ok()
                    .as_ref()
                    .map(|response| response as _),
            ),
        ),
        CommandId::SUBMIT_MULTI_RESP => (
            shown(SubmitMultiResp::strictly(body).as_ref().map(|response| response as _)),
            shown(
                SubmitMultiResp::leniently(raw.fields())
                    .ok()
                    .as_ref()
                    .map(|response| response as _),
            ),
        ),
        CommandId::QUERY_SM | CommandId::CANCEL_SM | CommandId::REPLACE_SM | CommandId::SUBMIT_MULTI => (
            shown(raw.strict_operation().as_ref().map(|operation| operation as _)),
            shown(raw.lenient_operation()?.ok().as_ref().map(|operation| operation as _)),
        ),
        CommandId(_) => return None,
    })
}

#[test]
fn what_others_write_goes_through_rusmpp_and_means_the_same_by_hand() {
    let mut through = 0;
    for octets in golden() {
        let raw = split(&octets, PDU_LENGTH_MAX).unwrap().unwrap();
        if let Some((strict, lenient)) = both_ways(&raw) {
            assert!(strict.is_some() || raw.body.is_empty(), "{:?}", raw.header);
            assert!(strict.is_none() || strict == lenient, "{strict:?} {lenient:?}");
            through += usize::from(strict.is_some());
        }
    }
    assert!(through > 30, "{through}");
}

#[test]
fn what_the_standard_forbids_is_read_all_the_same() {
    let id = [b'7'; 80];
    let resp = QuerySmResp {
        message_id: &id,
        message_state: 2,
        ..QuerySmResp::default()
    };
    let mut out = BytesMut::new();
    resp.encode(&mut out, 1);
    let raw = split(&out, PDU_LENGTH_MAX).unwrap().unwrap();
    assert_eq!(QuerySmResp::strictly(raw.body), None);
    assert_eq!(QuerySmResp::decode(&raw), Ok(resp));
    let multi = SubmitMultiResp {
        message_id: &id,
        unsuccess: vec![Unsuccess {
            destination: Address::international("é".as_bytes()),
            status: CommandStatus::ESME_RINVDSTADR,
        }],
    };
    let mut out = BytesMut::new();
    multi.encode(&mut out, (CommandStatus::ESME_ROK, 1));
    let raw = split(&out, PDU_LENGTH_MAX).unwrap().unwrap();
    assert_eq!(SubmitMultiResp::strictly(raw.body), None);
    assert_eq!(SubmitMultiResp::decode(&raw), Ok(multi));
    let data = Sm {
        source: Address::international(b"123456789012345678901234"),
        ..Sm::default()
    };
    let mut out = BytesMut::new();
    data.encode_data(&mut out, 1);
    let raw = split(&out, PDU_LENGTH_MAX).unwrap().unwrap();
    assert_eq!(Sm::data_strictly(raw.body), None);
    assert!(matches!(raw.decode(), Ok(Pdu::DataSm(read)) if read == data));
}

#[test]
fn what_the_standard_forbids_is_not_written() {
    let mut out = BytesMut::new();
    let refused = |field, octets_max| Err(Unencodable::Text { field, octets_max });
    let long = QuerySm {
        message_id: &[b'7'; 65],
        ..QuerySm::default()
    };
    assert_eq!(long.encode(&mut out, 1), refused("message_id", 64));
    let foreign = CancelSm {
        destination: Address::international("é".as_bytes()),
        ..CancelSm::default()
    };
    assert_eq!(foreign.encode(&mut out, 1), refused("destination_addr", 20));
    let in_two = CancelSm {
        service_type: b"a\0b",
        ..CancelSm::default()
    };
    assert_eq!(in_two.encode(&mut out, 1), refused("service_type", 5));
    let soon = ReplaceSm {
        validity_period: b"soon",
        ..ReplaceSm::default()
    };
    let field = "validity_period";
    assert_eq!(soon.encode(&mut out, 1), Err(Unencodable::Time { field }));
    let wordy = ReplaceSm {
        short_message: &[b'x'; 256],
        ..ReplaceSm::default()
    };
    let (field, most) = ("short_message", 255);
    assert_eq!(wordy.encode(&mut out, 1), Err(Unencodable::Long { field, most }));
    let everybody = vec![Destination::List(b"amis"); 256];
    let field = "dest_address";
    let refused = SubmitMulti::encode(&Sm::default(), &everybody, &mut out, 1);
    assert_eq!(refused, Err(Unencodable::Long { field, most }));
    assert!(out.is_empty(), "nothing is written");
}

/// rusmpp's default of esm_class says that the message is an acknowledgement: what we do not say must be 0.
#[test]
fn every_value_of_an_octet_comes_back() {
    for octet in 0..=u8::MAX {
        let sm = Sm {
            esm_class: octet,
            priority_flag: octet,
            registered_delivery: octet,
            replace_if_present: octet,
            data_coding: octet,
            protocol_id: octet,
            sm_default_msg_id: octet,
            source: Address {
                ton: octet,
                npi: octet,
                digits: b"1",
            },
            ..Sm::default()
        };
        let mut out = BytesMut::new();
        SubmitMulti::encode(&sm, &[], &mut out, 1).unwrap();
        let raw = split(&out, PDU_LENGTH_MAX).unwrap().unwrap();
        assert_eq!(raw.strict_operation(), raw.lenient_operation().and_then(Result::ok));
        let body = [
            &[0, octet, octet][..],
            b"1\0\0",
            &[octet; 3],
            b"\0\0",
            &[octet; 4],
            &[0],
        ]
        .concat();
        assert_eq!(raw.body, body);
    }
}

proptest! {
    #[test]
    fn where_rusmpp_takes_a_body_both_ways_read_the_same(
        which in any::<Index>(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        cut in any::<Option<Index>>(),
    ) {
        let all = golden();
        let mut octets = which.get(&all).clone();
        for (place, octet) in changes {
            let place = 16 + place.index(octets.len().max(17) - 16);
            if let Some(changed) = octets.get_mut(place) {
                *changed = octet;
            }
        }
        if let Some(cut) = cut {
            octets.truncate(16 + cut.index(octets.len() - 15));
        }
        let length = (octets.len() as u32).to_be_bytes();
        octets[..4].copy_from_slice(&length);
        let raw = split(&octets, PDU_LENGTH_MAX).unwrap().unwrap();
        if let Some((Some(strict), lenient)) = both_ways(&raw) {
            prop_assert_eq!(Some(strict), lenient);
        }
    }
}
