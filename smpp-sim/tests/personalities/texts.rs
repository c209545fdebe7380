//! What the text of a receipt looks like: dates, stats, errors, keys and what stands between them.

use crate::personalities::case::{Case, Judged, matches};

fn digits(judged: &Judged, key: &str, length: usize) -> String {
    let date = judged.field(key);
    let plain = date.bytes().all(|digit| digit.is_ascii_digit());
    assert!(date.len() == length && plain, "{key}{date} has {length} digits");
    date
}

fn both_dates(judged: &Judged, length: usize) {
    digits(judged, "submit date:", length);
    digits(judged, "done date:", length);
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = dates();
    cases.extend(stats());
    cases.extend(errors());
    cases.extend(keys());
    cases.extend(separators());
    cases.extend(contents());
    cases
}

fn dates() -> Vec<Case> {
    vec![
        Case::of("quirks-date-8", |judged| both_dates(judged, 8)),
        Case::of("quirks-date-12", |judged| {
            both_dates(judged, 12);
            assert!(!judged.field("done date:").starts_with("20"));
        }),
        Case::of("quirks-date-12-century", |judged| {
            both_dates(judged, 12);
            assert!(judged.field("done date:").starts_with("20"));
        }),
        Case::of("quirks-date-14", |judged| {
            both_dates(judged, 14);
            assert!(judged.field("done date:").starts_with("20"));
        }),
        Case::of("quirks-date-16", |judged| {
            let date = judged.field("done date:");
            assert!(date.len() == 16 && date.ends_with("000+"), "{date}");
        }),
        Case::of("quirks-date-mixed", |judged| {
            digits(judged, "submit date:", 10);
            digits(judged, "done date:", 12);
        }),
        Case::of("quirks-date-zero", |judged| {
            assert_eq!(judged.field("done date:"), "0000000000")
        }),
        Case::of("quirks-date-month-zero", |judged| {
            let month: u8 = digits(judged, "done date:", 10)[2..4].parse().unwrap();
            assert!(month < 12);
        }),
        Case::of("quirks-date-done-before-submit", |judged| {
            let [submit, done] = ["submit date:", "done date:"].map(|key| digits(judged, key, 10));
            assert!(done < submit, "{done} < {submit}");
        }),
    ]
}

fn stats() -> Vec<Case> {
    vec![
        Case::of("quirks-stat-undeliverable", |judged| {
            assert_eq!(judged.field("stat:"), "UNDELIVERABLE")
        }),
        Case::of("quirks-stat-failed", |judged| {
            assert_eq!(judged.field("stat:"), "FAILED")
        }),
        Case::of("quirks-stat-number", |judged| assert_eq!(judged.field("stat:"), "0")),
        Case::of("quirks-stat-lower", |judged| {
            assert_eq!(judged.field("stat:"), "delivrd")
        }),
        Case::of("quirks-stat-mixed", |judged| {
            assert_eq!(judged.field("stat:"), "Delivrd")
        }),
    ]
}

fn errors() -> Vec<Case> {
    vec![
        Case::of("quirks-err-1-digit", |judged| assert_eq!(judged.field("err:"), "0")),
        Case::of("quirks-err-4-digits", |judged| assert_eq!(judged.field("err:"), "0027")),
        Case::of("quirks-err-hex", |judged| assert_eq!(judged.field("err:"), "21B")),
        Case::of("quirks-err-nul", |judged| assert_eq!(judged.field("err:"), "nul")),
        Case::of("quirks-err-empty", |judged| assert_eq!(judged.field("err:"), "")),
        Case::of("quirks-err-vendor", |judged| assert_eq!(judged.field("err:"), "4A6")),
        Case::of("quirks-err-on-delivered", |judged| {
            assert_eq!(
                (judged.field("err:"), judged.field("stat:")),
                ("002".to_owned(), "DELIVRD".to_owned())
            );
        }),
    ]
}

