//! Any octets as the text of a deliver_sm, with any `esm_class` and `data_coding`, and as ids.

#![no_main]

use libfuzzer_sys::fuzz_target;
use smpp::frame::{Sm, Tlvs};
use smpp::{receipt, text};

fuzz_target!(|input: (u8, u8, &[u8], &[u8])| {
    let (esm_class, data_coding, short_message, tlvs) = input;
    let sm = Sm {
        esm_class,
        data_coding,
        short_message,
        tlvs: Tlvs(tlvs),
        ..Sm::default()
    };
    assert!(text::decode(sm.text(), data_coding).chars().count() <= sm.text().len());
    assert_eq!(
        receipt::same_id(short_message, tlvs),
        receipt::same_id(tlvs, short_message)
    );
    let Some(found) = receipt::parse(&sm) else { return };
    let fields = [
        &found.id,
        &found.stat_text,
        &found.err,
        &found.sub,
        &found.dlvrd,
        &found.submit_date,
        &found.done_date,
        &found.text,
    ];
    for field in fields.into_iter().flatten() {
        // An octet that is no text becomes three.
        assert!(field.len() <= 3 * sm.text().len());
    }
    for id in found.ids() {
        assert!(!id.is_empty());
    }
});
