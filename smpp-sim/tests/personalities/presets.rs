//! Presets of carriers, and the magic numbers whose personalities no other case has.

use crate::personalities::case::{Case, field, text};

const RECEIPT: u32 = 1;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = presets();
    cases.extend(magic());
    cases
}

fn presets() -> Vec<Case> {
    vec![
        Case::of("preset infobip", |judged| {
            let first = judged.receipt();
            assert_eq!(first.number("smpp.esm.submit.msg_type"), Some(RECEIPT));
            assert_eq!(judged.field("stat:"), "ENROUTE");
            assert_eq!(field(&text(&judged.deliveries[1]), "stat:"), Some("DELIVRD"));
        })
        .expecting(2, 0),
        Case::of("preset link", |judged| {
            assert!(judged.text().contains(" sub:000 dlvrd:000 "))
        }),
        Case::of("preset ovh", |judged| {
            let tags: Vec<_> = judged.receipt().all("smpp.opt_param_tag").collect();
            assert_eq!(tags, ["0x001e", "0x1401", "0x1402"]);
        }),
        Case::of("preset sinch", |judged| {
            assert!(judged.answer_id().parse::<u64>().is_ok());
            assert_eq!(judged.tlv_id(), Some(judged.answer_id()));
        }),
        Case::of("preset vonage", |judged| {
            let [answer, receipt] = [judged.answer_id(), &judged.field("id:")].map(str::to_owned);
            assert_eq!(u64::from_str_radix(&answer, 16), receipt.parse());
        }),
    ]
}

fn magic() -> Vec<Case> {
    let to = |last, check| Case::of("magic", check).to(last);
    vec![
        to(929, |judged| {
            assert_eq!(judged.tlv_id(), Some(judged.answer_id().replace('-', "").as_str()))
        }),
        to(935, |judged| assert_eq!(judged.answer_id(), "")).reading(|_, receipt| assert_eq!(receipt.ids().count(), 2)),
        to(936, |judged| {
            assert_eq!(judged.receipt().number("smpp.command_id"), Some(0x103))
        }),
        to(938, |judged| {
            assert_eq!(judged.receipt().number("smpp.esm.submit.msg_type"), Some(0))
        }),
        to(940, |judged| assert_eq!(judged.field("stat:"), "UNDELIVERABLE")),
        to(942, |judged| {
            assert!(judged.receipt().octets("smpp.message").starts_with(b"\0i\0d\0:"))
        }),
        to(944, |judged| assert!(judged.receipt().malformed)),
        to(945, |judged| assert_eq!(judged.field("stat:"), "ENROUTE")).expecting(2, 0),
        to(947, |judged| {
            let [first, second] = [0, 1].map(|place| judged.deliveries[place].get("smpp.receipted_message_id"));
            assert_eq!(first, second);
        })
        .expecting(2, 0),
        to(949, |judged| {
            assert_eq!(judged.answers[0].number("smpp.command_status"), Some(0x45))
        })
        .reading(|_, receipt| assert_eq!(receipt.ids().count(), 2)),
        to(951, |judged| assert_eq!(judged.field("sub:"), "003")).segments(3),
        to(952, |judged| assert_eq!(judged.field("stat:"), "DELIVRD")).registered_delivery(0),
    ]
}