fn keys() -> Vec<Case> {
    vec![
        Case::of("quirks-keys-upper", |judged| {
            assert_eq!(
                (judged.field("ID:"), judged.field("STAT:")),
                (judged.answer_id().to_owned(), "DELIVRD".to_owned())
            );
        }),
        Case::of("quirks-keys-mixed", |judged| {
            assert_eq!(
                (judged.field("Dlvrd:"), judged.field("Text:")),
                ("001".to_owned(), "Bonjour".to_owned())
            );
            assert!(judged.text().contains("Done_Date:"));
        }),
        Case::of("quirks-keys-order", |judged| {
            let text = judged.text();
            assert!(
                text.starts_with("stat:DELIVRD err:000 text:Bonjour id:") && text.ends_with("dlvrd:001"),
                "{text}"
            );
        }),
        Case::of("quirks-keys-few", |judged| {
            let text = judged.text();
            assert!(
                text.ends_with("stat:DELIVRD") && !text.contains("sub:") && !text.contains("err:"),
                "{text}"
            );
        }),
        Case::of("quirks-keys-no-stat-key", |judged| {
            let text = judged.text();
            assert!(text.contains(" DELIVRD err:") && !text.contains("stat:"), "{text}");
        }),
        Case::of("quirks-keys-no-stat", |judged| {
            assert!(!judged.text().contains("stat:") && !judged.text().contains("DELIVRD"));
            assert_eq!(judged.receipt().number("smpp.message_state"), Some(2));
        }),
        Case::of("quirks-keys-hlr", |judged| {
            assert!(judged.text().ends_with("err:000 IMSI: MSC: ORN:VipNet MCCMNC:"))
        }),
        Case::of("quirks-counts-zero", |judged| {
            assert_eq!(
                (judged.field("sub:"), judged.field("dlvrd:")),
                ("000".to_owned(), "000".to_owned())
            );
        }),
        Case::of("quirks-counts-unpadded", |judged| {
            assert_eq!(
                (judged.field("sub:"), judged.field("dlvrd:")),
                ("1".to_owned(), "1".to_owned())
            );
        }),
    ]
}

fn separators() -> Vec<Case> {
    vec![
        Case::of("quirks-separators", |judged| {
            let text = judged.text();
            assert!(
                text.contains("\r\nsub:001\ndlvrd:001\tsubmit date:") && text.ends_with("Bonjour\r\n"),
                "{text:?}"
            );
        }),
        Case::of("quirks-double-spaces", |judged| {
            assert!(judged.text().contains("  stat:DELIVRD  err:000  "))
        }),
        Case::of("quirks-nul-terminated", |judged| {
            assert!(judged.text().ends_with("Bonjour\0"))
        }),
        Case::of("quirks-space-padded", |judged| {
            assert!(judged.text().ends_with("Bonjour          "))
        }),
        Case::of("quirks-garbage-before-id", |judged| {
            let id = judged.answer_id();
            let start = format!("4790000000SMSAlert^id:{id} sub:");
            assert!(judged.text().starts_with(&start), "{}", judged.text());
        }),
    ]
}

fn contents() -> Vec<Case> {
    vec![
        Case::of("quirks-forged-id", |judged| {
            assert_eq!(judged.field("id:"), judged.answer_id());
            assert!(judged.text().ends_with("text:id:666 stat:UNDELIV"));
        })
        .reading(|answer, receipt| {
            assert!(matches(answer, receipt));
            assert_eq!(receipt.stat_text.as_deref(), Some("DELIVRD"));
        }),
        Case::of("quirks-binary-text", |judged| {
            assert!(
                judged.text().ends_with("text:H\u{1b}ello\nw\u{f6}rld"),
                "{:?}",
                judged.text()
            );
        }),
        Case::of("quirks-id-and-state-text", |judged| {
            let id = judged.answer_id();
            assert_eq!(judged.text(), format!("{id} 2"));
        }),
    ]
}
