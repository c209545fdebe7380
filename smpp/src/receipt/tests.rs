use super::*;
use crate::frame::{Tlvs, put_tlv};
use bytes::BytesMut;

const ORDINARY: &str =
    "id:0123456789 sub:001 dlvrd:001 submit date:2509011130 done date:2509011131 stat:DELIVRD err:000 text:Bonjour";

fn sm(esm_class: u8, text: &[u8]) -> Sm<'_> {
    Sm {
        esm_class,
        short_message: text,
        ..Sm::default()
    }
}

fn tlvs(parameters: &[(u16, &[u8])]) -> BytesMut {
    let mut out = BytesMut::new();
    for (tag, value) in parameters {
        put_tlv(&mut out, *tag, value);
    }
    out
}

fn id_and_stat(text: &str) -> (Option<String>, Stat) {
    let sm = sm(0x04, text.as_bytes());
    let receipt = parse(&sm).unwrap();
    (receipt.id.map(Cow::into_owned), receipt.stat)
}

#[test]
fn an_ordinary_receipt_allocates_nothing() {
    let receipt_sm = sm(0x04, ORDINARY.as_bytes());
    let receipt = parse(&receipt_sm).unwrap();
    for field in [
        &receipt.id,
        &receipt.stat_text,
        &receipt.err,
        &receipt.submit_date,
        &receipt.done_date,
        &receipt.text,
    ] {
        assert!(matches!(field, Some(Cow::Borrowed(_))), "{field:?}");
    }
    assert_eq!((receipt.stat, receipt.is_final()), (Stat::Delivrd, true));
    assert_eq!(receipt.ids().collect::<Vec<_>>(), ["0123456789"]);
}

#[test]
fn esm_class_says_what_it_is_and_the_text_may_prove_it() {
    for esm_class in [0x04, 0x20, 0x44, 0x07, 0x08, 0x00] {
        assert!(parse(&sm(esm_class, ORDINARY.as_bytes())).is_some(), "{esm_class:#x}");
    }
    assert_eq!(parse(&sm(0x04, b"merci")).unwrap(), Receipt::default());
    for text in [
        "STOP",
        "id:5",
        "Mon id: 12 stat: bien",
        "id:1 stat:OUI err:0",
        "ID:ABC123 STAT:DELIVRD",
        "",
    ] {
        assert_eq!(parse(&sm(0x00, text.as_bytes())), None, "{text}");
    }
}

#[test]
fn a_last_state_is_final_whatever_esm_class_says_and_an_unknown_one_is_not_in_between() {
    let ends = |esm_class, stat: &str| {
        let text = format!("id:1 stat:{stat} err:000");
        parse(&sm(esm_class, text.as_bytes())).unwrap().is_final()
    };
    for esm_class in [0x04, 0x20] {
        for stat in ["DELIVRD", "UNDELIV", "EXPIRED", "DELETED", "REJECTD"] {
            assert!(ends(esm_class, stat), "{esm_class:#x} {stat}");
        }
        for stat in ["ENROUTE", "ACCEPTD", "BUFFERED"] {
            assert!(!ends(esm_class, stat), "{esm_class:#x} {stat}");
        }
    }
    assert!(ends(0x04, "UNKNOWN") && !ends(0x20, "UNKNOWN"));
}

#[test]
fn a_receipt_that_counts_all_segments_speaks_for_them() {
    for (counts, segments) in [
        ("sub:004 dlvrd:004", 4),
        ("sub:4 dlvrd:0", 4),
        ("sub:001 dlvrd:001", 1),
        ("sub:001 dlvrd:000", 1),
        ("sub:000 dlvrd:000", 1),
        ("sub:003 dlvrd:001", 1),
        ("sub:003", 1),
        ("sub:999 dlvrd:999", 1),
    ] {
        let text = format!("id:1 {counts} stat:DELIVRD");
        assert_eq!(
            parse(&sm(0x04, text.as_bytes())).unwrap().segments(),
            segments,
            "{counts}"
        );
    }
}

#[test]
fn a_receipt_of_parameters_alone() {
    let parameters = tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"38601fa\0"), (tag::MESSAGE_STATE, &[2])]);
    for esm_class in [0x00, 0x04] {
        let sm = Sm {
            esm_class,
            tlvs: Tlvs(&parameters),
            ..Sm::default()
        };
        let receipt = parse(&sm).unwrap();
        assert_eq!(
            (receipt.tlv_id.as_deref(), receipt.stat),
            (Some("38601fa"), Stat::Delivrd)
        );
    }
    let unterminated = tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"38601fa")]);
    let sm = Sm {
        tlvs: Tlvs(&unterminated),
        ..Sm::default()
    };
    assert_eq!(parse(&sm).unwrap().tlv_id.as_deref(), Some("38601fa"));
}

