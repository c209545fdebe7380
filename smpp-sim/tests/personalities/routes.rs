//! When receipts come, how many, and on which session.

use std::collections::BTreeSet;

use smpp::frame::BindKind;

use crate::personalities::case::{Case, Judged, TEXT, field, text};

const INTERMEDIATE: u32 = 8;
const RECEIPT: u32 = 1;

/// `esm_class` type and stat of every delivery.
fn kinds(judged: &Judged) -> Vec<(u32, String)> {
    let kind = |delivery| {
        let stat = field(&text(delivery), "stat:").unwrap_or_default().to_owned();
        (delivery.number("smpp.esm.submit.msg_type").unwrap_or_default(), stat)
    };
    judged.deliveries.iter().map(kind).collect()
}

fn expect(judged: &Judged, expected: &[(u32, &str)]) {
    let expected: Vec<_> = expected.iter().map(|&(kind, stat)| (kind, stat.to_owned())).collect();
    assert_eq!(kinds(judged), expected);
}

/// Answers and receipts as (recipient's place, id).
fn ids(judged: &Judged) -> Vec<&str> {
    let answers = judged.answers.iter();
    answers
        .map(|answer| answer.get("smpp.message_id").unwrap_or_default())
        .collect()
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = orders();
    cases.extend(sessions());
    cases.extend(segments());
    cases.extend(states());
    cases.extend(unexpected());
    cases
}

fn orders() -> Vec<Case> {
    vec![
        Case::of("quirks-receipt-first", |judged| assert!(judged.early)),
        Case::of("quirks-receipt-again", |judged| {
            let [first, second] = [0, 1].map(|place| &judged.deliveries[place]);
            assert_eq!(
                first.get("smpp.receipted_message_id"),
                second.get("smpp.receipted_message_id")
            );
            assert_ne!(first.get("smpp.sequence_number"), second.get("smpp.sequence_number"));
        })
        .expecting(2, 0),
        Case::of("quirks-out-of-order", |judged| {
            let receipts: Vec<_> = judged
                .deliveries
                .iter()
                .filter_map(|receipt| receipt.get("smpp.receipted_message_id"))
                .collect();
            let answers = ids(judged);
            assert_eq!(BTreeSet::from_iter(&receipts), BTreeSet::from_iter(&answers));
            assert_ne!(receipts, answers, "some were overtaken");
        })
        .recipients(20)
        .expecting(20, 0)
        .reading(|_, receipt| assert_eq!(receipt.ids().count(), 2)),
        Case::of("quirks-days-late", |judged| {
            expect(judged, &[(RECEIPT, "DELIVRD")]);
        })
        .time_scale(1_000_000.0),
        Case::of("quirks-late-answer", |judged| expect(judged, &[(RECEIPT, "DELIVRD")])),
        Case::of("dlr-storm", |judged| {
            expect(judged, &[(RECEIPT, "DELIVRD"), (RECEIPT, "DELIVRD")]);
        })
        .time_scale(100.0)
        .expecting(2, 0),
        Case::of("quirks-redelivery", |judged| {
            let ids: BTreeSet<_> = judged
                .deliveries
                .iter()
                .map(|receipt| receipt.get("smpp.receipted_message_id"))
                .collect();
            let sequences: BTreeSet<_> = judged
                .deliveries
                .iter()
                .map(|receipt| receipt.get("smpp.sequence_number"))
                .collect();
            assert_eq!((ids.len(), sequences.len()), (1, 3), "the same receipt, three PDUs");
        })
        .time_scale(1000.0)
        .ignoring(2)
        .expecting(3, 0),
    ]
}

fn sessions() -> Vec<Case> {
    vec![
        Case::of("quirks-other-session", |judged| {
            assert_eq!(
                judged.elsewhere[0].get("smpp.receipted_message_id"),
                Some(judged.answer_id())
            );
        })
        .other(BindKind::Transceiver)
        .expecting(0, 1),
        Case::of("quirks-receiver-only", |judged| {
            assert_eq!(
                judged.elsewhere[0].get("smpp.receipted_message_id"),
                Some(judged.answer_id())
            );
        })
        .other(BindKind::Receiver)
        .expecting(0, 1),
    ]
}

fn segments() -> Vec<Case> {
    vec![
        Case::of("quirks-first-segment-only", |judged| {
            assert_eq!(judged.tlv_id(), Some(ids(judged)[0]))
        })
        .segments(3),
        Case::of("quirks-last-segment-only", |judged| {
            assert_eq!(judged.tlv_id(), Some(ids(judged)[2]))
        })
        .segments(3)
        .reading(|_, receipt| assert_eq!(receipt.ids().count(), 2)),
        Case::of("long-messages", |judged| {
            assert_eq!(judged.tlv_id(), Some(ids(judged)[3]))
        })
        .segments(4)
        .reading(|_, receipt| assert_eq!(receipt.ids().count(), 2)),
        Case::of("quirks-aggregate", |judged| {
            assert_eq!(
                (judged.field("sub:"), judged.field("dlvrd:")),
                ("004".to_owned(), "004".to_owned())
            );
            assert_eq!(judged.tlv_id(), Some(ids(judged)[0]));
            assert!(judged.text().ends_with(&String::from_utf8_lossy(TEXT).into_owned()));
        })
        .segments(4),
    ]
}

fn states() -> Vec<Case> {
    vec![
        Case::of("quirks-enroute-first", |judged| {
            expect(judged, &[(INTERMEDIATE, "ENROUTE"), (RECEIPT, "DELIVRD")]);
        })
        .expecting(2, 0),
        Case::of("quirks-enroute-in-final", |judged| {
            expect(judged, &[(RECEIPT, "ENROUTE"), (RECEIPT, "DELIVRD")]);
        })
        .expecting(2, 0),
        Case::of("quirks-accepted-first", |judged| {
            expect(judged, &[(INTERMEDIATE, "ACCEPTD"), (RECEIPT, "DELIVRD")]);
            assert_eq!(judged.receipt().number("smpp.message_state"), Some(6));
        })
        .expecting(2, 0),
        Case::of("quirks-buffered-first", |judged| {
            expect(judged, &[(INTERMEDIATE, "BUFFERD"), (RECEIPT, "DELIVRD")]);
        })
        .expecting(2, 0),
        Case::of("quirks-accepted-final", |judged| {
            expect(judged, &[(RECEIPT, "ACCEPTD")])
        }),
    ]
}

fn unexpected() -> Vec<Case> {
    vec![
        Case::of("quirks-unrequested", |judged| expect(judged, &[(RECEIPT, "DELIVRD")])).registered_delivery(0),
        Case::of("quirks-orphan", |judged| {
            assert_eq!(judged.answers[0].number("smpp.command_status"), Some(0x45));
            assert_eq!(judged.answers[0].get("smpp.message_id"), None);
            expect(judged, &[(RECEIPT, "REJECTD")]);
        })
        .reading(|answer, receipt| assert!(answer.is_empty() && receipt.ids().count() == 2)),
    ]
}
