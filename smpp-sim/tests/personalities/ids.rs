//! What the ids look like (4.2.2 and 5.3.2.12 of SMPP 3.4 leave it open).

use crate::personalities::case::{Case, Judged, RECIPIENT};

/// Answer, text and TLV of a receipt that has all three.
fn three(judged: &Judged) -> [String; 3] {
    let tlv = judged.tlv_id().expect("a receipted_message_id").to_owned();
    [judged.answer_id().to_owned(), judged.field("id:"), tlv]
}

fn decimal(id: &str) -> u128 {
    id.parse()
        .unwrap_or_else(|error| panic!("{id} is not decimal: {error}"))
}

fn hexadecimal(id: &str) -> u128 {
    u128::from_str_radix(id, 16).unwrap_or_else(|error| panic!("{id} is not hexadecimal: {error}"))
}

fn is_upper(id: &str) -> bool {
    id.to_ascii_uppercase() == id
}

fn same(judged: &Judged) -> String {
    let [answer, text, tlv] = three(judged);
    assert_eq!((&answer, &answer), (&text, &tlv));
    answer
}

/// The answer's id, and the receipt's that is the same in text and TLV.
fn pair(judged: &Judged) -> (String, String) {
    let [answer, text, tlv] = three(judged);
    assert_eq!(text, tlv);
    (answer, text)
}

fn padded(id: &str, width: usize) {
    assert!(
        id.len() == width && id.starts_with('0'),
        "{id} is not filled up to {width} digits"
    );
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = numbers();
    cases.extend(sizes());
    cases.extend(uuids());
    cases.extend(affixes());
    cases.extend(places());
    cases
}

fn numbers() -> Vec<Case> {
    vec![
        Case::of("quirks-id-hex-upper", |judged| {
            let id = same(judged);
            assert!(is_upper(&id) && hexadecimal(&id) > 0);
        }),
        Case::of("quirks-id-hex-lower", |judged| {
            let id = same(judged);
            assert!(id.to_ascii_lowercase() == id && hexadecimal(&id) > 0);
        }),
        Case::of("quirks-id-hex-answer-decimal-receipt", |judged| {
            let (answer, receipt) = pair(judged);
            assert_eq!(hexadecimal(&answer), decimal(&receipt));
        }),
        Case::of("quirks-id-decimal-answer-hex-receipt", |judged| {
            let (answer, receipt) = pair(judged);
            assert_eq!(decimal(&answer), hexadecimal(&receipt));
        }),
        Case::of("quirks-id-padded", |judged| padded(&same(judged), 24)),
        Case::of("quirks-id-padded-receipt", |judged| {
            let (answer, receipt) = pair(judged);
            padded(&receipt, 24);
            assert!(!answer.starts_with('0') && decimal(&answer) == decimal(&receipt));
        }),
        Case::of("quirks-id-stripped-receipt", |judged| {
            let (answer, receipt) = pair(judged);
            padded(&answer, 24);
            assert!(!receipt.starts_with('0') && decimal(&answer) == decimal(&receipt));
        }),
        Case::of("quirks-id-padded-hex-receipt", |judged| {
            let (answer, receipt) = pair(judged);
            padded(&receipt, 20);
            assert_eq!(decimal(&answer), hexadecimal(&receipt));
        }),
        Case::of("quirks-id-hex-answer-padded-decimal-receipt", |judged| {
            let (answer, receipt) = pair(judged);
            padded(&receipt, 24);
            assert_eq!(hexadecimal(&answer), decimal(&receipt));
        }),
        Case::of("quirks-id-hex-case", |judged| {
            let (answer, receipt) = pair(judged);
            assert_eq!(answer.to_ascii_uppercase(), receipt);
        }),
        Case::of("quirks-id-even-hex", |judged| {
            let id = same(judged);
            assert!(id.len().is_multiple_of(2) && hexadecimal(&id) > 0);
        }),
        Case::of("quirks-id-even-hex-answer-decimal-receipt", |judged| {
            let (answer, receipt) = pair(judged);
            assert!(answer.len().is_multiple_of(2));
            assert_eq!(hexadecimal(&answer), decimal(&receipt));
        }),
    ]
}

fn sizes() -> Vec<Case> {
    vec![
        Case::of("quirks-id-over-i64", |judged| {
            let (answer, receipt) = pair(judged);
            assert_eq!(hexadecimal(&answer), decimal(&receipt));
            assert!(decimal(&receipt) > i64::MAX as u128 && decimal(&receipt) <= u128::from(u64::MAX));
        }),
        Case::of("quirks-id-over-u64", |judged| {
            let id = same(judged);
            assert!(id.len() == 20 && decimal(&id) > u128::from(u64::MAX));
        }),
        Case::of("quirks-id-digits-30", |judged| assert_eq!(same(judged).len(), 30)),
        Case::of("quirks-id-short-hex", |judged| {
            let id = same(judged);
            assert!(id.len() == 8 && is_upper(&id) && hexadecimal(&id) <= u128::from(u32::MAX));
        }),
        Case::of("quirks-id-reused", |judged| {
            let id = |place: usize| judged.answers[place].get("smpp.message_id").map(str::to_owned);
            assert_eq!(id(0), id(1000));
            assert_eq!(id(1).as_deref(), Some("000001"));
        })
        .recipients(1001)
        .expecting(1001, 0),
    ]
}