#[test]
fn parameters_go_before_the_text() {
    let parameters = tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"6000"), (tag::MESSAGE_STATE, &[5])]);
    let sm = Sm {
        tlvs: Tlvs(&parameters),
        ..sm(0x04, b"id:5000 stat:DELIVRD")
    };
    let receipt = parse(&sm).unwrap();
    assert_eq!(receipt.ids().collect::<Vec<_>>(), ["6000", "5000"]);
    assert_eq!(
        (receipt.stat, receipt.stat_text.as_deref()),
        (Stat::Undeliv, Some("DELIVRD"))
    );
    // A state that says nothing leaves the word to the text.
    assert_eq!(Stat::combine(Some(7), Stat::Rejectd), Stat::Rejectd);
    assert_eq!(Stat::combine(Some(9), Stat::Unknown), Stat::Skipped);
    assert_eq!(Stat::combine(Some(200), Stat::Absent), Stat::Other);
}

#[test]
fn network_error_codes_in_both_forms() {
    let cases: [(&[u8], Option<NetworkError>); 4] = [
        (
            &[3, 0, 27],
            Some(NetworkError {
                network: Some(3),
                code: 27,
            }),
        ),
        (
            b"027",
            Some(NetworkError {
                network: None,
                code: 27,
            }),
        ),
        (&[3, 0], None),
        (b"", None),
    ];
    for (value, wanted) in cases {
        let parameters = tlvs(&[(tag::NETWORK_ERROR_CODE, value)]);
        let sm = Sm {
            tlvs: Tlvs(&parameters),
            ..sm(0x04, ORDINARY.as_bytes())
        };
        assert_eq!(parse(&sm).unwrap().network_error, wanted, "{value:?}");
    }
}

#[test]
fn the_text_may_be_in_a_parameter_in_utf16_or_behind_a_header() {
    let parameters = tlvs(&[(tag::MESSAGE_PAYLOAD, ORDINARY.as_bytes())]);
    let expected = parse(&sm(0x04, ORDINARY.as_bytes())).unwrap();
    let in_payload = Sm {
        esm_class: 0x04,
        tlvs: Tlvs(&parameters),
        ..Sm::default()
    };
    assert_eq!(parse(&in_payload).as_ref(), Some(&expected));

    for data_coding in [0, 8] {
        let big: Vec<u8> = ORDINARY.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let little: Vec<u8> = ORDINARY.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for body in [
            big.as_slice(),
            &little,
            ORDINARY.as_bytes(),
            &[&[0xFE, 0xFF], big.as_slice()].concat(),
        ] {
            let sm = Sm {
                data_coding,
                ..sm(0x04, body)
            };
            assert_eq!(parse(&sm).as_ref(), Some(&expected), "{body:?}");
        }
    }

    let with_header = [&[5, 0, 3, 0x84, 1, 1], ORDINARY.as_bytes()].concat();
    assert_eq!(parse(&sm(0x44, &with_header)).as_ref(), Some(&expected));
    assert_eq!(
        parse(&sm(0x44, ORDINARY.as_bytes())).as_ref(),
        Some(&expected),
        "the flag is set, the header missing"
    );
    assert_eq!(
        parse(&sm(0x04, &with_header)).as_ref(),
        Some(&expected),
        "the header is there, the flag missing"
    );
}

#[test]
fn keys_in_every_spelling() {
    let text = "ID: 77 Sub:1 delivrd:1 Submit_Date:2509011130 DONE-DATE : 2509011131 Status:Expired error:12 TEXT:x";
    let sm = sm(0x04, text.as_bytes());
    let receipt = parse(&sm).unwrap();
    assert_eq!(receipt.id.as_deref(), Some("77"));
    assert_eq!(receipt.dlvrd.as_deref(), Some("1"));
    assert_eq!(receipt.submit_date.as_deref(), Some("2509011130"));
    assert_eq!(receipt.done_date.as_deref(), Some("2509011131"));
    assert_eq!(
        (receipt.stat, receipt.err.as_deref(), receipt.text.as_deref()),
        (Stat::Expired, Some("12"), Some("x"))
    );
    assert_eq!(
        id_and_stat("id:a1,sub:001;stat:UNDELIV|err:5"),
        (Some("a1".into()), Stat::Undeliv)
    );
    assert_eq!(
        id_and_stat("id: sub: dlvrd: stat: err: text:"),
        (Some(String::new()), Stat::Absent)
    );
}