fn uuids() -> Vec<Case> {
    vec![
        Case::of("quirks-id-uuid", |judged| {
            let id = same(judged);
            let hyphens: Vec<_> = id.match_indices('-').map(|hyphen| hyphen.0).collect();
            assert_eq!((id.len(), hyphens, &id[14..15]), (36, vec![8, 13, 18, 23], "4"));
        }),
        Case::of("quirks-id-uuid-upper", |judged| {
            let id = same(judged);
            assert!(id.len() == 36 && is_upper(&id));
        }),
        Case::of("quirks-id-uuid-case", |judged| {
            let (answer, receipt) = pair(judged);
            assert!(answer != receipt && answer.to_ascii_uppercase() == receipt);
        }),
        Case::of("quirks-id-uuid-plain-tlv", |judged| {
            let [answer, text, tlv] = three(judged);
            assert_eq!((&answer, answer.replace('-', "")), (&text, tlv));
        }),
        Case::of("quirks-id-uuid-cut", |judged| {
            let (answer, receipt) = pair(judged);
            assert_eq!((answer.len(), &answer[..32]), (36, receipt.as_str()));
        }),
        Case::of("quirks-id-uuid-tlv-only", |judged| {
            assert!(!judged.text().contains("id:"));
            assert_eq!(judged.tlv_id(), Some(judged.answer_id()));
        }),
    ]
}

fn affixes() -> Vec<Case> {
    vec![
        Case::of("quirks-id-at-host", |judged| {
            assert!(same(judged).ends_with("@1154905154"))
        }),
        Case::of("quirks-id-at-host-tlv", |judged| {
            let [answer, text, tlv] = three(judged);
            assert_eq!((&answer, format!("{answer}@1154905154")), (&text, tlv));
        }),
        Case::of("quirks-id-dotted", |judged| {
            assert!(same(judged).starts_with("1479978899."))
        }),
        Case::of("quirks-id-colon", |judged| assert!(same(judged).starts_with("ns:"))),
        Case::of("quirks-id-base36", |judged| {
            let id = same(judged);
            assert!(u128::from_str_radix(&id, 36).is_ok() && id.len() < 16, "{id}");
        }),
        Case::of("quirks-id-sar", |judged| {
            let id = same(judged);
            assert!(
                id.starts_with(&format!("SAR-{RECIPIENT}-")) && id.ends_with("-2-1"),
                "{id}"
            );
        })
        .segments(2)
        .expecting(2, 0),
        Case::of("quirks-id-sar-case", |judged| {
            let (answer, receipt) = pair(judged);
            assert!(answer != receipt && answer.to_ascii_uppercase() == receipt);
        }),
    ]
}

fn places() -> Vec<Case> {
    vec![
        Case::of("quirks-id-empty-answer", |judged| {
            assert_eq!(judged.answers[0].number("smpp.command_status"), Some(0));
            assert_eq!(judged.answers[0].number("smpp.command_length"), Some(17));
            assert_eq!(judged.tlv_id(), Some(judged.field("id:").as_str()));
        })
        .reading(|answer, receipt| assert!(answer.is_empty() && receipt.ids().count() == 2)),
        Case::of("quirks-id-tlv-differs", |judged| {
            let [answer, text, tlv] = three(judged);
            assert_eq!((&answer, decimal(&answer) + 1000), (&text, decimal(&tlv)));
        }),
        Case::of("quirks-id-text-differs", |judged| {
            let [answer, text, tlv] = three(judged);
            assert_eq!((&answer, decimal(&answer) + 1000), (&tlv, decimal(&text)));
        }),
        Case::of("quirks-id-hex-tlv-padded-text", |judged| {
            let [answer, text, tlv] = three(judged);
            padded(&text, 24);
            assert_eq!((&answer, hexadecimal(&answer)), (&tlv, decimal(&text)));
        }),
        Case::of("quirks-id-tlv-only", |judged| {
            assert!(!judged.text().contains("id:"));
            assert_eq!(judged.tlv_id(), Some(judged.answer_id()));
        }),
        Case::of("quirks-id-text-only", |judged| {
            assert_eq!(judged.tlv_id(), None);
            assert_eq!(judged.field("id:"), judged.answer_id());
        }),
        Case::of("quirks-id-missing", |judged| {
            assert_eq!(judged.tlv_id(), None);
            assert!(judged.text().starts_with("sub:001"), "{}", judged.text());
        })
        .reading(|_, receipt| assert_eq!(receipt.ids().count(), 0)),
    ]
}