#[test]
fn dates_are_keys_of_two_words_or_one() {
    for text in [
        "submit date:25 done date:26",
        "SubmitDate:25 DONEDATE:26 update:1 date:2",
        "submit  date:25 done_date: 26",
    ] {
        let sm = sm(0x04, text.as_bytes());
        let receipt = parse(&sm).unwrap();
        assert_eq!(
            (receipt.submit_date.as_deref(), receipt.done_date.as_deref()),
            (Some("25"), Some("26")),
            "{text}"
        );
    }
}

#[test]
fn padding_and_garbage_do_not_become_part_of_a_value() {
    for text in [
        "id:9 stat:DELIVRD\0",
        "id:9\0\0\0 stat:DELIVRD\0\0",
        "id:9 stat:DELIVRD@@@@",
        "id:9      stat:DELIVRD      ",
        "\u{1}\u{7F}^id:9\tstat:DELIVRD\r\n",
        "9 recu: id:9 stat:DELIVRD",
    ] {
        assert_eq!(id_and_stat(text), (Some("9".into()), Stat::Delivrd), "{text:?}");
    }
    let nul_terminated = format!("{ORDINARY}\0");
    let sm = sm(0x04, nul_terminated.as_bytes());
    assert_eq!(parse(&sm).unwrap().text.as_deref(), Some("Bonjour"));
}

#[test]
fn an_id_in_the_text_is_not_believed() {
    let real = Some("REAL".to_owned());
    assert_eq!(
        id_and_stat("id:REAL stat:DELIVRD text:id:FAKE stat:UNDELIV"),
        (real.clone(), Stat::Delivrd)
    );
    assert_eq!(
        id_and_stat("msgid:FAKE message_id:FAKE id:REAL stat:DELIVRD"),
        (real.clone(), Stat::Delivrd)
    );
    assert_eq!(
        id_and_stat("id:REAL id:FAKE stat:DELIVRD stat:UNDELIV"),
        (real.clone(), Stat::Delivrd)
    );
    assert_eq!(
        id_and_stat("sub:001 stat:DELIVRD err:000 text:hello id:FAKE"),
        (None, Stat::Delivrd)
    );
    // A text in the middle ends where what is still missing begins.
    assert_eq!(
        id_and_stat("id:REAL text:hello id:FAKE stat:EXPIRED err:1"),
        (real.clone(), Stat::Expired)
    );
    assert_eq!(
        id_and_stat("text:hello there id:REAL stat:EXPIRED"),
        (real, Stat::Expired)
    );
    let middle = sm(0x04, b"text:hello there id:REAL stat:EXPIRED");
    assert_eq!(parse(&middle).unwrap().text.as_deref(), Some("hello there"));
}

#[test]
fn receipts_without_any_key() {
    assert_eq!(id_and_stat("362d9701 2"), (Some("362d9701".into()), Stat::Delivrd));
    assert_eq!(id_and_stat("rendez-vous 2"), (None, Stat::Absent));
    assert_eq!(parse(&sm(0x00, b"362d9701 2")), None);
}

#[test]
fn stats_in_every_spelling() {
    let cases = [
        ("DELIVRD", Stat::Delivrd, true),
        ("Delivered", Stat::Delivrd, true),
        ("UNDELIVERABLE", Stat::Undeliv, true),
        ("FAILED", Stat::Undeliv, true),
        ("DND_REJECTED", Stat::Rejectd, true),
        ("expired", Stat::Expired, true),
        ("DELETED", Stat::Deleted, true),
        ("UNKNOWN", Stat::Unknown, true),
        ("ACCEPTED", Stat::Acceptd, false),
        ("BUFFERD", Stat::Enroute, false),
        ("ENROUTE", Stat::Enroute, false),
        ("5", Stat::Undeliv, true),
        ("0", Stat::Scheduled, false),
        ("VENDOR", Stat::Other, false),
        ("NOT_DELIVERED", Stat::Undeliv, true),
        ("UN-DELIVERED", Stat::Undeliv, true),
        ("not delivered", Stat::Undeliv, true),
        ("UNDELIVERED", Stat::Undeliv, true),
        ("DELIVERY_FAILED", Stat::Undeliv, true),
        ("DELIVERABLE", Stat::Other, false),
        ("DELIVERYPENDING", Stat::Other, false),
        ("PARTIALLY_DELIVERED", Stat::Other, false),
        ("NOT_EXPIRED", Stat::Other, false),
        ("DLVRD", Stat::Delivrd, true),
        ("Deliver", Stat::Delivrd, true),
        ("", Stat::Absent, false),
    ];
    for (word, stat, is_final) in cases {
        assert_eq!(
            (Stat::from_text(word.as_bytes()), stat.is_final()),
            (stat, is_final),
            "{word}"
        );
    }
}
